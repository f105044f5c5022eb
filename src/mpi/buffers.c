/* Buffers of the list and the generator, which shards change: as they were before the batch. Relies on
 * group.h. */
#include "group.h"

#include <string.h>
#include <tinygrad/ops.h>

tg_tensor *tg_mpi_view(tg_tensor *flat, int64_t at, const tg_tensor *like)
{
    return tg_reshape(tg_narrow(flat, 0, at, tg_numel(like)), tg_ndim(like), tg_sizes(like));
}

tg_tensor *tg_mpi_base(const tg_mpi_group *g, const tg_mpi_item *item)
{
    return tg_mpi_view(g->lanes[item->dtype].base, item->at_base, item->t);
}

bool tg_mpi_changed(const tg_mpi_group *g, const tg_mpi_item *item)
{
    const tg_tensor *base = g->lanes[item->dtype].base;
    size_t n = (size_t)tg_numel(item->t), at = (size_t)item->at_base;
    if (!tg_is_contiguous(item->t))
        return true;
    if (item->dtype == TG_F32)
        return memcmp(tg_f32(item->t), tg_f32(base) + at, n * sizeof(float)) != 0;
    if (item->dtype == TG_F64)
        return memcmp(tg_f64(item->t), tg_f64(base) + at, n * sizeof(double)) != 0;
    return memcmp(tg_i64(item->t), tg_i64(base) + at, n * sizeof(int64_t)) != 0;
}

void tg_mpi_save(tg_mpi_group *g)
{
    for (size_t i = 0; i < g->n_items; i++) {
        if (!g->items[i].parameter)
            tg_copy_(tg_mpi_base(g, &g->items[i]), g->items[i].t);
    }
    tg_copy_(g->generator, tg_rng_state(g->tape));
}

void tg_mpi_restore(tg_mpi_group *g)
{
    if (g->stage == TG_MPI_IDLE)
        return;
    tg_mark mark = tg_tape_mark(g->tape);
    bool enabled = tg_set_grad_enabled(g->tape, false);
    for (size_t i = 0; i < g->n_items; i++) {
        const tg_mpi_item *item = &g->items[i];
        if (!item->parameter && tg_mpi_changed(g, item))
            tg_copy_(item->t, tg_mpi_base(g, item));
    }
    if (g->stage != TG_MPI_SUMMED)
        tg_set_rng_state(g->tape, g->generator);
    if (g->stage != TG_MPI_SUMMED && g->batches)
        tg_batches_narrow(g->batches, 0, g->samples);
    tg_set_grad_enabled(g->tape, enabled);
    tg_tape_rewind(g->tape, mark);
    g->stage = TG_MPI_IDLE;
}

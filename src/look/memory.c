/* What a tape's memory is used for. Relies on tensor.h. */
#include "tape/tensor.h"

#include <tinygrad/look.h>

/* All that the allocator gave. */
static size_t reserved_by(const tg_arena *arena)
{
    size_t size = 0;
    for (const tg_block *block = arena->first; block; block = block->next)
        size += block->size;
    return size;
}

tg_memory_info tg_memory(const tg_tape *tape)
{
    if (!tape)
        return (tg_memory_info){0};
    size_t objects = tg_arena_used(&tape->slots) + tg_arena_used(&tape->pass_slots) +
                     tg_arena_used(&tape->bodies);
    size_t data = tg_arena_used(&tape->data), live = objects + data - tape->heap.bytes;
    size_t reserved = 0;
    for (int i = 0; i < TG_METERED; i++)
        reserved += reserved_by(tape->meter.arenas[i]);
    tg_meter meter = tape->meter;
    tg_meter_read(&meter);
    return (tg_memory_info){.live = live,
                            .objects = objects,
                            .data = data - tape->heap.bytes,
                            .cached = reserved - live,
                            .peak = meter.peak};
}

void tg_reset_peak_memory(tg_tape *tape)
{
    if (!tape || !tg_outside(tape, "reset_peak_memory"))
        return;
    tape->meter.peak = 0;
    tg_meter_read(&tape->meter);
}

/* The largest so far, in falling order. */
typedef struct ranking {
    tg_memory_holder *out;
    size_t n, room;
} ranking;

/* Whether the tensor is listed; `before` is where one of its size would go. */
static bool find(const ranking *r, const tg_memory_holder *h, size_t *before)
{
    *before = r->n;
    for (size_t i = r->n; i > 0 && r->out[i - 1].bytes <= h->bytes; i--) {
        if (r->out[i - 1].tensor == h->tensor)
            return true;
        if (r->out[i - 1].bytes < h->bytes)
            *before = i - 1;
    }
    return false;
}

/* Lists the data that t looks at. */
static void add(ranking *r, const tg_tensor *t, const char *op, bool saved)
{
    if (!t || tg_owner_of(t)->released)
        return;
    const tg_tensor *owner = tg_handle_of(tg_owner_of(t));
    tg_memory_holder h = {owner, tg_data_size(owner), op, saved};
    size_t at;
    if (find(r, &h, &at) || at == r->room)
        return;
    if (r->n < r->room)
        r->n++;
    for (size_t i = r->n - 1; i > at; i--)
        r->out[i] = r->out[i - 1];
    r->out[at] = h;
}

size_t tg_memory_holders(const tg_tape *tape, tg_memory_holder *out, size_t k)
{
    ranking r = {.out = out, .room = out ? k : 0};
    for (const tg_record *record = tape ? tape->first : NULL; record; record = record->next) {
        const tg_node *node = &record->node;
        if (node->flags & TG_BESIDE)
            continue;
        bool made = !node->in_place && tg_owner_of(node->out) == tg_at(node->out);
        for (int i = 0; i < node->n_in; i++)
            add(&r, node->in[i], NULL, false);
        add(&r, node->out, made ? node->op->name : NULL, false);
        add(&r, node->saved, node->op->name, true);
    }
    return r.n;
}

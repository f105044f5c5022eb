/* See layout.h. Relies on the nests of kernels/. */
#include "ops/layout.h"

#include "kernels/nest.h"

const void *tg_copy_permuted(tg_node *node, const tg_tensor *x, const int *order)
{
    int64_t sizes[TG_MAX_NDIM], from[TG_MAX_NDIM], to[TG_MAX_NDIM];
    size_t size = tg_dtype_size(tg_at(x)->dtype);
    char *copy = tg_workspace(node, (size_t)tg_at(x)->numel * size);
    if (!copy)
        return NULL;
    for (int i = 0; i < tg_at(x)->ndim; i++) {
        sizes[i] = tg_at(x)->dims[order[i]];
        from[i] = tg_strides(x)[order[i]];
    }
    tg_shape_strides((tg_dims){tg_at(x)->ndim, sizes}, to);
    tgk_nest nest = {.ndim = tg_at(x)->ndim,
                     .operands = 2,
                     .sizes = sizes,
                     .data = {copy, tg_at(x)->data},
                     .strides = {to, from},
                     .size = {size, size},
                     .team = &tg_node_tape(node)->team};
    tgk_nest_run(&nest, tgk_copy_loop(size), NULL);
    return copy;
}

const void *tg_contiguous_data(tg_node *node, const tg_tensor *x)
{
    int order[TG_MAX_NDIM];
    for (int i = 0; i < tg_at(x)->ndim; i++)
        order[i] = i;
    return tg_at(x)->contiguous ? tg_at(x)->data : tg_copy_permuted(node, x, order);
}

/* --- reductions --- */

/* x seen as kept, reduced, kept dims; false where they alternate more than that. */
static bool in_order(tg_rows *rows, const tg_header *x, const bool *reduced)
{
    int64_t *const parts[] = {&rows->outer, &rows->n, &rows->inner};
    int part = 0;
    rows->outer = rows->n = rows->inner = 1;
    for (int i = 0; i < x->ndim; i++) {
        if (x->dims[i] == 1)
            continue;
        if (part < 2 && reduced[i] != (part == 1))
            part++;
        if (reduced[i] != (part == 1))
            return false;
        *parts[part] *= x->dims[i];
    }
    return true;
}

/* The reduced dims behind the others: their order. */
static void reduced_last(tg_rows *rows, const tg_header *x, const bool *reduced, int *order)
{
    int n = 0;
    rows->outer = rows->n = rows->inner = 1;
    for (int pass = 0; pass < 2; pass++) {
        for (int i = 0; i < x->ndim; i++) {
            if (reduced[i] != (pass == 1))
                continue;
            order[n++] = i;
            *(reduced[i] ? &rows->n : &rows->outer) *= x->dims[i];
        }
    }
}

void tg_rows_of(tg_rows *rows, const tg_tensor *t, const tg_tensor *out)
{
    const tg_header *x = tg_at(t);
    int order[TG_MAX_NDIM], shift = x->ndim - tg_at(out)->ndim;
    bool reduced[TG_MAX_NDIM];
    for (int i = 0; i < x->ndim; i++) {
        reduced[i] = i < shift || tg_at(out)->dims[i - shift] != x->dims[i];
        order[i] = i;
    }
    bool straight = in_order(rows, x, reduced);
    rows->data = straight && x->contiguous ? x->data : NULL;
    if (rows->data)
        return;
    if (!straight)
        reduced_last(rows, x, reduced, order);
    for (int i = 0; i < x->ndim; i++) {
        rows->sizes[i] = x->dims[order[i]];
        rows->strides[i] = tg_strides(t)[order[i]];
    }
    tg_shape_strides((tg_dims){x->ndim, rows->sizes}, rows->dense);
    size_t size = tg_dtype_size(x->dtype);
    rows->nest = (tgk_nest){.ndim = x->ndim,
                            .operands = 2,
                            .sizes = rows->sizes,
                            .data = {NULL, x->data},
                            .strides = {rows->dense, rows->strides},
                            .size = {size, size}};
}

bool tg_rows_dense(tg_node *node, tg_rows *rows, const tg_tensor *x, const tg_tensor *out)
{
    tg_rows_of(rows, x, out);
    if (rows->data)
        return true;
    size_t size = rows->nest.size[1];
    rows->nest.data[0] = tg_workspace(node, (size_t)tg_at(x)->numel * size);
    rows->nest.team = &tg_node_tape(node)->team;
    rows->data = rows->nest.data[0];
    if (rows->data)
        tgk_nest_run(&rows->nest, tgk_copy_loop(size), NULL);
    return rows->data;
}

void tg_wanted_data(const tg_node *node, unsigned wanted, int n, void **data)
{
    tg_tensor *const *out = tg_outs(node);
    for (int i = 0; i < n; i++)
        data[i] = wanted >> i & 1 ? tg_at(*out++)->data : NULL;
}

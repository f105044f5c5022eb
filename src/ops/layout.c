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

/* Tensors to loops, see map.h. Relies on the nests of kernels/. */
#include "record/map.h"

#include <string.h>

static bool all_alike(const tg_tensor *out, tg_tensor *const *in, int n)
{
    for (int i = 0; i < n; i++) {
        if (!in[i]->contiguous || in[i]->numel != out->numel)
            return false;
    }
    return out->contiguous;
}

/* One run of elements, whatever the dims. */
static void map_alike(tg_tensor *out, tg_tensor *const *in, int n, tgk_loop *loop,
                      const void *params)
{
    char *data[TGK_MAX_OPERANDS] = {out->data};
    int64_t bytes[TGK_MAX_OPERANDS] = {(int64_t)tg_dtype_size(out->dtype)};
    for (int i = 0; i < n; i++) {
        data[i + 1] = in[i]->data;
        bytes[i + 1] = (int64_t)tg_dtype_size(in[i]->dtype);
    }
    loop(out->numel, data, bytes, params);
}

void tg_map(tg_tensor *out, tg_tensor *const *in, int n, tgk_loop *loop, const void *params)
{
    if (out->numel < TGK_SHARED && all_alike(out, in, n)) {
        map_alike(out, in, n, loop, params);
        return;
    }
    tgk_nest nest = {.ndim = out->ndim,
                     .operands = n + 1,
                     .sizes = out->dims,
                     .data = {out->data},
                     .strides = {tg_strides(out)},
                     .size = {tg_dtype_size(out->dtype)},
                     .team = &tg_tape_in(out)->team};
    int64_t strides[TGK_MAX_OPERANDS][TG_MAX_NDIM];
    for (int i = 0; i < n; i++) {
        nest.data[i + 1] = in[i]->data;
        nest.size[i + 1] = tg_dtype_size(in[i]->dtype);
        nest.strides[i + 1] = strides[i];
        tg_shape_expand_strides(tg_dims_of(in[i]), tg_strides(in[i]), tg_dims_of(out), strides[i]);
    }
    tgk_nest_run(&nest, loop, params);
}

void tg_tensor_copy(tg_tensor *dst, tg_tensor *src)
{
    if (dst->contiguous && src->contiguous && dst->numel < TGK_SHARED)
        memcpy(dst->data, src->data, tg_data_size(dst));
    else
        tg_map(dst, &src, 1, tgk_copy_loop(tg_dtype_size(dst->dtype)), NULL);
}

void tg_map_node(tg_node *node, const tgk_loops *loops)
{
    tgk_loop *loop = tg_loop_of(node->out, loops[node->out->dtype]);
    tg_map(node->out, node->in, node->n_in, loop, node->params);
}

void tg_map_forward(tg_node *node)
{
    tg_map_node(node, tg_node_loops(node));
}

const void *tg_copy_permuted(tg_node *node, const tg_tensor *x, const int *order)
{
    int64_t sizes[TG_MAX_NDIM], from[TG_MAX_NDIM], to[TG_MAX_NDIM];
    size_t size = tg_dtype_size(x->dtype);
    char *copy = tg_workspace(node, (size_t)x->numel * size);
    if (!copy)
        return NULL;
    for (int i = 0; i < x->ndim; i++) {
        sizes[i] = x->dims[order[i]];
        from[i] = tg_strides(x)[order[i]];
    }
    tg_shape_strides((tg_dims){x->ndim, sizes}, to);
    tgk_nest nest = {.ndim = x->ndim,
                     .operands = 2,
                     .sizes = sizes,
                     .data = {copy, x->data},
                     .strides = {to, from},
                     .size = {size, size},
                     .team = &tg_node_tape(node)->team};
    tgk_nest_run(&nest, tgk_copy_loop(size), NULL);
    return copy;
}

const void *tg_contiguous_data(tg_node *node, const tg_tensor *x)
{
    int order[TG_MAX_NDIM];
    for (int i = 0; i < x->ndim; i++)
        order[i] = i;
    return x->contiguous ? x->data : tg_copy_permuted(node, x, order);
}

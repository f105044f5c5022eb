/* Tensors to loops, see map.h. Relies on the nests of kernels/. */
#include "record/map.h"

#include <string.h>

/* One run of elements, whatever the dims; false where it is not. */
static bool map_alike(const tg_header *out, tg_tensor *const *in, int n, tgk_loop *loop,
                      const void *params)
{
    char *data[TGK_MAX_OPERANDS] = {out->data};
    int64_t bytes[TGK_MAX_OPERANDS] = {(int64_t)tg_dtype_size(out->dtype)};
    for (int i = 0; i < n; i++) {
        const tg_header *x = tg_at(in[i]);
        if (!x->contiguous || x->numel != out->numel)
            return false;
        data[i + 1] = x->data;
        bytes[i + 1] = (int64_t)tg_dtype_size(x->dtype);
    }
    loop(out->numel, data, bytes, params);
    return true;
}

void tg_map(tg_tensor *to, tg_tensor *const *in, int n, tgk_loop *loop, const void *params)
{
    const tg_header *out = tg_at(to);
    if (out->numel < TGK_TRIED && out->contiguous && map_alike(out, in, n, loop, params))
        return;
    tgk_nest nest = {.ndim = out->ndim,
                     .operands = n + 1,
                     .sizes = out->dims,
                     .data = {out->data},
                     .strides = {tg_strides(to)},
                     .size = {tg_dtype_size(out->dtype)},
                     .team = &tg_tape_in(to)->team};
    int64_t strides[TGK_MAX_OPERANDS][TG_MAX_NDIM];
    for (int i = 0; i < n; i++) {
        const tg_header *x = tg_at(in[i]);
        nest.data[i + 1] = x->data;
        nest.size[i + 1] = tg_dtype_size(x->dtype);
        nest.strides[i + 1] = strides[i];
        tg_shape_expand_strides(tg_dims_of(in[i]), tg_strides(in[i]), tg_dims_of(to), strides[i]);
    }
    tgk_nest_run(&nest, loop, params);
}

void tg_tensor_copy(tg_tensor *dst, tg_tensor *src)
{
    if (tg_at(src)->contiguous && tg_at(dst)->numel < TGK_SHARED)
        memcpy(tg_at(dst)->data, tg_at(src)->data, tg_data_size(dst));
    else
        tg_map(dst, &src, 1, tgk_copy_loop(tg_dtype_size(tg_at(dst)->dtype)), NULL);
}

void tg_map_node(tg_node *node, const tgk_loops *loops)
{
    tgk_loop *loop = tg_loop_of(node->out, loops[tg_at(node->out)->dtype]);
    tg_map(node->out, node->in, node->n_in, loop, node->params);
}

void tg_map_forward(tg_node *node)
{
    tg_map_node(node, tg_node_loops(node));
}

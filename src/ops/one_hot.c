/* one_hot: classes to rows with a single 1. */
#include "ops/check.h"
#include "ops/layout.h"

#include <string.h>

static void one_hot_forward(tg_node *node)
{
    const tg_header *out = tg_at(node->out);
    int64_t classes = out->dims[out->ndim - 1], n = tg_at(node->in[0])->numel;
    const int64_t *index = tg_contiguous_data(node, node->in[0]);
    int64_t *rows = (int64_t *)(void *)out->data;
    if (!index)
        return;
    for (int64_t i = 0; i < n; i++) {
        if (index[i] < 0 || index[i] >= classes) {
            tg_fail(tg_node_tape(node), TG_EVALUE, "one_hot: class %lld at %lld, wanted 0 to %lld",
                    (long long)index[i], (long long)i, (long long)classes - 1);
            return;
        }
    }
    memset(rows, 0, tg_data_size(node->out));
    for (int64_t i = 0; i < n; i++)
        rows[i * classes + index[i]] = 1;
}

static const tg_op one_hot_op = {.name = "one_hot", .forward = one_hot_forward};

tg_tensor *tg_one_hot(tg_tensor *index, int64_t classes)
{
    if (!tg_check_inputs(&one_hot_op, 1, &index))
        return NULL;
    tg_tape *tape = tg_tape_in(index);
    const tg_header *x = tg_at(index);
    TG_CHECK(tape, x->dtype == TG_I64, TG_EDTYPE, "one_hot: classes are %s, wanted int64",
             tg_dtype_name(x->dtype));
    TG_CHECK(tape, classes > 0, TG_EVALUE, "one_hot: %lld classes", (long long)classes);
    TG_CHECK(tape, x->ndim < TG_MAX_NDIM, TG_ESHAPE, "one_hot: %d dims and one more", x->ndim);
    tg_shape shape = tg_shape_copy(tg_dims_of(index));
    shape.sizes[shape.ndim++] = classes;
    if (!tg_tensor_check(tape, "one_hot", tg_shape_dims(&shape), 0))
        return NULL;
    return tg_apply(&(tg_call){.op = &one_hot_op,
                               .n_in = 1,
                               .in = &index,
                               .dtype = TG_I64,
                               .ndim = shape.ndim,
                               .dims = shape.sizes});
}

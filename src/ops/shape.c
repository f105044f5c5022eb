/* Views and copies: the same elements in another shape, order or dtype. */
#include "../op.h"

#include "../kernels/loops.h"

static void reshape_backward(tg_node *node, tg_tensor *grad_out, tg_tensor **grad_in)
{
    const tg_tensor *x = node->in[0];
    grad_in[0] = tg_reshape(grad_out, x->ndim, x->dims);
}

static const tg_op reshape_op = {.name = "reshape", .backward = reshape_backward};

/* Fills in a size of -1. */
static bool infer_size(tg_tensor *x, tg_shape *to)
{
    tg_tape *tape = tg_tape_in(x);
    int unknown = -1;
    int64_t known = 1;
    for (int i = 0; i < to->ndim; i++) {
        if (to->sizes[i] != -1) {
            known *= to->sizes[i];
            continue;
        }
        TG_CHECK(tape, unknown < 0, TG_ESHAPE, "reshape: more than one size is -1 in %s",
                 tg_shape_text(tg_shape_dims(to)).chars);
        unknown = i;
    }
    if (unknown < 0)
        return true;
    TG_CHECK(tape, known != 0, TG_ESHAPE, "reshape: the -1 in %s could be any size",
             tg_shape_text(tg_shape_dims(to)).chars);
    to->sizes[unknown] = x->numel / known;
    return true;
}

static bool check_reshape(tg_tensor *x, tg_shape *to)
{
    tg_shape probe = *to;
    for (int i = 0; i < probe.ndim; i++)
        probe.sizes[i] = probe.sizes[i] == -1 ? 1 : probe.sizes[i];
    tg_tape *tape = tg_tape_in(x);
    if (!tg_tensor_check(tape, "reshape", tg_shape_dims(&probe), x->dtype))
        return false;
    tg_shape asked = *to;
    if (!infer_size(x, to))
        return false;
    int64_t strides[TG_MAX_NDIM];
    TG_CHECK(tape, tg_shape_strides(tg_shape_dims(to), strides) == x->numel, TG_ESHAPE,
             "reshape: %s has %lld elements and does not fit %s", tg_shape_of(x).chars,
             (long long)x->numel, tg_shape_text(tg_shape_dims(&asked)).chars);
    return true;
}

tg_tensor *tg_reshape(tg_tensor *x, int ndim, const int64_t *dims)
{
    if (!tg_check_inputs(&reshape_op, 1, &x))
        return NULL;
    tg_tape *tape = tg_tape_in(x);
    TG_CHECK(tape, ndim >= 0 && ndim <= TG_MAX_NDIM && (dims || !ndim), TG_ESHAPE,
             "reshape: %d dims, wanted 0 to %d", ndim, TG_MAX_NDIM);
    tg_shape to = tg_shape_copy((tg_dims){ndim, dims});
    if (!check_reshape(x, &to))
        return NULL;
    int64_t strides[TG_MAX_NDIM];
    if (tg_shape_view_strides(tg_dims_of(x), tg_strides(x), tg_shape_dims(&to), strides))
        return tg_apply_view(&reshape_op, x, tg_shape_dims(&to), strides);
    tg_mark start = tg_tape_mark(tape);
    tg_shape_strides(tg_shape_dims(&to), strides);
    x = tg_contiguous(x);
    return tg_all_or_nothing(tape, start,
                             x ? tg_apply_view(&reshape_op, x, tg_shape_dims(&to), strides) : NULL);
}

typedef struct dim_pair {
    int a, b;
} dim_pair;

static void transpose_backward(tg_node *node, tg_tensor *grad_out, tg_tensor **grad_in)
{
    const dim_pair *pair = node->params;
    grad_in[0] = tg_transpose(grad_out, pair->a, pair->b);
}

static const tg_op transpose_op = {.name = "transpose", .backward = transpose_backward};

static void swap(int64_t *values, int a, int b)
{
    int64_t value = values[a];
    values[a] = values[b];
    values[b] = value;
}

tg_tensor *tg_transpose(tg_tensor *x, int dim0, int dim1)
{
    if (!tg_check_inputs(&transpose_op, 1, &x))
        return NULL;
    dim_pair pair = {tg_shape_dim(x->ndim, dim0), tg_shape_dim(x->ndim, dim1)};
    TG_CHECK(tg_tape_in(x), pair.a >= 0 && pair.b >= 0, TG_EVALUE,
             "transpose: there are no dims %d and %d in %s", dim0, dim1, tg_shape_of(x).chars);
    tg_shape sizes = tg_shape_copy(tg_dims_of(x));
    tg_shape strides = tg_shape_copy((tg_dims){x->ndim, tg_strides(x)});
    if (x->ndim) {
        swap(sizes.sizes, pair.a, pair.b);
        swap(strides.sizes, pair.a, pair.b);
    }
    return tg_apply(&(tg_call){.op = &transpose_op,
                               .n_in = 1,
                               .in = &x,
                               .dtype = x->dtype,
                               .ndim = x->ndim,
                               .dims = sizes.sizes,
                               .params = &pair,
                               .params_size = sizeof pair,
                               .view_of = x,
                               .strides = strides.sizes});
}

static const tg_op detach_op = {.name = "detach"};

tg_tensor *tg_detach(tg_tensor *x)
{
    if (!tg_check_inputs(&detach_op, 1, &x))
        return NULL;
    return tg_apply_view(&detach_op, x, tg_dims_of(x), tg_strides(x));
}

static void contiguous_forward(tg_node *node)
{
    tg_tensor_copy(node->out, node->in[0]);
}

static void contiguous_backward(tg_node *node, tg_tensor *grad_out, tg_tensor **grad_in)
{
    (void)node;
    grad_in[0] = grad_out;
}

static const tg_op contiguous_op = {
    .name = "contiguous", .forward = contiguous_forward, .backward = contiguous_backward};

tg_tensor *tg_contiguous(tg_tensor *x)
{
    if (!tg_check_inputs(&contiguous_op, 1, &x))
        return NULL;
    return x->contiguous ? x : tg_apply_like(&contiguous_op, x);
}

/* Views of all elements in another shape or order, and contiguous copies. */
#include "ops/check.h"

static void reshape_backward(tg_node *node, tg_tensor *grad_out, tg_tensor **grad_in)
{
    const tg_tensor *x = node->in[0];
    grad_in[0] = tg_reshape(grad_out, tg_at(x)->ndim, tg_at(x)->dims);
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
    to->sizes[unknown] = tg_at(x)->numel / known;
    return true;
}

static bool check_reshape(tg_tensor *x, tg_shape *to)
{
    tg_shape probe = *to;
    for (int i = 0; i < probe.ndim; i++)
        probe.sizes[i] = probe.sizes[i] == -1 ? 1 : probe.sizes[i];
    tg_tape *tape = tg_tape_in(x);
    if (!tg_tensor_check(tape, "reshape", tg_shape_dims(&probe), tg_at(x)->dtype))
        return false;
    tg_shape asked = *to;
    if (!infer_size(x, to))
        return false;
    int64_t strides[TG_MAX_NDIM];
    TG_CHECK(tape, tg_shape_strides(tg_shape_dims(to), strides) == tg_at(x)->numel, TG_ESHAPE,
             "reshape: %s has %lld elements and does not fit %s", tg_shape_of(x).chars,
             (long long)tg_at(x)->numel, tg_shape_text(tg_shape_dims(&asked)).chars);
    return true;
}

/* The strides of a view of another shape with as many elements; false where only a copy will do. */
static bool view_strides(tg_dims from, const int64_t *strides, tg_dims to, int64_t *out)
{
    int64_t numel = tg_shape_strides(to, out);
    if (numel == 0 || tg_shape_contiguous(from, strides))
        return true;
    /* Match groups of dims with equal products, from the back; a group of `from` must lie
     * evenly. */
    int f = from.ndim - 1, t = to.ndim - 1;
    while (f >= 0) {
        int64_t stride = strides[f], chunk = from.sizes[f];
        while (f > 0 && (from.sizes[f - 1] == 1 || strides[f - 1] == chunk * stride))
            chunk *= from.sizes[--f];
        f--;
        int64_t filled = 1;
        while (t >= 0 && (filled < chunk || to.sizes[t] == 1)) {
            out[t] = filled * stride;
            filled *= to.sizes[t--];
        }
        if (filled != chunk)
            return false;
    }
    return true;
}

/* Of a copy of x. */
static tg_tensor *reshape_copy(tg_tensor *x, tg_dims to)
{
    int64_t strides[TG_MAX_NDIM];
    tg_scope scope = tg_scope_begin(tg_tape_in(x), reshape_op.name);
    x = tg_contiguous(x);
    tg_shape_strides(to, strides);
    return tg_scope_close(&scope, x ? tg_apply_view(&reshape_op, x, to, strides) : NULL);
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
    if (!view_strides(tg_dims_of(x), tg_strides(x), tg_shape_dims(&to), strides))
        return reshape_copy(x, tg_shape_dims(&to));
    return tg_apply_view(&reshape_op, x, tg_shape_dims(&to), strides);
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
    dim_pair pair = {tg_shape_dim(tg_at(x)->ndim, dim0), tg_shape_dim(tg_at(x)->ndim, dim1)};
    TG_CHECK(tg_tape_in(x), pair.a >= 0 && pair.b >= 0, TG_EVALUE,
             "transpose: there are no dims %d and %d in %s", dim0, dim1, tg_shape_of(x).chars);
    tg_shape sizes = tg_shape_copy(tg_dims_of(x));
    tg_shape strides = tg_shape_copy((tg_dims){tg_at(x)->ndim, tg_strides(x)});
    if (tg_at(x)->ndim) {
        swap(sizes.sizes, pair.a, pair.b);
        swap(strides.sizes, pair.a, pair.b);
    }
    return tg_apply(&(tg_call){.op = &transpose_op,
                               .n_in = 1,
                               .in = &x,
                               .dtype = tg_at(x)->dtype,
                               .ndim = tg_at(x)->ndim,
                               .dims = sizes.sizes,
                               .params = &pair,
                               .params_size = sizeof pair,
                               .view_of = x,
                               .strides = strides.sizes});
}

static void permute_backward(tg_node *node, tg_tensor *grad_out, tg_tensor **grad_in)
{
    const tg_shape *inverse = node->params;
    grad_in[0] = tg_permute(grad_out, inverse->ndim, inverse->sizes);
}

static const tg_op permute_op = {.name = "permute", .backward = permute_backward};

/* The order that undoes `order`; false, and the error, where that is not an order of x's dims. */
static bool invert(const tg_tensor *x, tg_dims order, tg_shape *inverse)
{
    tg_tape *tape = tg_tape_in(x);
    TG_CHECK(tape, order.ndim == tg_at(x)->ndim && (order.sizes || !order.ndim), TG_ESHAPE,
             "permute: %d dims named of %s", order.ndim, tg_shape_of(x).chars);
    bool named[TG_MAX_NDIM] = {false};
    inverse->ndim = order.ndim;
    for (int i = 0; i < order.ndim; i++) {
        bool small = order.sizes[i] >= -TG_MAX_NDIM && order.sizes[i] < TG_MAX_NDIM;
        int dim = tg_check_dim(&permute_op, x, small ? (int)order.sizes[i] : TG_MAX_NDIM);
        if (dim < 0)
            return false;
        TG_CHECK(tape, !named[dim], TG_EVALUE, "permute: dim %d is named twice", dim);
        named[dim] = true;
        inverse->sizes[dim] = i;
    }
    return true;
}

tg_tensor *tg_permute(tg_tensor *x, int ndim, const int64_t *dims)
{
    tg_shape inverse = {.ndim = 0};
    if (!tg_check_inputs(&permute_op, 1, &x) || !invert(x, (tg_dims){ndim, dims}, &inverse))
        return NULL;
    int64_t sizes[TG_MAX_NDIM], strides[TG_MAX_NDIM];
    for (int i = 0; i < ndim; i++) {
        sizes[inverse.sizes[i]] = tg_at(x)->dims[i];
        strides[inverse.sizes[i]] = tg_strides(x)[i];
    }
    return tg_apply(&(tg_call){.op = &permute_op,
                               .n_in = 1,
                               .in = &x,
                               .dtype = tg_at(x)->dtype,
                               .ndim = ndim,
                               .dims = sizes,
                               .params = &inverse,
                               .params_size = sizeof inverse,
                               .view_of = x,
                               .strides = strides});
}

static const tg_op squeeze_op = {.name = "squeeze", .backward = reshape_backward};
static const tg_op unsqueeze_op = {.name = "unsqueeze", .backward = reshape_backward};
static const tg_op flatten_op = {.name = "flatten"};

/* x without those of its dims from first to last that have size 1. */
static tg_tensor *squeeze(tg_tensor *x, int first, int last)
{
    int64_t sizes[TG_MAX_NDIM], strides[TG_MAX_NDIM];
    int n = 0;
    for (int i = 0; i < tg_at(x)->ndim; i++) {
        if (i >= first && i <= last && tg_at(x)->dims[i] == 1)
            continue;
        sizes[n] = tg_at(x)->dims[i];
        strides[n++] = tg_strides(x)[i];
    }
    return tg_apply_view(&squeeze_op, x, (tg_dims){n, sizes}, strides);
}

tg_tensor *tg_squeeze(tg_tensor *x)
{
    return tg_check_inputs(&squeeze_op, 1, &x) ? squeeze(x, 0, tg_at(x)->ndim - 1) : NULL;
}

tg_tensor *tg_squeeze_dim(tg_tensor *x, int dim)
{
    if (!tg_check_inputs(&squeeze_op, 1, &x))
        return NULL;
    dim = tg_check_dim(&squeeze_op, x, dim);
    if (dim < 0)
        return NULL;
    return tg_at(x)->ndim && tg_at(x)->dims[dim] == 1 ? squeeze(x, dim, dim) : x;
}

tg_tensor *tg_unsqueeze(tg_tensor *x, int dim)
{
    if (!tg_check_inputs(&unsqueeze_op, 1, &x))
        return NULL;
    tg_tape *tape = tg_tape_in(x);
    int n = tg_at(x)->ndim + 1, at = tg_shape_dim(n, dim);
    TG_CHECK(tape, n <= TG_MAX_NDIM, TG_ESHAPE, "unsqueeze: %s has %d dims already",
             tg_shape_of(x).chars, tg_at(x)->ndim);
    TG_CHECK(tape, at >= 0, TG_EVALUE, "unsqueeze: there is no place %d in %s", dim,
             tg_shape_of(x).chars);
    int64_t sizes[TG_MAX_NDIM], strides[TG_MAX_NDIM];
    for (int i = 0; i < n; i++) {
        sizes[i] = i == at ? 1 : tg_at(x)->dims[i - (i > at)];
        strides[i] = i == at ? 1 : tg_strides(x)[i - (i > at)];
    }
    if (at < tg_at(x)->ndim && tg_at(x)->numel) /* as torch; a dim of size 1 may have any stride */
        strides[at] = tg_at(x)->dims[at] * tg_strides(x)[at];
    return tg_apply_view(&unsqueeze_op, x, (tg_dims){n, sizes}, strides);
}

static tg_tensor *flatten(tg_tensor *x, int first, int last)
{
    first = tg_check_dim(&flatten_op, x, first);
    last = first < 0 ? -1 : tg_check_dim(&flatten_op, x, last);
    if (last < 0)
        return NULL;
    TG_CHECK(tg_tape_in(x), first <= last, TG_EVALUE, "flatten: dim %d comes after dim %d", first,
             last);
    int64_t sizes[TG_MAX_NDIM];
    int n = 0;
    for (int i = 0; i < tg_at(x)->ndim; i++) {
        if (i > first && i <= last)
            sizes[first] *= tg_at(x)->dims[i];
        else
            sizes[n++] = tg_at(x)->dims[i];
    }
    if (tg_at(x)->ndim == 0)
        sizes[n++] = 1;
    return tg_reshape(x, n, sizes);
}

tg_tensor *tg_flatten(tg_tensor *x, int first, int last)
{
    TG_IN_SCOPE(&flatten_op, flatten(x, first, last), x);
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
    return tg_at(x)->contiguous ? x : tg_apply_like(&contiguous_op, x);
}

static const tg_op clone_op = {
    .name = "clone", .forward = contiguous_forward, .backward = contiguous_backward};

tg_tensor *tg_clone(tg_tensor *x)
{
    return tg_apply_like(&clone_op, x);
}

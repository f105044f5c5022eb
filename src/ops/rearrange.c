/* Elements in another order, or several times: flip, repeat; and calls that are several others. */
#include "kernels/loops.h"
#include "ops/check.h"

#include <string.h>

/* --- flip --- */

/* Dims that are turned around, as bits. */
typedef struct turned {
    uint32_t dims;
} turned;

/* One element after the other, backwards in what is read. */
#define REVERSE(T)                                                                                 \
    TGK_INLINE void reverse_##T##_body(TGK_LOOP_PARAMETERS)                                        \
    {                                                                                              \
        if (s[0] != sizeof(T) || s[1] != -(int64_t)sizeof(T)) {                                    \
            tgk_copy_loop(sizeof(T))(n, data, s, params);                                          \
            return;                                                                                \
        }                                                                                          \
        T *out = (T *)(void *)data[0];                                                             \
        const T *in = TGK_ARRAY(T, 1) - (n - 1);                                                   \
        TGK_INDEPENDENT                                                                            \
        for (int64_t i = 0; i < n; i++)                                                            \
            out[i] = in[n - 1 - i];                                                                \
    }                                                                                              \
    TGK_LOOP_EACH_ISA(reverse_##T)

REVERSE(uint8_t);
REVERSE(uint32_t);
REVERSE(uint64_t);

static void flip_forward(tg_node *node)
{
    const turned *t = node->params;
    const tg_tensor *x = node->in[0], *out = node->out;
    size_t size = tg_dtype_size(tg_at(x)->dtype);
    int64_t strides[TG_MAX_NDIM], start = 0;
    for (int i = 0; i < tg_at(x)->ndim; i++) {
        bool back = t->dims >> i & 1;
        strides[i] = back ? -tg_strides(x)[i] : tg_strides(x)[i];
        start += back ? (tg_at(x)->dims[i] - 1) * tg_strides(x)[i] : 0;
    }
    if (tg_at(x)->numel == 0)
        return;
    tgk_nest nest = {.ndim = tg_at(x)->ndim,
                     .operands = 2,
                     .sizes = tg_at(x)->dims,
                     .data = {tg_at(out)->data, tg_at(x)->data + start * (int64_t)size},
                     .strides = {tg_strides(out), strides},
                     .size = {size, size},
                     .team = &tg_node_tape(node)->team};
    const tgk_loops loops = size == 1   ? reverse_uint8_t
                            : size == 4 ? reverse_uint32_t
                                        : reverse_uint64_t;
    tgk_nest_run(&nest, tg_loop_of(x, loops), NULL);
}

static void flip_backward(tg_node *node, tg_tensor *grad_out, tg_tensor **grad_in)
{
    grad_in[0] = tg_make(&(tg_making){{.op = node->op,
                                       .n_in = 1,
                                       .in = &grad_out,
                                       .params = node->params,
                                       .params_size = sizeof(turned)},
                                      .like = node->in[0],
                                      .gradient_of = node});
}

static const tg_op flip_op = {.name = "flip", .forward = flip_forward, .backward = flip_backward};

tg_tensor *tg_flip(tg_tensor *x, int n, const int64_t *dims)
{
    turned t = {0};
    if (!tg_check_inputs(&flip_op, 1, &x))
        return NULL;
    TG_CHECK(tg_tape_in(x), n >= 0 && (n == 0 || dims), TG_EVALUE, "flip: no list of %d dims", n);
    for (int k = 0; k < n; k++) {
        bool small = dims[k] >= -TG_MAX_NDIM && dims[k] < TG_MAX_NDIM;
        int dim = tg_check_dim(&flip_op, x, small ? (int)dims[k] : TG_MAX_NDIM);
        if (dim < 0)
            return NULL;
        TG_CHECK(tg_tape_in(x), !(t.dims >> dim & 1), TG_EVALUE, "flip: dim %d is named twice",
                 dim);
        t.dims |= (uint32_t)1 << dim;
    }
    return tg_apply(&(tg_call){.op = &flip_op,
                               .n_in = 1,
                               .in = &x,
                               .dtype = tg_at(x)->dtype,
                               .ndim = tg_at(x)->ndim,
                               .dims = tg_at(x)->dims,
                               .params = &t,
                               .params_size = sizeof t});
}

/* --- repeat --- */

static const tg_op repeat_op = {.name = "repeat"}, interleave_op = {.name = "repeat_interleave"};

/* x with a new dim before dim `at`, stretched to `times`, and joined with the next one. */
static tg_tensor *stretch(tg_tensor *x, int at, int64_t times, const tg_shape *joined)
{
    x = tg_unsqueeze(x, at);
    if (!x)
        return NULL;
    tg_shape wide = tg_shape_copy(tg_dims_of(x));
    wide.sizes[at] = times;
    return tg_reshape(tg_expand(x, wide.ndim, wide.sizes), joined->ndim, joined->sizes);
}

static bool check_times(const tg_op *op, const tg_tensor *x, int64_t times, int64_t size)
{
    TG_CHECK(tg_tape_in(x), times >= 0, TG_EVALUE, "%s: %lld times", op->name, (long long)times);
    TG_CHECK(tg_tape_in(x), size == 0 || times <= INT64_MAX / size, TG_ESHAPE,
             "%s: %lld times %lld elements overflow", op->name, (long long)times, (long long)size);
    return true;
}

static tg_tensor *repeat(tg_tensor *x, int n, const int64_t *times)
{
    tg_tape *tape = tg_tape_in(x);
    const int old = tg_at(x)->ndim;
    TG_CHECK(tape, n >= old && n <= TG_MAX_NDIM && (times || !n), TG_ESHAPE,
             "repeat: %d numbers for %s", n, tg_shape_of(x).chars);
    int64_t sizes[TG_MAX_NDIM];
    for (int i = 0; i < n; i++) {
        sizes[i] = i < n - old ? 1 : tg_at(x)->dims[i - (n - old)];
        if (!check_times(&repeat_op, x, times[i], sizes[i]))
            return NULL;
    }
    x = n == old ? x : tg_reshape(x, n, sizes);
    bool copied = false;
    for (int i = n - 1; i >= 0 && x; i--) { /* the last dim first: that copies least */
        tg_shape joined = {.ndim = n};
        memcpy(joined.sizes, tg_at(x)->dims, (size_t)n * sizeof *sizes);
        joined.sizes[i] *= times[i];
        if (times[i] != 1)
            x = stretch(x, i, times[i], &joined);
        copied |= times[i] != 1;
    }
    return copied ? x : tg_clone(x);
}

tg_tensor *tg_repeat(tg_tensor *x, int n, const int64_t *times)
{
    TG_IN_SCOPE(&repeat_op, repeat(x, n, times), x);
}

static tg_tensor *interleave(tg_tensor *x, int64_t times, int dim)
{
    dim = tg_check_dim(&interleave_op, x, dim);
    if (dim < 0)
        return NULL;
    tg_shape joined = tg_shape_copy(tg_dims_of(x));
    if (joined.ndim == 0)
        joined = (tg_shape){.ndim = 1, .sizes = {1}};
    if (!check_times(&interleave_op, x, times, joined.sizes[dim]))
        return NULL;
    joined.sizes[dim] *= times;
    return times == 1 ? tg_clone(tg_reshape(x, joined.ndim, joined.sizes))
                      : stretch(x, tg_at(x)->ndim ? dim + 1 : 0, times, &joined);
}

tg_tensor *tg_repeat_interleave(tg_tensor *x, int64_t times, int dim)
{
    TG_IN_SCOPE(&interleave_op, interleave(x, times, dim), x);
}

/* --- dims and parts --- */

static const tg_op movedim_op = {.name = "movedim"}, unflatten_op = {.name = "unflatten"},
                   split_op = {.name = "split"}, unbind_op = {.name = "unbind"};

static tg_tensor *movedim(tg_tensor *x, int from, int to)
{
    from = tg_check_dim(&movedim_op, x, from);
    to = from < 0 ? -1 : tg_check_dim(&movedim_op, x, to);
    if (to < 0)
        return NULL;
    int64_t order[TG_MAX_NDIM];
    for (int i = 0, next = 0; i < tg_at(x)->ndim; i++) {
        next += next == from;
        order[i] = i == to ? from : next++;
    }
    return tg_permute(x, tg_at(x)->ndim, order);
}

tg_tensor *tg_movedim(tg_tensor *x, int from, int to)
{
    TG_IN_SCOPE(&movedim_op, movedim(x, from, to), x);
}

static tg_tensor *unflatten(tg_tensor *x, int dim, int n, const int64_t *sizes)
{
    tg_tape *tape = tg_tape_in(x);
    TG_CHECK(tape, tg_at(x)->ndim > 0, TG_ESHAPE, "unflatten: a 0-d tensor has no dim to cut");
    dim = tg_check_dim(&unflatten_op, x, dim);
    if (dim < 0)
        return NULL;
    TG_CHECK(tape, n > 0 && sizes && tg_at(x)->ndim - 1 + n <= TG_MAX_NDIM, TG_ESHAPE,
             "unflatten: %d sizes for dim %d of %s", n, dim, tg_shape_of(x).chars);
    tg_shape shape = tg_shape_copy(tg_dims_of(x));
    memmove(shape.sizes + dim + n, shape.sizes + dim + 1,
            (size_t)(shape.ndim - dim - 1) * sizeof *sizes);
    for (int i = 0; i < n; i++)
        shape.sizes[dim + i] = sizes[i];
    return tg_reshape(x, shape.ndim - 1 + n, shape.sizes);
}

tg_tensor *tg_unflatten(tg_tensor *x, int dim, int n, const int64_t *sizes)
{
    TG_IN_SCOPE(&unflatten_op, unflatten(x, dim, n, sizes), x);
}

/* sizes NULL: selects each index instead. */
static size_t parts(const tg_op *op, tg_tensor *x, size_t n, const int64_t *sizes, int dim,
                    tg_tensor **out)
{
    tg_tape *tape = tg_tape_in(x);
    TG_CHECK(tape, tg_at(x)->ndim > 0, TG_ESHAPE, "%s: a 0-d tensor has no dim to cut", op->name);
    dim = tg_check_dim(op, x, dim);
    if (dim < 0)
        return 0;
    int64_t size = tg_at(x)->dims[dim], at = 0;
    TG_CHECK(tape, out || n == 0, TG_EVALUE, "%s: no room for the results", op->name);
    for (size_t i = 0; i < n; i++) {
        out[i] = sizes ? tg_narrow(x, dim, at, sizes[i]) : tg_select(x, dim, at);
        if (!out[i])
            return 0;
        at += sizes ? sizes[i] : 1;
    }
    TG_CHECK(tape, at == size, TG_ESHAPE, "%s: %lld elements of %lld in dim %d of %s", op->name,
             (long long)at, (long long)size, dim, tg_shape_of(x).chars);
    return n;
}

static size_t in_parts(const tg_op *op, tg_tensor *x, size_t n, const int64_t *sizes, int dim,
                       tg_tensor **out)
{
    tg_scope scope;
    if (!tg_scope_open(&scope, op, 1, &x))
        return 0;
    n = parts(op, x, n, sizes, dim, out);
    tg_scope_close(&scope, n ? x : NULL);
    return n;
}

size_t tg_split(tg_tensor *x, size_t n, const int64_t *sizes, int dim, tg_tensor **out)
{
    static const int64_t none = 0;
    return in_parts(&split_op, x, sizes ? n : 0, sizes ? sizes : &none, dim, out);
}

size_t tg_unbind(tg_tensor *x, size_t n, int dim, tg_tensor **out)
{
    return in_parts(&unbind_op, x, n, NULL, dim, out);
}

/* Elements in another order, several times, or along a diagonal. */
#include "kernels/places.h"
#include "ops/check.h"

#include <string.h>

/* --- flip --- */

/* Dims that are turned around, as bits. */
typedef struct turned {
    uint32_t dims;
} turned;

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
    tgk_nest_run(&nest, tgk_reverse_loop(tg_node_tape(node)->isa, size), NULL);
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

/* --- diagonals: every so-manieth element of a matrix that is one row --- */

static const tg_op diagonal_op = {.name = "diagonal"}, diag_op = {.name = "diag"};

/* Where the diagonal of a matrix begins in its rows, and one behind where it ends. */
static void find_diagonal(int64_t offset, int64_t rows, int64_t columns, int64_t bounds[2])
{
    int64_t right = offset > 0 ? offset : 0, down = offset < 0 ? -offset : 0;
    int64_t width = columns - right, height = rows - down, length = width < height ? width : height;
    bounds[0] = length > 0 ? down * columns + right : 0;
    bounds[1] = length > 0 ? bounds[0] + (length - 1) * (columns + 1) + 1 : 0;
}

static tg_tensor *diagonal(tg_tensor *x, int64_t offset, int dim0, int dim1)
{
    tg_tape *tape = tg_tape_in(x);
    const int n = tg_at(x)->ndim;
    TG_CHECK(tape, n >= 2, TG_ESHAPE, "diagonal: input %s, wanted at least 2 dims",
             tg_shape_of(x).chars);
    dim0 = tg_check_dim(&diagonal_op, x, dim0);
    dim1 = dim0 < 0 ? -1 : tg_check_dim(&diagonal_op, x, dim1);
    if (dim1 < 0)
        return NULL;
    TG_CHECK(tape, dim0 != dim1, TG_EVALUE, "diagonal: dim %d is named twice", dim0);
    tg_shape order = {.ndim = 0}, flat = {.ndim = n - 1};
    for (int i = 0; i < n; i++) {
        if (i != dim0 && i != dim1) {
            flat.sizes[order.ndim] = tg_at(x)->dims[i];
            order.sizes[order.ndim++] = i;
        }
    }
    order.sizes[n - 2] = dim0;
    order.sizes[n - 1] = dim1;
    int64_t rows = tg_at(x)->dims[dim0], columns = tg_at(x)->dims[dim1], bounds[2];
    offset = offset > columns ? columns : offset < -rows ? -rows : offset;
    find_diagonal(offset, rows, columns, bounds);
    flat.sizes[n - 2] = rows * columns;
    x = tg_reshape(tg_permute(x, n, order.sizes), n - 1, flat.sizes);
    return x ? tg_slice(x, -1, bounds[0], bounds[1], columns + 1) : NULL;
}

tg_tensor *tg_diagonal(tg_tensor *x, int64_t offset, int dim0, int dim1)
{
    TG_IN_SCOPE(&diagonal_op, diagonal(x, offset, dim0, dim1), x);
}

static tg_tensor *diag(tg_tensor *x, int64_t offset)
{
    tg_tape *tape = tg_tape_in(x);
    TG_CHECK(tape, tg_at(x)->ndim == 1 || tg_at(x)->ndim == 2, TG_ESHAPE,
             "diag: input %s, wanted 1 or 2 dims", tg_shape_of(x).chars);
    if (tg_at(x)->ndim == 2)
        return diagonal(x, offset, 0, 1);
    const int64_t most = INT32_MAX, length = tg_at(x)->dims[0];
    TG_CHECK(tape, length <= most && offset >= -most && offset <= most, TG_ESHAPE,
             "diag: diagonal %lld of %lld elements is too large", (long long)offset,
             (long long)length);
    int64_t n = length + (offset < 0 ? -offset : offset), bounds[2];
    find_diagonal(offset, n, n, bounds);
    tg_tensor *zeros = tg_zeros(tape, 1, (int64_t[]){n * n}, tg_at(x)->dtype);
    zeros = zeros ? tg_slice_scatter(zeros, x, 0, bounds[0], bounds[1], n + 1) : NULL;
    return tg_reshape(zeros, 2, (int64_t[]){n, n});
}

tg_tensor *tg_diag(tg_tensor *x, int64_t offset)
{
    TG_IN_SCOPE(&diag_op, diag(x, offset), x);
}

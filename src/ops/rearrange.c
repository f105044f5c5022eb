/* Elements in another order, several times, or along a diagonal. */
#include "kernels/places.h"
#include "ops/arithmetic.h"
#include "ops/layout.h"

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
    grad_in[0] = tg_gradient_of(node, 0, node->op, 1, &grad_out, node->params, sizeof(turned));
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
    return tg_apply_as_first(&flip_op, 1, &x, &t, sizeof t);
}

/* --- repeat, repeat_interleave --- */

typedef struct repetition {
    int64_t times, block; /* so many elements are repeated together */
} repetition;

static tgk_repeat repeat_of(const tg_node *node, const tg_tensor *once)
{
    const repetition *p = node->params;
    return (tgk_repeat){.outer = tg_at(once)->numel ? tg_at(once)->numel / p->block : 0,
                        .times = p->times,
                        .block = p->block};
}

static void repeat_forward(tg_node *node)
{
    tgk_repeat r = repeat_of(node, node->in[0]);
    r.once = (void *)(uintptr_t)tg_contiguous_data(node, node->in[0]);
    r.many = tg_at(node->out)->data;
    if (r.once)
        tgk_repeat_read(&tg_node_tape(node)->team, tg_dtype_size(tg_at(node->out)->dtype), &r);
}

static void add_up_forward(tg_node *node)
{
    tgk_repeat r = repeat_of(node, node->out);
    r.many = (void *)(uintptr_t)tg_contiguous_data(node, node->in[0]);
    r.once = tg_at(node->out)->data;
    if (r.many)
        tgk_repeat_add(&tg_node_tape(node)->team, tg_at(node->out)->dtype, &r);
}

static void repeat_backward(tg_node *node, tg_tensor *grad_out, tg_tensor **grad_in);
static void add_up_backward(tg_node *node, tg_tensor *grad_out, tg_tensor **grad_in);

static const tg_op repeat_op = {
    .name = "repeat", .forward = repeat_forward, .backward = repeat_backward};
static const tg_op add_up_op = {
    .name = "repeat_backward", .forward = add_up_forward, .backward = add_up_backward};
static const tg_op interleave_op = {
    .name = "repeat_interleave", .forward = repeat_forward, .backward = repeat_backward};

static tg_tensor *gradient(tg_node *node, const tg_op *op, tg_tensor *g)
{
    return tg_make(&(tg_making){
        {.op = op, .n_in = 1, .in = &g, .params = node->params, .params_size = sizeof(repetition)},
        .like = node->in[0],
        .gradient_of = node});
}

static void repeat_backward(tg_node *node, tg_tensor *grad_out, tg_tensor **grad_in)
{
    grad_in[0] = gradient(node, &add_up_op, grad_out);
}

static void add_up_backward(tg_node *node, tg_tensor *grad_out, tg_tensor **grad_in)
{
    grad_in[0] = gradient(node, &repeat_op, grad_out);
}

/* Along dim `dim` of x seen in that shape. */
static tg_tensor *repeated(const tg_op *op, tg_tensor *x, tg_shape shape, int dim, int64_t times)
{
    tg_tape *tape = tg_tape_in(x);
    int64_t size = shape.sizes[dim];
    TG_CHECK(tape, times >= 0, TG_EVALUE, "%s: %lld times", op->name, (long long)times);
    TG_CHECK(tape, size == 0 || times <= INT64_MAX / size, TG_ESHAPE,
             "%s: %lld times %lld elements overflow", op->name, (long long)times, (long long)size);
    repetition p = {times, 1};
    for (int i = op == &interleave_op ? dim + 1 : dim; i < shape.ndim; i++)
        p.block *= shape.sizes[i];
    shape.sizes[dim] *= times;
    if (!tg_tensor_check(tape, op->name, tg_shape_dims(&shape), 0))
        return NULL;
    return tg_apply(&(tg_call){.op = op,
                               .n_in = 1,
                               .in = &x,
                               .dtype = tg_at(x)->dtype,
                               .ndim = shape.ndim,
                               .dims = shape.sizes,
                               .params = &p,
                               .params_size = sizeof p});
}

static tg_tensor *repeat(tg_tensor *x, int n, const int64_t *times)
{
    const int more = n - tg_at(x)->ndim;
    TG_CHECK(tg_tape_in(x), more >= 0 && n <= TG_MAX_NDIM && (times || !n), TG_ESHAPE,
             "repeat: %d numbers for %s", n, tg_shape_of(x).chars);
    tg_shape shape = {.ndim = n};
    for (int i = 0; i < n; i++)
        shape.sizes[i] = i < more ? 1 : tg_at(x)->dims[i - more];
    tg_tensor *y = NULL;
    for (int i = n - 1; i >= 0; i--) { /* the last dim first: that copies least */
        if (times[i] == 1 && (i || y))
            continue;
        y = repeated(&repeat_op, y ? y : x, shape, i, times[i]);
        if (!y)
            return NULL;
        shape.sizes[i] *= times[i];
    }
    return n ? y : tg_clone(x);
}

tg_tensor *tg_repeat(tg_tensor *x, int n, const int64_t *times)
{
    TG_IN_SCOPE(&repeat_op, repeat(x, n, times), x);
}

tg_tensor *tg_repeat_interleave(tg_tensor *x, int64_t times, int dim)
{
    if (!tg_check_inputs(&interleave_op, 1, &x))
        return NULL;
    dim = tg_check_dim(&interleave_op, x, dim);
    if (dim < 0)
        return NULL;
    tg_shape shape = tg_shape_copy(tg_dims_of(x));
    return repeated(&interleave_op, x, shape.ndim ? shape : (tg_shape){1, {1}}, dim, times);
}

/* --- matrices of a diagonal: in a row of all elements, each of it is as far behind the one before --- */

/* params: the offset. */
static void diag_forward(tg_node *node)
{
    const tg_header *out = tg_at(node->out);
    const size_t size = tg_dtype_size(out->dtype);
    const int64_t n = out->dims[0], step = (n + 1) * (int64_t)size;
    const int64_t offset = *(const int64_t *)node->params,
                  start = offset > 0 ? offset : -offset * n;
    tgk_zero(&tg_node_tape(node)->team, out->data, tg_header_bytes(out));
    tgk_copy_loop(size)(tg_at(node->in[0])->numel,
                        (char *[]){out->data + start * (int64_t)size, tg_at(node->in[0])->data},
                        (int64_t[]){step, tg_strides(node->in[0])[0] * (int64_t)size}, NULL);
}

static void diag_backward(tg_node *node, tg_tensor *grad_out, tg_tensor **grad_in)
{
    grad_in[0] = tg_diagonal(grad_out, *(const int64_t *)node->params, 0, 1);
}

static const tg_op diag_op = {.name = "diag", .forward = diag_forward, .backward = diag_backward};

static tg_tensor *diag(tg_tensor *x, int64_t offset)
{
    tg_tape *tape = tg_tape_in(x);
    TG_CHECK(tape, tg_at(x)->ndim == 1 || tg_at(x)->ndim == 2, TG_ESHAPE,
             "diag: input %s, wanted 1 or 2 dims", tg_shape_of(x).chars);
    if (tg_at(x)->ndim == 2)
        return tg_diagonal(x, offset, 0, 1);
    const int64_t most = INT32_MAX, length = tg_at(x)->dims[0];
    TG_CHECK(tape, length <= most && offset >= -most && offset <= most, TG_ESHAPE,
             "diag: diagonal %lld of %lld elements is too large", (long long)offset,
             (long long)length);
    int64_t n = length + (offset < 0 ? -offset : offset);
    if (!tg_tensor_check(tape, "diag", (tg_dims){2, (int64_t[]){n, n}}, 0))
        return NULL;
    return tg_apply(&(tg_call){.op = &diag_op,
                               .n_in = 1,
                               .in = &x,
                               .dtype = tg_at(x)->dtype,
                               .ndim = 2,
                               .dims = (int64_t[]){n, n},
                               .params = &offset,
                               .params_size = sizeof offset});
}

tg_tensor *tg_diag(tg_tensor *x, int64_t offset)
{
    TG_IN_SCOPE(&diag_op, diag(x, offset), x);
}

/* cat and stack: tensors one after the other, along a dim that is there or a new one. Any number of
 * inputs. */
#include "ops/check.h"

#include <limits.h>

/* Copies t, whose elements have these strides in the output, behind `offset` elements of it. */
static void put(const tg_node *node, const tg_tensor *t, const int64_t *strides, int64_t offset)
{
    if (tg_at(t)->numel == 0)
        return;
    size_t size = tg_dtype_size(tg_at(t)->dtype);
    tgk_nest nest = {.ndim = tg_at(t)->ndim,
                     .operands = 2,
                     .sizes = tg_at(t)->dims,
                     .data = {tg_at(node->out)->data + offset * (int64_t)size, tg_at(t)->data},
                     .strides = {strides, tg_strides(t)},
                     .size = {size, size},
                     .team = &tg_node_tape(node)->team};
    tgk_nest_run(&nest, tgk_copy_loop(size), NULL);
}

/* Tensors of shape (0) fit to everything, as in torch. */
static bool is_skipped(const tg_tensor *t)
{
    return tg_at(t)->ndim == 1 && tg_at(t)->dims[0] == 0;
}

/* params: the dim. */
static void cat_forward(tg_node *node)
{
    int dim = *(const int *)node->params;
    const int64_t *strides = tg_strides(node->out);
    int64_t at = 0;
    for (int i = 0; i < node->n_in; i++) {
        const tg_tensor *t = node->in[i];
        if (is_skipped(t))
            continue;
        put(node, t, strides, at * strides[dim]);
        at += tg_at(t)->dims[dim];
    }
}

static void cat_backward(tg_node *node, tg_tensor *grad_out, tg_tensor **grad_in)
{
    int dim = *(const int *)node->params;
    int64_t at = 0;
    for (int i = 0; i < node->n_in; i++) {
        const tg_tensor *t = node->in[i];
        bool skipped = is_skipped(t);
        int64_t length = skipped ? 0 : tg_at(t)->dims[dim];
        if (tg_needs_grad(node, i))
            grad_in[i] = skipped ? tg_zeros(tg_tape_in(t), 1, tg_at(t)->dims, tg_at(t)->dtype)
                                 : tg_narrow(grad_out, dim, at, length);
        at += length;
    }
}

static const tg_op cat_op = {.name = "cat", .forward = cat_forward, .backward = cat_backward};

static void stack_forward(tg_node *node)
{
    int dim = *(const int *)node->params;
    int64_t strides[TG_MAX_NDIM];
    const tg_tensor *out = node->out;
    for (int i = 0; i < tg_at(out)->ndim - 1; i++)
        strides[i] = tg_strides(out)[i + (i >= dim)];
    for (int i = 0; i < node->n_in; i++)
        put(node, node->in[i], strides, i * tg_strides(out)[dim]);
}

static void stack_backward(tg_node *node, tg_tensor *grad_out, tg_tensor **grad_in)
{
    for (int i = 0; i < node->n_in; i++) {
        if (tg_needs_grad(node, i))
            grad_in[i] = tg_select(grad_out, *(const int *)node->params, i);
    }
}

static const tg_op stack_op = {
    .name = "stack", .forward = stack_forward, .backward = stack_backward};

static bool check_list(const tg_op *op, tg_tensor *const *tensors, size_t n)
{
    /* Without a tensor there is no tape to report to. */
    if (!tensors || n == 0 || n > INT_MAX || !tg_check_inputs(op, (int)n, tensors))
        return false;
    for (size_t i = 1; i < n; i++)
        TG_CHECK(tg_tape_in(tensors[0]), tg_at(tensors[i])->dtype == tg_at(tensors[0])->dtype,
                 TG_EDTYPE, "%s: tensor %zu is %s and tensor 0 is %s", op->name, i,
                 tg_dtype_name(tg_at(tensors[i])->dtype), tg_dtype_name(tg_at(tensors[0])->dtype));
    return true;
}

static tg_tensor *join(const tg_op *op, tg_tensor *const *tensors, size_t n, int dim,
                       const tg_shape *shape)
{
    if (!tg_tensor_check(tg_tape_in(tensors[0]), op->name, tg_shape_dims(shape), 0))
        return NULL;
    return tg_apply(&(tg_call){.op = op,
                               .n_in = (int)n,
                               .in = tensors,
                               .dtype = tg_at(tensors[0])->dtype,
                               .ndim = shape->ndim,
                               .dims = shape->sizes,
                               .params = &dim,
                               .params_size = sizeof dim});
}

/* Adds the length of tensor number i to the shape of what stands before it; first: the number of
 * the tensor that the shape began with. */
static bool extend(tg_shape *shape, int dim, const tg_tensor *t, size_t i, size_t first)
{
    tg_tape *tape = tg_tape_in(t);
    bool fits = tg_at(t)->ndim == shape->ndim;
    for (int k = 0; k < tg_at(t)->ndim && fits; k++)
        fits = k == dim || tg_at(t)->dims[k] == shape->sizes[k];
    TG_CHECK(tape, fits, TG_ESHAPE,
             "cat: tensor %zu %s does not fit behind tensor %zu %s in dim %d", i,
             tg_shape_of(t).chars, first, tg_shape_text(tg_shape_dims(shape)).chars, dim);
    TG_CHECK(tape, tg_at(t)->dims[dim] <= INT64_MAX - shape->sizes[dim], TG_ESHAPE,
             "cat: the sum of the sizes in dim %d overflows", dim);
    shape->sizes[dim] += tg_at(t)->dims[dim];
    return true;
}

tg_tensor *tg_cat(tg_tensor *const *tensors, size_t n, int dim)
{
    if (!check_list(&cat_op, tensors, n))
        return NULL;
    size_t first = 0;
    while (first < n - 1 && is_skipped(tensors[first]))
        first++;
    const tg_tensor *model = tensors[first];
    dim = is_skipped(model) ? 0 : tg_check_dim(&cat_op, model, dim); /* as torch: any dim will do */
    if (dim < 0)
        return NULL;
    tg_shape shape = tg_shape_copy(tg_dims_of(model));
    for (size_t i = 0; i < n; i++) {
        TG_CHECK(tg_tape_in(model), tg_at(tensors[i])->ndim, TG_ESHAPE, "cat: tensor %zu is 0-d",
                 i);
        if (i > first && !is_skipped(tensors[i]) && !extend(&shape, dim, tensors[i], i, first))
            return NULL;
    }
    return join(&cat_op, tensors, n, dim, &shape);
}

tg_tensor *tg_stack(tg_tensor *const *tensors, size_t n, int dim)
{
    if (!check_list(&stack_op, tensors, n))
        return NULL;
    const tg_tensor *model = tensors[0];
    tg_tape *tape = tg_tape_in(model);
    tg_shape shape = {.ndim = tg_at(model)->ndim + 1};
    int at = tg_shape_dim(shape.ndim, dim);
    TG_CHECK(tape, shape.ndim <= TG_MAX_NDIM, TG_ESHAPE, "stack: %s has %d dims already",
             tg_shape_of(model).chars, tg_at(model)->ndim);
    TG_CHECK(tape, at >= 0, TG_EVALUE, "stack: there is no place %d in %s", dim,
             tg_shape_of(model).chars);
    for (size_t i = 1; i < n; i++)
        TG_CHECK(tape, tg_shape_equal(tg_dims_of(tensors[i]), tg_dims_of(model)), TG_ESHAPE,
                 "stack: tensor %zu %s and tensor 0 %s", i, tg_shape_of(tensors[i]).chars,
                 tg_shape_of(model).chars);
    for (int i = 0; i < shape.ndim; i++)
        shape.sizes[i] = i == at ? (int64_t)n : tg_at(model)->dims[i - (i > at)];
    return join(&stack_op, tensors, n, at, &shape);
}

/* Jacobians, Hessians and their products with vectors, of backward passes. */
#include "ops/check.h"

#include <tinygrad/ops.h>

static tg_tensor *zeros(const tg_tensor *x, const tg_shape *shape)
{
    return tg_zeros(tg_tape_in(x), shape->ndim, shape->sizes, tg_at(x)->dtype);
}

/* The gradient of y, times g where that is given; zeros where y does not depend on x. */
static tg_tensor *gradient(tg_tensor *y, tg_tensor *g, tg_tensor *x, const tg_backward_opts *opts)
{
    tg_tensor *grad = NULL;
    tg_shape shape = tg_shape_copy(tg_dims_of(x));
    if (tg_gradients(y, g, &x, 1, &grad, opts))
        return NULL;
    return grad ? grad : zeros(x, &shape);
}

/* One at each element of y in turn. */
static bool rows_of(tg_tensor *y, tg_tensor *x, const tg_backward_opts *opts, tg_tensor **rows)
{
    tg_tape *tape = tg_tape_in(y);
    int64_t n = tg_at(y)->numel;
    tg_shape shape = tg_shape_copy(tg_dims_of(y));
    tg_tensor *units = tg_eye(tape, n, n, tg_at(y)->dtype);
    for (int64_t i = 0; i < n && !tape->status; i++) {
        tg_tensor *unit = tg_reshape(tg_select(units, 0, i), shape.ndim, shape.sizes);
        rows[i] = unit ? gradient(y, unit, x, opts) : NULL;
    }
    return !tape->status;
}

static tg_tensor *jacobian(const tg_op *op, tg_tensor *y, tg_tensor *x,
                           const tg_backward_opts *opts)
{
    tg_tape *tape = tg_tape_in(y);
    tg_shape shape = tg_shape_copy(tg_dims_of(y));
    size_t n = (size_t)tg_at(y)->numel;
    TG_CHECK(tape, tg_at(x)->requires_grad, TG_ESTATE, "%s: %s does not require a gradient",
             op->name, tg_shape_of(x).chars);
    TG_CHECK(tape, shape.ndim + tg_at(x)->ndim <= TG_MAX_NDIM, TG_ESHAPE,
             "%s: %d and %d dims are more than %d", op->name, shape.ndim, tg_at(x)->ndim,
             TG_MAX_NDIM);
    for (int i = 0; i < tg_at(x)->ndim; i++)
        shape.sizes[shape.ndim++] = tg_at(x)->dims[i];
    if (n == 0 || !tg_at(y)->requires_grad)
        return zeros(x, &shape);
    tg_tensor **rows = tg_tape_data(tape, op->name, n * sizeof *rows);
    if (!rows || !rows_of(y, x, opts, rows))
        return NULL;
    return tg_reshape(tg_stack(rows, n, 0), shape.ndim, shape.sizes);
}

/* A gradient that is the same everywhere need not; what is given does. */
static bool requires_grad(const tg_op *op, const tg_tensor *y)
{
    TG_CHECK(tg_tape_in(y), tg_at(y)->requires_grad, TG_ESTATE,
             "%s: %s %s does not require a gradient: nothing that does was on its way, or "
             "tg_set_grad_enabled() was off when it was computed",
             op->name, tg_dtype_name(tg_at(y)->dtype), tg_shape_of(y).chars);
    return true;
}

tg_tensor *tg_jacobian(tg_tensor *y, tg_tensor *x, const tg_backward_opts *opts)
{
    static const tg_op op = {.name = "jacobian"};
    TG_IN_SCOPE(&op, requires_grad(&op, y) ? jacobian(&op, y, x, opts) : NULL, y, x);
}

/* The gradient of a loss, to be differentiated once more. */
static tg_tensor *first(tg_tensor *loss, tg_tensor *x)
{
    return gradient(loss, NULL, x, &(tg_backward_opts){.create_graph = true});
}

static tg_tensor *hessian(const tg_op *op, tg_tensor *loss, tg_tensor *x,
                          const tg_backward_opts *opts)
{
    tg_tensor *g = first(loss, x);
    return g ? jacobian(op, g, x, opts) : NULL;
}

tg_tensor *tg_hessian(tg_tensor *loss, tg_tensor *x, const tg_backward_opts *opts)
{
    static const tg_op op = {.name = "hessian"};
    TG_IN_SCOPE(&op, hessian(&op, loss, x, opts), loss, x);
}

static tg_tensor *hvp(tg_tensor *loss, tg_tensor *x, tg_tensor *v, const tg_backward_opts *opts)
{
    tg_shape shape = tg_shape_copy(tg_dims_of(x));
    TG_CHECK(tg_tape_in(x), tg_shape_equal(tg_dims_of(v), tg_dims_of(x)), TG_ESHAPE,
             "hvp: %s for input %s", tg_shape_of(v).chars, tg_shape_of(x).chars);
    TG_CHECK(tg_tape_in(x), tg_at(v)->dtype == tg_at(x)->dtype, TG_EDTYPE, "hvp: %s for %s",
             tg_dtype_name(tg_at(v)->dtype), tg_dtype_name(tg_at(x)->dtype));
    tg_tensor *g = first(loss, x);
    if (g && !tg_at(g)->requires_grad)
        return zeros(x, &shape);
    return g ? gradient(g, v, x, opts) : NULL;
}

tg_tensor *tg_hvp(tg_tensor *loss, tg_tensor *x, tg_tensor *v, const tg_backward_opts *opts)
{
    static const tg_op op = {.name = "hvp"};
    TG_IN_SCOPE(&op, hvp(loss, x, v, opts), loss, x, v);
}

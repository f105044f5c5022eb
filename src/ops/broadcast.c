/* Adding gradients up, see broadcast.h. expand and sum_to are each other's gradient, so that this
 * is the one place where broadcasting is undone. Relies on apply.h. */
#include "ops/broadcast.h"

#include "ops/check.h"
#include "ops/layout.h"

#include "kernels/sum.h"

static void expand_backward(tg_node *node, tg_tensor *grad_out, tg_tensor **grad_in)
{
    grad_in[0] = tg_sum_to(grad_out, tg_dims_of(node->in[0]));
}

static const tg_op expand_op = {.name = "expand", .backward = expand_backward};

static tg_tensor *expand(tg_tensor *x, tg_dims dims)
{
    int64_t strides[TG_MAX_NDIM];
    tg_shape_expand_strides(tg_dims_of(x), tg_strides(x), dims, strides);
    return tg_apply_view(&expand_op, x, dims, strides);
}

tg_tensor *tg_expand(tg_tensor *x, int ndim, const int64_t *dims)
{
    if (!tg_check_inputs(&expand_op, 1, &x))
        return NULL;
    tg_tape *tape = tg_tape_in(x);
    TG_CHECK(tape, ndim >= tg_at(x)->ndim && ndim <= TG_MAX_NDIM && (dims || !ndim), TG_ESHAPE,
             "expand: %d dims for %s", ndim, tg_shape_of(x).chars);
    tg_shape to = tg_shape_copy((tg_dims){ndim, dims});
    for (int i = 0; i < tg_at(x)->ndim; i++) {
        if (to.sizes[ndim - tg_at(x)->ndim + i] == -1)
            to.sizes[ndim - tg_at(x)->ndim + i] = tg_at(x)->dims[i];
    }
    if (!tg_tensor_check(tape, "expand", tg_shape_dims(&to), tg_at(x)->dtype))
        return NULL;
    TG_CHECK(tape, tg_shape_expands(tg_dims_of(x), tg_shape_dims(&to)), TG_ESHAPE,
             "expand: %s does not stretch to %s", tg_shape_of(x).chars,
             tg_shape_text(tg_shape_dims(&to)).chars);
    return expand(x, tg_shape_dims(&to));
}

typedef struct sum_params {
    int64_t count; /* what to divide by */
} sum_params;

static void sum_to_forward(tg_node *node)
{
    const tg_tensor *x = node->in[0], *out = node->out;
    const sum_params *params = node->params;
    tg_tape *tape = tg_node_tape(node);
    tg_rows rows;
    if (tg_is_float(tg_at(x)->dtype))
        tg_rows_of(&rows, x, out);
    else if (!tg_rows_dense(node, &rows, x, out))
        return;
    tgk_sum_args args = {.out = tg_at(out)->data,
                         .x = rows.data,
                         .nest = &rows.nest,
                         .outer = rows.outer,
                         .n = rows.n,
                         .inner = rows.inner,
                         .divisor = (double)params->count};
    tgk_sum(&tape->team, tape->isa, tg_at(x)->dtype, &args);
}

static void sum_to_backward(tg_node *node, tg_tensor *grad_out, tg_tensor **grad_in)
{
    const sum_params *params = node->params;
    tg_tensor *g = params->count == 1 ? grad_out : tg_div_scalar(grad_out, (double)params->count);
    grad_in[0] = g ? expand(g, tg_dims_of(node->in[0])) : NULL;
}

static const tg_op sum_op = {.name = "sum", .forward = sum_to_forward, .backward = sum_to_backward};
static const tg_op mean_op = {
    .name = "mean", .forward = sum_to_forward, .backward = sum_to_backward};

static tg_tensor *reduce(const tg_op *op, tg_tensor *x, tg_dims dims, int64_t count)
{
    sum_params params = {count};
    return tg_apply(&(tg_call){.op = op,
                               .n_in = 1,
                               .in = &x,
                               .dtype = tg_is_float(tg_at(x)->dtype) ? tg_at(x)->dtype : TG_I64,
                               .ndim = dims.ndim,
                               .dims = dims.sizes,
                               .params = &params,
                               .params_size = sizeof params});
}

tg_tensor *tg_sum_over(tg_tensor *x, tg_dims dims)
{
    return reduce(&sum_op, x, dims, 1);
}

tg_tensor *tg_mean_over(tg_tensor *x, tg_dims dims, int64_t count)
{
    return reduce(&mean_op, x, dims, count);
}

static void accumulate_forward(tg_node *node)
{
    tg_map_node(node, tg_accumulate_loops);
}

static void accumulate_backward(tg_node *node, tg_tensor *grad_out, tg_tensor **grad_in)
{
    grad_in[0] = tg_needs_grad(node, 0) ? grad_out : NULL;
    grad_in[1] = tg_needs_grad(node, 1) ? grad_out : NULL;
}

static const tg_op accumulate_op = {
    .name = "accumulate", .forward = accumulate_forward, .backward = accumulate_backward};

tg_tensor *tg_accumulate(tg_tensor *a, tg_tensor *b)
{
    tg_tensor *in[] = {a, b};
    return tg_apply(&(tg_call){.op = &accumulate_op,
                               .n_in = 2,
                               .in = in,
                               .dtype = tg_at(a)->dtype,
                               .ndim = tg_at(a)->ndim,
                               .dims = tg_at(a)->dims});
}

/* One number in place of all. */
tg_tensor *tg_flat_gradient(const tg_tensor *x)
{
    return tg_expand(tg_zeros(tg_tape_in(x), TG_SCALAR, tg_at(x)->dtype), tg_at(x)->ndim,
                     tg_at(x)->dims);
}

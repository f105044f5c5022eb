/* layer_norm. Relies on normalise.h and kernels/layer_norm.h.
 *
 * Backward reads x, weight and two doubles a row, mean and deviation. h stands for (x - mean) /
 * deviation, P for the map that the gradient applies: P(u) = (u - mean(u) - h mean(u h)) /
 * deviation, row by row, which is linear in u and its own adjoint. */
#include "ops/arithmetic.h"
#include "ops/broadcast.h"
#include "ops/layout.h"
#include "ops/nn/normalise.h"

#include "kernels/normalise_rows.h"

#include <tinygrad/nn.h>

static double eps_of(const tg_node *node)
{
    return *(const double *)node->params;
}

/* What kernels are told of x (rows, n) and of the means and deviations of its rows. */
static tgk_layer_norm arguments(tg_node *node, const tg_tensor *x, const tg_tensor *saved)
{
    double *means = (double *)(void *)tg_at(saved)->data;
    return (tgk_layer_norm){.out = tg_at(node->out)->data,
                            .x = tg_contiguous_data(node, x),
                            .means = means,
                            .deviations = means + tg_at(x)->dims[0],
                            .rows = tg_at(x)->dims[0],
                            .n = tg_at(x)->dims[1],
                            .eps = eps_of(node)};
}

static void forward(tg_node *node)
{
    tg_tape *tape = tg_node_tape(node);
    tg_tensor *weight = node->in[1], *bias = node->in[2];
    tgk_layer_norm args = arguments(node, node->in[0], node->saved);
    args.weight = weight ? tg_contiguous_data(node, weight) : NULL;
    args.bias = bias ? tg_contiguous_data(node, bias) : NULL;
    if (args.x && (args.weight || !weight) && (args.bias || !bias))
        tgk_layer_norm_run(&tape->team,
                           tgk_layer_norm_table[tg_at(node->out)->dtype].forward[tape->isa], &args);
}

/* Inputs {g, x, weight or NULL, saved}. */
static void gradient_forward(tg_node *node)
{
    tg_tape *tape = tg_node_tape(node);
    tg_tensor *weight = node->in[2];
    tgk_layer_norm args = arguments(node, node->in[1], node->in[3]);
    args.g = tg_contiguous_data(node, node->in[0]);
    args.weight = weight ? tg_contiguous_data(node, weight) : NULL;
    if (args.x && args.g && (args.weight || !weight))
        tgk_layer_norm_run(
            &tape->team, tgk_layer_norm_table[tg_at(node->out)->dtype].backward[tape->isa], &args);
}

/* Inputs {g, x, saved}. */
static void weight_gradient_forward(tg_node *node)
{
    tg_tape *tape = tg_node_tape(node);
    tgk_layer_norm args = arguments(node, node->in[1], node->in[2]);
    args.g = tg_contiguous_data(node, node->in[0]);
    if (args.x && args.g)
        tgk_layer_norm_run_columns(
            &tape->team, tgk_layer_norm_table[tg_at(node->out)->dtype].weight[tape->isa], &args);
}

static tg_tensor *normalise(tg_tensor *x, tg_tensor *weight, tg_tensor *bias, double eps);
static tg_tensor *gradient(tg_tensor *g, tg_tensor *x, tg_tensor *weight, const tg_node *node);

static tg_tensor *row_mean(tg_tensor *a, tg_tensor *b)
{
    return tg_mean_dim(tg_mul(a, b), 1, true);
}

/* Of <v, P(u)>, what moves with x: P's h by -(v mean(u h) + u mean(v h)) / deviation, and its
 * deviation, which moves with x by h / n. */
static tg_tensor *second_order(const tg_node *node, tg_tensor *v)
{
    tg_tensor *x = node->in[1], *weight = node->in[2];
    tg_tensor *u = weight ? tg_mul(node->in[0], weight) : node->in[0];
    tg_tensor *h = normalise(x, NULL, NULL, eps_of(node));
    tg_tensor *variance = tg_var_dims(x, 1, (int64_t[]){1}, 0, true);
    tg_tensor *deviation = tg_sqrt(tg_add_scalar(variance, eps_of(node)));
    tg_tensor *first = tg_mul(v, row_mean(u, h));
    tg_tensor *to_h = tg_neg(tg_div(tg_add(first, tg_mul(u, row_mean(v, h))), deviation));
    tg_tensor *direct = tg_mul(h, tg_div(row_mean(v, node->out), deviation));
    return tg_sub(gradient(to_h, x, NULL, node), direct);
}

static void gradient_backward(tg_node *node, tg_tensor *v, tg_tensor **grad_in)
{
    tg_tensor *weight = node->in[2];
    tg_tensor *along = NULL; /* P(v) */
    if (tg_needs_grad(node, 0) || tg_needs_grad(node, 2))
        along = gradient(v, node->in[1], NULL, node);
    if (tg_needs_grad(node, 0))
        grad_in[0] = weight ? tg_mul(along, weight) : along;
    if (tg_needs_grad(node, 1))
        grad_in[1] = second_order(node, v);
    if (tg_needs_grad(node, 2))
        grad_in[2] = tg_mul(along, node->in[0]);
}

enum { READS_P = TG_READS_IN(1) | TG_READS_IN(3) };

static const tg_op gradient_op = {
    .name = "layer_norm_backward",
    .forward = gradient_forward,
    .backward = gradient_backward,
    .reads = {READS_P | TG_READS_IN(2), READS_P | TG_READS_IN(0) | TG_READS_IN(2) | TG_READS_OUT,
              READS_P | TG_READS_IN(0)}};

/* P(g weight): in is {g, x, weight or NULL, saved}. */
static tg_call gradient_call(tg_tensor **in, const tg_node *node)
{
    return (tg_call){.op = &gradient_op,
                     .n_in = 4,
                     .in = in,
                     .dtype = tg_at(in[1])->dtype,
                     .ndim = 2,
                     .dims = tg_at(in[1])->dims,
                     .params = node->params,
                     .params_size = sizeof(double)};
}

/* The same from the inputs of a gradient's node. */
static tg_tensor *gradient(tg_tensor *g, tg_tensor *x, tg_tensor *weight, const tg_node *node)
{
    if (!g)
        return NULL;
    tg_call call = gradient_call((tg_tensor *[]){g, x, weight, node->in[node->n_in - 1]}, node);
    return tg_apply(&call);
}

/* The sum of g h over the rows, so for an upstream v: to g, h v; to x, P(g v). */
static void weight_gradient_backward(tg_node *node, tg_tensor *v, tg_tensor **grad_in)
{
    tg_tensor *g = node->in[0], *x = node->in[1];
    if (tg_needs_grad(node, 0))
        grad_in[0] = normalise(x, v, NULL, eps_of(node));
    if (tg_needs_grad(node, 1))
        grad_in[1] = gradient(g, x, v, node);
}

static const tg_op weight_gradient_op = {
    .name = "layer_norm_weight",
    .forward = weight_gradient_forward,
    .backward = weight_gradient_backward,
    .reads = {TG_READS_IN(1), TG_READS_IN(0) | TG_READS_IN(1) | TG_READS_IN(2)}};

static tg_tensor *weight_gradient(const tg_node *node, tg_tensor *g)
{
    tg_tensor *x = node->in[0];
    return tg_make(&(tg_making){{.op = &weight_gradient_op,
                                 .n_in = 3,
                                 .in = (tg_tensor *[]){g, x, node->saved},
                                 .dtype = tg_at(x)->dtype,
                                 .ndim = 1,
                                 .dims = tg_at(x)->dims + 1,
                                 .params = node->params,
                                 .params_size = sizeof(double)},
                                .gradient_of = node,
                                .input = 1});
}

/* That of x comes last: it may be written over g. */
static void backward(tg_node *node, tg_tensor *g, tg_tensor **grad_in)
{
    if (tg_needs_grad(node, 1))
        grad_in[1] = weight_gradient(node, g);
    if (tg_needs_grad(node, 2))
        grad_in[2] = tg_sum_over(g, tg_dims_of(node->in[2]));
    tg_call call = gradient_call((tg_tensor *[]){g, node->in[0], node->in[1], node->saved}, node);
    if (tg_needs_grad(node, 0))
        grad_in[0] = tg_make(&(tg_making){call, .gradient_of = node, .last_use = g});
}

static const tg_op layer_norm_op = {.name = "layer_norm",
                                    .forward = forward,
                                    .backward = backward,
                                    .reads = {TG_READS_IN(0) | TG_READS_IN(1), TG_READS_IN(0)}};

/* x (rows, n), weight and bias (n). */
static tg_tensor *normalise(tg_tensor *x, tg_tensor *weight, tg_tensor *bias, double eps)
{
    return tg_apply(&(tg_call){.op = &layer_norm_op,
                               .n_in = 3,
                               .in = (tg_tensor *[]){x, weight, bias},
                               .dtype = tg_at(x)->dtype,
                               .ndim = 2,
                               .dims = tg_at(x)->dims,
                               .params = &eps,
                               .params_size = sizeof eps,
                               .saved_numel = tg_at(x)->dims[0] > 0 ? 2 * tg_at(x)->dims[0] : 1,
                               .saved_dtype = TG_F64});
}

tg_tensor *tg_normalise(tg_tensor *x, double eps)
{
    return x ? normalise(x, NULL, NULL, eps) : NULL;
}

static bool check_last_dims(const tg_tensor *x, tg_dims shape)
{
    tg_tape *tape = tg_tape_in(x);
    TG_CHECK(tape, shape.ndim >= 1 && shape.ndim <= TG_MAX_NDIM && shape.sizes, TG_ESHAPE,
             "layer_norm: %d dims to normalise over, wanted at least one", shape.ndim);
    bool fits =
        shape.ndim <= tg_at(x)->ndim &&
        tg_shape_equal((tg_dims){shape.ndim, tg_at(x)->dims + tg_at(x)->ndim - shape.ndim}, shape);
    TG_CHECK(tape, fits, TG_ESHAPE, "layer_norm: input %s does not end in %s", tg_shape_of(x).chars,
             tg_shape_text(shape).chars);
    return true;
}

/* x, weight and bias as (rows, n), (n) and (n). */
static bool flatten(tg_tensor **in, int n)
{
    tg_tensor *x = in[0];
    int64_t size = 1, rows = 1;
    for (int i = 0; i < tg_at(x)->ndim; i++)
        *(i < tg_at(x)->ndim - n ? &rows : &size) *= tg_at(x)->dims[i];
    if (tg_at(x)->ndim != 2 || n != 1)
        in[0] = tg_reshape(x, 2, (int64_t[]){rows, size});
    for (int i = 1; i < 3 && n > 1; i++)
        in[i] = in[i] ? tg_reshape(in[i], 1, &size) : NULL;
    return !tg_tape_in(x)->status;
}

/* in: x, weight and bias. */
static tg_tensor *layer_norm(tg_tensor **in, tg_dims shape, double eps)
{
    const tg_op *op = &layer_norm_op;
    const tg_tensor *x = in[0];
    if (!tg_check_floats(op, 3, in) || !check_last_dims(x, shape) ||
        !tg_check_affine(op, in[1], shape, "weight") ||
        !tg_check_affine(op, in[2], shape, "bias") || !tg_check_eps(op, x, eps) ||
        !flatten(in, shape.ndim))
        return NULL;
    tg_tensor *y = normalise(in[0], in[1], in[2], tg_norm_eps(eps));
    return in[0] == x ? y : tg_reshape(y, tg_at(x)->ndim, tg_at(x)->dims);
}

tg_tensor *tg_layer_norm(tg_tensor *x, int n, const int64_t *dims, tg_tensor *weight,
                         tg_tensor *bias, double eps)
{
    tg_tensor *in[] = {x, weight, bias};
    TG_IN_SCOPE_GIVEN(&layer_norm_op, 3, in, 1, layer_norm(in, (tg_dims){n, dims}, eps));
}

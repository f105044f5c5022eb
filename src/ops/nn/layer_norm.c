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

enum { X, WEIGHT, BIAS, INPUTS };
/* Of backward: the gradient of the output, x, weight and saved. */
enum { G, OF_X, OF_WEIGHT, SAVED, GRADIENT_INPUTS };

typedef struct params {
    double eps;
    unsigned wanted; /* backward: the inputs whose gradients are the outputs, as bits */
} params;

static double eps_of(const tg_node *node)
{
    return ((const params *)node->params)->eps;
}

/* What kernels are told of x (rows, n) and of the means and deviations of its rows. */
static tgk_layer_norm arguments(tg_node *node, const tg_tensor *x, const tg_tensor *saved)
{
    double *means = (double *)(void *)tg_at(saved)->data;
    return (tgk_layer_norm){.x = tg_contiguous_data(node, x),
                            .means = means,
                            .deviations = means + tg_at(x)->dims[0],
                            .rows = tg_at(x)->dims[0],
                            .n = tg_at(x)->dims[1],
                            .eps = eps_of(node)};
}

static void forward(tg_node *node)
{
    tg_tape *tape = tg_node_tape(node);
    tg_tensor *weight = node->in[WEIGHT], *bias = node->in[BIAS];
    tgk_layer_norm args = arguments(node, node->in[X], node->saved);
    args.out = tg_at(node->out)->data;
    args.weight = weight ? tg_contiguous_data(node, weight) : NULL;
    args.bias = bias ? tg_contiguous_data(node, bias) : NULL;
    if (args.x && (args.weight || !weight) && (args.bias || !bias))
        tgk_layer_norm_forward(&tape->team, tape->isa, tg_at(node->out)->dtype, &args);
}

static void gradient_forward(tg_node *node)
{
    tg_tape *tape = tg_node_tape(node);
    const params *p = node->params;
    tg_tensor *weight = node->in[OF_WEIGHT];
    void *out[INPUTS];
    tg_wanted_data(node, p->wanted, INPUTS, out);
    tgk_layer_norm args = arguments(node, node->in[OF_X], node->in[SAVED]);
    args.out = out[X];
    args.dweight = out[WEIGHT];
    args.dbias = out[BIAS];
    args.g = tg_contiguous_data(node, node->in[G]);
    args.weight = weight ? tg_contiguous_data(node, weight) : NULL;
    size_t size = tgk_layer_norm_workspace(&args);
    args.sums = size ? tg_workspace(node, size) : NULL;
    if (args.x && args.g && (args.weight || !weight) && (args.sums || !size))
        tgk_layer_norm_backward(&tape->team, tape->isa, tg_at(node->out)->dtype, &args);
}

static tg_tensor *normalise(tg_tensor *x, tg_tensor *weight, tg_tensor *bias, double eps);
static tg_tensor *gradient(tg_tensor **in, double eps);

static tg_tensor *row_mean(tg_tensor *a, tg_tensor *b)
{
    return tg_mean_dim(tg_mul(a, b), 1, true);
}

/* Of <v, P(u)>, what moves with x: P's h by -(v mean(u h) + u mean(v h)) / deviation, and its
 * deviation, which moves with x by h / n. */
tg_tensor *tg_normalise_second(tg_tensor *u, tg_tensor *x, tg_tensor *v, tg_tensor *result,
                               tg_tensor *saved, double eps)
{
    if (!u || !x || !v || !result)
        return NULL;
    tg_tensor *h = normalise(x, NULL, NULL, eps);
    tg_tensor *variance = tg_var_dims(x, 1, (int64_t[]){1}, 0, true);
    tg_tensor *deviation = tg_sqrt(tg_add_scalar(variance, eps));
    tg_tensor *first = tg_mul(v, row_mean(u, h));
    tg_tensor *to_h = tg_neg(tg_div(tg_add(first, tg_mul(u, row_mean(v, h))), deviation));
    tg_tensor *direct = tg_mul(h, tg_div(row_mean(v, result), deviation));
    return tg_sub(gradient((tg_tensor *[]){to_h, x, NULL, saved}, eps), direct);
}

static void gradient_backward(tg_node *node, tg_tensor *v, tg_tensor **grad_in)
{
    tg_tensor *weight = node->in[2];
    tg_tensor *along = NULL; /* P(v) */
    if (tg_needs_grad(node, 0) || tg_needs_grad(node, 2))
        along = gradient((tg_tensor *[]){v, node->in[OF_X], NULL, node->in[SAVED]}, eps_of(node));
    if (tg_needs_grad(node, 0))
        grad_in[0] = weight ? tg_mul(along, weight) : along;
    tg_tensor *u = weight ? tg_mul(node->in[G], weight) : node->in[G];
    grad_in[1] =
        tg_normalise_second(u, node->in[OF_X], v, node->out, node->in[SAVED], eps_of(node));
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

/* An operation over {g, x, weight or NULL, saved}, whose output is the wanted gradient. */
static tg_call gradient_call(const tg_op *op, tg_tensor **in, const params *p)
{
    const tg_header *x = tg_at(in[OF_X]);
    return (tg_call){.op = op,
                     .n_in = GRADIENT_INPUTS,
                     .in = in,
                     .dtype = x->dtype,
                     .ndim = p->wanted == 1 << X ? 2 : 1,
                     .dims = p->wanted == 1 << X ? x->dims : x->dims + 1,
                     .params = p,
                     .params_size = sizeof *p};
}

/* P(g weight): in is {g, x, weight or NULL, saved}. */
static tg_tensor *gradient(tg_tensor **in, double eps)
{
    if (!in[G])
        return NULL;
    tg_call call = gradient_call(&gradient_op, in, &(params){eps, 1 << X});
    return tg_apply(&call);
}

/* The sum of g h over the rows, so for an upstream v: to g, h v; to x, P(g v). */
static void weight_gradient_backward(tg_node *node, tg_tensor *v, tg_tensor **grad_in)
{
    tg_tensor *g = node->in[G], *x = node->in[OF_X];
    if (tg_needs_grad(node, G))
        grad_in[G] = normalise(x, v, NULL, eps_of(node));
    if (tg_needs_grad(node, OF_X))
        grad_in[OF_X] = gradient((tg_tensor *[]){g, x, v, node->in[SAVED]}, eps_of(node));
}

static const tg_op weight_gradient_op = {
    .name = "layer_norm_weight",
    .forward = gradient_forward,
    .backward = weight_gradient_backward,
    .reads = {TG_READS_IN(OF_X), TG_READS_IN(G) | TG_READS_IN(OF_X) | TG_READS_IN(SAVED)}};

/* The sum of g over the rows. */
static void bias_gradient_backward(tg_node *node, tg_tensor *v, tg_tensor **grad_in)
{
    const tg_tensor *g = node->in[G];
    grad_in[G] = tg_expand(v, 2, tg_at(g)->dims);
}

static const tg_op bias_gradient_op = {
    .name = "layer_norm_bias", .forward = gradient_forward, .backward = bias_gradient_backward};

/* One operation for each gradient, so that it can be differentiated. */
static void composed_backward(tg_node *node, tg_tensor *g, tg_tensor **grad_in)
{
    static const tg_op *const ops[INPUTS] = {&gradient_op, &weight_gradient_op, &bias_gradient_op};
    for (int i = 0; i < INPUTS; i++) {
        if (!tg_needs_grad(node, i))
            continue;
        tg_tensor *in[] = {g, node->in[X], i == X ? node->in[WEIGHT] : NULL, node->saved};
        tg_call call = gradient_call(ops[i], in, &(params){eps_of(node), 1u << i});
        grad_in[i] = tg_apply(&call);
    }
}

static const tg_op gradients_op = {.name = "layer_norm_backward", .forward = gradient_forward};

/* All gradients in one visit; that of x may be written over g. */
static void fused_backward(tg_node *node, tg_tensor *g, tg_tensor **grad_in)
{
    const tg_shape x = tg_shape_copy(tg_dims_of(node->in[X])), row = {1, {x.sizes[1]}};
    params p = {eps_of(node), tg_wanted(node)};
    /* What nobody reads for the others may be gone. */
    tg_tensor *weight = p.wanted & 1u << X ? node->in[WEIGHT] : NULL;
    tg_tensor *in[GRADIENT_INPUTS] = {g, node->in[X], weight, node->saved};
    tg_make(&(tg_making){gradient_call(&gradients_op, in, &p), .gradient_of = node, .last_use = g,
                         .shapes = (tg_shape[]){x, row, row}, .wanted = p.wanted,
                         .grad_in = grad_in});
}

static void backward(tg_node *node, tg_tensor *g, tg_tensor **grad_in)
{
    if (tg_node_tape(node)->now.grad_enabled)
        composed_backward(node, g, grad_in);
    else
        fused_backward(node, g, grad_in);
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
                               .params = &(params){.eps = eps},
                               .params_size = sizeof(params),
                               .saved_numel = tg_at(x)->dims[0] > 0 ? 2 * tg_at(x)->dims[0] : 1,
                               .saved_dtype = TG_F64});
}

tg_tensor *tg_normalise(tg_tensor *x, double eps)
{
    return x ? normalise(x, NULL, NULL, eps) : NULL;
}

tg_tensor *tg_normalise_gradient(tg_tensor *g, tg_tensor *x, tg_tensor *saved, double eps)
{
    return x ? gradient((tg_tensor *[]){g, x, NULL, saved}, eps) : NULL;
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

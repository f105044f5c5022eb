/* Rows normalised: layer_norm, and what group_norm has of it, whose weights belong to channels. Relies on
 * normalise.h and kernels/normalise_rows.h.
 *
 * Backward reads x, weight and two doubles a row, mean and deviation. h stands for (x - mean) /
 * deviation, P for the map that the gradient applies: P(u) = (u - mean(u) - h mean(u h)) /
 * deviation, row by row, which is linear in u and its own adjoint. */
#include "ops/arithmetic.h"
#include "ops/layout.h"
#include "ops/nn/normalise.h"

#include "kernels/normalise_rows.h"

#include <string.h>
#include <tinygrad/nn.h>

enum { X, WEIGHT, BIAS, INPUTS };
/* Of backward: the gradient of the output, x, weight and saved. */
enum { G, OF_X, OF_WEIGHT, SAVED, GRADIENT_INPUTS };

typedef struct params {
    double eps;
    int64_t
        groups; /* of the channels, dim 1 of x, which are the elements of a row where this is 1 */
    unsigned wanted; /* backward: the inputs whose gradients are the outputs, as bits */
} params;

/* What kernels are told of x (N, C, ...) and of the means and deviations of its groups; x.x NULL: there
 * is nothing to do, or no memory. */
static tgk_group_norm arguments(tg_node *node, const tg_tensor *x, const tg_tensor *weight,
                                const tg_tensor *saved)
{
    const params *p = node->params;
    const int64_t rows = tg_at(x)->dims[0] * p->groups, numel = tg_at(x)->numel;
    double *means = (double *)(void *)tg_at(saved)->data;
    tgk_layer_norm of_rows = {.weight = weight ? tg_contiguous_data(node, weight) : NULL,
                              .means = means,
                              .deviations = means + rows,
                              .rows = rows,
                              .n = rows ? numel / rows : 0,
                              .eps = p->eps};
    if (numel && (of_rows.weight || !weight))
        of_rows.x = tg_contiguous_data(node, x);
    return (tgk_group_norm){
        .rows = of_rows, .groups = p->groups, .channels = tg_at(x)->dims[1] / p->groups};
}

/* Whether each element of a row has a weight of its own. */
static bool is_plain(const tgk_group_norm *args)
{
    return args->groups == 1 && args->channels == args->rows.n;
}

static void forward(tg_node *node)
{
    tg_tape *tape = tg_node_tape(node);
    tg_tensor *bias = node->in[BIAS];
    tgk_group_norm args = arguments(node, node->in[X], node->in[WEIGHT], node->saved);
    args.rows.out = tg_at(node->out)->data;
    args.rows.bias = bias ? tg_contiguous_data(node, bias) : NULL;
    const int dtype = tg_at(node->out)->dtype;
    if (!args.rows.x || (bias && !args.rows.bias))
        return;
    if (is_plain(&args))
        tgk_layer_norm_forward(&tape->team, tape->isa, dtype, &args.rows);
    else
        tgk_group_norm_forward(&tape->team, tape->isa, dtype, &args);
}

static void gradient_forward(tg_node *node)
{
    tg_tape *tape = tg_node_tape(node);
    const tg_header *x = tg_at(node->in[OF_X]);
    void *out[INPUTS];
    tg_wanted_data(node, ((const params *)node->params)->wanted, INPUTS, out);
    for (int i = WEIGHT; i < INPUTS && !x->numel; i++) {
        if (out[i])
            memset(out[i], 0, (size_t)x->dims[1] * tg_dtype_size(x->dtype));
    }
    tgk_group_norm args = arguments(node, node->in[OF_X], node->in[OF_WEIGHT], node->in[SAVED]);
    args.rows.g = args.rows.x ? tg_contiguous_data(node, node->in[G]) : NULL;
    args.rows.out = out[X];
    args.rows.dweight = out[WEIGHT];
    args.rows.dbias = out[BIAS];
    if (!args.rows.g)
        return;
    const bool plain = is_plain(&args);
    size_t size = plain ? tgk_layer_norm_workspace(&args.rows) : tgk_group_norm_workspace(&args);
    args.rows.sums = size ? tg_workspace(node, size) : NULL;
    if (size && !args.rows.sums)
        return;
    if (plain)
        tgk_layer_norm_backward(&tape->team, tape->isa, x->dtype, &args.rows);
    else
        tgk_group_norm_backward(&tape->team, tape->isa, x->dtype, &args);
}

/* The groups as rows; x may be NULL. */
static tg_tensor *rows_of(tg_tensor *x, int64_t groups)
{
    const int64_t rows = x ? tg_at(x)->dims[0] * groups : 0;
    return tg_reshape(x, 2, (int64_t[]){rows, rows ? tg_at(x)->numel / rows : 0});
}

static tg_tensor *like(tg_tensor *rows, const tg_tensor *x)
{
    return tg_reshape(rows, tg_at(x)->ndim, tg_at(x)->dims);
}

/* What belongs to channels as (C, 1, ...). */
static tg_tensor *as_channels(tg_tensor *t, const tg_tensor *x)
{
    tg_shape column = {tg_at(x)->ndim - 1, {tg_at(x)->dims[1]}};
    for (int i = 1; i < column.ndim; i++)
        column.sizes[i] = 1;
    return tg_reshape(t, column.ndim, column.sizes);
}

static tg_tensor *times_channels(tg_tensor *x, tg_tensor *t)
{
    return t && x ? tg_mul(x, as_channels(t, x)) : x;
}

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
    tg_tensor *h = tg_normalise(x, eps);
    tg_tensor *variance = tg_var_dims(x, 1, (int64_t[]){1}, 0, true);
    tg_tensor *deviation = tg_sqrt(tg_add_scalar(variance, eps));
    tg_tensor *first = tg_mul(v, row_mean(u, h));
    tg_tensor *to_h = tg_neg(tg_div(tg_add(first, tg_mul(u, row_mean(v, h))), deviation));
    tg_tensor *direct = tg_mul(h, tg_div(row_mean(v, result), deviation));
    return tg_sub(tg_normalise_gradient(to_h, x, saved, eps), direct);
}

/* P(u). */
static tg_tensor *projected(const tg_node *node, tg_tensor *u)
{
    const params *p = node->params;
    tg_tensor *x = rows_of(node->in[OF_X], p->groups);
    return like(tg_normalise_gradient(rows_of(u, p->groups), x, node->in[SAVED], p->eps),
                node->in[OF_X]);
}

/* For an upstream v of P(g weight). */
static void gradient_backward(tg_node *node, tg_tensor *v, tg_tensor **grad_in)
{
    const params *p = node->params;
    tg_tensor *const *in = node->in, *along = NULL;
    if (tg_needs_grad(node, G) || tg_needs_grad(node, OF_WEIGHT))
        along = projected(node, v);
    if (tg_needs_grad(node, G))
        grad_in[G] = times_channels(along, in[OF_WEIGHT]);
    /* It is x's gradient, so that x wants one. */
    tg_tensor *u = rows_of(times_channels(in[G], in[OF_WEIGHT]), p->groups);
    tg_tensor *x = rows_of(in[OF_X], p->groups), *result = rows_of(node->out, p->groups);
    grad_in[OF_X] =
        like(tg_normalise_second(u, x, rows_of(v, p->groups), result, in[SAVED], p->eps), in[OF_X]);
    if (tg_needs_grad(node, OF_WEIGHT)) {
        const int ndim = tg_at(in[OF_X])->ndim;
        int64_t dims[TG_MAX_NDIM] = {0};
        for (int i = 2; i < ndim; i++)
            dims[i - 1] = i;
        grad_in[OF_WEIGHT] = tg_sum_dims(tg_mul(along, in[G]), ndim - 1, dims, false);
    }
}

/* Of the sum of g h: to g, h v; to x, P(g v). */
static void weight_gradient_backward(tg_node *node, tg_tensor *v, tg_tensor **grad_in)
{
    const params *p = node->params;
    tg_tensor *x = node->in[OF_X];
    if (tg_needs_grad(node, G))
        grad_in[G] = times_channels(like(tg_normalise(rows_of(x, p->groups), p->eps), x), v);
    if (tg_needs_grad(node, OF_X))
        grad_in[OF_X] = projected(node, times_channels(node->in[G], v));
}

static void bias_gradient_backward(tg_node *node, tg_tensor *v, tg_tensor **grad_in)
{
    const tg_header *g = tg_at(node->in[G]);
    grad_in[G] = tg_expand(as_channels(v, node->in[G]), g->ndim, g->dims);
}

enum { READS_P = TG_READS_IN(OF_X) | TG_READS_IN(SAVED), READS_G = TG_READS_IN(G) };

static const tg_op gradient_op = {
    .name = "normalise_backward",
    .forward = gradient_forward,
    .backward = gradient_backward,
    .reads = {READS_P | TG_READS_IN(OF_WEIGHT),
              READS_P | READS_G | TG_READS_IN(OF_WEIGHT) | TG_READS_OUT, READS_P | READS_G}};
static const tg_op weight_gradient_op = {.name = "normalise_weight",
                                         .forward = gradient_forward,
                                         .backward = weight_gradient_backward,
                                         .reads = {READS_P, READS_P | READS_G}};
static const tg_op bias_gradient_op = {
    .name = "normalise_bias", .forward = gradient_forward, .backward = bias_gradient_backward};
static const tg_op gradients_op = {.name = "normalise_backward", .forward = gradient_forward};

/* An operation over {g, x, weight or NULL, saved}, whose output is the wanted gradient. */
static tg_call gradient_call(const tg_op *op, tg_tensor **in, const params *p)
{
    const tg_header *x = tg_at(in[OF_X]);
    const bool of_x = p->wanted == 1u << X;
    return (tg_call){.op = op,
                     .n_in = GRADIENT_INPUTS,
                     .in = in,
                     .dtype = x->dtype,
                     .ndim = of_x ? x->ndim : 1,
                     .dims = of_x ? x->dims : x->dims + 1,
                     .params = p,
                     .params_size = sizeof *p};
}

/* One operation for each gradient, so that it can be differentiated. */
static void composed_backward(tg_node *node, tg_tensor *g, tg_tensor **grad_in)
{
    static const tg_op *const ops[INPUTS] = {&gradient_op, &weight_gradient_op, &bias_gradient_op};
    params p = *(const params *)node->params;
    for (int i = 0; i < INPUTS; i++) {
        tg_tensor *in[] = {g, node->in[X], i == X ? node->in[WEIGHT] : NULL, node->saved};
        p.wanted = 1u << i;
        tg_call call = gradient_call(ops[i], in, &p);
        if (tg_needs_grad(node, i))
            grad_in[i] = tg_apply(&call);
    }
}

/* All gradients in one visit; that of x may be written over g. */
static void fused_backward(tg_node *node, tg_tensor *g, tg_tensor **grad_in)
{
    const tg_shape x = tg_shape_copy(tg_dims_of(node->in[X])), channels = {1, {x.sizes[1]}};
    params p = *(const params *)node->params;
    p.wanted = tg_wanted(node);
    /* What nobody reads for the others may be gone. */
    tg_tensor *weight = p.wanted & 1u << X ? node->in[WEIGHT] : NULL;
    tg_tensor *in[GRADIENT_INPUTS] = {g, node->in[X], weight, node->saved};
    tg_make(&(tg_making){gradient_call(&gradients_op, in, &p), .gradient_of = node, .last_use = g,
                         .shapes = (tg_shape[]){x, channels, channels}, .wanted = p.wanted,
                         .grad_in = grad_in});
}

static void backward(tg_node *node, tg_tensor *g, tg_tensor **grad_in)
{
    if (tg_node_tape(node)->now.grad_enabled)
        composed_backward(node, g, grad_in);
    else
        fused_backward(node, g, grad_in);
}

#define NORM(name_)                                                                                \
    {                                                                                              \
        .name = name_, .forward = forward, .backward = backward, .reads = {                        \
            TG_READS_IN(X) | TG_READS_IN(WEIGHT),                                                  \
            TG_READS_IN(X)                                                                         \
        }                                                                                          \
    }
static const tg_op layer_norm_op = NORM("layer_norm"), group_norm_op = NORM("group_norm");

static tg_tensor *normalise(const tg_op *op, tg_tensor *const *in, int64_t groups, double eps)
{
    const tg_header *x = tg_at(in[X]);
    const int64_t rows = x->dims[0] * groups;
    return tg_apply(&(tg_call){.op = op,
                               .n_in = INPUTS,
                               .in = in,
                               .dtype = x->dtype,
                               .ndim = x->ndim,
                               .dims = x->dims,
                               .params = &(params){.eps = eps, .groups = groups},
                               .params_size = sizeof(params),
                               .saved_numel = rows > 0 ? 2 * rows : 1,
                               .saved_dtype = TG_F64});
}

tg_tensor *tg_normalise_groups(tg_tensor *const *in, int64_t groups, double eps)
{
    return normalise(&group_norm_op, in, groups, eps);
}

tg_tensor *tg_normalise(tg_tensor *x, double eps)
{
    return x ? normalise(&layer_norm_op, (tg_tensor *[]){x, NULL, NULL}, 1, eps) : NULL;
}

tg_tensor *tg_normalise_gradient(tg_tensor *g, tg_tensor *x, tg_tensor *saved, double eps)
{
    if (!g || !x)
        return NULL;
    tg_tensor *in[GRADIENT_INPUTS] = {g, x, NULL, saved};
    tg_call call = gradient_call(&gradient_op, in, &(params){eps, 1, 1 << X});
    return tg_apply(&call);
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
    tg_tensor *y = normalise(op, in, 1, tg_norm_eps(eps));
    return in[0] == x ? y : tg_reshape(y, tg_at(x)->ndim, tg_at(x)->dims);
}

tg_tensor *tg_layer_norm(tg_tensor *x, int n, const int64_t *dims, tg_tensor *weight,
                         tg_tensor *bias, double eps)
{
    tg_tensor *in[] = {x, weight, bias};
    TG_IN_SCOPE_GIVEN(&layer_norm_op, 3, in, 1, layer_norm(in, (tg_dims){n, dims}, eps));
}

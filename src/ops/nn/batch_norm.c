/* batch_norm as one operation, see layer_norm.c. A pass that can be differentiated makes the gradients
 * of other operations. Relies on normalise.h and kernels/normalise_channels.h. */
#include "ops/layout.h"
#include "ops/nn/normalise.h"

#include "kernels/normalise_channels.h"
#include "ops/arithmetic.h"
#include "ops/option.h"

#include <math.h>
#include <tinygrad/nn.h>

/* What tg_batch_norm() is given. */
enum { GIVEN = 5 };
/* What the operation takes. */
enum { X, WEIGHT, BIAS, STATISTICS, MEAN, VAR, INPUTS };
/* Gradients are those of the first three. Of backward: the gradient of the output, then x, weight and
 * statistics. */
enum { GRADIENTS = STATISTICS, ALL = (1 << GRADIENTS) - 1 };
enum { G, OF_X, OF_WEIGHT, SAVED, GRADIENT_INPUTS };

typedef struct params {
    double eps;
    bool training;
    unsigned wanted; /* backward: the inputs whose gradients are the outputs, as bits */
} params;

/* --- the operation: running mean and variance are inputs in evaluation; the statistics, (3, C) in
 * float64, are written to: means, deviations and, in training, unbiased variances --- */

/* What kernels are told of x (N, C, ...) and of its statistics. */
static tgk_batch_norm arguments(tg_node *node, const tg_tensor *x, const tg_tensor *statistics)
{
    const params *p = node->params;
    tg_around a = tg_around_dim(x, 1);
    double *means = (double *)(void *)tg_at(statistics)->data;
    return (tgk_batch_norm){.outer = a.outer,
                            .channels = a.n,
                            .inner = a.inner,
                            .x = tg_contiguous_data(node, x),
                            .means = means,
                            .deviations = means + a.n,
                            .variances = means + 2 * a.n,
                            .eps = p->eps};
}

static void take_given(tgk_batch_norm *args, const tg_tensor *mean, const tg_tensor *var)
{
    args->given = true;
    for (int64_t c = 0; c < args->channels; c++) {
        args->means[c] = tg_element(mean, c);
        args->deviations[c] = sqrt(tg_element(var, c) + args->eps);
    }
}

static void forward(tg_node *node)
{
    tg_tape *tape = tg_node_tape(node);
    tg_tensor *weight = node->in[WEIGHT], *bias = node->in[BIAS];
    tgk_batch_norm args = arguments(node, node->in[X], node->in[STATISTICS]);
    args.out = tg_at(node->out)->data;
    args.weight = weight ? tg_contiguous_data(node, weight) : NULL;
    args.bias = bias ? tg_contiguous_data(node, bias) : NULL;
    if (!((const params *)node->params)->training)
        take_given(&args, node->in[MEAN], node->in[VAR]);
    if (args.x && (args.weight || !weight) && (args.bias || !bias))
        tgk_batch_norm_forward(&tape->team, tape->isa, tg_at(node->out)->dtype, &args);
}

static void gradient_forward(tg_node *node)
{
    tg_tape *tape = tg_node_tape(node);
    const params *p = node->params;
    tg_tensor *weight = node->in[OF_WEIGHT];
    void *out[GRADIENTS];
    tg_wanted_data(node, p->wanted, GRADIENTS, out);
    tgk_batch_norm args = arguments(node, node->in[OF_X], node->in[SAVED]);
    args.out = out[X];
    args.dweight = out[WEIGHT];
    args.dbias = out[BIAS];
    args.g = tg_contiguous_data(node, node->in[G]);
    args.weight = weight ? tg_contiguous_data(node, weight) : NULL;
    if (args.x && args.g && (args.weight || !weight))
        tgk_batch_norm_backward(&tape->team, tape->isa, tg_at(node->out)->dtype, &args);
}

/* An operation over {g, x, weight or NULL, statistics}, whose output is the wanted gradient. */
static tg_call gradient_call(const tg_op *op, tg_tensor **in, const params *p)
{
    const tg_header *x = tg_at(in[OF_X]);
    return (tg_call){.op = op,
                     .n_in = GRADIENT_INPUTS,
                     .in = in,
                     .dtype = x->dtype,
                     .ndim = p->wanted == 1 << X ? x->ndim : 1,
                     .dims = p->wanted == 1 << X ? x->dims : x->dims + 1,
                     .params = p,
                     .params_size = sizeof *p};
}

static const tg_op gradients_op = {.name = "batch_norm_backward", .forward = gradient_forward};

/* The wanted gradients in one visit; that of x may be written over g. */
static void fused_backward(tg_node *node, tg_tensor *g, tg_tensor **grad_in, unsigned wanted)
{
    params p = *(const params *)node->params;
    const tg_shape x = tg_shape_copy(tg_dims_of(node->in[X])), channels = {1, {x.sizes[1]}};
    /* What nobody reads for the others may be gone. */
    tg_tensor *weight = wanted & 1u << X ? node->in[WEIGHT] : NULL;
    tg_tensor *in[GRADIENT_INPUTS] = {g, node->in[X], weight, node->in[STATISTICS]};
    p.wanted = wanted;
    tg_make(&(tg_making){gradient_call(&gradients_op, in, &p), .gradient_of = node, .last_use = g,
                         .shapes = (tg_shape[]){x, channels, channels}, .wanted = wanted,
                         .grad_in = grad_in});
}

/* --- what can be differentiated: gradients one by one, and theirs, of other operations --- */

/* x (N, C, ...) as (C, the rest). */
static tg_tensor *rows_of(tg_tensor *x)
{
    tg_tensor *t = tg_transpose(x, 0, 1);
    if (!t)
        return NULL;
    int64_t c = tg_at(t)->dims[0];
    return tg_reshape(t, 2, (int64_t[]){c, c ? tg_at(t)->numel / c : 0});
}

/* Such rows in the shape of x. */
static tg_tensor *like(tg_tensor *rows, const tg_tensor *x)
{
    tg_shape shape = tg_shape_copy(tg_dims_of(x));
    shape.sizes[0] = tg_at(x)->dims[1];
    shape.sizes[1] = tg_at(x)->dims[0];
    return tg_transpose(tg_reshape(rows, shape.ndim, shape.sizes), 0, 1);
}

static tg_tensor *as_column(tg_tensor *t)
{
    return t ? tg_unsqueeze(t, 1) : NULL;
}

/* (C) as (1, C, 1, ...) */
static tg_tensor *as_channels(tg_tensor *t, const tg_tensor *x)
{
    int64_t sizes[TG_MAX_NDIM];
    for (int i = 0; i < tg_at(x)->ndim; i++)
        sizes[i] = i == 1 ? tg_at(x)->dims[1] : 1;
    return tg_reshape(t, tg_at(x)->ndim, sizes);
}

/* One of the statistics as a constant (C). */
static tg_tensor *statistic(tg_tensor *statistics, int which, int dtype)
{
    tg_tensor *row = tg_select(statistics, 0, which);
    return row ? tg_to(row, dtype) : NULL;
}

/* For an upstream v of the gradient P(g weight) of x, see layer_norm.c. */
static void gradient_backward(tg_node *node, tg_tensor *v, tg_tensor **grad_in)
{
    const params *p = node->params;
    tg_tensor *const *in = node->in, *x = rows_of(in[OF_X]), *g = rows_of(in[G]);
    tg_tensor *weight = as_column(in[OF_WEIGHT]), *rows = rows_of(v), *along = NULL; /* P(v) */
    if (tg_needs_grad(node, G) || tg_needs_grad(node, OF_WEIGHT))
        along = tg_normalise_gradient(rows, x, in[SAVED], p->eps);
    if (tg_needs_grad(node, G))
        grad_in[G] = like(weight ? tg_mul(along, weight) : along, v);
    tg_tensor *u = weight ? tg_mul(g, weight) : g, *result = rows_of(node->out);
    grad_in[OF_X] = like(tg_normalise_second(u, x, rows, result, in[SAVED], p->eps), v);
    if (tg_needs_grad(node, OF_WEIGHT))
        grad_in[OF_WEIGHT] = tg_sum_dim(tg_mul(along, g), 1, false);
}

enum { READS_P = TG_READS_IN(OF_X) | TG_READS_IN(SAVED), READS_G = TG_READS_IN(G) };

static const tg_op gradient_op = {
    .name = "batch_norm_backward",
    .forward = gradient_forward,
    .backward = gradient_backward,
    .reads = {READS_P | TG_READS_IN(OF_WEIGHT),
              READS_P | READS_G | TG_READS_IN(OF_WEIGHT) | TG_READS_OUT, READS_P | READS_G}};

/* Of the sum of g h: to g, h v; to x, which in training moves its mean and deviation, P(g v). */
static void weight_gradient_backward(tg_node *node, tg_tensor *v, tg_tensor **grad_in)
{
    const params *p = node->params;
    tg_tensor *const *in = node->in, *like_v = as_channels(v, in[G]);
    int dtype = tg_at(v)->dtype;
    tg_tensor *deviation = as_channels(statistic(in[SAVED], 1, dtype), in[G]);
    if (tg_needs_grad(node, G) && p->training) {
        grad_in[G] = tg_mul(like(tg_normalise(rows_of(in[OF_X]), p->eps), in[G]), like_v);
    } else if (tg_needs_grad(node, G)) {
        tg_tensor *mean = as_channels(statistic(in[SAVED], 0, dtype), in[G]);
        grad_in[G] = tg_mul(tg_div(tg_sub(in[OF_X], mean), deviation), like_v);
    }
    if (tg_needs_grad(node, OF_X) && p->training) {
        tg_tensor *u = rows_of(tg_mul(in[G], like_v));
        grad_in[OF_X] = like(tg_normalise_gradient(u, rows_of(in[OF_X]), in[SAVED], p->eps), in[G]);
    } else if (tg_needs_grad(node, OF_X)) {
        grad_in[OF_X] = tg_div(tg_mul(in[G], like_v), deviation);
    }
}

static const tg_op weight_gradient_op = {.name = "batch_norm_weight",
                                         .forward = gradient_forward,
                                         .backward = weight_gradient_backward,
                                         .reads = {READS_P, READS_P | READS_G}};

static void bias_gradient_backward(tg_node *node, tg_tensor *v, tg_tensor **grad_in)
{
    const tg_header *g = tg_at(node->in[G]);
    grad_in[G] = tg_expand(as_channels(v, node->in[G]), g->ndim, g->dims);
}

static const tg_op bias_gradient_op = {
    .name = "batch_norm_bias", .forward = gradient_forward, .backward = bias_gradient_backward};

/* The same, one after the other. */
static void composed_backward(tg_node *node, tg_tensor *g, tg_tensor **grad_in, unsigned wanted)
{
    static const tg_op *const ops[] = {&gradient_op, &weight_gradient_op, &bias_gradient_op};
    params p = *(const params *)node->params;
    for (int i = 0; i < GRADIENTS; i++) {
        tg_tensor *in[] = {g, node->in[X], i == X ? node->in[WEIGHT] : NULL, node->in[STATISTICS]};
        p.wanted = 1u << i;
        tg_call call = gradient_call(ops[i], in, &p);
        if (wanted & p.wanted)
            grad_in[i] = tg_apply(&call);
    }
}

/* In evaluation the gradient of x is a product. */
static void backward(tg_node *node, tg_tensor *g, tg_tensor **grad_in)
{
    bool training = ((const params *)node->params)->training;
    unsigned wanted = tg_wanted(node) & (training ? ALL : ALL & ~(1u << X));
    if (tg_node_tape(node)->now.grad_enabled)
        composed_backward(node, g, grad_in, wanted);
    else if (wanted)
        fused_backward(node, g, grad_in, wanted);
    if (training || !tg_needs_grad(node, X))
        return;
    tg_tensor *weight = node->in[WEIGHT];
    tg_tensor *deviation = statistic(node->in[STATISTICS], 1, tg_at(g)->dtype);
    tg_tensor *slope = weight ? tg_div(weight, deviation) : tg_reciprocal(deviation);
    grad_in[X] = tg_mul(g, as_channels(slope, g));
}

#define READS_X (TG_READS_IN(X) | TG_READS_IN(STATISTICS))

static const tg_op batch_norm_op = {
    .name = "batch_norm",
    .forward = forward,
    .backward = backward,
    .reads = {READS_X | TG_READS_IN(WEIGHT), READS_X, TG_READS_NOTHING}};

/* --- running statistics --- */

typedef struct blend {
    double momentum;
    int which; /* of the statistics goes into the output */
} blend;

/* running = (1 - momentum) running + momentum * statistic, in place. */
static void blend_into(tg_tensor *running, const tg_tensor *statistics, int which, double momentum)
{
    tg_header *r = tg_at(running);
    int64_t n = r->dims[0], stride = tg_strides(running)[0];
    const double *from = (const double *)(const void *)tg_at(statistics)->data + which * n;
    float *f32 = (float *)(void *)r->data;
    double *f64 = (double *)(void *)r->data;
    for (int64_t c = 0; c < n; c++) {
        if (r->dtype == TG_F32)
            f32[c * stride] =
                (float)((1 - momentum) * (double)f32[c * stride] + momentum * from[c]);
        else
            f64[c * stride] = (1 - momentum) * f64[c * stride] + momentum * from[c];
    }
}

enum { OF_MEAN = 0, OF_VAR = 2 };

/* Inputs: the statistics and, where there is a second, the running mean. */
static void blend_forward(tg_node *node)
{
    const blend *b = node->params;
    blend_into(node->out, node->in[0], b->which, b->momentum);
    if (node->n_in == 1)
        return;
    blend_into(node->in[1], node->in[0], OF_MEAN, b->momentum);
    tg_at(node->in[1])->owner->version++; /* the output's is bumped by whoever runs this */
}

static const tg_op blend_op = {.name = "batch_norm", .forward = blend_forward};

static double batch_norm_momentum(const tg_batch_norm_opts *o)
{
    return tg_option(o->momentum, 0.1);
}

/* One operation for both, so that neither changes without the other. */
static bool keep_statistics(const tg_tensor *x, tg_tensor *statistics, const tg_batch_norm_opts *o)
{
    if (!tg_at(x)->numel || (!o->running_mean && !o->running_var))
        return true; /* nothing has no statistics */
    blend b = {batch_norm_momentum(o), o->running_var ? OF_VAR : OF_MEAN};
    bool both = o->running_mean && o->running_var;
    return tg_apply(&(tg_call){.op = &blend_op,
                               .n_in = both ? 2 : 1,
                               .in = (tg_tensor *[]){statistics, o->running_mean},
                               .params = &b,
                               .params_size = sizeof b,
                               .in_place = o->running_var ? o->running_var : o->running_mean});
}

static bool check_statistics(const tg_tensor *x, const tg_batch_norm_opts *o)
{
    tg_tape *tape = tg_tape_in(x);
    TG_CHECK(tape, tg_at(x)->ndim >= 2, TG_ESHAPE,
             "batch_norm: input %s, wanted (N, C) or (N, C, ...)", tg_shape_of(x).chars);
    double momentum = batch_norm_momentum(o);
    TG_CHECK(tape, momentum >= 0 && momentum <= 1, TG_EVALUE,
             "batch_norm: momentum %s is outside [0, 1]", tg_number_text(momentum, TG_F64).chars);
    bool constant = !(o->running_mean && tg_at(o->running_mean)->requires_grad) &&
                    !(o->running_var && tg_at(o->running_var)->requires_grad);
    TG_CHECK(tape, constant, TG_ESTATE, "batch_norm: running statistics cannot require a gradient");
    return true;
}

static bool check_batch_norm(tg_tensor *const *in, const tg_batch_norm_opts *o)
{
    const tg_op *op = &batch_norm_op;
    const tg_tensor *x = in[0];
    tg_dims shape = {1, tg_at(x)->dims + 1};
    return tg_check_floats(op, GIVEN, in) && tg_check_eps(op, x, o->eps) &&
           check_statistics(x, o) && tg_check_affine(op, o->weight, shape, "weight") &&
           tg_check_affine(op, o->bias, shape, "bias") &&
           tg_check_affine(op, o->running_mean, shape, "running_mean") &&
           tg_check_affine(op, o->running_var, shape, "running_var");
}

static bool check_values(const tg_tensor *x, const tg_batch_norm_opts *o)
{
    TG_CHECK(tg_tape_in(x), o->training || (o->running_mean && o->running_var), TG_EVALUE,
             "batch_norm: evaluation needs running_mean and running_var");
    tg_around a = tg_around_dim(x, 1);
    TG_CHECK(tg_tape_in(x), !o->training || a.outer * a.inner != 1, TG_EVALUE,
             "batch_norm: training on %s: more than one value a channel is needed",
             tg_shape_of(x).chars);
    return true;
}

static tg_tensor *batch_norm(tg_tensor *x, const tg_batch_norm_opts *o)
{
    int64_t channels = tg_at(x)->dims[1];
    tg_tensor *statistics = tg_tensor_new(tg_tape_in(x), batch_norm_op.name, TG_F64,
                                          (tg_dims){2, (int64_t[]){3, channels}});
    if (!statistics)
        return NULL;
    tg_tensor *in[] = {x, o->weight, o->bias, statistics, o->running_mean, o->running_var};
    params p = {.eps = tg_norm_eps(o->eps), .training = o->training};
    tg_tensor *y = tg_apply(&(tg_call){.op = &batch_norm_op,
                                       .n_in = o->training ? MEAN : INPUTS,
                                       .in = in,
                                       .dtype = tg_at(x)->dtype,
                                       .ndim = tg_at(x)->ndim,
                                       .dims = tg_at(x)->dims,
                                       .params = &p,
                                       .params_size = sizeof p});
    /* Last: what fails has changed nothing. */
    bool kept = y && (!o->training || keep_statistics(x, statistics, o));
    return kept ? y : NULL;
}

tg_tensor *tg_batch_norm(tg_tensor *x, const tg_batch_norm_opts *opts)
{
    const tg_batch_norm_opts o = opts ? *opts : (tg_batch_norm_opts){0};
    tg_tensor *in[GIVEN] = {x, o.weight, o.bias, o.running_mean, o.running_var};
    TG_IN_SCOPE_GIVEN(&batch_norm_op, GIVEN, in, 1,
                      check_batch_norm(in, &o) && check_values(x, &o) ? batch_norm(x, &o) : NULL);
}

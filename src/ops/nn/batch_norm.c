/* batch_norm. Relies on normalise.h. */
#include "ops/nn/normalise.h"

#include "kernels/loops.h"
#include "ops/arithmetic.h"
#include "ops/option.h"

#include <tinygrad/nn.h>

/* x times weight plus bias, each optional, in a shape that broadcasts to x. */
static tg_tensor *affine(tg_tensor *x, tg_tensor *weight, tg_tensor *bias, tg_dims shape)
{
    if (weight)
        x = tg_mul(x, tg_reshape(weight, shape.ndim, shape.sizes));
    if (bias)
        x = tg_add(x, tg_reshape(bias, shape.ndim, shape.sizes));
    return x;
}

static const tg_op batch_norm_name = {.name = "batch_norm"};
enum { BATCH_NORM_IN = 5 };

/* running = (1 - momentum) running + momentum * statistic, in place. */
#define M (*(const double *)params)
TGK_LOOP2(blend_f32, float, float, (1 - M) * (double)x + M * (double)y);
TGK_LOOP2(blend_f64, double, double, (1 - M) * x + M * y);

static const tgk_loops blend_loops[TG_DTYPES] = {blend_f32, blend_f64};

static void blend_into(tg_node *node, tg_tensor *running, tg_tensor *statistic)
{
    tg_tensor *in[] = {running, statistic};
    tgk_loop *loop = tg_loop_of(running, blend_loops[tg_at(running)->dtype]);
    tg_map(running, in, 2, loop, node->params);
}

/* Inputs: the output's statistic, and for a second running one that and itself. */
static void blend_forward(tg_node *node)
{
    blend_into(node, node->out, node->in[0]);
    if (node->n_in == 1)
        return;
    blend_into(node, node->in[2], node->in[1]);
    tg_at(node->in[2])->owner->version++; /* the output's is bumped by whoever runs this */
}

static const tg_op blend_op = {.name = "batch_norm", .forward = blend_forward};

static double batch_norm_momentum(const tg_batch_norm_opts *o)
{
    return tg_option(o->momentum, 0.1);
}

/* One operation for both, so that neither changes without the other. */
static bool keep_statistics(tg_tensor *rows, const tg_batch_norm_opts *o)
{
    if (!tg_at(rows)->numel || (!o->running_mean && !o->running_var))
        return true; /* nothing has no statistics */
    double momentum = batch_norm_momentum(o);
    tg_tensor *seen = tg_detach(rows);
    tg_tensor *mean = o->running_mean ? tg_mean_dim(seen, 1, false) : NULL;
    tg_tensor *var = o->running_var ? tg_var_dim(seen, 1, false) : NULL;
    bool both = o->running_mean && o->running_var;
    return tg_apply(&(tg_call){.op = &blend_op,
                               .n_in = both ? 3 : 1,
                               .in = (tg_tensor *[]){var ? var : mean, mean, o->running_mean},
                               .params = &momentum,
                               .params_size = sizeof momentum,
                               .in_place = o->running_var ? o->running_var : o->running_mean});
}

/* x (N, C, ...) as (C, the rest), and the shape on the way: (C, N, ...). */
static tg_tensor *channels_first(tg_tensor *x, tg_shape *shape)
{
    tg_tensor *t = tg_transpose(x, 0, 1);
    if (!t)
        return NULL;
    *shape = tg_shape_copy(tg_dims_of(t));
    int64_t c = tg_at(t)->dims[0];
    return tg_reshape(t, 2, (int64_t[]){c, c ? tg_at(t)->numel / c : 0});
}

static int64_t values_of_channel(const tg_tensor *x)
{
    int64_t count = tg_at(x)->dims[0];
    for (int i = 2; i < tg_at(x)->ndim; i++)
        count *= tg_at(x)->dims[i];
    return count;
}

static tg_tensor *train(tg_tensor *x, double eps, tg_tensor **rows)
{
    tg_shape shape;
    *rows = channels_first(x, &shape);
    if (!*rows)
        return NULL;
    TG_CHECK(tg_tape_in(x), values_of_channel(x) != 1, TG_EVALUE,
             "batch_norm: training on %s: more than one value a channel is needed",
             tg_shape_of(x).chars);
    return tg_transpose(tg_reshape(tg_normalise(*rows, eps), shape.ndim, shape.sizes), 0, 1);
}

static tg_tensor *evaluate(tg_tensor *x, const tg_batch_norm_opts *o, double eps, tg_dims shape)
{
    TG_CHECK(tg_tape_in(x), o->running_mean && o->running_var, TG_EVALUE,
             "batch_norm: evaluation needs running_mean and running_var");
    tg_tensor *mean = tg_reshape(o->running_mean, shape.ndim, shape.sizes);
    tg_tensor *var = tg_reshape(o->running_var, shape.ndim, shape.sizes);
    return tg_mul(tg_sub(x, mean), tg_rsqrt(tg_add_scalar(var, eps)));
}

static bool check_batch_norm(tg_tensor *const *in, const tg_batch_norm_opts *o)
{
    const tg_op *op = &batch_norm_name;
    const tg_tensor *x = in[0];
    if (!tg_check_floats(op, BATCH_NORM_IN, in) || !tg_check_eps(op, x, o->eps))
        return false;
    tg_tape *tape = tg_tape_in(x);
    TG_CHECK(tape, tg_at(x)->ndim >= 2, TG_ESHAPE,
             "batch_norm: input %s, wanted (N, C) or (N, C, ...)", tg_shape_of(x).chars);
    double momentum = batch_norm_momentum(o);
    TG_CHECK(tape, momentum >= 0 && momentum <= 1, TG_EVALUE,
             "batch_norm: momentum %s is outside [0, 1]", tg_number_text(momentum, TG_F64).chars);
    tg_dims shape = {1, tg_at(x)->dims + 1};
    bool constant = !(o->running_mean && tg_at(o->running_mean)->requires_grad) &&
                    !(o->running_var && tg_at(o->running_var)->requires_grad);
    TG_CHECK(tape, constant, TG_ESTATE, "batch_norm: running statistics cannot require a gradient");
    return tg_check_affine(op, o->weight, shape, "weight") &&
           tg_check_affine(op, o->bias, shape, "bias") &&
           tg_check_affine(op, o->running_mean, shape, "running_mean") &&
           tg_check_affine(op, o->running_var, shape, "running_var");
}

static tg_tensor *batch_norm(tg_tensor *x, const tg_batch_norm_opts *o)
{
    double eps = tg_norm_eps(o->eps);
    int64_t sizes[TG_MAX_NDIM];
    for (int i = 0; i < tg_at(x)->ndim; i++)
        sizes[i] = i == 1 ? tg_at(x)->dims[1] : 1;
    tg_dims shape = {tg_at(x)->ndim, sizes};
    tg_tensor *rows = NULL, *y = o->training ? train(x, eps, &rows) : evaluate(x, o, eps, shape);
    y = affine(y, o->weight, o->bias, shape);
    /* Last: what fails has changed nothing. */
    bool kept = y && (!o->training || keep_statistics(rows, o));
    return kept ? y : NULL;
}

tg_tensor *tg_batch_norm(tg_tensor *x, const tg_batch_norm_opts *opts)
{
    const tg_batch_norm_opts o = opts ? *opts : (tg_batch_norm_opts){0};
    tg_tensor *in[BATCH_NORM_IN] = {x, o.weight, o.bias, o.running_mean, o.running_var};
    TG_IN_SCOPE_GIVEN(&batch_norm_name, BATCH_NORM_IN, in, 1,
                      check_batch_norm(in, &o) ? batch_norm(x, &o) : NULL);
}

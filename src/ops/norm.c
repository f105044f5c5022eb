/* batch_norm, and what is checked for layer_norm as well. Relies on norm.h. */
#include "norm.h"

#include "../kernels/loops.h"
#include "arithmetic.h"

/* x times weight plus bias, each optional, in a shape that broadcasts to x. */
static tg_tensor *affine(tg_tensor *x, tg_tensor *weight, tg_tensor *bias, tg_dims shape)
{
    if (weight)
        x = tg_mul(x, tg_reshape(weight, shape.ndim, shape.sizes));
    if (bias)
        x = tg_add(x, tg_reshape(bias, shape.ndim, shape.sizes));
    return x;
}

double tg_norm_eps(double eps)
{
    return eps > 0 ? eps : 1e-5;
}

bool tg_check_eps(const tg_op *op, const tg_tensor *x, double eps)
{
    TG_CHECK(tg_tape_in(x), eps >= 0, TG_EVALUE, "%s: eps %g is not >= 0", op->name, eps);
    return true;
}

bool tg_check_affine(const tg_op *op, const tg_tensor *t, tg_dims shape, const char *what)
{
    if (!t)
        return true;
    TG_CHECK(tg_tape_in(t), tg_shape_equal(tg_dims_of(t), shape), TG_ESHAPE, "%s: %s %s, wanted %s",
             op->name, what, tg_shape_of(t).chars, tg_shape_text(shape).chars);
    return true;
}

bool tg_check_given(const tg_op *op, int n, tg_tensor *const *in)
{
    tg_tensor *given[5];
    int count = 0;
    for (int i = 0; i < n; i++) {
        if (in[i] || i == 0)
            given[count++] = in[i];
    }
    return tg_check_inputs(op, count, given) && tg_check_floats(op, count, given);
}

static const tg_op batch_norm_name = {.name = "batch_norm"};

/* running = (1 - momentum) running + momentum * statistic, in place. */
#define M (*(const double *)params)
TGK_LOOP2(blend_f32, float, float, (1 - M) * (double)x + M * (double)y)
TGK_LOOP2(blend_f64, double, double, (1 - M) * x + M * y)

static const tgk_loops blend_loops[TG_DTYPES] = {blend_f32, blend_f64};

static void blend_forward(tg_node *node)
{
    tg_tensor *in[] = {node->out, node->in[0]};
    tgk_loop *loop = tg_loop_of(node->out, blend_loops[node->out->dtype]);
    tg_map(node->out, in, 2, loop, node->params);
}

static const tg_op blend_op = {.name = "batch_norm", .forward = blend_forward};

static bool blend(tg_tensor *running, tg_tensor *statistic, double momentum)
{
    if (!running || !statistic)
        return statistic;
    return tg_apply(&(tg_call){.op = &blend_op,
                               .n_in = 1,
                               .in = &statistic,
                               .params = &momentum,
                               .params_size = sizeof momentum,
                               .in_place = running});
}

/* x (N, C, ...) as (C, the rest), and the shape on the way: (C, N, ...). */
static tg_tensor *channels_first(tg_tensor *x, tg_shape *shape)
{
    tg_tensor *t = tg_transpose(x, 0, 1);
    if (!t)
        return NULL;
    *shape = tg_shape_copy(tg_dims_of(t));
    int64_t c = t->dims[0];
    return tg_reshape(t, 2, (int64_t[]){c, c ? t->numel / c : 0});
}

static int64_t values_of_channel(const tg_tensor *x)
{
    int64_t count = x->dims[0];
    for (int i = 2; i < x->ndim; i++)
        count *= x->dims[i];
    return count;
}

static tg_tensor *train(tg_tensor *x, const tg_batch_norm_opts *o, double eps)
{
    tg_shape shape;
    tg_tensor *rows = channels_first(x, &shape);
    if (!rows)
        return NULL;
    TG_CHECK(tg_tape_in(x), values_of_channel(x) != 1, TG_EVALUE,
             "batch_norm: training on %s: more than one value a channel is needed",
             tg_shape_of(x).chars);
    double momentum = o->momentum > 0 ? o->momentum : 0.1;
    bool keeps = x->numel > 0 && (o->running_mean || o->running_var); /* nothing has none */
    tg_tensor *seen = keeps ? tg_detach(rows) : NULL;
    if (seen && o->running_mean && !blend(o->running_mean, tg_mean_dim(seen, 1, false), momentum))
        return NULL;
    if (seen && o->running_var && !blend(o->running_var, tg_var_dim(seen, 1, false), momentum))
        return NULL;
    tg_tensor *y = tg_normalise(rows, eps);
    return tg_transpose(tg_reshape(y, shape.ndim, shape.sizes), 0, 1);
}

static tg_tensor *evaluate(tg_tensor *x, const tg_batch_norm_opts *o, double eps, tg_dims shape)
{
    TG_CHECK(tg_tape_in(x), o->running_mean && o->running_var, TG_EVALUE,
             "batch_norm: evaluation needs running_mean and running_var");
    tg_tensor *mean = tg_reshape(o->running_mean, shape.ndim, shape.sizes);
    tg_tensor *var = tg_reshape(o->running_var, shape.ndim, shape.sizes);
    return tg_mul(tg_sub(x, mean), tg_rsqrt(tg_add_scalar(var, eps)));
}

static bool check_batch_norm(tg_tensor *x, const tg_batch_norm_opts *o)
{
    const tg_op *op = &batch_norm_name;
    if (!tg_check_given(op, 5,
                        (tg_tensor *[]){x, o->weight, o->bias, o->running_mean, o->running_var}) ||
        !tg_check_eps(op, x, o->eps))
        return false;
    tg_tape *tape = tg_tape_in(x);
    TG_CHECK(tape, x->ndim >= 2, TG_ESHAPE, "batch_norm: input %s, wanted (N, C) or (N, C, ...)",
             tg_shape_of(x).chars);
    TG_CHECK(tape, o->momentum >= 0 && o->momentum <= 1, TG_EVALUE,
             "batch_norm: momentum %s is outside [0, 1]",
             tg_number_text(o->momentum, TG_F64).chars);
    tg_dims shape = {1, x->dims + 1};
    bool constant = !(o->running_mean && o->running_mean->requires_grad) &&
                    !(o->running_var && o->running_var->requires_grad);
    TG_CHECK(tape, constant, TG_ESTATE, "batch_norm: running statistics cannot require a gradient");
    return tg_check_affine(op, o->weight, shape, "weight") &&
           tg_check_affine(op, o->bias, shape, "bias") &&
           tg_check_affine(op, o->running_mean, shape, "running_mean") &&
           tg_check_affine(op, o->running_var, shape, "running_var");
}

tg_tensor *tg_batch_norm(tg_tensor *x, const tg_batch_norm_opts *opts)
{
    const tg_batch_norm_opts o = opts ? *opts : (tg_batch_norm_opts){0};
    if (!check_batch_norm(x, &o))
        return NULL;
    tg_scope scope = tg_scope_open(x);
    double eps = tg_norm_eps(o.eps);
    int64_t sizes[TG_MAX_NDIM];
    for (int i = 0; i < x->ndim; i++)
        sizes[i] = i == 1 ? x->dims[1] : 1;
    tg_dims shape = {x->ndim, sizes};
    tg_tensor *y = o.training ? train(x, &o, eps) : evaluate(x, &o, eps, shape);
    return tg_scope_close(scope, affine(y, o.weight, o.bias, shape));
}

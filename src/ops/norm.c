/* layer_norm and batch_norm. Relies on kernels/moments.h. */
#include "arithmetic.h"
#include "check.h"

#include "../kernels/loops.h"
#include "../kernels/moments.h"

static void run(tg_node *node, const tgk_moments_kernel *table, tgk_moments *m)
{
    tg_tape *tape = tg_node_tape(node);
    m->out = node->out->data;
    m->rows = node->out->dims[0];
    m->n = node->out->dims[1];
    tgk_moments_run(&tape->team, table[node->out->dtype][tape->isa], m);
}

static void normalise_forward(tg_node *node)
{
    tgk_moments m = {.x = tg_contiguous_data(node, node->in[0]),
                     .deviations = (double *)(void *)node->saved->data,
                     .param = *(const double *)node->params};
    if (m.x)
        run(node, tgk_normalise_table, &m);
}

/* Inputs {g, y = what normalise made, the deviations, x}. */
static void gradient_forward(tg_node *node)
{
    tgk_moments m = {.g = tg_contiguous_data(node, node->in[0]),
                     .x = node->in[1]->data,
                     .deviations = (double *)(void *)node->in[2]->data};
    if (m.g)
        run(node, tgk_normalise_gradient_table, &m);
}

static tg_tensor *gradient(tg_tensor *g, tg_tensor *const *of);

static tg_tensor *row_mean(tg_tensor *a, tg_tensor *b)
{
    return tg_mean_dim(tg_mul(a, b), 1, true);
}

/* dx is (g - mean(g) - y mean(g y)) / s with the deviation s, which moves with x by y / n. */
static void gradient_backward(tg_node *node, tg_tensor *v, tg_tensor **grad_in)
{
    tg_tensor *g = node->in[0], *y = node->in[1], *x = node->in[3];
    if (tg_needs_grad(node, 0))
        grad_in[0] = gradient(v, node->in + 1);
    if (!tg_needs_grad(node, 1) && !tg_needs_grad(node, 3))
        return;
    tg_tensor *s = tg_narrow(node->in[2], 0, 0, x->dims[0]);
    s = tg_reshape(tg_to(s, x->dtype), 2, (int64_t[]){x->dims[0], 1});
    if (tg_needs_grad(node, 1)) {
        tg_tensor *first = tg_mul(v, row_mean(g, y));
        grad_in[1] = tg_neg(tg_div(tg_add(first, tg_mul(g, row_mean(v, y))), s));
    }
    if (tg_needs_grad(node, 3))
        grad_in[3] = tg_neg(tg_mul(y, tg_div(row_mean(v, node->out), s)));
}

enum { READS_Y = TG_READS_IN(1) | TG_READS_IN(2) };

static const tg_op gradient_op = {
    .name = "normalise_backward",
    .forward = gradient_forward,
    .backward = gradient_backward,
    .reads = {READS_Y, READS_Y | TG_READS_IN(0), 0, READS_Y | TG_READS_OUT}};

/* `of`: y, the deviations, x. */
static tg_tensor *gradient(tg_tensor *g, tg_tensor *const *of)
{
    return tg_apply_first(&gradient_op, 4, (tg_tensor *[]){g, of[0], of[1], of[2]}, NULL, 0);
}

/* With y the output: dx = (g - mean(g) - y mean(g y)) / deviation, row by row. */
static void normalise_backward(tg_node *node, tg_tensor *g, tg_tensor **grad_in)
{
    grad_in[0] = gradient(g, (tg_tensor *[]){node->out, node->saved, node->in[0]});
}

static const tg_op normalise_op = {.name = "normalise",
                                   .forward = normalise_forward,
                                   .backward = normalise_backward,
                                   .reads = {TG_READS_IN(0) | TG_READS_OUT}};

/* Each row of x (rows, n) with mean 0 and variance 1. */
static tg_tensor *normalise(tg_tensor *x, double eps)
{
    if (!x)
        return NULL;
    return tg_apply(&(tg_call){.op = &normalise_op,
                               .n_in = 1,
                               .in = &x,
                               .dtype = x->dtype,
                               .ndim = 2,
                               .dims = x->dims,
                               .params = &eps,
                               .params_size = sizeof eps,
                               .saved_numel = x->dims[0] > 0 ? x->dims[0] : 1,
                               .saved_dtype = TG_F64});
}

/* x times weight plus bias, each optional, in a shape that broadcasts to x. */
static tg_tensor *affine(tg_tensor *x, tg_tensor *weight, tg_tensor *bias, tg_dims shape)
{
    if (weight)
        x = tg_mul(x, tg_reshape(weight, shape.ndim, shape.sizes));
    if (bias)
        x = tg_add(x, tg_reshape(bias, shape.ndim, shape.sizes));
    return x;
}

static const double default_eps = 1e-5;

static bool check_eps(const tg_op *op, const tg_tensor *x, double eps)
{
    TG_CHECK(tg_tape_in(x), eps >= 0, TG_EVALUE, "%s: eps %g is not >= 0", op->name, eps);
    return true;
}

static const tg_op layer_norm_name = {.name = "layer_norm"};

static bool check_last_dims(const tg_tensor *x, tg_dims shape)
{
    tg_tape *tape = tg_tape_in(x);
    TG_CHECK(tape, shape.ndim >= 1 && shape.ndim <= TG_MAX_NDIM && shape.sizes, TG_ESHAPE,
             "layer_norm: %d dims to normalise over, wanted at least one", shape.ndim);
    bool fits = shape.ndim <= x->ndim &&
                tg_shape_equal((tg_dims){shape.ndim, x->dims + x->ndim - shape.ndim}, shape);
    TG_CHECK(tape, fits, TG_ESHAPE, "layer_norm: input %s does not end in %s", tg_shape_of(x).chars,
             tg_shape_text(shape).chars);
    return true;
}

static bool check_affine(const tg_op *op, const tg_tensor *t, tg_dims shape, const char *what)
{
    if (!t)
        return true;
    TG_CHECK(tg_tape_in(t), tg_shape_equal(tg_dims_of(t), shape), TG_ESHAPE, "%s: %s %s, wanted %s",
             op->name, what, tg_shape_of(t).chars, tg_shape_text(shape).chars);
    return true;
}

/* Checks the inputs that are there. */
static bool check_given(const tg_op *op, int n, tg_tensor *const *in)
{
    tg_tensor *given[5];
    int count = 0;
    for (int i = 0; i < n; i++) {
        if (in[i] || i == 0)
            given[count++] = in[i];
    }
    return tg_check_inputs(op, count, given) && tg_check_floats(op, count, given);
}

tg_tensor *tg_layer_norm(tg_tensor *x, int n, const int64_t *dims, tg_tensor *weight,
                         tg_tensor *bias, double eps)
{
    const tg_op *op = &layer_norm_name;
    tg_dims shape = {n, dims};
    if (!check_given(op, 3, (tg_tensor *[]){x, weight, bias}) || !check_last_dims(x, shape) ||
        !check_affine(op, weight, shape, "weight") || !check_affine(op, bias, shape, "bias") ||
        !check_eps(op, x, eps))
        return NULL;
    tg_scope scope = tg_scope_open(x);
    int64_t size = 1, rows = 1;
    for (int i = 0; i < x->ndim; i++)
        *(i < x->ndim - n ? &rows : &size) *= x->dims[i];
    tg_tensor *flat = tg_reshape(x, 2, (int64_t[]){rows, size});
    tg_tensor *y = normalise(flat, eps > 0 ? eps : default_eps);
    return tg_scope_close(scope, affine(tg_reshape(y, x->ndim, x->dims), weight, bias, shape));
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

static tg_tensor *train(tg_tensor *x, const tg_batch_norm_opts *o, double eps)
{
    tg_shape shape;
    tg_tensor *rows = channels_first(x, &shape);
    if (!rows)
        return NULL;
    TG_CHECK(tg_tape_in(x), rows->dims[1] > 1, TG_EVALUE,
             "batch_norm: training on %s: more than one value a channel is needed",
             tg_shape_of(x).chars);
    double momentum = o->momentum > 0 ? o->momentum : 0.1;
    tg_tensor *seen = o->running_mean || o->running_var ? tg_detach(rows) : NULL;
    if (o->running_mean && !blend(o->running_mean, tg_mean_dim(seen, 1, false), momentum))
        return NULL;
    if (o->running_var && !blend(o->running_var, tg_var_dim(seen, 1, false), momentum))
        return NULL;
    tg_tensor *y = normalise(rows, eps);
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
    if (!check_given(op, 5,
                     (tg_tensor *[]){x, o->weight, o->bias, o->running_mean, o->running_var}) ||
        !check_eps(op, x, o->eps))
        return false;
    tg_tape *tape = tg_tape_in(x);
    TG_CHECK(tape, x->ndim >= 2, TG_ESHAPE, "batch_norm: input %s, wanted (N, C) or (N, C, ...)",
             tg_shape_of(x).chars);
    TG_CHECK(tape, o->momentum >= 0 && o->momentum <= 1, TG_EVALUE,
             "batch_norm: momentum %g is outside [0, 1]", o->momentum);
    tg_dims shape = {1, x->dims + 1};
    bool constant = !(o->running_mean && o->running_mean->requires_grad) &&
                    !(o->running_var && o->running_var->requires_grad);
    TG_CHECK(tape, constant, TG_ESTATE, "batch_norm: running statistics cannot require a gradient");
    return check_affine(op, o->weight, shape, "weight") &&
           check_affine(op, o->bias, shape, "bias") &&
           check_affine(op, o->running_mean, shape, "running_mean") &&
           check_affine(op, o->running_var, shape, "running_var");
}

tg_tensor *tg_batch_norm(tg_tensor *x, const tg_batch_norm_opts *opts)
{
    const tg_batch_norm_opts o = opts ? *opts : (tg_batch_norm_opts){0};
    if (!check_batch_norm(x, &o))
        return NULL;
    tg_scope scope = tg_scope_open(x);
    double eps = o.eps > 0 ? o.eps : default_eps;
    int64_t sizes[TG_MAX_NDIM];
    for (int i = 0; i < x->ndim; i++)
        sizes[i] = i == 1 ? x->dims[1] : 1;
    tg_dims shape = {x->ndim, sizes};
    tg_tensor *y = o.training ? train(x, &o, eps) : evaluate(x, &o, eps, shape);
    return tg_scope_close(scope, affine(y, o.weight, o.bias, shape));
}

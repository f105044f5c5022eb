/* var, std, norm, logsumexp and cumsum. Relies on reduce.h and kernels/rows.h. */
#include "ops/reduce.h"

#include "kernels/moments.h"
#include "kernels/rows.h"
#include "kernels/softmax_rows.h"
#include "ops/arithmetic.h"
#include "ops/broadcast.h"
#include "ops/check.h"

#include <float.h>
#include <math.h>

static double param_of(const tg_node *node)
{
    return *(const double *)node->params;
}

static void moments_forward(tg_node *node, const tgk_moments_kernel *table)
{
    tgk_moments m = {.out = node->out->data, .param = param_of(node)};
    tg_tape *tape = tg_node_tape(node);
    m.x = tg_over_rows(node, &m.rows, &m.n);
    if (m.x)
        tgk_moments_run(&tape->team, table[node->out->dtype][tape->isa], &m);
}

static void reduce_rows(tg_node *node, tgk_row_reduce *kernel)
{
    int64_t rows, n;
    const void *x = tg_over_rows(node, &rows, &n);
    if (x)
        kernel(node->out->data, x, rows, n, param_of(node));
}

/* x minus its mean over the dims that the output has lost. */
static tg_tensor *deviations(const tg_node *node)
{
    tg_tensor *x = node->in[0];
    int64_t count = node->out->numel ? x->numel / node->out->numel : 0;
    return tg_sub(x, tg_mean_over(x, tg_dims_of(node->out), count));
}

/* What the squared deviations are divided by. */
static double divisor(const tg_node *node)
{
    const tg_tensor *x = node->in[0];
    int64_t count = node->out->numel ? x->numel / node->out->numel : 0;
    return fmax((double)count - param_of(node), 0);
}

static void var_forward(tg_node *node)
{
    moments_forward(node, tgk_var_table);
}

static void var_backward(tg_node *node, tg_tensor *grad_out, tg_tensor **grad_in)
{
    grad_in[0] = tg_mul(tg_mul_scalar(grad_out, 2 / divisor(node)), deviations(node));
}

static const tg_op var_op = {
    .name = "var", .forward = var_forward, .backward = var_backward, .reads = {TG_READS_IN(0)}};

static void std_forward(tg_node *node)
{
    moments_forward(node, tgk_std_table);
}

/* g / y, and 0 where y is 0: what PyTorch takes for the slope of a root at 0. A subnormal y, whose
 * square is 0 for PyTorch, counts as 0 as well: g / y would overflow. */
static tg_tensor *over_root(tg_tensor *g, tg_tensor *y)
{
    tg_tensor *zero = tg_lt_scalar(y, y->dtype == TG_F32 ? (double)FLT_MIN : DBL_MIN);
    return tg_masked_fill(tg_div(g, tg_masked_fill(y, zero, 1)), zero, 0);
}

static void std_backward(tg_node *node, tg_tensor *grad_out, tg_tensor **grad_in)
{
    tg_tensor *g = tg_div_scalar(over_root(grad_out, node->out), divisor(node));
    grad_in[0] = tg_mul(g, deviations(node));
}

static const tg_op std_op = {.name = "std",
                             .forward = std_forward,
                             .backward = std_backward,
                             .reads = {TG_READS_IN(0) | TG_READS_OUT}};

static tg_tensor *moment(const tg_op *op, tg_tensor *x, tg_dims dims, double correction,
                         bool keepdim)
{
    tg_over over;
    if (!tg_over_dims(op, x, dims.ndim, dims.sizes, &over) || !tg_check_floats(op, 1, &x))
        return NULL;
    TG_CHECK(tg_tape_in(x), !isnan(correction), TG_EVALUE, "%s: correction is nan", op->name);
    tg_scope scope = tg_scope_open(x);
    tg_tensor *y = tg_over_apply(op, x, &over, x->dtype, correction);
    return tg_scope_close(scope, tg_over_finish(y, &over, keepdim));
}

tg_tensor *tg_var_dims(tg_tensor *x, int n, const int64_t *dims, double correction, bool keepdim)
{
    return moment(&var_op, x, (tg_dims){n, dims}, correction, keepdim);
}

tg_tensor *tg_var_dim(tg_tensor *x, int dim, bool keepdim)
{
    return tg_var_dims(x, 1, (int64_t[]){dim}, 1, keepdim);
}

tg_tensor *tg_var(tg_tensor *x)
{
    return tg_var_dims(x, 0, NULL, 1, false);
}

tg_tensor *tg_std_dims(tg_tensor *x, int n, const int64_t *dims, double correction, bool keepdim)
{
    return moment(&std_op, x, (tg_dims){n, dims}, correction, keepdim);
}

tg_tensor *tg_std_dim(tg_tensor *x, int dim, bool keepdim)
{
    return tg_std_dims(x, 1, (int64_t[]){dim}, 1, keepdim);
}

tg_tensor *tg_std(tg_tensor *x)
{
    return tg_std_dims(x, 0, NULL, 1, false);
}

static void norm2_forward(tg_node *node)
{
    reduce_rows(node, tgk_norm2_table[node->out->dtype]);
}

static void norm2_backward(tg_node *node, tg_tensor *grad_out, tg_tensor **grad_in)
{
    grad_in[0] = tg_mul(node->in[0], over_root(grad_out, node->out));
}

static const tg_op norm_op = {.name = "norm",
                              .forward = norm2_forward,
                              .backward = norm2_backward,
                              .reads = {TG_READS_IN(0) | TG_READS_OUT}};

/* x^e of x >= 0; where the slope at 0 is infinite, the gradient there is 0. */
static tg_tensor *power(tg_tensor *x, double e)
{
    if (e >= 1)
        return tg_pow_scalar(x, e);
    tg_tensor *zero = tg_eq_scalar(x, 0);
    return tg_masked_fill(tg_pow_scalar(tg_masked_fill(x, zero, 1), e), zero, 0);
}

/* Over the dims, which stay with size 1. */
static tg_tensor *norm(tg_tensor *x, double p, const tg_over *over, tg_dims dims)
{
    tg_dims kept = tg_shape_dims(&over->kept);
    if (p == 2)
        return tg_over_apply(&norm_op, x, over, x->dtype, 0);
    tg_tensor *a = tg_abs(x);
    if (p == 1)
        return a ? tg_sum_over(a, kept) : NULL;
    if (isinf(p))
        return tg_amax(a, dims.ndim, dims.sizes, true);
    tg_tensor *powers = power(a, p);
    return powers ? power(tg_sum_over(powers, kept), 1 / p) : NULL;
}

tg_tensor *tg_norm_dims(tg_tensor *x, double p, int n, const int64_t *dims, bool keepdim)
{
    TGK_IN_RIGHT_MODES(tg_tensor *, tg_norm_dims(x, p, n, dims, keepdim));
    tg_over over;
    if (!tg_over_dims(&norm_op, x, n, dims, &over) || !tg_check_floats(&norm_op, 1, &x))
        return NULL;
    TG_CHECK(tg_tape_in(x), p > 0, TG_EVALUE, "norm: p %g is not > 0", tg_shown(p));
    tg_scope scope = tg_scope_open(x);
    tg_tensor *y = norm(x, p, &over, (tg_dims){n, dims});
    return tg_scope_close(scope, tg_over_finish(y, &over, keepdim));
}

tg_tensor *tg_norm(tg_tensor *x, double p)
{
    return tg_norm_dims(x, p, 0, NULL, false);
}

static void logsumexp_forward(tg_node *node)
{
    int64_t rows, n;
    const void *x = tg_over_rows(node, &rows, &n);
    if (!x)
        return;
    tg_tape *tape = tg_node_tape(node);
    tgk_rows args = {rows, n, 1, node->out->data, x, NULL};
    tgk_softmax_run(&tape->team, tgk_softmax_table[tape->isa][node->out->dtype].logsumexp, &args);
}

static void logsumexp_backward(tg_node *node, tg_tensor *grad_out, tg_tensor **grad_in)
{
    grad_in[0] = tg_mul(grad_out, tg_exp(tg_sub(node->in[0], node->out)));
}

static const tg_op logsumexp_op = {.name = "logsumexp",
                                   .forward = logsumexp_forward,
                                   .backward = logsumexp_backward,
                                   .reads = {TG_READS_IN(0) | TG_READS_OUT}};

tg_tensor *tg_logsumexp_dims(tg_tensor *x, int n, const int64_t *dims, bool keepdim)
{
    tg_over over;
    if (!tg_over_dims(&logsumexp_op, x, n, dims, &over))
        return NULL;
    tg_scope scope = tg_scope_open(x);
    x = tg_is_float(x->dtype) ? x : tg_to(x, TG_F32);
    tg_tensor *y = x ? tg_over_apply(&logsumexp_op, x, &over, x->dtype, 0) : NULL;
    return tg_scope_close(scope, tg_over_finish(y, &over, keepdim));
}

tg_tensor *tg_logsumexp_dim(tg_tensor *x, int dim, bool keepdim)
{
    return tg_logsumexp_dims(x, 1, (int64_t[]){dim}, keepdim);
}

tg_tensor *tg_logsumexp(tg_tensor *x)
{
    return tg_logsumexp_dims(x, 0, NULL, false);
}

typedef struct direction {
    int dim, backward;
} direction;

static tg_tensor *cumsum(tg_tensor *x, direction d);

static void cumsum_forward(tg_node *node)
{
    const direction *d = node->params;
    tg_around a = tg_around_dim(node->in[0], d->dim);
    const void *x = tg_contiguous_data(node, node->in[0]);
    if (x)
        tgk_cumsum_table[node->in[0]->dtype](node->out->data, x, a.outer, a.n, a.inner,
                                             d->backward);
}

static void cumsum_backward(tg_node *node, tg_tensor *grad_out, tg_tensor **grad_in)
{
    const direction *d = node->params;
    grad_in[0] = cumsum(grad_out, (direction){d->dim, !d->backward});
}

static const tg_op cumsum_op = {
    .name = "cumsum", .forward = cumsum_forward, .backward = cumsum_backward};

static tg_tensor *cumsum(tg_tensor *x, direction d)
{
    return tg_apply(&(tg_call){.op = &cumsum_op,
                               .n_in = 1,
                               .in = &x,
                               .dtype = tg_is_float(x->dtype) ? x->dtype : TG_I64,
                               .ndim = x->ndim,
                               .dims = x->dims,
                               .params = &d,
                               .params_size = sizeof d});
}

tg_tensor *tg_cumsum(tg_tensor *x, int dim)
{
    if (!tg_check_inputs(&cumsum_op, 1, &x) || (dim = tg_check_dim(&cumsum_op, x, dim)) < 0)
        return NULL;
    return cumsum(x, (direction){dim, 0});
}

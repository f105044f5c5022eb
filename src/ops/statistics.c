/* var and std. Relies on reduce.h and kernels/moments.h. */
#include "ops/reduce.h"

#include "kernels/loops.h"
#include "kernels/moments.h"
#include "ops/arithmetic.h"
#include "ops/broadcast.h"
#include "ops/layout.h"

#include <math.h>

static double param_of(const tg_node *node)
{
    return *(const double *)node->params;
}

static void moment_forward(tg_node *node, bool root)
{
    tg_header *out = tg_at(node->out);
    tg_rows rows;
    tg_rows_of(&rows, node->in[0], node->out);
    tgk_shift *shifts = tg_workspace(node, (uint64_t)out->numel * sizeof *shifts);
    tg_tape *tape = tg_node_tape(node);
    if (shifts)
        tgk_variance(&tape->team, tape->isa, out->dtype,
                     &(tgk_moments){.out = out->data,
                                    .outer = rows.outer,
                                    .n = rows.n,
                                    .inner = rows.inner,
                                    .x = rows.data,
                                    .nest = &rows.nest,
                                    .shifts = shifts,
                                    .param = param_of(node),
                                    .root = root});
}

/* What the squared deviations are divided by. */
static double divisor(const tg_node *node)
{
    const tg_tensor *x = node->in[0];
    int64_t count = tg_at(node->out)->numel ? tg_at(x)->numel / tg_at(node->out)->numel : 0;
    return fmax((double)count - param_of(node), 0);
}

/* --- the gradient: a factor for each row times the deviations from its mean, in one visit --- */

TGK_LOOP3_ROWS(deviations_f32, float, (x - y) * z);
TGK_LOOP3_ROWS(deviations_f64, double, (x - y) * z);

static void deviations_backward(tg_node *node, tg_tensor *v, tg_tensor **grad_in)
{
    tg_tensor *x = node->in[0], *mean = node->in[1], *factor = node->in[2];
    grad_in[0] = tg_mul(v, factor);
    grad_in[1] = tg_neg(grad_in[0]);
    if (tg_needs_grad(node, 2))
        grad_in[2] = tg_mul(v, tg_sub(x, mean));
}

static const tg_map_op deviations_op = {
    {.name = "var_backward",
     .forward = tg_map_forward,
     .backward = deviations_backward,
     .reads = {TG_READS_IN(2), TG_READS_IN(2), TG_READS_IN(0) | TG_READS_IN(1)}},
    {deviations_f32, deviations_f64}};

static tg_tensor *times_deviations(const tg_node *node, tg_tensor *factor)
{
    tg_tensor *x = node->in[0];
    int64_t count = tg_at(node->out)->numel ? tg_at(x)->numel / tg_at(node->out)->numel : 0;
    tg_tensor *mean = tg_mean_over(x, tg_dims_of(node->out), count);
    tg_tensor *in[] = {x, mean, factor};
    return tg_gradient_of(node, 0, &deviations_op.op, 3, in, NULL, 0);
}

static void var_forward(tg_node *node)
{
    moment_forward(node, false);
}

static void var_backward(tg_node *node, tg_tensor *grad_out, tg_tensor **grad_in)
{
    grad_in[0] = times_deviations(node, tg_mul_scalar(grad_out, 2 / divisor(node)));
}

static const tg_op var_op = {
    .name = "var", .forward = var_forward, .backward = var_backward, .reads = {TG_READS_IN(0)}};

static void std_forward(tg_node *node)
{
    moment_forward(node, true);
}

static void std_backward(tg_node *node, tg_tensor *grad_out, tg_tensor **grad_in)
{
    tg_tensor *g = tg_over_root(grad_out, node->out);
    grad_in[0] = times_deviations(node, tg_div_scalar(g, divisor(node)));
}

static const tg_op std_op = {.name = "std",
                             .forward = std_forward,
                             .backward = std_backward,
                             .reads = {TG_READS_IN(0) | TG_READS_OUT}};

static bool check_moment(const tg_op *op, tg_tensor *x, double correction)
{
    TG_CHECK(tg_tape_in(x), !isnan(correction), TG_EVALUE, "%s: correction is nan", op->name);
    return tg_check_floats(op, 1, &x);
}

static tg_tensor *moment(const tg_op *op, tg_tensor *x, tg_dims dims, double correction,
                         bool keepdim)
{
    tg_over over;
    if (!tg_over_open(&over, op, x, dims.ndim, dims.sizes))
        return NULL;
    bool right = check_moment(op, x, correction);
    tg_tensor *y = right ? tg_over_apply(op, x, &over, tg_at(x)->dtype, correction) : NULL;
    return tg_over_close(&over, y, keepdim);
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

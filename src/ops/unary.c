/* Elementwise functions of one tensor: signs, exponentials, logarithms, sine, cosine, erf. Relies
 * on kernels/ for the functions themselves. */
#include "ops/arithmetic.h"

#include "kernels/loops.h"
#include "kernels/special.h"

#include <math.h>

tg_tensor *tg_unary_float(const tg_op *op, tg_tensor *x)
{
    TG_IN_SCOPE(op, tg_apply_like(op, tg_is_float(tg_at(x)->dtype) ? x : tg_to(x, TG_F32)), x);
}

TGK_LOOP1(abs_f32, float, float, fabsf(x));
TGK_LOOP1(abs_f64, double, double, fabs(x));
TGK_LOOP1(abs_i64, int64_t, int64_t, x < 0 ? 0 - (uint64_t)x : (uint64_t)x);

static void abs_backward(tg_node *node, tg_tensor *grad_out, tg_tensor **grad_in)
{
    grad_in[0] = tg_mul(grad_out, tg_sign(node->in[0]));
}

static const tg_map_op abs_op = {
    {.name = "abs", .forward = tg_map_forward, .backward = abs_backward, .reads = {TG_READS_IN(0)}},
    {abs_f32, abs_f64, abs_i64}};

tg_tensor *tg_abs(tg_tensor *x)
{
    return tg_unary(&abs_op.op, x);
}

/* 0 for nan, as in PyTorch. */
TGK_LOOP1(sign_f32, float, float, (x > 0) - (x < 0));
TGK_LOOP1(sign_f64, double, double, (x > 0) - (x < 0));
TGK_LOOP1(sign_i64, int64_t, int64_t, (x > 0) - (x < 0));
TGK_LOOP1(sign_bool, bool, bool, x);

static void sign_backward(tg_node *node, tg_tensor *grad_out, tg_tensor **grad_in)
{
    const tg_tensor *x = node->in[0];
    (void)grad_out;
    grad_in[0] = tg_zeros(tg_tape_in(x), tg_at(x)->ndim, tg_at(x)->dims, tg_at(x)->dtype);
}

static const tg_map_op sign_op = {
    {.name = "sign", .forward = tg_map_forward, .backward = sign_backward},
    {sign_f32, sign_f64, sign_i64, sign_bool}};

tg_tensor *tg_sign(tg_tensor *x)
{
    return tg_apply_like(&sign_op.op, x);
}

TGK_LOOP1(exp_f32, float, float, tgk_expf(x));
TGK_LOOP1(exp_f64, double, double, tgk_exp(x));

static void exp_backward(tg_node *node, tg_tensor *grad_out, tg_tensor **grad_in)
{
    grad_in[0] = tg_times_over(node, grad_out, node->out);
}

static const tg_map_op exp_op = {
    {.name = "exp", .forward = tg_map_forward, .backward = exp_backward, .reads = {TG_READS_OUT}},
    {exp_f32, exp_f64}};

tg_tensor *tg_exp(tg_tensor *x)
{
    return tg_unary_float(&exp_op.op, x);
}

TGK_REAL1(expm1, tgk_expm1(x));

/* e^x rather than y + 1, which is 0 for an x far below 0. */
static void expm1_backward(tg_node *node, tg_tensor *grad_out, tg_tensor **grad_in)
{
    grad_in[0] = tg_mul(grad_out, tg_exp(node->in[0]));
}

static const tg_map_op expm1_op = {{.name = "expm1",
                                    .forward = tg_map_forward,
                                    .backward = expm1_backward,
                                    .reads = {TG_READS_IN(0)}},
                                   {expm1_f32, expm1_f64}};

tg_tensor *tg_expm1(tg_tensor *x)
{
    return tg_unary_float(&expm1_op.op, x);
}

TGK_LOOP1(log_f32, float, float, tgk_logf(x));
TGK_LOOP1(log_f64, double, double, tgk_log(x));

static void log_backward(tg_node *node, tg_tensor *grad_out, tg_tensor **grad_in)
{
    grad_in[0] = tg_div(grad_out, node->in[0]);
}

static const tg_map_op log_op = {
    {.name = "log", .forward = tg_map_forward, .backward = log_backward, .reads = {TG_READS_IN(0)}},
    {log_f32, log_f64}};

tg_tensor *tg_log(tg_tensor *x)
{
    return tg_unary_float(&log_op.op, x);
}

TGK_REAL1(log1p, tgk_log1p(x));

static void log1p_backward(tg_node *node, tg_tensor *grad_out, tg_tensor **grad_in)
{
    grad_in[0] = tg_div(grad_out, tg_add_scalar(node->in[0], 1));
}

static const tg_map_op log1p_op = {{.name = "log1p",
                                    .forward = tg_map_forward,
                                    .backward = log1p_backward,
                                    .reads = {TG_READS_IN(0)}},
                                   {log1p_f32, log1p_f64}};

tg_tensor *tg_log1p(tg_tensor *x)
{
    return tg_unary_float(&log1p_op.op, x);
}

TGK_REAL1(sin, sin(x));

static void sin_backward(tg_node *node, tg_tensor *grad_out, tg_tensor **grad_in)
{
    grad_in[0] = tg_mul(grad_out, tg_cos(node->in[0]));
}

static const tg_map_op sin_op = {
    {.name = "sin", .forward = tg_map_forward, .backward = sin_backward, .reads = {TG_READS_IN(0)}},
    {sin_f32, sin_f64}};

tg_tensor *tg_sin(tg_tensor *x)
{
    return tg_unary_float(&sin_op.op, x);
}

TGK_REAL1(cos, cos(x));

static void cos_backward(tg_node *node, tg_tensor *grad_out, tg_tensor **grad_in)
{
    grad_in[0] = tg_neg(tg_mul(grad_out, tg_sin(node->in[0])));
}

static const tg_map_op cos_op = {
    {.name = "cos", .forward = tg_map_forward, .backward = cos_backward, .reads = {TG_READS_IN(0)}},
    {cos_f32, cos_f64}};

tg_tensor *tg_cos(tg_tensor *x)
{
    return tg_unary_float(&cos_op.op, x);
}

/* x 2 / sqrt(pi) e^(-y^2): the gradient x at y. y^2 would lose digits in float32. */
TGK_REAL2(erf_slope, x *(0x1.20dd750429b6dp+0 * tgk_exp_square(y)));

static tg_tensor *erf_slope(tg_tensor *g, tg_tensor *x);

static void erf_slope_backward(tg_node *node, tg_tensor *v, tg_tensor **grad_in)
{
    tg_tensor *g = node->in[0], *x = node->in[1];
    if (tg_needs_grad(node, 0))
        grad_in[0] = erf_slope(v, x);
    if (tg_needs_grad(node, 1))
        grad_in[1] = tg_mul_scalar(tg_mul(x, erf_slope(tg_mul(v, g), x)), -2); /* -2 x overflows */
}

static const tg_map_op erf_slope_op = {{.name = "erf_backward",
                                        .forward = tg_map_forward,
                                        .backward = erf_slope_backward,
                                        .reads = {TG_READS_IN(1), TG_READS_IN(0) | TG_READS_IN(1)}},
                                       {erf_slope_f32, erf_slope_f64}};

static tg_tensor *erf_slope(tg_tensor *g, tg_tensor *x)
{
    return tg_apply_first(&erf_slope_op.op, 2, (tg_tensor *[]){g, x}, NULL, 0);
}

TGK_REAL1(erf, tgk_erf(x));

static void erf_backward(tg_node *node, tg_tensor *grad_out, tg_tensor **grad_in)
{
    grad_in[0] = erf_slope(grad_out, node->in[0]);
}

static const tg_map_op erf_op = {
    {.name = "erf", .forward = tg_map_forward, .backward = erf_backward, .reads = {TG_READS_IN(0)}},
    {erf_f32, erf_f64}};

tg_tensor *tg_erf(tg_tensor *x)
{
    return tg_unary_float(&erf_op.op, x);
}

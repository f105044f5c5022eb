/* Elementwise functions of one tensor: signs, exponentials, logarithms, sine, cosine, erf. Relies
 * on kernels/ for the functions themselves. */
#include "ops/broadcast.h"
#include "ops/slope.h"

#include "kernels/angle.h"
#include "kernels/blocks.h"
#include "kernels/special.h"

#include <math.h>

tg_tensor *tg_unary_float(const tg_op *op, tg_tensor *x)
{
    TG_IN_SCOPE(op, tg_apply_like(op, tg_is_float(tg_at(x)->dtype) ? x : tg_to(x, TG_F32)), x);
}

TGK_LOOP1(abs_f32, float, float, fabsf(x));
TGK_LOOP1(abs_f64, double, double, fabs(x));
TGK_LOOP1(abs_i64, int64_t, int64_t, x < 0 ? 0 - (uint64_t)x : (uint64_t)x);

/* The gradient x of y; 0 for nan, as in PyTorch. */
TGK_LOOP2(abs_slope_f32, float, float, (x * (float)((y > 0) - (y < 0))));
TGK_LOOP2(abs_slope_f64, double, double, (x * (double)((y > 0) - (y < 0))));

TG_SLOPE(abs, NULL);
static const tg_smooth_op abs_op = {.map = {{.name = "abs",
                                             .forward = tg_map_forward,
                                             .backward = tg_smooth_backward_in,
                                             .reads = {TG_READS_IN(0)}},
                                            {abs_f32, abs_f64, abs_i64}},
                                    .slope = &abs_slope_op};

tg_tensor *tg_abs(tg_tensor *x)
{
    return tg_unary(&abs_op.map.op, x);
}

/* 0 for nan, as in PyTorch. */
TGK_LOOP1(sign_f32, float, float, (x > 0) - (x < 0));
TGK_LOOP1(sign_f64, double, double, (x > 0) - (x < 0));
TGK_LOOP1(sign_i64, int64_t, int64_t, (x > 0) - (x < 0));
TGK_LOOP1(sign_bool, bool, bool, x);

static void sign_backward(tg_node *node, tg_tensor *grad_out, tg_tensor **grad_in)
{
    (void)grad_out;
    grad_in[0] = tg_flat_gradient(node->in[0]);
}

static const tg_map_op sign_op = {
    {.name = "sign", .forward = tg_map_forward, .backward = sign_backward},
    {sign_f32, sign_f64, sign_i64, sign_bool}};

tg_tensor *tg_sign(tg_tensor *x)
{
    return tg_apply_like(&sign_op.op, x);
}

TGK_LONG1(exp_f32, float, float, tgk_expf(x));
TGK_LONG1(exp_f64, double, double, tgk_exp(x));

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

TGK_LONG1(expm1_f32, float, float, tgk_expm1f(x));
TGK_LONG1(expm1_f64, double, double, tgk_expm1(x));
/* e^y rather than the output + 1, which is 0 for a y far below 0. */
TGK_LONG2(expm1_slope_f32, float, double, float, x *tgk_quick_exp_any(y));
TGK_LONG2(expm1_slope_f64, double, double, double, x *tgk_exp(y));

static tg_curvature expm1_curvature;

TG_SLOPE(expm1, expm1_curvature);
TG_SMOOTH_IN(expm1, false);

static tg_tensor *expm1_curvature(tg_tensor *v, tg_tensor *x, double s)
{
    return tg_times_slope(&expm1_slope_op, v, x, s);
}

tg_tensor *tg_expm1(tg_tensor *x)
{
    return tg_unary_float(&expm1_op.map.op, x);
}

TGK_LONG1(log_f32, float, float, tgk_logf(x));
TGK_LONG1(log_f64, double, double, tgk_log(x));

TGK_LOOP2(log_slope_f32, float, float, x / y);
TGK_LOOP2(log_slope_f64, double, double, x / y);

static tg_curvature log_curvature;

TG_SLOPE(log, log_curvature);
TG_SMOOTH_IN(log, false);

static tg_tensor *log_curvature(tg_tensor *v, tg_tensor *x, double s)
{
    return tg_neg(tg_times_slope(&log_slope_op, tg_times_slope(&log_slope_op, v, x, s), x, s));
}

tg_tensor *tg_log(tg_tensor *x)
{
    return tg_unary_float(&log_op.map.op, x);
}

TGK_LONG1(log1p_f32, float, float, tgk_log1pf(x));
TGK_LONG1(log1p_f64, double, double, tgk_log1p(x));
TGK_LOOP2(log1p_slope_f32, float, float, x / (1 + y));
TGK_LOOP2(log1p_slope_f64, double, double, x / (1 + y));

static tg_curvature log1p_curvature;

TG_SLOPE(log1p, log1p_curvature);
TG_SMOOTH_IN(log1p, false);

static tg_tensor *log1p_curvature(tg_tensor *v, tg_tensor *x, double s)
{
    return tg_neg(tg_times_slope(&log1p_slope_op, tg_times_slope(&log1p_slope_op, v, x, s), x, s));
}

tg_tensor *tg_log1p(tg_tensor *x)
{
    return tg_unary_float(&log1p_op.map.op, x);
}

/* --- sine and cosine: each other's slopes --- */

TGK_BLOCK_OF(sin_block_f32, , tgk_are_near_angles(x, n), tgk_quick_sin(x[i]), tgk_any_sin(x[i]))
TGK_BLOCK_OF(sin_block_f64, , tgk_are_near_angles(x, n), tgk_sin_near(x[i]), tgk_sin(x[i]))
TGK_BLOCKS(sin, f32, 1, sin_block_f32);
TGK_BLOCKS(sin, f64, 1, sin_block_f64);
TGK_BLOCK_OF(cos_block_f32, , tgk_are_near_angles(x, n), tgk_quick_cos(x[i]), tgk_any_cos(x[i]))
TGK_BLOCK_OF(cos_block_f64, , tgk_are_near_angles(x, n), tgk_cos_near(x[i]), tgk_cos(x[i]))
TGK_BLOCKS(cos, f32, 1, cos_block_f32);
TGK_BLOCKS(cos, f64, 1, cos_block_f64);

/* The gradient x of y. */
TGK_BLOCK_OF(sin_slope_block_f32, , tgk_are_near_angles(y, n), x[i] * tgk_quick_cos(y[i]),
             x[i] * tgk_any_cos(y[i]))
TGK_BLOCK_OF(sin_slope_block_f64, , tgk_are_near_angles(y, n), x[i] * tgk_cos_near(y[i]),
             x[i] * tgk_cos(y[i]))
TGK_BLOCKS(sin_slope, f32, 2, sin_slope_block_f32);
TGK_BLOCKS(sin_slope, f64, 2, sin_slope_block_f64);
TGK_BLOCK_OF(cos_slope_block_f32, , tgk_are_near_angles(y, n), -x[i] * tgk_quick_sin(y[i]),
             -x[i] * tgk_any_sin(y[i]))
TGK_BLOCK_OF(cos_slope_block_f64, , tgk_are_near_angles(y, n), -x[i] * tgk_sin_near(y[i]),
             -x[i] * tgk_sin(y[i]))
TGK_BLOCKS(cos_slope, f32, 2, cos_slope_block_f32);
TGK_BLOCKS(cos_slope, f64, 2, cos_slope_block_f64);

static tg_curvature sin_curvature, cos_curvature;

TG_SLOPE(sin, sin_curvature);
TG_SLOPE(cos, cos_curvature);
TG_SMOOTH_IN(sin, false);
TG_SMOOTH_IN(cos, false);

static tg_tensor *sin_curvature(tg_tensor *v, tg_tensor *x, double s)
{
    return tg_times_slope(&cos_slope_op, v, x, s);
}

static tg_tensor *cos_curvature(tg_tensor *v, tg_tensor *x, double s)
{
    return tg_neg(tg_times_slope(&sin_slope_op, v, x, s));
}

tg_tensor *tg_sin(tg_tensor *x)
{
    return tg_unary_float(&sin_op.map.op, x);
}

tg_tensor *tg_cos(tg_tensor *x)
{
    return tg_unary_float(&cos_op.map.op, x);
}

/* The gradient x of y: x 2 / sqrt(pi) e^(-y^2). */
TGK_LONG2(erf_slope_f32, float, double, float, x *(0x1.20dd750429b6dp+0 * tgk_quick_exp_square(y)));
TGK_LONG2(erf_slope_f64, double, double, double, x *(0x1.20dd750429b6dp+0 * tgk_exp_square(y)));

static tg_curvature erf_curvature;

TG_SLOPE(erf, erf_curvature);

static tg_tensor *erf_curvature(tg_tensor *v, tg_tensor *x, double s)
{
    return tg_mul_scalar(tg_mul(x, tg_times_slope(&erf_slope_op, v, x, s)),
                         -2); /* -2 x overflows */
}

TGK_LONG1(erf_f32, float, float, tgk_erff(x));
TGK_LONG1(erf_f64, double, double, tgk_erf(x));

TG_SMOOTH_IN(erf, false);

tg_tensor *tg_erf(tg_tensor *x)
{
    return tg_unary_float(&erf_op.map.op, x);
}

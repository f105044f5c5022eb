/* Tangent, the inverses of sine, cosine and tangent; hyperbolic sine and cosine, the inverses of all three;
 * log2, log10, exp2. Relies on kernels/trigonometry.h. */
#include "ops/slope.h"

#include "kernels/blocks.h"
#include "kernels/trigonometry.h"

/* tg_id(), of loops by functions of a double, and slopes that loops make of what the function reads. */
#define FUNCTION(id)                                                                               \
    tg_tensor *tg_##id(tg_tensor *x)                                                               \
    {                                                                                              \
        return tg_unary_float(&id##_op.map.op, x);                                                 \
    }
#define LOOPS(id, quick, exact)                                                                    \
    TGK_LONG1(id##_f32, float, double, quick(x));                                                  \
    TGK_LONG1(id##_f64, double, double, exact(x))

/* v times a power of the slope, which is what most of them bend by, but for a factor. */
static tg_tensor *slopes(const tg_slope_op *slope, int power, tg_tensor *v, tg_tensor *x)
{
    for (int i = 0; i < power; i++)
        v = tg_times_slope(slope, v, x, 0);
    return v;
}

/* id_op whose slope at x is an expression of y, times the gradient x; it bends by c x^with_x times that power of
 * the slope. */
#define BY_POWERS(id, slope_of, power, with_x, c)                                                  \
    TGK_REAL2(id##_slope, slope_of);                                                               \
    static tg_curvature id##_curvature;                                                            \
    TG_SLOPE(id, id##_curvature);                                                                  \
    TG_SMOOTH_IN(id, false);                                                                       \
    static tg_tensor *id##_curvature(tg_tensor *v, tg_tensor *x, double s)                         \
    {                                                                                              \
        (void)s;                                                                                   \
        tg_tensor *bend = slopes(&id##_slope_op, power, v, x);                                     \
        return tg_mul_scalar(with_x ? tg_mul(bend, x) : bend, c);                                  \
    }                                                                                              \
    FUNCTION(id)

LOOPS(asin, tgk_quick_asin, tgk_asin);
LOOPS(acos, tgk_quick_acos, tgk_acos);
LOOPS(atan, tgk_quick_atan, tgk_atan);
LOOPS(asinh, tgk_quick_asinh, tgk_asinh);
LOOPS(acosh, tgk_quick_acosh, tgk_acosh);
LOOPS(atanh, tgk_quick_atanh, tgk_atanh);
LOOPS(log2, tgk_quick_log2, tgk_log2);
LOOPS(log10, tgk_quick_log10, tgk_log10);

#define LN2 0x1.62e42fefa39efp-1
#define LN10 0x1.26bb1bbb55516p+1

BY_POWERS(asin, x / sqrt((1 - y) * (1 + y)), 3, true, 1)
BY_POWERS(acos, -x / sqrt((1 - y) * (1 + y)), 3, true, 1)
BY_POWERS(atan, x / (1 + y * y), 2, true, -2)
BY_POWERS(asinh, x / sqrt(1 + y * y), 3, true, -1)
BY_POWERS(acosh, x / sqrt((y - 1) * (y + 1) + 0.0), 3, true, -1) /* -1: -0 to 0 */
BY_POWERS(atanh, x / ((1 - y) * (1 + y)), 2, true, 2)
BY_POWERS(log2, x / (y * LN2), 2, false, -LN2)
BY_POWERS(log10, x / (y * LN10), 2, false, -LN10)

/* --- sinh and cosh: each other's slopes --- */

LOOPS(sinh, tgk_quick_sinh, tgk_sinh);
LOOPS(cosh, tgk_quick_cosh, tgk_cosh);
TGK_LONG2(sinh_slope_f32, float, double, double, x *tgk_quick_cosh(y));
TGK_LONG2(sinh_slope_f64, double, double, double, x *tgk_cosh(y));
TGK_LONG2(cosh_slope_f32, float, double, double, x *tgk_quick_sinh(y));
TGK_LONG2(cosh_slope_f64, double, double, double, x *tgk_sinh(y));

static tg_curvature sinh_curvature, cosh_curvature;

TG_SLOPE(sinh, sinh_curvature);
TG_SLOPE(cosh, cosh_curvature);
TG_SMOOTH_IN(sinh, false);
TG_SMOOTH_IN(cosh, false);

static tg_tensor *sinh_curvature(tg_tensor *v, tg_tensor *x, double s)
{
    return tg_times_slope(&cosh_slope_op, v, x, s);
}

static tg_tensor *cosh_curvature(tg_tensor *v, tg_tensor *x, double s)
{
    return tg_times_slope(&sinh_slope_op, v, x, s);
}

FUNCTION(sinh)
FUNCTION(cosh)

/* --- tan and exp2: slopes of the result --- */

TGK_BLOCK_OF(tan_block_f32, , tgk_are_near_angles(x, n), tgk_quick_tan(x[i]), tgk_any_tan(x[i]))
TGK_BLOCK_OF(tan_block_f64, , tgk_are_near_angles(x, n), tgk_tan_near(x[i]), tgk_tan(x[i]))
TGK_BLOCKS(tan, f32, 1, tan_block_f32);
TGK_BLOCKS(tan, f64, 1, tan_block_f64);
TGK_REAL2(tan_slope, x *(1 + y * y));
LOOPS(exp2, tgk_quick_exp2, tgk_exp2);
TGK_REAL2(exp2_slope, x *(y *LN2));

static tg_curvature tan_curvature, exp2_curvature;

TG_SLOPE(tan, tan_curvature);
TG_SLOPE(exp2, exp2_curvature);
TG_SMOOTH_OUT(tan, false);
TG_SMOOTH_OUT(exp2, false);

static tg_tensor *tan_curvature(tg_tensor *v, tg_tensor *y, double s)
{
    (void)s;
    return tg_mul_scalar(tg_mul(v, y), 2);
}

static tg_tensor *exp2_curvature(tg_tensor *v, tg_tensor *y, double s)
{
    (void)y, (void)s;
    return tg_mul_scalar(v, LN2);
}

FUNCTION(tan)
FUNCTION(exp2)

/* --- angles of points --- */

#define POINTS tgk_are_points(x, y, n)
TGK_BLOCK_OF(atan2_block_f32, , POINTS, tgk_quick_atan2(x[i], y[i]),
             tgk_any_quick_atan2(x[i], y[i]))
TGK_BLOCK_OF(atan2_block_f64, , POINTS, tgk_atan2_near(x[i], y[i]), tgk_atan2(x[i], y[i]))
TGK_BLOCKS(atan2, f32, 2, atan2_block_f32);
TGK_BLOCKS(atan2, f64, 2, atan2_block_f64);

static void atan2_backward(tg_node *node, tg_tensor *g, tg_tensor **grad_in)
{
    tg_tensor *y = node->in[0], *x = node->in[1];
    tg_tensor *size = tg_add(tg_square(y), tg_square(x)), *zero = tg_eq_scalar(size, 0);
    tg_tensor *part = tg_masked_fill(tg_div(g, tg_masked_fill(size, zero, 1)), zero, 0);
    if (tg_needs_grad(node, 0))
        grad_in[0] = tg_mul(part, x);
    if (tg_needs_grad(node, 1))
        grad_in[1] = tg_neg(tg_mul(part, y));
}

#define READS_BOTH (TG_READS_IN(0) | TG_READS_IN(1))
static const tg_map_op atan2_op = {{.name = "atan2",
                                    .forward = tg_map_forward,
                                    .backward = atan2_backward,
                                    .reads = {READS_BOTH, READS_BOTH}},
                                   {atan2_f32, atan2_f64}};

tg_tensor *tg_atan2(tg_tensor *y, tg_tensor *x)
{
    return tg_binary(&atan2_op.op, y, x, true);
}

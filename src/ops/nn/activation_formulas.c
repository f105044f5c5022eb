/* Activations that are a formula with up to two numbers, and its slope: a line each. Relies on
 * kernels/activation.h. */
#include "ops/arithmetic.h"

#include "kernels/activation.h"
#include "kernels/loops.h"

#include <tinygrad/nn.h>

typedef struct numbers {
    double a, b;
} numbers;

#define A (((const numbers *)params)->a)
#define B (((const numbers *)params)->b)

/* v times the derivative of the slope. */
typedef tg_tensor *curvature(tg_tensor *v, tg_tensor *x, const numbers *p);

typedef struct formula_slope {
    tg_map_op map;
    curvature *second; /* NULL: 0 */
} formula_slope;

typedef struct formula {
    tg_map_op map;
    const formula_slope *slope;
} formula;

static tg_tensor *times_slope(const tg_op *op, tg_tensor *g, tg_tensor *x, const numbers *p)
{
    return tg_apply_first(op, 2, (tg_tensor *[]){g, x}, p, sizeof *p);
}

static void slope_backward(tg_node *node, tg_tensor *v, tg_tensor **grad_in)
{
    tg_tensor *g = node->in[0], *x = node->in[1];
    curvature *second = ((const formula_slope *)node->op)->second;
    if (tg_needs_grad(node, 0))
        grad_in[0] = times_slope(node->op, v, x, node->params);
    if (second)
        grad_in[1] = second(tg_mul(v, g), x, node->params);
}

static void formula_backward(tg_node *node, tg_tensor *g, tg_tensor **grad_in)
{
    const tg_op *slope = &((const formula *)node->op)->slope->map.op;
    tg_tensor *in[] = {g, node->in[0]};
    grad_in[0] = tg_make(&(tg_making){
        {.op = slope, .n_in = 2, .in = in, .params = node->params, .params_size = sizeof(numbers)},
        .like = g,
        .gradient_of = node,
        .last_use = g});
}

static tg_tensor *apply(const formula *f, tg_tensor *x, double a, double b)
{
    const tg_op *op = &f->map.op;
    numbers p = {a, b};
    if (!tg_check_inputs(op, 1, &x) || !tg_check_floats(op, 1, &x))
        return NULL;
    return tg_apply_as_first(op, 1, &x, &p, sizeof p);
}

/* id_op, of loops id_f32 and id_f64, and of the slope's, id_slope_f32 and id_slope_f64. */
#define FORMULA(id, curve)                                                                         \
    static const formula_slope id##_slope_op = {                                                   \
        .map = {{.name = #id "_backward",                                                          \
                 .forward = tg_map_forward,                                                        \
                 .backward = slope_backward,                                                       \
                 .reads = {TG_READS_IN(1), TG_READS_IN(0) | TG_READS_IN(1)}},                      \
                {id##_slope_f32, id##_slope_f64}},                                                 \
        .second = curve};                                                                          \
    static const formula id##_op = {.map = {{.name = #id,                                          \
                                             .forward = tg_map_forward,                            \
                                             .backward = formula_backward,                         \
                                             .reads = {TG_READS_IN(0)}},                           \
                                            {id##_f32, id##_f64}},                                 \
                                    .slope = &id##_slope_op}

/* tg_id(), without numbers. */
#define PLAIN(id)                                                                                  \
    tg_tensor *tg_##id(tg_tensor *x)                                                               \
    {                                                                                              \
        return apply(&id##_op, x, 0, 0);                                                           \
    }

/* --- straight pieces: at a bound, the outer one's slope --- */

/* x where y is outside of the bounds or nan is 0. */
TGK_INLINE double inside(double x, double y, double low, double high)
{
    return ((y <= low) | (y >= high)) ? 0 : x;
}

TGK_REAL1(hardtanh, tgk_clamp(x, A, B));
TGK_REAL2(hardtanh_slope, inside(x, y, A, B));
FORMULA(hardtanh, NULL);

tg_tensor *tg_hardtanh(tg_tensor *x, double low, double high)
{
    if (!tg_check_inputs(&hardtanh_op.map.op, 1, &x))
        return NULL;
    TG_CHECK(tg_tape_in(x), low <= high, TG_EVALUE, "hardtanh: bounds %g and %g", low, high);
    return apply(&hardtanh_op, x, low, high);
}

tg_tensor *tg_relu6(tg_tensor *x)
{
    static const tg_op op = {.name = "relu6"};
    TG_IN_SCOPE(&op, apply(&hardtanh_op, x, 0, 6), x);
}

/* x / by, to be rounded to float: a product is nearer to it than that, and does not take as long. */
#define QUICK_OVER(x, by) ((x) * (1.0 / (by)))

TGK_LOOP1_AS(hardsigmoid_f32, float, float, double, QUICK_OVER(tgk_clamp(x + 3, 0, 6), 6));
TGK_LOOP1(hardsigmoid_f64, double, double, tgk_clamp(x + 3, 0, 6) / 6);
/* Functions, so that it is read before the choice and loops of them become vectors. */
TGK_INLINE float slope_within_float(float x, float y)
{
    return ((y > -3) & (y < 3)) ? x : 0;
}

TGK_INLINE double slope_within_double(double x, double y)
{
    return ((y > -3) & (y < 3)) ? x / 6 : 0;
}

TGK_LOOP2(hardsigmoid_slope_f32, float, float, slope_within_float(x, y) / 6);
TGK_LOOP2(hardsigmoid_slope_f64, double, double, slope_within_double(x, y));
FORMULA(hardsigmoid, NULL);

PLAIN(hardsigmoid)

/* A third of v between the bounds. */
static tg_tensor *hardswish_curvature(tg_tensor *v, tg_tensor *x, const numbers *p)
{
    (void)p;
    return tg_masked_fill(tg_div_scalar(v, 3), tg_logical_not(tg_lt_scalar(tg_abs(x), 3)), 0);
}

/* The gradient x at y, of which a third is given. */
TGK_INLINE double hardswish_slope(double x, double y, double third)
{
    double slope = x * (y < 3 ? third + 0.5 : 1); /* for nan, too */
    return y <= -3 ? 0 : slope;
}

TGK_LOOP1_AS(hardswish_f32, float, float, double, QUICK_OVER(x *tgk_clamp(x + 3, 0, 6), 6));
TGK_LOOP1(hardswish_f64, double, double, x *tgk_clamp(x + 3, 0, 6) / 6);
TGK_LOOP2_AS(hardswish_slope_f32, float, float, double, float, double,
             hardswish_slope(x, y, QUICK_OVER(y, 3)));
TGK_LOOP2(hardswish_slope_f64, double, double, hardswish_slope(x, y, y / 3));
FORMULA(hardswish, hardswish_curvature);

PLAIN(hardswish)

/* --- exponentials --- */

static curvature selu_curvature, celu_curvature;

TGK_LONG1(selu_f32, float, float, TGK_SELU_SCALE *tgk_quick_elu(x, TGK_SELU_ALPHA));
TGK_LONG1(selu_f64, double, double, TGK_SELU_SCALE *tgk_elu(x, TGK_SELU_ALPHA));
TGK_LONG2(selu_slope_f32, float, float, float,
          (double)x *(TGK_SELU_SCALE *tgk_quick_elu_slope(y, TGK_SELU_ALPHA)));
TGK_LONG2(selu_slope_f64, double, double, double,
          x *(TGK_SELU_SCALE *tgk_elu_slope(y, TGK_SELU_ALPHA)));
FORMULA(selu, selu_curvature);

static tg_tensor *selu_curvature(tg_tensor *v, tg_tensor *x, const numbers *p)
{
    return tg_masked_fill(times_slope(&selu_slope_op.map.op, v, x, p), tg_gt_scalar(x, 0), 0);
}

PLAIN(selu)

TGK_LONG1(celu_f32, float, float, tgk_quick_celu((double)x, A));
TGK_LONG1(celu_f64, double, double, tgk_celu(x, A));
TGK_LONG2(celu_slope_f32, float, float, float, (double)x *tgk_quick_celu_slope((double)y, A));
TGK_LONG2(celu_slope_f64, double, double, double, x *tgk_celu_slope(y, A));
FORMULA(celu, celu_curvature);

static tg_tensor *celu_curvature(tg_tensor *v, tg_tensor *x, const numbers *p)
{
    tg_tensor *steep = tg_div_scalar(times_slope(&celu_slope_op.map.op, v, x, p), p->a);
    return tg_masked_fill(steep, tg_gt_scalar(x, 0), 0);
}

tg_tensor *tg_celu(tg_tensor *x, double alpha)
{
    if (!tg_check_inputs(&celu_op.map.op, 1, &x))
        return NULL;
    TG_CHECK(tg_tape_in(x), alpha != 0, TG_EVALUE, "celu: alpha is 0");
    return apply(&celu_op, x, alpha, 0);
}

/* v times the derivative of the sigmoid at x. */
static tg_tensor *sigmoid_slope(tg_tensor *v, tg_tensor *x)
{
    return tg_mul(v, tg_mul(tg_sigmoid(x), tg_sigmoid(tg_neg(x))));
}

/* With t = tanh(log(1 + e^x)), s = sigmoid(x), d = s (1 - t^2): d (2 + x (1 - s (1 + 2 t))). */
static tg_tensor *mish_curvature(tg_tensor *v, tg_tensor *x, const numbers *p)
{
    (void)p;
    tg_tensor *t = tg_tanh(tg_neg(tg_logsigmoid(tg_neg(x)))), *s = tg_sigmoid(x);
    tg_tensor *square = tg_mul(tg_add_scalar(t, 1), tg_add_scalar(tg_neg(t), 1));
    tg_tensor *turn = tg_mul(s, tg_add_scalar(tg_mul_scalar(t, 2), 1));
    tg_tensor *bend = tg_mul(x, tg_add_scalar(tg_neg(turn), 1));
    return tg_mul(tg_mul(v, tg_mul(s, square)), tg_add_scalar(bend, 2));
}

TGK_LONG1(mish_f32, float, float, tgk_quick_mish((double)x));
TGK_LONG1(mish_f64, double, double, tgk_mish(x));
TGK_LONG2(mish_slope_f32, float, float, float, (double)x *tgk_quick_mish_slope((double)y));
TGK_LONG2(mish_slope_f64, double, double, double, x *tgk_mish_slope(y));
FORMULA(mish, mish_curvature);

PLAIN(mish)

/* -2 sign(x) / (1 + |x|)^3 */
static tg_tensor *softsign_curvature(tg_tensor *v, tg_tensor *x, const numbers *p)
{
    (void)p;
    tg_tensor *cube = tg_pow_scalar(tg_add_scalar(tg_abs(x), 1), -3);
    return tg_mul(v, tg_mul(cube, tg_mul_scalar(tg_sign(x), -2)));
}

TGK_REAL1(softsign, x / (1 + fabs(x)));
TGK_REAL2(softsign_slope, x / ((1 + fabs(y)) * (1 + fabs(y))));
FORMULA(softsign, softsign_curvature);

tg_tensor *tg_softsign(tg_tensor *x)
{
    static const tg_op op = {.name = "softsign"};
    TG_IN_SCOPE(&op, apply(&softsign_op, tg_is_float(tg_at(x)->dtype) ? x : tg_to(x, TG_F32), 0, 0),
                x);
}

/* --- softplus with its numbers --- */

static tg_tensor *softplus_curvature(tg_tensor *v, tg_tensor *x, const numbers *p)
{
    tg_tensor *u = tg_mul_scalar(x, p->a);
    return tg_masked_fill(tg_mul_scalar(sigmoid_slope(v, u), p->a), tg_gt_scalar(u, p->b), 0);
}

TGK_INLINE double linear_above(double y, double u, double x, double threshold)
{
    return u > threshold ? x : y;
}

TGK_LONG1(softplus_with_f32, float, float,
          linear_above(tgk_quick_softplus((double)x *A) / A, (double)x *A, (double)x, B));
TGK_LONG1(softplus_with_f64, double, double, linear_above(tgk_softplus(x *A) / A, x *A, x, B));
TGK_LONG2(softplus_with_slope_f32, float, float, float,
          (double)x *linear_above(tgk_quick_sigmoid((double)y *A), (double)y *A, 1, B));
TGK_LONG2(softplus_with_slope_f64, double, double, double,
          x *linear_above(tgk_sigmoid(y *A), y *A, 1, B));
FORMULA(softplus_with, softplus_curvature);

tg_tensor *tg_softplus_with(tg_tensor *x, double beta, double threshold)
{
    return apply(&softplus_with_op, x, beta, threshold);
}

/* --- the gated linear unit --- */

static tg_tensor *glu(const tg_op *op, tg_tensor *x, int dim)
{
    tg_tensor *half[2];
    if (!tg_check_floats(op, 1, &x))
        return NULL;
    TG_CHECK(tg_tape_in(x), tg_at(x)->ndim > 0, TG_ESHAPE, "glu: wanted at least one dim, not []");
    int at = tg_check_dim(op, x, dim);
    if (at < 0)
        return NULL;
    TG_CHECK(tg_tape_in(x), tg_at(x)->dims[at] % 2 == 0, TG_ESHAPE,
             "glu: size %lld of dim %d in %s is odd", (long long)tg_at(x)->dims[at], at,
             tg_shape_of(x).chars);
    int64_t n = tg_at(x)->dims[at] / 2;
    half[0] = tg_narrow(x, at, 0, n);
    half[1] = tg_narrow(x, at, n, n);
    return tg_mul(half[0], tg_sigmoid(half[1]));
}

tg_tensor *tg_glu(tg_tensor *x, int dim)
{
    static const tg_op op = {.name = "glu"};
    TG_IN_SCOPE(&op, glu(&op, x, dim), x);
}

/* --- log(e^a + e^b), whose slopes are sigmoids --- */

/* Two infinities of one sign are that one. */
TGK_INLINE double logaddexp(double a, double b)
{
    double large = a > b ? a : b, d = a - b;
    double y = tgk_log1p_parts(tgk_decay_parts(d)) + large;
    return a == b && fabs(a) == TGK_INF ? a : d == d ? y : a + b;
}

TGK_INLINE double quick_logaddexp(double a, double b)
{
    double large = a > b ? a : b, d = a - b;
    double y = tgk_quick_log1p(tgk_quick_decay(d)) + large;
    return a == b && fabs(a) == TGK_INF ? a : d == d ? y : a + b;
}

TGK_LONG2(logaddexp_f32, float, float, float, quick_logaddexp((double)x, (double)y));
TGK_LONG2(logaddexp_f64, double, double, double, logaddexp(x, y));

static void logaddexp_backward(tg_node *node, tg_tensor *g, tg_tensor **grad_in)
{
    for (int i = 0; i < 2; i++) {
        if (tg_needs_grad(node, i))
            grad_in[i] = tg_mul(g, tg_sigmoid(tg_sub(node->in[i], node->in[1 - i])));
    }
}

#define READS_BOTH (TG_READS_IN(0) | TG_READS_IN(1))
static const tg_map_op logaddexp_op = {{.name = "logaddexp",
                                        .forward = tg_map_forward,
                                        .backward = logaddexp_backward,
                                        .reads = {READS_BOTH, READS_BOTH}},
                                       {logaddexp_f32, logaddexp_f64}};

tg_tensor *tg_logaddexp(tg_tensor *a, tg_tensor *b)
{
    return tg_binary(&logaddexp_op.op, a, b, false);
}

/* Powers: square, reciprocal, roots, pow. Relies on kernels/power.h. */
#include "ops/broadcast.h"
#include "ops/layout.h"
#include "ops/slope.h"

#include "kernels/blocks.h"
#include "kernels/power.h"

#include <math.h>

TGK_LOOP1(sqrt_f32, float, float, sqrtf(x));
TGK_LOOP1(sqrt_f64, double, double, sqrt(x));
/* The gradient x of the output y, here and below. */
TGK_LOOP2(sqrt_slope_f32, float, float, x / (2 * y));
TGK_LOOP2(sqrt_slope_f64, double, double, x / (2 * y));

static tg_curvature sqrt_curvature;

TG_SLOPE(sqrt, sqrt_curvature);
TG_SMOOTH_OUT(sqrt, false);

/* -v / (2 y^2) */
static tg_tensor *sqrt_curvature(tg_tensor *v, tg_tensor *y, double s)
{
    (void)s;
    return tg_neg(tg_div(tg_div(v, tg_mul_scalar(y, 2)), y));
}

tg_tensor *tg_sqrt(tg_tensor *x)
{
    return tg_unary_float(&sqrt_op.map.op, x);
}

TGK_REAL1(square, x *x);
TGK_LOOP1(square_i64, int64_t, int64_t, ((uint64_t)x * (uint64_t)x));
TGK_LOOP2(square_slope_f32, float, float, (x * (2 * y)));
TGK_LOOP2(square_slope_f64, double, double, (x * (2 * y)));

static tg_curvature square_curvature;

TG_SLOPE(square, square_curvature);
static const tg_smooth_op square_op = {.map = {{.name = "square",
                                                .forward = tg_map_forward,
                                                .backward = tg_smooth_backward_in,
                                                .reads = {TG_READS_IN(0)}},
                                               {square_f32, square_f64, square_i64}},
                                       .slope = &square_slope_op};

static tg_tensor *square_curvature(tg_tensor *v, tg_tensor *x, double s)
{
    (void)x, (void)s;
    return tg_mul_scalar(v, 2);
}

tg_tensor *tg_square(tg_tensor *x)
{
    const tg_op *op = &square_op.map.op;
    TG_IN_SCOPE(op, tg_apply_like(op, tg_at(x)->dtype == TG_BOOL ? tg_to(x, TG_I64) : x), x);
}

TGK_LOOP1(reciprocal_f32, float, float, 1 / x);
TGK_LOOP1(reciprocal_f64, double, double, 1 / x);
TGK_LOOP2(reciprocal_slope_f32, float, float, -(x *(y *y)));
TGK_LOOP2(reciprocal_slope_f64, double, double, -(x *(y *y)));

static tg_curvature reciprocal_curvature;

TG_SLOPE(reciprocal, reciprocal_curvature);
TG_SMOOTH_OUT(reciprocal, false);

static tg_tensor *reciprocal_curvature(tg_tensor *v, tg_tensor *y, double s)
{
    (void)s;
    return tg_mul_scalar(tg_mul(v, y), -2);
}

tg_tensor *tg_reciprocal(tg_tensor *x)
{
    return tg_unary_float(&reciprocal_op.map.op, x);
}

TGK_LOOP1(rsqrt_f32, float, float, tgk_quick_rsqrt(x));

/* One over the root, rounded twice, mended by its distance e from it: y (1 + e / 2). */
TGK_INLINE double rsqrt(double x)
{
    double y = 1 / sqrt(x), t = x * y, low = fma(x, y, -t);
    double e = fma(-t, y, 1) - low * y, mended = fma(0.5 * y, e, y);
    return e == e ? mended : y; /* x is 0, infinite or nan */
}

TGK_LOOP1(rsqrt_f64, double, double, rsqrt(x));
TGK_REAL2(rsqrt_slope, x * -0.5 * (y * y * y));

static tg_curvature rsqrt_curvature;

TG_SLOPE(rsqrt, rsqrt_curvature);
TG_SMOOTH_OUT(rsqrt, false);

static tg_tensor *rsqrt_curvature(tg_tensor *v, tg_tensor *y, double s)
{
    (void)s;
    return tg_mul_scalar(tg_mul(v, tg_square(y)), -1.5);
}

tg_tensor *tg_rsqrt(tg_tensor *x)
{
    return tg_unary_float(&rsqrt_op.map.op, x);
}

/* --- pow of two tensors --- */

/* Exponents are not negative; the product wraps around. */
TGK_INLINE int64_t int64_power(int64_t base, int64_t exponent)
{
    uint64_t power = 1, square = (uint64_t)base;
    for (; exponent > 0; exponent /= 2) {
        if (exponent % 2)
            power *= square;
        square *= square;
    }
    return (int64_t)power;
}

#define POWERS tgk_are_positive_powers(x, y, n)
TGK_BLOCK_OF(pow_block_f32, , POWERS, tgk_quick_pow(x[i], y[i]), tgk_any_quick_pow(x[i], y[i]))
TGK_BLOCK_OF(pow_block_f64, , POWERS, tgk_pow_positive(x[i], y[i]), tgk_pow(x[i], y[i]))
TGK_BLOCKS(pow, f32, 2, pow_block_f32);
TGK_BLOCKS(pow, f64, 2, pow_block_f64);
TGK_LOOP2(pow_i64, int64_t, int64_t, int64_power(x, y));

static void pow_forward(tg_node *node)
{
    const tg_tensor *b = node->in[1];
    const int64_t *exponents = tg_at(b)->dtype == TG_I64 ? tg_contiguous_data(node, b) : NULL;
    for (int64_t i = 0; exponents && i < tg_at(b)->numel; i++) {
        if (exponents[i] < 0) {
            tg_fail(tg_tape_in(b), TG_EVALUE, "pow: integer to the negative integer power %lld",
                    (long long)exponents[i]);
            return;
        }
    }
    tg_map_forward(node);
}

/* The gradients x of base y and exponent z. 0 is where a limit is taken from, as in PyTorch. */
TGK_INLINE double base_slope_of(double x, double power, double z)
{
    return z == 0 ? 0 : x * (z * power);
}

TGK_INLINE double exponent_slope_of(double x, double y, double z, double power, double log)
{
    return y == 0 && z >= 0 ? 0 : x * (power * log);
}

TGK_INLINE double quick_exponent_slope(double x, double y, double z)
{
    double log = tgk_quick_log(y);
    return x * (tgk_quick_exp_wide(z * log) * log);
}

TGK_INLINE double any_quick_exponent_slope(double x, double y, double z)
{
    if (tgk_is_positive(y) && tgk_is_finite(z))
        return quick_exponent_slope(x, y, z);
    return exponent_slope_of(x, y, z, tgk_any_quick_pow(y, z), tgk_log(y));
}

#define SLOPES tgk_are_positive_powers(y, z, n)
TGK_BLOCK_OF(base_slope_block_f32, , SLOPES,
             base_slope_of(x[i], tgk_quick_pow(y[i], z[i] - 1), z[i]),
             base_slope_of(x[i], tgk_any_quick_pow(y[i], z[i] - 1), z[i]))
TGK_BLOCK_OF(base_slope_block_f64, , SLOPES,
             base_slope_of(x[i], tgk_pow_positive(y[i], z[i] - 1), z[i]),
             base_slope_of(x[i], tgk_pow(y[i], z[i] - 1), z[i]))
TGK_BLOCKS(base_slope, f32, 3, base_slope_block_f32);
TGK_BLOCKS(base_slope, f64, 3, base_slope_block_f64);
TGK_BLOCK_OF(exponent_slope_block_f32, , SLOPES, quick_exponent_slope(x[i], y[i], z[i]),
             any_quick_exponent_slope(x[i], y[i], z[i]))
TGK_BLOCK_OF(exponent_slope_block_f64, , SLOPES,
             x[i] * (tgk_pow_positive(y[i], z[i]) * tgk_log(y[i])),
             exponent_slope_of(x[i], y[i], z[i], tgk_pow(y[i], z[i]), tgk_log(y[i])))
TGK_BLOCKS(exponent_slope, f32, 3, exponent_slope_block_f32);
TGK_BLOCKS(exponent_slope, f64, 3, exponent_slope_block_f64);

static tg_tensor *base_slope(tg_tensor *g, tg_tensor *a, tg_tensor *b);
static tg_tensor *exponent_slope(tg_tensor *g, tg_tensor *a, tg_tensor *b);

/* g times the derivative of a^b by both: a^(b-1) (1 + b log a). */
static tg_tensor *mixed_slope(tg_tensor *g, tg_tensor *a, tg_tensor *b)
{
    tg_tensor *less = tg_add_scalar(b, -1);
    tg_tensor *bend = tg_mul(exponent_slope(g, a, less), b);
    bend = tg_masked_fill(bend, tg_eq_scalar(b, 0), 0); /* whatever log a is */
    return tg_add(tg_mul(g, tg_pow(a, less)), bend);
}

static void base_slope_backward(tg_node *node, tg_tensor *v, tg_tensor **grad_in)
{
    tg_tensor *g = node->in[0], *a = node->in[1], *b = node->in[2];
    if (tg_needs_grad(node, 0))
        grad_in[0] = base_slope(v, a, b);
    grad_in[1] = base_slope(tg_mul(tg_mul(v, g), b), a, tg_add_scalar(b, -1));
    if (tg_needs_grad(node, 2))
        grad_in[2] = mixed_slope(tg_mul(v, g), a, b);
}

static void exponent_slope_backward(tg_node *node, tg_tensor *v, tg_tensor **grad_in)
{
    tg_tensor *g = node->in[0], *a = node->in[1], *b = node->in[2];
    if (tg_needs_grad(node, 0))
        grad_in[0] = exponent_slope(v, a, b);
    if (tg_needs_grad(node, 1))
        grad_in[1] = mixed_slope(tg_mul(v, g), a, b);
    grad_in[2] = exponent_slope(tg_mul(tg_mul(v, g), tg_log(a)), a, b);
}

#define READS_BOTH (TG_READS_IN(1) | TG_READS_IN(2))
#define READS_ALL (TG_READS_IN(0) | READS_BOTH)

static const tg_map_op base_slope_op = {{.name = "pow_backward",
                                         .forward = tg_map_forward,
                                         .backward = base_slope_backward,
                                         .reads = {READS_BOTH, READS_ALL, READS_ALL}},
                                        {base_slope_f32, base_slope_f64}};
static const tg_map_op exponent_slope_op = {{.name = "pow_backward",
                                             .forward = tg_map_forward,
                                             .backward = exponent_slope_backward,
                                             .reads = {READS_BOTH, READS_ALL, READS_ALL}},
                                            {exponent_slope_f32, exponent_slope_f64}};

static tg_tensor *base_slope(tg_tensor *g, tg_tensor *a, tg_tensor *b)
{
    return tg_apply_first(&base_slope_op.op, 3, (tg_tensor *[]){g, a, b}, NULL, 0);
}

static tg_tensor *exponent_slope(tg_tensor *g, tg_tensor *a, tg_tensor *b)
{
    return tg_apply_first(&exponent_slope_op.op, 3, (tg_tensor *[]){g, a, b}, NULL, 0);
}

static void pow_backward(tg_node *node, tg_tensor *grad_out, tg_tensor **grad_in)
{
    tg_tensor *in[] = {grad_out, node->in[0], node->in[1]};
    if (tg_needs_grad(node, 0))
        grad_in[0] = tg_gradient_of(node, 0, &base_slope_op.op, 3, in, NULL, 0);
    if (tg_needs_grad(node, 1))
        grad_in[1] = tg_gradient_of(node, 1, &exponent_slope_op.op, 3, in, NULL, 0);
}

static const tg_map_op pow_op = {
    {.name = "pow",
     .forward = pow_forward,
     .backward = pow_backward,
     .reads = {TG_READS_IN(0) | TG_READS_IN(1), TG_READS_IN(0) | TG_READS_IN(1)}},
    {pow_f32, pow_f64, pow_i64}};

tg_tensor *tg_pow(tg_tensor *a, tg_tensor *b)
{
    return tg_binary(&pow_op.op, a, b, false);
}

/* --- pow with a number as exponent --- */

#define S (*(const double *)params)

#define EXPONENT const tgk_exponent e = tgk_exponent_of(S)
#define LESS const tgk_exponent e = tgk_exponent_of(S - 1)

TGK_REAL1(cube, x *x *x);
TGK_LOOP1(pow_scalar_i64, int64_t, int64_t, int64_power(x, (int64_t)S));
TGK_BLOCK_OF(number_block_f32, EXPONENT, tgk_are_bases(x, n, e), tgk_quick_signed_pow(x[i], e),
             tgk_any_quick_pow(x[i], e.y))
TGK_BLOCK_OF(number_block_f64, EXPONENT, tgk_are_bases(x, n, e), tgk_signed_pow(x[i], e),
             tgk_pow(x[i], e.y))
TGK_BLOCKS(pow_scalar, f32, 1, number_block_f32);
TGK_BLOCKS(pow_scalar, f64, 1, number_block_f64);

/* The gradient x of y: x s y^(s - 1). */
TGK_REAL2(square_number_slope, x *(2 * y));
TGK_REAL2(cube_slope, x *(3 * (y * y)));
TGK_LOOP2_AS(root_slope_f32, float, float, double, float, float, x *(0.5 * tgk_quick_rsqrt(y)));
TGK_LOOP2(root_slope_f64, double, double, x *(0.5 * (1 / sqrt(y))));
TGK_REAL2(root_cube_slope, x *(1.5 * sqrt(y)));
TGK_BLOCK_OF(number_slope_block_f32, LESS, tgk_are_bases(y, n, e),
             x[i] * ((e.y + 1) * tgk_quick_signed_pow(y[i], e)),
             x[i] * ((e.y + 1) * tgk_any_quick_pow(y[i], e.y)))
TGK_BLOCK_OF(number_slope_block_f64, LESS, tgk_are_bases(y, n, e),
             x[i] * ((e.y + 1) * tgk_signed_pow(y[i], e)), x[i] * ((e.y + 1) * tgk_pow(y[i], e.y)))
TGK_BLOCKS(number_slope, f32, 2, number_slope_block_f32);
TGK_BLOCKS(number_slope, f64, 2, number_slope_block_f64);

/* Exponents for which there is something faster than pow. The roots also differ from it at -0 and
 * -inf, where they are what PyTorch gives. */
static const struct {
    double exponent;
    tgk_loops loops[TG_DTYPES], slopes[2];
} quick[] = {
    {1.5, {pow_scalar_f32, pow_scalar_f64}, {root_cube_slope_f32, root_cube_slope_f64}},
    {2, {square_f32, square_f64, square_i64}, {square_number_slope_f32, square_number_slope_f64}},
    {3, {cube_f32, cube_f64, pow_scalar_i64}, {cube_slope_f32, cube_slope_f64}},
    {0.5, {sqrt_f32, sqrt_f64}, {root_slope_f32, root_slope_f64}},
    {-0.5, {rsqrt_f32, rsqrt_f64}, {number_slope_f32, number_slope_f64}},
    {-1, {reciprocal_f32, reciprocal_f64}, {number_slope_f32, number_slope_f64}}};

static void pow_scalar_forward(tg_node *node)
{
    double s = *(const double *)node->params;
    const tgk_loops *loops = tg_node_loops(node);
    for (size_t i = 0; i < sizeof quick / sizeof *quick; i++) {
        if (s == quick[i].exponent)
            loops = quick[i].loops;
    }
    tg_map_node(node, loops);
}

static void pow_scalar_slope_forward(tg_node *node)
{
    double s = *(const double *)node->params;
    const tgk_loops *loops = tg_node_loops(node);
    for (size_t i = 0; i < sizeof quick / sizeof *quick; i++) {
        if (s == quick[i].exponent)
            loops = quick[i].slopes;
    }
    tg_map_node(node, loops);
}

static tg_tensor *pow_scalar_curvature(tg_tensor *v, tg_tensor *x, double s);

static const tg_slope_op pow_scalar_slope_op = {
    .map = {{.name = "pow_scalar_backward",
             .forward = pow_scalar_slope_forward,
             .backward = tg_slope_backward,
             .reads = {TG_READS_IN(1), TG_READS_IN(0) | TG_READS_IN(1)}},
            {number_slope_f32, number_slope_f64}},
    .second = pow_scalar_curvature};

/* v s (s - 1) x^(s - 2); 0 for s = 1, also where x^-1 is not finite. */
static tg_tensor *pow_scalar_curvature(tg_tensor *v, tg_tensor *x, double s)
{
    if (s == 1)
        return NULL;
    return tg_mul_scalar(tg_times_slope(&pow_scalar_slope_op, v, x, s - 1), s);
}

static void pow_scalar_backward(tg_node *node, tg_tensor *grad_out, tg_tensor **grad_in)
{
    tg_tensor *x = node->in[0];
    double s = *(const double *)node->params;
    if (s == 0) /* also where x^-1 is not finite */
        grad_in[0] = tg_flat_gradient(x);
    else
        grad_in[0] = tg_gradient_over(node, grad_out, &pow_scalar_slope_op.map.op, x, s);
}

static const tg_map_op pow_scalar_op = {{.name = "pow_scalar",
                                         .forward = pow_scalar_forward,
                                         .backward = pow_scalar_backward,
                                         .reads = {TG_READS_IN(0)}},
                                        {pow_scalar_f32, pow_scalar_f64, pow_scalar_i64}};

tg_tensor *tg_pow_scalar(tg_tensor *x, double s)
{
    if (!tg_check_inputs(&pow_scalar_op.op, 1, &x))
        return NULL;
    int integer = tg_is_whole(s) && s >= 0 ? TG_I64 : TG_F32;
    return tg_unary_scalar(&pow_scalar_op.op, x, s,
                           tg_is_float(tg_at(x)->dtype) ? tg_at(x)->dtype : integer);
}

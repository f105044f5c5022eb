/* Powers: square, reciprocal, roots, pow. Relies on libm for pow and sqrt. */
#include "ops/arithmetic.h"
#include "ops/layout.h"

#include "kernels/loops.h"

#include <math.h>

TGK_LOOP1(sqrt_f32, float, float, sqrtf(x));
TGK_LOOP1(sqrt_f64, double, double, sqrt(x));

static void sqrt_backward(tg_node *node, tg_tensor *grad_out, tg_tensor **grad_in)
{
    grad_in[0] = tg_div(grad_out, tg_mul_scalar(node->out, 2));
}

static const tg_map_op sqrt_op = {
    {.name = "sqrt", .forward = tg_map_forward, .backward = sqrt_backward, .reads = {TG_READS_OUT}},
    {sqrt_f32, sqrt_f64}};

tg_tensor *tg_sqrt(tg_tensor *x)
{
    return tg_unary_float(&sqrt_op.op, x);
}

TGK_REAL1(square, x *x);
TGK_LOOP1(square_i64, int64_t, int64_t, ((uint64_t)x * (uint64_t)x));

static void square_backward(tg_node *node, tg_tensor *grad_out, tg_tensor **grad_in)
{
    grad_in[0] = tg_mul(grad_out, tg_mul_scalar(node->in[0], 2));
}

static const tg_map_op square_op = {{.name = "square",
                                     .forward = tg_map_forward,
                                     .backward = square_backward,
                                     .reads = {TG_READS_IN(0)}},
                                    {square_f32, square_f64, square_i64}};

tg_tensor *tg_square(tg_tensor *x)
{
    TG_IN_SCOPE(&square_op.op,
                tg_apply_like(&square_op.op, tg_at(x)->dtype == TG_BOOL ? tg_to(x, TG_I64) : x), x);
}

TGK_REAL1(reciprocal, 1 / x);

static void reciprocal_backward(tg_node *node, tg_tensor *grad_out, tg_tensor **grad_in)
{
    grad_in[0] = tg_neg(tg_mul(grad_out, tg_square(node->out)));
}

static const tg_map_op reciprocal_op = {{.name = "reciprocal",
                                         .forward = tg_map_forward,
                                         .backward = reciprocal_backward,
                                         .reads = {TG_READS_OUT}},
                                        {reciprocal_f32, reciprocal_f64}};

tg_tensor *tg_reciprocal(tg_tensor *x)
{
    return tg_unary_float(&reciprocal_op.op, x);
}

TGK_REAL1(rsqrt, 1 / sqrt(x));

/* -g y^3 / 2 */
static void rsqrt_backward(tg_node *node, tg_tensor *grad_out, tg_tensor **grad_in)
{
    tg_tensor *cube = tg_mul(tg_square(node->out), node->out);
    grad_in[0] = tg_mul(tg_mul_scalar(grad_out, -0.5), cube);
}

static const tg_map_op rsqrt_op = {{.name = "rsqrt",
                                    .forward = tg_map_forward,
                                    .backward = rsqrt_backward,
                                    .reads = {TG_READS_OUT}},
                                   {rsqrt_f32, rsqrt_f64}};

tg_tensor *tg_rsqrt(tg_tensor *x)
{
    return tg_unary_float(&rsqrt_op.op, x);
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

TGK_REAL2(pow, pow(x, y));
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
TGK_REAL3(base_slope, z == 0 ? 0 : x * (z * pow(y, z - 1)));
TGK_REAL3(exponent_slope, y == 0 && z >= 0 ? 0 : x * (pow(y, z) * log(y)));

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
    if (tg_needs_grad(node, 1))
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
    if (tg_needs_grad(node, 2)) {
        tg_tensor *both = tg_mul(v, g);
        grad_in[2] = exponent_slope(tg_mul(both, tg_log(a)), a, b);
    }
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
    if (tg_needs_grad(node, 0))
        grad_in[0] = base_slope(grad_out, node->in[0], node->in[1]);
    if (tg_needs_grad(node, 1))
        grad_in[1] = exponent_slope(grad_out, node->in[0], node->in[1]);
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

TGK_REAL1(cube, x *x *x);
TGK_REAL1(pow_scalar, pow(x, S));
TGK_LOOP1(pow_scalar_i64, int64_t, int64_t, int64_power(x, (int64_t)S));

/* Exponents for which there is something faster than pow. The roots also differ from it at -0 and
 * -inf, where they are what PyTorch gives. */
static const struct {
    double exponent;
    tgk_loops loops[TG_DTYPES];
} quick[] = {{2, {square_f32, square_f64, square_i64}},
             {3, {cube_f32, cube_f64, pow_scalar_i64}},
             {0.5, {sqrt_f32, sqrt_f64}},
             {-0.5, {rsqrt_f32, rsqrt_f64}},
             {-1, {reciprocal_f32, reciprocal_f64}}};

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

static void pow_scalar_backward(tg_node *node, tg_tensor *grad_out, tg_tensor **grad_in)
{
    tg_tensor *x = node->in[0];
    double s = *(const double *)node->params;
    if (s == 0) /* also where x^-1 is not finite */
        grad_in[0] = tg_zeros(tg_tape_in(x), tg_at(x)->ndim, tg_at(x)->dims, tg_at(x)->dtype);
    else
        grad_in[0] = tg_mul(grad_out, tg_mul_scalar(tg_pow_scalar(x, s - 1), s));
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

/* Rows for golden/ops.inc: elementwise operations, comparisons and activations. */
#include "golden.h"

#include <math.h>

GOLDEN_UNARY(abs)
GOLDEN_UNARY(sign)
GOLDEN_UNARY(square)
GOLDEN_UNARY(reciprocal)
GOLDEN_UNARY(rsqrt)
GOLDEN_UNARY(log1p)
GOLDEN_UNARY(expm1)
GOLDEN_UNARY(sin)
GOLDEN_UNARY(cos)
GOLDEN_UNARY(erf)
GOLDEN_UNARY(logical_not)
GOLDEN_UNARY(gelu)
GOLDEN_UNARY(gelu_tanh)
GOLDEN_UNARY(silu)
GOLDEN_UNARY(softplus)
GOLDEN_UNARY(logsigmoid)
GOLDEN_BINARY(pow)
GOLDEN_BINARY(maximum)
GOLDEN_BINARY(minimum)
GOLDEN_BINARY(eq)
GOLDEN_BINARY(ne)
GOLDEN_BINARY(lt)
GOLDEN_BINARY(le)
GOLDEN_BINARY(gt)
GOLDEN_BINARY(ge)
GOLDEN_BINARY(logical_and)
GOLDEN_BINARY(logical_or)
GOLDEN_BINARY(prelu)
GOLDEN_SCALAR(pow_scalar)
GOLDEN_SCALAR(eq_scalar)
GOLDEN_SCALAR(lt_scalar)
GOLDEN_SCALAR(gt_scalar)
GOLDEN_SCALAR(leaky_relu)
GOLDEN_SCALAR(elu)

static tg_tensor *run_clamp(golden_case *c)
{
    return tg_clamp(c->in[0], golden_number(c, "low", (double)-INFINITY),
                    golden_number(c, "high", (double)INFINITY));
}

static tg_tensor *run_where(golden_case *c)
{
    return tg_where(c->in[0], c->in[1], c->in[2]);
}

static tg_tensor *run_masked_fill(golden_case *c)
{
    return tg_masked_fill(c->in[0], c->in[1], golden_number(c, "s", 0));
}

static const golden_op rows[] = {
    {"abs", run_abs, GOLDEN_BITS, false},
    {"sign", run_sign, GOLDEN_NEAR, false}, /* of -0: 0 or -0 */
    {"square", run_square, GOLDEN_BITS, false},
    {"reciprocal", run_reciprocal, GOLDEN_BITS, false},
    {"rsqrt", run_rsqrt, GOLDEN_SIGNS, false},
    {"log1p", run_log1p, GOLDEN_SIGNS, false},
    {"expm1", run_expm1, GOLDEN_SIGNS, false},
    {"sin", run_sin, GOLDEN_SIGNS, false},
    {"cos", run_cos, GOLDEN_SIGNS, false},
    {"erf", run_erf, GOLDEN_SIGNS, false},
    {"gelu", run_gelu, GOLDEN_SIGNS, false},
    {"gelu_tanh", run_gelu_tanh, GOLDEN_SIGNS, false},
    {"silu", run_silu, GOLDEN_SIGNS, false},
    {"softplus", run_softplus, GOLDEN_SIGNS, false},
    {"logsigmoid", run_logsigmoid, GOLDEN_NEAR, false},
    {"leaky_relu", run_leaky_relu, GOLDEN_SIGNS, false}, /* computed in double */
    {"elu", run_elu, GOLDEN_SIGNS, false},
    {"prelu", run_prelu, GOLDEN_BITS, false},
    {"pow", run_pow, GOLDEN_SIGNS, false},
    {"pow_scalar", run_pow_scalar, GOLDEN_SIGNS, false},
    {"clamp", run_clamp, GOLDEN_BITS, false},
    {"maximum", run_maximum, GOLDEN_NEAR, false}, /* which of 0 and -0 is not said */
    {"minimum", run_minimum, GOLDEN_NEAR, false},
    {"where", run_where, GOLDEN_BITS, false},
    {"masked_fill", run_masked_fill, GOLDEN_BITS, false},
    {"eq", run_eq, GOLDEN_BITS, false},
    {"ne", run_ne, GOLDEN_BITS, false},
    {"lt", run_lt, GOLDEN_BITS, false},
    {"le", run_le, GOLDEN_BITS, false},
    {"gt", run_gt, GOLDEN_BITS, false},
    {"ge", run_ge, GOLDEN_BITS, false},
    {"eq_scalar", run_eq_scalar, GOLDEN_BITS, false},
    {"lt_scalar", run_lt_scalar, GOLDEN_BITS, false},
    {"gt_scalar", run_gt_scalar, GOLDEN_BITS, false},
    {"logical_and", run_logical_and, GOLDEN_BITS, false},
    {"logical_or", run_logical_or, GOLDEN_BITS, false},
    {"logical_not", run_logical_not, GOLDEN_BITS, false},
};
GOLDEN_TABLE(golden_elementwise, rows)

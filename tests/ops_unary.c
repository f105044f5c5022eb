/* Rows of functions of one tensor, perhaps with numbers, and of powers. See op_table.h. */
#include "op_reference.h"

#include <math.h>

static double sign(double x)
{
    return x > 0 ? 1 : x < 0 ? -1 : 0;
}

static double reciprocal(double x)
{
    return 1 / x;
}

static double rsqrt(double x)
{
    return 1 / sqrt(x);
}

/* Of a bool it is an int64, as of an int64. */
static void ref_square(const op_sample *s, const array *in, array *out)
{
    (void)s;
    ref_start(out, in->dtype == TG_BOOL ? TG_I64 : in->dtype, in->ndim, in->dims);
    for (int64_t k = 0; k < out->numel; k++)
        out->data[k] = in->data[k] * in->data[k];
}

static tg_tensor *pow_scalar(const op_args *a)
{
    return tg_pow_scalar(a->in[0], a->s->s[0]);
}

static tg_tensor *clamp(const op_args *a)
{
    return tg_clamp(a->in[0], a->s->s[0], a->s->s[1]);
}

static bool is_float(const array *x)
{
    return x->dtype == TG_F32 || x->dtype == TG_F64;
}

static bool whole(double s)
{
    return s == floor(s) && fabs(s) < 0x1p63;
}

/* Roots are those of sqrt, which differ from pow at -0 and -inf. */
static double power(double x, double s)
{
    return s == 0.5 ? sqrt(x) : s == -0.5 ? 1 / sqrt(x) : pow(x, s);
}

static void ref_pow_scalar(const op_sample *s, const array *in, array *out)
{
    int integer = whole(s->s[0]) && s->s[0] >= 0 ? TG_I64 : TG_F32;
    ref_start(out, is_float(in) ? in->dtype : integer, in->ndim, in->dims);
    for (int64_t k = 0; k < out->numel; k++)
        out->data[k] = power(in->data[k], s->s[0]);
}

/* The upper bound has the last word; nan passes. */
static void ref_clamp(const op_sample *s, const array *in, array *out)
{
    double low = s->s[0], high = s->s[1];
    bool integer = (isinf(low) || whole(low)) && (isinf(high) || whole(high));
    ref_start(out, is_float(in) ? in->dtype : integer ? TG_I64 : TG_F32, in->ndim, in->dims);
    for (int64_t k = 0; k < out->numel; k++) {
        double x = in->data[k];
        x = x < low ? low : x;
        out->data[k] = x > high ? high : x;
    }
}

static const op_sample exponents[] = {{.in = ".", .s = {2}},
                                      {.in = "37", .s = {2}},
                                      {.in = "0", .s = {3}},
                                      {.in = "3x5", .s = {3}},
                                      {.in = "2x3x4", .s = {1}},
                                      {.in = "3x5", .s = {0}},
                                      {.in = "37:p", .s = {0.5}},
                                      {.in = "37:p", .s = {-0.5}},
                                      {.in = "3x5:p", .s = {2.5}},
                                      {.in = "3x5:p", .s = {-1.7}},
                                      {.in = "5:n", .s = {-1}},
                                      {.in = "5:n", .s = {-2}},
                                      {.in = "5:n", .s = {-3}},
                                      {.in = "7", .s = {4}},
                                      {.in = "7", .s = {7}},
                                      {.in = "7", .s = {1.5}},
                                      {.in = "2x0", .s = {0.5}},
                                      {.in = "3x4:rp", .s = {1.25}},
                                      {.in = "64:x", .s = {2}},
                                      {.in = "64:x", .s = {3}},
                                      {.in = "64:x", .s = {0}},
                                      {.in = "64:x", .s = {0.5}},
                                      {.in = "64:x", .s = {-0.5}},
                                      {.in = "64:x", .s = {-1}},
                                      {.in = "64:x", .s = {1.3}},
                                      {.in = "5:i", .s = {2}},
                                      {.in = "5:i", .s = {3}},
                                      {.in = "5:i", .s = {5}},
                                      {.in = "5:i", .s = {0}},
                                      {.in = "5:i", .s = {0.5}},
                                      {.in = "5:i", .s = {-2}},
                                      {.in = "4:b", .s = {2}},
                                      {.in = "4:b", .s = {0.5}},
                                      {.in = ".:i", .s = {3}},
                                      {0}};

/* No bound is an infinite one; INFINITY is a float. */
#define INF ((double)INFINITY)

static const op_sample bounds[] = {{.in = ".", .s = {-1, 1}},
                                   {.in = "37", .s = {-1, 1}},
                                   {.in = "3x5", .s = {-0.1, 1.3}},
                                   {.in = "2x3x4", .s = {-INF, 0.5}},
                                   {.in = "3x5", .s = {0.5, INF}},
                                   {.in = "3x5", .s = {-INF, INF}},
                                   {.in = "3x5", .s = {1, -1}},
                                   {.in = "7", .s = {-3, 3}},
                                   {.in = "0", .s = {0, 1}},
                                   {.in = "3x4:r", .s = {-1, 2}},
                                   {.in = "64:x", .s = {0, 1}},
                                   {.in = "64:x", .s = {-1e300, 1e300}},
                                   {.in = "64:x", .s = {-INF, INF}},
                                   {.in = "37:i", .s = {-2, 3}},
                                   {.in = "5:i", .s = {-1.5, 2}},
                                   {.in = "5:i", .s = {-INF, 2}},
                                   {.in = "5:i", .s = {1, INF}},
                                   {.in = "5:i", .s = {3, -1}},
                                   {.in = "4:b", .s = {0, 1}},
                                   {.in = "4:b", .s = {0.5, 2}},
                                   {0}};
static const op_sample errors_bounds[] = {
    {.in = "3", .s = {(double)NAN, 1}, .status = TG_EVALUE, .message = "clamp: bounds"},
    {.in = "3", .s = {0, (double)NAN}, .status = TG_EVALUE, .message = "clamp: bounds"},
    {.in = "3:i", .s = {(double)NAN, 1}, .status = TG_EVALUE, .message = "clamp: bounds"},
    {0}};

/* Of two integers, the exponents are classes of the base's shape: not negative. */
static const op_sample samples_pow_int[] = {
    {.in = "7:i 7:k"}, {.in = "3x5:i 5:k"}, {.in = "5:i 3x5:k"}, {.in = ".:i .:b"},
    {.in = "4:b 4:k"}, {.in = "4:i 4:b"},   {.in = "3:i .:k"},   {0}};
static const op_sample errors_pow[] = {
    {.in = "37:i 37:i", .status = TG_EVALUE, .message = "negative integer power"},
    {.in = "3x4:i 3x4:i", .status = TG_EVALUE, .message = "negative integer power"},
    {.in = "4:b 37x4:i", .status = TG_EVALUE, .message = "negative integer power"},
    {.in = "3:b 3:b", .status = TG_EDTYPE, .message = "bool"},
    {0}};
static const op_sample samples_pow[] = {{.in = "5:n 5:x"}, {.in = "64 64:x"},    {.in = "37:x 37"},
                                        {.in = "37 37"},   {.in = "3x4:rp 4:r"}, {0}};

static const op_kink kinks_abs[] = {{.s = {.in = "3"}, .x = {{-1, 0, 1}}, .grad = {{-1, 0, 1}}},
                                    {.s = {0}}};
static const op_kink kinks_sign[] = {{.s = {.in = "1"}, .x = {{0}}, .grad = {{0}}}, {.s = {0}}};
static const op_kink kinks_pow[] = {
    {.s = {.in = "6 6:c"},
     .x = {{0, 0, 0, 0, 0, 0}, {0, 0.5, 1, 1.5, 2, 3}},
     .grad = {{0, INF, 1, 0, 0, 0}},
     .second = {{(double)NAN, -INF, 0, INF, 2, 0}}},
    {.s = {.in = "6:c 6"}, .x = {{0, 0, 0, 0, 0, 0}, {0, 0.5, 1, 1.5, 2, 3}}},
    {.s = {0}}};
static const op_kink kinks_pow_scalar[] = {
    {.s = {.in = "1", .s = {0}}},
    {.s = {.in = "1", .s = {0.5}}, .grad = {{INF}}, .second = {{-INF}}},
    {.s = {.in = "1", .s = {1}}, .grad = {{1}}},
    {.s = {.in = "1", .s = {1.5}}, .second = {{INF}}},
    {.s = {.in = "1", .s = {2}}, .second = {{2}}},
    {.s = {.in = "1", .s = {2.5}}},
    {.s = {.in = "1", .s = {3}}},
    {.s = {0}}};
static const op_kink kinks_clamp[] = {
    {.s = {.in = "5", .s = {-1, 1}}, .x = {{-2, -1, 0, 1, 2}}, .grad = {{0, 1, 1, 1, 0}}},
    {.s = {.in = "3", .s = {1, -1}}, .x = {{-1, 0, 1}}},
    {.s = {.in = "2", .s = {-INF, 0.5}}, .x = {{0.5, 1}}, .grad = {{1, 0}}},
    {.s = {.in = "2", .s = {0.5, INF}}, .x = {{0.5, 0}}, .grad = {{1, 0}}},
    {.s = {0}}};

const op_row ops_unary[] = {
    /* Of one tensor, but for pow. */
    {.name = "abs",
     .unary = tg_abs,
     .f1 = fabs,
     .values = {"n"},
     .samples = {samples_unary, samples_unary_int},
     .errors = {errors_not_bool},
     .kinks = {kinks_abs}},
    {.name = "sign",
     .unary = tg_sign,
     .f1 = sign,
     .values = {"n"},
     .samples = {samples_unary, samples_unary_int, samples_unary_bool},
     .kinks = {kinks_sign}},
    {.name = "square",
     .unary = tg_square,
     .ref = ref_square,
     .samples = {samples_unary, samples_unary_int, samples_unary_bool}},
    {.name = "reciprocal",
     .unary = tg_reciprocal,
     .f1 = reciprocal,
     .is = OP_TO_FLOAT,
     .values = {"n"},
     .samples = {samples_unary, samples_unary_int, samples_unary_bool}},
    {.name = "rsqrt",
     .unary = tg_rsqrt,
     .f1 = rsqrt,
     .is = OP_TO_FLOAT,
     .values = {"p"},
     .samples = {samples_unary, samples_unary_int, samples_unary_bool}},
    {.name = "log1p",
     .unary = tg_log1p,
     .f1 = log1p,
     .is = OP_TO_FLOAT,
     .values = {"p"},
     .samples = {samples_unary, samples_unary_int, samples_unary_bool}},
    {.name = "expm1",
     .unary = tg_expm1,
     .f1 = expm1,
     .is = OP_TO_FLOAT,
     .samples = {samples_unary, samples_unary_int, samples_unary_bool}},
    {.name = "sin",
     .unary = tg_sin,
     .f1 = sin,
     .is = OP_TO_FLOAT,
     .samples = {samples_unary, samples_unary_int, samples_unary_bool}},
    {.name = "cos",
     .unary = tg_cos,
     .f1 = cos,
     .is = OP_TO_FLOAT,
     .samples = {samples_unary, samples_unary_int, samples_unary_bool}},
    {.name = "erf",
     .unary = tg_erf,
     .f1 = erf,
     .is = OP_TO_FLOAT,
     .samples = {samples_unary, samples_unary_int, samples_unary_bool}},
    {.name = "pow",
     .binary = tg_pow,
     .f2 = pow,
     .values = {"p"},
     .samples = {samples_binary, samples_pow_int, samples_pow},
     .errors = {errors_broadcast, errors_pow},
     .kinks = {kinks_pow}},
    {.name = "pow_scalar",
     .build = pow_scalar,
     .ref = ref_pow_scalar,
     .samples = {exponents},
     .kinks = {kinks_pow_scalar}},
    {.name = "clamp",
     .build = clamp,
     .ref = ref_clamp,
     .samples = {bounds},
     .errors = {errors_bounds},
     .kinks = {kinks_clamp}},
    {0}};

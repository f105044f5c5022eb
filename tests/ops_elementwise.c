/* Rows of elementwise operations. See op_table.h. */
#include "op_reference.h"

#include <math.h>

static double plus(double x, double y)
{
    return x + y;
}

static double minus(double x, double y)
{
    return x - y;
}

static double times(double x, double y)
{
    return x * y;
}

static double over(double x, double y)
{
    return x / y;
}

static double negative(double x)
{
    return -x;
}

static double relu(double x)
{
    return x < 0 ? 0 : x;
}

static double sigmoid(double x)
{
    return 1 / (1 + exp(-x));
}

static tg_tensor *add_scalar(const op_args *a)
{
    return tg_add_scalar(a->in[0], a->s->s[0]);
}

static tg_tensor *sub_scalar(const op_args *a)
{
    return tg_sub_scalar(a->in[0], a->s->s[0]);
}

static tg_tensor *mul_scalar(const op_args *a)
{
    return tg_mul_scalar(a->in[0], a->s->s[0]);
}

static tg_tensor *div_scalar(const op_args *a)
{
    return tg_div_scalar(a->in[0], a->s->s[0]);
}

/* f of each element and the number, in the dtype that torch gives. */
static void with_scalar(const op_sample *s, const array *in, array *out, bool to_float,
                        double (*f)(double, double))
{
    bool is_float = in->dtype == TG_F32 || in->dtype == TG_F64;
    bool whole = s->s[0] == floor(s->s[0]) && fabs(s->s[0]) < 0x1p63;
    int dtype = is_float ? in->dtype : to_float || !whole ? TG_F32 : TG_I64;
    ref_start(out, dtype, in->ndim, in->dims);
    for (int64_t k = 0; k < out->numel; k++)
        out->data[k] = f(in->data[k], rounded_to(dtype, s->s[0]));
}

static void ref_add_scalar(const op_sample *s, const array *in, array *out)
{
    with_scalar(s, in, out, false, plus);
}

static void ref_sub_scalar(const op_sample *s, const array *in, array *out)
{
    with_scalar(s, in, out, false, minus);
}

static void ref_mul_scalar(const op_sample *s, const array *in, array *out)
{
    with_scalar(s, in, out, false, times);
}

static void ref_div_scalar(const op_sample *s, const array *in, array *out)
{
    with_scalar(s, in, out, true, over);
}

static const op_sample scalars[] = {{.in = ".", .s = {2.5}},
                                    {.in = "0", .s = {2}},
                                    {.in = "37", .s = {-1.75}},
                                    {.in = "3x5", .s = {0.1}},
                                    {.in = "37:x", .s = {-3}},
                                    {.in = "2x3x4", .s = {1}},
                                    {.in = "4x0", .s = {7}},
                                    {.in = "5:i", .s = {3}},
                                    {.in = "5:i", .s = {0.5}},
                                    {.in = "4:b", .s = {2}},
                                    {.in = ".:i", .s = {-2.25}},
                                    {.in = "3x4:r", .s = {-2}},
                                    {.in = "37:x", .s = {0}},
                                    {.in = "5:i", .s = {1e300}},
                                    {.in = "64:x", .s = {1e300}},
                                    {.in = "3:i", .s = {0}},
                                    {.in = "7", .s = {1e-3}},
                                    {.in = "1", .s = {-1}},
                                    {0}};

static const op_sample errors_sub[] = {
    {.in = "3:b 3:b", .status = TG_EDTYPE, .message = "sub: not defined for bool"}, {0}};

static const op_kink kinks_relu[] = {{.s = {.in = "3"}, .x = {{-1, 0, 1}}, .grad = {{0, 0, 1}}},
                                     {.s = {0}}};
static const op_kink kinks_sqrt[] = {
    {.s = {.in = "1"}, .x = {{0}}, .grad = {{(double)INFINITY}}, .second = {{-(double)INFINITY}}},
    {.s = {0}}};

const op_row ops_elementwise[] = {
    {.name = "add",
     .binary = tg_add,
     .f2 = plus,
     .samples = {samples_binary, samples_binary_int, samples_binary_bool},
     .errors = {errors_broadcast}},
    {.name = "sub",
     .binary = tg_sub,
     .f2 = minus,
     .samples = {samples_binary, samples_binary_int},
     .errors = {errors_broadcast, errors_sub}},
    {.name = "mul",
     .binary = tg_mul,
     .f2 = times,
     .samples = {samples_binary, samples_binary_int, samples_binary_bool},
     .errors = {errors_broadcast}},
    {.name = "div",
     .binary = tg_div,
     .f2 = over,
     .is = OP_TO_FLOAT,
     .values = {"n", "n"},
     .samples = {samples_binary, samples_binary_int, samples_binary_bool},
     .errors = {errors_broadcast}},
    {.name = "add_scalar", .build = add_scalar, .ref = ref_add_scalar, .samples = {scalars}},
    {.name = "sub_scalar", .build = sub_scalar, .ref = ref_sub_scalar, .samples = {scalars}},
    {.name = "mul_scalar", .build = mul_scalar, .ref = ref_mul_scalar, .samples = {scalars}},
    {.name = "div_scalar", .build = div_scalar, .ref = ref_div_scalar, .samples = {scalars}},
    {.name = "neg",
     .unary = tg_neg,
     .f1 = negative,
     .samples = {samples_unary, samples_unary_int},
     .errors = {errors_not_bool}},
    {.name = "relu",
     .unary = tg_relu,
     .f1 = relu,
     .values = {"n"},
     .samples = {samples_unary, samples_unary_int},
     .errors = {errors_not_bool},
     .kinks = {kinks_relu}},
    {.name = "exp",
     .unary = tg_exp,
     .f1 = exp,
     .is = OP_TO_FLOAT,
     .samples = {samples_unary, samples_unary_int, samples_unary_bool}},
    {.name = "log",
     .unary = tg_log,
     .f1 = log,
     .is = OP_TO_FLOAT,
     .values = {"p"},
     .samples = {samples_unary, samples_unary_int, samples_unary_bool}},
    {.name = "sqrt",
     .unary = tg_sqrt,
     .f1 = sqrt,
     .is = OP_TO_FLOAT,
     .values = {"p"},
     .samples = {samples_unary, samples_unary_int, samples_unary_bool},
     .kinks = {kinks_sqrt}},
    {.name = "sigmoid",
     .unary = tg_sigmoid,
     .f1 = sigmoid,
     .is = OP_TO_FLOAT,
     .samples = {samples_unary, samples_unary_int, samples_unary_bool}},
    {.name = "tanh",
     .unary = tg_tanh,
     .f1 = tanh,
     .is = OP_TO_FLOAT,
     .samples = {samples_unary, samples_unary_int, samples_unary_bool}},
    {0}};

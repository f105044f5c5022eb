/* Rows of activations that are a formula with up to two numbers. See op_table.h. */
#include "op_reference.h"

#include <math.h>

static double within(double x, double low, double high)
{
    x = x < low ? low : x;
    return x > high ? high : x;
}

static double relu6(double x)
{
    return within(x, 0, 6);
}

static double hardsigmoid(double x)
{
    return within(x + 3, 0, 6) / 6;
}

static double hardswish(double x)
{
    return x * hardsigmoid(x);
}

static double selu(double x)
{
    const double scale = 1.0507009873554805, alpha = 1.6732632423543772;
    return scale * (x > 0 ? x : alpha * expm1(x));
}

/* -inf times 0 is nan, as in PyTorch. */
static double mish(double x)
{
    return x * tanh(x > 0 ? x + log1p(exp(-x)) : log1p(exp(x)));
}

static double softsign(double x)
{
    return x / (1 + fabs(x));
}

static tg_tensor *hardtanh(const op_args *a)
{
    return tg_hardtanh(a->in[0], a->s->s[0], a->s->s[1]);
}

static tg_tensor *celu(const op_args *a)
{
    return tg_celu(a->in[0], a->s->s[0]);
}

static tg_tensor *softplus_with(const op_args *a)
{
    return tg_softplus_with(a->in[0], a->s->s[0], a->s->s[1]);
}

static tg_tensor *glu(const op_args *a)
{
    return tg_glu(a->in[0], a->s->dim[0]);
}

static void numbered(const array *in, array *out, double (*f)(double, double, double), double a,
                     double b)
{
    ref_start(out, in->dtype, in->ndim, in->dims);
    for (int64_t k = 0; k < out->numel; k++)
        out->data[k] = f(in->data[k], a, b);
}

static double celu_of(double x, double alpha, double unused)
{
    (void)unused;
    return x > 0 ? x : alpha * expm1(x / alpha);
}

static double softplus_of(double x, double beta, double threshold)
{
    double u = beta * x;
    return u > threshold ? x : (u > 0 ? u + log1p(exp(-u)) : log1p(exp(u))) / beta;
}

#define REFERENCE(name, f)                                                                         \
    static void ref_##name(const op_sample *s, const array *in, array *out)                        \
    {                                                                                              \
        numbered(in, out, f, s->s[0], s->s[1]);                                                    \
    }

REFERENCE(hardtanh, within)
REFERENCE(celu, celu_of)
REFERENCE(softplus_with, softplus_of)

static void ref_glu(const op_sample *s, const array *in, array *out)
{
    int dim = ref_dim(in, s->dim[0]);
    ref_rows r = ref_rows_of(in, dim);
    int64_t dims[OP_MAX_DIMS], half = r.n / 2;
    for (int i = 0; i < in->ndim; i++)
        dims[i] = i == dim ? half : in->dims[i];
    ref_start(out, in->dtype, in->ndim, dims);
    for (int64_t k = 0; k < out->numel; k++) {
        int64_t row = k / r.inner / half, at = row * r.n * r.inner + k % (half * r.inner);
        out->data[k] = in->data[at] / (1 + exp(-in->data[at + half * r.inner]));
    }
}

static const op_sample few[] = {{.in = "."},     {.in = "2x0x3"}, {.in = "37"},
                                {.in = "4x3:r"}, {.in = "64:x"},  {0}};
static const op_sample hardtanhs[] = {{.in = ".", .s = {-1, 1}},
                                      {.in = "37", .s = {-1, 2}},
                                      {.in = "4x3:r", .s = {0.5, 0.5}},
                                      {.in = "64:x", .s = {-2, 1}},
                                      {0}};
static const op_sample celus[] = {{.in = ".", .s = {1}},
                                  {.in = "37", .s = {0.5}},
                                  {.in = "4x3:r", .s = {-2}},
                                  {.in = "64:x", .s = {2}},
                                  {0}};
static const op_sample softpluses[] = {{.in = ".", .s = {1, 20}},
                                       {.in = "37", .s = {2, 1}},
                                       {.in = "4x3:r", .s = {-0.5, 20}},
                                       {.in = "64:x", .s = {3, 10}},
                                       {0}};
static const op_sample glus[] = {{.in = "4"},
                                 {.in = "3x6", .dim = {1}},
                                 {.in = "4x3:r", .dim = {0}},
                                 {.in = "2x2x3", .dim = {-2}},
                                 {.in = "3x0", .dim = {1}},
                                 {0}};
static const op_sample errors_hardtanh[] = {
    {.in = "3", .s = {1, -1}, .status = TG_EVALUE, .message = "bounds 1 and -1"}, {0}};
static const op_sample errors_celu[] = {{.in = "3", .status = TG_EVALUE, .message = "alpha is 0"},
                                        {0}};
static const op_sample errors_glu[] = {
    {.in = "3x5", .dim = {1}, .status = TG_ESHAPE, .message = "size 5 of dim 1 in [3, 5] is odd"},
    {.in = "3x4", .dim = {2}, .status = TG_EVALUE, .message = "no dim 2 in [3, 4]"},
    {.in = ".", .status = TG_ESHAPE, .message = "at least one dim"},
    {0}};

static const op_kink kinks_hardtanh[] = {
    {.s = {.in = "4", .s = {-1, 2}}, .x = {{-1, 0, 2, 3}}, .grad = {{0, 1, 0, 0}}},
    {.s = {.in = "2", .s = {-1, 1}}, .x = {{-1, 1}}, .grad = {{0, 0}}},
    {.s = {.in = "3", .s = {0.5, 0.5}}, .x = {{0, 0.5, 1}}},
    {.s = {0}}};
static const op_kink kinks_relu6[] = {
    {.s = {.in = "4"}, .x = {{-1, 0, 1, 6}}, .grad = {{0, 0, 1, 0}}}, {.s = {0}}};
static const op_kink kinks_hardsigmoid[] = {
    {.s = {.in = "3"}, .x = {{-3, 0, 3}}, .grad = {{0, 1.0 / 6, 0}}}, {.s = {0}}};
static const op_kink kinks_hardswish[] = {
    {.s = {.in = "3"}, .x = {{-3, 0, 3}}, .grad = {{0, 0.5, 1}}, .second = {{0, 1.0 / 3, 0}}},
    {.s = {0}}};
/* Of the second order the side that the first one takes, as for elu. */
#define SELU_AT_0 1.7580993408473768
static const op_kink kinks_selu[] = {
    {.s = {.in = "1"}, .x = {{0}}, .grad = {{SELU_AT_0}}, .second = {{SELU_AT_0}}}, {.s = {0}}};
static const op_kink kinks_softplus[] = {{.s = {.in = "1", .s = {2, 1}},
                                          .x = {{0.5}},
                                          .grad = {{0.7310585786300049}},
                                          .second = {{0.3932238664829637}}},
                                         {.s = {0}}};

#define ACTIVATION(id, ...)                                                                        \
    {                                                                                              \
        .name = #id, .unary = tg_##id, .f1 = id, .samples = {few}, .errors = {errors_not_float},   \
        __VA_ARGS__                                                                                \
    }
#define NUMBERED(id, list, ...)                                                                    \
    {                                                                                              \
        .name = #id, .build = id, .ref = ref_##id, .samples = {list}, __VA_ARGS__                  \
    }

const op_row ops_activation_formulas[] = {
    NUMBERED(hardtanh, hardtanhs, .errors = {errors_not_float, errors_hardtanh},
             .kinks = {kinks_hardtanh}),
    ACTIVATION(relu6, .kinks = {kinks_relu6}),
    ACTIVATION(hardsigmoid, .kinks = {kinks_hardsigmoid}),
    ACTIVATION(hardswish, .kinks = {kinks_hardswish}),
    ACTIVATION(selu, .kinks = {kinks_selu}),
    NUMBERED(celu, celus, .errors = {errors_celu}),
    ACTIVATION(mish, .kinks = {NULL}),
    {.name = "softsign",
     .unary = tg_softsign,
     .f1 = softsign,
     .is = OP_TO_FLOAT,
     .samples = {few, samples_unary_bool}},
    NUMBERED(softplus_with, softpluses, .errors = {errors_not_float}, .kinks = {kinks_softplus}),
    NUMBERED(glu, glus, .errors = {errors_not_float, errors_glu}),
    {0}};

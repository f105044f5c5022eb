/* Rows of activations but for relu, sigmoid and tanh. See op_table.h. */
#include "op_reference.h"

#include <math.h>

static tg_tensor *leaky_relu(const op_args *a)
{
    return tg_leaky_relu(a->in[0], a->s->s[0]);
}

static tg_tensor *elu(const op_args *a)
{
    return tg_elu(a->in[0], a->s->s[0]);
}

static void ref_leaky_relu(const op_sample *s, const array *in, array *out)
{
    ref_start(out, in->dtype, in->ndim, in->dims);
    for (int64_t k = 0; k < out->numel; k++)
        out->data[k] = in->data[k] > 0 ? in->data[k] : in->data[k] * s->s[0];
}

static void ref_elu(const op_sample *s, const array *in, array *out)
{
    ref_start(out, in->dtype, in->ndim, in->dims);
    for (int64_t k = 0; k < out->numel; k++)
        out->data[k] = in->data[k] > 0 ? in->data[k] : s->s[0] * expm1(in->data[k]);
}

/* A weight for each index of dim 1, of dim 0 where there is no other, or one for all. */
static void ref_prelu(const op_sample *s, const array *in, array *out)
{
    const array *x = &in[0], *weight = &in[1];
    (void)s;
    ref_start(out, x->dtype, x->ndim, x->dims);
    ref_rows r = ref_rows_of(x, x->ndim > 1 ? 1 : 0);
    for (int64_t k = 0; k < out->numel; k++) {
        int64_t channel = weight->numel == 1 ? 0 : k / r.inner % r.n;
        out->data[k] = x->data[k] > 0 ? x->data[k] : x->data[k] * weight->data[channel];
    }
}

static double gelu(double x)
{
    return x / 2 * erfc(-x / sqrt(2));
}

/* (1 + tanh(u)) / 2 is sigmoid(2 u). */
static double gelu_tanh(double x)
{
    const double pi = 3.14159265358979323846;
    return x / (1 + exp(-2 * sqrt(2 / pi) * (x + 0.044715 * x * x * x)));
}

static double silu(double x)
{
    return x / (1 + exp(-x));
}

static double softplus(double x)
{
    return x > 20 ? x : log1p(exp(x));
}

static double logsigmoid(double x)
{
    return x < 0 ? x - log1p(exp(x)) : -log1p(exp(-x));
}

/* Both sides of softplus' threshold, and of where exponentials over- and underflow. */
static const op_sample far_away[] = {
    {.in = "64:x"}, {.in = "37:h"}, {.in = "4x3:rh"}, {.in = "2x3x4:h"}, {0}};

static const op_sample slopes[] = {{.in = ".", .s = {0.01}},
                                   {.in = "37", .s = {0.01}},
                                   {.in = "3x5", .s = {0.2}},
                                   {.in = "2x3x4", .s = {0}},
                                   {.in = "3x5", .s = {-0.5}},
                                   {.in = "3x5", .s = {2}},
                                   {.in = "0", .s = {0.1}},
                                   {.in = "2x0x3", .s = {0.1}},
                                   {.in = "3x4:r", .s = {0.3}},
                                   {.in = "64:x", .s = {0.01}},
                                   {.in = "64:x", .s = {0}},
                                   {.in = "37:h", .s = {1}},
                                   {0}};

static const op_sample weights[] = {{.in = "37 1"},      {.in = "5 5"},       {.in = "3x5 5"},
                                    {.in = "3x5 1"},     {.in = "3x5 ."},     {.in = ". 1"},
                                    {.in = ". ."},       {.in = "2x3x4 3"},   {.in = "2x3x2x2 3"},
                                    {.in = "2x3x2x2 1"}, {.in = "2x1x4 1"},   {.in = "0x3 3"},
                                    {.in = "3x0 1"},     {.in = "3x0 0"},     {.in = "64:x 1"},
                                    {.in = "64:x 64:x"}, {.in = "3x4:r 4:r"}, {.in = "3x5:c 5"},
                                    {.in = "3x5 5:c"},   {.in = "5 ="},       {0}};
static const op_sample errors_prelu[] = {
    {.in = "3x5 4", .status = TG_ESHAPE, .message = "weight [4] for channels of [3, 5]"},
    {.in = "3x5 3", .status = TG_ESHAPE, .message = "weight [3]"},
    {.in = "3x5 1x5", .status = TG_ESHAPE, .message = "weight [1, 5]"},
    {.in = "3x5 1x1", .status = TG_ESHAPE, .message = "weight [1, 1]"},
    {.in = ". 2", .status = TG_ESHAPE, .message = "channels of []"},
    {.in = "3x5 5:o", .status = TG_EDTYPE, .message = "prelu: input 1 is float"},
    {.in = "3x5 5:i", .status = TG_EDTYPE, .message = "prelu: input 1 is int64"},
    {.in = "3x5:i 5", .status = TG_EDTYPE, .message = "prelu: input 0 is int64"},
    {.in = "3x5:b 5", .status = TG_EDTYPE, .message = "prelu: input 0 is bool"},
    {0}};

static const op_kink kinks_leaky_relu[] = {
    {.s = {.in = "3", .s = {0.25}}, .x = {{-1, 0, 1}}, .grad = {{0.25, 0.25, 1}}},
    {.s = {.in = "3", .s = {0}}, .x = {{-1, 0, 1}}, .grad = {{0, 0, 1}}},
    {.s = {.in = "3", .s = {-0.5}}, .x = {{-1, 0, 1}}, .grad = {{-0.5, -0.5, 1}}},
    {.s = {.in = "3", .s = {2}}, .x = {{-1, 0, 1}}, .grad = {{2, 2, 1}}},
    {.s = {0}}};
/* The second order takes the side that the first one takes, where PyTorch's takes the other. */
static const op_kink kinks_prelu[] = {{.s = {.in = "3 1"},
                                       .x = {{-1, 0, 1}, {0.25}},
                                       .grad = {{0.25, 0.25, 1}, {-1}},
                                       .second = {{1, 1, 0}, {2}}},
                                      {.s = {.in = "2x3 3"},
                                       .x = {{0, 0, 0, 1, 0, -1}, {0.25, -0.5, 2}},
                                       .grad = {{0.25, -0.5, 2, 1, -0.5, 2}, {0, 0, -1}},
                                       .second = {{1, 1, 1, 0, 1, 1}, {1, 2, 2}}},
                                      {.s = {0}}};
static const op_kink kinks_elu[] = {
    {.s = {.in = "1", .s = {1}}, .x = {{0}}, .grad = {{1}}, .second = {{1}}},
    {.s = {.in = "1", .s = {0.5}}, .x = {{0}}, .grad = {{0.5}}, .second = {{0.5}}},
    {.s = {.in = "1", .s = {2}}, .x = {{0}}, .grad = {{2}}, .second = {{2}}},
    {.s = {0}}};

#define ACTIVATION(id)                                                                             \
    {                                                                                              \
        .name = #id, .unary = tg_##id, .f1 = id, .samples = {samples_unary, far_away}, .errors = { \
            errors_not_float                                                                       \
        }                                                                                          \
    }

const op_row ops_activation[] = {{.name = "leaky_relu",
                                  .build = leaky_relu,
                                  .ref = ref_leaky_relu,
                                  .values = {"n"},
                                  .samples = {slopes},
                                  .errors = {errors_not_float},
                                  .kinks = {kinks_leaky_relu}},
                                 {.name = "prelu",
                                  .binary = tg_prelu,
                                  .ref = ref_prelu,
                                  .values = {"n"},
                                  .samples = {weights},
                                  .errors = {errors_prelu},
                                  .kinks = {kinks_prelu}},
                                 {.name = "elu",
                                  .build = elu,
                                  .ref = ref_elu,
                                  .values = {"n"},
                                  .samples = {slopes},
                                  .errors = {errors_not_float},
                                  .kinks = {kinks_elu}},
                                 ACTIVATION(gelu),
                                 ACTIVATION(gelu_tanh),
                                 ACTIVATION(silu),
                                 ACTIVATION(softplus),
                                 ACTIVATION(logsigmoid),
                                 {0}};

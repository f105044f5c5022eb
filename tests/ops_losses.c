/* Rows of elementwise losses. See op_table.h. */
#include "op_reference.h"

#include <math.h>

static tg_tensor *mse(const op_args *a)
{
    return tg_mse_loss(a->in[0], a->in[1], a->s->reduction);
}

static tg_tensor *l1(const op_args *a)
{
    return tg_l1_loss(a->in[0], a->in[1], a->s->reduction);
}

static tg_tensor *smooth_l1(const op_args *a)
{
    return tg_smooth_l1_loss(a->in[0], a->in[1], a->s->s[0], a->s->reduction);
}

static tg_tensor *huber(const op_args *a)
{
    return tg_huber_loss(a->in[0], a->in[1], a->s->s[0], a->s->reduction);
}

static tg_tensor *third(const op_args *a)
{
    return a->n > 2 ? a->in[2] : NULL;
}

static tg_tensor *bce(const op_args *a)
{
    return tg_bce_loss(a->in[0], a->in[1], third(a), a->s->reduction);
}

/* What the third input of bce_with_logits is: s[0]. */
enum { WEIGHT, POS_WEIGHT, BOTH };

static tg_tensor *bce_with_logits(const op_args *a)
{
    int is = (int)a->s->s[0];
    return tg_bce_with_logits_loss(a->in[0], a->in[1],
                                   &(tg_bce_opts){.weight = is == POS_WEIGHT ? NULL : third(a),
                                                  .pos_weight = is == WEIGHT ? NULL : third(a),
                                                  .reduction = a->s->reduction});
}

/* s[0]: the targets are logarithms; s[1]: the mean of batches. */
static tg_tensor *kl_div(const op_args *a)
{
    return tg_kl_div_loss(a->in[0], a->in[1],
                          &(tg_kl_opts){.log_target = a->s->s[0] != 0,
                                        .batch_mean = a->s->s[1] != 0,
                                        .reduction = a->s->reduction});
}

/* The loss of x and t, where w is the element of the third input, or 1. */
typedef double element(const op_sample *s, double x, double t, double w);

static double mse_of(const op_sample *s, double x, double t, double w)
{
    (void)s, (void)w;
    return (x - t) * (x - t);
}

static double l1_of(const op_sample *s, double x, double t, double w)
{
    (void)s, (void)w;
    return fabs(x - t);
}

static double smooth_l1_of(const op_sample *s, double x, double t, double w)
{
    double d = fabs(x - t), beta = s->s[0];
    (void)w;
    return d < beta ? d * d / (2 * beta) : d - beta / 2;
}

static double huber_of(const op_sample *s, double x, double t, double w)
{
    double d = fabs(x - t), delta = s->s[0];
    (void)w;
    return d <= delta ? d * d / 2 : delta * (d - delta / 2);
}

static double bce_of(const op_sample *s, double x, double t, double w)
{
    (void)s;
    return -w * (t * fmax(log(x), -100) + (1 - t) * fmax(log1p(-x), -100));
}

static double softplus(double x)
{
    return fmax(x, 0) + log1p(exp(-fabs(x)));
}

static double bce_with_logits_of(const op_sample *s, double x, double t, double w)
{
    double weight = s->s[0] == (double)POS_WEIGHT ? 1 : w,
           positive = s->s[0] == (double)WEIGHT ? 1 : w;
    return weight * ((1 - t) * softplus(x) + positive * t * softplus(-x));
}

static double kl_div_of(const op_sample *s, double x, double t, double w)
{
    (void)w;
    if (s->s[0] != 0)
        return exp(t) * (t - x);
    return t == 0 ? 0 : t * (log(t) - x);
}

static void reduced(const op_sample *s, const array *in, array *out, element *f)
{
    const array *x = &in[0], *t = &in[1], *w = &in[2];
    bool none = s->reduction == TG_NONE;
    ref_start(out, x->dtype, none ? x->ndim : 0, x->dims);
    for (int64_t k = 0; k < x->numel; k++)
        out->data[none ? k : 0] +=
            f(s, x->data[k], t->data[k], w->dtype >= 0 ? w->data[ref_place(w, x, k)] : 1);
    if (s->reduction == TG_MEAN)
        out->data[0] /= (double)x->numel;
}

#define REFERENCE(name)                                                                            \
    static void ref_##name(const op_sample *s, const array *in, array *out)                        \
    {                                                                                              \
        reduced(s, in, out, name##_of);                                                            \
    }

REFERENCE(mse)
REFERENCE(l1)
REFERENCE(smooth_l1)
REFERENCE(huber)
REFERENCE(bce)
REFERENCE(bce_with_logits)

static void ref_kl_div(const op_sample *s, const array *in, array *out)
{
    reduced(s, in, out, kl_div_of);
    if (s->s[1] != 0 && in[0].ndim)
        out->data[0] /= (double)in[0].dims[0];
}

/* With whatever number s[0] is to be. */
#define PAIRS(number)                                                                              \
    {.in = "37 37", .s = {number}}, {.in = "37 37", .reduction = TG_SUM, .s = {number}},           \
        {.in = "37 37", .reduction = TG_NONE, .s = {number}}, {.in = ". .", .s = {number}},        \
        {.in = ". .", .reduction = TG_NONE, .s = {number}}, {.in = "2x3x4 2x3x4", .s = {number}},  \
        {.in = "2x3x4 2x3x4", .reduction = TG_SUM, .s = {number}},                                 \
        {.in = "2x3x4 2x3x4", .reduction = TG_NONE, .s = {number}},                                \
        {.in = "3x5 3x5:c", .s = {number}},                                                        \
        {.in = "3x5:c 3x5", .reduction = TG_SUM, .s = {number}},                                   \
        {.in = "3x4:r 3x4:r", .reduction = TG_NONE, .s = {number}},                                \
        {.in = "0x3 0x3", .s = {number}}, {.in = "0x3 0x3", .reduction = TG_SUM, .s = {number}},   \
        {.in = "0x3 0x3", .reduction = TG_NONE, .s = {number}},                                    \
    {                                                                                              \
        .in = "3x5 =", .s = { number }                                                             \
    }
#define EXTREMES(number)                                                                           \
    {.in = "64:x 64", .reduction = TG_NONE, .s = {number}},                                        \
    {                                                                                              \
        .in = "64:x 64:x", .reduction = TG_NONE, .s = { number }                                   \
    }

static const op_sample distances[] = {PAIRS(0), EXTREMES(0), {0}};
static const op_sample distances_1[] = {PAIRS(1), EXTREMES(1), {0}};
static const op_sample distances_more[] = {PAIRS(0.3), PAIRS(2.5), {0}};
/* PyTorch's L1 loss. */
static const op_sample distances_0[] = {{.in = "37 37"},
                                        {.in = "37 37", .reduction = TG_SUM},
                                        {.in = "3x5 3x5", .reduction = TG_NONE},
                                        {0}};

/* Probabilities: both letters are rows' defaults. */
static const op_sample pairs[] = {PAIRS(0), {0}};
static const op_sample weighted[] = {{.in = "37 37 37:p"},
                                     {.in = "37 37 37:p", .reduction = TG_SUM},
                                     {.in = "37 37 37:p", .reduction = TG_NONE},
                                     {.in = "3x5 3x5 5:p"},
                                     {.in = "3x5 3x5 3x1:p", .reduction = TG_SUM},
                                     {.in = "3x5 3x5 .:p", .reduction = TG_NONE},
                                     {.in = "2x3x4 2x3x4 3x1:pc"},
                                     {.in = "2x3x4:c 2x3x4:c 4:p", .reduction = TG_SUM},
                                     {.in = ". . .:p"},
                                     {.in = "0x3 0x3 3:p"},
                                     {.in = "3x4:r 3x4:r 4:pr", .reduction = TG_NONE},
                                     {0}};
static const op_sample positive[] = {
    {.in = "37 37 37:p", .s = {POS_WEIGHT}},
    {.in = "37 37 37:p", .s = {POS_WEIGHT}, .reduction = TG_SUM},
    {.in = "3x5 3x5 5:p", .s = {POS_WEIGHT}, .reduction = TG_NONE},
    {.in = "3x5 3x5 3x1:p", .s = {POS_WEIGHT}},
    {.in = "3x5 3x5 .:p", .s = {POS_WEIGHT}, .reduction = TG_SUM},
    {.in = "2x3x4 2x3x4 4:pc", .s = {POS_WEIGHT}, .reduction = TG_NONE},
    {.in = "2x3x4:c 2x3x4:c 3x1:p", .s = {POS_WEIGHT}},
    {.in = "0x3 0x3 3:p", .s = {POS_WEIGHT}, .reduction = TG_SUM},
    {.in = "3x5 3x5 5:p", .s = {BOTH}},
    {.in = "3x5 3x5 5:p", .s = {BOTH}, .reduction = TG_SUM},
    {.in = "2x3x4 2x3x4 3x1:p", .s = {BOTH}, .reduction = TG_NONE},
    {.in = "37:h 37", .reduction = TG_NONE},
    {.in = "37:h 37 1:p", .s = {POS_WEIGHT}, .reduction = TG_NONE},
    {.in = "64:x 64", .reduction = TG_NONE},
    {0}};

static const op_sample divergences[] = {{.in = "64 64:x", .reduction = TG_NONE},
                                        {.in = "3x5 3x5:p", .s = {0, 1}, .reduction = TG_SUM},
                                        {.in = ". .:p", .s = {0, 1}, .reduction = TG_SUM},
                                        {.in = "2x3x4 2x3x4:p", .s = {0, 1}, .reduction = TG_SUM},
                                        {.in = "3x5 3x5", .s = {1, 1}, .reduction = TG_SUM},
                                        {.in = "0x3 0x3", .s = {0, 1}, .reduction = TG_SUM},
                                        {0}};

#define LOSS_ERRORS(number)                                                                        \
    {.in = "3x5 5", .s = {number}, .status = TG_ESHAPE, .message = "target [5] for input [3, 5]"}, \
        {.in = "3 3x1", .s = {number}, .status = TG_ESHAPE, .message = "target [3, 1]"},           \
        {.in = ". 1", .s = {number}, .status = TG_ESHAPE, .message = "target [1]"},                \
        {.in = "3 3:o", .s = {number}, .status = TG_EDTYPE, .message = "input 1 is float"},        \
        {.in = "3 3:i", .s = {number}, .status = TG_EDTYPE, .message = "input 1 is int64"},        \
        {.in = "3:i 3", .s = {number}, .status = TG_EDTYPE, .message = "input 0 is int64"},        \
        {.in = "3:b 3:b", .s = {number}, .status = TG_EDTYPE, .message = "input 0 is bool"},       \
        {.in = "3 3",                                                                              \
         .s = {number},                                                                            \
         .reduction = (tg_reduction)3,                                                             \
         .status = TG_EVALUE,                                                                      \
         .message = "no reduction 3"},                                                             \
    {                                                                                              \
        .in = "3 3", .s = {number}, .reduction = (tg_reduction)-1, .status = TG_EVALUE,            \
        .message = "no reduction -1"                                                               \
    }

static const op_sample errors_loss[] = {LOSS_ERRORS(0), {0}};
static const op_sample errors_loss_1[] = {LOSS_ERRORS(1), {0}};
static const op_sample errors_beta[] = {
    {.in = "3 3", .s = {-1}, .status = TG_EVALUE, .message = "beta -1 is not >= 0"},
    {.in = "3 3", .s = {(double)NAN}, .status = TG_EVALUE, .message = "is not >= 0"},
    {0}};
static const op_sample errors_delta[] = {
    {.in = "3 3", .s = {0}, .status = TG_EVALUE, .message = "delta 0 is not > 0"},
    {.in = "3 3", .s = {-2}, .status = TG_EVALUE, .message = "delta -2 is not > 0"},
    {.in = "3 3", .s = {(double)NAN}, .status = TG_EVALUE, .message = "is not > 0"},
    {0}};
static const op_sample errors_weight[] = {
    {.in = "3x5 3x5 3:p", .status = TG_ESHAPE, .message = "weight [3] does not broadcast to"},
    {.in = "5 5 3x5:p", .status = TG_ESHAPE, .message = "weight [3, 5]"},
    {.in = "3 3 3:po", .status = TG_EDTYPE, .message = " is float"},
    {.in = "3 3 3:i", .status = TG_EDTYPE, .message = " is int64"},
    {0}};
static const op_sample errors_pos_weight[] = {
    {.in = "3x5 3x5 3:p", .s = {POS_WEIGHT}, .status = TG_ESHAPE, .message = "weight [3]"},
    {.in = "5 5 3x5:p", .s = {POS_WEIGHT}, .status = TG_ESHAPE, .message = "weight [3, 5]"},
    {.in = "3 3 3:po", .s = {POS_WEIGHT}, .status = TG_EDTYPE, .message = "input 2 is float"},
    {.in = "3 3 3:b", .s = {POS_WEIGHT}, .status = TG_EDTYPE, .message = "input 2 is bool"},
    {0}};
static const op_sample errors_probability[] = {
    {.in = "37:h 37", .status = TG_EVALUE, .message = "outside [0, 1]"},
    {.in = "64:x 64", .reduction = TG_NONE, .status = TG_EVALUE, .message = "outside [0, 1]"},
    {0}};
static const op_sample errors_batch_mean[] = {
    {.in = "3 3", .s = {0, 1}, .status = TG_EVALUE, .message = "batch_mean"},
    {.in = "3 3", .s = {1, 1}, .reduction = TG_NONE, .status = TG_EVALUE, .message = "batch_mean"},
    {0}};

static const op_kink kinks_l1[] = {{.s = {.in = "3 3", .reduction = TG_SUM},
                                    .x = {{1, 2, 0}, {1, 1, 1}},
                                    .grad = {{0, 1, -1}, {0, -1, 1}}},
                                   {.s = {0}}};
/* Of the second order the inner side, where PyTorch takes the outer one. */
static const op_kink kinks_smooth_l1[] = {{.s = {.in = "3 3", .reduction = TG_SUM},
                                           .x = {{1, 2, 0}, {1, 1, 1}},
                                           .grad = {{0, 1, -1}, {0, -1, 1}}},
                                          {.s = {.in = "4 4", .reduction = TG_SUM, .s = {1}},
                                           .x = {{1, 2, 3, -1}, {1, 1, 1, 0}},
                                           .grad = {{0, 1, 1, -1}, {0, -1, -1, 1}}},
                                          {.s = {.in = "3 3:c", .reduction = TG_SUM, .s = {0.5}},
                                           .x = {{0.5, -0.5, 0}, {0, 0, 0}},
                                           .grad = {{1, -1, 0}},
                                           .second = {{2, 2, 2}}},
                                          {.s = {0}}};
static const op_kink kinks_huber[] = {{.s = {.in = "4 4", .reduction = TG_SUM, .s = {1}},
                                       .x = {{1, 2, 3, -1}, {1, 1, 1, 0}},
                                       .grad = {{0, 1, 1, -1}, {0, -1, -1, 1}}},
                                      {.s = {.in = "3 3:c", .reduction = TG_SUM, .s = {0.5}},
                                       .x = {{0.5, -0.5, 0}, {0, 0, 0}},
                                       .grad = {{0.5, -0.5, 0}},
                                       .second = {{1, 1, 1}}},
                                      {.s = {0}}};
/* The logarithms end at -100, and what divides at 1e-12. */
static const op_kink kinks_bce[] = {{.s = {.in = "5 5:c", .reduction = TG_SUM},
                                     .x = {{0, 0, 0, 1, 1}, {0, 1, 0.5, 0, 1}},
                                     .grad = {{0, -1e12, -5e11, 1e12, 0}},
                                     .second = {{1, 1e24, 5e23, 1e24, 1}}},
                                    {.s = {0}}};
/* To a target of 0 the limit, for which PyTorch has nan. */
static const op_kink kinks_kl_div[] = {
    {.s = {.in = "2 2:c", .reduction = TG_SUM}, .x = {{0.5, -1}, {0, 0}}},
    {.s = {.in = "2:c 2", .reduction = TG_SUM},
     .x = {{0.5, -1}, {0, 0}},
     .grad = {{0}, {-(double)INFINITY, -(double)INFINITY}},
     .second = {{0}, {(double)INFINITY, (double)INFINITY}}},
    {.s = {0}}};

const op_row ops_losses[] = {{.name = "mse_loss",
                              .build = mse,
                              .ref = ref_mse,
                              .samples = {distances},
                              .errors = {errors_loss}},
                             {.name = "l1_loss",
                              .build = l1,
                              .ref = ref_l1,
                              .samples = {distances},
                              .errors = {errors_loss},
                              .kinks = {kinks_l1}},
                             {.name = "smooth_l1_loss",
                              .build = smooth_l1,
                              .ref = ref_smooth_l1,
                              .samples = {distances_1, distances_more, distances_0},
                              .errors = {errors_loss_1, errors_beta},
                              .kinks = {kinks_smooth_l1}},
                             {.name = "huber_loss",
                              .build = huber,
                              .ref = ref_huber,
                              .samples = {distances_1, distances_more},
                              .errors = {errors_loss_1, errors_delta},
                              .kinks = {kinks_huber}},
                             {.name = "bce_loss",
                              .build = bce,
                              .ref = ref_bce,
                              .is = OP_OPTIONAL_IN,
                              .values = {"u", "u"},
                              .samples = {pairs, weighted},
                              .errors = {errors_loss, errors_weight, errors_probability},
                              .kinks = {kinks_bce}},
                             {.name = "bce_with_logits_loss",
                              .build = bce_with_logits,
                              .ref = ref_bce_with_logits,
                              .is = OP_OPTIONAL_IN,
                              .values = {"", "u"},
                              .samples = {pairs, weighted, positive},
                              .errors = {errors_loss, errors_weight, errors_pos_weight}},
                             {.name = "kl_div_loss",
                              .build = kl_div,
                              .ref = ref_kl_div,
                              .values = {"", "p"},
                              .samples = {pairs, distances_1, divergences},
                              .errors = {errors_loss, errors_batch_mean},
                              .kinks = {kinks_kl_div}},
                             {0}};

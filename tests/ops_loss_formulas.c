/* Rows of losses composed of other operations. See op_table.h. */
#include "op_reference.h"

#include <math.h>

static double option(double value, double standard)
{
    return value == TG_ZERO ? 0 : value == 0 ? standard : value;
}

/* --- calls: numbers are in s, flags in dim --- */

static tg_tensor *hinge(const op_args *a)
{
    return tg_hinge_embedding_loss(a->in[0], a->in[1], a->s->s[0], a->s->reduction);
}

static tg_tensor *ranking(const op_args *a)
{
    return tg_margin_ranking_loss(a->in[0], a->in[1], a->in[2], a->s->s[0], a->s->reduction);
}

static tg_tensor *soft(const op_args *a)
{
    return tg_soft_margin_loss(a->in[0], a->in[1], a->s->reduction);
}

static tg_tensor *cosine(const op_args *a)
{
    return tg_cosine_embedding_loss(a->in[0], a->in[1], a->in[2], a->s->s[0], a->s->reduction);
}

static tg_tensor *multi(const op_args *a)
{
    return tg_multi_margin_loss(a->in[0], a->in[1],
                                &(tg_multi_margin_opts){.p = a->s->dim[0],
                                                        .margin = a->s->s[0],
                                                        .weight = a->n > 2 ? a->in[2] : NULL,
                                                        .reduction = a->s->reduction});
}

static tg_tensor *triplet(const op_args *a)
{
    return tg_triplet_margin_loss(a->in[0], a->in[1], a->in[2],
                                  &(tg_triplet_opts){.margin = a->s->s[0],
                                                     .p = a->s->s[1],
                                                     .swap = a->s->dim[0],
                                                     .reduction = a->s->reduction});
}

static tg_tensor *poisson(const op_args *a)
{
    return tg_poisson_nll_loss(a->in[0], a->in[1],
                               &(tg_poisson_opts){.no_log_input = a->s->dim[0],
                                                  .full = a->s->dim[1],
                                                  .reduction = a->s->reduction});
}

static tg_tensor *gaussian(const op_args *a)
{
    return tg_gaussian_nll_loss(
        a->in[0], a->in[1], a->in[2],
        &(tg_gaussian_opts){.full = a->s->dim[1], .eps = a->s->s[0], .reduction = a->s->reduction});
}

/* --- references --- */

/* From the elements, n of them, of a loss of that shape. */
static void reduced(const op_sample *s, const array *in, int ndim, const double *y, array *out)
{
    ref_start(out, in->dtype, s->reduction == TG_NONE ? ndim : 0, in->dims);
    int64_t n = 1;
    for (int i = 0; i < ndim; i++)
        n *= in->dims[i];
    for (int64_t k = 0; k < n; k++)
        out->data[s->reduction == TG_NONE ? k : 0] +=
            y[k] / (s->reduction == TG_MEAN ? (double)n : 1);
    if (n == 0 && s->reduction == TG_MEAN)
        out->data[0] = (double)NAN;
}

/* A loss of element k. */
typedef double element(const op_sample *s, const array *in, int64_t k);

static double hinge_of(const op_sample *s, const array *in, int64_t k)
{
    double x = in[0].data[k], t = in[1].data[k];
    return (t != 1 ? fmax(0, s->s[0] - x) : 0) + (t != -1 ? x : 0);
}

static double ranking_of(const op_sample *s, const array *in, int64_t k)
{
    return fmax(0, s->s[0] - in[2].data[k] * (in[0].data[k] - in[1].data[k]));
}

static double soft_of(const op_sample *s, const array *in, int64_t k)
{
    (void)s;
    return log1p(exp(-in[0].data[k] * in[1].data[k]));
}

static double poisson_of(const op_sample *s, const array *in, int64_t k)
{
    double x = in[0].data[k], t = in[1].data[k];
    double full = t > 1 ? t * log(t) - t + 0.5 * log(2 * 3.14159265358979323846 * t) : 0;
    return (s->dim[0] ? x - t * log(x + 1e-8) : exp(x) - t * x) + (s->dim[1] ? full : 0);
}

static double gaussian_of(const op_sample *s, const array *in, int64_t k)
{
    array var = in[2];
    if (var.ndim < in->ndim)
        var.dims[var.ndim++] = 1;
    double v = fmax(var.data[ref_place(&var, in, k)], option(s->s[0], 1e-6));
    double d = in[0].data[k] - in[1].data[k];
    return 0.5 * (log(v) + d * d / v) + (s->dim[1] ? 0.9189385332046727 : 0);
}

static double cosine_of(const op_sample *s, const array *in, int64_t k)
{
    double aa = 1e-12, bb = 1e-12, ab = 0, t = in[2].data[k];
    int64_t n = in->dims[in->ndim - 1];
    for (int64_t i = k * n; i < (k + 1) * n; i++) {
        aa += in[0].data[i] * in[0].data[i];
        bb += in[1].data[i] * in[1].data[i];
        ab += in[0].data[i] * in[1].data[i];
    }
    double c = ab / sqrt(aa * bb);
    return t == 1 ? 1 - c : t == -1 ? fmax(0, c - s->s[0]) : 0;
}

static double multi_of(const op_sample *s, const array *in, int64_t k)
{
    int64_t n = in->dims[in->ndim - 1], t = (int64_t)in[1].data[k];
    double sum = 0, weight = in[2].dtype >= 0 ? in[2].data[t] : 1;
    for (int64_t i = 0; i < n; i++) {
        double z = fmax(0, option(s->s[0], 1) - in->data[k * n + t] + in->data[k * n + i]);
        sum += i == t ? 0 : s->dim[0] == 2 ? z * z : z;
    }
    return weight * sum / (double)n;
}

static double distance(const array *a, const array *b, int64_t k, double p)
{
    int64_t n = a->dims[a->ndim - 1];
    double sum = 0;
    for (int64_t i = k * n; i < (k + 1) * n; i++)
        sum += pow(fabs(a->data[i] - b->data[i] + 1e-6), p);
    return pow(sum, 1 / p);
}

static double triplet_of(const op_sample *s, const array *in, int64_t k)
{
    double p = option(s->s[1], 2), far = distance(&in[0], &in[2], k, p);
    if (s->dim[0])
        far = fmin(far, distance(&in[1], &in[2], k, p));
    return fmax(0, distance(&in[0], &in[1], k, p) - far + option(s->s[0], 1));
}

static void elements(const op_sample *s, const array *in, array *out, element *f, int fewer)
{
    static double y[SNAPSHOT_NUMEL];
    int64_t n = 1;
    for (int i = 0; i < in->ndim - fewer; i++)
        n *= in->dims[i];
    for (int64_t k = 0; k < n; k++)
        y[k] = f(s, in, k);
    reduced(s, in, in->ndim - fewer, y, out);
}

#define REFERENCE(name, fewer)                                                                     \
    static void ref_##name(const op_sample *s, const array *in, array *out)                        \
    {                                                                                              \
        elements(s, in, out, name##_of, fewer);                                                    \
    }

REFERENCE(hinge, 0)
REFERENCE(ranking, 0)
REFERENCE(soft, 0)
REFERENCE(poisson, 0)
REFERENCE(gaussian, 0)
REFERENCE(cosine, 1)
REFERENCE(multi, 1)
REFERENCE(triplet, 1)

/* --- samples --- */

static const op_sample pairs[] = {{.in = "3x5 3x5"},
                                  {.in = "4x3:r 4x3", .reduction = TG_SUM},
                                  {.in = "7 7:c", .reduction = TG_NONE},
                                  {.in = "0 0"},
                                  {.in = ". ."},
                                  {0}};
static const op_sample pairs_errors[] = {
    {.in = "3x5 5", .status = TG_ESHAPE, .message = "[5] for input [3, 5]"},
    {.in = "3:i 3:i", .status = TG_EDTYPE, .message = "input 0 is int64"},
    {.in = "3 3", .reduction = (tg_reduction)7, .status = TG_EVALUE, .message = "no reduction 7"},
    {0}};
static const op_sample same_dtype[] = {
    {.in = "3 3:o", .status = TG_EDTYPE, .message = "input 1 is float"}, {0}};
static const op_sample hinges[] = {{.in = "3x5 3x5:i", .s = {1}},
                                   {.in = "4x3:r 4x3:b", .s = {2}, .reduction = TG_SUM},
                                   {.in = "7 7:i", .s = {0.5}, .reduction = TG_NONE},
                                   {0}};
static const op_sample rankings[] = {{.in = "7 7 7:i"},
                                     {.in = "4x3:r 4x3 4x3", .s = {0.5}, .reduction = TG_SUM},
                                     {.in = "5 5 5:b", .s = {-0.5}, .reduction = TG_NONE},
                                     {0}};
static const op_sample rankings_errors[] = {
    {.in = "3 3 4:i", .status = TG_ESHAPE, .message = "[4] for input [3]"},
    {.in = "3 4 3:i", .status = TG_ESHAPE, .message = "[4] for input [3]"},
    {.in = "3 3:o 3:i", .status = TG_EDTYPE, .message = "input 1"},
    {0}};
static const op_sample cosines[] = {{.in = "6x4 6x4 6:i", .s = {-0.5}},
                                    {.in = "4x3:r 4x3 4:b", .reduction = TG_SUM},
                                    {.in = "5x2 5x2 5:i", .reduction = TG_NONE},
                                    {.in = "3 3 .:b"},
                                    {0}};
static const op_sample cosines_errors[] = {
    {.in = "3x2 3x2 2:i", .status = TG_ESHAPE, .message = "[2] for input [3, 2]"},
    {.in = ". . .:i", .status = TG_ESHAPE, .message = "the input is [], wanted a dim"},
    {0}};
static const op_sample multis[] = {
    {.in = "4x3 4"},
    {.in = "4x3:r 4 3:c", .dim = {2}, .s = {0.5}, .reduction = TG_SUM},
    {.in = "2x5 2 5:p", .dim = {1}, .reduction = TG_NONE},
    {.in = "4 .", .reduction = TG_NONE},
    {0}};
static const op_sample multis_errors[] = {
    {.in = "3x2 3:K", .status = TG_EVALUE, .message = "index 2"},
    {.in = "3x2 2", .status = TG_ESHAPE, .message = "[2] for input [3, 2]"},
    {.in = "3x2x2 3", .status = TG_ESHAPE, .message = "wanted [C] or [N, C]"},
    {.in = "3x0 3", .status = TG_ESHAPE, .message = "no classes"},
    {.in = "3x2 3 3", .status = TG_ESHAPE, .message = "weight [3], wanted [2]"},
    {.in = "3x2 3", .dim = {3}, .status = TG_EVALUE, .message = "p 3 is neither 1 nor 2"},
    {.in = "3x2:i 3", .status = TG_EDTYPE, .message = "int64"},
    {0}};
static const op_sample triplets[] = {
    {.in = "4x3 4x3 4x3"},
    {.in = "4x3:r 4x3 4x3", .s = {3, 1}, .dim = {1}, .reduction = TG_SUM},
    {.in = "2x2x3 2x2x3 2x2x3", .s = {2, 3}, .reduction = TG_NONE},
    {.in = "5 5 5", .s = {4}},
    {0}};
static const op_sample triplets_errors[] = {
    {.in = "3x2 3x2 2", .status = TG_ESHAPE, .message = "[2] for input [3, 2]"},
    {.in = "3 3 3", .s = {-1}, .status = TG_EVALUE, .message = "margin -1 is not > 0"},
    {.in = "3 3 3:o", .status = TG_EDTYPE, .message = "input 2"},
    {0}};
static const op_sample poissons[] = {{.in = "7:p 7:p", .dim = {1}},
                                     {.in = "4x3:rp 4x3:p", .dim = {1, 1}, .reduction = TG_SUM},
                                     {.in = "7 7:p", .dim = {0, 1}, .reduction = TG_NONE},
                                     {0}};
static const op_sample gaussians[] = {{.in = "4x3 4x3 4x3:p"},
                                      {.in = "4x3:r 4x3 4:p", .dim = {0, 1}, .reduction = TG_SUM},
                                      {.in = "2x3x2 2x3x2 2x1x2:p", .reduction = TG_NONE},
                                      {.in = "3 3 3:pc", .s = {1.5}},
                                      {0}};
static const op_sample gaussians_errors[] = {
    {.in = "3x4 3x4 4:p", .status = TG_ESHAPE, .message = "variance [4] for input [3, 4]"},
    {.in = "3x4 3x4 1x1:p", .status = TG_ESHAPE, .message = "variance [1, 1]"},
    {.in = "3x4 3 3x4:p", .status = TG_ESHAPE, .message = "[3] for input [3, 4]"},
    {.in = "3 3 3:po", .status = TG_EDTYPE, .message = "input 2"},
    {.in = "37 37 37", .status = TG_EVALUE, .message = "is negative"},
    {0}};

static const op_kink kinks_hinge[] = {
    {.s = {.in = "2 2:i", .s = {1}, .reduction = TG_SUM},
     .x = {{1, 2}, {-1, -1}},
     .grad = {{-1, 0}}},
    {.s = {.in = "2 2:b", .s = {2}, .reduction = TG_SUM}, .x = {{2, 3}, {0, 0}}, .grad = {{0, 1}}},
    {.s = {.in = "2 2:i", .s = {0.5}, .reduction = TG_SUM},
     .x = {{0.5, 1}, {0, 0}},
     .grad = {{0, 1}}},
    {.s = {0}}};
static const op_kink kinks_ranking[] = {{.s = {.in = "2 2 2:i", .reduction = TG_SUM},
                                         .x = {{1, 2}, {1, 1}, {1, 1}},
                                         .grad = {{-1, 0}, {1, 0}}},
                                        {.s = {.in = "2 2 2:b", .s = {-0.5}, .reduction = TG_SUM},
                                         .x = {{0.5, 2}, {1, 1}, {1, 1}},
                                         .grad = {{-1, 0}, {1, 0}}},
                                        {.s = {.in = "2 2 2:b", .s = {0.5}, .reduction = TG_SUM},
                                         .x = {{1.5, 2}, {1, 1}, {1, 1}},
                                         .grad = {{-1, 0}, {1, 0}}},
                                        {.s = {0}}};
#define NOT_LOOKED_AT (double)NAN
/* A rate of 0 is 1e-8, a target of 1 has no Stirling's term. */
static const op_kink kinks_poisson[] = {
    {.s = {.in = "1 1:c", .dim = {1}}, .x = {{0}, {1}}, .grad = {{1 - 1e8}}, .second = {{1e16}}},
    {.s = {.in = "1 1", .dim = {0, 1}},
     .x = {{0.5}, {1}},
     .grad = {{0.6487212707001282}, {-0.5}},
     .second = {{NOT_LOOKED_AT}, {NOT_LOOKED_AT}}},
    {.s = {0}}};
/* A variance less than eps has the gradient of eps. */
static const op_kink kinks_gaussian[] = {{.s = {.in = "1 1:c 1"},
                                          .x = {{1}, {0}, {0}},
                                          .grad = {{1e6}, {0}, {-4.999995e11}},
                                          .second = {{NOT_LOOKED_AT}, {0}, {NOT_LOOKED_AT}}},
                                         {.s = {.in = "2 2:c 2:c", .s = {1.5}, .reduction = TG_SUM},
                                          .x = {{3, 3}, {0, 0}, {1.5, 1}},
                                          .grad = {{2, 2}},
                                          .second = {{1 / 1.5, 1 / 1.5}}},
                                         {.s = {0}}};
static const op_kink kinks_multi[] = {
    {.s = {.in = "1x2 1", .reduction = TG_SUM}, .x = {{1, 2}, {1}}, .grad = {{0, 0}}}, {.s = {0}}};

const op_row ops_loss_formulas[] = {{.name = "hinge_embedding_loss",
                                     .build = hinge,
                                     .ref = ref_hinge,
                                     .samples = {hinges},
                                     .errors = {pairs_errors},
                                     .kinks = {kinks_hinge}},
                                    {.name = "margin_ranking_loss",
                                     .build = ranking,
                                     .ref = ref_ranking,
                                     .samples = {rankings},
                                     .errors = {rankings_errors},
                                     .kinks = {kinks_ranking}},
                                    {.name = "soft_margin_loss",
                                     .build = soft,
                                     .ref = ref_soft,
                                     .samples = {pairs},
                                     .errors = {pairs_errors, same_dtype}},
                                    {.name = "cosine_embedding_loss",
                                     .build = cosine,
                                     .ref = ref_cosine,
                                     .samples = {cosines},
                                     .errors = {cosines_errors}},
                                    {.name = "multi_margin_loss",
                                     .is = OP_OPTIONAL_IN,
                                     .build = multi,
                                     .ref = ref_multi,
                                     .values = {"", "k"},
                                     .samples = {multis},
                                     .errors = {multis_errors},
                                     .kinks = {kinks_multi}},
                                    {.name = "triplet_margin_loss",
                                     .build = triplet,
                                     .ref = ref_triplet,
                                     .samples = {triplets},
                                     .errors = {triplets_errors}},
                                    {.name = "poisson_nll_loss",
                                     .build = poisson,
                                     .ref = ref_poisson,
                                     .samples = {poissons, pairs},
                                     .errors = {pairs_errors, same_dtype},
                                     .kinks = {kinks_poisson}},
                                    {.name = "gaussian_nll_loss",
                                     .build = gaussian,
                                     .ref = ref_gaussian,
                                     .samples = {gaussians},
                                     .errors = {gaussians_errors},
                                     .kinks = {kinks_gaussian}},
                                    {0}};

/* Rows of norms composed of other operations. See op_table.h. */
#include "op_reference.h"

#include <math.h>
#include <string.h>

#include <tinygrad/op.h>

/* Weights may be NULL in a call, but where a sample has some they are to be there. */
static bool given(const op_args *a, const char *name)
{
    const char *none = strstr(a->s->in, " ~");
    bool missing = a->n > 1 && !a->in[1] && !(none && (none[2] || a->n == 2));
    if (missing && a->in[0])
        tg_fail(a->tape, TG_EVALUE, "%s: input 1 is NULL", name);
    return !missing;
}

static tg_tensor *group_norm(const op_args *a)
{
    return given(a, "group_norm")
               ? tg_group_norm(a->in[0], a->s->dim[0], a->in[1], a->in[2], a->s->s[0])
               : NULL;
}

static tg_tensor *instance_norm(const op_args *a)
{
    return given(a, "instance_norm") ? tg_instance_norm(a->in[0], a->in[1], a->in[2], a->s->s[0])
                                     : NULL;
}

static tg_tensor *rms_norm(const op_args *a)
{
    int64_t dims[OP_MAX_DIMS];
    int n = op_shape(a->s, dims);
    return given(a, "rms_norm") ? tg_rms_norm(a->in[0], n, dims, a->in[1], a->s->s[0]) : NULL;
}

static tg_tensor *normalize(const op_args *a)
{
    return tg_normalize(a->in[0], a->s->s[0], a->s->dim[0], a->s->s[1]);
}

static tg_tensor *cosine_similarity(const op_args *a)
{
    return tg_cosine_similarity(a->in[0], a->in[1], a->s->dim[0], a->s->s[0]);
}

static tg_tensor *pairwise_distance(const op_args *a)
{
    return tg_pairwise_distance(a->in[0], a->in[1], a->s->s[0], a->s->s[1], a->s->keepdim);
}

static tg_tensor *cdist(const op_args *a)
{
    return tg_cdist(a->in[0], a->in[1], a->s->s[0]);
}

static double option(double value, double standard)
{
    return value == TG_ZERO ? 0 : value == 0 ? standard : value;
}

/* The rows of `size` elements of x; channels are dim 1. */
static void normalise(const array *in, int64_t size, double eps, array *out)
{
    const array *x = &in[0];
    ref_start(out, x->dtype, x->ndim, x->dims);
    int64_t inner = 1;
    for (int i = 2; i < x->ndim; i++)
        inner *= x->dims[i];
    for (int64_t k = 0; k < x->numel; k++) {
        double mean = 0, square = 0;
        const double *row = x->data + k / size * size;
        for (int64_t i = 0; i < size; i++)
            mean += row[i] / (double)size;
        for (int64_t i = 0; i < size; i++)
            square += (row[i] - mean) * (row[i] - mean) / (double)size;
        int64_t channel = k / inner % x->dims[1];
        double y = (x->data[k] - mean) / sqrt(square + option(eps, 1e-5));
        out->data[k] = y * (in[1].dtype >= 0 ? in[1].data[channel] : 1) +
                       (in[2].dtype >= 0 ? in[2].data[channel] : 0);
    }
}

static void ref_group_norm(const op_sample *s, const array *in, array *out)
{
    int64_t rows = in->dims[0] * s->dim[0];
    normalise(in, rows ? in->numel / rows : 1, s->s[0], out);
}

static void ref_instance_norm(const op_sample *s, const array *in, array *out)
{
    int64_t rows = in->dims[0] * in->dims[1];
    normalise(in, rows ? in->numel / rows : 1, s->s[0], out);
}

static void ref_rms_norm(const op_sample *s, const array *in, array *out)
{
    int64_t dims[OP_MAX_DIMS], size = 1;
    for (int i = op_shape(s, dims) - 1; i >= 0; i--)
        size *= dims[i];
    ref_start(out, in->dtype, in->ndim, in->dims);
    for (int64_t k = 0; k < in->numel; k++) {
        double square = 0;
        for (int64_t i = 0; i < size; i++)
            square += pow(in->data[k / size * size + i], 2) / (double)size;
        double eps = option(s->s[0], in->dtype == TG_F32 ? 0x1p-23 : 0x1p-52);
        out->data[k] =
            in->data[k] / sqrt(square + eps) * (in[1].dtype >= 0 ? in[1].data[k % size] : 1);
    }
}

/* Of the row along dim that element k is in. */
static double length(const array *x, int dim, int64_t k, double p)
{
    ref_rows r = ref_rows_of(x, dim);
    double sum = 0;
    for (int64_t i = 0; i < r.n; i++) {
        double a = fabs(x->data[k / r.inner / r.n * r.n * r.inner + i * r.inner + k % r.inner]);
        sum = isinf(p) ? fmax(sum, a) : sum + pow(a, p);
    }
    return isinf(p) ? sum : pow(sum, 1 / p);
}

static void ref_normalize(const op_sample *s, const array *in, array *out)
{
    ref_start(out, in->dtype, in->ndim, in->dims);
    for (int64_t k = 0; k < in->numel; k++)
        out->data[k] = in->data[k] /
                       fmax(length(in, ref_dim(in, s->dim[0]), k, s->s[0]), option(s->s[1], 1e-12));
}

/* Both, broadcast; the result of their rows along dim is started. */
static int pair(const array *in, int dim, array *both, array *out, bool keepdim)
{
    int64_t dims[OP_MAX_DIMS];
    int ndim = in[0].ndim > in[1].ndim ? in[0].ndim : in[1].ndim, n = 0;
    for (int i = 1; i <= ndim; i++) {
        int64_t a = i <= in[0].ndim ? in[0].dims[in[0].ndim - i] : 1;
        int64_t b = i <= in[1].ndim ? in[1].dims[in[1].ndim - i] : 1;
        dims[ndim - i] = a == 1 ? b : a;
    }
    for (int i = 0; i < 2; i++) {
        ref_start(&both[i], in->dtype, ndim, dims);
        for (int64_t k = 0; k < both[i].numel; k++)
            both[i].data[k] = in[i].data[ref_place(&in[i], &both[i], k)];
    }
    dim = ref_dim(&both[0], dim);
    for (int i = 0; i < ndim; i++) {
        if (i != dim || keepdim)
            dims[n++] = i == dim ? 1 : dims[i];
    }
    ref_start(out, in->dtype, n, dims);
    return dim;
}

static void ref_cosine_similarity(const op_sample *s, const array *in, array *out)
{
    static array both[2];
    int dim = pair(in, s->dim[0], both, out, false);
    ref_rows r = ref_rows_of(&both[0], dim);
    for (int64_t k = 0; k < both[0].numel; k++) {
        double size = 1;
        for (int i = 0; i < 2; i++)
            size *= fmax(length(&both[i], dim, k, 2), option(s->s[0], 1e-8));
        out->data[k / r.inner / r.n * r.inner + k % r.inner] +=
            both[0].data[k] * both[1].data[k] / size;
    }
}

static void ref_pairwise_distance(const op_sample *s, const array *in, array *out)
{
    static array both[2];
    int dim = pair(in, -1, both, out, s->keepdim);
    int64_t n = ref_rows_of(&both[0], dim).n;
    for (int64_t k = 0; k < both[0].numel; k++)
        both[0].data[k] += option(s->s[1], 1e-6) - both[1].data[k];
    for (int64_t k = 0; k < out->numel; k++)
        out->data[k] = length(&both[0], dim, k * n, s->s[0]);
}

/* Of at most one batch dim, which is a's. */
static void ref_cdist(const op_sample *s, const array *in, array *out)
{
    const array *a = &in[0], *b = &in[1];
    int64_t n = a->dims[a->ndim - 2], m = b->dims[b->ndim - 2], d = a->dims[a->ndim - 1];
    int64_t dims[3] = {a->dims[0], n, m};
    ref_start(out, a->dtype, a->ndim, a->ndim == 3 ? dims : dims + 1);
    for (int64_t k = 0; k < out->numel; k++) {
        static array row;
        ref_start(&row, a->dtype, 1, &d);
        for (int64_t i = 0; i < d; i++)
            row.data[i] = a->data[k / m * d + i] - b->data[k % m * d + i];
        out->data[k] = length(&row, 0, 0, s->s[0]);
    }
}

static const op_sample cdists[] = {{.in = "3x4 5x4", .s = {2}},
                                   {.in = "2x3x2:r 2x2", .s = {1}},
                                   {.in = "4x3 2x3", .s = {3}},
                                   {.in = "0x3 2x3", .s = {2}},
                                   {.in = "2x3 35x3", .s = {2}},
                                   {.in = "3x5 18x5", .s = {1}},
                                   {.in = "17x3 3x3", .s = {(double)INFINITY}},
                                   {.in = "2x0 3x0", .s = {3}}, /* of nothing: 0 */
                                   {.in = "2x0 3x0", .s = {0}},
                                   {.in = "2x0 3x0", .s = {(double)INFINITY}},
                                   {0}};
static const op_sample cdist_errors[] = {
    {.in = "3x4 5x3", .s = {2}, .status = TG_ESHAPE, .message = "[3, 4] and [5, 3]"},
    {.in = "3 5x3", .s = {2}, .status = TG_ESHAPE, .message = "wanted rows of one size"},
    {.in = "3x4 5x4", .s = {-1}, .status = TG_EVALUE, .message = "p -1 is not >= 0"},
    {.in = "3x4:i 5x4:i", .s = {2}, .status = TG_EDTYPE, .message = "int64"},
    {.in = "3x2x4 2x2x4", .s = {2}, .status = TG_ESHAPE, .message = "do not broadcast"},
    {0}};
static const op_kink kinks_cdist[] = {
    {.s = {.in = "1x1 1x1", .s = {2}}, .x = {{1}, {1}}, .second = {{(double)NAN}, {(double)NAN}}},
    {.s = {.in = "1x1 1x1", .s = {1}}, .x = {{1}, {1}}},
    {.s = {.in = "1x1 1x1", .s = {3}}, .x = {{1}, {1}}},
    {.s = {0}}};
static const op_sample groups[] = {{.in = "2x6 6 6", .dim = {2}},
                                   {.in = "2x4x3:r 4 4", .dim = {2}},
                                   {.in = "2x3x2x2 3 ~", .dim = {1}, .s = {0.1}},
                                   {.in = "3x4 ~ ~", .dim = {2}},
                                   {.in = "2x4x5x7 4 4", .dim = {2}},
                                   {.in = "17x2x9 2 2", .dim = {2}},
                                   {.in = "2x4x2 ~ 4", .dim = {4}, .s = {1e-3}},
                                   {.in = "0x4x2 4 4", .dim = {2}},
                                   {0}};
static const op_sample group_errors[] = {
    {.in = "2x6 6 6", .dim = {4}, .status = TG_EVALUE, .message = "4 groups do not divide 6"},
    {.in = "2x6 6 6", .status = TG_EVALUE, .message = "0 groups"},
    {.in = "6 ~ ~", .dim = {1}, .status = TG_ESHAPE, .message = "[6] has fewer than 2 dims"},
    {.in = "2x6 5 6", .dim = {2}, .status = TG_ESHAPE, .message = "weight [5], wanted [6]"},
    {.in = "2x6 6 6:o", .dim = {2}, .status = TG_EDTYPE, .message = "input 2 is float"},
    {.in = "1x6 6 6", .dim = {6}, .status = TG_EVALUE, .message = "one value a group in [1, 6]"},
    {.in = "2x6 6 6", .dim = {2}, .s = {-1}, .status = TG_EVALUE, .message = "eps -1"},
    {0}};
static const op_sample instances[] = {{.in = "2x3x4 3 3"},
                                      {.in = "2x2x2x3:r ~ 2", .s = {0.1}},
                                      {.in = "3x2x2 ~ ~"},
                                      {.in = "2x3x0 3 3"},
                                      {0}};
static const op_sample instance_errors[] = {
    {.in = "2x3x1 3 3", .status = TG_EVALUE, .message = "one value a channel in [2, 3, 1]"},
    {.in = "2x3 3 3", .status = TG_EVALUE, .message = "one value a channel"},
    {.in = "2x3x4 3 4", .status = TG_ESHAPE, .message = "bias [4], wanted [3]"},
    {.in = "3x4:i ~ ~", .status = TG_EDTYPE, .message = "int64"},
    {0}};
static const op_sample rms[] = {{.in = "3x5 5", .shape = "5"},
                                {.in = "4x3:r ~", .shape = "3", .s = {0.1}},
                                {.in = "2x3x4 3x4", .shape = "3x4", .s = {TG_ZERO}},
                                {.in = "0x3 3", .shape = "3"},
                                {.in = "5 5", .shape = "5"},
                                {0}};
static const op_sample rms_errors[] = {
    {.in = "3x5 5", .shape = "4", .status = TG_ESHAPE, .message = "[3, 5] does not end in [4]"},
    {.in = "3x5 5", .status = TG_ESHAPE, .message = "does not end in"},
    {.in = "3x5 3", .shape = "5", .status = TG_ESHAPE, .message = "weight [3], wanted [5]"},
    {.in = "3x5:i ~", .shape = "5", .status = TG_EDTYPE, .message = "int64"},
    {0}};
static const op_sample normals[] = {{.in = "37", .s = {2}},
                                    {.in = "3x5", .dim = {1}, .s = {2}},
                                    {.in = "4x3:r", .dim = {-2}, .s = {1}},
                                    {.in = "2x3x4", .dim = {1}, .s = {3, 100}},
                                    {.in = "1x4", .dim = {0}, .s = {(double)INFINITY}},
                                    {.in = "3x0", .dim = {0}, .s = {2}},
                                    {0}};
static const op_sample cosines[] = {
    {.in = "3x5 3x5", .dim = {1}},           {.in = "4x3:r 4x3:r", .dim = {0}},
    {.in = "3x1x4 2x4", .dim = {-1}},        {.in = "5 5"},
    {.in = "2x3 3", .dim = {1}, .s = {100}}, {0}};
static const op_sample cosine_errors[] = {
    {.in = "3:i 3:i", .status = TG_EDTYPE, .message = "int64"},
    {.in = "3x5 3x5", .dim = {2}, .status = TG_EVALUE, .message = "no dim 2 in"},
    {0}};
static const op_sample distances[] = {{.in = "3x5 3x5", .s = {2}},
                                      {.in = "4x3:r 3", .s = {1}, .keepdim = true},
                                      {.in = "5 5", .s = {3, 0.1}},
                                      {0}};
static const op_sample normal_errors[] = {
    {.in = "3:i", .s = {2}, .status = TG_EDTYPE, .message = "int64"},
    {.in = "3x5", .dim = {2}, .s = {2}, .status = TG_EVALUE, .message = "no dim 2 in [3, 5]"},
    {0}};

#define NOT_LOOKED_AT (double)NAN
static const op_kink kinks_normalize[] = {{.s = {.in = "2", .s = {1}},
                                           .x = {{0, 1}},
                                           .grad = {{1, 0}},
                                           .second = {{NOT_LOOKED_AT, NOT_LOOKED_AT}}},
                                          {.s = {0}}};

const op_row ops_norm_formulas[] = {{.name = "group_norm",
                                     .is = OP_OPTIONAL_IN,
                                     .build = group_norm,
                                     .ref = ref_group_norm,
                                     .samples = {groups},
                                     .errors = {group_errors}},
                                    {.name = "instance_norm",
                                     .is = OP_OPTIONAL_IN,
                                     .build = instance_norm,
                                     .ref = ref_instance_norm,
                                     .samples = {instances},
                                     .errors = {instance_errors}},
                                    {.name = "rms_norm",
                                     .is = OP_OPTIONAL_IN,
                                     .build = rms_norm,
                                     .ref = ref_rms_norm,
                                     .samples = {rms},
                                     .errors = {rms_errors}},
                                    {.name = "cdist",
                                     .build = cdist,
                                     .ref = ref_cdist,
                                     .samples = {cdists},
                                     .errors = {cdist_errors},
                                     .kinks = {kinks_cdist}},
                                    {.name = "normalize",
                                     .build = normalize,
                                     .ref = ref_normalize,
                                     .samples = {normals},
                                     .errors = {normal_errors},
                                     .kinks = {kinks_normalize}},
                                    {.name = "cosine_similarity",
                                     .build = cosine_similarity,
                                     .ref = ref_cosine_similarity,
                                     .samples = {cosines},
                                     .errors = {errors_broadcast, cosine_errors}},
                                    {.name = "pairwise_distance",
                                     .build = pairwise_distance,
                                     .ref = ref_pairwise_distance,
                                     .samples = {distances},
                                     .errors = {errors_broadcast}},
                                    {0}};

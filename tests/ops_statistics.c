/* Rows of reductions over several dims, statistics, extremes, norms and running sums. A sample's
 * `shape` lists the dims to reduce. See op_table.h. */
#include "op_reference.h"

#include <math.h>

#define DIM(what)                                                                                  \
    static tg_tensor *what(const op_args *a)                                                       \
    {                                                                                              \
        return tg_##what(a->in[0], a->s->dim[0], a->s->keepdim);                                   \
    }
#define DIMS(what)                                                                                 \
    static tg_tensor *what(const op_args *a)                                                       \
    {                                                                                              \
        int64_t dims[OP_MAX_DIMS];                                                                 \
        int n = op_shape(a->s, dims);                                                              \
        return tg_##what(a->in[0], n, dims, a->s->keepdim);                                        \
    }
#define MOMENT(what)                                                                               \
    static tg_tensor *what(const op_args *a)                                                       \
    {                                                                                              \
        int64_t dims[OP_MAX_DIMS];                                                                 \
        int n = op_shape(a->s, dims);                                                              \
        return tg_##what(a->in[0], n, dims, a->s->s[0], a->s->keepdim);                            \
    }

DIMS(sum_dims)
DIMS(mean_dims)
DIMS(amax)
DIMS(amin)
DIMS(logsumexp_dims)
MOMENT(var_dims)
MOMENT(std_dims)
DIM(var_dim)
DIM(std_dim)
DIM(max_dim)
DIM(min_dim)
DIM(argmax_dim)
DIM(argmin_dim)
DIM(logsumexp_dim)

static tg_tensor *norm(const op_args *a)
{
    return tg_norm(a->in[0], a->s->s[0]);
}

static tg_tensor *norm_dims(const op_args *a)
{
    int64_t dims[OP_MAX_DIMS];
    int n = op_shape(a->s, dims);
    return tg_norm_dims(a->in[0], a->s->s[0], n, dims, a->s->keepdim);
}

static tg_tensor *cumsum(const op_args *a)
{
    return tg_cumsum(a->in[0], a->s->dim[0]);
}

/* --- references: a function of the n values that become one --- */

typedef double group_fn(const double *x, int64_t n, double param);

static double sum_of(const double *x, int64_t n, double param)
{
    (void)param;
    double sum = 0;
    for (int64_t i = 0; i < n; i++)
        sum += x[i];
    return sum;
}

static double mean_of(const double *x, int64_t n, double param)
{
    return sum_of(x, n, param) / (double)n;
}

static double var_of(const double *x, int64_t n, double correction)
{
    double mean = mean_of(x, n, 0), sum = 0;
    for (int64_t i = 0; i < n; i++)
        sum += (x[i] - mean) * (x[i] - mean);
    return sum / fmax((double)n - correction, 0);
}

static double std_of(const double *x, int64_t n, double correction)
{
    return sqrt(var_of(x, n, correction));
}

/* The first of the largest values, or the first nan; of the smallest ones where sign is -1. */
static double place_of(const double *x, int64_t n, double sign)
{
    int64_t best = 0;
    for (int64_t i = 1; i < n && !isnan(x[best]); i++) {
        if (isnan(x[i]) || sign * x[i] > sign * x[best])
            best = i;
    }
    return (double)best;
}

static double extreme_of(const double *x, int64_t n, double sign)
{
    return x[(int64_t)place_of(x, n, sign)];
}

static double logsumexp_of(const double *x, int64_t n, double param)
{
    double m = n ? extreme_of(x, n, 1) : -(double)INFINITY, sum = 0;
    if (isinf(m) || isnan(m))
        return m;
    for (int64_t i = 0; i < n; i++)
        sum += exp(x[i] - m);
    (void)param;
    return m + log(sum);
}

static double norm_of(const double *x, int64_t n, double p)
{
    double sum = 0;
    for (int64_t i = 0; i < n; i++) {
        double a = fabs(x[i]);
        if (isinf(p))
            sum = p > 0 || i == 0 ? fmax(sum, a) : fmin(sum, a);
        else
            sum += p == 0 ? a != 0 : pow(a, p);
    }
    return isinf(p) || p == 0 ? sum : pow(sum, 1 / p);
}

static void ref_over(group_fn *f, double param, const array *in, int n, const int64_t *dims,
                     bool keepdim, array *out)
{
    int64_t kept[OP_MAX_DIMS], sizes[OP_MAX_DIMS];
    double group[SNAPSHOT_NUMEL];
    int count = 0;
    for (int i = 0; i < in->ndim; i++) {
        bool reduced = n == 0;
        for (int k = 0; k < n; k++)
            reduced |= ref_dim(in, (int)dims[k]) == i;
        kept[i] = reduced ? 1 : in->dims[i];
        if (!reduced || keepdim)
            sizes[count++] = kept[i];
    }
    array whole;
    ref_start(&whole, in->dtype, in->ndim, kept);
    ref_start(out, in->dtype, count, sizes);
    for (int64_t i = 0; i < out->numel; i++) {
        int64_t size = 0;
        for (int64_t k = 0; k < in->numel; k++) {
            if (ref_place(&whole, in, k) == i)
                group[size++] = in->data[k];
        }
        out->data[i] = f(group, size, param);
    }
}

/* By the list of dims, empty for all, and by the one dim. */
static void over_dims(group_fn *f, double param, const op_sample *s, const array *in, array *out)
{
    int64_t dims[OP_MAX_DIMS];
    int n = op_shape(s, dims);
    ref_over(f, param, in, n, dims, s->keepdim, out);
}

static void over_dim(group_fn *f, double param, const op_sample *s, const array *in, array *out)
{
    ref_over(f, param, in, 1, (int64_t[]){s->dim[0]}, s->keepdim, out);
}

#define REF(name, over, f, param)                                                                  \
    static void name(const op_sample *s, const array *in, array *out)                              \
    {                                                                                              \
        over(f, param, s, in, out);                                                                \
    }

REF(ref_mean_dims, over_dims, mean_of, 0)
REF(ref_var, over_dims, var_of, 1)
REF(ref_var_dim, over_dim, var_of, 1)
REF(ref_var_dims, over_dims, var_of, s->s[0])
REF(ref_std, over_dims, std_of, 1)
REF(ref_std_dim, over_dim, std_of, 1)
REF(ref_std_dims, over_dims, std_of, s->s[0])
REF(ref_amax, over_dims, extreme_of, 1)
REF(ref_amin, over_dims, extreme_of, -1)
REF(ref_max_dim, over_dim, extreme_of, 1)
REF(ref_min_dim, over_dim, extreme_of, -1)
REF(ref_norm, over_dims, norm_of, s->s[0])

/* Integers count as float32. */
#define REF_TO_FLOAT(name, over, f, param)                                                         \
    static void name(const op_sample *s, const array *in, array *out)                              \
    {                                                                                              \
        over(f, param, s, in, out);                                                                \
        out->dtype = in->dtype == TG_F64 ? TG_F64 : TG_F32;                                        \
    }

REF_TO_FLOAT(ref_logsumexp_dims, over_dims, logsumexp_of, 0)
REF_TO_FLOAT(ref_logsumexp_dim, over_dim, logsumexp_of, 0)

#define REF_INTEGER(name, over, f, param)                                                          \
    static void name(const op_sample *s, const array *in, array *out)                              \
    {                                                                                              \
        over(f, param, s, in, out);                                                                \
        out->dtype = TG_I64;                                                                       \
    }

REF_INTEGER(ref_argmax, over_dims, place_of, 1)
REF_INTEGER(ref_argmin, over_dims, place_of, -1)
REF_INTEGER(ref_argmax_dim, over_dim, place_of, 1)
REF_INTEGER(ref_argmin_dim, over_dim, place_of, -1)

static int sum_dtype(const array *in)
{
    return in->dtype == TG_F32 || in->dtype == TG_F64 ? in->dtype : TG_I64;
}

static void ref_sum_dims(const op_sample *s, const array *in, array *out)
{
    over_dims(sum_of, 0, s, in, out);
    out->dtype = sum_dtype(in);
}

static void ref_cumsum(const op_sample *s, const array *in, array *out)
{
    *out = *in;
    out->dtype = sum_dtype(in);
    ref_rows r = ref_rows_of(in, ref_dim(in, s->dim[0]));
    for (int64_t k = 0; k < in->numel; k++)
        out->data[k] += k / r.inner % r.n ? out->data[k - r.inner] : 0;
}

/* --- samples --- */

static const op_sample whole[] = {{.in = "."},   {.in = "1"},     {.in = "37"},
                                  {.in = "3x5"}, {.in = "2x3x4"}, {.in = "16x40"},
                                  {.in = "5:r"}, {.in = "999"},   {0}};
static const op_sample whole_empty[] = {{.in = "0"}, {.in = "2x0x3"}, {0}};
static const op_sample whole_extreme[] = {
    {.in = "37:x"}, {.in = "2:x"},   {.in = "3:x"},   {.in = ".:x"},
    {.in = "1:x"},  {.in = "2x2:x"}, {.in = "999:h"}, {0}};
static const op_sample whole_int[] = {{.in = "37:i"}, {.in = "3x4:i"}, {.in = ".:i"}, {0}};
static const op_sample lists[] = {{.in = "3x5", .shape = "0"},
                                  {.in = "3x5"},
                                  {.in = "3x5", .shape = "1x0"},
                                  {.in = "2x3x4", .shape = "0x2"},
                                  {.in = "2x3x4", .shape = "-1x0", .keepdim = true},
                                  {.in = "2x3x4", .keepdim = true},
                                  {.in = "2x3x2x5", .shape = "1x3"},
                                  {.in = "2x3x2x5", .shape = "1x2", .keepdim = true},
                                  {.in = "."},
                                  {.in = ".", .shape = "0"},
                                  {.in = "0x3", .shape = "1"},
                                  {.in = "1x7x1", .shape = "0x2"},
                                  {.in = "37x4", .shape = "0"},
                                  {.in = "3x4:r", .shape = "1"},
                                  {0}};
static const op_sample lists_empty[] = {
    {.in = "2x0x3", .shape = "1"}, {.in = "2x0x3", .shape = "0x1", .keepdim = true}, {0}};
static const op_sample lists_int[] = {{.in = "2x3x4:i", .shape = "0x2"}, {.in = "5x3:i"}, {0}};
static const op_sample lists_bool[] = {{.in = "2x3x4:b", .shape = "0x2"}, {.in = "5x3:b"}, {0}};
static const op_sample lists_extreme[] = {
    {.in = "24x2:x", .shape = "1"}, {.in = "2x8x2:x", .shape = "0x2"}, {0}};
static const op_sample corrected[] = {{.in = "3x5", .shape = "0"},
                                      {.in = "3x5", .s = {1}},
                                      {.in = "3x5", .shape = "1", .s = {2}},
                                      {.in = "2x3x4", .shape = "0x2", .s = {0.5}},
                                      {.in = "2x3x4", .shape = "-1x0", .s = {1}, .keepdim = true},
                                      {.in = "2x3x2x5", .shape = "1x3", .s = {-1}},
                                      {.in = "4x3", .shape = "0", .s = {4}},
                                      {.in = "4x3", .shape = "0", .s = {9}},
                                      {.in = ".", .s = {1}},
                                      {.in = "2x0x3", .shape = "1"},
                                      {.in = "0x3", .shape = "1"},
                                      {.in = "3x4:r", .shape = "1", .s = {1}},
                                      {0}};
/* Along a dim that has elements. */
static const op_sample along[] = {{.in = "37"},
                                  {.in = "."},
                                  {.in = ".", .dim = {-1}, .keepdim = true},
                                  {.in = "3x5", .dim = {0}},
                                  {.in = "3x5", .dim = {-1}, .keepdim = true},
                                  {.in = "2x3x4", .dim = {1}},
                                  {.in = "2x3x2x5", .dim = {2}},
                                  {.in = "0x3", .dim = {1}},
                                  {.in = "1x7x1", .dim = {2}},
                                  {.in = "3x4:r", .dim = {1}},
                                  {.in = "24x2:x", .dim = {1}},
                                  {.in = "3x16:x", .dim = {0}, .keepdim = true},
                                  {0}};
static const op_sample along_int[] = {
    {.in = "7x3:i", .dim = {1}}, {.in = "7x3:i", .dim = {0}, .keepdim = true}, {0}};
static const op_sample along_bool[] = {{.in = "7x3:b", .dim = {1}}, {0}};
static const op_sample norms[] = {{.in = "37", .s = {2}},
                                  {.in = "3x5", .s = {1}},
                                  {.in = "3x5", .s = {3}},
                                  {.in = "3x5:n", .s = {0.5}},
                                  {.in = "3x5:n", .s = {2.5}},
                                  {.in = "2x3x4", .s = {(double)INFINITY}},
                                  {.in = ".", .s = {2}},
                                  {.in = "0", .s = {2}},
                                  {.in = "0", .s = {1}},
                                  {.in = "0", .s = {0}},
                                  {.in = "4:r", .s = {2}},
                                  {.in = "7", .s = {0}},
                                  {.in = "7:n", .s = {-1}},
                                  {.in = "7:n", .s = {-(double)INFINITY}},
                                  {0}};
static const op_sample norm_lists[] = {
    {.in = "3x5", .shape = "0", .s = {2}},
    {.in = "2x3x4", .shape = "0x2", .s = {2}},
    {.in = "2x3x4", .shape = "-1x0", .s = {1}, .keepdim = true},
    {.in = "2x3x4", .shape = "1", .s = {3}},
    {.in = "2x3x4", .shape = "1", .s = {(double)INFINITY}, .keepdim = true},
    {.in = "2x0x3", .shape = "1", .s = {2}},
    {.in = "0x3", .shape = "1", .s = {1}},
    {0}};
static const op_sample sums_int[] = {{.in = "5x3:i", .dim = {1}}, {.in = "5x3:b", .dim = {0}}, {0}};
static const op_sample running[] = {{.in = "37"},
                                    {.in = "."},
                                    {.in = ".", .dim = {-1}},
                                    {.in = "3x5", .dim = {0}},
                                    {.in = "3x5", .dim = {-1}},
                                    {.in = "2x3x4", .dim = {1}},
                                    {.in = "2x0x3", .dim = {1}},
                                    {.in = "0x3", .dim = {1}},
                                    {.in = "3x4:r", .dim = {1}},
                                    {0}};

static const op_sample list_errors[] = {
    {.in = "3x5", .shape = "0x0", .status = TG_EVALUE, .message = "dim 0 is named twice"},
    {.in = "3x5", .shape = "1x-1", .status = TG_EVALUE, .message = "dim 1 is named twice"},
    {.in = "3x5", .shape = "2", .status = TG_EVALUE, .message = "no dim 2 in [3, 5]"},
    {.in = "3x5", .shape = "0x-3", .status = TG_EVALUE, .message = "no dim -3"},
    {0}};
static const op_sample empty_errors[] = {
    {.in = "0", .status = TG_ESHAPE, .message = "no elements"},
    {.in = "2x0x3", .shape = "1", .dim = {1}, .status = TG_ESHAPE, .message = "no elements"},
    {0}};
static const op_sample moment_errors[] = {
    {.in = "3", .s = {(double)NAN}, .status = TG_EVALUE, .message = "correction is nan"}, {0}};
static const op_sample norm_errors[] = {
    {.in = "3", .s = {(double)NAN}, .status = TG_EVALUE, .message = "p is nan"},
    {.in = "0", .s = {-1}, .status = TG_ESHAPE, .message = "p -1 of no elements"},
    {.in = "3:i", .s = {2}, .status = TG_EDTYPE, .message = "float"},
    {.in = "3:b", .s = {1}, .status = TG_EDTYPE, .message = "float"},
    {.in = "0", .s = {(double)INFINITY}, .status = TG_ESHAPE, .message = "no elements"},
    {0}};

/* Of one element that is the mean, and of all alike, the deviation's gradient is 0. */
static const op_kink kinks_std[] = {{.s = {.in = "2"}, .x = {{1, 1}}}, {.s = {0}}};
static const op_kink kinks_std_dim[] = {{.s = {.in = "2x2", .dim = {1}}, .x = {{1, 1, -2, -2}}},
                                        {.s = {0}}};
static const op_kink kinks_std_dims[] = {
    {.s = {.in = "2x2", .shape = "1", .s = {1}}, .x = {{1, 1, -2, -2}}}, {.s = {0}}};
/* Ties share the gradient, but along one dim the first takes it all. */
static const op_kink kinks_max[] = {{.s = {.in = "3"}, .x = {{1, 2, 2}}, .grad = {{0, 0.5, 0.5}}},
                                    {.s = {0}}};
static const op_kink kinks_min[] = {{.s = {.in = "3"}, .x = {{1, 1, 2}}, .grad = {{0.5, 0.5, 0}}},
                                    {.s = {0}}};
static const op_kink kinks_max_dim[] = {
    {.s = {.in = "2x3", .dim = {1}}, .x = {{2, 1, 2, 0, 0, 0}}, .grad = {{1, 0, 0, 1, 0, 0}}},
    {.s = {0}}};
static const op_kink kinks_min_dim[] = {
    {.s = {.in = "2x3", .dim = {1}}, .x = {{1, 2, 1, 0, 0, 0}}, .grad = {{1, 0, 0, 1, 0, 0}}},
    {.s = {0}}};
static const op_kink kinks_amax[] = {{.s = {.in = "2x3", .shape = "1"},
                                      .x = {{2, 1, 2, 0, 0, -1}},
                                      .grad = {{0.5, 0, 0.5, 0.5, 0.5, 0}}},
                                     {.s = {0}}};
static const op_kink kinks_amin[] = {{.s = {.in = "2x3", .shape = "1"},
                                      .x = {{1, 2, 1, 0, 0, 1}},
                                      .grad = {{0.5, 0, 0.5, 0.5, 0.5, 0}}},
                                     {.s = {0}}};
#define NO_SAY (double)NAN
static const op_kink kinks_norm[] = {
    {.s = {.in = "3", .s = {1}}, .x = {{0, 1, -2}}, .grad = {{0, 1, -1}}},
    {.s = {.in = "3", .s = {0.5}},
     .x = {{0, 1, 4}},
     .grad = {{0, 3, 1.5}},
     .second = {{NO_SAY, NO_SAY, NO_SAY}}},
    {.s = {.in = "3", .s = {2}}, .x = {{0}}, .second = {{NO_SAY, NO_SAY, NO_SAY}}},
    {.s = {.in = "3", .s = {2}},
     .x = {{0, 3, 4}},
     .grad = {{0, 0.6, 0.8}},
     .second = {{0.2, 0.032, -0.024}}},
    {.s = {.in = "3", .s = {2.5}}, .x = {{0}}, .second = {{NO_SAY, NO_SAY, NO_SAY}}},
    {.s = {.in = "3", .s = {3}}, .x = {{0}}},
    {.s = {.in = "3", .s = {(double)INFINITY}}, .x = {{1, -2, 2}}, .grad = {{0, -0.5, 0.5}}},
    {.s = {.in = "3", .s = {(double)INFINITY}}, .x = {{0}}},
    {.s = {.in = "3", .s = {-(double)INFINITY}}, .x = {{1, -1, 2}}, .grad = {{0.5, -0.5, 0}}},
    {.s = {.in = "3", .s = {-(double)INFINITY}}, .x = {{0, 1, 2}}},
    {.s = {.in = "3", .s = {0}}, .x = {{0, 1, 2}}},
    {.s = {.in = "3", .s = {-1}}, .x = {{0, 1, 2}}, .second = {{NO_SAY, NO_SAY, NO_SAY}}},
    {.s = {0}}};
static const op_kink kinks_norm_dims[] = {
    {.s = {.in = "2x3", .shape = "1", .s = {1}},
     .x = {{0, 1, -2, 0, 0, 0}},
     .grad = {{0, 1, -1, 0, 0, 0}}},
    {.s = {.in = "2x3", .shape = "1", .s = {2}},
     .x = {{0, 3, 4, 0, 0, 0}},
     .grad = {{0, 0.6, 0.8, 0, 0, 0}},
     .second = {{0.2, 0.032, -0.024, NO_SAY, NO_SAY, NO_SAY}}},
    {.s = {.in = "2x3", .shape = "1", .s = {3}}, .x = {{0}}},
    {.s = {.in = "2x3", .shape = "1", .s = {(double)INFINITY}},
     .x = {{1, -2, 2, 0, 0, 0}},
     .grad = {{0, -0.5, 0.5, 0, 0, 0}}},
    {.s = {.in = "3", .shape = "0", .s = {-(double)INFINITY}}, .x = {{0, 1, 2}}},
    {.s = {.in = "3", .shape = "0", .s = {-(double)INFINITY}},
     .x = {{1, -1, 2}},
     .grad = {{0.5, -0.5, 0}}},
    {.s = {.in = "3", .shape = "0", .s = {0}}, .x = {{0, 1, 2}}},
    {.s = {.in = "3", .shape = "0", .s = {-1}},
     .x = {{0, 1, 2}},
     .second = {{NO_SAY, NO_SAY, NO_SAY}}},
    {.s = {0}}};

const op_row ops_statistics[] = {
    /* Sums and moments, extremes, norms. */
    {.name = "sum_dims",
     .says = "sum",
     .build = sum_dims,
     .ref = ref_sum_dims,
     .samples = {lists, lists_empty, lists_int},
     .errors = {list_errors}},
    {.name = "sum_dims_bool",
     .says = "sum",
     .build = sum_dims,
     .ref = ref_sum_dims,
     .samples = {lists_bool}},
    {.name = "mean_dims",
     .says = "mean",
     .build = mean_dims,
     .ref = ref_mean_dims,
     .samples = {lists, lists_empty},
     .errors = {list_errors, errors_not_float}},
    {.name = "var",
     .unary = tg_var,
     .ref = ref_var,
     .samples = {whole, whole_empty},
     .errors = {errors_not_float}},
    {.name = "var_dim",
     .says = "var",
     .build = var_dim,
     .ref = ref_var_dim,
     .samples = {samples_dim},
     .errors = {errors_dim, errors_not_float}},
    {.name = "var_dims",
     .says = "var",
     .build = var_dims,
     .ref = ref_var_dims,
     .samples = {corrected, lists_empty},
     .errors = {list_errors, moment_errors, errors_not_float}},
    {.name = "std",
     .unary = tg_std,
     .ref = ref_std,
     .samples = {whole, whole_empty},
     .errors = {errors_not_float},
     .kinks = {kinks_std}},
    {.name = "std_dim",
     .says = "std",
     .build = std_dim,
     .ref = ref_std_dim,
     .samples = {samples_dim},
     .errors = {errors_dim, errors_not_float},
     .kinks = {kinks_std_dim}},
    {.name = "std_dims",
     .says = "std",
     .build = std_dims,
     .ref = ref_std_dims,
     .samples = {corrected, lists_empty},
     .errors = {list_errors, moment_errors, errors_not_float},
     .kinks = {kinks_std_dims}},
    {.name = "max",
     .unary = tg_max,
     .ref = ref_amax,
     .samples = {whole, whole_extreme, whole_int},
     .errors = {empty_errors},
     .kinks = {kinks_max}},
    {.name = "min",
     .unary = tg_min,
     .ref = ref_amin,
     .samples = {whole, whole_extreme, whole_int},
     .errors = {empty_errors},
     .kinks = {kinks_min}},
    {.name = "max_dim",
     .says = "max",
     .build = max_dim,
     .ref = ref_max_dim,
     .samples = {along, along_int, along_bool},
     .errors = {errors_dim, empty_errors},
     .kinks = {kinks_max_dim}},
    {.name = "min_dim",
     .says = "min",
     .build = min_dim,
     .ref = ref_min_dim,
     .samples = {along, along_int, along_bool},
     .errors = {errors_dim, empty_errors},
     .kinks = {kinks_min_dim}},
    {.name = "amax",
     .build = amax,
     .ref = ref_amax,
     .samples = {lists, lists_extreme, lists_int},
     .errors = {list_errors, empty_errors},
     .kinks = {kinks_amax}},
    {.name = "amin",
     .build = amin,
     .ref = ref_amin,
     .samples = {lists, lists_extreme, lists_int},
     .errors = {list_errors, empty_errors},
     .kinks = {kinks_amin}},
    {.name = "argmax",
     .is = OP_CONSTANT,
     .unary = tg_argmax,
     .ref = ref_argmax,
     .samples = {whole, whole_extreme, whole_int},
     .errors = {empty_errors}},
    {.name = "argmin",
     .is = OP_CONSTANT,
     .unary = tg_argmin,
     .ref = ref_argmin,
     .samples = {whole, whole_extreme, whole_int},
     .errors = {empty_errors}},
    {.name = "argmax_dim",
     .says = "argmax",
     .is = OP_CONSTANT,
     .build = argmax_dim,
     .ref = ref_argmax_dim,
     .samples = {along, along_int, along_bool},
     .errors = {errors_dim, empty_errors}},
    {.name = "argmin_dim",
     .says = "argmin",
     .is = OP_CONSTANT,
     .build = argmin_dim,
     .ref = ref_argmin_dim,
     .samples = {along, along_int, along_bool},
     .errors = {errors_dim, empty_errors}},
    {.name = "logsumexp",
     .unary = tg_logsumexp,
     .ref = ref_logsumexp_dims,
     .samples = {whole, whole_empty, whole_extreme}},
    {.name = "logsumexp_dim",
     .says = "logsumexp",
     .build = logsumexp_dim,
     .ref = ref_logsumexp_dim,
     .samples = {samples_dim, along, along_int},
     .errors = {errors_dim}},
    {.name = "logsumexp_dims",
     .says = "logsumexp",
     .build = logsumexp_dims,
     .ref = ref_logsumexp_dims,
     .samples = {lists, lists_extreme, lists_int},
     .errors = {list_errors}},
    {.name = "norm",
     .build = norm,
     .ref = ref_norm,
     .samples = {norms},
     .errors = {norm_errors},
     .kinks = {kinks_norm}},
    {.name = "norm_dims",
     .says = "norm",
     .build = norm_dims,
     .ref = ref_norm,
     .samples = {norm_lists, norms},
     .errors = {list_errors, norm_errors},
     .kinks = {kinks_norm_dims}},
    {.name = "cumsum",
     .build = cumsum,
     .ref = ref_cumsum,
     .samples = {running, sums_int},
     .errors = {errors_dim}},
    {0}};

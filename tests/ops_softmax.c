/* Rows of softmax and its logarithm. See op_table.h. */
#include "op_reference.h"

#include <math.h>

static tg_tensor *softmax(const op_args *a)
{
    return tg_softmax(a->in[0], a->s->dim[0]);
}

static tg_tensor *log_softmax(const op_args *a)
{
    return tg_log_softmax(a->in[0], a->s->dim[0]);
}

static void one_row(const double *x, double *y, int64_t n, int64_t stride, bool log_of_it)
{
    double max = x[0], sum = 0;
    for (int64_t i = 0; i < n; i++)
        max = x[i * stride] > max ? x[i * stride] : max;
    for (int64_t i = 0; i < n; i++)
        sum += exp(x[i * stride] - max);
    for (int64_t i = 0; i < n; i++) {
        double shifted = x[i * stride] - max;
        y[i * stride] = log_of_it ? shifted - log(sum) : exp(shifted) / sum;
    }
}

static void rows(const op_sample *s, const array *in, array *out, bool log_of_it)
{
    ref_start(out, in->dtype, in->ndim, in->dims);
    ref_rows r = ref_rows_of(in, ref_dim(in, s->dim[0]));
    for (int64_t k = 0; k < r.outer * r.inner && r.n; k++) {
        int64_t start = k / r.inner * r.n * r.inner + k % r.inner;
        one_row(in->data + start, out->data + start, r.n, r.inner, log_of_it);
    }
}

static void ref_softmax(const op_sample *s, const array *in, array *out)
{
    rows(s, in, out, false);
}

static void ref_log_softmax(const op_sample *s, const array *in, array *out)
{
    rows(s, in, out, true);
}

static const op_sample extremes[] = {{.in = "16x5:x", .dim = {1}},
                                     {.in = "4x9:h", .dim = {1}},
                                     {.in = "37x3:x", .dim = {0}},
                                     {.in = "5x16:x", .dim = {0}},
                                     {.in = "2x3x0", .dim = {2}},
                                     {.in = "40x2:x", .dim = {1}},
                                     {0}};

const op_row ops_softmax[] = {{.name = "softmax",
                               .build = softmax,
                               .ref = ref_softmax,
                               .samples = {samples_dim, extremes},
                               .errors = {errors_dim, errors_not_float}},
                              {.name = "log_softmax",
                               .build = log_softmax,
                               .ref = ref_log_softmax,
                               .samples = {samples_dim, extremes},
                               .errors = {errors_dim, errors_not_float}},
                              {0}};

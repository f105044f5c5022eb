/* exact.h: reference results in 113-bit arithmetic, the distance of a result from them in ulps, and
 * the random samples that the tests of accuracy share. Include it after <cmocka.h>.
 *
 * Relies on __float128, or a long double of as many bits, and on the functions of libquadmath (linked with
 * -lquadmath) or of exact_mpfr.c, which has the same ones by MPFR. They are declared here, so that compilers
 * other than gcc, which do not find gcc's quadmath.h, can use it. */
#ifndef TG_TESTS_EXACT_H
#define TG_TESTS_EXACT_H

#include <math.h>
#include <stdbool.h>
#include <stdint.h>
#include <string.h>

#include "exact_type.h"

exact expq(exact), logq(exact), log1pq(exact), expm1q(exact), tanhq(exact), erfq(exact);
exact sinq(exact), cosq(exact), powq(exact, exact);
exact tanq(exact), asinq(exact), acosq(exact), atanq(exact), atan2q(exact, exact), sinhq(exact);
exact coshq(exact), asinhq(exact), acoshq(exact), atanhq(exact), log2q(exact), log10q(exact);
exact fabsq(exact), frexpq(exact, int *), ldexpq(exact, int);

enum { EXACT_F32 = 0, EXACT_F64 = 1 }; /* dtypes */

/* |got - want| in units of the last place of `want` in that dtype: the spacing of
 * floats at `want`, subnormals included. 0 for two nans and for equal infinities; a finite want
 * that rounds to infinity may come as infinity. */
static inline double exact_ulps(double got, exact want, int dtype)
{
    const int digits = dtype == EXACT_F32 ? 24 : 53, min = dtype == EXACT_F32 ? -149 : -1074;
    const double max = dtype == EXACT_F32 ? 0x1.fffffep127 : 0x1.fffffffffffffp1023;
    if (want != want || isnan(got))
        return want != want && isnan(got) ? 0 : (double)INFINITY;
    if (isinf(got))
        return fabsq(want) >= (exact)max && (want > 0) == (got > 0) ? 0 : (double)INFINITY;
    int exponent = 0;
    frexpq(want, &exponent);
    exponent = want == 0 || exponent - digits < min ? min : exponent - digits;
    return (double)ldexpq(fabsq((exact)got - want), -exponent);
}

/* Element i of an array of that dtype. */
static inline double exact_at(const void *data, int dtype, int64_t i)
{
    float single = 0;
    double value = 0;
    if (dtype == EXACT_F64) {
        memcpy(&value, (const double *)data + i, sizeof value);
        return value;
    }
    memcpy(&single, (const float *)data + i, sizeof single);
    return (double)single;
}

#define COUNT(array) (sizeof(array) / sizeof *(array))

static uint64_t stream = 40431;

static inline uint64_t draw(void)
{
    stream += 0x9e3779b97f4a7c15u;
    uint64_t z = (stream ^ stream >> 30) * 0xbf58476d1ce4e5b9u;
    z = (z ^ z >> 27) * 0x94d049bb133111ebu;
    return z ^ z >> 31;
}

/* Uniform in [low, high). */
static inline double uniform(double low, double high)
{
    return low + (high - low) * (double)(draw() >> 11) * 0x1p-53;
}

/* Of random size: the exponents are uniform in [low, high). */
static inline double magnitude(double low, double high)
{
    double fraction = uniform(0.5, 1);
    return ldexp(fraction, (int)uniform(low, high));
}

static inline bool chance(unsigned percent)
{
    return draw() % 100 < percent;
}

static inline void store(void *data, int dtype, int64_t i, double value)
{
    float single = (float)value;
    if (dtype == EXACT_F32)
        memcpy((float *)data + i, &single, sizeof single);
    else
        memcpy((double *)data + i, &value, sizeof value);
}

/* Fills one row in one of several manners; element c lies at start + c * stride. */
static inline void fill_row(void *x, int dtype, int64_t start, int64_t n, int64_t stride)
{
    unsigned manner = (unsigned)(draw() % 9);
    double offset = manner == 1 ? uniform(-1e6, 1e6) : 0, scale = manner == 2 ? 100 : 3;
    double margin = uniform(0, dtype == EXACT_F32 ? 105 : 748);
    for (int64_t c = 0; c < n; c++) {
        double v = offset + uniform(-scale, scale);
        if (manner == 3)
            v = (double)(draw() % 3);
        if (manner == 4)
            v = uniform(-1, 1) * (dtype == EXACT_F32 ? 3e38 : 1.7e308);
        store(x, dtype, start + c * stride, v);
    }
    if (manner == 0) { /* log-probabilities: logsumexp near 0 */
        double sum = 0;
        for (int64_t c = 0; c < n; c++)
            sum += exp(exact_at(x, dtype, start + c * stride));
        for (int64_t c = 0; c < n; c++)
            store(x, dtype, start + c * stride, exact_at(x, dtype, start + c * stride) - log(sum));
    }
    if (manner >= 5) {
        int64_t top = (int64_t)(draw() % (uint64_t)n);
        store(x, dtype, start + top * stride, margin);
    }
}

static const double limit_of[2] = {0.51, 2};

/* The worst distance so far, by what was measured. */
typedef struct record {
    const char *name;
    double worst;
} record;

static inline void note(record *r, double got, exact want, int dtype, exact slack)
{
    exact near = fabsq((exact)got - want) <= slack ? (exact)got : want;
    double ulps = exact_ulps(got, near, dtype);
    if (!(ulps <= r->worst))
        r->worst = ulps;
    if (!(ulps <= limit_of[dtype]))
        fail_msg("%s: got %a, want %a: %g ulp", r->name, got, (double)want, ulps);
}

/* One row's softmax, with what is needed to say it without cancellation. */
typedef struct exact_row {
    exact max, others, sum; /* sum of e^(x - max) over all but one largest; with it */
    int64_t top;            /* the first of the largest */
} exact_row;

static inline exact_row exact_row_of(const void *x, int dtype, int64_t start, int64_t n,
                                     int64_t stride)
{
    exact_row row = {(exact)exact_at(x, dtype, start), -1, 0, 0};
    for (int64_t c = 1; c < n; c++) {
        exact v = (exact)exact_at(x, dtype, start + c * stride);
        row.top = v > row.max ? c : row.top;
        row.max = v > row.max ? v : row.max;
    }
    exact ties = -1, small = 0;
    for (int64_t c = 0; c < n; c++) {
        exact v = (exact)exact_at(x, dtype, start + c * stride);
        if (v < row.max)
            small += expq(v - row.max);
        else
            ties += 1;
    }
    row.others = ties + small;
    row.sum = 1 + row.others;
    return row;
}

/* Cross-entropy of one position with coefficients a per class; `size` are sums of the magnitudes of
 * what is added up, where that is ill-conditioned. */
typedef struct exact_ce {
    exact loss, size;
    exact a_sum, a_size, a_rest; /* of a; the rest is the sum without the top's */
} exact_ce;

static inline exact_ce exact_ce_of(const exact_row *row, const void *x, int dtype, int64_t start,
                                   int64_t n, int64_t stride, const exact *a)
{
    exact_ce out = {0, 0, 0, 0, 0};
    exact log = log1pq(row->others);
    for (int64_t c = 0; c < n; c++) {
        exact gap = row->max - (exact)exact_at(x, dtype, start + c * stride);
        out.loss += a[c] * gap + a[c] * log;
        out.size += fabsq(a[c]) * (gap + log);
        out.a_rest += c == row->top ? 0 : a[c];
        out.a_size += fabsq(a[c]);
    }
    out.a_sum = out.a_rest + a[row->top];
    return out;
}

/* The gradient of that for class c of logit x and coefficient a. */
static inline exact exact_ce_grad(const exact_row *row, const exact_ce *ce, int64_t c, exact x,
                                  exact a, exact *size)
{
    exact e = expq(x - row->max), rest = x < row->max ? row->sum - e : row->others;
    exact others = c == row->top ? ce->a_rest : ce->a_sum - a, others_size = fabsq(others);
    if (fabsq(ce->a_sum) != ce->a_size) /* mixed signs */
        others_size += ce->a_size;
    *size = (e * others_size + fabsq(a) * rest) / row->sum;
    return (e * others - a * rest) / row->sum;
}

#endif

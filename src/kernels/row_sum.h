/* Sums along a row, and its mean and squared deviations, in a fixed order, for kernels compiled for
 * each instruction set. float32 adds in double in 32 lanes, so that one addition need not wait for
 * another; float64 adds with compensation in 8. Elements that do not fill a group of lanes go to a
 * lane of their own. Relies on compensated.h. */
#ifndef TGK_ROW_SUM_H
#define TGK_ROW_SUM_H

#include "kernels/compensated.h"

#include <math.h>
#include <stdint.h>

enum { TGK_LANES = 8, TGK_REST = 4 };

typedef struct tgk_sum_float {
    double lane[TGK_REST + 1][TGK_LANES];
} tgk_sum_float;

typedef struct tgk_sum_double {
    tgk_compensated lane[TGK_REST + 1][TGK_LANES];
} tgk_sum_double;

TGK_INLINE void tgk_add_float(tgk_sum_float *s, int group, int k, double x)
{
    s->lane[group][k] += x;
}

TGK_INLINE void tgk_add_double(tgk_sum_double *s, int group, int k, double x)
{
    s->lane[group][k] = tgk_compensated_add(s->lane[group][k], x);
}

TGK_INLINE double tgk_total_float(const tgk_sum_float *s)
{
    double a[TGK_LANES];
    for (int k = 0; k < TGK_LANES; k++)
        a[k] = (s->lane[0][k] + s->lane[1][k]) + (s->lane[2][k] + s->lane[3][k]);
    return ((a[0] + a[4]) + (a[2] + a[6])) + ((a[1] + a[5]) + (a[3] + a[7])) + s->lane[TGK_REST][0];
}

TGK_INLINE double tgk_total_double(const tgk_sum_double *s)
{
    tgk_compensated all = s->lane[TGK_REST][0];
    for (int k = 0; k < TGK_LANES; k++) {
        all = tgk_compensated_add(all, s->lane[0][k].sum);
        all.error += s->lane[0][k].error;
    }
    return tgk_compensated_total(all);
}

/* TGK_ROW_T(n, statement) runs a statement for each i from 0 to n, which says by `group` and `k`
 * where sums add it. */
#define TGK_ROW_AT(to_group, to_k, at, ...)                                                        \
    do {                                                                                           \
        const int group = to_group, k = to_k;                                                      \
        const int64_t i = at;                                                                      \
        __VA_ARGS__;                                                                               \
    } while (0)

#define TGK_ROW_float(n, ...)                                                                      \
    do {                                                                                           \
        int64_t at_ = 0;                                                                           \
        for (; at_ + 4 * TGK_LANES <= (n); at_ += 4 * TGK_LANES) {                                 \
            for (int k_ = 0; k_ < TGK_LANES; k_++) {                                               \
                TGK_ROW_AT(0, k_, at_ + k_, __VA_ARGS__);                                          \
                TGK_ROW_AT(1, k_, at_ + TGK_LANES + k_, __VA_ARGS__);                              \
                TGK_ROW_AT(2, k_, at_ + 2 * TGK_LANES + k_, __VA_ARGS__);                          \
                TGK_ROW_AT(3, k_, at_ + 3 * TGK_LANES + k_, __VA_ARGS__);                          \
            }                                                                                      \
        }                                                                                          \
        TGK_ROW_END(n, __VA_ARGS__);                                                               \
    } while (0)

#define TGK_ROW_double(n, ...)                                                                     \
    do {                                                                                           \
        int64_t at_ = 0;                                                                           \
        TGK_ROW_END(n, __VA_ARGS__);                                                               \
    } while (0)

#define TGK_ROW_END(n, ...)                                                                        \
    for (; at_ + TGK_LANES <= (n); at_ += TGK_LANES) {                                             \
        for (int k_ = 0; k_ < TGK_LANES; k_++)                                                     \
            TGK_ROW_AT(0, k_, at_ + k_, __VA_ARGS__);                                              \
    }                                                                                              \
    for (; at_ < (n); at_++)                                                                       \
    TGK_ROW_AT(TGK_REST, 0, at_, __VA_ARGS__)

/* Mean and sum of squared deviations of a row. */
typedef struct tgk_measures {
    double mean, squares;
} tgk_measures;

TGK_INLINE tgk_measures tgk_measure_float(const float *x, int64_t n)
{
    tgk_sum_float sum = {{{0}}}, squares = {{{0}}};
    TGK_ROW_float(n, tgk_add_float(&sum, group, k, (double)x[i]));
    double mean = tgk_total_float(&sum) / (double)n;
    TGK_ROW_float(n, double d = (double)x[i] - mean; tgk_add_float(&squares, group, k, d * d));
    return (tgk_measures){mean, tgk_total_float(&squares)};
}

/* Those of x * scale, a power of two, in x's scale. What the mean's rounding leaves is taken out of
 * the squares; beside float's that is nothing. */
TGK_INLINE tgk_measures tgk_measure_scaled(const double *x, int64_t n, double scale)
{
    tgk_sum_double sum = {{{{0}}}}, squares = {{{{0}}}}, rest = {{{{0}}}};
    TGK_ROW_double(n, tgk_add_double(&sum, group, k, x[i] * scale));
    double mean = tgk_total_double(&sum) / (double)n;
    TGK_ROW_double(n, double d = x[i] * scale - mean; tgk_add_double(&squares, group, k, d * d);
                   tgk_add_double(&rest, group, k, d));
    double left = tgk_total_double(&rest), all = tgk_total_double(&squares);
    return (tgk_measures){mean / scale, (all - left * left / (double)n) / scale / scale};
}

/* Where a sum overflows on the way: compensation makes nan of an infinity. */
static inline tgk_measures tgk_measure_large(const double *x, int64_t n)
{
    return tgk_measure_scaled(x, n, 0x1p-600);
}

TGK_INLINE tgk_measures tgk_measure_double(const double *x, int64_t n)
{
    tgk_measures m = tgk_measure_scaled(x, n, 1);
    return isfinite(m.squares) ? m : tgk_measure_large(x, n);
}

/* x / d; float32 multiplies with the reciprocal, which is exact enough before it is rounded. */
TGK_INLINE double tgk_over_float(double x, double d, double reciprocal)
{
    (void)d;
    return x * reciprocal;
}

TGK_INLINE double tgk_over_double(double x, double d, double reciprocal)
{
    (void)reciprocal;
    return x / d;
}

#endif

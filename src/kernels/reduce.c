/* Sums, see reduce.h. */
#include "reduce.h"

#include "compensated.h"

#include <stdbool.h>
#include <stddef.h>

/* Lanes of the accumulators: fixed, whatever vectors the machine has. */
enum { LANES = 8, COLUMNS = 64 };

static double sum_f32(const float *x, int64_t n)
{
    double lane[LANES] = {0};
    int64_t i = 0;
    for (; i + LANES <= n; i += LANES) {
        for (int k = 0; k < LANES; k++)
            lane[k] += (double)x[i + k];
    }
    for (int k = 0; i < n; i++, k++)
        lane[k] += (double)x[i];
    return ((lane[0] + lane[4]) + (lane[1] + lane[5])) +
           ((lane[2] + lane[6]) + (lane[3] + lane[7]));
}

static double sum_f64(const double *x, int64_t n)
{
    tgk_compensated lane[LANES] = {{0, 0}};
    int64_t i = 0;
    for (; i + LANES <= n; i += LANES) {
        for (int k = 0; k < LANES; k++)
            lane[k] = tgk_compensated_add(lane[k], x[i + k]);
    }
    for (int k = 0; i < n; i++, k++)
        lane[k] = tgk_compensated_add(lane[k], x[i]);
    for (int k = 1; k < LANES; k++) {
        lane[0] = tgk_compensated_add(lane[0], lane[k].sum);
        lane[0].error += lane[k].error;
    }
    return tgk_compensated_total(lane[0]);
}

/* Columns of [n][inner], some at a time: they fit a small array, and rows are read in order. */
static void columns_f32(float *out, const float *x, int64_t n, int64_t inner, double divisor)
{
    for (int64_t from = 0; from < inner; from += COLUMNS) {
        int width = inner - from < COLUMNS ? (int)(inner - from) : COLUMNS;
        double column[COLUMNS] = {0};
        for (int64_t i = 0; i < n; i++) {
            for (int k = 0; k < width; k++)
                column[k] += (double)x[i * inner + from + k];
        }
        for (int k = 0; k < width; k++)
            out[from + k] = (float)(column[k] / divisor);
    }
}

static void columns_f64(double *out, const double *x, int64_t n, int64_t inner, double divisor)
{
    for (int64_t from = 0; from < inner; from += COLUMNS) {
        int width = inner - from < COLUMNS ? (int)(inner - from) : COLUMNS;
        tgk_compensated column[COLUMNS] = {{0, 0}};
        for (int64_t i = 0; i < n; i++) {
            for (int k = 0; k < width; k++)
                column[k] = tgk_compensated_add(column[k], x[i * inner + from + k]);
        }
        for (int k = 0; k < width; k++)
            out[from + k] = tgk_compensated_total(column[k]) / divisor;
    }
}

static void float_sum(void *out, const void *x, int64_t outer, int64_t n, int64_t inner,
                      double divisor)
{
    for (int64_t i = 0; i < outer; i++) {
        const float *in = (const float *)x + i * n * inner;
        float *to = (float *)out + i * inner;
        if (inner == 1)
            *to = (float)(sum_f32(in, n) / divisor);
        else
            columns_f32(to, in, n, inner, divisor);
    }
}

static void double_sum(void *out, const void *x, int64_t outer, int64_t n, int64_t inner,
                       double divisor)
{
    for (int64_t i = 0; i < outer; i++) {
        const double *in = (const double *)x + i * n * inner;
        double *to = (double *)out + i * inner;
        if (inner == 1)
            *to = sum_f64(in, n) / divisor;
        else
            columns_f64(to, in, n, inner, divisor);
    }
}

/* Integers wrap around as in PyTorch; unsigned, because signed overflow is undefined. */
#define INTEGER_SUM(name, T)                                                                       \
    static void name(void *out, const void *x, int64_t outer, int64_t n, int64_t inner,            \
                     double divisor)                                                               \
    {                                                                                              \
        (void)divisor;                                                                             \
        const T *in = x;                                                                           \
        for (int64_t i = 0; i < outer; i++) {                                                      \
            for (int64_t k = 0; k < inner; k++) {                                                  \
                uint64_t sum = 0;                                                                  \
                for (int64_t j = 0; j < n; j++)                                                    \
                    sum += (uint64_t)in[(i * n + j) * inner + k];                                  \
                ((int64_t *)out)[i * inner + k] = (int64_t)sum;                                    \
            }                                                                                      \
        }                                                                                          \
    }

INTEGER_SUM(int64_sum, int64_t)
INTEGER_SUM(bool_sum, bool)

tgk_sum *const tgk_sum_table[4] = {float_sum, double_sum, int64_sum, bool_sum};

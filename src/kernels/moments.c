/* Means and variances of rows, see moments.h. */
#include "moments.h"

#include "compensated.h"

#include <math.h>

enum { LANES = 8 };

/* A sum in lanes; element i goes to lane i % LANES. `error` is what additions lost. */
typedef struct sum {
    double sum[LANES], error[LANES];
} sum;

/* Adding to a sum of float values, for which double is enough, and of doubles. */
TGK_INLINE void add_float(sum *s, int k, double x)
{
    s->sum[k] += x;
}

TGK_INLINE void add_double(sum *s, int k, double x)
{
    tgk_compensated next = tgk_compensated_add((tgk_compensated){s->sum[k], s->error[k]}, x);
    s->sum[k] = next.sum;
    s->error[k] = next.error;
}

TGK_INLINE double total(const sum *s)
{
    tgk_compensated all = {s->sum[0], s->error[0]};
    for (int k = 1; k < LANES; k++) {
        all = tgk_compensated_add(all, s->sum[k]);
        all.error += s->error[k];
    }
    return tgk_compensated_total(all);
}

/* Adds an expression in i, for i from 0 to n. */
#define ROW_SUM(T, a, n, expression)                                                               \
    do {                                                                                           \
        int64_t whole = 0;                                                                         \
        for (; whole + LANES <= (n); whole += LANES) {                                             \
            for (int k = 0; k < LANES; k++) {                                                      \
                int64_t i = whole + k;                                                             \
                add_##T(&(a), k, expression);                                                      \
            }                                                                                      \
        }                                                                                          \
        for (int64_t i = whole; i < (n); i++)                                                      \
            add_##T(&(a), (int)(i % LANES), expression);                                           \
    } while (0)

/* What is multiplied by for x / d: for float a reciprocal is exact enough. */
TGK_INLINE double over_float(double x, double d, double reciprocal)
{
    (void)d;
    return x * reciprocal;
}

TGK_INLINE double over_double(double x, double d, double reciprocal)
{
    (void)reciprocal;
    return x / d;
}

/* Mean and sum of squared deviations of a row. */
typedef struct moments {
    double mean, squares;
} moments;

/* Two passes; what the mean's rounding leaves is taken out of the squares. */
#define MOMENTS(T)                                                                                 \
    TGK_INLINE moments moments_##T(const T *x, int64_t n)                                          \
    {                                                                                              \
        sum s = {{0}, {0}}, squares = {{0}, {0}}, rest = {{0}, {0}};                               \
        ROW_SUM(T, s, n, (double)x[i]);                                                            \
        double mean = total(&s) / (double)n;                                                       \
        ROW_SUM(T, squares, n, ((double)x[i] - mean) * ((double)x[i] - mean));                     \
        ROW_SUM(T, rest, n, (double)x[i] - mean);                                                  \
        double left = total(&rest);                                                                \
        return (moments){mean, total(&squares) - left * left / (double)n};                         \
    }                                                                                              \
                                                                                                   \
    TGK_INLINE double variance_##T(const tgk_moments *m, int64_t row)                              \
    {                                                                                              \
        double divisor = (double)m->n - m->param;                                                  \
        return moments_##T((const T *)m->x + row * m->n, m->n).squares /                           \
               (divisor > 0 ? divisor : 0);                                                        \
    }                                                                                              \
                                                                                                   \
    TGK_INLINE void var_##T##_body(void *context, int64_t from, int64_t to)                        \
    {                                                                                              \
        const tgk_moments *m = context;                                                            \
        for (int64_t row = from; row < to; row++)                                                  \
            ((T *)m->out)[row] = (T)variance_##T(m, row);                                          \
    }                                                                                              \
                                                                                                   \
    TGK_INLINE void std_##T##_body(void *context, int64_t from, int64_t to)                        \
    {                                                                                              \
        const tgk_moments *m = context;                                                            \
        for (int64_t row = from; row < to; row++)                                                  \
            ((T *)m->out)[row] = (T)sqrt(variance_##T(m, row));                                    \
    }                                                                                              \
                                                                                                   \
    TGK_INLINE void normalise_##T##_body(void *context, int64_t from, int64_t to)                  \
    {                                                                                              \
        const tgk_moments *m = context;                                                            \
        for (int64_t row = from; row < to; row++) {                                                \
            const T *x = (const T *)m->x + row * m->n;                                             \
            T *y = (T *)m->out + row * m->n;                                                       \
            moments at = moments_##T(x, m->n);                                                     \
            double deviation = sqrt(at.squares / (double)m->n + m->param);                         \
            double reciprocal = 1 / deviation;                                                     \
            m->deviations[row] = deviation;                                                        \
            for (int64_t i = 0; i < m->n; i++)                                                     \
                y[i] = (T)over_##T((double)x[i] - at.mean, deviation, reciprocal);                 \
        }                                                                                          \
    }                                                                                              \
                                                                                                   \
    TGK_INLINE void gradient_##T##_body(void *context, int64_t from, int64_t to)                   \
    {                                                                                              \
        const tgk_moments *m = context;                                                            \
        for (int64_t row = from; row < to; row++) {                                                \
            const T *y = (const T *)m->x + row * m->n, *g = (const T *)m->g + row * m->n;          \
            T *dx = (T *)m->out + row * m->n;                                                      \
            sum up = {{0}, {0}}, along = {{0}, {0}};                                               \
            ROW_SUM(T, up, m->n, (double)g[i]);                                                    \
            ROW_SUM(T, along, m->n, (double)g[i] * (double)y[i]);                                  \
            double mean = total(&up) / (double)m->n, slope = total(&along) / (double)m->n;         \
            double deviation = m->deviations[row], reciprocal = 1 / deviation;                     \
            for (int64_t i = 0; i < m->n; i++)                                                     \
                dx[i] = (T)over_##T(((double)g[i] - mean) - (double)y[i] * slope, deviation,       \
                                    reciprocal);                                                   \
        }                                                                                          \
    }                                                                                              \
    TGK_EACH_ISA(var_##T, (void *context, int64_t from, int64_t to), (context, from, to))          \
    TGK_EACH_ISA(std_##T, (void *context, int64_t from, int64_t to), (context, from, to))          \
    TGK_EACH_ISA(normalise_##T, (void *context, int64_t from, int64_t to), (context, from, to))    \
    TGK_EACH_ISA(gradient_##T, (void *context, int64_t from, int64_t to), (context, from, to))

MOMENTS(float)
MOMENTS(double)

const tgk_moments_kernel tgk_var_table[2] = {var_float, var_double};
const tgk_moments_kernel tgk_std_table[2] = {std_float, std_double};
const tgk_moments_kernel tgk_normalise_table[2] = {normalise_float, normalise_double};
const tgk_moments_kernel tgk_normalise_gradient_table[2] = {gradient_float, gradient_double};

void tgk_moments_run(tgk_team *team, tgk_range *body, tgk_moments *m)
{
    tgk_share_rows(team, m->rows, m->n, body, m);
}

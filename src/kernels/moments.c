/* Means and variances of rows, see moments.h. */
#include "moments.h"

#include "compensated.h"

#include <math.h>

enum { LANES = 8 };

typedef tgk_compensated sum;

/* Adding to a sum of float values, for which double is enough, and of doubles. */
TGK_INLINE sum add_float(sum a, double x)
{
    a.sum += x;
    return a;
}

TGK_INLINE sum add_double(sum a, double x)
{
    return tgk_compensated_add(a, x);
}

TGK_INLINE double total(const sum lane[LANES])
{
    sum all = lane[0];
    for (int k = 1; k < LANES; k++) {
        all = tgk_compensated_add(all, lane[k].sum);
        all.error += lane[k].error;
    }
    return tgk_compensated_total(all);
}

/* The sum of an expression in i, for i from 0 to n, with element i in lane i % LANES. */
#define ROW_SUM(T, lane, n, expression)                                                            \
    do {                                                                                           \
        int64_t whole = 0;                                                                         \
        for (; whole + LANES <= (n); whole += LANES) {                                             \
            for (int k = 0; k < LANES; k++) {                                                      \
                int64_t i = whole + k;                                                             \
                (lane)[k] = add_##T((lane)[k], expression);                                        \
            }                                                                                      \
        }                                                                                          \
        for (int64_t i = whole; i < (n); i++)                                                      \
            (lane)[i % LANES] = add_##T((lane)[i % LANES], expression);                            \
    } while (0)

/* Mean and sum of squared deviations of a row. */
typedef struct moments {
    double mean, squares;
} moments;

/* Two passes; what the mean's rounding leaves is taken out of the squares. */
#define MOMENTS(T)                                                                                 \
    TGK_INLINE moments moments_##T(const T *x, int64_t n)                                          \
    {                                                                                              \
        sum s[LANES] = {{0, 0}}, squares[LANES] = {{0, 0}}, rest[LANES] = {{0, 0}};                \
        ROW_SUM(T, s, n, (double)x[i]);                                                            \
        double mean = total(s) / (double)n;                                                        \
        ROW_SUM(T, squares, n, ((double)x[i] - mean) * ((double)x[i] - mean));                     \
        ROW_SUM(T, rest, n, (double)x[i] - mean);                                                  \
        double left = total(rest);                                                                 \
        return (moments){mean, total(squares) - left * left / (double)n};                          \
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
            m->deviations[row] = deviation;                                                        \
            for (int64_t i = 0; i < m->n; i++)                                                     \
                y[i] = (T)(((double)x[i] - at.mean) / deviation);                                  \
        }                                                                                          \
    }                                                                                              \
                                                                                                   \
    TGK_INLINE void gradient_##T##_body(void *context, int64_t from, int64_t to)                   \
    {                                                                                              \
        const tgk_moments *m = context;                                                            \
        for (int64_t row = from; row < to; row++) {                                                \
            const T *y = (const T *)m->x + row * m->n, *g = (const T *)m->g + row * m->n;          \
            T *dx = (T *)m->out + row * m->n;                                                      \
            sum lane[LANES] = {{0, 0}}, along[LANES] = {{0, 0}};                                   \
            ROW_SUM(T, lane, m->n, (double)g[i]);                                                  \
            ROW_SUM(T, along, m->n, (double)g[i] * (double)y[i]);                                  \
            double mean = total(lane) / (double)m->n, slope = total(along) / (double)m->n;         \
            for (int64_t i = 0; i < m->n; i++)                                                     \
                dx[i] = (T)((((double)g[i] - mean) - (double)y[i] * slope) / m->deviations[row]);  \
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

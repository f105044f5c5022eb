/* The kernels of layer_norm, see normalise_rows.h. Relies on row_sum.h. */
#include "kernels/normalise_rows.h"

#include "kernels/row_sum.h"

#include <math.h>

enum { COLUMNS = 128 };

/* Columns that one item of the weight's gradient adds up: double is enough for float. */
typedef struct columns_float {
    double sum[COLUMNS];
} columns_float;

typedef struct columns_double {
    double sum[COLUMNS], error[COLUMNS];
} columns_double;

typedef struct moments {
    double mean, deviation, reciprocal;
} moments;

TGK_INLINE moments moments_of(const tgk_layer_norm *args, int64_t row)
{
    double deviation = args->deviations[row];
    return (moments){args->means[row], deviation, 1 / deviation};
}

/* Adds g h of the rows that begin at g and x, `count` (4 or 1) of them, each n long. */
TGK_INLINE void add_rows_float(columns_float *to, const float *g, const float *x, int64_t n,
                               const moments *m, int count, int width)
{
    TGK_INDEPENDENT
    for (int c = 0; c < width; c++) {
        double sum = (double)g[c] * (((double)x[c] - m[0].mean) * m[0].reciprocal);
        if (count == 4) {
            sum += (double)g[c + n] * (((double)x[c + n] - m[1].mean) * m[1].reciprocal);
            sum += (double)g[c + 2 * n] * (((double)x[c + 2 * n] - m[2].mean) * m[2].reciprocal);
            sum += (double)g[c + 3 * n] * (((double)x[c + 3 * n] - m[3].mean) * m[3].reciprocal);
        }
        to->sum[c] += sum;
    }
}

TGK_INLINE void add_rows_double(columns_double *to, const double *g, const double *x, int64_t n,
                                const moments *m, int count, int width)
{
    for (int r = 0; r < count; r++, g += n, x += n) {
        TGK_INDEPENDENT
        for (int c = 0; c < width; c++) {
            tgk_compensated sum = {to->sum[c], to->error[c]};
            sum = tgk_compensated_add(sum, g[c] * ((x[c] - m[r].mean) / m[r].deviation));
            to->sum[c] = sum.sum;
            to->error[c] = sum.error;
        }
    }
}

TGK_INLINE float column_float(const columns_float *of, int c)
{
    return (float)of->sum[c];
}

TGK_INLINE double column_double(const columns_double *of, int c)
{
    return tgk_compensated_total((tgk_compensated){of->sum[c], of->error[c]});
}

/* In the gradient the slope mean(u h) goes with h: float32 puts both of h's divisions into it. */
TGK_INLINE double along_float(double deviation, moments m)
{
    (void)m;
    return deviation;
}

TGK_INLINE double along_double(double deviation, moments m)
{
    return deviation / m.deviation;
}

TGK_INLINE double slope_float(double mean, moments m)
{
    return mean * m.reciprocal * m.reciprocal;
}

TGK_INLINE double slope_double(double mean, moments m)
{
    (void)m;
    return mean;
}

/* Sums of nothing. */
static const tgk_sum_float none_float;
static const tgk_sum_double none_double;

#define RANGE (void *context, int64_t from, int64_t to)
#define EACH_ISA(name) TGK_EACH_ISA(name, RANGE, (context, from, to))

/* NULL for weight or bias is known where these are called, so that loops do not ask. */
#define LAYER_NORM(T)                                                                              \
    TGK_INLINE void write_##T(T *y, const T *x, moments m, const T *w, const T *b, int64_t n)      \
    {                                                                                              \
        TGK_INDEPENDENT                                                                            \
        for (int64_t i = 0; i < n; i++) {                                                          \
            double h = tgk_over_##T((double)x[i] - m.mean, m.deviation, m.reciprocal);             \
            h = w ? h * (double)w[i] : h;                                                          \
            y[i] = (T)(b ? h + (double)b[i] : h);                                                  \
        }                                                                                          \
    }                                                                                              \
                                                                                                   \
    TGK_INLINE void forward_##T##_body RANGE                                                       \
    {                                                                                              \
        const tgk_layer_norm *args = context;                                                      \
        const T *w = args->weight, *b = args->bias;                                                \
        for (int64_t row = from; row < to; row++) {                                                \
            int64_t n = args->n;                                                                   \
            const T *x = (const T *)args->x + row * n;                                             \
            T *y = (T *)args->out + row * n;                                                       \
            tgk_measures of = tgk_measure_##T(x, n);                                               \
            args->means[row] = of.mean;                                                            \
            args->deviations[row] = sqrt(of.squares / (double)n + args->eps);                      \
            moments m = moments_of(args, row);                                                     \
            if (w && b)                                                                            \
                write_##T(y, x, m, w, b, n);                                                       \
            else if (w)                                                                            \
                write_##T(y, x, m, w, NULL, n);                                                    \
            else if (b)                                                                            \
                write_##T(y, x, m, NULL, b, n);                                                    \
            else                                                                                   \
                write_##T(y, x, m, NULL, NULL, n);                                                 \
        }                                                                                          \
    }                                                                                              \
                                                                                                   \
    TGK_INLINE void gradient_##T(T *dx, const T *g, const T *x, moments m, const T *w, int64_t n)  \
    {                                                                                              \
        tgk_sum_##T up = none_##T, along = none_##T;                                               \
        TGK_ROW_##T(n, double u = w ? (double)g[i] * (double)w[i] : (double)g[i];                  \
                    tgk_add_##T(&up, group, k, u);                                                 \
                    tgk_add_##T(&along, group, k, u * along_##T((double)x[i] - m.mean, m)));       \
        double mean = tgk_total_##T(&up) / (double)n;                                              \
        double slope = slope_##T(tgk_total_##T(&along) / (double)n, m);                            \
        TGK_INDEPENDENT                                                                            \
        for (int64_t i = 0; i < n; i++) {                                                          \
            double u = w ? (double)g[i] * (double)w[i] : (double)g[i];                             \
            double d = (u - mean) - along_##T((double)x[i] - m.mean, m) * slope;                   \
            dx[i] = (T)tgk_over_##T(d, m.deviation, m.reciprocal);                                 \
        }                                                                                          \
    }                                                                                              \
                                                                                                   \
    TGK_INLINE void backward_##T##_body RANGE                                                      \
    {                                                                                              \
        const tgk_layer_norm *args = context;                                                      \
        for (int64_t row = from; row < to; row++) {                                                \
            int64_t n = args->n, start = row * n;                                                  \
            const T *x = (const T *)args->x + start, *g = (const T *)args->g + start;              \
            T *dx = (T *)args->out + start;                                                        \
            if (args->weight)                                                                      \
                gradient_##T(dx, g, x, moments_of(args, row), args->weight, n);                    \
            else                                                                                   \
                gradient_##T(dx, g, x, moments_of(args, row), NULL, n);                            \
        }                                                                                          \
    }                                                                                              \
                                                                                                   \
    TGK_INLINE void weight_##T##_body RANGE                                                        \
    {                                                                                              \
        const tgk_layer_norm *args = context;                                                      \
        for (int64_t block = from; block < to; block++) {                                          \
            int64_t start = block * COLUMNS, n = args->n, row = 0;                                 \
            int width = n - start < COLUMNS ? (int)(n - start) : COLUMNS;                          \
            const T *x = (const T *)args->x + start, *g = (const T *)args->g + start;              \
            columns_##T sums = {.sum = {0}};                                                       \
            for (; row + 4 <= args->rows; row += 4) {                                              \
                const moments m[] = {moments_of(args, row), moments_of(args, row + 1),             \
                                     moments_of(args, row + 2), moments_of(args, row + 3)};        \
                add_rows_##T(&sums, g + row * n, x + row * n, n, m, 4, width);                     \
            }                                                                                      \
            for (; row < args->rows; row++) {                                                      \
                const moments m = moments_of(args, row);                                           \
                add_rows_##T(&sums, g + row * n, x + row * n, n, &m, 1, width);                    \
            }                                                                                      \
            for (int c = 0; c < width; c++)                                                        \
                ((T *)args->out)[start + c] = column_##T(&sums, c);                                \
        }                                                                                          \
    }                                                                                              \
    EACH_ISA(forward_##T);                                                                         \
    EACH_ISA(backward_##T);                                                                        \
    EACH_ISA(weight_##T)

LAYER_NORM(float);
LAYER_NORM(double);

const tgk_layer_norm_kernels tgk_layer_norm_table[2] = {
    {forward_float, backward_float, weight_float},
    {forward_double, backward_double, weight_double}};

void tgk_layer_norm_run(tgk_team *team, tgk_range *body, tgk_layer_norm *args)
{
    tgk_share_rows(team, args->rows, args->n, body, args);
}

void tgk_layer_norm_run_columns(tgk_team *team, tgk_range *body, tgk_layer_norm *args)
{
    tgk_share_rows(team, (args->n + COLUMNS - 1) / COLUMNS, args->rows * COLUMNS, body, args);
}

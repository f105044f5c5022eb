/* Reductions of rows, see rows.h. */
#include "kernels/rows.h"

#include "kernels/compensated.h"

#include <math.h>
#include <stdbool.h>

typedef tgk_compensated sum;

/* Comparison `op`; x != x holds for nan alone. */
#define EXTREME(name, T, op)                                                                       \
    static void name##_##T(void *out, const void *in, int64_t rows, int64_t n, double param)       \
    {                                                                                              \
        (void)param;                                                                               \
        for (int64_t i = 0; i < rows; i++) {                                                       \
            const T *x = (const T *)in + i * n;                                                    \
            T best = x[0];                                                                         \
            for (int64_t k = 1; k < n && best == best; k++)                                        \
                best = x[k] op best || x[k] != x[k] ? x[k] : best;                                 \
            ((T *)out)[i] = best;                                                                  \
        }                                                                                          \
    }                                                                                              \
                                                                                                   \
    static void arg##name##_##T(int64_t *out, const void *in, int64_t outer, int64_t n,            \
                                int64_t inner)                                                     \
    {                                                                                              \
        for (int64_t i = 0; i < outer * inner; i++) {                                              \
            const T *x = (const T *)in + i / inner * n * inner + i % inner;                        \
            int64_t at = 0;                                                                        \
            for (int64_t k = 1; k < n && x[at * inner] == x[at * inner]; k++) {                    \
                if (x[k * inner] op x[at * inner] || x[k * inner] != x[k * inner])                 \
                    at = k;                                                                        \
            }                                                                                      \
            out[i] = at;                                                                           \
        }                                                                                          \
    }

EXTREME(max, float, >)
EXTREME(max, double, >)
EXTREME(max, int64_t, >)
EXTREME(max, bool, >)
EXTREME(min, float, <)
EXTREME(min, double, <)
EXTREME(min, int64_t, <)
EXTREME(min, bool, <)

tgk_row_reduce *const tgk_max_table[4] = {max_float, max_double, max_int64_t, max_bool};
tgk_row_reduce *const tgk_min_table[4] = {min_float, min_double, min_int64_t, min_bool};
tgk_index_of *const tgk_argmax_table[4] = {argmax_float, argmax_double, argmax_int64_t,
                                           argmax_bool};
tgk_index_of *const tgk_argmin_table[4] = {argmin_float, argmin_double, argmin_int64_t,
                                           argmin_bool};

#define CUMSUM(T, Tout, Tsum, start, add, total)                                                   \
    static void cumsum_##T(void *out, const void *in, int64_t outer, int64_t n, int64_t inner,     \
                           int backward)                                                           \
    {                                                                                              \
        for (int64_t i = 0; i < outer * inner; i++) {                                              \
            int64_t first = i / inner * n * inner + i % inner;                                     \
            Tsum s = start;                                                                        \
            for (int64_t k = 0; k < n; k++) {                                                      \
                int64_t at = first + (backward ? n - 1 - k : k) * inner;                           \
                s = add;                                                                           \
                ((Tout *)out)[at] = (Tout)(total);                                                 \
            }                                                                                      \
        }                                                                                          \
    }

#define X (((const double *)in)[at])
CUMSUM(float, float, double, 0, s + (double)((const float *)in)[at], s)
CUMSUM(double, double, sum, ((sum){0, 0}), tgk_compensated_add(s, X), tgk_compensated_total(s))
CUMSUM(int64_t, int64_t, uint64_t, 0, s + (uint64_t)((const int64_t *)in)[at], s)
CUMSUM(bool, int64_t, uint64_t, 0, s + ((const bool *)in)[at], s)

tgk_running *const tgk_cumsum_table[4] = {cumsum_float, cumsum_double, cumsum_int64_t, cumsum_bool};

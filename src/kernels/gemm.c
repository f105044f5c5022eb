/* Matrix product, see gemm.h. Rows of b are walked in order; columns are taken a strip at a time, so
 * that a strip of the result stays in registers. */
#include "gemm.h"

#include <math.h>
#include <stddef.h>

enum { STRIP = 32 };

#define GEMM(T, fma)                                                                               \
    static const T *pack_##T(const tgk_gemm_args *args)                                            \
    {                                                                                              \
        const T *b = args->b.data;                                                                 \
        if (args->b.column == 1)                                                                   \
            return b;                                                                              \
        T *packed = args->packed;                                                                  \
        for (int64_t j = 0; j < args->n; j++) {                                                    \
            for (int64_t p = 0; p < args->k; p++)                                                  \
                packed[p * args->n + j] = b[p * args->b.row + j * args->b.column];                 \
        }                                                                                          \
        return packed;                                                                             \
    }                                                                                              \
                                                                                                   \
    static void strip_##T(const tgk_gemm_args *args, const T *a, const T *b, int64_t b_row, T *c,  \
                          int width)                                                               \
    {                                                                                              \
        T sum[STRIP] = {0};                                                                        \
        for (int64_t p = 0; p < args->k; p++) {                                                    \
            T x = a[p * args->a.column];                                                           \
            for (int j = 0; j < width; j++)                                                        \
                sum[j] = fma(x, b[p * b_row + j], sum[j]);                                         \
        }                                                                                          \
        for (int j = 0; j < width; j++)                                                            \
            c[j] = sum[j];                                                                         \
    }                                                                                              \
                                                                                                   \
    static void gemm_##T(const tgk_gemm_args *args)                                                \
    {                                                                                              \
        const T *b = pack_##T(args), *bias = args->bias;                                           \
        int64_t b_row = args->b.column == 1 ? args->b.row : args->n;                               \
        for (int64_t i = 0; i < args->m; i++) {                                                    \
            const T *a = (const T *)args->a.data + i * args->a.row;                                \
            T *c = (T *)args->c + i * args->n;                                                     \
            for (int64_t j = 0; j < args->n; j += STRIP) {                                         \
                int64_t left = args->n - j;                                                        \
                strip_##T(args, a, b + j, b_row, c + j, left < STRIP ? (int)left : STRIP);         \
            }                                                                                      \
            for (int64_t j = 0; bias && j < args->n; j++)                                          \
                c[j] += bias[j];                                                                   \
        }                                                                                          \
    }

GEMM(float, fmaf)
GEMM(double, fma)

tgk_gemm *const tgk_gemm_table[2] = {gemm_float, gemm_double};

/* See coefficients.h. */
#include "kernels/loss/coefficients.h"

#define COEFFICIENTS(T)                                                                            \
    static double denominator_##T(const tgk_ce *ce)                                                \
    {                                                                                              \
        const T *weight = ce->weight;                                                              \
        double sum = 0;                                                                            \
        for (int64_t i = 0; i < ce->n * ce->d; i++) {                                              \
            if (ce->target[i] != ce->ignore)                                                       \
                sum += weight ? (double)weight[ce->target[i]] : 1.0;                               \
        }                                                                                          \
        return sum;                                                                                \
    }                                                                                              \
                                                                                                   \
    static void coefficients_##T(const tgk_ce *ce, void *out)                                      \
    {                                                                                              \
        const T *weight = ce->weight;                                                              \
        T *a = out;                                                                                \
        double sum = ce->reduction == TGK_MEAN ? denominator_##T(ce) : 1.0;                        \
        double scale = sum == 0 ? 0 : 1 / sum;                                                     \
        for (int64_t i = 0; i < ce->n * ce->c * ce->d; i++) {                                      \
            int64_t class = i / ce->d % ce->c;                                                     \
            int64_t t = ce->target[i / (ce->c * ce->d) * ce->d + i % ce->d];                       \
            double q = (class == t ? 1 - ce->smoothing : 0) + ce->smoothing / (double)ce->c;       \
            double w = weight ? (double)weight[class] : 1.0;                                       \
            a[i] = (T)(t == ce->ignore ? 0 : w * q * scale);                                       \
        }                                                                                          \
    }

COEFFICIENTS(float)
COEFFICIENTS(double)

tgk_coefficients *const tgk_coefficients_table[2] = {coefficients_float, coefficients_double};

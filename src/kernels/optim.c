/* Optimiser updates, see optim.h. A scalar times a tensor plus a tensor is one fused multiply-add in
 * PyTorch, and so it is here. */
#include "optim.h"

#include <math.h>

#define SGD(T, fma)                                                                                \
    static inline T direction_##T(T p, T g, T *buffer, const tgk_sgd_args *args)                   \
    {                                                                                              \
        T d = args->maximize ? -g : g;                                                             \
        if (args->weight_decay != 0)                                                               \
            d = fma(p, (T)args->weight_decay, d);                                                  \
        if (!buffer)                                                                               \
            return d;                                                                              \
        *buffer = args->first ? d : fma(d, (T)(1 - args->dampening), *buffer * (T)args->momentum); \
        return args->nesterov ? fma(*buffer, (T)args->momentum, d) : *buffer;                      \
    }                                                                                              \
                                                                                                   \
    static void sgd_##T(int64_t n, void *params, const void *grads, void *buffers,                 \
                        const tgk_sgd_args *args)                                                  \
    {                                                                                              \
        T *p = params, *buffer = buffers;                                                          \
        const T *g = grads;                                                                        \
        for (int64_t i = 0; i < n; i++) {                                                          \
            T d = direction_##T(p[i], g[i], buffer ? buffer + i : buffer, args);                   \
            p[i] = fma(d, (T)-args->lr, p[i]);                                                     \
        }                                                                                          \
    }

SGD(float, fmaf)
SGD(double, fma)

tgk_sgd *const tgk_sgd_table[2] = {sgd_float, sgd_double};

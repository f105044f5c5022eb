/* Loops of functions that have a quick way for most elements and another for a few: elements go
 * through buffers, a block at a time, and a block without one of the few is computed by vectors.
 * What an element becomes must not depend on its block. Relies on loops.h. */
#ifndef TGK_BLOCKS_H
#define TGK_BLOCKS_H

#include "kernels/loops.h"

#include <string.h>

enum { TGK_BLOCK = 256 };

/* x becomes the result of x, y and z, as many as there are inputs: n <= TGK_BLOCK elements. */
typedef void tgk_block(int64_t n, double *x, const double *y, const double *z, const void *params);

TGK_INLINE void tgk_take_f32(double *to, const char *from, int64_t stride, int64_t n)
{
    if (stride == sizeof(float)) {
        const float *in = (const float *)(const void *)from;
        for (int64_t i = 0; i < n; i++)
            to[i] = (double)in[i];
        return;
    }
    for (int64_t i = 0; i < n; i++)
        to[i] = (double)*(const float *)(const void *)(from + i * stride);
}

TGK_INLINE void tgk_take_f64(double *to, const char *from, int64_t stride, int64_t n)
{
    if (stride == sizeof(double)) {
        memcpy(to, from, (size_t)n * sizeof(double));
        return;
    }
    for (int64_t i = 0; i < n; i++)
        to[i] = *(const double *)(const void *)(from + i * stride);
}

TGK_INLINE void tgk_put_f32(char *to, int64_t stride, const double *from, int64_t n)
{
    if (stride == sizeof(float)) {
        float *out = (float *)(void *)to;
        for (int64_t i = 0; i < n; i++)
            out[i] = (float)from[i];
        return;
    }
    for (int64_t i = 0; i < n; i++)
        *(float *)(void *)(to + i * stride) = (float)from[i];
}

TGK_INLINE void tgk_put_f64(char *to, int64_t stride, const double *from, int64_t n)
{
    if (stride == sizeof(double)) {
        memcpy(to, from, (size_t)n * sizeof(double));
        return;
    }
    for (int64_t i = 0; i < n; i++)
        *(double *)(void *)(to + i * stride) = from[i];
}

/* A tgk_block: elements x[i] (and y[i], z[i]) become `quick` where all of the block are usual, else
 * `any`, which is the same for those that are. `constant` declares what the others use. */
#define TGK_BLOCK_OF(name, constant, all_usual, quick, any)                                        \
    TGK_INLINE void name(int64_t n, double *x, const double *y, const double *z,                   \
                         const void *params)                                                       \
    {                                                                                              \
        (void)y, (void)z, (void)params;                                                            \
        constant;                                                                                  \
        if (all_usual) {                                                                           \
            for (int64_t i = 0; i < n; i++)                                                        \
                x[i] = (quick);                                                                    \
        } else {                                                                                   \
            for (int64_t i = 0; i < n; i++)                                                        \
                x[i] = (any);                                                                      \
        }                                                                                          \
    }

/* name_T, T f32 or f64, of a function `block` of so many inputs. */
#define TGK_BLOCKS(name, T, inputs, block)                                                         \
    TGK_INLINE void name##_##T##_body(TGK_LOOP_PARAMETERS)                                         \
    {                                                                                              \
        double in[3][TGK_BLOCK];                                                                   \
        for (int64_t at = 0; at < n; at += TGK_BLOCK) {                                            \
            int64_t m = n - at < TGK_BLOCK ? n - at : TGK_BLOCK;                                   \
            for (int k = 0; k < (inputs); k++)                                                     \
                tgk_take_##T(in[k], data[k + 1] + at * s[k + 1], s[k + 1], m);                     \
            block(m, in[0], in[1], in[2], params);                                                 \
            tgk_put_##T(data[0] + at * s[0], s[0], in[0], m);                                      \
        }                                                                                          \
    }                                                                                              \
    TGK_LOOP_EACH_ISA(name##_##T)

#endif

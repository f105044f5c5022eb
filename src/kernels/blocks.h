/* Loops of functions that have a quick way for most elements and another for a few: elements go
 * a block at a time, as doubles, and a block without one of the few is computed by vectors. Doubles side
 * by side are read and written where they lie, others go through buffers.
 * What an element becomes must not depend on its block. Relies on loops.h. */
#ifndef TGK_BLOCKS_H
#define TGK_BLOCKS_H

#include "kernels/loops.h"

enum { TGK_BLOCK = 256 };

/* Results of x, y and z, as many as there are inputs: n <= TGK_BLOCK elements. `out` may be one of them. */
typedef void tgk_block(int64_t n, double *out, const double *x, const double *y, const double *z,
                       const void *params);

/* The elements of an input, where they lie or in `room`. */
TGK_INLINE const double *tgk_take_f32(double *room, const char *from, int64_t stride, int64_t n)
{
    if (stride == sizeof(float)) {
        const float *in = (const float *)(const void *)from;
        for (int64_t i = 0; i < n; i++)
            room[i] = (double)in[i];
        return room;
    }
    for (int64_t i = 0; i < n; i++)
        room[i] = (double)*(const float *)(const void *)(from + i * stride);
    return room;
}

TGK_INLINE const double *tgk_take_f64(double *room, const char *from, int64_t stride, int64_t n)
{
    if (stride == sizeof(double))
        return (const double *)(const void *)from;
    for (int64_t i = 0; i < n; i++)
        room[i] = *(const double *)(const void *)(from + i * stride);
    return room;
}

/* Where results are computed: what tgk_put_T() then brings to `to`, where they lie side by side. */
TGK_INLINE double *tgk_place_f32(double *room, char *to)
{
    (void)to;
    return room;
}

TGK_INLINE double *tgk_place_f64(double *room, char *to)
{
    (void)room;
    return (double *)(void *)to;
}

TGK_INLINE void tgk_put_f32(char *to, const double *from, int64_t n)
{
    float *out = (float *)(void *)to;
    for (int64_t i = 0; i < n; i++)
        out[i] = (float)from[i];
}

TGK_INLINE void tgk_put_f64(char *to, const double *from, int64_t n)
{
    (void)to, (void)from, (void)n; /* they were made there */
}

/* A tgk_block: out[i] becomes `quick` of x[i] (and y[i], z[i]) where all of the block are usual, else
 * `any`, which is the same for those that are. `constant` declares what the others use. */
#define TGK_BLOCK_OF(name, constant, all_usual, quick, any)                                        \
    TGK_INLINE void name(int64_t n, double *out, const double *x, const double *y,                 \
                         const double *z, const void *params)                                      \
    {                                                                                              \
        (void)y, (void)z, (void)params;                                                            \
        constant;                                                                                  \
        if (all_usual) {                                                                           \
            TGK_INDEPENDENT                                                                        \
            for (int64_t i = 0; i < n; i++)                                                        \
                out[i] = (quick);                                                                  \
        } else {                                                                                   \
            for (int64_t i = 0; i < n; i++)                                                        \
                out[i] = (any);                                                                    \
        }                                                                                          \
    }

/* name_T, T f32 or f64, of a function `block` of so many inputs, for results that lie side by side: those of a new
 * tensor. */
#define TGK_BLOCKS(name, T, inputs, block)                                                         \
    TGK_INLINE void name##_##T##_body(TGK_LOOP_PARAMETERS)                                         \
    {                                                                                              \
        double room[3][TGK_BLOCK];                                                                 \
        const double *in[3] = {room[0], room[1], room[2]};                                         \
        for (int64_t at = 0; at < n; at += TGK_BLOCK) {                                            \
            int64_t m = n - at < TGK_BLOCK ? n - at : TGK_BLOCK;                                   \
            double *out = tgk_place_##T(room[0], data[0] + at * s[0]);                             \
            for (int k = 0; k < (inputs); k++)                                                     \
                in[k] = tgk_take_##T(room[k], data[k + 1] + at * s[k + 1], s[k + 1], m);           \
            block(m, out, in[0], in[1], in[2], params);                                            \
            tgk_put_##T(data[0] + at * s[0], out, m);                                              \
        }                                                                                          \
    }                                                                                              \
    TGK_LOOP_EACH_ISA(name##_##T)

#endif

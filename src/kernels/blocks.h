/* Loops of functions that have a quick way for most elements and another for a few: elements go
 * a block at a time, as doubles, and a block without one of the few is computed by vectors. Doubles
 * are read and written where they lie, floats go through buffers.
 * What an element becomes must not depend on its block. Relies on loops.h. */
#ifndef TGK_BLOCKS_H
#define TGK_BLOCKS_H

#include "kernels/loops.h"

enum { TGK_BLOCK = 256 };

/* Results of x, y and z, as many as there are inputs: n <= TGK_BLOCK elements. `out` may be one of them. */
typedef void tgk_block(int64_t n, double *out, const double *x, const double *y, const double *z,
                       const void *params);

typedef float tgk_block_f32;
typedef double tgk_block_f64;

/* Elements of an input, as doubles: in `room`, or where they lie. */
TGK_INLINE const double *tgk_take_f32(double *room, const float *in, int64_t n)
{
    for (int64_t i = 0; i < n; i++)
        room[i] = (double)in[i];
    return room;
}

TGK_INLINE const double *tgk_take_f64(double *room, const double *in, int64_t n)
{
    (void)room, (void)n;
    return in;
}

/* Where results are computed: what tgk_put_T() then brings to `to`. */
TGK_INLINE double *tgk_place_f32(double *room, float *to)
{
    (void)to;
    return room;
}

TGK_INLINE double *tgk_place_f64(double *room, double *to)
{
    (void)room;
    return to;
}

TGK_INLINE void tgk_put_f32(float *to, const double *from, int64_t n)
{
    for (int64_t i = 0; i < n; i++)
        to[i] = (float)from[i];
}

TGK_INLINE void tgk_put_f64(double *to, const double *from, int64_t n)
{
    (void)to, (void)from, (void)n;
}

/* Whether operand 0 and so many inputs are dense, of elements of so many bytes. */
TGK_INLINE bool tgk_blocks_dense(const int64_t *s, int inputs, int64_t bytes)
{
    return s[0] == bytes && s[1] == bytes && (inputs < 2 || s[2] == bytes) &&
           (inputs < 3 || s[3] == bytes);
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

/* name_T, T f32 or f64, of a function `block` of so many inputs. */
#define TGK_BLOCKS(name, T, inputs, block)                                                         \
    TGK_INLINE void name##_##T##_body(TGK_LOOP_PARAMETERS, tgk_loop *self)                         \
    {                                                                                              \
        enum { B_ = sizeof(tgk_block_##T) };                                                       \
        TGK_ELSEWHERE(tgk_blocks_dense(s, inputs, B_), B_, B_, (inputs) < 2 ? 0 : B_,              \
                      (inputs) < 3 ? 0 : B_)                                                       \
        TGK_WHOLE(B_, B_, (inputs) < 2 ? 0 : B_, (inputs) < 3 ? 0 : B_)                            \
        double room[3][TGK_BLOCK];                                                                 \
        const double *in[3] = {room[0], room[1], room[2]};                                         \
        for (int64_t at = 0; at < n; at += TGK_BLOCK) {                                            \
            int64_t m = n - at < TGK_BLOCK ? n - at : TGK_BLOCK;                                   \
            m &= -TGK_LOOP_GROUP;                                                                  \
            tgk_block_##T *to = (tgk_block_##T *)(void *)data[0] + at;                             \
            double *out = tgk_place_##T(room[0], to);                                              \
            for (int k = 0; k < (inputs); k++)                                                     \
                in[k] = tgk_take_##T(room[k], TGK_ARRAY(tgk_block_##T, k + 1) + at, m);            \
            block(m, out, in[0], in[1], in[2], params);                                            \
            tgk_put_##T(to, out, m);                                                               \
        }                                                                                          \
    }                                                                                              \
    TGK_DENSE_EACH_ISA(name##_##T)

#endif

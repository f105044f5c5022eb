/* Loops of functions that have a quick way for most elements and another for a few: elements go
 * a block at a time, as doubles, and a block without one of the few is computed by vectors. Doubles side
 * by side are read and written where they lie, others go through buffers.
 * What an element becomes must not depend on its block. Relies on loops.h. */
#ifndef TGK_BLOCKS_H
#define TGK_BLOCKS_H

#include "kernels/loops.h"

enum { TGK_BLOCK = 256 };

#define TGK_BLOCK_PARAMETERS                                                                       \
    int64_t n, double *out, const double *x, const double *y, const double *z, const void *params

/* Results of x, y and z, as many as there are inputs: n <= TGK_BLOCK elements, whole vectors of the instruction
 * set. `out` may be one of them. */
typedef void tgk_block(TGK_BLOCK_PARAMETERS);

/* Of an instruction set. */
typedef struct tgk_blocked {
    tgk_block *block;
    int inputs, isa;
} tgk_blocked;

/* The loop over floats and doubles, for results that lie side by side: those of a new tensor. */
void tgk_blocks_f32(TGK_LOOP_PARAMETERS, const tgk_blocked *by);
void tgk_blocks_f64(TGK_LOOP_PARAMETERS, const tgk_blocked *by);

/* name[isa], a tgk_block: out[i] becomes `quick` of x[i] (and y[i], z[i]) where all of the block are usual, else
 * `any`, which is the same for those that are. `constant` declares what the others use. */
#define TGK_BLOCK_OF(name, constant, all_usual, quick, any)                                        \
    TGK_INLINE void name##_any_body(TGK_BLOCK_PARAMETERS)                                          \
    {                                                                                              \
        (void)y, (void)z, (void)params;                                                            \
        constant;                                                                                  \
        for (int64_t i = 0; i < n; i++)                                                            \
            out[i] = (any);                                                                        \
    }                                                                                              \
    TGK_RARELY_EACH_ISA(name##_any, (TGK_BLOCK_PARAMETERS), (n, out, x, y, z, params));            \
    TGK_INLINE void name##_body(TGK_BLOCK_PARAMETERS, tgk_block *any_block)                        \
    {                                                                                              \
        (void)y, (void)z, (void)params;                                                            \
        constant;                                                                                  \
        if (!(all_usual)) {                                                                        \
            any_block(n, out, x, y, z, params);                                                    \
            return;                                                                                \
        }                                                                                          \
        TGK_INDEPENDENT                                                                            \
        for (int64_t i = 0; i < n; i++)                                                            \
            out[i] = (quick);                                                                      \
    }                                                                                              \
    TGK_LONG_EACH_ISA(name, (TGK_BLOCK_PARAMETERS),                                                \
                      (tgk_whole(n, tgk_this_isa, sizeof(double)), out, x, y, z, params,           \
                       name##_any[tgk_this_isa]));

/* name_T, T f32 or f64, of a block of so many inputs. */
#define TGK_BLOCKS(name, T, inputs, block)                                                         \
    TGK_INLINE void name##_##T##_body(TGK_LOOP_PARAMETERS, int isa)                                \
    {                                                                                              \
        tgk_blocks_##T(n, data, s, params, &(const tgk_blocked){block[isa], inputs, isa});         \
    }                                                                                              \
    TGK_EACH_ISA(name##_##T, (TGK_LOOP_PARAMETERS), (n, data, s, params, tgk_this_isa))

#endif

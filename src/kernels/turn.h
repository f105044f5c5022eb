/* Transposes of small blocks. Relies on isa.h. */
#ifndef TGK_TURN_H
#define TGK_TURN_H

#include "kernels/isa.h"

#include <stdint.h>

#ifdef __clang__
#define TGK_SHUFFLE(places, a, b, ...) __builtin_shufflevector(a, b, __VA_ARGS__)
#else
#define TGK_SHUFFLE(places, a, b, ...) __builtin_shuffle(a, b, (places){__VA_ARGS__})
#endif

typedef int64_t tgk_two_places __attribute__((vector_size(16)));
typedef int32_t tgk_four_places __attribute__((vector_size(16)));
typedef double tgk_two_doubles
    __attribute__((vector_size(16), aligned(_Alignof(double)), may_alias));
typedef float tgk_four_floats __attribute__((vector_size(16), aligned(4), may_alias));

/* Rows, and columns, of a block. */
enum { TGK_TURN_float = 4, TGK_TURN_double = 2 };

/* Writes a block's transpose; its rows are `apart` from each other, those of the transpose `to_apart`. */
TGK_INLINE void tgk_turn_double(double *to, int64_t to_apart, const double *from, int64_t apart)
{
    const tgk_two_doubles a = *(const tgk_two_doubles *)from;
    const tgk_two_doubles b = *(const tgk_two_doubles *)(from + apart);
    *(tgk_two_doubles *)to = TGK_SHUFFLE(tgk_two_places, a, b, 0, 2);
    *(tgk_two_doubles *)(to + to_apart) = TGK_SHUFFLE(tgk_two_places, a, b, 1, 3);
}

TGK_INLINE void tgk_turn_float(float *to, int64_t to_apart, const float *from, int64_t apart)
{
    const tgk_four_floats a = *(const tgk_four_floats *)from;
    const tgk_four_floats b = *(const tgk_four_floats *)(from + apart);
    const tgk_four_floats c = *(const tgk_four_floats *)(from + 2 * apart);
    const tgk_four_floats d = *(const tgk_four_floats *)(from + 3 * apart);
    const tgk_four_floats ac = TGK_SHUFFLE(tgk_four_places, a, c, 0, 4, 1, 5);
    const tgk_four_floats bd = TGK_SHUFFLE(tgk_four_places, b, d, 0, 4, 1, 5);
    const tgk_four_floats ac_high = TGK_SHUFFLE(tgk_four_places, a, c, 2, 6, 3, 7);
    const tgk_four_floats bd_high = TGK_SHUFFLE(tgk_four_places, b, d, 2, 6, 3, 7);
    *(tgk_four_floats *)to = TGK_SHUFFLE(tgk_four_places, ac, bd, 0, 4, 1, 5);
    *(tgk_four_floats *)(to + to_apart) = TGK_SHUFFLE(tgk_four_places, ac, bd, 2, 6, 3, 7);
    *(tgk_four_floats *)(to + 2 * to_apart) =
        TGK_SHUFFLE(tgk_four_places, ac_high, bd_high, 0, 4, 1, 5);
    *(tgk_four_floats *)(to + 3 * to_apart) =
        TGK_SHUFFLE(tgk_four_places, ac_high, bd_high, 2, 6, 3, 7);
}

#endif

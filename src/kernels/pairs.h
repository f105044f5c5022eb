/* pairs.h: doubles side by side in plain C, as vectors where the compiler has such for machines of
 * every kind, with the arithmetic of fused.h. Relies on fused.h. */
#ifndef TGK_PAIRS_H
#define TGK_PAIRS_H

#include "kernels/fused.h"

#include <stdbool.h>

/* How many are side by side: one where there are no such vectors. */
#if defined(__clang__) || (defined(__GNUC__) && __GNUC__ >= 9)
enum { TGK_PAIR = 2 };
typedef double tgk_pair __attribute__((vector_size(16)));
typedef uint64_t tgk_pair_bits __attribute__((vector_size(16)));
#else
enum { TGK_PAIR = 1 };
typedef double tgk_pair;
typedef uint64_t tgk_pair_bits;
#endif

TGK_INLINE tgk_pair tgk_pair_at(const double *p)
{
    tgk_pair x;
    memcpy(&x, p, sizeof x);
    return x;
}

TGK_INLINE void tgk_pair_put(double *p, tgk_pair x)
{
    memcpy(p, &x, sizeof x);
}

/* Both x. */
TGK_INLINE tgk_pair tgk_pair_of(double x)
{
    return x - (tgk_pair){0}; /* which keeps -0 */
}

TGK_INLINE tgk_pair_bits tgk_pair_to_bits(tgk_pair x)
{
    tgk_pair_bits bits;
    memcpy(&bits, &x, sizeof bits);
    return bits;
}

TGK_INLINE tgk_pair tgk_pair_from_bits(tgk_pair_bits bits)
{
    tgk_pair x;
    memcpy(&x, &bits, sizeof x);
    return x;
}

/* As a float each. */
TGK_INLINE tgk_pair tgk_pair_rounded(tgk_pair x)
{
#if defined(__clang__) || (defined(__GNUC__) && __GNUC__ >= 9)
    typedef float floats __attribute__((vector_size(8)));
    return __builtin_convertvector(__builtin_convertvector(x, floats), tgk_pair);
#else
    return (double)(float)x;
#endif
}

/* All ones in the lower half, at least, where the bits are the same. */
TGK_INLINE tgk_pair_bits tgk_pair_same(tgk_pair_bits x, tgk_pair_bits y)
{
#if defined(__clang__) || (defined(__GNUC__) && __GNUC__ >= 9)
    typedef int32_t words __attribute__((vector_size(16))); /* SSE2 compares no longer ones */
    return (tgk_pair_bits)((words)x == (words)y);
#else
    return x == y ? UINT32_MAX : 0;
#endif
}

/* Whether the lower half of one is not 0. */
TGK_INLINE bool tgk_pair_any(tgk_pair_bits x)
{
    uint64_t each[TGK_PAIR];
    memcpy(each, &x, sizeof each);
    return (uint32_t)(each[0] | each[TGK_PAIR - 1]) != 0;
}

/* a + b = sum + rest exactly. */
TGK_INLINE tgk_pair tgk_pair_rest(tgk_pair sum, tgk_pair a, tgk_pair b)
{
    tgk_pair part = sum - a;
    return (a - (sum - part)) + (b - part);
}

TGK_INLINE tgk_pair tgk_pair_add_to_odd(tgk_pair a, tgk_pair b)
{
    tgk_pair sum = a + b, rest = tgk_pair_rest(sum, a, b);
    tgk_pair_bits bits = tgk_pair_to_bits(sum), beyond = (bits ^ tgk_pair_to_bits(rest)) >> 63;
    tgk_pair_bits inexact = (tgk_pair_bits)((rest < 0) | (rest > 0)) & 1;
    return tgk_pair_from_bits((bits - (inexact & beyond)) | inexact);
}

/* As tgk_fmaf(), of floats as doubles. */
TGK_INLINE tgk_pair tgk_pair_fmaf(tgk_pair a, tgk_pair b, tgk_pair c)
{
    return tgk_pair_rounded(tgk_pair_add_to_odd(a * b, c));
}

typedef struct tgk_pair_halves {
    tgk_pair hi, lo;
} tgk_pair_halves;

TGK_INLINE tgk_pair_halves tgk_pair_split(tgk_pair x)
{
    tgk_pair t = x * 0x1.0000002p+27, high = t - (t - x);
    return (tgk_pair_halves){high, x - high};
}

/* As tgk_fma_between(), with the halves of a and b at hand. */
TGK_INLINE tgk_pair tgk_pair_fma(tgk_pair a, tgk_pair_halves x, tgk_pair b, tgk_pair_halves y,
                                 tgk_pair c)
{
    tgk_pair p = a * b, error = ((x.hi * y.hi - p) + x.hi * y.lo + x.lo * y.hi) + x.lo * y.lo;
    tgk_pair low = c + error, high = p + low;
    return high + tgk_pair_add_to_odd(tgk_pair_rest(high, p, low), tgk_pair_rest(low, c, error));
}

#endif

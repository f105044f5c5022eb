/* fused.h: a * b + c rounded once, for machines without an instruction for it and libraries whose
 * fma() rounds twice (mingw-w64's does in a quarter of all cases). Exact in all cases: subnormals,
 * infinities, nan, the sign of a zero.
 *
 * The product of two floats is exact in double; that of two doubles is two of them (Dekker 1971,
 * Veltkamp's parts). Sums that are rounded again are first rounded to odd: an inexact one becomes
 * the neighbour whose last bit is set, which the second rounding cannot take for a tie. S. Boldo and
 * G. Melquiond, "Emulation of FMA and correctly rounded sums: proved algorithms using rounding to
 * odd", IEEE Transactions on Computers 57 (2008).
 *
 * Relies on math.h's IEEE arithmetic rounding to nearest and -ffp-contract=off; not on fma(). Written
 * without branches where loops are to vectorise. */
#ifndef TGK_FUSED_H
#define TGK_FUSED_H

#include "kernels/math.h"

/* Whether the instruction is there, or a libm's fma() that is known to be right. Else fused.c has
 * fma() and fmaf() for all of this library, under these names, for compilers call them so. */
#if defined(TGK_LIBRARY_FMA)
#elif defined(__FMA__) || defined(__aarch64__) || defined(__FP_FAST_FMA) || defined(__GLIBC__) ||  \
    defined(__APPLE__) || (defined(__riscv_flen) && __riscv_flen >= 64) ||                         \
    (defined(__ARM_FEATURE_FMA) && defined(__ARM_FP) && (__ARM_FP & 8))
#define TGK_LIBRARY_FMA 1
#else
#define TGK_LIBRARY_FMA 0
#endif

/* Whether the machine has the instruction for floats, for doubles: then it is better than what is below. */
#if defined(__FMA__) || defined(__aarch64__) || defined(__FP_FAST_FMA) || defined(__s390x__) ||    \
    (defined(__riscv_flen) && __riscv_flen >= 64)
#define TGK_FMAF_IS_FAST 1
#define TGK_FMA_IS_FAST 1
#elif defined(__FP_FAST_FMAF) || (defined(__ARM_FEATURE_FMA) && defined(__ARM_FP) && (__ARM_FP & 4))
#define TGK_FMAF_IS_FAST 1
#define TGK_FMA_IS_FAST 0
#else
#define TGK_FMAF_IS_FAST 0
#define TGK_FMA_IS_FAST 0
#endif

/* a + b rounded to odd; where it is not finite, as it is. */
TGK_INLINE double tgk_add_to_odd(double a, double b)
{
    tgk_dd sum = tgk_two_sum(a, b);
    uint64_t bits = tgk_bits(sum.hi), beyond = (bits ^ tgk_bits(sum.lo)) >> 63;
    uint64_t inexact = (uint64_t)(sum.lo < 0) | (uint64_t)(sum.lo > 0);
    return tgk_from_bits((bits - (inexact & beyond)) | inexact);
}

TGK_INLINE float tgk_fmaf(float a, float b, float c)
{
    return (float)tgk_add_to_odd((double)a * (double)b, (double)c);
}

/* x as two halves of at most 26 bits, |x| < 2^996. */
TGK_INLINE tgk_dd tgk_halves(double x)
{
    double t = x * 0x1.0000002p+27, high = t - (t - x);
    return (tgk_dd){high, x - high};
}

/* a * b = p + its error, from their halves. */
TGK_INLINE double tgk_product_error(double p, tgk_dd a, tgk_dd b)
{
    return ((a.hi * b.hi - p) + a.hi * b.lo + a.lo * b.hi) + a.lo * b.lo;
}

/* p + error + c rounded once. */
TGK_INLINE double tgk_add_product(double p, double error, double c)
{
    tgk_dd low = tgk_two_sum(c, error), high = tgk_two_sum(p, low.hi);
    return high.hi + tgk_add_to_odd(high.lo, low.lo);
}

/* The same as fma() where a and b are 0 or their sizes and their product's are within 2^-960 and
 * 2^960, and c's is below that. */
TGK_INLINE double tgk_fma_between(double a, double b, double c)
{
    double p = a * b;
    return tgk_add_product(p, tgk_product_error(p, tgk_halves(a), tgk_halves(b)), c);
}

/* Any, by integers. */
double tgk_fma_any(double a, double b, double c);

/* As fma(). */
TGK_INLINE double tgk_fma(double a, double b, double c)
{
    enum { LEAST = 1023 - 480, SPAN = 960 };
    uint64_t sizes = (uint64_t)SPAN << 52, least = (uint64_t)LEAST << 52, sign = (uint64_t)1 << 63;
    if ((tgk_bits(a) & ~sign) - least < sizes && (tgk_bits(b) & ~sign) - least < sizes &&
        (tgk_bits(c) & ~sign) < least + sizes)
        return tgk_fma_between(a, b, c);
    return tgk_fma_any(a, b, c);
}

#endif

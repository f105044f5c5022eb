/* power.h: x^y = e^(y log x), in double within 1 ulp and for results that are rounded to float; a
 * positive x and finite y go as vectors, all else one element at a time. 1 / sqrt(x) for float.
 *
 * Relies on quick.h, and like it on -ffp-contract=off and a correct fma(). */
#ifndef TGK_POWER_H
#define TGK_POWER_H

#include "kernels/quick.h"

/* log(x) to 2^-43 for a positive float x. */
TGK_INLINE double tgk_quick_log(double x)
{
    uint64_t biased;
    double f = tgk_log_split(x, &biased) - 1, s = f / (2 + f), z = s * s;
    double p = fma(z, 0x1.9111cb7d3afa3p-3, 0x1.c62b58698dbd2p-3);
    p = fma(z, p, 0x1.2494111bb4c8ap-2);
    p = fma(z, p, 0x1.999996ab4ebbfp-2);
    p = fma(z, p, 0x1.555555561d7d0p-1);
    return fma(tgk_quick_exponent(biased), -0x1.62e42fefa39efp-1, fma(s * z, p, 2 * s));
}

TGK_INLINE double tgk_quick_exp_wide(double x)
{
    return tgk_quick_exp(tgk_clamp(x, TGK_QUICK_ZERO, 700));
}

/* For a positive float x and a finite y. */
TGK_INLINE double tgk_quick_pow(double x, double y)
{
    return tgk_quick_exp_wide(y * tgk_quick_log(x));
}

/* log(x) to 2^-63 for finite x > 0. */
TGK_INLINE tgk_dd tgk_log_parts(double x)
{
    uint64_t biased;
    double tiny = x < 0x1p-1022 ? 54 : 0, m = tgk_log_split(tiny > 0 ? x * 0x1p54 : x, &biased);
    double k = -tgk_quick_exponent(biased) - tiny;
    /* s = f / (2 + f); log(m) = 2 s (1 + z / 3 + z^2 / 5 + ...), z = s^2 */
    double f = m - 1, den = 2 + f, den_low = f - (den - 2), inverse = 1 / den, near = f * inverse;
    tgk_dd t = tgk_fast_two_sum(near, fma(-near, den_low, fma(-near, den, f)) * inverse);
    double s = t.hi, s_low = t.lo, z = s * s, z_low = fma(2 * s, s_low, fma(s, s, -z));
    double p = fma(z, 0x1.0e400b353a661p-4, 0x1.0f8033c41c291p-4);
    p = fma(z, p, 0x1.3b1ee8c8e9b88p-4);
    p = fma(z, p, 0x1.745ce9f5e1ac4p-4);
    p = fma(z, p, 0x1.c71c722d2ef76p-4);
    p = fma(z, p, 0x1.2492492457fe5p-3);
    p = fma(z, p, 0x1.9999999999b2fp-3);
    const double third = 0x1.5555555555555p-2, third_low = 0x1.5555555555555p-56;
    double h = z * third, h_low = fma(z, third_low, fma(z_low, third, fma(z, third, -h)));
    tgk_dd q = tgk_fast_two_sum(h, z * z * p);
    q.lo += h_low;
    double b = 2 * s * q.hi, b_low = fma(2 * s, q.lo, fma(2 * s, q.hi, -b));
    tgk_dd log = tgk_fast_two_sum(2 * s, b);
    log.lo += fma(2 * s_low, 1 + q.hi, b_low);
    tgk_dd sum = tgk_fast_two_sum(k * TGK_LN2_HI, log.hi);
    return tgk_fast_two_sum(sum.hi, sum.lo + fma(k, TGK_LN2_LO, log.lo));
}

/* For finite x > 0 and y. */
TGK_INLINE double tgk_pow_positive(double x, double y)
{
    tgk_dd log = tgk_log_parts(x);
    double p = y * log.hi, low = fma(y, log.lo, fma(y, log.hi, -p));
    double near = tgk_clamp(p, -750, 710);
    tgk_reduced a = tgk_reduce(near);
    tgk_dd r = tgk_fast_two_sum(a.r, a.low + (near == p ? low : 0)); /* up to 2^-43 */
    a.r = r.hi;
    a.low = r.lo;
    return tgk_exp_reduced(a);
}

TGK_INLINE bool tgk_is_positive(double x)
{
    return x > 0 && x < TGK_INF;
}

TGK_INLINE bool tgk_is_finite(double x)
{
    return fabs(x) < TGK_INF;
}

TGK_INLINE bool tgk_is_odd(double y)
{
    return floor(y) == y && floor(y / 2) != y / 2;
}

typedef double tgk_power(double x, double y);

/* x^y for all x and y, with that function of positive x and finite y. */
TGK_INLINE double tgk_any_power(tgk_power *positive, double x, double y)
{
    if (!tgk_is_positive(fabs(x)) || !tgk_is_finite(y) || (x < 0 && floor(y) != y))
        return pow(x, y); /* 0, 1, infinite or nan */
    double power = positive(fabs(x), y);
    return x < 0 && tgk_is_odd(y) ? -power : power;
}

TGK_INLINE double tgk_any_quick_pow(double x, double y)
{
    return tgk_any_power(tgk_quick_pow, x, y);
}

TGK_INLINE double tgk_pow(double x, double y)
{
    return tgk_any_power(tgk_pow_positive, x, y);
}

/* Whether all of n powers are of positive bases and finite exponents. */
TGK_INLINE bool tgk_are_positive_powers(const double *x, const double *y, int64_t n)
{
    int64_t others = 0;
    for (int64_t i = 0; i < n; i++)
        others += (tgk_is_positive(x[i]) && tgk_is_finite(y[i])) ? 0 : 1;
    return others == 0;
}

/* A finite exponent for many bases: what 0 becomes, the sign bit that odd powers keep, and whether
 * negative bases have powers. */
typedef struct tgk_exponent {
    double y, of_zero;
    uint64_t sign;
    bool whole;
} tgk_exponent;

TGK_INLINE tgk_exponent tgk_exponent_of(double y)
{
    return (tgk_exponent){.y = y,
                          .of_zero = y > 0   ? 0
                                     : y < 0 ? TGK_INF
                                             : 1,
                          .sign = tgk_is_odd(y) ? (uint64_t)1 << 63 : 0,
                          .whole = tgk_is_finite(y) && floor(y) == y};
}

/* Whether all of n bases are finite and have powers of that exponent. */
TGK_INLINE bool tgk_are_bases(const double *x, int64_t n, tgk_exponent e)
{
    const double least = e.whole ? -TGK_INF : -0x1p-1074;
    int64_t others = tgk_is_finite(e.y) ? 0 : 1;
    for (int64_t i = 0; i < n; i++)
        others += (x[i] > least && x[i] < TGK_INF) ? 0 : 1;
    return others == 0;
}

/* The power of such a base, from that of its size; of 0 the latter is not looked at. */
TGK_INLINE double tgk_signed_power(double power, double x, tgk_exponent e)
{
    double y = x == 0 ? e.of_zero : power;
    return tgk_from_bits(tgk_bits(y) | (tgk_bits(x) & e.sign));
}

TGK_INLINE double tgk_quick_signed_pow(double x, tgk_exponent e)
{
    return tgk_signed_power(tgk_quick_pow(fabs(x), e.y), x, e);
}

TGK_INLINE double tgk_signed_pow(double x, tgk_exponent e)
{
    return tgk_signed_power(tgk_pow_positive(fabs(x), e.y), x, e);
}

/* 1 / sqrt(x): of 0 and infinity the first guess is right. */
TGK_INLINE double tgk_quick_rsqrt(float x)
{
    double y = (double)(1 / sqrtf(x)), rest = fma(-(double)x * y, y, 1);
    return rest == rest ? fma(0.5 * y, rest, y) : y;
}

#endif

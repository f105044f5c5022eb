/* math.h: exp, log, log1p, expm1, tanh, sigmoid and erf of our own, so that a result has the same
 * bits on every machine, compiler and instruction set: in double, each within 1 ulp (measured in
 * tests/test_accuracy_math.c). For float32 there is quick.h. nan, infinities, subnormals and signed
 * zeros come out as in <math.h>.
 *
 * Relies on IEEE arithmetic rounding to nearest, on -ffp-contract=off, and on a correct fma().
 * Choices are written as selects, so that loops over these functions vectorise. */
#ifndef TGK_MATH_H
#define TGK_MATH_H

#include "kernels/isa.h"

#include <math.h>
#include <stdint.h>
#include <string.h>

#define TGK_INF ((double)INFINITY)
#define TGK_NAN ((double)NAN)

/* ln 2 in two parts: products of the first with integers below 2^12 are exact. */
#define TGK_LN2_HI 0x1.62e42fefa3p-1
#define TGK_LN2_LO 0x1.3de6af278ece6p-42
#define TGK_LOG2E 0x1.71547652b82fep+0
#define TGK_SQRT_HALF_BITS 0x3fe6a09e667f3bcdu

/* A number as an unevaluated sum, |lo| <= ulp(hi) / 2. dd.h has its arithmetic. */
typedef struct tgk_dd {
    double hi, lo;
} tgk_dd;

TGK_INLINE uint64_t tgk_bits(double x)
{
    uint64_t bits;
    memcpy(&bits, &x, sizeof bits);
    return bits;
}

TGK_INLINE double tgk_from_bits(uint64_t bits)
{
    double x;
    memcpy(&x, &bits, sizeof x);
    return x;
}

/* a + b exactly, where |a| >= |b| or a is 0. */
TGK_INLINE tgk_dd tgk_fast_two_sum(double a, double b)
{
    double sum = a + b;
    return (tgk_dd){sum, b - (sum - a)};
}

/* a + b exactly. */
TGK_INLINE tgk_dd tgk_two_sum(double a, double b)
{
    double sum = a + b, part = sum - a;
    return (tgk_dd){sum, (a - (sum - part)) + (b - part)};
}

/* nan is on neither side of a bound, and passes. */
TGK_INLINE float tgk_clampf(float x, float low, float high)
{
    x = x < low ? low : x;
    return x > high ? high : x;
}

TGK_INLINE double tgk_clamp(double x, double low, double high)
{
    x = x < low ? low : x;
    return x > high ? high : x;
}

/* x = k ln2 + r + low, |r| <= ln2 / 2. 2^k is half * rest: it alone may be out of range. */
typedef struct tgk_reduced {
    double r, low, half, rest;
} tgk_reduced;

/* x is nan or |x| <= 1100. */
TGK_INLINE tgk_reduced tgk_reduce(double x)
{
    const double magic = 0x1.8p52 + 2046; /* adding it leaves k + 2046 in the lowest bits */
    double t = fma(x, TGK_LOG2E, magic), k = t - magic;
    double rough = fma(k, -TGK_LN2_HI, x), fix = k * TGK_LN2_LO;
    uint64_t biased = tgk_bits(t), half = biased >> 1;
    tgk_reduced out;
    out.r = rough - fix;
    out.low = (rough - out.r) - fix;
    out.half = tgk_from_bits(half << 52);
    out.rest = tgk_from_bits((biased - half) << 52);
    return out;
}

/* (e^r - 1 - r - r^2/2) / r^3 for |r| <= ln2 / 2. */
TGK_INLINE double tgk_exp_tail(double r)
{
    double z = r * r;
    double even = fma(z, 0x1.af4de97ca4194p-26, 0x1.71de0231960ebp-19);
    even = fma(z, even, 0x1.a01a01abe7fe1p-13);
    even = fma(z, even, 0x1.11111111100dcp-7);
    even = fma(z, even, 0x1.5555555555557p-3);
    double odd = fma(z, 0x1.1f730349868cep-29, 0x1.27e4db646b17ep-22);
    odd = fma(z, odd, 0x1.a01a01a6d889cp-16);
    odd = fma(z, odd, 0x1.6c16c16c162d4p-10);
    odd = fma(z, odd, 0x1.5555555555556p-5);
    return fma(r, odd, even);
}

/* e^(r + low) - 1; the parts are not normalised. */
TGK_INLINE tgk_dd tgk_expm1_reduced(double r, double low)
{
    double square = 0.5 * r * r, square_low = fma(0.5 * r, r, -square);
    tgk_dd head = tgk_fast_two_sum(r, square);
    double tail = fma(2 * square * r, tgk_exp_tail(r), square_low);
    head.lo += tail + fma(low, r, low);
    return head;
}

TGK_INLINE double tgk_exp_reduced(tgk_reduced a)
{
    tgk_dd head = tgk_fast_two_sum(1, a.r);
    double tail = a.r * a.r * fma(a.r, tgk_exp_tail(a.r), 0.5);
    double y = head.hi + (head.lo + fma(a.low, head.hi, tail));
    return y * a.half * a.rest;
}

TGK_INLINE double tgk_exp(double x)
{
    return tgk_exp_reduced(tgk_reduce(tgk_clamp(x, -750, 710)));
}

/* e^x to 2^-38 for x <= 100, for results that are rounded to float: 0 below -700, which no float can
 * tell. Not for nan. */
TGK_INLINE double tgk_exp_quick(double x)
{
    const double magic = 0x1.8p52 + 1023; /* adding it leaves k + 1023 in the lowest bits */
    double near = x > -700 ? x : -700, t = fma(near, TGK_LOG2E, magic);
    double r = fma(t - magic, -0x1.62e42fefa39efp-1, near), z = r * r;
    double even = fma(z, 0x1.a17e052cd2c8fp-13, 0x1.1110a6173845ep-7);
    even = fma(z, even, 0x1.5555557e7777ep-3);
    even = fma(z, even, 0x1.fffffffff61ddp-1);
    double odd = fma(z, 0x1.a136bf03ec612p-16, 0x1.6c166bde96885p-10);
    odd = fma(z, odd, 0x1.55555565c7e0ep-5);
    odd = fma(z, odd, 0x1.fffffffffe062p-2);
    double y = fma(r, fma(r, odd, even), 1) * tgk_from_bits(tgk_bits(t) << 52);
    return x < -700 ? 0 : y;
}

/* e^x - 1 for x in [-50, 710], to about 2^-60. */
TGK_INLINE tgk_dd tgk_expm1_parts(double x)
{
    tgk_reduced a = tgk_reduce(x);
    tgk_dd y = tgk_expm1_reduced(a.r, a.low);
    double scale = a.half * 0.5 * a.rest; /* half of 2^k, which may overflow */
    tgk_dd whole = tgk_two_sum(scale, -0.5), sum = tgk_two_sum(whole.hi, scale * y.hi);
    sum = tgk_fast_two_sum(sum.hi, sum.lo + fma(scale, y.lo, whole.lo));
    return (tgk_dd){2 * sum.hi, 2 * sum.lo};
}

TGK_INLINE double tgk_expm1(double x)
{
    double y = tgk_expm1_parts(tgk_clamp(x, -50, 710)).hi;
    return fabs(x) < 0x1p-54 ? x : y;
}

/* num / den, rounded about once. */
TGK_INLINE double tgk_quotient(tgk_dd num, tgk_dd den)
{
    double inverse = 1 / den.hi, q = num.hi * inverse;
    double rest = fma(-q, den.hi, num.hi) + fma(-q, den.lo, num.lo);
    return fma(rest, inverse, q);
}

/* tanh(x) for 0 <= x <= 1. */
TGK_INLINE double tgk_tanh_small(double x)
{
    double z = x * x;
    double y = fma(z, -0x1.0d4401a06cd82p-24, 0x1.5f61429d79518p-21);
    y = fma(z, y, -0x1.cafb57fd2e2d2p-19);
    y = fma(z, y, 0x1.9e1b3976d67ffp-17);
    y = fma(z, y, -0x1.2eb76f22de9f7p-15);
    y = fma(z, y, 0x1.8d7c8d04943f2p-14);
    y = fma(z, y, -0x1.f336d40991ab4p-13);
    y = fma(z, y, 0x1.352147e06114ep-11);
    y = fma(z, y, -0x1.7d9bcdfc4fe0fp-10);
    y = fma(z, y, 0x1.d6d31035734dap-9);
    y = fma(z, y, -0x1.226e2ec231128p-7);
    y = fma(z, y, 0x1.664f4836cc5bdp-6);
    y = fma(z, y, -0x1.ba1ba1b811f24p-5);
    y = fma(z, y, 0x1.111111110d81fp-3);
    y = fma(z, y, -0x1.555555555550fp-2);
    return fma(x * z, y, x);
}

TGK_INLINE double tgk_tanh(double x)
{
    double a = fabs(x), e = tgk_exp_reduced(tgk_reduce(2 * (a > 22 ? 22 : a)));
    double large = 1 - 2 / (e + 1), small = tgk_tanh_small(a > 1 ? 1 : a);
    return copysign(a < 1 ? small : large, x);
}

/* e^(r + low) in two parts. */
TGK_INLINE tgk_dd tgk_exp_reduced_parts(double r, double low)
{
    tgk_dd head = tgk_fast_two_sum(1, r);
    double tail = r * r * fma(r, tgk_exp_tail(r), 0.5);
    return tgk_fast_two_sum(head.hi, head.lo + fma(low, head.hi, tail));
}

/* factor * sigmoid(x), which may have all its digits where the sigmoid is subnormal. */
TGK_INLINE double tgk_times_sigmoid(double factor, double x)
{
    double a = -fabs(x);
    tgk_reduced b = tgk_reduce(a < -750 ? -750 : a);
    tgk_dd y = tgk_exp_reduced_parts(b.r, b.low);
    double scale = b.half * b.rest;
    tgk_dd den = tgk_fast_two_sum(1, scale * y.hi);
    den.lo += scale * y.lo;
    tgk_dd num = {x < 0 ? y.hi : 1, x < 0 ? y.lo : 0};
    return factor * tgk_quotient(num, den) * (x < 0 ? b.half : 1) * (x < 0 ? b.rest : 1);
}

TGK_INLINE double tgk_sigmoid(double x)
{
    return tgk_times_sigmoid(1, x);
}

/* x = 2^(biased - 1023) * m, m in [sqrt(1/2), sqrt(2)), for positive normal x. Returns m. */
TGK_INLINE double tgk_log_split(double x, uint64_t *biased)
{
    uint64_t bits = tgk_bits(x), one = (uint64_t)1023 << 52;
    *biased = (bits - TGK_SQRT_HALF_BITS + one) >> 52;
    return tgk_from_bits(bits + one - (*biased << 52));
}

/* log(2^(biased - 1023) * (1 + f + low)). */
TGK_INLINE double tgk_log_core(double f, double low, uint64_t biased, double shift)
{
    double k = tgk_from_bits(biased | (uint64_t)0x433 << 52) - (0x1p52 + 1023) - shift;
    double den = 2 + f, den_low = (f - (den - 2)) + low;
    double inverse = 1 / den, s = f * inverse, z = s * s;
    double s_low = (fma(-s, den, f) + fma(-s, den_low, low)) * inverse;
    double p = fma(z, 0x1.2b5900de53b32p-3, 0x1.39fe51a7c18f9p-3);
    p = fma(z, p, 0x1.7462b51cb66b1p-3);
    p = fma(z, p, 0x1.c71c62e3f11e6p-3);
    p = fma(z, p, 0x1.2492492df281ap-2);
    p = fma(z, p, 0x1.99999999952d7p-2);
    p = fma(z, p, 0x1.5555555555558p-1);
    tgk_dd head = tgk_fast_two_sum(k * TGK_LN2_HI, 2 * s);
    double tail = fma(s * z, p, fma(k, TGK_LN2_LO, 2 * s_low));
    return head.hi + (head.lo + tail);
}

TGK_INLINE double tgk_log(double x)
{
    uint64_t biased;
    double tiny = x < 0x1p-1022 ? 54 : 0, m = tgk_log_split(tiny > 0 ? x * 0x1p54 : x, &biased);
    double y = tgk_log_core(m - 1, 0, biased, tiny);
    y = x < TGK_INF ? y : x;
    y = x < 0 ? TGK_NAN : y;
    return x == 0 ? -TGK_INF : y;
}

TGK_INLINE double tgk_log1p(double x)
{
    tgk_dd u = tgk_two_sum(1, x);
    uint64_t biased;
    double m = tgk_log_split(u.hi, &biased);
    double scale = biased > 1023 + 64 ? 0 : tgk_from_bits((2046 - biased) << 52);
    tgk_dd f = tgk_fast_two_sum(m - 1, u.lo * scale);
    double y = tgk_log_core(f.hi, f.lo, biased, 0);
    y = x < TGK_INF ? y : x;
    y = fabs(x) < 0x1p-54 ? x : y;
    y = x < -1 ? TGK_NAN : y;
    return x == -1 ? -TGK_INF : y;
}

/* log(1 + x) to 2^-38 for finite x >= 0, for results that are rounded to float. */
TGK_INLINE double tgk_log1p_quick(double x)
{
    tgk_dd u = tgk_two_sum(1, x);
    uint64_t biased;
    double m = tgk_log_split(u.hi, &biased);
    double f = m - 1 + u.lo * tgk_from_bits((2046 - biased) << 52);
    double k = tgk_from_bits(biased | (uint64_t)0x433 << 52) - (0x1p52 + 1023);
    double s = f / (2 + f), z = s * s;
    double p = fma(z, 0x1.39fe51a7c18f9p-3, 0x1.7462b51cb66b1p-3);
    p = fma(z, p, 0x1.c71c62e3f11e6p-3);
    p = fma(z, p, 0x1.2492492df281ap-2);
    p = fma(z, p, 0x1.99999999952d7p-2);
    p = fma(z, p, 0x1.5555555555558p-1);
    double y = fma(k, 0x1.62e42fefa39efp-1, fma(s * z, p, 2 * s));
    return x < 0x1p-40 ? x : y;
}

/* erf(x) for 0 <= x <= 1: x + x * (c0 - 3/8 z) + x * (the rest of a polynomial in z = x^2). */
TGK_INLINE double tgk_erf_small(double x)
{
    double z = x * x, z_low = fma(x, x, -z);
    double y = fma(z, -0x1.29b9f1b3df556p-38, 0x1.7f072188e194dp-34);
    y = fma(z, y, -0x1.4e607b41a6416p-30);
    y = fma(z, y, 0x1.fc4356498c2d9p-27);
    y = fma(z, y, -0x1.5f6d925a0bc7ap-23);
    y = fma(z, y, 0x1.b9e6509b9867dp-20);
    y = fma(z, y, -0x1.f4d2561aeafd4p-17);
    y = fma(z, y, 0x1.f9a326c233146p-14);
    y = fma(z, y, -0x1.c02db3feeb579p-11);
    y = fma(z, y, 0x1.565bcd0e6502dp-8);
    y = fma(z, y, -0x1.b82ce312889bap-6);
    y = fma(z, y, 0x1.ce2f21a042bdep-4);
    y = fma(z, y, -0x1.2746b0379e6bep-10);
    double first = fma(z, -0.375, 0x1.06eba8214db69p-3), product = x * first;
    tgk_dd head = tgk_fast_two_sum(x, product);
    double rest = fma(z, y, fma(z_low, y - 0.375, -0x1.ca4d0ecd83347p-57));
    double tail = fma(x, first, -product) + x * rest;
    return head.hi + (head.lo + tail);
}

/* erfc(x) * e^(x^2) for 1 <= x <= 6. */
TGK_INLINE double tgk_erfc_scaled(double x)
{
    double u = (x - 2) / (x + 2);
    double y = fma(u, -0x1.30be46f379823p-20, 0x1.559a2f0faada6p-20);
    y = fma(u, y, 0x1.0d39558a33004p-18);
    y = fma(u, y, 0x1.5e89dbd23021dp-20);
    y = fma(u, y, -0x1.d5b4578dde1bbp-17);
    y = fma(u, y, -0x1.ce6ac975b91e0p-16);
    y = fma(u, y, 0x1.cdd4519ae1742p-16);
    y = fma(u, y, 0x1.6da887a2804f7p-13);
    y = fma(u, y, 0x1.6d5ee91b54222p-15);
    y = fma(u, y, -0x1.016b5b63ce721p-10);
    y = fma(u, y, -0x1.bc25a48873fcfp-11);
    y = fma(u, y, 0x1.ca95ed50b7c81p-8);
    y = fma(u, y, 0x1.e9471597be87ap-9);
    y = fma(u, y, -0x1.437f0b68c0489p-4);
    y = fma(u, y, 0x1.eeea7dc8a78a1p-3);
    y = fma(u, y, -0x1.b57034efd3f74p-2);
    y = fma(u, y, 0x1.058671b52c776p-2);
    return y;
}

TGK_INLINE double tgk_erf(double x)
{
    double a = fabs(x), far = tgk_clamp(a, 1, 6), square = far * far;
    tgk_reduced b = tgk_reduce(-square);
    b.low -= fma(far, far, -square);
    double large = fma(-tgk_exp_reduced(b), tgk_erfc_scaled(far), 1);
    return copysign(a > 1 ? large : tgk_erf_small(a), x);
}

#endif

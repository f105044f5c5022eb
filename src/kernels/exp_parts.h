/* exp_parts.h: e^x and log(1 + x) as a double and what rounding took from it, to about 2^-59, for rows in
 * double; and what rows of floats need of e^x that exp_quick() has not. Relies on dd.h. Without branches,
 * so that loops over these functions vectorise. */
#ifndef TGK_EXP_PARTS_H
#define TGK_EXP_PARTS_H

#include "kernels/dd.h"

#include <stdbool.h>

/* Rows whose elements are not side by side are done so many together, as columns; but not if there are fewer
 * than TGK_NARROW: those of up to TGK_SHORT elements are copied to be rows. */
enum { TGK_SIDE = 64, TGK_NARROW = 8, TGK_SHORT = 1024 };

/* Exponentials in double are kept times this, and so stay clear of underflow down to e^-797. */
#define TGK_EXP_SCALE 0x1p128

/* x + low = k ln2 + r + rest, |r| <= ln2 / 2; power is 2^k times a given power of two. */
typedef struct tgk_split {
    double r, rest, power;
} tgk_split;

/* biased: 1023 and the power's exponent. 2^k times the power must be a normal number. */
TGK_INLINE tgk_split tgk_split_of(double x, double low, int biased)
{
    const double magic = 0x1.8p52 + biased; /* adding it leaves k + biased in the lowest bits */
    double t = fma(x, TGK_LOG2E, magic), k = t - magic, rough = fma(k, -TGK_LN2_HI, x);
    double r = fma(k, -TGK_LN2_LO, rough);
    return (tgk_split){r, fma(k, -TGK_LN2_LO, rough - r) + low, tgk_from_bits(tgk_bits(t) << 52)};
}

/* e^r - 1 to 2^-60; the parts are not normalised. */
TGK_INLINE tgk_dd tgk_expm1_parts_of(double r)
{
    double z = r * r, square = 0.5 * z, square_low = fma(0.5 * r, r, -square);
    double even = fma(z, 0x1.af38d53857513p-26, 0x1.71de0d9c145d0p-19);
    even = fma(z, even, 0x1.a01a01a7c8d47p-13);
    even = fma(z, even, 0x1.11111111109adp-7);
    even = fma(z, even, 0x1.5555555555556p-3);
    double odd = fma(z, 0x1.1f66f85dfa20ap-29, 0x1.27e4e1ea0f53ap-22);
    odd = fma(z, odd, 0x1.a01a01a47db6fp-16);
    odd = fma(z, odd, 0x1.6c16c16c167dep-10);
    odd = fma(z, odd, 0x1.5555555555555p-5);
    tgk_dd head = tgk_fast_two_sum(r, square);
    return (tgk_dd){head.hi, head.lo + fma(z * r, fma(r, odd, even), square_low)};
}

/* TGK_EXP_SCALE e^(x.hi + x.lo) for x <= 0, x.hi not nan: 0 below e^-797. */
TGK_INLINE tgk_dd tgk_exp_scaled(tgk_dd x)
{
    bool far = x.hi < -797;
    tgk_split a = tgk_split_of(far ? -797 : x.hi, far ? 0 : x.lo, 1023 + 128);
    tgk_dd less = tgk_expm1_parts_of(a.r), one = tgk_fast_two_sum(1, less.hi);
    double low = fma(a.rest, one.hi + less.lo, one.lo + less.lo);
    one = tgk_fast_two_sum(one.hi, low);
    double power = far ? 0 : a.power;
    return (tgk_dd){one.hi * power, one.lo * power};
}

/* e^x to 2^-34 for x <= 100, for sums and quotients that are rounded to float, but no less than e^-700, which
 * no float can tell from 0. 1 for 0; nan for nan. */
TGK_INLINE double tgk_exp_row(double x)
{
    const double magic = 0x1.8p52 + 1023; /* adding it leaves k + 1023 in the lowest bits */
    double near = x < -700 ? -700 : x, t = fma(near, TGK_LOG2E, magic);
    double r = fma(t - magic, -0x1.62e42fefa39efp-1, near), z = r * r;
    double even = fma(z, 0x1.9e8e81a43112fp-13, 0x1.11130beead254p-7);
    even = fma(z, even, 0x1.5555534f6b74bp-3);
    even = fma(z, even, 0x1.00000000e6433p+0);
    double odd = fma(z, 0x1.6d95b75ee3873p-10, 0x1.55548152f5c21p-5);
    odd = fma(z, odd, 0x1.000000427714dp-1);
    return fma(r, fma(r, odd, even), 1) * tgk_from_bits(tgk_bits(t) << 52);
}

/* e^r - 1 to 2^-52, for gradients of floats. */
TGK_INLINE double tgk_expm1_of(double r)
{
    double z = r * r;
    double even = fma(z, 0x1.2891a8c1d838dp-22, 0x1.a019b8ef67c6cp-16);
    even = fma(z, even, 0x1.6c16c17893833p-10);
    even = fma(z, even, 0x1.5555555553d4fp-5);
    even = fma(z, even, 0x1p-1);
    double odd = fma(z, 0x1.af38d53857513p-26, 0x1.71de0d9c145d0p-19);
    odd = fma(z, odd, 0x1.a01a01a7c8d47p-13);
    odd = fma(z, odd, 0x1.11111111109adp-7);
    odd = fma(z, odd, 0x1.5555555555556p-3);
    return fma(z, fma(r, odd, even), r);
}

/* log(1 + x) for x >= 0 to 2^-57, x times TGK_EXP_SCALE. */
TGK_INLINE tgk_dd tgk_log1p_scaled(tgk_dd x)
{
    const double unscale = 1 / TGK_EXP_SCALE;
    /* A small x is x - x^2 / 2, and must not lose digits to underflow before the end. */
    double tiny_low = fma(x.hi * unscale, -0.5 * x.hi, x.lo);
    double hi = x.hi * unscale, low = x.lo * unscale;
    tgk_dd u = tgk_two_sum(1, hi);
    uint64_t biased;
    double m = tgk_log_split(u.hi, &biased);
    tgk_dd f = tgk_fast_two_sum(m - 1, (u.lo + low) * tgk_from_bits((2046 - biased) << 52));
    double k = tgk_from_bits(biased | (uint64_t)0x433 << 52) - (0x1p52 + 1023);
    double den = 2 + f.hi, den_low = (f.hi - (den - 2)) + f.lo;
    double s = f.hi / den, s_low = (fma(-s, den, f.hi) + fma(-s, den_low, f.lo)) / den, z = s * s;
    double p = fma(z, 0x1.2b5900de53b32p-3, 0x1.39fe51a7c18f9p-3);
    p = fma(z, p, 0x1.7462b51cb66b1p-3);
    p = fma(z, p, 0x1.c71c62e3f11e6p-3);
    p = fma(z, p, 0x1.2492492df281ap-2);
    p = fma(z, p, 0x1.99999999952d7p-2);
    p = fma(z, p, 0x1.5555555555558p-1);
    tgk_dd head = tgk_fast_two_sum(k * TGK_LN2_HI, 2 * s);
    double tail = head.lo + fma(s * z, p, fma(k, TGK_LN2_LO, 2 * s_low));
    bool tiny = hi < 0x1p-40;
    return (tgk_dd){tiny ? hi : head.hi, tiny ? tiny_low * unscale : tail};
}

/* num / den in two parts. */
TGK_INLINE tgk_dd tgk_quotient_parts(tgk_dd num, tgk_dd den)
{
    double q = num.hi / den.hi;
    double rest = fma(-q, den.hi, num.hi) + fma(-q, den.lo, num.lo);
    return (tgk_dd){q, rest / den.hi};
}

/* As tgk_dd_exp(), and 0 below e^-1100. */
TGK_INLINE tgk_dd tgk_exp_wide(tgk_dd x, double scale)
{
    bool far = x.hi < -1100;
    tgk_dd_exp_parts a = tgk_dd_exp_split((tgk_dd){far ? -1100 : x.hi, far ? 0 : x.lo});
    tgk_dd y = tgk_dd_add_small(a.table, tgk_dd_mul(a.table, a.tail));
    double half = far ? 0 : a.half * scale;
    return (tgk_dd){y.hi * half * a.rest, y.lo * half * a.rest};
}

/* Sums side by side, each with what its additions rounded away: element i of a row is added to lane i % 32. So
 * many, because compilers leave loops over fewer to scalars. */
enum { TGK_SUMS = 32 };

typedef struct tgk_sums_of {
    double hi[TGK_SUMS], lo[TGK_SUMS];
} tgk_sums_of;

/* Adds x and low to the lanes. */
TGK_INLINE void tgk_sums_take(tgk_sums_of *s, const double *x, const double *low)
{
    for (int k = 0; k < TGK_SUMS; k++) {
        tgk_dd sum = tgk_two_sum(s->hi[k], x[k]);
        s->hi[k] = sum.hi;
        s->lo[k] += sum.lo + low[k];
    }
}

#endif

/* dd.h: double-double arithmetic, about 2^-102 relative, for what cancels in double.
 *
 * Relies on math.h, and like it on -ffp-contract=off and a correct fma(). Nothing here handles
 * infinities: where one comes in, nan may come out, and the caller must look for that. */
#ifndef TGK_DD_H
#define TGK_DD_H

#include "kernels/math.h"

TGK_INLINE tgk_dd tgk_dd_of(double x)
{
    return (tgk_dd){x, 0};
}

TGK_INLINE tgk_dd tgk_two_prod(double a, double b)
{
    double product = a * b;
    return (tgk_dd){product, fma(a, b, -product)};
}

TGK_INLINE tgk_dd tgk_dd_add(tgk_dd a, tgk_dd b)
{
    tgk_dd high = tgk_two_sum(a.hi, b.hi), low = tgk_two_sum(a.lo, b.lo);
    high = tgk_fast_two_sum(high.hi, high.lo + low.hi);
    return tgk_fast_two_sum(high.hi, high.lo + low.lo);
}

/* The same for |a| well above |b|, where nothing cancels. */
TGK_INLINE tgk_dd tgk_dd_add_small(tgk_dd a, tgk_dd b)
{
    tgk_dd sum = tgk_fast_two_sum(a.hi, b.hi);
    return tgk_fast_two_sum(sum.hi, sum.lo + (a.lo + b.lo));
}

TGK_INLINE tgk_dd tgk_dd_neg(tgk_dd a)
{
    return (tgk_dd){-a.hi, -a.lo};
}

TGK_INLINE tgk_dd tgk_dd_sub(tgk_dd a, tgk_dd b)
{
    return tgk_dd_add(a, tgk_dd_neg(b));
}

TGK_INLINE tgk_dd tgk_dd_mul(tgk_dd a, tgk_dd b)
{
    tgk_dd product = tgk_two_prod(a.hi, b.hi);
    double cross = fma(a.hi, b.lo, a.lo * b.hi);
    return tgk_fast_two_sum(product.hi, product.lo + fma(a.lo, b.lo, cross));
}

/* a times a power of two. */
TGK_INLINE tgk_dd tgk_dd_scale(tgk_dd a, double power)
{
    return (tgk_dd){a.hi * power, a.lo * power};
}

TGK_INLINE tgk_dd tgk_dd_div(tgk_dd a, tgk_dd b)
{
    double q0 = a.hi / b.hi;
    tgk_dd rest = tgk_dd_sub(a, tgk_dd_mul(b, tgk_dd_of(q0)));
    double q1 = rest.hi / b.hi;
    rest = tgk_dd_sub(rest, tgk_dd_mul(b, tgk_dd_of(q1)));
    tgk_dd sum = tgk_fast_two_sum(q0, q1);
    return tgk_fast_two_sum(sum.hi, sum.lo + rest.hi / b.hi);
}

TGK_INLINE double tgk_dd_round(tgk_dd a)
{
    return a.hi + a.lo;
}

/* e^x = 2^exponent * table * (1 + tail): the parts of tgk_dd_exp() and tgk_dd_expm1(). */
typedef struct tgk_dd_exp_parts {
    tgk_dd table, tail;
    double half, rest; /* their product is 2^exponent */
} tgk_dd_exp_parts;

/* e^r - 1 for |r| <= ln2 / 64; coefficients from r^7 on may be plain doubles. */
TGK_INLINE tgk_dd tgk_dd_exp_tail(tgk_dd r)
{
    static const tgk_dd c[5] = {{0.5, 0},
                                {0x1.5555555555555p-3, 0x1.5555555555555p-57},
                                {0x1.5555555555555p-5, 0x1.5555555555555p-59},
                                {0x1.1111111111111p-7, 0x1.1111111111111p-63},
                                {0x1.6c16c16c16c17p-10, -0x1.f49f49f49f49fp-65}};
    double p = fma(r.hi, 0x1.1eed8eff8d898p-29, 0x1.ae64567f544e4p-26);
    p = fma(r.hi, p, 0x1.27e4fb7789f5cp-22);
    p = fma(r.hi, p, 0x1.71de3a556c734p-19);
    p = fma(r.hi, p, 0x1.a01a01a01a01ap-16);
    p = fma(r.hi, p, 0x1.a01a01a01a01ap-13);
    tgk_dd sum = tgk_dd_add_small(c[4], tgk_two_prod(r.hi, p));
    for (int i = 3; i >= 0; i--)
        sum = tgk_dd_add_small(c[i], tgk_dd_mul(r, sum));
    return tgk_dd_add_small(r, tgk_dd_mul(tgk_dd_mul(r, r), sum));
}

/* x.hi in [-1100, 700]. */
TGK_INLINE tgk_dd_exp_parts tgk_dd_exp_split(tgk_dd x)
{
    /* 2^(i / 32) */
    static const tgk_dd table[32] = {{0x1.0000000000000p+0, 0x0.0p+0},
                                     {0x1.059b0d3158574p+0, 0x1.d73e2a475b465p-55},
                                     {0x1.0b5586cf9890fp+0, 0x1.8a62e4adc610bp-54},
                                     {0x1.11301d0125b51p+0, -0x1.6c51039449b3ap-54},
                                     {0x1.172b83c7d517bp+0, -0x1.19041b9d78a76p-55},
                                     {0x1.1d4873168b9aap+0, 0x1.e016e00a2643cp-54},
                                     {0x1.2387a6e756238p+0, 0x1.9b07eb6c70573p-54},
                                     {0x1.29e9df51fdee1p+0, 0x1.612e8afad1255p-55},
                                     {0x1.306fe0a31b715p+0, 0x1.6f46ad23182e4p-55},
                                     {0x1.371a7373aa9cbp+0, -0x1.63aeabf42eae2p-54},
                                     {0x1.3dea64c123422p+0, 0x1.ada0911f09ebcp-55},
                                     {0x1.44e086061892dp+0, 0x1.89b7a04ef80d0p-59},
                                     {0x1.4bfdad5362a27p+0, 0x1.d4397afec42e2p-56},
                                     {0x1.5342b569d4f82p+0, -0x1.07abe1db13cadp-55},
                                     {0x1.5ab07dd485429p+0, 0x1.6324c054647adp-54},
                                     {0x1.6247eb03a5585p+0, -0x1.383c17e40b497p-54},
                                     {0x1.6a09e667f3bcdp+0, -0x1.bdd3413b26456p-54},
                                     {0x1.71f75e8ec5f74p+0, -0x1.16e4786887a99p-55},
                                     {0x1.7a11473eb0187p+0, -0x1.41577ee04992fp-55},
                                     {0x1.82589994cce13p+0, -0x1.d4c1dd41532d8p-54},
                                     {0x1.8ace5422aa0dbp+0, 0x1.6e9f156864b27p-54},
                                     {0x1.93737b0cdc5e5p+0, -0x1.75fc781b57ebcp-57},
                                     {0x1.9c49182a3f090p+0, 0x1.c7c46b071f2bep-56},
                                     {0x1.a5503b23e255dp+0, -0x1.d2f6edb8d41e1p-54},
                                     {0x1.ae89f995ad3adp+0, 0x1.7a1cd345dcc81p-54},
                                     {0x1.b7f76f2fb5e47p+0, -0x1.5584f7e54ac3bp-56},
                                     {0x1.c199bdd85529cp+0, 0x1.11065895048ddp-55},
                                     {0x1.cb720dcef9069p+0, 0x1.503cbd1e949dbp-56},
                                     {0x1.d5818dcfba487p+0, 0x1.2ed02d75b3707p-55},
                                     {0x1.dfc97337b9b5fp+0, -0x1.1a5cd4f184b5cp-54},
                                     {0x1.ea4afa2a490dap+0, -0x1.e9c23179c2893p-54},
                                     {0x1.f50765b6e4540p+0, 0x1.9d3e12dd8a18bp-54}};
    const double magic = 0x1.8p52 + 0x1p16; /* leaves k + 2^16 in the lowest bits */
    double t = fma(x.hi, 0x1.71547652b82fep+5, magic), k = t - magic;
    /* ln2 / 32 in three parts; products of the first two with k are exact. */
    tgk_dd r = tgk_two_sum(fma(k, -0x1.62e42fefap-6, x.hi), k * -0x1.cf79abc9ep-45);
    r = tgk_dd_add(r, tgk_two_sum(x.lo, k * -0x1.d9cc01f97b57ap-84));
    uint64_t bits = tgk_bits(t) & 0x1ffff, biased = bits >> 5, half = biased >> 1;
    tgk_dd_exp_parts out;
    out.table = table[bits & 31];
    out.tail = tgk_dd_exp_tail(r);
    out.half = tgk_from_bits((half - 1) << 52);
    out.rest = tgk_from_bits((biased - half - 1) << 52);
    return out;
}

/* scale * e^x for x from -1100 on and a power of two `scale` that keeps the result in range. */
TGK_INLINE tgk_dd tgk_dd_exp(tgk_dd x, double scale)
{
    tgk_dd_exp_parts a = tgk_dd_exp_split(x);
    tgk_dd y = tgk_dd_add_small(a.table, tgk_dd_mul(a.table, a.tail));
    return tgk_dd_scale(tgk_dd_scale(y, a.half * scale), a.rest);
}

/* e^x - 1 for x in [-700, 700]. */
TGK_INLINE tgk_dd tgk_dd_expm1(tgk_dd x)
{
    tgk_dd_exp_parts a = tgk_dd_exp_split(x);
    double power = a.half * a.rest;
    tgk_dd whole = tgk_dd_sub(tgk_dd_scale(a.table, power), tgk_dd_of(1));
    return tgk_dd_add(whole, tgk_dd_scale(tgk_dd_mul(a.table, a.tail), power));
}

/* log(1 + x) for x >= 0: one Newton step from the double result. */
TGK_INLINE tgk_dd tgk_dd_log1p(tgk_dd x)
{
    double y = tgk_log1p(x.hi);
    if (x.hi < 0x1p-60)
        return tgk_dd_sub(x, tgk_dd_mul(tgk_dd_scale(x, 0.5), x));
    tgk_dd e = tgk_dd_expm1(tgk_dd_of(y));
    tgk_dd step = tgk_dd_sub(x, e), den = tgk_dd_add(e, tgk_dd_of(1));
    double rest = step.hi / den.hi;
    step = tgk_dd_div(step, den);
    return tgk_dd_add(tgk_dd_of(y), tgk_dd_sub(step, tgk_dd_of(0.5 * rest * rest)));
}

/* Eight sums side by side, as in row.inc. */
TGK_INLINE void tgk_lanes_add(tgk_dd lane[8], const double value[8])
{
    for (int k = 0; k < 8; k++) {
        tgk_dd sum = tgk_two_sum(lane[k].hi, value[k]);
        lane[k] = (tgk_dd){sum.hi, lane[k].lo + sum.lo};
    }
}

TGK_INLINE tgk_dd tgk_lanes_sum(const tgk_dd lane[8])
{
    tgk_dd sum = tgk_fast_two_sum(lane[0].hi, lane[0].lo);
    for (int k = 1; k < 8; k++)
        sum = tgk_dd_add(sum, tgk_fast_two_sum(lane[k].hi, lane[k].lo));
    return sum;
}

/* The same to the accuracy of double. */
TGK_INLINE tgk_dd tgk_lanes_sum_quick(const tgk_dd lane[8])
{
    double sum[8];
    for (int k = 0; k < 8; k++)
        sum[k] = lane[k].hi + lane[k].lo;
    for (int k = 0; k < 4; k++)
        sum[k] += sum[k + 4];
    return tgk_dd_of((sum[0] + sum[2]) + (sum[1] + sum[3]));
}

#endif

/* quick.h: functions whose result is rounded to float, and slopes (others are in quick_slope.h):
 * computed in double to 2^-35 or better, then rounded once, so that a float32 result is within
 * 0.501 ulp of the exact one. nan, infinities, subnormals and signed zeros come out as in <math.h>.
 *
 * Written as selects, so that loops vectorise, and with fma(): a product and a sum apart would give
 * other bits, and on AVX-512 cost a loop a third of its speed. Divisions are those of double: the
 * divider works beside the polynomials, while a reciprocal in float with a Newton step in double has
 * more to do than it spares. */
#ifndef TGK_QUICK_H
#define TGK_QUICK_H

#include "kernels/special.h"

#include <stdbool.h>

/* e^x = scale * (1 + p). */
typedef struct tgk_quick_power {
    double p, scale;
} tgk_quick_power;

/* e^x is 0 here: the bits that the scale gets are. */
#define TGK_QUICK_ZERO -709.2

/* x is nan or TGK_QUICK_ZERO <= x <= 709; p to 2^-37 of itself. */
TGK_INLINE tgk_quick_power tgk_quick_split(double x)
{
    const double magic = 0x1.8p52 + 1023; /* adding it leaves k + 1023 in the lowest bits */
    double t = fma(x, TGK_LOG2E, magic), r = fma(t - magic, -0x1.62e42fefa39efp-1, x);
    double p = fma(r, 0x1.a019ff5f8e98ap-16, 0x1.a17d50d8cd513p-13);
    p = fma(r, p, 0x1.6c175b0340d6ep-10);
    p = fma(r, p, 0x1.1110a696eca84p-7);
    p = fma(r, p, 0x1.555554f313ccfp-5);
    p = fma(r, p, 0x1.5555557e1d127p-3);
    p = fma(r, p, 0x1.000000001a7d3p-1);
    p = fma(r, p, 0x1.fffffffff643cp-1);
    return (tgk_quick_power){r * p, tgk_from_bits(tgk_bits(t) << 52)};
}

TGK_INLINE double tgk_quick_exp(double x)
{
    tgk_quick_power y = tgk_quick_split(x);
    return fma(y.scale, y.p, y.scale);
}

/* The same for any x; 0 from a little below -709 on, and above 700 as at 700. */
TGK_INLINE double tgk_quick_exp_any(float x)
{
    return tgk_quick_exp((double)tgk_clampf(x, (float)TGK_QUICK_ZERO, 700));
}

TGK_INLINE float tgk_expf(float x)
{
    return (float)tgk_quick_exp((double)tgk_clampf(x, -104, 89));
}

/* The sum of the parts keeps the sign of a zero. */
TGK_INLINE double tgk_quick_expm1(double x)
{
    tgk_quick_power y = tgk_quick_split(x);
    return fma(y.scale, y.p, -(1 - y.scale));
}

TGK_INLINE float tgk_expm1f(float x)
{
    return (float)tgk_quick_expm1((double)tgk_clampf(x, -20, 89));
}

/* e^a as 2^k (even + odd) / (even - odd): a Pade approximation in r, good to 2^-44 of odd / even, for
 * functions that divide anyway. Not below TGK_QUICK_ZERO. */
typedef struct tgk_quick_ratio {
    double even, odd, scale;
} tgk_quick_ratio;

TGK_INLINE tgk_quick_ratio tgk_quick_pade(double a)
{
    const double magic = 0x1.8p52 + 1023; /* as in tgk_quick_split() */
    double t = fma(a, TGK_LOG2E, magic), r = fma(t - magic, -0x1.62e42fefa39efp-1, a), z = r * r;
    return (tgk_quick_ratio){.even = fma(fma(z, 0.0625, 11.25), z, 105),
                             .odd = r * fma(z, 1.25, 52.5),
                             .scale = tgk_from_bits(tgk_bits(t) << 52)};
}

/* (1 - e) / (1 + e) with e = e^(-2 |x|). */
TGK_INLINE float tgk_tanhf(float x)
{
    float a = fabsf(x);
    tgk_quick_ratio e = tgk_quick_pade((double)(a > 10 ? 10 : a) * -2);
    double less = 1 - e.scale, more = 1 + e.scale;
    double y = fma(e.even, less, -e.odd * more) / fma(e.even, more, -e.odd * less);
    return copysignf((float)y, x);
}

/* e^-|x|, and 0 from a little above 709 on. */
TGK_INLINE double tgk_quick_decay(double x)
{
    double a = -fabs(x);
    return tgk_quick_exp(a < TGK_QUICK_ZERO ? TGK_QUICK_ZERO : a);
}

/* sigmoid(-|x|) and sigmoid(|x|) times `sum`, which is theirs. */
typedef struct tgk_quick_odds {
    double small, large, sum;
} tgk_quick_odds;

/* a = -|x| >= TGK_QUICK_ZERO, or nan. */
TGK_INLINE tgk_quick_odds tgk_quick_odds_at(double a)
{
    tgk_quick_ratio e = tgk_quick_pade(a);
    double small = e.scale * (e.even + e.odd), large = e.even - e.odd;
    return (tgk_quick_odds){small, large, small + large};
}

TGK_INLINE tgk_quick_odds tgk_quick_odds_of(double x)
{
    double a = -fabs(x);
    return tgk_quick_odds_at(a < TGK_QUICK_ZERO ? TGK_QUICK_ZERO : a);
}

TGK_INLINE double tgk_quick_sigmoid(double x)
{
    tgk_quick_odds y = tgk_quick_odds_of(x);
    return (x < 0 ? y.small : y.large) / y.sum;
}

/* x or 1 times sigmoid(x); bounds and choices in float are half the work. */
TGK_INLINE double tgk_quick_times_sigmoid(double factor, float x)
{
    float a = fabsf(x), far = -(float)TGK_QUICK_ZERO;
    tgk_quick_odds y = tgk_quick_odds_at(-(double)(a > far ? far : a));
    return factor * (x < 0 ? y.small : y.large) / y.sum;
}

TGK_INLINE float tgk_sigmoidf(float x)
{
    return (float)tgk_quick_times_sigmoid(1, x);
}

TGK_INLINE float tgk_siluf(float x)
{
    return (float)tgk_quick_times_sigmoid((double)x, x);
}

/* log(1 + f) / f for sqrt(1/2) <= 1 + f <= sqrt(2). */
TGK_INLINE double tgk_quick_log_near(double f)
{
    double p = fma(f, -0x1.8bff42edcfba9p-5, 0x1.78382754369b8p-4);
    p = fma(f, p, -0x1.7e3b07149dd44p-4);
    p = fma(f, p, 0x1.71de991797c7ap-4);
    p = fma(f, p, -0x1.94927ab056269p-4);
    p = fma(f, p, 0x1.c6e045fba18a5p-4);
    p = fma(f, p, -0x1.00244b7d12fb0p-3);
    p = fma(f, p, 0x1.249521c8e55a4p-3);
    p = fma(f, p, -0x1.5554566c51704p-3);
    p = fma(f, p, 0x1.999985d54020dp-3);
    p = fma(f, p, -0x1.00000187f9e16p-2);
    p = fma(f, p, 0x1.5555556b3f35fp-2);
    p = fma(f, p, -0x1.fffffffe9b83dp-2);
    return fma(f, p, 0x1.fffffffffc5b6p-1);
}

/* -k of x = 2^k m, from what tgk_log_split() gives; +0 for 0, so that -k * -ln2 keeps the sign of a
 * zero that is added. */
TGK_INLINE double tgk_quick_exponent(uint64_t biased)
{
    return (0x1p52 + 1023) - tgk_from_bits(biased | (uint64_t)0x433 << 52);
}

TGK_INLINE float tgk_logf(float x)
{
    uint64_t biased;
    double f = tgk_log_split((double)x, &biased) - 1, k = tgk_quick_exponent(biased);
    float y = (float)fma(k, -0x1.62e42fefa39efp-1, f * tgk_quick_log_near(f));
    y = x < INFINITY ? y : x;
    y = x < 0 ? NAN : y;
    return x == 0 ? -INFINITY : y;
}

TGK_INLINE float tgk_log1pf(float x)
{
    uint64_t biased;
    double m = tgk_log_split(1 + (double)x, &biased), f = biased == 1023 ? (double)x : m - 1;
    double k = tgk_quick_exponent(biased);
    float y = (float)fma(k, -0x1.62e42fefa39efp-1, f * tgk_quick_log_near(f));
    y = x < INFINITY ? y : x;
    y = x < -1 ? NAN : y;
    return x == -1 ? -INFINITY : y;
}

/* log(1 + x) for 0 <= x <= 1. */
TGK_INLINE double tgk_quick_log1p(double x)
{
    double p = fma(x, -0x1.1034fb288c1ccp-11, 0x1.12a38b5bcd7efp-8);
    p = fma(x, p, -0x1.0439f86b00c7cp-6);
    p = fma(x, p, 0x1.38e9c0d75a241p-5);
    p = fma(x, p, -0x1.13040a5518777p-4);
    p = fma(x, p, 0x1.86b95726d9125p-4);
    p = fma(x, p, -0x1.e9108301527b3p-4);
    p = fma(x, p, 0x1.219f17c25d28ap-3);
    p = fma(x, p, -0x1.54ce497430443p-3);
    p = fma(x, p, 0x1.9989b14adf0c7p-3);
    p = fma(x, p, -0x1.fffedd3001a05p-3);
    p = fma(x, p, 0x1.55554fddb53bcp-2);
    p = fma(x, p, -0x1.ffffffeb20c25p-2);
    return x * fma(x, p, 0x1.fffffffff95b7p-1);
}

/* log(1 + e^x). Above 20, where PyTorch takes it to be x, it is so for float. */
TGK_INLINE double tgk_quick_softplus(double x)
{
    return tgk_quick_log1p(tgk_quick_decay(x)) + (x > 0 ? x : 0);
}

/* erf(x) / x for |x| <= 1, z = x^2. */
TGK_INLINE double tgk_quick_erf_near(double z)
{
    double p = fma(z, 0x1.1b8c63108bf1ap-20, -0x1.d25d037099291p-17);
    p = fma(z, p, 0x1.f56be8825c88ap-14);
    p = fma(z, p, -0x1.bfdf5921ba80cp-11);
    p = fma(z, p, 0x1.56586cde36fd5p-8);
    p = fma(z, p, -0x1.b82cb8f22d9c4p-6);
    p = fma(z, p, 0x1.ce2f209750efep-4);
    p = fma(z, p, -0x1.812746adb2150p-2);
    return fma(z, p, 0x1.20dd750428b20p+0);
}

/* log(1 - erf(x)) for 1 <= x <= 4. */
TGK_INLINE double tgk_quick_erf_far(double x)
{
    double p = fma(x, 0x1.acebdee8aaf6ap-21, -0x1.a9ebd7581c48fp-17);
    p = fma(x, p, 0x1.153614990e165p-14);
    p = fma(x, p, 0x1.8c442f4fa3dc3p-14);
    p = fma(x, p, -0x1.b5ef494603da6p-9);
    p = fma(x, p, 0x1.86004c540ac73p-6);
    p = fma(x, p, -0x1.b5f6c921ea0a0p-4);
    p = fma(x, p, -0x1.44b8c1b5c6a2bp-1);
    p = fma(x, p, -0x1.2112d07718ca1p+0);
    return fma(x, p, 0x1.02daab5011553p-13);
}

TGK_INLINE float tgk_erff(float x)
{
    float a = fabsf(x);
    double b = (double)(a > 4 ? 4 : a);
    tgk_quick_power e = tgk_quick_split(tgk_quick_erf_far(b));
    double far = fma(-e.scale, e.p, 1 - e.scale);
    return copysignf((float)(a < 1 ? b * tgk_quick_erf_near(b * b) : far), x);
}

/* e^(-x^2) */
TGK_INLINE double tgk_quick_exp_square(float x)
{
    double a = (double)tgk_clampf(x, -26.631F, 26.631F); /* to 0 */
    return tgk_quick_exp(-a * a);
}

/* The normal distribution function at -|x|: e^(-x^2 / 2) times a polynomial of 1 / (|x| + 4.5); 0
 * from 37.66 on. */
TGK_INLINE double tgk_quick_normal_tail(float x)
{
    float a = fabsf(x);
    double y = (double)(a > 37.66F ? 37.66F : a), e = tgk_quick_exp(-0.5 * y * y);
    double w = 1 / (y + 4.5), z = w * w;
    double even = fma(z, -0x1.66cc6949281dap+21, -0x1.1c8494011c71bp+21);
    even = fma(z, even, -0x1.98a5c2f061236p+16);
    even = fma(z, even, 0x1.a8b9a9b5a34b5p+8);
    even = fma(z, even, 0x1.d9339107904ddp+6);
    even = fma(z, even, 0x1.ec18e8c6179e4p+2);
    even = fma(z, even, 0x1.9884dfbeb3940p-2);
    double odd = fma(z, 0x1.fedfdcb896104p+21, 0x1.35cb3d01c8eb8p+19);
    odd = fma(z, odd, 0x1.dbe5d7b370269p+13);
    odd = fma(z, odd, 0x1.9fe6a23ab55efp+8);
    odd = fma(z, odd, 0x1.ec25bc1c21375p+4);
    odd = fma(z, odd, 0x1.cb86a9579a35ep+0);
    return e * (w * fma(w, odd, even));
}

TGK_INLINE double tgk_quick_gelu(float x)
{
    double tail = tgk_quick_normal_tail(x);
    return (double)x * (x > 0 ? 1 - tail : tail);
}

/* (1 + tanh(u)) / 2 = sigmoid(2 u) with the u of tg_gelu_tanh(). */
TGK_INLINE double tgk_quick_gelu_gate(double x)
{
    return tgk_quick_sigmoid(x * fma(x * x, 0x1.2444f2a4d8b4bp-4, 0x1.9884533d43651p+0));
}

TGK_INLINE double tgk_quick_gelu_tanh_slope(double x)
{
    double small = tgk_quick_gelu_gate(-fabs(x)), large = 1 - small;
    double du = fma(x * x, 3 * 0x1.2444f2a4d8b4bp-4, 0x1.9884533d43651p+0);
    return fma(x * (small * large), du, x > 0 ? large : small);
}

TGK_INLINE double tgk_quick_elu(float x, double alpha)
{
    double y = alpha * tgk_quick_expm1((double)tgk_clampf(x, -50, 50));
    return x > 0 ? (double)x : y;
}

/* 1 for nan. */
TGK_INLINE double tgk_quick_elu_slope(float x, double alpha)
{
    double y = alpha * tgk_quick_exp_any(x);
    return x <= 0 ? y : 1;
}

#endif

/* special.h: the functions of activations and losses and their derivatives, in double, without the
 * cancellation of the textbook formulas. nan, infinities and signed zeros come out as in PyTorch's
 * scalar code. Written as selects, so that loops over them vectorise.
 *
 * Relies on math.h, and like it on -ffp-contract=off and a correct fma(). */
#ifndef TGK_SPECIAL_H
#define TGK_SPECIAL_H

#include "kernels/math.h"

#define TGK_INV_SQRT_2PI 0x1.9884533d43651p-2

/* e^(-(high + low)) for 0 <= high <= 1100 and a low that is small to high. */
TGK_INLINE double tgk_exp_minus(double high, double low)
{
    double e = tgk_exp_reduced(tgk_reduce(-high));
    return fma(e, -low, e);
}

/* e^(-x^2), with x^2 in two parts. */
TGK_INLINE double tgk_exp_square(double x)
{
    double a = fabs(x);
    a = a > 30 ? 30 : a;
    double square = a * a;
    return tgk_exp_minus(square, fma(a, a, -square));
}

/* The normal distribution at x: `tail` is its function at -|x|, `density` its density. */
typedef struct tgk_gaussian {
    double tail, density;
} tgk_gaussian;

/* e^(a^2 / 2) times the normal distribution function at -a, for 0 <= a <= 40. */
TGK_INLINE double tgk_normal_scaled(double a)
{
    double u = (a - 5) / (a + 5), z = u * u;
    double even = fma(z, -0x1.b2cb7819d8888p-35, 0x1.538fb61cd070fp-29);
    even = fma(z, even, -0x1.7165c3be2ecd5p-26);
    even = fma(z, even, 0x1.eba16cc5b205ap-24);
    even = fma(z, even, -0x1.db0cc80505759p-23);
    even = fma(z, even, -0x1.829e12feb20d1p-18);
    even = fma(z, even, 0x1.fe35fb00032a8p-14);
    even = fma(z, even, -0x1.3b24087b2695ep-10);
    even = fma(z, even, -0x1.2b2bbaf349c64p-7);
    even = fma(z, even, -0x1.00cd0d6b99605p-7);
    even = fma(z, even, 0x1.ac5c08ded2ec3p-5);
    even = fma(z, even, 0x1.7622b016ace32p-2);
    double odd = fma(z, -0x1.cdef41305f39bp-33, 0x1.a981898187941p-29);
    odd = fma(z, odd, -0x1.7b5f0222744c4p-26);
    odd = fma(z, odd, 0x1.288d302373ccdp-23);
    odd = fma(z, odd, -0x1.ee24f974ca7b5p-21);
    odd = fma(z, odd, 0x1.b2b675e540a2dp-18);
    odd = fma(z, odd, -0x1.4f413c239c438p-15);
    odd = fma(z, odd, 0x1.4a9ea3359337cp-15);
    odd = fma(z, odd, 0x1.199829fc41740p-8);
    odd = fma(z, odd, 0x1.9b36b76530feap-7);
    odd = fma(z, odd, -0x1.a0c86ccfb1123p-7);
    odd = fma(z, odd, -0x1.ac262e751b6aap-4);
    return fma(u, odd, even) / fma(0.75, a, 1);
}

TGK_INLINE tgk_gaussian tgk_normal_at(double x)
{
    double a = fabs(x);
    a = a > 40 ? 40 : a;
    double square = 0.5 * a * a, e = tgk_exp_minus(square, fma(0.5 * a, a, -square));
    return (tgk_gaussian){e * tgk_normal_scaled(a), e * TGK_INV_SQRT_2PI};
}

TGK_INLINE double tgk_gelu(double x)
{
    double tail = tgk_normal_at(x).tail;
    return x * (x > 0 ? 1 - tail : tail);
}

TGK_INLINE double tgk_gelu_slope(double x)
{
    tgk_gaussian at = tgk_normal_at(x);
    return (x > 0 ? 1 - at.tail : at.tail) + x * at.density;
}

/* (1 + tanh(u)) / 2 = sigmoid(2 u) with the u of tg_gelu_tanh(): 2 u is carried in two parts, for
 * the sigmoid of a negative number magnifies its error. */
TGK_INLINE double tgk_gelu_gate(double x)
{
    const double a = 0x1.9884533d43651p+0, a_low = -0x1.cbc0d30ebfd15p-54;
    const double b = 0x1.2444f2a4d8b4bp-4, b_low = -0x1.6c843a29d1c70p-61;
    x = tgk_clamp(x, -30, 30);
    double z = x * x, z_low = fma(x, x, -z), q = b * z;
    double q_low = fma(b, z, -q) + fma(b, z_low, b_low * z);
    tgk_dd sum = tgk_two_sum(a, q);
    double u = x * sum.hi, low = fma(x, sum.hi, -u) + x * (sum.lo + (q_low + a_low));
    double s = tgk_sigmoid(u);
    return fma(s * (1 - s), low, s);
}

TGK_INLINE double tgk_gelu_tanh(double x)
{
    return x * tgk_gelu_gate(x);
}

/* With the gate of -|x|, which is small and has all its digits: 1 minus it would have none left. */
TGK_INLINE double tgk_gelu_tanh_slope(double x)
{
    double small = tgk_gelu_gate(-fabs(x)), large = 1 - small;
    double du = fma(x * x, 3 * 0x1.2444f2a4d8b4bp-4, 0x1.9884533d43651p+0);
    return (x > 0 ? large : small) + x * (small * large) * du;
}

TGK_INLINE double tgk_silu(double x)
{
    return tgk_times_sigmoid(x < -750 ? x * 0 : x, x);
}

TGK_INLINE double tgk_silu_slope(double x)
{
    double a = -fabs(x), e = tgk_exp_reduced(tgk_reduce(a < -750 ? -750 : a));
    double small = e / (1 + e), large = 1 - small;
    return (x > 0 ? large : small) * fma(x, x > 0 ? small : large, 1);
}

/* e^-|x| to 2^-60. */
TGK_INLINE tgk_dd tgk_decay_parts(double x)
{
    double a = -fabs(x);
    tgk_reduced b = tgk_reduce(a < -750 ? -750 : a);
    tgk_dd y = tgk_expm1_reduced(b.r, b.low), head = tgk_fast_two_sum(1, y.hi);
    y = tgk_fast_two_sum(head.hi, head.lo + y.lo);
    return (tgk_dd){y.hi * b.half * b.rest, y.lo * b.half * b.rest};
}

/* log(1 + e) for 0 <= e <= 1 in two parts. */
TGK_INLINE double tgk_log1p_parts(tgk_dd e)
{
    tgk_dd u = tgk_fast_two_sum(1, e.hi);
    uint64_t biased;
    double m = tgk_log_split(u.hi, &biased), scale = tgk_from_bits((2046 - biased) << 52);
    tgk_dd f = tgk_fast_two_sum(m - 1, (u.lo + e.lo) * scale);
    double y = tgk_log_core(f.hi, f.lo, biased, 0);
    return e.hi < 0x1p-54 ? e.hi : y;
}

/* log(1 + e^x) for all x. */
TGK_INLINE double tgk_softplus(double x)
{
    return tgk_log1p_parts(tgk_decay_parts(x)) + (x < 0 ? 0 : x);
}

/* PyTorch's default threshold: above it softplus is taken to be linear. */
#define TGK_LINEAR 20

TGK_INLINE double tgk_softplus_torch(double x)
{
    double y = tgk_softplus(x);
    return x > TGK_LINEAR ? x : y;
}

TGK_INLINE double tgk_softplus_torch_slope(double x)
{
    double y = tgk_sigmoid(x);
    return x > TGK_LINEAR ? 1 : y;
}

TGK_INLINE double tgk_elu(double x, double alpha)
{
    double y = alpha * tgk_expm1(x);
    return x > 0 ? x : y;
}

/* 1 for nan. */
TGK_INLINE double tgk_elu_slope(double x, double alpha)
{
    double y = alpha * tgk_exp(x);
    return x <= 0 ? y : 1;
}

#endif

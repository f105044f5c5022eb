/* trigonometry.h: tan, the inverses of sine, cosine and tangent, hyperbolic sine and cosine and the inverses of
 * all three; log2, log10, exp2. In double within 1 ulp, but tan, asinh, acosh and atanh within 2 (measured in
 * tests/test_accuracy_trigonometry.c), and for results that are rounded to float: tgk_quick_. nan, infinities
 * and signed zeros come out as in <math.h>. Written as selects, so that loops vectorise.
 *
 * Relies on angle.h and power.h, and like them on -ffp-contract=off and a correct fma(). */
#ifndef TGK_TRIGONOMETRY_H
#define TGK_TRIGONOMETRY_H

#include "kernels/angle.h"
#include "kernels/power.h"

#define TGK_HALF_PI 0x1.921fb54442d18p+0
#define TGK_HALF_PI_LO 0x1.1a62633145c07p-54

/* --- tangent --- */

TGK_INLINE double tgk_tan_near(double x)
{
    tgk_angle a = tgk_angle_near(x);
    return tgk_sine_of(a, 0) / tgk_sine_of(a, 1);
}

TGK_INLINE double tgk_tan(double x)
{
    if (tgk_is_near_angle(x))
        return tgk_tan_near(x);
    tgk_angle a = tgk_angle_far(x);
    return tgk_sine_of(a, 0) / tgk_sine_of(a, 1);
}

TGK_INLINE double tgk_quick_tan(double x)
{
    return tgk_quick_sin(x) / tgk_quick_cos(x);
}

TGK_INLINE double tgk_any_tan(double x)
{
    return tgk_is_near_angle(x) ? tgk_quick_tan(x) : tgk_tan(x);
}

/* --- arc tangent: of a / b >= 0 it is 0, pi / 4 or pi / 2 and that of a quotient up to tan(pi / 8) --- */

/* What is added, in units of pi / 4, and the quotient as two sums. */
typedef struct tgk_turn {
    double eighths;
    tgk_dd top, bottom;
} tgk_turn;

TGK_INLINE tgk_turn tgk_turn_of(double a, double b)
{
    const double tan_pi_8 = 0x1.a827999fcef32p-2, cot_pi_8 = 0x1.3504f333f9de6p+1;
    bool small = a <= tan_pi_8 * b, large = a > cot_pi_8 * b;
    tgk_dd less = tgk_two_sum(a, -b), more = tgk_two_sum(a, b);
    tgk_turn t;
    t.eighths = small ? 0 : large ? 2 : 1;
    t.top.hi = small ? a : large ? -b : less.hi;
    t.top.lo = (small | large) ? 0 : less.lo;
    t.bottom.hi = small ? b : large ? a : more.hi;
    t.bottom.lo = (small | large) ? 0 : more.lo;
    return t;
}

/* (atan(t) / t - 1) / t^2 for t^2 = z. */
TGK_INLINE double tgk_atan_tail(double z)
{
    double p = fma(z, -0x1.c81291cfc455fp-7, 0x1.f5ef74d05428dp-6);
    p = fma(z, p, -0x1.503c4469943acp-5);
    p = fma(z, p, 0x1.829ce3237ab26p-5);
    p = fma(z, p, -0x1.aebd1fa559894p-5);
    p = fma(z, p, 0x1.e1d8e9bffe59dp-5);
    p = fma(z, p, -0x1.1110cee80b516p-4);
    p = fma(z, p, 0x1.3b13aea9e84b6p-4);
    p = fma(z, p, -0x1.745d173565149p-4);
    p = fma(z, p, 0x1.c71c71c6ddbfcp-4);
    p = fma(z, p, -0x1.24924924920adp-3);
    p = fma(z, p, 0x1.9999999999997p-3);
    return fma(z, p, -0x1.5555555555555p-2);
}

/* The arc tangent of a / b for a and b >= 0, not both 0 or infinite, in two parts. */
TGK_INLINE tgk_dd tgk_atan_parts(double a, double b)
{
    tgk_turn turn = tgk_turn_of(a, b);
    double t = turn.top.hi / turn.bottom.hi;
    double rest = fma(-t, turn.bottom.hi, turn.top.hi) + fma(-t, turn.bottom.lo, turn.top.lo);
    double low = rest / turn.bottom.hi, z = t * t;
    low = low == low ? low : 0; /* infinities */
    tgk_dd sum = tgk_two_sum(turn.eighths * (0.5 * TGK_HALF_PI), t);
    double tail = fma(t * z, tgk_atan_tail(z), low);
    return tgk_fast_two_sum(sum.hi, sum.lo + (fma(turn.eighths, 0.5 * TGK_HALF_PI_LO, tail)));
}

TGK_INLINE double tgk_atan(double x)
{
    double y = tgk_atan_parts(fabs(x), 1).hi;
    return copysign(y, x);
}

TGK_INLINE double tgk_quick_atan_of(double a, double b)
{
    const double tan_pi_8 = 0x1.a827999fcef32p-2, cot_pi_8 = 0x1.3504f333f9de6p+1;
    bool small = a <= tan_pi_8 * b, large = a > cot_pi_8 * b;
    double top = small ? a : large ? -b : a - b, bottom = small ? b : large ? a : a + b;
    double t = top / bottom, z = t * t;
    double p = fma(z, 0x1.0dfb68d0231a4p-5, -0x1.edc1cc88dd692p-5);
    p = fma(z, p, 0x1.377e1bae7bed4p-4);
    p = fma(z, p, -0x1.7415b658a5a9fp-4);
    p = fma(z, p, 0x1.c71963926d8dep-4);
    p = fma(z, p, -0x1.249240dabc69ep-3);
    p = fma(z, p, 0x1.999999885ec7fp-3);
    p = fma(z, p, -0x1.5555555552617p-2);
    double y = fma(t * z, p, t);
    return small ? y : y + (large ? TGK_HALF_PI : 0.5 * TGK_HALF_PI);
}

TGK_INLINE double tgk_quick_atan(double x)
{
    return copysign(tgk_quick_atan_of(fabs(x), 1), x);
}

/* Both finite, and not 0; what is too large or small to add is scaled. */
TGK_INLINE bool tgk_is_point(double y, double x)
{
    return (fabs(y) < TGK_INF) & (fabs(x) < TGK_INF) & (y != 0) & (x != 0);
}

TGK_INLINE bool tgk_are_points(const double *y, const double *x, int64_t n)
{
    int64_t others = 0;
    for (int64_t i = 0; i < n; i++)
        others += tgk_is_point(y[i], x[i]) ? 0 : 1;
    return others == 0;
}

TGK_INLINE double tgk_atan2_near(double y, double x)
{
    double a = fabs(y), b = fabs(x), most = a > b ? a : b;
    double scale = most > 0x1p1000 ? 0x1p-100 : most < 0x1p-900 ? 0x1p100 : 1;
    tgk_dd angle = tgk_atan_parts(a * scale, b * scale);
    tgk_dd half_turn = tgk_two_sum(2 * TGK_HALF_PI, -angle.hi);
    double left = half_turn.hi + (half_turn.lo + (2 * TGK_HALF_PI_LO - angle.lo));
    return copysign(x < 0 ? left : angle.hi + angle.lo, y);
}

TGK_INLINE double tgk_quick_atan2(double y, double x)
{
    double angle = tgk_quick_atan_of(fabs(y), fabs(x));
    return copysign(x < 0 ? 2 * TGK_HALF_PI - angle : angle, y);
}

TGK_INLINE double tgk_atan2(double y, double x)
{
    return tgk_is_point(y, x) ? tgk_atan2_near(y, x) : atan2(y, x);
}

TGK_INLINE double tgk_any_quick_atan2(double y, double x)
{
    return tgk_is_point(y, x) ? tgk_quick_atan2(y, x) : atan2(y, x);
}

/* --- arc sine: of s up to 1/2, with s + low = sqrt(z), or sqrt((1 - x) / 2) for larger x --- */

typedef struct tgk_root {
    double s, low, z;
} tgk_root;

TGK_INLINE tgk_root tgk_root_of(double a)
{
    double z = a > 0.5 ? 0.5 - 0.5 * a : a * a, s = sqrt(z), low = fma(-s, s, z) / (s + s);
    return (tgk_root){a > 0.5 ? s : a, ((a > 0.5) & (s > 0)) ? low : 0, z};
}

/* (asin(s) / s - 1) / z */
TGK_INLINE double tgk_asin_tail(double z)
{
    double p = fma(z, 0x1.e529c6fce9bb4p-6, -0x1.3b416bb7d9257p-6);
    p = fma(z, p, 0x1.406192d124629p-6);
    p = fma(z, p, 0x1.8f193743418ffp-9);
    p = fma(z, p, 0x1.31622469ce5adp-7);
    p = fma(z, p, 0x1.3b49de7121487p-7);
    p = fma(z, p, 0x1.7b027ee1dd585p-7);
    p = fma(z, p, 0x1.c990ad3d8fdcap-7);
    p = fma(z, p, 0x1.1c4efce23019fp-6);
    p = fma(z, p, 0x1.6e8ba123e494cp-6);
    p = fma(z, p, 0x1.f1c71c7a52ba3p-6);
    p = fma(z, p, 0x1.6db6db6dac1e0p-5);
    p = fma(z, p, 0x1.3333333333388p-4);
    return fma(z, p, 0x1.5555555555555p-3);
}

TGK_INLINE double tgk_asin(double x)
{
    tgk_root r = tgk_root_of(fabs(x));
    double tail = fma(r.s * r.z, tgk_asin_tail(r.z), r.low);
    tgk_dd rest = tgk_two_sum(TGK_HALF_PI, -2 * r.s);
    double large = rest.hi + (rest.lo + fma(-2, tail, TGK_HALF_PI_LO));
    return copysign(fabs(x) > 0.5 ? large : r.s + tail, x);
}

TGK_INLINE double tgk_acos(double x)
{
    tgk_root r = tgk_root_of(fabs(x));
    double tail = fma(r.s * r.z, tgk_asin_tail(r.z), r.low), base = fabs(x) > 0.5 ? 2 : 1;
    bool right = x > 0.5; /* twice the arc sine; else pi or pi / 2, less or more one or two of it */
    double start = right ? 0 : base * TGK_HALF_PI, start_low = right ? 0 : base * TGK_HALF_PI_LO;
    double factor = right || x < 0 ? base : -base;
    factor = x < 0 ? (x < -0.5 ? -2 : 1) : factor;
    tgk_dd rest = tgk_two_sum(start, factor * r.s);
    return rest.hi + (rest.lo + fma(factor, tail, start_low));
}

TGK_INLINE double tgk_quick_asin_of(tgk_root r)
{
    double z = r.z, p = fma(z, 0x1.d06eddee004bep-6, 0x1.17d722d86d4bep-10);
    p = fma(z, p, 0x1.144d1f0d0554dp-6);
    p = fma(z, p, 0x1.14eefea06d8d9p-6);
    p = fma(z, p, 0x1.6f347e4a44c5dp-6);
    p = fma(z, p, 0x1.f1beb9c867b18p-6);
    p = fma(z, p, 0x1.6db6f5e9d0b98p-5);
    p = fma(z, p, 0x1.333333133277ep-4);
    p = fma(z, p, 0x1.555555555ba9ep-3);
    return fma(r.s * z, p, r.s);
}

TGK_INLINE tgk_root tgk_quick_root_of(double a)
{
    double z = a > 0.5 ? 0.5 - 0.5 * a : a * a, s = sqrt(z);
    return (tgk_root){a > 0.5 ? s : a, 0, z};
}

TGK_INLINE double tgk_quick_asin(double x)
{
    double a = fabs(x), y = tgk_quick_asin_of(tgk_quick_root_of(a));
    return copysign(a > 0.5 ? TGK_HALF_PI - 2 * y : y, x);
}

TGK_INLINE double tgk_quick_acos(double x)
{
    double a = fabs(x), y = tgk_quick_asin_of(tgk_quick_root_of(a));
    double far = x > 0 ? 2 * y : 2 * TGK_HALF_PI - 2 * y;
    return a > 0.5 ? far : TGK_HALF_PI - (x < 0 ? -y : y);
}

/* --- hyperbolic --- */

/* (e^a - 1) / 2 in two parts, for 0 <= a <= 710.5. */
TGK_INLINE tgk_dd tgk_half_expm1(double a)
{
    tgk_reduced r = tgk_reduce(a);
    tgk_dd y = tgk_expm1_reduced(r.r, r.low);
    double scale = r.half * 0.25 * r.rest; /* of a half of it, which does not overflow on the way */
    tgk_dd whole = tgk_two_sum(scale, -0.25), sum = tgk_two_sum(whole.hi, scale * y.hi);
    sum = tgk_fast_two_sum(sum.hi, sum.lo + fma(scale, y.lo, whole.lo));
    return (tgk_dd){2 * sum.hi, 2 * sum.lo};
}

/* With h = (e^a - 1) / 2: h + h / (2 h + 1). */
TGK_INLINE double tgk_sinh(double x)
{
    double a = fabs(x);
    tgk_dd h = tgk_half_expm1(a > 710.5 ? 710.5 : a);
    double large = h.hi > 0x1p60 ? 0x1p60 : h.hi; /* beyond, the quotient is nothing to h */
    tgk_dd below = tgk_two_sum(1, 2 * large);
    below.lo += 2 * h.lo;
    double q = tgk_quotient((tgk_dd){large, h.lo}, below), y = h.hi + (h.lo + q);
    double z = a * a, small = fma(a * z, fma(z, 1.0 / 120, 1.0 / 6), a);
    return copysign(a < 0x1p-8 ? small : y, x);
}

/* With e = e^a / 2: e + 1 / (4 e). */
TGK_INLINE double tgk_cosh(double x)
{
    double a = fabs(x);
    tgk_reduced r = tgk_reduce(a > 710.5 ? 710.5 : a);
    tgk_dd y = tgk_exp_reduced_parts(r.r, r.low);
    double scale = r.half * 0.25 * r.rest, e = scale * y.hi;
    return 2 * (e + fma(scale, y.lo, 0.0625 / e));
}

TGK_INLINE double tgk_quick_sinh(double x)
{
    double a = fabs(x), e = tgk_quick_expm1(a > 100 ? 100 : a);
    return copysign(0.5 * (e + e / (e + 1)), x);
}

TGK_INLINE double tgk_quick_cosh(double x)
{
    double a = fabs(x), e = tgk_quick_exp(a > 100 ? 100 : a);
    return 0.5 * (e + 1 / e);
}

/* log(1 + t) of t that stands for a; large ones are log(a) + ln 2. */
TGK_INLINE double tgk_log_of_sum(double t, double a)
{
    bool large = a > 0x1p28;
    double y = tgk_log1p(large ? a - 1 : t);
    return large ? y + 0x1.62e42fefa39efp-1 : y;
}

TGK_INLINE double tgk_asinh(double x)
{
    double a = fabs(x), t = a + a * a / (1 + sqrt(fma(a, a, 1)));
    double y = tgk_log_of_sum(t, a);
    return copysign(a < 0x1p-28 ? a : y, x);
}

TGK_INLINE double tgk_acosh(double x)
{
    double t = x - 1, y = tgk_log_of_sum(t + sqrt(fma(t, t, 2 * t)), x);
    return x < 1 ? TGK_NAN : y;
}

TGK_INLINE double tgk_atanh(double x)
{
    double a = fabs(x), y = 0.5 * tgk_log1p(2 * a / (1 - a));
    return copysign(a < 0x1p-28 ? a : y, x);
}

TGK_INLINE double tgk_quick_asinh(double x)
{
    double a = fabs(x), near = a < TGK_INF ? a : 0;
    double y = tgk_log1p_quick(near + near * near / (1 + sqrt(fma(near, near, 1))));
    return copysign(a < TGK_INF ? y : a, x);
}

TGK_INLINE double tgk_quick_acosh(double x)
{
    double t = ((x > 1) & (x < TGK_INF)) ? x - 1 : 0,
           y = tgk_log1p_quick(t + sqrt(fma(t, t, 2 * t)));
    return x < 1 ? TGK_NAN : x < TGK_INF ? y : x;
}

TGK_INLINE double tgk_quick_atanh(double x)
{
    double a = fabs(x), near = a < 1 ? a : 0, y = 0.5 * tgk_log1p_quick(2 * near / (1 - near));
    y = a < 1 ? y : a == 1 ? TGK_INF : TGK_NAN;
    return copysign(y, x);
}

/* --- other bases --- */

#define TGK_LOG10E 0x1.bcb7b1526e50ep-2

/* log(x) / log(b), the factor 1 / log(b) in two parts. */
TGK_INLINE double tgk_log_base(double x, double factor, double factor_low)
{
    tgk_dd log = tgk_log_parts(((x > 0) & (x < TGK_INF)) ? x : 1);
    double y = log.hi * factor, low = fma(log.hi, factor, -y);
    y += low + fma(log.lo, factor, log.hi * factor_low);
    y = x < TGK_INF ? y : x;
    y = x < 0 ? TGK_NAN : y;
    return x == 0 ? -TGK_INF : y;
}

TGK_INLINE double tgk_log2(double x)
{
    return tgk_log_base(x, TGK_LOG2E, 0x1.777d0ffda0d24p-56);
}

TGK_INLINE double tgk_log10(double x)
{
    return tgk_log_base(x, TGK_LOG10E, 0x1.95355baaafad3p-57);
}

/* For a float x; log2 is log_b(2). */
TGK_INLINE double tgk_quick_log_base(double x, double factor, double log2)
{
    uint64_t biased;
    double f = tgk_log_split(x, &biased) - 1, k = tgk_quick_exponent(biased);
    double y = fma(k, -log2, f * tgk_quick_log_near(f) * factor);
    y = x < TGK_INF ? y : x;
    y = x < 0 ? TGK_NAN : y;
    return x == 0 ? -TGK_INF : y;
}

TGK_INLINE double tgk_quick_log2(double x)
{
    return tgk_quick_log_base(x, TGK_LOG2E, 1);
}

TGK_INLINE double tgk_quick_log10(double x)
{
    return tgk_quick_log_base(x, TGK_LOG10E, 0x1.34413509f79ffp-2);
}

/* x = k + r, |r| <= 1/2, and 2^r = e^(r ln 2). */
TGK_INLINE double tgk_exp2(double x)
{
    const double magic = 0x1.8p52 + 2046, ln2 = 0x1.62e42fefa39efp-1;
    double near = tgk_clamp(x, -1100, 1025), t = near + magic, r = near - (t - magic);
    uint64_t biased = tgk_bits(t), half = biased >> 1;
    tgk_reduced a;
    a.r = r * ln2;
    a.low = fma(r, ln2, -a.r) + r * 0x1.abc9e3b39803fp-56;
    a.half = tgk_from_bits(half << 52);
    a.rest = tgk_from_bits((biased - half) << 52);
    return tgk_exp_reduced(a);
}

TGK_INLINE double tgk_quick_exp2(double x)
{
    return tgk_quick_exp(tgk_clamp(x, -152, 130) * 0x1.62e42fefa39efp-1);
}

#endif

/* angle.h: sine and cosine, in double within 1 ulp and for results that are rounded to float. Angles
 * are reduced by three parts of pi / 2; beyond 2^30, where those do not reach, by as many bits of
 * 2 / pi as an angle needs, one element at a time.
 *
 * Relies on quick.h, and like it on -ffp-contract=off and a correct fma(). */
#ifndef TGK_ANGLE_H
#define TGK_ANGLE_H

#include "kernels/quick.h"

/* From here on angles are far. */
#define TGK_FAR_ANGLE 0x1p30

/* x = (quadrant + 4 j) pi / 2 + r + low, |r| <= pi / 4. */
typedef struct tgk_angle {
    double r, low;
    uint64_t quadrant; /* in the lowest two bits */
} tgk_angle;

/* |x| < TGK_FAR_ANGLE */
TGK_INLINE tgk_angle tgk_angle_near(double x)
{
    const double magic = 0x1.8p52;
    double t = fma(x, 0x1.45f306dc9c883p-1, magic), k = t - magic;
    double rough = fma(k, -0x1.921fb54442d18p+0, x); /* exact */
    double p = k * -0x1.1a62633145c07p-54, p_low = fma(k, -0x1.1a62633145c07p-54, -p);
    tgk_dd sum = tgk_two_sum(rough, p);
    sum = tgk_fast_two_sum(sum.hi, sum.lo + fma(k, 0x1.f1976b7ed8fbcp-110, p_low));
    return (tgk_angle){k == 0 ? x : sum.hi, sum.lo, tgk_bits(t)}; /* a zero keeps its sign */
}

/* |x| >= TGK_FAR_ANGLE; nan for infinities and nan. */
tgk_angle tgk_angle_far(double x);

TGK_INLINE double tgk_sine_near(double r, double low)
{
    double z = r * r, cube = z * r;
    double p = fma(z, 0x1.5d8fd1bf72f59p-33, -0x1.ae5e5a91926a5p-26);
    p = fma(z, p, 0x1.71de3567d3084p-19);
    p = fma(z, p, -0x1.a01a019bfdee4p-13);
    p = fma(z, p, 0x1.111111110f7d0p-7);
    double tail = fma(z, fma(-cube, p, 0.5 * low), -low);
    return r - fma(cube, 0x1.5555555555548p-3, tail);
}

TGK_INLINE double tgk_cosine_near(double r, double low)
{
    double z = r * r, half = 0.5 * z, head = 1 - half;
    double p = fma(z, -0x1.8fa49a304e7bbp-37, 0x1.1ee9d7b5511ccp-29);
    p = fma(z, p, -0x1.27e4f7eac594cp-22);
    p = fma(z, p, 0x1.a01a019c8450ep-16);
    p = fma(z, p, -0x1.6c16c16c14f91p-10);
    p = fma(z, p, 0x1.555555555554bp-5);
    return head + ((1 - head - half) + fma(z * z, p, -r * low));
}

/* The sine of an angle that is more by so many right angles. */
TGK_INLINE double tgk_sine_of(tgk_angle a, uint64_t more)
{
    uint64_t quadrant = a.quadrant + more;
    double s = tgk_sine_near(a.r, a.low), c = tgk_cosine_near(a.r, a.low);
    return tgk_from_bits(tgk_bits(quadrant & 1 ? c : s) ^ (quadrant & 2) << 62);
}

TGK_INLINE bool tgk_is_near_angle(double x)
{
    return fabs(x) < TGK_FAR_ANGLE;
}

TGK_INLINE double tgk_sin_near(double x)
{
    return tgk_sine_of(tgk_angle_near(x), 0);
}

TGK_INLINE double tgk_cos_near(double x)
{
    return tgk_sine_of(tgk_angle_near(x), 1);
}

TGK_INLINE double tgk_sin(double x)
{
    return tgk_is_near_angle(x) ? tgk_sin_near(x) : tgk_sine_of(tgk_angle_far(x), 0);
}

TGK_INLINE double tgk_cos(double x)
{
    return tgk_is_near_angle(x) ? tgk_cos_near(x) : tgk_sine_of(tgk_angle_far(x), 1);
}

/* Whether all of n angles are near. */
TGK_INLINE bool tgk_are_near_angles(const double *x, int64_t n)
{
    int64_t far = 0;
    for (int64_t i = 0; i < n; i++)
        far += tgk_is_near_angle(x[i]) ? 0 : 1;
    return far == 0;
}

/* sin((k + r) pi) (-1)^k for |r| <= 1/2, from the angle x = (k + r) pi; for float. */
TGK_INLINE double tgk_quick_sine(double x, double k, uint64_t odd)
{
    double r = fma(k, -0x1.921fb54442d18p+1, x); /* exact */
    r = fma(k, -0x1.1a62633145c07p-53, r);
    double z = r * r;
    double p = fma(z, 0x1.52dbe987b50c9p-33, -0x1.ae03f814952a9p-26);
    p = fma(z, p, 0x1.71dcf84add483p-19);
    p = fma(z, p, -0x1.a019fd594c4cdp-13);
    p = fma(z, p, 0x1.1111110a558dbp-7);
    p = fma(z, p, -0x1.5555555547142p-3);
    return tgk_from_bits(tgk_bits(r * fma(z, p, 1)) ^ odd << 63);
}

TGK_INLINE double tgk_quick_sin(double x)
{
    const double magic = 0x1.8p52;
    double t = fma(x, 0x1.45f306dc9c883p-2, magic);
    return tgk_quick_sine(x, t - magic, tgk_bits(t));
}

/* sin(x + pi / 2) */
TGK_INLINE double tgk_quick_cos(double x)
{
    const double magic = 0x1.8p52;
    double t = fma(x, 0x1.45f306dc9c883p-2, -0.5) + magic;
    return tgk_quick_sine(x, t - magic + 0.5, tgk_bits(t) + 1);
}

/* The same of any angle. */
TGK_INLINE double tgk_any_sin(double x)
{
    return tgk_is_near_angle(x) ? tgk_quick_sin(x) : tgk_sine_of(tgk_angle_far(x), 0);
}

TGK_INLINE double tgk_any_cos(double x)
{
    return tgk_is_near_angle(x) ? tgk_quick_cos(x) : tgk_sine_of(tgk_angle_far(x), 1);
}

#endif

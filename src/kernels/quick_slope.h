/* quick_slope.h: slopes of activations in float, whose vectors are twice as wide as those of double:
 * within 2^-22 of the exact slope or of 1, whichever is larger, and tails keep their size down to
 * subnormals. (Measured in tests/test_slopes.c.) nan and infinities come out as in PyTorch's scalar
 * code.
 *
 * Relies on quick.h, and like it on -ffp-contract=off and a correct fmaf(). */
#ifndef TGK_QUICK_SLOPE_H
#define TGK_QUICK_SLOPE_H

#include "kernels/quick.h"

TGK_INLINE float tgk_float_from_bits(uint32_t bits)
{
    float x;
    memcpy(&x, &bits, sizeof x);
    return x;
}

/* x = k ln2 + r, and 2^(k + 64): a scale of 2^-64 comes last, so that all powers down to those that
 * are 0 have their digits. */
typedef struct tgk_steps {
    float r, scale;
} tgk_steps;

/* The scale is 0 here: e^x must be. */
#define TGK_STEPS_ZERO -132.4F

/* x + low; x is nan or TGK_STEPS_ZERO <= x <= 40. */
TGK_INLINE tgk_steps tgk_steps_of(float x, float low)
{
    const float magic = 0x1.8p23F + 127 + 64; /* adding it leaves k + 191 in the lowest bits */
    float t = fmaf(x, 0x1.715476p+0F, magic), k = t - magic;
    float r = fmaf(k, -0x1.62e430p-1F, x); /* exact */
    uint32_t bits;
    memcpy(&bits, &t, sizeof bits);
    return (tgk_steps){fmaf(k, 0x1.05c610p-29F, r + low), tgk_float_from_bits(bits << 23)};
}

/* small = sigmoid(-|x|), its e^-|x| as a Pade approximation. */
TGK_INLINE float tgk_silu_slopef(float x)
{
    float a = fabsf(x);
    tgk_steps e = tgk_steps_of(a > -TGK_STEPS_ZERO ? TGK_STEPS_ZERO : -a, 0);
    float z = e.r * e.r, even = fmaf(z, 1.5F, 15), odd = e.r * fmaf(z, 0.125F, 7.5F);
    float part = (even + odd) * e.scale * 0x1p-64F;
    float small = part / (part + (even - odd)), large = 1 - small;
    return (x > 0 ? large : small) * fmaf(x, x > 0 ? small : large, 1);
}

/* The slope at -a, a = |x|, is e^(-a^2 / 2) (R(a) - a / sqrt(2 pi)), where R is smooth: 1 / (a + 3)
 * times a polynomial of it. At a it is 1 minus that. */
TGK_INLINE float tgk_gelu_slopef(float x)
{
    float a = fabsf(x), near = a > 16.27F ? 16.27F : a; /* to 0 */
    float half = 0.5F * near, square = half * near;
    tgk_steps e = tgk_steps_of(-square, fmaf(-half, near, square));
    float y = fmaf(e.r, 0x1.6a21b0p-10F, 0x1.123b68p-7F);
    y = fmaf(e.r, y, 0x1.5558fap-5F);
    y = fmaf(e.r, y, 0x1.555490p-3F);
    y = fmaf(e.r, y, 0x1.fffffcp-2F);
    y = fmaf(e.r, fmaf(e.r, y, 1), 1) * e.scale;
    float w = 1 / (near + 3), u = fmaf(w, 0x1.c6acc2p+2F, -0x1.5e3baep+0F);
    float p = fmaf(u, -0x1.43742ep-14F, 0x1.70c7dcp-13F);
    p = fmaf(u, p, 0x1.6d8ad8p-11F);
    p = fmaf(u, p, -0x1.36f69ep-9F);
    p = fmaf(u, p, -0x1.006ccep-7F);
    p = fmaf(u, p, 0x1.829090p-6F);
    p = fmaf(u, p, 0x1.6d9f8ap-3F);
    p = fmaf(u, p, 0x1.f92326p-2F);
    p = fmaf(u, p, 0x1.a0c25cp-1F);
    float low = y * fmaf(w, p, -0x1.988454p-2F * a) * 0x1p-64F;
    return x > 0 ? 1 - low : low;
}

#endif

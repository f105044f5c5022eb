/* activation.h: mish, and the exponential units that scale what goes in or comes out, in double within
 * 2 ulp and for results that are rounded to float. nan, infinities and signed zeros come out as in
 * PyTorch's scalar code. Written as selects, so that loops over them vectorise.
 *
 * Relies on quick.h and dd.h, and like them on -ffp-contract=off and a correct fma(). */
#ifndef TGK_ACTIVATION_H
#define TGK_ACTIVATION_H

#include "kernels/dd.h"
#include "kernels/quick.h"

/* With e = e^-|x|: tanh(log(1 + e^x)) is top / bottom = e (e + 2) / (e (e + 2) + 2) for x < 0, and
 * (1 + 2 e) / (1 + 2 e + 2 e^2) else. Its square is 1 less (1 + e)^2 4 / bottom^2, for x > 0 times e^2. */
typedef struct tgk_mish_at {
    double top, bottom;
} tgk_mish_at;

TGK_INLINE tgk_mish_at tgk_mish_of(double x, double e)
{
    double below = e * (e + 2), above = fma(2, e, 1);
    return (tgk_mish_at){x < 0 ? below : above, x < 0 ? below + 2 : fma(2 * e, e, above)};
}

TGK_INLINE double tgk_quick_mish(double x)
{
    tgk_mish_at at = tgk_mish_of(x, tgk_quick_decay(x));
    return x * (at.top / at.bottom);
}

/* From e: the quotient, and x times its slope. */
TGK_INLINE double tgk_mish_slope_of(double x, double e)
{
    tgk_mish_at at = tgk_mish_of(x, e);
    double inverse = 1 / at.bottom, steep = 4 * e * (1 + e) * (x < 0 ? 1 : e);
    return fma(x * (steep * inverse), inverse, at.top * inverse);
}

TGK_INLINE double tgk_quick_mish_slope(double x)
{
    return tgk_mish_slope_of(x, tgk_quick_decay(x));
}

TGK_INLINE double tgk_mish(double x)
{
    tgk_dd e = tgk_decay_parts(x), two = tgk_dd_of(2);
    tgk_dd below = tgk_dd_mul(e, tgk_dd_add(e, two));
    tgk_dd above = tgk_dd_add(tgk_dd_of(1), tgk_dd_scale(e, 2));
    tgk_dd more = x < 0 ? two : tgk_dd_scale(tgk_dd_mul(e, e), 2);
    tgk_dd top = {x < 0 ? below.hi : above.hi, x < 0 ? below.lo : above.lo};
    return x * tgk_quotient(top, tgk_dd_add(top, more));
}

TGK_INLINE double tgk_mish_slope(double x)
{
    return tgk_mish_slope_of(x, tgk_decay_parts(x).hi);
}

#define TGK_SELU_SCALE 1.0507009873554804934193349852946
#define TGK_SELU_ALPHA 1.6732632423543772848170429916717

/* alpha (e^(x / alpha) - 1) for x <= 0. */
TGK_INLINE double tgk_celu(double x, double alpha)
{
    double y = alpha * tgk_expm1(x / alpha);
    return x > 0 ? x : y;
}

TGK_INLINE double tgk_celu_slope(double x, double alpha)
{
    double y = tgk_exp(x / alpha);
    return x <= 0 ? y : 1;
}

TGK_INLINE double tgk_quick_celu(double x, double alpha)
{
    double y = alpha * tgk_quick_expm1(tgk_clamp(x / alpha, -50, 89));
    return x > 0 ? x : y;
}

TGK_INLINE double tgk_quick_celu_slope(double x, double alpha)
{
    double y = tgk_quick_exp(tgk_clamp(x / alpha, TGK_QUICK_ZERO, 700));
    return x <= 0 ? y : 1;
}

#endif

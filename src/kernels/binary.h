/* binary.h: the binary cross-entropy of a logit x and a target t whose positive term counts p times,
 * (1 - t) softplus(x) + p t softplus(-x), and its slope by x: in double within 2 ulp where nothing
 * cancels (the slope of targets between 0 and 1 does, where the prediction is nearly right), and for
 * results that are rounded to float.
 *
 * Relies on quick.h, and like it on -ffp-contract=off and a correct fma(). */
#ifndef TGK_BINARY_H
#define TGK_BINARY_H

#include "kernels/quick.h"

/* From y = log(1 + e^-|x|). */
TGK_INLINE double tgk_binary_loss_of(double y, double x, double t, double p)
{
    return fma(y, fma(p, t, 1 - t), (x > 0 ? 1 - t : -(p * t)) * x);
}

TGK_INLINE double tgk_binary_loss(double x, double t, double p)
{
    return tgk_binary_loss_of(tgk_log1p_parts(tgk_decay_parts(x)), x, t, p);
}

TGK_INLINE double tgk_quick_binary_loss(double x, double t, double p)
{
    return tgk_binary_loss_of(tgk_quick_log1p(tgk_quick_decay(x)), x, t, p);
}

/* (1 - t) s(x) - p t s(-x) = (up e - down) / (1 + e) for x < 0, e = e^-|x|; else (up - down e) / ... */
TGK_INLINE double tgk_binary_slope(double x, double t, double p)
{
    tgk_dd e = tgk_decay_parts(x), up = tgk_two_sum(1, -t);
    tgk_dd down = {p * t, fma(p, t, -(p * t))};
    bool below = x < 0;
    tgk_dd a = {below ? up.hi : down.hi, below ? up.lo : down.lo};
    tgk_dd b = {below ? down.hi : up.hi, below ? down.lo : up.lo};
    double product = a.hi * e.hi;
    double low = fma(a.hi, e.hi, -product) + fma(a.hi, e.lo, a.lo * e.hi);
    tgk_dd rest = tgk_two_sum(product, -b.hi);
    double top = rest.hi + (rest.lo + (low - b.lo));
    return (below ? top : -top) / (1 + e.hi);
}

TGK_INLINE double tgk_quick_binary_slope(double x, double t, double p)
{
    tgk_quick_odds y = tgk_quick_odds_of(x);
    double up = 1 - t, down = p * t;
    return (x < 0 ? fma(up, y.small, -down * y.large) : fma(-down, y.small, up * y.large)) / y.sum;
}

#endif

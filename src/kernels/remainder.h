/* remainder.h: what is left of a division, exactly: by vectors where the quotient is below 2^53, which
 * all results but a few are of; else libm's fmod(), which is exact as well.
 *
 * Relies on math.h, and like it on -ffp-contract=off and a correct fma(). */
#ifndef TGK_REMAINDER_H
#define TGK_REMAINDER_H

#include "kernels/math.h"

#include <stdbool.h>

TGK_INLINE bool tgk_is_quotient(double x, double y)
{
    return (fabs(x) < 0x1p53 * fabs(y)) & (fabs(y) < TGK_INF) & (fabs(x) < TGK_INF);
}

TGK_INLINE bool tgk_are_quotients(const double *x, const double *y, int64_t n)
{
    int64_t others = 0;
    for (int64_t i = 0; i < n; i++)
        others += tgk_is_quotient(x[i], y[i]) ? 0 : 1;
    return others == 0;
}

/* x = whole * y + rest, of the sign of x. */
typedef struct tgk_division {
    double whole, rest;
} tgk_division;

/* The rounded quotient is right or one too many, and the rest exact in both cases. */
TGK_INLINE tgk_division tgk_divide(double x, double y)
{
    double whole = trunc(x / y), rest = fma(-whole, y, x);
    double side = copysign(1, x), more = rest + copysign(y, x);
    bool over = rest * side < 0;
    rest = over ? more : rest;
    whole = over ? whole - copysign(1, whole) : whole;
    return (tgk_division){whole, copysign(rest, x)};
}

/* Whether the rest is to have the other sign, which is the divisor's in Python. */
TGK_INLINE bool tgk_rest_turns(double rest, double y)
{
    return (rest != 0) & ((rest < 0) != (y < 0));
}

TGK_INLINE double tgk_remainder_of(double rest, double y)
{
    return tgk_rest_turns(rest, y) ? rest + y : rest;
}

/* floor(x / y). */
TGK_INLINE double tgk_floor_divide_near(double x, double y)
{
    tgk_division d = tgk_divide(x, y);
    double whole = d.whole - (tgk_rest_turns(d.rest, y) ? 1 : 0);
    return whole == 0 ? copysign(0, x * y) : whole;
}

/* The same for any quotient, by Python's steps. */
TGK_INLINE double tgk_floor_divide(double x, double y)
{
    if (tgk_is_quotient(x, y))
        return tgk_floor_divide_near(x, y);
    double rest = fmod(x, y), whole = (x - rest) / y - (tgk_rest_turns(rest, y) ? 1 : 0);
    return y == 0 ? x / y : whole == 0 ? copysign(0, x / y) : floor(whole);
}

TGK_INLINE double tgk_fmod(double x, double y)
{
    return tgk_is_quotient(x, y) ? tgk_divide(x, y).rest : fmod(x, y);
}

#endif

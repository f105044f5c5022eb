/* What exact.h takes from libquadmath, from MPFR: correctly rounded to 113 bits. The second oracle where there is a
 * libquadmath, the only one elsewhere. A name ending in q is libquadmath's for the same function. */
#include <stdint.h>
#include <string.h>

#include <mpfr.h>

#include "exact_type.h"

exact fabsq(exact), frexpq(exact, int *), ldexpq(exact, int);

enum { BIAS = 16383, SPECIAL = 32767, DIGITS = 113 };

/* As the 16 bytes of an IEEE binary128: sign, 15 bits of exponent, 112 of fraction. */
typedef struct parts {
    uint64_t low, high;
} parts;

static parts parts_of(exact x)
{
    unsigned char bytes[16];
    parts p = {0, 0};
    const uint16_t one = 1;
    unsigned char little;
    memcpy(&little, &one, 1);
    memcpy(bytes, &x, 16);
    for (int i = 0; i < 16; i++) {
        uint64_t *half = i < 8 ? &p.low : &p.high;
        *half |= (uint64_t)bytes[little ? i : 15 - i] << 8 * (i % 8);
    }
    return p;
}

static exact exact_of(parts p)
{
    unsigned char bytes[16];
    const uint16_t one = 1;
    unsigned char little;
    exact x;
    memcpy(&little, &one, 1);
    for (int i = 0; i < 16; i++)
        bytes[little ? i : 15 - i] = (unsigned char)((i < 8 ? p.low : p.high) >> 8 * (i % 8));
    memcpy(&x, bytes, 16);
    return x;
}

static int exponent_of(parts p)
{
    return (int)(p.high >> 48 & SPECIAL);
}

exact fabsq(exact x)
{
    parts p = parts_of(x);
    p.high &= ~(UINT64_C(1) << 63);
    return exact_of(p);
}

/* 2^e, by halves where it is beyond what an exponent holds. */
static exact power_of_2(int e)
{
    if (e > BIAS || e < 1 - BIAS)
        return power_of_2(e / 2) * power_of_2(e - e / 2);
    return exact_of((parts){0, (uint64_t)(e + BIAS) << 48});
}

exact ldexpq(exact x, int e)
{
    if (x == 0 || x - x != 0)
        return x;
    e = e > 40000 ? 40000 : e < -40000 ? -40000 : e;
    return x * power_of_2(e / 2) * power_of_2(e - e / 2);
}

exact frexpq(exact x, int *exponent)
{
    *exponent = 0;
    if (x == 0 || x - x != 0)
        return x;
    int scaled = exponent_of(parts_of(x)) ? 0 : DIGITS;
    parts p = parts_of(x * power_of_2(scaled));
    *exponent = exponent_of(p) - BIAS + 1 - scaled;
    p.high = (p.high & ~(UINT64_C(32767) << 48)) | (uint64_t)(BIAS - 1) << 48;
    return exact_of(p);
}

static void to_mpfr(mpfr_t out, exact x)
{
    mpfr_t low;
    int exponent = 0;
    if (x != x) {
        mpfr_set_nan(out);
    } else if (x - x != 0) {
        mpfr_set_inf(out, x > 0 ? 1 : -1);
    } else if (x == 0) {
        mpfr_set_zero(out, parts_of(x).high >> 63 ? -1 : 1);
    } else {
        parts p = parts_of(frexpq(x, &exponent));
        mpfr_init2(low, 64);
        mpfr_set_uj(low, p.low, MPFR_RNDN);
        mpfr_set_uj_2exp(out, (p.high & ((UINT64_C(1) << 48) - 1)) | UINT64_C(1) << 48, 64,
                         MPFR_RNDN);
        mpfr_add(out, out, low, MPFR_RNDN);
        mpfr_mul_2si(out, out, exponent - DIGITS, MPFR_RNDN);
        mpfr_setsign(out, out, (int)(p.high >> 63), MPFR_RNDN);
        mpfr_clear(low);
    }
}

/* Exact, but for what is smaller than any normal number of 113 bits. */
static exact from_mpfr(mpfr_t x)
{
    if (mpfr_nan_p(x))
        return exact_of((parts){0, UINT64_C(0x7fff8) << 44});
    const uint64_t sign = (uint64_t) !!mpfr_signbit(x) << 63;
    if (mpfr_inf_p(x) || (mpfr_regular_p(x) && mpfr_get_exp(x) > BIAS + 1))
        return exact_of((parts){0, sign | UINT64_C(0x7fff) << 48});
    if (mpfr_zero_p(x))
        return exact_of((parts){0, sign});
    mpfr_t rest;
    mpfr_init2(rest, DIGITS);
    mpfr_exp_t exponent = mpfr_get_exp(x);
    mpfr_abs(rest, x, MPFR_RNDN);
    mpfr_set_exp(rest, 49);
    const uint64_t high = mpfr_get_uj(rest, MPFR_RNDZ);
    mpfr_frac(rest, rest, MPFR_RNDN);
    mpfr_mul_2ui(rest, rest, 64, MPFR_RNDN);
    const uint64_t low = mpfr_get_uj(rest, MPFR_RNDZ);
    mpfr_clear(rest);
    exact m =
        exact_of((parts){low, sign | (high & ~(UINT64_C(1) << 48)) | (uint64_t)(BIAS - 1) << 48});
    return ldexpq(m, (int)exponent);
}

typedef int function(mpfr_t, const mpfr_t, mpfr_rnd_t);
typedef int function2(mpfr_t, const mpfr_t, const mpfr_t, mpfr_rnd_t);

static exact of_one(function *f, exact x)
{
    mpfr_t a;
    mpfr_init2(a, DIGITS);
    to_mpfr(a, x);
    f(a, a, MPFR_RNDN);
    exact y = from_mpfr(a);
    mpfr_clear(a);
    return y;
}

static exact of_two(function2 *f, exact x, exact y)
{
    mpfr_t a, b;
    mpfr_inits2(DIGITS, a, b, (mpfr_ptr)0);
    to_mpfr(a, x);
    to_mpfr(b, y);
    f(a, a, b, MPFR_RNDN);
    exact z = from_mpfr(a);
    mpfr_clears(a, b, (mpfr_ptr)0);
    return z;
}

#define ONE(name)                                                                                  \
    exact name##q(exact x);                                                                        \
    exact name##q(exact x)                                                                         \
    {                                                                                              \
        return of_one(mpfr_##name, x);                                                             \
    }                                                                                              \
    exact name##q(exact x)
#define TWO(name)                                                                                  \
    exact name##q(exact x, exact y);                                                               \
    exact name##q(exact x, exact y)                                                                \
    {                                                                                              \
        return of_two(mpfr_##name, x, y);                                                          \
    }                                                                                              \
    exact name##q(exact x, exact y)

ONE(exp);
ONE(expm1);
ONE(log);
ONE(log1p);
ONE(log2);
ONE(log10);
ONE(sqrt);
ONE(erf);
ONE(erfc);
ONE(sin);
ONE(cos);
ONE(tan);
ONE(asin);
ONE(acos);
ONE(atan);
ONE(sinh);
ONE(cosh);
ONE(tanh);
ONE(asinh);
ONE(acosh);
ONE(atanh);
TWO(pow);
TWO(atan2);

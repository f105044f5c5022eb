/* The exact a * b + c of all numbers, see fused.h: as integers of 128 bits. Of two that are far
 * apart the smaller one becomes a last bit that says that something is there. */
#include "kernels/fused.h"

#include <stdbool.h>

/* 128 bits without a type of such. */
typedef struct wide {
    uint64_t high, low;
} wide;

/* (-1)^negative * size * 2^exponent, the leading bit of size, unless it is 0, bit TOP. */
typedef struct number {
    wide size;
    int exponent;
    bool negative;
} number;

enum { TOP = 125 };

static wide left(wide x, int by)
{
    if (by >= 64)
        return (wide){x.low << (by - 64), 0};
    return by ? (wide){x.high << by | x.low >> (64 - by), x.low << by} : x;
}

/* What falls off stays as the last bit. */
static wide right(wide x, int by)
{
    if (by >= 128)
        return (wide){0, (x.high | x.low) != 0};
    if (by >= 64)
        return (wide){0, (by > 64 ? x.high >> (by - 64) : x.high) |
                             (x.low != 0 || (by > 64 && x.high << (128 - by) != 0))};
    if (by == 0)
        return x;
    return (wide){x.high >> by, x.high << (64 - by) | x.low >> by | (x.low << (64 - by) != 0)};
}

static wide add(wide a, wide b)
{
    uint64_t low = a.low + b.low;
    return (wide){a.high + b.high + (low < a.low), low};
}

static wide subtract(wide a, wide b)
{
    return (wide){a.high - b.high - (a.low < b.low), a.low - b.low};
}

static bool less(wide a, wide b)
{
    return a.high != b.high ? a.high < b.high : a.low < b.low;
}

static wide product(uint64_t a, uint64_t b)
{
    const uint64_t half = UINT32_MAX;
    uint64_t low = (a & half) * (b & half), middle = (a >> 32) * (b & half) + (low >> 32);
    uint64_t other = (a & half) * (b >> 32) + (middle & half);
    return (wide){(a >> 32) * (b >> 32) + (middle >> 32) + (other >> 32),
                  other << 32 | (low & half)};
}

/* The same number with its leading bit at TOP; 0 stays, its exponent below all others'. */
static number raised(number x)
{
    int by = 0;
    if ((x.size.high | x.size.low) == 0)
        return (number){x.size, -8192, x.negative};
    for (int step = 64; step; step /= 2) {
        if (less(left(x.size, by), left((wide){0, 1}, TOP + 1 - step)))
            by += step;
    }
    return (number){left(x.size, by), x.exponent - by, x.negative};
}

static uint64_t mantissa_of(double x)
{
    uint64_t bits = tgk_bits(x), fraction = bits & (((uint64_t)1 << 52) - 1);
    return bits << 1 >> 53 ? fraction | (uint64_t)1 << 52 : fraction;
}

/* Of the last bit of that. */
static int exponent_of(double x)
{
    int field = (int)(tgk_bits(x) << 1 >> 53);
    return (field ? field : 1) - 1075;
}

static number sum_of(number a, number b)
{
    if (a.exponent < b.exponent || (a.exponent == b.exponent && less(a.size, b.size))) {
        number other = a;
        a = b;
        b = other;
    }
    b.size = right(b.size, a.exponent - b.exponent);
    a.size = (a.negative == b.negative ? add : subtract)(a.size, b.size);
    return a;
}

/* Not 0; its leading bit may be one above TOP. */
static double rounded(number x)
{
    const uint64_t infinite = (uint64_t)2047 << 52;
    x.size = right(x.size, 1);
    x.exponent++;
    x = raised(x);
    int least = x.exponent + TOP - 52 < -1074 ? -1074 : x.exponent + TOP - 52;
    wide kept = right(x.size, least - x.exponent - 2); /* and two bits behind */
    uint64_t bits = kept.low >> 2, behind = kept.low & 3;
    bits += behind > 2 || (behind == 2 && (bits & 1));
    if (least > 971 || (least == 971 && bits >> 53))
        bits = infinite;
    else if (bits >> 52) /* the leading bit is one more of the exponent */
        bits += (uint64_t)(least + 1074) << 52;
    return tgk_from_bits(bits | (uint64_t)x.negative << 63);
}

double tgk_fma_any(double a, double b, double c)
{
    const double largest = 0x1.fffffffffffffp+1023;
    if (!(fabs(a) <= largest && fabs(b) <= largest) || a == 0 || b == 0)
        return a * b + c;
    if (!(fabs(c) <= largest))
        return c + c;
    number p = raised((number){product(mantissa_of(a), mantissa_of(b)),
                               exponent_of(a) + exponent_of(b), (a < 0) != (b < 0)});
    number other = raised((number){{0, mantissa_of(c)}, exponent_of(c), tgk_bits(c) >> 63});
    number sum = sum_of(p, other);
    return (sum.size.high | sum.size.low) == 0 ? 0 : rounded(sum);
}

#if !TGK_LIBRARY_FMA
#if defined(__ELF__)
#define ALONE __attribute__((noinline, visibility("hidden")))
#elif defined(__GNUC__)
#define ALONE __attribute__((noinline))
#else
#define ALONE
#endif

ALONE double fma(double a, double b, double c)
{
    return tgk_fma(a, b, c);
}

#if !TGK_FMAF_IS_FAST
ALONE float fmaf(float a, float b, float c)
{
    return tgk_fmaf(a, b, c);
}
#endif
#endif

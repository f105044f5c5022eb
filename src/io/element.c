/* See element.h. Relies on IEEE arithmetic. */
#include "element.h"

#include <math.h>
#include <string.h>
#include <tinygrad/core.h>

static const tg_io_element elements[TG_IO_TYPES] = {
    [TG_IO_F32] = {"F32", "<f4", 4, TG_F32}, [TG_IO_F64] = {"F64", "<f8", 8, TG_F64},
    [TG_IO_I64] = {"I64", "<i8", 8, TG_I64}, [TG_IO_BOOL] = {"BOOL", "|b1", 1, TG_BOOL},
    [TG_IO_F16] = {"F16", "<f2", 2, TG_F32}, [TG_IO_BF16] = {"BF16", NULL, 2, TG_F32},
    [TG_IO_I32] = {"I32", "<i4", 4, TG_I64}, [TG_IO_I16] = {"I16", "<i2", 2, TG_I64},
    [TG_IO_I8] = {"I8", "|i1", 1, TG_I64},   [TG_IO_U32] = {"U32", "<u4", 4, TG_I64},
    [TG_IO_U16] = {"U16", "<u2", 2, TG_I64}, [TG_IO_U8] = {"U8", "|u1", 1, TG_I64},
};

const tg_io_element *tg_io_element_of(int type)
{
    return &elements[type];
}

/* -- From files -------------------------------------------------------------------------------- */

static float from_bits(uint32_t bits)
{
    float x;
    memcpy(&x, &bits, sizeof x);
    return x;
}

/* The exponent's bias goes from 15 to 127 by a product, which is exact and makes subnormals normal;
 * infinities and nan, whose exponent is 31, keep theirs. */
static float f16(uint16_t half)
{
    uint32_t rest = (uint32_t)(half & 0x7fff) << 13, sign = (uint32_t)(half & 0x8000) << 16;
    float x = from_bits(rest) * 0x1p112f;
    if (rest >= 31u << 23)
        x = from_bits(rest | 0x7f800000u);
    return sign ? -x : x;
}

static float bf16(uint16_t half)
{
    return from_bits((uint32_t)half << 16);
}

#define WIDEN(name, S, T, value)                                                                   \
    static void widen_##name(const char *from, int64_t n, void *to)                                \
    {                                                                                              \
        for (int64_t i = 0; i < n; i++, from += sizeof(S)) {                                       \
            S x;                                                                                   \
            memcpy(&x, from, sizeof x);                                                            \
            tg_io_turn(&x, 1, sizeof x);                                                           \
            ((T *)to)[i] = (value);                                                                \
        }                                                                                          \
    }

WIDEN(f16, uint16_t, float, f16(x))
WIDEN(bf16, uint16_t, float, bf16(x))
WIDEN(i32, int32_t, int64_t, x)
WIDEN(i16, int16_t, int64_t, x)
WIDEN(i8, int8_t, int64_t, x)
WIDEN(u32, uint32_t, int64_t, x)
WIDEN(u16, uint16_t, int64_t, x)
WIDEN(u8, uint8_t, int64_t, x)

static void (*const widen[TG_IO_TYPES])(const char *, int64_t, void *) = {
    [TG_IO_F16] = widen_f16, [TG_IO_BF16] = widen_bf16, [TG_IO_I32] = widen_i32,
    [TG_IO_I16] = widen_i16, [TG_IO_I8] = widen_i8,     [TG_IO_U32] = widen_u32,
    [TG_IO_U16] = widen_u16, [TG_IO_U8] = widen_u8,
};

void tg_io_widen(int type, const void *from, int64_t n, void *to)
{
    const size_t size = elements[type].size;
    if (widen[type]) {
        widen[type](from, n, to);
    } else if (n) {
        memcpy(to, from, (size_t)n * size);
        tg_io_turn(to, n, size);
    }
}

/* -- Into files -------------------------------------------------------------------------------- */

/* Floats of 16 bits: digits behind the point, the exponent of the smallest normal one, infinity. */
typedef struct half {
    int digits, smallest;
    uint32_t infinity;
} half;

/* Rounds once, from double: x in steps of the last place is exact, adding 2^52 leaves a whole number
 * of them, and what that carries over is the next exponent's first. */
static uint16_t narrow(double x, half h)
{
    uint32_t sign = signbit(x) ? 0x8000u : 0;
    if (isnan(x))
        return (uint16_t)(sign | h.infinity | 1u << (h.digits - 1));
    int exponent = 0;
    frexp(x, &exponent);
    exponent = exponent - 1 < h.smallest || x == 0 ? h.smallest : exponent - 1;
    if (isinf(x) || exponent > 127)
        return (uint16_t)(sign | h.infinity);
    uint32_t steps = (uint32_t)(ldexp(fabs(x), h.digits - exponent) + 0x1p52 - 0x1p52);
    uint32_t bits = ((uint32_t)(exponent - h.smallest) << h.digits) + steps;
    return (uint16_t)(sign | (bits < h.infinity ? bits : h.infinity));
}

void tg_io_narrow(int dtype, const void *from, int64_t n, int type, void *to)
{
    const half h = type == TG_IO_F16 ? (half){10, -14, 0x7c00} : (half){7, -126, 0x7f80};
    uint16_t *out = to;
    for (int64_t i = 0; i < n; i++)
        out[i] = narrow(
            dtype == TG_F64 ? ((const double *)from)[i] : (double)((const float *)from)[i], h);
    tg_io_turn(out, n, sizeof *out);
}

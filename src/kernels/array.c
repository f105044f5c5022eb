/* The caller's arrays, see array.h: a loop for each pair of types, and a check where not every
 * value fits. Relies on nothing. */
#include "array.h"

#include "kernels/format.h"

#include <math.h>
#include <string.h>

enum { F32, F64, I64, BOOL, I32, U8, TYPES };
enum { DTYPES = BOOL + 1 };

/* A bool of the caller's may be any byte. */
static const size_t sizes[TYPES] = {sizeof(float),   sizeof(double),  sizeof(int64_t),
                                    sizeof(uint8_t), sizeof(int32_t), sizeof(uint8_t)};

size_t tgk_array_size(int type)
{
    return type >= 0 && type < TYPES ? sizes[type] : 0;
}

/* -- Whether values fit ------------------------------------------------------------------------ */

typedef int64_t misfit(const void *from, int64_t n);

/* x fits where the condition holds. */
#define FITS(name, T, condition)                                                                   \
    static int64_t name(const void *from, int64_t n)                                               \
    {                                                                                              \
        const T *x_ = from;                                                                        \
        for (int64_t i = 0; i < n; i++) {                                                          \
            const T x = x_[i];                                                                     \
            if (!(condition))                                                                      \
                return i;                                                                          \
        }                                                                                          \
        return n;                                                                                  \
    }

FITS(f32_i64, float, x == truncf(x) && x >= -0x1p63f && x < 0x1p63f)
FITS(f64_i64, double, x == trunc(x) && x >= -0x1p63 && x < 0x1p63)
FITS(f64_f32, double, !(fabs(x) >= 0x1.ffffffp127) || isinf(x)) /* from there on rounded to inf */
FITS(i64_f32, int64_t, (float)x < 0x1p63f && (int64_t)(float)x == x)
FITS(i64_f64, int64_t, (double)x < 0x1p63 && (int64_t)(double)x == x)
FITS(i32_f32, int32_t, (double)(float)x == (double)x)
FITS(f32_bool, float, x == 0 || x == 1)
FITS(f64_bool, double, x == 0 || x == 1)
FITS(i64_bool, int64_t, x == 0 || x == 1)
FITS(i32_bool, int32_t, x == 0 || x == 1)
FITS(u8_bool, uint8_t, x <= 1)

static misfit *const misfits[TYPES][DTYPES] = {
    [F32] = {NULL, NULL, f32_i64, f32_bool},    [F64] = {f64_f32, NULL, f64_i64, f64_bool},
    [I64] = {i64_f32, i64_f64, NULL, i64_bool}, [BOOL] = {u8_bool, u8_bool, u8_bool, u8_bool},
    [I32] = {i32_f32, NULL, NULL, i32_bool},    [U8] = {NULL, NULL, NULL, u8_bool},
};

int64_t tgk_array_misfit(int type, int dtype, const void *from, int64_t n)
{
    misfit *find = misfits[type][dtype];
    return find ? find(from, n) : n;
}

/* -- Converting -------------------------------------------------------------------------------- */

typedef void convert(const void *from, int64_t n, void *to);

#define CONVERT(name, S, T)                                                                        \
    static void name(const void *from, int64_t n, void *to)                                        \
    {                                                                                              \
        const S *x = from;                                                                         \
        T *y = to;                                                                                 \
        for (int64_t i = 0; i < n; i++)                                                            \
            y[i] = (T)x[i];                                                                        \
    }

#define CONVERT_TO_ALL(name, S)                                                                    \
    CONVERT(name##_to_f32, S, float)                                                               \
    CONVERT(name##_to_f64, S, double)                                                              \
    CONVERT(name##_to_i64, S, int64_t)                                                             \
    CONVERT(name##_to_bool, S, bool)

#define ALL(name)                                                                                  \
    {                                                                                              \
        name##_to_f32, name##_to_f64, name##_to_i64, name##_to_bool                                \
    }

CONVERT_TO_ALL(f32, float)
CONVERT_TO_ALL(f64, double)
CONVERT_TO_ALL(i64, int64_t)
CONVERT_TO_ALL(i32, int32_t)
CONVERT_TO_ALL(u8, uint8_t)

static convert *const converts[TYPES][DTYPES] = {
    [F32] = ALL(f32), [F64] = ALL(f64), [I64] = ALL(i64),
    [BOOL] = ALL(u8), [I32] = ALL(i32), [U8] = ALL(u8),
};

void tgk_array_read(int type, int dtype, const void *from, int64_t n, void *to)
{
    if (type == dtype && n)
        memcpy(to, from, (size_t)n * sizes[type]);
    else
        converts[type][dtype](from, n, to);
}

#define SCALE(T)                                                                                   \
    static void scale_##T(T *x, int64_t n, T divisor, T mean, T std)                               \
    {                                                                                              \
        for (int64_t i = 0; i < n; i++)                                                            \
            x[i] = (x[i] / divisor - mean) / std;                                                  \
    }

SCALE(float)
SCALE(double)

void tgk_array_scale(int dtype, void *data, int64_t n, double divisor, double mean, double std)
{
    if (dtype == F32)
        scale_float(data, n, (float)divisor, (float)mean, (float)std);
    else
        scale_double(data, n, divisor, mean, std);
}

/* -- Messages ---------------------------------------------------------------------------------- */

tgk_array_text tgk_array_element(int type, const void *from, int64_t i)
{
    tgk_array_text text;
    double real;
    int64_t whole;
    const char *at = (const char *)from + (size_t)i * sizes[type];
    bool is_real = type == F32 || type == F64;
    converts[type][is_real ? F64 : I64](at, 1, is_real ? (void *)&real : (void *)&whole);
    if (is_real)
        tgk_format(text.chars, sizeof text.chars, "%.9g", isnan(real) ? (double)NAN : real);
    else
        tgk_format(text.chars, sizeof text.chars, "%lld", (long long)whole);
    return text;
}

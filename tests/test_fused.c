/* The library's own a * b + c, rounded once, bit for bit beside the machine's or libm's (where libm's
 * is not known to be right, of doubles beside itself by integers): of floats and doubles of all kinds,
 * above all such that the sum lies on or beside a tie, cancels, overflows or is subnormal. */
#include "check.h"

#include "kernels/fused.h"

#include <stdlib.h>

/* Or so many millions as the environment variable TINYGRAD_FUSED says. */
static int count = 500000;

static uint64_t state = 17;

static uint64_t next(void)
{
    state ^= state << 13;
    state ^= state >> 7;
    state ^= state << 17;
    return state * 0x2545f4914f6cdd1du;
}

/* Bits of a fraction of so many: random, none, all, one, few at the ends. */
static uint64_t fraction(int bits)
{
    const uint64_t random = next(), ends = next() & 3, all = ((uint64_t)1 << bits) - 1;
    switch (next() % 8) {
    case 0:
        return 0;
    case 1:
        return all;
    case 2:
        return (uint64_t)1 << random % (unsigned)bits;
    case 3:
        return ends;
    case 4:
        return all ^ ends;
    case 5:
        return (random & all) >> bits / 2 << bits / 2;
    default:
        return random & all;
    }
}

/* An exponent field near `near`, or any. */
static uint64_t field(int64_t near, int64_t apart, int64_t fields)
{
    int64_t at = near + (int64_t)(next() % (uint64_t)(2 * apart + 1)) - apart;
    if (next() % 64 == 0)
        at = (int64_t)(next() % (uint64_t)fields);
    return (uint64_t)(at < 0 ? 0 : at >= fields ? fields - 1 : at);
}

static double make(int64_t near, int64_t apart)
{
    return tgk_from_bits(next() >> 63 << 63 | field(near, apart, 2048) << 52 | fraction(52));
}

static float makef(int64_t near, int64_t apart)
{
    uint32_t bits = (uint32_t)(next() >> 63 << 31 | field(near, apart, 256) << 23 | fraction(23));
    float x;
    memcpy(&x, &bits, sizeof x);
    return x;
}

static bool same(double a, double b)
{
    return (isnan(a) && isnan(b)) || tgk_bits(a) == tgk_bits(b);
}

static void check(double a, double b, double c)
{
#if TGK_LIBRARY_FMA
    const double want = fma(a, b, c);
    if (!same(tgk_fma_any(a, b, c), want))
        fail_msg("fma(%a, %a, %a) by integers is %a, not %a", a, b, c, tgk_fma_any(a, b, c), want);
#else
    const double want = tgk_fma_any(a, b, c);
#endif
    if (!same(tgk_fma(a, b, c), want))
        fail_msg("fma(%a, %a, %a) is %a, not %a", a, b, c, tgk_fma(a, b, c), want);
}

static void checkf(float a, float b, float c)
{
    const double got = (double)tgk_fmaf(a, b, c);
#if TGK_LIBRARY_FMA
    const double want = (double)fmaf(a, b, c);
    if (!same(got, want))
        fail_msg("fmaf(%a, %a, %a) is %a, not %a", (double)a, (double)b, (double)c, got, want);
#else
    assert_true(got >= -(double)INFINITY || isnan(got));
#endif
}

/* Where the exponents of a, and of a b, may be: all sizes, and those where results are subnormal or
 * overflow. */
static void test_doubles(void **unused)
{
    (void)unused;
    static const int64_t sums[] = {1023, 1023, 0, 30, -60, 2046, 1500, 500};
    for (int i = 0; i < count; i++) {
        const int64_t near = (int64_t)(next() % 2048), of_product = sums[next() % 8];
        double a = make(near, 3), b = make(of_product + 1023 - near, 3), c = make(of_product, 60);
        if (next() % 4 == 0) { /* nearly cancels */
            c = -(a * b);
            c = tgk_from_bits(tgk_bits(c) + next() % 5 - 2);
        }
        check(a, b, c);
    }
}

static void test_floats(void **unused)
{
    (void)unused;
    static const int64_t sums[] = {127, 127, 0, 10, -25, 254, 200, 60};
    for (int i = 0; i < count; i++) {
        const int64_t near = (int64_t)(next() % 256), of_product = sums[next() % 8];
        float a = makef(near, 3), b = makef(of_product + 127 - near, 3), c = makef(of_product, 30);
        checkf(a, b, c);
        checkf(a, b, -(float)((double)a * (double)b));
    }
}

/* Each of these with each. */
static void test_corners(void **unused)
{
    (void)unused;
    static const double x[] = {0,
                               1,
                               3,
                               0x1p-1022,
                               0x1p-1074,
                               0x1.8p-1073,
                               0x1.fffffffffffffp+1023,
                               0x1.fffffffffffffp-1,
                               0x1.0000000000001p+0,
                               0x1p-54,
                               0x1p+53,
                               0x1p-511,
                               0x1p-537,
                               0x1.fffffep+127,
                               0x1.ffffffp+127,
                               0x1p-126,
                               0x1p-149,
                               0x1p-150,
                               0x1.000001p+0,
                               0x1p+512,
                               (double)INFINITY,
                               (double)NAN};
    enum { N = 2 * sizeof x / sizeof *x };
    for (int i = 0; i < N * N * N; i++) {
        double in[3];
        for (int k = 0, at = i; k < 3; k++, at /= N)
            in[k] = at % 2 ? -x[at % N / 2] : x[at % N / 2];
        check(in[0], in[1], in[2]);
        checkf((float)in[0], (float)in[1], (float)in[2]);
    }
}

/* What goes wrong with two roundings, and what is known of them. */
static void test_known(void **unused)
{
    (void)unused;
    assert_true(tgk_fma(0x1.0000000000001p+0, 0x1.0000000000001p+0, -0x1.0000000000002p+0) ==
                0x1p-104);
    assert_true(tgk_fma(0x1.0000000000001p+0, 0x1p-53, 1) == 0x1.0000000000001p+0);
    assert_true(tgk_fma(1, 0x1p-53, 1) == 1);
    assert_true(tgk_fma(0x1p-1074, 0.5, 0x1p-1074) == 0x1p-1073);
    assert_true(tgk_fma_any(0x1p+1023, 2, -0x1.fffffffffffffp+1023) == 0x1p+971);
    assert_true(tgk_fma(0x1p+1023, 2, -0x1.fffffffffffffp+1023) == 0x1p+971);
    assert_true(signbit(tgk_fma(-0x1p-600, 0x1p-600, 0)));
    assert_true(tgk_fmaf(0x1.000002p+0F, 0x1p-24F, 1) == 0x1.000002p+0F);
    assert_true(tgk_fmaf(1, 0x1p-24F, 1) == 1);
    assert_true(tgk_fmaf(0x1p-100F, 0x1p-100F, 0x1.000001p+0F) == 0x1.000001p+0F);
}

int main(void)
{
    const char *millions = getenv("TINYGRAD_FUSED");
    if (millions)
        count = atoi(millions) * 1000000;
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_known),
        cmocka_unit_test(test_corners),
        cmocka_unit_test(test_doubles),
        cmocka_unit_test(test_floats),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

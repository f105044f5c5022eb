/* Formats without stdio give what the C library's give. Relies on kernels/format.c, which it compiles as a library
 * without stdio does. */
#include "check.h"

#include <float.h>
#include <inttypes.h>
#include <stdio.h>

#define TGK_NO_STDIO
#include "kernels/format.c"

enum { ROOM = 128 };

/* What both make of a format and its arguments, whole and cut. */
#define SAME(...)                                                                                  \
    do {                                                                                           \
        char ours[ROOM], theirs[ROOM];                                                             \
        for (size_t room = 0; room <= ROOM; room = room ? room * 4 : 2) {                          \
            memset(ours, 'x', sizeof ours);                                                        \
            memset(theirs, 'x', sizeof theirs);                                                    \
            assert_int_equal(tgk_format(ours, room, __VA_ARGS__),                                  \
                             snprintf(theirs, room, __VA_ARGS__));                                 \
            if (memcmp(ours, theirs, ROOM))                                                        \
                fail_msg("\"%.*s\", wanted \"%.*s\"", (int)room, ours, (int)room, theirs);         \
        }                                                                                          \
    } while (0)

#if defined(__GNUC__) && !defined(__clang__)
#pragma GCC diagnostic ignored "-Wformat-truncation"
#endif

static void whole(void **state)
{
    (void)state;
    const int64_t some[] = {0, 1, -1, 9, 10, -10, INT32_MAX, INT32_MIN, INT64_MAX, INT64_MIN};
    for (size_t i = 0; i < sizeof some / sizeof *some; i++) {
        SAME("%d, %u: %x", (int)some[i], (unsigned)some[i], (unsigned)some[i]);
        SAME("%lld %llu %llx", (long long)some[i], (unsigned long long)some[i],
             (unsigned long long)some[i]);
        SAME("%ld %lu", (long)some[i], (unsigned long)some[i]);
        SAME("%zu [%" PRId64 "]", (size_t)some[i], some[i]);
        SAME("[%5d|%-5d|%05d|%*d|%-*d]", (int)some[i], (int)some[i], (int)some[i], 12, (int)some[i],
             12, (int)some[i]);
    }
}

static void strings(void **state)
{
    (void)state;
    const char *some[] = {"", "a", "matmul: [3, 5] x [4, 2]"};
    for (int i = 0; i < 3; i++) {
        SAME("%s: %c %%|", some[i], 'b');
        SAME("[%.2s|%5s|%-9s|%.*s]", some[i], some[i], some[i], 3, some[i]);
        SAME("[%5.1s|%.0s|%.*s]", some[i], some[i], -1, some[i]);
    }
    SAME("nothing");
    char out[ROOM]; /* ends within a value: nothing more */
    const char *cut[] = {"a%", "a%5", "a%-0.3l"};
    for (int i = 0; i < 3; i++) {
        assert_int_equal(tgk_format(out, sizeof out, "%s", cut[i]), strlen(cut[i]));
        assert_int_equal(tgk_format(out, sizeof out, cut[i], 0), 1);
    }
}

static void both(double x)
{
    SAME("%g %.9g", x, x);
    SAME("%.17g, %.*g", x, 1, x);
    SAME("%.0g|%14g|%-14.3g|%012g", x, x, x, x);
}

static void numbers(void **state)
{
    (void)state;
    const double some[] = {0,
                           1,
                           0.1,
                           0.5,
                           2.5,
                           0.25,
                           1e-4,
                           9.9e-5,
                           1e-5,
                           123456,
                           999999,
                           999999.5,
                           1e6,
                           1234567,
                           1e15,
                           1e16,
                           1e17,
                           1.5e300,
                           DBL_MAX,
                           DBL_MIN,
                           4.9e-324,
                           (double)FLT_MAX,
                           (double)FLT_MIN,
                           1e22,
                           1e23,
                           0x1p-1030,
                           3.14159265358979,
                           0.00012345678,
                           99999.95,
                           9.5,
                           95,
                           0.95,
                           9999995,
                           (double)INFINITY,
                           (double)NAN};
    for (size_t i = 0; i < sizeof some / sizeof *some; i++) {
        both(some[i]);
        if (!isnan(some[i]))
            both(-some[i]);
    }
    uint64_t bits = 1; /* any, and such that are halves of what is kept */
    for (int i = 0; i < 3000; i++) {
        bits = bits * 6364136223846793005u + 1442695040888963407u;
        double x;
        memcpy(&x, &bits, sizeof x);
        if (!isnan(x))
            both(x);
        both((double)(int64_t)(bits >> 40) / 64);
        both((double)(bits >> 44) * 0.0005);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(whole), cmocka_unit_test(strings),
                                       cmocka_unit_test(numbers)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}

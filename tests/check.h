/* cmocka with what it asks to have included before it, and the assertions that tests of the tape
 * have in common. Relies on the public API alone. */
#ifndef TG_TESTS_CHECK_H
#define TG_TESTS_CHECK_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <math.h>
#include <string.h>

#include <tinygrad.h>

/* The instruction sets by number, 0 to 2, for tests that compare them. The base set calls fma() for
 * each element, which takes minutes where all is many times slower: large cases of sanitized programs
 * have v3 in its place. What there is for sanitizers to find in it, small ones show. */
static inline tg_isa isa_number(int i, bool large)
{
#ifdef SANITIZED
    i += i == 0 && large;
#else
    (void)large;
#endif
    return (tg_isa)(TG_ISA_BASE + i);
}

/* |got - want| <= tolerance. */
#define assert_near(got, want, tolerance)                                                          \
    do {                                                                                           \
        double got_ = (double)(got), want_ = (double)(want);                                       \
        if (!(fabs(got_ - want_) <= (tolerance)))                                                  \
            fail_msg("%s is %.17g, wanted %.17g", #got, got_, want_);                              \
    } while (0)
#define assert_equal(got, want) assert_near(got, want, 0.0)

#define assert_ok(tape)                                                                            \
    do {                                                                                           \
        if (tg_error(tape))                                                                        \
            fail_msg("%s", tg_error_message(tape));                                                \
    } while (0)

/* The error is `status` and its message has `part`; then it is cleared. */
#define assert_error(tape, status, part)                                                           \
    do {                                                                                           \
        if (tg_error(tape) != (status) || !strstr(tg_error_message(tape), part))                   \
            fail_msg("error %d, \"%s\"; wanted %d, \"%s\"", (int)tg_error(tape),                   \
                     tg_error_message(tape), (int)(status), part);                                 \
        tg_clear_error(tape);                                                                      \
        assert_int_equal(tg_error(tape), TG_OK);                                                   \
        assert_string_equal(tg_error_message(tape), "");                                           \
    } while (0)

#endif

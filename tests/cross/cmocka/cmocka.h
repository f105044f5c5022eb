/* As much of cmocka as tests/test_bits.c and test_products.c need, for systems that have none: the first assertion that
 * does not hold ends the program. */
#ifndef TG_TESTS_CROSS_CMOCKA_H
#define TG_TESTS_CROSS_CMOCKA_H

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct CMUnitTest {
    const char *name;
    void (*test)(void **state);
    int (*setup)(void **state);
    int (*teardown)(void **state);
    void *initial_state;
};

#define print_error(...) printf(__VA_ARGS__)
#define fail_msg(...)                                                                              \
    (printf("%s:%d: ", __FILE__, __LINE__), printf(__VA_ARGS__), printf("\n"), exit(1))
#define assert_true(holds)                                                                         \
    do {                                                                                           \
        if (!(holds))                                                                              \
            fail_msg("%s", #holds);                                                                \
    } while (0)
#define assert_int_equal(a, b) assert_true((long long)(a) == (long long)(b))
#define assert_non_null(a) assert_true((a) != NULL)
#define assert_in_range(a, least, most) assert_true((a) >= (least) && (a) <= (most))
#define assert_memory_equal(a, b, size) assert_true(!memcmp(a, b, size))
#define cmocka_unit_test(f)                                                                        \
    {                                                                                              \
        .name = #f, .test = (f)                                                                    \
    }

static inline int run_group(const struct CMUnitTest *tests, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        void *state = tests[i].initial_state;
        tests[i].test(&state);
        printf("passed: %s\n", tests[i].name);
        fflush(stdout);
    }
    return 0;
}
#define cmocka_run_group_tests(tests, setup, teardown)                                             \
    run_group(tests, sizeof(tests) / sizeof *(tests))

#endif

/* Every example with a malloc that fails: its k-th call alone, and all from the k-th on, for k = 0,
 * 1, ... until the example gets through. It must end with exit code 1, having given all memory
 * back.
 *
 * examples_alloc.cmake defines EXAMPLES as EXAMPLE(name), or EXAMPLE_ARGS(name, "text"..., NULL)
 * for one that takes arguments, or EXAMPLE_TRAINS() for one that can save and resume as well, for
 * each example, links them in with main() renamed to example_name(), and has the linker send the
 * calls of malloc and free here.
 *
 * A training loop must make no call from its third epoch on, if not before.
 *
 * The calls within other libraries are not sent here: what stdio takes for a stream, and jansson
 * for a file's header (whose failures are in test_io_failure.c and test_io_checkpoint.c). Nor is
 * gnuplot run for the curves, which costs more than all the rest. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#ifdef EXAMPLES

#include <fcntl.h> /* the examples' output is not wanted */
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

static struct {
    long calls, live;
    long fail_at; /* -1: never */
    bool for_ever;
    bool failed;
} heap;

/* The linker's names. NOLINTBEGIN(bugprone-reserved-identifier) */
void *__real_malloc(size_t size);
void __real_free(void *memory);
void *__wrap_malloc(size_t size);
void __wrap_free(void *memory);

void *__wrap_malloc(size_t size)
{
    long call = heap.calls++;
    if (heap.fail_at >= 0 && (call == heap.fail_at || (heap.for_ever && call > heap.fail_at))) {
        heap.failed = true;
        return NULL;
    }
    void *memory = __real_malloc(size);
    heap.live += memory != NULL;
    return memory;
}

void __wrap_free(void *memory)
{
    heap.live -= memory != NULL;
    __real_free(memory);
}
/* NOLINTEND(bugprone-reserved-identifier) */

/* Sends a stream's descriptor elsewhere; returns a copy of where it went. */
static int redirect(FILE *stream, int to)
{
    fflush(stream);
    int former = dup(fileno(stream));
    dup2(to, fileno(stream));
    close(to);
    return former;
}

static int run(int (*example)(void), long fail_at, bool for_ever)
{
    heap.calls = heap.live = 0;
    heap.failed = false;
    heap.for_ever = for_ever;
    int out = redirect(stdout, open("/dev/null", O_WRONLY));
    int err = redirect(stderr, open("/dev/null", O_WRONLY));
    heap.fail_at = fail_at;
    int code = example();
    heap.fail_at = -1;
    close(redirect(stdout, out));
    close(redirect(stderr, err));
    return code;
}

static void fail_each(int (*example)(void), bool for_ever)
{
    long k = 0;
    for (;; k++) {
        int code = run(example, k, for_ever);
        assert_int_equal(heap.live, 0);
        if (!heap.failed) {
            assert_int_equal(code, 0);
            break;
        }
        if (code != 1)
            fail_msg("exit code %d after failing call %ld", code, k);
    }
    assert_true(k > 2); /* the tape and a block of each kind: calls of malloc do come here */
}

/* Of the examples that save: what they go on from, what they write. */
static const char *const files[] = {"resume", "save", "curve", "resume.best", "save.best"};
enum { N_FILES = sizeof files / sizeof *files };
static char scratch[] = "/tmp/test_examples_alloc_XXXXXX", paths[N_FILES][sizeof scratch + 16];

static int make_scratch(void **state)
{
    (void)state;
    bool made = mkdtemp(scratch) != NULL;
    for (int i = 0; i < N_FILES; i++)
        snprintf(paths[i], sizeof paths[i], "%s/%s", scratch, files[i]);
    return !made || setenv("PATH", "", 1);
}

/* Fails where a file was left behind. cmocka would not count that among the failures. */
static int drop_scratch(void)
{
    for (int i = 0; i < N_FILES; i++)
        unlink(paths[i]);
    if (rmdir(scratch) == 0)
        return 0;
    perror(scratch);
    return 1;
}

static char stop[] = "1"; /* after which epoch */

/* A training loop asks for no memory: what two epochs do with is enough for all. */
static void assert_steady(int (*example)(void))
{
    stop[0] = '2';
    int code = run(example, -1, false);
    long calls = heap.calls;
    stop[0] = '9';
    code |= run(example, -1, false);
    stop[0] = '1';
    assert_int_equal(code, 0);
    assert_int_equal(heap.calls, calls);
}

/* Two tests of a function without arguments. */
#define SWEEP(name, function)                                                                      \
    static void name##_once(void **state)                                                          \
    {                                                                                              \
        (void)state;                                                                               \
        fail_each(function, false);                                                                \
    }                                                                                              \
    static void name##_for_ever(void **state)                                                      \
    {                                                                                              \
        (void)state;                                                                               \
        fail_each(function, true);                                                                 \
    }
#define EXAMPLE(name)                                                                              \
    int example_##name(void);                                                                      \
    SWEEP(name, example_##name)
#define EXAMPLE_ARGS(name, ...)                                                                    \
    int example_##name(int argc, char **argv);                                                     \
    static int name##_with_arguments(void)                                                         \
    {                                                                                              \
        char *arguments[] = {#name, __VA_ARGS__};                                                  \
        return example_##name((int)(sizeof arguments / sizeof *arguments) - 1, arguments);         \
    }                                                                                              \
    SWEEP(name, name##_with_arguments)
#define EXAMPLE_TRAINS(name, ...)                                                                  \
    int example_##name(int argc, char **argv);                                                     \
    static int name##_stopping(void)                                                               \
    {                                                                                              \
        char *arguments[] = {#name, "--save", paths[0], "--stop", stop, __VA_ARGS__};              \
        return example_##name((int)(sizeof arguments / sizeof *arguments) - 1, arguments);         \
    }                                                                                              \
    static int name##_going_on(void)                                                               \
    {                                                                                              \
        char *arguments[] = {#name,    "--resume", paths[0], "--save",                             \
                             paths[1], "--curve",  paths[2], __VA_ARGS__};                         \
        return example_##name((int)(sizeof arguments / sizeof *arguments) - 1, arguments);         \
    }                                                                                              \
    SWEEP(name##_save, name##_stopping)                                                            \
    SWEEP(name##_resume, name##_going_on)                                                          \
    static void name##_steady(void **state)                                                        \
    {                                                                                              \
        (void)state;                                                                               \
        assert_steady(name##_stopping);                                                            \
    }
EXAMPLES
#undef EXAMPLE
#undef EXAMPLE_ARGS
#undef EXAMPLE_TRAINS

int main(void)
{
#define EXAMPLE(name) cmocka_unit_test(name##_once), cmocka_unit_test(name##_for_ever),
#define EXAMPLE_ARGS(name, ...) EXAMPLE(name)
#define EXAMPLE_TRAINS(name, ...)                                                                  \
    EXAMPLE(name##_save) EXAMPLE(name##_resume) cmocka_unit_test(name##_steady),
    const struct CMUnitTest tests[] = {EXAMPLES};
    return cmocka_run_group_tests(tests, make_scratch, NULL) || drop_scratch();
}

#else

static void nothing_to_run(void **state)
{
    (void)state;
    skip();
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(nothing_to_run)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}

#endif

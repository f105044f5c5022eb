/* Tapes and threads of the program's own: several tapes at once, a tape after fork(), threads that the system does not
 * give, and one tape in two threads, which is noticed where assertions are on. The linker sends the library's
 * pthread_create() here. */
#define _POSIX_C_SOURCE 200809L /* fork; NOLINT(bugprone-reserved-identifier): its name */
#include "check.h"
#include "forks.h"

#include "kernels/team.h"

#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <tinygrad/op.h>
#include <unistd.h>

static _Thread_local int given = 1 << 20; /* threads that the system still gives to this one */

int __real_pthread_create(pthread_t *thread, const pthread_attr_t *attributes,
                          void *(*start)(void *), void *argument);
int __wrap_pthread_create(pthread_t *thread, const pthread_attr_t *attributes,
                          void *(*start)(void *), void *argument);

int __wrap_pthread_create(pthread_t *thread, const pthread_attr_t *attributes,
                          void *(*start)(void *), void *argument)
{
    return given-- > 0 ? __real_pthread_create(thread, attributes, start, argument) : EAGAIN;
}

enum { ROWS = 300, COLUMNS = 400 };

/* Large enough to be shared: a value that depends on all the bits on the way. */
static double computed(tg_tape *tape)
{
    tg_mark mark = tg_tape_mark(tape);
    tg_manual_seed(tape, 11);
    tg_tensor *x = tg_randn(tape, TG_DIMS(ROWS, COLUMNS), TG_REQUIRES_GRAD);
    tg_tensor *y = tg_softmax(tg_tanh(tg_mul(x, x)), 1);
    tg_backward(tg_sum(tg_mul(y, tg_log(tg_add_scalar(y, 1)))));
    double value = tg_item(tg_sum(tg_square(tg_grad(x))));
    assert_int_equal(tg_tape_rewind(tape, mark), TG_OK);
    return value;
}

static double wanted(void)
{
    tg_tape *tape = tg_tape_new(&(tg_tape_opts){.threads = 1});
    double value = computed(tape);
    tg_tape_free(tape);
    return value;
}

/* Its tape is made, used and freed in a thread of its own. */
static void *in_a_thread(void *argument)
{
    double *results = argument;
    for (int i = 0; i < 5; i++) {
        tg_tape *tape = tg_tape_new(&(tg_tape_opts){.threads = 1 + i % 3});
        results[i] = computed(tape);
        tg_tape_free(tape);
    }
    return NULL;
}

static void test_tapes_in_two_threads(void **state)
{
    (void)state;
    const double want = wanted();
    enum { THREADS = 3 };
    pthread_t threads[THREADS];
    double results[THREADS][5];
    for (int i = 0; i < THREADS; i++)
        assert_int_equal(pthread_create(&threads[i], NULL, in_a_thread, results[i]), 0);
    for (int i = 0; i < THREADS; i++)
        pthread_join(threads[i], NULL);
    for (int i = 0; i < THREADS * 5; i++)
        assert_equal(results[i / 5][i % 5], want);
}

/* A tape goes from thread to thread, as long as one uses it at a time. */
static void *with_a_tape(void *argument)
{
    double *value = malloc(sizeof *value);
    *value = computed(argument);
    return value;
}

static void test_a_tape_that_moves(void **state)
{
    (void)state;
    const double want = wanted();
    tg_tape *tape = tg_tape_new(&(tg_tape_opts){.threads = 2});
    for (int i = 0; i < 3; i++) {
        pthread_t thread;
        void *value;
        assert_int_equal(pthread_create(&thread, NULL, with_a_tape, tape), 0);
        pthread_join(thread, &value);
        assert_equal(*(double *)value, want);
        assert_equal(computed(tape), want);
        free(value);
    }
    assert_ok(tape);
    tg_tape_free(tape);
}

/* --- fork() --- */

#ifndef NO_FORKS
/* Where branches are counted, a child writes its counts. */
__attribute__((weak)) int __llvm_profile_write_file(void);

/* The child has its parent's tape, but not the threads, and goes on with threads of its own. */
static bool child_goes_on(tg_tape *tape, double want, bool computes)
{
    let_threads_start();
    pid_t child = fork();
    if (child == 0) {
        alarm(60); /* instead of waiting for threads that there are not */
        bool good = !computes || (computed(tape) == want && !tg_error(tape));
        tg_tape_free(tape);
        tg_tape *own = tg_tape_new(&(tg_tape_opts){.threads = 3});
        good = good && computed(own) == want;
        tg_tape_free(own);
        if (__llvm_profile_write_file)
            __llvm_profile_write_file();
        _exit(good ? 0 : 1);
    }
    int status = -1;
    return waitpid(child, &status, 0) == child && status == 0;
}

static void test_a_tape_after_a_fork(void **state)
{
    (void)state;
    const double want = wanted();
    tg_tape *tape = tg_tape_new(&(tg_tape_opts){.threads = 3});
    assert_true(child_goes_on(tape, want, true)); /* before its threads have started */
    for (int i = 0; i < 4; i++) {
        assert_equal(computed(tape), want);
        assert_true(child_goes_on(tape, want, i % 2 == 0));
    }
    assert_equal(computed(tape), want);
    tg_tape_free(tape);
}

#endif

#ifndef NO_FORKS_BESIDE_WORK
/* And children of a program in whose other threads tapes are at work. */
static void test_forks_beside_work(void **state)
{
    (void)state;
    const double want = wanted();
    pthread_t thread;
    double results[5];
    tg_tape *tape = tg_tape_new(&(tg_tape_opts){.threads = 2});
    assert_equal(computed(tape), want);
    assert_int_equal(pthread_create(&thread, NULL, in_a_thread, results), 0);
    for (int i = 0; i < 5; i++)
        assert_true(child_goes_on(tape, want, true));
    pthread_join(thread, NULL);
    for (int i = 0; i < 5; i++)
        assert_equal(results[i], want);
    tg_tape_free(tape);
}
#endif

/* --- threads that there are not --- */

static void test_threads_not_given(void **state)
{
    (void)state;
    const double want = wanted();
    for (int k = 0; k < 4; k++) {
        tg_tape *tape = tg_tape_new(&(tg_tape_opts){.threads = 4});
        given = k;
        for (int i = 0; i < 3; i++)
            assert_equal(computed(tape), want);
        assert_int_equal(given, k < 3 ? -1 : 0); /* they were asked for, and once */
        given = 1 << 20;
        assert_ok(tape);
        tg_tape_free(tape);
    }
}

/* --- one tape in two threads --- */

static pthread_barrier_t entered, tried;

static void wait_forward(tg_node *node)
{
    *(double *)tg_out_data(node) = 1;
    pthread_barrier_wait(&entered);
    pthread_barrier_wait(&tried);
}

static void *inside_an_operation(void *argument)
{
    static const tg_op wait_op = {.name = "wait", .forward = wait_forward};
    tg_tensor *x = argument;
    return tg_apply(&(tg_call){.op = &wait_op, .in = &x, .n_in = 1, .dtype = TG_F64});
}

static void test_a_tape_in_two_threads(void **state)
{
    (void)state;
    if (!TGK_SAME_THREAD(state)) { /* assertions are on */
        tg_tape *tape = tg_tape_new(NULL);
        tg_tensor *x = tg_ones(tape, TG_SCALAR, TG_F64);
        tg_mark mark = tg_tape_mark(tape);
        static const char *const parts[] = {"exp: another thread is using the tape, for wait",
                                            "tape_rewind: another thread is using the tape"};
        for (int i = 0; i < 2; i++) {
            pthread_t thread;
            void *made;
            pthread_barrier_init(&entered, NULL, 2);
            pthread_barrier_init(&tried, NULL, 2);
            assert_int_equal(pthread_create(&thread, NULL, inside_an_operation, x), 0);
            pthread_barrier_wait(&entered);
            if (i == 0)
                assert_null(tg_exp(x));
            else
                assert_int_equal(tg_tape_rewind(tape, mark), TG_ESTATE);
            pthread_barrier_wait(&tried);
            pthread_join(thread, &made);
            assert_null(made); /* the error is the tape's */
            assert_error(tape, TG_ESTATE, parts[i]);
            assert_true(tg_item(tg_exp(x)) > 2.7);
            pthread_barrier_destroy(&entered);
            pthread_barrier_destroy(&tried);
        }
        tg_tape_free(tape);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_tapes_in_two_threads), cmocka_unit_test(test_a_tape_that_moves),
#ifndef NO_FORKS
        cmocka_unit_test(test_a_tape_after_a_fork),
#endif
#ifndef NO_FORKS_BESIDE_WORK
        cmocka_unit_test(test_forks_beside_work),
#endif
        cmocka_unit_test(test_threads_not_given),    cmocka_unit_test(test_a_tape_in_two_threads),
    };
    return cmocka_run_group_tests_name("threads apart", tests, NULL, NULL);
}

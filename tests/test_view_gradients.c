/* Gradients of views of one base add up in one buffer: to the same numbers as those of copies, in a
 * time that grows with what the views see and not with the base for each of them. */
#include "check.h"
#include "support.h"

#include <time.h>

enum { T = 6, N = 3, D = 4 };

/* How a step of the base (N, T, D) is taken, and how the base is made of the leaf. */
typedef struct way {
    const char *name;
    tg_tensor *(*step)(tg_tensor *base, int t);
    bool interior; /* the base is a result */
    bool whole;    /* the base itself is read as well */
} way;

static tg_tensor *selected(tg_tensor *base, int t)
{
    return tg_select(base, 1, t);
}

static tg_tensor *narrowed(tg_tensor *base, int t)
{
    return tg_reshape(tg_narrow(base, 1, t, 1), TG_DIMS(N, D));
}

/* Steps that overlap. */
static tg_tensor *sliced(tg_tensor *base, int t)
{
    return tg_sum_dim(tg_slice(base, 1, t % 3, T, 2), 1, false);
}

static tg_tensor *chunked(tg_tensor *base, int t)
{
    tg_tensor *chunks[T];
    assert_int_equal(tg_chunk(base, T, 1, chunks), T);
    return tg_reshape(chunks[t], TG_DIMS(N, D));
}

static const way ways[] = {
    {"select, leaf", selected, false, false}, {"select", selected, true, false},
    {"narrow", narrowed, true, false},        {"slice", sliced, true, false},
    {"slice, leaf", sliced, false, false},    {"chunk", chunked, true, false},
    {"select and all", selected, true, true}, {"select and all, leaf", selected, false, true},
};

static tg_tensor *loss_of(const way *w, tg_tensor *leaf, bool copy)
{
    tg_tensor *base = w->interior ? tg_mul_scalar(leaf, 0.5) : leaf;
    tg_tensor *h = tg_zeros(tg_tape_of(leaf), TG_DIMS(N, D), TG_F64);
    for (int t = 0; t < T; t++)
        h = tg_tanh(tg_add(h, w->step(copy ? tg_mul_scalar(base, 1) : base, t)));
    return w->whole ? tg_add(tg_sum(h), tg_sum(tg_mul(base, base))) : tg_sum(h);
}

static tg_tensor *new_leaf(tg_tape *tape)
{
    tg_manual_seed(tape, 5);
    return tg_randn(tape, TG_DIMS(N, T, D), TG_F64 | TG_REQUIRES_GRAD);
}

static void expect_same(const way *w, tg_tensor *got, tg_tensor *want)
{
    for (int64_t i = 0; i < tg_numel(want); i++) {
        if (!(fabs(tg_f64(got)[i] - tg_f64(want)[i]) <= 1e-15))
            fail_msg("%s: %.17g, wanted %.17g", w->name, tg_f64(got)[i], tg_f64(want)[i]);
    }
}

static void as_of_copies(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof ways / sizeof *ways; i++) {
        tg_tape *tape = tg_tape_new(NULL);
        tg_tensor *x = new_leaf(tape), *y = new_leaf(tape);
        for (int twice = 0; twice < 2; twice++) { /* the second gradient is added */
            assert_int_equal(tg_backward(loss_of(&ways[i], x, false)), TG_OK);
            assert_int_equal(tg_backward(loss_of(&ways[i], y, true)), TG_OK);
            expect_same(&ways[i], tg_grad(x), tg_grad(y));
        }
        tg_tensor *g[2], *in[] = {x, y};
        tg_tensor *loss = tg_add(loss_of(&ways[i], x, false), loss_of(&ways[i], y, true));
        assert_int_equal(tg_gradients(loss, NULL, in, 2, g, NULL), TG_OK);
        expect_same(&ways[i], g[0], g[1]);
        tg_set_anomaly_enabled(tape, true);
        assert_int_equal(tg_gradients(loss, NULL, in, 2, g, NULL), TG_OK);
        expect_same(&ways[i], g[0], g[1]);
        assert_ok(tape);
        tg_tape_free(tape);
    }
}

static void replayed(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof ways / sizeof *ways; i++) {
        tg_tape *tape = tg_tape_new(NULL);
        tg_tensor *x = new_leaf(tape), *y = new_leaf(tape);
        tg_capture *step = tg_capture_begin(tape);
        tg_zero_grad(x);
        assert_int_equal(tg_backward(loss_of(&ways[i], x, false)), TG_OK);
        assert_int_equal(tg_capture_end(step), TG_OK);
        for (int turn = 0; turn < 3; turn++) {
            for (int64_t k = 0; k < N * T * D; k++) {
                double value = 0.1 * turn + 0.01 * (double)k;
                ((double *)tg_data_mut(x))[k] = ((double *)tg_data_mut(y))[k] = value;
            }
            tg_zero_grad(y);
            assert_int_equal(tg_capture_replay(step), TG_OK);
            assert_int_equal(tg_backward(loss_of(&ways[i], y, true)), TG_OK);
            expect_same(&ways[i], tg_grad(x), tg_grad(y));
        }
        assert_ok(tape);
        tg_tape_free(tape);
    }
}

/* 4,096 steps of a base of 16 MiB: writing all of it for each would move 200 GB. */
static void time_is_linear(void **state)
{
    (void)state;
    enum { STEPS = 4096, WIDTH = 1024 };
    tg_tape *tape = tg_tape_new(NULL);
    tg_tensor *x = tg_zeros(tape, TG_DIMS(STEPS, WIDTH), TG_REQUIRES_GRAD);
    tg_tensor *base = tg_neg(x), *sum = tg_zeros(tape, TG_SCALAR, 0);
    for (int t = 0; t < STEPS; t++)
        sum = tg_add(sum, tg_sum(tg_select(base, 0, t)));
    clock_t start = clock();
    assert_int_equal(tg_backward(sum), TG_OK);
    assert_true((double)(clock() - start) / CLOCKS_PER_SEC < 10);
    assert_equal(tg_f32(tg_grad(x))[STEPS * WIDTH - 1], -1);
    tg_tape_free(tape);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(as_of_copies),
        cmocka_unit_test(replayed),
        cmocka_unit_test(time_is_linear),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

/* Replay: values, views, random draws and fills computed again into the same tensors, and gradients
 * after it. That a replay equals eager calls for every operation is test_ops_tape.c's. */
#include "check.h"
#include "support.h"

static void set_f64(tg_tensor *t, int64_t i, double value)
{
    double *data = tg_data_mut(t);
    assert_non_null(data);
    data[i] = value;
}

static void replay_computes_again(void **state)
{
    (void)state;
    tg_tape *tape = tg_tape_new(NULL);
    tg_tensor *x = tg_ones(tape, TG_DIMS(2), TG_F64 | TG_REQUIRES_GRAD);
    tg_mark mark = tg_tape_mark(tape);
    tg_tensor *square = tg_mul(x, x), *loss = tg_sum(tg_mul(square, x));
    tg_mark end = tg_tape_mark(tape);
    for (int i = 2; i < 5; i++) {
        set_f64(x, 0, i);
        assert_int_equal(tg_backward(loss), TG_ESTATE); /* the old values are gone */
        tg_clear_error(tape);
        assert_int_equal(tg_tape_replay(tape, mark), TG_OK);
        assert_equal(tg_f64(square)[0], i * i);
        assert_equal(tg_item(loss), i * i * i + 1);
        tg_zero_grad(x);
        assert_int_equal(tg_backward(loss), TG_OK);
        assert_equal(tg_f64(tg_grad(x))[0], 3 * i * i);
        assert_equal(tg_f64(tg_grad(x))[1], 3);
    }
    tg_mark now = tg_tape_mark(tape);
    assert_true(marks_equal(end, now));
    tg_tape_free(tape);
}

/* Only what was recorded since the mark runs, and nothing that was computed without gradients. */
static void replay_from_the_mark_on(void **state)
{
    (void)state;
    tg_tape *tape = tg_tape_new(NULL);
    tg_tensor *x = tg_ones(tape, TG_SCALAR, TG_F64);
    tg_tensor *before = tg_mul_scalar(x, 2);
    tg_mark mark = tg_tape_mark(tape);
    tg_tensor *after = tg_mul_scalar(x, 3);
    tg_set_grad_enabled(tape, false);
    tg_tensor *apart = tg_mul_scalar(x, 4);
    tg_set_grad_enabled(tape, true);
    set_f64(x, 0, 10);
    assert_int_equal(tg_tape_replay(tape, mark), TG_OK);
    assert_equal(tg_item(before), 2);
    assert_equal(tg_item(after), 30);
    assert_equal(tg_item(apart), 4);
    assert_int_equal(tg_tape_replay(tape, tg_tape_mark(tape)), TG_OK);
    tg_tape_free(tape);
}

static void replay_draws_on(void **state)
{
    (void)state;
    tg_tape *replayed = tg_tape_new(NULL), *eager = tg_tape_new(NULL);
    tg_manual_seed(replayed, 3);
    tg_manual_seed(eager, 3);
    tg_mark mark = tg_tape_mark(replayed);
    tg_tensor *a[] = {tg_randn(replayed, TG_DIMS(3), 0), tg_rand(replayed, TG_DIMS(4), 0),
                      tg_randperm(replayed, 5, TG_I64),
                      tg_randint(replayed, -5, 5, TG_DIMS(6), TG_I64)};
    for (int turn = 0; turn < 3; turn++) {
        tg_tensor *b[] = {tg_randn(eager, TG_DIMS(3), 0), tg_rand(eager, TG_DIMS(4), 0),
                          tg_randperm(eager, 5, TG_I64),
                          tg_randint(eager, -5, 5, TG_DIMS(6), TG_I64)};
        for (int i = 0; i < 4; i++) {
            snapshot got = snapshot_of(a[i]), want = snapshot_of(b[i]);
            assert_true(snapshot_same(&got, &want));
        }
        assert_int_equal(tg_tape_replay(replayed, mark), TG_OK);
    }
    tg_tape_free(replayed);
    tg_tape_free(eager);
}

static void replay_fills_again(void **state)
{
    (void)state;
    tg_tape *tape = tg_tape_new(NULL);
    tg_tensor *w = tg_ones(tape, TG_DIMS(4), TG_REQUIRES_GRAD);
    tg_mark mark = tg_tape_mark(tape);
    tg_uniform_(w, 1, 2);
    tg_tensor *square = tg_mul(w, w), *loss = tg_sum(square);
    float first = tg_f32(w)[0];
    assert_int_equal(tg_backward(loss), TG_OK);
    for (int i = 0; i < 3; i++) {
        assert_int_equal(tg_tape_replay(tape, mark), TG_OK);
        float second = tg_f32(w)[0];
        assert_true(first != second && second >= 1 && second < 2);
        assert_equal(tg_f32(square)[0], second * second);
        tg_zero_grad(w);
        assert_int_equal(tg_backward(loss), TG_OK);
        assert_equal(tg_f32(tg_grad(w))[0], 2 * second);
        first = second;
    }
    tg_tape_free(tape);
}

static void replay_views(void **state)
{
    (void)state;
    tg_tape *tape = tg_tape_new(NULL);
    tg_tensor *x = tg_ones(tape, TG_DIMS(2, 3), TG_F64 | TG_REQUIRES_GRAD);
    tg_tensor *k = tg_from_f64(tape, (double[]){1, 2, 3, 4, 5, 6}, TG_DIMS(3, 2), 0);
    tg_mark mark = tg_tape_mark(tape);
    tg_tensor *view = tg_transpose(x, 0, 1);
    tg_tensor *flat = tg_reshape(view, TG_DIMS(6)); /* a copy */
    tg_tensor *wide = tg_expand(tg_reshape(flat, TG_DIMS(1, 6)), TG_DIMS(2, 6));
    tg_tensor *loss = tg_add(tg_sum(tg_mul(tg_mul(view, view), k)), tg_sum(wide));
    assert_equal(tg_item(loss), 33);
    set_f64(x, 1, 10); /* [0, 1], in the view [1, 0], whose factor is 3 */
    assert_int_equal(tg_tape_replay(tape, mark), TG_OK);
    assert_equal(tg_item(loss), 33 + 3 * 99 + 2 * 9);
    assert_equal(tg_f64(flat)[2], 10);
    assert_int_equal(tg_backward(loss), TG_OK);
    assert_equal(tg_f64(tg_grad(x))[1], 2 * 10 * 3 + 2);
    assert_equal(tg_f64(tg_grad(x))[5], 2 * 6 + 2);
    tg_tape_free(tape);
}

static void replay_finds_errors(void **state)
{
    (void)state;
    tg_tape *tape = tg_tape_new(NULL);
    tg_tensor *x = tg_zeros(tape, TG_DIMS(2, 3), TG_REQUIRES_GRAD);
    tg_tensor *targets = tg_zeros(tape, TG_DIMS(2), TG_I64);
    tg_mark mark = tg_tape_mark(tape);
    tg_tensor *loss = tg_cross_entropy(x, targets, NULL);
    tg_tensor *twice = tg_mul_scalar(loss, 2);
    ((int64_t *)tg_data_mut(targets))[1] = 3;
    assert_int_equal(tg_tape_replay(tape, mark), TG_EVALUE);
    assert_int_equal(tg_tape_replay(tape, mark), TG_EVALUE); /* and nothing more */
    assert_error(tape, TG_EVALUE, "cross_entropy: target 3 at position 1 is not one of 3");
    ((int64_t *)tg_data_mut(targets))[1] = 2;
    ((float *)tg_data_mut(x))[0] = 1;
    assert_int_equal(tg_tape_replay(tape, mark), TG_OK);
    double want = (log(1 + 2 * exp(-1)) + log(3)) / 2;
    assert_near(tg_item(twice), 2 * want, 1e-6);
    assert_int_equal(tg_backward(twice), TG_OK);
    assert_near(tg_f32(tg_grad(x))[5], 1. / 3 - 1, 1e-6);
    tg_tape_free(tape);
}

/* A recorded backward pass runs again too, and its gradients with it. */
static void replay_of_a_backward_pass(void **state)
{
    (void)state;
    tg_tape *tape = tg_tape_new(NULL);
    tg_tensor *x = tg_full(tape, TG_SCALAR, 2, TG_F64 | TG_REQUIRES_GRAD);
    tg_mark mark = tg_tape_mark(tape);
    tg_tensor *cube = tg_mul(tg_mul(x, x), x);
    assert_int_equal(tg_backward_with(cube, NULL, &(tg_backward_opts){.create_graph = true}), 0);
    tg_tensor *first = tg_grad(x);
    set_f64(x, 0, 5);
    assert_int_equal(tg_tape_replay(tape, mark), TG_OK);
    assert_equal(tg_item(first), 75);
    tg_zero_grad(x);
    assert_int_equal(tg_backward(first), TG_OK);
    assert_equal(tg_item(tg_grad(x)), 30);
    tg_tape_free(tape);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(replay_computes_again),
        cmocka_unit_test(replay_from_the_mark_on),
        cmocka_unit_test(replay_draws_on),
        cmocka_unit_test(replay_fills_again),
        cmocka_unit_test(replay_views),
        cmocka_unit_test(replay_finds_errors),
        cmocka_unit_test(replay_of_a_backward_pass),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

/* Averages of parameters: values, in a replay, exchanged; wrong arguments. */
#include "check.h"
#include "support.h"

static void updates(void **state)
{
    (void)state;
    for (int dtype = TG_F32; dtype <= TG_F64; dtype++) {
        tg_tape *tape = tg_tape_new(NULL);
        tg_tensor *w[2] = {tg_full(tape, TG_DIMS(3), 1, dtype | TG_REQUIRES_GRAD),
                           tg_full(tape, TG_DIMS(2, 2), -2, dtype | TG_REQUIRES_GRAD)};
        tg_tensor *a[2] = {tg_clone(tg_detach(w[0])), tg_clone(tg_detach(w[1]))};
        double want[2] = {1, -2};
        tg_mark mark = tg_tape_mark(tape);
        for (int step = 1; step <= 5; step++) {
            assert_int_equal(tg_fill_(w[0], step), TG_OK);
            assert_int_equal(tg_fill_(w[1], -3 * step), TG_OK);
            assert_int_equal(tg_ema_update(a, w, 2, step < 4 ? 0.9 : 0.25), TG_OK);
            double weight = step < 4 ? 1 - 0.9 : 0.75;
            want[0] += weight * (step - want[0]);
            want[1] += weight * (-3 * step - want[1]);
            tg_tape_rewind(tape, mark);
        }
        for (int i = 0; i < 2; i++) {
            snapshot s = snapshot_of(a[i]);
            for (int64_t k = 0; k < s.numel; k++)
                assert_near(snapshot_at(&s, k), want[i], dtype == TG_F32 ? 1e-5 : 1e-13);
        }
        assert_int_equal(tg_ema_swap(a, w, 2), TG_OK);
        snapshot s = snapshot_of(a[0]), t = snapshot_of(w[0]);
        assert_equal(snapshot_at(&s, 2), 5);
        assert_near(snapshot_at(&t, 2), want[0], 1e-5);
        assert_ok(tape);
        tg_tape_free(tape);
    }
}

static void replayed(void **state)
{
    (void)state;
    tg_tape *tape = tg_tape_new(NULL);
    tg_tensor *w = tg_full(tape, TG_DIMS(3), 1, TG_F64 | TG_REQUIRES_GRAD);
    tg_tensor *a = tg_zeros(tape, TG_DIMS(3), TG_F64);
    tg_capture *capture = tg_capture_begin(tape);
    assert_int_equal(tg_ema_update(&a, &w, 1, 0.5), TG_OK);
    assert_int_equal(tg_capture_end(capture), TG_OK);
    assert_int_equal(tg_capture_replay(capture), TG_OK);
    assert_equal(tg_f64(a)[1], 0.75);
    tg_capture_begin(tape);
    assert_int_equal(tg_ema_swap(&a, &w, 1), TG_ESTATE);
    assert_string_equal(tg_error_message(tape),
                        "ema_swap: called during a capture, whose replay would not do it again");
    tg_tape_free(tape);
}

static void wrong(void **state)
{
    (void)state;
    tg_tape *tape = tg_tape_new(NULL);
    tg_tensor *w = tg_ones(tape, TG_DIMS(3), TG_REQUIRES_GRAD), *a = tg_ones(tape, TG_DIMS(3), 0);
    tg_tensor *other = tg_ones(tape, TG_DIMS(2), 0), *wide = tg_ones(tape, TG_DIMS(3), TG_F64);
    assert_int_equal(tg_ema_update(NULL, NULL, 0, 0.5), TG_OK);
    assert_int_equal(tg_ema_update(NULL, NULL, 1, 0.5), TG_EVALUE);
    assert_int_equal(tg_ema_update(&a, NULL, 1, 0.5), TG_EVALUE);
    tg_ema_update(&a, &w, 1, 1.5);
    assert_error(tape, TG_EVALUE, "ema_update: decay 1.5 is not in [0, 1]");
    tg_ema_update(&w, &a, 1, 0.5);
    assert_error(tape, TG_ESTATE, "ema_update: average 0 requires a gradient");
    tg_ema_update(&a, &other, 1, 0.5);
    assert_error(tape, TG_ESHAPE, "ema_update: average 0 is [3], its tensor [2]");
    tg_ema_swap(&a, &wide, 1);
    assert_error(tape, TG_EDTYPE, "ema_swap: average 0 is float32, its tensor float64");
    assert_int_equal(tg_ema_update((tg_tensor *[]){a, NULL}, (tg_tensor *[]){w, w}, 2, 0.5),
                     TG_EVALUE);
    assert_error(tape, TG_EVALUE, "ema_update: input 1 is NULL");
    tg_tape_free(tape);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(updates),
        cmocka_unit_test(replayed),
        cmocka_unit_test(wrong),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

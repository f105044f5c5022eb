/* tg_tape_opts.on_error: called once when an error is set, and never able to do harm. */
#include "check.h"
#include "support.h"

/* What the program was told, and what it does when it is told. */
typedef struct listener {
    int calls;
    tg_status status;
    char message[256];
    void (*then)(struct listener *l);
    tg_tape *tape;
    tg_tensor *w, *loss;
    tg_optim *optim;
    tg_capture *capture;
    tg_mark start, inside;
} listener;

static void listen(void *context, tg_status status, const char *message)
{
    listener *l = context;
    l->calls++;
    l->status = status;
    snprintf(l->message, sizeof l->message, "%s", message);
    if (l->then)
        l->then(l);
}

static tg_tape *listened(listener *l)
{
    l->tape = tg_tape_new(&(tg_tape_opts){.on_error = listen, .error_context = l});
    return l->tape;
}

static void called_once(void **state)
{
    (void)state;
    listener l = {0};
    tg_tape *tape = listened(&l);
    tg_tensor *x = tg_zeros(tape, TG_DIMS(3), 0);
    for (int time = 1; time <= 2; time++) {
        tg_tensor *bad = tg_add(x, tg_zeros(tape, TG_DIMS(4), 0));
        assert_null(tg_exp(bad));
        assert_true(isnan(tg_item(bad)));
        assert_null(tg_add(x, NULL));
        assert_int_equal(tg_backward(bad), TG_EVALUE);
        assert_int_equal(l.calls, time);
        assert_int_equal(l.status, TG_ESHAPE);
        assert_string_equal(l.message, tg_error_message(tape));
        assert_error(tape, TG_ESHAPE, "add: [3]");
    }
    tg_tape_free(tape);
}

/* Memory that is out, in a tape whose every allocation may fail. */
static void out_of_memory(void **state)
{
    (void)state;
    listener l = {0};
    tg_tape *tape = listened(&l);
    assert_null(tg_zeros(tape, TG_DIMS(PTRDIFF_MAX / 8), TG_F64));
    assert_int_equal(l.calls, 1);
    assert_int_equal(l.status, TG_ENOMEM);
    assert_error(tape, TG_ENOMEM, "zeros: out of memory");
    tg_tape_free(tape);
}

/* -- A listener that calls the tape all the same ---------------------------------------------- */

static void misbehave(listener *l)
{
    tg_tape *tape = l->tape;
    float one = 1;
    tg_clear_error(tape);
    assert_int_equal(tg_error(tape), TG_ESTATE);
    assert_null(tg_add(l->w, l->w));
    assert_null(tg_zeros(tape, TG_SCALAR, 0));
    assert_null(tg_from_f32(tape, &one, TG_SCALAR, 0));
    assert_null(tg_data_mut(l->w));
    assert_int_equal(tg_fill_(l->w, 7), TG_ESTATE);
    tg_uniform_(l->w, 0, 1);
    assert_int_equal(tg_backward(l->loss), TG_ESTATE);
    assert_int_equal(tg_optim_step(l->optim), TG_ESTATE);
    tg_optim_set_lr(l->optim, 5);
    tg_optim_zero_grad(l->optim);
    tg_zero_grad(l->w);
    assert_int_equal(tg_tape_rewind(tape, l->start), TG_ESTATE);
    assert_int_equal(tg_tape_replay(tape, l->start), TG_ESTATE);
    assert_int_equal(tg_release(tape, l->start, NULL, 0), TG_ESTATE);
    assert_int_equal(tg_checkpoint(tape, l->start, NULL, 0), TG_ESTATE);
    assert_null(tg_capture_begin(tape));
    assert_int_equal(tg_capture_end(l->capture), TG_ESTATE);
    assert_int_equal(tg_capture_replay(l->capture), TG_ESTATE);
    tg_manual_seed(tape, 1);
    tg_set_grad_enabled(tape, false);
    assert_false(tg_set_anomaly_enabled(tape, true));
    assert_false(tg_set_anomaly_inf(tape, true));
    assert_false(tg_set_profile_enabled(tape, true));
    l->inside = tg_tape_mark(tape);
    tg_tape_free(tape);
}

/* The error is as it was, and nothing else has changed. */
static void expect_unharmed(listener *l, tg_tensor *grad, tg_status status, const char *part)
{
    tg_tape *tape = l->tape;
    assert_int_equal(l->calls, 1);
    assert_error(tape, status, part);
    assert_true(tg_set_grad_enabled(tape, true));
    assert_false(tg_set_anomaly_enabled(tape, false));
    assert_false(tg_set_anomaly_inf(tape, false));
    assert_false(tg_set_profile_enabled(tape, false));
    assert_equal(tg_item(l->w), 3);
    assert_ptr_equal(tg_grad(l->w), grad);
    assert_equal(tg_optim_lr(l->optim, 0), 0.5);
    assert_int_equal(tg_tape_rewind(tape, l->inside), TG_EVALUE);
    assert_error(tape, TG_EVALUE, "tape_rewind: the mark is of another tape");
    tg_tape *fresh = tg_tape_new(NULL);
    assert_equal(tg_item(tg_rand(tape, TG_SCALAR, 0)), tg_item(tg_rand(fresh, TG_SCALAR, 0)));
    tg_tape_free(fresh);
}

static tg_tensor *set_up(listener *l, bool capturing)
{
    tg_tape *tape = listened(l);
    l->w = tg_full(tape, TG_SCALAR, 3, TG_REQUIRES_GRAD);
    l->optim = tg_sgd(tape, &l->w, 1, &(tg_sgd_opts){.lr = 0.5});
    l->start = tg_tape_mark(tape);
    l->capture = capturing ? tg_capture_begin(tape) : NULL;
    l->loss = tg_square(l->w);
    assert_int_equal(tg_backward(l->loss), TG_OK);
    l->then = misbehave;
    return tg_grad(l->w);
}

static void calls_do_nothing(void **state)
{
    (void)state;
    listener l = {0};
    tg_tensor *grad = set_up(&l, false);
    l.capture = tg_capture_begin(l.tape);
    tg_capture_end(l.capture);
    assert_null(tg_matmul(l.w, l.w));
    expect_unharmed(&l, grad, TG_ESHAPE, "matmul: [] x []");
    assert_int_equal(tg_backward(l.loss), TG_OK);
    assert_int_equal(tg_optim_step(l.optim), TG_OK);
    assert_equal(tg_item(l.w), 3 - 0.5 * 12);
    tg_tape_free(l.tape);
}

/* ... in the middle of a backward pass. */
static void calls_in_a_pass(void **state)
{
    (void)state;
    listener l = {0};
    tg_tensor *grad = set_up(&l, false);
    l.capture = tg_capture_begin(l.tape);
    tg_capture_end(l.capture);
    tg_tensor *c = tg_ones(l.tape, TG_SCALAR, 0), *late = tg_mul(l.w, c);
    tg_fill_(c, 2);
    assert_int_equal(tg_backward(late), TG_ESTATE);
    expect_unharmed(&l, grad, TG_ESTATE, "backward: mul needs its input 1");
    assert_int_equal(tg_backward(l.loss), TG_OK);
    assert_equal(tg_item(tg_grad(l.w)), 12);
    tg_tape_free(l.tape);
}

/* ... during a capture, which stays open. */
static void calls_in_a_capture(void **state)
{
    (void)state;
    listener l = {0};
    tg_tensor *grad = set_up(&l, true);
    assert_null(tg_matmul(l.w, l.w));
    expect_unharmed(&l, grad, TG_ESHAPE, "matmul: [] x []");
    l.then = NULL;
    assert_int_equal(tg_capture_end(l.capture), TG_ESTATE);
    assert_error(l.tape, TG_ESTATE, "during the capture: matmul: [] x []");
    tg_tape_free(l.tape);
}

/* -- tg_error_print() ------------------------------------------------------------------------- */

static void printed(void **state)
{
    (void)state;
    FILE *file = tmpfile();
    assert_non_null(file);
    tg_tape *tape = tg_tape_new(&(tg_tape_opts){.on_error = tg_error_print, .error_context = file});
    tg_tensor *x = tg_zeros(tape, TG_DIMS(3), 0);
    tg_sum_dim(tg_add(x, tg_zeros(tape, TG_DIMS(4), 0)), 0, false);
    char want[300], text[300] = "";
    snprintf(want, sizeof want, "tinygrad: %s\n", tg_error_message(tape));
    rewind(file);
    size_t length = fread(text, 1, sizeof text - 1, file);
    assert_int_equal(length, strlen(want));
    assert_string_equal(text, want);
    fclose(file);
    tg_tape_free(tape);
    tg_error_print(NULL, TG_EVALUE, "nothing to write to");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(called_once),        cmocka_unit_test(out_of_memory),
        cmocka_unit_test(calls_do_nothing),   cmocka_unit_test(calls_in_a_pass),
        cmocka_unit_test(calls_in_a_capture), cmocka_unit_test(printed),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

/* Programs as newcomers write them, in which something is used after the rewind that took it away:
 * they stop at the first such use, which is named. And the same programs done right. */
#include "stale.h"

static void stopped(tg_tape *tape, const char *message)
{
    assert_int_equal(tg_error(tape), TG_ESTATE);
    assert_string_equal(tg_error_message(tape), message);
    tg_clear_error(tape);
}

static tg_tensor *step_loss(tg_tensor *w, int i)
{
    return tg_sum(tg_mul(w, tg_full(tg_tape_of(w), TG_DIMS(3), i, 0)));
}

/* The last step's loss, kept as a tensor. */
static void previous_loss(void **state)
{
    (void)state;
    tg_tape *tape = tg_tape_new(NULL);
    tg_tensor *w = tg_ones(tape, TG_DIMS(3), TG_REQUIRES_GRAD), *previous = NULL;
    tg_mark step = tg_tape_mark(tape);
    double number = 0;
    for (int i = 0; i < 10; i++) {
        assert_int_equal(tg_tape_rewind(tape, step), TG_OK);
        tg_tensor *loss = step_loss(w, i);
        assert_equal(tg_item(loss), 3 * i);
        if (previous) {
            assert_equal(number, 3 * (i - 1)); /* right: the number */
            assert_true(isnan(tg_item(previous)));
            stopped(tape, "item: the tensor was rewound away");
            assert_null(tg_sub(previous, loss));
            assert_error(tape, TG_ESTATE, "sub: ");
            assert_int_equal(tg_backward(previous), TG_ESTATE);
            stopped(tape, "backward: the tensor was rewound away");
        }
        assert_null(tg_grad(w));
        previous = loss;
        number = tg_item(loss);
    }
    tg_tape_free(tape);
}

/* A sum of losses over steps, as a tensor: it goes with the first rewind. */
static void running_loss(void **state)
{
    (void)state;
    tg_tape *tape = tg_tape_new(NULL);
    tg_tensor *w = tg_ones(tape, TG_DIMS(3), TG_REQUIRES_GRAD);
    tg_tensor *total = tg_zeros(tape, TG_SCALAR, 0);
    tg_mark step = tg_tape_mark(tape);
    for (int i = 0; i < 3; i++) {
        assert_int_equal(tg_tape_rewind(tape, step), TG_OK);
        total = tg_add(total, step_loss(w, i));
        assert_true(!total == (i > 0));
        if (i == 1)
            assert_true(tg_error(tape) == TG_ESTATE &&
                        strncmp(tg_error_message(tape), "add: ", 5) == 0);
    }
    tg_tape_free(tape);
}

/* The best loss so far, kept as a handle. */
static void early_stopping(void **state)
{
    (void)state;
    static const int losses[] = {5, 3, 4, 6, 2, 7};
    tg_tape *tape = tg_tape_new(NULL);
    tg_tensor *w = tg_ones(tape, TG_DIMS(3), TG_REQUIRES_GRAD), *best = NULL;
    tg_tensor *best_w = tg_zeros(tape, TG_DIMS(3), 0); /* right: made before the mark, copied to */
    tg_mark step = tg_tape_mark(tape);
    double best_number = (double)INFINITY;
    for (int i = 0; i < 6; i++) {
        assert_int_equal(tg_tape_rewind(tape, step), TG_OK);
        tg_tensor *loss = step_loss(w, losses[i]);
        if (best) {
            assert_true(isnan(tg_item(best)));
            stopped(tape, "item: the tensor was rewound away");
        }
        if (tg_item(loss) < best_number) {
            best = loss;
            best_number = tg_item(loss);
            assert_int_equal(tg_copy_(best_w, tg_detach(w)), TG_OK);
        }
    }
    assert_equal(best_number, 6);
    assert_equal(tg_f32(best_w)[0], 1);
    tg_tape_free(tape);
}

/* A recurrent state that is carried over the rewind by its handle. */
static void hidden_state(void **state)
{
    (void)state;
    tg_tape *tape = tg_tape_new(NULL);
    tg_tensor *h = tg_zeros(tape, TG_DIMS(2), 0);
    tg_mark step = tg_tape_mark(tape);
    for (int i = 0; i < 3; i++) {
        assert_int_equal(tg_tape_rewind(tape, step), TG_OK);
        tg_tensor *next = tg_add_scalar(h, 1);
        assert_true(!next == (i > 0));
        h = next ? next : h;
        if (i > 0)
            stopped(tape, "add_scalar: the tensor was rewound away");
    }
    tg_tape_free(tape);
}

/* Right: its values are copied to a tensor from before the mark. */
static void hidden_state_copied(void **state)
{
    (void)state;
    tg_tape *tape = tg_tape_new(NULL);
    tg_tensor *h = tg_zeros(tape, TG_DIMS(2), 0);
    tg_mark step = tg_tape_mark(tape);
    for (int i = 0; i < 1000; i++) {
        assert_int_equal(tg_tape_rewind(tape, step), TG_OK);
        assert_int_equal(tg_copy_(h, tg_detach(tg_add_scalar(h, 1))), TG_OK);
        assert_equal(tg_f32(h)[1], i + 1);
    }
    tg_tape_free(tape);
}

/* --- marks inside functions --- */

/* Cleans up behind itself, and leaves what was there before: right, and may be nested. */
static double measured(tg_tensor *x, int depth)
{
    tg_tape *tape = tg_tape_of(x);
    tg_mark start = tg_tape_mark(tape);
    double sum = tg_item(tg_sum(tg_mul(x, x))) + (depth ? measured(x, depth - 1) : 0);
    tg_tape_rewind(tape, start);
    return sum;
}

/* Returns what it has just rewound away. */
static tg_tensor *cleaned_up(tg_tensor *x)
{
    tg_tape *tape = tg_tape_of(x);
    tg_mark start = tg_tape_mark(tape);
    tg_tensor *y = tg_exp(x);
    tg_tape_rewind(tape, start);
    return y;
}

static void marks_in_functions(void **state)
{
    (void)state;
    tg_tape *tape = tg_tape_new(NULL);
    tg_tensor *w = tg_ones(tape, TG_DIMS(3), TG_REQUIRES_GRAD);
    tg_mark step = tg_tape_mark(tape);
    for (int i = 0; i < 20; i++) {
        assert_int_equal(tg_tape_rewind(tape, step), TG_OK);
        tg_tensor *x = tg_mul_scalar(w, 2);
        tg_mark middle = tg_tape_mark(tape);
        assert_equal(measured(x, 5), 6 * 12);
        tg_tensor *dead = cleaned_up(x), *in_its_place = tg_exp(x);
        assert_ptr_not_equal(dead, in_its_place);
        assert_null(tg_neg(dead));
        stopped(tape, "neg: the tensor was rewound away");
        assert_non_null(tg_neg(in_its_place));
        assert_equal(tg_f32(x)[2], 2);
        assert_int_equal(tg_tape_rewind(tape, middle), TG_OK);
        assert_equal(tg_f32(x)[2], 2);
    }
    tg_tape_free(tape);
}

/* A function that keeps its mark from call to call, while its caller rewinds past it. */
static void mark_kept_in_a_function(void **state)
{
    (void)state;
    tg_tape *tape = tg_tape_new(NULL);
    tg_mark step = tg_tape_mark(tape), kept = step;
    for (int i = 0; i < (REWINDS < 20 ? REWINDS : 20); i++) {
        assert_int_equal(tg_tape_rewind(tape, step), TG_OK);
        tg_tensor *x = tg_full(tape, TG_DIMS(2), i, 0);
        if (i == 0)
            kept = tg_tape_mark(tape);
        tg_neg(x);
        assert_int_equal(tg_tape_rewind(tape, kept), i ? TG_ESTATE : TG_OK);
        if (i)
            stopped(tape, "tape_rewind: stale mark: the tape was rewound past it");
        assert_equal(tg_f32(x)[1], i);
    }
    tg_tape_free(tape);
}

/* --- objects made in the loop --- */

/* The optimiser of the first step, and the list, kept over rewinds while others are made. */
static void made_in_the_loop(void **state)
{
    (void)state;
    tg_tape *tape = tg_tape_new(NULL);
    tg_tensor *w = tg_ones(tape, TG_DIMS(3), TG_REQUIRES_GRAD);
    tg_mark step = tg_tape_mark(tape);
    tg_optim *kept = NULL;
    tg_params *list = NULL;
    for (int i = 0; i < 5; i++) {
        assert_int_equal(tg_tape_rewind(tape, step), TG_OK);
        tg_optim *optim = tg_sgd(tape, &w, 1, &(tg_sgd_opts){.lr = 1});
        tg_params *now = tg_params_new(tape);
        tg_params_add(now, w, "w%d", i);
        tg_zero_grad(w);
        assert_int_equal(tg_backward(tg_sum(w)), TG_OK);
        if (kept) {
            assert_int_equal(tg_optim_step(kept), TG_ESTATE);
            stopped(tape, "optim_step: the optimiser was rewound away");
            assert_null(tg_params_name(list, 0));
            stopped(tape, "params_name: the list was rewound away");
        }
        assert_equal(tg_f32(w)[0], 1 - i);
        assert_int_equal(tg_optim_step(optim), TG_OK);
        kept = optim;
        list = now;
    }
    tg_tape_free(tape);
}

/* --- finding the line --- */

typedef struct told {
    int times;
    char message[128];
} told;

static void tell(void *context, tg_status status, const char *message)
{
    told *t = context;
    t->times += status == TG_ESTATE;
    strncpy(t->message, message, sizeof t->message - 1);
}

/* on_error hears of it in the call that used the handle. */
static void told_at_once(void **state)
{
    (void)state;
    told t = {0};
    tg_tape *tape = tg_tape_new(&(tg_tape_opts){.on_error = tell, .error_context = &t});
    tg_mark step = tg_tape_mark(tape);
    tg_tensor *dead = tg_ones(tape, TG_SCALAR, 0);
    tg_tape_rewind(tape, step);
    tg_ones(tape, TG_SCALAR, 0);
    assert_int_equal(t.times, 0);
    assert_int_equal(tg_ndim(dead), -1);
    assert_int_equal(t.times, 1);
    assert_string_equal(t.message, "ndim: the tensor was rewound away");
    assert_true(isnan(tg_item(dead)));
    assert_int_equal(t.times, 1); /* the first error sticks */
    tg_tape_free(tape);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(previous_loss),
        cmocka_unit_test(running_loss),
        cmocka_unit_test(early_stopping),
        cmocka_unit_test(hidden_state),
        cmocka_unit_test(hidden_state_copied),
        cmocka_unit_test(marks_in_functions),
        cmocka_unit_test(mark_kept_in_a_function),
        cmocka_unit_test(made_in_the_loop),
        cmocka_unit_test(told_at_once),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

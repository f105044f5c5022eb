/* Data changed between forward and backward: reported where the pass reads it, in whatever way
 * it was changed, and let be where it does not. The table is PyTorch's, found by changing things
 * there. */
#include "check.h"
#include "support.h"
#include "tape/tensor.h"

static tg_tensor *filled(tg_tape *tape, double value, int flags)
{
    return tg_full(tape, TG_DIMS(2, 2), value, TG_F64 | flags);
}

/* --- what each operation reads --- */

typedef struct reading {
    const char *name;
    tg_tensor *(*op)(tg_tensor *);
    bool input, output;
} reading;

static tg_tensor *constant(const tg_tensor *x)
{
    return filled(tg_tape_of(x), 3, 0);
}

static tg_tensor *times_itself(tg_tensor *x)
{
    return tg_mul(x, x);
}

static tg_tensor *times_constant(tg_tensor *x)
{
    return tg_mul(x, constant(x));
}

static tg_tensor *by_constant(tg_tensor *x)
{
    return tg_div(x, constant(x));
}

static tg_tensor *constant_by(tg_tensor *x)
{
    return tg_div(constant(x), x);
}

static tg_tensor *plus_itself(tg_tensor *x)
{
    return tg_add(x, x);
}

static tg_tensor *minus_itself(tg_tensor *x)
{
    return tg_sub(x, x);
}

static tg_tensor *times_two(tg_tensor *x)
{
    return tg_mul_scalar(x, 2);
}

static tg_tensor *row_sums(tg_tensor *x)
{
    return tg_sum_dim(x, 1, false);
}

static tg_tensor *product(tg_tensor *x)
{
    return tg_matmul(x, x);
}

static tg_tensor *product_by_constant(tg_tensor *x)
{
    return tg_matmul(x, constant(x));
}

static tg_tensor *softmax(tg_tensor *x)
{
    return tg_softmax(x, 1);
}

static tg_tensor *log_softmax(tg_tensor *x)
{
    return tg_log_softmax(x, 1);
}

static tg_tensor *cross_entropy(tg_tensor *x)
{
    return tg_cross_entropy(x, tg_zeros(tg_tape_of(x), TG_DIMS(2), TG_I64), NULL);
}

static tg_tensor *nll_loss(tg_tensor *x)
{
    return tg_nll_loss(x, tg_zeros(tg_tape_of(x), TG_DIMS(2), TG_I64), NULL);
}

static tg_tensor *as_float(tg_tensor *x)
{
    return tg_to(x, TG_F32);
}

static tg_tensor *turned(tg_tensor *x)
{
    return tg_contiguous(tg_transpose(x, 0, 1));
}

static const reading readings[] = {
    {"exp", tg_exp, false, true},
    {"sqrt", tg_sqrt, false, true},
    {"sigmoid", tg_sigmoid, false, true},
    {"tanh", tg_tanh, false, true},
    {"relu", tg_relu, false, true},
    {"softmax", softmax, false, true},
    {"log_softmax", log_softmax, false, true},
    {"log", tg_log, true, false},
    {"mul", times_itself, true, false},
    {"mul by a constant", times_constant, false, false},
    {"div by a constant", by_constant, false, false},
    {"div", constant_by, true, false},
    {"matmul", product, true, false},
    {"matmul by a constant", product_by_constant, false, false},
    {"cross_entropy", cross_entropy, true, false},
    {"nll_loss", nll_loss, false, false},
    {"add", plus_itself, false, false},
    {"sub", minus_itself, false, false},
    {"neg", tg_neg, false, false},
    {"mul_scalar", times_two, false, false},
    {"sum", row_sums, false, false},
    {"mean", tg_mean, false, false},
    {"to", as_float, false, false},
    {"contiguous", turned, false, false},
};

/* Backward after x or y was changed: complains as it should, and then by the operation's name. */
static void check_reading(const reading *r, bool change_output)
{
    tg_tape *tape = tg_tape_new(NULL);
    tg_tensor *x = filled(tape, 2, TG_REQUIRES_GRAD), *y = r->op(x);
    tg_tensor *loss = tg_sum(y);
    assert_ok(tape);
    bool read = change_output ? r->output : r->input;
    tg_data_mut(change_output ? y : x);
    tg_status status = tg_backward(loss);
    if (status != (read ? TG_ESTATE : TG_OK))
        fail_msg("%s, %s changed: status %d, %s", r->name, change_output ? "output" : "input",
                 (int)status, tg_error_message(tape));
    const char *message = tg_error_message(tape);
    const char *what = change_output ? "its output" : "its input";
    if (read && (!strstr(message, r->name) || !strstr(message, what)))
        fail_msg("%s: %s", r->name, message);
    assert_int_equal(tg_grad(x) == NULL, read);
    tg_tape_free(tape);
}

static void what_is_read(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof readings / sizeof *readings; i++) {
        check_reading(&readings[i], false);
        check_reading(&readings[i], true);
    }
}

/* --- other inputs --- */

static void constants_are_read(void **state)
{
    (void)state;
    tg_tape *tape = tg_tape_new(NULL);
    tg_tensor *x = filled(tape, 2, TG_REQUIRES_GRAD), *c = filled(tape, 3, 0);
    tg_tensor *y = tg_sum(tg_mul(x, c));
    tg_data_mut(x); /* only c is read: it makes x's gradient */
    assert_int_equal(tg_backward(y), TG_OK);
    tg_data_mut(c);
    assert_int_equal(tg_backward(y), TG_ESTATE);
    assert_error(tape, TG_ESTATE,
                 "backward: mul needs its input 1 float64 [2, 2] as it was, but it was changed in "
                 "place (version 1, recorded at version 0)");
    tg_tape_free(tape);
}

static void targets_and_weights_are_read(void **state)
{
    (void)state;
    for (int changed = 0; changed < 4; changed++) {
        tg_tape *tape = tg_tape_new(NULL);
        tg_tensor *x = filled(tape, 2, TG_REQUIRES_GRAD);
        tg_tensor *targets = tg_zeros(tape, TG_DIMS(2), TG_I64);
        tg_tensor *weight = tg_ones(tape, TG_DIMS(2), TG_F64);
        tg_tensor *ce = tg_cross_entropy(x, targets, &(tg_ce_opts){.weight = weight});
        tg_tensor *nll = tg_nll_loss(x, targets, &(tg_nll_opts){.weight = weight});
        tg_data_mut(changed % 2 ? weight : targets);
        assert_int_equal(tg_backward(changed / 2 ? ce : nll), TG_ESTATE);
        assert_error(tape, TG_ESTATE, changed / 2 ? "cross_entropy needs" : "nll_loss needs");
        tg_tape_free(tape);
    }
}

static void linear_reads_x_and_weight(void **state)
{
    (void)state;
    enum { X = 1, WEIGHT = 2, BIAS = 4 };
    for (int grads = 1; grads < 8; grads++) {
        for (int changed = 1; changed < 8; changed *= 2) {
            tg_tape *tape = tg_tape_new(NULL);
            tg_tensor *x = filled(tape, 2, grads & X ? TG_REQUIRES_GRAD : 0);
            tg_tensor *w = filled(tape, 3, grads & WEIGHT ? TG_REQUIRES_GRAD : 0);
            int flags = TG_F64 | (grads & BIAS ? TG_REQUIRES_GRAD : 0);
            tg_tensor *b = tg_zeros(tape, TG_DIMS(2), flags);
            tg_tensor *y = tg_sum(tg_linear(x, w, b));
            tg_data_mut(changed == X ? x : changed == WEIGHT ? w : b);
            bool read = (changed == X && grads & WEIGHT) || (changed == WEIGHT && grads & X);
            assert_int_equal(tg_backward(y), read ? TG_ESTATE : TG_OK);
            tg_tape_free(tape);
        }
    }
}

/* --- ways to change data --- */

static void by_data_mut(tg_tensor *x)
{
    assert_non_null(tg_data_mut(x));
}

static void by_a_view(tg_tensor *x)
{
    assert_non_null(tg_data_mut(tg_reshape(x, TG_DIMS(4))));
}

static void by_a_view_of_a_view(tg_tensor *x)
{
    tg_tensor *view = tg_transpose(tg_transpose(x, 0, 1), 0, 1);
    assert_non_null(tg_data_mut(tg_reshape(view, TG_DIMS(1, 4))));
}

static void by_detach(tg_tensor *x)
{
    assert_non_null(tg_data_mut(tg_detach(x)));
}

static void by_uniform(tg_tensor *x)
{
    tg_uniform_(x, 0, 1);
}

static void by_normal_of_a_detached_view(tg_tensor *x)
{
    tg_normal_(tg_transpose(tg_detach(x), 0, 1), 0, 1);
}

static void by_linear_init(tg_tensor *x)
{
    tg_linear_init(x, NULL);
}

static void by_a_step(tg_tensor *x)
{
    tg_optim *optim = tg_sgd(tg_tape_of(x), &x, 1, NULL);
    assert_int_equal(tg_backward(tg_sum(x)), TG_OK);
    assert_int_equal(tg_optim_step(optim), TG_OK);
    tg_zero_grad(x);
}

static void by_replay_of_a_fill(tg_tensor *x)
{
    tg_tape *tape = tg_tape_of(x);
    tg_tensor *view = tg_detach(x);
    tg_mark mark = tg_tape_mark(tape);
    tg_uniform_(view, 0, 1);
    assert_int_equal(tg_tape_replay(tape, mark), TG_OK);
}

static void (*const changes[])(tg_tensor *) = {
    by_data_mut,    by_a_view,  by_a_view_of_a_view,
    by_detach,      by_uniform, by_normal_of_a_detached_view,
    by_linear_init, by_a_step,  by_replay_of_a_fill};

enum { CHANGES = sizeof changes / sizeof *changes };

static void ways_to_change(void **state)
{
    (void)state;
    for (int i = 0; i < CHANGES; i++) {
        tg_tape *tape = tg_tape_new(NULL);
        tg_tensor *x = filled(tape, 2, TG_REQUIRES_GRAD);
        changes[i](x); /* before it is used: no matter */
        assert_ok(tape);
        tg_tensor *y = tg_sum(tg_mul(x, x)), *z = tg_sum(tg_mul(tg_transpose(x, 0, 1), x));
        assert_int_equal(tg_backward(y), TG_OK);
        tg_zero_grad(x);
        changes[i](x);
        assert_ok(tape);
        if (tg_backward(y) != TG_ESTATE)
            fail_msg("way %d to change x is not noticed", i);
        assert_error(tape, TG_ESTATE, "mul needs its input");
        assert_int_equal(tg_backward(z), TG_ESTATE); /* through a view */
        assert_error(tape, TG_ESTATE, "mul needs its input");
        assert_null(tg_grad(x));
        assert_int_equal(tg_backward(tg_sum(tg_mul(x, x))), TG_OK);
        tg_tape_free(tape);
    }
}

static void borrowed_memory(void **state)
{
    (void)state;
    tg_tape *tape = tg_tape_new(NULL);
    double memory[] = {1, 2};
    tg_tensor *x = tg_from_blob(tape, memory, TG_DIMS(2), TG_F64 | TG_REQUIRES_GRAD);
    tg_tensor *y = tg_sum(tg_mul(x, x));
    assert_ptr_equal(tg_data_mut(x), memory);
    memory[0] = 5;
    assert_int_equal(tg_backward(y), TG_ESTATE);
    tg_clear_error(tape);
    assert_int_equal(tg_backward(tg_sum(tg_mul(x, x))), TG_OK);
    assert_equal(tg_f64(tg_grad(x))[0], 10);
    tg_tape_free(tape);
}

/* --- gradients as data --- */

static void gradients_that_accumulate(void **state)
{
    (void)state;
    tg_tape *tape = tg_tape_new(NULL);
    tg_tensor *x = filled(tape, 2, TG_REQUIRES_GRAD), *w = filled(tape, 3, TG_REQUIRES_GRAD);
    tg_tensor *loss = tg_sum(tg_mul_scalar(x, 5));
    assert_int_equal(tg_backward(loss), TG_OK);
    tg_tensor *y = tg_sum(tg_mul(w, tg_grad(x)));
    assert_int_equal(tg_backward(y), TG_OK);
    assert_equal(tg_f64(tg_grad(w))[0], 5);
    assert_int_equal(tg_backward(loss), TG_OK); /* writes to x's gradient */
    assert_int_equal(tg_backward(y), TG_ESTATE);
    assert_error(tape, TG_ESTATE, "mul needs its input 1");
    tg_tape_free(tape);
}

/* A pass that reads the memory which it writes a leaf's first gradient to must not read it
 * after. */
static void dropped_gradient_read_by_its_own_pass(void **state)
{
    (void)state;
    tg_tape *tape = tg_tape_new(NULL);
    tg_tensor *w = filled(tape, 3, TG_REQUIRES_GRAD);
    assert_int_equal(tg_backward(tg_sum(tg_mul_scalar(w, 2))), TG_OK);
    tg_tensor *g = tg_grad(w); /* all 2 */
    tg_zero_grad(w);
    tg_tensor *once = tg_mul(w, g), *thrice = tg_mul_scalar(tg_mul(w, g), 3);
    tg_status status = tg_backward(tg_sum(tg_add(once, thrice)));
    if (status == TG_OK)
        assert_equal(tg_f64(tg_grad(w))[0], 8);
    else
        assert_error(tape, TG_ESTATE, "mul needs its input 1");
    tg_tape_free(tape);
}

/* The same for a product, which goes straight to that memory where nothing of it is read. */
static void dropped_gradient_times_its_leaf(void **state)
{
    (void)state;
    tg_tape *tape = tg_tape_new(NULL);
    tg_tensor *w = tg_ones(tape, TG_DIMS(16, 16), TG_REQUIRES_GRAD);
    assert_int_equal(tg_backward(tg_sum(tg_mul_scalar(w, 2))), TG_OK);
    tg_tensor *g = tg_grad(w); /* all 2 */
    tg_zero_grad(w);
    assert_int_equal(tg_backward(tg_sum(tg_matmul(w, tg_transpose(g, 0, 1)))), TG_OK);
    for (int i = 0; i < 16 * 16; i++)
        assert_equal(tg_f32(tg_grad(w))[i], 32);
    tg_tape_free(tape);
}

/* The same where it is what the pass starts from. */
static void dropped_gradient_as_upstream(void **state)
{
    (void)state;
    tg_tape *tape = tg_tape_new(NULL);
    tg_tensor *w = filled(tape, 3, TG_REQUIRES_GRAD);
    assert_int_equal(tg_backward(tg_sum(w)), TG_OK);
    tg_tensor *g = tg_grad(w); /* all 1 */
    tg_zero_grad(w);
    tg_tensor *y = tg_add(tg_mul_scalar(w, 2), tg_mul_scalar(w, 3));
    assert_int_equal(tg_backward_with(y, g, NULL), TG_OK);
    assert_equal(tg_f64(tg_grad(w))[0], 5);
    tg_tape_free(tape);
}

/* 2^32 writes are not none. */
static void very_many_writes(void **state)
{
    (void)state;
    tg_tape *tape = tg_tape_new(NULL);
    tg_tensor *x = filled(tape, 2, TG_REQUIRES_GRAD), *loss = tg_sum(tg_mul(x, x));
    tg_owner_of(x)->version += UINT32_MAX;
    assert_non_null(tg_data_mut(x));
    assert_int_equal(tg_backward(loss), TG_ESTATE);
    assert_error(tape, TG_ESTATE, "(version 4294967296, recorded at version 0)");
    tg_tape_free(tape);
}

static void replay_makes_it_right(void **state)
{
    (void)state;
    tg_tape *tape = tg_tape_new(NULL);
    tg_tensor *x = filled(tape, 2, TG_REQUIRES_GRAD);
    tg_mark mark = tg_tape_mark(tape);
    tg_tensor *y = tg_sum(tg_exp(tg_log(x)));
    ((double *)tg_data_mut(x))[3] = 7;
    assert_int_equal(tg_backward(y), TG_ESTATE);
    assert_error(tape, TG_ESTATE, "log needs its input 0 float64 [2, 2]");
    assert_int_equal(tg_tape_replay(tape, mark), TG_OK);
    assert_int_equal(tg_backward(y), TG_OK);
    assert_near(tg_item(y), 13, 1e-12);
    assert_near(tg_f64(tg_grad(x))[3], 1, 1e-14);
    tg_tape_free(tape);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_read),
        cmocka_unit_test(constants_are_read),
        cmocka_unit_test(targets_and_weights_are_read),
        cmocka_unit_test(linear_reads_x_and_weight),
        cmocka_unit_test(ways_to_change),
        cmocka_unit_test(borrowed_memory),
        cmocka_unit_test(gradients_that_accumulate),
        cmocka_unit_test(dropped_gradient_read_by_its_own_pass),
        cmocka_unit_test(dropped_gradient_times_its_leaf),
        cmocka_unit_test(dropped_gradient_as_upstream),
        cmocka_unit_test(very_many_writes),
        cmocka_unit_test(replay_makes_it_right),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

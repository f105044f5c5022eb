/* What functions of an operation kept and use, or give, in a later call: temporaries of a pass, also of
 * a captured one, and what a forward function made. And marks around passes that leave memory and no
 * tensor. */
#include "check.h"

#include <tinygrad/op.h>

enum { MANY = 20000 };

/* What the backward functions do this time. */
static struct plan {
    tg_tensor *kept;
    bool keep, give, reshape, read;
} plan;

static void ones_forward(tg_node *node)
{
    int64_t n = tg_numel(node->out);
    for (int64_t i = 0; i < n; i++)
        ((float *)tg_out_data(node))[i] = 1;
}

static void keeping_backward(tg_node *node, tg_tensor *grad_out, tg_tensor **grad_in)
{
    (void)node;
    if (plan.read && plan.kept)
        tg_f32(plan.kept);
    if (plan.reshape)
        tg_reshape(plan.kept, TG_DIMS(4));
    if (plan.keep)
        plan.kept = tg_mul_scalar(grad_out, 2);
    grad_in[0] = plan.give ? plan.kept : tg_mul_scalar(plan.keep ? plan.kept : grad_out, 1);
}

static const tg_op keeping_op = {
    .name = "keeping", .forward = ones_forward, .backward = keeping_backward};

static tg_tensor *keeping(tg_tensor *x)
{
    return tg_apply(
        &(tg_call){.op = &keeping_op, .n_in = 1, .in = &x, .ndim = 1, .dims = tg_sizes(x)});
}

static tg_status pass(tg_tensor *x, struct plan p)
{
    plan = p;
    return tg_backward(tg_sum(keeping(keeping(x))));
}

static void gradient_of_an_earlier_pass(void **state)
{
    (void)state;
    tg_tape *tape = tg_tape_new(NULL);
    tg_tensor *x = tg_ones(tape, TG_DIMS(4), TG_REQUIRES_GRAD);
    assert_int_equal(pass(x, (struct plan){.keep = true}), TG_OK);
    assert_int_equal(pass(x, (struct plan){.give = true, .kept = plan.kept}), TG_ESTATE);
    assert_error(tape, TG_ESTATE, "keeping: the tensor was rewound away");
    assert_equal(tg_f32(tg_grad(x))[0], 4);
    tg_tape_free(tape);
}

static void gradient_of_another_tape(void **state)
{
    (void)state;
    tg_tape *tape = tg_tape_new(NULL), *other = tg_tape_new(NULL);
    tg_tensor *x = tg_ones(tape, TG_DIMS(4), TG_REQUIRES_GRAD);
    struct plan p = {.give = true, .kept = tg_ones(other, TG_DIMS(4), 0)};
    assert_int_equal(pass(x, p), TG_EVALUE);
    assert_error(tape, TG_EVALUE, "keeping: backward: gradient 0 is of another tape");
    assert_ok(other);
    tg_tape_free(tape);
    tg_tape_free(other);
}

/* Dead, and of another tape: the tape that is asked has to know. */
static void dead_of_another_tape(void **state)
{
    (void)state;
    tg_tape *tape = tg_tape_new(NULL), *other = tg_tape_new(NULL);
    tg_mark start = tg_tape_mark(other);
    tg_tensor *dead = tg_ones(other, TG_DIMS(2), TG_REQUIRES_GRAD), *g = dead;
    tg_tape_rewind(other, start);
    tg_tensor *x = tg_ones(tape, TG_DIMS(2), TG_REQUIRES_GRAD), *y = tg_sum(x);
    assert_int_equal(tg_gradients(y, NULL, &dead, 1, &g, NULL), TG_EVALUE);
    assert_error(tape, TG_EVALUE, "gradients: input 0 is of another tape");
    assert_null(g);
    assert_int_equal(tg_backward_with(y, dead, NULL), TG_EVALUE);
    assert_error(tape, TG_EVALUE, "backward: gradient 0 is of another tape");
    assert_null(tg_sgd(tape, &dead, 1, NULL));
    assert_error(tape, TG_EVALUE, "sgd: parameter 0 is of another tape");
    assert_int_equal(tg_release(tape, tg_tape_mark(tape), &dead, 1), TG_EVALUE);
    assert_error(tape, TG_EVALUE, "release: kept tensor 0 is of another tape");
    assert_null(tg_params_add(tg_params_new(tape), dead, "dead"));
    assert_error(tape, TG_EVALUE, "is of another tape");
    assert_ok(other);
    tg_tape_free(tape);
    tg_tape_free(other);
}

/* A replay writes to them again; they are nobody else's. */
static void temporaries_of_a_captured_pass(void **state)
{
    (void)state;
    tg_tape *tape = tg_tape_new(NULL);
    tg_tensor *x = tg_ones(tape, TG_DIMS(4), TG_REQUIRES_GRAD);
    tg_capture *step = tg_capture_begin(tape);
    tg_zero_grad(x);
    assert_int_equal(pass(x, (struct plan){.keep = true}), TG_OK);
    assert_int_equal(tg_capture_end(step), TG_OK);
    const struct plan uses[] = {{.give = true}, {.reshape = true}, {.read = true}};
    for (int i = 0; i < 3; i++) {
        struct plan use = uses[i];
        use.kept = plan.kept;
        assert_int_equal(pass(x, use), TG_ESTATE);
        assert_error(tape, TG_ESTATE, "given back by a captured backward pass");
        assert_int_equal(tg_capture_replay(step), TG_OK);
        assert_equal(tg_f32(tg_grad(x))[0], 4);
    }
    tg_capture_begin(tape); /* within one, as in a pass that is not captured */
    assert_int_equal(pass(x, (struct plan){.keep = true, .read = true}), TG_ESTATE);
    tg_tape_free(tape);
}

static tg_tensor *made;

static void making_forward(tg_node *node)
{
    if (made)
        tg_ndim(made);
    made = tg_ones(tg_tape_of(node->out), TG_DIMS(1000), 0);
    ones_forward(node);
}

static const tg_op making_op = {.name = "making", .forward = making_forward};

static tg_tensor *making(tg_tensor *x)
{
    made = NULL;
    return tg_apply(&(tg_call){.op = &making_op, .n_in = 1, .in = &x});
}

static void made_in_a_replay(void **state)
{
    (void)state;
    tg_tape *tape = tg_tape_new(NULL);
    tg_tensor *x = tg_ones(tape, TG_SCALAR, 0);
    tg_capture *step = tg_capture_begin(tape);
    making(x);
    making(x);
    made = NULL;
    assert_int_equal(tg_capture_end(step), TG_OK);
    assert_int_equal(tg_capture_replay(step), TG_ESTATE);
    assert_error(tape, TG_ESTATE, "ndim: the tensor was rewound away");
    tg_tape_free(tape);
}

static tg_tensor *many[MANY], *results[MANY];

/* The mark after it is gone with a rewind to that before. */
static void rewound(tg_tape *tape, tg_mark before)
{
    assert_ok(tape);
    tg_mark after = tg_tape_mark(tape);
    assert_int_equal(tg_tape_rewind(tape, before), TG_OK);
    assert_int_equal(tg_tape_rewind(tape, after), TG_ESTATE);
    tg_tape_free(tape);
}

static void recorded_gradients_of_many(void **state)
{
    (void)state;
    tg_tape *tape = tg_tape_new(NULL);
    tg_tensor *x = tg_ones(tape, TG_DIMS(3), TG_REQUIRES_GRAD), *g = tg_ones(tape, TG_DIMS(3), 0);
    for (int i = 0; i < MANY; i++)
        many[i] = x;
    tg_mark before = tg_tape_mark(tape);
    tg_gradients(x, g, many, MANY, results, &(tg_backward_opts){.create_graph = true});
    rewound(tape, before);
}

static void same_backward(tg_node *node, tg_tensor *grad_out, tg_tensor **grad_in)
{
    for (int i = 0; i < node->n_in; i++)
        grad_in[i] = grad_out;
}

static void recorded_pass_of_many_inputs(void **state)
{
    (void)state;
    static const tg_op op = {.name = "many", .forward = ones_forward, .backward = same_backward};
    tg_tape *tape = tg_tape_new(NULL);
    tg_tensor *g = tg_ones(tape, TG_SCALAR, 0);
    for (int i = 0; i < MANY; i++)
        many[i] = i ? g : tg_ones(tape, TG_SCALAR, TG_REQUIRES_GRAD);
    tg_tensor *y = tg_apply(&(tg_call){.op = &op, .n_in = MANY, .in = many});
    tg_mark before = tg_tape_mark(tape);
    tg_backward_with(y, g, &(tg_backward_opts){.create_graph = true});
    rewound(tape, before);
}

/* What a capture noted is needed, wherever in it the mark was taken. */
static void released_inside_a_capture(void **state)
{
    (void)state;
    tg_tape *tape = tg_tape_new(NULL);
    tg_tensor *x = tg_ones(tape, TG_DIMS(300), TG_REQUIRES_GRAD);
    tg_capture *step = tg_capture_begin(tape);
    tg_mark inside = tg_tape_mark(tape);
    tg_tensor *y = tg_sum(tg_add_scalar(tg_mul_scalar(x, 3), 1));
    assert_int_equal(tg_capture_end(step), TG_OK);
    assert_int_equal(tg_checkpoint(tape, inside, &y, 1), TG_ESTATE);
    assert_error(tape, TG_ESTATE, "checkpoint: a capture was made since the mark");
    assert_int_equal(tg_release(tape, inside, &y, 1), TG_ESTATE);
    assert_error(tape, TG_ESTATE, "release: a capture was made since the mark");
    tg_backward_with(y, NULL, &(tg_backward_opts){.release_since = &inside});
    assert_error(tape, TG_ESTATE, "backward: a capture was made since the mark");
    assert_int_equal(tg_capture_replay(step), TG_OK);
    assert_equal(tg_item(y), 1200);
    tg_tape_free(tape);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(gradient_of_an_earlier_pass),
        cmocka_unit_test(gradient_of_another_tape),
        cmocka_unit_test(dead_of_another_tape),
        cmocka_unit_test(temporaries_of_a_captured_pass),
        cmocka_unit_test(made_in_a_replay),
        cmocka_unit_test(recorded_gradients_of_many),
        cmocka_unit_test(recorded_pass_of_many_inputs),
        cmocka_unit_test(released_inside_a_capture),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

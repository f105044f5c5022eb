/* Operations made with the public op.h, and what the tape does about ones that fail or
 * misbehave. */
#include "check.h"
#include "support.h"

#include <tinygrad/op.h>

/* The sum of any number of tensors of one shape, each times its place from 1 on, plus a
 * parameter. */
typedef struct weighted_params {
    double offset;
    bool fail;
} weighted_params;

static void weighted_forward(tg_node *node)
{
    const weighted_params *p = node->params;
    if (p->fail) {
        tg_fail(tg_tape_of(node->out), TG_EVALUE, "weighted: told to fail with %g", p->offset);
        return;
    }
    double *y = tg_out_data(node);
    for (int64_t k = 0; k < tg_numel(node->out); k++) {
        y[k] = p->offset;
        for (int i = 0; i < node->n_in; i++)
            y[k] += node->in[i] ? (i + 1) * tg_f64(node->in[i])[k] : 0;
    }
    if (node->saved)
        *(double *)tg_data_mut(node->saved) = y[0];
    assert_int_equal(node->n_out, node->saved ? 2 : 1);
    assert_ptr_equal(tg_node_outs(node)[0], node->out);
    assert_ptr_equal(tg_node_outs(node)[node->n_out - 1], node->saved ? node->saved : node->out);
}

static void weighted_backward(tg_node *node, tg_tensor *grad_out, tg_tensor **grad_in)
{
    for (int i = 0; i < node->n_in; i++) {
        if (tg_needs_grad(node, i))
            grad_in[i] = tg_mul_scalar(grad_out, i + 1);
    }
}

static const tg_op weighted_op = {
    .name = "weighted", .forward = weighted_forward, .backward = weighted_backward};

static tg_tensor *weighted(tg_tensor *const *in, int n, double offset, bool fail)
{
    weighted_params params = {offset, fail};
    return tg_apply(&(tg_call){.op = &weighted_op,
                               .n_in = n,
                               .in = in,
                               .dtype = TG_F64,
                               .ndim = tg_ndim(in[0]),
                               .dims = tg_sizes(in[0]),
                               .params = &params,
                               .params_size = sizeof params,
                               .saved_numel = 1,
                               .saved_dtype = TG_F64});
}

static void many_inputs(void **state)
{
    (void)state;
    enum { INPUTS = 30 };
    tg_tape *tape = tg_tape_new(NULL);
    tg_tensor *in[INPUTS];
    for (int i = 0; i < INPUTS; i++)
        in[i] = tg_full(tape, TG_DIMS(2), i, TG_F64 | TG_REQUIRES_GRAD);
    in[3] = NULL; /* an optional one */
    double want = 100;
    for (int i = 0; i < INPUTS; i++)
        want += i == 3 ? 0 : (i + 1) * i;
    tg_mark mark = tg_tape_mark(tape);
    tg_tensor *y = weighted(in, INPUTS, 100, false);
    assert_equal(tg_f64(y)[1], want);
    assert_int_equal(tg_backward(tg_sum(y)), TG_OK);
    for (int i = 0; i < INPUTS; i++)
        assert_true(i == 3 || tg_f64(tg_grad(in[i]))[1] == i + 1);
    ((double *)tg_data_mut(in[9]))[1] += 1;
    assert_int_equal(tg_tape_replay(tape, mark), TG_OK); /* the parameters were copied */
    assert_equal(tg_f64(y)[1], want + 10);
    tg_tape_free(tape);
}

/* A forward that fails leaves nothing, whether or not it is recorded. */
static void failing_forward(void **state)
{
    (void)state;
    tg_tape *tape = tg_tape_new(NULL);
    tg_tensor *x = tg_ones(tape, TG_DIMS(1000), TG_F64 | TG_REQUIRES_GRAD);
    tg_mark before = tg_tape_mark(tape);
    for (int enabled = 0; enabled < 2; enabled++) {
        tg_set_grad_enabled(tape, enabled);
        assert_null(weighted(&x, 1, 7, true));
        assert_true(marks_equal(before, tg_tape_mark(tape)));
        assert_error(tape, TG_EVALUE, "weighted: told to fail with 7");
        assert_int_equal(tg_tape_replay(tape, before), TG_OK);
    }
    assert_int_equal(tg_backward(tg_sum(weighted(&x, 1, 7, false))), TG_OK);
    assert_equal(tg_f64(tg_grad(x))[999], 1);
    tg_tape_free(tape);
}

/* --- backward functions that are wrong --- */

static void copy_forward(tg_node *node)
{
    memcpy(tg_out_data(node), tg_f64(node->in[0]), (size_t)tg_numel(node->out) * sizeof(double));
}

static void wrong_shape(tg_node *node, tg_tensor *grad_out, tg_tensor **grad_in)
{
    (void)node;
    grad_in[0] = tg_zeros(tg_tape_of(grad_out), TG_DIMS(7), TG_F64);
}

static void wrong_dtype(tg_node *node, tg_tensor *grad_out, tg_tensor **grad_in)
{
    (void)node;
    grad_in[0] = tg_to(grad_out, TG_F32);
}

static void too_large(tg_node *node, tg_tensor *grad_out, tg_tensor **grad_in)
{
    (void)node;
    grad_in[0] = tg_expand(grad_out, TG_DIMS(5, 3)); /* is summed down */
}

static void no_gradient(tg_node *node, tg_tensor *grad_out, tg_tensor **grad_in)
{
    (void)node;
    (void)grad_out;
    grad_in[0] = NULL;
}

static void refuses(tg_node *node, tg_tensor *grad_out, tg_tensor **grad_in)
{
    (void)node;
    (void)grad_in;
    tg_fail(tg_tape_of(grad_out), TG_EVALUE, "copy: no gradient today");
}

static void backward_inside(tg_node *node, tg_tensor *grad_out, tg_tensor **grad_in)
{
    (void)grad_in;
    tg_backward_with(node->in[0], grad_out, NULL);
}

static tg_mark mark_of_test; /* of the one test that runs */

static void rewind_inside(tg_node *node, tg_tensor *grad_out, tg_tensor **grad_in)
{
    (void)node;
    (void)grad_in;
    tg_tape_rewind(tg_tape_of(grad_out), mark_of_test);
}

typedef struct misbehaviour {
    tg_op op;
    tg_status status;
    const char *message;
} misbehaviour;

static const misbehaviour misbehaviours[] = {
    {{.name = "copy", .forward = copy_forward, .backward = wrong_shape},
     TG_ESHAPE,
     "copy: backward"},
    {{.name = "copy", .forward = copy_forward, .backward = wrong_dtype},
     TG_ESHAPE,
     "copy: backward"},
    {{.name = "copy", .forward = copy_forward, .backward = refuses},
     TG_EVALUE,
     "copy: no gradient"},
    {{.name = "copy", .forward = copy_forward, .backward = backward_inside},
     TG_ESTATE,
     "backward: called inside the backward function of copy"},
    {{.name = "copy", .forward = copy_forward, .backward = rewind_inside},
     TG_ESTATE,
     "tape_rewind: called inside the backward function of copy"},
    {{.name = "copy", .forward = copy_forward, .backward = too_large}, TG_OK, ""},
    {{.name = "copy", .forward = copy_forward, .backward = no_gradient}, TG_OK, ""},
};

static void misbehaving_backward(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof misbehaviours / sizeof *misbehaviours; i++) {
        const misbehaviour *m = &misbehaviours[i];
        tg_tape *tape = tg_tape_new(NULL);
        tg_tensor *x = tg_ones(tape, TG_DIMS(3), TG_F64 | TG_REQUIRES_GRAD);
        mark_of_test = tg_tape_mark(tape);
        tg_tensor *y = tg_apply(&(tg_call){
            .op = &m->op, .n_in = 1, .in = &x, .dtype = TG_F64, .ndim = 1, .dims = tg_sizes(x)});
        tg_tensor *loss = tg_sum(y);
        assert_int_equal(tg_backward(loss), m->status);
        assert_error(tape, m->status, m->message);
        bool summed = m->op.backward == too_large;
        assert_int_equal(tg_grad(x) != NULL, summed);
        assert_true(!summed || tg_f64(tg_grad(x))[0] == 5);
        assert_int_equal(tg_backward(tg_sum(tg_mul(x, x))), TG_OK);
        assert_equal(tg_f64(tg_grad(x))[2], summed ? 7 : 2);
        tg_tape_free(tape);
    }
}

/* Without a backward function the result is a constant. */
static void no_backward(void **state)
{
    (void)state;
    static const tg_op copy = {.name = "copy", .forward = copy_forward};
    tg_tape *tape = tg_tape_new(NULL);
    tg_tensor *x = tg_ones(tape, TG_DIMS(3), TG_F64 | TG_REQUIRES_GRAD);
    tg_tensor *y = tg_apply(&(tg_call){
        .op = &copy, .n_in = 1, .in = &x, .dtype = TG_F64, .ndim = 1, .dims = tg_sizes(x)});
    assert_false(tg_requires_grad(y));
    assert_int_equal(tg_backward(tg_sum(tg_mul(x, y))), TG_OK);
    assert_equal(tg_f64(tg_grad(x))[0], 1);
    tg_tape_free(tape);
}

/* --- what is kept for the gradient, in a captured step --- */

static void squared_forward(tg_node *node)
{
    double x = tg_f64(node->in[0])[0], *saved = tg_data_mut(node->saved);
    if (saved)
        ((double *)tg_out_data(node))[0] = x * (saved[0] = x);
}

static void squared_backward(tg_node *node, tg_tensor *grad_out, tg_tensor **grad_in)
{
    grad_in[0] = tg_mul_scalar(tg_mul(grad_out, node->saved), 2);
}

static void saved_in_a_capture(void **state)
{
    (void)state;
    static const tg_op squared = {
        .name = "squared", .forward = squared_forward, .backward = squared_backward};
    tg_tape *tape = tg_tape_new(NULL);
    tg_tensor *x = tg_ones(tape, TG_SCALAR, TG_F64 | TG_REQUIRES_GRAD);
    tg_capture *capture = tg_capture_begin(tape);
    tg_tensor *y = tg_apply(&(tg_call){.op = &squared,
                                       .n_in = 1,
                                       .in = &x,
                                       .dtype = TG_F64,
                                       .saved_numel = 1,
                                       .saved_dtype = TG_F64});
    tg_zero_grad(x);
    assert_int_equal(tg_backward(y), TG_OK);
    assert_int_equal(tg_capture_end(capture), TG_OK);
    ((double *)tg_data_mut(x))[0] = 3;
    assert_int_equal(tg_capture_replay(capture), TG_OK);
    assert_equal(tg_f64(y)[0], 9);
    assert_equal(tg_f64(tg_grad(x))[0], 6);
    tg_tape_free(tape);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(many_inputs),          cmocka_unit_test(failing_forward),
        cmocka_unit_test(misbehaving_backward), cmocka_unit_test(no_backward),
        cmocka_unit_test(saved_in_a_capture),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

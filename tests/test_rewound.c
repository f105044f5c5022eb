/* What was rewound away, or never came to be, leaves nothing behind: neither users of data, which keep
 * them from being given back, nor pieces of memory that nobody has. */
#include "check.h"
#include "support.h"

#include <tinygrad/op.h>

enum { N = 1000 };

static bool is_gone(tg_tape *tape, const tg_tensor *t)
{
    bool gone = !tg_f32(t);
    tg_clear_error(tape);
    return gone;
}

static tg_tensor *view_of(tg_tensor *x, int how)
{
    if (how == 1)
        tg_set_grad_enabled(tg_tape_of(x), false);
    tg_tensor *v = how < 2 ? tg_reshape(x, TG_DIMS(10, N / 10)) : tg_slice(x, 0, 0, 10, 1);
    tg_set_grad_enabled(tg_tape_of(x), true);
    assert_non_null(v);
    return v;
}

/* Recorded views, and those that no record knows of. */
static void views(void **state)
{
    (void)state;
    for (int i = 0; i < 6; i++) {
        tg_tape *tape = tg_tape_new(NULL);
        tg_tensor *w = tg_ones(tape, TG_DIMS(N), TG_REQUIRES_GRAD);
        tg_mark start = tg_tape_mark(tape);
        tg_tensor *x = tg_add_scalar(w, 1);
        tg_mark here = tg_tape_mark(tape);
        for (int k = 0; k < 3; k++) {
            view_of(x, i / 2);
            assert_int_equal(tg_tape_rewind(tape, here), TG_OK);
        }
        tg_tensor *y = tg_sum(tg_relu(x));
        assert_int_equal((i % 2 ? tg_release : tg_checkpoint)(tape, start, &y, 1), TG_OK);
        assert_true(is_gone(tape, x));
        assert_int_equal(tg_backward(y), TG_OK);
        assert_equal(tg_f32(tg_grad(w))[N - 1], 1);
        tg_tape_free(tape);
    }
}

/* One that was made while recording was off stays, whatever else was rewound away. */
static void unrecorded_view(void **state)
{
    (void)state;
    tg_tape *tape = tg_tape_new(NULL);
    tg_tensor *w = tg_ones(tape, TG_DIMS(N), TG_REQUIRES_GRAD);
    tg_mark start = tg_tape_mark(tape);
    tg_tensor *x = tg_add_scalar(w, 1), *v = view_of(x, 1);
    tg_mark here = tg_tape_mark(tape);
    view_of(x, 1);
    view_of(x, 0);
    assert_int_equal(tg_tape_rewind(tape, here), TG_OK);
    for (int i = 0; i < 2; i++) {
        tg_tensor *y = tg_add_scalar(w, 1);
        assert_int_equal(tg_release(tape, start, NULL, 0), TG_OK);
        assert_false(is_gone(tape, x));
        assert_true(is_gone(tape, y));
        assert_equal(tg_f32(v)[N - 1], 2);
    }
    tg_tape_free(tape);
}

/* Calls that make views of their inputs, and then run out of memory. */
static tg_tensor *compose(tg_tensor *x, tg_tensor *weight, int which)
{
    if (which)
        return tg_prelu(tg_reshape(x, TG_DIMS(10, N / 10)), tg_ones(tg_tape_of(x), TG_SCALAR, 0));
    return tg_conv1d(tg_reshape(x, TG_DIMS(1, 10, N / 10)), weight, NULL, NULL);
}

static void failed_compositions(void **state)
{
    (void)state;
    for (int i = 0; i < 40; i++) {
        test_allocator allocator = {.fail_at = -1};
        tg_tape *tape = test_tape(&allocator, 64);
        tg_tensor *w = tg_ones(tape, TG_DIMS(N), TG_REQUIRES_GRAD),
                  *weight = tg_ones(tape, TG_DIMS(2, 10, 3), 0);
        tg_mark start = tg_tape_mark(tape);
        tg_tensor *x = tg_add_scalar(w, 1);
        tg_mark here = tg_tape_mark(tape);
        allocator.calls = 0;
        allocator.fail_at = i / 2;
        compose(x, weight, i % 2);
        allocator.fail_at = -1;
        tg_clear_error(tape);
        assert_int_equal(tg_tape_rewind(tape, here), TG_OK);
        tg_relu(x);
        assert_int_equal(tg_release(tape, start, NULL, 0), TG_OK);
        assert_true(is_gone(tape, x));
        tg_tape_free(tape);
    }
}

/* --- memory that serves again --- */

/* A tape with room to spare in front of what is made from now on. */
static tg_tensor *with_spares(tg_tape *tape)
{
    tg_tensor *w = tg_ones(tape, TG_DIMS(N), TG_REQUIRES_GRAD);
    tg_mark start = tg_tape_mark(tape);
    tg_tensor *x = tg_add_scalar(w, 1);
    for (int i = 0; i < 4; i++)
        x = tg_add_scalar(x, 1);
    assert_int_equal(tg_release(tape, start, NULL, 0), TG_OK);
    return w;
}

static void work(tg_tensor *w, int how)
{
    tg_tape *tape = tg_tape_of(w);
    tg_mark here = tg_tape_mark(tape);
    tg_set_grad_enabled(tape, how != 1);
    tg_tensor *x = tg_neg(w), *y = tg_narrow(w, 0, 0, 500);
    tg_neg(y); /* a part of a piece */
    if (how == 2)
        assert_int_equal(tg_release(tape, here, &x, 1), TG_OK);
    for (int i = 0; i < 6; i++)
        x = tg_neg(x);
    if (how == 3)
        assert_int_equal(tg_backward(tg_sum(tg_exp(x))), TG_OK);
    if (how == 4)
        assert_int_equal(tg_checkpoint(tape, here, &x, 1), TG_OK);
    tg_set_grad_enabled(tape, true);
}

static void pieces(void **state)
{
    (void)state;
    for (int how = 0; how < 5; how++) {
        tg_tape *tape = tg_tape_new(NULL);
        tg_tensor *w = with_spares(tape);
        tg_mark loop = tg_tape_mark(tape);
        size_t at_mark = tg_memory(tape).live, inside = 0;
        for (int i = 0; i < 3; i++) {
            work(w, how);
            assert_true(i == 0 || tg_memory(tape).live == inside);
            inside = tg_memory(tape).live;
            assert_int_equal(tg_tape_rewind(tape, loop), TG_OK);
            assert_int_equal(tg_memory(tape).live, at_mark);
        }
        tg_tape_free(tape);
    }
}

static void fails(tg_node *node)
{
    tg_fail(tg_tape_of(node->out), TG_EVALUE, "fails: on purpose");
}

static void fails_backward(tg_node *node, tg_tensor *grad_out, tg_tensor **grad_in)
{
    grad_in[0] = tg_exp(tg_add_scalar(grad_out, 1));
    tg_fail(tg_tape_of(node->out), TG_EVALUE, "fails: on purpose");
}

static void passes_on(tg_node *node)
{
    ((float *)tg_out_data(node))[0] = tg_f32(node->in[0])[0];
}

static tg_tensor *apply(const tg_op *op, tg_tensor *x)
{
    return tg_apply(&(tg_call){.op = op,
                               .n_in = 1,
                               .in = &x,
                               .dtype = TG_F32,
                               .ndim = 1,
                               .dims = tg_sizes(x),
                               .saved_numel = N});
}

/* An operation, and passes that record and that do not. */
static void failures(void **state)
{
    (void)state;
    static const tg_op ops[] = {{"fails", fails, NULL, {0}},
                                {"fails", passes_on, fails_backward, {TG_READS_IN(0)}}};
    for (int i = 0; i < 3; i++) {
        tg_tape *tape = tg_tape_new(NULL);
        tg_tensor *w = with_spares(tape), *x = tg_neg(w);
        tg_tensor *y = i ? tg_sum(tg_exp(tg_exp(apply(&ops[1], x)))) : NULL;
        size_t before = tg_memory(tape).live;
        for (int k = 0; k < 3; k++) {
            if (i)
                assert_int_equal(
                    tg_backward_with(y, NULL, &(tg_backward_opts){.create_graph = i == 2}),
                    TG_EVALUE);
            else
                assert_null(apply(&ops[0], x));
            assert_error(tape, TG_EVALUE, "fails: on purpose");
            assert_int_equal(tg_memory(tape).live, before);
        }
        tg_tape_free(tape);
    }
}

/* --- gradients with a graph --- */

/* What may come to stand where the graph was. Whatever it is made of, old bytes in it are not a tensor. */
static void cover(tg_tape *tape, tg_tensor *w, int how, int k)
{
    tg_tensor *x = tg_detach(w);
    if (how == 0) {
        tg_params *list = tg_params_new(tape);
        for (int i = 0; i < k; i++)
            tg_params_add(list, w, "%d", i);
    } else if (how == 1) {
        tg_tensor *in[40];
        for (int i = 0; i < 40; i++)
            in[i] = x;
        tg_cat(in, (size_t)k % 40 + 1, 0);
    } else {
        for (int i = 0; i < k; i++)
            x = i % 2 ? tg_neg(x) : tg_reshape(x, TG_DIMS(1, 1, 1, 3));
    }
    assert_ok(tape);
}

static void graphs(void **state)
{
    (void)state;
    for (int i = 0; i < 6 * 40; i++) {
        tg_tape *tape = tg_tape_new(NULL);
        tg_tensor *w = tg_ones(tape, TG_DIMS(3), TG_REQUIRES_GRAD);
        tg_tensor *loss = tg_sum(tg_exp(tg_mul(w, w)));
        bool capture = i % 2;
        if (capture)
            tg_capture_begin(tape);
        tg_mark here = tg_tape_mark(tape);
        tg_backward_with(loss, NULL, &(tg_backward_opts){.create_graph = true});
        assert_ok(tape);
        tg_zeros(tape, TG_DIMS(-1), 0); /* ends what was captured */
        assert_error(tape, TG_ESHAPE, "zeros");
        assert_int_equal(tg_tape_rewind(tape, here), TG_OK);
        tg_set_grad_enabled(tape, !capture);
        for (int k = 0; k < 40; k++) {
            cover(tape, w, i / 2 % 3, i / 6 + k);
            tg_tensor *g = tg_grad(w);
            assert_non_null(g);
            assert_int_equal(tg_numel(g), 3);
            assert_int_equal(tg_ndim(g), 1);
            assert_true(!tg_requires_grad(g));
        }
        tg_tape_free(tape);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(views),
        cmocka_unit_test(unrecorded_view),
        cmocka_unit_test(failed_compositions),
        cmocka_unit_test(pieces),
        cmocka_unit_test(failures),
        cmocka_unit_test(graphs),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

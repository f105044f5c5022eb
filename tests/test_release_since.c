/* tg_backward_opts.release_since: a pass that gives data back as it goes. That gradients are the
 * same is in test_ops_memory.c and test_checkpoint.c. Relies on src/tape.h. */
#include "arenas.h"
#include "check.h"
#include "support.h"
#include "tape/tape.h"

#include <string.h>
#include <tinygrad/op.h>

enum { N = 5000 };

typedef struct world {
    tg_tape *tape;
    tg_tensor *x, *before, *view, *a, *s, *b, *loss;
    tg_mark mark;
    tg_backward_opts opts;
} world;

static void make(world *w)
{
    w->tape = tg_tape_new(NULL);
    w->x = tg_rand(w->tape, TG_DIMS(N), TG_REQUIRES_GRAD);
    w->before = tg_exp(w->x);
    w->view = tg_reshape(w->before, 2, (int64_t[]){N / 10, 10});
    w->mark = tg_tape_mark(w->tape);
    w->a = tg_exp(tg_transpose(w->view, 0, 1));
    w->s = tg_sin(w->a);
    w->b = tg_dropout(tg_reshape(w->s, 1, (int64_t[]){N}), 0.5, true);
    w->loss = tg_sum(w->b);
    w->opts = (tg_backward_opts){.release_since = &w->mark};
    assert_ok(w->tape);
}

static bool is_gone(tg_tape *tape, const tg_tensor *t)
{
    bool gone = !tg_f32(t);
    assert_int_equal(tg_error(tape), gone ? TG_ESTATE : TG_OK);
    tg_clear_error(tape);
    return gone;
}

static void gone_afterwards(void **state)
{
    (void)state;
    world w;
    make(&w);
    size_t before = tg_memory(w.tape).data;
    tg_tensor *constant = tg_add_scalar(tg_detach(w.b), 1); /* no pass comes to it */
    assert_int_equal(tg_backward_with(w.loss, NULL, &w.opts), TG_OK);
    assert_true(is_gone(w.tape, w.a));
    assert_true(is_gone(w.tape, w.s)); /* in spite of its view */
    assert_false(is_gone(w.tape, constant));
    assert_false(is_gone(w.tape, w.b)); /* viewed by what detach made */
    assert_false(is_gone(w.tape, w.loss));
    assert_false(is_gone(w.tape, w.before));
    assert_false(is_gone(w.tape, w.view));
    /* exp, sin and dropout's mask went, the constant came. */
    assert_true(tg_memory(w.tape).data < before - N * (sizeof(float) + 1) + 1000);
    assert_null(tg_neg(w.a));
    assert_error(w.tape, TG_ESTATE, "neg: the tensor's data was given back");
    assert_int_equal(tg_tape_replay(w.tape, w.mark), TG_ESTATE);
    assert_error(w.tape, TG_ESTATE, "tape_replay: data of transpose were given back");
    tg_tape_free(w.tape);
}

static void other_passes(void **state)
{
    (void)state;
    world w;
    make(&w);
    tg_tensor *sums = tg_sum(tg_add_scalar(w.a, 1)), *squares = tg_sum(tg_square(w.a));
    tg_tensor *older = tg_sum(tg_square(w.view));
    assert_int_equal(tg_backward_with(w.loss, NULL, &w.opts), TG_OK);
    snapshot gradient = snapshot_of(tg_grad(w.x));
    tg_tensor *bad[] = {w.loss, squares, sums}; /* exp reads its result */
    static const char *const messages[] = {"backward: dropout reads data", "backward: square reads",
                                           "backward: exp reads data that were given back"};
    for (int i = 0; i < 3; i++) {
        for (int graph = 0; graph < 2; graph++) {
            tg_backward_opts opts = {.create_graph = graph};
            assert_int_equal(tg_backward_with(bad[i], NULL, &opts), TG_ESTATE);
            assert_error(w.tape, TG_ESTATE, messages[i]);
            snapshot now = snapshot_of(tg_grad(w.x));
            assert_true(snapshot_same(&now, &gradient));
        }
    }
    /* Whatever is older than the mark is as it was. */
    tg_zero_grad(w.x);
    assert_int_equal(tg_backward_with(older, NULL, NULL), TG_OK);
    double e = exp((double)tg_f32(w.x)[7]);
    assert_near(tg_f32(tg_grad(w.x))[7], 2 * e * e, 1e-4);
    tg_tape_free(w.tape);
}

static void older_outputs(void **state)
{
    (void)state;
    world w;
    make(&w);
    tg_tensor *x = tg_rand(w.tape, TG_SCALAR, TG_REQUIRES_GRAD);
    assert_int_equal(tg_backward_with(x, NULL, &w.opts), TG_OK);
    tg_tape_rewind(w.tape, w.mark);
    tg_tensor *loss = tg_sum(w.view);
    tg_mark late = tg_tape_mark(w.tape);
    tg_tensor *later = tg_neg(loss);
    assert_int_equal(tg_backward_with(loss, NULL, &(tg_backward_opts){.release_since = &late}),
                     TG_OK);
    assert_false(is_gone(w.tape, w.before));
    assert_int_equal(tg_backward_with(later, NULL, &(tg_backward_opts){.release_since = &late}),
                     TG_OK);
    assert_false(is_gone(w.tape, loss));
    assert_equal(tg_f32(tg_grad(w.x))[3], 0);
    tg_tape_free(w.tape);
}

static void errors(void **state)
{
    (void)state;
    world w;
    make(&w);
    tg_mark stale = tg_tape_mark(w.tape);
    tg_tape *other = tg_tape_new(NULL);
    tg_mark foreign = tg_tape_mark(other);
    tg_tensor *last = tg_neg(w.loss);
    stale = tg_tape_mark(w.tape);
    (void)last;
    tg_tape_rewind(w.tape, w.mark);
    tg_tensor *loss = tg_sum(tg_exp(w.view)), *g;
    const struct {
        tg_backward_opts opts;
        tg_status status;
        const char *message;
    } bad[] = {
        {{.release_since = &stale}, TG_ESTATE, "backward: stale mark"},
        {{.release_since = &foreign}, TG_EVALUE, "backward: the mark is of another tape"},
        {{.release_since = &w.mark, .create_graph = true},
         TG_EVALUE,
         "backward: create_graph and release_since"},
    };
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        assert_int_equal(tg_backward_with(loss, NULL, &bad[i].opts), bad[i].status);
        assert_error(w.tape, bad[i].status, bad[i].message);
        assert_int_equal(tg_gradients(loss, NULL, &w.x, 1, &g, &bad[i].opts), bad[i].status);
        char said[100];
        snprintf(said, sizeof said, "gradients%s", strchr(bad[i].message, ':'));
        assert_error(w.tape, bad[i].status, said);
        assert_null(g);
        assert_null(tg_grad(w.x));
    }
    assert_int_equal(tg_gradients(loss, NULL, &w.x, 1, &g, &w.opts), TG_OK);
    double e = exp((double)tg_f32(w.x)[7]);
    assert_near(tg_f32(g)[7], e * exp(e), 1e-4);
    tg_tape_free(w.tape);
    tg_tape_free(other);
}

/* A chain whose results are all read: the pass takes no more than forward did, and a few. */
static void memory(void **state)
{
    (void)state;
    enum { LAYERS = 100 };
    size_t peak[2];
    for (int release = 0; release < 2; release++) {
        tg_tape *tape = tg_tape_new(NULL);
        tg_tensor *x = tg_rand(tape, TG_DIMS(N), TG_REQUIRES_GRAD), *y = x;
        tg_mark mark = tg_tape_mark(tape);
        tg_tensor *noise[10];
        for (int i = 0; i < LAYERS; i++)
            y = tg_tanh(y);
        for (int i = 0; i < 10; i++)
            noise[i] = tg_mul_scalar(y, i);
        tg_tensor *loss = tg_sum(tg_exp(tg_exp(tg_cat(noise, 10, 0))));
        tg_reset_peak_memory(tape);
        size_t before = tg_memory(tape).peak;
        tg_backward_opts opts = {.release_since = release ? &mark : NULL};
        assert_int_equal(tg_backward_with(loss, NULL, &opts), TG_OK);
        peak[release] = tg_memory(tape).peak - before;
        size_t left = tg_memory(tape).data;
        assert_true(left < 20 * N * sizeof(float) || !release);
        tg_tape_free(tape);
    }
    assert_true(peak[1] + N * sizeof(float) < peak[0]);
}

/* --- memory runs out --- */

static tg_tensor *chain(tg_tensor *x)
{
    for (int i = 0; i < 20; i++)
        x = tg_tanh(tg_mul(x, tg_exp(x)));
    return tg_sum(x);
}

/* A pass that fails half-way: gradients are as before, another pass is refused or right, and a new
 * graph is as good as ever. Whether it failed. */
static bool failing_pass(test_allocator *allocator, int64_t k, snapshot *want)
{
    tg_tape *tape = test_tape(allocator, 0);
    tg_tensor *x = tg_rand(tape, TG_DIMS(300), TG_REQUIRES_GRAD);
    tg_mark mark = tg_tape_mark(tape);
    tg_tensor *loss = chain(x);
    test_use_up(tape);
    allocator->calls = 0;
    allocator->fail_at = k;
    tg_status status = tg_backward_with(loss, NULL, &(tg_backward_opts){.release_since = &mark});
    allocator->fail_at = -1;
    if (status) {
        assert_error(tape, TG_ENOMEM, "out of memory");
        assert_null(tg_grad(x));
        status = tg_backward(loss);
        assert_true(status == TG_OK || status == TG_ESTATE);
        assert_true(!status == (tg_grad(x) != NULL));
        tg_clear_error(tape);
        tg_tape_rewind(tape, mark);
        tg_zero_grad(x);
        assert_int_equal(tg_backward(chain(x)), TG_OK);
    }
    snapshot got = snapshot_of(tg_grad(x));
    assert_true(k < 0 || snapshot_same(&got, want));
    *want = got;
    tg_tape_free(tape);
    assert_int_equal(allocator->live, 0);
    return allocator->failures;
}

/* Two read h, of which one, the first to be passed, needs it no more for its weight: its gradient is written over
 * h, so that the other one finds no data to write over, and asks for none. */
static void of_two_readers(void **state)
{
    (void)state;
    for (int frozen = 0; frozen < 4; frozen++) {
        tg_tape *tape = tg_tape_new(NULL);
        tg_tensor *x = tg_randn(tape, TG_DIMS(6, 8), TG_REQUIRES_GRAD), *w[2];
        for (int i = 0; i < 2; i++)
            w[i] = tg_randn(tape, TG_DIMS(8, 8), frozen >> i & 1 ? 0 : TG_REQUIRES_GRAD);
        tg_tensor *want = NULL, *got = NULL;
        for (int release = 0; release < 2; release++) {
            tg_mark mark = tg_tape_mark(tape);
            tg_tensor *h = tg_tanh(x), *y = tg_linear(h, w[0], NULL);
            tg_tensor *loss = tg_sum(tg_square(tg_add(y, tg_linear(h, w[1], NULL))));
            tg_zero_grad(x);
            tg_backward_with(loss, NULL,
                             &(tg_backward_opts){.release_since = release ? &mark : NULL});
            *(release ? &got : &want) = tg_clone(tg_detach(tg_grad(x)));
            assert_ok(tape);
        }
        assert_true(tensors_same(want, got));
        tg_tape_free(tape);
    }
}

/* The same in layers of both directions, whose input both read. */
static void of_frozen_layers(void **state)
{
    (void)state;
    enum { HIDDEN = 3, INPUTS = 2, WEIGHTS = 16 };
    for (int frozen = 0; frozen < WEIGHTS; frozen++) {
        tg_tape *tape = tg_tape_new(NULL);
        tg_tensor *x = tg_randn(tape, TG_DIMS(2, 2, INPUTS), TG_REQUIRES_GRAD), *w[WEIGHTS];
        for (int i = 0; i < WEIGHTS; i++) {
            int64_t width = i % 4 ? HIDDEN : i < WEIGHTS / 2 ? INPUTS : 2 * HIDDEN;
            int flags = i == frozen ? 0 : TG_REQUIRES_GRAD;
            w[i] = i % 4 < 2 ? tg_randn(tape, TG_DIMS(3 * HIDDEN, width), flags)
                             : tg_randn(tape, TG_DIMS(3 * HIDDEN), flags);
        }
        const tg_recurrent_opts opts = {.layers = 2, .bidirectional = true};
        tg_mark mark = tg_tape_mark(tape);
        tg_tensor *loss = tg_sum(tg_gru(x, w, WEIGHTS, &opts, NULL));
        tg_backward_with(loss, NULL, &(tg_backward_opts){.release_since = &mark});
        assert_ok(tape);
        tg_tape_free(tape);
    }
}

static void failing_allocations(void **state)
{
    (void)state;
    for (int for_ever = 0; for_ever < 2; for_ever++) {
        snapshot want;
        test_allocator allocator = {.fail_at = -1, .for_ever = for_ever};
        assert_false(failing_pass(&allocator, -1, &want));
        int64_t k = 0;
        for (bool failed = true; failed; k++) {
            allocator.failures = 0;
            failed = failing_pass(&allocator, k, &want);
        }
        assert_true(k > 5);
    }
}

/* A view that an earlier pass has gone through is given back, the data that it shared are not, as there is another
 * view: the last reader of these takes them over all the same. */
static void views_of_earlier_passes(void **state)
{
    (void)state;
    tg_tape *tape = tg_tape_new(NULL);
    tg_tensor *x = tg_randn(tape, TG_DIMS(8, 8), TG_F64 | TG_REQUIRES_GRAD);
    tg_tensor *w = tg_randn(tape, TG_DIMS(8, 8), TG_F64),
              *g = tg_randn(tape, TG_DIMS(8, 8), TG_F64);
    tg_mark mark = tg_tape_mark(tape);
    const tg_backward_opts since = {.release_since = &mark};
    tg_tensor *h = tg_mul_scalar(x, 2), *view = tg_flatten(h, 0, 1), *other = tg_transpose(h, 0, 1);
    tg_tensor *y = tg_matmul(h, w), *loss = tg_sum(tg_mul_scalar(view, 3));
    assert_int_equal(tg_backward_with(loss, NULL, &since), TG_OK);
    for (int i = 0; i < 64; i++)
        assert_equal(tg_f64(tg_grad(x))[i], 6);
    assert_null(tg_contiguous(view));
    assert_error(tape, TG_ESTATE, "given back");
    assert_non_null(tg_f64(h));
    assert_int_equal(tg_backward_with(y, g, &since), TG_OK);
    tg_tensor *want = tg_add_scalar(tg_mul_scalar(tg_matmul(g, tg_transpose(w, 0, 1)), 2), 6);
    for (int i = 0; i < 64; i++)
        assert_near(tg_f64(tg_grad(x))[i], tg_f64(want)[i], 1e-12);
    (void)other;
    tg_tape_free(tape);
}

/* What is written to between is not taken over, and what a gradient is read from is not written over: the gradient
 * that the caller gives may be the input itself. */
static void written_between(void **state)
{
    (void)state;
    for (int given = 0; given < 2; given++) {
        tg_tape *tape = tg_tape_new(NULL);
        tg_tensor *x = tg_randn(tape, TG_DIMS(8, 8), TG_F64 | TG_REQUIRES_GRAD);
        tg_tensor *w = tg_randn(tape, TG_DIMS(8, 8), TG_F64),
                  *g = tg_randn(tape, TG_DIMS(8, 8), TG_F64);
        tg_tensor *back = tg_transpose(w, 0, 1);
        tg_mark mark = tg_tape_mark(tape);
        tg_tensor *h = tg_mul_scalar(x, 2);
        if (!given)
            tg_fill_(tg_detach(h), 5);
        tg_tensor *y = tg_matmul(h, w), *upstream = given ? h : g;
        tg_tensor *want =
            tg_mul_scalar(tg_matmul(given ? tg_mul_scalar(tg_detach(x), 2) : g, back), 2);
        assert_int_equal(tg_backward_with(y, upstream, &(tg_backward_opts){.release_since = &mark}),
                         TG_OK);
        for (int i = 0; i < 64; i++)
            assert_near(tg_f64(tg_grad(x))[i], tg_f64(tg_detach(want))[i], 1e-12);
        tg_tape_free(tape);
    }
}

static void copy_first(tg_node *node)
{
    memcpy(tg_out_data(node), tg_f64(node->in[0]), sizeof(double) * (size_t)tg_numel(node->out));
}

static void give_second(tg_node *node, tg_tensor *grad_out, tg_tensor **grad_in)
{
    (void)grad_out;
    grad_in[0] = node->in[1];
}

/* An operation of one's own gives as gradient the very input that the product before it would be written over. */
static void input_as_gradient(void **state)
{
    (void)state;
    static const tg_op op = {.name = "give_second", .forward = copy_first, .backward = give_second};
    tg_tape *tape = tg_tape_new(NULL);
    tg_tensor *x = tg_randn(tape, TG_DIMS(8, 8), TG_F64 | TG_REQUIRES_GRAD);
    tg_tensor *w = tg_randn(tape, TG_DIMS(8, 8), TG_F64), *back = tg_transpose(w, 0, 1);
    tg_mark mark = tg_tape_mark(tape);
    tg_tensor *h = tg_mul_scalar(x, 2), *in[] = {tg_matmul(h, w), h};
    tg_tensor *want = tg_mul_scalar(tg_matmul(tg_mul_scalar(tg_detach(x), 2), back), 2);
    tg_tensor *y = tg_apply(&(tg_call){
        .op = &op, .n_in = 2, .in = in, .dtype = TG_F64, .ndim = 2, .dims = (int64_t[]){8, 8}});
    assert_int_equal(tg_backward_with(tg_sum(y), NULL, &(tg_backward_opts){.release_since = &mark}),
                     TG_OK);
    for (int i = 0; i < 64; i++)
        assert_near(tg_f64(tg_grad(x))[i], tg_f64(tg_detach(want))[i], 1e-12);
    tg_tape_free(tape);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(gone_afterwards),
        cmocka_unit_test(other_passes),
        cmocka_unit_test(older_outputs),
        cmocka_unit_test(errors),
        cmocka_unit_test(memory),
        cmocka_unit_test(of_two_readers),
        cmocka_unit_test(views_of_earlier_passes),
        cmocka_unit_test(written_between),
        cmocka_unit_test(input_as_gradient),
        cmocka_unit_test(of_frozen_layers),
        cmocka_unit_test(failing_allocations),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

#include <string.h>
/* tg_checkpoint(): the same bits as with all data in place, over models and whatever they are made
 * of; what cannot be computed again; errors, and passes that fail half-way. test_checkpoint_size.c
 * has how much memory it takes. Relies on src/tensor.h. */
#include "arenas.h"
#include "check.h"
#include "support.h"
#include "tape/tensor.h"

/* --- models, block by block --- */

enum { MAX_LEAVES = 8, BATCH = 4, LENGTH = 6, WIDTH = 8 };

/* A block takes x (BATCH, LENGTH, WIDTH) to a tensor of the same shape. */
typedef struct model {
    const char *name;
    int blocks;
    tg_tensor *(*block)(tg_tensor *x, tg_tensor *const *leaf);
} model;

/* Leaves that all blocks share, but for the last two, which are constants. */
static void make_leaves(tg_tape *tape, tg_tensor **leaf)
{
    leaf[0] = tg_randn(tape, TG_DIMS(WIDTH, WIDTH), TG_REQUIRES_GRAD);
    leaf[1] = tg_randn(tape, TG_DIMS(WIDTH), TG_REQUIRES_GRAD);
    leaf[2] = tg_randn(tape, TG_DIMS(3 * WIDTH, WIDTH), TG_REQUIRES_GRAD);
    leaf[3] = tg_randn(tape, TG_DIMS(LENGTH, LENGTH, 3), TG_REQUIRES_GRAD);
    leaf[4] = tg_randn(tape, TG_DIMS(BATCH, LENGTH, WIDTH), TG_REQUIRES_GRAD);
    leaf[5] = tg_randn(tape, TG_DIMS(LENGTH), TG_REQUIRES_GRAD);
    leaf[6] = tg_zeros(tape, TG_DIMS(LENGTH), 0);
    leaf[7] = tg_ones(tape, TG_DIMS(LENGTH), 0);
}

static tg_tensor *mlp(tg_tensor *x, tg_tensor *const *leaf)
{
    return tg_tanh(tg_linear(tg_relu(tg_linear(x, leaf[0], leaf[1])), leaf[0], leaf[1]));
}

static tg_tensor *one_operation(tg_tensor *x, tg_tensor *const *leaf)
{
    (void)leaf;
    return tg_sin(x);
}

static tg_tensor *dropping(tg_tensor *x, tg_tensor *const *leaf)
{
    tg_tensor *y = tg_dropout(tg_linear(tg_dropout(x, 0.5, true), leaf[0], leaf[1]), 0.3, true);
    return tg_add(y, tg_dropout(x, 0.2, true));
}

/* Draws, constants and leaves of its own. */
static tg_tensor *noisy(tg_tensor *x, tg_tensor *const *leaf)
{
    tg_tape *tape = tg_tape_of(x);
    tg_tensor *noise = tg_randn(tape, TG_DIMS(LENGTH, WIDTH), 0);
    tg_tensor *ones = tg_ones(tape, TG_DIMS(LENGTH, 1), 0), *own = tg_rand(tape, TG_DIMS(WIDTH), 0);
    tg_uniform_(own, -1, 1);
    return tg_mul(tg_add(tg_mul(x, noise), ones), tg_mul(tg_sigmoid(own), leaf[1]));
}

static tg_tensor *viewing(tg_tensor *x, tg_tensor *const *leaf)
{
    tg_tensor *t = tg_transpose(tg_mul(x, leaf[4]), 1, 2);
    tg_tensor *a = tg_narrow(t, 1, 0, WIDTH / 2), *b = tg_narrow(t, 1, WIDTH / 2, WIDTH / 2);
    tg_tensor *c = tg_cat((tg_tensor *[]){tg_exp(tg_neg(tg_square(a))), b}, 2, 1);
    return tg_transpose(tg_mul(c, tg_transpose(x, 1, 2)), 1, 2);
}

static tg_tensor *normalising(tg_tensor *x, tg_tensor *const *leaf)
{
    return tg_add(x, tg_gelu(tg_layer_norm(x, TG_DIMS(WIDTH), leaf[1], leaf[1], 0)));
}

static tg_tensor *channels(tg_tensor *x, tg_tensor *const *leaf)
{
    return tg_batch_norm(x, &(tg_batch_norm_opts){.weight = leaf[5],
                                                  .bias = leaf[5],
                                                  .running_mean = leaf[6],
                                                  .running_var = leaf[7],
                                                  .training = true});
}

static tg_tensor *attending(tg_tensor *x, tg_tensor *const *leaf)
{
    tg_tensor *qkv = tg_linear(x, leaf[2], NULL), *part[3] = {NULL};
    tg_chunk(qkv, 3, -1, part);
    return tg_add(x, tg_scaled_dot_product_attention(part[0], part[1], part[2],
                                                     &(tg_attention_opts){.causal = true}));
}

static tg_tensor *convolving(tg_tensor *x, tg_tensor *const *leaf)
{
    return tg_silu(tg_conv1d(x, leaf[3], leaf[5], &(tg_conv_opts){.padding = {1}}));
}

static const model models[] = {
    {"mlp", 5, mlp},
    {"chain", 10000, one_operation},
    {"dropout", 4, dropping},
    {"noise", 4, noisy},
    {"views", 4, viewing},
    {"layer_norm", 4, normalising},
    {"batch_norm", 4, channels},
    {"attention", 4, attending},
    {"conv", 4, convolving},
};
enum { MODELS = sizeof models / sizeof *models };

typedef struct outcome {
    snapshot loss, grad[MAX_LEAVES], leaf[MAX_LEAVES], x;
    double drawn; /* the generator's next number */
} outcome;

/* A checkpoint every `each` blocks; 0: none. */
static tg_tensor *forward(const model *m, tg_tape *tape, tg_tensor *x, tg_tensor *const *leaf,
                          int each)
{
    tg_mark mark = tg_tape_mark(tape);
    for (int i = 0; i < m->blocks; i++) {
        x = m->block(x, leaf);
        if (!each || (i + 1) % each)
            continue;
        tg_checkpoint(tape, mark, &x, 1);
        mark = tg_tape_mark(tape);
    }
    return tg_mean(tg_square(x));
}

static tg_tensor *start(tg_tape *tape, tg_tensor **leaf)
{
    tg_manual_seed(tape, 7);
    make_leaves(tape, leaf);
    return tg_randn(tape, TG_DIMS(BATCH, LENGTH, WIDTH), TG_REQUIRES_GRAD);
}

static void look(tg_tensor *loss, tg_tensor *const *leaf, tg_tensor *x, outcome *o)
{
    o->loss = snapshot_of(loss);
    o->x = snapshot_of(tg_grad(x));
    for (int i = 0; i < MAX_LEAVES; i++) {
        o->leaf[i] = snapshot_of(leaf[i]);
        o->grad[i] = snapshot_of(tg_grad(leaf[i]));
    }
    o->drawn = tg_item(tg_rand(tg_tape_of(loss), TG_SCALAR, TG_F64));
}

static void assert_same(const char *name, const outcome *a, const outcome *b)
{
    bool same = snapshot_same(&a->loss, &b->loss) && snapshot_same(&a->x, &b->x);
    for (int i = 0; i < MAX_LEAVES; i++)
        same &= snapshot_same(&a->grad[i], &b->grad[i]) && snapshot_same(&a->leaf[i], &b->leaf[i]);
    if (!same || a->drawn != b->drawn || a->x.dtype < 0)
        fail_msg("%s: other values", name);
}

/* The last pass gives data back where `release` says so. */
static void run(const model *m, int each, int passes, bool release, outcome *o)
{
    tg_tensor *leaf[MAX_LEAVES];
    tg_tape *tape = tg_tape_new(NULL);
    tg_tensor *x = start(tape, leaf);
    tg_mark mark = tg_tape_mark(tape);
    tg_tensor *loss = forward(m, tape, x, leaf, each);
    for (int i = 1; i < passes; i++)
        assert_int_equal(tg_backward(loss), TG_OK);
    tg_backward_opts opts = {.release_since = release ? &mark : NULL};
    assert_int_equal(tg_backward_with(loss, NULL, &opts), TG_OK);
    assert_ok(tape);
    look(loss, leaf, x, o);
    tg_tape_free(tape);
}

static void same_bits(void **state)
{
    (void)state;
    for (int i = 0; i < MODELS; i++) {
        for (int passes = 1; passes <= 2; passes++) {
            outcome want, got;
            run(&models[i], 0, passes, false, &want);
            for (int way = 1; way < 6; way++) {
                int each = way / 2 == 2 && models[i].blocks > 100 ? 100 : way / 2;
                run(&models[i], each, passes, way % 2, &got);
                assert_same(models[i].name, &got, &want);
            }
        }
    }
}

/* A loop of steps with an optimiser, and the allocator rests from the second one on. */
static void training(void **state)
{
    (void)state;
    float want[2][BATCH];
    for (int each = 0; each < 2; each++) {
        test_allocator allocator = {.fail_at = -1};
        tg_tape *tape = test_tape(&allocator, 0);
        tg_tensor *leaf[MAX_LEAVES], *x = start(tape, leaf);
        tg_optim *optim = tg_adamw(tape, leaf, 3, NULL);
        tg_mark step = tg_tape_mark(tape);
        for (int i = 0; i < 10; i++) {
            if (i == 1)
                allocator.calls = 0;
            tg_tape_rewind(tape, step);
            tg_optim_zero_grad(optim);
            tg_backward(forward(&models[0], tape, x, leaf, each));
            tg_optim_step(optim);
        }
        assert_ok(tape);
        assert_int_equal(allocator.calls, 0);
        memcpy(want[each], tg_f32(leaf[0]), sizeof want[0]);
        tg_tape_free(tape);
        assert_int_equal(allocator.live, 0);
    }
    assert_memory_equal(want[0], want[1], sizeof want[0]);
}

/* --- one checkpoint in the middle --- */

typedef struct world {
    tg_tape *tape;
    tg_tensor *w, *x, *inside, *view, *y, *loss;
    tg_mark before, within;
} world;

static world make(bool checkpoint)
{
    world s = {.tape = tg_tape_new(NULL)};
    tg_manual_seed(s.tape, 3);
    s.w = tg_randn(s.tape, TG_DIMS(20, 20), TG_REQUIRES_GRAD);
    s.x = tg_tanh(tg_randn(s.tape, TG_DIMS(10, 20), TG_REQUIRES_GRAD));
    s.before = tg_tape_mark(s.tape);
    s.inside = tg_exp(tg_matmul(s.x, s.w));
    s.view = tg_transpose(s.inside, 0, 1);
    s.within = tg_tape_mark(s.tape);
    s.y = tg_sigmoid(tg_square(s.view));
    if (checkpoint)
        assert_int_equal(tg_checkpoint(s.tape, s.before, &s.y, 1), TG_OK);
    s.loss = tg_mean(tg_sin(s.y));
    assert_ok(s.tape);
    return s;
}

static void assert_gradient(world *s)
{
    world plain = make(false);
    assert_int_equal(tg_backward(plain.loss), TG_OK);
    snapshot want = snapshot_of(tg_grad(plain.w)), got = snapshot_of(tg_grad(s->w));
    assert_true(got.dtype >= 0 && snapshot_same(&want, &got));
    tg_tape_free(plain.tape);
}

static void used_afterwards(void **state)
{
    (void)state;
    world s = make(true);
    uint32_t inside = tg_at(s.inside)->headers, y = tg_at(s.y)->headers, x = tg_at(s.x)->headers;
    for (int i = 0; i < 2; i++) {
        assert_int_equal(tg_at(s.inside)->headers, inside); /* a pass leaves nothing counted */
        assert_int_equal(tg_at(s.y)->headers, y);
        assert_int_equal(tg_at(s.x)->headers, x);
        assert_null(tg_f32(s.inside));
        assert_error(s.tape, TG_ESTATE, "f32: the tensor's data was given back");
        assert_null(tg_neg(s.view));
        assert_error(s.tape, TG_ESTATE, "neg: the tensor's data was given back");
        assert_int_equal(tg_size(s.view, 0), 20);
        assert_non_null(tg_f32(s.y));
        if (i == 0)
            assert_int_equal(tg_backward(s.loss), TG_OK);
    }
    assert_gradient(&s);
    assert_int_equal(tg_tape_replay(s.tape, s.before), TG_ESTATE);
    assert_error(s.tape, TG_ESTATE, "tape_replay: data of matmul were given back");
    tg_tape_free(s.tape);
}

/* Gradients of and through what is inside. */
static void gradients_inside(void **state)
{
    (void)state;
    snapshot want[3];
    for (int checkpoint = 0; checkpoint < 2; checkpoint++) {
        world s = make(false);
        tg_tensor *side = tg_sum(tg_mul(s.inside, s.inside));
        assert_int_equal(tg_retain_grad(s.inside), TG_OK);
        tg_tensor *keep[] = {s.y, s.loss, side};
        if (checkpoint)
            assert_int_equal(tg_checkpoint(s.tape, s.before, keep, 3), TG_OK);
        assert_int_equal(tg_backward(s.loss), TG_OK); /* from the middle of the checkpoint */
        assert_int_equal(tg_backward(side), TG_OK);
        tg_tensor *g;
        assert_int_equal(tg_gradients(side, NULL, &s.x, 1, &g, NULL), TG_OK);
        snapshot got[] = {snapshot_of(tg_grad(s.inside)), snapshot_of(tg_grad(s.w)),
                          snapshot_of(g)};
        for (int i = 0; i < 3; i++) {
            assert_true(got[i].dtype >= 0);
            assert_true(!checkpoint || snapshot_same(&got[i], &want[i]));
            want[i] = got[i];
        }
        if (checkpoint) {
            assert_int_equal(tg_gradients(side, NULL, &s.inside, 1, &g, NULL), TG_ESTATE);
            assert_error(s.tape, TG_ESTATE, "gradients: the tensor's data was given back");
        }
        tg_tape_free(s.tape);
    }
}

/* Its end is rewound away; what is left is good. */
static void rewound_inside(void **state)
{
    (void)state;
    snapshot want;
    for (int checkpoint = 0; checkpoint < 2; checkpoint++) {
        world s = make(checkpoint);
        tg_tensor *product = tg_matmul(s.x, s.w);
        tg_tape_rewind(s.tape, s.within);
        (void)product;
        tg_tensor *again = checkpoint ? tg_matmul(s.x, s.w) : s.inside;
        tg_tensor *y = tg_sum(tg_square(checkpoint ? tg_exp(again) : again));
        assert_int_equal(tg_backward(y), TG_OK);
        snapshot got = snapshot_of(tg_grad(s.w));
        assert_true(got.dtype >= 0 && (!checkpoint || snapshot_same(&got, &want)));
        want = got;
        tg_tape_free(s.tape);
    }
}

static void released_around(void **state)
{
    (void)state;
    world s = make(true);
    assert_int_equal(tg_release(s.tape, s.before, &s.loss, 1), TG_OK);
    assert_int_equal(tg_backward(s.loss), TG_OK);
    assert_gradient(&s);
    tg_tape_free(s.tape);

    /* x is read by nothing but the operations that run again. */
    s = make(false);
    tg_tape_rewind(s.tape, s.before);
    tg_mark start = tg_tape_mark(s.tape);
    tg_tensor *x = tg_add_scalar(s.x, 1);
    tg_mark block = tg_tape_mark(s.tape);
    tg_tensor *y = tg_mul_scalar(tg_exp(tg_mul_scalar(x, 2)), 2);
    assert_int_equal(tg_checkpoint(s.tape, block, &y, 1), TG_OK);
    tg_tensor *loss = tg_sum(y);
    assert_int_equal(tg_release(s.tape, start, &loss, 1), TG_OK);
    assert_non_null(tg_f32(x));
    assert_int_equal(tg_retain_grad(x), TG_OK);
    assert_int_equal(tg_backward(loss), TG_OK);
    double slope = 4 * exp(2 * (double)tg_f32(x)[3]);
    assert_near(tg_f32(tg_grad(x))[3], slope, 1e-5 * slope);
    tg_tape_free(s.tape);
}

/* --- operations of one's own --- */

static void copy_forward(tg_node *node)
{
    memcpy(tg_out_data(node), tg_f32(node->in[0]), (size_t)tg_numel(node->out) * sizeof(float));
}

static int runs;

static void copy_and_count(tg_node *node)
{
    runs++;
    copy_forward(node);
}

/* Wrong for any gradient but 1, and gives away data that are about to go: a view, or the very
 * tensor. */
static void lazy_backward(tg_node *node, tg_tensor *grad_out, tg_tensor **grad_in)
{
    bool view = *(const bool *)node->params;
    (void)grad_out;
    grad_in[0] =
        view ? tg_reshape(node->in[1], tg_ndim(node->out), tg_sizes(node->out)) : node->in[1];
}

static const tg_op lazy_op = {"lazy", copy_and_count, lazy_backward, {TG_READS_IN(1)}};

static tg_tensor *lazy(tg_tensor *x, tg_tensor *slope, bool view)
{
    tg_tensor *in[] = {x, slope};
    return tg_apply(&(tg_call){.op = &lazy_op,
                               .n_in = 2,
                               .in = in,
                               .dtype = TG_F32,
                               .ndim = tg_ndim(x),
                               .dims = tg_sizes(x),
                               .params = &view,
                               .params_size = sizeof view});
}

/* A gradient that is data of the checkpoint outlives them: the next one, with data of the same
 * size, reads it. */
static void gradients_that_are_data(void **state)
{
    (void)state;
    enum { N = 300, WAYS = 3 };
    for (int i = 0; i < 2 * WAYS; i++) {
        int way = i / 2;
        tg_tape *tape = tg_tape_new(NULL);
        tg_tensor *x = tg_ones(tape, TG_DIMS(N), TG_REQUIRES_GRAD);
        tg_mark mark = tg_tape_mark(tape);
        tg_tensor *y = tg_mul_scalar(tg_exp(tg_mul_scalar(x, 2)), 3);
        if (way == 1)
            assert_int_equal(tg_checkpoint(tape, mark, &y, 1), TG_OK);
        tg_mark middle = tg_tape_mark(tape);
        tg_tensor *z = lazy(y, tg_add_scalar(tg_detach(x), 4), i % 2);
        z = tg_sum(z);
        if (way == 1)
            assert_int_equal(tg_checkpoint(tape, middle, &z, 1), TG_OK);
        tg_backward_opts opts = {.release_since = way == 2 ? &mark : NULL};
        assert_int_equal(tg_backward_with(z, NULL, &opts), TG_OK);
        for (int k = 0; k < N; k++)
            assert_near(tg_f32(tg_grad(x))[k], 5 * 6 * exp(2), 1e-3);
        tg_tape_free(tape);
    }
}

/* What a pass goes through runs again once, and what it does not go through not at all. */
static void runs_again_once(void **state)
{
    (void)state;
    tg_tape *tape = tg_tape_new(NULL);
    tg_tensor *x = tg_ones(tape, TG_DIMS(300), TG_REQUIRES_GRAD), *y = x, *part[3];
    runs = 0;
    for (int i = 0; i < 3; i++) {
        tg_mark mark = tg_tape_mark(tape);
        for (int k = 0; k < 5; k++)
            y = tg_mul_scalar(lazy(y, x, true), 1);
        assert_int_equal(tg_checkpoint(tape, mark, &y, 1), TG_OK);
        part[i] = tg_sum(y);
    }
    for (int i = 0; i < 3; i++) {
        assert_int_equal(runs, 15);
        assert_int_equal(tg_backward(part[i]), TG_OK);
        assert_int_equal(runs, 15 + 5 * (i + 1));
        runs = 15;
    }
    tg_tape_free(tape);
}

/* --- errors --- */

static void changed_before(void **state)
{
    (void)state;
    tg_tape *tape = tg_tape_new(NULL);
    tg_tensor *x = tg_ones(tape, TG_DIMS(300), TG_REQUIRES_GRAD);
    tg_mark mark = tg_tape_mark(tape);
    tg_tensor *a = tg_detach(tg_exp(x)), *b = tg_add_scalar(a, 1), *y = tg_mul(tg_sin(x), b);
    tg_tensor *c = tg_add_scalar(tg_detach(x), 1);
    assert_int_equal(tg_fill_(c, 4), TG_OK); /* read only afterwards: it is kept as it is */
    y = tg_mul(y, c);
    tg_mark late = tg_tape_mark(tape);
    assert_int_equal(tg_fill_(a, 2), TG_OK);
    tg_memory_info before = tg_memory(tape);
    assert_int_equal(tg_checkpoint(tape, mark, &y, 1), TG_ESTATE);
    assert_error(tape, TG_ESTATE, "checkpoint: input 0 of add_scalar, float32 [300], was changed");
    assert_int_equal(tg_memory(tape).live, before.live);
    tg_tape_rewind(tape, late); /* the write stays */
    assert_int_equal(tg_checkpoint(tape, mark, &y, 1), TG_ESTATE);
    tg_clear_error(tape);
    assert_int_equal(tg_backward(tg_sum(y)), TG_OK);
    assert_near(tg_f32(tg_grad(x))[9], 4 * cos(1) * (exp(1) + 1), 1e-5);

    tg_tape_rewind(tape, mark);
    tg_zero_grad(x);
    c = tg_add_scalar(tg_detach(x), 1);
    assert_int_equal(tg_fill_(c, 4), TG_OK);
    y = tg_mul(tg_sin(x), c);
    assert_int_equal(tg_checkpoint(tape, mark, &y, 1), TG_OK);
    assert_equal(tg_f32(c)[7], 4);
    assert_int_equal(tg_backward(tg_sum(y)), TG_OK);
    assert_near(tg_f32(tg_grad(x))[9], 4 * cos(1), 1e-6);
    tg_tape_free(tape);
}

/* Data that the operations would be run on again, of whichever input. */
static void changed_between(void **state)
{
    (void)state;
    for (int input = 0; input < 2; input++) {
        world s = make(true);
        tg_tensor *x = input ? s.w : s.x;
        assert_non_null(tg_data_mut(x));
        for (int i = 0; i < 2; i++) {
            assert_int_equal(tg_backward(s.loss), TG_ESTATE);
            assert_error(s.tape, TG_ESTATE,
                         input ? "backward: matmul needs its input 1 float32 [20, 20] as it was"
                               : "backward: matmul needs its input 0 float32 [10, 20] as it was");
            assert_null(tg_grad(s.w));
            assert_null(tg_f32(s.inside));
            tg_clear_error(s.tape);
        }
        tg_tape_rewind(s.tape, s.before);
        assert_int_equal(tg_backward(tg_sum(tg_matmul(tg_detach(s.x), s.w))), TG_OK);
        tg_tape_free(s.tape);
    }
}

/* The same of data that no gradient reads: what is computed again would be other values. */
static void changed_for_recomputing(void **state)
{
    (void)state;
    for (int input = 0; input < 2; input++) {
        tg_tape *tape = tg_tape_new(NULL);
        tg_tensor *x = tg_ones(tape, TG_DIMS(300), TG_REQUIRES_GRAD);
        tg_tensor *a = tg_mul_scalar(x, 2), *b = tg_mul_scalar(x, 3);
        tg_mark mark = tg_tape_mark(tape);
        tg_tensor *y = tg_exp(tg_add(a, b));
        assert_int_equal(tg_checkpoint(tape, mark, &y, 1), TG_OK);
        assert_non_null(tg_data_mut(input ? b : a));
        assert_int_equal(tg_backward(tg_sum(y)), TG_ESTATE);
        assert_error(tape, TG_ESTATE,
                     input ? "backward: add needs its input 1 float32 [300] as it was"
                           : "backward: add needs its input 0 float32 [300] as it was");
        assert_null(tg_grad(x));
        y = tg_exp(tg_add(a, b));
        assert_int_equal(tg_backward(tg_sum(tg_mul_scalar(y, 2))), TG_OK);
        assert_near(tg_f32(tg_grad(x))[9], 2 * 5 * exp(5), 1e-2);
        tg_tape_free(tape);
    }
}

/* An input that was given back cannot be computed with again either. */
static void given_back_between(void **state)
{
    (void)state;
    tg_tape *tape = tg_tape_new(NULL);
    tg_tensor *x = tg_ones(tape, TG_DIMS(300), TG_REQUIRES_GRAD);
    tg_tensor *a = tg_mul_scalar(x, 2);
    tg_mark mark = tg_tape_mark(tape);
    tg_tensor *y = tg_exp(tg_add(a, a));
    tg_tensor *loss = tg_sum(y);
    assert_int_equal(tg_checkpoint(tape, mark, &loss, 1), TG_OK);
    tg_at(a)->released = true; /* nothing public does: a release looks who reads */
    assert_int_equal(tg_backward(loss), TG_ESTATE);
    assert_error(tape, TG_ESTATE,
                 "backward: add needs its input 0 float32 [300], whose data were given back");
    tg_at(a)->released = false;
    assert_int_equal(tg_backward(loss), TG_OK);
    tg_tape_free(tape);
}

static void create_graph(void **state)
{
    (void)state;
    world s = make(true);
    assert_int_equal(tg_backward_with(s.loss, NULL, &(tg_backward_opts){.create_graph = true}),
                     TG_ESTATE);
    assert_error(s.tape, TG_ESTATE,
                 "backward: create_graph goes through a checkpoint (at sigmoid)");
    assert_null(tg_grad(s.w));
    assert_int_equal(tg_backward(s.loss), TG_OK);
    assert_gradient(&s);
    tg_tape_free(s.tape);
}

static void errors(void **state)
{
    (void)state;
    world s = make(true);
    tg_tensor *none = NULL;
    assert_int_equal(tg_checkpoint(NULL, s.before, NULL, 0), TG_ENOMEM);
    assert_int_equal(tg_checkpoint(s.tape, s.before, &s.y, 1), TG_ESTATE);
    assert_error(s.tape, TG_ESTATE, "checkpoint: matmul since the mark is in a checkpoint already");
    assert_int_equal(tg_checkpoint(s.tape, s.within, &s.y, 1), TG_ESTATE);
    assert_error(s.tape, TG_ESTATE, "checkpoint: square since the mark is in a checkpoint already");
    assert_int_equal(tg_checkpoint(s.tape, s.within, NULL, 1), TG_EVALUE);
    assert_error(s.tape, TG_EVALUE, "checkpoint: keep is NULL");
    assert_int_equal(tg_checkpoint(s.tape, s.within, &none, 1), TG_EVALUE);
    assert_error(s.tape, TG_EVALUE, "checkpoint: kept tensor 0 is NULL");
    assert_int_equal(tg_checkpoint(s.tape, s.within, &s.inside, 1), TG_ESTATE);
    assert_error(s.tape, TG_ESTATE, "checkpoint: the tensor's data was given back");
    tg_mark late = tg_tape_mark(s.tape);
    assert_int_equal(tg_checkpoint(s.tape, late, &s.y, 1), TG_OK); /* of nothing */
    tg_tensor *z = tg_sin(tg_mul_scalar(s.y, 3));
    assert_int_equal(tg_release(s.tape, late, NULL, 0), TG_OK);
    assert_int_equal(tg_checkpoint(s.tape, late, NULL, 0), TG_ESTATE);
    assert_error(s.tape, TG_ESTATE, "checkpoint: data of sin were given back already");
    (void)z;
    assert_int_equal(tg_backward(s.loss), TG_OK);
    assert_gradient(&s);
    tg_tape_free(s.tape);
}

/* --- memory runs out --- */

/* Forward and backward; where backward failed, once more. 1: it failed in the backward pass. */
static int two_passes(test_allocator *allocator, int64_t fail_at, const outcome *want,
                      const model *m)
{
    tg_tape *tape = test_tape(allocator, 0);
    tg_tensor *leaf[MAX_LEAVES], *x = start(tape, leaf);
    allocator->calls = 0;
    allocator->fail_at = fail_at;
    test_use_up(tape);
    tg_tensor *loss = forward(m, tape, x, leaf, 1);
    test_use_up(tape);
    tg_status status = tg_backward(loss);
    bool failed = loss && status;
    if (status && loss)
        assert_error(tape, TG_ENOMEM, "out of memory");
    for (int i = 0; status && i < MAX_LEAVES; i++)
        assert_null(tg_grad(leaf[i]));
    allocator->fail_at = -1;
    tg_clear_error(tape);
    if (failed)
        assert_int_equal(tg_backward(loss), TG_OK);
    if (loss) {
        outcome got;
        look(loss, leaf, x, &got);
        assert_same(m->name, &got, want);
    }
    tg_tape_free(tape);
    return failed;
}

static void failing_allocations(void **state)
{
    (void)state;
    for (int i = 0; i < MODELS; i++) {
        model m = models[i];
        m.blocks = 3;
        outcome want;
        run(&m, 0, 1, false, &want);
        for (int for_ever = 0; for_ever < 2; for_ever++) {
            test_allocator allocator = {.fail_at = -1, .for_ever = for_ever, .failures = 1};
            int in_backward = 0;
            for (int64_t k = 0; allocator.failures; k++) {
                allocator.failures = 0;
                in_backward += two_passes(&allocator, k, &want, &m);
                assert_int_equal(allocator.live, 0);
                assert_false(allocator.wrong_size);
            }
            assert_true(in_backward > 5);
        }
    }
}

/* An operation whose forward calls one that draws is not computed again. */
static void draw_inside(tg_node *node)
{
    tg_tensor *y = tg_dropout(node->in[0], 0.5, true);
    memcpy(tg_out_data(node), tg_f32(y), (size_t)tg_numel(y) * sizeof(float));
}

static void undraw(tg_node *node, tg_tensor *grad_out, tg_tensor **grad_in)
{
    grad_in[0] = tg_mul(grad_out, tg_div(node->out, node->in[0]));
}

static void draws_inside(void **state)
{
    (void)state;
    static const tg_op op = {"draws", draw_inside, undraw, {TG_READS_IN(0) | TG_READS_OUT}};
    float gradient[2][100];
    for (int i = 0; i < 2; i++) {
        tg_tape *tape = tg_tape_new(NULL);
        tg_tensor *x = tg_full(tape, TG_DIMS(100), 0.5, TG_REQUIRES_GRAD);
        tg_mark mark = tg_tape_mark(tape);
        tg_tensor *y =
            tg_apply(&(tg_call){.op = &op, .n_in = 1, .in = &x, .ndim = 1, .dims = tg_sizes(x)});
        tg_tensor *loss = tg_sum(tg_exp(y));
        if (i)
            assert_int_equal(tg_checkpoint(tape, mark, &loss, 1), TG_OK);
        assert_int_equal(tg_backward(loss), TG_OK);
        memcpy(gradient[i], tg_f32(tg_grad(x)), sizeof gradient[i]);
        tg_tape_free(tape);
    }
    assert_memory_equal(gradient[0], gradient[1], sizeof gradient[0]);
}

/* --- operations of the program's own --- */

static tg_tensor *saved_by_double;

static void double_forward(tg_node *node)
{
    const double *x = tg_f64(node->in[0]);
    for (int i = 0; i < 3; i++)
        ((double *)tg_out_data(node))[i] = 2 * x[i];
    saved_by_double = node->saved;
    if (node->saved)
        memcpy(tg_data_mut(node->saved), x, 3 * sizeof *x);
}

static void double_backward(tg_node *node, tg_tensor *grad_out, tg_tensor **grad_in)
{
    (void)node;
    grad_in[0] = tg_mul_scalar(grad_out, 2);
}

/* What a function has not made, and what is saved and kept, is not given back: it could not be made again, or is
 * wanted. */
static void of_own_operations(void **unused)
{
    (void)unused;
    static const tg_op made = {
        .name = "double", .forward = double_forward, .backward = double_backward};
    static const tg_op empty = {.name = "empty", .backward = double_backward};
    for (int own = 0; own < 3; own++) {
        tg_tape *tape = tg_tape_new(NULL);
        tg_tensor *x = tg_from_f64(tape, (double[]){1, 2, 3}, TG_DIMS(3), TG_REQUIRES_GRAD);
        tg_mark mark = tg_tape_mark(tape);
        const tg_call call = {.op = own ? &made : &empty,
                              .n_in = 1,
                              .in = &x,
                              .dtype = TG_F64,
                              .ndim = 1,
                              .dims = (int64_t[]){3},
                              .saved_numel = own == 2 ? 3 : 0,
                              .saved_dtype = TG_F64};
        tg_tensor *h = tg_apply(&call), *y = NULL;
        if (!own)
            memcpy(tg_data_mut(h), (double[]){2, 4, 6}, 3 * sizeof(double));
        y = tg_square(h);
        tg_tensor *keep[] = {y, saved_by_double};
        assert_int_equal(tg_checkpoint(tape, mark, keep, own == 2 ? 2 : 1), TG_OK);
        assert_int_equal(tg_f64(h) == NULL, own == 1);
        tg_clear_error(tape);
        if (own == 2)
            assert_equal(tg_f64(saved_by_double)[2], 3);
        assert_int_equal(tg_backward(tg_sum(y)), TG_OK);
        for (int i = 0; i < 3; i++)
            assert_equal(tg_f64(tg_grad(x))[i], 8 * (i + 1)); /* of (2x)^2 */
        tg_tape_free(tape);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(same_bits),
        cmocka_unit_test(training),
        cmocka_unit_test(used_afterwards),
        cmocka_unit_test(gradients_inside),
        cmocka_unit_test(rewound_inside),
        cmocka_unit_test(released_around),
        cmocka_unit_test(gradients_that_are_data),
        cmocka_unit_test(runs_again_once),
        cmocka_unit_test(changed_before),
        cmocka_unit_test(changed_between),
        cmocka_unit_test(changed_for_recomputing),
        cmocka_unit_test(given_back_between),
        cmocka_unit_test(create_graph),
        cmocka_unit_test(draws_inside),
        cmocka_unit_test(errors),
        cmocka_unit_test(of_own_operations),
        cmocka_unit_test(failing_allocations),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

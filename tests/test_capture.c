/* Captured steps: what belongs to one, what is refused, errors and memory. That a replay has the
 * bits of eager calls is shown here for training with changing data, in test_ops_tape.c for every
 * operation and in test_bits.c for models. Relies on the public API alone. */
#include "check.h"
#include "support.h"

#include <string.h>

enum { ROWS = 24, INPUTS = 5, CLASSES = 4, HIDDEN = 7 };

typedef tg_optim *make_optim(tg_tape *tape, tg_tensor *const *params, size_t n);

/* A small classifier with dropout, on data that change from step to step. */
typedef struct classifier {
    tg_tape *tape;
    tg_tensor *x, *y, *loss, *params[4];
    tg_optim *optim;
    double clip; /* 0: the gradients are not clipped */
} classifier;

static classifier make(tg_tape *tape, make_optim *optim, double clip)
{
    classifier c = {.tape = tape, .clip = clip};
    tg_manual_seed(tape, 5);
    c.x = tg_zeros(tape, TG_DIMS(ROWS, INPUTS), 0);
    c.y = tg_zeros(tape, TG_DIMS(ROWS), TG_I64);
    c.params[0] = tg_zeros(tape, TG_DIMS(HIDDEN, INPUTS), TG_REQUIRES_GRAD);
    c.params[1] = tg_zeros(tape, TG_DIMS(HIDDEN), TG_REQUIRES_GRAD);
    c.params[2] = tg_zeros(tape, TG_DIMS(CLASSES, HIDDEN), TG_REQUIRES_GRAD);
    c.params[3] = tg_zeros(tape, TG_DIMS(CLASSES), TG_REQUIRES_GRAD);
    tg_linear_init(c.params[0], c.params[1]);
    tg_linear_init(c.params[2], c.params[3]);
    c.optim = optim(tape, c.params, 4);
    return c;
}

static void load(const classifier *c, int step)
{
    uint64_t state = (uint64_t)step + 1;
    float *x = tg_data_mut(c->x);
    int64_t *y = tg_data_mut(c->y);
    for (int i = 0; x && i < ROWS * INPUTS; i++)
        x[i] = (float)random_between(&state, -2, 2);
    for (int i = 0; y && i < ROWS; i++)
        y[i] = (int64_t)random_between(&state, 0, CLASSES);
}

static void step(classifier *c)
{
    tg_tensor *h = tg_relu(tg_linear(c->x, c->params[0], c->params[1]));
    h = tg_dropout(h, 0.25, true);
    c->loss = tg_cross_entropy(tg_linear(h, c->params[2], c->params[3]), c->y, NULL);
    tg_optim_zero_grad(c->optim);
    tg_backward(c->loss);
    if (c->clip > 0) {
        tg_clip_grad_norm(c->params, 4, c->clip, 0);
        tg_clip_grad_value(c->params, 4, c->clip / 4);
    }
    tg_optim_step(c->optim);
}

static tg_capture *captured(classifier *c)
{
    tg_capture *capture = tg_capture_begin(c->tape);
    assert_non_null(capture);
    step(c);
    assert_int_equal(tg_capture_end(capture), TG_OK);
    return capture;
}

static void assert_same(tg_tensor *a, tg_tensor *b)
{
    snapshot one = snapshot_of(a), other = snapshot_of(b);
    assert_true(snapshot_same(&one, &other));
}

static void trains_alike(make_optim *optim, double clip)
{
    classifier eager = make(tg_tape_new(NULL), optim, clip);
    classifier again = make(tg_tape_new(NULL), optim, clip);
    tg_mark mark = tg_tape_mark(eager.tape);
    tg_capture *capture = NULL;
    for (int i = 0; i < 30; i++) {
        tg_tape_rewind(eager.tape, mark);
        tg_optim_set_lr(eager.optim, 0.1 / (i + 1));
        tg_optim_set_lr(again.optim, 0.1 / (i + 1));
        load(&eager, i);
        load(&again, i);
        step(&eager);
        if (capture)
            tg_capture_replay(capture);
        else
            capture = captured(&again);
        assert_ok(eager.tape);
        assert_ok(again.tape);
        assert_same(eager.loss, again.loss);
        for (int k = 0; k < 4; k++) {
            assert_same(eager.params[k], again.params[k]);
            assert_same(tg_grad(eager.params[k]), tg_grad(again.params[k]));
        }
    }
    assert_same(tg_rng_state(eager.tape), tg_rng_state(again.tape));
    tg_tape_free(eager.tape);
    tg_tape_free(again.tape);
}

static tg_optim *sgd(tg_tape *tape, tg_tensor *const *params, size_t n)
{
    return tg_sgd(tape, params, n, &(tg_sgd_opts){.lr = 0.1, .momentum = 0.9, .nesterov = true});
}

static tg_optim *adamw(tg_tape *tape, tg_tensor *const *params, size_t n)
{
    return tg_adamw(tape, params, n, &(tg_adam_opts){.lr = 0.1, .amsgrad = true});
}

static tg_optim *rmsprop(tg_tape *tape, tg_tensor *const *params, size_t n)
{
    return tg_rmsprop(tape, params, n, &(tg_rmsprop_opts){.lr = 0.1, .centered = true});
}

static tg_optim *adagrad(tg_tape *tape, tg_tensor *const *params, size_t n)
{
    return tg_adagrad(tape, params, n, NULL);
}

static void training(void **state)
{
    (void)state;
    make_optim *const all[] = {sgd, adamw, rmsprop, adagrad};
    for (int i = 0; i < 4; i++) {
        trains_alike(all[i], 0);
        trains_alike(all[i], 0.05);
    }
}

/* -- What belongs to a step ------------------------------------------------------------------- */

static tg_tensor *leaf(tg_tape *tape, double value)
{
    return tg_full(tape, TG_DIMS(2), value, TG_F64 | TG_REQUIRES_GRAD);
}

static double at(const tg_tensor *t, int i)
{
    assert_non_null(t);
    return tg_f64(t)[i];
}

static void set(tg_tensor *t, double value)
{
    double *data = tg_data_mut(t);
    assert_non_null(data);
    data[0] = data[1] = value;
}

/* Without gradients, in place, and constants that are changed after they were made. */
static void unrecorded_work(void **state)
{
    (void)state;
    tg_tape *tape = tg_tape_new(NULL);
    tg_tensor *x = leaf(tape, 3), *count = tg_zeros(tape, TG_DIMS(2), TG_F64);
    tg_capture *step = tg_capture_begin(tape);
    tg_set_grad_enabled(tape, false);
    tg_tensor *square = tg_mul(x, x), *sum = tg_ones(tape, TG_DIMS(2), TG_F64);
    tg_tensor *line = tg_arange(tape, 0, 2, 1, TG_F64), *last = tg_full(tape, TG_SCALAR, 7, TG_F64);
    tg_add_(sum, square, 2);
    tg_add_(line, sum, 1);
    tg_fill_(last, 8);
    tg_add_(count, last, 0.125);
    tg_set_grad_enabled(tape, true);
    assert_int_equal(tg_capture_end(step), TG_OK);
    for (int i = 1; i < 4; i++) {
        assert_equal(at(sum, 0), 1 + 2 * at(x, 0) * at(x, 0));
        assert_equal(at(line, 1), 1 + at(sum, 1));
        assert_equal(at(last, 0), 8);
        assert_equal(at(count, 0), i);
        set(x, i + 4);
        assert_int_equal(tg_capture_replay(step), TG_OK);
    }
    tg_tape_free(tape);
}

/* Gradients of interior tensors, chosen ones, recorded passes and passes from a given gradient. */
static void passes_of_all_kinds(void **state)
{
    (void)state;
    tg_tape *tape = tg_tape_new(NULL);
    tg_tensor *x = leaf(tape, 2), *up = tg_ones(tape, TG_DIMS(2), TG_F64);
    tg_tensor *chosen[1];
    tg_capture *step = tg_capture_begin(tape);
    tg_tensor *square = tg_mul(x, x);
    tg_retain_grad(square);
    tg_tensor *cube = tg_mul(square, x);
    assert_int_equal(tg_gradients(cube, up, &square, 1, chosen, NULL), TG_OK);
    tg_zero_grad(x);
    tg_backward_with(cube, up, &(tg_backward_opts){.create_graph = true});
    tg_tensor *first = tg_grad(x);
    tg_tensor *sum = tg_sum(first);
    tg_zero_grad(x);
    tg_backward(sum);
    assert_int_equal(tg_capture_end(step), TG_OK);
    for (int i = 3; i < 6; i++) {
        double v = at(x, 1);
        assert_equal(at(chosen[0], 0), v);
        assert_equal(at(first, 0), 3 * v * v);
        assert_equal(at(tg_grad(x), 1), 6 * v);
        assert_equal(at(tg_grad(square), 1), 1 + v); /* of cube, then of the sum of its gradient */
        set(x, i);
        set(up, 1);
        assert_int_equal(tg_capture_replay(step), TG_OK);
    }
    tg_tape_free(tape);
}

/* Gradients that add up over replays, and a leaf that the step makes itself. */
static void accumulation(void **state)
{
    (void)state;
    tg_tape *tape = tg_tape_new(NULL);
    tg_tensor *x = leaf(tape, 3);
    tg_backward(tg_sum(x));
    tg_capture *step = tg_capture_begin(tape);
    tg_tensor *own = leaf(tape, 5), *product = tg_mul(x, own);
    tg_backward(tg_sum(product));
    tg_backward(tg_sum(own));
    assert_int_equal(tg_capture_end(step), TG_OK);
    for (int i = 1; i < 4; i++) {
        assert_equal(at(tg_grad(x), 0), 1 + 5 * i);
        assert_equal(at(tg_grad(own), 0), 4);
        assert_int_equal(tg_capture_replay(step), TG_OK);
    }
    tg_zero_grad(x);
    assert_int_equal(tg_capture_replay(step), TG_ESTATE);
    assert_error(tape, TG_ESTATE,
                 "capture_replay: [2] has no gradient, and had one when it was captured");
    tg_tape_free(tape);
}

static void gradients_dropped_outside(void **state)
{
    (void)state;
    tg_tape *tape = tg_tape_new(NULL);
    tg_tensor *x = leaf(tape, 3);
    tg_capture *step = tg_capture_begin(tape);
    tg_backward(tg_sum(tg_mul(x, x)));
    assert_int_equal(tg_capture_end(step), TG_OK);
    assert_int_equal(tg_capture_replay(step), TG_ESTATE);
    assert_error(tape, TG_ESTATE,
                 "capture_replay: [2] has a gradient, and had none when it was captured");
    tg_zero_grad(x);
    set(x, 4);
    assert_int_equal(tg_capture_replay(step), TG_OK);
    assert_equal(at(tg_grad(x), 1), 8);
    tg_tape_free(tape);
}

/* Two captures, eager work and rewinds between their replays. */
static void between_replays(void **state)
{
    (void)state;
    classifier c = make(tg_tape_new(NULL), sgd, 0);
    load(&c, 0);
    tg_capture *train = captured(&c);
    tg_capture *test = tg_capture_begin(c.tape);
    tg_set_grad_enabled(c.tape, false);
    tg_tensor *hidden = tg_relu(tg_linear(c.x, c.params[0], c.params[1]));
    tg_tensor *out = tg_linear(hidden, c.params[2], c.params[3]);
    tg_set_grad_enabled(c.tape, true);
    assert_int_equal(tg_capture_end(test), TG_OK);
    tg_mark mark = tg_tape_mark(c.tape);
    for (int i = 1; i < 20; i++) {
        load(&c, i);
        assert_int_equal(tg_capture_replay(train), TG_OK);
        assert_int_equal(tg_capture_replay(test), TG_OK);
        tg_tensor *again = tg_relu(tg_linear(c.x, c.params[0], c.params[1]));
        again = tg_linear(again, c.params[2], c.params[3]);
        assert_same(again, out);
        assert_int_equal(tg_backward(tg_sum(again)), TG_OK);
        assert_int_equal(tg_tape_rewind(c.tape, mark), TG_OK);
    }
    tg_tape_free(c.tape);
}

/* Data of a size that passes give back and take again: what is made after a capture must not be
 * where a replay writes. */
static void large_data(void **state)
{
    (void)state;
    enum { WIDE = 160 };
    tg_tape *tape = tg_tape_new(NULL);
    tg_tensor *w = tg_zeros(tape, TG_DIMS(WIDE, WIDE), TG_REQUIRES_GRAD);
    tg_tensor *x = tg_ones(tape, TG_DIMS(WIDE, WIDE), 0);
    tg_uniform_(w, -0.1, 0.1);
    tg_optim *optim = tg_sgd(tape, &w, 1, &(tg_sgd_opts){.lr = 0.01});
    tg_capture *step = tg_capture_begin(tape);
    tg_tensor *h = tg_tanh(tg_matmul(x, w)), *y = tg_exp(tg_mul(tg_matmul(h, w), h));
    tg_tensor *loss = tg_mean(y);
    tg_optim_zero_grad(optim);
    tg_backward(loss);
    tg_optim_step(optim);
    assert_int_equal(tg_capture_end(step), TG_OK);
    tg_mark mark = tg_tape_mark(tape);
    for (int i = 0; i < 10; i++) {
        tg_tensor *a = tg_matmul(x, w), *b = tg_tanh(a), *c = tg_mul(tg_matmul(b, w), b);
        tg_tensor *want = tg_mean(tg_exp(c)), *made[] = {a, b, c};
        float before[] = {tg_f32(a)[7], tg_f32(b)[7], tg_f32(c)[7]};
        assert_int_equal(tg_capture_replay(step), TG_OK);
        assert_equal(tg_item(loss), tg_item(want));
        for (int k = 0; k < 3; k++)
            assert_equal(tg_f32(made[k])[7], before[k]);
        assert_int_equal(tg_tape_rewind(tape, mark), TG_OK);
    }
    tg_tape_free(tape);
}

/* What a replay computed again must not be differentiated with what was noted before. */
static void not_differentiated_again(void **state)
{
    (void)state;
    tg_tape *tape = tg_tape_new(NULL);
    tg_tensor *x = leaf(tape, 3);
    tg_capture *step = tg_capture_begin(tape);
    tg_tensor *y = tg_mul_scalar(x, 3);
    assert_int_equal(tg_capture_end(step), TG_OK);
    tg_tensor *z = tg_sum(tg_mul(y, y));
    set(x, 4);
    assert_int_equal(tg_capture_replay(step), TG_OK);
    assert_int_equal(tg_backward(z), TG_ESTATE);
    assert_error(tape, TG_ESTATE, "mul needs its input 0 float64 [2] as it was");
    tg_tape_free(tape);
}

static void errors_in_data(void **state)
{
    (void)state;
    classifier c = make(tg_tape_new(NULL), sgd, 0);
    load(&c, 0);
    tg_capture *capture = captured(&c);
    snapshot before = snapshot_of(c.params[0]);
    ((int64_t *)tg_data_mut(c.y))[2] = CLASSES;
    assert_int_equal(tg_capture_replay(capture), TG_EVALUE);
    assert_error(c.tape, TG_EVALUE, "cross_entropy: target 4 at position 2 is not one of 4");
    snapshot after = snapshot_of(c.params[0]);
    assert_true(snapshot_same(&before, &after));
    load(&c, 1);
    assert_int_equal(tg_capture_replay(capture), TG_OK);
    tg_set_anomaly_enabled(c.tape, true);
    ((float *)tg_data_mut(c.x))[3] = NAN;
    assert_int_equal(tg_capture_replay(capture), TG_EVALUE);
    assert_error(c.tape, TG_EVALUE, "linear: output element 0 is");
    tg_tape_free(c.tape);
}

/* -- Misuse ----------------------------------------------------------------------------------- */

/* What calls are tried with. */
typedef struct attempt {
    classifier c;
    tg_batches *batches;
    tg_tensor *rng;
    tg_capture *whole; /* another one, which has ended */
    tg_mark inside;
} attempt;

#define ATTEMPT(name, call)                                                                        \
    static void try_##name(attempt *a)                                                             \
    {                                                                                              \
        call;                                                                                      \
    }

ATTEMPT(capture_begin, tg_capture_begin(a->c.tape))
ATTEMPT(capture_replay, tg_capture_replay(a->whole))
ATTEMPT(tape_replay, tg_tape_replay(a->c.tape, a->inside))
ATTEMPT(tape_rewind, tg_tape_rewind(a->c.tape, a->inside))
ATTEMPT(data_mut, tg_data_mut(a->c.x))
ATTEMPT(manual_seed, tg_manual_seed(a->c.tape, 1))
ATTEMPT(set_rng_state, tg_set_rng_state(a->c.tape, a->rng))
ATTEMPT(optim_set_lr, tg_optim_set_lr(a->c.optim, 1))
ATTEMPT(optim_set_group_lr, tg_optim_set_group_lr(a->c.optim, 0, 1))
ATTEMPT(batches_start, tg_batches_start(a->batches))
ATTEMPT(batches_next, tg_batches_next(a->batches))
ATTEMPT(batches_narrow, tg_batches_narrow(a->batches, 0, 1))
ATTEMPT(batches_read, tg_batches_read(a->batches, "", a->c.x))
ATTEMPT(from_array, tg_from_array(a->c.tape, (int[]){1}, TG_ARRAY_I32, TG_SCALAR, 0))
ATTEMPT(from_f32, tg_from_f32(a->c.tape, (float[]){1}, TG_SCALAR, 0))
ATTEMPT(release, tg_release(a->c.tape, a->inside, NULL, 0))
ATTEMPT(checkpoint, tg_checkpoint(a->c.tape, a->inside, NULL, 0))

static const struct {
    const char *name;
    void (*call)(attempt *a);
} attempts[] = {{"capture_begin", try_capture_begin},
                {"capture_replay", try_capture_replay},
                {"tape_replay", try_tape_replay},
                {"tape_rewind", try_tape_rewind},
                {"data_mut", try_data_mut},
                {"manual_seed", try_manual_seed},
                {"set_rng_state", try_set_rng_state},
                {"optim_set_lr", try_optim_set_lr},
                {"optim_set_group_lr", try_optim_set_group_lr},
                {"batches_start", try_batches_start},
                {"batches_next", try_batches_next},
                {"batches_narrow", try_batches_narrow},
                {"batches_read", try_batches_read},
                {"from_array", try_from_array},
                {"from_f32", try_from_f32},
                {"release", try_release},
                {"checkpoint", try_checkpoint}};

static void refused_calls(void **state)
{
    (void)state;
    attempt a = {.c = make(tg_tape_new(NULL), sgd, 0)};
    tg_tape *tape = a.c.tape;
    a.batches = tg_batches_new(tape, ROWS, 2, NULL);
    a.rng = tg_rng_state(tape);
    load(&a.c, 0);
    a.whole = captured(&a.c);
    tg_mark before = tg_tape_mark(tape);
    for (size_t i = 0; i < sizeof attempts / sizeof *attempts; i++) {
        tg_capture *step = tg_capture_begin(tape);
        a.inside = tg_tape_mark(tape);
        attempts[i].call(&a);
        size_t length = strlen(attempts[i].name);
        assert_int_equal(strncmp(tg_error_message(tape), attempts[i].name, length), 0);
        assert_int_equal(tg_error_message(tape)[length], ':');
        assert_error(tape, TG_ESTATE, "a capture");
        tg_mul(a.c.x, a.c.x); /* goes on, but there is a hole */
        assert_int_equal(tg_capture_end(step), TG_ESTATE);
        char part[100];
        snprintf(part, sizeof part,
                 "capture_end: an operation failed during the capture: %s: called",
                 attempts[i].name);
        assert_error(tape, TG_ESTATE, i == 3 ? "tape_rewind: to a mark" : part);
        assert_int_equal(tg_capture_replay(step), TG_ESTATE);
        assert_error(tape, TG_ESTATE, "capture_replay: the capture is not complete");
        assert_int_equal(tg_tape_rewind(tape, before), TG_OK);
        assert_int_equal(tg_capture_replay(a.whole), TG_OK);
    }
    tg_tape_free(tape);
}

/* Of several errors the first one, cleared or not. */
static void failed_operation(void **state)
{
    (void)state;
    tg_tape *tape = tg_tape_new(NULL);
    tg_tensor *x = tg_zeros(tape, TG_DIMS(3), 0);
    assert_null(tg_sum_dim(x, 7, false)); /* before */
    tg_clear_error(tape);
    tg_capture *step = tg_capture_begin(tape);
    assert_null(tg_matmul(x, tg_zeros(tape, TG_DIMS(4), 0)));
    tg_clear_error(tape);
    assert_null(tg_sum_dim(x, 5, false));
    tg_clear_error(tape);
    assert_int_equal(tg_capture_end(step), TG_ESTATE);
    assert_error(tape, TG_ESTATE,
                 "capture_end: an operation failed during the capture: matmul: [3] x [4]");
    tg_tape_free(tape);
}

/* What is left of a capture that was rewound into: neither. */
static void data_of_half_a_capture(void **state)
{
    (void)state;
    tg_tape *tape = tg_tape_new(NULL);
    tg_tensor *x = leaf(tape, 3);
    tg_capture *step = tg_capture_begin(tape);
    tg_mark inside = tg_tape_mark(tape);
    tg_zero_grad(x);
    tg_tensor *y = tg_exp(tg_mul(x, x));
    tg_backward(tg_sum(y));
    tg_mark later = tg_tape_mark(tape);
    tg_mul(x, x);
    assert_int_equal(tg_capture_end(step), TG_OK);
    assert_int_equal(tg_tape_rewind(tape, later), TG_OK);
    tg_tensor *z = tg_sum(tg_exp(tg_exp(y)));
    assert_int_equal(tg_release(tape, inside, NULL, 0), TG_ESTATE);
    assert_error(tape, TG_ESTATE, "release: a capture was made since the mark");
    assert_int_equal(tg_checkpoint(tape, inside, &y, 1), TG_ESTATE);
    assert_error(tape, TG_ESTATE, "checkpoint: a capture was made since the mark");
    const tg_backward_opts opts = {.release_since = &inside};
    assert_int_equal(tg_backward_with(z, NULL, &opts), TG_ESTATE);
    assert_error(tape, TG_ESTATE, "backward: a capture was made since the mark");
    assert_int_equal(tg_release(tape, later, &z, 1), TG_OK);
    assert_int_equal(tg_backward(z), TG_OK);
    tg_tape_free(tape);
}

/* Data that replays need are not given back, before or after the capture; those of later operations
 * may be. */
static void data_are_not_given_back(void **state)
{
    (void)state;
    tg_tape *tape = tg_tape_new(NULL);
    tg_tensor *x = leaf(tape, 3);
    tg_mark before = tg_tape_mark(tape);
    tg_tensor *y = tg_exp(tg_mul(x, x));
    tg_capture *step = tg_capture_begin(tape);
    tg_set_grad_enabled(tape, false);
    tg_tensor *z = tg_mul_scalar(y, 2);
    tg_set_grad_enabled(tape, true);
    assert_int_equal(tg_capture_end(step), TG_OK);
    assert_int_equal(tg_release(tape, before, NULL, 0), TG_ESTATE);
    assert_error(tape, TG_ESTATE, "release: a capture was made since the mark");
    assert_int_equal(tg_checkpoint(tape, before, NULL, 0), TG_ESTATE);
    assert_error(tape, TG_ESTATE, "checkpoint: a capture was made since the mark");
    const tg_backward_opts opts = {.release_since = &before};
    assert_int_equal(tg_backward_with(tg_sum(y), NULL, &opts), TG_ESTATE);
    assert_error(tape, TG_ESTATE, "backward: a capture was made since the mark");
    assert_int_equal(tg_capture_replay(step), TG_OK);
    assert_equal(at(z, 0), 2 * exp(9));

    tg_mark after = tg_tape_mark(tape);
    tg_mul(z, z);
    assert_int_equal(tg_release(tape, after, NULL, 0), TG_OK);
    assert_int_equal(tg_capture_replay(step), TG_OK);
    assert_int_equal(tg_tape_rewind(tape, before), TG_OK);
    y = tg_exp(tg_mul(x, x));
    assert_int_equal(tg_checkpoint(tape, before, &y, 1), TG_OK); /* no capture any more */

    step = tg_capture_begin(tape);
    assert_int_equal(tg_backward(tg_sum(y)), TG_ESTATE);
    assert_error(tape, TG_ESTATE, "backward: a captured pass goes through a checkpoint");
    tg_capture_end(step);
    tg_tape_free(tape);
}

static void stale_captures(void **state)
{
    (void)state;
    tg_tape *tape = tg_tape_new(NULL);
    tg_tensor *x = leaf(tape, 1);
    tg_mark before = tg_tape_mark(tape);
    tg_capture *step = tg_capture_begin(tape);
    assert_int_equal(tg_capture_replay(step), TG_ESTATE);
    assert_error(tape, TG_ESTATE, "capture_replay: called during a capture");
    assert_int_equal(tg_capture_end(step), TG_ESTATE);
    tg_clear_error(tape);
    assert_int_equal(tg_capture_end(step), TG_ESTATE);
    assert_error(tape, TG_ESTATE, "capture_end: the capture has ended already");

    assert_int_equal(tg_tape_rewind(tape, before), TG_OK);
    step = tg_capture_begin(tape);
    tg_mark inside = tg_tape_mark(tape);
    tg_mul(x, x);
    assert_int_equal(tg_capture_end(step), TG_OK);
    assert_int_equal(tg_capture_replay(step), TG_OK);
    assert_int_equal(tg_tape_rewind(tape, inside), TG_OK);
    assert_int_equal(tg_capture_replay(step), TG_ESTATE);
    assert_error(tape, TG_ESTATE, "capture_replay: the tape was rewound into the capture");
    tg_tensor *in_its_place = tg_mul(x, tg_mul(x, x));
    assert_int_equal(tg_capture_replay(step), TG_ESTATE);
    tg_clear_error(tape);
    assert_equal(at(in_its_place, 0), 1);

    assert_int_equal(tg_tape_rewind(tape, before), TG_OK);
    assert_int_equal(tg_capture_replay(step), TG_ESTATE);
    assert_error(tape, TG_ESTATE, "capture_replay: the capture was rewound away");
    assert_int_equal(tg_capture_replay(NULL), TG_EVALUE);
    assert_int_equal(tg_capture_end(NULL), TG_EVALUE);
    assert_null(tg_capture_begin(NULL));
    assert_ok(tape);
    tg_tape_free(tape);
}

/* A rewind to before it gives a running capture up, also after an error. */
static void given_up(void **state)
{
    (void)state;
    tg_tape *tape = tg_tape_new(NULL);
    tg_tensor *x = leaf(tape, 1);
    tg_mark before = tg_tape_mark(tape);
    for (int i = 0; i < 3; i++) {
        tg_capture *step = tg_capture_begin(tape);
        assert_non_null(step);
        tg_mark inside = tg_tape_mark(tape);
        tg_backward(tg_sum(tg_mul(x, x)));
        if (i) {
            assert_null(tg_add(x, NULL));
            assert_int_equal(tg_tape_rewind(tape, inside), TG_OK);
            tg_clear_error(tape);
        }
        assert_int_equal(tg_tape_rewind(tape, before), TG_OK);
        assert_int_equal(tg_capture_end(step), TG_ESTATE);
        tg_clear_error(tape);
        tg_zero_grad(x);
        set(x, 2); /* works again */
        assert_ok(tape);
    }
    tg_tape_free(tape);
}

static void graph_onto_a_former_gradient(void **state)
{
    (void)state;
    tg_tape *tape = tg_tape_new(NULL);
    tg_tensor *x = leaf(tape, 3);
    const tg_backward_opts graph = {.create_graph = true};
    tg_backward(tg_sum(x));
    tg_capture *step = tg_capture_begin(tape);
    assert_int_equal(tg_backward_with(tg_sum(tg_mul(x, x)), NULL, &graph), TG_ESTATE);
    assert_error(tape, TG_ESTATE, "a captured pass cannot add to a gradient from before");
    assert_equal(at(tg_grad(x), 0), 1);
    tg_capture_end(step);
    tg_tape_free(tape);
}

/* -- Memory ----------------------------------------------------------------------------------- */

#ifdef SANITIZED
enum { REPLAYS = 1000 };
#else
enum { REPLAYS = 1000000 };
#endif

static void replays_allocate_nothing(void **state)
{
    (void)state;
    test_allocator allocator = {.fail_at = -1};
    classifier c = make(test_tape(&allocator, 1), adamw, 0.5);
    load(&c, 0);
    tg_capture *capture = captured(&c);
    allocator.calls = 0;
    for (int i = 0; i < REPLAYS; i++)
        tg_capture_replay(capture);
    assert_ok(c.tape);
    assert_int_equal(allocator.calls, 0);
    tg_tape_free(c.tape);
    assert_int_equal(allocator.live, 0);
}

/* Each allocation fails in turn: the error is reported, and the tape captures well afterwards. */
static void allocation_failures(void **state)
{
    (void)state;
    for (int64_t k = 0;; k++) {
        test_allocator allocator = {.fail_at = -1};
        classifier c = make(test_tape(&allocator, 1), sgd, 0.5);
        load(&c, 0);
        tg_mark mark = tg_tape_mark(c.tape);
        allocator.calls = 0;
        allocator.fail_at = k;
        tg_capture *capture = tg_capture_begin(c.tape);
        step(&c);
        tg_status status = tg_capture_end(capture);
        bool failed = allocator.failures > 0;
        allocator.fail_at = -1;
        assert_int_equal(tg_error(c.tape), failed ? TG_ENOMEM : TG_OK);
        assert_true(!failed || status != TG_OK);
        tg_clear_error(c.tape);
        assert_true(!failed || tg_capture_replay(capture) != TG_OK);
        tg_clear_error(c.tape);
        assert_int_equal(tg_tape_rewind(c.tape, mark), TG_OK);
        capture = captured(&c);
        assert_int_equal(tg_capture_replay(capture), TG_OK);
        tg_tape_free(c.tape);
        assert_int_equal(allocator.live, 0);
        if (!failed)
            break;
    }
}

/* What a capture holds besides is not on the tape: tg_tape_replay() runs what was recorded, and neither the
 * pass nor the step again; the picture and the list of data show recorded operations alone. */
static void replay_of_the_tape(void **state)
{
    (void)state;
    tg_tape *tape = tg_tape_new(NULL);
    tg_tensor *w = tg_full(tape, TG_DIMS(3), 2, TG_REQUIRES_GRAD);
    tg_tensor *x = tg_ones(tape, TG_DIMS(3), 0), *count = tg_zeros(tape, 0, NULL, 0);
    tg_optim *optim = tg_sgd(tape, &w, 1, &(tg_sgd_opts){.lr = 0.25});
    tg_mark mark = tg_tape_mark(tape);
    tg_capture *capture = tg_capture_begin(tape);
    tg_set_grad_enabled(tape, false);
    tg_add_(count, tg_ones(tape, 0, NULL, 0), 1);
    tg_set_grad_enabled(tape, true);
    tg_tensor *y = tg_mul(w, x), *loss = tg_sum(tg_mul(y, y));
    tg_optim_zero_grad(optim);
    tg_backward(loss);
    tg_optim_step(optim);
    assert_int_equal(tg_capture_end(capture), TG_OK);
    assert_equal(tg_item(loss), 12);
    assert_equal(tg_f32(w)[0], 1); /* 2 - 0.25 * 2 * 2 */
    assert_int_equal(tg_tape_replay(tape, mark), TG_OK);
    assert_equal(tg_item(loss), 3);
    assert_equal(tg_f32(w)[0], 1);
    assert_equal(tg_f32(tg_grad(w))[0], 4);
    assert_equal(tg_item(count), 1);
    tg_zero_grad(w);
    assert_int_equal(tg_backward(loss), TG_OK); /* of the new values */
    assert_equal(tg_f32(tg_grad(w))[0], 2);
    assert_int_equal(tg_capture_replay(capture), TG_OK);
    assert_equal(tg_item(loss), 3);
    assert_equal(tg_f32(w)[0], 0.5);
    assert_equal(tg_item(count), 2);
    FILE *file = tmpfile();
    assert_int_equal(tg_write_dot(file, tape, mark), TG_OK);
    char text[4096];
    rewind(file);
    text[fread(text, 1, sizeof text - 1, file)] = 0;
    fclose(file);
    int boxes = 0;
    for (const char *p = text; (p = strstr(p, "shape=box")); p++)
        boxes++;
    assert_int_equal(boxes, 3);
    tg_memory_holder holders[8];
    assert_int_equal(tg_memory_holders(tape, holders, 8), 5); /* w, x and three results */
    tg_tape_free(tape);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(training),
        cmocka_unit_test(unrecorded_work),
        cmocka_unit_test(passes_of_all_kinds),
        cmocka_unit_test(accumulation),
        cmocka_unit_test(gradients_dropped_outside),
        cmocka_unit_test(between_replays),
        cmocka_unit_test(large_data),
        cmocka_unit_test(not_differentiated_again),
        cmocka_unit_test(errors_in_data),
        cmocka_unit_test(refused_calls),
        cmocka_unit_test(failed_operation),
        cmocka_unit_test(data_are_not_given_back),
        cmocka_unit_test(stale_captures),
        cmocka_unit_test(data_of_half_a_capture),
        cmocka_unit_test(given_up),
        cmocka_unit_test(graph_onto_a_former_gradient),
        cmocka_unit_test(replays_allocate_nothing),
        cmocka_unit_test(allocation_failures),
        cmocka_unit_test(replay_of_the_tape),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

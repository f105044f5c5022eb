/* Gradients that take over the data of what is read no more, in passes with release_since: the same bits
 * as in other passes, no memory of their own, and nothing that is still read is written over. */
#include "check.h"
#include "support.h"

enum { LEAVES = 3 };

/* Leaves x (rows, width), w (classes, width) and b (classes), targets, and a mark behind them. */
typedef struct world {
    tg_tape *tape;
    tg_tensor *leaf[LEAVES], *targets, *seen;
    tg_mark mark;
} world;

/* What is computed, and how its loss weighs. */
typedef struct problem {
    tg_tensor *(*loss)(world *w, const tg_ce_opts *opts);
    int64_t rows, width, classes;
    int dtype;
    tg_ce_opts opts;
    bool class_weight;
} problem;

static world make(const problem *p)
{
    world w = {.tape = tg_tape_new(NULL)};
    int flags = p->dtype | TG_REQUIRES_GRAD;
    tg_manual_seed(w.tape, 21);
    w.leaf[0] = tg_randn(w.tape, TG_DIMS(p->rows, p->width), flags);
    w.leaf[1] = tg_randn(w.tape, TG_DIMS(p->classes, p->width), flags);
    w.leaf[2] = tg_randn(w.tape, TG_DIMS(p->classes), flags);
    w.targets = tg_randint(w.tape, 0, p->classes, TG_DIMS(p->rows), TG_I64);
    return w;
}

/* Logits from a layer whose own input is a result: both can be taken over. */
static tg_tensor *logits_of(world *w)
{
    return tg_linear(tg_sin(w->leaf[0]), w->leaf[1], w->leaf[2]);
}

static tg_tensor *plain(world *w, const tg_ce_opts *opts)
{
    return tg_cross_entropy(logits_of(w), w->targets, opts);
}

static tg_tensor *through_views(world *w, const tg_ce_opts *opts)
{
    tg_tensor *y = tg_unsqueeze(logits_of(w), 0);
    y = tg_squeeze(tg_reshape(y, 3, (int64_t[]){1, tg_numel(w->targets), -1}));
    return tg_cross_entropy(y, w->targets, opts);
}

/* Probability targets, of which some are so near to those of the logits that all but cancels: then the
 * logits are looked at twice. */
static tg_tensor *probabilities(world *w, const tg_ce_opts *opts)
{
    tg_tensor *targets = tg_softmax(tg_detach(logits_of(w)), 1);
    return tg_cross_entropy(logits_of(w), targets, opts);
}

/* What else reads the logits: before the loss was recorded, after it, and in its own gradient. */
static tg_tensor *read_before(world *w, const tg_ce_opts *opts)
{
    tg_tensor *y = logits_of(w), *other = tg_mean(tg_mul(y, y));
    return tg_add(tg_cross_entropy(y, w->targets, opts), other);
}

static tg_tensor *read_after(world *w, const tg_ce_opts *opts)
{
    tg_tensor *y = logits_of(w), *loss = tg_cross_entropy(y, w->targets, opts);
    return tg_add(tg_mean(tg_mul(y, y)), loss);
}

static tg_tensor *read_by_maker(world *w, const tg_ce_opts *opts)
{
    return tg_cross_entropy(tg_tanh(logits_of(w)), w->targets, opts);
}

/* Many records between the logits and the loss. */
static tg_tensor *far_apart(world *w, const tg_ce_opts *opts)
{
    tg_tensor *y = logits_of(w);
    for (int i = 0; i < 20; i++)
        tg_exp(w->leaf[2]);
    return tg_cross_entropy(y, w->targets, opts);
}

/* A view that is no record's way to the loss, and which may be looked at afterwards. */
static tg_tensor *seen(world *w, const tg_ce_opts *opts)
{
    tg_tensor *y = logits_of(w), *loss = tg_cross_entropy(y, w->targets, opts);
    w->seen = tg_detach(y);
    return loss;
}

/* The logits are older than the mark. */
static tg_tensor *older(world *w, const tg_ce_opts *opts)
{
    w->seen = logits_of(w);
    w->mark = tg_tape_mark(w->tape);
    return tg_cross_entropy(w->seen, w->targets, opts);
}

static tg_tensor *part(world *w, const tg_ce_opts *opts)
{
    int64_t rows = tg_numel(w->targets);
    tg_tensor *y = tg_narrow(tg_cat((tg_tensor *[]){logits_of(w), logits_of(w)}, 2, 0), 0, 0, rows);
    return tg_cross_entropy(y, w->targets, opts);
}

/* A product with itself, whose factor's gradient reads the other one. */
static tg_tensor *squared(world *w, const tg_ce_opts *opts)
{
    tg_tensor *y = tg_sin(tg_matmul(tg_transpose(w->leaf[0], 0, 1), w->leaf[0]));
    (void)opts;
    return tg_mean(tg_matmul(tg_matmul(y, y), tg_linear(y, y, NULL)));
}

/* Products whose first factor's gradient takes it over, though the other's gradient has just read it by a view: of
 * matrices, of batches, and (not so) of one matrix with a batch of them. */
static tg_tensor *product(world *w, const tg_ce_opts *opts)
{
    (void)opts;
    return tg_mean(tg_square(tg_matmul(tg_sin(w->leaf[0]), tg_transpose(w->leaf[1], 0, 1))));
}

static tg_tensor *products(world *w, const tg_ce_opts *opts)
{
    tg_tensor *x = tg_reshape(w->leaf[0], 3, (int64_t[]){-1, 4, tg_size(w->leaf[0], 1)});
    (void)opts;
    return tg_mean(tg_square(tg_matmul(tg_sin(x), tg_transpose(tg_exp(x), 1, 2))));
}

static tg_tensor *broadcast_products(world *w, const tg_ce_opts *opts)
{
    tg_tensor *x = tg_reshape(w->leaf[0], 3, (int64_t[]){-1, 4, tg_size(w->leaf[0], 1)});
    tg_tensor *one = tg_sin(tg_narrow(x, 0, 0, 1)), *y = tg_transpose(tg_exp(x), 1, 2);
    (void)opts;
    return tg_add(tg_mean(tg_square(tg_matmul(one, y))), tg_mean(tg_exp(tg_matmul(tg_sin(x), y))));
}

/* Of a sequence in which the gradient of the inputs' products takes over these. The weights of inputs and states
 * are one. */
static tg_tensor *recurrent(world *w, bool gru)
{
    int64_t width = tg_size(w->leaf[0], 1);
    tg_tensor *x = tg_reshape(w->leaf[0], 3, (int64_t[]){-1, 4, width});
    tg_tensor *weights[] = {w->leaf[1], w->leaf[1], w->leaf[2], w->leaf[2]};
    tg_tensor *y =
        gru ? tg_gru(x, weights, 4, NULL, NULL) : tg_lstm(x, weights, 4, NULL, NULL, NULL);
    return tg_mean(tg_square(y));
}

static tg_tensor *gru(world *w, const tg_ce_opts *opts)
{
    (void)opts;
    return recurrent(w, true);
}

static tg_tensor *lstm(world *w, const tg_ce_opts *opts)
{
    (void)opts;
    return recurrent(w, false);
}

static const problem problems[] = {
    {.loss = plain, .rows = 40, .width = 8, .classes = 5},
    {.loss = plain, .rows = 40, .width = 8, .classes = 5, .class_weight = true},
    {.loss = plain, .rows = 40, .width = 8, .classes = 5, .opts = {.label_smoothing = 0.1}},
    {.loss = plain, .rows = 40, .width = 8, .classes = 5, .dtype = TG_F64},
    {.loss = plain, .rows = 40, .width = 8, .classes = 100},
    {.loss = plain,
     .rows = 40,
     .width = 8,
     .classes = 100,
     .opts = {.reduction = TG_SUM, .has_ignore_index = true, .ignore_index = 7}},
    {.loss = plain,
     .rows = 40,
     .width = 8,
     .classes = 100,
     .opts = {.label_smoothing = 0.2},
     .class_weight = true},
    {.loss = plain, .rows = 40, .width = 8, .classes = 100, .opts = {.label_smoothing = 1}},
    {.loss = plain,
     .rows = 40,
     .width = 8,
     .classes = 100,
     .dtype = TG_F64,
     .opts = {.label_smoothing = 0.2},
     .class_weight = true},
    {.loss = plain, .rows = 300, .width = 8, .classes = 20000},
    {.loss = plain, .rows = 1, .width = 1, .classes = 2},
    {.loss = through_views, .rows = 40, .width = 8, .classes = 100},
    {.loss = probabilities, .rows = 40, .width = 8, .classes = 100},
    {.loss = probabilities, .rows = 40, .width = 8, .classes = 100, .dtype = TG_F64},
    {.loss = read_before, .rows = 40, .width = 8, .classes = 100},
    {.loss = read_after, .rows = 40, .width = 8, .classes = 100},
    {.loss = read_by_maker, .rows = 40, .width = 8, .classes = 100},
    {.loss = far_apart, .rows = 40, .width = 8, .classes = 100},
    {.loss = seen, .rows = 40, .width = 8, .classes = 100},
    {.loss = older, .rows = 40, .width = 8, .classes = 100},
    {.loss = part, .rows = 40, .width = 8, .classes = 100},
    {.loss = squared, .rows = 20, .width = 30, .classes = 1},
    {.loss = product, .rows = 40, .width = 8, .classes = 5},
    {.loss = products, .rows = 40, .width = 8, .classes = 1},
    {.loss = products, .rows = 40, .width = 8, .classes = 1, .dtype = TG_F64},
    {.loss = broadcast_products, .rows = 40, .width = 8, .classes = 1},
    {.loss = gru, .rows = 40, .width = 8, .classes = 24},
    {.loss = gru, .rows = 40, .width = 8, .classes = 24, .dtype = TG_F64},
    {.loss = lstm, .rows = 40, .width = 8, .classes = 32},
    {.loss = lstm, .rows = 40, .width = 8, .classes = 32, .dtype = TG_F64},
};
enum { PROBLEMS = sizeof problems / sizeof *problems };

static tg_tensor *loss_of(const problem *p, world *w)
{
    tg_ce_opts opts = p->opts;
    if (p->class_weight)
        opts.weight = tg_rand(w->tape, TG_DIMS(p->classes), p->dtype);
    w->mark = tg_tape_mark(w->tape);
    return p->loss(w, &opts);
}

static void bits(void **state)
{
    (void)state;
    for (int i = 0; i < PROBLEMS; i++) {
        const problem *p = &problems[i];
        world want = make(p), got = make(p);
        tg_tensor *loss = loss_of(p, &want), *other = loss_of(p, &got);
        tg_tensor *before = got.seen ? tg_clone(tg_detach(got.seen)) : NULL;
        tg_backward(loss);
        tg_backward_with(other, NULL, &(tg_backward_opts){.release_since = &got.mark});
        assert_ok(got.tape);
        for (int k = 0; k < LEAVES && tg_grad(want.leaf[k]); k++) {
            if (!tensors_same(tg_grad(want.leaf[k]), tg_grad(got.leaf[k])))
                fail_msg("problem %d: other bits in leaf %d", i, k);
        }
        assert_true(!before || tensors_same(before, got.seen));
        tg_tape_free(want.tape);
        tg_tape_free(got.tape);
    }
}

/* With kept gradients of what is taken over, and a second step in the same memory. */
static void kept(void **state)
{
    (void)state;
    const problem p = {.loss = plain, .rows = 40, .width = 8, .classes = 100};
    world w[2] = {make(&p), make(&p)};
    for (int step = 0; step < 2; step++) {
        tg_tensor *y[2], *x[2];
        for (int i = 0; i < 2; i++) {
            w[i].mark = tg_tape_mark(w[i].tape);
            x[i] = tg_sin(w[i].leaf[0]);
            y[i] = tg_linear(x[i], w[i].leaf[1], w[i].leaf[2]);
            assert_int_equal(tg_retain_grad(x[i]), TG_OK);
            assert_int_equal(tg_retain_grad(y[i]), TG_OK);
            tg_backward_with(tg_cross_entropy(y[i], w[i].targets, NULL), NULL,
                             &(tg_backward_opts){.release_since = i ? &w[i].mark : NULL});
            assert_ok(w[i].tape);
        }
        assert_true(tensors_same(tg_grad(x[0]), tg_grad(x[1])));
        assert_true(tensors_same(tg_grad(y[0]), tg_grad(y[1])));
        assert_null(tg_f32(y[1]));
        assert_error(w[1].tape, TG_ESTATE, "the tensor's data was given back");
        for (int k = 0; k < LEAVES; k++)
            assert_true(tensors_same(tg_grad(w[0].leaf[k]), tg_grad(w[1].leaf[k])));
        tg_tape_rewind(w[0].tape, w[0].mark);
        tg_tape_rewind(w[1].tape, w[1].mark);
    }
    tg_tape_free(w[0].tape);
    tg_tape_free(w[1].tape);
}

/* A tower of layers and its loss: the pass takes next to nothing beside what forward holds. */
static void memory(void **state)
{
    (void)state;
    enum { ROWS = 1024, WIDTH = 64, LAYERS = 6, CLASSES = 512 };
    tg_tape *tape = tg_tape_new(&(tg_tape_opts){.threads = 1});
    tg_tensor *x = tg_randn(tape, TG_DIMS(ROWS, WIDTH), 0), *w[LAYERS];
    tg_tensor *head = tg_randn(tape, TG_DIMS(CLASSES, WIDTH), TG_REQUIRES_GRAD);
    tg_tensor *targets = tg_randint(tape, 0, CLASSES, TG_DIMS(ROWS), TG_I64);
    for (int i = 0; i < LAYERS; i++)
        w[i] = tg_randn(tape, TG_DIMS(WIDTH, WIDTH), TG_REQUIRES_GRAD);
    tg_mark mark = tg_tape_mark(tape);
    for (int i = 0; i < LAYERS; i++)
        x = tg_gelu(tg_linear(x, w[i], NULL));
    tg_tensor *loss = tg_cross_entropy(tg_linear(x, head, NULL), targets, NULL);
    size_t before = tg_memory(tape).live;
    tg_reset_peak_memory(tape);
    tg_backward_with(loss, NULL, &(tg_backward_opts){.release_since = &mark});
    assert_ok(tape);
    size_t extra = tg_memory(tape).peak - before;
    print_message("%zu bytes\n", extra);
    assert_true(extra < ROWS * CLASSES * sizeof(float) / 2); /* the work space of products */
    tg_tape_free(tape);
}

/* Products of a batch: the gradient of the first factor is all over it. */
static void memory_of_products(void **state)
{
    (void)state;
    const problem p = {.rows = 4000, .width = 50, .classes = 1};
    const size_t size = 4000 * 50 * sizeof(float);
    world w = make(&p);
    tg_tensor *columns = tg_randn(w.tape, TG_DIMS(400, 50, 1), TG_REQUIRES_GRAD);
    tg_mark mark = tg_tape_mark(w.tape);
    tg_tensor *x = tg_sin(tg_reshape(w.leaf[0], 3, (int64_t[]){400, 10, 50}));
    tg_tensor *loss = tg_sum(tg_matmul(x, columns));
    size_t before = tg_memory(w.tape).live;
    tg_reset_peak_memory(w.tape);
    tg_backward_with(loss, NULL, &(tg_backward_opts){.release_since = &mark});
    assert_ok(w.tape);
    size_t extra = tg_memory(w.tape).peak - before;
    print_message("%zu bytes, a factor %zu\n", extra, size);
    assert_true(extra < size / 2);
    tg_tape_free(w.tape);
}

/* A sequence: its pass takes the gradient of the states and, of a GRU, as much for the new gate. */
static void memory_of_a_sequence(void **state)
{
    (void)state;
    enum { STEPS = 64, ROWS = 32, UNITS = 32 };
    const size_t states = STEPS * ROWS * UNITS * sizeof(float);
    for (int is_gru = 0; is_gru < 2; is_gru++) {
        const problem p = {
            .rows = STEPS * ROWS, .width = UNITS, .classes = (is_gru ? 3 : 4) * UNITS};
        world w = make(&p);
        tg_mark mark = tg_tape_mark(w.tape);
        tg_tensor *x = tg_reshape(w.leaf[0], 3, (int64_t[]){STEPS, ROWS, UNITS});
        tg_tensor *weights[] = {w.leaf[1], w.leaf[1]};
        const tg_recurrent_opts opts = {.no_bias = true};
        tg_tensor *y =
            is_gru ? tg_gru(x, weights, 2, &opts, NULL) : tg_lstm(x, weights, 2, &opts, NULL, NULL);
        tg_tensor *loss = tg_sum(tg_select(y, 0, STEPS - 1));
        size_t before = tg_memory(w.tape).live;
        tg_reset_peak_memory(w.tape);
        tg_backward_with(loss, NULL, &(tg_backward_opts){.release_since = &mark});
        assert_ok(w.tape);
        size_t extra = tg_memory(w.tape).peak - before;
        print_message("%s: %zu bytes, states %zu\n", is_gru ? "gru" : "lstm", extra, states);
        assert_true(extra < (is_gru ? 7 : 5) * states / 2); /* and the work space of products */
        tg_tape_free(w.tape);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(bits),
        cmocka_unit_test(kept),
        cmocka_unit_test(memory),
        cmocka_unit_test(memory_of_products),
        cmocka_unit_test(memory_of_a_sequence),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

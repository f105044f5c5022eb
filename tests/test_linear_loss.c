/* tg_linear_cross_entropy() beside the composition that it stands for: the same bits whatever the
 * pieces, threads and instruction set, in a little of the memory. */
#include "check.h"
#include "support.h"

#include <stdlib.h>

#include "ops/nn/cross_entropy.h"

/* A head with its inputs, and which of tg_ce_opts are on. */
typedef struct head {
    int64_t n, width, classes;
    int dtype;
    tg_reduction reduction;
    double smoothing;
    bool no_bias, class_weight, signs, ignore;
    int64_t rows, piece_classes; /* of the pieces; 0: as it likes */
} head;

enum { LEAVES = 3 };

typedef struct inputs {
    tg_tape *tape;
    tg_tensor *leaf[LEAVES], *targets;
    tg_ce_opts opts;
} inputs;

static tg_tensor *uniform(tg_tape *tape, double low, double high, int64_t n, int64_t m, int flags)
{
    tg_tensor *t = tg_zeros(tape, m ? 2 : 1, (int64_t[]){n, m}, flags);
    tg_uniform_(t, low, high);
    return t;
}

static inputs make(const head *h, const tg_tape_opts *opts)
{
    tg_tape *tape = tg_tape_new(opts);
    tg_manual_seed(tape, 7);
    int flags = h->dtype | TG_REQUIRES_GRAD;
    inputs in = {.tape = tape,
                 .leaf = {uniform(tape, -1, 1, h->n, h->width, flags),
                          uniform(tape, -1, 1, h->classes, h->width, flags),
                          h->no_bias ? NULL : uniform(tape, -3, 3, h->classes, 0, flags)},
                 .targets = tg_randint(tape, 0, h->classes, TG_DIMS(h->n), TG_I64)};
    in.opts = (tg_ce_opts){.reduction = h->reduction,
                           .label_smoothing = h->smoothing,
                           .has_ignore_index = h->ignore,
                           .ignore_index = h->classes / 2};
    if (h->class_weight)
        in.opts.weight =
            uniform(tape, h->signs ? -1 : 0.2, h->signs ? 1.1 : 2, h->classes, 0, h->dtype);
    for (int64_t i = 0; h->ignore && i < h->n; i += 3)
        ((int64_t *)tg_data_mut(in.targets))[i] = h->classes / 2;
    return in;
}

static tg_tensor *composed(const inputs *in)
{
    tg_tensor *logits = tg_linear(in->leaf[0], in->leaf[1], in->leaf[2]);
    return tg_cross_entropy(logits, in->targets, &in->opts);
}

static tg_tensor *in_pieces(const inputs *in, const head *h)
{
    return tg_linear_cross_entropy_in(in->leaf[0], in->leaf[1], in->leaf[2], in->targets, &in->opts,
                                      h->rows, h->piece_classes);
}

/* Backward with an upstream gradient that is the same for all. */
static void descend(const inputs *in, tg_tensor *loss, bool graph)
{
    tg_manual_seed(in->tape, 3);
    tg_tensor *g = tg_randn(in->tape, tg_ndim(loss), tg_sizes(loss), tg_dtype(loss));
    tg_backward_with(loss, g, &(tg_backward_opts){.create_graph = graph});
    assert_ok(in->tape);
}

static size_t bytes_of(const tg_tensor *t)
{
    return (size_t)tg_numel(t) * (tg_dtype(t) == TG_F32 ? sizeof(float) : sizeof(double));
}

static void assert_same(const char *what, int i, const tg_tensor *a, const tg_tensor *b)
{
    if (!tensors_same(a, b))
        fail_msg("%s: case %d has other bits than the composition", what, i);
}

static void assert_same_gradients(int i, const inputs *a, const inputs *b)
{
    static const char *const names[LEAVES] = {"dx", "dweight", "dbias"};
    for (int k = 0; k < LEAVES; k++) {
        if (a->leaf[k])
            assert_same(names[k], i, tg_grad(a->leaf[k]), tg_grad(b->leaf[k]));
    }
}

static const head heads[] = {
    {.n = 5, .width = 3, .classes = 7},
    {.n = 5, .width = 3, .classes = 7, .rows = 2, .piece_classes = 3},
    {.n = 70, .width = 37, .classes = 530, .reduction = TG_SUM},
    {.n = 70, .width = 37, .classes = 530, .rows = 3, .piece_classes = 1},
    {.n = 70, .width = 37, .classes = 530, .rows = 64, .piece_classes = 529},
    {.n = 2100, .width = 5, .classes = 520, .reduction = TG_NONE},
    {.n = 300, .width = 300, .classes = 700, .no_bias = true, .rows = 257, .piece_classes = 260},
    {.n = 70, .width = 37, .classes = 530, .smoothing = 0.1},
    {.n = 70, .width = 37, .classes = 530, .smoothing = 0.1, .rows = 9, .piece_classes = 33},
    {.n = 70, .width = 37, .classes = 530, .smoothing = 1, .rows = 9, .piece_classes = 33},
    {.n = 70, .width = 1, .classes = 600, .smoothing = 0.9, .class_weight = true, .rows = 8},
    {.n = 70, .width = 37, .classes = 530, .class_weight = true, .signs = true, .rows = 11},
    {.n = 70,
     .width = 37,
     .classes = 530,
     .class_weight = true,
     .signs = true,
     .smoothing = 0.3,
     .rows = 11,
     .piece_classes = 50},
    {.n = 70, .width = 37, .classes = 90, .ignore = true, .rows = 11, .piece_classes = 50},
    {.n = 90,
     .width = 37,
     .classes = 90,
     .ignore = true,
     .class_weight = true,
     .reduction = TG_NONE,
     .rows = 7},
    {.n = 1, .width = 64, .classes = 1025},
    {.n = 40, .width = 130, .classes = 1030, .rows = 16}, /* the gradient is made in place */
    {.n = 70, .width = 37, .classes = 530, .dtype = TG_F64, .rows = 11, .piece_classes = 50},
    {.n = 40, .width = 9, .classes = 530, .dtype = TG_F64, .smoothing = 0.1, .piece_classes = 50},
    {.n = 40, .width = 130, .classes = 1030, .dtype = TG_F64, .reduction = TG_NONE},
};
enum { HEADS = sizeof heads / sizeof *heads };

/* On every instruction set and on one to three threads, against the composition on one. */
static void bits(void **state)
{
    (void)state;
    for (int i = 0; i < HEADS; i++) {
        const head *h = &heads[i];
        bool large = h->n * h->width * h->classes > 1000000;
        inputs want = make(h, &(tg_tape_opts){.threads = 1});
        tg_tensor *loss = composed(&want);
        descend(&want, loss, false);
        for (int k = 0; k < 6; k++) {
            tg_isa isa = k < 3 ? isa_number(k, large) : TG_ISA_BEST;
            inputs got = make(h, &(tg_tape_opts){.threads = 1 + k % 3, .isa = isa});
            tg_tensor *other = in_pieces(&got, h);
            assert_same("loss", i, loss, other);
            descend(&got, other, false);
            assert_same_gradients(i, &want, &got);
            tg_tape_free(got.tape);
        }
        tg_tape_free(want.tape);
    }
}

/* A recorded pass gives the bits of one that is not, and so do a second pass added to the first, and
 * a replay. */
static void ways(void **state)
{
    (void)state;
    for (int i = 0; i < HEADS; i++) {
        inputs want = make(&heads[i], NULL), got = make(&heads[i], NULL);
        tg_mark mark = tg_tape_mark(got.tape);
        tg_tensor *loss = composed(&want), *other = in_pieces(&got, &heads[i]);
        assert_int_equal(tg_tape_replay(got.tape, mark), TG_OK);
        assert_same("loss", i, loss, other);
        descend(&want, loss, false);
        descend(&got, other, true);
        assert_same_gradients(i, &want, &got);
        descend(&want, loss, false);
        descend(&got, other, false);
        assert_same_gradients(i, &want, &got);
        tg_tape_free(want.tape);
        tg_tape_free(got.tape);
    }
}

/* Where the gradient of a large leaf could be made in place, but for its other uses. */
static tg_tensor *tied(const inputs *in, const head *h, bool head_first)
{
    tg_tensor *other = tg_mean(tg_mul(in->leaf[1], in->leaf[1]));
    tg_tensor *loss = h ? in_pieces(in, h) : composed(in);
    if (head_first)
        other = tg_mean(tg_mul(in->leaf[1], in->leaf[1]));
    return tg_add(other, loss);
}

static void tied_weights(void **state)
{
    (void)state;
    const head h = {.n = 40, .width = 130, .classes = 1030, .rows = 16};
    for (int i = 0; i < 2; i++) {
        inputs want = make(&h, NULL), got = make(&h, NULL);
        descend(&want, tied(&want, NULL, i), false);
        descend(&got, tied(&got, &h, i), false);
        assert_same_gradients(i, &want, &got);
        tg_tape_free(want.tape);
        tg_tape_free(got.tape);
    }
}

/* x and the weight are one tensor; and gradients of one pass are asked for by name. */
static void same_tensor(void **state)
{
    (void)state;
    const head h = {.n = 400, .width = 400, .classes = 400, .rows = 160};
    inputs want = make(&h, NULL), got = make(&h, NULL);
    want.leaf[1] = want.leaf[0];
    got.leaf[1] = got.leaf[0];
    descend(&want, composed(&want), false);
    tg_tensor *loss = in_pieces(&got, &h), *grads[2];
    tg_manual_seed(got.tape, 3);
    tg_tensor *g = tg_randn(got.tape, TG_SCALAR, TG_F32);
    tg_gradients(loss, g, (tg_tensor *[]){got.leaf[0], got.leaf[2]}, 2, grads, NULL);
    assert_ok(got.tape);
    assert_null(tg_grad(got.leaf[0]));
    assert_same("by name", 0, tg_grad(want.leaf[0]), grads[0]);
    assert_same("by name", 2, tg_grad(want.leaf[2]), grads[1]);
    descend(&got, loss, false);
    assert_same_gradients(0, &want, &got);
    tg_tape_free(want.tape);
    tg_tape_free(got.tape);
}

/* A gradient that was dropped, and is an input all the same, is not written over unseen. */
static void dropped_gradient(void **state)
{
    (void)state;
    const head h = {.n = 400, .width = 400, .classes = 400, .no_bias = true};
    inputs in = make(&h, NULL);
    descend(&in, in_pieces(&in, &h), false);
    inputs want = make(&h, NULL);
    want.leaf[0] = uniform(want.tape, 0, 0, 400, 400, TG_F32);
    memcpy(tg_data_mut(want.leaf[0]), tg_f32(tg_grad(in.leaf[1])), bytes_of(want.leaf[0]));
    in.leaf[0] = tg_grad(in.leaf[1]);
    tg_zero_grad(in.leaf[1]);
    descend(&want, composed(&want), false);
    descend(&in, in_pieces(&in, &h), false);
    assert_same("dweight", 1, tg_grad(want.leaf[1]), tg_grad(in.leaf[1]));
    tg_tape_free(want.tape);
    tg_tape_free(in.tape);
}

static void changed_inputs(void **state)
{
    (void)state;
    static const char *const names[] = {"input 0", "input 1", "input 2", "input 3", "input 4"};
    const head h = {.n = 5, .width = 3, .classes = 7, .class_weight = true};
    for (int i = 0; i < 5; i++) {
        inputs in = make(&h, NULL);
        tg_tensor *all[] = {in.leaf[0], in.leaf[1], in.leaf[2], in.targets, in.opts.weight};
        tg_tensor *loss = in_pieces(&in, &h);
        tg_data_mut(all[i]);
        assert_int_equal(tg_backward(loss), TG_ESTATE);
        assert_error(in.tape, TG_ESTATE, names[i]);
        tg_tape_free(in.tape);
    }
}

/* --- memory --- */

typedef struct counter {
    size_t live, peak;
    int calls;
} counter;

static void *counting_alloc(void *context, size_t size)
{
    counter *c = context;
    c->live += size;
    c->peak = c->live > c->peak ? c->live : c->peak;
    c->calls++;
    return malloc(size);
}

static void counting_free(void *context, void *memory, size_t size)
{
    counter *c = context;
    c->live -= size;
    free(memory);
}

static void train(const inputs *in, const head *h, tg_mark mark)
{
    tg_tape_rewind(in->tape, mark);
    for (int k = 0; k < LEAVES; k++)
        tg_zero_grad(in->leaf[k]);
    descend(in, in_pieces(in, h), false);
}

/* MiB beside inputs and gradients; a second step asks for nothing. */
static double extra(const head *h, int threads)
{
    counter c = {0};
    tg_tape_opts opts = {
        .alloc = counting_alloc, .free = counting_free, .context = &c, .threads = threads};
    inputs in = make(h, &opts);
    size_t own = bytes_of(in.targets);
    for (int k = 0; k < LEAVES; k++)
        own += 2 * bytes_of(in.leaf[k]);
    tg_mark mark = tg_tape_mark(in.tape);
    train(&in, h, mark);
    int calls = c.calls;
    train(&in, h, mark);
    assert_int_equal(c.calls, calls);
    tg_tape_free(in.tape);
    assert_int_equal(c.live, 0);
    double mib = (double)(c.peak - own) / (1 << 20), logits = 0x1p-18 * (double)(h->n * h->classes);
    print_message("%lld x %lld x %lld, %d threads: %.2f MiB, logits %.0f MiB\n", (long long)h->n,
                  (long long)h->width, (long long)h->classes, threads, mib, logits);
    return mib;
}

/* 11 MiB of logits, 2.3 MiB for the products of each thread, stats and what blocks leave over; for
 * many classes 42 rows of logits instead of 11 MiB. */
static void memory(void **state)
{
    (void)state;
    static const head small[] = {
        {.n = 64, .width = 128, .classes = 32768}, /* whose weight's gradient is 16 MiB */
        {.n = 4096, .width = 4, .classes = 8192},
        {.n = 1024, .width = 4, .classes = 8192, .smoothing = 0.1},
    };
    for (size_t i = 0; i < sizeof small / sizeof *small; i++) {
        assert_true(extra(&small[i], 1) < 13.7);
        assert_true(extra(&small[i], 2) < 16);
    }
    const head many = {.n = 90, .width = 2, .classes = 200000};
    assert_true(extra(&many, 2) < 42 * 200000 * 0x1p-18 + 5);
}

/* Positions with weights of both signs whose sum is far smaller than they are: it is made once more, in two parts, also
 * where there are no logits to look at. */
static void cancelled(void **state)
{
    (void)state;
    for (int dtype = TG_F32; dtype <= TG_F64; dtype++) {
        const double near = dtype == TG_F32 ? 1e-6 : 1e-13, step = 1.0 / (1 << 20);
        const double values[] = {0.5, -0.25, 0.5 + step, -0.25};
        tg_tape *tape = tg_tape_new(NULL);
        tg_tensor *x = tensor_from(tape, values, TG_DIMS(2, 2), dtype | TG_REQUIRES_GRAD);
        tg_tensor *w = tg_eye(tape, 2, 2, dtype);
        tg_tensor *plus_minus = tensor_from(tape, (double[]){1, -1}, TG_DIMS(2), dtype);
        /* The second row the other way round, so that its target is the class with the other weight. */
        tg_tensor *rows[] = {tg_narrow(x, 0, 0, 1),
                             tg_flip(tg_narrow(x, 0, 1, 1), 1, (int64_t[]){1})};
        tg_tensor *both = tg_cat(rows, 2, 0),
                  *t = tg_from_i64(tape, (int64_t[]){0, 1}, TG_DIMS(2), 0);
        const tg_ce_opts opts = {.weight = plus_minus, .reduction = TG_SUM};
        const double a = log1p(exp(values[1] - values[0])), b = log1p(exp(values[3] - values[2]));
        const double got[] = {tg_item(tg_cross_entropy(both, t, &opts)),
                              tg_item(tg_linear_cross_entropy(both, w, NULL, t, &opts))};
        assert_ok(tape);
        for (int i = 0; i < 2; i++)
            assert_near(got[i], a - b, near * fabs(a - b) + 1e-16);
        tg_tape_free(tape);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(bits),
        cmocka_unit_test(ways),
        cmocka_unit_test(tied_weights),
        cmocka_unit_test(same_tensor),
        cmocka_unit_test(dropped_gradient),
        cmocka_unit_test(changed_inputs),
        cmocka_unit_test(memory),
        cmocka_unit_test(cancelled),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

/* tg_release(): what goes and what stays, that the memory serves again and nothing in use is
 * written over, and how a tensor without data behaves. */
#include "check.h"
#include "support.h"

static tg_tensor *leaf(tg_tape *tape, int64_t rows, int64_t columns)
{
    return tg_randn(tape, TG_DIMS(rows, columns), TG_REQUIRES_GRAD);
}

static bool is_gone(tg_tape *tape, const tg_tensor *t)
{
    bool gone = !tg_f32(t);
    assert_int_equal(tg_error(tape), gone ? TG_ESTATE : TG_OK);
    tg_clear_error(tape);
    return gone;
}

static void a_linear_layer(void **state)
{
    (void)state;
    snapshot want[3];
    for (int release = 0; release < 2; release++) {
        tg_tape *tape = tg_tape_new(NULL);
        tg_tensor *w = leaf(tape, 30, 20), *b = tg_randn(tape, TG_DIMS(30), TG_REQUIRES_GRAD);
        tg_tensor *x = leaf(tape, 10, 20);
        tg_mark mark = tg_tape_mark(tape);
        tg_tensor *z = tg_linear(x, w, b), *y = tg_relu(z), *loss = tg_mean(y);
        if (release) {
            assert_int_equal(tg_release(tape, mark, &loss, 1), TG_OK);
            assert_true(is_gone(tape, z)); /* neither the product nor relu reads it */
            assert_false(is_gone(tape, y));
        }
        assert_int_equal(tg_backward(loss), TG_OK);
        tg_tensor *leaves[] = {w, b, x};
        for (int i = 0; i < 3; i++) {
            snapshot g = snapshot_of(tg_grad(leaves[i]));
            if (release)
                assert_true(snapshot_same(&g, &want[i]));
            want[i] = g;
        }
        assert_true(want[0].numel == 600);
        tg_tape_free(tape);
    }
}

/* What is left without data, and how it is told. */
static void a_released_tensor(void **state)
{
    (void)state;
    tg_tape *tape = tg_tape_new(NULL);
    tg_tensor *x = leaf(tape, 10, 20);
    tg_mark mark = tg_tape_mark(tape);
    tg_tensor *z = tg_add_scalar(x, 1), *v = tg_transpose(z, 0, 1), *y = tg_exp(v);
    tg_tensor *loss = tg_sum(y);
    assert_int_equal(tg_retain_grad(z), TG_OK);
    assert_int_equal(tg_release(tape, mark, &loss, 1), TG_OK);
    assert_int_equal(tg_release(tape, mark, &loss, 1), TG_OK);
    tg_tensor *gone[] = {z, v};
    for (int i = 0; i < 2; i++) {
        assert_int_equal(tg_ndim(gone[i]), 2);
        assert_int_equal(tg_size(gone[i], i), 10);
        assert_int_equal(tg_numel(gone[i]), 200);
        assert_int_equal(tg_dtype(gone[i]), TG_F32);
        assert_true(tg_requires_grad(gone[i]));
        assert_ptr_equal(tg_tape_of(gone[i]), tape);
        assert_ok(tape);
        assert_null(tg_relu(gone[i]));
        assert_error(tape, TG_ESTATE, "relu: the tensor's data was given back");
        assert_null(tg_mul(x, gone[i]));
        assert_error(tape, TG_ESTATE, "mul: the tensor's data was given back");
        assert_null(tg_data_mut(gone[i]));
        assert_error(tape, TG_ESTATE, "data_mut: the tensor's data was given back");
        assert_true(isnan(tg_item(gone[i])));
        assert_error(tape, TG_ESTATE, "item: the tensor's data was given back");
        assert_int_equal(tg_print(stderr, gone[i]), TG_ESTATE);
        assert_error(tape, TG_ESTATE, "print: the tensor's data was given back");
        assert_int_equal(tg_backward(gone[i]), TG_ESTATE);
        assert_error(tape, TG_ESTATE, "backward: the tensor's data was given back");
    }
    assert_int_equal(tg_backward(loss), TG_OK);
    assert_equal(tg_f32(tg_grad(z))[7], tg_f32(tg_grad(x))[7]);
    tg_tape_rewind(tape, mark);
    assert_null(tg_relu(z));
    assert_error(tape, TG_ESTATE, "relu: the tensor was rewound away");
    tg_tape_free(tape);
}

static void what_stays(void **state)
{
    (void)state;
    tg_tape *tape = tg_tape_new(NULL);
    tg_tensor *x = leaf(tape, 10, 20);
    tg_mark mark = tg_tape_mark(tape);
    tg_tensor *constant = tg_full(tape, TG_DIMS(10, 20), 3, 0);
    tg_tensor *drawn = tg_rand(tape, TG_DIMS(10, 20), 0);
    tg_tensor *product = tg_mul(x, tg_add(constant, drawn)); /* reads the sum */
    tg_tensor *seen = tg_add_scalar(product, 1), *named = tg_add_scalar(seen, 1);
    tg_set_grad_enabled(tape, false);
    tg_tensor *view = tg_reshape(seen, 1, (int64_t[]){200});
    tg_tensor *unrecorded = tg_add_scalar(seen, 1);
    tg_set_grad_enabled(tape, true);
    tg_tensor *by_view = tg_neg(named), *other_view = tg_reshape(by_view, 1, (int64_t[]){-1});
    tg_tensor *loss = tg_sum(by_view), *keep[] = {loss, named, other_view};
    assert_int_equal(tg_release(tape, mark, keep, 3), TG_OK);
    const tg_tensor *stay[] = {constant, drawn,   seen,       view, unrecorded,
                               named,    by_view, other_view, loss, x};
    for (size_t i = 0; i < sizeof stay / sizeof *stay; i++)
        assert_false(is_gone(tape, stay[i]));
    assert_true(is_gone(tape, product));
    assert_equal(tg_f32(other_view)[199], -tg_f32(named)[199]);
    assert_equal(tg_f32(view)[199] + 1, tg_f32(named)[199]);
    assert_int_equal(tg_backward(loss), TG_OK);
    assert_equal(tg_f32(tg_grad(x))[5], -(3 + tg_f32(drawn)[5]));
    tg_tape_free(tape);
}

/* Nothing of a chain of sums is read again: two tensors do for any length. */
static void memory_serves_again(void **state)
{
    (void)state;
    enum { LAYERS = 200, N = 10000 };
    const size_t bytes = N * sizeof(float);
    size_t peak[2];
    for (int release = 0; release < 2; release++) {
        tg_tape *tape = tg_tape_new(NULL);
        tg_tensor *x = tg_ones(tape, TG_DIMS(N), TG_REQUIRES_GRAD), *y = x;
        size_t before = tg_memory(tape).data;
        for (int i = 0; i < LAYERS; i++) {
            tg_mark mark = tg_tape_mark(tape);
            y = tg_add_scalar(tg_mul_scalar(y, 1), 1);
            if (release)
                assert_int_equal(tg_release(tape, mark, &y, 1), TG_OK);
        }
        assert_equal(tg_f32(y)[N - 1], LAYERS + 1);
        /* Each y lies in a mark of its own, and so stays; the products share one place. */
        size_t results = release ? LAYERS : 2 * LAYERS;
        assert_true(tg_memory(tape).data - before < (results + 3) * bytes);
        assert_int_equal(tg_backward(tg_sum(y)), TG_OK);
        assert_equal(tg_f32(tg_grad(x))[N - 1], 1);
        peak[release] = tg_memory(tape).peak;
        tg_tape_free(tape);
    }
    assert_true(peak[1] < peak[0] / 2 + 10 * bytes);
}

/* Neighbours that are given back are one piece, whichever goes first. */
static void neighbours(void **state)
{
    (void)state;
    enum { N = 1000 };
    for (int order = 0; order < 2; order++) {
        tg_tape *tape = tg_tape_new(&(tg_tape_opts){.block_size = 1 << 20});
        tg_tensor *x = tg_ones(tape, TG_DIMS(N), TG_REQUIRES_GRAD), *y[3], *big;
        tg_mark mark = tg_tape_mark(tape);
        for (int i = 0; i < 3; i++)
            y[i] = tg_add_scalar(x, i);
        assert_int_equal(tg_release(tape, mark, order ? y + 2 : y, order ? 1 : 2), TG_OK);
        assert_int_equal(tg_release(tape, mark, NULL, 0), TG_OK);
        size_t top = tg_memory(tape).peak;
        big = tg_ones(tape, TG_DIMS(3 * N), 0);
        assert_true(tg_memory(tape).peak < top + 500); /* its header */
        assert_equal(tg_f32(big)[3 * N - 1], 1);
        tg_tape_free(tape);
    }
}

/* An operation works in memory that was given back, and gives it back again. */
static void workspace(void **state)
{
    (void)state;
    tg_tape *tape = tg_tape_new(NULL);
    tg_tensor *x = leaf(tape, 400, 250), *t = tg_transpose(x, 0, 1);
    tg_mark mark = tg_tape_mark(tape);
    tg_tensor *gone = tg_add_scalar(tg_expand(x, 3, (int64_t[]){3, 400, 250}), 1);
    assert_int_equal(tg_release(tape, mark, NULL, 0), TG_OK);
    assert_true(is_gone(tape, gone));
    tg_memory_info before = tg_memory(tape);
    double want = tg_item(tg_sum(x));
    for (int i = 0; i < 5; i++)
        assert_near(tg_item(tg_sum(t)), want, 1e-3); /* of a contiguous copy */
    tg_memory_info after = tg_memory(tape);
    assert_true(after.data < before.data + 1000 && after.peak < before.peak + 5000);
    tg_tape_free(tape);
}

/* A rewind takes back what views and new tensors had of older data: views look at them no more, and memory
 * that was given back is to be taken again. */
static void rewound(void **state)
{
    (void)state;
    enum { N = 1000 };
    tg_tape *tape = tg_tape_new(&(tg_tape_opts){.block_size = 1 << 20});
    tg_tensor *x = tg_ones(tape, TG_DIMS(N), TG_REQUIRES_GRAD);
    tg_mark mark = tg_tape_mark(tape);
    tg_tensor *y = tg_add_scalar(x, 1), *z = tg_add_scalar(x, 2);
    tg_mark late = tg_tape_mark(tape);
    for (int i = 0; i < 3; i++) {
        assert_non_null(tg_reshape(y, 2, (int64_t[]){10, N / 10}));
        assert_non_null(tg_detach(z));
        assert_int_equal(tg_tape_rewind(tape, late), TG_OK);
    }
    assert_null(
        tg_norm(tg_slice(z, 0, 0, 10, 1), (double)NAN)); /* a composition that fails after a view */
    tg_clear_error(tape);
    assert_int_equal(tg_tape_rewind(tape, late), TG_OK);
    assert_int_equal(tg_release(tape, mark, &x, 1), TG_OK);
    assert_true(is_gone(tape, y) && is_gone(tape, z));
    size_t data = tg_memory(tape).data;
    for (int i = 0; i < 3; i++) {
        size_t top = tg_memory(tape).peak;
        assert_non_null(tg_zeros(tape, TG_DIMS(2 * N), 0)); /* y's and z's place */
        assert_true(tg_memory(tape).peak < top + 1000);
        assert_true(tg_memory(tape).data >= data + 2 * N * sizeof(float));
        assert_int_equal(tg_tape_rewind(tape, late), TG_OK);
        assert_int_equal(tg_memory(tape).data, data);
    }
    tg_tape_free(tape);
}

/* --- whatever is done, data in use are not written over --- */

enum { TENSORS = 64, MARKS = 8 };

typedef struct world {
    tg_tape *tape;
    uint64_t random;
    tg_mark mark[MARKS];
    size_t at[MARKS]; /* how many tensors there were */
    int marks;
    tg_tensor *t[TENSORS], *root;
    float value[TENSORS];
    size_t n;
} world;

static int pick(world *w, int n)
{
    return (int)random_between(&w->random, 0, n);
}

static void make(world *w)
{
    if (w->n == TENSORS)
        return;
    static const int64_t sizes[] = {1, 15, 16, 17, 60, 64, 65, 100, 1000, 1023, 3000};
    int64_t size = sizes[pick(w, 11)];
    float value = (float)pick(w, 1000);
    tg_tensor *zero = tg_mul_scalar(tg_expand(w->root, 1, &size), 0);
    w->t[w->n] = tg_add_scalar(tg_reshape(zero, 1, (int64_t[]){-1}), (double)value);
    w->value[w->n++] = value;
}

static void look(const world *w)
{
    assert_ok(w->tape);
    for (size_t i = 0; i < w->n; i++) {
        const float *x = tg_f32(w->t[i]);
        for (int64_t k = 0; k < tg_numel(w->t[i]); k++)
            assert_true(x[k] == w->value[i]);
    }
}

static void act(world *w)
{
    int what = pick(w, 10);
    int m = w->marks ? pick(w, w->marks) : 0;
    if (what < 6) {
        make(w);
    } else if (what == 6 && w->marks < MARKS) {
        w->at[w->marks] = w->n;
        w->mark[w->marks++] = tg_tape_mark(w->tape);
    } else if (what == 7 && w->marks) {
        size_t kept = w->at[m], first = kept;
        for (size_t i = first; i < w->n; i++) { /* some are forgotten */
            for (int k = m + 1; k < w->marks; k++)
                w->at[k] = w->at[k] == i ? kept : w->at[k];
            if (pick(w, 2)) {
                w->t[kept] = w->t[i];
                w->value[kept++] = w->value[i];
            }
        }
        for (int k = m + 1; k < w->marks; k++)
            w->at[k] = w->at[k] == w->n ? kept : w->at[k];
        w->n = kept;
        assert_int_equal(tg_release(w->tape, w->mark[m], w->t + w->at[m], kept - w->at[m]), TG_OK);
    } else if (what == 8 && w->marks) {
        w->n = w->at[m];
        w->marks = m + 1;
        assert_int_equal(tg_tape_rewind(w->tape, w->mark[m]), TG_OK);
    } else if (w->n) {
        assert_int_equal(tg_backward(tg_sum(w->t[w->n - 1])), TG_OK);
    }
}

static void nothing_is_written_over(void **state)
{
    (void)state;
    size_t spared = 0;
    for (uint64_t seed = 1; seed <= 50; seed++) {
        world w = {.random = seed};
        test_allocator allocator = {.fail_at = -1};
        w.tape = test_tape(&allocator, 1000);
        w.root = tg_ones(w.tape, TG_DIMS(1), TG_REQUIRES_GRAD);
        for (int i = 0; i < 300; i++) {
            act(&w);
            look(&w);
            tg_memory_info m = tg_memory(w.tape);
            assert_true(m.live == m.objects + m.data && m.peak >= m.live);
            spared += m.peak > m.live;
        }
        tg_tape_free(w.tape);
        assert_int_equal(allocator.live, 0);
    }
    assert_true(spared > 1000);
}

/* --- errors --- */

/* An input that only the gradient of another one is computed from, which nobody wants. */
static void what_another_gradient_reads(void **state)
{
    (void)state;
    enum { LAYER_NORM, BATCH_NORM, LERP, OPERATIONS };
    for (int k = 0; k < OPERATIONS; k++) {
        snapshot want = {0};
        for (int release = 0; release < 2; release++) {
            tg_tape *tape = tg_tape_new(NULL);
            tg_tensor *x = tg_randn(tape, TG_DIMS(6, 4), 0);
            tg_tensor *w = tg_randn(tape, TG_DIMS(4), TG_REQUIRES_GRAD);
            tg_mark mark = tg_tape_mark(tape);
            tg_tensor *between = tg_mul_scalar(w, 2), *y = NULL;
            if (k == LAYER_NORM)
                y = tg_layer_norm(x, TG_DIMS(4), between, NULL, 0);
            else if (k == BATCH_NORM)
                y = tg_batch_norm(x, &(tg_batch_norm_opts){.weight = between, .training = true});
            else
                y = tg_lerp(x, tg_detach(tg_square(x)), between);
            tg_tensor *loss = tg_sum(tg_mul(y, x));
            if (release)
                assert_int_equal(tg_release(tape, mark, &loss, 1), TG_OK);
            assert_true(is_gone(tape, between) == release);
            assert_int_equal(tg_backward(loss), TG_OK);
            snapshot g = snapshot_of(tg_grad(w));
            if (release)
                assert_true(snapshot_same(&g, &want));
            want = g;
            tg_tape_free(tape);
        }
    }
}

static void errors(void **state)
{
    (void)state;
    tg_tape *tape = tg_tape_new(NULL), *other = tg_tape_new(NULL);
    tg_tensor *x = leaf(tape, 4, 5);
    tg_mark start = tg_tape_mark(tape);
    tg_tensor *z = tg_add_scalar(x, 1), *y = tg_relu(z), *alien = tg_relu(leaf(other, 2, 2));
    tg_mark late = tg_tape_mark(tape);
    tg_tensor *gone = tg_neg(y), *none = NULL;
    tg_mark stale = tg_tape_mark(tape);
    tg_tape_rewind(tape, late);
    struct {
        tg_tape *tape;
        tg_mark mark;
        tg_tensor *const *keep;
        size_t n;
        tg_status status;
        const char *message;
    } bad[] = {
        {tape, stale, &y, 1, TG_ESTATE, "release: stale mark"},
        {other, start, &alien, 1, TG_EVALUE, "release: the mark is of another tape"},
        {tape, start, NULL, 1, TG_EVALUE, "release: keep is NULL"},
        {tape, start, &none, 1, TG_EVALUE, "release: kept tensor 0 is NULL"},
        {tape, start, &alien, 1, TG_EVALUE, "release: kept tensor 0 is of another tape"},
        {tape, start, &gone, 1, TG_ESTATE, "release: the tensor was rewound away"},
    };
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        tg_status status = tg_release(bad[i].tape, bad[i].mark, bad[i].keep, bad[i].n);
        assert_int_equal(status, bad[i].status);
        assert_error(bad[i].tape, bad[i].status, bad[i].message);
        assert_false(is_gone(tape, z));
    }
    assert_int_equal(tg_release(NULL, start, NULL, 0), TG_ENOMEM);
    assert_null(tg_matmul(z, z));
    assert_int_equal(tg_release(tape, start, NULL, 0), TG_ESHAPE); /* an earlier error */
    tg_clear_error(tape);
    assert_int_equal(tg_release(tape, late, NULL, 0), TG_OK); /* nothing is there */
    assert_int_equal(tg_tape_replay(tape, start), TG_OK);
    assert_int_equal(tg_release(tape, start, &y, 1), TG_OK);
    assert_int_equal(tg_tape_replay(tape, late), TG_OK);
    float before = tg_f32(y)[0];
    assert_int_equal(tg_tape_replay(tape, start), TG_ESTATE);
    assert_error(tape, TG_ESTATE, "tape_replay: data of add_scalar were given back");
    assert_equal(tg_f32(y)[0], before);
    assert_int_equal(tg_release(tape, start, &z, 1), TG_ESTATE);
    assert_error(tape, TG_ESTATE, "release: the tensor's data was given back");
    tg_tape_free(tape);
    tg_tape_free(other);
}

static tg_tensor *slope(tg_tensor *y, tg_tensor *x)
{
    tg_tensor *g = NULL;
    tg_gradients(tg_sum(y), NULL, &x, 1, &g, &(tg_backward_opts){.create_graph = true});
    return g;
}

/* What a loss of second derivatives takes, in tensors: of a layer f(w x) and its derivatives by x what gradients read,
 * w x and sums not among it. */
static void take_second_derivatives(tg_tensor *(*f)(tg_tensor *x))
{
    enum { N = 10000, LAYERS = 5, OF_A_LAYER = 9, OTHERS = 12 };
    snapshot want = {0};
    size_t peak[2];
    for (int release = 0; release < 2; release++) {
        tg_tape *tape = tg_tape_new(NULL);
        tg_tensor *x = leaf(tape, 1, N), *w = tg_ones(tape, TG_SCALAR, TG_REQUIRES_GRAD), *y = x;
        tg_mark mark = tg_tape_mark(tape);
        size_t before = tg_memory(tape).data;
        for (int i = 0; i < LAYERS; i++)
            y = f(tg_mul(w, y));
        tg_tensor *keep[] = {y, NULL};
        if (release)
            assert_int_equal(tg_release(tape, mark, keep, 1), TG_OK);
        keep[1] = slope(y, x);
        if (release)
            assert_int_equal(tg_release(tape, mark, keep, 2), TG_OK);
        tg_tensor *loss = tg_mean(tg_mul(slope(keep[1], x), y));
        if (release)
            assert_int_equal(tg_release(tape, mark, &loss, 1), TG_OK);
        tg_zero_grad(x);
        tg_backward_with(loss, NULL, &(tg_backward_opts){.release_since = release ? &mark : NULL});
        assert_ok(tape);
        snapshot g = snapshot_of(tg_grad(x));
        assert_true(!release || snapshot_same(&g, &want));
        want = g;
        peak[release] = (tg_memory(tape).peak - before) / (N * sizeof(float));
        print_message("%zu tensors\n", peak[release]);
        tg_tape_free(tape);
    }
    assert_true(peak[1] < peak[0] && peak[1] <= LAYERS * OF_A_LAYER + OTHERS);
}

static void second_derivatives(void **state)
{
    (void)state;
    take_second_derivatives(tg_tanh);
    take_second_derivatives(tg_sigmoid);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_linear_layer),
        cmocka_unit_test(a_released_tensor),
        cmocka_unit_test(what_stays),
        cmocka_unit_test(memory_serves_again),
        cmocka_unit_test(neighbours),
        cmocka_unit_test(workspace),
        cmocka_unit_test(rewound),
        cmocka_unit_test(nothing_is_written_over),
        cmocka_unit_test(what_another_gradient_reads),
        cmocka_unit_test(errors),
        cmocka_unit_test(second_derivatives),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

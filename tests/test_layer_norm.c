/* layer_norm beyond the table of operations: what its backward pass keeps and gives back, the bits
 * of a pass with and without create_graph, and gradients of the third order. */
#include "check.h"
#include "support.h"

enum { ROWS = 6, N = 5 };

typedef struct layer {
    tg_tape *tape;
    tg_tensor *leaf[3]; /* x, weight, bias */
} layer;

static layer layer_of(int dtype)
{
    layer l = {.tape = tg_tape_new(NULL)};
    int flags = dtype | TG_REQUIRES_GRAD;
    l.leaf[0] = tg_rand(l.tape, TG_DIMS(ROWS, N), flags);
    l.leaf[1] = tg_rand(l.tape, TG_DIMS(N), flags);
    l.leaf[2] = tg_rand(l.tape, TG_DIMS(N), flags);
    return l;
}

/* Neither layer_norm nor what follows reads its result. */
static tg_tensor *loss_of(const layer *l, tg_tensor **x, tg_tensor **y)
{
    tg_tensor *factor = tg_arange(l->tape, 1, N + 1, 1, tg_dtype(l->leaf[0]));
    *x = tg_add_scalar(l->leaf[0], 1);
    *y = tg_layer_norm(*x, TG_DIMS(N), l->leaf[1], l->leaf[2], 0);
    return tg_sum(tg_mul(tg_add_scalar(*y, 1), factor));
}

/* Where x is a result, its gradient takes the place of the upstream one, which the others read. */
static void same_bits_in_every_pass(void **state)
{
    (void)state;
    enum { PLAIN, RELEASED, GRAPH, PASSES };
    for (int dtype = TG_F32; dtype <= TG_F64; dtype++) {
        snapshot want[3];
        for (int pass = PLAIN; pass < PASSES; pass++) {
            layer l = layer_of(dtype);
            tg_mark mark = tg_tape_mark(l.tape);
            tg_tensor *x, *y, *loss = loss_of(&l, &x, &y);
            if (pass == RELEASED)
                assert_int_equal(tg_release(l.tape, mark, &loss, 1), TG_OK);
            const tg_backward_opts graph = {.create_graph = pass == GRAPH};
            assert_int_equal(tg_backward_with(loss, NULL, &graph), TG_OK);
            for (int i = 0; i < 3; i++) {
                snapshot g = snapshot_of(tg_grad(l.leaf[i]));
                assert_true(pass == PLAIN || snapshot_same(&g, &want[i]));
                want[i] = g;
            }
            tg_tape_free(l.tape);
        }
    }
}

static void reads_x_alone(void **state)
{
    (void)state;
    layer l = layer_of(TG_F32);
    tg_mark mark = tg_tape_mark(l.tape);
    tg_tensor *x, *y, *loss = loss_of(&l, &x, &y);
    assert_int_equal(tg_release(l.tape, mark, &loss, 1), TG_OK);
    assert_non_null(tg_f32(x));
    assert_null(tg_f32(y));
    assert_int_equal(tg_error(l.tape), TG_ESTATE);
    tg_clear_error(l.tape);
    assert_int_equal(tg_backward(loss), TG_OK);
    tg_tape_free(l.tape);
}

/* One tensor is made, besides two doubles a row. */
static void makes_one_tensor(void **state)
{
    (void)state;
    enum { LARGE = 10000 };
    tg_tape *tape = tg_tape_new(NULL);
    tg_tensor *x = tg_rand(tape, TG_DIMS(10, LARGE), TG_REQUIRES_GRAD);
    tg_tensor *w = tg_rand(tape, TG_DIMS(LARGE), TG_REQUIRES_GRAD);
    size_t before = tg_memory(tape).data;
    assert_non_null(tg_layer_norm(x, TG_DIMS(LARGE), w, w, 0));
    assert_true(tg_memory(tape).data - before < 11 * LARGE * sizeof(float));
    tg_tape_free(tape);
}

/* A change to the result is fine, one to x or to the weight is not. */
static void changes_in_place(void **state)
{
    (void)state;
    for (int i = 0; i < 3; i++) {
        layer l = layer_of(TG_F32);
        tg_tensor *x, *y, *loss = loss_of(&l, &x, &y);
        tg_tensor *changed[] = {y, x, l.leaf[1]};
        tg_data_mut(changed[i]);
        assert_int_equal(tg_backward(loss), i ? TG_ESTATE : TG_OK);
        tg_tape_free(l.tape);
    }
}

/* The gradient of input `context`, as a function of the inputs. */
static tg_tensor *gradient(tg_tensor *const *in, size_t n, void *context)
{
    (void)n;
    tg_tensor *y = tg_layer_norm(in[0], TG_DIMS(N), in[1], NULL, 0.1), *g = NULL;
    tg_tensor *of = in[*(const int *)context];
    tg_gradients(tg_sum(tg_tanh(y)), NULL, &of, 1, &g, &(tg_backward_opts){.create_graph = true});
    return g;
}

static tg_tensor *batch_gradient(tg_tensor *const *in, size_t n, void *context)
{
    (void)n;
    (void)context;
    const tg_batch_norm_opts o = {.weight = in[1], .eps = 0.1, .training = true};
    tg_tensor *y = tg_batch_norm(in[0], &o), *g = NULL;
    tg_gradients(tg_sum(tg_tanh(y)), NULL, in, 1, &g, &(tg_backward_opts){.create_graph = true});
    return g;
}

static void third_order(void **state)
{
    (void)state;
    layer l = layer_of(TG_F64);
    const tg_gradcheck_opts second = {.second_order = true};
    int of[] = {0, 1};
    tg_gradcheck(gradient, &of[0], l.leaf, 2, &second);
    tg_gradcheck(gradient, &of[1], l.leaf, 2, &second);
    tg_gradcheck(batch_gradient, NULL, l.leaf, 2, &second);
    assert_string_equal(tg_error_message(l.tape), "");
    tg_tape_free(l.tape);
}

/* --- gradients of weight and bias, which blocks of rows or, where rows are few and long, columns add up --- */

static double number(const tg_tensor *t, int64_t i)
{
    return tg_dtype(t) == TG_F32 ? (double)tg_f32(t)[i] : tg_f64(t)[i];
}

static void check_sums(tg_tensor *const leaf[3], const tg_tensor *g, int64_t column)
{
    const int64_t rows = tg_size(leaf[0], 0), n = tg_size(leaf[0], 1);
    double along = 0, up = 0;
    for (int64_t i = 0; i < rows; i++) {
        double mean = 0, squares = 0;
        for (int64_t k = 0; k < n; k++)
            mean += number(leaf[0], i * n + k) / (double)n;
        for (int64_t k = 0; k < n; k++)
            squares += pow(number(leaf[0], i * n + k) - mean, 2);
        double h = (number(leaf[0], i * n + column) - mean) / sqrt(squares / (double)n + 1e-5);
        along += number(g, i * n + column) * h;
        up += number(g, i * n + column);
    }
    if (tg_grad(leaf[1]))
        assert_near(number(tg_grad(leaf[1]), column), along, 1e-6 * (2 + fabs(along)));
    if (tg_grad(leaf[2]))
        assert_near(number(tg_grad(leaf[2]), column), up, 1e-6 * (2 + fabs(up)));
}

static void sums_over_rows(void **state)
{
    (void)state;
    static const int64_t sizes[][2] = {{3, 600}, {40, 600}, {1, 256}, {300, 2000}};
    for (int k = 0; k < 4 * 2 * 7 * 2; k++) { /* sizes, dtypes, what wants a gradient, threads */
        const int64_t rows = sizes[k % 4][0], n = sizes[k % 4][1];
        const int dtype = k / 4 % 2 ? TG_F64 : TG_F32, wanted = 1 + k / 8 % 7;
        tg_tape *tape = tg_tape_new(&(tg_tape_opts){.threads = k < 56 ? 1 : 3});
        tg_tensor *leaf[3];
        for (int i = 0; i < 3; i++) {
            const int flags = dtype | (wanted >> i & 1 ? TG_REQUIRES_GRAD : 0);
            leaf[i] = i ? tg_rand(tape, TG_DIMS(n), flags) : tg_rand(tape, TG_DIMS(rows, n), flags);
        }
        tg_tensor *g = tg_rand(tape, TG_DIMS(rows, n), dtype);
        tg_tensor *y = tg_layer_norm(leaf[0], TG_DIMS(n), leaf[1], leaf[2], 0);
        assert_int_equal(tg_backward_with(y, g, NULL), TG_OK);
        for (int64_t column = 0; column < n; column += n / 5)
            check_sums(leaf, g, column);
        tg_tape_free(tape);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(same_bits_in_every_pass),
        cmocka_unit_test(reads_x_alone),
        cmocka_unit_test(makes_one_tensor),
        cmocka_unit_test(changes_in_place),
        cmocka_unit_test(third_order),
        cmocka_unit_test(sums_over_rows),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

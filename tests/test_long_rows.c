/* Kernels on rows, and on arrays, longer than what they work on at a time, beside what the definition gives in float64.
 * The sizes stand on both sides of where the kernels change their way. */
#include "check.h"
#include "support.h"

static tg_tensor *random_like(tg_tape *tape, int64_t rows, int64_t n, int flags)
{
    return tg_randn(tape, TG_DIMS(rows, n), flags);
}

static double distance(tg_tensor *a, tg_tensor *b)
{
    return tg_item(tg_max(tg_abs(tg_sub(tg_to(a, TG_F64), tg_to(b, TG_F64)))));
}

/* (x - mean) / sqrt(variance + eps) * weight + bias, operation by operation. */
static tg_tensor *normalised(tg_tensor *x, tg_tensor *weight, tg_tensor *bias)
{
    tg_tensor *mean = tg_mean_dim(x, 1, true);
    tg_tensor *centred = tg_sub(x, mean);
    tg_tensor *variance = tg_mean_dim(tg_square(centred), 1, true);
    tg_tensor *y = tg_div(centred, tg_sqrt(tg_add_scalar(variance, 1e-5)));
    return weight ? tg_add(tg_mul(y, weight), bias) : y;
}

static void check_layer_norm(int64_t rows, int64_t n, int dtype, bool affine)
{
    tg_tape *tape = tg_tape_new(NULL);
    tg_manual_seed(tape, (uint64_t)(rows + n));
    tg_tensor *x[2], *w[2] = {NULL, NULL}, *b[2] = {NULL, NULL}, *y[2], *g;
    x[0] = random_like(tape, rows, n, dtype | TG_REQUIRES_GRAD);
    g = random_like(tape, rows, n, dtype);
    x[1] = tg_full(tape, TG_DIMS(rows, n), 0, TG_F64 | TG_REQUIRES_GRAD);
    if (affine) {
        w[0] = tg_rand(tape, TG_DIMS(n), dtype | TG_REQUIRES_GRAD);
        b[0] = tg_rand(tape, TG_DIMS(n), dtype | TG_REQUIRES_GRAD);
        w[1] = tg_full(tape, TG_DIMS(n), 0, TG_F64 | TG_REQUIRES_GRAD);
        b[1] = tg_full(tape, TG_DIMS(n), 0, TG_F64 | TG_REQUIRES_GRAD);
    }
    tg_set_grad_enabled(tape, false);
    tg_copy_(x[1], tg_to(x[0], TG_F64));
    if (affine) {
        tg_copy_(w[1], tg_to(w[0], TG_F64));
        tg_copy_(b[1], tg_to(b[0], TG_F64));
    }
    tg_set_grad_enabled(tape, true);
    y[0] = tg_layer_norm(x[0], 1, &n, w[0], b[0], 0);
    y[1] = normalised(x[1], w[1], b[1]);
    tg_backward_with(y[0], g, NULL);
    tg_backward_with(y[1], tg_to(g, TG_F64), NULL);
    assert_ok(tape);
    double near = dtype == TG_F32 ? 2e-6 : 1e-13, sums = near * 10 * (double)rows;
    assert_true(distance(y[0], y[1]) < near);
    assert_true(distance(tg_grad(x[0]), tg_grad(x[1])) < near);
    assert_true(!affine || distance(tg_grad(w[0]), tg_grad(w[1])) < sums);
    assert_true(!affine || distance(tg_grad(b[0]), tg_grad(b[1])) < sums);
    tg_tape_free(tape);
}

static void layer_norms(void **state)
{
    (void)state;
    static const int64_t lengths[] = {2047, 2048, 2049, 4096, 5000};
    for (size_t i = 0; i < sizeof lengths / sizeof *lengths; i++) {
        for (int dtype = TG_F32; dtype <= TG_F64; dtype++) {
            check_layer_norm(3, lengths[i], dtype, true);
            check_layer_norm(2, lengths[i], dtype, false);
        }
    }
    check_layer_norm(200, 2100, TG_F32, true); /* more blocks than sums are kept for */
    check_layer_norm(20, 20000, TG_F32, true);
}

/* What is chosen of an array that is looked through in pieces. */
static void chosen(void **state)
{
    (void)state;
    static const int64_t lengths[] = {1, 4095, 4096, 4097, 70000, 200001};
    for (size_t i = 0; i < sizeof lengths / sizeof *lengths; i++) {
        int64_t n = lengths[i];
        tg_tape *tape = tg_tape_new(NULL);
        tg_tensor *x = tg_remainder(tg_arange(tape, 0, (double)n, 1, TG_I64),
                                    tg_full(tape, TG_SCALAR, 7, TG_I64));
        tg_tensor *mask = tg_eq_scalar(x, 3), *at = tg_nonzero(mask);
        assert_ok(tape);
        int64_t count = n > 3 ? (n - 4) / 7 + 1 : 0;
        assert_int_equal(tg_numel(at), count);
        for (int64_t k = 0; k < count; k++)
            assert_true(tg_i64(at)[k] == 7 * k + 3);
        tg_tape_free(tape);
    }
}

/* Rows that are repeated, and added up again by their gradient: longer than a piece. */
static void repeated(void **state)
{
    (void)state;
    static const int64_t lengths[] = {4095, 4096, 4097, 9000};
    for (size_t i = 0; i < sizeof lengths / sizeof *lengths; i++) {
        int64_t n = lengths[i];
        tg_tape *tape = tg_tape_new(NULL);
        tg_tensor *x = random_like(tape, 2, n, TG_F64 | TG_REQUIRES_GRAD);
        tg_tensor *y = tg_repeat_interleave(x, 3, 0), *g = random_like(tape, 6, n, TG_F64);
        assert_int_equal(tg_backward_with(y, g, NULL), TG_OK);
        for (int64_t k = 0; k < 6 * n; k++)
            assert_true(tg_f64(y)[k] == tg_f64(x)[k / n / 3 * n + k % n]);
        for (int64_t k = 0; k < 2 * n; k++) {
            const double *of = tg_f64(g) + k / n * 3 * n + k % n;
            assert_near(tg_f64(tg_grad(x))[k], of[0] + of[n] + of[2 * n], 1e-14);
        }
        tg_tape_free(tape);
    }
}

/* In columns of many entries, sums of exponentials end in pieces. */
static void columns(void **state)
{
    (void)state;
    static const int64_t lengths[] = {127, 128, 129, 300, 1100};
    for (size_t i = 0; i < 2 * sizeof lengths / sizeof *lengths; i++) {
        for (int dtype = TG_F32; dtype <= TG_F64; dtype++) {
            tg_tape *tape = tg_tape_new(NULL);
            tg_tensor *x = random_like(tape, lengths[i / 2], i % 2 ? 3 : 40, dtype);
            tg_tensor *wide = tg_to(x, TG_F64), *e = tg_exp(wide);
            double near = dtype == TG_F32 ? 1e-6 : 1e-14;
            tg_tensor *want = tg_div(e, tg_sum_dim(e, 0, true));
            assert_true(distance(tg_softmax(x, 0), want) < near);
            assert_true(distance(tg_logsumexp_dim(x, 0, true), tg_log(tg_sum_dim(e, 0, true))) <
                        10 * near);
            tg_tape_free(tape);
        }
    }
}

/* The largest of a row of more pieces than there are places for, and of columns that stand side by side; one of them
 * is the largest by itself, then it comes twice, then it is a nan. */
static void extremes(void **state)
{
    (void)state;
    static const int64_t lengths[] = {1 << 15, (1 << 20) + 1000};
    for (size_t i = 0; i < 2; i++) {
        const int64_t n = lengths[i], places[] = {0, n / 3, n - 1};
        tg_tape *tape = tg_tape_new(NULL);
        tg_tensor *x = tg_zeros(tape, TG_DIMS(n), 0);
        float *data = tg_data_mut(x);
        for (int64_t k = 0; k < n; k++)
            data[k] = (float)(k % 1000) - 500;
        for (int k = 0; k < 3; k++) {
            const float before = data[places[k]];
            data[places[k]] = 1000;
            assert_true(tg_item(tg_argmax_dim(x, 0, false)) == (double)places[k]);
            assert_true(tg_item(tg_max_dim(x, 0, false)) == 1000);
            assert_true(tg_item(tg_min_dim(x, 0, false)) == -500);
            data[n / 2] = 1000;
            const int64_t first = places[k] < n / 2 ? places[k] : n / 2;
            assert_true(tg_item(tg_argmax_dim(x, 0, false)) == (double)first);
            data[places[k]] = (float)NAN;
            assert_true(tg_item(tg_argmax_dim(x, 0, false)) == (double)places[k]);
            data[places[k]] = before;
            data[n / 2] = (float)(n / 2 % 1000) - 500;
        }
        tg_tape_free(tape);
    }
}

/* Columns, in groups that are full and in ones that are not: their largest, sums, products and orders are those of
 * each column by itself. */
static void groups_of_columns(void **state)
{
    (void)state;
    enum { ROWS = 5 };
    static const int64_t widths[] = {1, 3, 4, 15, 16, 17, 40, 64, 65, 200};
    for (size_t i = 0; i < sizeof widths / sizeof *widths; i++) {
        const int64_t w = widths[i];
        tg_tape *tape = tg_tape_new(NULL);
        tg_tensor *x = random_like(tape, ROWS, w, TG_F64);
        tg_tensor *most = tg_max_dim(x, 0, false), *least = tg_argmin_dim(x, 0, false);
        tg_tensor *sums = tg_cumsum(x, 0), *products = tg_cumprod(x, 0);
        tg_tensor *product = tg_prod_dim(x, 0, false);
        assert_ok(tape);
        for (int64_t c = 0; c < w; c++) {
            double largest = -(double)INFINITY, sum = 0, all = 1;
            int64_t at = 0;
            for (int64_t k = 0; k < ROWS; k++) {
                const double v = tg_f64(x)[k * w + c];
                largest = v > largest ? v : largest;
                at = v < tg_f64(x)[at * w + c] ? k : at;
                sum += v;
                all *= v;
                assert_near(tg_f64(sums)[k * w + c], sum, 1e-14);
                assert_near(tg_f64(products)[k * w + c], all, 1e-14);
            }
            assert_true(tg_f64(most)[c] == largest);
            assert_true(tg_i64(least)[c] == at);
            assert_near(tg_f64(product)[c], all, 1e-14);
        }
        tg_tape_free(tape);
    }
}

/* The gradient of products of columns, where they can be divided and where they underflow; and that of running ones. */
static void slopes_of_columns(void **state)
{
    (void)state;
    enum { ROWS = 5 };
    static const int64_t widths[] = {3, 15, 16, 17, 40};
    for (size_t i = 0; i < 2 * sizeof widths / sizeof *widths; i++) {
        const int64_t w = widths[i / 2];
        tg_tape *tape = tg_tape_new(NULL);
        tg_tensor *x = random_like(tape, ROWS, w, TG_F64 | TG_REQUIRES_GRAD);
        for (int64_t c = 0; c < w && i % 2; c += 3)
            ((double *)tg_data_mut(x))[c % ROWS * w + c] = 0;
        tg_tensor *y = tg_prod_dim(x, 0, false), *running = tg_cumprod(x, 0), *g[2];
        tg_gradients(tg_sum(y), NULL, &x, 1, &g[0], NULL);
        tg_gradients(tg_sum(running), NULL, &x, 1, &g[1], NULL);
        assert_ok(tape);
        for (int64_t c = 0; c < w; c++) {
            for (int64_t k = 0; k < ROWS; k++) {
                double others = 1, sum = 0;
                for (int64_t j = 0; j < ROWS; j++) {
                    others *= j == k ? 1 : tg_f64(x)[j * w + c];
                    sum += j >= k ? others : 0;
                }
                assert_near(tg_f64(g[0])[k * w + c], others, 1e-13);
                assert_near(tg_f64(g[1])[k * w + c], sum, 1e-13);
            }
        }
        tg_tape_free(tape);
    }
}

/* The first of many, some of them equal, by all ways of finding them: few of a row, a part of it, all of it. */
static void first_of_many(void **state)
{
    (void)state;
    static const struct {
        int64_t n, k;
    } cases[] = {{100, 1},    {2000, 170},        {2000, 400},
                 {2000, 600}, {(1 << 18) + 3, 5}, {(1 << 18) + 3, 70000}};
    for (size_t i = 0; i < 2 * sizeof cases / sizeof *cases; i++) {
        const int64_t n = cases[i / 2].n, k = cases[i / 2].k, rows = 3;
        const int dtype = i % 2 ? TG_I64 : TG_F32;
        tg_tape *tape = tg_tape_new(&(tg_tape_opts){.threads = 2});
        tg_tensor *x = tg_to(tg_randint(tape, 0, n / 2, TG_DIMS(rows, n), TG_I64), dtype);
        tg_tensor *at = tg_argtopk(x, k, 1, true), *wide = tg_to(x, TG_I64);
        assert_ok(tape);
        for (int64_t row = 0; row < rows; row++) {
            const int64_t *v = tg_i64(wide) + row * n, *p = tg_i64(at) + row * k;
            int64_t larger = 0, equal = 0;
            for (int64_t j = 0; j < n; j++) {
                larger += v[j] > v[p[k - 1]];
                equal += v[j] == v[p[k - 1]] && j <= p[k - 1];
            }
            assert_int_equal(larger + equal, k); /* none is left out */
            for (int64_t j = 1; j < k; j++)
                assert_true(v[p[j - 1]] > v[p[j]] || (v[p[j - 1]] == v[p[j]] && p[j - 1] < p[j]));
        }
        tg_tape_free(tape);
    }
}

/* Products of matrices that are long in one way, which are packed or read where they lie; elements of them, and what
 * is no product at all. */
static void long_products(void **state)
{
    (void)state;
    static const int64_t sizes[][3] = {{9, 33, (1 << 18) + 1},
                                       {9, (1 << 18) + 1, 2},
                                       {40, 1100, 16},
                                       {40, 1100, 17},
                                       {20, 964, 400},
                                       {3, 2, 0},
                                       {20, 40, 0}};
    for (size_t i = 0; i < 2 * sizeof sizes / sizeof *sizes; i++) {
        const int64_t m = sizes[i / 2][0], n = sizes[i / 2][1], k = sizes[i / 2][2];
        tg_tape *tape = tg_tape_new(&(tg_tape_opts){.threads = 1});
        tg_tensor *a = random_like(tape, m, k, 0);
        tg_tensor *b =
            i % 2 ? tg_transpose(random_like(tape, n, k, 0), 0, 1) : random_like(tape, k, n, 0);
        tg_tensor *y = tg_matmul(a, b), *lying = tg_contiguous(b);
        assert_ok(tape);
        for (int64_t at = 0; at < m * n; at += 1 + at / 2) {
            double sum = 0, size = 0;
            for (int64_t j = 0; j < k; j++) {
                const double term =
                    (double)tg_f32(a)[at / n * k + j] * (double)tg_f32(lying)[j * n + at % n];
                sum += term;
                size += fabs(term);
            }
            assert_near(tg_f32(y)[at], sum, 1e-6 * size);
        }
        tg_tape_free(tape);
    }
}

/* Many rows of few, which are done side by side, but for the last. */
static void rows_of_few(void **state)
{
    (void)state;
    for (int i = 0; i < 6; i++) {
        const int64_t rows = 63 + i / 2;
        const int dtype = i % 2 ? TG_F64 : TG_F32;
        tg_tape *tape = tg_tape_new(NULL);
        tg_tensor *x = random_like(tape, rows, 5, dtype), *e = tg_exp(tg_to(x, TG_F64)),
                  *sum = tg_sum_dim(e, 1, true);
        const double near = dtype == TG_F32 ? 1e-6 : 1e-14;
        assert_true(distance(tg_softmax(x, 1), tg_div(e, sum)) < near);
        assert_true(distance(tg_log_softmax(x, 1), tg_log(tg_div(e, sum))) < 10 * near);
        assert_true(distance(tg_logsumexp_dim(x, 1, true), tg_log(sum)) < 10 * near);
        tg_tape_free(tape);
    }
}

/* The gradient of cross_entropy's sum is softmax less one at the target, however its rows lie: side by side in columns,
 * a few of which are longer than what is copied; with ends of blocks among them; so large that it is streamed. */
static void many_classes(void **state)
{
    (void)state;
    static const struct {
        int64_t n, c, d;
        int dtype;
    } cases[] = {{2, 1500, 3, TG_F32},    {2, 1500, 3, TG_F64},   {1, 5, 9000, TG_F32},
                 {1, 5, 9000, TG_F64},    {3, 5, 50, TG_F32},     {2200, 2001, 1, TG_F32},
                 {1100, 2001, 1, TG_F64}, {1060, 2000, 1, TG_F64}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        const int64_t n = cases[i].n, c = cases[i].c, d = cases[i].d;
        tg_tape *tape = tg_tape_new(&(tg_tape_opts){.threads = 2});
        tg_tensor *x = tg_rand(tape, TG_DIMS(n, c, d), cases[i].dtype | TG_REQUIRES_GRAD);
        tg_tensor *t = tg_randint(tape, 0, c, TG_DIMS(n, d), TG_I64);
        tg_tensor *loss = tg_cross_entropy(x, t, &(tg_ce_opts){.reduction = TG_SUM});
        assert_int_equal(tg_backward(loss), TG_OK);
        double all = 0;
        const double near = cases[i].dtype == TG_F32 ? 1e-7 : 1e-15;
        for (int64_t k = 0; k < n * d; k++) {
            const int64_t start = k / d * c * d + k % d, target = tg_i64(t)[k];
            const bool wide = cases[i].dtype == TG_F64;
            double sum = 0, at = 0;
            for (int64_t j = 0; j < c; j++) {
                const double v = wide ? tg_f64(x)[start + j * d] : (double)tg_f32(x)[start + j * d];
                sum += exp(v);
                at = j == target ? v : at;
            }
            all += log(sum) - at;
            for (int64_t j = k % 7; j<c; j += n * d> 500 ? 97 : 1) {
                const double v = wide ? tg_f64(x)[start + j * d] : (double)tg_f32(x)[start + j * d];
                const double g = wide ? tg_f64(tg_grad(x))[start + j * d]
                                      : (double)tg_f32(tg_grad(x))[start + j * d];
                assert_near(g, exp(v) / sum - (j == target), near);
            }
        }
        assert_near(tg_item(loss), all, 1e-6 * all);
        tg_tape_free(tape);
    }
}

/* Leaves nans where kernels have their arrays next: what they read of them without having written it is seen. */
static void soil_stack(void)
{
    volatile double junk[6000];
    for (int i = 0; i < 6000; i++)
        junk[i] = (double)NAN;
    (void)junk[5999];
}

/* Softmaxes of rows that end within a piece, and their gradients, beside the same in float64 by their definition. */
static void softmaxes(void **state)
{
    (void)state;
    static const int64_t lengths[] = {8, 16, 511, 512, 513, 1100};
    for (size_t i = 0; i < 4 * sizeof lengths / sizeof *lengths; i++) {
        const int64_t n = lengths[i / 4];
        const int dtype = i % 2 ? TG_F64 : TG_F32;
        const double near = dtype == TG_F32 ? 2e-6 : 1e-14;
        tg_tape *tape = tg_tape_new(NULL);
        tg_tensor *x[2], *y[2], *g = random_like(tape, 2, n, dtype);
        x[0] = random_like(tape, 2, n, dtype | TG_REQUIRES_GRAD);
        x[1] = tg_full(tape, TG_DIMS(2, n), 0, TG_F64 | TG_REQUIRES_GRAD);
        tg_copy_(tg_detach(x[1]), tg_detach(x[0]));
        soil_stack();
        y[0] = i / 2 % 2 ? tg_log_softmax(x[0], 1) : tg_softmax(x[0], 1);
        y[1] = tg_div(tg_exp(x[1]), tg_sum_dim(tg_exp(x[1]), 1, true));
        y[1] = i / 2 % 2 ? tg_log(y[1]) : y[1];
        tg_backward_with(y[0], g, NULL);
        tg_backward_with(y[1], tg_to(g, TG_F64), NULL);
        assert_ok(tape);
        assert_true(distance(y[0], y[1]) < near);
        assert_true(distance(tg_grad(x[0]), tg_grad(x[1])) < near);
        tg_tape_free(tape);
    }
}

/* Products of columns that underflow, whose others are 0 as well, or nan where what they are multiplied by is not
 * finite; an infinite element far down, and products that overflow there, keep those alive that they are in. */
static void gone_products(void **state)
{
    (void)state;
    enum { N = 400, W = 3 };
    const double upstream[] = {1, (double)INFINITY, (double)NAN};
    for (int i = 0; i < 18; i++) {
        const bool column = i % 2;
        const int way = i / 2 % 3;
        const int64_t w = column ? 1 : W;
        tg_tape *tape = tg_tape_new(NULL);
        tg_tensor *x = tg_full(tape, TG_DIMS(N, w), 1e-30, TG_F64 | TG_REQUIRES_GRAD);
        if (way == 1)
            ((double *)tg_data_mut(x))[(N - 1) * w] = (double)INFINITY;
        for (int64_t k = N / 2 * w; k < N * w && way == 2; k++)
            ((double *)tg_data_mut(x))[k] = 1e30;
        tg_tensor *g = tg_full(tape, TG_DIMS(w), upstream[i / 6], TG_F64);
        assert_int_equal(tg_backward_with(tg_prod_dim(x, 0, false), g, NULL), TG_OK);
        for (int64_t c = 0; c < w; c++) {
            for (int64_t k = 0; k < N; k += 57) {
                double before = 1, behind = 1;
                for (int64_t j = 0; j < k; j++)
                    before *= tg_f64(x)[j * w + c];
                for (int64_t j = N - 1; j > k; j--)
                    behind *= tg_f64(x)[j * w + c];
                const double want = upstream[i / 6] * (before * behind);
                const double got = tg_f64(tg_grad(x))[k * w + c];
                assert_true(got == want || (isnan(got) && isnan(want)));
            }
        }
        tg_tape_free(tape);
    }
}

/* cross_entropy of probabilities in columns, longer than what is added up at a time. */
static void probabilities(void **state)
{
    (void)state;
    enum { N = 2, C = 43, D = 3 };
    for (int dtype = TG_F32; dtype <= TG_F64; dtype++) {
        tg_tape *tape = tg_tape_new(NULL);
        tg_tensor *x = tg_randn(tape, TG_DIMS(N, C, D), dtype),
                  *p = tg_rand(tape, TG_DIMS(N, C, D), dtype);
        const double got = tg_item(tg_cross_entropy(x, p, &(tg_ce_opts){.reduction = TG_SUM}));
        tg_tensor *wide = tg_to(x, TG_F64), *q = tg_to(p, TG_F64);
        double all = 0;
        for (int64_t k = 0; k < N * D; k++) {
            const int64_t start = k / D * C * D + k % D;
            double sum = 0;
            for (int64_t c = 0; c < C; c++)
                sum += exp(tg_f64(wide)[start + c * D]);
            for (int64_t c = 0; c < C; c++)
                all += tg_f64(q)[start + c * D] * (log(sum) - tg_f64(wide)[start + c * D]);
        }
        assert_near(got, all, (dtype == TG_F32 ? 1e-6 : 1e-13) * all);
        tg_tape_free(tape);
    }
}

/* Nearest elements of one, as many as float32 does not count any more: PyTorch's places are rounded, and the last would
 * be behind it. */
static void nearest_of_one(void **state)
{
    (void)state;
    enum { N = 1 << 24 };
    tg_tape *tape = tg_tape_new(NULL);
    for (int64_t n = N; n < N + 8; n += 4) { /* the second */
        tg_mark mark = tg_tape_mark(tape);
        tg_tensor *x = tg_full(tape, TG_DIMS(1, 1, 1), 7, 0);
        tg_tensor *y = tg_interpolate(x, &(tg_interpolate_opts){.size = {n}});
        assert_ok(tape);
        assert_int_equal(tg_numel(y), n);
        for (int64_t i = 0; i < n; i += i < n - 9 ? 4099 : 1)
            assert_true(tg_f32(y)[i] == 7);
        assert_true(tg_f32(y)[n - 1] == 7);
        tg_tape_rewind(tape, mark);
    }
    tg_tape_free(tape);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(layer_norms),       cmocka_unit_test(chosen),
        cmocka_unit_test(repeated),          cmocka_unit_test(columns),
        cmocka_unit_test(extremes),          cmocka_unit_test(groups_of_columns),
        cmocka_unit_test(slopes_of_columns), cmocka_unit_test(first_of_many),
        cmocka_unit_test(long_products),     cmocka_unit_test(many_classes),
        cmocka_unit_test(softmaxes),         cmocka_unit_test(rows_of_few),
        cmocka_unit_test(gone_products),     cmocka_unit_test(probabilities),
        cmocka_unit_test(nearest_of_one)};
    return cmocka_run_group_tests_name("long rows", tests, NULL, NULL);
}

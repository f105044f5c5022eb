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
    for (size_t i = 0; i < sizeof lengths / sizeof *lengths; i++) {
        for (int dtype = TG_F32; dtype <= TG_F64; dtype++) {
            tg_tape *tape = tg_tape_new(NULL);
            tg_tensor *x = random_like(tape, lengths[i], 40, dtype);
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

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(layer_norms), cmocka_unit_test(chosen),
                                       cmocka_unit_test(repeated), cmocka_unit_test(columns)};
    return cmocka_run_group_tests_name("long rows", tests, NULL, NULL);
}

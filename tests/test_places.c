/* What the op table cannot say of padding, sorting and choosing: counts that depend on data, in
 * replays; large tensors, whose rows are shared by threads and sorted byte by byte; views of one
 * another. */
#include "check.h"
#include "op_table.h"

#include <math.h>
#include <string.h>

/* --- nonzero and masked_select where their count changes --- */

static void test_count_in_replay(void **state)
{
    (void)state;
    tg_tape *tape = tg_tape_new(NULL);
    tg_tensor *x = tg_from_f32(tape, (float[]){1, 0, 2, 0, 3, 0}, TG_DIMS(2, 3), 0);
    tg_mark start = tg_tape_mark(tape);
    tg_tensor *at = tg_nonzero(x), *chosen = tg_masked_select(x, tg_gt_scalar(x, 0.5));
    assert_int_equal(tg_size(at, 0), 3);
    assert_int_equal(tg_i64(at)[5], 1); /* (1, 1) */
    float *data = tg_data_mut(x);
    memcpy(data, (float[]){0, 5, 0, 0, 6, 7}, 6 * sizeof *data);
    assert_int_equal(tg_tape_replay(tape, start), TG_OK);
    assert_int_equal(tg_i64(at)[1], 1);
    assert_true(tg_f32(chosen)[2] == 7);
    data = tg_data_mut(x);
    data[0] = 1;
    assert_int_equal(tg_tape_replay(tape, start), TG_ESTATE);
    assert_string_equal(tg_error_message(tape), "nonzero: 4 elements are chosen, where there were "
                                                "3 when this was recorded");
    tg_clear_error(tape);
    data[0] = 0.25F; /* not 0, but not chosen */
    data[1] = 0;
    assert_int_equal(tg_tape_replay(tape, start), TG_ESTATE);
    assert_string_equal(tg_error_message(tape), "masked_select: 2 elements are chosen, where there "
                                                "were 3 when this was recorded");
    tg_tape_free(tape);
}

static void test_count_in_capture(void **state)
{
    (void)state;
    tg_tape *tape = tg_tape_new(NULL);
    tg_tensor *x = tg_from_f64(tape, (double[]){1, -2, 3}, TG_DIMS(3), TG_F64 | TG_REQUIRES_GRAD);
    tg_capture *step = tg_capture_begin(tape);
    tg_backward(tg_sum(tg_square(tg_masked_select(x, tg_gt_scalar(x, 0)))));
    assert_int_equal(tg_capture_end(step), TG_OK);
    double *data = tg_data_mut(x);
    data[0] = -1, data[1] = 4;
    tg_zero_grad(x);
    assert_int_equal(tg_capture_replay(step), TG_OK);
    assert_true(tg_f64(tg_grad(x))[0] == 0 && tg_f64(tg_grad(x))[1] == 8);
    data = tg_data_mut(x);
    data[2] = -1;
    tg_zero_grad(x);
    assert_int_equal(tg_capture_replay(step), TG_ESTATE);
    assert_non_null(strstr(tg_error_message(tape), "masked_select: 1 elements are chosen"));
    tg_tape_free(tape);
}

/* --- sorting --- */

/* Whether a row is sorted by that index, equals in order of place. */
static void check_order(const tg_tensor *x, const int64_t *index, int64_t n, int64_t step,
                        bool descending)
{
    for (int64_t i = 1; i < n; i++) {
        int64_t a = index[(i - 1) * step], b = index[i * step];
        double u =
            tg_dtype(x) == TG_I64 ? (double)tg_i64(x)[a * step] : (double)tg_f32(x)[a * step];
        double v =
            tg_dtype(x) == TG_I64 ? (double)tg_i64(x)[b * step] : (double)tg_f32(x)[b * step];
        assert_true(u == v ? a < b : (u < v) != descending);
    }
}

static void test_long_rows(void **state)
{
    (void)state;
    tg_tape *tape = tg_tape_new(&(tg_tape_opts){.threads = 3});
    enum { ROWS = 7, N = 3000 };
    tg_tensor *f = tg_randn(tape, TG_DIMS(ROWS, N), 0);
    tg_tensor *i = tg_randint(tape, -300, 300, TG_DIMS(ROWS, N), TG_I64);
    for (int k = 0; k < 4; k++) {
        bool descending = k & 1;
        tg_tensor *x = k & 2 ? i : f;
        const int64_t *index = tg_i64(tg_argsort(x, 1, descending));
        check_order(x, index, N, 1, descending);
        tg_tensor *down = tg_contiguous(tg_transpose(x, 0, 1));
        check_order(down, tg_i64(tg_argsort(down, 0, descending)), N, ROWS, descending);
        tg_tensor *top = tg_argtopk(x, 20, -1, descending);
        for (int64_t r = 0; r < ROWS; r++)
            assert_memory_equal(tg_i64(top) + r * 20, index + r * N, 20 * sizeof *index);
    }
    assert_int_equal(tg_error(tape), TG_OK);
    tg_tape_free(tape);
}

/* --- gradients of products that underflow: what stands before times what stands behind --- */

enum { LONG = 300, KINDS = 3 };

/* What row r of x has as its element k; the rows are columns where `down`. */
static double factor(int r, int k)
{
    const double odd[] = {1e-5, (double)INFINITY, 0};
    return k == 10 || k == LONG - 11 ? odd[r] : -1e-5;
}

static void check_products(bool down)
{
    tg_tape *tape = tg_tape_new(NULL);
    tg_tensor *x = tg_zeros(tape, TG_DIMS(KINDS, LONG), TG_F64 | TG_REQUIRES_GRAD);
    double *data = tg_data_mut(x);
    for (int i = 0; i < KINDS * LONG; i++)
        data[i] = factor(i / LONG, i % LONG);
    tg_tensor *y = tg_prod_dim(down ? tg_transpose(x, 0, 1) : x, down ? 0 : 1, false);
    tg_backward(tg_sum(y));
    const double *g = tg_f64(tg_grad(x));
    for (int i = 0; i < KINDS * LONG; i++) {
        double before = 1, behind = 1, want;
        for (int k = 0; k < i % LONG; k++)
            before *= factor(i / LONG, k);
        for (int k = LONG - 1; k > i % LONG; k--)
            behind *= factor(i / LONG, k);
        want = before * behind;
        assert_true(g[i] == want || (isnan(g[i]) && isnan(want)) ||
                    fabs(g[i] - want) <= 1e-12 * fabs(want));
    }
    tg_tape_free(tape);
}

static void test_products_underflow(void **state)
{
    (void)state;
    check_products(false);
    check_products(true);
}

/* --- the same bits whatever the number of threads --- */

static tg_tensor *large_step(tg_tape *tape, tg_tensor **x)
{
    tg_manual_seed(tape, 3);
    *x = tg_randn(tape, TG_DIMS(6, 5, 40, 50), TG_REQUIRES_GRAD);
    tg_tensor *y = tg_pad(*x, TG_DIMS(3, 2, 1, 4), TG_PAD_REFLECT, 0);
    y = tg_pad(y, TG_DIMS(-1, 2, 0, 0, 1, 1), TG_PAD_CIRCULAR, 0);
    y = tg_roll(tg_flip(y, TG_DIMS(0, 3)), 2, (int64_t[]){7, -9}, (int64_t[]){3, 2});
    y = tg_mul(tg_cumprod(y, 2), tg_sort(y, 1, true));
    tg_backward(tg_sum(tg_mul(tg_prod_dim(y, 3, true), tg_repeat(y, TG_DIMS(1, 1, 1, 2)))));
    return y;
}

static void test_threads(void **state)
{
    (void)state;
    tg_tape *one = tg_tape_new(&(tg_tape_opts){.threads = 1}), *many;
    many = tg_tape_new(&(tg_tape_opts){.threads = 4});
    tg_tensor *x1, *x4;
    tg_tensor *a = large_step(one, &x1);
    tg_tensor *b = large_step(many, &x4);
    assert_memory_equal(tg_f32(a), tg_f32(b), (size_t)tg_numel(a) * sizeof(float));
    assert_memory_equal(tg_f32(tg_grad(x1)), tg_f32(tg_grad(x4)),
                        (size_t)tg_numel(x1) * sizeof(float));
    tg_tape_free(one);
    tg_tape_free(many);
}

/* --- gradients of what is written over --- */

/* Of two sources at one place the last one counts, and each gets the gradient of the place, as in
 * torch. */
static void test_written_twice(void **state)
{
    (void)state;
    tg_tape *tape = tg_tape_new(NULL);
    tg_tensor *x = tg_zeros(tape, TG_DIMS(3), TG_F64 | TG_REQUIRES_GRAD);
    tg_tensor *src = tg_from_f64(tape, (double[]){5, 6}, TG_DIMS(2), TG_F64 | TG_REQUIRES_GRAD);
    tg_tensor *at = tg_from_i64(tape, (int64_t[]){1, 1}, TG_DIMS(2), TG_I64);
    tg_tensor *y = tg_scatter(x, 0, at, src);
    assert_true(tg_f64(y)[1] == 6);
    tg_backward(tg_sum(tg_mul_scalar(y, 3)));
    assert_true(tg_f64(tg_grad(src))[0] == 3 && tg_f64(tg_grad(src))[1] == 3);
    assert_true(tg_f64(tg_grad(x))[1] == 0 && tg_f64(tg_grad(x))[2] == 3);
    tg_tape_free(tape);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_count_in_replay), cmocka_unit_test(test_count_in_capture),
        cmocka_unit_test(test_long_rows),       cmocka_unit_test(test_threads),
        cmocka_unit_test(test_written_twice),   cmocka_unit_test(test_products_underflow),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

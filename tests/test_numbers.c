/* Values and gradients where something is infinite, nan, hidden or empty: what a table of cases
 * (test_edges.c) does not say. */
#include "check.h"
#include "support.h"

/* t has these values, nan for nan. */
static void assert_values(const tg_tensor *t, const double *want)
{
    assert_non_null(t);
    for (int64_t i = 0; i < tg_numel(t); i++) {
        double got = tg_dtype(t) == TG_F32 ? (double)tg_f32(t)[i] : tg_f64(t)[i];
        if (!(got == want[i] || (isnan(got) && isnan(want[i])) || fabs(got - want[i]) < 1e-6))
            fail_msg("element %lld is %g, wanted %g", (long long)i, got, want[i]);
    }
}

static tg_tensor *row(tg_tape *tape, const double *values, int64_t n, int flags)
{
    return tensor_from(tape, values, TG_DIMS(n), flags);
}

/* The first gradient of sum(y), which can be differentiated, and the gradient of its squares. */
static tg_tensor *twice(tg_tensor *y, tg_tensor *x, tg_tensor **first)
{
    tg_tensor *sum = tg_sum(y);
    tg_gradients(sum, NULL, &x, 1, first, &(tg_backward_opts){.create_graph = true});
    tg_zero_grad(x);
    tg_backward(tg_sum(tg_square(*first)));
    return tg_grad(x);
}

/* --- hidden positions --- */

static tg_tensor *attend(tg_tape *tape, tg_tensor *mask, double *first)
{
    static const double values[] = {.3, -1, .5, 2, -.7, .1};
    tg_tensor *x = tensor_from(tape, values, TG_DIMS(3, 2), TG_F64 | TG_REQUIRES_GRAD), *g;
    tg_attention_opts opts = {.mask = mask};
    tg_tensor *second = twice(tg_scaled_dot_product_attention(x, x, x, &opts), x, &g);
    assert_ok(tape);
    memcpy(first, tg_f64(g), 6 * sizeof *first);
    return second;
}

static void test_a_float_mask_hides_as_a_bool_one(void **state)
{
    (void)state;
    static const bool seen[] = {1, 0, 1, 0, 0, 0, 1, 1, 1};
    tg_tape *tape = tg_tape_new(NULL);
    tg_tensor *bools = tg_from_bool(tape, seen, TG_DIMS(3, 3), 0), *hidden = tg_logical_not(bools);
    tg_tensor *zeros = tg_zeros(tape, TG_DIMS(3, 3), TG_F64 | TG_REQUIRES_GRAD);
    tg_tensor *floats = tg_masked_fill(zeros, hidden, (double)-INFINITY);
    double first[2][6];
    tg_tensor *want = attend(tape, bools, first[0]), *got = attend(tape, floats, first[1]);
    for (int i = 0; i < 6; i++) {
        assert_near(first[1][i], first[0][i], 1e-12);
        assert_near(tg_f64(got)[i], tg_f64(want)[i], 1e-12);
    }
    for (int i = 0; i < 9; i++)
        assert_true(isfinite(tg_f64(tg_grad(zeros))[i]));
    tg_tape_free(tape);
}

static const double IGNORED[] = {1, 2, 3, (double)INFINITY, 2, 3, (double)NAN, 0, 0};

static void check_ignored(tg_tensor *x, tg_tensor *loss, int64_t from)
{
    tg_tensor *first, *second = twice(loss, x, &first);
    assert_ok(tg_tape_of(x));
    for (int64_t i = 0; i < tg_numel(x); i++) {
        double a = tg_f64(first)[i], b = tg_f64(second)[i];
        assert_true(i < from ? isfinite(a) && isfinite(b) && b != 0 : a == 0 && b == 0);
    }
}

static void test_ignored_positions_have_no_gradient_of_any_order(void **state)
{
    (void)state;
    static const tg_reduction reductions[] = {TG_MEAN, TG_SUM, TG_NONE};
    for (int i = 0; i < 3; i++) {
        for (double smoothing = 0; smoothing < 0.2; smoothing += 0.1) {
            tg_tape *tape = tg_tape_new(NULL);
            tg_tensor *x = tensor_from(tape, IGNORED, TG_DIMS(3, 3), TG_F64 | TG_REQUIRES_GRAD);
            tg_tensor *t = tg_from_i64(tape, (int64_t[]){1, -100, -100}, TG_DIMS(3), 0);
            tg_tensor *w = row(tape, (double[]){1, 2, 0.5}, 3, TG_F64);
            for (int k = 0; k < 2; k++) {
                tg_ce_opts opts = {.reduction = reductions[i],
                                   .label_smoothing = smoothing,
                                   .weight = k ? w : NULL};
                check_ignored(x, tg_cross_entropy(x, t, &opts), 3);
            }
            tg_tape_free(tape);
        }
    }
}

/* Also with dims behind the classes, and the third order. */
static void test_ignored_pixels(void **state)
{
    (void)state;
    tg_tape *tape = tg_tape_new(NULL);
    static const double values[] = {1, (double)NAN, 2, (double)INFINITY, 3, 4};
    tg_tensor *x = tensor_from(tape, values, TG_DIMS(1, 3, 2), TG_F64 | TG_REQUIRES_GRAD), *g, *h;
    tg_tensor *t = tg_from_i64(tape, (int64_t[]){1, 7}, TG_DIMS(1, 2), 0);
    tg_ce_opts opts = {.has_ignore_index = true, .ignore_index = 7};
    const tg_backward_opts graph = {.create_graph = true};
    tg_tensor *loss = tg_cross_entropy(x, t, &opts);
    tg_gradients(loss, NULL, &x, 1, &g, &graph);
    tg_gradients(tg_sum(tg_square(g)), NULL, &x, 1, &h, &graph);
    tg_backward(tg_sum(tg_square(h)));
    assert_ok(tape);
    for (int i = 0; i < 6; i++) {
        double third = tg_f64(tg_grad(x))[i];
        assert_true(i % 2 ? tg_f64(g)[i] == 0 && tg_f64(h)[i] == 0 && third == 0 : isfinite(third));
    }
    tg_tape_free(tape);
}

static void test_ignored_rows_of_a_linear_layer(void **state)
{
    (void)state;
    tg_tape *tape = tg_tape_new(NULL);
    static const double values[] = {1, 2, (double)INFINITY, 0}, weights[] = {1, 2, 3, 4, 5, 6};
    tg_tensor *x = tensor_from(tape, values, TG_DIMS(2, 2), TG_F64 | TG_REQUIRES_GRAD);
    tg_tensor *w = tensor_from(tape, weights, TG_DIMS(3, 2), TG_F64 | TG_REQUIRES_GRAD);
    tg_tensor *t = tg_from_i64(tape, (int64_t[]){1, -100}, TG_DIMS(2), 0);
    check_ignored(x, tg_linear_cross_entropy(x, w, NULL, t, NULL), 2);
    check_ignored(x, tg_cross_entropy(tg_linear(x, w, NULL), t, NULL), 2);
    tg_tape_free(tape);
}

/* --- infinities --- */

static void test_infinite_upstream_of_extremes(void **state)
{
    (void)state;
    static const double values[] = {-2, -1, 0}, want[] = {0, 0, (double)INFINITY};
    static const double least[] = {2, 1, 0}, tied[] = {0, -1, 0};
    for (int dtype = TG_F32; dtype <= TG_F64; dtype++) {
        tg_tape *tape = tg_tape_new(NULL);
        int flags = dtype | TG_REQUIRES_GRAD;
        tg_tensor *x = row(tape, values, 3, flags), *y = row(tape, least, 3, flags);
        tg_tensor *z = row(tape, tied, 3, flags);
        tg_backward(tg_sqrt(tg_max(x)));
        assert_values(tg_grad(x), want);
        tg_zero_grad(x);
        tg_backward(tg_sqrt(tg_amax(x, 1, (int64_t[]){0}, false)));
        assert_values(tg_grad(x), want);
        tg_backward(tg_sqrt(tg_min(y)));
        assert_values(tg_grad(y), want);
        tg_backward(tg_sqrt(tg_max(z)));
        assert_values(tg_grad(z), (double[]){(double)INFINITY, 0, (double)INFINITY});
        tg_zero_grad(x);
        tg_backward_with(tg_norm(x, (double)INFINITY),
                         tg_full(tape, TG_SCALAR, (double)INFINITY, dtype), NULL);
        assert_values(tg_grad(x), (double[]){(double)-INFINITY, 0, 0});
        tg_tape_free(tape);
    }
}

static void test_extremes_of_nan(void **state)
{
    (void)state;
    tg_tape *tape = tg_tape_new(NULL);
    static const double values[] = {(double)NAN, 1, 1, 1, 2, 2};
    tg_tensor *x = tensor_from(tape, values, TG_DIMS(2, 3), TG_F64 | TG_REQUIRES_GRAD);
    tg_tensor *y = tg_amax(x, 1, (int64_t[]){1}, false);
    assert_values(y, (double[]){(double)NAN, 2});
    tg_backward(tg_sum(y));
    assert_values(tg_grad(x), (double[]){1, 0, 0, 0, .5, .5});
    tg_zero_grad(x);
    tg_backward(tg_sum(tg_amin(x, 1, (int64_t[]){1}, false)));
    assert_values(tg_grad(x), (double[]){1, 0, 0, 1, 0, 0});
    tg_tape_free(tape);
}

static void test_prelu_at_infinity(void **state)
{
    (void)state;
    tg_tape *tape = tg_tape_new(NULL);
    static const double values[] = {(double)INFINITY, 2, -3};
    tg_tensor *x = row(tape, values, 3, TG_F64 | TG_REQUIRES_GRAD), *g;
    tg_tensor *u = row(tape, (double[]){1, 1, 1}, 3, TG_F64 | TG_REQUIRES_GRAD);
    for (int i = 0; i < 2; i++) {
        double slope = i ? 0.25 : (double)INFINITY;
        tg_tensor *w = row(tape, &slope, 1, TG_F64 | TG_REQUIRES_GRAD);
        tg_tensor *y = tg_prelu(x, w), *leaf = i ? w : x;
        tg_gradients(y, u, &leaf, 1, &g, &(tg_backward_opts){.create_graph = true});
        if (i)
            assert_values(g, (double[]){-3});
        else
            assert_values(g, (double[]){1, 1, (double)INFINITY});
        tg_zero_grad(u);
        tg_backward(tg_sum(g));
        assert_values(tg_grad(u), i ? (double[]){0, 0, -3} : (double[]){1, 1, (double)INFINITY});
    }
    assert_ok(tape);
    tg_tape_free(tape);
}

static void test_sigmoid_with_an_infinite_upstream(void **state)
{
    (void)state;
    tg_tape *tape = tg_tape_new(NULL);
    const double inf = (double)INFINITY;
    tg_tensor *x = row(tape, (double[]){-1, 1}, 2, TG_F64 | TG_REQUIRES_GRAD), *g;
    tg_tensor *u = row(tape, (double[]){inf, inf}, 2, TG_F64 | TG_REQUIRES_GRAD);
    tg_gradients(tg_sigmoid(x), u, &x, 1, &g, &(tg_backward_opts){.create_graph = true});
    assert_values(g, (double[]){inf, inf});
    tg_backward(tg_sum(g));
    assert_values(tg_grad(x), (double[]){inf, -inf});
    assert_values(tg_grad(u), (double[]){0.19661193324148185, 0.19661193324148185});
    tg_tape_free(tape);
}

/* float64's sums are compensated, which makes nan of an overflow. */
static void test_variance_that_overflows(void **state)
{
    (void)state;
    tg_tape *tape = tg_tape_new(NULL);
    const double most = 0x1.fffffffffffffp+1023, some = 0x1p+600;
    double values[40];
    for (int i = 0; i < 40; i++)
        values[i] = i < 10 ? most : i < 20 ? most * (1 - 2 * (i % 2)) : some * (i % 2);
    tg_tensor *x = tensor_from(tape, values, TG_DIMS(4, 10), TG_F64);
    tg_tensor *y = tg_var_dim(x, 1, false);
    assert_values(y, (double[]){0, (double)INFINITY, (double)INFINITY, (double)INFINITY});
    assert_values(tg_var(row(tape, (double[]){(double)INFINITY, 0}, 2, TG_F64)),
                  (double[]){(double)NAN});
    tg_tape_free(tape);
}

static void test_norm_of_subnormal_numbers(void **state)
{
    (void)state;
    tg_tape *tape = tg_tape_new(NULL);
    tg_tensor *x = row(tape, (double[]){1e-40, 1e-40}, 2, TG_REQUIRES_GRAD);
    tg_backward(tg_norm(x, 2));
    assert_values(tg_grad(x), (double[]){0, 0});
    tg_tape_free(tape);
}

static void test_smooth_l1_of_a_beta_that_float32_takes_for_0(void **state)
{
    (void)state;
    tg_tape *tape = tg_tape_new(NULL);
    tg_tensor *zeros = tg_zeros(tape, TG_DIMS(5), 0);
    static const double values[] = {0, 1, -1, 1e-45, (double)NAN};
    tg_tensor *x = row(tape, values, 5, TG_REQUIRES_GRAD);
    tg_backward(tg_smooth_l1_loss(x, zeros, 1e-50, TG_SUM));
    assert_values(tg_grad(x), (double[]){0, 1, -1, 1, (double)NAN});
    tg_zero_grad(x);
    tg_backward(tg_huber_loss(x, zeros, 1e-50, TG_SUM));
    assert_values(tg_grad(x), (double[]){0, 0, 0, 0, (double)NAN});
    tg_tape_free(tape);
}

/* --- nothing --- */

static void check_empty_batch(tg_tape *tape, int ndim, const int64_t *dims)
{
    tg_tensor *x = tg_zeros(tape, ndim, dims, TG_REQUIRES_GRAD);
    tg_batch_norm_opts opts = {.weight = tg_ones(tape, TG_DIMS(3), TG_REQUIRES_GRAD),
                               .bias = tg_ones(tape, TG_DIMS(3), TG_REQUIRES_GRAD),
                               .running_mean = tg_full(tape, TG_DIMS(3), 5, 0),
                               .running_var = tg_full(tape, TG_DIMS(3), 7, 0),
                               .training = true};
    tg_tensor *y = tg_batch_norm(x, &opts);
    assert_ok(tape);
    assert_int_equal(tg_ndim(y), ndim);
    for (int i = 0; i < ndim; i++)
        assert_int_equal(tg_size(y, i), dims[i]);
    tg_backward(tg_sum(y));
    assert_values(opts.running_mean, (double[]){5, 5, 5});
    assert_values(opts.running_var, (double[]){7, 7, 7});
    assert_values(tg_grad(opts.weight), (double[]){0, 0, 0});
    assert_values(tg_grad(opts.bias), (double[]){0, 0, 0});
    assert_int_equal(tg_numel(tg_grad(x)), 0);
}

static void test_batch_norm_of_an_empty_batch(void **state)
{
    (void)state;
    tg_tape *tape = tg_tape_new(NULL);
    check_empty_batch(tape, TG_DIMS(0, 3));
    check_empty_batch(tape, TG_DIMS(0, 3, 4));
    check_empty_batch(tape, TG_DIMS(2, 3, 0, 4));
    tg_tensor *none = tg_zeros(tape, TG_DIMS(4, 0), 0);
    assert_int_equal(tg_numel(tg_batch_norm(none, &(tg_batch_norm_opts){.training = true})), 0);
    assert_ok(tape);
    tg_tensor *single = tg_zeros(tape, TG_DIMS(1, 3), 0);
    assert_null(tg_batch_norm(single, &(tg_batch_norm_opts){.training = true}));
    assert_error(tape, TG_EVALUE, "batch_norm: training on [1, 3]");
    tg_tape_free(tape);
}

/* Without output channels there is nothing to compute, and no channel of the input gets a gradient. */
static void test_convolution_without_output(void **state)
{
    (void)state;
    tg_tape *tape = tg_tape_new(NULL);
    tg_tensor *x = tg_ones(tape, TG_DIMS(2, 4, 5), TG_REQUIRES_GRAD);
    tg_tensor *weight = tg_ones(tape, TG_DIMS(0, 4, 3), TG_REQUIRES_GRAD);
    tg_tensor *y = tg_conv1d(x, weight, NULL, NULL);
    assert_ok(tape);
    assert_int_equal(tg_size(y, 0), 2);
    assert_int_equal(tg_size(y, 1), 0);
    assert_int_equal(tg_size(y, 2), 3);
    assert_int_equal(tg_backward(tg_sum(y)), TG_OK);
    assert_equal(tg_f32(tg_grad(x))[39], 0);
    tg_tape_free(tape);
}

/* Squares of distances leave the range of float64; distances do not. */
static void test_distances_whose_squares_overflow(void **state)
{
    (void)state;
    tg_tape *tape = tg_tape_new(NULL);
    tg_tensor *a = tg_from_f64(tape, (double[]){3e200, -3e-200}, TG_DIMS(2, 1), TG_F64);
    tg_tensor *b = tg_from_f64(tape, (double[]){-1e200, 1e-200}, TG_DIMS(2, 1), TG_F64);
    a = tg_mul(a, tg_ones(tape, TG_DIMS(1, 4), TG_F64));
    b = tg_mul(b, tg_ones(tape, TG_DIMS(1, 4), TG_F64));
    const double *d = tg_f64(tg_cdist(a, b, 2));
    assert_near(d[0] / 8e200, 1, 1e-15);
    assert_near(d[3] / 8e-200, 1, 1e-15);
    assert_ok(tape);
    tg_tape_free(tape);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_float_mask_hides_as_a_bool_one),
        cmocka_unit_test(test_ignored_positions_have_no_gradient_of_any_order),
        cmocka_unit_test(test_ignored_pixels),
        cmocka_unit_test(test_ignored_rows_of_a_linear_layer),
        cmocka_unit_test(test_infinite_upstream_of_extremes),
        cmocka_unit_test(test_extremes_of_nan),
        cmocka_unit_test(test_prelu_at_infinity),
        cmocka_unit_test(test_sigmoid_with_an_infinite_upstream),
        cmocka_unit_test(test_variance_that_overflows),
        cmocka_unit_test(test_norm_of_subnormal_numbers),
        cmocka_unit_test(test_smooth_l1_of_a_beta_that_float32_takes_for_0),
        cmocka_unit_test(test_batch_norm_of_an_empty_batch),
        cmocka_unit_test(test_convolution_without_output),
        cmocka_unit_test(test_distances_whose_squares_overflow),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

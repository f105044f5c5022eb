/* Numbers at the ends of their range, where kernels change their way: angles of huge and tiny vectors, infinite exponents,
 * weights that overflow in a product, moments of optimisers that became nan, shapes of nothing. */
#include "check.h"
#include "support.h"

static void angles(void **state)
{
    (void)state;
    const double pi = 3.14159265358979323846;
    tg_tape *tape = tg_tape_new(NULL);
    const double scales[] = {1e305, 1e-305, 1e-320, 1};
    for (size_t i = 0; i < sizeof scales / sizeof *scales; i++) {
        double s = scales[i];
        tg_tensor *y = tg_from_f64(tape, (double[]){s, s, -s, -s}, TG_DIMS(4), TG_F64);
        tg_tensor *x = tg_from_f64(tape, (double[]){s, -s, s, -s}, TG_DIMS(4), TG_F64);
        tg_tensor *a = tg_atan2(y, x);
        for (int k = 0; k < 4; k++) {
            double want = (k % 2 ? 0.75 : 0.25) * pi * (k < 2 ? 1 : -1);
            assert_near(tg_f64(a)[k], want, 1e-15);
        }
    }
    tg_tape_free(tape);
}

/* One huge angle among small ones is what it is by itself. */
static void an_angle_among_others(void **state)
{
    (void)state;
    tg_tensor *(*const functions[])(tg_tensor *) = {tg_sin, tg_cos, tg_tan};
    for (int dtype = TG_F32; dtype <= TG_F64; dtype++) {
        tg_tape *tape = tg_tape_new(NULL);
        for (int f = 0; f < 3; f++) {
            tg_tensor *alone = functions[f](tg_full(tape, TG_DIMS(1), 1e22, dtype));
            tg_tensor *x = tg_full(tape, TG_DIMS(64), 0.5, dtype | TG_REQUIRES_GRAD);
            tg_fill_(tg_detach(tg_select(x, 0, 21)), 1e22);
            tg_tensor *y = functions[f](x),
                      *slope = tg_full(tape, TG_DIMS(1), 1e22, dtype | TG_REQUIRES_GRAD);
            assert_equal(tg_item(tg_select(y, 0, 21)), tg_item(alone));
            tg_backward(tg_sum(y));
            tg_backward(tg_sum(functions[f](slope)));
            assert_equal(tg_item(tg_select(tg_grad(x), 0, 21)), tg_item(tg_grad(slope)));
        }
        assert_int_equal(tg_error(tape), TG_OK);
        tg_tape_free(tape);
    }
}

/* Any number of rows that have nothing, or of rows of nothing: no time. */
static void many_times_nothing(void **state)
{
    (void)state;
    const int64_t many = (int64_t)1 << (sizeof(size_t) > 4 ? 40 : 26);
    const int64_t shapes[][3] = {
        {1, many, 0}, {1, 0, many}, {2, many, 0}, {many, 0, 3}, {2, 0, many}};
    for (size_t i = 0; i < sizeof shapes / sizeof *shapes; i++) {
        tg_tape *tape = tg_tape_new(NULL);
        tg_tensor *x = tg_zeros(tape, 3, shapes[i], TG_F64 | TG_REQUIRES_GRAD);
        for (int dim = 0; dim < 3; dim++) {
            if (shapes[i][(dim + 1) % 3] == 0 || shapes[i][(dim + 2) % 3] == 0)
                assert_int_equal(tg_numel(tg_any_dim(x, dim, false)), 0);
            tg_tensor *y = tg_add(tg_cumsum(x, dim), tg_cumprod(x, dim));
            assert_int_equal(tg_backward(tg_sum(tg_mul(y, tg_flip(x, 1, (int64_t[]){dim})))),
                             TG_OK);
        }
        assert_int_equal(tg_error(tape), TG_OK);
        tg_tape_free(tape);
    }
}

static void exponents(void **state)
{
    (void)state;
    const double inf = (double)INFINITY, bases[] = {0.5, 2, -0.5, -2, 1};
    const double want[] = {0, inf, 0, inf, 1};
    for (int dtype = TG_F32; dtype <= TG_F64; dtype++) {
        tg_tape *tape = tg_tape_new(NULL);
        tg_tensor *x = tensor_from(tape, bases, TG_DIMS(5), dtype);
        snapshot up = snapshot_of(tg_pow_scalar(x, inf)),
                 down = snapshot_of(tg_pow_scalar(x, -inf));
        snapshot both = snapshot_of(tg_pow(x, tg_full(tape, TG_SCALAR, inf, dtype)));
        for (int i = 0; i < 5; i++) {
            assert_true(snapshot_at(&up, i) == want[i]);
            assert_true(snapshot_at(&both, i) == want[i]);
            assert_true(snapshot_at(&down, i) == 1 / want[i]);
        }
        tg_tape_free(tape);
    }
}

/* Whatever the weights of two classes are, where they are the same the mean is that without. */
static void weights(void **state)
{
    (void)state;
    const double sizes[] = {1e-130, 1e130, 1e-200, 1e200};
    for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
        for (int columns = 0; columns < 2; columns++) {
            tg_tape *tape = tg_tape_new(NULL);
            tg_tensor *x[2], *loss[2], *t = tg_from_i64(tape, (int64_t[]){2, 0}, TG_DIMS(2), 0);
            tg_tensor *w = tg_full(tape, TG_DIMS(3), sizes[i], TG_F64);
            const double values[] = {0.25, -1, 3, 2, 0.5, -2};
            for (int k = 0; k < 2; k++) {
                x[k] = tg_from_f64(tape, values, TG_DIMS(2, 3), TG_REQUIRES_GRAD);
                tg_tensor *in = columns ? tg_reshape(x[k], TG_DIMS(2, 3, 1)) : x[k];
                tg_tensor *of = columns ? tg_reshape(t, TG_DIMS(2, 1)) : t;
                loss[k] = tg_cross_entropy(in, of, &(tg_ce_opts){.weight = k ? w : NULL});
                assert_int_equal(tg_backward(loss[k]), TG_OK);
            }
            assert_near(tg_item(loss[1]), tg_item(loss[0]), 1e-14);
            for (int k = 0; k < 6; k++)
                assert_near(tg_f64(tg_grad(x[1]))[k], tg_f64(tg_grad(x[0]))[k], 1e-14);
            tg_zero_grad(x[0]);
            tg_tensor *tiny = tg_full(tape, TG_SCALAR, 1e-150, TG_F64);
            assert_int_equal(tg_backward_with(loss[0], tiny, NULL), TG_OK);
            for (int k = 0; k < 6; k++) {
                double g = tg_f64(tg_grad(x[1]))[k] * 1e-150;
                assert_near(tg_f64(tg_grad(x[0]))[k], g, 1e-13 * fabs(g));
            }
            tg_tape_free(tape);
        }
    }
}

static tg_optim *amsgrad(tg_tape *tape, tg_tensor **x)
{
    return tg_adam(tape, x, 1, &(tg_adam_opts){.amsgrad = true});
}

static tg_optim *adamax(tg_tape *tape, tg_tensor **x)
{
    return tg_adamax(tape, x, 1, NULL);
}

/* A gradient that was nan once stays in the largest moment, of its element alone. */
static void largest_moments(void **state)
{
    (void)state;
    tg_optim *(*const made[])(tg_tape *, tg_tensor **) = {amsgrad, adamax};
    for (int i = 0; i < 4; i++) {
        tg_tape *tape = tg_tape_new(NULL);
        int dtype = i % 2 ? TG_F64 : TG_F32;
        tg_tensor *x = tg_ones(tape, TG_DIMS(20), dtype | TG_REQUIRES_GRAD);
        tg_optim *optim = made[i / 2](tape, &x);
        for (int step = 0; step < 3; step++) {
            tg_tensor *g = tg_ones(tape, TG_DIMS(20), dtype);
            double bad = step ? 1 : (double)NAN;
            void *data = tg_data_mut(g);
            if (dtype == TG_F64)
                ((double *)data)[7] = bad;
            else
                ((float *)data)[7] = (float)bad;
            tg_optim_zero_grad(optim);
            assert_int_equal(tg_backward_with(tg_mul_scalar(x, 1), g, NULL), TG_OK);
            assert_int_equal(tg_optim_step(optim), TG_OK);
        }
        snapshot after = snapshot_of(x);
        for (int k = 0; k < 20; k++)
            assert_int_equal(isnan(snapshot_at(&after, k)), k == 7);
        assert_true(snapshot_at(&after, 3) < 1);
        tg_tape_free(tape);
    }
}

static void tensor_is(const tg_tensor *t, const float *want, int64_t n)
{
    assert_int_equal(tg_numel(t), n);
    assert_memory_equal(tg_f32(t), want, (size_t)n * sizeof *want);
}

static void nothing(void **state)
{
    (void)state;
    tg_tape *tape = tg_tape_new(NULL);
    tg_tensor *none = tg_zeros(tape, TG_DIMS(40, 0), 0), *other = tg_zeros(tape, TG_DIMS(50, 0), 0);
    tg_tensor *product = tg_matmul(none, tg_transpose(other, 0, 1));
    assert_int_equal(tg_numel(product), 2000);
    for (int i = 0; i < 2000; i++)
        assert_equal(tg_f32(product)[i], 0);
    /* All of a row cut off, and one put there. */
    tg_tensor *v = tg_arange(tape, 1, 5, 1, 0);
    for (int end = 0; end < 2; end++) {
        tg_tensor *y = tg_pad(v, TG_DIMS(end ? 1 : -4, end ? -4 : 1), TG_PAD_CONSTANT, 7);
        assert_int_equal(tg_numel(y), 1);
        assert_equal(tg_f32(y)[0], 7);
    }
    /* The same with borders that are longer than it, and their gradient. */
    tg_tensor *leaf = tg_ones(tape, TG_DIMS(4), TG_REQUIRES_GRAD);
    for (int end = 0; end < 2; end++) {
        tg_tensor *y = tg_pad(leaf, TG_DIMS(end ? 7 : -4, end ? -4 : 7), TG_PAD_CONSTANT, 7);
        assert_int_equal(tg_numel(y), 7);
        for (int64_t i = 0; i < tg_numel(y); i++)
            assert_equal(tg_f32(y)[i], 7);
        assert_int_equal(tg_backward(tg_sum(y)), TG_OK);
        for (int i = 0; i < 4; i++)
            assert_equal(tg_f32(tg_grad(leaf))[i], 0);
    }
    /* What is cut off of a circle is cut off before the other end is read, as PyTorch does. */
    tg_tensor *circle = tg_reshape(tg_arange(tape, 1, 4, 1, 0), TG_DIMS(1, 3));
    static const float cut[] = {1, 1}, left[] = {2, 3, 2, 3};
    tensor_is(tg_pad(circle, TG_DIMS(1, -2), TG_PAD_CIRCULAR, 0), cut, 2);
    tensor_is(tg_pad(circle, TG_DIMS(-1, 2), TG_PAD_CIRCULAR, 0), left, 4);
    /* An infinity in x gets into those sums alone that it is in. */
    for (int dtype = TG_F32; dtype <= TG_F64; dtype++) {
        const double values[] = {(double)INFINITY, 1, 2};
        tg_tensor *x = tensor_from(tape, values, TG_DIMS(1, 1, 3), dtype);
        tg_tensor *w = tg_ones(tape, TG_DIMS(1, 1, 2), dtype | TG_REQUIRES_GRAD);
        assert_int_equal(tg_backward(tg_sum(tg_conv1d(x, w, NULL, NULL))), TG_OK);
        snapshot g = snapshot_of(tg_grad(w));
        assert_true(isinf(snapshot_at(&g, 0)));
        assert_equal(snapshot_at(&g, 1), 3);
    }
    tg_tape_free(tape);
}

/* Quotients that round to a whole number which is one too many, and their relatives. */
static void quotients(void **state)
{
    (void)state;
    static const double x[] = {0.5, 0.3, 0.7, 1, 6, -0.5, 0.5, -0.5, 4.35},
                        y[] = {0.1, 0.1, 0.1, 0.1, 0.1, 0.1, -0.1, -0.1, 0.05};
    enum { N = sizeof x / sizeof *x };
    tg_tape *tape = tg_tape_new(NULL);
    tg_tensor *a = tg_from_f64(tape, x, TG_DIMS(N), 0), *b = tg_from_f64(tape, y, TG_DIMS(N), 0);
    tg_tensor *rest = tg_fmod(a, b), *whole = tg_floor_divide(a, b), *python = tg_remainder(a, b);
    assert_ok(tape);
    int odd = 0;
    for (int i = 0; i < N; i++) {
        const double want = fmod(x[i], y[i]),
                     turned = want != 0 && (want < 0) != (y[i] < 0) ? want + y[i] : want;
        assert_true(tg_f64(rest)[i] == want);
        assert_true(tg_f64(python)[i] == turned);
        assert_true(tg_f64(whole)[i] == round((x[i] - turned) / y[i]));
        odd += trunc(x[i] / y[i]) != round((x[i] - want) / y[i]);
    }
    assert_true(odd > 3);
    tg_tape_free(tape);
}

/* log(sum e^x) where the largest is just what the others' logarithm takes away again, by 130 digits; and with a nan
 * whose sign is set, as x86 makes them. */
static void cancelled(void **state)
{
    (void)state;
    static const struct {
        int dtype;
        double x[2], want;
    } cases[] = {{TG_F32, {-0x1.7fd974p-116, -80}, 5.9260574573568769855e-43},
                 {TG_F64, {-0x1.7fd974d372e45p-116, -80}, -1.2636603623764078141e-51},
                 {TG_F64, {-0x1.1b48655f37267p-29, -20}, 2.1241770842107993627e-18}};
    tg_tape *tape = tg_tape_new(NULL);
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        double row[56]; /* of a few, and of more than that */
        for (int k = 0; k < 56; k++)
            row[k] = k < 2 ? cases[i].x[k] : -(double)INFINITY;
        for (int64_t n = 2; n <= 56; n += 54) {
            tg_tensor *x = tensor_from(tape, row, TG_DIMS(n), cases[i].dtype);
            const double got = tg_item(tg_logsumexp(x)), want = cases[i].want;
            assert_near(got, want, cases[i].dtype == TG_F32 ? 2e-45 : 1e-12 * fabs(want));
        }
    }
    for (int dtype = TG_F32; dtype <= TG_F64; dtype++) {
        const double values[56] = {1, copysign((double)NAN, -1), 2};
        for (int64_t n = 3; n <= 56; n += 53)
            assert_true(isnan(tg_item(tg_logsumexp(tensor_from(tape, values, TG_DIMS(n), dtype)))));
    }
    tg_tape_free(tape);
}

/* Smoothed targets with weights of both signs, whose terms cancel but for their last bits. */
static void smoothed_to_nothing(void **state)
{
    (void)state;
    const double step = 1.0 / (1 << 18), values[] = {-5, -5 - step, 0}, signs[] = {1, -1, 0};
    for (int dtype = TG_F32; dtype <= TG_F64; dtype++) {
        tg_tape *tape = tg_tape_new(NULL);
        tg_tensor *x = tensor_from(tape, values, TG_DIMS(1, 3), dtype),
                  *t = tg_zeros(tape, TG_DIMS(1), TG_I64);
        const tg_ce_opts opts = {.weight = tensor_from(tape, signs, TG_DIMS(3), dtype),
                                 .label_smoothing = 1,
                                 .reduction = TG_SUM};
        const double got = tg_item(tg_cross_entropy(x, t, &opts));
        assert_ok(tape);
        assert_near(got, -step / 3, 1e-6 * step);
        tg_tape_free(tape);
    }
}

/* The mean of cross_entropy where all weights are 0 is one over nothing, with a gradient of zeros. */
static void means_of_nothing(void **state)
{
    (void)state;
    enum { N = 2, C = 3, D = 20 };
    for (int i = 0; i < 4; i++) {
        const int dtype = i % 2 ? TG_F64 : TG_F32;
        tg_tape *tape = tg_tape_new(NULL);
        tg_tensor *x = tg_randn(tape, TG_DIMS(N, C, D), dtype | TG_REQUIRES_GRAD);
        tg_tensor *in = i < 2 ? x : tg_reshape(x, TG_DIMS(N * D, C));
        tg_tensor *t = tg_randint(tape, 0, C, TG_DIMS(N, D), TG_I64);
        const tg_ce_opts opts = {.weight = tg_zeros(tape, TG_DIMS(C), dtype)};
        tg_tensor *loss = tg_cross_entropy(in, i < 2 ? t : tg_reshape(t, TG_DIMS(N * D)), &opts);
        assert_int_equal(tg_backward(loss), TG_OK);
        assert_true(isnan(tg_item(loss)));
        snapshot g = snapshot_of(tg_grad(x));
        for (int k = 0; k < N * C * D; k++)
            assert_true(snapshot_at(&g, k) == 0);
        tg_tape_free(tape);
    }
}

/* Distances of float64 whose squares are out of range, of nans and of infinities. */
static void far_distances(void **state)
{
    (void)state;
    static const double rows[][2] = {{3e200, 4e200},         {3e-200, -4e-200},
                                     {(double)NAN, 1e300},   {1e300, (double)NAN},
                                     {-(double)INFINITY, 1}, {0, 0}};
    static const double want[] = {5e200, 5e-200, (double)NAN, (double)NAN, (double)INFINITY, 0};
    tg_tape *tape = tg_tape_new(NULL);
    tg_tensor *a = tg_from_f64(tape, rows[0], TG_DIMS(6, 2), 0),
              *b = tg_zeros(tape, TG_DIMS(1, 2), TG_F64);
    tg_tensor *d = tg_cdist(a, b, 2);
    assert_ok(tape);
    for (int i = 0; i < 6; i++)
        assert_true(isnan(want[i]) ? isnan(tg_f64(d)[i])
                                   : fabs(tg_f64(d)[i] - want[i]) <= 1e-15 * want[i] ||
                                         tg_f64(d)[i] == want[i]);
    tg_tape_free(tape);
}

/* Weights of which the sum is infinite, though none of them is: those of 0 are not drawn. */
static void heavy_weights(void **state)
{
    (void)state;
    tg_tape *tape = tg_tape_new(NULL);
    tg_tensor *w = tg_from_f64(tape, (double[]){1e308, 0, 1e308, 1e308}, TG_DIMS(4), 0);
    tg_tensor *drawn = tg_multinomial(w, 3, false);
    assert_ok(tape);
    int seen = 0;
    for (int i = 0; i < 3; i++)
        seen |= 1 << tg_i64(drawn)[i];
    assert_int_equal(seen, 13);
    tg_tape_free(tape);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(angles),
                                       cmocka_unit_test(an_angle_among_others),
                                       cmocka_unit_test(many_times_nothing),
                                       cmocka_unit_test(exponents),
                                       cmocka_unit_test(weights),
                                       cmocka_unit_test(largest_moments),
                                       cmocka_unit_test(nothing),
                                       cmocka_unit_test(quotients),
                                       cmocka_unit_test(cancelled),
                                       cmocka_unit_test(smoothed_to_nothing),
                                       cmocka_unit_test(means_of_nothing),
                                       cmocka_unit_test(far_distances),
                                       cmocka_unit_test(heavy_weights)};
    return cmocka_run_group_tests_name("far numbers", tests, NULL, NULL);
}

/* Retained and chosen gradients, anomaly mode, in-place writes under the version check,
 * batch_norm's running statistics, dropout's mask, embedding's padding and long sums. Relies on
 * src/random.h. */
#include "check.h"

#include "random/generator.h"
#include "support.h"

#include <stdlib.h>

static tg_tensor *leaf(tg_tape *tape)
{
    return tg_from_f64(tape, (double[]){1, -2, 3}, TG_DIMS(3), TG_REQUIRES_GRAD);
}

static void at_same_place(tg_mark a, tg_mark b)
{
    for (size_t i = 0; i < sizeof a.at / sizeof a.at[0]; i++)
        assert_ptr_equal(a.at[i], b.at[i]);
}

/* --- tg_retain_grad --- */

static void retain_grad(void **state)
{
    (void)state;
    tg_tape *tape = tg_tape_new(NULL);
    tg_tensor *x = leaf(tape), *y = tg_mul_scalar(x, 2), *z = tg_mul_scalar(y, 5);
    tg_tensor *loss = tg_sum(tg_mul(z, z));
    assert_int_equal(tg_retain_grad(y), TG_OK);
    assert_int_equal(tg_retain_grad(y), TG_OK);
    assert_int_equal(tg_retain_grad(x), TG_OK);
    assert_null(tg_grad(y));
    for (int pass = 1; pass <= 2; pass++) {
        assert_int_equal(tg_backward(loss), TG_OK);
        assert_null(tg_grad(z));
        for (int i = 0; i < 3; i++) {
            assert_equal(tg_f64(tg_grad(y))[i], pass * 50 * tg_f64(y)[i]);
            assert_equal(tg_f64(tg_grad(x))[i], pass * 200 * tg_f64(x)[i]);
        }
    }
    tg_tensor *c = tg_ones(tape, TG_DIMS(3), TG_F64);
    assert_int_equal(tg_retain_grad(c), TG_ESTATE);
    assert_error(tape, TG_ESTATE, "retain_grad: [3] does not require a gradient");
    assert_int_equal(tg_retain_grad(NULL), TG_EVALUE);
    assert_ok(tape);
    tg_tape_free(tape);
}

/* --- tg_gradients --- */

static void gradients(void **state)
{
    (void)state;
    tg_tape *tape = tg_tape_new(NULL);
    tg_tensor *x = leaf(tape), *unreached = leaf(tape), *y = tg_square(x);
    tg_tensor *loss = tg_sum(tg_mul(y, y)), *in[] = {x, y, unreached}, *g[3];
    tg_backward(loss);
    for (int pass = 0; pass < 2; pass++) {
        assert_int_equal(tg_gradients(loss, NULL, in, 3, g, NULL), TG_OK);
        assert_null(g[2]);
        for (int i = 0; i < 3; i++) {
            double v = tg_f64(x)[i];
            assert_equal(tg_f64(g[0])[i], 4 * v * v * v);
            assert_equal(tg_f64(g[1])[i], 2 * v * v);
            assert_equal(tg_f64(tg_grad(x))[i], 4 * v * v * v);
        }
        assert_false(tg_requires_grad(g[0]));
    }
    assert_null(tg_grad(y));
    assert_null(tg_grad(unreached));
    tg_tensor *weights = tg_full(tape, TG_DIMS(3), 10, TG_F64);
    assert_int_equal(tg_gradients(y, weights, in, 1, g, NULL), TG_OK);
    for (int i = 0; i < 3; i++)
        assert_equal(tg_f64(g[0])[i], 20 * tg_f64(x)[i]);
    tg_tape_free(tape);
}

/* f = (sum of x^2)^2 / 4: H v = (sum of x^2) v + 2 x (x . v). */
static void hessian_vector_product(void **state)
{
    (void)state;
    tg_tape *tape = tg_tape_new(NULL);
    tg_tensor *x = leaf(tape), *s = tg_sum(tg_mul(x, x)), *g, *h;
    const double v[] = {0.5, 2, -1};
    tg_tensor *f = tg_mul_scalar(tg_mul(s, s), 0.25);
    const tg_backward_opts graph = {.create_graph = true};
    assert_int_equal(tg_gradients(f, NULL, &x, 1, &g, &graph), TG_OK);
    assert_true(tg_requires_grad(g));
    tg_tensor *along = tg_sum(tg_mul(g, tg_from_f64(tape, v, TG_DIMS(3), 0)));
    assert_int_equal(tg_gradients(along, NULL, &x, 1, &h, NULL), TG_OK);
    double norm = 0, dot = 0;
    for (int i = 0; i < 3; i++) {
        norm += tg_f64(x)[i] * tg_f64(x)[i];
        dot += tg_f64(x)[i] * v[i];
    }
    for (int i = 0; i < 3; i++) {
        assert_near(tg_f64(g)[i], norm * tg_f64(x)[i], 1e-12);
        assert_near(tg_f64(h)[i], norm * v[i] + 2 * tg_f64(x)[i] * dot, 1e-12);
    }
    assert_null(tg_grad(x));
    tg_tape_free(tape);
}

static void gradients_fail(void **state)
{
    (void)state;
    tg_tape *tape = tg_tape_new(NULL);
    tg_tensor *x = leaf(tape), *c = tg_ones(tape, TG_DIMS(3), TG_F64), *y = tg_mul(x, x);
    tg_tensor *loss = tg_sum(y), *in[] = {x, c, NULL}, *g[] = {x, x, x};
    tg_mark mark = tg_tape_mark(tape);
    assert_int_equal(tg_gradients(loss, NULL, in, 2, g, NULL), TG_ESTATE);
    assert_error(tape, TG_ESTATE, "gradients: input 1 [3] does not require a gradient");
    assert_true(!g[0] && !g[1]);
    in[1] = NULL;
    g[0] = g[1] = x;
    assert_int_equal(tg_gradients(loss, NULL, in, 2, g, NULL), TG_EVALUE);
    assert_error(tape, TG_EVALUE, "gradients: input 1 is NULL");
    assert_true(!g[0] && !g[1]);
    g[0] = x;
    assert_int_equal(tg_gradients(y, NULL, in, 1, g, NULL), TG_ESHAPE);
    assert_error(tape, TG_ESHAPE, "is not a scalar");
    assert_null(g[0]);
    in[0] = y; /* has its gradient before the pass fails */
    in[1] = x;
    for (int graph = 0; graph < 2; graph++) {
        ((double *)tg_data_mut(x))[0] += 1; /* found in the middle of the pass */
        g[0] = g[1] = x;
        assert_int_equal(
            tg_gradients(loss, NULL, in, 2, g, &(tg_backward_opts){.create_graph = graph}),
            TG_ESTATE);
        assert_error(tape, TG_ESTATE, "changed in place");
        assert_true(!g[0] && !g[1]);
        assert_null(tg_grad(x));
        at_same_place(mark, tg_tape_mark(tape));
    }
    tg_tape_free(tape);
}

/* --- anomaly mode --- */

static void anomaly(void **state)
{
    (void)state;
    tg_tape *tape = tg_tape_new(NULL);
    tg_tensor *x = tg_from_f64(tape, (double[]){1, 4, 0}, TG_DIMS(3), TG_REQUIRES_GRAD);
    assert_non_null(tg_log(x));
    assert_false(tg_set_anomaly_enabled(tape, true));
    assert_true(tg_set_anomaly_enabled(tape, true));
    assert_false(tg_set_anomaly_inf(tape, true));
    assert_true(tg_set_anomaly_inf(tape, true));
    tg_mark mark = tg_tape_mark(tape);
    assert_null(tg_exp(tg_log(x)));
    assert_error(tape, TG_EVALUE, "log: output element 2 is -inf");
    at_same_place(mark, tg_tape_mark(tape));
    /* The first one that a backward pass meets. */
    tg_tensor *loss = tg_sum(tg_mul_scalar(tg_sqrt(tg_mul_scalar(x, 3)), 2));
    assert_non_null(loss);
    assert_int_equal(tg_backward(loss), TG_EVALUE);
    assert_error(tape, TG_EVALUE, "sqrt: backward: element 2 of the gradient of input 0 is inf");
    assert_null(tg_grad(x));
    assert_true(tg_set_anomaly_enabled(tape, false));
    assert_int_equal(tg_backward(loss), TG_OK);
    assert_true(isinf(tg_f64(tg_grad(x))[2]));
    tg_tape_free(tape);
}

/* A mask of -inf is meant, the nan of a row that is masked as a whole is not. */
static void anomaly_in_a_mask(void **state)
{
    (void)state;
    tg_tape *tape = tg_tape_new(NULL);
    tg_tensor *x = tg_ones(tape, TG_DIMS(2, 2), TG_REQUIRES_GRAD);
    tg_tensor *later = tg_triu(tg_ones(tape, TG_DIMS(2, 2), TG_BOOL), 1);
    tg_tensor *all = tg_ones(tape, TG_DIMS(2, 2), TG_BOOL);
    tg_set_anomaly_enabled(tape, true);
    tg_tensor *y = tg_softmax(tg_masked_fill(x, later, -(double)INFINITY), 1);
    assert_int_equal(tg_backward(tg_sum(tg_square(y))), TG_OK);
    assert_equal(tg_f32(y)[1], 0);
    assert_null(tg_softmax(tg_masked_fill(x, all, -(double)INFINITY), 1));
    assert_error(tape, TG_EVALUE, "softmax: output element 0 is ");
    tg_set_anomaly_inf(tape, true);
    assert_null(tg_softmax(tg_masked_fill(x, later, -(double)INFINITY), 1));
    assert_error(tape, TG_EVALUE, "masked_fill: output element 1 is -inf");
    tg_set_anomaly_enabled(tape, false); /* then neither is looked for */
    assert_non_null(tg_masked_fill(x, all, -(double)INFINITY));
    assert_false(tg_set_anomaly_enabled(NULL, true) || tg_set_anomaly_inf(NULL, true));
    tg_tape_free(tape);
}

static void anomaly_replay(void **state)
{
    (void)state;
    tg_tape *tape = tg_tape_new(NULL);
    tg_tensor *x = tg_ones(tape, TG_DIMS(2), TG_F64 | TG_REQUIRES_GRAD);
    tg_mark mark = tg_tape_mark(tape);
    tg_tensor *y = tg_exp(tg_log(tg_mul_scalar(x, 1)));
    ((double *)tg_data_mut(x))[1] = -1;
    assert_int_equal(tg_tape_replay(tape, mark), TG_OK);
    assert_true(isnan(tg_f64(y)[1]));
    tg_set_anomaly_enabled(tape, true);
    assert_int_equal(tg_tape_replay(tape, mark), TG_EVALUE);
    assert_error(tape, TG_EVALUE, "log: output element 1 is");
    tg_tape_free(tape);
}

/* --- in-place writes --- */

/* What needs no value of a leaf may be done to it with gradients enabled. */
static void fills(void **state)
{
    (void)state;
    tg_tape *tape = tg_tape_new(NULL);
    tg_tensor *w = tg_ones(tape, TG_DIMS(2), TG_F64 | TG_REQUIRES_GRAD);
    tg_tensor *old = tg_sum(tg_square(w)), *row = tg_narrow(w, 0, 0, 1);
    assert_int_equal(tg_fill_(w, 3), TG_OK);
    tg_uniform_(w, 3, 3);
    assert_int_equal(tg_backward(old), TG_ESTATE);
    assert_error(tape, TG_ESTATE, "changed in place");
    assert_int_equal(tg_backward(tg_sum(tg_square(w))), TG_OK);
    assert_equal(tg_f64(tg_grad(w))[1], 6);
    assert_int_equal(tg_fill_(row, 4), TG_ESTATE);
    assert_error(tape, TG_ESTATE, "fill_: tensor [1] requires a gradient");
    tg_set_grad_enabled(tape, false);
    assert_int_equal(tg_fill_(row, 4), TG_OK);
    assert_equal(tg_f64(w)[0], 4);
    tg_tape_free(tape);
}

static void writes_through_views(void **state)
{
    (void)state;
    for (int way = 0; way < 4; way++) {
        tg_tape *tape = tg_tape_new(NULL);
        tg_tensor *x = tg_ones(tape, TG_DIMS(3, 4), TG_F64 | TG_REQUIRES_GRAD);
        tg_tensor *c = tg_ones(tape, TG_DIMS(3, 4), TG_F64), *loss = tg_sum(tg_mul(x, c));
        tg_tensor *row = tg_select(tg_transpose(c, 0, 1), 0, 2);
        tg_tensor *source = tg_full(tape, TG_SCALAR, 2, TG_F64);
        if (way == 0)
            tg_fill_(row, 2);
        else if (way == 1)
            tg_copy_(row, source);
        else if (way == 2)
            tg_add_(row, source, 0.5);
        for (int i = 0; i < 12; i++)
            assert_equal(tg_f64(c)[i], way == 3 || i % 4 != 2 ? 1 : 2);
        assert_int_equal(tg_backward(loss), way == 3 ? TG_OK : TG_ESTATE);
        if (way < 3)
            assert_error(tape, TG_ESTATE, "changed in place");
        tg_tape_free(tape);
    }
}

static void writes_to_itself(void **state)
{
    (void)state;
    tg_tape *tape = tg_tape_new(NULL);
    tg_tensor *t = tg_arange(tape, 0, 6, 1, TG_F64);
    assert_int_equal(tg_copy_(tg_narrow(t, 0, 1, 5), tg_narrow(t, 0, 0, 5)), TG_OK);
    for (int i = 0; i < 6; i++)
        assert_equal(tg_f64(t)[i], i ? i - 1 : 0);
    assert_int_equal(tg_add_(t, t, 2), TG_OK);
    for (int i = 0; i < 6; i++)
        assert_equal(tg_f64(t)[i], i ? 3 * (i - 1) : 0);
    assert_int_equal(tg_add_(t, tg_select(t, 0, 2), 1), TG_OK);
    for (int i = 0; i < 6; i++)
        assert_equal(tg_f64(t)[i], (i ? 3 * (i - 1) : 0) + 3);
    tg_tape_free(tape);
}

/* --- layers --- */

static void running_statistics(void **state)
{
    (void)state;
    tg_tape *tape = tg_tape_new(NULL);
    tg_tensor *x =
        tg_from_f64(tape, (double[]){1, 10, 2, 20, 6, 60}, TG_DIMS(3, 2), TG_REQUIRES_GRAD);
    tg_batch_norm_opts o = {.running_mean = tg_ones(tape, TG_DIMS(2), TG_F64),
                            .running_var = tg_full(tape, TG_DIMS(2), 2, TG_F64),
                            .training = true};
    double mean[] = {1, 1}, var[] = {2, 2}; /* of the batch: 3 and 30, 7 and 700 */
    tg_mark mark = tg_tape_mark(tape);
    for (int step = 0; step < 3; step++) {
        double m = step == 1 ? 0.25 : 0.1;
        o.momentum = step == 1 ? 0.25 : 0;
        if (step == 2)
            assert_int_equal(tg_tape_replay(tape, mark), TG_OK); /* of both steps */
        else
            assert_non_null(tg_batch_norm(x, &o));
        for (int again = 0; again <= (step == 2); again++) {
            m = step == 2 ? (again ? 0.25 : 0.1) : m;
            for (int c = 0; c < 2; c++) {
                mean[c] = (1 - m) * mean[c] + m * (c ? 30 : 3);
                var[c] = (1 - m) * var[c] + m * (c ? 700 : 7);
            }
        }
        for (int c = 0; c < 2; c++) {
            assert_near(tg_f64(o.running_mean)[c], mean[c], 1e-12);
            assert_near(tg_f64(o.running_var)[c], var[c], 1e-10);
        }
    }
    o.training = false;
    tg_tensor *y = tg_batch_norm(x, &o);
    for (int i = 0; i < 6; i++)
        assert_near(tg_f64(y)[i], (tg_f64(x)[i] - mean[i % 2]) / sqrt(var[i % 2] + 1e-5), 1e-12);
    assert_near(tg_f64(o.running_mean)[0], mean[0], 1e-12);
    tg_tape_free(tape);
}

/* Where memory is out, at whichever allocation, neither statistic has changed. */
static bool statistics_survive(int64_t k, int given)
{
    test_allocator allocator = {.fail_at = -1};
    tg_tape *tape = test_tape(&allocator, 1);
    tg_tensor *x = tg_arange(tape, 0, 12, 1, 0), *running[2];
    for (int i = 0; i < 2; i++)
        running[i] = tg_ones(tape, TG_DIMS(3), 0);
    const tg_batch_norm_opts o = {.running_mean = given & 1 ? running[0] : NULL,
                                  .running_var = given & 2 ? running[1] : NULL,
                                  .weight = tg_ones(tape, TG_DIMS(3), TG_REQUIRES_GRAD),
                                  .training = true};
    x = tg_reshape(x, TG_DIMS(4, 3));
    allocator = (test_allocator){.fail_at = k, .live = allocator.live};
    tg_tensor *y = tg_batch_norm(x, &o);
    bool failed = allocator.failures > 0;
    assert_true((y == NULL) == failed);
    for (int i = 0; i < 2; i++) {
        bool changed = !failed && given & 1 << i;
        assert_int_equal(tg_f32(running[i])[2] != 1, changed);
    }
    tg_tape_free(tape);
    return failed;
}

static void statistics_out_of_memory(void **state)
{
    (void)state;
    for (int given = 1; given < 4; given++) {
        int64_t k = 0;
        while (statistics_survive(k, given))
            k++;
        assert_true(k > 2);
    }
}

static void dropout_mask(void **state)
{
    (void)state;
    for (int dtype = TG_F32; dtype <= TG_F64; dtype++) {
        tg_tape *tape = tg_tape_new(NULL);
        tg_generator generator = {.isa = 0};
        tg_manual_seed(tape, 1234);
        tg_generator_seed(&generator, 1234);
        tg_tensor *x = tg_ones(tape, TG_DIMS(20, 50), dtype | TG_REQUIRES_GRAD);
        tg_mark mark = tg_tape_mark(tape);
        tg_tensor *y = tg_to(tg_dropout(x, 0.3, true), TG_F64), *loss = tg_sum(y);
        for (int time = 0; time < 2; time++) {
            if (time)
                assert_int_equal(tg_tape_replay(tape, mark), TG_OK);
            tg_zero_grad(x);
            assert_int_equal(tg_backward(loss), TG_OK);
            tg_tensor *g = tg_to(tg_grad(x), TG_F64);
            for (int i = 0; i < 1000; i++) {
                /* 53 bits of two words, high word first */
                uint64_t bits = tg_generator_u64(&generator) & (((uint64_t)1 << 53) - 1);
                bool kept = (double)bits * 0x1p-53 < 0.7;
                double scale = dtype == TG_F32 ? (double)(1 / 0.7f) : 1 / (1 - 0.3);
                assert_equal(tg_f64(y)[i], kept ? scale : 0);
                assert_equal(tg_f64(g)[i], kept ? scale : 0);
            }
        }
        tg_tape_free(tape);
    }
}

/* A row that reads as it is, but gets no gradient; nor one of second order. */
static void embedding_padding(void **state)
{
    (void)state;
    tg_tape *tape = tg_tape_new(NULL);
    tg_tensor *w = tg_from_f64(tape, (double[]){1, 2, 3, 4, 5, 6}, TG_DIMS(3, 2), TG_REQUIRES_GRAD);
    tg_tensor *index = tg_from_i64(tape, (int64_t[]){1, 2, 1, 0}, TG_DIMS(4), 0);
    for (int64_t padding = -2; padding <= 1; padding += 3) {
        tg_tensor *y = tg_embedding(w, index, padding), *g, *h;
        assert_equal(tg_f64(y)[0], 3);
        tg_tensor *loss = tg_sum(tg_mul(y, y));
        const tg_backward_opts graph = {.create_graph = true};
        assert_int_equal(tg_gradients(loss, NULL, &w, 1, &g, &graph), TG_OK);
        assert_int_equal(tg_gradients(tg_sum(g), NULL, &w, 1, &h, NULL), TG_OK);
        for (int i = 0; i < 6; i++) {
            assert_equal(tg_f64(g)[i], i / 2 == 1 ? 0 : 2 * (i + 1));
            assert_equal(tg_f64(h)[i], i / 2 == 1 ? 0 : 2);
        }
    }
    tg_tape_free(tape);
}

/* --- sums --- */

static void long_sum(void **state)
{
    (void)state;
    const int64_t n = 10000000;
    tg_tape *tape = tg_tape_new(NULL);
    tg_tensor *x = tg_rand(tape, TG_DIMS(n), 0);
    double exact = 0, lost = 0;
    for (int64_t i = 0; i < n; i++) { /* Neumaier's sum */
        double v = (double)tg_f32(x)[i], sum = exact + v;
        lost += fabs(exact) >= v ? (exact - sum) + v : (v - sum) + exact;
        exact = sum;
    }
    exact += lost;
    double ulp = (double)(nextafterf((float)exact, INFINITY) - (float)exact);
    assert_near(tg_item(tg_sum(x)), exact, 2 * ulp);
    assert_near(tg_item(tg_sum_dim(x, 0, false)), exact, 2 * ulp);
    ulp = (double)(nextafterf((float)(exact / (double)n), 1) - (float)(exact / (double)n));
    assert_near(tg_item(tg_mean(x)), exact / (double)n, 2 * ulp);
    tg_tape_free(tape);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(retain_grad),
        cmocka_unit_test(gradients),
        cmocka_unit_test(hessian_vector_product),
        cmocka_unit_test(gradients_fail),
        cmocka_unit_test(anomaly),
        cmocka_unit_test(anomaly_in_a_mask),
        cmocka_unit_test(anomaly_replay),
        cmocka_unit_test(fills),
        cmocka_unit_test(writes_through_views),
        cmocka_unit_test(writes_to_itself),
        cmocka_unit_test(running_statistics),
        cmocka_unit_test(statistics_out_of_memory),
        cmocka_unit_test(dropout_mask),
        cmocka_unit_test(embedding_padding),
        cmocka_unit_test(long_sum),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

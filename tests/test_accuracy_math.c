/* How accurate the math functions and the softmax kernels are, against 113-bit references
 * (exact.h). The bounds asserted are those that math.h, quick.h and softmax.h promise. One fixed stream
 * of samples. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "exact.h"
#include "kernels/angle.h"
#include "kernels/power.h"
#include "kernels/softmax_rows.h"

/* ---- The math functions. ---- */

static exact exact_sigmoid(exact x)
{
    return x < 0 ? expq(x) / (1 + expq(x)) : 1 / (1 + expq(-x));
}

static float sin_f32(float x)
{
    return (float)tgk_any_sin((double)x);
}

static float cos_f32(float x)
{
    return (float)tgk_any_cos((double)x);
}

typedef struct function {
    const char *name;
    double (*ours)(double);
    float (*ours_f32)(float);
    exact (*reference)(exact);
    double low, high; /* of the uniform samples */
    bool positive;    /* no negative samples of small magnitude */
} function;

static const function functions[] = {
    {"exp", tgk_exp, tgk_expf, expq, -746, 710, false},
    {"expm1", tgk_expm1, tgk_expm1f, expm1q, -50, 710, false},
    {"log", tgk_log, tgk_logf, logq, 0, 3, true},
    {"log1p", tgk_log1p, tgk_log1pf, log1pq, -1, 3, false},
    {"tanh", tgk_tanh, tgk_tanhf, tanhq, -20, 20, false},
    {"sigmoid", tgk_sigmoid, tgk_sigmoidf, exact_sigmoid, -746, 40, false},
    {"erf", tgk_erf, tgk_erff, erfq, -6, 6, false},
    {"sin", tgk_sin, sin_f32, sinq, -1000, 1000, false},
    {"cos", tgk_cos, cos_f32, cosq, -1000, 1000, false},
};

/* A mix of the function's range, the neighbourhood of 0, and all magnitudes. */
static double sample_for(const function *f)
{
    double x = uniform(f->low, f->high);
    if (chance(40))
        x = uniform(f->low < -1 ? -2 : f->low, 2);
    if (chance(30))
        x = magnitude(-60, 4);
    if (chance(10))
        x = magnitude(-1073, 1024.99);
    if (!f->positive && x < 1 && chance(30))
        x = -x;
    return x;
}

static void test_functions(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT(functions); i++) {
        const function *f = &functions[i];
        double worst = 0, worst_f32 = 0;
        for (int k = 0; k < 40000; k++) {
            double x = sample_for(f);
            worst = fmax(worst, exact_ulps(f->ours(x), f->reference((exact)x), EXACT_F64));
            double rounded = (double)(float)x, got = (double)f->ours_f32((float)x);
            if (isfinite(rounded) && k % 4 == 0)
                worst_f32 =
                    fmax(worst_f32, exact_ulps(got, f->reference((exact)rounded), EXACT_F32));
        }
        print_message("%-8s %.3f ulp, float %.6f\n", f->name, worst, worst_f32);
        assert_true(worst <= 1);
        assert_true(worst_f32 <= 0.501);
    }
}

/* Bases of all magnitudes, near 1 too, and exponents whose powers are in the range of the dtype. */
static void test_pow(void **state)
{
    (void)state;
    double worst = 0, worst_f32 = 0;
    for (int k = 0; k < 100000; k++) {
        double x = chance(50)   ? magnitude(-1073, 1023)
                   : chance(50) ? uniform(0.9, 1.1)
                                : magnitude(-4, 4);
        double y = chance(50) ? uniform(-745, 709) / log(x) : uniform(-5, 5);
        exact want = powq((exact)x, (exact)y);
        if (isfinite(y) && want < (exact)0x1p1023)
            worst = fmax(worst, exact_ulps(tgk_pow(x, y), want, EXACT_F64));
        x = (double)(float)(chance(50) ? magnitude(-148, 127) : x);
        y = (double)(float)(chance(50) ? uniform(-103, 88) / log(x) : y);
        want = powq((exact)x, (exact)y);
        if (x > 0 && isfinite(x) && isfinite(y) && want < (exact)0x1p127)
            worst_f32 = fmax(worst_f32,
                             exact_ulps((double)(float)tgk_any_quick_pow(x, y), want, EXACT_F32));
    }
    print_message("%-8s %.3f ulp, float %.6f\n", "pow", worst, worst_f32);
    assert_true(worst <= 1);
    assert_true(worst_f32 <= 0.501);
}

/* Angles next to multiples of pi / 2, where sine or cosine is all rest of a reduction. */
static void test_far_angles(void **state)
{
    (void)state;
    double worst = 0;
    for (int k = 0; k < 100000; k++) {
        double x = chance(50)
                       ? magnitude(20, 1023.9)
                       : floor(magnitude(0, 40)) * 0x1.921fb54442d18p+0 + uniform(-1e-9, 1e-9);
        worst = fmax(worst, exact_ulps(tgk_sin(x), sinq((exact)x), EXACT_F64));
        worst = fmax(worst, exact_ulps(tgk_cos(x), cosq((exact)x), EXACT_F64));
    }
    print_message("%-8s %.3f ulp\n", "far", worst);
    assert_true(worst <= 1);
}

static void test_special_values(void **state)
{
    (void)state;
    static const double x[] = {0, -0.0, 1e-310, -1e-310, 5e-324, 1, -1, 1e308, -1e308, 710, -746};
    static double (*const ours[])(double) = {tgk_exp,   tgk_expm1, tgk_log,
                                             tgk_log1p, tgk_tanh,  tgk_erf};
    static double (*const theirs[])(double) = {exp, expm1, log, log1p, tanh, erf};
    for (size_t f = 0; f < COUNT(ours); f++) {
        double all[COUNT(x) + 3] = {(double)INFINITY, -(double)INFINITY, (double)NAN};
        memcpy(all + 3, x, sizeof x);
        for (size_t i = 0; i < COUNT(all); i++) {
            double got = ours[f](all[i]), want = theirs[f](all[i]);
            if (isnan(want))
                assert_true(isnan(got));
            else
                assert_true(fabs(got - want) <= 4e-16 * fabs(want) || got == want);
            assert_true(isnan(want) || signbit(got) == signbit(want));
        }
    }
    assert_true(tgk_sigmoid((double)INFINITY) == 1 && tgk_sigmoid(-(double)INFINITY) == 0);
    assert_true(isnan(tgk_sigmoid((double)NAN)) && tgk_sigmoid(0) == 0.5);
}

#define SHAPE(outer, n, inner)                                                                     \
    {                                                                                              \
        outer, n, inner, NULL, NULL, NULL                                                          \
    }
static const tgk_rows row_shapes[] = {SHAPE(3, 1, 1),   SHAPE(5, 2, 1),   SHAPE(4, 3, 2),
                                      SHAPE(4, 5, 1),   SHAPE(2, 8, 3),   SHAPE(3, 17, 1),
                                      SHAPE(2, 130, 1), SHAPE(1, 300, 2), SHAPE(1, 9, 70),
                                      SHAPE(1, 3, 130), SHAPE(1, 900, 1)};

static void run_rows(tgk_range *body, void *to, const void *from, const void *out, tgk_rows s)
{
    tgk_rows rows = {s.outer, s.n, s.inner, to, from, out};
    tgk_softmax_run(NULL, body, &rows);
}

/* By dtype. */
static record soft[2] = {{"softmax", 0}, {"softmax", 0}};
static record log_soft[2] = {{"log_softmax", 0}, {"log_softmax", 0}};
static record lse[2] = {{"logsumexp", 0}, {"logsumexp", 0}};

static void check_softmax_row(int dtype, const void *x, void *const y[3], int64_t start, tgk_rows s,
                              int64_t row_index)
{
    exact_row row = exact_row_of(x, dtype, start, s.n, s.inner);
    exact log = log1pq(row.others);
    for (int64_t c = 0; c < s.n; c++) {
        int64_t at = start + c * s.inner;
        exact d = (exact)exact_at(x, dtype, at) - row.max;
        note(&soft[dtype], exact_at(y[0], dtype, at), expq(d) / row.sum, dtype, 0);
        note(&log_soft[dtype], exact_at(y[1], dtype, at), d - log, dtype, 0);
    }
    note(&lse[dtype], exact_at(y[2], dtype, row_index), row.max + log, dtype, log * (exact)0x1p-98);
}

static void check_softmax_shape(int dtype, tgk_rows s)
{
    const tgk_softmax *k = &tgk_softmax_table[tgk_isa_best()][dtype];
    double x[1000] = {0}, y[3][1000];
    int64_t rows = s.outer * s.inner;
    for (int64_t i = 0; i < rows; i++)
        fill_row(x, dtype, i / s.inner * s.n * s.inner + i % s.inner, s.n, s.inner);
    run_rows(k->softmax, y[0], x, NULL, s);
    run_rows(k->log_softmax, y[1], x, NULL, s);
    run_rows(k->logsumexp, y[2], x, NULL, s);
    for (int64_t i = 0; i < rows; i++)
        check_softmax_row(dtype, x, (void *[]){y[0], y[1], y[2]},
                          i / s.inner * s.n * s.inner + i % s.inner, s, i);
}

static void test_softmax(void **state)
{
    (void)state;
    for (int repeat = 0; repeat < 60; repeat++)
        for (size_t i = 0; i < COUNT(row_shapes); i++)
            for (int dtype = 0; dtype < 2; dtype++)
                check_softmax_shape(dtype, row_shapes[i]);
    for (int dtype = 0; dtype < 2; dtype++)
        print_message("softmax %.4f ulp, log_softmax %.4f, logsumexp %.4f\n", soft[dtype].worst,
                      log_soft[dtype].worst, lse[dtype].worst);
}

static record grad[2] = {{"softmax gradient", 0}, {"softmax gradient", 0}};
static record log_grad[2] = {{"log_softmax gradient", 0}, {"log_softmax gradient", 0}};

static void check_softmax_grad_row(int dtype, const void *g, void *const y[2], void *const dx[2],
                                   int64_t start, tgk_rows s)
{
    exact dot = 0, sum = 0, size = 0, unit = dtype == EXACT_F32 ? (exact)0x1p-50 : (exact)0x1p-95;
    for (int64_t c = 0; c < s.n; c++) {
        int64_t at = start + c * s.inner;
        exact up = (exact)exact_at(g, dtype, at);
        dot += up * (exact)exact_at(y[0], dtype, at);
        sum += up;
        size += fabsq(up);
    }
    for (int64_t c = 0; c < s.n; c++) {
        int64_t at = start + c * s.inner;
        exact up = (exact)exact_at(g, dtype, at), p = (exact)exact_at(y[0], dtype, at);
        exact log = (exact)exact_at(y[1], dtype, at), e = expq(log), e1 = expm1q(log);
        exact a = log > (exact)-0.5 ? up - sum : up, b = log > (exact)-0.5 ? e1 * sum : e * sum;
        note(&grad[dtype], exact_at(dx[0], dtype, at), p * (up - dot), dtype, unit * size * p);
        note(&log_grad[dtype], exact_at(dx[1], dtype, at), a - b, dtype,
             unit * (fabsq(a) + fabsq(b)));
    }
}

static void test_softmax_grad(void **state)
{
    (void)state;
    double x[1000] = {0}, g[1000] = {0}, y[2][1000], dx[1000], dlog[1000];
    for (size_t k = 0; k < 100 * COUNT(row_shapes); k++) {
        tgk_rows s = row_shapes[k / 2 % COUNT(row_shapes)];
        int dtype = k % 2 ? EXACT_F64 : EXACT_F32;
        const tgk_softmax *kernels = &tgk_softmax_table[tgk_isa_best()][dtype];
        unsigned manner = (unsigned)(draw() % 4); /* one-hot, all the same, any */
        for (int64_t i = 0; i < s.outer * s.n * s.inner; i++)
            store(g, dtype, i, manner == 0 ? i % 7 == 0 : manner == 1 ? 0.3 : uniform(-2, 2));
        for (int64_t i = 0; i < s.outer * s.inner; i++)
            fill_row(x, dtype, i / s.inner * s.n * s.inner + i % s.inner, s.n, s.inner);
        run_rows(kernels->softmax, y[0], x, NULL, s);
        run_rows(kernels->log_softmax, y[1], x, NULL, s);
        run_rows(kernels->softmax_backward, dx, g, y[0], s);
        run_rows(kernels->log_softmax_backward, dlog, g, y[1], s);
        for (int64_t i = 0; i < s.outer * s.inner; i++)
            check_softmax_grad_row(dtype, g, (void *[]){y[0], y[1]}, (void *[]){dx, dlog},
                                   i / s.inner * s.n * s.inner + i % s.inner, s);
    }
    for (int dtype = 0; dtype < 2; dtype++)
        print_message("gradients: softmax %.4f ulp, log_softmax %.4f\n", grad[dtype].worst,
                      log_grad[dtype].worst);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_functions),  cmocka_unit_test(test_pow),
        cmocka_unit_test(test_far_angles), cmocka_unit_test(test_special_values),
        cmocka_unit_test(test_softmax),    cmocka_unit_test(test_softmax_grad),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

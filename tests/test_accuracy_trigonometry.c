/* How accurate the functions of trigonometry.h are, against 113-bit references (exact.h), and what they give at
 * the ends of their ranges. One fixed stream of samples. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "exact.h"
#include "kernels/activation.h"
#include "kernels/trigonometry.h"

#include <tinygrad.h>

typedef struct function {
    const char *name;
    double (*ours)(double);
    double (*quick)(double); /* in double, for a float */
    exact (*reference)(exact);
    double (*theirs)(double); /* libm's */
    double low, high;         /* of the uniform samples */
    double bound;             /* of what is promised for double, in ulp */
} function;

static exact exp2_exact(exact x)
{
    return powq(2, x);
}

static exact mish_exact(exact x)
{
    return x * tanhq(x > 0 ? x + log1pq(expq(-x)) : log1pq(expq(x)));
}

static double mish_libm(double x)
{
    return x * tanh(log1p(exp(x)));
}

static const function functions[] = {
    {"tan", tgk_tan, tgk_any_tan, tanq, tan, -1000, 1000, 2},
    {"atan", tgk_atan, tgk_quick_atan, atanq, atan, -10, 10, 1},
    {"asin", tgk_asin, tgk_quick_asin, asinq, asin, -1, 1, 1},
    {"acos", tgk_acos, tgk_quick_acos, acosq, acos, -1, 1, 1},
    {"sinh", tgk_sinh, tgk_quick_sinh, sinhq, sinh, -711, 711, 1},
    {"cosh", tgk_cosh, tgk_quick_cosh, coshq, cosh, -711, 711, 1},
    {"asinh", tgk_asinh, tgk_quick_asinh, asinhq, asinh, -10, 10, 2},
    {"acosh", tgk_acosh, tgk_quick_acosh, acoshq, acosh, 1, 10, 2},
    {"atanh", tgk_atanh, tgk_quick_atanh, atanhq, atanh, -1, 1, 2},
    {"log2", tgk_log2, tgk_quick_log2, log2q, log2, 0, 3, 1},
    {"log10", tgk_log10, tgk_quick_log10, log10q, log10, 0, 3, 1},
    {"exp2", tgk_exp2, tgk_quick_exp2, exp2_exact, exp2, -1080, 1024, 1},
    {"mish", tgk_mish, tgk_quick_mish, mish_exact, mish_libm, -700, 30, 2},
};

enum { FUNCTIONS = COUNT(functions) };

static tg_tensor *(*const operations[FUNCTIONS])(tg_tensor *) = {
    tg_tan,   tg_atan,  tg_asin, tg_acos,  tg_sinh, tg_cosh, tg_asinh,
    tg_acosh, tg_atanh, tg_log2, tg_log10, tg_exp2, tg_mish};

static double sample_for(const function *f)
{
    double x = uniform(f->low, f->high);
    if (chance(40))
        x = uniform(f->low < -2 ? -2 : f->low, f->high > 2 ? 2 : f->high);
    if (chance(30))
        x = f->low == 1 ? 1 + magnitude(-60, 4) : magnitude(-60, 4);
    if (chance(10))
        x = magnitude(-1073, 1023.99);
    return f->low < 0 && chance(30) ? -x : x;
}

static void accuracy(void **state)
{
    (void)state;
    for (int i = 0; i < FUNCTIONS; i++) {
        const function *f = &functions[i];
        double worst = 0, worst_f32 = 0, at = 0;
        for (int k = 0; k < 20000; k++) {
            double x = sample_for(f);
            exact want = f->reference((exact)x);
            double error = want == want ? exact_ulps(f->ours(x), want, EXACT_F64) : 0;
            at = error > worst ? x : at;
            worst = fmax(worst, error);
            assert_true(want == want || isnan(f->ours(x)));
            double rounded = (double)(float)x, got = (double)(float)f->quick(rounded);
            want = f->reference((exact)rounded);
            if (isfinite(rounded) && want == want)
                worst_f32 = fmax(worst_f32, exact_ulps(got, want, EXACT_F32));
        }
        print_message("%-8s %.3f ulp (%a), float %.6f\n", f->name, worst, at, worst_f32);
        assert_true(worst <= f->bound);
        assert_true(worst_f32 <= 0.501);
    }
}

/* An operation is its function: of double, and of float where that has one. */
static void check_operation(tg_tape *tape, tg_tensor *(*operation)(tg_tensor *), const function *f)
{
    double x[100];
    float rounded[COUNT(x)];
    for (size_t k = 0; k < COUNT(x); k++)
        rounded[k] = (float)(x[k] = sample_for(f));
    tg_tensor *y = operation(tg_from_f64(tape, x, TG_DIMS(COUNT(x)), TG_F64));
    tg_tensor *z = operation(tg_from_f32(tape, rounded, TG_DIMS(COUNT(x)), 0));
    for (size_t k = 0; k < COUNT(x); k++) {
        const double want = f->ours(x[k]), quick = f->quick ? f->quick((double)rounded[k]) : 0;
        if (tg_f64(y)[k] != want && !isnan(want))
            fail_msg("%s(%a) is %a, wanted %a", f->name, x[k], tg_f64(y)[k], want);
        if (f->quick && tg_f32(z)[k] != (float)quick && !isnan(quick))
            fail_msg("%s(%a) is %a, wanted %a", f->name, (double)rounded[k], (double)tg_f32(z)[k],
                     quick);
    }
}

static void operations_are_functions(void **state)
{
    (void)state;
    static const function sine = {.name = "sin", .ours = tgk_sin, .low = -1000, .high = 1000};
    static const function cosine = {.name = "cos", .ours = tgk_cos, .low = -1000, .high = 1000};
    tg_tape *tape = tg_tape_new(NULL);
    for (int i = 0; i < FUNCTIONS; i++)
        check_operation(tape, operations[i], &functions[i]);
    check_operation(tape, tg_sin, &sine);
    check_operation(tape, tg_cos, &cosine);
    assert_int_equal(tg_error(tape), TG_OK);
    tg_tape_free(tape);
}

static void angles(void **state)
{
    (void)state;
    double worst = 0, worst_f32 = 0;
    for (int k = 0; k < 60000; k++) {
        int from = k % 3 ? -20 : -1070, to = k % 3 ? 20 : 1023;
        double y = magnitude(from, to), x = magnitude(from, to);
        y = chance(50) ? -y : y;
        x = chance(50) ? -x : x;
        worst = fmax(worst, exact_ulps(tgk_atan2(y, x), atan2q((exact)y, (exact)x), EXACT_F64));
        float g = (float)y, h = (float)x;
        if (isfinite(g) && isfinite(h) && h != 0)
            worst_f32 =
                fmax(worst_f32, exact_ulps((double)(float)tgk_any_quick_atan2((double)g, (double)h),
                                           atan2q((exact)g, (exact)h), EXACT_F32));
    }
    print_message("atan2 %.3f ulp, float %.6f\n", worst, worst_f32);
    assert_true(worst <= 1);
    assert_true(worst_f32 <= 0.501);
}

static void special_values(void **state)
{
    (void)state;
    static const double x[] = {0,     -0.0, 1e-310, -1e-310, 5e-324, 0.5,   -0.5,  1,
                               -1,    2,    -2,     1e308,   -1e308, 710,   -746,  8,
                               0.125, 1000, 1e22,   3,       1025,   -1080, 1e-30, -1e-30};
    for (int f = 0; f + 1 < FUNCTIONS; f++) {
        double all[COUNT(x) + 3] = {(double)INFINITY, -(double)INFINITY, (double)NAN};
        memcpy(all + 3, x, sizeof x);
        for (size_t i = 0; i < COUNT(all); i++) {
            double want = functions[f].theirs(all[i]), got = functions[f].ours(all[i]);
            float quick = (float)functions[f].quick((double)(float)all[i]);
            float want_f32 = (float)functions[f].theirs((double)(float)all[i]);
            if (!(isnan(want) ? isnan(got)
                              : fabs(got - want) <= 1e-15 * fabs(want) || got == want) ||
                (!isnan(want) && !signbit(got) != !signbit(want)))
                fail_msg("%s(%g) is %g, wanted %g", functions[f].name, all[i], got, want);
            if (!(isnan(want_f32)
                      ? isnan(quick)
                      : fabsf(quick - want_f32) <= 1e-6F * fabsf(want_f32) || quick == want_f32) ||
                (!isnan(want_f32) && !signbit(quick) != !signbit(want_f32)))
                fail_msg("%s of float %g is %g, wanted %g", functions[f].name, all[i],
                         (double)quick, (double)want_f32);
        }
    }
    for (int k = 300; k > -300; k--) {
        assert_true(tgk_log2(ldexp(1, k)) == k && tgk_exp2(k) == ldexp(1, k));
        assert_true(k < 0 || k > 22 || tgk_log10(pow(10, k)) == k);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(special_values),
        cmocka_unit_test(accuracy),
        cmocka_unit_test(angles),
        cmocka_unit_test(operations_are_functions),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

/* Learning rates against PyTorch, at the ends of a schedule, and for senseless arguments. */
#include "check.h"

typedef struct golden {
    double (*rate)(int64_t step);
    double want[40];
} golden;

#include "golden/schedule.inc"

enum { CASES = sizeof cases / sizeof *cases };

static void golden_values(void **state)
{
    (void)state;
    for (int k = 0; k < CASES; k++) {
        double most = 0;
        for (int i = 0; i < STEPS; i++)
            most = fmax(most, cases[k].want[i]);
        for (int i = 0; i < STEPS; i++) {
            double got = cases[k].rate(i), want = cases[k].want[i];
            if (!(fabs(got - want) <= 1e-12 * most))
                fail_msg("case %d, step %d: %.17g, wanted %.17g", k, i, got, want);
        }
    }
}

static void plateau(void **state)
{
    (void)state;
    for (int k = 0; k < PLATEAUS; k++) {
        tg_plateau seen = {0};
        double lr = 0.1;
        for (int i = 0; i < METRICS; i++) {
            lr = tg_lr_plateau(lr, metrics[i], &seen, &plateaus[k].opts);
            if (!(fabs(lr - plateaus[k].want[i]) <= 1e-15))
                fail_msg("case %d, call %d: %.17g, wanted %.17g", k, i, lr, plateaus[k].want[i]);
        }
    }
    tg_plateau seen = {0};
    assert_true(isnan(tg_lr_plateau(0.1, 1, NULL, NULL)));
    assert_true(isnan(tg_lr_plateau(0.1, 1, &seen, &(tg_plateau_opts){.factor = 1})));
    assert_true(isnan(tg_lr_plateau(0.1, 1, &seen, &(tg_plateau_opts){.cooldown = -1})));
    assert_true(isnan(tg_lr_plateau(0.1, 1, &seen, &(tg_plateau_opts){.patience = -1})));
    assert_false(seen.begun);
    assert_equal(tg_lr_plateau(0.1, 1, &seen, NULL), 0.1);
}

static void ends(void **state)
{
    (void)state;
    const tg_one_cycle_opts one = {.max_lr = 1, .total_steps = 1};
    const tg_one_cycle_opts ten = {.max_lr = 1, .total_steps = 10, .pct_start = 0.1};
    assert_near(tg_lr_one_cycle(0, &one), 1 / 25e4, 1e-20);
    /* The rise is of no length: PyTorch would divide by 0. */
    assert_equal(tg_lr_one_cycle(0, &ten), 1);
    assert_near(tg_lr_one_cycle(9, &ten), 1 / 25e4, 1e-17);
    assert_equal(tg_lr_one_cycle(10, &ten), tg_lr_one_cycle(9, &ten));
    assert_equal(tg_lr_one_cycle(INT64_MAX, &ten), tg_lr_one_cycle(9, &ten));
    assert_equal(tg_lr_linear(2, INT64_MAX, 0.5, 0.25, 3), 0.5);
    assert_equal(tg_lr_linear(2, 0, 0.5, 0.25, INT64_MAX), 1);
    assert_equal(tg_lr_cosine(0.5, 0, 3, 0.1), 0.5);
    assert_near(tg_lr_cosine(0.5, 3, 3, 0.1), 0.1, 1e-17);
    assert_equal(tg_lr_exponential(0.5, INT64_MAX, 0.5), 0);
    assert_equal(tg_lr_step(0.5, 2, INT64_MAX, 0), 0.5);
}

static void without_meaning(void **state)
{
    (void)state;
    const tg_one_cycle_opts good = {.max_lr = 1, .total_steps = 10};
    tg_one_cycle_opts opts = good;
    assert_true(isnan(tg_lr_one_cycle(-1, &opts)));
    assert_true(isnan(tg_lr_one_cycle(0, NULL)));
    opts.total_steps = 0;
    assert_true(isnan(tg_lr_one_cycle(0, &opts)));
    const double bad[] = {-0.1, 1.1, (double)NAN};
    for (int k = 0; k < 3; k++) {
        opts = good;
        opts.pct_start = bad[k];
        assert_true(isnan(tg_lr_one_cycle(0, &opts)));
    }
    assert_true(isnan(tg_lr_step(1, -1, 2, 0.5)));
    assert_true(isnan(tg_lr_step(1, 1, 0, 0.5)));
    assert_true(isnan(tg_lr_multi_step(1, -1, (int64_t[]){1}, 1, 0.5)));
    assert_true(isnan(tg_lr_multi_step(1, 1, NULL, 1, 0.5)));
    assert_true(isnan(tg_lr_exponential(1, -1, 0.5)));
    assert_true(isnan(tg_lr_cosine(1, -1, 2, 0)));
    assert_true(isnan(tg_lr_cosine(1, 1, 0, 0)));
    assert_true(isnan(tg_lr_cosine_restarts(1, -1, 2, 1, 0)));
    assert_true(isnan(tg_lr_cosine_restarts(1, 1, 0, 1, 0)));
    assert_true(isnan(tg_lr_cosine_restarts(1, 1, 2, 0, 0)));
    assert_true(tg_lr_cosine_restarts(1, INT64_MAX, 2, 2, 0) > 0);
    assert_true(isnan(tg_lr_linear(1, -1, 0, 1, 2)));
    assert_true(isnan(tg_lr_linear(1, 1, 0, 1, 0)));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(golden_values),
        cmocka_unit_test(plateau),
        cmocka_unit_test(ends),
        cmocka_unit_test(without_meaning),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

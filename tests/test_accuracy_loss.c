/* How accurate cross-entropy and nll are, loss and gradient, in every option, against 113-bit
 * references (exact.h); rows with infinite and nan logits; the edges of the kernels' contract. The
 * bounds asserted are those that loss.h promises. One fixed stream of samples. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "exact.h"
#include "kernels/loss/entropy.h"
#include "kernels/softmax_rows.h"

enum { MAX_POSITIONS = 64, MAX_ELEMENTS = 120000, MAX_CLASSES = 60000 };

/* A drawn problem; the arrays hold either dtype. */
static struct problem {
    tgk_ce ce;
    int dtype;
    int64_t target[MAX_POSITIONS];
    double x[MAX_ELEMENTS], prob[MAX_ELEMENTS], weight[MAX_CLASSES];
    double grad_out[MAX_POSITIONS], loss[MAX_POSITIONS], dx[MAX_ELEMENTS];
    double stats[MAX_POSITIONS * TGK_CE_STATS + TGK_CE_TOTALS];
    exact a[MAX_CLASSES], den;
    exact_ce each[MAX_POSITIONS];
} problem;

static void draw_weight(struct problem *p)
{
    unsigned manner = (unsigned)(draw() % 4);
    p->ce.weight = manner ? p->weight : NULL;
    for (int64_t c = 0; c < p->ce.c; c++) {
        double w = manner == 1 ? uniform(0, 2) : uniform(-9, 9);
        store(p->weight, p->dtype, c, manner == 3 && chance(40) ? 0 : w);
    }
}

static void draw_targets(struct problem *p, int64_t count)
{
    p->ce.target = chance(60) ? p->target : NULL;
    p->ce.prob = p->ce.target ? NULL : p->prob;
    p->ce.ignore = chance(50) ? -100 : 1;
    for (int64_t i = 0; i < count; i++)
        p->target[i] = chance(10) ? p->ce.ignore : (int64_t)(draw() % (uint64_t)p->ce.c);
    unsigned manner = (unsigned)(draw() % 4); /* one-hot, positive, negative as well, sparse */
    for (int64_t i = 0; i < count * p->ce.c; i++) {
        double q = manner == 2 ? uniform(-1, 1) : uniform(0, 1);
        if (manner == 0)
            q = i % (p->ce.c + 1) == 0;
        store(p->prob, p->dtype, i, manner == 3 && chance(50) ? 0 : q);
    }
}

/* Probability targets that are the softmax itself, rounded: all of the gradient cancels. */
static void aim_at_softmax(struct problem *p)
{
    int64_t n = p->ce.n, c = p->ce.c, d = p->ce.d;
    for (int64_t i = 0; i < n * d; i++) {
        int64_t start = i / d * c * d + i % d;
        exact_row row = exact_row_of(p->x, p->dtype, start, c, d);
        for (int64_t k = 0; k < c; k++) {
            exact x = (exact)exact_at(p->x, p->dtype, start + k * d);
            store(p->prob, p->dtype, start + k * d, (double)(expq(x - row.max) / row.sum));
        }
    }
}

/* Probability targets of mixed signs for which the loss is nearly 0: of each position, or, where
 * there are two with the same logits, of their sum. */
static void aim_at_zero(struct problem *p)
{
    int64_t c = p->ce.c, count = p->ce.n * p->ce.d;
    p->ce.target = NULL;
    p->ce.prob = p->prob;
    p->ce.weight = NULL;
    p->ce.smoothing = 0;
    bool mirror = count == 2 && p->ce.d == 1 && chance(70);
    exact_row row = exact_row_of(p->x, p->dtype, 0, c, p->ce.d);
    exact log = log1pq(row.others), loss = 0;
    for (int64_t k = 0; k < c * p->ce.d; k++) {
        double x = exact_at(p->x, p->dtype, k), q = exact_at(p->prob, p->dtype, k);
        exact each = row.max - (exact)x + log;
        if (mirror) {
            store(p->x, p->dtype, c + k, x);
            store(p->prob, p->dtype, c + k, k == 0 ? -q * 1.0000001 : -q);
        } else if (k % p->ce.d == 0) {
            if (k == (c - 1) * p->ce.d && each > fabsq(loss) * (exact)1e-9)
                store(p->prob, p->dtype, k, (double)(-loss / each));
            loss += (exact)q * each;
        }
    }
}

static void draw_problem(int dtype, int64_t n, int64_t c, int64_t d)
{
    struct problem *p = &problem;
    static const double smoothing[] = {0, 0, 0, 0.1, 0.5, 1, 1e-9, 0.3};
    p->dtype = dtype;
    p->ce = (tgk_ce){.n = n, .c = c, .d = d, .x = p->x, .reduction = (int)(draw() % 3)};
    p->ce.smoothing = smoothing[draw() % COUNT(smoothing)];
    draw_weight(p);
    draw_targets(p, n * d);
    for (int64_t i = 0; i < n * d; i++) {
        fill_row(p->x, dtype, i / d * c * d + i % d, c, d);
        store(p->grad_out, dtype, i, uniform(-2, 2));
    }
    if (chance(20))
        aim_at_softmax(p);
    else if (chance(20))
        aim_at_zero(p);
}

static exact weight_of(const struct problem *p, int64_t c)
{
    return p->ce.weight ? (exact)exact_at(p->weight, p->dtype, c) : 1;
}

static bool ignored(const struct problem *p, int64_t i)
{
    return p->ce.target && p->target[i] == p->ce.ignore;
}

/* Fills p->a for position i. */
static void coefficients(struct problem *p, int64_t i)
{
    int64_t c = p->ce.c, d = p->ce.d, start = i / d * c * d + i % d;
    exact e = (exact)p->ce.smoothing;
    for (int64_t k = 0; k < c; k++) {
        exact q = p->ce.target ? (exact)(p->target[i] == k)
                               : (exact)exact_at(p->prob, p->dtype, start + k * d);
        p->a[k] = weight_of(p, k) * (q * (1 - e) + e / (exact)c);
    }
}

static exact denominator(const struct problem *p)
{
    exact sum = 0;
    if (p->ce.reduction != TGK_MEAN)
        return 1;
    for (int64_t i = 0; i < p->ce.n * p->ce.d; i++)
        if (!ignored(p, i))
            sum += p->ce.target ? weight_of(p, p->target[i]) : 1;
    return sum;
}

static void check_gradient(struct problem *p, record *r, int64_t i, const exact_row *row)
{
    int64_t c = p->ce.c, d = p->ce.d, start = i / d * c * d + i % d;
    exact g = (exact)exact_at(p->grad_out, p->dtype, p->ce.reduction == TGK_NONE ? i : 0) / p->den;
    for (int64_t k = 0; k < c; k++) {
        exact size, x = (exact)exact_at(p->x, p->dtype, start + k * d);
        exact want = exact_ce_grad(row, &p->each[i], k, x, p->a[k], &size) * g;
        note(r, exact_at(p->dx, p->dtype, start + k * d), want, p->dtype,
             size * fabsq(g) * (exact)0x1p-90);
    }
}

static void check_positions(struct problem *p, record *gradient)
{
    int64_t c = p->ce.c, d = p->ce.d;
    for (int64_t i = 0; i < p->ce.n * d; i++) {
        int64_t start = i / d * c * d + i % d;
        p->each[i] = (exact_ce){0, 0, 0, 0, 0};
        if (p->den == 0 || ignored(p, i)) {
            for (int64_t k = 0; k < c; k++)
                assert_true(exact_at(p->dx, p->dtype, start + k * d) == 0);
            continue;
        }
        exact_row row = exact_row_of(p->x, p->dtype, start, c, d);
        coefficients(p, i);
        p->each[i] = exact_ce_of(&row, p->x, p->dtype, start, c, d, p->a);
        check_gradient(p, gradient, i, &row);
    }
}

static void check_loss(const struct problem *p, record *r)
{
    exact sum = 0, size = 0;
    for (int64_t i = 0; i < p->ce.n * p->ce.d; i++) {
        if (p->ce.reduction == TGK_NONE)
            note(r, exact_at(p->loss, p->dtype, i), p->each[i].loss, p->dtype,
                 p->each[i].size * (exact)0x1p-90);
        sum += p->each[i].loss;
        size += p->each[i].size;
    }
    if (p->ce.reduction == TGK_NONE)
        return;
    exact want = p->den == 0 ? (exact)NAN : sum / p->den;
    note(r, exact_at(p->loss, p->dtype, 0), want, p->dtype,
         p->den == 0 ? 0 : size / fabsq(p->den) * (exact)0x1p-90);
}

static record ce_loss[2] = {{"cross_entropy f32", 0}, {"cross_entropy f64", 0}};
static record ce_grad[2] = {{"its gradient f32", 0}, {"its gradient f64", 0}};

static void check_ce(int dtype, int64_t n, int64_t c, int64_t d)
{
    struct problem *p = &problem;
    draw_problem(dtype, n, c, d);
    tgk_loss_table[tgk_isa_best()][dtype].forward(&p->ce, p->loss, p->stats);
    tgk_loss_table[tgk_isa_best()][dtype].backward(&p->ce, p->stats, p->grad_out, p->dx);
    p->den = denominator(p);
    check_positions(p, &ce_grad[dtype]);
    check_loss(p, &ce_loss[dtype]);
}

/* Weights of both signs under which the losses of two index targets cancel, but for 2^-4 to 2^-20 of
 * them. */
static void check_mixed_weights(int dtype)
{
    struct problem *p = &problem;
    draw_problem(dtype, 2, 2 + (int64_t)(draw() % 30), 1);
    p->ce.target = p->target;
    p->ce.prob = NULL;
    p->ce.weight = p->weight;
    p->ce.smoothing = 0;
    p->ce.ignore = -100;
    p->ce.reduction = TGK_SUM;
    exact loss[2];
    for (int64_t i = 0; i < 2; i++) {
        exact_row row = exact_row_of(p->x, dtype, i * p->ce.c, p->ce.c, 1);
        p->target[i] = i;
        loss[i] = row.max - (exact)exact_at(p->x, dtype, i * p->ce.c + i) + log1pq(row.others);
    }
    double other = (double)(-loss[0] / loss[1]) * (1 + ldexp(1, -4 - (int)(draw() % 17)));
    if (!(fabs(other) > 1e-6 && fabs(other) < 1e6))
        return; /* an extreme row */
    store(p->weight, dtype, 0, 1);
    store(p->weight, dtype, 1, other);
    tgk_loss_table[tgk_isa_best()][dtype].forward(&p->ce, p->loss, p->stats);
    tgk_loss_table[tgk_isa_best()][dtype].backward(&p->ce, p->stats, p->grad_out, p->dx);
    p->den = denominator(p);
    check_positions(p, &ce_grad[dtype]);
    check_loss(p, &ce_loss[dtype]);
}

/* One logit at which the probability is the smoothed target, but for the rounding of the logit: all
 * of its gradient cancels. */
static void check_smoothed_target(int dtype)
{
    struct problem *p = &problem;
    static const double smoothing[] = {0.1, 0.5, 1, 1e-9};
    draw_problem(dtype, 1, 2 + (int64_t)(draw() % 30), 1);
    p->ce.target = p->target;
    p->ce.prob = NULL;
    p->ce.smoothing = smoothing[draw() % COUNT(smoothing)];
    p->ce.ignore = -100;
    p->ce.reduction = TGK_SUM;
    int64_t c = p->ce.c, aim = (int64_t)(draw() % (uint64_t)c);
    p->target[0] = (int64_t)(draw() % (uint64_t)c);
    coefficients(p, 0);
    exact rest = 0, others = 0, max = (exact)exact_at(p->x, dtype, aim == 0);
    for (int64_t k = 0; k < c; k++) {
        rest += k == aim ? 0 : p->a[k];
        others += k == aim ? 0 : expq((exact)exact_at(p->x, dtype, k) - max);
    }
    double x = (double)(max + logq(p->a[aim] * others / rest));
    if (!(fabs(x) < 1e6))
        return; /* an extreme row, or weights of both signs */
    store(p->x, dtype, aim, x);
    tgk_loss_table[tgk_isa_best()][dtype].forward(&p->ce, p->loss, p->stats);
    tgk_loss_table[tgk_isa_best()][dtype].backward(&p->ce, p->stats, p->grad_out, p->dx);
    p->den = denominator(p);
    check_positions(p, &ce_grad[dtype]);
    check_loss(p, &ce_loss[dtype]);
}

static void test_cross_entropy(void **state)
{
    (void)state;
    for (int i = 0; i < 4000; i++) {
        int64_t n = 1 + (int64_t)(draw() % 4), c = 1 + (int64_t)(draw() % 12);
        check_ce(i % 2, n, c, 1 + (int64_t)(draw() % 3));
    }
    for (int i = 0; i < 1000; i++)
        check_ce(i % 2, 2, 1 + (int64_t)(draw() % 9), 1);
    for (int i = 0; i < 400; i++) /* positions side by side */
        check_ce(i % 2, 1, 1 + (int64_t)(draw() % 9), 8 + (int64_t)(draw() % 57));
    for (int i = 0; i < 12; i++)
        check_ce(i % 2, 2, 50000 / (1 + (int64_t)(draw() % 40)), 1);
    for (int i = 0; i < 4000; i++)
        check_mixed_weights(i % 2);
    for (int i = 0; i < 4000; i++)
        check_smoothed_target(i % 2);
    for (int dtype = 0; dtype < 2; dtype++)
        print_message("cross_entropy: loss %.4f ulp, gradient %.4f ulp\n", ce_loss[dtype].worst,
                      ce_grad[dtype].worst);
    /* Twice as much is promised: of a lower part that is lost, or has the wrong sign, this is the sign. */
    assert_true(ce_loss[1].worst < 1 && ce_grad[1].worst < 1);
}

static void check_nll(int dtype, record *r)
{
    struct problem *p = &problem;
    draw_problem(dtype, 3, 5, 2);
    p->ce.target = p->target;
    int low = dtype == EXACT_F32 ? -140 : -1070, high = dtype == EXACT_F32 ? 100 : 1000;
    for (int i = 0; i < 30; i++)
        store(p->x, dtype, i, -magnitude(chance(50) ? -9 : low, high));
    tgk_loss_table[tgk_isa_best()][dtype].nll_forward(&p->ce, p->loss, p->stats);
    tgk_loss_table[tgk_isa_best()][dtype].nll_backward(&p->ce, p->stats, p->grad_out, p->dx);
    p->den = denominator(p);
    for (int64_t i = 0; i < 6; i++) {
        int64_t start = i / 2 * 10 + i % 2, t = p->target[i];
        exact g = (exact)exact_at(p->grad_out, dtype, p->ce.reduction == TGK_NONE ? i : 0);
        exact w = ignored(p, i) || p->den == 0 ? 0 : weight_of(p, t);
        p->each[i] = (exact_ce){0, 0, 0, 0, 0};
        if (w != 0)
            p->each[i].loss = -w * (exact)exact_at(p->x, dtype, start + 2 * t);
        p->each[i].size = fabsq(p->each[i].loss);
        for (int64_t c = 0; c < 5; c++)
            note(r, exact_at(p->dx, dtype, start + 2 * c), c == t && w != 0 ? -w * g / p->den : 0,
                 dtype, 0);
    }
    check_loss(p, r);
}

static void test_nll(void **state)
{
    (void)state;
    record r[2] = {{"nll f32", 0}, {"nll f64", 0}};
    for (int i = 0; i < 2000; i++)
        check_nll(i % 2, &r[i % 2]);
    print_message("nll: %.4f ulp, double %.4f ulp\n", r[0].worst, r[1].worst);
}

/* ---- Infinite and nan logits, and the contract at the edges. ---- */

static const double inf = (double)INFINITY, nan_ = (double)NAN;

/* One row of three, as PyTorch: for an index target (t < 3) or probabilities .5, 0, .5 (t == 3). */
static const struct special {
    double x[3];
    int64_t t;
    double smoothing, log_softmax[3], lse, loss, grad[3];
} specials[] = {
    {{1, -inf, 3}, 0, 0, {-2.1269, -inf, -.1269}, 3.1269, 2.1269, {-.8808, 0, .8808}},
    {{1, -inf, 3}, 1, 0, {-2.1269, -inf, -.1269}, 3.1269, inf, {.1192, -1, .8808}},
    {{1, -inf, 3}, 3, 0, {-2.1269, -inf, -.1269}, 3.1269, nan_, {-.3808, 0, .3808}},
    {{1, -inf, 3}, 0, .1, {-2.1269, -inf, -.1269}, 3.1269, inf, {-.8141, -.0333, .8475}},
    {{-inf, -inf, -inf}, 0, 0, {nan_, nan_, nan_}, -inf, nan_, {nan_, nan_, nan_}},
    {{1, inf, 3}, 0, 0, {nan_, nan_, nan_}, inf, nan_, {nan_, nan_, nan_}},
    {{1, nan_, 3}, 0, .1, {nan_, nan_, nan_}, nan_, nan_, {nan_, nan_, nan_}},
    {{1, nan_, inf}, 3, 0, {nan_, nan_, nan_}, nan_, nan_, {nan_, nan_, nan_}},
    {{3e38, 0, -3e38}, 3, 0, {0, -3e38, -6e38}, 3e38, 3e38, {.5, 0, -.5}},
};

static bool near(double a, double b)
{
    return a == b || (isnan(a) && isnan(b)) || fabs(a - b) <= 1e-4 * fmax(1, fabs(b));
}

static void check_special(int dtype, const struct special *s)
{
    static const double half[3] = {.5, 0, .5};
    double x[3], prob[3], y[3], lse[3], loss[3], dx[3], stats[TGK_CE_STATS + TGK_CE_TOTALS], g[1];
    for (int i = 0; i < 3; i++) {
        store(x, dtype, i, s->x[i]);
        store(prob, dtype, i, half[i]);
    }
    store(g, dtype, 0, 1);
    tgk_ce ce = {.n = 1, .c = 3, .d = 1, .x = x, .smoothing = s->smoothing, .ignore = -100};
    ce.target = s->t < 3 ? &s->t : NULL;
    ce.prob = s->t < 3 ? NULL : prob;
    const tgk_softmax *kernels = &tgk_softmax_table[tgk_isa_best()][dtype];
    tgk_softmax_run(NULL, kernels->log_softmax, &(tgk_rows){1, 3, 1, y, x, NULL});
    tgk_softmax_run(NULL, kernels->logsumexp, &(tgk_rows){1, 3, 1, lse, x, NULL});
    tgk_loss_table[tgk_isa_best()][dtype].forward(&ce, loss, stats);
    tgk_loss_table[tgk_isa_best()][dtype].backward(&ce, stats, g, dx);
    assert_true(near(exact_at(lse, dtype, 0), s->lse));
    assert_true(near(exact_at(loss, dtype, 0), s->loss));
    for (int i = 0; i < 3; i++) {
        double want = dtype == EXACT_F32 ? (double)(float)s->log_softmax[i] : s->log_softmax[i];
        assert_true(near(exact_at(y, dtype, i), want));
        assert_true(near(exact_at(dx, dtype, i), s->grad[i]));
    }
    tgk_softmax_run(NULL, kernels->softmax, &(tgk_rows){1, 3, 1, y, x, NULL});
    for (int i = 0; i < 3; i++)
        assert_true(near(exact_at(y, dtype, i), exp(s->log_softmax[i])));
}

static void test_special_rows(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT(specials); i++)
        for (int dtype = 0; dtype < 2; dtype++)
            check_special(dtype, &specials[i]);
}

static void test_edges(void **state)
{
    (void)state;
    const int64_t target[] = {0, 2, -100, INT64_MIN, 3, INT64_MAX};
    assert_int_equal(tgk_targets_check(target, 3, 3, -100), -1);
    assert_int_equal(tgk_targets_check(target, 6, 3, -100), 3);
    assert_int_equal(tgk_targets_check(target, 6, 3, INT64_MIN), 2);
    assert_int_equal(tgk_targets_check(target + 4, 2, 3, -100), 0);
    assert_int_equal(tgk_targets_check(target, 1, 0, -100), 0);
    for (int reduction = TGK_MEAN; reduction <= TGK_SUM; reduction++) {
        tgk_ce ce = {.n = 0, .c = 3, .d = 2, .ignore = -100, .reduction = reduction};
        double loss = 7, stats[TGK_CE_TOTALS], g = 1;
        ce.target = target;
        tgk_loss_table[tgk_isa_best()][EXACT_F64].forward(&ce, &loss, stats);
        assert_true(reduction == TGK_MEAN ? isnan(loss) : loss == 0);
        tgk_loss_table[tgk_isa_best()][EXACT_F64].backward(&ce, stats, &g, NULL);
    }
    /* Zero targets and confident predictions give +0, not -0. */
    double x[2] = {2000, 0}, loss, g = 1, dx[2], stats[TGK_CE_STATS + TGK_CE_TOTALS];
    tgk_ce ce = {.n = 1, .c = 2, .d = 1, .x = x, .target = target, .ignore = -100};
    tgk_loss_table[tgk_isa_best()][EXACT_F64].forward(&ce, &loss, stats);
    tgk_loss_table[tgk_isa_best()][EXACT_F64].backward(&ce, stats, &g, dx);
    assert_true(loss == 0 && dx[0] == 0 && dx[1] == 0);
    assert_false(signbit(loss) || signbit(dx[0]) || signbit(dx[1]));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_cross_entropy),
        cmocka_unit_test(test_nll),
        cmocka_unit_test(test_special_rows),
        cmocka_unit_test(test_edges),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

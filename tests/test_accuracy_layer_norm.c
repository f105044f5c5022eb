/* How accurate layer_norm and its gradients are against 113-bit references (exact.h), and that each
 * instruction set gives the same bits. The bounds asserted are those that kernels/normalise_rows.h
 * promises. One fixed stream of samples. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "exact.h"
#include "kernels/normalise_rows.h"

exact sqrtq(exact);

enum { MAX_ROWS = 9, MAX_N = 300, MAX_ELEMENTS = MAX_ROWS * MAX_N };

/* A drawn problem and what the kernels make of it; the arrays hold either dtype. */
static struct problem {
    int dtype;
    int64_t rows, n;
    double eps;
    bool with_weight, with_bias;
    double x[MAX_ELEMENTS], g[MAX_ELEMENTS], weight[MAX_N], bias[MAX_N];
    double means[MAX_ROWS], deviations[MAX_ROWS];
    double y[MAX_ELEMENTS], dx[MAX_ELEMENTS], dweight[MAX_N];
} problem;

/* Rows around 0, far from it, of one value, and very large or small ones. */
static void draw_rows(struct problem *p)
{
    for (int64_t row = 0; row < p->rows; row++) {
        unsigned manner = (unsigned)(draw() % 5);
        double offset = manner == 1 || manner == 2 ? uniform(-1000, 1000) : 0;
        double scale = manner == 2 ? 0 : manner == 3 ? magnitude(-60, 100) : 3;
        for (int64_t i = row * p->n; i < (row + 1) * p->n; i++) {
            store(p->x, p->dtype, i, offset + uniform(-scale, scale));
            store(p->g, p->dtype, i, uniform(-2, 2));
        }
    }
}

static void draw_problem(int dtype, int64_t rows, int64_t n)
{
    static const double eps[] = {1e-5, 1e-12, 0.1};
    struct problem *p = &problem;
    p->dtype = dtype;
    p->rows = rows;
    p->n = n;
    p->eps = eps[draw() % COUNT(eps)];
    p->with_weight = chance(60);
    p->with_bias = chance(60);
    draw_rows(p);
    for (int64_t i = 0; i < n; i++) {
        store(p->weight, dtype, i, uniform(-2, 2));
        store(p->bias, dtype, i, uniform(-1, 1));
    }
}

static void run(struct problem *p, int isa)
{
    tgk_layer_norm args = {.out = p->y,
                           .x = p->x,
                           .weight = p->with_weight ? p->weight : NULL,
                           .bias = p->with_bias ? p->bias : NULL,
                           .means = p->means,
                           .deviations = p->deviations,
                           .rows = p->rows,
                           .n = p->n,
                           .eps = p->eps};
    tgk_layer_norm_forward(NULL, isa, p->dtype, &args);
    args.out = p->dx;
    args.g = p->g;
    args.dweight = p->dweight;
    args.sums = malloc(tgk_layer_norm_workspace(&args));
    assert_non_null(args.sums);
    tgk_layer_norm_backward(NULL, isa, p->dtype, &args);
    free(args.sums);
}

/* The worst error: of float32 in ulps, after what terms that cancel may lose (2^-51 of their size);
 * of float64 in 2^-53 of the size of the terms. */
typedef struct worst {
    const char *name;
    double limit[2], is[2];
} worst;

static worst of_result = {"result", {0.5005, 3}, {0}}, of_gradient = {"gradient", {0.5005, 3}, {0}},
             of_weight = {"weight's gradient", {0.5005, 3}, {0}};

static void measure(worst *w, int dtype, double got, exact want, exact terms)
{
    exact error = fabsq((exact)got - want);
    double is = (double)(error / terms * (exact)0x1p53);
    if (dtype == EXACT_F32)
        is = error <= terms * (exact)0x1p-51 ? 0 : exact_ulps(got, want, dtype);
    if (terms == 0)
        is = error == 0 ? 0 : (double)INFINITY;
    w->is[dtype] = fmax(w->is[dtype], is);
    if (!(is <= w->limit[dtype]))
        fail_msg("%s: got %a, want %a: %g", w->name, got, (double)want, is);
}

/* A row: h, and with `size` what h's terms are. */
typedef struct exact_norm {
    exact h[MAX_N], size, deviation;
} exact_norm;

static exact_norm rows_of[MAX_ROWS];

static void normalise(const struct problem *p, int64_t row)
{
    exact_norm *r = &rows_of[row];
    exact mean = 0, squares = 0, largest = 0;
    for (int64_t i = 0; i < p->n; i++)
        mean += (exact)exact_at(p->x, p->dtype, row * p->n + i) / (exact)p->n;
    for (int64_t i = 0; i < p->n; i++) {
        exact x = (exact)exact_at(p->x, p->dtype, row * p->n + i);
        r->h[i] = x - mean;
        squares += r->h[i] * r->h[i];
        largest = fabsq(x) > largest ? fabsq(x) : largest;
    }
    r->deviation = sqrtq(squares / (exact)p->n + (exact)p->eps);
    r->size = largest / r->deviation;
    for (int64_t i = 0; i < p->n; i++)
        r->h[i] /= r->deviation;
}

static exact weight_at(const struct problem *p, int64_t i)
{
    return p->with_weight ? (exact)exact_at(p->weight, p->dtype, i) : 1;
}

static void check_result(const struct problem *p, int64_t row)
{
    const exact_norm *r = &rows_of[row];
    for (int64_t i = 0; i < p->n; i++) {
        exact bias = p->with_bias ? (exact)exact_at(p->bias, p->dtype, i) : 0;
        exact weight = weight_at(p, i), terms = fabsq(weight) * (fabsq(r->h[i]) + r->size);
        measure(&of_result, p->dtype, exact_at(p->y, p->dtype, row * p->n + i),
                r->h[i] * weight + bias, terms + fabsq(bias));
    }
}

static void check_gradient(const struct problem *p, int64_t row)
{
    const exact_norm *r = &rows_of[row];
    exact up = 0, along = 0, up_size = 0, along_size = 0, n = (exact)p->n;
    for (int64_t i = 0; i < p->n; i++) {
        exact u = (exact)exact_at(p->g, p->dtype, row * p->n + i) * weight_at(p, i);
        up += u / n;
        along += u * r->h[i] / n;
        up_size += fabsq(u) / n;
        along_size += fabsq(u) * (fabsq(r->h[i]) + r->size) / n;
    }
    for (int64_t i = 0; i < p->n; i++) {
        exact u = (exact)exact_at(p->g, p->dtype, row * p->n + i) * weight_at(p, i);
        exact want = (u - up - r->h[i] * along) / r->deviation;
        exact terms = fabsq(u) + up_size + (fabsq(r->h[i]) + r->size) * along_size;
        measure(&of_gradient, p->dtype, exact_at(p->dx, p->dtype, row * p->n + i), want,
                terms / r->deviation);
    }
}

static void check_weight_gradient(const struct problem *p)
{
    for (int64_t i = 0; i < p->n; i++) {
        exact want = 0, terms = 0;
        for (int64_t row = 0; row < p->rows; row++) {
            exact g = (exact)exact_at(p->g, p->dtype, row * p->n + i);
            want += g * rows_of[row].h[i];
            terms += fabsq(g) * (fabsq(rows_of[row].h[i]) + rows_of[row].size);
        }
        measure(&of_weight, p->dtype, exact_at(p->dweight, p->dtype, i), want, terms);
    }
}

static void check_problem(struct problem *p)
{
    static struct problem first;
    const int least = tgk_isa_choose(TGK_BASE);
    run(p, least);
    first = *p;
    for (int isa = least + 1; isa <= tgk_isa_best(); isa++) {
        if (tgk_isa_choose(isa) != isa)
            continue;
        run(p, isa);
        assert_memory_equal(p, &first, sizeof first);
    }
    for (int64_t row = 0; row < p->rows; row++) {
        normalise(p, row);
        check_result(p, row);
        check_gradient(p, row);
    }
    check_weight_gradient(p);
}

static void test_accuracy(void **state)
{
    (void)state;
    static const int64_t sizes[] = {1, 2, 3, 7, 8, 9, 31, 32, 33, 64, 100, 256, 257, 300};
    for (int k = 0; k < 1000; k++) {
        int64_t rows = 1 + (int64_t)(draw() % MAX_ROWS);
        draw_problem(k % 2, rows, sizes[draw() % COUNT(sizes)]);
        check_problem(&problem);
    }
    const worst *all[] = {&of_result, &of_gradient, &of_weight};
    for (size_t i = 0; i < COUNT(all); i++)
        print_message("%-17s float32 %.6f ulp, float64 %.3f of 2^-53\n", all[i]->name,
                      all[i]->is[EXACT_F32], all[i]->is[EXACT_F64]);
}

/* A row with nan or an infinity is nan all through, as in PyTorch; others are not touched by it. */
static void test_special_rows(void **state)
{
    (void)state;
    static const double special[] = {(double)NAN, (double)INFINITY, -(double)INFINITY};
    for (int k = 0; k < 6; k++) {
        struct problem *p = &problem;
        draw_problem(k % 2, 3, 40);
        store(p->x, p->dtype, 40 + 20 * (k % 2), special[k / 2]);
        run(p, tgk_isa_best());
        for (int64_t i = 0; i < 3 * 40; i++) {
            assert_int_equal(isnan(exact_at(p->y, p->dtype, i)), i / 40 == 1);
            assert_int_equal(isnan(exact_at(p->dx, p->dtype, i)), i / 40 == 1);
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_accuracy),
        cmocka_unit_test(test_special_rows),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

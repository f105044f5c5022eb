/* Gradients clipped: against PyTorch, what is not finite, what is not there, wrong arguments. */
#include "check.h"
#include "support.h"

#include <tinygrad/op.h>

#include <float.h>

typedef struct golden {
    int dtype;
    bool by_value;
    double bound, norm_type;
    double total;
    double want[26];
} golden;

#include "golden/clip.inc"

enum { CASES = sizeof cases / sizeof *cases };

static const double inf = (double)INFINITY, nan_ = (double)NAN;

/* A leaf whose gradient is as given. */
static tg_tensor *leaf(tg_tape *tape, const double *grad, int64_t n, int dtype)
{
    tg_tensor *p = tg_zeros(tape, TG_DIMS(n), dtype | TG_REQUIRES_GRAD);
    tg_tensor *upstream = tensor_from(tape, grad, TG_DIMS(n), dtype);
    assert_int_equal(tg_backward_with(p, upstream, NULL), TG_OK);
    return p;
}

static double clip(const golden *c, tg_tensor *const *params, size_t n)
{
    if (!c->by_value)
        return tg_clip_grad_norm(params, n, c->bound, c->norm_type == 2 ? 0 : c->norm_type);
    assert_int_equal(tg_clip_grad_value(params, n, c->bound), TG_OK);
    return 0;
}

static void expect_gradients(int k, tg_tensor *const *params, double epsilon)
{
    const double *want = cases[k].want;
    for (int part = 0; part < PARTS; part++) {
        snapshot s = snapshot_of(tg_grad(params[part]));
        assert_int_equal(s.numel, sizes[part]);
        for (int64_t i = 0; i < s.numel; i++, want++) {
            if (!(fabs(snapshot_at(&s, i) - *want) <= epsilon * fabs(*want)))
                fail_msg("case %d, part %d, element %d: %a, wanted %a", k, part, (int)i,
                         snapshot_at(&s, i), *want);
        }
    }
}

static void golden_values(void **state)
{
    (void)state;
    for (int k = 0; k < CASES; k++) {
        const golden *c = &cases[k];
        tg_tape *tape = tg_tape_new(NULL);
        tg_tensor *params[PARTS + 1];
        const double *grad = gradients;
        for (int part = 0; part < PARTS; grad += sizes[part++])
            params[part] = leaf(tape, grad, sizes[part], c->dtype);
        params[PARTS] = tg_ones(tape, TG_DIMS(3), TG_F32 | TG_REQUIRES_GRAD);
        tg_mark mark = tg_tape_mark(tape);
        double total = clip(c, params, PARTS + 1);
        assert_true(marks_equal(mark, tg_tape_mark(tape)));
        double epsilon = 4 * (c->dtype == TG_F32 ? (double)FLT_EPSILON : DBL_EPSILON);
        assert_near(total, c->total, epsilon * c->total);
        expect_gradients(k, params, c->by_value ? 0 : epsilon);
        assert_null(tg_grad(params[PARTS]));
        assert_ok(tape);
        tg_tape_free(tape);
    }
}

/* Both dtypes in one norm, and a constant, which has no gradient. */
static void mixed(void **state)
{
    (void)state;
    tg_tape *tape = tg_tape_new(NULL);
    tg_tensor *p[] = {leaf(tape, (double[]){3}, 1, TG_F32), tg_ones(tape, TG_DIMS(2), TG_I64),
                      leaf(tape, (double[]){0, -4}, 2, TG_F64)};
    assert_equal(tg_clip_grad_norm(p, 3, 0.5, 0), 5);
    assert_near(tg_f32(tg_grad(p[0]))[0], 0.3, 1e-7);
    assert_near(tg_f64(tg_grad(p[2]))[1], -4 * 0.5 / (5 + 1e-6), 1e-16);
    assert_equal(tg_clip_grad_norm(p + 1, 1, 0.5, 0), 0);
    assert_equal(tg_clip_grad_norm(NULL, 0, 0.5, 0), 0);
    assert_int_equal(tg_clip_grad_value(NULL, 0, 0.5), TG_OK);
    assert_ok(tape);
    tg_tape_free(tape);
}

/* Tied weights: a tensor listed twice has one gradient. Now, and in a replay. */
static void listed_twice(void **state)
{
    (void)state;
    tg_tape *tape = tg_tape_new(NULL);
    tg_tensor *a = leaf(tape, (double[]){3}, 1, TG_F64), *b = leaf(tape, (double[]){4}, 1, TG_F64);
    tg_tensor *p[] = {a, b, a, a, b}, *others[] = {b, a};
    assert_equal(tg_clip_grad_norm(p, 5, 1, 0), 5);
    assert_near(tg_f64(tg_grad(a))[0], 3 / (5 + 1e-6), 1e-16);
    assert_near(tg_f64(tg_grad(b))[0], 4 / (5 + 1e-6), 1e-16);
    assert_near(tg_clip_grad_norm(others, 2, 2, 1), 1.4, 1e-6);
    assert_near(tg_clip_grad_norm(p, 5, 2, (double)INFINITY), 0.8, 1e-6);
    assert_int_equal(tg_clip_grad_value(p, 5, 0.5), TG_OK);
    assert_equal(tg_f64(tg_grad(a))[0], 0.5);
    tg_capture *step = tg_capture_begin(tape);
    tg_zero_grad(a);
    tg_zero_grad(b);
    tg_backward(tg_mul_scalar(tg_add(a, b), 3));
    tg_clip_grad_norm(p, 5, 1, 1);
    tg_clip_grad_value(p, 5, 1);
    tg_capture_end(step);
    tg_clip_grad_norm(others, 2, 9, 0);
    assert_int_equal(tg_capture_replay(step), TG_OK);
    assert_near(tg_f64(tg_grad(a))[0], 0.5, 1e-6);
    assert_ok(tape);
    tg_tape_free(tape);
}

/* Squares that float cannot hold. */
static void huge(void **state)
{
    (void)state;
    tg_tape *tape = tg_tape_new(NULL);
    tg_tensor *p = leaf(tape, (double[]){3e30, -4e30}, 2, TG_F32);
    assert_near(tg_clip_grad_norm(&p, 1, 5, 0) / 5e30, 1, 1e-7);
    assert_near(tg_f32(tg_grad(p))[0], 3, 1e-6);
    assert_near(tg_f32(tg_grad(p))[1], -4, 1e-6);
    tg_tape_free(tape);
}

/* What torch gives: an infinite norm scales by 0, one of nan by nan. */
static void not_finite(void **state)
{
    (void)state;
    tg_tape *tape = tg_tape_new(NULL);
    const double types[] = {0, 1, 3, inf};
    for (int k = 0; k < 4; k++) {
        tg_tensor *p = leaf(tape, (double[]){1, -inf, 2}, 3, TG_F64);
        assert_equal(isinf(tg_clip_grad_norm(&p, 1, 1, types[k])), 1);
        assert_equal(tg_f64(tg_grad(p))[0], 0);
        assert_true(isnan(tg_f64(tg_grad(p))[1]));
        tg_tensor *q[] = {leaf(tape, (double[]){1, nan_, 2}, 3, TG_F64),
                          leaf(tape, (double[]){5}, 1, TG_F64)};
        assert_true(isnan(tg_clip_grad_norm(q, 2, 1, types[k])));
        assert_true(isnan(tg_f64(tg_grad(q[0]))[0]));
        assert_true(isnan(tg_f64(tg_grad(q[1]))[0]));
    }
    tg_tensor *r = leaf(tape, (double[]){inf, nan_, -inf}, 3, TG_F32);
    assert_int_equal(tg_clip_grad_value(&r, 1, 0.5), TG_OK);
    assert_equal(tg_f32(tg_grad(r))[0], 0.5);
    assert_true(isnan(tg_f32(tg_grad(r))[1]));
    assert_equal(tg_f32(tg_grad(r))[2], -0.5);
    assert_ok(tape);
    tg_tape_free(tape);
}

/* A gradient that a computation read before it was clipped is reported, not used. */
static void versions(void **state)
{
    (void)state;
    for (int by_value = 0; by_value < 2; by_value++) {
        tg_tape *tape = tg_tape_new(NULL);
        tg_tensor *p = leaf(tape, (double[]){3, 4}, 2, TG_F64);
        tg_tensor *w = tg_ones(tape, TG_DIMS(2), TG_F64 | TG_REQUIRES_GRAD);
        tg_tensor *loss = tg_sum(tg_mul(w, tg_grad(p)));
        if (by_value)
            assert_int_equal(tg_clip_grad_value(&p, 1, 1), TG_OK);
        else
            assert_equal(tg_clip_grad_norm(&p, 1, 1, 0), 5);
        assert_int_equal(tg_backward(loss), TG_ESTATE);
        assert_error(tape, TG_ESTATE, "mul");
        tg_tape_free(tape);
    }
}

/* A gradient with a graph: its value is clipped where the user and the optimiser see it, and what
 * else shares its data (here w itself) is left alone. */
static void with_graph(void **state)
{
    (void)state;
    tg_tape *tape = tg_tape_new(NULL);
    tg_tensor *x = tg_ones(tape, TG_DIMS(2), TG_F64 | TG_REQUIRES_GRAD);
    tg_tensor *w = tensor_from(tape, (double[]){3, 4}, TG_DIMS(2), TG_F64 | TG_REQUIRES_GRAD);
    tg_tensor *loss = tg_sum(tg_mul(x, w)), *cube = tg_sum(tg_pow_scalar(w, 3));
    assert_int_equal(tg_backward_with(loss, NULL, &(tg_backward_opts){.create_graph = true}), 0);
    assert_equal(tg_clip_grad_norm(&x, 1, 1, inf), 4);
    assert_near(tg_f64(tg_grad(x))[0], 0.75, 1e-6);
    assert_near(tg_f64(tg_grad(x))[1], 1, 1e-6);
    assert_false(tg_requires_grad(tg_grad(x)));
    assert_equal(tg_f64(w)[0], 3);
    assert_int_equal(tg_clip_grad_value(&x, 1, 0.5), TG_OK);
    assert_equal(tg_f64(tg_grad(x))[1], 0.5);
    tg_zero_grad(w);
    assert_int_equal(tg_backward_with(cube, NULL, &(tg_backward_opts){.create_graph = true}), 0);
    ((double *)tg_data_mut(tg_grad(w)))[0] = 100;
    assert_equal(tg_clip_grad_norm(&w, 1, 50, inf), 100);
    assert_near(tg_f64(tg_grad(w))[0], 50, 1e-5);
    assert_near(tg_f64(tg_grad(w))[1], 24, 1e-5);
    assert_ok(tape);
    tg_tape_free(tape);
}

static void refuse(tg_tape *tape, tg_tensor *const *p, size_t n, tg_status status, const char *part)
{
    assert_true(isnan(tg_clip_grad_norm(p, n, 1, 0)));
    assert_error(tape, status, part);
    assert_int_equal(tg_clip_grad_value(p, n, 1), status);
    assert_error(tape, status, part);
}

static void refuse_bounds(tg_tape *tape, tg_tensor *p)
{
    for (int k = 0; k < 2; k++) {
        double bad = k ? nan_ : -1;
        assert_true(isnan(tg_clip_grad_norm(&p, 1, bad, 0)));
        assert_error(tape, TG_EVALUE, "clip_grad_norm: max_norm ");
        assert_true(isnan(tg_clip_grad_norm(&p, 1, 1, bad)));
        assert_error(tape, TG_EVALUE, "clip_grad_norm: norm_type ");
        assert_int_equal(tg_clip_grad_value(&p, 1, bad), TG_EVALUE);
        assert_error(tape, TG_EVALUE, "clip_grad_value: value ");
    }
}

static void wrong_arguments(void **state)
{
    (void)state;
    tg_tape *tape = tg_tape_new(NULL), *other = tg_tape_new(NULL);
    tg_tensor *p = leaf(tape, (double[]){3, 4}, 2, TG_F64);
    refuse(tape, (tg_tensor *[]){NULL, p}, 2, TG_EVALUE, "input 0 is NULL");
    refuse(tape, (tg_tensor *[]){p, tg_ones(other, TG_SCALAR, 0)}, 2, TG_EVALUE, "different tapes");
    tg_mark mark = tg_tape_mark(tape);
    tg_tensor *dead = tg_ones(tape, TG_SCALAR, 0);
    tg_tape_rewind(tape, mark);
    refuse(tape, (tg_tensor *[]){p, dead}, 2, TG_ESTATE, "rewound away");
    refuse(tape, &dead, 1, TG_ESTATE, "rewound away");
    refuse_bounds(tape, p);
    assert_int_equal(tg_clip_grad_value(NULL, 1, 1), TG_EVALUE);
    assert_int_equal(tg_clip_grad_value((tg_tensor *[]){NULL}, 1, 1), TG_EVALUE);
    assert_true(isnan(tg_clip_grad_norm(NULL, 1, 1, 0)));
    tg_fail(tape, TG_EIO, "before");
    assert_true(isnan(tg_clip_grad_norm(&p, 1, 1, 0)));
    assert_int_equal(tg_clip_grad_value(&p, 1, 1), TG_EIO);
    assert_error(tape, TG_EIO, "before");
    assert_equal(tg_f64(tg_grad(p))[0], 3);
    assert_equal(tg_f64(tg_grad(p))[1], 4);
    assert_ok(other);
    tg_tape_free(tape);
    tg_tape_free(other);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(golden_values), cmocka_unit_test(mixed),
        cmocka_unit_test(listed_twice),  cmocka_unit_test(huge),
        cmocka_unit_test(not_finite),    cmocka_unit_test(versions),
        cmocka_unit_test(with_graph),    cmocka_unit_test(wrong_arguments),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

/* Backward passes: what is added to which leaf, gradients of gradients, views, graphs that are
 * deep or wide, and passes that fail. Changed data is test_versions.c's, single operations are
 * test_ops.c's. */
#include "check.h"
#include "stack.h"
#include "support.h"

#include <pthread.h>
#include <stdlib.h>

static const tg_backward_opts graph = {.create_graph = true};

static tg_tensor *scalar(tg_tape *tape, double value, int flags)
{
    return tg_full(tape, TG_SCALAR, value, TG_F64 | flags);
}

static tg_tensor *vector(tg_tape *tape, const double *values, int64_t n)
{
    return tg_from_f64(tape, values, TG_DIMS(n), TG_REQUIRES_GRAD);
}

static double grad_at(const tg_tensor *t, int64_t i)
{
    const double *data = tg_f64(tg_grad(t));
    assert_non_null(data);
    return data[i];
}

/* --- leaves --- */

static void accumulates(void **state)
{
    (void)state;
    tg_tape *tape = tg_tape_new(NULL);
    tg_tensor *x = scalar(tape, 3, TG_REQUIRES_GRAD), *y = tg_mul(x, x);
    assert_null(tg_grad(x));
    for (int turn = 0; turn < 2; turn++) {
        for (int i = 1; i < 4; i++) {
            assert_int_equal(tg_backward(y), TG_OK);
            assert_equal(grad_at(x, 0), 6 * i);
        }
        assert_int_equal(tg_backward(tg_mul_scalar(x, 10)), TG_OK);
        assert_equal(grad_at(x, 0), 28);
        tg_zero_grad(x);
        assert_null(tg_grad(x));
    }
    tg_tape_free(tape);
}

static void only_leaves_have_one(void **state)
{
    (void)state;
    tg_tape *tape = tg_tape_new(NULL);
    tg_tensor *x = scalar(tape, 3, TG_REQUIRES_GRAD), *c = scalar(tape, 2, 0);
    tg_tensor *unused = scalar(tape, 2, TG_REQUIRES_GRAD);
    tg_tensor *y = tg_mul(x, c), *z = tg_exp(y);
    assert_int_equal(tg_backward(z), TG_OK);
    assert_non_null(tg_grad(x));
    assert_null(tg_grad(y));
    assert_null(tg_grad(z));
    assert_null(tg_grad(c));
    assert_null(tg_grad(unused));
    tg_zero_grad(y);
    tg_zero_grad(c);
    assert_ok(tape);
    tg_tape_free(tape);
}

/* Gradients of leaves never share memory with each other or with what the caller gave. */
static void gradients_are_apart(void **state)
{
    (void)state;
    tg_tape *tape = tg_tape_new(NULL);
    tg_tensor *a = vector(tape, (double[]){1, 2}, 2), *b = vector(tape, (double[]){3, 4}, 2);
    tg_tensor *upstream = tg_from_f64(tape, (double[]){5, 6}, TG_DIMS(2), 0);
    assert_int_equal(tg_backward_with(tg_add(a, b), upstream, NULL), TG_OK);
    ((double *)tg_data_mut(tg_grad(a)))[0] = 100;
    assert_equal(grad_at(b, 0), 5);
    assert_equal(tg_f64(upstream)[0], 5);
    ((double *)tg_data_mut(upstream))[1] = 200;
    assert_equal(grad_at(a, 1), 6);
    assert_equal(grad_at(b, 1), 6);
    assert_int_equal(tg_backward(tg_sum(a)), TG_OK);
    assert_equal(grad_at(a, 0), 101);
    assert_equal(grad_at(b, 0), 5);
    tg_tape_free(tape);
}

static void from_a_leaf_itself(void **state)
{
    (void)state;
    tg_tape *tape = tg_tape_new(NULL);
    tg_tensor *x = scalar(tape, 3, TG_REQUIRES_GRAD);
    assert_int_equal(tg_backward(x), TG_OK);
    assert_equal(grad_at(x, 0), 1);
    assert_int_equal(tg_backward(x), TG_OK);
    assert_equal(grad_at(x, 0), 2);
    assert_int_equal(tg_backward_with(x, scalar(tape, 5, 0), &graph), TG_OK);
    assert_equal(grad_at(x, 0), 7);
    tg_tape_free(tape);
}

static void propagation(void **state)
{
    (void)state;
    tg_tape *tape = tg_tape_new(NULL);
    tg_tensor *x = scalar(tape, 3, TG_REQUIRES_GRAD), *c = scalar(tape, 2, 0);
    assert_true(tg_requires_grad(x));
    assert_false(tg_requires_grad(c));
    assert_false(tg_requires_grad(NULL));
    assert_true(tg_requires_grad(tg_mul(c, x)));
    assert_false(tg_requires_grad(tg_mul(c, c)));
    assert_true(tg_requires_grad(tg_reshape(x, TG_DIMS(1))));
    assert_true(tg_requires_grad(tg_to(x, TG_F32)));
    assert_false(tg_requires_grad(tg_to(x, TG_I64)));
    assert_false(tg_requires_grad(tg_to(tg_to(x, TG_I64), TG_F64)));
    assert_false(tg_requires_grad(tg_detach(x)));
    assert_false(tg_requires_grad(tg_mul(tg_detach(x), c)));
    tg_set_grad_enabled(tape, false);
    assert_false(tg_requires_grad(tg_mul(c, x)));
    tg_tensor *leaf = scalar(tape, 3, TG_REQUIRES_GRAD);
    tg_set_grad_enabled(tape, true);
    assert_true(tg_requires_grad(leaf));
    assert_int_equal(tg_backward(tg_mul(leaf, leaf)), TG_OK);
    assert_equal(grad_at(leaf, 0), 6);
    tg_tape_free(tape);
}

/* A constant factor: what was computed without gradients, or detached. */
static void constants(void **state)
{
    (void)state;
    tg_tape *tape = tg_tape_new(NULL);
    tg_tensor *x = scalar(tape, 3, TG_REQUIRES_GRAD);
    tg_set_grad_enabled(tape, false);
    tg_tensor *apart = tg_mul(x, x);
    tg_set_grad_enabled(tape, true);
    assert_int_equal(tg_backward(tg_mul(tg_mul(x, apart), tg_detach(x))), TG_OK);
    assert_equal(grad_at(x, 0), 27);
    tg_tape_free(tape);
}

/* --- upstream gradients and shapes --- */

static void upstream(void **state)
{
    (void)state;
    tg_tape *tape = tg_tape_new(NULL);
    tg_tensor *x = vector(tape, (double[]){1, 2, 3}, 3);
    tg_tensor *g = tg_from_f64(tape, (double[]){10, 20, 30}, TG_DIMS(3), 0);
    assert_int_equal(tg_backward_with(tg_mul(x, x), g, NULL), TG_OK);
    assert_equal(grad_at(x, 1), 80);
    tg_tensor *flat = tg_expand(scalar(tape, 2, 0), TG_DIMS(3)); /* strides of 0 */
    assert_int_equal(tg_backward_with(tg_mul(x, x), flat, NULL), TG_OK);
    assert_equal(grad_at(x, 1), 88);
    assert_equal(grad_at(x, 2), 192);
    tg_tensor *one = tg_reshape(tg_sum(x), TG_DIMS(1, 1)); /* one element is enough */
    assert_int_equal(tg_backward(one), TG_OK);
    assert_equal(grad_at(x, 2), 193);
    tg_tape_free(tape);
}

static void views(void **state)
{
    (void)state;
    tg_tape *tape = tg_tape_new(NULL);
    tg_tensor *x = tg_from_f64(tape, (double[]){1, 2, 3, 4, 5, 6}, TG_DIMS(2, 3), TG_REQUIRES_GRAD);
    tg_tensor *k = tg_from_f64(tape, (double[]){1, 10, 100, 1000, 10000, 100000}, TG_DIMS(3, 2), 0);
    tg_tensor *turned = tg_transpose(x, 0, 1);
    assert_int_equal(tg_backward_with(turned, k, NULL), TG_OK); /* the result of a view */
    static const double want[] = {1, 100, 10000, 10, 1000, 100000};
    for (int i = 0; i < 6; i++)
        assert_equal(grad_at(x, i), want[i]);
    tg_zero_grad(x);
    tg_tensor *copied = tg_reshape(turned, TG_DIMS(2, 3)); /* not the order of memory */
    assert_int_equal(tg_backward_with(copied, tg_reshape(k, TG_DIMS(2, 3)), NULL), TG_OK);
    for (int i = 0; i < 6; i++)
        assert_equal(grad_at(x, i), want[i]);
    tg_tape_free(tape);
}

static void stretched(void **state)
{
    (void)state;
    tg_tape *tape = tg_tape_new(NULL);
    tg_tensor *x = tg_from_f64(tape, (double[]){1, 2}, TG_DIMS(2, 1), TG_REQUIRES_GRAD);
    tg_tensor *k = tg_arange(tape, 0, 24, 1, TG_F64);
    tg_tensor *wide = tg_expand(x, TG_DIMS(4, 2, 3));
    assert_int_equal(
        tg_backward(tg_sum(tg_mul(tg_mul(wide, wide), tg_reshape(k, TG_DIMS(4, 2, 3))))), TG_OK);
    assert_equal(grad_at(x, 0), 2 * (3 + 21 + 39 + 57)); /* 2 x (sum over the 12 that x0 is in) */
    assert_equal(grad_at(x, 1), 4 * (12 + 30 + 48 + 66));
    tg_tape_free(tape);
}

/* --- gradients of gradients --- */

typedef struct derivatives {
    const char *name;
    tg_tensor *(*f)(tg_tensor *);
    double x;
    double order[4];
} derivatives;

static tg_tensor *fourth_power(tg_tensor *x)
{
    tg_tensor *square = tg_mul(x, x);
    return tg_mul(square, square);
}

static tg_tensor *inverse(tg_tensor *x)
{
    return tg_div(tg_ones(tg_tape_of(x), TG_SCALAR, TG_F64), x);
}

static tg_tensor *exp_of_twice(tg_tensor *x)
{
    return tg_exp(tg_add(x, x));
}

/* log_softmax of (x, 0): the entry of x, which is log(sigmoid(x)). */
static tg_tensor *log_sigmoid(tg_tensor *x)
{
    tg_tape *tape = tg_tape_of(x);
    tg_tensor *unit = tg_from_f64(tape, (double[]){1, 0}, TG_DIMS(2), 0);
    return tg_sum(tg_mul(tg_log_softmax(tg_mul(x, unit), 0), unit));
}

/* The same as a loss, negative. */
static tg_tensor *loss(tg_tensor *x)
{
    tg_tape *tape = tg_tape_of(x);
    tg_tensor *unit = tg_from_f64(tape, (double[]){1, 0}, TG_DIMS(2), 0);
    tg_tensor *target = tg_zeros(tape, TG_SCALAR, TG_I64);
    return tg_neg(tg_cross_entropy(tg_mul(x, unit), target, NULL));
}

static void check_orders(const derivatives *d)
{
    tg_tape *tape = tg_tape_new(NULL);
    tg_tensor *x = scalar(tape, d->x, TG_REQUIRES_GRAD), *y = d->f(x);
    for (int order = 0; order < 4; order++) {
        if (tg_backward_with(y, NULL, order < 3 ? &graph : NULL))
            fail_msg("%s: %s", d->name, tg_error_message(tape));
        y = tg_grad(x);
        if (!(fabs(tg_item(y) - d->order[order]) <= 1e-12 * (1 + fabs(d->order[order]))))
            fail_msg("%s: order %d is %.17g, not %.17g", d->name, order + 1, tg_item(y),
                     d->order[order]);
        assert_int_equal(tg_requires_grad(y), order < 3);
        tg_zero_grad(x);
    }
    tg_tape_free(tape);
}

static void fourth_order(void **state)
{
    (void)state;
    const double s = 1 / (1 + exp(-0.7)), t = tanh(0.7), u = s * (1 - s), e = exp(1.4);
    const derivatives all[] = {
        {"x^4", fourth_power, -1.5, {4 * -3.375, 12 * 2.25, 24 * -1.5, 24}},
        {"1/x", inverse, 2, {-1. / 4, 2. / 8, -6. / 16, 24. / 32}},
        {"exp(2x)", exp_of_twice, 0.7, {2 * e, 4 * e, 8 * e, 16 * e}},
        {"log", tg_log, 2, {1. / 2, -1. / 4, 2. / 8, -6. / 16}},
        {"sqrt", tg_sqrt, 4, {1. / 4, -1. / 32, 3. / 256, -15. / 2048}},
        {"sigmoid",
         tg_sigmoid,
         0.7,
         {u, u * (1 - 2 * s), u * (1 - 6 * u), u * (1 - 2 * s) * (1 - 12 * u)}},
        {"tanh",
         tg_tanh,
         0.7,
         {1 - t * t, -2 * t * (1 - t * t), (1 - t * t) * (6 * t * t - 2),
          (1 - t * t) * t * (16 - 24 * t * t)}},
        {"log_softmax", log_sigmoid, 0.7, {1 - s, -u, -u * (1 - 2 * s), -u * (1 - 6 * u)}},
        {"cross_entropy", loss, 0.7, {1 - s, -u, -u * (1 - 2 * s), -u * (1 - 6 * u)}},
    };
    for (size_t i = 0; i < sizeof all / sizeof *all; i++)
        check_orders(&all[i]);
}

static void mixed_partials(void **state)
{
    (void)state;
    tg_tape *tape = tg_tape_new(NULL);
    tg_tensor *x = scalar(tape, 2, TG_REQUIRES_GRAD), *y = scalar(tape, 3, TG_REQUIRES_GRAD);
    tg_tensor *f = tg_mul(tg_mul(x, x), tg_mul(tg_mul(y, y), y)); /* x^2 y^3 */
    assert_int_equal(tg_backward_with(f, NULL, &graph), TG_OK);
    tg_tensor *fx = tg_grad(x), *fy = tg_grad(y);
    assert_equal(tg_item(fx), 108);
    assert_equal(tg_item(fy), 108);
    tg_zero_grad(x);
    tg_zero_grad(y);
    assert_int_equal(tg_backward(tg_add(fx, tg_mul_scalar(fy, 10))), TG_OK);
    assert_equal(grad_at(x, 0), 2 * 27 + 10 * 2 * 2 * 27);
    assert_equal(grad_at(y, 0), 2 * 2 * 27 + 10 * 4 * 6 * 3);
    tg_tape_free(tape);
}

/* A gradient to the upstream gradient too: it is an input like others. */
static void through_the_upstream(void **state)
{
    (void)state;
    tg_tape *tape = tg_tape_new(NULL);
    tg_tensor *x = vector(tape, (double[]){2, 3}, 2), *v = vector(tape, (double[]){5, 7}, 2);
    assert_int_equal(tg_backward_with(tg_mul(x, x), v, &graph), TG_OK);
    tg_tensor *g = tg_grad(x); /* 2 x v */
    tg_zero_grad(x);
    assert_int_equal(tg_backward(tg_sum(g)), TG_OK);
    assert_equal(grad_at(x, 0), 10);
    assert_equal(grad_at(v, 1), 6);
    tg_tape_free(tape);
}

/* Recorded and unrecorded passes add up in any order. */
static void recorded_passes_accumulate(void **state)
{
    (void)state;
    for (int order = 0; order < 8; order++) {
        tg_tape *tape = tg_tape_new(NULL);
        tg_tensor *x = scalar(tape, 3, TG_REQUIRES_GRAD), *y = tg_mul(x, x);
        for (int i = 0; i < 3; i++) {
            bool record = order >> i & 1;
            assert_int_equal(tg_backward_with(y, NULL, record ? &graph : NULL), TG_OK);
            assert_equal(grad_at(x, 0), 6 * (i + 1));
            assert_int_equal(tg_requires_grad(tg_grad(x)), record);
        }
        tg_tape_free(tape);
    }
}

/* A step takes, and a pass adds to, the gradient that tg_grad() shows, also where the caller
 * changed it. */
static void recorded_gradient_changed_by_hand(void **state)
{
    (void)state;
    for (int record = 0; record < 2; record++) {
        tg_tape *tape = tg_tape_new(NULL);
        tg_tensor *x = scalar(tape, 3, TG_REQUIRES_GRAD), *y = tg_mul(x, x);
        tg_optim *optim = tg_sgd(tape, &x, 1, &(tg_sgd_opts){.lr = 1});
        assert_int_equal(tg_backward_with(y, NULL, record ? &graph : NULL), TG_OK);
        *(double *)tg_data_mut(tg_grad(x)) = 0.5; /* clipped */
        assert_int_equal(tg_optim_step(optim), TG_OK);
        assert_equal(tg_item(x), 2.5);
        assert_int_equal(tg_backward(tg_mul_scalar(x, 6)), TG_OK);
        assert_equal(grad_at(x, 0), 6.5);
        tg_tape_free(tape);
    }
}

/* --- graphs --- */

static void diamonds(void **state)
{
    (void)state;
    tg_tape *tape = tg_tape_new(NULL);
    tg_tensor *x = scalar(tape, 3, TG_REQUIRES_GRAD);
    tg_tensor *a = tg_mul(x, x), *b = tg_exp(tg_mul_scalar(a, 0.1)), *c = tg_log(a);
    tg_tensor *d = tg_add(tg_mul(b, c), tg_mul(a, c)); /* (e^(a/10) + a) log a, a = x^2 */
    assert_int_equal(tg_backward(d), TG_OK);
    double e = exp(0.9), l = log(9);
    assert_near(grad_at(x, 0), ((0.1 * e + 1) * l + (e + 9) / 9) * 6, 1e-13);
    tg_tape_free(tape);
}

static void same_tensor_twice(void **state)
{
    (void)state;
    tg_tape *tape = tg_tape_new(NULL);
    tg_tensor *x = tg_from_f64(tape, (double[]){1, 2, 3, 4}, TG_DIMS(2, 2), TG_REQUIRES_GRAD);
    tg_tensor *y = tg_mul_scalar(x, 1); /* the same for a result */
    tg_tensor *inputs[] = {x, y};
    static const double product[] = {7, 11, 9, 13}; /* of sum(x x): row sums plus column sums */
    for (int i = 0; i < 2; i++) {
        tg_tensor *t = inputs[i];
        assert_int_equal(tg_backward(tg_sum(tg_matmul(t, t))), TG_OK);
        for (int k = 0; k < 4; k++)
            assert_equal(grad_at(x, k), product[k]);
        assert_int_equal(tg_backward(tg_sum(tg_mul(t, t))), TG_OK);
        assert_equal(grad_at(x, 3), 13 + 8);
        assert_int_equal(tg_backward(tg_sum(tg_add(t, t))), TG_OK);
        assert_equal(grad_at(x, 3), 13 + 8 + 2);
        assert_int_equal(tg_backward(tg_sum(tg_sub(t, t))), TG_OK);
        assert_int_equal(tg_backward(tg_sum(tg_div(t, t))), TG_OK);
        assert_equal(grad_at(x, 3), 13 + 8 + 2);
        tg_zero_grad(x);
    }
    tg_tape_free(tape);
}

/* u and v wait for parts of one gradient, v for a view of it; then u gets more, and v must not. */
static void gradients_that_share(void **state)
{
    (void)state;
    tg_tape *tape = tg_tape_new(NULL);
    tg_tensor *x = tg_ones(tape, TG_DIMS(2, 3), TG_F64 | TG_REQUIRES_GRAD);
    tg_tensor *z = tg_ones(tape, TG_DIMS(6), TG_F64 | TG_REQUIRES_GRAD);
    tg_tensor *v = tg_neg(x), *u = tg_mul_scalar(z, 1), *more = tg_mul_scalar(u, 5);
    tg_tensor *sum = tg_mul_scalar(tg_add(u, tg_reshape(v, TG_DIMS(6))), 3);
    assert_int_equal(tg_backward(tg_add(tg_sum(sum), tg_sum(more))), TG_OK);
    for (int i = 0; i < 6; i++) {
        assert_equal(grad_at(x, i), -3);
        assert_equal(grad_at(z, i), 8);
    }
    tg_tape_free(tape);
}

/* What is above the output on the tape, or beside it, takes no part. */
static void only_what_is_behind(void **state)
{
    (void)state;
    tg_tape *tape = tg_tape_new(NULL);
    tg_tensor *x = scalar(tape, 3, TG_REQUIRES_GRAD);
    tg_tensor *y = tg_mul(x, x), *beside = tg_exp(x), *z = tg_mul(y, beside);
    assert_int_equal(tg_backward(y), TG_OK);
    assert_equal(grad_at(x, 0), 6);
    assert_true(tg_requires_grad(z));
    tg_tape_free(tape);
}

#ifdef SANITIZED /* which take a minute for the million */
enum { DEEP = 50000, WIDE = 20000 };
#else
enum { DEEP = 1000000, WIDE = 100000 };
#endif

/* On a small stack; true where the gradient is right. */
static void *deep_chain(void *result)
{
    tg_tape *tape = tg_tape_new(NULL);
    tg_tensor *x = tg_ones(tape, TG_SCALAR, TG_F64 | TG_REQUIRES_GRAD), *y = x;
    for (int i = 0; i < DEEP; i++)
        y = i % 2 ? tg_add_scalar(y, 1) : tg_neg(y);
    tg_status status = tg_backward(y);
    *(bool *)result = !status && tg_item(tg_grad(x)) == 1 && tg_item(y) == 1 && !tg_error(tape);
    tg_tape_free(tape);
    return NULL;
}

static void deep(void **state)
{
    (void)state;
    pthread_attr_t attributes;
    pthread_t thread;
    bool right = false;
    assert_int_equal(pthread_attr_init(&attributes), 0);
    assert_int_equal(pthread_attr_setstacksize(&attributes, stack_of(64 << 10)), 0);
    assert_int_equal(pthread_create(&thread, &attributes, deep_chain, &right), 0);
    assert_int_equal(pthread_join(thread, NULL), 0);
    pthread_attr_destroy(&attributes);
    assert_true(right);
}

static void many_uses_of_one(void **state)
{
    (void)state;
    tg_tape *tape = tg_tape_new(NULL);
    tg_tensor *x = scalar(tape, 3, TG_REQUIRES_GRAD);
    tg_tensor *y = tg_mul_scalar(x, 1), *sum = y;
    for (int i = 1; i < WIDE; i++)
        sum = tg_add(sum, tg_add(x, y));
    assert_int_equal(tg_backward(sum), TG_OK);
    assert_equal(grad_at(x, 0), 2 * WIDE - 1);
    tg_tape_free(tape);
}

static void many_pending(void **state)
{
    (void)state;
    tg_tape *tape = tg_tape_new(NULL);
    tg_tensor *x = scalar(tape, 3, TG_REQUIRES_GRAD);
    tg_tensor **y = malloc(WIDE * sizeof *y);
    assert_non_null(y);
    for (int i = 0; i < WIDE; i++)
        y[i] = tg_mul_scalar(x, i % 3);
    tg_tensor *sum = y[0];
    for (int i = 1; i < WIDE; i++)
        sum = tg_add(sum, y[i]);
    free(y);
    assert_int_equal(tg_backward(sum), TG_OK);
    assert_equal(grad_at(x, 0), WIDE - 1);
    tg_tape_free(tape);
}

/* --- passes that fail --- */

/* A leaf with a gradient and one without; a pass that reaches both, and then fails at y. */
static void failed_pass(void **state)
{
    (void)state;
    for (int record = 0; record < 2; record++) {
        tg_tape *tape = tg_tape_new(NULL);
        tg_tensor *x = scalar(tape, 3, TG_REQUIRES_GRAD), *w = scalar(tape, 5, TG_REQUIRES_GRAD);
        tg_backward(tg_mul_scalar(x, 7));
        tg_tensor *y = tg_exp(x), *z = tg_mul(tg_mul(y, w), x);
        tg_mark before = tg_tape_mark(tape);
        tg_data_mut(y);
        for (int i = 0; i < 2; i++) {
            assert_int_equal(tg_backward_with(z, NULL, record ? &graph : NULL), TG_ESTATE);
            assert_int_equal(tg_backward(z), TG_ESTATE); /* nothing, while an error is set */
            assert_error(tape, TG_ESTATE, "backward: ");
            assert_equal(grad_at(x, 0), 7);
            assert_null(tg_grad(w));
            assert_true(marks_equal(before, tg_tape_mark(tape)));
        }
        assert_int_equal(tg_backward(tg_mul(x, w)), TG_OK);
        assert_equal(grad_at(x, 0), 12);
        assert_equal(grad_at(w, 0), 3);
        tg_tape_free(tape);
    }
}

/* Every allocation of a pass fails in turn: the gradients stay, and the next pass is right. Large
 * tensors and small blocks, so that there are allocations to fail. */
static void failed_for_memory(void **state)
{
    (void)state;
    int failures = 0;
    for (int record = 0; record < 2; record++) {
        for (int64_t k = 0;; k++) {
            test_allocator allocator = {.fail_at = -1};
            tg_tape *tape = test_tape(&allocator, 1);
            tg_tensor *x = tg_full(tape, TG_DIMS(5000), 2, TG_F64 | TG_REQUIRES_GRAD);
            tg_tensor *w = tg_full(tape, TG_DIMS(5000), 5, TG_F64 | TG_REQUIRES_GRAD);
            tg_backward(tg_sum(tg_mul_scalar(x, 7)));
            tg_tensor *y = tg_sum(tg_mul(tg_mul(tg_exp(x), w), x));
            assert_ok(tape);
            allocator.calls = 0;
            allocator.fail_at = k;
            tg_status status = tg_backward_with(y, NULL, record ? &graph : NULL);
            allocator.fail_at = -1;
            if (status) {
                failures++;
                assert_int_equal(status, TG_ENOMEM);
                assert_error(tape, TG_ENOMEM, "out of memory");
                assert_equal(grad_at(x, 4999), 7);
                assert_null(tg_grad(w));
                assert_int_equal(tg_backward(y), TG_OK);
            }
            assert_near(grad_at(x, 4999), 7 + exp(2) * 5 * 3, 1e-12);
            assert_near(grad_at(w, 4999), exp(2) * 2, 1e-13);
            tg_tape_free(tape);
            assert_int_equal(allocator.live, 0);
            if (!status)
                break;
        }
    }
    assert_true(failures > 2);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(accumulates),
        cmocka_unit_test(only_leaves_have_one),
        cmocka_unit_test(gradients_are_apart),
        cmocka_unit_test(from_a_leaf_itself),
        cmocka_unit_test(propagation),
        cmocka_unit_test(constants),
        cmocka_unit_test(upstream),
        cmocka_unit_test(views),
        cmocka_unit_test(stretched),
        cmocka_unit_test(fourth_order),
        cmocka_unit_test(mixed_partials),
        cmocka_unit_test(through_the_upstream),
        cmocka_unit_test(recorded_passes_accumulate),
        cmocka_unit_test(recorded_gradient_changed_by_hand),
        cmocka_unit_test(diamonds),
        cmocka_unit_test(same_tensor_twice),
        cmocka_unit_test(gradients_that_share),
        cmocka_unit_test(only_what_is_behind),
        cmocka_unit_test(deep),
        cmocka_unit_test(many_uses_of_one),
        cmocka_unit_test(many_pending),
        cmocka_unit_test(failed_pass),
        cmocka_unit_test(failed_for_memory),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

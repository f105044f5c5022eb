/* Jacobians, Hessians and their products with vectors: of polynomials, whose derivatives are known; with a
 * graph; of what does not depend; in a capture; wrong arguments; memory that runs out. And hooks on gradients. */
#include "check.h"
#include "support.h"

#include <stdlib.h>

static const double point[] = {0.5, -2, 3};

static tg_tensor *leaf(tg_tape *tape)
{
    return tg_from_f64(tape, point, TG_DIMS(3), TG_REQUIRES_GRAD);
}

/* x^3 summed, plus the product of the first two. */
static tg_tensor *loss_of(tg_tensor *x)
{
    return tg_add(tg_sum(tg_pow_scalar(x, 3)), tg_mul(tg_select(x, 0, 0), tg_select(x, 0, 1)));
}

/* Its second derivative. */
static double bend(int i, int j)
{
    return i == j ? 6 * point[i] : i + j == 1 ? 1 : 0;
}

/* Of the outer product of x and its square, by x. */
static void jacobian(void **state)
{
    (void)state;
    tg_tape *tape = tg_tape_new(NULL);
    tg_tensor *x = leaf(tape), *y = tg_outer(x, tg_square(x));
    tg_tensor *j = tg_jacobian(y, x, NULL);
    assert_int_equal(tg_ndim(j), 3);
    assert_false(tg_requires_grad(j));
    for (int a = 0; a < 3; a++) {
        for (int b = 0; b < 3; b++) {
            for (int c = 0; c < 3; c++) {
                double want =
                    (a == c ? point[b] * point[b] : 0) + (b == c ? 2 * point[a] * point[b] : 0);
                assert_near(tg_f64(j)[a * 9 + b * 3 + c], want, 1e-14);
            }
        }
    }
    assert_null(tg_grad(x));
    tg_tensor *scalar = tg_jacobian(tg_sum(x), tg_mul_scalar(x, 2), NULL);
    for (int i = 0; i < 3; i++)
        assert_equal(tg_f64(scalar)[i], 0); /* another tensor of the same values */
    assert_ok(tape);
    tg_tape_free(tape);
}

static void hessian_and_product(void **state)
{
    (void)state;
    tg_tape *tape = tg_tape_new(NULL);
    tg_tensor *x = leaf(tape), *loss = loss_of(x);
    tg_tensor *v = tg_from_f64(tape, (double[]){1, -1, 0.25}, TG_DIMS(3), 0);
    tg_tensor *h = tg_hessian(loss, x, NULL), *product = tg_hvp(loss, x, v, NULL);
    assert_int_equal(tg_ndim(h), 2);
    for (int i = 0; i < 3; i++) {
        double sum = 0;
        for (int j = 0; j < 3; j++) {
            assert_near(tg_f64(h)[i * 3 + j], bend(i, j), 1e-13);
            sum += bend(i, j) * tg_f64(v)[j];
        }
        assert_near(tg_f64(product)[i], sum, 1e-13);
    }
    assert_null(tg_grad(x));
    assert_ok(tape);
    tg_tape_free(tape);
}

/* With a graph the trace of a Hessian has a gradient: 6 for each x. */
static void with_graph(void **state)
{
    (void)state;
    const tg_backward_opts graph = {.create_graph = true};
    tg_tape *tape = tg_tape_new(NULL);
    tg_tensor *x = leaf(tape), *h = tg_hessian(loss_of(x), x, &graph);
    assert_true(tg_requires_grad(h));
    tg_backward(tg_sum(tg_mul(h, tg_eye(tape, 3, 3, TG_F64))));
    for (int i = 0; i < 3; i++)
        assert_near(tg_f64(tg_grad(x))[i], 6, 1e-13);
    assert_ok(tape);
    tg_tape_free(tape);
}

/* A linear function bends nowhere; nothing has no derivatives. */
static void zeros(void **state)
{
    (void)state;
    tg_tape *tape = tg_tape_new(NULL);
    tg_tensor *x = leaf(tape), *v = tg_ones(tape, TG_DIMS(3), TG_F64);
    tg_tensor *constant = tg_ones(tape, TG_DIMS(2), TG_F64);
    tg_tensor *all[] = {tg_hessian(tg_sum(x), x, NULL), tg_hvp(tg_sum(x), x, v, NULL)};
    for (size_t k = 0; k < sizeof all / sizeof *all; k++) {
        for (int64_t i = 0; i < tg_numel(all[k]); i++)
            assert_equal(tg_f64(all[k])[i], 0);
    }
    tg_tensor *empty = tg_jacobian(tg_narrow(x, 0, 0, 0), x, NULL);
    assert_int_equal(tg_ndim(empty), 2);
    assert_int_equal(tg_numel(empty), 0);
    assert_ok(tape);
    assert_null(tg_jacobian(constant, x, NULL));
    assert_error(tape, TG_ESTATE, "jacobian: float64 [2] does not require a gradient: nothing");
    tg_set_grad_enabled(tape, false);
    tg_tensor *y = tg_square(x), *loss = tg_sum(y);
    tg_set_grad_enabled(tape, true);
    assert_null(tg_jacobian(y, x, NULL));
    assert_error(tape, TG_ESTATE, "jacobian: float64 [3] does not require a gradient");
    assert_null(tg_hessian(loss, x, NULL));
    assert_error(tape, TG_ESTATE, "hessian: float64 [] does not require a gradient");
    tg_tape_free(tape);
}

static void captured(void **state)
{
    (void)state;
    tg_tape *tape = tg_tape_new(NULL);
    tg_tensor *x = leaf(tape);
    tg_capture *capture = tg_capture_begin(tape);
    tg_tensor *h = tg_hessian(loss_of(x), x, NULL);
    assert_int_equal(tg_capture_end(capture), TG_OK);
    ((double *)tg_data_mut(x))[2] = 5;
    assert_int_equal(tg_capture_replay(capture), TG_OK);
    assert_near(tg_f64(h)[8], 30, 1e-13);
    assert_near(tg_f64(h)[1], 1, 1e-13);
    tg_tape_free(tape);
}

/* --- hooks --- */

typedef struct seen {
    int calls;
    double first;
} seen;

/* Clips the gradient, and notes what it was. */
static tg_tensor *clipped(tg_tensor *g, void *context)
{
    seen *s = context;
    s->calls++;
    s->first = tg_f64(g)[0];
    return tg_clamp(g, -1, 1);
}

static tg_tensor *looked_at(tg_tensor *g, void *context)
{
    ((seen *)context)->first = tg_f64(g)[0];
    return NULL;
}

static tg_tensor *of_another_shape(tg_tensor *g, void *context)
{
    (void)context;
    return tg_sum(g);
}

static tg_tensor *too_large(tg_tensor *g, void *context)
{
    (void)context;
    return tg_stack((tg_tensor *[]){g, g}, 2, 0);
}

static void hooks(void **state)
{
    (void)state;
    tg_tape *tape = tg_tape_new(NULL);
    seen s = {0};
    tg_tensor *x = leaf(tape), *y = tg_hook_grad(x, clipped, &s);
    tg_backward(tg_add(tg_sum(tg_square(y)), tg_sum(y))); /* 2 x + 1, at once */
    assert_int_equal(s.calls, 1);
    assert_equal(s.first, 2);
    for (int i = 0; i < 3; i++)
        assert_equal(tg_f64(tg_grad(x))[i], i == 1 ? -1 : 1);
    tg_zero_grad(x);
    tg_backward(tg_sum(tg_square(tg_hook_grad(x, looked_at, &s))));
    assert_equal(s.first, 1);
    assert_equal(tg_f64(tg_grad(x))[2], 6);
    /* It is differentiated, too: clipped(2 x) has the slope 2, which comes to the hook in its turn. */
    tg_zero_grad(x);
    tg_tensor *square = tg_sum(tg_square(tg_hook_grad(x, clipped, &s))), *g, *h;
    tg_gradients(square, NULL, &x, 1, &g, &(tg_backward_opts){.create_graph = true});
    tg_gradients(tg_sum(g), NULL, &x, 1, &h, NULL);
    assert_equal(tg_f64(h)[0], 1);
    assert_equal(tg_f64(h)[2], 0);
    assert_ok(tape);
    assert_int_equal(tg_backward(tg_sum(tg_hook_grad(x, of_another_shape, NULL))), TG_ESHAPE);
    assert_error(tape, TG_ESHAPE, "hook_grad: the hook gave [] for a gradient [3]");
    assert_int_equal(tg_backward(tg_sum(tg_hook_grad(x, too_large, NULL))), TG_ESHAPE);
    assert_error(tape, TG_ESHAPE, "hook_grad: the hook gave [2, 3]");
    assert_null(tg_hook_grad(x, NULL, NULL));
    assert_error(tape, TG_EVALUE, "hook_grad: the hook is NULL");
    tg_tensor *before = tg_sum(tg_hook_grad(x, looked_at, &s));
    tg_capture_begin(tape);
    assert_int_equal(tg_backward(before), TG_ESTATE);
    assert_error(tape, TG_ESTATE, "hook_grad: called during a capture");
    assert_null(tg_hook_grad(NULL, looked_at, &s));
    assert_null(tg_hook_grad(x, looked_at, &s));
    assert_error(tape, TG_ESTATE, "hook_grad: called during a capture");
    tg_tape_free(tape);
}

/* --- second gradients where some of the inputs are constants --- */

typedef tg_tensor *function(tg_tensor *const *in, size_t n, void *context);

static tg_tensor *distances_of(tg_tensor *const *in, size_t n, void *context)
{
    (void)n;
    return tg_cdist(in[0], in[1], *(const double *)context);
}

static tg_tensor *evaluated(tg_tensor *const *in, size_t n, void *context)
{
    (void)context;
    const tg_batch_norm_opts opts = {
        .weight = in[1],
        .bias = n > 2 ? in[2] : NULL,
        .running_mean = tg_full(tg_tape_of(in[0]), TG_DIMS(3), 0.5, TG_F64),
        .running_var = tg_full(tg_tape_of(in[0]), TG_DIMS(3), 2, TG_F64)};
    return tg_batch_norm(in[0], &opts);
}

static tg_tensor *grouped(tg_tensor *const *in, size_t n, void *context)
{
    (void)context;
    return tg_group_norm(tg_reshape(in[0], TG_DIMS(2, 3, 2)), 1, in[1], n > 2 ? in[2] : NULL, 0.1);
}

static tg_tensor *only_mean(tg_tensor *const *in, size_t n, void *context)
{
    (void)n;
    return tg_avg_pool2d(tg_reshape(in[0], TG_DIMS(1, 4, 3)), context);
}

static void of_some_inputs(void **state)
{
    (void)state;
    double one = 1, two = 2, three = 3;
    tg_pool_opts steps = {.kernel = {6, 5}, .padding = {1, 1}, .stride = {1, 1}},
                 apart = {.kernel = {5, 4}, .padding = {2, 1}, .stride = {9, 9}};
    const struct {
        function *of;
        void *context;
        size_t n;
    } cases[] = {{distances_of, &one, 2}, {distances_of, &two, 2}, {distances_of, &three, 2},
                 {evaluated, NULL, 2},    {evaluated, NULL, 3},    {grouped, NULL, 2},
                 {grouped, NULL, 3},      {only_mean, &steps, 1},  {only_mean, &apart, 1}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        for (unsigned some = 1; some < 1u << cases[i].n; some++) {
            tg_tape *tape = tg_tape_new(NULL);
            tg_tensor *in[3];
            for (size_t k = 0; k < cases[i].n; k++) {
                const bool rows = k == 0 || cases[i].of == distances_of;
                in[k] = tg_rand(tape, rows ? 2 : 1, rows ? (int64_t[]){4, 3} : (int64_t[]){3},
                                TG_F64 | (some >> k & 1 ? TG_REQUIRES_GRAD : 0));
            }
            for (int second = 0; second < 2; second++)
                tg_gradcheck(cases[i].of, cases[i].context, in, cases[i].n,
                             &(tg_gradcheck_opts){.second_order = second});
            assert_ok(tape);
            tg_tape_free(tape);
        }
    }
}

/* The third derivative of a product of three is 1 where they are different ones; running products add nothing to it. */
static void of_third_order(void **state)
{
    (void)state;
    const double c[] = {2, -3, 5}, d[] = {7, 11, -13};
    for (int running = 0; running < 2; running++) {
        tg_tape *tape = tg_tape_new(NULL);
        const tg_backward_opts graph = {.create_graph = true};
        tg_tensor *x = leaf(tape), *g[3], *factors[2];
        factors[0] = tg_from_f64(tape, c, TG_DIMS(3), 0);
        factors[1] = tg_from_f64(tape, d, TG_DIMS(3), 0);
        tg_tensor *y = running ? tg_sum(tg_cumprod(x, 0)) : tg_prod_dim(x, 0, false);
        for (int i = 0; i < 3; i++) {
            tg_gradients(y, NULL, &x, 1, &g[i], i < 2 ? &graph : NULL);
            y = i < 2 ? tg_sum(tg_mul(g[i], factors[i])) : y;
        }
        assert_ok(tape);
        for (int l = 0; l < 3; l++) {
            const int i = (l + 1) % 3, k = (l + 2) % 3;
            assert_near(tg_f64(g[2])[l], c[i] * d[k] + c[k] * d[i], 1e-12);
        }
        tg_tape_free(tape);
    }
}

static void wrong(void **state)
{
    (void)state;
    tg_tape *tape = tg_tape_new(NULL);
    tg_tensor *x = leaf(tape), *c = tg_ones(tape, TG_DIMS(3), TG_F64), *y = tg_square(x);
    tg_mark mark = tg_tape_mark(tape);
    assert_null(tg_jacobian(y, c, NULL));
    assert_error(tape, TG_ESTATE, "jacobian: [3] does not require a gradient");
    assert_null(tg_jacobian(y, NULL, NULL));
    assert_error(tape, TG_EVALUE, "jacobian: input 1 is NULL");
    assert_null(tg_hessian(y, x, NULL));
    assert_error(tape, TG_ESHAPE, "hessian: [3] is not a scalar, so its gradient must be given");
    assert_null(tg_hvp(tg_sum(y), x, tg_ones(tape, TG_DIMS(2), TG_F64), NULL));
    assert_error(tape, TG_ESHAPE, "hvp: [2] for input [3]");
    assert_null(tg_hvp(tg_sum(y), x, tg_ones(tape, TG_DIMS(3), TG_F32), NULL));
    assert_error(tape, TG_EDTYPE, "hvp: float32 for float64");
    tg_tape_rewind(tape, mark);
    tg_tensor *deep = tg_reshape(y, 15, (int64_t[]){3, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1});
    tg_tensor *pair = tg_reshape(y, 2, (int64_t[]){3, 1});
    assert_null(tg_jacobian(deep, pair, NULL));
    assert_error(tape, TG_ESHAPE, "jacobian: 15 and 2 dims are more than 16");
    tg_tape_free(tape);
}

typedef struct budget {
    size_t left;
} budget;

static void *take(void *context, size_t size)
{
    budget *b = context;
    return b->left && b->left-- ? malloc(size) : NULL;
}

static void give(void *context, void *memory, size_t size)
{
    (void)context, (void)size;
    free(memory);
}

/* Whatever allocation fails, nothing is left half done. */
static void out_of_memory(void **state)
{
    (void)state;
    for (size_t n = 1;; n++) {
        budget b = {n};
        tg_tape *tape = tg_tape_new(&(tg_tape_opts){.alloc = take, .free = give, .context = &b});
        tg_tensor *x = tape ? leaf(tape) : NULL, *loss = loss_of(x);
        tg_mark mark = tape ? tg_tape_mark(tape) : (tg_mark){0};
        tg_tensor *h = tg_hessian(loss, x, NULL);
        bool done = h && tg_error(tape) == TG_OK;
        if (tape && loss && !h) {
            assert_int_equal(tg_error(tape), TG_ENOMEM);
            assert_true(marks_equal(mark, tg_tape_mark(tape)));
        }
        tg_tape_free(tape);
        if (done)
            break;
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(jacobian),       cmocka_unit_test(hessian_and_product),
        cmocka_unit_test(with_graph),     cmocka_unit_test(zeros),
        cmocka_unit_test(of_some_inputs), cmocka_unit_test(of_third_order),
        cmocka_unit_test(captured),       cmocka_unit_test(wrong),
        cmocka_unit_test(hooks),          cmocka_unit_test(out_of_memory),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

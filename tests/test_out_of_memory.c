/* Memory runs out in what is more than one operation: derivatives, gradcheck, captured steps, kernels whose inputs have
 * to be copied first. Allocation k fails, for k = 0, 1, ... until all of it succeeds, each piece an allocation of its
 * own; then the same again gives what it gives on a tape that has memory. test_alloc.c has single operations. */
#include "check.h"
#include "support.h"

#include <tinygrad/op.h>

/* A computation from what it makes of the tape alone: a number that says whether it was right. */
typedef double computation(tg_tape *tape);

static tg_tensor *leaf(tg_tape *tape)
{
    return tg_from_f64(tape, (double[]){0.5, -2, 3}, TG_DIMS(3), TG_REQUIRES_GRAD);
}

/* The sum of its elements, each with another weight. */
static double weighed(tg_tensor *t)
{
    snapshot s = snapshot_of(t);
    double sum = 0;
    for (int64_t i = 0; s.dtype >= 0 && i < s.numel; i++)
        sum += snapshot_at(&s, i) * (double)(i + 1);
    return s.dtype < 0 ? (double)NAN : sum;
}

static tg_tensor *cube(tg_tensor *x)
{
    return tg_sum(tg_mul(x, tg_square(x)));
}

static double jacobian(tg_tape *tape)
{
    tg_tensor *x = leaf(tape);
    return weighed(tg_jacobian(tg_outer(x, tg_square(x)), x, NULL));
}

static double hessian(tg_tape *tape)
{
    tg_tensor *x = leaf(tape);
    return weighed(tg_hessian(cube(x), x, NULL));
}

static double product(tg_tape *tape)
{
    tg_tensor *x = leaf(tape), *loss = cube(x);
    return weighed(tg_hvp(loss, x, tg_ones(tape, TG_DIMS(3), TG_F64), NULL));
}

/* Linear: the gradient does not depend on x. */
static double product_of_none(tg_tape *tape)
{
    tg_tensor *x = leaf(tape), *loss = tg_sum(x);
    return weighed(tg_hvp(loss, x, tg_ones(tape, TG_DIMS(3), TG_F64), NULL));
}

static tg_tensor *cubed(tg_tensor *const *in, size_t n, void *context)
{
    (void)n;
    (void)context;
    return tg_mul(in[0], tg_square(in[0]));
}

static double checked(tg_tape *tape)
{
    tg_tensor *in[] = {leaf(tape), NULL, tg_ones(tape, TG_DIMS(2), 0)};
    return tg_gradcheck(cubed, NULL, in, 3, NULL) == TG_OK ? 1 : (double)NAN;
}

static double checked_twice(tg_tape *tape)
{
    tg_tensor *x = leaf(tape);
    const tg_gradcheck_opts opts = {.second_order = true};
    return tg_gradcheck(cubed, NULL, &x, 1, &opts) == TG_OK ? 1 : (double)NAN;
}

static double retained(tg_tape *tape)
{
    tg_tensor *x = leaf(tape), *y = tg_square(x), *loss = tg_sum(tg_mul(y, y));
    if (tg_retain_grad(y) || tg_backward(loss))
        return (double)NAN;
    return weighed(tg_grad(y)) + weighed(tg_grad(x));
}

/* All that a step may have, captured and replayed. */
static double captured(tg_tape *tape)
{
    tg_manual_seed(tape, 5);
    tg_tensor *x = leaf(tape), *table = tg_randn(tape, TG_DIMS(4, 2), TG_REQUIRES_GRAD);
    tg_tensor *index = tg_from_i64(tape, (int64_t[]){1, 3, 1}, TG_DIMS(3), 0);
    tg_optim *optim = tg_adam(tape, (tg_tensor *[]){x, table}, 2, NULL);
    tg_capture *step = tg_capture_begin(tape);
    tg_optim_zero_grad(optim);
    tg_tensor *rows = tg_embedding(table, index, TG_NO_PADDING), *y = tg_square(x);
    tg_retain_grad(y);
    tg_tensor *loss = tg_add(tg_sum(tg_mul(y, y)), tg_to(tg_sum(tg_square(rows)), TG_F64));
    tg_backward(tg_add(loss, tg_sum(tg_layer_norm(y, TG_DIMS(3), NULL, NULL, 0))));
    tg_clip_grad_norm((tg_tensor *[]){x, table}, 2, 0.5, 2);
    tg_optim_step(optim);
    if (tg_capture_end(step))
        return (double)NAN;
    for (int i = 0; i < 3; i++)
        tg_capture_replay(step);
    return tg_error(tape) ? (double)NAN : weighed(x) + weighed(table) + weighed(tg_grad(y));
}

/* Lists that grow in the middle. */
static double listed(tg_tape *tape)
{
    tg_tensor *x[20];
    for (int i = 0; i < 20; i++)
        x[i] = leaf(tape);
    tg_optim *optim = tg_adam(tape, x, 20, NULL);
    tg_params *list = tg_params_new(tape);
    tg_params_add(list, x[0], "x");
    tg_params_add(list, x[1], "y"); /* lists grow at a step, too */
    tg_status status = tg_optim_state(optim, list, "optim.");
    if (list && optim && status && tg_params_count(list) > 2)
        fail_msg("of a list that failed %zu stay", tg_params_count(list));
    tg_embedding_layer e = tg_nn_embedding(
        list, 3, 2, &(tg_nn_embedding_opts){.has_padding_idx = true, .padding_idx = 1}, "e");
    return e.weight && !tg_error(tape) ? (double)tg_params_count(list) + (double)tg_f32(e.weight)[2]
                                       : (double)NAN;
}

/* A backward pass that gives back and computes again. */
static double recomputed(tg_tape *tape)
{
    tg_tensor *x = tg_full(tape, TG_DIMS(5, 80), 0.5, TG_F64 | TG_REQUIRES_GRAD), *y = x;
    for (int i = 0; i < 2; i++) {
        tg_mark mark = tg_tape_mark(tape);
        y = tg_layer_norm(tg_exp(y), TG_DIMS(80), NULL, NULL, 0.5);
        y = tg_mul(tg_cumsum(y, 1), y);
        if (tg_checkpoint(tape, mark, &y, 1))
            return (double)NAN;
    }
    return tg_backward(tg_sum(y)) ? (double)NAN : tg_item(tg_sum(tg_square(tg_grad(x))));
}

/* Numbers from 0 on, modulo 4, with stride 2. */
enum { N = 120 };

static tg_tensor *strided(tg_tape *tape, int dtype)
{
    tg_tensor *x = tg_arange(tape, 0, 2 * N, 1, TG_F64);
    x = tg_to(tg_remainder(x, tg_full(tape, TG_SCALAR, 4, TG_F64)), dtype);
    return tg_slice(x, 0, 0, 2 * N, 2);
}

/* Kernels that read rows where they lie copy these first; each by itself, as one takes the memory that another gave
 * back. */
enum { ROWS = 13, GRADIENTS = 7 };

static double rows_of_strided(tg_tape *tape, int which)
{
    tg_tensor *index = strided(tape, TG_I64), *x = strided(tape, TG_F64);
    tg_tensor *truth = strided(tape, TG_BOOL), *table = tg_eye(tape, 4, 4, TG_F64);
    tg_tensor *square = tg_reshape(x, 2, (int64_t[]){N / 4, 4}),
              *wide = tg_ones(tape, TG_DIMS(2, N), TG_F64);
    tg_tensor *image = tg_transpose(tg_reshape(wide, 3, (int64_t[]){1, 4, N / 2}), 1, 2);
    tg_tensor *far = tg_slice(tg_arange(tape, 0, 2 * N, 1, TG_I64), 0, 0, 2 * N, 2), *at;
    const tg_pool_more_opts pool = {.kernel = {2, 2}, .indices = &at};
    switch (which) {
    case 0:
        return weighed(tg_one_hot(index, 4));
    case 1:
        return weighed(tg_any(truth)) +
               weighed(tg_all_dim(tg_reshape(truth, 2, (int64_t[]){N / 4, 4}), 1, false));
    case 2:
        return weighed(tg_index(table, 0, 1, &index));
    case 3:
        return weighed(tg_embedding(table, index, TG_NO_PADDING));
    case 4:
        return weighed(tg_linear(table, tg_ones(tape, TG_DIMS(N, 4), TG_F64), x));
    case 5:
        return weighed(tg_layer_norm(wide, TG_DIMS(N), x, x, 0));
    case 6:
        return weighed(tg_cumprod(square, 1));
    case 7:
        return weighed(tg_sort(x, 0, true));
    case 8:
        return weighed(tg_max_pool2d_with(image, &pool)) + weighed(at);
    case 9:
        return weighed(tg_conv2d(tg_reshape(image, 4, (int64_t[]){1, 1, N / 2, 4}),
                                 tg_ones(tape, TG_DIMS(2, 1, 3, 3), TG_F64), NULL, NULL));
    case 10:
        table = tg_tril(tg_ones(tape, TG_DIMS(20, 20), TG_F64), 0);
        tg_add_(table, tg_transpose(table, 0, 1), 1);
        return weighed(table);
    case 11:
        return weighed(tg_pad(square, TG_DIMS(-1, 1), TG_PAD_CIRCULAR, 0));
    default: /* an index that is none is named, also where it has to be copied */
        return tg_embedding(table, far, TG_NO_PADDING) || tg_error(tape) != TG_EVALUE
                   ? (double)NAN
                   : (tg_clear_error(tape), 1);
    }
}

/* Their gradients, with a gradient that is strided. */
static double gradient_of_strided(tg_tape *tape, int which)
{
    tg_tensor *index = strided(tape, TG_I64), *g = strided(tape, TG_F64), *y = NULL;
    tg_tensor *x = tg_full(tape, TG_DIMS(N), 0.5, TG_F64 | TG_REQUIRES_GRAD);
    tg_tensor *table = tg_ones(tape, TG_DIMS(4, N), TG_F64 | TG_REQUIRES_GRAD);
    tg_tensor *weight = tg_slice(tg_arange(tape, 0, 2 * N, 1, TG_F64), 0, 0, 2 * N, 2);
    tg_tensor *logits = tg_expand(tg_reshape(x, 2, (int64_t[]){N, 1}), TG_DIMS(N, 5));
    switch (which) {
    case 0:
        y = tg_cumprod(x, 0);
        break;
    case 1:
        y = tg_repeat_interleave(tg_narrow(x, 0, 0, N / 2), 2, 0);
        break;
    case 2:
        y = tg_select(tg_embedding(table, index, TG_NO_PADDING), 1, 3);
        break;
    case 3:
        y = tg_select(tg_layer_norm(table, TG_DIMS(N), weight, weight, 0), 0, 2);
        break;
    case 4:
        y = tg_pad(tg_narrow(x, 0, 0, N - 1), TG_DIMS(0, 1), TG_PAD_REFLECT, 0);
        break;
    case 5:
        y = tg_cross_entropy(logits, index, &(tg_ce_opts){.reduction = TG_NONE});
        break;
    default:
        y = tg_select(tg_batch_norm(tg_reshape(table, 2, (int64_t[]){4, N}),
                                    &(tg_batch_norm_opts){.weight = weight, .training = true}),
                      0, 1);
    }
    for (int graph = 0; graph < 2; graph++)
        tg_backward_with(y, g, &(tg_backward_opts){.create_graph = graph});
    if (tg_error(tape))
        return (double)NAN;
    return weighed(tg_grad(which == 2 || which == 3 || which == 6 ? table : x));
}

/* Rows that a sparse optimiser finds by an index that is strided. */
static double sparse(tg_tape *tape)
{
    tg_tensor *index = strided(tape, TG_I64);
    tg_tensor *table = tg_ones(tape, TG_DIMS(4, 20), TG_REQUIRES_GRAD);
    tg_optim *optim = tg_sparse_adam(tape, &table, 1, NULL);
    if (tg_backward(tg_sum(tg_embedding(table, index, TG_NO_PADDING))) || tg_optim_step(optim))
        return (double)NAN;
    return weighed(table);
}

/* A pass that gives back what it has read, and writes over it. */
static double released(tg_tape *tape)
{
    tg_tensor *x = tg_full(tape, TG_DIMS(400), 0.5, TG_F64 | TG_REQUIRES_GRAD);
    tg_mark mark = tg_tape_mark(tape);
    tg_tensor *y = x;
    for (int i = 0; i < 4; i++)
        y = tg_softplus(tg_sin(tg_tanh(y)));
    if (tg_backward_with(tg_sum(y), NULL, &(tg_backward_opts){.release_since = &mark}))
        return (double)NAN;
    return weighed(tg_grad(x));
}

/* One whose first gradient is written over its input. */
static double taken_over(tg_tape *tape)
{
    tg_tensor *x = tg_full(tape, TG_DIMS(6, 6), 0.5, TG_F64 | TG_REQUIRES_GRAD),
              *w = tg_eye(tape, 6, 6, TG_F64);
    tg_mark mark = tg_tape_mark(tape);
    tg_tensor *h = tg_mul_scalar(x, 2), *y = tg_matmul(h, w);
    if (tg_backward_with(y, w, &(tg_backward_opts){.release_since = &mark}))
        return (double)NAN;
    return weighed(tg_grad(x));
}

/* Losses that have to take room for themselves. */
static double joined_losses(tg_tape *tape)
{
    tg_manual_seed(tape, 1);
    tg_tensor *x = tg_randn(tape, TG_DIMS(2, 3, 4), TG_F64 | TG_REQUIRES_GRAD);
    tg_tensor *w = tg_randn(tape, TG_DIMS(5, 4), TG_F64 | TG_REQUIRES_GRAD);
    tg_tensor *bias = tg_slice(tg_randn(tape, TG_DIMS(10), TG_F64), 0, 0, 10, 2);
    tg_tensor *t = tg_transpose(tg_randint(tape, 0, 5, TG_DIMS(3, 2), TG_I64), 0, 1);
    tg_tensor *loss = tg_linear_cross_entropy(x, w, bias, t, NULL);
    for (int i = 0; i < 40; i++) /* what forward has lent goes */
        tg_zeros(tape, TG_DIMS(8 << i % 6), 0);
    if (tg_backward(loss))
        return (double)NAN;
    tg_tensor *at, *image = tg_transpose(tg_randn(tape, TG_DIMS(1, 8, 8), 0), 1, 2);
    tg_tensor *largest =
        tg_max_pool2d_with(image, &(tg_pool_more_opts){.kernel = {2, 2}, .indices = &at});
    return weighed(tg_grad(w)) + weighed(tg_grad(x)) + weighed(largest) + weighed(at);
}

/* Layers of more than one operation, each of which reads what lies strided. */
static double layered(tg_tape *tape)
{
    tg_manual_seed(tape, 2);
    tg_tensor *x = tg_transpose(tg_randn(tape, TG_DIMS(2, 3, 2), TG_F64 | TG_REQUIRES_GRAD), 0, 1);
    tg_tensor *w[8];
    for (int i = 0; i < 8; i++)
        w[i] = tg_randn(tape, i % 4 > 1 ? 1 : 2, (int64_t[]){8, 2}, TG_F64 | TG_REQUIRES_GRAD);
    const tg_recurrent_opts opts = {.layers = 2, .dropout = 0.5, .training = true};
    tg_tensor *y = tg_lstm(x, w, 8, &opts, NULL, NULL);
    if (!y || tg_backward_with(tg_transpose(y, 0, 1), tg_transpose(y, 0, 1), NULL))
        return (double)NAN;
    return weighed(tg_grad(w[0])) + weighed(tg_grad(w[5]));
}

static double resampled(tg_tape *tape)
{
    tg_tensor *x = tg_full(tape, TG_DIMS(1, 2, 3, 4), 0.5, TG_F64 | TG_REQUIRES_GRAD);
    const tg_interpolate_opts opts = {.size = {5, 2}, .mode = TG_LINEAR};
    tg_tensor *y = tg_interpolate(tg_transpose(x, 2, 3), &opts);
    if (!y || tg_backward(tg_sum(tg_square(y))))
        return (double)NAN;
    return weighed(tg_grad(x));
}

/* Gradients whose gradients are made of what lies strided. */
static double second_orders(tg_tape *tape)
{
    tg_manual_seed(tape, 3);
    tg_tensor *x = tg_rand(tape, TG_DIMS(6, 8), TG_F64 | TG_REQUIRES_GRAD);
    tg_tensor *image = tg_reshape(tg_transpose(x, 0, 1), TG_DIMS(1, 8, 6));
    tg_tensor *weight = tg_rand(tape, TG_DIMS(4), TG_F64 | TG_REQUIRES_GRAD);
    tg_tensor *normed = tg_group_norm(tg_reshape(x, TG_DIMS(2, 4, 6)), 2, weight, weight, 0);
    tg_tensor *parts[] = {
        tg_prod_dim(x, 1, false), tg_flatten(tg_cumprod(x, 0), 0, -1),
        tg_flatten(tg_softmax(tg_transpose(x, 0, 1), 1), 0, -1), tg_flatten(normed, 0, -1),
        tg_flatten(tg_avg_pool2d(image, &(tg_pool_opts){.kernel = {9, 7}, .padding = {1, 1}}), 0,
                   -1)};
    tg_tensor *y = tg_cat(parts, sizeof parts / sizeof *parts, 0),
              *ones = tg_ones(tape, TG_SCALAR, TG_F64 | TG_REQUIRES_GRAD);
    tg_tensor *v = y ? tg_expand(ones, tg_ndim(y), tg_sizes(y)) : NULL;
    tg_tensor *of[] = {x, weight}, *g[2];
    if (!v || tg_gradients(y, v, of, 2, g, &(tg_backward_opts){.create_graph = true}))
        return (double)NAN;
    tg_tensor *all = tg_add(tg_sum(tg_square(g[0])), tg_sum(tg_square(g[1]))), *h[2];
    of[1] = ones;
    if (tg_gradients(all, NULL, of, 2, h, &(tg_backward_opts){.create_graph = true}))
        return (double)NAN;
    return weighed(h[0]) + tg_item(h[1]);
}

/* Distances of rows that are copied, float32 among them, by kernels and by norms of differences. */
static double distances(tg_tape *tape)
{
    tg_manual_seed(tape, 4);
    double sum = 0;
    for (int dtype = TG_F32; dtype <= TG_F64; dtype++) {
        tg_tensor *a = tg_rand(tape, TG_DIMS(3, 4), dtype | TG_REQUIRES_GRAD);
        tg_tensor *b = tg_rand(tape, TG_DIMS(2, 5, 3), dtype), *d[2];
        for (int i = 0; i < 2; i++) {
            d[i] = tg_cdist(tg_transpose(a, 0, 1), b, i ? 3 : 2);
            if (!d[i] || tg_backward_with(tg_transpose(d[i], 1, 2), tg_transpose(d[i], 1, 2), NULL))
                return (double)NAN;
        }
        sum += weighed(d[0]) + weighed(d[1]) + weighed(tg_grad(a));
    }
    return sum;
}

/* A captured step that adds to a gradient from before. */
static double expecting(tg_tape *tape)
{
    tg_tensor *x[9], *y = NULL;
    for (int i = 0; i < 9; i++) {
        x[i] = leaf(tape);
        y = y ? tg_add(y, tg_mul(x[i], x[0])) : x[0];
    }
    if (tg_backward(tg_sum(y)))
        return (double)NAN;
    tg_capture *step = tg_capture_begin(tape);
    if (tg_backward(tg_sum(y)) || tg_capture_end(step) || tg_capture_replay(step))
        return (double)NAN;
    return weighed(tg_grad(x[0])) + weighed(tg_grad(x[8]));
}

/* Averages in a captured step, each of which is noted. */
static double averaged(tg_tape *tape)
{
    tg_tensor *x[] = {leaf(tape), leaf(tape)};
    tg_tensor *mean[] = {tg_zeros(tape, TG_DIMS(3), TG_F64), tg_zeros(tape, TG_DIMS(3), TG_F64)};
    tg_capture *step = tg_capture_begin(tape);
    if (tg_ema_update(mean, x, 2, 0.5) || tg_capture_end(step) || tg_capture_replay(step))
        return (double)NAN;
    return weighed(mean[0]) + weighed(mean[1]);
}

static const struct {
    const char *name;
    computation *run;
} all[] = {{"jacobian", jacobian},
           {"hessian", hessian},
           {"hvp", product},
           {"hvp of none", product_of_none},
           {"gradcheck", checked},
           {"gradcheck, second order", checked_twice},
           {"retain_grad", retained},
           {"capture", captured},
           {"lists", listed},
           {"checkpoint", recomputed},
           {"sparse", sparse},
           {"released", released},
           {"taken over", taken_over},
           {"joined losses", joined_losses},
           {"layers", layered},
           {"resampling", resampled},
           {"second orders", second_orders},
           {"averages", averaged},
           {"distances", distances},
           {"expectations", expecting}};
enum { ALL = sizeof all / sizeof *all };

static double run(tg_tape *tape, size_t which)
{
    int strided = (int)which - ALL;
    double result = which < ALL      ? all[which].run(tape)
                    : strided < ROWS ? rows_of_strided(tape, strided)
                                     : gradient_of_strided(tape, strided - ROWS);
    return tg_error(tape) ? (double)NAN : result;
}

static const char *name(size_t which)
{
    return which < ALL          ? all[which].name
           : which < ALL + ROWS ? "strided rows"
                                : "strided gradients";
}

static bool fail_at(size_t which, size_t block, int64_t k, double want)
{
    test_allocator allocator = {.fail_at = -1};
    tg_tape *tape = test_tape(&allocator, block);
    tg_mark start = tg_tape_mark(tape);
    allocator.calls = 0;
    allocator.fail_at = k;
    double got = run(tape, which);
    allocator.fail_at = -1;
    if (allocator.failures) {
        if (tg_error(tape) != TG_ENOMEM || !isnan(got))
            fail_msg("%s: failure %lld gives %d, %s", name(which), (long long)k,
                     (int)tg_error(tape), tg_error_message(tape));
        tg_clear_error(tape);
        if (tg_tape_rewind(tape, start))
            fail_msg("%s: failure %lld: %s", name(which), (long long)k, tg_error_message(tape));
        got = run(tape, which);
    }
    if (tg_error(tape) || got != want)
        fail_msg("%s: after failure %lld: %.17g, wanted %.17g; %s", name(which), (long long)k, got,
                 want, tg_error_message(tape));
    tg_tape_free(tape);
    assert_int_equal(allocator.live, 0);
    assert_false(allocator.wrong_size);
    return allocator.failures;
}

static void sweep(void **state)
{
    (void)state;
    for (size_t i = 0; i < ALL + ROWS + GRADIENTS; i++) {
        tg_tape *tape = tg_tape_new(NULL);
        double want = run(tape, i);
        if (tg_error(tape) || isnan(want))
            fail_msg("%s: %s", name(i), tg_error_message(tape));
        tg_tape_free(tape);
        for (size_t block = 1; block < 2000; block += 999) {
            int64_t k = 0;
            while (fail_at(i, block, k, want))
                k++;
            assert_true(k > 2);
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(sweep)};
    return cmocka_run_group_tests_name("out of memory", tests, NULL, NULL);
}

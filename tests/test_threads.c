/* Results have the same bits for any number of threads and any instruction set: one hash of output
 * and gradients for every case below, all large enough to be shared. */
#define _POSIX_C_SOURCE 200112L /* setenv */
#include "check.h"

#include <stdlib.h>
#include <string.h>

static uint64_t hash_bytes(uint64_t hash, const void *data, size_t size)
{
    const unsigned char *bytes = data;
    for (size_t i = 0; i < size; i++)
        hash = (hash ^ bytes[i]) * 0x100000001b3u;
    return hash;
}

static uint64_t hash_tensor(uint64_t hash, tg_tensor *t)
{
    t = tg_contiguous(t);
    size_t size = tg_dtype(t) == TG_F32 ? 4 : 8;
    const void *data = tg_dtype(t) == TG_F32 ? (const void *)tg_f32(t) : (const void *)tg_f64(t);
    return hash_bytes(hash, data, (size_t)tg_numel(t) * size);
}

/* Leaves of a case: x [600, 300], y [300, 520], both of one float dtype. */
typedef tg_tensor *one_case(tg_tensor *x, tg_tensor *y);

static tg_tensor *elementwise(tg_tensor *x, tg_tensor *y)
{
    tg_tensor *row = tg_narrow(tg_transpose(y, 0, 1), 0, 3, 1);
    return tg_gelu(tg_add(tg_mul(x, row), tg_tanh(x)));
}

/* Of 40,000 to 70,000 elements, of which the beginning shows whether they are worth sharing: dense ones, spread rows and
 * columns, columns that lie apart, and two long rows. */
static tg_tensor *middling(tg_tensor *x, tg_tensor *y)
{
    tg_tensor *some = tg_narrow(x, 0, 100, 200), *row = tg_select(x, 0, 0);
    tg_tensor *column = tg_narrow(tg_narrow(y, 1, 7, 1), 0, 0, 200),
              *apart = tg_narrow(y, 1, 50, 220);
    tg_tensor *two = tg_narrow(tg_reshape(x, 2, (int64_t[]){2, 90000}), 1, 5, 20000);
    tg_tensor *dense = tg_mul(tg_relu(tg_add(some, row)), tg_erf(tg_mul(tg_gelu(some), column)));
    tg_tensor *more = tg_mul(tg_sum(tg_sin(apart)), tg_sum(tg_exp(tg_cos(two))));
    return tg_add(tg_add(tg_sum(dense), more),
                  tg_sum(tg_square(tg_contiguous(tg_transpose(apart, 0, 1)))));
}

static tg_tensor *transposed(tg_tensor *x, tg_tensor *y)
{
    return tg_mul(tg_exp(tg_transpose(x, 0, 1)), tg_narrow(y, 1, 0, 1));
}

static tg_tensor *sums(tg_tensor *x, tg_tensor *y)
{
    tg_tensor *columns = tg_sum(tg_square(tg_sum_dim(x, 0, false)));
    tg_tensor *rows = tg_sum(tg_square(tg_mean_dim(y, 1, false)));
    return tg_add(tg_add(tg_sum(tg_sigmoid(x)), tg_sum_dim(tg_flatten(y, 0, -1), 0, false)),
                  tg_add(columns, rows));
}

static tg_tensor *statistics(tg_tensor *x, tg_tensor *y)
{
    tg_tensor *n = tg_layer_norm(x, 1, (int64_t[]){300}, NULL, NULL, 0);
    tg_tensor *weight = tg_select(y, 0, 0), *bias = tg_select(y, 0, 1);
    tg_tensor *scaled = tg_square(tg_layer_norm(y, 1, (int64_t[]){520}, weight, bias, 0));
    /* So many columns that the weight's and the bias's gradients are shared as well. */
    tg_tensor *some = tg_flatten(y, 0, -1), *long_weight = tg_narrow(some, 0, 0, 3000);
    tg_tensor *long_bias = tg_narrow(some, 0, 3000, 3000);
    tg_tensor *far = tg_square(tg_layer_norm(tg_reshape(x, TG_DIMS(60, 3000)), 1, (int64_t[]){3000},
                                             long_weight, long_bias, 0));
    return tg_add(tg_add(tg_sum(tg_mul(n, x)), tg_add(tg_sum(scaled), tg_sum(far))),
                  tg_add(tg_norm(x, 2), tg_var(x)));
}

static tg_tensor *products(tg_tensor *x, tg_tensor *y)
{
    tg_tensor *batch = tg_reshape(x, 3, (int64_t[]){4, 150, 300});
    tg_tensor *wide = tg_matmul(x, y),
              *tall = tg_matmul(tg_transpose(y, 0, 1), tg_transpose(x, 0, 1));
    return tg_add(tg_sum(tg_matmul(batch, tg_reshape(y, 3, (int64_t[]){1, 300, 520}))),
                  tg_add(tg_sum(tg_square(wide)), tg_sum(tg_relu(tall))));
}

/* Each thread has a large piece and a small one: of rows, of columns, of a batch. */
static tg_tensor *long_products(tg_tensor *x, tg_tensor *y)
{
    tg_tensor *tall = tg_reshape(x, TG_DIMS(1800, 100)),
              *narrow = tg_narrow(tg_narrow(y, 0, 0, 100), 1, 0, 64);
    tg_tensor *wide = tg_matmul(tg_transpose(narrow, 0, 1), tg_transpose(tall, 0, 1));
    tg_tensor *many =
        tg_matmul(tg_reshape(x, TG_DIMS(60, 30, 100)), tg_reshape(x, TG_DIMS(60, 100, 30)));
    return tg_add(tg_sum(tg_square(tg_matmul(tall, narrow))),
                  tg_add(tg_sum(tg_relu(wide)), tg_sum(tg_relu(many))));
}

static tg_tensor *layers(tg_tensor *x, tg_tensor *y)
{
    tg_tensor *bias = tg_select(y, 1, 0), *square = tg_narrow(y, 1, 100, 300);
    tg_tensor *h = tg_linear(x, square, bias);
    tg_tensor *image = tg_reshape(h, 4, (int64_t[]){3, 20, 50, 60});
    tg_tensor *kernel =
        tg_reshape(tg_narrow(tg_flatten(y, 0, -1), 0, 0, 1800), 4, (int64_t[]){10, 20, 3, 3});
    return tg_conv2d(image, kernel, NULL, &(tg_conv_opts){.padding = {1, 1}});
}

static tg_tensor *softmaxes(tg_tensor *x, tg_tensor *y)
{
    tg_tensor *a = tg_mul(tg_softmax(x, 1), x), *b = tg_mul(tg_log_softmax(y, 0), y);
    return tg_add(tg_sum(tg_logsumexp_dim(y, 1, false)), tg_add(tg_sum(a), tg_sum(b)));
}

static tg_tensor *targets_of(tg_tensor *x, int64_t classes)
{
    tg_tape *tape = tg_tape_of(x);
    return tg_randint(tape, 0, classes, TG_DIMS(tg_size(x, 0)), TG_I64);
}

static tg_tensor *losses(tg_tensor *x, tg_tensor *y)
{
    tg_tensor *weight = tg_detach(tg_square(tg_select(x, 0, 5)));
    tg_tensor *plain = tg_cross_entropy(x, targets_of(x, 300), NULL);
    tg_tensor *each = tg_cross_entropy(y, targets_of(y, 520), &(tg_ce_opts){.reduction = TG_NONE});
    tg_ce_opts smooth = {.weight = weight, .label_smoothing = 0.1, .reduction = TG_SUM};
    tg_tensor *smoothed = tg_cross_entropy(x, targets_of(x, 300), &smooth);
    tg_tensor *probabilities = tg_cross_entropy(y, tg_softmax(y, 1), NULL);
    return tg_add(tg_add(plain, tg_sum(each)), tg_add(smoothed, probabilities));
}

static tg_tensor *many_positions(tg_tensor *x, tg_tensor *y)
{
    (void)y;
    tg_tensor *rows = tg_reshape(x, 2, (int64_t[]){60000, 3});
    return tg_nll_loss(tg_log_softmax(rows, 1), targets_of(rows, 3), NULL);
}

static tg_tensor *moves(tg_tensor *x, tg_tensor *y)
{
    tg_tensor *turned =
        tg_contiguous(tg_transpose(tg_reshape(x, 3, (int64_t[]){3, 200, 300}), 0, 2));
    tg_tensor *kept = tg_dropout(turned, 0.3, true);
    tg_tensor *images = tg_reshape(y, 4, (int64_t[]){3, 4, 100, 130});
    tg_pool_opts window = {.kernel = {3, 2}, .stride = {2, 1}, .padding = {1, 1}};
    tg_tensor *means = tg_avg_pool2d(images, &window);
    tg_tensor *some =
        tg_index_select(y, 1, tg_randint(tg_tape_of(x), 0, 520, TG_DIMS(400), TG_I64));
    tg_tensor *index = tg_randint(tg_tape_of(x), 0, 100, TG_DIMS(90), TG_I64);
    tg_tensor *wide = tg_embedding(tg_reshape(x, TG_DIMS(100, 1800)), index, TG_NO_PADDING);
    some = tg_add(tg_sum(tg_square(some)), tg_sum(tg_square(wide)));
    wide = tg_index_select(tg_reshape(x, TG_DIMS(20, 100, 90)), 0,
                           tg_randint(tg_tape_of(x), 0, 20, TG_DIMS(30), TG_I64));
    some = tg_add(some, tg_sum(tg_square(wide)));
    return tg_add(tg_add(tg_sum(tg_square(kept)), tg_sum(tg_square(means))),
                  tg_add(some, tg_sum(tg_square(tg_slice(y, 0, 1, 299, 1)))));
}

/* So many rows of 500 inputs and 40 units, 360 of them in all steps. */
static tg_tensor *recurrent_of(tg_tensor *x, tg_tensor *y, int64_t together)
{
    tg_tensor *sum = NULL, *flat = tg_flatten(y, 0, -1);
    tg_tensor *in = tg_reshape(x, 3, (int64_t[]){360 / together, together, 500});
    for (int64_t gates = 3; gates <= 4; gates++) {
        const int64_t rows = gates * 40;
        tg_tensor *w_ih = tg_reshape(tg_narrow(flat, 0, 0, rows * 500), 2, (int64_t[]){rows, 500});
        tg_tensor *w_hh = tg_reshape(tg_narrow(flat, 0, 9, rows * 40), 2, (int64_t[]){rows, 40});
        tg_tensor *bias = tg_narrow(flat, 0, 90000, rows), *w[] = {w_ih, w_hh, bias, bias};
        tg_tensor *out =
            gates == 3 ? tg_gru(in, w, 4, NULL, NULL) : tg_lstm(in, w, 4, NULL, NULL, NULL);
        out = tg_sum(tg_square(out));
        sum = sum ? tg_add(sum, out) : out;
    }
    return sum;
}

static tg_tensor *recurrent(tg_tensor *x, tg_tensor *y)
{
    return recurrent_of(x, y, 30);
}

static tg_tensor *recurrent_in_parts(tg_tensor *x, tg_tensor *y)
{
    return recurrent_of(x, y, 180);
}

static const struct {
    const char *name;
    one_case *make;
} cases[] = {{"elementwise", elementwise},       {"middling", middling},
             {"transposed", transposed},         {"sums", sums},
             {"statistics", statistics},         {"products", products},
             {"long_products", long_products},   {"layers", layers},
             {"softmaxes", softmaxes},           {"losses", losses},
             {"many_positions", many_positions}, {"moves", moves},
             {"recurrent", recurrent},           {"recurrent_in_parts", recurrent_in_parts}};

static uint64_t result(one_case *make, int dtype, const tg_tape_opts *opts)
{
    tg_tape *tape = tg_tape_new(opts);
    tg_tensor *x = tg_randn(tape, TG_DIMS(600, 300), TG_F32 | TG_REQUIRES_GRAD);
    tg_tensor *y = tg_randn(tape, TG_DIMS(300, 520), TG_F32 | TG_REQUIRES_GRAD);
    tg_tensor *out = make(tg_to(x, dtype), tg_to(y, dtype));
    tg_backward_with(out, tg_numel(out) == 1 ? NULL : tg_detach(out), NULL);
    assert_ok(tape);
    uint64_t hash = hash_tensor(hash_tensor(0xcbf29ce484222325u, out), tg_grad(x));
    if (tg_grad(y))
        hash = hash_tensor(hash, tg_grad(y));
    tg_tape_free(tape);
    return hash;
}

static void test_same_bits(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        for (int dtype = TG_F32; dtype <= TG_F64; dtype++) {
            tg_tape_opts opts = {.threads = 1};
            uint64_t first = result(cases[i].make, dtype, &opts);
            for (int k = 0; k < 3; k++) {
                opts.threads = 1 + (k + (int)i) % 4;
                opts.isa = isa_number(k, true);
                if (result(cases[i].make, dtype, &opts) != first)
                    fail_msg("%s: other bits with %d threads, instruction set %d, dtype %d",
                             cases[i].name, opts.threads, (int)opts.isa, dtype);
            }
            for (int threads = 2; threads <= 5; threads++) {
                opts = (tg_tape_opts){.threads = threads};
                if (result(cases[i].make, dtype, &opts) != first)
                    fail_msg("%s: other bits with %d threads", cases[i].name, threads);
            }
        }
    }
}

/* Steps of all parameters in one loop, whose ranges begin and end in the middle of some. */
static uint64_t trained(int threads, tg_isa isa, bool adam)
{
    static const int64_t sizes[] = {40000, 3, 70001, 1000, 30000};
    enum { N = sizeof sizes / sizeof *sizes };
    tg_tape *tape = tg_tape_new(&(tg_tape_opts){.threads = threads, .isa = isa});
    tg_tensor *params[N], *loss = NULL;
    for (int i = 0; i < N; i++) {
        params[i] = tg_randn(tape, TG_DIMS(sizes[i]), TG_REQUIRES_GRAD);
        tg_tensor *sum = i == 1 ? NULL : tg_sum(tg_square(params[i])); /* one without gradient */
        loss = loss && sum ? tg_add(loss, sum) : sum ? sum : loss;
    }
    tg_optim *optim = adam ? tg_adam(tape, params, N, NULL)
                           : tg_sgd(tape, params, N, &(tg_sgd_opts){.lr = 0.1, .momentum = 0.9});
    tg_backward(loss);
    for (int i = 0; i < 2; i++)
        tg_optim_step(optim);
    assert_ok(tape);
    uint64_t hash = 0xcbf29ce484222325u;
    for (int i = 0; i < N; i++)
        hash = hash_tensor(hash, params[i]);
    tg_tape_free(tape);
    return hash;
}

static void test_optimisers(void **state)
{
    (void)state;
    for (int adam = 0; adam < 2; adam++) {
        uint64_t first = trained(1, isa_number(0, true), adam);
        for (int k = 0; k < 3; k++)
            assert_true(trained(1 + k, isa_number(k, true), adam) == first);
    }
}

/* The environment counts where the options do not say, and nonsense there harms nothing. */
static void test_environment(void **state)
{
    (void)state;
    static const char *const values[] = {"3", "2,4", "0", "-1", "", "many", "100000"};
    uint64_t first = result(sums, TG_F32, &(tg_tape_opts){.threads = 1});
    for (size_t i = 0; i < sizeof values / sizeof *values; i++) {
        assert_int_equal(setenv("OMP_NUM_THREADS", values[i], 1), 0);
        assert_true(result(sums, TG_F32, NULL) == first);
        assert_true(result(sums, TG_F32, &(tg_tape_opts){.threads = -5}) == first);
    }
    unsetenv("OMP_NUM_THREADS");
}

/* Tapes with threads of their own, at once, made and freed many times. */
static void test_many_tapes(void **state)
{
    (void)state;
    uint64_t first = result(softmaxes, TG_F32, &(tg_tape_opts){.threads = 1});
    for (int i = 0; i < 20; i++) {
        tg_tape *idle = tg_tape_new(&(tg_tape_opts){.threads = 8});
        tg_tape *other = tg_tape_new(&(tg_tape_opts){.threads = 2});
        tg_exp(tg_ones(other, TG_DIMS(200000), 0));
        assert_true(result(softmaxes, TG_F32, &(tg_tape_opts){.threads = 2 + i % 3}) == first);
        tg_exp(tg_ones(other, TG_DIMS(200000), 0));
        tg_tape_free(idle);
        tg_tape_free(other);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_same_bits),
        cmocka_unit_test(test_optimisers),
        cmocka_unit_test(test_environment),
        cmocka_unit_test(test_many_tapes),
    };
    return cmocka_run_group_tests_name("threads", tests, NULL, NULL);
}

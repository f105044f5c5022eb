/* Options of optimisers, averages and layers that are out of their ranges: each is refused by name. And optimisers by
 * their defaults, without options. */
#include "check.h"
#include "support.h"

#include <tinygrad/op.h>

#include <limits.h>

#define COUNT(array) (sizeof(array) / sizeof *(array))

static tg_tensor *leaf(tg_tape *tape)
{
    return tg_from_f32(tape, (float[]){1, -2, 3}, TG_DIMS(3), TG_REQUIRES_GRAD);
}

/* Each option of each table is out of range by itself. */
#define REFUSED(make, type, ...)                                                                   \
    do {                                                                                           \
        const type bad[] = {__VA_ARGS__};                                                          \
        tg_tape *tape = tg_tape_new(NULL);                                                         \
        tg_tensor *x = leaf(tape);                                                                 \
        tg_mark before = tg_tape_mark(tape);                                                       \
        for (size_t i = 0; i < COUNT(bad); i++) {                                                  \
            if (make(tape, &x, 1, &bad[i]))                                                        \
                fail_msg("%s: options %zu", #make, i);                                             \
            assert_true(marks_equal(before, tg_tape_mark(tape)));                                  \
            assert_error(tape, TG_EVALUE, &#make[3]);                                              \
        }                                                                                          \
        tg_optim *optim = make(tape, &x, 1, NULL);                                                 \
        tg_backward(tg_sum(tg_square(x)));                                                         \
        assert_int_equal(tg_optim_step(optim), TG_OK);                                             \
        assert_true(tg_f32(x)[0]<1 && tg_f32(x)[1]> - 2);                                          \
        tg_tape_free(tape);                                                                        \
    } while (0)

static void options(void **state)
{
    (void)state;
    REFUSED(tg_nadam, tg_nadam_opts, {.lr = -1}, {.eps = -1}, {.weight_decay = -1}, {.beta1 = 1},
            {.beta1 = -0.1}, {.beta2 = 1}, {.momentum_decay = -1});
    REFUSED(tg_radam, tg_radam_opts, {.lr = -1}, {.eps = -1}, {.weight_decay = -1}, {.beta1 = 1},
            {.beta2 = 1.5});
    REFUSED(tg_adamax, tg_adamax_opts, {.lr = -1}, {.eps = -1}, {.weight_decay = -1}, {.beta1 = 1},
            {.beta2 = 1});
    REFUSED(tg_adadelta, tg_adadelta_opts, {.lr = -1}, {.eps = -1}, {.weight_decay = -1},
            {.rho = -0.1}, {.rho = 1.1});
}

static void averages(void **state)
{
    (void)state;
    tg_tape *tape = tg_tape_new(NULL), *other = tg_tape_new(NULL);
    tg_tensor *a = tg_ones(tape, TG_DIMS(3), 0), *b = tg_zeros(tape, TG_DIMS(3), 0);
    tg_tensor *alien = tg_zeros(other, TG_DIMS(3), 0), *d = tg_zeros(tape, TG_DIMS(3), TG_F64);
    tg_tensor *whole = tg_zeros(tape, TG_DIMS(3), TG_I64), *none = NULL;
    tg_tensor *strided = tg_select(tg_zeros(tape, TG_DIMS(3, 2), 0), 1, 0);
    const struct {
        tg_tensor *average, *tensor;
        tg_status status;
    } bad[] = {{a, alien, TG_EVALUE},   {a, d, TG_EDTYPE},       {whole, whole, TG_EDTYPE},
               {strided, b, TG_ESTATE}, {a, strided, TG_ESTATE}, {a, NULL, TG_EVALUE}};
    for (size_t i = 0; i < COUNT(bad); i++) {
        tg_tensor *x = bad[i].average, *y = bad[i].tensor;
        assert_int_equal(tg_ema_update(&x, &y, 1, 0.5), bad[i].status);
        tg_clear_error(tape);
        tg_clear_error(other);
        assert_int_equal(tg_ema_swap(&x, &y, 1), bad[i].status);
        tg_clear_error(tape);
        tg_clear_error(other);
        assert_equal((double)tg_f32(a)[1], 1);
    }
    assert_int_equal(tg_ema_update(&none, &b, 1, 0.5), TG_EVALUE);
    tg_clear_error(tape);
    assert_true(tg_ema_update(NULL, &b, 1, 0.5) != TG_OK);
    assert_true(tg_ema_update(&a, NULL, 1, 0.5) != TG_OK);
    tg_clear_error(tape);
    assert_int_equal(tg_ema_update(&a, &b, 1, -0.1), TG_EVALUE);
    tg_clear_error(tape);
    assert_int_equal(tg_ema_update(&a, &b, 1, 1.1), TG_EVALUE);
    tg_clear_error(tape);
    assert_int_equal(tg_ema_update(&a, &b, 1, 0.25), TG_OK);
    assert_equal((double)tg_f32(a)[1], 0.25);
    assert_int_equal(tg_ema_swap(&a, &b, 1), TG_OK);
    assert_equal((double)tg_f32(b)[1], 0.25);
    tg_tape_free(tape);
    tg_tape_free(other);
}

static void layers(void **state)
{
    (void)state;
    tg_tape *tape = tg_tape_new(NULL);
    tg_params *list = tg_params_new(tape);
    tg_nn_conv_opts groups[] = {
        {.conv = {.groups = -1}}, {.conv = {.groups = 3}}, {.conv = {.groups = 4}}};
    for (size_t i = 0; i < COUNT(groups); i++) {
        assert_null(tg_nn_conv2d(list, 4, 6, 3, &groups[i], "c").weight);
        assert_error(tape, TG_EVALUE, "nn_conv2d: 4 and 6 channels do not divide into");
    }
    const int64_t rows[] = {3, -4};
    for (size_t i = 0; i < COUNT(rows); i++) {
        tg_nn_embedding_opts padding = {.has_padding_idx = true, .padding_idx = rows[i]};
        assert_null(tg_nn_embedding(list, 3, 2, &padding, "e").weight);
        assert_error(tape, TG_EVALUE, "nn_embedding: there is no row");
    }
    tg_embedding_layer last = tg_nn_embedding(
        list, 3, 2, &(tg_nn_embedding_opts){.has_padding_idx = true, .padding_idx = -1}, "e");
    assert_equal((double)tg_f32(last.weight)[5], 0);
    assert_true(tg_f32(last.weight)[3] != 0);
    int64_t ones[TG_MAX_NDIM + 1];
    for (int i = 0; i <= TG_MAX_NDIM; i++)
        ones[i] = 1;
    assert_null(tg_nn_layer_norm(list, 0, NULL, NULL, "n").weight);
    assert_error(tape, TG_ESHAPE, "nn_layer_norm: over 0 dims");
    assert_null(tg_nn_layer_norm(list, TG_MAX_NDIM + 1, ones, NULL, "n").weight);
    assert_error(tape, TG_ESHAPE, "nn_layer_norm: over 17 dims");
    const struct {
        int64_t in, hidden, layers;
    } sizes[] = {{2, 3, -1}, {2, 3, 1000}, {-1, 3, 1}, {2, 0, 1}, {2, INT64_MAX / 2, 1}};
    for (size_t i = 0; i < COUNT(sizes); i++) {
        tg_nn_recurrent_opts o = {.how = {.layers = sizes[i].layers}};
        assert_int_equal(tg_nn_lstm(list, sizes[i].in, sizes[i].hidden, &o, "l").n, 0);
        assert_error(tape, TG_EVALUE, "nn_lstm: ");
    }
    tg_recurrent_layer bare =
        tg_nn_lstm(list, 2, 3, &(tg_nn_recurrent_opts){.how = {.no_bias = true}}, "l");
    assert_int_equal(bare.n, 2);
    tg_tensor *x = tg_ones(tape, TG_DIMS(4, 1, 2), 0);
    assert_non_null(tg_nn_apply_lstm(x, &bare, false, NULL, NULL));
    assert_ok(tape);
    tg_tensor *right = tg_zeros(tape, TG_DIMS(1, 1, 3), 0),
              *wrong[] = {tg_zeros(tape, TG_DIMS(1, 2, 3), 0), tg_zeros(tape, TG_DIMS(2, 1, 3), 0),
                          tg_zeros(tape, TG_DIMS(1, 1, 4), 0), tg_zeros(tape, TG_DIMS(1, 3), 0)};
    for (size_t i = 0; i < COUNT(wrong); i++) {
        bare.how.h0 = wrong[i];
        bare.how.c0 = right;
        assert_null(tg_nn_apply_lstm(x, &bare, false, NULL, NULL));
        assert_error(tape, TG_ESHAPE, "lstm: a state is");
        bare.how.h0 = right;
        bare.how.c0 = wrong[i];
        assert_null(tg_nn_apply_lstm(x, &bare, false, NULL, NULL));
        assert_error(tape, TG_ESHAPE, "lstm: a state is");
    }
    assert_null(tg_nn_apply_conv(x, NULL));
    assert_error(tape, TG_EVALUE, "nn_apply_conv: ");
    assert_null(tg_nn_apply_lstm(x, NULL, false, NULL, NULL));
    assert_error(tape, TG_EVALUE, "nn_apply_lstm: ");
    assert_null(tg_nn_apply_batch_norm(x, NULL, true));
    assert_error(tape, TG_EVALUE, "nn_apply_batch_norm: ");
    assert_null(tg_nn_apply_layer_norm(x, NULL));
    assert_error(tape, TG_EVALUE, "nn_apply_layer_norm: ");
    assert_null(tg_nn_apply_embedding(x, NULL));
    assert_error(tape, TG_EVALUE, "nn_apply_embedding: ");
    tg_batch_norm_layer norm = tg_nn_batch_norm(list, 2, NULL, "b");
    tg_tensor *counter = norm.num_batches_tracked;
    tg_tensor *good = tg_randn(tape, TG_DIMS(4, 2), 0), *few = tg_randn(tape, TG_DIMS(4, 3), 0);
    assert_non_null(tg_nn_apply_batch_norm(good, &norm, true));
    assert_int_equal(tg_i64(counter)[0], 1);
    assert_null(tg_nn_apply_batch_norm(few, &norm, true)); /* refused, and not counted */
    assert_error(tape, TG_ESHAPE, "nn_apply_batch_norm: ");
    assert_int_equal(tg_i64(counter)[0], 1);
    assert_null(tg_nn_apply_batch_norm(few, &norm, false));
    assert_error(tape, TG_ESHAPE, "nn_apply_batch_norm: ");
    norm.num_batches_tracked = tg_zeros(tape, TG_DIMS(2), TG_I64);
    assert_null(tg_nn_apply_batch_norm(good, &norm, true));
    assert_error(tape, TG_EVALUE, "num_batches_tracked is not one int64");
    norm.num_batches_tracked = tg_zeros(tape, TG_SCALAR, 0);
    assert_null(tg_nn_apply_batch_norm(good, &norm, true));
    assert_error(tape, TG_EVALUE, "num_batches_tracked is not one int64");
    tg_tape_free(tape);
}

/* The plateau of a metric that is to grow, by a part and by a difference. */
static tg_tensor *itself(tg_tensor *const *in, size_t n, void *context)
{
    (void)n;
    (void)context;
    return in[0];
}

/* Lists that are not there, or of nothing; tensors that are gone. */
static void nothing(void **state)
{
    (void)state;
    tg_tape *tape = tg_tape_new(NULL), *other = tg_tape_new(NULL);
    tg_tensor *a = tg_ones(tape, TG_DIMS(3), 0), *b = tg_zeros(tape, TG_DIMS(3), 0);
    tg_mark mark = tg_tape_mark(other);
    tg_tensor *gone = tg_ones(other, TG_DIMS(3), 0);
    tg_batches *no_batches = tg_batches_new(other, 4, 2, NULL);
    tg_tape_rewind(other, mark);
    assert_int_equal(tg_ema_update(NULL, &b, 1, 0.5), TG_EVALUE);
    assert_int_equal(tg_ema_update(&a, NULL, 1, 0.5), TG_EVALUE);
    assert_int_equal(tg_ema_update(&a, &b, (size_t)INT_MAX + 1, 0.5), TG_EVALUE);
    assert_int_equal(tg_ema_update(NULL, NULL, 0, 0.5), TG_OK);
    assert_int_equal(tg_ema_update(&a, &b, 0, 0.5), TG_OK);
    assert_int_equal(tg_ema_swap(NULL, NULL, 0), TG_OK);
    assert_int_equal(tg_ema_swap(&a, NULL, 1), TG_EVALUE);
    assert_int_equal(tg_clip_grad_value(NULL, 1, 1), TG_EVALUE);
    assert_int_equal(tg_clip_grad_value(&a, (size_t)INT_MAX + 1, 1), TG_EVALUE);
    assert_ok(tape);
    assert_int_equal(tg_ema_update(&gone, &b, 1, 0.5), TG_EVALUE);
    assert_error(other, TG_ESTATE, "ema_update: ");
    assert_ok(tape);
    assert_equal(tg_f32(a)[0], 1);
    assert_equal(tg_f32(b)[0], 0);
    assert_int_equal(tg_batches_read_scaled(NULL, a, TG_ARRAY_U8, a, NULL), TG_EVALUE);
    assert_int_equal(tg_batches_read_scaled(no_batches, a, TG_ARRAY_U8, a, NULL), TG_ESTATE);
    tg_clear_error(other);
    tg_tape_free(other);
    tg_tape_free(tape);
}

static void batches(void **state)
{
    (void)state;
    static const unsigned char bytes[8] = {1, 2, 3, 4, 5, 6, 7, 8};
    const double nan = (double)NAN, inf = (double)INFINITY;
    tg_tape *tape = tg_tape_new(NULL), *other = tg_tape_new(NULL);
    tg_batches *b = tg_batches_new(tape, 4, 2, NULL);
    tg_batches_start(b);
    tg_batches_next(b);
    tg_mark mark = tg_tape_mark(tape);
    tg_tensor *x = tg_zeros(tape, TG_DIMS(2, 2), 0), *alien = tg_zeros(other, TG_DIMS(2, 2), 0);
    tg_tensor *gone = tg_zeros(tape, TG_DIMS(2, 2), 0);
    const tg_scaling bad[] = {{.divisor = nan}, {.mean = inf},        {.std = -inf},
                              {.divisor = inf}, {.divisor = TG_ZERO}, {.std = TG_ZERO}};
    for (size_t i = 0; i < COUNT(bad); i++) {
        assert_int_equal(tg_batches_read_scaled(b, bytes, TG_ARRAY_U8, x, &bad[i]), TG_EVALUE);
        assert_error(tape, TG_EVALUE, "batches_read_scaled: divisor");
    }
    assert_int_equal(tg_batches_read_scaled(b, bytes, TG_ARRAY_U8, alien, NULL), TG_EVALUE);
    assert_error(tape, TG_EVALUE, "of another tape");
    assert_int_equal(tg_batches_read_scaled(b, bytes, TG_ARRAY_U8, NULL, NULL), TG_EVALUE);
    assert_error(tape, TG_EVALUE, "the tensor is NULL");
    tg_fail(tape, TG_EIO, "first");
    assert_int_equal(tg_batches_read_scaled(b, bytes, TG_ARRAY_U8, x, NULL), TG_EIO);
    assert_int_equal(tg_batches_narrow(b, 0, 1), TG_EIO);
    tg_clear_error(tape);
    const int64_t long_row[] = {2, PTRDIFF_MAX / 20};
    tg_tensor *large = tg_from_blob(tape, &x, 2, long_row, TG_BOOL); /* which nobody looks at */
    assert_int_equal(tg_batches_read(b, bytes, large), TG_ESHAPE);
    assert_error(tape, TG_ESHAPE, "batches_read: 4 rows as those of");
    assert_int_equal(tg_batches_read_scaled(b, bytes, TG_ARRAY_U8, x, NULL), TG_OK);
    assert_equal(tg_f32(x)[3], 4);
    tg_tape_rewind(tape, mark);
    assert_int_equal(tg_batches_read_scaled(b, bytes, TG_ARRAY_U8, gone, NULL), TG_ESTATE);
    assert_error(tape, TG_ESTATE, "batches_read_scaled: ");
    tg_tape_free(other);
    tg_tape_free(tape);
}

/* A constant gradient moves as far in every step, however many there were: beyond 437 of them the product of
 * NAdam's momenta is 0. And optimisers of three groups. */
static void many_steps(void **state)
{
    (void)state;
    tg_tape *tape = tg_tape_new(NULL);
    tg_tensor *x[4], *loss = NULL;
    for (int i = 0; i < 4; i++)
        x[i] = tg_zeros(tape, TG_DIMS(2), TG_F64 | TG_REQUIRES_GRAD);
    tg_optim *optim = tg_nadam(tape, x, 1, &(tg_nadam_opts){.lr = 0.01});
    for (int i = 1; i < 4; i++)
        assert_int_equal(tg_optim_add_group(optim, &x[i], 1, 0.01 * (i + 1)), TG_OK);
    for (int i = 0; i < 4; i++)
        loss = loss ? tg_add(loss, tg_sum(x[i])) : tg_sum(x[i]);
    assert_int_equal(tg_backward(loss), TG_OK);
    for (int i = 0; i < 500; i++)
        assert_int_equal(tg_optim_step(optim), TG_OK);
    for (int i = 0; i < 4; i++)
        assert_near(tg_f64(x[i])[1], -5 * (i + 1), 0.05 * (i + 1));
    tg_tape_free(tape);
}

/* Rows -1 and 1 of the padding; rows of nothing. */
static void padding(void **state)
{
    (void)state;
    tg_tape *tape = tg_tape_new(NULL);
    tg_params *list = tg_params_new(tape);
    for (int64_t row = -1; row < 2; row += 2) {
        for (int64_t columns = 0; columns < 3; columns += 2) {
            const tg_nn_embedding_opts opts = {.has_padding_idx = true, .padding_idx = row};
            tg_embedding_layer e =
                tg_nn_embedding(list, 3, columns, &opts, "e%d%d", (int)row, (int)columns);
            assert_ok(tape);
            assert_int_equal(tg_size(e.weight, 1), columns);
            for (int64_t i = 0; i < 3 * columns; i++)
                assert_int_equal(tg_f32(e.weight)[i] == 0, i / columns == (row + 3) % 3);
        }
    }
    tg_batch_norm_layer norm = tg_nn_batch_norm(list, 2, NULL, "norm");
    norm.num_batches_tracked = NULL;
    tg_tensor *x = tg_rand(tape, TG_DIMS(3, 2), 0);
    tg_mark mark = tg_tape_mark(tape);
    tg_tensor *gone = tg_zeros(tape, TG_DIMS(1), TG_I64);
    tg_tape_rewind(tape, mark);
    tg_batch_norm_layer dead = norm;
    dead.num_batches_tracked = gone;
    assert_null(tg_nn_apply_batch_norm(x, &dead, true));
    assert_error(tape, TG_ESTATE, "nn_apply_batch_norm: ");
    tg_tensor *y = tg_nn_apply_batch_norm(x, &norm, true);
    assert_true(y && !tg_error(tape)); /* without a counter there is nothing to count */
    tg_tape_free(tape);
}

/* gradcheck's own arguments. */
static tg_tensor *constant_upstream(tg_tensor *const *in, size_t n, void *context);

static void checks(void **state)
{
    (void)state;
    tg_tape *tape = tg_tape_new(NULL), *other = tg_tape_new(NULL);
    tg_tensor *x = tg_ones(tape, TG_DIMS(2, 2), TG_F64 | TG_REQUIRES_GRAD);
    tg_tensor *alien = tg_ones(other, TG_DIMS(2), TG_F64), *t = tg_transpose(x, 0, 1);
    tg_tensor *narrow = tg_ones(tape, TG_DIMS(2), TG_REQUIRES_GRAD);
    assert_int_equal(tg_gradcheck(itself, NULL, (tg_tensor *[]){x, alien}, 2, NULL), TG_EVALUE);
    assert_error(tape, TG_EVALUE, "gradcheck: input 1 is of another tape");
    assert_int_equal(tg_gradcheck(itself, NULL, (tg_tensor *[]){x, t}, 2, NULL), TG_EDTYPE);
    assert_error(tape, TG_EDTYPE, "gradcheck: input 1 is float64, wanted contiguous float64");
    assert_int_equal(tg_gradcheck(itself, NULL, (tg_tensor *[]){x, narrow}, 2, NULL), TG_EDTYPE);
    assert_error(tape, TG_EDTYPE, "gradcheck: input 1 is float32");
    assert_int_equal(tg_gradcheck(itself, NULL, &x, SIZE_MAX / 4, NULL), TG_EVALUE);
    assert_error(tape, TG_EVALUE, "gradcheck: ");
    assert_int_equal(tg_gradcheck(itself, NULL, (tg_tensor *[]){x, NULL}, 2, NULL), TG_OK);
    const tg_gradcheck_opts second = {.second_order = true};
    assert_int_equal(tg_gradcheck(constant_upstream, NULL, &x, 1, &second), TG_EVALUE);
    assert_error(tape, TG_EVALUE, "gradcheck: upstream gradient of input 1 [2, 2], element 0");
    assert_null(tg_hvp(NULL, x, x, NULL));
    assert_error(tape, TG_EVALUE, "hvp: input 0 is NULL");
    tg_tape_free(other);
    tg_tape_free(tape);
}

/* x^2 / 2, of which a gradient of the gradient does not go through the one that came. */
static void half_square_forward(tg_node *node)
{
    const double *x = tg_f64(node->in[0]);
    double *y = tg_out_data(node);
    for (int64_t i = 0; i < tg_numel(node->out); i++)
        y[i] = x[i] * x[i] / 2;
}

static void half_square_backward(tg_node *node, tg_tensor *grad_out, tg_tensor **grad_in)
{
    grad_in[0] = tg_mul(tg_detach(grad_out), node->in[0]);
}

static tg_tensor *constant_upstream(tg_tensor *const *in, size_t n, void *context)
{
    static const tg_op op = {
        "half_square", half_square_forward, half_square_backward, {TG_READS_IN(0)}};
    (void)n;
    (void)context;
    return tg_apply(&(tg_call){.op = &op,
                               .n_in = 1,
                               .in = in,
                               .dtype = TG_F64,
                               .ndim = tg_ndim(in[0]),
                               .dims = tg_sizes(in[0])});
}

static void plateaus(void **state)
{
    (void)state;
    /* A step that is too small to matter is not taken: 1e-8, as PyTorch has it. */
    const double rates[] = {1.111e-8, 1.1112e-8};
    for (int i = 0; i < 2; i++) {
        tg_plateau seen = {0};
        const tg_plateau_opts o = {.patience = TG_ZERO};
        assert_equal(tg_lr_plateau(rates[i], 1, &seen, &o), rates[i]);
        double lr = tg_lr_plateau(rates[i], 1, &seen, &o);
        assert_equal(lr, i ? rates[i] * 0.1 : rates[i]);
    }
    for (int absolute = 0; absolute < 2; absolute++) {
        tg_plateau seen = {0};
        tg_plateau_opts o = {
            .maximize = true, .absolute = absolute, .threshold = 0.1, .patience = TG_ZERO};
        assert_equal(tg_lr_plateau(1, 10, &seen, &o), 1);
        assert_equal(tg_lr_plateau(1, 12, &seen, &o), 1);
        assert_near(tg_lr_plateau(1, 12.05, &seen, &o), 0.1, 1e-15);
        assert_near(tg_lr_plateau(1, 12.5, &seen, &o), absolute ? 1 : 0.1, 1e-15);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(options),    cmocka_unit_test(averages), cmocka_unit_test(layers),
        cmocka_unit_test(plateaus),   cmocka_unit_test(nothing),  cmocka_unit_test(batches),
        cmocka_unit_test(many_steps), cmocka_unit_test(padding),  cmocka_unit_test(checks)};
    return cmocka_run_group_tests_name("errors of training", tests, NULL, NULL);
}

/* Options of optimisers, averages and layers that are out of their ranges: each is refused by name. And optimisers by
 * their defaults, without options. */
#include "check.h"
#include "support.h"

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
static void plateaus(void **state)
{
    (void)state;
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
    const struct CMUnitTest tests[] = {cmocka_unit_test(options), cmocka_unit_test(averages),
                                       cmocka_unit_test(layers), cmocka_unit_test(plateaus)};
    return cmocka_run_group_tests_name("errors of training", tests, NULL, NULL);
}

/* TG_ZERO: 0 where 0 itself means the default, in every option of every function that has such. */
#include "check.h"
#include "support.h"

static const tg_adam_opts no_decay = {.lr = 0.5,
                                      .weight_decay = TG_ZERO}; /* a constant expression */

static tg_tensor *row(tg_tape *tape, double a, double b, int flags)
{
    return tg_from_f64(tape, (double[]){a, b}, TG_DIMS(1, 2), flags);
}

/* What is left of 2 after steps with the gradients 3 and -4. */
static double after_two_steps(tg_tape *tape, tg_optim *optim, tg_tensor *w)
{
    for (int i = 0; i < 2; i++) {
        tg_optim_zero_grad(optim);
        assert_int_equal(tg_backward(tg_mul_scalar(w, i ? -4 : 3)), TG_OK);
        assert_int_equal(tg_optim_step(optim), TG_OK);
    }
    assert_ok(tape);
    return tg_item(w);
}

#define AFTER(make, type, ...)                                                                     \
    (w = tg_full(tape, TG_SCALAR, 2, TG_F64 | TG_REQUIRES_GRAD),                                   \
     after_two_steps(tape, make(tape, &w, 1, &(type){__VA_ARGS__}), w))

static void rates(void **state)
{
    (void)state;
    tg_tape *tape = tg_tape_new(NULL);
    tg_tensor *w;
    assert_equal(AFTER(tg_sgd, tg_sgd_opts, .lr = TG_ZERO), 2);
    assert_equal(AFTER(tg_adam, tg_adam_opts, .lr = TG_ZERO), 2);
    assert_equal(AFTER(tg_adamw, tg_adam_opts, .lr = TG_ZERO), 2);
    assert_equal(AFTER(tg_rmsprop, tg_rmsprop_opts, .lr = TG_ZERO), 2);
    assert_equal(AFTER(tg_adagrad, tg_adagrad_opts, .lr = TG_ZERO), 2);
    assert_equal(AFTER(tg_nadam, tg_nadam_opts, .lr = TG_ZERO), 2);
    assert_equal(AFTER(tg_radam, tg_radam_opts, .lr = TG_ZERO), 2);
    assert_equal(AFTER(tg_adamax, tg_adamax_opts, .lr = TG_ZERO), 2);
    assert_equal(AFTER(tg_adadelta, tg_adadelta_opts, .lr = TG_ZERO), 2);
    tg_optim *optim = tg_sgd(tape, &w, 1, &(tg_sgd_opts){.lr = TG_ZERO});
    assert_true(tg_optim_lr(optim, 0) == 0 && !signbit(tg_optim_lr(optim, 0)));
    /* Nothing else that is negative, and nothing where 0 is 0 anyway. */
    assert_null(tg_sgd(tape, &w, 1, &(tg_sgd_opts){.lr = TG_ZERO * 2}));
    assert_error(tape, TG_EVALUE, "sgd: lr -4.45");
    assert_null(tg_sgd(tape, &w, 1, &(tg_sgd_opts){.lr = TG_ZERO / 2}));
    assert_error(tape, TG_EVALUE, "sgd: lr -1.11");
    tg_optim_set_lr(optim, TG_ZERO);
    assert_error(tape, TG_EVALUE, "optim_set_lr: lr -2.22");
    tg_tape_free(tape);
}

static void optimisers(void **state)
{
    (void)state;
    tg_tape *tape = tg_tape_new(NULL);
    tg_tensor *w;
    assert_equal(AFTER(tg_sgd, tg_sgd_opts, .lr = 0.5, .momentum = TG_ZERO, .dampening = TG_ZERO,
                       .weight_decay = TG_ZERO),
                 2.5);
    assert_equal(AFTER(tg_sgd, tg_sgd_opts, .lr = 0.5, .momentum = 1, .dampening = TG_ZERO,
                       .nesterov = true),
                 2 - 0.5 * 6 + 0.5 * 5);
    /* Without memory and without eps each step is lr in the direction of the sign. */
    assert_equal(AFTER(tg_adam, tg_adam_opts, .lr = 0.5, .beta1 = TG_ZERO, .beta2 = TG_ZERO,
                       .eps = TG_ZERO, .weight_decay = TG_ZERO),
                 2);
    assert_equal(AFTER(tg_rmsprop, tg_rmsprop_opts, .lr = 0.5, .alpha = TG_ZERO, .eps = TG_ZERO,
                       .weight_decay = TG_ZERO, .momentum = TG_ZERO),
                 2);
    assert_equal(AFTER(tg_adagrad, tg_adagrad_opts, .lr = 0.5, .lr_decay = TG_ZERO,
                       .weight_decay = TG_ZERO, .initial_accumulator_value = TG_ZERO,
                       .eps = TG_ZERO),
                 2 - 0.5 + 0.5 * 4 / 5);
    /* AdamW's weight decay, from which a gradient of 0 does not protect. */
    w = tg_ones(tape, TG_SCALAR, TG_REQUIRES_GRAD);
    tg_optim *optim = tg_adamw(tape, &w, 1, &no_decay);
    tg_backward(tg_mul_scalar(w, 0));
    tg_optim_step(optim);
    assert_equal(tg_item(w), 1);
    tg_tape_free(tape);
}

static void norms(void **state)
{
    (void)state;
    tg_tape *tape = tg_tape_new(NULL);
    tg_tensor *x = row(tape, 0, 2, 0), *y = tg_layer_norm(x, TG_DIMS(2), NULL, NULL, TG_ZERO);
    assert_true(tg_f64(y)[0] == -1 && tg_f64(y)[1] == 1);
    y = tg_layer_norm(row(tape, 7, 7, 0), TG_DIMS(2), NULL, NULL, TG_ZERO);
    assert_true(isnan(tg_f64(y)[0])); /* as by PyTorch */
    tg_tensor *mean = tg_zeros(tape, TG_DIMS(1), TG_F64), *var = tg_ones(tape, TG_DIMS(1), TG_F64);
    y = tg_batch_norm(tg_transpose(x, 0, 1), &(tg_batch_norm_opts){.running_mean = mean,
                                                                   .running_var = var,
                                                                   .momentum = TG_ZERO,
                                                                   .eps = TG_ZERO,
                                                                   .training = true});
    assert_true(tg_item(tg_narrow(y, 0, 0, 1)) == -1 && tg_item(tg_narrow(y, 0, 1, 1)) == 1);
    assert_true(tg_item(mean) == 0 && tg_item(var) == 1);
    tg_tape_free(tape);
}

static void losses_and_layers(void **state)
{
    (void)state;
    tg_tape *tape = tg_tape_new(NULL);
    tg_tensor *x = row(tape, 1, 5, 0), *t = tg_zeros(tape, TG_DIMS(1), TG_I64);
    tg_tensor *w = tensor_from(tape, (double[]){1, 2, 3, 4}, TG_DIMS(2, 2), TG_F64);
    tg_ce_opts none = {.label_smoothing = TG_ZERO};
    assert_equal(tg_item(tg_cross_entropy(x, t, &none)), tg_item(tg_cross_entropy(x, t, NULL)));
    assert_equal(tg_item(tg_linear_cross_entropy(x, w, NULL, t, &none)),
                 tg_item(tg_linear_cross_entropy(x, w, NULL, t, NULL)));
    tg_tensor *y = tg_scaled_dot_product_attention(x, w, w, &(tg_attention_opts){.scale = TG_ZERO});
    assert_true(tg_f64(y)[0] == 2 && tg_f64(y)[1] == 3); /* all attend to all alike */
    assert_ok(tape);
    tg_tape_free(tape);
}

static void initialisers(void **state)
{
    (void)state;
    tg_tape *tape = tg_tape_new(NULL);
    tg_tensor *w = tg_ones(tape, TG_DIMS(2, 3), 0), *v = tg_ones(tape, TG_DIMS(2, 3), 0);
    tg_xavier_uniform_(w, TG_ZERO);
    tg_xavier_normal_(v, TG_ZERO);
    for (int i = 0; i < 6; i++)
        assert_true(tg_f32(w)[i] == 0 && tg_f32(v)[i] == 0);
    tg_manual_seed(tape, 1);
    tg_kaiming_uniform_(w, &(tg_kaiming_opts){.a = TG_ZERO});
    tg_manual_seed(tape, 1);
    tg_kaiming_uniform_(v, NULL);
    assert_true(tensors_same(w, v));
    assert_ok(tape);
    tg_tape_free(tape);
}

static tg_tensor *exponential(tg_tensor *const *in, size_t n, void *context)
{
    (void)n, (void)context;
    return tg_exp(in[0]);
}

static void others(void **state)
{
    (void)state;
    tg_tape *tape = tg_tape_new(NULL);
    tg_tensor *x = row(tape, 1, 2, TG_REQUIRES_GRAD);
    assert_int_equal(tg_gradcheck(exponential, NULL, &x, 1, NULL), TG_OK);
    tg_gradcheck_opts exact = {.atol = TG_ZERO, .rtol = TG_ZERO};
    assert_int_equal(tg_gradcheck(exponential, NULL, &x, 1, &exact), TG_EVALUE);
    tg_clear_error(tape);
    tg_backward(tg_sum(x));
    assert_true(isnan(tg_clip_grad_norm(&x, 1, 1, TG_ZERO)));
    assert_error(tape, TG_EVALUE, "clip_grad_norm: norm_type 0 is not > 0");
    tg_one_cycle_opts cycle = {.max_lr = TG_ZERO, .total_steps = 10};
    assert_equal(tg_lr_one_cycle(3, &cycle), 0);
    cycle = (tg_one_cycle_opts){.max_lr = 1, .total_steps = 10, .pct_start = TG_ZERO};
    assert_true(isnan(tg_lr_one_cycle(3, &cycle)));
    tg_tape_free(tape);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(rates),        cmocka_unit_test(optimisers),
        cmocka_unit_test(norms),        cmocka_unit_test(losses_and_layers),
        cmocka_unit_test(initialisers), cmocka_unit_test(others),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

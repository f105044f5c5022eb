/* SGD: the update against its formula, bit for bit, over every option; which parameters it
 * takes, and what it keeps. Golden values are PyTorch's own formula (torch.optim.SGD), whose
 * fused steps are written out here. */
#include "check.h"
#include "support.h"

static const tg_sgd_opts options[] = {
    {0},
    {.lr = 0.1},
    {.lr = 0.1, .weight_decay = 0.01},
    {.lr = 0.1, .maximize = true},
    {.lr = 0.1, .momentum = 0.9},
    {.lr = 0.1, .momentum = 0.9, .dampening = 0.3},
    {.lr = 0.1, .momentum = 0.9, .nesterov = true},
    {.lr = 0.1, .momentum = 0.9, .dampening = 0.3, .weight_decay = 0.01, .maximize = true},
    {.lr = 0.1, .momentum = 0.9, .weight_decay = 0.01, .nesterov = true, .maximize = true},
};

enum { OPTIONS = sizeof options / sizeof *options, SIZE = 5, STEPS = 4 };

static double gradient_at(int step, int i)
{
    return sin(1 + step * 7.0 + i * 3.0);
}

#define REFERENCE(T, FMA)                                                                          \
    static void reference_##T(const tg_sgd_opts *o, T *p, T *buffer, int step)                     \
    {                                                                                              \
        T lr = (T)(o->lr > 0 ? o->lr : 1e-3), momentum = (T)o->momentum;                           \
        for (int i = 0; i < SIZE; i++) {                                                           \
            T d = (T)gradient_at(step, i);                                                         \
            d = o->maximize ? -d : d;                                                              \
            d = o->weight_decay > 0 ? FMA(p[i], (T)o->weight_decay, d) : d;                        \
            if (o->momentum > 0) {                                                                 \
                T product = buffer[i] * momentum;                                                  \
                buffer[i] = step ? FMA(d, (T)(1 - o->dampening), product) : d;                     \
                d = o->nesterov ? FMA(buffer[i], momentum, d) : buffer[i];                         \
            }                                                                                      \
            p[i] = FMA(d, -lr, p[i]);                                                              \
        }                                                                                          \
    }

REFERENCE(float, fmaf)
REFERENCE(double, fma)

/* A backward pass that gives the parameter gradient_at(step). */
static void give_gradient(tg_tensor *w, int step)
{
    double g[SIZE];
    for (int i = 0; i < SIZE; i++)
        g[i] = gradient_at(step, i);
    tg_tensor *upstream = tensor_from(tg_tape_of(w), g, TG_DIMS(SIZE), tg_dtype(w));
    tg_zero_grad(w);
    assert_int_equal(tg_backward_with(w, upstream, NULL), TG_OK);
}

static void update_f32(void **state)
{
    (void)state;
    for (int k = 0; k < OPTIONS; k++) {
        tg_tape *tape = tg_tape_new(NULL);
        float p[SIZE] = {1, -2, 0.3f, 4, 1e-3f}, buffer[SIZE] = {0};
        tg_tensor *w = tg_from_f32(tape, p, TG_DIMS(SIZE), TG_REQUIRES_GRAD);
        tg_optim *optim = tg_sgd(tape, &w, 1, &options[k]);
        for (int step = 0; step < STEPS; step++) {
            give_gradient(w, step);
            assert_int_equal(tg_optim_step(optim), TG_OK);
            reference_float(&options[k], p, buffer, step);
            assert_memory_equal(tg_f32(w), p, sizeof p);
        }
        tg_tape_free(tape);
    }
}

static void update_f64(void **state)
{
    (void)state;
    for (int k = 0; k < OPTIONS; k++) {
        tg_tape *tape = tg_tape_new(NULL);
        double p[SIZE] = {1, -2, 0.3, 4, 1e-3}, buffer[SIZE] = {0};
        tg_tensor *w = tg_from_f64(tape, p, TG_DIMS(SIZE), TG_REQUIRES_GRAD);
        tg_optim *optim = tg_sgd(tape, &w, 1, &options[k]);
        for (int step = 0; step < STEPS; step++) {
            give_gradient(w, step);
            assert_int_equal(tg_optim_step(optim), TG_OK);
            reference_double(&options[k], p, buffer, step);
            assert_memory_equal(tg_f64(w), p, sizeof p);
        }
        tg_tape_free(tape);
    }
}

/* Without a gradient a parameter stays, and its momentum too: its first step is still to come. */
static void skips_without_gradient(void **state)
{
    (void)state;
    tg_tape *tape = tg_tape_new(NULL);
    tg_tensor *a = tg_ones(tape, TG_SCALAR, TG_F64 | TG_REQUIRES_GRAD);
    tg_tensor *b = tg_ones(tape, TG_SCALAR, TG_F64 | TG_REQUIRES_GRAD);
    tg_tensor *plain = tg_ones(tape, TG_SCALAR, TG_F64);
    const tg_sgd_opts opts = {.lr = 1, .momentum = 0.5, .dampening = 0.5, .weight_decay = 0.5};
    tg_optim *optim = tg_sgd(tape, (tg_tensor *[]){a, b, plain}, 3, &opts);
    assert_int_equal(tg_optim_step(optim), TG_OK);
    assert_equal(tg_item(a), 1);
    assert_int_equal(tg_backward(a), TG_OK);
    assert_int_equal(tg_optim_step(optim), TG_OK);
    assert_equal(tg_item(a), 1 - 1.5);
    assert_equal(tg_item(b), 1);
    assert_equal(tg_item(plain), 1);
    tg_optim_zero_grad(optim);
    assert_null(tg_grad(a));
    assert_int_equal(tg_backward(b), TG_OK);
    assert_int_equal(tg_optim_step(optim), TG_OK);
    assert_equal(tg_item(a), -0.5);
    assert_equal(tg_item(b), 1 - 1.5); /* no dampening in a first step */
    tg_optim_zero_grad(optim);
    assert_int_equal(tg_backward(a), TG_OK);
    assert_int_equal(tg_optim_step(optim), TG_OK);
    assert_equal(tg_item(a), -0.5 - (0.5 * 1.5 + 0.5 * (1 + 0.5 * -0.5)));
    tg_tape_free(tape);
}

static void learning_rate(void **state)
{
    (void)state;
    tg_tape *tape = tg_tape_new(NULL);
    tg_tensor *w = tg_ones(tape, TG_SCALAR, TG_F64 | TG_REQUIRES_GRAD);
    tg_optim *optim = tg_sgd(tape, &w, 1, NULL);
    assert_int_equal(tg_backward(w), TG_OK);
    assert_int_equal(tg_optim_step(optim), TG_OK);
    assert_equal(tg_item(w), fma(1, -1e-3, 1));
    tg_optim_set_lr(optim, 0);
    assert_int_equal(tg_optim_step(optim), TG_OK);
    assert_equal(tg_item(w), fma(1, -1e-3, 1));
    tg_optim_set_lr(optim, -1);
    assert_error(tape, TG_EVALUE, "optim_set_lr: lr -1");
    tg_optim_set_lr(optim, (double)NAN);
    assert_error(tape, TG_EVALUE, "optim_set_lr: lr");
    assert_int_equal(tg_optim_step(optim), TG_OK); /* still 0 */
    assert_equal(tg_item(w), fma(1, -1e-3, 1));
    tg_optim_set_lr(optim, 0.25);
    assert_int_equal(tg_optim_step(optim), TG_OK);
    assert_equal(tg_item(w), fma(1, -0.25, fma(1, -1e-3, 1)));
    tg_tape_free(tape);
}

/* Views of a parameter see the step, and the step leaves nothing on the tape. */
static void in_place(void **state)
{
    (void)state;
    tg_tape *tape = tg_tape_new(NULL);
    tg_tensor *w = tg_ones(tape, TG_DIMS(2, 3), TG_REQUIRES_GRAD), *view = tg_detach(w);
    tg_optim *optim = tg_sgd(tape, &w, 1, &(tg_sgd_opts){.lr = 0.5});
    const float *data = tg_f32(w);
    assert_int_equal(tg_backward(tg_sum(w)), TG_OK);
    tg_mark before = tg_tape_mark(tape);
    assert_int_equal(tg_optim_step(optim), TG_OK);
    assert_true(marks_equal(before, tg_tape_mark(tape)));
    assert_ptr_equal(tg_f32(w), data);
    assert_equal(tg_f32(view)[5], 0.5);
    assert_non_null(tg_grad(w)); /* stays until it is dropped */
    tg_tape_free(tape);
}

/* A step does nothing while an error is set. */
static void under_an_error(void **state)
{
    (void)state;
    tg_tape *tape = tg_tape_new(NULL);
    tg_tensor *w = tg_ones(tape, TG_DIMS(3), TG_REQUIRES_GRAD);
    tg_optim *optim = tg_sgd(tape, &w, 1, NULL);
    assert_int_equal(tg_backward(tg_sum(w)), TG_OK);
    assert_null(tg_reshape(w, TG_DIMS(4)));
    assert_int_equal(tg_optim_step(optim), TG_ESHAPE);
    assert_equal(tg_f32(w)[0], 1);
    tg_clear_error(tape);
    assert_int_equal(tg_optim_step(optim), TG_OK);
    assert_true(tg_f32(w)[0] < 1);
    tg_tape_free(tape);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(update_f32),
        cmocka_unit_test(update_f64),
        cmocka_unit_test(skips_without_gradient),
        cmocka_unit_test(learning_rate),
        cmocka_unit_test(in_place),
        cmocka_unit_test(under_an_error),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

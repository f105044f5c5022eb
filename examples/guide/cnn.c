/* A convolutional network with batch_norm and dropout, which are told whether they train: does a
 * picture of 12 x 12 noisy pixels have an upright bar, a lying one, or a cross? */
#include <tinygrad.h>

enum { SIDE = 12, CLASSES = 3, CHANNELS = 8, BATCH = 64, FLAT = CHANNELS * SIDE * SIDE / 4 };

typedef struct model {
    tg_params *list;
    tg_conv_layer conv;
    tg_batch_norm_layer norm;
    tg_linear_layer out;
} model;

static model make_model(tg_tape *tape)
{
    model m = {.list = tg_params_new(tape)};
    m.conv =
        tg_nn_conv2d(m.list, 1, CHANNELS, 3, &(tg_nn_conv_opts){.conv.padding = {1, 1}}, "conv");
    m.norm = tg_nn_batch_norm(m.list, CHANNELS, NULL, "norm");
    m.out = tg_nn_linear(m.list, FLAT, CLASSES, NULL, "out");
    return m;
}

static tg_tensor *forward(const model *m, tg_tensor *x, bool training)
{
    x = tg_relu(tg_nn_apply_batch_norm(tg_nn_apply_conv(x, &m->conv), &m->norm, training));
    x = tg_flatten(tg_max_pool2d(x, &(tg_pool_opts){.kernel = {2, 2}}), 1, 3);
    return tg_nn_apply_linear(tg_dropout(x, 0.25, training), &m->out);
}

/* Draws pictures over x (BATCH, 1, SIDE, SIDE), which has noise, and their classes to y. */
static void draw(tg_tensor *x, tg_tensor *y, unsigned *state)
{
    float *pixels = tg_data_mut(x);
    int64_t *classes = tg_data_mut(y);
    for (int i = 0; i < BATCH && pixels && classes; i++) {
        unsigned random = *state = *state * 1664525U + 1013904223U;
        int at = (int)(random >> 8) % SIDE, across = (int)(random >> 16) % SIDE;
        classes[i] = (int)(random >> 24) % CLASSES;
        for (int k = 0; k < SIDE; k++) {
            pixels[i * SIDE * SIDE + k * SIDE + at] += classes[i] != 1 ? 3.0F : 0;
            pixels[i * SIDE * SIDE + across * SIDE + k] += classes[i] != 0 ? 3.0F : 0;
        }
    }
}

static double accuracy(const model *m, tg_tensor *x, tg_tensor *y)
{
    bool before = tg_set_grad_enabled(tg_tape_of(x), false);
    tg_tensor *right = tg_eq(tg_argmax_dim(forward(m, x, false), 1, false), y);
    tg_set_grad_enabled(tg_tape_of(x), before);
    return tg_item(tg_mean(tg_to(right, TG_F64)));
}

int main(void)
{
    tg_tape *tape = tg_tape_new(NULL);
    tg_manual_seed(tape, 1);
    model m = make_model(tape);
    tg_tensor *x = tg_zeros(tape, TG_DIMS(BATCH, 1, SIDE, SIDE), 0);
    tg_tensor *y = tg_zeros(tape, TG_DIMS(BATCH), TG_I64);
    tg_optim *optim = tg_adamw(tape, tg_params_unique(m.list), tg_params_unique_count(m.list),
                               &(tg_adam_opts){.lr = 1e-2});
    tg_mark start = tg_tape_mark(tape);
    unsigned state = 1;
    for (int step = 1; step <= 150 && !tg_error(tape); step++) {
        tg_tape_rewind(tape, start);
        tg_normal_(x, 0, 1);
        draw(x, y, &state);
        if (step % 50 == 0)
            printf("step %3d  accuracy on new pictures %.2f\n", step, accuracy(&m, x, y));
        tg_optim_zero_grad(optim);
        tg_backward(tg_cross_entropy(forward(&m, x, true), y, NULL));
        tg_optim_step(optim);
    }
    int failed = tg_error(tape) != TG_OK;
    if (failed)
        fprintf(stderr, "%s\n", tg_error_message(tape));
    tg_tape_free(tape);
    return failed;
}

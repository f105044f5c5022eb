/* See clothes.h. */
#include "clothes.h"

enum { HIDDEN = 128, CHANNELS1 = 16, CHANNELS2 = 32 };
enum { PIXELS = FASHION_SIDE * FASHION_SIDE, FLAT = CHANNELS2 * PIXELS / 16 };

clothes clothes_make(tg_params *list, bool conv)
{
    const tg_nn_conv_opts same = {.conv.padding = {1, 1}}; /* it keeps the size */
    clothes m = {.fc1.weight = NULL};
    if (conv) {
        m.conv1 = tg_nn_conv2d(list, 1, CHANNELS1, 3, &same, "conv1");
        m.conv2 = tg_nn_conv2d(list, CHANNELS1, CHANNELS2, 3, &same, "conv2");
    } else {
        m.fc1 = tg_nn_linear(list, PIXELS, HIDDEN, NULL, "fc1");
    }
    m.fc2 = tg_nn_linear(list, conv ? FLAT : HIDDEN, FASHION_CLASSES, NULL, "fc2");
    return m;
}

/* A convolution, and half of its size. */
static tg_tensor *convolve(tg_tensor *x, const tg_conv_layer *l)
{
    const tg_pool_opts half = {.kernel = {2, 2}};
    return tg_max_pool2d(tg_relu(tg_nn_apply_conv(x, l)), &half);
}

tg_tensor *clothes_forward(const void *model, tg_tensor *x)
{
    const clothes *m = model;
    if (m->fc1.weight)
        return tg_nn_apply_linear(tg_relu(tg_nn_apply_linear(tg_flatten(x, 1, 3), &m->fc1)),
                                  &m->fc2);
    x = convolve(convolve(x, &m->conv1), &m->conv2);
    return tg_nn_apply_linear(tg_flatten(x, 1, 3), &m->fc2);
}

double clothes_epoch(run *r, tg_tape *tape, step *s, const fashion_loader *l)
{
    int64_t seen = 0;
    double sum = 0;
    tg_batches_start(l->batches);
    while (tg_batches_next(l->batches)) {
        int64_t size = fashion_batch(l);
        sum += step_run(s, tape, size) * (double)size;
        run_progress(r, seen += size, l->set->n);
    }
    return sum / (double)l->set->n;
}

/* An autoencoder of Fashion-MNIST: 784 grey values through 16 numbers and back. Shows pictures of the test
 * set beside what comes back of them. Data: Debian's package dataset-fashion-mnist. */
#include "support/clothes.h"

#include <math.h>

enum { PIXELS = FASHION_SIDE * FASHION_SIDE, HIDDEN = 128, CODE = 16, BATCH = 100, SHOWN = 3 };

typedef struct model {
    tg_linear_layer in, code, out, pixels;
} model;

static model make_model(tg_params *list)
{
    model m;
    m.in = tg_nn_linear(list, PIXELS, HIDDEN, NULL, "encoder.0");
    m.code = tg_nn_linear(list, HIDDEN, CODE, NULL, "encoder.2");
    m.out = tg_nn_linear(list, CODE, HIDDEN, NULL, "decoder.0");
    m.pixels = tg_nn_linear(list, HIDDEN, PIXELS, NULL, "decoder.2");
    return m;
}

/* Pictures (n, 784) to raw outputs for each pixel, of which the sigmoid is its grey. */
static tg_tensor *forward(const model *m, tg_tensor *x)
{
    tg_tensor *code = tg_nn_apply_linear(tg_relu(tg_nn_apply_linear(x, &m->in)), &m->code);
    return tg_nn_apply_linear(tg_relu(tg_nn_apply_linear(code, &m->out)), &m->pixels);
}

static tg_tensor *loss_of(const model *m, tg_tensor *pictures)
{
    tg_tensor *x = tg_flatten(pictures, 1, 3);
    return tg_bce_with_logits_loss(forward(m, x), x, NULL);
}

typedef struct trainer {
    const model *model;
    tg_optim *optim;
    fashion_loader loader;
} trainer;

static tg_tensor *record(void *context, int64_t size)
{
    const trainer *t = context;
    tg_tensor *loss = loss_of(t->model, tg_narrow(t->loader.x, 0, 0, size));
    tg_optim_zero_grad(t->optim);
    tg_backward(loss);
    tg_optim_step(t->optim);
    return loss;
}

/* The mean loss on a set. */
static double test(const fashion_loader *l, tg_tape *tape, const model *m)
{
    double sum = 0;
    bool enabled = tg_set_grad_enabled(tape, false);
    tg_mark start = tg_tape_mark(tape);
    tg_batches_start(l->batches);
    while (tg_batches_next(l->batches)) {
        int64_t size = fashion_batch(l);
        sum += tg_item(loss_of(m, tg_narrow(l->x, 0, 0, size))) * (double)size;
        tg_tape_rewind(tape, start);
    }
    tg_set_grad_enabled(tape, enabled);
    return sum / (double)l->set->n;
}

/* One row of a picture; each second one of those, for letters are twice as high as wide. */
static void print_row(const float *pixels)
{
    for (int k = 0; k < FASHION_SIDE; k++)
        putchar(" .:-=+*#%@"[(int)(9.99F * pixels[k])]);
}

/* The first pictures of the set, and beside them what comes back. */
static void show(tg_tape *tape, const fashion *set, const model *m)
{
    int64_t n = set->n < SHOWN ? set->n : SHOWN;
    tg_tensor *x = tg_from_f32(tape, set->images, TG_DIMS(n, PIXELS), 0);
    const float *back = tg_f32(tg_sigmoid(forward(m, x)));
    for (int64_t i = 0; back && i < n * FASHION_SIDE; i += 2) {
        print_row(set->images + i * FASHION_SIDE);
        printf("  |  ");
        print_row(back + i * FASHION_SIDE);
        putchar('\n');
    }
}

static int teach(run *r, tg_tape *tape)
{
    fashion trainset, testset;
    if (!fashion_read(tape, &trainset, r->data, "train") ||
        !fashion_read(tape, &testset, r->data, "t10k"))
        return 1;
    tg_params *list = tg_params_new(tape);
    model m = make_model(list);
    tg_optim *optim = tg_adam(tape, tg_params_unique(list), tg_params_unique_count(list), NULL);
    trainer t = {&m, optim, fashion_loader_new(tape, &trainset, BATCH, true)};
    step s = {.record = record, .context = &t, .size = BATCH, .eager = r->eager};
    fashion_loader testing = fashion_loader_new(tape, &testset, BATCH, false);
    run_begin(r, tape, list, optim);
    while (run_next(r)) {
        tg_optim_set_lr(optim, tg_lr_cosine(r->lr, r->epoch - 1, r->epochs, 0));
        double loss = clothes_epoch(r, tape, &s, &t.loader);
        run_report(r, &(run_epoch){loss, test(&testing, tape, &m), (double)NAN, trainset.n});
    }
    run_save(r);
    tg_set_grad_enabled(tape, false);
    show(tape, &testset, &m);
    return run_finish(r);
}

int main(int argc, char **argv)
{
    run r = {.seed = 1, .epochs = 10, .lr = 2e-3};
    r.data = "/usr/share/datasets/fashion-mnist";
    int code = run_start(&r, argc, argv);
    if (code >= 0)
        return code;
    tg_tape *tape = tg_tape_new(NULL);
    tg_manual_seed(tape, r.seed);
    code = teach(&r, tape);
    tg_tape_free(tape);
    return code;
}

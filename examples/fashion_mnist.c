/* Fashion-MNIST: pictures of clothes, 28 x 28 in grey, of ten classes. Trains a network with one
 * hidden layer or, by --model conv, a small convolutional one, and tells its accuracy on the test
 * set after each epoch. Data: Debian's package dataset-fashion-mnist. */
#include "support/fashion.h"
#include "support/mistakes.h"
#include "support/model.h"
#include "support/run.h"
#include "support/step.h"

#include <tinygrad/io.h>

enum { HIDDEN = 128, CHANNELS1 = 16, CHANNELS2 = 32, BATCH = 100 };
enum { PIXELS = FASHION_SIDE * FASHION_SIDE, FLAT = CHANNELS2 * PIXELS / 16 };

typedef struct model {
    tg_conv_layer conv1, conv2; /* NULL: there are none */
    tg_linear_layer fc1, fc2;   /* the convolutional network has but the second */
} model;

static model make_model(tg_params *list, bool conv)
{
    const tg_nn_conv_opts same = {.conv.padding = {1, 1}}; /* it keeps the size */
    model m = {.fc1.weight = NULL};
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

/* x (n, 1, 28, 28) to the classes' raw outputs (n, 10). */
static tg_tensor *forward(const void *context, tg_tensor *x)
{
    const model *m = context;
    if (m->fc1.weight)
        return tg_nn_apply_linear(tg_relu(tg_nn_apply_linear(tg_flatten(x, 1, 3), &m->fc1)),
                                  &m->fc2);
    x = convolve(convolve(x, &m->conv1), &m->conv2);
    return tg_nn_apply_linear(tg_flatten(x, 1, 3), &m->fc2);
}

/* What a training step works with. */
typedef struct trainer {
    const model *model;
    tg_optim *optim;
    fashion_loader loader;
} trainer;

static tg_tensor *record(void *context, int64_t size)
{
    const trainer *t = context;
    tg_tensor *x = tg_narrow(t->loader.x, 0, 0, size), *y = tg_narrow(t->loader.y, 0, 0, size);
    tg_tensor *loss = tg_cross_entropy(forward(t->model, x), y, NULL);
    tg_optim_zero_grad(t->optim);
    tg_backward(loss);
    tg_optim_step(t->optim);
    return loss;
}

/* Goes once over the pictures in random order; returns the mean loss. */
static double train(run *r, tg_tape *tape, step *s, const fashion_loader *l)
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

static int teach(run *r, tg_tape *tape, bool conv)
{
    fashion trainset, testset;
    if (!fashion_read(tape, &trainset, r->data, "train") ||
        !fashion_read(tape, &testset, r->data, "t10k"))
        return 1;
    tg_params *list = tg_params_new(tape);
    model m = make_model(list, conv);
    tg_optim *optim = tg_adamw(tape, tg_params_unique(list), tg_params_unique_count(list), NULL);
    trainer t = {&m, optim, fashion_loader_new(tape, &trainset, BATCH, true)};
    step s = {.record = record, .context = &t, .size = BATCH, .eager = r->eager};
    fashion_loader testing = fashion_loader_new(tape, &testset, BATCH, false);
    run_begin(r, tape, list, optim);
    while (run_next(r)) {
        tg_optim_set_lr(optim, tg_lr_cosine(r->lr, r->epoch - 1, r->epochs, 0));
        double loss = train(r, tape, &s, &t.loader);
        fashion_score tested = fashion_test(&testing, tape, forward, &m);
        run_report(r, &(run_epoch){loss, tested.loss, tested.accuracy, trainset.n});
    }
    run_save(r);
    return run_finish(r);
}

/* --evaluate: of a checkpoint the parameters alone. */
static int evaluate(const run *r, tg_tape *tape, bool conv, const char *path)
{
    fashion set;
    if (!fashion_read(tape, &set, r->data, "t10k"))
        return 1;
    tg_params *list = tg_params_new(tape);
    model m = make_model(list, conv);
    if (!model_read(list, tape, path, r->program))
        return 1;
    fashion_loader testing = fashion_loader_new(tape, &set, BATCH, false);
    double right = fashion_test(&testing, tape, forward, &m).accuracy;
    if (!tg_error(tape))
        printf("accuracy %.2f%%\n", 100 * right);
    mistakes_print(&testing, tape, forward, &m);
    if (tg_error(tape))
        fprintf(stderr, "%s: %s\n", r->program, tg_error_message(tape));
    return tg_error(tape) ? 1 : 0;
}

int main(int argc, char **argv)
{
    const char *kind = "mlp", *saved = NULL;
    const run_option own[] = {{"model", "mlp or conv", .text = &kind},
                              {"evaluate",
                               "only test what --save wrote to this file, and show its mistakes",
                               .text = &saved}};
    run r = {.seed = 1, .epochs = 12, .lr = 2e-3, .own = own, .n_own = 2};
    r.data = "/usr/share/datasets/fashion-mnist";
    int code = run_start(&r, argc, argv);
    if (code >= 0)
        return code;
    int chosen = model_choice(kind, (const char *[]){"mlp", "conv"});
    if (chosen < 0)
        return 2;
    tg_tape *tape = tg_tape_new(NULL);
    tg_manual_seed(tape, r.seed);
    code = saved ? evaluate(&r, tape, chosen == 1, saved) : teach(&r, tape, chosen == 1);
    tg_tape_free(tape);
    return code;
}

/* Fashion-MNIST: pictures of clothes, 28 x 28 in grey, of ten classes. Trains a network with one
 * hidden layer or, by --model conv, a small convolutional one, and tells its accuracy on the test
 * set after each epoch. Data: Debian's package dataset-fashion-mnist. */
#include "support/fashion.h"
#include "support/model.h"
#include "support/run.h"

enum { HIDDEN = 128, CHANNELS1 = 16, CHANNELS2 = 32, BATCH = 100 };
enum { PIXELS = FASHION_SIDE * FASHION_SIDE, FLAT = CHANNELS2 * PIXELS / 16 };

typedef struct model {
    tg_tensor *k1, *c1, *k2, *c2; /* convolutions; NULL: there are none */
    tg_tensor *w1, *b1, *w2, *b2; /* linear layers; the convolutional net has but the second */
} model;

static model make_mlp(tg_tape *tape, tg_params *list)
{
    model m = {0};
    m.w1 = model_add(list, tape, "fc1.weight", TG_DIMS(HIDDEN, PIXELS));
    m.b1 = model_add(list, tape, "fc1.bias", TG_DIMS(HIDDEN));
    m.w2 = model_add(list, tape, "fc2.weight", TG_DIMS(FASHION_CLASSES, HIDDEN));
    m.b2 = model_add(list, tape, "fc2.bias", TG_DIMS(FASHION_CLASSES));
    tg_linear_init(m.w1, m.b1);
    tg_linear_init(m.w2, m.b2);
    return m;
}

static model make_conv(tg_tape *tape, tg_params *list)
{
    model m = {0};
    m.k1 = model_add(list, tape, "conv1.weight", TG_DIMS(CHANNELS1, 1, 3, 3));
    m.c1 = model_add(list, tape, "conv1.bias", TG_DIMS(CHANNELS1));
    m.k2 = model_add(list, tape, "conv2.weight", TG_DIMS(CHANNELS2, CHANNELS1, 3, 3));
    m.c2 = model_add(list, tape, "conv2.bias", TG_DIMS(CHANNELS2));
    m.w2 = model_add(list, tape, "fc.weight", TG_DIMS(FASHION_CLASSES, FLAT));
    m.b2 = model_add(list, tape, "fc.bias", TG_DIMS(FASHION_CLASSES));
    tg_conv_init(m.k1, m.c1);
    tg_conv_init(m.k2, m.c2);
    tg_linear_init(m.w2, m.b2);
    return m;
}

/* x (n, 1, 28, 28) to the classes' raw outputs (n, 10). */
static tg_tensor *forward(const model *m, tg_tensor *x)
{
    if (m->w1) {
        tg_tensor *hidden = tg_relu(tg_linear(tg_flatten(x, 1, 3), m->w1, m->b1));
        return tg_linear(hidden, m->w2, m->b2);
    }
    const tg_conv_opts same = {.padding = {1, 1}};
    const tg_pool_opts half = {.kernel = {2, 2}};
    x = tg_max_pool2d(tg_relu(tg_conv2d(x, m->k1, m->c1, &same)), &half);
    x = tg_max_pool2d(tg_relu(tg_conv2d(x, m->k2, m->c2, &same)), &half);
    return tg_linear(tg_flatten(x, 1, 3), m->w2, m->b2);
}

/* The mean loss of one epoch. */
static double train(tg_tape *tape, const model *m, tg_optim *optim, const fashion_loader *l,
                    tg_mark start)
{
    double sum = 0;
    int64_t seen = 0;
    tg_batches_start(l->batches);
    while (!run_stopping() && tg_batches_next(l->batches)) {
        tg_tape_rewind(tape, start);
        tg_tensor *x, *y;
        int64_t size = fashion_batch(l, &x, &y);
        tg_tensor *loss = tg_cross_entropy(forward(m, x), y, NULL);
        tg_optim_zero_grad(optim);
        tg_backward(loss);
        tg_optim_step(optim);
        sum += tg_item(loss) * (double)size;
        seen += size;
    }
    return sum / (double)seen;
}

static double accuracy(tg_tape *tape, const model *m, const fashion_loader *l, tg_mark start)
{
    double right = 0;
    bool enabled = tg_set_grad_enabled(tape, false);
    tg_batches_start(l->batches);
    while (tg_batches_next(l->batches)) {
        tg_tape_rewind(tape, start);
        tg_tensor *x, *y;
        fashion_batch(l, &x, &y);
        right += tg_item(tg_sum(tg_eq(tg_argmax_dim(forward(m, x), 1, false), y)));
    }
    tg_set_grad_enabled(tape, enabled);
    return right / (double)l->set->n;
}

static int teach(run *r, tg_tape *tape, bool conv, const fashion *trainset, const fashion *testset)
{
    tg_params *list = tg_params_new(tape);
    model m = conv ? make_conv(tape, list) : make_mlp(tape, list);
    tg_optim *optim = tg_adamw(tape, tg_params_tensors(list), tg_params_count(list), NULL);
    tg_optim_state(optim, list, "optim.");
    run_resume(r, list);
    fashion_loader training = fashion_loader_new(tape, trainset, BATCH, true);
    fashion_loader testing = fashion_loader_new(tape, testset, BATCH, false);
    tg_mark start = tg_tape_mark(tape);
    for (int epoch = 1; epoch <= r->epochs && !run_stopping() && !tg_error(tape); epoch++) {
        tg_optim_set_lr(optim, tg_lr_cosine(r->lr, epoch - 1, r->epochs, 0));
        double loss = train(tape, &m, optim, &training, start);
        double right = accuracy(tape, &m, &testing, start);
        if (!tg_error(tape))
            run_report(r, epoch, loss, right, trainset->n);
    }
    if (!r->epochs)
        printf("accuracy %.2f%%\n", 100 * accuracy(tape, &m, &testing, start));
    return run_finish(r, tape, list);
}

int main(int argc, char **argv)
{
    const char *kind = "mlp", *saved = NULL;
    const run_option own[] = {{"model", "mlp or conv", &kind},
                              {"evaluate", "only test what --save wrote", &saved}};
    run r = {.seed = 1, .epochs = 12, .lr = 2e-3, .own = own, .n_own = 2};
    r.data = "/usr/share/datasets/fashion-mnist";
    int code = run_start(&r, argc, argv);
    if (code >= 0)
        return code;
    int chosen = model_choice(kind, (const char *[]){"mlp", "conv"});
    if (chosen < 0)
        return 2;
    r.epochs = saved ? 0 : r.epochs;
    r.resume = saved ? saved : r.resume;

    tg_tape *tape = tg_tape_new(NULL);
    tg_manual_seed(tape, r.seed);
    fashion trainset, testset;
    if (fashion_read(tape, &trainset, r.data, "train") &&
        fashion_read(tape, &testset, r.data, "t10k"))
        code = teach(&r, tape, chosen == 1, &trainset, &testset);
    else
        code = 1;
    tg_tape_free(tape);
    return code;
}

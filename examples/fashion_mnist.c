/* Fashion-MNIST: pictures of clothes, 28 x 28 in grey, of ten classes. Trains a network with one
 * hidden layer or, by --model conv, a small convolutional one, and tells its accuracy on the test
 * set after each epoch. Data: Debian's package dataset-fashion-mnist. */
#include "support/clothes.h"
#include "support/mistakes.h"
#include "support/model.h"
#include "support/run.h"

#include <tinygrad/io.h>

enum { BATCH = 100 };

/* What a training step works with. */
typedef struct trainer {
    const clothes *model;
    tg_optim *optim;
    fashion_loader loader;
} trainer;

static tg_tensor *record(void *context, int64_t size)
{
    const trainer *t = context;
    tg_tensor *x = tg_narrow(t->loader.x, 0, 0, size), *y = tg_narrow(t->loader.y, 0, 0, size);
    tg_tensor *loss = tg_cross_entropy(clothes_forward(t->model, x), y, NULL);
    tg_optim_zero_grad(t->optim);
    tg_backward(loss);
    tg_optim_step(t->optim);
    return loss;
}

static int teach(run *r, tg_tape *tape, bool conv)
{
    fashion trainset, testset;
    if (!fashion_read(tape, &trainset, r->data, "train") ||
        !fashion_read(tape, &testset, r->data, "t10k"))
        return 1;
    tg_params *list = tg_params_new(tape);
    clothes m = clothes_make(list, conv);
    tg_optim *optim = tg_adamw(tape, tg_params_unique(list), tg_params_unique_count(list), NULL);
    trainer t = {&m, optim, fashion_loader_new(tape, &trainset, BATCH, true)};
    step s = {.record = record, .context = &t, .size = BATCH, .eager = r->eager};
    fashion_loader testing = fashion_loader_new(tape, &testset, BATCH, false);
    run_begin(r, tape, list, optim);
    while (run_next(r)) {
        tg_optim_set_lr(optim, tg_lr_cosine(r->lr, r->epoch - 1, r->epochs, 0));
        double loss = clothes_epoch(r, tape, &s, &t.loader);
        fashion_score tested = fashion_test(&testing, tape, clothes_forward, &m);
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
    clothes m = clothes_make(list, conv);
    if (!model_read(list, tape, path, r->program))
        return 1;
    fashion_loader testing = fashion_loader_new(tape, &set, BATCH, false);
    double right = fashion_test(&testing, tape, clothes_forward, &m).accuracy;
    if (!tg_error(tape))
        printf("accuracy %.2f%%\n", 100 * right);
    mistakes_print(&testing, tape, clothes_forward, &m);
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

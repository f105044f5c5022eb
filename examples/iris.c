/* Fisher's irises: a network of one hidden layer learns the species from four measurements, the
 * whole data set at every step. --save writes all that the run consists of, so that --resume goes
 * on as if training had not stopped. */
#include "support/iris.h"
#include "support/run.h"
#include "support/step.h"

#include <math.h>
#include <string.h>

enum { HIDDEN = 16 };

typedef struct model {
    tg_linear_layer hidden, out;
} model;

/* Named as in PyTorch's nn.Sequential(nn.Linear(4, 16), nn.ReLU(), nn.Linear(16, 3)). */
static model make_model(tg_params *list)
{
    model m = {.hidden = tg_nn_linear(list, IRIS_FEATURES, HIDDEN, NULL, "0")};
    m.out = tg_nn_linear(list, HIDDEN, IRIS_SPECIES, NULL, "2");
    return m;
}

static tg_tensor *forward(const model *m, tg_tensor *x)
{
    return tg_nn_apply_linear(tg_relu(tg_nn_apply_linear(x, &m->hidden)), &m->out);
}

static tg_optim *make_optim(tg_tape *tape, const tg_params *list, bool adamw, double lr)
{
    tg_tensor *const *params = tg_params_unique(list);
    size_t n = tg_params_unique_count(list);
    if (adamw)
        return tg_adamw(tape, params, n, &(tg_adam_opts){.lr = lr});
    return tg_sgd(tape, params, n, &(tg_sgd_opts){.lr = lr, .momentum = 0.9});
}

/* What a training step works with, and the last raw outputs. */
typedef struct trainer {
    const model *model;
    tg_optim *optim;
    tg_tensor *x, *y, *logits;
} trainer;

static tg_tensor *record(void *context, int64_t size)
{
    trainer *t = context;
    (void)size; /* always all of the flowers */
    t->logits = forward(t->model, t->x);
    tg_tensor *loss = tg_cross_entropy(t->logits, t->y, NULL);
    tg_optim_zero_grad(t->optim);
    tg_backward(loss);
    tg_optim_step(t->optim);
    return loss;
}

int main(int argc, char **argv)
{
    const char *optimiser = "adamw";
    const run_option own[] = {{"optimiser", "sgd or adamw", .text = &optimiser}};
    run r = {.seed = 1, .epochs = 200, .lr = 0.02, .own = own, .n_own = 1};
    iris flowers;
    int code = run_start(&r, argc, argv);
    if (code >= 0)
        return code;
    bool adamw = !strcmp(optimiser, "adamw");
    if (!adamw && strcmp(optimiser, "sgd") != 0) {
        fprintf(stderr, "iris: --optimiser %s: neither sgd nor adamw\ntry iris --help\n",
                optimiser);
        return 2;
    }
    if (!iris_read(&flowers, r.data))
        return 1;

    tg_tape *tape = tg_tape_new(NULL);
    tg_manual_seed(tape, r.seed);
    tg_params *list = tg_params_new(tape);
    model m = make_model(list);
    tg_optim *optim = make_optim(tape, list, adamw, r.lr);
    run_begin(&r, tape, list, optim);
    tg_optim_set_lr(optim, r.lr);
    trainer t = {
        .model = &m,
        .optim = optim,
        .x = tg_from_f32(tape, flowers.features[0], TG_DIMS(IRIS_FLOWERS, IRIS_FEATURES), 0),
        .y = tg_from_i64(tape, flowers.species, TG_DIMS(IRIS_FLOWERS), 0),
    };
    step s = {.record = record, .context = &t, .size = IRIS_FLOWERS, .eager = r.eager};
    while (run_next(&r)) {
        double loss = step_run(&s, tape, IRIS_FLOWERS);
        run_report(
            &r, &(run_epoch){loss, (double)NAN, iris_accuracy(&flowers, t.logits), IRIS_FLOWERS});
    }
    run_save(&r);
    code = run_finish(&r);
    tg_tape_free(tape);
    return code;
}

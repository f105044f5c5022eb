/* Training runs of PyTorch's, step by step: 1,000 losses of a network on the irises, from the same
 * seed, by SGD with momentum and by AdamW, in both dtypes, on whole batches and on minibatches.
 * golden/train.inc has PyTorch's losses; golden/train.py wrote it. Relies on the public API alone. */
#include "check.h"

#include <stdlib.h>

enum {
    F32 = TG_F32,
    F64 = TG_F64,
    STEPS = 1000,
    FLOWERS = 150,
    FEATURES = 4,
    HIDDEN = 16,
    SPECIES = 3
};

typedef struct curve {
    const char *optimiser;
    int dtype;
    int64_t batch; /* 0: the whole data set */
    double losses[STEPS];
} curve;

#define CURVE(optimiser, dtype, batch, ...) {optimiser, dtype, batch, {__VA_ARGS__}},
#define FASHION(...)
static const curve curves[] = {
#include "golden/train.inc"
};
enum { CURVES = sizeof curves / sizeof *curves };

typedef struct run {
    tg_tape *tape;
    tg_tensor *x, *y; /* all flowers */
    tg_tensor *w1, *b1, *w2, *b2;
    tg_optim *optim;
} run;

static void read_flowers(double x[FLOWERS][FEATURES], int64_t *y)
{
    char line[128];
    FILE *file = fopen("../examples/data/iris.csv", "r");
    assert_non_null(file);
    assert_non_null(fgets(line, sizeof line, file));
    for (int i = 0; i < FLOWERS; i++) {
        assert_non_null(fgets(line, sizeof line, file));
        char *at = line;
        for (int k = 0; k < FEATURES; k++, at++)
            x[i][k] = strtod(at, &at);
        y[i] = *at == 's' ? 0 : at[1] == 'e' ? 1 : 2; /* setosa, versicolor, virginica */
    }
    fclose(file);
}

static void start(run *r, const curve *c)
{
    double x[FLOWERS][FEATURES];
    int64_t y[FLOWERS];
    int flags = c->dtype | TG_REQUIRES_GRAD;
    read_flowers(x, y);
    tg_tape *tape = r->tape = tg_tape_new(NULL);
    r->x = tg_to(tg_from_f64(tape, x[0], TG_DIMS(FLOWERS, FEATURES), 0), c->dtype);
    r->y = tg_from_i64(tape, y, TG_DIMS(FLOWERS), 0);
    r->w1 = tg_zeros(tape, TG_DIMS(HIDDEN, FEATURES), flags);
    r->b1 = tg_zeros(tape, TG_DIMS(HIDDEN), flags);
    r->w2 = tg_zeros(tape, TG_DIMS(SPECIES, HIDDEN), flags);
    r->b2 = tg_zeros(tape, TG_DIMS(SPECIES), flags);
    tg_manual_seed(tape, 1);
    tg_linear_init(r->w1, r->b1);
    tg_linear_init(r->w2, r->b2);
    tg_tensor *params[] = {r->w1, r->b1, r->w2, r->b2};
    r->optim = strcmp(c->optimiser, "sgd") == 0
                   ? tg_sgd(tape, params, 4, &(tg_sgd_opts){.lr = 0.01, .momentum = 0.9})
                   : tg_adamw(tape, params, 4, &(tg_adam_opts){.lr = 0.002});
    assert_ok(tape);
}

static double step(run *r, tg_tensor *x, tg_tensor *y)
{
    tg_mark mark = tg_tape_mark(r->tape);
    tg_tensor *logits = tg_linear(tg_relu(tg_linear(x, r->w1, r->b1)), r->w2, r->b2);
    tg_tensor *loss = tg_cross_entropy(logits, y, NULL);
    double value = tg_item(loss);
    tg_optim_zero_grad(r->optim);
    tg_backward(loss);
    tg_optim_step(r->optim);
    assert_ok(r->tape);
    tg_tape_rewind(r->tape, mark);
    return value;
}

/* One epoch in minibatches; returns how many. */
static int epoch(run *r, int64_t size, double *losses, int limit)
{
    tg_mark mark = tg_tape_mark(r->tape);
    tg_tensor *order = tg_randperm(r->tape, FLOWERS, TG_I64);
    int n = 0;
    for (int64_t from = 0; from < FLOWERS && n < limit; from += size) {
        int64_t length = FLOWERS - from < size ? FLOWERS - from : size;
        tg_tensor *rows = tg_narrow(order, 0, from, length);
        losses[n++] = step(r, tg_index_select(r->x, 0, rows), tg_index_select(r->y, 0, rows));
    }
    tg_tape_rewind(r->tape, mark);
    return n;
}

static void train(const curve *c, double *losses)
{
    run r;
    start(&r, c);
    for (int n = 0; n < STEPS;) {
        if (c->batch)
            n += epoch(&r, c->batch, losses + n, STEPS - n);
        else
            losses[n++] = step(&r, r.x, r.y);
    }
    tg_tape_free(r.tape);
}

static void compare(int dtype, double tolerance)
{
    for (int k = 0; k < CURVES; k++) {
        const curve *c = &curves[k];
        double losses[STEPS], worst = 0;
        if (c->dtype != dtype)
            continue;
        train(c, losses);
        for (int i = 0; i < STEPS; i++) {
            double error = fabs(losses[i] / c->losses[i] - 1);
            if (!(error <= tolerance))
                fail_msg("%s, batch %d, step %d: loss %.17g, wanted %.17g", c->optimiser,
                         (int)c->batch, i + 1, losses[i], c->losses[i]);
            worst = fmax(worst, error);
        }
        print_message("%s, batch %d: worst relative difference %.1e, last loss %.4f\n",
                      c->optimiser, (int)c->batch, worst, losses[STEPS - 1]);
    }
}

static void float32(void **state)
{
    (void)state;
    compare(TG_F32, 1e-5);
}

static void float64(void **state)
{
    (void)state;
    compare(TG_F64, 1e-10);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(float32), cmocka_unit_test(float64)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}

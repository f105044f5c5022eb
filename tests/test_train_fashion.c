/* As test_train.c, on Fashion-MNIST: 1,000 minibatches of 64 images through 784-128-10, SGD with
 * momentum, float32, each loss against PyTorch's (golden/train.inc by golden/train.py). The images
 * are those of Debian's dataset-fashion-mnist; without them there is nothing to do. Relies on the
 * public API, and on zlib to read them. */
#include "check.h"

#include <stdlib.h>
#include <zlib.h>

enum { STEPS = 1000, IMAGES = 60000, PIXELS = 28 * 28, HIDDEN = 128, CLASSES = 10, BATCH = 64 };

#define DIRECTORY "/usr/share/datasets/fashion-mnist/"
#define CURVE(...)
#define FASHION(...) __VA_ARGS__
static const double golden[STEPS] = {
#include "golden/train.inc"
};

typedef struct data {
    unsigned char *images, *labels;
} data;

/* What comes after the header of a gzipped IDX file; NULL where the file is not there. */
static unsigned char *read_idx(const char *path, unsigned header, unsigned size)
{
    unsigned char skipped[16];
    gzFile file = gzopen(path, "rb");
    if (!file)
        return NULL;
    unsigned char *bytes = malloc(size);
    assert_non_null(bytes);
    assert_int_equal(gzread(file, skipped, header), header);
    assert_int_equal(gzread(file, bytes, size), size);
    gzclose(file);
    return bytes;
}

typedef struct model {
    tg_tensor *w1, *b1, *w2, *b2;
} model;

static model make_model(tg_tape *tape)
{
    model m = {
        .w1 = tg_zeros(tape, TG_DIMS(HIDDEN, PIXELS), TG_REQUIRES_GRAD),
        .b1 = tg_zeros(tape, TG_DIMS(HIDDEN), TG_REQUIRES_GRAD),
        .w2 = tg_zeros(tape, TG_DIMS(CLASSES, HIDDEN), TG_REQUIRES_GRAD),
        .b2 = tg_zeros(tape, TG_DIMS(CLASSES), TG_REQUIRES_GRAD),
    };
    tg_linear_init(m.w1, m.b1);
    tg_linear_init(m.w2, m.b2);
    return m;
}

static tg_tensor *batch_loss(tg_tape *tape, const model *m, const data *d, const int64_t *rows,
                             int64_t n)
{
    static float x[BATCH * PIXELS];
    int64_t y[BATCH];
    for (int64_t i = 0; i < n; i++) {
        y[i] = d->labels[rows[i]];
        for (int64_t k = 0; k < PIXELS; k++)
            x[i * PIXELS + k] = (float)d->images[rows[i] * PIXELS + k] / 255.0F;
    }
    tg_tensor *images = tg_from_f32(tape, x, TG_DIMS(n, PIXELS), 0);
    tg_tensor *hidden = tg_relu(tg_linear(images, m->w1, m->b1));
    return tg_cross_entropy(tg_linear(hidden, m->w2, m->b2), tg_from_i64(tape, y, TG_DIMS(n), 0),
                            NULL);
}

/* One epoch, or what is left of STEPS; returns the number of steps. */
static int epoch(tg_tape *tape, const model *m, tg_optim *optim, const data *d, double *losses,
                 int limit)
{
    tg_tensor *order = tg_randperm(tape, IMAGES, TG_I64);
    const int64_t *rows = tg_i64(order);
    tg_mark mark = tg_tape_mark(tape);
    int n = 0;
    assert_ok(tape);
    for (int64_t from = 0; from < IMAGES && n < limit; from += BATCH) {
        int64_t length = IMAGES - from < BATCH ? IMAGES - from : BATCH;
        tg_tensor *loss = batch_loss(tape, m, d, rows + from, length);
        losses[n++] = tg_item(loss);
        tg_optim_zero_grad(optim);
        tg_backward(loss);
        tg_optim_step(optim);
        assert_ok(tape);
        tg_tape_rewind(tape, mark);
    }
    return n;
}

static void train(const data *d, double *losses)
{
    tg_tape *tape = tg_tape_new(NULL);
    tg_manual_seed(tape, 1);
    model m = make_model(tape);
    tg_optim *optim = tg_sgd(tape, (tg_tensor *[]){m.w1, m.b1, m.w2, m.b2}, 4,
                             &(tg_sgd_opts){.lr = 0.01, .momentum = 0.9});
    tg_mark start = tg_tape_mark(tape);
    for (int n = 0; n < STEPS;) {
        tg_tape_rewind(tape, start);
        n += epoch(tape, &m, optim, d, losses + n, STEPS - n);
    }
    tg_tape_free(tape);
}

static void fashion(void **state)
{
    (void)state;
    double losses[STEPS], worst = 0;
    data d = {read_idx(DIRECTORY "train-images-idx3-ubyte.gz", 16, IMAGES * PIXELS),
              read_idx(DIRECTORY "train-labels-idx1-ubyte.gz", 8, IMAGES)};
    if (!d.images || !d.labels) {
        print_message("no data in " DIRECTORY " (Debian: dataset-fashion-mnist)\n");
        free(d.images);
        free(d.labels);
        skip();
    }
    train(&d, losses);
    free(d.images);
    free(d.labels);
    for (int i = 0; i < STEPS; i++) {
        double error = fabs(losses[i] / golden[i] - 1);
        if (!(error <= 1e-5))
            fail_msg("step %d: loss %.9g, wanted %.9g", i + 1, losses[i], golden[i]);
        worst = fmax(worst, error);
    }
    print_message("worst relative difference %.1e, last loss %.4f\n", worst, losses[STEPS - 1]);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(fashion)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}

/* Whole models, a training step each: forward, backward, update. One line a model and way:
 * name/way, median, minimum, unit, samples, and the most bytes in use at once during a step.
 *
 * Ways: eager; released, the same with tg_release() after each layer, or derivative, and release_since in the backward
 * pass, so that data go when nothing reads them any more, as PyTorch's do; captured. Arguments choose
 * models by the beginning of their names; none: all. --list names them. --losses: the losses of the
 * first steps instead, which models.py compares with PyTorch's: weights and data are PyTorch's draws from the seed 0. --check:
 * small batches, and whether losses fall and all ways give the same ones. */
#define _POSIX_C_SOURCE 199309L
#include "timing.h"

#include <tinygrad.h>

#include <math.h>
#include <string.h>

typedef enum way { EAGER, RELEASED, CAPTURED, WAYS } way;

static const char *const way_names[] = {"eager", "released", "captured"};

enum { MAX_LEAVES = 40, MAX_BUFFERS = 12 };

typedef struct state {
    const struct model *model;
    tg_tape *tape;
    int64_t batch;
    bool no_dropout;
    way way;
    tg_tensor *leaf[MAX_LEAVES], *buffer[MAX_BUFFERS], *x, *y, *target, *loss;
    int leaves, buffers;
    tg_optim *optim;
    tg_mark mark;
    tg_capture *capture;
} state;

/* `make` prepares leaves and data, `loss` is the forward pass. Adam where it has a rate, else SGD.
 */
typedef struct model {
    const char *name;
    void (*make)(state *s);
    tg_tensor *(*loss)(state *s);
    int64_t batch, small; /* as it is timed, and by --check; 0: another row checks the same */
    double adam;
    tg_sgd_opts sgd;
    tg_optim *(*make_optim)(state *s); /* not NULL: in place of both */
    int64_t width, heads;              /* where models differ by them */
} model;

/* --- leaves and layers --- */

static tg_tensor *next_leaf(state *s, int ndim, const int64_t *dims)
{
    return s->leaf[s->leaves++] = tg_zeros(s->tape, ndim, dims, TG_REQUIRES_GRAD);
}

static void make_linear(state *s, int64_t in, int64_t out)
{
    tg_tensor *weight = next_leaf(s, TG_DIMS(out, in));
    tg_linear_init(weight, next_leaf(s, TG_DIMS(out)));
}

static void make_conv(state *s, int64_t in, int64_t out, int64_t size)
{
    tg_tensor *weight = next_leaf(s, TG_DIMS(out, in, size, size));
    tg_conv_init(weight, next_leaf(s, TG_DIMS(out)));
}

static void make_norm(state *s, int64_t size)
{
    tg_fill_(next_leaf(s, TG_DIMS(size)), 1);
    next_leaf(s, TG_DIMS(size));
}

/* Pictures, or rows of numbers, and the class of each. */
static void make_examples(state *s, int ndim, const int64_t *dims, int64_t classes)
{
    s->x = tg_randn(s->tape, ndim, dims, 0);
    s->target = tg_randint(s->tape, 0, classes, TG_DIMS(s->batch), TG_I64);
}

static tg_tensor *linear(tg_tensor *x, tg_tensor *const *leaf)
{
    return tg_linear(x, leaf[0], leaf[1]);
}

static tg_tensor *conv(tg_tensor *x, tg_tensor *const *leaf, int64_t padding)
{
    return tg_conv2d(x, leaf[0], leaf[1], &(tg_conv_opts){.padding = {padding, padding}});
}

static tg_tensor *halve(tg_tensor *x)
{
    return tg_max_pool2d(x, &(tg_pool_opts){.kernel = {2, 2}});
}

/* Where nothing but these is to be read again by hand. */
static void release_all_but(const state *s, tg_tensor *const *keep, size_t n)
{
    if (s->way == RELEASED)
        tg_release(s->tape, s->mark, keep, n);
}

/* After a layer, whose result is x. */
static tg_tensor *layer_of(const state *s, tg_tensor *x)
{
    release_all_but(s, &x, 1);
    return x;
}

/* --- LeNet-5 --- */

static void lenet_make(state *s)
{
    make_conv(s, 1, 6, 5);
    make_conv(s, 6, 16, 5);
    make_linear(s, 400, 120);
    make_linear(s, 120, 84);
    make_linear(s, 84, 10);
    make_examples(s, TG_DIMS(s->batch, 1, 28, 28), 10);
}

static tg_tensor *lenet_loss(state *s)
{
    tg_tensor *x = layer_of(s, halve(tg_relu(conv(s->x, s->leaf, 2))));
    x = layer_of(s, halve(tg_relu(conv(x, s->leaf + 2, 0))));
    x = layer_of(s, tg_relu(linear(tg_flatten(x, 1, -1), s->leaf + 4)));
    x = layer_of(s, tg_relu(linear(x, s->leaf + 6)));
    return tg_cross_entropy(linear(x, s->leaf + 8), s->target, NULL);
}

/* --- a small VGG: six convolutions with batch_norm on 32 x 32 pixels --- */

enum { CONVS = 6, PER_CONV = 4 };

static void vgg_make(state *s)
{
    static const int64_t channels[CONVS + 1] = {3, 32, 32, 64, 64, 128, 128};
    for (int i = 0; i < CONVS; i++) {
        make_conv(s, channels[i], channels[i + 1], 3);
        make_norm(s, channels[i + 1]);
        s->buffer[s->buffers++] = tg_zeros(s->tape, TG_DIMS(channels[i + 1]), 0);
        s->buffer[s->buffers++] = tg_ones(s->tape, TG_DIMS(channels[i + 1]), 0);
    }
    make_linear(s, 2048, 10);
    make_examples(s, TG_DIMS(s->batch, 3, 32, 32), 10);
}

static tg_tensor *vgg_norm(tg_tensor *x, tg_tensor *const *leaf, tg_tensor *const *running)
{
    return tg_batch_norm(x, &(tg_batch_norm_opts){.weight = leaf[0],
                                                  .bias = leaf[1],
                                                  .running_mean = running[0],
                                                  .running_var = running[1],
                                                  .training = true});
}

static tg_tensor *vgg_loss(state *s)
{
    tg_tensor *x = s->x, **leaf = s->leaf;
    for (int i = 0; i < CONVS; i++, leaf += PER_CONV) {
        x = layer_of(s, tg_relu(vgg_norm(conv(x, leaf, 1), leaf + 2, s->buffer + 2 * i)));
        if (i % 2)
            x = layer_of(s, halve(x));
    }
    return tg_cross_entropy(linear(tg_flatten(x, 1, -1), leaf), s->target, NULL);
}

/* --- recurrent networks: 64 steps of 64 numbers, 128 units --- */

enum { STEPS = 64, INPUTS = 64, UNITS = 128 };

static void recurrent_make(state *s)
{
    int64_t rows = s->model->width * UNITS; /* width: gates */
    next_leaf(s, TG_DIMS(rows, INPUTS));
    next_leaf(s, TG_DIMS(rows, UNITS));
    next_leaf(s, TG_DIMS(rows));
    next_leaf(s, TG_DIMS(rows));
    tg_recurrent_init(s->leaf, 4, UNITS);
    make_linear(s, UNITS, 10);
    make_examples(s, TG_DIMS(STEPS, s->batch, INPUTS), 10);
}

static tg_tensor *gru_loss(state *s)
{
    tg_tensor *h = NULL;
    tg_gru(s->x, s->leaf, 4, NULL, &h);
    return tg_cross_entropy(linear(tg_select(h, 0, 0), s->leaf + 4), s->target, NULL);
}

static tg_tensor *lstm_loss(state *s)
{
    tg_tensor *h = NULL;
    tg_lstm(s->x, s->leaf, 4, NULL, &h, NULL);
    return tg_cross_entropy(linear(tg_select(h, 0, 0), s->leaf + 4), s->target, NULL);
}

/* --- a decoder-only transformer of two layers on texts of 128 bytes --- */

enum { LENGTH = 128, LAYERS = 2, BYTES = 256, PER_LAYER = 12 };

static void transformer_make(state *s)
{
    int64_t d = s->model->width;
    tg_embedding_init(next_leaf(s, TG_DIMS(BYTES, d)));
    tg_normal_(next_leaf(s, TG_DIMS(LENGTH, d)), 0, 1);
    for (int i = 0; i < LAYERS; i++) {
        make_norm(s, d);
        make_linear(s, d, 3 * d);
        make_linear(s, d, d);
        make_norm(s, d);
        make_linear(s, d, 4 * d);
        make_linear(s, 4 * d, d);
    }
    make_norm(s, d);
    make_linear(s, d, BYTES);
    s->x = tg_randint(s->tape, 0, BYTES, TG_DIMS(s->batch, LENGTH), TG_I64);
    s->target = tg_randint(s->tape, 0, BYTES, TG_DIMS(s->batch * LENGTH), TG_I64);
}

static tg_tensor *norm(tg_tensor *x, tg_tensor *const *leaf)
{
    return tg_layer_norm(x, TG_DIMS(tg_size(x, -1)), leaf[0], leaf[1], 0);
}

static tg_tensor *by_heads(const state *s, tg_tensor *x)
{
    int64_t heads = s->model->heads, d = s->model->width;
    return tg_transpose(tg_reshape(x, TG_DIMS(s->batch, LENGTH, heads, d / heads)), 1, 2);
}

static tg_tensor *attend(const state *s, tg_tensor *x, tg_tensor *const *leaf)
{
    tg_tensor *part[3] = {NULL};
    tg_chunk(linear(norm(x, leaf), leaf + 2), 3, -1, part);
    tg_tensor *y =
        tg_scaled_dot_product_attention(by_heads(s, part[0]), by_heads(s, part[1]),
                                        by_heads(s, part[2]), &(tg_attention_opts){.causal = true});
    y = tg_reshape(tg_transpose(y, 1, 2), TG_DIMS(s->batch, LENGTH, s->model->width));
    return layer_of(s, tg_add(x, linear(y, leaf + 4)));
}

static tg_tensor *feed_forward(const state *s, tg_tensor *x, tg_tensor *const *leaf)
{
    tg_tensor *y = tg_gelu(linear(norm(x, leaf), leaf + 2));
    return layer_of(s, tg_add(x, linear(y, leaf + 4)));
}

static tg_tensor *transformer_loss(state *s)
{
    tg_tensor **leaf = s->leaf + 2;
    tg_tensor *x = tg_add(tg_embedding(s->leaf[0], s->x, TG_NO_PADDING), s->leaf[1]);
    for (int i = 0; i < LAYERS; i++, leaf += PER_LAYER)
        x = feed_forward(s, attend(s, x, leaf), leaf + 6);
    tg_tensor *logits = linear(norm(x, leaf), leaf + 2);
    return tg_cross_entropy(tg_reshape(logits, TG_DIMS(-1, BYTES)), s->target, NULL);
}

/* --- networks of linear layers --- */

static void mlp_make(state *s)
{
    make_linear(s, 784, 512);
    make_linear(s, 512, 512);
    make_linear(s, 512, 10);
    make_examples(s, TG_DIMS(s->batch, 784), 10);
}

static tg_tensor *mlp_loss(state *s)
{
    tg_tensor *x = layer_of(s, tg_dropout(tg_relu(linear(s->x, s->leaf)), 0.2, !s->no_dropout));
    x = layer_of(s, tg_dropout(tg_relu(linear(x, s->leaf + 2)), 0.2, !s->no_dropout));
    return tg_cross_entropy(linear(x, s->leaf + 4), s->target, NULL);
}

static void autoencoder_make(state *s)
{
    make_linear(s, 784, 256);
    make_linear(s, 256, 64);
    make_linear(s, 64, 256);
    make_linear(s, 256, 784);
    s->x = tg_rand(s->tape, TG_DIMS(s->batch, 784), 0);
}

static tg_tensor *autoencoder_loss(state *s)
{
    tg_tensor *x = s->x;
    for (int i = 0; i < 3; i++)
        x = layer_of(s, tg_relu(linear(x, s->leaf + 2 * i)));
    return tg_mse_loss(tg_sigmoid(linear(x, s->leaf + 6)), s->x, TG_MEAN);
}

static void tiny_make(state *s)
{
    make_linear(s, 4, 32);
    make_linear(s, 32, 2);
    make_examples(s, TG_DIMS(s->batch, 4), 2);
}

static tg_tensor *tiny_loss(state *s)
{
    tg_tensor *x = tg_relu(linear(s->x, s->leaf));
    return tg_cross_entropy(linear(x, s->leaf + 2), s->target, NULL);
}

static void logistic_make(state *s)
{
    make_linear(s, 20, 1);
    s->x = tg_randn(s->tape, TG_DIMS(s->batch, 20), 0);
    s->target = tg_randint(s->tape, 0, 2, TG_DIMS(s->batch, 1), TG_F32);
}

static tg_tensor *logistic_loss(state *s)
{
    return tg_bce_with_logits_loss(linear(s->x, s->leaf), s->target, NULL);
}

/* --- a physics-informed network: u_t + u u_x = 0.01 u_xx at points (x, t), and u given --- */

static void pinn_make(state *s)
{
    make_linear(s, 2, 32);
    make_linear(s, 32, 32);
    make_linear(s, 32, 32);
    make_linear(s, 32, 1);
    s->x = tg_rand(s->tape, TG_DIMS(s->batch, 2), TG_REQUIRES_GRAD);
    s->target = tg_randn(s->tape, TG_DIMS(s->batch, 1), 0);
}

static tg_tensor *slopes(tg_tensor *y, tg_tensor *x)
{
    tg_tensor *grad = NULL;
    tg_gradients(tg_sum(y), NULL, &x, 1, &grad, &(tg_backward_opts){.create_graph = true});
    return grad;
}

static tg_tensor *pinn_loss(state *s)
{
    tg_tensor *u = s->x;
    for (int i = 0; i < 3; i++)
        u = layer_of(s, tg_tanh(linear(u, s->leaf + 2 * i)));
    u = linear(u, s->leaf + 6);
    tg_tensor *first = slopes(u, s->x), *u_x = tg_narrow(first, 1, 0, 1);
    release_all_but(s, (tg_tensor *[]){u, first, u_x}, 3);
    tg_tensor *u_xx = tg_narrow(slopes(u_x, s->x), 1, 0, 1);
    release_all_but(s, (tg_tensor *[]){u, first, u_x, u_xx}, 4);
    tg_tensor *left = tg_add(tg_narrow(first, 1, 1, 1), tg_mul(u, u_x));
    tg_tensor *residual = tg_sub(left, tg_mul_scalar(u_xx, 0.01));
    tg_zero_grad(s->x); /* the pass to come gives it one as well */
    return tg_add(tg_mean(tg_square(residual)), tg_mse_loss(u, s->target, TG_MEAN));
}

/* --- word vectors: each word beside one of its neighbours and five that are not --- */

enum { VECTOR = 100, OTHERS = 6 };

static void words_make(state *s)
{
    const int64_t words = s->model->width;
    tg_embedding_init(next_leaf(s, TG_DIMS(words, VECTOR)));
    tg_embedding_init(next_leaf(s, TG_DIMS(words, VECTOR)));
    s->x = tg_randint(s->tape, 0, words, TG_DIMS(s->batch), TG_I64);
    s->y = tg_randint(s->tape, 0, words, TG_DIMS(s->batch, OTHERS), TG_I64);
    s->target = tg_zeros(s->tape, TG_DIMS(s->batch, OTHERS), 0);
    tg_fill_(tg_select(s->target, 1, 0), 1);
}

static tg_tensor *words_loss(state *s)
{
    tg_tensor *word = tg_embedding(s->leaf[0], s->x, TG_NO_PADDING);
    tg_tensor *other = tg_embedding(s->leaf[1], s->y, TG_NO_PADDING);
    tg_tensor *scores = tg_squeeze_dim(tg_matmul(other, tg_unsqueeze(word, 2)), 2);
    return tg_bce_with_logits_loss(scores, s->target, NULL);
}

static tg_optim *adagrad(state *s)
{
    return tg_adagrad(s->tape, s->leaf, (size_t)s->leaves, NULL);
}

static tg_optim *sparse_adam(state *s)
{
    return tg_sparse_adam(s->tape, s->leaf, (size_t)s->leaves, NULL);
}

/* 512 of 50,000 rows. */
static void rows_make(state *s)
{
    tg_embedding_init(next_leaf(s, TG_DIMS(s->model->width, VECTOR)));
    s->x = tg_randint(s->tape, 0, s->model->width, TG_DIMS(s->batch), TG_I64);
}

static tg_tensor *rows_loss(state *s)
{
    return tg_mean(tg_square(tg_embedding(s->leaf[0], s->x, TG_NO_PADDING)));
}

static const model models[] = {
    {"lenet", lenet_make, lenet_loss, 64, 4, .sgd = {.lr = 0.01, .momentum = 0.9}},
    {"vgg", vgg_make, vgg_loss, 64, 1, .adam = 1e-3},
    {"gru", recurrent_make, gru_loss, 32, 2, .adam = 1e-3, .width = 3},
    {"lstm", recurrent_make, lstm_loss, 32, 2, .adam = 1e-3, .width = 4},
    {"transformer_128", transformer_make, transformer_loss, 16, 1, .adam = 1e-3, .width = 128,
     .heads = 4},
    {"transformer_256", transformer_make, transformer_loss, 16, 0, .adam = 1e-3, .width = 256,
     .heads = 8},
    {"mlp_128", mlp_make, mlp_loss, 128, 4, .adam = 1e-3},
    {"mlp_2048", mlp_make, mlp_loss, 2048, 0, .adam = 1e-3},
    {"autoencoder", autoencoder_make, autoencoder_loss, 128, 4, .adam = 1e-3},
    {"pinn", pinn_make, pinn_loss, 1024, 16, .adam = 1e-3},
    {"word_vectors", words_make, words_loss, 1024, 16, .sgd = {.lr = 1}, .width = 10000},
    {"rows_sgd", rows_make, rows_loss, 512, 0, .sgd = {.lr = 1000}, .width = 50000},
    {"rows_adagrad", rows_make, rows_loss, 512, 0, .make_optim = adagrad, .width = 50000},
    {"rows_adam", rows_make, rows_loss, 512, 16, .make_optim = sparse_adam, .width = 50000},
    {"logistic", logistic_make, logistic_loss, 1000000, 1000, .sgd = {.lr = 0.1}},
    {"tiny", tiny_make, tiny_loss, 1, 1, .sgd = {.lr = 0.01}},
};

/* --- steps --- */

static void step(state *s)
{
    s->loss = s->model->loss(s);
    tg_optim_zero_grad(s->optim);
    tg_backward_with(s->loss, NULL,
                     &(tg_backward_opts){.release_since = s->way == RELEASED ? &s->mark : NULL});
    tg_optim_step(s->optim);
}

static void turn(void *context)
{
    state *s = (state *)context;
    if (s->capture) {
        tg_capture_replay(s->capture);
        return;
    }
    tg_tape_rewind(s->tape, s->mark);
    if (s->way == CAPTURED)
        s->capture = tg_capture_begin(s->tape);
    step(s);
    tg_capture_end(s->capture);
}

static state begin(const model *m, way w, int64_t batch, bool no_dropout)
{
    state s = {
        .model = m, .tape = tg_tape_new(NULL), .batch = batch, .no_dropout = no_dropout, .way = w};
    m->make(&s);
    s.optim = m->make_optim ? m->make_optim(&s)
              : m->adam > 0
                  ? tg_adam(s.tape, s.leaf, (size_t)s.leaves, &(tg_adam_opts){.lr = m->adam})
                  : tg_sgd(s.tape, s.leaf, (size_t)s.leaves, &m->sgd);
    s.mark = tg_tape_mark(s.tape);
    return s;
}

/* Whether all went well; an error is printed. */
static bool finish(state *s)
{
    bool fine = tg_error(s->tape) == TG_OK;
    if (!fine)
        printf("%s/%s: %s\n", s->model->name, way_names[s->way], tg_error_message(s->tape));
    fflush(stdout);
    tg_tape_free(s->tape);
    return fine;
}

static bool run(const model *m)
{
    bool fine = true;
    for (way w = 0; w < WAYS; w++) {
        state s = begin(m, w, m->batch, false);
        turn(&s);
        turn(&s);
        if (!s.capture)
            tg_tape_rewind(s.tape, s.mark);
        tg_reset_peak_memory(s.tape);
        turn(&s);
        size_t peak = tg_memory(s.tape).peak;
        timing t = time_turns(turn, &s);
        if (!tg_error(s.tape))
            printf("%s/%s %.6g %.6g us %d %zu\n", m->name, way_names[w], t.median * 1e6,
                   t.least * 1e6, t.samples, peak);
        fine &= finish(&s);
    }
    return fine;
}

enum { LOSSES = 3 };

/* Without dropout, whose masks are not the same in all builds of PyTorch. */
static bool first_losses(const model *m, way w, int64_t batch, double losses[LOSSES])
{
    state s = begin(m, w, batch, true);
    for (int i = 0; i < LOSSES; i++) {
        turn(&s);
        losses[i] = tg_item(s.loss);
    }
    return finish(&s);
}

static bool print_losses(const model *m)
{
    double loss[LOSSES] = {0};
    bool fine = first_losses(m, EAGER, m->batch, loss);
    printf("%s", m->name);
    for (int i = 0; i < LOSSES; i++)
        printf(" %.9g", loss[i]);
    puts("");
    return fine;
}

static bool check(const model *m)
{
    if (!m->small)
        return true;
    double eager[LOSSES] = {0};
    bool fine = first_losses(m, EAGER, m->small, eager);
    if (!isfinite(eager[0]) || !(eager[LOSSES - 1] < eager[0])) {
        printf("%s: the loss went from %.9g to %.9g\n", m->name, eager[0], eager[LOSSES - 1]);
        fine = false;
    }
    for (way w = RELEASED; w < WAYS; w++) {
        double losses[LOSSES] = {0};
        fine &= first_losses(m, w, m->small, losses);
        for (int i = 0; i < LOSSES; i++) {
            if (losses[i] == eager[i])
                continue;
            printf("%s/%s: the loss of step %d is %.9g, eager %.9g\n", m->name, way_names[w], i,
                   losses[i], eager[i]);
            fine = false;
        }
    }
    return fine;
}

static bool list(const model *m)
{
    puts(m->name);
    return true;
}

static bool chosen(const char *name, int n, char *const *prefixes)
{
    for (int i = 0; i < n; i++) {
        if (!strncmp(name, prefixes[i], strlen(prefixes[i])))
            return true;
    }
    return n == 0;
}

int main(int argc, char **argv)
{
    static const struct {
        const char *name;
        bool (*act)(const model *m);
    } options[] = {{"--list", list}, {"--losses", print_losses}, {"--check", check}};
    bool (*act)(const model *m) = run;
    int first = 1;
    for (size_t i = 0; argc > 1 && i < sizeof options / sizeof *options; i++) {
        if (!strcmp(argv[1], options[i].name)) {
            act = options[i].act;
            first = 2;
        }
    }
    bool fine = true;
    for (size_t i = 0; i < sizeof models / sizeof *models; i++) {
        if (chosen(models[i].name, argc - first, argv + first))
            fine &= act(&models[i]);
    }
    return !fine;
}

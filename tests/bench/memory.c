/* The most memory that a training step takes, in bytes, for memory.py: "name way bytes of which
 * objects". Ways: plain; tg_release() after each layer; tg_checkpoint() of each. */
#include <tinygrad.h>

typedef enum giving { PLAIN, RELEASE, CHECKPOINT, WAYS } giving;

static const char *const way_names[] = {"plain", "release", "checkpoint"};

enum { MAX_LEAVES = 40 };

typedef struct state {
    tg_tape *tape;
    giving way;
    tg_tensor *leaf[MAX_LEAVES], *x, *target;
    int leaves;
} state;

static tg_tensor *next_leaf(state *s, int ndim, const int64_t *dims)
{
    return s->leaf[s->leaves++] = tg_zeros(s->tape, ndim, dims, TG_REQUIRES_GRAD);
}

static void make_linear(state *s, int64_t in, int64_t out)
{
    tg_tensor *weight = next_leaf(s, TG_DIMS(out, in));
    tg_linear_init(weight, next_leaf(s, TG_DIMS(out)));
}

/* The end of a layer whose result is x. */
static tg_tensor *end_layer(const state *s, tg_mark start, tg_tensor *x)
{
    if (s->way == RELEASE)
        tg_release(s->tape, start, &x, 1);
    else if (s->way == CHECKPOINT)
        tg_checkpoint(s->tape, start, &x, 1);
    return x;
}

/* --- an MLP 784-512-512-10, batch 1024 --- */

static void mlp_make(state *s)
{
    make_linear(s, 784, 512);
    make_linear(s, 512, 512);
    make_linear(s, 512, 10);
    s->x = tg_randn(s->tape, TG_DIMS(1024, 784), 0);
    s->target = tg_randint(s->tape, 0, 10, TG_DIMS(1024), TG_I64);
}

static tg_tensor *mlp_loss(const state *s)
{
    tg_tensor *x = s->x;
    for (int i = 0; i < 4; i += 2) {
        tg_mark start = tg_tape_mark(s->tape);
        x = end_layer(s, start, tg_relu(tg_linear(x, s->leaf[i], s->leaf[i + 1])));
    }
    return tg_cross_entropy(tg_linear(x, s->leaf[4], s->leaf[5]), s->target, NULL);
}

/* --- a decoder-only transformer: 2 layers, width 128, 4 heads, 16 texts of 128 bytes --- */

enum { BATCH = 16, LENGTH = 128, WIDTH = 128, HEADS = 4, LAYERS = 2, BYTES = 256, PER_LAYER = 12 };

static void make_norm(state *s)
{
    tg_fill_(tg_detach(next_leaf(s, TG_DIMS(WIDTH))), 1);
    next_leaf(s, TG_DIMS(WIDTH));
}

static void transformer_make(state *s)
{
    tg_normal_(next_leaf(s, TG_DIMS(BYTES, WIDTH)), 0, 1);
    tg_normal_(next_leaf(s, TG_DIMS(LENGTH, WIDTH)), 0, 1);
    for (int i = 0; i < LAYERS; i++) {
        make_norm(s);
        make_linear(s, WIDTH, 3 * WIDTH);
        make_linear(s, WIDTH, WIDTH);
        make_norm(s);
        make_linear(s, WIDTH, 4 * WIDTH);
        make_linear(s, 4 * WIDTH, WIDTH);
    }
    make_norm(s);
    make_linear(s, WIDTH, BYTES);
    s->x = tg_randint(s->tape, 0, BYTES, TG_DIMS(BATCH, LENGTH), TG_I64);
    s->target = tg_randint(s->tape, 0, BYTES, TG_DIMS(BATCH * LENGTH), TG_I64);
}

/* (BATCH, LENGTH, WIDTH) by heads: (BATCH, HEADS, LENGTH, WIDTH / HEADS). */
static tg_tensor *by_heads(tg_tensor *x)
{
    x = tg_reshape(x, 4, (int64_t[]){BATCH, LENGTH, HEADS, WIDTH / HEADS});
    return tg_transpose(x, 1, 2);
}

static tg_tensor *norm(tg_tensor *x, tg_tensor *const *leaf)
{
    return tg_layer_norm(x, TG_DIMS(WIDTH), leaf[0], leaf[1], 0);
}

static tg_tensor *attend(tg_tensor *x, tg_tensor *const *leaf)
{
    tg_tensor *part[3] = {NULL};
    tg_chunk(tg_linear(norm(x, leaf), leaf[2], leaf[3]), 3, -1, part);
    tg_tensor *y =
        tg_scaled_dot_product_attention(by_heads(part[0]), by_heads(part[1]), by_heads(part[2]),
                                        &(tg_attention_opts){.causal = true});
    y = tg_reshape(tg_transpose(y, 1, 2), 3, (int64_t[]){BATCH, LENGTH, WIDTH});
    return tg_add(x, tg_linear(y, leaf[4], leaf[5]));
}

static tg_tensor *feed_forward(tg_tensor *x, tg_tensor *const *leaf)
{
    tg_tensor *y = tg_gelu(tg_linear(norm(x, leaf + 6), leaf[8], leaf[9]));
    return tg_add(x, tg_linear(y, leaf[10], leaf[11]));
}

static tg_tensor *transformer_loss(const state *s)
{
    tg_tensor *const *leaf = s->leaf + 2;
    tg_mark start = tg_tape_mark(s->tape);
    tg_tensor *x = tg_add(tg_embedding(s->leaf[0], s->x, TG_NO_PADDING), s->leaf[1]);
    x = end_layer(s, start, x);
    for (int i = 0; i < LAYERS; i++, leaf += PER_LAYER) {
        start = tg_tape_mark(s->tape);
        x = end_layer(s, start, attend(x, leaf));
        start = tg_tape_mark(s->tape);
        x = end_layer(s, start, feed_forward(x, leaf));
    }
    tg_tensor *logits = tg_linear(norm(x, leaf), leaf[2], leaf[3]);
    return tg_cross_entropy(tg_reshape(logits, 2, (int64_t[]){-1, BYTES}), s->target, NULL);
}

/* --- */

typedef struct model {
    const char *name;
    void (*make)(state *s);
    tg_tensor *(*loss)(const state *s);
} model;

static const model models[] = {{"mlp", mlp_make, mlp_loss},
                               {"transformer", transformer_make, transformer_loss}};

/* The peak of a step that is like all others: the third. */
static int run(const model *m, giving way)
{
    state s = {.tape = tg_tape_new(NULL), .way = way};
    m->make(&s);
    tg_optim *optim = tg_sgd(s.tape, s.leaf, (size_t)s.leaves, &(tg_sgd_opts){.momentum = 0.9});
    tg_mark step = tg_tape_mark(s.tape);
    for (int i = 0; i < 3; i++) {
        tg_tape_rewind(s.tape, step);
        tg_reset_peak_memory(s.tape);
        tg_optim_zero_grad(optim);
        tg_backward_with(m->loss(&s), NULL,
                         &(tg_backward_opts){.release_since = way == PLAIN ? NULL : &step});
        tg_optim_step(optim);
    }
    tg_memory_info memory = tg_memory(s.tape);
    if (tg_error(s.tape))
        printf("%s %s: %s\n", m->name, way_names[way], tg_error_message(s.tape));
    else
        printf("%s %s %zu %zu\n", m->name, way_names[way], memory.peak, memory.objects);
    int failed = tg_error(s.tape) != TG_OK;
    tg_tape_free(s.tape);
    return failed;
}

int main(void)
{
    int failed = 0;
    for (size_t i = 0; i < sizeof models / sizeof *models; i++) {
        for (int k = 0; k < WAYS; k++)
            failed |= run(&models[i], (giving)k);
    }
    return failed;
}

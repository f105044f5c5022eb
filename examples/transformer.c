/* A small transformer that reads a text (--data) letter by letter, learns to guess the next one from
 * up to 64 before it, and writes some of its own: two layers of causal attention with four heads and
 * a feed-forward network each, normalised before, on residual connections. */
#include "support/guess.h"
#include "support/run.h"
#include "support/sample.h"
#include "support/text.h"

#include <math.h>
#include <stdlib.h>

enum { LAYERS = 2, HEADS = 4, WIDTH = 64, CONTEXT = 64, BATCH = 16 };

/* A weight and a bias: of a linear layer, or of a normalisation. */
typedef struct pair {
    tg_tensor *weight, *bias;
} pair;

typedef struct model {
    tg_tensor *symbols, *positions; /* embeddings */
    struct {
        pair norm1, qkv, proj, norm2, up, down;
    } layers[LAYERS];
    pair norm, head;
} model;

static tg_tensor *make_embedding(tg_tape *tape, tg_params *list, const char *name, int64_t n)
{
    tg_tensor *table = tg_zeros(tape, TG_DIMS(n, WIDTH), TG_REQUIRES_GRAD);
    tg_normal_(table, 0, 0.02);
    return tg_params_add(list, table, "%s.weight", name);
}

static pair make_linear(tg_tape *tape, tg_params *list, const char *name, int layer, int64_t out,
                        int64_t in)
{
    pair p = {.weight = tg_zeros(tape, TG_DIMS(out, in), TG_REQUIRES_GRAD),
              .bias = tg_zeros(tape, TG_DIMS(out), TG_REQUIRES_GRAD)};
    tg_linear_init(p.weight, p.bias);
    tg_params_add(list, p.weight, "%s%d.weight", name, layer);
    tg_params_add(list, p.bias, "%s%d.bias", name, layer);
    return p;
}

static pair make_norm(tg_tape *tape, tg_params *list, const char *name, int layer)
{
    pair p = {.weight = tg_ones(tape, TG_DIMS(WIDTH), TG_REQUIRES_GRAD),
              .bias = tg_zeros(tape, TG_DIMS(WIDTH), TG_REQUIRES_GRAD)};
    tg_params_add(list, p.weight, "%s%d.weight", name, layer);
    tg_params_add(list, p.bias, "%s%d.bias", name, layer);
    return p;
}

static model make_model(tg_tape *tape, tg_params *list, int64_t n_symbols)
{
    model m = {.symbols = make_embedding(tape, list, "symbols", n_symbols),
               .positions = make_embedding(tape, list, "positions", CONTEXT)};
    for (int i = 0; i < LAYERS; i++) {
        m.layers[i].norm1 = make_norm(tape, list, "norm1.", i);
        m.layers[i].qkv = make_linear(tape, list, "qkv.", i, 3 * WIDTH, WIDTH);
        m.layers[i].proj = make_linear(tape, list, "proj.", i, WIDTH, WIDTH);
        m.layers[i].norm2 = make_norm(tape, list, "norm2.", i);
        m.layers[i].up = make_linear(tape, list, "up.", i, 4 * WIDTH, WIDTH);
        m.layers[i].down = make_linear(tape, list, "down.", i, WIDTH, 4 * WIDTH);
    }
    m.norm = make_norm(tape, list, "norm.", LAYERS);
    m.head = make_linear(tape, list, "head.", LAYERS, n_symbols, WIDTH);
    return m;
}

static tg_tensor *linear(tg_tensor *x, const pair *p)
{
    return tg_linear(x, p->weight, p->bias);
}

static tg_tensor *norm(tg_tensor *x, const pair *p)
{
    return tg_layer_norm(x, TG_DIMS(WIDTH), p->weight, p->bias, 0);
}

/* x (n, length, WIDTH); queries, keys and values are (n, HEADS, length, WIDTH / HEADS). */
static tg_tensor *attention(tg_tensor *x, const pair *qkv, const pair *proj)
{
    int64_t n = tg_size(x, 0), length = tg_size(x, 1);
    tg_tensor *all = tg_reshape(linear(x, qkv), TG_DIMS(n, length, 3, HEADS, WIDTH / HEADS));
    all = tg_permute(all, TG_DIMS(2, 0, 3, 1, 4));
    tg_tensor *mixed =
        tg_scaled_dot_product_attention(tg_select(all, 0, 0), tg_select(all, 0, 1),
                                        tg_select(all, 0, 2), &(tg_attention_opts){.causal = true});
    return linear(tg_reshape(tg_transpose(mixed, 1, 2), TG_DIMS(n, length, WIDTH)), proj);
}

/* Symbols (n, length) to raw outputs for the symbol after each, (n, length, symbols). */
static tg_tensor *forward(const void *context, tg_tensor *symbols)
{
    const model *m = context;
    tg_tensor *x = tg_embedding(m->symbols, symbols, TG_NO_PADDING);
    x = tg_add(x, tg_narrow(m->positions, 0, 0, tg_size(symbols, 1)));
    for (int i = 0; i < LAYERS; i++) {
        x = tg_add(x,
                   attention(norm(x, &m->layers[i].norm1), &m->layers[i].qkv, &m->layers[i].proj));
        tg_tensor *hidden = tg_gelu(linear(norm(x, &m->layers[i].norm2), &m->layers[i].up));
        x = tg_add(x, linear(hidden, &m->layers[i].down));
    }
    return linear(norm(x, &m->norm), &m->head);
}

/* Goes on from the text's beginning. */
static void write_text(tg_tape *tape, const model *m, const text *source, int64_t length)
{
    int64_t window[CONTEXT] = {source->symbols[0]};
    int64_t filled = 1;
    bool enabled = tg_set_grad_enabled(tape, false);
    tg_mark start = tg_tape_mark(tape);
    for (int64_t i = 0; i < length && !tg_error(tape); i++) {
        tg_tape_rewind(tape, start);
        tg_tensor *x = tg_from_i64(tape, window, TG_DIMS(1, filled), 0);
        int64_t next;
        sample_classes(tg_select(forward(m, x), 1, filled - 1), &next);
        putchar(source->bytes[next]);
        for (int64_t k = 1; filled == CONTEXT && k < CONTEXT; k++)
            window[k - 1] = window[k];
        filled -= filled == CONTEXT;
        window[filled++] = next;
    }
    tg_set_grad_enabled(tape, enabled);
    putchar('\n');
}

static int teach(run *r, tg_tape *tape, const text *source, int64_t sample)
{
    guess g = {.forward = forward, .list = tg_params_new(tape)};
    model m = make_model(tape, g.list, source->n_bytes);
    int64_t rows = (source->n - 1) / CONTEXT - 1; /* and less than one row over, before the first */
    g.model = &m;
    guess_prepare(&g, tape, &(guess_sizes){rows, BATCH, CONTEXT, CONTEXT}, r->lr);
    run_resume(r, g.list);
    for (int epoch = 1; epoch <= r->epochs && !run_stopping() && !tg_error(tape); epoch++) {
        tg_optim_set_lr(g.optim, tg_lr_cosine(r->lr, epoch - 1, r->epochs, 0));
        const int64_t *first = source->symbols + epoch * 37 % CONTEXT; /* other rows each time */
        double loss = guess_epoch(&g, tape, first, first + 1);
        if (!tg_error(tape))
            run_report(r, epoch, loss, (double)NAN, rows * CONTEXT);
    }
    int code = run_finish(r, tape, g.list);
    if (!tg_error(tape))
        write_text(tape, &m, source, sample);
    return tg_error(tape) ? 1 : code;
}

int main(int argc, char **argv)
{
    const char *sample = "600";
    const run_option own[] = {{"sample", "write so many letters afterwards", &sample}};
    run r = {.seed = 1, .epochs = 60, .lr = 3e-3, .own = own, .n_own = 1};
    r.data = "/usr/share/common-licenses/GPL-3";
    int code = run_start(&r, argc, argv);
    if (code >= 0)
        return code;
    tg_tape *tape = tg_tape_new(NULL);
    tg_manual_seed(tape, r.seed);
    text source;
    if (text_read(tape, &source, r.data, 2 * CONTEXT + 1)) {
        code = teach(&r, tape, &source, strtol(sample, NULL, 10));
    } else {
        fprintf(stderr, "transformer: give it a text by --data; Debian's package base-files has "
                        "/usr/share/common-licenses/GPL-3\n");
        code = 1;
    }
    tg_tape_free(tape);
    return code;
}

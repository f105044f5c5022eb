/* A small transformer that reads a text (--data) letter by letter, learns to guess the next one
 * from up to 64 before it, and writes some of its own: two layers of causal attention with four
 * heads and a feed-forward network each, normalised before, on residual connections. */
#include "support/guess.h"
#include "support/model.h"
#include "support/run.h"
#include "support/sample.h"
#include "support/text.h"

#include <math.h>

enum { BLOCKS = 2, HEADS = 4, WIDTH = 64, EACH = WIDTH / HEADS, CONTEXT = 64, BATCH = 16 };

typedef struct block {
    tg_layer_norm_layer norm1, norm2;
    tg_linear_layer qkv, proj, up, down;
} block;

typedef struct model {
    tg_tensor *symbols, *positions; /* embeddings */
    block blocks[BLOCKS];
    tg_layer_norm_layer norm;
    tg_linear_layer head;
} model;

/* Of the command line. */
typedef struct choices {
    int letters, head, held; /* held: percent of the text */
    const char *saved;
} choices;

static block make_block(tg_params *list, int i)
{
    block b; /* one by one: the order decides which random numbers each has */
    b.norm1 = tg_nn_layer_norm(list, TG_DIMS(WIDTH), NULL, "blocks.%d.norm1", i);
    b.qkv = tg_nn_linear(list, WIDTH, 3 * WIDTH, NULL, "blocks.%d.qkv", i);
    b.proj = tg_nn_linear(list, WIDTH, WIDTH, NULL, "blocks.%d.proj", i);
    b.norm2 = tg_nn_layer_norm(list, TG_DIMS(WIDTH), NULL, "blocks.%d.norm2", i);
    b.up = tg_nn_linear(list, WIDTH, 4 * WIDTH, NULL, "blocks.%d.up", i);
    b.down = tg_nn_linear(list, 4 * WIDTH, WIDTH, NULL, "blocks.%d.down", i);
    return b;
}

static model make_model(tg_tape *tape, tg_params *list, int64_t n_symbols)
{
    model m;
    m.symbols = tg_params_add(list, tg_zeros(tape, TG_DIMS(n_symbols, WIDTH), TG_REQUIRES_GRAD),
                              "symbols.weight");
    m.positions = tg_params_add(list, tg_zeros(tape, TG_DIMS(CONTEXT, WIDTH), TG_REQUIRES_GRAD),
                                "positions.weight");
    tg_normal_(m.symbols, 0, 0.02);
    tg_normal_(m.positions, 0, 0.02);
    for (int i = 0; i < BLOCKS; i++)
        m.blocks[i] = make_block(list, i);
    m.norm = tg_nn_layer_norm(list, TG_DIMS(WIDTH), NULL, "norm");
    m.head = tg_nn_linear(list, WIDTH, n_symbols, NULL, "head");
    return m;
}

/* x (n, length, WIDTH) to queries, keys and values, each (n, HEADS, length, EACH). */
static tg_tensor *heads(tg_tensor *x, const tg_linear_layer *qkv)
{
    tg_tensor *all = tg_reshape(tg_nn_apply_linear(x, qkv),
                                TG_DIMS(tg_size(x, 0), tg_size(x, 1), 3, HEADS, EACH));
    return tg_permute(all, TG_DIMS(2, 0, 3, 1, 4));
}

static tg_tensor *attention(tg_tensor *x, const tg_linear_layer *qkv, const tg_linear_layer *proj)
{
    int64_t n = tg_size(x, 0), length = tg_size(x, 1);
    tg_tensor *all = heads(x, qkv);
    tg_tensor *mixed =
        tg_scaled_dot_product_attention(tg_select(all, 0, 0), tg_select(all, 0, 1),
                                        tg_select(all, 0, 2), &(tg_attention_opts){.causal = true});
    return tg_nn_apply_linear(tg_reshape(tg_transpose(mixed, 1, 2), TG_DIMS(n, length, WIDTH)),
                              proj);
}

static tg_tensor *feed_forward(tg_tensor *x, const block *b)
{
    return tg_nn_apply_linear(tg_gelu(tg_nn_apply_linear(x, &b->up)), &b->down);
}

static tg_tensor *embed(const model *m, tg_tensor *symbols)
{
    tg_tensor *x = tg_embedding(m->symbols, symbols, TG_NO_PADDING);
    return tg_add(x, tg_narrow(m->positions, 0, 0, tg_size(symbols, 1)));
}

/* Symbols (n, length) to raw outputs for the symbol after each, (n, length, symbols). */
static tg_tensor *forward(const void *context, tg_tensor *symbols)
{
    const model *m = context;
    tg_tensor *x = embed(m, symbols);
    for (const block *b = m->blocks; b < m->blocks + BLOCKS; b++) {
        x = tg_add(x, attention(tg_nn_apply_layer_norm(x, &b->norm1), &b->qkv, &b->proj));
        x = tg_add(x, feed_forward(tg_nn_apply_layer_norm(x, &b->norm2), b));
    }
    return tg_nn_apply_linear(tg_nn_apply_layer_norm(x, &m->norm), &m->head);
}

/* Goes on from the text's beginning. */
static void write_text(tg_tape *tape, const model *m, const text *source, int letters)
{
    int64_t window[CONTEXT] = {source->symbols[0]};
    int64_t filled = 1;
    bool enabled = tg_set_grad_enabled(tape, false);
    tg_mark start = tg_tape_mark(tape);
    for (int i = 0; i < letters && !tg_error(tape); i++) {
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
    if (!tg_error(tape))
        putchar('\n');
}

/* How much each letter of a text's beginning, a line each, looks at those up to it, by one head of the
 * first block. Training never has these weights at once: the library's attention makes them in passing. */
static void show_attention(tg_tape *tape, const model *m, const text *source, int head)
{
    enum { SHOWN = 32 };
    bool enabled = tg_set_grad_enabled(tape, false);
    tg_tensor *x = embed(m, tg_from_i64(tape, source->symbols, TG_DIMS(1, SHOWN), 0));
    tg_tensor *all = heads(tg_nn_apply_layer_norm(x, &m->blocks[0].norm1), &m->blocks[0].qkv);
    all = tg_select(tg_select(all, 1, 0), 1, head); /* (3, SHOWN, EACH) */
    tg_tensor *keys = tg_transpose(tg_select(all, 0, 1), 0, 1);
    tg_tensor *scores = tg_mul_scalar(tg_matmul(tg_select(all, 0, 0), keys), 1 / sqrt(EACH));
    tg_tensor *later = tg_triu(tg_ones(tape, TG_DIMS(SHOWN, SHOWN), TG_BOOL), 1);
    const float *w = tg_f32(tg_softmax(tg_masked_fill(scores, later, -(double)INFINITY), 1));
    tg_set_grad_enabled(tape, enabled);
    for (int i = 0; i < SHOWN && w; i++) {
        unsigned char letter = source->bytes[source->symbols[i]];
        printf("%c |", letter < ' ' ? ' ' : letter);
        for (int k = 0; k <= i; k++)
            putchar(" .:-=+*#%@"[(int)(9.99F * w[i * SHOWN + k])]);
        putchar('\n');
    }
}

/* --sample: without training; the text says which letters there are. */
static int sample(const run *r, tg_tape *tape, const text *source, const choices *chosen)
{
    tg_params *list = tg_params_new(tape);
    model m = make_model(tape, list, source->n_bytes);
    if (!model_read(list, tape, chosen->saved, r->program))
        return 1;
    tg_manual_seed(tape, r->seed);
    write_text(tape, &m, source, chosen->letters);
    if (chosen->head)
        show_attention(tape, &m, source, chosen->head - 1);
    return tg_error(tape) ? 1 : 0;
}

static int teach(run *r, tg_tape *tape, const text *source, const choices *chosen)
{
    guess g = {.forward = forward, .list = tg_params_new(tape), .run = r};
    model m = make_model(tape, g.list, source->n_bytes);
    int64_t all = (source->n - 1) / CONTEXT - 1; /* and less than one row over, before the first */
    int64_t held = all * chosen->held / 100, rows = all - held;
    g.model = &m;
    guess_prepare(&g, tape, &(guess_sizes){rows, BATCH, CONTEXT, CONTEXT}, r->lr);
    run_begin(r, tape, g.list, g.optim);
    while (run_next(r)) {
        tg_optim_set_lr(g.optim, tg_lr_cosine(r->lr, r->epoch - 1, r->epochs, 0));
        const int64_t *first = source->symbols + r->epoch % CONTEXT * 37 % CONTEXT; /* other rows */
        double loss = guess_epoch(&g, tape, first, first + 1);
        /* What is held out begins a row after the last that is trained on. */
        const int64_t *rest = source->symbols + (rows + 1) * CONTEXT;
        double validation = guess_validate(&g, tape, rest, rest + 1, held);
        run_report(r, &(run_epoch){loss, validation, (double)NAN, rows * CONTEXT});
    }
    run_save(r);
    write_text(tape, &m, source, chosen->letters);
    return run_finish(r);
}

int main(int argc, char **argv)
{
    choices chosen = {.letters = 600};
    const run_option own[] = {
        {"letters", "how many to write afterwards", .count = &chosen.letters},
        {"hold-out", "percent of the text, its end, for a validation loss", .count = &chosen.held},
        {"sample", "only write, by what --save wrote to this file", .text = &chosen.saved},
        {"attention", "after --sample show where head N of 4 looks to", .count = &chosen.head}};
    run r = {.seed = 1, .epochs = 60, .lr = 3e-3, .own = own, .n_own = 4};
    r.data = "/usr/share/common-licenses/GPL-3";
    int code = run_start(&r, argc, argv);
    if (code >= 0)
        return code;
    if (chosen.head > HEADS || chosen.held > 90) {
        if (chosen.head > HEADS)
            fprintf(stderr, "transformer: --attention %d: there are %d heads\n", chosen.head,
                    HEADS);
        else
            fprintf(stderr, "transformer: --hold-out %d: not from 0 to 90\n", chosen.held);
        return 2;
    }
    tg_tape *tape = tg_tape_new(NULL);
    tg_manual_seed(tape, r.seed);
    text source;
    if (text_read(tape, &source, r.data, 2 * CONTEXT + 1)) {
        code =
            chosen.saved ? sample(&r, tape, &source, &chosen) : teach(&r, tape, &source, &chosen);
    } else {
        fprintf(stderr, "transformer: give it a text by --data; Debian's package base-files has "
                        "/usr/share/common-licenses/GPL-3\n");
        code = 1;
    }
    tg_tape_free(tape);
    return code;
}

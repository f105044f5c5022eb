/* Learns from a list of words how words are spelt, and makes up new ones: each letter is guessed
 * from the four before it by a network of one hidden layer over their embeddings, or by --model gru
 * from all before it by a gated recurrent unit. Any text file of one word a line will do
 * (--data). */
#include "support/guess.h"
#include "support/model.h"
#include "support/run.h"
#include "support/sample.h"
#include "support/words.h"

#include <math.h>

enum { EMBEDDING = 16, HIDDEN = 128, BATCH = 128, NEW = 12 };

typedef struct model {
    tg_embedding_layer embedding;
    tg_linear_layer fc;                   /* mlp; NULL: gru */
    tg_tensor *w_ih, *w_hh, *b_ih, *b_hh; /* gru: reset, update and new gate on each other */
    tg_linear_layer out;
} model;

/* Zeros, listed. */
static tg_tensor *add(tg_params *list, tg_tape *tape, const char *name, int ndim,
                      const int64_t *dims)
{
    return tg_params_add(list, tg_zeros(tape, ndim, dims, TG_REQUIRES_GRAD), "gru.%s_l0", name);
}

static void make_gru(tg_tape *tape, tg_params *list, model *m)
{
    m->w_ih = add(list, tape, "weight_ih", TG_DIMS(3 * HIDDEN, EMBEDDING));
    m->w_hh = add(list, tape, "weight_hh", TG_DIMS(3 * HIDDEN, HIDDEN));
    m->b_ih = add(list, tape, "bias_ih", TG_DIMS(3 * HIDDEN));
    m->b_hh = add(list, tape, "bias_hh", TG_DIMS(3 * HIDDEN));
    tg_recurrent_init((tg_tensor *[]){m->w_ih, m->w_hh, m->b_ih, m->b_hh}, 4, HIDDEN);
}

static model make_model(tg_tape *tape, tg_params *list, bool gru)
{
    model m = {.embedding = tg_nn_embedding(list, WORDS_SYMBOLS, EMBEDDING, NULL, "embedding")};
    if (gru)
        make_gru(tape, list, &m);
    else
        m.fc = tg_nn_linear(list, WORDS_BEFORE * EMBEDDING, HIDDEN, NULL, "fc");
    m.out = tg_nn_linear(list, HIDDEN, WORDS_SYMBOLS, NULL, "out");
    return m;
}

/* Both take embedded rows (n, WORDS_ROW, EMBEDDING) to (n, WORDS_STEPS, HIDDEN). */
static tg_tensor *mlp(const model *m, tg_tensor *x)
{
    tg_tensor *before[WORDS_BEFORE];
    for (int i = 0; i < WORDS_BEFORE; i++)
        before[i] = tg_narrow(x, 1, i, WORDS_STEPS);
    return tg_tanh(tg_nn_apply_linear(tg_cat(before, WORDS_BEFORE, 2), &m->fc));
}

static tg_tensor *gru(const model *m, tg_tensor *x)
{
    tg_tensor *inputs = tg_linear(x, m->w_ih, m->b_ih), *outputs[WORDS_STEPS];
    tg_tensor *h = tg_zeros(tg_tape_of(x), TG_DIMS(tg_size(x, 0), HIDDEN), 0);
    for (int t = 0; t < WORDS_STEPS; t++) {
        tg_tensor *in[3] = {0}, *state[3] = {0};
        tg_chunk(tg_select(inputs, 1, WORDS_BEFORE - 1 + t), 3, 1, in);
        tg_chunk(tg_linear(h, m->w_hh, m->b_hh), 3, 1, state);
        tg_tensor *reset = tg_sigmoid(tg_add(in[0], state[0]));
        tg_tensor *update = tg_sigmoid(tg_add(in[1], state[1]));
        tg_tensor *new = tg_tanh(tg_add(in[2], tg_mul(reset, state[2])));
        h = outputs[t] = tg_add(new, tg_mul(update, tg_sub(h, new)));
    }
    return tg_stack(outputs, WORDS_STEPS, 1);
}

/* Rows (n, WORDS_ROW) to the raw outputs of each step (n, WORDS_STEPS, WORDS_SYMBOLS). */
static tg_tensor *forward(const void *context, tg_tensor *rows)
{
    const model *m = context;
    tg_tensor *x = tg_nn_apply_embedding(rows, &m->embedding);
    return tg_nn_apply_linear(m->fc.weight ? mlp(m, x) : gru(m, x), &m->out);
}

/* Draws NEW words at once, a letter of each at a time. */
static void print_new(tg_tape *tape, const model *m)
{
    int64_t rows[NEW][WORDS_ROW] = {{0}}, drawn[NEW];
    bool enabled = tg_set_grad_enabled(tape, false);
    for (int t = 0; t < WORDS_STEPS - 1; t++) {
        tg_tensor *x = tg_from_i64(tape, rows[0], TG_DIMS(NEW, WORDS_ROW), 0);
        sample_classes(tg_select(forward(m, x), 1, t), drawn);
        for (int i = 0; i < NEW; i++)
            rows[i][WORDS_BEFORE + t] = t && !rows[i][WORDS_BEFORE + t - 1] ? 0 : drawn[i];
    }
    tg_set_grad_enabled(tape, enabled);
    for (int i = 0; i < NEW && !tg_error(tape); i++) {
        char text[WORDS_STEPS];
        words_spell(rows[i], text);
        printf("%s\n", text);
    }
}

/* --sample: without training, and without the list of words. */
static int sample(const run *r, tg_tape *tape, bool recurrent, const char *path)
{
    tg_params *list = tg_params_new(tape);
    model m = make_model(tape, list, recurrent);
    if (!model_read(list, tape, path, r->program))
        return 1;
    tg_manual_seed(tape, r->seed);
    print_new(tape, &m);
    return tg_error(tape) ? 1 : 0;
}

static int teach(run *r, tg_tape *tape, bool recurrent, const words *w)
{
    guess g = {.forward = forward, .list = tg_params_new(tape), .run = r};
    model m = make_model(tape, g.list, recurrent);
    g.model = &m;
    guess_prepare(&g, tape, &(guess_sizes){w->n, BATCH, WORDS_ROW, WORDS_STEPS}, r->lr);
    run_begin(r, tape, g.list, g.optim);
    while (run_next(r)) {
        tg_optim_set_lr(g.optim, tg_lr_cosine(r->lr, r->epoch - 1, r->epochs, 0));
        double loss = guess_epoch(&g, tape, w->inputs, w->targets);
        run_report(r, &(run_epoch){loss, (double)NAN, (double)NAN, w->n});
    }
    run_save(r);
    print_new(tape, &m);
    return run_finish(r);
}

int main(int argc, char **argv)
{
    const char *kind = "mlp", *saved = NULL;
    const run_option own[] = {
        {"model", "mlp or gru", .text = &kind},
        {"sample", "only make up words, by what --save wrote to this file", .text = &saved}};
    run r = {.seed = 1, .epochs = 5, .lr = 4e-3, .own = own, .n_own = 2};
    r.data = "/usr/share/dict/words";
    int code = run_start(&r, argc, argv);
    if (code >= 0)
        return code;
    int chosen = model_choice(kind, (const char *[]){"mlp", "gru"});
    if (chosen < 0)
        return 2;
    tg_tape *tape = tg_tape_new(NULL);
    tg_manual_seed(tape, r.seed);
    words w;
    if (saved) {
        code = sample(&r, tape, chosen == 1, saved);
    } else if (words_read(tape, &w, r.data)) {
        code = teach(&r, tape, chosen == 1, &w);
    } else {
        fprintf(stderr, "names: a list of words is in Debian's package wamerican\n");
        code = 1;
    }
    tg_tape_free(tape);
    return code;
}

/* A recurrent network, nn.LSTM's, that learns a verse letter by letter and then writes it by itself. */
#include <tinygrad.h>

static const unsigned char verse[] = "row, row, row your boat, gently down the stream. ";
enum { LENGTH = sizeof verse - 1, LETTERS = 128, WIDTH = 16, HIDDEN = 64 };

typedef struct model {
    tg_embedding_layer letters;
    tg_tensor *w_ih, *w_hh, *b_ih, *b_hh; /* input, forget, cell and output gate on each other */
    tg_linear_layer out;
} model;

typedef struct state {
    tg_tensor *h, *c; /* (1, HIDDEN) each */
} state;

static tg_tensor *add(tg_params *list, const char *name, int ndim, const int64_t *dims,
                      tg_tape *tape)
{
    return tg_params_add(list, tg_zeros(tape, ndim, dims, TG_REQUIRES_GRAD), "lstm.%s_l0", name);
}

static model make_model(tg_tape *tape, tg_params *list)
{
    model m = {.letters = tg_nn_embedding(list, LETTERS, WIDTH, NULL, "letters")};
    m.w_ih = add(list, "weight_ih", TG_DIMS(4 * HIDDEN, WIDTH), tape);
    m.w_hh = add(list, "weight_hh", TG_DIMS(4 * HIDDEN, HIDDEN), tape);
    m.b_ih = add(list, "bias_ih", TG_DIMS(4 * HIDDEN), tape);
    m.b_hh = add(list, "bias_hh", TG_DIMS(4 * HIDDEN), tape);
    tg_recurrent_init((tg_tensor *[]){m.w_ih, m.w_hh, m.b_ih, m.b_hh}, 4, HIDDEN);
    m.out = tg_nn_linear(list, HIDDEN, LETTERS, NULL, "out");
    return m;
}

static state nothing(tg_tape *tape)
{
    return (state){tg_zeros(tape, TG_DIMS(1, HIDDEN), 0), tg_zeros(tape, TG_DIMS(1, HIDDEN), 0)};
}

/* One letter, an index of shape (1), to the raw outputs for the next. */
static tg_tensor *step(const model *m, tg_tensor *letter, state *s)
{
    tg_tensor *x = tg_nn_apply_embedding(letter, &m->letters), *gate[4] = {0};
    tg_chunk(tg_add(tg_linear(x, m->w_ih, m->b_ih), tg_linear(s->h, m->w_hh, m->b_hh)), 4, 1, gate);
    tg_tensor *kept = tg_mul(tg_sigmoid(gate[1]), s->c);
    s->c = tg_add(kept, tg_mul(tg_sigmoid(gate[0]), tg_tanh(gate[2])));
    s->h = tg_mul(tg_sigmoid(gate[3]), tg_tanh(s->c));
    return tg_nn_apply_linear(s->h, &m->out);
}

static tg_tensor *loss_of(const model *m, tg_tensor *letters)
{
    state s = nothing(tg_tape_of(letters));
    tg_tensor *logits[LENGTH - 1];
    for (int t = 0; t < LENGTH - 1; t++)
        logits[t] = step(m, tg_narrow(letters, 0, t, 1), &s);
    return tg_cross_entropy(tg_cat(logits, LENGTH - 1, 0), tg_narrow(letters, 0, 1, LENGTH - 1),
                            NULL);
}

/* Goes on from the verse's first letter with whatever is the most likely. */
static void write_verse(tg_tape *tape, const model *m)
{
    state s = nothing(tape);
    int64_t letter = verse[0];
    tg_set_grad_enabled(tape, false);
    for (int t = 0; t < LENGTH && !tg_error(tape); t++) {
        putchar((int)letter);
        tg_tensor *index = tg_from_i64(tape, &letter, TG_DIMS(1), 0);
        letter = (int64_t)tg_item(tg_argmax_dim(step(m, index, &s), 1, false));
    }
    putchar('\n');
}

int main(void)
{
    tg_tape *tape = tg_tape_new(NULL);
    tg_manual_seed(tape, 1);
    tg_params *list = tg_params_new(tape);
    model m = make_model(tape, list);
    int64_t codes[LENGTH];
    for (int i = 0; i < LENGTH; i++)
        codes[i] = verse[i];
    tg_tensor *letters = tg_from_i64(tape, codes, TG_DIMS(LENGTH), 0);
    tg_tensor *const *params = tg_params_unique(list);
    size_t n = tg_params_unique_count(list);
    tg_optim *optim = tg_adam(tape, params, n, &(tg_adam_opts){.lr = 0.01});
    tg_mark start = tg_tape_mark(tape);
    for (int epoch = 1; epoch <= 60 && !tg_error(tape); epoch++) {
        tg_tape_rewind(tape, start);
        tg_tensor *loss = loss_of(&m, letters);
        tg_optim_zero_grad(optim);
        tg_backward(loss);
        tg_clip_grad_norm(params, n, 1, 2);
        tg_optim_step(optim);
        if (epoch % 20 == 0)
            printf("epoch %d  loss %.4f\n", epoch, tg_item(loss));
    }
    write_verse(tape, &m);
    int failed = tg_error(tape) != TG_OK;
    if (failed)
        fprintf(stderr, "%s\n", tg_error_message(tape));
    tg_tape_free(tape);
    return failed;
}

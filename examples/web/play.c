#include "play.h"

#include <tinygrad.h>

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { DIGITS = 1000, APART = 200, LEARNT = DIGITS - APART, DIGITS_BATCH = 50, DIGITS_STEPS = 480 };
enum { NAMES = 400, BEFORE = 4, LETTERS = 11, ROW = BEFORE + LETTERS - 1 };
enum { EMBEDDING = 8, NAMES_HIDDEN = 48, NAMES_BATCH = 24, NAMES_STEPS = 400 };

/* What both networks have: each its own tape and generator, so that neither changes what the other draws. */
typedef struct learner {
    tg_tape *tape;
    tg_params *list;
    tg_optim *optim;
    tg_batches *batches;
    tg_tensor *x, *y; /* the present batch */
    tg_mark start;
    int step;
    char *text; /* the data */
    float gradients[PLAY_PARAMETERS];
    char hash[17];
    char *graph;
} learner;

static struct {
    learner learner;
    tg_linear_layer hidden, out;
    uint8_t pixels[DIGITS][PLAY_PIXELS], labels[DIGITS];
    float picture[PLAY_PIXELS];
    float guess[PLAY_CLASSES];
} digits;

static struct {
    learner learner;
    tg_embedding_layer embedding;
    tg_linear_layer hidden, out;
    int64_t rows[NAMES][ROW], targets[NAMES][LETTERS], n;
    tg_tape *drawing; /* letters are drawn with a generator of their own */
    tg_mark drawn;
    int64_t spelt[ROW];
    int length;
    float letters[PLAY_SYMBOLS];
} names;

static learner *learner_of(int which)
{
    return which == PLAY_DIGITS ? &digits.learner : &names.learner;
}

static void begin_learner(learner *l, int seed)
{
    tg_tape_free(l->tape);
    l->tape = tg_tape_new(&(tg_tape_opts){.threads = 1});
    tg_manual_seed(l->tape, (uint64_t)seed);
    l->list = tg_params_new(l->tape);
    l->step = 0;
}

static tg_tensor *read_digits(tg_tensor *x)
{
    tg_tensor *hidden = tg_relu(tg_nn_apply_linear(x, &digits.hidden));
    return tg_nn_apply_linear(hidden, &digits.out);
}

/* Rows of symbols to the raw outputs for the one behind each four. */
static tg_tensor *spell(tg_tensor *rows)
{
    tg_tensor *x = tg_nn_apply_embedding(rows, &names.embedding), *before[BEFORE];
    for (int i = 0; i < BEFORE; i++)
        before[i] = tg_narrow(x, 1, i, LETTERS);
    tg_tensor *hidden = tg_tanh(tg_nn_apply_linear(tg_cat(before, BEFORE, 2), &names.hidden));
    return tg_nn_apply_linear(hidden, &names.out);
}

/* false: the text is not what it must be. */
static bool take_digits(const char *text)
{
    for (int i = 0; i < DIGITS; i++, text += PLAY_PIXELS + 3) {
        if (strspn(text, "0123456789abcdefg") != PLAY_PIXELS || text[PLAY_PIXELS] != ' ')
            return false;
        for (int p = 0; p < PLAY_PIXELS; p++)
            digits.pixels[i][p] = (uint8_t)(text[p] <= '9' ? text[p] - '0' : text[p] - 'a' + 10);
        digits.labels[i] = (uint8_t)(text[PLAY_PIXELS + 1] - '0');
    }
    return true;
}

static bool take_names(const char *text)
{
    memset(names.rows, 0, sizeof names.rows);
    for (names.n = 0; names.n < NAMES && *(text += strspn(text, " \n")); names.n++) {
        size_t length = strspn(text, "abcdefghijklmnopqrstuvwxyz");
        if (!length || length >= LETTERS)
            return false;
        for (size_t i = 0; i < LETTERS; i++)
            names.targets[names.n][i] = i < length ? text[i] - 'a' + 1 : i == length ? 0 : -100;
        for (size_t i = 0; i < length; i++)
            names.rows[names.n][BEFORE + i] = names.targets[names.n][i];
        text += length;
    }
    return names.n > NAMES_BATCH;
}

static void begin_digits(void)
{
    learner *l = &digits.learner;
    begin_learner(l, 1);
    digits.hidden = tg_nn_linear(l->list, PLAY_PIXELS, PLAY_HIDDEN, NULL, "hidden");
    digits.out = tg_nn_linear(l->list, PLAY_HIDDEN, PLAY_CLASSES, NULL, "out");
    l->optim = tg_sgd(l->tape, tg_params_unique(l->list), tg_params_unique_count(l->list),
                      &(tg_sgd_opts){.momentum = 0.9});
    l->batches = tg_batches_new(l->tape, LEARNT, DIGITS_BATCH, &(tg_batches_opts){.shuffle = true});
    l->x = tg_zeros(l->tape, TG_DIMS(DIGITS_BATCH, PLAY_PIXELS), 0);
    l->y = tg_zeros(l->tape, TG_DIMS(DIGITS_BATCH), TG_I64);
    l->start = tg_tape_mark(l->tape);
}

static void begin_names(void)
{
    learner *l = &names.learner;
    begin_learner(l, 2);
    names.embedding = tg_nn_embedding(l->list, PLAY_SYMBOLS, EMBEDDING, NULL, "embedding");
    names.hidden = tg_nn_linear(l->list, (int64_t)BEFORE * EMBEDDING, NAMES_HIDDEN, NULL, "hidden");
    names.out = tg_nn_linear(l->list, NAMES_HIDDEN, PLAY_SYMBOLS, NULL, "out");
    l->optim = tg_sgd(l->tape, tg_params_unique(l->list), tg_params_unique_count(l->list),
                      &(tg_sgd_opts){.momentum = 0.9});
    l->batches = tg_batches_new(l->tape, names.n, NAMES_BATCH,
                                &(tg_batches_opts){.shuffle = true, .drop_last = true});
    l->x = tg_zeros(l->tape, TG_DIMS(NAMES_BATCH, ROW), TG_I64);
    l->y = tg_zeros(l->tape, TG_DIMS(NAMES_BATCH, LETTERS), TG_I64);
    l->start = tg_tape_mark(l->tape);
    tg_tape_free(names.drawing);
    names.drawing = tg_tape_new(&(tg_tape_opts){.threads = 1});
    names.drawn = tg_tape_mark(names.drawing);
}

char *play_text(int which, int size)
{
    learner *l = learner_of(which);
    free(l->text);
    l->text = calloc(1, (size_t)size + 1);
    return l->text;
}

int play_begin(void)
{
    if (!digits.learner.text || !names.learner.text || !take_digits(digits.learner.text) ||
        !take_names(names.learner.text))
        return 1;
    begin_digits();
    begin_names();
    return tg_error(digits.learner.tape) || tg_error(names.learner.tape);
}

int play_steps(int which)
{
    return which == PLAY_DIGITS ? DIGITS_STEPS : NAMES_STEPS;
}

/* The next batch, of a new epoch where the present one is over. */
static void next_batch(learner *l)
{
    if (l->step && tg_batches_next(l->batches))
        return;
    tg_batches_start(l->batches);
    tg_batches_next(l->batches);
}

static tg_tensor *digits_loss(learner *l)
{
    tg_batches_read_scaled(l->batches, digits.pixels, TG_ARRAY_U8, l->x,
                           &(tg_scaling){.divisor = 16});
    tg_batches_read_as(l->batches, digits.labels, TG_ARRAY_U8, l->y);
    return tg_cross_entropy(read_digits(l->x), l->y, NULL);
}

static tg_tensor *names_loss(learner *l)
{
    tg_batches_read(l->batches, names.rows, l->x);
    tg_batches_read(l->batches, names.targets, l->y);
    tg_tensor *outputs = tg_reshape(spell(l->x), TG_DIMS(NAMES_BATCH * LETTERS, PLAY_SYMBOLS));
    return tg_cross_entropy(outputs, tg_reshape(l->y, TG_DIMS(NAMES_BATCH * LETTERS)), NULL);
}

double play_step(int which)
{
    learner *l = learner_of(which);
    tg_tape_rewind(l->tape, l->start);
    next_batch(l);
    /* Falls in four stairs. Neither this nor the optimiser asks a libm, of which machines have several. */
    double rate = which == PLAY_DIGITS ? 0.1 : 0.4;
    tg_optim_set_lr(l->optim, tg_lr_step(rate, l->step, play_steps(which) / 4, 0.5));
    tg_tensor *loss = which == PLAY_DIGITS ? digits_loss(l) : names_loss(l);
    tg_optim_zero_grad(l->optim);
    tg_backward(loss);
    tg_optim_step(l->optim);
    l->step++;
    return tg_item(loss);
}

double play_accuracy(void)
{
    learner *l = &digits.learner;
    tg_tape_rewind(l->tape, l->start);
    bool enabled = tg_set_grad_enabled(l->tape, false);
    tg_tensor *x = tg_from_array(l->tape, digits.pixels[LEARNT], TG_ARRAY_U8,
                                 TG_DIMS(APART, PLAY_PIXELS), TG_F32);
    const int64_t *read = tg_i64(tg_argmax_dim(read_digits(tg_div_scalar(x, 16)), 1, false));
    int right = 0;
    for (int i = 0; i < APART && read; i++)
        right += read[i] == digits.labels[LEARNT + i];
    tg_set_grad_enabled(l->tape, enabled);
    return (double)right / (double)APART;
}

const float *play_weights(void)
{
    return tg_f32(digits.hidden.weight);
}

float *play_picture(void)
{
    return digits.picture;
}

const float *play_guess(void)
{
    learner *l = &digits.learner;
    tg_tape_rewind(l->tape, l->start);
    bool enabled = tg_set_grad_enabled(l->tape, false);
    tg_tensor *x = tg_from_f32(l->tape, digits.picture, TG_DIMS(1, PLAY_PIXELS), 0);
    const float *p = tg_f32(tg_softmax(read_digits(x), 1));
    if (p)
        memcpy(digits.guess, p, sizeof digits.guess);
    tg_set_grad_enabled(l->tape, enabled);
    return digits.guess;
}

const uint8_t *play_example(int i)
{
    return digits.pixels[i >= 0 && i < DIGITS ? i : 0];
}

/* The first symbol at which the sum of the probabilities passes a uniform number. */
static int draw(const float *p)
{
    tg_tape_rewind(names.drawing, names.drawn);
    double u = tg_item(tg_rand(names.drawing, TG_SCALAR, TG_F64)), sum = (double)p[0];
    int symbol = 0;
    while (symbol < PLAY_SYMBOLS - 1 && sum <= u)
        sum += (double)p[++symbol];
    return symbol;
}

int play_letter(int first)
{
    learner *l = &names.learner;
    if (first) {
        memset(names.spelt, 0, sizeof names.spelt);
        names.length = 0;
    }
    tg_tape_rewind(l->tape, l->start);
    bool enabled = tg_set_grad_enabled(l->tape, false);
    tg_tensor *rows = tg_from_i64(l->tape, names.spelt, TG_DIMS(1, ROW), 0);
    tg_tensor *outputs = tg_select(tg_select(spell(rows), 0, 0), 0, names.length);
    const float *p = tg_f32(tg_softmax(outputs, 0));
    if (p)
        memcpy(names.letters, p, sizeof names.letters);
    tg_set_grad_enabled(l->tape, enabled);
    int letter = draw(names.letters);
    if (names.length == LETTERS - 1)
        return 0;
    names.spelt[BEFORE + names.length++] = letter;
    return letter;
}

const float *play_letters(void)
{
    return names.letters;
}

static const char *name_of(const void *context, const tg_tensor *t)
{
    const learner *l = context;
    return t == l->x ? "batch" : t == l->y ? "targets" : tg_params_name_of(l->list, t);
}

/* What the last step recorded is on the tape until the next one. */
const char *play_graph(int which)
{
    learner *l = learner_of(which);
    free(l->graph);
    l->graph = NULL;
    size_t size = 0;
    FILE *file = open_memstream(&l->graph, &size);
    if (!file)
        return "";
    tg_write_dot_with(file, l->tape, l->start, &(tg_dot_opts){name_of, l});
    fclose(file);
    return l->graph ? l->graph : "";
}

const float *play_gradients(int which)
{
    learner *l = learner_of(which);
    for (size_t i = 0; i < PLAY_PARAMETERS && i < tg_params_count(l->list); i++) {
        tg_tensor *g = tg_grad(tg_params_tensor(l->list, i));
        const float *values = tg_f32(g);
        double sum = 0;
        for (int64_t k = 0; values && k < tg_numel(g); k++)
            sum += (double)values[k] * (double)values[k];
        l->gradients[i] = (float)sqrt(sum);
    }
    return l->gradients;
}

/* FNV-1a over the bits of all parameters. */
const char *play_hash(int which)
{
    learner *l = learner_of(which);
    uint64_t hash = 0xcbf29ce484222325;
    for (size_t i = 0; i < tg_params_count(l->list); i++) {
        tg_tensor *t = tg_params_tensor(l->list, i);
        const float *values = tg_f32(t);
        for (int64_t k = 0; k < tg_numel(t); k++) {
            uint32_t bits;
            memcpy(&bits, &values[k], sizeof bits);
            hash = (hash ^ bits) * 0x100000001b3;
        }
    }
    for (int i = 15; i >= 0; i--, hash >>= 4)
        l->hash[i] = "0123456789abcdef"[hash & 15];
    return l->hash;
}

const char *play_error(void)
{
    if (!digits.learner.tape)
        return "the data are not what they must be";
    const char *first = tg_error_message(digits.learner.tape);
    return *first ? first : tg_error_message(names.learner.tape);
}

/* Word vectors: each word of a text (--data) is to tell the words around it from others, drawn by how
 * frequent they are (skip-gram with negative sampling; Mikolov et al., 2013). Shows which words have
 * come to lie side by side. */
#include "support/run.h"
#include "support/step.h"
#include "support/vocabulary.h"

#include <math.h>

enum { WIDTH = 32, WINDOW = 4, NEGATIVE = 5, BATCH = 512, LEAST = 8, TABLE = 10000 };
enum { SHOWN = 12, NEIGHBOURS = 4 };

typedef struct model {
    tg_params *list;
    tg_tensor *words, *contexts; /* the vectors of each word: in the middle, and around */
    tg_optim *optim;
} model;

/* What a step works with. */
typedef struct trainer {
    const model *model;
    tg_batches *batches;        /* of positions in the text */
    tg_tensor *middle, *around; /* of a batch: words, and one of those around each */
    tg_tensor *table;           /* words as often as they are to be drawn */
    tg_tensor *wanted;          /* (1, 1 + NEGATIVE): the first is right */
} trainer;

static model make_model(tg_tape *tape, int64_t n_words, double lr)
{
    model m = {.list = tg_params_new(tape)};
    m.words =
        tg_params_add(m.list, tg_zeros(tape, TG_DIMS(n_words, WIDTH), TG_REQUIRES_GRAD), "words");
    m.contexts = tg_params_add(m.list, tg_zeros(tape, TG_DIMS(n_words, WIDTH), TG_REQUIRES_GRAD),
                               "contexts");
    tg_uniform_(m.words, -0.5 / (double)WIDTH, 0.5 / (double)WIDTH);
    m.optim = tg_adam(tape, tg_params_unique(m.list), tg_params_unique_count(m.list),
                      &(tg_adam_opts){.lr = lr});
    return m;
}

/* Words in proportion to count^(3/4). */
static tg_tensor *make_table(tg_tape *tape, const vocabulary *v)
{
    tg_tensor *table = tg_zeros(tape, TG_DIMS(TABLE), TG_I64);
    int64_t *drawn = tg_data_mut(table), word = 0;
    double all = 0, sum;
    for (int64_t i = 0; i < v->n_words; i++)
        all += pow((double)v->count[i], 0.75);
    sum = pow((double)v->count[0], 0.75);
    for (int64_t i = 0; drawn && i < TABLE; i++) {
        while (word < v->n_words - 1 && (double)i / (double)TABLE >= sum / all)
            sum += pow((double)v->count[++word], 0.75);
        drawn[i] = word;
    }
    return table;
}

static tg_tensor *record(void *context, int64_t size)
{
    const trainer *t = context;
    const model *m = t->model;
    tg_tape *tape = tg_tape_of(m->words);
    tg_tensor *middle = tg_narrow(t->middle, 0, 0, size),
              *around = tg_narrow(t->around, 0, 0, size);
    tg_tensor *drawn = tg_randint(tape, 0, TABLE, TG_DIMS(size * NEGATIVE), TG_I64);
    drawn = tg_reshape(tg_index_select(t->table, 0, drawn), TG_DIMS(size, NEGATIVE));
    tg_tensor *others = tg_cat((tg_tensor *[]){tg_unsqueeze(around, 1), drawn}, 2, 1);
    tg_tensor *x = tg_unsqueeze(tg_embedding(m->words, middle, TG_NO_PADDING), 1);
    tg_tensor *y = tg_embedding(m->contexts, others, TG_NO_PADDING);
    tg_tensor *scores = tg_sum_dim(tg_mul(x, y), 2, false);
    tg_tensor *wanted = tg_expand(t->wanted, TG_DIMS(size, 1 + NEGATIVE));
    tg_tensor *loss = tg_mul_scalar(tg_bce_with_logits_loss(scores, wanted, NULL), 1 + NEGATIVE);
    tg_optim_zero_grad(m->optim);
    tg_backward(loss);
    tg_optim_step(m->optim);
    return loss;
}

/* The words of the present batch, and for each one of the others within the window, `shift` further on. */
static void read_batch(const trainer *t, const vocabulary *v, int64_t shift)
{
    const int64_t *at = tg_batches_indices(t->batches), size = tg_batches_size(t->batches);
    int64_t *middle = tg_data_mut(t->middle), *around = tg_data_mut(t->around);
    for (int64_t i = 0; middle && around && i < size; i++) {
        middle[i] = v->text[at[i] + WINDOW];
        around[i] = v->text[at[i] + WINDOW + shift];
    }
}

static double train(run *r, tg_tape *tape, step *s, const vocabulary *v)
{
    static const int64_t shifts[] = {-1, 1, -2, 2, -3, 3, -4, 4};
    const trainer *t = s->context;
    int64_t seen = 0, each = 0, n = v->n - 2 * WINDOW;
    double sum = 0;
    tg_batches_start(t->batches);
    while (tg_batches_next(t->batches)) {
        int64_t size = tg_batches_size(t->batches);
        read_batch(t, v, shifts[(each++ + r->epoch) % (2 * WINDOW)]);
        sum += step_run(s, tape, size) * (double)size;
        run_progress(r, seen += size, n);
    }
    return sum / (double)n;
}

/* The words whose vectors have the smallest angles with that of `word`. */
static void show_neighbours(const vocabulary *v, float *cosines, int64_t word)
{
    printf("%-12s", v->words[word]);
    cosines[word] = -2;
    for (int k = 0; k < NEIGHBOURS && k < v->n_words - 1; k++) {
        int64_t best = 0;
        for (int64_t i = 1; i < v->n_words; i++)
            best = cosines[i] > cosines[best] ? i : best;
        printf("  %s %.2f", v->words[best], (double)cosines[best]);
        cosines[best] = -2;
    }
    putchar('\n');
}

/* Of frequent words, but not the most frequent ones, which stand beside everything. */
static void show(const vocabulary *v, const model *m)
{
    tg_tensor *length = tg_norm_dims(m->words, 2, TG_DIMS(1), true);
    tg_tensor *unit = tg_div(m->words, length), *all = tg_matmul(unit, tg_transpose(unit, 0, 1));
    float *cosines = tg_data_mut(tg_contiguous(all));
    int64_t first = v->n_words > 3 * SHOWN ? 2 * SHOWN : 0;
    for (int64_t i = first; cosines && i < first + SHOWN && i < v->n_words; i++)
        show_neighbours(v, cosines + i * v->n_words, i);
}

static int teach(run *r, tg_tape *tape, const vocabulary *v)
{
    model m = make_model(tape, v->n_words, r->lr);
    trainer t = {.model = &m, .table = make_table(tape, v)};
    t.batches = tg_batches_new(tape, v->n - 2 * WINDOW, BATCH, &(tg_batches_opts){.shuffle = true});
    t.middle = tg_zeros(tape, TG_DIMS(BATCH), TG_I64);
    t.around = tg_zeros(tape, TG_DIMS(BATCH), TG_I64);
    t.wanted = tg_from_f32(tape, (float[1 + NEGATIVE]){1}, TG_DIMS(1, 1 + NEGATIVE), 0);
    step s = {.record = record, .context = &t, .size = BATCH, .eager = r->eager};
    run_begin(r, tape, m.list, m.optim);
    while (run_next(r)) {
        tg_optim_set_lr(m.optim, tg_lr_cosine(r->lr, r->epoch - 1, r->epochs, 0));
        double loss = train(r, tape, &s, v);
        run_report(r, &(run_epoch){loss, (double)NAN, (double)NAN, v->n - 2 * WINDOW});
    }
    run_save(r);
    tg_set_grad_enabled(tape, false);
    show(v, &m);
    return run_finish(r);
}

int main(int argc, char **argv)
{
    int least = LEAST;
    const run_option own[] = {{"least", "leave out words that are rarer", .count = &least}};
    run r = {.seed = 1, .epochs = 200, .lr = 5e-3, .own = own, .n_own = 1};
    r.data = "/usr/share/common-licenses/GPL-3";
    int code = run_start(&r, argc, argv);
    if (code >= 0)
        return code;
    tg_tape *tape = tg_tape_new(NULL);
    tg_manual_seed(tape, r.seed);
    vocabulary v;
    code = 1;
    if (!vocabulary_read(&v, tape, r.data, least > 1 ? least : 1))
        fprintf(stderr, "word2vec: give it a text by --data; Debian's package base-files has "
                        "/usr/share/common-licenses/GPL-3\n");
    else if (v.n <= 2 * WINDOW)
        fprintf(stderr, "%s: too short\n", r.data);
    else
        code = teach(&r, tape, &v);
    tg_tape_free(tape);
    return code;
}

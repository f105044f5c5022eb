/* Which classes a model takes for which, and the pictures it is most wrong about. */
#include "mistakes.h"

#include <math.h>
#include <string.h>

enum { SIDE = FASHION_SIDE, PIXELS = SIDE * SIDE, CLASSES = FASHION_CLASSES, WORST = 2 };

static const char *const names[CLASSES] = {"T-shirt", "trousers", "pullover", "dress", "coat",
                                           "sandal",  "shirt",    "sneaker",  "bag",   "boot"};

typedef struct mistake {
    const float *image; /* NULL: there is none */
    int64_t label;
    int guess;
    float loss;
} mistake;

typedef struct findings {
    int64_t counts[CLASSES][CLASSES]; /* label, guess */
    mistake worst[WORST];             /* the largest loss first */
} findings;

static void note(findings *f, const float *image, int64_t label, const float *log_softmax)
{
    mistake m = {.image = image, .label = label, .loss = -log_softmax[label]};
    for (int c = 1; c < CLASSES; c++)
        m.guess = log_softmax[c] > log_softmax[m.guess] ? c : m.guess;
    f->counts[label][m.guess]++;
    for (int i = 0; i < WORST && m.guess != m.label && m.image; i++) {
        if (!f->worst[i].image || m.loss > f->worst[i].loss) {
            mistake less = f->worst[i];
            f->worst[i] = m;
            m = less;
        }
    }
}

static void look(findings *f, const fashion_loader *l, tg_tape *tape, fashion_forward *forward,
                 const void *model)
{
    bool enabled = tg_set_grad_enabled(tape, false);
    tg_mark start = tg_tape_mark(tape);
    tg_batches_start(l->batches);
    while (tg_batches_next(l->batches)) {
        tg_tape_rewind(tape, start);
        int64_t size = fashion_batch(l);
        tg_tensor *outputs = forward(model, tg_narrow(l->x, 0, 0, size));
        const float *scores = tg_f32(tg_log_softmax(outputs, 1));
        const int64_t *at = tg_batches_indices(l->batches);
        for (int64_t i = 0; i < size && scores; i++)
            note(f, l->set->images + at[i] * PIXELS, l->set->labels[at[i]], scores + i * CLASSES);
    }
    tg_tape_rewind(tape, start);
    tg_set_grad_enabled(tape, enabled);
}

static void print_counts(const findings *f)
{
    printf("%10s", "is, taken:");
    for (int c = 0; c < CLASSES; c++)
        printf("%6.5s", names[c]);
    for (int label = 0; label < CLASSES; label++) {
        printf("\n%10s", names[label]);
        for (int guess = 0; guess < CLASSES; guess++)
            printf("%6lld", (long long)f->counts[label][guess]);
    }
    putchar('\n');
}

/* Two rows of pixels in one of text, by half blocks. */
static void print_row(const float *image, int row)
{
    static const char *const blocks[] = {" ", "\xe2\x96\x80", "\xe2\x96\x84", "\xe2\x96\x88"};
    for (int x = 0; x < SIDE; x++) {
        int upper = image[row * SIDE + x] > 0.4F, lower = image[(row + 1) * SIDE + x] > 0.4F;
        fputs(blocks[upper + 2 * lower], stdout);
    }
}

static void print_worst(const findings *f)
{
    for (int i = 0; i < WORST && f->worst[i].image; i++) {
        const mistake *m = &f->worst[i];
        printf("%s%s, taken for %s (probability %.2g):\n", i ? "" : "Most wrong:\n",
               names[m->label], names[m->guess], (double)expf(-m->loss));
        for (int row = 0; row < SIDE; row += 2) {
            print_row(m->image, row);
            putchar('\n');
        }
    }
}

void mistakes_print(const fashion_loader *loader, tg_tape *tape, fashion_forward *forward,
                    const void *model)
{
    findings f;
    memset(&f, 0, sizeof f);
    look(&f, loader, tape, forward, model);
    if (tg_error(tape))
        return;
    print_counts(&f);
    print_worst(&f);
}

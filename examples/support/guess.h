/* Training a model that guesses symbols from those before them: what names and transformer
 * share. */
#ifndef EXAMPLES_GUESS_H
#define EXAMPLES_GUESS_H

#include <tinygrad.h>

/* All of it is made before the loop's mark. */
typedef struct guess {
    /* Rows of symbols (n, width) to raw outputs for each step (n, steps, symbols). */
    tg_tensor *(*forward)(const void *model, tg_tensor *rows);
    const void *model;
    tg_params *list; /* the model's parameters */
    tg_optim *optim;
    tg_batches *batches;
    tg_tensor *x, *y; /* a full batch of inputs, and of targets */
} guess;

/* The sizes of a data set. */
typedef struct guess_sizes {
    int64_t rows, batch;
    int64_t width, steps; /* of a row of inputs and of targets */
} guess_sizes;

/* Makes what stands behind `list` in the struct, for the parameters in it. */
void guess_prepare(guess *g, tg_tape *tape, const guess_sizes *sizes, double lr);
/* Goes once over the rows in random order; returns the mean loss. */
double guess_epoch(const guess *g, tg_tape *tape, const int64_t *inputs, const int64_t *targets);

#endif

/* Training a model that guesses symbols from those before them: what names and transformer
 * share. */
#ifndef EXAMPLES_GUESS_H
#define EXAMPLES_GUESS_H

#include "run.h"
#include "step.h"

/* Set the first four. */
typedef struct guess {
    /* Rows of symbols (n, width) to raw outputs for each step (n, steps, symbols). */
    tg_tensor *(*forward)(const void *model, tg_tensor *rows);
    const void *model;
    tg_params *list; /* the model's parameters */
    run *run;        /* is told of the progress, and says whether steps are recorded anew */
    int64_t rows;    /* of the data set */
    tg_optim *optim;
    tg_batches *batches;
    tg_tensor *x, *y; /* a full batch of inputs, and of targets */
    step step;
} guess;

/* The sizes of a data set. */
typedef struct guess_sizes {
    int64_t rows, batch;
    int64_t width, steps; /* of a row of inputs and of targets */
} guess_sizes;

/* Makes the rest of the struct, for the parameters in `list`. */
void guess_prepare(guess *g, tg_tape *tape, const guess_sizes *sizes, double lr);
/* Goes once over the rows in random order; returns the mean loss. */
double guess_epoch(guess *g, tg_tape *tape, const int64_t *inputs, const int64_t *targets);

#endif

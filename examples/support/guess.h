/* Training a model that guesses symbols from those before them: what names and transformer
 * share. */
#ifndef EXAMPLES_GUESS_H
#define EXAMPLES_GUESS_H

#include "run.h"
#include "step.h"

/* The sizes of a data set. */
typedef struct guess_sizes {
    int64_t rows, batch;
    int64_t width, steps; /* of a row of inputs and of targets */
} guess_sizes;

/* Set the first four. */
typedef struct guess {
    /* Rows of symbols (n, width) to raw outputs for each step (n, steps, symbols). */
    tg_tensor *(*forward)(const void *model, tg_tensor *rows);
    const void *model;
    tg_params *list; /* the model's parameters */
    run *run;        /* is told of the progress, and says whether steps are recorded anew */
    tg_optim *optim;
    tg_batches *batches;
    tg_tensor *x, *y; /* a full batch of inputs, and of targets */
    guess_sizes sizes;
    step step;
} guess;

/* Makes the rest of the struct, for the parameters in `list`. */
void guess_prepare(guess *g, tg_tape *tape, const guess_sizes *sizes, double lr);
/* The mean loss over `rows` rows, which are not trained on; nan for none. */
double guess_validate(const guess *g, tg_tape *tape, const int64_t *inputs, const int64_t *targets,
                      int64_t rows);
/* Goes once over the rows in random order; returns the mean loss. */
double guess_epoch(guess *g, tg_tape *tape, const int64_t *inputs, const int64_t *targets);

#endif

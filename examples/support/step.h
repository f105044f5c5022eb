/* A training step that is recorded once and replayed from then on, as long as the batch has the
 * same size. */
#ifndef EXAMPLES_STEP_H
#define EXAMPLES_STEP_H

#include <tinygrad.h>

/* Set the first four; zeros elsewhere. */
typedef struct step {
    /* Forward, backward and optimiser, on inputs that are there; returns the loss. */
    tg_tensor *(*record)(void *context, int64_t size);
    void *context;
    int64_t size; /* of the batches that are replayed */
    bool eager;   /* record every step anew; the numbers are the same, to the last bit */
    /* The rest is step.c's. */
    tg_capture *capture;
    tg_tensor *loss; /* of the captured step */
    tg_mark start;   /* before the last step that is not captured, if there was one */
    bool started;
} step;

/* Runs the step on a batch of that size, and returns the value of its loss. What the captured step
 * made stays on the tape; what another one made is there until the next step. */
double step_run(step *s, tg_tape *tape, int64_t size);

#endif

/* Drawing from what a model predicts. */
#ifndef EXAMPLES_SAMPLE_H
#define EXAMPLES_SAMPLE_H

#include <tinygrad.h>

/* One class for each row of raw outputs (n, classes), drawn from their softmax with the tape's
 * generator, to drawn[0..n). Zeros where the tape has an error. */
void sample_classes(tg_tensor *logits, int64_t *drawn);

#endif

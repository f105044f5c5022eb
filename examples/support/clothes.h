/* The networks that tell the classes of Fashion-MNIST, and their training. Relies on fashion.h. */
#ifndef EXAMPLES_CLOTHES_H
#define EXAMPLES_CLOTHES_H

#include "fashion.h"
#include "run.h"
#include "step.h"

typedef struct clothes {
    tg_conv_layer conv1, conv2; /* NULL: there are none */
    tg_linear_layer fc1, fc2;   /* the convolutional network has but the second */
} clothes;

/* One with a hidden layer or, by `conv`, a small convolutional one. */
clothes clothes_make(tg_params *list, bool conv);
/* x (n, 1, 28, 28) to the classes' raw outputs (n, 10). For fashion_test(). */
tg_tensor *clothes_forward(const void *model, tg_tensor *x);

/* Goes once over the pictures in random order, by steps whose loss is a mean; returns the mean loss. */
double clothes_epoch(run *r, tg_tape *tape, step *s, const fashion_loader *loader);

#endif

/* What a model of Fashion-MNIST is wrong about. */
#ifndef EXAMPLES_MISTAKES_H
#define EXAMPLES_MISTAKES_H

#include "fashion.h"

/* How often each class is taken for each, and the pictures whose own class the model thinks least
 * likely. Nothing where the tape has an error. */
void mistakes_print(const fashion_loader *loader, tg_tape *tape, fashion_forward *forward,
                    const void *model);

#endif

/* What the programs that train one of two models share. */
#ifndef EXAMPLES_MODEL_H
#define EXAMPLES_MODEL_H

#include <tinygrad.h>

/* A new parameter of zeros, float32, listed under its name. */
tg_tensor *model_add(tg_params *list, tg_tape *tape, const char *name, int ndim,
                     const int64_t *dims);
/* 0 or 1, as `text` is the first of names or the second; -1 where it is neither, which stderr has. */
int model_choice(const char *text, const char *const names[2]);

#endif

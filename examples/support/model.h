/* Parameters of models, and the choice between two models. */
#ifndef EXAMPLES_MODEL_H
#define EXAMPLES_MODEL_H

#include <tinygrad.h>

/* A new parameter of zeros, float32, listed under its name. */
tg_tensor *model_add(tg_params *list, tg_tape *tape, const char *name, int ndim,
                     const int64_t *dims);

/* What most layers consist of. */
typedef struct layer {
    tg_tensor *weight, *bias;
} layer;

/* From `in` numbers to `out`: nn.Linear. */
layer model_linear(tg_tape *tape, int64_t out, int64_t in);
/* x through it. */
tg_tensor *model_apply(tg_tensor *x, const layer *linear);
/* A layer, listed as NAME.weight and NAME.bias, the name being formatted as by printf. */
layer model_list(tg_params *list, layer l, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

/* Reads the listed parameters alone from what --save wrote. false: it cannot, and stderr has the
 * reason, after the program's name. Without tinygrad-io it never can. */
bool model_read(const tg_params *list, tg_tape *tape, const char *path, const char *program);

/* 0 or 1, as `text` is the first of names or the second; -1 where it is neither, which stderr
 * has. */
int model_choice(const char *text, const char *const names[2]);

#endif

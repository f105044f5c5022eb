/* Reading a model, and the choice between two. */
#ifndef EXAMPLES_MODEL_H
#define EXAMPLES_MODEL_H

#include <tinygrad.h>

/* Reads the listed parameters alone from what --save wrote. false: it cannot, and stderr has the
 * reason, after the program's name. Without tinygrad-io it never can. */
bool model_read(const tg_params *list, tg_tape *tape, const char *path, const char *program);

/* 0 or 1, as `text` is the first of names or the second; -1 where it is neither, which stderr
 * has. */
int model_choice(const char *text, const char *const names[2]);

#endif

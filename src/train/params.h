/* What the library itself does with named lists, beyond train.h. Relies on tape.h. */
#ifndef TG_PARAMS_H
#define TG_PARAMS_H

#include "tape/tape.h"

#include <tinygrad/train.h>

/* tg_params_count() on behalf of `name`. */
size_t tg_params_length(const tg_params *params, const char *name);
/* Takes back what was added after the first `count`. */
void tg_params_truncate(tg_params *params, size_t count);

#endif

/* What the library itself does with named lists, beyond train.h. Relies on tape.h. */
#ifndef TG_PARAMS_H
#define TG_PARAMS_H

#include "tape/tape.h"

#include <tinygrad/train.h>

/* Tensors to be listed: of one tape, and alive. */
typedef struct tg_naming {
    const char *name;            /* of all of them ... */
    const char *const *suffixes; /* ... and what is behind it; a tensor that is NULL is left out */
    tg_tensor *const *tensors;
    size_t n;
} tg_naming;

/* The list's tape, on behalf of `name`; NULL, with the error set where there is a tape, where nothing can be
 * added. */
tg_tape *tg_params_tape(const tg_params *params, const char *name);
/* Lists all of them or, with the error set, none: then the list is as it was. */
bool tg_params_add_all(tg_params *params, const tg_naming *naming);
/* Takes back what was added after the first `count`, none of which requires a gradient. */
void tg_params_truncate(tg_params *params, size_t count);

#endif

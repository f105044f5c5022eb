/* What all layers that make their parameters share. Relies on params.h. */
#ifndef TG_NN_MAKING_H
#define TG_NN_MAKING_H

#include "ops/scope.h"
#include "train/params.h"

#include <stdarg.h>

/* A constructor under way. */
typedef struct tg_nn_making {
    tg_params *list;
    tg_scope scope;
    tg_generator generator; /* as it was */
    char name[TG_PARAMS_NAME];
} tg_nn_making;

/* NULL where nothing can be made; else the tape, for the operation `op`, until the making is finished. */
tg_tape *tg_nn_begin(tg_nn_making *m, tg_params *list, const char *op, int dtype,
                     const char *format, va_list args);
/* The end of it; where it is not done all is as before. */
bool tg_nn_end(const tg_nn_making *m, bool done);

enum { TG_NN_MOST = 5 };
/* Lists these tensors, of which NULL ones are left out, and ends. Whether all of it is done. */
bool tg_nn_finish(const tg_nn_making *m, tg_tensor *const tensors[TG_NN_MOST],
                  const char *const suffixes[TG_NN_MOST]);

/* Whether there is a layer to apply to x. */
bool tg_nn_check_layer(const tg_tensor *x, const void *layer, const char *name);

#endif

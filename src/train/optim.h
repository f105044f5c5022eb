/* What the families of optimisers share: parameters in groups, each with the tensors of its state.
 * Relies on tensor.h and kernels/optim.h. */
#ifndef TG_OPTIM_H
#define TG_OPTIM_H

#include "tape/tensor.h"

#include "kernels/update.h"
#include "ops/option.h"
#include "ops/touched.h"

#include <tinygrad/train.h>

enum { TG_OPTIM_STATES = TGK_OPTIM_STATES };

/* One parameter and its state. */
typedef struct tg_trained {
    tg_tensor *param;
    tg_tensor *step;                   /* int64, 0-d: steps taken; NULL without other state */
    tg_tensor *state[TG_OPTIM_STATES]; /* NULL: not kept */
    int64_t due; /* elements that the running step updates, 0 where it is no part of it, with ... */
    tgk_update_args args;
    const tgk_touched *rows; /* ... and in these rows alone; NULL: in all */
} tg_trained;

/* Parameters with a learning rate of their own. A later group may be rewound away before the
 * optimiser is, and so each has a handle. */
typedef struct tg_group {
    tg_slot head;
    tg_tensor *lr;    /* float64, 0-d */
    const void *next; /* handle; NULL: this is the last */
    size_t n;
    tg_trained *trained;
} tg_group;

/* What an update makes of rows that a gradient is known to be zero in, see touched.h: anything; nothing, so that
 * they can be skipped; it is for the other rows alone, and refuses a gradient of which none is known. */
typedef enum tg_of_zeros { TG_UPDATES, TG_SKIPS, TG_REFUSES } tg_of_zeros;

/* A kind of optimiser with its options, defaults filled in. */
typedef struct tg_family {
    const char *name;
    const char *states[TG_OPTIM_STATES]; /* their names; NULL: not kept */
    double initial;                      /* the first value of state 0 */
    double lr;                           /* the first group's */
    union {
        tg_sgd_opts sgd;
        tg_adam_opts adam;
        tg_rmsprop_opts rmsprop;
        tg_adagrad_opts adagrad;
        tg_nadam_opts nadam;
        tg_radam_opts radam;
        tg_adamax_opts adamax;
        tg_adadelta_opts adadelta;
        tg_sparse_adam_opts sparse_adam;
    } opts;
    tg_of_zeros zeros;
    bool decoupled; /* Adam: AdamW */
    const tgk_update_table *table;
    /* What the table's kernels get in a parameter's step number `step`, from 1 on. */
    tgk_update_args (*args)(const struct tg_family *family, double lr, double step);
} tg_family;

/* NULL, with the error set, where the parameters are no good. The options must be checked. */
tg_optim *tg_optim_new(tg_tape *tape, tg_tensor *const *params, size_t n, const tg_family *family);

/* Whether value is finite and >= 0. */
bool tg_check_rate(tg_tape *tape, const char *name, const char *what, double value);
/* Whether it is in [0, 1). */
bool tg_check_beta(tg_tape *tape, const char *name, const char *what, double beta);

#endif

/* Optimiser updates over raw memory, in PyTorch's order of roundings. Relies on nothing. */
#ifndef TGK_OPTIM_H
#define TGK_OPTIM_H

#include "isa.h"

#include <stdbool.h>
#include <stdint.h>

typedef struct tgk_sgd_args {
    double lr, momentum, dampening, weight_decay;
    bool nesterov, maximize;
    bool first; /* the momentum buffer is not filled yet */
} tgk_sgd_args;

/* Updates p[n] from the gradient g; buffer (NULL without momentum) is the momentum's. */
typedef void tgk_sgd(int64_t n, void *p, const void *g, void *buffer, const tgk_sgd_args *args);

/* By instruction set and dtype (float, double). */
extern tgk_sgd *const tgk_sgd_table[TGK_ISAS][2];

#endif

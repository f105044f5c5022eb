/* Optimiser updates over raw memory, in PyTorch's order of roundings. Relies on nothing. */
#ifndef TGK_OPTIM_H
#define TGK_OPTIM_H

#include "kernels/isa.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { TGK_OPTIM_STATES = 3 };

/* Updates p[n] from the gradient g and the states that the optimiser keeps (NULL: not kept).
 * args: its member of tgk_update_args. */
typedef void tgk_update(int64_t n, void *p, const void *g, void *const *state, const void *args);

typedef struct tgk_sgd_args {
    double lr, momentum, dampening, weight_decay;
    double nesterov; /* 0 or 1: of a bool the loop would have branches */
    double first;    /* likewise: the momentum buffer is not filled yet */
    bool maximize;
} tgk_sgd_args;

typedef struct tgk_adam_args {
    double weight_decay; /* into the gradient */
    double shrink;       /* of the parameter; 1: none */
    double take1, beta2, take2;
    double scale; /* sqrt of the second moment's bias correction */
    double eps;
    double rate; /* the learning rate over the first moment's bias correction */
    bool maximize;
} tgk_adam_args;

typedef struct tgk_rmsprop_args {
    double lr, alpha, eps, weight_decay, momentum;
    bool maximize;
} tgk_rmsprop_args;

typedef struct tgk_adagrad_args {
    double lr, eps, weight_decay;
    bool maximize;
} tgk_adagrad_args;

typedef struct tgk_nadam_args {
    double weight_decay, shrink, take1, beta2, take2;
    double correct2; /* the second moment's bias correction */
    double eps;
    double rate, mean_rate; /* of the gradient, and of the first moment */
    bool maximize;
} tgk_nadam_args;

typedef struct tgk_radam_args {
    double weight_decay, shrink, take1, beta2, take2, eps;
    double lr, correct1;
    double root2,
        rectify; /* sqrt of the second moment's bias correction; 0: it counts for nothing yet */
    bool maximize;
} tgk_radam_args;

typedef struct tgk_adamax_args {
    double weight_decay, take1, beta2, eps, rate;
    bool maximize;
} tgk_adamax_args;

typedef struct tgk_adadelta_args {
    double lr, rho, eps, weight_decay;
    bool maximize;
} tgk_adadelta_args;

typedef struct tgk_sparse_adam_args {
    double take1, take2, eps;
    double rate; /* the learning rate, with both corrections */
    bool maximize;
} tgk_sparse_adam_args;

typedef union tgk_update_args {
    tgk_sgd_args sgd;
    tgk_adam_args adam;
    tgk_rmsprop_args rmsprop;
    tgk_adagrad_args adagrad;
    tgk_nadam_args nadam;
    tgk_radam_args radam;
    tgk_adamax_args adamax;
    tgk_adadelta_args adadelta;
    tgk_sparse_adam_args sparse_adam;
} tgk_update_args;

typedef tgk_update *const tgk_update_table[TGK_ISAS][2];

/* By instruction set and dtype (float, double). The states: momentum; the moments' averages and
 * the second one's maximum; the average of squares, of gradients, momentum; the sum of squares; the
 * moments' averages, twice; the first moment's, and the largest gradient; averages of squares, of gradients
 * and of steps; the moments' averages. */
extern tgk_update_table tgk_sgd_table;
extern tgk_update_table tgk_adam_table;
extern tgk_update_table tgk_rmsprop_table;
extern tgk_update_table tgk_adagrad_table;
extern tgk_update_table tgk_nadam_table;
extern tgk_update_table tgk_radam_table;
extern tgk_update_table tgk_adamax_table;
extern tgk_update_table tgk_adadelta_table;
extern tgk_update_table tgk_sparse_adam_table;

#endif

/* What all losses share. */
#ifndef TG_OPS_LOSS_H
#define TG_OPS_LOSS_H

#include "ops/check.h"

#include <tinygrad/nn.h>

/* What an elementwise loss is of: input, target, what its operation takes as well, and a weight of the
 * elements. The last two may be NULL. */
enum { TG_LOSS_IN = 4 };

/* params of such an operation. */
typedef struct tg_loss_params {
    double s; /* the loss's number, if it has one: loops find it here */
    tg_reduction reduction;
} tg_loss_params;

/* A loss of those inputs, and its number; op: a tg_op whose loops make its elements. */
tg_tensor *tg_loss(const tg_op *op, tg_tensor *const *in, double s, tg_reduction reduction);
/* forward of a loss that is a tg_map_op. */
void tg_loss_forward(tg_node *node);
/* For its backward: the gradient of each element. */
tg_tensor *tg_loss_upstream(const tg_node *node, tg_tensor *g);

/* Elements to a loss; NULL for NULL. */
tg_tensor *tg_reduced(tg_tensor *elements, tg_reduction reduction);

bool tg_check_reduction(const tg_op *op, const tg_tensor *x, tg_reduction reduction);

#endif

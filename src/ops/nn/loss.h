/* What all losses share. */
#ifndef TG_OPS_LOSS_H
#define TG_OPS_LOSS_H

#include "ops/check.h"

#include <tinygrad/nn.h>

bool tg_check_reduction(const tg_op *op, const tg_tensor *x, tg_reduction reduction);

#endif

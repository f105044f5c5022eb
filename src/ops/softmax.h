/* What softmax.c does for other operations. */
#ifndef TG_OPS_SOFTMAX_H
#define TG_OPS_SOFTMAX_H

#include "record/map.h"

/* The gradient y (g - sum(g y)) of the input of y, a softmax along dim; it can be differentiated. NULL
 * where g is NULL. */
tg_tensor *tg_softmax_gradient(tg_tensor *g, tg_tensor *y, int dim);

#endif

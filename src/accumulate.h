/* How gradients are shaped and added up: expand, its adjoint sum_to, and accumulate. */
#ifndef TG_ACCUMULATE_H
#define TG_ACCUMULATE_H

#include "op.h"

/* Sums x down to a shape that stretches to x's. */
tg_tensor *tg_sum_over(tg_tensor *x, tg_dims dims);
/* The same divided by `count` before rounding. */
tg_tensor *tg_mean_over(tg_tensor *x, tg_dims dims, int64_t count);
/* For gradients: as tg_sum_over(), or x itself where it has that shape. */
tg_tensor *tg_sum_to(tg_tensor *x, tg_dims dims);
/* a + b, of one shape and float dtype. */
tg_tensor *tg_accumulate(tg_tensor *a, tg_tensor *b);
/* a += b without recording. */
void tg_accumulate_into(tg_tensor *a, tg_tensor *b);
/* In a backward function: where the gradient of input i, a leaf's first one, may be written to
 * instead of a new tensor, computed from n others; grad_in[i] is set to it then. NULL: nowhere. */
tg_tensor *tg_gradient_place(const tg_node *node, int i, tg_tensor *const *from, int n);

#endif

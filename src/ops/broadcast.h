/* How gradients are shaped and added up: expand, its adjoint sum_to, and accumulate. */
#ifndef TG_BROADCAST_H
#define TG_BROADCAST_H

#include "record/grad.h"

/* Sums x down to a shape that stretches to x's. */
tg_tensor *tg_sum_over(tg_tensor *x, tg_dims dims);
/* The same divided by `count` before rounding. */
tg_tensor *tg_mean_over(tg_tensor *x, tg_dims dims, int64_t count);
/* For gradients: as tg_sum_over(), or x itself where it has that shape. */
static inline tg_tensor *tg_sum_to(tg_tensor *x, tg_dims dims)
{
    return tg_shape_equal(tg_dims_of(x), dims) ? x : tg_sum_over(x, dims);
}

/* a + b, of one shape and float dtype. */
tg_tensor *tg_accumulate(tg_tensor *a, tg_tensor *b);

/* For a backward function: the gradient of x where nothing moves with it. */
tg_tensor *tg_flat_gradient(const tg_tensor *x);

#endif

/* How gradients are shaped and added up (broadcast.c: expand, its adjoint sum_to, and accumulate) and
 * where they are written (place.c). */
#ifndef TG_ACCUMULATE_H
#define TG_ACCUMULATE_H

#include "record/apply.h"

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
/* a += b without recording. */
void tg_accumulate_into(tg_tensor *a, tg_tensor *b);

/* tg_apply() for a backward function that sets grad_in[i] to the result: the first gradient of a
 * leaf is written where it is kept. */
tg_tensor *tg_apply_gradient(const tg_node *node, int i, const tg_call *call);
/* The same where the call is the step's last use of input i, and would do in place of it: where the pass
 * gives data back, and nothing else reads that input, the result takes over its data. */
tg_tensor *tg_apply_over_input(const tg_node *node, int i, const tg_call *call);
/* The same for the only input's gradient, where the call is the last use of grad_out, its first
 * input, and would do in place: the result may take the place of grad_out. */
tg_tensor *tg_apply_over(const tg_node *node, const tg_call *call);

#endif

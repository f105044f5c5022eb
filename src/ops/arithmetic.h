/* Applying elementwise operations; shared by the files of this folder. */
#ifndef TG_OPS_ARITHMETIC_H
#define TG_OPS_ARITHMETIC_H

#include "ops/check.h"

/* Checks x and applies op, a tg_map_op. */
tg_tensor *tg_unary(const tg_op *op, tg_tensor *x);
/* Promotes two inputs to one dtype (a float one where asked), and gives the shape that they
 * broadcast to. */
bool tg_pair(const tg_op *op, tg_tensor **in, bool to_float, tg_shape *shape);
/* Checks a and b, does that, and applies op, a tg_map_op. */
tg_tensor *tg_binary(const tg_op *op, tg_tensor *a, tg_tensor *b, bool to_float);
/* Applies an operation with one number as its parameter to x, converted to `dtype`. */
tg_tensor *tg_unary_scalar(const tg_op *op, tg_tensor *x, double s, int dtype);
/* Checks n inputs and applies; the output is like the first one, to which the others broadcast. */
tg_tensor *tg_apply_first(const tg_op *op, int n, tg_tensor *const *in, const void *params,
                          size_t params_size);
/* The same for inputs that have been checked. */
tg_tensor *tg_apply_as_first(const tg_op *op, int n, tg_tensor *const *in, const void *params,
                             size_t params_size);
/* For a backward function: the gradient of input i, which op makes of n tensors; like the first one, to which
 * the others broadcast. NULL where one of them is. */
tg_tensor *tg_gradient_of(const tg_node *node, int i, const tg_op *op, int n, tg_tensor *const *in,
                          const void *params, size_t params_size);
/* The same for a * b. */
tg_tensor *tg_gradient_product(const tg_node *node, int i, tg_tensor *a, tg_tensor *b);
/* The same for g, but 0 where a bool mask of its shape is true. */
tg_tensor *tg_gradient_except(const tg_node *node, int i, tg_tensor *g, tg_tensor *mask);
/* For a backward function whose last use of g, the gradient of the output, this is: a b of its
 * shape, or NULL, and a number go into the only input's gradient, element by element. */
tg_tensor *tg_gradient_over(const tg_node *node, tg_tensor *g, const tg_op *op, tg_tensor *b,
                            double s);
/* The same for g * b. */
tg_tensor *tg_times_over(const tg_node *node, tg_tensor *g, tg_tensor *b);
/* Whether s is an integer that int64 holds. */
bool tg_is_whole(double s);
/* Applies to x, converted to float32 where it is not a float. */
tg_tensor *tg_unary_float(const tg_op *op, tg_tensor *x);

#endif

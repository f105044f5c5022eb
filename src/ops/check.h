/* Checks, and a few kernels, that operations of several files share. Each check reports what is wrong in the name of `op`. */
#ifndef TG_OPS_CHECK_H
#define TG_OPS_CHECK_H

#include "ops/scope.h"
#include "record/map.h"

#include <tinygrad/ops.h>

/* The checks of a function that makes a tensor: tape, shape and flags. */
bool tg_tensor_check(tg_tape *tape, const char *name, tg_dims dims, int flags);
/* n inputs of one float dtype; NULL ones, but not the first, are passed over. */
bool tg_check_floats(const tg_op *op, int n, tg_tensor *const *in);
/* Checks x and applies: the output is like it. */
tg_tensor *tg_apply_like(const tg_op *op, tg_tensor *x);
/* The same for views, without a check. */
tg_tensor *tg_apply_view(const tg_op *op, tg_tensor *x, tg_dims dims, const int64_t *strides);

/* The shape that a and b broadcast to; ndim -1 where they do not. */
tg_shape tg_shape_broadcast(tg_dims a, tg_dims b);
/* Inputs, float tensors that can be overwritten without their values: leaves, or without a
 * gradient. */
bool tg_check_fill(const tg_op *op, int n, tg_tensor *const *t);
/* The dim counted from the front; -1 (and the error) where there is none. */
int tg_check_dim(const tg_op *op, const tg_tensor *x, int dim);

/* A number of a float dtype in as few digits, 6 or more, as tell it from every other: "1.0000001"
 * outside [0, 1] rather than "1". */
tg_text tg_number_text(double x, int dtype);

/* x seen as [outer][n][inner] around dim. */
typedef struct tg_around {
    int64_t outer, n, inner;
} tg_around;

tg_around tg_around_dim(const tg_tensor *x, int dim);

/* For forward: t filled as uniform_ and normal_ do. */
void tg_draw_uniform(tg_node *node, tg_tensor *t, double low, double high);
void tg_draw_normal(tg_node *node, tg_tensor *t, double mean, double std);

#endif

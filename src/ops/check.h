/* Checks that operations of several files share. Each reports what is wrong in the name of `op`. */
#ifndef TG_OPS_CHECK_H
#define TG_OPS_CHECK_H

#include "../op.h"

/* n inputs of one float dtype; NULL ones, but not the first, are passed over. */
bool tg_check_floats(const tg_op *op, int n, tg_tensor *const *in);
/* A float tensor that can be overwritten without its values: a leaf, or without a gradient. */
bool tg_check_fill(const tg_op *op, tg_tensor *t);
/* The dim counted from the front; -1 (and the error) where there is none. */
int tg_check_dim(const tg_op *op, const tg_tensor *x, int dim);
bool tg_check_reduction(const tg_op *op, const tg_tensor *x, tg_reduction reduction);

/* A number of a float dtype in as few digits, 6 or more, as tell it from every other: "1.0000001"
 * outside [0, 1] rather than "1". */
tg_text tg_number_text(double x, int dtype);

/* x seen as [outer][n][inner] around dim. */
typedef struct tg_around {
    int64_t outer, n, inner;
} tg_around;

tg_around tg_around_dim(const tg_tensor *x, int dim);

#endif

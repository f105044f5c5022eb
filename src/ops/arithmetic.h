/* Applying elementwise operations; shared by the files of this folder. */
#ifndef TG_OPS_ARITHMETIC_H
#define TG_OPS_ARITHMETIC_H

#include "../op.h"

/* Checks, promotes (to a float dtype where asked), broadcasts, applies. */
tg_tensor *tg_binary(const tg_op *op, tg_tensor *a, tg_tensor *b, bool to_float);
/* Applies an operation with one number as its parameter to x, converted to `dtype`. */
tg_tensor *tg_unary_scalar(const tg_op *op, tg_tensor *x, double s, int dtype);
/* Applies to x, converted to float32 where it is not a float. */
tg_tensor *tg_unary_float(const tg_op *op, tg_tensor *x);

#endif

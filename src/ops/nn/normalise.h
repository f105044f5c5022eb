/* What layer_norm and batch_norm share. Relies on check.h. */
#ifndef TG_NORMALISE_H
#define TG_NORMALISE_H

#include "ops/check.h"

/* In layer_norm.c: rows of x (rows, n) with mean 0 and variance 1; eps >= 0. x may be NULL. */
tg_tensor *tg_normalise(tg_tensor *x, double eps);
/* Its gradient for an upstream g, which can be differentiated; saved: the rows' means, then their
 * deviations, in float64. g and x may be NULL. */
tg_tensor *tg_normalise_gradient(tg_tensor *g, tg_tensor *x, tg_tensor *saved, double eps);
/* The gradient to x of that, `result`, for an upstream v. u to result may be NULL. */
tg_tensor *tg_normalise_second(tg_tensor *u, tg_tensor *x, tg_tensor *v, tg_tensor *result,
                               tg_tensor *saved, double eps);

/* x (N, C, ...) in so many groups of channels; in: x, a weight and a bias of channels, or NULL. */
tg_tensor *tg_normalise_groups(tg_tensor *const *in, int64_t groups, double eps);

/* In norm_formulas.c: x, but at least so large; its gradient is passed on everywhere. TG_EVALUE
 * for a negative element. x may be NULL. */
tg_tensor *tg_at_least(tg_tensor *x, double least);

/* eps as it is used: 0 means the default. */
double tg_norm_eps(double eps);

bool tg_check_eps(const tg_op *op, const tg_tensor *x, double eps);
/* A weight or the like, which may be NULL. */
bool tg_check_affine(const tg_op *op, const tg_tensor *t, tg_dims shape, const char *what);

#endif

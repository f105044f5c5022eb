/* The coefficients of the logarithms in a cross-entropy with index targets, over raw memory. Needed
 * only for gradients of gradients. */
#ifndef TGK_COEFFICIENTS_H
#define TGK_COEFFICIENTS_H

#include "kernels/loss/entropy.h"

/* a [n][c][d] so that the reduced loss is -sum of a * log(p); all 0 where a mean is over
 * nothing. By dtype: float, double. ce->x and ce->prob are not read. */
typedef void tgk_coefficients(const tgk_ce *ce, void *a);

extern tgk_coefficients *const tgk_coefficients_table[2];

#endif

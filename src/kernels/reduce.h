/* Sums along the middle of [outer][n][inner], over raw memory. float32 accumulates in double,
 * float64 with compensation; the order is fixed, so results are the same everywhere. */
#ifndef TGK_REDUCE_H
#define TGK_REDUCE_H

#include <stdint.h>

/* out[outer][inner] = (sum over n of x) / divisor, rounded once. */
typedef void tgk_sum(void *out, const void *x, int64_t outer, int64_t n, int64_t inner,
                     double divisor);

/* By dtype: float, double, int64_t, bool (which sums to int64_t). The last two ignore the
 * divisor. */
extern tgk_sum *const tgk_sum_table[4];

#endif

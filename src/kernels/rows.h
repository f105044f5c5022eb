/* Reductions of rows: x is [rows][n], out is [rows], over raw memory. float32 works in double,
 * float64 with compensated sums. */
#ifndef TGK_ROWS_H
#define TGK_ROWS_H

#include <stdint.h>

typedef void tgk_row_reduce(void *out, const void *x, int64_t rows, int64_t n, double param);

/* By dtype: float, double (and int64_t, bool where there are four). */
extern tgk_row_reduce *const tgk_max_table[4]; /* nan wins */
extern tgk_row_reduce *const tgk_min_table[4];

/* Along the middle of [outer][n][inner]: the index of the first largest (smallest) element; the
 * first nan counts as such. */
typedef void tgk_index_of(int64_t *out, const void *x, int64_t outer, int64_t n, int64_t inner);
extern tgk_index_of *const tgk_argmax_table[4];
extern tgk_index_of *const tgk_argmin_table[4];

/* Running sums along the middle of [outer][n][inner], from the end on where backward. */
typedef void tgk_running(void *out, const void *x, int64_t outer, int64_t n, int64_t inner,
                         int backward);
extern tgk_running *const tgk_cumsum_table[4];

#endif

/* softmax.h: softmax, log_softmax, logsumexp and their gradients over raw memory.
 *
 * All functions run along the middle dimension of a contiguous [outer][n][inner] array. float is
 * computed in double and rounded once (at most 0.51 ulp); double in double-double (at most 1 ulp).
 * Where terms cancel (logsumexp near 0, sums of gradients) double is within that plus 2^-98 of the
 * terms' magnitude, and the gradients of float within 2^-50 of it.
 * Reductions have a fixed order, so a result does not depend on compiler, machine or threads. Rows
 * with nan or +inf, and rows of nothing but -inf, give nan (logsumexp: nan, +inf and -inf). */
#ifndef TGK_SOFTMAX_H
#define TGK_SOFTMAX_H

#include "isa.h"

#include <stdint.h>

typedef struct tgk_rows {
    int64_t outer, n, inner;
} tgk_rows;

typedef struct tgk_softmax {
    void (*softmax)(void *y, const void *x, tgk_rows rows);
    void (*log_softmax)(void *y, const void *x, tgk_rows rows);
    /* y is [outer][inner]; -inf where n is 0. */
    void (*logsumexp)(void *y, const void *x, tgk_rows rows);
    /* dx = y * (g - sum of g * y), y the softmax. dx may be g. */
    void (*softmax_backward)(void *dx, const void *g, const void *y, tgk_rows rows);
    /* dx = g - e^y * sum of g, y the log-softmax. dx may be g. */
    void (*log_softmax_backward)(void *dx, const void *g, const void *y, tgk_rows rows);
} tgk_softmax;

/* By instruction set and dtype (float, double). */
extern const tgk_softmax tgk_softmax_table[TGK_ISAS][2];

#endif

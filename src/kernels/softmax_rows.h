/* softmax_rows.h: softmax, log_softmax, logsumexp and their gradients over raw memory.
 *
 * All functions run along the middle dimension of a contiguous [outer][n][inner] array. float is
 * computed in double and rounded once (at most 0.51 ulp); double with what rounding takes away
 * carried along (at most 2 ulp, at any margin between the elements).
 * Where terms cancel (logsumexp near 0, sums of gradients) double is within that plus 2^-95 of the
 * terms' magnitude, and the gradients of float within 2^-50 of it.
 * Reductions have a fixed order, so a result does not depend on compiler, machine or threads; rows
 * of elements side by side (inner is 1) have another order than others. Rows with nan or +inf, and
 * rows of nothing but -inf, give nan (logsumexp: nan, +inf and -inf). */
#ifndef TGK_SOFTMAX_H
#define TGK_SOFTMAX_H

#include "kernels/isa.h"
#include "kernels/team.h"

#include <stdint.h>

/* What a kernel is told. All arrays are [outer][n][inner] but for the result of logsumexp. */
typedef struct tgk_rows {
    int64_t outer, n, inner;
    void *to;
    const void *from; /* forward: x; backward: the gradient; may be `to` */
    const void *out;  /* forward: NULL; backward: the result */
} tgk_rows;

/* Bodies for tgk_share() with a tgk_rows as context; items are blocks of rows. */
typedef struct tgk_softmax {
    tgk_range *softmax;
    tgk_range *log_softmax;
    /* to is [outer][inner]; -inf where n is 0. */
    tgk_range *logsumexp;
    /* out * (from - sum of from * out), out the softmax. */
    tgk_range *softmax_backward;
    /* from - e^out * sum of from, out the log-softmax. */
    tgk_range *log_softmax_backward;
} tgk_softmax;

/* How many blocks there are: as many as rows where inner is 1 and n is not small. */
int64_t tgk_softmax_blocks(const tgk_rows *rows);
/* Runs a body over all rows, shared by the team (NULL: alone) where there is enough to do. */
void tgk_softmax_run(tgk_team *team, tgk_range *body, tgk_rows *rows);

/* By instruction set and dtype (float, double). */
extern const tgk_softmax tgk_softmax_table[TGK_ISAS][2];

#endif

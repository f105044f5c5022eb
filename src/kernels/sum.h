/* Sums along the middle of [outer][n][inner], over raw memory. float32 accumulates in double,
 * float64 with compensation. The order depends on the sizes alone, so results are the same for any
 * number of threads and on any machine. */
#ifndef TGK_REDUCE_H
#define TGK_REDUCE_H

#include "kernels/compensated.h"
#include "kernels/nest.h"

/* out[outer][inner] = (sum over n of x) / divisor, rounded once. For float and double a sum may be
 * made in pieces of n: each goes on from the sums so far, and leaves the bits of one call in out. */
typedef struct tgk_sum_args {
    void *out;
    const void *x;        /* dense; NULL, for float and double: ... */
    const tgk_nest *nest; /* ... see fold.h, for this and the next two */
    tgk_loop *loop;
    const void *params;
    int64_t outer, n, inner;
    double divisor;
    tgk_compensated *so_far; /* [outer][inner], zeros at first; NULL: no pieces */
} tgk_sum_args;

/* dtype 0 to 3: float, double, int64_t, bool (which sums to int64_t; the last two ignore the
 * divisor). team may be NULL. */
void tgk_sum(tgk_team *team, int isa, int dtype, tgk_sum_args *args);

#endif

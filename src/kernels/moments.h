/* Variances and Euclidean norms along the middle of [outer][n][inner], over raw memory. Sums are those
 * of fold.h, which says where x lies; all are right where squares would overflow or vanish. */
#ifndef TGK_MOMENTS_H
#define TGK_MOMENTS_H

#include "kernels/fold.h"

/* What a kernel is told. */
typedef struct tgk_moments {
    void *out; /* [outer][inner] */
    int64_t outer, n, inner;
    const void *x;
    const tgk_nest *nest;
    tgk_shift *shifts; /* workspace: as many as the result */
    double param;      /* variance: what is taken from n in the divisor */
    bool root;         /* variance: its root */
} tgk_moments;

/* dtype: 0 float, 1 double. */
void tgk_variance(tgk_team *team, int isa, int dtype, const tgk_moments *m);
void tgk_norm2(tgk_team *team, int isa, int dtype, const tgk_moments *m);

#endif

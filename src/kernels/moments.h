/* Variances of rows: x is [rows][n], over raw memory. Sums are
 * those of row_sum.h. */
#ifndef TGK_MOMENTS_H
#define TGK_MOMENTS_H

#include "kernels/isa.h"
#include "kernels/team.h"

/* What a kernel is told. */
typedef struct tgk_moments {
    void *out; /* [rows] */
    const void *x;
    int64_t rows, n;
    double param; /* what is taken from n in the divisor */
} tgk_moments;

/* Bodies for tgk_share() over rows, by dtype (float, double) and instruction set. */
typedef tgk_range *const *tgk_moments_kernel;
extern const tgk_moments_kernel tgk_var_table[2];
extern const tgk_moments_kernel tgk_std_table[2];

void tgk_moments_run(tgk_team *team, tgk_range *body, tgk_moments *m);

#endif

/* Means and variances of rows: x is [rows][n], over raw memory. float32 works in double, float64 with
 * compensated sums; eight lanes, added up in one order. */
#ifndef TGK_MOMENTS_H
#define TGK_MOMENTS_H

#include "isa.h"
#include "team.h"

/* What a kernel is told. */
typedef struct tgk_moments {
    void *out;          /* [rows], or [rows][n] */
    const void *x;      /* normalise_gradient: what normalise made of it */
    const void *g;      /* normalise_gradient: the upstream gradient [rows][n] */
    double *deviations; /* [rows]: written by normalise, read by its gradient */
    int64_t rows, n;
    double param; /* var, std: what is taken from n in the divisor; normalise: eps */
} tgk_moments;

/* Bodies for tgk_share() over rows, by dtype (float, double) and instruction set. normalise is
 * (x - mean) / sqrt(variance + eps); its gradient (g - mean(g) - x mean(g x)) / deviation. */
typedef tgk_range *const *tgk_moments_kernel;
extern const tgk_moments_kernel tgk_var_table[2];
extern const tgk_moments_kernel tgk_std_table[2];
extern const tgk_moments_kernel tgk_normalise_table[2];
extern const tgk_moments_kernel tgk_normalise_gradient_table[2];

void tgk_moments_run(tgk_team *team, tgk_range *body, tgk_moments *m);

#endif

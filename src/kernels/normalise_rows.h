/* Rows normalised to mean 0 and variance 1, scaled and shifted, and the gradients of that. All
 * arrays are dense. float32 is computed in double and rounded once: within 0.5005 ulp of the exact
 * result, plus 2^-51 of the size of its terms where they cancel. float64 adds with compensated
 * sums: within 3 * 2^-53 of that size. A term h (see below) counts as |h| + max|x| / deviation,
 * because of the mean that is taken away. The order of all sums is fixed. Rows with nan or an
 * infinity give nan. */
#ifndef TGK_LAYER_NORM_H
#define TGK_LAYER_NORM_H

#include "kernels/isa.h"
#include "kernels/team.h"

/* What a kernel is told; h stands for (x - mean) / deviation. */
typedef struct tgk_layer_norm {
    void *out;          /* [rows][n]; weight gradient: [n] */
    const void *x;      /* [rows][n] */
    const void *g;      /* the upstream gradient [rows][n]; may be `out` */
    const void *weight; /* [n], or NULL: ones */
    const void *bias;   /* [n], or NULL: none */
    double *means;      /* [rows]: written forward, read backward */
    double *deviations; /* [rows]: likewise, sqrt(variance + eps) */
    int64_t rows, n;
    double eps;
} tgk_layer_norm;

/* By dtype (float, double) and instruction set. */
typedef struct tgk_layer_norm_kernels {
    tgk_range *const *forward;  /* h weight + bias */
    tgk_range *const *backward; /* (u - mean(u) - h mean(u h)) / deviation with u = g weight */
    tgk_range *const *weight;   /* the sum of g h over the rows; for blocks of columns */
} tgk_layer_norm_kernels;

extern const tgk_layer_norm_kernels tgk_layer_norm_table[2];

/* Run over rows, and over columns, shared by the team. */
void tgk_layer_norm_run(tgk_team *team, tgk_range *body, tgk_layer_norm *args);
void tgk_layer_norm_run_columns(tgk_team *team, tgk_range *body, tgk_layer_norm *args);

#endif

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

#include <stddef.h>

/* What a kernel is told; h stands for (x - mean) / deviation. */
typedef struct tgk_layer_norm {
    void *out;          /* forward: h weight + bias; backward: the gradient of x, or NULL */
    void *dweight;      /* backward: the sum of g h over the rows [n], or NULL */
    void *dbias;        /* backward: the sum of g [n], or NULL */
    const void *x;      /* [rows][n] */
    const void *g;      /* the upstream gradient [rows][n]; may be `out` */
    const void *weight; /* [n], or NULL: ones */
    const void *bias;   /* [n], or NULL: none */
    double *means;      /* [rows]: written forward, read backward */
    double *deviations; /* [rows]: likewise, sqrt(variance + eps) */
    double *sums;       /* backward: workspace */
    int64_t rows, n;
    double eps;
    int64_t blocks; /* of rows with sums of their own; 0: as many as are worth it */
} tgk_layer_norm;

/* The same with weights, biases and their gradients for channels, groups of which make a row. */
typedef struct tgk_group_norm {
    tgk_layer_norm rows;
    int64_t groups;      /* of a sample: row number % groups is one's own */
    int64_t channels;    /* of a group */
    tgk_layer_norm sums; /* private */
} tgk_group_norm;

/* Bytes of workspace that backward needs for dweight and dbias. */
size_t tgk_layer_norm_workspace(const tgk_layer_norm *args);

size_t tgk_group_norm_workspace(const tgk_group_norm *args);

/* Shared by the team; dtype: 0 float, 1 double. The gradient of x is
 * (u - mean(u) - h mean(u h)) / deviation with u = g weight. */
void tgk_layer_norm_forward(tgk_team *team, int isa, int dtype, tgk_layer_norm *args);
void tgk_layer_norm_backward(tgk_team *team, int isa, int dtype, tgk_layer_norm *args);
void tgk_group_norm_forward(tgk_team *team, int isa, int dtype, tgk_group_norm *args);
void tgk_group_norm_backward(tgk_team *team, int isa, int dtype, tgk_group_norm *args);

#endif

/* Channels normalised to mean 0 and variance 1, scaled and shifted, and the gradients of that. All
 * arrays are dense. Sums and bounds are those of normalise_rows.h, of which this is the other half:
 * there a row lies in one piece, here a channel lies in pieces, or in columns. */
#ifndef TGK_BATCH_NORM_H
#define TGK_BATCH_NORM_H

#include "kernels/isa.h"
#include "kernels/team.h"

/* What a kernel is told; h stands for (x - mean) / deviation. */
typedef struct tgk_batch_norm {
    int64_t outer, channels, inner;
    void *out;     /* [outer][channels][inner], as x and g. Forward: h weight + bias;
                           backward: the gradient of x, or NULL */
    void *dweight; /* backward: the sum of g h in each channel, or NULL */
    void *dbias;   /* backward: the sum of g in each channel, or NULL */
    const void *x;
    const void *g;      /* the upstream gradient; may be `out` */
    const void *weight; /* [channels], or NULL: ones */
    const void *bias;   /* [channels], or NULL: none */
    double *means;      /* [channels]: written forward, read backward */
    double *deviations; /* [channels]: likewise, sqrt(variance + eps) */
    double *variances;  /* [channels]: written forward, unbiased */
    bool given;         /* mean and deviation do not come from x: forward reads them as well */
    double eps;
} tgk_batch_norm;

/* Shared by the team; dtype: 0 float, 1 double. The gradient of x, from which mean and deviation come, is
 * (g - mean(g) - h mean(g h)) weight / deviation. */
void tgk_batch_norm_forward(tgk_team *team, int isa, int dtype, tgk_batch_norm *args);
void tgk_batch_norm_backward(tgk_team *team, int isa, int dtype, tgk_batch_norm *args);

#endif

/* An axis of images at other places, over raw memory: [planes][in][inner] to [planes][out][inner], and its
 * adjoint, from [planes][out][inner] to [planes][in][inner]. Relies on team.h and isa.h. */
#ifndef TGK_RESAMPLE_H
#define TGK_RESAMPLE_H

#include "kernels/isa.h"
#include "kernels/team.h"

/* Element o of the result is element a[o]; (1 - weight[o]) of it and weight[o] of element b[o]; the mean of
 * elements a[o] to, without, b[o]. In double, rounded once. */
typedef enum tgk_resample_kind {
    TGK_PICK,
    TGK_MIX,
    TGK_AVERAGE,
    TGK_RESAMPLE_KINDS
} tgk_resample_kind;

typedef struct tgk_resample {
    tgk_resample_kind kind;
    bool adjoint;
    int64_t planes, in, out, inner;
    const int64_t *a, *b;
    const double *weight;
    const void *x;
    void *y;
} tgk_resample;

/* dtype: 0 float, 1 double. */
void tgk_resample_run(tgk_team *team, int isa, int dtype, tgk_resample *r);

#endif

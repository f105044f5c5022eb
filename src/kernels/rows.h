/* The largest and smallest elements, and running sums, along the middle of [outer][n][inner], over raw
 * memory. float32 adds in double, float64 with compensation. By dtype: 0 float, 1 double, 2 int64_t,
 * 3 bool. */
#ifndef TGK_ROWS_H
#define TGK_ROWS_H

#include "kernels/isa.h"
#include "kernels/team.h"

typedef struct tgk_extremes {
    void *out;      /* [outer][inner], or NULL */
    int64_t *index; /* likewise: where it is; the first of equals. The first nan is the extreme */
    const void *x;
    int64_t outer, n, inner; /* n > 0 */
    bool smallest;
} tgk_extremes;

void tgk_extremes_run(tgk_team *team, int isa, int dtype, tgk_extremes *e);

/* Sums so far, from the end on where so; of integers, int64_t, which wrap around. */
typedef struct tgk_running {
    void *out;
    const void *x;
    int64_t outer, n, inner;
    bool from_end;
} tgk_running;

void tgk_running_sums(tgk_team *team, int isa, int dtype, tgk_running *r);

#endif

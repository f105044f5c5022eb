/* The order of the elements of each row of [outer][inner][n], over raw memory: where the k smallest
 * (or largest) are, by size; equals in order of place. nan is larger than all numbers, and -0
 * equals 0. dtype: 0 float, 1 double, 2 int64_t, 3 bool. Relies on team.h. */
#ifndef TGK_ORDER_H
#define TGK_ORDER_H

#include "kernels/team.h"

#include <stddef.h>

typedef struct tgk_order {
    int64_t *index; /* [outer][k][inner] */
    const void *x;
    int64_t outer, n, inner, k; /* none of them 0; k <= n < 2^32 */
    bool descending;
    void *workspace;
} tgk_order;

/* Bytes of workspace. */
uint64_t tgk_order_workspace(const tgk_team *team, int dtype, const tgk_order *o);
void tgk_order_run(tgk_team *team, int dtype, const tgk_order *o);

#endif

/* The order of elements, for forward functions of several files. Relies on check.h. */
#ifndef TG_OPS_SORT_H
#define TG_OPS_SORT_H

#include "ops/check.h"

/* Where the k first of each row of x, [outer][inner][n], are, by size, to index, [outer][k][inner];
 * see kernels/order.h. False without memory. */
bool tg_order_rows(tg_node *node, int dtype, bool descending, tg_around a, int64_t k, const void *x,
                   int64_t *index);

#endif

/* The order of elements, for forward functions of several files. Relies on check.h. */
#ifndef TG_OPS_SORT_H
#define TG_OPS_SORT_H

#include "kernels/order.h"
#include "ops/check.h"

/* Where the k first of each row of x, [outer][inner][n], are, by size, to index, [outer][k][inner];
 * see kernels/order.h. First the workspace, for what must not begin before there is memory: NULL
 * without. */
tgk_order tg_order_of(tg_node *node, int dtype, tg_around a, int64_t k, bool descending);
void tg_order_rows(tg_node *node, int dtype, tgk_order *o, const void *x, int64_t *index);

#endif

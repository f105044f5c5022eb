/* For forward functions whose kernels want their data in another order: copies in workspace. Relies on
 * apply.h. */
#ifndef TG_LAYOUT_H
#define TG_LAYOUT_H

#include "record/apply.h"

/* x itself or, in forward, a contiguous copy of its data in workspace; NULL without memory. */
const void *tg_contiguous_data(tg_node *node, const tg_tensor *x);

/* In forward: x's data copied row-major with its dims in this order; NULL without memory. */
const void *tg_copy_permuted(tg_node *node, const tg_tensor *x, const int *order);

#endif

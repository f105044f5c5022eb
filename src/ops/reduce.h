/* Reductions over a set of dims: what their files share. */
#ifndef TG_OPS_REDUCE_H
#define TG_OPS_REDUCE_H

#include "record/map.h"

/* The dims that a reduction is over. */
typedef struct tg_over {
    bool reduced[TG_MAX_NDIM];
    tg_shape kept; /* the input's shape with size 1 where reduced */
    int64_t count; /* how many elements become one */
} tg_over;

/* The dims a caller names; all where n is 0. */
bool tg_over_dims(const tg_op *op, tg_tensor *x, int n, const int64_t *dims, tg_over *over);
/* Takes the reduced dims out of a result unless they stay. */
tg_tensor *tg_over_finish(tg_tensor *kept, const tg_over *over, bool keepdim);
/* Applies op to x; the output has the kept shape. */
tg_tensor *tg_over_apply(const tg_op *op, tg_tensor *x, const tg_over *over, int dtype,
                         double param);
/* In forward: the input's data as [kept][reduced], copied where it lies otherwise. NULL without
 * memory. */
const void *tg_over_rows(tg_node *node, int64_t *kept, int64_t *reduced);

#endif

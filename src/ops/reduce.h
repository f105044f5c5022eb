/* Reductions over a set of dims: what their files share. */
#ifndef TG_OPS_REDUCE_H
#define TG_OPS_REDUCE_H

#include "ops/scope.h"
#include "record/map.h"

/* A reduction, and the dims that it is over. */
typedef struct tg_over {
    tg_scope scope;
    bool reduced[TG_MAX_NDIM];
    tg_shape kept; /* the input's shape with size 1 where reduced */
    int64_t count; /* how many elements become one */
} tg_over;

/* Opens a scope for a reduction of x over the dims a caller names; all where n is 0. */
bool tg_over_open(tg_over *over, const tg_op *op, tg_tensor *x, int n, const int64_t *dims);
/* Takes the reduced dims out of a result unless they stay, and closes the scope. */
tg_tensor *tg_over_close(const tg_over *over, tg_tensor *kept, bool keepdim);
/* Applies op to x; the output has the kept shape. */
tg_tensor *tg_over_apply(const tg_op *op, tg_tensor *x, const tg_over *over, int dtype,
                         double param);
/* g / y, and 0 where y is 0: what PyTorch takes for the slope of a root at 0. A subnormal y, whose
 * square is 0 for PyTorch, counts as 0 as well: g / y would overflow. */
tg_tensor *tg_over_root(tg_tensor *g, tg_tensor *y);

/* In forward: the input's data as [kept][reduced], copied where it lies otherwise. NULL without
 * memory. */
const void *tg_over_rows(tg_node *node, int64_t *kept, int64_t *reduced);

#endif

/* Reading and writing at places that an index tensor names: what index.c and scatter.c share.
 * Relies on kernels/gather.h. */
#ifndef TG_OPS_LOOKUP_H
#define TG_OPS_LOOKUP_H

#include "kernels/gather.h"
#include "ops/scope.h"

/* The index has a value for each element, or its dims stand in small where `dim` stands in big. */
enum { TG_BY_ELEMENT, TG_BY_ENTRY };

/* The parameters of such an operation. */
typedef struct tg_lookup {
    int kind;
    int dim;         /* of big, that the index is for */
    int64_t padding; /* an index whose entries get no gradient */
    int64_t skip;    /* an index whose entries read as zeros */
    bool more;       /* in place, adds to what is there, and not to zeros */
} tg_lookup;

/* In forward of an operation with a tg_lookup whose input 1 is the index: runs a loop of
 * kernels/gather.h over all places. It looks at indices as it comes to them, in a replay as well.
 * writes: to big. */
void tg_lookup_run(tg_node *node, const tg_tensor *big, const tg_tensor *small, tgk_loop *loop,
                   int64_t skip, bool writes);
/* gather() and index_select(), by an index of any shape, without checks but of dims, the result's. */
tg_tensor *tg_lookup_read(tg_tensor *big, tg_tensor *index, tg_dims dims, const tg_lookup *p);
/* Whether the index is int64. */
bool tg_check_index(const tg_op *op, const tg_tensor *x, const tg_tensor *index);
/* 0-d tensors count as one element in a row. */
tg_tensor *tg_at_least_1d(tg_tensor *x);

#endif

/* For forward functions whose kernels want their data in another order: copies in workspace. Relies on
 * apply.h. */
#ifndef TG_LAYOUT_H
#define TG_LAYOUT_H

#include "kernels/nest.h"
#include "record/apply.h"

/* x itself or, in forward, a contiguous copy of its data in workspace; NULL without memory. */
const void *tg_contiguous_data(tg_node *node, const tg_tensor *x);

/* In forward: x's data copied row-major with its dims in this order; NULL without memory. */
const void *tg_copy_permuted(tg_node *node, const tg_tensor *x, const int *order);

/* The input of a reduction as kernels/fold.h wants it, wherever it lies: [outer][n][inner] with the kept
 * dims before and behind the reduced ones, or all before. `data` NULL: the nest says where. */
typedef struct tg_rows {
    int64_t outer, n, inner;
    const void *data;
    tgk_nest nest; /* points into this */
    int64_t sizes[TG_MAX_NDIM], strides[TG_MAX_NDIM], dense[TG_MAX_NDIM];
} tg_rows;

/* `out` has the kept dims, and size 1 where there are others, if any. */
void tg_rows_of(tg_rows *rows, const tg_tensor *x, const tg_tensor *out);
/* In forward: the same with data, copied where they lie otherwise; false without memory. */
bool tg_rows_dense(tg_node *node, tg_rows *rows, const tg_tensor *x, const tg_tensor *out);

/* The data of node's outputs, which are the gradients of those of n inputs whose bits are `wanted`; NULL
 * for the others. */
void tg_wanted_data(const tg_node *node, unsigned wanted, int n, void **data);

#endif

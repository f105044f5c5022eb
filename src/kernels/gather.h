/* Reading and adding at places that an index tensor names, over raw memory. Innermost loops of a
 * nest (nest.h) with the operands: small (one element for each place of the index), index (int64),
 * big (where index 0 would be). Relies on nest.h. */
#ifndef TGK_INDEX_H
#define TGK_INDEX_H

#include "kernels/nest.h"

typedef struct tgk_index {
    int64_t stride; /* bytes in big from one index to the next */
    int64_t skip;   /* this index reads zeros, and is not added to; INT64_MIN: none */
} tgk_index;

/* params of all: a tgk_index. Indices must have been checked. */

/* small = big[index], of elements of 1, 4 or 8 bytes. */
tgk_loop *tgk_gather_loop(size_t size);
/* big[index] += small, in order. By dtype: float, double. */
extern tgk_loop *const tgk_scatter_add_table[2];

/* The first place of n indices outside [0, size); n where there is none. */
int64_t tgk_index_outside(const int64_t *index, int64_t n, int64_t size);

#endif

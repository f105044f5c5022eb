/* Reading and adding at places that an index tensor names, over raw memory: innermost loops of a
 * nest (nest.h) with the operands small (one element for each place of the index), index (int64),
 * big (where index 0 would be). Relies on nest.h. */
#ifndef TGK_INDEX_H
#define TGK_INDEX_H

#include "kernels/isa.h"
#include "kernels/nest.h"

#include <stdatomic.h>

/* params of all loops. */
typedef struct tgk_index {
    int64_t stride;       /* bytes in big from one index to the next */
    int64_t skip;         /* this index reads zeros, and is not added to; INT64_MIN: none */
    int64_t size;         /* of big: an index has to be in [0, size) */
    atomic_bool *outside; /* set by a loop that finds another one, and then does nothing */
} tgk_index;

/* small = big[index], of elements of 1, 4 or 8 bytes. */
tgk_loop *tgk_gather_loop(int isa, size_t size);
/* big[index] = small, in order, of elements of 1, 4 or 8 bytes. */
tgk_loop *tgk_scatter_loop(size_t size);
/* big[index] += small, in order; dtype: 0 float, 1 double, 2 int64_t, which wraps around. */
tgk_loop *tgk_scatter_add_loop(int isa, int dtype);

/* Runs a loop along ranges of the nest's dim `along`, shared by the team. */
void tgk_index_run(tgk_team *team, const tgk_nest *nest, int along, tgk_loop *loop,
                   const tgk_index *params);

/* The first place of an index outside [0, size), of which there is one. */
int64_t tgk_index_outside(const int64_t *index, int64_t size);

#endif

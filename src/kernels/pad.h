/* Padding of dense arrays, over raw memory: a copy with something around it or without its borders,
 * and the adjoint, which adds up what became of each element. Relies on nest.h. */
#ifndef TGK_PAD_H
#define TGK_PAD_H

#include "kernels/isa.h"
#include "kernels/nest.h"

/* What stands around: one value; the elements next to the border, mirrored; the one at the border;
 * those at the other end. */
typedef enum tgk_pad_mode {
    TGK_PAD_CONSTANT,
    TGK_PAD_REFLECT,
    TGK_PAD_REPLICATE,
    TGK_PAD_CIRCULAR
} tgk_pad_mode;

typedef struct tgk_pad {
    void *big, *small;
    int ndim;
    const int64_t *padded, *sizes; /* of big and of small */
    const int64_t
        *before;       /* in each dim: where small begins in big; below 0, what is cut off of it */
    tgk_pad_mode mode; /* those without a value reach over at most one whole size */
    const void *value; /* one element */
} tgk_pad;

/* big = small, padded; elements of 1, 4 or 8 bytes. */
void tgk_pad_read(tgk_team *team, size_t size, const tgk_pad *p);
/* small = the sums of what its elements became in big; dtype: 0 float, 1 double. */
void tgk_pad_add(tgk_team *team, int dtype, const tgk_pad *p);

#endif

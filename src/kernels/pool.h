/* Pooling over raw memory. Relies on window.h and team.h. */
#ifndef TGK_POOL_H
#define TGK_POOL_H

#include "kernels/team.h"
#include "kernels/window.h"

/* What the sum of a window is divided by: the number of its elements; of those that are in the image or in
 * its padding, for a last window may reach beyond; of those in the image. */
typedef enum tgk_pool_count { TGK_COUNT_ALL, TGK_COUNT_PADDED, TGK_COUNT_INSIDE } tgk_pool_count;

/* Images and results by planes: [w.n][w.in[0]][w.in[1]] and [w.n][w.out[0]][w.out[1]]; w.c is 1. at, of
 * max pooling: for each place of the window, which element of its plane is the largest: the first nan, else the first of
 * equals; -1 where no element is inside the image, where the largest is -inf. */
typedef struct tgk_pooling {
    const tgk_window *w;
    void *image;  /* written by TGK_POOL_SPREAD and TGK_POOL_SHARE */
    void *result; /* written by the others */
    int32_t *at;  /* written by TGK_POOL_LARGEST */
    tgk_pool_count count;
    int64_t divisor; /* of means; 0: `count` says it */
} tgk_pooling;

typedef enum tgk_pool_kind {
    TGK_POOL_LARGEST, /* result and at from the image */
    TGK_POOL_SPREAD, /* the image from 0 on: each place of the result is added to its element, in order */
    TGK_POOL_PICK, /* the result from those elements of the image; 0 where there is none */
    TGK_POOL_MEAN, /* the result from the image: sums, window element by element, with 0 outside */
    TGK_POOL_SHARE, /* the image from 0 on: to all elements of a window its result over what means are divided by */
    TGK_POOL_KINDS
} tgk_pool_kind;

/* What a plane may have at most, so that `at` can name it. */
#define TGK_POOL_MOST INT32_MAX

/* dtype: 0 float, 1 double. Shared by the team. */
void tgk_pool_run(tgk_team *team, int isa, int dtype, tgk_pool_kind kind, tgk_pooling *pooling);

#endif

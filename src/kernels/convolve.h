/* Convolution over raw memory, without columns: a small part of the images is copied with its padding,
 * rows apart by their phase where the stride is not 1, so that each element of a window reads its
 * neighbours at a distance that is the same for all places; the products then read that copy where it
 * lies. Beside packed weights it takes less than 4 MiB a thread for kernels of common sizes. Relies on
 * window.h and team.h. */
#ifndef TGK_CONVOLVE_H
#define TGK_CONVOLVE_H

#include "kernels/team.h"
#include "kernels/window.h"

#include <stddef.h>

/* x [w.n][w.c][w.in[0]][w.in[1]], y [w.n][channels][w.out[0]][w.out[1]], weight
 * [channels][w.c / groups][w.kernel[0]][w.kernel[1]], bias [channels] or NULL. */
typedef struct tgk_convolution {
    tgk_window w;
    int64_t groups, channels;
    const void *x, *y, *weight, *bias;
    void *out; /* of the shape of y, x or weight */
    void *workspace;
} tgk_convolution;

/* Elements of the results are
 *
 * - of the convolution, chains of fused multiply-adds from 0 on, in order of (channel, window); then
 *   the bias is added;
 * - of the gradient of x, such chains in order of (channel of y, window), its elements that are a
 *   multiple of the stride away, from the last on;
 * - of the gradient of weight, sums over the places of a block of images, in 64 bytes of lanes which
 *   are chains over up to SUMS_AFTER blocks; then added in double, compensated for float64.
 *
 * Blocks depend on the sizes alone. */
typedef enum tgk_convolution_kind {
    TGK_CONVOLVE,
    TGK_CONVOLVE_IMAGE, /* the gradient of x from y, which is that of y, and weight */
    TGK_CONVOLVE_WEIGHT /* the gradient of weight from y, which is that of y, and x */
} tgk_convolution_kind;

/* Bytes of workspace. dtype: 0 float, 1 double. */
size_t tgk_convolve_workspace(const tgk_team *team, int dtype, tgk_convolution_kind kind,
                              const tgk_convolution *c);
void tgk_convolve(tgk_team *team, int isa, int dtype, tgk_convolution_kind kind,
                  const tgk_convolution *c);

#endif

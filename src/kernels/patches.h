/* Sliding windows over images, over raw memory: what convolution and pooling are made of. */
#ifndef TGK_WINDOW_H
#define TGK_WINDOW_H

#include "kernels/team.h"

/* images [n][c][in[0]][in[1]]; columns [n][c * kernel[0] * kernel[1]][out[0] * out[1]]: one
 * column of window elements for each place of the window. */
typedef struct tgk_window {
    int64_t n, c, in[2], out[2];
    int64_t kernel[2], stride[2], padding[2], dilation[2];
    double fill; /* what stands outside the image */
} tgk_window;

/* Where element k of the window is, along an axis, for place `at`. */
static inline int64_t tgk_window_source(const tgk_window *w, int axis, int64_t k, int64_t at)
{
    return at * w->stride[axis] - w->padding[axis] + k * w->dilation[axis];
}

/* The places for which that is inside the image. */
typedef struct tgk_places {
    int64_t from, to;
} tgk_places;

static inline tgk_places tgk_window_inside(const tgk_window *w, int axis, int64_t k)
{
    int64_t stride = w->stride[axis], first = tgk_window_source(w, axis, k, 0), out = w->out[axis];
    int64_t from = first < 0 ? (stride - 1 - first) / stride : 0;
    int64_t to = first < w->in[axis] ? (w->in[axis] - 1 - first) / stride + 1 : 0;
    to = to < out ? to : out;
    return (tgk_places){from < to ? from : to, to};
}

/* unfold: columns from images. fold, its adjoint: adds each column element to its place in the
 * image, in a fixed order. By dtype: float, double;
 * bodies for tgk_window_run(). */
typedef struct tgk_window_job {
    const tgk_window *w;
    void *out;
    const void *in;
} tgk_window_job;

extern tgk_range *const tgk_unfold_table[2];
extern tgk_range *const tgk_fold_table[2];

/* Runs one of them over all planes, shared by the team where that pays. */
void tgk_window_run(tgk_team *team, tgk_range *body, tgk_window_job *job);

#endif

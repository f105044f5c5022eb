/* Sliding windows over images, over raw memory: what convolution and pooling are made of. */
#ifndef TGK_WINDOW_H
#define TGK_WINDOW_H

#include <stdint.h>

/* Images [n][c][in[0]][in[1]], and a window that has out[0] * out[1] places on each. */
typedef struct tgk_window {
    int64_t n, c, in[2], out[2];
    int64_t kernel[2], stride[2], padding[2], dilation[2];
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

#endif

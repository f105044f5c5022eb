/* Sliding windows over images, over raw memory: what convolution and pooling are made of. */
#ifndef TGK_WINDOW_H
#define TGK_WINDOW_H

#include <stdint.h>

/* images [n][c][in[0]][in[1]]; columns [n][c * kernel[0] * kernel[1]][out[0] * out[1]]: one
 * column of window elements for each place of the window. */
typedef struct tgk_window {
    int64_t n, c, in[2], out[2];
    int64_t kernel[2], stride[2], padding[2], dilation[2];
    double fill; /* what stands outside the image */
} tgk_window;

/* unfold: columns from images. fold, its adjoint: adds each column element to its place in the
 * image, in a fixed order. By dtype: float, double. */
typedef void tgk_window_copy(const tgk_window *w, void *out, const void *in);

extern tgk_window_copy *const tgk_unfold_table[2];
extern tgk_window_copy *const tgk_fold_table[2];

#endif

/* Images to columns of windows and back: each is the other's gradient. */
#ifndef TG_OPS_WINDOW_H
#define TG_OPS_WINDOW_H

#include "kernels/patches.h"
#include "record/map.h"

/* An option's entry for spatial dim i: its own, else the first one, else `otherwise`. */
static inline int64_t tg_window_option(const int64_t option[2], int i, int64_t otherwise)
{
    int64_t given = option[i] ? option[i] : option[0];
    return given ? given : otherwise;
}

/* Fills in out[] of a window whose other fields are set; false, with the error set on behalf of
 * `op`, where a field is out of range or the window does not fit. */
bool tg_window_fit(const tg_op *op, const tg_tensor *x, tgk_window *w);
/* x (N, C, H, W) as columns (N, C * KH * KW, OH * OW). */
tg_tensor *tg_unfold(tg_tensor *x, const tgk_window *w);
/* x with a batch of 1 and, for one spatial dim, a height of 1; `spatial` dims are expected.
 * NULL, and the error, for other ranks. */
tg_tensor *tg_as_images(const tg_op *op, tg_tensor *x, int spatial);
/* The result y (N, channels, OH * OW), in any shape, in the rank that x had. */
tg_tensor *tg_from_images(tg_tensor *y, const tg_tensor *x, int64_t channels, const tgk_window *w,
                          int spatial);

#endif

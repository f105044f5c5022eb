/* Windows that slide over images: their options and sizes. Relies on kernels/window.h. */
#ifndef TG_OPS_WINDOW_H
#define TG_OPS_WINDOW_H

#include "kernels/window.h"
#include "record/map.h"

/* An option's entry for spatial dim i: its own, else the first one, else `otherwise`. */
static inline int64_t tg_window_option(const int64_t option[2], int i, int64_t otherwise)
{
    int64_t given = option[i] ? option[i] : option[0];
    return given ? given : otherwise;
}

/* Fills in out[] of a window whose other fields are set; false, with the error set on behalf of
 * `op`, where a field is out of range or the window does not fit. partial: so that it reaches the end of the
 * image, where it may stick out of the padding, but begins in the image or before it. */
bool tg_window_fit(const tg_op *op, const tg_tensor *x, tgk_window *w, bool partial);
/* (N, C, H, W) of x, with a batch of 1 and, for one spatial dim, a height of 1; `spatial` dims are
 * expected. False, and the error, for other ranks. */
bool tg_image_sizes(const tg_op *op, const tg_tensor *x, int spatial, int64_t sizes[4]);
/* The dims of a result for x with so many channels, in the rank that x has; returns how many. */
int tg_image_dims(const tg_tensor *x, int64_t channels, const tgk_window *w, int spatial,
                  int64_t dims[4]);

#endif

/* Of a matrix's kept gradient, which rows may be other than zero: where nothing but a lookup by rows has
 * written there. A note of that stands with the gradient's memory and is true of one version of it, so
 * that whatever else writes there, which makes a new version, drops it without knowing. The gradient is
 * dense all the same: who knows nothing of this sees zeros. Relies on tensor.h. */
#ifndef TG_OPS_TOUCHED_H
#define TG_OPS_TOUCHED_H

#include "tape/tensor.h"

/* The note, where it is true of the gradient as it is; NULL: all rows may be other than zero. */
static inline tgk_touched *tg_touched_of(const tg_tensor *grad)
{
    const tg_header *h = tg_at(grad);
    tgk_touched *note = h->kept ? h->u.touched : NULL;
    return note && note->version == h->version ? note : NULL;
}

/* Elements of a tensor, one after the other. */
typedef struct tg_span {
    int64_t from, to;
} tg_span;

/* The next elements that may be other than zero, whole rows from the one that begins at `from` on;
 * from == to: there are none. */
static inline tg_span tg_next_span(const tg_tensor *grad, int64_t from)
{
    const tgk_touched *note = tg_touched_of(grad);
    const tg_header *h = tg_at(grad);
    if (!note)
        return (tg_span){from, h->numel};
    int64_t width = h->dims[1], row = tgk_touched_next(note, h->dims[0], from / width);
    return (tg_span){row * width, row < h->dims[0] ? (row + 1) * width : row * width};
}

/* After elements were written to, but only such: a new version, of which the note is true as well. */
static inline void tg_rewrote_spans(const tg_tensor *grad)
{
    tgk_touched *note = tg_touched_of(grad);
    tg_at(grad)->version++;
    if (note)
        note->version++;
}

#endif

/* Padding, see pad.h; its loops are in pad.inc. Dims before the first padded one are independent of
 * each other; those behind the last one are moved as blocks. */
#include "kernels/pad.h"

#include <stdbool.h>
#include <string.h>

typedef struct plan {
    const tgk_pad *p;
    bool cut;                                       /* big lacks some of small */
    int first, last;                                /* dims that are padded */
    int64_t outer, parts;                           /* items to share */
    int64_t inner;                                  /* elements of a block */
    int64_t big_outer, small_outer;                 /* elements from one outer index to the next */
    int64_t big[TGK_MAX_DIMS], small[TGK_MAX_DIMS]; /* the same of dims before the last */
} plan;

/* Where big's items of a dim are small's, of which no more is cut off than there is. */
typedef struct middle {
    int64_t from, to;
} middle;

TGK_INLINE middle middle_of(const tgk_pad *p, int dim)
{
    int64_t from = p->before[dim], to = from + p->sizes[dim], all = p->padded[dim];
    return (middle){from > 0 ? from : 0, to < all ? to : all};
}

/* The index in small that index j of big is a copy of; -1: it is the value. */
TGK_INLINE int64_t source_of(const tgk_pad *p, int dim, int64_t j)
{
    int64_t i = j - p->before[dim], n = p->sizes[dim];
    if (i >= 0 && i < n)
        return i;
    switch (p->mode) {
    case TGK_PAD_REFLECT:
        return i < 0 ? -i : 2 * n - 2 - i;
    case TGK_PAD_REPLICATE:
        return i < 0 ? 0 : n - 1;
    case TGK_PAD_CIRCULAR:
        return i < 0 ? i + n : i - n;
    default:
        return -1;
    }
}

static plan plan_of(const tgk_pad *p)
{
    plan a = {.p = p, .first = p->ndim - 1, .outer = 1, .parts = 1, .inner = 1};
    for (int i = p->ndim - 1; i >= 0; i--) {
        if (p->before[i] || p->padded[i] != p->sizes[i]) {
            a.first = i;
            a.cut |= p->before[i] < 0 || p->padded[i] < p->before[i] + p->sizes[i];
            a.last = a.last > i ? a.last : i;
        }
    }
    if (a.last < a.first)
        a.last = a.first;
    for (int i = p->ndim - 1; i > a.last; i--)
        a.inner *= p->sizes[i];
    a.big_outer = a.small_outer = a.inner;
    for (int i = a.last; i >= a.first; i--) {
        a.big[i] = a.big_outer;
        a.small[i] = a.small_outer;
        a.big_outer *= p->padded[i];
        a.small_outer *= p->sizes[i];
    }
    for (int i = 0; i < a.first; i++)
        a.outer *= p->sizes[i];
    return a;
}

/* In pieces: a longer memcpy() is one instruction for some machines, which takes twice as long where what it
 * reads lies a little before what it writes, but for whole pages. */
static void copy_near(void *to, const void *from, size_t size)
{
    enum { PIECE = 1024 };
    for (size_t at = 0; at < size; at += PIECE)
        memcpy((char *)to + at, (const char *)from + at, size - at < PIECE ? size - at : PIECE);
}

#define T uint8_t
#define NAME(x) x##_u8
#define ADDS 0
#include "kernels/pad.inc"
#undef T
#undef NAME
#undef ADDS

#define T float
#define NAME(x) x##_f32
#define ADDS 1
#include "kernels/pad.inc"
#undef T
#undef NAME

#define T double
#define NAME(x) x##_f64
#include "kernels/pad.inc"
#undef T
#undef NAME
#undef ADDS

void tgk_pad_read(tgk_team *team, size_t size, const tgk_pad *p)
{
    plan a = plan_of(p);
    a.parts = a.first < a.last ? p->padded[a.first] : 1;
    if (a.big_outer * a.outer == 0)
        return;
    tgk_share_rows(team, a.outer * a.parts, a.big_outer / a.parts,
                   size == 1   ? read_u8
                   : size == 4 ? read_f32
                               : read_f64,
                   &a);
}

void tgk_pad_add(tgk_team *team, int dtype, const tgk_pad *p)
{
    plan a = plan_of(p);
    if (a.small_outer * a.outer > 0)
        tgk_share_rows(team, a.outer, a.big_outer, dtype ? add_f64 : add_f32, &a);
}

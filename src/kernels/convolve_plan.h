/* How a convolution, or the gradient of its images, is done in parts. Relies on convolve.h. */
#ifndef TGK_CONVOLVE_PLAN_H
#define TGK_CONVOLVE_PLAN_H

#include "kernels/convolve.h"

#include <stdbool.h>

/* Along one axis. Position a of what is made reads, for element first + j * step of the kernel, element
 * a * stride + start + j * move - padding of the plane. The copy has, as position a of its phase f,
 * element a * stride + f - padding; where that would be more, element j has a phase of its own. */
typedef struct tgk_axis {
    int64_t from, to;          /* the size of planes that are read; positions that are made */
    int64_t taps, first, step; /* of the kernel: how many elements, which */
    int64_t start, move;       /* in elements of the plane read */
    int64_t stride, padding;
    bool apart;                /* each element of the kernel has a phase ... */
    int64_t phases, reach;     /* ... else so many positions are read behind the last */
    int64_t size, place, pace; /* of planes that are written: position a is at place + a * pace */
    int64_t block, blocks;     /* positions at a time */
} tgk_axis;

/* Channels are those of one group. Weights are at channel made * by_to + channel read * by_from + element. */
typedef struct tgk_plan {
    tgk_axis axis[2];
    int64_t images, groups, from, to;
    int64_t together, bundles;   /* images at a time */
    int64_t channels;            /* of those read, at a time */
    int64_t width, pitch, plane; /* of the copy: of an image's row; from row to row; of a phase */
    int64_t channel, positions;  /* of a channel; positions made, with gaps, of a whole block */
    int64_t taps, kernel, kernel_row; /* of both axes; elements of the kernel; of a row of it */
    int64_t by_to, by_from;
} tgk_plan;

enum {
    TGK_CONV_SLACK = 144,       /* elements that may be read behind a copy */
    TGK_CONV_ROW = 4096,        /* bytes of one channel of what is made at a time */
    TGK_CONV_STEPS = 160,       /* of a chain, at a time */
    TGK_CONV_WEIGHTS = 2 << 20, /* bytes that are packed at a time */
    TGK_CONV_MADE = 128         /* channels made at a time */
};

static inline int64_t tgk_axis_tap(const tgk_axis *a, int64_t j)
{
    return a->start + j * a->move;
}

/* The element of the plane at position 0 of a phase. */
static inline int64_t tgk_axis_phase(const tgk_axis *a, int64_t f)
{
    return (a->apart ? tgk_axis_tap(a, f) : f) - a->padding;
}

/* Of elements of `size` bytes. */
tgk_plan tgk_plan_forward(const tgk_convolution *c, int64_t size);
/* Of those elements of the images that are first[], first[] + stride, ... */
tgk_plan tgk_plan_image(const tgk_convolution *c, const int64_t first[2], int64_t size);
/* For element i of the kernel, in order of both axes, of channel c of a copy: where it reads for position
 * 0. `count` of them, and those behind repeat the last. */
void tgk_plan_offsets(const tgk_plan *p, int64_t count, int64_t all, int64_t *offsets);

#endif

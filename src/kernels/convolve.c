/* See convolve.h. The loops are in convolve.inc and, for the gradient of weights, convolve_weight.inc. */
#include "kernels/convolve.h"

#include "kernels/convolve_plan.h"
#include "kernels/isa.h"
#include "kernels/pairs.h"
#include "kernels/row_sum.h"
#include "kernels/sizes.h"

#include <math.h>
#include <stdatomic.h>
#include <string.h>

#ifdef TGK_X86
#include <immintrin.h>
#endif

enum { SUMS_AFTER = 16, LANES_BYTES = 64, TILE_SLACK = 16, PAGE = 64 };
/* Of the gradient of weights, at a time: channels of y. */
enum { MADE_SUMS = 66 };

/* One call. Items are taken by whoever is free; piece i of the workspace is for one at a time. */
typedef struct job {
    const tgk_convolution *c;
    const tgk_plan *p;
    int64_t *offsets;
    char *packed, *pieces;
    size_t piece;          /* bytes of one of the pieces */
    int64_t group, groups; /* that packed weights are of ... */
    int64_t made, count;   /* ... and which channels of them */
    int64_t taps;          /* of the gradient of weights: elements of the kernel at a time */
    void (*item)(const struct job *job, int64_t item, void *memory);
    int64_t items;
    atomic_llong next;
} job;

/* One part of the images. */
typedef struct block {
    int64_t image, images, group, row, rows, column, columns;
} block;

/* Number `item` of all blocks of `groups` groups, those of one image and group in a row. */
static block block_of(const tgk_plan *p, int64_t item, int64_t groups)
{
    const tgk_axis *r = &p->axis[0], *c = &p->axis[1];
    int64_t column = item % c->blocks * c->block, row = item / c->blocks % r->blocks * r->block;
    int64_t group = item / (c->blocks * r->blocks) % groups;
    int64_t image = item / (c->blocks * r->blocks * groups) * p->together;
    return (block){.image = image,
                   .images = tgk_least(p->together, p->images - image),
                   .group = group,
                   .row = row,
                   .rows = tgk_least(r->block, r->to - row),
                   .column = column,
                   .columns = tgk_least(c->block, c->to - column)};
}

static int64_t blocks_of(const tgk_plan *p)
{
    return p->bundles * p->axis[0].blocks * p->axis[1].blocks;
}

/* Elements of a copy of so many channels, and those that are read behind it; of a row of what is made. */
static int64_t copy_size(const tgk_plan *p, int64_t channels)
{
    return channels * p->channel + p->axis[1].reach + TGK_CONV_SLACK;
}

static int64_t row_size(const tgk_plan *p)
{
    return p->positions + TGK_CONV_SLACK;
}

static int64_t rounded(int64_t bytes)
{
    return (bytes + PAGE - 1) / PAGE * PAGE;
}

/* Elements of so many bytes, so that what is behind them is aligned. */
static int64_t rounded_elements(int64_t n, size_t size)
{
    return rounded(n * (int64_t)size) / (int64_t)size;
}

#define TGK_BODY "kernels/convolve_isa.inc"
#include "kernels/each_isa.h"
typedef struct kernels {
    tgk_range *pack;
    void (*convolve)(const job *job, int64_t item, void *memory);
    void (*weight)(const job *job, int64_t item, void *memory);
} kernels;

#define TABLE(isa)                                                                                 \
    {                                                                                              \
        {pack_f32_##isa, convolve_f32_##isa, weight_f32_##isa},                                    \
            TGK_IN_F64({pack_f64_##isa, convolve_f64_##isa, weight_f64_##isa})                     \
    }

static const kernels table[TGK_ISAS][2] = TGK_BY_ISA(TABLE);

/* --- how the work is cut --- */

static int64_t size_of(int dtype)
{
    return dtype ? sizeof(double) : sizeof(float);
}

/* How many threads are worth it. */
static int64_t pieces_of(const tgk_team *team, const tgk_plan *p)
{
    double each = (double)p->axis[0].to * (double)p->axis[1].to * (double)p->taps;
    double work = (double)p->images * (double)p->groups * (double)(p->from * p->to) * each;
    return work < (double)(1 << 18) ? 1 : team->threads;
}

/* Channels made, and groups, whose weights are packed at a time. */
static void divide_weights(const tgk_plan *p, int64_t size, job *j)
{
    int64_t row = tgk_most(1, p->from * p->taps * size), rows = tgk_most(1, TGK_CONV_WEIGHTS / row);
    j->count = tgk_least(p->to, tgk_least(rows, TGK_CONV_MADE));
    j->groups = j->count < p->to ? 1 : tgk_least(p->groups, tgk_most(1, rows / p->to));
}

/* Channels of y, and elements of the kernel, that one item of the gradient of weights is for. */
static void divide_sums(const tgk_plan *p, int64_t threads, job *j)
{
    j->taps = tgk_least(p->taps, TGK_CONV_STEPS);
    int64_t lots = (p->to + MADE_SUMS - 1) / MADE_SUMS;
    j->count = tgk_least(p->to, ((p->to + lots - 1) / lots + 5) / 6 * 6);
    int64_t items = p->groups * ((p->from + p->channels - 1) / p->channels);
    while (j->count > 6 && items * ((p->to + j->count - 1) / j->count) < 2 * threads)
        j->count = (j->count / 2 + 5) / 6 * 6;
}

static int64_t sums_of(const tgk_plan *p, const job *j)
{
    return p->channels * j->taps;
}

/* Sets the job's parts of the workspace, if there is one; returns how large it is. */
static size_t lay_out(const tgk_team *team, int dtype, const tgk_plan *p, bool weight, job *j)
{
    int64_t size = size_of(dtype), threads = pieces_of(team, p), packed = 0, piece;
    int64_t offsets = rounded((p->channels * p->taps + TILE_SLACK) * (int64_t)sizeof(int64_t));
    if (weight) {
        divide_sums(p, threads, j);
        piece =
            rounded(copy_size(p, p->channels) * size) +
            rounded(row_size(p) * size) * (j->count + 1) +
            j->count * (sums_of(p, j) + TILE_SLACK) * (LANES_BYTES + 2 * (int64_t)sizeof(double));
    } else {
        divide_weights(p, size, j);
        packed = rounded(j->groups * j->count * p->from * p->taps * size);
        piece = rounded(copy_size(p, p->channels) * size) + rounded(row_size(p) * size) * j->count;
    }
    char *start = j->c->workspace;
    if (start)
        start += -(uintptr_t)start % PAGE;
    j->offsets = (int64_t *)(void *)start;
    j->packed = start ? start + offsets : NULL;
    j->pieces = start ? start + offsets + packed : NULL;
    j->piece = (size_t)rounded(piece);
    return (size_t)(PAGE + offsets + packed) + (size_t)threads * j->piece;
}

/* --- running --- */

static void take(void *context, int64_t from, int64_t to)
{
    job *j = context;
    for (int64_t piece = from; piece < to; piece++) {
        for (;;) {
            int64_t item = atomic_fetch_add(&j->next, 1);
            if (item >= j->items)
                break;
            j->item(j, item, j->pieces + (size_t)piece * j->piece);
        }
    }
}

static void run(tgk_team *team, job *j)
{
    atomic_init(&j->next, 0);
    tgk_share(team, tgk_least(pieces_of(team, j->p), j->items), 1, take, j);
}

static void convolve(tgk_team *team, int isa, int dtype, const tgk_convolution *c,
                     const tgk_plan *p)
{
    const kernels *k = &table[isa][dtype];
    job j = {.c = c, .p = p, .item = k->convolve};
    lay_out(team, dtype, p, false, &j);
    tgk_plan_offsets(p, p->channels * p->taps, p->channels * p->taps + TILE_SLACK, j.offsets);
    const int64_t groups = j.groups, count = j.count;
    for (j.group = 0; j.group < p->groups; j.group += groups) {
        j.groups = tgk_least(groups, p->groups - j.group);
        for (j.made = 0; j.made < p->to; j.made += count) {
            j.count = tgk_least(count, p->to - j.made);
            tgk_share_rows(team, j.groups * j.count, p->from * p->taps, k->pack, &j);
            j.items = blocks_of(p) * j.groups;
            run(team, &j);
        }
    }
}

static void weight_gradient(tgk_team *team, int isa, int dtype, const tgk_convolution *c)
{
    tgk_plan p = tgk_plan_forward(c, size_of(dtype));
    job j = {.c = c, .p = &p, .item = table[isa][dtype].weight};
    lay_out(team, dtype, &p, true, &j);
    tgk_plan_offsets(&p, p.channels * p.taps, p.channels * p.taps + TILE_SLACK, j.offsets);
    j.items = p.groups * ((p.to + j.count - 1) / j.count) *
              ((p.from + p.channels - 1) / p.channels) * ((p.taps + j.taps - 1) / j.taps);
    run(team, &j);
}

/* The first elements of an image, one for each phase of the stride. */
static int64_t starts(const tgk_window *w, int axis)
{
    return tgk_least(w->stride[axis], w->in[axis]);
}

static bool next_start(const tgk_window *w, int64_t first[2])
{
    if (++first[1] < starts(w, 1))
        return true;
    first[1] = 0;
    return ++first[0] < starts(w, 0);
}

static int64_t count_of(const tgk_convolution *c, tgk_convolution_kind kind)
{
    const tgk_window *w = &c->w;
    int64_t in = w->in[0] * w->in[1];
    return kind == TGK_CONVOLVE         ? w->n * c->channels
           : kind == TGK_CONVOLVE_IMAGE ? w->n * w->c * in
                                        : c->channels * (w->c / c->groups);
}

/* Where windows are the single elements of the image, it is one row of them. (Output padding of a
 * transposed convolution adds elements that are in no window.) */
static tgk_convolution flat(const tgk_convolution *c)
{
    tgk_convolution as_row = *c;
    tgk_window *w = &as_row.w;
    bool single = true;
    for (int i = 0; i < 2; i++)
        single &=
            w->kernel[i] == 1 && w->stride[i] == 1 && w->padding[i] == 0 && w->in[i] == w->out[i];
    if (single) {
        w->in[1] = w->out[1] = w->in[0] * w->in[1];
        w->in[0] = w->out[0] = 1;
    }
    return as_row;
}

size_t tgk_convolve_workspace(const tgk_team *team, int dtype, tgk_convolution_kind kind,
                              const tgk_convolution *given)
{
    const tgk_convolution as_row = flat(given), *c = &as_row;
    job j = {.c = &(tgk_convolution){.workspace = NULL}};
    int64_t first[2] = {0, 0};
    size_t largest = 0;
    if (count_of(c, kind) == 0 || (kind == TGK_CONVOLVE_WEIGHT && c->w.n == 0))
        return 0;
    if (kind != TGK_CONVOLVE_IMAGE) {
        tgk_plan p = tgk_plan_forward(c, size_of(dtype));
        return lay_out(team, dtype, &p, kind == TGK_CONVOLVE_WEIGHT, &j);
    }
    do {
        tgk_plan p = tgk_plan_image(c, first, size_of(dtype));
        size_t size = lay_out(team, dtype, &p, false, &j);
        largest = size > largest ? size : largest;
    } while (next_start(&c->w, first));
    return largest;
}

void tgk_convolve(tgk_team *team, int isa, int dtype, tgk_convolution_kind kind,
                  const tgk_convolution *given)
{
    const tgk_convolution as_row = flat(given), *c = &as_row;
    int64_t count = count_of(c, kind), first[2] = {0, 0};
    if (count == 0)
        return;
    if (kind == TGK_CONVOLVE_WEIGHT && c->w.n > 0) {
        weight_gradient(team, isa, dtype, c);
    } else if (kind == TGK_CONVOLVE_WEIGHT) {
        memset(c->out, 0, (size_t)(count * c->w.kernel[0] * c->w.kernel[1] * size_of(dtype)));
    } else if (kind == TGK_CONVOLVE) {
        tgk_plan p = tgk_plan_forward(c, size_of(dtype));
        convolve(team, isa, dtype, c, &p);
    } else {
        tgk_convolution from_y = *c;
        from_y.x = c->y;
        from_y.bias = NULL;
        do {
            tgk_plan p = tgk_plan_image(c, first, size_of(dtype));
            convolve(team, isa, dtype, &from_y, &p);
        } while (next_start(&c->w, first));
    }
}

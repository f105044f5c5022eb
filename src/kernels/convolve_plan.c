/* See convolve_plan.h. */
#include "kernels/convolve_plan.h"

#include "kernels/sizes.h"

static int64_t parts(int64_t n, int64_t size)
{
    return (n + size - 1) / size;
}

static tgk_axis forward_axis(const tgk_window *w, int i)
{
    int64_t span = (w->kernel[i] - 1) * w->dilation[i];
    return (tgk_axis){.from = w->in[i],
                      .to = w->out[i],
                      .taps = w->kernel[i],
                      .step = 1,
                      .move = w->dilation[i],
                      .stride = w->stride[i],
                      .phases = tgk_least(w->stride[i], span + 1),
                      .reach = span / w->stride[i],
                      .padding = w->padding[i],
                      .size = w->out[i],
                      .pace = 1};
}

static int64_t common_divisor(int64_t a, int64_t b)
{
    return b ? common_divisor(b, a % b) : a;
}

/* Element x of the image is in the window of place `at` as its element k where at * stride = x +
 * padding - k * dilation: for every step-th k, if any. */
static tgk_axis image_axis(const tgk_window *w, int i, int64_t first)
{
    int64_t stride = w->stride[i], dilation = w->dilation[i], behind = first + w->padding[i];
    int64_t step = stride / common_divisor(stride, dilation), k = 0;
    while (k < tgk_least(step, w->kernel[i]) && (k * dilation - behind) % stride)
        k++;
    int64_t taps = k < tgk_least(step, w->kernel[i]) ? (w->kernel[i] - 1 - k) / step + 1 : 0;
    int64_t move = step * dilation / stride, reach = taps ? (taps - 1) * move : 0;
    return (tgk_axis){.from = w->out[i],
                      .to = (w->in[i] - 1 - first) / stride + 1,
                      .taps = taps,
                      .first = k,
                      .step = step,
                      .start = reach,
                      .move = -move,
                      .stride = 1,
                      .phases = 1,
                      .reach = reach,
                      .padding = taps ? reach + (k * dilation - behind) / stride : 0,
                      .size = w->in[i],
                      .place = first,
                      .pace = stride};
}

/* Elements of the kernel that lie far apart: their positions are copied for each. */
static void keep_near(tgk_axis *a)
{
    a->apart = a->phases * (a->block + a->reach) > a->taps * a->block && a->taps > 0;
    a->phases = a->apart ? a->taps : a->phases;
    a->reach = a->apart ? 0 : a->reach;
}

/* Of a row of the copy. The zeros in front of the next row are those behind this one, too, where there
 * are enough; behind the last row there are zeros. */
static int64_t width_of(const tgk_axis *a)
{
    int64_t width = a->block + a->reach, behind = width - a->padding - a->from;
    bool shared = a->blocks == 1 && a->stride == 1 && !a->apart && behind > 0;
    return shared && behind <= a->padding ? tgk_most(a->block, width - behind) : width;
}

/* The sizes of parts: some rows, or all rows of some images. */
static void divide(tgk_plan *p, int64_t size)
{
    const int64_t positions = TGK_CONV_ROW / size;
    tgk_axis *rows = &p->axis[0], *columns = &p->axis[1];
    columns->blocks = parts(columns->to, positions);
    columns->block = parts(columns->to, columns->blocks);
    keep_near(columns);
    p->width = width_of(columns);
    rows->blocks = parts(rows->to, tgk_most(1, positions / p->width));
    rows->block = parts(rows->to, rows->blocks);
    keep_near(rows);
    bool whole = rows->blocks == 1 && columns->blocks == 1;
    int64_t fit = tgk_most(1, positions / (rows->block * p->width));
    p->together = whole ? tgk_least(fit, p->images) : 1;
    p->bundles = parts(p->images, p->together);
    p->together = parts(p->images, p->bundles);
    p->pitch = p->width * p->together;
    p->plane = p->pitch * (rows->block + rows->reach);
    p->channel = p->plane * rows->phases * columns->phases;
    p->positions = p->pitch * rows->block;
    p->taps = rows->taps * columns->taps;
    int64_t lots = parts(p->from, tgk_most(1, TGK_CONV_STEPS / tgk_most(1, p->taps)));
    p->channels = tgk_most(1, parts(p->from, tgk_most(1, lots)));
}

tgk_plan tgk_plan_forward(const tgk_convolution *c, int64_t size)
{
    tgk_plan p = {.axis = {forward_axis(&c->w, 0), forward_axis(&c->w, 1)},
                  .images = c->w.n,
                  .groups = c->groups,
                  .from = c->w.c / c->groups,
                  .to = c->channels / c->groups,
                  .kernel = c->w.kernel[0] * c->w.kernel[1],
                  .kernel_row = c->w.kernel[1]};
    p.by_to = p.from * p.kernel;
    p.by_from = p.kernel;
    divide(&p, size);
    return p;
}

tgk_plan tgk_plan_image(const tgk_convolution *c, const int64_t first[2], int64_t size)
{
    tgk_plan p = {.axis = {image_axis(&c->w, 0, first[0]), image_axis(&c->w, 1, first[1])},
                  .images = c->w.n,
                  .groups = c->groups,
                  .from = c->channels / c->groups,
                  .to = c->w.c / c->groups,
                  .kernel = c->w.kernel[0] * c->w.kernel[1],
                  .kernel_row = c->w.kernel[1]};
    p.by_to = p.kernel;
    p.by_from = p.to * p.kernel;
    divide(&p, size);
    return p;
}

/* Of element j along an axis: its phase, and how far behind in it. */
static int64_t phase_of(const tgk_axis *a, int64_t j)
{
    return a->apart ? j : tgk_axis_tap(a, j) % a->stride;
}

static int64_t behind_of(const tgk_axis *a, int64_t j)
{
    return a->apart ? 0 : tgk_axis_tap(a, j) / a->stride;
}

void tgk_plan_offsets(const tgk_plan *p, int64_t count, int64_t all, int64_t *offsets)
{
    const tgk_axis *rows = &p->axis[0], *columns = &p->axis[1];
    int64_t n = 0;
    for (int64_t c = 0; n < count; c++) {
        for (int64_t j = 0; j < p->taps; j++, n++) {
            int64_t j0 = j / columns->taps, j1 = j % columns->taps;
            int64_t phase = phase_of(rows, j0) * columns->phases + phase_of(columns, j1);
            offsets[n] = c * p->channel + phase * p->plane + behind_of(rows, j0) * p->pitch +
                         behind_of(columns, j1);
        }
    }
    for (; n < all; n++)
        offsets[n] = count ? offsets[count - 1] : 0;
}

/* See window.h. */
#include "ops/nn/window.h"

#include "ops/check.h"

/* Bounds that keep every product below in range, as those of tensors do. */
enum { LIMIT = 1 << 30 };

static bool fit_axis(const tg_op *op, const tg_tensor *x, tgk_window *w, int axis, bool partial)
{
    tg_tape *tape = tg_tape_in(x);
    TG_CHECK(tape,
             w->kernel[axis] >= 1 && w->stride[axis] >= 1 && w->dilation[axis] >= 1 &&
                 w->padding[axis] >= 0,
             TG_EVALUE, "%s: kernel %lld, stride %lld, dilation %lld, padding %lld", op->name,
             (long long)w->kernel[axis], (long long)w->stride[axis], (long long)w->dilation[axis],
             (long long)w->padding[axis]);
    TG_CHECK(tape,
             w->kernel[axis] <= LIMIT && w->stride[axis] <= LIMIT && w->dilation[axis] <= LIMIT &&
                 w->padding[axis] <= LIMIT,
             TG_EVALUE, "%s: a window parameter is above 2^30", op->name);
    int64_t space = w->in[axis] + 2 * w->padding[axis];
    int64_t span = w->dilation[axis] * (w->kernel[axis] - 1) + 1;
    int64_t rest = space - span + (partial ? w->stride[axis] - 1 : 0);
    int64_t out = rest < 0 ? 0 : rest / w->stride[axis] + 1;
    out -= partial && out && (out - 1) * w->stride[axis] >= w->in[axis] + w->padding[axis];
    TG_CHECK(tape, out > 0, TG_ESHAPE,
             "%s: a window of %lld elements does not fit %s with padding %lld", op->name,
             (long long)span, tg_shape_of(x).chars, (long long)w->padding[axis]);
    w->out[axis] = out;
    return true;
}

bool tg_window_fit(const tg_op *op, const tg_tensor *x, tgk_window *w, bool partial)
{
    return fit_axis(op, x, w, 0, partial) && fit_axis(op, x, w, 1, partial);
}

bool tg_image_sizes(const tg_op *op, const tg_tensor *x, int spatial, int64_t sizes[4])
{
    TG_CHECK(tg_tape_in(x), tg_at(x)->ndim == spatial + 1 || tg_at(x)->ndim == spatial + 2,
             TG_ESHAPE, "%s: input %s, wanted %d or %d dims", op->name, tg_shape_of(x).chars,
             spatial + 1, spatial + 2);
    const int64_t *from_c = tg_at(x)->dims + tg_at(x)->ndim - spatial - 1;
    sizes[0] = tg_at(x)->ndim == spatial + 2 ? tg_at(x)->dims[0] : 1;
    sizes[1] = from_c[0];
    sizes[2] = spatial == 2 ? from_c[1] : 1;
    sizes[3] = from_c[spatial];
    return true;
}

int tg_image_dims(const tg_tensor *x, int64_t channels, const tgk_window *w, int spatial,
                  int64_t dims[4])
{
    int n = 0;
    if (tg_at(x)->ndim == spatial + 2)
        dims[n++] = tg_at(x)->dims[0];
    dims[n++] = channels;
    if (spatial == 2)
        dims[n++] = w->out[0];
    dims[n++] = w->out[1];
    return n;
}

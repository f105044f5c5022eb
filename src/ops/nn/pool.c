/* Poolings: reductions of each window. Relies on window.h. */
#include "ops/check.h"
#include "ops/nn/window.h"

#include <math.h>
#include <tinygrad/nn.h>

static const tg_op max_name[] = {{.name = "max_pool1d"}, {.name = "max_pool2d"}};
static const tg_op avg_name[] = {{.name = "avg_pool1d"}, {.name = "avg_pool2d"}};

/* Options with their defaults; each plane of the image is an image of its own. */
static tgk_window window_of(const tg_tensor *image, const tg_pool_opts *o, int spatial)
{
    tgk_window w = {.n = image->dims[0] * image->dims[1],
                    .c = 1,
                    .in = {image->dims[2], image->dims[3]},
                    .kernel = {1, 1},
                    .stride = {1, 1},
                    .dilation = {1, 1}};
    for (int i = 0; i < spatial; i++) {
        int axis = 2 - spatial + i;
        w.kernel[axis] = tg_window_option(o->kernel, i, 0);
        w.stride[axis] = tg_window_option(o->stride, i, w.kernel[axis]);
        w.dilation[axis] = tg_window_option(o->dilation, i, 1);
        w.padding[axis] = o->padding[i];
    }
    return w;
}

static bool check_padding(const tg_op *op, const tg_tensor *x, const tgk_window *w)
{
    for (int axis = 0; axis < 2; axis++)
        TG_CHECK(tg_tape_in(x), w->padding[axis] <= w->kernel[axis] / 2, TG_EVALUE,
                 "%s: padding %lld is more than half of kernel %lld", op->name,
                 (long long)w->padding[axis], (long long)w->kernel[axis]);
    return true;
}

/* x's windows as columns (planes, window, places), with `fill` around the image. */
static tg_tensor *columns(const tg_op *op, tg_tensor *x, const tg_pool_opts *opts, int spatial,
                          tgk_window *w)
{
    const tg_pool_opts o = opts ? *opts : (tg_pool_opts){0};
    double fill = w->fill;
    if (!tg_check_inputs(op, 1, &x) || !tg_check_floats(op, 1, &x))
        return NULL;
    tg_tensor *image = tg_as_images(op, x, spatial);
    if (!image)
        return NULL;
    TG_CHECK(tg_tape_in(x), o.kernel[0], TG_EVALUE,
             "%s: no kernel: set opts->kernel, the size of the window", op->name);
    *w = window_of(image, &o, spatial);
    w->fill = fill;
    if (!tg_window_fit(op, x, w) || !check_padding(op, x, w))
        return NULL;
    return tg_unfold(tg_reshape(image, 4, (int64_t[]){w->n, 1, w->in[0], w->in[1]}), w);
}

static tg_tensor *pooled(tg_tensor *y, const tg_tensor *x, const tgk_window *w, int spatial)
{
    return tg_from_images(y, x, x->dims[x->ndim - spatial - 1], w, spatial);
}

static tg_tensor *max_pool(tg_tensor *x, const tg_pool_opts *opts, int spatial)
{
    tgk_window w = {.fill = -(double)INFINITY};
    tg_tensor *windows = columns(&max_name[spatial - 1], x, opts, spatial, &w);
    return windows ? pooled(tg_max_dim(windows, 1, false), x, &w, spatial) : NULL;
}

static tg_tensor *avg_pool(tg_tensor *x, const tg_pool_opts *opts, int spatial)
{
    const tg_op *op = &avg_name[spatial - 1];
    tgk_window w = {.fill = 0};
    tg_tensor *windows = columns(op, x, opts, spatial, &w);
    if (!windows)
        return NULL;
    TG_CHECK(tg_tape_in(x), w.dilation[0] == 1 && w.dilation[1] == 1, TG_EVALUE,
             "%s: dilation is for max pooling only", op->name);
    return pooled(tg_mean_dim(windows, 1, false), x, &w, spatial);
}

tg_tensor *tg_max_pool1d(tg_tensor *x, const tg_pool_opts *opts)
{
    tg_scope scope = tg_scope_open(x);
    return tg_scope_close(scope, max_pool(x, opts, 1));
}

tg_tensor *tg_max_pool2d(tg_tensor *x, const tg_pool_opts *opts)
{
    tg_scope scope = tg_scope_open(x);
    return tg_scope_close(scope, max_pool(x, opts, 2));
}

tg_tensor *tg_avg_pool1d(tg_tensor *x, const tg_pool_opts *opts)
{
    tg_scope scope = tg_scope_open(x);
    return tg_scope_close(scope, avg_pool(x, opts, 1));
}

tg_tensor *tg_avg_pool2d(tg_tensor *x, const tg_pool_opts *opts)
{
    tg_scope scope = tg_scope_open(x);
    return tg_scope_close(scope, avg_pool(x, opts, 2));
}

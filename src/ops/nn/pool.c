/* Poolings: reductions of each window. Relies on window.h. */
#include "ops/check.h"
#include "ops/nn/window.h"

#include <math.h>
#include <tinygrad/nn.h>

typedef struct pooling {
    tg_op op; /* its name */
    int spatial;
    double fill;                                  /* what counts as the elements around the image */
    tg_tensor *(*reduce)(tg_tensor *, int, bool); /* makes one of a window */
    bool dilates;
} pooling;

/* Options with their defaults; each plane of the image is an image of its own. */
static tgk_window window_of(const tg_tensor *image, const tg_pool_opts *o, const pooling *p)
{
    tgk_window w = {.n = tg_at(image)->dims[0] * tg_at(image)->dims[1],
                    .c = 1,
                    .fill = p->fill,
                    .in = {tg_at(image)->dims[2], tg_at(image)->dims[3]},
                    .kernel = {1, 1},
                    .stride = {1, 1},
                    .dilation = {1, 1}};
    for (int i = 0; i < p->spatial; i++) {
        int axis = 2 - p->spatial + i;
        w.kernel[axis] = tg_window_option(o->kernel, i, 0);
        w.stride[axis] = tg_window_option(o->stride, i, w.kernel[axis]);
        w.dilation[axis] = tg_window_option(o->dilation, i, 1);
        w.padding[axis] = o->padding[i];
    }
    return w;
}

static bool check_window(const pooling *p, const tg_tensor *x, tgk_window *w)
{
    tg_tape *tape = tg_tape_in(x);
    if (!tg_window_fit(&p->op, x, w))
        return false;
    for (int axis = 0; axis < 2; axis++) {
        TG_CHECK(tape, w->padding[axis] <= w->kernel[axis] / 2, TG_EVALUE,
                 "%s: padding %lld is more than half of kernel %lld", p->op.name,
                 (long long)w->padding[axis], (long long)w->kernel[axis]);
        TG_CHECK(tape, p->dilates || w->dilation[axis] == 1, TG_EVALUE,
                 "%s: dilation is for max pooling only", p->op.name);
    }
    return true;
}

static tg_tensor *reduced(const pooling *p, tg_tensor *x, const tg_pool_opts *o)
{
    tg_tensor *image = tg_check_floats(&p->op, 1, &x) ? tg_as_images(&p->op, x, p->spatial) : NULL;
    if (!image)
        return NULL;
    TG_CHECK(tg_tape_in(x), o->kernel[0], TG_EVALUE,
             "%s: no kernel: set opts->kernel, the size of the window", p->op.name);
    tgk_window w = window_of(image, o, p);
    if (!check_window(p, x, &w))
        return NULL;
    image = tg_reshape(image, 4, (int64_t[]){w.n, 1, w.in[0], w.in[1]});
    tg_tensor *y = p->reduce(tg_unfold(image, &w), 1, false); /* of (planes, window, places) */
    return tg_from_images(y, x, tg_at(x)->dims[tg_at(x)->ndim - p->spatial - 1], &w, p->spatial);
}

static tg_tensor *pool(const pooling *p, tg_tensor *x, const tg_pool_opts *opts)
{
    TG_IN_SCOPE(&p->op, reduced(p, x, opts ? opts : &(tg_pool_opts){0}), x);
}

tg_tensor *tg_max_pool1d(tg_tensor *x, const tg_pool_opts *opts)
{
    static const pooling p = {{.name = "max_pool1d"}, 1, -(double)INFINITY, tg_max_dim, true};
    return pool(&p, x, opts);
}

tg_tensor *tg_max_pool2d(tg_tensor *x, const tg_pool_opts *opts)
{
    static const pooling p = {{.name = "max_pool2d"}, 2, -(double)INFINITY, tg_max_dim, true};
    return pool(&p, x, opts);
}

tg_tensor *tg_avg_pool1d(tg_tensor *x, const tg_pool_opts *opts)
{
    static const pooling p = {{.name = "avg_pool1d"}, 1, 0, tg_mean_dim, false};
    return pool(&p, x, opts);
}

tg_tensor *tg_avg_pool2d(tg_tensor *x, const tg_pool_opts *opts)
{
    static const pooling p = {{.name = "avg_pool2d"}, 2, 0, tg_mean_dim, false};
    return pool(&p, x, opts);
}

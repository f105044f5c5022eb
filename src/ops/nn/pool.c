/* Poolings: reductions of each window. Relies on window.h. */
#include "ops/check.h"
#include "ops/nn/window.h"

#include "kernels/pool.h"
#include "ops/layout.h"

#include <tinygrad/nn.h>

#include <stddef.h>
#include <string.h>

typedef struct pooling {
    tg_op op; /* its name */
    int spatial;
    bool largest; /* else the mean */
} pooling;

/* What operations are told: what the kernels call the same. */
typedef struct params {
    tgk_window w;
    tgk_pool_count count;
    int64_t divisor;
} params;

/* at: NULL for means. */
static void run(tg_node *node, tgk_pool_kind kind, const void *image, const void *result,
                const tg_tensor *at)
{
    tg_tape *tape = tg_node_tape(node);
    const params *p = node->params;
    tgk_pooling call = {.w = &p->w,
                        .count = p->count,
                        .divisor = p->divisor,
                        .image = (void *)(uintptr_t)image,
                        .result = (void *)(uintptr_t)result,
                        .at = at ? (int32_t *)(void *)tg_at(at)->data : NULL};
    if (image && result)
        tgk_pool_run(&tape->team, tape->isa, tg_at(node->out)->dtype, kind, &call);
}

static tg_call call_of(const tg_op *op, tg_tensor *const *in, int n, const params *p)
{
    return (tg_call){.op = op, .n_in = n, .in = in, .params = p, .params_size = sizeof *p};
}

/* --- the largest: `at`, which forward keeps, names an element of the plane for each place --- */

static tg_tensor *spread(const tg_node *of, tg_tensor *g, tg_tensor *at, const params *p);

static void pick_forward(tg_node *node)
{
    run(node, TGK_POOL_PICK, tg_contiguous_data(node, node->in[0]), tg_at(node->out)->data,
        node->in[1]);
}

static void pick_backward(tg_node *node, tg_tensor *v, tg_tensor **grad_in)
{
    grad_in[0] = spread(node, v, node->in[1], node->params);
}

static const tg_op pick_op = {.name = "max_pool_pick",
                              .forward = pick_forward,
                              .backward = pick_backward,
                              .reads = {TG_READS_IN(1)}};

static void spread_forward(tg_node *node)
{
    run(node, TGK_POOL_SPREAD, tg_at(node->out)->data, tg_contiguous_data(node, node->in[0]),
        node->in[1]);
}

static void spread_backward(tg_node *node, tg_tensor *v, tg_tensor **grad_in)
{
    tg_tensor *in[] = {v, node->in[1]};
    grad_in[0] = tg_make(&(tg_making){call_of(&pick_op, in, 2, node->params), .like = node->in[0]});
}

static const tg_op spread_op = {.name = "max_pool_backward",
                                .forward = spread_forward,
                                .backward = spread_backward,
                                .reads = {TG_READS_IN(1)}};

/* The gradient of of's input, from that of its output. */
static tg_tensor *spread(const tg_node *of, tg_tensor *g, tg_tensor *at, const params *p)
{
    tg_tensor *in[] = {g, at};
    return tg_make(
        &(tg_making){call_of(&spread_op, in, 2, p), .like = of->in[0], .gradient_of = of});
}

static void max_forward(tg_node *node)
{
    run(node, TGK_POOL_LARGEST, tg_contiguous_data(node, node->in[0]), tg_at(node->out)->data,
        node->saved);
}

static void max_backward(tg_node *node, tg_tensor *g, tg_tensor **grad_in)
{
    grad_in[0] = spread(node, g, node->saved, node->params);
}

static const tg_op max_op = {.name = "max_pool", .forward = max_forward, .backward = max_backward};

static void indices_forward(tg_node *node)
{
    const params *p = node->params;
    const tg_header *out = tg_at(node->out);
    const size_t size = tg_dtype_size(tg_at(node->in[0])->dtype), n = (size_t)out->numel;
    const void *x = tg_contiguous_data(node, node->in[0]);
    void *values = tg_workspace(node, n * size);
    int32_t *at = tg_workspace(node, n * sizeof *at);
    tg_tape *tape = tg_node_tape(node);
    tgk_pooling call = {.w = &p->w, .image = (void *)(uintptr_t)x, .result = values, .at = at};
    if (!x || !values || !at)
        return;
    tgk_pool_run(&tape->team, tape->isa, tg_at(node->in[0])->dtype, TGK_POOL_LARGEST, &call);
    for (size_t i = 0; i < n; i++)
        ((int64_t *)(void *)out->data)[i] = at[i];
}

static const tg_op indices_op = {.name = "max_pool_indices", .forward = indices_forward};

/* Where the largest are; they are looked for once more. */
static tg_tensor *indices_of(tg_tensor *x, const params *p, tg_dims dims)
{
    tg_call call = call_of(&indices_op, &x, 1, p);
    call.dtype = TG_I64;
    call.ndim = dims.ndim;
    call.dims = dims.sizes;
    return tg_apply(&call);
}

static tg_tensor *largest(tg_tensor *x, const params *p, tg_dims dims)
{
    int64_t places = p->w.n * p->w.out[0] * p->w.out[1];
    tg_call call = call_of(&max_op, &x, 1, p);
    call.dtype = tg_at(x)->dtype;
    call.ndim = dims.ndim;
    call.dims = dims.sizes;
    call.saved_numel = places / 2 + 1; /* half of an int64 for each */
    call.saved_dtype = TG_I64;
    return tg_apply(&call);
}

/* --- means --- */

static void mean_forward(tg_node *node)
{
    run(node, TGK_POOL_MEAN, tg_contiguous_data(node, node->in[0]), tg_at(node->out)->data, NULL);
}

static void mean_backward(tg_node *node, tg_tensor *g, tg_tensor **grad_in);

static const tg_op mean_op = {
    .name = "avg_pool", .forward = mean_forward, .backward = mean_backward};

static void share_forward(tg_node *node)
{
    run(node, TGK_POOL_SHARE, tg_at(node->out)->data, tg_contiguous_data(node, node->in[0]), NULL);
}

static void share_backward(tg_node *node, tg_tensor *v, tg_tensor **grad_in)
{
    grad_in[0] = tg_make(&(tg_making){call_of(&mean_op, &v, 1, node->params), .like = node->in[0]});
}

static const tg_op share_op = {
    .name = "avg_pool_backward", .forward = share_forward, .backward = share_backward};

static void mean_backward(tg_node *node, tg_tensor *g, tg_tensor **grad_in)
{
    grad_in[0] = tg_make(&(tg_making){call_of(&share_op, &g, 1, node->params), .like = node->in[0],
                                      .gradient_of = node});
}

/* --- all poolings --- */

/* Options with their defaults; each plane of the image is an image of its own. */
static tgk_window window_of(const int64_t *image, const tg_pool_more_opts *o, const pooling *p)
{
    tgk_window w = {.n = image[0] * image[1],
                    .c = 1,
                    .in = {image[2], image[3]},
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

static bool check_options(const pooling *p, const tg_tensor *x, const tg_pool_more_opts *o)
{
    TG_CHECK(tg_tape_in(x), !p->largest || (!o->exclude_padding && !o->divisor), TG_EVALUE,
             "%s: exclude_padding and divisor are for average pooling only", p->op.name);
    TG_CHECK(tg_tape_in(x), p->largest || !o->indices, TG_EVALUE,
             "%s: indices are for max pooling only", p->op.name);
    return true;
}

static bool check_window(const pooling *p, const tg_tensor *x, tgk_window *w, bool ceil_mode)
{
    tg_tape *tape = tg_tape_in(x);
    if (!tg_window_fit(&p->op, x, w, ceil_mode))
        return false;
    for (int axis = 0; axis < 2; axis++) {
        TG_CHECK(tape, w->padding[axis] <= w->kernel[axis] / 2, TG_EVALUE,
                 "%s: padding %lld is more than half of kernel %lld", p->op.name,
                 (long long)w->padding[axis], (long long)w->kernel[axis]);
        TG_CHECK(tape, p->largest || w->dilation[axis] == 1, TG_EVALUE,
                 "%s: dilation is for max pooling only", p->op.name);
    }
    TG_CHECK(tape, !p->largest || !w->in[1] || w->in[0] <= TGK_POOL_MOST / w->in[1], TG_EVALUE,
             "%s: planes of more than 2^31 - 1 elements in %s", p->op.name, tg_shape_of(x).chars);
    return true;
}

/* Of a window that there is one place for, its elements in rows, which are x itself where it is all of x. */
static tg_tensor *only_windows(tg_tensor *x, const tgk_window *w)
{
    const int64_t *pad = w->padding;
    tg_tensor *y = tg_reshape(x, 3, (int64_t[]){w->n, w->in[0], w->in[1]});
    if (pad[0] || pad[1])
        y = tg_pad(y, 4, (int64_t[]){pad[1], pad[1], pad[0], pad[0]}, TG_PAD_CONSTANT, 0);
    for (int axis = 0; axis < 2; axis++)
        y = tg_narrow(y, 1 + axis, 0, w->kernel[axis]);
    return tg_reshape(y, 2, (int64_t[]){w->n, w->kernel[0] * w->kernel[1]});
}

/* A single place has the mean of a row, which is added up in another order than columns are. */
static tg_tensor *mean(tg_tensor *x, const params *p, tg_dims dims)
{
    const tgk_window *w = &p->w;
    if (w->out[0] * w->out[1] == 1 && p->count == TGK_COUNT_ALL && !p->divisor)
        return tg_reshape(tg_mean_dim(only_windows(x, w), 1, false), dims.ndim, dims.sizes);
    tg_call call = call_of(&mean_op, &x, 1, p);
    call.dtype = tg_at(x)->dtype;
    call.ndim = dims.ndim;
    call.dims = dims.sizes;
    return tg_apply(&call);
}

static tg_tensor *reduced(const pooling *p, tg_tensor *x, const tg_pool_more_opts *o)
{
    int64_t image[4], sizes[4];
    if (!tg_check_floats(&p->op, 1, &x) || !tg_image_sizes(&p->op, x, p->spatial, image))
        return NULL;
    TG_CHECK(tg_tape_in(x), o->kernel[0], TG_EVALUE,
             "%s: no kernel: set opts->kernel, the size of the window", p->op.name);
    params own = {.w = window_of(image, o, p), .divisor = o->divisor};
    if (o->exclude_padding)
        own.count = TGK_COUNT_INSIDE;
    else if (o->ceil_mode)
        own.count = TGK_COUNT_PADDED;
    if (!check_options(p, x, o) || !check_window(p, x, &own.w, o->ceil_mode))
        return NULL;
    tg_dims dims = {tg_image_dims(x, image[1], &own.w, p->spatial, sizes), sizes};
    if (!p->largest)
        return mean(x, &own, dims);
    tg_tensor *y = largest(x, &own, dims);
    if (!y || !o->indices)
        return y;
    *o->indices = indices_of(x, &own, dims);
    return *o->indices ? y : NULL;
}

static tg_tensor *in_scope(const pooling *p, tg_tensor *x, const tg_pool_more_opts *o)
{
    TG_IN_SCOPE(&p->op, reduced(p, x, o), x);
}

static tg_tensor *pool_with(const pooling *p, tg_tensor *x, const tg_pool_more_opts *opts)
{
    static const tg_pool_more_opts defaults = {.kernel = {0}};
    const tg_pool_more_opts *o = opts ? opts : &defaults;
    if (o->indices)
        *o->indices = NULL;
    tg_tensor *y = in_scope(p, x, o);
    if (!y && o->indices)
        *o->indices = NULL;
    return y;
}

_Static_assert(offsetof(tg_pool_more_opts, ceil_mode) == sizeof(tg_pool_opts),
               "the longer options begin with the shorter");

static tg_tensor *pool(const pooling *p, tg_tensor *x, const tg_pool_opts *opts)
{
    tg_pool_more_opts more = {.kernel = {0}};
    if (opts)
        memcpy(&more, opts, sizeof *opts);
    return pool_with(p, x, &more);
}

static const pooling max_1d = {{.name = "max_pool1d"}, 1, true};
static const pooling max_2d = {{.name = "max_pool2d"}, 2, true};
static const pooling avg_1d = {{.name = "avg_pool1d"}, 1, false};
static const pooling avg_2d = {{.name = "avg_pool2d"}, 2, false};

tg_tensor *tg_max_pool1d(tg_tensor *x, const tg_pool_opts *opts)
{
    return pool(&max_1d, x, opts);
}

tg_tensor *tg_max_pool1d_with(tg_tensor *x, const tg_pool_more_opts *opts)
{
    return pool_with(&max_1d, x, opts);
}

tg_tensor *tg_max_pool2d(tg_tensor *x, const tg_pool_opts *opts)
{
    return pool(&max_2d, x, opts);
}

tg_tensor *tg_max_pool2d_with(tg_tensor *x, const tg_pool_more_opts *opts)
{
    return pool_with(&max_2d, x, opts);
}

tg_tensor *tg_avg_pool1d(tg_tensor *x, const tg_pool_opts *opts)
{
    return pool(&avg_1d, x, opts);
}

tg_tensor *tg_avg_pool1d_with(tg_tensor *x, const tg_pool_more_opts *opts)
{
    return pool_with(&avg_1d, x, opts);
}

tg_tensor *tg_avg_pool2d(tg_tensor *x, const tg_pool_opts *opts)
{
    return pool(&avg_2d, x, opts);
}

tg_tensor *tg_avg_pool2d_with(tg_tensor *x, const tg_pool_more_opts *opts)
{
    return pool_with(&avg_2d, x, opts);
}

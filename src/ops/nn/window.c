/* See window.h. Relies on kernels/window.h. */
#include "ops/nn/window.h"

#include "ops/check.h"
#include "ops/layout.h"

#include <tinygrad/ops.h>

static tg_tensor *fold(tg_tensor *columns, const tgk_window *w);

static void unfold_forward(tg_node *node)
{
    const void *x = tg_contiguous_data(node, node->in[0]);
    tgk_window_job job = {node->params, tg_at(node->out)->data, x};
    if (x)
        tgk_window_run(&tg_node_tape(node)->team, tgk_unfold_table[tg_at(node->out)->dtype], &job);
}

static void unfold_backward(tg_node *node, tg_tensor *grad_out, tg_tensor **grad_in)
{
    grad_in[0] = fold(grad_out, node->params);
}

static const tg_op unfold_op = {
    .name = "unfold", .forward = unfold_forward, .backward = unfold_backward};

tg_tensor *tg_unfold(tg_tensor *x, const tgk_window *w)
{
    const int64_t all[] = {w->n, w->c, w->kernel[0], w->kernel[1], w->out[0], w->out[1]};
    if (!x || !tg_tensor_check(tg_tape_in(x), "unfold", (tg_dims){6, all}, tg_at(x)->dtype))
        return NULL;
    int64_t dims[] = {w->n, w->c * w->kernel[0] * w->kernel[1], w->out[0] * w->out[1]};
    return tg_apply(&(tg_call){.op = &unfold_op,
                               .n_in = 1,
                               .in = &x,
                               .dtype = tg_at(x)->dtype,
                               .ndim = 3,
                               .dims = dims,
                               .params = w,
                               .params_size = sizeof *w});
}

static void fold_forward(tg_node *node)
{
    const void *columns = tg_contiguous_data(node, node->in[0]);
    tgk_window_job job = {node->params, tg_at(node->out)->data, columns};
    if (columns)
        tgk_window_run(&tg_node_tape(node)->team, tgk_fold_table[tg_at(node->out)->dtype], &job);
}

static void fold_backward(tg_node *node, tg_tensor *grad_out, tg_tensor **grad_in)
{
    tgk_window w = *(const tgk_window *)node->params;
    w.fill = 0; /* what stands outside the image gets no gradient, and gives none */
    grad_in[0] = tg_unfold(grad_out, &w);
}

static const tg_op fold_op = {.name = "fold", .forward = fold_forward, .backward = fold_backward};

static tg_tensor *fold(tg_tensor *columns, const tgk_window *w)
{
    int64_t dims[] = {w->n, w->c, w->in[0], w->in[1]};
    return tg_apply(&(tg_call){.op = &fold_op,
                               .n_in = 1,
                               .in = &columns,
                               .dtype = tg_at(columns)->dtype,
                               .ndim = 4,
                               .dims = dims,
                               .params = w,
                               .params_size = sizeof *w});
}

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

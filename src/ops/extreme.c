/* The largest and smallest elements, and where they are. Relies on reduce.h and kernels/rows.h. */
#include "ops/reduce.h"

#include "kernels/loops.h"
#include "kernels/rows.h"
#include "ops/arithmetic.h"
#include "ops/broadcast.h"
#include "ops/check.h"
#include "ops/layout.h"

/* Where x equals the extreme y of its row: 1, else 0. A nan equals a nan. */
TGK_LOOP2(ties_f32, float, float, x == y || (x != x && y != y));
TGK_LOOP2(ties_f64, double, double, x == y || (x != x && y != y));

static const tg_map_op ties_op = {{.name = "ties", .forward = tg_map_forward},
                                  {ties_f32, ties_f64}};

/* The share y of those that are extreme (x is 1). No product: a share may be infinite. */
TGK_LOOP2(shared_f32, float, float, x != 0 ? y : 0);
TGK_LOOP2(shared_f64, double, double, x != 0 ? y : 0);

static void shared_backward(tg_node *node, tg_tensor *v, tg_tensor **grad_in)
{
    grad_in[1] = tg_binary(node->op, node->in[0], v, true);
}

static const tg_map_op shared_op = {{.name = "amax_backward",
                                     .forward = tg_map_forward,
                                     .backward = shared_backward,
                                     .reads = {0, TG_READS_IN(0)}},
                                    {shared_f32, shared_f64}};

/* The gradient is shared evenly among ties. */
static void extreme_backward(tg_node *node, tg_tensor *grad_out, tg_tensor **grad_in)
{
    tg_tensor *ties = tg_binary(&ties_op.op, node->in[0], node->out, true);
    if (!ties)
        return;
    tg_tensor *count = tg_sum_over(ties, tg_dims_of(node->out));
    grad_in[0] = tg_binary(&shared_op.op, ties, tg_div(grad_out, count), true);
}

static void extreme_forward(tg_node *node, bool smallest)
{
    tg_tape *tape = tg_node_tape(node);
    tg_rows rows;
    if (!tg_rows_dense(node, &rows, node->in[0], node->out))
        return;
    tgk_extremes e = {.out = tg_at(node->out)->data,
                      .x = rows.data,
                      .outer = rows.outer,
                      .n = rows.n,
                      .inner = rows.inner,
                      .smallest = smallest};
    tgk_extremes_run(&tape->team, tape->isa, tg_at(node->out)->dtype, &e);
}

static void amax_forward(tg_node *node)
{
    extreme_forward(node, false);
}

static void amin_forward(tg_node *node)
{
    extreme_forward(node, true);
}

static const tg_op amax_op = {.name = "amax",
                              .forward = amax_forward,
                              .backward = extreme_backward,
                              .reads = {TG_READS_IN(0) | TG_READS_OUT}};
static const tg_op amin_op = {.name = "amin",
                              .forward = amin_forward,
                              .backward = extreme_backward,
                              .reads = {TG_READS_IN(0) | TG_READS_OUT}};

static bool check_count(const tg_op *op, const tg_tensor *x, const tg_over *over)
{
    TG_CHECK(tg_tape_in(x), over->count > 0, TG_ESHAPE, "%s: no elements to choose from in %s",
             op->name, tg_shape_of(x).chars);
    return true;
}

static tg_tensor *extreme(const tg_op *op, tg_tensor *x, tg_dims dims, bool keepdim)
{
    tg_over over;
    if (!tg_over_open(&over, op, x, dims.ndim, dims.sizes))
        return NULL;
    bool any = check_count(op, x, &over);
    return tg_over_close(&over, any ? tg_over_apply(op, x, &over, tg_at(x)->dtype, 0) : NULL,
                         keepdim);
}

tg_tensor *tg_amax(tg_tensor *x, int n, const int64_t *dims, bool keepdim)
{
    return extreme(&amax_op, x, (tg_dims){n, dims}, keepdim);
}

tg_tensor *tg_amin(tg_tensor *x, int n, const int64_t *dims, bool keepdim)
{
    return extreme(&amin_op, x, (tg_dims){n, dims}, keepdim);
}

static const tg_op max_name = {.name = "max"}, min_name = {.name = "min"};

static tg_tensor *extreme_of_all(const tg_op *op, const tg_op *by, tg_tensor *x)
{
    TG_IN_SCOPE(op, extreme(by, x, (tg_dims){0, NULL}, false), x);
}

tg_tensor *tg_max(tg_tensor *x)
{
    return extreme_of_all(&max_name, &amax_op, x);
}

tg_tensor *tg_min(tg_tensor *x)
{
    return extreme_of_all(&min_name, &amin_op, x);
}

static void index_forward(tg_node *node, bool smallest)
{
    tg_tape *tape = tg_node_tape(node);
    const tg_tensor *in = node->in[0];
    tg_around a = tg_around_dim(in, *(const int *)node->params);
    tgk_extremes e = {.index = (int64_t *)(void *)tg_at(node->out)->data,
                      .x = tg_contiguous_data(node, in),
                      .outer = a.outer,
                      .n = a.n,
                      .inner = a.inner,
                      .smallest = smallest};
    if (e.x)
        tgk_extremes_run(&tape->team, tape->isa, tg_at(in)->dtype, &e);
}

static void argmax_forward(tg_node *node)
{
    index_forward(node, false);
}

static void argmin_forward(tg_node *node)
{
    index_forward(node, true);
}

static const tg_op argmax_op = {.name = "argmax", .forward = argmax_forward};
static const tg_op argmin_op = {.name = "argmin", .forward = argmin_forward};

/* Along dim, which stays with size 1. */
static tg_tensor *index_of(const tg_op *op, tg_tensor *x, const tg_over *over, int dim)
{
    if (!check_count(op, x, over))
        return NULL;
    return tg_apply(&(tg_call){.op = op,
                               .n_in = 1,
                               .in = &x,
                               .dtype = TG_I64,
                               .ndim = over->kept.ndim,
                               .dims = over->kept.sizes,
                               .params = &dim,
                               .params_size = sizeof dim});
}

static tg_tensor *index_along(const tg_op *op, tg_tensor *x, int dim, bool keepdim)
{
    tg_over over;
    if (!tg_over_open(&over, op, x, 1, (int64_t[]){dim}))
        return NULL;
    return tg_over_close(&over, index_of(op, x, &over, tg_shape_dim(tg_at(x)->ndim, dim)), keepdim);
}

static tg_tensor *index_of_all(const tg_op *op, tg_tensor *x)
{
    tg_scope scope;
    if (!tg_scope_open(&scope, op, 1, &x))
        return NULL;
    tg_tensor *flat = tg_reshape(x, 1, (int64_t[]){tg_at(x)->numel});
    return tg_scope_close(&scope, index_along(op, flat, 0, false));
}

tg_tensor *tg_argmax(tg_tensor *x)
{
    return index_of_all(&argmax_op, x);
}

tg_tensor *tg_argmin(tg_tensor *x)
{
    return index_of_all(&argmin_op, x);
}

tg_tensor *tg_argmax_dim(tg_tensor *x, int dim, bool keepdim)
{
    return index_along(&argmax_op, x, dim, keepdim);
}

tg_tensor *tg_argmin_dim(tg_tensor *x, int dim, bool keepdim)
{
    return index_along(&argmin_op, x, dim, keepdim);
}

/* Gathered by the index that `by` makes, so that one of several equals gets the gradient. */
static tg_tensor *chosen(const tg_op *op, const tg_op *by, tg_tensor *x, int dim, bool keepdim)
{
    tg_scope scope;
    if (!tg_scope_open(&scope, op, 1, &x))
        return NULL;
    tg_tensor *values = tg_gather(x, tg_at(x)->ndim ? dim : 0, index_along(by, x, dim, true));
    return tg_scope_close(&scope, keepdim ? values : tg_squeeze_dim(values, dim));
}

tg_tensor *tg_max_dim(tg_tensor *x, int dim, bool keepdim)
{
    return chosen(&max_name, &argmax_op, x, dim, keepdim);
}

tg_tensor *tg_min_dim(tg_tensor *x, int dim, bool keepdim)
{
    return chosen(&min_name, &argmin_op, x, dim, keepdim);
}

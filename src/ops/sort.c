/* sort, argsort, topk, argtopk: indices by kernels/order.h, and what stands there. */
#include "ops/sort.h"

#include "ops/check.h"
#include "ops/layout.h"

typedef struct sorting {
    int dim;
    bool descending;
} sorting;

tgk_order tg_order_of(tg_node *node, int dtype, tg_around a, int64_t k, bool descending)
{
    tgk_order o = {.outer = a.outer, .n = a.n, .inner = a.inner, .k = k, .descending = descending};
    o.workspace = tg_workspace(node, tgk_order_workspace(&tg_node_tape(node)->team, dtype, &o));
    return o;
}

void tg_order_rows(tg_node *node, int dtype, tgk_order *o, const void *x, int64_t *index)
{
    o->x = x;
    o->index = index;
    tgk_order_run(&tg_node_tape(node)->team, dtype, o);
}

/* x's data with that dim last. */
static const void *rows_along(tg_node *node, const tg_tensor *x, int dim)
{
    int order[TG_MAX_NDIM];
    const int last = tg_at(x)->ndim - 1;
    if (dim >= last)
        return tg_contiguous_data(node, x);
    for (int i = 0; i < last; i++)
        order[i] = i + (i >= dim);
    order[last] = dim;
    return tg_copy_permuted(node, x, order);
}

static void order_forward(tg_node *node)
{
    const sorting *s = node->params;
    const tg_tensor *x = node->in[0];
    const void *data = rows_along(node, x, s->dim);
    int64_t k = tg_at(x)->ndim ? tg_at(node->out)->dims[s->dim] : 1;
    if (!data || !tg_at(node->out)->numel)
        return;
    int dtype = tg_at(x)->dtype;
    tgk_order o = tg_order_of(node, dtype, tg_around_dim(x, s->dim), k, s->descending);
    if (o.workspace)
        tg_order_rows(node, dtype, &o, data, (int64_t *)(void *)tg_at(node->out)->data);
}

static const tg_op sort_op = {.name = "sort", .forward = order_forward},
                   argsort_op = {.name = "argsort", .forward = order_forward},
                   topk_op = {.name = "topk", .forward = order_forward},
                   argtopk_op = {.name = "argtopk", .forward = order_forward};

/* The indices of the k first; k < 0: of all. */
static tg_tensor *order(const tg_op *op, tg_tensor *x, int dim, int64_t k, bool descending)
{
    sorting s = {tg_check_dim(op, x, dim), descending};
    if (s.dim < 0)
        return NULL;
    tg_tape *tape = tg_tape_in(x);
    tg_shape shape = tg_shape_copy(tg_dims_of(x));
    int64_t size = shape.ndim ? shape.sizes[s.dim] : 1;
    TG_CHECK(tape, size <= UINT32_MAX, TG_ESHAPE, "%s: dim %d of %s is too long", op->name, s.dim,
             tg_shape_of(x).chars);
    if (k >= 0 && shape.ndim)
        shape.sizes[s.dim] = k;
    return tg_apply(&(tg_call){.op = op,
                               .n_in = 1,
                               .in = &x,
                               .dtype = TG_I64,
                               .ndim = shape.ndim,
                               .dims = shape.sizes,
                               .params = &s,
                               .params_size = sizeof s});
}

static tg_tensor *first_k(const tg_op *op, tg_tensor *x, int64_t k, int dim, bool largest)
{
    dim = tg_check_dim(op, x, dim);
    if (dim < 0)
        return NULL;
    int64_t size = tg_at(x)->ndim ? tg_at(x)->dims[dim] : 1;
    TG_CHECK(tg_tape_in(x), k >= 0 && k <= size, TG_EVALUE, "%s: %lld of %lld in dim %d of %s",
             op->name, (long long)k, (long long)size, dim, tg_shape_of(x).chars);
    TG_CHECK(tg_tape_in(x), k == 1 || tg_at(x)->ndim, TG_EVALUE, "%s: %lld of one number", op->name,
             (long long)k);
    return order(op, x, dim, k, largest);
}

static tg_tensor *values_at(tg_tensor *x, int dim, tg_tensor *index)
{
    return index ? tg_gather(x, dim, index) : NULL;
}

tg_tensor *tg_argsort(tg_tensor *x, int dim, bool descending)
{
    return tg_check_inputs(&argsort_op, 1, &x) ? order(&argsort_op, x, dim, -1, descending) : NULL;
}

tg_tensor *tg_sort(tg_tensor *x, int dim, bool descending)
{
    TG_IN_SCOPE(&sort_op, values_at(x, dim, order(&sort_op, x, dim, -1, descending)), x);
}

tg_tensor *tg_argtopk(tg_tensor *x, int64_t k, int dim, bool largest)
{
    return tg_check_inputs(&argtopk_op, 1, &x) ? first_k(&argtopk_op, x, k, dim, largest) : NULL;
}

tg_tensor *tg_topk(tg_tensor *x, int64_t k, int dim, bool largest)
{
    TG_IN_SCOPE(&topk_op, values_at(x, dim, first_k(&topk_op, x, k, dim, largest)), x);
}

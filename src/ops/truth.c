/* What is true: where, whether anywhere or everywhere, which numbers are nan or infinite. All of it
 * is read off bools, in bytes of 0 and 1; not differentiable but for masked_select, which is a
 * lookup. */
#include "kernels/places.h"
#include "ops/arithmetic.h"
#include "ops/layout.h"
#include "ops/reduce.h"

#include <string.h>

/* --- nonzero, masked_select --- */

/* Whether there are as many as the output has room for. A replay cannot make that larger. */
static bool same_count(const tg_node *node, const bool *x)
{
    int64_t got = tgk_count_true(x, tg_at(node->in[0])->numel), had = tg_at(node->out)->dims[0];
    TG_CHECK(tg_node_tape(node), got == had, TG_ESTATE,
             "%s: %lld elements are chosen, where there were %lld when this was recorded",
             node->op->name, (long long)got, (long long)had);
    return true;
}

/* Row by row along the last dim, whose index is beside those of the others, which go on like the
 * figures of a number. */
static void nonzero_forward(tg_node *node)
{
    const tg_header *in = tg_at(node->in[0]);
    const bool *x = (const bool *)in->data;
    int64_t *out = (int64_t *)(void *)tg_at(node->out)->data, at[TG_MAX_NDIM] = {0};
    const int last = in->ndim - 1;
    if (!same_count(node, x) || last < 0)
        return;
    for (int64_t left = in->numel; left > 0; left -= in->dims[last], x += in->dims[last]) {
        out = tgk_places_in_row(x, in->dims[last], at, in->ndim, out);
        for (int i = last - 1; i >= 0 && ++at[i] == in->dims[i]; i--)
            at[i] = 0;
    }
}

static void flat_forward(tg_node *node)
{
    const tg_header *in = tg_at(node->in[0]);
    if (same_count(node, (const bool *)in->data))
        tgk_places_in_row((const bool *)in->data, in->numel, NULL, 1,
                          (int64_t *)(void *)tg_at(node->out)->data);
}

static const tg_op nonzero_op = {.name = "nonzero", .forward = nonzero_forward};
static const tg_op select_op = {.name = "masked_select", .forward = flat_forward};

/* op of a mask, which is looked at here: a row of `width` numbers for each true element. */
static tg_tensor *where_true(const tg_op *op, tg_tensor *mask, int ndim, int64_t width)
{
    mask = tg_contiguous(mask);
    if (!mask)
        return NULL;
    int64_t n = tgk_count_true((const bool *)tg_at(mask)->data, tg_at(mask)->numel);
    return tg_apply(&(tg_call){.op = op,
                               .n_in = 1,
                               .in = &mask,
                               .dtype = TG_I64,
                               .ndim = ndim,
                               .dims = (int64_t[]){n, width}});
}

tg_tensor *tg_nonzero(tg_tensor *x)
{
    TG_IN_SCOPE(&nonzero_op, where_true(&nonzero_op, tg_to(x, TG_BOOL), 2, tg_at(x)->ndim), x);
}

static tg_tensor *masked_select(tg_tensor *x, tg_tensor *mask)
{
    tg_tape *tape = tg_tape_in(x);
    TG_CHECK(tape, tg_at(mask)->dtype == TG_BOOL, TG_EDTYPE,
             "masked_select: the mask is %s, wanted bool", tg_dtype_name(tg_at(mask)->dtype));
    tg_shape all = tg_shape_broadcast(tg_dims_of(x), tg_dims_of(mask));
    TG_CHECK(tape, all.ndim >= 0, TG_ESHAPE, "masked_select: mask %s and %s do not broadcast",
             tg_shape_of(mask).chars, tg_shape_of(x).chars);
    x = tg_expand(x, all.ndim, all.sizes);
    tg_tensor *index =
        x ? where_true(&select_op, tg_expand(mask, all.ndim, all.sizes), 1, 0) : NULL;
    return index ? tg_index_select(tg_reshape(x, 1, (int64_t[]){tg_at(x)->numel}), 0, index) : NULL;
}

tg_tensor *tg_masked_select(tg_tensor *x, tg_tensor *mask)
{
    TG_IN_SCOPE(&select_op, masked_select(x, mask), x, mask);
}

/* --- any, all --- */

static void find_forward(tg_node *node, bool wanted)
{
    tg_rows rows;
    if (tg_rows_dense(node, &rows, node->in[0], node->out))
        tgk_find_in_rows(rows.data, rows.outer, rows.n, rows.inner, wanted,
                         (bool *)tg_at(node->out)->data);
}

static void any_forward(tg_node *node)
{
    find_forward(node, true);
}

static void all_forward(tg_node *node)
{
    find_forward(node, false);
}

static const tg_op any_op = {.name = "any", .forward = any_forward};
static const tg_op all_op = {.name = "all", .forward = all_forward};

static tg_tensor *over(const tg_op *op, tg_tensor *x, int n, const int64_t *dims, bool keepdim)
{
    tg_over over;
    if (!tg_over_open(&over, op, x, n, dims))
        return NULL;
    x = tg_to(x, TG_BOOL);
    return tg_over_close(&over, x ? tg_over_apply(op, x, &over, TG_BOOL, 0) : NULL, keepdim);
}

tg_tensor *tg_any(tg_tensor *x)
{
    return over(&any_op, x, 0, NULL, false);
}

tg_tensor *tg_all(tg_tensor *x)
{
    return over(&all_op, x, 0, NULL, false);
}

tg_tensor *tg_any_dim(tg_tensor *x, int dim, bool keepdim)
{
    return over(&any_op, x, 1, (int64_t[]){dim}, keepdim);
}

tg_tensor *tg_all_dim(tg_tensor *x, int dim, bool keepdim)
{
    return over(&all_op, x, 1, (int64_t[]){dim}, keepdim);
}

/* --- isnan, isinf, isfinite: nan is not itself, and 0 times what is not finite is nan --- */

tg_tensor *tg_isnan(tg_tensor *x)
{
    static const tg_op op = {.name = "isnan"};
    TG_IN_SCOPE(&op, tg_ne(x, x), x);
}

tg_tensor *tg_isfinite(tg_tensor *x)
{
    static const tg_op op = {.name = "isfinite"};
    TG_IN_SCOPE(&op, tg_eq_scalar(tg_mul_scalar(x, 0), 0), x);
}

tg_tensor *tg_isinf(tg_tensor *x)
{
    static const tg_op op = {.name = "isinf"};
    TG_IN_SCOPE(&op, tg_logical_and(tg_isnan(tg_mul_scalar(x, 0)), tg_eq(x, x)), x);
}

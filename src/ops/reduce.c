/* Sums and means (their work is sum_over's in broadcast.c), and what all reductions share. */
#include "ops/reduce.h"

#include "ops/broadcast.h"
#include "ops/check.h"
#include "ops/layout.h"

static bool read_dims(tg_over *over, const tg_op *op, const tg_tensor *x, int n,
                      const int64_t *dims)
{
    tg_tape *tape = tg_tape_in(x);
    TG_CHECK(tape, n >= 0 && (n == 0 || dims), TG_EVALUE, "%s: no list of %d dims", op->name, n);
    for (int k = 0; k < n; k++) {
        bool small = dims[k] >= -TG_MAX_NDIM && dims[k] < TG_MAX_NDIM;
        int dim = tg_check_dim(op, x, small ? (int)dims[k] : TG_MAX_NDIM);
        if (dim < 0)
            return false;
        TG_CHECK(tape, !over->reduced[dim], TG_EVALUE, "%s: dim %d is named twice", op->name, dim);
        over->reduced[dim] = true;
    }
    for (int i = 0; i < tg_at(x)->ndim; i++) {
        if (n == 0)
            over->reduced[i] = true;
        if (over->reduced[i]) {
            over->count *= tg_at(x)->dims[i];
            over->kept.sizes[i] = 1;
        }
    }
    return true;
}

bool tg_over_open(tg_over *over, const tg_op *op, tg_tensor *x, int n, const int64_t *dims)
{
    tg_scope scope;
    if (!tg_scope_open(&scope, op, 1, &x))
        return false;
    *over = (tg_over){.scope = scope, .kept = tg_shape_copy(tg_dims_of(x)), .count = 1};
    return read_dims(over, op, x, n, dims) || tg_scope_close(&scope, NULL);
}

tg_tensor *tg_over_close(const tg_over *over, tg_tensor *kept, bool keepdim)
{
    if (!kept || keepdim || tg_at(kept)->ndim == 0)
        return tg_scope_close(&over->scope, kept);
    int64_t sizes[TG_MAX_NDIM];
    int n = 0;
    for (int i = 0; i < tg_at(kept)->ndim; i++) {
        if (!over->reduced[i])
            sizes[n++] = tg_at(kept)->dims[i];
    }
    return tg_scope_close(&over->scope, tg_reshape(kept, n, sizes));
}

tg_tensor *tg_over_apply(const tg_op *op, tg_tensor *x, const tg_over *over, int dtype,
                         double param)
{
    return tg_apply(&(tg_call){.op = op,
                               .n_in = 1,
                               .in = &x,
                               .dtype = dtype,
                               .ndim = over->kept.ndim,
                               .dims = over->kept.sizes,
                               .params = &param,
                               .params_size = sizeof param});
}

const void *tg_over_rows(tg_node *node, int64_t *kept, int64_t *reduced)
{
    tg_rows rows;
    if (!tg_rows_dense(node, &rows, node->in[0], node->out))
        return NULL;
    *kept = rows.outer;
    *reduced = rows.n;
    return rows.data;
}

static const tg_op sum_name = {.name = "sum"}, mean_name = {.name = "mean"};

static bool check_mean(const tg_tensor *x)
{
    TG_CHECK(tg_tape_in(x), tg_is_float(tg_at(x)->dtype), TG_EDTYPE,
             "mean: wanted a float tensor, not %s; convert it with tg_to()",
             tg_dtype_name(tg_at(x)->dtype));
    return true;
}

tg_tensor *tg_sum(tg_tensor *x)
{
    if (!tg_check_inputs(&sum_name, 1, &x))
        return NULL;
    return tg_sum_over(x, (tg_dims){0, NULL});
}

tg_tensor *tg_mean(tg_tensor *x)
{
    if (!tg_check_inputs(&mean_name, 1, &x) || !check_mean(x))
        return NULL;
    return tg_mean_over(x, (tg_dims){0, NULL}, tg_at(x)->numel);
}

tg_tensor *tg_sum_dims(tg_tensor *x, int n, const int64_t *dims, bool keepdim)
{
    tg_over over;
    if (!tg_over_open(&over, &sum_name, x, n, dims))
        return NULL;
    return tg_over_close(&over, tg_sum_over(x, tg_shape_dims(&over.kept)), keepdim);
}

tg_tensor *tg_mean_dims(tg_tensor *x, int n, const int64_t *dims, bool keepdim)
{
    tg_over over;
    if (!tg_over_open(&over, &mean_name, x, n, dims))
        return NULL;
    tg_dims kept = tg_shape_dims(&over.kept);
    return tg_over_close(&over, check_mean(x) ? tg_mean_over(x, kept, over.count) : NULL, keepdim);
}

tg_tensor *tg_sum_dim(tg_tensor *x, int dim, bool keepdim)
{
    return tg_sum_dims(x, 1, (int64_t[]){dim}, keepdim);
}

tg_tensor *tg_mean_dim(tg_tensor *x, int dim, bool keepdim)
{
    return tg_mean_dims(x, 1, (int64_t[]){dim}, keepdim);
}

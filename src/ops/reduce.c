/* Sums and means over all elements or one dim. The work is sum_to's in accumulate.c. */
#include "../accumulate.h"

static const tg_op sum_name = {.name = "sum"}, mean_name = {.name = "mean"};

static bool check_mean(const tg_tensor *x)
{
    TG_CHECK(tg_tape_in(x), tg_is_float(x->dtype), TG_EDTYPE,
             "mean: wanted a float tensor, not %s; convert it with tg_to()",
             tg_dtype_name(x->dtype));
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
    return tg_mean_over(x, (tg_dims){0, NULL}, x->numel);
}

/* The shape with `dim` of size 1; -1 (and the error) where there is no such dim. */
static int kept(const tg_op *op, const tg_tensor *x, int dim, tg_shape *shape)
{
    int i = tg_shape_dim(x->ndim, dim);
    if (i < 0)
        tg_fail(tg_tape_in(x), TG_EVALUE, "%s: there is no dim %d in %s", op->name, dim,
                tg_shape_of(x).chars);
    *shape = tg_shape_copy(tg_dims_of(x));
    if (i >= 0 && x->ndim)
        shape->sizes[i] = 1;
    return i;
}

/* Takes the dim of size 1 away again unless it stays. */
static tg_tensor *without(tg_tensor *kept_dims, int dim, bool keepdim)
{
    if (!kept_dims || keepdim || kept_dims->ndim == 0)
        return kept_dims;
    int64_t sizes[TG_MAX_NDIM];
    int n = 0;
    for (int i = 0; i < kept_dims->ndim; i++) {
        if (i != dim)
            sizes[n++] = kept_dims->dims[i];
    }
    return tg_reshape(kept_dims, n, sizes);
}

tg_tensor *tg_sum_dim(tg_tensor *x, int dim, bool keepdim)
{
    tg_shape shape;
    if (!tg_check_inputs(&sum_name, 1, &x) || (dim = kept(&sum_name, x, dim, &shape)) < 0)
        return NULL;
    tg_mark start = tg_tape_mark(tg_tape_in(x));
    tg_tensor *sum = without(tg_sum_over(x, tg_shape_dims(&shape)), dim, keepdim);
    return tg_all_or_nothing(tg_tape_in(x), start, sum);
}

tg_tensor *tg_mean_dim(tg_tensor *x, int dim, bool keepdim)
{
    tg_shape shape;
    if (!tg_check_inputs(&mean_name, 1, &x) || !check_mean(x) ||
        (dim = kept(&mean_name, x, dim, &shape)) < 0)
        return NULL;
    int64_t count = x->ndim ? x->dims[dim] : 1;
    tg_mark start = tg_tape_mark(tg_tape_in(x));
    tg_tensor *mean = without(tg_mean_over(x, tg_shape_dims(&shape), count), dim, keepdim);
    return tg_all_or_nothing(tg_tape_in(x), start, mean);
}

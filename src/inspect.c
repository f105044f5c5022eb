/* Looking into tensors: sizes, data, single values. Relies on tensor.h. */
#include "kernels/modes.h"
#include "tensor.h"

#include <math.h>

int tg_ndim(const tg_tensor *t)
{
    return tg_known(t, "ndim") ? t->ndim : -1;
}

static int64_t dim_entry(const tg_tensor *t, int dim, const char *name, bool stride)
{
    if (!tg_known(t, name))
        return -1;
    int i = t->ndim ? tg_shape_dim(t->ndim, dim) : -1;
    if (i < 0) {
        tg_fail(tg_tape_in(t), TG_EVALUE, "%s: there is no dim %d in %s", name, dim,
                tg_shape_of(t).chars);
        return -1;
    }
    return t->dims[stride ? t->ndim + i : i];
}

int64_t tg_size(const tg_tensor *t, int dim)
{
    return dim_entry(t, dim, "size", false);
}

int64_t tg_stride(const tg_tensor *t, int dim)
{
    return dim_entry(t, dim, "stride", true);
}

const int64_t *tg_sizes(const tg_tensor *t)
{
    return tg_known(t, "sizes") ? t->dims : NULL;
}

int64_t tg_numel(const tg_tensor *t)
{
    return tg_known(t, "numel") ? t->numel : 0;
}

int tg_dtype(const tg_tensor *t)
{
    return tg_known(t, "dtype") ? t->dtype : -1;
}

bool tg_is_contiguous(const tg_tensor *t)
{
    return tg_known(t, "is_contiguous") && t->contiguous;
}

static const void *read_as(const tg_tensor *t, int dtype)
{
    return tg_alive(t, "data") && t->dtype == dtype && t->contiguous ? t->data : NULL;
}

const float *tg_f32(const tg_tensor *t)
{
    return read_as(t, TG_F32);
}

const double *tg_f64(const tg_tensor *t)
{
    return read_as(t, TG_F64);
}

const int64_t *tg_i64(const tg_tensor *t)
{
    return read_as(t, TG_I64);
}

const bool *tg_bool(const tg_tensor *t)
{
    return read_as(t, TG_BOOL);
}

void *tg_data_mut(tg_tensor *t)
{
    if (!tg_alive(t, "data_mut"))
        return NULL;
    TG_CHECK(tg_tape_in(t), t->contiguous, TG_ESTATE, "data_mut: %s is not contiguous",
             tg_shape_of(t).chars);
    if (!tg_outside_capture(tg_tape_in(t), "data_mut"))
        return NULL;
    t->storage->version++;
    return t->data;
}

double tg_element(const tg_tensor *t, int64_t index)
{
    int64_t offset = tg_shape_offset((tg_dims){t->ndim, t->dims}, tg_strides(t), index);
    switch (t->dtype) {
    case TG_F32:
        return (double)((const float *)(void *)t->data)[offset];
    case TG_F64:
        return ((const double *)(void *)t->data)[offset];
    case TG_I64:
        return (double)((const int64_t *)(void *)t->data)[offset];
    default:
        return ((const bool *)(void *)t->data)[offset];
    }
}

int64_t tg_first_nonfinite(const tg_tensor *t)
{
    for (int64_t i = 0; i < t->numel; i++) {
        if (!isfinite(tg_element(t, i)))
            return i;
    }
    return -1;
}

double tg_item(const tg_tensor *t)
{
    TGK_IN_RIGHT_MODES(double, tg_item(t));
    if (!tg_alive(t, "item"))
        return (double)NAN;
    if (t->numel != 1) {
        tg_fail(tg_tape_in(t), TG_ESHAPE, "item: %s has %lld elements, wanted one",
                tg_shape_of(t).chars, (long long)t->numel);
        return (double)NAN;
    }
    return tg_element(t, 0);
}

tg_tape *tg_tape_of(const tg_tensor *t)
{
    return tg_known(t, "tape_of") ? tg_tape_in(t) : NULL;
}

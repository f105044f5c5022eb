/* What the program sees of a tensor. Relies on tensor.h. */
#include "tape/tensor.h"

#include "kernels/modes.h"

#include <math.h>

int tg_ndim(const tg_tensor *t)
{
    return tg_known(t, "ndim") ? tg_at(t)->ndim : -1;
}

static int64_t dim_entry(const tg_tensor *t, int dim, const char *name, bool stride)
{
    if (!tg_known(t, name))
        return -1;
    int i = tg_at(t)->ndim ? tg_shape_dim(tg_at(t)->ndim, dim) : -1;
    if (i < 0) {
        tg_fail(tg_tape_in(t), TG_EVALUE, "%s: there is no dim %d in %s", name, dim,
                tg_shape_of(t).chars);
        return -1;
    }
    return tg_at(t)->dims[stride ? tg_at(t)->ndim + i : i];
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
    return tg_known(t, "sizes") ? tg_at(t)->dims : NULL;
}

int64_t tg_numel(const tg_tensor *t)
{
    return tg_known(t, "numel") ? tg_at(t)->numel : 0;
}

int tg_dtype(const tg_tensor *t)
{
    return tg_known(t, "dtype") ? tg_at(t)->dtype : -1;
}

bool tg_is_contiguous(const tg_tensor *t)
{
    return tg_known(t, "is_contiguous") && tg_at(t)->contiguous;
}

static const void *read_as(const tg_tensor *t, int dtype, const char *name)
{
    return tg_alive(t, name) && tg_at(t)->dtype == dtype && tg_at(t)->contiguous ? tg_at(t)->data
                                                                                 : NULL;
}

const float *tg_f32(const tg_tensor *t)
{
    return read_as(t, TG_F32, "f32");
}

const double *tg_f64(const tg_tensor *t)
{
    return read_as(t, TG_F64, "f64");
}

const int64_t *tg_i64(const tg_tensor *t)
{
    return read_as(t, TG_I64, "i64");
}

const bool *tg_bool(const tg_tensor *t)
{
    return read_as(t, TG_BOOL, "bool");
}

void *tg_data_mut(tg_tensor *t)
{
    if (!tg_alive(t, "data_mut"))
        return NULL;
    TG_CHECK(tg_tape_in(t), tg_at(t)->contiguous, TG_ESTATE, "data_mut: %s is not contiguous",
             tg_shape_of(t).chars);
    if (!tg_uncaptured(tg_tape_in(t), "data_mut"))
        return NULL;
    tg_at(t)->owner->version++;
    return tg_at(t)->data;
}

double tg_item(const tg_tensor *t)
{
    TGK_IN_RIGHT_MODES(double, tg_item(t));
    if (!tg_alive(t, "item"))
        return (double)NAN;
    if (tg_at(t)->numel != 1) {
        tg_fail(tg_tape_in(t), TG_ESHAPE, "item: %s has %lld elements, wanted one",
                tg_shape_of(t).chars, (long long)tg_at(t)->numel);
        return (double)NAN;
    }
    return tg_element(t, 0);
}

tg_tape *tg_tape_of(const tg_tensor *t)
{
    return tg_known(t, "tape_of") ? tg_tape_in(t) : NULL;
}

bool tg_requires_grad(const tg_tensor *t)
{
    return tg_known(t, "requires_grad") && tg_at(t)->requires_grad;
}

/* Making tensors and looking into them. Relies on tape.h, shape.h and the copying kernels. */
#include "tape/tensor.h"

#include "kernels/modes.h"
#include "kernels/nest.h"

#include <math.h>
#include <string.h>

static const char *const dtype_names[TG_DTYPES] = {"float32", "float64", "int64", "bool"};

const char *tg_dtype_name(int dtype)
{
    return dtype >= 0 && dtype < TG_DTYPES ? dtype_names[dtype] : "no dtype";
}

tg_text tg_shape_of(const tg_tensor *t)
{
    return tg_shape_text((tg_dims){t->ndim, t->dims});
}

bool tg_known(const tg_tensor *t, const char *name)
{
    return (t && tg_object_alive(t, TG_MAGIC_RELEASED)) || tg_alive(t, name);
}

/* Says why t cannot be looked into. Without a magic word something else stands there by now, and no
 * tape can be told. */
static void report(const tg_tensor *t, const char *name)
{
    if (tg_object_alive(t, TG_MAGIC_RELEASED))
        tg_fail(tg_tape_in(t), TG_ESTATE,
                "%s: the tensor's data was given back by tg_release() or tg_checkpoint()", name);
    else if (tg_object_dead(t, TG_MAGIC_TENSOR) || tg_object_dead(t, TG_MAGIC_RELEASED))
        tg_fail(tg_tape_in(t), TG_ESTATE, "%s: the tensor was rewound away", name);
}

bool tg_alive(const tg_tensor *t, const char *name)
{
    if (t && tg_object_alive(t, TG_MAGIC_TENSOR))
        return true;
    if (t)
        report(t, name);
    return false;
}

tg_status tg_check_tensor(const tg_tensor *t, const char *name)
{
    if (!t)
        return TG_EVALUE;
    if (!tg_alive(t, name))
        return TG_ESTATE;
    return tg_tape_in(t)->status;
}

bool tg_check_list(tg_tape *tape, const char *name, const char *what, tg_tensor *const *list,
                   size_t n)
{
    for (size_t i = 0; i < n; i++) {
        TG_CHECK(tape, list[i], TG_EVALUE, "%s: %s %zu is NULL", name, what, i);
        if (!tg_alive(list[i], name))
            return false;
        TG_CHECK(tape, tg_tape_in(list[i]) == tape, TG_EVALUE, "%s: %s %zu is of another tape",
                 name, what, i);
    }
    return true;
}

static void *fail_overflow(tg_tape *tape, const char *name, tg_dims dims)
{
    tg_fail(tape, TG_ESHAPE, "%s: the product of the sizes %s overflows", name,
            tg_shape_text(dims).chars);
    return NULL;
}

/* A header with sizes and contiguous strides, without data. */
static tg_tensor *new_header(tg_tape *tape, const char *name, int dtype, tg_dims dims)
{
    size_t size = sizeof(tg_tensor) + 2 * (size_t)dims.ndim * sizeof(int64_t);
    tg_tensor *t;
    if (tape->recycling) {
        t = tg_pool_object(tape, name, TG_MAGIC_TENSOR, size);
    } else {
        t = tg_tape_object(tape, name, TG_MAGIC_TENSOR, size);
    }
    if (!t)
        return NULL;
    tg_object head = t->head;
    *t = (tg_tensor){.head = head,
                     .dtype = (uint8_t)dtype,
                     .ndim = (uint8_t)dims.ndim,
                     .contiguous = true,
                     .pooled = tape->recycling,
                     .temporary = tape->recycling};
    for (int i = 0; i < dims.ndim; i++)
        t->dims[i] = dims.sizes[i];
    t->numel = tg_shape_strides(dims, t->dims + dims.ndim);
    if (t->numel < 0)
        return fail_overflow(tape, name, dims);
    if (t->pooled) {
        t->u.next = tape->temporaries;
        tape->temporaries = t;
    }
    return t;
}

/* From the tape's spares alone. */
static bool take_spare(tg_tensor *t)
{
    char *data = tg_spares_take(&tg_tape_in(t)->spares, tg_data_size(t));
    if (!data)
        return false;
    t->data = data;
    t->spare = true;
    return true;
}

bool tg_tensor_take(tg_tensor *t, const char *name)
{
    tg_tape *tape = tg_tape_in(t);
    size_t size = tg_data_size(t);
    if (tape->spares.bytes && take_spare(t))
        return true;
    bool large = size >= TG_LARGE;
    if (large)
        t->spare = true;
    t->data =
        tape->recycling && !large ? tg_pool_data(tape, name, size) : tg_tape_data(tape, name, size);
    return t->data;
}

void tg_tensor_give(tg_tensor *t)
{
    tg_tape *tape = tg_tape_in(t);
    size_t size = tg_data_size(t);
    bool of_pass = tape->recycling && (t->pooled || t->recomputed);
    if (of_pass && !t->spare)
        tg_pool_give(&tape->data_pool, t->data, size);
    else
        tg_spares_give(&tape->spares, t->data, size);
    if (tape->capture)
        return; /* a replay writes to it again */
    t->data = NULL;
    t->spare = false;
}

static tg_tensor *with_storage(tg_tensor *t, tg_storage *storage, char *data)
{
    t->storage = storage;
    t->data = data;
    storage->headers++;
    return t;
}

tg_tensor *tg_tensor_new(tg_tape *tape, const char *name, int dtype, tg_dims dims)
{
    tg_top objects = tg_arena_top(&tape->objects);
    tg_object *last = tape->last_object;
    tg_tensor *t = new_header(tape, name, dtype, dims);
    if (t && tg_tensor_take(t, name))
        return with_storage(t, &t->own, t->data);
    if (tape->recycling)
        return NULL; /* the whole backward pass ends now, and its memory with it */
    tg_arena_rewind(&tape->objects, objects);
    tape->last_object = last;
    return NULL;
}

tg_tensor *tg_tensor_over(tg_tape *tape, const char *name, int dtype, tg_dims dims, void *data)
{
    if (!data)
        return tg_tensor_new(tape, name, dtype, dims);
    tg_tensor *t = new_header(tape, name, dtype, dims);
    return t ? with_storage(t, &t->own, data) : NULL;
}

tg_tensor *tg_tensor_view(const tg_tensor *base, const char *name, tg_dims dims,
                          const int64_t *strides, int64_t offset)
{
    tg_tensor *t = new_header(tg_tape_in(base), name, base->dtype, dims);
    if (!t)
        return NULL;
    if (dims.ndim)
        memcpy(t->dims + dims.ndim, strides, (size_t)dims.ndim * sizeof *strides);
    t->contiguous = tg_shape_contiguous(dims, strides);
    return with_storage(t, base->storage,
                        base->data + offset * (int64_t)tg_dtype_size(base->dtype));
}

static void release_header(tg_tensor *t)
{
    tg_tape *tape = tg_tape_in(t);
    if (tape->capture)
        return; /* a replay uses it again */
    t->head.magic = 0;
    tg_pool_give(&tape->object_pool, t, sizeof *t + 2 * (size_t)t->ndim * sizeof(int64_t));
}

void tg_tensor_release(tg_tensor *t)
{
    tg_tensor *owner = tg_owner_of(t);
    bool last = --t->storage->headers == 0;
    if (owner != t)
        release_header(t);
    /* A view may outlive the header that made the data: that one waits for the last view. */
    if (last && owner->pooled) {
        if (owner->spare)
            tg_tensor_give(owner);
        else
            tg_pool_give(&tg_tape_in(owner)->data_pool, owner->data, tg_data_size(owner));
        release_header(owner);
    }
}

static bool check_flags(tg_tape *tape, const char *name, int flags)
{
    int dtype = flags & 0xff;
    TG_CHECK(tape, !(flags & ~(0xff | TG_REQUIRES_GRAD)) && dtype < TG_DTYPES, TG_EVALUE,
             "%s: unknown flags 0x%x", name, (unsigned)flags);
    TG_CHECK(tape, !(flags & TG_REQUIRES_GRAD) || tg_is_float(dtype), TG_EDTYPE,
             "%s: only float tensors can require a gradient, not %s", name, dtype_names[dtype]);
    return true;
}

static bool check_dims(tg_tape *tape, const char *name, tg_dims dims)
{
    TG_CHECK(tape, dims.ndim >= 0 && dims.ndim <= TG_MAX_NDIM, TG_ESHAPE,
             "%s: %d dims, wanted 0 to %d", name, dims.ndim, TG_MAX_NDIM);
    TG_CHECK(tape, dims.sizes || dims.ndim == 0, TG_EVALUE, "%s: dims is NULL", name);
    int64_t strides[TG_MAX_NDIM];
    for (int i = 0; i < dims.ndim; i++)
        TG_CHECK(tape, dims.sizes[i] >= 0, TG_ESHAPE, "%s: negative size in %s", name,
                 tg_shape_text(dims).chars);
    return tg_shape_strides(dims, strides) >= 0 || fail_overflow(tape, name, dims);
}

bool tg_tensor_check(tg_tape *tape, const char *name, tg_dims dims, int flags)
{
    return tape && !tape->status && check_flags(tape, name, flags) && check_dims(tape, name, dims);
}

/* --- looking into tensors --- */

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
    if (!tg_uncaptured(tg_tape_in(t), "data_mut"))
        return NULL;
    t->storage->version++;
    return t->data;
}

/* The element `offset` elements behind the first. */
static double element_at(const tg_tensor *t, int64_t offset)
{
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

double tg_element(const tg_tensor *t, int64_t index)
{
    return element_at(t, tg_shape_offset(tg_dims_of(t), tg_strides(t), index));
}

int64_t tg_first_anomaly(const tg_tensor *t)
{
    bool inf = tg_tape_in(t)->anomaly_inf;
    int64_t index[TG_MAX_NDIM], numel = t->numel;
    tg_shape_strides(tg_dims_of(t), index);
    tg_shape once = tg_shape_copy(tg_dims_of(t)); /* an expanded dim repeats what was looked at */
    for (int i = 0; i < t->ndim && numel; i++) {
        numel /= tg_strides(t)[i] ? 1 : t->dims[i];
        once.sizes[i] = tg_strides(t)[i] ? t->dims[i] : 1;
    }
    const tg_dims dims = {t->ndim, once.sizes};
    for (int64_t i = 0; i < numel; i++) {
        double x = element_at(t, tg_shape_offset(dims, tg_strides(t), i));
        if (isnan(x) || (inf && isinf(x)))
            return tg_shape_offset(dims, index, i);
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

bool tg_requires_grad(const tg_tensor *t)
{
    return tg_known(t, "requires_grad") && t->requires_grad;
}

/* Making tensors: constants, copies, borrowed memory. These are leaves and are not recorded, but
 * for a captured step, whose replay fills constants again. */
#include "ops/check.h"
#include "record/grad.h"

#include "kernels/array.h"
#include "kernels/loops.h"

#include <math.h>
#include <string.h>

/* The first value, from one to the next, and the last one. */
typedef struct filling {
    double value, step, end;
} filling;

/* A leaf, filled by op's forward function, which a captured step runs again. */
static tg_tensor *filled(tg_tape *tape, const tg_op *op, tg_dims dims, filling f, int flags)
{
    TGK_IN_RIGHT_MODES(tg_tensor *, filled(tape, op, dims, f, flags));
    bool good = tg_tensor_check(tape, op->name, dims, flags);
    tg_tensor *t = good ? tg_tensor_leaf(tape, op->name, dims, flags, NULL) : NULL;
    if (!t)
        return NULL;
    tg_call call = {.op = op, .in_place = t, .params = &f, .params_size = sizeof f};
    return tg_do(tape, &call) ? t : NULL;
}

static void zeros_forward(tg_node *node)
{
    tgk_zero(&tg_node_tape(node)->team, tg_at(node->out)->data, tg_data_size(node->out));
}

static const tg_op zeros_op = {.name = "zeros", .forward = zeros_forward};

tg_tensor *tg_zeros(tg_tape *tape, int ndim, const int64_t *dims, int flags)
{
    return filled(tape, &zeros_op, (tg_dims){ndim, dims}, (filling){0}, flags);
}

#define FILL(T)                                                                                    \
    static void fill_##T(tg_tensor *t, double value)                                               \
    {                                                                                              \
        T *data = (T *)(void *)tg_at(t)->data;                                                     \
        for (int64_t i = 0; i < tg_at(t)->numel; i++)                                              \
            data[i] = (T)value;                                                                    \
    }

FILL(float)
FILL(double)
FILL(int64_t)
FILL(bool)

static void (*const fill[TG_DTYPES])(tg_tensor *, double) = {fill_float, fill_double, fill_int64_t,
                                                             fill_bool};

static void full_forward(tg_node *node)
{
    const filling *f = node->params;
    fill[tg_at(node->out)->dtype](node->out, f->value);
}

static const tg_op ones_op = {.name = "ones", .forward = full_forward};
static const tg_op full_op = {.name = "full", .forward = full_forward};

tg_tensor *tg_ones(tg_tape *tape, int ndim, const int64_t *dims, int flags)
{
    return filled(tape, &ones_op, (tg_dims){ndim, dims}, (filling){.value = 1}, flags);
}

/* Whether a cast to int64 is defined. */
static bool fits_int64(double value)
{
    return value >= -0x1p63 && value < 0x1p63;
}

tg_tensor *tg_full(tg_tape *tape, int ndim, const int64_t *dims, double value, int flags)
{
    TG_CHECK(tape, (flags & 0xff) != TG_I64 || fits_int64(value), TG_EVALUE,
             "full: int64 cannot hold %g", value);
    return filled(tape, &full_op, (tg_dims){ndim, dims}, (filling){.value = value}, flags);
}

#define ARANGE(T)                                                                                  \
    static void arange_##T(tg_tensor *t, double start, double step)                                \
    {                                                                                              \
        T *data = (T *)(void *)tg_at(t)->data;                                                     \
        for (int64_t i = 0; i < tg_at(t)->numel; i++)                                              \
            data[i] = (T)(start + (double)i * step);                                               \
    }

ARANGE(float)
ARANGE(double)
ARANGE(int64_t)

static void (*const arange[TG_DTYPES])(tg_tensor *, double, double) = {arange_float, arange_double,
                                                                       arange_int64_t};

static void arange_forward(tg_node *node)
{
    const filling *f = node->params;
    arange[tg_at(node->out)->dtype](node->out, f->value, f->step);
}

static const tg_op arange_op = {.name = "arange", .forward = arange_forward};

tg_tensor *tg_arange(tg_tape *tape, double start, double end, double step, int flags)
{
    TGK_IN_RIGHT_MODES(tg_tensor *, tg_arange(tape, start, end, step, flags));
    TG_CHECK(tape, isfinite(start) && isfinite(end) && isfinite(step), TG_EVALUE,
             "arange: from %g to %g by %g: not finite", start, end, step);
    TG_CHECK(tape, step != 0 && (end - start) / step >= 0, TG_EVALUE,
             "arange: from %s to %s by %g: the step leads away",
             tg_number_text(start, TG_F64).chars, tg_number_text(end, TG_F64).chars, step);
    TG_CHECK(tape, (flags & 0xff) != TG_BOOL, TG_EDTYPE, "arange: bool is not supported");
    bool whole = (flags & 0xff) == TG_I64;
    TG_CHECK(tape, !whole || (fits_int64(start) && fits_int64(end)), TG_EVALUE,
             "arange: int64 cannot hold %g to %g", start, end);
    if (whole) /* as torch: bounds and step are integers first */
        start = trunc(start), end = trunc(end), step = trunc(step);
    TG_CHECK(tape, step != 0, TG_EVALUE, "arange: the step is 0");
    double count = ceil((end - start) / step);
    TG_CHECK(tape, fits_int64(count), TG_ESHAPE, "arange: %g elements", count);
    int64_t size = (int64_t)count;
    return filled(tape, &arange_op, (tg_dims){1, &size}, (filling){start, step, end}, flags);
}

/* From both ends, so that each is exact. */
#define LINSPACE(T)                                                                                \
    static void linspace_##T(tg_tensor *t, const filling *f)                                       \
    {                                                                                              \
        T *data = (T *)(void *)tg_at(t)->data;                                                     \
        int64_t n = tg_at(t)->numel;                                                               \
        for (int64_t i = 0; i < n; i++)                                                            \
            data[i] = (T)(i < n / 2 || n == 1 ? f->value + (double)i * f->step                     \
                                              : f->end - (double)(n - 1 - i) * f->step);           \
    }

LINSPACE(float)
LINSPACE(double)
LINSPACE(int64_t)

static void (*const linspace[TG_DTYPES])(tg_tensor *, const filling *) = {
    linspace_float, linspace_double, linspace_int64_t};

static void linspace_forward(tg_node *node)
{
    linspace[tg_at(node->out)->dtype](node->out, node->params);
}

static const tg_op linspace_op = {.name = "linspace", .forward = linspace_forward};

tg_tensor *tg_linspace(tg_tape *tape, double start, double end, int64_t steps, int flags)
{
    TGK_IN_RIGHT_MODES(tg_tensor *, tg_linspace(tape, start, end, steps, flags));
    TG_CHECK(tape, isfinite(start) && isfinite(end), TG_EVALUE, "linspace: from %g to %g", start,
             end);
    TG_CHECK(tape, steps >= 0, TG_EVALUE, "linspace: %lld steps", (long long)steps);
    TG_CHECK(tape, (flags & 0xff) != TG_BOOL, TG_EDTYPE, "linspace: bool is not supported");
    TG_CHECK(tape, (flags & 0xff) != TG_I64 || (fits_int64(start) && fits_int64(end)), TG_EVALUE,
             "linspace: int64 cannot hold %g to %g", start, end);
    double step = steps > 1 ? (end - start) / (double)(steps - 1) : 0;
    filling f = {start, step, end};
    return filled(tape, &linspace_op, (tg_dims){1, &steps}, f, flags);
}

static void eye_forward(tg_node *node)
{
    static const float one_f32 = 1;
    static const double one_f64 = 1;
    static const int64_t one_i64 = 1;
    static const bool one_bool = true;
    static const void *const ones[TG_DTYPES] = {&one_f32, &one_f64, &one_i64, &one_bool};
    const tg_header *out = tg_at(node->out);
    size_t size = tg_dtype_size(out->dtype), step = size * (size_t)(out->dims[1] + 1);
    zeros_forward(node);
    for (int64_t i = 0; i < out->dims[0] && i < out->dims[1]; i++)
        memcpy(out->data + (size_t)i * step, ones[out->dtype], size);
}

static const tg_op eye_op = {.name = "eye", .forward = eye_forward};

tg_tensor *tg_eye(tg_tape *tape, int64_t rows, int64_t columns, int flags)
{
    return filled(tape, &eye_op, (tg_dims){2, (int64_t[]){rows, columns}}, (filling){0}, flags);
}

/* flags with the dtype of the caller's array; -1 where they name another. */
static int flags_from(tg_tape *tape, const char *name, int flags, int dtype)
{
    int given = flags & 0xff;
    if (given == 0 || given == dtype)
        return flags | dtype;
    if (given >= TG_DTYPES)
        return flags; /* reported with the other flags */
    tg_fail(tape, TG_EDTYPE, "%s: flags say %s", name, tg_dtype_name(given));
    return flags; /* the error stops what follows */
}

static bool check_data(tg_tape *tape, const char *name, const void *data, tg_dims dims, int flags)
{
    int64_t strides[TG_MAX_NDIM];
    if (!tg_tensor_check(tape, name, dims, flags))
        return false;
    TG_CHECK(tape, data || tg_shape_strides(dims, strides) == 0, TG_EVALUE, "%s: data is NULL",
             name);
    return true;
}

static tg_tensor *from(tg_tape *tape, const char *name, const void *data, tg_dims dims, int flags)
{
    if (!check_data(tape, name, data, dims, flags) || !tg_uncaptured(tape, name))
        return NULL;
    tg_tensor *t = tg_tensor_leaf(tape, name, dims, flags, NULL);
    if (t && tg_at(t)->numel)
        memcpy(tg_at(t)->data, data, tg_data_size(t));
    return t;
}

tg_tensor *tg_from_f32(tg_tape *tape, const float *data, int ndim, const int64_t *dims, int flags)
{
    return from(tape, "from_f32", data, (tg_dims){ndim, dims},
                flags_from(tape, "from_f32", flags, TG_F32));
}

tg_tensor *tg_from_f64(tg_tape *tape, const double *data, int ndim, const int64_t *dims, int flags)
{
    return from(tape, "from_f64", data, (tg_dims){ndim, dims},
                flags_from(tape, "from_f64", flags, TG_F64));
}

tg_tensor *tg_from_i64(tg_tape *tape, const int64_t *data, int ndim, const int64_t *dims, int flags)
{
    return from(tape, "from_i64", data, (tg_dims){ndim, dims},
                flags_from(tape, "from_i64", flags, TG_I64));
}

tg_tensor *tg_from_bool(tg_tape *tape, const bool *data, int ndim, const int64_t *dims, int flags)
{
    return from(tape, "from_bool", data, (tg_dims){ndim, dims},
                flags_from(tape, "from_bool", flags, TG_BOOL));
}

static bool check_array(tg_tape *tape, const void *data, int type, tg_dims dims, int flags)
{
    int64_t strides[TG_MAX_NDIM], n = tg_shape_strides(dims, strides);
    int64_t misfit = tgk_array_misfit(type, flags & 0xff, data, n);
    TG_CHECK(tape, misfit == n, TG_EVALUE, "from_array: element %lld is %s, which %s does not hold",
             (long long)misfit, tgk_array_element(type, data, misfit).chars,
             tg_dtype_name(flags & 0xff));
    return true;
}

tg_tensor *tg_from_array(tg_tape *tape, const void *data, tg_array_type type, int ndim,
                         const int64_t *dims, int flags)
{
    const tg_dims shape = {ndim, dims};
    const int dtype = flags & 0xff;
    TG_CHECK(tape, tgk_array_size((int)type), TG_EVALUE, "from_array: there is no array type %d",
             (int)type);
    if (!check_data(tape, "from_array", data, shape, flags) || !tg_uncaptured(tape, "from_array") ||
        !check_array(tape, data, (int)type, shape, flags))
        return NULL;
    tg_tensor *t = tg_tensor_leaf(tape, "from_array", shape, flags, NULL);
    if (t)
        tgk_array_read((int)type, dtype, data, tg_at(t)->numel, tg_at(t)->data);
    return t;
}

tg_tensor *tg_from_blob(tg_tape *tape, void *data, int ndim, const int64_t *dims, int flags)
{
    tg_dims shape = {ndim, dims};
    if (!check_data(tape, "from_blob", data, shape, flags))
        return NULL;
    return tg_tensor_leaf(tape, "from_blob", shape, flags, data);
}

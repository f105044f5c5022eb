/* Shared checks, see check.h. */
#include "ops/check.h"

#include "kernels/format.h"
#include "kernels/isa.h"

#include <math.h>
#include <stdlib.h>

bool tg_check_given(const tg_op *op, int n, tg_tensor *const *in, int required)
{
    tg_tape *tape = NULL;
    int null = -1;
    for (int i = 0; i < n; i++) {
        if (!in[i])
            null = i < required ? i : null;
        else if ((!tg_slot_alive(in[i]) || tg_at(in[i])->released || tg_at(in[i])->spent) &&
                 !tg_alive(in[i], op->name))
            return false;
        else if (!tape)
            tape = tg_tape_in(in[i]);
        else
            TG_CHECK(tape, tape == tg_tape_in(in[i]), TG_EVALUE,
                     "%s: inputs %d and 0 are of different tapes", op->name, i);
    }
    if (!tape || tape->status)
        return false;
    TG_CHECK(tape, null < 0, TG_EVALUE, "%s: input %d is NULL", op->name, null);
    return true;
}

bool tg_check_inputs(const tg_op *op, int n, tg_tensor *const *in)
{
    return tg_check_given(op, n, in, n);
}

static bool check_flags(tg_tape *tape, const char *name, int flags)
{
    int dtype = flags & 0xff;
    TG_CHECK(tape, !(flags & ~(0xff | TG_REQUIRES_GRAD)) && dtype < TG_DTYPES, TG_EVALUE,
             "%s: unknown flags 0x%x", name, (unsigned)flags);
    TG_CHECK(tape, TGK_HAS_F64 || dtype != TG_F64, TG_EDTYPE, "%s: this library has no float64",
             name);
    TG_CHECK(tape, !(flags & TG_REQUIRES_GRAD) || tg_is_float(dtype), TG_EDTYPE,
             "%s: only float tensors can require a gradient, not %s", name, tg_dtype_name(dtype));
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
    TG_CHECK(tape, tg_shape_strides(dims, strides) >= 0, TG_ESHAPE, TG_OVERFLOWS, name,
             tg_shape_text(dims).chars);
    return true;
}

bool tg_tensor_check(tg_tape *tape, const char *name, tg_dims dims, int flags)
{
    return tape && !tape->status && check_flags(tape, name, flags) && check_dims(tape, name, dims);
}

bool tg_check_floats(const tg_op *op, int n, tg_tensor *const *in)
{
    int dtype = tg_at(in[0])->dtype;
    TG_CHECK(tg_tape_in(in[0]), tg_is_float(dtype), TG_EDTYPE,
             "%s: input 0 is %s, wanted a float dtype", op->name, tg_dtype_name(dtype));
    for (int i = 1; i < n; i++)
        TG_CHECK(tg_tape_in(in[0]), !in[i] || tg_at(in[i])->dtype == dtype, TG_EDTYPE,
                 "%s: input %d is %s, wanted %s", op->name, i, tg_dtype_name(tg_at(in[i])->dtype),
                 tg_dtype_name(dtype));
    return true;
}

int tg_check_dim(const tg_op *op, const tg_tensor *x, int dim)
{
    int i = tg_shape_dim(tg_at(x)->ndim, dim);
    if (i < 0)
        tg_fail(tg_tape_in(x), TG_EVALUE, "%s: there is no dim %d in %s", op->name, dim,
                tg_shape_of(x).chars);
    return i;
}

tg_text tg_number_text(double x, int dtype)
{
    tg_text text;
    double read = (double)NAN;
    for (int digits = 6; digits <= 17 && read != x; digits++) {
        tgk_format(text.chars, sizeof text.chars, "%.*g", digits, x);
        read = dtype == TG_F32 ? (double)strtof(text.chars, NULL) : strtod(text.chars, NULL);
    }
    return text;
}

tg_around tg_around_dim(const tg_tensor *x, int dim)
{
    tg_around a = {1, tg_at(x)->ndim ? tg_at(x)->dims[dim] : 1, 1};
    for (int i = 0; i < tg_at(x)->ndim; i++) {
        if (i < dim)
            a.outer *= tg_at(x)->dims[i];
        else if (i > dim)
            a.inner *= tg_at(x)->dims[i];
    }
    return a;
}

bool tg_check_fill(const tg_op *op, int n, tg_tensor *const *t)
{
    if (!tg_check_inputs(op, n, t))
        return false;
    for (int i = 0; i < n; i++) {
        tg_tape *tape = tg_tape_in(t[i]);
        TG_CHECK(tape, tg_is_float(tg_at(t[i])->dtype), TG_EDTYPE,
                 "%s: wanted a float tensor, not %s", op->name, tg_dtype_name(tg_at(t[i])->dtype));
        TG_CHECK(tape, !tg_at(t[i])->requires_grad || tg_at(t[i])->is_leaf, TG_ESTATE,
                 "%s: %s is the result of a differentiable operation", op->name,
                 tg_shape_of(t[i]).chars);
    }
    return true;
}

tg_tensor *tg_apply_like(const tg_op *op, tg_tensor *x)
{
    if (!tg_check_inputs(op, 1, &x))
        return NULL;
    return tg_apply(&(tg_call){.op = op,
                               .n_in = 1,
                               .in = &x,
                               .dtype = tg_at(x)->dtype,
                               .ndim = tg_at(x)->ndim,
                               .dims = tg_at(x)->dims});
}

tg_tensor *tg_apply_view(const tg_op *op, tg_tensor *x, tg_dims dims, const int64_t *strides)
{
    return tg_apply(&(tg_call){.op = op,
                               .n_in = 1,
                               .in = &x,
                               .dtype = tg_at(x)->dtype,
                               .ndim = dims.ndim,
                               .dims = dims.sizes,
                               .view_of = x,
                               .strides = strides});
}

tg_shape tg_shape_broadcast(tg_dims a, tg_dims b)
{
    if (a.ndim < b.ndim)
        return tg_shape_broadcast(b, a);
    tg_shape out = tg_shape_copy(a);
    int shift = a.ndim - b.ndim;
    for (int i = 0; i < b.ndim; i++) {
        int64_t *size = &out.sizes[shift + i];
        if (*size == 1)
            *size = b.sizes[i];
        else if (b.sizes[i] != 1 && b.sizes[i] != *size)
            return (tg_shape){.ndim = -1};
    }
    return out;
}

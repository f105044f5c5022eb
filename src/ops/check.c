/* Shared checks, see check.h. */
#include "ops/check.h"

#include <math.h>
#include <stdlib.h>

bool tg_check_floats(const tg_op *op, int n, tg_tensor *const *in)
{
    int dtype = in[0]->dtype;
    TG_CHECK(tg_tape_in(in[0]), tg_is_float(dtype), TG_EDTYPE,
             "%s: input 0 is %s, wanted a float dtype", op->name, tg_dtype_name(dtype));
    for (int i = 1; i < n; i++)
        TG_CHECK(tg_tape_in(in[0]), !in[i] || in[i]->dtype == dtype, TG_EDTYPE,
                 "%s: input %d is %s, wanted %s", op->name, i, tg_dtype_name(in[i]->dtype),
                 tg_dtype_name(dtype));
    return true;
}

int tg_check_dim(const tg_op *op, const tg_tensor *x, int dim)
{
    int i = tg_shape_dim(x->ndim, dim);
    if (i < 0)
        tg_fail(tg_tape_in(x), TG_EVALUE, "%s: there is no dim %d in %s", op->name, dim,
                tg_shape_of(x).chars);
    return i;
}

bool tg_check_reduction(const tg_op *op, const tg_tensor *x, tg_reduction reduction)
{
    TG_CHECK(tg_tape_in(x), reduction == TG_MEAN || reduction == TG_SUM || reduction == TG_NONE,
             TG_EVALUE, "%s: there is no reduction %d", op->name, (int)reduction);
    return true;
}

tg_text tg_number_text(double x, int dtype)
{
    tg_text text;
    double read = (double)NAN;
    for (int digits = 6; digits <= 17 && read != x; digits++) {
        snprintf(text.chars, sizeof text.chars, "%.*g", digits, tg_shown(x));
        read = dtype == TG_F32 ? (double)strtof(text.chars, NULL) : strtod(text.chars, NULL);
    }
    return text;
}

tg_around tg_around_dim(const tg_tensor *x, int dim)
{
    tg_around a = {1, x->ndim ? x->dims[dim] : 1, 1};
    for (int i = 0; i < x->ndim; i++) {
        if (i < dim)
            a.outer *= x->dims[i];
        else if (i > dim)
            a.inner *= x->dims[i];
    }
    return a;
}

bool tg_check_fill(const tg_op *op, tg_tensor *t)
{
    if (!tg_check_inputs(op, 1, &t))
        return false;
    tg_tape *tape = tg_tape_in(t);
    TG_CHECK(tape, tg_is_float(t->dtype), TG_EDTYPE, "%s: wanted a float tensor, not %s", op->name,
             tg_dtype_name(t->dtype));
    TG_CHECK(tape, !t->requires_grad || t->is_leaf, TG_ESTATE,
             "%s: %s is the result of a differentiable operation", op->name, tg_shape_of(t).chars);
    return true;
}

bool tg_check_not_bool(const tg_op *op, tg_tensor *x)
{
    if (!tg_check_inputs(op, 1, &x))
        return false;
    TG_CHECK(tg_tape_in(x), x->dtype != TG_BOOL, TG_EDTYPE, "%s: not defined for bool", op->name);
    return true;
}

tg_tensor *tg_apply_like(const tg_op *op, tg_tensor *x)
{
    if (!tg_check_inputs(op, 1, &x))
        return NULL;
    return tg_apply(&(tg_call){
        .op = op, .n_in = 1, .in = &x, .dtype = x->dtype, .ndim = x->ndim, .dims = x->dims});
}

tg_tensor *tg_apply_view(const tg_op *op, tg_tensor *x, tg_dims dims, const int64_t *strides)
{
    return tg_apply(&(tg_call){.op = op,
                               .n_in = 1,
                               .in = &x,
                               .dtype = x->dtype,
                               .ndim = dims.ndim,
                               .dims = dims.sizes,
                               .view_of = x,
                               .strides = strides});
}

/* Writing into tensors that are there: copy_, add_, fill_. Recorded as operations whose output is
 * the tensor itself. A source of another dtype or in the same memory is copied first, by an
 * operation that is recorded as well, so that a replay does the same. */
#include "ops/scope.h"
#include "record/map.h"

#include "kernels/loops.h"

#include <math.h>
#include <tinygrad/ops.h>

static void copy_forward(tg_node *node)
{
    tg_map(node->out, node->in, 1, tgk_copy_loop(tg_dtype_size(tg_at(node->out)->dtype)), NULL);
}

#define ALPHA (*(const double *)params)

/* torch's add with alpha is fused; integers wrap around. x is t, y the source. */
TGK_LOOP2(add_f32, float, float, fmaf(y, (float)ALPHA, x));
TGK_LOOP2(add_f64, double, double, fma(y, ALPHA, x));
TGK_LOOP2(add_i64, int64_t, int64_t, (uint64_t)x + (uint64_t)y * (uint64_t)(int64_t)ALPHA);

#define VALUE (*(const double *)params)

TGK_LOOP0(fill_f32, float, VALUE);
TGK_LOOP0(fill_f64, double, VALUE);
TGK_LOOP0(fill_i64, int64_t, VALUE);
TGK_LOOP0(fill_bool, bool, VALUE);

static const tg_op copy_op = {.name = "copy_", .forward = copy_forward};
static const tg_map_op add_op = {{.name = "add_", .forward = tg_map_forward},
                                 {add_f32, add_f64, add_i64}};
static const tg_map_op fill_op = {{.name = "fill_", .forward = tg_map_forward},
                                  {fill_f32, fill_f64, fill_i64, fill_bool}};

/* What to return where the inputs cannot be used. */
static tg_status refused(const tg_tensor *t, const tg_tensor *source)
{
    const tg_tensor *any = t ? t : source;
    if (!any)
        return TG_EVALUE;
    tg_status status = tg_error(tg_tape_in(any));
    return status ? status : TG_ESTATE; /* the other one is dead, and of another tape */
}

/* A write may not be on the way of a gradient. */
static bool check_outside(const tg_op *op, const tg_tensor *t, const char *what)
{
    tg_tape *tape = tg_tape_in(t);
    TG_CHECK(tape, !tape->now.grad_enabled || !tg_at(t)->requires_grad, TG_ESTATE,
             "%s: %s %s requires a gradient; write with gradients disabled", op->name, what,
             tg_shape_of(t).chars);
    return true;
}

/* Several elements in one place: which of them would the place hold? */
static bool check_places(const tg_op *op, const tg_tensor *t)
{
    for (int i = 0; i < tg_at(t)->ndim; i++)
        TG_CHECK(tg_tape_in(t), !tg_at(t)->numel || tg_at(t)->dims[i] == 1 || tg_strides(t)[i] != 0,
                 TG_ESTATE, "%s: %s is expanded along dim %d: write to a copy of it", op->name,
                 tg_shape_of(t).chars, i);
    return true;
}

static bool check(const tg_op *op, const tg_tensor *t, const tg_tensor *source)
{
    if (!check_outside(op, t, "tensor") || !check_outside(op, source, "source") ||
        !check_places(op, t))
        return false;
    TG_CHECK(tg_tape_in(t), tg_shape_expands(tg_dims_of(source), tg_dims_of(t)), TG_ESHAPE,
             "%s: source %s does not stretch to %s", op->name, tg_shape_of(source).chars,
             tg_shape_of(t).chars);
    return true;
}

/* Bytes from t's first element to the end of its last. */
static uintptr_t extent(const tg_tensor *t)
{
    int64_t last = 0;
    for (int i = 0; i < tg_at(t)->ndim; i++)
        last += (tg_at(t)->dims[i] - 1) * tg_strides(t)[i];
    return tg_at(t)->numel ? (uintptr_t)(last + 1) * tg_dtype_size(tg_at(t)->dtype) : 0;
}

/* Whether t and source are in the same memory, but for being the very same elements in order. Asks
 * the addresses: memory that the caller lent twice has two owners. */
static bool overlap(const tg_tensor *t, const tg_tensor *source)
{
    uintptr_t a = (uintptr_t)tg_at(t)->data, b = (uintptr_t)tg_at(source)->data;
    if (a >= b + extent(source) || b >= a + extent(t))
        return false;
    tg_dims strides_t = {tg_at(t)->ndim, tg_strides(t)},
            strides_source = {tg_at(source)->ndim, tg_strides(source)};
    return a != b || !tg_shape_equal(tg_dims_of(t), tg_dims_of(source)) ||
           !tg_shape_equal(strides_t, strides_source);
}

static tg_tensor *write(const tg_op *op, tg_tensor *t, tg_tensor *const *in, int n, double param)
{
    return tg_apply(&(tg_call){.op = op,
                               .n_in = n,
                               .in = in,
                               .in_place = t,
                               .params = &param,
                               .params_size = sizeof param});
}

static tg_tensor *copy(tg_tensor *t, tg_tensor *source)
{
    if (!check(&copy_op, t, source))
        return NULL;
    tg_tensor *from = tg_to(source, tg_at(t)->dtype);
    if (from == source && overlap(t, source))
        from = tg_clone(source);
    return from ? write(&copy_op, t, &from, 1, 0) : NULL;
}

tg_status tg_copy_(tg_tensor *t, tg_tensor *source)
{
    tg_scope scope;
    if (!tg_scope_open(&scope, &copy_op, 2, (tg_tensor *[]){t, source}))
        return refused(t, source);
    tg_scope_close(&scope, copy(t, source));
    return tg_error(scope.tape);
}

static bool check_add(const tg_tensor *t, const tg_tensor *source, double alpha)
{
    tg_tape *tape = tg_tape_in(t);
    TG_CHECK(tape, tg_at(t)->dtype == tg_at(source)->dtype && tg_at(t)->dtype != TG_BOOL, TG_EDTYPE,
             "add_: %s to %s, wanted two of one dtype that is not bool",
             tg_dtype_name(tg_at(source)->dtype), tg_dtype_name(tg_at(t)->dtype));
    bool whole = alpha >= -0x1p63 && alpha < 0x1p63 && alpha == trunc(alpha);
    TG_CHECK(tape, tg_at(t)->dtype != TG_I64 || whole, TG_EVALUE,
             "add_: int64 cannot hold alpha %g", alpha);
    return true;
}

static tg_tensor *add(tg_tensor *t, tg_tensor *source, double alpha)
{
    if (!check(&add_op.op, t, source) || !check_add(t, source, alpha))
        return NULL;
    tg_tensor *in[] = {t, overlap(t, source) ? tg_clone(source) : source};
    return in[1] ? write(&add_op.op, t, in, 2, alpha) : NULL;
}

tg_status tg_add_(tg_tensor *t, tg_tensor *source, double alpha)
{
    tg_scope scope;
    if (!tg_scope_open(&scope, &add_op.op, 2, (tg_tensor *[]){t, source}))
        return refused(t, source);
    tg_scope_close(&scope, add(t, source, alpha));
    return tg_error(scope.tape);
}

tg_status tg_fill_(tg_tensor *t, double value)
{
    if (!tg_check_inputs(&fill_op.op, 1, &t) ||
        (!tg_at(t)->is_leaf && !check_outside(&fill_op.op, t, "tensor")))
        return refused(t, NULL);
    tg_tape *tape = tg_tape_in(t);
    if (tg_at(t)->dtype == TG_I64 && !(value >= -0x1p63 && value < 0x1p63))
        return tg_fail(tape, TG_EVALUE, "fill_: int64 cannot hold %g", value);
    write(&fill_op.op, t, NULL, 0, value);
    return tape->status;
}

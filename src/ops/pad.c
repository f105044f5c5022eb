/* Padding, and roll, which is padding with what was cut off at the other end. Relies on
 * kernels/pad.h. */
#include "kernels/pad.h"
#include "ops/arithmetic.h"
#include "ops/layout.h"

#include <string.h>

typedef struct padding {
    tgk_pad_mode mode;
    int64_t before[TG_MAX_NDIM];
    int64_t after[TG_MAX_NDIM]; /* what roll() does not need, nor who knows the output */
    uint64_t value;             /* the bytes of an element */
} padding;

/* For forward: big is padded small. 0-d tensors count as one element in a row. */
static tgk_pad pad_of(const padding *p, const tg_tensor *big, const tg_tensor *small)
{
    static const int64_t one = 1;
    const bool flat = tg_at(big)->ndim == 0;
    return (tgk_pad){.big = tg_at(big)->data,
                     .small = tg_at(small)->data,
                     .ndim = flat ? 1 : tg_at(big)->ndim,
                     .padded = flat ? &one : tg_at(big)->dims,
                     .sizes = flat ? &one : tg_at(small)->dims,
                     .before = p->before,
                     .mode = p->mode,
                     .value = &p->value};
}

static void pad_forward(tg_node *node)
{
    tgk_pad pad = pad_of(node->params, node->out, node->in[0]);
    pad.small = (void *)(uintptr_t)tg_contiguous_data(node, node->in[0]);
    if (pad.small)
        tgk_pad_read(&tg_node_tape(node)->team, tg_dtype_size(tg_at(node->out)->dtype), &pad);
}

static void add_forward(tg_node *node)
{
    tgk_pad pad = pad_of(node->params, node->in[0], node->out);
    pad.big = (void *)(uintptr_t)tg_contiguous_data(node, node->in[0]);
    if (pad.big)
        tgk_pad_add(&tg_node_tape(node)->team, tg_at(node->out)->dtype, &pad);
}

static tg_tensor *gradient(tg_node *node, const tg_op *op, tg_tensor *g, const padding *p)
{
    return tg_make(
        &(tg_making){{.op = op, .n_in = 1, .in = &g, .params = p, .params_size = sizeof *p},
                     .like = node->in[0],
                     .gradient_of = node});
}

static const tg_op pad_op, add_op;

/* A constant's gradient is what is left without the borders, which is a padding as well. */
static void pad_backward(tg_node *node, tg_tensor *grad_out, tg_tensor **grad_in)
{
    padding p = *(const padding *)node->params;
    for (int i = 0; i < TG_MAX_NDIM && p.mode == TGK_PAD_CONSTANT; i++)
        p.before[i] = -p.before[i];
    p.value = 0;
    grad_in[0] = gradient(node, p.mode == TGK_PAD_CONSTANT ? &pad_op : &add_op, grad_out, &p);
}

static void add_backward(tg_node *node, tg_tensor *grad_out, tg_tensor **grad_in)
{
    grad_in[0] = gradient(node, &pad_op, grad_out, node->params);
}

static void roll_backward(tg_node *node, tg_tensor *grad_out, tg_tensor **grad_in)
{
    padding p = *(const padding *)node->params;
    for (int i = 0; i < tg_at(node->out)->ndim; i++)
        p.before[i] = p.before[i] ? tg_at(node->out)->dims[i] - p.before[i] : 0;
    grad_in[0] = gradient(node, node->op, grad_out, &p);
}

static const tg_op pad_op = {.name = "pad", .forward = pad_forward, .backward = pad_backward};
static const tg_op add_op = {
    .name = "pad_backward", .forward = add_forward, .backward = add_backward};
static const tg_op roll_op = {.name = "roll", .forward = pad_forward, .backward = roll_backward};

static tg_tensor *apply(tg_tensor *x, tg_dims dims, const padding *p)
{
    if (!tg_tensor_check(tg_tape_in(x), "pad", dims, 0))
        return NULL;
    return tg_apply(&(tg_call){.op = &pad_op,
                               .n_in = 1,
                               .in = &x,
                               .dtype = tg_at(x)->dtype,
                               .ndim = dims.ndim,
                               .dims = dims.sizes,
                               .params = p,
                               .params_size = sizeof *p});
}

static bool check_pads(const tg_tensor *x, int n, const int64_t *pads, tg_pad_mode mode)
{
    tg_tape *tape = tg_tape_in(x);
    TG_CHECK(tape, n >= 0 && n % 2 == 0, TG_EVALUE, "pad: %d numbers, wanted two for each dim", n);
    TG_CHECK(tape, pads || !n, TG_EVALUE, "pad: %d numbers, and their list is NULL", n);
    TG_CHECK(tape, n / 2 <= tg_at(x)->ndim, TG_ESHAPE, "pad: %d numbers for %s, wanted at most %d",
             n, tg_shape_of(x).chars, 2 * tg_at(x)->ndim);
    TG_CHECK(tape, (unsigned)mode <= TG_PAD_CIRCULAR, TG_EVALUE, "pad: unknown mode %d", (int)mode);
    const int64_t limit = INT64_MAX / 4;
    for (int i = 0; i < n; i++)
        TG_CHECK(tape, pads[i] >= -limit && pads[i] <= limit, TG_EVALUE,
                 "pad: %lld is no number of elements", (long long)pads[i]);
    return true;
}

/* How many elements a mode can take from a dim of that size. */
static int64_t reach(tgk_pad_mode mode, int64_t size)
{
    if (mode == TGK_PAD_CONSTANT || (mode == TGK_PAD_REPLICATE && size > 0))
        return INT64_MAX;
    return size == 0 ? 0 : mode == TGK_PAD_CIRCULAR ? size : size - 1;
}

/* As torch: of circular padding, what is below 0 is cut off before the other end is read; of
 * others, after. */
static tg_tensor *cut(tg_tensor *x, padding *p)
{
    for (int i = 0; i < tg_at(x)->ndim; i++) {
        int64_t low = p->before[i] < 0 ? -p->before[i] : 0,
                high = p->after[i] < 0 ? -p->after[i] : 0;
        if (p->mode == TGK_PAD_CIRCULAR && (low || high)) {
            x = tg_narrow(x, i, low, tg_at(x)->dims[i] - low - high);
            p->before[i] += low;
            p->after[i] += high;
        }
        if (!x)
            return NULL;
        int64_t most = reach(p->mode, tg_at(x)->dims[i]);
        TG_CHECK(tg_tape_in(x), p->before[i] <= most && p->after[i] <= most, TG_EVALUE,
                 "pad: %lld and %lld elements around dim %d of %s, which has %lld to give",
                 (long long)p->before[i], (long long)p->after[i], i, tg_shape_of(x).chars,
                 (long long)most);
    }
    return x;
}

/* A number as an element of that dtype, as masked_fill() has it. */
static bool value_of(const tg_tensor *x, double value, uint64_t *bytes)
{
    const float f = (float)value;
    const bool truth = value != 0;
    int dtype = tg_at(x)->dtype;
    TG_CHECK(tg_tape_in(x), dtype != TG_I64 || (value >= -0x1p63 && value < 0x1p63), TG_EVALUE,
             "pad: int64 cannot hold %g", value);
    const int64_t whole = dtype == TG_I64 ? (int64_t)value : 0;
    const void *const from[] = {&f, &value, &whole, &truth};
    *bytes = 0;
    memcpy(bytes, from[dtype], tg_dtype_size(dtype));
    return true;
}

static tg_tensor *pad(tg_tensor *x, int n, const int64_t *pads, tg_pad_mode mode, double value)
{
    padding p = {.mode = (tgk_pad_mode)mode};
    if (!check_pads(x, n, pads, mode) || !value_of(x, value, &p.value))
        return NULL;
    for (int i = 0; i < n / 2; i++) {
        p.before[tg_at(x)->ndim - 1 - i] = pads[2 * i];
        p.after[tg_at(x)->ndim - 1 - i] = pads[2 * i + 1];
    }
    x = cut(x, &p);
    if (!x)
        return NULL;
    tg_shape shape = tg_shape_copy(tg_dims_of(x));
    for (int i = 0; i < shape.ndim; i++) {
        int64_t less = (p.before[i] < 0 ? p.before[i] : 0) + (p.after[i] < 0 ? p.after[i] : 0);
        TG_CHECK(tg_tape_in(x), shape.sizes[i] + less >= 0, TG_EVALUE,
                 "pad: dim %d of %s has no %lld elements to cut off", i, tg_shape_of(x).chars,
                 (long long)-less);
        shape.sizes[i] += p.before[i] + p.after[i];
    }
    return apply(x, tg_shape_dims(&shape), &p);
}

tg_tensor *tg_pad(tg_tensor *x, int n, const int64_t *pads, tg_pad_mode mode, double value)
{
    TG_IN_SCOPE(&pad_op, pad(x, n, pads, mode, value), x);
}

tg_tensor *tg_roll(tg_tensor *x, int n, const int64_t *shifts, const int64_t *dims)
{
    padding p = {.mode = TGK_PAD_CIRCULAR};
    if (!tg_check_inputs(&roll_op, 1, &x))
        return NULL;
    TG_CHECK(tg_tape_in(x), n >= 0 && (n == 0 || (shifts && dims)), TG_EVALUE,
             "roll: no lists of %d shifts and dims", n);
    for (int k = 0; k < n; k++) {
        bool small = dims[k] >= -TG_MAX_NDIM && dims[k] < TG_MAX_NDIM;
        int dim = tg_check_dim(&roll_op, x, small ? (int)dims[k] : TG_MAX_NDIM);
        if (dim < 0)
            return NULL;
        int64_t size = tg_at(x)->ndim ? tg_at(x)->dims[dim] : 1;
        if (size > 0)
            p.before[dim] = (p.before[dim] + shifts[k] % size + size) % size;
    }
    return tg_apply_as_first(&roll_op, 1, &x, &p, sizeof p);
}

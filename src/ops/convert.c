/* Conversion between dtypes. */
#include "record/map.h"

#include "kernels/loops.h"

#include <tinygrad/ops.h>

/* A float outside int64's range gives INT64_MIN as on x86, instead of undefined behaviour. */
TGK_INLINE int64_t int64_from(double x)
{
    return x >= -0x1p63 && x < 0x1p63 ? (int64_t)x : INT64_MIN;
}

TGK_LOOP1(f32_to_f64, double, float, x);
TGK_LOOP1(f32_to_i64, int64_t, float, int64_from((double)x));
TGK_LOOP1(f32_to_bool, bool, float, x != 0);
TGK_LOOP1(f64_to_f32, float, double, x);
TGK_LOOP1(f64_to_i64, int64_t, double, int64_from(x));
TGK_LOOP1(f64_to_bool, bool, double, x != 0);
TGK_LOOP1(i64_to_f32, float, int64_t, x);
TGK_LOOP1(i64_to_f64, double, int64_t, x);
TGK_LOOP1(i64_to_bool, bool, int64_t, x != 0);
/* From bools as the bytes that they are, of which the compiler makes vectors. */
TGK_LOOP1(bool_to_f32, float, uint8_t, x);
TGK_LOOP1(bool_to_f64, double, uint8_t, x);
TGK_LOOP1(bool_to_i64, int64_t, uint8_t, x);

/* By the dtypes from and to. */
static const tgk_loops loops[TG_DTYPES][TG_DTYPES] = {
    {NULL, f32_to_f64, f32_to_i64, f32_to_bool},
    {f64_to_f32, NULL, f64_to_i64, f64_to_bool},
    {i64_to_f32, i64_to_f64, NULL, i64_to_bool},
    {bool_to_f32, bool_to_f64, bool_to_i64, NULL},
};

static void to_forward(tg_node *node)
{
    tgk_loops to = loops[tg_at(node->in[0])->dtype][tg_at(node->out)->dtype];
    tg_map(node->out, node->in, 1, tg_loop_of(node->out, to), NULL);
}

static void to_backward(tg_node *node, tg_tensor *grad_out, tg_tensor **grad_in)
{
    grad_in[0] = tg_to(grad_out, tg_at(node->in[0])->dtype);
}

/* Only floats have a gradient; integers end the way of one. */
static const tg_op to_float_op = {.name = "to", .forward = to_forward, .backward = to_backward};
static const tg_op to_integer_op = {.name = "to", .forward = to_forward};

tg_tensor *tg_to(tg_tensor *x, int dtype)
{
    const tg_op *op = tg_is_float(dtype) ? &to_float_op : &to_integer_op;
    if (!tg_check_inputs(op, 1, &x))
        return NULL;
    TG_CHECK(tg_tape_in(x), dtype >= 0 && dtype < TG_DTYPES, TG_EDTYPE, "to: there is no dtype %d",
             dtype);
    TG_CHECK(tg_tape_in(x), TGK_HAS_F64 || dtype != TG_F64, TG_EDTYPE,
             "to: this library has no float64");
    if (dtype == tg_at(x)->dtype)
        return x;
    return tg_apply(&(tg_call){.op = op,
                               .n_in = 1,
                               .in = &x,
                               .dtype = dtype,
                               .ndim = tg_at(x)->ndim,
                               .dims = tg_at(x)->dims});
}

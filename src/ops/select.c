/* Choosing between values: where, masked_fill, clamp, maximum, minimum. */
#include "ops/arithmetic.h"
#include "ops/broadcast.h"

#include "kernels/loops.h"
#include "kernels/math.h"

#include <math.h>

static bool check_mask(const tg_op *op, const tg_tensor *mask)
{
    TG_CHECK(tg_tape_in(mask), tg_at(mask)->dtype == TG_BOOL, TG_EDTYPE,
             "%s: the mask is %s, wanted bool", op->name, tg_dtype_name(tg_at(mask)->dtype));
    return true;
}

TGK_LOOP3(where_f32, float, uint8_t, float, float, tgk_pick_f32(x, y, z));
TGK_LOOP3(where_f64, double, uint8_t, double, double, tgk_pick_f64(x, y, z));
TGK_LOOP3(where_i64, int64_t, uint8_t, int64_t, int64_t, tgk_pick_i64(x, y, z));
TGK_LOOP3(where_bool, uint8_t, uint8_t, uint8_t, uint8_t, tgk_pick_bool(x, y, z));

static const tg_map_op fill_op;

tg_tensor *tg_gradient_except(const tg_node *node, int i, tg_tensor *g, tg_tensor *mask)
{
    tg_tensor *in[] = {g, mask};
    return tg_gradient_of(node, i, &fill_op.op, 2, in, &(double){0}, sizeof(double));
}

static void where_backward(tg_node *node, tg_tensor *grad_out, tg_tensor **grad_in)
{
    tg_tensor *condition = node->in[0];
    if (tg_needs_grad(node, 1))
        grad_in[1] = tg_gradient_except(node, 1, grad_out, tg_logical_not(condition));
    if (tg_needs_grad(node, 2))
        grad_in[2] = tg_gradient_except(node, 2, grad_out, condition);
}

static const tg_map_op where_op = {{.name = "where",
                                    .forward = tg_map_forward,
                                    .backward = where_backward,
                                    .reads = {0, TG_READS_IN(0), TG_READS_IN(0)}},
                                   {where_f32, where_f64, where_i64, where_bool}};

static tg_tensor *where(tg_tensor *condition, tg_tensor *a, tg_tensor *b)
{
    tg_tape *tape = tg_tape_in(condition);
    tg_tensor *in[] = {condition, a, b};
    tg_shape pair;
    if (!check_mask(&where_op.op, condition) || !tg_pair(&where_op.op, in + 1, false, &pair))
        return NULL;
    tg_shape shape = tg_shape_broadcast(tg_dims_of(condition), tg_shape_dims(&pair));
    TG_CHECK(tape, shape.ndim >= 0, TG_ESHAPE, "where: condition %s does not broadcast with %s",
             tg_shape_of(condition).chars, tg_shape_text(tg_shape_dims(&pair)).chars);
    if (!tg_tensor_check(tape, "where", tg_shape_dims(&shape), 0))
        return NULL;
    return tg_apply(&(tg_call){.op = &where_op.op,
                               .n_in = 3,
                               .in = in,
                               .dtype = tg_at(in[1])->dtype,
                               .ndim = shape.ndim,
                               .dims = shape.sizes});
}

tg_tensor *tg_where(tg_tensor *condition, tg_tensor *a, tg_tensor *b)
{
    TG_IN_SCOPE(&where_op.op, where(condition, a, b), condition, a, b);
}

#define S (*(const double *)params)

TGK_LOOP2_AS(fill_f32, float, float, float, uint8_t, uint8_t, tgk_pick_f32(y, (float)S, x));
TGK_LOOP2_AS(fill_f64, double, double, double, uint8_t, uint8_t, tgk_pick_f64(y, S, x));
TGK_LOOP2_AS(fill_i64, int64_t, int64_t, int64_t, uint8_t, uint8_t, tgk_pick_i64(y, (int64_t)S, x));
TGK_LOOP2_AS(fill_bool, uint8_t, uint8_t, uint8_t, uint8_t, uint8_t, tgk_pick_bool(y, S != 0, x));

static void fill_backward(tg_node *node, tg_tensor *grad_out, tg_tensor **grad_in)
{
    grad_in[0] = tg_gradient_except(node, 0, grad_out, node->in[1]);
}

static const tg_map_op fill_op = {{.name = "masked_fill",
                                   .forward = tg_map_forward,
                                   .backward = fill_backward,
                                   .reads = {TG_READS_IN(1)}},
                                  {fill_f32, fill_f64, fill_i64, fill_bool}};

tg_tensor *tg_masked_fill(tg_tensor *x, tg_tensor *mask, double value)
{
    tg_tensor *in[] = {x, mask};
    if (!tg_check_inputs(&fill_op.op, 2, in) || !check_mask(&fill_op.op, mask))
        return NULL;
    tg_tape *tape = tg_tape_in(x);
    TG_CHECK(tape, tg_shape_expands(tg_dims_of(mask), tg_dims_of(x)), TG_ESHAPE,
             "masked_fill: mask %s does not broadcast to %s", tg_shape_of(mask).chars,
             tg_shape_of(x).chars);
    TG_CHECK(tape, tg_at(x)->dtype != TG_I64 || (value >= -0x1p63 && value < 0x1p63), TG_EVALUE,
             "masked_fill: int64 cannot hold %g", value);
    return tg_apply_as_first(&fill_op.op, 2, in, &value, sizeof value);
}

/* In the dtype that each loop takes. */
typedef struct bounds {
    double low, high;
    int64_t low_i64, high_i64;
} bounds;

#define B (*(const bounds *)params)

TGK_INLINE int64_t clamp_int64(int64_t x, int64_t low, int64_t high)
{
    x = x < low ? low : x;
    return x > high ? high : x;
}

TGK_LOOP1(clamp_f32, float, float, tgk_clampf(x, (float)B.low, (float)B.high));
TGK_LOOP1(clamp_f64, double, double, tgk_clamp(x, B.low, B.high));
TGK_LOOP1(clamp_i64, int64_t, int64_t, clamp_int64(x, B.low_i64, B.high_i64));

/* The gradient x passes where y is within the bounds. Functions, so that it is read before the choice and
 * loops of them become vectors. */
TGK_INLINE float within_float(float x, float y, float low, float high)
{
    return ((y >= low) & (y <= high)) ? x : 0;
}

TGK_INLINE double within_double(double x, double y, double low, double high)
{
    return ((y >= low) & (y <= high)) ? x : 0;
}

TGK_LOOP2(clamp_slope_f32, float, float, within_float(x, y, (float)B.low, (float)B.high));
TGK_LOOP2(clamp_slope_f64, double, double, within_double(x, y, B.low, B.high));

static tg_tensor *clamp_slope(tg_tensor *g, tg_tensor *x, const bounds *b);

static void clamp_slope_backward(tg_node *node, tg_tensor *v, tg_tensor **grad_in)
{
    if (tg_needs_grad(node, 0))
        grad_in[0] = clamp_slope(v, node->in[1], node->params);
}

static const tg_map_op clamp_slope_op = {{.name = "clamp_backward",
                                          .forward = tg_map_forward,
                                          .backward = clamp_slope_backward,
                                          .reads = {TG_READS_IN(1)}},
                                         {clamp_slope_f32, clamp_slope_f64}};

static tg_tensor *clamp_slope(tg_tensor *g, tg_tensor *x, const bounds *b)
{
    return tg_apply_first(&clamp_slope_op.op, 2, (tg_tensor *[]){g, x}, b, sizeof *b);
}

static void clamp_backward(tg_node *node, tg_tensor *grad_out, tg_tensor **grad_in)
{
    tg_tensor *in[] = {grad_out, node->in[0]};
    grad_in[0] = tg_gradient_of(node, 0, &clamp_slope_op.op, 2, in, node->params, sizeof(bounds));
}

static const tg_map_op clamp_op = {{.name = "clamp",
                                    .forward = tg_map_forward,
                                    .backward = clamp_backward,
                                    .reads = {TG_READS_IN(0)}},
                                   {clamp_f32, clamp_f64, clamp_i64}};

/* A bound of integers: the next one that int64 has. */
static int64_t int64_bound(double bound)
{
    return bound >= 0x1p63 ? INT64_MAX : bound < -0x1p63 ? INT64_MIN : (int64_t)bound;
}

static bool bounds_integers(double bound)
{
    return isinf(bound) || tg_is_whole(bound);
}

static tg_tensor *clamp(tg_tensor *x, double low, double high)
{
    TG_CHECK(tg_tape_in(x), !isnan(low) && !isnan(high), TG_EVALUE, "clamp: bounds %g and %g", low,
             high);
    if (!tg_is_float(tg_at(x)->dtype))
        x = tg_to(x, bounds_integers(low) && bounds_integers(high) ? TG_I64 : TG_F32);
    bounds b = {low, high, int64_bound(low), int64_bound(high)};
    return x ? tg_apply_as_first(&clamp_op.op, 1, &x, &b, sizeof b) : NULL;
}

tg_tensor *tg_clamp(tg_tensor *x, double low, double high)
{
    TG_IN_SCOPE(&clamp_op.op, clamp(x, low, high), x);
}

/* x != x: nan wins over numbers. */
TGK_LOOP2_SPREAD(maximum_f32, float, float, x > y || x != x ? x : y);
TGK_LOOP2_SPREAD(maximum_f64, double, double, x > y || x != x ? x : y);
TGK_LOOP2_SPREAD(maximum_i64, int64_t, int64_t, x > y ? x : y);
TGK_LOOP2_SPREAD(maximum_bool, bool, bool, x | y);
TGK_LOOP2_SPREAD(minimum_f32, float, float, x < y || x != x ? x : y);
TGK_LOOP2_SPREAD(minimum_f64, double, double, x < y || x != x ? x : y);
TGK_LOOP2_SPREAD(minimum_i64, int64_t, int64_t, x < y ? x : y);
TGK_LOOP2_SPREAD(minimum_bool, bool, bool, (x & y));

/* What y, to be the larger of y and z, gets of the gradient x. A nan takes all, so both may. */
TGK_LOOP3(share_f32, float, float, float, float, y < z ? 0 : y == z ? x / 2 : x);
TGK_LOOP3(share_f64, double, double, double, double, y < z ? 0 : y == z ? x / 2 : x);

static tg_tensor *share(tg_tensor *g, tg_tensor *larger, tg_tensor *smaller);

static void share_backward(tg_node *node, tg_tensor *v, tg_tensor **grad_in)
{
    if (tg_needs_grad(node, 0))
        grad_in[0] = share(v, node->in[1], node->in[2]);
}

static const tg_map_op share_op = {{.name = "maximum_backward",
                                    .forward = tg_map_forward,
                                    .backward = share_backward,
                                    .reads = {TG_READS_IN(1) | TG_READS_IN(2)}},
                                   {share_f32, share_f64}};

static tg_tensor *share(tg_tensor *g, tg_tensor *larger, tg_tensor *smaller)
{
    return tg_apply_first(&share_op.op, 3, (tg_tensor *[]){g, larger, smaller}, NULL, 0);
}

/* first: the input that `share` is to find the larger one for input 0. */
static void share_both(const tg_node *node, tg_tensor *g, int first, tg_tensor **grad_in)
{
    for (int i = 0; i < 2; i++) {
        tg_tensor *in[] = {g, node->in[i ^ first], node->in[i ^ first ^ 1]};
        if (tg_needs_grad(node, i))
            grad_in[i] = tg_gradient_of(node, i, &share_op.op, 3, in, NULL, 0);
    }
}

static void maximum_backward(tg_node *node, tg_tensor *grad_out, tg_tensor **grad_in)
{
    share_both(node, grad_out, 0, grad_in);
}

static void minimum_backward(tg_node *node, tg_tensor *grad_out, tg_tensor **grad_in)
{
    share_both(node, grad_out, 1, grad_in);
}

#define READS_BOTH (TG_READS_IN(0) | TG_READS_IN(1))

static const tg_map_op maximum_op = {{.name = "maximum",
                                      .forward = tg_map_forward,
                                      .backward = maximum_backward,
                                      .reads = {READS_BOTH, READS_BOTH}},
                                     {maximum_f32, maximum_f64, maximum_i64, maximum_bool}};
static const tg_map_op minimum_op = {{.name = "minimum",
                                      .forward = tg_map_forward,
                                      .backward = minimum_backward,
                                      .reads = {READS_BOTH, READS_BOTH}},
                                     {minimum_f32, minimum_f64, minimum_i64, minimum_bool}};

tg_tensor *tg_maximum(tg_tensor *a, tg_tensor *b)
{
    return tg_binary(&maximum_op.op, a, b, false);
}

tg_tensor *tg_minimum(tg_tensor *a, tg_tensor *b)
{
    return tg_binary(&minimum_op.op, a, b, false);
}

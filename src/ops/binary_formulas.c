/* Formulas of two or three tensors: sums with a factor, interpolation, bounds that are tensors, outer
 * products. */
#include "ops/arithmetic.h"

#include "kernels/loops.h"
#include "kernels/math.h"

#include <math.h>

#define S (*(const double *)params)

/* --- a + alpha b --- */

TGK_LOOP2(add_scaled_f32, float, float, fmaf((float)S, y, x));
TGK_LOOP2(add_scaled_f64, double, double, fma(S, y, x));
TGK_LOOP2(add_scaled_i64, int64_t, int64_t, (uint64_t)x + (uint64_t)(int64_t)S * (uint64_t)y);

static void add_scaled_backward(tg_node *node, tg_tensor *g, tg_tensor **grad_in)
{
    grad_in[0] = g;
    if (tg_needs_grad(node, 1))
        grad_in[1] = tg_mul_scalar(g, *(const double *)node->params);
}

static const tg_map_op add_scaled_op = {
    {.name = "add_scaled", .forward = tg_map_forward, .backward = add_scaled_backward},
    {add_scaled_f32, add_scaled_f64, add_scaled_i64}};

static tg_tensor *add_scaled(const tg_op *op, tg_tensor **in, double alpha)
{
    tg_shape shape;
    if (!tg_pair(op, in, false, &shape))
        return NULL;
    tg_tape *tape = tg_tape_in(in[0]);
    int dtype = tg_at(in[0])->dtype;
    TG_CHECK(tape, dtype != TG_BOOL, TG_EDTYPE, "%s: not defined for bool", op->name);
    TG_CHECK(tape, dtype != TG_I64 || tg_is_whole(alpha), TG_EVALUE,
             "%s: %g is not whole, as the tensors are", op->name, alpha);
    return tg_apply(&(tg_call){.op = op,
                               .n_in = 2,
                               .in = in,
                               .dtype = dtype,
                               .ndim = shape.ndim,
                               .dims = shape.sizes,
                               .params = &alpha,
                               .params_size = sizeof alpha});
}

tg_tensor *tg_add_scaled(tg_tensor *a, tg_tensor *b, double alpha)
{
    tg_tensor *in[] = {a, b};
    TG_IN_SCOPE_GIVEN(&add_scaled_op.op, 2, in, 2, add_scaled(&add_scaled_op.op, in, alpha));
}

/* --- a + weight (b - a), from the nearer end --- */

TGK_INLINE double lerp(double a, double b, double weight)
{
    double d = b - a;
    return fabs(weight) < 0.5 ? a + weight * d : b - d * (1 - weight);
}

TGK_REAL3(lerp, lerp(x, y, z));

static void lerp_backward(tg_node *node, tg_tensor *g, tg_tensor **grad_in)
{
    const bool ends = tg_needs_grad(node, 0) || tg_needs_grad(node, 1);
    grad_in[1] = ends ? tg_mul(g, node->in[2]) : NULL;
    if (tg_needs_grad(node, 0))
        grad_in[0] = tg_sub(g, grad_in[1]);
    if (tg_needs_grad(node, 2))
        grad_in[2] = tg_mul(g, tg_sub(node->in[1], node->in[0]));
}

static const tg_map_op lerp_op = {
    {.name = "lerp",
     .forward = tg_map_forward,
     .backward = lerp_backward,
     .reads = {TG_READS_IN(2), TG_READS_IN(2), TG_READS_IN(0) | TG_READS_IN(1)}},
    {lerp_f32, lerp_f64}};

/* The shape that three broadcast to, any of which may be NULL. */
static bool check_triple(const tg_op *op, tg_tensor *const *in, tg_shape *shape)
{
    *shape = (tg_shape){0};
    for (int i = 0; i < 3; i++) {
        tg_shape before = *shape;
        if (in[i])
            *shape = tg_shape_broadcast(tg_shape_dims(&before), tg_dims_of(in[i]));
        TG_CHECK(tg_tape_in(in[0]), shape->ndim >= 0, TG_ESHAPE, "%s: %s and %s do not broadcast",
                 op->name, tg_shape_text(tg_shape_dims(&before)).chars, tg_shape_of(in[i]).chars);
    }
    return tg_tensor_check(tg_tape_in(in[0]), op->name, tg_shape_dims(shape), 0);
}

static tg_tensor *apply_triple(const tg_op *op, tg_tensor *const *in, int dtype,
                               const tg_shape *shape)
{
    return tg_apply(&(tg_call){
        .op = op, .n_in = 3, .in = in, .dtype = dtype, .ndim = shape->ndim, .dims = shape->sizes});
}

tg_tensor *tg_lerp(tg_tensor *a, tg_tensor *b, tg_tensor *weight)
{
    tg_tensor *in[] = {a, b, weight};
    const tg_op *op = &lerp_op.op;
    tg_shape shape;
    if (!tg_check_inputs(op, 3, in) || !tg_check_floats(op, 3, in) || !check_triple(op, in, &shape))
        return NULL;
    return apply_triple(op, in, tg_at(a)->dtype, &shape);
}

/* --- bounds that are tensors --- */

/* In one's own type, so that loops need not convert. A nan of any passes. */
TGK_INLINE float between_float(float x, float low, float high)
{
    float y = tgk_clampf(x, low, high);
    return ((low != low) | (high != high)) ? low + high : y;
}

TGK_INLINE double between_double(double x, double low, double high)
{
    double y = tgk_clamp(x, low, high);
    return ((low != low) | (high != high)) ? low + high : y;
}

TGK_LOOP3(between_f32, float, float, float, float, between_float(x, y, z));
TGK_LOOP3(between_f64, double, double, double, double, between_double(x, y, z));

/* Whether the result is not x, y or z. */
#define ELSEWHERE(id, ...)                                                                         \
    TGK_LOOP3(id##_f32, bool, float, float, float, !(__VA_ARGS__));                                \
    TGK_LOOP3(id##_f64, bool, double, double, double, !(__VA_ARGS__))

ELSEWHERE(not_x, ((x >= y) & (x <= z)));
ELSEWHERE(not_low, ((x < y) & (y < z)));
ELSEWHERE(not_high, ((x > z) | (z < y)));

/* params: the number of the input. */
static void elsewhere_forward(tg_node *node)
{
    static const tgk_loops loops[][2] = {
        {not_x_f32, not_x_f64}, {not_low_f32, not_low_f64}, {not_high_f32, not_high_f64}};
    const int i = *(const int *)node->params, dtype = tg_at(node->in[0])->dtype;
    tg_map(node->out, node->in, 3, tg_loop_of(node->out, loops[i][dtype]), NULL);
}

static const tg_op elsewhere_op = {.name = "clamp_tensors_backward", .forward = elsewhere_forward};

static void between_backward(tg_node *node, tg_tensor *g, tg_tensor **grad_in)
{
    for (int i = 0; i < 3; i++) {
        tg_call call = {.op = &elsewhere_op,
                        .n_in = 3,
                        .in = node->in,
                        .dtype = TG_BOOL,
                        .ndim = tg_at(g)->ndim,
                        .dims = tg_at(g)->dims,
                        .params = &i,
                        .params_size = sizeof i};
        if (tg_needs_grad(node, i))
            grad_in[i] = tg_gradient_except(node, i, g, tg_apply(&call));
    }
}

#define READS_BOTH (TG_READS_IN(0) | TG_READS_IN(1))
#define READS_ALL (READS_BOTH | TG_READS_IN(2))
static const tg_map_op between_op = {{.name = "clamp_tensors",
                                      .forward = tg_map_forward,
                                      .backward = between_backward,
                                      .reads = {READS_ALL, READS_ALL, READS_ALL}},
                                     {between_f32, between_f64}};

static tg_tensor *between(tg_tensor **in)
{
    const tg_op *op = &between_op.op;
    tg_tape *tape = tg_tape_in(in[0]);
    tg_shape shape;
    TG_CHECK(tape, in[1] || in[2], TG_EVALUE, "%s: both bounds are NULL", op->name);
    if (!tg_check_floats(op, 3, in) || !check_triple(op, in, &shape))
        return NULL;
    for (int i = 1; i < 3; i++) {
        if (!in[i])
            in[i] = tg_full(tape, TG_SCALAR, i == 1 ? (double)-INFINITY : (double)INFINITY,
                            tg_at(in[0])->dtype);
    }
    return in[1] && in[2] ? apply_triple(op, in, tg_at(in[0])->dtype, &shape) : NULL;
}

tg_tensor *tg_clamp_tensors(tg_tensor *x, tg_tensor *low, tg_tensor *high)
{
    tg_tensor *in[] = {x, low, high};
    TG_IN_SCOPE_GIVEN(&between_op.op, 3, in, 1, between(in));
}

/* --- products of vectors --- */

static tg_tensor *outer(tg_tensor *a, tg_tensor *b)
{
    TG_CHECK(tg_tape_in(a), tg_at(a)->ndim == 1 && tg_at(b)->ndim == 1, TG_ESHAPE,
             "outer: %s and %s, wanted two of 1 dim", tg_shape_of(a).chars, tg_shape_of(b).chars);
    return tg_mul(tg_unsqueeze(a, 1), b);
}

tg_tensor *tg_outer(tg_tensor *a, tg_tensor *b)
{
    static const tg_op op = {.name = "outer"};
    TG_IN_SCOPE(&op, outer(a, b), a, b);
}

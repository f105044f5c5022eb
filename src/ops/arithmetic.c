/* neg, add, sub, mul, div and their scalar forms, with PyTorch's broadcasting and promotion. */
#include "ops/arithmetic.h"
#include "ops/broadcast.h"

#include "kernels/loops.h"

/* bool < int < float. */
static int category(int dtype)
{
    return tg_is_float(dtype) ? 2 : dtype == TG_I64 ? 1 : 0;
}

/* torch.result_type: a 0-d tensor counts only where its category is higher. */
static int result_dtype(const tg_tensor *a, const tg_tensor *b)
{
    int ca = category(tg_at(a)->dtype), cb = category(tg_at(b)->dtype);
    if (ca != cb)
        return ca > cb ? tg_at(a)->dtype : tg_at(b)->dtype;
    if ((tg_at(a)->ndim == 0) != (tg_at(b)->ndim == 0))
        return tg_at(a)->ndim ? tg_at(a)->dtype : tg_at(b)->dtype;
    return tg_at(a)->dtype == TG_F64 ? tg_at(a)->dtype : tg_at(b)->dtype;
}

bool tg_pair(const tg_op *op, tg_tensor **in, bool to_float, tg_shape *shape)
{
    tg_tensor *a = in[0], *b = in[1];
    *shape = tg_shape_broadcast(tg_dims_of(a), tg_dims_of(b));
    TG_CHECK(tg_tape_in(a), shape->ndim >= 0, TG_ESHAPE, "%s: %s and %s do not broadcast", op->name,
             tg_shape_of(a).chars, tg_shape_of(b).chars);
    if (!tg_tensor_check(tg_tape_in(a), op->name, tg_shape_dims(shape), 0))
        return false;
    int dtype = result_dtype(a, b);
    if (to_float && !tg_is_float(dtype))
        dtype = TG_F32;
    in[0] = tg_at(a)->dtype == dtype ? a : tg_to(a, dtype);
    in[1] = tg_at(b)->dtype == dtype ? b : tg_to(b, dtype);
    return in[0] && in[1];
}

static bool check_defined(const tg_op *op, const tg_tensor *x)
{
    TG_CHECK(tg_tape_in(x), ((const tg_map_op *)op)->loops[tg_at(x)->dtype], TG_EDTYPE,
             "%s: not defined for %s", op->name, tg_dtype_name(tg_at(x)->dtype));
    return true;
}

tg_tensor *tg_unary(const tg_op *op, tg_tensor *x)
{
    bool fits = tg_check_inputs(op, 1, &x) && check_defined(op, x);
    return fits ? tg_apply_as_first(op, 1, &x, NULL, 0) : NULL;
}

tg_tensor *tg_binary(const tg_op *op, tg_tensor *a, tg_tensor *b, bool to_float)
{
    tg_tensor *in[] = {a, b}, *out = NULL;
    tg_shape shape;
    tg_scope scope;
    if (!tg_scope_open(&scope, op, 2, in))
        return NULL;
    if (tg_pair(op, in, to_float, &shape) && check_defined(op, in[0]))
        out = tg_apply(&(tg_call){.op = op,
                                  .n_in = 2,
                                  .in = in,
                                  .dtype = tg_at(in[0])->dtype,
                                  .ndim = shape.ndim,
                                  .dims = shape.sizes});
    return tg_scope_close(&scope, out);
}

tg_tensor *tg_apply_as_first(const tg_op *op, int n, tg_tensor *const *in, const void *params,
                             size_t params_size)
{
    return tg_apply(&(tg_call){.op = op,
                               .n_in = n,
                               .in = in,
                               .dtype = tg_at(in[0])->dtype,
                               .ndim = tg_at(in[0])->ndim,
                               .dims = tg_at(in[0])->dims,
                               .params = params,
                               .params_size = params_size});
}

tg_tensor *tg_apply_first(const tg_op *op, int n, tg_tensor *const *in, const void *params,
                          size_t params_size)
{
    return tg_check_inputs(op, n, in) ? tg_apply_as_first(op, n, in, params, params_size) : NULL;
}

tg_tensor *tg_gradient_of(const tg_node *node, int i, const tg_op *op, int n, tg_tensor *const *in,
                          const void *params, size_t params_size)
{
    if (!tg_check_inputs(op, n, in))
        return NULL;
    return tg_make(
        &(tg_making){{.op = op, .n_in = n, .in = in, .params = params, .params_size = params_size},
                     .like = in[0],
                     .gradient_of = node,
                     .input = i});
}

tg_tensor *tg_gradient_over(const tg_node *node, tg_tensor *g, const tg_op *op, tg_tensor *b,
                            double s)
{
    tg_tensor *in[] = {g, b};
    return tg_make(
        &(tg_making){{.op = op, .n_in = b ? 2 : 1, .in = in, .params = &s, .params_size = sizeof s},
                     .like = g,
                     .gradient_of = node,
                     .last_use = g});
}

/* Integers wrap around: unsigned, because signed overflow is undefined. */
TGK_LOOP1(neg_f32, float, float, -x);
TGK_LOOP1(neg_f64, double, double, -x);
TGK_LOOP1(neg_i64, int64_t, int64_t, 0 - (uint64_t)x);

static void neg_backward(tg_node *node, tg_tensor *grad_out, tg_tensor **grad_in)
{
    grad_in[0] = tg_gradient_over(node, grad_out, node->op, NULL, 0);
}

static const tg_map_op neg_op = {
    {.name = "neg", .forward = tg_map_forward, .backward = neg_backward},
    {neg_f32, neg_f64, neg_i64}};

tg_tensor *tg_neg(tg_tensor *x)
{
    return tg_unary(&neg_op.op, x);
}

TGK_LOOP2_SPREAD(add_f32, float, float, x + y);
TGK_LOOP2_SPREAD(add_f64, double, double, x + y);
TGK_LOOP2_SPREAD(add_i64, int64_t, int64_t, (uint64_t)x + (uint64_t)y);
TGK_LOOP2_SPREAD(add_bool, bool, bool, x || y);
TGK_LOOP2_SPREAD(sub_f32, float, float, x - y);
TGK_LOOP2_SPREAD(sub_f64, double, double, x - y);
TGK_LOOP2_SPREAD(sub_i64, int64_t, int64_t, (uint64_t)x - (uint64_t)y);
TGK_LOOP2_SPREAD(mul_f32, float, float, (x * y));
TGK_LOOP2_SPREAD(mul_f64, double, double, (x * y));
TGK_LOOP2_SPREAD(mul_i64, int64_t, int64_t, ((uint64_t)x * (uint64_t)y));
TGK_LOOP2_SPREAD(mul_bool, bool, bool, (x && y));
TGK_LOOP2_SPREAD(div_f32, float, float, x / y);
TGK_LOOP2_SPREAD(div_f64, double, double, x / y);

static void add_backward(tg_node *node, tg_tensor *grad_out, tg_tensor **grad_in)
{
    (void)node;
    grad_in[0] = grad_in[1] = grad_out;
}

static const tg_map_op add_op = {
    {.name = "add", .forward = tg_map_forward, .backward = add_backward},
    {add_f32, add_f64, add_i64, add_bool}};

tg_tensor *tg_add(tg_tensor *a, tg_tensor *b)
{
    return tg_binary(&add_op.op, a, b, false);
}

static void sub_backward(tg_node *node, tg_tensor *grad_out, tg_tensor **grad_in)
{
    grad_in[0] = grad_out;
    if (tg_needs_grad(node, 1))
        grad_in[1] = tg_gradient_of(node, 1, &neg_op.op, 1, &grad_out, NULL, 0);
}

static const tg_map_op sub_op = {
    {.name = "sub", .forward = tg_map_forward, .backward = sub_backward},
    {sub_f32, sub_f64, sub_i64}};

tg_tensor *tg_sub(tg_tensor *a, tg_tensor *b)
{
    return tg_binary(&sub_op.op, a, b, false);
}

static const tg_map_op mul_op;

tg_tensor *tg_gradient_product(const tg_node *node, int i, tg_tensor *a, tg_tensor *b)
{
    return tg_gradient_of(node, i, &mul_op.op, 2, (tg_tensor *[]){a, b}, NULL, 0);
}

tg_tensor *tg_times_over(const tg_node *node, tg_tensor *g, tg_tensor *b)
{
    return tg_gradient_over(node, g, &mul_op.op, b, 0);
}

static void mul_backward(tg_node *node, tg_tensor *grad_out, tg_tensor **grad_in)
{
    if (tg_needs_grad(node, 0))
        grad_in[0] = tg_gradient_product(node, 0, grad_out, node->in[1]);
    if (tg_needs_grad(node, 1))
        grad_in[1] = tg_gradient_product(node, 1, grad_out, node->in[0]);
}

static const tg_map_op mul_op = {{.name = "mul",
                                  .forward = tg_map_forward,
                                  .backward = mul_backward,
                                  .reads = {TG_READS_IN(1), TG_READS_IN(0)}},
                                 {mul_f32, mul_f64, mul_i64, mul_bool}};

tg_tensor *tg_mul(tg_tensor *a, tg_tensor *b)
{
    return tg_binary(&mul_op.op, a, b, false);
}

/* The gradient x of the divisor z: -x (y / z) / z, where y / z^2 would overflow sooner. */
TGK_LOOP3(divisor_slope_f32, float, float, float, float, -(x *(y / z / z)));
TGK_LOOP3(divisor_slope_f64, double, double, double, double, -(x *(y / z / z)));

static tg_tensor *divisor_slope(tg_tensor *g, tg_tensor *a, tg_tensor *b);

/* To a, -g / b^2; to b, 2 g a / b^3. */
static void divisor_slope_backward(tg_node *node, tg_tensor *v, tg_tensor **grad_in)
{
    tg_tensor *g = node->in[0], *a = node->in[1], *b = node->in[2];
    if (tg_needs_grad(node, 0))
        grad_in[0] = divisor_slope(v, a, b);
    if (tg_needs_grad(node, 1))
        grad_in[1] = tg_neg(tg_div(tg_div(tg_mul(v, g), b), b));
    grad_in[2] = tg_mul_scalar(tg_div(divisor_slope(tg_mul(v, g), a, b), b), -2);
}

static const tg_map_op divisor_slope_op = {
    {.name = "div_backward",
     .forward = tg_map_forward,
     .backward = divisor_slope_backward,
     .reads = {TG_READS_IN(1) | TG_READS_IN(2), TG_READS_IN(0) | TG_READS_IN(2),
               TG_READS_IN(0) | TG_READS_IN(1) | TG_READS_IN(2)}},
    {divisor_slope_f32, divisor_slope_f64}};

static tg_tensor *divisor_slope(tg_tensor *g, tg_tensor *a, tg_tensor *b)
{
    return tg_apply_first(&divisor_slope_op.op, 3, (tg_tensor *[]){g, a, b}, NULL, 0);
}

static void div_backward(tg_node *node, tg_tensor *grad_out, tg_tensor **grad_in)
{
    tg_tensor *in[] = {grad_out, node->in[0], node->in[1]}, *over[] = {grad_out, node->in[1]};
    if (tg_needs_grad(node, 0))
        grad_in[0] = tg_gradient_of(node, 0, node->op, 2, over, NULL, 0);
    if (tg_needs_grad(node, 1))
        grad_in[1] = tg_gradient_of(node, 1, &divisor_slope_op.op, 3, in, NULL, 0);
}

static const tg_map_op div_op = {{.name = "div",
                                  .forward = tg_map_forward,
                                  .backward = div_backward,
                                  .reads = {TG_READS_IN(1), TG_READS_IN(0) | TG_READS_IN(1)}},
                                 {div_f32, div_f64}};

tg_tensor *tg_div(tg_tensor *a, tg_tensor *b)
{
    return tg_binary(&div_op.op, a, b, true);
}

/* --- scalar forms: the number is a parameter --- */

TGK_RARELY tg_tensor *unary_converted(const tg_op *op, tg_tensor *x, double s, int dtype)
{
    tg_scope scope = tg_scope_begin(tg_tape_in(x), op->name);
    tg_tensor *converted = tg_to(x, dtype);
    return tg_scope_close(&scope, tg_apply_first(op, 1, &converted, &s, sizeof s));
}

tg_tensor *tg_unary_scalar(const tg_op *op, tg_tensor *x, double s, int dtype)
{
    return tg_at(x)->dtype == dtype ? tg_apply_as_first(op, 1, &x, &s, sizeof s)
                                    : unary_converted(op, x, s, dtype);
}

bool tg_is_whole(double s)
{
    return s >= -0x1p63 && s < 0x1p63 && s == (double)(int64_t)s;
}

static tg_tensor *scalar(const tg_op *op, tg_tensor *x, double s)
{
    if (!tg_check_inputs(op, 1, &x))
        return NULL;
    return tg_unary_scalar(op, x, s,
                           tg_is_float(tg_at(x)->dtype) ? tg_at(x)->dtype
                           : tg_is_whole(s)             ? TG_I64
                                                        : TG_F32);
}

#define S (*(const double *)params)

TGK_LOOP1(add_scalar_f32, float, float, x + (float)S);
TGK_LOOP1(add_scalar_f64, double, double, x + S);
TGK_LOOP1(add_scalar_i64, int64_t, int64_t, (uint64_t)x + (uint64_t)(int64_t)S);
TGK_LOOP1(mul_scalar_f32, float, float, (x * (float)S));
TGK_LOOP1(mul_scalar_f64, double, double, (x * S));
TGK_LOOP1(mul_scalar_i64, int64_t, int64_t, ((uint64_t)x * (uint64_t)(int64_t)S));
TGK_LOOP1(div_scalar_f32, float, float, x / (float)S);
TGK_LOOP1(div_scalar_f64, double, double, x / S);

static void add_scalar_backward(tg_node *node, tg_tensor *grad_out, tg_tensor **grad_in)
{
    (void)node;
    grad_in[0] = grad_out;
}

static const tg_map_op add_scalar_op = {
    {.name = "add_scalar", .forward = tg_map_forward, .backward = add_scalar_backward},
    {add_scalar_f32, add_scalar_f64, add_scalar_i64}};
static const tg_map_op sub_scalar_op = {
    {.name = "sub_scalar", .forward = tg_map_forward, .backward = add_scalar_backward},
    {add_scalar_f32, add_scalar_f64, add_scalar_i64}};

tg_tensor *tg_add_scalar(tg_tensor *a, double s)
{
    return scalar(&add_scalar_op.op, a, s);
}

tg_tensor *tg_sub_scalar(tg_tensor *a, double s)
{
    return scalar(&sub_scalar_op.op, a, -s);
}

static void mul_scalar_backward(tg_node *node, tg_tensor *grad_out, tg_tensor **grad_in)
{
    grad_in[0] = tg_gradient_over(node, grad_out, node->op, NULL, *(const double *)node->params);
}

static const tg_map_op mul_scalar_op = {
    {.name = "mul_scalar", .forward = tg_map_forward, .backward = mul_scalar_backward},
    {mul_scalar_f32, mul_scalar_f64, mul_scalar_i64}};

tg_tensor *tg_mul_scalar(tg_tensor *a, double s)
{
    return scalar(&mul_scalar_op.op, a, s);
}

static void div_scalar_backward(tg_node *node, tg_tensor *grad_out, tg_tensor **grad_in)
{
    grad_in[0] = tg_gradient_over(node, grad_out, node->op, NULL, *(const double *)node->params);
}

static const tg_map_op div_scalar_op = {
    {.name = "div_scalar", .forward = tg_map_forward, .backward = div_scalar_backward},
    {div_scalar_f32, div_scalar_f64}};

tg_tensor *tg_div_scalar(tg_tensor *a, double s)
{
    if (!tg_check_inputs(&div_scalar_op.op, 1, &a))
        return NULL;
    return tg_unary_scalar(&div_scalar_op.op, a, s,
                           tg_is_float(tg_at(a)->dtype) ? tg_at(a)->dtype : TG_F32);
}

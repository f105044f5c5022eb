/* Elementwise functions of one tensor. Relies on kernels/math.h for the functions themselves. */
#include "arithmetic.h"

#include "../kernels/loops.h"
#include "../kernels/math.h"

#include <math.h>

tg_tensor *tg_unary_float(const tg_op *op, tg_tensor *x)
{
    if (!tg_check_inputs(op, 1, &x))
        return NULL;
    if (tg_is_float(x->dtype))
        return tg_apply_like(op, x);
    tg_mark start = tg_tape_mark(tg_tape_in(x));
    return tg_all_or_nothing(tg_tape_in(x), start, tg_apply_like(op, tg_to(x, TG_F32)));
}

static bool check_not_bool(const tg_op *op, tg_tensor *x)
{
    if (!tg_check_inputs(op, 1, &x))
        return false;
    TG_CHECK(tg_tape_in(x), x->dtype != TG_BOOL, TG_EDTYPE, "%s: not defined for bool", op->name);
    return true;
}

TGK_LOOP1(neg_f32, float, float, -x)
TGK_LOOP1(neg_f64, double, double, -x)
TGK_LOOP1(neg_i64, int64_t, int64_t, 0 - (uint64_t)x)

TG_MAP_FORWARD(neg, neg_f32, neg_f64, neg_i64)

static void neg_backward(tg_node *node, tg_tensor *grad_out, tg_tensor **grad_in)
{
    (void)node;
    grad_in[0] = tg_neg(grad_out);
}

static const tg_op neg_op = {.name = "neg", .forward = neg_forward, .backward = neg_backward};

tg_tensor *tg_neg(tg_tensor *x)
{
    return check_not_bool(&neg_op, x) ? tg_apply_like(&neg_op, x) : NULL;
}

TGK_LOOP1(exp_f32, float, float, tgk_expf(x))
TGK_LOOP1(exp_f64, double, double, tgk_exp(x))

TG_MAP_FORWARD(exp, exp_f32, exp_f64)

static void exp_backward(tg_node *node, tg_tensor *grad_out, tg_tensor **grad_in)
{
    grad_in[0] = tg_mul(grad_out, node->out);
}

static const tg_op exp_op = {
    .name = "exp", .forward = exp_forward, .backward = exp_backward, .reads = {TG_READS_OUT}};

tg_tensor *tg_exp(tg_tensor *x)
{
    return tg_unary_float(&exp_op, x);
}

TGK_LOOP1(log_f32, float, float, tgk_logf(x))
TGK_LOOP1(log_f64, double, double, tgk_log(x))

TG_MAP_FORWARD(log, log_f32, log_f64)

static void log_backward(tg_node *node, tg_tensor *grad_out, tg_tensor **grad_in)
{
    grad_in[0] = tg_div(grad_out, node->in[0]);
}

static const tg_op log_op = {
    .name = "log", .forward = log_forward, .backward = log_backward, .reads = {TG_READS_IN(0)}};

tg_tensor *tg_log(tg_tensor *x)
{
    return tg_unary_float(&log_op, x);
}

TGK_LOOP1(sqrt_f32, float, float, sqrtf(x))
TGK_LOOP1(sqrt_f64, double, double, sqrt(x))

TG_MAP_FORWARD(sqrt, sqrt_f32, sqrt_f64)

static void sqrt_backward(tg_node *node, tg_tensor *grad_out, tg_tensor **grad_in)
{
    grad_in[0] = tg_div(grad_out, tg_mul_scalar(node->out, 2));
}

static const tg_op sqrt_op = {
    .name = "sqrt", .forward = sqrt_forward, .backward = sqrt_backward, .reads = {TG_READS_OUT}};

tg_tensor *tg_sqrt(tg_tensor *x)
{
    return tg_unary_float(&sqrt_op, x);
}

/* Written so that nan passes, and as torch keeps -0. */
TGK_LOOP1(relu_f32, float, float, x < 0 ? 0 : x)
TGK_LOOP1(relu_f64, double, double, x < 0 ? 0 : x)
TGK_LOOP1(relu_i64, int64_t, int64_t, x < 0 ? 0 : x)

TG_MAP_FORWARD(relu, relu_f32, relu_f64, relu_i64)

/* The gradient x passes where the output y is positive or nan. */
TGK_LOOP2(relu_mask_f32, float, float, y <= 0 ? 0 : x)
TGK_LOOP2(relu_mask_f64, double, double, y <= 0 ? 0 : x)

TG_MAP_FORWARD(relu_mask, relu_mask_f32, relu_mask_f64)

static tg_tensor *relu_mask(tg_tensor *g, tg_tensor *out);

static void relu_mask_backward(tg_node *node, tg_tensor *grad_out, tg_tensor **grad_in)
{
    if (tg_needs_grad(node, 0))
        grad_in[0] = relu_mask(grad_out, node->in[1]);
}

static const tg_op relu_mask_op = {.name = "relu_backward",
                                   .forward = relu_mask_forward,
                                   .backward = relu_mask_backward,
                                   .reads = {TG_READS_IN(1)}};

static tg_tensor *relu_mask(tg_tensor *g, tg_tensor *out)
{
    return tg_binary(&relu_mask_op, g, out, true);
}

static void relu_backward(tg_node *node, tg_tensor *grad_out, tg_tensor **grad_in)
{
    grad_in[0] = relu_mask(grad_out, node->out);
}

static const tg_op relu_op = {
    .name = "relu", .forward = relu_forward, .backward = relu_backward, .reads = {TG_READS_OUT}};

tg_tensor *tg_relu(tg_tensor *x)
{
    return check_not_bool(&relu_op, x) ? tg_apply_like(&relu_op, x) : NULL;
}

TGK_LOOP1(sigmoid_f32, float, float, tgk_sigmoidf(x))
TGK_LOOP1(sigmoid_f64, double, double, tgk_sigmoid(x))

TG_MAP_FORWARD(sigmoid, sigmoid_f32, sigmoid_f64)

/* g (1 - y) y */
static void sigmoid_backward(tg_node *node, tg_tensor *grad_out, tg_tensor **grad_in)
{
    tg_tensor *rest = tg_add_scalar(tg_neg(node->out), 1);
    grad_in[0] = tg_mul(tg_mul(grad_out, rest), node->out);
}

static const tg_op sigmoid_op = {.name = "sigmoid",
                                 .forward = sigmoid_forward,
                                 .backward = sigmoid_backward,
                                 .reads = {TG_READS_OUT}};

tg_tensor *tg_sigmoid(tg_tensor *x)
{
    return tg_unary_float(&sigmoid_op, x);
}

TGK_LOOP1(tanh_f32, float, float, tgk_tanhf(x))
TGK_LOOP1(tanh_f64, double, double, tgk_tanh(x))

TG_MAP_FORWARD(tanh, tanh_f32, tanh_f64)

/* g (1 - y^2) */
static void tanh_backward(tg_node *node, tg_tensor *grad_out, tg_tensor **grad_in)
{
    tg_tensor *rest = tg_add_scalar(tg_neg(tg_mul(node->out, node->out)), 1);
    grad_in[0] = tg_mul(grad_out, rest);
}

static const tg_op tanh_op = {
    .name = "tanh", .forward = tanh_forward, .backward = tanh_backward, .reads = {TG_READS_OUT}};

tg_tensor *tg_tanh(tg_tensor *x)
{
    return tg_unary_float(&tanh_op, x);
}

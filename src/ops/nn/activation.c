/* Activations. Those with a gradient of several steps have an operation for it: the gradient times
 * the derivative, in one pass. Relies on kernels/special.h. */
#include "ops/slope.h"

#include "kernels/loops.h"
#include "kernels/quick_slope.h"

#include <tinygrad/nn.h>

/* Written so that nan passes, and as torch keeps -0. */
TGK_LOOP1(relu_f32, float, float, x < 0 ? 0 : x);
TGK_LOOP1(relu_f64, double, double, x < 0 ? 0 : x);
TGK_LOOP1(relu_i64, int64_t, int64_t, x < 0 ? 0 : x);

/* The gradient x passes where the output y is positive or nan. */
TGK_LOOP2(relu_slope_f32, float, float, y <= 0 ? 0 : x);
TGK_LOOP2(relu_slope_f64, double, double, y <= 0 ? 0 : x);

TG_SLOPE(relu, NULL);
static const tg_smooth_op relu_op = {.map = {{.name = "relu",
                                              .forward = tg_map_forward,
                                              .backward = tg_smooth_backward_out,
                                              .reads = {TG_READS_OUT}},
                                             {relu_f32, relu_f64, relu_i64}},
                                     .slope = &relu_slope_op};

tg_tensor *tg_relu(tg_tensor *x)
{
    return tg_unary(&relu_op.map.op, x);
}

TGK_LONG1(sigmoid_f32, float, float, tgk_sigmoidf(x));
TGK_LONG1(sigmoid_f64, double, double, tgk_sigmoid(x));

/* The gradient x of the output y. */
TGK_LOOP2(sigmoid_slope_f32, float, float, (x * (1 - y) * y));
TGK_LOOP2(sigmoid_slope_f64, double, double, (x * (1 - y) * y));

/* The gradient x of the gradient y of the output z: x y (1 - 2 z), and not x y (1 - z) - x y z, which has no value where
 * x is infinite. */
TGK_LOOP3(sigmoid_curvature_f32, float, float, float, float, (x * y * (z * -2 + 1)));
TGK_LOOP3(sigmoid_curvature_f64, double, double, double, double, (x * y * (z * -2 + 1)));

static const tg_map_op tanh_curvature_op;

/* Of the curvatures of sigmoid and tanh, which are v g times something of the output y: by v and g it is the same of
 * the others, by y -2 times what there is beside it. */
static void curvature_backward(tg_node *node, tg_tensor *grad_out, tg_tensor **grad_in)
{
    for (int i = 0; i < 3; i++) {
        const tg_op *op = i < 2 ? node->op : &tanh_curvature_op.op;
        tg_tensor *in[] = {grad_out, node->in[i == 0], node->in[i == 2 ? 1 : 2]};
        if (tg_needs_grad(node, i))
            grad_in[i] = tg_gradient_of(node, i, op, 3, in, NULL, 0);
    }
}

#define CURVATURE(id)                                                                              \
    static const tg_map_op id##_curvature_op = {                                                   \
        {.name = #id "_backward_backward",                                                         \
         .forward = tg_map_forward,                                                                \
         .backward = curvature_backward,                                                           \
         .reads = {TG_READS_IN(1) | TG_READS_IN(2), TG_READS_IN(0) | TG_READS_IN(2),               \
                   TG_READS_IN(0) | TG_READS_IN(1)}},                                              \
        {id##_curvature_f32, id##_curvature_f64}}

CURVATURE(sigmoid);

TG_SLOPE_WITH(sigmoid, .at_once = &sigmoid_curvature_op.op);
TG_SMOOTH_OUT(sigmoid, false);

tg_tensor *tg_sigmoid(tg_tensor *x)
{
    return tg_unary_float(&sigmoid_op.map.op, x);
}

TGK_LONG1(tanh_f32, float, float, tgk_tanhf(x));
TGK_LONG1(tanh_f64, double, double, tgk_tanh(x));

/* The gradient x of the output y: 1 - y^2 would lose digits. */
TGK_LOOP2(tanh_slope_f32, float, float, (x * ((1 - y) * (1 + y))));
TGK_LOOP2(tanh_slope_f64, double, double, (x * ((1 - y) * (1 + y))));

/* The gradient x of the gradient y of the output z. */
TGK_LOOP3(tanh_curvature_f32, float, float, float, float, (x * y * z * -2));
TGK_LOOP3(tanh_curvature_f64, double, double, double, double, (x * y * z * -2));

CURVATURE(tanh);

TG_SLOPE_WITH(tanh, .at_once = &tanh_curvature_op.op);
TG_SMOOTH_OUT(tanh, false);

tg_tensor *tg_tanh(tg_tensor *x)
{
    return tg_unary_float(&tanh_op.map.op, x);
}

/* --- activations of floats with one number as parameter (some leave it unused) --- */

#define S (*(const double *)params)

static tg_tensor *activation(const tg_op *op, tg_tensor *x, double s)
{
    if (!tg_check_inputs(op, 1, &x) || !tg_check_floats(op, 1, &x))
        return NULL;
    return tg_apply_as_first(op, 1, &x, &s, sizeof s);
}

/* id_op and id_slope_op, of values of x and the gradient x of y, in each dtype. */
#define ACTIVATION(id, curve, value_f32, slope_f32, value_f64, slope_f64)                          \
    TGK_LONG1(id##_f32, float, float, value_f32);                                                  \
    TGK_LONG1(id##_f64, double, double, value_f64);                                                \
    TGK_LONG2(id##_slope_f32, float, float, float, slope_f32);                                     \
    TGK_LONG2(id##_slope_f64, double, double, double, slope_f64);                                  \
    TG_SLOPE(id, curve);                                                                           \
    TG_SMOOTH_IN(id, true)

/* x where y is positive, else x * slope. A function, so that the slope is read before the choice and
 * a loop of it becomes vectors. */
TGK_INLINE double leaky(double x, double y, double slope)
{
    return y > 0 ? x : x * slope;
}

TGK_REAL1(leaky_relu, leaky(x, x, S));
TGK_REAL2(leaky_relu_slope, leaky(x, y, S));

TG_SLOPE(leaky_relu, NULL);
TG_SMOOTH_IN(leaky_relu, true);

tg_tensor *tg_leaky_relu(tg_tensor *x, double slope)
{
    return activation(&leaky_relu_op.map.op, x, slope);
}

static tg_curvature elu_curvature;

ACTIVATION(elu, elu_curvature, tgk_quick_elu(x, S), (double)x *tgk_quick_elu_slope(y, S),
           tgk_elu(x, S), x *tgk_elu_slope(y, S));

static tg_tensor *elu_curvature(tg_tensor *v, tg_tensor *x, double s)
{
    return tg_masked_fill(tg_times_slope(&elu_slope_op, v, x, s), tg_gt_scalar(x, 0), 0);
}

tg_tensor *tg_elu(tg_tensor *x, double alpha)
{
    return activation(&elu_op.map.op, x, alpha);
}

/* (2 - x^2) times the normal density. */
static tg_tensor *gelu_curvature(tg_tensor *v, tg_tensor *x, double s)
{
    (void)s;
    tg_tensor *square = tg_square(tg_clamp(x, -40, 40)); /* beyond, all is 0, and x^2 overflows */
    tg_tensor *density = tg_mul_scalar(tg_exp(tg_mul_scalar(square, -0.5)), TGK_INV_SQRT_2PI);
    return tg_mul(v, tg_mul(tg_add_scalar(tg_neg(square), 2), density));
}

ACTIVATION(gelu, gelu_curvature, tgk_quick_gelu(x), x *tgk_gelu_slopef(y), tgk_gelu(x),
           x *tgk_gelu_slope(y));

tg_tensor *tg_gelu(tg_tensor *x)
{
    return activation(&gelu_op.map.op, x, 0);
}

/* With y = x (1 + t) / 2, t = tanh(u):  y'' = (1 - t^2) (u' - x t u'^2 + x u'' / 2). */
static tg_tensor *gelu_tanh_curvature(tg_tensor *v, tg_tensor *x, double s)
{
    (void)s;
    const double root = 2 * TGK_INV_SQRT_2PI, cubic = 0.044715;
    x = tg_clamp(x, -40, 40); /* as above */
    tg_tensor *square = tg_square(x), *du = tg_add_scalar(tg_mul_scalar(square, 3 * cubic), 1);
    tg_tensor *u = tg_mul(x, tg_add_scalar(tg_mul_scalar(square, cubic), 1));
    tg_tensor *t = tg_tanh(tg_mul_scalar(u, root));
    du = tg_mul_scalar(du, root);
    tg_tensor *rest = tg_mul_scalar(square, 3 * cubic * root);
    tg_tensor *steep = tg_mul(x, t), *turn = tg_mul(steep, tg_square(du));
    tg_tensor *bend = tg_sub(tg_add(du, rest), turn);
    return tg_mul(v, tg_mul(tg_add_scalar(tg_neg(tg_square(t)), 1), bend));
}

ACTIVATION(gelu_tanh, gelu_tanh_curvature, (double)x *tgk_quick_gelu_gate((double)x),
           (double)x *tgk_quick_gelu_tanh_slope((double)y), tgk_gelu_tanh(x),
           x *tgk_gelu_tanh_slope(y));

tg_tensor *tg_gelu_tanh(tg_tensor *x)
{
    return activation(&gelu_tanh_op.map.op, x, 0);
}

/* v times the derivative of the sigmoid, which is p (1 - p) with 1 - p = sigmoid(-x). */
static tg_tensor *sigmoid_slope(tg_tensor *v, tg_tensor *x)
{
    tg_tensor *p = tg_sigmoid(x);
    return tg_mul(v, tg_mul(p, tg_sigmoid(tg_neg(x))));
}

/* p (1 - p) (2 + x (1 - 2 p)) with 1 - 2 p = -tanh(x / 2). */
static tg_tensor *silu_curvature(tg_tensor *v, tg_tensor *x, double s)
{
    (void)s;
    tg_tensor *bend = tg_mul(x, tg_tanh(tg_mul_scalar(x, 0.5)));
    return tg_mul(sigmoid_slope(v, x), tg_add_scalar(tg_neg(bend), 2));
}

ACTIVATION(silu, silu_curvature, tgk_siluf(x), x *tgk_silu_slopef(y), tgk_silu(x),
           x *tgk_silu_slope(y));

tg_tensor *tg_silu(tg_tensor *x)
{
    return activation(&silu_op.map.op, x, 0);
}

static tg_tensor *softplus_curvature(tg_tensor *v, tg_tensor *x, double s)
{
    (void)s;
    return tg_masked_fill(sigmoid_slope(v, x), tg_gt_scalar(x, TGK_LINEAR), 0);
}

ACTIVATION(softplus, softplus_curvature, tgk_quick_softplus((double)x),
           (double)x *tgk_quick_sigmoid((double)y), tgk_softplus_torch(x),
           x *tgk_softplus_torch_slope(y));

tg_tensor *tg_softplus(tg_tensor *x)
{
    return activation(&softplus_op.map.op, x, 0);
}

static tg_curvature logsigmoid_curvature;

ACTIVATION(logsigmoid, logsigmoid_curvature, -tgk_quick_softplus(-(double)x),
           (double)x *tgk_quick_sigmoid(-(double)y), -tgk_softplus(-x), x *tgk_sigmoid(-y));

static tg_tensor *logsigmoid_curvature(tg_tensor *v, tg_tensor *x, double s)
{
    (void)s;
    return tg_neg(sigmoid_slope(v, x));
}

tg_tensor *tg_logsigmoid(tg_tensor *x)
{
    return activation(&logsigmoid_op.map.op, x, 0);
}

TGK_LOOP2(prelu_f32, float, float, x > 0 ? x : y * x);
TGK_LOOP2(prelu_f64, double, double, x > 0 ? x : y * x);

/* Factors are 0 where the slope is not taken: there they may be infinite, and a product of theirs
 * would be nan in the gradient of this gradient, whatever becomes of it here. */
static void prelu_backward(tg_node *node, tg_tensor *grad_out, tg_tensor **grad_in)
{
    tg_tensor *x = node->in[0], *positive = tg_gt_scalar(x, 0);
    tg_tensor *g = tg_masked_fill(grad_out, positive, 0);
    if (tg_needs_grad(node, 0)) {
        tg_tensor *zero = tg_zeros(tg_tape_in(x), TG_SCALAR, tg_at(x)->dtype);
        grad_in[0] = tg_where(positive, grad_out, tg_mul(g, tg_where(positive, zero, node->in[1])));
    }
    if (tg_needs_grad(node, 1))
        grad_in[1] = tg_mul(g, tg_masked_fill(x, positive, 0));
}

static const tg_map_op prelu_op = {{.name = "prelu",
                                    .forward = tg_map_forward,
                                    .backward = prelu_backward,
                                    .reads = {TG_READS_IN(0) | TG_READS_IN(1), TG_READS_IN(0)}},
                                   {prelu_f32, prelu_f64}};

static tg_tensor *prelu(tg_tensor *x, tg_tensor *weight)
{
    if (!tg_check_floats(&prelu_op.op, 2, (tg_tensor *[]){x, weight}))
        return NULL;
    int ndim = tg_at(x)->ndim > 1 ? tg_at(x)->ndim - 1 : tg_at(x)->ndim;
    int64_t dims[TG_MAX_NDIM] = {tg_at(weight)->numel};
    bool single = tg_at(weight)->numel == 1;
    TG_CHECK(tg_tape_in(x),
             tg_at(weight)->ndim <= 1 &&
                 (single || (tg_at(x)->ndim && tg_at(x)->dims[tg_at(x)->ndim > 1] == dims[0])),
             TG_ESHAPE, "prelu: weight %s for channels of %s", tg_shape_of(weight).chars,
             tg_shape_of(x).chars);
    for (int i = 1; i < ndim; i++)
        dims[i] = 1;
    tg_tensor *slope = tg_reshape(weight, single ? 0 : ndim, dims);
    return tg_binary(&prelu_op.op, x, slope, false);
}

tg_tensor *tg_prelu(tg_tensor *x, tg_tensor *weight)
{
    TG_IN_SCOPE(&prelu_op.op, prelu(x, weight), x, weight);
}

/* Elementwise losses: a reduced one adds its elements up as it makes them, some at a time, and keeps none.
 * float32 elements are computed in double. Relies on kernels/special.h and kernels/binary.h. */
#include "ops/nn/loss.h"

#include "kernels/binary.h"
#include "kernels/loops.h"
#include "kernels/special.h"
#include "kernels/sum.h"
#include "ops/arithmetic.h"
#include "ops/layout.h"

#include <math.h>

bool tg_check_reduction(const tg_op *op, const tg_tensor *x, tg_reduction reduction)
{
    TG_CHECK(tg_tape_in(x), reduction == TG_MEAN || reduction == TG_SUM || reduction == TG_NONE,
             TG_EVALUE, "%s: there is no reduction %d", op->name, (int)reduction);
    return true;
}

enum { WEIGHT = 3 };

/* Inputs of one float dtype; the first two are of one shape, to which the others broadcast. */
static bool check_loss(const tg_op *op, tg_tensor *const *in, tg_reduction reduction)
{
    if (!tg_check_floats(op, TG_LOSS_IN, in))
        return false;
    const tg_tensor *x = in[0];
    tg_dims dims = tg_dims_of(x);
    TG_CHECK(tg_tape_in(x), tg_shape_equal(dims, tg_dims_of(in[1])), TG_ESHAPE,
             "%s: target %s for input %s", op->name, tg_shape_of(in[1]).chars,
             tg_shape_of(x).chars);
    for (int i = 2; i < TG_LOSS_IN; i++)
        TG_CHECK(tg_tape_in(x), !in[i] || tg_shape_expands(tg_dims_of(in[i]), dims), TG_ESHAPE,
                 "%s: weight %s does not broadcast to input %s", op->name, tg_shape_of(in[i]).chars,
                 tg_shape_of(x).chars);
    return tg_check_reduction(op, x, reduction);
}

tg_tensor *tg_reduced(tg_tensor *elements, tg_reduction reduction)
{
    return reduction == TG_MEAN  ? tg_mean(elements)
           : reduction == TG_SUM ? tg_sum(elements)
                                 : elements;
}

static tg_reduction reduction_of(const tg_node *node)
{
    return ((const tg_loss_params *)node->params)->reduction;
}

/* What a sum of elements is divided by. */
static double divisor(const tg_node *node)
{
    return reduction_of(node) == TG_MEAN ? (double)tg_at(node->in[0])->numel : 1;
}

/* Fills the output from elements that a loop makes. */
static void fill(tg_node *node, const tgk_loops *loops)
{
    const tg_header *x = tg_at(node->in[0]);
    if (reduction_of(node) == TG_NONE) {
        tg_map_node(node, loops);
        return;
    }
    tg_tape *tape = tg_node_tape(node);
    int64_t strides[TGK_MAX_OPERANDS][TG_MAX_NDIM];
    size_t size = tg_dtype_size(x->dtype);
    tgk_nest nest = {.ndim = x->ndim, .operands = node->n_in + 1, .sizes = x->dims};
    for (int i = 0; i < nest.operands; i++) {
        tg_tensor *t = i ? node->in[i - 1] : NULL;
        nest.data[i] = t ? tg_at(t)->data : NULL;
        nest.strides[i] = strides[i];
        nest.size[i] = size;
        if (t)
            tg_shape_expand_strides(tg_dims_of(t), tg_strides(t), tg_dims_of(node->in[0]),
                                    strides[i]);
        else
            tg_shape_strides(tg_dims_of(node->in[0]), strides[i]);
    }
    tgk_sum_args args = {.out = tg_at(node->out)->data,
                         .nest = &nest,
                         .loop = loops[x->dtype][tape->isa],
                         .params = node->params,
                         .outer = 1,
                         .n = x->numel,
                         .inner = 1,
                         .divisor = divisor(node)};
    tgk_sum(&tape->team, tape->isa, x->dtype, &args);
}

void tg_loss_forward(tg_node *node)
{
    fill(node, tg_node_loops(node));
}

tg_tensor *tg_loss_upstream(const tg_node *node, tg_tensor *g)
{
    const tg_header *x = tg_at(node->in[0]);
    if (reduction_of(node) == TG_NONE)
        return g;
    if (reduction_of(node) == TG_MEAN)
        g = tg_div_scalar(g, divisor(node));
    return g ? tg_expand(g, x->ndim, x->dims) : NULL;
}

static tg_tensor *apply(const tg_op *op, tg_tensor *const *in, double s, tg_reduction reduction)
{
    tg_loss_params p = {s, reduction};
    const tg_header *x = tg_at(in[0]);
    return tg_apply(&(tg_call){.op = op,
                               .n_in = in[2] ? 3 : 2,
                               .in = in,
                               .dtype = x->dtype,
                               .ndim = reduction == TG_NONE ? x->ndim : 0,
                               .dims = x->dims,
                               .params = &p,
                               .params_size = sizeof p});
}

/* Elements with a weight are made, and then reduced. */
tg_tensor *tg_loss(const tg_op *op, tg_tensor *const *in, double s, tg_reduction reduction)
{
    tg_tensor *y = NULL;
    tg_scope scope;
    if (!tg_scope_open_given(&scope, op, TG_LOSS_IN, in, 2))
        return NULL;
    if (check_loss(op, in, reduction))
        y = apply(op, in, s, in[WEIGHT] ? TG_NONE : reduction);
    if (in[WEIGHT])
        y = tg_reduced(tg_mul(y, in[WEIGHT]), reduction);
    return tg_scope_close(&scope, y);
}

#define READS_BOTH (TG_READS_IN(0) | TG_READS_IN(1))

/* --- binary cross-entropy of probabilities --- */

/* What divides by a probability of 0 divides by this. */
#define TINY 1e-12

TGK_INLINE double floored_log(double log)
{
    return log < -100 ? -100 : log;
}

TGK_LONG_REAL2(bce, (y - 1) * floored_log(tgk_log1p(-x)) - y * floored_log(tgk_log(x)));

/* The index of the first element outside [0, 1]; -1 where there is none. */
static int64_t improbable(const tg_tensor *x, const void *data)
{
    const float *f32 = data;
    const double *f64 = data;
    for (int64_t i = 0; i < tg_at(x)->numel; i++) {
        double p = tg_at(x)->dtype == TG_F32 ? (double)f32[i] : f64[i];
        if (!(p >= 0 && p <= 1))
            return i;
    }
    return -1;
}

static void bce_forward(tg_node *node)
{
    const tg_tensor *x = node->in[0];
    const void *data = tg_contiguous_data(node, x);
    int64_t i = data ? improbable(x, data) : -1;
    if (i >= 0)
        tg_fail(tg_tape_in(x), TG_EVALUE, "bce_loss: input element %lld is %s, outside [0, 1]",
                (long long)i, tg_number_text(tg_element(x, i), tg_at(x)->dtype).chars);
    else
        tg_loss_forward(node);
}

/* The gradient x of input y and target z. */
TGK_REAL3(bce_slope, x *((y - z) / ((1 - y) * y > TINY ? (1 - y) * y : TINY)));

static tg_tensor *bce_slope(tg_tensor *g, tg_tensor *x, tg_tensor *t);

static tg_tensor *at_least_tiny(tg_tensor *x)
{
    return tg_clamp(x, TINY, TGK_INF);
}

/* a / x^2 */
static tg_tensor *over_square(tg_tensor *a, tg_tensor *x)
{
    return tg_div(tg_div(a, x), x);
}

/* The derivative by x is t / x^2 + (1 - t) / (1 - x)^2, by t -1 / (x (1 - x)). */
static void bce_slope_backward(tg_node *node, tg_tensor *v, tg_tensor **grad_in)
{
    tg_tensor *g = node->in[0], *x = node->in[1], *t = node->in[2];
    tg_tensor *p = at_least_tiny(x), *q = at_least_tiny(tg_add_scalar(tg_neg(x), 1));
    tg_tensor *u = tg_add_scalar(tg_neg(t), 1);
    if (tg_needs_grad(node, 0))
        grad_in[0] = bce_slope(v, x, t);
    tg_tensor *first = over_square(t, p), *bend = tg_add(first, over_square(u, q));
    grad_in[1] = tg_mul(tg_mul(v, g), bend);
    if (tg_needs_grad(node, 2)) {
        tg_tensor *variance = at_least_tiny(tg_mul(p, q));
        grad_in[2] = tg_neg(tg_div(tg_mul(v, g), variance));
    }
}

static const tg_map_op bce_slope_op = {
    {.name = "bce_loss_backward",
     .forward = tg_map_forward,
     .backward = bce_slope_backward,
     .reads = {TG_READS_IN(1) | TG_READS_IN(2), READS_BOTH | TG_READS_IN(2), READS_BOTH}},
    {bce_slope_f32, bce_slope_f64}};

static tg_tensor *bce_slope(tg_tensor *g, tg_tensor *x, tg_tensor *t)
{
    return tg_apply_first(&bce_slope_op.op, 3, (tg_tensor *[]){g, x, t}, NULL, 0);
}

static void bce_backward(tg_node *node, tg_tensor *grad_out, tg_tensor **grad_in)
{
    tg_tensor *x = node->in[0];
    grad_out = tg_loss_upstream(node, grad_out);
    if (tg_needs_grad(node, 0))
        grad_in[0] = bce_slope(grad_out, x, node->in[1]);
    if (tg_needs_grad(node, 1)) {
        tg_tensor *log = tg_log(x);
        grad_in[1] = tg_mul(grad_out, tg_sub(tg_log1p(tg_neg(x)), log));
    }
}

static const tg_map_op bce_op = {{.name = "bce_loss",
                                  .forward = bce_forward,
                                  .backward = bce_backward,
                                  .reads = {READS_BOTH, TG_READS_IN(0)}},
                                 {bce_f32, bce_f64}};

tg_tensor *tg_bce_loss(tg_tensor *x, tg_tensor *t, tg_tensor *weight, tg_reduction reduction)
{
    return tg_loss(&bce_op.op, (tg_tensor *[TG_LOSS_IN]){x, t, NULL, weight}, 0, reduction);
}

/* --- binary cross-entropy of logits: inputs x, t and perhaps the positive weight --- */

TGK_LONG2(binary_f32, float, double, double, tgk_quick_binary_loss(x, y, 1));
TGK_LONG2(binary_f64, double, double, double, tgk_binary_loss(x, y, 1));
TGK_LONG3(binary_weighted_f32, float, double, tgk_quick_binary_loss(x, y, z));
TGK_LONG3(binary_weighted_f64, double, double, tgk_binary_loss(x, y, z));
TGK_LONG3(binary_slope_f32, float, double, tgk_quick_binary_slope(x, y, z));
TGK_LONG3(binary_slope_f64, double, double, tgk_binary_slope(x, y, z));

/* By the number of inputs. */
static void binary_forward(tg_node *node)
{
    static const tgk_loops loops[2][TG_DTYPES] = {{binary_f32, binary_f64},
                                                  {binary_weighted_f32, binary_weighted_f64}};
    fill(node, loops[node->n_in - 2]);
}

/* With a weight. The slope is (1 - t) s(x) - w t s(-x), s the sigmoid: to x, s(x) s(-x) ((1 - t) + w t); to t,
 * -s(x) - w s(-x); to w, -t s(-x). */
static void binary_slope_backward(tg_node *node, tg_tensor *v, tg_tensor **grad_in)
{
    tg_tensor *x = node->in[0], *t = node->in[1], *w = node->in[2];
    tg_tensor *p = tg_sigmoid(x), *q = tg_sigmoid(tg_neg(x));
    tg_tensor *sum = tg_add(tg_add_scalar(tg_neg(t), 1), tg_mul(t, w));
    grad_in[0] = tg_mul(tg_mul(v, tg_mul(p, q)), sum);
    if (tg_needs_grad(node, 1))
        grad_in[1] = tg_neg(tg_mul(v, tg_add(p, tg_mul(q, w))));
    if (tg_needs_grad(node, 2))
        grad_in[2] = tg_neg(tg_mul(v, tg_mul(t, q)));
}

#define READS_ALL (READS_BOTH | TG_READS_IN(2))

static const tg_map_op binary_slope_op = {
    {.name = "bce_with_logits_loss_backward",
     .forward = tg_map_forward,
     .backward = binary_slope_backward,
     .reads = {READS_ALL, TG_READS_IN(0) | TG_READS_IN(2), READS_BOTH}},
    {binary_slope_f32, binary_slope_f64}};

/* The gradient g of x and t, without a weight: g times the slope, in one visit. */
TGK_LONG3(binary_grad_f32, float, double, x *tgk_quick_binary_slope(y, z, 1));
TGK_LONG3(binary_grad_f64, double, double, x *tgk_binary_slope(y, z, 1));

/* To x, s(x) s(-x); to t, -1. */
static void binary_grad_backward(tg_node *node, tg_tensor *v, tg_tensor **grad_in)
{
    tg_tensor *g = node->in[0], *x = node->in[1], *t = node->in[2];
    if (tg_needs_grad(node, 0))
        grad_in[0] = tg_apply_first(node->op, 3, (tg_tensor *[]){v, x, t}, NULL, 0);
    grad_in[1] = tg_mul(tg_mul(v, g), tg_mul(tg_sigmoid(x), tg_sigmoid(tg_neg(x))));
    if (tg_needs_grad(node, 2))
        grad_in[2] = tg_neg(tg_mul(v, g));
}

static const tg_map_op binary_grad_op = {
    {.name = "bce_with_logits_loss_backward",
     .forward = tg_map_forward,
     .backward = binary_grad_backward,
     .reads = {TG_READS_IN(1) | TG_READS_IN(2), READS_BOTH, TG_READS_IN(0)}},
    {binary_grad_f32, binary_grad_f64}};

/* To t, w softplus(-x) - softplus(x); to w, t softplus(-x). */
static void binary_backward(tg_node *node, tg_tensor *grad_out, tg_tensor **grad_in)
{
    tg_tensor *x = node->in[0], *t = node->in[1], *w = node->n_in == 3 ? node->in[2] : NULL;
    if (tg_needs_grad(node, 0) && !w)
        grad_in[0] =
            tg_apply_first(&binary_grad_op.op, 3, (tg_tensor *[]){grad_out, x, t}, NULL, 0);
    if (tg_needs_grad(node, 0) && w)
        grad_in[0] = tg_mul(grad_out, tg_apply_first(&binary_slope_op.op, 3, node->in, NULL, 0));
    if (tg_needs_grad(node, 1) && !w)
        grad_in[1] = tg_neg(tg_mul(grad_out, x));
    if (tg_needs_grad(node, 1) && w) {
        tg_tensor *positive = tg_mul(w, tg_logsigmoid(x));
        grad_in[1] = tg_mul(grad_out, tg_sub(tg_logsigmoid(tg_neg(x)), positive));
    }
    if (w && tg_needs_grad(node, 2))
        grad_in[2] = tg_neg(tg_mul(grad_out, tg_mul(t, tg_logsigmoid(x))));
}

static void binary_reduced_backward(tg_node *node, tg_tensor *grad_out, tg_tensor **grad_in)
{
    binary_backward(node, tg_loss_upstream(node, grad_out), grad_in);
}

static const tg_op binary_op = {.name = "bce_with_logits_loss",
                                .forward = binary_forward,
                                .backward = binary_reduced_backward,
                                .reads = {READS_ALL, TG_READS_IN(0) | TG_READS_IN(2), READS_BOTH}};

tg_tensor *tg_bce_with_logits_loss(tg_tensor *x, tg_tensor *t, const tg_bce_opts *opts)
{
    tg_bce_opts o = opts ? *opts : (tg_bce_opts){0};
    return tg_loss(&binary_op, (tg_tensor *[TG_LOSS_IN]){x, t, o.pos_weight, o.weight}, 0,
                   o.reduction);
}

/* --- divergence --- */

TGK_LONG_REAL2(kl_div, y == 0 ? 0 : y * (tgk_log(y) - x));
TGK_LONG_REAL2(kl_div_log, tgk_exp(y) * (y - x));

/* -x y, in one visit. */
TGK_REAL2(minus_product, -x *y);

static tg_tensor *minus_product(tg_tensor *a, tg_tensor *b);

static void minus_product_backward(tg_node *node, tg_tensor *v, tg_tensor **grad_in)
{
    for (int i = 0; i < 2; i++) {
        if (tg_needs_grad(node, i))
            grad_in[i] = minus_product(v, node->in[1 - i]);
    }
}

static const tg_map_op minus_product_op = {{.name = "kl_div_loss_backward",
                                            .forward = tg_map_forward,
                                            .backward = minus_product_backward,
                                            .reads = {TG_READS_IN(1), TG_READS_IN(0)}},
                                           {minus_product_f32, minus_product_f64}};

static tg_tensor *minus_product(tg_tensor *a, tg_tensor *b)
{
    return tg_apply_first(&minus_product_op.op, 2, (tg_tensor *[]){a, b}, NULL, 0);
}

/* To x -t, to t log t + 1 - x. */
static void kl_div_backward(tg_node *node, tg_tensor *grad_out, tg_tensor **grad_in)
{
    tg_tensor *x = node->in[0], *t = node->in[1];
    grad_out = tg_loss_upstream(node, grad_out);
    if (tg_needs_grad(node, 0))
        grad_in[0] = minus_product(grad_out, t);
    if (tg_needs_grad(node, 1))
        grad_in[1] = tg_mul(grad_out, tg_add_scalar(tg_sub(tg_log(t), x), 1));
}

/* To x -e^t, to t e^t (t + 1 - x). */
static void kl_div_log_backward(tg_node *node, tg_tensor *grad_out, tg_tensor **grad_in)
{
    tg_tensor *x = node->in[0], *t = node->in[1], *p = tg_exp(t);
    grad_out = tg_loss_upstream(node, grad_out);
    if (tg_needs_grad(node, 0))
        grad_in[0] = minus_product(grad_out, p);
    if (tg_needs_grad(node, 1))
        grad_in[1] = tg_mul(grad_out, tg_mul(p, tg_add_scalar(tg_sub(t, x), 1)));
}

static const tg_map_op kl_div_op = {{.name = "kl_div_loss",
                                     .forward = tg_loss_forward,
                                     .backward = kl_div_backward,
                                     .reads = {TG_READS_IN(1), READS_BOTH}},
                                    {kl_div_f32, kl_div_f64}};
static const tg_map_op kl_div_log_op = {{.name = "kl_div_loss",
                                         .forward = tg_loss_forward,
                                         .backward = kl_div_log_backward,
                                         .reads = {TG_READS_IN(1), READS_BOTH}},
                                        {kl_div_log_f32, kl_div_log_f64}};

static tg_tensor *kl_div(const tg_op *op, tg_tensor *x, tg_tensor *t, const tg_kl_opts *o)
{
    TG_CHECK(tg_tape_in(x), !o->batch_mean || o->reduction == TG_SUM, TG_EVALUE,
             "kl_div_loss: batch_mean goes with the reduction TG_SUM");
    tg_tensor *y = tg_loss(op, (tg_tensor *[TG_LOSS_IN]){x, t}, 0, o->reduction);
    return o->batch_mean && tg_at(x)->ndim ? tg_div_scalar(y, (double)tg_at(x)->dims[0]) : y;
}

tg_tensor *tg_kl_div_loss(tg_tensor *x, tg_tensor *t, const tg_kl_opts *opts)
{
    tg_kl_opts o = opts ? *opts : (tg_kl_opts){0};
    const tg_op *op = o.log_target ? &kl_div_log_op.op : &kl_div_op.op;
    TG_IN_SCOPE(op, kl_div(op, x, t, &o), x, t);
}

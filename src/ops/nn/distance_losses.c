/* Losses of distances d = x - t: mse, l1, smooth_l1 and huber. The gradient to t is the opposite of that to
 * x, which is g slope(d), made in one visit. Relies on loss.h. */
#include "ops/nn/loss.h"

#include "kernels/loops.h"
#include "ops/arithmetic.h"
#include "ops/broadcast.h"

#include <math.h>

#define READS_BOTH (TG_READS_IN(0) | TG_READS_IN(1))
#define READS_ALL (READS_BOTH | TG_READS_IN(2))
#define S (*(const double *)params)

static tg_tensor *distance(const tg_op *op, tg_tensor *x, tg_tensor *t, double s,
                           tg_reduction reduction)
{
    return tg_loss(op, (tg_tensor *[TG_LOSS_IN]){x, t}, s, reduction);
}

typedef struct slope_params {
    double s, sign;
} slope_params;

#define SIGN (((const slope_params *)params)->sign)
/* name_slope_f32 and _f64 of the gradient x, and of what d is of. */
#define SLOPE(name, slope) TGK_REAL3(name##_slope, SIGN *(x * slope(y - z, S)))

/* The gradients of a loss; slope is a tg_map_op of g, x and t. */
static void slopes(tg_node *node, tg_tensor *grad_out, tg_tensor **grad_in, const tg_op *slope)
{
    tg_tensor *in[] = {tg_loss_upstream(node, grad_out), node->in[0], node->in[1]};
    for (int i = 0; in[0] && i < 2; i++) {
        slope_params p = {((const tg_loss_params *)node->params)->s, i ? -1 : 1};
        if (tg_needs_grad(node, i))
            grad_in[i] = tg_make(&(tg_making){
                {.op = slope, .n_in = 3, .in = in, .params = &p, .params_size = sizeof p},
                .like = node->in[0],
                .gradient_of = node,
                .input = i});
    }
}

/* Of a slope, for an upstream v; `moved` is what v makes of the slope's own, g v slope'(d). */
static void slope_gradients(tg_node *node, tg_tensor *v, tg_tensor *moved, tg_tensor **grad_in)
{
    const slope_params *p = node->params;
    tg_tensor *in[] = {v, node->in[1], node->in[2]};
    if (tg_needs_grad(node, 0))
        grad_in[0] = tg_apply_as_first(node->op, 3, in, p, sizeof *p);
    if (tg_needs_grad(node, 1))
        grad_in[1] = p->sign < 0 ? tg_neg(moved) : moved;
    if (tg_needs_grad(node, 2))
        grad_in[2] = p->sign < 0 ? moved : tg_neg(moved);
}

/* g v where |d| is at most `most`, else 0. */
static tg_tensor *moved_near(const tg_node *node, tg_tensor *v, double most)
{
    tg_tensor *d = tg_sub(tg_detach(node->in[1]), tg_detach(node->in[2]));
    tg_tensor *far = tg_ne(tg_clamp(d, -most, most), d); /* nan is */
    return tg_masked_fill(tg_mul(node->in[0], v), far, 0);
}

#define SLOPE_READS                                                                                \
    {                                                                                              \
        TG_READS_IN(1) | TG_READS_IN(2), READS_ALL, READS_ALL                                      \
    }

TGK_INLINE double mse_slope(double d, double s)
{
    (void)s;
    return 2 * d;
}

TGK_REAL2(mse, (x - y) * (x - y));
SLOPE(mse, mse_slope);

static void mse_slope_backward(tg_node *node, tg_tensor *v, tg_tensor **grad_in)
{
    slope_gradients(node, v, tg_mul_scalar(tg_mul(node->in[0], v), 2), grad_in);
}

static const tg_map_op mse_slope_op = {{.name = "mse_loss_backward",
                                        .forward = tg_map_forward,
                                        .backward = mse_slope_backward,
                                        .reads = SLOPE_READS},
                                       {mse_slope_f32, mse_slope_f64}};

static void mse_backward(tg_node *node, tg_tensor *grad_out, tg_tensor **grad_in)
{
    slopes(node, grad_out, grad_in, &mse_slope_op.op);
}

static const tg_map_op mse_op = {{.name = "mse_loss",
                                  .forward = tg_loss_forward,
                                  .backward = mse_backward,
                                  .reads = {READS_BOTH, READS_BOTH}},
                                 {mse_f32, mse_f64}};

tg_tensor *tg_mse_loss(tg_tensor *x, tg_tensor *t, tg_reduction reduction)
{
    return distance(&mse_op.op, x, t, 0, reduction);
}

/* 0 for nan, as in PyTorch. */
TGK_INLINE double l1_slope(double d, double s)
{
    (void)s;
    return (d > 0) - (d < 0);
}

TGK_REAL2(l1, fabs(x - y));
SLOPE(l1, l1_slope);

static void l1_slope_backward(tg_node *node, tg_tensor *v, tg_tensor **grad_in)
{
    slope_gradients(node, v, tg_flat_gradient(node->in[1]), grad_in);
}

static const tg_map_op l1_slope_op = {{.name = "l1_loss_backward",
                                       .forward = tg_map_forward,
                                       .backward = l1_slope_backward,
                                       .reads = SLOPE_READS},
                                      {l1_slope_f32, l1_slope_f64}};

static void l1_backward(tg_node *node, tg_tensor *grad_out, tg_tensor **grad_in)
{
    slopes(node, grad_out, grad_in, &l1_slope_op.op);
}

static const tg_map_op l1_op = {{.name = "l1_loss",
                                 .forward = tg_loss_forward,
                                 .backward = l1_backward,
                                 .reads = {READS_BOTH, READS_BOTH}},
                                {l1_f32, l1_f64}};

tg_tensor *tg_l1_loss(tg_tensor *x, tg_tensor *t, tg_reduction reduction)
{
    return distance(&l1_op.op, x, t, 0, reduction);
}

/* nan is on neither side of a bound, and passes. */
TGK_INLINE double within(double d, double most)
{
    d = d < -most ? -most : d;
    return d > most ? most : d;
}

TGK_INLINE double smooth_l1(double d, double beta)
{
    return d < beta ? d * d / (2 * beta) : d - beta / 2;
}

TGK_INLINE double smooth_l1_slope(double d, double beta)
{
    return within(d / beta, 1);
}

TGK_REAL2(smooth_l1, smooth_l1(fabs(x - y), S));
SLOPE(smooth_l1, smooth_l1_slope);

static void smooth_l1_slope_backward(tg_node *node, tg_tensor *v, tg_tensor **grad_in)
{
    double beta = ((const slope_params *)node->params)->s;
    if (tg_at(v)->dtype == TG_F32) /* one that float32 takes for 0 would divide 0 by 0 */
        beta = fmax(beta, 0x1p-149);
    slope_gradients(node, v, tg_div_scalar(moved_near(node, v, beta), beta), grad_in);
}

static const tg_map_op smooth_l1_slope_op = {{.name = "smooth_l1_loss_backward",
                                              .forward = tg_map_forward,
                                              .backward = smooth_l1_slope_backward,
                                              .reads = SLOPE_READS},
                                             {smooth_l1_slope_f32, smooth_l1_slope_f64}};

static void smooth_l1_backward(tg_node *node, tg_tensor *grad_out, tg_tensor **grad_in)
{
    slopes(node, grad_out, grad_in, &smooth_l1_slope_op.op);
}

static const tg_map_op smooth_l1_op = {{.name = "smooth_l1_loss",
                                        .forward = tg_loss_forward,
                                        .backward = smooth_l1_backward,
                                        .reads = {READS_BOTH, READS_BOTH}},
                                       {smooth_l1_f32, smooth_l1_f64}};

static tg_tensor *smooth_l1_loss(tg_tensor *x, tg_tensor *t, double beta, tg_reduction reduction)
{
    TG_CHECK(tg_tape_in(x), beta >= 0, TG_EVALUE, "smooth_l1_loss: beta %g is not >= 0", beta);
    return beta > 0 ? distance(&smooth_l1_op.op, x, t, beta, reduction)
                    : tg_l1_loss(x, t, reduction);
}

tg_tensor *tg_smooth_l1_loss(tg_tensor *x, tg_tensor *t, double beta, tg_reduction reduction)
{
    TG_IN_SCOPE(&smooth_l1_op.op, smooth_l1_loss(x, t, beta, reduction), x, t);
}

TGK_INLINE double huber(double d, double delta)
{
    return d <= delta ? d * d / 2 : delta * (d - delta / 2);
}

TGK_REAL2(huber, huber(fabs(x - y), S));
SLOPE(huber, within);

static void huber_slope_backward(tg_node *node, tg_tensor *v, tg_tensor **grad_in)
{
    double delta = ((const slope_params *)node->params)->s;
    slope_gradients(node, v, moved_near(node, v, delta), grad_in);
}

static const tg_map_op huber_slope_op = {{.name = "huber_loss_backward",
                                          .forward = tg_map_forward,
                                          .backward = huber_slope_backward,
                                          .reads = SLOPE_READS},
                                         {huber_slope_f32, huber_slope_f64}};

static void huber_backward(tg_node *node, tg_tensor *grad_out, tg_tensor **grad_in)
{
    slopes(node, grad_out, grad_in, &huber_slope_op.op);
}

static const tg_map_op huber_op = {{.name = "huber_loss",
                                    .forward = tg_loss_forward,
                                    .backward = huber_backward,
                                    .reads = {READS_BOTH, READS_BOTH}},
                                   {huber_f32, huber_f64}};

tg_tensor *tg_huber_loss(tg_tensor *x, tg_tensor *t, double delta, tg_reduction reduction)
{
    if (!tg_check_inputs(&huber_op.op, 2, (tg_tensor *[]){x, t}))
        return NULL;
    TG_CHECK(tg_tape_in(x), delta > 0, TG_EVALUE, "huber_loss: delta %g is not > 0", delta);
    return distance(&huber_op.op, x, t, delta, reduction);
}

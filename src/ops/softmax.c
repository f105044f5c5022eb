/* softmax, log_softmax and logsumexp. Relies on kernels/softmax_rows.h. */
#include "ops/softmax.h"

#include "ops/arithmetic.h"
#include "ops/broadcast.h"
#include "ops/layout.h"
#include "ops/reduce.h"

#include "kernels/loops.h"
#include "kernels/quick.h"
#include "kernels/softmax_rows.h"

typedef struct dim_param {
    int dim;
} dim_param;

static int node_dim(const tg_node *node)
{
    return ((const dim_param *)node->params)->dim;
}

static const tgk_softmax *kernels(const tg_node *node)
{
    return &tgk_softmax_table[tg_node_tape(node)->isa][tg_at(node->out)->dtype];
}

static void run(tg_node *node, tgk_range *body, const void *from, const void *out)
{
    tg_around a = tg_around_dim(node->out, node_dim(node));
    tgk_rows rows = {a.outer, a.n, a.inner, tg_at(node->out)->data, from, out};
    if (tg_at(node->out)->numel)
        tgk_softmax_run(&tg_node_tape(node)->team, body, &rows);
}

static void forward(tg_node *node, tgk_range *body)
{
    const void *x = tg_contiguous_data(node, node->in[0]);
    if (x)
        run(node, body, x, NULL);
}

static void gradient_forward(tg_node *node, tgk_range *body)
{
    const void *g = tg_contiguous_data(node, node->in[0]);
    if (g) /* and the softmax is a result, which lies in order */
        run(node, body, g, tg_at(node->in[1])->data);
}

static tg_tensor *apply(const tg_op *op, tg_tensor *x, tg_tensor *y, int dim)
{
    tg_tensor *in[] = {x, y};
    if (!tg_check_inputs(op, y ? 2 : 1, in) || !tg_check_floats(op, 1, in))
        return NULL;
    dim_param param = {tg_check_dim(op, x, dim)};
    if (param.dim < 0)
        return NULL;
    return tg_apply(&(tg_call){.op = op,
                               .n_in = y ? 2 : 1,
                               .in = in,
                               .dtype = tg_at(x)->dtype,
                               .ndim = tg_at(x)->ndim,
                               .dims = tg_at(x)->dims,
                               .params = &param,
                               .params_size = sizeof param});
}

/* The gradient of the input, from that of the output: each row of it is made from the same row. */
static tg_tensor *gradient_over(const tg_node *node, const tg_op *op, tg_tensor *g)
{
    tg_tensor *in[] = {g, node->out};
    return tg_make(&(tg_making){
        {.op = op, .n_in = 2, .in = in, .params = node->params, .params_size = sizeof(dim_param)},
        .like = g,
        .gradient_of = node,
        .last_use = g});
}

/* x with its sum along dim taken away, weighted by w: x - sum(w * x). */
static tg_tensor *centred(tg_tensor *x, tg_tensor *w, int dim)
{
    return tg_sub(x, tg_sum_dim(tg_mul(w, x), dim, true));
}

static void softmax_gradient_forward(tg_node *node)
{
    gradient_forward(node, kernels(node)->softmax_backward);
}

/* dx = y (g - sum(g y)), so for an upstream v: to g, y (v - sum(v y)); to y,
 * v (g - sum(g y)) - g sum(v y). */
static void softmax_gradient_backward(tg_node *node, tg_tensor *v, tg_tensor **grad_in)
{
    tg_tensor *g = node->in[0], *y = node->in[1];
    int dim = node_dim(node);
    if (tg_needs_grad(node, 0))
        grad_in[0] = tg_softmax_gradient(v, y, dim);
    tg_tensor *direct = tg_mul(v, centred(g, y, dim));
    grad_in[1] = tg_sub(direct, tg_mul(g, tg_sum_dim(tg_mul(v, y), dim, true)));
}

static const tg_op softmax_gradient_op = {
    .name = "softmax_backward",
    .forward = softmax_gradient_forward,
    .backward = softmax_gradient_backward,
    .reads = {TG_READS_IN(1), TG_READS_IN(0) | TG_READS_IN(1)}};

tg_tensor *tg_softmax_gradient(tg_tensor *g, tg_tensor *y, int dim)
{
    return g ? apply(&softmax_gradient_op, g, y, dim) : NULL;
}

static void softmax_forward(tg_node *node)
{
    forward(node, kernels(node)->softmax);
}

static void softmax_backward(tg_node *node, tg_tensor *grad_out, tg_tensor **grad_in)
{
    grad_in[0] = gradient_over(node, &softmax_gradient_op, grad_out);
}

static const tg_op softmax_op = {.name = "softmax",
                                 .forward = softmax_forward,
                                 .backward = softmax_backward,
                                 .reads = {TG_READS_OUT}};

tg_tensor *tg_softmax(tg_tensor *x, int dim)
{
    return apply(&softmax_op, x, NULL, dim);
}

static void log_softmax_gradient_forward(tg_node *node)
{
    gradient_forward(node, kernels(node)->log_softmax_backward);
}

/* dx = g - e^y sum(g), so for an upstream v: to g, v - sum(v e^y); to y, -v e^y sum(g). */
static void log_softmax_gradient_backward(tg_node *node, tg_tensor *v, tg_tensor **grad_in)
{
    tg_tensor *g = node->in[0], *p = tg_exp(node->in[1]);
    int dim = node_dim(node);
    if (tg_needs_grad(node, 0))
        grad_in[0] = centred(v, p, dim);
    grad_in[1] = tg_neg(tg_mul(tg_mul(v, p), tg_sum_dim(g, dim, true)));
}

static const tg_op log_softmax_gradient_op = {
    .name = "log_softmax_backward",
    .forward = log_softmax_gradient_forward,
    .backward = log_softmax_gradient_backward,
    .reads = {TG_READS_IN(1), TG_READS_IN(0) | TG_READS_IN(1)}};

static void log_softmax_forward(tg_node *node)
{
    forward(node, kernels(node)->log_softmax);
}

static void log_softmax_backward(tg_node *node, tg_tensor *grad_out, tg_tensor **grad_in)
{
    grad_in[0] = gradient_over(node, &log_softmax_gradient_op, grad_out);
}

static const tg_op log_softmax_op = {.name = "log_softmax",
                                     .forward = log_softmax_forward,
                                     .backward = log_softmax_backward,
                                     .reads = {TG_READS_OUT}};

tg_tensor *tg_log_softmax(tg_tensor *x, int dim)
{
    return apply(&log_softmax_op, x, NULL, dim);
}

/* What is outside, among and inside the dims that are reduced; false where others lie between them. */
static bool around_reduced(const tg_node *node, tg_around *a)
{
    const tg_tensor *x = node->in[0];
    bool apart = false;
    *a = (tg_around){1, 1, 1};
    for (int i = 0; i < tg_at(x)->ndim; i++) {
        int64_t size = tg_at(x)->dims[i];
        if (size == tg_at(node->out)->dims[i]) {
            a->inner *= size;
            continue;
        }
        apart |= a->n != 1 && a->inner != 1;
        a->outer *= a->n == 1 ? a->inner : 1;
        a->inner = a->n == 1 ? 1 : a->inner;
        a->n *= size;
    }
    return !apart;
}

static void logsumexp_forward(tg_node *node)
{
    tg_around a;
    bool together = around_reduced(node, &a);
    const void *x = together ? tg_contiguous_data(node, node->in[0]) : NULL;
    if (!together) {
        a = (tg_around){0, 0, 1};
        x = tg_over_rows(node, &a.outer, &a.n);
    }
    if (!x)
        return;
    tg_tape *tape = tg_node_tape(node);
    tgk_rows rows = {a.outer, a.n, a.inner, tg_at(node->out)->data, x, NULL};
    tgk_softmax_run(&tape->team, tgk_softmax_table[tape->isa][tg_at(node->out)->dtype].logsumexp,
                    &rows);
}

/* What x, in a row of logsumexp y, gets of the gradient z. */
TGK_LOOP3_ROWS(share_f32, float, z *tgk_expf(x - y));
TGK_LOOP3_ROWS(share_f64, double, z *tgk_exp(x - y));

static void share_backward(tg_node *node, tg_tensor *v, tg_tensor **grad_in)
{
    tg_tensor *share = tg_exp(tg_sub(node->in[0], node->in[1]));
    tg_tensor *slope = tg_mul(tg_mul(v, node->in[2]), share);
    grad_in[0] = slope;
    grad_in[1] = tg_neg(slope);
    if (tg_needs_grad(node, 2))
        grad_in[2] = tg_mul(v, share);
}

#define READS_ALL (TG_READS_IN(0) | TG_READS_IN(1) | TG_READS_IN(2))
static const tg_map_op share_op = {
    {.name = "logsumexp_backward",
     .forward = tg_map_forward,
     .backward = share_backward,
     .reads = {READS_ALL, READS_ALL, TG_READS_IN(0) | TG_READS_IN(1)}},
    {share_f32, share_f64}};

static void logsumexp_backward(tg_node *node, tg_tensor *grad_out, tg_tensor **grad_in)
{
    tg_tensor *in[] = {node->in[0], node->out, grad_out};
    grad_in[0] = tg_gradient_of(node, 0, &share_op.op, 3, in, NULL, 0);
}

static const tg_op logsumexp_op = {.name = "logsumexp",
                                   .forward = logsumexp_forward,
                                   .backward = logsumexp_backward,
                                   .reads = {TG_READS_IN(0) | TG_READS_OUT}};

tg_tensor *tg_logsumexp_dims(tg_tensor *x, int n, const int64_t *dims, bool keepdim)
{
    tg_over over;
    if (!tg_over_open(&over, &logsumexp_op, x, n, dims))
        return NULL;
    x = tg_is_float(tg_at(x)->dtype) ? x : tg_to(x, TG_F32);
    tg_tensor *y = x ? tg_over_apply(&logsumexp_op, x, &over, tg_at(x)->dtype, 0) : NULL;
    return tg_over_close(&over, y, keepdim);
}

tg_tensor *tg_logsumexp_dim(tg_tensor *x, int dim, bool keepdim)
{
    return tg_logsumexp_dims(x, 1, (int64_t[]){dim}, keepdim);
}

tg_tensor *tg_logsumexp(tg_tensor *x)
{
    return tg_logsumexp_dims(x, 0, NULL, false);
}

/* Smooth functions and their slopes, see slope.h. */
#include "ops/slope.h"

tg_tensor *tg_times_slope(const tg_slope_op *slope, tg_tensor *g, tg_tensor *b, double s)
{
    return tg_apply_first(&slope->map.op, 2, (tg_tensor *[]){g, b}, &s, sizeof s);
}

void tg_slope_backward(tg_node *node, tg_tensor *v, tg_tensor **grad_in)
{
    tg_tensor *g = node->in[0], *b = node->in[1];
    double s = *(const double *)node->params;
    const tg_slope_op *slope = (const tg_slope_op *)node->op;
    if (tg_needs_grad(node, 0))
        grad_in[0] = tg_times_slope(slope, v, b, s);
    /* b requires a gradient wherever this is recorded: it was made for b's. So with other gradients of gradients. */
    if (slope->at_once)
        grad_in[1] =
            tg_gradient_of(node, 1, slope->at_once, 3, (tg_tensor *[]){v, g, b}, &s, sizeof s);
    else if (slope->second)
        grad_in[1] = slope->second(tg_mul(v, g), b, s);
}

static tg_tensor *smooth_gradient(const tg_node *node, tg_tensor *grad_out, tg_tensor *b)
{
    const tg_smooth_op *op = (const tg_smooth_op *)node->op;
    double s = op->numbered ? *(const double *)node->params : 0;
    return tg_gradient_over(node, grad_out, &op->slope->map.op, b, s);
}

void tg_smooth_backward_in(tg_node *node, tg_tensor *grad_out, tg_tensor **grad_in)
{
    grad_in[0] = smooth_gradient(node, grad_out, node->in[0]);
}

void tg_smooth_backward_out(tg_node *node, tg_tensor *grad_out, tg_tensor **grad_in)
{
    grad_in[0] = smooth_gradient(node, grad_out, node->out);
}

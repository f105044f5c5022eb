/* Norms. Relies on reduce.h and kernels/moments.h. */
#include "ops/reduce.h"

#include "kernels/loops.h"
#include "kernels/moments.h"
#include "ops/arithmetic.h"
#include "ops/broadcast.h"
#include "ops/layout.h"

#include <float.h>
#include <math.h>

tg_tensor *tg_over_root(tg_tensor *g, tg_tensor *y)
{
    tg_tensor *zero = tg_lt_scalar(y, tg_at(y)->dtype == TG_F32 ? (double)FLT_MIN : DBL_MIN);
    return tg_masked_fill(tg_div(g, tg_masked_fill(y, zero, 1)), zero, 0);
}

static void norm2_forward(tg_node *node)
{
    tg_header *out = tg_at(node->out);
    tg_rows rows;
    tg_rows_of(&rows, node->in[0], node->out);
    tgk_shift *shifts = tg_workspace(node, (uint64_t)out->numel * sizeof *shifts);
    tg_tape *tape = tg_node_tape(node);
    if (shifts)
        tgk_norm2(&tape->team, tape->isa, out->dtype,
                  &(tgk_moments){.out = out->data,
                                 .outer = rows.outer,
                                 .n = rows.n,
                                 .inner = rows.inner,
                                 .x = rows.data,
                                 .nest = &rows.nest,
                                 .shifts = shifts});
}

static void norm2_backward(tg_node *node, tg_tensor *grad_out, tg_tensor **grad_in)
{
    grad_in[0] = tg_gradient_product(node, 0, node->in[0], tg_over_root(grad_out, node->out));
}

static const tg_op norm_op = {.name = "norm",
                              .forward = norm2_forward,
                              .backward = norm2_backward,
                              .reads = {TG_READS_IN(0) | TG_READS_OUT}};

/* x^e of x >= 0; where the slope at 0 is infinite, the gradient there is 0. */
static tg_tensor *power(tg_tensor *x, double e)
{
    if (e >= 1)
        return tg_pow_scalar(x, e);
    tg_tensor *zero = tg_eq_scalar(x, 0), *y = tg_pow_scalar(tg_masked_fill(x, zero, 1), e);
    return tg_masked_fill(y, zero, e < 0 ? (double)INFINITY : 0);
}

/* 1 for what is not 0, also for nan, whose sign is 0. */
TGK_LOOP1(is_some_f32, float, float, x != 0 ? 1 : 0);
TGK_LOOP1(is_some_f64, double, double, x != 0 ? 1 : 0);

static void is_some_backward(tg_node *node, tg_tensor *g, tg_tensor **grad_in)
{
    (void)g;
    grad_in[0] = tg_flat_gradient(node->in[0]);
}

static const tg_map_op is_some_op = {
    {.name = "norm_of_0", .forward = tg_map_forward, .backward = is_some_backward},
    {is_some_f32, is_some_f64}};

/* Over the dims, which stay with size 1. */
static tg_tensor *norm(tg_tensor *x, double p, const tg_over *over, tg_dims dims)
{
    TG_CHECK(tg_tape_in(x), !isnan(p), TG_EVALUE, "norm: p is nan");
    if (!tg_check_floats(&norm_op, 1, &x))
        return NULL;
    TG_CHECK(tg_tape_in(x), p >= 0 || over->count, TG_ESHAPE, "norm: p %g of no elements", p);
    tg_dims kept = tg_shape_dims(&over->kept);
    if (p == 2)
        return tg_over_apply(&norm_op, x, over, tg_at(x)->dtype, 0);
    tg_tensor *a = p == 0 ? tg_unary(&is_some_op.op, x) : tg_abs(x);
    if (p == 1 || p == 0)
        return a ? tg_sum_over(a, kept) : NULL;
    if (isinf(p))
        return p > 0 ? tg_amax(a, dims.ndim, dims.sizes, true)
                     : tg_amin(a, dims.ndim, dims.sizes, true);
    tg_tensor *powers = power(a, p);
    return powers ? power(tg_sum_over(powers, kept), 1 / p) : NULL;
}

tg_tensor *tg_norm_dims(tg_tensor *x, double p, int n, const int64_t *dims, bool keepdim)
{
    TGK_IN_RIGHT_MODES(tg_tensor *, tg_norm_dims(x, p, n, dims, keepdim));
    tg_over over;
    if (!tg_over_open(&over, &norm_op, x, n, dims))
        return NULL;
    return tg_over_close(&over, norm(x, p, &over, (tg_dims){n, dims}), keepdim);
}

tg_tensor *tg_norm(tg_tensor *x, double p)
{
    return tg_norm_dims(x, p, 0, NULL, false);
}

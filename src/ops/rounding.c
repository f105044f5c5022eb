/* Whole numbers: floor, ceil, round, trunc, frac; remainders and quotients without one. Relies on
 * kernels/remainder.h. */
#include "ops/arithmetic.h"
#include "ops/broadcast.h"
#include "ops/layout.h"

#include "kernels/blocks.h"
#include "kernels/remainder.h"

#include <math.h>

static void flat_backward(tg_node *node, tg_tensor *g, tg_tensor **grad_in)
{
    (void)g;
    for (int i = 0; i < node->n_in; i++)
        grad_in[i] = tg_needs_grad(node, i) ? tg_flat_gradient(node->in[i]) : NULL;
}

/* tg_id() of floats, and of integers, which are whole. */
#define ROUNDING(id, value_f32, value_f64)                                                         \
    TGK_LOOP1(id##_f32, float, float, value_f32);                                                  \
    TGK_LOOP1(id##_f64, double, double, value_f64);                                                \
    static const tg_map_op id##_op = {                                                             \
        {.name = #id, .forward = tg_map_forward, .backward = flat_backward},                       \
        {id##_f32, id##_f64, same_i64}};                                                           \
    tg_tensor *tg_##id(tg_tensor *x)                                                               \
    {                                                                                              \
        return tg_unary(&id##_op.op, x);                                                           \
    }

TGK_LOOP1(same_i64, int64_t, int64_t, x);

ROUNDING(floor, floorf(x), floor(x))
ROUNDING(ceil, ceilf(x), ceil(x))
ROUNDING(round, rintf(x), rint(x))
ROUNDING(trunc, truncf(x), trunc(x))

TGK_LOOP1(frac_f32, float, float, x - truncf(x));
TGK_LOOP1(frac_f64, double, double, x - trunc(x));

static void frac_backward(tg_node *node, tg_tensor *g, tg_tensor **grad_in)
{
    (void)node;
    grad_in[0] = g;
}

static const tg_map_op frac_op = {
    {.name = "frac", .forward = tg_map_forward, .backward = frac_backward}, {frac_f32, frac_f64}};

tg_tensor *tg_frac(tg_tensor *x)
{
    return tg_unary(&frac_op.op, x);
}

/* --- divisions --- */

/* By -1 there is no rest; the quotient wraps around. */
TGK_INLINE int64_t int64_rest(int64_t x, int64_t y)
{
    return y == -1 ? 0 : x % y;
}

TGK_INLINE int64_t int64_remainder(int64_t x, int64_t y)
{
    int64_t rest = int64_rest(x, y);
    return rest != 0 && (rest < 0) != (y < 0) ? rest + y : rest;
}

TGK_INLINE int64_t int64_floor(int64_t x, int64_t y)
{
    int64_t rest = int64_rest(x, y);
    int64_t whole = y == -1 ? (int64_t)(0 - (uint64_t)x) : x / y;
    return whole - (rest != 0 && (rest < 0) != (y < 0) ? 1 : 0);
}

/* Of doubles that floats become, all is exact. */
#define DIVISION(id, near, any, integer)                                                           \
    TGK_BLOCK_OF(id##_block, , tgk_are_quotients(x, y, n), near, any)                              \
    TGK_BLOCKS(id, f32, 2, id##_block);                                                            \
    TGK_BLOCKS(id, f64, 2, id##_block);                                                            \
    TGK_LOOP2(id##_i64, int64_t, int64_t, integer(x, y))

DIVISION(fmod, tgk_divide(x[i], y[i]).rest, tgk_fmod(x[i], y[i]), int64_rest);
DIVISION(remainder, tgk_remainder_of(tgk_divide(x[i], y[i]).rest, y[i]),
         tgk_remainder_of(tgk_fmod(x[i], y[i]), y[i]), int64_remainder);
DIVISION(floor_divide, tgk_floor_divide_near(x[i], y[i]), tgk_floor_divide(x[i], y[i]),
         int64_floor);

static void division_forward(tg_node *node)
{
    const tg_tensor *b = node->in[1];
    const int64_t *by = tg_at(b)->dtype == TG_I64 ? tg_contiguous_data(node, b) : NULL;
    for (int64_t i = 0; by && i < tg_at(b)->numel; i++) {
        if (by[i] == 0) {
            tg_fail(tg_tape_in(b), TG_EVALUE, "%s: an integer divided by 0", node->op->name);
            return;
        }
    }
    tg_map_forward(node);
}

/* To the divisor, what is taken times it: -whole, which moves with nothing. */
static void rest_backward(tg_node *node, tg_tensor *g, tg_tensor **grad_in,
                          tg_tensor *(*whole)(tg_tensor *, tg_tensor *))
{
    grad_in[0] = g;
    if (tg_needs_grad(node, 1))
        grad_in[1] = tg_neg(tg_mul(g, whole(tg_detach(node->in[0]), tg_detach(node->in[1]))));
}

static tg_tensor *truncated(tg_tensor *a, tg_tensor *b)
{
    return tg_trunc(tg_div(a, b));
}

static void fmod_backward(tg_node *node, tg_tensor *g, tg_tensor **grad_in)
{
    rest_backward(node, g, grad_in, truncated);
}

static void remainder_backward(tg_node *node, tg_tensor *g, tg_tensor **grad_in)
{
    rest_backward(node, g, grad_in, tg_floor_divide);
}

#define READS_BOTH (TG_READS_IN(0) | TG_READS_IN(1))
static const tg_map_op fmod_op = {{.name = "fmod",
                                   .forward = division_forward,
                                   .backward = fmod_backward,
                                   .reads = {0, READS_BOTH}},
                                  {fmod_f32, fmod_f64, fmod_i64}};
static const tg_map_op remainder_op = {{.name = "remainder",
                                        .forward = division_forward,
                                        .backward = remainder_backward,
                                        .reads = {0, READS_BOTH}},
                                       {remainder_f32, remainder_f64, remainder_i64}};
static const tg_map_op floor_divide_op = {
    {.name = "floor_divide", .forward = division_forward, .backward = flat_backward},
    {floor_divide_f32, floor_divide_f64, floor_divide_i64}};

tg_tensor *tg_fmod(tg_tensor *a, tg_tensor *b)
{
    return tg_binary(&fmod_op.op, a, b, false);
}

tg_tensor *tg_remainder(tg_tensor *a, tg_tensor *b)
{
    return tg_binary(&remainder_op.op, a, b, false);
}

tg_tensor *tg_floor_divide(tg_tensor *a, tg_tensor *b)
{
    return tg_binary(&floor_divide_op.op, a, b, false);
}

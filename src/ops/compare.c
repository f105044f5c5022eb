/* Comparisons and logic: bool results, not differentiable. */
#include "ops/arithmetic.h"

#include "kernels/loops.h"

/* The loop is the inputs', not the output's. */
static void compare_forward(tg_node *node)
{
    tgk_loop *loop = tg_loop_of(node->out, tg_node_loops(node)[tg_at(node->in[0])->dtype]);
    tg_map(node->out, node->in, 2, loop, NULL);
}

static tg_tensor *compare(const tg_op *op, tg_tensor *a, tg_tensor *b)
{
    tg_tensor *in[] = {a, b}, *out = NULL;
    tg_shape shape;
    tg_scope scope;
    if (!tg_scope_open(&scope, op, 2, in))
        return NULL;
    if (tg_pair(op, in, false, &shape))
        out = tg_apply(&(tg_call){.op = op,
                                  .n_in = 2,
                                  .in = in,
                                  .dtype = TG_BOOL,
                                  .ndim = shape.ndim,
                                  .dims = shape.sizes});
    return tg_scope_close(&scope, out);
}

/* id_op from the expression that it stands for. */
#define COMPARISON(id, expression)                                                                 \
    TGK_LOOP2(id##_f32, bool, float, expression);                                                  \
    TGK_LOOP2(id##_f64, bool, double, expression);                                                 \
    TGK_LOOP2(id##_i64, bool, int64_t, expression);                                                \
    TGK_LOOP2(id##_bool, bool, bool, expression);                                                  \
    static const tg_map_op id##_op = {{.name = #id, .forward = compare_forward},                   \
                                      {id##_f32, id##_f64, id##_i64, id##_bool}}

COMPARISON(eq, x == y);
COMPARISON(ne, x != y);
COMPARISON(lt, x < y);
COMPARISON(le, x <= y);
COMPARISON(gt, x > y);
COMPARISON(ge, x >= y);

tg_tensor *tg_eq(tg_tensor *a, tg_tensor *b)
{
    return compare(&eq_op.op, a, b);
}

tg_tensor *tg_ne(tg_tensor *a, tg_tensor *b)
{
    return compare(&ne_op.op, a, b);
}

tg_tensor *tg_lt(tg_tensor *a, tg_tensor *b)
{
    return compare(&lt_op.op, a, b);
}

tg_tensor *tg_le(tg_tensor *a, tg_tensor *b)
{
    return compare(&le_op.op, a, b);
}

tg_tensor *tg_gt(tg_tensor *a, tg_tensor *b)
{
    return compare(&gt_op.op, a, b);
}

tg_tensor *tg_ge(tg_tensor *a, tg_tensor *b)
{
    return compare(&ge_op.op, a, b);
}

/* With a number: one of x's dtype, but float32 for an integer x and a number that is not whole. */
static tg_tensor *compare_scalar(const tg_op *op, tg_tensor *x, double s)
{
    tg_scope scope;
    if (!tg_scope_open(&scope, op, 1, &x))
        return NULL;
    int dtype = tg_is_float(tg_at(x)->dtype) ? tg_at(x)->dtype : tg_is_whole(s) ? TG_I64 : TG_F32;
    return tg_scope_close(&scope, compare(op, x, tg_full(tg_tape_in(x), TG_SCALAR, s, dtype)));
}

tg_tensor *tg_eq_scalar(tg_tensor *x, double s)
{
    return compare_scalar(&eq_op.op, x, s);
}

tg_tensor *tg_ne_scalar(tg_tensor *x, double s)
{
    return compare_scalar(&ne_op.op, x, s);
}

tg_tensor *tg_le_scalar(tg_tensor *x, double s)
{
    return compare_scalar(&le_op.op, x, s);
}

tg_tensor *tg_ge_scalar(tg_tensor *x, double s)
{
    return compare_scalar(&ge_op.op, x, s);
}

tg_tensor *tg_lt_scalar(tg_tensor *x, double s)
{
    return compare_scalar(&lt_op.op, x, s);
}

tg_tensor *tg_gt_scalar(tg_tensor *x, double s)
{
    return compare_scalar(&gt_op.op, x, s);
}

TGK_LOOP2(and_bool, bool, bool, (x & y));
TGK_LOOP2(or_bool, bool, bool, x | y);
TGK_LOOP2(xor_bool, bool, bool, x ^ y);
TGK_LOOP1(not_bool, uint8_t, uint8_t, x ^ 1); /* as bytes, of which there are vectors */

static const tg_map_op and_op = {{.name = "logical_and", .forward = tg_map_forward},
                                 {NULL, NULL, NULL, and_bool}};
static const tg_map_op or_op = {{.name = "logical_or", .forward = tg_map_forward},
                                {NULL, NULL, NULL, or_bool}};
static const tg_map_op xor_op = {{.name = "logical_xor", .forward = tg_map_forward},
                                 {NULL, NULL, NULL, xor_bool}};
static const tg_map_op not_op = {{.name = "logical_not", .forward = tg_map_forward},
                                 {NULL, NULL, NULL, not_bool}};

static tg_tensor *logical(const tg_op *op, tg_tensor *a, tg_tensor *b)
{
    TG_IN_SCOPE(op, tg_binary(op, tg_to(a, TG_BOOL), tg_to(b, TG_BOOL), false), a, b);
}

tg_tensor *tg_logical_and(tg_tensor *a, tg_tensor *b)
{
    return logical(&and_op.op, a, b);
}

tg_tensor *tg_logical_or(tg_tensor *a, tg_tensor *b)
{
    return logical(&or_op.op, a, b);
}

tg_tensor *tg_logical_xor(tg_tensor *a, tg_tensor *b)
{
    return logical(&xor_op.op, a, b);
}

tg_tensor *tg_logical_not(tg_tensor *x)
{
    TG_IN_SCOPE(&not_op.op, tg_apply_like(&not_op.op, tg_to(x, TG_BOOL)), x);
}

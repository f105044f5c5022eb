/* addmm and baddbmm: beta c + alpha a b, a product that is written onto a copy of c, so that nobody visits
 * it again. alpha goes into the smaller factor first. Relies on matmul.h. */
#include "ops/check.h"
#include "ops/matmul.h"
#include "ops/scope.h"

#include "kernels/loops.h"

#include <math.h>
#include <tinygrad/ops.h>

#define BETA (*(const double *)params)
TGK_LOOP1(share_f32, float, float, (x * (float)BETA));
TGK_LOOP1(share_f64, double, double, (x * BETA));

/* Where beta is 0, nothing is left of c, nor of its nan. */
static void addmm_forward(tg_node *node)
{
    static const tgk_loops loops[] = {share_f32, share_f64};
    const double *beta = node->params;
    bool onto = fabs(*beta) > 0 || isnan(*beta);
    if (onto)
        tg_map(node->out, node->in, 1, tg_loop_of(node->out, loops[tg_at(node->out)->dtype]), beta);
    tg_matmul_run(node, node->in[1], node->in[2], onto);
}

static void addmm_backward(tg_node *node, tg_tensor *grad_out, tg_tensor **grad_in)
{
    double beta = *(const double *)node->params;
    tg_tensor *a = node->in[1], *b = node->in[2];
    if (tg_needs_grad(node, 2))
        grad_in[2] = tg_matmul_gradient(node, 2, tg_transpose(a, -1, -2), grad_out);
    if (tg_needs_grad(node, 1))
        grad_in[1] = tg_matmul_gradient(node, 1, grad_out, tg_transpose(b, -1, -2));
    if (tg_needs_grad(node, 0))
        grad_in[0] = tg_mul_scalar(grad_out, beta);
}

#define OP(called)                                                                                 \
    {                                                                                              \
        .name = called, .forward = addmm_forward, .backward = addmm_backward, .reads = {           \
            0,                                                                                     \
            TG_READS_IN(2),                                                                        \
            TG_READS_IN(1)                                                                         \
        }                                                                                          \
    }
static const tg_op addmm_op = OP("addmm"), baddbmm_op = OP("baddbmm");

/* Whether c and two factors of `ndim` dims fit; the result's shape. */
static bool check(const tg_op *op, int ndim, tg_tensor *const *in, tg_shape *shape)
{
    tg_tape *tape = tg_tape_in(in[0]);
    const tg_header *c = tg_at(in[0]), *a = tg_at(in[1]), *b = tg_at(in[2]);
    TG_CHECK(tape, tg_is_float(c->dtype) && a->dtype == c->dtype && b->dtype == c->dtype, TG_EDTYPE,
             "%s: %s, %s and %s, wanted three tensors of one float dtype", op->name,
             tg_dtype_name(c->dtype), tg_dtype_name(a->dtype), tg_dtype_name(b->dtype));
    TG_CHECK(tape, a->ndim == ndim && b->ndim == ndim, TG_ESHAPE, "%s: %s x %s: both need %d dims",
             op->name, tg_shape_of(in[1]).chars, tg_shape_of(in[2]).chars, ndim);
    TG_CHECK(tape, a->dims[ndim - 1] == b->dims[ndim - 2], TG_ESHAPE,
             "%s: %s x %s: inner sizes %lld and %lld differ", op->name, tg_shape_of(in[1]).chars,
             tg_shape_of(in[2]).chars, (long long)a->dims[ndim - 1], (long long)b->dims[ndim - 2]);
    TG_CHECK(tape, ndim == 2 || a->dims[0] == b->dims[0], TG_ESHAPE,
             "%s: %s x %s: batches of %lld and %lld", op->name, tg_shape_of(in[1]).chars,
             tg_shape_of(in[2]).chars, (long long)a->dims[0], (long long)b->dims[0]);
    *shape = tg_shape_copy(tg_dims_of(in[1]));
    shape->sizes[ndim - 1] = b->dims[ndim - 1];
    TG_CHECK(tape, tg_shape_expands(tg_dims_of(in[0]), tg_shape_dims(shape)), TG_ESHAPE,
             "%s: %s does not broadcast to the product's %s", op->name, tg_shape_of(in[0]).chars,
             tg_shape_text(tg_shape_dims(shape)).chars);
    return tg_tensor_check(tape, op->name, tg_shape_dims(shape), 0);
}

static tg_tensor *add_product(const tg_op *op, int ndim, tg_tensor **in, double beta, double alpha)
{
    tg_shape shape;
    if (!check(op, ndim, in, &shape))
        return NULL;
    tg_tensor **smaller = tg_at(in[1])->numel <= tg_at(in[2])->numel ? &in[1] : &in[2];
    if (alpha < 1 || alpha > 1 || isnan(alpha))
        *smaller = tg_mul_scalar(*smaller, alpha);
    return *smaller ? tg_apply(&(tg_call){.op = op,
                                          .n_in = 3,
                                          .in = in,
                                          .dtype = tg_at(in[0])->dtype,
                                          .ndim = ndim,
                                          .dims = shape.sizes,
                                          .params = &beta,
                                          .params_size = sizeof beta})
                    : NULL;
}

tg_tensor *tg_addmm(tg_tensor *c, tg_tensor *a, tg_tensor *b, double beta, double alpha)
{
    tg_tensor *in[] = {c, a, b};
    TG_IN_SCOPE_GIVEN(&addmm_op, 3, in, 3, add_product(&addmm_op, 2, in, beta, alpha));
}

tg_tensor *tg_baddbmm(tg_tensor *c, tg_tensor *a, tg_tensor *b, double beta, double alpha)
{
    tg_tensor *in[] = {c, a, b};
    TG_IN_SCOPE_GIVEN(&baddbmm_op, 3, in, 3, add_product(&baddbmm_op, 3, in, beta, alpha));
}

/* Sums so far. Relies on kernels/rows.h. */
#include "ops/arithmetic.h"
#include "ops/layout.h"

#include "kernels/rows.h"

typedef struct direction {
    int dim, backward;
} direction;

static void cumsum_forward(tg_node *node)
{
    const direction *d = node->params;
    tg_tape *tape = tg_node_tape(node);
    tg_around a = tg_around_dim(node->in[0], d->dim);
    tgk_running r = {.out = tg_at(node->out)->data,
                     .x = tg_contiguous_data(node, node->in[0]),
                     .outer = a.outer,
                     .n = a.n,
                     .inner = a.inner,
                     .from_end = d->backward};
    if (r.x)
        tgk_running_sums(&tape->team, tape->isa, tg_at(node->in[0])->dtype, &r);
}

static void cumsum_backward(tg_node *node, tg_tensor *grad_out, tg_tensor **grad_in)
{
    const direction *d = node->params;
    direction other = {d->dim, !d->backward};
    grad_in[0] = tg_gradient_of(node, 0, node->op, 1, &grad_out, &other, sizeof other);
}

static const tg_op cumsum_op = {
    .name = "cumsum", .forward = cumsum_forward, .backward = cumsum_backward};

static tg_tensor *cumsum(tg_tensor *x, direction d)
{
    return tg_apply(&(tg_call){.op = &cumsum_op,
                               .n_in = 1,
                               .in = &x,
                               .dtype = tg_is_float(tg_at(x)->dtype) ? tg_at(x)->dtype : TG_I64,
                               .ndim = tg_at(x)->ndim,
                               .dims = tg_at(x)->dims,
                               .params = &d,
                               .params_size = sizeof d});
}

tg_tensor *tg_cumsum(tg_tensor *x, int dim)
{
    if (!tg_check_inputs(&cumsum_op, 1, &x) || (dim = tg_check_dim(&cumsum_op, x, dim)) < 0)
        return NULL;
    return cumsum(x, (direction){dim, 0});
}

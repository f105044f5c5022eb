/* Products: prod and cumprod, with gradients that hold where there are zeros. Those of cumprod are
 * a linear recurrence; as is the gradient of a recurrence, the other way. Relies on
 * kernels/products.h. */
#include "kernels/products.h"
#include "ops/arithmetic.h"
#include "ops/layout.h"
#include "ops/reduce.h"

typedef struct way {
    int dim;
    bool from_end, shifted;
} way;

static tgk_products products_of(tg_node *node, const way *w)
{
    tg_around a = tg_around_dim(node->in[0], w->dim);
    return (tgk_products){.out = tg_at(node->out)->data,
                          .x = tg_contiguous_data(node, node->in[0]),
                          .outer = a.outer,
                          .n = a.n,
                          .inner = a.inner,
                          .from_end = w->from_end,
                          .shifted = w->shifted};
}

static tg_tensor *apply(const tg_op *op, int n, tg_tensor *const *in, way w)
{
    for (int i = 0; i < n; i++) {
        if (!in[i])
            return NULL;
    }
    return tg_apply(
        &(tg_call){.op = op,
                   .n_in = n,
                   .in = in,
                   .dtype = tg_is_float(tg_at(in[0])->dtype) ? tg_at(in[0])->dtype : TG_I64,
                   .ndim = tg_at(in[0])->ndim,
                   .dims = tg_at(in[0])->dims,
                   .params = &w,
                   .params_size = sizeof w});
}

/* x moved along dim by one, towards the end or, `back`, the start; what comes in is `value`. */
static tg_tensor *shift(tg_tensor *x, int dim, bool back, double value)
{
    int64_t pads[2 * TG_MAX_NDIM] = {0};
    if (!x || tg_at(x)->ndim == 0)
        return x ? tg_full(tg_tape_in(x), TG_SCALAR, value, tg_at(x)->dtype) : NULL;
    int behind = tg_at(x)->ndim - 1 - dim;
    if (tg_at(x)->dims[dim] == 0)
        return x;
    pads[2 * behind] = back ? -1 : 1;
    pads[2 * behind + 1] = back ? 1 : -1;
    return tg_pad(x, 2 * (behind + 1), pads, TG_PAD_CONSTANT, value);
}

/* --- recurrence: h[k] = x[k] + by[k] h[k - 1]; shifted, by[k - 1] h[k - 1]; from either end --- */

static void recur_forward(tg_node *node)
{
    tgk_products p = products_of(node, node->params);
    p.by = tg_contiguous_data(node, node->in[1]);
    if (p.x && p.by)
        tgk_recurrence(&tg_node_tape(node)->team, tg_node_tape(node)->isa, tg_at(node->out)->dtype,
                       &p);
}

/* g becomes the gradient of x by the recurrence that goes the other way; of it, each element of
 * `by` gets the product of the two that it stands between. */
static void recur_backward(tg_node *node, tg_tensor *grad_out, tg_tensor **grad_in)
{
    const way *w = node->params;
    tg_tensor *g = apply(node->op, 2, (tg_tensor *[]){grad_out, node->in[1]},
                         (way){w->dim, !w->from_end, !w->shifted});
    if (tg_needs_grad(node, 0))
        grad_in[0] = g;
    if (g) /* the factors want a gradient: they are what a product is made of */
        grad_in[1] = w->shifted ? tg_mul(shift(g, w->dim, !w->from_end, 0), node->out)
                                : tg_mul(g, shift(node->out, w->dim, w->from_end, 0));
}

static const tg_op recur_op = {.name = "recurrence",
                               .forward = recur_forward,
                               .backward = recur_backward,
                               .reads = {TG_READS_IN(1), TG_READS_IN(1) | TG_READS_OUT}};

static tg_tensor *recur(tg_tensor *x, tg_tensor *by, way w)
{
    return apply(&recur_op, 2, (tg_tensor *[]){x, by}, w);
}

/* --- cumprod --- */

static void cumprod_forward(tg_node *node)
{
    tgk_products p = products_of(node, node->params);
    if (p.x)
        tgk_running_products(&tg_node_tape(node)->team, tg_node_tape(node)->isa,
                             tg_at(node->in[0])->dtype, &p);
}

/* Element k is in all products from its own on: it gets what stands before it times the sum of g[i]
 * x[k + 1] ... x[i] for i from k on, which is a recurrence from the end. */
static void cumprod_backward(tg_node *node, tg_tensor *grad_out, tg_tensor **grad_in)
{
    const way *w = node->params;
    tg_tensor *before = shift(node->out, w->dim, w->from_end, 1);
    grad_in[0] = tg_mul(before, recur(grad_out, node->in[0], (way){w->dim, !w->from_end, true}));
}

static const tg_op cumprod_op = {.name = "cumprod",
                                 .forward = cumprod_forward,
                                 .backward = cumprod_backward,
                                 .reads = {TG_READS_IN(0) | TG_READS_OUT}};

tg_tensor *tg_cumprod(tg_tensor *x, int dim)
{
    if (!tg_check_inputs(&cumprod_op, 1, &x) || (dim = tg_check_dim(&cumprod_op, x, dim)) < 0)
        return NULL;
    return apply(&cumprod_op, 1, &x, (way){.dim = dim});
}

/* --- prod --- */

static void prod_forward(tg_node *node)
{
    tgk_products p = products_of(node, node->params);
    if (p.x)
        tgk_product(&tg_node_tape(node)->team, tg_node_tape(node)->isa, tg_at(node->in[0])->dtype,
                    &p);
}

static void others_forward(tg_node *node)
{
    tgk_products p = products_of(node, node->params);
    p.by = tg_contiguous_data(node, node->in[1]);
    if (p.x && p.by)
        tgk_other_products(&tg_node_tape(node)->team, tg_node_tape(node)->isa,
                           tg_at(node->out)->dtype, &p);
}

/* The gradient of the sum of v[i] (the product of all x but x[i]): x[k] gets, of each i before it,
 * what the others before it and those behind it make; and of each i behind it. Both sums are
 * recurrences. */
static tg_tensor *others_slope(tg_tensor *x, tg_tensor *v, int dim)
{
    tg_tensor *halves[2];
    for (int end = 0; end < 2; end++) {
        tg_tensor *near = apply(&cumprod_op, 1, &x, (way){.dim = dim, .from_end = end});
        tg_tensor *far = apply(&cumprod_op, 1, &x, (way){.dim = dim, .from_end = !end});
        near = shift(near, dim, end, 1);
        far = shift(far, dim, !end, 1);
        tg_tensor *sum = recur(tg_mul(v, near), x, (way){.dim = dim, .from_end = end});
        halves[end] = tg_mul(shift(sum, dim, end, 0), far);
    }
    return tg_add(halves[0], halves[1]);
}

/* x and g, which has size 1 in dim. */
static void others_backward(tg_node *node, tg_tensor *grad_out, tg_tensor **grad_in)
{
    tg_tensor *x = node->in[0], *g = node->in[1];
    const way *w = node->params;
    grad_in[0] = others_slope(x, tg_mul(grad_out, g), w->dim);
    if (!tg_needs_grad(node, 1))
        return;
    tg_tensor *ones = tg_full(tg_tape_in(g), tg_at(g)->ndim, tg_at(g)->dims, 1, tg_at(g)->dtype);
    tg_tensor *others = apply(node->op, 2, (tg_tensor *[]){x, ones}, *w);
    grad_in[1] = others ? tg_mul(grad_out, others) : NULL;
}

static const tg_op others_op = {.name = "prod_backward",
                                .forward = others_forward,
                                .backward = others_backward,
                                .reads = {TG_READS_IN(0) | TG_READS_IN(1), TG_READS_IN(0)}};

static void prod_backward(tg_node *node, tg_tensor *grad_out, tg_tensor **grad_in)
{
    grad_in[0] = tg_gradient_of(node, 0, &others_op, 2, (tg_tensor *[]){node->in[0], grad_out},
                                node->params, sizeof(way));
}

static const tg_op prod_op = {
    .name = "prod", .forward = prod_forward, .backward = prod_backward, .reads = {TG_READS_IN(0)}};

/* Along dim, which stays with size 1. */
static tg_tensor *prod(tg_tensor *x, const tg_over *over, int dim)
{
    way w = {.dim = tg_shape_dim(tg_at(x)->ndim, dim)};
    return tg_apply(&(tg_call){.op = &prod_op,
                               .n_in = 1,
                               .in = &x,
                               .dtype = tg_is_float(tg_at(x)->dtype) ? tg_at(x)->dtype : TG_I64,
                               .ndim = over->kept.ndim,
                               .dims = over->kept.sizes,
                               .params = &w,
                               .params_size = sizeof w});
}

tg_tensor *tg_prod_dim(tg_tensor *x, int dim, bool keepdim)
{
    tg_over over;
    if (!tg_over_open(&over, &prod_op, x, 1, (int64_t[]){dim}))
        return NULL;
    return tg_over_close(&over, prod(x, &over, dim), keepdim);
}

static tg_tensor *prod_of_all(tg_tensor *x)
{
    return tg_prod_dim(tg_reshape(x, 1, (int64_t[]){tg_at(x)->numel}), 0, false);
}

tg_tensor *tg_prod(tg_tensor *x)
{
    TG_IN_SCOPE(&prod_op, prod_of_all(x), x);
}

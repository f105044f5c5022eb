/* cross_entropy: recording and gradients. The numbers are made in kernels/loss/entropy.c.
 *
 * With a the weighted, smoothed and (for a mean) divided targets, the loss is -sum(a log p), and
 * its gradient dx = g (p sum(a) - a). Gradients of that, and gradients to probability targets
 * and weights, are composed of other operations. */
#include "ops/nn/cross_entropy.h"
#include "ops/layout.h"

#include "kernels/loss/coefficients.h"

static const tg_ce_params *params_of(const tg_node *node)
{
    return node->params;
}

/* --- gradients composed of other operations --- */

/* The shape of the input with one class. */
static tg_shape one_class(const tg_tensor *x)
{
    tg_shape shape = tg_shape_copy(tg_dims_of(x));
    shape.sizes[tg_at(x)->ndim == 1 ? 0 : 1] = 1;
    return shape;
}

/* The gradient of the loss, seen in that shape. */
static tg_tensor *spread(const tg_ce_params *p, tg_tensor *g, const tg_tensor *x)
{
    tg_shape shape = one_class(x);
    return p->reduction == TG_NONE ? tg_reshape(g, shape.ndim, shape.sizes) : g;
}

/* A value per class, seen in the shape of the input. */
static tg_tensor *along_classes(tg_tensor *weight, const tg_tensor *x)
{
    if (!weight)
        return NULL;
    int64_t sizes[TG_MAX_NDIM];
    for (int i = 0; i < tg_at(x)->ndim; i++)
        sizes[i] = 1;
    sizes[tg_at(x)->ndim == 1 ? 0 : 1] = tg_at(weight)->numel;
    return tg_reshape(weight, tg_at(x)->ndim, sizes);
}

static tg_tensor *times(tg_tensor *a, tg_tensor *optional)
{
    return optional ? tg_mul(a, optional) : a;
}

static tg_tensor *smoothed(const tg_ce_params *p, tg_tensor *q)
{
    double e = p->smoothing;
    return e > 0 ? tg_add_scalar(tg_mul_scalar(q, 1 - e), e / (double)p->c) : q;
}

static tg_tensor *averaged(const tg_ce_params *p, tg_tensor *t)
{
    return p->reduction == TG_MEAN ? tg_div_scalar(t, (double)(p->n * p->d)) : t;
}

/* For a term -sum(g a h): the gradients to probability targets and to the weight. */
static void target_gradients(tg_node *node, int first, tg_tensor *g, tg_tensor *h,
                             tg_tensor **grad_in)
{
    const tg_ce_params *p = params_of(node);
    tg_tensor *q = node->in[first], *weight = node->in[first + 1];
    bool to_targets = tg_needs_grad(node, first), to_weight = tg_needs_grad(node, first + 1);
    if (!to_targets && !to_weight)
        return;
    /* Factors of h, which may be huge, come before it: they may be 0. */
    tg_tensor *down = averaged(p, tg_neg(spread(p, g, h)));
    if (to_targets) {
        tg_tensor *factor = times(down, along_classes(weight, h));
        grad_in[first] = tg_mul(tg_mul_scalar(factor, 1 - p->smoothing), h);
    }
    if (!to_weight)
        return;
    tg_tensor *dw = tg_mul(tg_mul(down, smoothed(p, q)), h);
    for (int i = tg_at(h)->ndim - 1; i >= 0 && tg_at(h)->ndim > 1; i--) {
        if (i != 1)
            dw = tg_sum_dim(dw, i, true);
    }
    grad_in[first + 1] = tg_reshape(dw, 1, (int64_t[]){p->c});
}

static void coefficients_forward(tg_node *node)
{
    tgk_ce args = tg_ce_args(node, NULL, node->in[0], node->in[1]);
    tgk_coefficients_table[tg_at(node->out)->dtype](&args, tg_at(node->out)->data);
}

static const tg_op coefficients_op = {.name = "cross_entropy_coefficients",
                                      .forward = coefficients_forward};

/* a, in the shape of the input x. */
static tg_tensor *coefficients(const tg_ce_params *p, const tg_tensor *x, tg_tensor *targets,
                               tg_tensor *weight)
{
    if (p->probabilities)
        return averaged(p, times(smoothed(p, targets), along_classes(weight, x)));
    tg_tensor *in[] = {targets, weight};
    return tg_apply(&(tg_call){.op = &coefficients_op,
                               .n_in = 2,
                               .in = in,
                               .dtype = tg_at(x)->dtype,
                               .ndim = tg_at(x)->ndim,
                               .dims = tg_at(x)->dims,
                               .params = p,
                               .params_size = sizeof *p});
}

static void ignored_forward(tg_node *node)
{
    const tg_tensor *targets = node->in[0];
    const int64_t *target = (const int64_t *)(void *)tg_at(targets)->data;
    bool *out = (bool *)tg_at(node->out)->data;
    for (int64_t i = 0; i < tg_at(targets)->numel; i++)
        out[i] = target[i] == params_of(node)->ignore;
}

static const tg_op ignored_op = {.name = "cross_entropy_ignored", .forward = ignored_forward};

/* Which positions of x are ignored, the class dim being 1; NULL for probabilities. */
static tg_tensor *ignored(const tg_ce_params *p, const tg_tensor *x, tg_tensor *targets)
{
    tg_shape shape = one_class(x);
    return p->probabilities ? NULL
                            : tg_apply(&(tg_call){.op = &ignored_op,
                                                  .n_in = 1,
                                                  .in = &targets,
                                                  .dtype = TG_BOOL,
                                                  .ndim = shape.ndim,
                                                  .dims = shape.sizes,
                                                  .params = p,
                                                  .params_size = sizeof *p});
}

/* 0 at those positions, where anything else may stand: no factor of 0 makes 0 of a nan. */
static tg_tensor *skipping(tg_tensor *hidden, tg_tensor *t)
{
    return hidden ? tg_masked_fill(t, hidden, 0) : t;
}

/* --- recording --- */

/* Inputs {g, x, targets, weight, stats of the forward pass}. */
static void ce_gradient_forward(tg_node *node)
{
    const void *g = tg_contiguous_data(node, node->in[0]);
    tgk_ce args = tg_ce_args(node, node->in[1], node->in[2], node->in[3]);
    if (g)
        tgk_loss_table[tg_node_tape(node)->isa][tg_at(node->out)->dtype].backward(
            &args, (const double *)(void *)tg_at(node->in[4])->data, g, tg_at(node->out)->data);
}

/* With h = v - sum(p v), the product of v and dx is -sum(g a h). */
static void ce_gradient_backward(tg_node *node, tg_tensor *v, tg_tensor **grad_in)
{
    const tg_ce_params *p = params_of(node);
    tg_tensor *g = node->in[0], *x = node->in[1];
    int class_dim = tg_at(x)->ndim == 1 ? 0 : 1;
    tg_tensor *a = coefficients(p, x, node->in[2], node->in[3]);
    tg_tensor *hidden = ignored(p, x, node->in[2]);
    tg_tensor *prob = tg_softmax(skipping(hidden, x), class_dim);
    v = skipping(hidden, v);
    tg_tensor *h = tg_sub(v, tg_sum_dim(tg_mul(prob, v), class_dim, true));
    if (!a || !h)
        return;
    if (tg_needs_grad(node, 0))
        grad_in[0] = tg_neg(p->reduction == TG_NONE ? tg_sum_dim(tg_mul(a, h), class_dim, false)
                                                    : tg_sum(tg_mul(a, h)));
    tg_tensor *share = tg_mul(prob, h), *total = tg_sum_dim(a, class_dim, true);
    grad_in[1] = skipping(hidden, tg_mul(share, tg_mul(spread(p, g, x), total)));
    target_gradients(node, 2, g, h, grad_in);
}

enum { CE_READS = TG_READS_IN(1) | TG_READS_IN(2) | TG_READS_IN(3) };

static const tg_op ce_gradient_op = {.name = "cross_entropy_backward",
                                     .forward = ce_gradient_forward,
                                     .backward = ce_gradient_backward,
                                     .reads = {CE_READS, CE_READS | TG_READS_IN(0),
                                               CE_READS | TG_READS_IN(0),
                                               CE_READS | TG_READS_IN(0)}};

static void ce_forward(tg_node *node)
{
    if (!tg_ce_targets_are_classes(node, node->in[1]))
        return;
    tgk_ce args = tg_ce_args(node, node->in[0], node->in[1], node->in[2]);
    tgk_loss_table[tg_node_tape(node)->isa][tg_at(node->out)->dtype].forward(
        &args, tg_at(node->out)->data, (double *)(void *)tg_at(node->saved)->data);
}

static tg_call gradient_call(const tg_ce_params *p, tg_tensor *const *in)
{
    const tg_tensor *x = in[1];
    return (tg_call){.op = &ce_gradient_op,
                     .n_in = 5,
                     .in = in,
                     .dtype = tg_at(x)->dtype,
                     .ndim = tg_at(x)->ndim,
                     .dims = tg_at(x)->dims,
                     .params = p,
                     .params_size = sizeof *p};
}

tg_tensor *tg_ce_gradient(const tg_ce_params *p, tg_tensor *const *in)
{
    tg_call call = gradient_call(p, in);
    return tg_apply(&call);
}

static void ce_backward(tg_node *node, tg_tensor *grad_out, tg_tensor **grad_in)
{
    tg_tensor *x = node->in[0];
    tg_tensor *in[] = {grad_out, x, node->in[1], node->in[2], node->saved};
    if (tg_needs_grad(node, 0)) {
        const tg_ce_params *p = params_of(node);
        tg_call call = gradient_call(p, in);
        grad_in[0] = tg_make(
            &(tg_making){call, .gradient_of = node, .last_use = p->probabilities ? NULL : x});
    }
    if (tg_needs_grad(node, 1) || tg_needs_grad(node, 2)) {
        tg_tensor *log_p = tg_log_softmax(x, tg_at(x)->ndim == 1 ? 0 : 1);
        if (log_p)
            target_gradients(node, 1, grad_out, log_p, grad_in);
    }
}

static const tg_op ce_op = {.name = "cross_entropy",
                            .forward = ce_forward,
                            .backward = ce_backward,
                            .reads = {TG_READS_IN(0) | TG_READS_IN(1) | TG_READS_IN(2),
                                      TG_READS_IN(0) | TG_READS_IN(2),
                                      TG_READS_IN(0) | TG_READS_IN(1)}};

static bool check_probability_targets(const tg_tensor *x, const tg_tensor *targets,
                                      const tg_ce_opts *o)
{
    tg_tape *tape = tg_tape_in(x);
    TG_CHECK(tape, tg_at(targets)->dtype == tg_at(x)->dtype, TG_EDTYPE,
             "cross_entropy: probability targets are %s for an input %s",
             tg_dtype_name(tg_at(targets)->dtype), tg_dtype_name(tg_at(x)->dtype));
    TG_CHECK(tape, !o->has_ignore_index || o->ignore_index < 0, TG_EVALUE,
             "cross_entropy: ignore_index %lld is given with probability targets",
             (long long)o->ignore_index);
    return true;
}

static tg_tensor *cross_entropy(tg_tensor **in, const tg_ce_opts *o)
{
    const char *name = ce_op.name;
    tg_tensor *x = in[0], *targets = in[1];
    tg_ce_params p = tg_ce_params_of(o);
    p.probabilities = tg_shape_equal(tg_dims_of(x), tg_dims_of(targets));
    if (!tg_ce_check_scores(name, x, &p) || !tg_ce_check_smoothing(name, x, o->label_smoothing) ||
        !(p.probabilities ? check_probability_targets(x, targets, o)
                          : tg_ce_check_index_targets(name, in)) ||
        !tg_ce_check_weight(name, x, p.c, in[2]) || !tg_check_reduction(&ce_op, x, o->reduction))
        return NULL;
    return tg_ce_apply(&ce_op, in, &p, p.n * p.d * TGK_CE_STATS + TGK_CE_TOTALS);
}

tg_tensor *tg_cross_entropy(tg_tensor *logits, tg_tensor *targets, const tg_ce_opts *opts)
{
    const tg_ce_opts o = opts ? *opts : (tg_ce_opts){0};
    tg_tensor *in[] = {logits, targets, o.weight};
    TG_IN_SCOPE_GIVEN(&ce_op, 3, in, 2, cross_entropy(in, &o));
}

/* nll_loss: a loss of log-probabilities of classes. The numbers are made in kernels/loss/entropy.c. */
#include "ops/layout.h"
#include "ops/nn/cross_entropy.h"

static const tg_op nll_op;

static void nll_gradient_forward(tg_node *node)
{
    const void *g = tg_contiguous_data(node, node->in[0]);
    tgk_ce args = tg_ce_args(node, NULL, node->in[1], node->in[2]);
    if (g)
        tgk_loss_table[tg_node_tape(node)->isa][tg_at(node->out)->dtype].nll_backward(
            &args, (const double *)(void *)tg_at(node->in[3])->data, g, tg_at(node->out)->data);
}

/* Linear in g, and so the loss itself is its gradient. */
static void nll_gradient_backward(tg_node *node, tg_tensor *v, tg_tensor **grad_in)
{
    tg_tensor *in[] = {v, node->in[1], node->in[2]};
    grad_in[0] = tg_ce_apply(&nll_op, in, node->params, TGK_CE_TOTALS);
}

static const tg_op nll_gradient_op = {.name = "nll_loss_backward",
                                      .forward = nll_gradient_forward,
                                      .backward = nll_gradient_backward,
                                      .reads = {TG_READS_IN(1) | TG_READS_IN(2)}};

static void nll_forward(tg_node *node)
{
    if (!tg_ce_targets_are_classes(node, node->in[1]))
        return;
    tgk_ce args = tg_ce_args(node, node->in[0], node->in[1], node->in[2]);
    tgk_loss_table[tg_node_tape(node)->isa][tg_at(node->out)->dtype].nll_forward(
        &args, tg_at(node->out)->data, (double *)(void *)tg_at(node->saved)->data);
}

static void nll_backward(tg_node *node, tg_tensor *grad_out, tg_tensor **grad_in)
{
    tg_tensor *x = node->in[0];
    tg_tensor *in[] = {grad_out, node->in[1], node->in[2], node->saved};
    grad_in[0] = tg_make(&(tg_making){{.op = &nll_gradient_op,
                                       .n_in = 4,
                                       .in = in,
                                       .params = node->params,
                                       .params_size = sizeof(tg_ce_params)},
                                      .like = x,
                                      .gradient_of = node});
}

static const tg_op nll_op = {.name = "nll_loss",
                             .forward = nll_forward,
                             .backward = nll_backward,
                             .reads = {TG_READS_IN(1) | TG_READS_IN(2)}};

static tg_tensor *nll(tg_tensor **in, const tg_nll_opts *o)
{
    const char *name = nll_op.name;
    tg_ce_params p = {.ignore = o->has_ignore_index ? o->ignore_index : -100,
                      .reduction = o->reduction};
    if (!tg_ce_check_scores(name, in[0], &p) || !tg_ce_check_index_targets(name, in) ||
        !tg_ce_check_weight(name, in[0], p.c, in[2]) ||
        !tg_check_reduction(&nll_op, in[0], o->reduction))
        return NULL;
    return tg_ce_apply(&nll_op, in, &p, TGK_CE_TOTALS);
}

tg_tensor *tg_nll_loss(tg_tensor *log_probs, tg_tensor *targets, const tg_nll_opts *opts)
{
    const tg_nll_opts o = opts ? *opts : (tg_nll_opts){0};
    tg_tensor *in[] = {log_probs, targets, o.weight};
    TG_IN_SCOPE_GIVEN(&nll_op, 3, in, 2, nll(in, &o));
}

/* What nll_loss, cross_entropy, and the same loss of logits that a linear layer makes, share. Names
 * are those that messages begin with. */
#ifndef TG_OPS_CROSS_ENTROPY_H
#define TG_OPS_CROSS_ENTROPY_H

#include "ops/nn/loss.h"

#include "kernels/loss/entropy.h"

/* What an operation is told, beside its inputs: its params begin with this. */
typedef struct tg_ce_params {
    int64_t n, c, d;
    double smoothing;
    int64_t ignore;
    tg_reduction reduction;
    bool probabilities;
} tg_ce_params;

/* All but the sizes. */
tg_ce_params tg_ce_params_of(const tg_ce_opts *opts);

/* The kernels' view of x (NULL: none), targets and weight. */
tgk_ce tg_ce_args(const tg_node *node, const tg_tensor *x, const tg_tensor *targets,
                  const tg_tensor *weight);
/* In forward, so that a replay looks at its new targets as well. */
bool tg_ce_targets_are_classes(const tg_node *node, const tg_tensor *targets);

/* The input of a loss; gives its sizes. */
bool tg_ce_check_scores(const char *name, const tg_tensor *x, tg_ce_params *p);
/* Classes for positions of these dims of the input x; `hint` ends the message where targets have
 * others. */
bool tg_ce_check_targets(const char *name, const tg_tensor *x, tg_dims positions,
                         const tg_tensor *targets, const char *hint);
/* weight may be NULL. */
bool tg_ce_check_weight(const char *name, const tg_tensor *x, int64_t classes,
                        const tg_tensor *weight);
/* Index targets are constants, and so is a weight that is looked up by them. NULL is one. */
bool tg_ce_check_constant_weight(const char *name, const tg_tensor *weight);
/* Both for in: {x, targets, weight or NULL}. */
bool tg_ce_check_index_targets(const char *name, tg_tensor *const *in);
bool tg_ce_check_smoothing(const char *name, const tg_tensor *x, double smoothing);

/* Applies a loss operation to in: {x, targets, weight or NULL}; makes them contiguous. */
tg_tensor *tg_ce_apply(const tg_op *op, tg_tensor **in, const tg_ce_params *p, int64_t saved);
/* The gradient to the logits; it can be differentiated. in: {gradient of the loss, logits, targets,
 * weight, stats of the forward pass}. */
tg_tensor *tg_ce_gradient(const tg_ce_params *p, tg_tensor *const *in);
/* All inputs made contiguous; false on an error. NULL ones are passed over. */
bool tg_make_contiguous(tg_tensor **in, int n);

/* tg_linear_cross_entropy() in pieces of so many rows and classes; 0: as many as it likes. For
 * tests. */
tg_tensor *tg_linear_cross_entropy_in(tg_tensor *x, tg_tensor *weight, tg_tensor *bias,
                                      tg_tensor *targets, const tg_ce_opts *opts, int64_t rows,
                                      int64_t classes);

#endif

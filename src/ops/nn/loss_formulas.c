/* Losses composed of other operations: margins, distances, cosines, likelihoods. Relies on loss.h. */
#include "ops/check.h"
#include "ops/nn/loss.h"
#include "ops/nn/normalise.h"
#include "ops/option.h"

#include <math.h>

static const double infinite = (double)INFINITY;

/* max(x, 0): gradient 1 at 0, as PyTorch's clamp_min. */
static tg_tensor *positive(tg_tensor *x)
{
    return tg_clamp(x, 0, infinite);
}

/* b, a `what`, has the shape of a, but for its last `fewer` dims. */
static bool check_shape(const tg_op *op, const tg_tensor *a, const char *what, const tg_tensor *b,
                        int fewer)
{
    tg_dims dims = {tg_at(a)->ndim - fewer, tg_at(a)->dims};
    TG_CHECK(tg_tape_in(a), dims.ndim >= 0, TG_ESHAPE, "%s: the input is %s, wanted a dim",
             op->name, tg_shape_of(a).chars);
    TG_CHECK(tg_tape_in(a), tg_shape_equal(dims, tg_dims_of(b)), TG_ESHAPE,
             "%s: %s %s for input %s, wanted %s", op->name, what, tg_shape_of(b).chars,
             tg_shape_of(a).chars, tg_shape_text(dims).chars);
    return true;
}

/* Two tensors of one float dtype and shape, the second one a `what`. */
static bool check_alike(const tg_op *op, tg_tensor *const *in, const char *what,
                        tg_reduction reduction)
{
    return tg_check_floats(op, 2, in) && tg_check_reduction(op, in[0], reduction) &&
           check_shape(op, in[0], what, in[1], 0);
}

/* --- targets 1 and -1, of any dtype: `same` where t is not -1, and `other` where it is not 1 --- */

static tg_tensor *either(tg_tensor *t, tg_tensor *same, tg_tensor *other)
{
    return tg_add(tg_masked_fill(other, tg_eq_scalar(t, 1), 0),
                  tg_masked_fill(same, tg_eq_scalar(t, -1), 0));
}

static tg_tensor *hinge(const tg_op *op, tg_tensor *x, tg_tensor *t, double margin,
                        tg_reduction reduction)
{
    if (!tg_check_floats(op, 1, &x) || !tg_check_reduction(op, x, reduction) ||
        !check_shape(op, x, "target", t, 0))
        return NULL;
    tg_tensor *other = positive(tg_add_scalar(tg_neg(x), margin));
    return tg_reduced(either(t, x, other), reduction);
}

tg_tensor *tg_hinge_embedding_loss(tg_tensor *x, tg_tensor *t, double margin,
                                   tg_reduction reduction)
{
    static const tg_op op = {.name = "hinge_embedding_loss"};
    TG_IN_SCOPE(&op, hinge(&op, x, t, margin, reduction), x, t);
}

static tg_tensor *cosine(const tg_op *op, tg_tensor *const *in, double margin,
                         tg_reduction reduction)
{
    const double tiny = 1e-12; /* PyTorch's */
    tg_tensor *a = in[0], *b = in[1];
    if (!check_alike(op, in, "the other input", reduction) ||
        !check_shape(op, a, "target", in[2], 1))
        return NULL;
    tg_tensor *aa = tg_add_scalar(tg_sum_dim(tg_square(a), -1, false), tiny);
    tg_tensor *bb = tg_add_scalar(tg_sum_dim(tg_square(b), -1, false), tiny);
    tg_tensor *c = tg_div(tg_sum_dim(tg_mul(a, b), -1, false), tg_sqrt(tg_mul(aa, bb)));
    tg_tensor *same = tg_add_scalar(tg_neg(c), 1), *other = positive(tg_add_scalar(c, -margin));
    tg_tensor *zero = tg_zeros(tg_tape_in(a), TG_SCALAR, tg_at(a)->dtype);
    tg_tensor *is = tg_eq_scalar(in[2], 1), *is_not = tg_eq_scalar(in[2], -1);
    return tg_reduced(tg_add(tg_where(is, same, zero), tg_where(is_not, other, zero)), reduction);
}

tg_tensor *tg_cosine_embedding_loss(tg_tensor *a, tg_tensor *b, tg_tensor *t, double margin,
                                    tg_reduction reduction)
{
    static const tg_op op = {.name = "cosine_embedding_loss"};
    tg_tensor *in[] = {a, b, t};
    TG_IN_SCOPE_GIVEN(&op, 3, in, 3, cosine(&op, in, margin, reduction));
}

static tg_tensor *ranking(const tg_op *op, tg_tensor *const *in, double margin,
                          tg_reduction reduction)
{
    if (!check_alike(op, in, "the other input", reduction) ||
        !check_shape(op, in[0], "target", in[2], 0))
        return NULL;
    tg_tensor *wrong = tg_mul(in[2], tg_sub(in[1], in[0]));
    return tg_reduced(positive(tg_add_scalar(wrong, margin)), reduction);
}

tg_tensor *tg_margin_ranking_loss(tg_tensor *a, tg_tensor *b, tg_tensor *t, double margin,
                                  tg_reduction reduction)
{
    static const tg_op op = {.name = "margin_ranking_loss"};
    tg_tensor *in[] = {a, b, t};
    TG_IN_SCOPE_GIVEN(&op, 3, in, 3, ranking(&op, in, margin, reduction));
}

tg_tensor *tg_soft_margin_loss(tg_tensor *x, tg_tensor *t, tg_reduction reduction)
{
    static const tg_op op = {.name = "soft_margin_loss"};
    tg_tensor *in[] = {x, t};
    TG_IN_SCOPE_GIVEN(&op, 2, in, 2,
                      check_alike(&op, in, "target", reduction)
                          ? tg_reduced(tg_neg(tg_logsigmoid(tg_mul(x, t))), reduction)
                          : NULL);
}

/* --- classes --- */

static bool check_multi_margin(const tg_op *op, tg_tensor *const *in, const tg_multi_margin_opts *o)
{
    const tg_tensor *x = in[0];
    if (!tg_check_floats(op, 1, in) || !tg_check_reduction(op, x, o->reduction))
        return false;
    TG_CHECK(tg_tape_in(x), tg_at(x)->ndim == 1 || tg_at(x)->ndim == 2, TG_ESHAPE,
             "%s: input %s, wanted [C] or [N, C]", op->name, tg_shape_of(x).chars);
    TG_CHECK(tg_tape_in(x), o->p >= 0 && o->p <= 2, TG_EVALUE, "%s: p %d is neither 1 nor 2",
             op->name, o->p);
    int64_t classes = tg_at(x)->dims[tg_at(x)->ndim - 1];
    TG_CHECK(tg_tape_in(x), classes > 0, TG_ESHAPE, "%s: input %s has no classes", op->name,
             tg_shape_of(x).chars);
    return check_shape(op, x, "target", in[1], 1) &&
           tg_check_affine(op, in[2], (tg_dims){1, &classes}, "weight");
}

/* in: x, targets, weight. */
static tg_tensor *multi_margin(const tg_op *op, tg_tensor *const *in, const tg_multi_margin_opts *o)
{
    if (!check_multi_margin(op, in, o))
        return NULL;
    tg_tensor *x = in[0], *index = tg_unsqueeze(in[1], -1);
    double classes = (double)tg_at(x)->dims[tg_at(x)->ndim - 1];
    tg_tensor *own = tg_gather(x, -1, index);
    tg_tensor *over = tg_relu(tg_add_scalar(tg_sub(x, own), tg_option(o->margin, 1)));
    tg_tensor *is_own = tg_eq(tg_arange(tg_tape_in(x), 0, classes, 1, TG_I64), index);
    if (o->p == 2)
        over = tg_square(over);
    tg_tensor *y = tg_mean_dim(tg_masked_fill(over, is_own, 0), -1, false);
    if (in[2] && y) {
        tg_tensor *flat = tg_reshape(index, 1, (int64_t[]){-1});
        tg_tensor *weights = tg_index_select(in[2], 0, flat);
        y = tg_mul(y, weights ? tg_reshape(weights, tg_at(y)->ndim, tg_at(y)->dims) : NULL);
    }
    return tg_reduced(y, o->reduction);
}

tg_tensor *tg_multi_margin_loss(tg_tensor *x, tg_tensor *targets, const tg_multi_margin_opts *opts)
{
    static const tg_op op = {.name = "multi_margin_loss"};
    static const tg_multi_margin_opts none = {0};
    opts = opts ? opts : &none;
    tg_tensor *in[] = {x, targets, opts->weight};
    TG_IN_SCOPE_GIVEN(&op, 3, in, 2, multi_margin(&op, in, opts));
}

/* --- distances of vectors, which are the last dim --- */

tg_tensor *tg_pairwise_distance(tg_tensor *a, tg_tensor *b, double p, double eps, bool keepdim)
{
    static const tg_op op = {.name = "pairwise_distance"};
    TG_IN_SCOPE(&op,
                tg_norm_dims(tg_add_scalar(tg_sub(a, b), tg_option(eps, 1e-6)), p, 1,
                             (int64_t[]){-1}, keepdim),
                a, b);
}

static tg_tensor *triplet(const tg_op *op, tg_tensor *const *in, const tg_triplet_opts *o)
{
    double p = tg_option(o->p, 2), margin = tg_option(o->margin, 1);
    if (!tg_check_floats(op, 3, in) || !check_alike(op, in, "positive", o->reduction) ||
        !check_shape(op, in[0], "negative", in[2], 0))
        return NULL;
    TG_CHECK(tg_tape_in(in[0]), margin > 0, TG_EVALUE, "%s: margin %g is not > 0", op->name,
             margin);
    tg_tensor *near = tg_pairwise_distance(in[0], in[1], p, o->eps, false);
    tg_tensor *far = tg_pairwise_distance(in[0], in[2], p, o->eps, false);
    if (o->swap)
        far = tg_minimum(far, tg_pairwise_distance(in[1], in[2], p, o->eps, false));
    return tg_reduced(positive(tg_add_scalar(tg_sub(near, far), margin)), o->reduction);
}

tg_tensor *tg_triplet_margin_loss(tg_tensor *anchor, tg_tensor *near, tg_tensor *far,
                                  const tg_triplet_opts *opts)
{
    static const tg_op op = {.name = "triplet_margin_loss"};
    static const tg_triplet_opts none = {0};
    tg_tensor *in[] = {anchor, near, far};
    TG_IN_SCOPE_GIVEN(&op, 3, in, 3, triplet(&op, in, opts ? opts : &none));
}

/* --- likelihoods --- */

#define LOG_2PI 1.8378770664093454835606594728112

/* log(t!) by Stirling's formula, 0 for t <= 1. */
static tg_tensor *stirling(tg_tensor *t)
{
    tg_tensor *small = tg_logical_not(tg_gt_scalar(t, 1)), *safe = tg_masked_fill(t, small, 1);
    tg_tensor *log = tg_log(safe), *rest = tg_mul_scalar(tg_add_scalar(log, LOG_2PI), 0.5);
    return tg_masked_fill(tg_add(tg_sub(tg_mul(safe, log), safe), rest), small, 0);
}

static tg_tensor *poisson(const tg_op *op, tg_tensor *const *in, const tg_poisson_opts *o)
{
    tg_tensor *x = in[0], *t = in[1];
    if (!check_alike(op, in, "target", o->reduction))
        return NULL;
    tg_tensor *y = o->no_log_input
                       ? tg_sub(x, tg_mul(t, tg_log(tg_add_scalar(x, tg_option(o->eps, 1e-8)))))
                       : tg_sub(tg_exp(x), tg_mul(t, x));
    return tg_reduced(o->full ? tg_add(y, stirling(t)) : y, o->reduction);
}

tg_tensor *tg_poisson_nll_loss(tg_tensor *x, tg_tensor *t, const tg_poisson_opts *opts)
{
    static const tg_op op = {.name = "poisson_nll_loss"};
    static const tg_poisson_opts none = {0};
    tg_tensor *in[] = {x, t};
    TG_IN_SCOPE_GIVEN(&op, 2, in, 2, poisson(&op, in, opts ? opts : &none));
}

/* A variance for each element, or for all along one dim; one of the last dim may lack it. */
static tg_tensor *variance_of(const tg_op *op, const tg_tensor *x, tg_tensor *var)
{
    int n = tg_at(x)->ndim, others = 0;
    if (n && tg_shape_equal((tg_dims){n - 1, tg_at(x)->dims}, tg_dims_of(var)))
        return tg_unsqueeze(var, -1);
    for (int i = 0; i < n && tg_at(var)->ndim == n; i++)
        others += tg_at(var)->dims[i] != tg_at(x)->dims[i] ? tg_at(var)->dims[i] == 1 ? 1 : 2 : 0;
    TG_CHECK(tg_tape_in(x), tg_at(var)->ndim == n && others <= 1, TG_ESHAPE,
             "%s: variance %s for input %s", op->name, tg_shape_of(var).chars,
             tg_shape_of(x).chars);
    return var;
}

/* in: x, t, variance. */
static tg_tensor *gaussian(const tg_op *op, tg_tensor *const *in, const tg_gaussian_opts *o)
{
    tg_tensor *x = in[0], *t = in[1];
    if (!tg_check_floats(op, 3, in) || !check_alike(op, in, "target", o->reduction))
        return NULL;
    tg_tensor *var = tg_at_least(variance_of(op, x, in[2]), tg_option(o->eps, 1e-6));
    tg_tensor *y = tg_add(tg_log(var), tg_div(tg_square(tg_sub(x, t)), var));
    y = tg_mul_scalar(y, 0.5);
    return tg_reduced(o->full ? tg_add_scalar(y, 0.5 * LOG_2PI) : y, o->reduction);
}

tg_tensor *tg_gaussian_nll_loss(tg_tensor *x, tg_tensor *t, tg_tensor *variance,
                                const tg_gaussian_opts *opts)
{
    static const tg_op op = {.name = "gaussian_nll_loss"};
    static const tg_gaussian_opts none = {0};
    tg_tensor *in[] = {x, t, variance};
    TG_IN_SCOPE_GIVEN(&op, 3, in, 3, gaussian(&op, in, opts ? opts : &none));
}

/* What losses of classes share, see cross_entropy.h. */
#include "ops/nn/cross_entropy.h"

#include "ops/option.h"

_Static_assert((int)TG_MEAN == TGK_MEAN && (int)TG_SUM == TGK_SUM && (int)TG_NONE == TGK_NONE,
               "reductions are handed to the kernels as they are");

tg_ce_params tg_ce_params_of(const tg_ce_opts *opts)
{
    return (tg_ce_params){.smoothing = tg_option(opts->label_smoothing, 0),
                          .ignore = opts->has_ignore_index ? opts->ignore_index : -100,
                          .reduction = opts->reduction};
}

tgk_ce tg_ce_args(const tg_node *node, const tg_tensor *x, const tg_tensor *targets,
                  const tg_tensor *weight)
{
    const tg_ce_params *p = node->params;
    return (tgk_ce){.team = &tg_node_tape(node)->team,
                    .n = p->n,
                    .c = p->c,
                    .d = p->d,
                    .x = x ? tg_at(x)->data : NULL,
                    .target =
                        p->probabilities ? NULL : (const int64_t *)(void *)tg_at(targets)->data,
                    .prob = p->probabilities ? tg_at(targets)->data : NULL,
                    .weight = weight ? tg_at(weight)->data : NULL,
                    .smoothing = p->smoothing,
                    .ignore = p->ignore,
                    .reduction = (int)p->reduction};
}

bool tg_ce_targets_are_classes(const tg_node *node, const tg_tensor *targets)
{
    const tg_ce_params *p = node->params;
    const int64_t *target = (const int64_t *)(void *)tg_at(targets)->data;
    int64_t bad = p->probabilities ? -1 : tgk_targets_check(target, p->n * p->d, p->c, p->ignore);
    TG_CHECK(tg_tape_in(targets), bad < 0, TG_EVALUE,
             "%s: target %lld at position %lld is not one of %lld classes", node->op->name,
             (long long)target[bad], (long long)bad, (long long)p->c);
    return true;
}

/* Sizes around the class dim. */
static void set_sizes(tg_ce_params *p, const tg_tensor *x)
{
    int class_dim = tg_at(x)->ndim == 1 ? 0 : 1;
    p->n = class_dim ? tg_at(x)->dims[0] : 1;
    p->c = tg_at(x)->dims[class_dim];
    p->d = 1;
    for (int i = class_dim + 1; i < tg_at(x)->ndim; i++)
        p->d *= tg_at(x)->dims[i];
}

/* x's shape without the class dim. */
static tg_shape positions(const tg_tensor *x)
{
    tg_shape shape = {.ndim = tg_at(x)->ndim - 1};
    int class_dim = tg_at(x)->ndim == 1 ? 0 : 1;
    for (int i = 0, k = 0; i < tg_at(x)->ndim; i++) {
        if (i != class_dim)
            shape.sizes[k++] = tg_at(x)->dims[i];
    }
    return shape;
}

bool tg_ce_check_scores(const char *name, const tg_tensor *x, tg_ce_params *p)
{
    tg_tape *tape = tg_tape_in(x);
    TG_CHECK(tape, tg_is_float(tg_at(x)->dtype), TG_EDTYPE,
             "%s: input is %s, wanted a float tensor", name, tg_dtype_name(tg_at(x)->dtype));
    TG_CHECK(tape, tg_at(x)->ndim >= 1, TG_ESHAPE,
             "%s: input is 0-d, wanted (C), (N, C) or (N, C, ...)", name);
    set_sizes(p, x);
    return true;
}

bool tg_ce_check_targets(const char *name, const tg_tensor *x, tg_dims positions,
                         const tg_tensor *targets, const char *hint)
{
    tg_tape *tape = tg_tape_in(x);
    TG_CHECK(tape, tg_at(targets)->dtype == TG_I64, TG_EDTYPE,
             "%s: targets are %s, wanted int64 classes", name,
             tg_dtype_name(tg_at(targets)->dtype));
    TG_CHECK(tape, tg_shape_equal(tg_dims_of(targets), positions), TG_ESHAPE,
             "%s: input %s wants targets %s, not %s%s", name, tg_shape_of(x).chars,
             tg_shape_text(positions).chars, tg_shape_of(targets).chars, hint);
    return true;
}

bool tg_ce_check_index_targets(const char *name, tg_tensor *const *in)
{
    tg_shape want = positions(in[0]);
    return tg_ce_check_targets(name, in[0], tg_shape_dims(&want), in[1],
                               tg_at(in[0])->ndim > 2 ? " (classes are dim 1)" : "") &&
           tg_ce_check_constant_weight(name, in[2]);
}

bool tg_ce_check_weight(const char *name, const tg_tensor *x, int64_t classes,
                        const tg_tensor *weight)
{
    if (!weight)
        return true;
    tg_tape *tape = tg_tape_in(x);
    TG_CHECK(tape, tg_at(weight)->dtype == tg_at(x)->dtype, TG_EDTYPE,
             "%s: weight is %s for an input %s", name, tg_dtype_name(tg_at(weight)->dtype),
             tg_dtype_name(tg_at(x)->dtype));
    TG_CHECK(tape, tg_at(weight)->ndim == 1 && tg_at(weight)->dims[0] == classes, TG_ESHAPE,
             "%s: weight %s for %lld classes", name, tg_shape_of(weight).chars, (long long)classes);
    return true;
}

bool tg_ce_check_constant_weight(const char *name, const tg_tensor *weight)
{
    if (!weight)
        return true;
    TG_CHECK(tg_tape_in(weight), !tg_at(weight)->requires_grad, TG_EVALUE,
             "%s: weight requires a gradient, which index targets do not give", name);
    return true;
}

bool tg_ce_check_smoothing(const char *name, const tg_tensor *x, double smoothing)
{
    smoothing = tg_option(smoothing, 0);
    TG_CHECK(tg_tape_in(x), smoothing >= 0 && smoothing <= 1, TG_EVALUE,
             "%s: label_smoothing %s is outside [0, 1]", name,
             tg_number_text(smoothing, TG_F64).chars);
    return true;
}

tg_tensor *tg_ce_apply(const tg_op *op, tg_tensor **in, const tg_ce_params *p, int64_t saved)
{
    if (!tg_make_contiguous(in, 3))
        return NULL;
    tg_shape shape = p->reduction == TG_NONE ? positions(in[0]) : (tg_shape){0};
    return tg_apply(&(tg_call){.op = op,
                               .n_in = 3,
                               .in = in,
                               .dtype = tg_at(in[0])->dtype,
                               .ndim = shape.ndim,
                               .dims = shape.sizes,
                               .params = p,
                               .params_size = sizeof *p,
                               .saved_numel = saved,
                               .saved_dtype = TG_F64});
}

bool tg_make_contiguous(tg_tensor **in, int n)
{
    for (int i = 0; i < n; i++) {
        if (in[i] && !tg_at(in[i])->contiguous && !(in[i] = tg_contiguous(in[i])))
            return false;
    }
    return true;
}

/* group_norm and instance_norm, whose groups are single channels. Relies on normalise.h. */
#include "ops/nn/normalise.h"

#include <tinygrad/nn.h>

enum { X, WEIGHT, BIAS, INPUTS };

/* in: x (N, C, ...), weight and bias. */
static bool check_channels(const tg_op *op, tg_tensor *const *in, int64_t groups, double eps)
{
    const tg_tensor *x = in[X];
    if (!tg_check_floats(op, INPUTS, in) || !tg_check_eps(op, x, eps))
        return false;
    TG_CHECK(tg_tape_in(x), tg_at(x)->ndim >= 2, TG_ESHAPE, "%s: input %s has fewer than 2 dims",
             op->name, tg_shape_of(x).chars);
    const int64_t *channels = &tg_at(x)->dims[1];
    TG_CHECK(tg_tape_in(x), groups > 0 && *channels % groups == 0, TG_EVALUE,
             "%s: %lld groups do not divide %lld channels", op->name, (long long)groups,
             (long long)*channels);
    return tg_check_affine(op, in[WEIGHT], (tg_dims){1, channels}, "weight") &&
           tg_check_affine(op, in[BIAS], (tg_dims){1, channels}, "bias");
}

static tg_tensor *group_norm(const tg_op *op, tg_tensor *const *in, int64_t groups, double eps)
{
    if (!check_channels(op, in, groups, eps))
        return NULL;
    TG_CHECK(tg_tape_in(in[X]), tg_at(in[X])->numel != groups, TG_EVALUE,
             "group_norm: one value a group in %s", tg_shape_of(in[X]).chars);
    return tg_normalise_groups(in, groups, tg_norm_eps(eps));
}

tg_tensor *tg_group_norm(tg_tensor *x, int64_t groups, tg_tensor *weight, tg_tensor *bias,
                         double eps)
{
    static const tg_op op = {.name = "group_norm"};
    tg_tensor *in[] = {x, weight, bias};
    TG_IN_SCOPE_GIVEN(&op, INPUTS, in, 1, group_norm(&op, in, groups, eps));
}

static tg_tensor *instance_norm(const tg_op *op, tg_tensor *const *in, double eps)
{
    if (!check_channels(op, in, 1, eps))
        return NULL;
    const tg_header *x = tg_at(in[X]);
    int64_t rows = x->dims[0] * x->dims[1];
    TG_CHECK(tg_tape_in(in[X]), rows != x->numel || !rows, TG_EVALUE,
             "instance_norm: one value a channel in %s", tg_shape_of(in[X]).chars);
    return tg_normalise_groups(in, x->dims[1] ? x->dims[1] : 1, tg_norm_eps(eps));
}

tg_tensor *tg_instance_norm(tg_tensor *x, tg_tensor *weight, tg_tensor *bias, double eps)
{
    static const tg_op op = {.name = "instance_norm"};
    tg_tensor *in[] = {x, weight, bias};
    TG_IN_SCOPE_GIVEN(&op, INPUTS, in, 1, instance_norm(&op, in, eps));
}

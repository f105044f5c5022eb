/* Rows for golden/formulas.inc: operations that are formulas, and their relatives. */
#include "golden.h"

#include <math.h>

GOLDEN_UNARY(relu6)
GOLDEN_UNARY(hardsigmoid)
GOLDEN_UNARY(hardswish)
GOLDEN_UNARY(selu)
GOLDEN_UNARY(mish)
GOLDEN_UNARY(softsign)
GOLDEN_SCALAR(celu)

GOLDEN_UNARY(tan)
GOLDEN_UNARY(asin)
GOLDEN_UNARY(acos)
GOLDEN_UNARY(atan)
GOLDEN_UNARY(sinh)
GOLDEN_UNARY(cosh)
GOLDEN_UNARY(asinh)
GOLDEN_UNARY(acosh)
GOLDEN_UNARY(atanh)
GOLDEN_UNARY(log2)
GOLDEN_UNARY(log10)
GOLDEN_UNARY(exp2)
GOLDEN_BINARY(atan2)
GOLDEN_UNARY(floor)
GOLDEN_UNARY(ceil)
GOLDEN_UNARY(round)
GOLDEN_UNARY(trunc)
GOLDEN_UNARY(frac)
GOLDEN_BINARY(remainder)
GOLDEN_BINARY(fmod)
GOLDEN_BINARY(floor_divide)
GOLDEN_BINARY(logaddexp)
GOLDEN_BINARY(outer)
GOLDEN_BINARY(logical_xor)
GOLDEN_SCALAR(ne_scalar)
GOLDEN_SCALAR(le_scalar)
GOLDEN_SCALAR(ge_scalar)

static tg_tensor *run_lerp(golden_case *c)
{
    return tg_lerp(c->in[0], c->in[1], c->in[2]);
}

static tg_tensor *run_clamp_tensors(golden_case *c)
{
    return tg_clamp_tensors(c->in[0], c->in[1], c->in[2]);
}

static tg_tensor *run_addmm(golden_case *c)
{
    return tg_addmm(c->in[0], c->in[1], c->in[2], golden_number(c, "beta", 1),
                    golden_number(c, "alpha", 1));
}

static tg_tensor *run_baddbmm(golden_case *c)
{
    return tg_baddbmm(c->in[0], c->in[1], c->in[2], golden_number(c, "beta", 1),
                      golden_number(c, "alpha", 1));
}

static tg_tensor *run_add_scaled(golden_case *c)
{
    return tg_add_scaled(c->in[0], c->in[1], golden_number(c, "s", 0));
}

static tg_tensor *run_einsum(golden_case *c)
{
    char text[64];
    snprintf(text, sizeof text, "%s,%s->%s", golden_word(c, "a", ""), golden_word(c, "b", ""),
             golden_word(c, "to", ""));
    return tg_einsum(text, c->in[0], c->in[1]);
}

static tg_tensor *run_one_hot(golden_case *c)
{
    return tg_one_hot(c->in[0], (int64_t)golden_number(c, "classes", 0));
}

static tg_tensor *run_linspace(golden_case *c)
{
    return tg_linspace(c->tape, golden_number(c, "start", 0), golden_number(c, "end", 0),
                       (int64_t)golden_number(c, "steps", 0), tg_dtype(c->in[0]));
}

static tg_tensor *run_hardtanh(golden_case *c)
{
    return tg_hardtanh(c->in[0], golden_number(c, "low", 0), golden_number(c, "high", 0));
}

static tg_tensor *run_softplus_with(golden_case *c)
{
    return tg_softplus_with(c->in[0], golden_number(c, "beta", 0),
                            golden_number(c, "threshold", 0));
}

static int dim_of(golden_case *c)
{
    return (int)golden_number(c, "dim", 0);
}

static tg_tensor *run_glu(golden_case *c)
{
    return tg_glu(c->in[0], dim_of(c));
}

/* --- norms --- */

static tg_tensor *run_group_norm(golden_case *c)
{
    return tg_group_norm(c->in[0], (int64_t)golden_number(c, "groups", 0), golden_with(c, 'w', 1),
                         golden_with(c, 'b', 1), golden_number(c, "eps", 0));
}

static tg_tensor *run_instance_norm(golden_case *c)
{
    return tg_instance_norm(c->in[0], golden_with(c, 'w', 1), golden_with(c, 'b', 1),
                            golden_number(c, "eps", 0));
}

static tg_tensor *run_rms_norm(golden_case *c)
{
    int64_t dims[GOLDEN_DIMS];
    int n = golden_list(golden_word(c, "shape", ""), dims);
    return tg_rms_norm(c->in[0], n, dims, c->in[1], golden_number(c, "eps", 0));
}

static tg_tensor *run_normalize(golden_case *c)
{
    return tg_normalize(c->in[0], golden_number(c, "p", 2), dim_of(c), golden_number(c, "eps", 0));
}

static tg_tensor *run_cosine_similarity(golden_case *c)
{
    return tg_cosine_similarity(c->in[0], c->in[1], dim_of(c), golden_number(c, "eps", 0));
}

static tg_tensor *run_cdist(golden_case *c)
{
    return tg_cdist(c->in[0], c->in[1], golden_number(c, "p", 2));
}

static tg_tensor *run_pairwise_distance(golden_case *c)
{
    return tg_pairwise_distance(c->in[0], c->in[1], golden_number(c, "p", 2), 0,
                                golden_flag(c, "keepdim"));
}

/* --- losses --- */

static tg_tensor *run_hinge_embedding_loss(golden_case *c)
{
    return tg_hinge_embedding_loss(c->in[0], c->in[1], golden_number(c, "margin", 1),
                                   golden_reduction(c));
}

static tg_tensor *run_margin_ranking_loss(golden_case *c)
{
    return tg_margin_ranking_loss(c->in[0], c->in[1], c->in[2], golden_number(c, "margin", 0),
                                  golden_reduction(c));
}

static tg_tensor *run_soft_margin_loss(golden_case *c)
{
    return tg_soft_margin_loss(c->in[0], c->in[1], golden_reduction(c));
}

static tg_tensor *run_cosine_embedding_loss(golden_case *c)
{
    return tg_cosine_embedding_loss(c->in[0], c->in[1], c->in[2], golden_number(c, "margin", 0),
                                    golden_reduction(c));
}

static tg_tensor *run_multi_margin_loss(golden_case *c)
{
    tg_multi_margin_opts opts = {.p = (int)golden_number(c, "p", 0),
                                 .margin = golden_number(c, "margin", 0),
                                 .weight = c->in[2],
                                 .reduction = golden_reduction(c)};
    return tg_multi_margin_loss(c->in[0], c->in[1], &opts);
}

static tg_tensor *run_triplet_margin_loss(golden_case *c)
{
    tg_triplet_opts opts = {.p = golden_number(c, "p", 0),
                            .margin = golden_number(c, "margin", 0),
                            .swap = golden_flag(c, "swap"),
                            .reduction = golden_reduction(c)};
    return tg_triplet_margin_loss(c->in[0], c->in[1], c->in[2], &opts);
}

static tg_tensor *run_poisson_nll_loss(golden_case *c)
{
    tg_poisson_opts opts = {.no_log_input = golden_number(c, "log_input", 1) == 0,
                            .full = golden_flag(c, "full"),
                            .reduction = golden_reduction(c)};
    return tg_poisson_nll_loss(c->in[0], c->in[1], &opts);
}

static tg_tensor *run_gaussian_nll_loss(golden_case *c)
{
    tg_gaussian_opts opts = {.full = golden_flag(c, "full"), .reduction = golden_reduction(c)};
    return tg_gaussian_nll_loss(c->in[0], c->in[1], c->in[2], &opts);
}

static const golden_op rows[] = {
    {"tan", run_tan, GOLDEN_SIGNS, false},
    {"asin", run_asin, GOLDEN_SIGNS, false},
    {"acos", run_acos, GOLDEN_SIGNS, false},
    {"atan", run_atan, GOLDEN_SIGNS, false},
    {"sinh", run_sinh, GOLDEN_SIGNS, false},
    {"cosh", run_cosh, GOLDEN_SIGNS, false},
    {"asinh", run_asinh, GOLDEN_SIGNS, false},
    {"acosh", run_acosh, GOLDEN_SIGNS, false},
    {"atanh", run_atanh, GOLDEN_SIGNS, false},
    {"log2", run_log2, GOLDEN_SIGNS, false},
    {"log10", run_log10, GOLDEN_SIGNS, false},
    {"exp2", run_exp2, GOLDEN_SIGNS, false},
    {"atan2", run_atan2, GOLDEN_SIGNS, false},
    {"addmm", run_addmm, GOLDEN_NEAR, false},
    {"baddbmm", run_baddbmm, GOLDEN_NEAR, false},
    {"einsum", run_einsum, GOLDEN_NEAR, false},
    {"one_hot", run_one_hot, GOLDEN_BITS, false},
    {"linspace", run_linspace, GOLDEN_NEAR, false},
    {"floor", run_floor, GOLDEN_BITS, false},
    {"ceil", run_ceil, GOLDEN_BITS, false},
    {"round", run_round, GOLDEN_BITS, false},
    {"trunc", run_trunc, GOLDEN_BITS, false},
    {"frac", run_frac, GOLDEN_BITS, false},
    {"remainder", run_remainder, GOLDEN_SIGNS, false},
    {"fmod", run_fmod, GOLDEN_BITS, false},
    {"floor_divide", run_floor_divide, GOLDEN_SIGNS, false},
    {"logaddexp", run_logaddexp, GOLDEN_SIGNS, false},
    {"outer", run_outer, GOLDEN_BITS, false},
    {"logical_xor", run_logical_xor, GOLDEN_BITS, false},
    {"ne_scalar", run_ne_scalar, GOLDEN_BITS, false},
    {"le_scalar", run_le_scalar, GOLDEN_BITS, false},
    {"ge_scalar", run_ge_scalar, GOLDEN_BITS, false},
    {"lerp", run_lerp, GOLDEN_SIGNS, false},
    {"clamp_tensors", run_clamp_tensors, GOLDEN_BITS, false},
    {"add_scaled", run_add_scaled, GOLDEN_SIGNS, false},
    {"hardtanh", run_hardtanh, GOLDEN_BITS, false},
    {"relu6", run_relu6, GOLDEN_BITS, false},
    {"hardsigmoid", run_hardsigmoid, GOLDEN_SIGNS, false},
    {"hardswish", run_hardswish, GOLDEN_SIGNS, false},
    {"selu", run_selu, GOLDEN_SIGNS, false},
    {"celu", run_celu, GOLDEN_SIGNS, false},
    {"mish", run_mish, GOLDEN_SIGNS, false},
    {"softsign", run_softsign, GOLDEN_SIGNS, false},
    {"softplus_with", run_softplus_with, GOLDEN_NEAR, false},
    {"glu", run_glu, GOLDEN_SIGNS, false},
    {"group_norm", run_group_norm, GOLDEN_NEAR, false},
    {"instance_norm", run_instance_norm, GOLDEN_NEAR, false},
    {"rms_norm", run_rms_norm, GOLDEN_SIGNS, false},
    {"normalize", run_normalize, GOLDEN_SIGNS, false},
    {"cosine_similarity", run_cosine_similarity, GOLDEN_NEAR, false},
    {"cdist", run_cdist, GOLDEN_NEAR, false},
    {"pairwise_distance", run_pairwise_distance, GOLDEN_NEAR, false},
    {"hinge_embedding_loss", run_hinge_embedding_loss, GOLDEN_NEAR, false},
    {"margin_ranking_loss", run_margin_ranking_loss, GOLDEN_NEAR, false},
    {"soft_margin_loss", run_soft_margin_loss, GOLDEN_NEAR, false},
    {"cosine_embedding_loss", run_cosine_embedding_loss, GOLDEN_NEAR, false},
    {"multi_margin_loss", run_multi_margin_loss, GOLDEN_NEAR, false},
    {"triplet_margin_loss", run_triplet_margin_loss, GOLDEN_NEAR, false},
    {"poisson_nll_loss", run_poisson_nll_loss, GOLDEN_NEAR, false},
    {"gaussian_nll_loss", run_gaussian_nll_loss, GOLDEN_NEAR, false},
};
GOLDEN_TABLE(golden_formulas, rows)

/* Rows for golden/ops.inc: reductions, and operations that move elements. */
#include "golden.h"

#include <string.h>

/* --- reductions --- */

/* The option "dims"; returns how many, 0 without it. */
static int dims_of(golden_case *c, int64_t *dims)
{
    return golden_list(golden_word(c, "dims", ""), dims);
}

#define ALONG(name)                                                                                \
    static tg_tensor *run_##name(golden_case *c)                                                   \
    {                                                                                              \
        return golden_along(c, tg_##name, tg_##name##_dim);                                        \
    }
#define OVER(name)                                                                                 \
    static tg_tensor *run_##name(golden_case *c)                                                   \
    {                                                                                              \
        int64_t dims[GOLDEN_DIMS];                                                                 \
        int n = dims_of(c, dims);                                                                  \
        return tg_##name(c->in[0], n, dims, golden_flag(c, "keepdim"));                            \
    }
#define CORRECTED(name)                                                                            \
    static tg_tensor *run_##name(golden_case *c)                                                   \
    {                                                                                              \
        int64_t dims[GOLDEN_DIMS];                                                                 \
        int n = dims_of(c, dims);                                                                  \
        return tg_##name(c->in[0], n, dims, golden_number(c, "correction", 1),                     \
                         golden_flag(c, "keepdim"));                                               \
    }

ALONG(var)
ALONG(std)
ALONG(max)
ALONG(min)
ALONG(argmax)
ALONG(argmin)
ALONG(logsumexp)
OVER(sum_dims)
OVER(mean_dims)
OVER(amax)
OVER(amin)
OVER(logsumexp_dims)
CORRECTED(var_dims)
CORRECTED(std_dims)

static tg_tensor *run_norm(golden_case *c)
{
    return tg_norm(c->in[0], golden_number(c, "p", 2));
}

static tg_tensor *run_norm_dims(golden_case *c)
{
    int64_t dims[GOLDEN_DIMS];
    int n = dims_of(c, dims);
    return tg_norm_dims(c->in[0], golden_number(c, "p", 2), n, dims, golden_flag(c, "keepdim"));
}

static tg_tensor *run_cumsum(golden_case *c)
{
    return tg_cumsum(c->in[0], (int)golden_number(c, "dim", 0));
}

/* --- shapes --- */

/* chunk:chunks,dim,which */
static tg_tensor *chunk(tg_tensor *x, const int64_t *list)
{
    enum { MAX_CHUNKS = 8 };
    tg_tensor *out[MAX_CHUNKS];
    size_t n = list[0] > MAX_CHUNKS ? 0 : tg_chunk(x, (size_t)list[0], (int)list[1], out);
    return (size_t)list[2] < n ? out[list[2]] : NULL;
}

/* squeeze: with a dim or without */
static tg_tensor *squeeze(tg_tensor *x, const int64_t *list, int n)
{
    return n ? tg_squeeze_dim(x, (int)list[0]) : tg_squeeze(x);
}

/* *known becomes false where there is no such step. */
static tg_tensor *part(tg_tensor *x, const char *key, const int64_t *list, bool *known)
{
    if (!strcmp(key, "narrow"))
        return tg_narrow(x, (int)list[0], list[1], list[2]);
    if (!strcmp(key, "slice"))
        return tg_slice(x, (int)list[0], list[1], list[2], list[3]);
    if (!strcmp(key, "select"))
        return tg_select(x, (int)list[0], list[1]);
    if (!strcmp(key, "chunk"))
        return chunk(x, list);
    if (!strcmp(key, "tril"))
        return tg_tril(x, list[0]);
    if (!strcmp(key, "triu"))
        return tg_triu(x, list[0]);
    if (!strcmp(key, "clone"))
        return tg_clone(x);
    *known = false;
    return NULL;
}

static tg_tensor *step(tg_tensor *x, const char *key, const int64_t *list, int n, bool *known)
{
    if (!strcmp(key, "reshape"))
        return tg_reshape(x, n, list);
    if (!strcmp(key, "expand"))
        return tg_expand(x, n, list);
    if (!strcmp(key, "transpose"))
        return tg_transpose(x, (int)list[0], (int)list[1]);
    if (!strcmp(key, "contiguous"))
        return tg_contiguous(x);
    if (!strcmp(key, "permute"))
        return tg_permute(x, n, list);
    if (!strcmp(key, "squeeze"))
        return squeeze(x, list, n);
    if (!strcmp(key, "unsqueeze"))
        return tg_unsqueeze(x, (int)list[0]);
    if (!strcmp(key, "flatten"))
        return tg_flatten(x, (int)list[0], (int)list[1]);
    return part(x, key, list, known);
}

/* Options are steps here, in order. */
static tg_tensor *run_shape(golden_case *c)
{
    tg_tensor *x = c->in[0];
    for (int i = 0; i < c->n_options; i++) {
        golden_option *o = &c->options[i];
        int64_t list[GOLDEN_DIMS];
        o->read = true;
        x = step(x, o->key, list, golden_list(o->value, list), &o->read);
    }
    return x;
}

static tg_tensor *run_cat(golden_case *c)
{
    return tg_cat(c->in, (size_t)c->n, (int)golden_number(c, "dim", 0));
}

static tg_tensor *run_stack(golden_case *c)
{
    return tg_stack(c->in, (size_t)c->n, (int)golden_number(c, "dim", 0));
}

static tg_tensor *run_gather(golden_case *c)
{
    return tg_gather(c->in[0], (int)golden_number(c, "dim", 0), c->in[1]);
}

static tg_tensor *run_index_select(golden_case *c)
{
    return tg_index_select(c->in[0], (int)golden_number(c, "dim", 0), c->in[1]);
}

static tg_tensor *run_embedding(golden_case *c)
{
    bool padding = golden_word(c, "padding", NULL) != NULL;
    return tg_embedding(c->in[0], c->in[1],
                        padding ? (int64_t)golden_number(c, "padding", 0) : TG_NO_PADDING);
}

static const golden_op rows[] = {
    {"sum_dims", run_sum_dims, GOLDEN_SIGNS, false},
    {"mean_dims", run_mean_dims, GOLDEN_SIGNS, false},
    {"var", run_var, GOLDEN_SIGNS, false},
    {"var_dims", run_var_dims, GOLDEN_SIGNS, false},
    {"std", run_std, GOLDEN_SIGNS, false},
    {"std_dims", run_std_dims, GOLDEN_SIGNS, false},
    {"max", run_max, GOLDEN_NEAR, false}, /* which of 0 and -0 is not said */
    {"min", run_min, GOLDEN_NEAR, false},
    {"amax", run_amax, GOLDEN_NEAR, false},
    {"amin", run_amin, GOLDEN_NEAR, false},
    {"argmax", run_argmax, GOLDEN_BITS, false},
    {"argmin", run_argmin, GOLDEN_BITS, false},
    {"logsumexp", run_logsumexp, GOLDEN_NEAR, false},
    {"logsumexp_dims", run_logsumexp_dims, GOLDEN_NEAR, false},
    {"norm", run_norm, GOLDEN_SIGNS, false},
    {"norm_dims", run_norm_dims, GOLDEN_SIGNS, false},
    {"cumsum", run_cumsum, GOLDEN_SIGNS, false},
    {"shape", run_shape, GOLDEN_BITS, false},
    {"cat", run_cat, GOLDEN_BITS, false},
    {"stack", run_stack, GOLDEN_BITS, false},
    {"gather", run_gather, GOLDEN_BITS, false},
    {"index_select", run_index_select, GOLDEN_BITS, false},
    {"embedding", run_embedding, GOLDEN_BITS, false},
};
GOLDEN_TABLE(golden_reduce, rows)

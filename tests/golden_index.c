/* Rows for golden/ops.inc: padding, repeating, writing by index, sorting, products, samples. */
#include "golden.h"

#include <string.h>

static int dim_of(golden_case *c)
{
    return (int)golden_number(c, "dim", 0);
}

static int list_of(golden_case *c, const char *key, int64_t *list)
{
    return golden_list(golden_word(c, key, ""), list);
}

/* --- places --- */

static tg_tensor *run_pad(golden_case *c)
{
    static const char *const modes[] = {"constant", "reflect", "replicate", "circular"};
    int64_t pads[GOLDEN_DIMS];
    int n = list_of(c, "pads", pads), mode = 0;
    while (strcmp(modes[mode], golden_word(c, "mode", "constant")) != 0)
        mode++;
    return tg_pad(c->in[0], n, pads, (tg_pad_mode)mode, golden_number(c, "value", 0));
}

static tg_tensor *run_flip(golden_case *c)
{
    int64_t dims[GOLDEN_DIMS];
    int n = list_of(c, "dims", dims);
    return tg_flip(c->in[0], n, dims);
}

static tg_tensor *run_roll(golden_case *c)
{
    int64_t dims[GOLDEN_DIMS], shifts[GOLDEN_DIMS];
    int n = list_of(c, "dims", dims);
    list_of(c, "shifts", shifts);
    return tg_roll(c->in[0], n, shifts, dims);
}

static tg_tensor *run_repeat(golden_case *c)
{
    int64_t times[GOLDEN_DIMS];
    int n = list_of(c, "times", times);
    return tg_repeat(c->in[0], n, times);
}

static tg_tensor *run_repeat_interleave(golden_case *c)
{
    return tg_repeat_interleave(c->in[0], (int64_t)golden_number(c, "times", 0), dim_of(c));
}

static tg_tensor *run_diagonal(golden_case *c)
{
    int64_t dims[GOLDEN_DIMS] = {0, 1};
    list_of(c, "dims", dims);
    return tg_diagonal(c->in[0], (int64_t)golden_number(c, "offset", 0), (int)dims[0],
                       (int)dims[1]);
}

static tg_tensor *run_diag(golden_case *c)
{
    return tg_diag(c->in[0], (int64_t)golden_number(c, "offset", 0));
}

/* --- writing --- */

#define AT(name)                                                                                   \
    static tg_tensor *run_##name(golden_case *c)                                                   \
    {                                                                                              \
        return tg_##name(c->in[0], dim_of(c), c->in[1], c->in[2]);                                 \
    }

AT(scatter)
AT(scatter_add)
AT(index_copy)
AT(index_add)

static tg_tensor *run_slice_scatter(golden_case *c)
{
    int64_t at[GOLDEN_DIMS] = {0};
    list_of(c, "at", at);
    return tg_slice_scatter(c->in[0], c->in[1], dim_of(c), at[0], at[1], at[2]);
}

static tg_tensor *run_select_scatter(golden_case *c)
{
    return tg_select_scatter(c->in[0], c->in[1], dim_of(c), (int64_t)golden_number(c, "at", 0));
}

static tg_tensor *run_index(golden_case *c)
{
    return tg_index(c->in[0], dim_of(c), (size_t)c->n - 1, c->in + 1);
}

static tg_tensor *run_index_put(golden_case *c)
{
    return tg_index_put(c->in[0], dim_of(c), (size_t)c->n - 2, c->in + 2, c->in[1],
                        golden_flag(c, "accumulate"));
}

GOLDEN_BINARY(masked_select)

/* --- order, truth, products --- */

static tg_tensor *run_sort(golden_case *c)
{
    return tg_sort(c->in[0], dim_of(c), golden_flag(c, "descending"));
}

static tg_tensor *run_argsort(golden_case *c)
{
    return tg_argsort(c->in[0], dim_of(c), golden_flag(c, "descending"));
}

static tg_tensor *run_topk(golden_case *c)
{
    return tg_topk(c->in[0], (int64_t)golden_number(c, "k", 0), dim_of(c),
                   !golden_flag(c, "smallest"));
}

static tg_tensor *run_argtopk(golden_case *c)
{
    return tg_argtopk(c->in[0], (int64_t)golden_number(c, "k", 0), dim_of(c),
                      !golden_flag(c, "smallest"));
}

GOLDEN_UNARY(nonzero)
GOLDEN_UNARY(any)
GOLDEN_UNARY(all)
GOLDEN_UNARY(isnan)
GOLDEN_UNARY(isinf)
GOLDEN_UNARY(isfinite)

static tg_tensor *run_any_dim(golden_case *c)
{
    return tg_any_dim(c->in[0], dim_of(c), false);
}

static tg_tensor *run_all_dim(golden_case *c)
{
    return tg_all_dim(c->in[0], dim_of(c), false);
}

static tg_tensor *run_prod(golden_case *c)
{
    return golden_along(c, tg_prod, tg_prod_dim);
}

static tg_tensor *run_cumprod(golden_case *c)
{
    return tg_cumprod(c->in[0], dim_of(c));
}

/* --- samples --- */

static tg_tensor *run_bernoulli(golden_case *c)
{
    tg_manual_seed(c->tape, (uint64_t)golden_number(c, "seed", 0));
    return tg_bernoulli(c->in[0]);
}

static tg_tensor *run_multinomial(golden_case *c)
{
    tg_manual_seed(c->tape, (uint64_t)golden_number(c, "seed", 0));
    return tg_multinomial(c->in[0], (int64_t)golden_number(c, "count", 0),
                          golden_flag(c, "replacement"));
}

static const golden_op rows[] = {
    {"pad", run_pad, GOLDEN_BITS, false},
    {"flip", run_flip, GOLDEN_BITS, false},
    {"roll", run_roll, GOLDEN_BITS, false},
    {"repeat", run_repeat, GOLDEN_BITS, false},
    {"repeat_interleave", run_repeat_interleave, GOLDEN_BITS, false},
    {"diagonal", run_diagonal, GOLDEN_BITS, false},
    {"diag", run_diag, GOLDEN_BITS, false},
    {"scatter", run_scatter, GOLDEN_BITS, false},
    {"scatter_add", run_scatter_add, GOLDEN_NEAR, false},
    {"index_copy", run_index_copy, GOLDEN_BITS, false},
    {"index_add", run_index_add, GOLDEN_NEAR, false},
    {"slice_scatter", run_slice_scatter, GOLDEN_BITS, false},
    {"select_scatter", run_select_scatter, GOLDEN_BITS, false},
    {"index", run_index, GOLDEN_BITS, false},
    {"index_put", run_index_put, GOLDEN_NEAR, false},
    {"masked_select", run_masked_select, GOLDEN_BITS, false},
    {"nonzero", run_nonzero, GOLDEN_BITS, false},
    {"sort", run_sort, GOLDEN_BITS, false},
    {"argsort", run_argsort, GOLDEN_BITS, false},
    {"topk", run_topk, GOLDEN_BITS, false},
    {"argtopk", run_argtopk, GOLDEN_BITS, false},
    {"any", run_any, GOLDEN_BITS, false},
    {"all", run_all, GOLDEN_BITS, false},
    {"any_dim", run_any_dim, GOLDEN_BITS, false},
    {"all_dim", run_all_dim, GOLDEN_BITS, false},
    {"isnan", run_isnan, GOLDEN_BITS, false},
    {"isinf", run_isinf, GOLDEN_BITS, false},
    {"isfinite", run_isfinite, GOLDEN_BITS, false},
    {"prod", run_prod, GOLDEN_NEAR, false},
    {"cumprod", run_cumprod, GOLDEN_NEAR, false},
    {"bernoulli", run_bernoulli, GOLDEN_BITS, false},
    {"multinomial", run_multinomial, GOLDEN_BITS, false},
};
GOLDEN_TABLE(golden_index, rows)

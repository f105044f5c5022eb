/* Sums, see sum.h. */
#include "kernels/sum.h"

#include "kernels/fold.h"

#include <stdbool.h>

static void finish_f32(const tgk_fold *f, int64_t at, int64_t count, const tgk_compensated *sums)
{
    for (int64_t k = 0; k < count; k++)
        ((float *)f->out)[at + k] = (float)(tgk_compensated_total(sums[k]) / f->divisor);
}

static void finish_f64(const tgk_fold *f, int64_t at, int64_t count, const tgk_compensated *sums)
{
    for (int64_t k = 0; k < count; k++)
        ((double *)f->out)[at + k] = tgk_compensated_total(sums[k]) / f->divisor;
}

/* --- integers: the items are elements of the result --- */

/* Wrap around as in PyTorch; unsigned, because signed overflow is undefined. */
#define INTEGER_SUM(name, T)                                                                       \
    static void name(void *context, int64_t from, int64_t to)                                      \
    {                                                                                              \
        const tgk_sum_args *a = context;                                                           \
        for (int64_t i = from; i < to; i++) {                                                      \
            const T *x = (const T *)a->x + i / a->inner * a->n * a->inner + i % a->inner;          \
            uint64_t sum = 0;                                                                      \
            for (int64_t j = 0; j < a->n; j++)                                                     \
                sum += (uint64_t)x[j * a->inner];                                                  \
            ((int64_t *)a->out)[i] = (int64_t)sum;                                                 \
        }                                                                                          \
    }

INTEGER_SUM(sum_i64, int64_t)
INTEGER_SUM(sum_bool, bool)

void tgk_sum(tgk_team *team, int isa, int dtype, tgk_sum_args *a)
{
    if (dtype > 1) {
        tgk_share_rows(team, a->outer * a->inner, a->n, dtype == 2 ? sum_i64 : sum_bool, a);
        return;
    }
    tgk_fold fold = {.outer = a->outer,
                     .n = a->n,
                     .inner = a->inner,
                     .x = a->x,
                     .nest = a->nest,
                     .loop = a->loop,
                     .params = a->params,
                     .so_far = a->so_far,
                     .finish = dtype ? finish_f64 : finish_f32,
                     .out = a->out,
                     .divisor = a->divisor};
    tgk_fold_run(team, isa, dtype, &fold);
}

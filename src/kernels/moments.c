/* Variances and norms, see moments.h. Squares of float cannot leave the range of double. Those of
 * double can: what leaves it is made again of numbers that are scaled. */
#include "kernels/moments.h"

#include <math.h>
#include <stdbool.h>

#define SMALLER 0x1p-600
#define LARGER 0x1p600

/* A fold, and what its finish needs to know. */
typedef struct moments {
    tgk_fold fold;
    const tgk_moments *m;
    int dtype;
} moments;

static moments open(tgk_fold_kind kind, tgk_finish *finish, int dtype, const tgk_moments *m)
{
    return (moments){.fold = {.kind = kind,
                              .outer = m->outer,
                              .n = m->n,
                              .inner = m->inner,
                              .x = m->x,
                              .nest = m->nest,
                              .finish = finish,
                              .out = m->out},
                     .m = m,
                     .dtype = dtype};
}

/* What a sum was scaled by. */
static double scale_at(const tgk_fold *f, int64_t i)
{
    return f->shifts ? f->shifts[i].scale : 1;
}

static void put(const moments *a, int64_t i, double y)
{
    if (a->dtype)
        ((double *)a->fold.out)[i] = y;
    else
        ((float *)a->fold.out)[i] = (float)y;
}

/* --- variances: the mean, in two parts, then squared deviations from it --- */

static void finish_mean(const tgk_fold *f, int64_t from, int64_t count, const tgk_compensated *sums)
{
    const moments *a = (const moments *)f;
    const double n = (double)f->n;
    for (int64_t k = 0; k < count; k++) {
        double mean = tgk_compensated_total(sums[k]) / n;
        double rest = (fma(-mean, n, sums[k].sum) + sums[k].error) / n;
        a->m->shifts[from + k] = (tgk_shift){scale_at(f, from + k), mean, rest};
    }
}

/* A scale of 0 says that it has to be made again. */
static void finish_variance(const tgk_fold *f, int64_t from, int64_t count,
                            const tgk_compensated *sums)
{
    const moments *a = (const moments *)f;
    const double divisor = fmax((double)f->n - a->m->param, 0);
    for (int64_t k = 0; k < count; k++) {
        tgk_shift *by = &a->m->shifts[from + k];
        double squares = tgk_compensated_total(sums[k]);
        double y = squares / divisor / by->scale / by->scale;
        put(a, from + k, a->m->root ? sqrt(y) : y);
        by->scale = isfinite(squares) ? by->scale : 0;
    }
}

static void variance(tgk_team *team, int isa, int dtype, const tgk_moments *m, bool scaled)
{
    moments mean = open(TGK_FOLD_SUM, finish_mean, dtype, m);
    moments squares = open(TGK_FOLD_DEVIATIONS, finish_variance, dtype, m);
    mean.fold.shifts = scaled ? m->shifts : NULL;
    squares.fold.shifts = m->shifts;
    tgk_fold_run(team, isa, dtype, &mean.fold);
    tgk_fold_run(team, isa, dtype, &squares.fold);
}

void tgk_variance(tgk_team *team, int isa, int dtype, const tgk_moments *m)
{
    variance(team, isa, dtype, m, false);
    bool overflow = false;
    for (int64_t i = 0; dtype && i < m->outer * m->inner; i++) {
        bool again = m->shifts[i].scale == 0;
        overflow = overflow || again;
        m->shifts[i] = (tgk_shift){again ? SMALLER : 1, 0, 0};
    }
    if (overflow)
        variance(team, isa, dtype, m, true);
}

/* --- norms --- */

/* What a norm has to be made again with; 1: it is right. */
static double scale_for(double y)
{
    return y < 0x1p-450 ? LARGER : y > 0x1p500 ? SMALLER : 1;
}

static void finish_norm(const tgk_fold *f, int64_t from, int64_t count, const tgk_compensated *sums)
{
    for (int64_t k = 0; k < count; k++)
        put((const moments *)f, from + k,
            sqrt(tgk_compensated_total(sums[k])) / scale_at(f, from + k));
}

void tgk_norm2(tgk_team *team, int isa, int dtype, const tgk_moments *m)
{
    moments squares = open(TGK_FOLD_SQUARES, finish_norm, dtype, m);
    tgk_fold_run(team, isa, dtype, &squares.fold);
    bool again = false;
    for (int64_t i = 0; dtype && i < m->outer * m->inner; i++) {
        double scale = scale_for(((const double *)m->out)[i]);
        m->shifts[i] = (tgk_shift){scale, 0, 0};
        again = again || scale != 1;
    }
    squares.fold.shifts = m->shifts;
    if (again)
        tgk_fold_run(team, isa, dtype, &squares.fold);
}

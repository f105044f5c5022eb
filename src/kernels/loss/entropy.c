/* entropy.c: the table of loss kernels, and what both dtypes share; entropy.inc and nll.inc hold their
 * bodies.
 *
 * Cross-entropy of one position. Let m be the largest logit, d_c = x_c - m, S the sum of e^d over
 * all but (one of) the largest, T = 1 + S, a_c the weighted and smoothed target, A the sum of a_c:
 *
 *     loss       = sum of a_c * (m - x_c)  +  A * log1p(S)
 *     gradient_c = (e^d_c * (A - a_c)  -  a_c * (T - e^d_c)) / T      times upstream / denominator
 *
 * For coefficients of one sign nothing cancels in the loss. In the gradient A - a_c and T - e^d_c
 * are formed without cancellation (for the largest logit as sums over the others), so that only the
 * cancellation is left which the mathematics asks for. float computes in double and looks whether
 * the result is much smaller than its terms; where it is, the row is done again in double-double
 * (for index targets forward finds that out, with the whole row before it).
 * double is done so always, but for index targets without smoothing: entropy_index_f64.inc. */
#include "kernels/loss/entropy.h"

#include "kernels/dd.h"
#include "kernels/exp_parts.h"
#include "kernels/row_sum.h"
#include "kernels/stream.h"

#include <stdbool.h>

/* A loss is kept as far + near. Terms of huge numbers, which may overflow on the way to a loss that
 * does not, go to far, times this; all others to near, times EXP_SCALE, as they may underflow. */
#define FAR_SCALE 0x1p-64

/* Where double-double met an infinity or nan the plain result is right, else the wide one is. */
TGK_INLINE double tgk_pick(tgk_dd wide, double plain)
{
    return isfinite(plain) ? tgk_dd_round(wide) : plain;
}

/* Whether a double result, of terms of that size, may have lost more than float can bear. */
TGK_INLINE bool tgk_cancelled(double result, double magnitude)
{
    return fabs(result) < magnitude * 0x1p-20;
}

/* A sum of positions that is smaller than this times its terms is too small for terms to 2^-34, in double
 * to 2^-57. */
#define QUICK_CANCELLED 0x1p-3

static inline tgk_smoothing tgk_smoothing_of(const tgk_ce *ce, tgk_dd weights)
{
    tgk_smoothing out = {tgk_two_sum(1, -ce->smoothing), {0, 0}, weights, ce->smoothing > 0};
    if (out.on)
        out.share =
            tgk_dd_div(tgk_dd_of(ce->smoothing), tgk_dd_of((double)(ce->all ? ce->all : ce->c)));
    return out;
}

/* One position's results. The loss is far + near; backward needs the rest again. */
typedef struct tgk_position {
    double max;
    int64_t top;              /* probability targets: the first of the largest logits */
    bool again;               /* index targets: the gradient wants double-double */
    tgk_dd others;            /* S, times EXP_SCALE */
    tgk_dd coefficients;      /* A, times EXP_SCALE */
    tgk_dd coefficients_rest; /* the same without a_top, times EXP_SCALE */
    tgk_dd far, near;
} tgk_position;

/* So many classes are taken together. */
enum { TGK_CLASSES = 256 };

/* Where some of a position's stats are. */
enum { TGK_STAT_MAX = 0, TGK_STAT_OTHERS = 2 };

TGK_INLINE void tgk_position_store(double *stats, const tgk_position *p)
{
    const double all[TGK_CE_STATS] = {p->max,
                                      p->again ? -1.0 : (double)p->top,
                                      p->others.hi,
                                      p->others.lo,
                                      p->coefficients.hi,
                                      p->coefficients.lo,
                                      p->coefficients_rest.hi,
                                      p->coefficients_rest.lo};
    memcpy(stats, all, sizeof all);
}

TGK_INLINE tgk_position tgk_position_load(const double *stats)
{
    return (tgk_position){.max = stats[0],
                          .top = (int64_t)stats[1],
                          .again = stats[1] < 0,
                          .others = {stats[2], stats[3]},
                          .coefficients = {stats[4], stats[5]},
                          .coefficients_rest = {stats[6], stats[7]}};
}

/* One position's row and target. */
typedef struct tgk_place {
    const void *x, *prob, *weight; /* prob and weight may be NULL */
    int64_t n, stride, target;     /* n classes; x and prob have that stride */
    bool ignored;
} tgk_place;

/* Where position i's first class is in x. */
TGK_INLINE int64_t tgk_start(const tgk_ce *ce, int64_t i)
{
    return ce->d == 1 ? i * ce->c : i / ce->d * ce->c * ce->d + i % ce->d;
}

/* a_c and A - a_c, times EXP_SCALE. */
typedef struct tgk_wide_coef {
    tgk_dd a, rest;
} tgk_wide_coef;

TGK_INLINE tgk_sums tgk_sums_add(tgk_sums a, const tgk_sums *b)
{
    return (tgk_sums){tgk_dd_add(a.far, b->far), tgk_dd_add(a.near, b->near), a.plain + b->plain,
                      a.size + b->size};
}

/* What threads that share a call are told. */
typedef struct tgk_ce_job {
    const tgk_ce *ce;
    const tgk_smoothing *s;
    void *out; /* loss or dx */
    double *stats;
    bool wide;
    tgk_sums *sums; /* forward: one a block ... */
    bool single;    /* ... or one a position */
    const void *grad_out;
    tgk_dd den;
} tgk_ce_job;

/* Logits of a block, about. */
enum { TGK_BLOCK = 1 << 14 };

/* As many blocks as there is work for: of about TGK_BLOCK logits or more. */
static int64_t tgk_blocks(const tgk_ce *ce)
{
    int64_t count = ce->n * ce->d,
            most = 1 + (int64_t)((double)count * (double)ce->c / (double)TGK_BLOCK);
    most = most < TGK_CE_BLOCKS ? most : TGK_CE_BLOCKS;
    return most < count ? most : count;
}

static int64_t tgk_block_start(const tgk_ce *ce, int64_t block)
{
    int64_t count = ce->n * ce->d, blocks = tgk_blocks(ce);
    return count / blocks * block + (block < count % blocks ? block : count % blocks);
}

/* The block that position i is in. */
static int64_t tgk_block_of(const tgk_ce *ce, int64_t i)
{
    int64_t blocks = tgk_blocks(ce), size = ce->n * ce->d / blocks, longer = ce->n * ce->d % blocks;
    return i < longer * (size + 1) ? i / (size + 1) : longer + (i - longer * (size + 1)) / size;
}

/* (far / FAR_SCALE + near / scale) / den */
static double tgk_loss_value(tgk_dd far, tgk_dd near, double scale, tgk_dd den)
{
    double plain = far.hi / den.hi / FAR_SCALE + near.hi / den.hi / scale;
    far = tgk_dd_scale(tgk_dd_div(far, den), 1 / FAR_SCALE);
    near = tgk_dd_scale(tgk_dd_div(near, den), 1 / scale);
    return tgk_pick(tgk_dd_add(far, near), plain);
}

int64_t tgk_targets_check(const int64_t *target, int64_t count, int64_t c, int64_t ignore)
{
    for (int64_t i = 0; i < count; i++)
        if ((target[i] < 0 || target[i] >= c) && target[i] != ignore)
            return i;
    return -1;
}

/* See row.inc. */
#define F64_SCALE TGK_EXP_SCALE

#define TGK_BODY "kernels/loss/entropy_isa.inc"
#define TGK_PLAIN_SMALL
#include "kernels/each_isa.h"

#define FUNCTIONS(type)                                                                            \
    {                                                                                              \
        ce_forward_##type, ce_begin_##type, ce_piece_##type, ce_end_##type, ce_backward_##type,    \
            nll_forward_##type, nll_backward_##type,                                               \
    }
#define TABLE(isa)                                                                                 \
    {                                                                                              \
        FUNCTIONS(f32_##isa), TGK_IN_F64(FUNCTIONS(f64_##isa))                                     \
    }

const tgk_loss tgk_loss_table[TGK_ISAS][2] = TGK_BY_ISA(TABLE);

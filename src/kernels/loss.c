/* loss.c: the table of loss kernels, and what both dtypes share; loss.inc holds their bodies.
 *
 * Cross-entropy of one position. Let m be the largest logit, d_c = x_c - m, S the sum of e^d over all
 * but (one of) the largest, T = 1 + S, a_c the weighted and smoothed target, A the sum of all a_c:
 *
 *     loss       = sum of a_c * (m - x_c)  +  A * log1p(S)            here called far + near
 *     gradient_c = (e^d_c * (A - a_c)  -  a_c * (T - e^d_c)) / T      times upstream / denominator
 *
 * For coefficients of one sign nothing cancels in the loss. In the gradient A - a_c and T - e^d_c
 * are formed without cancellation (from the other coefficients, and as S for the largest logit), so
 * what is left is the cancellation that the mathematics asks for. float computes in double and looks
 * whether the result is much smaller than its terms; where it is, the row is done again in
 * double-double. double is always done in double-double. */
#include "loss.h"

#include <stdbool.h>

#include "dd.h"

/* Where double-double met an infinity or nan the plain result is right, else the wide one is. */
static inline double tgk_pick(tgk_dd wide, double plain)
{
    return isfinite(plain) ? tgk_dd_round(wide) : plain;
}

/* Whether a double result, of terms of that size, may have lost more than float can bear. */
static inline bool tgk_cancelled(double result, double magnitude)
{
    return fabs(result) < magnitude * 0x1p-20;
}

/* What the whole call shares: the target of class c is keep * target + share, times the weight. */
typedef struct tgk_smoothing {
    tgk_dd keep, share, weights; /* 1 - e, e / C, the sum of all weights */
    bool on;
} tgk_smoothing;

static tgk_smoothing tgk_smoothing_of(const tgk_ce *ce, tgk_dd weights)
{
    tgk_smoothing out = {tgk_two_sum(1, -ce->smoothing), {0, 0}, weights, ce->smoothing > 0};
    if (out.on)
        out.share = tgk_dd_div(tgk_dd_of(ce->smoothing), tgk_dd_of((double)ce->c));
    return out;
}

/* One position's results: names for the slots of its TGK_CE_STATS doubles. */
typedef struct tgk_position {
    double max;
    tgk_dd others;       /* S, times EXP_SCALE */
    tgk_dd coefficients; /* A */
    tgk_dd far;          /* half of the sum of a_c * (m - x_c): m - x_c itself may overflow */
    tgk_dd near;         /* A * log1p(S), times EXP_SCALE */
} tgk_position;

static tgk_position tgk_position_load(const double *stats)
{
    return (tgk_position){stats[0],
                          {stats[1], stats[2]},
                          {stats[3], stats[4]},
                          {stats[5], stats[6]},
                          {stats[7], stats[8]}};
}

static void tgk_position_store(double *stats, const tgk_position *p)
{
    const double all[TGK_CE_STATS] = {
        p->max,    p->others.hi, p->others.lo, p->coefficients.hi, p->coefficients.lo,
        p->far.hi, p->far.lo,    p->near.hi,   p->near.lo};
    memcpy(stats, all, sizeof all);
}

/* (2 far + near / scale) / den */
static double tgk_loss_value(tgk_dd far, tgk_dd near, double scale, tgk_dd den)
{
    double plain = (2 * far.hi + near.hi / scale) / den.hi;
    far = tgk_dd_scale(tgk_dd_div(far, den), 2);
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

#define T float
#define NAME(x) x##_f32
#define EXP_SCALE 1.0
#define WIDE 0
#include "row.inc"
#include "loss.inc"
#undef T
#undef NAME
#undef EXP_SCALE
#undef WIDE

#define T double
#define NAME(x) x##_f64
#define EXP_SCALE 0x1p128
#define WIDE 1
#include "row.inc"
#include "loss.inc"

const tgk_loss tgk_loss_table[2] = {
    {ce_forward_f32, ce_backward_f32, nll_forward_f32, nll_backward_f32},
    {ce_forward_f64, ce_backward_f64, nll_forward_f64, nll_backward_f64},
};

/* entropy.h: cross-entropy of logits and the negative log likelihood of log-probabilities, over raw
 * memory. The formulas are PyTorch's; how they are kept accurate is said in entropy.c.
 *
 * float is computed in double; double with what rounding takes away carried along for index targets
 * without smoothing, else in double-double. Where terms cancel both are done in double-double.
 * Every loss and gradient entry is the exact value (of the whole expression, mean and upstream
 * gradient included) to 0.51 ulp in float and to 2 ulp in double. With coefficients of mixed signs
 * the sums themselves may cancel: then the error is within that plus 2^-95 of the sum of the terms'
 * magnitudes. nll in float sums in double-double: products are exact, so this holds there too. */
#ifndef TGK_LOSS_H
#define TGK_LOSS_H

#include "kernels/isa.h"
#include "kernels/math.h"
#include "kernels/team.h"

#include <stdbool.h>
#include <stdint.h>

enum { TGK_MEAN = 0, TGK_SUM = 1, TGK_NONE = 2 };

/* What backward needs again: TGK_CE_STATS doubles for each of the n * d positions, then
 * TGK_CE_TOTALS more. nll keeps the totals alone. The contents are entropy.c's own. */
enum { TGK_CE_STATS = 8, TGK_CE_TOTALS = 4 };

/* The class targets are `target` or, where that is NULL, `prob`. For nll x holds log-probabilities,
 * target is not NULL, and smoothing is not looked at. */
typedef struct tgk_ce {
    int64_t n, c, d;       /* x is contiguous [n][c][d]: n * d positions */
    const void *x;         /* logits */
    const int64_t *target; /* [n][d] or NULL; checked by tgk_targets_check() */
    const void *prob;      /* [n][c][d] or NULL */
    const void *weight;    /* [c] or NULL: all 1 */
    double smoothing;      /* in [0, 1] */
    int64_t ignore;        /* index targets of this value count for nothing */
    int reduction;         /* TGK_MEAN, TGK_SUM, TGK_NONE */
    tgk_team *team;        /* shares positions; NULL: the caller alone */
    int64_t first, all;    /* backward for a part of the classes, see there; all is 0: no part */
} tgk_ce;

/* What the whole call shares: the target of class c is keep * target + share, times the weight. */
typedef struct tgk_smoothing {
    tgk_dd keep, share, weights; /* 1 - e, e / C, the sum of all weights */
    bool on;
} tgk_smoothing;

/* Sums over positions: of the losses, in two parts (see entropy.c), and to tell what cancels. */
typedef struct tgk_sums {
    tgk_dd far, near;
    double plain, size;
} tgk_sums;

/* Positions are summed up in so many blocks at most, whose bounds depend on the sizes alone. */
enum { TGK_CE_BLOCKS = 64 };

/* A forward pass in pieces, for logits that are never there all at once. */
typedef struct tgk_ce_pass {
    const tgk_ce *ce; /* all positions; x is not looked at */
    void *loss;       /* as for forward */
    double *stats;
    bool wide; /* in double-double */
    tgk_smoothing smoothing;
    tgk_dd denominator;
    tgk_sums sums[TGK_CE_BLOCKS];
} tgk_ce_pass;

typedef struct tgk_loss {
    /* loss: [n][d] for TGK_NONE, else one; stats: n * d * TGK_CE_STATS + TGK_CE_TOTALS doubles. */
    void (*forward)(const tgk_ce *ce, void *loss, double *stats);
    /* The same by begin(), piece() in order for index targets with d = 1, and end(); all once more
     * where end() returns false. x holds the logits of positions from to `to`; `terms` is room for
     * as many. The bits are forward's, whatever the pieces. */
    void (*begin)(tgk_ce_pass *pass);
    void (*piece)(tgk_ce_pass *pass, int64_t from, int64_t to, const void *x, tgk_sums *terms);
    bool (*end)(tgk_ce_pass *pass);
    /* grad_out is shaped as loss. Every entry of dx [n][c][d] is written. With index targets dx may be
     * x itself, and both may be a part: classes `first` to first + c of `all`. The bits are the same. */
    void (*backward)(const tgk_ce *ce, const double *stats, const void *grad_out, void *dx);
    /* totals: TGK_CE_TOTALS doubles. */
    void (*nll_forward)(const tgk_ce *ce, void *loss, double *totals);
    /* Every entry of dx is written. */
    void (*nll_backward)(const tgk_ce *ce, const double *totals, const void *grad_out, void *dx);
} tgk_loss;

/* By instruction set and dtype (float, double). */
extern const tgk_loss tgk_loss_table[TGK_ISAS][2];

/* The index of the first target that is neither in [0, c) nor `ignore`; -1 where there is none. */
int64_t tgk_targets_check(const int64_t *target, int64_t count, int64_t c, int64_t ignore);

#endif

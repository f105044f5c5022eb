/* Sums of f(x) along the middle of [outer][n][inner], over raw memory, for f that sums, norms and
 * variances are made of. float32 adds in double, float64 with compensation. The order depends on the
 * sizes alone, so results are the same for any number of threads, on any machine and wherever x
 * lies. Relies on compensated.h, nest.h. */
#ifndef TGK_FOLD_H
#define TGK_FOLD_H

#include "kernels/compensated.h"
#include "kernels/nest.h"

/* x; x^2; (x - mean)^2. */
typedef enum tgk_fold_kind { TGK_FOLD_SUM, TGK_FOLD_SQUARES, TGK_FOLD_DEVIATIONS } tgk_fold_kind;

/* What is done to x first: it is scaled, by a power of two (float64 alone), and moved by mean + rest. */
typedef struct tgk_shift {
    double scale, mean, rest;
} tgk_shift;

typedef struct tgk_fold tgk_fold;

/* Told `count` sums, from number `at` in [outer][inner] on; by whichever thread has made them. */
typedef void tgk_finish(const tgk_fold *fold, int64_t at, int64_t count,
                        const tgk_compensated *sums);

struct tgk_fold {
    tgk_fold_kind kind;
    int64_t outer, n, inner;
    const void *x; /* a dense array; NULL: ... */
    const tgk_nest
        *nest;      /* ... what `loop` makes of the operands of this from 1 on, in that order ... */
    tgk_loop *loop; /* ... or, NULL, operand 1 itself; see tgk_walk_from() */
    const void *params;      /* of the loop */
    const tgk_shift *shifts; /* [outer][inner], or NULL: none */
    tgk_compensated
        *so_far; /* [outer][inner]: sums that these go on from, and become; NULL: none */
    tgk_finish *finish;
    void *out; /* the rest is finish's */
    double divisor;
};

/* dtype: 0 float, 1 double. team may be NULL. */
void tgk_fold_run(tgk_team *team, int isa, int dtype, const tgk_fold *fold);

#endif

/* Sums of doubles that keep what each addition rounds away. */
#ifndef TGK_COMPENSATED_H
#define TGK_COMPENSATED_H

#include "kernels/isa.h"

/* sum + error is the sum so far (two-sum, Knuth). An infinite sum has no error. */
typedef struct tgk_compensated {
    double sum, error;
} tgk_compensated;

TGK_INLINE tgk_compensated tgk_compensated_add(tgk_compensated a, double x)
{
    double s = a.sum + x;
    double part = s - a.sum;
    double error = (a.sum - (s - part)) + (x - part);
    return (tgk_compensated){s, a.error + error};
}

/* The sum of both. */
TGK_INLINE tgk_compensated tgk_compensated_join(tgk_compensated a, tgk_compensated b)
{
    a = tgk_compensated_add(a, b.sum);
    a.error += b.error;
    return a;
}

TGK_INLINE double tgk_compensated_total(tgk_compensated a)
{
    /* inf - inf in the error must not turn an infinite sum into nan. */
    double total = a.sum + a.error;
    return total == total ? total : a.sum;
}

#endif

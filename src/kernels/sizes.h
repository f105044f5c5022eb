/* The smaller and the larger of two sizes. */
#ifndef TGK_SIZES_H
#define TGK_SIZES_H

#include <stdint.h>

static inline int64_t tgk_least(int64_t a, int64_t b)
{
    return a < b ? a : b;
}

static inline int64_t tgk_most(int64_t a, int64_t b)
{
    return a > b ? a : b;
}

#endif

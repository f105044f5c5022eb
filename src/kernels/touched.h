/* Which rows of a matrix may be other than zero, a bit each: the others are zero. Knows nothing of
 * tensors. */
#ifndef TGK_TOUCHED_H
#define TGK_TOUCHED_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef struct tgk_touched {
    uint64_t version; /* of the matrix, that this is said of; of another one it is not true */
    uint64_t bits[];
} tgk_touched;

static inline size_t tgk_touched_words(int64_t rows)
{
    return ((size_t)rows + 63) / 64;
}

static inline size_t tgk_touched_size(int64_t rows)
{
    return sizeof(tgk_touched) + tgk_touched_words(rows) * sizeof(uint64_t);
}

/* In memory of that size, which may be NULL: true of no version. */
static inline tgk_touched *tgk_touched_in(void *memory)
{
    tgk_touched *t = (tgk_touched *)memory;
    if (t)
        t->version = UINT64_MAX;
    return t;
}

/* No row is. */
void tgk_touched_clear(tgk_touched *t, int64_t rows);
/* Adds n rows, but for `skip`. False where one is outside [0, rows): some are added then. */
bool tgk_touched_add(tgk_touched *t, int64_t rows, const int64_t *index, int64_t n, int64_t skip);
int64_t tgk_touched_count(const tgk_touched *t, int64_t rows);
/* The first one from `row` on; `rows` where there is none. */
int64_t tgk_touched_next(const tgk_touched *t, int64_t rows, int64_t row);
/* Number k >= 0 of them, which there must be. */
int64_t tgk_touched_at(const tgk_touched *t, int64_t k);

#endif

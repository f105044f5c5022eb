/* Rows of a matrix that may be other than zero, see touched.h. */
#include "kernels/touched.h"

#include <string.h>

void tgk_touched_clear(tgk_touched *t, int64_t rows)
{
    memset(t->bits, 0, tgk_touched_words(rows) * sizeof *t->bits);
}

bool tgk_touched_add(tgk_touched *t, int64_t rows, const int64_t *index, int64_t n, int64_t skip)
{
    for (int64_t i = 0; i < n; i++) {
        if (index[i] == skip)
            continue;
        if ((uint64_t)index[i] >= (uint64_t)rows)
            return false;
        t->bits[index[i] / 64] |= (uint64_t)1 << index[i] % 64;
    }
    return true;
}

static int ones(uint64_t word)
{
    return __builtin_popcountll(word);
}

int64_t tgk_touched_count(const tgk_touched *t, int64_t rows)
{
    int64_t count = 0;
    for (size_t i = 0; i < tgk_touched_words(rows); i++)
        count += ones(t->bits[i]);
    return count;
}

int64_t tgk_touched_next(const tgk_touched *t, int64_t rows, int64_t row)
{
    for (; row < rows; row = (row / 64 + 1) * 64) {
        uint64_t word = t->bits[row / 64] >> row % 64;
        if (word)
            return row + __builtin_ctzll(word);
    }
    return rows;
}

int64_t tgk_touched_at(const tgk_touched *t, int64_t k)
{
    int64_t i = 0;
    for (int n; (n = ones(t->bits[i])) <= k; i++)
        k -= n;
    uint64_t word = t->bits[i];
    for (; k > 0; k--)
        word &= word - 1;
    return i * 64 + __builtin_ctzll(word);
}

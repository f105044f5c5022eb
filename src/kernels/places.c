/* See places.h. */
#include "kernels/places.h"

#include "kernels/loops.h"

#include <math.h>
#include <string.h>

/* A copy; the loop is one of dense elements where what is read goes backwards. */
#define REVERSE(T)                                                                                 \
    TGK_INLINE void reverse_##T##_body(TGK_LOOP_PARAMETERS)                                        \
    {                                                                                              \
        if (s[1] != -(int64_t)sizeof(T)) {                                                         \
            tgk_copy_loop(sizeof(T))(n, data, s, params);                                          \
            return;                                                                                \
        }                                                                                          \
        T *out = (T *)(void *)data[0];                                                             \
        const T *in = TGK_ARRAY(T, 1) - (n - 1);                                                   \
        TGK_INDEPENDENT                                                                            \
        for (int64_t i = 0; i < n; i++)                                                            \
            out[i] = in[n - 1 - i];                                                                \
    }                                                                                              \
    TGK_LOOP_EACH_ISA(reverse_##T)

REVERSE(uint8_t);
REVERSE(uint32_t);
REVERSE(uint64_t);

tgk_loop *tgk_reverse_loop(int isa, size_t size)
{
    const tgk_loops loops = size == 1   ? reverse_uint8_t
                            : size == 4 ? reverse_uint32_t
                                        : reverse_uint64_t;
    return loops[isa];
}

int64_t tgk_count_true(const bool *x, int64_t n)
{
    int64_t count = 0;
    for (int64_t i = 0; i < n; i++)
        count += x[i];
    return count;
}

/* --- repeating --- */

/* Blocks go in pieces, so that what is read or added to again is still near. */
enum { PART = 1 << 12 };

static int64_t pieces_of(const tgk_repeat *r)
{
    return (r->block + PART - 1) / PART;
}

/* Of piece number `at`: where it begins in `once` and in `many`, and how long it is. */
typedef struct piece {
    int64_t once, many, n;
} piece;

TGK_INLINE piece piece_at(const tgk_repeat *r, int64_t at)
{
    int64_t outer = at / pieces_of(r), from = at % pieces_of(r) * PART, left = r->block - from;
    return (piece){outer * r->block + from, outer * r->times * r->block + from,
                   left < PART ? left : PART};
}

#define REPEAT(T)                                                                                  \
    static void repeat_##T(void *context, int64_t from, int64_t to)                                \
    {                                                                                              \
        const tgk_repeat *r = context;                                                             \
        for (; from < to; from++) {                                                                \
            piece p = piece_at(r, from);                                                           \
            const T *x = (const T *)r->once + p.once;                                              \
            T *out = (T *)r->many + p.many;                                                        \
            for (int64_t k = 0; k < r->times && p.n == 1; k++)                                     \
                out[k * r->block] = *x;                                                            \
            for (int64_t k = 0; k < r->times && p.n != 1; k++)                                     \
                memcpy(out + k * r->block, x, (size_t)p.n * sizeof(T));                            \
        }                                                                                          \
    }

/* One element, or a run of them, from all of its copies. */
#define ADD_UP_PIECE(T)                                                                            \
    static inline void add_up_piece_##T(const tgk_repeat *r, piece p)                              \
    {                                                                                              \
        const T *g = (const T *)r->many + p.many;                                                  \
        T *out = (T *)r->once + p.once, sum = 0;                                                   \
        for (int64_t k = 0; k < r->times && p.n == 1; k++)                                         \
            sum += g[k * r->block];                                                                \
        for (int64_t i = 0; i < p.n; i++)                                                          \
            out[i] = p.n == 1 ? sum : r->times ? g[i] : 0;                                         \
        for (int64_t k = 1; k < r->times && p.n != 1; k++) {                                       \
            for (int64_t i = 0; i < p.n; i++)                                                      \
                out[i] += g[k * r->block + i];                                                     \
        }                                                                                          \
    }

#define ADD_UP(T)                                                                                  \
    ADD_UP_PIECE(T)                                                                                \
    static void add_up_##T(void *context, int64_t from, int64_t to)                                \
    {                                                                                              \
        for (; from < to; from++)                                                                  \
            add_up_piece_##T(context, piece_at(context, from));                                    \
    }

REPEAT(uint8_t)
REPEAT(uint32_t)
REPEAT(uint64_t)
ADD_UP(float)
ADD_UP(double)

static void share_pieces(tgk_team *team, const tgk_repeat *r, tgk_range *body)
{
    int64_t n = r->block < PART ? r->block : PART;
    tgk_share_rows(team, r->outer * pieces_of(r), r->times * n, body, (void *)(uintptr_t)r);
}

void tgk_repeat_read(tgk_team *team, size_t size, const tgk_repeat *r)
{
    share_pieces(team, r,
                 size == 1   ? repeat_uint8_t
                 : size == 4 ? repeat_uint32_t
                             : repeat_uint64_t);
}

void tgk_repeat_add(tgk_team *team, int dtype, const tgk_repeat *r)
{
    share_pieces(team, r, dtype ? add_up_double : add_up_float);
}

/* --- what is true --- */

/* The places of the true ones among n elements; returns how many, and writes one more. */
static int64_t find_true(const bool *x, int64_t n, int64_t *out)
{
    int64_t k = 0;
    for (int64_t i = 0; i < n; i++) { /* without a branch for each element */
        out[k] = i;
        k += x[i];
    }
    return k;
}

int64_t *tgk_places_in_row(const bool *x, int64_t n, const int64_t *at, int ndim, int64_t *out)
{
    enum { PIECE = 256 };
    int64_t places[PIECE + 1];
    for (int64_t from = 0; from < n; from += PIECE) {
        int64_t count = find_true(x + from, n - from < PIECE ? n - from : PIECE, places);
        for (int64_t k = 0; k < count; k++, out += ndim) {
            for (int i = 0; i < ndim - 1; i++)
                out[i] = at[i];
            out[ndim - 1] = from + places[k];
        }
    }
    return out;
}

void tgk_find_in_rows(const bool *x, int64_t outer, int64_t n, int64_t inner, bool wanted,
                      bool *out)
{
    outer = inner ? outer : 0; /* of nothing there may be any number of rows */
    for (int64_t i = 0; i < outer && inner == 1; i++)
        out[i] = n && memchr(x + i * n, wanted, (size_t)n) ? wanted : !wanted;
    for (int64_t i = 0; i < outer && inner != 1; i++) {
        bool *row = out + i * inner;
        memset(row, !wanted, (size_t)inner);
        for (int64_t j = 0; j < n; j++, x += inner) {
            for (int64_t k = 0; k < inner; k++)
                row[k] = wanted ? row[k] | x[k] : row[k] & x[k];
        }
    }
}

/* --- samples --- */

TGK_INLINE double weight_at(const void *w, int dtype, int64_t at)
{
    return dtype == 0 ? (double)((const float *)w)[at] : ((const double *)w)[at];
}

/* The order of the sum does not matter: all that is asked is whether it is 0. */
TGK_INLINE double sum_of(const void *w, int dtype, int64_t from, int64_t n)
{
    enum { LANES = 8 };
    double sums[LANES] = {0}, all = 0;
    bool good = true;
    for (int64_t k = 0; k < n; k += LANES) {
        for (int i = 0; i < LANES && k + i < n; i++) {
            double x = weight_at(w, dtype, from + k + i);
            good &= (x >= 0) & (x < (double)INFINITY);
            sums[i] += x;
        }
    }
    for (int i = 0; i < LANES; i++)
        all += sums[i];
    return good ? all : (double)NAN;
}

/* The same where no weight is bad, in few instructions: negative ones are those whose size is another. */
TGK_INLINE double sum_of_good(const void *w, int dtype, int64_t from, int64_t n)
{
    enum { LANES = 8 };
    double sums[LANES] = {0}, sizes[LANES] = {0}, all = 0, size = 0;
    const int64_t end = from + n;
    int64_t k = from;
    for (; k + LANES <= end; k += LANES) {
        for (int i = 0; i < LANES; i++) {
            sums[i] += weight_at(w, dtype, k + i);
            sizes[i] += fabs(weight_at(w, dtype, k + i));
        }
    }
    for (int i = 0; k < end; k++, i++) {
        sums[i] += weight_at(w, dtype, k);
        sizes[i] += fabs(weight_at(w, dtype, k));
    }
    for (int i = 0; i < LANES; i++) {
        all += sums[i];
        size += sizes[i];
    }
    return all == size && all < (double)INFINITY ? all : (double)NAN;
}

double tgk_sum_of_weights(const void *w, int dtype, int64_t from, int64_t n)
{
    const double sum = dtype == 0 ? sum_of_good(w, 0, from, n) : sum_of_good(w, 1, from, n);
    return sum == sum ? sum : sum_of(w, dtype, from, n);
}

#define SUM_UP(T)                                                                                  \
    static void sum_up_##T(const T *w, int64_t n, double *sums)                                    \
    {                                                                                              \
        T sum = 0;                                                                                 \
        for (int64_t k = 0; k < n; k++)                                                            \
            sums[k] = (double)(sum += w[k]);                                                       \
        for (int64_t k = 0; k < n; k++)                                                            \
            sums[k] = (double)((T)sums[k] / sum);                                                  \
        sums[n - 1] = 1;                                                                           \
    }

SUM_UP(float)
SUM_UP(double)

void tgk_shares(const void *w, int dtype, int64_t n, double *sums)
{
    if (dtype == 0)
        sum_up_float(w, n, sums);
    else
        sum_up_double(w, n, sums);
}

int64_t tgk_first_share(const double *sums, int64_t n, double u)
{
    const double *from = sums;
    for (int64_t half; n > 1; n -= half) {
        half = n / 2;
        from += from[half - 1] < u ? half : 0; /* no branch */
    }
    return from - sums;
}

/* See distances.h; the loops are in distances.inc. Relies on row_sum.h for its vectors. */
#include "kernels/distances.h"

#include "kernels/row_sum.h"

#include <float.h>
#include <string.h>

/* TOGETHER vectors of WIDTH columns. */
enum { WIDTH = 4, TOGETHER = 4, COLUMNS = WIDTH * TOGETHER };
typedef int64_t bits __attribute__((vector_size(sizeof(tgk_half))));
typedef double unaligned
    __attribute__((vector_size(sizeof(tgk_half)), aligned(_Alignof(double)), may_alias));
#define AT(x) ((tgk_half) * (const unaligned *)(const void *)(x))
#define SIZE(d) ((tgk_half)((bits)(d)&INT64_MAX))
/* a where all bits are set, else b. */
#define CHOOSE(which, a, b) ((tgk_half)(((bits)(a) & (which)) | ((bits)(b) & ~(which))))

#if defined(__GNUC__) && !defined(__clang__)
#define EACH _Pragma("GCC unroll 4") for (int v = 0; v < TOGETHER; v++)
#else
#define EACH for (int v = 0; v < TOGETHER; v++)
#endif

int64_t tgk_distances_width(int64_t columns)
{
    return (columns + COLUMNS - 1) / COLUMNS * COLUMNS;
}

void tgk_widen(const float *x, int64_t count, double *out)
{
    for (int64_t i = 0; i < count; i++)
        out[i] = (double)x[i];
}

void tgk_distances_turn(const double *x, const tgk_distances *d, double *out)
{
    memset(out, 0, (size_t)(d->batches * d->n * d->width) * sizeof *out);
    for (int64_t b = 0; b < d->batches; b++, out += d->n * d->width) {
        for (int64_t i = 0; i < d->columns; i++) {
            for (int64_t k = 0; k < d->n; k++)
                out[k * d->width + i] = *x++;
        }
    }
}

/* The distance of two rows of float64 whose squares are out of range, by the square roots' own scale. */
static double scaled_distance(const tgk_distances *d, const double *own, const double *other)
{
    double largest = 0, sum = 0;
    for (int64_t k = 0; k < d->n; k++) {
        const double size = fabs(own[k] - other[k * d->width]);
        largest = size > largest || size != size ? size : largest;
    }
    if (!(largest > 0 && largest <= DBL_MAX))
        return largest;
    const int exponent = ilogb(largest);
    for (int64_t k = 0; k < d->n; k++) {
        const double part = scalbn(own[k] - other[k * d->width], -exponent);
        sum += part * part;
    }
    return scalbn(sqrt(sum), exponent);
}

TGK_INLINE double element(const tgk_distances *d, const void *x, int64_t at)
{
    return d->dtype ? ((const double *)x)[at] : (double)((const float *)x)[at];
}

#define TGK_BODY "kernels/distances.inc"
#include "kernels/each_isa.h"

#define TABLE(isa)                                                                                 \
    {                                                                                              \
        forward_##isa, backward_##isa                                                              \
    }

static tgk_range *const table[TGK_ISAS][2] = TGK_BY_ISA(TABLE);

void tgk_distances_forward(tgk_team *team, int isa, tgk_distances *d)
{
    tgk_share_rows(team, d->batches * d->rows, d->width * d->n, table[isa][0], d);
}

void tgk_distances_backward(tgk_team *team, int isa, tgk_distances *d)
{
    tgk_share_rows(team, d->batches * d->rows, d->width * d->n, table[isa][1], d);
}

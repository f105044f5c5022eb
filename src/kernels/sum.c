/* Sums, see sum.h. */
#include "kernels/sum.h"

#include "kernels/isa.h"

#include <stdbool.h>
#include <stddef.h>
#include <string.h>

/* Lanes of the accumulators: fixed, whatever vectors the machine has. A row from LONG on is cut into
 * at most BLOCKS blocks, which are summed apart. */
enum { LANES = 8, COLUMNS = 64, BLOCKS = 64, BLOCK = 1 << 14, LONG = 2 * BLOCK };

TGK_INLINE double sum_f32(const float *x, int64_t n)
{
    double lane[LANES] = {0};
    int64_t i = 0;
    for (; i + LANES <= n; i += LANES) {
        for (int k = 0; k < LANES; k++)
            lane[k] += (double)x[i + k];
    }
    for (int k = 0; i < n; i++, k++)
        lane[k] += (double)x[i];
    return ((lane[0] + lane[4]) + (lane[1] + lane[5])) +
           ((lane[2] + lane[6]) + (lane[3] + lane[7]));
}

TGK_INLINE tgk_compensated sum_f64(const double *x, int64_t n)
{
    tgk_compensated lane[LANES] = {{0, 0}};
    int64_t i = 0;
    for (; i + LANES <= n; i += LANES) {
        for (int k = 0; k < LANES; k++)
            lane[k] = tgk_compensated_add(lane[k], x[i + k]);
    }
    for (int k = 0; i < n; i++, k++)
        lane[k] = tgk_compensated_add(lane[k], x[i]);
    for (int k = 1; k < LANES; k++) {
        lane[0] = tgk_compensated_add(lane[0], lane[k].sum);
        lane[0].error += lane[k].error;
    }
    return lane[0];
}

/* --- bodies for tgk_share() with tgk_sum_args as context; the items are rows of n elements --- */

TGK_INLINE void rows_f32_body(void *context, int64_t from, int64_t to)
{
    const tgk_sum_args *a = context;
    for (int64_t i = from; i < to; i++)
        ((float *)a->out)[i] = (float)(sum_f32((const float *)a->x + i * a->n, a->n) / a->divisor);
}

TGK_INLINE void rows_f64_body(void *context, int64_t from, int64_t to)
{
    const tgk_sum_args *a = context;
    for (int64_t i = from; i < to; i++) {
        tgk_compensated sum = sum_f64((const double *)a->x + i * a->n, a->n);
        ((double *)a->out)[i] = tgk_compensated_total(sum) / a->divisor;
    }
}

TGK_EACH_ISA(rows_f32, (void *context, int64_t from, int64_t to), (context, from, to));
TGK_EACH_ISA(rows_f64, (void *context, int64_t from, int64_t to), (context, from, to));

/* --- the items are groups of columns: they fit a small array, and rows are read in order --- */

typedef struct group {
    int64_t out, x; /* where it begins */
    int width;
} group;

static int64_t groups(const tgk_sum_args *a)
{
    return (a->inner + COLUMNS - 1) / COLUMNS;
}

TGK_INLINE group group_at(const tgk_sum_args *a, int64_t i)
{
    int64_t outer = i / groups(a), from = i % groups(a) * COLUMNS, left = a->inner - from;
    return (group){outer * a->inner + from, outer * a->n * a->inner + from,
                   left < COLUMNS ? (int)left : COLUMNS};
}

TGK_INLINE void columns_f32_body(void *context, int64_t from, int64_t to)
{
    const tgk_sum_args *a = context;
    for (int64_t i = from; i < to; i++) {
        group g = group_at(a, i);
        const float *x = (const float *)a->x + g.x;
        double column[COLUMNS] = {0};
        for (int k = 0; a->so_far && k < g.width; k++)
            column[k] = a->so_far[g.out + k].sum;
        for (int64_t j = 0; j < a->n; j++, x += a->inner) {
            for (int k = 0; k < g.width; k++)
                column[k] += (double)x[k];
        }
        for (int k = 0; k < g.width; k++)
            ((float *)a->out)[g.out + k] = (float)(column[k] / a->divisor);
        for (int k = 0; a->so_far && k < g.width; k++)
            a->so_far[g.out + k].sum = column[k];
    }
}

TGK_INLINE void columns_f64_body(void *context, int64_t from, int64_t to)
{
    const tgk_sum_args *a = context;
    for (int64_t i = from; i < to; i++) {
        group g = group_at(a, i);
        const double *x = (const double *)a->x + g.x;
        tgk_compensated column[COLUMNS] = {{0, 0}};
        size_t width = (size_t)g.width;
        if (a->so_far)
            memcpy(column, a->so_far + g.out, width * sizeof *column);
        for (int64_t j = 0; j < a->n; j++, x += a->inner) {
            for (int k = 0; k < g.width; k++)
                column[k] = tgk_compensated_add(column[k], x[k]);
        }
        for (int k = 0; k < g.width; k++)
            ((double *)a->out)[g.out + k] = tgk_compensated_total(column[k]) / a->divisor;
        if (a->so_far)
            memcpy(a->so_far + g.out, column, width * sizeof *column);
    }
}

TGK_EACH_ISA(columns_f32, (void *context, int64_t from, int64_t to), (context, from, to));
TGK_EACH_ISA(columns_f64, (void *context, int64_t from, int64_t to), (context, from, to));

/* --- the items are blocks of one long row --- */

typedef struct long_row {
    const char *x;
    int64_t n, block; /* elements of the row and of a block */
    tgk_compensated *sums;
} long_row;

TGK_INLINE int64_t block_size(const long_row *row, int64_t i)
{
    int64_t left = row->n - i * row->block;
    return left < row->block ? left : row->block;
}

TGK_INLINE void blocks_f32_body(void *context, int64_t from, int64_t to)
{
    const long_row *row = context;
    for (int64_t i = from; i < to; i++) {
        const float *x = (const float *)(const void *)row->x + i * row->block;
        row->sums[i] = (tgk_compensated){sum_f32(x, block_size(row, i)), 0};
    }
}

TGK_INLINE void blocks_f64_body(void *context, int64_t from, int64_t to)
{
    const long_row *row = context;
    for (int64_t i = from; i < to; i++) {
        const double *x = (const double *)(const void *)row->x + i * row->block;
        row->sums[i] = sum_f64(x, block_size(row, i));
    }
}

TGK_EACH_ISA(blocks_f32, (void *context, int64_t from, int64_t to), (context, from, to));
TGK_EACH_ISA(blocks_f64, (void *context, int64_t from, int64_t to), (context, from, to));

static double sum_long(tgk_team *team, tgk_range *blocks, const char *x, int64_t n)
{
    tgk_compensated sums[BLOCKS];
    int64_t block = (n + BLOCKS - 1) / BLOCKS;
    block = block > BLOCK ? (block + LANES - 1) / LANES * LANES : BLOCK;
    long_row row = {x, n, block, sums};
    int64_t count = (n + block - 1) / block;
    tgk_share(team, count, 1, blocks, &row);
    for (int64_t i = 1; i < count; i++) {
        sums[0] = tgk_compensated_add(sums[0], sums[i].sum);
        sums[0].error += sums[i].error;
    }
    return tgk_compensated_total(sums[0]);
}

static void long_rows(tgk_team *team, int isa, int dtype, tgk_sum_args *a)
{
    for (int64_t i = 0; i < a->outer; i++) {
        const char *x = (const char *)a->x + i * a->n * (dtype ? 8 : 4);
        double sum = sum_long(team, dtype ? blocks_f64[isa] : blocks_f32[isa], x, a->n);
        if (dtype)
            ((double *)a->out)[i] = sum / a->divisor;
        else
            ((float *)a->out)[i] = (float)(sum / a->divisor);
    }
}

/* --- integers: the items are elements of the result --- */

/* Wrap around as in PyTorch; unsigned, because signed overflow is undefined. */
#define INTEGER_SUM(name, T)                                                                       \
    static void name(void *context, int64_t from, int64_t to)                                      \
    {                                                                                              \
        const tgk_sum_args *a = context;                                                           \
        for (int64_t i = from; i < to; i++) {                                                      \
            const T *x = (const T *)a->x + i / a->inner * a->n * a->inner + i % a->inner;          \
            uint64_t sum = 0;                                                                      \
            for (int64_t j = 0; j < a->n; j++)                                                     \
                sum += (uint64_t)x[j * a->inner];                                                  \
            ((int64_t *)a->out)[i] = (int64_t)sum;                                                 \
        }                                                                                          \
    }

INTEGER_SUM(sum_i64, int64_t)
INTEGER_SUM(sum_bool, bool)

void tgk_sum(tgk_team *team, int isa, int dtype, tgk_sum_args *a)
{
    if (dtype > 1)
        tgk_share_rows(team, a->outer * a->inner, a->n, dtype == 2 ? sum_i64 : sum_bool, a);
    else if (a->inner == 1 && !a->so_far && a->n >= LONG)
        long_rows(team, isa, dtype, a);
    else if (a->inner == 1 && !a->so_far)
        tgk_share_rows(team, a->outer, a->n, dtype ? rows_f64[isa] : rows_f32[isa], a);
    else
        tgk_share_rows(team, a->outer * groups(a), a->n * COLUMNS,
                       dtype ? columns_f64[isa] : columns_f32[isa], a);
}

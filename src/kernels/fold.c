/* Folds, see fold.h; their loops are in fold.inc. Rows (inner is 1) are added in lanes, and long ones
 * in blocks; columns in groups that fit a small array, so that memory is read in order. What lies
 * elsewhere is copied to a small array, some elements at a time. */
#include "kernels/fold.h"

#include "kernels/row_sum.h"

#include <string.h>

/* A row from LONG on is cut into at most BLOCKS blocks, which are summed apart. */
enum { COLUMNS = 64, BLOCKS = 64, BLOCK = 1 << 14, LONG = 2 * BLOCK };
/* Columns whose sums are in registers, of narrow groups and of others; rows that are added to them at a time. */
enum { FEW_ASIDE = 16, ASIDE = 32, TOGETHER = 64 };
/* So many elements take as long as one of most other loops over rows. */
enum { QUICK = 4 };
/* Elements that are copied at a time: whole groups of lanes. */
enum { CHUNK = 1024 };

static const tgk_shift unmoved = {1, 0, 0};

static tgk_shift shift_at(const tgk_fold *f, int64_t i)
{
    return f->shifts ? f->shifts[i] : unmoved;
}

static tgk_loop *loop_of(const tgk_fold *f, size_t size)
{
    return f->loop ? f->loop : tgk_copy_loop(size);
}

/* One long row, cut into blocks. */
typedef struct long_row {
    const tgk_fold *fold;
    int64_t row, block; /* its number; elements of a block */
    tgk_compensated *sums;
} long_row;

TGK_INLINE int64_t groups(const tgk_fold *f)
{
    return (f->inner + COLUMNS - 1) / COLUMNS;
}

#define TGK_BODY "kernels/fold_isa.inc"
#include "kernels/each_isa.h"

typedef struct kernels {
    tgk_range *rows, *blocks, *columns;
} kernels;

#define TABLE(isa)                                                                                 \
    {                                                                                              \
        {rows_f32_##isa, blocks_f32_##isa, columns_f32_##isa},                                     \
            TGK_IN_F64({rows_f64_##isa, blocks_f64_##isa, columns_f64_##isa})                      \
    }

static const kernels table[TGK_ISAS][2] = TGK_BY_ISA(TABLE);

static void long_rows(tgk_team *team, const kernels *k, const tgk_fold *f)
{
    tgk_compensated sums[BLOCKS];
    int64_t block = (f->n + BLOCKS - 1) / BLOCKS;
    block = block > BLOCK ? (block + CHUNK - 1) / CHUNK * CHUNK : BLOCK;
    int64_t count = (f->n + block - 1) / block;
    for (int64_t i = 0; i < f->outer; i++) {
        long_row row = {f, i, block, sums};
        tgk_share(team, count, 1, k->blocks, &row);
        for (int64_t j = 1; j < count; j++)
            sums[0] = tgk_compensated_join(sums[0], sums[j]);
        f->finish(f, i, 1, sums);
    }
}

void tgk_fold_run(tgk_team *team, int isa, int dtype, const tgk_fold *f)
{
    const kernels *k = &table[isa][dtype];
    void *context = (void *)(uintptr_t)f; /* which is not written to */
    if (f->inner == 1 && !f->so_far && f->n >= LONG)
        long_rows(team, k, f);
    else if (f->inner == 1 && !f->so_far)
        tgk_share_rows(team, f->outer, f->n / QUICK, k->rows, context);
    else
        tgk_share_rows(team, f->outer * groups(f), f->n * COLUMNS / QUICK, k->columns, context);
}

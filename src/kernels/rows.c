/* Extremes and running sums, see rows.h; their loops are in rows.inc. Rows (inner is 1) are searched in
 * lanes, and long ones in blocks; columns go in groups, so that memory is read in order. */
#include "kernels/rows.h"

#include "kernels/compensated.h"

#include <string.h>

enum {
    COLUMNS = 64,
    LANES = 64, /* more than compilers take for a loop to be unrolled, which has no vectors then */
    CHUNK = 64,
    TOGETHER = 4,
    BLOCKS = 64,
    BLOCK = 1 << 14,
    LONG = 2 * BLOCK
};

TGK_INLINE int64_t groups(int64_t inner)
{
    return (inner + COLUMNS - 1) / COLUMNS;
}

/* One long row, cut into blocks. */
typedef struct long_row {
    const tgk_extremes *e;
    int64_t row, block; /* its number; elements of a block */
    int64_t *at;        /* each block's extreme */
} long_row;

#define TGK_BODY "kernels/rows_isa.inc"
#include "kernels/each_isa.h"

/* Extremes of rows, of blocks, of columns; the best of blocks; running sums of rows and columns. */
typedef struct kernels {
    tgk_range *rows, *blocks, *columns;
    void (*join)(const tgk_extremes *e, int64_t row, const int64_t *at, int64_t count);
    tgk_range *running, *running_columns;
} kernels;

#define KERNELS(type, isa)                                                                         \
    {                                                                                              \
        rows_##type##_##isa, blocks_##type##_##isa, columns_##type##_##isa, join_##type##_##isa,   \
            running_##type##_##isa, running_columns_##type##_##isa                                 \
    }
#define TABLE(isa)                                                                                 \
    {                                                                                              \
        KERNELS(f32, isa), KERNELS(f64, isa), KERNELS(i64, isa), KERNELS(bool, isa)                \
    }

static const kernels table[TGK_ISAS][4] = TGK_BY_ISA(TABLE);

void tgk_extremes_run(tgk_team *team, int isa, int dtype, tgk_extremes *e)
{
    const kernels *k = &table[isa][dtype];
    if (e->inner > 1) {
        tgk_share_rows(team, e->outer * groups(e->inner), e->n * COLUMNS, k->columns, e);
        return;
    }
    if (e->n < LONG) {
        tgk_share_rows(team, e->outer * e->inner, e->n, k->rows, e);
        return;
    }
    int64_t at[BLOCKS], block = (e->n + BLOCKS - 1) / BLOCKS;
    block = block > BLOCK ? block : BLOCK;
    int64_t count = (e->n + block - 1) / block;
    for (int64_t row = 0; row < e->outer * e->inner; row++) {
        long_row one = {e, row, block, at};
        tgk_share(team, count, 1, k->blocks, &one);
        k->join(e, row, at, count);
    }
}

void tgk_running_sums(tgk_team *team, int isa, int dtype, tgk_running *r)
{
    const kernels *k = &table[isa][dtype];
    const int64_t outer = r->n ? r->outer : 0; /* of nothing there may be any number of rows */
    if (r->inner > 1)
        tgk_share_rows(team, outer * groups(r->inner), r->n * COLUMNS, k->running_columns, r);
    else
        tgk_share_rows(team, outer * r->inner, r->n, k->running, r);
}

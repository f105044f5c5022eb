/* softmax_rows.c: the table of softmax kernels; softmax_rows.inc holds their body. */
#include "kernels/softmax_rows.h"

#include "kernels/dd.h"
#include "kernels/exp_parts.h"
#include "kernels/row_sum.h"
#include "kernels/turn.h"

#include <string.h>

/* What is done together: rows from `row` on, which is one, or up to TGK_SIDE. */
typedef struct tgk_block {
    int64_t row, start; /* the first one, and where it begins */
    int width;
} tgk_block;

/* Rows of up to so many elements are copied to be columns. */
enum { TGK_FEW = 40 };

static bool tgk_are_few(const tgk_rows *rows)
{
    return rows->inner < TGK_NARROW && rows->n <= TGK_FEW;
}

/* Where row i begins. */
static int64_t tgk_rows_start(const tgk_rows *rows, int64_t i)
{
    return i / rows->inner * rows->n * rows->inner + i % rows->inner;
}

static int64_t blocks_of(int64_t rows)
{
    return (rows + TGK_SIDE - 1) / TGK_SIDE;
}

int64_t tgk_softmax_blocks(const tgk_rows *rows)
{
    return tgk_are_few(rows) ? blocks_of(rows->outer * rows->inner)
                             : rows->outer * blocks_of(rows->inner);
}

static tgk_block tgk_block_of(const tgk_rows *rows, int64_t i)
{
    bool few = tgk_are_few(rows);
    int64_t across = few ? 1 : blocks_of(rows->inner), inner = i % across * TGK_SIDE;
    int64_t row = few ? i * TGK_SIDE : i / across * rows->inner + inner;
    int64_t left = few ? rows->outer * rows->inner - row : rows->inner - inner;
    return (tgk_block){row, tgk_rows_start(rows, row), (int)(left < TGK_SIDE ? left : TGK_SIDE)};
}

/* See row.inc. */
#define F64_SCALE TGK_EXP_SCALE

#define TGK_BODY "kernels/softmax_rows_isa.inc"
#define TGK_PLAIN_SMALL
#include "kernels/each_isa.h"

void tgk_softmax_run(tgk_team *team, tgk_range *body, tgk_rows *rows)
{
    int64_t blocks = tgk_softmax_blocks(rows), all = rows->outer * rows->inner;
    tgk_share_rows(team, blocks, blocks ? all / blocks * rows->n : 0, body, rows);
}

#define TABLE(isa)                                                                                 \
    {                                                                                              \
        {softmax_f32_##isa, log_softmax_f32_##isa, logsumexp_f32_##isa,                            \
         softmax_backward_f32_##isa, log_softmax_backward_f32_##isa},                              \
            TGK_IN_F64({softmax_f64_##isa, log_softmax_f64_##isa, logsumexp_f64_##isa,             \
                        softmax_backward_f64_##isa, log_softmax_backward_f64_##isa})               \
    }

const tgk_softmax tgk_softmax_table[TGK_ISAS][2] = TGK_BY_ISA(TABLE);

/* softmax_rows.c: the table of softmax kernels; softmax_rows.inc holds their body. */
#include "kernels/softmax_rows.h"

#include "kernels/dd.h"

#include "kernels/exp_parts.h"

/* What is done together: rows, one or, where inner is not 1, up to TGK_SIDE. */
typedef struct tgk_block {
    int64_t row, start; /* the first one, and where it begins */
    int width;
} tgk_block;

static int64_t blocks_across(const tgk_rows *rows)
{
    return (rows->inner + TGK_SIDE - 1) / TGK_SIDE;
}

static tgk_block tgk_block_of(const tgk_rows *rows, int64_t i)
{
    int64_t across = blocks_across(rows), outer = i / across, inner = i % across * TGK_SIDE;
    int64_t left = rows->inner - inner;
    return (tgk_block){outer * rows->inner + inner, outer * rows->n * rows->inner + inner,
                       (int)(left < TGK_SIDE ? left : TGK_SIDE)};
}

/* See row.inc. */
#define F64_SCALE TGK_EXP_SCALE

#define TGK_BODY "kernels/softmax_rows_isa.inc"
#include "kernels/each_isa.h"

void tgk_softmax_run(tgk_team *team, tgk_range *body, tgk_rows *rows)
{
    int64_t across = blocks_across(rows), width = rows->inner < TGK_SIDE ? rows->inner : TGK_SIDE;
    tgk_share_rows(team, rows->outer * across, rows->n * width, body, rows);
}

#define TABLE(isa)                                                                                 \
    {                                                                                              \
        {softmax_f32_##isa, log_softmax_f32_##isa, logsumexp_f32_##isa,                            \
         softmax_backward_f32_##isa, log_softmax_backward_f32_##isa},                              \
            {softmax_f64_##isa, log_softmax_f64_##isa, logsumexp_f64_##isa,                        \
             softmax_backward_f64_##isa, log_softmax_backward_f64_##isa},                          \
    }

const tgk_softmax tgk_softmax_table[TGK_ISAS][2] = {
    TABLE(base),
#ifdef TGK_X86
    TABLE(v3),
    TABLE(v4),
#endif
};

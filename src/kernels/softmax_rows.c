/* softmax_rows.c: the table of softmax kernels; softmax_rows.inc holds their body. */
#include "kernels/softmax_rows.h"

#include "kernels/dd.h"

/* What normalises a row: nan all through for a row with nan or +inf, or of nothing but -inf. */
typedef struct tgk_norm {
    double max;
    tgk_dd inverse; /* 1 / sum of e^(x - max); kept times 1 / EXP_SCALE in double */
    tgk_dd log;     /* log of that sum */
} tgk_norm;

/* See row.inc. Keeps e^x in double-double for x down to -800. */
#define F64_SCALE 0x1p128

#define TGK_BODY "kernels/softmax_rows_isa.inc"
#include "kernels/each_isa.h"

void tgk_softmax_run(tgk_team *team, tgk_range *body, tgk_rows *rows)
{
    tgk_share_rows(team, rows->outer * rows->inner, rows->n, body, rows);
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

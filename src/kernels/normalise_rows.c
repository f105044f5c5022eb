/* The kernels of layer_norm, see normalise_rows.h; their bodies are in normalise_rows.inc. Relies on
 * row_sum.h.
 *
 * Backward visits the rows once. What it adds up over the rows goes to arrays of its own for each of a
 * few blocks of rows, which depend on the sizes alone; those are added up at the end. */
#include "kernels/normalise_rows.h"

#include "kernels/row_sum.h"

#include <string.h>

enum { MAX_BLOCKS = 16, BLOCK = 1 << 14, COLUMNS = 256, AT_ONCE = 4, KEPT = 2048 };

/* Of the workspace: doubles for a column in a block, the sums and what they have lost. */
enum { DWEIGHT, DWEIGHT_LOST, DBIAS, DBIAS_LOST, PARTS };

static int64_t blocks_of(const tgk_layer_norm *args)
{
    int64_t most = args->rows < MAX_BLOCKS ? args->rows : MAX_BLOCKS;
    int64_t worth = args->rows * args->n / BLOCK;
    return worth < 1 ? 1 : worth < most ? worth : most;
}

size_t tgk_layer_norm_workspace(const tgk_layer_norm *args)
{
    return args->dweight || args->dbias
               ? (size_t)(blocks_of(args) * PARTS * args->n) * sizeof(double)
               : 0;
}

/* The workspace of a block. */
static double *sums_of(const tgk_layer_norm *args, int64_t block, int part)
{
    return args->sums + (block * PARTS + part) * args->n;
}

TGK_INLINE tgk_normal normal_at(const tgk_layer_norm *args, int64_t row)
{
    return tgk_normal_of(args->means[row], args->deviations[row]);
}

#define TGK_BODY "kernels/normalise_rows_isa.inc"
#include "kernels/each_isa.h"

typedef struct kernels {
    tgk_range *forward, *backward, *columns;
} kernels;

#define TABLE(isa)                                                                                 \
    {                                                                                              \
        {forward_f32_##isa, backward_f32_##isa, columns_f32_##isa},                                \
            TGK_IN_F64({forward_f64_##isa, backward_f64_##isa, columns_f64_##isa})                 \
    }

static const kernels table[TGK_ISAS][2] = TGK_BY_ISA(TABLE);

void tgk_layer_norm_forward(tgk_team *team, int isa, int dtype, tgk_layer_norm *args)
{
    tgk_share_rows(team, args->rows, args->n, table[isa][dtype].forward, args);
}

void tgk_layer_norm_backward(tgk_team *team, int isa, int dtype, tgk_layer_norm *args)
{
    const kernels *k = &table[isa][dtype];
    if (args->n == 0) /* nor is there workspace */
        return;
    if (!args->dweight && !args->dbias) {
        tgk_share_rows(team, args->rows, args->n, k->backward, args);
        return;
    }
    int64_t blocks = blocks_of(args);
    tgk_share(team, blocks, 1, k->backward, args);
    tgk_share_rows(team, (args->n + COLUMNS - 1) / COLUMNS, blocks * PARTS * COLUMNS, k->columns,
                   args);
}

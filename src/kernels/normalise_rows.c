/* The kernels of layer_norm, see normalise_rows.h; their bodies are in normalise_rows.inc. Relies on
 * row_sum.h.
 *
 * Backward visits the rows once. What it adds up over the rows goes to arrays of its own for each of a
 * few blocks of rows, which depend on the sizes alone; those are added up at the end. */
#include "kernels/normalise_rows.h"

#include "kernels/row_sum.h"
#include "kernels/sizes.h"

#include <string.h>

enum { MAX_BLOCKS = 16, BLOCK = 1 << 14, COLUMNS = 256, AT_ONCE = 4, KEPT = 2048 };
/* Blocks of fewer rows would have more sums than the rows have elements. */
enum { LEAST_ROWS = 16 };

/* Of the workspace: doubles for a column in a block, the sums and what they have lost. */
enum { DWEIGHT, DWEIGHT_LOST, DBIAS, DBIAS_LOST, PARTS };

static int64_t blocks_of(const tgk_layer_norm *args)
{
    if (args->blocks)
        return args->blocks;
    int64_t most = args->rows < MAX_BLOCKS ? args->rows : MAX_BLOCKS;
    int64_t worth = args->rows * args->n / BLOCK;
    return worth < 1 ? 1 : worth < most ? worth : most;
}

/* Whether there are sums over the rows, and these so few and so long that each column is added up by itself. */
static bool are_short_columns(const tgk_layer_norm *args)
{
    return (args->dweight || args->dbias) && !args->blocks && args->n >= COLUMNS &&
           args->rows < LEAST_ROWS * blocks_of(args);
}

size_t tgk_layer_norm_workspace(const tgk_layer_norm *args)
{
    return (args->dweight || args->dbias) && !are_short_columns(args)
               ? (size_t)(blocks_of(args) * PARTS * args->n) * sizeof(double)
               : 0;
}

/* What the sums of channels are told: they are the columns. */
static tgk_layer_norm channel_sums(const tgk_group_norm *args)
{
    const int64_t samples = args->rows.rows / args->groups;
    tgk_layer_norm sums = args->rows;
    sums.n = args->groups * args->channels;
    sums.blocks = samples < MAX_BLOCKS ? samples : MAX_BLOCKS;
    return sums;
}

size_t tgk_group_norm_workspace(const tgk_group_norm *args)
{
    const tgk_layer_norm sums = channel_sums(args);
    return tgk_layer_norm_workspace(&sums);
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
    tgk_range *forward, *backward, *columns, *short_columns, *groups, *group_gradients;
} kernels;

#define TABLE(isa)                                                                                 \
    {                                                                                              \
        {forward_f32_##isa,       backward_f32_##isa, columns_f32_##isa,                           \
         short_columns_f32_##isa, groups_f32_##isa,   group_gradients_f32_##isa},                  \
            TGK_IN_F64({forward_f64_##isa, backward_f64_##isa, columns_f64_##isa,                  \
                        short_columns_f64_##isa, groups_f64_##isa, group_gradients_f64_##isa})     \
    }

static const kernels table[TGK_ISAS][2] = TGK_BY_ISA(TABLE);

void tgk_layer_norm_forward(tgk_team *team, int isa, int dtype, tgk_layer_norm *args)
{
    tgk_share_rows(team, args->rows, args->n, table[isa][dtype].forward, args);
}

/* The sums of all blocks. */
static void add_blocks(tgk_team *team, const kernels *k, tgk_layer_norm *args)
{
    tgk_share_rows(team, (args->n + COLUMNS - 1) / COLUMNS, blocks_of(args) * PARTS * COLUMNS,
                   k->columns, args);
}

void tgk_layer_norm_backward(tgk_team *team, int isa, int dtype, tgk_layer_norm *args)
{
    const kernels *k = &table[isa][dtype];
    tgk_layer_norm alone = *args;
    if (are_short_columns(args)) { /* before g is written over */
        tgk_share_rows(team, (args->n + COLUMNS - 1) / COLUMNS, args->rows * COLUMNS,
                       k->short_columns, args);
        alone.dweight = alone.dbias = NULL;
    }
    if (!alone.dweight && !alone.dbias) {
        if (args->out)
            tgk_share_rows(team, args->rows, args->n, k->backward, &alone);
        return;
    }
    int64_t blocks = blocks_of(args);
    tgk_share_rows(team, blocks, args->rows * args->n / blocks, k->backward, args);
    add_blocks(team, k, args);
}

void tgk_group_norm_forward(tgk_team *team, int isa, int dtype, tgk_group_norm *args)
{
    tgk_share_rows(team, args->rows.rows, args->rows.n, table[isa][dtype].groups, args);
}

void tgk_group_norm_backward(tgk_team *team, int isa, int dtype, tgk_group_norm *args)
{
    const kernels *k = &table[isa][dtype];
    args->sums = channel_sums(args);
    const int64_t work = args->rows.rows * args->rows.n / args->sums.blocks / args->groups;
    tgk_share_rows(team, args->sums.blocks * args->groups, work, k->group_gradients, args);
    if (args->sums.sums)
        add_blocks(team, k, &args->sums);
}

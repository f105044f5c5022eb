/* The kernels of batch_norm, see normalise_channels.h; their bodies are in normalise_channels.inc.
 * Relies on row_sum.h.
 *
 * Items are channels, or groups of columns that are side by side: what one needs is read again from a
 * near cache where it fits. */
#include "kernels/normalise_channels.h"

#include "kernels/row_sum.h"

#include <stddef.h>

enum { COLUMNS = 64 };

/* Where a channel begins, and how it lies. */
TGK_INLINE tgk_pieces pieces_of(const tgk_batch_norm *args)
{
    return (tgk_pieces){args->outer, args->channels * args->inner, args->inner};
}

static double elements(const tgk_batch_norm *args)
{
    return (double)(args->outer * args->inner);
}

static void note(const tgk_batch_norm *args, int64_t channel, tgk_measures of)
{
    double n = elements(args);
    args->means[channel] = of.mean;
    args->deviations[channel] = sqrt(of.squares / n + args->eps);
    args->variances[channel] = of.squares / (n - 1);
}

TGK_INLINE tgk_normal normal_at(const tgk_batch_norm *args, int64_t channel)
{
    return tgk_normal_of(args->means[channel], args->deviations[channel]);
}

#define TGK_BODY "kernels/normalise_channels_isa.inc"
#include "kernels/each_isa.h"

typedef struct kernels {
    tgk_range *forward, *backward, *columns, *gradient_columns;
} kernels;

#define TABLE(isa)                                                                                 \
    {                                                                                              \
        {forward_f32_##isa, backward_f32_##isa, columns_f32_##isa, gradient_columns_f32_##isa},    \
            TGK_IN_F64({forward_f64_##isa, backward_f64_##isa, columns_f64_##isa,                  \
                        gradient_columns_f64_##isa})                                               \
    }

static const kernels table[TGK_ISAS][2] = TGK_BY_ISA(TABLE);

static void run(tgk_team *team, tgk_range *body, tgk_batch_norm *args, int64_t width)
{
    tgk_share_rows(team, (args->channels + width - 1) / width, args->outer * args->inner * width,
                   body, args);
}

void tgk_batch_norm_forward(tgk_team *team, int isa, int dtype, tgk_batch_norm *args)
{
    const kernels *k = &table[isa][dtype];
    if (args->inner == 1)
        run(team, k->columns, args, COLUMNS);
    else
        run(team, k->forward, args, 1);
}

void tgk_batch_norm_backward(tgk_team *team, int isa, int dtype, tgk_batch_norm *args)
{
    const kernels *k = &table[isa][dtype];
    if (args->inner == 1)
        run(team, k->gradient_columns, args, COLUMNS);
    else
        run(team, k->backward, args, 1);
}

/* Max pooling, see pool.h; its loops are in pool.inc. */
#include "kernels/pool.h"

#include "kernels/isa.h"

#include <math.h>
#include <string.h>

TGK_INLINE int64_t plane_of(const tgk_window *w)
{
    return w->in[0] * w->in[1];
}

TGK_INLINE int64_t places_of(const tgk_window *w)
{
    return w->out[0] * w->out[1];
}

#define TGK_BODY "kernels/pool_isa.inc"
#include "kernels/each_isa.h"

#define TABLE(isa)                                                                                 \
    {                                                                                              \
        {largest_f32_##isa, spread_f32_##isa, pick_f32_##isa},                                     \
            {largest_f64_##isa, spread_f64_##isa, pick_f64_##isa},                                 \
    }

static tgk_range *const table[TGK_ISAS][2][3] = TGK_BY_ISA(TABLE);

void tgk_pool_run(tgk_team *team, int isa, int dtype, tgk_pool_kind kind, tgk_pooling *pooling)
{
    const tgk_window *w = pooling->w;
    int64_t work = kind == TGK_POOL_LARGEST ? w->kernel[0] * w->kernel[1] * places_of(w)
                   : kind == TGK_POOL_PICK  ? places_of(w)
                                            : places_of(w) + plane_of(w);
    tgk_share_rows(team, w->n, work, table[isa][dtype][kind], pooling);
}

/* Resampling, see resample.h; its loops are in resample.inc. */
#include "kernels/resample.h"

#include <string.h>

#define TGK_BODY "kernels/resample_isa.inc"
#include "kernels/each_isa.h"

#define TABLE(isa)                                                                                 \
    {                                                                                              \
        resample_f32_##isa, TGK_IN_F64(resample_f64_##isa)                                         \
    }

static tgk_range *const table[TGK_ISAS][2] = TGK_BY_ISA(TABLE);

void tgk_resample_run(tgk_team *team, int isa, int dtype, tgk_resample *r)
{
    const int64_t longer = r->in > r->out ? r->in : r->out;
    tgk_share_rows(team, r->planes, longer * r->inner, table[isa][dtype], r);
}

/* Pooling, see pool.h; its loops are in pool.inc. */
#include "kernels/pool.h"

#include "kernels/compensated.h"

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

TGK_INLINE int64_t elements_of(const tgk_window *w)
{
    return w->kernel[0] * w->kernel[1];
}

/* Whether all means are divided by the same. */
TGK_INLINE bool is_even(const tgk_pooling *p)
{
    return p->divisor || p->count == TGK_COUNT_ALL;
}

TGK_INLINE int64_t divisor_of(const tgk_pooling *p)
{
    return p->divisor ? p->divisor : elements_of(p->w);
}

/* What counts of the window at a place, along an axis. */
TGK_INLINE int64_t counted(const tgk_pooling *p, int axis, int64_t place)
{
    const tgk_window *w = p->w;
    const int64_t beyond = p->count == TGK_COUNT_PADDED ? w->padding[axis] : 0;
    int64_t from = tgk_window_source(w, axis, 0, place), to = from + w->kernel[axis];
    from = from < -beyond ? -beyond : from;
    to = to > w->in[axis] + beyond ? w->in[axis] + beyond : to;
    return to - from;
}

/* The places of a row for which column k of the window is inside the image. */
TGK_INLINE tgk_places inside_row(const tgk_window *w, int64_t k)
{
    int64_t first = tgk_window_source(w, 1, k, 0), last = tgk_window_source(w, 1, k, w->out[1] - 1);
    bool all = first >= 0 && last < w->in[1];
    return all ? (tgk_places){0, w->out[1]} : tgk_window_inside(w, 1, k);
}

/* Means are summed for so many places at a time. */
enum { SIDE = 64 };

#define TGK_BODY "kernels/pool_isa.inc"
#include "kernels/each_isa.h"

#define TABLE(isa)                                                                                 \
    {                                                                                              \
        {largest_f32_##isa, spread_f32_##isa, pick_f32_##isa, mean_f32_##isa, share_f32_##isa},    \
            TGK_IN_F64({largest_f64_##isa, spread_f64_##isa, pick_f64_##isa, mean_f64_##isa,       \
                        share_f64_##isa})                                                          \
    }

static tgk_range *const table[TGK_ISAS][2][TGK_POOL_KINDS] = TGK_BY_ISA(TABLE);

void tgk_pool_run(tgk_team *team, int isa, int dtype, tgk_pool_kind kind, tgk_pooling *pooling)
{
    const tgk_window *w = pooling->w;
    bool windows = kind == TGK_POOL_LARGEST || kind == TGK_POOL_MEAN || kind == TGK_POOL_SHARE;
    int64_t work = places_of(w) * (windows ? elements_of(w) : 1);
    work += kind == TGK_POOL_SPREAD || kind == TGK_POOL_SHARE ? plane_of(w) : 0;
    tgk_share_rows(team, w->n, work, table[isa][dtype][kind], pooling);
}

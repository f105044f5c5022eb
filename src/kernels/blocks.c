/* Loops by blocks, see blocks.h. */
#include "kernels/blocks.h"

/* n and as many more as make whole vectors. */
TGK_INLINE int64_t filled(int64_t n, int isa)
{
    const int64_t lanes = tgk_lanes(isa, sizeof(double));
    return (n + lanes - 1) & -lanes;
}

/* The elements of an input as n doubles in `room`, and the last of them up to the end of a vector: where all
 * are usual, it is. */
#define TAKE(T, Element)                                                                           \
    TGK_INLINE void take_##T(double *room, const char *from, int64_t stride, int64_t n, int isa)   \
    {                                                                                              \
        const Element *in = (const Element *)(const void *)from;                                   \
        for (int64_t i = 0; stride == sizeof *in && i < n; i++)                                    \
            room[i] = (double)in[i];                                                               \
        for (int64_t i = 0; stride != sizeof *in && i < n; i++)                                    \
            room[i] = (double)*(const Element *)(const void *)(from + i * stride);                 \
        for (int64_t i = n; i < filled(n, isa); i++)                                               \
            room[i] = room[n - 1];                                                                 \
    }

TAKE(f32, float)
TAKE(f64, double)

TGK_INLINE void run_f32_body(TGK_LOOP_PARAMETERS, const tgk_blocked *by, int isa)
{
    _Alignas(TGK_WIDEST) double room[3][TGK_BLOCK];
    for (int64_t at = 0, m; at < n; at += m) {
        m = n - at < TGK_BLOCK ? n - at : TGK_BLOCK;
        for (int k = 0; k < by->inputs; k++)
            take_f32(room[k], data[k + 1] + at * s[k + 1], s[k + 1], m, isa);
        by->block(filled(m, isa), room[0], room[0], room[1], room[2], params);
        float *out = (float *)(void *)(data[0] + at * s[0]);
        for (int64_t i = 0; i < m; i++)
            out[i] = (float)room[0][i];
    }
}

TGK_INLINE void run_f64_body(TGK_LOOP_PARAMETERS, const tgk_blocked *by, int isa)
{
    _Alignas(TGK_WIDEST) double room[3][TGK_BLOCK];
    const double *in[3] = {room[0], room[1], room[2]};
    for (int64_t at = 0, m; at < n; at += m) {
        m = n - at < TGK_BLOCK ? n - at : TGK_BLOCK;
        const bool whole = filled(m, isa) == m;
        double *to = (double *)(void *)(data[0] + at * s[0]), *out = whole ? to : room[0];
        for (int k = 0; k < by->inputs; k++) {
            const char *from = data[k + 1] + at * s[k + 1];
            const bool lies = whole && s[k + 1] == sizeof(double);
            in[k] = lies ? (const double *)(const void *)from : room[k];
            if (!lies)
                take_f64(room[k], from, s[k + 1], m, isa);
        }
        by->block(filled(m, isa), out, in[0], in[1], in[2], params);
        for (int64_t i = 0; !whole && i < m; i++)
            to[i] = out[i];
    }
}

#define PARAMETERS (TGK_LOOP_PARAMETERS, const tgk_blocked *by)
TGK_EACH_ISA(run_f32, PARAMETERS, (n, data, s, params, by, tgk_this_isa));
TGK_EACH_ISA(run_f64, PARAMETERS, (n, data, s, params, by, tgk_this_isa));

void tgk_blocks_f32(TGK_LOOP_PARAMETERS, const tgk_blocked *by)
{
    run_f32[by->isa](n, data, s, params, by);
}

void tgk_blocks_f64(TGK_LOOP_PARAMETERS, const tgk_blocked *by)
{
    run_f64[by->isa](n, data, s, params, by);
}

/* The generator's state as numbers, see generator.h. */
#include "random/generator.h"

#include "kernels/format.h"

#include <math.h>
#include <string.h>

/* The engine's words, the next one's place, whether a normal is pending, and its bits (0: none). */
enum { NEXT = TG_GENERATOR_WORDS, HAS_NORMAL, NORMAL };

_Static_assert(sizeof(double) == sizeof(int64_t), "a double's bits are kept in an int64");
_Static_assert(NORMAL + 1 == TG_GENERATOR_STATE, "all of the state is kept");

void tg_generator_save(const tg_generator *g, int64_t *out)
{
    for (int i = 0; i < TG_GENERATOR_WORDS; i++)
        out[i] = g->state[i];
    out[NEXT] = g->next;
    out[HAS_NORMAL] = g->has_normal;
    out[NORMAL] = 0;
    if (g->has_normal)
        memcpy(&out[NORMAL], &g->normal, sizeof g->normal);
}

/* The engine gives zeros for ever once all its words are 0, which no seed leads to. */
static bool read_words(tg_generator *g, const int64_t *in, tg_state_fault *fault)
{
    uint32_t any = 0;
    for (int i = 0; i < TG_GENERATOR_WORDS; i++) {
        if (in[i] < 0 || in[i] > UINT32_MAX) {
            tgk_format(fault->chars, sizeof fault->chars, "word %d is %lld, wanted 32 bits", i,
                       (long long)in[i]);
            return false;
        }
        g->state[i] = (uint32_t)in[i];
        any |= g->state[i];
    }
    if (!any)
        tgk_format(fault->chars, sizeof fault->chars, "all words are 0");
    return any;
}

static bool read_normal(tg_generator *g, const int64_t *in, tg_state_fault *fault)
{
    int64_t pending = in[HAS_NORMAL], bits = in[NORMAL];
    if (pending != 0 && pending != 1) {
        tgk_format(fault->chars, sizeof fault->chars,
                   "the flag of a pending normal is %lld, wanted 0 or 1", (long long)pending);
        return false;
    }
    g->has_normal = pending != 0;
    memcpy(&g->normal, &bits, sizeof g->normal);
    bool right = isfinite(g->normal) && (pending || bits == 0);
    if (!right)
        tgk_format(fault->chars, sizeof fault->chars, "%g is not the normal that is pending",
                   isnan(g->normal) ? (double)NAN : g->normal);
    return right;
}

bool tg_generator_load(tg_generator *g, const int64_t *in, tg_state_fault *fault)
{
    if (!read_words(g, in, fault))
        return false;
    if (in[NEXT] < 0 || in[NEXT] > TG_GENERATOR_WORDS) {
        tgk_format(fault->chars, sizeof fault->chars, "position %lld is outside [0, %d]",
                   (long long)in[NEXT], (int)TG_GENERATOR_WORDS);
        return false;
    }
    g->next = (int32_t)in[NEXT];
    return read_normal(g, in, fault);
}

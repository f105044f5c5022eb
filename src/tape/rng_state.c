/* The generator's state as a tensor, so that it can be saved and restored like any other. Relies on
 * tensor.h, and on generator.h for what a state is. */
#include "tape/tensor.h"

#include <math.h>
#include <string.h>

/* The engine's words, the next one's place, whether a normal is pending, and its bits (0: none). */
enum { NEXT = TG_GENERATOR_WORDS, HAS_NORMAL, NORMAL, STATE };

_Static_assert(sizeof(double) == sizeof(int64_t), "a double's bits are kept in an int64");

tg_tensor *tg_rng_state(tg_tape *tape)
{
    const int64_t dims[] = {STATE};
    tg_tensor *state = NULL;
    if (tape && !tape->status)
        state = tg_tensor_new(tape, "rng_state", TG_I64, (tg_dims){1, dims});
    if (!state)
        return NULL;
    int64_t *out = (int64_t *)(void *)state->data;
    const tg_generator *g = &tape->generator;
    for (int i = 0; i < TG_GENERATOR_WORDS; i++)
        out[i] = g->state[i];
    out[NEXT] = g->next;
    out[HAS_NORMAL] = g->has_normal;
    out[NORMAL] = 0;
    if (g->has_normal)
        memcpy(&out[NORMAL], &g->normal, sizeof g->normal);
    return state;
}

static bool check_tensor(tg_tape *tape, const tg_tensor *state)
{
    TG_CHECK(tape, state, TG_EVALUE, "set_rng_state: the state is NULL");
    if (!tg_alive(state, "set_rng_state"))
        return false;
    TG_CHECK(tape, tg_tape_in(state) == tape, TG_EVALUE,
             "set_rng_state: the state is of another tape");
    TG_CHECK(tape, state->dtype == TG_I64, TG_EDTYPE, "set_rng_state: the state is %s, wanted %s",
             tg_dtype_name(state->dtype), tg_dtype_name(TG_I64));
    TG_CHECK(tape, state->ndim == 1 && state->dims[0] == STATE, TG_ESHAPE,
             "set_rng_state: the state is %s, wanted [%d]", tg_shape_of(state).chars, (int)STATE);
    return true;
}

static int64_t element(const tg_tensor *state, int i)
{
    return ((const int64_t *)(const void *)state->data)[i * tg_strides(state)[0]];
}

/* The engine gives zeros for ever once all its words are 0, which no seed leads to. */
static bool read_words(tg_tape *tape, const tg_tensor *state, tg_generator *g)
{
    uint32_t any = 0;
    for (int i = 0; i < TG_GENERATOR_WORDS; i++) {
        int64_t word = element(state, i);
        TG_CHECK(tape, word >= 0 && word <= UINT32_MAX, TG_EVALUE,
                 "set_rng_state: word %d is %lld, wanted 32 bits", i, (long long)word);
        g->state[i] = (uint32_t)word;
        any |= g->state[i];
    }
    TG_CHECK(tape, any, TG_EVALUE, "set_rng_state: all words are 0");
    return true;
}

static bool read_rest(tg_tape *tape, const tg_tensor *state, tg_generator *g)
{
    int64_t next = element(state, NEXT), pending = element(state, HAS_NORMAL);
    int64_t bits = element(state, NORMAL);
    TG_CHECK(tape, next >= 0 && next <= TG_GENERATOR_WORDS, TG_EVALUE,
             "set_rng_state: position %lld is outside [0, %d]", (long long)next,
             (int)TG_GENERATOR_WORDS);
    TG_CHECK(tape, pending == 0 || pending == 1, TG_EVALUE,
             "set_rng_state: the flag of a pending normal is %lld, wanted 0 or 1",
             (long long)pending);
    g->next = (int32_t)next;
    g->has_normal = pending != 0;
    memcpy(&g->normal, &bits, sizeof g->normal);
    TG_CHECK(tape, isfinite(g->normal) && (pending || bits == 0), TG_EVALUE,
             "set_rng_state: %g is not the normal that is pending", g->normal);
    return true;
}

tg_status tg_set_rng_state(tg_tape *tape, const tg_tensor *state)
{
    if (tg_error(tape) || !tg_outside(tape, "set_rng_state") ||
        !tg_outside_capture(tape, "set_rng_state"))
        return tg_error(tape);
    if (!check_tensor(tape, state))
        return tape->status ? tape->status : TG_ESTATE;
    tg_generator made = {.isa = tape->generator.isa};
    if (!read_words(tape, state, &made) || !read_rest(tape, state, &made))
        return tape->status;
    tape->generator = made;
    return TG_OK;
}

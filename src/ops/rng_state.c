/* The generator's state as a tensor, so that it can be saved and restored like any other. Relies on
 * tensor.h, and on generator.h for what a state is. */
#include "tape/tensor.h"

tg_tensor *tg_rng_state(tg_tape *tape)
{
    if (tg_error(tape))
        return NULL;
    tg_doing outer = tg_inside_open(tape);
    tg_tensor *state =
        tg_tensor_new(tape, "rng_state", TG_I64, (tg_dims){1, (int64_t[]){TG_GENERATOR_STATE}});
    tg_inside_close(tape, &outer);
    if (state)
        tg_generator_save(&tape->generator, (int64_t *)(void *)tg_at(state)->data);
    return state;
}

static bool check_tensor(tg_tape *tape, const tg_tensor *state)
{
    if (!tg_check_list(tape, "set_rng_state", "state", (tg_tensor *const *)&state, 1))
        return false;
    TG_CHECK(tape, tg_at(state)->dtype == TG_I64, TG_EDTYPE,
             "set_rng_state: the state is %s, wanted %s", tg_dtype_name(tg_at(state)->dtype),
             tg_dtype_name(TG_I64));
    TG_CHECK(tape, tg_at(state)->ndim == 1 && tg_at(state)->dims[0] == TG_GENERATOR_STATE,
             TG_ESHAPE, "set_rng_state: the state is %s, wanted [%d]", tg_shape_of(state).chars,
             (int)TG_GENERATOR_STATE);
    return true;
}

tg_status tg_set_rng_state(tg_tape *tape, const tg_tensor *state)
{
    if (tg_error(tape) || !tg_outside_capture(tape, "set_rng_state"))
        return tg_error(tape);
    if (!check_tensor(tape, state))
        return tape->status;
    int64_t numbers[TG_GENERATOR_STATE];
    for (int i = 0; i < TG_GENERATOR_STATE; i++)
        numbers[i] = ((const int64_t *)(const void *)tg_at(state)->data)[i * tg_strides(state)[0]];
    tg_generator g = tape->generator;
    tg_state_fault fault;
    if (!tg_generator_load(&g, numbers, &fault))
        return tg_fail(tape, TG_EVALUE, "set_rng_state: %s", fault.chars);
    tape->generator = g;
    return TG_OK;
}

/* See scope.h. */
#include "ops/scope.h"

tg_scope tg_scope_begin(tg_tape *tape, const char *name)
{
    tg_scope scope = {tape, tg_mark_here(tape), tape->speaker};
    if (!tape->speaker)
        tape->speaker = name;
    return scope;
}

void tg_scope_end(const tg_scope *scope, bool done)
{
    scope->tape->speaker = scope->outer;
    if (!done)
        tg_take_back(scope->tape, scope->start);
}

bool tg_scope_open_given(tg_scope *scope, const tg_op *op, int n, tg_tensor *const *in,
                         int required)
{
    if (!tg_check_given(op, n, in, required))
        return false;
    *scope = tg_scope_begin(tg_tape_in(in[0]), op->name);
    return true;
}

tg_tensor *tg_scope_close(const tg_scope *scope, tg_tensor *result)
{
    tg_scope_end(scope, result);
    return result;
}

const char *tg_speak_as(tg_tape *tape, const char *name)
{
    const char *former = tape ? tape->speaker : NULL;
    if (tape)
        tape->speaker = name;
    return former;
}

/* See scope.h. */
#include "ops/scope.h"

bool tg_scope_open_given(tg_scope *scope, const tg_op *op, int n, tg_tensor *const *in,
                         int required)
{
    if (!tg_check_given(op, n, in, required))
        return false;
    tg_tape *tape = tg_tape_in(in[0]);
    *scope = (tg_scope){tape, tg_mark_here(tape), tape->speaker};
    if (!tape->speaker)
        tape->speaker = op->name;
    return true;
}

tg_tensor *tg_scope_close(const tg_scope *scope, tg_tensor *result)
{
    scope->tape->speaker = scope->outer;
    if (!result)
        tg_take_back(scope->tape, scope->start);
    return result;
}

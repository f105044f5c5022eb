/* See inside.h. */
#include "inside.h"

bool tg_refuse_inside(tg_tape *tape, const char *name)
{
    TG_CHECK(tape, !tape->calling, TG_ESTATE, "%s: called inside %s", name, tape->calling);
    const tg_op *op = tape->forward_of ? tape->forward_of : tape->backward_of;
    tg_fail(tape, TG_ESTATE, "%s: called inside the %s function of %s", name,
            tape->forward_of ? "forward" : "backward", op->name);
    return false;
}

tg_inside tg_inside_open(tg_tape *tape)
{
    tg_inside outer = {tape->forward_of, tape->grad_enabled, tape->recycling, tape->capture,
                       tape->spares.bytes};
    tape->forward_of = NULL;
    tape->grad_enabled = tape->recycling = false;
    tape->capture = NULL;
    tape->spares.bytes = 0;
    return outer;
}

void tg_inside_close(tg_tape *tape, const tg_inside *outer)
{
    tape->forward_of = outer->forward_of;
    tape->grad_enabled = outer->grad_enabled;
    tape->recycling = outer->recycling;
    tape->capture = outer->capture;
    tape->spares.bytes = outer->spare_bytes;
}

tg_mark tg_tape_mark(const tg_tape *tape)
{
    bool inside = tape && (tape->calling || tape->forward_of || tape->backward_of);
    return tg_mark_here(inside ? NULL : tape);
}

bool tg_outside_capture(tg_tape *tape, const char *name)
{
    TG_CHECK(tape, !tape->capture || tape->forward_of, TG_ESTATE,
             "%s: called during a capture, whose replay would not do it again", name);
    return true;
}

/* While a function of the program's runs that the tape has called: what may not be done then, and what
 * becomes of what is made. Relies on tape.h. */
#ifndef TG_INSIDE_H
#define TG_INSIDE_H

#include "tape.h"

/* Says that, as ESTATE: see tg_outside(). */
bool tg_refuse_inside(tg_tape *tape, const char *name);
/* Whether no function of the program's is running that was called by the tape: forward or backward
 * functions of operations, or what `calling` says. Else sets ESTATE. For whatever would take away
 * what such a function, or its caller, goes on with. */
static inline bool tg_outside(tg_tape *tape, const char *name)
{
    return !(tape->forward_of || tape->backward_of || tape->calling) ||
           tg_refuse_inside(tape, name);
}

/* Around what a forward function makes: it is its own like workspace, gone when it returns; nothing
 * of it is recorded, nor taken from where a pass keeps what lasts longer. */
typedef struct tg_inside {
    const tg_op *forward_of;
    bool grad_enabled, recycling;
    tg_capture *capture;
    size_t spare_bytes;
} tg_inside;

tg_inside tg_inside_open(tg_tape *tape);
void tg_inside_close(tg_tape *tape, const tg_inside *outer);

/* Where a replay could not do the same again: ESTATE, and false, during a capture (but for forward
 * functions, which a replay runs). */
bool tg_outside_capture(tg_tape *tape, const char *name);

#endif

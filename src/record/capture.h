/* What a step does while it is captured: a list of records, in order. Operations are in it by
 * themselves (tg_apply); whatever else changes what a step computes from is noted by whoever does
 * it, as a record whose forward function does it again. Relies on tape.h. */
#ifndef TG_CAPTURE_H
#define TG_CAPTURE_H

#include "tape/tensor.h"

/* One thing that the step does. */
typedef struct tg_action {
    tg_record *record;
    tg_phase phase; /* when it was done */
    struct tg_action *next;
} tg_action;

/* A gradient that the step takes as it finds it: there, or not. */
typedef struct tg_expectation {
    const tg_holder *holder;
    bool present;
    struct tg_expectation *next;
} tg_expectation;

/* What a tg_capture is the handle of. */
typedef struct tg_noted {
    tg_captured base;
    uint32_t number; /* of the tape's captures */
    tg_action *first, *last;
    tg_expectation *expected;
    size_t workspace;   /* the most that one action takes */
    tg_reserve reserve; /* from tg_capture_end() on */
} tg_noted;

_Static_assert(sizeof(tg_noted) <= TG_SLOT_SIZE, "it fits into a slot");

/* What is being captured, or NULL. */
static inline tg_noted *tg_capturing(const tg_tape *tape)
{
    return (tg_noted *)tape->capture;
}

/* Takes note of the workspace of the action that ran last. */
void tg_capture_workspace(tg_tape *tape, tg_noted *capture);
/* The next action of the running capture, which has not run yet. False, with the error set, where
 * memory is out. */
bool tg_capture_add(tg_tape *tape, tg_record *record);
/* During a capture: what was just done is done again by this call's op->forward. As above. */
bool tg_capture_note(tg_tape *tape, const tg_call *call);

#endif

/* What a step does while it is captured: a list of records, in order. Operations are in it by
 * themselves (tg_apply); whatever else changes what a step computes from is noted by whoever does
 * it, as a record whose forward function does it again. Relies on tape.h. */
#ifndef TG_CAPTURE_H
#define TG_CAPTURE_H

#include "tape.h"

/* One thing that the step does. */
typedef struct tg_action {
    tg_record *record;
    tg_phase phase; /* when it was done */
    struct tg_action *next;
} tg_action;

/* A gradient that the step takes as it finds it: there, or not. */
typedef struct tg_expectation {
    const struct tg_holder *holder;
    bool present;
    struct tg_expectation *next;
} tg_expectation;

/* An action, ready to run. */
typedef struct tg_replay_step {
    void (*forward)(tg_node *node);
    tg_node *node;
    uint32_t *version; /* of the memory that it writes to */
    tg_phase phase;
} tg_replay_step;

struct tg_capture {
    tg_object head;
    uint32_t number;    /* of the tape's captures */
    tg_capture *before; /* among those that were not rewound away */
    tg_action *first, *last;
    tg_expectation *expected;
    size_t workspace;  /* the most that one action takes */
    uint32_t nothing;  /* the version of what has none */
    char failure[256]; /* the first error since it began; see tape->capture_failed */
    /* From tg_capture_end() on: */
    bool complete;
    tg_mark end;
    size_t n;
    tg_replay_step *steps;
    tg_reserve reserve;
};

/* The next action of the running capture. False, with the error set, where memory is out. */
bool tg_capture_add(tg_tape *tape, tg_record *record);
/* During a capture: what was just done is done again by this call's op->forward. As above. */
bool tg_capture_note(tg_tape *tape, const tg_call *call);

/* What a backward pass does beside operations; tg_note_ functions only note it, others do it. */

/* to = from. */
void tg_copy_again(tg_tensor *to, tg_tensor *from);
/* to += from. */
void tg_add_again(tg_tensor *to, tg_tensor *from);
/* tg_holder_keep(). */
void tg_keep_again(struct tg_holder *holder, tg_tensor *g, bool graph);
/* False, with the error set, where that cannot be captured or memory is out. */
bool tg_note_keep(struct tg_holder *holder, tg_tensor *g, bool graph);
/* The holder's gradient is dropped. */
void tg_empty_again(struct tg_holder *holder);
/* As above. */
bool tg_note_empty(struct tg_holder *holder);

#endif

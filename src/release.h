/* Giving data back while the records stay: early release and checkpoints, see tinygrad.h. These are
 * the places where the tape and the backward pass have to know of it. Relies on op.h. */
#ifndef TG_RELEASE_H
#define TG_RELEASE_H

#include "op.h"

/* Why the records from `first` on cannot be replayed; TG_OK where they can. */
tg_status tg_check_replay(tg_tape *tape, const tg_record *first);

bool tg_checkpoint_enter(tg_tape *tape, tg_record *record);
/* Gives the open checkpoint's data back. */
void tg_checkpoint_close(tg_tape *tape);

/* In a backward pass, before a record's step: sees to it that the data of the checkpoint that it is
 * in are there, and those of no other. False on an error. */
static inline bool tg_checkpoint_ready(tg_tape *tape, tg_record *record)
{
    bool outside = !(record->node.checkpoint & TG_IN_CHECKPOINT) && !tape->open;
    return outside || tg_checkpoint_enter(tape, record);
}

#endif

/* The profiler's table: how often each operation's forward function ran, and for how long. It is taken
 * once, so that running operations never allocate for it. Relies on tape.h. */
#ifndef TG_PROFILE_H
#define TG_PROFILE_H

#include "tape/tape.h"

/* Behind the rows by name stands one for each phase, for what comes when those are taken. */
enum { TG_PHASES = 3, TG_PROFILE_ALL_ROWS = TG_PROFILE_ROWS + TG_PHASES };

/* tg_profiler.add. */
void tg_profile_add(tg_tape *tape, const tg_node *node, int64_t start);

#endif

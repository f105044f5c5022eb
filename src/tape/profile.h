/* The profiler: how often each operation's forward function ran, and for how long. The table is
 * taken once, so that running operations never allocate for it. Relies on arena.h. */
#ifndef TG_PROFILE_H
#define TG_PROFILE_H

#include "memory/arena.h"

#include <tinygrad/op.h>

/* Behind the rows by name stands one for each phase, for what comes when those are taken. */
enum { TG_PHASES = 3, TG_PROFILE_ALL_ROWS = TG_PROFILE_ROWS + TG_PHASES };

/* Zeros: off, and nothing measured. */
typedef struct tg_profiler {
    bool on;
    tg_profile_row *rows; /* NULL before the profiler is turned on */
    int64_t bytes;        /* what the running action moves that its node does not tell of */
    tg_arena memory;      /* of the rows, which outlive every rewind */
} tg_profiler;

/* Nanoseconds by a clock that never goes back. */
int64_t tg_now(void);
/* What node's forward function belongs to, if it runs now. */
tg_phase tg_profile_phase(const tg_tape *tape, const tg_node *node);
/* Runs node's forward function, if it has one, and adds it to the table. */
void tg_profile_run(tg_tape *tape, tg_node *node, tg_phase phase);
/* The bytes of memory that a tensor's elements lie in. */
int64_t tg_profile_size(const tg_tensor *t);

#endif

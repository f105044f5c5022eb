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
/* Adds node's forward function to the table, which ran since then. */
void tg_profile_add(tg_tape *tape, const tg_node *node, int64_t start);
/* The bytes of memory that a tensor's elements lie in. */
int64_t tg_profile_size(const tg_tensor *t);

#endif

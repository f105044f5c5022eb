/* The arenas of a tape, for tests that want an allocation for each piece. */
#ifndef TG_TEST_ARENAS_H
#define TG_TEST_ARENAS_H

#include "tape/tape.h"

/* Nothing is left in the arenas' blocks, and the next ones are just as large as what is asked for:
 * most pieces are an allocation. */
static inline void test_use_up(tg_tape *tape)
{
    for (int i = 0; i < TG_METERED; i++) {
        tg_arena *arena = tape->meter.arenas[i];
        const tg_block *block = arena->current;
        while (arena->slots && block && block->end - block->top >= 2 * TG_SLOT_SIZE)
            tg_slot_take(arena);
        if (!arena->slots && block && block->end > block->top)
            tg_arena_alloc(arena, (size_t)(block->end - block->top), 1);
        arena->block_size = 1;
    }
}

#endif

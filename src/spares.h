/* Pieces of an arena that were given back while what was made after them is still in use: later
 * requests are served from here first. Relies on arena.h. */
#ifndef TG_SPARES_H
#define TG_SPARES_H

#include "arena.h"

typedef struct tg_spares {
    size_t bytes;                 /* in all pieces */
    void *lists[TG_POOL_CLASSES]; /* by tg_size_class() of the piece */
} tg_spares;

/* A piece of at least `size` bytes, aligned as `size` asks for; NULL where none fits well. */
void *tg_spares_take(tg_spares *spares, size_t size);
/* `size`: as the piece was asked for with. Pieces too small for a list entry are dropped. */
void tg_spares_give(tg_spares *spares, void *piece, size_t size);
/* After a rewind: forgets the pieces that are not in the arena's memory in use any more. */
void tg_spares_trim(tg_spares *spares, const tg_arena *arena);

#endif

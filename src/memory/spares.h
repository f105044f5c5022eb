/* Pieces of an arena that were given back while what was made after them is still in use: later
 * requests are served from here first. Relies on arena.h. */
#ifndef TG_SPARES_H
#define TG_SPARES_H

#include "memory/arena.h"

/* Requests of up to this many bytes are served elsewhere. */
enum { TG_SPARES_ABOVE = 256, TG_SPARES_ALIGN = 64 };

/* A piece that was taken for good; it may have been given back since, and its parts taken again. */
typedef struct tg_taken {
    uint64_t no_magic; /* 0: it stands among objects */
    struct tg_taken *before;
    char *piece, *end;
} tg_taken;

typedef struct tg_spares {
    size_t bytes;           /* in all pieces */
    struct tg_spare *first; /* in the order of addresses */
    struct tg_spare *lent;  /* to the running forward function */
    tg_taken *taken;        /* the last one */
} tg_spares;

/* `size` as pieces have it; sizes that no memory has stay as they are. */
static inline size_t tg_spares_size(size_t size)
{
    bool rounded = size > TG_SPARES_ABOVE && size <= SIZE_MAX / 2;
    return rounded ? (size + TG_SPARES_ALIGN - 1) & ~(size_t)(TG_SPARES_ALIGN - 1) : size;
}

/* A piece of tg_spares_size(size) bytes; NULL where there is none. */
void *tg_spares_take(tg_spares *spares, size_t size);
/* A piece of tg_spares_size(size) bytes, aligned to TG_SPARES_ALIGN. */
void tg_spares_give(tg_spares *spares, void *piece, size_t size);
/* The same until tg_spares_call_in(), which gives back all that was lent so. */
void *tg_spares_lend(tg_spares *spares, size_t size);
void tg_spares_call_in(tg_spares *spares);
/* Takes a piece, with a note in the arena: when what was made since `since` is dropped,
 * tg_spares_return() gives back what it took. */
void *tg_spares_take_noted(tg_spares *spares, tg_arena *arena, size_t size);
void tg_spares_return(tg_spares *spares, tg_taken *since);
/* Forgets all pieces. */
void tg_spares_forget(tg_spares *spares);
/* After a rewind: forgets what is not in the arena's memory in use any more. */
void tg_spares_trim(tg_spares *spares, const tg_arena *arena);

#endif

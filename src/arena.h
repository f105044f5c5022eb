/* Memory: blocks with a bump pointer, and a recycling pool on top of one for the length of a
 * backward pass. Relies on nothing; arena.c is the only file that calls the allocator. */
#ifndef TG_ARENA_H
#define TG_ARENA_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef struct tg_allocator {
    void *(*alloc)(void *context, size_t size);
    void (*free)(void *context, void *memory, size_t size);
    void *context;
} tg_allocator;

/* malloc and free. */
extern const tg_allocator tg_allocator_default;

/* Blocks stand in one list: full ones, the current one, empty ones kept for reuse. */
typedef struct tg_block {
    struct tg_block *next;
    void *owner; /* the tape: an object finds it through its block */
    char *top;   /* everything in [start, top) is alive */
    char *end;
    size_t size; /* as given to the allocator */
} tg_block;

struct tg_meter;

typedef struct tg_arena {
    const tg_allocator *allocator;
    void *owner;
    tg_block *first;
    tg_block *current; /* NULL: nothing is alive */
    uintptr_t bias;    /* its top and this are the bytes in use, in all blocks */
    size_t block_size; /* of the next new block */
    struct tg_meter *meter;
} tg_arena;

/* The most bytes that were in use at once in two arenas. */
typedef struct tg_meter {
    const tg_arena *arenas[2];
    size_t peak;
} tg_meter;

/* Where an arena stood; block NULL: empty. */
typedef struct tg_position {
    tg_block *block;
    char *top;
} tg_position;

void tg_arena_init(tg_arena *arena, const tg_allocator *allocator, void *owner, size_t block_size);
void tg_arena_free(tg_arena *arena);
/* align: a power of two. NULL where memory is out; the arena is then as before. */
void *tg_arena_alloc(tg_arena *arena, size_t size, size_t align);
static inline tg_position tg_arena_position(const tg_arena *arena)
{
    tg_block *block = arena->current;
    return (tg_position){block, block ? block->top : NULL};
}

void tg_arena_drop(tg_arena *arena, tg_position to);
static inline void tg_arena_rewind(tg_arena *arena, tg_position to)
{
    if (arena->current != to.block || (to.block && to.block->top != to.top))
        tg_arena_drop(arena, to);
}

/* Whether a rewind would drop what stands at p. */
bool tg_arena_drops(const tg_arena *arena, tg_position to, const void *p);

/* Bytes below the tops of its blocks. */
static inline size_t tg_arena_used(const tg_arena *arena)
{
    return arena->current ? (uintptr_t)arena->current->top + arena->bias : 0;
}

/* Brings the peak up to date; rewinds do so themselves. */
void tg_meter_read(tg_meter *meter);

enum { TG_POOL_CLASSES = 176, TG_POOL_WORDS = 3 };

/* Free chunks by size class, four classes to a power of two. Chunks come from the arena, so that a
 * rewind of the arena with tg_pool_reset() ends them all. */
typedef struct tg_pool {
    tg_arena *arena;
    void *chunks[TG_POOL_CLASSES];
    uint64_t used[TG_POOL_WORDS]; /* which lists may be non-empty: makes the reset cheap */
    bool lasting;                 /* a replay writes to the chunks again: they are not poisoned */
} tg_pool;

void *tg_pool_take(tg_pool *pool, size_t size);
/* size: as given to tg_pool_take(). */
void tg_pool_give(tg_pool *pool, void *chunk, size_t size);
void tg_pool_reset(tg_pool *pool);

#endif

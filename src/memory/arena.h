/* Memory: blocks with a bump pointer. Relies on nothing; arena.c is the only file that calls the
 * allocator. */
#ifndef TG_ARENA_H
#define TG_ARENA_H

#include "memory/poison.h"

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

enum { TG_ARENA_ALIGN = 64 }; /* of blocks that are not of slots */

/* Blocks stand in one list: full ones, the current one, empty ones kept for reuse. */
typedef struct tg_block {
    struct tg_block *next;
    void *owner; /* the tape: a slot finds it through its block */
    char *start, *end;
    char *top;      /* everything in [start, top) is alive */
    char *unused;   /* of slots: nothing ever stood from here on */
    size_t size;    /* as given to the allocator */
    uintptr_t bias; /* its top and this are the bytes in use, its own and in the blocks before it */
} tg_block;

/* No piece of memory is larger, so that sums of two sizes never wrap, nor do differences of two
 * pointers. Whoever multiplies sizes does it in 64 bits, or in what tg_shape_strides() let pass. */
#define TG_MOST_BYTES ((size_t)PTRDIFF_MAX - ((size_t)1 << 16))

typedef struct tg_arena {
    const tg_allocator *allocator;
    void *owner;
    tg_block *first;
    tg_block *current; /* NULL: nothing is alive */
    size_t block_size; /* of the next new block; each is `growth` times as large as the last */
    size_t growth;
    bool slots; /* see slot.h */
    struct tg_meter *meter;
} tg_arena;

/* The most bytes that were in use at once in several arenas. */
enum { TG_METERED = 4 };
typedef struct tg_meter {
    tg_arena *arenas[TG_METERED];
    size_t peak;
} tg_meter;

/* Where an arena stood; block NULL: empty. */
typedef struct tg_top {
    tg_block *block;
    char *top;
} tg_top;

void tg_arena_free(tg_arena *arena);
static inline char *tg_align_up(char *p, size_t align)
{
    return p + (-(uintptr_t)p & (align - 1));
}

/* Takes `size` bytes from a block, NULL where they do not fit. */
static inline void *tg_block_take(tg_block *block, size_t size, size_t align)
{
    char *p = tg_align_up(block->top, align);
    if (size > (size_t)(block->end - p)) /* the end is aligned as well */
        return NULL;
    block->top = p + size;
    TG_UNPOISON(p, size);
    return p;
}

/* Goes on in another block. */
void *tg_arena_alloc_in_next_block(tg_arena *arena, size_t size, size_t align);
/* align: a power of two, at most that of the blocks. NULL where memory is out; the arena is then as before. */
static inline void *tg_arena_alloc(tg_arena *arena, size_t size, size_t align)
{
    void *p = arena->current ? tg_block_take(arena->current, size, align) : NULL;
    return p ? p : tg_arena_alloc_in_next_block(arena, size, align);
}

static inline tg_top tg_arena_top(const tg_arena *arena)
{
    tg_block *block = arena->current;
    return (tg_top){block, block ? block->top : NULL};
}

void tg_arena_drop(tg_arena *arena, tg_top to);
static inline void tg_arena_rewind(tg_arena *arena, tg_top to)
{
    if (arena->current != to.block || (to.block && to.block->top != to.top))
        tg_arena_drop(arena, to);
}

/* Bytes below the tops of its blocks. */
static inline size_t tg_arena_used(const tg_arena *arena)
{
    return arena->current ? (uintptr_t)arena->current->top + arena->current->bias : 0;
}

/* Brings the peak up to date; rewinds do so themselves. */
void tg_meter_read(tg_meter *meter);

#endif

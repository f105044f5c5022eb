/* Blocks and the pool, see arena.h. Relies on the allocator alone. */
#include "memory/arena.h"

#include <stdlib.h>

/* Larger blocks would only make the memory left over at the end of a block larger. */
static const size_t max_block_size = (size_t)64 << 20;

static void *default_alloc(void *context, size_t size)
{
    (void)context;
    return malloc(size);
}

static void default_free(void *context, void *memory, size_t size)
{
    (void)context;
    (void)size;
    free(memory);
}

const tg_allocator tg_allocator_default = {default_alloc, default_free, NULL};

static char *block_start(tg_block *block)
{
    return tg_align_up((char *)(block + 1), 16);
}

void tg_arena_init(tg_arena *arena, const tg_allocator *allocator, void *owner, size_t block_size)
{
    *arena = (tg_arena){.allocator = allocator, .owner = owner, .block_size = block_size};
}

void tg_meter_read(tg_meter *meter)
{
    size_t used = tg_arena_used(meter->arenas[0]) + tg_arena_used(meter->arenas[1]);
    if (used > meter->peak)
        meter->peak = used;
}

void tg_arena_free(tg_arena *arena)
{
    for (tg_block *block = arena->first, *next; block; block = next) {
        next = block->next;
        TG_UNPOISON(block, block->size);
        arena->allocator->free(arena->allocator->context, block, block->size);
    }
}

static tg_block *new_block(tg_arena *arena, size_t size, size_t align)
{
    size += sizeof(tg_block) + 16 + align;
    if (size < arena->block_size)
        size = arena->block_size;
    tg_block *block = arena->allocator->alloc(arena->allocator->context, size);
    if (!block)
        return NULL;
    *block = (tg_block){.owner = arena->owner, .end = (char *)block + size, .size = size};
    block->top = block_start(block);
    TG_POISON(block->top, (size_t)(block->end - block->top));
    if (arena->block_size < max_block_size)
        arena->block_size *= 2;
    return block;
}

/* Goes on in the first empty block that is large enough, else in a new one; the blocks passed over
 * stay in the list for smaller requests. */
void *tg_arena_alloc_in_next_block(tg_arena *arena, size_t size, size_t align)
{
    if (size > TG_MOST_BYTES)
        return NULL;
    tg_block **after = arena->current ? &arena->current->next : &arena->first;
    tg_block **link = after;
    while (*link && (size_t)((*link)->end - block_start(*link)) < size + align)
        link = &(*link)->next;
    tg_block *block = *link;
    if (block)
        *link = block->next;
    else if (!(block = new_block(arena, size, align)))
        return NULL;
    block->next = *after;
    *after = block;
    arena->bias = tg_arena_used(arena) - (uintptr_t)block_start(block);
    arena->current = block;
    return tg_block_take(block, size, align);
}

static void drop_above(tg_block *block, char *top)
{
    TG_POISON(top, (size_t)(block->end - top));
    block->top = top;
}

/* With the blocks before `current` as they are. */
static void set_bias(tg_arena *arena, tg_block *current)
{
    uintptr_t before = 0;
    for (tg_block *b = arena->first; current && b != current; b = b->next)
        before += (uintptr_t)(b->top - block_start(b));
    arena->bias = current ? before - (uintptr_t)block_start(current) : 0;
}

void tg_arena_drop(tg_arena *arena, tg_top to)
{
    if (!arena->current)
        return;
    tg_meter_read(arena->meter); /* tops only grow between rewinds */
    tg_block *end = arena->current->next;
    for (tg_block *b = to.block ? to.block->next : arena->first; b != end; b = b->next)
        drop_above(b, block_start(b));
    if (to.block)
        drop_above(to.block, to.top);
    if (arena->current != to.block)
        set_bias(arena, to.block);
    arena->current = to.block;
}

bool tg_arena_drops(const tg_arena *arena, tg_top to, const void *p)
{
    const char *at = p;
    const tg_block *end = arena->current ? arena->current->next : NULL;
    for (tg_block *b = to.block ? to.block : arena->first; b != end; b = b->next) {
        if (at > (const char *)b && at < b->end)
            return b != to.block || at >= to.top;
    }
    return false;
}

void tg_pool_reset(tg_pool *pool)
{
    for (int word = 0; word < TG_POOL_WORDS; word++) {
        for (int i = 0; pool->used[word]; i++, pool->used[word] >>= 1) {
            if (pool->used[word] & 1)
                pool->chunks[word * 64 + i] = NULL;
        }
    }
}

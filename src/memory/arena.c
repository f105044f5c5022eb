/* Blocks, see arena.h. Relies on the allocator alone. */
#include "memory/slot.h"

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

void tg_meter_read(tg_meter *meter)
{
    size_t used = 0;
    for (int i = 0; i < TG_METERED; i++)
        used += tg_arena_used(meter->arenas[i]);
    meter->peak = used > meter->peak ? used : meter->peak;
}

void tg_arena_free(tg_arena *arena)
{
    for (tg_block *block = arena->first, *next; block; block = next) {
        next = block->next;
        TG_UNPOISON(block, block->size);
        arena->allocator->free(arena->allocator->context, block, block->size);
    }
}

/* NULL: there is no memory, or none whose addresses can be in handles, of slots. */
static tg_block *new_block(tg_arena *arena, size_t size)
{
    size_t to = arena->slots ? TG_SLOT_SIZE : TG_ARENA_ALIGN;
    size = (size + to - 1) / to * to + sizeof(tg_block) + to;
    size = size > arena->block_size ? size : arena->block_size;
    const tg_allocator *a = arena->allocator;
    tg_block *block = a->alloc(a->context, size);
    if (!block)
        return NULL;
    if (arena->slots && ((uintptr_t)block | ((uintptr_t)block + size)) & TG_SLOT_HIGH) {
        a->free(a->context, block, size);
        return NULL;
    }
    *block = (tg_block){.owner = arena->owner, .size = size};
    block->start = tg_align_up((char *)(block + 1), to);
    /* It holds the same wherever the allocator puts it. */
    block->end = block->start + (size - sizeof *block - to) / to * to;
    block->top = block->unused = block->start;
    if (!arena->slots)
        TG_POISON(block->top, (size_t)(block->end - block->top));
    if (arena->block_size < max_block_size) {
        uint64_t next = (uint64_t)arena->block_size * arena->growth;
        arena->block_size = next < max_block_size ? (size_t)next : max_block_size;
    }
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
    void *p = NULL;
    while (*link && !(p = tg_block_take(*link, size, align)))
        link = &(*link)->next;
    tg_block *block = *link;
    if (block)
        *link = block->next;
    else if (!(block = new_block(arena, size)))
        return NULL;
    block->next = *after;
    *after = block;
    block->bias = tg_arena_used(arena) - (uintptr_t)block->start;
    arena->current = block;
    return p ? p : tg_block_take(block, size, align);
}

static void drop_above(const tg_arena *arena, tg_block *block, char *top)
{
    if (!arena->slots)
        TG_POISON(top, (size_t)(block->end - top));
    block->top = top;
}

void tg_arena_drop(tg_arena *arena, tg_top to)
{
    tg_meter_read(arena->meter); /* tops only grow between rewinds */
    const tg_block *end = arena->current->next;
    for (tg_block *b = to.block ? to.block->next : arena->first; b != end; b = b->next)
        drop_above(arena, b, b->start);
    if (to.block)
        drop_above(arena, to.block, to.top);
    arena->current = to.block;
}

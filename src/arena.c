/* Blocks and the pool, see arena.h. Relies on the allocator alone. */
#include "arena.h"

#include "poison.h"

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

static char *align_up(char *p, size_t align)
{
    return p + (-(uintptr_t)p & (align - 1));
}

static char *block_start(tg_block *block)
{
    return align_up((char *)(block + 1), 16);
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

/* Takes `size` bytes from a block, NULL where they do not fit. */
static void *bump(tg_block *block, size_t size, size_t align)
{
    char *p = align_up(block->top, align);
    if (p > block->end || size > (size_t)(block->end - p))
        return NULL;
    block->top = p + size;
    TG_UNPOISON(p, size);
    return p;
}

static tg_block *new_block(tg_arena *arena, size_t size, size_t align)
{
    const size_t overhead = sizeof(tg_block) + 16 + align;
    if (size > SIZE_MAX / 2 - overhead)
        return NULL;
    size += overhead;
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
static void *alloc_in_next_block(tg_arena *arena, size_t size, size_t align)
{
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
    return bump(block, size, align);
}

void *tg_arena_alloc(tg_arena *arena, size_t size, size_t align)
{
    void *p = arena->current ? bump(arena->current, size, align) : NULL;
    if (p)
        return p;
    return size > SIZE_MAX / 4 ? NULL : alloc_in_next_block(arena, size, align);
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

void tg_arena_drop(tg_arena *arena, tg_position to)
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

bool tg_arena_drops(const tg_arena *arena, tg_position to, const void *p)
{
    const char *at = p;
    const tg_block *end = arena->current ? arena->current->next : NULL;
    for (tg_block *b = to.block ? to.block : arena->first; b != end; b = b->next) {
        if (at > (const char *)b && at < b->end)
            return b != to.block || at >= to.top;
    }
    return false;
}

/* The class whose chunks hold `size` bytes: 64, 80, 96, 112, 128, 160, ... */
static int class_of(size_t size)
{
    if (size <= 64)
        return 0;
#ifdef __GNUC__
    int exponent = 63 - __builtin_clzll((unsigned long long)(size - 1));
#else
    int exponent = 6;
    while ((size - 1) >> exponent > 1)
        exponent++;
#endif
    return (exponent - 6) * 4 + (int)((size - 1) >> (exponent - 2) & 3) + 1;
}

static size_t class_size(int class)
{
    if (class == 0)
        return 64;
    int exponent = 6 + (class - 1) / 4;
    size_t quarter = (size_t)(class - 1) % 4 + 1;
    return ((size_t)1 << exponent) + (quarter << (exponent - 2));
}

void *tg_pool_take(tg_pool *pool, size_t size)
{
    if (size > (size_t)1 << 48)
        return NULL;
    int class = class_of(size);
    void *chunk = pool->chunks[class];
    if (!chunk)
        return tg_arena_alloc(pool->arena, class_size(class), size > 256 ? 64 : 16);
    TG_UNPOISON(chunk, class_size(class));
    pool->chunks[class] = *(void **)chunk;
    return chunk;
}

void tg_pool_give(tg_pool *pool, void *chunk, size_t size)
{
    int class = class_of(size);
    *(void **)chunk = pool->chunks[class];
    pool->chunks[class] = chunk;
    pool->used[class / 64] |= (uint64_t)1 << class % 64;
    if (!pool->lasting)
        TG_POISON(chunk, class_size(class));
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

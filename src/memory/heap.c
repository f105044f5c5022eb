/* Lasting pieces, see heap.h. Relies on arena.h. */
#include "memory/heap.h"

/* How many pieces are looked at for one that fits: with more of them, memory is of many sizes, and
 * new memory is cheaper than a long search. And how much smaller than a piece's largest request one
 * may be: a small one is not worth that the next large one does not fit. */
enum { LOOKS = 256, SMALLER = 16 };

/* `size` as pieces have it. */
static size_t rounded(size_t size)
{
    bool large = size > TG_HEAP_ABOVE && size <= TG_MOST_BYTES;
    return large ? (size + TG_HEAP_ALIGN - 1) & ~(size_t)(TG_HEAP_ALIGN - 1) : size;
}

/* The link to the smallest piece that is large enough. */
static tg_piece **best_fit(tg_heap *heap, size_t size)
{
    tg_piece **best = NULL;
    int looks = 0;
    for (tg_piece **link = &heap->first; *link && looks < LOOKS; link = &(*link)->next, looks++) {
        const tg_piece *p = *link;
        bool fits = p->size >= size && p->largest / SMALLER <= size;
        if (fits && (!best || p->size < (*best)->size))
            best = link;
        if (best && (*best)->size == size)
            break;
    }
    return best;
}

void *tg_heap_find(tg_heap *heap, size_t size)
{
    size = rounded(size);
    if (size <= TG_HEAP_ABOVE || size > heap->bytes)
        return NULL;
    tg_piece **link = best_fit(heap, size);
    if (!link)
        return NULL;
    tg_piece *p = *link;
    TG_UNPOISON(p, size);
    if (p->size == size) {
        *link = p->next;
    } else {
        tg_piece *rest = (tg_piece *)(void *)((char *)p + size);
        TG_UNPOISON(rest, sizeof *rest);
        size_t left = p->size - size;
        *rest = (tg_piece){p->next, left, p->largest < left ? p->largest : left, p->at + size};
        *link = rest;
    }
    heap->bytes -= size;
    return p;
}

void *tg_heap_grow(tg_heap *heap, size_t size)
{
    /* An empty tensor has an address too. */
    size_t align = size > TG_HEAP_ABOVE ? TG_HEAP_ALIGN : 16;
    return tg_arena_alloc(heap->arena, size ? rounded(size) : 1, align);
}

/* Makes one of p and the piece after it where they touch. */
static void join(tg_piece *p)
{
    tg_piece *next = p->next;
    if (!next || (char *)p + p->size != (char *)next)
        return;
    p->size += next->size;
    p->largest = p->largest > next->largest ? p->largest : next->largest;
    p->next = next->next;
    TG_POISON(next, sizeof *next);
}

/* The block in use that a piece is in; NULL where a rewind has left it. */
static const tg_block *block_of(const tg_arena *arena, const void *piece)
{
    const char *at = piece;
    const tg_block *end = arena->current ? arena->current->next : NULL;
    for (const tg_block *b = arena->first; b != end; b = b->next) {
        if (at >= b->start && at < b->end)
            return b;
    }
    return NULL;
}

static void put(tg_heap *heap, tg_piece *p, size_t size, size_t largest)
{
    const tg_block *block = block_of(heap->arena, p);
    uintptr_t at = (uintptr_t)p + (block ? block->bias : 0);
    tg_piece **link = &heap->first, *before = NULL;
    for (; *link && (*link)->at < at; link = &(*link)->next)
        before = *link;
    TG_POISON(p, size);
    TG_UNPOISON(p, sizeof *p);
    *p = (tg_piece){*link, size, largest, at};
    *link = p;
    heap->bytes += size;
    join(p);
    if (before)
        join(before);
}

void tg_heap_give(tg_heap *heap, void *piece, size_t size)
{
    size = rounded(size);
    if (size > TG_HEAP_ABOVE)
        put(heap, piece, size, size);
    else
        TG_POISON(piece, size);
}

void *tg_heap_lend(tg_heap *heap, size_t size, tg_piece **lent)
{
    size_t least = size > TG_HEAP_ABOVE ? size : TG_HEAP_ABOVE;
    size_t whole = rounded(least + TG_HEAP_ALIGN), after = heap->lent + whole;
    char *lends = heap->stock && after <= heap->stock_size ? heap->stock + heap->lent : NULL;
    if (!lends) {
        tg_piece *p = size < heap->bytes ? tg_heap_find(heap, whole) : NULL;
        if (p) {
            p->next = *lent;
            p->size = whole; /* its largest request is as it was */
            *lent = p;
        }
        lends = p ? (char *)p + TG_HEAP_ALIGN : tg_heap_grow(heap, size);
    }
    if (!lends)
        return NULL;
    heap->lent = after;
    heap->lent_most = after > heap->lent_most ? after : heap->lent_most;
    return lends;
}

void tg_heap_call_in(tg_heap *heap, tg_piece **lent, size_t bytes)
{
    heap->lent = bytes;
    while (*lent) {
        tg_piece *p = *lent;
        *lent = p->next;
        put(heap, p, p->size, p->largest);
    }
}

/* With a captured step's pieces, which a replay writes to, no longer poisoned. */
void tg_heap_forget(tg_heap *heap)
{
    for (tg_piece *p = heap->first; p; p = p->next)
        TG_UNPOISON(p, p->size);
    heap->first = NULL;
    heap->bytes = 0;
}

/* How many of a piece's bytes are below the top of their block. */
static size_t bytes_in_use(const tg_arena *arena, const tg_piece *p)
{
    const tg_block *block = block_of(arena, p);
    const char *at = (const char *)p;
    size_t below = block && at < block->top ? (size_t)(block->top - at) : 0;
    return below < p->size ? below : p->size;
}

void tg_heap_trim(tg_heap *heap)
{
    for (tg_piece **link = &heap->first; *link;) {
        tg_piece *p = *link;
        TG_UNPOISON(p, sizeof *p);
        size_t in_use = bytes_in_use(heap->arena, p) & ~(size_t)(TG_HEAP_ALIGN - 1);
        heap->bytes -= p->size - in_use;
        p->size = in_use;
        if (in_use) {
            link = &p->next;
        } else {
            *link = p->next;
            TG_POISON(p, sizeof *p);
        }
    }
}

/* Pieces of data: given back while what was made after them is in use, they are taken again, before an
 * arena has to grow. There are two kinds of them. Lasting ones stand in the order in which the
 * arena has them, are cut and joined. The small ones that a backward pass makes for itself are kept by size, which is
 * quicker, and are all gone when it ends. Relies on arena.h. */
#ifndef TG_HEAP_H
#define TG_HEAP_H

#include "memory/arena.h"

enum {
    TG_HEAP_SMALL = 1 << 14, /* larger ones last in a pass, too: the time does not matter */
    TG_HEAP_CLASSES = 33,
    TG_HEAP_ABOVE = 256, /* up to that, what lasts is given back with the arena alone */
    TG_HEAP_ALIGN = 64
};

/* Stands at the beginning of a free piece that lasts. */
typedef struct tg_piece {
    struct tg_piece *next;
    size_t size;
    size_t largest; /* of the requests that it was given back from */
    uintptr_t at;   /* in the arena, wherever the allocator has put its blocks */
} tg_piece;

typedef struct tg_heap {
    tg_arena *arena;
    tg_piece *first; /* free ones that last ... */
    size_t bytes;    /* ... and all their bytes */
    void *small[TG_HEAP_CLASSES];
    bool captured; /* a replay writes again to what was given back: it is not poisoned */
    size_t lent;   /* bytes that are, and the most that were */
    size_t lent_most;
    char *stock; /* not NULL: so many bytes that are lent first, aligned as lasting pieces */
    size_t stock_size;
} tg_heap;

/* The class of pieces that hold `size` bytes: 64, 80, 96, 112, 128, 160, 192, 224, 256, 320, ... */
static inline int tg_heap_class(size_t size)
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

static inline size_t tg_heap_class_size(int class)
{
    if (class == 0)
        return 64;
    size_t quarters = (size_t)(class - 1) % 4 + 5;
    return quarters << (4 + (class - 1) / 4);
}

/* A lasting piece that was given back; NULL where none is large enough. */
void *tg_heap_find(tg_heap *heap, size_t size);
/* A lasting piece of the arena; NULL where memory is out. */
void *tg_heap_grow(tg_heap *heap, size_t size);

/* A small one; NULL where memory is out. */
static inline void *tg_heap_take_small(tg_heap *heap, size_t size)
{
    int class = tg_heap_class(size);
    void *piece = heap->small[class];
    if (!piece)
        return tg_arena_alloc(heap->arena, tg_heap_class_size(class),
                              size > TG_HEAP_ABOVE ? TG_HEAP_ALIGN : 16);
    TG_UNPOISON(piece, tg_heap_class_size(class));
    heap->small[class] = *(void **)piece;
    return piece;
}

/* `size`: as it was taken. */
static inline void tg_heap_give_small(tg_heap *heap, void *piece, size_t size)
{
    int class = tg_heap_class(size);
    *(void **)piece = heap->small[class];
    heap->small[class] = piece;
    if (!heap->captured)
        TG_POISON(piece, tg_heap_class_size(class));
}

/* The same for a lasting one. */
void tg_heap_give(tg_heap *heap, void *piece, size_t size);

/* A piece until tg_heap_call_in(), which gives back what is in the list *lent, so that `bytes` are lent,
 * or until the arena is rewound; NULL where memory is out. */
void *tg_heap_lend(tg_heap *heap, size_t size, tg_piece **lent);
void tg_heap_call_in(tg_heap *heap, tg_piece **lent, size_t bytes);

/* Forgets all lasting pieces. */
void tg_heap_forget(tg_heap *heap);
/* After a rewind of the arena: forgets what is not in its memory in use any more. */
void tg_heap_trim(tg_heap *heap);

#endif

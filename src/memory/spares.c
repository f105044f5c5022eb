/* Free pieces, which are cut and joined, see spares.h; and where the data of tensors come from and
 * go to. Relies on tensor.h. */
#include "memory/spares.h"

/* Stands at the beginning of a free piece. */
typedef struct tg_spare {
    struct tg_spare *next;
    size_t size;
    size_t largest; /* of the requests that it was given back from */
} tg_spare;

/* How many pieces are looked at for one that fits: with more of them, memory is of many sizes, and
 * new memory is cheaper than a long search. And how much smaller than a piece's largest request one
 * may be: a small one is not worth that the next large one does not fit. */
enum { LOOKS = 256, SMALLER = 16 };

/* The link to the smallest piece that is large enough. */
static tg_spare **best_fit(tg_spares *spares, size_t size)
{
    tg_spare **best = NULL;
    int looks = 0;
    for (tg_spare **link = &spares->first; *link && looks < LOOKS; link = &(*link)->next) {
        looks++;
        const tg_spare *s = *link;
        bool fits = s->size >= size && s->largest / SMALLER <= size;
        if (fits && (!best || s->size < (*best)->size))
            best = link;
        if (best && (*best)->size == size)
            break;
    }
    return best;
}

void *tg_spares_take(tg_spares *spares, size_t size)
{
    size = tg_spares_size(size);
    if (size <= TG_SPARES_ABOVE || size > spares->bytes)
        return NULL;
    tg_spare **link = best_fit(spares, size);
    if (!link)
        return NULL;
    tg_spare *s = *link;
    TG_UNPOISON(s, size);
    if (s->size == size) {
        *link = s->next;
    } else {
        tg_spare *rest = (tg_spare *)(void *)((char *)s + size);
        TG_UNPOISON(rest, sizeof *rest);
        size_t left = s->size - size;
        *rest = (tg_spare){s->next, left, s->largest < left ? s->largest : left};
        *link = rest;
    }
    spares->bytes -= size;
    return s;
}

/* Makes one of s and the piece after it where they touch. */
static void join(tg_spare *s)
{
    tg_spare *next = s->next;
    if (!next || (char *)s + s->size != (char *)next)
        return;
    s->size += next->size;
    s->largest = s->largest > next->largest ? s->largest : next->largest;
    s->next = next->next;
    TG_POISON(next, sizeof *next);
}

void tg_spares_give(tg_spares *spares, void *piece, size_t size)
{
    size = tg_spares_size(size);
    TG_POISON(piece, size);
    if (size <= TG_SPARES_ABOVE)
        return;
    tg_spare **link = &spares->first, *before = NULL;
    for (; *link && (char *)*link < (char *)piece; link = &(*link)->next)
        before = *link;
    tg_spare *s = piece;
    TG_UNPOISON(s, sizeof *s);
    *s = (tg_spare){*link, size, size};
    *link = s;
    spares->bytes += size;
    join(s);
    if (before)
        join(before);
}

void *tg_spares_lend(tg_spares *spares, size_t size)
{
    if (size > spares->bytes)
        return NULL;
    tg_spare *s = tg_spares_take(spares, size + TG_SPARES_ALIGN);
    if (!s)
        return NULL;
    *s = (tg_spare){.next = spares->lent, .size = size + TG_SPARES_ALIGN};
    spares->lent = s;
    return (char *)s + TG_SPARES_ALIGN;
}

void tg_spares_call_in(tg_spares *spares)
{
    while (spares->lent) {
        tg_spare *s = spares->lent;
        spares->lent = s->next;
        tg_spares_give(spares, s, s->size);
    }
}

/* With a captured step's pieces, which a replay writes to, no longer poisoned. */
void tg_spares_forget(tg_spares *spares)
{
    for (tg_spare *s = spares->first; s; s = s->next)
        TG_UNPOISON(s, s->size);
    spares->first = NULL;
    spares->bytes = 0;
}

/* How many of a piece's bytes are below the top of their block. */
static size_t bytes_in_use(const tg_arena *arena, tg_spare *s)
{
    const tg_block *end = arena->current ? arena->current->next : arena->first;
    for (const tg_block *b = arena->first; b != end; b = b->next) {
        if ((char *)s > (const char *)b && (char *)s < b->end) {
            size_t below = (char *)s < b->top ? (size_t)(b->top - (char *)s) : 0;
            return below < s->size ? below : s->size;
        }
    }
    return 0;
}

void tg_spares_trim(tg_spares *spares, const tg_arena *arena)
{
    for (tg_spare **link = &spares->first; *link;) {
        tg_spare *s = *link;
        TG_UNPOISON(s, sizeof *s);
        size_t in_use = bytes_in_use(arena, s) & ~(size_t)(TG_SPARES_ALIGN - 1);
        spares->bytes -= s->size - in_use;
        s->size = in_use;
        if (in_use) {
            link = &s->next;
        } else {
            *link = s->next;
            TG_POISON(s, sizeof *s);
        }
    }
}

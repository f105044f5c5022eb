/* Lists of pieces by size, see spares.h; and where the data of tensors come from and go to. Relies on
 * tensor.h. */
#include "poison.h"
#include "tensor.h"

/* Stands at the beginning of a piece that is in a list. Pieces have their exact sizes, and so may
 * be smaller than others of their class. */
typedef struct spare {
    struct spare *next;
    size_t size;
} spare;

/* How many pieces of a class are looked at, and how many classes: a piece may be half again as
 * large as what is asked for, or more in the smallest classes. */
enum { LOOKS = 16, SMALLEST = 64, CLASSES = 3 };

/* Takes the first of a list that is large enough out of it. */
static void *take_from(void **list, size_t size)
{
    spare **link = (spare **)(void *)list;
    for (int i = 0; *link && i < LOOKS; i++) {
        spare *s = *link;
        TG_UNPOISON(s, sizeof *s);
        if (s->size >= size) {
            *link = s->next;
            return s;
        }
        link = &s->next;
    }
    return NULL;
}

void *tg_spares_take(tg_spares *spares, size_t size)
{
    if (size < SMALLEST || size > spares->bytes)
        return NULL;
    int class = tg_size_class(size);
    for (int i = class; i < class + CLASSES && i < TG_POOL_CLASSES; i++) {
        spare *s = take_from(&spares->lists[i], size);
        if (!s)
            continue;
        spares->bytes -= s->size;
        TG_UNPOISON(s, s->size);
        return s;
    }
    return NULL;
}

void tg_spares_give(tg_spares *spares, void *piece, size_t size)
{
    if (size >= SMALLEST) {
        spare *s = piece;
        void **list = &spares->lists[tg_size_class(size)];
        *s = (spare){*list, size};
        *list = s;
        spares->bytes += size;
    }
    TG_POISON(piece, size);
}

static bool in_use(const tg_arena *arena, const char *piece)
{
    for (const tg_block *b = arena->current ? arena->first : NULL; b; b = b->next) {
        if (piece > (const char *)b && piece < b->top)
            return true;
        if (b == arena->current)
            return false;
    }
    return false;
}

void tg_spares_trim(tg_spares *spares, const tg_arena *arena)
{
    for (int i = 0; i < TG_POOL_CLASSES; i++) {
        spare **link = (spare **)(void *)&spares->lists[i];
        while (*link) {
            spare *s = *link;
            TG_UNPOISON(s, sizeof *s);
            if (in_use(arena, (const char *)s)) {
                link = &s->next;
            } else {
                spares->bytes -= s->size;
                *link = s->next;
                TG_POISON(s, sizeof *s);
            }
        }
    }
}

bool tg_tensor_take_spare(tg_tensor *t)
{
    char *data = tg_spares_take(&tg_tape_in(t)->spares, tg_data_size(t));
    if (!data)
        return false;
    t->data = data;
    t->spare = true;
    return true;
}

void tg_tensor_give(tg_tensor *t)
{
    tg_tape *tape = tg_tape_in(t);
    if (t->spare || !tape->recycling)
        tg_spares_give(&tape->spares, t->data, tg_data_size(t));
    else
        tg_pool_give(&tape->data_pool, t->data, tg_data_size(t));
    t->data = NULL;
    t->spare = false;
}

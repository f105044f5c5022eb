/* Memory of a fixed size, and how much of it a program needs: what a tape asks its allocator for depends on sizes
 * alone, not on where memory is. Relies on arena.h for who allocates else. */
#include "memory/arena.h"

#include <tinygrad/look.h>

/* Pieces are so many bytes, and begin where malloc()'s do. */
enum { UNIT = 16, ALIGN = 2 * sizeof(void *) };

/* Not beyond what there can be. */
static size_t whole(size_t size)
{
    return size < TG_MOST_BYTES ? (size + UNIT - 1) / UNIT * UNIT : TG_MOST_BYTES;
}

void *tg_room_alloc(void *room, size_t size)
{
    tg_room *r = room;
    char *memory = r->memory;
    if (r->taken > r->size || whole(size) > r->size - r->taken || (uintptr_t)memory % ALIGN)
        return NULL;
    r->taken += whole(size);
    return memory + r->taken - whole(size);
}

void tg_room_free(void *room, void *memory, size_t size)
{
    (void)room, (void)memory, (void)size;
}

/* Another allocator, and what a room would have given in its place. */
typedef struct counted {
    tg_allocator from;
    size_t bytes;
} counted;

static void *counted_alloc(void *context, size_t size)
{
    counted *c = context;
    c->bytes += whole(size);
    return c->from.alloc(c->from.context, size);
}

static void counted_free(void *context, void *memory, size_t size)
{
    const counted *c = context;
    c->from.free(c->from.context, memory, size);
}

size_t tg_memory_needed(const tg_tape_opts *opts, tg_program program, void *context)
{
    tg_tape_opts o = opts ? *opts : (tg_tape_opts){0};
    counted c = {tg_allocator_default, 0};
    if (o.alloc && o.free)
        c.from = (tg_allocator){o.alloc, o.free, o.context};
    o.alloc = counted_alloc;
    o.free = counted_free;
    o.context = &c;
    tg_tape *tape = program ? tg_tape_new(&o) : NULL;
    if (tape)
        program(tape, context);
    size_t needed = tg_error(tape) ? 0 : c.bytes;
    tg_tape_free(tape);
    return needed;
}

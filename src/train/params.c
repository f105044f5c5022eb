/* Named lists of tensors. A list's entries, names included, stand in a piece of memory of their own,
 * which is left for a larger one when it is full. That piece may be rewound away while the list itself
 * is not, and so it has a handle. Relies on tensor.h. */
#include "train/params.h"

#include "kernels/format.h"

#include "tape/tensor.h"

#include <stdarg.h>
#include <string.h>

/* A piece for so many entries, whose names have so much room, one behind the other. */
typedef struct entries {
    tg_slot head;
    size_t capacity, room;
    tg_tensor **tensors, **unique; /* `unique`: those that require a gradient, each once */
    size_t *names;                 /* where they begin in `text` */
    char *text;
} entries;

/* What there is room for at first. */
enum { FIRST_ENTRIES = 8, FIRST_ROOM = 256 };

/* What a tg_params is the handle of. */
typedef struct list {
    tg_slot head;
    size_t count, unique;
    const void *entries; /* handle; NULL: none were made yet */
} list;

static entries *entries_of(const list *l)
{
    return tg_slot_of(l->entries);
}

static bool is_among(const tg_tensor *t, tg_tensor *const *tensors, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        if (tensors[i] == t)
            return true;
    }
    return false;
}

/* The list where it and its entries can be used. */
static list *check_list(const tg_params *params, const char *name)
{
    tg_tape *tape = tg_check_handle(params, name, "the list");
    if (!tape)
        return NULL;
    list *l = tg_slot_of(params);
    TG_CHECK(tape, !l->entries || tg_slot_alive(l->entries), TG_ESTATE,
             "%s: the list has grown since a mark that the tape was rewound to", name);
    return l;
}

tg_params *tg_params_new(tg_tape *tape)
{
    if (!tape || tape->status)
        return NULL;
    tg_doing outer = tg_inside_open(tape);
    list *l = tg_tape_slot(tape, "params_new");
    tg_inside_close(tape, &outer);
    if (!l)
        return NULL;
    *l = (list){.head = l->head};
    return (tg_params *)(uintptr_t)l->head.self;
}

static const char *name_of(const list *l, size_t i)
{
    const entries *e = entries_of(l);
    return e->text + e->names[i];
}

/* Of the names' room, what is in use. */
static size_t used_room(const list *l)
{
    return l->count ? entries_of(l)->names[l->count - 1] + strlen(name_of(l, l->count - 1)) + 1 : 0;
}

/* NULL, with the error set, where memory is out. */
static entries *new_entries(tg_tape *tape, size_t capacity, size_t room)
{
    const tg_standing start = tg_stand(tape);
    entries *e = tg_tape_slot(tape, "params_add");
    size_t size = capacity * (2 * sizeof(tg_tensor *) + sizeof(size_t)) + room;
    char *body = e ? tg_tape_body(tape, "params_add", size) : NULL;
    if (!body) {
        tg_drop_slots(tape, &start);
        return NULL;
    }
    *e = (entries){.head = e->head, .capacity = capacity, .room = room};
    e->tensors = (tg_tensor **)(void *)body;
    e->unique = e->tensors + capacity;
    e->names = (size_t *)(void *)(e->unique + capacity);
    e->text = (char *)(e->names + capacity);
    return e;
}

static void copy_entries(entries *to, const list *l)
{
    const entries *from = entries_of(l);
    memcpy(to->tensors, from->tensors, l->count * sizeof *to->tensors);
    memcpy(to->unique, from->unique, l->unique * sizeof *to->unique);
    memcpy(to->names, from->names, l->count * sizeof *to->names);
    memcpy(to->text, from->text, used_room(l));
}

/* Room for one more, whose name has `length` bytes and an end. */
static bool grow(list *l, tg_tape *tape, size_t length)
{
    const entries *e = l->entries ? entries_of(l) : NULL;
    size_t capacity = e ? e->capacity : FIRST_ENTRIES, room = e ? e->room : FIRST_ROOM;
    size_t wanted = (e ? used_room(l) : 0) + length + 1;
    if (e && l->count < capacity && wanted <= room)
        return true;
    while (room < wanted)
        room *= 2;
    entries *to = new_entries(tape, l->count < capacity ? capacity : 2 * capacity, room);
    if (!to)
        return false;
    if (e)
        copy_entries(to, l);
    l->entries = to->head.self;
    return true;
}

static bool check_tensor(tg_tape *tape, const tg_tensor *t, const char *name)
{
    TG_CHECK(tape, t, TG_EVALUE, "params_add: the tensor for \"%.96s\" is NULL", name);
    TG_CHECK(tape, tg_tape_in(t) == tape, TG_EVALUE,
             "params_add: the tensor for \"%.96s\" is of another tape", name);
    return tg_alive(t, "params_add");
}

static bool check_name(const tg_params *params, tg_tape *tape, const char *name)
{
    TG_CHECK(tape, *name, TG_EVALUE, "params_add: an empty name");
    TG_CHECK(tape, !tg_params_find(params, name), TG_EVALUE,
             "params_add: \"%.96s\" is in the list already", name);
    return true;
}

tg_tape *tg_params_tape(const tg_params *params, const char *name)
{
    const list *l = check_list(params, name);
    tg_tape *tape = l ? tg_slot_tape(&l->head) : NULL;
    return tape && !tape->status && tg_outside(tape, name) ? tape : NULL;
}

/* The text, behind the names that are there; NULL, with the error set, where memory is out. */
static const char *format_next(list *l, const char *format, va_list args)
{
    tg_tape *tape = tg_slot_tape(&l->head);
    va_list again;
    va_copy(again, args);
    int length = tgk_format_list(NULL, 0, format, again);
    va_end(again);
    if (!grow(l, tape, length > 0 ? (size_t)length : 0))
        return NULL;
    entries *e = entries_of(l);
    e->names[l->count] = used_room(l);
    char *name = e->text + e->names[l->count];
    *name = 0; /* where the format is none */
    tgk_format_list(name, e->room - e->names[l->count], format, args);
    return name;
}

/* The name is where format_next() put it. */
static void append(list *l, tg_tensor *t)
{
    entries *e = entries_of(l);
    e->tensors[l->count++] = t;
    if (tg_at(t)->requires_grad && !is_among(t, e->unique, l->unique))
        e->unique[l->unique++] = t;
}

/* A list that can be added to. */
static tg_tensor *add(tg_params *params, tg_tensor *t, const char *format, va_list args)
{
    list *l = tg_slot_of(params);
    tg_tape *tape = tg_slot_tape(&l->head);
    const char *name = format_next(l, format, args);
    if (!name || !check_name(params, tape, name) || !check_tensor(tape, t, name))
        return NULL;
    append(l, t);
    return t;
}

tg_tensor *tg_params_add(tg_params *params, tg_tensor *t, const char *format, ...)
{
    tg_tape *tape = tg_params_tape(params, "params_add");
    if (!tape)
        return NULL;
    TG_CHECK(tape, format, TG_EVALUE, "params_add: the name is NULL");
    va_list args;
    va_start(args, format);
    tg_tensor *added = add(params, t, format, args);
    va_end(args);
    return added;
}

bool tg_params_add_all(tg_params *params, const tg_naming *naming)
{
    list *l = tg_slot_of(params);
    const list before =
        *l; /* with the piece of then: the caller may give back what was made since */
    for (size_t i = 0; i < naming->n; i++) {
        tg_tensor *t = naming->tensors[i];
        if (t && !tg_params_add(params, t, "%s%s", naming->name, naming->suffixes[i])) {
            *l = before;
            return false;
        }
    }
    return true;
}

void tg_params_truncate(tg_params *params, size_t count)
{
    list *l = tg_slot_of(params);
    l->count = count;
}

size_t tg_params_count(const tg_params *params)
{
    const list *l = check_list(params, "params_count");
    return l ? l->count : 0;
}

const char *tg_params_name(const tg_params *params, size_t i)
{
    const list *l = check_list(params, "params_name");
    return l && i < l->count ? name_of(l, i) : NULL;
}

tg_tensor *tg_params_tensor(const tg_params *params, size_t i)
{
    const list *l = check_list(params, "params_tensor");
    return l && i < l->count ? entries_of(l)->tensors[i] : NULL;
}

tg_tensor *tg_params_find(const tg_params *params, const char *name)
{
    const list *l = check_list(params, "params_find");
    for (size_t i = 0; l && name && i < l->count; i++) {
        if (!strcmp(name_of(l, i), name))
            return entries_of(l)->tensors[i];
    }
    return NULL;
}

const char *tg_params_name_of(const void *params, const tg_tensor *t)
{
    const list *l = check_list(params, "params_name_of");
    for (size_t i = 0; l && i < l->count; i++) {
        if (entries_of(l)->tensors[i] == t)
            return name_of(l, i);
    }
    return NULL;
}

tg_tensor *const *tg_params_tensors(const tg_params *params)
{
    const list *l = check_list(params, "params_tensors");
    return l && l->count ? entries_of(l)->tensors : NULL;
}

tg_tensor *const *tg_params_unique(const tg_params *params)
{
    const list *l = check_list(params, "params_unique");
    return l && l->unique ? entries_of(l)->unique : NULL;
}

size_t tg_params_unique_count(const tg_params *params)
{
    const list *l = check_list(params, "params_unique_count");
    return l ? l->unique : 0;
}

void tg_params_zero_grad(const tg_params *params)
{
    const list *l = check_list(params, "params_zero_grad");
    for (size_t i = 0; l && i < l->count; i++)
        tg_zero_grad(entries_of(l)->tensors[i]);
}

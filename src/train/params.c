/* Named lists of tensors. A list's entries stand in a piece of memory of their own, which is left
 * for one of twice the size when it is full. That piece may be rewound away while the list itself
 * is not, and so it has a handle. Relies on tensor.h. */
#include "train/params.h"

#include "tape/tensor.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

typedef char entry_name[TG_PARAMS_NAME];

/* A piece for so many entries. */
typedef struct entries {
    tg_slot head;
    size_t capacity;
    tg_tensor **tensors, **unique; /* `unique`: those that require a gradient, each once */
    entry_name *names;
} entries;

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

/* NULL, with the error set, where memory is out. */
static entries *new_entries(tg_tape *tape, size_t capacity)
{
    const tg_standing start = tg_stand(tape);
    entries *e = tg_tape_slot(tape, "params_add");
    size_t size = capacity * (2 * sizeof(tg_tensor *) + sizeof(entry_name));
    char *body = e ? tg_tape_body(tape, "params_add", size) : NULL;
    if (!body) {
        tg_drop_slots(tape, &start);
        return NULL;
    }
    *e = (entries){.head = e->head, .capacity = capacity, .tensors = (tg_tensor **)(void *)body};
    e->unique = e->tensors + capacity;
    e->names = (entry_name *)(e->unique + capacity);
    return e;
}

/* Room for n more. */
static bool grow(list *l, tg_tape *tape, size_t n)
{
    if (l->entries && l->count + n <= entries_of(l)->capacity)
        return true;
    entries *to = new_entries(tape, l->entries ? 2 * entries_of(l)->capacity : 8);
    if (!to)
        return false;
    if (l->entries) {
        const entries *from = entries_of(l);
        memcpy(to->tensors, from->tensors, l->count * sizeof *to->tensors);
        memcpy(to->unique, from->unique, l->unique * sizeof *to->unique);
        memcpy(to->names, from->names, l->count * sizeof *to->names);
    }
    l->entries = to->head.self;
    return true;
}

static bool check_tensor(tg_tape *tape, const tg_tensor *t, const char *name)
{
    TG_CHECK(tape, t, TG_EVALUE, "params_add: the tensor for \"%s\" is NULL", name);
    TG_CHECK(tape, tg_tape_in(t) == tape, TG_EVALUE,
             "params_add: the tensor for \"%s\" is of another tape", name);
    return tg_alive(t, "params_add");
}

static bool check_name(const tg_params *params, tg_tape *tape, const char *name, int length)
{
    TG_CHECK(tape, length > 0, TG_EVALUE, "params_add: an empty name");
    TG_CHECK(tape, length < (int)sizeof(entry_name), TG_EVALUE,
             "params_add: name \"%s...\" has %d bytes, wanted at most %zu", name, length,
             sizeof(entry_name) - 1);
    TG_CHECK(tape, !tg_params_find(params, name), TG_EVALUE,
             "params_add: \"%s\" is in the list already", name);
    return true;
}

tg_tape *tg_params_tape(const tg_params *params, const char *name)
{
    const list *l = check_list(params, name);
    tg_tape *tape = l ? tg_slot_tape(&l->head) : NULL;
    return tape && !tape->status && tg_outside(tape, name) ? tape : NULL;
}

/* There is room. */
static void append(list *l, tg_tensor *t, const char *name)
{
    entries *e = entries_of(l);
    snprintf(e->names[l->count], sizeof(entry_name), "%s", name);
    e->tensors[l->count++] = t;
    if (tg_at(t)->requires_grad && !is_among(t, e->unique, l->unique))
        e->unique[l->unique++] = t;
}

static int full_name(const tg_naming *naming, size_t i, entry_name name)
{
    return snprintf(name, sizeof(entry_name), "%s%s", naming->name, naming->suffixes[i]);
}

bool tg_params_add_all(tg_params *params, const tg_naming *naming)
{
    list *l = tg_slot_of(params);
    tg_tape *tape = tg_slot_tape(&l->head);
    entry_name name = "";
    for (size_t i = 0; i < naming->n; i++) {
        int length = full_name(naming, i, name);
        if (naming->tensors[i] && !check_name(params, tape, name, length))
            return false;
    }
    if (!grow(l, tape, naming->n))
        return false;
    for (size_t i = 0; i < naming->n; i++) {
        full_name(naming, i, name);
        if (naming->tensors[i])
            append(l, naming->tensors[i], name);
    }
    return true;
}

tg_tensor *tg_params_add(tg_params *params, tg_tensor *t, const char *format, ...)
{
    tg_tape *tape = tg_params_tape(params, "params_add");
    if (!tape)
        return NULL;
    TG_CHECK(tape, format, TG_EVALUE, "params_add: the name is NULL");
    entry_name name = "";
    va_list args;
    va_start(args, format);
    int length = vsnprintf(name, sizeof name, format, args);
    va_end(args);
    if (!check_name(params, tape, name, length) || !check_tensor(tape, t, name))
        return NULL;
    list *l = tg_slot_of(params);
    if (!grow(l, tape, 1))
        return NULL;
    append(l, t, name);
    return t;
}

void tg_params_truncate(tg_params *params, size_t count)
{
    list *l = tg_slot_of(params);
    const entries *e = entries_of(l);
    l->count = count;
    while (l->unique && !is_among(e->unique[l->unique - 1], e->tensors, count))
        l->unique--;
}

size_t tg_params_length(const tg_params *params, const char *name)
{
    const list *l = check_list(params, name);
    return l ? l->count : 0;
}

size_t tg_params_count(const tg_params *params)
{
    return tg_params_length(params, "params_count");
}

const char *tg_params_name(const tg_params *params, size_t i)
{
    const list *l = check_list(params, "params_name");
    return l && i < l->count ? entries_of(l)->names[i] : NULL;
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
        if (!strcmp(entries_of(l)->names[i], name))
            return entries_of(l)->tensors[i];
    }
    return NULL;
}

const char *tg_params_name_of(const void *params, const tg_tensor *t)
{
    const list *l = check_list(params, "params_name_of");
    for (size_t i = 0; l && i < l->count; i++) {
        if (entries_of(l)->tensors[i] == t)
            return entries_of(l)->names[i];
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

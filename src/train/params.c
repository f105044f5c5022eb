/* Named lists of tensors. A list's entries stand in a piece of memory of their own, which is left
 * for one of twice the size when it is full. That piece may be rewound away while the list itself
 * is not, and so it is an object that can tell. Relies on tensor.h. */
#include "train/params.h"

#include "tape/tensor.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

typedef char entry_name[96];

/* After the tensors comes room for the same without repetitions, then the names. */
typedef struct entries {
    tg_object head;
    size_t capacity;
    tg_tensor *tensors[];
} entries;

struct tg_params {
    tg_object head;
    size_t count, unique;
    entries *entries; /* NULL: none were made yet */
    uint32_t entries_epoch;
};

static tg_tensor **unique_of(const entries *e)
{
    return (tg_tensor **)(uintptr_t)(e->tensors + e->capacity);
}

static entry_name *names_of(const entries *e)
{
    return (entry_name *)(unique_of(e) + e->capacity);
}

static bool is_among(const tg_tensor *t, tg_tensor *const *tensors, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        if (tensors[i] == t)
            return true;
    }
    return false;
}

/* The list's tape where the list and its entries can be used. */
static tg_tape *check_list(const tg_params *params, const char *name)
{
    tg_tape *tape = tg_object_check(params, TG_MAGIC_PARAMS, name, "the list");
    if (!tape)
        return NULL;
    const entries *e = params->entries;
    TG_CHECK(tape,
             !e || (tg_object_alive(e, TG_MAGIC_ENTRIES) && e->head.epoch == params->entries_epoch),
             TG_ESTATE, "%s: the list has grown since a mark that the tape was rewound to", name);
    return tape;
}

tg_params *tg_params_new(tg_tape *tape)
{
    if (!tape || tape->status)
        return NULL;
    tg_inside outer = tg_inside_open(tape);
    tg_params *params = tg_tape_object(tape, "params_new", TG_MAGIC_PARAMS, sizeof *params);
    tg_inside_close(tape, &outer);
    if (params)
        *params = (tg_params){.head = params->head};
    return params;
}

static bool grow(tg_params *params, tg_tape *tape)
{
    size_t capacity = params->count ? 2 * params->count : 8;
    size_t size = sizeof(entries) + capacity * (2 * sizeof(tg_tensor *) + sizeof(entry_name));
    entries *to = tg_tape_object(tape, "params_add", TG_MAGIC_ENTRIES, size);
    if (!to)
        return false;
    memset(&to->capacity, 0, size - offsetof(entries, capacity));
    to->capacity = capacity;
    const entries *from = params->entries;
    if (from) {
        memcpy(to->tensors, from->tensors, params->count * sizeof(tg_tensor *));
        memcpy(unique_of(to), unique_of(from), params->unique * sizeof(tg_tensor *));
        memcpy(names_of(to), names_of(from), params->count * sizeof(entry_name));
    }
    params->entries = to;
    params->entries_epoch = to->head.epoch;
    return true;
}

static bool check_tensor(tg_tape *tape, const tg_tensor *t, const char *name)
{
    TG_CHECK(tape, t, TG_EVALUE, "params_add: the tensor for \"%s\" is NULL", name);
    if (!tg_alive(t, "params_add"))
        return false;
    TG_CHECK(tape, tg_tape_in(t) == tape, TG_EVALUE,
             "params_add: the tensor for \"%s\" is of another tape", name);
    return true;
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

tg_tensor *tg_params_add(tg_params *params, tg_tensor *t, const char *format, ...)
{
    tg_tape *tape = check_list(params, "params_add");
    if (!tape || tape->status || !tg_outside(tape, "params_add"))
        return NULL;
    TG_CHECK(tape, format, TG_EVALUE, "params_add: the name is NULL");
    entry_name name = "";
    va_list args;
    va_start(args, format);
    int length = vsnprintf(name, sizeof name, format, args);
    va_end(args);
    if (!check_name(params, tape, name, length) || !check_tensor(tape, t, name))
        return NULL;
    entries *e = params->entries;
    if ((!e || params->count == e->capacity) && !grow(params, tape))
        return NULL;
    e = params->entries;
    memcpy(names_of(e)[params->count], name, sizeof name);
    e->tensors[params->count++] = t;
    if (!is_among(t, unique_of(e), params->unique))
        unique_of(e)[params->unique++] = t;
    return t;
}

void tg_params_truncate(tg_params *params, size_t count)
{
    const entries *e = params->entries;
    params->count = count;
    while (params->unique && !is_among(unique_of(e)[params->unique - 1], e->tensors, count))
        params->unique--;
}

size_t tg_params_count(const tg_params *params)
{
    return check_list(params, "params_count") ? params->count : 0;
}

const char *tg_params_name(const tg_params *params, size_t i)
{
    bool found = check_list(params, "params_name") && i < params->count;
    return found ? names_of(params->entries)[i] : NULL;
}

tg_tensor *tg_params_tensor(const tg_params *params, size_t i)
{
    bool found = check_list(params, "params_tensor") && i < params->count;
    return found ? params->entries->tensors[i] : NULL;
}

tg_tensor *tg_params_find(const tg_params *params, const char *name)
{
    if (!check_list(params, "params_find") || !name)
        return NULL;
    for (size_t i = 0; i < params->count; i++) {
        if (!strcmp(names_of(params->entries)[i], name))
            return params->entries->tensors[i];
    }
    return NULL;
}

tg_tensor *const *tg_params_tensors(const tg_params *params)
{
    bool any = check_list(params, "params_tensors") && params->count;
    return any ? params->entries->tensors : NULL;
}

tg_tensor *const *tg_params_unique(const tg_params *params)
{
    bool any = check_list(params, "params_unique") && params->unique;
    return any ? unique_of(params->entries) : NULL;
}

size_t tg_params_unique_count(const tg_params *params)
{
    return check_list(params, "params_unique_count") ? params->unique : 0;
}

void tg_params_zero_grad(const tg_params *params)
{
    if (!check_list(params, "params_zero_grad"))
        return;
    for (size_t i = 0; i < params->count; i++)
        tg_zero_grad(params->entries->tensors[i]);
}

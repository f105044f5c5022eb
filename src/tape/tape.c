/* Objects, the list of records, marks and rewind. Relies on arena.h and generator.h. */
#include "tape/tape.h"

#include "kernels/isa.h"

#include <string.h>

static void set_up(tg_tape *tape, const tg_allocator *allocator, size_t block_size)
{
    *tape = (tg_tape){.allocator = *allocator, .grad_enabled = true};
    tg_arena_init(&tape->objects, &tape->allocator, tape, block_size);
    tg_arena_init(&tape->data, &tape->allocator, tape, block_size);
    tape->meter = (tg_meter){.arenas = {&tape->objects, &tape->data}};
    tape->objects.meter = tape->data.meter = &tape->meter;
    tape->object_pool.arena = &tape->objects;
    tape->data_pool.arena = &tape->data;
    tg_generator_seed(&tape->generator, 0);
}

tg_tape *tg_tape_new(const tg_tape_opts *opts)
{
    tg_allocator allocator = tg_allocator_default;
    if (opts && opts->alloc && opts->free)
        allocator = (tg_allocator){opts->alloc, opts->free, opts->context};
    size_t block_size = opts && opts->block_size ? opts->block_size : (size_t)16 << 10;
    tg_tape *tape = allocator.alloc(allocator.context, sizeof *tape);
    if (!tape)
        return NULL;
    set_up(tape, &allocator, block_size);
    tape->on_error = opts ? opts->on_error : NULL;
    tape->error_context = opts ? opts->error_context : NULL;
    tgk_team_init(&tape->team, opts ? opts->threads : 0);
    tape->isa = tape->generator.isa = tgk_isa_choose(opts ? (int)opts->isa - 1 : -1);
    return tape;
}

void tg_tape_free(tg_tape *tape)
{
    if (!tape || !tg_outside(tape, "tape_free"))
        return;
    tg_allocator allocator = tape->allocator;
    tgk_team_end(&tape->team);
    tg_arena_free(&tape->objects);
    tg_arena_free(&tape->data);
    tg_arena_free(&tape->profiler.memory);
    allocator.free(allocator.context, tape, sizeof *tape);
}

tg_tape *tg_object_check(const void *object, uint32_t magic, const char *name, const char *what)
{
    if (object && tg_object_alive(object, magic))
        return tg_object_tape(object);
    if (object && tg_object_dead(object, magic))
        tg_fail(tg_object_tape(object), TG_ESTATE, "%s: %s was rewound away", name, what);
    return NULL;
}

static void *or_fail(tg_tape *tape, const char *name, void *memory)
{
    if (!memory)
        tg_fail_memory(tape, name);
    return memory;
}

void *tg_tape_object(tg_tape *tape, const char *name, uint32_t magic, size_t size)
{
    tg_object *object = or_fail(tape, name, tg_arena_alloc(&tape->objects, size, 16));
    if (!object)
        return NULL;
    *object = (tg_object){magic, tape->epoch, tape->objects.current};
    tape->last_object = object;
    return object;
}

void *tg_tape_data(tg_tape *tape, const char *name, size_t size)
{
    /* An empty tensor has an address too. */
    size_t align = size > TG_SPARES_ABOVE ? TG_SPARES_ALIGN : 16;
    size = size ? tg_spares_size(size) : 1;
    return or_fail(tape, name, tg_arena_alloc(&tape->data, size, align));
}

void *tg_pool_object(tg_tape *tape, const char *name, uint32_t magic, size_t size)
{
    tg_object *object = or_fail(tape, name, tg_pool_take(&tape->object_pool, size));
    if (!object)
        return NULL;
    /* A chunk outside the current block was used before, and still says which block it is in. */
    tg_block *current = tape->objects.current;
    bool inside = (char *)object >= (char *)current && (char *)object < current->end;
    *object = (tg_object){magic, tape->epoch, inside ? current : object->block};
    return object;
}

void *tg_pool_data(tg_tape *tape, const char *name, size_t size)
{
    return or_fail(tape, name, tg_pool_take(&tape->data_pool, size));
}

/* From the reserve; NULL where it is too small, as it may be for work that depends on the data. */
static void *take_reserve(tg_reserve *reserve, size_t size)
{
    char *start = tg_align_up(reserve->top, 64);
    if (start > reserve->end || size > (size_t)(reserve->end - start))
        return NULL;
    reserve->top = start + size;
    return start;
}

void *tg_workspace(tg_node *node, uint64_t bytes)
{
    tg_tape *tape = tg_node_tape(node);
    size_t size = bytes < TG_MOST_BYTES ? (size_t)bytes : TG_MOST_BYTES + 1;
    void *reserved = tape->reserve.end ? take_reserve(&tape->reserve, size) : NULL;
    if (reserved)
        return reserved;
    if (size > TG_MOST_BYTES) {
        tg_fail_memory(tape, node->op->name);
        return NULL;
    }
    tape->workspace_used += size + 64;
    void *spare = tape->spares.bytes ? tg_spares_lend(&tape->spares, size) : NULL;
    return spare ? spare : tg_tape_data(tape, node->op->name, size);
}

static size_t round_up(size_t size, size_t to)
{
    return (size + to - 1) / to * to;
}

tg_record *tg_record_new(tg_tape *tape, const tg_call *call)
{
    size_t n = (size_t)call->n_in;
    size_t versions = round_up(sizeof(tg_record), 8) + n * sizeof(tg_tensor *);
    size_t params = round_up(versions + (n + 1) * sizeof(uint32_t), 16);
    tg_record *record =
        tg_tape_object(tape, call->op->name, TG_MAGIC_RECORD, params + call->params_size);
    if (!record)
        return NULL;
    char *memory = (char *)record;
    /* All of it is written: a stale pointer must not meet the head of what stood here before. */
    record->prev = record->next = NULL;
    record->node = (tg_node){.op = call->op,
                             .n_in = call->n_in,
                             .in_place = call->in_place,
                             .in = (tg_tensor **)(memory + round_up(sizeof(tg_record), 8)),
                             .params = memory + params};
    for (size_t i = 0; i < n; i++)
        record->node.in[i] = call->in[i];
    for (size_t i = 0; i <= n; i++)
        tg_node_versions(&record->node)[i] = 0;
    if (call->params_size == sizeof(double)) /* most often; without a call */
        memcpy(memory + params, call->params, sizeof(double));
    else if (call->params_size)
        memcpy(memory + params, call->params, call->params_size);
    return record;
}

void tg_record_link(tg_tape *tape, tg_record *record)
{
    record->prev = tape->last;
    record->next = NULL;
    *(tape->last ? &tape->last->next : &tape->first) = record;
    tape->last = record;
}

/* What is in a mark. */
typedef struct mark {
    tg_tape *tape;
    tg_top objects, data;
    tg_record *record;
    tg_object *object; /* the last one */
    uint32_t epoch;    /* of it */
} mark;

_Static_assert(sizeof(mark) <= sizeof(tg_mark), "a mark holds all of it");

static mark read(const tg_mark *m)
{
    mark read;
    memcpy(&read, m, sizeof read);
    return read;
}

tg_inside tg_inside_open(tg_tape *tape)
{
    tg_inside outer = {tape->forward_of, tape->grad_enabled, tape->recycling,
                       tape->capture,    tape->spares.bytes, tape->made};
    if (tape->forward_of && !outer.made.after)
        outer.made = (tg_made){tape->last_object, tg_arena_top(&tape->objects)};
    tape->forward_of = NULL;
    tape->grad_enabled = tape->recycling = false;
    tape->capture = NULL;
    tape->spares.bytes = 0;
    tape->made = (tg_made){0};
    return outer;
}

void tg_inside_close(tg_tape *tape, const tg_inside *outer)
{
    tape->forward_of = outer->forward_of;
    tape->grad_enabled = outer->grad_enabled;
    tape->recycling = outer->recycling;
    tape->capture = outer->capture;
    tape->spares.bytes = outer->spare_bytes;
    tape->made = outer->made;
}

tg_mark tg_tape_mark(const tg_tape *tape)
{
    bool inside = tape && (tape->calling || tape->forward_of || tape->backward_of);
    return tg_mark_here(inside ? NULL : tape);
}

tg_mark tg_mark_here(const tg_tape *tape)
{
    tg_mark here = {{NULL}, 0};
    if (!tape)
        return here;
    mark m = {.tape = (tg_tape *)(uintptr_t)tape,
              .objects = tg_arena_top(&tape->objects),
              .data = tg_arena_top(&tape->data),
              .record = tape->last,
              .object = tape->last_object,
              .epoch = tape->last_object ? tape->last_object->epoch : 0};
    memcpy(&here, &m, sizeof m);
    return here;
}

/* The last object before a mark is alive, and still that object, just as long as the mark is good:
 * whatever comes after it comes after the mark. */
TG_UNSANITIZED bool tg_mark_fresh(const tg_mark *m)
{
    const mark at = read(m);
    const tg_object *last = at.object;
    return !last || ((const char *)last < last->block->top && last->epoch == at.epoch);
}

static tg_status check_mark(tg_tape *tape, const tg_mark *m, const char *name)
{
    if (!tg_outside(tape, name))
        return TG_ESTATE;
    const tg_tape *of = read(m).tape;
    if (of != tape)
        return tg_fail(tape, TG_EVALUE, "%s: the mark is of another tape%s", name,
                       of ? "" : ", or none: taken inside an operation");
    if (!tg_mark_fresh(m))
        return tg_fail(tape, TG_ESTATE, "%s: stale mark: the tape was rewound past it", name);
    return TG_OK;
}

bool tg_mark_before_capture(const tg_tape *tape, const tg_mark *m)
{
    return tape->newest && tg_arena_drops(&tape->objects, read(m).objects, tape->newest);
}

tg_status tg_tape_rewind(tg_tape *tape, tg_mark to)
{
    if (!tape)
        return TG_ENOMEM;
    tg_status status = check_mark(tape, &to, "tape_rewind");
    if (status)
        return status;
    while (tg_mark_before_capture(tape, &to)) {
        tape->capture = tape->capture == tape->newest ? NULL : tape->capture;
        tape->newest = tape->newest->before;
    }
    if (tape->capture && !tape->capture_failed)
        return tg_fail(tape, TG_ESTATE, "tape_rewind: to a mark inside a capture that goes on");
    tg_take_back(tape, to);
    return TG_OK;
}

void tg_take_back(tg_tape *tape, tg_mark to)
{
    if (tape->recycling || (tape->capture && !tape->capture_failed))
        return;
    mark m = read(&to);
    tg_arena_rewind(&tape->objects, m.objects);
    tg_arena_rewind(&tape->data, m.data);
    if (tape->spares.bytes)
        tg_spares_trim(&tape->spares, &tape->data);
    tape->last = m.record;
    *(tape->last ? &tape->last->next : &tape->first) = NULL;
    tape->last_object = m.object;
    tape->epoch++;
}

tg_status tg_mark_records(tg_tape *tape, tg_mark since, const char *name, tg_record **first)
{
    tg_status status = check_mark(tape, &since, name);
    const tg_record *before = read(&since).record;
    if (!status)
        *first = before ? before->next : tape->first;
    return status;
}

void tg_manual_seed(tg_tape *tape, uint64_t seed)
{
    if (tape && tg_outside_capture(tape, "manual_seed"))
        tg_generator_seed(&tape->generator, seed);
}

static bool set(tg_tape *tape, bool *setting, const char *name, bool enabled)
{
    bool former = *setting;
    if (tg_outside(tape, name))
        *setting = enabled;
    return former;
}

bool tg_set_grad_enabled(tg_tape *tape, bool enabled)
{
    return tape && set(tape, &tape->grad_enabled, "set_grad_enabled", enabled);
}

bool tg_set_anomaly_enabled(tg_tape *tape, bool enabled)
{
    return tape && set(tape, &tape->anomaly, "set_anomaly_enabled", enabled);
}

bool tg_set_anomaly_inf(tg_tape *tape, bool enabled)
{
    return tape && set(tape, &tape->anomaly_inf, "set_anomaly_inf", enabled);
}

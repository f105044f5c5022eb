/* Objects, the list of records, marks and rewind. Relies on arena.h and random.h. */
#include "capture.h"
#include "inside.h"

#include "kernels/isa.h"

#include <stdlib.h>
#include <string.h>

/* The instruction set that is asked for, as far as the machine has it: by the options, else by the
 * environment, else the best. */
static int choose_isa(const tg_tape_opts *opts)
{
    static const char *const names[TGK_ISAS] = {"base", "v3", "v4"};
    int best = tgk_isa_best(), asked = opts ? (int)opts->isa - 1 : -1;
    const char *name = getenv("TINYGRAD_ISA");
    for (int i = 0; i < TGK_ISAS && name && asked < 0; i++) {
        if (!strcmp(name, names[i]))
            asked = i;
    }
    return asked >= 0 && asked < best ? asked : best;
}

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
    tgk_team_init(&tape->team, opts ? opts->threads : 0);
    tape->isa = tape->generator.isa = choose_isa(opts);
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
    if (!object)
        return NULL;
    if (tg_object_alive(object, magic))
        return tg_object_tape(object);
    if (tg_object_dead(object, magic))
        tg_fail(tg_object_tape(object), TG_ESTATE, "%s: %s was rewound away", name, what);
    return NULL;
}

void *tg_tape_object(tg_tape *tape, const char *name, uint32_t magic, size_t size)
{
    tg_object *object = tg_arena_alloc(&tape->objects, size, 16);
    if (!object) {
        tg_fail_memory(tape, name);
        return NULL;
    }
    *object = (tg_object){magic, tape->epoch, tape->objects.current};
    tape->last_object = object;
    return object;
}

void *tg_tape_data(tg_tape *tape, const char *name, size_t size)
{
    /* An empty tensor has an address too. */
    void *data = tg_arena_alloc(&tape->data, size ? tg_spares_size(size) : 1,
                                size > TG_SPARES_ABOVE ? TG_SPARES_ALIGN : 16);
    if (!data)
        tg_fail_memory(tape, name);
    return data;
}

void *tg_pool_object(tg_tape *tape, const char *name, uint32_t magic, size_t size)
{
    tg_object *object = tg_pool_take(&tape->object_pool, size);
    if (!object) {
        tg_fail_memory(tape, name);
        return NULL;
    }
    /* A chunk outside the current block was used before, and still says which block it is in. */
    tg_block *current = tape->objects.current;
    bool inside = (char *)object >= (char *)current && (char *)object < current->end;
    *object = (tg_object){magic, tape->epoch, inside ? current : object->block};
    return object;
}

void *tg_pool_data(tg_tape *tape, const char *name, size_t size)
{
    void *data = tg_pool_take(&tape->data_pool, size);
    if (!data)
        tg_fail_memory(tape, name);
    return data;
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
    record->node = (tg_node){.op = call->op,
                             .n_in = call->n_in,
                             .in_place = call->in_place,
                             .in = (tg_tensor **)(memory + round_up(sizeof(tg_record), 8)),
                             .params = memory + params};
    for (size_t i = 0; i < n; i++)
        record->node.in[i] = call->in[i];
    if (call->params_size)
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

/* The places of tg_mark.at. */
enum { AT_TAPE, AT_OBJECT_BLOCK, AT_OBJECT_TOP, AT_DATA_BLOCK, AT_DATA_TOP, AT_RECORD, AT_OBJECT };

tg_mark tg_mark_here(const tg_tape *tape)
{
    tg_mark mark = {{tape}, 0};
    if (!tape)
        return mark;
    tg_position objects = tg_arena_position(&tape->objects);
    tg_position data = tg_arena_position(&tape->data);
    mark.at[AT_OBJECT_BLOCK] = objects.block;
    mark.at[AT_OBJECT_TOP] = objects.top;
    mark.at[AT_DATA_BLOCK] = data.block;
    mark.at[AT_DATA_TOP] = data.top;
    mark.at[AT_RECORD] = tape->last;
    mark.at[AT_OBJECT] = tape->last_object;
    mark.epoch = tape->last_object ? tape->last_object->epoch : 0;
    return mark;
}

/* Strips const: a mark's pointers are the tape's own. */
static void *at(const tg_mark *mark, int place)
{
    return (void *)(uintptr_t)mark->at[place];
}

/* The last object before a mark is alive, and still that object, just as long as the mark is good:
 * whatever comes after it comes after the mark. */
TG_UNSANITIZED bool tg_mark_fresh(const tg_mark *mark)
{
    const tg_object *object = mark->at[AT_OBJECT];
    return !object || ((const char *)object < object->block->top && object->epoch == mark->epoch);
}

static tg_status check_mark(tg_tape *tape, const tg_mark *mark, const char *name)
{
    if (!tg_outside(tape, name))
        return TG_ESTATE;
    if (!mark->at[AT_TAPE])
        return tg_fail(tape, TG_EVALUE,
                       "%s: the mark is of another tape, or none: taken inside an operation", name);
    if (mark->at[AT_TAPE] != tape)
        return tg_fail(tape, TG_EVALUE, "%s: the mark is of another tape", name);
    if (!tg_mark_fresh(mark))
        return tg_fail(tape, TG_ESTATE, "%s: stale mark: the tape was rewound past it", name);
    return TG_OK;
}

static tg_position object_position(const tg_mark *mark)
{
    return (tg_position){at(mark, AT_OBJECT_BLOCK), at(mark, AT_OBJECT_TOP)};
}

bool tg_mark_before_capture(const tg_tape *tape, const tg_mark *mark)
{
    return tape->newest && tg_arena_drops(&tape->objects, object_position(mark), tape->newest);
}

tg_status tg_tape_rewind(tg_tape *tape, tg_mark mark)
{
    if (!tape)
        return TG_ENOMEM;
    tg_status status = check_mark(tape, &mark, "tape_rewind");
    if (status)
        return status;
    while (tg_mark_before_capture(tape, &mark)) {
        tape->capture = tape->capture == tape->newest ? NULL : tape->capture;
        tape->newest = tape->newest->before;
    }
    if (tape->capture && !tape->capture_failed)
        return tg_fail(tape, TG_ESTATE, "tape_rewind: to a mark inside a capture that goes on");
    tg_take_back(tape, mark);
    return TG_OK;
}

void tg_take_back(tg_tape *tape, tg_mark mark)
{
    if (tape->recycling || (tape->capture && !tape->capture_failed))
        return;
    tg_arena_rewind(&tape->objects, object_position(&mark));
    tg_arena_rewind(&tape->data, (tg_position){at(&mark, AT_DATA_BLOCK), at(&mark, AT_DATA_TOP)});
    if (tape->spares.bytes)
        tg_spares_trim(&tape->spares, &tape->data);
    tape->last = at(&mark, AT_RECORD);
    *(tape->last ? &tape->last->next : &tape->first) = NULL;
    tape->last_object = at(&mark, AT_OBJECT);
    tape->epoch++;
}

tg_status tg_mark_records(tg_tape *tape, tg_mark mark, const char *name, tg_record **first)
{
    tg_status status = check_mark(tape, &mark, name);
    if (status)
        return status;
    tg_record *before = at(&mark, AT_RECORD);
    *first = before ? before->next : tape->first;
    return TG_OK;
}

void tg_manual_seed(tg_tape *tape, uint64_t seed)
{
    if (tape && tg_outside(tape, "manual_seed") && tg_outside_capture(tape, "manual_seed"))
        tg_generator_seed(&tape->generator, seed);
}

bool tg_set_grad_enabled(tg_tape *tape, bool enabled)
{
    if (!tape)
        return false;
    bool former = tape->grad_enabled;
    if (tg_outside(tape, "set_grad_enabled"))
        tape->grad_enabled = enabled;
    return former;
}

bool tg_set_anomaly_enabled(tg_tape *tape, bool enabled)
{
    if (!tape)
        return false;
    bool former = tape->anomaly;
    if (tg_outside(tape, "set_anomaly_enabled"))
        tape->anomaly = enabled;
    return former;
}

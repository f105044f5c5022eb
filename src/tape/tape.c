/* Slots, the list of records, marks and rewind. Relies on slot.h, generator.h, on tensor.h for what
 * a rewind takes from tensors that stay, and on clock.h.
 *
 * A mark knows the last slot before it: that is alive just as long as the mark is good, as nothing that
 * stays on a tape is made without a slot. Whose mark it is says the count of rewinds, which starts from
 * the time at which the tape was made: a later tape at the same address is always above. */
#include "tape/tensor.h"

#include "kernels/clock.h"
#include "kernels/isa.h"

#include <string.h>

tg_tape *tg_tape_new(const tg_tape_opts *opts)
{
    const tg_tape_opts o = opts ? *opts : (tg_tape_opts){0};
    tg_allocator allocator = tg_allocator_default;
    if (o.alloc && o.free)
        allocator = (tg_allocator){o.alloc, o.free, o.context};
    const int isa = tgk_isa_choose(opts ? (int)o.isa - 1 : -1);
    tg_tape *tape = isa < 0 ? NULL : allocator.alloc(allocator.context, sizeof *tape);
    if (!tape)
        return NULL;
    *tape = (tg_tape){.allocator = allocator,
                      .now.grad_enabled = true,
                      .heap.arena = &tape->data,
                      .on_error = o.on_error,
                      .error_context = o.error_context};
    tape->epoch = tape->born = (uint64_t)tgk_now();
    tg_arena *arenas[] = {&tape->slots, &tape->pass_slots, &tape->bodies, &tape->data};
    for (int i = 0; i < TG_METERED; i++) {
        *arenas[i] = (tg_arena){.allocator = &tape->allocator,
                                .owner = tape,
                                .block_size = o.block_size ? o.block_size : (size_t)16 << 10,
                                .growth = o.block_growth > 0 ? (size_t)o.block_growth : 2,
                                .slots = i < 2,
                                .meter = &tape->meter};
        tape->meter.arenas[i] = arenas[i];
    }
    tgk_team_init(&tape->team, o.threads);
    tape->isa = isa;
    tg_generator_seed(&tape->generator, 0);
    tape->generator.isa = isa;
    return tape;
}

void tg_tape_free(tg_tape *tape)
{
    if (!tape || !tg_outside(tape, "tape_free"))
        return;
    tg_allocator allocator = tape->allocator;
    tgk_team_end(&tape->team);
    for (int i = 0; i < TG_METERED; i++)
        tg_arena_free(tape->meter.arenas[i]);
    tg_arena_free(&tape->profiler.memory);
    allocator.free(allocator.context, tape, sizeof *tape);
}

tg_tape *tg_refuse_dead(const void *handle, const char *name, const char *what)
{
    if (handle)
        tg_fail(tg_tape_in(handle), TG_ESTATE, "%s: %s was rewound away", name, what);
    return NULL;
}

static void *or_fail(tg_tape *tape, const char *name, void *memory)
{
    if (!memory)
        tg_fail_memory(tape, name);
    return memory;
}

void *tg_tape_slot(tg_tape *tape, const char *name)
{
    return or_fail(tape, name, tg_slot_take(&tape->slots));
}

void *tg_tape_body(tg_tape *tape, const char *name, size_t size)
{
    return or_fail(tape, name, tg_arena_alloc(&tape->bodies, size, 16));
}

void *tg_tape_data(tg_tape *tape, const char *name, size_t size)
{
    return or_fail(tape, name, tg_heap_grow(&tape->heap, size));
}

/* In a forward function. */
static void begin_making(tg_tape *tape)
{
    if (tape->now.made)
        return;
    tape->now.made = true;
    tape->now.drew = false;
    tape->now.from = tg_stand(tape);
    tape->now.lent_before = tape->heap.lent;
}

void *tg_workspace(tg_node *node, uint64_t bytes)
{
    tg_tape *tape = tg_node_tape(node);
    size_t size = bytes < TG_MOST_BYTES ? (size_t)bytes : TG_MOST_BYTES;
    begin_making(tape);
    return or_fail(tape, node->op->name, tg_heap_lend(&tape->heap, size, &tape->now.lent));
}

tg_record *tg_record_new(tg_tape *tape, const tg_call *call, int n_out)
{
    size_t n = (size_t)call->n_in, more = n_out > 1 ? (size_t)n_out : 0;
    size_t in = sizeof(tg_record) + (n + 1) * sizeof(uint64_t);
    size_t params = (in + (n + more) * sizeof *call->in + 15) & ~(size_t)15;
    tg_record *record = tg_tape_body(tape, call->op->name, params + call->params_size);
    if (!record)
        return NULL;
    char *memory = (char *)record;
    record->tape = tape;
    record->node = (tg_node){.op = call->op,
                             .n_in = call->n_in,
                             .in_place = call->in_place,
                             .n_out = (uint8_t)n_out,
                             .in = (tg_tensor **)(void *)(memory + in),
                             .params = memory + params};
    for (size_t i = 0; i < n; i++)
        record->node.in[i] = call->in[i];
    if (call->params_size == sizeof(double)) /* most often; without a call */
        memcpy(memory + params, call->params, sizeof(double));
    else if (call->params_size)
        memcpy(memory + params, call->params, call->params_size);
    return record;
}

void tg_record_link(tg_tape *tape, tg_record *record)
{
    if (tape->pass)
        record->node.phase = TG_PHASE_BACKWARD;
    record->prev = tape->last;
    record->next = NULL;
    *(tape->last ? &tape->last->next : &tape->first) = record;
    tape->last = record;
}

/* What is in a mark. */
typedef struct mark {
    tg_tape *tape;
    const void *last; /* handle of the last slot, or NULL */
    tg_top bodies, data;
    tg_record *record;
    uint64_t epoch;
} mark;

_Static_assert(sizeof(mark) <= sizeof(tg_mark), "a mark holds all of it");

static mark read(const tg_mark *m)
{
    mark read;
    memcpy(&read, m, sizeof read);
    return read;
}

/* Where it stood; for a mark that is good. */
static tg_standing standing_of(const mark *m)
{
    const tg_slot *last = tg_slot_of(m->last);
    tg_top slots = {NULL, NULL};
    if (last)
        slots = (tg_top){last->block, (char *)(uintptr_t)last + TG_SLOT_SIZE};
    return (tg_standing){slots, m->bodies, m->data};
}

tg_doing tg_inside_open(tg_tape *tape)
{
    if (tape->now.forward_of)
        begin_making(tape);
    tg_doing outer = tape->now;
    tape->now = (tg_doing){0};
    return outer;
}

static bool is_gone(const tg_header *h)
{
    return h && (const char *)h >= h->head.block->top;
}

void tg_drop_slots(tg_tape *tape, const tg_standing *to)
{
    tg_arena_rewind(&tape->slots, to->slots);
    for (; is_gone(tape->views); tape->views = tape->views->older)
        tape->views->owner->headers -= !tape->views->released && !tape->views->spent;
    for (; tape->borrowed && is_gone(tape->borrowed->by); tape->borrowed = tape->borrowed->before) {
        const tg_header *h = tape->borrowed->by;
        if (h->data) /* else it was given back */
            tg_heap_give(&tape->heap, h->data, tg_header_bytes(h));
    }
    tg_arena_rewind(&tape->bodies, to->bodies);
}

void tg_drop(tg_tape *tape, const tg_standing *to)
{
    if (tape->now.recycling)
        return;
    tg_drop_slots(tape, to);
    tg_arena_rewind(&tape->data, to->data);
    if (tape->heap.bytes)
        tg_heap_trim(&tape->heap);
}

void tg_take_back_made(tg_tape *tape)
{
    tg_drop_slots(tape, &tape->now.from);
    tg_arena_rewind(&tape->data, tape->now.from.data);
    tg_heap_call_in(&tape->heap, &tape->now.lent, tape->now.lent_before);
    tape->now.made = false;
}

tg_mark tg_tape_mark(const tg_tape *tape)
{
    bool inside = tape && (tape->calling || tape->now.forward_of || tape->backward_of);
    return tg_mark_here(inside ? NULL : tape);
}

tg_mark tg_mark_here(const tg_tape *tape)
{
    tg_mark here = {0};
    if (!tape)
        return here;
    const tg_block *block = tape->slots.current;
    const tg_slot *last = block ? (const void *)(block->top - TG_SLOT_SIZE) : NULL;
    mark m = {.tape = (tg_tape *)(uintptr_t)tape,
              .last = last ? last->self : NULL,
              .bodies = tg_arena_top(&tape->bodies),
              .data = tg_arena_top(&tape->data),
              .record = tape->last,
              .epoch = tape->epoch};
    memcpy(&here, &m, sizeof m);
    return here;
}

static tg_status check_mark(tg_tape *tape, const tg_mark *m, const char *name)
{
    if (!tg_outside(tape, name))
        return TG_ESTATE;
    const mark at = read(m);
    if (at.tape != tape || at.epoch < tape->born)
        return tg_fail(tape, TG_EVALUE, "%s: the mark is of another tape%s", name,
                       at.tape ? "" : ", or none: taken inside an operation");
    if (at.last && !tg_slot_alive(at.last))
        return tg_fail(tape, TG_ESTATE, "%s: stale mark: the tape was rewound past it", name);
    return TG_OK;
}

/* Whether a rewind to the mark would drop what stands there. */
static bool drops(const tg_mark *m, const void *at)
{
    const tg_slot *slot = at, *last = tg_slot_of(read(m).last);
    if (!slot || !last)
        return slot;
    const tg_block *b = last->block;
    while (b && b != slot->block)
        b = b->next;
    return b && (b != last->block || slot > last);
}

bool tg_mark_before_noted(const tg_tape *tape, const tg_mark *m)
{
    const tg_captured *c = tape->newest;
    for (const tg_record *r = c ? tape->last : NULL; r && r != read(m).record; r = r->prev) {
        if (r->node.flags & TG_BESIDE) /* of a capture that was rewound into */
            return true;
    }
    return drops(m, c && c->end && tg_slot_alive(c->end) ? tg_slot_of(c->end) : c);
}

bool tg_uncaptured(tg_tape *tape, const char *name)
{
    TG_CHECK(tape, (!tape->now.capture || tape->now.forward_of) && !tape->reporting, TG_ESTATE,
             "%s: called during a capture, whose replay would not do it again", name);
    return true;
}

bool tg_outside_capture(tg_tape *tape, const char *name)
{
    return tg_outside(tape, name) && tg_uncaptured(tape, name);
}

tg_status tg_tape_rewind(tg_tape *tape, tg_mark to)
{
    if (!tape)
        return TG_ENOMEM;
    tg_status status = check_mark(tape, &to, "tape_rewind");
    if (status)
        return status;
    while (drops(&to, tape->newest)) {
        tape->now.capture = tape->now.capture == tape->newest ? NULL : tape->now.capture;
        tape->newest = tape->newest->before;
    }
    if (tape->now.capture && !tape->capture_failed)
        return tg_fail(tape, TG_ESTATE, "tape_rewind: to a mark inside a capture that goes on");
    tg_take_back(tape, to);
    return TG_OK;
}

void tg_take_back(tg_tape *tape, tg_mark to)
{
    if (tape->now.recycling || (tape->now.capture && !tape->capture_failed))
        return;
    const mark m = read(&to);
    const tg_standing standing = standing_of(&m);
    tg_drop(tape, &standing);
    tape->last = m.record;
    *(tape->last ? &tape->last->next : &tape->first) = NULL;
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
    return tape && set(tape, &tape->now.grad_enabled, "set_grad_enabled", enabled);
}

bool tg_set_anomaly_enabled(tg_tape *tape, bool enabled)
{
    return tape && set(tape, &tape->anomaly, "set_anomaly_enabled", enabled);
}

bool tg_set_anomaly_inf(tg_tape *tape, bool enabled)
{
    return tape && set(tape, &tape->anomaly_inf, "set_anomaly_inf", enabled);
}

/* A whole step, captured once and done again. While a capture is open, whatever is done is linked into the
 * tape's list of records; so a capture is where that began and where it ended. Replays take workspace
 * from a piece of their own, so that they touch no arena. Relies on apply.h. */
#include "record/apply.h"

/* A gradient that the step takes as it finds it: there, or not. */
typedef struct expectation {
    const tg_holder *holder;
    bool present;
    struct expectation *next;
} expectation;

/* What a tg_capture is the handle of. */
typedef struct noted {
    tg_captured base;
    const tg_record *before; /* the last one before it began; NULL: there was none */
    const tg_record *last;   /* from tg_capture_end() on */
    expectation *expected;
    void *workspace;
    size_t workspace_size;
} noted;

_Static_assert(sizeof(noted) <= TG_SLOT_SIZE, "it fits into a slot");

tg_capture *tg_capture_begin(tg_tape *tape)
{
    if (!tape || tape->status || !tg_outside_capture(tape, "capture_begin"))
        return NULL;
    noted *n = tg_tape_slot(tape, "capture_begin");
    if (!n)
        return NULL;
    *n = (noted){.base = {.head = n->base.head, .before = tape->newest}, .before = tape->last};
    tape->now.capture = tape->newest = &n->base;
    tape->captures++;
    tg_heap_forget(&tape->heap);
    tape->capture_failed = false;
    tape->heap.lent_most = 0;
    return (tg_capture *)(uintptr_t)n->base.head.self;
}

tg_status tg_capture_end(tg_capture *capture)
{
    tg_tape *tape = tg_check_handle(capture, "capture_end", "the capture");
    if (!tape)
        return capture ? TG_ESTATE : TG_EVALUE;
    if (!tg_outside(tape, "capture_end"))
        return TG_ESTATE;
    noted *n = tg_slot_of(capture);
    if (tape->now.capture != &n->base)
        return tg_fail(tape, TG_ESTATE, "capture_end: the capture has ended already");
    tape->now.capture = NULL;
    tg_heap_forget(&tape->heap); /* a replay writes to what it gave back */
    if (tape->status)
        return tape->status;
    if (tape->capture_failed)
        return tg_fail(tape, TG_ESTATE, "capture_end: an operation failed during the capture: %s",
                       tape->failure);
    const tg_slot *end = tg_tape_slot(tape, "capture_end");
    n->workspace_size = tape->heap.lent_most;
    n->workspace = end ? tg_tape_data(tape, "capture_end", n->workspace_size) : NULL;
    if (!n->workspace)
        return TG_ENOMEM;
    n->last = tape->last;
    n->base.end = end->self;
    return TG_OK;
}

bool tg_expect(tg_holder *holder, bool graph)
{
    tg_tape *tape = tg_slot_tape(&holder->head);
    noted *n = (noted *)tape->now.capture;
    if (holder->captured == tape->captures)
        return true;
    TG_CHECK(tape, !(graph && holder->present), TG_ESTATE,
             "backward: with create_graph, a captured pass cannot add to a gradient from before "
             "the capture");
    expectation *e = tg_tape_body(tape, "backward", sizeof *e);
    if (!e)
        return false;
    *e = (expectation){holder, holder->present, n->expected};
    n->expected = e;
    holder->captured = tape->captures;
    return true;
}

static bool check_ready(tg_tape *tape, const noted *n)
{
    TG_CHECK(tape, n->base.end, TG_ESTATE, "capture_replay: the capture is not complete");
    TG_CHECK(tape, tg_slot_alive(n->base.end), TG_ESTATE,
             "capture_replay: the tape was rewound into the capture");
    for (const expectation *e = n->expected; e; e = e->next)
        TG_CHECK(tape, e->holder->present == e->present, TG_ESTATE,
                 "capture_replay: %s has %s gradient, and had %s when it was captured",
                 tg_shape_of(e->holder->value).chars, e->present ? "no" : "a",
                 e->present ? "one" : "none");
    return true;
}

tg_status tg_capture_replay(tg_capture *capture)
{
    TGK_IN_RIGHT_MODES(tg_status, tg_capture_replay(capture));
    static const tg_rerun all = {.writes = true};
    tg_tape *tape = tg_check_handle(capture, "capture_replay", "the capture");
    if (!tape)
        return capture ? TG_ESTATE : TG_EVALUE;
    const noted *n = tg_slot_of(capture);
    if (tape->status || !tg_outside_capture(tape, "capture_replay") || !check_ready(tape, n))
        return tape->status;
    tape->heap.stock = n->workspace;
    tape->heap.stock_size = n->workspace_size;
    if (n->last != n->before)
        tg_run_again(tape, n->before ? n->before->next : tape->first, n->last->next, &all);
    tape->heap.stock = NULL;
    return tape->status;
}

/* --- without a capture --- */

static bool is_recorded(tg_record *record)
{
    return !(record->node.flags & TG_BESIDE);
}

static void note(tg_record *record)
{
    if (is_recorded(record))
        tg_note_versions(record);
}

tg_status tg_tape_replay(tg_tape *tape, tg_mark mark)
{
    TGK_IN_RIGHT_MODES(tg_status, tg_tape_replay(tape, mark));
    static const tg_rerun recorded = {.writes = true, .before = is_recorded, .after = note};
    if (!tape || tape->status || !tg_outside_capture(tape, "tape_replay"))
        return tg_error(tape);
    tg_record *first;
    if (tg_mark_records(tape, mark, "tape_replay", &first))
        return tape->status;
    for (const tg_record *r = first; tape->released && r; r = r->next) {
        if (tg_lacks_data(&r->node))
            return tg_fail(tape, TG_ESTATE,
                           "tape_replay: data of %s were given back by tg_release() or "
                           "tg_checkpoint()",
                           r->node.op->name);
    }
    tg_run_again(tape, first, NULL, &recorded);
    return tape->status;
}

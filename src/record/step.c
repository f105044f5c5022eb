/* A whole step, captured once and done again: see capture.h for what is in it. Replays take
 * workspace from a reserve, so that they touch no arena. Relies on apply.h. */
#include "record/apply.h"
#include "record/capture.h"

tg_capture *tg_capture_begin(tg_tape *tape)
{
    if (!tape || tape->status || !tg_outside_capture(tape, "capture_begin"))
        return NULL;
    tg_noted *noted = tg_tape_slot(tape, "capture_begin");
    if (!noted)
        return NULL;
    *noted = (tg_noted){.base = {.head = noted->base.head, .before = tape->newest},
                        .number = ++tape->captures};
    tape->capture = tape->newest = &noted->base;
    tg_spares_forget(&tape->spares);
    tape->capture_failed = false;
    tape->workspace_used = 0;
    return (tg_capture *)(uintptr_t)noted->base.head.self;
}

tg_status tg_capture_end(tg_capture *capture)
{
    tg_tape *tape = tg_check_handle(capture, "capture_end", "the capture");
    if (!tape)
        return capture ? TG_ESTATE : TG_EVALUE;
    if (!tg_outside(tape, "capture_end"))
        return TG_ESTATE;
    tg_noted *noted = tg_slot_of(capture);
    if (tape->capture != &noted->base)
        return tg_fail(tape, TG_ESTATE, "capture_end: the capture has ended already");
    tape->capture = NULL;
    tg_capture_workspace(tape, noted);
    tg_spares_forget(&tape->spares); /* a replay writes to what it gave back */
    if (tape->status)
        return tape->status;
    if (tape->capture_failed)
        return tg_fail(tape, TG_ESTATE, "capture_end: an operation failed during the capture: %s",
                       tape->failure);
    const tg_slot *end = tg_tape_slot(tape, "capture_end");
    char *workspace = end ? tg_tape_data(tape, "capture_end", noted->workspace) : NULL;
    if (!workspace)
        return TG_ENOMEM;
    noted->reserve = (tg_reserve){workspace, workspace, workspace + noted->workspace};
    noted->base.end = end->self;
    return TG_OK;
}

static bool check_ready(tg_tape *tape, const tg_noted *noted)
{
    TG_CHECK(tape, noted->base.end, TG_ESTATE, "capture_replay: the capture is not complete");
    TG_CHECK(tape, tg_slot_alive(noted->base.end), TG_ESTATE,
             "capture_replay: the tape was rewound into the capture");
    for (const tg_expectation *e = noted->expected; e; e = e->next)
        TG_CHECK(tape, e->holder->present == e->present, TG_ESTATE,
                 "capture_replay: %s has %s gradient, and had %s when it was captured",
                 tg_shape_of(e->holder->value).chars, e->present ? "no" : "a",
                 e->present ? "one" : "none");
    return true;
}

tg_status tg_capture_replay(tg_capture *capture)
{
    TGK_IN_RIGHT_MODES(tg_status, tg_capture_replay(capture));
    tg_tape *tape = tg_check_handle(capture, "capture_replay", "the capture");
    if (!tape)
        return capture ? TG_ESTATE : TG_EVALUE;
    const tg_noted *noted = tg_slot_of(capture);
    if (tape->status || !tg_outside_capture(tape, "capture_replay") || !check_ready(tape, noted))
        return tape->status;
    tg_top data = tg_arena_top(&tape->data);
    tape->reserve = noted->reserve;
    for (const tg_action *a = noted->first; a && !tape->status; a = a->next) {
        tg_node *node = &a->record->node;
        tape->forward_of = node->op;
        if (tape->profiler.on)
            tg_profile_run(tape, node, a->phase);
        else
            node->op->forward(node);
        tape->reserve.top = tape->reserve.start;
        if (tape->spares.lent)
            tg_spares_call_in(&tape->spares);
        tg_inside_end(tape);
        tg_arena_rewind(&tape->data, data);
        if (!node->out)
            continue;
        tg_at(node->out)->owner->version++;
        if (tape->anomaly && !tape->status)
            tg_check_anomaly(node);
    }
    tape->forward_of = NULL;
    tape->reserve = (tg_reserve){0};
    return tape->status;
}

/* --- without a capture --- */

tg_status tg_tape_replay(tg_tape *tape, tg_mark mark)
{
    TGK_IN_RIGHT_MODES(tg_status, tg_tape_replay(tape, mark));
    if (!tape || tape->status || !tg_outside_capture(tape, "tape_replay"))
        return tg_error(tape);
    tg_record *record = NULL;
    tg_status status = tg_mark_records(tape, mark, "tape_replay", &record);
    for (const tg_record *r = record; !status && tape->released && r; r = r->next) {
        if (tg_lacks_data(&r->node))
            status = tg_fail(tape, TG_ESTATE,
                             "tape_replay: data of %s were given back by tg_release() or "
                             "tg_checkpoint()",
                             r->node.op->name);
    }
    for (; record && !status; record = record->next) {
        tg_run_record(tape, record);
        tg_note_versions(record);
        status = tape->status;
    }
    return status;
}

/* The list of what a captured step does, see capture.h. */
#include "record/capture.h"

void tg_capture_workspace(tg_tape *tape, tg_noted *capture)
{
    if (tape->workspace_used > capture->workspace)
        capture->workspace = tape->workspace_used;
    tape->workspace_used = 0;
}

bool tg_capture_add(tg_tape *tape, tg_record *record)
{
    tg_noted *capture = tg_capturing(tape);
    /* After a failure nothing will come of it, and what is in the list may be gone; the data of views
     * are there already. */
    if (tape->capture_failed || !record->node.op->forward)
        return true;
    tg_action *action = tg_tape_body(tape, record->node.op->name, sizeof *action);
    if (!action)
        return false;
    *action = (tg_action){.record = record, .phase = tg_profile_phase(tape, &record->node)};
    *(capture->last ? &capture->last->next : &capture->first) = action;
    capture->last = action;
    tg_capture_workspace(tape, capture);
    return true;
}

bool tg_capture_note(tg_tape *tape, const tg_call *call)
{
    if (tape->status || tape->forward_of)
        return !tape->status; /* that function does it again */
    /* The slot is for marks, see tape.c. */
    tg_record *record = tg_tape_slot(tape, call->op->name) ? tg_record_new(tape, call) : NULL;
    if (!record)
        return false;
    record->node.out = call->in_place;
    return tg_capture_add(tape, record);
}

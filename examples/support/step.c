/* Capture and replay of a training step. */
#include "step.h"

/* Forgets the step before, but for a captured one. */
static void start(step *s, tg_tape *tape)
{
    if (s->started)
        tg_tape_rewind(tape, s->start);
    s->start = tg_tape_mark(tape);
    s->started = true;
}

double step_run(step *s, tg_tape *tape, int64_t size)
{
    bool usual = size == s->size && !s->eager;
    if (usual && s->capture) {
        tg_capture_replay(s->capture);
        return tg_item(s->loss);
    }
    start(s, tape);
    if (!usual)
        return tg_item(s->record(s->context, size));
    s->capture = tg_capture_begin(tape);
    s->loss = s->record(s->context, size);
    tg_capture_end(s->capture);
    s->started = false;
    return tg_item(s->loss);
}

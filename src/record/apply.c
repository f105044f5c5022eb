/* Recording operations and running them, see apply.h. Relies on tensor.h. */
#include "record/apply.h"

#include "kernels/clock.h"

#include <string.h>

bool tg_note_versions(tg_record *record)
{
    const tg_node *node = &record->node;
    bool wanted = false;
    for (int i = 0; i < node->n_in; i++) {
        const tg_header *x = node->in[i] ? tg_at(node->in[i]) : NULL;
        record->versions[i] = x ? x->owner->version : 0;
        wanted |= x && x->requires_grad;
    }
    record->versions[node->n_in] = tg_owner_of(node->out)->version;
    return wanted;
}

bool tg_lacks_data(const tg_node *node)
{
    bool lacks = tg_is_released(node->out) || tg_is_released(node->saved);
    for (int i = 0; i < node->n_in; i++)
        lacks |= tg_is_released(node->in[i]);
    return lacks;
}

/* In anomaly mode: reports what is wrong with an output. */
static void check_anomaly(const tg_node *node)
{
    const tg_tensor *out = node->out;
    /* A view's numbers are known. */
    bool made = out && node->op->forward && tg_is_float(tg_at(out)->dtype);
    int64_t i = made ? tg_first_anomaly(out) : -1;
    if (i < 0)
        return;
    tg_node_tape(node)->speaker = NULL; /* the element is that of the record's output */
    tg_fail(tg_node_tape(node), TG_EVALUE, "%s: output element %lld is %g", node->op->name,
            (long long)i, tg_element(out, i));
}

static tg_tape *tape_of_call(const tg_call *call)
{
    if (call->in_place)
        return tg_tape_in(call->in_place);
    for (int i = 0; i < call->n_in; i++) {
        if (call->in[i])
            return tg_tape_in(call->in[i]);
    }
    return NULL;
}

/* --- running --- */

/* The one place where forward functions run. `again`: over values that were there. */
static inline void run(tg_tape *tape, tg_record *record, bool again)
{
    tg_node *node = &record->node;
    const int64_t start = tape->profiler.add ? tgk_now() : 0;
    TGK_NOTE_THREAD(tape->thread);
    tape->now.forward_of = node->op;
    node->op->forward(node);
    tape->now.forward_of = NULL;
    if (start)
        tape->profiler.add(tape, node, start);
    if (tape->now.made) {
        node->flags |= tape->now.drew ? TG_DREW : 0;
        tg_take_back_made(tape);
    }
    if (node->in_place || again) {
        if (node->out)
            tg_owner_of(node->out)->version++;
        for (int i = 1; i < node->n_out; i++)
            tg_owner_of(node->in[node->n_in + i])->version++;
    }
}

tg_record *tg_run_again(tg_tape *tape, tg_record *record, const tg_record *end, const tg_rerun *how)
{
    for (; record != end; record = record->next) {
        if (record->node.op->forward && (!how->before || how->before(record))) {
            run(tape, record, how->writes);
            if (tape->anomaly && !tape->status)
                check_anomaly(&record->node);
        }
        if (tape->status)
            break;
        if (how->after)
            how->after(record);
    }
    return record;
}

/* --- beside operations --- */

bool tg_note(tg_tape *tape, const tg_call *call)
{
    if (tape->status)
        return false;
    /* The slot is for marks, see tape.c. */
    tg_record *record = tg_tape_slot(tape, call->op->name)
                            ? tg_record_new(tape, call, call->in_place != NULL)
                            : NULL;
    if (!record)
        return false;
    record->node.out = call->in_place;
    record->node.in_place = false;
    record->node.flags |= TG_BESIDE;
    record->node.phase = call->in_place ? TG_PHASE_FORWARD : TG_PHASE_STEP;
    tg_record_link(tape, record);
    return true;
}

void tg_do_now(tg_tape *tape, const tg_call *call)
{
    if (tape->now.forward_of) { /* that function does it again */
        tg_doing outer = tg_inside_open(tape);
        tg_do_now(tape, call);
        tg_inside_close(tape, &outer);
        return;
    }
    tg_record record = {.tape = tape,
                        .node = {.op = call->op,
                                 .out = call->in_place,
                                 .in = (tg_tensor **)(uintptr_t)call->in,
                                 .n_in = call->n_in,
                                 .n_out = call->in_place != NULL,
                                 .phase = call->in_place ? TG_PHASE_FORWARD : TG_PHASE_STEP,
                                 .params = call->params}};
    run(tape, &record, false);
}

bool tg_do(tg_tape *tape, const tg_call *call)
{
    if (tape->now.capture && !tape->now.forward_of && !tg_note(tape, call))
        return false;
    tg_do_now(tape, call);
    return !tape->status;
}

/* --- operations --- */

static tg_tensor *make_output(tg_tape *tape, const tg_call *call)
{
    tg_dims dims = {call->ndim, call->dims};
    if (call->in_place)
        return call->in_place;
    if (call->view_of)
        return tg_tensor_view(call->view_of, call->op->name, dims, call->strides, call->offset);
    return tg_tensor_new(tape, call->op->name, call->dtype, dims);
}

/* Output, saved tensor and record, in that order: the record is last so that it can be dropped
 * where nothing is recorded. NULL on an error. */
static tg_record *prepare(tg_tape *tape, const tg_call *call, tg_top *before_record)
{
    tg_tensor *outs[] = {make_output(tape, call), NULL};
    if (outs[0] && call->saved_numel)
        outs[1] = tg_tensor_new(tape, call->op->name, call->saved_dtype,
                                (tg_dims){1, &call->saved_numel});
    if (tape->status)
        return NULL;
    *before_record = tg_arena_top(&tape->bodies);
    /* A record that stays, without a tensor of its own: the slot is for marks, see tape.c. */
    if (call->in_place && (tape->now.grad_enabled || tape->now.capture) &&
        !tg_tape_slot(tape, call->op->name))
        return NULL;
    tg_record *record = tg_record_new(tape, call, outs[1] ? 2 : 1);
    if (!record)
        return NULL;
    record->node.out = outs[0];
    record->node.saved = outs[1];
    if (outs[1])
        memcpy(record->node.in + call->n_in, outs, sizeof outs);
    return record;
}

static inline void keep(tg_tape *tape, tg_record *record)
{
    if (!tape->now.grad_enabled) {
        record->node.flags |= TG_BESIDE;
    } else if (tg_note_versions(record) && !record->node.in_place && record->node.op->backward) {
        tg_header *out = tg_at(record->node.out);
        out->requires_grad = true;
        out->u.record = record;
    }
    tg_record_link(tape, record);
}

tg_tensor *tg_apply(const tg_call *call)
{
    tg_tape *tape = tape_of_call(call);
    if (!tape || tape->status)
        return NULL;
    if (tape->now.forward_of) {
        if (!TGK_SAME_THREAD(tape->thread) && !tg_refuse_inside(tape, call->op->name))
            return NULL;
        tg_doing outer = tg_inside_open(tape);
        tg_tensor *out = tg_apply(call);
        tg_inside_close(tape, &outer);
        return out;
    }
    if (!tape->pass)
        TGK_IN_RIGHT_MODES(tg_tensor *, tg_apply(call));
    const tg_standing start = tg_stand(tape);
    tg_top before_record = start.bodies;
    tg_record *record = prepare(tape, call, &before_record);
    /* All memory is there before an operation runs, and draws. */
    if (record && call->op->forward)
        run(tape, record, false);
    if (tape->anomaly && !tape->status)
        check_anomaly(&record->node);
    if (tape->status) {
        tg_drop(tape, &start);
        return NULL;
    }
    tg_tensor *out = record->node.out;
    if (tape->now.grad_enabled || tape->now.capture)
        keep(tape, record);
    else
        tg_arena_rewind(&tape->bodies, before_record);
    return out;
}

/* Where a pass wants it, or a new tensor. */
static tg_tensor *gradient(const tg_making *m, int i)
{
    tg_tape *tape = tg_node_tape(m->gradient_of);
    tg_call call = m->call;
    call.dtype = tg_at(m->gradient_of->in[i])->dtype;
    call.ndim = m->shapes[i].ndim;
    call.dims = m->shapes[i].sizes;
    tg_tensor *place = tape->pass->place(m, i, &call);
    return place ? place : make_output(tape, &call);
}

static void make_gradients(const tg_making *m)
{
    tg_tape *tape = tg_node_tape(m->gradient_of);
    tg_record *record = NULL;
    tg_tensor *outs[TG_MOST_WANTED];
    int n = 0;
    for (int i = 0; m->wanted >> i && !tape->status; i++) {
        if (m->wanted >> i & 1)
            outs[n++] = gradient(m, i);
    }
    /* The slot is for marks, see tape.c. */
    if (!tape->status && (!tape->now.capture || tg_tape_slot(tape, m->call.op->name)))
        record = tg_record_new(tape, &m->call, n);
    if (!record)
        return;
    record->node.out = outs[0];
    if (n > 1)
        memcpy(record->node.in + m->call.n_in, outs, (size_t)n * sizeof *outs);
    run(tape, record, true);
    if (tape->now.capture)
        keep(tape, record);
    for (int i = 0, k = 0; !tape->status && k < n; i++) {
        if (m->wanted >> i & 1)
            m->grad_in[i] = outs[k++];
    }
}

tg_tensor *tg_make(tg_making *making)
{
    if (making->shapes) {
        make_gradients(making);
        return NULL;
    }
    if (making->like) {
        making->call.dtype = tg_at(making->like)->dtype;
        making->call.ndim = tg_at(making->like)->ndim;
        making->call.dims = tg_at(making->like)->dims;
    }
    const tg_node *of = making->gradient_of;
    const tg_placing *pass = of ? tg_node_tape(of)->pass : NULL;
    return pass ? pass->apply(making) : tg_apply(&making->call);
}

tg_tensor *const *tg_node_outs(const tg_node *node)
{
    return tg_outs(node);
}

bool tg_needs_grad(const tg_node *node, int i)
{
    return tg_wants_grad(node, i);
}

void *tg_out_data(const tg_node *node)
{
    return tg_at(node->out)->data;
}

bool tg_check_version(const tg_node *node, int i)
{
    static const char *const names[] = {"input 0", "input 1", "input 2", "input 3",
                                        "input 4", "input 5", "input 6", "a later input"};
    const tg_tensor *t = i < node->n_in ? node->in[i] : node->out;
    uint64_t noted = tg_record_of(node)->versions[i];
    TG_CHECK(tg_tape_in(t), tg_at(t)->owner->version == noted, TG_ESTATE,
             "backward: %s needs its %s %s %s as it was, but it was changed in place "
             "(version %llu, recorded at version %llu)",
             node->op->name, i == node->n_in ? "output" : names[i < 7 ? i : 7],
             tg_dtype_name(tg_at(t)->dtype), tg_shape_of(t).chars,
             (unsigned long long)tg_at(t)->owner->version, (unsigned long long)noted);
    return true;
}

bool tg_node_unchanged(const tg_node *node)
{
    unsigned reads = tg_reads_of(node);
    for (int i = 0; i < node->n_in && i < 7; i++) {
        if (reads & TG_READS_IN(i) && node->in[i] && !tg_check_version(node, i))
            return false;
    }
    return !(reads & TG_READS_OUT) || tg_check_version(node, node->n_in);
}

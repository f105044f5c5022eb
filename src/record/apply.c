/* Recording operations and running them, see apply.h. Relies on capture.h. */
#include "record/apply.h"

#include "record/capture.h"

bool tg_check_given(const tg_op *op, int n, tg_tensor *const *in, int required)
{
    tg_tape *tape = NULL;
    int null = -1;
    for (int i = 0; i < n; i++) {
        if (!in[i])
            null = i < required ? i : null;
        else if ((!tg_slot_alive(in[i]) || tg_at(in[i])->released || tg_at(in[i])->spent) &&
                 !tg_alive(in[i], op->name))
            return false;
        else if (!tape)
            tape = tg_tape_in(in[i]);
        else
            TG_CHECK(tape, tape == tg_tape_in(in[i]), TG_EVALUE,
                     "%s: inputs %d and 0 are of different tapes", op->name, i);
    }
    if (!tape || tape->status)
        return false;
    TG_CHECK(tape, null < 0, TG_EVALUE, "%s: input %d is NULL", op->name, null);
    return true;
}

bool tg_check_inputs(const tg_op *op, int n, tg_tensor *const *in)
{
    return tg_check_given(op, n, in, n);
}

bool tg_note_versions(tg_record *record)
{
    const tg_node *node = &record->node;
    uint64_t *versions = tg_node_versions(node);
    bool wanted = false;
    for (int i = 0; i < node->n_in; i++) {
        const tg_header *x = node->in[i] ? tg_at(node->in[i]) : NULL;
        versions[i] = x ? x->owner->version : 0;
        wanted |= x && x->requires_grad;
    }
    versions[node->n_in] = tg_owner_of(node->out)->version;
    return wanted;
}

bool tg_lacks_data(const tg_node *node)
{
    bool lacks = tg_is_released(node->out) || tg_is_released(node->saved);
    for (int i = 0; i < node->n_in; i++)
        lacks |= tg_is_released(node->in[i]);
    return lacks;
}

void tg_check_anomaly(const tg_node *node)
{
    const tg_tensor *out = node->out;
    /* A view's numbers are known. */
    int64_t i = node->op->forward && tg_is_float(tg_at(out)->dtype) ? tg_first_anomaly(out) : -1;
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
    tg_tensor *saved = NULL, *out = make_output(tape, call);
    if (!out)
        return NULL;
    if (call->saved_numel) {
        saved = tg_tensor_new(tape, call->op->name, call->saved_dtype,
                              (tg_dims){1, &call->saved_numel});
        if (!saved)
            return NULL;
    }
    *before_record = tg_arena_top(&tape->bodies);
    /* A record that stays, without a tensor of its own: the slot is for marks, see tape.c. */
    if (call->in_place && (tape->grad_enabled || tape->capture) &&
        !tg_tape_slot(tape, call->op->name))
        return NULL;
    tg_record *record = tg_record_new(tape, call);
    if (record) {
        record->node.out = out;
        record->node.saved = saved;
    }
    return record;
}

static void keep(tg_tape *tape, tg_record *record)
{
    bool wanted = tg_note_versions(record);
    if (wanted && !record->node.in_place && record->node.op->backward) {
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
    if (tape->forward_of) {
        tg_inside outer = tg_inside_open(tape);
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
    if (record && (!tape->capture || tg_capture_add(tape, record)))
        tg_run_record(tape, record);
    if (tape->status) {
        /* A pass that recycles ends with the error, and gives all its memory back itself. */
        if (!tape->recycling) {
            tg_drop_slots(tape, &start);
            tg_arena_rewind(&tape->data, start.data);
        }
        return NULL;
    }
    tg_tensor *out = record->node.out;
    if (tape->grad_enabled)
        keep(tape, record);
    else if (!tape->capture)
        tg_arena_rewind(&tape->bodies, before_record);
    return out;
}

bool tg_do(tg_tape *tape, const tg_call *call)
{
    if (tape->capture && !tg_capture_note(tape, call))
        return false;
    tg_run_forward(tape, &(tg_node){.op = call->op,
                                    .out = call->in_place,
                                    .in = (tg_tensor **)(uintptr_t)call->in,
                                    .n_in = call->n_in,
                                    .params = call->params});
    return !tape->status;
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
    uint64_t noted = tg_node_versions(node)[i];
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

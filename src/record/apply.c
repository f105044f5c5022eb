/* Recording operations and running them, see apply.h. Relies on capture.h. */
#include "record/apply.h"

#include "record/capture.h"

bool tg_check_given(const tg_op *op, int n, tg_tensor *const *in, int required)
{
    tg_tape *tape = NULL;
    int null = -1, dead = -1;
    for (int i = 0; i < n; i++) {
        if (!in[i])
            null = i < required ? i : null;
        else if (!tg_object_alive(in[i], TG_MAGIC_TENSOR) && !tg_alive(in[i], op->name))
            dead = i;
        else if (!tape)
            tape = tg_tape_in(in[i]);
        else
            TG_CHECK(tape, tape == tg_tape_in(in[i]), TG_EVALUE,
                     "%s: inputs %d and 0 are of different tapes", op->name, i);
    }
    if (!tape || tape->status)
        return false;
    TG_CHECK(tape, dead < 0, TG_ESTATE, "%s: input %d was rewound away", op->name, dead);
    TG_CHECK(tape, null < 0, TG_EVALUE, "%s: input %d is NULL", op->name, null);
    return true;
}

bool tg_check_inputs(const tg_op *op, int n, tg_tensor *const *in)
{
    return tg_check_given(op, n, in, n);
}

/* Where the tape stood, for taking back what a failing operation made. */
typedef struct standing {
    tg_top objects, data;
    tg_object *last_object;
} standing;

static standing stand(const tg_tape *tape)
{
    return (standing){tg_arena_top(&tape->objects), tg_arena_top(&tape->data), tape->last_object};
}

static void drop_objects(tg_tape *tape, const standing *to)
{
    tg_arena_rewind(&tape->objects, to->objects);
    tape->last_object = to->last_object;
}

void tg_note_versions(tg_record *record)
{
    const tg_node *node = &record->node;
    uint32_t *versions = tg_node_versions(node);
    for (int i = 0; i < node->n_in; i++)
        versions[i] = node->in[i] ? node->in[i]->storage->version : 0;
    versions[node->n_in] = node->out->storage->version;
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
    int64_t i = node->op->forward && tg_is_float(out->dtype) ? tg_first_anomaly(out) : -1;
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
static tg_record *prepare(tg_tape *tape, const tg_call *call, standing *before_record)
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
    *before_record = stand(tape);
    tg_record *record = tg_record_new(tape, call);
    if (record) {
        record->node.out = out;
        record->node.saved = saved;
    }
    return record;
}

static bool needs_backward(const tg_tape *tape, const tg_record *record)
{
    if (!tape->grad_enabled || record->node.in_place || !record->node.op->backward)
        return false;
    for (int i = 0; i < record->node.n_in; i++) {
        if (tg_wants_grad(&record->node, i))
            return true;
    }
    return false;
}

static void keep(tg_tape *tape, tg_record *record)
{
    tg_tensor *out = record->node.out;
    if (needs_backward(tape, record)) {
        out->requires_grad = true;
        out->u.record = record;
    }
    tg_note_versions(record);
    tg_record_link(tape, record);
}

static tg_tensor *apply_inside(tg_tape *tape, const tg_call *call)
{
    tg_inside outer = tg_inside_open(tape);
    tg_tensor *out = tg_apply(call);
    tg_inside_close(tape, &outer);
    return out;
}

tg_tensor *tg_apply(const tg_call *call)
{
    tg_tape *tape = tape_of_call(call);
    if (!tape || tape->status)
        return NULL;
    if (tape->forward_of)
        return apply_inside(tape, call);
    if (!tape->pass)
        TGK_IN_RIGHT_MODES(tg_tensor *, tg_apply(call));
    standing start = stand(tape), before_record = start;
    tg_record *record = prepare(tape, call, &before_record);
    /* All memory is there before an operation runs, and draws. */
    if (record && (!tape->capture || tg_capture_add(tape, record)))
        tg_run_record(tape, record);
    if (tape->status) {
        /* A pass that recycles ends with the error, and gives all its memory back itself. */
        if (!tape->recycling) {
            drop_objects(tape, &start);
            tg_arena_rewind(&tape->data, start.data);
        }
        return NULL;
    }
    tg_tensor *out = record->node.out;
    if (tape->grad_enabled)
        keep(tape, record);
    else if (!tape->capture)
        drop_objects(tape, &before_record);
    return out;
}

bool tg_needs_grad(const tg_node *node, int i)
{
    return tg_wants_grad(node, i);
}

void *tg_out_data(const tg_node *node)
{
    return node->out->data;
}

bool tg_check_version(const tg_node *node, int i)
{
    static const char *const names[] = {"input 0", "input 1", "input 2", "input 3",
                                        "input 4", "input 5", "input 6", "a later input"};
    const tg_tensor *t = i < node->n_in ? node->in[i] : node->out;
    uint32_t noted = tg_node_versions(node)[i];
    TG_CHECK(tg_tape_in(t), t->storage->version == noted, TG_ESTATE,
             "backward: %s needs its %s %s %s as it was, but it was changed in place "
             "(version %lu, recorded at version %lu)",
             node->op->name, i == node->n_in ? "output" : names[i < 7 ? i : 7],
             tg_dtype_name(t->dtype), tg_shape_of(t).chars, (unsigned long)t->storage->version,
             (unsigned long)noted);
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

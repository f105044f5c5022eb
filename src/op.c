/* Recording operations, running them and running them again, see op.h. Relies on tensor.h. */
#include "op.h"

#include "capture.h"
#include "release.h"

bool tg_check_inputs(const tg_op *op, int n, tg_tensor *const *in)
{
    tg_tape *tape = NULL;
    int null = -1, dead = -1;
    for (int i = 0; i < n; i++) {
        if (!in[i])
            null = i;
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

/* Where the tape stood, for taking back what a failing operation made. */
typedef struct checkpoint {
    tg_position objects, data;
    tg_object *last_object;
} checkpoint;

static checkpoint checkpoint_take(const tg_tape *tape)
{
    return (checkpoint){tg_arena_position(&tape->objects), tg_arena_position(&tape->data),
                        tape->last_object};
}

static void checkpoint_objects(tg_tape *tape, const checkpoint *to)
{
    tg_arena_rewind(&tape->objects, to->objects);
    tape->last_object = to->last_object;
}

static void note_versions(tg_record *record)
{
    const tg_node *node = &record->node;
    uint32_t *versions = tg_node_versions(node);
    for (int i = 0; i < node->n_in; i++)
        versions[i] = node->in[i] ? node->in[i]->storage->version : 0;
    versions[node->n_in] = node->out->storage->version;
}

void tg_check_finite(const tg_node *node)
{
    const tg_tensor *out = node->out;
    int64_t i = tg_is_float(out->dtype) ? tg_first_nonfinite(out) : -1;
    if (i >= 0)
        tg_fail(tg_node_tape(node), TG_EVALUE, "%s: output element %lld is %g", node->op->name,
                (long long)i, tg_element(out, i));
}

static inline void run(tg_tape *tape, tg_record *record)
{
    tg_run_node(tape, &record->node);
    if (record->node.in_place)
        record->node.out->storage->version++;
    if (tape->anomaly && !tape->status)
        tg_check_finite(&record->node);
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
static tg_record *prepare(tg_tape *tape, const tg_call *call, checkpoint *before_record)
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
    *before_record = checkpoint_take(tape);
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
    note_versions(record);
    tg_record_link(tape, record);
}

/* Out of the way of what tg_apply() does each time. */
#if defined(__GNUC__)
#define RARELY __attribute__((noinline, cold)) static
#else
#define RARELY static
#endif

RARELY tg_tensor *apply_in_right_modes(const tg_call *call)
{
    TGK_IN_RIGHT_MODES(tg_tensor *, tg_apply(call));
    return NULL; /* not reached */
}

RARELY tg_tensor *apply_inside(tg_tape *tape, const tg_call *call)
{
    tg_inside outer = tg_inside_open(tape);
    tg_tensor *out = tg_apply(call);
    tg_inside_close(tape, &outer);
    return out;
}

/* Takes back the objects that the record's forward function made; their data are gone already. */
RARELY void drop_made_inside(tg_tape *tape, const tg_call *call, tg_record *record)
{
    char *end = (char *)(uintptr_t)record->node.params + call->params_size;
    checkpoint_objects(
        tape, &(checkpoint){.objects = {record->head.block, end}, .last_object = &record->head});
}

tg_tensor *tg_apply(const tg_call *call)
{
    tg_tape *tape = tape_of_call(call);
    if (!tape || tape->status)
        return NULL;
    if (tape->forward_of)
        return apply_inside(tape, call);
    if (!tape->pass && !tgk_modes_right())
        return apply_in_right_modes(call);
    checkpoint start = checkpoint_take(tape), before_record = start;
    tg_record *record = prepare(tape, call, &before_record);
    if (record)
        run(tape, record);
    if (record && tape->last_object != &record->head)
        drop_made_inside(tape, call, record);
    if (tape->capture && !tape->status)
        tg_capture_add(tape, record);
    if (tape->status) {
        /* A pass that recycles ends with the error, and gives all its memory back itself. */
        if (!tape->recycling) {
            checkpoint_objects(tape, &start);
            tg_arena_rewind(&tape->data, start.data);
        }
        return NULL;
    }
    tg_tensor *out = record->node.out;
    if (tape->grad_enabled)
        keep(tape, record);
    else if (!tape->capture)
        checkpoint_objects(tape, &before_record);
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

static bool check_version(tg_node *node, const tg_tensor *t, const char *what, int i)
{
    uint32_t noted = tg_node_versions(node)[i];
    TG_CHECK(tg_tape_in(t), t->storage->version == noted, TG_ESTATE,
             "backward: %s needs its %s %s %s as it was, but it was changed in place "
             "(version %lu, recorded at version %lu)",
             node->op->name, what, tg_dtype_name(t->dtype), tg_shape_of(t).chars,
             (unsigned long)t->storage->version, (unsigned long)noted);
    return true;
}

bool tg_node_unchanged(tg_node *node)
{
    static const char *const names[] = {"input 0", "input 1", "input 2", "input 3",
                                        "input 4", "input 5", "input 6"};
    unsigned reads = 0;
    for (int i = 0; i < node->n_in && i < 8; i++)
        reads |= tg_wants_grad(node, i) ? node->op->reads[i] : 0u;
    for (int i = 0; i < node->n_in && i < 7; i++) {
        if (reads & TG_READS_IN(i) && node->in[i] && !check_version(node, node->in[i], names[i], i))
            return false;
    }
    return !(reads & TG_READS_OUT) || check_version(node, node->out, "output", node->n_in);
}

tg_status tg_tape_replay(tg_tape *tape, tg_mark mark)
{
    TGK_IN_RIGHT_MODES(tg_status, tg_tape_replay(tape, mark));
    if (!tape || tape->status || !tg_outside(tape, "tape_replay") ||
        !tg_outside_capture(tape, "tape_replay"))
        return tg_error(tape);
    tg_record *record;
    tg_status status = tg_mark_records(tape, mark, "tape_replay", &record);
    if (!status && tape->released)
        status = tg_check_replay(tape, record);
    checkpoint start = checkpoint_take(tape);
    for (; record && !status; record = record->next) {
        run(tape, record);
        note_versions(record);
        status = tape->status;
    }
    checkpoint_objects(tape, &start);
    return status;
}

tg_scope tg_scope_open(const tg_tensor *x)
{
    tg_tape *tape = x && tg_object_alive(x, TG_MAGIC_TENSOR) ? tg_tape_in(x) : NULL;
    return (tg_scope){tape, tg_mark_here(tape)};
}

tg_tensor *tg_scope_close(tg_scope scope, tg_tensor *result)
{
    if (!result && scope.tape)
        tg_take_back(scope.tape, scope.start);
    return result;
}

tg_tensor *tg_apply_like(const tg_op *op, tg_tensor *x)
{
    if (!tg_check_inputs(op, 1, &x))
        return NULL;
    return tg_apply(&(tg_call){
        .op = op, .n_in = 1, .in = &x, .dtype = x->dtype, .ndim = x->ndim, .dims = x->dims});
}

tg_tensor *tg_apply_view(const tg_op *op, tg_tensor *x, tg_dims dims, const int64_t *strides)
{
    return tg_apply(&(tg_call){.op = op,
                               .n_in = 1,
                               .in = &x,
                               .dtype = x->dtype,
                               .ndim = dims.ndim,
                               .dims = dims.sizes,
                               .view_of = x,
                               .strides = strides});
}

static bool all_alike(const tg_tensor *out, tg_tensor *const *in, int n)
{
    for (int i = 0; i < n; i++) {
        if (!in[i]->contiguous || in[i]->numel != out->numel)
            return false;
    }
    return out->contiguous;
}

/* One run of elements, whatever the dims. */
static void map_alike(tg_tensor *out, tg_tensor *const *in, int n, tgk_loop *loop,
                      const void *params)
{
    char *data[TGK_MAX_OPERANDS] = {out->data};
    int64_t bytes[TGK_MAX_OPERANDS] = {(int64_t)tg_dtype_size(out->dtype)};
    for (int i = 0; i < n; i++) {
        data[i + 1] = in[i]->data;
        bytes[i + 1] = (int64_t)tg_dtype_size(in[i]->dtype);
    }
    loop(out->numel, data, bytes, params);
}

void tg_map(tg_tensor *out, tg_tensor *const *in, int n, tgk_loop *loop, const void *params)
{
    if (out->numel < TGK_SHARED && all_alike(out, in, n)) {
        map_alike(out, in, n, loop, params);
        return;
    }
    tgk_nest nest = {.ndim = out->ndim,
                     .operands = n + 1,
                     .sizes = out->dims,
                     .data = {out->data},
                     .strides = {tg_strides(out)},
                     .size = {tg_dtype_size(out->dtype)},
                     .team = &tg_tape_in(out)->team};
    int64_t strides[TGK_MAX_OPERANDS][TG_MAX_NDIM];
    for (int i = 0; i < n; i++) {
        nest.data[i + 1] = in[i]->data;
        nest.size[i + 1] = tg_dtype_size(in[i]->dtype);
        nest.strides[i + 1] = strides[i];
        tg_shape_expand_strides(tg_dims_of(in[i]), tg_strides(in[i]), tg_dims_of(out), strides[i]);
    }
    tgk_nest_run(&nest, loop, params);
}

void tg_map_node(tg_node *node, const tgk_loops *loops)
{
    tgk_loop *loop = tg_loop_of(node->out, loops[node->out->dtype]);
    tg_map(node->out, node->in, node->n_in, loop, node->params);
}

/* In forward: x's data copied row-major with its dims in this order. */
static const void *copy_permuted(tg_node *node, const tg_tensor *x, const int *order)
{
    int64_t sizes[TG_MAX_NDIM], from[TG_MAX_NDIM], to[TG_MAX_NDIM];
    size_t size = tg_dtype_size(x->dtype);
    char *copy = tg_workspace(node, (size_t)x->numel * size);
    if (!copy)
        return NULL;
    for (int i = 0; i < x->ndim; i++) {
        sizes[i] = x->dims[order[i]];
        from[i] = tg_strides(x)[order[i]];
    }
    tg_shape_strides((tg_dims){x->ndim, sizes}, to);
    tgk_nest nest = {.ndim = x->ndim,
                     .operands = 2,
                     .sizes = sizes,
                     .data = {copy, x->data},
                     .strides = {to, from},
                     .size = {size, size},
                     .team = &tg_node_tape(node)->team};
    tgk_nest_run(&nest, tgk_copy_loop(size), NULL);
    return copy;
}

const void *tg_contiguous_data(tg_node *node, const tg_tensor *x)
{
    int order[TG_MAX_NDIM];
    for (int i = 0; i < x->ndim; i++)
        order[i] = i;
    return x->contiguous ? x->data : copy_permuted(node, x, order);
}

const void *tg_dims_last(tg_node *node, const tg_tensor *x, const bool *last)
{
    int order[TG_MAX_NDIM], n = 0;
    for (int pass = 0; pass < 2; pass++) {
        for (int i = 0; i < x->ndim; i++) {
            if (last[i] == (pass == 1))
                order[n++] = i;
        }
    }
    return copy_permuted(node, x, order);
}

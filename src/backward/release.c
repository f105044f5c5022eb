/* Giving data back while the records stay. Headers stay as well: a released tensor has another
 * magic word and no data, a view of one its offset in the data instead of an address. Which data
 * may go is found by counting down `headers`: where all headers of a storage are accounted for by
 * records and nobody wants it, 0 is left.
 *
 * A checkpoint is a run of records with TG_IN_CHECKPOINT, the first of which says that it is. It is
 * nothing besides these bits: they go with the records when the tape is rewound. Relies on apply.h and
 * spares.h. */
#include "backward/release.h"

/* What was asked for. */
typedef struct request {
    const char *name;
    tg_tensor *const *keep;
    size_t n;
    bool checkpoint;
} request;

/* What the record's gradients read, as bits. */
static unsigned reads_of(const tg_node *node)
{
    unsigned reads = 0;
    for (int i = 0; i < node->n_in && i < 8; i++)
        reads |= tg_wants_grad(node, i) ? node->op->reads[i] : 0u;
    return reads;
}

/* Adds `by` to `headers` of that. */
static void count_reads(const tg_record *record, uint32_t by)
{
    const tg_node *node = &record->node;
    if (!node->out->requires_grad || node->out->is_leaf || node->out->u.record != record)
        return;
    unsigned reads = reads_of(node);
    for (int i = 0; i < node->n_in && i < 7; i++) {
        if (node->in[i] && reads & TG_READS_IN(i))
            node->in[i]->storage->headers += by;
    }
    if (reads & TG_READS_OUT)
        node->out->storage->headers += by;
    if (node->saved)
        node->saved->storage->headers += by;
}

/* The same for what is read when a checkpoint computes its data again. */
static void count_inputs(const tg_record *record, uint32_t by)
{
    const tg_node *node = &record->node;
    if (!(node->checkpoint & TG_RECOMPUTE) && !tg_owner_of(node->out)->recomputed)
        return;
    for (int i = 0; i < node->n_in; i++) {
        if (node->in[i])
            node->in[i]->storage->headers += by;
    }
}

void tg_count_headers(const tg_tape *tape, tg_record *first)
{
    for (tg_record *record = first; record; record = record->next) {
        tg_tensor *out = record->node.out;
        if (tg_is_maker(record))
            out->own.headers = 1;
        else if (!record->node.in_place && !tg_is_released(out))
            out->storage->headers++;
    }
    for (tg_tensor *view = tape->loose; view; view = view->u.next)
        view->storage->headers++;
}

/* Leaves 0 in `headers` of the storages that nobody wants (by 1), or undoes that (by -1). */
static void count(const request *r, const tg_record *first, uint32_t by)
{
    for (size_t i = 0; i < r->n; i++)
        r->keep[i]->storage->headers += by;
    for (const tg_record *record = first; record; record = record->next) {
        const tg_tensor *out = record->node.out;
        if (tg_is_maker(record) || (!record->node.in_place && !tg_is_released(out)))
            out->storage->headers -= by;
        if (record->node.saved)
            record->node.saved->storage->headers -= by;
        if (r->checkpoint)
            continue;
        count_reads(record, by);
        count_inputs(record, by);
    }
}

/* Whether a checkpoint may take the record's data away. What was written to since is not what
 * forward would make again. */
static bool is_recomputable(const tg_record *record)
{
    const tg_node *node = &record->node;
    return tg_is_maker(record) && node->op->forward && !(node->checkpoint & TG_DREW) &&
           node->out->own.version == tg_node_versions(node)[node->n_in] &&
           !(node->out->own.headers || (node->saved && node->saved->own.headers));
}

static void set_released(tg_tensor *t)
{
    t->head.magic = TG_MAGIC_RELEASED;
}

/* Marks what goes; between count(1) and count(-1). */
static void choose(const request *r, tg_record *first)
{
    for (tg_record *record = first; record; record = record->next) {
        tg_node *node = &record->node;
        if (r->checkpoint && is_recomputable(record))
            node->checkpoint |= TG_RECOMPUTE;
        if (r->checkpoint)
            continue;
        if (tg_is_maker(record) && node->out->own.headers == 0)
            set_released(node->out);
        if (node->saved && node->saved->own.headers == 0)
            set_released(node->saved);
    }
}

void tg_hide(tg_tensor *t)
{
    tg_tensor *owner = tg_owner_of(t);
    if (t != owner) {
        t->offset = t->data - owner->data;
        owner->own.headers--;
    } else {
        t->data = NULL;
        t->spare = false;
    }
    set_released(t);
}

static void show_view(tg_tensor *t)
{
    tg_tensor *owner = tg_owner_of(t);
    t->data = owner->data + t->offset;
    owner->own.headers++;
    t->head.magic = TG_MAGIC_TENSOR;
}

static void give(tg_tensor *t)
{
    if (t && tg_is_released(t) && t->data)
        tg_tensor_give(t);
}

/* Gives the data of the owners that are marked as released back, from `first` to before `end`. */
static void give_back(tg_record *first, const tg_record *end)
{
    for (tg_record *record = first; record != end; record = record->next) {
        tg_tensor *t = record->node.out, *owner = tg_owner_of(t);
        if (t != owner && !tg_is_released(t) && tg_is_released(owner))
            tg_hide(t);
    }
    for (tg_record *record = first; record != end; record = record->next) {
        if (tg_is_maker(record))
            give(record->node.out);
        give(record->node.saved);
    }
}

/* The arguments; `first`: the first record since the mark. */
static bool check(tg_tape *tape, const request *r, tg_mark mark, tg_record **first)
{
    if (tg_mark_records(tape, mark, r->name, first))
        return false;
    TG_CHECK(tape, !tg_mark_before_capture(tape, &mark), TG_ESTATE,
             "%s: a capture was made since the mark, and replays need the data", r->name);
    TG_CHECK(tape, r->keep || !r->n, TG_EVALUE, "%s: keep is NULL", r->name);
    return tg_check_list(tape, r->name, "kept tensor", r->keep, r->n);
}

tg_status tg_release(tg_tape *tape, tg_mark mark, tg_tensor *const *keep, size_t n)
{
    if (!tape || tape->status || !tg_outside_capture(tape, "release"))
        return tg_error(tape);
    const request r = {.name = "release", .keep = keep, .n = n};
    tg_record *first;
    if (!check(tape, &r, mark, &first))
        return tg_error(tape);
    tg_count_headers(tape, first);
    count(&r, first, 1);
    choose(&r, first);
    count(&r, first, (uint32_t)-1);
    give_back(first, NULL);
    tape->released = true;
    return TG_OK;
}

/* --- making a checkpoint --- */

/* Checkpoints do not nest, and all that forward reads must be there. */
static bool check_records(tg_tape *tape, const tg_record *first)
{
    for (const tg_record *record = first; record; record = record->next) {
        const tg_node *node = &record->node;
        TG_CHECK(tape, !(node->checkpoint & TG_IN_CHECKPOINT), TG_ESTATE,
                 "checkpoint: %s since the mark is in a checkpoint already", node->op->name);
        TG_CHECK(tape, !tg_lacks_data(node), TG_ESTATE,
                 "checkpoint: data of %s were given back already", node->op->name);
    }
    return true;
}

/* Whether the values that the operations found are those that they will find. */
static bool check_values(tg_tape *tape, const tg_record *first)
{
    for (const tg_record *record = first; record; record = record->next) {
        const tg_node *node = &record->node;
        for (int i = 0; node->checkpoint & TG_RECOMPUTE && i < node->n_in; i++) {
            const tg_tensor *x = node->in[i];
            TG_CHECK(tape, !x || x->storage->version == tg_node_versions(node)[i], TG_ESTATE,
                     "checkpoint: input %d of %s, %s %s, was changed in place since: it cannot "
                     "be computed again",
                     i, node->op->name, tg_dtype_name(x->dtype), tg_shape_of(x).chars);
        }
    }
    return true;
}

static void release_chosen(tg_record *first)
{
    for (tg_record *record = first; record; record = record->next) {
        tg_node *node = &record->node;
        node->checkpoint |= TG_IN_CHECKPOINT | (record == first ? TG_CHECKPOINT_FIRST : 0);
        tg_tensor *made[] = {node->out, node->saved};
        for (int i = 0; i < 2 && node->checkpoint & TG_RECOMPUTE; i++) {
            if (!made[i])
                continue;
            made[i]->recomputed = true;
            set_released(made[i]);
        }
    }
    give_back(first, NULL);
}

tg_status tg_checkpoint(tg_tape *tape, tg_mark mark, tg_tensor *const *keep, size_t n)
{
    if (!tape || tape->status || !tg_outside_capture(tape, "checkpoint"))
        return tg_error(tape);
    const request r = {.name = "checkpoint", .keep = keep, .n = n, .checkpoint = true};
    tg_record *first;
    if (!check(tape, &r, mark, &first) || !check_records(tape, first))
        return tg_error(tape);
    tg_count_headers(tape, first);
    count(&r, first, 1);
    choose(&r, first);
    count(&r, first, (uint32_t)-1);
    if (!check_values(tape, first)) {
        for (tg_record *record = first; record; record = record->next)
            record->node.checkpoint &= (uint8_t)~TG_RECOMPUTE;
        return tg_error(tape);
    }
    release_chosen(first);
    tape->released = true;
    return TG_OK;
}

/* --- in a backward pass --- */

/* The record behind the last one of the checkpoint that `record` is in. */
static tg_record *end_of(tg_record *record)
{
    do {
        record = record->next;
    } while (record && record->node.checkpoint & TG_IN_CHECKPOINT &&
             !(record->node.checkpoint & TG_CHECKPOINT_FIRST));
    return record;
}

static bool revive(tg_tensor *t, const char *name)
{
    if (!tg_tensor_take(t, name))
        return false;
    t->head.magic = TG_MAGIC_TENSOR;
    return true;
}

/* Whether the record finds what it found the first time. */
static bool check_inputs(tg_tape *tape, const tg_node *node)
{
    for (int i = 0; i < node->n_in; i++) {
        const tg_tensor *x = node->in[i];
        if (!x)
            continue;
        TG_CHECK(tape, !tg_is_released(x), TG_ESTATE,
                 "backward: %s needs its input %d %s %s, whose data were given back",
                 node->op->name, i, tg_dtype_name(x->dtype), tg_shape_of(x).chars);
        TG_CHECK(tape, x->storage->version == tg_node_versions(node)[i], TG_ESTATE,
                 "backward: %s needs its input %d %s %s as it was, but it was changed in place",
                 node->op->name, i, tg_dtype_name(x->dtype), tg_shape_of(x).chars);
    }
    return true;
}

static bool recompute(tg_tape *tape, tg_node *node)
{
    const char *name = node->op->name;
    if (!check_inputs(tape, node) || !revive(node->out, name) ||
        (node->saved && !revive(node->saved, name)))
        return false;
    tg_run_node(tape, node);
    return !tape->status;
}

/* Gives data back that nothing but their own header holds. */
static void release_last(tg_tensor *t)
{
    if (t && !tg_is_released(t) && t->own.headers == 1) {
        set_released(t);
        give(t);
    }
}

/* Computes the record's data again, and gives back what was there for that alone. */
static bool run_again(tg_tape *tape, tg_record *record)
{
    tg_node *node = &record->node;
    tg_tensor *out = node->out, *owner = tg_owner_of(out);
    if (node->checkpoint & TG_RECOMPUTE && !recompute(tape, node))
        return false;
    if (out != owner && owner->recomputed && tg_is_released(out) && !tg_is_released(owner))
        show_view(out);
    count_inputs(record, (uint32_t)-1);
    for (int i = 0; i < node->n_in; i++) {
        if (node->in[i] && tg_owner_of(node->in[i])->recomputed)
            release_last(tg_owner_of(node->in[i]));
    }
    return true;
}

static bool open_checkpoint(tg_tape *tape, tg_record *record)
{
    TG_CHECK(tape, tape->recycling, TG_ESTATE,
             "backward: create_graph goes through a checkpoint (at %s), whose data are given back",
             record->node.op->name);
    TG_CHECK(tape, !tape->capture, TG_ESTATE,
             "backward: a captured pass goes through a checkpoint (at %s)", record->node.op->name);
    tg_record *end = end_of(record);
    while (!(record->node.checkpoint & TG_CHECKPOINT_FIRST))
        record = record->prev;
    tape->open = record;
    for (tg_record *r = record; r != end; r = r->next) {
        r->node.checkpoint |= TG_CHECKPOINT_OPEN;
        count_inputs(r, 1);
        count_reads(r, 1);
    }
    tg_record *next = record;
    while (next != end && run_again(tape, next))
        next = next->next;
    for (tg_record *r = next; r != end; r = r->next)
        count_inputs(r, (uint32_t)-1);
    for (tg_record *r = record; r != end; r = r->next)
        count_reads(r, (uint32_t)-1);
    return next == end;
}

void tg_checkpoint_close(tg_tape *tape)
{
    tg_record *first = tape->open, *end = end_of(first);
    for (tg_record *record = first; record != end; record = record->next) {
        tg_node *node = &record->node;
        node->checkpoint &= (uint8_t)~TG_CHECKPOINT_OPEN;
        if (!(node->checkpoint & TG_RECOMPUTE))
            continue;
        set_released(node->out);
        if (node->saved)
            set_released(node->saved);
    }
    give_back(first, end);
    tape->open = NULL;
}

bool tg_release_since(const tg_tensor *out, tg_mark mark, const tg_record **after)
{
    tg_tape *tape = tg_tape_in(out);
    tg_record *record;
    if (tg_mark_records(tape, mark, "backward", &record) || out->is_leaf ||
        !tg_outside_capture(tape, "backward with release_since"))
        return false;
    TG_CHECK(tape, !tg_mark_before_capture(tape, &mark), TG_ESTATE,
             "backward: a capture was made since the mark of release_since, and replays need the "
             "data");
    *after = record ? record->prev : NULL;
    while (record && record != out->u.record)
        record = record->next;
    tape->released |= record != NULL;
    return record;
}

/* Opens the checkpoint that the record is in, and closes any other. */
static bool enter(tg_tape *tape, tg_record *record)
{
    if (record->node.checkpoint & TG_CHECKPOINT_OPEN)
        return true;
    if (tape->open)
        tg_checkpoint_close(tape);
    return !(record->node.checkpoint & TG_IN_CHECKPOINT) || open_checkpoint(tape, record);
}

bool tg_data_ready(tg_tape *tape, tg_record *record)
{
    const tg_node *node = &record->node;
    if (!enter(tape, record))
        return false;
    unsigned reads = reads_of(node);
    bool gone = tg_is_released(node->saved) || (reads & TG_READS_OUT && tg_is_released(node->out));
    for (int i = 0; i < node->n_in && i < 7; i++)
        gone |= reads & TG_READS_IN(i) && tg_is_released(node->in[i]);
    TG_CHECK(tape, !gone, TG_ESTATE, "backward: %s reads data that were given back",
             node->op->name);
    return true;
}

bool tg_reads_output(const tg_record *record)
{
    return reads_of(&record->node) & TG_READS_OUT;
}

void tg_release_output(const tg_record *record, bool all)
{
    tg_tensor *t = record->node.out, *owner = tg_owner_of(t);
    if (tg_is_maker(record) && (all || t->recomputed))
        release_last(t);
    else if (t != owner && !tg_is_released(t) && (all || owner->recomputed))
        tg_hide(t);
}

void tg_release_saved(const tg_record *record, bool all)
{
    tg_tensor *saved = record->node.saved;
    if (saved && (all || saved->recomputed))
        release_last(saved);
}

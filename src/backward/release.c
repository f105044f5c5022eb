/* Giving data back while the records stay. Headers stay as well: a released tensor says so
 * and has no data, a view of one its offset in the data instead of an address. Which data
 * may go is found by counting down `headers`: where all headers that share data are accounted for by
 * records and nobody wants it, 0 is left.
 *
 * A checkpoint is a run of records with TG_IN_CHECKPOINT, the first of which says that it is. It is
 * nothing besides these bits: they go with the records when the tape is rewound. Relies on apply.h. */
#include "backward/release.h"

/* A call that gives data back. */
typedef struct giving {
    const char *name;
    tg_tensor *const *keep;
    size_t n;
    bool checkpoint;
} giving;

enum { GRADIENTS = 1, RECOMPUTING = 2, ALL = GRADIENTS | RECOMPUTING };

/* Adds `by` to `headers` of whatever the record reads again: its gradients, or those who recompute it. */
static void count_reads(const tg_record *record, int when, uint32_t by)
{
    const tg_node *node = &record->node;
    const tg_header *out = tg_at(node->out);
    bool made = out->requires_grad && !out->is_leaf && out->u.record == record;
    bool gradients = made && when & GRADIENTS;
    bool inputs = when & RECOMPUTING && (node->flags & TG_RECOMPUTE || out->owner->recomputed);
    unsigned reads = gradients ? tg_reads_of(node) : 0;
    for (int i = 0; i < node->n_in; i++) {
        bool read = i < 7 && reads & TG_READS_IN(i);
        if (node->in[i])
            tg_owner_of(node->in[i])->headers += by * ((uint32_t)inputs + read);
    }
    if (reads & TG_READS_OUT)
        out->owner->headers += by;
    if (gradients && node->saved)
        tg_owner_of(node->saved)->headers += by;
}

bool tg_reads_again(const tg_record *record, const tg_header *owner)
{
    uint32_t others = owner->headers;
    count_reads(record, ALL, 1);
    bool reads = owner->headers != others;
    count_reads(record, ALL, (uint32_t)-1);
    return reads;
}

/* Leaves 0 in `headers` of the data that nobody wants (by 1), or undoes that (by -1). */
static void count(const giving *g, const tg_record *first, uint32_t by)
{
    for (size_t i = 0; i < g->n; i++)
        tg_at(g->keep[i])->owner->headers += by;
    for (const tg_record *record = first; record; record = record->next) {
        const tg_tensor *out = record->node.out;
        if (tg_is_maker(record) || (!record->node.in_place && !tg_is_released(out)))
            tg_at(out)->owner->headers -= by;
        if (record->node.saved)
            tg_at(record->node.saved)->owner->headers -= by;
        if (!g->checkpoint)
            count_reads(record, ALL, by);
    }
}

/* Whether a checkpoint may take the record's data away. What was written to since is not what
 * forward would make again. */
static bool is_recomputable(const tg_record *record)
{
    const tg_node *node = &record->node;
    return tg_is_maker(record) && node->op->forward && !(node->flags & TG_DREW) &&
           tg_at(node->out)->version == record->versions[node->n_in] &&
           !(tg_at(node->out)->headers || (node->saved && tg_at(node->saved)->headers));
}

/* Marks what goes, where it is counted. */
static void choose(const giving *g, tg_record *first)
{
    for (tg_record *record = first; record; record = record->next) {
        tg_node *node = &record->node;
        bool again = g->checkpoint && is_recomputable(record);
        if (g->checkpoint)
            node->flags |= TG_IN_CHECKPOINT | (record == first ? TG_CHECKPOINT_FIRST : 0) |
                           (again ? TG_RECOMPUTE : 0);
        tg_tensor *made[] = {tg_is_maker(record) ? node->out : NULL, node->saved};
        for (int i = 0; i < 2; i++) {
            if (!made[i] || !(g->checkpoint ? again : tg_at(made[i])->headers == 0))
                continue;
            tg_at(made[i])->recomputed |= again;
            tg_at(made[i])->released = true;
        }
    }
}

void tg_hide(tg_header *h)
{
    tg_header *owner = h->owner;
    if (h != owner) {
        h->offset = h->data - owner->data;
        owner->headers--;
    } else {
        h->data = NULL;
        h->small = false;
    }
    h->released = true;
}

static void give(tg_tensor *t)
{
    if (t && tg_at(t)->released && tg_at(t)->data)
        tg_data_give(tg_at(t));
}

/* Gives the data of the owners that are marked as released back, from `first` to before `end`. */
static void give_back(tg_record *first, const tg_record *end)
{
    for (tg_record *record = first; record != end; record = record->next) {
        tg_header *h = tg_at(record->node.out);
        if (h != h->owner && !h->released && h->owner->released)
            tg_hide(h);
    }
    for (tg_record *record = first; record != end; record = record->next) {
        if (tg_is_maker(record))
            give(record->node.out);
        give(record->node.saved);
    }
}

/* Finds the first record since the mark; whether data since then may be given back. */
static bool check_mark(tg_tape *tape, const char *name, tg_mark mark, tg_record **first)
{
    if (!tg_outside_capture(tape, name) || tg_mark_records(tape, mark, name, first))
        return false;
    TG_CHECK(tape, !tg_mark_before_noted(tape, &mark), TG_ESTATE,
             "%s: a capture was made since the mark, and replays need the data", name);
    return true;
}

static bool check_kept(tg_tape *tape, const giving *g)
{
    TG_CHECK(tape, g->keep || !g->n, TG_EVALUE, "%s: keep is NULL", g->name);
    return tg_check_list(tape, g->name, "kept tensor", g->keep, g->n);
}

/* Checkpoints do not nest, all that forward reads must be there, and the values that it found are those
 * that it will find. Where what goes is counted. */
static bool check_records(tg_tape *tape, const tg_record *first)
{
    for (const tg_record *record = first; record; record = record->next) {
        const tg_node *node = &record->node;
        TG_CHECK(tape, !(node->flags & TG_IN_CHECKPOINT), TG_ESTATE,
                 "checkpoint: %s since the mark is in a checkpoint already", node->op->name);
        TG_CHECK(tape, !tg_lacks_data(node), TG_ESTATE,
                 "checkpoint: data of %s were given back already", node->op->name);
        bool again = is_recomputable(record);
        for (int i = 0; again && i < node->n_in; i++) {
            const tg_tensor *x = node->in[i];
            TG_CHECK(tape, !x || tg_at(x)->owner->version == record->versions[i], TG_ESTATE,
                     "checkpoint: input %d of %s, %s %s, was changed in place since: it cannot "
                     "be computed again",
                     i, node->op->name, tg_dtype_name(tg_at(x)->dtype), tg_shape_of(x).chars);
        }
    }
    return true;
}

static tg_status give_since(tg_tape *tape, tg_mark mark, const giving *g)
{
    tg_record *first;
    if (!tape || tape->status || !check_mark(tape, g->name, mark, &first) || !check_kept(tape, g))
        return tg_error(tape);
    count(g, first, 1);
    if (!g->checkpoint || check_records(tape, first))
        choose(g, first);
    count(g, first, (uint32_t)-1);
    if (tape->status)
        return tape->status;
    give_back(first, NULL);
    tape->released = true;
    return TG_OK;
}

tg_status tg_release(tg_tape *tape, tg_mark mark, tg_tensor *const *keep, size_t n)
{
    return give_since(tape, mark, &(giving){.name = "release", .keep = keep, .n = n});
}

tg_status tg_checkpoint(tg_tape *tape, tg_mark mark, tg_tensor *const *keep, size_t n)
{
    const giving g = {.name = "checkpoint", .keep = keep, .n = n, .checkpoint = true};
    return give_since(tape, mark, &g);
}

/* --- in a backward pass --- */

/* The record behind the last one of the checkpoint that `record` is in. */
static tg_record *end_of(tg_record *record)
{
    do {
        record = record->next;
    } while (record && record->node.flags & TG_IN_CHECKPOINT &&
             !(record->node.flags & TG_CHECKPOINT_FIRST));
    return record;
}

static bool revive(tg_tensor *t, const char *name)
{
    if (!tg_data_take(tg_at(t), name))
        return false;
    tg_at(t)->released = false;
    return true;
}

/* Whether the record finds what it found the first time. */
static bool check_inputs(tg_tape *tape, const tg_node *node)
{
    for (int i = 0; i < node->n_in; i++) {
        const tg_tensor *x = node->in[i];
        TG_CHECK(tape, !tg_is_released(x), TG_ESTATE,
                 "backward: %s needs its input %d %s %s, whose data were given back",
                 node->op->name, i, tg_dtype_name(tg_at(x)->dtype), tg_shape_of(x).chars);
        if (x && !tg_check_version(node, i))
            return false;
    }
    return true;
}

/* Whether the record is to be recomputed, and makes room for it. */
static bool begin_again(tg_record *record)
{
    const tg_node *node = &record->node;
    return node->flags & TG_RECOMPUTE && check_inputs(record->tape, node) &&
           revive(node->out, node->op->name) &&
           (!node->saved || revive(node->saved, node->op->name));
}

/* Gives data back that nothing but their own header holds. */
static void release_last(tg_header *h)
{
    if (!h->released && h->headers == 1) {
        h->released = true;
        tg_data_give(h);
    }
}

/* Gives back what was there for recomputing the record alone. */
static void end_again(tg_record *record)
{
    const tg_node *node = &record->node;
    tg_header *out = tg_at(node->out);
    if (out != out->owner && out->owner->recomputed) { /* what is held for this view's record */
        out->data = out->owner->data + out->offset;
        out->owner->headers++;
        out->released = false;
    }
    count_reads(record, RECOMPUTING, (uint32_t)-1);
    for (int i = 0; i < node->n_in; i++) {
        if (node->in[i] && tg_owner_of(node->in[i])->recomputed)
            release_last(tg_owner_of(node->in[i]));
    }
}

static bool open_checkpoint(tg_tape *tape, tg_record *record)
{
    TG_CHECK(tape, !tape->now.grad_enabled, TG_ESTATE,
             "backward: create_graph goes through a checkpoint (at %s), whose data are given back",
             record->node.op->name);
    TG_CHECK(tape, !tape->heap.captured, TG_ESTATE,
             "backward: a captured pass goes through a checkpoint (at %s)", record->node.op->name);
    tg_record *end = end_of(record);
    while (!(record->node.flags & TG_CHECKPOINT_FIRST))
        record = record->prev;
    tape->open = record;
    for (tg_record *r = record; r != end; r = r->next) {
        r->node.flags |= TG_CHECKPOINT_OPEN;
        count_reads(r, ALL, 1);
    }
    static const tg_rerun how = {.before = begin_again, .after = end_again};
    tg_record *next = tg_run_again(tape, record, end, &how);
    for (tg_record *r = next; r != end; r = r->next)
        count_reads(r, RECOMPUTING, (uint32_t)-1);
    for (tg_record *r = record; r != end; r = r->next)
        count_reads(r, GRADIENTS, (uint32_t)-1);
    return next == end;
}

void tg_checkpoint_close(tg_tape *tape)
{
    tg_record *first = tape->open, *end = end_of(first);
    for (tg_record *record = first; record != end; record = record->next) {
        tg_node *node = &record->node;
        node->flags &= (uint8_t)~TG_CHECKPOINT_OPEN;
        if (!(node->flags & TG_RECOMPUTE))
            continue;
        tg_at(node->out)->released = true;
        if (node->saved)
            tg_at(node->saved)->released = true;
    }
    give_back(first, end);
    tape->open = NULL;
}

bool tg_release_since(const tg_tensor *out, tg_mark mark, const tg_record **after)
{
    tg_tape *tape = tg_tape_in(out);
    tg_record *record;
    if (!check_mark(tape, "backward", mark, &record) || tg_at(out)->is_leaf)
        return false;
    *after = record ? record->prev : NULL;
    while (record && record != tg_at(out)->u.record)
        record = record->next;
    tape->released |= record != NULL;
    return record;
}

bool tg_data_ready(tg_record *record)
{
    tg_tape *tape = record->tape;
    const tg_node *node = &record->node;
    if (!(node->flags & TG_CHECKPOINT_OPEN)) {
        if (tape->open)
            tg_checkpoint_close(tape);
        if (node->flags & TG_IN_CHECKPOINT && !open_checkpoint(tape, record))
            return false;
    }
    unsigned reads = tg_reads_of(node);
    bool gone = tg_is_released(node->saved) || (reads & TG_READS_OUT && tg_is_released(node->out));
    for (int i = 0; i < node->n_in && i < 7; i++)
        gone |= reads & TG_READS_IN(i) && tg_is_released(node->in[i]);
    TG_CHECK(tape, !gone, TG_ESTATE, "backward: %s reads data that were given back",
             node->op->name);
    return true;
}

void tg_release_output(const tg_record *record, bool all)
{
    tg_header *h = tg_at(record->node.out);
    if (tg_is_maker(record) && (all || h->recomputed))
        release_last(h);
    else if (h != h->owner && !h->released && (all || h->owner->recomputed))
        tg_hide(h);
}

void tg_release_saved(const tg_record *record, bool all)
{
    const tg_tensor *saved = record->node.saved;
    if (saved && (all || tg_at(saved)->recomputed))
        release_last(tg_at(saved));
}

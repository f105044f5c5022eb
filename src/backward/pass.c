/* The backward pass: walks the records from the end to the start, once, and adds up gradients.
 * Relies on apply.h and broadcast.h.
 *
 * Creation order is a topological order, so that no sort and no recursion is needed. A tensor's
 * `grad` slot is used only while a pass runs. A pass that records nothing gives each tensor that it
 * makes back once nothing needs it, and ends by rewinding what is left. */
#include "backward/pass.h"

#include "backward/release.h"
#include "ops/broadcast.h"
#include "record/grad.h"

#include <string.h>
#include <tinygrad/ops.h>

static void end(const tg_pass *p)
{
    tg_tape *tape = p->tape;
    tape->now.grad_enabled = p->enabled;
    tape->anomaly = p->anomaly;
    tape->pass = NULL;
    if (tape->open)
        tg_checkpoint_close(tape);
    if (!p->graph) { /* what it made it gave back, header by header */
        tape->now.recycling = tape->heap.captured = false;
        memset(tape->heap.small, 0, sizeof tape->heap.small);
        tg_block *first = tape->pass_slots.first; /* the next pass goes on in it at once */
        tg_arena_rewind(&tape->pass_slots, (tg_top){first, first ? first->start : NULL});
        tape->free = tape->temporaries = NULL;
    }
    if (!p->graph || tape->status)
        tg_take_back(tape, p->start); /* but for a capture, whose replays need all of it */
}

static void pin(tg_tensor *g)
{
    tg_at(g)->pins += tg_at(g)->pooled;
}

static void unpin(tg_tensor *g)
{
    tg_header *h = tg_at(g);
    if (h->pooled && --h->pins == 0 && !h->temporary)
        tg_header_release(h);
}

/* Gives back what a backward function made and no slot holds. */
static void release_temporaries(tg_tape *tape)
{
    tg_header *h = tape->temporaries;
    tape->temporaries = NULL;
    while (h) {
        tg_header *next = h->u.next;
        h->temporary = false;
        if (h->pins == 0)
            tg_header_release(h);
        h = next;
    }
}

/* Adds g to the gradient that t has. */
static void add_to(tg_tensor *t, tg_tensor *g)
{
    tg_tensor *former = tg_at(t)->grad;
    if (tg_can_add_to(t)) {
        tg_add_again(former, g);
        return;
    }
    tg_tensor *sum = tg_accumulate(former, g);
    if (!sum)
        return;
    pin(sum);
    unpin(former);
    tg_at(t)->grad = sum;
}

/* The first gradient of a leaf that has none goes straight to its place; it counts only once the
 * whole pass is done. */
static void set_leaf(tg_pass *p, tg_tensor *t, tg_tensor *g)
{
    tg_holder *holder = tg_its_holder(t);
    if (!p->graph && !holder->present) {
        tg_copy_again(holder->value, g);
        g = holder->value;
    }
    pin(g);
    tg_at(t)->grad = g;
    tg_keep_later(p, t, NULL);
}

static void add_gradient(tg_pass *p, const char *name, tg_tensor *t, tg_tensor *g)
{
    if (!g || p->tape->status || (tg_at(t)->is_leaf && !tg_is_wanted(p, tg_its_holder(t))))
        return;
    bool good = tg_slot_alive(g) && !tg_at(g)->spent && tg_tape_in(g) == p->tape;
    if (!good && !tg_check_list(p->tape, name, "backward: gradient", &g, 1))
        return;
    bool alike = tg_shape_equal(tg_dims_of(t), tg_dims_of(g));
    if (tg_at(g)->dtype != tg_at(t)->dtype ||
        !(alike || tg_shape_expands(tg_dims_of(t), tg_dims_of(g)))) {
        tg_fail(p->tape, TG_ESHAPE, "%s: backward gave a gradient %s %s for an input %s %s", name,
                tg_dtype_name(tg_at(g)->dtype), tg_shape_of(g).chars,
                tg_dtype_name(tg_at(t)->dtype), tg_shape_of(t).chars);
        return;
    }
    g = alike ? g : tg_sum_over(g, tg_dims_of(t));
    bool written = g && tg_at(t)->is_leaf && g == tg_at(t)->grad && g == tg_its_holder(t)->value;
    if (!g || (written && !tg_its_holder(t)->present)) /* where it is kept */
        return;
    if (p->careful && !p->graph && !tg_owner_of(g)->pooled)
        g = tg_clone(g); /* data that may go before the gradient does */
    if (!g)
        return;
    if (tg_at(t)->grad) {
        add_to(t, g);
    } else if (tg_at(t)->is_leaf) {
        set_leaf(p, t, g);
    } else {
        tg_at(t)->grad = g;
        pin(g);
        p->pending++;
    }
}

/* In anomaly mode: reports what is wrong with a gradient. */
static void check_anomaly(const tg_pass *p, const tg_node *node, int input, const tg_tensor *g)
{
    int64_t i = tg_first_anomaly(g);
    if (i >= 0)
        tg_fail(p->tape, TG_EVALUE, "%s: backward: element %lld of the gradient of input %d is %g",
                node->op->name, (long long)i, input, tg_element(g, i));
}

/* Runs one record's backward with the gradient of its output. */
static void step(tg_pass *p, tg_record *record, tg_tensor *grad_out)
{
    tg_node *node = &record->node;
    enum { FEW = 8 }; /* the room for more gradients is the tape's, until the pass ends */
    tg_tensor *few[FEW] = {NULL}, **grad_in = few;
    if (node->n_in > FEW) {
        size_t size = (size_t)node->n_in * sizeof *grad_in;
        grad_in = tg_tape_data(p->tape, node->op->name, size);
        if (grad_in)
            memset(grad_in, 0, size);
    }
    if (!grad_in || !tg_node_unchanged(node))
        return;
    p->tape->backward_of = node->op;
    node->op->backward(node, grad_out, grad_in);
    p->tape->backward_of = NULL;
    for (int i = 0; i < node->n_in; i++) {
        if (tg_wants_grad(node, i) && grad_in[i] && p->anomaly)
            check_anomaly(p, node, i, grad_in[i]);
        if (tg_wants_grad(node, i))
            add_gradient(p, node->op->name, node->in[i], grad_in[i]);
    }
}

/* Goes on from a result whose gradient is complete. The pass's own output stays. */
static void visit(tg_pass *p, tg_record *record, tg_tensor *g)
{
    tg_tensor *t = record->node.out;
    bool release = p->careful && !p->graph;
    if (tg_is_wanted(p, tg_holder_of(t))) {
        pin(g);
        tg_keep_later(p, t, g);
    }
    if (p->careful && !tg_data_ready(record))
        return;
    if (release && t != p->out && !(tg_reads_of(&record->node) & TG_READS_OUT))
        tg_release_output(record, p->release);
    step(p, record, g);
    if (p->tape->status || p->graph)
        return;
    unpin(g);
    release_temporaries(p->tape);
    if (release && t != p->out)
        tg_release_output(record, p->release);
    if (release)
        tg_release_saved(record, p->release);
}

/* Walks back from `record`. After an error it only empties the slots. */
static void walk(tg_pass *p, tg_record *record)
{
    for (; p->pending > 0; record = record->prev) {
        p->release &= record != p->after;
        if (record->node.flags & TG_BESIDE)
            continue;
        tg_tensor *t = record->node.out, *g = tg_at(t)->grad;
        if (!g || tg_at(t)->is_leaf || tg_at(t)->u.record != record)
            continue;
        tg_at(t)->grad = NULL;
        p->pending--;
        if (!p->tape->status)
            visit(p, record, g);
    }
}

/* What can still fail, before any gradient that is kept changes. */
static void add_former_gradients(tg_pass *p)
{
    for (tg_tensor *t = p->kept; t; t = tg_its_holder(t)->next) {
        tg_holder *holder = tg_its_holder(t);
        if (tg_at(t)->is_leaf)
            holder->pending = tg_at(t)->grad;
        tg_tensor *former = p->graph ? tg_held_grad(holder) : NULL;
        if (former && !p->tape->status)
            holder->pending = tg_accumulate(former, holder->pending);
        if (p->tape->now.capture && !p->tape->status)
            tg_note_keep(holder, holder->pending, p->graph);
    }
}

static void finish(tg_pass *p)
{
    add_former_gradients(p);
    for (tg_tensor *t = p->kept; t; t = tg_its_holder(t)->next) {
        tg_holder *holder = tg_its_holder(t);
        if (!p->tape->status) {
            tg_keep_again(holder, holder->pending, p->graph);
            unpin(holder->pending);
        }
        tg_at(t)->grad = NULL;
        holder->pending = NULL;
    }
}

/* The gradient of the output itself: as given, or 1. */
static tg_tensor *seed(const tg_tensor *out, tg_tensor *grad_out)
{
    tg_tape *tape = tg_tape_in(out);
    if (!grad_out)
        return tg_ones(tape, tg_at(out)->ndim, tg_at(out)->dims, tg_at(out)->dtype);
    /* A gradient that was dropped stands where the pass writes to. */
    bool kept = !tape->now.grad_enabled && tg_owner_of(grad_out)->kept;
    return kept ? tg_clone(grad_out) : grad_out;
}

bool tg_check_backward(const tg_tensor *out, tg_tensor *grad_out)
{
    tg_tape *tape = tg_tape_in(out);
    TG_CHECK(tape, tg_at(out)->requires_grad, TG_ESTATE,
             "backward: %s %s does not require a gradient: no leaf behind it was made with "
             "TG_REQUIRES_GRAD, or tg_set_grad_enabled() was off when it was computed",
             tg_dtype_name(tg_at(out)->dtype), tg_shape_of(out).chars);
    if (!grad_out) {
        TG_CHECK(tape, tg_at(out)->numel == 1, TG_ESHAPE,
                 "backward: %s is not a scalar, so its gradient must be given",
                 tg_shape_of(out).chars);
        return true;
    }
    if (!tg_check_list(tape, "backward", "gradient", (tg_tensor *[]){grad_out}, 1))
        return false;
    TG_CHECK(tape, tg_at(grad_out)->dtype == tg_at(out)->dtype, TG_EDTYPE,
             "backward: gradient %s for an output %s", tg_dtype_name(tg_at(grad_out)->dtype),
             tg_dtype_name(tg_at(out)->dtype));
    TG_CHECK(tape, tg_shape_equal(tg_dims_of(out), tg_dims_of(grad_out)), TG_ESHAPE,
             "backward: gradient %s for an output %s", tg_shape_of(grad_out).chars,
             tg_shape_of(out).chars);
    return true;
}

/* Reads the options; whether they can be followed. */
static bool prepare(tg_pass *p, const tg_tensor *out, const tg_backward_opts *opts)
{
    const tg_mark *since = opts ? opts->release_since : NULL;
    p->graph = opts && opts->create_graph;
    TG_CHECK(p->tape, !p->graph || !since, TG_EVALUE, "backward: create_graph and release_since");
    p->release = since && tg_release_since(out, *since, &p->after);
    p->careful = p->tape->released;
    return !p->tape->status;
}

tg_status tg_backward_run(tg_tensor *out, tg_tensor *grad_out, const tg_backward_opts *opts,
                          bool request)
{
    TGK_IN_RIGHT_MODES(tg_status, tg_backward_run(out, grad_out, opts, request));
    tg_tape *tape = tg_tape_in(out);
    tg_pass p = {.placing = tg_places,
                 .tape = tape,
                 .out = out,
                 .request = request,
                 .start = tg_mark_here(tape),
                 .enabled = tape->now.grad_enabled,
                 .anomaly = tape->anomaly};
    /* A recorded pass may leave data on the tape and no tensor: the slot is for marks, see tape.c. */
    if (!prepare(&p, out, opts) || (p.graph && !tg_tape_slot(tape, "backward")))
        return tape->status;
    tape->now.grad_enabled = p.graph;
    tape->now.recycling = !p.graph;
    tape->heap.captured = !p.graph && tape->now.capture;
    tape->anomaly = false; /* each step looks at its results itself */
    tape->pass = &p.placing;
    add_gradient(&p, "backward", out, seed(out, grad_out));
    if (!tape->status)
        release_temporaries(tape);
    if (!tg_at(out)->is_leaf)
        walk(&p, tg_at(out)->u.record);
    finish(&p);
    end(&p);
    return tape->status;
}

tg_status tg_backward_with(tg_tensor *out, tg_tensor *grad_out, const tg_backward_opts *opts)
{
    tg_status status = tg_check_tensor(out, "backward");
    if (status)
        return status;
    if (!tg_outside(tg_tape_in(out), "backward") || !tg_check_backward(out, grad_out))
        return tg_tape_in(out)->status;
    return tg_backward_run(out, grad_out, opts, false);
}

tg_status tg_backward(tg_tensor *loss)
{
    return tg_backward_with(loss, NULL, NULL);
}

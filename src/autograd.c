/* The backward pass: walks the records from the end to the start, once, and adds up gradients.
 * Relies on op.h and accumulate.h.
 *
 * Creation order is a topological order, so that no sort and no recursion is needed. A tensor's
 * `grad` slot is used only while a pass runs. A pass that records nothing takes its tensors from
 * pools, gives each back once nothing needs it, and ends by rewinding what the pools took. */
#include "accumulate.h"

typedef struct pass {
    tg_tape *tape;
    bool graph;        /* record the pass */
    bool enabled;      /* whether gradients were enabled before */
    int64_t pending;   /* results whose gradient waits */
    tg_tensor *leaves; /* that got a gradient */
    tg_mark start;
} pass;

static void begin(pass *p)
{
    p->start = tg_tape_mark(p->tape);
    p->enabled = tg_set_grad_enabled(p->tape, p->graph);
    p->tape->recycling = !p->graph;
    p->tape->temporaries = NULL;
}

static void end(pass *p)
{
    tg_tape *tape = p->tape;
    tg_set_grad_enabled(tape, p->enabled);
    if (!p->graph) {
        tg_pool_reset(&tape->object_pool);
        tg_pool_reset(&tape->data_pool);
        tape->recycling = false;
        tape->temporaries = NULL;
    }
    if (!p->graph || tape->status)
        tg_tape_rewind(tape, p->start);
}

static void pin(tg_tensor *g)
{
    if (g->pooled)
        g->pins++;
}

static void unpin(tg_tensor *g)
{
    if (g->pooled && --g->pins == 0 && !g->temporary)
        tg_tensor_release(g);
}

/* Gives back what a backward function made and no slot holds. */
static void release_temporaries(tg_tape *tape)
{
    tg_tensor *t = tape->temporaries;
    tape->temporaries = NULL;
    while (t) {
        tg_tensor *next = t->u.next;
        t->temporary = false;
        if (t->pins == 0)
            tg_tensor_release(t);
        t = next;
    }
}

/* Whether nobody else can see g's data: then it may be added to in place. */
static bool exclusive(const tg_tensor *g)
{
    return g->pooled && g->pins == 1 && g->storage == &g->own && g->own.headers == 1 &&
           g->contiguous;
}

/* Adds g to what the slot holds. */
static void add_to_slot(tg_tensor **slot, tg_tensor *g)
{
    tg_tensor *former = *slot;
    if (exclusive(former)) {
        tg_accumulate_into(former, g);
        return;
    }
    tg_tensor *sum = tg_accumulate(former, g);
    if (!sum)
        return;
    pin(sum);
    unpin(former);
    *slot = sum;
}

/* The first gradient of a leaf that has none goes straight to its place; it counts only once the
 * whole pass is done. */
static void set_leaf(const pass *p, tg_tensor *t, tg_tensor *g)
{
    tg_leaf *leaf = t->u.leaf;
    if (p->graph || leaf->present) {
        t->grad = g;
        pin(g);
        return;
    }
    leaf->value->storage->version++; /* someone may still read a gradient that was dropped */
    tg_tensor_copy(leaf->value, g);
    t->grad = leaf->value;
}

static void add_to_leaf(pass *p, tg_tensor *t, tg_tensor *g)
{
    if (!t->grad) {
        set_leaf(p, t, g);
        t->u.leaf->next = p->leaves;
        p->leaves = t;
    } else if (t->grad == t->u.leaf->value) {
        tg_accumulate_into(t->grad, g);
    } else {
        add_to_slot(&t->grad, g);
    }
}

static void add_gradient(pass *p, const char *name, tg_tensor *t, tg_tensor *g)
{
    if (!g || p->tape->status)
        return;
    if (g->dtype != t->dtype || !tg_shape_expands(tg_dims_of(t), tg_dims_of(g))) {
        tg_fail(p->tape, TG_ESHAPE, "%s: backward gave a gradient %s %s for an input %s %s", name,
                tg_dtype_name(g->dtype), tg_shape_of(g).chars, tg_dtype_name(t->dtype),
                tg_shape_of(t).chars);
        return;
    }
    g = tg_sum_to(g, tg_dims_of(t));
    if (!g)
        return;
    if (t->is_leaf) {
        add_to_leaf(p, t, g);
    } else if (t->grad) {
        add_to_slot(&t->grad, g);
    } else {
        t->grad = g;
        pin(g);
        p->pending++;
    }
}

enum { INLINE_INPUTS = 8 };

/* Room for a gradient per input; many inputs take it from the tape, until the pass ends. */
static tg_tensor **gradient_slots(pass *p, const tg_node *node, tg_tensor **local)
{
    size_t n = (size_t)node->n_in;
    tg_tensor **slots =
        n <= INLINE_INPUTS ? local : tg_tape_data(p->tape, node->op->name, n * sizeof *slots);
    for (size_t i = 0; slots && i < n; i++)
        slots[i] = NULL;
    return slots;
}

/* Runs one record's backward with the gradient of its output. */
static void step(pass *p, tg_record *record, tg_tensor *grad_out)
{
    tg_node *node = &record->node;
    tg_tensor *local[INLINE_INPUTS];
    tg_tensor **grad_in = gradient_slots(p, node, local);
    if (!grad_in || !tg_node_unchanged(node))
        return;
    node->op->backward(node, grad_out, grad_in);
    for (int i = 0; i < node->n_in; i++) {
        if (tg_needs_grad(node, i))
            add_gradient(p, node->op->name, node->in[i], grad_in[i]);
    }
}

/* Walks back from `record`. After an error it only empties the slots. */
static void walk(pass *p, tg_record *record)
{
    for (; p->pending > 0; record = record->prev) {
        tg_tensor *t = record->node.out, *g = t->grad;
        if (!g || t->is_leaf || t->u.record != record)
            continue;
        t->grad = NULL;
        p->pending--;
        if (p->tape->status)
            continue;
        step(p, record, g);
        if (p->tape->status || p->graph)
            continue;
        unpin(g);
        release_temporaries(p->tape);
    }
}

/* What can still fail, before the gradients of leaves change. */
static void add_former_gradients(pass *p)
{
    for (tg_tensor *t = p->leaves; t && p->graph; t = t->u.leaf->next) {
        tg_tensor *former = tg_leaf_grad(t);
        if (former && !p->tape->status)
            t->grad = tg_accumulate(former, t->grad);
    }
}

static void commit(const pass *p, tg_tensor *t)
{
    tg_leaf *leaf = t->u.leaf;
    if (p->graph) {
        tg_tensor_copy(leaf->value, t->grad);
        leaf->graph_epoch = t->grad->head.epoch;
    } else if (t->grad != leaf->value) {
        tg_leaf_settle(t);
        tg_accumulate_into(leaf->value, t->grad);
    }
    leaf->graph = p->graph ? t->grad : NULL;
    leaf->value->storage->version++;
    leaf->present = true;
}

static void finish_leaves(pass *p)
{
    add_former_gradients(p);
    for (tg_tensor *t = p->leaves; t; t = t->u.leaf->next) {
        if (!p->tape->status)
            commit(p, t);
        t->grad = NULL;
    }
}

/* The gradient of the output itself: as given, or 1. */
static tg_tensor *seed(const tg_tensor *out, tg_tensor *grad_out)
{
    tg_tape *tape = tg_tape_in(out);
    if (!grad_out)
        return tg_ones(tape, out->ndim, out->dims, out->dtype);
    if (!tape->recycling)
        return grad_out;
    /* A copy: grad_out may be a dropped gradient, whose memory the pass writes to. */
    tg_tensor *g =
        tg_tensor_new(tape, "backward", grad_out->dtype, (tg_dims){grad_out->ndim, grad_out->dims});
    if (g)
        tg_tensor_copy(g, grad_out);
    return g;
}

static bool check(const tg_tensor *out, const tg_tensor *grad_out)
{
    tg_tape *tape = tg_tape_in(out);
    TG_CHECK(tape, !tape->recycling, TG_ESTATE, "backward: called during a backward pass");
    TG_CHECK(tape, out->requires_grad, TG_ESTATE,
             "backward: %s %s does not require a gradient: no leaf behind it does, or it was "
             "computed while gradients were disabled",
             tg_dtype_name(out->dtype), tg_shape_of(out).chars);
    if (!grad_out) {
        TG_CHECK(tape, out->numel == 1, TG_ESHAPE,
                 "backward: %s is not a scalar, so its gradient must be given",
                 tg_shape_of(out).chars);
        return true;
    }
    if (!tg_alive(grad_out, "backward"))
        return false;
    TG_CHECK(tape, tg_tape_in(grad_out) == tape, TG_EVALUE,
             "backward: output and gradient are of different tapes");
    TG_CHECK(tape, grad_out->dtype == out->dtype, TG_EDTYPE,
             "backward: gradient %s for an output %s", tg_dtype_name(grad_out->dtype),
             tg_dtype_name(out->dtype));
    TG_CHECK(tape, tg_shape_equal(tg_dims_of(out), tg_dims_of(grad_out)), TG_ESHAPE,
             "backward: gradient %s for an output %s", tg_shape_of(grad_out).chars,
             tg_shape_of(out).chars);
    return true;
}

tg_status tg_backward_with(tg_tensor *out, tg_tensor *grad_out, const tg_backward_opts *opts)
{
    if (!out)
        return TG_EVALUE;
    if (!tg_alive(out, "backward"))
        return TG_ESTATE;
    tg_tape *tape = tg_tape_in(out);
    if (tape->status || !check(out, grad_out))
        return tape->status ? tape->status : TG_ESTATE;
    pass p = {.tape = tape, .graph = opts && opts->create_graph};
    begin(&p);
    add_gradient(&p, "backward", out, seed(out, grad_out));
    if (!tape->status)
        release_temporaries(tape);
    if (!out->is_leaf)
        walk(&p, out->u.record);
    finish_leaves(&p);
    end(&p);
    return tape->status;
}

tg_status tg_backward(tg_tensor *loss)
{
    return tg_backward_with(loss, NULL, NULL);
}

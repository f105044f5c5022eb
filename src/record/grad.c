/* Leaves and kept gradients, see grad.h. Relies on map.h and step.c. */
#include "record/grad.h"

#include "kernels/loops.h"

TGK_LOOP2(accumulate_f32, float, float, x + y);
TGK_LOOP2(accumulate_f64, double, double, x + y);

const tgk_loops tg_accumulate_loops[TG_DTYPES] = {accumulate_f32, accumulate_f64};

/* to = from, or to += from, without recording. */
static void write_to(tg_tensor *to, tg_tensor *from, bool add)
{
    tg_tensor *in[] = {to, from};
    if (add)
        tg_map(to, in, 2, tg_loop_of(to, tg_accumulate_loops[tg_at(to)->dtype]), NULL);
    else
        tg_tensor_copy(to, from);
    tg_at(to)->owner->version++;
}

tg_holder *tg_holder_of(const tg_tensor *t)
{
    const void *holder = tg_at(t)->holder;
    return holder && tg_slot_alive(holder) ? tg_slot_of(holder) : NULL;
}

tg_tensor *tg_held_grad(tg_holder *holder)
{
    if (!holder || !holder->present)
        return NULL;
    if (holder->graph && !tg_slot_alive(holder->graph))
        holder->graph = NULL; /* before its slot was used so often that it seems alive */
    return holder->graph && !tg_at(holder->graph)->released ? holder->graph : holder->value;
}

void tg_holder_settle(tg_holder *holder)
{
    tg_tensor *shown = tg_held_grad(holder);
    if (shown != holder->value)
        write_to(holder->value, shown, false);
}

/* --- what a pass does, done again --- */

static void copy_forward(tg_node *node)
{
    write_to(node->out, node->in[0], false);
}

static void add_forward(tg_node *node)
{
    write_to(node->out, node->in[0], true);
    tg_profile_moves(tg_tape_in(node->out), node->out, 1); /* read as well as written */
}

void tg_copy_again(tg_tensor *to, tg_tensor *from)
{
    static const tg_op op = {.name = "copy_grad", .forward = copy_forward};
    tg_do(tg_tape_in(to), &(tg_call){.op = &op, .n_in = 1, .in = &from, .in_place = to});
}

void tg_add_again(tg_tensor *to, tg_tensor *from)
{
    static const tg_op op = {.name = "accumulate", .forward = add_forward};
    tg_do(tg_tape_in(to), &(tg_call){.op = &op, .n_in = 1, .in = &from, .in_place = to});
}

typedef struct keeping {
    tg_holder *holder;
    bool graph;
} keeping;

/* Makes the gradient what is kept or, where something is kept and the pass is no graph, adds it. */
static void keep_forward(tg_node *node)
{
    const keeping *k = node->params;
    tg_tensor *value = k->holder->value, *g = node->in[0];
    bool add = k->holder->present && !k->graph;
    if (value && g != value) {
        tg_profile_moves(tg_slot_tape(&k->holder->head), value, add ? 3 : 2);
        if (add)
            tg_holder_settle(k->holder);
        write_to(value, g, add);
    }
    k->holder->graph = k->graph ? g : NULL;
    k->holder->present = true;
}

static tg_call keep_call(const keeping *k, tg_tensor *const *g)
{
    static const tg_op op = {.name = "keep_grad", .forward = keep_forward};
    return (tg_call){.op = &op, .n_in = 1, .in = g, .params = k, .params_size = sizeof *k};
}

void tg_keep_again(tg_holder *holder, tg_tensor *g, bool graph)
{
    tg_call call = keep_call(&(keeping){holder, graph}, &g);
    tg_do_now(tg_slot_tape(&holder->head), &call);
}

bool tg_note_keep(tg_holder *holder, tg_tensor *g, bool graph)
{
    tg_call call = keep_call(&(keeping){holder, graph}, &g);
    return tg_expect(holder, graph) && tg_note(tg_slot_tape(&holder->head), &call);
}

static void empty_forward(tg_node *node)
{
    tg_holder *holder = *(tg_holder *const *)node->params;
    holder->present = false;
    holder->graph = NULL;
}

bool tg_empty_again(tg_holder *holder)
{
    static const tg_op op = {.name = "zero_grad", .forward = empty_forward};
    tg_tape *tape = tg_slot_tape(&holder->head);
    holder->captured = tape->captures; /* the step drops it, whatever was there */
    return tg_do(tape, &(tg_call){.op = &op, .params = &holder, .params_size = sizeof holder});
}

/* --- leaves --- */

/* Reserves memory for t's gradient; not for that itself where it is the `graph`'s. */
static bool hold(tg_tensor *t, const char *name, bool graph)
{
    tg_tape *tape = tg_tape_in(t);
    tg_holder *holder = tg_tape_slot(tape, name);
    tg_tensor *value =
        holder && !graph ? tg_tensor_new(tape, name, tg_at(t)->dtype, tg_dims_of(t)) : NULL;
    if (!holder || !(value || graph))
        return false;
    if (value)
        tg_at(value)->kept = true;
    if (value && tg_at(t)->ndim == 2 && tg_at(t)->numel)
        tg_at(value)->u.touched =
            tgk_touched_in(tg_tape_body(tape, name, tgk_touched_size(tg_at(t)->dims[0])));
    *holder = (tg_holder){.head = holder->head, .value = value};
    tg_at(t)->holder = holder->head.self;
    return tg_empty_again(holder);
}

bool tg_request(tg_tensor *t, const char *name, bool graph)
{
    const tg_holder *listed = tg_holder_of(t);
    const void *former = tg_at(t)->holder;
    if (listed && listed->requested)
        return true;
    if (!hold(t, name, graph)) {
        tg_at(t)->holder = former;
        return false;
    }
    tg_its_holder(t)->requested = true;
    tg_its_holder(t)->former = former;
    return true;
}

tg_tensor *tg_tensor_leaf(tg_tape *tape, const char *name, tg_dims dims, int flags, void *data)
{
    if (tape->now.forward_of) {
        tg_doing outer = tg_inside_open(tape);
        tg_tensor *t = tg_tensor_over(tape, name, flags & 0xff, dims, data);
        tg_inside_close(tape, &outer);
        return t;
    }
    tg_mark start = tg_mark_here(tape);
    tg_tensor *t = tg_tensor_over(tape, name, flags & 0xff, dims, data);
    if (!t || !(flags & TG_REQUIRES_GRAD) || tg_at(t)->pooled)
        return t; /* inside a backward function nothing requires a gradient */
    tg_at(t)->requires_grad = tg_at(t)->is_leaf = true;
    if (hold(t, name, false))
        return t;
    tg_take_back(tape, start);
    return NULL;
}

/* --- what the user sees --- */

tg_tensor *tg_grad(const tg_tensor *t)
{
    return tg_known(t, "grad") ? tg_held_grad(tg_holder_of(t)) : NULL;
}

void tg_zero_grad(tg_tensor *t)
{
    tg_holder *holder = tg_known(t, "zero_grad") ? tg_holder_of(t) : NULL;
    if (holder && tg_outside(tg_tape_in(t), "zero_grad"))
        tg_empty_again(holder);
}

tg_status tg_retain_grad(tg_tensor *t)
{
    tg_status status = tg_check_tensor(t, "retain_grad");
    if (status || tg_holder_of(t))
        return status;
    tg_tape *tape = tg_tape_in(t);
    if (!tg_outside(tape, "retain_grad"))
        return TG_ESTATE;
    if (!tg_at(t)->requires_grad)
        return tg_fail(tape, TG_ESTATE, "retain_grad: %s does not require a gradient",
                       tg_shape_of(t).chars);
    tg_mark start = tg_mark_here(tape);
    if (!hold(t, "retain_grad", false))
        tg_take_back(tape, start);
    return tape->status;
}

/* Gradients that are kept for the user, see holder.h. Relies on accumulate.h and capture.h. */
#include "holder.h"

#include "accumulate.h"
#include "autograd.h"
#include "capture.h"

bool tg_tensor_hold(tg_tensor *t, const char *name)
{
    tg_tape *tape = tg_tape_in(t);
    tg_holder *holder = tg_tape_object(tape, name, TG_MAGIC_HOLDER, sizeof *holder);
    if (!holder)
        return false;
    tg_tensor *value = tg_tensor_new(tape, name, t->dtype, (tg_dims){t->ndim, t->dims});
    if (!value)
        return false;
    *holder = (tg_holder){.head = holder->head, .value = value};
    t->holder = holder;
    t->holder_epoch = holder->head.epoch;
    return tg_note_empty(holder);
}

tg_holder *tg_holder_of(const tg_tensor *t)
{
    tg_holder *holder = t->holder;
    bool alive =
        holder && tg_object_alive(holder, TG_MAGIC_HOLDER) && holder->head.epoch == t->holder_epoch;
    return alive ? holder : NULL;
}

tg_tensor *tg_held_grad(const tg_holder *holder)
{
    if (!holder || !holder->present)
        return NULL;
    bool recorded = holder->graph && tg_object_alive(holder->graph, TG_MAGIC_TENSOR) &&
                    holder->graph->head.epoch == holder->graph_epoch;
    return recorded ? holder->graph : holder->value;
}

void tg_holder_settle(tg_holder *holder)
{
    tg_tensor *shown = tg_held_grad(holder);
    if (!shown || shown == holder->value)
        return;
    tg_tensor_copy(holder->value, shown);
    holder->value->storage->version++;
}

tg_tensor *tg_grad(const tg_tensor *t)
{
    return tg_known(t, "grad") ? tg_held_grad(tg_holder_of(t)) : NULL;
}

void tg_zero_grad(tg_tensor *t)
{
    tg_holder *holder = tg_known(t, "zero_grad") ? tg_holder_of(t) : NULL;
    if (holder && !tg_tape_in(t)->reporting)
        tg_empty_again(holder);
}

void tg_holder_keep(tg_holder *holder, tg_tensor *g, bool graph)
{
    if (g != holder->value && (graph || !holder->present)) {
        tg_tensor_copy(holder->value, g);
    } else if (g != holder->value) {
        tg_holder_settle(holder);
        tg_accumulate_into(holder->value, g);
    }
    holder->graph = graph ? g : NULL;
    holder->graph_epoch = g->head.epoch;
    holder->value->storage->version++;
    holder->present = true;
}

tg_status tg_retain_grad(tg_tensor *t)
{
    tg_status status = tg_check_output(t);
    if (status || tg_holder_of(t))
        return status;
    tg_tape *tape = tg_tape_in(t);
    if (!t->requires_grad)
        return tg_fail(tape, TG_ESTATE, "retain_grad: %s does not require a gradient",
                       tg_shape_of(t).chars);
    tg_mark start = tg_tape_mark(tape);
    if (!tg_tensor_hold(t, "retain_grad"))
        tg_tape_rewind(tape, start);
    return tape->status;
}

/* tg_gradients(): gradients of chosen tensors, which are kept apart. Relies on pass.h. */
#include "backward/pass.h"

static bool check_inputs(tg_tape *tape, tg_tensor *const *inputs, size_t n, tg_tensor **grads)
{
    TG_CHECK(tape, inputs && grads && n, TG_EVALUE, "gradients: no inputs or no results");
    if (!tg_check_list(tape, "gradients", "input", inputs, n))
        return false;
    for (size_t i = 0; i < n; i++)
        TG_CHECK(tape, tg_at(inputs[i])->requires_grad, TG_ESTATE,
                 "gradients: input %zu %s does not require a gradient", i,
                 tg_shape_of(inputs[i]).chars);
    return true;
}

tg_status tg_gradients(tg_tensor *out, tg_tensor *grad_out, tg_tensor *const *inputs, size_t n,
                       tg_tensor **grads, const tg_backward_opts *opts)
{
    for (size_t i = 0; grads && i < n; i++)
        grads[i] = NULL;
    tg_status status = tg_check_tensor(out, "gradients");
    if (status)
        return status;
    tg_tape *tape = tg_tape_in(out);
    bool graph = opts && opts->create_graph;
    /* A function that gradcheck checks may consist of gradients, but not leave any. */
    bool checked = tape->calling && !tape->now.forward_of && !tape->backward_of;
    if (!(checked && graph) && !tg_outside(tape, "gradients"))
        return tape->status;
    const char *outer = tape->speaker;
    tape->speaker = outer ? outer : "gradients";
    tg_mark start = tg_mark_here(tape);
    size_t held = 0;
    if (check_inputs(tape, inputs, n, grads) && tg_check_backward(out, grad_out)) {
        while (held < n && tg_request(inputs[held], "gradients", graph))
            held++;
        if (held == n)
            tg_backward_run(out, grad_out, opts, true);
    }
    tape->speaker = outer;
    for (size_t i = 0; i < held && !tape->status; i++)
        grads[i] = tg_held_grad(tg_its_holder(inputs[i]));
    for (size_t i = 0; i < held; i++) { /* where gradients are kept is as before */
        const tg_holder *holder = tg_holder_of(inputs[i]);
        if (holder && holder->requested)
            tg_at(inputs[i])->holder = holder->former;
    }
    if (tape->status)
        tg_take_back(tape, start);
    return tape->status;
}

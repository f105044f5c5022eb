/* tg_gradients(): gradients of chosen tensors, that are not kept. Relies on pass.h. */
#include "backward/pass.h"
#include "record/apply.h"

static bool check_request(const tg_tensor *out, const tg_request *r)
{
    tg_tape *tape = tg_tape_in(out);
    TG_CHECK(tape, r->inputs && r->grads && r->n, TG_EVALUE, "gradients: no inputs or no results");
    if (!tg_check_list(tape, "gradients", "input", r->inputs, r->n))
        return false;
    for (size_t i = 0; i < r->n; i++)
        TG_CHECK(tape, tg_at(r->inputs[i])->requires_grad, TG_ESTATE,
                 "gradients: input %zu %s does not require a gradient", i,
                 tg_shape_of(r->inputs[i]).chars);
    return true;
}

/* Room for the results of a pass that leaves nothing else behind. */
static bool make_room(tg_tape *tape, tg_request *r, bool graph)
{
    r->found = tg_tape_data(tape, "gradients", r->n * sizeof *r->found);
    for (size_t i = 0; r->found && i < r->n; i++) {
        const tg_tensor *t = r->inputs[i];
        r->found[i] = false;
        r->grads[i] =
            graph ? NULL : tg_tensor_new(tape, "gradients", tg_at(t)->dtype, tg_dims_of(t));
        if (!graph && !r->grads[i])
            return false;
    }
    return r->found;
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
    tg_request r = {inputs, n, grads, NULL};
    bool graph = opts && opts->create_graph;
    /* A function that gradcheck checks may consist of gradients, but not leave any. */
    bool checked = tape->calling && !tape->forward_of && !tape->backward_of;
    if (!(checked && graph) && !tg_outside(tape, "gradients"))
        return tape->status;
    const char *outer = tape->speaker;
    tape->speaker = outer ? outer : "gradients";
    bool good = check_request(out, &r) && tg_check_backward(out, grad_out);
    tg_mark start = tg_mark_here(tape);
    if (good && make_room(tape, &r, graph))
        tg_backward_run(out, grad_out, opts, &r);
    tape->speaker = outer;
    for (size_t i = 0; i < n; i++) {
        if (grads && (tape->status || !r.found[i]))
            grads[i] = NULL;
    }
    if (tape->status)
        tg_take_back(tape, start);
    return tape->status;
}

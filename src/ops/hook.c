/* hook_grad: a view whose gradient goes through a function of the user's. */
#include "ops/check.h"

typedef struct hooking {
    tg_grad_hook hook;
    void *context;
} hooking;

static void hook_backward(tg_node *node, tg_tensor *g, tg_tensor **grad_in)
{
    const hooking *h = node->params;
    if (!tg_uncaptured(tg_node_tape(node), "hook_grad")) /* replays would not call it */
        return;
    tg_tensor *other = h->hook(g, h->context);
    if (other && !tg_shape_equal(tg_dims_of(other), tg_dims_of(g)))
        tg_fail(tg_node_tape(node), TG_ESHAPE, "hook_grad: the hook gave %s for a gradient %s",
                tg_shape_of(other).chars, tg_shape_of(g).chars);
    else
        grad_in[0] = other ? other : g;
}

static const tg_op hook_op = {.name = "hook_grad", .backward = hook_backward};

tg_tensor *tg_hook_grad(tg_tensor *x, tg_grad_hook hook, void *context)
{
    if (!tg_check_inputs(&hook_op, 1, &x) || !tg_uncaptured(tg_tape_in(x), "hook_grad"))
        return NULL;
    TG_CHECK(tg_tape_in(x), hook, TG_EVALUE, "hook_grad: the hook is NULL");
    hooking h = {hook, context};
    return tg_apply(&(tg_call){.op = &hook_op,
                               .n_in = 1,
                               .in = &x,
                               .dtype = tg_at(x)->dtype,
                               .ndim = tg_at(x)->ndim,
                               .dims = tg_at(x)->dims,
                               .view_of = x,
                               .strides = tg_strides(x),
                               .params = &h,
                               .params_size = sizeof h});
}

/* Actions of the API fuzzer: backward passes of all kinds. */
#include "api.h"

#include <tinygrad/op.h>

/* Notes the gradients of all that there is. */
static void note_grads(world *w)
{
    for (int i = 0; i < w->here->count[TENSORS]; i++) {
        tg_tensor *t = w->here->shelf[TENSORS][i].p, *g = tg_grad(t);
        if (!g)
            continue;
        note_tensor(w, g);
        if (once_in(w, 4))
            keep_tensor(w, g);
    }
}

/* The last result of many is most likely a loss. */
static tg_tensor *pick_out(world *w)
{
    tg_tensor *best = pick_tensor(w);
    for (int i = 0; i < 3 && best && !tg_requires_grad(best); i++)
        best = pick_tensor(w);
    return best;
}

/* Unless this pass succeeds, they stay as they are. */
static void expect_grads(world *w, const tg_backward_opts *opts)
{
    if (!tg_error(w->here->tape) && !(opts && opts->release_since))
        w->grads = sum_of_grads(w);
}

static void backward(world *w)
{
    tg_tensor *out = pick_out(w);
    expect_grads(w, NULL);
    note(w, tg_backward(out));
    note_grads(w);
}

/* A gradient for `out` that fits it, or one that does not. */
static tg_tensor *draw_upstream(world *w, const tg_tensor *out)
{
    uint32_t how = draw(w, 8);
    if (!out || how == 0)
        return NULL;
    if (how == 1)
        return pick_tensor(w);
    int flags = tg_dtype(out) | (how == 2 && tg_dtype(out) <= TG_F64 ? TG_REQUIRES_GRAD : 0);
    return tg_full(tg_tape_of(out), tg_ndim(out), tg_sizes(out), draw_scalar(w), flags);
}

static const tg_backward_opts *draw_opts(world *w, tg_backward_opts *opts)
{
    *opts = (tg_backward_opts){.create_graph = once_in(w, 3)};
    thing *m = once_in(w, 4) ? pick_any(w, MARKS) : NULL;
    if (m && !w->how->careful)
        opts->release_since = &m->mark;
    w->once |= opts->release_since != NULL; /* what it came through is given back even so */
    return once_in(w, 8) ? NULL : opts;
}

static void backward_with(world *w)
{
    tg_backward_opts opts;
    tg_tensor *out = pick_out(w), *upstream = draw_upstream(w, out);
    if (out && tg_error(tg_tape_of(out)))
        return;
    const tg_backward_opts *o = draw_opts(w, &opts);
    expect_grads(w, o);
    note(w, tg_backward_with(out, upstream, o));
    note_grads(w);
}

static void gradients(world *w)
{
    tg_backward_opts opts;
    tg_tensor *out = pick_out(w), *upstream = draw_upstream(w, out), *in[3], *grads[3];
    size_t n = draw(w, 4);
    for (size_t i = 0; i < n; i++)
        in[i] = grads[i] = pick_out(w);
    if (out && tg_error(tg_tape_of(out)))
        return;
    const tg_backward_opts *o = draw_opts(w, &opts);
    expect_grads(w, o);
    tg_status status = tg_gradients(out, upstream, in, n, grads, o);
    note(w, status);
    for (size_t i = 0; i < n; i++) {
        REQUIRE(w, !status || !grads[i], "a gradient and an error");
        note_tensor(w, grads[i]);
        keep_tensor(w, grads[i]);
    }
}

static void zero_grad(world *w)
{
    tg_zero_grad(pick_tensor(w));
}

static void retain_grad(world *w)
{
    w->says = "retain_grad";
    note(w, tg_retain_grad(pick_tensor(w)));
}

static void detach(world *w)
{
    tg_tensor *t = tg_detach(pick_tensor(w));
    w->says = "detach";
    note_tensor(w, t);
    keep_tensor(w, t);
}

const action api_gradients[] = {{"backward", backward, 10, 0},
                                {"backward_with", backward_with, 10, 0},
                                {"gradients", gradients, 6, 0},
                                {"zero_grad", zero_grad, 3, 0},
                                {"retain_grad", retain_grad, 3, 0},
                                {"detach", detach, 2, 0},
                                {0}};

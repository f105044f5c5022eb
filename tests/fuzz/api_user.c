/* Actions of the API fuzzer: functions of the program's own that the library calls. */
#include "api.h"

#include <tinygrad/op.h>

typedef struct scaling {
    double factor;
    uint8_t how, evil;
} scaling;

enum {
    FAILS = 1,
    SAVES = 2,
    NO_GRADIENT = 4,
    WIDE = 8,
    FAILS_BACKWARD = 16,
    EVIL = 32,
    EVIL_BACKWARD = 64
};

static double value_at(const tg_tensor *t, int64_t i)
{
    const float *f32 = tg_f32(t);
    const double *f64 = tg_f64(t);
    return f32 ? (double)f32[i] : f64 ? f64[i] : 0;
}

static void set(void *data, int dtype, int64_t i, double value)
{
    if (dtype == TG_F32)
        ((float *)data)[i] = (float)value;
    else
        ((double *)data)[i] = value;
}

static tg_mark evil_mark; /* refused before it is looked at */

/* What would take away the ground that the caller stands on: refused, and named. */
static void misbehave(tg_tensor *t, uint8_t how)
{
    tg_tape *tape = tg_tape_of(t);
    tg_tensor *g;
    switch (how % 10) {
    case 0:
        tg_tape_rewind(tape, evil_mark);
        break;
    case 1:
        tg_clear_error(tape);
        break;
    case 2:
        tg_backward(t);
        break;
    case 3:
        tg_release(tape, evil_mark, NULL, 0);
        break;
    case 4:
        tg_checkpoint(tape, evil_mark, NULL, 0);
        break;
    case 5:
        tg_tape_replay(tape, evil_mark);
        break;
    case 6:
        tg_capture_begin(tape);
        break;
    case 7:
        tg_gradients(t, NULL, &t, 1, &g, NULL);
        break;
    case 8:
        tg_set_grad_enabled(tape, true);
        break;
    default:
        tg_zero_grad(t);
    }
}

static void scale_forward(tg_node *node)
{
    const scaling *s = node->params;
    void *out = tg_out_data(node), *saved = s->how & SAVES ? tg_data_mut(node->saved) : NULL;
    for (int64_t i = 0; i < tg_numel(node->out); i++) {
        double x = value_at(node->in[0], i);
        set(out, tg_dtype(node->out), i, x * s->factor);
        if (saved)
            set(saved, tg_dtype(node->saved), i, x + 1);
    }
    if (s->how & EVIL)
        misbehave(node->in[0], s->evil);
    if (s->how & FAILS)
        tg_fail(tg_tape_of(node->out), TG_EVALUE, "scale: fails on purpose");
}

static void scale_backward(tg_node *node, tg_tensor *grad_out, tg_tensor **grad_in)
{
    const scaling *s = node->params;
    if (s->how & EVIL_BACKWARD)
        misbehave(node->in[0], s->evil);
    if (s->how & FAILS_BACKWARD)
        tg_fail(tg_tape_of(grad_out), TG_EVALUE, "scale: fails on purpose, backward");
    if (s->how & NO_GRADIENT || !tg_needs_grad(node, 0))
        return;
    grad_in[0] = tg_mul_scalar(grad_out, s->factor);
    if (s->how & WIDE && tg_ndim(grad_in[0]) < 4) /* it is summed down */
        grad_in[0] = tg_stack((tg_tensor *[]){grad_in[0], grad_out}, 2, 0);
}

static const tg_op scale_op = {"scale", scale_forward, scale_backward, {TG_READS_NOTHING}};

static void scale(world *w)
{
    tg_tensor *x = pick_tensor(w), *in[] = {x ? tg_contiguous(x) : NULL, NULL};
    scaling s = {draw_scalar(w), (uint8_t)draw(w, 128), (uint8_t)draw(w, 10)};
    thing *m = pick(w, MARKS);
    if (!tg_check_inputs(&scale_op, 1, in) || tg_dtype(x) > TG_F64)
        return;
    w->says = s.how & EVIL ? NULL : "scale";
    if (m)
        evil_mark = m->mark;
    tg_tensor *y = tg_apply(&(tg_call){.op = &scale_op,
                                       .n_in = 1 + (int)draw(w, 2),
                                       .in = in,
                                       .dtype = tg_dtype(x),
                                       .ndim = tg_ndim(x),
                                       .dims = tg_sizes(x),
                                       .params = &s,
                                       .params_size = sizeof s,
                                       .saved_numel = s.how & SAVES ? tg_numel(x) : 0,
                                       .saved_dtype = (int)draw(w, 2)});
    REQUIRE(w, !y || !(s.how & FAILS), "a result of an operation that failed");
    note_tensor(w, y);
    keep_tensor(w, y);
}

static void swap_backward(tg_node *node, tg_tensor *grad_out, tg_tensor **grad_in)
{
    if (tg_needs_grad(node, 0))
        grad_in[0] = tg_transpose(grad_out, 0, tg_ndim(grad_out) - 1);
}

static const tg_op swap_op = {"swap", NULL, swap_backward, {TG_READS_NOTHING}};

/* A view with the first and the last dim exchanged. */
static void swap(world *w)
{
    tg_tensor *x = pick_tensor(w), *in[] = {x};
    int64_t dims[TG_MAX_NDIM], strides[TG_MAX_NDIM];
    int ndim = tg_ndim(x);
    w->says = "swap";
    if (!tg_check_inputs(&swap_op, 1, in) || ndim < 1)
        return;
    for (int i = 0; i < ndim; i++) {
        int from = i == 0 ? ndim - 1 : i == ndim - 1 ? 0 : i;
        dims[i] = tg_size(x, from);
        strides[i] = tg_stride(x, from);
    }
    tg_tensor *y = tg_apply(&(tg_call){.op = &swap_op,
                                       .n_in = 1,
                                       .in = in,
                                       .dtype = tg_dtype(x),
                                       .ndim = ndim,
                                       .dims = dims,
                                       .view_of = x,
                                       .strides = strides});
    note_tensor(w, y);
    keep_tensor(w, y);
}

/* --- gradcheck --- */

static tg_tensor *cube(tg_tensor *const *in, size_t n, void *context)
{
    tg_tensor *y = tg_mul(in[0], tg_tanh(in[n - 1]));
    return *(int *)context % 2 ? tg_sum(y) : y;
}

static void gradcheck(world *w)
{
    int how = (int)draw(w, 16);
    tg_tensor *in[2];
    size_t n = 1 + draw(w, 2);
    for (size_t i = 0; i < n; i++)
        in[i] = how < 12 ? tg_full(w->here->tape, TG_DIMS(2), 0.1 + 0.3 * draw(w, 8),
                                   TG_F64 | TG_REQUIRES_GRAD)
                         : pick_tensor(w);
    for (size_t i = 0; i < n; i++) {
        if (in[i] && tg_numel(in[i]) > 4)
            return;
    }
    tg_gradcheck_opts opts = {.second_order = draw(w, 2)};
    if (!tg_error(w->here->tape))
        note(w, tg_gradcheck(cube, &how, in, n, &opts));
}

const action api_user[] = {
    {"scale", scale, 5, 0}, {"swap", swap, 2, 0}, {"gradcheck", gradcheck, 1, 0}, {0}};

/* Gradients clipped in place, by their common norm or element by element. Nothing is recorded and
 * nothing is allocated. Relies on apply.h; gradients that a leaf keeps are contiguous. */
#include "ops/option.h"
#include "ops/touched.h"
#include "record/apply.h"
#include "record/grad.h"

#include <limits.h>
#include <math.h>
#include <tinygrad/train.h>

/* Sums are kept in this many parts, so that one addition need not wait for the last. */
enum { LANES = 8 };

/* TG_OK, or what is wrong with the list; where there is a tape to tell, it has been told. */
static tg_status check(tg_tensor *const *params, size_t n, const tg_op *op)
{
    if (!params || n > INT_MAX)
        return TG_EVALUE;
    if (tg_check_inputs(op, (int)n, params))
        return tg_outside(tg_tape_in(params[0]), op->name) ? TG_OK : TG_ESTATE;
    tg_status status = TG_EVALUE;
    for (size_t i = 0; i < n; i++) {
        if (params[i] && tg_slot_alive(params[i]))
            return tg_tape_in(params[i])->status;
        if (params[i])
            status = TG_ESTATE;
    }
    return status;
}

/* Gives each parameter that holds a gradient its number in the list, the first one where it is listed
 * several times. */
static void number(tg_tensor *const *params, size_t n)
{
    for (size_t i = n; i-- > 0;) {
        tg_holder *holder = tg_holder_of(params[i]);
        if (holder)
            holder->listed = i;
    }
}

/* What parameter i of those numbered holds; NULL: nothing, or it stood in the list before. A recorded
 * gradient (create_graph) is taken over as plain numbers: what was recorded would have another
 * value. */
static tg_tensor *gradient(tg_tensor *const *params, size_t i)
{
    tg_holder *holder = tg_holder_of(params[i]);
    if (!holder || !holder->present || holder->listed != i)
        return NULL;
    tg_holder_settle(holder);
    holder->graph = NULL;
    return holder->value;
}

static double at(const tg_tensor *g, int64_t i)
{
    return tg_at(g)->dtype == TG_F32 ? (double)((const float *)(const void *)tg_at(g)->data)[i]
                                     : ((const double *)(const void *)tg_at(g)->data)[i];
}

static void put(tg_tensor *g, int64_t i, double value)
{
    if (tg_at(g)->dtype == TG_F32)
        ((float *)(void *)tg_at(g)->data)[i] = (float)value;
    else
        ((double *)(void *)tg_at(g)->data)[i] = value;
}

static double largest(const tg_tensor *g)
{
    double most = 0;
    bool any_nan = false;
    for (tg_span s = tg_next_span(g, 0); s.from < s.to; s = tg_next_span(g, s.to)) {
        for (int64_t i = s.from; i < s.to; i++) {
            double size = fabs(at(g, i));
            most = size > most ? size : most;
            any_nan |= isnan(size);
        }
    }
    return any_nan ? (double)NAN : most;
}

static double power(double x, double p)
{
    if (p == 2)
        return x * x;
    return p == 1 ? fabs(x) : pow(fabs(x), p);
}

/* Adds those of some elements to the lanes, element i to lane i % LANES. */
static void add_powers(const tg_tensor *g, double p, tg_span s, double *lane)
{
    int64_t i = s.from;
    for (; i < s.to && i % LANES; i++)
        lane[i % LANES] += power(at(g, i), p);
    for (; i + LANES <= s.to; i += LANES) {
        for (int k = 0; k < LANES; k++)
            lane[k] += power(at(g, i + k), p);
    }
    for (; i < s.to; i++)
        lane[i % LANES] += power(at(g, i), p);
}

static double power_sum(const tg_tensor *g, double p)
{
    double lane[LANES] = {0};
    for (tg_span s = tg_next_span(g, 0); s.from < s.to; s = tg_next_span(g, s.to))
        add_powers(g, p, s, lane);
    for (int k = 1; k < LANES; k++)
        lane[0] += lane[k];
    return lane[0];
}

static double total_norm(tg_tensor *const *params, size_t n, double p)
{
    double total = 0;
    number(params, n);
    for (size_t i = 0; i < n; i++) {
        const tg_tensor *g = gradient(params, i);
        double part = !g ? 0 : isinf(p) ? largest(g) : power_sum(g, p);
        if (!isinf(p))
            total += part;
        else if (part > total || isnan(part))
            total = part;
        if (isnan(total))
            break;
    }
    if (isinf(p) || p == 1)
        return total;
    return p == 2 ? sqrt(total) : pow(total, 1 / p);
}

/* Written to even where nothing changes, as PyTorch counts it. */
static void shrink(tg_tensor *g, double scale)
{
    if (!g)
        return;
    if (isnan(scale)) /* and so will all elements be */
        tg_at(g)->version++;
    for (tg_span s = tg_next_span(g, 0); s.from < s.to; s = tg_next_span(g, s.to)) {
        for (int64_t i = s.from; i < s.to && !(scale >= 1); i++)
            put(g, i, at(g, i) * scale);
    }
    tg_rewrote_spans(g);
}

static void limit(tg_tensor *g, double value)
{
    if (!g)
        return;
    for (tg_span s = tg_next_span(g, 0); s.from < s.to; s = tg_next_span(g, s.to)) {
        for (int64_t i = s.from; i < s.to; i++) {
            double x = at(g, i);
            x = x > value ? value : x;
            put(g, i, x < -value ? -value : x);
        }
    }
    tg_rewrote_spans(g);
}

/* During a capture: a replay clips again. */
typedef struct clip_params {
    double most, norm_type;
    double total; /* what there was to clip: forward writes it here */
} clip_params;

/* What clipping the gradients of n tensors is. */
static tg_call call_of(const tg_op *op, tg_tensor *const *params, size_t n, const clip_params *p)
{
    return (tg_call){.op = op, .in = params, .n_in = (int)n, .params = p, .params_size = sizeof *p};
}

static void norm_forward(tg_node *node)
{
    clip_params *p = (clip_params *)(uintptr_t)node->params;
    size_t n = (size_t)node->n_in;
    double total = total_norm(node->in, n, p->norm_type), scale = p->most / (total + 1e-6);
    for (size_t i = 0; i < n; i++) {
        tg_tensor *g = gradient(node->in, (size_t)i);
        shrink(g, scale);
        tg_profile_moves(tg_tape_in(node->in[i]), g, scale >= 1 ? 1 : 3);
    }
    p->total = total;
}

static void value_forward(tg_node *node)
{
    const clip_params *p = node->params;
    number(node->in, (size_t)node->n_in);
    for (int i = 0; i < node->n_in; i++) {
        tg_tensor *g = gradient(node->in, (size_t)i);
        limit(g, p->most);
        tg_profile_moves(tg_tape_in(node->in[i]), g, 2);
    }
}

double tg_clip_grad_norm(tg_tensor *const *params, size_t n, double max_norm, double norm_type)
{
    TGK_IN_RIGHT_MODES(double, tg_clip_grad_norm(params, n, max_norm, norm_type));
    static const tg_op op = {.name = "clip_grad_norm", .forward = norm_forward};
    double p = tg_option(norm_type, 2);
    if (n == 0)
        return 0;
    if (check(params, n, &op))
        return (double)NAN;
    tg_tape *tape = tg_tape_in(params[0]);
    if (!(max_norm >= 0))
        tg_fail(tape, TG_EVALUE, "clip_grad_norm: max_norm %g is not >= 0", max_norm);
    else if (!(p > 0))
        tg_fail(tape, TG_EVALUE, "clip_grad_norm: norm_type %g is not > 0", p);
    clip_params clip = {max_norm, p, (double)NAN};
    tg_call call = call_of(&op, params, n, &clip);
    if (!tape->status)
        tg_do(tape, &call);
    return clip.total;
}

tg_status tg_clip_grad_value(tg_tensor *const *params, size_t n, double value)
{
    TGK_IN_RIGHT_MODES(tg_status, tg_clip_grad_value(params, n, value));
    static const tg_op op = {.name = "clip_grad_value", .forward = value_forward};
    if (n == 0)
        return TG_OK;
    tg_status status = check(params, n, &op);
    if (status)
        return status;
    tg_tape *tape = tg_tape_in(params[0]);
    if (!(value >= 0))
        return tg_fail(tape, TG_EVALUE, "clip_grad_value: value %g is not >= 0", value);
    tg_call call = call_of(&op, params, n, &(clip_params){.most = value});
    tg_do(tape, &call);
    return tape->status;
}

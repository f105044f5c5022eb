/* Gradients clipped in place, by their common norm or element by element. Nothing is recorded and
 * nothing is allocated. Relies on grad.h and fold.h; gradients that a leaf keeps are contiguous. */
#include "kernels/fold.h"
#include "kernels/loops.h"
#include "kernels/sizes.h"
#include "ops/option.h"
#include "ops/touched.h"
#include "record/grad.h"

#include <limits.h>
#include <math.h>
#include <string.h>
#include <tinygrad/train.h>

/* Sums of powers are kept in this many parts, so that one addition need not wait for the last. */
enum { LANES = 8 };
/* Squares are added up in blocks that are counted from a gradient's beginning, so many together: what is known to be
 * zero is left out, and changes no bit. */
enum { BLOCK = 1 << 12, BLOCKS = 64 };

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

static void take_sums(const tgk_fold *fold, int64_t at, int64_t count, const tgk_compensated *sums)
{
    memcpy((tgk_compensated *)fold->out + at, sums, (size_t)count * sizeof *sums);
}

/* Of `count` blocks of n elements. */
static tgk_compensated add_squares(tgk_compensated all, const tg_tensor *g, int64_t from,
                                   int64_t count, int64_t n)
{
    tg_tape *tape = tg_tape_in(g);
    tgk_compensated sums[BLOCKS];
    const tgk_fold fold = {.kind = TGK_FOLD_SQUARES,
                           .outer = count,
                           .n = n,
                           .inner = 1,
                           .x = tg_at(g)->data + from * (int64_t)tg_dtype_size(tg_at(g)->dtype),
                           .finish = take_sums,
                           .out = sums};
    tgk_fold_run(&tape->team, tape->isa, tg_at(g)->dtype, &fold);
    for (int64_t k = 0; k < count; k++)
        all = tgk_compensated_join(all, sums[k]);
    return all;
}

static double square_sum(const tg_tensor *g)
{
    const int64_t numel = tg_at(g)->numel;
    tgk_compensated all = {0, 0};
    int64_t at = 0; /* as far as they are added */
    for (tg_span s = tg_next_span(g, 0); s.from < s.to; s = tg_next_span(g, at)) {
        const int64_t first = s.from / BLOCK * BLOCK, end = (s.to + BLOCK - 1) / BLOCK * BLOCK;
        for (at = at > first ? at : first; at < tgk_least(end, numel);) {
            const int64_t blocks =
                tgk_least((numel - at) / BLOCK, tgk_least((end - at) / BLOCK, BLOCKS));
            all = blocks ? add_squares(all, g, at, blocks, BLOCK)
                         : add_squares(all, g, at, 1, numel - at);
            at = tgk_least(at + (blocks ? blocks : 1) * BLOCK, numel);
        }
    }
    return tgk_compensated_total(all);
}

static double total_norm(tg_tensor *const *params, size_t n, double p)
{
    double total = 0;
    number(params, n);
    for (size_t i = 0; i < n; i++) {
        const tg_tensor *g = gradient(params, i);
        double part = !g ? 0 : isinf(p) ? largest(g) : p == 2 ? square_sum(g) : power_sum(g, p);
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

#define NUMBER (*(const double *)params)
TGK_LOOP1_AS(scale_f32, float, float, double, x *NUMBER);
TGK_LOOP1_AS(scale_f64, double, double, double, x *NUMBER);
TGK_LOOP1_AS(limit_f32, float, float, double, x > NUMBER ? NUMBER : x < -NUMBER ? -NUMBER : x);
TGK_LOOP1_AS(limit_f64, double, double, double, x > NUMBER ? NUMBER : x < -NUMBER ? -NUMBER : x);

static const tgk_loops scale_loops[] = {scale_f32, scale_f64},
                       limit_loops[] = {limit_f32, limit_f64};

static void rewrite(tg_tensor *g, const tgk_loops *loops, double number)
{
    const size_t size = tg_dtype_size(tg_at(g)->dtype);
    const int64_t step = 1;
    for (tg_span s = tg_next_span(g, 0); s.from < s.to; s = tg_next_span(g, s.to)) {
        const int64_t n = s.to - s.from;
        char *from = tg_at(g)->data + s.from * (int64_t)size;
        tgk_nest nest = {.ndim = 1,
                         .operands = 2,
                         .sizes = &n,
                         .data = {from, from},
                         .strides = {&step, &step},
                         .size = {size, size},
                         .team = &tg_tape_in(g)->team};
        tgk_nest_run(&nest, tg_loop_of(g, loops[tg_at(g)->dtype]), &number);
    }
    tg_rewrote_spans(g);
}

/* Written to even where nothing changes, as PyTorch counts it. */
static void shrink(tg_tensor *g, double scale)
{
    if (isnan(scale)) /* and so will all elements be */
        tg_at(g)->version++;
    if (scale >= 1)
        tg_rewrote_spans(g);
    else
        rewrite(g, scale_loops, scale);
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
        if (g)
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
        if (g)
            rewrite(g, limit_loops, p->most);
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

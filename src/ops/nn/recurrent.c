/* The steps of LSTM and GRU as one operation. A pass that can be differentiated makes the gradients of
 * other operations, step by step. Relies on recurrent.h and kernels/recurrent.h. */
#include "ops/nn/recurrent.h"

#include "ops/check.h"

#include "kernels/recurrent.h"
#include "kernels/sum.h"
#include "ops/layout.h"
#include "ops/matmul.h"

#include <string.h>
#include <tinygrad/nn.h>

/* in: products of the inputs (steps, rows, gates * size). C0 is the LSTM's, BIAS the GRU's. */
enum { IN, WEIGHT, BIAS, H0, C0, LENGTHS, INPUTS };
/* Of the fused gradient. */
enum { G, STATES, KEPT, OF_WEIGHT, OF_LENGTHS, GRADIENT_INPUTS };

typedef struct params {
    bool gru, from_end;
    int64_t steps, rows, size, gates;
    unsigned wanted; /* backward: the inputs whose gradients are the outputs, as bits */
} params;

static int64_t plane_of(const params *p)
{
    return p->rows * p->size;
}

/* Planes of what forward keeps; the LSTM's c of all states are behind. */
static int64_t kept_planes(const params *p)
{
    return p->steps * (p->gru ? TGK_GRU_KEPT : TGK_LSTM_KEPT);
}

/* Plane number i of an array of them. */
static void *plane_at(const tg_node *node, void *data, int64_t i)
{
    const params *p = node->params;
    return (char *)data + i * plane_of(p) * (int64_t)tg_dtype_size(tg_at(node->out)->dtype);
}

/* What the kernels are told of a node, its states and what forward keeps. */
static tgk_recurrent arguments(tg_node *node, tg_tensor *states, tg_tensor *kept)
{
    const params *p = node->params;
    tgk_recurrent r = {.gru = p->gru,
                       .from_end = p->from_end,
                       .steps = p->steps,
                       .rows = p->rows,
                       .size = p->size,
                       .h = tg_at(states)->data,
                       .kept = tg_at(kept)->data};
    r.c = p->gru ? NULL : plane_at(node, r.kept, kept_planes(p));
    return r;
}

static bool check_lengths(const tg_node *node, const int64_t *lengths)
{
    const params *p = node->params;
    for (int64_t i = 0; lengths && i < p->rows; i++)
        TG_CHECK(tg_node_tape(node), lengths[i] >= 1 && lengths[i] <= p->steps, TG_EVALUE,
                 "%s: length %lld of row %lld, wanted 1 to %lld", node->op->name,
                 (long long)lengths[i], (long long)i, (long long)p->steps);
    return true;
}

/* The data of optional input i. */
static const void *optional_data(tg_node *node, int i)
{
    return node->in[i] ? tg_contiguous_data(node, node->in[i]) : NULL;
}

static void put_plane(const tg_node *node, void *to, const void *from)
{
    const params *p = node->params;
    size_t size = (size_t)plane_of(p) * tg_dtype_size(tg_at(node->out)->dtype);
    if (from)
        memcpy(to, from, size);
    else
        memset(to, 0, size);
}

static void forward(tg_node *node)
{
    enum { PACKING_PAYS = 4 };
    tg_tape *tape = tg_node_tape(node);
    const params *p = node->params;
    const size_t size = tg_dtype_size(tg_at(node->out)->dtype);
    tgk_recurrent r = arguments(node, node->out, node->saved);
    r.in = tg_contiguous_data(node, node->in[IN]);
    r.weight = tg_contiguous_data(node, node->in[WEIGHT]);
    r.bias = optional_data(node, BIAS);
    r.lengths = optional_data(node, LENGTHS);
    const void *h0 = optional_data(node, H0), *c0 = optional_data(node, C0);
    r.own = tg_workspace(node, (uint64_t)plane_of(p) * (uint64_t)p->gates * size);
    if (p->steps >= PACKING_PAYS)
        r.packed = tg_workspace(node, tgk_recurrent_packed(&r, size));
    if (tape->status || !plane_of(p) || !check_lengths(node, r.lengths))
        return;
    const int64_t first = p->from_end ? p->steps : 0;
    put_plane(node, plane_at(node, r.h, first), h0);
    if (!p->gru)
        put_plane(node, plane_at(node, r.c, first), c0);
    tgk_recurrent_forward(&tape->team, tape->isa, tg_at(node->out)->dtype, &r);
    if (!p->gru)
        put_plane(node, plane_at(node, r.h, p->steps + 1), plane_at(node, r.c, p->steps - first));
}

/* --- the fused gradient --- */

/* The sum of `down` over all steps and rows. */
static void sum_rows(tg_node *node, const tgk_recurrent *r, void *out)
{
    tg_tape *tape = tg_node_tape(node);
    const params *p = node->params;
    tgk_sum(&tape->team, tape->isa, tg_at(node->out)->dtype,
            &(tgk_sum_args){.out = out,
                            .x = r->down,
                            .outer = 1,
                            .n = p->steps * p->rows,
                            .inner = p->gates * p->size,
                            .divisor = 1});
}

static void multiply_weight(tg_node *node, const tgk_recurrent *r, void *out)
{
    const params *p = node->params;
    const int64_t width = p->gates * p->size;
    tg_multiply(node, &(tgk_gemm_args){.m = width,
                                       .n = p->size,
                                       .k = p->steps * p->rows,
                                       .a = {r->down, 1, width},
                                       .b = {plane_at(node, r->h, p->from_end), p->size, 1},
                                       .c = out});
}

/* Makes those of the inputs' products of `down`, which is read no more. */
static void put_new(tg_node *node, const tgk_recurrent *r)
{
    const params *p = node->params;
    const size_t bytes = (size_t)p->size * tg_dtype_size(tg_at(node->out)->dtype);
    const char *from = r->of_new;
    char *to = (char *)r->down + (TGK_GRU_GATES - 1) * bytes;
    for (int64_t i = 0; i < p->steps * p->rows; i++, from += bytes, to += TGK_GRU_GATES * bytes)
        memcpy(to, from, bytes);
}

static void *or_workspace(tg_node *node, void *data, int64_t planes)
{
    const params *p = node->params;
    const size_t size = tg_dtype_size(tg_at(node->out)->dtype);
    return data ? data : tg_workspace(node, (uint64_t)(planes * plane_of(p)) * size);
}

static void gradient_forward(tg_node *node)
{
    tg_tape *tape = tg_node_tape(node);
    const params *p = node->params;
    void *out[INPUTS];
    tg_wanted_data(node, p->wanted, INPUTS, out);
    tgk_recurrent r = arguments(node, node->in[STATES], node->in[KEPT]);
    char *g = tg_at(node->in[G])->data; /* put together of those of planes, and in order */
    r.gh = g;
    r.gc = p->gru ? NULL : plane_at(node, g, p->steps + 1);
    r.weight = tg_contiguous_data(node, node->in[OF_WEIGHT]);
    r.lengths = optional_data(node, OF_LENGTHS);
    r.down = or_workspace(node, out[IN], p->steps * p->gates);
    r.of_new = p->gru ? or_workspace(node, NULL, p->steps) : NULL;
    r.dh = or_workspace(node, out[H0], 1);
    r.by_product = or_workspace(node, NULL, 1);
    r.dc = p->gru ? NULL : or_workspace(node, out[C0], 1);
    if (tape->status)
        return;
    if (plane_of(p))
        tgk_recurrent_backward(&tape->team, tape->isa, tg_at(node->out)->dtype, &r);
    if (out[WEIGHT])
        multiply_weight(node, &r, out[WEIGHT]);
    if (out[BIAS])
        sum_rows(node, &r, out[BIAS]);
    if (p->gru && out[IN])
        put_new(node, &r);
}

static void fused_backward(tg_node *node, tg_tensor *grad_out, tg_tensor **grad_in)
{
    static const tg_op ops[] = {{.name = "lstm_backward", .forward = gradient_forward},
                                {.name = "gru_backward", .forward = gradient_forward}};
    params p = *(const params *)node->params;
    tg_tensor *in[GRADIENT_INPUTS] = {grad_out, node->out, node->saved, node->in[WEIGHT],
                                      node->in[LENGTHS]};
    tg_shape shapes[INPUTS] = {{0}};
    for (int i = 0; i < LENGTHS; i++) {
        if (node->in[i])
            shapes[i] = tg_shape_copy(tg_dims_of(node->in[i]));
    }
    p.wanted = tg_wanted(node);
    tg_make(&(tg_making){{.op = &ops[p.gru],
                          .n_in = GRADIENT_INPUTS,
                          .in = in,
                          .params = &p,
                          .params_size = sizeof p},
                         .gradient_of = node,
                         .last_use = node->in[IN],
                         .shapes = shapes,
                         .wanted = p.wanted,
                         .grad_in = grad_in});
}

/* --- what can be differentiated --- */

/* All steps at once, (steps, rows, size) or so many gates of it: what a step's gradients are made of. With the
 * gradients s of its states, (c, c, c, h) or (h, h, h), the inputs' product gets factor * s, the own one times
 * `own` of that; to h goes keep_h of its gradient and what comes by the product, to c keep_c of its; before that
 * c gets to_c times the gradient of h. NULL: 1; no keep_h: 0. */
typedef struct slopes {
    tg_tensor *factor, *own, *keep_h, *keep_c, *to_c;
} slopes;

static tg_tensor *one_minus(tg_tensor *x)
{
    return tg_add_scalar(tg_neg(x), 1);
}

/* Those of sigmoid and tanh, from what they give. */
static tg_tensor *sigmoid_slope(tg_tensor *y)
{
    return tg_mul(y, one_minus(y));
}

static tg_tensor *tanh_slope(tg_tensor *y)
{
    return tg_mul(one_minus(y), tg_add_scalar(y, 1));
}

static tg_tensor *filled(tg_tensor *x, tg_tensor *where, double value)
{
    return where ? tg_masked_fill(x, where, value) : x;
}

tg_tensor *tg_recurrent_over(tg_tensor *lengths, int64_t steps)
{
    if (!lengths)
        return NULL;
    tg_tensor *t = tg_arange(tg_tape_in(lengths), 0, (double)steps, 1, TG_I64);
    return tg_ge(tg_reshape(t, 3, (int64_t[]){steps, 1, 1}),
                 tg_reshape(lengths, 3, (int64_t[]){1, tg_at(lengths)->dims[0], 1}));
}

static int64_t step_number(const params *p, int64_t k)
{
    return p->from_end ? p->steps - 1 - k : k;
}

/* The LSTM's c before each step. */
static tg_tensor *cells(const tg_node *node, tg_tensor **list, tg_tensor *keep, tg_tensor *add)
{
    const params *p = node->params;
    tg_tensor *c = node->in[C0];
    if (!c)
        c = tg_zeros(tg_node_tape(node), 2, (int64_t[]){p->rows, p->size}, tg_at(node->out)->dtype);
    for (int64_t k = 0; k < p->steps; k++) {
        int64_t t = step_number(p, k);
        list[t] = c;
        c = tg_add(tg_mul(tg_select(keep, 0, t), c), tg_select(add, 0, t));
    }
    return tg_stack(list, (size_t)p->steps, 0);
}

static slopes lstm_slopes(const tg_node *node, tg_tensor **list, tg_tensor *own, tg_tensor *over)
{
    tg_tensor *gate[TGK_LSTM_GATES] = {NULL};
    tg_chunk(tg_add(node->in[IN], own), TGK_LSTM_GATES, 2, gate);
    tg_tensor *i = tg_sigmoid(gate[0]), *f = tg_sigmoid(gate[1]), *g = tg_tanh(gate[2]),
              *o = tg_sigmoid(gate[3]), *new = tg_mul(i, g);
    tg_tensor *keep = filled(f, over, 1), *before = cells(node, list, keep, filled(new, over, 0));
    tg_tensor *bent = tg_tanh(tg_add(tg_mul(f, before), new));
    tg_tensor *factors[] = {tg_mul(g, sigmoid_slope(i)), tg_mul(before, sigmoid_slope(f)),
                            tg_mul(i, tanh_slope(g)), tg_mul(bent, sigmoid_slope(o))};
    return (slopes){.factor = filled(tg_cat(factors, TGK_LSTM_GATES, 2), over, 0),
                    .keep_h = over ? tg_to(over, tg_at(node->out)->dtype) : NULL,
                    .keep_c = keep,
                    .to_c = filled(tg_mul(o, tanh_slope(bent)), over, 0)};
}

static slopes gru_slopes(const tg_node *node, tg_tensor *before, tg_tensor *own, tg_tensor *over)
{
    const params *p = node->params;
    tg_tensor *x[TGK_GRU_GATES] = {NULL}, *y[TGK_GRU_GATES] = {NULL};
    tg_chunk(node->in[IN], TGK_GRU_GATES, 2, x);
    tg_chunk(own, TGK_GRU_GATES, 2, y);
    tg_tensor *r = tg_sigmoid(tg_add(x[0], y[0])), *z = tg_sigmoid(tg_add(x[1], y[1])),
              *next = tg_tanh(tg_add(x[2], tg_mul(r, y[2])));
    tg_tensor *bent = tg_mul(one_minus(z), tanh_slope(next));
    tg_tensor *one = tg_full(tg_node_tape(node), 3, (int64_t[]){p->steps, p->rows, 2 * p->size}, 1,
                             tg_at(node->out)->dtype);
    tg_tensor *factors[] = {tg_mul(bent, tg_mul(y[2], sigmoid_slope(r))),
                            tg_mul(tg_sub(before, next), sigmoid_slope(z)), bent};
    return (slopes){.factor = filled(tg_cat(factors, TGK_GRU_GATES, 2), over, 0),
                    .own = tg_cat((tg_tensor *[]){one, r}, 2, 2),
                    .keep_h = filled(z, over, 1)};
}

/* From step to step against the way that forward went: the gradients of the inputs' products go to list.
 * h and c: what goes to the states before the first step. */
static void walk(const tg_node *node, const slopes *s, tg_tensor *g, tg_tensor **list,
                 tg_tensor **h, tg_tensor **c)
{
    const params *p = node->params;
    *c = p->gru ? NULL : tg_select(g, 0, p->steps + 1);
    *h = NULL;
    for (int64_t k = p->steps - 1; k >= 0 && !tg_node_tape(node)->status; k--) {
        int64_t t = step_number(p, k);
        tg_tensor *dh = tg_select(g, 0, t + !p->from_end);
        dh = *h ? tg_add(dh, *h) : dh;
        if (!p->gru)
            *c = tg_add(*c, tg_mul(dh, tg_select(s->to_c, 0, t)));
        tg_tensor *first = p->gru ? dh : *c, *states[] = {first, first, first, dh};
        tg_tensor *d = list[t] =
            tg_mul(tg_select(s->factor, 0, t), tg_cat(states, (size_t)p->gates, 1));
        *h = tg_matmul(s->own ? tg_mul(d, tg_select(s->own, 0, t)) : d, node->in[WEIGHT]);
        if (s->keep_h)
            *h = tg_add(*h, tg_mul(tg_select(s->keep_h, 0, t), dh));
        if (!p->gru)
            *c = tg_mul(*c, tg_select(s->keep_c, 0, t));
    }
    *h = tg_add(*h, tg_select(g, 0, p->from_end ? p->steps : 0));
}

static void composed_backward(tg_node *node, tg_tensor *g, tg_tensor **grad_in)
{
    const params *p = node->params;
    tg_tensor **list =
        tg_tape_body(tg_node_tape(node), node->op->name, (size_t)p->steps * sizeof(tg_tensor *));
    if (!list)
        return;
    tg_tensor *before = tg_narrow(node->out, 0, p->from_end, p->steps);
    tg_tensor *own = tg_linear(before, node->in[WEIGHT], node->in[BIAS]);
    tg_tensor *over = tg_recurrent_over(node->in[LENGTHS], p->steps);
    if (tg_node_tape(node)->status)
        return;
    const slopes s =
        p->gru ? gru_slopes(node, before, own, over) : lstm_slopes(node, list, own, over);
    walk(node, &s, g, list, &grad_in[H0], &grad_in[C0]);
    if (tg_node_tape(node)->status)
        return;
    tg_tensor *d = grad_in[IN] = tg_stack(list, (size_t)p->steps, 0);
    tg_tensor *down = s.own ? tg_mul(d, s.own) : d;
    const int64_t all = p->steps * p->rows;
    if (tg_needs_grad(node, WEIGHT))
        grad_in[WEIGHT] =
            tg_matmul(tg_transpose(tg_reshape(down, 2, (int64_t[]){all, p->gates * p->size}), 0, 1),
                      tg_reshape(before, 2, (int64_t[]){all, p->size}));
    if (tg_wants_grad(node, BIAS))
        grad_in[BIAS] = tg_sum_dims(down, 2, (int64_t[]){0, 1}, false);
}

static void backward(tg_node *node, tg_tensor *grad_out, tg_tensor **grad_in)
{
    if (tg_node_tape(node)->now.grad_enabled)
        composed_backward(node, grad_out, grad_in);
    else
        fused_backward(node, grad_out, grad_in);
}

/* Of the inputs, which gradients are made of all that is there. */
enum { ALL = ((1 << INPUTS) - 1) | TG_READS_OUT };

tg_tensor *tg_recurrent_states(const tg_recurrent_steps *s)
{
    static const tg_op ops[] = {{.name = "lstm",
                                 .forward = forward,
                                 .backward = backward,
                                 .reads = {ALL, ALL, ALL, ALL, ALL}},
                                {.name = "gru",
                                 .forward = forward,
                                 .backward = backward,
                                 .reads = {ALL, ALL, ALL, ALL, ALL}}};
    tg_tensor *in[INPUTS] = {s->in, s->weight, s->bias, s->h0, s->c0, s->lengths};
    if (!s->in)
        return NULL;
    params p = {.gru = s->gru,
                .from_end = s->from_end,
                .steps = tg_at(s->in)->dims[0],
                .rows = tg_at(s->in)->dims[1],
                .size = tg_at(s->weight)->dims[1],
                .gates = s->gru ? TGK_GRU_GATES : TGK_LSTM_GATES};
    int64_t kept = kept_planes(&p) + (p.gru ? 0 : p.steps + 1);
    const int64_t all[] = {kept, p.rows, p.size},
                  dims[] = {p.steps + (p.gru ? 1 : 2), p.rows, p.size};
    if (!tg_tensor_check(tg_tape_in(s->in), ops[p.gru].name, (tg_dims){3, all}, 0))
        return NULL;
    return tg_apply(&(tg_call){.op = &ops[p.gru],
                               .n_in = INPUTS,
                               .in = in,
                               .dtype = tg_at(s->in)->dtype,
                               .ndim = 3,
                               .dims = dims,
                               .params = &p,
                               .params_size = sizeof p,
                               .saved_numel = plane_of(&p) ? kept * plane_of(&p) : 1,
                               .saved_dtype = tg_at(s->in)->dtype});
}

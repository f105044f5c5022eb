/* Scaled dot-product attention as one operation: it keeps its inputs alone, and no more than a block of
 * the weights is ever held. A pass that can be differentiated makes the gradients of other operations,
 * and of all weights. Relies on kernels/attention.h. */
#include "ops/check.h"
#include "ops/softmax.h"

#include "ops/broadcast.h"
#include "ops/option.h"

#include "kernels/attend.h"

#include <math.h>
#include <string.h>
#include <tinygrad/nn.h>

enum { Q, K, V, MASK, INPUTS };

typedef struct params {
    double scale;
    bool causal;
    unsigned wanted; /* backward: the inputs whose gradients are the outputs, as bits */
} params;

/* --- slices: the batch dims of the result, over which all tensors stretch --- */

/* A tensor's matrices in each slice. */
typedef struct operand {
    const tg_tensor *t; /* NULL: there is none */
    int64_t strides[TG_MAX_NDIM];
} operand;

typedef struct slices {
    tg_node *node;
    tg_dims batch;
    int64_t count, pieces;
    uint64_t workspace; /* of a piece */
    tgk_attention all;  /* what is the same in each of them */
    operand in[INPUTS], g;
    tg_tensor *out, *grads[INPUTS]; /* contiguous, with every slice; forward: out; else grads */
} slices;

static operand operand_of(const tg_tensor *t, tg_dims batch, tg_dims matrix)
{
    operand o = {.t = t};
    tg_shape shape = tg_shape_copy(batch);
    for (int i = 0; i < 2; i++)
        shape.sizes[shape.ndim++] = matrix.sizes[i];
    if (t)
        tg_shape_expand_strides(tg_dims_of(t), tg_strides(t), tg_shape_dims(&shape), o.strides);
    return o;
}

static tgk_matrix matrix_of(const operand *o, tg_dims batch, int64_t index)
{
    if (!o->t)
        return (tgk_matrix){NULL, 0, 0};
    int64_t offset = tg_shape_offset(batch, o->strides, index);
    return (tgk_matrix){tg_at(o->t)->data + offset * (int64_t)tg_dtype_size(tg_at(o->t)->dtype),
                        o->strides[batch.ndim], o->strides[batch.ndim + 1]};
}

static void *result_of(const tg_tensor *t, const slices *s, int64_t index)
{
    return t ? tg_at(t)->data + index * (int64_t)(tg_data_size(t) / (size_t)s->count) : NULL;
}

static tgk_attention slice(const slices *s, int64_t index)
{
    tgk_attention a = s->all;
    a.q = matrix_of(&s->in[Q], s->batch, index);
    a.k = matrix_of(&s->in[K], s->batch, index);
    a.v = matrix_of(&s->in[V], s->batch, index);
    a.mask = matrix_of(&s->in[MASK], s->batch, index);
    a.g = matrix_of(&s->g, s->batch, index);
    a.out = result_of(s->out, s, index);
    a.dq = result_of(s->grads[Q], s, index);
    a.dk = result_of(s->grads[K], s, index);
    a.dv = result_of(s->grads[V], s, index);
    a.dmask = result_of(s->grads[MASK], s, index);
    return a;
}

/* A range of pieces, which are ranges of slices. */
static void run_pieces(void *context, int64_t from, int64_t to)
{
    const slices *s = context;
    int isa = tg_node_tape(s->node)->isa, dtype = tg_at(s->in[Q].t)->dtype;
    for (int64_t piece = from; piece < to; piece++) {
        int64_t end = s->count * (piece + 1) / s->pieces;
        for (int64_t i = s->count * piece / s->pieces; i < end; i++) {
            tgk_attention a = slice(s, i);
            a.workspace = (char *)s->all.workspace + (size_t)piece * s->workspace;
            if (s->out)
                tgk_attention_forward(&a, isa, dtype);
            else
                tgk_attention_backward(&a, isa, dtype);
        }
    }
}

static tgk_mask_kind mask_kind(const tg_tensor *mask)
{
    return !mask ? TGK_NO_MASK : tg_at(mask)->dtype == TG_BOOL ? TGK_BOOL_MASK : TGK_FLOAT_MASK;
}

/* in: those of the forward operation. `like` has the dims of its result. */
static slices slices_of(tg_node *node, tg_tensor *const *in, const tg_tensor *like)
{
    const params *p = node->params;
    int last = tg_at(like)->ndim - 2;
    slices s = {.node = node, .batch = {last, tg_at(like)->dims}, .count = 1};
    int64_t queries = tg_at(like)->dims[last], keys = tg_at(in[K])->dims[tg_at(in[K])->ndim - 2];
    int64_t width = tg_at(in[Q])->dims[tg_at(in[Q])->ndim - 1],
            values = tg_at(like)->dims[last + 1];
    const int64_t sizes[INPUTS][2] = {
        {queries, width}, {keys, width}, {keys, values}, {queries, keys}};
    for (int i = 0; i < last; i++)
        s.count *= tg_at(like)->dims[i];
    for (int i = 0; i < INPUTS; i++)
        s.in[i] = operand_of(in[i], s.batch, (tg_dims){2, sizes[i]});
    s.all = (tgk_attention){.queries = queries,
                            .keys = keys,
                            .width = width,
                            .values = values,
                            .scale = p->scale,
                            .causal = p->causal,
                            .mask_kind = mask_kind(in[MASK])};
    return s;
}

static void run(slices *s)
{
    tg_tape *tape = tg_node_tape(s->node);
    if (s->count == 0)
        return;
    s->pieces = tape->team.threads < s->count ? tape->team.threads : s->count;
    s->workspace = tgk_attention_workspace(&s->all, tg_dtype_size(tg_at(s->in[Q].t)->dtype));
    s->all.workspace = tg_workspace(s->node, (uint64_t)s->pieces * s->workspace);
    if (s->all.workspace)
        tgk_share(&tape->team, s->pieces, 1, run_pieces, s);
}

/* --- the operation --- */

static void forward(tg_node *node)
{
    slices s = slices_of(node, node->in, node->out);
    s.out = node->out;
    run(&s);
}

/* Of the gradient of the output and the inputs. */
static void gradient_forward(tg_node *node)
{
    const params *p = node->params;
    tg_tensor *const *out = tg_outs(node);
    slices s = slices_of(node, node->in + 1, node->in[0]);
    for (int i = 0; i < INPUTS; i++)
        s.grads[i] = p->wanted >> i & 1 ? *out++ : NULL;
    s.g = operand_of(node->in[0], s.batch, (tg_dims){2, tg_at(node->in[0])->dims + s.batch.ndim});
    run(&s);
}

static const tg_op gradient_op = {.name = "scaled_dot_product_attention_backward",
                                  .forward = gradient_forward};

/* The dims of input i's gradient, in every slice. */
static tg_shape gradient_dims(const tg_node *node, int i)
{
    tg_tensor *const *in = node->in;
    tg_shape shape = tg_shape_copy((tg_dims){tg_at(node->out)->ndim, tg_at(node->out)->dims});
    int64_t *matrix = shape.sizes + shape.ndim - 2;
    int64_t keys = tg_at(in[K])->dims[tg_at(in[K])->ndim - 2];
    if (i == K || i == V)
        matrix[0] = keys;
    if (i != V)
        matrix[1] = i == MASK ? keys : tg_at(in[Q])->dims[tg_at(in[Q])->ndim - 1];
    return shape;
}

/* All gradients in one visit of the weights. */
static void fused_backward(tg_node *node, tg_tensor *grad_out, tg_tensor **grad_in)
{
    params p = *(const params *)node->params;
    tg_tensor *in[1 + INPUTS] = {grad_out};
    tg_shape shapes[INPUTS];
    memcpy(in + 1, node->in, INPUTS * sizeof *in);
    for (int i = 0; i < INPUTS; i++)
        shapes[i] = gradient_dims(node, i);
    p.wanted = tg_wanted(node);
    tg_make(&(tg_making){
        {.op = &gradient_op, .n_in = 1 + INPUTS, .in = in, .params = &p, .params_size = sizeof p},
        .gradient_of = node,
        .shapes = shapes,
        .wanted = p.wanted,
        .grad_in = grad_in});
}

/* --- what can be differentiated --- */

/* Scores with -inf where nothing may be attended to. */
static tg_tensor *masked(tg_tensor *scores, tg_tensor *mask, bool causal)
{
    if (!scores || (!causal && !mask))
        return scores;
    if (!causal && tg_at(mask)->dtype != TG_BOOL)
        return tg_add(scores, mask);
    const int64_t *matrix = tg_at(scores)->dims + tg_at(scores)->ndim - 2;
    tg_tensor *hidden =
        causal ? tg_triu(tg_ones(tg_tape_in(scores), 2, matrix, TG_BOOL), 1) : tg_logical_not(mask);
    return tg_masked_fill(scores, hidden, -(double)INFINITY);
}

/* softmax, and 0 in rows where nothing may be attended to, as PyTorch. Those rows are taken out of
 * the softmax as well: what it makes of them is nan, and 0 * nan would come back as a gradient. */
static tg_tensor *weights_of(tg_tensor *scores, tg_tensor *mask)
{
    if (!mask || !scores || tg_at(scores)->dims[tg_at(scores)->ndim - 1] == 0)
        return tg_softmax(scores, -1);
    tg_tensor *largest = tg_amax(tg_detach(scores), 1, (int64_t[]){-1}, true);
    tg_tensor *hidden = tg_eq_scalar(largest, -(double)INFINITY);
    return tg_masked_fill(tg_softmax(tg_masked_fill(scores, hidden, 0), -1), hidden, 0);
}

/* Of other operations; all of them in every slice. */
static void composed_backward(tg_node *node, tg_tensor *grad_out, tg_tensor **grad_in)
{
    const params *p = node->params;
    tg_tensor *const *in = node->in;
    tg_shape scores = gradient_dims(node, MASK);
    tg_tensor *scaled = tg_mul_scalar(in[Q], p->scale);
    tg_tensor *w = tg_matmul(scaled, tg_transpose(in[K], -2, -1));
    w = tg_expand(w, scores.ndim, scores.sizes);
    w = weights_of(masked(w, in[MASK], p->causal), in[MASK]);
    if (tg_needs_grad(node, V))
        grad_in[V] = tg_matmul(tg_transpose(w, -2, -1), grad_out);
    if (!tg_needs_grad(node, Q) && !tg_needs_grad(node, K) && !tg_needs_grad(node, MASK))
        return;
    tg_tensor *g = tg_matmul(grad_out, tg_transpose(in[V], -2, -1));
    g = grad_in[MASK] = tg_softmax_gradient(g, w, -1);
    if (tg_needs_grad(node, Q))
        grad_in[Q] = tg_mul_scalar(tg_matmul(g, in[K]), p->scale);
    if (tg_needs_grad(node, K))
        grad_in[K] = tg_matmul(tg_transpose(g, -2, -1), scaled);
}

static void backward(tg_node *node, tg_tensor *grad_out, tg_tensor **grad_in)
{
    if (tg_node_tape(node)->now.grad_enabled)
        composed_backward(node, grad_out, grad_in);
    else
        fused_backward(node, grad_out, grad_in);
}

enum { ALL = (1 << INPUTS) - 1 };

static const tg_op attention_op = {.name = "scaled_dot_product_attention",
                                   .forward = forward,
                                   .backward = backward,
                                   .reads = {ALL, ALL, ALL, ALL}};

/* --- recording --- */

static bool check_shapes(const tg_tensor *q, const tg_tensor *k, const tg_tensor *v)
{
    tg_tape *tape = tg_tape_in(q);
    TG_CHECK(tape, tg_at(q)->ndim >= 2 && tg_at(k)->ndim >= 2 && tg_at(v)->ndim >= 2, TG_ESHAPE,
             "%s: q %s, k %s, v %s: wanted (..., length, size)", attention_op.name,
             tg_shape_of(q).chars, tg_shape_of(k).chars, tg_shape_of(v).chars);
    TG_CHECK(tape, tg_at(q)->dims[tg_at(q)->ndim - 1] == tg_at(k)->dims[tg_at(k)->ndim - 1],
             TG_ESHAPE, "%s: q %s and k %s differ in size", attention_op.name, tg_shape_of(q).chars,
             tg_shape_of(k).chars);
    TG_CHECK(tape, tg_at(k)->dims[tg_at(k)->ndim - 2] == tg_at(v)->dims[tg_at(v)->ndim - 2],
             TG_ESHAPE, "%s: k %s and v %s differ in length", attention_op.name,
             tg_shape_of(k).chars, tg_shape_of(v).chars);
    return true;
}

/* The batch dims of all inputs together; ndim -1, and the error, where they do not broadcast. */
static tg_shape batch_of(tg_tensor *const *in)
{
    tg_shape batch = {0};
    int given = in[MASK] ? INPUTS : MASK;
    for (int i = 0; i < given && batch.ndim >= 0; i++) {
        if (tg_at(in[i])->ndim > 2)
            batch = tg_shape_broadcast(tg_shape_dims(&batch),
                                       (tg_dims){tg_at(in[i])->ndim - 2, tg_at(in[i])->dims});
    }
    if (batch.ndim < 0)
        tg_fail(tg_tape_in(in[Q]), TG_ESHAPE,
                "%s: batch dims of q %s, k %s, v %s and mask %s do not broadcast",
                attention_op.name, tg_shape_of(in[Q]).chars, tg_shape_of(in[K]).chars,
                tg_shape_of(in[V]).chars, in[MASK] ? tg_shape_of(in[MASK]).chars : "NULL");
    return batch;
}

/* scores: their dims. */
static bool check_mask(tg_tensor *const *in, bool causal, tg_dims scores)
{
    const tg_tensor *q = in[Q], *mask = in[MASK];
    tg_tape *tape = tg_tape_in(q);
    if (!mask)
        return true;
    TG_CHECK(tape, !causal, TG_EVALUE, "%s: both a mask and causal", attention_op.name);
    TG_CHECK(tape, tg_at(mask)->dtype == TG_BOOL || tg_at(mask)->dtype == tg_at(q)->dtype,
             TG_EDTYPE, "%s: mask is %s, wanted bool or %s", attention_op.name,
             tg_dtype_name(tg_at(mask)->dtype), tg_dtype_name(tg_at(q)->dtype));
    TG_CHECK(tape, tg_shape_expands(tg_dims_of(mask), scores), TG_ESHAPE,
             "%s: mask %s does not broadcast to the scores' %s", attention_op.name,
             tg_shape_of(mask).chars, tg_shape_text(scores).chars);
    return true;
}

tg_tensor *tg_scaled_dot_product_attention(tg_tensor *q, tg_tensor *k, tg_tensor *v,
                                           const tg_attention_opts *opts)
{
    TGK_IN_RIGHT_MODES(tg_tensor *, tg_scaled_dot_product_attention(q, k, v, opts));
    const tg_attention_opts o = opts ? *opts : (tg_attention_opts){0};
    tg_tensor *in[INPUTS] = {q, k, v, o.mask};
    if (!tg_check_inputs(&attention_op, o.mask ? 4 : 3, in) ||
        !tg_check_floats(&attention_op, 3, in) || !check_shapes(q, k, v))
        return NULL;
    tg_shape shape = batch_of(in);
    if (shape.ndim < 0)
        return NULL;
    int64_t *matrix = shape.sizes + shape.ndim;
    shape.ndim += 2;
    matrix[0] = tg_at(q)->dims[tg_at(q)->ndim - 2];
    matrix[1] = tg_at(k)->dims[tg_at(k)->ndim - 2];
    if (!check_mask(in, o.causal, tg_shape_dims(&shape)) ||
        !tg_tensor_check(tg_tape_in(q), attention_op.name, tg_shape_dims(&shape), 0))
        return NULL;
    matrix[1] = tg_at(v)->dims[tg_at(v)->ndim - 1];
    if (!tg_tensor_check(tg_tape_in(q), attention_op.name, tg_shape_dims(&shape), 0))
        return NULL;
    params p = {.scale = tg_option(o.scale, 1 / sqrt((double)tg_at(q)->dims[tg_at(q)->ndim - 1])),
                .causal = o.causal};
    return tg_apply(&(tg_call){.op = &attention_op,
                               .n_in = INPUTS,
                               .in = in,
                               .dtype = tg_at(q)->dtype,
                               .ndim = shape.ndim,
                               .dims = shape.sizes,
                               .params = &p,
                               .params_size = sizeof p});
}

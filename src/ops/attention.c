/* Scaled dot-product attention, composed of other operations. */
#include "check.h"

#include <math.h>

static const tg_op attention_name = {.name = "scaled_dot_product_attention"};

/* Scores with -inf above the main diagonal; what is left out gets no gradient. */
#define CAUSAL(T)                                                                                  \
    static void causal_##T(tg_tensor *t)                                                           \
    {                                                                                              \
        int64_t rows = t->dims[t->ndim - 2], columns = t->dims[t->ndim - 1];                       \
        T *x = (T *)(void *)t->data;                                                               \
        for (int64_t i = 0; i < t->numel; i++) {                                                   \
            if (i % columns > i / columns % rows)                                                  \
                x[i] = -(T)INFINITY;                                                               \
        }                                                                                          \
    }

CAUSAL(float)
CAUSAL(double)

static void causal_forward(tg_node *node)
{
    tg_tensor_copy(node->out, node->in[0]);
    if (node->out->dtype == TG_F32)
        causal_float(node->out);
    else
        causal_double(node->out);
}

static void causal_backward(tg_node *node, tg_tensor *grad_out, tg_tensor **grad_in)
{
    (void)node;
    grad_in[0] = tg_tril(grad_out, 0);
}

static const tg_op causal_op = {
    .name = "causal_mask", .forward = causal_forward, .backward = causal_backward};

static bool check_shapes(const tg_tensor *q, const tg_tensor *k, const tg_tensor *v)
{
    tg_tape *tape = tg_tape_in(q);
    TG_CHECK(tape, q->ndim >= 2 && k->ndim >= 2 && v->ndim >= 2, TG_ESHAPE,
             "%s: q %s, k %s, v %s: wanted (..., length, size)", attention_name.name,
             tg_shape_of(q).chars, tg_shape_of(k).chars, tg_shape_of(v).chars);
    TG_CHECK(tape, q->dims[q->ndim - 1] == k->dims[k->ndim - 1], TG_ESHAPE,
             "%s: q %s and k %s differ in size", attention_name.name, tg_shape_of(q).chars,
             tg_shape_of(k).chars);
    TG_CHECK(tape, k->dims[k->ndim - 2] == v->dims[v->ndim - 2], TG_ESHAPE,
             "%s: k %s and v %s differ in length", attention_name.name, tg_shape_of(k).chars,
             tg_shape_of(v).chars);
    return true;
}

static bool check_mask(const tg_tensor *q, tg_tensor *mask, bool causal)
{
    tg_tape *tape = tg_tape_in(q);
    TG_CHECK(tape, !mask || !causal, TG_EVALUE, "%s: both a mask and causal", attention_name.name);
    TG_CHECK(tape, !mask || mask->dtype == TG_BOOL || mask->dtype == q->dtype, TG_EDTYPE,
             "%s: mask is %s, wanted bool or %s", attention_name.name, tg_dtype_name(mask->dtype),
             tg_dtype_name(q->dtype));
    return true;
}

static tg_tensor *masked(tg_tensor *scores, tg_tensor *mask, bool causal)
{
    if (causal)
        return tg_apply_like(&causal_op, scores);
    if (!mask)
        return scores;
    if (mask->dtype == TG_BOOL)
        return tg_masked_fill(scores, tg_logical_not(mask), -(double)INFINITY);
    return tg_add(scores, mask);
}

/* softmax, and 0 in rows where nothing may be attended to, as PyTorch. */
static tg_tensor *attention_weights(tg_tensor *scores, tg_tensor *mask)
{
    tg_tensor *weights = tg_softmax(scores, -1);
    if (!mask || !weights || scores->dims[scores->ndim - 1] == 0)
        return weights;
    tg_tensor *largest = tg_amax(tg_detach(scores), 1, (int64_t[]){-1}, true);
    return tg_masked_fill(weights, tg_eq_scalar(largest, -(double)INFINITY), 0);
}

tg_tensor *tg_scaled_dot_product_attention(tg_tensor *q, tg_tensor *k, tg_tensor *v,
                                           const tg_attention_opts *opts)
{
    const tg_attention_opts o = opts ? *opts : (tg_attention_opts){0};
    tg_tensor *in[] = {q, k, v, o.mask};
    if (!tg_check_inputs(&attention_name, o.mask ? 4 : 3, in) ||
        !tg_check_floats(&attention_name, 3, in) || !check_shapes(q, k, v) ||
        !check_mask(q, o.mask, o.causal))
        return NULL;
    tg_scope scope = tg_scope_open(q);
    double scale = o.scale != 0 ? o.scale : 1 / sqrt((double)q->dims[q->ndim - 1]);
    tg_tensor *scaled = tg_mul_scalar(q, scale); /* in C the order of arguments is open */
    tg_tensor *scores = tg_matmul(scaled, tg_transpose(k, -2, -1));
    scores = masked(scores, o.mask, o.causal);
    return tg_scope_close(scope, scores ? tg_matmul(attention_weights(scores, o.mask), v) : NULL);
}

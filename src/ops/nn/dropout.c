/* dropout, with PyTorch's mask. Relies on the generator. */
#include "ops/check.h"
#include "ops/layout.h"

#include <tinygrad/nn.h>

/* The factors (0 or 1 / (1 - p)) are kept for backward. */
#define DROPOUT(T)                                                                                 \
    static void dropout_##T(tg_node *node, const void *in, double p)                               \
    {                                                                                              \
        tg_generator *g = tg_node_generator(node);                                                 \
        T *factor = (T *)(void *)tg_at(node->saved)->data,                                         \
          *out = (T *)(void *)tg_at(node->out)->data;                                              \
        T scale = 1 / (T)(1 - p);                                                                  \
        const T *x = in;                                                                           \
        for (int64_t i = 0; i < tg_at(node->out)->numel; i++) {                                    \
            factor[i] = tg_generator_uniform(g) < 1 - p ? scale : 0;                               \
            out[i] = x[i] * factor[i];                                                             \
        }                                                                                          \
    }

DROPOUT(float)
DROPOUT(double)

static void (*const dropout[])(tg_node *, const void *, double) = {dropout_float, dropout_double};

static void dropout_forward(tg_node *node)
{
    double p = *(const double *)node->params;
    const void *x = tg_contiguous_data(node, node->in[0]);
    if (x)
        dropout[tg_at(node->out)->dtype](node, x, p);
}

static void dropout_backward(tg_node *node, tg_tensor *grad_out, tg_tensor **grad_in)
{
    const tg_tensor *x = node->in[0];
    grad_in[0] = tg_mul(grad_out, tg_reshape(node->saved, tg_at(x)->ndim, tg_at(x)->dims));
}

static const tg_op dropout_op = {
    .name = "dropout", .forward = dropout_forward, .backward = dropout_backward};

static tg_tensor *drop(tg_tensor *x, double p, bool training)
{
    if (!tg_check_floats(&dropout_op, 1, &x))
        return NULL;
    TG_CHECK(tg_tape_in(x), p >= 0 && p <= 1, TG_EVALUE, "dropout: p %s is outside [0, 1]",
             tg_number_text(p, TG_F64).chars);
    if (p == 0 || !training || tg_at(x)->numel == 0)
        return x;
    if (p == 1) /* takes no draws, and 0 * inf is nan */
        return tg_mul_scalar(x, 0);
    return tg_apply(&(tg_call){.op = &dropout_op,
                               .n_in = 1,
                               .in = &x,
                               .dtype = tg_at(x)->dtype,
                               .ndim = tg_at(x)->ndim,
                               .dims = tg_at(x)->dims,
                               .params = &p,
                               .params_size = sizeof p,
                               .saved_numel = tg_at(x)->numel,
                               .saved_dtype = tg_at(x)->dtype});
}

tg_tensor *tg_dropout(tg_tensor *x, double p, bool training)
{
    TG_IN_SCOPE(&dropout_op, drop(x, p, training), x);
}

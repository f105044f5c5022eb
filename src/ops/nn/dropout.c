/* dropout, with PyTorch's mask. Relies on the generator. */
#include "ops/arithmetic.h"
#include "ops/layout.h"

#include "kernels/isa.h"

#include <tinygrad/nn.h>

/* Of a block: what it is made of, and the draws that decide. */
typedef struct block {
    const void *x;
    void *factor, *out;
    const double *draws;
    double keep;
} block;

/* The factors (0 or 1 / keep), which are kept for backward, and the results. */
#define DROP(T)                                                                                    \
    TGK_INLINE void drop_##T##_body(const block *b, int64_t n)                                     \
    {                                                                                              \
        const double keep = b->keep, *draws = b->draws;                                            \
        const T scale = 1 / (T)keep, *x = b->x;                                                    \
        T *factor = b->factor, *out = b->out;                                                      \
        TGK_INDEPENDENT                                                                            \
        for (int64_t i = 0; i < n; i++) {                                                          \
            T f = draws[i] < keep ? scale : 0;                                                     \
            factor[i] = f;                                                                         \
            out[i] = x[i] * f;                                                                     \
        }                                                                                          \
    }                                                                                              \
    TGK_EACH_ISA(drop_##T, (const block *b, int64_t n), (b, n))

DROP(float);
DROP(double);

static void dropout_forward(tg_node *node)
{
    enum { DRAWS = 512 };
    double draws[DRAWS];
    const char *x = tg_contiguous_data(node, node->in[0]);
    tg_generator *g = tg_node_generator(node);
    const tg_header *out = tg_at(node->out);
    int64_t size = (int64_t)tg_dtype_size(out->dtype), left = x ? out->numel : 0;
    block b = {x, tg_at(node->saved)->data, out->data, draws, 1 - *(const double *)node->params};
    for (int64_t n; left > 0; left -= n) {
        n = left < DRAWS ? left : DRAWS;
        tg_generator_uniform_f64(g, draws, n, 0, 1);
        (out->dtype == TG_F32 ? drop_float : drop_double)[g->isa](&b, n);
        b.x = (const char *)b.x + n * size;
        b.factor = (char *)b.factor + n * size;
        b.out = (char *)b.out + n * size;
    }
}

static void dropout_backward(tg_node *node, tg_tensor *grad_out, tg_tensor **grad_in)
{
    const tg_tensor *x = node->in[0];
    tg_tensor *factor = tg_reshape(node->saved, tg_at(x)->ndim, tg_at(x)->dims);
    grad_in[0] = factor ? tg_times_over(node, grad_out, factor) : NULL;
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

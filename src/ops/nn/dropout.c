/* dropout, with PyTorch's mask. Relies on the generator. */
#include "ops/arithmetic.h"
#include "ops/layout.h"

#include "kernels/loops.h"

#include <tinygrad/nn.h>

/* Of a block: what it is made of, and the draws that decide. */
typedef struct block {
    const void *x;
    uint8_t *kept;
    void *out;
    const double *draws;
    double keep, scale;
} block;

/* What is kept, for backward, and the results. */
#define DROP(T)                                                                                    \
    TGK_INLINE void drop_##T##_body(const block *b, int64_t n)                                     \
    {                                                                                              \
        const double keep = b->keep, *draws = b->draws;                                            \
        const T scale = (T)b->scale, *x = b->x;                                                    \
        uint8_t *kept = b->kept;                                                                   \
        T *out = b->out;                                                                           \
        TGK_INDEPENDENT                                                                            \
        for (int64_t i = 0; i < n; i++) {                                                          \
            T f = draws[i] < keep ? scale : 0;                                                     \
            kept[i] = f != 0;                                                                      \
            out[i] = x[i] * f;                                                                     \
        }                                                                                          \
    }                                                                                              \
    TGK_EACH_ISA(drop_##T, (const block *b, int64_t n), (b, n))

DROP(float);
DROP(double);

/* 1 / keep, as it is in the dtype. */
static double scale_of(const tg_node *node)
{
    const double keep = 1 - *(const double *)node->params;
    return tg_at(node->out)->dtype == TG_F32 ? (double)(1 / (float)keep) : 1 / keep;
}

static void dropout_forward(tg_node *node)
{
    enum { DRAWS = 512 };
    double draws[DRAWS];
    const char *x = tg_contiguous_data(node, node->in[0]);
    tg_generator *g = tg_node_generator(node);
    const tg_header *out = tg_at(node->out);
    int64_t size = (int64_t)tg_dtype_size(out->dtype), left = x ? out->numel : 0;
    block b = {.x = x,
               .kept = (uint8_t *)tg_at(node->saved)->data,
               .out = out->data,
               .draws = draws,
               .keep = 1 - *(const double *)node->params,
               .scale = scale_of(node)};
    for (int64_t n; left > 0; left -= n) {
        n = left < DRAWS ? left : DRAWS;
        tg_generator_uniform_f64(g, draws, n, 0, 1);
        (out->dtype == TG_F32 ? drop_float : drop_double)[g->isa](&b, n);
        b.x = (const char *)b.x + n * size;
        b.kept += n;
        b.out = (char *)b.out + n * size;
    }
}

#define SCALE (*(const double *)params)

/* The gradient x, of what was kept. */
TGK_LOOP2_AS(slope_f32, float, float, float, uint8_t, uint8_t,
             (x * tgk_pick_f32(y, (float)SCALE, 0)));
TGK_LOOP2_AS(slope_f64, double, double, double, uint8_t, uint8_t, (x * tgk_pick_f64(y, SCALE, 0)));

static void slope_backward(tg_node *node, tg_tensor *grad_out, tg_tensor **grad_in)
{
    grad_in[0] =
        tg_gradient_over(node, grad_out, node->op, node->in[1], *(const double *)node->params);
}

static const tg_map_op slope_op = {{.name = "dropout_backward",
                                    .forward = tg_map_forward,
                                    .backward = slope_backward,
                                    .reads = {TG_READS_IN(1)}},
                                   {slope_f32, slope_f64}};

static void dropout_backward(tg_node *node, tg_tensor *grad_out, tg_tensor **grad_in)
{
    const tg_tensor *x = node->in[0];
    tg_tensor *kept = tg_reshape(node->saved, tg_at(x)->ndim, tg_at(x)->dims);
    grad_in[0] = kept ? tg_gradient_over(node, grad_out, &slope_op.op, kept, scale_of(node)) : NULL;
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
                               .saved_dtype = TG_BOOL});
}

tg_tensor *tg_dropout(tg_tensor *x, double p, bool training)
{
    TG_IN_SCOPE(&dropout_op, drop(x, p, training), x);
}

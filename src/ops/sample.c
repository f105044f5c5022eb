/* Samples of given probabilities: bernoulli and multinomial, with PyTorch's draws. Relies on the
 * generator and sort.h. */
#include "kernels/places.h"
#include "ops/layout.h"
#include "ops/sort.h"

#include <math.h>

/* An element of the floats at x. */
static double element(const void *x, int dtype, int64_t i)
{
    return dtype == TG_F32 ? (double)((const float *)x)[i] : ((const double *)x)[i];
}

/* --- bernoulli --- */

static bool check_probabilities(tg_node *node, const void *p)
{
    const tg_header *h = tg_at(node->in[0]);
    for (int64_t i = 0; i < h->numel; i++) {
        double x = element(p, h->dtype, i);
        TG_CHECK(tg_node_tape(node), x >= 0 && x <= 1, TG_EVALUE,
                 "bernoulli: probability %s at position %lld is outside [0, 1]",
                 tg_number_text(x, h->dtype).chars, (long long)i);
    }
    return true;
}

static void bernoulli_forward(tg_node *node)
{
    const void *p = tg_contiguous_data(node, node->in[0]);
    const tg_header *out = tg_at(node->out);
    if (!p || !check_probabilities(node, p))
        return;
    tg_draw_uniform(node, node->out, 0, 1);
    float *f = (float *)(void *)out->data;
    double *d = (double *)(void *)out->data;
    for (int64_t i = 0; i < out->numel && out->dtype == TG_F32; i++)
        f[i] = f[i] < ((const float *)p)[i];
    for (int64_t i = 0; i < out->numel && out->dtype == TG_F64; i++)
        d[i] = d[i] < ((const double *)p)[i];
}

static const tg_op bernoulli_op = {.name = "bernoulli", .forward = bernoulli_forward};

tg_tensor *tg_bernoulli(tg_tensor *p)
{
    if (!tg_check_inputs(&bernoulli_op, 1, &p) || !tg_check_floats(&bernoulli_op, 1, &p))
        return NULL;
    return tg_apply_like(&bernoulli_op, p);
}

/* --- multinomial --- */

typedef struct drawing {
    bool replacement;
} drawing;

/* Whether all rows can be drawn from. It stands before the first draw: what fails leaves the
 * generator where it was. */
static bool check_rows(tg_node *node, const void *w, int64_t rows, int64_t n)
{
    tg_tape *tape = tg_node_tape(node);
    for (int64_t i = 0; i < rows; i++) {
        double sum = tgk_sum_of_weights(w, tg_at(node->in[0])->dtype, i * n, n);
        TG_CHECK(tape, sum != 0, TG_EVALUE, "multinomial: all weights in row %lld are 0",
                 (long long)i);
        TG_CHECK(tape, sum > 0, TG_EVALUE,
                 "multinomial: a weight in row %lld is negative, infinite or nan", (long long)i);
    }
    return true;
}

/* As torch: the weights over exponential draws, of which the largest win. */
static void draw_without(tg_node *node, const void *w, int64_t rows, int64_t n, int64_t count)
{
    int dtype = tg_at(node->in[0])->dtype;
    tg_generator *g = tg_node_generator(node);
    void *race = tg_workspace(node, (uint64_t)(rows * n) * tg_dtype_size(dtype));
    tgk_order order = tg_order_of(node, dtype, (tg_around){rows, n, 1}, count, true);
    if (!race || !order.workspace || !check_rows(node, w, rows, n))
        return;
    for (int64_t i = 0; i < rows * n; i++) {
        double q = -log1p(-tg_generator_uniform(g));
        if (dtype == TG_F32)
            ((float *)race)[i] = ((const float *)w)[i] / (float)q;
        else
            ((double *)race)[i] = ((const double *)w)[i] / q;
    }
    tg_order_rows(node, dtype, &order, race, (int64_t *)(void *)tg_at(node->out)->data);
}

static void draw_with(tg_node *node, const void *w, int64_t rows, int64_t n, int64_t count)
{
    int dtype = tg_at(node->in[0])->dtype;
    tg_generator *g = tg_node_generator(node);
    int64_t *out = (int64_t *)(void *)tg_at(node->out)->data;
    double *sums = tg_workspace(node, (uint64_t)n * sizeof *sums);
    if (!sums || !check_rows(node, w, rows, n))
        return;
    for (int64_t i = 0; i < rows; i++) {
        tgk_shares((const char *)w + (size_t)(i * n) * tg_dtype_size(dtype), dtype, n, sums);
        for (int64_t k = 0; k < count; k++)
            *out++ = tgk_first_share(sums, n, tg_generator_uniform(g));
    }
}

static void multinomial_forward(tg_node *node)
{
    const drawing *d = node->params;
    const tg_header *in = tg_at(node->in[0]);
    int64_t n = in->dims[in->ndim - 1], count = tg_at(node->out)->dims[in->ndim - 1];
    int64_t rows = in->ndim == 1 ? 1 : in->dims[0];
    const void *w = tg_contiguous_data(node, node->in[0]);
    if (w && rows)
        (d->replacement && count > 1 ? draw_with : draw_without)(node, w, rows, n, count);
}

static const tg_op multinomial_op = {.name = "multinomial", .forward = multinomial_forward};

tg_tensor *tg_multinomial(tg_tensor *weights, int64_t count, bool replacement)
{
    if (!tg_check_inputs(&multinomial_op, 1, &weights) ||
        !tg_check_floats(&multinomial_op, 1, &weights))
        return NULL;
    tg_tape *tape = tg_tape_in(weights);
    tg_shape shape = tg_shape_copy(tg_dims_of(weights));
    TG_CHECK(tape, shape.ndim == 1 || shape.ndim == 2, TG_ESHAPE,
             "multinomial: weights %s, wanted 1 or 2 dims", tg_shape_of(weights).chars);
    int64_t n = shape.sizes[shape.ndim - 1];
    TG_CHECK(tape, n > 0 && n <= 1 << 24, TG_ESHAPE, "multinomial: %lld numbers to draw from in %s",
             (long long)n, tg_shape_of(weights).chars);
    TG_CHECK(tape, count > 0 && (replacement || count <= n), TG_EVALUE,
             "multinomial: %lld samples of %lld numbers%s", (long long)count, (long long)n,
             replacement ? "" : " without replacement");
    drawing d = {replacement};
    shape.sizes[shape.ndim - 1] = count;
    if (!tg_tensor_check(tape, "multinomial", tg_shape_dims(&shape), TG_I64))
        return NULL;
    return tg_apply(&(tg_call){.op = &multinomial_op,
                               .n_in = 1,
                               .in = &weights,
                               .dtype = TG_I64,
                               .ndim = shape.ndim,
                               .dims = shape.sizes,
                               .params = &d,
                               .params_size = sizeof d});
}

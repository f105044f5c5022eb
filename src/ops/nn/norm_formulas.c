/* Norms composed of other operations: rms_norm, normalize and cosine_similarity. */
#include "ops/arithmetic.h"
#include "ops/layout.h"
#include "ops/nn/normalise.h"
#include "ops/option.h"

#include "kernels/loops.h"

#include <float.h>
#include <math.h>
#include <tinygrad/nn.h>

/* --- x >= 0, but at least so large; for gradients x itself: PyTorch's clamp_min_ without them --- */

#define S (*(const double *)params)

TGK_REAL1(at_least, x < S ? S : x);

static void at_least_backward(tg_node *node, tg_tensor *g, tg_tensor **grad_in)
{
    (void)node;
    grad_in[0] = g;
}

/* The first negative element, or 0. */
static double first_negative(const tg_tensor *x, const void *data)
{
    const float *f32 = data;
    const double *f64 = data;
    for (int64_t i = 0; i < tg_at(x)->numel; i++) {
        double value = tg_at(x)->dtype == TG_F32 ? (double)f32[i] : f64[i];
        if (value < 0)
            return value;
    }
    return 0;
}

static void at_least_forward(tg_node *node)
{
    const tg_tensor *x = node->in[0];
    const void *data = tg_contiguous_data(node, x);
    double negative = data ? first_negative(x, data) : 0;
    if (negative < 0)
        tg_fail(tg_tape_in(x), TG_EVALUE, "%s: %g is negative", node->op->name, negative);
    else if (data)
        tg_map_forward(node);
}

static const tg_map_op at_least_op = {
    {.name = "at_least", .forward = at_least_forward, .backward = at_least_backward},
    {at_least_f32, at_least_f64}};

tg_tensor *tg_at_least(tg_tensor *x, double least)
{
    return tg_apply_first(&at_least_op.op, 1, &x, &least, sizeof least);
}

/* --- divided by a size --- */

static bool check_end(const tg_op *op, const tg_tensor *x, tg_dims shape)
{
    int before = tg_at(x)->ndim - shape.ndim;
    bool fits = shape.ndim >= 1 && before >= 0 && shape.sizes &&
                tg_shape_equal((tg_dims){shape.ndim, tg_at(x)->dims + before}, shape);
    TG_CHECK(tg_tape_in(x), fits, TG_ESHAPE, "%s: input %s does not end in %s", op->name,
             tg_shape_of(x).chars,
             shape.ndim >= 1 && shape.ndim <= TG_MAX_NDIM && shape.sizes
                 ? tg_shape_text(shape).chars
                 : "so many dims");
    return true;
}

static tg_tensor *rms_norm(const tg_op *op, tg_tensor *const *in, tg_dims shape, double eps)
{
    tg_tensor *x = in[0];
    if (!tg_check_floats(op, 2, in) || !check_end(op, x, shape) ||
        !tg_check_affine(op, in[1], shape, "weight") || !tg_check_eps(op, x, eps))
        return NULL;
    int64_t dims[TG_MAX_NDIM];
    for (int i = 0; i < shape.ndim; i++)
        dims[i] = i - shape.ndim;
    double least = tg_option(eps, tg_at(x)->dtype == TG_F32 ? (double)FLT_EPSILON : DBL_EPSILON);
    tg_tensor *square = tg_mean_dims(tg_square(x), shape.ndim, dims, true);
    tg_tensor *y = tg_mul(x, tg_rsqrt(tg_add_scalar(square, least)));
    return in[1] ? tg_mul(y, in[1]) : y;
}

tg_tensor *tg_rms_norm(tg_tensor *x, int n, const int64_t *dims, tg_tensor *weight, double eps)
{
    static const tg_op op = {.name = "rms_norm"};
    tg_tensor *in[] = {x, weight};
    TG_IN_SCOPE_GIVEN(&op, 2, in, 1, rms_norm(&op, in, (tg_dims){n, dims}, eps));
}

static tg_tensor *length(tg_tensor *x, double p, int dim)
{
    return tg_norm_dims(x, p, 1, (int64_t[]){dim}, true);
}

tg_tensor *tg_normalize(tg_tensor *x, double p, int dim, double eps)
{
    static const tg_op op = {.name = "normalize"};
    const double inf = (double)INFINITY;
    TG_IN_SCOPE(&op, tg_div(x, tg_clamp(length(x, p, dim), tg_option(eps, 1e-12), inf)), x);
}

static tg_tensor *cosine(const tg_op *op, tg_tensor **in, int dim, double eps)
{
    tg_shape shape;
    if (!tg_pair(op, in, false, &shape) || !tg_check_floats(op, 2, in))
        return NULL;
    for (int i = 0; i < 2; i++) {
        in[i] = tg_expand(in[i], shape.ndim, shape.sizes);
        in[i] = tg_div(in[i], tg_at_least(length(in[i], 2, dim), tg_option(eps, 1e-8)));
    }
    return tg_sum_dim(tg_mul(in[0], in[1]), dim, false);
}

tg_tensor *tg_cosine_similarity(tg_tensor *a, tg_tensor *b, int dim, double eps)
{
    static const tg_op op = {.name = "cosine_similarity"};
    tg_tensor *in[] = {a, b};
    TG_IN_SCOPE_GIVEN(&op, 2, in, 2, cosine(&op, in, dim, eps));
}

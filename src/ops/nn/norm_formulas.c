/* Norms composed of other operations: group_norm, instance_norm, rms_norm, cdist, normalize
 * and cosine_similarity. */
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

/* --- groups of channels --- */

/* in: x (N, C, ...), weight and bias. */
static bool check_channels(const tg_op *op, tg_tensor *const *in, int64_t groups, double eps)
{
    const tg_tensor *x = in[0];
    if (!tg_check_floats(op, 3, in) || !tg_check_eps(op, x, eps))
        return false;
    TG_CHECK(tg_tape_in(x), tg_at(x)->ndim >= 2, TG_ESHAPE, "%s: input %s has fewer than 2 dims",
             op->name, tg_shape_of(x).chars);
    const int64_t *channels = &tg_at(x)->dims[1];
    TG_CHECK(tg_tape_in(x), groups > 0 && *channels % groups == 0, TG_EVALUE,
             "%s: %lld groups do not divide %lld channels", op->name, (long long)groups,
             (long long)*channels);
    return tg_check_affine(op, in[1], (tg_dims){1, channels}, "weight") &&
           tg_check_affine(op, in[2], (tg_dims){1, channels}, "bias");
}

/* in: x, weight and bias. y, of x's elements, times the one and plus the other: what batch_norm does in one
 * visit each way. */
static tg_tensor *scaled(tg_tensor *y, tg_tensor *const *in)
{
    const tg_header *x = tg_at(in[0]);
    tg_tape *tape = tg_tape_in(in[0]);
    y = y ? tg_reshape(y, x->ndim, x->dims) : NULL;
    if (!y || !(in[1] || in[2]))
        return y;
    tg_batch_norm_opts as_it_is = {.weight = in[1],
                                   .bias = in[2],
                                   .running_mean = tg_zeros(tape, 1, &x->dims[1], x->dtype),
                                   .running_var = tg_ones(tape, 1, &x->dims[1], x->dtype),
                                   .eps = TG_ZERO};
    return tape->status ? NULL : tg_batch_norm(y, &as_it_is);
}

static tg_tensor *group_norm(const tg_op *op, tg_tensor *const *in, int64_t groups, double eps)
{
    if (!check_channels(op, in, groups, eps))
        return NULL;
    const tg_header *x = tg_at(in[0]);
    TG_CHECK(tg_tape_in(in[0]), x->numel != groups, TG_EVALUE,
             "group_norm: one value a group in %s", tg_shape_of(in[0]).chars);
    int64_t rows = x->dims[0] * groups;
    tg_tensor *flat = tg_reshape(in[0], 2, (int64_t[]){rows, rows ? x->numel / rows : 0});
    return scaled(tg_normalise(flat, tg_norm_eps(eps)), in);
}

tg_tensor *tg_group_norm(tg_tensor *x, int64_t groups, tg_tensor *weight, tg_tensor *bias,
                         double eps)
{
    static const tg_op op = {.name = "group_norm"};
    tg_tensor *in[] = {x, weight, bias};
    TG_IN_SCOPE_GIVEN(&op, 3, in, 1, group_norm(&op, in, groups, eps));
}

/* A weight of channels for each of n samples, one after the other; NULL where it is. */
static tg_tensor *of_samples(tg_tensor *t, int64_t n)
{
    return t ? tg_reshape(tg_expand(t, 2, (int64_t[]){n, -1}), 1, (int64_t[]){-1}) : NULL;
}

/* Samples are to batch_norm what channels are: each channel of each is one. */
static tg_tensor *instance_norm(const tg_op *op, tg_tensor *const *in, double eps)
{
    if (!check_channels(op, in, 1, eps))
        return NULL;
    const tg_header *x = tg_at(in[0]);
    const tg_shape shape = tg_shape_copy(tg_dims_of(in[0]));
    int64_t rows = x->dims[0] * x->dims[1];
    TG_CHECK(tg_tape_in(in[0]), rows != x->numel || !rows, TG_EVALUE,
             "instance_norm: one value a channel in %s", tg_shape_of(in[0]).chars);
    if (x->numel == 0)
        return scaled(in[0], in);
    int64_t of_rows[] = {1, rows, x->numel / rows};
    tg_batch_norm_opts o = {.weight = of_samples(in[1], x->dims[0]),
                            .bias = of_samples(in[2], x->dims[0]),
                            .eps = eps,
                            .training = true};
    tg_tensor *y = tg_batch_norm(tg_reshape(in[0], 3, of_rows), &o);
    return y ? tg_reshape(y, shape.ndim, shape.sizes) : NULL;
}

tg_tensor *tg_instance_norm(tg_tensor *x, tg_tensor *weight, tg_tensor *bias, double eps)
{
    static const tg_op op = {.name = "instance_norm"};
    tg_tensor *in[] = {x, weight, bias};
    TG_IN_SCOPE_GIVEN(&op, 3, in, 1, instance_norm(&op, in, eps));
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

static tg_tensor *cdist(const tg_op *op, tg_tensor *const *in, double p)
{
    const tg_header *a = tg_at(in[0]), *b = tg_at(in[1]);
    if (!tg_check_floats(op, 2, in))
        return NULL;
    TG_CHECK(tg_tape_in(in[0]), p >= 0, TG_EVALUE, "cdist: p %g is not >= 0", p);
    TG_CHECK(tg_tape_in(in[0]),
             a->ndim >= 2 && b->ndim >= 2 && a->dims[a->ndim - 1] == b->dims[b->ndim - 1],
             TG_ESHAPE, "cdist: %s and %s, wanted rows of one size", tg_shape_of(in[0]).chars,
             tg_shape_of(in[1]).chars);
    tg_tensor *d = tg_sub(tg_unsqueeze(in[0], -2), tg_unsqueeze(in[1], -3));
    if (!d || (tg_at(d)->dims[tg_at(d)->ndim - 1] == 0 && p > 2)) /* the largest of nothing */
        return d ? tg_sum_dim(d, -1, false) : NULL;
    return tg_norm_dims(d, p, 1, (int64_t[]){-1}, false);
}

tg_tensor *tg_cdist(tg_tensor *a, tg_tensor *b, double p)
{
    static const tg_op op = {.name = "cdist"};
    tg_tensor *in[] = {a, b};
    TG_IN_SCOPE_GIVEN(&op, 2, in, 2, cdist(&op, in, p));
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

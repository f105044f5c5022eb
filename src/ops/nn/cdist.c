/* cdist: distances of all pairs of rows. Those of p = 1, 2 and infinity have kernels; others are norms of
 * differences. Relies on kernels/distances.h. */
#include "kernels/distances.h"
#include "ops/arithmetic.h"
#include "ops/layout.h"
#include "ops/reduce.h"

#include <math.h>
#include <tinygrad/nn.h>

/* Of backward: the rows whose gradient it is, the others, the gradient of the distances, and these. */
enum { OWN, OTHER, G, DISTANCES, GRADIENT_INPUTS };

typedef struct params {
    tgk_distance kind;
    bool turned; /* backward: own rows are the second ones, columns of the distances */
} params;

/* x's data as doubles; NULL without memory. */
static const double *doubles_of(tg_node *node, const tg_tensor *x)
{
    const void *data = tg_contiguous_data(node, x);
    if (!data || tg_at(x)->dtype == TG_F64)
        return data;
    double *out = tg_workspace(node, (uint64_t)tg_at(x)->numel * sizeof *out);
    if (out)
        tgk_widen(data, tg_at(x)->numel, out);
    return out;
}

/* What kernels are told; own is NULL without memory. */
static tgk_distances arguments(tg_node *node, const tg_tensor *own, const tg_tensor *other)
{
    const tg_header *x = tg_at(own), *y = tg_at(other);
    tgk_distances d = {.kind = ((const params *)node->params)->kind,
                       .dtype = x->dtype,
                       .batches = 1,
                       .rows = x->dims[x->ndim - 2],
                       .columns = y->dims[y->ndim - 2],
                       .n = x->dims[x->ndim - 1]};
    for (int i = 0; i < x->ndim - 2; i++)
        d.batches *= x->dims[i];
    d.width = tgk_distances_width(d.columns);
    const double *rows = doubles_of(node, other);
    double *turned = tg_workspace(node, (uint64_t)(d.batches * d.n * d.width) * sizeof *turned);
    d.other = turned;
    if (rows && turned) {
        tgk_distances_turn(rows, &d, turned);
        d.own = doubles_of(node, own);
    }
    return d;
}

static void forward(tg_node *node)
{
    tg_tape *tape = tg_node_tape(node);
    tgk_distances d = arguments(node, node->in[0], node->in[1]);
    d.out = tg_at(node->out)->data;
    if (d.own)
        tgk_distances_forward(&tape->team, tape->isa, &d);
}

static void gradient_forward(tg_node *node)
{
    tg_tape *tape = tg_node_tape(node);
    const bool turned = ((const params *)node->params)->turned;
    tgk_distances d = arguments(node, node->in[OWN], node->in[OTHER]);
    d.out = tg_at(node->out)->data;
    d.g = tg_contiguous_data(node, node->in[G]);
    d.distances = tg_at(node->in[DISTANCES])->data; /* a result, which lies in order */
    d.row_step = turned ? 1 : d.columns;
    d.column_step = turned ? d.rows : 1;
    d.workspace = tg_workspace(node, (uint64_t)(2 * d.batches * d.rows * d.width) * sizeof(double));
    if (d.own && d.g && d.workspace)
        tgk_distances_backward(&tape->team, tape->isa, &d);
}

/* a - b of all pairs of rows. */
static tg_tensor *differences(tg_tensor *a, tg_tensor *b)
{
    return tg_sub(tg_unsqueeze(a, -2), tg_unsqueeze(b, -3));
}

/* For each difference: what of the distance's gradient it gets. */
static tg_tensor *shares(tg_tensor *differences, tg_tensor *distances, tgk_distance kind)
{
    tg_tensor *signs = tg_sign(differences);
    if (kind == TGK_SUM_OF_SIZES)
        return signs;
    tg_tensor *less = tg_ne(tg_abs(differences), tg_unsqueeze(distances, -1));
    signs = tg_masked_fill(signs, less, 0);
    tg_tensor *count = tg_sum_dim(tg_abs(signs), -1, true);
    return tg_div(signs, tg_clamp(count, 1, (double)INFINITY));
}

/* The distances, or what belongs to them, with own rows as rows; or back. */
static tg_tensor *oriented(tg_tensor *t, const params *p)
{
    return p->turned ? tg_transpose(t, -2, -1) : t;
}

/* Of the sum over the others of c (own - other), c = g / distance, for an upstream v; or of g's shares. */
static void gradient_backward(tg_node *node, tg_tensor *v, tg_tensor **grad_in)
{
    const params *p = node->params;
    tg_tensor *const *in = node->in;
    tg_tensor *distances = oriented(in[DISTANCES], p), *to_v = tg_unsqueeze(v, -2);
    tg_tensor *d = differences(in[OWN], in[OTHER]);
    if (p->kind != TGK_ROOT_OF_SQUARES) {
        if (tg_needs_grad(node, G)) {
            tg_tensor *part = tg_mul(shares(d, distances, p->kind), to_v);
            grad_in[G] = oriented(tg_sum_dim(part, -1, false), p);
        }
        return;
    }
    tg_tensor *c = tg_over_root(oriented(in[G], p), distances);
    tg_tensor *along = tg_sum_dim(tg_mul(d, to_v), -1, false);
    grad_in[OWN] =
        tg_mul(v, tg_sum_dim(c, -1, true)); /* own rows want a gradient, and so do the distances */
    if (tg_needs_grad(node, OTHER))
        grad_in[OTHER] = tg_neg(tg_matmul(tg_transpose(c, -2, -1), v));
    if (tg_needs_grad(node, G))
        grad_in[G] = oriented(tg_over_root(along, distances), p);
    grad_in[DISTANCES] = oriented(tg_neg(tg_over_root(tg_mul(along, c), distances)), p);
}

#define READS_FOUR (TG_READS_IN(OWN) | TG_READS_IN(OTHER) | TG_READS_IN(G) | TG_READS_IN(DISTANCES))
static const tg_op gradient_op = {.name = "cdist_backward",
                                  .forward = gradient_forward,
                                  .backward = gradient_backward,
                                  .reads = {READS_FOUR, READS_FOUR, READS_FOUR, READS_FOUR}};

static void backward(tg_node *node, tg_tensor *g, tg_tensor **grad_in)
{
    params p = *(const params *)node->params;
    for (int i = 0; i < 2; i++) {
        tg_tensor *in[GRADIENT_INPUTS] = {node->in[i], node->in[1 - i], g, node->out};
        p.turned = i == 1;
        if (tg_needs_grad(node, i))
            grad_in[i] = tg_gradient_of(node, i, &gradient_op, GRADIENT_INPUTS, in, &p, sizeof p);
    }
}

#define READS_ALL (TG_READS_IN(0) | TG_READS_IN(1) | TG_READS_OUT)
static const tg_op cdist_op = {
    .name = "cdist", .forward = forward, .backward = backward, .reads = {READS_ALL, READS_ALL}};

/* in, of batches of one shape. */
static tg_tensor *apply(tg_tensor **in, tgk_distance kind)
{
    tg_shape batches[2], sizes[2];
    for (int i = 0; i < 2; i++) {
        sizes[i] = batches[i] = tg_shape_copy(tg_dims_of(in[i]));
        batches[i].ndim -= 2;
    }
    const tg_shape all = tg_shape_broadcast(tg_shape_dims(&batches[0]), tg_shape_dims(&batches[1]));
    TG_CHECK(tg_tape_in(in[0]), all.ndim >= 0, TG_ESHAPE, "cdist: %s and %s do not broadcast",
             tg_shape_of(in[0]).chars, tg_shape_of(in[1]).chars);
    const int64_t rows = sizes[0].sizes[sizes[0].ndim - 2], n = sizes[0].sizes[sizes[0].ndim - 1];
    const int64_t columns = sizes[1].sizes[sizes[1].ndim - 2];
    tg_shape shape = all;
    shape.ndim += 2;
    for (int i = 0; i < 2; i++) {
        shape.sizes[all.ndim] = i ? columns : rows;
        shape.sizes[all.ndim + 1] = n;
        if (!tg_shape_equal(tg_dims_of(in[i]), tg_shape_dims(&shape)))
            in[i] = tg_expand(in[i], shape.ndim, shape.sizes);
    }
    shape.sizes[all.ndim] = rows;
    shape.sizes[all.ndim + 1] = columns;
    if (!in[0] || !in[1] || !tg_tensor_check(tg_tape_in(in[0]), "cdist", tg_shape_dims(&shape), 0))
        return NULL;
    return tg_apply(&(tg_call){.op = &cdist_op,
                               .n_in = 2,
                               .in = in,
                               .dtype = tg_at(in[0])->dtype,
                               .ndim = shape.ndim,
                               .dims = shape.sizes,
                               .params = &(params){.kind = kind},
                               .params_size = sizeof(params)});
}

static tg_tensor *cdist(const tg_op *op, tg_tensor **in, double p)
{
    const tg_header *a = tg_at(in[0]), *b = tg_at(in[1]);
    if (!tg_check_floats(op, 2, in))
        return NULL;
    TG_CHECK(tg_tape_in(in[0]), p >= 0, TG_EVALUE, "cdist: p %g is not >= 0", p);
    TG_CHECK(tg_tape_in(in[0]),
             a->ndim >= 2 && b->ndim >= 2 && a->dims[a->ndim - 1] == b->dims[b->ndim - 1],
             TG_ESHAPE, "cdist: %s and %s, wanted rows of one size", tg_shape_of(in[0]).chars,
             tg_shape_of(in[1]).chars);
    if (p == 1 || p == 2 || isinf(p))
        return apply(in, p == 1   ? TGK_SUM_OF_SIZES
                         : p == 2 ? TGK_ROOT_OF_SQUARES
                                  : TGK_LARGEST_SIZE);
    return tg_norm_dims(differences(in[0], in[1]), p, 1, (int64_t[]){-1}, false);
}

tg_tensor *tg_cdist(tg_tensor *a, tg_tensor *b, double p)
{
    tg_tensor *in[] = {a, b};
    TG_IN_SCOPE_GIVEN(&cdist_op, 2, in, 2, cdist(&cdist_op, in, p));
}

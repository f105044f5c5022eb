/* Images of other sizes: interpolation, and averages over as many windows as are asked for. Both go axis by
 * axis; a resampling of one and its adjoint are each other's gradients. Relies on kernels/resample.h. */
#include "ops/check.h"
#include "ops/layout.h"

#include "kernels/resample.h"

#include <math.h>
#include <tinygrad/nn.h>

typedef struct params {
    tgk_resample_kind kind;
    bool align;
    int dim; /* of the input */
    int64_t in, out;
    double scale; /* from places of the result to those of the input; 0: by the sizes */
} params;

static double scale_of(const params *p)
{
    if (p->kind == TGK_MIX && p->align)
        return p->out > 1 ? (double)(p->in - 1) / (double)(p->out - 1) : 0;
    return p->scale > 0 ? p->scale : (double)p->in / (double)p->out;
}

/* As PyTorch rounds it. */
static int64_t nearest(int64_t o, double scale, int dtype)
{
    float place = dtype == TG_F32 ? (float)o * (float)scale : (float)((double)o * scale);
    return (int64_t)floorf(place);
}

static void fill_taps(const params *p, int dtype, int64_t *a, double *weight)
{
    int64_t *b = a + p->out;
    const double scale = scale_of(p);
    for (int64_t o = 0; o < p->out; o++) {
        if (p->kind == TGK_AVERAGE) {
            a[o] = o * p->in / p->out;
            b[o] = ((o + 1) * p->in + p->out - 1) / p->out;
            continue;
        }
        double place = p->align ? (double)o * scale : ((double)o + 0.5) * scale - 0.5;
        place = place > 0 ? place : 0;
        a[o] = p->kind == TGK_MIX ? (int64_t)place : nearest(o, scale, dtype);
        a[o] = a[o] < p->in ? a[o] : p->in - 1;
        b[o] = a[o] + 1 < p->in ? a[o] + 1 : a[o];
        weight[o] = fmin(place - (double)a[o], 1);
    }
}

static void run(tg_node *node, bool adjoint)
{
    tg_tape *tape = tg_node_tape(node);
    const params *p = node->params;
    const int dtype = tg_at(node->out)->dtype;
    const uint64_t n = (uint64_t)p->out;
    int64_t *a = tg_workspace(node, 2 * n * sizeof *a);
    double *weight = tg_workspace(node, n * sizeof *weight);
    const tg_around around = tg_around_dim(node->in[0], p->dim);
    tgk_resample r = {.kind = p->kind,
                      .adjoint = adjoint,
                      .planes = around.outer,
                      .in = p->in,
                      .out = p->out,
                      .inner = around.inner,
                      .a = a,
                      .weight = weight,
                      .x = tg_contiguous_data(node, node->in[0]),
                      .y = tg_at(node->out)->data};
    if (!a || !weight || !r.x)
        return;
    fill_taps(p, dtype, a, weight);
    r.b = a + n;
    tgk_resample_run(&tape->team, tape->isa, dtype, &r);
}

static void resample_forward(tg_node *node)
{
    run(node, false);
}

static void adjoint_forward(tg_node *node)
{
    run(node, true);
}

static const tg_op adjoint_op;

static tg_call call_of(const tg_op *op, tg_tensor **x, const params *p)
{
    return (tg_call){.op = op, .n_in = 1, .in = x, .params = p, .params_size = sizeof *p};
}

static void resample_backward(tg_node *node, tg_tensor *g, tg_tensor **grad_in)
{
    grad_in[0] = tg_make(&(tg_making){call_of(&adjoint_op, &g, node->params), .like = node->in[0],
                                      .gradient_of = node});
}

static const tg_op resample_op = {
    .name = "resample", .forward = resample_forward, .backward = resample_backward};

static void adjoint_backward(tg_node *node, tg_tensor *v, tg_tensor **grad_in)
{
    grad_in[0] =
        tg_make(&(tg_making){call_of(&resample_op, &v, node->params), .like = node->in[0]});
}

static const tg_op adjoint_op = {
    .name = "resample_backward", .forward = adjoint_forward, .backward = adjoint_backward};

/* x where nothing would change. */
static tg_tensor *resample(tg_tensor *x, const params *p)
{
    if (p->in == p->out && p->scale <= 0)
        return x;
    tg_shape shape = tg_shape_copy(tg_dims_of(x));
    shape.sizes[p->dim] = p->out;
    tg_call call = call_of(&resample_op, &x, p);
    if (!tg_tensor_check(tg_tape_in(x), resample_op.name, tg_shape_dims(&shape), 0))
        return NULL;
    call.dtype = tg_at(x)->dtype;
    call.ndim = shape.ndim;
    call.dims = shape.sizes;
    return tg_apply(&call);
}

/* All `spatial` dims, of which the one that shrinks comes first: there is less to do for the other. A
 * result is never x itself. */
static tg_tensor *resample_all(tg_tensor *x, const params *p, int spatial)
{
    tg_tensor *y = x;
    const bool last_first = spatial == 2 && p[0].out > p[0].in;
    for (int i = 0; i < spatial && y; i++)
        y = resample(y, &p[last_first ? 1 - i : i]);
    return y == x ? tg_clone(x) : y;
}

static bool check_image(const tg_op *op, tg_tensor *x, int spatial, bool batched)
{
    tg_tape *tape = tg_tape_in(x);
    const int n = tg_at(x)->ndim, most = spatial + 2;
    if (!tg_check_floats(op, 1, &x))
        return false;
    TG_CHECK(tape, n == most || (!batched && n == most - 1), TG_ESHAPE,
             "%s: input %s, wanted %d%s dims", op->name, tg_shape_of(x).chars, most,
             batched ? "" : " or one less");
    for (int i = n - spatial; i < n; i++)
        TG_CHECK(tape, tg_at(x)->dims[i] > 0, TG_ESHAPE, "%s: an empty image %s", op->name,
                 tg_shape_of(x).chars);
    return true;
}

/* --- averages --- */

/* Of as many elements each. */
static tg_tensor *even_average(tg_tensor *x, const params *p, int spatial)
{
    tg_pool_opts o = {.kernel = {p[0].in / p[0].out}};
    if (spatial == 1)
        return tg_avg_pool1d(x, &o);
    o.kernel[1] = p[1].in / p[1].out;
    return tg_avg_pool2d(x, &o);
}

static tg_tensor *average(const tg_op *op, tg_tensor *x, const int64_t *sizes, int spatial)
{
    params p[2];
    bool even = true;
    if (!check_image(op, x, spatial, false))
        return NULL;
    for (int i = 0; i < spatial; i++) {
        const int dim = tg_at(x)->ndim - spatial + i;
        const int64_t in = tg_at(x)->dims[dim], out = sizes[i] == TG_KEEP_SIZE ? in : sizes[i];
        TG_CHECK(tg_tape_in(x), out >= 1 && out <= 1 << 30 && in <= 1 << 30, TG_EVALUE,
                 "%s: size %lld from %lld", op->name, (long long)out, (long long)in);
        p[i] = (params){.kind = TGK_AVERAGE, .dim = dim, .in = in, .out = out};
        even &= in % out == 0;
    }
    return even ? even_average(x, p, spatial) : resample_all(x, p, spatial);
}

tg_tensor *tg_adaptive_avg_pool1d(tg_tensor *x, int64_t size)
{
    static const tg_op op = {.name = "adaptive_avg_pool1d"};
    TG_IN_SCOPE(&op, average(&op, x, &size, 1), x);
}

tg_tensor *tg_adaptive_avg_pool2d(tg_tensor *x, int64_t height, int64_t width)
{
    static const tg_op op = {.name = "adaptive_avg_pool2d"};
    TG_IN_SCOPE(&op, average(&op, x, (int64_t[]){height, width}, 2), x);
}

/* --- interpolation --- */

/* Whether PyTorch goes by the sizes though there is a scale: where they stay, and where nearest
 * elements of 2-d images double; but never for those of 1-d ones. */
static bool by_sizes(const params *p, int ndim)
{
    if (p->kind == TGK_MIX)
        return p->out == p->in;
    return ndim == 4 && (p->out == p->in || p->out == 2 * p->in);
}

/* Number i of the dims, by its size or its scale. */
static bool read_size(const tg_op *op, const tg_tensor *x, const tg_interpolate_opts *o, int i,
                      params *p)
{
    tg_tape *tape = tg_tape_in(x);
    const double scale = o->scale[i] != 0 ? o->scale[i] : o->scale[0];
    const bool sized = o->size[0] != 0;
    TG_CHECK(tape, sized != (scale != 0), TG_EVALUE, "%s: wanted either a size or a scale",
             op->name);
    double out =
        sized ? (double)(o->size[i] ? o->size[i] : o->size[0]) : floor((double)p->in * scale);
    TG_CHECK(tape, out >= 1 && out <= 1 << 30, TG_EVALUE, "%s: size %g from %lld", op->name, out,
             (long long)p->in);
    p->out = (int64_t)out;
    p->scale = sized || by_sizes(p, tg_at(x)->ndim) ? 0 : 1 / scale;
    return true;
}

static tg_tensor *interpolate(const tg_op *op, tg_tensor *x, const tg_interpolate_opts *o)
{
    params p[2];
    const int spatial = tg_at(x)->ndim == 3 ? 1 : 2;
    if (!check_image(op, x, spatial, true))
        return NULL;
    TG_CHECK(tg_tape_in(x), o->mode == TG_NEAREST || o->mode == TG_LINEAR, TG_EVALUE,
             "%s: there is no mode %d", op->name, (int)o->mode);
    TG_CHECK(tg_tape_in(x), !o->align_corners || o->mode == TG_LINEAR, TG_EVALUE,
             "%s: align_corners is for TG_LINEAR", op->name);
    for (int i = 0; i < spatial; i++) {
        const int dim = 2 + i;
        p[i] = (params){.kind = o->mode == TG_LINEAR ? TGK_MIX : TGK_PICK,
                        .align = o->align_corners,
                        .dim = dim,
                        .in = tg_at(x)->dims[dim]};
        if (!read_size(op, x, o, i, &p[i]))
            return NULL;
    }
    return resample_all(x, p, spatial);
}

tg_tensor *tg_interpolate(tg_tensor *x, const tg_interpolate_opts *opts)
{
    static const tg_op op = {.name = "interpolate"};
    static const tg_interpolate_opts defaults = {.mode = TG_NEAREST};
    TG_IN_SCOPE(&op, interpolate(&op, x, opts ? opts : &defaults), x);
}

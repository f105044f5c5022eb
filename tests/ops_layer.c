/* Rows of layers: attention, convolutions, poolings, dropout and norms. A sample's `shape` holds
 * the options of a window: stride, padding, dilation (two each in two dims), groups; for a
 * pooling kernel, stride, padding, dilation. See op_table.h. */
#include "op_reference.h"

#include <math.h>
#include <string.h>

#include <tinygrad/op.h>

/* Options that are left out are 0. */
static void options(const op_sample *s, int64_t o[8])
{
    memset(o, 0, 8 * sizeof *o);
    op_shape(s, o);
}

static tg_conv_opts conv_opts(const op_sample *s, int spatial)
{
    int64_t o[8];
    options(s, o);
    if (spatial == 1)
        return (tg_conv_opts){{o[0]}, {o[1]}, {o[2]}, o[3]};
    return (tg_conv_opts){{o[0], o[1]}, {o[2], o[3]}, {o[4], o[5]}, o[6]};
}

/* Flags of poolings; s[0] is the divisor. */
enum { CEIL = 1, EXCLUDE = 2 };

static tg_pool_more_opts pool_opts(const op_sample *s, int spatial)
{
    int64_t o[8];
    options(s, o);
    tg_pool_more_opts p = {.ceil_mode = s->flags & CEIL,
                           .exclude_padding = s->flags & EXCLUDE,
                           .divisor = (int64_t)s->s[0]};
    for (int i = 0; i < spatial; i++) {
        p.kernel[i] = o[i];
        p.stride[i] = o[spatial + i];
        p.padding[i] = o[2 * spatial + i];
        p.dilation[i] = o[3 * spatial + i];
    }
    return p;
}

static tg_tensor *conv1d(const op_args *a)
{
    tg_conv_opts o = conv_opts(a->s, 1);
    return tg_conv1d(a->in[0], a->in[1], a->n > 2 ? a->in[2] : NULL, &o);
}

static tg_tensor *conv2d(const op_args *a)
{
    tg_conv_opts o = conv_opts(a->s, 2);
    return tg_conv2d(a->in[0], a->in[1], a->n > 2 ? a->in[2] : NULL, &o);
}

/* A sample's options: stride, padding, output_padding, dilation; flags: groups, or 0. */
static tg_conv_transpose_opts transpose_opts(const op_sample *s, int spatial)
{
    int64_t o[8];
    options(s, o);
    tg_conv_transpose_opts p = {.groups = s->flags};
    for (int i = 0; i < spatial; i++) {
        p.stride[i] = o[i];
        p.padding[i] = o[spatial + i];
        p.output_padding[i] = o[2 * spatial + i];
        p.dilation[i] = o[3 * spatial + i];
    }
    return p;
}

static tg_tensor *conv_transpose1d(const op_args *a)
{
    tg_conv_transpose_opts o = transpose_opts(a->s, 1);
    return tg_conv_transpose1d(a->in[0], a->in[1], a->n > 2 ? a->in[2] : NULL, &o);
}

static tg_tensor *conv_transpose2d(const op_args *a)
{
    tg_conv_transpose_opts o = transpose_opts(a->s, 2);
    return tg_conv_transpose2d(a->in[0], a->in[1], a->n > 2 ? a->in[2] : NULL, &o);
}

#define POOL(what, spatial)                                                                        \
    static tg_tensor *what(const op_args *a)                                                       \
    {                                                                                              \
        tg_pool_more_opts o = pool_opts(a->s, spatial);                                            \
        return tg_##what##_with(a->in[0], &o);                                                     \
    }
POOL(max_pool1d, 1)
POOL(max_pool2d, 2)
POOL(avg_pool1d, 1)
POOL(avg_pool2d, 2)

static tg_tensor *attention(const op_args *a)
{
    tg_attention_opts o = {.causal = a->s->flags, .scale = a->s->s[0]};
    return tg_scaled_dot_product_attention(a->in[0], a->in[1], a->in[2], &o);
}

/* Keys are values. The mask may be NULL, so that a missing one is an error only here. */
static tg_tensor *masked_attention(const op_args *a)
{
    tg_attention_opts o = {.mask = a->in[2], .causal = a->s->flags, .scale = a->s->s[0]};
    return tg_scaled_dot_product_attention(a->in[0], a->in[1], a->in[1], &o);
}

static tg_tensor *dropout(const op_args *a)
{
    return tg_dropout(a->in[0], a->s->s[0], true);
}

static tg_tensor *dropout_evaluation(const op_args *a)
{
    return tg_dropout(a->in[0], a->s->s[0], false);
}

/* Weights may be NULL in a call, but where a sample has some they are to be there. */
static bool given(const op_args *a, const char *name)
{
    bool missing = a->n > 1 && !a->in[1] && !strstr(a->s->in, " ~ ");
    if (missing && a->in[0])
        tg_fail(a->tape, TG_EVALUE, "%s: input 1 is NULL", name);
    return !missing;
}

static tg_tensor *layer_norm(const op_args *a)
{
    int64_t dims[OP_MAX_DIMS];
    int n = op_shape(a->s, dims);
    if (!given(a, "layer_norm"))
        return NULL;
    return tg_layer_norm(a->in[0], n, dims, a->in[1], a->in[2], a->s->s[0]);
}

static tg_tensor *batch_norm(const op_args *a)
{
    if (!given(a, "batch_norm"))
        return NULL;
    return tg_batch_norm(
        a->in[0], &(tg_batch_norm_opts){
                      .weight = a->in[1], .bias = a->in[2], .eps = a->s->s[0], .training = true});
}

static tg_tensor *batch_norm_evaluation(const op_args *a)
{
    return tg_batch_norm(a->in[0], &(tg_batch_norm_opts){.running_mean = a->in[1],
                                                         .running_var = a->in[2],
                                                         .eps = a->s->s[0]});
}

/* --- references --- */

/* A window's geometry; in one dim the height is 1. */
typedef struct window {
    int64_t n, c, in[2], kernel[2], stride[2], padding[2], dilation[2], out[2];
} window;

static window window_of(const array *x, int spatial, const int64_t *kernel, const int64_t *stride,
                        const int64_t *padding, const int64_t *dilation)
{
    window w = {.n = x->ndim == spatial + 2 ? x->dims[0] : 1, .c = x->dims[x->ndim - spatial - 1]};
    for (int axis = 0; axis < 2; axis++) {
        int i = axis - (2 - spatial);
        bool real = i >= 0;
        w.in[axis] = real ? x->dims[x->ndim - spatial + i] : 1;
        w.kernel[axis] = real ? kernel[i] : 1;
        w.padding[axis] = real ? padding[i] : 0;
        w.stride[axis] = real ? (stride[i] ? stride[i] : stride[0]) : 1;
        w.dilation[axis] = real ? (dilation[i] ? dilation[i] : dilation[0]) : 1;
        w.stride[axis] = w.stride[axis] ? w.stride[axis] : 1;
        w.dilation[axis] = w.dilation[axis] ? w.dilation[axis] : 1;
        w.out[axis] =
            (w.in[axis] + 2 * w.padding[axis] - w.dilation[axis] * (w.kernel[axis] - 1) - 1) /
                w.stride[axis] +
            1;
    }
    return w;
}

static void start(const window *w, const array *x, int spatial, int64_t channels, array *out)
{
    int64_t dims[4] = {w->n, channels, w->out[0], w->out[1]};
    if (spatial == 1)
        dims[2] = w->out[1];
    int skip = x->ndim == spatial + 2 ? 0 : 1;
    ref_start(out, x->dtype, x->ndim, dims + skip);
}

/* Where (i, j) of the window at output place k lies in plane `plane` of x; -1: in the padding. */
static int64_t in_window(const window *w, int64_t plane, int64_t k, int64_t i, int64_t j)
{
    int64_t y = k / w->out[1] % w->out[0] * w->stride[0] + i * w->dilation[0] - w->padding[0];
    int64_t x = k % w->out[1] * w->stride[1] + j * w->dilation[1] - w->padding[1];
    bool inside = y >= 0 && y < w->in[0] && x >= 0 && x < w->in[1];
    return inside ? (plane * w->in[0] + y) * w->in[1] + x : -1;
}

static void convolve(const op_sample *s, const array *in, int spatial, array *out)
{
    const array *x = &in[0], *weight = &in[1];
    tg_conv_opts o = conv_opts(s, spatial);
    window w = window_of(x, spatial, weight->dims + 2, o.stride, o.padding, o.dilation);
    int64_t channels = weight->dims[0], per = weight->dims[1];
    int64_t groups = o.groups ? o.groups : 1, area = w.out[0] * w.out[1];
    start(&w, x, spatial, channels, out);
    for (int64_t k = 0; k < out->numel; k++) {
        int64_t image = k / area / channels, channel = k / area % channels;
        int64_t first = image * w.c + channel / (channels / groups) * per;
        for (int64_t t = 0; t < per * w.kernel[0] * w.kernel[1]; t++) {
            int64_t c = t / (w.kernel[0] * w.kernel[1]);
            int64_t at =
                in_window(&w, first + c, k, t / w.kernel[1] % w.kernel[0], t % w.kernel[1]);
            if (at >= 0)
                out->data[k] +=
                    x->data[at] * weight->data[channel * per * w.kernel[0] * w.kernel[1] + t];
        }
        out->data[k] += in[2].dtype >= 0 ? in[2].data[channel] : 0;
    }
}

/* Each element of x adds the weight, times itself, to a window of the result. */
static void transpose(const op_sample *s, const array *in, int spatial, array *out)
{
    const array *x = &in[0], *weight = &in[1];
    tg_conv_transpose_opts o = transpose_opts(s, spatial);
    window w = window_of(x, spatial, weight->dims + 2, o.stride, o.padding, o.dilation);
    const int64_t per = weight->dims[1], groups = o.groups ? o.groups : 1, channels = per * groups;
    const int64_t elements = w.kernel[0] * w.kernel[1], area = w.in[0] * w.in[1];
    memcpy(w.out, w.in, sizeof w.out); /* places are elements of x, */
    for (int i = 2 - spatial; i < 2; i++)
        w.in[i] = (w.out[i] - 1) * w.stride[i] - 2 * w.padding[i] +
                  w.dilation[i] * (w.kernel[i] - 1) + 1 + o.output_padding[i - 2 + spatial];
    window turned = w; /* and the image is the result */
    memcpy(turned.out, w.in, sizeof w.in);
    start(&turned, x, spatial, channels, out);
    for (int64_t k = 0; k < out->numel; k++)
        out->data[k] = in[2].dtype >= 0 ? in[2].data[k / (w.in[0] * w.in[1]) % channels] : 0;
    for (int64_t k = 0; k < x->numel; k++) {
        const int64_t channel = k / area % w.c, image = k / area / w.c;
        const int64_t first = image * channels + channel / (w.c / groups) * per;
        for (int64_t t = 0; t < per * elements; t++) {
            int64_t at = in_window(&w, first + t / elements, k, t / w.kernel[1] % w.kernel[0],
                                   t % w.kernel[1]);
            if (at >= 0)
                out->data[at] += x->data[k] * weight->data[channel * per * elements + t];
        }
    }
}

static void ref_conv_transpose1d(const op_sample *s, const array *in, array *out)
{
    transpose(s, in, 1, out);
}

static void ref_conv_transpose2d(const op_sample *s, const array *in, array *out)
{
    transpose(s, in, 2, out);
}

/* Windows as they are with ceil_mode. */
static void stick_out(window *w)
{
    for (int i = 0; i < 2; i++) {
        int64_t rest = w->in[i] + 2 * w->padding[i] - w->dilation[i] * (w->kernel[i] - 1) - 1;
        w->out[i] = (rest + w->stride[i] - 1) / w->stride[i] + 1;
        w->out[i] -= (w->out[i] - 1) * w->stride[i] >= w->in[i] + w->padding[i];
    }
}

/* How many elements of the window at a place count, along an axis. */
static int64_t counted(const window *w, int axis, int64_t place, bool exclude)
{
    int64_t n = 0, beyond = exclude ? 0 : w->padding[axis];
    for (int64_t k = 0; k < w->kernel[axis]; k++) {
        int64_t at = place * w->stride[axis] + k - w->padding[axis];
        n += at >= -beyond && at < w->in[axis] + beyond;
    }
    return n;
}

static void pool(const op_sample *s, const array *x, int spatial, bool largest, array *out)
{
    tg_pool_more_opts o = pool_opts(s, spatial);
    if (spatial == 2 && !o.kernel[1])
        o.kernel[1] = o.kernel[0];
    const int64_t *stride = o.stride[0] ? o.stride : o.kernel;
    window w = window_of(x, spatial, o.kernel, stride, o.padding, o.dilation);
    if (o.ceil_mode)
        stick_out(&w);
    start(&w, x, spatial, w.c, out);
    for (int64_t k = 0; k < out->numel; k++) {
        double sum = 0, most = -(double)INFINITY;
        for (int64_t t = 0; t < w.kernel[0] * w.kernel[1]; t++) {
            int64_t at =
                in_window(&w, k / (w.out[0] * w.out[1]), k, t / w.kernel[1], t % w.kernel[1]);
            sum += at >= 0 ? x->data[at] : 0;
            if (at >= 0 && !isnan(most) && !(x->data[at] <= most))
                most = x->data[at];
        }
        int64_t n = counted(&w, 0, k / w.out[1] % w.out[0], o.exclude_padding) *
                    counted(&w, 1, k % w.out[1], o.exclude_padding);
        out->data[k] = largest ? most : sum / (double)(o.divisor ? o.divisor : n);
    }
}

static void ref_conv1d(const op_sample *s, const array *in, array *out)
{
    convolve(s, in, 1, out);
}

static void ref_conv2d(const op_sample *s, const array *in, array *out)
{
    convolve(s, in, 2, out);
}

static void ref_max_pool1d(const op_sample *s, const array *in, array *out)
{
    pool(s, in, 1, true, out);
}

static void ref_max_pool2d(const op_sample *s, const array *in, array *out)
{
    pool(s, in, 2, true, out);
}

static void ref_avg_pool1d(const op_sample *s, const array *in, array *out)
{
    pool(s, in, 1, false, out);
}

static void ref_avg_pool2d(const op_sample *s, const array *in, array *out)
{
    pool(s, in, 2, false, out);
}

/* Batches are equal in q, k and v here. The mask's places are those of scores. */
static void attend(const op_sample *s, const array *q, const array *k, const array *v,
                   const array *mask, array *out)
{
    int n = q->ndim;
    int64_t rows = q->dims[n - 2], size = q->dims[n - 1], keys = k->dims[n - 2];
    int64_t width = v->dims[n - 1], dims[OP_MAX_DIMS];
    double scale = s->s[0] != 0 ? s->s[0] : 1 / sqrt((double)size), p[SNAPSHOT_NUMEL];
    array scores;
    memcpy(dims, q->dims, sizeof dims);
    dims[n - 1] = keys;
    ref_start(&scores, q->dtype, n, dims);
    dims[n - 1] = width;
    ref_start(out, q->dtype, n, dims);
    for (int64_t r = 0; r < q->numel / size; r++) {
        double sum = 0, most = -(double)INFINITY;
        for (int64_t j = 0; j < keys; j++) {
            double dot = 0, m = mask ? mask->data[ref_place(mask, &scores, r * keys + j)] : 0;
            for (int64_t e = 0; e < size; e++)
                dot += q->data[r * size + e] * k->data[(r / rows * keys + j) * size + e];
            bool hidden = (s->flags && j > r % rows) || (mask && mask->dtype == TG_BOOL && m == 0);
            bool added = mask && mask->dtype != TG_BOOL;
            p[j] = hidden ? -(double)INFINITY : dot * scale + (added ? m : 0);
            most = fmax(most, p[j]);
        }
        for (int64_t j = 0; j < keys; j++) {
            p[j] = isinf(most) ? 0 : exp(p[j] - most);
            sum += p[j];
        }
        for (int64_t j = 0; j < keys && sum > 0; j++) {
            for (int64_t e = 0; e < width; e++)
                out->data[r * width + e] += p[j] / sum * v->data[(r / rows * keys + j) * width + e];
        }
    }
}

static void ref_attention(const op_sample *s, const array *in, array *out)
{
    attend(s, &in[0], &in[1], &in[2], NULL, out);
}

static void ref_masked_attention(const op_sample *s, const array *in, array *out)
{
    attend(s, &in[0], &in[1], &in[1], &in[2], out);
}

static void ref_copy(const op_sample *s, const array *in, array *out)
{
    (void)s;
    *out = *in;
}

/* Zero, or scaled; and about as many of each as p says. */
static bool check_dropout(const op_args *args, const snapshot *out)
{
    double p = args->s->s[0], scale = p < 1 ? 1 / (1 - p) : 0;
    snapshot x = snapshot_of(args->in[0]);
    int64_t zeros = 0;
    if (out->dtype != x.dtype || out->numel != x.numel || out->ndim != x.ndim)
        return false;
    for (int64_t i = 0; i < x.numel; i++) {
        double got = snapshot_at(out, i), want = snapshot_at(&x, i) * scale;
        zeros += got == 0;
        if (got != 0 && fabs(got - want) > 1e-6 * fabs(want))
            return false;
    }
    double n = (double)x.numel;
    return fabs((double)zeros - n * p) <= 5 * sqrt(n * p * (1 - p)) + 1e-9;
}

static double eps_of(const op_sample *s)
{
    return s->s[0] > 0 ? s->s[0] : 1e-5;
}

static void ref_layer_norm(const op_sample *s, const array *in, array *out)
{
    int64_t dims[OP_MAX_DIMS], n = 1;
    int count = op_shape(s, dims);
    for (int i = 0; i < count; i++)
        n *= dims[i];
    *out = in[0];
    for (int64_t k = 0; k < out->numel; k++) {
        const double *x = in[0].data + k / n * n;
        double mean = 0, var = 0;
        for (int64_t i = 0; i < n; i++)
            mean += x[i] / (double)n;
        for (int64_t i = 0; i < n; i++)
            var += (x[i] - mean) * (x[i] - mean) / (double)n;
        out->data[k] = (x[k % n] - mean) / sqrt(var + eps_of(s));
        out->data[k] *= in[1].dtype >= 0 ? in[1].data[k % n] : 1;
        out->data[k] += in[2].dtype >= 0 ? in[2].data[k % n] : 0;
    }
}

/* Channel of element k of x (N, C, ...). */
static int64_t channel_of(const array *x, int64_t k)
{
    ref_rows r = ref_rows_of(x, 1);
    return k / r.inner % r.n;
}

static void ref_batch_norm(const op_sample *s, const array *in, array *out)
{
    const array *x = &in[0];
    double n = (double)x->numel / (double)x->dims[1];
    *out = *x;
    for (int64_t k = 0; k < x->numel; k++) {
        int64_t c = channel_of(x, k);
        double mean = 0, var = 0;
        for (int64_t i = 0; i < x->numel; i++)
            mean += channel_of(x, i) == c ? x->data[i] / n : 0;
        for (int64_t i = 0; i < x->numel; i++)
            var += channel_of(x, i) == c ? (x->data[i] - mean) * (x->data[i] - mean) / n : 0;
        out->data[k] = (x->data[k] - mean) / sqrt(var + eps_of(s));
        out->data[k] *= in[1].dtype >= 0 ? in[1].data[c] : 1;
        out->data[k] += in[2].dtype >= 0 ? in[2].data[c] : 0;
    }
}

static void ref_batch_norm_evaluation(const op_sample *s, const array *in, array *out)
{
    *out = in[0];
    for (int64_t k = 0; k < out->numel; k++) {
        int64_t c = channel_of(&in[0], k);
        out->data[k] = (in[0].data[k] - in[1].data[c]) / sqrt(in[2].data[c] + eps_of(s));
    }
}

/* --- samples --- */

static const op_sample convs1[] = {{.in = "2x3x7 4x3x3 4"},
                                   {.in = "3x7 4x3x3 4"},
                                   {.in = "2x3x7 4x3x3 ~", .shape = "2x1"},
                                   {.in = "2x3x8 2x3x2", .shape = "3x2x2"},
                                   {.in = "2x4x6 6x2x3 6", .shape = "1x1x1x2"},
                                   {.in = "1x3x5 3x1x2 3", .shape = "1x0x2x3"},
                                   {.in = "1x1x1 1x1x1 1"},
                                   {.in = "0x2x5 3x2x2 3"},
                                   {.in = "2x2x5:r 3x2x2:r 3:r"},
                                   {0}};
static const op_sample conv_errors1[] = {
    {.in = "2x3x7 4x2x3 4", .status = TG_ESHAPE, .message = "wants 3 channels"},
    {.in = "2x3x7 4x3 4", .status = TG_ESHAPE, .message = "weight [4, 3], wanted 3 dims"},
    {.in = "7 4x3x3 4", .status = TG_ESHAPE, .message = "input [7], wanted 2 or 3 dims"},
    {.in = "2x3x7 4x3x3 3", .status = TG_ESHAPE, .message = "bias [3]"},
    {.in = "2x3x7 4x3x8 4", .status = TG_ESHAPE, .message = "a window of 8 elements"},
    {.in = "2x4x7 4x2x3 4", .shape = "1x0x1x3", .status = TG_EVALUE, .message = "3 groups"},
    {.in = "2x3x7 4x3x3 4", .shape = "1x-1", .status = TG_EVALUE, .message = "padding -1"},
    {.in = "2x3x7 4x3x3:o 4", .status = TG_EDTYPE, .message = "input 1 is float"},
    {.in = "2x3x7:i 4x3x3:i 4:i", .status = TG_EDTYPE, .message = "a float dtype"},
    {0}};
static const op_sample convs2[] = {{.in = "1x2x4x5 3x2x2x3 3"},
                                   {.in = "2x4x5 3x2x3x2 3", .shape = "2x1x1x2"},
                                   {.in = "2x2x4x4 2x1x2x2 2", .shape = "1x1x0x1x2x1x2"},
                                   {.in = "1x2x3x3 2x2x3x3 ~", .shape = "2x0x1x1"},
                                   {.in = "1x1x1x1 1x1x1x1 1"},
                                   {.in = "1x2x3x4:r 2x2x2x2:r 2:r"},
                                   {0}};
static const op_sample conv_errors2[] = {
    {.in = "1x2x4x5 3x2x2 3", .status = TG_ESHAPE, .message = "wanted 4 dims"},
    {.in = "4x5 3x2x2x2 3", .status = TG_ESHAPE, .message = "wanted 3 or 4 dims"},
    {.in = "1x2x4x5 3x1x2x2 3", .status = TG_ESHAPE, .message = "wants 2 channels"},
    {.in = "1x2x4x5 3x2x5x2 3", .status = TG_ESHAPE, .message = "a window of 5 elements"},
    {0}};
static const op_sample pools1[] = {
    {.in = "2x3x7", .shape = "2"},     {.in = "3x8", .shape = "3x2"},
    {.in = "2x3x7", .shape = "3x1x1"}, {.in = "2x3x7", .shape = "2x3x1"},
    {.in = "1x1x1", .shape = "1"},     {.in = "0x2x5", .shape = "2"},
    {.in = "2x2x5:r", .shape = "2x1"}, {0}};
static const op_sample pools1_dilated[] = {
    {.in = "2x3x7", .shape = "2x1x1x3"}, {.in = "2x40:x", .shape = "2x1"}, {0}};
static const op_sample pool_errors1[] = {
    {.in = "2x3x7", .status = TG_EVALUE, .message = "no kernel"},
    {.in = "2x3x7", .shape = "2x1x2", .status = TG_EVALUE, .message = "padding 2"},
    {.in = "2x3x7", .shape = "8", .status = TG_ESHAPE, .message = "a window of 8 elements"},
    {.in = "7", .shape = "2", .status = TG_ESHAPE, .message = "wanted 2 or 3 dims"},
    {.in = "2x3x7:i", .shape = "2", .status = TG_EDTYPE, .message = "a float dtype"},
    {0}};
static const op_sample transposes1[] = {{.in = "2x3x4 3x2x3 2"},
                                        {.in = "3x4 3x2x2 2", .shape = "3x1x2"},
                                        {.in = "1x4x3 4x1x3 2", .shape = "2x1x1x2", .flags = 2},
                                        {.in = "1x1x3 1x1x2", .shape = "1x0x1x2"},
                                        {.in = "1x2x3 2x1x1 1", .shape = "1x0x1x2"},
                                        {.in = "1x2x3:r 2x2x2:r 2:r", .shape = "2"},
                                        {0}};
static const op_sample transposes2[] = {
    {.in = "1x2x3x2 2x2x2x3 2"},
    {.in = "2x2x3 2x1x3x2 1", .shape = "2x3x1x0x1x2x1x1"},
    {.in = "1x2x2x2 2x1x2x2", .shape = "1x2x0x1x0x1", .flags = 2},
    {0}};
static const op_sample transpose_errors1[] = {
    {.in = "2x3x4 2x2x3 2", .status = TG_ESHAPE, .message = "weight [2, 2, 3] for input [2, 3, 4]"},
    {.in = "2x3x4 3x2x3 3", .status = TG_ESHAPE, .message = "bias [3] for a weight [3, 2, 3]"},
    {.in = "2x3x4 3x2x3 2", .flags = 2, .status = TG_EVALUE, .message = "2 groups of 3 channels"},
    {.in = "2x3x4 3x2x3 2", .shape = "2x0x2", .status = TG_EVALUE, .message = "output_padding 2"},
    {.in = "2x3x1 3x2x2 2", .shape = "1x1", .status = TG_ESHAPE, .message = "nothing is left"},
    {.in = "2x3x4 3x2x3 2", .shape = "-1", .status = TG_EVALUE, .message = "stride -1"},
    {.in = "2x3x4:i 3x2x3:i 2:i", .status = TG_EDTYPE, .message = "a float dtype"},
    {0}};

static const op_sample pools1_ceil[] = {{.in = "1x2x8", .shape = "3x2", .flags = CEIL},
                                        {.in = "1x1x2", .shape = "3x2", .flags = CEIL},
                                        {.in = "1x1x5", .shape = "2x3x1", .flags = CEIL},
                                        {0}};
static const op_sample averages1[] = {{.in = "1x2x7", .shape = "3x2x1", .flags = EXCLUDE},
                                      {.in = "1x2x7", .shape = "3x2x1", .s = {-2}},
                                      {0}};
static const op_sample averages2[] = {
    {.in = "1x1x4x5", .shape = "3x2x2x3x1x1", .flags = CEIL},
    {.in = "1x1x5x4", .shape = "3x2x2x3x1x1", .flags = CEIL | EXCLUDE},
    {0}};
static const op_sample largest_errors[] = {{.in = "2x3x7",
                                            .shape = "2",
                                            .flags = EXCLUDE,
                                            .status = TG_EVALUE,
                                            .message = "average pooling"},
                                           {0}};
static const op_sample average_errors[] = {
    {.in = "2x3x7", .shape = "2x1x1x3", .status = TG_EVALUE, .message = "max pooling only"}, {0}};
static const op_sample pools2[] = {
    {.in = "2x2x4x5", .shape = "2"},           {.in = "2x5x4", .shape = "3x2x2x1"},
    {.in = "1x2x4x5", .shape = "3x2x1x2x1x1"}, {.in = "1x1x1x1", .shape = "1x1"},
    {.in = "1x2x4x4:r", .shape = "2x2x1x1"},   {.in = "2x2x5x5", .shape = "4x4x2x2"},
    {.in = "1x2x2x3", .shape = "4x3x4x3x1x1"}, {0}};
static const op_sample pools2_dilated[] = {{.in = "1x2x5x5", .shape = "2x2x1x1x0x1x2x3"}, {0}};
static const op_sample pool_errors2[] = {
    {.in = "2x2x4x5", .shape = "5x2", .status = TG_ESHAPE, .message = "a window of 5 elements"},
    {.in = "2x2x4x5", .shape = "2x2x1x1x0x2", .status = TG_EVALUE, .message = "padding"},
    {.in = "4x5", .shape = "2x2", .status = TG_ESHAPE, .message = "wanted 3 or 4 dims"},
    {0}};
static const op_sample attentions[] = {{.in = "3x4 5x4 5x2"},
                                       {.in = "2x3x4 2x5x4 2x5x2", .s = {0.3}},
                                       {.in = "3x4 3x4 3x2", .flags = 1},
                                       {.in = "2x4x3 2x3x3 2x3x2", .flags = 1},
                                       {.in = "2x2x3x2 2x2x3x2 2x2x3x2", .flags = 1},
                                       {.in = "3x3 = 3x3"},
                                       {.in = "40x2 50x2 50x3"},
                                       {.in = "70x2 70x2 70x1", .flags = 1},
                                       {.in = "0x3 4x3 4x2"},
                                       {.in = "3x4 0x4 0x2"},
                                       {.in = "2x3 4x3 4x0"},
                                       {.in = "2x0x3 2x4x3 2x4x2"},
                                       {.in = "1x1 1x1 1x1"},
                                       {.in = "3x4:r 5x4:r 5x2:r"},
                                       {0}};
static const op_sample attention_errors[] = {
    {.in = "3x4 5x3 5x2", .status = TG_ESHAPE, .message = "q [3, 4] and k [5, 3] differ in size"},
    {.in = "3x4 5x4 4x2", .status = TG_ESHAPE, .message = "differ in length"},
    {.in = "4 5x4 5x2", .status = TG_ESHAPE, .message = "wanted (..., length, size)"},
    {.in = "2x3x4 3x5x4 5x2",
     .status = TG_ESHAPE,
     .message = "k [3, 5, 4], v [5, 2] and mask NULL"},
    {.in = "3x4 5x4:o 5x2", .status = TG_EDTYPE, .message = "input 1 is float"},
    {.in = "3x4:i 5x4:i 5x2:i", .status = TG_EDTYPE, .message = "a float dtype"},
    {0}};
static const op_sample masked_attentions[] = {
    {.in = "3x4 5x4 3x5:b"}, {.in = "2x3x4 2x5x4 5:b"}, {.in = "2x3x4 2x5x4 2x3x1:b", .s = {0.3}},
    {.in = "3x4 5x4 3x5"},   {.in = "2x3x4 2x5x4 5"},   {0}};
static const op_sample masked_errors[] = {
    {.in = "3x4 5x4 3x5:b", .flags = 1, .status = TG_EVALUE, .message = "both a mask and causal"},
    {.in = "3x4 5x4 3x5:i", .status = TG_EDTYPE, .message = "mask is int64"},
    {.in = "3x4 5x4 3x4", .status = TG_ESHAPE, .message = "mask [3, 4] does not broadcast to the"},
    {.in = "2x3x4 5x4 3x3x5", .status = TG_ESHAPE, .message = "mask [3, 3, 5] do not broadcast"},
    {0}};
static const op_sample dropouts[] = {
    {.in = "37", .s = {0.5}},    {.in = "20x30", .s = {0.1}}, {.in = "2x3x4", .s = {0.9}},
    {.in = "7", .s = {0}},       {.in = "7", .s = {1}},       {.in = ".", .s = {0.5}},
    {.in = "3x4:r", .s = {0.5}}, {.in = "0", .s = {0.5}},     {0}};
static const op_sample dropout_errors[] = {
    {.in = "3", .s = {-0.1}, .status = TG_EVALUE, .message = "p -0.1 is outside [0, 1]"},
    {.in = "3", .s = {1.5}, .status = TG_EVALUE, .message = "p 1.5"},
    {.in = "3", .s = {(double)NAN}, .status = TG_EVALUE, .message = "is outside [0, 1]"},
    {.in = "3:i", .s = {0.5}, .status = TG_EDTYPE, .message = "a float dtype"},
    {0}};
static const op_sample layer_norms[] = {{.in = "3x5", .shape = "5"},
                                        {.in = "3x5 5 5", .shape = "5"},
                                        {.in = "2x3x4 3x4 3x4", .shape = "3x4"},
                                        {.in = "2x3x4 4 ~", .shape = "4", .s = {0.1}},
                                        {.in = "7 7 7", .shape = "7"},
                                        {.in = "0x3 3 3", .shape = "3"},
                                        {.in = "4x37 37 37", .shape = "37"},
                                        {.in = "3x4:r 4:r 4:r", .shape = "4"},
                                        {.in = "3x5 ~ 5", .shape = "5"},
                                        {.in = "3x1 1 1", .shape = "1"},
                                        {.in = "2x0 0 0", .shape = "0"},
                                        {.in = "2x3x2x2 2x2 ~", .shape = "2x2"},
                                        {.in = "2x3x4:r 3x4:r 3x4:r", .shape = "3x4"},
                                        {0}};
static const op_sample layer_norm_errors[] = {
    {.in = "3x5 5 5", .status = TG_ESHAPE, .message = "0 dims to normalise over"},
    {.in = "3x5 5 5", .shape = "3", .status = TG_ESHAPE, .message = "does not end in [3]"},
    {.in = "3x5 4 5", .shape = "5", .status = TG_ESHAPE, .message = "weight [4], wanted [5]"},
    {.in = "3x5 5 1", .shape = "5", .status = TG_ESHAPE, .message = "bias [1], wanted [5]"},
    {.in = "3x5", .shape = "5", .s = {-1}, .status = TG_EVALUE, .message = "eps -1"},
    {.in = "3x5 5:o 5", .shape = "5", .status = TG_EDTYPE, .message = "float"},
    {.in = "3x5:i", .shape = "5", .status = TG_EDTYPE, .message = "a float dtype"},
    {0}};
static const op_sample batch_norms[] = {
    {.in = "4x3"},       {.in = "4x3 3 3"}, {.in = "3x2x5 2 ~", .s = {0.1}}, {.in = "2x3x2x2 3 3"},
    {.in = "1x2x7 2 2"}, {.in = "3x2x5"},   {.in = "4x3:r 3:r 3:r"},         {0}};
static const op_sample batch_norm_errors[] = {
    {.in = "1x3", .status = TG_EVALUE, .message = "more than one value a channel"},
    {.in = "3", .status = TG_ESHAPE, .message = "wanted (N, C)"},
    {.in = "4x3 2 3", .status = TG_ESHAPE, .message = "weight [2], wanted [3]"},
    {.in = "4x3 3 4", .status = TG_ESHAPE, .message = "bias [4], wanted [3]"},
    {.in = "4x3", .s = {-1}, .status = TG_EVALUE, .message = "eps -1"},
    {.in = "4x3:i", .status = TG_EDTYPE, .message = "a float dtype"},
    {0}};
static const op_sample evaluations[] = {{.in = "4x3 3:c 3:cp"},
                                        {.in = "1x3 3:c 3:cp"},
                                        {.in = "2x3x4 3:c 3:cp", .s = {0.1}},
                                        {.in = "2x3x2x2 3:c 3:cp"},
                                        {.in = "0x3 3:c 3:cp"},
                                        {.in = "4x3:r 3:c 3:cp"},
                                        {0}};
static const op_sample evaluation_errors[] = {
    {.in = "4x3", .status = TG_EVALUE, .message = "evaluation needs running_mean"},
    {.in = "4x3 3:c", .status = TG_EVALUE, .message = "evaluation needs running_mean"},
    {.in = "4x3 2:c 3:c", .status = TG_ESHAPE, .message = "running_mean [2], wanted [3]"},
    {.in = "4x3 3 3:c", .status = TG_ESTATE, .message = "cannot require a gradient"},
    {0}};

/* The first of equal elements takes the gradient. */
static const op_kink kinks_max_pool1d[] = {
    {.s = {.in = "1x1x4", .shape = "2"}, .x = {{1, 1, 2, 0}}, .grad = {{1, 0, 1, 0}}}, {.s = {0}}};
static const op_kink kinks_max_pool2d[] = {
    {.s = {.in = "1x1x2x2", .shape = "2"}, .x = {{0, 1, 1, 1}}, .grad = {{0, 1, 0, 0}}},
    {.s = {0}}};

const op_row ops_layer[] = {{.name = "conv1d",
                             .is = OP_OPTIONAL_IN,
                             .build = conv1d,
                             .ref = ref_conv1d,
                             .samples = {convs1},
                             .errors = {conv_errors1}},
                            {.name = "conv2d",
                             .is = OP_OPTIONAL_IN,
                             .build = conv2d,
                             .ref = ref_conv2d,
                             .samples = {convs2},
                             .errors = {conv_errors2}},
                            {.name = "conv_transpose1d",
                             .is = OP_OPTIONAL_IN,
                             .build = conv_transpose1d,
                             .ref = ref_conv_transpose1d,
                             .samples = {transposes1},
                             .errors = {transpose_errors1}},
                            {.name = "conv_transpose2d",
                             .is = OP_OPTIONAL_IN,
                             .build = conv_transpose2d,
                             .ref = ref_conv_transpose2d,
                             .samples = {transposes2}},
                            {.name = "max_pool1d",
                             .build = max_pool1d,
                             .ref = ref_max_pool1d,
                             .samples = {pools1, pools1_dilated, pools1_ceil},
                             .errors = {pool_errors1, largest_errors},
                             .kinks = {kinks_max_pool1d}},
                            {.name = "max_pool2d",
                             .build = max_pool2d,
                             .ref = ref_max_pool2d,
                             .samples = {pools2, pools2_dilated},
                             .errors = {pool_errors2},
                             .kinks = {kinks_max_pool2d}},
                            {.name = "avg_pool1d",
                             .build = avg_pool1d,
                             .ref = ref_avg_pool1d,
                             .samples = {pools1, pools1_ceil, averages1},
                             .errors = {pool_errors1, average_errors}},
                            {.name = "avg_pool2d",
                             .build = avg_pool2d,
                             .ref = ref_avg_pool2d,
                             .samples = {pools2, averages2},
                             .errors = {pool_errors2}},
                            {.name = "attention",
                             .says = "scaled_dot_product_attention",
                             .build = attention,
                             .ref = ref_attention,
                             .samples = {attentions},
                             .errors = {attention_errors}},
                            {.name = "attention_masked",
                             .says = "scaled_dot_product_attention",
                             .is = OP_OPTIONAL_IN,
                             .build = masked_attention,
                             .ref = ref_masked_attention,
                             .samples = {masked_attentions},
                             .errors = {masked_errors}},
                            {.name = "dropout",
                             .is = OP_RANDOM,
                             .build = dropout,
                             .check = check_dropout,
                             .samples = {dropouts},
                             .errors = {dropout_errors}},
                            {.name = "dropout_evaluation",
                             .says = "dropout",
                             .build = dropout_evaluation,
                             .ref = ref_copy,
                             .samples = {dropouts}},
                            {.name = "layer_norm",
                             .is = OP_OPTIONAL_IN,
                             .build = layer_norm,
                             .ref = ref_layer_norm,
                             .samples = {layer_norms},
                             .errors = {layer_norm_errors}},
                            {.name = "batch_norm",
                             .is = OP_OPTIONAL_IN,
                             .build = batch_norm,
                             .ref = ref_batch_norm,
                             .samples = {batch_norms},
                             .errors = {batch_norm_errors}},
                            {.name = "batch_norm_evaluation",
                             .says = "batch_norm",
                             .build = batch_norm_evaluation,
                             .ref = ref_batch_norm_evaluation,
                             .samples = {evaluations},
                             .errors = {evaluation_errors}},
                            {0}};

/* Rows of images at other sizes. A sample's `shape` holds the sizes, s the scales. See op_table.h. */
#include "op_reference.h"

#include <math.h>

enum { LINEAR = 1, ALIGN = 2 };

static tg_tensor *adaptive1d(const op_args *a)
{
    int64_t size[OP_MAX_DIMS] = {0};
    op_shape(a->s, size);
    return tg_adaptive_avg_pool1d(a->in[0], size[0]);
}

static tg_tensor *adaptive2d(const op_args *a)
{
    int64_t size[OP_MAX_DIMS] = {0};
    op_shape(a->s, size);
    return tg_adaptive_avg_pool2d(a->in[0], size[0], size[1]);
}

static tg_tensor *interpolate(const op_args *a)
{
    int64_t size[OP_MAX_DIMS] = {0};
    op_shape(a->s, size);
    return tg_interpolate(
        a->in[0], &(tg_interpolate_opts){.size = {size[0], size[1]},
                                         .scale = {a->s->s[0], a->s->s[1]},
                                         .mode = a->s->flags & LINEAR ? TG_LINEAR : TG_NEAREST,
                                         .align_corners = a->s->flags & ALIGN});
}

/* --- references: a matrix for each axis --- */

typedef struct axis {
    int64_t in, out;
    double weight[32][32]; /* [out][in] */
} axis;

static void averages(axis *m)
{
    for (int64_t o = 0; o < m->out; o++) {
        int64_t from = o * m->in / m->out, to = ((o + 1) * m->in + m->out - 1) / m->out;
        for (int64_t i = from; i < to; i++)
            m->weight[o][i] = 1 / (double)(to - from);
    }
}

static void mixes(axis *m, const op_sample *s, double scale)
{
    double step = scale > 0 ? 1 / scale : (double)m->in / (double)m->out;
    if (s->flags & ALIGN)
        step = m->out > 1 ? (double)(m->in - 1) / (double)(m->out - 1) : 0;
    for (int64_t o = 0; o < m->out; o++) {
        double at = s->flags & ALIGN ? (double)o * step : fmax(((double)o + 0.5) * step - 0.5, 0);
        if (!(s->flags & LINEAR))
            at = floor((double)o * step);
        int64_t i = (int64_t)at < m->in ? (int64_t)at : m->in - 1;
        double part = i + 1 < m->in ? at - (double)i : 0;
        m->weight[o][i] += 1 - part;
        if (part > 0)
            m->weight[o][i + 1] += part;
    }
}

static void apply(const array *x, const axis *rows, const axis *columns, int spatial, array *out)
{
    int64_t dims[OP_MAX_DIMS], planes = x->numel / (rows->in * columns->in);
    for (int i = 0; i < x->ndim; i++)
        dims[i] = x->dims[i];
    dims[x->ndim - 1] = columns->out;
    if (spatial == 2)
        dims[x->ndim - 2] = rows->out;
    ref_start(out, x->dtype, x->ndim, dims);
    for (int64_t k = 0; k < planes * rows->out * columns->out; k++) {
        int64_t o = k % columns->out, r = k / columns->out % rows->out;
        const double *plane = x->data + k / columns->out / rows->out * rows->in * columns->in;
        for (int64_t i = 0; i < rows->in; i++) {
            for (int64_t j = 0; j < columns->in; j++) {
                double weight = rows->weight[r][i] * columns->weight[o][j];
                out->data[k] += weight > 0 ? weight * plane[i * columns->in + j] : 0;
            }
        }
    }
}

static void sizes(const op_sample *s, const array *x, int spatial, axis *m)
{
    int64_t size[OP_MAX_DIMS] = {0};
    op_shape(s, size);
    m[0] = m[1] = (axis){.in = 1, .out = 1, .weight = {{1}}};
    for (int i = 0; i < spatial; i++) {
        int64_t in = x->dims[x->ndim - spatial + i], out = size[i] ? size[i] : size[0];
        double scale = s->s[i] > 0 ? s->s[i] : s->s[0];
        out = scale > 0 ? (int64_t)floor((double)in * scale) : out == TG_KEEP_SIZE ? in : out;
        m[2 - spatial + i] = (axis){.in = in, .out = out};
    }
}

static void ref_adaptive1d(const op_sample *s, const array *in, array *out)
{
    axis m[2];
    sizes(s, &in[0], 1, m);
    averages(&m[1]);
    apply(&in[0], &m[0], &m[1], 1, out);
}

static void ref_adaptive2d(const op_sample *s, const array *in, array *out)
{
    axis m[2];
    sizes(s, &in[0], 2, m);
    averages(&m[0]);
    averages(&m[1]);
    apply(&in[0], &m[0], &m[1], 2, out);
}

static void ref_interpolate(const op_sample *s, const array *in, array *out)
{
    axis m[2];
    const int spatial = in[0].ndim - 2;
    sizes(s, &in[0], spatial, m);
    for (int i = 2 - spatial; i < 2; i++) {
        double scale = s->s[i - 2 + spatial] > 0 ? s->s[i - 2 + spatial] : s->s[0];
        bool kept = m[i].out == m[i].in && (spatial == 2 || s->flags & LINEAR);
        bool doubled = m[i].out == 2 * m[i].in && spatial == 2 && !(s->flags & LINEAR);
        mixes(&m[i], s, kept || doubled ? 0 : scale);
    }
    apply(&in[0], &m[0], &m[1], spatial, out);
}

/* --- rows --- */

static const op_sample adaptives1[] = {{.in = "2x3x7", .shape = "3"},
                                       {.in = "2x6", .shape = "3"},
                                       {.in = "1x2x3", .shape = "5"},
                                       {.in = "1x1x4:r", .shape = "3"},
                                       {.in = "0x2x5", .shape = "2"},
                                       {.in = "2x5", .shape = "-1"},
                                       {0}};
static const op_sample adaptives2[] = {{.in = "1x2x5x7", .shape = "3x2"},
                                       {.in = "2x4x6", .shape = "2x3"},
                                       {.in = "1x1x3x4", .shape = "-1x3"},
                                       {.in = "2x1x2x2", .shape = "3x3"},
                                       {0}};
static const op_sample adaptive_errors1[] = {
    {.in = "2x3x7", .shape = "0", .status = TG_EVALUE, .message = "size 0 from 7"},
    {.in = "7", .shape = "2", .status = TG_ESHAPE, .message = "wanted 3 or one less dims"},
    {.in = "2x3x0", .shape = "2", .status = TG_ESHAPE, .message = "an empty image [2, 3, 0]"},
    {.in = "2x3x7:i", .shape = "2", .status = TG_EDTYPE, .message = "a float dtype"},
    {0}};
static const op_sample interpolations[] = {
    {.in = "1x2x5", .shape = "8"},
    {.in = "2x1x3x4", .shape = "2x7"},
    {.in = "1x2x3x2", .s = {2}},
    {.in = "1x1x4", .s = {0.6}},
    {.in = "1x1x4", .s = {1.1}},
    {.in = "1x1x5x4", .s = {2.1, 1.1}},
    {.in = "1x1x4x3", .s = {1.1, 1.4}, .flags = LINEAR},
    {.in = "2x1x3", .shape = "3"},
    {.in = "0x1x3", .shape = "2"},
    {.in = "1x2x5", .shape = "8", .flags = LINEAR},
    {.in = "1x1x3x4", .shape = "5x3", .flags = LINEAR},
    {.in = "1x1x4x3", .shape = "2x5", .flags = LINEAR | ALIGN},
    {.in = "1x2x3x2", .s = {1.5, 2}, .flags = LINEAR},
    {.in = "1x1x3x1", .shape = "1x3", .flags = LINEAR | ALIGN},
    {.in = "1x2x3:r", .shape = "4", .flags = LINEAR},
    {0}};
static const op_sample interpolate_errors[] = {
    {.in = "1x2x5", .status = TG_EVALUE, .message = "either a size or a scale"},
    {.in = "1x2x5", .shape = "3", .s = {2}, .status = TG_EVALUE, .message = "either a size or"},
    {.in = "1x2x5", .shape = "-3", .status = TG_EVALUE, .message = "size -3 from 5"},
    {.in = "1x2x5", .s = {0.1}, .status = TG_EVALUE, .message = "size 0 from 5"},
    {.in = "1x2x5", .shape = "3", .flags = ALIGN, .status = TG_EVALUE, .message = "for TG_LINEAR"},
    {.in = "2x5", .shape = "3", .status = TG_ESHAPE, .message = "wanted 4 dims"},
    {.in = "1x2x0", .shape = "3", .status = TG_ESHAPE, .message = "an empty image"},
    {.in = "1x2x5:i", .shape = "3", .status = TG_EDTYPE, .message = "a float dtype"},
    {0}};

const op_row ops_resample[] = {{.name = "adaptive_avg_pool1d",
                                .build = adaptive1d,
                                .ref = ref_adaptive1d,
                                .samples = {adaptives1},
                                .errors = {adaptive_errors1}},
                               {.name = "adaptive_avg_pool2d",
                                .build = adaptive2d,
                                .ref = ref_adaptive2d,
                                .samples = {adaptives2}},
                               {.name = "interpolate",
                                .build = interpolate,
                                .ref = ref_interpolate,
                                .samples = {interpolations},
                                .errors = {interpolate_errors}},
                               {0}};

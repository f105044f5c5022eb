/* The initial values of parameters, as torch.nn.init and PyTorch's modules draw and round them.
 * One operation fills all tensors of a call: a fill that cannot be recorded has drawn nothing and
 * written nothing. Relies on check.h. */
#include "ops/check.h"

#include "ops/option.h"

#include <float.h>
#include <limits.h>
#include <math.h>
#include <tinygrad/nn.h>

typedef struct fans {
    double in, out;
} fans;

static fans fans_of(const tg_tensor *t)
{
    double field = 1;
    for (int i = 2; i < tg_at(t)->ndim; i++)
        field *= (double)tg_at(t)->dims[i];
    return (fans){(double)tg_at(t)->dims[1] * field, (double)tg_at(t)->dims[0] * field};
}

static bool check_fans(const tg_op *op, tg_tensor *t)
{
    if (!tg_check_fill(op, 1, &t))
        return false;
    TG_CHECK(tg_tape_in(t), tg_at(t)->ndim >= 2, TG_ESHAPE, "%s: %s, wanted at least 2 dims",
             op->name, tg_shape_of(t).chars);
    return true;
}

/* Of the first tensor and of the others: bounds, or standard deviations. */
typedef struct widths {
    double first, others;
} widths;

/* The first tensor is the output, the others are inputs. */
static void fill_all(tg_node *node, void (*draw)(tg_node *node, tg_tensor *t, double width))
{
    const widths *w = node->params;
    draw(node, node->out, w->first);
    for (int i = 0; i < node->n_in; i++) {
        draw(node, node->in[i], w->others);
        tg_at(node->in[i])->owner->version++; /* the output's is bumped by whoever runs this */
    }
}

/* Empty tensors draw nothing, and their widths may be infinite. */
static void draw_uniform(tg_node *node, tg_tensor *t, double bound)
{
    if (tg_at(t)->numel)
        tg_draw_uniform(node, t, -bound, bound);
}

/* Those of one tensor alone are of elements, see fill(). */
static void draw_normal(tg_node *node, tg_tensor *t, double std)
{
    tg_draw_normal(node, t, 0, std);
}

static void uniform_forward(tg_node *node)
{
    fill_all(node, draw_uniform);
}

static void normal_forward(tg_node *node)
{
    fill_all(node, draw_normal);
}

static void fill(const tg_op *op, tg_tensor *const *t, size_t n, widths w)
{
    bool any = false;
    for (size_t i = 0; i < n; i++)
        any |= tg_at(t[i])->numel > 0;
    if (any)
        tg_apply(&(tg_call){.op = op,
                            .n_in = (int)n - 1,
                            .in = t + 1,
                            .in_place = t[0],
                            .params = &w,
                            .params_size = sizeof w});
}

/* -- Kaiming ---------------------------------------------------------------------------------- */

static double gain_of(const tg_kaiming_opts *opts)
{
    double a = tg_option(opts->a, 0);
    switch (opts->nonlinearity) {
    case TG_GAIN_LEAKY_RELU:
        return sqrt(2.0 / (1 + a * a));
    case TG_GAIN_RELU:
        return sqrt(2.0);
    case TG_GAIN_LINEAR:
        return 1;
    case TG_GAIN_TANH:
        return 5.0 / 3;
    default:
        return 3.0 / 4;
    }
}

static double kaiming_std(const tg_tensor *t, const tg_kaiming_opts *opts)
{
    static const tg_kaiming_opts defaults = {0};
    const tg_kaiming_opts *o = opts ? opts : &defaults;
    fans f = fans_of(t);
    return gain_of(o) / sqrt(o->fan_out ? f.out : f.in);
}

static bool check_kaiming(const tg_op *op, tg_tensor *t, const tg_kaiming_opts *opts)
{
    if (!check_fans(op, t))
        return false;
    if (!opts)
        return true;
    TG_CHECK(tg_tape_in(t), isfinite(opts->a), TG_EVALUE, "%s: a is %g", op->name, opts->a);
    TG_CHECK(tg_tape_in(t), (unsigned)opts->nonlinearity <= TG_GAIN_SELU, TG_EVALUE,
             "%s: there is no nonlinearity %d", op->name, (int)opts->nonlinearity);
    return true;
}

void tg_kaiming_uniform_(tg_tensor *t, const tg_kaiming_opts *opts)
{
    TGK_DO_IN_RIGHT_MODES(tg_kaiming_uniform_(t, opts));
    static const tg_op op = {.name = "kaiming_uniform_", .forward = uniform_forward};
    if (check_kaiming(&op, t, opts))
        fill(&op, &t, 1, (widths){.first = sqrt(3.0) * kaiming_std(t, opts)});
}

void tg_kaiming_normal_(tg_tensor *t, const tg_kaiming_opts *opts)
{
    TGK_DO_IN_RIGHT_MODES(tg_kaiming_normal_(t, opts));
    static const tg_op op = {.name = "kaiming_normal_", .forward = normal_forward};
    if (check_kaiming(&op, t, opts))
        fill(&op, &t, 1, (widths){.first = kaiming_std(t, opts)});
}

/* -- Xavier ----------------------------------------------------------------------------------- */

static double xavier_std(const tg_tensor *t, double gain)
{
    fans f = fans_of(t);
    return tg_option(gain, 1) * sqrt(2.0 / (f.in + f.out));
}

static bool check_xavier(const tg_op *op, tg_tensor *t, double gain)
{
    if (!check_fans(op, t))
        return false;
    gain = tg_option(gain, 1);
    TG_CHECK(tg_tape_in(t), gain >= 0 && isfinite(gain), TG_EVALUE,
             "%s: gain %g is not finite and >= 0", op->name, gain);
    double largest = tg_at(t)->dtype == TG_F32 ? (double)FLT_MAX : DBL_MAX;
    TG_CHECK(tg_tape_in(t), !tg_at(t)->numel || xavier_std(t, gain) <= largest / 4, TG_EVALUE,
             "%s: gain %g is too large for %s", op->name, gain, tg_dtype_name(tg_at(t)->dtype));
    return true;
}

void tg_xavier_uniform_(tg_tensor *t, double gain)
{
    TGK_DO_IN_RIGHT_MODES(tg_xavier_uniform_(t, gain));
    static const tg_op op = {.name = "xavier_uniform_", .forward = uniform_forward};
    if (check_xavier(&op, t, gain))
        fill(&op, &t, 1, (widths){.first = sqrt(3.0) * xavier_std(t, gain)});
}

void tg_xavier_normal_(tg_tensor *t, double gain)
{
    TGK_DO_IN_RIGHT_MODES(tg_xavier_normal_(t, gain));
    static const tg_op op = {.name = "xavier_normal_", .forward = normal_forward};
    if (check_xavier(&op, t, gain))
        fill(&op, &t, 1, (widths){.first = xavier_std(t, gain)});
}

/* -- Layers ----------------------------------------------------------------------------------- */

static bool check_layer(const tg_op *op, const tg_tensor *weight, const tg_tensor *bias)
{
    if (!bias)
        return true;
    TG_CHECK(tg_tape_in(weight),
             tg_at(bias)->ndim == 1 && tg_at(bias)->dims[0] == tg_at(weight)->dims[0], TG_ESHAPE,
             "%s: bias %s for a weight %s", op->name, tg_shape_of(bias).chars,
             tg_shape_of(weight).chars);
    return true;
}

static void fill_layer(const tg_op *op, tg_tensor *weight, tg_tensor *bias)
{
    double in = fans_of(weight).in;
    const widths w = {
        .first = sqrt(3.0) * kaiming_std(weight, &(tg_kaiming_opts){.a = sqrt(5.0)}),
        .others = in > 0 ? 1.0 / sqrt(in) : 0.0,
    };
    fill(op, (tg_tensor *[]){weight, bias}, bias ? 2 : 1, w);
}

void tg_linear_init(tg_tensor *weight, tg_tensor *bias)
{
    TGK_DO_IN_RIGHT_MODES(tg_linear_init(weight, bias));
    static const tg_op op = {.name = "linear_init", .forward = uniform_forward};
    if (!tg_check_fill(&op, bias ? 2 : 1, (tg_tensor *[]){weight, bias}))
        return;
    if (tg_at(weight)->ndim != 2)
        tg_fail(tg_tape_in(weight), TG_ESHAPE, "linear_init: weight %s, wanted [out, in]",
                tg_shape_of(weight).chars);
    else if (check_layer(&op, weight, bias))
        fill_layer(&op, weight, bias);
}

void tg_conv_init(tg_tensor *weight, tg_tensor *bias)
{
    TGK_DO_IN_RIGHT_MODES(tg_conv_init(weight, bias));
    static const tg_op op = {.name = "conv_init", .forward = uniform_forward};
    if (!tg_check_fill(&op, bias ? 2 : 1, (tg_tensor *[]){weight, bias}))
        return;
    if (tg_at(weight)->ndim < 3)
        tg_fail(tg_tape_in(weight), TG_ESHAPE, "conv_init: weight %s, wanted [out, in, size...]",
                tg_shape_of(weight).chars);
    else if (check_layer(&op, weight, bias))
        fill_layer(&op, weight, bias);
}

void tg_embedding_init(tg_tensor *weight)
{
    static const tg_op op = {.name = "embedding_init", .forward = normal_forward};
    if (!tg_check_fill(&op, 1, &weight))
        return;
    if (tg_at(weight)->ndim != 2)
        tg_fail(tg_tape_in(weight), TG_ESHAPE, "embedding_init: weight %s, wanted [rows, columns]",
                tg_shape_of(weight).chars);
    else
        fill(&op, &weight, 1, (widths){.first = 1});
}

static bool check_recurrent(const tg_op *op, tg_tensor *const *tensors, size_t n, int64_t hidden)
{
    if (!tensors || n > INT_MAX || !tg_check_fill(op, (int)n, tensors))
        return false;
    TG_CHECK(tg_tape_in(tensors[0]), hidden >= 1, TG_EVALUE, "recurrent_init: hidden size %lld",
             (long long)hidden);
    return true;
}

void tg_recurrent_init(tg_tensor *const *tensors, size_t n, int64_t hidden)
{
    TGK_DO_IN_RIGHT_MODES(tg_recurrent_init(tensors, n, hidden));
    static const tg_op op = {.name = "recurrent_init", .forward = uniform_forward};
    double bound = 1.0 / sqrt((double)hidden);
    if (check_recurrent(&op, tensors, n, hidden))
        fill(&op, tensors, n, (widths){bound, bound});
}

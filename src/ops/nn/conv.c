/* Convolutions. A convolution, the gradient of its image and that of its weight are three operations,
 * linear in both of their inputs, of which each has the other two as gradients. Relies on window.h and
 * kernels/convolve.h. */
#include "ops/check.h"
#include "ops/nn/window.h"

#include "kernels/convolve.h"
#include "ops/layout.h"

#include <tinygrad/nn.h>

/* Options with their defaults, for an image (N, C, H, W) and a weight with `spatial` dims. In one
 * dim the height is 1 and the options' first entries speak of the width. */
static tgk_window window_of(const int64_t *image, const tg_tensor *weight, const tg_conv_opts *o,
                            int spatial)
{
    tgk_window w = {.n = image[0],
                    .c = image[1],
                    .in = {image[2], image[3]},
                    .kernel = {1, 1},
                    .stride = {1, 1},
                    .dilation = {1, 1}};
    for (int i = 0; i < spatial; i++) {
        int axis = 2 - spatial + i;
        w.kernel[axis] = tg_at(weight)->dims[2 + i];
        w.stride[axis] = tg_window_option(o->stride, i, 1);
        w.dilation[axis] = tg_window_option(o->dilation, i, 1);
        w.padding[axis] = o->padding[i];
    }
    return w;
}

static bool check_channels(const tg_op *op, int64_t c, tg_tensor *const *in, int64_t groups)
{
    const tg_tensor *weight = in[1], *bias = in[2];
    tg_tape *tape = tg_tape_in(weight);
    int64_t out = tg_at(weight)->dims[0];
    TG_CHECK(tape, groups >= 1 && c % groups == 0 && out % groups == 0, TG_EVALUE,
             "%s: %lld groups of %lld input and %lld output channels", op->name, (long long)groups,
             (long long)c, (long long)out);
    TG_CHECK(tape, tg_at(weight)->dims[1] == c / groups, TG_ESHAPE,
             "%s: input %s in %lld groups wants %lld channels in the weight %s", op->name,
             tg_shape_of(in[0]).chars, (long long)groups, (long long)(c / groups),
             tg_shape_of(weight).chars);
    TG_CHECK(tape, !bias || (tg_at(bias)->ndim == 1 && tg_at(bias)->dims[0] == out), TG_ESHAPE,
             "%s: bias %s for a weight %s", op->name, bias ? tg_shape_of(bias).chars : "",
             tg_shape_of(weight).chars);
    return true;
}

/* --- the operations; params: a tgk_convolution without pointers --- */

/* Runs a kernel over inputs that are two of x, y and weight. */
static void run(tg_node *node, tgk_convolution_kind kind, tgk_convolution c)
{
    tg_tape *tape = tg_node_tape(node);
    int dtype = tg_at(node->out)->dtype;
    c.out = tg_at(node->out)->data;
    size_t size = tgk_convolve_workspace(&tape->team, dtype, kind, &c);
    c.workspace = size ? tg_workspace(node, size) : NULL;
    if (!tape->status)
        tgk_convolve(&tape->team, tape->isa, dtype, kind, &c);
}

static void convolve_forward(tg_node *node)
{
    tgk_convolution c = *(const tgk_convolution *)node->params;
    c.x = tg_contiguous_data(node, node->in[0]);
    c.weight = tg_contiguous_data(node, node->in[1]);
    c.bias = node->in[2] ? tg_contiguous_data(node, node->in[2]) : NULL;
    run(node, TGK_CONVOLVE, c);
}

static void image_forward(tg_node *node)
{
    tgk_convolution c = *(const tgk_convolution *)node->params;
    c.y = tg_contiguous_data(node, node->in[0]);
    c.weight = tg_contiguous_data(node, node->in[1]);
    run(node, TGK_CONVOLVE_IMAGE, c);
}

static void weight_forward(tg_node *node)
{
    tgk_convolution c = *(const tgk_convolution *)node->params;
    c.y = tg_contiguous_data(node, node->in[0]);
    c.x = tg_contiguous_data(node, node->in[1]);
    run(node, TGK_CONVOLVE_WEIGHT, c);
}

static const tg_op convolve_op, image_op, weight_op;

/* The gradient of input i of a node of the same parameters, which is alike. */
static tg_tensor *gradient(tg_node *node, int i, const tg_op *op, tg_tensor *a, tg_tensor *b)
{
    tg_call call = {.op = op,
                    .n_in = op == &convolve_op ? 3 : 2,
                    .in = (tg_tensor *[]){a, b, NULL},
                    .params = node->params,
                    .params_size = sizeof(tgk_convolution)};
    return tg_needs_grad(node, i)
               ? tg_make(&(tg_making){call, .like = node->in[i], .gradient_of = node, .input = i})
               : NULL;
}

static tg_tensor *bias_gradient(tg_tensor *g, const tgk_convolution *c)
{
    int64_t plane = c->w.out[0] * c->w.out[1];
    return tg_sum_dims(tg_reshape(g, 3, (int64_t[]){c->w.n, c->channels, plane}), 2,
                       (int64_t[]){0, 2}, false);
}

static void convolve_backward(tg_node *node, tg_tensor *g, tg_tensor **grad_in)
{
    tg_tensor *x = node->in[0], *weight = node->in[1];
    grad_in[0] = gradient(node, 0, &image_op, g, weight);
    grad_in[1] = gradient(node, 1, &weight_op, g, x);
    if (tg_wants_grad(node, 2))
        grad_in[2] = bias_gradient(g, node->params);
}

static void image_backward(tg_node *node, tg_tensor *v, tg_tensor **grad_in)
{
    tg_tensor *g = node->in[0], *weight = node->in[1];
    grad_in[0] = gradient(node, 0, &convolve_op, v, weight);
    grad_in[1] = gradient(node, 1, &weight_op, g, v);
}

static void weight_backward(tg_node *node, tg_tensor *v, tg_tensor **grad_in)
{
    tg_tensor *g = node->in[0], *x = node->in[1];
    grad_in[0] = gradient(node, 0, &convolve_op, x, v);
    grad_in[1] = gradient(node, 1, &image_op, g, v);
}

static const tg_op convolve_op = {.name = "conv",
                                  .forward = convolve_forward,
                                  .backward = convolve_backward,
                                  .reads = {TG_READS_IN(1), TG_READS_IN(0)}};
static const tg_op image_op = {.name = "conv_backward",
                               .forward = image_forward,
                               .backward = image_backward,
                               .reads = {TG_READS_IN(1), TG_READS_IN(0)}};
static const tg_op weight_op = {.name = "conv_weight",
                                .forward = weight_forward,
                                .backward = weight_backward,
                                .reads = {TG_READS_IN(1), TG_READS_IN(0)}};

/* --- the functions --- */

/* Whether the window sees the whole image, once: a linear layer. */
static bool is_linear(const tgk_convolution *c)
{
    const tgk_window *w = &c->w;
    bool whole = true;
    for (int i = 0; i < 2; i++)
        whole &= w->kernel[i] == w->in[i] && w->padding[i] == 0 && w->out[i] == 1;
    return whole && c->groups == 1;
}

static tg_tensor *as_linear(tg_tensor *const *in, const tgk_convolution *c)
{
    int64_t size = c->w.c * c->w.kernel[0] * c->w.kernel[1];
    tg_tensor *x = tg_reshape(in[0], 2, (int64_t[]){c->w.n, size});
    return tg_linear(x, tg_reshape(in[1], 2, (int64_t[]){c->channels, size}), in[2]);
}

static tg_tensor *apply(tg_tensor *const *in, const tgk_convolution *c, tg_dims dims)
{
    if (!tg_tensor_check(tg_tape_in(in[0]), "conv", dims, tg_at(in[0])->dtype))
        return NULL;
    return tg_apply(&(tg_call){.op = &convolve_op,
                               .n_in = 3,
                               .in = in,
                               .dtype = tg_at(in[0])->dtype,
                               .ndim = dims.ndim,
                               .dims = dims.sizes,
                               .params = c,
                               .params_size = sizeof *c});
}

static tg_tensor *convolve(const tg_op *op, tg_tensor *const *in, const tg_conv_opts *o,
                           int spatial)
{
    tg_tensor *x = in[0], *weight = in[1];
    if (!tg_check_floats(op, 3, in))
        return NULL;
    TG_CHECK(tg_tape_in(x), tg_at(weight)->ndim == spatial + 2, TG_ESHAPE,
             "%s: weight %s, wanted %d dims", op->name, tg_shape_of(weight).chars, spatial + 2);
    int64_t groups = o->groups ? o->groups : 1, image[4], dims[4];
    if (!tg_image_sizes(op, x, spatial, image) || !check_channels(op, image[1], in, groups))
        return NULL;
    tgk_convolution c = {.w = window_of(image, weight, o, spatial),
                         .groups = groups,
                         .channels = tg_at(weight)->dims[0]};
    if (!tg_window_fit(op, x, &c.w, false))
        return NULL;
    tg_dims shape = {tg_image_dims(x, c.channels, &c.w, spatial, dims), dims};
    return is_linear(&c) ? tg_reshape(as_linear(in, &c), shape.ndim, dims) : apply(in, &c, shape);
}

static tg_tensor *conv(const tg_op *op, tg_tensor *const *in, const tg_conv_opts *opts, int spatial)
{
    TG_IN_SCOPE_GIVEN(op, 3, in, 2, convolve(op, in, opts ? opts : &(tg_conv_opts){0}, spatial));
}

tg_tensor *tg_conv1d(tg_tensor *x, tg_tensor *weight, tg_tensor *bias, const tg_conv_opts *opts)
{
    static const tg_op op = {.name = "conv1d"};
    return conv(&op, (tg_tensor *[]){x, weight, bias}, opts, 1);
}

tg_tensor *tg_conv2d(tg_tensor *x, tg_tensor *weight, tg_tensor *bias, const tg_conv_opts *opts)
{
    static const tg_op op = {.name = "conv2d"};
    return conv(&op, (tg_tensor *[]){x, weight, bias}, opts, 2);
}

/* Convolutions. A convolution, the gradient of its image and that of its weight are three operations,
 * linear in both of their inputs, of which each has the other two as gradients. Relies on window.h and
 * kernels/convolve.h. */
#include "ops/check.h"
#include "ops/nn/window.h"

#include "kernels/convolve.h"
#include "ops/layout.h"

#include <string.h>
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
    if (!bias)
        return true;
    TG_CHECK(tape, tg_at(bias)->ndim == 1 && tg_at(bias)->dims[0] == out, TG_ESHAPE,
             "%s: bias %s for a weight %s", op->name, tg_shape_of(bias).chars,
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
        whole &= w->kernel[i] == w->in[i] && w->padding[i] == 0;
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

/* --- transposed: the gradient of the image --- */

/* The sizes of the image that x is the convolution of; false, with the error set, where there is none. */
static bool enlarge(const tg_op *op, const tg_tensor *x, const tg_conv_transpose_opts *o,
                    int spatial, const int64_t *sizes, tgk_window *w)
{
    const int64_t limit = 1 << 30;
    tg_tape *tape = tg_tape_in(x);
    for (int i = 0; i < spatial; i++) {
        const int axis = 2 - spatial + i;
        const int64_t stride = w->stride[axis], dilation = w->dilation[axis];
        const int64_t kernel = w->kernel[axis], padding = w->padding[axis];
        const int64_t more = o->output_padding[i];
        TG_CHECK(tape, kernel >= 1 && stride >= 1 && dilation >= 1 && padding >= 0, TG_EVALUE,
                 "%s: kernel %lld, stride %lld, dilation %lld, padding %lld", op->name,
                 (long long)kernel, (long long)stride, (long long)dilation, (long long)padding);
        TG_CHECK(
            tape, more >= 0 && (more < stride || more < dilation), TG_EVALUE,
            "%s: output_padding %lld, stride %lld, dilation %lld: wanted less than one of them",
            op->name, (long long)more, (long long)stride, (long long)dilation);
        TG_CHECK(tape,
                 sizes[axis] <= limit && kernel <= limit && stride <= limit && dilation <= limit &&
                     padding <= limit,
                 TG_EVALUE, "%s: a size or a window parameter is above 2^30", op->name);
        w->in[axis] = (sizes[axis] - 1) * stride - 2 * padding + dilation * (kernel - 1) + 1 + more;
        TG_CHECK(tape, sizes[axis] > 0 && w->in[axis] > 0, TG_ESHAPE,
                 "%s: nothing is left of %s with padding %lld", op->name, tg_shape_of(x).chars,
                 (long long)padding);
    }
    return true;
}

static bool check_transposed(const tg_op *op, tg_tensor *const *in, int64_t c, int64_t groups,
                             int spatial)
{
    const tg_tensor *weight = in[1], *bias = in[2];
    tg_tape *tape = tg_tape_in(weight);
    TG_CHECK(tape, tg_at(weight)->ndim == spatial + 2 && tg_at(weight)->dims[0] == c, TG_ESHAPE,
             "%s: weight %s for input %s, wanted (%lld, ...) in %d dims", op->name,
             tg_shape_of(weight).chars, tg_shape_of(in[0]).chars, (long long)c, spatial + 2);
    TG_CHECK(tape, groups >= 1 && c % groups == 0, TG_EVALUE, "%s: %lld groups of %lld channels",
             op->name, (long long)groups, (long long)c);
    if (!bias)
        return true;
    TG_CHECK(tape,
             tg_at(bias)->ndim == 1 && tg_at(bias)->dims[0] == tg_at(weight)->dims[1] * groups,
             TG_ESHAPE, "%s: bias %s for a weight %s in %lld groups", op->name,
             tg_shape_of(bias).chars, tg_shape_of(weight).chars, (long long)groups);
    return true;
}

static tg_tensor *with_bias(tg_tensor *y, tg_tensor *bias, int spatial)
{
    return bias ? tg_add(y, tg_reshape(bias, spatial + 1, (int64_t[]){-1, 1, 1})) : y;
}

static tg_tensor *transposed(const tg_op *op, tg_tensor *const *in, const tg_conv_transpose_opts *o,
                             int spatial)
{
    tg_tensor *x = in[0], *weight = in[1];
    const int64_t groups = o->groups ? o->groups : 1;
    const tg_conv_opts plain = {.stride = {o->stride[0], o->stride[1]},
                                .padding = {o->padding[0], o->padding[1]},
                                .dilation = {o->dilation[0], o->dilation[1]}};
    int64_t sizes[4], dims[4];
    if (!tg_check_floats(op, 3, in) || !tg_image_sizes(op, x, spatial, sizes) ||
        !check_transposed(op, in, sizes[1], groups, spatial))
        return NULL;
    const int64_t image[] = {sizes[0], tg_at(weight)->dims[1] * groups, 1, 1};
    tgk_convolution c = {
        .w = window_of(image, weight, &plain, spatial), .groups = groups, .channels = sizes[1]};
    if (!enlarge(op, x, o, spatial, sizes + 2, &c.w) || !tg_window_fit(op, x, &c.w, false))
        return NULL;
    memcpy(c.w.out, c.w.in, sizeof c.w.out);
    const tg_dims shape = {tg_image_dims(x, image[1], &c.w, spatial, dims), dims};
    memcpy(c.w.out, sizes + 2, sizeof c.w.out);
    if (!tg_tensor_check(tg_tape_in(x), op->name, shape, tg_at(x)->dtype))
        return NULL;
    tg_tensor *y = tg_apply(&(tg_call){.op = &image_op,
                                       .n_in = 2,
                                       .in = in,
                                       .dtype = tg_at(x)->dtype,
                                       .ndim = shape.ndim,
                                       .dims = dims,
                                       .params = &c,
                                       .params_size = sizeof c});
    return with_bias(y, in[2], spatial);
}

static tg_tensor *conv_transpose(const tg_op *op, tg_tensor *const *in,
                                 const tg_conv_transpose_opts *opts, int spatial)
{
    static const tg_conv_transpose_opts defaults = {.groups = 0};
    TG_IN_SCOPE_GIVEN(op, 3, in, 2, transposed(op, in, opts ? opts : &defaults, spatial));
}

tg_tensor *tg_conv_transpose1d(tg_tensor *x, tg_tensor *weight, tg_tensor *bias,
                               const tg_conv_transpose_opts *opts)
{
    static const tg_op op = {.name = "conv_transpose1d"};
    return conv_transpose(&op, (tg_tensor *[]){x, weight, bias}, opts, 1);
}

tg_tensor *tg_conv_transpose2d(tg_tensor *x, tg_tensor *weight, tg_tensor *bias,
                               const tg_conv_transpose_opts *opts)
{
    static const tg_op op = {.name = "conv_transpose2d"};
    return conv_transpose(&op, (tg_tensor *[]){x, weight, bias}, opts, 2);
}

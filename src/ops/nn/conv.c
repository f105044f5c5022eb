/* Convolutions: the input's windows as columns, times the weight as a matrix. Relies on
 * window.h. */
#include "ops/check.h"
#include "ops/nn/window.h"

#include <tinygrad/nn.h>

/* Options with their defaults, for an image (N, C, H, W) and a weight with `spatial` dims. In one
 * dim the height is 1 and the options' first entries speak of the width. */
static tgk_window window_of(const tg_tensor *image, const tg_tensor *weight, const tg_conv_opts *o,
                            int spatial)
{
    tgk_window w = {.n = tg_at(image)->dims[0],
                    .c = tg_at(image)->dims[1],
                    .in = {tg_at(image)->dims[2], tg_at(image)->dims[3]},
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

static bool check_channels(const tg_op *op, const tg_tensor *image, tg_tensor *const *in,
                           int64_t groups)
{
    const tg_tensor *weight = in[1], *bias = in[2];
    tg_tape *tape = tg_tape_in(image);
    int64_t c = tg_at(image)->dims[1], out = tg_at(weight)->dims[0];
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

/* columns (N, C * K, L) times weight (O, C / groups * K), group by group: (N, O, L). */
static tg_tensor *product(tg_tensor *columns, tg_tensor *weight, int64_t groups)
{
    if (!columns)
        return NULL;
    int64_t out = tg_at(weight)->dims[0], k = tg_at(columns)->dims[1] / groups;
    if (groups == 1)
        return tg_matmul(tg_reshape(weight, 2, (int64_t[]){out, k}), columns);
    int64_t n = tg_at(columns)->dims[0], places = tg_at(columns)->dims[2];
    tg_tensor *w = tg_reshape(weight, 3, (int64_t[]){groups, out / groups, k});
    tg_tensor *x = tg_reshape(columns, 4, (int64_t[]){n, groups, k, places});
    return tg_reshape(tg_matmul(w, x), 3, (int64_t[]){n, out, places});
}

static tg_tensor *convolve(const tg_op *op, tg_tensor *const *in, const tg_conv_opts *o,
                           int spatial)
{
    tg_tensor *x = in[0], *weight = in[1], *bias = in[2];
    if (!tg_check_floats(op, 3, in))
        return NULL;
    TG_CHECK(tg_tape_in(x), tg_at(weight)->ndim == spatial + 2, TG_ESHAPE,
             "%s: weight %s, wanted %d dims", op->name, tg_shape_of(weight).chars, spatial + 2);
    tg_tensor *image = tg_as_images(op, x, spatial);
    int64_t groups = o->groups ? o->groups : 1;
    if (!image || !check_channels(op, image, in, groups))
        return NULL;
    tgk_window w = window_of(image, weight, o, spatial);
    if (!tg_window_fit(op, x, &w))
        return NULL;
    tg_tensor *y = product(tg_unfold(image, &w), weight, groups);
    if (bias)
        y = tg_add(y, tg_reshape(bias, 2, (int64_t[]){tg_at(bias)->dims[0], 1}));
    return tg_from_images(y, x, tg_at(weight)->dims[0], &w, spatial);
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

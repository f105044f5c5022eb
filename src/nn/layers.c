/* Layers that make, fill and list their own parameters. A constructor is done as a whole or, with the
 * error set, not at all: listing comes last, and what was drawn before is given back. Relies on
 * making.h. */
#include "nn/making.h"
#include "ops/option.h"

#include <string.h>
#include <tinygrad/nn.h>
#include <tinygrad/ops.h>

static bool add_affine(const tg_nn_making *m, tg_tensor *weight, tg_tensor *bias)
{
    return tg_nn_finish(m, (tg_tensor *[TG_NN_MOST]){weight, bias},
                        (const char *[TG_NN_MOST]){"weight", "bias"});
}

/* -- Linear ----------------------------------------------------------------------------------- */

tg_linear_layer tg_nn_linear(tg_params *list, int64_t in, int64_t out,
                             const tg_nn_linear_opts *opts, const char *format, ...)
{
    const tg_nn_linear_opts o = opts ? *opts : (tg_nn_linear_opts){0};
    tg_linear_layer none = {NULL, NULL}, l = none;
    tg_nn_making m;
    va_list args;
    va_start(args, format);
    tg_tape *tape = tg_nn_begin(&m, list, "nn_linear", o.dtype, format, args);
    va_end(args);
    if (!tape)
        return none;
    l.weight = tg_zeros(tape, TG_DIMS(out, in), o.dtype | TG_REQUIRES_GRAD);
    l.bias = o.no_bias ? NULL : tg_zeros(tape, TG_DIMS(out), o.dtype | TG_REQUIRES_GRAD);
    tg_linear_init(l.weight, l.bias);
    return add_affine(&m, l.weight, l.bias) ? l : none;
}

tg_tensor *tg_nn_apply_linear(tg_tensor *x, const tg_linear_layer *layer)
{
    return tg_nn_check_layer(x, layer, "nn_apply_linear") ? tg_linear(x, layer->weight, layer->bias)
                                                          : NULL;
}

/* -- Convolutions ----------------------------------------------------------------------------- */

typedef struct conv_sizes {
    const char *op;
    int ndim; /* of the weight */
    int64_t in, out, kernel;
} conv_sizes;

static int64_t groups_of(const tg_nn_conv_opts *o)
{
    return o->conv.groups ? o->conv.groups : 1;
}

static bool check_conv(tg_tape *tape, const conv_sizes *s, const tg_nn_conv_opts *o)
{
    int64_t groups = groups_of(o);
    TG_CHECK(tape, groups > 0 && s->in % groups == 0 && s->out % groups == 0, TG_EVALUE,
             "%s: %lld and %lld channels do not divide into %lld groups", s->op, (long long)s->in,
             (long long)s->out, (long long)groups);
    TG_CHECK(tape, s->kernel >= 1, TG_EVALUE, "%s: a kernel of %lld", s->op, (long long)s->kernel);
    TG_CHECK(tape, o->width >= 0, TG_EVALUE, "%s: a kernel %lld wide", s->op, (long long)o->width);
    return true;
}

static tg_conv_layer make_conv(tg_params *list, const conv_sizes *s, const tg_nn_conv_opts *opts,
                               const char *format, va_list args)
{
    const tg_nn_conv_opts o = opts ? *opts : (tg_nn_conv_opts){.dtype = TG_F32};
    tg_conv_layer none = {.weight = NULL}, l = {.conv = o.conv};
    tg_nn_making m;
    tg_tape *tape = tg_nn_begin(&m, list, s->op, o.dtype, format, args);
    if (!tape)
        return none;
    if (check_conv(tape, s, &o)) {
        int64_t width = o.width ? o.width : s->kernel;
        int64_t dims[] = {s->out, s->in / groups_of(&o), s->kernel, width};
        l.weight = tg_zeros(tape, s->ndim, dims, o.dtype | TG_REQUIRES_GRAD);
        l.bias = o.no_bias ? NULL : tg_zeros(tape, TG_DIMS(s->out), o.dtype | TG_REQUIRES_GRAD);
        tg_conv_init(l.weight, l.bias);
    }
    return add_affine(&m, l.weight, l.bias) ? l : none;
}

tg_conv_layer tg_nn_conv1d(tg_params *list, int64_t in, int64_t out, int64_t kernel,
                           const tg_nn_conv_opts *opts, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    tg_conv_layer l =
        make_conv(list, &(conv_sizes){"nn_conv1d", 3, in, out, kernel}, opts, format, args);
    va_end(args);
    return l;
}

tg_conv_layer tg_nn_conv2d(tg_params *list, int64_t in, int64_t out, int64_t kernel,
                           const tg_nn_conv_opts *opts, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    tg_conv_layer l =
        make_conv(list, &(conv_sizes){"nn_conv2d", 4, in, out, kernel}, opts, format, args);
    va_end(args);
    return l;
}

tg_tensor *tg_nn_apply_conv(tg_tensor *x, const tg_conv_layer *layer)
{
    if (!tg_nn_check_layer(x, layer, "nn_apply_conv"))
        return NULL;
    bool one = tg_ndim(layer->weight) == 3;
    return (one ? tg_conv1d : tg_conv2d)(x, layer->weight, layer->bias, &layer->conv);
}

/* -- Embedding -------------------------------------------------------------------------------- */

/* Empties the row of the padding. */
static bool pad(tg_tensor *weight, int64_t row)
{
    if (!weight)
        return false;
    int64_t rows = tg_size(weight, 0), columns = tg_size(weight, 1);
    TG_CHECK(tg_tape_of(weight), row >= -rows && row < rows, TG_EVALUE,
             "nn_embedding: there is no row %lld of %lld", (long long)row, (long long)rows);
    size_t bytes = (size_t)columns * tg_dtype_size(tg_dtype(weight));
    char *data = tg_at(weight)->data;
    if (bytes)
        memset(data + bytes * (size_t)(row < 0 ? row + rows : row), 0, bytes);
    return true;
}

tg_embedding_layer tg_nn_embedding(tg_params *list, int64_t rows, int64_t columns,
                                   const tg_nn_embedding_opts *opts, const char *format, ...)
{
    const tg_nn_embedding_opts o = opts ? *opts : (tg_nn_embedding_opts){0};
    tg_embedding_layer none = {NULL, TG_NO_PADDING}, l = none;
    tg_nn_making m;
    va_list args;
    va_start(args, format);
    tg_tape *tape = tg_nn_begin(&m, list, "nn_embedding", o.dtype, format, args);
    va_end(args);
    if (!tape)
        return none;
    l.weight = tg_zeros(tape, TG_DIMS(rows, columns), o.dtype | TG_REQUIRES_GRAD);
    tg_embedding_init(l.weight);
    if (o.has_padding_idx && pad(l.weight, o.padding_idx))
        l.padding_idx = o.padding_idx;
    return add_affine(&m, l.weight, NULL) ? l : none;
}

tg_tensor *tg_nn_apply_embedding(tg_tensor *index, const tg_embedding_layer *layer)
{
    return tg_nn_check_layer(index, layer, "nn_apply_embedding")
               ? tg_embedding(layer->weight, index, layer->padding_idx)
               : NULL;
}

/* -- Norms ------------------------------------------------------------------------------------ */

static void make_layer_norm(tg_tape *tape, const tg_nn_layer_norm_opts *o, tg_layer_norm_layer *l)
{
    if (l->ndim < 1 || l->ndim > TG_MAX_NDIM) {
        tg_fail(tape, TG_ESHAPE, "nn_layer_norm: over %d dims, wanted 1 to %d", l->ndim,
                TG_MAX_NDIM);
        return;
    }
    l->eps = o->eps;
    if (o->no_affine)
        return;
    l->weight = tg_ones(tape, l->ndim, l->dims, o->dtype | TG_REQUIRES_GRAD);
    l->bias = o->no_bias ? NULL : tg_zeros(tape, l->ndim, l->dims, o->dtype | TG_REQUIRES_GRAD);
}

tg_layer_norm_layer tg_nn_layer_norm(tg_params *list, int ndim, const int64_t *dims,
                                     const tg_nn_layer_norm_opts *opts, const char *format, ...)
{
    const tg_nn_layer_norm_opts o = opts ? *opts : (tg_nn_layer_norm_opts){0};
    tg_layer_norm_layer none = {.weight = NULL}, l = {.ndim = dims ? ndim : 0};
    tg_nn_making m;
    va_list args;
    va_start(args, format);
    tg_tape *tape = tg_nn_begin(&m, list, "nn_layer_norm", o.dtype, format, args);
    va_end(args);
    if (!tape)
        return none;
    for (int i = 0; i < l.ndim && i < TG_MAX_NDIM; i++)
        l.dims[i] = dims[i];
    make_layer_norm(tape, &o, &l);
    return add_affine(&m, l.weight, l.bias) ? l : none;
}

tg_tensor *tg_nn_apply_layer_norm(tg_tensor *x, const tg_layer_norm_layer *layer)
{
    return tg_nn_check_layer(x, layer, "nn_apply_layer_norm")
               ? tg_layer_norm(x, layer->ndim, layer->dims, layer->weight, layer->bias, layer->eps)
               : NULL;
}

static void make_batch_norm(tg_tape *tape, int64_t channels, const tg_nn_batch_norm_opts *o,
                            tg_batch_norm_layer *l)
{
    l->momentum = o->momentum;
    l->eps = o->eps;
    if (!o->no_affine) {
        l->weight = tg_ones(tape, TG_DIMS(channels), o->dtype | TG_REQUIRES_GRAD);
        l->bias = tg_zeros(tape, TG_DIMS(channels), o->dtype | TG_REQUIRES_GRAD);
    }
    if (!o->no_statistics) {
        l->running_mean = tg_zeros(tape, TG_DIMS(channels), o->dtype);
        l->running_var = tg_ones(tape, TG_DIMS(channels), o->dtype);
        l->num_batches_tracked = tg_zeros(tape, TG_SCALAR, TG_I64);
    }
}

tg_batch_norm_layer tg_nn_batch_norm(tg_params *list, int64_t channels,
                                     const tg_nn_batch_norm_opts *opts, const char *format, ...)
{
    static const char *const names[TG_NN_MOST] = {"weight", "bias", "running_mean", "running_var",
                                                  "num_batches_tracked"};
    const tg_nn_batch_norm_opts o = opts ? *opts : (tg_nn_batch_norm_opts){0};
    tg_batch_norm_layer none = {.weight = NULL}, l = none;
    tg_nn_making m;
    va_list args;
    va_start(args, format);
    tg_tape *tape = tg_nn_begin(&m, list, "nn_batch_norm", o.dtype, format, args);
    va_end(args);
    if (!tape)
        return none;
    make_batch_norm(tape, channels, &o, &l);
    tg_tensor *made[TG_NN_MOST] = {l.weight, l.bias, l.running_mean, l.running_var,
                                   l.num_batches_tracked};
    return tg_nn_finish(&m, made, names) ? l : none;
}

static void count_forward(tg_node *node)
{
    ++*(int64_t *)(void *)tg_at(node->out)->data;
}

/* In place, so that a replay counts as well. */
static bool count(tg_tensor *number)
{
    static const tg_op op = {.name = "nn_apply_batch_norm", .forward = count_forward};
    if (!tg_check_inputs(&op, 1, &number))
        return false;
    TG_CHECK(tg_tape_in(number), tg_dtype(number) == TG_I64 && tg_numel(number) == 1, TG_EVALUE,
             "nn_apply_batch_norm: num_batches_tracked is not one int64");
    return tg_apply(&(tg_call){.op = &op, .in_place = number});
}

static tg_tensor *normalise(tg_tensor *x, const tg_batch_norm_layer *l, bool training)
{
    return tg_batch_norm(x, &(tg_batch_norm_opts){.weight = l->weight,
                                                  .bias = l->bias,
                                                  .running_mean = l->running_mean,
                                                  .running_var = l->running_var,
                                                  .momentum = l->momentum,
                                                  .eps = l->eps,
                                                  .training = training || !l->running_mean});
}

/* Counts first: the statistics change last, or not at all. */
static tg_tensor *batch_norm(tg_tensor *x, const tg_batch_norm_layer *l, bool training)
{
    bool counts = training && l->num_batches_tracked;
    if (counts && !count(l->num_batches_tracked))
        return NULL;
    tg_tensor *y = normalise(x, l, training);
    if (!y && counts)
        --*(int64_t *)(void *)tg_at(l->num_batches_tracked)->data;
    return y;
}

tg_tensor *tg_nn_apply_batch_norm(tg_tensor *x, const tg_batch_norm_layer *layer, bool training)
{
    static const tg_op op = {.name = "nn_apply_batch_norm"};
    if (!tg_nn_check_layer(x, layer, op.name))
        return NULL;
    TG_IN_SCOPE(&op, batch_norm(x, layer, training), x);
}

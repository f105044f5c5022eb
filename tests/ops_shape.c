/* Rows of views, copies and conversions. See op_table.h. */
#include "op_reference.h"

#include <string.h>

static tg_tensor *reshape(const op_args *a)
{
    int64_t dims[OP_MAX_DIMS];
    int ndim = op_shape(a->s, dims);
    return tg_reshape(a->in[0], ndim, dims);
}

static tg_tensor *transpose(const op_args *a)
{
    return tg_transpose(a->in[0], a->s->dim[0], a->s->dim[1]);
}

static tg_tensor *expand(const op_args *a)
{
    int64_t dims[OP_MAX_DIMS];
    int ndim = op_shape(a->s, dims);
    return tg_expand(a->in[0], ndim, dims);
}

static tg_tensor *to(const op_args *a)
{
    return tg_to(a->in[0], a->s->flags);
}

/* float64 on both sides, as gradcheck wants it. */
static tg_tensor *to_and_back(const op_args *a)
{
    return tg_to(tg_to(a->in[0], TG_F32), TG_F64);
}

/* A copy where x comes through a transpose. */
static tg_tensor *contiguous(const op_args *a)
{
    return tg_contiguous(tg_transpose(a->in[0], a->s->dim[0], a->s->dim[1]));
}

static void ref_copy(const op_sample *s, const array *in, array *out)
{
    (void)s;
    *out = *in;
}

static void ref_reshape(const op_sample *s, const array *in, array *out)
{
    int64_t dims[OP_MAX_DIMS], known = 1;
    int ndim = op_shape(s, dims);
    for (int i = 0; i < ndim; i++)
        known *= dims[i] == -1 ? 1 : dims[i];
    for (int i = 0; i < ndim; i++)
        dims[i] = dims[i] == -1 ? in->numel / known : dims[i];
    ref_start(out, in->dtype, ndim, dims);
    memcpy(out->data, in->data, (size_t)in->numel * sizeof *in->data);
}

static void ref_transpose(const op_sample *s, const array *in, array *out)
{
    int64_t dims[OP_MAX_DIMS], strides[OP_MAX_DIMS] = {0}, step = 1;
    memcpy(dims, in->dims, sizeof dims);
    for (int i = in->ndim - 1; i >= 0; step *= in->dims[i--])
        strides[i] = step;
    if (in->ndim) {
        int a = ref_dim(in, s->dim[0]), b = ref_dim(in, s->dim[1]);
        int64_t size = dims[a], stride = strides[a];
        dims[a] = dims[b], dims[b] = size;
        strides[a] = strides[b], strides[b] = stride;
    }
    ref_start(out, in->dtype, in->ndim, dims);
    for (int64_t k = 0; k < out->numel; k++) {
        int64_t place = 0, rest = k;
        for (int i = in->ndim - 1; i >= 0; rest /= dims[i--])
            place += rest % dims[i] * strides[i];
        out->data[k] = in->data[place];
    }
}

static void ref_expand(const op_sample *s, const array *in, array *out)
{
    int64_t dims[OP_MAX_DIMS];
    int ndim = op_shape(s, dims);
    for (int i = 0; i < ndim; i++)
        dims[i] = dims[i] == -1 ? in->dims[i - (ndim - in->ndim)] : dims[i];
    ref_start(out, in->dtype, ndim, dims);
    for (int64_t k = 0; k < out->numel; k++)
        out->data[k] = in->data[ref_place(in, out, k)];
}

static void ref_to(const op_sample *s, const array *in, array *out)
{
    *out = *in;
    out->dtype = s->flags;
    for (int64_t k = 0; k < out->numel; k++)
        out->data[k] = rounded_to(out->dtype, in->data[k]);
}

static void ref_to_and_back(const op_sample *s, const array *in, array *out)
{
    (void)s;
    *out = *in;
    out->dtype = TG_F64;
    for (int64_t k = 0; k < out->numel; k++)
        out->data[k] = rounded_to(TG_F32, in->data[k]);
}

static const op_sample reshapes[] = {{.in = "3x5", .shape = "15"},
                                     {.in = "12", .shape = "3x4"},
                                     {.in = "2x3x4", .shape = "4x-1"},
                                     {.in = ".", .shape = "1"},
                                     {.in = "1"},
                                     {.in = "37", .shape = "1x37"},
                                     {.in = "0", .shape = "3x0x2"},
                                     {.in = "2x0", .shape = "0x5"},
                                     {.in = "2x3x4", .shape = "2x12"},
                                     {.in = "4x6", .shape = "2x2x3x2"},
                                     {.in = "2x6:i", .shape = "-1"},
                                     {.in = "6:b", .shape = "2x3"},
                                     {.in = "3x4:r", .shape = "2x6"},
                                     {.in = "2x3x4", .shape = "6x4"},
                                     {.in = "2x3x4", .shape = "2x3x4"},
                                     {.in = "1x1"},
                                     {.in = "3x4", .shape = "1x3x1x4x1"},
                                     {.in = "37:x", .shape = "37x1"},
                                     {0}};
static const op_sample reshape_errors[] = {
    {.in = "3x5", .shape = "4x4", .status = TG_ESHAPE, .message = "[3, 5] has 15 elements"},
    {.in = "3x5", .shape = "4x-1", .status = TG_ESHAPE, .message = "does not fit [4, -1]"},
    {.in = "3x5", .shape = "-1x-1", .status = TG_ESHAPE, .message = "more than one size is -1"},
    {.in = "0", .shape = "0x-1", .status = TG_ESHAPE, .message = "could be any size"},
    {.in = "6", .shape = "-2x3", .status = TG_ESHAPE, .message = "negative size"},
    {.in = "6", .status = TG_ESHAPE, .message = "does not fit []"},
    {0}};
static const op_sample pairs[] = {{.in = "3x5", .dim = {0, 1}},
                                  {.in = "2x3x4", .dim = {0, 2}},
                                  {.in = "2x3x4", .dim = {-1, -2}},
                                  {.in = ".", .dim = {0, -1}},
                                  {.in = "7", .dim = {0, 0}},
                                  {.in = "2x0x3", .dim = {1, 0}},
                                  {.in = "2x3x2x5", .dim = {1, 3}},
                                  {.in = "5x3:i", .dim = {0, 1}},
                                  {.in = "2x3:b", .dim = {1, 0}},
                                  {.in = "37x2:x", .dim = {0, 1}},
                                  {.in = "3x4:r", .dim = {0, 1}},
                                  {.in = "1x5", .dim = {0, 1}},
                                  {0}};
static const op_sample pair_errors[] = {
    {.in = "3x5", .dim = {0, 2}, .status = TG_EVALUE, .message = "no dims 0 and 2 in [3, 5]"},
    {.in = ".", .dim = {1, 0}, .status = TG_EVALUE, .message = "no dims 1 and 0"},
    {0}};
static const op_sample expands[] = {{.in = ".", .shape = "3"},
                                    {.in = "1", .shape = "37"},
                                    {.in = "3x1", .shape = "3x5"},
                                    {.in = "5", .shape = "2x3x5"},
                                    {.in = "3x1", .shape = "2x-1x4"},
                                    {.in = "1", .shape = "0"},
                                    {.in = "0x1", .shape = "0x3"},
                                    {.in = "3x5", .shape = "3x5"},
                                    {.in = "1x3x1", .shape = "2x3x2"},
                                    {.in = "1:i", .shape = "4"},
                                    {.in = "2x1:b", .shape = "2x3"},
                                    {.in = "1x4:r", .shape = "3x4"},
                                    {.in = "."},
                                    {.in = "37:x", .shape = "2x37"},
                                    {0}};
static const op_sample expand_errors[] = {
    {.in = "3", .shape = "4", .status = TG_ESHAPE, .message = "[3] does not stretch to [4]"},
    {.in = "2x3", .shape = "3", .status = TG_ESHAPE, .message = "1 dims for [2, 3]"},
    {.in = "3", .shape = "-1x3", .status = TG_ESHAPE, .message = "negative size"},
    {.in = "1", .shape = "-3", .status = TG_ESHAPE, .message = "negative size"},
    {0}};
static const op_sample to_floats[] = {{.in = "37:x", .flags = TG_F32},
                                      {.in = "37:x", .flags = TG_F64},
                                      {.in = "3x5", .flags = TG_F32},
                                      {.in = "3x5", .flags = TG_F64},
                                      {.in = "5:i", .flags = TG_F32},
                                      {.in = "5:b", .flags = TG_F64},
                                      {.in = "0", .flags = TG_F64},
                                      {.in = ".", .flags = TG_F64},
                                      {.in = "3x4:r", .flags = TG_F32},
                                      {.in = "4:i", .flags = TG_F64},
                                      {.in = "4:b", .flags = TG_F32},
                                      {.in = "3x4:o", .flags = TG_F32},
                                      {0}};
static const op_sample to_ints[] = {
    {.in = "37", .flags = TG_I64},   {.in = "3x5:n", .flags = TG_BOOL},
    {.in = "5:b", .flags = TG_I64},  {.in = "5:i", .flags = TG_BOOL},
    {.in = "5:i", .flags = TG_I64},  {.in = ".", .flags = TG_I64},
    {.in = "6:b", .flags = TG_BOOL}, {0}};
static const op_sample to_errors[] = {
    {.in = "3", .flags = 4, .status = TG_EDTYPE, .message = "to: there is no dtype 4"},
    {.in = "3", .flags = -1, .status = TG_EDTYPE, .message = "to: there is no dtype -1"},
    {0}};

const op_row ops_shape[] = {
    {.name = "reshape",
     .build = reshape,
     .ref = ref_reshape,
     .samples = {reshapes},
     .errors = {reshape_errors}},
    {.name = "transpose",
     .build = transpose,
     .ref = ref_transpose,
     .samples = {pairs},
     .errors = {pair_errors}},
    {.name = "expand",
     .build = expand,
     .ref = ref_expand,
     .samples = {expands},
     .errors = {expand_errors}},
    {.name = "contiguous",
     .unary = tg_contiguous,
     .ref = ref_copy,
     .samples = {samples_unary, samples_unary_int}},
    {.name = "contiguous_copy",
     .says = "transpose",
     .is = OP_COMPOSED,
     .build = contiguous,
     .ref = ref_transpose,
     .samples = {pairs}},
    {.name = "to", .build = to, .ref = ref_to, .samples = {to_floats}, .errors = {to_errors}},
    {.name = "to_integer",
     .says = "to",
     .build = to,
     .ref = ref_to,
     .is = OP_CONSTANT,
     .samples = {to_ints}},
    {.name = "to_and_back",
     .says = "to",
     .is = OP_COMPOSED,
     .build = to_and_back,
     .ref = ref_to_and_back,
     .eps = 0.125,
     .samples = {samples_unary}},
    {.name = "detach",
     .unary = tg_detach,
     .ref = ref_copy,
     .is = OP_CONSTANT,
     .samples = {samples_unary, samples_unary_int}},
    {0}};

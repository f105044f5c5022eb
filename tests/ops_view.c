/* Rows of views: permute, squeeze, unsqueeze, flatten, narrow, slice, select, chunk; and clone. See
 * op_table.h. */
#include "op_reference.h"

#include <string.h>

static tg_tensor *permute(const op_args *a)
{
    int64_t dims[OP_MAX_DIMS];
    int n = op_shape(a->s, dims);
    return tg_permute(a->in[0], n, dims);
}

static tg_tensor *squeeze_dim(const op_args *a)
{
    return tg_squeeze_dim(a->in[0], a->s->dim[0]);
}

static tg_tensor *unsqueeze(const op_args *a)
{
    return tg_unsqueeze(a->in[0], a->s->dim[0]);
}

static tg_tensor *flatten(const op_args *a)
{
    return tg_flatten(a->in[0], a->s->dim[0], a->s->dim[1]);
}

static tg_tensor *narrow(const op_args *a)
{
    return tg_narrow(a->in[0], a->s->dim[0], (int64_t)a->s->s[0], (int64_t)a->s->s[1]);
}

static int64_t end_of(const op_sample *s)
{
    return s->s[1] > 1e17 ? INT64_MAX : (int64_t)s->s[1];
}

static tg_tensor *slice(const op_args *a)
{
    return tg_slice(a->in[0], a->s->dim[0], (int64_t)a->s->s[0], end_of(a->s), (int64_t)a->s->s[2]);
}

static tg_tensor *select_index(const op_args *a)
{
    return tg_select(a->in[0], a->s->dim[0], a->s->dim[1]);
}

/* Number dim[1] of `flags` chunks. */
static tg_tensor *chunk(const op_args *a)
{
    tg_tensor *out[8] = {NULL};
    size_t n = tg_chunk(a->in[0], (size_t)a->s->flags, a->s->dim[0], out);
    return (size_t)a->s->dim[1] < n ? out[a->s->dim[1]] : NULL;
}

/* --- references --- */

static void row_strides(const array *in, int64_t *strides)
{
    int64_t step = 1;
    for (int i = in->ndim - 1; i >= 0; step *= in->dims[i--])
        strides[i] = step;
}

static void ref_strided(const array *in, int ndim, const int64_t *dims, const int64_t *strides,
                        int64_t offset, array *out)
{
    ref_start(out, in->dtype, ndim, dims);
    for (int64_t k = 0; k < out->numel; k++) {
        int64_t place = offset, rest = k;
        for (int i = ndim - 1; i >= 0; rest /= dims[i--])
            place += rest % dims[i] * strides[i];
        out->data[k] = in->data[place];
    }
}

static void ref_copy(const op_sample *s, const array *in, array *out)
{
    (void)s;
    *out = *in;
}

static void ref_permute(const op_sample *s, const array *in, array *out)
{
    int64_t order[OP_MAX_DIMS], from[OP_MAX_DIMS], dims[OP_MAX_DIMS], strides[OP_MAX_DIMS];
    int n = op_shape(s, order);
    row_strides(in, from);
    for (int i = 0; i < n; i++) {
        int dim = ref_dim(in, (int)order[i]);
        dims[i] = in->dims[dim];
        strides[i] = from[dim];
    }
    ref_strided(in, n, dims, strides, 0, out);
}

/* The same data without the dims of size 1, or without that one. */
static void without(const array *in, int dim, array *out)
{
    *out = *in;
    out->ndim = 0;
    for (int i = 0; i < in->ndim; i++) {
        if (in->dims[i] != 1 || (dim >= 0 && i != dim))
            out->dims[out->ndim++] = in->dims[i];
    }
}

static void ref_squeeze(const op_sample *s, const array *in, array *out)
{
    (void)s;
    without(in, -1, out);
}

static void ref_squeeze_dim(const op_sample *s, const array *in, array *out)
{
    without(in, ref_dim(in, s->dim[0]), out);
}

static void ref_unsqueeze(const op_sample *s, const array *in, array *out)
{
    int at = s->dim[0] < 0 ? s->dim[0] + in->ndim + 1 : s->dim[0];
    *out = *in;
    out->ndim++;
    for (int i = 0; i < out->ndim; i++)
        out->dims[i] = i == at ? 1 : in->dims[i < at ? i : i - 1];
}

static void ref_flatten(const op_sample *s, const array *in, array *out)
{
    int first = ref_dim(in, s->dim[0]), last = ref_dim(in, s->dim[1]);
    *out = *in;
    out->ndim = 0;
    for (int i = 0; i < in->ndim; i++) {
        if (i > first && i <= last)
            out->dims[out->ndim - 1] *= in->dims[i];
        else
            out->dims[out->ndim++] = in->dims[i];
    }
    if (in->ndim == 0)
        out->dims[out->ndim++] = 1;
}

static void ref_part(const array *in, int dim, int64_t start, int64_t step, int64_t length,
                     array *out)
{
    int64_t dims[OP_MAX_DIMS], strides[OP_MAX_DIMS];
    memcpy(dims, in->dims, sizeof dims);
    row_strides(in, strides);
    int64_t offset = start * strides[dim];
    strides[dim] *= step;
    dims[dim] = length;
    ref_strided(in, in->ndim, dims, strides, offset, out);
}

static void ref_narrow(const op_sample *s, const array *in, array *out)
{
    int dim = ref_dim(in, s->dim[0]);
    int64_t start = (int64_t)s->s[0];
    ref_part(in, dim, start < 0 ? start + in->dims[dim] : start, 1, (int64_t)s->s[1], out);
}

static int64_t cut(int64_t at, int64_t size)
{
    at = at < 0 ? at + size : at;
    return at < 0 ? 0 : at > size ? size : at;
}

static void ref_slice(const op_sample *s, const array *in, array *out)
{
    int dim = ref_dim(in, s->dim[0]);
    int64_t size = in->dims[dim], start = cut((int64_t)s->s[0], size), n = 0;
    for (int64_t i = start; i < cut(end_of(s), size); i += (int64_t)s->s[2])
        n++;
    ref_part(in, dim, start, (int64_t)s->s[2], n, out);
}

static void ref_select(const op_sample *s, const array *in, array *out)
{
    int dim = ref_dim(in, s->dim[0]);
    int64_t index = s->dim[1] < 0 ? s->dim[1] + in->dims[dim] : s->dim[1];
    array part;
    ref_part(in, dim, index, 1, 1, &part);
    without(&part, dim, out);
}

static void ref_chunk(const op_sample *s, const array *in, array *out)
{
    int dim = ref_dim(in, s->dim[0]);
    int64_t size = in->dims[dim], each = (size + s->flags - 1) / s->flags;
    int64_t start = s->dim[1] * each, left = size - start;
    ref_part(in, dim, start, 1, left < each ? left : each, out);
}

/* --- samples --- */

static const op_sample orders[] = {{.in = "3x5", .shape = "1x0"},
                                   {.in = "3x5", .shape = "0x1"},
                                   {.in = "2x3x4", .shape = "2x0x1"},
                                   {.in = "2x3x4", .shape = "1x2x0"},
                                   {.in = "2x3x4", .shape = "-1x-3x1"},
                                   {.in = "2x3x2x5", .shape = "3x1x0x2"},
                                   {.in = "."},
                                   {.in = "7", .shape = "0"},
                                   {.in = "2x0x3", .shape = "2x0x1"},
                                   {.in = "5x3x2:i", .shape = "1x2x0"},
                                   {.in = "2x3:b", .shape = "1x0"},
                                   {.in = "3x4x2:r", .shape = "2x0x1"},
                                   {0}};
static const op_sample order_errors[] = {
    {.in = "3x5", .shape = "0", .status = TG_ESHAPE, .message = "1 dims named of [3, 5]"},
    {.in = "3x5", .shape = "0x0", .status = TG_EVALUE, .message = "dim 0 is named twice"},
    {.in = "3x5", .shape = "0x2", .status = TG_EVALUE, .message = "no dim 2 in [3, 5]"},
    {.in = "3x5", .shape = "1x-1", .status = TG_EVALUE, .message = "named twice"},
    {0}};
static const op_sample ones[] = {
    {.in = "1x3x1"},   {.in = "3x5"},   {.in = "1x1"},   {.in = "."},    {.in = "1"}, {.in = "1x0"},
    {.in = "2x1x3:r"}, {.in = "1x3:i"}, {.in = "1x3:b"}, {.in = "37:x"}, {0}};
static const op_sample one_dims[] = {{.in = "1x3x1", .dim = {0}},
                                     {.in = "1x3x1", .dim = {-1}},
                                     {.in = "1x3x1", .dim = {1}},
                                     {.in = "."},
                                     {.in = "1"},
                                     {.in = "0x1", .dim = {1}},
                                     {.in = "2x1x3:r", .dim = {1}},
                                     {.in = "1x3:i"},
                                     {0}};
static const op_sample places[] = {{.in = "3x5", .dim = {0}},
                                   {.in = "3x5", .dim = {1}},
                                   {.in = "3x5", .dim = {2}},
                                   {.in = "3x5", .dim = {-1}},
                                   {.in = "3x5", .dim = {-3}},
                                   {.in = "."},
                                   {.in = ".", .dim = {-1}},
                                   {.in = "2x0", .dim = {1}},
                                   {.in = "3x4:r", .dim = {1}},
                                   {.in = "3x4:b", .dim = {1}},
                                   {0}};
static const op_sample place_errors[] = {
    {.in = "3x5", .dim = {3}, .status = TG_EVALUE, .message = "no place 3 in [3, 5]"},
    {.in = "3x5", .dim = {-4}, .status = TG_EVALUE, .message = "no place -4"},
    {.in = ".", .dim = {1}, .status = TG_EVALUE, .message = "no place 1"},
    {0}};
static const op_sample joins[] = {{.in = "3x5", .dim = {0, 1}},
                                  {.in = "2x3x4", .dim = {0, 1}},
                                  {.in = "2x3x4", .dim = {1, -1}},
                                  {.in = "2x3x4", .dim = {1, 1}},
                                  {.in = "2x3x2x5", .dim = {-3, -2}},
                                  {.in = ".", .dim = {0, -1}},
                                  {.in = "7", .dim = {0, 0}},
                                  {.in = "2x0x3", .dim = {0, 2}},
                                  {.in = "3x4:r", .dim = {0, 1}},
                                  {.in = "3x4:i", .dim = {0, 1}},
                                  {0}};
static const op_sample join_errors[] = {
    {.in = "3x5", .dim = {1, 0}, .status = TG_EVALUE, .message = "dim 1 comes after dim 0"},
    {.in = "3x5", .dim = {0, 2}, .status = TG_EVALUE, .message = "no dim 2 in [3, 5]"},
    {.in = "3x5", .dim = {-3, 1}, .status = TG_EVALUE, .message = "no dim -3"},
    {0}};
static const op_sample narrows[] = {{.in = "7", .s = {2, 3}},
                                    {.in = "7", .s = {0, 7}},
                                    {.in = "7", .s = {7, 0}},
                                    {.in = "7", .s = {-3, 2}},
                                    {.in = "3x5", .dim = {1}, .s = {1, 3}},
                                    {.in = "3x5", .dim = {-2}, .s = {1, 2}},
                                    {.in = "2x3x4", .dim = {1}, .s = {1, 1}},
                                    {.in = "0", .s = {0, 0}},
                                    {.in = "3x4:r", .dim = {1}, .s = {1, 2}},
                                    {.in = "3x4:i", .dim = {1}, .s = {1, 2}},
                                    {.in = "3x4:b", .dim = {0}, .s = {1, 2}},
                                    {0}};
static const op_sample narrow_errors[] = {
    {.in = "3x5", .dim = {1}, .s = {3, 3}, .status = TG_EVALUE, .message = "3 elements from 3"},
    {.in = "3x5", .dim = {1}, .s = {6, 0}, .status = TG_EVALUE, .message = "0 elements from 6"},
    {.in = "3x5", .dim = {1}, .s = {-6, 1}, .status = TG_EVALUE, .message = "1 elements from -6"},
    {.in = "3x5", .dim = {1}, .s = {1, -1}, .status = TG_EVALUE, .message = "-1 elements from 1"},
    {.in = "3x5", .dim = {2}, .s = {0, 1}, .status = TG_EVALUE, .message = "no dim 2"},
    {.in = ".", .s = {0, 1}, .status = TG_ESHAPE, .message = "a 0-d tensor has no dim"},
    {0}};
static const op_sample slices[] = {{.in = "9", .s = {1, 8, 3}},
                                   {.in = "9", .s = {0, 1e18, 2}},
                                   {.in = "9", .s = {-4, -1, 1}},
                                   {.in = "9", .s = {-99, 99, 4}},
                                   {.in = "9", .s = {5, 5, 1}},
                                   {.in = "9", .s = {7, 2, 1}},
                                   {.in = "9", .s = {3, 1e18, 1000}},
                                   {.in = "3x5", .dim = {1}, .s = {1, 5, 2}},
                                   {.in = "4x5", .dim = {0}, .s = {1, 1e18, 2}},
                                   {.in = "2x5x3", .dim = {-2}, .s = {0, -1, 3}},
                                   {.in = "0x3", .s = {0, 1e18, 1}},
                                   {.in = "3x5:r", .dim = {1}, .s = {0, 4, 3}},
                                   {.in = "3x5:i", .dim = {1}, .s = {0, 4, 3}},
                                   {0}};
static const op_sample slice_errors[] = {
    {.in = "5", .s = {0, 3, 0}, .status = TG_EVALUE, .message = "step 0"},
    {.in = "5", .s = {3, 0, -1}, .status = TG_EVALUE, .message = "step -1"},
    {.in = "5", .dim = {1}, .s = {0, 3, 1}, .status = TG_EVALUE, .message = "no dim 1"},
    {.in = ".", .s = {0, 3, 1}, .status = TG_ESHAPE, .message = "a 0-d tensor has no dim"},
    {0}};
static const op_sample selects[] = {{.in = "7", .dim = {0, 3}},      {.in = "7", .dim = {0, -1}},
                                    {.in = "3x5", .dim = {0, 1}},    {.in = "3x5", .dim = {-1, 4}},
                                    {.in = "2x3x4", .dim = {1, -3}}, {.in = "3x0", .dim = {0, 2}},
                                    {.in = "3x4:r", .dim = {1, 2}},  {.in = "3x4:i", .dim = {1, 2}},
                                    {.in = "3x4:b", .dim = {0, 2}},  {0}};
static const op_sample select_errors[] = {
    {.in = "3x5", .dim = {1, 5}, .status = TG_EVALUE, .message = "no index 5 in dim 1 of [3, 5]"},
    {.in = "3x5", .dim = {0, -4}, .status = TG_EVALUE, .message = "no index -4"},
    {.in = "0", .dim = {0, 0}, .status = TG_EVALUE, .message = "no index 0"},
    {.in = "3x5", .dim = {2, 0}, .status = TG_EVALUE, .message = "no dim 2"},
    {.in = ".", .dim = {0, 0}, .status = TG_ESHAPE, .message = "a 0-d tensor has no dim"},
    {0}};
static const op_sample chunks[] = {{.in = "7", .flags = 3, .dim = {0, 0}},
                                   {.in = "7", .flags = 3, .dim = {0, 2}},
                                   {.in = "6", .flags = 4, .dim = {0, 2}},
                                   {.in = "3x5", .flags = 2, .dim = {1, 1}},
                                   {.in = "4x5", .flags = 2, .dim = {-2, 1}},
                                   {.in = "3", .flags = 7, .dim = {0, 2}},
                                   {.in = "2x3x4:r", .flags = 2, .dim = {1, 0}},
                                   {.in = "4x3:i", .flags = 2, .dim = {0, 1}},
                                   {.in = "0x3", .flags = 2, .dim = {0, 1}},
                                   {.in = "5", .flags = 1},
                                   {0}};
static const op_sample chunk_errors[] = {
    {.in = "5", .flags = 0, .status = TG_EVALUE, .message = "no room"},
    {.in = "5", .flags = 2, .dim = {1}, .status = TG_EVALUE, .message = "no dim 1"},
    {.in = ".", .flags = 2, .status = TG_ESHAPE, .message = "a 0-d tensor has no dim"},
    {0}};

const op_row ops_view[] = {
    {.name = "permute",
     .build = permute,
     .ref = ref_permute,
     .samples = {orders},
     .errors = {order_errors}},
    {.name = "squeeze", .unary = tg_squeeze, .ref = ref_squeeze, .samples = {ones}},
    {.name = "squeeze_dim",
     .says = "squeeze",
     .build = squeeze_dim,
     .ref = ref_squeeze_dim,
     .samples = {one_dims},
     .errors = {errors_dim}},
    {.name = "unsqueeze",
     .build = unsqueeze,
     .ref = ref_unsqueeze,
     .samples = {places},
     .errors = {place_errors}},
    {.name = "flatten",
     .build = flatten,
     .ref = ref_flatten,
     .samples = {joins},
     .errors = {join_errors}},
    {.name = "narrow",
     .build = narrow,
     .ref = ref_narrow,
     .samples = {narrows},
     .errors = {narrow_errors}},
    {.name = "slice",
     .build = slice,
     .ref = ref_slice,
     .samples = {slices},
     .errors = {slice_errors}},
    {.name = "select",
     .build = select_index,
     .ref = ref_select,
     .samples = {selects},
     .errors = {select_errors}},
    {.name = "chunk",
     .build = chunk,
     .ref = ref_chunk,
     .samples = {chunks},
     .errors = {chunk_errors}},
    {.name = "clone",
     .unary = tg_clone,
     .ref = ref_copy,
     .samples = {samples_unary, samples_unary_int, samples_unary_bool}},
    {0}};

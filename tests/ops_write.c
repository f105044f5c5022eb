/* Rows of writing at places that indices name, and of reading by several of them. See op_table.h. */
#include "op_reference.h"

#include <string.h>

/* --- scatter, scatter_add; index_copy, index_add: x, index, source --- */

#define AT(name)                                                                                   \
    static tg_tensor *name(const op_args *a)                                                       \
    {                                                                                              \
        return tg_##name(a->in[0], a->s->dim[0], a->in[1], a->in[2]);                              \
    }

AT(scatter)
AT(scatter_add)
AT(index_copy)
AT(index_add)

/* The place in `to` of the element of src that stands at place k of `shape`, along dim where the
 * index says. */
static int64_t target(const array *to, const array *shape, int dim, int64_t k, int64_t index)
{
    int64_t at[OP_MAX_DIMS] = {0}, place = 0;
    for (int i = shape->ndim - 1; i >= 0; k /= shape->dims[i--])
        at[i] = k % shape->dims[i];
    for (int i = 0; i < to->ndim; i++)
        place = place * to->dims[i] + (i == dim ? index : at[i]);
    return place;
}

static int64_t along(const array *shape, int dim, int64_t k)
{
    for (int i = shape->ndim - 1; i > dim; k /= shape->dims[i--])
        continue;
    return shape->ndim ? k % shape->dims[dim] : 0;
}

static void write(const op_sample *s, const array *in, bool by_element, bool adds, array *out)
{
    const array *index = &in[1], *src = &in[2], *over = by_element ? index : src;
    int dim = ref_dim(&in[0], s->dim[0]);
    *out = in[0];
    for (int64_t k = 0; k < over->numel; k++) {
        int64_t i = by_element ? k : along(src, dim, k);
        double *to = &out->data[target(out, over, dim, k, (int64_t)index->data[i])];
        double from = src->data[target(src, over, -1, k, 0)];
        *to = rounded_to(out->dtype, adds ? *to + from : from);
    }
}

static void ref_scatter(const op_sample *s, const array *in, array *out)
{
    write(s, in, true, false, out);
}

static void ref_scatter_add(const op_sample *s, const array *in, array *out)
{
    write(s, in, true, true, out);
}

static void ref_index_copy(const op_sample *s, const array *in, array *out)
{
    write(s, in, false, false, out);
}

static void ref_index_add(const op_sample *s, const array *in, array *out)
{
    write(s, in, false, true, out);
}

/* Where places repeat, only the last source that is written there has a gradient, and PyTorch's
 * gives it to all: differences show that, so that here they do not repeat. */
static const op_sample scatters[] = {{.in = "7 1:k 1"},
                                     {.in = "3x5 3x1:k 3x1", .dim = {1}},
                                     {.in = "3x5:r 2x1:k 4x3", .dim = {-1}},
                                     {.in = "5x4:c 6x4:k 6x4:c"},
                                     {.in = "2x3x4 2x1x3:k 2x1x3", .dim = {1}},
                                     {.in = ". .:k ."},
                                     {.in = "3x5 3x0:k 3x1", .dim = {1}},
                                     {.in = "4x5:i 4x3:k 4x3:i", .dim = {1}},
                                     {.in = "4x5:b 4x3:k 4x3:b", .dim = {1}},
                                     {0}};
static const op_sample scatter_adds[] = {{.in = "7 9:k 9"},
                                         {.in = "3x5 3x8:k 3x8", .dim = {1}},
                                         {.in = "3x5:r 2x4:k 4x6:r", .dim = {-1}},
                                         {.in = "4x3x2 2x3x2:k 2x3x2"},
                                         {.in = ". .:k ."},
                                         {.in = "4x5:i 4x3:k 4x3:i", .dim = {1}},
                                         {0}};
static const op_sample scatter_errors[] = {
    {.in = "3x5 3x4:K 3x4", .dim = {1}, .status = TG_EVALUE, .message = "index 5 at position 11"},
    {.in = "3x5 3x4:k 3x3", .dim = {1}, .status = TG_ESHAPE, .message = "source [3, 3] for dim 1"},
    {.in = "3x5 4x4:k 4x4", .dim = {1}, .status = TG_ESHAPE, .message = "index [4, 4]"},
    {.in = "3x5 3:k 3x5", .dim = {1}, .status = TG_ESHAPE, .message = "index [3]"},
    {.in = "3x5 3x4 3x4", .dim = {1}, .status = TG_EDTYPE, .message = "wanted int64"},
    {.in = "3x5 3x4:k 3x4:o", .dim = {1}, .status = TG_EDTYPE, .message = "the source is float"},
    {.in = "3x5 3x4:k 3x4", .dim = {2}, .status = TG_EVALUE, .message = "no dim 2"},
    {0}};
static const op_sample index_copies[] = {{.in = "7 1:k 1"},
                                         {.in = "3x5:r 1:k 3x1", .dim = {1}},
                                         {.in = "5x4:c 3:k 3x4:c"},
                                         {.in = "2x3x4 1:k 2x1x4", .dim = {1}},
                                         {.in = ". 1:k 1"},
                                         {.in = "3x5 0:k 3x0", .dim = {1}},
                                         {.in = "4x5:i 3:k 4x3:i", .dim = {1}},
                                         {.in = "4x5:b 3:k 4x3:b", .dim = {1}},
                                         {0}};
static const op_sample index_adds[] = {{.in = "7 9:k 9"},
                                       {.in = "3x5 8:k 3x8", .dim = {1}},
                                       {.in = "5x4:r 3:k 3x4:r"},
                                       {.in = "2x3x4 5:k 2x5x4", .dim = {-2}},
                                       {.in = "4x5:i 3:k 4x3:i", .dim = {1}},
                                       {0}};
static const op_sample index_errors[] = {
    {.in = "3x5 4:K 3x4", .dim = {1}, .status = TG_EVALUE, .message = "index 5 at position 3"},
    {.in = "3x5 4:k 3x3", .dim = {1}, .status = TG_ESHAPE, .message = "source [3, 3] for dim 1"},
    {.in = "3x5 2x2:k 3x4", .dim = {1}, .status = TG_ESHAPE, .message = "index [2, 2]"},
    {.in = "3x5 4 3x4", .dim = {1}, .status = TG_EDTYPE, .message = "wanted int64"},
    {.in = "3x5 4:k 3x4:o", .dim = {1}, .status = TG_EDTYPE, .message = "the source is float"},
    {.in = "3x5 4:k 3x4", .dim = {2}, .status = TG_EVALUE, .message = "no dim 2"},
    {0}};
static const op_sample add_errors[] = {
    {.in = "3:b 3:k 3:b", .status = TG_EDTYPE, .message = "bool is not supported"}, {0}};

/* --- slice_scatter (s: start, end, step), select_scatter (s[0]: the index): x, source --- */

static tg_tensor *slice_scatter(const op_args *a)
{
    const double *s = a->s->s;
    return tg_slice_scatter(a->in[0], a->in[1], a->s->dim[0], (int64_t)s[0], (int64_t)s[1],
                            (int64_t)s[2]);
}

static tg_tensor *select_scatter(const op_args *a)
{
    return tg_select_scatter(a->in[0], a->in[1], a->s->dim[0], (int64_t)a->s->s[0]);
}

static void ref_slice_scatter(const op_sample *s, const array *in, array *out)
{
    int dim = ref_dim(in, s->dim[0]);
    int64_t n = in->dims[dim], start = (int64_t)s->s[0], step = (int64_t)s->s[2];
    start = start < 0 ? start + n : start > n ? n : start;
    *out = *in;
    for (int64_t k = 0; k < in[1].numel; k++)
        out->data[target(out, &in[1], dim, k, start + along(&in[1], dim, k) * step)] =
            in[1].data[k];
}

static void ref_select_scatter(const op_sample *s, const array *in, array *out)
{
    int dim = ref_dim(in, s->dim[0]);
    array src = in[1];
    src.ndim++;
    for (int i = src.ndim - 1; i > dim; i--)
        src.dims[i] = src.dims[i - 1];
    src.dims[dim] = 1;
    *out = *in;
    int64_t index = (int64_t)s->s[0];
    for (int64_t k = 0; k < src.numel; k++)
        out->data[target(out, &src, dim, k, index < 0 ? index + in->dims[dim] : index)] =
            src.data[k];
}

static const op_sample slice_scatters[] = {{.in = "7 3", .s = {1, 4, 1}},
                                           {.in = "3x5:r 3x2:r", .dim = {1}, .s = {-4, 5, 2}},
                                           {.in = "4x3 2x3", .dim = {0}, .s = {2, 9, 1}},
                                           {.in = "3x5 3x0", .dim = {-1}, .s = {3, 2, 1}},
                                           {.in = "4x3:i 2x3:i", .s = {0, 3, 2}},
                                           {.in = "4:b 2:b", .s = {0, 2, 1}},
                                           {0}};
static const op_sample slice_scatter_errors[] = {
    {.in = "7 2", .s = {1, 4, 1}, .status = TG_ESHAPE, .message = "the source is [2], wanted [3]"},
    {.in = "7 3:o", .s = {1, 4, 1}, .status = TG_EDTYPE, .message = "the source is float"},
    {.in = "7 3", .s = {1, 4, 0}, .status = TG_EVALUE, .message = "step 0"},
    {.in = "7 3", .dim = {1}, .s = {1, 4, 1}, .status = TG_EVALUE, .message = "no dim 1"},
    {.in = ". .", .s = {0, 1, 1}, .status = TG_ESHAPE, .message = "0-d"},
    {0}};
static const op_sample select_scatters[] = {{.in = "5 .", .s = {2}},
                                            {.in = "3x5:r 3:r", .dim = {1}, .s = {-1}},
                                            {.in = "2x3x4 2x4", .dim = {1}, .s = {1}},
                                            {.in = "4x3:i 3:i", .s = {3}},
                                            {0}};
static const op_sample select_scatter_errors[] = {
    {.in = "5 .", .s = {5}, .status = TG_EVALUE, .message = "no index 5"},
    {.in = "5 5", .s = {1}, .status = TG_ESHAPE, .message = "the source is [5]"},
    {.in = "5 .:o", .s = {1}, .status = TG_EDTYPE, .message = "the source is float"},
    {.in = ". .", .status = TG_ESHAPE, .message = "0-d"},
    {0}};

/* --- index, index_put: x, (values,) indices; s[0]: the first dim; s[1]: whether to accumulate --- */

static tg_tensor *index(const op_args *a)
{
    return tg_index(a->in[0], a->s->dim[0], (size_t)(a->n > 0 ? a->n - 1 : 0), a->in + 1);
}

static tg_tensor *index_put(const op_args *a)
{
    return tg_index_put(a->in[0], a->s->dim[0], (size_t)(a->n > 1 ? a->n - 2 : 0), a->in + 2,
                        a->in[1], a->s->keepdim);
}

/* For each element of the result of x[indices], the place in x. `shape` gets the result's shape. */
static void places_of(const op_sample *s, const array *x, const array *indices, int n, array *shape,
                      int64_t *places)
{
    int first = ref_dim(x, s->dim[0]), ndim = 0;
    int64_t dims[OP_MAX_DIMS];
    array by;
    ref_start(&by, TG_I64, 0, NULL);
    for (int i = 0; i < n; i++) {
        for (int d = by.ndim; d < indices[i].ndim; d++, by.ndim++) {
            memmove(by.dims + 1, by.dims, sizeof by.dims - sizeof *by.dims);
            by.dims[0] = 1;
        }
        for (int d = 0; d < indices[i].ndim; d++) {
            int64_t *size = &by.dims[by.ndim - indices[i].ndim + d];
            *size = *size == 1 ? indices[i].dims[d] : *size;
        }
    }
    memcpy(dims, by.dims, sizeof dims);
    ref_start(&by, TG_I64, by.ndim, dims);
    for (int i = 0; i < first; i++)
        dims[ndim++] = x->dims[i];
    for (int i = 0; i < by.ndim; i++)
        dims[ndim++] = by.dims[i];
    for (int i = first + n; i < x->ndim; i++)
        dims[ndim++] = x->dims[i];
    ref_start(shape, x->dtype, ndim, dims);
    int64_t inner = 1;
    for (int i = first + n; i < x->ndim; i++)
        inner *= x->dims[i];
    for (int64_t k = 0; k < shape->numel; k++) {
        int64_t place = k / inner / by.numel, at = k / inner % by.numel;
        for (int i = 0; i < n; i++) {
            int64_t j = (int64_t)indices[i].data[ref_place(&indices[i], &by, at)];
            place = place * x->dims[first + i] + (j < 0 ? j + x->dims[first + i] : j);
        }
        places[k] = place * inner + k % inner;
    }
}

static int count_of(const array *in)
{
    int n = 0;
    while (n < OP_MAX_IN && in[n].dtype >= 0)
        n++;
    return n;
}

static void ref_index(const op_sample *s, const array *in, array *out)
{
    int64_t places[SNAPSHOT_NUMEL];
    places_of(s, in, in + 1, count_of(in) - 1, out, places);
    for (int64_t k = 0; k < out->numel; k++)
        out->data[k] = in->data[places[k]];
}

static void ref_index_put(const op_sample *s, const array *in, array *out)
{
    int64_t places[SNAPSHOT_NUMEL];
    array shape;
    places_of(s, in, in + 2, count_of(in) - 2, &shape, places);
    *out = *in;
    for (int64_t k = 0; k < shape.numel; k++) {
        double *to = &out->data[places[k]], v = in[1].data[ref_place(&in[1], &shape, k)];
        *to = rounded_to(out->dtype, s->keepdim ? *to + v : v);
    }
}

/* Indices of the table are those of dim 1: other dims are as large. */
static const op_sample indexes[] = {{.in = "5 4:k"},
                                    {.in = "5x5 3:k 3:k"},
                                    {.in = "5x5:r 2x1:k 3:k"},
                                    {.in = "5x5x2 4:k"},
                                    {.in = "2x3x3 2:k 1:k", .dim = {1}},
                                    {.in = "2x3x2 .:k", .dim = {1}},
                                    {.in = "4x4 0:k 1:k"},
                                    {.in = "5x5:i 3:k 3:k"},
                                    {.in = "5x5:b 3:k .:k"},
                                    {0}};
static const op_sample index_many_errors[] = {
    {.in = "5x5 3:k 3:K",
     .status = TG_EVALUE,
     .message = "index 5 at position 2 of index tensor 1"},
    {.in = "5x5 3:g",
     .has_ignore = true,
     .ignore = -6,
     .status = TG_EVALUE,
     .message = "index -6 at position"},
    {.in = "5x5 3:k 4:k", .status = TG_ESHAPE, .message = "[3] and [4] do not broadcast"},
    {.in = "5 3:k 3:k", .status = TG_ESHAPE, .message = "2 index tensors for [5]"},
    {.in = "5x5 3:k 3:k", .dim = {1}, .status = TG_ESHAPE, .message = "from dim 1"},
    {.in = "5x5 3:b", .status = TG_EDTYPE, .message = "index tensor 0 is bool"},
    {.in = "5x5 3:k", .dim = {2}, .status = TG_EVALUE, .message = "no dim 2"},
    {0}};
/* What is written over takes one place at most, as above. */
static const op_sample index_puts[] = {{.in = "5 1 1:k"},
                                       {.in = "5x5 5 1:k"},
                                       {.in = "5x5x2 1x2 1:k 1:k"},
                                       {.in = "5x5:c 3:c 3:k 3:k"},
                                       {.in = "5x5:r 3:r 3:k 3:k", .keepdim = true},
                                       {.in = "5x5x2 . 2x1:k 3:k", .keepdim = true},
                                       {.in = "2x3x3 2x1 2:k 1:k", .dim = {1}, .keepdim = true},
                                       {.in = "5x5:i 3:i 3:k 3:k", .keepdim = true},
                                       {0}};
static const op_sample index_put_errors[] = {
    {.in = "5x5 2 3:k 3:k", .status = TG_ESHAPE, .message = "values [2] do not broadcast to [3]"},
    {.in = "5x5 3:o 3:k 3:k", .status = TG_EDTYPE, .message = "the source is float"},
    {.in = "5x5 3 3:k 3:K", .status = TG_EVALUE, .message = "index 5 at position 2"},
    {.in = "5x5 3 3:b", .status = TG_EDTYPE, .message = "index tensor 0 is bool"},
    {0}};

/* clang-format off */
const op_row ops_write[] = {
    {.name = "scatter", .build = scatter, .ref = ref_scatter, .samples = {scatters},
     .errors = {scatter_errors}},
    {.name = "scatter_add", .build = scatter_add, .ref = ref_scatter_add,
     .samples = {scatter_adds}, .errors = {scatter_errors, add_errors}},
    {.name = "index_copy", .build = index_copy, .ref = ref_index_copy, .samples = {index_copies},
     .errors = {index_errors}},
    {.name = "index_add", .build = index_add, .ref = ref_index_add, .samples = {index_adds},
     .errors = {index_errors, add_errors}},
    {.name = "slice_scatter", .build = slice_scatter, .ref = ref_slice_scatter,
     .samples = {slice_scatters}, .errors = {slice_scatter_errors}},
    {.name = "select_scatter", .build = select_scatter, .ref = ref_select_scatter,
     .samples = {select_scatters}, .errors = {select_scatter_errors}},
    {.name = "index", .build = index, .ref = ref_index, .samples = {indexes},
     .errors = {index_many_errors}},
    {.name = "index_put", .build = index_put, .ref = ref_index_put, .samples = {index_puts},
     .errors = {index_put_errors}},
    {0}};

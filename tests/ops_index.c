/* Rows of reading by index, joining, triangles and in-place writes. See op_table.h. */
#include "op_reference.h"

#include <math.h>
#include <string.h>

static tg_tensor *gather(const op_args *a)
{
    return tg_gather(a->in[0], a->s->dim[0], a->in[1]);
}

static tg_tensor *index_select(const op_args *a)
{
    return tg_index_select(a->in[0], a->s->dim[0], a->in[1]);
}

/* The padding is s[0] - 1: 0 is none. */
static tg_tensor *embedding(const op_args *a)
{
    return tg_embedding(a->in[0], a->in[1],
                        a->s->s[0] == 0 ? TG_NO_PADDING : (int64_t)a->s->s[0] - 1);
}

static tg_tensor *tril(const op_args *a)
{
    return tg_tril(a->in[0], (int64_t)a->s->s[0]);
}

static tg_tensor *triu(const op_args *a)
{
    return tg_triu(a->in[0], (int64_t)a->s->s[0]);
}

static tg_tensor *cat(const op_args *a)
{
    return tg_cat(a->in, (size_t)a->n, a->s->dim[0]);
}

static tg_tensor *stack(const op_args *a)
{
    return tg_stack(a->in, (size_t)a->n, a->s->dim[0]);
}

static tg_tensor *copy_into(const op_args *a)
{
    return tg_copy_(a->in[0], a->in[1]) ? NULL : a->in[0];
}

static tg_tensor *add_into(const op_args *a)
{
    return tg_add_(a->in[0], a->in[1], a->s->s[0]) ? NULL : a->in[0];
}

/* The same twice in a row: the first call changes nothing and makes all checks, then t is 0.5. */
static tg_tensor *add_to_half(const op_args *a)
{
    tg_tensor *t = a->in[0];
    if (tg_add_(t, a->in[1], 0) || tg_fill_(t, 0.5) || tg_add_(t, a->in[1], a->s->s[0]))
        return NULL;
    return t;
}

static tg_tensor *fill(const op_args *a)
{
    return tg_fill_(a->in[0], a->s->s[0]) ? NULL : a->in[0];
}

/* --- references --- */

static void ref_gather(const op_sample *s, const array *in, array *out)
{
    const array *x = &in[0], *index = &in[1];
    int dim = ref_dim(x, s->dim[0]);
    ref_start(out, x->dtype, index->ndim, index->dims);
    for (int64_t k = 0; k < out->numel; k++) {
        int64_t at[OP_MAX_DIMS], rest = k, place = 0;
        for (int i = index->ndim - 1; i >= 0; rest /= index->dims[i--])
            at[i] = i == dim ? (int64_t)index->data[k] : rest % index->dims[i];
        for (int i = 0; i < x->ndim; i++)
            place = place * x->dims[i] + at[i];
        out->data[k] = x->data[place];
    }
}

static void ref_index_select(const op_sample *s, const array *in, array *out)
{
    const array *x = &in[0], *index = &in[1];
    int dim = ref_dim(x, s->dim[0]);
    ref_rows r = ref_rows_of(x, dim);
    int64_t dims[OP_MAX_DIMS], n = index->numel;
    memcpy(dims, x->dims, sizeof dims);
    dims[dim] = n;
    ref_start(out, x->dtype, x->ndim, dims);
    for (int64_t k = 0; k < out->numel; k++) {
        int64_t entry = (int64_t)index->data[k / r.inner % n];
        out->data[k] = x->data[(k / r.inner / n * r.n + entry) * r.inner + k % r.inner];
    }
}

static void ref_embedding(const op_sample *s, const array *in, array *out)
{
    (void)s;
    int64_t dims[OP_MAX_DIMS], width = in[0].dims[1];
    memcpy(dims, in[1].dims, sizeof dims);
    dims[in[1].ndim] = width;
    ref_start(out, in[0].dtype, in[1].ndim + 1, dims);
    for (int64_t k = 0; k < out->numel; k++)
        out->data[k] = in[0].data[(int64_t)in[1].data[k / width] * width + k % width];
}

static void triangle(const op_sample *s, const array *in, bool lower, array *out)
{
    int64_t rows = in->dims[in->ndim - 2], columns = in->dims[in->ndim - 1];
    *out = *in;
    for (int64_t k = 0; k < out->numel; k++) {
        double above = (double)(k % columns - k / columns % rows) - s->s[0];
        if (lower ? above > 0 : above < 0)
            out->data[k] = 0;
    }
}

static void ref_tril(const op_sample *s, const array *in, array *out)
{
    triangle(s, in, true, out);
}

static void ref_triu(const op_sample *s, const array *in, array *out)
{
    triangle(s, in, false, out);
}

/* Joins along a dim that all have; tensors of shape (0) are left out. */
static void join(const array *in, int dim, array *out)
{
    int64_t dims[OP_MAX_DIMS], length = 0, at = 0;
    const array *model = NULL;
    for (int i = 0; i < OP_MAX_IN && in[i].dtype >= 0; i++) {
        if (!model || (model->ndim == 1 && model->numel == 0))
            model = &in[i];
    }
    dim = ref_dim(model, dim);
    for (int i = 0; i < OP_MAX_IN && in[i].dtype >= 0; i++)
        length += in[i].ndim == 1 && in[i].numel == 0 ? 0 : in[i].dims[dim];
    memcpy(dims, model->dims, sizeof dims);
    dims[dim] = length;
    ref_start(out, model->dtype, model->ndim, dims);
    for (int i = 0; i < OP_MAX_IN && in[i].dtype >= 0; i++) {
        if (in[i].numel == 0)
            continue;
        ref_rows r = ref_rows_of(&in[i], dim);
        for (int64_t k = 0; k < in[i].numel; k++) {
            int64_t row = k / (r.n * r.inner), rest = k % (r.n * r.inner);
            out->data[(row * length + at) * r.inner + rest] = in[i].data[k];
        }
        at += r.n;
    }
}

static void ref_cat(const op_sample *s, const array *in, array *out)
{
    join(in, s->dim[0], out);
}

static void ref_stack(const op_sample *s, const array *in, array *out)
{
    array with[OP_MAX_IN];
    int dim = s->dim[0] < 0 ? s->dim[0] + in->ndim + 1 : s->dim[0];
    for (int i = 0; i < OP_MAX_IN; i++) {
        with[i] = in[i];
        with[i].ndim = in[i].ndim + 1;
        for (int d = 0; d < with[i].ndim && in[i].dtype >= 0; d++)
            with[i].dims[d] = d == dim ? 1 : in[i].dims[d < dim ? d : d - 1];
    }
    join(with, dim, out);
}

static void ref_copy_into(const op_sample *s, const array *in, array *out)
{
    (void)s;
    *out = in[0];
    for (int64_t k = 0; k < out->numel; k++)
        out->data[k] = rounded_to(out->dtype, in[1].data[ref_place(&in[1], out, k)]);
}

static void ref_add_into(const op_sample *s, const array *in, array *out)
{
    *out = in[0];
    for (int64_t k = 0; k < out->numel; k++)
        out->data[k] =
            fma(in[1].data[ref_place(&in[1], out, k)], s->s[0], rounded_to(out->dtype, 0.5));
}

static void ref_fill(const op_sample *s, const array *in, array *out)
{
    *out = *in;
    for (int64_t k = 0; k < out->numel; k++)
        out->data[k] = rounded_to(out->dtype, s->s[0]);
}

/* --- samples: indices are below size 1, or the only size, of input 0 --- */

static const op_sample gathers[] = {{.in = "7 5:k"},
                                    {.in = "7 20:k"},
                                    {.in = "3x5 3x4:k", .dim = {1}},
                                    {.in = "3x5 2x8:k", .dim = {-1}},
                                    {.in = "5x4 6x3:k", .dim = {0}},
                                    {.in = "5x4 6x1:k", .dim = {0}},
                                    {.in = "2x3x4 2x5x4:k", .dim = {1}},
                                    {.in = "4x3x2 3x2x2:k", .dim = {0}},
                                    {.in = "3x5 3x0:k", .dim = {1}},
                                    {.in = ". .:k"},
                                    {.in = "4x5:i 4x3:k", .dim = {1}},
                                    {.in = "4x5:b 4x3:k", .dim = {1}},
                                    {.in = "3x5:r 3x7:k", .dim = {1}},
                                    {0}};
static const op_sample gather_errors[] = {
    {.in = "3x5 3x4:K", .dim = {1}, .status = TG_EVALUE, .message = "index 5 at position 11"},
    {.in = "3x5 3x4:g",
     .dim = {1},
     .has_ignore = true,
     .ignore = -1,
     .status = TG_EVALUE,
     .message = "index -1"},
    {.in = "3x5 4:k", .dim = {1}, .status = TG_ESHAPE, .message = "index [4] for [3, 5]"},
    {.in = "3x5 4x5:k", .dim = {1}, .status = TG_ESHAPE, .message = "index [4, 5] for [3, 5]"},
    {.in = "3x5 3x4", .dim = {1}, .status = TG_EDTYPE, .message = "wanted int64"},
    {.in = "3x5 3x4:k", .dim = {2}, .status = TG_EVALUE, .message = "no dim 2"},
    {0}};
static const op_sample index_selects[] = {{.in = "7 4:k"},
                                          {.in = "7 12:k"},
                                          {.in = "3x5 4:k", .dim = {1}},
                                          {.in = "5x4 6:k", .dim = {0}},
                                          {.in = "2x3x4 7:k", .dim = {1}},
                                          {.in = "2x3x4 2:k", .dim = {-1}},
                                          {.in = "3x5 0:k", .dim = {1}},
                                          {.in = "4x5:i 3:k", .dim = {1}},
                                          {.in = "4x5:b 3:k", .dim = {1}},
                                          {.in = ". 1:k"},
                                          {.in = "3x5:r 7:k", .dim = {1}},
                                          {0}};
static const op_sample index_select_errors[] = {
    {.in = "3x5 4:K", .dim = {1}, .status = TG_EVALUE, .message = "index 5 at position 3"},
    {.in = "3x5 2x2:k", .dim = {1}, .status = TG_ESHAPE, .message = "wanted 1 dim"},
    {.in = "3x5 4", .dim = {1}, .status = TG_EDTYPE, .message = "wanted int64"},
    {.in = "3x5 4:k", .dim = {-3}, .status = TG_EVALUE, .message = "no dim -3"},
    {0}};
/* gradcheck does not know of padding: with it, the weights are constant here. */
static const op_sample embeddings[] = {{.in = "5x3 4:k"},
                                       {.in = "5x4 2x3:k"},
                                       {.in = "6x5 2x2x3:k"},
                                       {.in = "4x3 .:k"},
                                       {.in = "4x1 5:k"},
                                       {.in = "4x3 0:k"},
                                       {.in = "5x3:c 6:k", .s = {1}},
                                       {.in = "5x3:c 6:k", .s = {-1}},
                                       {.in = "4x3:i 5:k"},
                                       {.in = "5x4:r 9:k"},
                                       {0}};
static const op_sample embedding_errors[] = {
    {.in = "5x5 4:K", .status = TG_EVALUE, .message = "index 5 at position 3"},
    {.in = "5 4:k", .status = TG_ESHAPE, .message = "weight [5], wanted (V, D)"},
    {.in = "5x3 4", .status = TG_EDTYPE, .message = "wanted int64"},
    {.in = "5x3 4:k", .s = {6}, .status = TG_EVALUE, .message = "padding_idx 5 for 5 rows"},
    {.in = "5x3 4:k", .s = {-5}, .status = TG_EVALUE, .message = "padding_idx -6 for 5 rows"},
    {0}};
static const op_sample triangles[] = {{.in = "4x4"},
                                      {.in = "3x5"},
                                      {.in = "5x3", .s = {1}},
                                      {.in = "5x3", .s = {-2}},
                                      {.in = "2x3x4", .s = {2}},
                                      {.in = "2x4x3", .s = {-9}},
                                      {.in = "3x3", .s = {9}},
                                      {.in = "2x0"},
                                      {.in = "0x3x3"},
                                      {.in = "4x4:i"},
                                      {.in = "4x4:b", .s = {-1}},
                                      {.in = "5x6:x"},
                                      {.in = "3x4:r"},
                                      {0}};
static const op_sample triangle_errors[] = {
    {.in = "3", .status = TG_ESHAPE, .message = "at least 2 dims"},
    {.in = ".", .status = TG_ESHAPE, .message = "at least 2 dims"},
    {0}};
static const op_sample cats[] = {{.in = "3 4"},
                                 {.in = "3 4 2"},
                                 {.in = "5"},
                                 {.in = "2x3 4x3"},
                                 {.in = "2x3 2x1 2x4", .dim = {1}},
                                 {.in = "2x3x2 2x1x2", .dim = {-2}},
                                 {.in = "0 2x3 1x3"},
                                 {.in = "2x3 0 1x3"},
                                 {.in = "0 0"},
                                 {.in = "2x0 2x3", .dim = {1}},
                                 {.in = "2x3 =", .dim = {1}},
                                 {.in = "2x3:i 1x3:i"},
                                 {.in = "3:b 2:b"},
                                 {.in = "2x3:r 2x2:r", .dim = {1}},
                                 {0}};
static const op_sample cat_errors[] = {
    {.in = "2x3 2x4", .status = TG_ESHAPE, .message = "tensor 1 [2, 4] does not fit"},
    {.in = "2x3 3", .status = TG_ESHAPE, .message = "tensor 1 [3] does not fit"},
    {.in = "2x3 2x3:o", .status = TG_EDTYPE, .message = "tensor 1 is float"},
    {.in = ". 3", .status = TG_ESHAPE, .message = "tensor 0 is 0-d"},
    {.in = "2x3 2x3", .dim = {2}, .status = TG_EVALUE, .message = "no dim 2"},
    {0}};
static const op_sample stacks[] = {{.in = "3 3"},
                                   {.in = ". . ."},
                                   {.in = "5", .dim = {1}},
                                   {.in = "2x3 2x3 2x3", .dim = {1}},
                                   {.in = "2x3 2x3", .dim = {-1}},
                                   {.in = "2x3 2x3", .dim = {-3}},
                                   {.in = "2x0 2x0", .dim = {1}},
                                   {.in = "0 0"},
                                   {.in = "3 =", .dim = {1}},
                                   {.in = "2x3:i 2x3:i", .dim = {2}},
                                   {.in = "2x3:r 2x3:r", .dim = {1}},
                                   {0}};
static const op_sample stack_errors[] = {
    {.in = "2x3 3x2", .status = TG_ESHAPE, .message = "tensor 1 [3, 2] and tensor 0 [2, 3]"},
    {.in = "3 3:o", .status = TG_EDTYPE, .message = "tensor 1 is float"},
    {.in = "3 3", .dim = {2}, .status = TG_EVALUE, .message = "no place 2 in [3]"},
    {.in = "3 3", .dim = {-3}, .status = TG_EVALUE, .message = "no place -3"},
    {0}};
static const op_sample copies[] = {{.in = "3x5:c 3x5:c"}, {.in = "3x5:c 5:c"},
                                   {.in = "3x5:c .:c"},   {.in = "2x3x4:c 3x1:c"},
                                   {.in = "3x5:c 5:i"},   {.in = "3x5:i 5:c"},
                                   {.in = "3x5:b 3x1:i"}, {.in = "3x5:oc 3x5:c"},
                                   {.in = "7:b 7:b"},     {.in = ".:c .:c"},
                                   {.in = "0:c 0:c"},     {.in = "37:c 37:cx"},
                                   {.in = "3x5:c ="},     {0}};
static const op_sample copy_errors[] = {
    {.in = "3 3:c", .status = TG_ESTATE, .message = "tensor [3] requires a gradient"},
    {.in = "3:c 3", .status = TG_ESTATE, .message = "source [3] requires a gradient"},
    {.in = "3:c 2x3:c", .status = TG_ESHAPE, .message = "[2, 3] does not stretch to [3]"},
    {.in = "3x2:c 3:c", .status = TG_ESHAPE, .message = "does not stretch"},
    {0}};
static const op_sample adds[] = {
    {.in = "3x5:c 3x5:c", .s = {1}},   {.in = "3x5:c 5:c", .s = {-0.1}},
    {.in = "3x5:c .:c", .s = {3}},     {.in = "2x3x4:c 3x1:c", .s = {0.7}},
    {.in = "3x5:i 5:i", .s = {-2}},    {.in = "0:c 0:c", .s = {1}},
    {.in = "37:cx 37:cx", .s = {1.5}}, {0}};
static const op_sample add_errors[] = {
    {.in = "3 3:c", .s = {1}, .status = TG_ESTATE, .message = "tensor [3] requires a gradient"},
    {.in = "3:c 3", .s = {1}, .status = TG_ESTATE, .message = "source [3] requires a gradient"},
    {.in = "3:c 3:i", .s = {1}, .status = TG_EDTYPE, .message = "int64 to float"},
    {.in = "3:b 3:b", .s = {1}, .status = TG_EDTYPE, .message = "bool"},
    {.in = "3:i 3:i", .s = {0.5}, .status = TG_EVALUE, .message = "cannot hold alpha 0.5"},
    {.in = "3:c 2x3:c", .s = {1}, .status = TG_ESHAPE, .message = "does not stretch"},
    {0}};
static const op_sample fills[] = {{.in = "3x5:c", .s = {0.1}},       {.in = ".:c", .s = {-3}},
                                  {.in = "0:c", .s = {1}},           {.in = "7:i", .s = {-2.5}},
                                  {.in = "7:b", .s = {0.5}},         {.in = "7:b", .s = {0}},
                                  {.in = "5:c", .s = {(double)NAN}}, {0}};
static const op_sample fill_errors[] = {
    {.in = "3:r", .s = {1}, .status = TG_ESTATE, .message = "requires a gradient"},
    {.in = "3:i", .s = {1e19}, .status = TG_EVALUE, .message = "int64 cannot hold 1e+19"},
    {.in = "3:i", .s = {(double)NAN}, .status = TG_EVALUE, .message = "int64 cannot hold"},
    {0}};

const op_row ops_index[] = {
    {.name = "gather",
     .build = gather,
     .ref = ref_gather,
     .samples = {gathers},
     .errors = {gather_errors}},
    {.name = "index_select",
     .build = index_select,
     .ref = ref_index_select,
     .samples = {index_selects},
     .errors = {index_select_errors}},
    {.name = "embedding",
     .build = embedding,
     .ref = ref_embedding,
     .samples = {embeddings},
     .errors = {embedding_errors}},
    {.name = "tril",
     .build = tril,
     .ref = ref_tril,
     .samples = {triangles},
     .errors = {triangle_errors}},
    {.name = "triu",
     .build = triu,
     .ref = ref_triu,
     .samples = {triangles},
     .errors = {triangle_errors}},
    {.name = "cat", .build = cat, .ref = ref_cat, .samples = {cats}, .errors = {cat_errors}},
    {.name = "stack",
     .build = stack,
     .ref = ref_stack,
     .samples = {stacks},
     .errors = {stack_errors}},
    {.name = "copy_",
     .is = OP_CONSTANT | OP_IN_PLACE,
     .build = copy_into,
     .ref = ref_copy_into,
     .samples = {copies},
     .errors = {copy_errors}},
    {.name = "add_",
     .is = OP_CONSTANT | OP_IN_PLACE | OP_COMPOSED,
     .build = add_to_half,
     .ref = ref_add_into,
     .samples = {adds}},
    {.name = "add_errors",
     .says = "add_",
     .is = OP_CONSTANT | OP_IN_PLACE,
     .build = add_into,
     .errors = {add_errors}},
    {.name = "fill_",
     .is = OP_CONSTANT | OP_IN_PLACE,
     .build = fill,
     .ref = ref_fill,
     .samples = {fills},
     .errors = {fill_errors}},
    {0}};

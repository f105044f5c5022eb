/* Rows of matrix products. See op_table.h. */
#include "op_reference.h"

#include <string.h>

static tg_tensor *linear(const op_args *a)
{
    return tg_linear(a->in[0], a->in[1], a->n > 2 ? a->in[2] : NULL);
}

static tg_tensor *addmm(const op_args *a)
{
    return tg_addmm(a->in[0], a->in[1], a->in[2], a->s->s[0], a->s->s[1]);
}

static tg_tensor *baddbmm(const op_args *a)
{
    return tg_baddbmm(a->in[0], a->in[1], a->in[2], a->s->s[0], a->s->s[1]);
}

/* t with a leading (row) or trailing (column) dim of size 1 where it is 1-d. */
static array as_matrix(const array *t, bool row)
{
    array m = *t;
    if (t->ndim == 1) {
        m.ndim = 2;
        m.dims[0] = row ? 1 : t->dims[0];
        m.dims[1] = row ? t->dims[0] : 1;
    }
    return m;
}

/* The batch dims of a, b and, broadcast, of the product. */
static int batch_dims(const array *a, const array *b, int64_t *dims)
{
    int ndim = a->ndim > b->ndim ? a->ndim : b->ndim;
    for (int i = 3; i <= ndim; i++) {
        int64_t x = i <= a->ndim ? a->dims[a->ndim - i] : 1;
        int64_t y = i <= b->ndim ? b->dims[b->ndim - i] : 1;
        dims[ndim - i] = x == 1 ? y : x;
    }
    return ndim;
}

/* A view of the batch dims alone, for ref_place(). */
static array batches_of(const array *t)
{
    array batch;
    ref_start(&batch, t->dtype, t->ndim - 2, t->dims);
    return batch;
}

static void product(const array *a, const array *b, array *out)
{
    int64_t m = a->dims[a->ndim - 2], k = a->dims[a->ndim - 1], n = b->dims[b->ndim - 1];
    array batch_a = batches_of(a), batch_b = batches_of(b), batch = batches_of(out);
    for (int64_t i = 0; i < out->numel; i++) {
        int64_t at = i / (m * n), row = i / n % m, column = i % n;
        const double *x = a->data + (ref_place(&batch_a, &batch, at) * m + row) * k;
        const double *y = b->data + ref_place(&batch_b, &batch, at) * k * n + column;
        for (int64_t j = 0; j < k; j++)
            out->data[i] += x[j] * y[j * n];
    }
}

static void ref_matmul(const op_sample *s, const array *in, array *out)
{
    (void)s;
    array a = as_matrix(&in[0], true), b = as_matrix(&in[1], false);
    int64_t dims[OP_MAX_DIMS];
    int ndim = batch_dims(&a, &b, dims), kept = ndim - 2;
    dims[ndim - 2] = a.dims[a.ndim - 2];
    dims[ndim - 1] = b.dims[b.ndim - 1];
    ref_start(out, a.dtype, ndim, dims);
    product(&a, &b, out);
    if (in[0].ndim > 1)
        out->dims[kept++] = dims[ndim - 2];
    if (in[1].ndim > 1)
        out->dims[kept++] = dims[ndim - 1];
    out->ndim = kept;
}

static void ref_linear(const op_sample *s, const array *in, array *out)
{
    (void)s;
    int64_t dims[OP_MAX_DIMS], n = in[1].dims[0], k = in[1].dims[1];
    memcpy(dims, in[0].dims, sizeof dims);
    dims[in[0].ndim - 1] = n;
    ref_start(out, in[0].dtype, in[0].ndim, dims);
    for (int64_t i = 0; i < out->numel; i++) {
        for (int64_t j = 0; j < k; j++)
            out->data[i] += in[0].data[i / n * k + j] * in[1].data[i % n * k + j];
        out->data[i] += in[2].dtype >= 0 ? in[2].data[i % n] : 0;
    }
}

static void ref_addmm(const op_sample *s, const array *in, array *out)
{
    int64_t dims[OP_MAX_DIMS];
    memcpy(dims, in[1].dims, sizeof dims);
    dims[in[1].ndim - 1] = in[2].dims[in[2].ndim - 1];
    ref_start(out, in[0].dtype, in[1].ndim, dims);
    product(&in[1], &in[2], out);
    for (int64_t i = 0; i < out->numel; i++)
        out->data[i] = s->s[0] * in[0].data[ref_place(&in[0], out, i)] + s->s[1] * out->data[i];
}

static const op_sample products[] = {
    {.in = "3 3"},           {.in = "1 1"},         {.in = "37 37"},       {.in = "3x5 5"},
    {.in = "3 3x5"},         {.in = "3x5 5x2"},     {.in = "1x1 1x1"},     {.in = "7x9 9x5"},
    {.in = "5x37 37x3"},     {.in = "3x2 2x37"},    {.in = "0 0"},         {.in = "2x0 0x3"},
    {.in = "0x3 3x2"},       {.in = "2x3 3x0"},     {.in = "2x3x4 4"},     {.in = "3 2x3x4"},
    {.in = "2x3x4 4x5"},     {.in = "3x4 2x4x5"},   {.in = "2x3x4 2x4x2"}, {.in = "2x1x3x4 3x4x2"},
    {.in = "3x4x2 1x2x3"},   {.in = "0x2x3 3x2"},   {.in = "2x3x0 0x2"},   {.in = "2x2x3x4 4x2"},
    {.in = "4 2x2x4x3"},     {.in = "2x2x3x4 4"},   {.in = "3x3 ="},       {.in = "5 ="},
    {.in = "2x3x3 ="},       {.in = "17x16 16x17"}, {.in = "3x4:r 4x2:r"}, {.in = "0x2x3 1x3x2"},
    {.in = "2x1x3 1x1x3x2"}, {.in = "1x37 37x1"},   {.in = "8x8 8x8"},     {0}};
static const op_sample product_errors[] = {
    {.in = "3x5 4x2",
     .status = TG_ESHAPE,
     .message = "[3, 5] x [4, 2]: inner sizes 5 and 4 differ"},
    {.in = "3 4", .status = TG_ESHAPE, .message = "inner sizes 3 and 4 differ"},
    {.in = "3x5 4", .status = TG_ESHAPE, .message = "inner sizes 5 and 4 differ"},
    {.in = ". 3", .status = TG_ESHAPE, .message = "at least one dim"},
    {.in = "3 .", .status = TG_ESHAPE, .message = "at least one dim"},
    {.in = "2x3x4 3x4x5", .status = TG_ESHAPE, .message = "batch dims do not broadcast"},
    {.in = "3x5 5x2:o", .status = TG_EDTYPE, .message = "one float dtype"},
    {.in = "3x5:i 5x2:i", .status = TG_EDTYPE, .message = "int64"},
    {.in = "3x5:b 5x2", .status = TG_EDTYPE, .message = "bool"},
    {0}};
static const op_sample layers[] = {{.in = "3x5 2x5 2"},
                                   {.in = "3x5 2x5"},
                                   {.in = "5 2x5 2"},
                                   {.in = "5 2x5"},
                                   {.in = "2x3x5 4x5 4"},
                                   {.in = "2x3x5 4x5 ~"},
                                   {.in = "2x2x3x5 4x5 4"},
                                   {.in = "7x37 3x37 3"},
                                   {.in = "3x2 37x2 37"},
                                   {.in = "0x5 2x5 2"},
                                   {.in = "3x0 2x0 2"},
                                   {.in = "3x5 0x5 0"},
                                   {.in = "2x0x5 2x5 2"},
                                   {.in = "1x1 1x1 1"},
                                   {.in = "3x3 ="},
                                   {.in = "3x5:r 2x5:r 2:r"},
                                   {.in = "16x16 17x16 17"},
                                   {.in = "2x3x5 1x5 1"},
                                   {0}};
static const op_sample layer_errors[] = {
    {.in = "3x5 2x4 2", .status = TG_ESHAPE, .message = "sizes 5 and 4 differ"},
    {.in = ". 2x4", .status = TG_ESHAPE, .message = "x is 0-d"},
    {.in = "3x5 5", .status = TG_ESHAPE, .message = "weight [5], wanted (out, in)"},
    {.in = "3x5 2x5 3", .status = TG_ESHAPE, .message = "bias [3] for a weight [2, 5]"},
    {.in = "3x5 2x5 2x1", .status = TG_ESHAPE, .message = "bias [2, 1]"},
    {.in = "3x5 2x5:o", .status = TG_EDTYPE, .message = "one float dtype"},
    {.in = "3x5 2x5 2:i", .status = TG_EDTYPE, .message = "one float dtype"},
    {.in = "3x5:i 2x5:i", .status = TG_EDTYPE, .message = "one float dtype"},
    {0}};

static const op_sample sums[] = {
    {.in = "3x2 3x5 5x2", .s = {1, 1}},     {.in = "2 3x5 5x2", .s = {0.5, -2}},
    {.in = "3x1 3x5 5x37", .s = {-1, 1}},   {.in = ". 3x5 5x2", .s = {0, 0.5}},
    {.in = "3x2 3x0 0x2", .s = {2, 1}},     {.in = "3x3 3x3 =", .s = {1, 1}},
    {.in = "4:r 3x4:r 4x4:r", .s = {1, 3}}, {0}};
static const op_sample sum_errors[] = {
    {.in = "3x2 3x5 4x2",
     .status = TG_ESHAPE,
     .message = "[3, 5] x [4, 2]: inner sizes 5 and 4 differ"},
    {.in = "3x2 5 5x2", .status = TG_ESHAPE, .message = "[5] x [5, 2]: both need 2 dims"},
    {.in = "2x3 3x5 5x2",
     .status = TG_ESHAPE,
     .message = "[2, 3] does not broadcast to the product's [3, 2]"},
    {.in = "1x3x2 3x5 5x2", .status = TG_ESHAPE, .message = "does not broadcast"},
    {.in = "3x2:o 3x5 5x2", .status = TG_EDTYPE, .message = "one float dtype"},
    {0}};
static const op_sample batch_sums[] = {{.in = "2x3x2 2x3x5 2x5x2", .s = {1, 1}},
                                       {.in = "3x1 2x3x5 2x5x2", .s = {0.5, 2}},
                                       {.in = "2 1x3x4 1x4x2", .s = {0, 1}},
                                       {0}};
static const op_sample batch_sum_errors[] = {
    {.in = "2 2x3x5 1x5x2", .status = TG_ESHAPE, .message = "batches of 2 and 1"},
    {.in = "2 3x5 5x2", .status = TG_ESHAPE, .message = "both need 3 dims"},
    {0}};

const op_row ops_matmul[] = {
    {.name = "addmm", .build = addmm, .ref = ref_addmm, .samples = {sums}, .errors = {sum_errors}},
    {.name = "baddbmm",
     .build = baddbmm,
     .ref = ref_addmm,
     .samples = {batch_sums},
     .errors = {batch_sum_errors}},
    {.name = "matmul",
     .binary = tg_matmul,
     .ref = ref_matmul,
     .samples = {products},
     .errors = {product_errors}},
    {.name = "linear",
     .build = linear,
     .ref = ref_linear,
     .is = OP_OPTIONAL_IN,
     .samples = {layers},
     .errors = {layer_errors}},
    {0}};

/* See op_reference.h. */
#include "op_reference.h"

#include <string.h>

void ref_start(array *out, int dtype, int ndim, const int64_t *dims)
{
    memset(out, 0, sizeof *out);
    out->dtype = dtype;
    out->ndim = ndim;
    out->numel = 1;
    for (int i = 0; i < ndim; i++) {
        out->dims[i] = dims[i];
        out->numel *= dims[i];
    }
}

int64_t ref_place(const array *in, const array *out, int64_t k)
{
    int64_t place = 0, stride = 1;
    for (int i = 0; i < out->ndim; i++) {
        int64_t size = out->dims[out->ndim - 1 - i];
        if (i < in->ndim) {
            int64_t own = in->dims[in->ndim - 1 - i];
            place += own == 1 ? 0 : k % size * stride;
            stride *= own;
        }
        k /= size;
    }
    return place;
}

static int category(int dtype)
{
    return dtype == TG_BOOL ? 0 : dtype == TG_I64 ? 1 : 2;
}

int ref_promoted(const array *a, const array *b)
{
    int ca = category(a->dtype), cb = category(b->dtype);
    if (ca != cb)
        return ca > cb ? a->dtype : b->dtype;
    if (a->ndim > 0 && b->ndim == 0)
        return a->dtype;
    if (a->ndim == 0 && b->ndim > 0)
        return b->dtype;
    return a->dtype == TG_F64 || b->dtype == TG_F64 ? TG_F64 : a->dtype;
}

int ref_dim(const array *in, int dim)
{
    return dim < 0 ? dim + (in->ndim ? in->ndim : 1) : dim;
}

ref_rows ref_rows_of(const array *in, int dim)
{
    ref_rows r = {1, in->ndim ? in->dims[dim] : 1, 1};
    for (int i = 0; i < dim; i++)
        r.outer *= in->dims[i];
    for (int i = dim + 1; i < in->ndim; i++)
        r.inner *= in->dims[i];
    return r;
}

static int float_of(const op_row *row, int dtype)
{
    return row->is & OP_TO_FLOAT && category(dtype) < 2 ? TG_F32 : dtype;
}

static void elementwise1(const op_row *row, const array *in, array *out)
{
    ref_start(out, float_of(row, in->dtype), in->ndim, in->dims);
    for (int64_t k = 0; k < out->numel; k++)
        out->data[k] = row->f1(in->data[k]);
}

static void elementwise2(const op_row *row, const array *a, const array *b, array *out)
{
    int64_t dims[OP_MAX_DIMS];
    int ndim = a->ndim > b->ndim ? a->ndim : b->ndim;
    for (int i = 1; i <= ndim; i++) {
        int64_t x = i <= a->ndim ? a->dims[a->ndim - i] : 1;
        int64_t y = i <= b->ndim ? b->dims[b->ndim - i] : 1;
        dims[ndim - i] = x == 1 ? y : x;
    }
    int dtype = float_of(row, ref_promoted(a, b));
    ref_start(out, dtype, ndim, dims);
    for (int64_t k = 0; k < out->numel; k++)
        out->data[k] = row->f2(rounded_to(dtype, a->data[ref_place(a, out, k)]),
                               rounded_to(dtype, b->data[ref_place(b, out, k)]));
}

void ref_result(const op_row *row, const op_sample *s, const array *in, array *out)
{
    if (row->f1)
        elementwise1(row, &in[0], out);
    else if (row->f2)
        elementwise2(row, &in[0], &in[1], out);
    else
        row->ref(s, in, out);
}

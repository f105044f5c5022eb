/* The row of cosine. See op_table.h. */
#include "op_reference.h"

#include <math.h>

static tg_tensor *call(const op_args *a)
{
    return tg_cosine(a->in[0], a->in[1], a->s->dim[0]);
}

static void reference(const op_sample *s, const array *in, array *out)
{
    int dim = ref_dim(in, s->dim[0]), kept = 0;
    int64_t dims[OP_MAX_DIMS];
    ref_rows r = ref_rows_of(in, dim);
    for (int i = 0; i < in->ndim; i++)
        dims[kept] = in->dims[i], kept += i != dim;
    ref_start(out, in->dtype, kept, dims);
    for (int64_t k = 0; k < out->numel; k++) {
        double ab = 0, aa = 0, bb = 0;
        for (int64_t i = 0; i < r.n; i++) {
            int64_t at = (k / r.inner * r.n + i) * r.inner + k % r.inner;
            ab += in[0].data[at] * in[1].data[at];
            aa += in[0].data[at] * in[0].data[at];
            bb += in[1].data[at] * in[1].data[at];
        }
        out->data[k] = ab / fmax(sqrt(aa), 1e-8) / fmax(sqrt(bb), 1e-8);
    }
}

static const op_sample samples[] = {
    {.in = "7 7"}, {.in = "3x5 3x5", .dim = {1}}, {.in = "2x3x4:r 2x3x4", .dim = {-2}}, {0}};
static const op_sample errors[] = {
    {.in = "3 4", .status = TG_ESHAPE, .message = "cosine: [3] and [4] differ"},
    {.in = "3 3", .dim = {1}, .status = TG_EVALUE, .message = "cosine: there is no dim 1"},
    {.in = "3:i 3:i", .status = TG_EDTYPE, .message = "cosine: input 0 is int64"},
    {0}};

const op_row ops_cosine[] = {
    {.name = "cosine", .build = call, .ref = reference, .samples = {samples}, .errors = {errors}},
    {0}};

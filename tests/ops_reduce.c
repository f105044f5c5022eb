/* Rows of reductions. See op_table.h. */
#include "op_reference.h"

static tg_tensor *sum_dim(const op_args *a)
{
    return tg_sum_dim(a->in[0], a->s->dim[0], a->s->keepdim);
}

static tg_tensor *mean_dim(const op_args *a)
{
    return tg_mean_dim(a->in[0], a->s->dim[0], a->s->keepdim);
}

static int sum_dtype(const array *in)
{
    return in->dtype == TG_F32 || in->dtype == TG_F64 ? in->dtype : TG_I64;
}

static void ref_sum(const op_sample *s, const array *in, array *out)
{
    (void)s;
    ref_start(out, sum_dtype(in), 0, NULL);
    for (int64_t k = 0; k < in->numel; k++)
        out->data[0] += in->data[k];
}

static void ref_mean(const op_sample *s, const array *in, array *out)
{
    ref_sum(s, in, out);
    out->data[0] /= (double)in->numel;
}

static void ref_sum_dim(const op_sample *s, const array *in, array *out)
{
    int dim = ref_dim(in, s->dim[0]), n = 0;
    int64_t dims[OP_MAX_DIMS];
    for (int i = 0; i < in->ndim; i++) {
        if (i != dim || s->keepdim)
            dims[n++] = i == dim ? 1 : in->dims[i];
    }
    ref_start(out, sum_dtype(in), n, dims);
    ref_rows r = ref_rows_of(in, dim);
    for (int64_t k = 0; k < in->numel; k++)
        out->data[k / (r.n * r.inner) * r.inner + k % r.inner] += in->data[k];
}

static void ref_mean_dim(const op_sample *s, const array *in, array *out)
{
    ref_sum_dim(s, in, out);
    ref_rows r = ref_rows_of(in, ref_dim(in, s->dim[0]));
    for (int64_t k = 0; k < out->numel; k++)
        out->data[k] /= (double)r.n;
}

static const op_sample whole[] = {{.in = "."},
                                  {.in = "1"},
                                  {.in = "0"},
                                  {.in = "37"},
                                  {.in = "3x5"},
                                  {.in = "2x3x4"},
                                  {.in = "2x0x3"},
                                  {.in = "16x40"},
                                  {.in = "5:r"},
                                  {.in = "999:h"},
                                  {0}};
static const op_sample sums_int[] = {{.in = "37:i"}, {.in = "3x4:b"},   {.in = ".:b"},
                                     {.in = "0:i"},  {.in = "2x3x4:i"}, {0}};
static const op_sample dims_int[] = {{.in = "5x3:i", .dim = {1}},
                                     {.in = "5x3:b", .dim = {0}},
                                     {.in = "2x3x4:i", .dim = {1}, .keepdim = true},
                                     {0}};

const op_row ops_reduce[] = {
    {.name = "sum", .unary = tg_sum, .ref = ref_sum, .samples = {whole, sums_int}},
    {.name = "mean",
     .unary = tg_mean,
     .ref = ref_mean,
     .samples = {whole},
     .errors = {errors_not_float}},
    {.name = "sum_dim",
     .says = "sum",
     .build = sum_dim,
     .ref = ref_sum_dim,
     .samples = {samples_dim, dims_int},
     .errors = {errors_dim}},
    {.name = "mean_dim",
     .says = "mean",
     .build = mean_dim,
     .ref = ref_mean_dim,
     .samples = {samples_dim},
     .errors = {errors_dim, errors_not_float}},
    {0}};

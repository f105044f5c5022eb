/* Rows of formulas of two or three tensors. See op_table.h. */
#include "op_reference.h"

#include <math.h>

#include <tinygrad/op.h>

static tg_tensor *add_scaled(const op_args *a)
{
    return tg_add_scaled(a->in[0], a->in[1], a->s->s[0]);
}

static tg_tensor *lerp(const op_args *a)
{
    return tg_lerp(a->in[0], a->in[1], a->in[2]);
}

/* flags 1: no lower bound; 2: no upper one. A bound that a sample has is to be there. */
static tg_tensor *clamp_tensors(const op_args *a)
{
    tg_tensor *low = a->s->flags & 1 ? NULL : a->in[1];
    tg_tensor *high = a->s->flags & 2 ? NULL : a->n > 2 ? a->in[2] : a->in[1];
    if (a->in[0] && !a->in[1]) {
        tg_fail(a->tape, TG_EVALUE, "clamp_tensors: input 1 is NULL");
        return NULL;
    }
    return tg_clamp_tensors(a->in[0], low, high);
}

static double logaddexp(double a, double b)
{
    if (a == b && isinf(a))
        return a;
    return fmax(a, b) + log1p(exp(-fabs(a - b))) + (isnan(a) || isnan(b) ? (double)NAN : 0);
}

/* Three broadcast; those that are missing are as the first. */
static void triple(const array *in, array *out, int n, double (*f)(const double *, double),
                   double s)
{
    int64_t dims[OP_MAX_DIMS] = {0};
    int ndim = 0;
    for (int i = 0; i < n; i++)
        ndim = in[i].ndim > ndim ? in[i].ndim : ndim;
    for (int d = 1; d <= ndim; d++) {
        dims[ndim - d] = 1;
        for (int i = 0; i < n; i++) {
            if (d <= in[i].ndim && in[i].dims[in[i].ndim - d] != 1)
                dims[ndim - d] = in[i].dims[in[i].ndim - d];
        }
    }
    ref_start(out, n == 2 ? ref_promoted(&in[0], &in[1]) : in->dtype, ndim, dims);
    for (int64_t k = 0; k < out->numel; k++) {
        double x[3] = {0};
        for (int i = 0; i < n; i++)
            x[i] = in[i].data[ref_place(&in[i], out, k)];
        out->data[k] = f(x, s);
    }
}

static double scaled_of(const double *x, double s)
{
    return x[0] + s * x[1];
}

static double lerp_of(const double *x, double s)
{
    return x[0] + x[2] * (x[1] - x[0]) + 0 * s;
}

static double between_of(const double *x, double flags)
{
    double low = flags == 1 ? (double)-INFINITY : x[1];
    double high = flags == 1 ? x[1] : flags == 2 ? (double)INFINITY : x[2];
    return isnan(x[0]) || isnan(low) || isnan(high) ? (double)NAN : fmin(fmax(x[0], low), high);
}

static void ref_add_scaled(const op_sample *s, const array *in, array *out)
{
    triple(in, out, 2, scaled_of, s->s[0]);
}

static void ref_lerp(const op_sample *s, const array *in, array *out)
{
    triple(in, out, 3, lerp_of, s->s[0]);
}

static void ref_clamp_tensors(const op_sample *s, const array *in, array *out)
{
    triple(in, out, s->flags ? 2 : 3, between_of, s->flags);
}

static void ref_outer(const op_sample *s, const array *in, array *out)
{
    (void)s;
    ref_start(out, ref_promoted(&in[0], &in[1]), 2, (int64_t[]){in[0].numel, in[1].numel});
    for (int64_t k = 0; k < out->numel; k++)
        out->data[k] = in[0].data[k / in[1].numel] * in[1].data[k % in[1].numel];
}

static const op_sample scaled[] = {{.in = "37 37", .s = {0.5}},
                                   {.in = "3x5 5:r", .s = {-2}},
                                   {.in = "5:i 3x5:i", .s = {3}},
                                   {.in = "5:o 5", .s = {-1}},
                                   {.in = "4:b 4:i", .s = {-2}},
                                   {.in = "0x3 1x3", .s = {2}},
                                   {0}};
static const op_sample scaled_errors[] = {
    {.in = "3:i 3:i", .s = {0.5}, .status = TG_EVALUE, .message = "0.5 is not whole"},
    {.in = "3:b 3:b", .s = {1}, .status = TG_EDTYPE, .message = "not defined for bool"},
    {0}};
static const op_sample lerps[] = {
    {.in = "37 37 37"}, {.in = "3x5:r 5 ."}, {.in = "3x1 1x5 5:c"}, {.in = "0x3 3 ."}, {0}};
static const op_sample lerps_errors[] = {
    {.in = "3 4 3", .status = TG_ESHAPE, .message = "[3] and [4] do not broadcast"},
    {.in = "3 3:o 3", .status = TG_EDTYPE, .message = "input 1 is float"},
    {.in = "3:i 3:i 3:i", .status = TG_EDTYPE, .message = "int64"},
    {0}};
static const op_sample pairs[] = {{.in = "37 37"},     {.in = "3x5 5:r"}, {.in = "3x5:o 5"},
                                  {.in = "64:x 64:x"}, {.in = "5 ="},     {0}};
static const op_sample pairs_errors[] = {{.in = "3:i 3:i", .status = TG_EDTYPE, .message = "int64"},
                                         {0}};
static const op_sample bounds[] = {{.in = "37 37 37"},
                                   {.in = "3x5:r 5 ."},
                                   {.in = "3x5 3x1", .flags = 1},
                                   {.in = "5 3x5:c", .flags = 2},
                                   {.in = "64:x 64:x 64:x"},
                                   {0}};
static const op_sample bounds_errors[] = {
    {.in = "3 3", .flags = 3, .status = TG_EVALUE, .message = "both bounds are NULL"},
    {.in = "3 4 3", .status = TG_ESHAPE, .message = "[3] and [4] do not broadcast"},
    {.in = "3 3:o 3", .status = TG_EDTYPE, .message = "input 1 is float"},
    {0}};
static const op_kink kinks_bounds[] = {
    {.s = {.in = "3 3 3"}, .x = {{1, 3, 0}, {1, 1, 2}, {3, 3, 2}}, .grad = {{1, 1, 0}}},
    {.s = {.in = "1 1", .flags = 1}, .x = {{1}, {1}}, .grad = {{1}}},
    {.s = {.in = "1 1", .flags = 2}, .x = {{1}, {1}}, .grad = {{1}}},
    {.s = {0}}};
static const op_sample outers[] = {{.in = "5 7"},   {.in = "3:r 4:r"}, {.in = "0 3"},
                                   {.in = "3 2:i"}, {.in = "3 ="},     {0}};
static const op_sample outers_errors[] = {
    {.in = "3x2 2", .status = TG_ESHAPE, .message = "[3, 2] and [2], wanted two of 1 dim"}, {0}};

const op_row ops_binary_formulas[] = {
    {.name = "add_scaled",
     .build = add_scaled,
     .ref = ref_add_scaled,
     .samples = {scaled},
     .errors = {errors_broadcast, scaled_errors}},
    {.name = "lerp", .build = lerp, .ref = ref_lerp, .samples = {lerps}, .errors = {lerps_errors}},
    {.name = "logaddexp",
     .binary = tg_logaddexp,
     .f2 = logaddexp,
     .samples = {pairs},
     .errors = {errors_broadcast, pairs_errors}},
    {.name = "clamp_tensors",
     .is = OP_OPTIONAL_IN,
     .build = clamp_tensors,
     .ref = ref_clamp_tensors,
     .samples = {bounds},
     .errors = {bounds_errors},
     .kinks = {kinks_bounds}},
    {.name = "outer",
     .binary = tg_outer,
     .ref = ref_outer,
     .samples = {outers},
     .errors = {outers_errors}},
    {0}};

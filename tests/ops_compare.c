/* Rows of comparisons, logic, and choices between values. See op_table.h. */
#include "op_reference.h"

#include <math.h>

static double eq(double x, double y)
{
    return x == y;
}

static double ne(double x, double y)
{
    return x != y;
}

static double lt(double x, double y)
{
    return x < y;
}

static double le(double x, double y)
{
    return x <= y;
}

static double gt(double x, double y)
{
    return x > y;
}

static double ge(double x, double y)
{
    return x >= y;
}

static double both(double x, double y)
{
    return x != 0 && y != 0;
}

static double either(double x, double y)
{
    return x != 0 || y != 0;
}

static double one(double x, double y)
{
    return (x != 0) != (y != 0);
}

static double larger(double x, double y)
{
    return isnan(x) || x > y ? x : y;
}

static double smaller(double x, double y)
{
    return isnan(x) || x < y ? x : y;
}

/* The shape that the first n of in broadcast to. */
static void start_broadcast(array *out, int dtype, const array *in, int n)
{
    int64_t dims[OP_MAX_DIMS];
    int ndim = 0;
    for (int i = 0; i < n; i++)
        ndim = in[i].ndim > ndim ? in[i].ndim : ndim;
    for (int d = 1; d <= ndim; d++) {
        dims[ndim - d] = 1;
        for (int i = 0; i < n; i++) {
            int64_t size = d <= in[i].ndim ? in[i].dims[in[i].ndim - d] : 1;
            dims[ndim - d] = size == 1 ? dims[ndim - d] : size;
        }
    }
    ref_start(out, dtype, ndim, dims);
}

/* What f says of each pair, in the dtype that both are converted to; -1: as they are. */
static void truth(const array *in, array *out, int dtype, double (*f)(double, double))
{
    start_broadcast(out, TG_BOOL, in, 2);
    for (int64_t k = 0; k < out->numel; k++) {
        double x = in[0].data[ref_place(&in[0], out, k)];
        double y = in[1].data[ref_place(&in[1], out, k)];
        out->data[k] = dtype < 0 ? f(x, y) : f(rounded_to(dtype, x), rounded_to(dtype, y));
    }
}

static void truth_of_number(const op_sample *s, const array *in, array *out,
                            double (*f)(double, double))
{
    bool is_float = in->dtype == TG_F32 || in->dtype == TG_F64;
    bool whole = s->s[0] == floor(s->s[0]) && fabs(s->s[0]) < 0x1p63;
    int dtype = is_float ? in->dtype : whole ? TG_I64 : TG_F32;
    ref_start(out, TG_BOOL, in->ndim, in->dims);
    for (int64_t k = 0; k < out->numel; k++)
        out->data[k] = f(rounded_to(dtype, in->data[k]), rounded_to(dtype, s->s[0]));
}

#define TRUTH(name)                                                                                \
    static void ref_##name(const op_sample *s, const array *in, array *out)                        \
    {                                                                                              \
        (void)s;                                                                                   \
        truth(in, out, ref_promoted(&in[0], &in[1]), name);                                        \
    }
#define TRUTH_OF_NUMBER(name)                                                                      \
    static tg_tensor *name##_scalar(const op_args *a)                                              \
    {                                                                                              \
        return tg_##name##_scalar(a->in[0], a->s->s[0]);                                           \
    }                                                                                              \
                                                                                                   \
    static void ref_##name##_scalar(const op_sample *s, const array *in, array *out)               \
    {                                                                                              \
        truth_of_number(s, in, out, name);                                                         \
    }

TRUTH(eq)
TRUTH(ne)
TRUTH(lt)
TRUTH(le)
TRUTH(gt)
TRUTH(ge)
TRUTH_OF_NUMBER(eq)
TRUTH_OF_NUMBER(lt)
TRUTH_OF_NUMBER(gt)
TRUTH_OF_NUMBER(ne)
TRUTH_OF_NUMBER(le)
TRUTH_OF_NUMBER(ge)

static void ref_logical_and(const op_sample *s, const array *in, array *out)
{
    (void)s;
    truth(in, out, -1, both);
}

static void ref_logical_or(const op_sample *s, const array *in, array *out)
{
    (void)s;
    truth(in, out, -1, either);
}

static void ref_logical_xor(const op_sample *s, const array *in, array *out)
{
    (void)s;
    truth(in, out, -1, one);
}

static void ref_logical_not(const op_sample *s, const array *in, array *out)
{
    (void)s;
    ref_start(out, TG_BOOL, in->ndim, in->dims);
    for (int64_t k = 0; k < out->numel; k++)
        out->data[k] = in->data[k] == 0;
}

static tg_tensor *where(const op_args *a)
{
    return tg_where(a->in[0], a->in[1], a->n > 2 ? a->in[2] : NULL);
}

static tg_tensor *masked_fill(const op_args *a)
{
    return tg_masked_fill(a->in[0], a->in[1], a->s->s[0]);
}

static void ref_where(const op_sample *s, const array *in, array *out)
{
    (void)s;
    int dtype = ref_promoted(&in[1], &in[2]);
    start_broadcast(out, dtype, in, 3);
    for (int64_t k = 0; k < out->numel; k++) {
        const array *from = in[0].data[ref_place(&in[0], out, k)] != 0 ? &in[1] : &in[2];
        out->data[k] = rounded_to(dtype, from->data[ref_place(from, out, k)]);
    }
}

static void ref_masked_fill(const op_sample *s, const array *in, array *out)
{
    ref_start(out, in->dtype, in->ndim, in->dims);
    for (int64_t k = 0; k < out->numel; k++) {
        bool masked = in[1].data[ref_place(&in[1], out, k)] != 0;
        out->data[k] = masked ? rounded_to(in->dtype, s->s[0]) : in->data[k];
    }
}

static const op_sample numbers[] = {{.in = ".", .s = {1}},
                                    {.in = "0", .s = {0}},
                                    {.in = "37", .s = {0.5}},
                                    {.in = "3x5", .s = {-1}},
                                    {.in = "2x3x4", .s = {0.1}},
                                    {.in = "3x4:r", .s = {0}},
                                    {.in = "64:x", .s = {0}},
                                    {.in = "64:x", .s = {1}},
                                    {.in = "64:x", .s = {0x1p24 + 1}},
                                    {.in = "64:x", .s = {1e300}},
                                    {.in = "64:x", .s = {(double)INFINITY}},
                                    {.in = "64:x", .s = {(double)NAN}},
                                    {.in = "37:i", .s = {2}},
                                    {.in = "37:i", .s = {0.5}},
                                    {.in = "37:i", .s = {-1e300}},
                                    {.in = "8:b", .s = {1}},
                                    {.in = "8:b", .s = {0}},
                                    {.in = "8:b", .s = {0.5}},
                                    {0}};

static const op_sample choices[] = {
    {.in = ". . ."},       {.in = "37 37 37"},     {.in = "0 0 0"},
    {.in = "3x5 3x5 3x5"}, {.in = "3x5 5 3x1"},    {.in = "5 3x5 ."},
    {.in = "3x5 . ."},     {.in = "3x1 1x5 3x1"},  {.in = "2x3x4 3x1 4"},
    {.in = "4 2x3x4 3x4"}, {.in = ". 3x5 5"},      {.in = "1 0x3 3"},
    {.in = "2x0 2x1 ."},   {.in = "64 64:x 64:x"}, {.in = "3x4 4:r 3x4:r"},
    {.in = "3x5 3x5:c 5"}, {.in = "3x5 3x5 5:c"},  {.in = "5 5:o 5"},
    {.in = "5 5 5:o"},     {.in = "5 5 .:o"},      {.in = "5 5 5:i"},
    {.in = "5 5:b 5"},     {.in = "5 5:i 5:i"},    {.in = "5 5:i .:b"},
    {.in = "5 5:b 3x5:b"}, {.in = "5 .:i .:i"},    {0}};
static const op_sample errors_where[] = {
    {.in = "3:o 3 3", .status = TG_EDTYPE, .message = "bool"},
    {.in = "3:i 3 3", .status = TG_EDTYPE, .message = "int64"},
    {.in = "3 4 5", .status = TG_ESHAPE, .message = "[4] and [5] do not broadcast"},
    {.in = "3 5 5", .status = TG_ESHAPE, .message = "condition [3] does not broadcast with [5]"},
    {.in = "2x5 4x1 5", .status = TG_ESHAPE, .message = "condition [2, 5]"},
    {0}};

static const op_sample fills[] = {{.in = ". .", .s = {2}},
                                  {.in = "37 37", .s = {-1.5}},
                                  {.in = "0 0", .s = {1}},
                                  {.in = "3x5 3x5", .s = {0}},
                                  {.in = "3x5 5", .s = {0.1}},
                                  {.in = "3x5 3x1", .s = {-7}},
                                  {.in = "3x5 .", .s = {3}},
                                  {.in = "2x3x4 3x1", .s = {1e-3}},
                                  {.in = "5x5 5x5", .s = {-(double)INFINITY}},
                                  {.in = "37 37", .s = {(double)NAN}},
                                  {.in = "37:x 37", .s = {1e300}},
                                  {.in = "64:x 64", .s = {1}},
                                  {.in = "3x4:r 4", .s = {2.5}},
                                  {.in = "3x0 1", .s = {2}},
                                  {.in = "3x5:i 5", .s = {-4}},
                                  {.in = "5:i 5", .s = {2.75}},
                                  {.in = ".:i .", .s = {9}},
                                  {.in = "8:b 8", .s = {1}},
                                  {.in = "8:b 8", .s = {0}},
                                  {.in = "8:b 8", .s = {0.5}},
                                  {0}};
static const op_sample errors_fill[] = {
    {.in = "3 3:o", .status = TG_EDTYPE, .message = "bool"},
    {.in = "3 3:i", .status = TG_EDTYPE, .message = "int64"},
    {.in = "3x5 4", .status = TG_ESHAPE, .message = "mask [4] does not broadcast to [3, 5]"},
    {.in = "5 3x5", .status = TG_ESHAPE, .message = "mask [3, 5] does not broadcast to [5]"},
    {.in = "1 5", .status = TG_ESHAPE, .message = "does not broadcast"},
    {.in = "3:i 3", .s = {1e300}, .status = TG_EVALUE, .message = "int64 cannot hold"},
    {.in = "3:i 3", .s = {0x1p63}, .status = TG_EVALUE, .message = "int64 cannot hold"},
    {.in = "3:i 3", .s = {(double)NAN}, .status = TG_EVALUE, .message = "int64 cannot hold"},
    {0}};

/* Both share the gradient where they are equal. */
static const op_kink kinks_maximum[] = {
    {.s = {.in = "3 3"}, .x = {{1, 2, -1}, {1, 1, 1}}, .grad = {{0.5, 1, 0}, {0.5, 0, 1}}},
    {.s = {.in = "2 ."}, .x = {{1, 1}, {1}}, .grad = {{0.5, 0.5}, {1}}},
    {.s = {0}}};
static const op_kink kinks_minimum[] = {
    {.s = {.in = "3 3"}, .x = {{1, 2, -1}, {1, 1, 1}}, .grad = {{0.5, 0, 1}, {0.5, 1, 0}}},
    {.s = {.in = "2 ."}, .x = {{1, 1}, {1}}, .grad = {{0.5, 0.5}, {1}}},
    {.s = {0}}};

#define COMPARISON(id)                                                                             \
    {                                                                                              \
        .name = #id, .binary = tg_##id, .ref = ref_##id, .is = OP_CONSTANT,                        \
        .samples = {samples_binary, samples_binary_int, samples_binary_bool}, .errors = {          \
            errors_broadcast                                                                       \
        }                                                                                          \
    }
#define WITH_NUMBER(id)                                                                            \
    {                                                                                              \
        .name = #id "_scalar", .says = #id, .build = id##_scalar, .ref = ref_##id##_scalar,        \
        .is = OP_CONSTANT, .samples = {                                                            \
            numbers                                                                                \
        }                                                                                          \
    }

const op_row ops_compare[] = {COMPARISON(eq),
                              COMPARISON(ne),
                              COMPARISON(lt),
                              COMPARISON(le),
                              COMPARISON(gt),
                              COMPARISON(ge),
                              WITH_NUMBER(eq),
                              WITH_NUMBER(lt),
                              WITH_NUMBER(gt),
                              WITH_NUMBER(ne),
                              WITH_NUMBER(le),
                              WITH_NUMBER(ge),
                              COMPARISON(logical_and),
                              COMPARISON(logical_or),
                              COMPARISON(logical_xor),
                              {.name = "logical_not",
                               .unary = tg_logical_not,
                               .ref = ref_logical_not,
                               .is = OP_CONSTANT,
                               .samples = {samples_unary, samples_unary_int, samples_unary_bool}},
                              {.name = "maximum",
                               .binary = tg_maximum,
                               .f2 = larger,
                               .samples = {samples_binary, samples_binary_int, samples_binary_bool},
                               .errors = {errors_broadcast},
                               .kinks = {kinks_maximum}},
                              {.name = "minimum",
                               .binary = tg_minimum,
                               .f2 = smaller,
                               .samples = {samples_binary, samples_binary_int, samples_binary_bool},
                               .errors = {errors_broadcast},
                               .kinks = {kinks_minimum}},
                              {.name = "where",
                               .build = where,
                               .ref = ref_where,
                               .values = {"b"},
                               .samples = {choices},
                               .errors = {errors_where}},
                              {.name = "masked_fill",
                               .build = masked_fill,
                               .ref = ref_masked_fill,
                               .values = {"", "b"},
                               .samples = {fills},
                               .errors = {errors_fill}},
                              {0}};

/* Rows of creations that are not random. See op_table.h. */
#include "op_reference.h"

#include <math.h>

/* The flags of a sample, or the run's dtype. */
static int flags_of(const op_args *a)
{
    return a->s->flags ? a->s->flags : a->dtype | TG_REQUIRES_GRAD;
}

#define CREATION(name, call)                                                                       \
    static tg_tensor *name(const op_args *a)                                                       \
    {                                                                                              \
        int64_t dims[OP_MAX_DIMS];                                                                 \
        int ndim = op_shape(a->s, dims);                                                           \
        return call;                                                                               \
    }

static const float f32s[] = {1.5f, -2, 0, 1e-40f, 3e38f, 7};
static const double f64s[] = {1.5, -2, 0, 1e-310, 3e300, 7};
static const int64_t i64s[] = {1, -2, 0, INT64_C(1) << 52, -7, 7};
static const bool bools[] = {true, false, false, true, true, false};

CREATION(zeros, tg_zeros(a->tape, ndim, dims, flags_of(a)))
CREATION(ones, tg_ones(a->tape, ndim, dims, flags_of(a)))
CREATION(full, tg_full(a->tape, ndim, dims, a->s->s[0], flags_of(a)))
CREATION(from_f32, tg_from_f32(a->tape, a->s->keepdim ? NULL : f32s, ndim, dims, a->s->flags))
CREATION(from_f64, tg_from_f64(a->tape, a->s->keepdim ? NULL : f64s, ndim, dims, a->s->flags))
CREATION(from_i64, tg_from_i64(a->tape, a->s->keepdim ? NULL : i64s, ndim, dims, a->s->flags))
CREATION(from_bool, tg_from_bool(a->tape, a->s->keepdim ? NULL : bools, ndim, dims, a->s->flags))

static tg_tensor *arange(const op_args *a)
{
    return tg_arange(a->tape, a->s->s[0], a->s->s[1], a->s->s[2], flags_of(a));
}

static tg_tensor *linspace(const op_args *a)
{
    return tg_linspace(a->tape, a->s->s[0], a->s->s[1], a->s->dim[0], flags_of(a));
}

static tg_tensor *eye(const op_args *a)
{
    return tg_eye(a->tape, a->s->dim[0], a->s->dim[1], flags_of(a));
}

/* Borrowed memory is only read here. */
static tg_tensor *from_blob(const op_args *a)
{
    int64_t dims[OP_MAX_DIMS];
    int ndim = op_shape(a->s, dims);
    const void *data = a->s->flags == TG_I64 ? (const void *)i64s : f64s;
    return tg_from_blob(a->tape, a->s->keepdim ? NULL : (void *)(uintptr_t)data, ndim, dims,
                        a->s->flags ? a->s->flags : TG_F64);
}

static const int32_t i32s[] = {1, 0, -7, 1 << 24, INT32_MIN, 7};
static const uint8_t u8s[] = {1, 0, 0, 1, 1, 0};

/* Bytes as bools, ints as all other dtypes. */
static tg_tensor *from_array(const op_args *a)
{
    int64_t dims[OP_MAX_DIMS];
    int ndim = op_shape(a->s, dims);
    bool bytes = a->s->flags == TG_BOOL && !a->s->dim[0];
    const void *data = bytes ? (const void *)u8s : i32s;
    tg_array_type type = a->s->dim[0] ? (tg_array_type)a->s->dim[0]
                         : bytes      ? TG_ARRAY_U8
                                      : TG_ARRAY_I32;
    return tg_from_array(a->tape, a->s->keepdim ? NULL : data, type, ndim, dims, a->s->flags);
}

/* `in` has the run's dtype and no shape. */
static void constant(const op_sample *s, const array *in, array *out, double value)
{
    int64_t dims[OP_MAX_DIMS];
    int ndim = op_shape(s, dims);
    ref_start(out, s->flags ? s->flags & 0xff : in->dtype, ndim, dims);
    for (int64_t k = 0; k < out->numel; k++)
        out->data[k] = value;
}

static void ref_zeros(const op_sample *s, const array *in, array *out)
{
    constant(s, in, out, 0);
}

static void ref_ones(const op_sample *s, const array *in, array *out)
{
    constant(s, in, out, 1);
}

static void ref_full(const op_sample *s, const array *in, array *out)
{
    constant(s, in, out, s->s[0]);
}

static void ref_arange(const op_sample *s, const array *in, array *out)
{
    bool whole = s->flags == TG_I64;
    double start = s->s[0], end = s->s[1], step = s->s[2];
    if (whole)
        start = trunc(start), end = trunc(end), step = trunc(step);
    int64_t size = (int64_t)ceil((end - start) / step);
    ref_start(out, s->flags ? s->flags & 0xff : in->dtype, 1, &size);
    for (int64_t k = 0; k < size; k++)
        out->data[k] = start + (double)k * step;
}

static void ref_linspace(const op_sample *s, const array *in, array *out)
{
    double step = (s->s[1] - s->s[0]) / fmax(1, s->dim[0] - 1);
    ref_start(out, s->flags ? s->flags & 0xff : in->dtype, 1, (int64_t[]){s->dim[0]});
    for (int64_t k = 0; k < out->numel; k++) {
        double x = s->s[0] + (double)k * step;
        out->data[k] = out->dtype == TG_I64 ? trunc(x) : x;
    }
}

static void ref_eye(const op_sample *s, const array *in, array *out)
{
    ref_start(out, s->flags ? s->flags & 0xff : in->dtype, 2, (int64_t[]){s->dim[0], s->dim[1]});
    for (int64_t k = 0; k < out->numel; k++)
        out->data[k] = k / s->dim[1] == k % s->dim[1];
}

#define COPY(name, array_of, type)                                                                 \
    static void ref_##name(const op_sample *s, const array *in, array *out)                        \
    {                                                                                              \
        constant(s, in, out, 0);                                                                   \
        out->dtype = type;                                                                         \
        for (int64_t k = 0; k < out->numel; k++)                                                   \
            out->data[k] = (double)(array_of)[k];                                                  \
    }

COPY(from_f32, f32s, TG_F32)
COPY(from_f64, f64s, TG_F64)
COPY(from_i64, i64s, TG_I64)
COPY(from_bool, bools, TG_BOOL)

static void ref_from_array(const op_sample *s, const array *in, array *out)
{
    constant(s, in, out, 0);
    out->dtype = s->flags;
    for (int64_t k = 0; k < out->numel; k++)
        out->data[k] = s->flags == TG_BOOL ? (double)u8s[k] : (double)i32s[k];
}

static void ref_from_blob(const op_sample *s, const array *in, array *out)
{
    if (s->flags == TG_I64)
        ref_from_i64(s, in, out);
    else
        ref_from_f64(s, in, out);
}

/* clang-format off */
static const op_sample constants[] = {
    {.in = "", .s = {2.5}}, {.in = "", .shape = "1", .s = {-1}}, {.in = "", .shape = "0"}, {.in = "", .shape = "37", .s = {1e-3}},
    {.in = "", .shape = "3x5", .s = {7}}, {.in = "", .shape = "2x0x3", .s = {1}}, {.in = "", .shape = "2x3x4", .s = {-0.0}},
    {.in = "", .shape = "5", .s = {1}, .flags = TG_I64}, {.in = "", .shape = "5", .s = {1}, .flags = TG_BOOL},
    {.in = "", .shape = "2x3", .s = {3}, .flags = TG_F64}, {.in = "", .shape = "4", .s = {(double)INFINITY}}, {0}};
static const op_sample full_errors[] = {
    {.in = "", .shape = "2", .s = {1e300}, .flags = TG_I64, .status = TG_EVALUE, .message = "cannot hold 1e+300"},
    {.in = "", .shape = "2", .s = {(double)NAN}, .flags = TG_I64, .status = TG_EVALUE, .message = "int64"}, {0}};
static const op_sample flag_errors[] = {
    {.in = "", .shape = "2", .flags = 4, .status = TG_EVALUE, .message = "unknown flags 0x4"},
    {.in = "", .shape = "2", .flags = TG_I64 | TG_REQUIRES_GRAD, .status = TG_EDTYPE, .message = "not int64"},
    {.in = "", .shape = "2", .flags = TG_BOOL | TG_REQUIRES_GRAD, .status = TG_EDTYPE, .message = "not bool"},
    {0}};
static const op_sample ranges[] = {
    {.in = "", .s = {0, 5, 1}}, {.in = "", .s = {1, 2, 0.3}}, {.in = "", .s = {3, -2, -1}}, {.in = "", .s = {0, 37, 1}},
    {.in = "", .s = {2, 2, 1}}, {.in = "", .s = {0, 1, 0.1}}, {.in = "", .s = {-4, 9, 3}, .flags = TG_I64},
    {.in = "", .s = {0.9, 5.5, 2.9}, .flags = TG_I64}, {0}};
static const op_sample range_errors[] = {
    {.in = "", .s = {0, 5, 0}, .status = TG_EVALUE, .message = "arange"},
    {.in = "", .s = {0, 5, -1}, .status = TG_EVALUE, .message = "leads away"},
    {.in = "", .s = {0, (double)INFINITY, 1}, .status = TG_EVALUE, .message = "not finite"},
    {.in = "", .s = {(double)NAN, 5, 1}, .status = TG_EVALUE, .message = "not finite"},
    {.in = "", .s = {0, 5, 0.5}, .flags = TG_I64, .status = TG_EVALUE, .message = "step is 0"},
    {.in = "", .s = {0, 1e300, 1}, .flags = TG_I64, .status = TG_EVALUE, .message = "cannot hold"},
    {.in = "", .s = {0, 1e300, 1e-300}, .status = TG_ESHAPE, .message = "elements"},
    {.in = "", .s = {0, 1, 1}, .flags = TG_BOOL, .status = TG_EDTYPE, .message = "bool"}, {0}};
static const op_sample spaces[] = {
    {.in = "", .s = {0, 1}, .dim = {7}}, {.in = "", .s = {3, -2}, .dim = {37}}, {.in = "", .s = {3, 5}, .dim = {1}},
    {.in = "", .s = {3, 5}}, {.in = "", .s = {3, -10}, .dim = {5}, .flags = TG_I64}, {0}};
static const op_sample space_errors[] = {
    {.in = "", .s = {0, 5}, .dim = {-1}, .status = TG_EVALUE, .message = "-1 steps"},
    {.in = "", .s = {0, (double)INFINITY}, .dim = {3}, .status = TG_EVALUE, .message = "from 0 to inf"},
    {.in = "", .s = {0, 1e300}, .dim = {3}, .flags = TG_I64, .status = TG_EVALUE, .message = "cannot hold"},
    {.in = "", .s = {0, 1}, .dim = {3}, .flags = TG_BOOL, .status = TG_EDTYPE, .message = "bool"}, {0}};
static const op_sample eyes[] = {
    {.in = "", .dim = {3, 3}}, {.in = "", .dim = {2, 5}}, {.in = "", .dim = {5, 2}, .flags = TG_I64}, {.in = "", .dim = {2, 2}, .flags = TG_BOOL},
    {.in = "", .dim = {3, 0}}, {0}};
static const op_sample eye_errors[] = {
    {.in = "", .dim = {3, -1}, .status = TG_ESHAPE, .message = "negative size in [3, -1]"}, {0}};
static const op_sample copies[] = {
    {.in = ""}, {.in = "", .shape = "6"}, {.in = "", .shape = "2x3"}, {.in = "", .shape = "0"}, {.in = "", .shape = "3x0", .keepdim = true}, {.in = "", .shape = "1x5x1"}, {0}};
static const op_sample copy_errors[] = {
    {.in = "", .shape = "2", .keepdim = true, .status = TG_EVALUE, .message = "data is NULL"}, {0}};
static const op_sample float_errors[] = {
    {.in = "", .shape = "2", .flags = TG_I64, .status = TG_EDTYPE, .message = "flags say int64"}, {0}};
static const op_sample bool_errors[] = {
    {.in = "", .shape = "2", .flags = TG_I64, .status = TG_EDTYPE, .message = "flags say int64"},
    {.in = "", .shape = "2", .flags = TG_REQUIRES_GRAD, .status = TG_EDTYPE, .message = "not bool"}, {0}};
static const op_sample int_errors[] = {
    {.in = "", .shape = "2", .flags = TG_F64, .status = TG_EDTYPE, .message = "flags say float64"},
    {.in = "", .shape = "2", .flags = TG_REQUIRES_GRAD, .status = TG_EDTYPE, .message = "not int64"}, {0}};
static const op_sample arrays[] = {
    {.in = ""}, {.in = "", .shape = "6", .flags = TG_F64}, {.in = "", .shape = "2x3", .flags = TG_I64},
    {.in = "", .shape = "6", .flags = TG_BOOL}, {.in = "", .shape = "0", .keepdim = true}, {0}};
static const op_sample array_errors[] = {
    {.in = "", .shape = "2", .dim = {9}, .status = TG_EVALUE, .message = "no array type 9"},
    {.in = "", .shape = "3", .dim = {TG_ARRAY_I32}, .flags = TG_BOOL, .status = TG_EVALUE, .message = "element 2 is -7, which bool"}, {0}};
static const op_sample blobs[] = {{.in = ""}, {.in = "", .shape = "6"}, {.in = "", .shape = "2x3"}, {.in = "", .shape = "0", .keepdim = true},
                                  {.in = "", .shape = "2x3", .flags = TG_I64}, {0}};

const op_row ops_create[] = {
    {.name = "zeros", .build = zeros, .ref = ref_zeros, .samples = {constants},
     .errors = {errors_shape, flag_errors}},
    {.name = "ones", .build = ones, .ref = ref_ones, .samples = {constants},
     .errors = {errors_shape, flag_errors}},
    {.name = "full", .build = full, .ref = ref_full, .samples = {constants},
     .errors = {errors_shape, flag_errors, full_errors}},
    {.name = "linspace", .build = linspace, .ref = ref_linspace, .samples = {spaces}, .errors = {space_errors}},
    {.name = "eye", .build = eye, .ref = ref_eye, .samples = {eyes}, .errors = {eye_errors}},
    {.name = "arange", .build = arange, .ref = ref_arange, .samples = {ranges},
     .errors = {range_errors}},
    {.name = "from_f32", .is = OP_UNCAPTURED, .build = from_f32, .ref = ref_from_f32, .samples = {copies},
     .errors = {errors_shape, copy_errors, float_errors}},
    {.name = "from_f64", .is = OP_UNCAPTURED, .build = from_f64, .ref = ref_from_f64, .samples = {copies},
     .errors = {errors_shape, copy_errors, float_errors}},
    {.name = "from_i64", .is = OP_UNCAPTURED, .build = from_i64, .ref = ref_from_i64, .samples = {copies},
     .errors = {errors_shape, copy_errors, int_errors}},
    {.name = "from_bool", .is = OP_UNCAPTURED, .build = from_bool, .ref = ref_from_bool, .samples = {copies},
     .errors = {errors_shape, copy_errors, bool_errors}},
    {.name = "from_array", .is = OP_UNCAPTURED, .build = from_array, .ref = ref_from_array, .samples = {arrays},
     .errors = {errors_shape, copy_errors, array_errors}},
    {.name = "from_blob", .build = from_blob, .ref = ref_from_blob, .samples = {blobs},
     .errors = {errors_shape, copy_errors, flag_errors}},
    {0}};

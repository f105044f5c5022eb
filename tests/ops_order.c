/* Rows of sorting, of what is true, of products and of samples. See op_table.h. */
#include "op_reference.h"

#include <math.h>
#include <string.h>

#define DIM(name)                                                                                  \
    static tg_tensor *name(const op_args *a)                                                       \
    {                                                                                              \
        return tg_##name(a->in[0], a->s->dim[0], a->s->keepdim);                                   \
    }

DIM(sort)
DIM(argsort)
DIM(any_dim)
DIM(all_dim)
DIM(prod_dim)

/* --- sort, topk: keepdim is the order; s[0] is k --- */

static tg_tensor *topk(const op_args *a)
{
    return tg_topk(a->in[0], (int64_t)a->s->s[0], a->s->dim[0], a->s->keepdim);
}

static tg_tensor *argtopk(const op_args *a)
{
    return tg_argtopk(a->in[0], (int64_t)a->s->s[0], a->s->dim[0], a->s->keepdim);
}

/* Whether a stands before b, which is behind it. */
static bool in_order(double a, double b, bool descending)
{
    if (isnan(a) || isnan(b))
        return descending ? isnan(a) : isnan(b);
    return descending ? a >= b : a <= b;
}

/* The k first of each row, by exchanges of neighbours. */
static void sorted(const op_sample *s, const array *in, int64_t k, bool places, array *out)
{
    int dim = ref_dim(in, s->dim[0]);
    ref_rows r = ref_rows_of(in, dim);
    int64_t dims[OP_MAX_DIMS];
    memcpy(dims, in->dims, sizeof dims);
    dims[dim] = k;
    ref_start(out, places ? TG_I64 : in->dtype, in->ndim, dims);
    for (int64_t row = 0; row < r.outer * r.inner; row++) {
        const double *x = in->data + row / r.inner * r.n * r.inner + row % r.inner;
        int64_t order[SNAPSHOT_NUMEL];
        for (int64_t i = 0; i < r.n; i++) {
            int64_t at = i;
            for (; at > 0 && !in_order(x[order[at - 1] * r.inner], x[i * r.inner], s->keepdim);
                 at--)
                order[at] = order[at - 1];
            order[at] = i;
        }
        for (int64_t i = 0; i < k; i++)
            out->data[(row / r.inner * k + i) * r.inner + row % r.inner] =
                places ? (double)order[i] : x[order[i] * r.inner];
    }
}

static int64_t size_along(const op_sample *s, const array *in)
{
    return ref_rows_of(in, ref_dim(in, s->dim[0])).n;
}

static void ref_sort(const op_sample *s, const array *in, array *out)
{
    sorted(s, in, size_along(s, in), false, out);
}

static void ref_argsort(const op_sample *s, const array *in, array *out)
{
    sorted(s, in, size_along(s, in), true, out);
}

static void ref_topk(const op_sample *s, const array *in, array *out)
{
    sorted(s, in, (int64_t)s->s[0], false, out);
}

static void ref_argtopk(const op_sample *s, const array *in, array *out)
{
    sorted(s, in, (int64_t)s->s[0], true, out);
}

static const op_sample sorts[] = {{.in = "37"},
                                  {.in = "64:x", .keepdim = true},
                                  {.in = "64:x"},
                                  {.in = "3x5", .dim = {1}},
                                  {.in = "5x3:r", .dim = {0}, .keepdim = true},
                                  {.in = "2x3x4", .dim = {1}},
                                  {.in = "."},
                                  {.in = "0x3", .dim = {1}},
                                  {.in = "60:i"},
                                  {.in = "5x4:i", .keepdim = true},
                                  {.in = "9:b", .keepdim = true},
                                  {0}};
static const op_sample topks[] = {{.in = "37", .s = {3}, .keepdim = true},
                                  {.in = "64:x", .s = {5}, .keepdim = true},
                                  {.in = "64:x", .s = {5}},
                                  {.in = "3x5", .s = {2}, .dim = {1}},
                                  {.in = "5x3:r", .s = {5}, .keepdim = true},
                                  {.in = ".", .s = {1}},
                                  {.in = "3x4", .s = {0}, .dim = {-1}},
                                  {.in = "60:i", .s = {4}, .keepdim = true},
                                  {0}};
/* Equals in their order. */
static const op_kink kinks_sort[] = {{.s = {.in = "3"}, .x = {{1, 2, 2}}, .grad = {{1, 1, 1}}},
                                     {.s = {0}}};
static const op_kink kinks_topk[] = {
    {.s = {.in = "3", .s = {1}, .keepdim = true}, .x = {{1, 2, 2}}, .grad = {{0, 1, 0}}},
    {.s = {0}}};
static const op_sample topk_errors[] = {
    {.in = "3x5", .s = {6}, .dim = {1}, .status = TG_EVALUE, .message = "6 of 5 in dim 1"},
    {.in = "3x5", .s = {-1}, .status = TG_EVALUE, .message = "-1 of 3"},
    {.in = "3x5", .s = {1}, .dim = {2}, .status = TG_EVALUE, .message = "no dim 2"},
    {0}};

/* --- what is true --- */

static tg_tensor *nonzero(const op_args *a)
{
    return tg_nonzero(a->in[0]);
}

/* By a triangle of that shape, whatever the values are, so that a replay has as many. */
static tg_tensor *masked_select(const op_args *a)
{
    int64_t dims[OP_MAX_DIMS];
    int n = op_shape(a->s, dims);
    if (!a->in[0])
        return NULL;
    tg_mark before = tg_tape_mark(a->tape);
    tg_tensor *mask = tg_tril(tg_ones(a->tape, n, dims, TG_BOOL), 0);
    tg_tensor *y = tg_masked_select(a->in[0], mask);
    if (!y && tg_error(a->tape))
        tg_tape_rewind(a->tape, before);
    return y;
}

/* No element is 0. */
static void ref_nonzero(const op_sample *s, const array *in, array *out)
{
    (void)s;
    ref_start(out, TG_I64, 2, (int64_t[]){in->numel, in->ndim});
    for (int64_t k = 0; k < in->numel; k++) {
        int64_t rest = k;
        for (int i = in->ndim - 1; i >= 0; rest /= in->dims[i--])
            out->data[k * in->ndim + i] = (double)(rest % in->dims[i]);
    }
}

static void ref_masked_select(const op_sample *s, const array *in, array *out)
{
    int64_t n = 0;
    array mask;
    mask.ndim = op_shape(s, mask.dims);
    ref_start(out, in->dtype, 1, &n);
    array all = mask.ndim > in->ndim ? mask : *in;
    ref_start(&mask, TG_BOOL, all.ndim, (int64_t[]){all.dims[0], all.dims[1], all.dims[2]});
    for (int64_t k = 0; k < mask.numel; k++) {
        int64_t columns = mask.dims[mask.ndim - 1], rows = mask.dims[mask.ndim - 2];
        if (k % columns <= k / columns % rows)
            out->data[n++] = in->data[ref_place(in, &mask, k)];
    }
    out->dims[0] = out->numel = n;
}

static const op_sample nonzeros[] = {
    {.in = "37"}, {.in = "2x3x3:r"}, {.in = "2x0"}, {.in = "."}, {0}};
static const op_sample masked_selects[] = {
    {.in = "4x5", .shape = "4x5"}, {.in = "2x3x3:r", .shape = "3x3"}, {.in = "3", .shape = "2x3"},
    {.in = "2x0", .shape = "2x0"}, {.in = "3x3:i", .shape = "3x3"},   {0}};
static const op_sample mask_errors[] = {
    {.in = "3 3", .status = TG_EDTYPE, .message = "the mask is float"},
    {.in = "3 2:b", .status = TG_ESHAPE, .message = "mask [2] and [3] do not broadcast"},
    {0}};

static void truth(const op_sample *s, const array *in, bool wanted, bool whole, array *out)
{
    array x = *in;
    int dim = whole ? 0 : ref_dim(in, s->dim[0]);
    if (whole) {
        x.ndim = 1;
        x.dims[0] = x.numel;
    }
    ref_rows r = ref_rows_of(&x, dim);
    ref_start(out, TG_BOOL, x.ndim, x.dims);
    out->numel = r.outer * r.inner;
    if (x.ndim)
        out->dims[dim] = 1;
    for (int64_t k = 0; k < out->numel; k++) {
        bool found = false;
        for (int64_t j = 0; j < r.n; j++)
            found |= (x.data[(k / r.inner * r.n + j) * r.inner + k % r.inner] != 0) == wanted;
        out->data[k] = found == wanted;
    }
    for (int i = dim; i < out->ndim - 1 && !s->keepdim; i++)
        out->dims[i] = out->dims[i + 1];
    out->ndim -= out->ndim && !s->keepdim;
}

static void ref_any(const op_sample *s, const array *in, array *out)
{
    truth(s, in, true, true, out);
}

static void ref_all(const op_sample *s, const array *in, array *out)
{
    truth(s, in, false, true, out);
}

static void ref_any_dim(const op_sample *s, const array *in, array *out)
{
    truth(s, in, true, false, out);
}

static void ref_all_dim(const op_sample *s, const array *in, array *out)
{
    truth(s, in, false, false, out);
}

static const op_sample wholes[] = {{.in = "37"},  {.in = "3x4:b"}, {.in = "5:i"}, {.in = "."},
                                   {.in = "2x0"}, {.in = "64:x"},  {.in = "1:b"}, {0}};
static const op_sample rows_of_truth[] = {{.in = "3x4:b", .dim = {1}},
                                          {.in = "3x4:b", .dim = {0}, .keepdim = true},
                                          {.in = "2x3x4:b", .dim = {-2}},
                                          {.in = "3x5:i", .dim = {1}},
                                          {.in = "3x4", .dim = {1}},
                                          {.in = "."},
                                          {.in = "2x0", .dim = {1}},
                                          {.in = "0x2", .dim = {1}},
                                          {0}};

static double is_nan(double x)
{
    return isnan(x);
}

static double is_inf(double x)
{
    return isinf(x);
}

static double is_finite(double x)
{
    return isfinite(x);
}

#define KIND(name)                                                                                 \
    static void ref_##name(const op_sample *s, const array *in, array *out)                        \
    {                                                                                              \
        (void)s;                                                                                   \
        *out = *in;                                                                                \
        out->dtype = TG_BOOL;                                                                      \
        for (int64_t k = 0; k < out->numel; k++)                                                   \
            out->data[k] = is_##name(in->data[k]);                                                 \
    }

KIND(nan)
KIND(inf)
KIND(finite)

static const op_sample kinds[] = {
    {.in = "64:x"}, {.in = "3x4"}, {.in = "5:i"}, {.in = "5:b"}, {.in = "."}, {.in = "2x0"}, {0}};

/* --- products --- */

static tg_tensor *cumprod(const op_args *a)
{
    return tg_cumprod(a->in[0], a->s->dim[0]);
}

static void products(const array *in, int dim, bool running, array *out)
{
    ref_rows r = ref_rows_of(in, dim);
    ref_start(out, in->dtype == TG_BOOL ? TG_I64 : in->dtype, in->ndim, in->dims);
    for (int64_t row = 0; row < r.outer * r.inner; row++) {
        int64_t at = row / r.inner * r.n * r.inner + row % r.inner;
        double product = 1;
        for (int64_t k = 0; k < r.n; k++) {
            product *= in->data[at + k * r.inner];
            if (running)
                out->data[at + k * r.inner] = product;
        }
        if (!running)
            out->data[row] = product;
    }
}

static void ref_prod_dim(const op_sample *s, const array *in, array *out)
{
    int dim = ref_dim(in, s->dim[0]);
    products(in, dim, false, out);
    if (!out->ndim)
        return;
    out->dims[dim] = 1;
    out->numel = 1;
    for (int i = 0; i < out->ndim; i++)
        out->numel *= out->dims[i];
    for (int i = dim; i < out->ndim - 1 && !s->keepdim; i++)
        out->dims[i] = out->dims[i + 1];
    out->ndim -= !s->keepdim;
}

static void ref_prod(const op_sample *s, const array *in, array *out)
{
    array flat = *in;
    op_sample all = *s;
    flat.ndim = 1;
    flat.dims[0] = in->numel;
    all.dim[0] = 0;
    ref_prod_dim(&all, &flat, out);
}

static void ref_cumprod(const op_sample *s, const array *in, array *out)
{
    products(in, ref_dim(in, s->dim[0]), true, out);
}

static const op_sample prods[] = {{.in = "5:n"}, {.in = "3x4:n"}, {.in = "."},
                                  {.in = "2x0"}, {.in = "19:n"},  {.in = "3:r"},
                                  {.in = "4:i"}, {.in = "4:b"},   {0}};
static const op_sample prod_dims[] = {{.in = "3x4", .dim = {1}},
                                      {.in = "3x4:r", .dim = {0}, .keepdim = true},
                                      {.in = "2x3x2", .dim = {-2}},
                                      {.in = "."},
                                      {.in = "2x0", .dim = {1}},
                                      {.in = "3x2:i", .dim = {1}},
                                      {0}};
/* Where there are zeros no gradient jumps, but that is where divisions fail. */
static const op_kink kinks_prod[] = {
    {.s = {.in = "4"}, .x = {{0, 2, 3, 4}}, .grad = {{24, 0, 0, 0}}, .second = {{26, 12, 8, 6}}},
    {.s = {.in = "3"}, .x = {{0, 2, 0}}, .grad = {{0}}, .second = {{2, 0, 2}}},
    {.s = {.in = "2"}, .x = {{0, 0}}, .grad = {{0}}, .second = {{1, 1}}},
    {.s = {0}}};
static const op_kink kinks_cumprod[] = {
    {.s = {.in = "4"}, .x = {{2, 0, 3, 4}}, .grad = {{1, 32, 0, 0}}, .second = {{16, 32, 10, 6}}},
    {.s = {.in = "3"}, .x = {{0, 0, 3}}, .grad = {{1, 0, 0}}, .second = {{4, 4, 0}}},
    {.s = {0}}};

/* --- samples --- */

static tg_tensor *multinomial(const op_args *a)
{
    return tg_multinomial(a->in[0], (int64_t)a->s->s[0], a->s->keepdim);
}

static bool check_bernoulli(const op_args *a, const snapshot *out)
{
    bool good = out->dtype == a->dtype && out->ndim == tg_ndim(a->in[0]);
    for (int64_t i = 0; i < out->numel; i++)
        good &= snapshot_at(out, i) == 0 || snapshot_at(out, i) == 1;
    return good;
}

static bool check_multinomial(const op_args *a, const snapshot *out)
{
    int64_t count = (int64_t)a->s->s[0], n = tg_size(a->in[0], -1);
    bool good = out->dtype == TG_I64 && out->dims[out->ndim - 1] == count;
    for (int64_t i = 0; i < out->numel; i++) {
        good &= snapshot_at(out, i) >= 0 && snapshot_at(out, i) < (double)n;
        for (int64_t k = i / count * count; k < i && !a->s->keepdim; k++)
            good &= snapshot_at(out, i) != snapshot_at(out, k);
    }
    return good;
}

static const op_sample bernoullis[] = {{.in = "37:u"}, {.in = "3x5:u"}, {.in = ".:u"},
                                       {.in = "0x2"},  {.in = "4:ru"},  {0}};
static const op_sample bernoulli_errors[] = {
    {.in = "30:h", .status = TG_EVALUE, .message = "is outside [0, 1]"},
    {.in = "3:i", .status = TG_EDTYPE, .message = "int64"},
    {0}};
static const op_sample multinomials[] = {
    {.in = "7:u", .s = {1}},    {.in = "7:u", .s = {7}},
    {.in = "3x20:u", .s = {2}}, {.in = "3x5:u", .s = {9}, .keepdim = true},
    {.in = "0x5:u", .s = {2}},  {0}};
static const op_sample multinomial_errors[] = {
    {.in = "2x3x4:u", .s = {1}, .status = TG_ESHAPE, .message = "1 or 2 dims"},
    {.in = "3x0", .s = {1}, .status = TG_ESHAPE, .message = "0 numbers"},
    {.in = "3:u", .s = {4}, .status = TG_EVALUE, .message = "4 samples of 3 numbers without"},
    {.in = "3:u", .s = {0}, .keepdim = true, .status = TG_EVALUE, .message = "0 samples"},
    {.in = "40:h", .s = {2}, .status = TG_EVALUE, .message = "in row 0 is negative"},
    {.in = "3:i", .s = {1}, .status = TG_EDTYPE, .message = "int64"},
    {0}};

/* clang-format off */
const op_row ops_order[] = {
    {.name = "sort", .build = sort, .ref = ref_sort, .samples = {sorts}, .errors = {errors_dim},
     .kinks = {kinks_sort}},
    {.name = "argsort", .is = OP_CONSTANT, .build = argsort, .ref = ref_argsort,
     .samples = {sorts}, .errors = {errors_dim}},
    {.name = "topk", .build = topk, .ref = ref_topk, .samples = {topks}, .errors = {topk_errors},
     .kinks = {kinks_topk}},
    {.name = "argtopk", .is = OP_CONSTANT, .build = argtopk, .ref = ref_argtopk,
     .samples = {topks}, .errors = {topk_errors}},
    {.name = "nonzero", .is = OP_CONSTANT, .build = nonzero, .ref = ref_nonzero,
     .samples = {nonzeros}},
    {.name = "masked_select", .is = OP_COMPOSED, .build = masked_select,
     .ref = ref_masked_select, .samples = {masked_selects}},
    {.name = "masked_select_errors", .says = "masked_select", .binary = tg_masked_select,
     .errors = {mask_errors}},
    {.name = "any", .is = OP_CONSTANT, .unary = tg_any, .ref = ref_any, .samples = {wholes}},
    {.name = "all", .is = OP_CONSTANT, .unary = tg_all, .ref = ref_all, .samples = {wholes}},
    {.name = "any_dim", .says = "any", .is = OP_CONSTANT, .build = any_dim, .ref = ref_any_dim,
     .samples = {rows_of_truth}, .errors = {errors_dim}},
    {.name = "all_dim", .says = "all", .is = OP_CONSTANT, .build = all_dim, .ref = ref_all_dim,
     .samples = {rows_of_truth}, .errors = {errors_dim}},
    {.name = "isnan", .is = OP_CONSTANT, .unary = tg_isnan, .ref = ref_nan, .samples = {kinds}},
    {.name = "isinf", .is = OP_CONSTANT, .unary = tg_isinf, .ref = ref_inf, .samples = {kinds}},
    {.name = "isfinite", .is = OP_CONSTANT, .unary = tg_isfinite, .ref = ref_finite,
     .samples = {kinds}},
    {.name = "prod", .unary = tg_prod, .ref = ref_prod, .samples = {prods},
     .kinks = {kinks_prod}},
    {.name = "prod_dim", .says = "prod", .build = prod_dim, .ref = ref_prod_dim,
     .samples = {prod_dims}, .errors = {errors_dim}, .kinks = {kinks_prod}},
    {.name = "cumprod", .build = cumprod, .ref = ref_cumprod, .samples = {prod_dims},
     .errors = {errors_dim}, .kinks = {kinks_cumprod}},
    {.name = "bernoulli", .is = OP_RANDOM | OP_CONSTANT, .unary = tg_bernoulli, .check = check_bernoulli,
     .samples = {bernoullis}, .errors = {bernoulli_errors}},
    {.name = "multinomial", .is = OP_RANDOM | OP_CONSTANT, .build = multinomial,
     .check = check_multinomial, .samples = {multinomials}, .errors = {multinomial_errors}},
    {0}};

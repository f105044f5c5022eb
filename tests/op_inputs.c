/* From a sample's words to tensors and their values. See op_table.h. */
#include "op_table.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

/* One word of a sample, read. */
typedef struct spec {
    int dtype, ndim;
    int64_t dims[OP_MAX_DIMS], numel;
    char values; /* its letter, or 0 */
    bool none, same, constant, result;
} spec;

/* Sizes with x between them, up to a character that belongs to none. */
static const char *read_sizes(const char *p, int *ndim, int64_t *dims)
{
    *ndim = 0;
    while (*p == '-' || (*p >= '0' && *p <= '9')) {
        char *end;
        dims[(*ndim)++] = strtoll(p, &end, 10);
        p = *end == 'x' ? end + 1 : end;
    }
    return p;
}

int op_shape(const op_sample *s, int64_t *dims)
{
    int ndim = 0;
    if (s->shape)
        read_sizes(s->shape, &ndim, dims);
    return ndim;
}

static void read_letter(const op_case *c, spec *t, char letter)
{
    switch (letter) {
    case 'i':
        t->dtype = TG_I64;
        break;
    case 'b':
        t->dtype = TG_BOOL;
        break;
    case 'o':
        t->dtype = c->dtype == TG_F32 ? TG_F64 : TG_F32;
        break;
    case 'c':
        t->constant = true;
        break;
    case 'r':
        t->result = true;
        break;
    default:
        t->values = letter;
    }
}

static const char *read_spec(const op_case *c, const char *p, int i, spec *t)
{
    *t = (spec){.dtype = c->dtype, .none = *p == '~', .same = *p == '=', .numel = 1};
    p = read_sizes(p, &t->ndim, t->dims);
    p += *p == '~' || *p == '=' || *p == '.';
    for (int d = 0; d < t->ndim; d++)
        t->numel *= t->dims[d];
    for (const char *row = c->row->values[i]; row && *row; row++)
        read_letter(c, t, *row);
    for (p += *p == ':'; *p && *p != ' '; p++)
        read_letter(c, t, *p);
    if (t->values && strchr("kKgG", t->values))
        t->dtype = TG_I64;
    else if (t->dtype == TG_I64 || t->dtype == TG_BOOL)
        t->values = 0;
    return p + (*p == ' ');
}

static int read_specs(const op_case *c, spec *t)
{
    int n = 0;
    for (const char *p = c->s->in; *p && n < OP_MAX_IN; n++)
        p = read_spec(c, p, n, &t[n]);
    return n;
}

/* Everything where floats go wrong, and their limits in both dtypes. */
static double extreme(uint64_t *state)
{
    const double inf = (double)INFINITY;
    const double list[] = {0,     -0.0,    inf,   -inf,     (double)NAN, 1e-40, -1e-40, 3e38,
                           -3e38, 88.5,    -88.5, -104,     1e-20,       0.5,   709,    -745.5,
                           1e300, -1e-310, 1,     16777217, -1,          89,    -2e-45, 1e19};
    return list[(size_t)random_between(state, 0, sizeof list / sizeof list[0])];
}

static double class_value(const op_case *c, const spec *first, char letter, bool last, double u)
{
    int64_t classes = first->ndim ? first->dims[first->ndim == 1 ? 0 : 1] : 1;
    int64_t ignored = c->s->has_ignore ? c->s->ignore : -100;
    if (letter == 'K' && last)
        return (double)classes;
    if (letter == 'G' || (letter == 'g' && (last || u < 0.3)))
        return (double)ignored;
    int64_t value = (int64_t)(u * 1e6) % (classes ? classes : 1);
    return (double)value;
}

static double value_of(const op_case *c, const spec *first, const spec *t, bool last,
                       uint64_t *state)
{
    double u = random_between(state, 0, 1);
    switch (t->values) {
    case 'n':
        return u < 0.5 ? -0.5 - 4 * u : 4 * u - 1.5;
    case 'p':
        return 0.3 + 2.7 * u;
    case 'u':
        return 0.05 + 0.9 * u;
    case 'h':
        return 2e4 * u - 1e4;
    case 'x':
        return extreme(state);
    case 0:
        return t->dtype == TG_BOOL ? u < 0.5 : t->dtype == TG_I64 ? floor(10 * u) - 4 : 6 * u - 3;
    default:
        return class_value(c, first, t->values, last, u);
    }
}

/* The first `count` values of input i. */
static void fill(const op_case *c, const spec *all, int i, int64_t count, double *values)
{
    uint64_t state = (c->seed * 16 + (uint64_t)i) * 2 + (uint64_t)(c->round & 1);
    for (int64_t k = 0; k < count; k++) {
        double value = c->kink && i < OP_KINK_IN && k < OP_KINK_VALUES
                           ? c->kink->x[i][k]
                           : value_of(c, all, &all[i], k == count - 1, &state);
        bool narrow = c->round == 2 && (all[i].dtype == TG_F64);
        values[k] = rounded_to(narrow ? TG_F32 : all[i].dtype, value);
    }
}

void op_values(const op_case *c, array *in)
{
    spec t[OP_MAX_IN];
    int n = read_specs(c, t);
    for (int i = 0; i < OP_MAX_IN; i++) {
        if (i >= n || t[i].none) {
            in[i].dtype = -1;
        } else if (t[i].same) {
            in[i] = in[0];
        } else {
            in[i].dtype = t[i].dtype;
            in[i].ndim = t[i].ndim;
            in[i].numel = t[i].numel;
            memcpy(in[i].dims, t[i].dims, sizeof t[i].dims);
            fill(c, t, i, t[i].numel, in[i].data);
        }
    }
}

/* The leaf under a view. */
typedef struct base {
    int64_t dims[OP_MAX_DIMS];
    int64_t numel;
    int a, b; /* dims that the view exchanges */
    bool expanded;
    double values[SNAPSHOT_NUMEL];
} base;

/* Values in row-major order of the view, put in that of the base. */
static void permute(const spec *t, base *out, const double *values)
{
    for (int64_t k = 0; k < t->numel; k++) {
        int64_t index[OP_MAX_DIMS], rest = k, place = 0;
        for (int d = t->ndim - 1; d >= 0; rest /= t->dims[d--])
            index[d] = rest % t->dims[d];
        int64_t at = out->a >= 0 ? index[out->a] : 0;
        if (out->a >= 0) {
            index[out->a] = index[out->b];
            index[out->b] = at;
        }
        for (int d = 0; d < t->ndim; d++)
            place = place * out->dims[d] + index[d];
        out->values[place] = values[k];
    }
}

static void make_base(const op_case *c, const spec *all, int i, op_layout layout, base *out)
{
    const spec *t = &all[i];
    double values[SNAPSHOT_NUMEL];
    *out = (base){.numel = t->numel, .a = -1, .b = -1};
    memcpy(out->dims, t->dims, sizeof t->dims);
    if (layout == EXPANDED && t->ndim) {
        out->expanded = true;
        out->dims[0] = 1;
        out->numel = 1;
        for (int d = 0; d < t->ndim; d++)
            out->numel *= out->dims[d];
        fill(c, all, i, out->numel, out->values);
        return;
    }
    fill(c, all, i, t->numel, values);
    if ((layout == SWAP_LAST || layout == SWAP_ENDS) && t->ndim > 1) {
        out->a = layout == SWAP_LAST ? t->ndim - 2 : 0;
        out->b = t->ndim - 1;
        out->dims[out->a] = t->dims[out->b];
        out->dims[out->b] = t->dims[out->a];
    }
    permute(t, out, values);
}

static tg_tensor *view_of(const spec *t, const base *b, tg_tensor *leaf)
{
    if (b->expanded)
        return tg_expand(leaf, t->ndim, t->dims);
    return b->a >= 0 ? tg_transpose(leaf, b->a, b->b) : leaf;
}

static bool make_input(const op_case *c, const spec *all, int i, op_layout layout, op_args *args)
{
    const spec *t = &all[i];
    args->in[i] = t->same ? args->in[0] : NULL;
    args->leaf[i] = NULL;
    if (t->none || t->same)
        return true;
    base b;
    make_base(c, all, i, layout, &b);
    bool wants_grad = t->dtype == c->dtype && !t->constant;
    args->leaf[i] = tensor_from(args->tape, b.values, t->ndim, b.dims,
                                t->dtype | (wants_grad ? TG_REQUIRES_GRAD : 0));
    tg_tensor *view = view_of(t, &b, args->leaf[i]);
    args->in[i] = t->result ? tg_mul_scalar(view, 1) : view;
    return args->in[i];
}

bool op_inputs(const op_case *c, tg_tape *tape, op_layout layout, op_args *args)
{
    spec t[OP_MAX_IN];
    *args = (op_args){.tape = tape, .s = c->s, .dtype = c->dtype, .n = read_specs(c, t)};
    for (int i = 0; i < args->n; i++) {
        if (!make_input(c, t, i, layout, args))
            return false;
    }
    return true;
}

bool op_overwrite(const op_case *c, const op_args *args, op_layout layout)
{
    spec t[OP_MAX_IN];
    int n = read_specs(c, t);
    for (int i = 0; i < n; i++) {
        if (!args->leaf[i])
            continue;
        base b;
        make_base(c, t, i, layout, &b);
        void *data = tg_data_mut(args->leaf[i]);
        if (!data)
            return false;
        for (int64_t k = 0; k < b.numel; k++) {
            if (t[i].dtype == TG_F32)
                ((float *)data)[k] = (float)b.values[k];
            else if (t[i].dtype == TG_F64)
                ((double *)data)[k] = b.values[k];
            else if (t[i].dtype == TG_I64)
                ((int64_t *)data)[k] = (int64_t)b.values[k];
            else
                ((bool *)data)[k] = b.values[k] != 0;
        }
    }
    return true;
}

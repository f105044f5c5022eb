/* Rows of random operations. Their draws are held against PyTorch's in test_random.c; here are
 * ranges and shapes, and what the generic tests ask of every operation. See op_table.h. */
#include "op_table.h"

#include <math.h>

static int flags_of(const op_args *a)
{
    return a->s->flags ? a->s->flags : a->dtype | TG_REQUIRES_GRAD;
}

/* The result of a fill, which itself gives none. */
static tg_tensor *unless_failed(const op_args *a, tg_tensor *t)
{
    for (int i = 0; i < a->n; i++) {
        if (a->in[i] && tg_error(tg_tape_of(a->in[i])))
            return NULL;
    }
    return t;
}

static tg_tensor *rand_(const op_args *a)
{
    int64_t dims[OP_MAX_DIMS];
    int ndim = op_shape(a->s, dims);
    return tg_rand(a->tape, ndim, dims, flags_of(a));
}

static tg_tensor *randn(const op_args *a)
{
    int64_t dims[OP_MAX_DIMS];
    int ndim = op_shape(a->s, dims);
    return tg_randn(a->tape, ndim, dims, flags_of(a));
}

static tg_tensor *randint(const op_args *a)
{
    int64_t dims[OP_MAX_DIMS];
    int ndim = op_shape(a->s, dims);
    return tg_randint(a->tape, (int64_t)a->s->s[0], (int64_t)a->s->s[1], ndim, dims, flags_of(a));
}

static tg_tensor *randperm(const op_args *a)
{
    return tg_randperm(a->tape, (int64_t)a->s->s[0], flags_of(a));
}

static tg_tensor *uniform(const op_args *a)
{
    tg_uniform_(a->in[0], a->s->s[0], a->s->s[1]);
    return unless_failed(a, a->in[0]);
}

static tg_tensor *normal(const op_args *a)
{
    tg_normal_(a->in[0], a->s->s[0], a->s->s[1]);
    return unless_failed(a, a->in[0]);
}

static tg_tensor *linear_init(const op_args *a)
{
    tg_linear_init(a->in[0], a->n > 1 ? a->in[1] : NULL);
    return unless_failed(a, a->in[0]);
}

static bool within(const snapshot *t, double low, double high)
{
    for (int64_t i = 0; i < t->numel; i++) {
        if (!(snapshot_at(t, i) >= low && snapshot_at(t, i) <= high))
            return false;
    }
    return true;
}

static bool has_shape(const op_args *a, const snapshot *out)
{
    int64_t dims[OP_MAX_DIMS];
    int ndim = op_shape(a->s, dims);
    bool same = ndim == out->ndim && out->dtype == (flags_of(a) & 0xff);
    for (int i = 0; i < ndim && same; i++)
        same = dims[i] == out->dims[i];
    return same;
}

static bool check_rand(const op_args *a, const snapshot *out)
{
    return has_shape(a, out) && within(out, 0, 1 - 0x1p-53);
}

/* No two draws alike, all around the mean: 8 standard deviations never happen. */
static bool spread(const snapshot *out, double mean, double std)
{
    for (int64_t i = 1; i < out->numel && std > 0; i++) {
        if (snapshot_at(out, i) == snapshot_at(out, i - 1))
            return false;
    }
    return within(out, mean - 8 * std, mean + 8 * std);
}

static bool check_randn(const op_args *a, const snapshot *out)
{
    return has_shape(a, out) && spread(out, 0, 1);
}

static bool check_randint(const op_args *a, const snapshot *out)
{
    for (int64_t i = 0; i < out->numel; i++) {
        if (snapshot_at(out, i) != floor(snapshot_at(out, i)))
            return false;
    }
    return has_shape(a, out) && within(out, a->s->s[0], a->s->s[1] - 1);
}

static bool check_randperm(const op_args *a, const snapshot *out)
{
    bool seen[SNAPSHOT_NUMEL] = {false};
    for (int64_t i = 0; i < out->numel; i++) {
        double x = snapshot_at(out, i);
        if (!(x >= 0 && x < (double)out->numel) || x != floor(x) || seen[(int64_t)x])
            return false;
        seen[(int64_t)x] = true;
    }
    return out->ndim == 1 && out->numel == (int64_t)a->s->s[0];
}

static bool check_uniform(const op_args *a, const snapshot *out)
{
    return within(out, a->s->s[0], a->s->s[1]);
}

static bool check_normal(const op_args *a, const snapshot *out)
{
    return spread(out, a->s->s[0], a->s->s[1]);
}

static bool check_linear_init(const op_args *a, const snapshot *out)
{
    double bound = 1 / sqrt((double)out->dims[1]) * (1 + 1e-6);
    snapshot bias = snapshot_of(a->n > 1 ? a->in[1] : NULL);
    return within(out, -bound, bound) && (bias.dtype < 0 || within(&bias, -bound, bound)) &&
           (out->numel < 2 || snapshot_at(out, 0) != snapshot_at(out, 1));
}

/* clang-format off */
static const op_sample shapes[] = {
    {.in = ""}, {.in = "", .shape = "0"}, {.in = "", .shape = "1"}, {.in = "", .shape = "15"}, {.in = "", .shape = "16"}, {.in = "", .shape = "37"}, {.in = "", .shape = "3x5"},
    {.in = "", .shape = "2x0x3"}, {.in = "", .shape = "2x3x4"}, {.in = "", .shape = "7", .flags = TG_F64}, {0}};
static const op_sample float_errors[] = {
    {.in = "", .shape = "2", .flags = TG_I64, .status = TG_EDTYPE, .message = "float dtype"},
    {.in = "", .shape = "2", .flags = TG_BOOL, .status = TG_EDTYPE, .message = "float dtype"},
    {.in = "", .shape = "3x-1", .status = TG_ESHAPE, .message = "negative size"},
    {.in = "", .shape = "4294967296x4294967296", .status = TG_ESHAPE, .message = "overflows"},
    {.in = "", .shape = "2", .flags = 0x4000, .status = TG_EVALUE, .message = "unknown flags"}, {0}};
static const op_sample integers[] = {
    {.in = "", .shape = "37", .s = {0, 10}, .flags = TG_I64}, {.in = "", .shape = "3x5", .s = {-5, 5}}, {.in = "", .s = {3, 4}},
    {.in = "", .shape = "0", .s = {0, 2}}, {.in = "", .shape = "40", .s = {0, 2}, .flags = TG_BOOL},
    {.in = "", .shape = "9", .s = {-1e15, 1e15}, .flags = TG_I64}, {0}};
static const op_sample integer_errors[] = {
    {.in = "", .shape = "2", .s = {3, 3}, .status = TG_EVALUE, .message = "low 3 is not below high 3"},
    {.in = "", .shape = "2", .s = {0, 3}, .flags = TG_BOOL, .status = TG_EVALUE, .message = "bool cannot hold"},
    {.in = "", .shape = "2", .s = {0, 1e17}, .status = TG_EVALUE, .message = "cannot hold every integer"},
    {.in = "", .shape = "-1", .s = {0, 3}, .status = TG_ESHAPE, .message = "negative size"}, {0}};
static const op_sample permutations[] = {
    {.in = "", .s = {0}}, {.in = "", .s = {1}}, {.in = "", .s = {37}, .flags = TG_I64}, {.in = "", .s = {16}},
    {.in = "", .s = {100}, .flags = TG_F64}, {0}};
static const op_sample permutation_errors[] = {
    {.in = "", .s = {-1}, .status = TG_EVALUE, .message = "-1 elements"},
    {.in = "", .s = {3}, .flags = TG_BOOL, .status = TG_EDTYPE, .message = "bool"},
    {.in = "", .s = {3}, .flags = TG_I64 | TG_REQUIRES_GRAD, .status = TG_EDTYPE, .message = "not int64"},
    {0}};
static const op_sample fills[] = {
    {.in = ".", .s = {0, 1}}, {.in = "0", .s = {0, 1}}, {.in = "1", .s = {-1, 1}}, {.in = "15", .s = {-2, 3}},
    {.in = "37", .s = {1, 1}}, {.in = "3x5", .s = {0, 0.5}}, {.in = "4x8:c", .s = {-7, 7}}, {0}};
static const op_sample uniform_errors[] = {
    {.in = "3", .s = {2, 1}, .status = TG_EVALUE, .message = "no range from 2 to 1"},
    {.in = "3", .s = {(double)NAN, 1}, .status = TG_EVALUE, .message = "no range"},
    {.in = "3", .s = {0, (double)INFINITY}, .status = TG_EVALUE, .message = "no range"},
    {.in = "3:i", .s = {0, 1}, .status = TG_EDTYPE, .message = "float tensor, not int64"},
    {.in = "3:r", .s = {0, 1}, .status = TG_ESTATE, .message = "result of a differentiable"}, {0}};
static const op_sample normal_errors[] = {
    {.in = "3", .s = {0, -1}, .status = TG_EVALUE, .message = "std -1"},
    {.in = "3", .s = {0, (double)NAN}, .status = TG_EVALUE, .message = "std"},
    {.in = "3:b", .s = {0, 1}, .status = TG_EDTYPE, .message = "not bool"},
    {.in = "3:r", .s = {0, 1}, .status = TG_ESTATE, .message = "result of a differentiable"}, {0}};
static const op_sample layers[] = {{.in = "4x3 4"}, {.in = "3x37"}, {.in = "5x0 5"}, {.in = "0x4 0"}, {.in = "2x8 ~"}, {0}};
static const op_sample layer_errors[] = {
    {.in = "4 4", .status = TG_ESHAPE, .message = "weight [4], wanted [out, in]"},
    {.in = "4x3 3", .status = TG_ESHAPE, .message = "bias [3] for a weight [4, 3]"},
    {.in = "4x3:i 4", .status = TG_EDTYPE, .message = "int64"},
    {.in = "4x3:r 4", .status = TG_ESTATE, .message = "result of a differentiable"},
    {.in = "4x3 4:r", .status = TG_ESTATE, .message = "result of a differentiable"}, {0}};

const op_row ops_random[] = {
    {.name = "rand", .build = rand_, .check = check_rand, .is = OP_RANDOM, .samples = {shapes},
     .errors = {float_errors}},
    {.name = "randn", .build = randn, .check = check_randn, .is = OP_RANDOM, .samples = {shapes},
     .errors = {float_errors}},
    {.name = "randint", .build = randint, .check = check_randint, .is = OP_RANDOM,
     .samples = {integers}, .errors = {integer_errors}},
    {.name = "randperm", .build = randperm, .check = check_randperm, .is = OP_RANDOM,
     .samples = {permutations}, .errors = {permutation_errors}},
    {.name = "uniform_", .build = uniform, .check = check_uniform, .is = OP_RANDOM | OP_IN_PLACE,
     .samples = {fills}, .errors = {uniform_errors}},
    {.name = "normal_", .build = normal, .check = check_normal, .is = OP_RANDOM | OP_IN_PLACE,
     .samples = {fills}, .errors = {normal_errors}},
    {.name = "linear_init", .build = linear_init, .check = check_linear_init,
     .is = OP_RANDOM | OP_IN_PLACE | OP_OPTIONAL_IN, .samples = {layers},
     .errors = {layer_errors}},
    {0}};

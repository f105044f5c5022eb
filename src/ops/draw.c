/* Random tensors and fills. All are recorded as in-place operations without inputs, so that a
 * replay draws again. Relies on generator.h for the draws. */
#include "ops/check.h"
#include "record/grad.h"

#include <float.h>

typedef struct range {
    double low, high; /* or mean, std */
} range;

/* The elements of a strided tensor in the order of memory, as torch fills it. */
typedef struct elements {
    const tg_tensor *t;
    int order[TG_MAX_NDIM]; /* dims by falling stride */
    int64_t index[TG_MAX_NDIM];
} elements;

static elements elements_of(const tg_tensor *t)
{
    elements w = {.t = t};
    for (int i = 0; i < tg_at(t)->ndim; i++) {
        int k = i;
        for (; k > 0 && tg_strides(t)[w.order[k - 1]] < tg_strides(t)[i]; k--)
            w.order[k] = w.order[k - 1];
        w.order[k] = i;
    }
    return w;
}

/* The next one's offset from the first. */
static int64_t next_element(elements *w)
{
    const tg_tensor *t = w->t;
    int64_t offset = 0;
    for (int i = 0; i < tg_at(t)->ndim; i++)
        offset += w->index[i] * tg_strides(t)[i];
    for (int i = tg_at(t)->ndim - 1; i >= 0; i--) {
        int dim = w->order[i];
        if (++w->index[dim] < tg_at(t)->dims[dim])
            break;
        w->index[dim] = 0;
    }
    return offset;
}

/* Sets each element of a tensor to an expression that draws. */
#define EACH(t, T, expression)                                                                     \
    do {                                                                                           \
        elements w_ = elements_of(t);                                                              \
        T *data_ = (T *)(void *)tg_at(t)->data;                                                    \
        for (int64_t i_ = 0; i_ < tg_at(t)->numel; i_++)                                           \
            data_[next_element(&w_)] = (expression);                                               \
    } while (0)

void tg_draw_uniform(tg_node *node, tg_tensor *t, double low, double high)
{
    tg_generator *g = tg_node_generator(node);
    if (tg_at(t)->contiguous && tg_at(t)->dtype == TG_F32) {
        tg_generator_uniform_f32(g, (float *)(void *)tg_at(t)->data, tg_at(t)->numel, low, high);
    } else if (tg_at(t)->contiguous) {
        tg_generator_uniform_f64(g, (double *)(void *)tg_at(t)->data, tg_at(t)->numel, low, high);
    } else if (tg_at(t)->dtype == TG_F32) {
        float x = 0;
        EACH(t, float, (tg_generator_uniform_f32(g, &x, 1, low, high), x));
    } else {
        double x = 0;
        EACH(t, double, (tg_generator_uniform_f64(g, &x, 1, low, high), x));
    }
}

void tg_draw_normal(tg_node *node, tg_tensor *t, double mean, double std)
{
    tg_generator *g = tg_node_generator(node);
    if (tg_at(t)->contiguous && tg_at(t)->dtype == TG_F32)
        tg_generator_normal_f32(g, (float *)(void *)tg_at(t)->data, tg_at(t)->numel, mean, std);
    else if (tg_at(t)->contiguous)
        tg_generator_normal_f64(g, (double *)(void *)tg_at(t)->data, tg_at(t)->numel, mean, std);
    else if (tg_at(t)->dtype == TG_F32)
        EACH(t, float, (float)tg_generator_normal(g, mean, std));
    else
        EACH(t, double, tg_generator_normal(g, mean, std));
}

static void uniform_forward(tg_node *node)
{
    const range *r = node->params;
    tg_draw_uniform(node, node->out, r->low, r->high);
}

static void normal_forward(tg_node *node)
{
    const range *r = node->params;
    tg_draw_normal(node, node->out, r->low, r->high);
}

typedef struct integers {
    int64_t low, high;
} integers;

static void randint_forward(tg_node *node)
{
    const integers *r = node->params;
    tg_generator *g = tg_node_generator(node);
    switch (tg_at(node->out)->dtype) {
    case TG_F32:
        EACH(node->out, float, (float)tg_generator_integer(g, r->low, r->high));
        break;
    case TG_F64:
        EACH(node->out, double, (double)tg_generator_integer(g, r->low, r->high));
        break;
    case TG_I64:
        EACH(node->out, int64_t, tg_generator_integer(g, r->low, r->high));
        break;
    default:
        EACH(node->out, bool, (bool)tg_generator_integer(g, r->low, r->high));
    }
}

static void randperm_forward(tg_node *node)
{
    tg_tensor *t = node->out;
    bool direct = tg_at(t)->dtype == TG_I64;
    int64_t *p = direct ? (int64_t *)(void *)tg_at(t)->data
                        : tg_workspace(node, (size_t)tg_at(t)->numel * sizeof *p);
    if (!p)
        return;
    tg_generator_permutation(tg_node_generator(node), p, tg_at(t)->numel);
    for (int64_t i = 0; i < tg_at(t)->numel && tg_at(t)->dtype == TG_F32; i++)
        ((float *)(void *)tg_at(t)->data)[i] = (float)p[i];
    for (int64_t i = 0; i < tg_at(t)->numel && tg_at(t)->dtype == TG_F64; i++)
        ((double *)(void *)tg_at(t)->data)[i] = (double)p[i];
}

static const tg_op rand_op = {.name = "rand", .forward = uniform_forward};
static const tg_op randn_op = {.name = "randn", .forward = normal_forward};
static const tg_op randint_op = {.name = "randint", .forward = randint_forward};
static const tg_op randperm_op = {.name = "randperm", .forward = randperm_forward};
static const tg_op uniform_op = {.name = "uniform_", .forward = uniform_forward};
static const tg_op normal_op = {.name = "normal_", .forward = normal_forward};

static tg_tensor *fill(const tg_op *op, tg_tensor *t, const void *params, size_t size)
{
    return tg_apply(&(tg_call){.op = op, .in_place = t, .params = params, .params_size = size});
}

/* A new leaf, filled; nothing stays behind where the fill fails. */
static tg_tensor *drawn(tg_tape *tape, const tg_op *op, tg_dims dims, int flags, const void *params)
{
    if (!tg_tensor_check(tape, op->name, dims, flags))
        return NULL;
    tg_mark start = tg_mark_here(tape);
    tg_tensor *t = tg_tensor_leaf(tape, op->name, dims, flags, NULL);
    if (!t || fill(op, t, params, sizeof(range)))
        return t;
    tg_take_back(tape, start);
    return NULL;
}

_Static_assert(sizeof(range) == sizeof(integers), "drawn() copies either");

static bool check_float_flags(tg_tape *tape, const char *name, int flags)
{
    TG_CHECK(tape, (flags & 0xff) == TG_F32 || (flags & 0xff) == TG_F64, TG_EDTYPE,
             "%s: wanted a float dtype, not %s", name, tg_dtype_name(flags & 0xff));
    return true;
}

tg_tensor *tg_rand(tg_tape *tape, int ndim, const int64_t *dims, int flags)
{
    if (!check_float_flags(tape, "rand", flags))
        return NULL;
    return drawn(tape, &rand_op, (tg_dims){ndim, dims}, flags, &(range){0, 1});
}

tg_tensor *tg_randn(tg_tape *tape, int ndim, const int64_t *dims, int flags)
{
    if (!check_float_flags(tape, "randn", flags))
        return NULL;
    return drawn(tape, &randn_op, (tg_dims){ndim, dims}, flags, &(range){0, 1});
}

/* The largest magnitude up to which a dtype has every integer; as torch's check. */
static int64_t exact_integers(int dtype)
{
    return dtype == TG_F32 ? (int64_t)1 << 24 : dtype == TG_F64 ? (int64_t)1 << 53 : INT64_MAX;
}

tg_tensor *tg_randint(tg_tape *tape, int64_t low, int64_t high, int ndim, const int64_t *dims,
                      int flags)
{
    TG_CHECK(tape, low < high, TG_EVALUE, "randint: low %lld is not below high %lld",
             (long long)low, (long long)high);
    int dtype = flags & 0xff;
    TG_CHECK(tape, dtype != TG_BOOL || (low >= 0 && high <= 2), TG_EVALUE,
             "randint: bool cannot hold %lld to %lld", (long long)low, (long long)high - 1);
    int64_t limit = exact_integers(dtype);
    TG_CHECK(tape, (limit == INT64_MAX || low >= -limit) && high - 1 <= limit, TG_EVALUE,
             "randint: %s cannot hold every integer from %lld to %lld", tg_dtype_name(dtype),
             (long long)low, (long long)high - 1);
    return drawn(tape, &randint_op, (tg_dims){ndim, dims}, flags, &(integers){low, high});
}

tg_tensor *tg_randperm(tg_tape *tape, int64_t n, int flags)
{
    int dtype = flags & 0xff;
    TG_CHECK(tape, n >= 0, TG_EVALUE, "randperm: %lld elements", (long long)n);
    TG_CHECK(tape, dtype != TG_BOOL, TG_EDTYPE, "randperm: bool is not supported");
    TG_CHECK(tape, n <= exact_integers(dtype), TG_EVALUE,
             "randperm: %s cannot hold every integer below %lld", tg_dtype_name(dtype),
             (long long)n);
    return drawn(tape, &randperm_op, (tg_dims){1, &n}, flags, &(integers){0, n});
}

void tg_uniform_(tg_tensor *t, double low, double high)
{
    if (!tg_check_fill(&uniform_op, 1, &t))
        return;
    double largest = tg_at(t)->dtype == TG_F32 ? (double)FLT_MAX : DBL_MAX;
    if (!(low <= high && low >= -largest && high <= largest && high - low <= largest))
        tg_fail(tg_tape_in(t), TG_EVALUE, "uniform_: no range from %s to %s",
                tg_number_text(low, TG_F64).chars, tg_number_text(high, TG_F64).chars);
    else
        fill(&uniform_op, t, &(range){low, high}, sizeof(range));
}

void tg_normal_(tg_tensor *t, double mean, double std)
{
    if (!tg_check_fill(&normal_op, 1, &t))
        return;
    if (!(std >= 0))
        tg_fail(tg_tape_in(t), TG_EVALUE, "normal_: std %g is not >= 0", std);
    else
        fill(&normal_op, t, &(range){mean, std}, sizeof(range));
}

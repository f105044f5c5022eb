/* Minibatches over arrays in the caller's memory: which samples come next, and their rows into a
 * tensor. The order is allocated once, apart from the object, so that a stale pointer to it never
 * meets indices. Relies on tensor.h, generator.h and kernels/array.h. */
#include "tape/tensor.h"

#include "kernels/array.h"
#include "ops/option.h"

#include <math.h>
#include <tinygrad/train.h>

/* What a tg_batches is the handle of. */
typedef struct batches {
    tg_slot head;
    int64_t n, batch;
    bool shuffle, drop_last;
    bool started;
    int64_t first, size;  /* the present batch's place in the order; size 0: there is none */
    int64_t begin, whole; /* the same before it was narrowed */
    int64_t *order;
} batches;

_Static_assert(sizeof(batches) <= TG_SLOT_SIZE, "it fits into a slot");

/* What the handle names; NULL where that cannot be used. */
static batches *check(const tg_batches *handle, const char *name)
{
    bool alive = tg_check_handle(handle, name, "the batches object");
    return alive ? tg_slot_of(handle) : NULL;
}

static bool check_sizes(tg_tape *tape, int64_t n, int64_t batch)
{
    TG_CHECK(tape, n >= 0 && n <= PTRDIFF_MAX / (int64_t)sizeof(int64_t), TG_EVALUE,
             "batches_new: %lld samples", (long long)n);
    TG_CHECK(tape, batch > 0, TG_EVALUE, "batches_new: batch size %lld is not > 0",
             (long long)batch);
    return true;
}

tg_batches *tg_batches_new(tg_tape *tape, int64_t n, int64_t batch, const tg_batches_opts *opts)
{
    if (!tape || tape->status || !check_sizes(tape, n, batch))
        return NULL;
    tg_mark start = tg_mark_here(tape);
    tg_doing outer = tg_inside_open(tape);
    batches *b = tg_tape_slot(tape, "batches_new");
    int64_t *order = tg_tape_data(tape, "batches_new", (size_t)n * sizeof *order);
    tg_inside_close(tape, &outer);
    if (!b || !order) {
        tg_take_back(tape, start);
        return NULL;
    }
    *b = (batches){.head = b->head, .n = n, .batch = batch, .order = order};
    b->shuffle = opts && opts->shuffle;
    b->drop_last = opts && opts->drop_last;
    for (int64_t i = 0; i < n; i++)
        order[i] = i;
    return (tg_batches *)(uintptr_t)b->head.self;
}

tg_status tg_batches_start(tg_batches *handle)
{
    batches *b = check(handle, "batches_start");
    if (!b)
        return handle ? TG_ESTATE : TG_EVALUE;
    tg_tape *tape = tg_slot_tape(&b->head);
    if (tape->status || !tg_outside_capture(tape, "batches_start"))
        return tape->status;
    if (b->shuffle)
        tg_generator_permutation(&tape->generator, b->order, b->n);
    b->started = true;
    b->first = b->size = b->begin = b->whole = 0;
    return TG_OK;
}

bool tg_batches_next(tg_batches *handle)
{
    batches *b = check(handle, "batches_next");
    tg_tape *tape = b ? tg_slot_tape(&b->head) : NULL;
    if (!tape || tape->status || !tg_outside_capture(tape, "batches_next"))
        return false;
    TG_CHECK(tape, b->started, TG_ESTATE, "batches_next: no epoch was started");
    b->begin += b->whole;
    int64_t left = b->n - b->begin;
    b->whole = left < b->batch ? left : b->batch;
    if (b->drop_last && b->whole < b->batch)
        b->whole = 0;
    b->first = b->begin;
    b->size = b->whole;
    return b->size > 0;
}

tg_status tg_batches_narrow(tg_batches *handle, int64_t first, int64_t size)
{
    batches *b = check(handle, "batches_narrow");
    if (!b)
        return handle ? TG_ESTATE : TG_EVALUE;
    tg_tape *tape = tg_slot_tape(&b->head);
    if (tape->status || !tg_outside_capture(tape, "batches_narrow"))
        return tape->status;
    if (!b->whole)
        return tg_fail(tape, TG_ESTATE,
                       "batches_narrow: there is no batch: call tg_batches_next()");
    if (first < 0 || size <= 0 || size > b->whole || first > b->whole - size)
        return tg_fail(tape, TG_EVALUE,
                       "batches_narrow: %lld samples from number %lld on of a batch of %lld",
                       (long long)size, (long long)first, (long long)b->whole);
    b->first = b->begin + first;
    b->size = size;
    return TG_OK;
}

int64_t tg_batches_size(const tg_batches *handle)
{
    const batches *b = check(handle, "batches_size");
    return b ? b->size : 0;
}

const int64_t *tg_batches_indices(const tg_batches *handle)
{
    const batches *b = check(handle, "batches_indices");
    return b && b->size ? b->order + b->first : NULL;
}

/* -- Rows ------------------------------------------------------------------------------------- */

/* What is read, into what, on behalf of whom. */
typedef struct reading {
    const batches *batches;
    const char *name;
    const void *array;
    int type; /* a tg_array_type */
    tg_tensor *into;
    const int64_t *index; /* of the rows */
} reading;

static reading reading_of(const batches *b, const char *name, const void *array, tg_tensor *into)
{
    return (reading){
        .batches = b, .name = name, .array = array, .into = into, .index = b->order + b->first};
}

static bool check_read(const reading *r, tg_tape *tape)
{
    const tg_tensor *into = r->into;
    int64_t size = r->batches->size;
    TG_CHECK(tape, into, TG_EVALUE, "%s: the tensor is NULL", r->name);
    TG_CHECK(tape, tg_tape_in(into) == tape, TG_EVALUE, "%s: the tensor is of another tape",
             r->name);
    if (!tg_alive(into, r->name))
        return false;
    TG_CHECK(tape, size, TG_ESTATE, "%s: there is no batch: call tg_batches_next()", r->name);
    TG_CHECK(tape, tg_at(into)->ndim > 0 && tg_at(into)->dims[0] >= size, TG_ESHAPE,
             "%s: a batch of %lld rows does not fit in %s", r->name, (long long)size,
             tg_shape_of(into).chars);
    TG_CHECK(tape, !tg_at(into)->requires_grad, TG_ESTATE, "%s: the tensor requires a gradient",
             r->name);
    TG_CHECK(tape, tg_at(into)->contiguous, TG_ESTATE, "%s: the tensor is not contiguous", r->name);
    TG_CHECK(tape, r->array || !tg_at(into)->numel, TG_EVALUE, "%s: the array is NULL", r->name);
    TG_CHECK(tape, tg_at(into)->numel / tg_at(into)->dims[0] <= PTRDIFF_MAX / 8 / r->batches->n,
             TG_ESHAPE, "%s: %lld rows as those of %s are larger than memory", r->name,
             (long long)r->batches->n, tg_shape_of(into).chars);
    return true;
}

static int64_t row_length(const reading *r)
{
    return tg_at(r->into)->numel / tg_at(r->into)->dims[0];
}

/* Row i of the batch in the array. */
static const char *row_at(const reading *r, int64_t i)
{
    size_t row = (size_t)row_length(r) * tgk_array_size(r->type);
    return row ? (const char *)r->array + (size_t)r->index[i] * row : NULL;
}

/* Whether the tensor can hold all values. */
static bool check_values(const reading *r, tg_tape *tape)
{
    int64_t length = row_length(r);
    for (int64_t i = 0; i < r->batches->size; i++) {
        const void *row = row_at(r, i);
        int64_t misfit = tgk_array_misfit(r->type, tg_at(r->into)->dtype, row, length);
        TG_CHECK(tape, misfit == length, TG_EVALUE,
                 "%s: row %lld of the array: element %lld is %s, which %s does not hold", r->name,
                 (long long)r->index[i], (long long)misfit,
                 tgk_array_element(r->type, row, misfit).chars,
                 tg_dtype_name(tg_at(r->into)->dtype));
    }
    return true;
}

static void read_rows(const reading *r)
{
    int64_t length = row_length(r);
    size_t bytes = (size_t)length * tg_dtype_size(tg_at(r->into)->dtype);
    tg_at(r->into)->owner->version++;
    for (int64_t i = 0; i < r->batches->size; i++)
        tgk_array_read(r->type, tg_at(r->into)->dtype, row_at(r, i), length,
                       tg_at(r->into)->data + (size_t)i * bytes);
}

/* Reads the array; one of the tensor's own dtype (nobody can see whether it is) as it is, one of
 * `type` with each value checked. */
static tg_status read_into(batches *b, const char *name, const void *array, const int *type,
                           tg_tensor *into)
{
    tg_tape *tape = tg_slot_tape(&b->head);
    if (tape->status || !tg_outside_capture(tape, name))
        return tape->status;
    if (type && !tgk_array_size(*type))
        return tg_fail(tape, TG_EVALUE, "%s: there is no array type %d", name, *type);
    reading r = reading_of(b, name, array, into);
    if (!check_read(&r, tape))
        return tape->status;
    r.type = type ? *type : tg_at(into)->dtype;
    if (type && !check_values(&r, tape))
        return tape->status;
    read_rows(&r);
    return TG_OK;
}

tg_status tg_batches_read(const tg_batches *handle, const void *array, tg_tensor *into)
{
    batches *b = check(handle, "batches_read");
    if (!b)
        return handle ? TG_ESTATE : TG_EVALUE;
    return read_into(b, "batches_read", array, NULL, into);
}

tg_status tg_batches_read_as(const tg_batches *handle, const void *array, tg_array_type type,
                             tg_tensor *into)
{
    batches *b = check(handle, "batches_read_as");
    if (!b)
        return handle ? TG_ESTATE : TG_EVALUE;
    return read_into(b, "batches_read_as", array, &(int){(int)type}, into);
}

/* With defaults filled in. */
static bool check_scaling(tg_tape *tape, const tg_tensor *into, tg_scaling *s)
{
    bool alive = into && tg_tape_in(into) == tape && tg_alive(into, "batches_read_scaled");
    TG_CHECK(tape, !alive || tg_at(into)->dtype == TG_F32 || tg_at(into)->dtype == TG_F64,
             TG_EDTYPE, "batches_read_scaled: the tensor is %s, wanted a float dtype",
             tg_dtype_name(tg_at(into)->dtype));
    TG_CHECK(tape, isfinite(s->divisor) && isfinite(s->mean) && isfinite(s->std), TG_EVALUE,
             "batches_read_scaled: divisor %g, mean %g, std %g: not finite", s->divisor, s->mean,
             s->std);
    s->divisor = tg_option(s->divisor, 1);
    s->mean = tg_option(s->mean, 0);
    s->std = tg_option(s->std, 1);
    TG_CHECK(tape, fabs(s->divisor) > 0 && fabs(s->std) > 0, TG_EVALUE,
             "batches_read_scaled: divisor %g, std %g: a division by 0", s->divisor, s->std);
    return !tape->status;
}

tg_status tg_batches_read_scaled(const tg_batches *handle, const void *array, tg_array_type type,
                                 tg_tensor *into, const tg_scaling *scaling)
{
    batches *b = check(handle, "batches_read_scaled");
    if (!b)
        return handle ? TG_ESTATE : TG_EVALUE;
    tg_tape *tape = tg_slot_tape(&b->head);
    tg_scaling s = scaling ? *scaling : (tg_scaling){0};
    if (tape->status || !check_scaling(tape, into, &s))
        return tape->status;
    tg_status status = read_into(b, "batches_read_scaled", array, &(int){(int)type}, into);
    if (!status && scaling)
        tgk_array_scale(tg_at(into)->dtype, tg_at(into)->data,
                        tg_at(into)->numel / tg_at(into)->dims[0] * b->size, s.divisor, s.mean,
                        s.std);
    return status;
}

/* Minibatches over arrays in the caller's memory: which samples come next, and their rows into a
 * tensor. The order is allocated once, apart from the object, so that a stale pointer to it never
 * meets indices. Relies on tensor.h and random.h. */
#include "tensor.h"

#include <string.h>

struct tg_batches {
    tg_object head;
    int64_t n, batch;
    bool shuffle, drop_last;
    bool started;
    int64_t first, size; /* the present batch's place in the order; size 0: there is none */
    int64_t *order;
};

static tg_tape *check(const tg_batches *b, const char *name)
{
    return tg_object_check(b, TG_MAGIC_BATCHES, name, "the batches object");
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
    tg_batches *b = tg_tape_object(tape, "batches_new", TG_MAGIC_BATCHES, sizeof *b);
    int64_t *order = tg_tape_data(tape, "batches_new", (size_t)n * sizeof *order);
    if (!b || !order) {
        tg_take_back(tape, start);
        return NULL;
    }
    *b = (tg_batches){.head = b->head, .n = n, .batch = batch, .order = order};
    b->shuffle = opts && opts->shuffle;
    b->drop_last = opts && opts->drop_last;
    for (int64_t i = 0; i < n; i++)
        order[i] = i;
    return b;
}

tg_status tg_batches_start(tg_batches *b)
{
    tg_tape *tape = check(b, "batches_start");
    if (!tape)
        return b ? TG_ESTATE : TG_EVALUE;
    if (tape->status || !tg_outside_capture(tape, "batches_start"))
        return tape->status;
    if (b->shuffle)
        tg_generator_permutation(&tape->generator, b->order, b->n);
    b->started = true;
    b->first = b->size = 0;
    return TG_OK;
}

bool tg_batches_next(tg_batches *b)
{
    tg_tape *tape = check(b, "batches_next");
    if (!tape || tape->status || !tg_outside_capture(tape, "batches_next"))
        return false;
    TG_CHECK(tape, b->started, TG_ESTATE, "batches_next: no epoch was started");
    b->first += b->size;
    int64_t left = b->n - b->first;
    b->size = left < b->batch ? left : b->batch;
    if (b->drop_last && b->size < b->batch)
        b->size = 0;
    return b->size > 0;
}

int64_t tg_batches_size(const tg_batches *b)
{
    return check(b, "batches_size") ? b->size : 0;
}

const int64_t *tg_batches_indices(const tg_batches *b)
{
    bool any = check(b, "batches_indices") && b->size;
    return any ? b->order + b->first : NULL;
}

static bool check_read(const tg_batches *b, tg_tape *tape, const void *array, const tg_tensor *into)
{
    TG_CHECK(tape, into, TG_EVALUE, "batches_read: the tensor is NULL");
    if (!tg_alive(into, "batches_read"))
        return false;
    TG_CHECK(tape, tg_tape_in(into) == tape, TG_EVALUE,
             "batches_read: the tensor is of another tape");
    TG_CHECK(tape, b->size, TG_ESTATE, "batches_read: there is no batch: call tg_batches_next()");
    TG_CHECK(tape, into->ndim > 0 && into->dims[0] >= b->size, TG_ESHAPE,
             "batches_read: a batch of %lld rows does not fit in %s", (long long)b->size,
             tg_shape_of(into).chars);
    TG_CHECK(tape, !into->requires_grad, TG_ESTATE, "batches_read: the tensor requires a gradient");
    TG_CHECK(tape, into->contiguous, TG_ESTATE, "batches_read: the tensor is not contiguous");
    TG_CHECK(tape, array || !into->numel, TG_EVALUE, "batches_read: the array is NULL");
    TG_CHECK(tape, into->numel / into->dims[0] <= PTRDIFF_MAX / 8 / b->n, TG_ESHAPE,
             "batches_read: %lld rows as those of %s are larger than memory", (long long)b->n,
             tg_shape_of(into).chars);
    return true;
}

tg_status tg_batches_read(const tg_batches *b, const void *array, tg_tensor *into)
{
    tg_tape *tape = check(b, "batches_read");
    if (!tape)
        return b ? TG_ESTATE : TG_EVALUE;
    if (tape->status || !tg_outside_capture(tape, "batches_read"))
        return tape->status;
    if (!check_read(b, tape, array, into))
        return tape->status ? tape->status : TG_ESTATE;
    into->storage->version++;
    size_t row = (size_t)(into->numel / into->dims[0]) * tg_dtype_size(into->dtype);
    const int64_t *index = b->order + b->first;
    for (int64_t i = 0; row && i < b->size; i++)
        memcpy(into->data + (size_t)i * row, (const char *)array + (size_t)index[i] * row, row);
    return TG_OK;
}

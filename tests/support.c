/* See support.h. */
#include "support.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

/* Stands before each piece, so that what comes back can be checked. */
typedef union header {
    size_t size;
    max_align_t align;
} header;

static void *counted_alloc(void *context, size_t size)
{
    test_allocator *a = context;
    int64_t call = a->calls++;
    if (a->fail_at >= 0 && (call == a->fail_at || (a->for_ever && call > a->fail_at))) {
        a->failures++;
        return NULL;
    }
    header *piece = malloc(sizeof *piece + size);
    if (!piece)
        return NULL;
    piece->size = size;
    memset(piece + 1, 0xa5, size); /* nobody may count on zeros */
    a->live += (int64_t)size;
    return piece + 1;
}

static void counted_free(void *context, void *memory, size_t size)
{
    test_allocator *a = context;
    header *piece = (header *)memory - 1;
    a->wrong_size |= piece->size != size;
    a->live -= (int64_t)piece->size;
    free(piece);
}

tg_tape *test_tape(test_allocator *allocator, size_t block_size)
{
    return tg_tape_new(&(tg_tape_opts){.alloc = counted_alloc,
                                       .free = counted_free,
                                       .context = allocator,
                                       .block_size = block_size,
                                       .block_growth = block_size == 1 ? 1 : 0});
}

int64_t failures_of(bool (*fail_at)(int64_t k, bool for_ever), bool for_ever)
{
    int64_t k = 0;
    while (fail_at(k, for_ever))
        k++;
    return k;
}

static size_t size_of(int dtype)
{
    static const size_t sizes[] = {sizeof(float), sizeof(double), sizeof(int64_t), sizeof(bool)};
    return sizes[dtype];
}

static const void *data_of(const tg_tensor *t)
{
    switch (tg_dtype(t)) {
    case TG_F32:
        return tg_f32(t);
    case TG_F64:
        return tg_f64(t);
    case TG_I64:
        return tg_i64(t);
    default:
        return tg_bool(t);
    }
}

static void copy_data(snapshot *s, tg_tensor *t)
{
    const void *data = data_of(t);
    if (data) {
        memcpy(s->data.bytes, data, (size_t)s->numel * size_of(s->dtype));
        return;
    }
    tg_tape *tape = tg_tape_of(t);
    tg_mark mark = tg_tape_mark(tape);
    bool enabled = tg_set_grad_enabled(tape, false);
    data = data_of(tg_contiguous(t));
    if (data)
        memcpy(s->data.bytes, data, (size_t)s->numel * size_of(s->dtype));
    else
        s->dtype = -1;
    tg_set_grad_enabled(tape, enabled);
    tg_tape_rewind(tape, mark);
}

snapshot snapshot_of(tg_tensor *t)
{
    snapshot s = {.dtype = tg_dtype(t), .ndim = tg_ndim(t), .numel = tg_numel(t)};
    if (s.dtype < 0 || s.ndim > SNAPSHOT_DIMS || s.numel > SNAPSHOT_NUMEL)
        return (snapshot){.dtype = -1};
    for (int i = 0; i < s.ndim; i++)
        s.dims[i] = tg_size(t, i);
    copy_data(&s, t);
    return s;
}

double snapshot_at(const snapshot *s, int64_t i)
{
    switch (s->dtype) {
    case TG_F32:
        return (double)s->data.f32[i];
    case TG_F64:
        return s->data.f64[i];
    case TG_I64:
        return (double)s->data.i64[i];
    default:
        return s->data.truth[i];
    }
}

bool snapshot_same(const snapshot *a, const snapshot *b)
{
    if (a->dtype != b->dtype || a->ndim != b->ndim)
        return false;
    if (a->dtype < 0)
        return true;
    if (memcmp(a->dims, b->dims, (size_t)a->ndim * sizeof *a->dims) != 0)
        return false;
    size_t size = size_of(a->dtype);
    for (int64_t i = 0; i < a->numel; i++) {
        bool nans = isnan(snapshot_at(a, i)) && isnan(snapshot_at(b, i));
        size_t at = (size_t)i * size;
        if (!nans && memcmp(a->data.bytes + at, b->data.bytes + at, size) != 0)
            return false;
    }
    return true;
}

bool tensors_same(const tg_tensor *a, const tg_tensor *b)
{
    if (!a || !b || tg_dtype(a) != tg_dtype(b) || tg_ndim(a) != tg_ndim(b))
        return false;
    for (int i = 0; i < tg_ndim(a); i++) {
        if (tg_size(a, i) != tg_size(b, i))
            return false;
    }
    return memcmp(data_of(a), data_of(b), (size_t)tg_numel(a) * size_of(tg_dtype(a))) == 0;
}

bool marks_equal(tg_mark a, tg_mark b)
{
    return memcmp(a.at, b.at, sizeof a.at) == 0;
}

double next_draw(tg_tape *tape)
{
    tg_mark mark = tg_tape_mark(tape);
    double next = tg_item(tg_rand(tape, 0, NULL, TG_F64));
    tg_tape_rewind(tape, mark);
    return next;
}

tg_tensor *tensor_from(tg_tape *tape, const double *values, int ndim, const int64_t *dims,
                       int flags)
{
    snapshot s = {.dtype = flags & 0xff};
    int64_t numel = 1;
    for (int i = 0; i < ndim; i++)
        numel *= dims[i];
    for (int64_t i = 0; i < numel; i++) {
        if (s.dtype == TG_F32)
            s.data.f32[i] = (float)values[i];
        else if (s.dtype == TG_F64)
            s.data.f64[i] = values[i];
        else if (s.dtype == TG_I64)
            s.data.i64[i] = (int64_t)values[i];
        else
            s.data.truth[i] = values[i] != 0;
    }
    switch (s.dtype) {
    case TG_F32:
        return tg_from_f32(tape, s.data.f32, ndim, dims, flags);
    case TG_F64:
        return tg_from_f64(tape, s.data.f64, ndim, dims, flags);
    case TG_I64:
        return tg_from_i64(tape, s.data.i64, ndim, dims, flags);
    default:
        return tg_from_bool(tape, s.data.truth, ndim, dims, flags);
    }
}

double rounded_to(int dtype, double value)
{
    switch (dtype) {
    case TG_F32:
        return (double)(float)value;
    case TG_F64:
        return value;
    case TG_I64:
        return trunc(value);
    default:
        return value != 0;
    }
}

double random_between(uint64_t *state, double low, double high)
{
    uint64_t z = *state += 0x9e3779b97f4a7c15;
    z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9;
    z = (z ^ z >> 27) * 0x94d049bb133111eb;
    return low + (double)((z ^ z >> 31) >> 11) * 0x1p-53 * (high - low);
}

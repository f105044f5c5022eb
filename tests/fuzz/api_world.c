/* What a program of the API fuzzer works on: its bytes, its tapes, its things. See api.h. */
#include "known.h"

#include "api.h"

#include <math.h>
#include <stddef.h>
#include <string.h>

void give_up(const world *w, const char *file, int line)
{
    fprintf(stderr, "%s:%d: step %d (%s): ", file, line, w->step, w->act ? w->act->name : "end");
}

/* --- what the bytes decide --- */

uint32_t draw(world *w, uint32_t n)
{
    if (w->at < STEP)
        return w->record[w->at++] % n;
    w->more = (w->more ^ w->more >> 31) * 0x9e3779b97f4a7c15;
    return (uint32_t)(w->more >> 40) % n;
}

bool once_in(world *w, uint32_t n)
{
    return draw(w, n) == n - 1;
}

double draw_scalar(world *w)
{
    static const double list[] = {0,
                                  1,
                                  2,
                                  -1,
                                  0.5,
                                  3,
                                  -0.5,
                                  -0.0,
                                  0.1,
                                  5,
                                  -2,
                                  0.9,
                                  1e-3,
                                  1e-300,
                                  1e300,
                                  1e18,
                                  -1e18,
                                  4,
                                  1e-45,
                                  1e-50,
                                  (double)INFINITY,
                                  -(double)INFINITY,
                                  (double)NAN,
                                  7,
                                  -1e300,
                                  3.4e38,
                                  1e-310,
                                  16777217,
                                  0.99999999999,
                                  -3};
    return list[draw(w, sizeof list / sizeof list[0])];
}

int draw_dims(world *w, int64_t dims[18])
{
    static const int64_t odd[] = {0,  -1, INT64_C(1) << 32, INT64_C(1) << 62, INT64_MAX, INT64_MIN,
                                  -2, 0};
    uint32_t shape = draw(w, 64);
    int ndim = shape < 60 ? (int)(shape % 5) : shape == 60 ? 17 : shape == 61 ? -1 : 16;
    int64_t numel = 1;
    for (int i = 0; i < ndim; i++) {
        uint32_t size = draw(w, 32);
        dims[i] = size == 31 ? odd[draw(w, 8)] : numel > 8 || ndim > 6 ? 1 + size / 28 : size % 6;
        dims[i] = size < 30 && dims[i] == 0 ? 1 : dims[i];
        numel *= dims[i] > 0 && dims[i] < 8 ? dims[i] : 1;
    }
    return ndim;
}

int draw_dtype(world *w)
{
    static const int list[] = {TG_F32, TG_F32, TG_F64, TG_I64, TG_BOOL, TG_F32, TG_F64, TG_F32};
    return list[draw(w, 8)];
}

int draw_flags(world *w)
{
    static const int odd[] = {4, -1, 0x4000, TG_I64 | TG_REQUIRES_GRAD, 0x104, 7, 0xff, 0x200};
    uint32_t how = draw(w, 32);
    if (how == 31)
        return odd[draw(w, 8)];
    int dtype = draw_dtype(w);
    return dtype | (how % 2 && dtype <= TG_F64 ? TG_REQUIRES_GRAD : 0);
}

/* --- things --- */

thing *pick(world *w, kind k)
{
    side *s = w->here;
    return s->count[k] ? &s->shelf[k][draw(w, (uint32_t)s->count[k])] : NULL;
}

thing *pick_any(world *w, kind k)
{
    side *here = w->here;
    if (once_in(w, 32))
        w->here = open_side(w, here == &w->sides[0]);
    thing *t = pick(w, k);
    w->here = here;
    return t;
}

void *pick_pointer(world *w, kind k)
{
    thing *t = once_in(w, 32) ? NULL : pick_any(w, k);
    return t ? t->p : NULL;
}

tg_tensor *pick_tensor(world *w)
{
    return pick_pointer(w, TENSORS);
}

tg_tape *pick_tape(world *w)
{
    return once_in(w, 64) ? NULL : w->here->tape;
}

side *side_of(world *w, const tg_tape *tape)
{
    return tape && tape == w->sides[1].tape ? &w->sides[1] : &w->sides[0];
}

void keep(world *w, side *s, kind k, thing t)
{
    if (w->n_pending == PENDING)
        return;
    w->pending[w->n_pending].at = s;
    w->pending[w->n_pending].kind = k;
    w->pending[w->n_pending++].thing = t;
}

static void keep_small(world *w, tg_tensor *t, bool fresh)
{
    if (t && tg_numel(t) <= (w->how->large ? 1 << 17 : SMALL))
        keep(w, side_of(w, tg_tape_of(t)), TENSORS, (thing){.p = t, .fresh = fresh});
}

void keep_tensor(world *w, tg_tensor *t)
{
    keep_small(w, t, false);
}

void keep_new_tensor(world *w, tg_tensor *t)
{
    keep_small(w, t, true);
}

static void put(world *w, side *s, kind k, thing t)
{
    for (int i = 0; i < s->count[k]; i++) {
        if (t.p && s->shelf[k][i].p == t.p)
            return;
    }
    t.serial = t.born = ++w->serial;
    int i = s->count[k] < SHELF ? s->count[k]++ : (int)(t.serial % SHELF);
    s->shelf[k][i] = t;
}

void grown(world *w, thing *t)
{
    t->serial = ++w->serial;
}

void bury(side *s, kind k, thing t)
{
    s->graves[k][s->buried[k]++ % GRAVES] = t;
}

/* Whether something that is dropped with it was made between the mark that is rewound to and this
 * one: else both may say the same. */
static bool is_past(const side *s, const thing *mark, uint32_t serial)
{
    for (int k = 0; k < KINDS; k++) {
        for (int i = 0; i < s->count[k]; i++) {
            const thing *t = &s->shelf[k][i];
            if (t->fresh && t->born > serial && t->born < mark->serial)
                return true;
        }
    }
    return false;
}

static bool is_dead(const side *s, kind k, const thing *t, uint32_t serial)
{
    return k == MARKS ? is_past(s, t, serial) : t->fresh && t->born > serial;
}

/* What has lost a part and says so itself. */
static bool is_lost(kind k, thing *t, uint32_t serial)
{
    if (!DEAD_HANDLES || (k != CAPTURES && k != OPTIMS) || !t->fresh || t->born > serial)
        return false;
    t->serial = t->born;
    return t->lost = true;
}

void forget(side *s, uint32_t serial)
{
    for (int k = 0; k < KINDS && DEAD_HANDLES; k++) {
        for (int i = 0; i < s->count[k]; i++) {
            if (s->shelf[k][i].serial > serial && is_dead(s, (kind)k, &s->shelf[k][i], serial))
                bury(s, (kind)k, s->shelf[k][i]);
        }
    }
    for (int k = 0; k < KINDS; k++) {
        int n = 0;
        for (int i = 0; i < s->count[k]; i++) {
            thing *t = &s->shelf[k][i];
            if (t->serial <= serial || is_lost((kind)k, t, serial))
                s->shelf[k][n++] = *t;
        }
        s->count[k] = n;
    }
    if (s->capturing > serial)
        s->capturing = 0;
}

/* --- memory --- */

typedef union header {
    size_t size;
    max_align_t align;
} header;

/* No program needs as much as this, and a size that is more is out of every machine's reach. */
static const size_t most = (size_t)1 << 26;

/* So that a tape that comes after another one lies where that was. */
enum { HOME = 1 << 16 };
static _Alignas(max_align_t) char home[HOME];

static header *take_home(allocator *a, size_t size)
{
    size_t at = a->used, all = sizeof(header) * (2 + size / sizeof(header));
    if (size > HOME || all > HOME - at)
        return NULL;
    a->used += all;
    return (header *)(void *)(a->home + at);
}

static bool at_home(const header *piece)
{
    return (uintptr_t)piece - (uintptr_t)home < HOME;
}

static void *take(void *context, size_t size)
{
    allocator *a = context;
    if (a->armed) {
        int64_t call = a->calls++ - a->fail_at;
        if (call >= 0 && call < a->fail_for) {
            a->failures++;
            return NULL;
        }
    }
    header *piece = a->home ? take_home(a, size) : NULL;
    if (!piece)
        piece = size < most ? malloc(sizeof *piece + size) : NULL;
    if (!piece)
        return NULL;
    piece->size = size;
    memset(piece + 1, 0xa5, size); /* nobody may count on zeros */
    a->live += (int64_t)size;
    return piece + 1;
}

static void give(void *context, void *memory, size_t size)
{
    allocator *a = context;
    header *piece = (header *)memory - 1;
    a->wrong_size |= piece->size != size;
    a->live -= (int64_t)piece->size;
    if (!at_home(piece))
        free(piece);
}

/* Calls in here do nothing, and are not the error that it is told of. */
static void told(void *context, tg_status status, const char *message)
{
    static FILE *nowhere;
    side *s = context;
    nowhere = nowhere ? nowhere : fopen("/dev/null", "w");
    snprintf(s->told, sizeof s->told, "%s", message);
    s->n_told++;
    tg_clear_error(s->tape);
    if (tg_zeros(s->tape, TG_SCALAR, 0) || !status)
        abort();
    tg_error_print(s->n_told % 2 ? nowhere : NULL, status, message);
}

side *open_side(world *w, int i)
{
    side *s = &w->sides[i];
    if (s->tape)
        return s;
    s->allocator.home = DEAD_HANDLES && i == 1 ? home : NULL;
    s->allocator.fail_at = w->how->fail_at;
    s->allocator.fail_for = w->how->fail_for;
    s->tape = tg_tape_new(&(tg_tape_opts){.alloc = take,
                                          .free = give,
                                          .context = &s->allocator,
                                          .block_size = w->how->block_size,
                                          .isa = w->how->isa,
                                          .on_error = told,
                                          .error_context = s,
                                          .threads = w->how->threads});
    REQUIRE(w, s->tape && !tg_error(s->tape), "no tape");
    s->overhead = s->allocator.live;
    if (DEAD_HANDLES)
        s->living = make_living(s->tape);
    put(w, s, MARKS, (thing){.mark = tg_tape_mark(s->tape), .n = (int64_t)tg_memory(s->tape).live});
    return s;
}

/* --- what is noted --- */

void note(world *w, uint64_t value)
{
    w->hash = (w->hash ^ value) * 0x9e3779b97f4a7c15;
    w->hash ^= w->hash >> 29;
}

void note_double(world *w, double value)
{
    uint64_t bits = 0x7ff8;
    if (!isnan(value))
        memcpy(&bits, &value, sizeof bits);
    note(w, bits);
}

void note_text(world *w, const char *text)
{
    for (; text && *text; text++)
        note(w, (unsigned char)*text);
}

static void note_values(world *w, const tg_tensor *t, int dtype, int64_t n)
{
    const float *f32 = tg_f32(t);
    const double *f64 = tg_f64(t);
    const int64_t *i64 = tg_i64(t);
    const bool *truth = tg_bool(t);
    const void *data[] = {f32, f64, i64, truth};
    for (int i = 0; i < 4; i++)
        REQUIRE(w, i == dtype || !data[i], "data as dtype %d of a tensor of dtype %d", i, dtype);
    note(w, !!data[dtype]);
    for (int64_t i = 0; i < n && data[dtype]; i++) {
        if (f32)
            note_double(w, (double)f32[i]);
        else if (f64)
            note_double(w, f64[i]);
        else
            note(w, i64 ? (uint64_t)i64[i] : truth[i]);
    }
}

/* Row-major without gaps; strides of dims that have one element do not matter. */
static bool dense(const tg_tensor *t)
{
    int64_t stride = 1;
    for (int i = tg_ndim(t) - 1; i >= 0; i--) {
        if (tg_size(t, i) != 1 && tg_stride(t, i) != stride)
            return false;
        stride *= tg_size(t, i);
    }
    return true;
}

static int64_t check_sizes(world *w, const tg_tensor *t)
{
    int ndim = tg_ndim(t);
    int64_t numel = 1;
    REQUIRE(w, ndim >= 0 && ndim <= TG_MAX_NDIM, "%d dims", ndim);
    for (int i = 0; i < ndim; i++) {
        int64_t size = tg_size(t, i);
        REQUIRE(w, size >= 0, "size %lld", (long long)size);
        REQUIRE(w, size == tg_size(t, i - ndim), "dim %d from the end is another", i);
        note(w, (uint64_t)size);
        numel *= size;
    }
    REQUIRE(w, numel == tg_numel(t), "%lld elements, not %lld", (long long)tg_numel(t),
            (long long)numel);
    return numel;
}

static void check_grad(world *w, const tg_tensor *t)
{
    const tg_tensor *g = tg_grad(t);
    if (!g)
        return;
    REQUIRE(w, tg_dtype(g) == tg_dtype(t) && tg_ndim(g) == tg_ndim(t),
            "a gradient unlike its leaf");
    for (int i = 0; i < tg_ndim(t); i++)
        REQUIRE(w, tg_size(g, i) == tg_size(t, i), "a gradient of another shape than its leaf's");
}

void note_tensor(world *w, const tg_tensor *t)
{
    note(w, !t);
    tg_tape *tape = tg_tape_of(t);
    if (!t || tg_error(tape))
        return;
    REQUIRE(w, tape == w->sides[0].tape || tape == w->sides[1].tape, "a tensor of no tape");
    int dtype = tg_dtype(t);
    REQUIRE(w, dtype >= 0 && dtype <= TG_BOOL, "dtype %d", dtype);
    REQUIRE(w, dtype <= TG_F64 || !tg_requires_grad(t), "dtype %d requires a gradient", dtype);
    int64_t numel = check_sizes(w, t);
    REQUIRE(w, numel == 0 || tg_is_contiguous(t) == dense(t), "contiguous is %d",
            tg_is_contiguous(t));
    note(w, (uint64_t)dtype * 2 + tg_requires_grad(t));
    check_grad(w, t);
    REQUIRE(w, !tg_error(tape), "looking at a tensor: %s", tg_error_message(tape));
    if (numel <= 1 << 18)
        note_values(w, t, dtype, numel);
    note(w, tg_error(tape)); /* its data were given back */
    tg_clear_error(tape);
}

static void note_objects(world *w)
{
    side *s = w->here;
    for (int i = 0; i < s->count[LISTS]; i++)
        note(w, tg_params_count(s->shelf[LISTS][i].p));
    for (int i = 0; i < s->count[BATCHES]; i++)
        note(w, (uint64_t)tg_batches_size(s->shelf[BATCHES][i].p));
    for (int i = 0; i < s->count[OPTIMS]; i++) {
        note_double(w, tg_optim_lr(s->shelf[OPTIMS][i].p, 0));
        REQUIRE(w, !tg_error(s->tape) == !s->shelf[OPTIMS][i].lost, "an optimiser is lost or not");
        tg_clear_error(s->tape);
    }
}

uint64_t sum_of_all(world *w)
{
    side *s = w->here;
    uint64_t saved = w->hash, sum;
    w->hash = 1;
    tg_tensor *const beside[] = {s->living.leaf, s->living.plain, s->living.loss, s->living.into};
    for (size_t i = 0; i < sizeof beside / sizeof beside[0]; i++)
        note_tensor(w, beside[i]);
    for (int i = 0; i < s->count[TENSORS]; i++)
        note_tensor(w, s->shelf[TENSORS][i].p);
    note_objects(w);
    tg_memory_info m = tg_memory(s->tape);
    note(w, m.objects);
    note(w, m.data);
    w->hash ^= sum_of_grads(w);
    sum = w->hash;
    w->hash = saved;
    return sum;
}

uint64_t sum_of_grads(world *w)
{
    uint64_t saved = w->hash, sum;
    w->hash = 1;
    for (int i = 0; i < w->here->count[TENSORS]; i++)
        note_tensor(w, tg_grad(w->here->shelf[TENSORS][i].p));
    sum = w->hash | 1;
    w->hash = saved;
    return sum;
}

/* --- the end of a step --- */

static bool named(const char *called, const char *message, size_t length)
{
    bool same = strlen(called) == length && strncmp(called, message, length) == 0;
    for (size_t i = 0; i < sizeof known_names / sizeof known_names[0]; i++)
        same |= strcmp(called, known_names[i].called) == 0 &&
                strncmp(known_names[i].says, message, length) == 0;
    return same;
}

static void check_message(const world *w, const side *s)
{
    const char *message = tg_error_message(s->tape);
    size_t length = strspn(message, "abcdefghijklmnopqrstuvwxyz0123456789_ ");
    REQUIRE(w, length && message[length] == ':', "no name in \"%s\"", message);
    bool anomaly = strstr(message, ": output element "); /* of any operation inside of the call */
    if (w->says && !anomaly)
        REQUIRE(w, named(w->says, message, length), "\"%s\" is not about %s", message, w->says);
}

/* While there is an error, nothing is done and the first one stays. */
static void settle_side(world *w, side *s)
{
    tg_status status = tg_error(s->tape);
    const char *message = tg_error_message(s->tape);
    if (!status)
        REQUIRE(w, !*message, "no error, but \"%s\"", message);
    if (!status)
        return;
    note(w, status);
    note_text(w, message);
    if (s->message[0])
        REQUIRE(w, strcmp(message, s->message) == 0, "\"%s\" took the place of \"%s\"", message,
                s->message);
    else
        check_message(w, s);
    REQUIRE(w, strcmp(message, s->told) == 0, "on_error was told \"%s\", not \"%s\"", s->told,
            message);
    REQUIRE(w, !tg_zeros(s->tape, TG_SCALAR, 0), "a tensor in spite of \"%s\"", message);
    if (w->patience-- > 0) {
        snprintf(s->message, sizeof s->message, "%s", message);
        return;
    }
    s->message[0] = '\0';
    tg_clear_error(s->tape);
    REQUIRE(w, !tg_error(s->tape) && !*tg_error_message(s->tape), "not cleared");
    if (w->grads && s == w->here)
        REQUIRE(w, w->grads == sum_of_grads(w), "a gradient changed, but the pass failed");
}

void settle(world *w)
{
    for (int i = 0; i < SIDES; i++) {
        if (w->sides[i].tape)
            settle_side(w, &w->sides[i]);
    }
    for (int i = 0; i < w->n_pending; i++)
        put(w, w->pending[i].at, w->pending[i].kind, w->pending[i].thing);
    w->n_pending = 0;
    w->grads = 0;
}

void check_side(world *w, const side *s)
{
    tg_memory_info m = tg_memory(s->tape);
    REQUIRE(w, m.live == m.objects + m.data, "%zu live, %zu objects, %zu data", m.live, m.objects,
            m.data);
    REQUIRE(w, m.peak >= m.live, "peak %zu, live %zu", m.peak, m.live);
    REQUIRE(w, (int64_t)(m.live + m.cached) + s->overhead == s->allocator.live,
            "%zu live, %zu cached, %lld beside, but the allocator gave %lld", m.live, m.cached,
            (long long)s->overhead, (long long)s->allocator.live);
    REQUIRE(w, !s->allocator.wrong_size, "memory given back with another size");
}

void close_side(world *w, side *s)
{
    s->allocator.armed = false;
    tg_clear_error(s->tape);
    tg_set_anomaly_enabled(s->tape, false);
    tg_set_grad_enabled(s->tape, false);
    for (int i = 0; i < s->count[TENSORS]; i++) {
        tg_tensor *t = s->shelf[TENSORS][i].p;
        note_tensor(w, t);
        note_tensor(w, tg_grad(t));
        note_tensor(w, tg_clone(t));
        note(w, tg_error(s->tape));
        tg_clear_error(s->tape);
    }
    check_side(w, s);
    tg_tape_free(s->tape);
    REQUIRE(w, !s->allocator.live, "%lld bytes leak", (long long)s->allocator.live);
    REQUIRE(w, !s->allocator.wrong_size, "memory given back with another size");
}

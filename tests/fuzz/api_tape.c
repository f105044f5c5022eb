/* Actions of the API fuzzer on tapes: marks, rewinds, replays, captures, the generator, memory given
 * back, tensors of the caller's memory, and writing to data. */
#include "known.h"

#include "api.h"

#include <string.h>

static void mark(world *w)
{
    const tg_tape *tape = w->here->tape;
    keep(w, w->here, MARKS,
         (thing){.mark = tg_tape_mark(tape), .n = (int64_t)tg_memory(tape).live});
}

static void rewind_(world *w)
{
    thing *m = pick_any(w, MARKS);
    side *s = w->here;
    bool before = tg_error(s->tape);
    if (!m)
        return;
    uint32_t serial = m->serial;
    int64_t live = m->n;
    bool ours = m >= &s->shelf[MARKS][0] && m < &s->shelf[MARKS][SHELF];
    w->says = "tape_rewind";
    tg_status status = tg_tape_rewind(s->tape, m->mark);
    note(w, status);
    REQUIRE(w, ours || status, "rewound to a mark of another tape");
    REQUIRE(w, !status || before || tg_error(s->tape), "a status without an error");
    if (ours && !status)
        forget(s, serial);
    REQUIRE(w, status || s->released || (int64_t)tg_memory(s->tape).live <= live,
            "%zu bytes live, %lld at the mark", tg_memory(s->tape).live, (long long)live);
}

static void replay(world *w)
{
    thing *m = pick_any(w, MARKS);
    if (m)
        note(w, tg_tape_replay(pick_tape(w), m->mark));
}

static void capture_begin(world *w)
{
    side *s = w->here;
    w->says = "capture_begin";
    tg_capture *c = tg_capture_begin(s->tape);
    note(w, !c);
    if (!c)
        return;
    keep(w, s, CAPTURES, (thing){.p = c, .fresh = true});
    s->capturing = w->serial + 1; /* what settle() gives it */
}

static void capture_end(world *w)
{
    thing *c = once_in(w, 32) ? NULL : pick(w, CAPTURES);
    w->says = "capture_end";
    tg_status status = tg_capture_end(c ? c->p : NULL);
    note(w, status);
    REQUIRE(w, c || status == TG_EVALUE, "capture_end of NULL gives %d", status);
    if (!c)
        return;
    if (c->serial == w->here->capturing)
        w->here->capturing = 0;
    grown(w, c);
}

static void capture_replay(world *w)
{
    thing *c = once_in(w, 32) ? NULL : pick(w, CAPTURES);
    int64_t calls = w->here->allocator.calls, live = w->here->allocator.live;
    tg_status status = tg_capture_replay(c ? c->p : NULL);
    note(w, status);
    REQUIRE(w, c || status == TG_EVALUE, "capture_replay of NULL gives %d", status);
    REQUIRE(w, calls == w->here->allocator.calls && live == w->here->allocator.live,
            "capture_replay called the allocator");
    REQUIRE(w, !c || !c->lost || status, "replayed, but rewound into");
    for (int i = 0; i < w->here->count[TENSORS] && !status; i++)
        note_tensor(w, w->here->shelf[TENSORS][i].p);
}

static void seed(world *w)
{
    w->says = "manual_seed";
    tg_manual_seed(pick_tape(w), draw(w, 256));
}

static void rng_state(world *w)
{
    tg_tensor *state = tg_rng_state(w->here->tape);
    w->says = "rng_state";
    note_tensor(w, state);
    if (state)
        keep(w, w->here, STATES, (thing){.p = state, .fresh = true});
}

static void set_rng_state(world *w)
{
    tg_tensor *state = once_in(w, 8) ? pick_tensor(w) : pick_pointer(w, STATES);
    w->says = "set_rng_state";
    note(w, tg_set_rng_state(w->here->tape, state));
}

static void modes(world *w)
{
    tg_tape *tape = pick_tape(w);
    if (once_in(w, 4))
        note(w, once_in(w, 4) ? tg_set_anomaly_inf(tape, once_in(w, 2))
                              : tg_set_anomaly_enabled(tape, once_in(w, 3)));
    else
        note(w, tg_set_grad_enabled(tape, !once_in(w, 3)));
}

/* Up to 3 tensors of a list, NULL and others among them; returns how many. */
static size_t draw_keep(world *w, tg_tensor *keep_these[3])
{
    size_t n = draw(w, 4);
    for (size_t i = 0; i < n; i++)
        keep_these[i] = pick_tensor(w);
    return n;
}

static void release(world *w)
{
    tg_tensor *list[3];
    thing *m = pick_any(w, MARKS);
    size_t n = draw_keep(w, list);
    w->says = "release";
    w->here->released = true;
    if (m && !w->how->careful) /* a retried step leaves its inputs there as well */
        note(w, tg_release(w->here->tape, m->mark, n ? list : NULL, n));
}

static void checkpoint(world *w)
{
    tg_tensor *list[3];
    thing *m = pick_any(w, MARKS);
    size_t n = draw_keep(w, list);
    w->says = "checkpoint";
    w->here->released = true;
    if (m && !w->how->careful) /* a retried step leaves its inputs there as well */
        note(w, tg_checkpoint(w->here->tape, m->mark, n ? list : NULL, n));
}

static tg_tensor *from(world *w, int dtype, int ndim, const int64_t *dims, int flags)
{
    static const float f32[] = {1, -2, 0.5f, 0, 3, 1e-40f, -0.0f, 7, 0.25f, -1, 2, 3e38f};
    static const double f64[] = {0.5, 2, -1, 0, 1e-310, 3, -0.0, 1e300, 0.1, -7, 1, 4};
    static const int64_t i64[] = {0, 1, 2, 1, 0, -100, 3, 0, INT64_MAX, 1, -1, 2};
    static const bool truth[] = {true, false, true, true, false, false, true};
    tg_tape *tape = pick_tape(w);
    const void *all[] = {f32, f64, i64, truth};
    const size_t sizes[] = {sizeof *f32, sizeof *f64, sizeof *i64, sizeof *truth};
    const size_t lengths[] = {12, 12, 12, 7};
    char data[SMALL * 8];
    for (size_t i = 0; i < SMALL; i++)
        memcpy(data + i * sizes[dtype],
               (const char *)all[dtype] + (i + draw(w, 3)) % lengths[dtype] * sizes[dtype],
               sizes[dtype]);
    const void *p = once_in(w, 32) ? NULL : data;
    switch (dtype) {
    case TG_F32:
        w->says = "from_f32";
        return tg_from_f32(tape, p, ndim, dims, flags);
    case TG_F64:
        w->says = "from_f64";
        return tg_from_f64(tape, p, ndim, dims, flags);
    case TG_I64:
        w->says = "from_i64";
        return tg_from_i64(tape, p, ndim, dims, flags);
    default:
        w->says = "from_bool";
        return tg_from_bool(tape, p, ndim, dims, flags);
    }
}

/* Whether so many elements are there to be read; sizes that are refused are allowed. */
static bool within(int ndim, const int64_t *dims, int64_t most)
{
    int64_t numel = 1;
    for (int i = 0; i < ndim && i < TG_MAX_NDIM; i++) {
        if (dims[i] < 0 || dims[i] >= INT64_C(1) << 62 || ndim > TG_MAX_NDIM)
            return true;
        if (dims[i] > most)
            return false;
        numel *= dims[i];
        if (numel > most)
            return false;
    }
    return true;
}

static void from_array(world *w)
{
    int64_t dims[18];
    int dtype = draw_dtype(w), ndim = draw_dims(w, dims);
    int flags = once_in(w, 16) ? draw_flags(w) : dtype;
    flags |= dtype <= TG_F64 && draw(w, 2) ? TG_REQUIRES_GRAD : 0;
    if (!within(ndim, dims, SMALL))
        return;
    tg_tensor *t = from(w, dtype, ndim, dims, flags);
    note_tensor(w, t);
    keep_new_tensor(w, t);
}

/* Each piece of memory is lent once, to a tensor of the first tape. */
static void from_blob(world *w)
{
    int64_t dims[18];
    int ndim = draw_dims(w, dims), flags = draw_flags(w);
    if (w->blobs == 4 || !within(ndim, dims, SMALL))
        return;
    w->says = "from_blob";
    tg_tensor *t = tg_from_blob(w->sides[0].tape, once_in(w, 32) ? NULL : w->blob[w->blobs], ndim,
                                dims, flags);
    w->blobs += !!t;
    note_tensor(w, t);
    keep_new_tensor(w, t);
}

static void write_element(world *w, void *data, int dtype, int64_t i)
{
    double value = draw_scalar(w);
    int64_t whole = (int64_t)draw(w, 8) - 2;
    switch (dtype) {
    case TG_F32:
        ((float *)data)[i] = (float)value;
        break;
    case TG_F64:
        ((double *)data)[i] = value;
        break;
    case TG_I64:
        ((int64_t *)data)[i] = whole;
        break;
    default:
        ((bool *)data)[i] = whole > 0;
    }
}

static void write(world *w)
{
    tg_tensor *t = pick_tensor(w);
    w->says = "data_mut";
    void *data = tg_data_mut(t);
    note(w, !data);
    for (int64_t i = 0; data && i < tg_numel(t); i++) {
        if (i < 4 || draw(w, 2))
            write_element(w, data, tg_dtype(t), i);
    }
}

/* For programs that are run by more than one thread. */
static void large(world *w)
{
    const int64_t dims[] = {1 + draw(w, 200), 257};
    if (!w->how->large)
        return;
    tg_tensor *t = tg_randn(w->here->tape, 2, dims, (int)draw(w, 2) | TG_REQUIRES_GRAD);
    note_tensor(w, t);
    keep_new_tensor(w, t);
}

static tg_tensor *make(world *w, tg_tape *tape, int ndim, const int64_t *dims)
{
    switch (draw(w, 4)) {
    case 0:
        w->says = "zeros";
        return tg_zeros(tape, ndim, dims, draw_flags(w));
    case 1:
        w->says = "full";
        return tg_full(tape, ndim, dims, draw_scalar(w), draw_flags(w));
    case 2:
        w->says = "randn";
        return tg_randn(tape, ndim, dims, draw_flags(w));
    default:
        w->says = "randint";
        return tg_randint(tape, (int64_t)draw(w, 4) - 1, draw(w, 8), ndim, dims, draw_flags(w));
    }
}

/* Shapes that the samples of the table are too short for. */
static void create(world *w)
{
    int64_t dims[18];
    int ndim = draw_dims(w, dims);
    tg_tensor *t = make(w, pick_tape(w), ndim, dims);
    note_tensor(w, t);
    keep_new_tensor(w, t);
}

const action api_tape[] = {{"mark", mark, 6, 0},
                           {"rewind", rewind_, 5, ONCE},
                           {"replay", replay, 5, ONCE | UNFAILING},
                           {"capture_begin", capture_begin, 3, 0},
                           {"capture_end", capture_end, 3, ONCE},
                           {"capture_replay", capture_replay, 5, ONCE | UNFAILING},
                           {"seed", seed, 1, 0},
                           {"rng_state", rng_state, 2, 0},
                           {"set_rng_state", set_rng_state, 2, 0},
                           {"modes", modes, 4, 0},
                           {"release", release, 5, 0},
                           {"checkpoint", checkpoint, 5, 0},
                           {"from_array", from_array, 6, 0},
                           {"from_blob", from_blob, 2, 0},
                           {"write", write, 6, 0},
                           {"large", large, 2, 0},
                           {"create", create, 6, 0},
                           {0}};

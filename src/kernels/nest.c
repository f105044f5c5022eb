/* Nested loops, see nest.h. */
#include "kernels/nest.h"

#include "kernels/clock.h"

#include <stdbool.h>
#include <string.h>

static bool joins(const tgk_packed *p, const int64_t *strides, int operands)
{
    if (p->ndim == 0)
        return false;
    for (int k = 0; k < operands; k++) {
        if (strides[k] != p->strides[p->ndim - 1][k] * p->sizes[p->ndim - 1])
            return false;
    }
    return true;
}

static tgk_packed pack(const tgk_nest *nest)
{
    tgk_packed p = {0};
    for (int i = nest->ndim - 1; i >= 0; i--) {
        if (nest->sizes[i] == 1)
            continue;
        int64_t strides[TGK_MAX_OPERANDS] = {0};
        for (int k = 0; k < nest->operands; k++)
            strides[k] = nest->strides[k][i] * (int64_t)nest->size[k];
        if (joins(&p, strides, nest->operands)) {
            p.sizes[p.ndim - 1] *= nest->sizes[i];
        } else {
            p.sizes[p.ndim] = nest->sizes[i];
            memcpy(p.strides[p.ndim++], strides, sizeof strides);
        }
    }
    for (int k = 0; k < nest->operands && p.ndim == 0; k++)
        p.strides[0][k] = (int64_t)nest->size[k]; /* a single element is a dense array */
    return p;
}

/* Moves on along the dims from `outer` on; false at the end. */
static bool advance(const tgk_packed *p, int outer, int operands, int64_t *index, char **data)
{
    for (int i = outer; i < p->ndim; i++) {
        for (int k = 0; k < operands; k++)
            data[k] += p->strides[i][k];
        if (++index[i] < p->sizes[i])
            return true;
        for (int k = 0; k < operands; k++)
            data[k] -= p->strides[i][k] * p->sizes[i];
        index[i] = 0;
    }
    return false;
}

/* --- copies --- */

#define COPY(T)                                                                                    \
    static void copy_##T(int64_t n, char *const *data, const int64_t *s, const void *params)       \
    {                                                                                              \
        (void)params;                                                                              \
        if (s[0] == sizeof(T) && s[1] == sizeof(T)) {                                              \
            if (data[0] != data[1]) /* a copy onto itself is no business of memcpy() */            \
                memcpy(data[0], data[1], (size_t)n * sizeof(T));                                   \
            return;                                                                                \
        }                                                                                          \
        if (s[0] == sizeof(T) && s[1] == 0 && n > 0) { /* one element, spread */                   \
            T *out = (T *)(void *)data[0], x = *(const T *)(const void *)data[1];                  \
            for (int64_t i = 0; i < n; i++)                                                        \
                out[i] = x;                                                                        \
            return;                                                                                \
        }                                                                                          \
        for (int64_t i = 0; i < n; i++)                                                            \
            memcpy(data[0] + i * s[0], data[1] + i * s[1], sizeof(T));                             \
    }

COPY(uint8_t)
COPY(uint32_t)
COPY(uint64_t)

tgk_loop *tgk_copy_loop(size_t size)
{
    return size == 1 ? copy_uint8_t : size == 4 ? copy_uint32_t : copy_uint64_t;
}

/* A copy of a matrix that lies the other way: side by side in dim 0 of the output, but in another one,
 * `across`, of the input. So many rows of that are read side by side, from their starts to their ends. */
enum { STRIP = 16 };

#define COPY_STRIP(T)                                                                              \
    static void strip_##T(const tgk_packed *p, char *to, const char *from, int64_t rows)           \
    {                                                                                              \
        const int64_t apart = p->strides[0][1], next = p->strides[1][0];                           \
        for (int64_t j = 0; j < p->sizes[1]; j++, to += next, from += sizeof(T)) {                 \
            T *out = (T *)(void *)to;                                                              \
            for (int64_t i = 0; rows == STRIP && i < STRIP; i++)                                   \
                out[i] = *(const T *)(const void *)(from + i * apart);                             \
            for (int64_t i = 0; rows < STRIP && i < rows; i++)                                     \
                out[i] = *(const T *)(const void *)(from + i * apart);                             \
        }                                                                                          \
    }

COPY_STRIP(uint8_t)
COPY_STRIP(uint32_t)
COPY_STRIP(uint64_t)

static void copy_matrix(const tgk_packed *p, char *to, const char *from)
{
    int64_t size = p->strides[0][0], left = p->sizes[0];
    for (int64_t rows; left > 0; left -= rows) {
        rows = left < STRIP ? left : STRIP;
        (size == 1   ? strip_uint8_t
         : size == 4 ? strip_uint32_t
                     : strip_uint64_t)(p, to, from, rows);
        to += rows * size;
        from += rows * p->strides[0][1];
    }
}

/* The bytes of an element that the loop copies; 0: it is none that copies. */
static int64_t copied(tgk_loop *loop)
{
    return loop == copy_uint8_t ? 1 : loop == copy_uint32_t ? 4 : loop == copy_uint64_t ? 8 : 0;
}

/* 0: there is no such dim. */
static int dim_across(const tgk_packed *p, tgk_loop *loop)
{
    int64_t size = copied(loop);
    if (!size || p->ndim < 2 || p->strides[0][0] != size)
        return 0;
    int across = p->strides[0][1] == size || p->strides[0][1] == 0 ? 0 : p->ndim - 1;
    while (across > 0 && p->strides[across][1] != size)
        across--;
    return across;
}

static void copy_across(const tgk_packed *p, int across, char *const *start)
{
    tgk_packed q = *p;
    q.sizes[1] = p->sizes[across];
    q.sizes[across] = p->sizes[1];
    memcpy(q.strides[1], p->strides[across], sizeof *q.strides);
    memcpy(q.strides[across], p->strides[1], sizeof *q.strides);
    int64_t index[TGK_MAX_DIMS] = {0};
    char *data[TGK_MAX_OPERANDS] = {start[0], start[1]};
    do
        copy_matrix(&q, data[0], data[1]);
    while (advance(&q, 2, 2, index, data));
}

/* --- running --- */

/* All elements of p from `start` on, one operand each. */
static void run(const tgk_packed *p, int operands, char *const *start, tgk_loop *loop,
                const void *params)
{
    int across = dim_across(p, loop);
    if (across) {
        copy_across(p, across, start);
        return;
    }
    int64_t index[TGK_MAX_DIMS] = {0};
    char *data[TGK_MAX_OPERANDS];
    memcpy(data, start, sizeof data);
    int64_t n = p->ndim ? p->sizes[0] : 1;
    do
        loop(n, data, p->strides[0], params);
    while (advance(p, 1, operands, index, data));
}

/* A nest that is shared along its outermost dim. */
typedef struct shared {
    const tgk_nest *nest;
    const tgk_packed *whole;
    tgk_loop *loop;
    const void *params;
    int64_t first; /* where ranges are counted from */
} shared;

static void run_range(void *context, int64_t from, int64_t to)
{
    const shared *s = context;
    tgk_packed p = *s->whole;
    char *data[TGK_MAX_OPERANDS] = {NULL};
    for (int k = 0; k < s->nest->operands; k++)
        data[k] = s->nest->data[k] + (s->first + from) * p.strides[p.ndim - 1][k];
    p.sizes[p.ndim - 1] = to - from;
    run(&p, s->nest->operands, data, s->loop, s->params);
}

/* The caller's beginning of a nest that may or may not take long: an eighth of it. Returns whether the rest will take long. */
static bool begin_alone(shared *s, int64_t outer)
{
    const int64_t start = tgk_now(), first = (outer + 7) / 8;
    run_range(s, 0, first);
    s->first = first;
    return (tgk_now() - start) * (outer - first) > TGK_WORTH * first;
}

void tgk_nest_run(const tgk_nest *nest, tgk_loop *loop, const void *params)
{
    tgk_packed p = pack(nest);
    int64_t numel = 1;
    for (int i = 0; i < p.ndim; i++)
        numel *= p.sizes[i];
    if (numel == 0)
        return;
    if (tgk_alone(nest->team) || numel < TGK_TRIED) {
        run(&p, nest->operands, nest->data, loop, params);
        return;
    }
    int64_t outer = p.sizes[p.ndim - 1],
            grain = numel < TGK_SHARED ? outer / 8 : TGK_GRAIN / (numel / outer);
    shared s = {nest, &p, loop, params, 0};
    bool worth = numel >= TGK_SHARED || begin_alone(&s, outer);
    tgk_share(worth ? nest->team : NULL, outer - s.first, grain > 0 ? grain : 1, run_range, &s);
}

static void zero_range(void *context, int64_t from, int64_t to)
{
    memset((char *)context + from, 0, (size_t)(to - from));
}

void tgk_zero(tgk_team *team, void *data, size_t size)
{
    tgk_share(size < (size_t)TGK_SHARED * sizeof(float) ? NULL : team, (int64_t)size,
              TGK_GRAIN * (int64_t)sizeof(float), zero_range, data);
}

/* --- in pieces --- */

tgk_walk tgk_walk_from(const tgk_nest *nest, int64_t from)
{
    tgk_walk w = {.p = pack(nest), .operands = nest->operands};
    memcpy(w.data, nest->data, sizeof w.data);
    for (int i = 0; i < w.p.ndim && w.p.sizes[i] > 0; i++) {
        w.index[i] = from % w.p.sizes[i];
        from /= w.p.sizes[i];
        for (int k = 1; k < w.operands; k++)
            w.data[k] += w.index[i] * w.p.strides[i][k];
    }
    return w;
}

/* Moves on by n elements of the innermost dim, at most to its end. */
static void move_on(tgk_walk *w, int64_t n)
{
    for (int i = 0; i < w->p.ndim; i++, n = 1) {
        for (int k = 1; k < w->operands; k++)
            w->data[k] += n * w->p.strides[i][k];
        w->index[i] += n;
        if (w->index[i] < w->p.sizes[i])
            return;
        for (int k = 1; k < w->operands; k++)
            w->data[k] -= w->p.strides[i][k] * w->p.sizes[i];
        w->index[i] = 0;
    }
}

void tgk_walk_on(tgk_walk *w, void *to, int64_t n, tgk_loop *loop, const void *params)
{
    char *out = to;
    while (n > 0) {
        int64_t left = w->p.ndim ? w->p.sizes[0] - w->index[0] : 1, run = left < n ? left : n;
        w->data[0] = out;
        loop(run, w->data, w->p.strides[0], params);
        out += run * w->p.strides[0][0];
        n -= run;
        move_on(w, run);
    }
}
/* --- in blocks --- */

static void copy(char *to, int64_t to_stride, char *from, int64_t from_stride, int64_t n,
                 int64_t bytes)
{
    char *const data[] = {to, from};
    tgk_copy_loop((size_t)bytes)(n, data, (const int64_t[]){to_stride, from_stride}, NULL);
}

void tgk_loop_blocks(int64_t n, char *const *data, const int64_t *s, const void *params,
                     tgk_loop *loop, const size_t *bytes)
{
    enum { BLOCK = 1024 };
    _Alignas(64) char room[TGK_MAX_OPERANDS][BLOCK * sizeof(double)];
    char *at[TGK_MAX_OPERANDS];
    int64_t dense[TGK_MAX_OPERANDS];
    for (int64_t from = 0, m; from < n; from += m) {
        m = n - from < BLOCK ? n - from : BLOCK;
        for (int k = 0; k < TGK_MAX_OPERANDS && bytes[k]; k++) {
            dense[k] = (int64_t)bytes[k];
            at[k] = s[k] == dense[k] ? data[k] + from * s[k] : room[k];
            if (k > 0 && at[k] == room[k] && (s[k] != 0 || from == 0))
                copy(room[k], dense[k], data[k] + from * s[k], s[k], m, dense[k]);
        }
        loop(m, at, dense, params);
        if (at[0] == room[0])
            copy(data[0] + from * s[0], s[0], room[0], dense[0], m, dense[0]);
    }
}

void tgk_loop_rest(const tgk_rest *rest, char *const *data, const int64_t *s, const void *params,
                   tgk_loop *loop)
{
    _Alignas(TGK_WIDEST) char room[TGK_MAX_OPERANDS][TGK_WIDEST] = {0};
    char *at[TGK_MAX_OPERANDS] = {room[0]};
    const size_t bytes = (size_t)((rest->to - rest->from) * s[0]);
    for (int k = 1; k < rest->operands; k++) {
        at[k] = s[k] == 0 ? data[k] : room[k];
        if (s[k] != 0)
            memcpy(room[k], data[k] + rest->from * s[k], bytes);
    }
    loop(TGK_WIDEST / s[0], at, s, params);
    memcpy(data[0] + rest->from * s[0], room[0], bytes);
}

/* Reading and adding by index, see gather.h; the loops are in gather.inc. Where the index is the
 * same for the whole innermost loop (stride 0), that is one row of an embedding or of an
 * index_select. */
#include "kernels/gather.h"

#include <stdbool.h>
#include <string.h>

/* Indices that are looked at, and then used, at a time. */
enum { CHUNK = 1024 };

TGK_INLINE int64_t index_at(char *const *data, const int64_t *s, int64_t i)
{
    return *(const int64_t *)(const void *)(data[1] + i * s[1]);
}

/* Whether indices from number `from` on, `count` of them, can be used. */
TGK_INLINE bool good(const tgk_index *p, char *const *data, const int64_t *s, int64_t from,
                     int64_t count)
{
    const uint64_t size = (uint64_t)p->size;
    const int64_t *index = (const int64_t *)(const void *)data[1] + from;
    uint64_t outside = 0;
    if (s[1] == sizeof *index) {
        for (int64_t i = 0; i < count; i++)
            outside |= (uint64_t)index[i] >= size;
    } else {
        for (int64_t i = from; i < from + count; i++)
            outside |= (uint64_t)index_at(data, s, i) >= size;
    }
    if (outside)
        atomic_store_explicit(p->outside, true, memory_order_relaxed);
    return !outside;
}

#define TGK_BODY "kernels/gather_isa.inc"
#include "kernels/each_isa.h"

#define TABLE(isa)                                                                                 \
    {                                                                                              \
        gather_u8_##isa, gather_f32_##isa, gather_f64_##isa, add_f32_##isa, add_f64_##isa          \
    }

enum { GATHER_1, GATHER_4, GATHER_8, ADD, LOOPS = ADD + 2 };

static tgk_loop *const table[TGK_ISAS][LOOPS] = TGK_BY_ISA(TABLE);

tgk_loop *tgk_gather_loop(int isa, size_t size)
{
    return table[isa][size == 1 ? GATHER_1 : size == 4 ? GATHER_4 : GATHER_8];
}

/* Each place of the index becomes an expression of element `to`, which is there, and element `in`.
 * No vectors can be made of it but where one index is for all: then it is `row`, a loop. */
#define SCATTER(name, T, row, expression)                                                          \
    static void name(int64_t n, char *const *data, const int64_t *s, const void *params)           \
    {                                                                                              \
        const tgk_index *p = params;                                                               \
        tgk_loop *const whole = row;                                                               \
        if (whole && s[1] == 0) {                                                                  \
            if (good(p, data, s, 0, 1))                                                            \
                whole(n, (char *[]){data[2] + index_at(data, s, 0) * p->stride, data[0]},          \
                      (const int64_t[]){s[2], s[0]}, NULL);                                        \
            return;                                                                                \
        }                                                                                          \
        for (int64_t i = 0; i < n; i++) {                                                          \
            int64_t at = index_at(data, s, i);                                                     \
            if ((uint64_t)at >= (uint64_t)p->size) {                                               \
                atomic_store_explicit(p->outside, true, memory_order_relaxed);                     \
                return;                                                                            \
            }                                                                                      \
            T *to = (T *)(void *)(data[2] + i * s[2] + at * p->stride);                            \
            T in = *(const T *)(const void *)(data[0] + i * s[0]);                                 \
            *to = (expression);                                                                    \
        }                                                                                          \
    }

SCATTER(put_1, uint8_t, tgk_copy_loop(1), in)
SCATTER(put_4, uint32_t, tgk_copy_loop(4), in)
SCATTER(put_8, uint64_t, tgk_copy_loop(8), in)
SCATTER(add_i64, uint64_t, NULL, *to + in)

tgk_loop *tgk_scatter_loop(size_t size)
{
    return size == 1 ? put_1 : size == 4 ? put_4 : put_8;
}

tgk_loop *tgk_scatter_add_loop(int isa, int dtype)
{
    return dtype < 2 ? table[isa][ADD + dtype] : add_i64;
}

/* A nest that is cut along one dim. */
typedef struct cut {
    const tgk_nest *nest;
    int along;
    tgk_loop *loop;
    const tgk_index *params;
} cut;

static void run_range(void *context, int64_t from, int64_t to)
{
    const cut *c = context;
    tgk_nest part = *c->nest;
    int64_t sizes[TGK_MAX_DIMS];
    memcpy(sizes, part.sizes, (size_t)part.ndim * sizeof *sizes);
    sizes[c->along] = to - from;
    part.sizes = sizes;
    for (int k = 0; k < part.operands; k++)
        part.data[k] += from * part.strides[k][c->along] * (int64_t)part.size[k];
    tgk_nest_run(&part, c->loop, c->params);
}

void tgk_index_run(tgk_team *team, const tgk_nest *nest, int along, tgk_loop *loop,
                   const tgk_index *params)
{
    enum { RANGE = 1 << 14, LINE = 16, RUN = 512, PIECES = 4 };
    cut c = {nest, along, loop, params};
    int64_t numel = 1, inner = 1;
    for (int i = 0; i < nest->ndim; i++)
        numel *= nest->sizes[i];
    for (int i = along + 1; i < nest->ndim; i++)
        inner *= nest->sizes[i];
    if (numel == 0)
        return;
    int64_t size = nest->sizes[along], worth = RANGE / (numel / size) + 1;
    int64_t grain = size / (PIECES * team->threads), least = along > 0 ? RUN / inner : LINE;
    grain = grain < worth ? worth : grain;
    least = least < LINE ? LINE : least;
    tgk_share(team, size, grain < least ? least : grain, run_range, &c);
}

int64_t tgk_index_outside(const int64_t *index, int64_t size)
{
    int64_t i = 0;
    while ((uint64_t)index[i] < (uint64_t)size)
        i++;
    return i;
}

/* Reading and adding by index, see gather.h. Where the index is the same for the whole innermost
 * loop (stride 0), that is one row of an embedding or of an index_select. */
#include "kernels/gather.h"

#include <stdbool.h>
#include <string.h>

static int64_t index_at(char *const *data, const int64_t *s, int64_t i)
{
    return *(const int64_t *)(const void *)(data[1] + i * s[1]);
}

#define GATHER(T)                                                                                  \
    static void gather_row_##T(int64_t n, char *out, int64_t step, const char *in,                 \
                               int64_t in_step)                                                    \
    {                                                                                              \
        if (step == sizeof(T) && in_step == sizeof(T)) {                                           \
            memcpy(out, in, (size_t)n * sizeof(T));                                                \
            return;                                                                                \
        }                                                                                          \
        for (int64_t i = 0; i < n; i++)                                                            \
            memcpy(out + i * step, in + i * in_step, sizeof(T));                                   \
    }                                                                                              \
                                                                                                   \
    static void gather_##T(int64_t n, char *const *data, const int64_t *s, const void *params)     \
    {                                                                                              \
        const tgk_index *p = params;                                                               \
        static const T zero;                                                                       \
        if (s[1] == 0) {                                                                           \
            int64_t at = index_at(data, s, 0);                                                     \
            bool skip = at == p->skip;                                                             \
            gather_row_##T(n, data[0], s[0],                                                       \
                           skip ? (const char *)&zero : data[2] + at * p->stride,                  \
                           skip ? 0 : s[2]);                                                       \
            return;                                                                                \
        }                                                                                          \
        for (int64_t i = 0; i < n; i++) {                                                          \
            int64_t at = index_at(data, s, i);                                                     \
            const void *from = data[2] + i * s[2] + at * p->stride;                                \
            memcpy(data[0] + i * s[0], at == p->skip ? &zero : from, sizeof(T));                   \
        }                                                                                          \
    }

GATHER(uint8_t)
GATHER(uint32_t)
GATHER(uint64_t)

tgk_loop *tgk_gather_loop(size_t size)
{
    return size == 1 ? gather_uint8_t : size == 4 ? gather_uint32_t : gather_uint64_t;
}

#define SCATTER_ADD(T)                                                                             \
    static void add_row_##T(int64_t n, char *to, int64_t step, const char *g, int64_t g_step)      \
    {                                                                                              \
        if (step == sizeof(T) && g_step == sizeof(T)) {                                            \
            for (int64_t i = 0; i < n; i++)                                                        \
                ((T *)(void *)to)[i] += ((const T *)(const void *)g)[i];                           \
            return;                                                                                \
        }                                                                                          \
        for (int64_t i = 0; i < n; i++)                                                            \
            *(T *)(void *)(to + i * step) += *(const T *)(const void *)(g + i * g_step);           \
    }                                                                                              \
                                                                                                   \
    static void scatter_add_##T(int64_t n, char *const *data, const int64_t *s,                    \
                                const void *params)                                                \
    {                                                                                              \
        const tgk_index *p = params;                                                               \
        int64_t run = s[1] == 0 ? n : 1;                                                           \
        for (int64_t i = 0; i < n; i += run) {                                                     \
            int64_t at = index_at(data, s, i);                                                     \
            if (at != p->skip)                                                                     \
                add_row_##T(run, data[2] + i * s[2] + at * p->stride, s[2], data[0] + i * s[0],    \
                            s[0]);                                                                 \
        }                                                                                          \
    }

SCATTER_ADD(float)
SCATTER_ADD(double)

tgk_loop *const tgk_scatter_add_table[2] = {scatter_add_float, scatter_add_double};

int64_t tgk_index_outside(const int64_t *index, int64_t n, int64_t size)
{
    for (int64_t i = 0; i < n; i++) {
        if (index[i] < 0 || index[i] >= size)
            return i;
    }
    return n;
}

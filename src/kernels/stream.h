/* Stores past the caches, for large outputs that are not read again soon. Relies on isa.h. */
#ifndef TGK_STREAM_H
#define TGK_STREAM_H

#include "kernels/isa.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

/* Outputs of so many bytes are streamed: more than a core's share of the caches. */
enum { TGK_STREAM_FROM = 16 << 20 };

/* Bytes up to the next line of the cache. */
static inline int64_t tgk_stream_head(const void *p)
{
    return (int64_t)(-(uintptr_t)p & 63);
}

/* Copies; by stores past the caches where asked, for what of `to` are whole lines from the beginning
 * on. After the last call tgk_stream_end(), before another thread reads. */
static inline void tgk_stream_base(void *to, const void *from, size_t size, bool past)
{
    (void)past;
    memcpy(to, from, size);
}

static inline void tgk_stream_end_base(void)
{
}

#if TGK_HAS_V3 || TGK_HAS_V4
/* By instructions: the header of intrinsics takes longer to read than all else that a kernel includes. */
typedef int64_t tgk_half_line __attribute__((vector_size(32), aligned(1), may_alias));
typedef int64_t tgk_line __attribute__((vector_size(64), aligned(1), may_alias));

__attribute__((target("avx2"))) static inline void tgk_stream_v3(void *to, const void *from,
                                                                 size_t size, bool past)
{
    char *out = to;
    const char *in = from;
    for (; past && size >= 64 && tgk_stream_head(out) == 0; out += 64, in += 64, size -= 64) {
        const tgk_half_line low = *(const tgk_half_line *)in;
        const tgk_half_line high = *(const tgk_half_line *)(in + 32);
        __asm__("vmovntdq %1, %0" : "=m"(*(tgk_half_line *)out) : "x"(low));
        __asm__("vmovntdq %1, %0" : "=m"(*(tgk_half_line *)(out + 32)) : "x"(high));
    }
    memcpy(out, in, size);
}

__attribute__((target("avx512f"))) static inline void tgk_stream_v4(void *to, const void *from,
                                                                    size_t size, bool past)
{
    char *out = to;
    const char *in = from;
    for (; past && size >= 64 && tgk_stream_head(out) == 0; out += 64, in += 64, size -= 64)
        __asm__("vmovntdq %1, %0" : "=m"(*(tgk_line *)out) : "v"(*(const tgk_line *)in));
    memcpy(out, in, size);
}

static inline void tgk_stream_end_v3(void)
{
    __asm__ volatile("sfence" ::: "memory");
}

static inline void tgk_stream_end_v4(void)
{
    __asm__ volatile("sfence" ::: "memory");
}
#endif

#endif

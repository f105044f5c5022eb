/* Stores past the caches, for large outputs that are not read again soon. Relies on isa.h. */
#ifndef TGK_STREAM_H
#define TGK_STREAM_H

#include "kernels/isa.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#if TGK_HAS_V3 || TGK_HAS_V4
#include <immintrin.h>
#endif

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
__attribute__((target("avx2"))) static inline void tgk_stream_v3(void *to, const void *from,
                                                                 size_t size, bool past)
{
    char *out = to;
    const char *in = from;
    for (; past && size >= 64 && tgk_stream_head(out) == 0; out += 64, in += 64, size -= 64) {
        __m256i low = _mm256_loadu_si256((const __m256i *)(const void *)in);
        __m256i high = _mm256_loadu_si256((const __m256i *)(const void *)(in + 32));
        _mm256_stream_si256((__m256i *)(void *)out, low);
        _mm256_stream_si256((__m256i *)(void *)(out + 32), high);
    }
    memcpy(out, in, size);
}

__attribute__((target("avx512f"))) static inline void tgk_stream_v4(void *to, const void *from,
                                                                    size_t size, bool past)
{
    char *out = to;
    const char *in = from;
    for (; past && size >= 64 && tgk_stream_head(out) == 0; out += 64, in += 64, size -= 64)
        _mm512_stream_si512((__m512i *)(void *)out, _mm512_loadu_si512(in));
    memcpy(out, in, size);
}

static inline void tgk_stream_end_v3(void)
{
    _mm_sfence();
}

static inline void tgk_stream_end_v4(void)
{
    _mm_sfence();
}
#endif

#endif

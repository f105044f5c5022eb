/* The random generator; see generator.h. Every rounding here is PyTorch's: its AVX2 kernels for
 * blocks of float normals (8 lanes, with a log and a sincos of their own), libm in double for
 * all others.
 *
 * Relies on fma() and fmaf() being fused, on no other contraction (-ffp-contract=off), and for
 * the last bits of double normals on log(), log1p(), sin() and cos() being those that PyTorch
 * was linked with (glibc's). */
#include "random/generator.h"

#include "kernels/isa.h"

#include <math.h>
#include <string.h>

enum { WORDS = TG_GENERATOR_WORDS, SHIFT = 397, BLOCK = 16, HALF = BLOCK / 2, GROUP = 16 };

static const double two_pi = 0x1.921fb54442d18p+2;

/* -- The engine ------------------------------------------------------------------------------- */

void tg_generator_seed(tg_generator *g, uint64_t seed)
{
    g->state[0] = (uint32_t)seed;
    for (uint32_t i = 1; i < WORDS; i++) {
        uint32_t last = g->state[i - 1];
        g->state[i] = 1812433253u * (last ^ (last >> 30)) + i;
    }
    g->next = WORDS;
    g->has_normal = false;
    g->normal = 0.0;
}

TGK_INLINE uint32_t twisted(uint32_t high, uint32_t low, uint32_t far)
{
    uint32_t y = (high & 0x80000000u) | (low & 0x7fffffffu);
    return far ^ (y >> 1) ^ ((0u - (y & 1u)) & 0x9908b0dfu);
}

/* Two loops and a last word, because the word SHIFT places on wraps around at the end. */
TGK_INLINE void twist(tg_generator *g)
{
    uint32_t *s = g->state;
    for (int i = 0; i < WORDS - SHIFT; i++) {
        s[i] = twisted(s[i], s[i + 1], s[i + SHIFT]);
    }
    for (int i = WORDS - SHIFT; i < WORDS - 1; i++) {
        s[i] = twisted(s[i], s[i + 1], s[i + SHIFT - WORDS]);
    }
    s[WORDS - 1] = twisted(s[WORDS - 1], s[0], s[SHIFT - 1]);
    g->next = 0;
}

TGK_INLINE uint32_t tempered(uint32_t y)
{
    y ^= y >> 11;
    y ^= (y << 7) & 0x9d2c5680u;
    y ^= (y << 15) & 0xefc60000u;
    return y ^ (y >> 18);
}

TGK_INLINE uint32_t draw_u32(tg_generator *g)
{
    if (g->next == WORDS) {
        twist(g);
    }
    return tempered(g->state[g->next++]);
}

TGK_INLINE uint64_t draw_u64(tg_generator *g)
{
    uint64_t high = draw_u32(g);
    return high << 32 | draw_u32(g);
}

uint32_t tg_generator_u32(tg_generator *g)
{
    return draw_u32(g);
}

uint64_t tg_generator_u64(tg_generator *g)
{
    return draw_u64(g);
}

/* -- Uniforms --------------------------------------------------------------------------------- */

TGK_INLINE float unit_f32(uint32_t word)
{
    return (float)(int32_t)(word & 0xffffffu) * 0x1p-24f;
}

TGK_INLINE double unit_f64(uint64_t word)
{
    return (double)(int64_t)(word & 0x1fffffffffffffu) * 0x1p-53;
}

double tg_generator_uniform(tg_generator *g)
{
    return unit_f64(draw_u64(g));
}

/* Runs over the words that are there, so that the inner loop is free of the engine's branch. */
TGK_INLINE void fill_unit_f32_body(tg_generator *g, float *out, int64_t n)
{
    while (n > 0) {
        if (g->next == WORDS) {
            twist(g);
        }
        int32_t count = n < WORDS - g->next ? (int32_t)n : WORDS - g->next;
        const uint32_t *words = g->state + g->next;
        for (int32_t i = 0; i < count; i++) {
            out[i] = unit_f32(tempered(words[i]));
        }
        g->next += count;
        out += count;
        n -= count;
    }
}

TGK_EACH_ISA(fill_unit_f32, (tg_generator * g, float *out, int64_t n), (g, out, n));

/* unit_f64() of two words, by conversions that vectors have; all of it is exact. */
TGK_INLINE double unit_of(uint32_t high, uint32_t low)
{
    double above = (double)(int32_t)(high & 0x1fffffu) * 0x1p32;
    double below = (double)(int32_t)(low ^ 0x80000000u) + 0x1p31;
    return (above + below) * 0x1p-53;
}

/* A pair of words may lie across the end of the state. */
TGK_INLINE void fill_unit_f64_body(tg_generator *g, double *out, int64_t n)
{
    while (n > 0) {
        int32_t pairs = (WORDS - g->next) / 2, count = n < pairs ? (int32_t)n : pairs;
        const uint32_t *words = g->state + g->next;
        for (int32_t i = 0; i < count; i++) {
            out[i] = unit_of(tempered(words[2 * i]), tempered(words[2 * i + 1]));
        }
        g->next += 2 * count;
        out += count;
        n -= count;
        if (n > 0 && g->next < WORDS) {
            *out++ = unit_f64(draw_u64(g));
            n--;
        } else if (n > 0) {
            twist(g);
        }
    }
}

TGK_EACH_ISA(fill_unit_f64, (tg_generator * g, double *out, int64_t n), (g, out, n));

/* Where rounding took a draw up to the excluded bound, PyTorch returns the other one. */
TGK_INLINE void stretch_f32_body(float *out, int64_t n, float start, float end)
{
    float width = end - start;
    for (int64_t i = 0; i < n; i++) {
        float x = fmaf(out[i], width, start);
        out[i] = x == end ? start : x;
    }
}

TGK_EACH_ISA(stretch_f32, (float *out, int64_t n, float start, float end), (out, n, start, end));

TGK_INLINE void stretch_f64_body(double *out, int64_t n, double low, double high)
{
    double width = high - low;
    for (int64_t i = 0; i < n; i++) {
        double x = fma(out[i], width, low);
        out[i] = x == high ? low : x;
    }
}

TGK_EACH_ISA(stretch_f64, (double *out, int64_t n, double low, double high), (out, n, low, high));

void tg_generator_uniform_f32(tg_generator *g, float *out, int64_t n, double low, double high)
{
    float start = (float)low;
    float end = (float)high;
    fill_unit_f32[g->isa](g, out, n);
    if (start != 0.0f || end != 1.0f) { /* fma(u, 1, 0) is u */
        stretch_f32[g->isa](out, n, start, end);
    }
}

void tg_generator_uniform_f64(tg_generator *g, double *out, int64_t n, double low, double high)
{
    fill_unit_f64[g->isa](g, out, n);
    if (low != 0 || high != 1) {
        stretch_f64[g->isa](out, n, low, high);
    }
}

/* -- Normals, one by one ---------------------------------------------------------------------- */

static double standard_normal(tg_generator *g)
{
    if (g->has_normal) {
        g->has_normal = false;
        return g->normal;
    }
    double angle = two_pi * tg_generator_uniform(g);
    double radius = sqrt(-2.0 * log1p(-tg_generator_uniform(g)));
    g->normal = radius * sin(angle);
    g->has_normal = true;
    return radius * cos(angle);
}

double tg_generator_normal(tg_generator *g, double mean, double std)
{
    return fma(standard_normal(g), std, mean);
}

/* -- Normals in blocks of float --------------------------------------------------------------- */

TGK_INLINE uint32_t float_bits(float x)
{
    uint32_t bits;
    memcpy(&bits, &x, sizeof bits);
    return bits;
}

TGK_INLINE float bits_float(uint32_t bits)
{
    float x;
    memcpy(&x, &bits, sizeof x);
    return x;
}

/* Natural logarithm of a normal number x > 0: x = m 2^e with m in [sqrt(1/2), sqrt(2)), and a
 * polynomial in m - 1. */
TGK_INLINE float block_log(float x)
{
    uint32_t bits = float_bits(x);
    float m = bits_float((bits & 0x007fffffu) | 0x3f000000u);
    uint32_t small = m < 0.707106781186547524f;
    float e = (float)((int32_t)(bits >> 23) - 126 - (int32_t)small);
    float r = (m - 1.0f) + bits_float(float_bits(m) & (0u - small));
    float z = r * r;
    float y = 7.0376836292e-2f;
    y = fmaf(y, r, -1.1514610310e-1f);
    y = fmaf(y, r, 1.1676998740e-1f);
    y = fmaf(y, r, -1.2420140846e-1f);
    y = fmaf(y, r, 1.4249322787e-1f);
    y = fmaf(y, r, -1.6668057665e-1f);
    y = fmaf(y, r, 2.0000714765e-1f);
    y = fmaf(y, r, -2.4999993993e-1f);
    y = fmaf(y, r, 3.3333331174e-1f);
    y = y * r;
    y = fmaf(y, z, e * -2.12194440e-4f);
    y = y - z * 0.5f;
    return fmaf(e, 0.693359375f, r + y);
}

typedef struct sincos_pair {
    float sin;
    float cos;
} sincos_pair;

/* Sine and cosine of x in [0, 2 pi]: x less the nearest j pi/4 (j even; pi/4 in three parts), a
 * polynomial for each, then the octant says which is which and with what sign. */
TGK_INLINE sincos_pair block_sincos(float x)
{
    int32_t j = ((int32_t)(x * 1.27323954473516f) + 1) & ~1;
    float y = (float)j;
    float r = fmaf(y, -0.78515625f, x);
    r = fmaf(y, -2.4187564849853515625e-4f, r);
    r = fmaf(y, -3.77489497744594108e-8f, r);
    float z = r * r;
    float c = fmaf(2.443315711809948e-5f, z, -1.388731625493765e-3f);
    c = fmaf(c, z, 4.166664568298827e-2f) * z;
    c = fmaf(c, z, -(z * 0.5f)) + 1.0f;
    float s = fmaf(-1.9515295891e-4f, z, 8.3321608736e-3f);
    s = fmaf(s, z, -1.6666654611e-1f) * z;
    s = fmaf(s, r, r);
    uint32_t octant = (uint32_t)j;
    uint32_t sin_sign = (octant & 4u) << 29;
    uint32_t cos_sign = (~(octant - 2u) & 4u) << 29;
    uint32_t swap = 0u - ((octant >> 1) & 1u); /* all bits or none */
    uint32_t differ = (float_bits(s) ^ float_bits(c)) & swap;
    return (sincos_pair){bits_float(float_bits(s) ^ differ ^ sin_sign),
                         bits_float(float_bits(c) ^ differ ^ cos_sign)};
}

/* Uniforms to normals in place: one of radius, one of angle each. Without calls (where the CPU has
 * fused multiply-adds) or branches, so that the compiler can make vectors of it: hence the masks
 * above, for gcc makes branches of a ?: between floats. */
TGK_INLINE void pairs_f32(float *restrict radii, float *restrict angles, int n, float mean,
                          float std)
{
    for (int i = 0; i < n; i++) {
        float radius = sqrtf(-2.0f * block_log(1.0f - radii[i]));
        sincos_pair p = block_sincos((float)two_pi * angles[i]);
        radii[i] = fmaf(radius * p.cos, std, mean);
        angles[i] = fmaf(radius * p.sin, std, mean);
    }
}

/* A block's first half makes the radii, its second half the angles. The halves of a group of blocks
 * are put side by side, for long vectors. */
TGK_INLINE void blocks_f32_body(float *d, int64_t blocks, float mean, float std)
{
    float radii[GROUP * HALF], angles[GROUP * HALF];
    const size_t half = HALF * sizeof *d;
    for (int64_t done = 0; done < blocks; done += GROUP) {
        int count = blocks - done < GROUP ? (int)(blocks - done) : GROUP;
        float *group = d + done * BLOCK;
        for (int i = 0; i < count; i++) {
            memcpy(radii + i * HALF, group + i * BLOCK, half);
            memcpy(angles + i * HALF, group + i * BLOCK + HALF, half);
        }
        pairs_f32(radii, angles, count * HALF, mean, std);
        for (int i = 0; i < count; i++) {
            memcpy(group + i * BLOCK, radii + i * HALF, half);
            memcpy(group + i * BLOCK + HALF, angles + i * HALF, half);
        }
    }
}

TGK_EACH_ISA(blocks_f32, (float *d, int64_t blocks, float mean, float std), (d, blocks, mean, std));

void tg_generator_normal_f32(tg_generator *g, float *out, int64_t n, double mean, double std)
{
    if (n < BLOCK) {
        for (int64_t i = 0; i < n; i++) {
            out[i] = (float)tg_generator_normal(g, mean, std);
        }
        return;
    }
    fill_unit_f32[g->isa](g, out, n);
    blocks_f32[g->isa](out, n / BLOCK, (float)mean, (float)std);
    if (n % BLOCK != 0) { /* the last 16 anew, over what is there already */
        fill_unit_f32[g->isa](g, out + n - BLOCK, BLOCK);
        blocks_f32[g->isa](out + n - BLOCK, 1, (float)mean, (float)std);
    }
}

/* -- Normals in blocks of double -------------------------------------------------------------- */

static void block_f64(double *d, double mean, double std)
{
    for (int i = 0; i < HALF; i++) {
        double radius = sqrt(-2.0 * log(1.0 - d[i]));
        double angle = two_pi * d[i + HALF];
        d[i] = fma(radius * cos(angle), std, mean);
        d[i + HALF] = fma(radius * sin(angle), std, mean);
    }
}

void tg_generator_normal_f64(tg_generator *g, double *out, int64_t n, double mean, double std)
{
    if (n < BLOCK) {
        for (int64_t i = 0; i < n; i++) {
            out[i] = tg_generator_normal(g, mean, std);
        }
        return;
    }
    fill_unit_f64[g->isa](g, out, n);
    for (int64_t i = 0; i + BLOCK <= n; i += BLOCK) {
        block_f64(out + i, mean, std);
    }
    if (n % BLOCK != 0) {
        fill_unit_f64[g->isa](g, out + n - BLOCK, BLOCK);
        block_f64(out + n - BLOCK, mean, std);
    }
}

/* -- Integers --------------------------------------------------------------------------------- */

int64_t tg_generator_integer(tg_generator *g, int64_t low, int64_t high)
{
    uint64_t width = (uint64_t)high - (uint64_t)low;
    uint64_t draw = width >= UINT64_C(1) << 28 ? draw_u64(g) : draw_u32(g);
    return (int64_t)(draw % width + (uint64_t)low);
}

/* Where 32 bits would be visibly uneven, PyTorch takes 64 and builds the permutation inside out. */
static void permutation_large(tg_generator *g, int64_t *out, int64_t n)
{
    for (int64_t i = 0; i < n; i++) {
        uint64_t at = draw_u64(g) % (uint64_t)(i + 1);
        out[i] = i;
        out[i] = out[at];
        out[at] = i;
    }
}

void tg_generator_permutation(tg_generator *g, int64_t *out, int64_t n)
{
    if (n >= UINT32_MAX / 20) {
        permutation_large(g, out, n);
        return;
    }
    for (int64_t i = 0; i < n; i++) {
        out[i] = i;
    }
    uint32_t count = (uint32_t)n;
    for (uint32_t i = 0; i + 1 < count; i++) {
        uint32_t at = i + draw_u32(g) % (count - i);
        int64_t swapped = out[i];
        out[i] = out[at];
        out[at] = swapped;
    }
}

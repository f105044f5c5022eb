/* Matrix product, see gemm.h. Blocks of b and a are packed into strips as wide as a tile of c; a
 * tile stays in registers while it walks along k. Blocks of k are taken in order and each goes
 * on from what the one before left in c, so that the chain of every element is unbroken. */
#include "kernels/gemm.h"

#include "kernels/pairs.h"
#include "kernels/sizes.h"

/* What counts is written as vectors, but where plain C has a fused multiply-add; second copies of the other loops
 * pay nothing. */
#ifdef __OPTIMIZE_SIZE__
#define TGK_FOR_SIZE
#elif defined(__GNUC__) && !defined(__clang__) && !TGK_FMAF_IS_FAST
#pragma GCC optimize("O2", "no-tree-vectorize")
#endif

#include <math.h>
#include <string.h>

#ifdef TGK_X86
#include <immintrin.h>
#endif

/* arm64's vectors have a fused multiply-add, always. */
#if defined(__aarch64__) && defined(__ARM_NEON) && defined(__GNUC__)
#include <arm_neon.h>
#define TGK_NEON
#endif

/* A strip of b, BLOCK_K deep, fits the first cache; a block of a, BLOCK_A bytes, the second. From
 * AHEAD steps of k on what is fetched of b is there in time. */
enum {
    BLOCK_K = 256,
    BLOCK_N = 2048,
    BLOCK_A = 256 << 10,
    WIDEST = 32,
    AHEAD = 8,
    LEAST_ROWS = 4,
    SPILLED = 64,
    AT_ONCE = 4 /* strips that are packed together */
};
/* Products for which packing does not pay: of few rows; of so few more that a b which is whole in
 * the second cache is read but once or twice; of so few steps of k that c is most of it; small; of
 * so few columns that a is read but once. */
enum { FEW_ROWS = 8, FEW_B = 1 << 18, LARGE_B = 1 << 20, NARROW = 32 };
enum { SMALL = 128 * 128 * 128, SMALL_B = 64 * 128 };

/* Where the compiler knows of WebAssembly's relaxed vectors, see gemm_relaxed.inc. */
#if defined(__wasm_relaxed_simd__) && defined(__has_builtin)
#if __has_builtin(__builtin_wasm_relaxed_madd_f64x2)
#define TGK_RELAXED
typedef float tgk_floats __attribute__((vector_size(16)));
typedef double tgk_doubles __attribute__((vector_size(16)));
#endif
#endif

/* Addresses that are made anew where they are used take no registers until then. */
#if defined(__GNUC__)
#define TGK_FORGET(pointer) __asm__("" : "+r"(pointer))
#else
#define TGK_FORGET(pointer) ((void)0)
#endif

/* Loops over registers are unrolled but where that pays nothing and costs minutes of compiling: by
 * a compiler that checks each access, or does not optimise. */
#if defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer) ||                         \
    __has_feature(memory_sanitizer) || __has_feature(undefined_behavior_sanitizer)
#define TGK_ROLLED
#endif
#endif
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__) || !defined(__OPTIMIZE__)
#define TGK_ROLLED
#endif
#if defined(TGK_ROLLED) || !defined(__GNUC__)
#define UNROLL
#elif defined(__clang__)
#define UNROLL _Pragma("clang loop unroll(full)")
#else
#define UNROLL _Pragma("GCC unroll 16")
#endif

/* Bytes of a's part of the workspace, SPILLED of which are behind its strips, and elements of a row of b's. Where
 * packed floats are doubles, a has half the rows at a time: the highest of tiles at least. */
static int64_t room_of_a(int64_t m, int64_t k, size_t size)
{
    int64_t rows = tgk_least(m, BLOCK_A) + 2 * LEAST_ROWS;
    return SPILLED +
           tgk_least((tgk_least(k, BLOCK_K) * rows * (int64_t)size + 63) / 64 * 64, BLOCK_A);
}

static int64_t width_of_b(int64_t n)
{
    return (tgk_least(n, BLOCK_N) + WIDEST - 1) / WIDEST * WIDEST;
}

size_t tgk_gemm_workspace(int64_t m, int64_t n, int64_t k, size_t size)
{
    return 64 + (size_t)room_of_a(m, k, size) +
           (size_t)(tgk_least(k, BLOCK_K) * width_of_b(n)) * size;
}

/* Address of element `index` behind p, of `size` bytes each. */
static const void *behind(const void *p, int64_t index, size_t size)
{
    return (const char *)p + index * (int64_t)size;
}

static int64_t row_of_c(const tgk_gemm_args *args)
{
    return args->row ? args->row : args->n;
}

/* Whether the rows of b are contiguous. */
static bool tgk_lies(const tgk_gemm_args *g)
{
    return g->b.column == 1 || g->n == 1;
}

/* A product of one column is, turned around, one of one row: whose elements are the lanes. */
static bool tgk_as_row(const tgk_gemm_args *g, tgk_gemm_args *turned)
{
    bool dense = g->a.row == 1 || g->a.column == 1;
    if (g->n != 1 || g->m <= FEW_ROWS || row_of_c(g) != 1 || !dense)
        return false;
    *turned = *g;
    turned->a = (tgk_matrix){g->b.data, g->b.column, g->b.row};
    turned->b = (tgk_matrix){g->a.data, g->a.column, g->a.row};
    turned->bias = NULL; /* is added afterwards */
    turned->m = 1;
    turned->n = turned->row = g->m;
    return true;
}

/* Whether packing a and b would take longer than it saves. */
static bool tgk_is_small(const tgk_gemm_args *g)
{
    if (g->m <= FEW_ROWS || g->n <= NARROW)
        return true;
    if (g->k > FEW_B || g->n > FEW_B || g->n * g->k > FEW_B)
        return false;
    if (g->n * g->k <= SMALL_B && g->m <= SMALL / (g->n * g->k))
        return true;
    return tgk_lies(g) && (g->m <= 2 * FEW_ROWS || g->k <= 16);
}

bool tgk_gemm_in_place(const tgk_gemm_args *g)
{
    tgk_gemm_args turned;
    if (tgk_as_row(g, &turned))
        g = &turned;
    return g->k == 0 || ((tgk_lies(g) || g->b.row == 1 || g->k == 1) && tgk_is_small(g));
}

void tgk_gemm_rows(tgk_gemm_args *args, int64_t start, int64_t end, size_t size)
{
    args->a.data = behind(args->a.data, start * args->a.row, size);
    args->c = (char *)args->c + start * row_of_c(args) * (int64_t)size;
    args->m = end - start;
}

void tgk_gemm_columns(tgk_gemm_args *args, int64_t start, int64_t end, size_t size)
{
    args->row = row_of_c(args);
    args->b.data = behind(args->b.data, start * args->b.column, size);
    args->c = (char *)args->c + start * (int64_t)size;
    args->bias = args->bias ? behind(args->bias, start, size) : NULL;
    args->n = end - start;
}

#define TGK_BODY "kernels/gemm_isa.inc"
#include "kernels/each_isa.h"
#define TABLE(isa)                                                                                 \
    {                                                                                              \
        gemm_f32_##isa, TGK_IN_F64(gemm_f64_##isa)                                                 \
    }

tgk_gemm *const tgk_gemm_table[TGK_ISAS][2] = TGK_BY_ISA(TABLE);

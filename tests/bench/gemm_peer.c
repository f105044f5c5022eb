/* Products by the library's kernel and by a CBLAS beside it, by turns, one thread each: both in GFLOP/s (of the
 * fastest turns, for other programs only ever add), their ratio, and the library's share of what fused
 * multiply-adds alone reach here. Run with OPENBLAS_NUM_THREADS=1; an argument `f64` takes doubles. */
#define _POSIX_C_SOURCE 199309L
#include "kernels/gemm.h"
#include "timing.h"

#include <cblas.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#ifdef __x86_64__
#include <immintrin.h>
#endif

enum { TURNS = 41 };

typedef struct shape {
    const char *of;
    int m, n, k;
    bool turned_a, turned_b;
} shape;

typedef struct product {
    shape s;
    bool doubles;
    tgk_gemm *gemm;
    void *a, *b, *c, *workspace;
} product;

/* A matrix whose rows are contiguous, or, turned, whose columns are. */
static tgk_matrix lying(const void *data, int rows, int columns, bool turned)
{
    return turned ? (tgk_matrix){data, 1, rows} : (tgk_matrix){data, columns, 1};
}

static void ours(void *context)
{
    const product *p = context;
    tgk_gemm_args args = {.m = p->s.m,
                          .n = p->s.n,
                          .k = p->s.k,
                          .a = lying(p->a, p->s.m, p->s.k, p->s.turned_a),
                          .b = lying(p->b, p->s.k, p->s.n, p->s.turned_b),
                          .c = p->c,
                          .workspace = p->workspace};
    p->gemm(&args);
}

static void theirs(void *context)
{
    const product *p = context;
    const enum CBLAS_TRANSPOSE a = p->s.turned_a ? CblasTrans : CblasNoTrans,
                               b = p->s.turned_b ? CblasTrans : CblasNoTrans;
    const int a_row = p->s.turned_a ? p->s.m : p->s.k, b_row = p->s.turned_b ? p->s.k : p->s.n;
    if (p->doubles)
        cblas_dgemm(CblasRowMajor, a, b, p->s.m, p->s.n, p->s.k, 1, p->a, a_row, p->b, b_row, 0,
                    p->c, p->s.n);
    else
        cblas_sgemm(CblasRowMajor, a, b, p->s.m, p->s.n, p->s.k, 1, p->a, a_row, p->b, b_row, 0,
                    p->c, p->s.n);
}

static double seconds(void (*turn)(void *context), void *context, int turns)
{
    double from = now();
    for (int i = 0; i < turns; i++)
        turn(context);
    return (now() - from) / turns;
}

/* Fused multiply-adds of registers that do not wait for each other: of floats, GFLOP/s; 0 where none is known. */
#ifdef __x86_64__
enum { STEPS = 1 << 12, CHAINS = 12 };

__attribute__((target("avx2,fma"))) static void of_avx2(void *out)
{
    __m256 sum[CHAINS], factor = _mm256_set1_ps(0.999F);
    for (int i = 0; i < CHAINS; i++)
        sum[i] = _mm256_set1_ps((float)i);
    for (int q = 0; q < STEPS; q++) {
#pragma GCC unroll 12
        for (int i = 0; i < CHAINS; i++)
            sum[i] = _mm256_fmadd_ps(sum[i], factor, factor);
    }
    for (int i = 0; i < CHAINS; i++)
        _mm256_storeu_ps((float *)out + 16 * i, sum[i]);
}

__attribute__((target("avx512f"))) static void of_avx512(void *out)
{
    __m512 sum[CHAINS], factor = _mm512_set1_ps(0.999F);
    for (int i = 0; i < CHAINS; i++)
        sum[i] = _mm512_set1_ps((float)i);
    for (int q = 0; q < STEPS; q++) {
#pragma GCC unroll 12
        for (int i = 0; i < CHAINS; i++)
            sum[i] = _mm512_fmadd_ps(sum[i], factor, factor);
    }
    for (int i = 0; i < CHAINS; i++)
        _mm512_storeu_ps((float *)out + 16 * i, sum[i]);
}

static double peak(void)
{
    static float out[16 * CHAINS];
    const int isa = tgk_isa_best(), lanes = isa == 2 ? 16 : 8;
    double least = 1;
    for (int i = 0; i < 20 * TURNS && isa > 0; i++) {
        double t = seconds(isa == 2 ? of_avx512 : of_avx2, out, 4);
        least = t < least ? t : least;
    }
    return isa > 0 ? 2e-9 * STEPS * CHAINS * lanes / least : 0;
}
#else
static double peak(void)
{
    return 0;
}
#endif

static void compare(product *p, double most)
{
    const double flops = 2.0 * p->s.m * p->s.n * p->s.k;
    const int turns = 1 + (int)(2e7 / flops);
    double least[2] = {1e9, 1e9};
    for (int i = 0; i < TURNS; i++) {
        for (int k = 0; k < 2; k++) {
            double t = seconds(k ? theirs : ours, p, turns);
            least[k] = t < least[k] ? t : least[k];
        }
    }
    const double rate = 1e-9 * flops / least[0];
    printf("| %s | %d x %d x %d | %c%c | %.1f | %.1f | %.2f | %.2f |\n", p->s.of, p->s.m, p->s.n,
           p->s.k, p->s.turned_a ? 'T' : 'N', p->s.turned_b ? 'T' : 'N', rate,
           1e-9 * flops / least[1], least[1] / least[0], most > 0 ? rate / most : 0);
}

static void run(const shape *s, bool doubles, double most)
{
    const size_t size = doubles ? sizeof(double) : sizeof(float), m = (size_t)s->m,
                 n = (size_t)s->n, k = (size_t)s->k;
    product p = {*s,
                 doubles,
                 tgk_gemm_table[tgk_isa_best()][doubles],
                 malloc(m * k * size),
                 malloc(k * n * size),
                 malloc(m * n * size),
                 malloc(tgk_gemm_workspace(s->m, s->n, s->k, size))};
    if (p.a && p.b && p.c && p.workspace) {
        memset(p.a, 0, m * k * size);
        memset(p.b, 0, k * n * size);
        compare(&p, most);
    }
    free(p.a);
    free(p.b);
    free(p.c);
    free(p.workspace);
}

int main(int argc, char **argv)
{
    static const shape shapes[] = {
        {"square", 16, 16, 16, false, false},
        {"square", 32, 32, 32, false, false},
        {"square", 64, 64, 64, false, false},
        {"square", 128, 128, 128, false, false},
        {"square", 256, 256, 256, false, false},
        {"square", 512, 512, 512, false, false},
        {"square", 1000, 1000, 1000, false, false},
        {"square", 1024, 1024, 1024, false, false},
        {"square", 2048, 2048, 2048, false, false},
        {"few rows", 32, 1024, 288, false, false},
        {"few rows", 32, 128, 384, false, false},
        {"few rows", 64, 1000, 1000, false, false},
        {"linear", 64, 1000, 1000, false, true},
        {"linear", 2048, 128, 512, false, true},
        {"linear", 2048, 512, 128, false, true},
        {"weight's gradient", 512, 128, 2048, true, false},
        {"convolution's", 6, 784, 25, false, false},
        {"convolution's", 6, 25, 784, false, true},
        {"convolution's", 25, 784, 6, true, false},
        {"attention's", 128, 128, 64, false, true},
    };
    const bool doubles = argc > 1 && strcmp(argv[1], "f64") == 0;
    const double most = peak() / (doubles ? 2 : 1);
    printf("fused multiply-adds alone: %.1f GFLOP/s\n", most);
    puts("| | m x n x k | | libtinygrad | CBLAS | ratio | of the peak "
         "|\n|---|---|---|--:|--:|--:|--:|");
    for (size_t i = 0; i < sizeof shapes / sizeof *shapes; i++)
        run(&shapes[i], doubles, most);
    return 0;
}

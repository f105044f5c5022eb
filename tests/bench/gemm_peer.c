/* Square float products by the library's kernel and by a CBLAS beside it, one thread each: n, both in
 * GFLOP/s (medians), and their ratio. Run with OPENBLAS_NUM_THREADS=1. */
#define _POSIX_C_SOURCE 199309L
#include "kernels/gemm.h"

#include <cblas.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

enum { SAMPLES = 31 };

typedef struct product {
    int n;
    tgk_gemm *gemm;
    float *a, *b, *c;
    void *workspace;
} product;

static void ours(const product *p)
{
    tgk_gemm_args args = {.m = p->n,
                          .n = p->n,
                          .k = p->n,
                          .a = {p->a, p->n, 1},
                          .b = {p->b, p->n, 1},
                          .c = p->c,
                          .workspace = p->workspace};
    p->gemm(&args);
}

static void theirs(const product *p)
{
    cblas_sgemm(CblasRowMajor, CblasNoTrans, CblasNoTrans, p->n, p->n, p->n, 1, p->a, p->n, p->b,
                p->n, 0, p->c, p->n);
}

static double seconds(void (*multiply)(const product *), const product *p, int turns)
{
    struct timespec from, to;
    clock_gettime(CLOCK_MONOTONIC, &from);
    for (int i = 0; i < turns; i++)
        multiply(p);
    clock_gettime(CLOCK_MONOTONIC, &to);
    return (double)(to.tv_sec - from.tv_sec) + 1e-9 * (double)(to.tv_nsec - from.tv_nsec);
}

static int by_value(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

static void compare(const product *p)
{
    double flops = 2.0 * p->n * p->n * p->n, time[2][SAMPLES];
    int turns = 1 + (int)(2e7 / flops);
    seconds(ours, p, 1);
    seconds(theirs, p, 1);
    for (int i = 0; i < SAMPLES; i++) {
        time[0][i] = seconds(ours, p, turns);
        time[1][i] = seconds(theirs, p, turns);
    }
    double rate[2];
    for (int k = 0; k < 2; k++) {
        qsort(time[k], SAMPLES, sizeof *time[k], by_value);
        rate[k] = 1e-9 * flops * turns / time[k][SAMPLES / 2];
    }
    printf("| %d | %.1f | %.1f | %.2f |\n", p->n, rate[0], rate[1], rate[0] / rate[1]);
}

int main(void)
{
    static const int sizes[] = {4,  8,   12,  16,  24,  32,  48,   64,
                                96, 128, 192, 256, 384, 512, 1024, 2048};
    tgk_gemm *gemm = tgk_gemm_table[tgk_isa_best()][0];
    puts("| n | libtinygrad | CBLAS | ratio |\n|--:|--:|--:|--:|");
    for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
        size_t n = (size_t)sizes[i], bytes = n * n * sizeof(float);
        size_t workspace = tgk_gemm_workspace(sizes[i], sizes[i], sizes[i], sizeof(float));
        product p = {sizes[i],      gemm,          malloc(bytes),
                     malloc(bytes), malloc(bytes), malloc(workspace)};
        for (size_t k = 0; p.a && p.b && k < n * n; k++)
            p.a[k] = p.b[k] = (float)(k % 7) - 3;
        if (p.a && p.b && p.c && p.workspace)
            compare(&p);
        free(p.a);
        free(p.b);
        free(p.c);
        free(p.workspace);
    }
    return 0;
}

/* Matrix product over raw memory. Relies on nothing. */
#ifndef TGK_GEMM_H
#define TGK_GEMM_H

#include "kernels/isa.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* A matrix in memory: element (i, j) is at data[i * row + j * column]. */
typedef struct tgk_matrix {
    const void *data;
    int64_t row, column;
} tgk_matrix;

typedef struct tgk_gemm_args {
    int64_t m, n, k;
    tgk_matrix a, b;
    void *c;          /* [m][n] */
    int64_t row;      /* from one row of c to the next, in elements; 0: n */
    const void *bias; /* [n] or NULL, added last */
    bool accumulate;  /* start from what c holds instead of 0 */
    void *workspace;  /* tgk_gemm_workspace() bytes, unless the product is done in place */
} tgk_gemm_args;

/* c = a b + bias. Each element is a chain of fused multiply-adds in order of k from 0 on, so
 * that its bits depend neither on blocking nor on the machine. */
typedef void tgk_gemm(const tgk_gemm_args *args);

/* By instruction set and dtype (float, double). */
extern tgk_gemm *const tgk_gemm_table[TGK_ISAS][2];

/* Narrows a product to rows or columns start to end of the result. */
void tgk_gemm_rows(tgk_gemm_args *args, int64_t start, int64_t end, size_t size);
void tgk_gemm_columns(tgk_gemm_args *args, int64_t start, int64_t end, size_t size);

/* For a product with these sizes, or smaller ones, of elements of `size` bytes: no more than its matrices take
 * themselves, but for what is there to fill the last tiles. */
size_t tgk_gemm_workspace(int64_t m, int64_t n, int64_t k, size_t size);
/* Whether a product, and each of its rows or columns, needs no workspace. */
bool tgk_gemm_in_place(const tgk_gemm_args *args);

#endif

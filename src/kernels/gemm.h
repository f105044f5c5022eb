/* Matrix product over raw memory. Relies on nothing. */
#ifndef TGK_GEMM_H
#define TGK_GEMM_H

#include <stdint.h>

/* A matrix in memory: element (i, j) is at data[i * row + j * column]. */
typedef struct tgk_matrix {
    const void *data;
    int64_t row, column;
} tgk_matrix;

typedef struct tgk_gemm_args {
    int64_t m, n, k;
    tgk_matrix a, b;
    void *c;          /* [m][n], row-major */
    const void *bias; /* [n] or NULL, added last */
    void *packed;     /* room for k * n elements, or NULL where b.column is 1 */
} tgk_gemm_args;

/* c = a b + bias. Each element is a chain of fused multiply-adds in order of k from 0 on, so that its
 * bits depend neither on blocking nor on the machine. By dtype: float, double. */
typedef void tgk_gemm(const tgk_gemm_args *args);

extern tgk_gemm *const tgk_gemm_table[2];

#endif

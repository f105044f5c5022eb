/* See blas.h. */
#include "kernels/blas.h"

#ifdef TINYGRAD_BLAS
#include <cblas.h>

#include <limits.h>

/* Whether the matrix is one row or one column after the other, and how far apart they are. */
static bool layout(tgk_matrix m, int64_t rows, int64_t columns, CBLAS_TRANSPOSE *transposed,
                   int *stride)
{
    bool by_rows = m.column == 1 && m.row >= columns && m.row > 0;
    int64_t between = by_rows ? m.row : m.column;
    *transposed = by_rows ? CblasNoTrans : CblasTrans;
    *stride = (int)between;
    return (by_rows || (m.row == 1 && m.column >= rows && m.column > 0)) && between <= INT_MAX;
}

/* BLAS adds to c: the bias goes there first. */
static void start(const tgk_gemm_args *g, int64_t row, int dtype)
{
    for (int64_t i = 0; i < g->m; i++) {
        for (int64_t j = 0; j < g->n; j++) {
            if (dtype)
                ((double *)g->c)[i * row + j] = ((const double *)g->bias)[j];
            else
                ((float *)g->c)[i * row + j] = ((const float *)g->bias)[j];
        }
    }
}

bool tgk_blas_gemm(const tgk_gemm_args *g, int dtype)
{
    CBLAS_TRANSPOSE a, b;
    int row_a, row_b;
    int64_t row = g->row ? g->row : g->n;
    if (g->m > INT_MAX || g->n > INT_MAX || g->k > INT_MAX || row > INT_MAX || g->k == 0 ||
        (g->accumulate && g->bias) || !layout(g->a, g->m, g->k, &a, &row_a) ||
        !layout(g->b, g->k, g->n, &b, &row_b))
        return false;
    if (g->bias)
        start(g, row, dtype);
    double beta = g->accumulate || g->bias ? 1 : 0;
    int m = (int)g->m, n = (int)g->n, k = (int)g->k;
    if (dtype)
        cblas_dgemm(CblasRowMajor, a, b, m, n, k, 1, g->a.data, row_a, g->b.data, row_b, beta, g->c,
                    (int)row);
    else
        cblas_sgemm(CblasRowMajor, a, b, m, n, k, 1, g->a.data, row_a, g->b.data, row_b,
                    (float)beta, g->c, (int)row);
    return true;
}
#else
bool tgk_blas_gemm(const tgk_gemm_args *g, int dtype)
{
    (void)g;
    (void)dtype;
    return false;
}
#endif

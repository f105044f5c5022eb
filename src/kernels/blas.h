/* Matrix products by a CBLAS, in builds with TINYGRAD_BLAS; whose bits are its own affair. */
#ifndef TGK_BLAS_H
#define TGK_BLAS_H

#include "kernels/gemm.h"

/* Whether the product was done: false where there is no BLAS, or where it takes no such strides or
 * sizes. dtype 0: float, 1: double. */
bool tgk_blas_gemm(const tgk_gemm_args *args, int dtype);

#endif

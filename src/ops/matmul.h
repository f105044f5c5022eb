/* What matmul.c does for other operations that multiply matrices. */
#ifndef TG_OPS_MATMUL_H
#define TG_OPS_MATMUL_H

#include "record/map.h"

#include "kernels/gemm.h"

/* In forward: runs a product of the output's dtype, shared by the tape's threads. Without workspace
 * (which is room for as many products as there are threads) it takes its own. */
void tg_multiply(tg_node *node, tgk_gemm_args *args);

/* In forward: out = a b or, where it accumulates, out += a b; of two dims or more, batches broadcast. */
void tg_matmul_run(tg_node *node, const tg_tensor *a, const tg_tensor *b, bool accumulate);
/* For a backward function: the gradient a b of input i; that of input 0 comes last, and may then take over
 * its data. */
tg_tensor *tg_matmul_gradient(tg_node *node, int i, tg_tensor *a, tg_tensor *b);

/* The last two dims of a tensor. */
tgk_matrix tg_matrix_of(const tg_tensor *t);

/* The checks of x W^T + b; bias may be NULL. */
bool tg_check_linear(const tg_op *op, const tg_tensor *x, const tg_tensor *weight,
                     const tg_tensor *bias);

#endif

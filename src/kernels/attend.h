/* Scaled dot-product attention over raw memory, one slice (a head of a sample) after the other: a
 * few queries at a time, so that no more than a block of the weights is held. Bit for bit what
 * products, softmax and its gradient would make of whole matrices. Relies on gemm.h and softmax_rows.h. */
#ifndef TGK_ATTENTION_H
#define TGK_ATTENTION_H

#include "kernels/gemm.h"

/* What is added to the scores: nothing; a mask of one byte an element, -inf where it is 0; a mask of
 * the scores' own dtype. */
typedef enum tgk_mask_kind { TGK_NO_MASK, TGK_BOOL_MASK, TGK_FLOAT_MASK } tgk_mask_kind;

/* One slice: q is [queries][width], k [keys][width], v [keys][values]. Results are contiguous. */
typedef struct tgk_attention {
    int64_t queries, keys, width, values;
    double scale;
    bool causal; /* query i sees keys 0 to i */
    tgk_mask_kind mask_kind;
    tgk_matrix q, k, v, mask; /* mask: [queries][keys] */
    void *out;                /* [queries][values]; forward alone */
    tgk_matrix g;             /* backward: the upstream gradient, as out */
    void *dq, *dk, *dv;       /* like q, k, v; each may be NULL */
    void *dmask;              /* [queries][keys], or NULL */
    void *workspace;          /* tgk_attention_workspace() bytes */
} tgk_attention;

/* softmax(q k^T scale + mask) v, with weights of 0 in rows where the mask leaves nothing to see. By
 * instruction set and dtype (0: float, 1: double). */
void tgk_attention_forward(const tgk_attention *a, int isa, int dtype);
/* The gradients that are wanted. */
void tgk_attention_backward(const tgk_attention *a, int isa, int dtype);

uint64_t tgk_attention_workspace(const tgk_attention *a, size_t size);

#endif

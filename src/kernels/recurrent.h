/* LSTM and GRU over raw memory: all steps of a sequence, forward and backward, but for the products of
 * the inputs and of the weights' gradients, which are one each for all steps. Rows of the batch go
 * their ways apart, and are what threads share. Relies on gemm.h and team.h. */
#ifndef TGK_RECURRENT_H
#define TGK_RECURRENT_H

#include "kernels/gemm.h"
#include "kernels/team.h"

/* Gates of a step, in this order: LSTM input, forget, cell, output; GRU reset, update, new. What forward
 * keeps of a step: the gates and, LSTM, tanh(c); GRU, the own product of the new gate. */
enum { TGK_LSTM_GATES = 4, TGK_LSTM_KEPT = 5, TGK_GRU_GATES = 3, TGK_GRU_KEPT = 4 };

/* Everything is contiguous, and of one dtype. Where a sequence is walked from its start the state before
 * step t is number t of `h` and the one after it t + 1; from its end, t + 1 and t. */
typedef struct tgk_recurrent {
    bool gru, from_end;
    int64_t steps, rows, size;
    const void *in;         /* [steps][rows][gates * size]: products of the inputs, with biases */
    const void *weight;     /* [gates * size][size] */
    const void *bias;       /* [gates * size] of the own products, or NULL */
    const int64_t *lengths; /* [rows]: from there on the state stays as it is; NULL: all steps */
    void *h, *c;  /* [steps + 1][rows][size]; forward writes all but the first state. c: LSTM */
    void *kept;   /* [steps][rows][kept * size] */
    void *own;    /* forward: [rows][gates * size], workspace */
    void *packed; /* forward: tgk_recurrent_packed() bytes; NULL: there are too few steps for it */
    /* Backward: */
    const void *gh, *gc; /* the gradients of h, and of the last c [rows][size] */
    void *down;       /* of the own products; of the inputs' ones they are the same but, GRU ... */
    void *of_new;     /* ... [steps][rows][size]: the new gate's */
    void *dh, *dc;    /* [rows][size]: of the first state */
    void *by_product; /* [rows][size], workspace */
} tgk_recurrent;

size_t tgk_recurrent_packed(const tgk_recurrent *r, size_t size);

/* dtype: 0 float, 1 double. */
void tgk_recurrent_forward(tgk_team *team, int isa, int dtype, const tgk_recurrent *r);
void tgk_recurrent_backward(tgk_team *team, int isa, int dtype, const tgk_recurrent *r);

#endif

/* What a direction of an LSTM or GRU layer is made of, beside a linear layer of its inputs. */
#ifndef TG_OPS_RECURRENT_H
#define TG_OPS_RECURRENT_H

#include "record/apply.h"

/* Tensors of one float dtype that have been checked; bias, h0, c0 and lengths may be NULL. */
typedef struct tg_recurrent_steps {
    bool gru, from_end;
    tg_tensor *in;     /* (steps, rows, gates * size): products of the inputs, with biases */
    tg_tensor *weight; /* (gates * size, size) */
    tg_tensor *bias;   /* (gates * size), GRU alone: of the own products */
    tg_tensor *h0;     /* (rows, size) */
    tg_tensor *c0;     /* the same, LSTM alone */
    tg_tensor *lengths;
} tg_recurrent_steps;

/* All states h in the order of the steps, (steps + 1, rows, size): the first one stands before them, or
 * behind where they are walked from the end; then, LSTM, the last c. Where a row is over its state stays
 * as it is. NULL where `in` is. */
tg_tensor *tg_recurrent_states(const tg_recurrent_steps *s);
/* (steps, rows, 1): whether a row is over; NULL without lengths. */
tg_tensor *tg_recurrent_over(tg_tensor *lengths, int64_t steps);

#endif

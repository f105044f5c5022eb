/* The backward pass, for the functions that start one. Relies on tensor.h. */
#ifndef TG_AUTOGRAD_H
#define TG_AUTOGRAD_H

#include "tensor.h"

/* What tg_gradients() asks for: gradients of chosen tensors instead of those that are kept. */
typedef struct tg_request {
    tg_tensor *const *inputs;
    size_t n;
    tg_tensor **grads; /* results: room for them or, where the pass is recorded, NULL at first */
    bool *found;
} tg_request;

/* What is wrong with a tensor that cannot be used at all; TG_OK, or its tape's status, with one
 * that can. */
tg_status tg_check_output(const tg_tensor *out);
/* Whether a pass can start from `out` with that gradient, which may be NULL. */
bool tg_check_backward(const tg_tensor *out, const tg_tensor *grad_out);
/* Runs a pass; r NULL: the usual one. */
tg_status tg_backward_run(tg_tensor *out, tg_tensor *grad_out, const tg_backward_opts *opts,
                          const tg_request *r);

#endif

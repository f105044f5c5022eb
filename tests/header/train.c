/* The chapter of training by itself, in the common part of C99 and C++11. */
#include <tinygrad/train.h>

int main(void)
{
    const uint8_t rows[] = {3, 3};
    tg_tape *tape = tg_tape_new(NULL);
    tg_params *params = tg_params_new(tape);
    tg_tensor *w = tg_params_add(params, tg_ones(tape, TG_DIMS(1), TG_REQUIRES_GRAD), "w%d", 0);
    tg_optim *optim = tg_sgd(tape, tg_params_unique(params), tg_params_unique_count(params), NULL);
    tg_optim_set_lr(optim, tg_lr_step(0.5, 0, 1, 1));
    int good = tg_backward(w) == TG_OK && tg_clip_grad_norm(&w, 1, 2, 0) == 1;
    good = good && tg_optim_step(optim) == TG_OK && tg_item(w) == 0.5;
    tg_batches *batches = tg_batches_new(tape, 2, 1, NULL);
    tg_tensor *x = tg_zeros(tape, TG_DIMS(1), 0);
    good = good && tg_batches_start(batches) == TG_OK && tg_batches_next(batches);
    good = good && tg_batches_read_as(batches, rows, TG_ARRAY_U8, x) == TG_OK && tg_item(x) == 3;
    good = good && tg_error(tape) == TG_OK;
    tg_tape_free(tape);
    return !good;
}

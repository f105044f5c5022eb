/* The chapter of operations by itself, in the common part of C99 and C++11. */
#include <tinygrad/ops.h>

int main(void)
{
    tg_tape *tape = tg_tape_new(NULL);
    tg_tensor *w = tg_full(tape, TG_DIMS(2, 3), 2, TG_REQUIRES_GRAD);
    tg_tensor *loss = tg_sum(tg_matmul(w, tg_transpose(w, 0, 1)));
    int good = tg_item(loss) == 48 && tg_backward(loss) == TG_OK;
    good = good && tg_item(tg_max(tg_grad(w))) == 8;
    good = good && tg_error(tape) == TG_OK;
    tg_tape_free(tape);
    return !good;
}

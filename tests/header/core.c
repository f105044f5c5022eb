/* The chapter of the tape by itself, in the common part of C99 and C++11. */
#include <tinygrad/core.h>

int main(void)
{
    tg_tape *tape = tg_tape_new(NULL);
    tg_mark mark = tg_tape_mark(tape);
    tg_tensor *x = tg_full(tape, TG_DIMS(1), 2.5, TG_REQUIRES_GRAD);
    int good = tg_numel(x) == 1 && tg_item(x) == 2.5;
    good = good && tg_backward(x) == TG_OK && tg_item(tg_grad(x)) == 1;
    good = good && tg_tape_rewind(tape, mark) == TG_OK && tg_error(tape) == TG_OK;
    tg_tape_free(tape);
    return !good;
}

/* The chapter of looking by itself, in the common part of C99 and C++11. */
#include <tinygrad/look.h>

static tg_tensor *same(tg_tensor *const *inputs, size_t n, void *context)
{
    return n == 1 && !context ? inputs[0] : NULL;
}

int main(void)
{
    tg_tape *tape = tg_tape_new(NULL);
    tg_set_profile_enabled(tape, true);
    tg_tensor *x = tg_ones(tape, TG_DIMS(2), TG_F64 | TG_REQUIRES_GRAD);
    int good = tg_print(stdout, x) == TG_OK && tg_gradcheck(same, NULL, &x, 1, NULL) == TG_OK;
    good = good && tg_memory(tape).data > 0 && tg_print_memory(stdout, tape, 1) == TG_OK;
    good = good && tg_profile(tape, NULL, 0) > 0 && tg_print_profile(stdout, tape) == TG_OK;
    good = good && tg_write_dot(stdout, tape, tg_tape_mark(tape)) == TG_OK;
    good = good && tg_error(tape) == TG_OK;
    tg_tape_free(tape);
    return !good;
}

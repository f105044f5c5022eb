#include <tinygrad.h>

#include <cstdio>

int main()
{
    tg_tape *tape = tg_tape_new(nullptr);
    tg_manual_seed(tape, 40431);
    tg_tensor *outputs = tg_randn(tape, TG_DIMS(3, 5), TG_REQUIRES_GRAD);
    const int64_t classes[] = {1, 0, 3};
    tg_tensor *targets = tg_from_i64(tape, classes, TG_DIMS(3), 0);
    tg_tensor *loss = tg_cross_entropy(outputs, targets, nullptr);
    tg_print(stdout, loss);
    tg_backward(loss);
    tg_print(stdout, tg_grad(outputs));
    tg_tape_free(tape);
    std::puts(tg_version());
    return 0;
}

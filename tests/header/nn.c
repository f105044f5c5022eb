/* The chapter of networks by itself, in the common part of C99 and C++11. */
#include <tinygrad/nn.h>

int main(void)
{
    const int64_t classes[] = {1, 0};
    tg_tape *tape = tg_tape_new(NULL);
    tg_tensor *logits = tg_zeros(tape, TG_DIMS(2, 3), TG_REQUIRES_GRAD);
    tg_kaiming_uniform_(logits, NULL);
    tg_tensor *targets = tg_from_i64(tape, classes, TG_DIMS(2), 0);
    tg_tensor *loss = tg_cross_entropy(tg_silu(logits), targets, NULL);
    int good = tg_item(loss) > 0 && tg_backward(loss) == TG_OK && tg_grad(logits) != NULL;
    good = good && tg_item(tg_mse_loss(logits, logits, TG_SUM)) == 0;
    good = good && tg_error(tape) == TG_OK;
    tg_linear_layer none = tg_nn_linear(NULL, 3, 2, NULL, "layer%d", 1);
    good = good && none.weight == NULL && tg_nn_apply_linear(NULL, &none) == NULL;
    tg_tape_free(tape);
    return !good;
}

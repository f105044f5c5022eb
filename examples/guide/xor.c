/* Exclusive or, by a network of two layers. */
#include <tinygrad.h>

int main(void)
{
    tg_tape *tape = tg_tape_new(NULL);
    tg_manual_seed(tape, 1);
    tg_tensor *x = tg_from_f32(tape, (float[]){0, 0, 0, 1, 1, 0, 1, 1}, TG_DIMS(4, 2), 0);
    tg_tensor *y = tg_from_i64(tape, (int64_t[]){0, 1, 1, 0}, TG_DIMS(4), 0);

    tg_params *list = tg_params_new(tape);
    tg_linear_layer hidden = tg_nn_linear(list, 2, 8, NULL, "hidden");
    tg_linear_layer out = tg_nn_linear(list, 8, 2, NULL, "out");
    tg_optim *optim = tg_sgd(tape, tg_params_unique(list), tg_params_unique_count(list),
                             &(tg_sgd_opts){.lr = 0.5});
    tg_tensor *logits = NULL;
    tg_mark start = tg_tape_mark(tape);
    for (int step = 1; step <= 200 && !tg_error(tape); step++) {
        tg_tape_rewind(tape, start);
        logits = tg_nn_apply_linear(tg_tanh(tg_nn_apply_linear(x, &hidden)), &out);
        tg_tensor *loss = tg_cross_entropy(logits, y, NULL);
        tg_optim_zero_grad(optim);
        tg_backward(loss);
        tg_optim_step(optim);
        if (step % 50 == 0)
            printf("step %d  loss %.4f\n", step, tg_item(loss));
    }
    tg_print(stdout, tg_argmax_dim(logits, 1, false));
    if (tg_error(tape))
        fprintf(stderr, "%s\n", tg_error_message(tape));
    int failed = tg_error(tape) != TG_OK;
    tg_tape_free(tape);
    return failed;
}

/* The example of the documentation of cross-entropy: three rows of raw outputs for five classes and
 * the class that each row should have been. The loss is -log(softmax(outputs)[target]), averaged
 * over the rows, and its gradient is softmax(outputs) - 1 at the target, over the number of
 * rows. */
#include <tinygrad.h>

int main(void)
{
    tg_tape *tape = tg_tape_new(NULL);
    tg_manual_seed(tape, 40431);
    tg_tensor *outputs = tg_randn(tape, TG_DIMS(3, 5), TG_REQUIRES_GRAD);
    tg_tensor *targets = tg_from_i64(tape, (int64_t[]){1, 0, 3}, TG_DIMS(3), 0);
    tg_tensor *loss = tg_cross_entropy(outputs, targets, NULL);
    tg_print(stdout, loss);
    tg_backward(loss);
    puts("is the loss of 3 rows of outputs for 5 classes. Its gradient, a number an output:");
    tg_print(stdout, tg_grad(outputs));

    /* Softmax turns the outputs into a probability distribution: each row sums to 1. */
    tg_tensor *probabilities = tg_softmax(outputs, 1);
    puts("The outputs as probabilities, by softmax:");
    tg_print(stdout, probabilities);
    puts("The sum of each row of them:");
    tg_print(stdout, tg_sum_dim(probabilities, 1, false));

    tg_status status = tg_error(tape);
    if (status)
        fprintf(stderr, "cross_entropy: %s\n", tg_error_message(tape));
    tg_tape_free(tape);
    return status ? 1 : 0;
}

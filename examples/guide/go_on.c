/* Trains a network, saves it, and PyTorch goes on from there: see go_on.py. The arguments are the file
 * to write and, where PyTorch was there, the file that it wrote, which is read back. */
#include <tinygrad/io.h>

static tg_tensor *forward(tg_tensor *x, const tg_linear_layer layers[2])
{
    return tg_nn_apply_linear(tg_tanh(tg_nn_apply_linear(x, &layers[0])), &layers[1]);
}

/* nn.Sequential(nn.Linear(2, 8), nn.Tanh(), nn.Linear(8, 2)): its layers are 0 and 2. */
static void make(tg_params *list, tg_linear_layer layers[2])
{
    layers[0] = tg_nn_linear(list, 2, 8, NULL, "0");
    layers[1] = tg_nn_linear(list, 8, 2, NULL, "2");
}

static void train(tg_tape *tape, const tg_params *list, const tg_linear_layer layers[2],
                  tg_tensor *x, tg_tensor *y)
{
    tg_optim *optim = tg_sgd(tape, tg_params_unique(list), tg_params_unique_count(list),
                             &(tg_sgd_opts){.lr = 0.5});
    tg_mark start = tg_tape_mark(tape);
    for (int step = 0; step < 50 && !tg_error(tape); step++) {
        tg_tape_rewind(tape, start);
        tg_optim_zero_grad(optim);
        tg_backward(tg_cross_entropy(forward(x, layers), y, NULL));
        tg_optim_step(optim);
    }
}

int main(int argc, char **argv)
{
    if (argc < 2 || argc > 3) {
        fprintf(stderr, "usage: %s TO.safetensors [FROM.safetensors]\n", argv[0]);
        return 2;
    }
    tg_tape *tape = tg_tape_new(NULL);
    tg_manual_seed(tape, 1);
    tg_tensor *x = tg_from_f32(tape, (float[]){0, 0, 0, 1, 1, 0, 1, 1}, TG_DIMS(4, 2), 0);
    tg_tensor *y = tg_from_i64(tape, (int64_t[]){0, 1, 1, 0}, TG_DIMS(4), 0);
    tg_params *list = tg_params_new(tape);
    tg_linear_layer layers[2];
    make(list, layers);
    if (argc == 3) {
        tg_load_safetensors(argv[2], list, NULL);
    } else {
        train(tape, list, layers, x, y);
        tg_save_safetensors(argv[1], list, NULL);
    }
    printf("loss %.4f\n", tg_item(tg_cross_entropy(forward(x, layers), y, NULL)));
    int failed = tg_error(tape) != TG_OK;
    if (failed)
        fprintf(stderr, "%s\n", tg_error_message(tape));
    tg_tape_free(tape);
    return failed;
}

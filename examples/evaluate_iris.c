/* Loads the network of iris.c from a safetensors file, which PyTorch may have written, and evaluates
 * it: evaluate_iris FILE. data/iris.safetensors was trained in PyTorch by tests/io/train_iris.py; what
 * iris --save writes has the same names. Needs tinygrad-io. */
#include "support/iris.h"

#include <tinygrad/io.h>

enum { HIDDEN = 16 };

/* The names of PyTorch's nn.Sequential(nn.Linear(4, 16), nn.ReLU(), nn.Linear(16, 3)). `partial`: a
 * file may hold more, such as an optimiser's state. */
static tg_params *read_model(tg_tape *tape, const char *path)
{
    tg_params *model = tg_params_new(tape);
    tg_params_add(model, tg_zeros(tape, TG_DIMS(HIDDEN, IRIS_FEATURES), 0), "0.weight");
    tg_params_add(model, tg_zeros(tape, TG_DIMS(HIDDEN), 0), "0.bias");
    tg_params_add(model, tg_zeros(tape, TG_DIMS(IRIS_SPECIES, HIDDEN), 0), "2.weight");
    tg_params_add(model, tg_zeros(tape, TG_DIMS(IRIS_SPECIES), 0), "2.bias");
    tg_load_safetensors(path, model, &(tg_load_opts){.partial = true});
    return model;
}

static tg_tensor *forward(const tg_params *model, tg_tensor *x)
{
    tg_tensor *hidden =
        tg_relu(tg_linear(x, tg_params_find(model, "0.weight"), tg_params_find(model, "0.bias")));
    return tg_linear(hidden, tg_params_find(model, "2.weight"), tg_params_find(model, "2.bias"));
}

static void evaluate(tg_tape *tape, const tg_params *model, const iris *flowers)
{
    tg_tensor *x = tg_from_f32(tape, flowers->features[0], TG_DIMS(IRIS_FLOWERS, IRIS_FEATURES), 0);
    tg_tensor *y = tg_from_i64(tape, flowers->species, TG_DIMS(IRIS_FLOWERS), 0);
    tg_tensor *logits = forward(model, x);
    tg_tensor *loss = tg_cross_entropy(logits, y, NULL);
    if (!tg_error(tape))
        printf("loss %.4f  accuracy %.2f%%\n", tg_item(loss), 100 * iris_accuracy(flowers, logits));
}

int main(int argc, char **argv)
{
    iris flowers;
    if (argc != 2) {
        fprintf(stderr, "usage: evaluate_iris FILE\n");
        return 2;
    }
    if (!iris_read(&flowers, NULL))
        return 1;

    tg_tape *tape = tg_tape_new(NULL);
    const tg_params *model = read_model(tape, argv[1]);
    evaluate(tape, model, &flowers);
    tg_status status = tg_error(tape);
    if (status)
        fprintf(stderr, "evaluate_iris: %s\n", tg_error_message(tape));
    tg_tape_free(tape);
    return status ? 1 : 0;
}

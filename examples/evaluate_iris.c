/* Loads the network of iris.c from a safetensors file, which PyTorch may have written, and
 * evaluates it: evaluate_iris FILE. data/iris.safetensors was trained in PyTorch by
 * tests/io/train_iris.py; a checkpoint of iris --save will do as well. Needs tinygrad-io. */
#include "support/iris.h"

#include <tinygrad/io.h>

enum { HIDDEN = 16 };

typedef struct model {
    tg_linear_layer hidden, out;
} model;

/* The names of PyTorch's nn.Sequential(nn.Linear(4, 16), nn.ReLU(), nn.Linear(16, 3)). A checkpoint
 * has "model." before them, and more that is passed over. */
static model read_model(tg_tape *tape, const char *path)
{
    const char *prefix = "";
    if (tg_params_find(tg_read_safetensors(tape, path), "model.0.weight"))
        prefix = "model.";
    tg_params *list = tg_params_new(tape);
    model m = {.hidden = tg_nn_linear(list, IRIS_FEATURES, HIDDEN, NULL, "%s0", prefix)};
    m.out = tg_nn_linear(list, HIDDEN, IRIS_SPECIES, NULL, "%s2", prefix);
    tg_load_safetensors(path, list, &(tg_load_opts){.partial = true});
    return m;
}

static tg_tensor *forward(const model *m, tg_tensor *x)
{
    return tg_nn_apply_linear(tg_relu(tg_nn_apply_linear(x, &m->hidden)), &m->out);
}

static void evaluate(tg_tape *tape, const model *m, const iris *flowers, const char *path)
{
    tg_tensor *x = tg_from_f32(tape, flowers->features[0], TG_DIMS(IRIS_FLOWERS, IRIS_FEATURES), 0);
    tg_tensor *y = tg_from_i64(tape, flowers->species, TG_DIMS(IRIS_FLOWERS), 0);
    tg_tensor *logits = forward(m, x);
    tg_tensor *loss = tg_cross_entropy(logits, y, NULL);
    if (!tg_error(tape))
        printf("%s: loss %.4f  accuracy %.2f%%\n", path, tg_item(loss),
               100 * iris_accuracy(flowers, logits));
}

int main(int argc, char **argv)
{
    iris flowers;
    if (argc != 2) {
        fprintf(stderr, "usage: evaluate_iris FILE\n"
                        "FILE: examples/data/iris.safetensors, or what iris --save wrote\n");
        return 2;
    }
    if (!iris_read(&flowers, NULL))
        return 1;

    tg_tape *tape = tg_tape_new(NULL);
    model m = read_model(tape, argv[1]);
    evaluate(tape, &m, &flowers, argv[1]);
    tg_status status = tg_error(tape);
    if (status)
        fprintf(stderr, "evaluate_iris: %s\n", tg_error_message(tape));
    tg_tape_free(tape);
    return status ? 1 : 0;
}

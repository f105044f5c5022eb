/* Logistic regression on a CSV file: is a flower a virginica or a versicolor? Rows are four numbers
 * and a name; the file is the program's argument. */
#include <tinygrad.h>

#include <string.h>

enum { MOST = 1000, FEATURES = 4 };

typedef struct table {
    int64_t n;
    float x[MOST][FEATURES], y[MOST][1];
} table;

static bool read_csv(const char *path, table *t)
{
    FILE *file = fopen(path, "r");
    char line[256], name[64];
    t->n = 0;
    while (file && t->n < MOST && fgets(line, sizeof line, file)) {
        float *x = t->x[t->n];
        if (sscanf(line, "%f,%f,%f,%f,%63s", &x[0], &x[1], &x[2], &x[3], name) != 5)
            continue; /* the head of the table */
        if (!strstr(name, "setosa"))
            t->y[t->n++][0] = strstr(name, "virginica") ? 1 : 0;
    }
    if (file)
        fclose(file);
    return t->n > 0;
}

static void train(tg_tape *tape, const table *t)
{
    tg_tensor *x = tg_from_f32(tape, t->x[0], TG_DIMS(t->n, FEATURES), 0);
    tg_tensor *y = tg_from_f32(tape, t->y[0], TG_DIMS(t->n, 1), 0);
    /* Each column with mean 0 and deviation 1. */
    x = tg_div(tg_sub(x, tg_mean_dim(x, 0, true)), tg_std_dim(x, 0, true));
    tg_params *list = tg_params_new(tape);
    tg_linear_layer line = tg_nn_linear(list, FEATURES, 1, NULL, "line");
    tg_optim *optim = tg_adam(tape, tg_params_unique(list), tg_params_unique_count(list),
                              &(tg_adam_opts){.lr = 0.1});
    tg_mark start = tg_tape_mark(tape);
    for (int step = 1; step <= 200 && !tg_error(tape); step++) {
        tg_tape_rewind(tape, start);
        tg_tensor *logits = tg_nn_apply_linear(x, &line);
        tg_tensor *loss = tg_bce_with_logits_loss(logits, y, NULL);
        tg_optim_zero_grad(optim);
        tg_backward(loss);
        tg_optim_step(optim);
        if (step % 100 == 0) {
            tg_tensor *positive = tg_gt_scalar(logits, 0),
                      *right = tg_eq(positive, tg_to(y, TG_BOOL));
            printf("step %d  loss %.4f  right %.0f of %d\n", step, tg_item(loss),
                   tg_item(tg_sum(tg_to(right, TG_F32))), (int)t->n);
        }
    }
    puts("weight and bias, for columns with mean 0 and deviation 1:");
    tg_print(stdout, line.weight);
    tg_print(stdout, line.bias);
}

int main(int argc, char **argv)
{
    static table t;
    if (argc != 2 || !read_csv(argv[1], &t)) {
        fprintf(stderr, "usage: %s TABLE.csv\n", argv[0]);
        return 2;
    }
    tg_tape *tape = tg_tape_new(NULL);
    train(tape, &t);
    int failed = tg_error(tape) != TG_OK;
    if (failed)
        fprintf(stderr, "%s\n", tg_error_message(tape));
    tg_tape_free(tape);
    return failed;
}

/* The smallest honest training loop: three clouds of points in the plane, a network with one hidden
 * layer, cross-entropy and stochastic gradient descent. Each step rewinds the tape to the same
 * mark, which frees all that the former step made; the parameters and their gradients stand before
 * the mark and stay. */
#include <tinygrad.h>

enum { CLASSES = 3, PER_CLASS = 40, POINTS = CLASSES * PER_CLASS, HIDDEN = 16, STEPS = 200 };

/* The label of each point, and the centre of its cloud: PER_CLASS points a class. */
static tg_tensor *make_labels(tg_tape *tape)
{
    int64_t labels[POINTS];
    for (int i = 0; i < POINTS; i++)
        labels[i] = i / PER_CLASS;
    return tg_from_i64(tape, labels, TG_DIMS(POINTS), 0);
}

static tg_tensor *make_points(tg_tape *tape)
{
    static const float centres[CLASSES][2] = {{0, 2}, {-2, -1}, {2, -1}};
    tg_tensor *centre = tg_from_f32(tape, centres[0], TG_DIMS(CLASSES, 1, 2), 0);
    tg_tensor *noise = tg_randn(tape, TG_DIMS(CLASSES, PER_CLASS, 2), 0);
    return tg_reshape(tg_add(centre, noise), TG_DIMS(POINTS, 2));
}

typedef struct model {
    tg_params *list;
    tg_linear_layer hidden, out;
} model;

static model make_model(tg_tape *tape)
{
    model m = {.list = tg_params_new(tape)};
    m.hidden = tg_nn_linear(m.list, 2, HIDDEN, NULL, "hidden");
    m.out = tg_nn_linear(m.list, HIDDEN, CLASSES, NULL, "out");
    return m;
}

static tg_tensor *forward(const model *m, tg_tensor *x)
{
    return tg_nn_apply_linear(tg_relu(tg_nn_apply_linear(x, &m->hidden)), &m->out);
}

static void train(tg_tape *tape, const model *m, tg_tensor *points, tg_tensor *labels)
{
    tg_optim *optim = tg_sgd(tape, tg_params_unique(m->list), tg_params_unique_count(m->list),
                             &(tg_sgd_opts){.lr = 0.1, .momentum = 0.9});
    tg_mark start = tg_tape_mark(tape);
    for (int step = 1; step <= STEPS && !tg_error(tape); step++) {
        tg_tape_rewind(tape, start);
        tg_tensor *loss = tg_cross_entropy(forward(m, points), labels, NULL);
        tg_optim_zero_grad(optim);
        tg_backward(loss);
        tg_optim_step(optim);
        if (step == 1 || step % 50 == 0)
            printf("step %3d  loss %.4f\n", step, tg_item(loss));
    }
}

static void evaluate(tg_tape *tape, const model *m, tg_tensor *points)
{
    tg_set_grad_enabled(tape, false);
    tg_tensor *probabilities = tg_softmax(forward(m, points), 1);
    const float *p = tg_f32(probabilities);
    int right = 0;
    for (int i = 0; i < POINTS && p; i++) {
        int best = 0;
        for (int c = 1; c < CLASSES; c++)
            best = p[i * CLASSES + c] > p[i * CLASSES + best] ? c : best;
        right += best == i / PER_CLASS;
    }
    printf("accuracy %d of %d; probabilities at the three centres and between them:\n", right,
           POINTS);
    tg_tensor *probes = tg_from_f32(tape, (float[]){0, 2, -2, -1, 2, -1, 0, 0}, TG_DIMS(4, 2), 0);
    tg_print(stdout, tg_softmax(forward(m, probes), 1));
}

/* The plane as the network divides it, a character for each point's class. */
static void draw(tg_tape *tape, const model *m)
{
    enum { ROWS = 13, COLUMNS = 41 };
    float at[ROWS * COLUMNS][2];
    for (int i = 0; i < ROWS * COLUMNS; i++) {
        at[i][0] = 0.25F * (float)(i % COLUMNS) - 5;
        at[i][1] = 4 - 0.5F * (float)(i / COLUMNS);
    }
    tg_tensor *points = tg_from_f32(tape, at[0], TG_DIMS(ROWS * COLUMNS, 2), 0);
    const int64_t *classes = tg_i64(tg_argmax_dim(forward(m, points), 1, false));
    puts("the plane from (-5, 4) to (5, -2), a character for each class:");
    for (int i = 0; i < ROWS * COLUMNS && classes; i++)
        printf("%c%s", "^-o"[classes[i]], (i + 1) % COLUMNS ? "" : "\n");
}

int main(void)
{
    tg_tape *tape = tg_tape_new(NULL);
    tg_manual_seed(tape, 1);
    tg_tensor *points = make_points(tape), *labels = make_labels(tape);
    model m = make_model(tape);
    train(tape, &m, points, labels);
    evaluate(tape, &m, points);
    draw(tape, &m);

    tg_status status = tg_error(tape);
    if (status)
        fprintf(stderr, "train: %s\n", tg_error_message(tape));
    tg_tape_free(tape);
    return status ? 1 : 0;
}

/* A network that solves an equation without data: heat in a rod, u_t = a u_xx, cold at both ends, a sine
 * at the beginning. The loss asks for the equation at random points, by derivatives of the network in its
 * inputs (tg_gradients(), twice), and for the edges. Shows the solution, and how far it is from the true
 * one, e^(-a pi^2 t) sin(pi x). --picture FILE has it as a picture (PGM), time downwards. */
#include "support/run.h"
#include "support/step.h"

#include <math.h>

enum { HIDDEN = 32, INSIDE = 256, EDGE = 64, STEPS = 50 };
enum { COLUMNS = 49, ROWS = 13 }; /* of what is shown */

static const double diffusivity = 0.1, pi = 3.14159265358979323846;

typedef struct model {
    tg_params *list;
    tg_linear_layer first, second, last;
    tg_optim *optim;
} model;

static model make_model(tg_tape *tape, double lr)
{
    model m = {.list = tg_params_new(tape)};
    m.first = tg_nn_linear(m.list, 2, HIDDEN, NULL, "first");
    m.second = tg_nn_linear(m.list, HIDDEN, HIDDEN, NULL, "second");
    m.last = tg_nn_linear(m.list, HIDDEN, 1, NULL, "last");
    m.optim = tg_adam(tape, tg_params_unique(m.list), tg_params_unique_count(m.list),
                      &(tg_adam_opts){.lr = lr});
    return m;
}

/* Places and times (n, 2), each in [0, 1), to u (n, 1). */
static tg_tensor *forward(const model *m, tg_tensor *at)
{
    tg_tensor *h = tg_tanh(tg_nn_apply_linear(at, &m->first));
    return tg_nn_apply_linear(tg_tanh(tg_nn_apply_linear(h, &m->second)), &m->last);
}

/* The derivatives of u in place and time, (n, 2): each element of u depends on its own row alone. */
static tg_tensor *derivatives(tg_tensor *u, tg_tensor *at)
{
    tg_tensor *slopes = NULL;
    tg_gradients(tg_sum(u), NULL, &at, 1, &slopes, &(tg_backward_opts){.create_graph = true});
    return slopes;
}

/* u_t - a u_xx at random points. */
static tg_tensor *residual(const model *m, tg_tape *tape)
{
    tg_tensor *at = tg_rand(tape, TG_DIMS(INSIDE, 2), TG_REQUIRES_GRAD);
    tg_tensor *slopes = derivatives(forward(m, at), at);
    tg_tensor *curvature = tg_select(derivatives(tg_select(slopes, 1, 0), at), 1, 0);
    return tg_sub(tg_select(slopes, 1, 1), tg_mul_scalar(curvature, diffusivity));
}

/* How far u is from sin(pi x) at time 0, and from 0 at both ends. */
static tg_tensor *edges(const model *m, tg_tape *tape)
{
    tg_tensor *any = tg_rand(tape, TG_DIMS(EDGE, 1), 0),
              *zero = tg_zeros(tape, TG_DIMS(EDGE, 1), 0);
    tg_tensor *end =
        tg_to(tg_gt_scalar(tg_rand(tape, TG_DIMS(EDGE, 1), 0), 0.5), TG_F32); /* 0 or 1 */
    tg_tensor *beginning = tg_cat((tg_tensor *[]){any, zero}, 2, 1);
    tg_tensor *u = forward(m, beginning), *v = forward(m, tg_cat((tg_tensor *[]){end, any}, 2, 1));
    return tg_cat((tg_tensor *[]){tg_sub(u, tg_sin(tg_mul_scalar(any, pi))), v}, 2, 0);
}

static tg_tensor *record(void *context, int64_t size)
{
    (void)size;
    const model *m = context;
    tg_tape *tape = tg_tape_of(m->first.weight);
    /* One after the other: both draw, and C leaves the order of arguments open. */
    tg_tensor *inside = tg_mean(tg_square(residual(m, tape)));
    tg_tensor *loss = tg_add(inside, tg_mean(tg_square(edges(m, tape))));
    tg_optim_zero_grad(m->optim);
    tg_backward(loss);
    tg_optim_step(m->optim);
    return loss;
}

/* The solution on a grid, (rows * columns, 1), times downwards. */
static tg_tensor *solution(tg_tape *tape, const model *m, int64_t rows, int64_t columns)
{
    tg_tensor *x =
        tg_expand(tg_arange(tape, 0, 1 + 0.5 / (double)columns, 1 / (double)(columns - 1), 0),
                  TG_DIMS(rows, columns));
    tg_tensor *t = tg_arange(tape, 0, 1 + 0.5 / (double)rows, 1 / (double)(rows - 1), 0);
    t = tg_expand(tg_unsqueeze(t, 1), TG_DIMS(rows, columns));
    return forward(m,
                   tg_reshape(tg_stack((tg_tensor *[]){x, t}, 2, 2), TG_DIMS(rows * columns, 2)));
}

static void show(tg_tape *tape, const model *m)
{
    const float *u = tg_f32(solution(tape, m, ROWS, COLUMNS));
    double worst = 0;
    for (int i = 0; u && i < ROWS; i++) {
        for (int k = 0; k < COLUMNS; k++) {
            double x = k / (double)(COLUMNS - 1), t = i / (double)(ROWS - 1),
                   v = (double)u[i * COLUMNS + k];
            worst = fmax(worst, fabs(v - exp(-diffusivity * pi * pi * t) * sin(pi * x)));
            putchar(" .:-=+*#%@"[(int)(9.99 * fmin(fmax(v, 0), 1))]);
        }
        putchar('\n');
    }
    if (u)
        printf("largest difference from the true solution: %.1e\n", worst);
}

static bool write_picture(tg_tape *tape, const model *m, const char *path)
{
    enum { SIDE = 256 };
    const float *u = tg_f32(solution(tape, m, SIDE, SIDE));
    FILE *file = u ? fopen(path, "wb") : NULL;
    if (!file) {
        perror(path);
        return false;
    }
    fprintf(file, "P5\n%d %d\n255\n", SIDE, SIDE);
    for (int i = 0; i < SIDE * SIDE; i++)
        putc((int)(255.5 * fmin(fmax((double)u[i], 0), 1)), file);
    return fclose(file) == 0;
}

int main(int argc, char **argv)
{
    const char *picture = NULL;
    const run_option own[] = {
        {"picture", "write the solution to this file, as PGM", .text = &picture}};
    run r = {.seed = 1, .epochs = 160, .lr = 3e-3, .own = own, .n_own = 1};
    int code = run_start(&r, argc, argv);
    if (code >= 0)
        return code;
    tg_tape *tape = tg_tape_new(NULL);
    tg_manual_seed(tape, r.seed);
    model m = make_model(tape, r.lr);
    step s = {.record = record, .context = &m, .size = INSIDE, .eager = r.eager};
    run_begin(&r, tape, m.list, m.optim);
    while (run_next(&r)) {
        double sum = 0;
        tg_optim_set_lr(m.optim, tg_lr_cosine(r.lr, r.epoch - 1, r.epochs, 0));
        for (int i = 0; i < STEPS; i++)
            sum += step_run(&s, tape, INSIDE);
        run_report(&r, &(run_epoch){sum / (double)STEPS, (double)NAN, (double)NAN,
                                    (int64_t)STEPS * INSIDE});
    }
    run_save(&r);
    tg_set_grad_enabled(tape, false);
    show(tape, &m);
    bool written = !picture || write_picture(tape, &m, picture);
    code = run_finish(&r);
    code = written ? code : 1;
    tg_tape_free(tape);
    return code;
}

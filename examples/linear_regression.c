/* A straight line through Fisher's irises: petal width from petal length, least squares. Gradient
 * descent walks to it; Newton's method, whose Hessian is the gradient of the gradient, is there in
 * one step, because the loss is quadratic. Both are held against the textbook's formula. */
#include "support/iris.h"
#include "support/run.h"
#include "support/step.h"

#include <math.h>

enum { SLOPE, INTERCEPT, COEFFICIENTS, PETAL_WIDTH = 3 };

/* x has a column of ones, so that a line is one product: [150, 2] times [2]. */
typedef struct problem {
    tg_tensor *x, *y;
} problem;

static problem make_problem(tg_tape *tape, const iris *flowers)
{
    double x[IRIS_FLOWERS][COEFFICIENTS], y[IRIS_FLOWERS];
    for (int i = 0; i < IRIS_FLOWERS; i++) {
        x[i][SLOPE] = (double)flowers->features[i][IRIS_PETAL_LENGTH];
        x[i][INTERCEPT] = 1;
        y[i] = (double)flowers->features[i][PETAL_WIDTH];
    }
    return (problem){tg_from_f64(tape, x[0], TG_DIMS(IRIS_FLOWERS, COEFFICIENTS), 0),
                     tg_from_f64(tape, y, TG_DIMS(IRIS_FLOWERS), 0)};
}

static tg_tensor *loss_of(const problem *p, tg_tensor *w)
{
    return tg_mse_loss(tg_matmul(p->x, w), p->y, TG_MEAN);
}

static void print_line(const char *name, const problem *p, tg_tensor *w)
{
    const double *c = tg_f64(w);
    if (c)
        printf("%-26s width = %.8f length %+.8f   loss %.10f\n", name, c[SLOPE], c[INTERCEPT],
               tg_item(loss_of(p, w)));
}

static void least_squares(const problem *p, tg_tape *tape)
{
    tg_tensor *x = tg_select(p->x, 1, SLOPE);
    tg_tensor *dx = tg_sub(x, tg_mean(x));
    double slope = tg_item(tg_div(tg_sum(tg_mul(dx, p->y)), tg_sum(tg_mul(dx, dx))));
    double intercept = tg_item(tg_mean(p->y)) - slope * tg_item(tg_mean(x));
    print_line("least squares", p,
               tg_from_f64(tape, (double[]){slope, intercept}, TG_DIMS(COEFFICIENTS), 0));
}

/* What a step of gradient descent works with. */
typedef struct descent {
    const problem *problem;
    tg_tensor *w;
    tg_optim *optim;
} descent;

static tg_tensor *record(void *context, int64_t size)
{
    const descent *d = context;
    (void)size; /* always all of the flowers */
    tg_tensor *loss = loss_of(d->problem, d->w);
    tg_optim_zero_grad(d->optim);
    tg_backward(loss);
    tg_optim_step(d->optim);
    return loss;
}

static void descend(run *r, tg_tape *tape, descent *d)
{
    step s = {.record = record, .context = d, .size = IRIS_FLOWERS, .eager = r->eager};
    while (run_next(r)) {
        double loss = step_run(&s, tape, IRIS_FLOWERS);
        if (r->terminal || r->curve || r->epoch % 20 == 0)
            run_report(r, &(run_epoch){loss, (double)NAN, (double)NAN, IRIS_FLOWERS});
    }
}

/* Column i of the Hessian: the gradient of the gradient's element i. */
static void hessian(tg_tensor *loss, tg_tensor *w, double *gradient, double h[2][2])
{
    tg_tensor *g = NULL, *column = NULL;
    tg_gradients(loss, NULL, &w, 1, &g, &(tg_backward_opts){.create_graph = true});
    for (int i = 0; i < COEFFICIENTS; i++) {
        gradient[i] = tg_item(tg_select(g, 0, i));
        tg_gradients(tg_select(g, 0, i), NULL, &w, 1, &column, NULL);
        const double *c = tg_f64(column);
        for (int k = 0; k < COEFFICIENTS; k++)
            h[k][i] = c ? c[k] : 0;
    }
}

/* w - H^-1 g, by Cramer's rule. */
static void newton_step(const problem *p, tg_tensor *w)
{
    double g[2], h[2][2];
    hessian(loss_of(p, w), w, g, h);
    double *c = tg_data_mut(w);
    if (!c)
        return;
    double determinant = h[0][0] * h[1][1] - h[0][1] * h[1][0];
    c[SLOPE] -= (h[1][1] * g[0] - h[0][1] * g[1]) / determinant;
    c[INTERCEPT] -= (h[0][0] * g[1] - h[1][0] * g[0]) / determinant;
}

int main(int argc, char **argv)
{
    run r = {.epochs = 200, .lr = 0.03};
    iris flowers;
    int code = run_start(&r, argc, argv);
    if (code >= 0)
        return code;
    if (!iris_read(&flowers, r.data))
        return 1;

    tg_tape *tape = tg_tape_new(NULL);
    tg_params *list = tg_params_new(tape);
    tg_tensor *w = tg_zeros(tape, TG_DIMS(COEFFICIENTS), TG_F64 | TG_REQUIRES_GRAD);
    tg_tensor *v = tg_zeros(tape, TG_DIMS(COEFFICIENTS), TG_F64 | TG_REQUIRES_GRAD);
    problem p = make_problem(tape, &flowers);
    tg_params_add(list, w, "weight");
    tg_optim *optim = tg_sgd(tape, &w, 1, &(tg_sgd_opts){.lr = r.lr, .momentum = 0.9});
    run_begin(&r, tape, list, optim);
    tg_optim_set_lr(optim, r.lr);
    descend(&r, tape, &(descent){&p, w, optim});
    run_save(&r);
    if (!tg_error(tape)) {
        newton_step(&p, v);
        print_line("gradient descent", &p, w);
        print_line("Newton's method, one step", &p, v);
        least_squares(&p, tape);
    }
    code = run_finish(&r);
    tg_tape_free(tape);
    return code;
}

/* Gradients through a simulation: how must a ball be thrown, through air that slows it down, to hit a
 * target? By Newton's method, whose linear equations are solved by conjugate gradients: these want
 * products of the Hessian with vectors alone, each of them the gradient of a gradient times a vector. */
#include <tinygrad.h>

#include <math.h>

enum { STEPS = 50, XY = 2 };

/* The square of the distance from the target after a second; v (2) is the velocity at the start. */
static tg_tensor *miss(tg_tensor *v)
{
    tg_tape *tape = tg_tape_of(v);
    const double dt = 1.0 / (double)STEPS, drag = 0.1;
    tg_tensor *at = tg_zeros(tape, TG_DIMS(XY), TG_F64);
    tg_tensor *gravity = tg_from_f64(tape, (double[]){0, -9.81}, TG_DIMS(XY), 0);
    for (int i = 0; i < STEPS; i++) {
        tg_tensor *speed = tg_sqrt(tg_sum(tg_square(v)));
        tg_tensor *slower = tg_mul_scalar(tg_mul(v, speed), drag);
        v = tg_add(v, tg_mul_scalar(tg_sub(gravity, slower), dt));
        at = tg_add(at, tg_mul_scalar(v, dt));
    }
    tg_tensor *target = tg_from_f64(tape, (double[]){8, 1}, TG_DIMS(XY), 0);
    return tg_sum(tg_square(tg_sub(at, target)));
}

/* H d, for a gradient g of v that has a graph of its own. */
static void hessian_product(tg_tensor *g, tg_tensor *v, const double d[XY], double result[XY])
{
    tg_tensor *along = tg_sum(tg_mul(g, tg_from_f64(tg_tape_of(v), d, TG_DIMS(XY), 0))), *h = NULL;
    tg_gradients(along, NULL, &v, 1, &h, NULL);
    const double *values = tg_f64(h);
    for (int i = 0; i < XY; i++)
        result[i] = values ? values[i] : (double)NAN;
}

static double dot(const double a[XY], const double b[XY])
{
    return a[0] * b[0] + a[1] * b[1];
}

/* x such that H x = g: in two dims, two steps are enough. */
static void solve(tg_tensor *g, tg_tensor *v, double x[XY])
{
    const double *b = tg_f64(g);
    double r[XY] = {b ? b[0] : 0, b ? b[1] : 0}, d[XY] = {r[0], r[1]}, hd[XY];
    x[0] = x[1] = 0;
    for (int k = 0; k < XY && dot(r, r) > 1e-30; k++) {
        hessian_product(g, v, d, hd);
        double before = dot(r, r), alpha = before / dot(d, hd);
        for (int i = 0; i < XY; i++) {
            x[i] += alpha * d[i];
            r[i] -= alpha * hd[i];
        }
        double beta = dot(r, r) / before;
        for (int i = 0; i < XY; i++)
            d[i] = r[i] + beta * d[i];
    }
}

int main(void)
{
    tg_tape *tape = tg_tape_new(NULL);
    tg_tensor *v = tg_from_f64(tape, (double[]){10, 5}, TG_DIMS(XY), TG_REQUIRES_GRAD);
    tg_mark start = tg_tape_mark(tape);
    for (int step = 0; step <= 4 && !tg_error(tape); step++) {
        tg_tape_rewind(tape, start);
        tg_tensor *loss = miss(v), *g = NULL;
        tg_gradients(loss, NULL, &v, 1, &g, &(tg_backward_opts){.create_graph = true});
        printf("step %d  thrown (%.6f, %.6f)  misses by %.2e\n", step, tg_f64(v)[0], tg_f64(v)[1],
               sqrt(tg_item(loss)));
        double x[XY];
        solve(g, v, x);
        double *to = tg_data_mut(v);
        for (int i = 0; i < XY && to; i++)
            to[i] -= x[i];
    }
    int failed = tg_error(tape) != TG_OK;
    if (failed)
        fprintf(stderr, "%s\n", tg_error_message(tape));
    tg_tape_free(tape);
    return failed;
}

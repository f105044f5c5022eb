/* A polynomial of the third degree through the sine, in float64. */
#include <tinygrad.h>

enum { POINTS = 100, COEFFICIENTS = 4 };

/* The mean square of the distance from the sine, of powers (POINTS, 4) times c (4). */
static tg_tensor *loss_of(tg_tensor *powers, tg_tensor *sine, tg_tensor *c)
{
    return tg_mse_loss(tg_matmul(powers, c), sine, TG_MEAN);
}

int main(void)
{
    tg_tape *tape = tg_tape_new(NULL);
    tg_tensor *x =
        tg_add_scalar(tg_mul_scalar(tg_arange(tape, 0, POINTS, 1, TG_F64), 6.0 / (POINTS - 1)), -3);
    tg_tensor *columns[COEFFICIENTS] = {tg_ones(tape, TG_DIMS(POINTS), TG_F64), x};
    for (int i = 2; i < COEFFICIENTS; i++)
        columns[i] = tg_mul(columns[i - 1], x);
    tg_tensor *powers = tg_stack(columns, COEFFICIENTS, 1), *sine = tg_sin(x);

    tg_tensor *c = tg_zeros(tape, TG_DIMS(COEFFICIENTS), TG_F64 | TG_REQUIRES_GRAD);
    tg_optim *optim = tg_adam(tape, &c, 1, &(tg_adam_opts){.lr = 0.05});
    tg_mark start = tg_tape_mark(tape);
    for (int step = 1; step <= 500 && !tg_error(tape); step++) {
        tg_tape_rewind(tape, start);
        tg_tensor *loss = loss_of(powers, sine, c);
        tg_optim_zero_grad(optim);
        tg_backward(loss);
        tg_optim_step(optim);
        if (step % 250 == 0)
            printf("step %d  loss %.12f\n", step, tg_item(loss));
    }
    const double *v = tg_f64(c);
    if (v)
        printf("sin x = %+.6f %+.6f x %+.6f x^2 %+.6f x^3, nearly\n", v[0], v[1], v[2], v[3]);
    int failed = tg_error(tape) != TG_OK;
    if (failed)
        fprintf(stderr, "%s\n", tg_error_message(tape));
    tg_tape_free(tape);
    return failed;
}

/* An operation of one's own: squareplus(x) = (x + sqrt(x^2 + 4)) / 2, a smooth relu without exp. It
 * is a constant of type tg_op and a function that records it; from then on it is like a built-in
 * one. */
#include <tinygrad/op.h>

#include <math.h>

/* Written so that nothing cancels where x is far below 0. */
static double squareplus_of(double x)
{
    double root = sqrt(x * x + 4);
    return x < 0 ? 2 / (root - x) : (x + root) / 2;
}

/* Fills the output from the input, which is contiguous: see squareplus(). */
static void squareplus_forward(tg_node *node)
{
    const tg_tensor *x = node->in[0];
    int64_t n = tg_numel(x);
    if (tg_dtype(x) == TG_F32) {
        float *y = tg_out_data(node);
        for (int64_t i = 0; i < n; i++)
            y[i] = (float)squareplus_of((double)tg_f32(x)[i]);
    } else {
        double *y = tg_out_data(node);
        for (int64_t i = 0; i < n; i++)
            y[i] = squareplus_of(tg_f64(x)[i]);
    }
}

/* dy/dx = y / (2 y - x), written in operations, so that it can be differentiated again. */
static void squareplus_backward(tg_node *node, tg_tensor *grad_out, tg_tensor **grad_in)
{
    tg_tensor *x = node->in[0], *y = node->out;
    grad_in[0] = tg_mul(grad_out, tg_div(y, tg_sub(tg_mul_scalar(y, 2), x)));
}

static const tg_op squareplus_op = {.name = "squareplus",
                                    .forward = squareplus_forward,
                                    .backward = squareplus_backward,
                                    .reads = {TG_READS_IN(0) | TG_READS_OUT}};

static tg_tensor *squareplus(tg_tensor *x)
{
    x = tg_contiguous(x);
    if (!tg_check_inputs(&squareplus_op, 1, &x))
        return NULL;
    if (tg_dtype(x) != TG_F32 && tg_dtype(x) != TG_F64) {
        tg_fail(tg_tape_of(x), TG_EDTYPE, "squareplus: wanted a float tensor");
        return NULL;
    }
    return tg_apply(&(tg_call){.op = &squareplus_op,
                               .n_in = 1,
                               .in = &x,
                               .dtype = tg_dtype(x),
                               .ndim = tg_ndim(x),
                               .dims = tg_sizes(x)});
}

/* The form that tg_gradcheck() wants. */
static tg_tensor *checked(tg_tensor *const *inputs, size_t n, void *context)
{
    (void)n;
    (void)context;
    return squareplus(inputs[0]);
}

static void check_gradients(tg_tape *tape)
{
    tg_tensor *x = tg_from_f64(tape, (double[]){-3, -0.5, 0, 0.5, 3}, TG_DIMS(5), TG_REQUIRES_GRAD);
    for (int order = 1; order <= 2; order++) {
        tg_gradcheck_opts opts = {.second_order = order == 2};
        tg_status status = tg_gradcheck(checked, NULL, &x, 1, &opts);
        printf("gradients of order %d: %s\n", order, status ? tg_error_message(tape) : "right");
    }
}

int main(void)
{
    tg_tape *tape = tg_tape_new(NULL);
    tg_manual_seed(tape, 7);
    check_gradients(tape);

    /* In a loss, beside built-in operations. */
    tg_tensor *x = tg_randn(tape, TG_DIMS(4, 3), 0);
    tg_tensor *w = tg_randn(tape, TG_DIMS(2, 3), TG_REQUIRES_GRAD);
    tg_tensor *classes = tg_from_i64(tape, (int64_t[]){0, 1, 1, 0}, TG_DIMS(4), 0);
    tg_tensor *loss = tg_cross_entropy(squareplus(tg_linear(x, w, NULL)), classes, NULL);
    tg_print(stdout, loss);
    tg_backward(loss);
    tg_print(stdout, tg_grad(w));

    tg_status status = tg_error(tape);
    if (status)
        fprintf(stderr, "custom_op: %s\n", tg_error_message(tape));
    tg_tape_free(tape);
    return status ? 1 : 0;
}

/* An operation of one's own, in the common part of C99 and C++11; op.h comes first and alone. */
#include <tinygrad/op.h>

static void square_forward(tg_node *node)
{
    const float *x = tg_f32(node->in[0]);
    float *out = (float *)tg_out_data(node);
    for (int64_t i = 0; i < tg_numel(node->out); i++)
        out[i] = x[i] * x[i];
}

static void square_backward(tg_node *node, tg_tensor *grad_out, tg_tensor **grad_in)
{
    if (tg_needs_grad(node, 0))
        grad_in[0] = tg_mul(grad_out, tg_mul_scalar(node->in[0], 2));
}

static const tg_op square_op = {"square", square_forward, square_backward, {TG_READS_IN(0)}};

static tg_tensor *square(tg_tensor *x)
{
    static tg_call empty;
    tg_tensor *in[1];
    in[0] = x;
    if (!tg_check_inputs(&square_op, 1, in))
        return NULL;
    if (tg_dtype(x) != TG_F32 || !tg_is_contiguous(x)) {
        tg_fail(tg_tape_of(x), TG_EDTYPE, "square: dtype %d", tg_dtype(x));
        return NULL;
    }
    tg_call call = empty;
    call.op = &square_op;
    call.n_in = 1;
    call.in = in;
    call.dtype = TG_F32;
    call.ndim = tg_ndim(x);
    call.dims = tg_sizes(x);
    return tg_apply(&call);
}

/* The same by position: new fields come behind those that are there, and in structs of their own
 * where they are not for everybody. */
static tg_tensor *square_again(tg_tensor *x)
{
    tg_tensor *in[1];
    in[0] = x;
    const tg_call call = {&square_op, 1, in, TG_F32, tg_ndim(x), tg_sizes(x), NULL,
                          0,          0, 0,  NULL,   NULL,       0,           NULL};
    return tg_check_inputs(&square_op, 1, in) ? tg_apply(&call) : NULL;
}

int main(void)
{
    tg_tape *tape = tg_tape_new(NULL);
    tg_tensor *x = tg_full(tape, TG_DIMS(2, 2), 3, TG_REQUIRES_GRAD);
    tg_backward(tg_sum(square(x)));
    const float *grad = tg_f32(tg_grad(x));
    int good = grad != NULL && grad[0] == 6 && grad[3] == 6;
    good = good && tg_item(square_again(tg_full(tape, TG_SCALAR, 5, 0))) == 25;
    good = good && square(tg_full(tape, TG_SCALAR, 3, TG_F64)) == NULL;
    good = good && tg_error(tape) == TG_EDTYPE;
    if (!good)
        printf("failed: %s\n", tg_error_message(tape));
    tg_tape_free(tape);
    return !good;
}

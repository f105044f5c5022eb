/* Calls and what comes of them. See op_table.h. */
#include "op_table.h"

#include <tinygrad/op.h>

tg_tensor *op_call(const op_row *row, const op_args *args)
{
    if (row->unary)
        return row->unary(args->in[0]);
    if (row->binary)
        return row->binary(args->in[0], args->in[1]);
    return row->build(args);
}

tg_tensor *op_upstream(const op_case *c, tg_tensor *y, int number)
{
    double values[SNAPSHOT_NUMEL];
    uint64_t state = c->seed + 77777 + (uint64_t)number;
    int64_t n = tg_numel(y);
    for (int64_t i = 0; i < n && i < SNAPSHOT_NUMEL; i++)
        values[i] = random_between(&state, -1, 1);
    return tensor_from(tg_tape_of(y), values, tg_ndim(y), tg_sizes(y), tg_dtype(y));
}

void op_gradients(const op_args *args, op_outcome *out)
{
    for (int i = 0; i < OP_MAX_IN; i++)
        out->grad[i] = snapshot_of(i < args->n ? tg_grad(args->leaf[i]) : NULL);
}

void op_finish(const op_case *c, const op_args *args, tg_tensor *y, op_outcome *out)
{
    OP_CHECK(c, y && !tg_error(args->tape), "%s", tg_error_message(args->tape));
    out->out = snapshot_of(y);
    OP_CHECK(c, out->out.dtype >= 0, "no snapshot: %s", tg_error_message(args->tape));
    if (tg_requires_grad(y))
        tg_backward_with(y, op_upstream(c, y, 0), NULL);
    OP_CHECK(c, !tg_error(args->tape), "backward: %s", tg_error_message(args->tape));
    op_gradients(args, out);
}

const char *op_difference(const op_outcome *a, const op_outcome *b)
{
    static const char *const names[] = {"gradient of input 0", "gradient of input 1",
                                        "gradient of input 2"};
    if (!snapshot_same(&a->out, &b->out))
        return "result";
    for (int i = 0; i < OP_MAX_IN; i++) {
        if (!snapshot_same(&a->grad[i], &b->grad[i]))
            return names[i];
    }
    return NULL;
}

void op_eager(const op_case *c, tg_tape *tape, op_layout layout, op_outcome *out)
{
    op_args args;
    OP_CHECK(c, op_inputs(c, tape, layout, &args), "inputs: %s", tg_error_message(tape));
    op_finish(c, &args, op_call(c->row, &args), out);
}

tg_tensor *op_squares(const op_case *c, const op_args *args, tg_tensor *y)
{
    const tg_backward_opts graph = {.create_graph = true};
    tg_tensor *sum = NULL;
    if (!tg_requires_grad(y) || tg_backward_with(y, op_upstream(c, y, 0), &graph))
        return NULL;
    for (int i = 0; i < args->n; i++) {
        tg_tensor *g = tg_grad(args->leaf[i]);
        tg_tensor *term = g ? tg_sum(tg_mul(g, g)) : NULL;
        sum = sum && term ? tg_add(sum, term) : term ? term : sum;
    }
    for (int i = 0; i < args->n; i++)
        tg_zero_grad(args->leaf[i]);
    return tg_requires_grad(sum) ? sum : NULL;
}

bool op_second_order(const op_case *c, const op_args *args, tg_tensor *y)
{
    tg_tensor *sum = op_squares(c, args, y);
    return sum && !tg_backward(sum);
}

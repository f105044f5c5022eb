/* Every operation with its data given back between forward and backward: the same bits, first and
 * second order, as with all data in place. What a gradient reads and does not say so (tg_op.reads)
 * is read through a null pointer here. Over all rows of op_table.h. */
#include "op_table.h"

typedef enum giving { NOTHING, RELEASE, CHECKPOINT, BACKWARD, GRAPH } giving;

static void give(const op_case *c, giving what, tg_tape *tape, tg_mark mark, tg_tensor *const *keep)
{
    size_t n = what == GRAPH ? 2 : 1;
    tg_status status = what == RELEASE || what == GRAPH ? tg_release(tape, mark, keep, n)
                       : what == CHECKPOINT             ? tg_checkpoint(tape, mark, keep, n)
                                                        : TG_OK;
    OP_CHECK(c, !status, "%s", tg_error_message(tape));
}

/* The operation on results, so that its inputs can be given back as well; then a sum of its output
 * in other proportions. NULL where no gradient goes through it. */
static tg_tensor *weighted(const op_case *c, op_args *args)
{
    tg_tensor *y = op_call(c->row, args);
    OP_CHECK(c, y && !tg_error(args->tape), "%s", tg_error_message(args->tape));
    return tg_requires_grad(y) ? tg_sum(tg_mul(y, op_upstream(c, y, 0))) : NULL;
}

/* Gradients of the gradients, of a pass whose own data were given back as well. */
static void second_order(const op_case *c, giving what, op_args *args, tg_mark mark, tg_tensor *z)
{
    tg_tensor *squares = op_squares(c, args, z);
    if (squares && what == GRAPH)
        give(c, what, args->tape, mark, (tg_tensor *[]){z, squares});
    if (squares)
        tg_backward(squares);
}

/* Gradients of one order; false where there are none. */
static bool outcome(const op_case *c, giving what, op_layout layout, bool second, op_outcome *out)
{
    op_args args;
    tg_tape *tape = tg_tape_new(NULL);
    OP_CHECK(c, op_inputs(c, tape, layout, &args), "inputs: %s", tg_error_message(tape));
    tg_mark mark = tg_tape_mark(tape);
    for (int i = 0; i < args.n && !(c->row->is & OP_IN_PLACE); i++) {
        if (tg_requires_grad(args.in[i]))
            args.in[i] = tg_mul_scalar(args.in[i], 1);
    }
    tg_tensor *z = weighted(c, &args);
    if (z) {
        if (what != GRAPH)
            give(c, what, tape, mark, &z);
        if (second)
            second_order(c, what, &args, mark, z);
        else
            tg_backward_with(z, NULL,
                             &(tg_backward_opts){.release_since = what == BACKWARD ? &mark : NULL});
        OP_CHECK(c, !tg_error(tape), "backward: %s", tg_error_message(tape));
        out->out = snapshot_of(z);
        op_gradients(&args, out);
    }
    tg_tape_free(tape);
    return z;
}

static void compare(const op_case *c, giving what, bool second)
{
    op_layout last = c->row->is & OP_IN_PLACE ? PLAIN : EXPANDED;
    for (op_layout layout = PLAIN; layout <= last; layout++) {
        op_outcome got, want;
        bool any = outcome(c, NOTHING, layout, second, &want);
        OP_CHECK(c, outcome(c, what, layout, second, &got) == any, "no result");
        const char *difference = any ? op_difference(&got, &want) : NULL;
        OP_CHECK(c, !difference, "layout %d: %s", (int)layout, difference);
    }
}

static void release(const op_case *c)
{
    compare(c, RELEASE, false);
}

static void release_second_order(const op_case *c)
{
    if (!(c->row->is & OP_RANDOM))
        compare(c, RELEASE, true);
}

static void release_graph(const op_case *c)
{
    if (!(c->row->is & OP_RANDOM))
        compare(c, GRAPH, true);
}

static void checkpoint(const op_case *c)
{
    compare(c, CHECKPOINT, false);
}

static void backward(const op_case *c)
{
    compare(c, BACKWARD, false);
}

int main(int argc, char **argv)
{
    static const op_test tests[] = {
        {.name = "release", .run = release},
        {.name = "release_second_order", .run = release_second_order, .f64_only = true},
        {.name = "release_graph", .run = release_graph, .f64_only = true},
        {.name = "checkpoint", .run = checkpoint},
        {.name = "backward", .run = backward},
    };
    return op_run("ops and memory given back", tests, sizeof tests / sizeof tests[0],
                  argc > 1 ? argv[1] : NULL);
}

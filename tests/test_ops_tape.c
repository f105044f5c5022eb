/* What the tape promises of every operation: nothing recorded without gradients, replay as
 * eager, bad inputs and errors reported with everything else as it was. Over all rows of
 * op_table.h. */
#include "op_table.h"

#include <string.h>

#include <tinygrad/op.h>

static tg_tape *tape_with_inputs(const op_case *c, op_layout layout, op_args *args)
{
    tg_tape *tape = tg_tape_new(NULL);
    OP_CHECK(c, op_inputs(c, tape, layout, args), "inputs: %s", tg_error_message(tape));
    return tape;
}

/* The same case with other values in its inputs. */
static op_case with_other_values(const op_case *c)
{
    op_case other = *c;
    other.round = 1;
    return other;
}

static bool is_input(const op_args *args, const tg_tensor *y)
{
    for (int i = 0; i < args->n; i++) {
        if (args->in[i] == y)
            return true;
    }
    return false;
}

/* --- no grad --- */

static void no_grad(const op_case *c)
{
    op_args args;
    tg_tape *tape = tape_with_inputs(c, PLAIN, &args);
    tg_mark mark = tg_tape_mark(tape);
    OP_CHECK(c, tg_set_grad_enabled(tape, false), "gradients are off at first");
    tg_tensor *y = op_call(c->row, &args);
    OP_CHECK(c, y, "%s", tg_error_message(tape));
    OP_CHECK(c, !tg_set_grad_enabled(tape, true), "the call turned gradients on");
    bool creation = args.n == 0;
    OP_CHECK(c, creation || is_input(&args, y) || !tg_requires_grad(y), "y requires a gradient");
    op_case other = with_other_values(c);
    OP_CHECK(c, op_overwrite(&other, &args, PLAIN), "%s", tg_error_message(tape));
    snapshot before = snapshot_of(y);
    OP_CHECK(c, !tg_tape_replay(tape, mark), "%s", tg_error_message(tape));
    snapshot after = snapshot_of(y);
    OP_CHECK(c, snapshot_same(&before, &after), "a replay ran the call again");
    tg_tape_free(tape);
}

/* The numbers are the same whether or not they are recorded. */
static void no_grad_same(const op_case *c)
{
    op_outcome off, on;
    for (int enabled = 0; enabled < 2; enabled++) {
        op_args args;
        tg_tape *tape = tape_with_inputs(c, PLAIN, &args);
        tg_set_grad_enabled(tape, enabled);
        tg_tensor *y = op_call(c->row, &args);
        OP_CHECK(c, y, "%s", tg_error_message(tape));
        (enabled ? &on : &off)->out = snapshot_of(y);
        tg_tape_free(tape);
    }
    OP_CHECK(c, snapshot_same(&on.out, &off.out), "other values without gradients");
}

/* --- replay --- */

/* What eager calls give on the values that a replay met; random operations draw the second time. */
static void eager_again(const op_case *c, op_layout layout, op_outcome *out)
{
    op_args args;
    tg_tape *tape = tape_with_inputs(c, layout, &args);
    if (c->row->is & OP_RANDOM)
        OP_CHECK(c, op_call(c->row, &args), "%s", tg_error_message(tape));
    op_finish(c, &args, op_call(c->row, &args), out);
    tg_tape_free(tape);
}

static void replay(const op_case *c)
{
    op_case other = with_other_values(c);
    op_layout last = c->row->is & OP_IN_PLACE ? PLAIN : EXPANDED;
    for (op_layout layout = PLAIN; layout <= last; layout++) {
        tg_tape *tape = tg_tape_new(NULL);
        op_args args;
        op_outcome got, want;
        tg_mark start = tg_tape_mark(tape);
        OP_CHECK(c, op_inputs(c, tape, layout, &args), "inputs: %s", tg_error_message(tape));
        tg_tensor *y = op_call(c->row, &args);
        OP_CHECK(c, op_overwrite(&other, &args, layout), "%s", tg_error_message(tape));
        OP_CHECK(c, !tg_tape_replay(tape, start), "%s", tg_error_message(tape));
        op_finish(c, &args, y, &got);
        eager_again(&other, layout, &want);
        const char *difference = op_difference(&got, &want);
        OP_CHECK(c, !difference, "layout %d replayed: %s", (int)layout, difference);
        tg_tape_free(tape);
    }
}

/* A recorded backward pass is run again like everything else. */
static void replay_graph(const op_case *c)
{
    op_args args;
    op_outcome got, want;
    tg_tape *tape = tg_tape_new(NULL);
    tg_mark start = tg_tape_mark(tape);
    OP_CHECK(c, op_inputs(c, tape, PLAIN, &args), "inputs: %s", tg_error_message(tape));
    tg_tensor *y = op_call(c->row, &args);
    const tg_backward_opts graph = {.create_graph = true};
    if (!tg_requires_grad(y) || c->row->is & OP_RANDOM) {
        tg_tape_free(tape);
        return;
    }
    tg_backward_with(y, op_upstream(c, y, 0), &graph);
    op_case other = with_other_values(c);
    OP_CHECK(c, op_overwrite(&other, &args, PLAIN), "%s", tg_error_message(tape));
    OP_CHECK(c, !tg_tape_replay(tape, start), "%s", tg_error_message(tape));
    got.out = snapshot_of(y);
    op_gradients(&args, &got);
    tg_tape_free(tape);

    tape = tape_with_inputs(&other, PLAIN, &args);
    y = op_call(c->row, &args);
    want.out = snapshot_of(y);
    tg_backward_with(y, op_upstream(c, y, 0), &graph);
    op_gradients(&args, &want);
    OP_CHECK(c, !tg_error(tape), "%s", tg_error_message(tape));
    const char *difference = op_difference(&got, &want);
    OP_CHECK(c, !difference, "gradients replayed: %s", difference);
    tg_tape_free(tape);
}

/* --- capture --- */

/* A gradient for y that is computed, so that it can be captured. */
static tg_tensor *computed_upstream(tg_tensor *y)
{
    tg_tensor *count = tg_arange(tg_tape_of(y), 0, (double)tg_numel(y), 1, tg_dtype(y));
    return tg_reshape(tg_sin(tg_add_scalar(count, 1)), tg_ndim(y), tg_sizes(y));
}

/* Call and backward pass. */
static tg_tensor *call_and_back(const op_case *c, const op_args *args)
{
    tg_tensor *y = op_call(c->row, args);
    if (tg_requires_grad(y))
        tg_backward_with(y, computed_upstream(y), NULL);
    OP_CHECK(c, y && !tg_error(args->tape), "%s", tg_error_message(args->tape));
    return y;
}

static void captured_again(const op_case *c, const op_args *args, op_layout layout)
{
    tg_capture *step = tg_capture_begin(args->tape);
    tg_tensor *y = call_and_back(c, args);
    OP_CHECK(c, !tg_capture_end(step), "%s", tg_error_message(args->tape));
    /* A result that went in is not computed again, and keeps its value. */
    op_case other = strchr(c->s->in, 'r') ? *c : with_other_values(c);
    OP_CHECK(c, op_overwrite(&other, args, layout), "%s", tg_error_message(args->tape));
    for (int i = 0; i < args->n; i++)
        tg_zero_grad(args->leaf[i]);
    OP_CHECK(c, !tg_capture_replay(step), "%s", tg_error_message(args->tape));

    op_args fresh;
    op_outcome got, want;
    tg_tape *tape = tape_with_inputs(&other, layout, &fresh);
    if (c->row->is & OP_RANDOM)
        op_call(c->row, &fresh);
    want.out = snapshot_of(call_and_back(&other, &fresh));
    got.out = snapshot_of(y);
    op_gradients(args, &got);
    op_gradients(&fresh, &want);
    const char *difference = op_difference(&got, &want);
    OP_CHECK(c, !difference, "layout %d captured: %s", (int)layout, difference);
    tg_tape_free(tape);
}

static void refused_in_capture(const op_case *c)
{
    op_args args;
    tg_tape *tape = tape_with_inputs(c, PLAIN, &args);
    tg_capture *step = tg_capture_begin(tape);
    OP_CHECK(c, !op_call(c->row, &args) && tg_error(tape) == TG_ESTATE, "it is not refused");
    OP_CHECK(c, op_speaks(c->row, tg_error_message(tape)), "\"%s\"", tg_error_message(tape));
    OP_CHECK(c, tg_capture_end(step) == TG_ESTATE, "the capture is whole");
    tg_tape_free(tape);
}

static void capture(const op_case *c)
{
    if (c->row->is & OP_UNCAPTURED) {
        refused_in_capture(c);
        return;
    }
    op_layout last = c->row->is & OP_IN_PLACE ? PLAIN : EXPANDED;
    for (op_layout layout = PLAIN; layout <= last; layout++) {
        op_args args;
        tg_tape *tape = tape_with_inputs(c, layout, &args);
        captured_again(c, &args, layout);
        tg_tape_free(tape);
    }
}

/* A plain pass and a recorded one give the same bits, and so does the second order twice. */
static void graph_same(const op_case *c)
{
    op_args args, again;
    op_outcome plain, graph, second, third;
    tg_tape *tape = tape_with_inputs(c, PLAIN, &args);
    tg_tensor *y = op_call(c->row, &args);
    op_finish(c, &args, y, &plain);
    op_inputs(c, tape, PLAIN, &again);
    if (tg_requires_grad(y) && !(c->row->is & OP_RANDOM)) {
        tg_tensor *z = op_call(c->row, &again);
        tg_backward_with(z, op_upstream(c, z, 0), &(tg_backward_opts){.create_graph = true});
        graph.out = snapshot_of(z);
        op_gradients(&again, &graph);
        const char *difference = op_difference(&plain, &graph);
        OP_CHECK(c, !difference, "with create_graph: %s", difference);
        for (int i = 0; i < args.n; i++)
            tg_zero_grad(args.leaf[i]), tg_zero_grad(again.leaf[i]);
        op_second_order(c, &args, y);
        op_gradients(&args, &second);
        op_second_order(c, &again, z);
        op_gradients(&again, &third);
        second.out = third.out = plain.out;
        difference = op_difference(&second, &third);
        OP_CHECK(c, !difference, "second order: %s", difference);
    }
    OP_CHECK(c, !tg_error(tape), "%s", tg_error_message(tape));
    tg_tape_free(tape);
}

/* --- bad inputs --- */

/* The call gave NULL with that error; once it is cleared, good inputs give good results. */
static void expect_error(const op_case *c, tg_tape *tape, const op_args *good, tg_status status,
                         const char *what)
{
    OP_CHECK(c, tg_error(tape) == status, "%s: status %d, wanted %d: %s", what, tg_error(tape),
             status, tg_error_message(tape));
    OP_CHECK(c, op_speaks(c->row, tg_error_message(tape)), "%s: the message is \"%s\"", what,
             tg_error_message(tape));
    tg_clear_error(tape);
    op_outcome got, want;
    tg_manual_seed(tape, 9);
    op_finish(c, good, op_call(c->row, good), &got);
    tg_tape *fresh = tg_tape_new(NULL);
    tg_manual_seed(fresh, 9);
    op_eager(c, fresh, PLAIN, &want);
    tg_tape_free(fresh);
    const char *difference = op_difference(&got, &want);
    OP_CHECK(c, !difference, "%s, after the error: %s", what, difference);
}

/* Whether there is an input but number i. */
static bool has_another(const op_args *args, int i)
{
    for (int k = 0; k < args->n; k++) {
        if (k != i && args->in[k])
            return true;
    }
    return false;
}

static bool is_optional(const op_case *c, const op_args *args, int i)
{
    if (c->row->is & OP_OPTIONAL_FROM_3)
        return i >= 3;
    return c->row->is & OP_OPTIONAL_IN && i == args->n - 1 && i > 0 &&
           (i == 2 || c->row->is & OP_IN_PLACE);
}

static void null_input(const op_case *c)
{
    op_args args;
    tg_tape *tape = tape_with_inputs(c, PLAIN, &args);
    for (int i = 0; i < args.n; i++) {
        if (!args.in[i] || is_optional(c, &args, i))
            continue;
        tg_zero_grad(args.leaf[0]);
        op_args bad = args;
        bad.in[i] = NULL;
        tg_mark mark = tg_tape_mark(tape);
        /* Without any tensor there is no tape to report to. */
        tg_tensor *y = op_call(c->row, &bad);
        OP_CHECK(c, !y, "a result from NULL");
        OP_CHECK(c, marks_equal(mark, tg_tape_mark(tape)), "NULL left something on the tape");
        for (int k = 0; k < args.n; k++)
            tg_zero_grad(args.leaf[k]);
        if (has_another(&args, i))
            expect_error(c, tape, &args, TG_EVALUE, "a NULL input");
        OP_CHECK(c, !tg_error(tape), "an error from nowhere: %s", tg_error_message(tape));
    }
    if (args.n == 0) {
        args.tape = NULL;
        OP_CHECK(c, !op_call(c->row, &args), "a result without a tape");
    }
    tg_tape_free(tape);
}

/* Input i from another tape: one of both tapes gets the error. */
static void foreign_input(const op_case *c)
{
    op_args args, other;
    tg_tape *tape = tape_with_inputs(c, PLAIN, &args);
    tg_tape *stranger = tape_with_inputs(c, PLAIN, &other);
    for (int i = 0; i < args.n; i++) {
        if (!args.in[i] || !has_another(&args, i))
            continue;
        op_args bad = args;
        bad.in[i] = other.in[i];
        tg_mark marks[] = {tg_tape_mark(tape), tg_tape_mark(stranger)};
        OP_CHECK(c, !op_call(c->row, &bad), "a result from two tapes");
        OP_CHECK(c,
                 marks_equal(marks[0], tg_tape_mark(tape)) &&
                     marks_equal(marks[1], tg_tape_mark(stranger)),
                 "two tapes left something behind");
        bool here = tg_error(tape);
        OP_CHECK(c, here != (tg_error(stranger) != TG_OK), "both or no tapes have the error");
        for (int k = 0; k < args.n; k++)
            tg_zero_grad(args.leaf[k]), tg_zero_grad(other.leaf[k]);
        expect_error(c, here ? tape : stranger, here ? &args : &other, TG_EVALUE, "two tapes");
    }
    tg_tape_free(tape);
    tg_tape_free(stranger);
}

/* With nothing in its place, or with inputs like those that were rewound away. */
static void dead_input(const op_case *c, bool built_over)
{
    op_args args, gone, over;
    tg_tape *tape = tape_with_inputs(c, PLAIN, &args);
    for (int i = 0; i < args.n; i++) {
        if (!args.in[i])
            continue;
        tg_mark mark = tg_tape_mark(tape);
        op_inputs(c, tape, PLAIN, &gone);
        OP_CHECK(c, !tg_tape_rewind(tape, mark), "%s", tg_error_message(tape));
        if (built_over)
            op_inputs(c, tape, PLAIN, &over);
        mark = tg_tape_mark(tape);
        op_args bad = args;
        bad.in[i] = gone.in[i];
        OP_CHECK(c, !op_call(c->row, &bad), "a result from a dead tensor");
        OP_CHECK(c, marks_equal(mark, tg_tape_mark(tape)), "a dead tensor left something behind");
        const char *message = tg_error_message(tape), *says = op_says(c->row);
        OP_CHECK(c, strstr(message, "rewound"), "%s", message);
        OP_CHECK(c, strncmp(message, says, strlen(says)) == 0, "\"%s\" is not about %s", message,
                 says);
        for (int k = 0; k < args.n; k++)
            tg_zero_grad(args.leaf[k]);
        expect_error(c, tape, &args, TG_ESTATE, "a dead input");
    }
    tg_tape_free(tape);
}

static void rewound_input(const op_case *c)
{
    dead_input(c, false);
}

static void built_over_input(const op_case *c)
{
    dead_input(c, true);
}

/* --- errors --- */

/* All that an error must leave alone. */
typedef struct surroundings {
    tg_mark mark;
    op_outcome inputs; /* out: of input 0; grad: the gradients */
    snapshot values[OP_MAX_IN];
} surroundings;

static surroundings look_around(const op_args *args)
{
    surroundings s = {.mark = tg_tape_mark(args->tape)};
    for (int i = 0; i < OP_MAX_IN; i++)
        s.values[i] = snapshot_of(i < args->n ? args->in[i] : NULL);
    op_gradients(args, &s.inputs);
    return s;
}

static void expect_unchanged(const op_case *c, const op_args *args, const surroundings *before,
                             op_layout layout)
{
    surroundings after = look_around(args);
    OP_CHECK(c, marks_equal(before->mark, after.mark), "layout %d: something is left on the tape",
             (int)layout);
    for (int i = 0; i < OP_MAX_IN; i++) {
        OP_CHECK(c, snapshot_same(&before->values[i], &after.values[i]), "input %d changed", i);
        OP_CHECK(c, snapshot_same(&before->inputs.grad[i], &after.inputs.grad[i]),
                 "gradient %d changed", i);
    }
}

/* A result whose gradient reads all inputs, so that a change of their versions is noticed. */
static tg_tensor *guard_of(const op_args *args)
{
    tg_tensor *sum = NULL;
    for (int i = 0; i < args->n; i++) {
        if (!tg_requires_grad(args->in[i]))
            continue;
        tg_tensor *term = tg_sum(tg_mul(args->in[i], args->in[i]));
        sum = sum ? tg_add(tg_to(sum, tg_dtype(term)), term) : term;
    }
    return sum;
}

static void errors_in(const op_case *c, op_layout layout)
{
    op_args args;
    tg_tape *tape = tape_with_inputs(c, layout, &args);
    tg_tensor *guard = guard_of(&args);
    if (guard)
        tg_backward(guard);
    surroundings before = look_around(&args);
    tg_manual_seed(tape, 9);
    const double next = next_draw(tape);
    tg_manual_seed(tape, 9);
    tg_tensor *y = op_call(c->row, &args);
    OP_CHECK(c, !y, "a result, wanted an error");
    OP_CHECK(c, tg_error(tape) == c->s->status, "status %d, wanted %d: %s", tg_error(tape),
             c->s->status, tg_error_message(tape));
    const char *message = tg_error_message(tape);
    OP_CHECK(c, strstr(message, c->s->message), "\"%s\" lacks \"%s\"", message, c->s->message);
    OP_CHECK(c, op_speaks(c->row, message), "\"%s\" does not name the call", message);
    tg_clear_error(tape);
    OP_CHECK(c, next_draw(tape) == next, "a failed call has drawn numbers");
    expect_unchanged(c, &args, &before, layout);
    if (guard)
        OP_CHECK(c, !tg_backward(guard), "afterwards: %s", tg_error_message(tape));
    tg_tape_free(tape);
}

static void errors(const op_case *c)
{
    /* Not stretched: messages say positions, which are others then. */
    op_layout last = c->row->is & OP_IN_PLACE ? PLAIN : SWAP_ENDS;
    for (op_layout layout = PLAIN; layout <= last; layout++)
        errors_in(c, layout);
}

/* While an error is set, nothing happens. */
static void sticky(const op_case *c)
{
    op_args args;
    tg_tape *tape = tape_with_inputs(c, PLAIN, &args);
    surroundings before = look_around(&args);
    tg_fail(tape, TG_EIO, "first: %d", 1);
    OP_CHECK(c, !op_call(c->row, &args), "a result in spite of an error");
    OP_CHECK(c, tg_error(tape) == TG_EIO && strcmp(tg_error_message(tape), "first: 1") == 0,
             "the first error became \"%s\"", tg_error_message(tape));
    tg_clear_error(tape);
    expect_unchanged(c, &args, &before, PLAIN);
    op_outcome got, want;
    op_finish(c, &args, op_call(c->row, &args), &got);
    tg_tape *fresh = tg_tape_new(NULL);
    op_eager(c, fresh, PLAIN, &want);
    tg_tape_free(fresh);
    const char *difference = op_difference(&got, &want);
    OP_CHECK(c, !difference, "after the error: %s", difference);
    tg_tape_free(tape);
}

/* --- data changed between forward and backward --- */

/* Other values in t, such that they can still be indices and the like. */
static void change(tg_tensor *t)
{
    size_t sizes[] = {sizeof(float), sizeof(double), sizeof(int64_t), sizeof(bool)};
    size_t size = sizes[tg_dtype(t)];
    char *data = tg_data_mut(t);
    for (int64_t i = 0; data && i < tg_numel(t); i++) {
        if (tg_dtype(t) == TG_F64)
            ((double *)(void *)data)[i] = 0.37 - 1.5 * ((double *)(void *)data)[i];
        else if (tg_dtype(t) == TG_F32)
            ((float *)(void *)data)[i] = 0.37F - 1.5F * ((float *)(void *)data)[i];
        else
            memset(data + (size_t)i * size, 0, size);
    }
}

/* Of the sum with a constant gradient; its second order; that of a sum whose gradient depends on the result, so
 * that a pass goes through the operation's own record as well. */
enum { FIRST_ORDER, SECOND_ORDER, SECOND_OF_SQUARE, ORDERS };

/* The gradients after tensor `which` was changed: of the inputs, then the result; -1: none was. False where a
 * pass refuses that. */
static bool gradients_after(const op_case *c, int which, int order, op_outcome *out)
{
    op_args args;
    tg_tape *tape = tape_with_inputs(c, PLAIN, &args);
    tg_tensor *y = op_call(c->row, &args), *z = NULL;
    OP_CHECK(c, y, "%s", tg_error_message(tape));
    if (tg_requires_grad(y))
        z = tg_sum(tg_mul(y, order == SECOND_OF_SQUARE ? y : op_upstream(c, y, 0)));
    tg_tensor *squares = order != FIRST_ORDER && z ? op_squares(c, &args, z) : z;
    bool good = squares && !tg_error(tape);
    tg_tensor *changed = which < 0 ? NULL : which < args.n ? args.in[which] : y;
    if (good && changed && tg_is_contiguous(changed))
        change(changed);
    OP_CHECK(c, !tg_error(tape), "%s", tg_error_message(tape));
    if (good && tg_backward(squares)) {
        OP_CHECK(c, which >= 0 && tg_error(tape) == TG_ESTATE, "%s", tg_error_message(tape));
        good = false;
    }
    memset(out, 0, sizeof *out);
    if (good)
        op_gradients(&args, out);
    tg_tape_free(tape);
    return good;
}

/* Either it is an error, or the gradients are those of the values that forward saw: what they are computed from
 * is in tg_op.reads. */
static void changed_data(const op_case *c)
{
    if (c->row->is & (OP_RANDOM | OP_IN_PLACE))
        return;
    for (int order = 0; order < ORDERS; order++) {
        op_outcome got, want;
        bool any = gradients_after(c, -1, order, &want);
        for (int i = 0; any && i <= OP_MAX_IN; i++) {
            if (!gradients_after(c, i, order, &got))
                continue;
            const char *difference = op_difference(&got, &want);
            OP_CHECK(c, !difference, "order %d after tensor %d was changed: %s", order, i,
                     difference);
        }
    }
}

int main(int argc, char **argv)
{
    static const op_test tests[] = {
        {.name = "no_grad", .run = no_grad},
        {.name = "no_grad_same", .run = no_grad_same},
        {.name = "replay", .run = replay},
        {.name = "replay_graph", .run = replay_graph},
        {.name = "capture", .run = capture},
        {.name = "graph_same", .run = graph_same},
        {.name = "null_input", .run = null_input},
        {.name = "foreign_input", .run = foreign_input},
        {.name = "rewound_input", .run = rewound_input},
        {.name = "built_over_input", .run = built_over_input},
        {.name = "errors", .run = errors, .errors = true},
        {.name = "sticky", .run = sticky},
        {.name = "changed_data", .run = changed_data, .f64_only = true},
    };
    return op_run("ops and the tape", tests, sizeof tests / sizeof tests[0],
                  argc > 1 ? argv[1] : NULL);
}

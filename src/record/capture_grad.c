/* What a captured step does with gradients beside operations: copies and sums of a backward pass,
 * gradients kept and dropped. Relies on step.h and broadcast.h. */
#include "ops/broadcast.h"
#include "record/step.h"
#include "record/grad.h"

static void copy_forward(tg_node *node)
{
    tg_tensor_copy(node->out, node->in[0]);
}

static void add_forward(tg_node *node)
{
    tg_accumulate_into(node->out, node->in[0]);
    tg_profile_moves(tg_tape_in(node->out), node->out, 1); /* read as well as written */
}

/* Does now, and in a replay, what op's forward function does with two tensors. */
static void do_again(const tg_op *op, tg_tensor *to, tg_tensor *from)
{
    tg_tape *tape = tg_tape_in(to);
    tg_node node = {.op = op, .out = to, .in = &from, .n_in = 1};
    tg_run_forward(tape, &node);
    if (tape->capture)
        tg_capture_note(tape, &(tg_call){.op = op, .n_in = 1, .in = &from, .in_place = to});
}

void tg_copy_again(tg_tensor *to, tg_tensor *from)
{
    static const tg_op op = {.name = "copy_grad", .forward = copy_forward};
    do_again(&op, to, from);
}

void tg_add_again(tg_tensor *to, tg_tensor *from)
{
    static const tg_op op = {.name = "accumulate", .forward = add_forward};
    do_again(&op, to, from);
}

/* The running capture goes by whether there is a gradient in the holder. */
static bool expect(tg_tape *tape, const tg_holder *holder)
{
    tg_expectation *expected = tg_tape_data(tape, "backward", sizeof *expected);
    if (!expected)
        return false;
    *expected = (tg_expectation){holder, holder->present, tape->capture->expected};
    tape->capture->expected = expected;
    return true;
}

typedef struct keeping {
    tg_holder *holder;
    bool graph;
} keeping;

static void keep_forward(tg_node *node)
{
    const keeping *k = node->params;
    const tg_tensor *value = k->holder->value;
    int moves = k->holder->present && !k->graph ? 3 : 2;
    tg_profile_moves(tg_tape_in(value), value, node->in[0] == value ? 0 : moves);
    tg_holder_keep(k->holder, node->in[0], k->graph);
}

static const tg_op keep_op = {.name = "keep_grad", .forward = keep_forward};

void tg_keep_again(tg_holder *holder, tg_tensor *g, bool graph)
{
    tg_node node = {.op = &keep_op,
                    .n_in = 1,
                    .in = &g,
                    .params = &(keeping){.holder = holder, .graph = graph}};
    tg_run_forward(tg_object_tape(holder), &node);
}

bool tg_note_keep(tg_holder *holder, tg_tensor *g, bool graph)
{
    tg_tape *tape = tg_object_tape(holder);
    if (!tape->capture)
        return true;
    bool first = holder->captured != tape->capture->number;
    TG_CHECK(tape, !(first && graph && holder->present), TG_ESTATE,
             "backward: with create_graph, a captured pass cannot add to a gradient from before "
             "the capture");
    holder->captured = tape->capture->number;
    keeping k = {holder, graph};
    return (!first || expect(tape, holder)) &&
           tg_capture_note(
               tape,
               &(tg_call){
                   .op = &keep_op, .n_in = 1, .in = &g, .params = &k, .params_size = sizeof k});
}

static void empty_forward(tg_node *node)
{
    tg_holder *holder = *(tg_holder *const *)node->params;
    holder->present = false;
    holder->graph = NULL;
}

static const tg_op empty_op = {.name = "zero_grad", .forward = empty_forward};

bool tg_note_empty(tg_holder *holder)
{
    tg_tape *tape = tg_object_tape(holder);
    if (!tape->capture)
        return true;
    holder->captured = tape->capture->number;
    return tg_capture_note(
        tape, &(tg_call){.op = &empty_op, .params = &holder, .params_size = sizeof holder});
}

void tg_empty_again(tg_holder *holder)
{
    tg_node node = {.op = &empty_op, .params = &holder};
    if (tg_note_empty(holder))
        tg_run_forward(tg_object_tape(holder), &node);
}

/* What operations are written with inside the library, beyond include/tinygrad/op.h. Relies on
 * tensor.h and the loops of kernels/. */
#ifndef TG_OP_H
#define TG_OP_H

#include "kernels/modes.h"
#include "kernels/nest.h"
#include "tensor.h"

/* tg_apply() for the most common calls. All check their inputs. */
tg_tensor *tg_apply_like(const tg_op *op, tg_tensor *x);
tg_tensor *tg_apply_view(const tg_op *op, tg_tensor *x, tg_dims dims, const int64_t *strides);

/* Around a function that records more than one operation: where its result is NULL, what it
 * recorded is taken back. x may be NULL or dead; then there is nothing to take back. */
typedef struct tg_scope {
    tg_tape *tape;
    tg_mark start;
} tg_scope;

tg_scope tg_scope_open(const tg_tensor *x);
tg_tensor *tg_scope_close(tg_scope scope, tg_tensor *result);

/* tg_needs_grad(), for the library itself. */
static inline bool tg_wants_grad(const tg_node *node, int i)
{
    return node->in[i] && node->in[i]->requires_grad;
}

/* The loop of the instruction set that t's tape runs on. */
static inline tgk_loop *tg_loop_of(const tg_tensor *t, tgk_loops loops)
{
    return loops[tg_tape_in(t)->isa];
}

/* Bits of tg_node.checkpoint; all but the last are release.c's. */
enum {
    TG_IN_CHECKPOINT = 1,
    TG_CHECKPOINT_FIRST = 2, /* the first record of one */
    TG_RECOMPUTE = 4,        /* what its forward made was given back */
    TG_CHECKPOINT_OPEN = 8,  /* the running pass has made it again */
    TG_DREW = 16             /* its forward took random numbers */
};

/* For forward: the generator, of which another run would get other numbers. */
static inline tg_generator *tg_node_generator(tg_node *node)
{
    node->checkpoint |= TG_DREW;
    return &tg_node_tape(node)->generator;
}

/* Runs `loop` over out and operands that broadcast to it (n of them, at most 3). */
void tg_map(tg_tensor *out, tg_tensor *const *in, int n, tgk_loop *loop, const void *params);

/* forward of an elementwise operation: the loop of the output's dtype over all inputs. */
void tg_map_node(tg_node *node, const tgk_loops *loops);

/* Defines name_forward() for tg_op.forward from one loop per dtype, in the order of the dtypes. */
#define TG_MAP_FORWARD(name, ...)                                                                  \
    static const tgk_loops name##_loops[TG_DTYPES] = {__VA_ARGS__};                                \
                                                                                                   \
    static void name##_forward(tg_node *node)                                                      \
    {                                                                                              \
        tg_map_node(node, name##_loops);                                                           \
    }

/* x itself or, in forward, a contiguous copy of its data in workspace; NULL without memory. */
const void *tg_contiguous_data(tg_node *node, const tg_tensor *x);

/* In forward: a copy of x's data with the dims where last[i] behind the others; NULL without
 * memory. */
const void *tg_dims_last(tg_node *node, const tg_tensor *x, const bool *last);

/* In anomaly mode: reports an output that is not finite. */
void tg_check_finite(const tg_node *node);

/* Whether what gradient i reads still is as forward left it; else sets ESTATE. */
bool tg_node_unchanged(tg_node *node);

/* Runs node's forward function, if it has one. */
static inline void tg_run_forward(tg_tape *tape, tg_node *node)
{
    if (tape->profiler.on)
        tg_profile_run(tape, node, tg_profile_phase(tape, node));
    else if (node->op->forward)
        node->op->forward(node);
}

/* The same, and takes its workspace back. */
static inline void tg_run_node(tg_tape *tape, tg_node *node)
{
    tg_position workspace = tg_arena_position(&tape->data);
    tape->forward_of = node->op;
    tg_run_forward(tape, node);
    tape->forward_of = NULL;
    tg_arena_rewind(&tape->data, workspace);
    if (tape->spares.lent)
        tg_spares_call_in(&tape->spares);
}

/* The running action moves t's elements that many times. */
static inline void tg_profile_moves(tg_tape *tape, const tg_tensor *t, int times)
{
    if (tape->profiler.on && t)
        tape->profiler.bytes += times * tg_profile_size(t);
}

static inline tg_dims tg_dims_of(const tg_tensor *t)
{
    return (tg_dims){t->ndim, t->dims};
}

#endif

/* Recording operations, beyond include/tinygrad/op.h. Relies on tensor.h. */
#ifndef TG_APPLY_H
#define TG_APPLY_H

#include "kernels/modes.h"
#include "tape/tensor.h"

/* tg_apply() for a backward function that sets grad_in[i] to the result: a running pass says where
 * that is written, the first gradient of a leaf for example where it is kept. */
static inline tg_tensor *tg_apply_gradient(const tg_node *node, int i, tg_overwrite over,
                                           tg_call *call)
{
    const tg_placing *pass = tg_node_tape(node)->pass;
    return pass ? pass->apply(node, i, call, over) : tg_apply(call);
}

/* tg_check_inputs() where inputs from number `required` on may be NULL. */
bool tg_check_given(const tg_op *op, int n, tg_tensor *const *in, int required);

/* tg_needs_grad(), for the library itself. */
static inline bool tg_wants_grad(const tg_node *node, int i)
{
    return node->in[i] && tg_at(node->in[i])->requires_grad;
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

/* Whether data of the node's tensors were given back. */
bool tg_lacks_data(const tg_node *node);

/* In anomaly mode: reports what is wrong with an output. */
void tg_check_anomaly(const tg_node *node);

/* What the record's gradients read, as bits. */
static inline unsigned tg_reads_of(const tg_node *node)
{
    unsigned reads = 0;
    for (int i = 0; i < node->n_in && i < 8; i++)
        reads |= tg_wants_grad(node, i) ? node->op->reads[i] : 0u;
    return reads;
}

/* Whether what gradient i reads still is as forward left it; else sets ESTATE. */
bool tg_node_unchanged(const tg_node *node);
/* The same for input i, or (n_in) the output. */
bool tg_check_version(const tg_node *node, int i);

/* Notes the versions of inputs and output, as they are now. Whether an input requires a gradient. */
bool tg_note_versions(tg_record *record);

/* Runs node's forward function, if it has one. */
static inline void tg_run_forward(tg_tape *tape, tg_node *node)
{
    if (tape->profiler.on)
        tg_profile_run(tape, node, tg_profile_phase(tape, node));
    else if (node->op->forward)
        node->op->forward(node);
}

/* The same, and takes back its workspace and what it made for itself. */
static inline void tg_run_node(tg_tape *tape, tg_node *node)
{
    tg_top workspace = tg_arena_top(&tape->data);
    tape->forward_of = node->op;
    tg_run_forward(tape, node);
    tape->forward_of = NULL;
    tg_inside_end(tape);
    tg_arena_rewind(&tape->data, workspace);
    if (tape->spares.lent)
        tg_spares_call_in(&tape->spares);
}

/* The same for a recorded operation, again or for the first time. */
static inline void tg_run_record(tg_tape *tape, tg_record *record)
{
    tg_run_node(tape, &record->node);
    if (record->node.in_place)
        tg_at(record->node.out)->owner->version++;
    if (tape->anomaly && !tape->status)
        tg_check_anomaly(&record->node);
}

/* What is done beside operations: runs the call's forward function over call->in_place, now and,
 * where a step is captured, in each replay. Also while an error is set. False on an error. */
bool tg_do(tg_tape *tape, const tg_call *call);

/* The running action moves t's elements that many times. */
static inline void tg_profile_moves(tg_tape *tape, const tg_tensor *t, int times)
{
    if (tape->profiler.on && t)
        tape->profiler.bytes += times * tg_profile_size(t);
}

#endif

/* Recording operations, beyond include/tinygrad/op.h. Relies on tensor.h. */
#ifndef TG_APPLY_H
#define TG_APPLY_H

#include "kernels/modes.h"
#include "tape/tensor.h"

/* tg_apply() with what else is known of the call. NULL for several outputs, too. */
tg_tensor *tg_make(tg_making *making);

/* tg_needs_grad(), for the library itself. */
static inline bool tg_wants_grad(const tg_node *node, int i)
{
    return node->in[i] && tg_at(node->in[i])->requires_grad;
}

/* Which inputs want a gradient, as bits, of the first so many. */
enum { TG_MOST_WANTED = 8 };
static inline unsigned tg_wanted(const tg_node *node)
{
    unsigned wanted = 0;
    for (int i = 0; i < node->n_in && i < TG_MOST_WANTED; i++)
        wanted |= (unsigned)tg_wants_grad(node, i) << i;
    return wanted;
}

/* For forward: the generator, of which another run would get other numbers. */
static inline tg_generator *tg_node_generator(tg_node *node)
{
    node->flags |= TG_DREW;
    tg_node_tape(node)->now.drew = true; /* for a function that called */
    return &tg_node_tape(node)->generator;
}

/* Whether data of the node's tensors were given back. */
bool tg_lacks_data(const tg_node *node);

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

/* How records run again; NULL functions do nothing. */
typedef struct tg_rerun {
    bool writes; /* other values, into tensors that the program knows: a new version of them */
    bool (*before)(tg_record *record); /* whether it runs; false with an error, too */
    void (*after)(tg_record *record);  /* also where it did not run */
} tg_rerun;

/* Runs the records from `record` to before `end` again. Returns the one at which there was an error, else
 * `end`. */
tg_record *tg_run_again(tg_tape *tape, tg_record *record, const tg_record *end,
                        const tg_rerun *how);

/* What is done beside operations. tg_do() runs the call's forward function over call->in_place, now and,
 * where a step is captured, in each replay, also while an error is set; false on an error. It does
 * tg_do_now() and, before it, while a step is captured, tg_note(), which takes memory. */
bool tg_do(tg_tape *tape, const tg_call *call);
void tg_do_now(tg_tape *tape, const tg_call *call);
bool tg_note(tg_tape *tape, const tg_call *call);
/* The running pass keeps a gradient in the holder: a captured step takes what was there before as it finds
 * it, unless it has dropped or kept that itself. False, with the error set, where that cannot be done
 * again or memory is out. */
bool tg_expect(tg_holder *holder, bool graph);

/* The running forward function moves t's elements that many times. */
static inline void tg_profile_moves(tg_tape *tape, const tg_tensor *t, int times)
{
    if (tape->profiler.add && t)
        tape->profiler.bytes += times * tg_bytes_moved(t);
}

#endif

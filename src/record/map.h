/* What forward functions are written with: loops over tensors, and data laid out anew. Relies on
 * apply.h and the loops of kernels/. */
#ifndef TG_MAP_H
#define TG_MAP_H

#include "kernels/nest.h"
#include "record/apply.h"

/* The loop of the instruction set that t's tape runs on. */
static inline tgk_loop *tg_loop_of(const tg_tensor *t, tgk_loops loops)
{
    return loops[tg_tape_in(t)->isa];
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

#endif

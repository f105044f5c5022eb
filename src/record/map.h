/* What forward functions are written with: loops over tensors. Relies on
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

/* dst = src, of the same shape and dtype; dst is contiguous. */
void tg_tensor_copy(tg_tensor *dst, tg_tensor *src);

/* An elementwise operation: a tg_op and, behind it, a loop for each dtype that it takes, in the
 * order of the dtypes. */
typedef struct tg_map_op {
    tg_op op;
    tgk_loops loops[TG_DTYPES];
} tg_map_op;

/* The loops behind node's operation, which is a tg_map_op. */
static inline const tgk_loops *tg_node_loops(const tg_node *node)
{
    return ((const tg_map_op *)node->op)->loops;
}

/* The loop of the output's dtype over all inputs. */
void tg_map_node(tg_node *node, const tgk_loops *loops);

/* The same with the loops behind node's operation: forward of every tg_map_op. */
void tg_map_forward(tg_node *node);

#endif

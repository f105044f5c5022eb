/* Smooth functions of one tensor, element by element, perhaps with one number as parameter. Their
 * gradients are operations of their own: the gradient times the derivative, in one visit. Relies on
 * arithmetic.h. */
#ifndef TG_SLOPE_H
#define TG_SLOPE_H

#include "ops/arithmetic.h"

/* v times the derivative of a slope by what it is computed from, b. */
typedef tg_tensor *tg_curvature(tg_tensor *v, tg_tensor *b, double s);

/* The gradient g of a function times its slope: an operation of g and of b, the function's input or
 * its output. */
typedef struct tg_slope_op {
    tg_map_op map;
    tg_curvature *second; /* of v * g; NULL: 0 */
    const tg_op *at_once; /* not NULL: in place of it, what makes the same of v, g and b at once */
} tg_slope_op;

typedef struct tg_smooth_op {
    tg_map_op map;
    const tg_slope_op *slope;
    bool numbered; /* it has a number as parameter, which the slope gets */
} tg_smooth_op;

/* The slope's operation by itself. */
tg_tensor *tg_times_slope(const tg_slope_op *slope, tg_tensor *g, tg_tensor *b, double s);

void tg_slope_backward(tg_node *node, tg_tensor *v, tg_tensor **grad_in);
/* Of a tg_smooth_op whose slope is computed from its input, and from its output. */
void tg_smooth_backward_in(tg_node *node, tg_tensor *grad_out, tg_tensor **grad_in);
void tg_smooth_backward_out(tg_node *node, tg_tensor *grad_out, tg_tensor **grad_in);

/* id_slope_op, of loops id_slope_f32 and id_slope_f64 that take g and b; initialisers of what is second. */
#define TG_SLOPE(id, curvature) TG_SLOPE_WITH(id, .second = curvature)
#define TG_SLOPE_WITH(id, ...)                                                                     \
    static const tg_slope_op id##_slope_op = {                                                     \
        .map = {{.name = #id "_backward",                                                          \
                 .forward = tg_map_forward,                                                        \
                 .backward = tg_slope_backward,                                                    \
                 .reads = {TG_READS_IN(1), TG_READS_IN(0) | TG_READS_IN(1)}},                      \
                {id##_slope_f32, id##_slope_f64}},                                                 \
        __VA_ARGS__}

/* id_op with the loops id_f32 and id_f64 and that slope, of its input. */
#define TG_SMOOTH_IN(id, with_number)                                                              \
    static const tg_smooth_op id##_op = {.map = {{.name = #id,                                     \
                                                  .forward = tg_map_forward,                       \
                                                  .backward = tg_smooth_backward_in,               \
                                                  .reads = {TG_READS_IN(0)}},                      \
                                                 {id##_f32, id##_f64}},                            \
                                         .slope = &id##_slope_op,                                  \
                                         .numbered = with_number}
/* The same of its output. */
#define TG_SMOOTH_OUT(id, with_number)                                                             \
    static const tg_smooth_op id##_op = {.map = {{.name = #id,                                     \
                                                  .forward = tg_map_forward,                       \
                                                  .backward = tg_smooth_backward_out,              \
                                                  .reads = {TG_READS_OUT}},                        \
                                                 {id##_f32, id##_f64}},                            \
                                         .slope = &id##_slope_op,                                  \
                                         .numbered = with_number}

#endif

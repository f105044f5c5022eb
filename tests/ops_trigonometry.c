/* Rows of trigonometric and hyperbolic functions, their inverses, and of other bases. See op_table.h. */
#include "op_reference.h"

#include <math.h>

#include <tinygrad/op.h>

/* Of 1 + x, where it has values. */
static tg_tensor *acosh_above(const op_args *a)
{
    const char *former = tg_speak_as(a->tape, "acosh");
    tg_tensor *y = tg_acosh(tg_add_scalar(a->in[0], 1));
    tg_speak_as(a->tape, former);
    return y;
}

static double acosh_of(double x)
{
    return acosh(1 + x);
}

static const op_sample few[] = {{.in = "."},     {.in = "2x0x3"}, {.in = "37"},
                                {.in = "4x3:r"}, {.in = "300:x"}, {0}};
static const op_sample whole[] = {{.in = "5:i"}, {.in = "3:b"}, {0}};
static const op_sample pairs[] = {
    {.in = "37 37"}, {.in = "3x5:r 5"}, {.in = "64:x 64:x"}, {.in = "5:i 5"}, {0}};

#define INF (double)INFINITY
#define NOT_LOOKED_AT (double)NAN
/* Where a function ends, its slope has no limit. */
static const op_kink kinks_asin[] = {{.s = {.in = "2"},
                                      .x = {{-1, 1}},
                                      .grad = {{INF, INF}},
                                      .second = {{NOT_LOOKED_AT, NOT_LOOKED_AT}}},
                                     {.s = {0}}};
static const op_kink kinks_acos[] = {{.s = {.in = "2"},
                                      .x = {{-1, 1}},
                                      .grad = {{-INF, -INF}},
                                      .second = {{NOT_LOOKED_AT, NOT_LOOKED_AT}}},
                                     {.s = {0}}};
static const op_kink kinks_acosh[] = {
    {.s = {.in = "1"}, .x = {{0}}, .grad = {{INF}}, .second = {{NOT_LOOKED_AT}}}, {.s = {0}}};
/* Across the negative x the angle jumps. */
static const op_kink kinks_atan2[] = {
    {.s = {.in = "1 1"}, .x = {{0}, {-1}}, .grad = {{-1}, {0}}, .second = {{-1}, {-1}}},
    {.s = {0}}};

#define ROW(id, letters, ...)                                                                      \
    {                                                                                              \
        .name = #id, .unary = tg_##id, .f1 = id, .is = OP_TO_FLOAT, .values = {letters},           \
        .samples = {few, whole}, __VA_ARGS__                                                       \
    }

const op_row ops_trigonometry[] = {ROW(tan, "u", .kinks = {NULL}),
                                   ROW(asin, "u", .kinks = {kinks_asin}),
                                   ROW(acos, "u", .kinks = {kinks_acos}),
                                   ROW(atan, "", .kinks = {NULL}),
                                   ROW(sinh, "", .kinks = {NULL}),
                                   ROW(cosh, "", .kinks = {NULL}),
                                   ROW(asinh, "", .kinks = {NULL}),
                                   {.name = "acosh",
                                    .is = OP_COMPOSED,
                                    .build = acosh_above,
                                    .f1 = acosh_of,
                                    .values = {"p"},
                                    .samples = {few},
                                    .kinks = {kinks_acosh}},
                                   ROW(atanh, "u", .kinks = {NULL}),
                                   ROW(log2, "p", .kinks = {NULL}),
                                   ROW(log10, "p", .kinks = {NULL}),
                                   ROW(exp2, "", .kinks = {NULL}),
                                   {.name = "atan2",
                                    .binary = tg_atan2,
                                    .f2 = atan2,
                                    .is = OP_TO_FLOAT,
                                    .samples = {pairs},
                                    .errors = {errors_broadcast},
                                    .kinks = {kinks_atan2}},
                                   {0}};

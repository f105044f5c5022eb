/* The row of saturate, whose gradient jumps. See op_table.h. */
#include "op_reference.h"

static double saturate(double x)
{
    return x < -1 ? -1 : x > 1 ? 1 : x;
}

static const op_kink kinks[] = {
    {.s = {.in = "5"}, .x = {{-2, -1, 0, 1, 2}}, .grad = {{0, 0, 1, 0, 0}}}, {.s = {0}}};

const op_row ops_saturate[] = {{.name = "saturate",
                                .unary = tg_saturate,
                                .f1 = saturate,
                                .samples = {samples_unary},
                                .kinks = {kinks}},
                               {0}};

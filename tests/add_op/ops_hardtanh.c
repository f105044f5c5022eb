/* The row of hardtanh, whose gradient jumps. See op_table.h. */
#include "op_reference.h"

static double hardtanh(double x)
{
    return x < -1 ? -1 : x > 1 ? 1 : x;
}

static const op_kink kinks[] = {
    {.s = {.in = "5"}, .x = {{-2, -1, 0, 1, 2}}, .grad = {{0, 0, 1, 0, 0}}}, {.s = {0}}};

const op_row ops_hardtanh[] = {{.name = "hardtanh",
                                .unary = tg_hardtanh,
                                .f1 = hardtanh,
                                .samples = {samples_unary},
                                .kinks = {kinks}},
                               {0}};

/* Tensors of all dtypes and layouts with the golden files' values. */
#ifndef TG_TESTS_IO_KINDS_H
#define TG_TESTS_IO_KINDS_H

#include "../support.h"

/* The golden files' values. */
static double golden_value(int dtype, int64_t i)
{
    if (dtype == TG_BOOL)
        return i % 3 == 0;
    return dtype == TG_I64 ? (double)(1000003 * i - 7) : (double)i / 2 - 3;
}

static tg_tensor *golden(tg_tape *tape, int dtype, int ndim, const int64_t *dims)
{
    double values[SNAPSHOT_NUMEL];
    for (int i = 0; i < SNAPSHOT_NUMEL; i++)
        values[i] = golden_value(dtype, i);
    return tensor_from(tape, values, ndim, dims, dtype);
}

enum { KINDS = 7 };

/* Number `kind` of a dtype: 0-d, empty, one element, plain, transposed, a narrow window, expanded;
 * the last three are strided. */
static tg_tensor *make_kind(tg_tape *tape, int dtype, int kind)
{
    tg_tensor *plain = golden(tape, dtype, TG_DIMS(3, 4, 2));
    switch (kind) {
    case 0:
        return golden(tape, dtype, TG_SCALAR);
    case 1:
        return golden(tape, dtype, TG_DIMS(2, 0, 3));
    case 2:
        return golden(tape, dtype, TG_DIMS(1));
    case 3:
        return plain;
    case 4:
        return tg_transpose(plain, 0, 2);
    case 5:
        return tg_narrow(plain, 1, 1, 2);
    default:
        return tg_expand(golden(tape, dtype, TG_DIMS(1, 5)), TG_DIMS(3, 5));
    }
}

static tg_params *all_kinds(tg_tape *tape)
{
    tg_params *params = tg_params_new(tape);
    for (int dtype = TG_F32; dtype <= TG_BOOL; dtype++) {
        for (int kind = 0; kind < KINDS; kind++)
            tg_params_add(params, make_kind(tape, dtype, kind), "dtype%d.kind%d", dtype, kind);
    }
    return params;
}

#endif

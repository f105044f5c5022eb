/* Averages of parameters over the steps. Relies on map.h. */
#include "kernels/loops.h"
#include "record/map.h"

#include <math.h>
#include <tinygrad/train.h>

typedef struct towards {
    double weight;
    bool near; /* from the average; else from the parameter, as PyTorch's lerp */
} towards;

#define P (*(const towards *)params)
#define STEP (P.near ? P.weight : -(1 - P.weight))

TGK_LOOP2(ema_f32, float, float, fmaf((float)STEP, y - x, P.near ? x : y));
TGK_LOOP2(ema_f64, double, double, fma(STEP, y - x, P.near ? x : y));

static const tg_map_op ema_op = {{.name = "ema_update", .forward = tg_map_forward},
                                 {ema_f32, ema_f64}};

static bool check_pair(tg_tape *tape, const char *name, size_t i, const tg_tensor *a,
                       const tg_tensor *b)
{
    TG_CHECK(tape, !tg_at(a)->requires_grad, TG_ESTATE, "%s: average %zu requires a gradient", name,
             i);
    TG_CHECK(tape, tg_at(a)->contiguous && tg_at(b)->contiguous, TG_ESTATE,
             "%s: average %zu or its tensor is not contiguous", name, i);
    TG_CHECK(tape, tg_is_float(tg_at(a)->dtype) && tg_at(a)->dtype == tg_at(b)->dtype, TG_EDTYPE,
             "%s: average %zu is %s, its tensor %s", name, i, tg_dtype_name(tg_at(a)->dtype),
             tg_dtype_name(tg_at(b)->dtype));
    TG_CHECK(tape, tg_shape_equal(tg_dims_of(a), tg_dims_of(b)), TG_ESHAPE,
             "%s: average %zu is %s, its tensor %s", name, i, tg_shape_of(a).chars,
             tg_shape_of(b).chars);
    return true;
}

/* The tape of both lists where all of their tensors can be used; NULL with the error set. */
static tg_tape *tape_of(const char *name, tg_tensor *const *averages, tg_tensor *const *tensors,
                        size_t n)
{
    tg_tape *tape = averages && n ? tg_tape_of(averages[0]) : NULL;
    if (!tape || tape->status)
        return NULL;
    TG_CHECK(tape, tensors, TG_EVALUE, "%s: tensors is NULL", name);
    if (!tg_outside(tape, name) || !tg_check_list(tape, name, "average", averages, n) ||
        !tg_check_list(tape, name, "tensor", tensors, n))
        return NULL;
    for (size_t i = 0; i < n; i++) {
        if (!check_pair(tape, name, i, averages[i], tensors[i]))
            return NULL;
    }
    return tape;
}

static tg_status status_of(tg_tensor *const *averages, size_t n)
{
    const tg_tape *tape = averages && n ? tg_tape_of(averages[0]) : NULL;
    return tape ? tape->status : n ? TG_EVALUE : TG_OK;
}

tg_status tg_ema_update(tg_tensor *const *averages, tg_tensor *const *tensors, size_t n,
                        double decay)
{
    TGK_IN_RIGHT_MODES(tg_status, tg_ema_update(averages, tensors, n, decay));
    tg_tape *tape = tape_of(ema_op.op.name, averages, tensors, n);
    if (!tape)
        return status_of(averages, n);
    if (!(decay >= 0 && decay <= 1))
        return tg_fail(tape, TG_EVALUE, "ema_update: decay %g is not in [0, 1]", decay);
    towards p = {1 - decay, 1 - decay < 0.5};
    for (size_t i = 0; i < n && !tape->status; i++)
        tg_apply(&(tg_call){.op = &ema_op.op,
                            .n_in = 2,
                            .in = (tg_tensor *[]){averages[i], tensors[i]},
                            .in_place = averages[i],
                            .params = &p,
                            .params_size = sizeof p});
    return tape->status;
}

tg_status tg_ema_swap(tg_tensor *const *averages, tg_tensor *const *tensors, size_t n)
{
    tg_tape *tape = tape_of("ema_swap", averages, tensors, n);
    if (!tape || !tg_outside_capture(tape, "ema_swap"))
        return status_of(averages, n);
    for (size_t i = 0; i < n; i++) {
        char *a = tg_at(averages[i])->data, *b = tg_data_mut(tensors[i]);
        for (size_t k = 0; b && k < tg_data_size(averages[i]); k++) {
            char c = a[k];
            a[k] = b[k];
            b[k] = c;
        }
        tg_at(averages[i])->owner->version++;
    }
    return tape->status;
}

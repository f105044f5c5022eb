/* Averages of parameters over the steps. Relies on map.h. */
#include "kernels/loops.h"
#include "record/map.h"

#include <limits.h>
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
    TG_CHECK(tape, tape == tg_tape_in(b), TG_EVALUE, "%s: tensor %zu is of another tape", name, i);
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

/* TG_OK, or what is wrong with the lists; where there is a tape to tell, it has been told. */
static tg_status check(const tg_op *op, tg_tensor *const *averages, tg_tensor *const *tensors,
                       size_t n)
{
    if (!averages || !tensors || !n || n > INT_MAX)
        return n ? TG_EVALUE : TG_OK;
    if (!tg_check_inputs(op, (int)n, averages) || !tg_check_inputs(op, (int)n, tensors)) {
        bool alive = averages[0] && tg_slot_alive(averages[0]);
        return alive && tg_tape_in(averages[0])->status ? tg_tape_in(averages[0])->status
                                                        : TG_EVALUE;
    }
    tg_tape *tape = tg_tape_in(averages[0]);
    if (!tg_outside(tape, op->name))
        return tape->status;
    for (size_t i = 0; i < n; i++) {
        if (!check_pair(tape, op->name, i, averages[i], tensors[i]))
            return tape->status;
    }
    return TG_OK;
}

tg_status tg_ema_update(tg_tensor *const *averages, tg_tensor *const *tensors, size_t n,
                        double decay)
{
    TGK_IN_RIGHT_MODES(tg_status, tg_ema_update(averages, tensors, n, decay));
    tg_status status = check(&ema_op.op, averages, tensors, n);
    if (status || !n)
        return status;
    tg_tape *tape = tg_tape_in(averages[0]);
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
    static const tg_op op = {.name = "ema_swap"};
    tg_status status = check(&op, averages, tensors, n);
    if (status || !n)
        return status;
    tg_tape *tape = tg_tape_in(averages[0]);
    if (!tg_outside_capture(tape, op.name))
        return tape->status;
    for (size_t i = 0; i < n; i++) {
        const tg_header *a = tg_at(averages[i]), *b = tg_at(tensors[i]);
        for (size_t k = 0; k < tg_data_size(averages[i]); k++) {
            char c = a->data[k];
            a->data[k] = b->data[k];
            b->data[k] = c;
        }
        a->owner->version++;
        b->owner->version++;
    }
    return tape->status;
}

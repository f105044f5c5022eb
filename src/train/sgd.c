/* Stochastic gradient descent. Relies on optim.h. */
#include "train/optim.h"

#include <math.h>

static bool check(tg_tape *tape, const tg_sgd_opts *o)
{
    if (!tg_check_rate(tape, "sgd", "lr", o->lr) ||
        !tg_check_rate(tape, "sgd", "momentum", o->momentum) ||
        !tg_check_rate(tape, "sgd", "weight_decay", o->weight_decay))
        return false;
    TG_CHECK(tape, isfinite(o->dampening), TG_EVALUE, "sgd: dampening is %g", o->dampening);
    TG_CHECK(tape, !o->nesterov || (o->momentum > 0 && o->dampening == 0), TG_EVALUE,
             "sgd: nesterov needs a momentum and no dampening, not momentum %g, dampening %g",
             o->momentum, o->dampening);
    return true;
}

static tgk_update_args args_of(const tg_family *family, double lr, double step)
{
    const tg_sgd_opts *o = &family->opts.sgd;
    tgk_sgd_args args = {.lr = lr,
                         .momentum = o->momentum,
                         .dampening = o->dampening,
                         .weight_decay = o->weight_decay,
                         .nesterov = o->nesterov,
                         .maximize = o->maximize,
                         .first = step == 1};
    return (tgk_update_args){.sgd = args};
}

/* p + 0 (-lr) is p, also where that is -0; with maximize it is p + 0. */
static tg_of_zeros zeros_of(const tg_sgd_opts *o)
{
    bool same = o->momentum <= 0 && o->weight_decay <= 0 && !o->maximize;
    return same ? TG_SKIPS : TG_UPDATES;
}

tg_optim *tg_sgd(tg_tape *tape, tg_tensor *const *params, size_t n, const tg_sgd_opts *opts)
{
    tg_sgd_opts o = opts ? *opts : (tg_sgd_opts){0};
    o.lr = tg_option(o.lr, 1e-3);
    o.momentum = tg_option(o.momentum, 0);
    o.dampening = tg_option(o.dampening, 0);
    o.weight_decay = tg_option(o.weight_decay, 0);
    if (!check(tape, &o))
        return NULL;
    return tg_optim_new(tape, params, n,
                        &(tg_family){.name = "sgd",
                                     .states = {o.momentum > 0 ? "momentum_buffer" : NULL},
                                     .lr = o.lr,
                                     .opts.sgd = o,
                                     .zeros = zeros_of(&o),
                                     .table = &tgk_sgd_table,
                                     .args = args_of});
}

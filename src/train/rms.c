/* RMSprop and Adagrad: torch.optim's, in the order of its roundings. Relies on optim.h. */
#include "train/optim.h"

#include <float.h>

static bool check_rmsprop(tg_tape *tape, const tg_rmsprop_opts *o)
{
    return tg_check_rate(tape, "rmsprop", "lr", o->lr) &&
           tg_check_rate(tape, "rmsprop", "alpha", o->alpha) &&
           tg_check_rate(tape, "rmsprop", "eps", o->eps) &&
           tg_check_rate(tape, "rmsprop", "weight_decay", o->weight_decay) &&
           tg_check_rate(tape, "rmsprop", "momentum", o->momentum);
}

static tgk_update_args rmsprop_args(const tg_family *family, double lr, double step)
{
    (void)step;
    const tg_rmsprop_opts *o = &family->opts.rmsprop;
    tgk_rmsprop_args args = {.lr = lr,
                             .alpha = o->alpha,
                             .eps = o->eps,
                             .weight_decay = o->weight_decay,
                             .momentum = o->momentum,
                             .maximize = o->maximize};
    return (tgk_update_args){.rmsprop = args};
}

tg_optim *tg_rmsprop(tg_tape *tape, tg_tensor *const *params, size_t n, const tg_rmsprop_opts *opts)
{
    tg_rmsprop_opts o = opts ? *opts : (tg_rmsprop_opts){0};
    o.lr = tg_option(o.lr, 1e-2);
    o.alpha = tg_option(o.alpha, 0.99);
    o.eps = tg_option(o.eps, 1e-8);
    o.weight_decay = tg_option(o.weight_decay, 0);
    o.momentum = tg_option(o.momentum, 0);
    if (!check_rmsprop(tape, &o))
        return NULL;
    return tg_optim_new(tape, params, n,
                        &(tg_family){.name = "rmsprop",
                                     .states = {"square_avg", o.centered ? "grad_avg" : NULL,
                                                o.momentum > 0 ? "momentum_buffer" : NULL},
                                     .lr = o.lr,
                                     .opts.rmsprop = o,
                                     .table = &tgk_rmsprop_table,
                                     .args = rmsprop_args});
}

static bool check_adagrad(tg_tape *tape, const tg_adagrad_opts *o)
{
    return tg_check_rate(tape, "adagrad", "lr", o->lr) &&
           tg_check_rate(tape, "adagrad", "lr_decay", o->lr_decay) &&
           tg_check_rate(tape, "adagrad", "weight_decay", o->weight_decay) &&
           tg_check_rate(tape, "adagrad", "initial_accumulator_value",
                         o->initial_accumulator_value) &&
           tg_check_rate(tape, "adagrad", "eps", o->eps);
}

static tgk_update_args adagrad_args(const tg_family *family, double lr, double step)
{
    const tg_adagrad_opts *o = &family->opts.adagrad;
    tgk_adagrad_args args = {.lr = lr / (1 + (step - 1) * o->lr_decay),
                             .eps = o->eps,
                             .weight_decay = o->weight_decay,
                             .maximize = o->maximize};
    return (tgk_update_args){.adagrad = args};
}

/* As SGD's; but 0 / (0 + eps) is nan where eps is 0 as a float. */
static tg_of_zeros zeros_of(const tg_adagrad_opts *o)
{
    bool same = o->weight_decay <= 0 && !o->maximize && o->eps >= (double)FLT_MIN;
    return same ? TG_SKIPS : TG_UPDATES;
}

tg_optim *tg_adagrad(tg_tape *tape, tg_tensor *const *params, size_t n, const tg_adagrad_opts *opts)
{
    tg_adagrad_opts o = opts ? *opts : (tg_adagrad_opts){0};
    o.lr = tg_option(o.lr, 1e-2);
    o.lr_decay = tg_option(o.lr_decay, 0);
    o.weight_decay = tg_option(o.weight_decay, 0);
    o.initial_accumulator_value = tg_option(o.initial_accumulator_value, 0);
    o.eps = tg_option(o.eps, 1e-10);
    if (!check_adagrad(tape, &o))
        return NULL;
    return tg_optim_new(tape, params, n,
                        &(tg_family){.name = "adagrad",
                                     .states = {"sum"},
                                     .initial = o.initial_accumulator_value,
                                     .lr = o.lr,
                                     .opts.adagrad = o,
                                     .zeros = zeros_of(&o),
                                     .table = &tgk_adagrad_table,
                                     .args = adagrad_args});
}

/* Adam's kin: NAdam, RAdam, Adamax and Adadelta, torch.optim's, in the order of its roundings. Relies on
 * optim.h. */
#include "train/optim.h"

#include <math.h>

static bool check_rates(tg_tape *tape, const char *name, double lr, double eps, double weight_decay)
{
    return tg_check_rate(tape, name, "lr", lr) && tg_check_rate(tape, name, "eps", eps) &&
           tg_check_rate(tape, name, "weight_decay", weight_decay);
}

static bool check_betas(tg_tape *tape, const char *name, double beta1, double beta2)
{
    return tg_check_beta(tape, name, "beta1", beta1) && tg_check_beta(tape, name, "beta2", beta2);
}

/* NAdam's momentum in a step, and the product of those up to it: a float32 in PyTorch, and so it is here. It
 * is below beta1^step, and counts for nothing from 1e-20 on. */
static double momentum(const tg_nadam_opts *o, double step)
{
    return o->beta1 * (1 - 0.5 * pow(0.96, step * o->momentum_decay));
}

static double momenta(const tg_nadam_opts *o, double step)
{
    float product = pow(o->beta1, step) < 1e-20 ? 0.0F : 1.0F;
    for (double i = 1; i <= step; i++)
        product *= (float)momentum(o, i);
    return (double)product;
}

static tgk_update_args nadam_args(const tg_family *family, double lr, double step)
{
    const tg_nadam_opts *o = &family->opts.nadam;
    double mu = momentum(o, step), next = momentum(o, step + 1), product = momenta(o, step);
    tgk_nadam_args args = {.weight_decay = o->decoupled_weight_decay ? 0 : o->weight_decay,
                           .shrink = o->decoupled_weight_decay ? 1 - lr * o->weight_decay : 1,
                           .take1 = 1 - o->beta1,
                           .beta2 = o->beta2,
                           .take2 = 1 - o->beta2,
                           .correct2 = 1 - pow(o->beta2, step),
                           .eps = o->eps,
                           .rate = lr * (1 - mu) / (1 - product),
                           .mean_rate = lr * next / (1 - product * next),
                           .maximize = o->maximize};
    return (tgk_update_args){.nadam = args};
}

tg_optim *tg_nadam(tg_tape *tape, tg_tensor *const *params, size_t n, const tg_nadam_opts *opts)
{
    tg_nadam_opts o = opts ? *opts : (tg_nadam_opts){0};
    o.lr = tg_option(o.lr, 2e-3);
    o.beta1 = tg_option(o.beta1, 0.9);
    o.beta2 = tg_option(o.beta2, 0.999);
    o.eps = tg_option(o.eps, 1e-8);
    o.weight_decay = tg_option(o.weight_decay, 0);
    o.momentum_decay = tg_option(o.momentum_decay, 4e-3);
    if (!check_rates(tape, "nadam", o.lr, o.eps, o.weight_decay) ||
        !check_betas(tape, "nadam", o.beta1, o.beta2) ||
        !tg_check_rate(tape, "nadam", "momentum_decay", o.momentum_decay))
        return NULL;
    return tg_optim_new(tape, params, n,
                        &(tg_family){.name = "nadam",
                                     .states = {"exp_avg", "exp_avg_sq"},
                                     .lr = o.lr,
                                     .opts.nadam = o,
                                     .table = &tgk_nadam_table,
                                     .args = nadam_args});
}

static tgk_update_args radam_args(const tg_family *family, double lr, double step)
{
    const tg_radam_opts *o = &family->opts.radam;
    double correct2 = 1 - pow(o->beta2, step), most = 2 / (1 - o->beta2) - 1;
    double length = most - 2 * step * pow(o->beta2, step) / correct2;
    double part = (length - 4) * (length - 2) * most / ((most - 4) * (most - 2) * length);
    tgk_radam_args args = {.weight_decay = o->decoupled_weight_decay ? 0 : o->weight_decay,
                           .shrink = o->decoupled_weight_decay ? 1 - lr * o->weight_decay : 1,
                           .take1 = 1 - o->beta1,
                           .beta2 = o->beta2,
                           .take2 = 1 - o->beta2,
                           .eps = o->eps,
                           .lr = lr,
                           .correct1 = 1 - pow(o->beta1, step),
                           .root2 = pow(correct2, 0.5),
                           .rectify = length > 5 ? pow(part, 0.5) : 0,
                           .maximize = o->maximize};
    return (tgk_update_args){.radam = args};
}

tg_optim *tg_radam(tg_tape *tape, tg_tensor *const *params, size_t n, const tg_radam_opts *opts)
{
    tg_radam_opts o = opts ? *opts : (tg_radam_opts){0};
    o.lr = tg_option(o.lr, 1e-3);
    o.beta1 = tg_option(o.beta1, 0.9);
    o.beta2 = tg_option(o.beta2, 0.999);
    o.eps = tg_option(o.eps, 1e-8);
    o.weight_decay = tg_option(o.weight_decay, 0);
    if (!check_rates(tape, "radam", o.lr, o.eps, o.weight_decay) ||
        !check_betas(tape, "radam", o.beta1, o.beta2))
        return NULL;
    return tg_optim_new(tape, params, n,
                        &(tg_family){.name = "radam",
                                     .states = {"exp_avg", "exp_avg_sq"},
                                     .lr = o.lr,
                                     .opts.radam = o,
                                     .table = &tgk_radam_table,
                                     .args = radam_args});
}

static tgk_update_args adamax_args(const tg_family *family, double lr, double step)
{
    const tg_adamax_opts *o = &family->opts.adamax;
    tgk_adamax_args args = {.weight_decay = o->weight_decay,
                            .take1 = 1 - o->beta1,
                            .beta2 = o->beta2,
                            .eps = o->eps,
                            .rate = lr / (1 - pow(o->beta1, step)),
                            .maximize = o->maximize};
    return (tgk_update_args){.adamax = args};
}

tg_optim *tg_adamax(tg_tape *tape, tg_tensor *const *params, size_t n, const tg_adamax_opts *opts)
{
    tg_adamax_opts o = opts ? *opts : (tg_adamax_opts){0};
    o.lr = tg_option(o.lr, 2e-3);
    o.beta1 = tg_option(o.beta1, 0.9);
    o.beta2 = tg_option(o.beta2, 0.999);
    o.eps = tg_option(o.eps, 1e-8);
    o.weight_decay = tg_option(o.weight_decay, 0);
    if (!check_rates(tape, "adamax", o.lr, o.eps, o.weight_decay) ||
        !check_betas(tape, "adamax", o.beta1, o.beta2))
        return NULL;
    return tg_optim_new(tape, params, n,
                        &(tg_family){.name = "adamax",
                                     .states = {"exp_avg", "exp_inf"},
                                     .lr = o.lr,
                                     .opts.adamax = o,
                                     .table = &tgk_adamax_table,
                                     .args = adamax_args});
}

static tgk_update_args adadelta_args(const tg_family *family, double lr, double step)
{
    (void)step;
    const tg_adadelta_opts *o = &family->opts.adadelta;
    tgk_adadelta_args args = {.lr = lr,
                              .rho = o->rho,
                              .eps = o->eps,
                              .weight_decay = o->weight_decay,
                              .maximize = o->maximize};
    return (tgk_update_args){.adadelta = args};
}

tg_optim *tg_adadelta(tg_tape *tape, tg_tensor *const *params, size_t n,
                      const tg_adadelta_opts *opts)
{
    tg_adadelta_opts o = opts ? *opts : (tg_adadelta_opts){0};
    o.lr = tg_option(o.lr, 1);
    o.rho = tg_option(o.rho, 0.9);
    o.eps = tg_option(o.eps, 1e-6);
    o.weight_decay = tg_option(o.weight_decay, 0);
    if (!check_rates(tape, "adadelta", o.lr, o.eps, o.weight_decay))
        return NULL;
    TG_CHECK(tape, o.rho >= 0 && o.rho <= 1, TG_EVALUE, "adadelta: rho %g is not in [0, 1]", o.rho);
    return tg_optim_new(tape, params, n,
                        &(tg_family){.name = "adadelta",
                                     .states = {"square_avg", "acc_delta"},
                                     .lr = o.lr,
                                     .opts.adadelta = o,
                                     .table = &tgk_adadelta_table,
                                     .args = adadelta_args});
}

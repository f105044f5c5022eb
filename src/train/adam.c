/* Adam and AdamW: torch.optim's, in the order of its roundings. Relies on optim.h. */
#include "train/optim.h"

#include <math.h>

bool tg_check_beta(tg_tape *tape, const char *name, const char *what, double beta)
{
    TG_CHECK(tape, beta >= 0 && beta < 1, TG_EVALUE, "%s: %s %g is not in [0, 1)", name, what,
             beta);
    return true;
}

static bool check(tg_tape *tape, const char *name, const tg_adam_opts *o)
{
    return tg_check_rate(tape, name, "lr", o->lr) && tg_check_beta(tape, name, "beta1", o->beta1) &&
           tg_check_beta(tape, name, "beta2", o->beta2) &&
           tg_check_rate(tape, name, "eps", o->eps) &&
           tg_check_rate(tape, name, "weight_decay", o->weight_decay);
}

static tgk_update_args args_of(const tg_family *family, double lr, double step)
{
    const tg_adam_opts *o = &family->opts.adam;
    /* pow(x, 0.5) is what PyTorch takes, and not always what sqrt() rounds to. */
    tgk_adam_args args = {.weight_decay = family->decoupled ? 0 : o->weight_decay,
                          .shrink = family->decoupled ? 1 - lr * o->weight_decay : 1,
                          .take1 = 1 - o->beta1,
                          .beta2 = o->beta2,
                          .take2 = 1 - o->beta2,
                          .scale = pow(1 - pow(o->beta2, step), 0.5),
                          .eps = o->eps,
                          .rate = lr / (1 - pow(o->beta1, step)),
                          .maximize = o->maximize};
    return (tgk_update_args){.adam = args};
}

static tg_optim *make(tg_tape *tape, tg_tensor *const *params, size_t n, const tg_adam_opts *opts,
                      bool decoupled)
{
    const char *name = decoupled ? "adamw" : "adam";
    tg_adam_opts o = opts ? *opts : (tg_adam_opts){0};
    o.lr = tg_option(o.lr, 1e-3);
    o.beta1 = tg_option(o.beta1, 0.9);
    o.beta2 = tg_option(o.beta2, 0.999);
    o.eps = tg_option(o.eps, 1e-8);
    o.weight_decay = tg_option(o.weight_decay, decoupled ? 1e-2 : 0);
    if (!check(tape, name, &o))
        return NULL;
    const char *max = o.amsgrad ? "max_exp_avg_sq" : NULL;
    return tg_optim_new(tape, params, n,
                        &(tg_family){.name = name,
                                     .states = {"exp_avg", "exp_avg_sq", max},
                                     .lr = o.lr,
                                     .opts.adam = o,
                                     .decoupled = decoupled,
                                     .table = &tgk_adam_table,
                                     .args = args_of});
}

static tgk_update_args sparse_args(const tg_family *family, double lr, double step)
{
    const tg_sparse_adam_opts *o = &family->opts.sparse_adam;
    tgk_sparse_adam_args args = {.take1 = 1 - o->beta1,
                                 .take2 = 1 - o->beta2,
                                 .eps = o->eps,
                                 .rate =
                                     lr * sqrt(1 - pow(o->beta2, step)) / (1 - pow(o->beta1, step)),
                                 .maximize = o->maximize};
    return (tgk_update_args){.sparse_adam = args};
}

tg_optim *tg_sparse_adam(tg_tape *tape, tg_tensor *const *params, size_t n,
                         const tg_sparse_adam_opts *opts)
{
    tg_sparse_adam_opts o = opts ? *opts : (tg_sparse_adam_opts){0};
    o.lr = tg_option(o.lr, 1e-3);
    o.beta1 = tg_option(o.beta1, 0.9);
    o.beta2 = tg_option(o.beta2, 0.999);
    o.eps = tg_option(o.eps, 1e-8);
    tg_adam_opts same = {.lr = o.lr, .beta1 = o.beta1, .beta2 = o.beta2, .eps = o.eps};
    if (!check(tape, "sparse_adam", &same))
        return NULL;
    return tg_optim_new(tape, params, n,
                        &(tg_family){.name = "sparse_adam",
                                     .states = {"exp_avg", "exp_avg_sq"},
                                     .lr = o.lr,
                                     .opts.sparse_adam = o,
                                     .zeros = TG_REFUSES,
                                     .table = &tgk_sparse_adam_table,
                                     .args = sparse_args});
}

tg_optim *tg_adam(tg_tape *tape, tg_tensor *const *params, size_t n, const tg_adam_opts *opts)
{
    return make(tape, params, n, opts, false);
}

tg_optim *tg_adamw(tg_tape *tape, tg_tensor *const *params, size_t n, const tg_adam_opts *opts)
{
    return make(tape, params, n, opts, true);
}

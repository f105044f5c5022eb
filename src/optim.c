/* Optimisers: in-place updates of leaves from their gradients. All state is made with the
 * optimiser, so that a step allocates nothing and leaves nothing on the tape. Relies on tensor.h
 * and kernels/optim.h. */
#include "tensor.h"

#include "kernels/optim.h"

#include <math.h>

/* One parameter and its state. */
typedef struct slot {
    tg_tensor *param;
    tg_tensor *momentum; /* NULL: none */
    int64_t steps;
} slot;

struct tg_optim {
    tg_object head;
    const char *name;
    tg_sgd_opts opts; /* with the defaults filled in */
    size_t n;
    slot slots[];
};

static tg_tape *alive(const tg_optim *optim, const char *name)
{
    return tg_object_check(optim, TG_MAGIC_OPTIM, name, "the optimiser");
}

static bool check_param(tg_tape *tape, const char *name, tg_tensor *const *params, size_t i)
{
    TG_CHECK(tape, params[i], TG_EVALUE, "%s: parameter %zu is NULL", name, i);
    if (!tg_alive(params[i], name))
        return false;
    const tg_tensor *p = params[i];
    TG_CHECK(tape, tg_tape_in(p) == tape, TG_EVALUE, "%s: parameter %zu is of another tape", name,
             i);
    TG_CHECK(tape, !p->requires_grad || p->is_leaf, TG_ESTATE, "%s: parameter %zu %s is not a leaf",
             name, i, tg_shape_of(p).chars);
    for (size_t k = 0; k < i; k++)
        TG_CHECK(tape, params[k] != p, TG_EVALUE, "%s: parameters %zu and %zu are the same", name,
                 k, i);
    return true;
}

static bool check_params(tg_tape *tape, const char *name, tg_tensor *const *params, size_t n)
{
    if (!tape || tape->status)
        return false;
    TG_CHECK(tape, params && n, TG_EVALUE, "%s: no parameters", name);
    TG_CHECK(tape, n < SIZE_MAX / 2 / sizeof(slot), TG_EVALUE, "%s: %zu parameters", name, n);
    for (size_t i = 0; i < n; i++) {
        if (!check_param(tape, name, params, i))
            return false;
    }
    return true;
}

static bool check_rate(tg_tape *tape, const char *name, const char *what, double value)
{
    TG_CHECK(tape, value >= 0, TG_EVALUE, "%s: %s %g is not >= 0", name, what, value);
    return true;
}

static bool check_sgd(tg_tape *tape, const tg_sgd_opts *o)
{
    if (!check_rate(tape, "sgd", "lr", o->lr) ||
        !check_rate(tape, "sgd", "momentum", o->momentum) ||
        !check_rate(tape, "sgd", "weight_decay", o->weight_decay))
        return false;
    TG_CHECK(tape, !isnan(o->dampening), TG_EVALUE, "sgd: dampening is nan");
    TG_CHECK(tape, !o->nesterov || (o->momentum > 0 && o->dampening == 0), TG_EVALUE,
             "sgd: nesterov needs a momentum and no dampening, not momentum %g, dampening %g",
             o->momentum, o->dampening);
    return true;
}

static bool fill_slots(tg_optim *optim, tg_tensor *const *params)
{
    tg_tape *tape = tg_object_tape(optim);
    for (size_t i = 0; i < optim->n; i++) {
        tg_tensor *p = params[i];
        optim->slots[i] = (slot){.param = p};
        if (optim->opts.momentum == 0)
            continue;
        optim->slots[i].momentum = tg_zeros(tape, p->ndim, p->dims, p->dtype);
        if (!optim->slots[i].momentum)
            return false;
    }
    return true;
}

tg_optim *tg_sgd(tg_tape *tape, tg_tensor *const *params, size_t n, const tg_sgd_opts *opts)
{
    tg_sgd_opts o = opts ? *opts : (tg_sgd_opts){0};
    if (!check_params(tape, "sgd", params, n) || !check_sgd(tape, &o))
        return NULL;
    if (o.lr == 0)
        o.lr = 1e-3;
    tg_mark start = tg_tape_mark(tape);
    tg_optim *optim = tg_tape_object(tape, "sgd", TG_MAGIC_OPTIM, sizeof *optim + n * sizeof(slot));
    if (!optim)
        return NULL;
    tg_object head = optim->head;
    *optim = (tg_optim){.head = head, .name = "sgd", .opts = o, .n = n};
    if (fill_slots(optim, params))
        return optim;
    tg_tape_rewind(tape, start);
    return NULL;
}

static void update(const tg_sgd_opts *o, slot *s)
{
    tg_holder_settle(s->param->holder);
    const tg_tensor *grad = s->param->holder->value;
    tgk_sgd_args args = {.lr = o->lr,
                         .momentum = o->momentum,
                         .dampening = o->dampening,
                         .weight_decay = o->weight_decay,
                         .nesterov = o->nesterov,
                         .maximize = o->maximize,
                         .first = s->steps == 0};
    tgk_sgd *sgd = tgk_sgd_table[tg_tape_in(s->param)->isa][s->param->dtype];
    sgd(s->param->numel, s->param->data, grad->data, s->momentum ? s->momentum->data : NULL, &args);
    s->steps++;
    s->param->storage->version++;
}

tg_status tg_optim_step(tg_optim *optim)
{
    tg_tape *tape = alive(optim, "optim_step");
    if (!tape)
        return optim ? TG_ESTATE : TG_EVALUE;
    if (tape->status)
        return tape->status;
    for (size_t i = 0; i < optim->n; i++) {
        slot *s = &optim->slots[i];
        if (s->param->is_leaf && s->param->holder->present)
            update(&optim->opts, s);
    }
    return TG_OK;
}

void tg_optim_zero_grad(tg_optim *optim)
{
    if (!alive(optim, "optim_zero_grad"))
        return;
    for (size_t i = 0; i < optim->n; i++)
        tg_zero_grad(optim->slots[i].param);
}

void tg_optim_set_lr(tg_optim *optim, double lr)
{
    tg_tape *tape = alive(optim, "optim_set_lr");
    if (tape && check_rate(tape, "optim_set_lr", "lr", lr))
        optim->opts.lr = lr;
}

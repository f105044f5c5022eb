/* Actions of the API fuzzer: lists of parameters, optimisers, clipping, initialisers, schedules and
 * minibatches. */
#include "api.h"

#include <string.h>

enum { MOST = 3 };

/* Mostly leaves; with others, NULL and repetitions among them. */
static size_t draw_params(world *w, tg_tensor *list[MOST])
{
    size_t n = draw(w, 8) ? 1 + draw(w, MOST) : 0;
    for (size_t i = 0; i < n; i++) {
        list[i] = pick_tensor(w);
        for (int tries = 0; tries < 4 && list[i] && !tg_requires_grad(list[i]); tries++)
            list[i] = pick_tensor(w);
    }
    return n;
}

/* Numbers that optimisers take, and some that they refuse. */
static double draw_option(world *w)
{
    static const double list[] = {0, 0, 0, TG_ZERO, 0.1, 0.9, 0.5, 1e-300};
    uint32_t i = draw(w, 12);
    return i < 8 ? list[i] : i < 11 ? 0 : draw_scalar(w);
}

static tg_optim *make_adaptive(world *w, tg_tensor *const *list, size_t n, uint32_t which)
{
    tg_tape *tape = pick_tape(w);
    if (which == 0) {
        tg_rmsprop_opts o = {.lr = draw_option(w),
                             .alpha = draw_option(w),
                             .eps = draw_option(w),
                             .weight_decay = draw_option(w),
                             .momentum = draw_option(w),
                             .centered = draw(w, 2),
                             .maximize = draw(w, 2)};
        w->says = "rmsprop";
        return tg_rmsprop(tape, list, n, draw(w, 4) ? &o : NULL);
    }
    tg_adagrad_opts o = {.lr = draw_option(w),
                         .lr_decay = draw_option(w),
                         .weight_decay = draw_option(w),
                         .initial_accumulator_value = draw_option(w),
                         .eps = draw_option(w),
                         .maximize = draw(w, 2)};
    w->says = "adagrad";
    return tg_adagrad(tape, list, n, draw(w, 4) ? &o : NULL);
}

static tg_optim *make_optim(world *w, tg_tensor *const *list, size_t n)
{
    uint32_t which = draw(w, 6);
    if (which > 3)
        return make_adaptive(w, list, n, which - 4);
    tg_tape *tape = pick_tape(w);
    if (which < 2) {
        tg_sgd_opts o = {.lr = draw_option(w),
                         .momentum = draw_option(w),
                         .dampening = draw_option(w),
                         .weight_decay = draw_option(w),
                         .nesterov = once_in(w, 3),
                         .maximize = draw(w, 2)};
        w->says = "sgd";
        return tg_sgd(tape, list, n, draw(w, 4) ? &o : NULL);
    }
    tg_adam_opts o = {.lr = draw_option(w),
                      .beta1 = draw_option(w),
                      .beta2 = draw_option(w),
                      .eps = draw_option(w),
                      .weight_decay = draw_option(w),
                      .amsgrad = draw(w, 2),
                      .maximize = draw(w, 2)};
    w->says = which == 2 ? "adam" : "adamw";
    return (which == 2 ? tg_adam : tg_adamw)(tape, list, n, draw(w, 4) ? &o : NULL);
}

static void optim(world *w)
{
    tg_tensor *list[MOST];
    size_t n = draw_params(w, list);
    tg_optim *o = make_optim(w, n ? list : NULL, n);
    note(w, !o);
    if (o)
        keep(w, w->here, OPTIMS, (thing){.p = o, .fresh = true});
}

static void optim_step(world *w)
{
    tg_optim *o = pick_pointer(w, OPTIMS);
    w->says = "optim_step";
    note(w, tg_optim_step(o));
}

static void optim_zero_grad(world *w)
{
    tg_optim_zero_grad(pick_pointer(w, OPTIMS));
}

static void optim_rates(world *w)
{
    tg_optim *o = pick_pointer(w, OPTIMS);
    size_t group = draw(w, 3);
    switch (draw(w, 3)) {
    case 0:
        w->says = "optim_set_lr";
        tg_optim_set_lr(o, draw_scalar(w));
        break;
    case 1:
        w->says = "optim_set_group_lr";
        tg_optim_set_group_lr(o, group, draw_scalar(w));
        break;
    default:
        w->says = "optim_lr";
        note_double(w, tg_optim_lr(o, group));
    }
}

static void optim_add_group(world *w)
{
    tg_tensor *list[MOST];
    size_t n = draw_params(w, list);
    thing *o = pick(w, OPTIMS);
    if (!o)
        return;
    w->says = "optim_add_group";
    tg_status status = tg_optim_add_group(o->p, list, n, draw_option(w));
    note(w, status);
    if (!status)
        grown(w, o);
}

static void optim_state(world *w)
{
    tg_optim *o = pick_pointer(w, OPTIMS);
    thing *list = pick(w, LISTS);
    size_t before = list ? tg_params_count(list->p) : 0;
    if (!list)
        return;
    w->says = "optim_state";
    tg_status status = tg_optim_state(o, list->p, once_in(w, 3) ? "model." : NULL);
    note(w, status);
    if (status) {
        REQUIRE(w, tg_params_count(list->p) == before, "the list has grown in spite of the error");
        return;
    }
    for (size_t i = before; i < tg_params_count(list->p); i++) {
        note_text(w, tg_params_name(list->p, i));
        note_tensor(w, tg_params_tensor(list->p, i));
    }
    keep_tensor(w, tg_params_tensor(list->p, before));
    grown(w, list);
}

static void clip(world *w)
{
    tg_tensor *list[MOST];
    size_t n = draw_params(w, list);
    if (draw(w, 2)) {
        double norm = draw_scalar(w), type = once_in(w, 2) ? 0 : draw_scalar(w);
        w->says = "clip_grad_norm";
        note_double(w, tg_clip_grad_norm(list, n, norm, type));
    } else {
        w->says = "clip_grad_value";
        note(w, tg_clip_grad_value(list, n, draw_scalar(w)));
    }
    for (size_t i = 0; i < n; i++)
        note_tensor(w, tg_grad(list[i]));
}

/* --- lists --- */

static void params_new(world *w)
{
    w->says = "params_new";
    tg_params *p = tg_params_new(w->here->tape);
    note(w, !p);
    if (p)
        keep(w, w->here, LISTS, (thing){.p = p, .fresh = true});
}

static void params_add(world *w)
{
    static const char *const names[] = {"a", "b", "weight", "", "0.exp_avg", "\"\xc3\xa9", "\xff"};
    thing *list = pick(w, LISTS);
    tg_tensor *t = pick_tensor(w), *added;
    if (!list)
        return;
    uint32_t name = draw(w, 9);
    w->says = "params_add";
    if (name < 7)
        added = tg_params_add(list->p, t, "%s", names[name]);
    else
        added = tg_params_add(list->p, t, "%0*d", name == 7 ? 95 : 96, (int)draw(w, 4));
    note_tensor(w, added);
    if (added)
        grown(w, list);
}

static void params_look(world *w)
{
    tg_params *list = pick_pointer(w, LISTS);
    size_t n = tg_params_count(list);
    tg_tensor *const *all = tg_params_tensors(list);
    REQUIRE(w, !all == !n, "%zu tensors, but an array %p", n, (const void *)all);
    for (size_t i = 0; i < n; i++) {
        const char *name = tg_params_name(list, i);
        REQUIRE(w, tg_params_tensor(list, i) == all[i], "tensor %zu is another", i);
        REQUIRE(w, name && tg_params_find(list, name) == all[i], "tensor %zu is not found", i);
        note_text(w, name);
        keep_tensor(w, all[i]);
    }
    note(w, n);
    REQUIRE(w, !tg_params_name(list, n) && !tg_params_tensor(list, n), "more than %zu", n);
    tg_tensor *const *unique = tg_params_unique(list);
    size_t different = tg_params_unique_count(list);
    REQUIRE(w, !unique == !different && different <= n, "%zu different tensors of %zu", different,
            n);
    for (size_t i = 0; i < different; i++) {
        for (size_t k = 0; k < i; k++)
            REQUIRE(w, unique[k] != unique[i], "tensors %zu and %zu are the same", k, i);
    }
    if (once_in(w, 4))
        tg_params_zero_grad(list);
}

/* --- initialisers --- */

static void initialise_layer(world *w, tg_tensor *t)
{
    tg_tensor *more[] = {t, pick_tensor(w), pick_tensor(w)};
    switch (draw(w, 4)) {
    case 0:
        tg_linear_init(t, once_in(w, 2) ? NULL : more[1]);
        break;
    case 1:
        tg_conv_init(t, once_in(w, 2) ? NULL : more[1]);
        break;
    case 2:
        tg_embedding_init(t);
        break;
    default:
        tg_recurrent_init(more, draw(w, 4), (int64_t)draw(w, 4));
    }
}

static void initialise(world *w)
{
    tg_tensor *t = pick_tensor(w);
    tg_kaiming_opts o = {draw_option(w), draw(w, 2), (tg_nonlinearity)draw(w, 6)};
    switch (draw(w, 6)) {
    case 0:
        tg_xavier_uniform_(t, draw_option(w));
        break;
    case 1:
        tg_xavier_normal_(t, draw_option(w));
        break;
    case 2:
        tg_kaiming_uniform_(t, draw(w, 4) ? &o : NULL);
        break;
    case 3:
        tg_kaiming_normal_(t, draw(w, 4) ? &o : NULL);
        break;
    default:
        initialise_layer(w, t);
    }
    note_tensor(w, t);
}

static void schedule(world *w)
{
    int64_t step = (int64_t)draw(w, 20) - 2, n = (int64_t)draw(w, 8) - 1;
    const int64_t milestones[] = {3, 1, n, step};
    double base = draw_scalar(w), factor = draw_scalar(w);
    tg_one_cycle_opts o = {base,           n,          draw_option(w), draw_option(w),
                           draw_option(w), draw(w, 2), draw(w, 2)};
    note_double(w, tg_lr_step(base, step, n, factor));
    note_double(w, tg_lr_multi_step(base, step, milestones, draw(w, 5), factor));
    note_double(w, tg_lr_exponential(base, step, factor));
    note_double(w, tg_lr_cosine(base, step, n, factor));
    note_double(w, tg_lr_linear(base, step, factor, base, n));
    note_double(w, tg_lr_one_cycle(step, once_in(w, 8) ? NULL : &o));
}

/* --- minibatches --- */

static void batches_new(world *w)
{
    static const int64_t odd[] = {-1, INT64_MAX, INT64_C(1) << 60, 0};
    tg_batches_opts o = {.shuffle = draw(w, 2), .drop_last = draw(w, 2)};
    int64_t n = once_in(w, 8) ? odd[draw(w, 4)] : draw(w, 8);
    int64_t batch = once_in(w, 8) ? odd[draw(w, 4)] : 1 + draw(w, 4);
    w->says = "batches_new";
    tg_batches *b = tg_batches_new(pick_tape(w), n, batch, draw(w, 4) ? &o : NULL);
    note(w, !b);
    if (b)
        keep(w, w->here, BATCHES, (thing){.p = b, .n = n, .fresh = true});
}

static void batches_start(world *w)
{
    w->says = "batches_start";
    note(w, tg_batches_start(pick_pointer(w, BATCHES)));
}

static void batches_next(world *w)
{
    tg_batches *b = pick_pointer(w, BATCHES);
    w->says = "batches_next";
    note(w, tg_batches_next(b));
    int64_t n = tg_batches_size(b);
    const int64_t *indices = tg_batches_indices(b);
    REQUIRE(w, !n == !indices, "%lld samples, but indices at %p", (long long)n,
            (const void *)indices);
    for (int64_t i = 0; i < n; i++)
        note(w, (uint64_t)indices[i]);
}

/* The array is of bytes 0 and 1, which are right in any dtype. */
static void batches_read(world *w)
{
    static char array[8 * SMALL * 8];
    thing *b = pick_any(w, BATCHES);
    tg_tensor *into = pick_tensor(w);
    if (!b || tg_numel(into) > SMALL)
        return;
    for (size_t i = 0; i < sizeof array; i++)
        array[i] = i % 3 == 0;
    const void *from = once_in(w, 16) ? NULL : array;
    if (draw(w, 2)) {
        w->says = "batches_read_as";
        note(w, tg_batches_read_as(b->p, from, (tg_array_type)draw(w, 7), into));
    } else {
        w->says = "batches_read";
        note(w, tg_batches_read(b->p, from, into));
    }
    note_tensor(w, into);
}

const action api_train[] = {{"optim", optim, 6, 0},
                            {"optim_step", optim_step, 6, 0},
                            {"optim_zero_grad", optim_zero_grad, 3, 0},
                            {"optim_rates", optim_rates, 2, 0},
                            {"optim_add_group", optim_add_group, 2, 0},
                            {"optim_state", optim_state, 2, 0},
                            {"clip", clip, 4, 0},
                            {"params_new", params_new, 2, 0},
                            {"params_add", params_add, 4, 0},
                            {"params_look", params_look, 2, 0},
                            {"initialise", initialise, 5, 0},
                            {"schedule", schedule, 1, 0},
                            {"batches_new", batches_new, 2, 0},
                            {"batches_start", batches_start, 2, 0},
                            {"batches_next", batches_next, 3, 0},
                            {"batches_read", batches_read, 3, 0},
                            {0}};

/* Optimisers: in-place updates of leaves from their gradients. All state is made with the
 * optimiser, so that a step allocates nothing and leaves nothing on the tape; and it is made of
 * tensors, so that it can be listed, saved and written back. Relies on optim.h and params.h. */
#include "train/optim.h"

#include "kernels/nest.h"
#include "ops/scope.h"
#include "record/apply.h"
#include "record/grad.h"
#include "train/params.h"

#include <float.h>
#include <math.h>

/* What a tg_optim is the handle of. */
typedef struct optimiser {
    tg_slot head;
    tg_family *family;
    tg_group *first;
} optimiser;

static optimiser *at(const tg_optim *optim)
{
    return tg_slot_of(optim);
}

/* The optimiser's groups, one after the other; of one that is alive. */
static tg_group *first_of(const tg_optim *optim)
{
    return at(optim)->first;
}

static tg_group *next_of(const tg_group *g)
{
    return tg_slot_of(g->next);
}

/* The optimiser's tape where it and all of its groups can be used. */
static tg_tape *alive(const tg_optim *optim, const char *name)
{
    tg_tape *tape = tg_check_handle(optim, name, "the optimiser");
    for (const tg_group *g = tape ? first_of(optim) : NULL; g && g->next; g = next_of(g))
        TG_CHECK(tape, tg_slot_alive(g->next), TG_ESTATE,
                 "%s: a group was added since a mark that the tape was rewound to", name);
    return tape;
}

/* -- Making ----------------------------------------------------------------------------------- */

static bool check_param(tg_tape *tape, const char *name, tg_tensor *const *params, size_t i)
{
    const tg_tensor *p = params[i];
    TG_CHECK(tape, !tg_at(p)->requires_grad || tg_at(p)->is_leaf, TG_ESTATE,
             "%s: parameter %zu %s is not a leaf", name, i, tg_shape_of(p).chars);
    for (size_t k = 0; k < i; k++)
        TG_CHECK(tape, params[k] != p, TG_EVALUE,
                 "%s: parameters %zu and %zu are the same (tg_params_unique() has each once)", name,
                 k, i);
    return true;
}

static bool check_params(tg_tape *tape, const char *name, tg_tensor *const *params, size_t n)
{
    if (!tape || tape->status || !tg_outside(tape, name))
        return false;
    TG_CHECK(tape, params && n, TG_EVALUE, "%s: no parameters", name);
    TG_CHECK(tape, n < TG_MOST_BYTES / sizeof(tg_trained), TG_EVALUE, "%s: %zu parameters", name,
             n);
    if (!tg_check_list(tape, name, "parameter", params, n))
        return false;
    for (size_t i = 0; i < n; i++) {
        if (!check_param(tape, name, params, i))
            return false;
    }
    return true;
}

bool tg_check_rate(tg_tape *tape, const char *name, const char *what, double value)
{
    TG_CHECK(tape, value >= 0 && isfinite(value), TG_EVALUE, "%s: %s %g is not finite and >= 0",
             name, what, value);
    return true;
}

static bool fill_trained(tg_tape *tape, const tg_family *family, tg_tensor *p, tg_trained *one)
{
    *one = (tg_trained){.param = p};
    bool any = false;
    for (int k = 0; k < TG_OPTIM_STATES; k++) {
        if (!family->states[k])
            continue;
        double value = k ? 0 : family->initial;
        one->state[k] = tg_full(tape, tg_at(p)->ndim, tg_at(p)->dims, value, tg_at(p)->dtype);
        if (!one->state[k])
            return false;
        any = true;
    }
    if (any)
        one->step = tg_zeros(tape, TG_SCALAR, TG_I64);
    return one->step || !any;
}

/* NULL, with the error set, where memory is out; the caller takes back what was made. */
static tg_group *new_group(tg_tape *tape, const tg_family *family, tg_tensor *const *params,
                           size_t n, double lr)
{
    tg_group *group = tg_tape_slot(tape, family->name);
    tg_trained *trained = group ? tg_tape_body(tape, family->name, n * sizeof *trained) : NULL;
    if (!trained)
        return NULL;
    *group = (tg_group){.head = group->head, .n = n, .trained = trained};
    group->lr = tg_tensor_new(tape, family->name, TG_F64, (tg_dims){0, NULL});
    if (!group->lr)
        return NULL;
    *(double *)(void *)tg_at(group->lr)->data = lr;
    for (size_t i = 0; i < n; i++) {
        if (!fill_trained(tape, family, params[i], &group->trained[i]))
            return NULL;
    }
    return group;
}

tg_optim *tg_optim_new(tg_tape *tape, tg_tensor *const *params, size_t n, const tg_family *family)
{
    if (!check_params(tape, family->name, params, n))
        return NULL;
    tg_scope scope = tg_scope_begin(tape, family->name);
    optimiser *o = tg_tape_slot(tape, family->name);
    tg_family *copy = o ? tg_tape_body(tape, family->name, sizeof *copy) : NULL;
    tg_group *first = copy ? new_group(tape, family, params, n, family->lr) : NULL;
    tg_scope_end(&scope, first);
    if (!first)
        return NULL;
    *copy = *family;
    *o = (optimiser){o->head, copy, first};
    return (tg_optim *)(uintptr_t)o->head.self;
}

/* -- Groups ----------------------------------------------------------------------------------- */

static bool check_new(const tg_optim *optim, tg_tape *tape, tg_tensor *const *params, size_t n)
{
    for (const tg_group *g = first_of(optim); g; g = next_of(g)) {
        for (size_t i = 0; i < g->n; i++) {
            for (size_t k = 0; k < n; k++)
                TG_CHECK(tape, params[k] != g->trained[i].param, TG_EVALUE,
                         "optim_add_group: parameter %zu is in another group already", k);
        }
    }
    return true;
}

tg_status tg_optim_add_group(tg_optim *optim, tg_tensor *const *params, size_t n, double lr)
{
    tg_tape *tape = alive(optim, "optim_add_group");
    if (!tape)
        return optim ? TG_ESTATE : TG_EVALUE;
    if (!check_params(tape, "optim_add_group", params, n) || !check_new(optim, tape, params, n) ||
        !tg_check_rate(tape, "optim_add_group", "lr", lr))
        return tape->status;
    tg_scope scope = tg_scope_begin(tape, "optim_add_group");
    tg_group *group = new_group(tape, at(optim)->family, params, n, lr);
    tg_scope_end(&scope, group);
    if (!group)
        return tape->status;
    tg_group *last = first_of(optim);
    while (last->next)
        last = next_of(last);
    last->next = group->head.self;
    return TG_OK;
}

/* NULL, with EVALUE, where there is no such group. */
static tg_group *group_at(const tg_optim *optim, size_t index, const char *name)
{
    tg_tape *tape = alive(optim, name);
    tg_group *g = tape ? first_of(optim) : NULL;
    for (size_t i = 0; i < index && g; i++)
        g = next_of(g);
    TG_CHECK(tape, g, TG_EVALUE, "%s: there is no group %zu", name, index);
    return g;
}

static void put_lr(tg_group *group, double lr)
{
    *(double *)(void *)tg_at(group->lr)->data = lr;
    tg_at(group->lr)->owner->version++;
}

static double get_lr(const tg_group *group)
{
    return *(const double *)(const void *)tg_at(group->lr)->data;
}

double tg_optim_lr(const tg_optim *optim, size_t group)
{
    const tg_group *g = group_at(optim, group, "optim_lr");
    return g ? get_lr(g) : (double)NAN;
}

void tg_optim_set_group_lr(tg_optim *optim, size_t group, double lr)
{
    tg_group *g = group_at(optim, group, "optim_set_group_lr");
    if (g && tg_check_rate(tg_slot_tape(&g->head), "optim_set_group_lr", "lr", lr) &&
        tg_outside_capture(tg_slot_tape(&g->head), "optim_set_group_lr"))
        put_lr(g, lr);
}

void tg_optim_set_lr(tg_optim *optim, double lr)
{
    tg_tape *tape = alive(optim, "optim_set_lr");
    if (!tape || !tg_check_rate(tape, "optim_set_lr", "lr", lr) ||
        !tg_outside_capture(tape, "optim_set_lr"))
        return;
    for (tg_group *g = first_of(optim); g; g = next_of(g))
        put_lr(g, lr);
}

/* -- Steps ------------------------------------------------------------------------------------ */

static void *behind(const tg_tensor *t, int64_t elements)
{
    return t ? tg_at(t)->data + elements * (int64_t)tg_dtype_size(tg_at(t)->dtype) : NULL;
}

/* Elements of one parameter. */
static inline void update_part(const tg_family *family, const tg_trained *one, int64_t from,
                               int64_t to)
{
    const tg_tensor *p = one->param, *grad = tg_its_holder(p)->value;
    tgk_update *update = (*family->table)[tg_tape_in(p)->isa][tg_at(p)->dtype];
    void *state[TG_OPTIM_STATES];
    for (int k = 0; k < TG_OPTIM_STATES; k++)
        state[k] = behind(one->state[k], from);
    update(to - from, behind(p, from), behind(grad, from), state, &one->args);
}

/* The same of its rows, counted from the first one's first element on. */
static void update_rows(const tg_family *family, const tg_trained *one, int64_t from, int64_t to)
{
    const int64_t *dims = tg_at(one->param)->dims, width = dims[1];
    int64_t row = tgk_touched_at(one->rows, from / width);
    while (from < to) {
        int64_t first = from % width, n = width - first < to - from ? width - first : to - from;
        int64_t at = row * width + first;
        update_part(family, one, at, at + n);
        from += n;
        row = tgk_touched_next(one->rows, dims[0], row + 1);
    }
}

/* Elements of all parameters that are due, one after the other. */
static void update_range(void *context, int64_t from, int64_t to)
{
    const optimiser *o = context;
    for (const tg_group *g = o->first; g && to > 0; g = next_of(g)) {
        for (size_t i = 0; i < g->n && to > 0; i++) {
            const tg_trained *one = &g->trained[i];
            int64_t n = one->due;
            if (from < n && one->rows)
                update_rows(o->family, one, from, to < n ? to : n);
            else if (from < n)
                update_part(o->family, one, from, to < n ? to : n);
            from = from > n ? from - n : 0;
            to -= n;
        }
    }
}

/* A rate that is infinite as a float makes nan of zeros. */
static bool can_skip(const tg_family *family, double lr)
{
    return family->zeros == TG_REFUSES || (family->zeros == TG_SKIPS && lr <= (double)FLT_MAX);
}

/* Notes that a parameter is to be updated. Returns how many elements it has. */
static int64_t make_due(const tg_family *family, tg_trained *one, double lr)
{
    tg_holder *holder = tg_its_holder(one->param);
    tg_holder_settle(holder);
    const tg_header *p = tg_at(one->param);
    one->rows = tg_touched_of(holder->value);
    if (one->rows && !can_skip(family, lr))
        one->rows = NULL;
    one->due = p->numel;
    if (one->rows)
        one->due = tgk_touched_count(one->rows, p->dims[0]) * p->dims[1];
    int64_t step = 1;
    int moves = 3;   /* the gradient, the parameter and back */
    if (one->step) { /* and so there are states */
        step = ++*(int64_t *)(void *)tg_at(one->step)->data;
        tg_at(one->step)->owner->version++;
    }
    for (int k = 0; one->step && k < TG_OPTIM_STATES; k++) {
        if (!one->state[k])
            continue;
        tg_at(one->state[k])->owner->version++;
        moves += 2;
    }
    one->args = family->args(family, lr, (double)step);
    p->owner->version++;
    tg_tape *tape = tg_tape_in(one->param);
    if (tape->profiler.add)
        tape->profiler.bytes += moves * one->due * (int64_t)tg_dtype_size(p->dtype);
    return one->due;
}

static int64_t get_step(const tg_trained *one)
{
    return one->step ? *(const int64_t *)(const void *)tg_at(one->step)->data : 0;
}

/* Whether an optimiser of rows alone finds them. */
static bool check_rows(const tg_optim *optim, const tg_trained *one, size_t number)
{
    const tg_tensor *p = one->param;
    bool present = tg_at(p)->is_leaf && tg_its_holder(p)->present;
    TG_CHECK(
        tg_tape_in(p), !present || tg_touched_of(tg_its_holder(p)->value), TG_ESTATE,
        "optim_step: %s: the gradient of parameter %zu %s is dense: not tg_embedding() of it alone "
        "made it, in one pass",
        at(optim)->family->name, number, tg_shape_of(p).chars);
    return true;
}

/* Whether what tg_optim_state() lends still is what an optimiser has: anything may be written to
 * it. Before the first parameter changes. */
static bool check_state(const tg_optim *optim, tg_tape *tape)
{
    size_t number = 0;
    bool refuses = at(optim)->family->zeros == TG_REFUSES;
    for (const tg_group *g = first_of(optim); g; g = next_of(g)) {
        if (!tg_check_rate(tape, "optim_step", "lr", get_lr(g)))
            return false;
        for (size_t i = 0; i < g->n; i++, number++) {
            int64_t step = get_step(&g->trained[i]);
            TG_CHECK(tape, step >= 0 && step < INT64_MAX, TG_EVALUE,
                     "optim_step: %zu.step is %lld, outside [0, 2^63 - 2]", number,
                     (long long)step);
            if (refuses && !check_rows(optim, &g->trained[i], number))
                return false;
        }
    }
    return true;
}

static void step_forward(tg_node *node)
{
    const tg_optim *optim = *(tg_optim *const *)node->params;
    tg_tape *tape = tg_node_tape(node); /* a capture does not outlive the optimiser before it */
    if (!check_state(optim, tape))
        return;
    optimiser *o = at(optim);
    int64_t elements = 0;
    for (const tg_group *g = o->first; g; g = next_of(g)) {
        for (size_t i = 0; i < g->n; i++) {
            const tg_tensor *p = g->trained[i].param;
            g->trained[i].due = 0;
            if (tg_at(p)->is_leaf && tg_its_holder(p)->present)
                elements += make_due(o->family, &g->trained[i], get_lr(g));
        }
    }
    tgk_share(&tape->team, elements, TGK_GRAIN, update_range, o);
}

tg_status tg_optim_step(tg_optim *optim)
{
    TGK_IN_RIGHT_MODES(tg_status, tg_optim_step(optim));
    static const tg_op op = {.name = "optim_step", .forward = step_forward};
    tg_tape *tape = alive(optim, "optim_step");
    if (!tape)
        return optim ? TG_ESTATE : TG_EVALUE;
    tg_call call = {.op = &op, .params = &optim, .params_size = sizeof optim};
    if (!tape->status && tg_outside(tape, "optim_step"))
        tg_do(tape, &call);
    return tape->status;
}

void tg_optim_zero_grad(tg_optim *optim)
{
    if (!alive(optim, "optim_zero_grad"))
        return;
    for (const tg_group *g = first_of(optim); g; g = next_of(g)) {
        for (size_t i = 0; i < g->n; i++)
            tg_zero_grad(g->trained[i].param);
    }
}

/* -- State ------------------------------------------------------------------------------------ */

static bool list_trained(const tg_optim *optim, const tg_trained *one, size_t i, tg_params *list,
                         const char *prefix)
{
    for (int k = 0; k < TG_OPTIM_STATES; k++) {
        if (one->state[k] && !tg_params_add(list, one->state[k], "%s%zu.%s", prefix, i,
                                            at(optim)->family->states[k]))
            return false;
    }
    return !one->step || tg_params_add(list, one->step, "%s%zu.step", prefix, i);
}

static bool list_all(const tg_optim *optim, tg_params *list, const char *prefix)
{
    size_t number = 0, group = 0;
    for (const tg_group *g = first_of(optim); g; g = next_of(g), group++) {
        for (size_t i = 0; i < g->n; i++, number++) {
            if (!list_trained(optim, &g->trained[i], number, list, prefix))
                return false;
        }
        if (!tg_params_add(list, g->lr, "%sgroup%zu.lr", prefix, group))
            return false;
    }
    return true;
}

tg_status tg_optim_state(tg_optim *optim, tg_params *list, const char *prefix)
{
    tg_tape *tape = alive(optim, "optim_state");
    if (!tape)
        return optim ? TG_ESTATE : TG_EVALUE;
    if (tape->status)
        return tape->status;
    if (!list)
        return tg_fail(tape, TG_EVALUE, "optim_state: the list is NULL");
    tg_tape *other = tg_params_tape(list, "optim_state"); /* NULL: it has the error */
    if (other && other != tape)
        tg_fail(other, TG_EVALUE, "optim_state: the optimiser is of another tape");
    if (other != tape)
        return tape->status ? tape->status
                            : tg_fail(tape, TG_EVALUE, "optim_state: the list is of another tape");
    const size_t count = tg_params_count(list);
    const char *outer = tg_speak_as(tape, tape->speaker ? tape->speaker : "optim_state");
    if (!list_all(optim, list, prefix ? prefix : ""))
        tg_params_truncate(list, count);
    tg_speak_as(tape, outer);
    return tape->status;
}

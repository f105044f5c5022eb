/* LSTM and GRU: layers, directions and cells. A direction is a linear layer of all steps' inputs and an
 * operation over the steps; outputs and last states are views of what that gives. */
#include "kernels/format.h"
#include "ops/check.h"
#include "ops/nn/recurrent.h"

#include <tinygrad/nn.h>

typedef struct kind {
    tg_op op; /* its name */
    bool gru;
    int64_t gates;
} kind;

/* Tensors of a direction: w_ih, w_hh and, but for layers without, b_ih and b_hh. */
enum { W_IH, W_HH, B_IH, B_HH, PER_DIRECTION };

/* A direction of a layer. */
typedef struct direction {
    tg_tensor *weight[PER_DIRECTION], *h0, *c0, *lengths;
    bool from_end;
    int64_t layer; /* counted from 1 on; 0: it is a cell */
} direction;

/* Weight i as PyTorch calls it. */
static tg_text name_of(const direction *d, int i)
{
    static const char *const names[PER_DIRECTION] = {"weight_ih", "weight_hh", "bias_ih",
                                                     "bias_hh"};
    tg_text text;
    if (d->layer)
        tgk_format(text.chars, sizeof text.chars, "%s_l%lld%s", names[i], (long long)d->layer - 1,
                   d->from_end ? "_reverse" : "");
    else
        tgk_format(text.chars, sizeof text.chars, "%s", names[i]);
    return text;
}

static bool check_weight(const kind *k, const tg_tensor *x, const direction *d, int i, tg_dims dims)
{
    const tg_tensor *w = d->weight[i];
    TG_CHECK(tg_tape_in(x), tg_at(w)->dtype == tg_at(x)->dtype, TG_EDTYPE,
             "%s: %s is %s, wanted %s", k->op.name, name_of(d, i).chars,
             tg_dtype_name(tg_at(w)->dtype), tg_dtype_name(tg_at(x)->dtype));
    TG_CHECK(tg_tape_in(x), tg_shape_equal(tg_dims_of(w), dims), TG_ESHAPE,
             "%s: %s is %s, wanted %s", k->op.name, name_of(d, i).chars, tg_shape_of(w).chars,
             tg_shape_text(dims).chars);
    return true;
}

/* x (steps, rows, inputs). */
static bool check_weights(const kind *k, const tg_tensor *x, const direction *d)
{
    const tg_tensor *own = d->weight[W_HH];
    TG_CHECK(tg_tape_in(x), tg_at(own)->ndim == 2 && tg_at(own)->dims[1] > 0, TG_ESHAPE,
             "%s: %s %s, wanted (%lld * hidden, hidden)", k->op.name, name_of(d, W_HH).chars,
             tg_shape_of(own).chars, (long long)k->gates);
    const int64_t size = tg_at(own)->dims[1], rows = k->gates * size;
    const int64_t dims[PER_DIRECTION][2] = {
        {rows, tg_at(x)->dims[2]}, {rows, size}, {rows}, {rows}};
    for (int i = 0; i < PER_DIRECTION; i++) {
        if (d->weight[i] && !check_weight(k, x, d, i, (tg_dims){i < B_IH ? 2 : 1, dims[i]}))
            return false;
    }
    return true;
}

/* A state or NULL. */
static bool check_state(const kind *k, const tg_tensor *x, const tg_tensor *state, tg_dims dims)
{
    TG_CHECK(tg_tape_in(x), !state || tg_at(state)->dtype == tg_at(x)->dtype, TG_EDTYPE,
             "%s: a state is %s, wanted %s", k->op.name, tg_dtype_name(tg_at(state)->dtype),
             tg_dtype_name(tg_at(x)->dtype));
    TG_CHECK(tg_tape_in(x), !state || tg_shape_equal(tg_dims_of(state), dims), TG_ESHAPE,
             "%s: a state is %s, wanted %s", k->op.name, tg_shape_of(state).chars,
             tg_shape_text(dims).chars);
    return true;
}

/* The states of a direction, see recurrent.h; both biases of the LSTM count alike. */
static tg_tensor *states_of(const kind *k, tg_tensor *x, const direction *d)
{
    tg_tensor *bias = d->weight[B_IH];
    if (!k->gru && bias)
        bias = tg_add(bias, d->weight[B_HH]);
    return tg_recurrent_states(&(tg_recurrent_steps){.gru = k->gru,
                                                     .from_end = d->from_end,
                                                     .in = tg_linear(x, d->weight[W_IH], bias),
                                                     .weight = d->weight[W_HH],
                                                     .bias = k->gru ? d->weight[B_HH] : NULL,
                                                     .h0 = d->h0,
                                                     .c0 = d->c0,
                                                     .lengths = d->lengths});
}

/* --- sequences --- */

/* A call; h and c: the last states of all layers and directions, in order. */
typedef struct sequence {
    const kind *k;
    const tg_recurrent_opts *o;
    tg_tensor *const *weights;
    tg_tensor *h0, *c0, *over, **h, **c;
    int64_t layers, directions, steps;
} sequence;

/* Direction number i of all layers' ones. */
static direction direction_of(const sequence *s, int64_t i)
{
    direction d = {.lengths = s->o->lengths,
                   .from_end = i % s->directions == 1,
                   .layer = i / s->directions + 1};
    const int64_t per = s->o->no_bias ? B_IH : PER_DIRECTION;
    for (int64_t j = 0; j < per; j++)
        d.weight[j] = s->weights[i * per + j];
    d.h0 = s->h0 ? tg_select(s->h0, 0, i) : NULL;
    d.c0 = s->c0 ? tg_select(s->c0, 0, i) : NULL;
    return d;
}

/* The output of direction number i, (steps, rows, size). */
static tg_tensor *run_direction(const sequence *s, tg_tensor *x, int64_t i)
{
    const direction d = direction_of(s, i);
    if (tg_tape_in(x)->status || !check_weights(s->k, x, &d))
        return NULL;
    tg_tensor *states = states_of(s->k, x, &d);
    s->h[i] = tg_narrow(states, 0, d.from_end ? 0 : s->steps, 1);
    if (!s->k->gru)
        s->c[i] = tg_narrow(states, 0, s->steps + 1, 1);
    tg_tensor *y = tg_narrow(states, 0, !d.from_end, s->steps);
    return s->over ? tg_masked_fill(y, s->over, 0) : y;
}

static tg_tensor *run_layers(const sequence *s, tg_tensor *x)
{
    for (int64_t layer = 0; layer < s->layers && x; layer++) {
        if (layer > 0)
            x = tg_dropout(x, s->o->dropout, s->o->training);
        tg_tensor *y = x ? run_direction(s, x, layer * s->directions) : NULL;
        if (y && s->directions == 2)
            y = tg_cat((tg_tensor *[]){y, run_direction(s, x, layer * 2 + 1)}, 2, 2);
        x = y;
    }
    return x;
}

static bool check_sequence(const sequence *s, const tg_tensor *x, size_t n)
{
    const char *name = s->k->op.name;
    tg_tape *tape = tg_tape_in(x);
    const tg_tensor *lengths = s->o->lengths;
    const int64_t per = s->o->no_bias ? B_IH : PER_DIRECTION;
    TG_CHECK(tape, tg_at(x)->dims[0] > 0, TG_ESHAPE, "%s: a sequence of no steps", name);
    TG_CHECK(tape, s->layers >= 1 && s->layers < 1 << 20, TG_EVALUE, "%s: %lld layers", name,
             (long long)s->layers);
    TG_CHECK(tape, s->o->dropout >= 0 && s->o->dropout <= 1, TG_EVALUE,
             "%s: dropout %g is not in [0, 1]", name, s->o->dropout);
    TG_CHECK(tape, n == (size_t)(s->layers * s->directions * per), TG_EVALUE,
             "%s: %lld weights, wanted %lld for each of %lld layers in %lld directions", name,
             (long long)n, (long long)per, (long long)s->layers, (long long)s->directions);
    TG_CHECK(tape, s->k->gru ? !s->o->c0 : !s->o->h0 == !s->o->c0, TG_EVALUE,
             s->k->gru ? "%s: it has no c0" : "%s: h0 and c0 go together", name);
    TG_CHECK(tape, !lengths || tg_at(lengths)->dtype == TG_I64, TG_EDTYPE,
             "%s: lengths are %s, wanted int64", name, tg_dtype_name(tg_at(lengths)->dtype));
    TG_CHECK(tape,
             !lengths ||
                 (tg_at(lengths)->ndim == 1 && tg_at(lengths)->dims[0] == tg_at(x)->dims[1]),
             TG_ESHAPE, "%s: lengths %s of %lld rows", name, tg_shape_of(lengths).chars,
             (long long)tg_at(x)->dims[1]);
    return true;
}

/* States (layers * directions, rows, size), which unbatched ones become here. */
static bool check_states(sequence *s, const tg_tensor *x, bool batched)
{
    const tg_tensor *own = s->weights[W_HH];
    const int64_t size = tg_at(own)->ndim ? tg_at(own)->dims[tg_at(own)->ndim - 1] : 0;
    const int64_t dims[] = {s->layers * s->directions, tg_at(x)->dims[1], size};
    s->h0 = s->o->h0 && !batched ? tg_unsqueeze(s->o->h0, 1) : s->o->h0;
    s->c0 = s->o->c0 && !batched ? tg_unsqueeze(s->o->c0, 1) : s->o->c0;
    return !tg_tape_in(x)->status && check_state(s->k, x, s->h0, (tg_dims){3, dims}) &&
           check_state(s->k, x, s->c0, (tg_dims){3, dims});
}

/* All weights are of x's tape; room for last states. */
static bool prepare(sequence *s, tg_tensor *x, size_t n)
{
    const char *name = s->k->op.name;
    tg_tensor **list = tg_tape_body(tg_tape_in(x), name, (3 * n + 1) * sizeof(tg_tensor *));
    if (!list)
        return false;
    list[0] = x;
    for (size_t i = 0; i < 3 * n; i++)
        list[i + 1] = i < n ? s->weights[i] : NULL;
    s->h = list + n + 1;
    s->c = s->h + n;
    return tg_check_inputs(&s->k->op, (int)n + 1, list);
}

static tg_tensor *last_states(const sequence *s, tg_tensor **list, bool batched)
{
    const int64_t n = s->layers * s->directions;
    tg_tensor *all = n == 1 ? list[0] : tg_cat(list, (size_t)n, 0);
    return batched ? all : tg_select(all, 1, 0);
}

/* last: of h and, for an LSTM, of c. */
static tg_tensor *run(sequence *s, tg_tensor *x, size_t n, tg_tensor *last[2])
{
    const tg_recurrent_opts *o = s->o;
    tg_tape *tape = tg_tape_in(x);
    TG_CHECK(tape, tg_at(x)->ndim == 2 || tg_at(x)->ndim == 3, TG_ESHAPE,
             "%s: input %s, wanted (steps, rows, inputs) or (steps, inputs)", s->k->op.name,
             tg_shape_of(x).chars);
    const bool batched = tg_at(x)->ndim == 3;
    if (!tg_check_floats(&s->k->op, 1, &x))
        return NULL;
    x = !batched ? tg_unsqueeze(x, 1) : o->batch_first ? tg_transpose(x, 0, 1) : x;
    if (!x || !check_sequence(s, x, n) || !prepare(s, x, n) || !check_states(s, x, batched))
        return NULL;
    s->steps = tg_at(x)->dims[0];
    s->over = tg_recurrent_over(o->lengths, s->steps);
    tg_tensor *y = run_layers(s, x);
    last[0] = last_states(s, s->h, batched);
    last[1] = s->k->gru ? NULL : last_states(s, s->c, batched);
    return !batched ? tg_select(y, 1, 0) : o->batch_first ? tg_transpose(y, 0, 1) : y;
}

/* Where it fails, no dropout has drawn. */
static tg_tensor *run_whole(sequence *s, tg_tensor *x, size_t n, tg_tensor *last[2])
{
    tg_tape *tape = tg_tape_in(x);
    const tg_generator before = tape->generator;
    tg_tensor *y = run(s, x, n, last);
    if (!y)
        tape->generator = before;
    return y;
}

static tg_tensor *recurrent(const kind *k, tg_tensor *x, tg_tensor *const *weights, size_t n,
                            const tg_recurrent_opts *opts, tg_tensor *last[2])
{
    static const tg_recurrent_opts defaults = {0};
    const tg_recurrent_opts *o = opts ? opts : &defaults;
    sequence s = {.k = k,
                  .o = o,
                  .weights = weights,
                  .layers = o->layers ? o->layers : 1,
                  .directions = o->bidirectional ? 2 : 1};
    tg_tensor *in[] = {x, n && weights ? weights[0] : NULL, o->h0, o->c0, o->lengths};
    TG_IN_SCOPE_GIVEN(&k->op, 5, in, 2, run_whole(&s, x, n, last));
}

static const kind lstm = {{.name = "lstm"}, false, 4}, gru = {{.name = "gru"}, true, 3};

static void give(tg_tensor **to, tg_tensor *state, const tg_tensor *result)
{
    if (to)
        *to = result ? state : NULL;
}

tg_tensor *tg_lstm(tg_tensor *x, tg_tensor *const *weights, size_t n, const tg_recurrent_opts *opts,
                   tg_tensor **h_n, tg_tensor **c_n)
{
    tg_tensor *last[2] = {NULL, NULL}, *y = recurrent(&lstm, x, weights, n, opts, last);
    give(h_n, last[0], y);
    give(c_n, last[1], y);
    return y;
}

tg_tensor *tg_gru(tg_tensor *x, tg_tensor *const *weights, size_t n, const tg_recurrent_opts *opts,
                  tg_tensor **h_n)
{
    tg_tensor *last[2] = {NULL, NULL}, *y = recurrent(&gru, x, weights, n, opts, last);
    give(h_n, last[0], y);
    return y;
}

/* --- cells --- */

/* A sequence of one step; c: where the LSTM's goes. */
static tg_tensor *run_cell(const kind *k, tg_tensor *x, direction *d, tg_tensor **c)
{
    TG_CHECK(tg_tape_in(x), tg_at(x)->ndim == 1 || tg_at(x)->ndim == 2, TG_ESHAPE,
             "%s: input %s, wanted (rows, inputs) or (inputs)", k->op.name, tg_shape_of(x).chars);
    const bool batched = tg_at(x)->ndim == 2;
    TG_CHECK(tg_tape_in(x), !d->weight[B_IH] == !d->weight[B_HH], TG_EVALUE,
             "%s: b_ih and b_hh go together", k->op.name);
    x = batched ? tg_unsqueeze(x, 0) : tg_reshape(x, 3, (int64_t[]){1, 1, tg_at(x)->dims[0]});
    if (!batched) {
        d->h0 = d->h0 ? tg_unsqueeze(d->h0, 0) : NULL;
        d->c0 = d->c0 ? tg_unsqueeze(d->c0, 0) : NULL;
    }
    if (!x || tg_tape_in(x)->status || !tg_check_floats(&k->op, 1, &x) || !check_weights(k, x, d))
        return NULL;
    const int64_t dims[] = {tg_at(x)->dims[1], tg_at(d->weight[W_HH])->dims[1]};
    if (!check_state(k, x, d->h0, (tg_dims){2, dims}) ||
        !check_state(k, x, d->c0, (tg_dims){2, dims}))
        return NULL;
    tg_tensor *states = states_of(k, x, d);
    tg_tensor *h = tg_select(states, 0, 1), *last = k->gru ? NULL : tg_select(states, 0, 2);
    *c = batched || !last ? last : tg_select(last, 0, 0);
    return batched ? h : tg_select(h, 0, 0);
}

static tg_tensor *cell(const kind *k, tg_tensor *x, direction *d, tg_tensor **c)
{
    tg_tensor *in[] = {
        x, d->weight[W_IH], d->weight[W_HH], d->weight[B_IH], d->weight[B_HH], d->h0, d->c0};
    TG_IN_SCOPE_GIVEN(&k->op, 7, in, 3, run_cell(k, x, d, c));
}

tg_tensor *tg_lstm_cell(tg_tensor *x, tg_tensor *h, tg_tensor *c, tg_tensor *w_ih, tg_tensor *w_hh,
                        tg_tensor *b_ih, tg_tensor *b_hh, tg_tensor **c_next)
{
    static const kind k = {{.name = "lstm_cell"}, false, 4};
    tg_tensor *last = NULL;
    tg_tensor *y = cell(&k, x, &(direction){{w_ih, w_hh, b_ih, b_hh}, h, c, NULL, false, 0}, &last);
    give(c_next, last, y);
    return y;
}

tg_tensor *tg_gru_cell(tg_tensor *x, tg_tensor *h, tg_tensor *w_ih, tg_tensor *w_hh,
                       tg_tensor *b_ih, tg_tensor *b_hh)
{
    static const kind k = {{.name = "gru_cell"}, true, 3};
    tg_tensor *last = NULL;
    return cell(&k, x, &(direction){{w_ih, w_hh, b_ih, b_hh}, h, NULL, NULL, false, 0}, &last);
}

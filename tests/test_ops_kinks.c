/* Gradients where they jump, over all rows of op_table.h: there they are what the row says, and
 * there is no such place of which it says nothing. Elsewhere gradcheck sees to them. */
#include "op_table.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include <tinygrad/op.h>

static void check(const op_case *c, const op_args *args, const char *order,
                  const double (*want)[OP_KINK_VALUES])
{
    for (int i = 0; i < args->n && i < OP_KINK_IN; i++) {
        snapshot g = snapshot_of(tg_grad(args->leaf[i]));
        OP_CHECK(c, g.dtype < 0 || g.numel <= OP_KINK_VALUES, "input %d has more values", i);
        for (int64_t k = 0; k < g.numel && g.dtype >= 0; k++) {
            double got = snapshot_at(&g, k), w = want[i][k];
            double slack = c->dtype == TG_F32 ? 1e-6 : 1e-14;
            OP_CHECK(c, isnan(w) || got == w || fabs(got - w) <= slack * fabs(w),
                     "%s gradient of input %d at %g (element %lld) is %.9g, wanted %.9g", order, i,
                     c->kink->x[i][k], (long long)k, got, w);
        }
        tg_zero_grad(args->leaf[i]);
    }
}

/* The sum of the gradients of all leaves. */
static tg_tensor *sum_of_gradients(const op_args *args)
{
    tg_tensor *sum = NULL;
    for (int i = 0; i < args->n; i++) {
        tg_tensor *g = tg_grad(args->leaf[i]), *term = g ? tg_sum(g) : NULL;
        sum = sum && term ? tg_add(sum, term) : term ? term : sum;
    }
    return sum;
}

static void at_kinks(const op_case *c)
{
    tg_tape *tape = tg_tape_new(NULL);
    op_args args;
    OP_CHECK(c, op_inputs(c, tape, PLAIN, &args), "inputs: %s", tg_error_message(tape));
    tg_tensor *y = tg_sum(op_call(c->row, &args));
    if (c->row->is & OP_CONSTANT) {
        OP_CHECK(c, y && !tg_requires_grad(y), "a constant requires a gradient");
        tg_tape_free(tape);
        return;
    }
    tg_backward_with(y, NULL, &(tg_backward_opts){.create_graph = true});
    tg_tensor *sum = sum_of_gradients(&args);
    OP_CHECK(c, sum, "no gradients: %s", tg_error_message(tape));
    check(c, &args, "first", c->kink->grad);
    if (tg_requires_grad(sum))
        tg_backward(sum);
    check(c, &args, "second", c->kink->second);
    OP_CHECK(c, !tg_error(tape), "%s", tg_error_message(tape));
    tg_tape_free(tape);
}

/* --- looking for others --- */

/* A place to look at: element k of input i at `value`. Where `of` is not negative, that is
 * `distance` from an element of input `of`. */
typedef struct place {
    int i, of;
    int64_t k;
    double value, distance;
} place;

typedef struct search {
    const op_case *c;
    tg_mark mark; /* behind the inputs */
    op_args args;
    array *in; /* their values */
} search;

/* The call with element k of input i at x, times a random gradient; NULL where it cannot be. */
static tg_tensor *call_at(const search *s, const place *p, double x)
{
    double *data = tg_data_mut(s->args.leaf[p->i]);
    data[p->k] = x;
    tg_manual_seed(s->args.tape, 1);
    tg_tensor *y = op_call(s->c->row, &s->args);
    return y && tg_dtype(y) == TG_F64 ? tg_sum(tg_mul(y, op_upstream(s->c, y, 0))) : NULL;
}

static void call_back(const search *s, const place *p)
{
    tg_clear_error(s->args.tape);
    tg_tape_rewind(s->args.tape, s->mark);
    double *data = tg_data_mut(s->args.leaf[p->i]);
    data[p->k] = s->in[p->i].data[p->k];
}

static double result(const search *s, const place *p, double x)
{
    tg_set_grad_enabled(s->args.tape, false);
    tg_tensor *y = call_at(s, p, x);
    double value = y ? tg_item(y) : (double)NAN;
    call_back(s, p);
    tg_set_grad_enabled(s->args.tape, true);
    return value;
}

/* The slope at a place, and by how much it differs between both sides. */
static double slope(const search *s, const place *p, double at, double h, double *jump)
{
    double right = (result(s, p, p->value + h) - at) / h;
    double left = (at - result(s, p, p->value - h)) / h;
    *jump = fabs(right - left);
    if (isnan(right) && isnan(left)) /* a point of its own */
        *jump = 0;
    else if (isnan(*jump))
        *jump = (double)INFINITY;
    else if (*jump <= 1e-3 * (1 + fabs(left) + fabs(right)))
        *jump = 0;
    return (left + right) / 2;
}

/* Whether `theirs`, of a kink, is the number `own` of a place: the same, or the same parameter. */
static bool same_number(const search *s, const op_kink *kink, double own, double theirs)
{
    bool same = own == theirs;
    for (int j = 0; j < 3; j++)
        same |= fabs(own) == fabs(s->c->s->s[j]) && fabs(theirs) == fabs(kink->s.s[j]) &&
                signbit(own * s->c->s->s[j]) == signbit(theirs * kink->s.s[j]);
    return same;
}

static bool is_at(const search *s, const place *p, const op_kink *kink, const array *in)
{
    const array *x = &in[p->i];
    for (int64_t a = 0; a < x->numel && x->dtype >= 0; a++) {
        if (p->of < 0 && same_number(s, kink, p->value, x->data[a]))
            return true;
        const array *from = p->of < 0 ? NULL : &in[p->of];
        for (int64_t b = 0; from && b < from->numel && from->dtype >= 0; b++) {
            bool itself = p->of == p->i && a == b;
            if (!itself && same_number(s, kink, p->distance, x->data[a] - from->data[b]))
                return true;
        }
    }
    return false;
}

/* Whether the row says what the gradient is there. */
static bool is_listed(const search *s, const place *p)
{
    static array in[OP_MAX_IN];
    for (int i = 0; i < OP_MAX_LISTS; i++) {
        for (const op_kink *kink = s->c->row->kinks[i]; kink && kink->s.in; kink++) {
            op_case c = *s->c;
            c.s = &kink->s;
            c.kink = kink;
            op_values(&c, in);
            if (is_at(s, p, kink, in))
                return true;
        }
    }
    return false;
}

/* A number may be that of another input by chance. */
static bool listed(const search *s, const place *p)
{
    bool found = is_listed(s, p);
    for (int of = 0; of < s->args.n && p->of < 0; of++) {
        const array *from = &s->in[of];
        for (int64_t b = 0; b < from->numel && from->dtype >= 0; b++) {
            if (from->data[b] == p->value)
                found |= is_listed(s, &(place){.i = p->i, .of = of, .value = p->value});
        }
    }
    return found;
}

/* Whether the slope is another on both sides, or without limit, however near one looks. */
static bool jumps(const search *s, const place *p, double at, double h, double *slope_there)
{
    double wide, close, before = slope(s, p, at, 10 * h, &wide);
    *slope_there = slope(s, p, at, h, &close);
    return (close > 0 && close >= wide / 2) || fabs(*slope_there) > 1 + 5 * fabs(before);
}

static double gradient(const search *s, const place *p)
{
    tg_backward(call_at(s, p, p->value));
    const tg_tensor *g = tg_grad(s->args.leaf[p->i]);
    double value = g ? tg_f64(g)[p->k] : 0;
    for (int i = 0; i < s->args.n; i++)
        tg_zero_grad(s->args.leaf[i]);
    call_back(s, p);
    return value;
}

static void look(const search *s, const place *p)
{
    double at = result(s, p, p->value), want;
    if (!isfinite(at) || fabs(p->value) > 1e3 || listed(s, p))
        return;
    double h = s->c->row->eps > 0 ? s->c->row->eps : 1e-6;
    OP_CHECK(
        s->c, !jumps(s, p, at, h, &want),
        "the slope jumps at %g of input %d (element %lld), of which the row's kinks say nothing",
        p->value, p->i, (long long)p->k);
    double got = isnan(want) ? want : gradient(s, p);
    OP_CHECK(s->c, isnan(want) || fabs(got - want) <= 1e-3 * (1 + fabs(want)),
             "gradient at %g of input %d (element %lld) is %g, by differences %g", p->value, p->i,
             (long long)p->k, got, want);
}

/* At round numbers, and at the call's. */
static void look_at_numbers(const search *s, place p)
{
    static const double numbers[] = {0, 0.5, -0.5, 1, -1, 2, -2, 3, -3, 6};
    p.of = -1;
    for (size_t j = 0; j < sizeof numbers / sizeof *numbers; j++) {
        p.value = numbers[j];
        look(s, &p);
    }
    for (int j = 0; j < 6; j++) {
        p.value = j % 2 ? -s->c->s->s[j / 2] : s->c->s->s[j / 2];
        if (p.value != 0 && isfinite(p.value))
            look(s, &p);
    }
}

/* Near element `other` of input p.of. */
static void look_near(const search *s, place p, int64_t other)
{
    const double distances[] = {0, 1, -1, s->c->s->s[0], -s->c->s->s[0]};
    for (size_t j = 0; j < sizeof distances / sizeof *distances; j++) {
        p.distance = distances[j];
        p.value = s->in[p.of].data[other] + p.distance;
        look(s, &p);
    }
}

static void unlisted(const op_case *c)
{
    if (strstr(c->s->in, ":x") || c->row->is & (OP_CONSTANT | OP_IN_PLACE))
        return;
    static array in[OP_MAX_IN];
    tg_tape *tape = tg_tape_new(NULL);
    search s = {.c = c, .in = in};
    OP_CHECK(c, op_inputs(c, tape, PLAIN, &s.args), "inputs: %s", tg_error_message(tape));
    s.mark = tg_tape_mark(tape);
    op_values(c, in);
    for (int i = 0; i < s.args.n; i++) {
        if (!tg_requires_grad(s.args.leaf[i]) || s.args.in[i] != s.args.leaf[i] || !in[i].numel)
            continue;
        place p = {.i = i, .k = in[i].numel / 2};
        look_at_numbers(&s, p);
        for (p.of = 0; p.of < s.args.n; p.of++) {
            for (int64_t other = 0; other < in[p.of].numel && in[p.of].dtype == TG_F64; other++) {
                if (p.of == i ? other != p.k && llabs(other - p.k) < 8
                              : other == p.k % in[p.of].numel)
                    look_near(&s, p, other);
            }
        }
    }
    tg_tape_free(tape);
}

int main(int argc, char **argv)
{
    static const op_test tests[] = {
        {.name = "at_kinks", .run = at_kinks, .kinks = true},
        {.name = "unlisted", .run = unlisted, .f64_only = true},
    };
    return op_run("kinks", tests, sizeof tests / sizeof tests[0], argc > 1 ? argv[1] : NULL);
}

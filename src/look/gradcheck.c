/* Gradients against central differences. Works on copies of the inputs, beyond a mark, so that
 * nothing of the caller's is touched. Relies on autograd and the generator. */
#include "ops/option.h"
#include "record/apply.h"

#include <math.h>
#include <string.h>
#include <tinygrad/look.h>
#include <tinygrad/ops.h>

typedef struct check {
    tg_tape *tape;
    tg_gradcheck_fn fn;
    void *context;
    size_t n;
    tg_tensor **inputs;   /* copies of those that require a gradient */
    tg_tensor *upstream;  /* the gradient of the output: an input too, for the second order */
    tg_tensor **computed; /* copies of the gradients that are checked; the upstream's is last */
    tg_tensor **weights;  /* second order: of the inputs' gradients in the sum that is checked */
    tg_gradcheck_opts opts;
    tg_generator generator; /* as before each call of fn, so that random ones repeat */
} check;

static tg_tensor *call(check *c)
{
    c->tape->generator = c->generator;
    c->tape->calling = "the function that gradcheck calls";
    tg_tensor *out = c->fn(c->inputs, c->n, c->context);
    c->tape->calling = NULL;
    return tg_check_list(c->tape, "gradcheck", "output", &out, 1) ? out : NULL;
}

/* Uniform in [-1, 1): a random direction, in which no error can hide for long. */
static tg_tensor *random_like(check *c, tg_generator *g, const tg_tensor *t, int flags)
{
    tg_tensor *r = tg_zeros(c->tape, tg_at(t)->ndim, tg_at(t)->dims, flags);
    if (r)
        tg_generator_uniform_f64(g, (double *)(void *)tg_at(r)->data, tg_at(r)->numel, -1, 1);
    return r;
}

/* The weighted sum of the first-order gradients; NULL on an error. */
static tg_tensor *sum_of_gradients(check *c, bool graph)
{
    tg_tensor *out = call(c), *sum = NULL;
    if (!out || tg_backward_with(out, c->upstream, &(tg_backward_opts){.create_graph = graph}))
        return NULL;
    for (size_t i = 0; i < c->n; i++) {
        tg_tensor *g = c->weights[i] ? tg_grad(c->inputs[i]) : NULL;
        if (!g)
            continue;
        tg_tensor *term = tg_sum(tg_mul(c->weights[i], g));
        sum = sum ? tg_add(sum, term) : term;
    }
    for (size_t i = 0; i < c->n; i++)
        tg_zero_grad(c->inputs[i]);
    tg_zero_grad(c->upstream);
    return sum ? sum : tg_zeros(c->tape, TG_SCALAR, TG_F64);
}

/* The number whose gradient is checked. */
static double value(check *c)
{
    tg_mark mark = tg_mark_here(c->tape);
    double result = (double)NAN;
    if (c->opts.second_order) {
        tg_tensor *sum = sum_of_gradients(c, false);
        result = sum ? tg_item(sum) : result;
    } else {
        c->tape->now.grad_enabled = false;
        tg_tensor *out = call(c);
        tg_tensor *sum = out ? tg_sum(tg_mul(out, c->upstream)) : NULL;
        result = sum ? tg_item(sum) : result;
    }
    c->tape->now.grad_enabled = true;
    tg_take_back(c->tape, mark);
    return result;
}

static bool close(const check *c, double a, double b)
{
    return fabs(a - b) <= c->opts.atol + c->opts.rtol * fabs(b);
}

/* Compares each entry of t's gradient; `index` n stands for the upstream gradient. */
static bool check_input(check *c, tg_tensor *t, size_t index)
{
    const tg_tensor *grad = c->computed[index];
    double *x = (double *)(void *)tg_at(t)->data, eps = c->opts.eps;
    for (int64_t i = 0; i < tg_at(t)->numel; i++) {
        double at = x[i];
        x[i] = at + eps;
        double above = value(c);
        x[i] = at - eps;
        double below = value(c);
        x[i] = at;
        if (c->tape->status)
            return false;
        double numerical = (above - below) / (2 * eps);
        double computed = grad ? ((const double *)(void *)tg_at(grad)->data)[i] : 0.0;
        TG_CHECK(c->tape, close(c, computed, numerical), TG_EVALUE,
                 "gradcheck: %s %zu %s, element %lld: backward gives %.17g, the difference %.17g",
                 index == c->n ? "upstream gradient of input" : "input", index,
                 tg_shape_of(t).chars, (long long)i, computed, numerical);
    }
    return true;
}

/* Moves t's gradient out of the way of the passes to come. */
static void take_gradient(check *c, tg_tensor *t, size_t index)
{
    const tg_tensor *grad = tg_grad(t);
    if (grad)
        c->computed[index] =
            tg_from_f64(c->tape, tg_f64(grad), tg_at(grad)->ndim, tg_at(grad)->dims, 0);
    tg_zero_grad(t);
}

/* Computes the gradients that are checked, by a backward pass. */
static bool analytic(check *c)
{
    tg_tensor *out = c->opts.second_order ? sum_of_gradients(c, true) : call(c);
    tg_tensor *upstream = c->opts.second_order ? NULL : c->upstream;
    if (!out || (tg_at(out)->requires_grad && tg_backward_with(out, upstream, NULL)))
        return false;
    for (size_t i = 0; i < c->n; i++)
        take_gradient(c, c->inputs[i], i);
    take_gradient(c, c->upstream, c->n);
    return !c->tape->status;
}

static bool copy_inputs(check *c, tg_tensor *const *inputs, tg_generator *random)
{
    for (size_t i = 0; i < c->n; i++) {
        tg_tensor *t = inputs[i];
        c->inputs[i] = t;
        if (!t)
            continue;
        TG_CHECK(c->tape, tg_tape_in(t) == c->tape, TG_EVALUE,
                 "gradcheck: input %zu is of another tape", i);
        if (!tg_alive(t, "gradcheck"))
            return false;
        if (!tg_at(t)->requires_grad)
            continue;
        TG_CHECK(c->tape, tg_at(t)->dtype == TG_F64 && tg_at(t)->contiguous, TG_EDTYPE,
                 "gradcheck: input %zu is %s, wanted contiguous float64", i,
                 tg_dtype_name(tg_at(t)->dtype));
        c->inputs[i] = tg_from_f64(c->tape, (const double *)(void *)tg_at(t)->data, tg_at(t)->ndim,
                                   tg_at(t)->dims, TG_REQUIRES_GRAD);
        if (c->opts.second_order)
            c->weights[i] = random_like(c, random, t, TG_F64);
    }
    return !c->tape->status;
}

/* Room for the arrays, and the upstream gradient in the shape of fn's output. */
static bool set_up(check *c, tg_tensor *const *inputs)
{
    tg_generator random = {.isa = c->tape->isa};
    tg_generator_seed(&random, 1);
    size_t size = (3 * c->n + 1) * sizeof *c->inputs;
    TG_CHECK(c->tape, c->n < TG_MOST_BYTES / 4 / sizeof *c->inputs, TG_EVALUE,
             "gradcheck: %zu inputs", c->n);
    c->inputs = tg_tape_data(c->tape, "gradcheck", size);
    if (!c->inputs)
        return false;
    memset(c->inputs, 0, size);
    c->weights = c->inputs + c->n;
    c->computed = c->weights + c->n;
    if (!copy_inputs(c, inputs, &random))
        return false;
    tg_tensor *out = call(c);
    if (!out)
        return false;
    TG_CHECK(c->tape, tg_at(out)->dtype == TG_F64, TG_EDTYPE, "gradcheck: the output is %s",
             tg_dtype_name(tg_at(out)->dtype));
    int flags = TG_F64 | (c->opts.second_order ? TG_REQUIRES_GRAD : 0);
    c->upstream = random_like(c, &random, out, flags);
    return c->upstream;
}

static void run(check *c, tg_tensor *const *inputs)
{
    if (!set_up(c, inputs) || !analytic(c))
        return;
    for (size_t i = 0; i < c->n; i++) {
        if (c->inputs[i] != inputs[i] && !check_input(c, c->inputs[i], i))
            return;
    }
    if (c->opts.second_order)
        check_input(c, c->upstream, c->n);
}

static tg_gradcheck_opts with_defaults(const tg_gradcheck_opts *opts)
{
    tg_gradcheck_opts o = opts ? *opts : (tg_gradcheck_opts){0};
    o.eps = tg_option(o.eps, 1e-6);
    o.atol = tg_option(o.atol, 1e-5);
    o.rtol = tg_option(o.rtol, 1e-3);
    return o;
}

/* The first that is not NULL. */
static const tg_tensor *any_of(tg_tensor *const *inputs, size_t n)
{
    for (size_t i = 0; inputs && i < n; i++) {
        if (inputs[i])
            return inputs[i];
    }
    return NULL;
}

tg_status tg_gradcheck(tg_gradcheck_fn fn, void *context, tg_tensor *const *inputs, size_t n,
                       const tg_gradcheck_opts *opts)
{
    TGK_IN_RIGHT_MODES(tg_status, tg_gradcheck(fn, context, inputs, n, opts));
    const tg_tensor *any = any_of(inputs, n);
    tg_status status = tg_check_tensor(any, "gradcheck");
    if (status)
        return status;
    tg_tape *tape = tg_tape_in(any);
    if (!tg_outside_capture(tape, "gradcheck"))
        return TG_ESTATE;
    if (!fn)
        return tg_fail(tape, TG_EVALUE, "gradcheck: the function is NULL");
    check c = {.tape = tape,
               .fn = fn,
               .context = context,
               .n = n,
               .opts = with_defaults(opts),
               .generator = tape->generator};
    tg_mark start = tg_mark_here(tape);
    bool enabled = tape->now.grad_enabled;
    tape->now.grad_enabled = true;
    run(&c, inputs);
    tape->now.grad_enabled = enabled;
    tg_take_back(tape, start);
    tape->generator = c.generator;
    return tape->status;
}

/* Numbers of every operation: forward against the reference, gradients against differences, and
 * what holds for gradients whatever the operation. Over all rows of op_table.h. */
#include "op_reference.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include <tinygrad/op.h>

/* The reference in the dtype it is for: what overflows there is infinite. */
static bool near(int dtype, double got, double want)
{
    want = rounded_to(dtype, want);
    if (isnan(want) || isnan(got))
        return isnan(want) && isnan(got);
    if (isinf(want) || isinf(got) || dtype == TG_I64 || dtype == TG_BOOL)
        return got == want;
    double rtol = dtype == TG_F32 ? 1.3e-6 : 1e-12, atol = dtype == TG_F32 ? 1e-5 : 1e-14;
    return fabs(got - want) <= atol + rtol * fabs(want);
}

static void compare(const op_case *c, const snapshot *got, const array *want)
{
    OP_CHECK(c, got->dtype == want->dtype, "dtype %d, wanted %d", got->dtype, want->dtype);
    OP_CHECK(c, got->ndim == want->ndim, "%d dims, wanted %d", got->ndim, want->ndim);
    for (int i = 0; i < got->ndim; i++)
        OP_CHECK(c, got->dims[i] == want->dims[i], "size %lld of dim %d, wanted %lld",
                 (long long)got->dims[i], i, (long long)want->dims[i]);
    for (int64_t i = 0; i < got->numel; i++)
        OP_CHECK(c, near(got->dtype, snapshot_at(got, i), want->data[i]),
                 "element %lld is %.17g, wanted %.17g", (long long)i, snapshot_at(got, i),
                 want->data[i]);
}

static bool wants_gradient(const op_case *c, const op_args *args, tg_tensor *y)
{
    bool any = false;
    for (int i = 0; i < args->n; i++)
        any |= tg_requires_grad(args->in[i]);
    bool is_float = tg_dtype(y) == TG_F32 || tg_dtype(y) == TG_F64;
    return any && is_float && !(c->row->is & OP_CONSTANT);
}

static void forward(const op_case *c)
{
    tg_tape *tape = tg_tape_new(NULL);
    op_args args;
    OP_CHECK(c, op_inputs(c, tape, PLAIN, &args), "inputs: %s", tg_error_message(tape));
    tg_tensor *y = op_call(c->row, &args);
    OP_CHECK(c, y, "%s", tg_error_message(tape));
    snapshot got = snapshot_of(y);
    if (c->row->check) {
        OP_CHECK(c, c->row->check(&args, &got), "the row's check fails");
    } else {
        array in[OP_MAX_IN], want;
        ref_start(&in[0], c->dtype, 0, NULL);
        op_values(c, in);
        in[0].dtype = in[0].dtype < 0 ? c->dtype : in[0].dtype;
        ref_result(c->row, c->s, in, &want);
        compare(c, &got, &want);
    }
    if (args.n)
        OP_CHECK(c, tg_requires_grad(y) == wants_gradient(c, &args, y), "the result %s a gradient",
                 tg_requires_grad(y) ? "requires" : "lacks");
    OP_CHECK(c, !tg_error(tape), "%s", tg_error_message(tape));
    tg_tape_free(tape);
}

/* --- gradcheck --- */

typedef struct checked {
    const op_row *row;
    op_args args;
    int slot[OP_MAX_IN]; /* of gradcheck's inputs; -1: none of its own */
} checked;

static tg_tensor *checked_call(tg_tensor *const *inputs, size_t n, void *context)
{
    const checked *k = context;
    op_args args = k->args;
    (void)n;
    for (int i = 0; i < args.n; i++) {
        if (k->slot[i] >= 0)
            args.in[i] = inputs[k->slot[i]];
        else if (args.in[i])
            args.in[i] = args.in[0]; /* the same again */
    }
    return op_call(k->row, &args);
}

/* Differences say nothing around the mean of nothing. */
static bool finite(tg_tensor *y)
{
    snapshot s = snapshot_of(y);
    for (int64_t i = 0; i < s.numel; i++) {
        if (!isfinite(snapshot_at(&s, i)))
            return false;
    }
    return true;
}

/* With `alone` 0 or more, of that input, as if the others required no gradient; false where there is no such. */
static bool check_gradients(const op_case *c, bool second_order, int alone)
{
    if (strstr(c->s->in, ":x") || c->row->is & (OP_CONSTANT | OP_RANDOM))
        return false;
    tg_tape *tape = tg_tape_new(NULL);
    checked k = {.row = c->row};
    OP_CHECK(c, op_inputs(c, tape, PLAIN, &k.args), "inputs: %s", tg_error_message(tape));
    tg_tensor *inputs[OP_MAX_IN];
    size_t n = 0;
    for (int i = 0; i < k.args.n; i++) {
        k.slot[i] = k.args.leaf[i] ? (int)n : -1;
        if (k.args.leaf[i])
            inputs[n++] = alone < 0 || i == alone ? k.args.leaf[i] : tg_detach(k.args.leaf[i]);
    }
    tg_tensor *y = checked_call(inputs, n, &k);
    if (tg_requires_grad(y) && tg_dtype(y) == TG_F64 && finite(y))
        tg_gradcheck(checked_call, &k, inputs, n,
                     &(tg_gradcheck_opts){.second_order = second_order, .eps = c->row->eps});
    OP_CHECK(c, !tg_error(tape), "%s", tg_error_message(tape));
    tg_tape_free(tape);
    return alone + 1 < k.args.n;
}

static void gradcheck(const op_case *c)
{
    check_gradients(c, false, -1);
}

static void gradgradcheck(const op_case *c)
{
    check_gradients(c, true, -1);
}

static void alone(const op_case *c)
{
    for (int i = 0; check_gradients(c, true, i); i++)
        ;
}

/* Gradients in float32, and through conversions, against those in float64, which gradcheck has
 * seen. */
static void float32(const op_case *c)
{
    if (strstr(c->s->in, ":x") || c->row->is & OP_RANDOM)
        return;
    op_outcome got, want;
    for (int dtype = TG_F32; dtype <= TG_F64; dtype++) {
        op_case narrow = *c;
        narrow.dtype = dtype;
        narrow.round = 2;
        tg_tape *tape = tg_tape_new(NULL);
        op_eager(&narrow, tape, PLAIN, dtype == TG_F32 ? &got : &want);
        tg_tape_free(tape);
    }
    for (int i = 0; i < OP_MAX_IN; i++) {
        OP_CHECK(c, (got.grad[i].dtype < 0) == (want.grad[i].dtype < 0),
                 "only one dtype has gradient %d", i);
        for (int64_t k = 0; k < want.grad[i].numel && want.grad[i].dtype >= 0; k++) {
            double g = snapshot_at(&got.grad[i], k), w = snapshot_at(&want.grad[i], k);
            OP_CHECK(c, (isnan(g) && isnan(w)) || g == w || fabs(g - w) <= 1e-5 + 1e-4 * fabs(w),
                     "gradient of input %d, element %lld: %.9g, in float64 %.9g", i, (long long)k,
                     g, w);
        }
    }
}

/* --- what holds for every gradient --- */

static void double_of(snapshot *s)
{
    for (int64_t i = 0; i < s->numel; i++) {
        if (s->dtype == TG_F32)
            s->data.f32[i] *= 2;
        else if (s->dtype == TG_F64)
            s->data.f64[i] *= 2;
    }
}

/* A second backward pass adds the same gradient again. */
static void twice(const op_case *c)
{
    tg_tape *tape = tg_tape_new(NULL);
    op_args args;
    op_outcome once, both;
    OP_CHECK(c, op_inputs(c, tape, PLAIN, &args), "inputs: %s", tg_error_message(tape));
    tg_tensor *y = op_call(c->row, &args);
    op_finish(c, &args, y, &once);
    op_finish(c, &args, y, &both);
    for (int i = 0; i < OP_MAX_IN; i++)
        double_of(&once.grad[i]);
    const char *difference = op_difference(&once, &both);
    OP_CHECK(c, !difference, "after two passes: %s", difference);
    for (int i = 0; i < args.n; i++)
        tg_zero_grad(args.leaf[i]);
    op_finish(c, &args, y, &both);
    for (int i = 0; i < OP_MAX_IN; i++)
        double_of(&both.grad[i]);
    difference = op_difference(&once, &both);
    OP_CHECK(c, !difference, "after tg_zero_grad: %s", difference);
    tg_tape_free(tape);
}

/* A result that is used twice gets the sum of both gradients. */
static void diamond(const op_case *c)
{
    tg_tape *tape = tg_tape_new(NULL);
    op_args args;
    op_outcome two, one;
    OP_CHECK(c, op_inputs(c, tape, PLAIN, &args), "inputs: %s", tg_error_message(tape));
    tg_tensor *y = op_call(c->row, &args);
    if (tg_requires_grad(y)) {
        tg_tensor *g = op_upstream(c, y, 1), *h = op_upstream(c, y, 2);
        two.out = one.out = snapshot_of(y);
        tg_backward(tg_add(tg_sum(tg_mul(y, g)), tg_sum(tg_mul(y, h))));
        op_gradients(&args, &two);
        for (int i = 0; i < args.n; i++)
            tg_zero_grad(args.leaf[i]);
        tg_backward_with(y, tg_add(g, h), NULL);
        op_gradients(&args, &one);
        const char *difference = op_difference(&one, &two);
        OP_CHECK(c, !difference, "against the sum of both: %s", difference);
    }
    OP_CHECK(c, !tg_error(tape), "%s", tg_error_message(tape));
    tg_tape_free(tape);
}

/* An input that two calls use gets the sum of both gradients. */
static void shared_input(const op_case *c)
{
    tg_tape *tape = tg_tape_new(NULL);
    op_args args;
    op_outcome together, apart;
    OP_CHECK(c, op_inputs(c, tape, PLAIN, &args), "inputs: %s", tg_error_message(tape));
    tg_tensor *y = op_call(c->row, &args), *z = op_call(c->row, &args);
    if (tg_requires_grad(y) && y != z) {
        tg_tensor *g = op_upstream(c, y, 1), *h = op_upstream(c, z, 2);
        together.out = apart.out = snapshot_of(z);
        tg_backward(tg_add(tg_sum(tg_mul(y, g)), tg_sum(tg_mul(z, h))));
        op_gradients(&args, &together);
        for (int i = 0; i < args.n; i++)
            tg_zero_grad(args.leaf[i]);
        tg_backward_with(y, g, NULL);
        tg_backward_with(z, h, NULL);
        op_gradients(&args, &apart);
        for (int i = 0; i < OP_MAX_IN; i++) {
            for (int64_t k = 0; k < apart.grad[i].numel && apart.grad[i].dtype >= 0; k++)
                OP_CHECK(c,
                         near(c->dtype, snapshot_at(&together.grad[i], k),
                              snapshot_at(&apart.grad[i], k)),
                         "gradient of input %d, element %lld: %.17g in one pass, %.17g in two", i,
                         (long long)k, snapshot_at(&together.grad[i], k),
                         snapshot_at(&apart.grad[i], k));
        }
    }
    OP_CHECK(c, !tg_error(tape), "%s", tg_error_message(tape));
    tg_tape_free(tape);
}

/* --- layouts --- */

/* Strided inputs give the bits that contiguous copies of them give, forward and backward. */
static void strided(const op_case *c)
{
    if (c->row->is & OP_IN_PLACE)
        return;
    for (op_layout layout = SWAP_LAST; layout < OP_LAYOUTS; layout++) {
        tg_tape *tape = tg_tape_new(NULL);
        op_args a, b;
        op_outcome got, want;
        op_inputs(c, tape, layout, &a);
        op_inputs(c, tape, layout, &b);
        for (int i = 0; i < b.n; i++)
            b.in[i] = b.in[i] && b.in[i] == b.in[0] && i ? b.in[0] : tg_contiguous(b.in[i]);
        tg_manual_seed(tape, 5);
        op_finish(c, &a, op_call(c->row, &a), &got);
        tg_manual_seed(tape, 5);
        op_finish(c, &b, op_call(c->row, &b), &want);
        const char *difference = op_difference(&got, &want);
        OP_CHECK(c, !difference, "layout %d against contiguous: %s", (int)layout, difference);
        tg_tape_free(tape);
    }
}

/* Strided upstream gradients, too. */
static void strided_upstream(const op_case *c)
{
    tg_tape *tape = tg_tape_new(NULL);
    op_args args;
    op_outcome got, want;
    OP_CHECK(c, op_inputs(c, tape, PLAIN, &args), "inputs: %s", tg_error_message(tape));
    tg_tensor *y = op_call(c->row, &args);
    for (int way = 0; way < 2 && tg_requires_grad(y) && tg_ndim(y) > way; way++) {
        /* A transpose of a transposed copy; one number, stretched. */
        tg_tensor *g = op_upstream(c, y, way);
        g = way ? tg_transpose(tg_contiguous(tg_transpose(g, 0, -1)), 0, -1)
                : tg_expand(tg_full(tape, TG_SCALAR, 0.3, tg_dtype(y)), tg_ndim(y), tg_sizes(g));
        got.out = want.out = snapshot_of(y);
        for (int i = 0; i < args.n; i++)
            tg_zero_grad(args.leaf[i]);
        tg_backward_with(y, g, NULL);
        op_gradients(&args, &got);
        for (int i = 0; i < args.n; i++)
            tg_zero_grad(args.leaf[i]);
        tg_backward_with(y, tg_contiguous(g), NULL);
        op_gradients(&args, &want);
        const char *difference = op_difference(&got, &want);
        OP_CHECK(c, !difference, "upstream %d against contiguous: %s", way, difference);
    }
    OP_CHECK(c, !tg_error(tape), "%s", tg_error_message(tape));
    tg_tape_free(tape);
}

int main(int argc, char **argv)
{
    static const op_test tests[] = {
        {.name = "forward", .run = forward},
        {.name = "gradcheck", .run = gradcheck, .f64_only = true},
        {.name = "gradgradcheck", .run = gradgradcheck, .f64_only = true},
        {.name = "alone", .run = alone, .f64_only = true},
        {.name = "float32", .run = float32, .f64_only = true},
        {.name = "twice", .run = twice},
        {.name = "diamond", .run = diamond},
        {.name = "shared_input", .run = shared_input},
        {.name = "strided", .run = strided},
        {.name = "strided_upstream", .run = strided_upstream},
    };
    return op_run("ops", tests, sizeof tests / sizeof tests[0], argc > 1 ? argv[1] : NULL);
}

/* Memory runs out: allocation k of a computation fails, once or from then on, for k = 0, 1, ...
 * until all of it succeeds. Over all rows of op_table.h: the call, its gradients and theirs. */
#include "op_table.h"

#include <string.h>

#include <tinygrad/op.h>

/* What stands on the tape before memory runs out, and must be right afterwards. */
typedef struct bystander {
    tg_tensor *x, *loss;
} bystander;

static const double bystander_values[] = {1.5, -2, 3};

static bystander make_bystander(tg_tape *tape)
{
    tg_tensor *x = tensor_from(tape, bystander_values, TG_DIMS(3), TG_F64 | TG_REQUIRES_GRAD);
    bystander b = {x, tg_sum(tg_mul(x, x))};
    tg_backward(b.loss);
    return b;
}

static void check_bystander(const op_case *c, const bystander *b, int64_t k)
{
    tg_tape *tape = tg_tape_of(b->x);
    OP_CHECK(c, tg_item(b->loss) == 15.25, "failure %lld: an older result changed", (long long)k);
    snapshot g = snapshot_of(tg_grad(b->x));
    for (int i = 0; i < 3; i++)
        OP_CHECK(c, snapshot_at(&g, i) == 2 * bystander_values[i],
                 "failure %lld: an older gradient changed", (long long)k);
    OP_CHECK(c, !tg_backward(b->loss), "failure %lld: an older loss: %s", (long long)k,
             tg_error_message(tape));
    g = snapshot_of(tg_grad(b->x));
    for (int i = 0; i < 3; i++)
        OP_CHECK(c, snapshot_at(&g, i) == 4 * bystander_values[i],
                 "failure %lld: an older graph's gradient is wrong", (long long)k);
}

typedef struct results {
    op_outcome first, second;
} results;

/* A gradient for y; strided, as the inputs are. */
static tg_tensor *upstream(const op_case *c, tg_tensor *y, op_layout layout)
{
    tg_tensor *g = op_upstream(c, y, 0);
    if (layout == EXPANDED)
        return tg_expand(tg_full(tg_tape_of(y), TG_SCALAR, 0.3, tg_dtype(y)), tg_ndim(y),
                         tg_sizes(y));
    if (layout == SWAP_LAST && tg_ndim(y) > 1)
        return tg_transpose(tg_contiguous(tg_transpose(g, 0, -1)), 0, -1);
    return g;
}

/* Backward where it applies; a pass that fails leaves tape and gradients as they were. */
static void gradients(const op_case *c, const op_args *args, tg_tensor *y, op_layout layout,
                      results *r)
{
    tg_tensor *g = upstream(c, y, layout);
    tg_mark before = tg_tape_mark(args->tape);
    if (!g || tg_backward_with(y, g, NULL)) {
        OP_CHECK(c, marks_equal(before, tg_tape_mark(args->tape)), "backward left something");
        for (int i = 0; i < args->n; i++)
            OP_CHECK(c, !tg_grad(args->leaf[i]), "a failed backward pass left gradient %d", i);
        return;
    }
    op_gradients(args, &r->first);
    for (int i = 0; i < args->n; i++)
        tg_zero_grad(args->leaf[i]);
    op_second_order(c, args, y);
    op_gradients(args, &r->second);
}

/* The whole computation; the tape's error says whether it worked. False where it was the call that
 * did not, or what stands before it. */
static bool compute(const op_case *c, tg_tape *tape, op_layout layout, results *r)
{
    op_args args;
    memset(r, 0, sizeof *r);
    tg_manual_seed(tape, 3);
    if (!op_inputs(c, tape, layout, &args))
        return false;
    tg_mark before = tg_tape_mark(tape);
    tg_tensor *y = op_call(c->row, &args);
    OP_CHECK(c, !y == (tg_error(tape) != TG_OK), "the result does not go with status %d",
             (int)tg_error(tape));
    if (!y) {
        OP_CHECK(c, c->row->is & OP_COMPOSED || marks_equal(before, tg_tape_mark(tape)),
                 "a failed call left something");
        OP_CHECK(c, c->row->is & OP_COMPOSED || op_speaks(c->row, tg_error_message(tape)),
                 "the message is \"%s\"", tg_error_message(tape));
        return false;
    }
    r->first.out = snapshot_of(y);
    if (tg_requires_grad(y) && !tg_error(tape))
        gradients(c, &args, y, layout, r);
    return true;
}

/* The call has failed: the generator is where it was. */
static void expect_undrawn(const op_case *c, tg_tape *tape)
{
    double next = next_draw(tape);
    tg_manual_seed(tape, 3);
    OP_CHECK(c, c->row->is & OP_COMPOSED || next == next_draw(tape),
             "a failed call has drawn numbers");
}

static void expect_results(const op_case *c, const results *got, const results *want,
                           const char *when)
{
    const char *difference = op_difference(&got->first, &want->first);
    OP_CHECK(c, !difference, "%s: %s", when, difference);
    difference = op_difference(&got->second, &want->second);
    OP_CHECK(c, !difference, "%s: second order, %s", when, difference);
}

typedef struct failure {
    op_layout layout;
    size_t block;
    bool for_ever;
} failure;

/* Fails allocation k; false where the computation needs no more than k. */
static bool fail_at(const op_case *c, int64_t k, const failure *f, const results *want)
{
    test_allocator allocator = {.fail_at = -1};
    tg_tape *tape = test_tape(&allocator, f->block);
    bystander b = make_bystander(tape);
    OP_CHECK(c, tape && !tg_error(tape), "%s", tg_error_message(tape));
    results got;
    allocator.calls = 0;
    allocator.fail_at = k;
    allocator.for_ever = f->for_ever;
    bool called = compute(c, tape, f->layout, &got);
    allocator.fail_at = -1;
    if (allocator.failures) {
        OP_CHECK(c, tg_error(tape) == TG_ENOMEM && strstr(tg_error_message(tape), "memory"),
                 "failure %lld gives status %d \"%s\"", (long long)k, (int)tg_error(tape),
                 tg_error_message(tape));
        tg_clear_error(tape);
        if (!called)
            expect_undrawn(c, tape);
        check_bystander(c, &b, k);
        compute(c, tape, f->layout, &got);
    }
    OP_CHECK(c, !tg_error(tape), "afterwards: %s", tg_error_message(tape));
    expect_results(c, &got, want, allocator.failures ? "after a failure" : "without a failure");
    tg_tape_free(tape);
    OP_CHECK(c, allocator.live == 0 && !allocator.wrong_size, "failure %lld: %lld bytes leak",
             (long long)k, (long long)allocator.live);
    return allocator.failures;
}

static void sweep(const op_case *c, failure f)
{
    /* Blocks of just what is asked for, so that nearly every piece is an allocation; and larger. */
    static const size_t blocks[] = {1, 1000};
    results want;
    tg_tape *tape = tg_tape_new(NULL);
    compute(c, tape, f.layout, &want);
    OP_CHECK(c, !tg_error(tape), "%s", tg_error_message(tape));
    tg_tape_free(tape);
    for (size_t i = 0; i < sizeof blocks / sizeof blocks[0]; i++) {
        f.block = blocks[i];
        for (int64_t k = 0; fail_at(c, k, &f, &want); k++)
            OP_CHECK(c, k < 5000, "no end of allocations");
    }
}

/* Strided inputs are copied on the way; in all ways but where each takes minutes. */
static void sweep_layouts(const op_case *c, bool for_ever)
{
#ifdef SANITIZED
    const op_layout most = SWAP_LAST;
#else
    const op_layout most = EXPANDED;
#endif
    op_layout last = c->row->is & OP_IN_PLACE || for_ever ? PLAIN : most;
    for (op_layout layout = PLAIN; layout <= last; layout++) {
        if (layout != SWAP_ENDS)
            sweep(c, (failure){.layout = layout, .for_ever = for_ever});
    }
}

static void once(const op_case *c)
{
    sweep_layouts(c, false);
}

static void for_ever(const op_case *c)
{
    sweep_layouts(c, true);
}

/* The very first allocation is the tape's own. */
static void no_tape(const op_case *c)
{
    test_allocator allocator = {.fail_at = 0};
    tg_tape *tape = test_tape(&allocator, 0);
    OP_CHECK(c, !tape && tg_error(tape) == TG_ENOMEM, "a tape out of nothing");
    op_args args;
    OP_CHECK(c, !op_inputs(c, tape, PLAIN, &args) || args.n == 0, "inputs without a tape");
    OP_CHECK(c, !op_call(c->row, &args), "a result without a tape");
    tg_tape_free(tape);
    OP_CHECK(c, allocator.live == 0, "%lld bytes leak", (long long)allocator.live);
}

int main(int argc, char **argv)
{
    static const op_test tests[] = {
        {.name = "once", .run = once, .f64_only = true},
        {.name = "for_ever", .run = for_ever, .f64_only = true},
        {.name = "no_tape", .run = no_tape, .f64_only = true},
    };
    return op_run("allocation failures", tests, sizeof tests / sizeof tests[0],
                  argc > 1 ? argv[1] : NULL);
}

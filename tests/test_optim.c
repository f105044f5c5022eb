/* Optimisers against PyTorch, bit for bit; their state, saved and restored; groups; wrong
 * arguments; and memory that runs out. */
#include "check.h"
#include "support.h"

#include <tinygrad/op.h>

#include <float.h>

typedef tg_optim *maker(tg_tape *tape, tg_tensor *const *params, size_t n, const void *opts);

#define MAKER(name)                                                                                \
    static tg_optim *make_##name(tg_tape *tape, tg_tensor *const *params, size_t n,                \
                                 const void *opts)                                                 \
    {                                                                                              \
        return tg_##name(tape, params, n, opts);                                                   \
    }

MAKER(sgd)
MAKER(adam)
MAKER(adamw)
MAKER(rmsprop)
MAKER(adagrad)
MAKER(nadam)
MAKER(radam)
MAKER(adamax)
MAKER(adadelta)

typedef struct golden {
    maker *make;
    const void *opts;
    int dtype;
    double want[3][19];
    double own[19];
} golden;

#include "golden/optim.inc"

enum { CASES = sizeof cases / sizeof *cases };

static void give_gradient(tg_tensor *w, int step)
{
    tg_tape *tape = tg_tape_of(w);
    tg_tensor *upstream = tensor_from(tape, gradients[step], TG_DIMS(N), tg_dtype(w));
    tg_zero_grad(w);
    assert_int_equal(tg_backward_with(w, upstream, NULL), TG_OK);
}

static void take_step(tg_optim *optim, tg_tensor *w, int step)
{
    tg_tape *tape = tg_tape_of(w);
    tg_mark mark = tg_tape_mark(tape);
    give_gradient(w, step);
    tg_tape_rewind(tape, mark);
    assert_int_equal(tg_optim_step(optim), TG_OK);
    assert_true(marks_equal(mark, tg_tape_mark(tape)));
}

static void expect_bits(int k, int step, tg_tensor *w, const double *want)
{
    snapshot s = snapshot_of(w);
    for (int i = 0; i < N; i++) {
        if (snapshot_at(&s, i) != want[i])
            fail_msg("case %d, step %d, element %d: %a, wanted %a", k, step, i, snapshot_at(&s, i),
                     want[i]);
    }
}

static void run_golden(int k, tg_isa isa)
{
    const golden *c = &cases[k];
    tg_tape *tape = tg_tape_new(&(tg_tape_opts){.isa = isa});
    tg_tensor *w = tensor_from(tape, start, TG_DIMS(N), c->dtype | TG_REQUIRES_GRAD);
    tg_optim *optim = c->make(tape, &w, 1, c->opts);
    for (int step = 0, at = 0; step < STEPS; step++) {
        take_step(optim, w, step);
        if (step + 1 == shown[at])
            expect_bits(k, step, w, c->want[at++]);
    }
    snapshot s = snapshot_of(w);
    double epsilon = c->dtype == TG_F32 ? (double)FLT_EPSILON : DBL_EPSILON;
    for (int i = 0; i < N; i++)
        assert_near(snapshot_at(&s, i), c->own[i], 64 * epsilon * fmax(1, fabs(c->own[i])));
    tg_tape_free(tape);
}

static void golden_values(void **state)
{
    (void)state;
    for (int k = 0; k < CASES; k++) {
        for (int isa = TG_ISA_BEST; isa <= TG_ISA_V4; isa++)
            run_golden(k, (tg_isa)isa);
    }
}

/* Copies every value of one list into another one of the same names. */
static void restore(const tg_params *to, const tg_params *from)
{
    assert_int_equal(tg_params_count(to), tg_params_count(from));
    for (size_t i = 0; i < tg_params_count(to); i++) {
        assert_string_equal(tg_params_name(to, i), tg_params_name(from, i));
        snapshot s = snapshot_of(tg_params_tensor(from, i));
        size_t size = s.dtype == TG_F32 ? sizeof(float) : sizeof(double);
        memcpy(tg_data_mut(tg_params_tensor(to, i)), s.data.bytes, (size_t)s.numel * size);
    }
}

/* An optimiser that is made anew half way, from its saved state, ends at the same bits. */
static void restored(void **state)
{
    (void)state;
    for (int k = 0; k < CASES; k++) {
        const golden *c = &cases[k];
        tg_tape *tape = tg_tape_new(NULL);
        tg_tensor *w = tensor_from(tape, start, TG_DIMS(N), c->dtype | TG_REQUIRES_GRAD);
        tg_optim *optim = c->make(tape, &w, 1, c->opts);
        for (int step = 0; step < STEPS; step++) {
            take_step(optim, w, step);
            if (step != 0 && step != 12)
                continue;
            tg_optim *again = c->make(tape, &w, 1, c->opts);
            tg_optim_set_lr(again, 77);
            tg_params *from = tg_params_new(tape), *to = tg_params_new(tape);
            assert_int_equal(tg_optim_state(optim, from, "o."), TG_OK);
            assert_int_equal(tg_optim_state(again, to, "o."), TG_OK);
            restore(to, from);
            optim = again;
        }
        expect_bits(k, STEPS - 1, w, c->want[SHOWN - 1]);
        tg_tape_free(tape);
    }
}

static tg_tensor *leaf(tg_tape *tape, double value)
{
    return tg_full(tape, TG_DIMS(2), value, TG_F64 | TG_REQUIRES_GRAD);
}

static void expect_names(const tg_params *list, const char *const *names, size_t n)
{
    assert_int_equal(tg_params_count(list), n);
    for (size_t i = 0; i < n; i++)
        assert_string_equal(tg_params_name(list, i), names[i]);
}

static void state_names(void **state)
{
    (void)state;
    tg_tape *tape = tg_tape_new(NULL);
    tg_tensor *w[] = {leaf(tape, 1), leaf(tape, 2), leaf(tape, 3)};
    tg_params *list = tg_params_new(tape);
    tg_optim *adam = tg_adam(tape, w, 1, &(tg_adam_opts){.amsgrad = true});
    assert_int_equal(tg_optim_add_group(adam, w + 2, 1, 0.5), TG_OK);
    assert_int_equal(tg_optim_state(adam, list, "optim."), TG_OK);
    static const char *const names[] = {
        "optim.0.exp_avg", "optim.0.exp_avg_sq", "optim.0.max_exp_avg_sq", "optim.0.step",
        "optim.group0.lr", "optim.1.exp_avg",    "optim.1.exp_avg_sq",     "optim.1.max_exp_avg_sq",
        "optim.1.step",    "optim.group1.lr"};
    expect_names(list, names, sizeof names / sizeof *names);
    assert_equal(tg_item(tg_params_find(list, "optim.group1.lr")), 0.5);
    assert_int_equal(tg_dtype(tg_params_find(list, "optim.0.step")), TG_I64);
    /* Where a later name is taken, nothing is added. */
    tg_params *taken = tg_params_new(tape);
    tg_params_add(taken, w[0], "group0.lr");
    assert_int_equal(tg_optim_state(adam, taken, NULL), TG_EVALUE);
    assert_error(tape, TG_EVALUE, "optim_state: \"group0.lr\" is in the list already");
    assert_int_equal(tg_params_count(taken), 1);
    assert_int_equal(tg_optim_state(adam, NULL, ""), TG_EVALUE);
    assert_error(tape, TG_EVALUE, "optim_state: the list is NULL");
    tg_optim *plain = tg_sgd(tape, w, 2, NULL);
    tg_params *few = tg_params_new(tape);
    assert_int_equal(tg_optim_state(plain, few, NULL), TG_OK);
    expect_names(few, (const char *const[]){"group0.lr"}, 1);
    tg_tape_free(tape);
}

static void groups(void **state)
{
    (void)state;
    tg_tape *tape = tg_tape_new(NULL);
    tg_tensor *a = leaf(tape, 1), *b = leaf(tape, 1);
    tg_optim *optim = tg_sgd(tape, &a, 1, &(tg_sgd_opts){.lr = 0.5});
    assert_int_equal(tg_optim_add_group(optim, &b, 1, 0.25), TG_OK);
    assert_equal(tg_optim_lr(optim, 0), 0.5);
    assert_equal(tg_optim_lr(optim, 1), 0.25);
    assert_int_equal(tg_backward(tg_sum(tg_add(a, b))), TG_OK);
    assert_int_equal(tg_optim_step(optim), TG_OK);
    assert_equal(tg_f64(a)[0], 0.5);
    assert_equal(tg_f64(b)[0], 0.75);
    tg_optim_set_group_lr(optim, 1, 0);
    assert_int_equal(tg_optim_step(optim), TG_OK);
    assert_equal(tg_f64(a)[0], 0);
    assert_equal(tg_f64(b)[0], 0.75);
    tg_optim_set_lr(optim, 0.125);
    assert_equal(tg_optim_lr(optim, 0) + tg_optim_lr(optim, 1), 0.25);
    tg_optim_zero_grad(optim);
    assert_null(tg_grad(b));
    assert_ok(tape);
    tg_tape_free(tape);
}

static void wrong_groups(void **state)
{
    (void)state;
    tg_tape *tape = tg_tape_new(NULL);
    tg_tensor *a = leaf(tape, 1), *b = leaf(tape, 1);
    tg_optim *optim = tg_sgd(tape, &a, 1, NULL);
    assert_int_equal(tg_optim_add_group(optim, &a, 1, 1), TG_EVALUE);
    assert_error(tape, TG_EVALUE, "optim_add_group: parameter 0 is in another group already");
    assert_int_equal(tg_optim_add_group(optim, &b, 1, -1), TG_EVALUE);
    assert_error(tape, TG_EVALUE, "optim_add_group: lr -1 is not finite and >= 0");
    assert_int_equal(tg_optim_add_group(optim, NULL, 0, 1), TG_EVALUE);
    assert_error(tape, TG_EVALUE, "optim_add_group: no parameters");
    assert_int_equal(tg_optim_add_group(NULL, &a, 1, 1), TG_EVALUE);
    assert_true(isnan(tg_optim_lr(optim, 1)));
    assert_error(tape, TG_EVALUE, "optim_lr: there is no group 1");
    tg_optim_set_group_lr(optim, 2, 1);
    assert_error(tape, TG_EVALUE, "optim_set_group_lr: there is no group 2");
    tg_optim_set_group_lr(optim, 0, (double)NAN);
    assert_error(tape, TG_EVALUE, "optim_set_group_lr: lr");
    tg_mark mark = tg_tape_mark(tape);
    assert_int_equal(tg_optim_add_group(optim, &b, 1, 1), TG_OK);
    tg_tape_rewind(tape, mark);
    assert_int_equal(tg_optim_step(optim), TG_ESTATE);
    assert_error(tape, TG_ESTATE, "optim_step: a group was added since a mark");
    tg_tape_free(tape);
}

#define BAD(make, type, part, ...)                                                                 \
    do {                                                                                           \
        assert_null(make(tape, &w, 1, &(type){__VA_ARGS__}));                                      \
        assert_error(tape, TG_EVALUE, part);                                                       \
    } while (0)

static void wrong_options(void **state)
{
    (void)state;
    tg_tape *tape = tg_tape_new(NULL);
    tg_tensor *w = leaf(tape, 1);
    tg_mark mark = tg_tape_mark(tape);
    BAD(tg_adam, tg_adam_opts, "adam: lr -1", .lr = -1);
    BAD(tg_adam, tg_adam_opts, "adam: beta1 1 is not in [0, 1)", .beta1 = 1);
    BAD(tg_adamw, tg_adam_opts, "adamw: beta2 -0.5 is not in [0, 1)", .beta2 = -0.5);
    BAD(tg_adamw, tg_adam_opts, "adamw: eps", .eps = (double)NAN);
    BAD(tg_adam, tg_adam_opts, "adam: weight_decay -1", .weight_decay = -1);
    BAD(tg_rmsprop, tg_rmsprop_opts, "rmsprop: lr -1", .lr = -1);
    BAD(tg_rmsprop, tg_rmsprop_opts, "rmsprop: alpha -1", .alpha = -1);
    BAD(tg_rmsprop, tg_rmsprop_opts, "rmsprop: eps -1", .eps = -1);
    BAD(tg_rmsprop, tg_rmsprop_opts, "rmsprop: weight_decay -1", .weight_decay = -1);
    BAD(tg_rmsprop, tg_rmsprop_opts, "rmsprop: momentum -1", .momentum = -1);
    BAD(tg_adagrad, tg_adagrad_opts, "adagrad: lr -1", .lr = -1);
    BAD(tg_adagrad, tg_adagrad_opts, "adagrad: lr_decay -1", .lr_decay = -1);
    BAD(tg_adagrad, tg_adagrad_opts, "adagrad: weight_decay -1", .weight_decay = -1);
    BAD(tg_adagrad, tg_adagrad_opts, "initial_accumulator_value -1",
        .initial_accumulator_value = -1);
    BAD(tg_adagrad, tg_adagrad_opts, "adagrad: eps -1", .eps = -1);
    assert_null(tg_adam(tape, NULL, 0, NULL));
    assert_error(tape, TG_EVALUE, "adam: no parameters");
    assert_null(tg_adamw(tape, (tg_tensor *[]){w, w}, 2, NULL));
    assert_error(tape, TG_EVALUE, "adamw: parameters 0 and 1 are the same");
    assert_null(tg_adam(NULL, &w, 1, NULL));
    assert_true(marks_equal(mark, tg_tape_mark(tape)));
    tg_tape_free(tape);
}

/* A rate that is no number to go by, wherever one is given: nothing is made, set or updated. */
static void wrong_rates(void **state)
{
    (void)state;
    tg_tape *tape = tg_tape_new(NULL);
    tg_tensor *w = leaf(tape, 1), *v = leaf(tape, 1);
    tg_optim *optim = tg_adam(tape, &w, 1, &(tg_adam_opts){.lr = 0.25});
    tg_params *list = tg_params_new(tape);
    tg_optim_state(optim, list, "");
    tg_backward(tg_sum(w));
    const double rates[] = {(double)NAN, (double)INFINITY, -(double)INFINITY, -1};
    for (int i = 0; i < 4; i++) {
        BAD(tg_sgd, tg_sgd_opts, "sgd: lr ", .lr = rates[i]);
        BAD(tg_adam, tg_adam_opts, "adam: lr ", .lr = rates[i]);
        BAD(tg_adamw, tg_adam_opts, "adamw: weight_decay ", .weight_decay = rates[i]);
        BAD(tg_adam, tg_adam_opts, "adam: eps ", .eps = rates[i]);
        BAD(tg_rmsprop, tg_rmsprop_opts, "rmsprop: lr ", .lr = rates[i]);
        BAD(tg_adagrad, tg_adagrad_opts, "adagrad: lr ", .lr = rates[i]);
        tg_optim_set_lr(optim, rates[i]);
        assert_error(tape, TG_EVALUE, "optim_set_lr: lr ");
        tg_optim_set_group_lr(optim, 0, rates[i]);
        assert_error(tape, TG_EVALUE, "optim_set_group_lr: lr ");
        assert_int_equal(tg_optim_add_group(optim, &v, 1, rates[i]), TG_EVALUE);
        assert_error(tape, TG_EVALUE, "optim_add_group: lr ");
        assert_equal(tg_optim_lr(optim, 0), 0.25);
        *(double *)tg_data_mut(tg_params_find(list, "group0.lr")) = rates[i];
        assert_int_equal(tg_optim_step(optim), TG_EVALUE);
        assert_error(tape, TG_EVALUE, "optim_step: lr ");
        assert_true(tg_f64(w)[0] == 1 && tg_item(tg_params_find(list, "0.step")) == 0);
        tg_optim_set_lr(optim, 0.25);
    }
    BAD(tg_sgd, tg_sgd_opts, "sgd: dampening is inf", .dampening = rates[1]);
    assert_int_equal(tg_optim_step(optim), TG_OK);
    tg_tape_free(tape);
}

/* Makes an optimiser with a second group where allocation k fails; false where none does. */
static bool fail_at(int64_t k, bool for_ever)
{
    test_allocator allocator = {.fail_at = -1};
    tg_tape *tape = test_tape(&allocator, 1);
    tg_tensor *w[] = {leaf(tape, 1), leaf(tape, 2)};
    tg_mark mark = tg_tape_mark(tape);
    allocator = (test_allocator){.fail_at = k, .for_ever = for_ever, .live = allocator.live};
    tg_optim *optim = tg_adam(tape, w, 1, NULL);
    assert_int_equal(!optim, tg_error(tape) == TG_ENOMEM);
    if (!optim)
        assert_true(marks_equal(mark, tg_tape_mark(tape)));
    mark = tg_tape_mark(tape);
    tg_status added = tg_optim_add_group(optim, w + 1, 1, 0.5);
    if (optim && added == TG_ENOMEM)
        assert_true(marks_equal(mark, tg_tape_mark(tape)));
    tg_params *list = tg_params_new(tape);
    if (tg_optim_state(optim, list, NULL))
        assert_int_equal(tg_params_count(list), 0);
    bool failed = allocator.failures;
    assert_int_equal(tg_error(tape), failed ? TG_ENOMEM : TG_OK);
    tg_clear_error(tape);
    allocator.fail_at = -1;
    assert_int_equal(tg_backward(tg_sum(w[0])), TG_OK);
    if (optim)
        assert_int_equal(tg_optim_step(optim), TG_OK);
    tg_tape_free(tape);
    assert_int_equal(allocator.live, 0);
    return failed;
}

static void out_of_memory(void **state)
{
    (void)state;
    assert_true(failures_of(fail_at, false) > 3);
    assert_true(failures_of(fail_at, true) > 3);
}

/* The state that a list lends can hold anything; a step that meets what no optimiser has changes
 * nothing, replayed or not. */
static void impossible_state(void **state)
{
    (void)state;
    tg_tape *tape = tg_tape_new(NULL);
    tg_tensor *w[] = {tg_ones(tape, TG_DIMS(2), TG_REQUIRES_GRAD),
                      tg_ones(tape, TG_DIMS(2), TG_REQUIRES_GRAD)};
    tg_optim *adam = tg_adam(tape, w, 2, NULL);
    tg_params *list = tg_params_new(tape);
    assert_int_equal(tg_optim_state(adam, list, NULL), TG_OK);
    tg_capture *capture = tg_capture_begin(tape);
    tg_optim_zero_grad(adam);
    assert_int_equal(tg_backward(tg_sum(tg_add(w[0], w[1]))), TG_OK);
    assert_int_equal(tg_optim_step(adam), TG_OK);
    assert_int_equal(tg_capture_end(capture), TG_OK);
    const int64_t steps[] = {-5, -1, INT64_MIN, INT64_MAX};
    int64_t *step = tg_data_mut(tg_params_find(list, "1.step"));
    const snapshot before = snapshot_of(w[0]), average = snapshot_of(tg_params_tensor(list, 0));
    for (int i = 0; i < 4; i++) {
        *step = steps[i];
        assert_int_equal(i & 1 ? tg_capture_replay(capture) : tg_optim_step(adam), TG_EVALUE);
        assert_error(tape, TG_EVALUE, "optim_step: 1.step is ");
        assert_true(*step == steps[i]);
    }
    *step = 1;
    double *lr = tg_data_mut(tg_params_find(list, "group0.lr"));
    const double rates[] = {-1, (double)NAN};
    for (int i = 0; i < 2; i++) {
        *lr = rates[i];
        assert_int_equal(tg_optim_step(adam), TG_EVALUE);
        assert_error(tape, TG_EVALUE, "optim_step: lr ");
    }
    *lr = 0.1;
    snapshot after = snapshot_of(w[0]), average_after = snapshot_of(tg_params_tensor(list, 0));
    assert_true(snapshot_same(&before, &after));
    assert_true(snapshot_same(&average, &average_after));
    *step = INT64_MAX - 1;
    assert_int_equal(tg_optim_step(adam), TG_OK);
    assert_true(*step == INT64_MAX);
    tg_tape_free(tape);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(golden_values), cmocka_unit_test(restored),
        cmocka_unit_test(state_names),   cmocka_unit_test(groups),
        cmocka_unit_test(wrong_groups),  cmocka_unit_test(wrong_options),
        cmocka_unit_test(out_of_memory), cmocka_unit_test(impossible_state),
        cmocka_unit_test(wrong_rates),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

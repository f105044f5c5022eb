/* Operations whose functions misbehave, and functions that gradcheck calls: what would take away
 * the ground that their caller stands on is ESTATE and named; what they make is theirs alone. */
#include "check.h"
#include "support.h"

#include <tinygrad/op.h>

/* What a function does, in one test at a time. */
typedef struct door {
    const char *name; /* in the message */
    void (*call)(tg_tape *tape);
} door;

static struct stage {
    void (*act)(tg_tape *tape);
    bool in_forward, in_backward;
    tg_mark mark, made;
    tg_tensor *leaf, *interior, *kept;
    tg_optim *optim;
    tg_params *list;
    tg_capture *capture;
    tg_batches *batches;
    double sum; /* of what make() made */
} stage;

static void free_tape(tg_tape *tape)
{
    tg_tape_free(tape);
}

static void rewind_tape(tg_tape *tape)
{
    tg_tape_rewind(tape, stage.mark);
}

static void replay(tg_tape *tape)
{
    tg_tape_replay(tape, stage.mark);
}

static void begin(tg_tape *tape)
{
    tg_capture_begin(tape);
}

static void end(tg_tape *tape)
{
    (void)tape;
    tg_capture_end(stage.capture);
}

static void replay_capture(tg_tape *tape)
{
    (void)tape;
    tg_capture_replay(stage.capture);
}

static void backward(tg_tape *tape)
{
    (void)tape;
    tg_backward(stage.leaf);
}

static void gradients(tg_tape *tape)
{
    (void)tape;
    tg_tensor *grad;
    tg_gradients(stage.leaf, NULL, &stage.leaf, 1, &grad, NULL);
}

static void zero_grad(tg_tape *tape)
{
    (void)tape;
    tg_zero_grad(stage.leaf);
}

static void retain_grad(tg_tape *tape)
{
    (void)tape;
    tg_retain_grad(stage.interior);
}

static void release(tg_tape *tape)
{
    tg_release(tape, stage.mark, NULL, 0);
}

static void checkpoint(tg_tape *tape)
{
    tg_checkpoint(tape, stage.mark, NULL, 0);
}

static void step(tg_tape *tape)
{
    (void)tape;
    tg_optim_step(stage.optim);
}

static void optimiser(tg_tape *tape)
{
    tg_sgd(tape, &stage.leaf, 1, NULL);
}

static void group(tg_tape *tape)
{
    (void)tape;
    tg_optim_add_group(stage.optim, &stage.interior, 1, 0.1);
}

static void clip(tg_tape *tape)
{
    (void)tape;
    tg_clip_grad_norm(&stage.leaf, 1, 1, 2);
}

static void enable(tg_tape *tape)
{
    tg_set_grad_enabled(tape, true);
}

static void clear(tg_tape *tape)
{
    tg_clear_error(tape);
}

static void seed(tg_tape *tape)
{
    tg_manual_seed(tape, 1);
}

static void grow(tg_tape *tape)
{
    (void)tape;
    tg_params_add(stage.list, stage.leaf, "leaf");
}

static void set_state(tg_tape *tape)
{
    tg_set_rng_state(tape, stage.leaf);
}

static void profile(tg_tape *tape)
{
    tg_set_profile_enabled(tape, true);
}

static void clear_profile(tg_tape *tape)
{
    tg_clear_profile(tape);
}

static void reset_peak(tg_tape *tape)
{
    tg_reset_peak_memory(tape);
}

static tg_tensor *itself(tg_tensor *const *in, size_t n, void *context)
{
    (void)n;
    (void)context;
    return in[0];
}

static void check_gradients(tg_tape *tape)
{
    (void)tape;
    tg_gradcheck(itself, NULL, &stage.leaf, 1, NULL);
}

static void update_averages(tg_tape *tape)
{
    (void)tape;
    tg_ema_update(&stage.leaf, &stage.leaf, 1, 0.5);
}

static void swap_averages(tg_tape *tape)
{
    (void)tape;
    tg_ema_swap(&stage.leaf, &stage.leaf, 1);
}

static void start_batches(tg_tape *tape)
{
    (void)tape;
    tg_batches_start(stage.batches);
}

static void next_batch(tg_tape *tape)
{
    (void)tape;
    tg_batches_next(stage.batches);
}

static void narrow_batch(tg_tape *tape)
{
    (void)tape;
    tg_batches_narrow(stage.batches, 0, 1);
}

static void read_batch(tg_tape *tape)
{
    (void)tape;
    tg_batches_read(stage.batches, &(double){0}, stage.leaf);
}

static void set_lr(tg_tape *tape)
{
    (void)tape;
    tg_optim_set_lr(stage.optim, 0.1);
}

static void set_group_lr(tg_tape *tape)
{
    (void)tape;
    tg_optim_set_group_lr(stage.optim, 0, 0.1);
}

static void clip_values(tg_tape *tape)
{
    (void)tape;
    tg_clip_grad_value(&stage.leaf, 1, 1);
}

static const door doors[] = {
    {"tape_free", free_tape},
    {"tape_rewind", rewind_tape},
    {"tape_replay", replay},
    {"capture_begin", begin},
    {"capture_end", end},
    {"capture_replay", replay_capture},
    {"backward", backward},
    {"gradients", gradients},
    {"zero_grad", zero_grad},
    {"retain_grad", retain_grad},
    {"release", release},
    {"checkpoint", checkpoint},
    {"optim_step", step},
    {"sgd", optimiser},
    {"optim_add_group", group},
    {"clip_grad_norm", clip},
    {"set_grad_enabled", enable},
    {"clear_error", clear},
    {"manual_seed", seed},
    {"params_add", grow},
    {"set_rng_state", set_state},
    {"set_profile_enabled", profile},
    {"clear_profile", clear_profile},
    {"reset_peak_memory", reset_peak},
    {"gradcheck", check_gradients},
    {"ema_update", update_averages},
    {"ema_swap", swap_averages},
    {"batches_start", start_batches},
    {"batches_next", next_batch},
    {"batches_narrow", narrow_batch},
    {"batches_read", read_batch},
    {"optim_set_lr", set_lr},
    {"optim_set_group_lr", set_group_lr},
    {"clip_grad_value", clip_values},
};

enum { DOORS = sizeof doors / sizeof *doors };

/* y = 3 x, from constants and results of its own. */
static void evil_forward(tg_node *node)
{
    const double *x = tg_f64(node->in[0]);
    double *y = tg_out_data(node);
    if (stage.in_forward)
        stage.act(tg_tape_of(node->in[0]));
    for (int64_t i = 0; i < tg_numel(node->out); i++)
        y[i] = 3 * x[i];
}

static void evil_backward(tg_node *node, tg_tensor *grad_out, tg_tensor **grad_in)
{
    if (stage.in_backward)
        stage.act(tg_tape_of(node->in[0]));
    grad_in[0] = tg_mul_scalar(grad_out, 3);
}

static const tg_op evil_op = {.name = "evil", .forward = evil_forward, .backward = evil_backward};

static tg_tensor *evil(tg_tensor *x)
{
    if (!tg_check_inputs(&evil_op, 1, &x))
        return NULL;
    return tg_apply(&(tg_call){.op = &evil_op,
                               .n_in = 1,
                               .in = &x,
                               .dtype = TG_F64,
                               .ndim = tg_ndim(x),
                               .dims = tg_sizes(x)});
}

static tg_tape *set_up(void (*act)(tg_tape *))
{
    tg_tape *tape = tg_tape_new(NULL);
    stage = (struct stage){.act = act};
    stage.leaf = tg_ones(tape, TG_SCALAR, TG_F64 | TG_REQUIRES_GRAD);
    stage.optim = tg_sgd(tape, &stage.leaf, 1, NULL);
    stage.list = tg_params_new(tape);
    stage.batches = tg_batches_new(tape, 4, 2, NULL);
    tg_batches_start(stage.batches);
    tg_batches_next(stage.batches);
    tg_set_profile_enabled(tape, true);
    tg_set_profile_enabled(tape, false);
    stage.interior = tg_mul(stage.leaf, stage.leaf);
    stage.capture = tg_capture_begin(tape);
    tg_mul(stage.leaf, stage.leaf);
    tg_capture_end(stage.capture);
    stage.mark = tg_tape_mark(tape);
    assert_ok(tape);
    return tape;
}

/* The tape does what it always does. */
static void check_usable(tg_tape *tape)
{
    stage.in_forward = stage.in_backward = false;
    tg_tensor *x = tg_full(tape, TG_DIMS(2), 2, TG_F64 | TG_REQUIRES_GRAD);
    assert_int_equal(tg_backward(tg_sum(evil(tg_mul(x, x)))), TG_OK);
    assert_equal(tg_f64(tg_grad(x))[1], 12);
    assert_int_equal(tg_tape_rewind(tape, stage.mark), TG_OK);
    assert_int_equal(tg_capture_replay(stage.capture), TG_OK);
    tg_tape_free(tape);
}

static void check_refused(tg_tape *tape, const door *d, const char *where)
{
    char message[128];
    snprintf(message, sizeof message, "%s: called inside the %s", d->name, where);
    assert_error(tape, TG_ESTATE, message);
}

static tg_tensor *vector(tg_tape *tape)
{
    return tg_full(tape, TG_DIMS(3), 5, TG_F64 | TG_REQUIRES_GRAD);
}

static void forward_functions(void **state)
{
    (void)state;
    for (int i = 0; i < DOORS; i++) {
        tg_tape *tape = set_up(doors[i].call);
        tg_tensor *x = vector(tape), *square = tg_mul(x, x);
        tg_mark here = tg_tape_mark(tape);
        stage.in_forward = true;
        assert_null(evil(square));
        check_refused(tape, &doors[i], "forward function of evil");
        assert_true(marks_equal(here, tg_tape_mark(tape)));
        stage.in_forward = false;
        tg_tensor *y = evil(square);
        stage.in_forward = true;
        assert_int_equal(tg_tape_replay(tape, here), TG_ESTATE);
        check_refused(tape, &doors[i], "forward function of evil");
        assert_equal(tg_f64(y)[2], 75);
        check_usable(tape);
    }
}

static void backward_functions(void **state)
{
    (void)state;
    for (int i = 0; i < 2 * DOORS; i++) {
        const door *d = &doors[i / 2];
        tg_tape *tape = set_up(d->call);
        tg_tensor *x = vector(tape), *y = tg_sum(evil(tg_mul(x, x)));
        stage.in_backward = true;
        tg_backward_opts opts = {.create_graph = i % 2};
        assert_int_equal(tg_backward_with(y, NULL, &opts), TG_ESTATE);
        check_refused(tape, d, "backward function of evil");
        assert_null(tg_grad(x));
        stage.in_backward = false;
        assert_int_equal(tg_backward(y), TG_OK);
        assert_equal(tg_f64(tg_grad(x))[0], 30);
        check_usable(tape);
    }
}

/* During a captured step, and in its replay. */
static void captured_functions(void **state)
{
    (void)state;
    for (int i = 0; i < DOORS; i++) {
        tg_tape *tape = set_up(doors[i].call);
        tg_tensor *x = vector(tape);
        tg_capture *capture = tg_capture_begin(tape);
        tg_tensor *y = evil(x);
        assert_int_equal(tg_capture_end(capture), TG_OK);
        stage.in_forward = true;
        assert_int_equal(tg_capture_replay(capture), TG_ESTATE);
        check_refused(tape, &doors[i], "forward function of evil");
        stage.in_forward = false;
        assert_int_equal(tg_capture_replay(capture), TG_OK);
        assert_equal(tg_f64(y)[0], 15);
        check_usable(tape);
    }
}

static tg_tensor *checked(tg_tensor *const *in, size_t n, void *context)
{
    (void)n;
    (void)context;
    stage.act(tg_tape_of(in[0]));
    return tg_mul(in[0], in[0]);
}

static void checked_functions(void **state)
{
    (void)state;
    for (int i = 0; i < DOORS; i++) {
        tg_tape *tape = set_up(doors[i].call);
        tg_tensor *x = vector(tape);
        assert_int_equal(tg_gradcheck(checked, NULL, &x, 1, NULL), TG_ESTATE);
        check_refused(tape, &doors[i], "function that gradcheck calls");
        check_usable(tape);
    }
}

/* --- a mark taken inside --- */

static void take_mark(tg_tape *tape)
{
    stage.made = tg_tape_mark(tape);
}

static void marks(void **state)
{
    (void)state;
    for (int i = 0; i < 2; i++) {
        tg_tape *tape = set_up(take_mark);
        stage.in_forward = i == 0;
        stage.in_backward = i == 1;
        tg_tensor *x = vector(tape);
        assert_int_equal(tg_backward(tg_sum(evil(x))), TG_OK);
        assert_int_equal(tg_tape_rewind(tape, stage.made), TG_EVALUE);
        assert_error(tape, TG_EVALUE, "tape_rewind: the mark is of another tape, or none");
        assert_int_equal(tg_tape_replay(tape, stage.made), TG_EVALUE);
        assert_error(tape, TG_EVALUE, "tape_replay: the mark is of another tape, or none");
        check_usable(tape);
    }
}

/* --- creation --- */

static void make(tg_tape *tape)
{
    tg_tensor *a = tg_randn(tape, TG_DIMS(300), TG_F64 | TG_REQUIRES_GRAD);
    tg_tensor *b = tg_arange(tape, 0, 10000, 1, TG_F64);
    tg_tensor *c = tg_cat((tg_tensor *[]){evil(tg_mul(a, a)), tg_exp(tg_neg(b))}, 2, 0);
    tg_rng_state(tape);
    tg_params_new(tape);
    tg_batches_new(tape, 100, 10, NULL);
    stage.sum = c ? tg_item(tg_sum(c)) : 0;
    stage.kept = stage.kept ? stage.kept : c;
}

/* A backward function could not do this during a capture. */
static void write_own(tg_tape *tape)
{
    tg_tensor *t = tg_from_f64(tape, (double[]){1, 2}, TG_DIMS(2), 0);
    tg_fill_(t, 7);
    double *data = tg_data_mut(t);
    assert_non_null(data);
    assert_equal(data[0], 7);
    data[1] = 0;
}

/* What make() calls would act as well. */
static void make_once(tg_tape *tape)
{
    bool forward = stage.in_forward, backward = stage.in_backward;
    stage.in_forward = stage.in_backward = false;
    make(tape);
    if (forward && !backward)
        write_own(tape);
    stage.in_forward = forward;
    stage.in_backward = backward;
}

/* The tape is left as by a function that makes nothing. */
static void creation_in_forward(void **state)
{
    (void)state;
    for (int enabled = 0; enabled < 2; enabled++) {
        tg_tape *tape = set_up(make_once);
        tg_tensor *x = vector(tape);
        tg_set_grad_enabled(tape, enabled);
        tg_mark here = tg_tape_mark(tape);
        evil(x);
        tg_memory_info plain = tg_memory(tape);
        assert_int_equal(tg_tape_rewind(tape, here), TG_OK);
        stage.in_forward = true;
        tg_tensor *y = evil(x);
        assert_true(stage.sum != 0);
        assert_int_equal(tg_memory(tape).live, plain.live);
        for (int i = 0; i < 3; i++)
            assert_int_equal(tg_tape_replay(tape, here), TG_OK);
        assert_int_equal(tg_memory(tape).live, plain.live);
        assert_equal(tg_f64(y)[1], 15);
        if (enabled)
            assert_int_equal(tg_backward(tg_sum(y)), TG_OK);
        assert_ok(tape);
        assert_equal(enabled ? tg_f64(tg_grad(x))[0] : 3, 3);
        tg_set_grad_enabled(tape, true);
        check_usable(tape);
    }
}

/* In passes, which take memory from pools: the function itself, and one that it calls. */
static void creation_in_passes(void **state)
{
    (void)state;
    for (int i = 0; i < 4; i++) {
        tg_tape *tape = set_up(make_once);
        tg_tensor *x = vector(tape), *square = tg_mul(x, x);
        tg_mark here = tg_tape_mark(tape);
        tg_tensor *y = evil(square), *loss = tg_sum(tg_mul(y, y));
        stage.in_forward = i % 2; /* when a checkpoint computes it again */
        stage.in_backward = !stage.in_forward;
        if (i / 2)
            assert_int_equal(tg_checkpoint(tape, here, &loss, 1), TG_OK);
        for (int k = 1; k <= 3; k++) {
            assert_int_equal(tg_backward(loss), TG_OK);
            assert_equal(tg_f64(tg_grad(x))[2], k * 9.0 * 4 * 125);
        }
        check_usable(tape);
    }
}

static void creation_in_replays(void **state)
{
    (void)state;
    for (int both = 0; both < 2; both++) {
        tg_tape *tape = set_up(make_once);
        tg_tensor *x = vector(tape);
        stage.in_forward = true;
        stage.in_backward = both;
        tg_capture *capture = tg_capture_begin(tape);
        tg_zero_grad(x);
        tg_tensor *y = evil(tg_mul(x, x));
        tg_backward(tg_sum(y));
        assert_int_equal(tg_capture_end(capture), TG_OK);
        size_t live = tg_memory(tape).live;
        for (int i = 0; i < 3; i++) {
            *(double *)tg_data_mut(x) = i;
            assert_int_equal(tg_capture_replay(capture), TG_OK);
            assert_equal(tg_f64(y)[0], 3 * i * i);
            assert_equal(tg_f64(tg_grad(x))[0], 6 * i);
        }
        assert_int_equal(tg_memory(tape).live, live);
        check_usable(tape);
    }
}

/* What was made in a forward function is gone, and says so. */
static void handles(void **state)
{
    (void)state;
    tg_tape *tape = set_up(make_once);
    stage.in_forward = true;
    assert_non_null(evil(vector(tape)));
    assert_non_null(stage.kept);
    assert_null(tg_f64(stage.kept));
    assert_error(tape, TG_ESTATE, "rewound away");
    check_usable(tape);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(forward_functions),
        cmocka_unit_test(backward_functions),
        cmocka_unit_test(captured_functions),
        cmocka_unit_test(checked_functions),
        cmocka_unit_test(marks),
        cmocka_unit_test(creation_in_forward),
        cmocka_unit_test(creation_in_passes),
        cmocka_unit_test(creation_in_replays),
        cmocka_unit_test(handles),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

/* Ways through memory, tape, record and backward that no program takes by itself: what an operation of the program's own
 * may do, memory that is out in the middle of a capture or of a pass, and lists that are not there. Each way that the
 * measure of branches (coverage.sh) found untaken has its case here. */
#include "check.h"
#include "support.h"
#include "tape/tensor.h"

#include <stdlib.h>
#include <tinygrad/op.h>

static tg_tensor *leaf(tg_tape *tape)
{
    return tg_from_f64(tape, (double[]){1, 2, 3}, TG_DIMS(3), TG_F64 | TG_REQUIRES_GRAD);
}

static void expect(const tg_tensor *t, double a, double b, double c)
{
    const double *data = tg_f64((tg_tensor *)(uintptr_t)t);
    assert_equal(data[0], a);
    assert_equal(data[1], b);
    assert_equal(data[2], c);
}

/* --- tg_gradients() --- */

static void test_gradients_without_lists(void **state)
{
    (void)state;
    tg_tape *tape = tg_tape_new(NULL);
    tg_tensor *x = leaf(tape), *y = tg_sum(tg_square(x)), *g = x;
    assert_int_equal(tg_gradients(y, NULL, NULL, 1, &g, NULL), TG_EVALUE);
    assert_null(g);
    assert_error(tape, TG_EVALUE, "gradients: no inputs or no results");
    assert_int_equal(tg_gradients(y, NULL, &x, 1, NULL, NULL), TG_EVALUE);
    assert_error(tape, TG_EVALUE, "gradients: no inputs or no results");
    assert_int_equal(tg_gradients(y, NULL, &x, 0, &g, NULL), TG_EVALUE);
    assert_error(tape, TG_EVALUE, "gradients: no inputs or no results");
    tg_tape_free(tape);
}

static bool graph_wanted;

static bool gradients_fail_at(int64_t k, bool for_ever)
{
    test_allocator allocator = {.fail_at = -1};
    tg_tape *tape = test_tape(&allocator, 64);
    tg_tensor *in[] = {leaf(tape), leaf(tape)}, *grads[2];
    tg_tensor *y = tg_sum(tg_mul(tg_square(in[0]), tg_exp(in[1])));
    assert_ok(tape);
    allocator.calls = 0;
    allocator.fail_at = k;
    allocator.for_ever = for_ever;
    tg_backward_opts opts = {.create_graph = graph_wanted};
    tg_mark before = tg_tape_mark(tape);
    tg_status status = tg_gradients(y, NULL, in, 2, grads, &opts);
    allocator.fail_at = -1;
    if (status) {
        assert_null(grads[0]);
        assert_null(grads[1]);
        assert_true(marks_equal(before, tg_tape_mark(tape)));
        assert_error(tape, TG_ENOMEM, "out of memory");
        assert_int_equal(tg_gradients(y, NULL, in, 2, grads, &opts), TG_OK);
    }
    expect(grads[1], exp(1), 4 * exp(2), 9 * exp(3));
    assert_null(tg_grad(in[0]));
    tg_tape_free(tape);
    assert_int_equal(allocator.live, 0);
    return allocator.failures > 0;
}

static void test_gradients_out_of_memory(void **state)
{
    (void)state;
    for (int graph = 0; graph < 2; graph++) {
        graph_wanted = graph;
        assert_true(failures_of(gradients_fail_at, false) > 2);
        assert_true(failures_of(gradients_fail_at, true) > 2);
    }
}

/* --- captures --- */

static bool capture_fails_at(int64_t k, bool for_ever)
{
    test_allocator allocator = {.fail_at = -1};
    tg_tape *tape = test_tape(&allocator, 64);
    tg_tensor *x = leaf(tape);
    tg_tensor *image = tg_reshape(tg_arange(tape, 0, 64, 1, 0), 4, (int64_t[]){1, 1, 8, 8});
    assert_ok(tape);
    allocator.calls = 0;
    allocator.fail_at = k;
    allocator.for_ever = for_ever;
    tg_tensor *loss = NULL;
    tg_capture *step = tg_capture_begin(tape);
    tg_zero_grad(x);
    loss = tg_sum(tg_mul(tg_square(x), tg_exp(x)));
    tg_backward(loss);
    tg_tensor *mean = tg_sum(tg_avg_pool2d(image, &(tg_pool_opts){.kernel = {2, 2}}));
    tg_tensor *sorted = tg_sort(image, 3, true); /* which takes workspace */
    tg_status status = tg_capture_end(step);
    allocator.fail_at = -1;
    assert_true(allocator.failures == 0 || tg_error(tape) == TG_ENOMEM);
    assert_true(!step || (status != TG_OK) == (allocator.failures > 0));
    if (allocator.failures == 0) {
        double first = tg_item(loss);
        assert_int_equal(tg_capture_replay(step), TG_OK);
        assert_equal(tg_item(loss), first);
        assert_equal(tg_item(mean), 504);
        assert_true(tg_f32(sorted)[0] == 7);
    }
    tg_clear_error(tape);
    double want = 8 * exp(2); /* the tape goes on */
    tg_zero_grad(x);
    assert_int_equal(tg_backward(tg_sum(tg_mul(tg_square(x), tg_exp(x)))), TG_OK);
    assert_near(tg_f64(tg_grad(x))[1], want, 1e-12);
    tg_tape_free(tape);
    assert_int_equal(allocator.live, 0);
    return allocator.failures > 0;
}

static void test_captures_out_of_memory(void **state)
{
    (void)state;
    assert_true(failures_of(capture_fails_at, false) > 8);
    assert_true(failures_of(capture_fails_at, true) > 8);
}

/* A captured pass that found a gradient wants one again, and one that found none wants none. */
static void test_replays_that_find_another_gradient(void **state)
{
    (void)state;
    for (int present = 0; present < 2; present++) {
        tg_tape *tape = tg_tape_new(NULL);
        tg_tensor *x = leaf(tape);
        tg_backward(tg_sum(x));
        if (!present)
            tg_zero_grad(x);
        tg_capture *step = tg_capture_begin(tape);
        tg_backward(tg_sum(tg_square(x)));
        assert_int_equal(tg_capture_end(step), TG_OK);
        if (present)
            tg_zero_grad(x);
        assert_int_equal(tg_capture_replay(step), TG_ESTATE);
        assert_error(tape, TG_ESTATE,
                     present ? "[3] has no gradient, and had one when it was captured"
                             : "[3] has a gradient, and had none when it was captured");
        if (present)
            tg_backward(tg_sum(x));
        else
            tg_zero_grad(x);
        assert_int_equal(tg_capture_replay(step), TG_OK);
        expect(tg_grad(x), 2 + present, 4 + present, 6 + present);
        tg_tape_free(tape);
    }
    assert_null(tg_capture_begin(NULL));
}

/* --- operations of the program's own --- */

static void copy_first(tg_node *node)
{
    tg_tensor *in = node->in[0];
    memcpy(tg_out_data(node), tg_f64(in), sizeof(double) * (size_t)tg_numel(in));
}

static tg_tensor *apply_to(const tg_op *op, tg_tensor *const *in, int n)
{
    return tg_apply(&(tg_call){
        .op = op, .in = in, .n_in = n, .dtype = TG_F64, .ndim = 1, .dims = tg_sizes(in[0])});
}

/* A gradient that is the very tensor in which the leaf keeps what it has: it counts each time. */
static void give_kept(tg_node *node, tg_tensor *grad_out, tg_tensor **grad_in)
{
    (void)grad_out;
    grad_in[0] = tg_grad(node->in[0]);
}

static void test_a_kept_gradient_as_gradient(void **state)
{
    (void)state;
    static const tg_op op = {.name = "give_kept", .forward = copy_first, .backward = give_kept};
    tg_tape *tape = tg_tape_new(NULL);
    tg_tensor *x = leaf(tape);
    tg_backward(tg_sum(tg_square(x)));
    expect(tg_grad(x), 2, 4, 6);
    tg_tensor *y = tg_add(apply_to(&op, &x, 1), apply_to(&op, &x, 1));
    assert_int_equal(tg_backward(tg_sum(y)), TG_OK);
    expect(tg_grad(x), 6, 12, 18);
    tg_tape_free(tape);
}

/* More inputs than a pass has room for at hand, ten of them leaves, each with a gradient or none. */
enum { MANY = 300, LEAVES = 10 };

static void sum_forward(tg_node *node)
{
    double *out = tg_out_data(node);
    memset(out, 0, 3 * sizeof *out);
    for (int i = 0; i < MANY; i++)
        for (int k = 0; node->in[i] && k < 3; k++)
            out[k] += tg_f64(node->in[i])[k];
}

static void sum_backward(tg_node *node, tg_tensor *grad_out, tg_tensor **grad_in)
{
    for (int i = 0; i < LEAVES; i++)
        grad_in[i] = i == 4 || !tg_needs_grad(node, i) ? NULL : tg_mul_scalar(grad_out, i);
}

static bool many_fail_at(int64_t k, bool for_ever)
{
    static const tg_op op = {
        .name = "sum_of_many", .forward = sum_forward, .backward = sum_backward};
    test_allocator allocator = {.fail_at = -1};
    tg_tape *tape = test_tape(&allocator, 64);
    tg_tensor *in[MANY] = {NULL};
    for (int i = 0; i < LEAVES; i++)
        in[i] = i == 7 ? NULL : leaf(tape);
    tg_tensor *y = apply_to(&op, in, MANY), *loss = tg_sum(tg_square(y));
    assert_ok(tape);
    allocator.calls = 0;
    allocator.fail_at = k;
    allocator.for_ever = for_ever;
    tg_status status = tg_backward(loss);
    allocator.fail_at = -1;
    for (int i = 0; i < MANY && status; i++)
        assert_true(!in[i] || !tg_grad(in[i]));
    if (status) {
        assert_error(tape, TG_ENOMEM, "out of memory");
        assert_int_equal(tg_backward(loss), TG_OK);
    }
    assert_null(tg_grad(in[4]));
    expect(tg_grad(in[9]), 9 * 18, 9 * 36, 9 * 54);
    tg_tape_free(tape);
    assert_int_equal(allocator.live, 0);
    return allocator.failures > 0;
}

static void test_many_inputs_out_of_memory(void **state)
{
    (void)state;
    assert_true(failures_of(many_fail_at, false) > 0);
    assert_true(failures_of(many_fail_at, true) > 0);
}

/* Its gradient is a tensor that was there before, whose data a pass that gives data back copies first. */
static void give_constant(tg_node *node, tg_tensor *grad_out, tg_tensor **grad_in)
{
    (void)grad_out;
    grad_in[0] = node->in[1];
}

static bool constant_fails_at(int64_t k, bool for_ever)
{
    static const tg_op op = {.name = "give_constant",
                             .forward = copy_first,
                             .backward = give_constant,
                             .reads = {TG_READS_IN(1)}};
    test_allocator allocator = {.fail_at = -1};
    tg_tape *tape = test_tape(&allocator, 64);
    tg_tensor *x = leaf(tape), *ones = tg_ones(tape, TG_DIMS(3), TG_F64);
    tg_mark start = tg_tape_mark(tape);
    tg_tensor *h = tg_add_scalar(x, 1);
    tg_tensor *y = apply_to(&op, (tg_tensor *[]){h, tg_add_scalar(ones, 4)}, 2), *loss = tg_sum(y);
    assert_ok(tape);
    allocator.calls = 0;
    allocator.fail_at = k;
    allocator.for_ever = for_ever;
    tg_status status = tg_backward_with(loss, NULL, &(tg_backward_opts){.release_since = &start});
    allocator.fail_at = -1;
    if (status) {
        assert_null(tg_grad(x));
        assert_error(tape, TG_ENOMEM, "out of memory");
    } else {
        expect(tg_grad(x), 5, 5, 5);
    }
    tg_tape_free(tape);
    assert_int_equal(allocator.live, 0);
    return allocator.failures > 0;
}

static void test_copies_out_of_memory(void **state)
{
    (void)state;
    assert_true(failures_of(constant_fails_at, false) > 0);
    assert_true(failures_of(constant_fails_at, true) > 0);
}

/* Functions of an operation may not take gradients, not even where gradcheck's function may. */
static bool in_backward;

static void take_gradients(tg_node *node)
{
    tg_tensor *x = node->in[0], *g;
    copy_first(node);
    if (!in_backward)
        tg_gradients(x, NULL, &x, 1, &g, &(tg_backward_opts){.create_graph = true});
}

static void take_gradients_back(tg_node *node, tg_tensor *grad_out, tg_tensor **grad_in)
{
    tg_tensor *x = node->in[0], *g;
    grad_in[0] = grad_out;
    tg_gradients(x, NULL, &x, 1, &g, &(tg_backward_opts){.create_graph = true});
}

static tg_tensor *with_gradients_inside(tg_tensor *const *in, size_t n, void *context)
{
    static const tg_op op = {
        .name = "inside", .forward = take_gradients, .backward = take_gradients_back};
    (void)n;
    (void)context;
    tg_tensor *x = in[0], *g = NULL;
    tg_gradients(tg_sum(apply_to(&op, &x, 1)), NULL, &x, 1, &g,
                 &(tg_backward_opts){.create_graph = true});
    return g;
}

static void test_gradients_inside_functions(void **state)
{
    (void)state;
    tg_tape *tape = tg_tape_new(NULL);
    tg_tensor *x = leaf(tape);
    in_backward = false;
    assert_int_equal(tg_gradcheck(with_gradients_inside, NULL, &x, 1, NULL), TG_ESTATE);
    assert_error(tape, TG_ESTATE, "called inside");
    in_backward = true;
    assert_int_equal(tg_gradcheck(with_gradients_inside, NULL, &x, 1, NULL), TG_ESTATE);
    assert_error(tape, TG_ESTATE, "called inside");
    tg_tape_free(tape);
}

/* Overwrites a result that requires a gradient, which the record of the overwriting has no part in. */
static void double_forward(tg_node *node)
{
    double *out = tg_out_data(node);
    for (int i = 0; i < 3; i++)
        out[i] *= 2;
}

static void test_a_result_overwritten(void **state)
{
    (void)state;
    static const tg_op op = {.name = "double_", .forward = double_forward};
    tg_tape *tape = tg_tape_new(NULL);
    tg_tensor *x = leaf(tape), *y = tg_add_scalar(x, 1);
    assert_ptr_equal(tg_apply(&(tg_call){.op = &op, .in_place = y}), y);
    tg_tensor *z = tg_mul_scalar(y, 3);
    expect(z, 12, 18, 24);
    assert_int_equal(tg_backward(tg_sum(z)), TG_OK);
    expect(tg_grad(x), 3, 3, 3);
    tg_tape_free(tape);
}

/* Its reads are those of what made it, counted once. */
static void test_data_overwritten_and_given_back(void **state)
{
    (void)state;
    static const tg_op op = {.name = "double_", .forward = double_forward};
    tg_tape *tape = tg_tape_new(NULL);
    tg_tensor *x = leaf(tape);
    tg_mark mark = tg_tape_mark(tape);
    tg_tensor *y = tg_add_scalar(x, 1);
    assert_ptr_equal(tg_apply(&(tg_call){.op = &op, .in_place = y}), y);
    tg_tensor *z = tg_mul_scalar(y, 3);
    assert_int_equal(tg_release(tape, mark, &z, 1), TG_OK);
    expect(z, 12, 18, 24);
    assert_null(tg_f64(y));
    assert_error(tape, TG_ESTATE, "given back");
    assert_int_equal(tg_backward(tg_sum(z)), TG_OK);
    expect(tg_grad(x), 3, 3, 3);
    tg_tape_free(tape);
}

static void test_a_size_below_zero(void **state)
{
    (void)state;
    static const tg_op op = {.name = "strange", .forward = copy_first};
    tg_tape *tape = tg_tape_new(NULL);
    tg_tensor *x = leaf(tape);
    tg_call call = {
        .op = &op, .in = &x, .n_in = 1, .dtype = TG_F64, .ndim = 1, .dims = (int64_t[]){-2}};
    tg_mark before = tg_tape_mark(tape);
    assert_null(tg_apply(&call));
    assert_true(marks_equal(before, tg_tape_mark(tape)));
    assert_error(tape, TG_ESHAPE, "strange: ");
    assert_null(tg_apply(&(tg_call){.op = &op})); /* of no tape */
    assert_null(tg_apply(&(tg_call){.op = &op, .n_in = 1, .in = (tg_tensor *[]){NULL}}));
    tg_tape_free(tape);
}

static void test_messages_that_are_too_long(void **state)
{
    (void)state;
    int64_t sizes[TG_MAX_NDIM];
    tg_tape *tape = tg_tape_new(NULL);
    for (int i = 0; i < TG_MAX_NDIM; i++)
        sizes[i] = INT64_C(1000000000000000000);
    assert_null(tg_zeros(tape, TG_MAX_NDIM, sizes, 0));
    assert_error(tape, TG_ESHAPE, ", ...]");
    tg_tape_free(tape);
}

/* Results without numbers, and outputs that are no floats, under anomaly mode. */
static void test_anomalies_of_views_and_integers(void **state)
{
    (void)state;
    tg_tape *tape = tg_tape_new(NULL);
    tg_set_anomaly_enabled(tape, true);
    tg_tensor *x = leaf(tape);
    assert_non_null(tg_reshape(x, 2, (int64_t[]){3, 1}));
    assert_non_null(tg_gt(x, tg_zeros(tape, TG_DIMS(3), TG_F64)));
    tg_fill_(tg_zeros(tape, TG_DIMS(0), TG_F64), 1);
    assert_ok(tape);
    assert_int_equal(tg_tape_replay(tape, tg_tape_mark(tape)), TG_OK);
    tg_tape_free(tape);
}

/* A record that makes nothing, and one that fails when it runs again, in anomaly mode. */
static bool fails;

static void fail_sometimes(tg_node *node)
{
    copy_first(node);
    if (fails)
        tg_fail(tg_tape_of(node->out), TG_EVALUE, "sometimes: it failed");
}

static void test_anomalies_again(void **state)
{
    (void)state;
    static const tg_op op = {.name = "sometimes", .forward = fail_sometimes};
    tg_tape *tape = tg_tape_new(NULL);
    tg_tensor *x = leaf(tape);
    tg_set_anomaly_enabled(tape, true);
    tg_mark start = tg_tape_mark(tape);
    tg_capture *step = tg_capture_begin(tape);
    tg_zero_grad(x);
    tg_backward(tg_sum(tg_square(x)));
    assert_int_equal(tg_capture_end(step), TG_OK);
    assert_int_equal(tg_capture_replay(step), TG_OK);
    expect(tg_grad(x), 2, 4, 6);
    assert_int_equal(tg_tape_rewind(tape, start), TG_OK);
    fails = false;
    assert_non_null(apply_to(&op, &x, 1));
    assert_int_equal(tg_tape_replay(tape, start), TG_OK);
    fails = true;
    assert_int_equal(tg_tape_replay(tape, start), TG_EVALUE);
    assert_error(tape, TG_EVALUE, "sometimes: it failed");
    fails = false;
    tg_tape_free(tape);
}

/* What is written over while nothing is recorded, but for a capture. */
static void test_a_captured_write(void **state)
{
    (void)state;
    tg_tape *tape = tg_tape_new(NULL);
    tg_tensor *x = tg_ones(tape, TG_DIMS(3), TG_F64);
    tg_set_grad_enabled(tape, false);
    tg_capture *step = tg_capture_begin(tape);
    tg_add_(x, x, 1);
    assert_int_equal(tg_capture_end(step), TG_OK);
    assert_int_equal(tg_capture_replay(step), TG_OK);
    expect(x, 4, 4, 4);
    tg_tape_free(tape);
}

static void test_graphs_that_a_capture_cannot_add_to(void **state)
{
    (void)state;
    tg_tape *tape = tg_tape_new(NULL);
    tg_tensor *x = leaf(tape);
    tg_backward(tg_sum(x));
    tg_capture *step = tg_capture_begin(tape);
    tg_backward_opts graph = {.create_graph = true};
    assert_int_equal(tg_backward_with(tg_sum(tg_square(x)), NULL, &graph), TG_ESTATE);
    tg_clear_error(tape);
    assert_int_equal(tg_capture_end(step), TG_ESTATE);
    assert_error(tape, TG_ESTATE, "a captured pass cannot add to a gradient from before");
    expect(tg_grad(x), 1, 1, 1);
    tg_tape_free(tape);
}

/* A capture on a tape that was empty goes with a rewind to there. */
static void test_an_empty_tape(void **state)
{
    (void)state;
    tg_tape *tape = tg_tape_new(NULL);
    tg_mark start = tg_tape_mark(tape);
    assert_int_equal(tg_tape_rewind(tape, start), TG_OK);
    tg_capture *step = tg_capture_begin(tape);
    assert_int_equal(tg_capture_end(step), TG_OK);
    assert_int_equal(tg_capture_replay(step), TG_OK);
    assert_int_equal(tg_tape_rewind(tape, start), TG_OK);
    assert_int_equal(tg_capture_replay(step), TG_ESTATE);
    assert_error(tape, TG_ESTATE, "capture_replay: the capture was rewound away");
    tg_tape_free(tape);
}

/* What an operation keeps for its gradient goes where nothing wants one, though its result stays. */
static void test_saved_data_given_back(void **state)
{
    (void)state;
    tg_tape *tape = tg_tape_new(NULL);
    tg_tensor *x = tg_ones(tape, TG_DIMS(3), TG_F64);
    tg_mark start = tg_tape_mark(tape);
    tg_tensor *y = tg_dropout(x, 0.5, true);
    assert_int_equal(tg_release(tape, start, &y, 1), TG_OK);
    assert_non_null(tg_f64(y));
    assert_int_equal(tg_tape_replay(tape, start), TG_ESTATE);
    assert_error(tape, TG_ESTATE, "tape_replay: data of dropout were given back");
    tg_tape_free(tape);
}

static void test_dtypes_without_a_name(void **state)
{
    (void)state;
    assert_string_equal(tg_dtype_name(-1), "no dtype");
    assert_string_equal(tg_dtype_name(TG_BOOL), "bool");
    assert_string_equal(tg_dtype_name(TG_BOOL + 1), "no dtype");
}

/* --- memory --- */

/* An address whose upper bits handles need, which is never looked at. The top byte is not theirs on arm64. */
#if UINTPTR_MAX > 0xffffffffu
#define HIGH ((void *)((uintptr_t)1 << 52)) // NOLINT(performance-no-int-to-ptr): what is tested
#else
#define HIGH NULL
#endif
static bool high;

static void *alloc_high(void *context, size_t size)
{
    (void)context;
    return high ? HIGH : malloc(size);
}

static void free_high(void *context, void *memory, size_t size)
{
    (void)context;
    (void)size;
    if (memory != HIGH)
        free(memory);
}

static void test_addresses_that_handles_cannot_hold(void **state)
{
    (void)state;
    high = false;
    tg_tape *tape = tg_tape_new(&(tg_tape_opts){.alloc = alloc_high, .free = free_high});
    high = true;
    assert_null(tg_zeros(tape, TG_DIMS(3), 0));
    high = false;
    assert_error(tape, TG_ENOMEM, "zeros: out of memory");
    assert_equal(tg_item(tg_sum(tg_ones(tape, TG_DIMS(3), 0))), 3);
    tg_tape_free(tape);
}

/* More pieces given back than a search looks at. */
static void test_many_pieces(void **state)
{
    (void)state;
    tg_tape *tape = tg_tape_new(NULL);
    enum { PIECES = 700 };
    tg_tensor *kept[PIECES / 2];
    tg_mark start = tg_tape_mark(tape);
    for (int i = 0; i < PIECES; i++) { /* every other one goes, so that they do not touch */
        tg_tensor *t = tg_full(tape, TG_DIMS(2000 + 3 * (i % 100)), i, TG_F64);
        if (i % 2)
            kept[i / 2] = t;
    }
    assert_int_equal(tg_release(tape, start, kept, PIECES / 2), TG_OK);
    for (int i = 0; i < 40; i++)
        assert_equal(tg_item(tg_max(tg_full(tape, TG_DIMS(100000 - 64 * i), i, TG_F64))), i);
    for (int i = 0; i < PIECES / 2; i++)
        assert_equal(tg_f64(kept[i])[1999], 2 * i + 1);
    assert_ok(tape);
    tg_tape_free(tape);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_gradients_without_lists),
        cmocka_unit_test(test_gradients_out_of_memory),
        cmocka_unit_test(test_captures_out_of_memory),
        cmocka_unit_test(test_replays_that_find_another_gradient),
        cmocka_unit_test(test_a_kept_gradient_as_gradient),
        cmocka_unit_test(test_many_inputs_out_of_memory),
        cmocka_unit_test(test_copies_out_of_memory),
        cmocka_unit_test(test_gradients_inside_functions),
        cmocka_unit_test(test_a_result_overwritten),
        cmocka_unit_test(test_data_overwritten_and_given_back),
        cmocka_unit_test(test_a_size_below_zero),
        cmocka_unit_test(test_messages_that_are_too_long),
        cmocka_unit_test(test_anomalies_of_views_and_integers),
        cmocka_unit_test(test_anomalies_again),
        cmocka_unit_test(test_a_captured_write),
        cmocka_unit_test(test_graphs_that_a_capture_cannot_add_to),
        cmocka_unit_test(test_an_empty_tape),
        cmocka_unit_test(test_saved_data_given_back),
        cmocka_unit_test(test_dtypes_without_a_name),
        cmocka_unit_test(test_addresses_that_handles_cannot_hold),
        cmocka_unit_test(test_many_pieces),
    };
    return cmocka_run_group_tests_name("corners", tests, NULL, NULL);
}

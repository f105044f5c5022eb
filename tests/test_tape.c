/* Marks, rewind, tensors used after a rewind, the tape's options, tapes in threads, and the absent
 * tape. */
#include "check.h"
#include "support.h"

#include <limits.h>
#include <pthread.h>
#include <tinygrad/op.h>

static tg_tensor *ones(tg_tape *tape, int64_t n, int flags)
{
    tg_tensor *t = tg_ones(tape, TG_DIMS(n), flags);
    assert_non_null(t);
    return t;
}

static bool is_dead(tg_tape *tape, const tg_tensor *t)
{
    bool dead = tg_numel(t) == 0 && tg_error(tape) == TG_ESTATE;
    tg_clear_error(tape);
    return dead;
}

/* --- marks and rewind --- */

static void nested_marks(void **state)
{
    (void)state;
    tg_tape *tape = tg_tape_new(NULL);
    tg_mark outer = tg_tape_mark(tape);
    tg_tensor *a = ones(tape, 3, 0);
    tg_mark middle = tg_tape_mark(tape);
    tg_tensor *b = ones(tape, 4, 0);
    tg_mark inner = tg_tape_mark(tape);
    tg_tensor *c = tg_exp(b);
    assert_int_equal(tg_tape_rewind(tape, inner), TG_OK);
    assert_true(is_dead(tape, c));
    assert_int_equal(tg_numel(b), 4);
    assert_int_equal(tg_tape_rewind(tape, middle), TG_OK);
    assert_true(is_dead(tape, b));
    assert_int_equal(tg_numel(a), 3);
    assert_int_equal(tg_tape_rewind(tape, inner), TG_ESTATE);
    assert_error(tape, TG_ESTATE, "tape_rewind: stale mark");
    assert_int_equal(tg_tape_replay(tape, inner), TG_ESTATE);
    assert_error(tape, TG_ESTATE, "tape_replay: stale mark");
    assert_int_equal(tg_numel(a), 3);
    assert_int_equal(tg_tape_rewind(tape, outer), TG_OK);
    assert_true(is_dead(tape, a));
    tg_tape_free(tape);
}

static void mark_used_again(void **state)
{
    (void)state;
    tg_tape *tape = tg_tape_new(NULL);
    tg_tensor *a = ones(tape, 3, TG_REQUIRES_GRAD);
    tg_mark mark = tg_tape_mark(tape);
    for (int i = 0; i < 50; i++) {
        assert_int_equal(tg_tape_rewind(tape, mark), TG_OK);
        assert_int_equal(tg_tape_rewind(tape, mark), TG_OK);
        for (int k = 0; k <= i; k++)
            assert_non_null(tg_mul_scalar(a, k));
    }
    assert_int_equal(tg_numel(a), 3);
    tg_tape_free(tape);
}

/* As in PyTorch, where any number would do. */
static void strides_of_a_new_dim(void **state)
{
    (void)state;
    tg_tape *tape = tg_tape_new(NULL);
    tg_tensor *x = tg_zeros(tape, TG_DIMS(2, 3), 0);
    static const int64_t want[] = {6, 3, 1};
    for (int dim = 0; dim < 3; dim++)
        assert_int_equal(tg_stride(tg_unsqueeze(x, dim), dim), want[dim]);
    tg_tape_free(tape);
}

/* A mark above the one that was rewound to stays stale, whatever is recorded again. */
static void stale_mark_stays_stale(void **state)
{
    (void)state;
    tg_tape *tape = tg_tape_new(NULL);
    tg_mark low = tg_tape_mark(tape);
    ones(tape, 3, 0);
    tg_mark high = tg_tape_mark(tape);
    ones(tape, 3, 0);
    for (int i = 0; i < 3; i++) {
        assert_int_equal(tg_tape_rewind(tape, low), TG_OK);
        ones(tape, 3, 0);
        tg_tensor *second = ones(tape, 3, 0);
        assert_int_equal(tg_tape_rewind(tape, high), TG_ESTATE);
        assert_error(tape, TG_ESTATE, "stale mark");
        assert_int_equal(tg_numel(second), 3);
    }
    tg_tape_free(tape);
}

static void marks_of_others(void **state)
{
    (void)state;
    tg_tape *tape = tg_tape_new(NULL), *other = tg_tape_new(NULL);
    tg_mark marks[] = {tg_tape_mark(other), tg_tape_mark(NULL), {{NULL}, 0}};
    tg_tensor *a = ones(tape, 3, 0);
    for (size_t i = 0; i < sizeof marks / sizeof *marks; i++) {
        assert_int_equal(tg_tape_rewind(tape, marks[i]), TG_EVALUE);
        assert_error(tape, TG_EVALUE, "tape_rewind: the mark is of another tape");
        assert_int_equal(tg_tape_replay(tape, marks[i]), TG_EVALUE);
        assert_error(tape, TG_EVALUE, "tape_replay: the mark is of another tape");
        assert_int_equal(tg_numel(a), 3);
    }
    assert_ok(other);
    tg_tape_free(other);
    tg_tape_free(tape);
}

static void rewind_under_an_error(void **state)
{
    (void)state;
    tg_tape *tape = tg_tape_new(NULL);
    tg_tensor *a = ones(tape, 3, 0);
    tg_mark mark = tg_tape_mark(tape);
    tg_tensor *b = ones(tape, 4, 0);
    assert_null(tg_add(a, b));
    assert_int_equal(tg_tape_rewind(tape, mark), TG_OK);
    assert_int_equal(tg_error(tape), TG_ESHAPE);
    assert_null(tg_add(a, a));
    assert_error(tape, TG_ESHAPE, "add: [3] and [4]");
    assert_true(is_dead(tape, b));
    assert_non_null(tg_add(a, a));
    tg_tape_free(tape);
}

static void first_error_sticks(void **state)
{
    (void)state;
    tg_tape *tape = tg_tape_new(NULL);
    tg_tensor *a = ones(tape, 3, 0), *b = ones(tape, 4, 0);
    assert_null(tg_add(a, b));
    assert_int_equal(tg_size(a, 7), -1);
    assert_true(isnan(tg_item(a)));
    assert_null(tg_matmul(a, b));
    assert_null(tg_zeros(tape, TG_DIMS(-1), 0));
    assert_int_equal(tg_fail(tape, TG_EIO, "later"), TG_EIO);
    assert_int_equal(tg_numel(b), 4); /* looking is not forbidden */
    assert_error(tape, TG_ESHAPE, "add: [3] and [4]");
    assert_int_equal(tg_fail(tape, TG_EIO, "code %d", 7), TG_EIO);
    assert_error(tape, TG_EIO, "code 7");
    tg_tape_free(tape);
}

/* What a turn of a loop makes: small and large things, some past the size of a block. */
static void one_turn(tg_tape *tape, const void *addresses[4])
{
    tg_tensor *x = tg_randn(tape, TG_DIMS(20), TG_REQUIRES_GRAD);
    tg_tensor *big = tg_zeros(tape, TG_DIMS(10000), 0);
    tg_tensor *y = tg_exp(x);
    assert_int_equal(tg_backward(tg_sum(y)), TG_OK);
    const void *now[] = {tg_f32(x), tg_f32(big), tg_f32(y), tg_f32(tg_grad(x))};
    memcpy(addresses, now, sizeof now);
}

static void rewind_reuses_memory(void **state)
{
    (void)state;
    test_allocator allocator = {.fail_at = -1};
    tg_tape *tape = test_tape(&allocator, 1024);
    ones(tape, 5, 0);
    tg_mark mark = tg_tape_mark(tape);
    const void *first[4], *later[4];
    one_turn(tape, first);
    for (int i = 0; i < 5; i++) {
        tg_tape_rewind(tape, mark);
        int64_t calls = allocator.calls;
        one_turn(tape, later);
        assert_int_equal(allocator.calls, calls);
        assert_memory_equal(first, later, sizeof first);
    }
    tg_tape_free(tape);
    assert_int_equal(allocator.live, 0);
    assert_false(allocator.wrong_size);
}

static void rewind_leaves_the_generator(void **state)
{
    (void)state;
    static const int64_t sizes[] = {3, 20, 1, 5, 17};
    tg_tape *straight = tg_tape_new(NULL), *rewound = tg_tape_new(NULL);
    tg_mark mark = tg_tape_mark(rewound);
    for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
        tg_tensor *a = tg_randn(straight, TG_DIMS(sizes[i]), 0);
        tg_tape_rewind(rewound, mark);
        tg_tensor *b = tg_randn(rewound, TG_DIMS(sizes[i]), 0);
        assert_memory_equal(tg_f32(a), tg_f32(b), (size_t)sizes[i] * sizeof(float));
    }
    tg_tape_free(straight);
    tg_tape_free(rewound);
}

/* --- after a rewind, with nothing in its place; for the rest see test_names*.c --- */

static void assert_reported(tg_tape *tape, bool refused, const char *name)
{
    if (!refused)
        fail_msg("%s took a tensor that was rewound away", name);
    char part[64];
    snprintf(part, sizeof part, "%s: the tensor was rewound away", name);
    assert_error(tape, TG_ESTATE, part);
}

static void dead_in_accessors(void **state)
{
    (void)state;
    tg_tape *tape = tg_tape_new(NULL);
    tg_mark mark = tg_tape_mark(tape);
    tg_tensor *t = ones(tape, 1, TG_REQUIRES_GRAD);
    tg_tape_rewind(tape, mark);
    assert_reported(tape, tg_ndim(t) == -1, "ndim");
    assert_reported(tape, tg_size(t, 0) == -1, "size");
    assert_reported(tape, tg_stride(t, 0) == -1, "stride");
    assert_reported(tape, tg_numel(t) == 0, "numel");
    assert_reported(tape, tg_dtype(t) == -1, "dtype");
    assert_reported(tape, !tg_sizes(t), "sizes");
    assert_reported(tape, !tg_is_contiguous(t), "is_contiguous");
    assert_reported(tape, !tg_f32(t), "f32");
    assert_reported(tape, !tg_data_mut(t), "data_mut");
    assert_reported(tape, isnan(tg_item(t)), "item");
    assert_reported(tape, !tg_tape_of(t), "tape_of");
    assert_reported(tape, tg_print(stdout, t) == TG_ESTATE, "print");
    assert_reported(tape, tg_backward(t) == TG_ESTATE, "backward");
    assert_reported(tape, !tg_grad(t), "grad");
    assert_reported(tape, !tg_requires_grad(t), "requires_grad");
    assert_reported(tape, (tg_zero_grad(t), true), "zero_grad");
    assert_reported(tape, (tg_uniform_(t, 0, 1), true), "uniform_");
    assert_reported(tape, (tg_normal_(t, 0, 1), true), "normal_");
    assert_reported(tape, (tg_linear_init(t, NULL), true), "linear_init");
    assert_reported(tape, !tg_sgd(tape, &t, 1, NULL), "sgd");
    tg_tape_free(tape);
}

static void dead_in_operations(void **state)
{
    (void)state;
    tg_tape *tape = tg_tape_new(NULL);
    tg_tensor *a = ones(tape, 3, 0);
    tg_tensor *targets = tg_zeros(tape, TG_SCALAR, TG_I64);
    tg_mark mark = tg_tape_mark(tape);
    tg_tensor *t = ones(tape, 3, 0);
    tg_tape_rewind(tape, mark);
    assert_reported(tape, !tg_exp(t), "exp");
    assert_reported(tape, !tg_add(a, t), "add");
    assert_reported(tape, !tg_add(t, a), "add");
    assert_reported(tape, !tg_add_scalar(t, 1), "add_scalar");
    assert_reported(tape, !tg_sum(t), "sum");
    assert_reported(tape, !tg_mean_dim(t, 0, false), "mean");
    assert_reported(tape, !tg_reshape(t, TG_DIMS(3, 1)), "reshape");
    assert_reported(tape, !tg_transpose(t, 0, 0), "transpose");
    assert_reported(tape, !tg_expand(t, TG_DIMS(2, 3)), "expand");
    assert_reported(tape, !tg_contiguous(t), "contiguous");
    assert_reported(tape, !tg_to(t, TG_F64), "to");
    assert_reported(tape, !tg_detach(t), "detach");
    assert_reported(tape, !tg_matmul(a, t), "matmul");
    assert_reported(tape, !tg_softmax(t, 0), "softmax");
    assert_reported(tape, !tg_cross_entropy(t, targets, NULL), "cross_entropy");
    assert_reported(tape, !tg_cross_entropy(a, targets, &(tg_ce_opts){.weight = t}),
                    "cross_entropy");
    assert_reported(tape, !tg_nll_loss(t, targets, NULL), "nll_loss");
    assert_non_null(tg_add(a, a));
    tg_tape_free(tape);
}

static void dead_optimiser(void **state)
{
    (void)state;
    tg_tape *tape = tg_tape_new(NULL);
    tg_tensor *w = ones(tape, 3, TG_REQUIRES_GRAD);
    tg_mark mark = tg_tape_mark(tape);
    tg_optim *optim = tg_sgd(tape, &w, 1, NULL);
    tg_backward(tg_sum(w));
    tg_tape_rewind(tape, mark);
    assert_int_equal(tg_optim_step(optim), TG_ESTATE);
    assert_error(tape, TG_ESTATE, "optim_step: the optimiser was rewound away");
    tg_optim_zero_grad(optim);
    assert_error(tape, TG_ESTATE, "optim_zero_grad: the optimiser was rewound away");
    tg_optim_set_lr(optim, 1);
    assert_error(tape, TG_ESTATE, "optim_set_lr: the optimiser was rewound away");
    assert_non_null(tg_grad(w));
    assert_equal(tg_f32(w)[0], 1);
    tg_tape_free(tape);
}

static void leaf_below_the_mark(void **state)
{
    (void)state;
    tg_tape *tape = tg_tape_new(NULL);
    tg_tensor *w = ones(tape, 3, TG_REQUIRES_GRAD);
    tg_mark mark = tg_tape_mark(tape);
    const tg_tensor *grad = NULL;
    for (int i = 1; i <= 4; i++) {
        tg_tape_rewind(tape, mark);
        tg_zeros(tape, TG_DIMS(1000), 0); /* what is above does not reach below */
        assert_int_equal(tg_backward(tg_sum(tg_mul_scalar(w, 2))), TG_OK);
        assert_true(!grad || grad == tg_grad(w));
        grad = tg_grad(w);
        tg_tape_rewind(tape, mark);
        assert_equal(tg_f32(grad)[2], 2 * i);
        assert_equal(tg_f32(w)[2], 1);
    }
    tg_tape_free(tape);
}

static void record_square(tg_tensor *w)
{
    const tg_backward_opts graph = {.create_graph = true};
    assert_int_equal(tg_backward_with(tg_sum(tg_mul(w, w)), NULL, &graph), TG_OK);
    assert_true(tg_requires_grad(tg_grad(w)));
}

/* A recorded gradient goes with the rewind and its values stay, also where another leaf's recorded
 * gradient comes to stand in its place. */
static void recorded_gradient_below_the_mark(void **state)
{
    (void)state;
    tg_tape *tape = tg_tape_new(NULL);
    tg_tensor *w = tg_full(tape, TG_DIMS(2), 3, TG_REQUIRES_GRAD | TG_F64);
    tg_tensor *other = tg_full(tape, TG_DIMS(2), 5, TG_REQUIRES_GRAD | TG_F64);
    tg_mark mark = tg_tape_mark(tape);
    for (int i = 1; i <= 3; i++) {
        record_square(w);
        const double *place = tg_f64(tg_grad(w));
        tg_tape_rewind(tape, mark);
        assert_equal(tg_f64(tg_grad(w))[1], 6 * i);
        assert_false(tg_requires_grad(tg_grad(w)));
        tg_zero_grad(other);
        record_square(other);
        assert_true(i > 1 || tg_f64(tg_grad(other)) == place);
        assert_equal(tg_f64(tg_grad(other))[1], 10);
        assert_equal(tg_f64(tg_grad(w))[1], 6 * i);
        tg_tape_rewind(tape, mark);
    }
    assert_ok(tape);
    tg_tape_free(tape);
}

/* --- options --- */

static void block_sizes(void **state)
{
    (void)state;
    static const size_t sizes[] = {1, 64, 1000, 1 << 20};
    for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
        test_allocator allocator = {.fail_at = -1};
        tg_tape *tape = test_tape(&allocator, sizes[i]);
        tg_tensor *x = tg_randn(tape, TG_DIMS(30, 30), TG_REQUIRES_GRAD);
        for (int k = 0; k < 20; k++)
            assert_int_equal(tg_backward(tg_sum(tg_matmul(x, x))), TG_OK);
        assert_true(allocator.live > 900 * 4);
        tg_tape_free(tape);
        assert_int_equal(allocator.live, 0);
        assert_false(allocator.wrong_size);
    }
}

/* However they grow, there is a largest block, of 64 MiB. */
static void block_growth(void **state)
{
    (void)state;
    tg_tape *tape = tg_tape_new(&(tg_tape_opts){.block_growth = INT_MAX});
    for (int k = 0; k < 3; k++)
        assert_non_null(tg_zeros(tape, TG_DIMS(1 << 20), 0));
    assert_ok(tape);
    assert_true(tg_memory(tape).cached < (size_t)256 << 20);
    tg_tape_free(tape);
}

static void *never_called(void *context, size_t size)
{
    (void)context;
    (void)size;
    fail();
    return NULL;
}

static void half_an_allocator(void **state)
{
    (void)state;
    tg_tape *tape = tg_tape_new(&(tg_tape_opts){.alloc = never_called});
    assert_non_null(tg_zeros(tape, TG_DIMS(3), 0));
    tg_tape_free(tape);
}

static void no_memory_for_the_tape(void **state)
{
    (void)state;
    test_allocator allocator = {.fail_at = 0};
    assert_null(test_tape(&allocator, 0));
    assert_int_equal(allocator.calls, 1);
    assert_int_equal(allocator.live, 0);
}

static void grad_enabled(void **state)
{
    (void)state;
    tg_tape *tape = tg_tape_new(NULL);
    assert_true(tg_set_grad_enabled(tape, false));
    assert_false(tg_set_grad_enabled(tape, false));
    assert_false(tg_set_grad_enabled(tape, true));
    assert_true(tg_set_grad_enabled(tape, true));
    tg_tape_free(tape);
}

/* --- threads --- */

enum { THREADS = 8 };

typedef struct worker {
    uint64_t seed;
    float losses[20];
    bool failed;
} worker;

static void *train(void *argument)
{
    worker *self = argument;
    tg_tape *tape = tg_tape_new(NULL);
    tg_manual_seed(tape, self->seed);
    tg_tensor *w = tg_randn(tape, TG_DIMS(3, 20), TG_REQUIRES_GRAD);
    tg_optim *optim = tg_sgd(tape, &w, 1, &(tg_sgd_opts){.lr = 0.1, .momentum = 0.5});
    tg_mark mark = tg_tape_mark(tape);
    for (int i = 0; i < 20; i++) {
        tg_tape_rewind(tape, mark);
        tg_tensor *x = tg_randn(tape, TG_DIMS(10, 20), 0);
        tg_tensor *y = tg_randint(tape, 0, 3, TG_DIMS(10), TG_I64);
        tg_tensor *loss = tg_cross_entropy(tg_tanh(tg_linear(x, w, NULL)), y, NULL);
        tg_optim_zero_grad(optim);
        tg_backward(loss);
        tg_optim_step(optim);
        tg_add(x, y); /* does not fit: errors have no state in common either */
        self->failed |= tg_error(tape) != TG_ESHAPE;
        tg_clear_error(tape);
        self->losses[i] = (float)tg_item(loss);
    }
    tg_tape_free(tape);
    return NULL;
}

static void tapes_in_threads(void **state)
{
    (void)state;
    worker workers[THREADS] = {{0}}, alone[2] = {{.seed = 0}, {.seed = 1}};
    pthread_t threads[THREADS];
    for (int i = 0; i < THREADS; i++) {
        workers[i].seed = (uint64_t)i % 2;
        assert_int_equal(pthread_create(&threads[i], NULL, train, &workers[i]), 0);
    }
    for (int i = 0; i < THREADS; i++)
        assert_int_equal(pthread_join(threads[i], NULL), 0);
    train(&alone[0]);
    train(&alone[1]);
    assert_memory_not_equal(alone[0].losses, alone[1].losses, sizeof alone->losses);
    for (int i = 0; i < THREADS; i++) {
        assert_false(workers[i].failed);
        assert_memory_equal(workers[i].losses, alone[i % 2].losses, sizeof alone->losses);
    }
}

/* --- no tape --- */

static void null_tape(void **state)
{
    (void)state;
    assert_int_equal(tg_error(NULL), TG_ENOMEM);
    assert_true(strlen(tg_error_message(NULL)) > 0);
    assert_int_equal(tg_tape_rewind(NULL, tg_tape_mark(NULL)), TG_ENOMEM);
    assert_int_equal(tg_tape_replay(NULL, tg_tape_mark(NULL)), TG_ENOMEM);
    assert_false(tg_set_grad_enabled(NULL, true));
    assert_null(tg_zeros(NULL, TG_DIMS(3), 0));
    assert_null(tg_ones(NULL, TG_DIMS(3), 0));
    assert_null(tg_full(NULL, TG_DIMS(3), 1, 0));
    assert_null(tg_arange(NULL, 0, 3, 1, 0));
    assert_null(tg_rand(NULL, TG_DIMS(3), 0));
    assert_null(tg_randn(NULL, TG_DIMS(3), TG_REQUIRES_GRAD));
    assert_null(tg_randint(NULL, 0, 3, TG_DIMS(3), 0));
    assert_null(tg_randperm(NULL, 3, 0));
    assert_null(tg_from_f32(NULL, (float[]){1}, TG_DIMS(1), 0));
    assert_null(tg_from_f64(NULL, (double[]){1}, TG_DIMS(1), 0));
    assert_null(tg_from_i64(NULL, (int64_t[]){1}, TG_DIMS(1), 0));
    assert_null(tg_from_bool(NULL, (bool[]){1}, TG_DIMS(1), 0));
    assert_null(tg_from_blob(NULL, (float[]){1}, TG_DIMS(1), 0));
    assert_null(tg_sgd(NULL, NULL, 1, NULL));
    assert_int_equal(tg_fail(NULL, TG_ESHAPE, "nobody reads %d", 1), TG_ESHAPE);
    tg_manual_seed(NULL, 1);
    tg_clear_error(NULL);
    tg_tape_free(NULL);
    assert_int_equal(tg_error(NULL), TG_ENOMEM);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(nested_marks),
        cmocka_unit_test(mark_used_again),
        cmocka_unit_test(stale_mark_stays_stale),
        cmocka_unit_test(strides_of_a_new_dim),
        cmocka_unit_test(marks_of_others),
        cmocka_unit_test(rewind_under_an_error),
        cmocka_unit_test(first_error_sticks),
        cmocka_unit_test(rewind_reuses_memory),
        cmocka_unit_test(rewind_leaves_the_generator),
        cmocka_unit_test(dead_in_accessors),
        cmocka_unit_test(dead_in_operations),
        cmocka_unit_test(dead_optimiser),
        cmocka_unit_test(leaf_below_the_mark),
        cmocka_unit_test(recorded_gradient_below_the_mark),
        cmocka_unit_test(block_sizes),
        cmocka_unit_test(block_growth),
        cmocka_unit_test(half_an_allocator),
        cmocka_unit_test(no_memory_for_the_tape),
        cmocka_unit_test(grad_enabled),
        cmocka_unit_test(tapes_in_threads),
        cmocka_unit_test(null_tape),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

/* Minibatches: PyTorch's orders, short and dropped last batches, rows of every dtype, loops that
 * allocate nothing, misuse, and memory that runs out. */
#include "check.h"
#include "support.h"

#include <tinygrad/op.h>

#include "golden/batches.inc"

enum { CASES = sizeof cases / sizeof cases[0] };

/* An epoch gives sizes and indices as listed; the places after it are returned in both. */
static void expect_epoch(tg_batches *b, const int64_t **sizes, const int64_t **order, int64_t n)
{
    assert_int_equal(tg_batches_start(b), TG_OK);
    assert_int_equal(tg_batches_size(b), 0);
    assert_null(tg_batches_indices(b));
    for (int64_t done = 0; done < n; done += tg_batches_size(b)) {
        assert_true(tg_batches_next(b));
        int64_t size = tg_batches_size(b);
        assert_int_equal(size, *(*sizes)++);
        assert_memory_equal(tg_batches_indices(b), *order, (size_t)size * sizeof **order);
        *order += size;
    }
    for (int i = 0; i < 2; i++) {
        assert_false(tg_batches_next(b));
        assert_int_equal(tg_batches_size(b), 0);
        assert_null(tg_batches_indices(b));
    }
}

static void shuffled_as_pytorch(void **state)
{
    (void)state;
    for (size_t c = 0; c < CASES; c++) {
        tg_tape *tape = tg_tape_new(NULL);
        tg_manual_seed(tape, cases[c].seed);
        const tg_batches_opts opts = {.shuffle = true};
        tg_batches *b = tg_batches_new(tape, cases[c].n, cases[c].batch, &opts);
        const int64_t *sizes = cases[c].sizes, *order = cases[c].order;
        for (int epoch = 0; epoch < EPOCHS; epoch++) {
            expect_epoch(b, &sizes, &order, cases[c].n);
            tg_rand(tape, TG_DIMS(3), 0);
        }
        assert_ok(tape);
        tg_tape_free(tape);
    }
}

/* Batches in order, without a draw; a full epoch's worth of sizes is expected. */
static void expect_in_order(int64_t n, int64_t batch, bool drop_last, int64_t batches)
{
    tg_tape *tape = tg_tape_new(NULL);
    const tg_batches_opts opts = {.drop_last = drop_last};
    tg_batches *b = tg_batches_new(tape, n, batch, drop_last ? &opts : NULL);
    tg_tensor *before = tg_rng_state(tape);
    for (int epoch = 0; epoch < 3; epoch++) {
        assert_int_equal(tg_batches_start(b), TG_OK);
        int64_t count = 0, next = 0;
        for (; tg_batches_next(b); count++) {
            int64_t size = tg_batches_size(b);
            assert_int_equal(size, n - next < batch ? n - next : batch);
            for (int64_t i = 0; i < size; i++)
                assert_int_equal(tg_batches_indices(b)[i], next++);
        }
        assert_int_equal(count, batches);
        assert_false(tg_batches_next(b));
        assert_int_equal(tg_batches_size(b), 0);
    }
    assert_memory_equal(tg_i64(tg_rng_state(tape)), tg_i64(before), 627 * sizeof(int64_t));
    assert_ok(tape);
    tg_tape_free(tape);
}

static void in_order(void **state)
{
    (void)state;
    expect_in_order(0, 3, false, 0);
    expect_in_order(0, 3, true, 0);
    expect_in_order(1, 3, false, 1);
    expect_in_order(2, 3, true, 0);
    expect_in_order(3, 3, false, 1);
    expect_in_order(3, 3, true, 1);
    expect_in_order(10, 3, false, 4);
    expect_in_order(10, 3, true, 3);
    expect_in_order(9, 3, false, 3);
    expect_in_order(9, 3, true, 3);
    expect_in_order(5, INT64_MAX, false, 1);
    expect_in_order(5, INT64_MAX, true, 0);
}

/* Pieces of a batch, in any order, and the whole of the next one. */
static void narrowed(void **state)
{
    (void)state;
    tg_tape *tape = tg_tape_new(NULL);
    const float array[] = {10, 11, 12, 13, 14};
    tg_tensor *into = tg_zeros(tape, TG_DIMS(3), 0);
    tg_batches *b = tg_batches_new(tape, 5, 3, NULL);
    tg_batches_start(b);
    assert_int_equal(tg_batches_narrow(b, 0, 1), TG_ESTATE);
    assert_error(tape, TG_ESTATE, "batches_narrow: there is no batch");
    tg_batches_next(b);
    for (int64_t first = 2; first >= 0; first -= 2) {
        assert_int_equal(tg_batches_narrow(b, first, 1 + (first == 0)), TG_OK);
        assert_int_equal(tg_batches_size(b), 1 + (first == 0));
        assert_int_equal(tg_batches_indices(b)[0], first);
        assert_int_equal(tg_batches_read(b, array, into), TG_OK);
        assert_equal(tg_f32(into)[0], array[first]);
    }
    const int64_t wrong[][2] = {{-1, 1}, {0, 0}, {0, 4}, {3, 1}, {2, 2}, {INT64_MAX, INT64_MAX}};
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        assert_int_equal(tg_batches_narrow(b, wrong[i][0], wrong[i][1]), TG_EVALUE);
        assert_error(tape, TG_EVALUE, "of a batch of 3");
        assert_int_equal(tg_batches_size(b), 2);
    }
    assert_true(tg_batches_next(b));
    assert_int_equal(tg_batches_indices(b)[0], 3);
    assert_int_equal(tg_batches_size(b), 2);
    assert_int_equal(tg_batches_narrow(NULL, 0, 1), TG_EVALUE);
    assert_ok(tape);
    tg_tape_free(tape);
}

/* Both flags: the permutation is of all samples, and its end is left out. */
static void shuffled_and_dropped(void **state)
{
    (void)state;
    tg_tape *tape = tg_tape_new(NULL);
    tg_manual_seed(tape, 9);
    const int64_t *want = tg_i64(tg_randperm(tape, 11, TG_I64));
    tg_manual_seed(tape, 9);
    tg_batches *b = tg_batches_new(tape, 11, 4, &(tg_batches_opts){true, true});
    tg_batches_start(b);
    for (int i = 0; i < 2; i++) {
        assert_true(tg_batches_next(b));
        assert_int_equal(tg_batches_size(b), 4);
        assert_memory_equal(tg_batches_indices(b), want + 4 * i, 4 * sizeof *want);
    }
    assert_false(tg_batches_next(b));
    assert_ok(tape);
    tg_tape_free(tape);
}

/* An epoch that is left unfinished. */
static void started_anew(void **state)
{
    (void)state;
    tg_tape *tape = tg_tape_new(NULL);
    tg_batches *b = tg_batches_new(tape, 5, 2, NULL);
    tg_batches_start(b);
    tg_batches_next(b);
    tg_batches_next(b);
    assert_int_equal(tg_batches_indices(b)[0], 2);
    tg_batches_start(b);
    assert_int_equal(tg_batches_size(b), 0);
    assert_true(tg_batches_next(b));
    assert_int_equal(tg_batches_indices(b)[0], 0);
    assert_ok(tape);
    tg_tape_free(tape);
}

enum { N = 7, BATCH = 3 };

/* Row i of an array of N rows of w elements begins at i * w; all rows of a shuffled epoch. */
static void expect_rows(int dtype, const void *array, size_t element, int ndim, const int64_t *dims)
{
    tg_tape *tape = tg_tape_new(NULL);
    tg_batches *b = tg_batches_new(tape, N, BATCH, &(tg_batches_opts){.shuffle = true});
    tg_tensor *into = tg_ones(tape, ndim, dims, dtype);
    size_t row = (size_t)(tg_numel(into) / dims[0]) * element;
    char former[BATCH][64];
    for (tg_batches_start(b); tg_batches_next(b);) {
        memcpy(former, tg_data_mut(into), BATCH * row);
        assert_int_equal(tg_batches_read(b, array, into), TG_OK);
        const char *got = tg_data_mut(into);
        int64_t size = tg_batches_size(b);
        for (int64_t i = 0; i < BATCH; i++) {
            const char *from = (const char *)array + (size_t)tg_batches_indices(b)[i % size] * row;
            const char *want = i < size ? from : former[0] + (size_t)i * row;
            assert_memory_equal(got + (size_t)i * row, want, row);
        }
    }
    assert_ok(tape);
    tg_tape_free(tape);
}

static void rows(void **state)
{
    (void)state;
    float f32[N * 4];
    double f64[N * 2];
    int64_t i64[N];
    bool truth[N * 3];
    for (int i = 0; i < N * 4; i++)
        f32[i] = (float)i + 0.5f;
    for (int i = 0; i < N * 2; i++)
        f64[i] = i - 0.1;
    for (int i = 0; i < N; i++)
        i64[i] = INT64_MIN + i;
    for (int i = 0; i < N * 3; i++)
        truth[i] = i % 4 < 2;
    expect_rows(TG_F32, f32, sizeof *f32, TG_DIMS(BATCH, 2, 2));
    expect_rows(TG_F64, f64, sizeof *f64, TG_DIMS(BATCH, 2));
    expect_rows(TG_I64, i64, sizeof *i64, TG_DIMS(BATCH));
    expect_rows(TG_BOOL, truth, sizeof *truth, TG_DIMS(BATCH, 3));
}

/* A tensor with more rows than a batch, and a view of one, of which only the view's rows change. */
static void larger_tensors(void **state)
{
    (void)state;
    tg_tape *tape = tg_tape_new(NULL);
    const float array[] = {10, 11, 12, 13};
    tg_tensor *into = tg_zeros(tape, TG_DIMS(6), 0);
    tg_batches *b = tg_batches_new(tape, 4, 2, NULL);
    tg_batches_start(b);
    tg_batches_next(b);
    assert_int_equal(tg_batches_read(b, array, into), TG_OK);
    tg_batches_next(b);
    assert_int_equal(tg_batches_read(b, array, tg_narrow(into, 0, 3, 2)), TG_OK);
    const float want[] = {10, 11, 0, 12, 13, 0};
    assert_memory_equal(tg_f32(into), want, sizeof want);
    assert_int_equal(tg_batches_read(b, NULL, tg_zeros(tape, TG_DIMS(2, 0), 0)), TG_OK);
    assert_int_equal(tg_batches_read(b, array, tg_zeros(tape, TG_DIMS(2, 0), 0)), TG_OK);
    assert_ok(tape);
    tg_tape_free(tape);
}

/* A backward pass that still needs the batch before says so. */
static void version_is_bumped(void **state)
{
    (void)state;
    tg_tape *tape = tg_tape_new(NULL);
    const double array[] = {2, 3};
    tg_tensor *w = tg_ones(tape, TG_DIMS(1), TG_F64 | TG_REQUIRES_GRAD);
    tg_tensor *x = tg_zeros(tape, TG_DIMS(1), TG_F64);
    tg_batches *b = tg_batches_new(tape, 2, 1, NULL);
    tg_batches_start(b);
    tg_batches_next(b);
    tg_batches_read(b, array, x);
    tg_mark mark = tg_tape_mark(tape);
    tg_tensor *loss = tg_sum(tg_mul(w, x));
    assert_int_equal(tg_backward(loss), TG_OK);
    assert_equal(tg_item(tg_grad(w)), 2);
    tg_batches_next(b);
    tg_batches_read(b, array, x);
    assert_int_equal(tg_backward(loss), TG_ESTATE);
    tg_clear_error(tape);
    assert_int_equal(tg_tape_replay(tape, mark), TG_OK);
    assert_int_equal(tg_backward(loss), TG_OK);
    assert_equal(tg_item(tg_grad(w)), 5);
    tg_tape_free(tape);
}

/* Neither the allocator nor the tape sees the epochs go by. */
static void nothing_is_allocated(void **state)
{
    (void)state;
    test_allocator allocator = {.fail_at = -1};
    tg_tape *tape = test_tape(&allocator, 64);
    const float array[N] = {0};
    tg_tensor *into = tg_zeros(tape, TG_DIMS(BATCH), 0);
    for (int shuffle = 0; shuffle < 2; shuffle++) {
        tg_batches *b = tg_batches_new(tape, N, BATCH, &(tg_batches_opts){.shuffle = shuffle});
        tg_mark mark = tg_tape_mark(tape);
        allocator.calls = 0;
        for (int epoch = 0; epoch < 3; epoch++) {
            for (tg_batches_start(b); tg_batches_next(b);)
                assert_int_equal(tg_batches_read(b, array, into), TG_OK);
        }
        assert_int_equal(allocator.calls, 0);
        assert_true(marks_equal(mark, tg_tape_mark(tape)));
    }
    assert_ok(tape);
    tg_tape_free(tape);
}

/* -- Misuse ----------------------------------------------------------------------------------- */

static void wrong_sizes(void **state)
{
    (void)state;
    tg_tape *tape = tg_tape_new(NULL);
    assert_null(tg_batches_new(tape, -1, 2, NULL));
    assert_error(tape, TG_EVALUE, "batches_new: -1 samples");
    assert_null(tg_batches_new(tape, INT64_MAX, 2, NULL));
    assert_error(tape, TG_EVALUE, "batches_new: 9223372036854775807 samples");
    assert_null(tg_batches_new(tape, 5, 0, NULL));
    assert_error(tape, TG_EVALUE, "batches_new: batch size 0 is not > 0");
    assert_null(tg_batches_new(tape, 5, -3, NULL));
    assert_error(tape, TG_EVALUE, "batches_new: batch size -3 is not > 0");
    tg_mark mark = tg_tape_mark(tape);
    assert_null(tg_batches_new(tape, PTRDIFF_MAX / 8, 2, NULL));
    assert_error(tape, TG_ENOMEM, "batches_new: out of memory");
    assert_true(marks_equal(mark, tg_tape_mark(tape)));
    tg_fail(tape, TG_EIO, "set");
    assert_null(tg_batches_new(tape, 5, 3, NULL));
    assert_error(tape, TG_EIO, "set");
    assert_null(tg_batches_new(NULL, 5, 3, NULL));
    tg_tape_free(tape);
}

static void refuse(const tg_batches *b, const void *array, tg_tensor *into, tg_status status,
                   const char *part)
{
    tg_tape *tape = tg_tape_of(into);
    assert_int_equal(tg_batches_read(b, array, into), status);
    assert_error(tape, status, part);
}

static void wrong_reads(void **state)
{
    (void)state;
    tg_tape *tape = tg_tape_new(NULL), *other = tg_tape_new(NULL);
    const float array[N * 2] = {1, 1};
    tg_tensor *into = tg_zeros(tape, TG_DIMS(BATCH, 2), 0);
    tg_batches *b = tg_batches_new(tape, N, BATCH, NULL);
    assert_false(tg_batches_next(b));
    assert_error(tape, TG_ESTATE, "batches_next: no epoch was started");
    refuse(b, array, into, TG_ESTATE, "batches_read: there is no batch");
    tg_batches_start(b);
    refuse(b, array, into, TG_ESTATE, "batches_read: there is no batch");
    tg_batches_next(b);
    assert_int_equal(tg_batches_read(b, array, NULL), TG_EVALUE);
    assert_error(tape, TG_EVALUE, "batches_read: the tensor is NULL");
    refuse(b, NULL, into, TG_EVALUE, "batches_read: the array is NULL");
    assert_int_equal(tg_batches_read(b, array, tg_zeros(other, TG_DIMS(3, 2), 0)), TG_EVALUE);
    assert_error(tape, TG_EVALUE, "batches_read: the tensor is of another tape");
    refuse(b, array, tg_zeros(tape, TG_SCALAR, 0), TG_ESHAPE, "of 3 rows does not fit in []");
    refuse(b, array, tg_zeros(tape, TG_DIMS(2, 2), 0), TG_ESHAPE, "does not fit in [2, 2]");
    refuse(b, array, tg_transpose(tg_zeros(tape, TG_DIMS(2, 3), 0), 0, 1), TG_ESTATE,
           "batches_read: the tensor is not contiguous");
    refuse(b, array, tg_zeros(tape, TG_DIMS(3, 2), TG_REQUIRES_GRAD), TG_ESTATE,
           "batches_read: the tensor requires a gradient");
    while (tg_batches_next(b)) {
    }
    refuse(b, array, into, TG_ESTATE, "batches_read: there is no batch");
    for (int i = 0; i < BATCH * 2; i++)
        assert_equal(tg_f32(into)[i], 0);
    assert_ok(other);
    tg_tape_free(tape);
    tg_tape_free(other);
}

static void nothing_while_failed(void **state)
{
    (void)state;
    tg_tape *tape = tg_tape_new(NULL);
    const float array[N] = {1, 1, 1};
    tg_tensor *into = tg_zeros(tape, TG_DIMS(BATCH), 0), *before = tg_rng_state(tape);
    tg_batches *b = tg_batches_new(tape, N, BATCH, NULL);
    tg_batches *mixed = tg_batches_new(tape, N, BATCH, &(tg_batches_opts){.shuffle = true});
    tg_batches_start(b);
    tg_batches_next(b);
    tg_fail(tape, TG_EIO, "set");
    assert_int_equal(tg_batches_start(mixed), TG_EIO);
    assert_int_equal(tg_batches_start(b), TG_EIO);
    assert_false(tg_batches_next(b));
    assert_int_equal(tg_batches_read(b, array, into), TG_EIO);
    assert_int_equal(tg_batches_size(b), BATCH);
    assert_int_equal(tg_batches_indices(b)[1], 1);
    assert_error(tape, TG_EIO, "set");
    assert_equal(tg_f32(into)[0], 0);
    assert_memory_equal(tg_i64(tg_rng_state(tape)), tg_i64(before), 627 * sizeof(int64_t));
    assert_true(tg_batches_next(b));
    assert_int_equal(tg_batches_indices(b)[0], BATCH);
    tg_tape_free(tape);
}

static void no_object(void **state)
{
    (void)state;
    assert_int_equal(tg_batches_start(NULL), TG_EVALUE);
    assert_false(tg_batches_next(NULL));
    assert_int_equal(tg_batches_size(NULL), 0);
    assert_null(tg_batches_indices(NULL));
    assert_int_equal(tg_batches_read(NULL, "", NULL), TG_EVALUE);
}

static void rewound(void **state)
{
    (void)state;
    tg_tape *tape = tg_tape_new(NULL);
    const float array[N] = {0};
    tg_tensor *into = tg_zeros(tape, TG_DIMS(BATCH), 0);
    tg_mark mark = tg_tape_mark(tape);
    tg_batches *b = tg_batches_new(tape, N, BATCH, NULL);
    tg_batches_start(b);
    tg_batches_next(b);
    tg_tensor *late = tg_zeros(tape, TG_DIMS(BATCH), 0);
    tg_tape_rewind(tape, mark);
    assert_int_equal(tg_batches_start(b), TG_ESTATE);
    assert_error(tape, TG_ESTATE, "batches_start: the batches object was rewound away");
    assert_false(tg_batches_next(b));
    assert_error(tape, TG_ESTATE, "batches_next: the batches object was rewound away");
    assert_int_equal(tg_batches_size(b), 0);
    assert_error(tape, TG_ESTATE, "batches_size: the batches object was rewound away");
    assert_null(tg_batches_indices(b));
    assert_error(tape, TG_ESTATE, "batches_indices: the batches object was rewound away");
    assert_int_equal(tg_batches_read(b, array, into), TG_ESTATE);
    assert_error(tape, TG_ESTATE, "batches_read: the batches object was rewound away");
    b = tg_batches_new(tape, N, BATCH, NULL);
    tg_batches_start(b);
    tg_batches_next(b);
    assert_int_equal(tg_batches_read(b, array, late), TG_ESTATE);
    assert_error(tape, TG_ESTATE, "batches_read: the tensor was rewound away");
    tg_tape_free(tape);
}

static void out_of_memory(void **state)
{
    (void)state;
    for (int for_ever = 0; for_ever < 2; for_ever++) {
        int64_t k = 0;
        for (bool failed = true; failed; k++) {
            test_allocator allocator = {.fail_at = k + 1, .for_ever = for_ever};
            tg_tape *tape = test_tape(&allocator, 16);
            tg_mark mark = tg_tape_mark(tape);
            tg_batches *b = tg_batches_new(tape, 100, 9, NULL);
            failed = allocator.failures;
            assert_true((b == NULL) == failed);
            if (failed) {
                assert_true(marks_equal(mark, tg_tape_mark(tape)));
                assert_error(tape, TG_ENOMEM, "batches_new: out of memory");
                allocator.fail_at = -1;
                b = tg_batches_new(tape, 100, 9, NULL);
            }
            assert_int_equal(tg_batches_start(b), TG_OK);
            assert_true(tg_batches_next(b));
            tg_tape_free(tape);
            assert_int_equal(allocator.live, 0);
        }
        assert_true(k > 2);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(shuffled_as_pytorch),
        cmocka_unit_test(in_order),
        cmocka_unit_test(narrowed),
        cmocka_unit_test(shuffled_and_dropped),
        cmocka_unit_test(started_anew),
        cmocka_unit_test(rows),
        cmocka_unit_test(larger_tensors),
        cmocka_unit_test(version_is_bumped),
        cmocka_unit_test(nothing_is_allocated),
        cmocka_unit_test(wrong_sizes),
        cmocka_unit_test(wrong_reads),
        cmocka_unit_test(nothing_while_failed),
        cmocka_unit_test(no_object),
        cmocka_unit_test(rewound),
        cmocka_unit_test(out_of_memory),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

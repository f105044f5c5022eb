/* tg_batches_read_as(): each pair of types, what does not fit, and that nothing changes then. */
#include "check.h"
#include "support.h"

#include <tinygrad/op.h>

#include <float.h>
#include <limits.h>

enum { TYPES = TG_ARRAY_U8 + 1 };

_Static_assert((int)TG_ARRAY_F32 == (int)TG_F32 && (int)TG_ARRAY_F64 == (int)TG_F64 &&
                   (int)TG_ARRAY_I64 == (int)TG_I64 && (int)TG_ARRAY_BOOL == (int)TG_BOOL,
               "a dtype is the array type of its number");

/* One batch of all n rows, in order. */
static tg_batches *one_batch(tg_tape *tape, int64_t n)
{
    tg_batches *b = tg_batches_new(tape, n, n, NULL);
    tg_batches_start(b);
    assert_true(tg_batches_next(b));
    return b;
}

/* Sets element i of an array of the type. */
static void put(void *array, tg_array_type type, int64_t i, double value)
{
    switch (type) {
    case TG_ARRAY_F32:
        ((float *)array)[i] = (float)value;
        break;
    case TG_ARRAY_F64:
        ((double *)array)[i] = value;
        break;
    case TG_ARRAY_I64:
        ((int64_t *)array)[i] = (int64_t)value;
        break;
    case TG_ARRAY_I32:
        ((int32_t *)array)[i] = (int32_t)value;
        break;
    default:
        ((uint8_t *)array)[i] = (uint8_t)value;
    }
}

/* -- What fits --------------------------------------------------------------------------------- */

enum { N = 37, ROW = 3, BATCH = 8 };

static double value_of(tg_array_type type, int dtype, int64_t i)
{
    if (type == TG_ARRAY_BOOL || dtype == TG_BOOL)
        return (double)(i % 3 == 1);
    if (type == TG_ARRAY_U8)
        return (double)(i * 7 % 256);
    bool whole = type == TG_ARRAY_I64 || type == TG_ARRAY_I32 || dtype == TG_I64;
    return (double)(i * 1013 - 40000) + (whole ? 0 : 0.5);
}

static void expect_epoch(tg_array_type type, int dtype)
{
    double array[N * ROW]; /* the largest alignment of all */
    for (int64_t i = 0; i < (int64_t)N * ROW; i++)
        put(array, type, i, value_of(type, dtype, i));
    tg_tape *tape = tg_tape_new(NULL);
    tg_tensor *into = tg_zeros(tape, TG_DIMS(BATCH, ROW), dtype);
    tg_batches *b = tg_batches_new(tape, N, BATCH, &(tg_batches_opts){.shuffle = true});
    for (tg_batches_start(b); tg_batches_next(b);) {
        snapshot former = snapshot_of(into);
        assert_int_equal(tg_batches_read_as(b, array, type, into), TG_OK);
        snapshot now = snapshot_of(into);
        for (int64_t i = 0; i < (int64_t)BATCH * ROW; i++) {
            double want = snapshot_at(&former, i);
            if (i / ROW < tg_batches_size(b))
                want = value_of(type, dtype, tg_batches_indices(b)[i / ROW] * ROW + i % ROW);
            assert_equal(snapshot_at(&now, i), want);
        }
    }
    assert_ok(tape);
    tg_tape_free(tape);
}

static void all_pairs(void **state)
{
    (void)state;
    for (int type = 0; type < TYPES; type++) {
        for (int dtype = TG_F32; dtype <= TG_BOOL; dtype++)
            expect_epoch((tg_array_type)type, dtype);
    }
}

/* One element of a type to a dtype. */
static tg_tensor *read_one(tg_tape *tape, const void *element, tg_array_type type, int dtype)
{
    tg_tensor *into = tg_full(tape, TG_DIMS(1), 1, dtype);
    assert_int_equal(tg_batches_read_as(one_batch(tape, 1), element, type, into), TG_OK);
    return into;
}

static void extremes_that_fit(void **state)
{
    (void)state;
    tg_tape *tape = tg_tape_new(NULL);
    const int64_t longs[] = {INT64_MIN, INT64_MAX, INT64_MAX - 1023, (int64_t)1 << 53};
    for (int i = 0; i < 4; i++) {
        assert_true(*tg_i64(read_one(tape, &longs[i], TG_ARRAY_I64, TG_I64)) == longs[i]);
        if (i != 1)
            assert_true((int64_t)*tg_f64(read_one(tape, &longs[i], TG_ARRAY_I64, TG_F64)) ==
                        longs[i]);
    }
    assert_equal(*tg_f32(read_one(tape, &longs[0], TG_ARRAY_I64, TG_F32)), -0x1p63);
    const int32_t ints[] = {INT_MIN, 1 << 24, (1 << 24) + 2};
    for (int i = 0; i < 3; i++)
        assert_equal(*tg_f32(read_one(tape, &ints[i], TG_ARRAY_I32, TG_F32)), ints[i]);
    const double wholes[] = {-0x1p63, 0x1p63 - 1024, -0.0};
    for (int i = 0; i < 3; i++)
        assert_true(*tg_i64(read_one(tape, &wholes[i], TG_ARRAY_F64, TG_I64)) ==
                    (int64_t)wholes[i]);
    /* double to float rounds, and takes what is not finite as it is. */
    const double reals[] = {0.1, 1e-300, (double)FLT_MAX, 0x1.fffffefffffffp127, -(double)INFINITY};
    for (int i = 0; i < 5; i++)
        assert_true(*tg_f32(read_one(tape, &reals[i], TG_ARRAY_F64, TG_F32)) == (float)reals[i]);
    const double not_a_number = (double)NAN;
    const float single = NAN;
    assert_true(isnan(*tg_f32(read_one(tape, &not_a_number, TG_ARRAY_F64, TG_F32))));
    assert_true(isnan(*tg_f64(read_one(tape, &single, TG_ARRAY_F32, TG_F64))));
    assert_true(isnan(*tg_f32(read_one(tape, &single, TG_ARRAY_F32, TG_F32))));
    assert_ok(tape);
    tg_tape_free(tape);
}

/* -- What does not ----------------------------------------------------------------------------- */

/* Row 2 of an array, its second element, is one that the dtype does not hold: nothing changes. */
static void misfit(const void *bad, tg_array_type type, int dtype, const char *shown)
{
    double array[10] = {0};
    static const size_t sizes[TYPES] = {4, 8, 8, 1, 4, 1};
    static const char *const names[] = {"float32", "float64", "int64", "bool"};
    memcpy((char *)array + 5 * sizes[type], bad, sizes[type]);
    tg_tape *tape = tg_tape_new(NULL);
    tg_tensor *into = tg_ones(tape, TG_DIMS(5, 2), dtype);
    snapshot before = snapshot_of(into);
    assert_int_equal(tg_batches_read_as(one_batch(tape, 5), array, type, into), TG_EVALUE);
    char part[160];
    snprintf(part, sizeof part, "%s, which %s does not hold", shown, names[dtype]);
    assert_non_null(
        strstr(tg_error_message(tape), "batches_read_as: row 2 of the array: element 1 is "));
    assert_error(tape, TG_EVALUE, part);
    snapshot after = snapshot_of(into);
    assert_true(snapshot_same(&before, &after));
    tg_tape_free(tape);
}

static void reals_that_do_not_fit(void **state)
{
    (void)state;
    const double wholes[] = {(double)NAN, (double)INFINITY, -(double)INFINITY,
                             0x1p63,      -0x1p64,          2.5};
    const char *const shown[] = {"nan", "inf", "-inf", "9.22337204e+18", "-1.84467441e+19", "2.5"};
    for (int i = 0; i < 6; i++) {
        const float single = (float)wholes[i];
        misfit(&wholes[i], TG_ARRAY_F64, TG_I64, isnan(wholes[i]) ? "" : shown[i]);
        misfit(&single, TG_ARRAY_F32, TG_I64, isnan(wholes[i]) ? "" : shown[i]);
        misfit(&wholes[i], TG_ARRAY_F64, TG_BOOL, isnan(wholes[i]) ? "" : shown[i]);
        misfit(&single, TG_ARRAY_F32, TG_BOOL, isnan(wholes[i]) ? "" : shown[i]);
    }
    const double large[] = {1e39, -DBL_MAX, 0x1.ffffffp127};
    const char *const large_shown[] = {"1e+39", "-1.79769313e+308", "3.40282357e+38"};
    for (int i = 0; i < 3; i++)
        misfit(&large[i], TG_ARRAY_F64, TG_F32, large_shown[i]);
}

static void integers_that_do_not_fit(void **state)
{
    (void)state;
    const int32_t ints[] = {(1 << 24) + 1, INT_MAX};
    const int64_t longs[] = {((int64_t)1 << 53) + 1, INT64_MAX, INT64_MIN + 1};
    const char *const longs_shown[] = {"9007199254740993", "9223372036854775807",
                                       "-9223372036854775807"};
    misfit(&ints[0], TG_ARRAY_I32, TG_F32, "16777217");
    misfit(&ints[1], TG_ARRAY_I32, TG_F32, "2147483647");
    for (int i = 0; i < 3; i++) {
        misfit(&longs[i], TG_ARRAY_I64, TG_F64, longs_shown[i]);
        misfit(&longs[i], TG_ARRAY_I64, TG_F32, longs_shown[i]);
        misfit(&longs[i], TG_ARRAY_I64, TG_BOOL, longs_shown[i]);
    }
    const int32_t minus_one = -1;
    const uint8_t two = 2;
    misfit(&minus_one, TG_ARRAY_I32, TG_BOOL, "-1");
    misfit(&two, TG_ARRAY_U8, TG_BOOL, "2");
    for (int dtype = TG_F32; dtype <= TG_BOOL; dtype++)
        misfit(&two, TG_ARRAY_BOOL, dtype, "2");
}

/* A backward pass that still needs the former batch has it after what failed, not after what did
 * not; and neither allocates. */
static void version(void **state)
{
    (void)state;
    test_allocator allocator = {.fail_at = -1};
    tg_tape *tape = test_tape(&allocator, 0);
    tg_tensor *w = tg_ones(tape, TG_DIMS(2), TG_REQUIRES_GRAD), *x = tg_ones(tape, TG_DIMS(2), 0);
    tg_batches *b = one_batch(tape, 2);
    tg_tensor *loss = tg_sum(tg_mul(w, x));
    allocator.calls = 0;
    const int32_t bad[] = {1, (1 << 24) + 1}, good[] = {3, 4};
    assert_int_equal(tg_batches_read_as(b, bad, TG_ARRAY_I32, x), TG_EVALUE);
    tg_clear_error(tape);
    assert_int_equal(allocator.calls, 0);
    assert_int_equal(tg_backward(loss), TG_OK);
    allocator.calls = 0;
    assert_int_equal(tg_batches_read_as(b, good, TG_ARRAY_I32, x), TG_OK);
    assert_int_equal(allocator.calls, 0);
    assert_int_equal(tg_backward(loss), TG_ESTATE);
    tg_tape_free(tape);
}

/* Rows that the batch does not have are not looked at. */
static void only_the_batch(void **state)
{
    (void)state;
    tg_tape *tape = tg_tape_new(NULL);
    const double labels[] = {3, 1, (double)NAN};
    tg_tensor *y = tg_zeros(tape, TG_DIMS(2), TG_I64);
    tg_batches *b = tg_batches_new(tape, 3, 2, NULL);
    tg_batches_start(b);
    tg_batches_next(b);
    assert_int_equal(tg_batches_read_as(b, labels, TG_ARRAY_F64, y), TG_OK);
    assert_int_equal(tg_i64(y)[0], 3);
    assert_int_equal(tg_i64(y)[1], 1);
    tg_batches_next(b);
    assert_int_equal(tg_batches_read_as(b, labels, TG_ARRAY_F64, y), TG_EVALUE);
    assert_error(tape, TG_EVALUE, "batches_read_as: row 2 of the array: element 0 is ");
    assert_int_equal(tg_i64(y)[0], 3);
    tg_tape_free(tape);
}

/* Bytes of a picture as torchvision's ToTensor and Normalize give them (PyTorch 2.13's bits). */
static void scaled(void **state)
{
    (void)state;
    static const uint8_t bytes[] = {0, 1, 7, 128, 255};
    static const double want[2][5] = {
        {-0x1.b264e2p-2, -0x1.a55c4p-2, -0x1.57287ap-2, 0x1.347af4p+0, 0x1.69267ap+1},
        {-0x1.b264df03681cap-2, -0x1.a55c3dbf48cc5p-2, -0x1.572876268ceaep-2, 0x1.347af0c31000fp+0,
         0x1.6926787af91a8p+1}};
    const tg_scaling scaling = {.divisor = 255, .mean = 0.1307, .std = 0.3081};
    for (int dtype = TG_F32; dtype <= TG_F64; dtype++) {
        tg_tape *tape = tg_tape_new(NULL);
        tg_tensor *x = tg_zeros(tape, TG_DIMS(6), dtype),
                  *whole = tg_zeros(tape, TG_DIMS(6), TG_I64);
        tg_batches *b = one_batch(tape, 5);
        assert_int_equal(tg_batches_read_scaled(b, bytes, TG_ARRAY_U8, x, &scaling), TG_OK);
        snapshot now = snapshot_of(x);
        for (int i = 0; i < 5; i++)
            assert_true(snapshot_at(&now, i) == want[dtype][i]);
        assert_true(snapshot_at(&now, 5) == 0); /* no row of the batch */
        assert_int_equal(tg_batches_read_scaled(b, bytes, TG_ARRAY_U8, x, NULL), TG_OK);
        now = snapshot_of(x);
        assert_true(snapshot_at(&now, 4) == 255);
        assert_int_equal(tg_batches_read_scaled(b, bytes, TG_ARRAY_U8, whole, &scaling), TG_EDTYPE);
        assert_error(tape, TG_EDTYPE, "batches_read_scaled: the tensor is int64");
        tg_scaling none = {.std = (double)INFINITY};
        assert_int_equal(tg_batches_read_scaled(b, bytes, TG_ARRAY_U8, x, &none), TG_EVALUE);
        assert_error(tape, TG_EVALUE, "divisor 0, mean 0, std inf: not finite");
        none.std = TG_ZERO;
        assert_int_equal(tg_batches_read_scaled(b, bytes, TG_ARRAY_U8, x, &none), TG_EVALUE);
        assert_error(tape, TG_EVALUE, "divisor 1, std 0: a division by 0");
        assert_int_equal(tg_batches_read_scaled(b, bytes, (tg_array_type)9, x, &scaling),
                         TG_EVALUE);
        assert_error(tape, TG_EVALUE, "batches_read_scaled: there is no array type 9");
        assert_int_equal(tg_batches_read_scaled(NULL, bytes, TG_ARRAY_U8, x, &scaling), TG_EVALUE);
        assert_int_equal(tg_batches_read_scaled(b, bytes, TG_ARRAY_U8, NULL, &scaling), TG_EVALUE);
        tg_tape_free(tape);
    }
}

/* -- Misuse ------------------------------------------------------------------------------------ */

static void misuse(void **state)
{
    (void)state;
    tg_tape *tape = tg_tape_new(NULL);
    const int32_t array[8] = {0};
    tg_tensor *into = tg_zeros(tape, TG_DIMS(4, 2), TG_I64);
    tg_batches *b = tg_batches_new(tape, 4, 4, NULL);
    tg_batches_start(b);
    assert_int_equal(tg_batches_read_as(b, array, TG_ARRAY_I32, into), TG_ESTATE);
    assert_error(tape, TG_ESTATE, "batches_read_as: there is no batch");
    tg_batches_next(b);
    for (int type = -1; type <= TYPES; type += TYPES + 1) {
        assert_int_equal(tg_batches_read_as(b, array, (tg_array_type)type, into), TG_EVALUE);
        assert_error(tape, TG_EVALUE, "batches_read_as: there is no array type ");
    }
    assert_int_equal(tg_batches_read_as(b, NULL, TG_ARRAY_I32, into), TG_EVALUE);
    assert_error(tape, TG_EVALUE, "batches_read_as: the array is NULL");
    assert_int_equal(tg_batches_read_as(b, array, TG_ARRAY_I32, NULL), TG_EVALUE);
    assert_error(tape, TG_EVALUE, "batches_read_as: the tensor is NULL");
    tg_tensor *small = tg_zeros(tape, TG_DIMS(3, 2), TG_I64);
    assert_int_equal(tg_batches_read_as(b, array, TG_ARRAY_I32, small), TG_ESHAPE);
    assert_error(tape, TG_ESHAPE, "batches_read_as: a batch of 4 rows does not fit in [3, 2]");
    tg_tensor *none = tg_zeros(tape, TG_DIMS(4, 0), TG_I64);
    assert_int_equal(tg_batches_read_as(b, NULL, TG_ARRAY_F64, none), TG_OK);
    tg_capture *capture = tg_capture_begin(tape);
    assert_non_null(capture);
    assert_int_equal(tg_batches_read_as(b, array, TG_ARRAY_I32, into), TG_ESTATE);
    assert_error(tape, TG_ESTATE, "batches_read_as: called during a capture");
    assert_int_equal(tg_batches_read_as(NULL, array, TG_ARRAY_I32, into), TG_EVALUE);
    assert_ok(tape);
    tg_tape_free(tape);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(all_pairs),
        cmocka_unit_test(extremes_that_fit),
        cmocka_unit_test(reals_that_do_not_fit),
        cmocka_unit_test(integers_that_do_not_fit),
        cmocka_unit_test(version),
        cmocka_unit_test(only_the_batch),
        cmocka_unit_test(scaled),
        cmocka_unit_test(misuse),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

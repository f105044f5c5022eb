/* Narrow elements: all floats of 16 bits read, what lies between them rounded, integers of all widths,
 * files written and read again, and checkpoints, which hold none of them. */
#define _POSIX_C_SOURCE 200809L
#include "check.h"
#include "support.h"

#include "io/element.h"
#include "io/scratch.h"

#include <tinygrad/io.h>

/* A format by its numbers: value = digits * 2^exponent. */
typedef struct format {
    int type, digits, smallest;
    tg_file_floats floats;
    const char *name;
} format;

static const format formats[] = {{TG_IO_F16, 10, -14, TG_FILE_F16, "F16"},
                                 {TG_IO_BF16, 7, -126, TG_FILE_BF16, "BF16"}};

/* By the definition; not for infinities and nan. */
static double defined(const format *f, unsigned bits)
{
    int exponent = (int)(bits & 0x7fff) >> f->digits;
    double digits = (double)(bits & ((1u << f->digits) - 1)) + (exponent ? 1 << f->digits : 0);
    double x = ldexp(digits, (exponent ? exponent - 1 : 0) + f->smallest - f->digits);
    return bits & 0x8000 ? -x : x;
}

static unsigned infinity_of(const format *f)
{
    return 0x7fffu & ~((1u << f->digits) - 1);
}

static float widened(const format *f, unsigned bits)
{
    uint16_t half = (uint16_t)bits;
    float x;
    tg_io_turn(&half, 1, sizeof half);
    tg_io_widen(f->type, &half, 1, &x);
    return x;
}

static unsigned narrowed(const format *f, double x)
{
    uint16_t half, other;
    tg_io_narrow(TG_F64, &x, 1, f->type, &half);
    float single = (float)x;
    tg_io_narrow(TG_F32, &single, 1, f->type, &other);
    if ((double)single == x)
        assert_int_equal(half, other);
    tg_io_turn(&half, 1, sizeof half); /* as a file has it */
    return half;
}

static void floats(void **state)
{
    (void)state;
    for (size_t i = 0; i < 2; i++) {
        const format *f = &formats[i];
        const unsigned infinity = infinity_of(f);
        for (unsigned bits = 0; bits < 0x10000; bits++) {
            float x = widened(f, bits);
            if ((bits & 0x7fff) > infinity) {
                assert_true(isnan(x));
                unsigned again = narrowed(f, (double)x);
                assert_true((again & 0x7fff) > infinity);
                continue;
            }
            if ((bits & 0x7fff) < infinity)
                assert_true((double)x == defined(f, bits));
            else
                assert_true(isinf(x) && (x < 0) == (bits > 0x7fff));
            assert_int_equal(narrowed(f, (double)x), bits);
        }
    }
}

/* The middle between two neighbours, the last of which may be infinity, and what is beside it. */
static void rounding(void **state)
{
    (void)state;
    for (size_t i = 0; i < 2; i++) {
        const format *f = &formats[i];
        for (unsigned bits = 0; bits < infinity_of(f); bits++) {
            double middle = (defined(f, bits) + defined(f, bits + 1)) / 2;
            assert_int_equal(narrowed(f, middle), bits + bits % 2);
            assert_int_equal(narrowed(f, nextafter(middle, 0)), bits);
            assert_int_equal(narrowed(f, -nextafter(middle, 1e300)), 0x8000 + bits + 1);
        }
        assert_int_equal(narrowed(f, 1e300), infinity_of(f));
        assert_int_equal(narrowed(f, 5e-324), 0);
        assert_int_equal(narrowed(f, -0.0), 0x8000);
    }
}

/* Written as 16 bits: half the bytes, the values rounded, integers and bools whole. */
static void saved(void **state)
{
    (void)state;
    for (size_t i = 0; i < 2; i++) {
        tg_tape *tape = tg_tape_new(NULL);
        tg_params *list = tg_params_new(tape), *read;
        tg_tensor *single = tg_params_add(list, tg_randn(tape, TG_DIMS(37, 41), 0), "single");
        tg_tensor *real = tg_params_add(list, tg_randn(tape, TG_DIMS(5), TG_F64), "double");
        tg_params_add(list, tg_transpose(single, 0, 1), "strided");
        tg_tensor *whole = tg_params_add(list, tg_arange(tape, 0, 7, 1, TG_I64), "whole");
        tg_save_opts opts = {.floats = formats[i].floats};
        assert_int_equal(tg_save_safetensors(in_scratch("n"), list, &opts), TG_OK);
        read = tg_read_safetensors(tape, in_scratch("n"));
        assert_ok(tape);
        for (int64_t k = 0; k < 37 * 41; k++) {
            float x = tg_f32(tg_params_find(read, "single"))[k];
            assert_true(x ==
                        widened(&formats[i], narrowed(&formats[i], (double)tg_f32(single)[k])));
            assert_true(tg_f32(tg_params_find(read, "strided"))[k % 41 * 37 + k / 41] == x);
        }
        for (int k = 0; k < 5; k++)
            assert_true(tg_f32(tg_params_find(read, "double"))[k] ==
                        widened(&formats[i], narrowed(&formats[i], tg_f64(real)[k])));
        assert_true(tensors_same(tg_params_find(read, "whole"), whole));
        /* Into the program's tensors: float32 takes it, float64 does not. */
        assert_int_equal(tg_load_safetensors(in_scratch("n"), list, NULL), TG_EDTYPE);
        char message[64];
        snprintf(message, sizeof message, "the file holds %s, the program's tensor F64",
                 formats[i].name);
        assert_error(tape, TG_EDTYPE, message);
        opts.floats = (tg_file_floats)3;
        assert_int_equal(tg_save_safetensors(in_scratch("m"), list, &opts), TG_EVALUE);
        assert_error(tape, TG_EVALUE, "floats 3 is no tg_file_floats");
        tg_tape_free(tape);
    }
}

/* As numpy wrote them: values as make_golden.py says. */
static void of_numpy(void **state)
{
    (void)state;
    static const char *const names[] = {"f2", "i4", "i2", "i1", "u4", "u2", "u1"};
    tg_tape *tape = tg_tape_new(NULL);
    tg_params *all = tg_read_safetensors(tape, "io/golden/narrow.safetensors");
    for (size_t k = 0; k < 7; k++) {
        char path[64];
        snprintf(path, sizeof path, "io/golden/%s_3x2_fortran.npy", names[k]);
        tg_tensor *matrix = tg_load_npy(tape, path, 0), *row = tg_params_find(all, names[k]);
        assert_ok(tape);
        assert_int_equal(tg_dtype(matrix), k ? TG_I64 : TG_F32);
        for (int64_t i = 0; i < 7; i++) {
            double want = k == 0 ? (double)i / 2 - 3 : (double)(5 * i - (k < 4 ? 7 : 0));
            double got = k ? (double)tg_i64(row)[i] : (double)tg_f32(row)[i];
            assert_true(got == want);
            if (i < 6)
                assert_true((k ? (double)tg_i64(matrix)[i] : (double)tg_f32(matrix)[i]) == want);
        }
    }
    tg_tape_free(tape);
}

/* A model's weights may come so; a run goes on with the bits that it had. */
static void no_checkpoint(void **state)
{
    (void)state;
    tg_tape *tape = tg_tape_new(NULL);
    tg_params *model = tg_params_new(tape), *parts = tg_params_new(tape);
    tg_tensor *w = tg_params_add(model, tg_randn(tape, TG_DIMS(3), TG_REQUIRES_GRAD), "w");
    tg_params_add(parts, w, "model.w");
    tg_params_add(parts, tg_rng_state(tape), "rng");
    tg_params_add(parts, tg_full(tape, TG_SCALAR, 7, TG_I64), "step");
    int64_t step = 0;
    assert_int_equal(tg_save_safetensors(in_scratch("c"), parts, NULL), TG_OK);
    assert_int_equal(tg_load_checkpoint(in_scratch("c"), model, NULL, &step), TG_OK);
    assert_int_equal(step, 7);
    tg_save_opts opts = {.floats = TG_FILE_F16};
    assert_int_equal(tg_save_safetensors(in_scratch("c"), parts, &opts), TG_OK);
    assert_int_equal(tg_load_checkpoint(in_scratch("c"), model, NULL, &step), TG_EDTYPE);
    assert_error(tape, TG_EDTYPE, "tensor \"model.w\": no checkpoint has F16");
    tg_tape_free(tape);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(floats), cmocka_unit_test(rounding),
                                       cmocka_unit_test(saved), cmocka_unit_test(of_numpy),
                                       cmocka_unit_test(no_checkpoint)};
    return cmocka_run_group_tests(tests, make_scratch, drop_scratch);
}

/* tg_print() against PyTorch: the texts of golden/print.inc, and what the header promises beyond
 * them. Relies on support.h for a tape that counts its allocations. */
#define _POSIX_C_SOURCE 200809L /* NOLINT(bugprone-reserved-identifier): for fmemopen() */
#include "support.h"

#include <locale.h>
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

enum kind { FLOATS, INTEGERS, EMPTY, RULE, TURNED, SPREAD };

/* One case of golden/print.inc. */
typedef struct golden {
    int line;
    enum kind kind;
    int dtype;
    int ndim;
    int64_t dims[TG_MAX_NDIM];
    const char *text;
    const double *floats;
    const int64_t *integers;
    double start, step; /* RULE, TURNED, SPREAD */
    int64_t times;      /* SPREAD */
} golden;

/* clang-format off */
#define NOT ((double)NAN)
#define INF ((double)INFINITY)
#define LIST(...) {__VA_ARGS__}
#define CASE(which, type, n, sizes, expected)                                                      \
    .line = __LINE__, .kind = which, .dtype = TG_##type, .ndim = n, .dims = LIST sizes,            \
    .text = expected "\n"

#define FLOATS(type, n, sizes, expected, ...)                                                      \
    {CASE(FLOATS, type, n, sizes, expected), .floats = (const double[]){__VA_ARGS__}},
#define INTEGERS(type, n, sizes, expected, ...)                                                    \
    {CASE(INTEGERS, type, n, sizes, expected), .integers = (const int64_t[]){__VA_ARGS__}},
#define EMPTY(type, n, sizes, expected) {CASE(EMPTY, type, n, sizes, expected)},
#define RULE(type, n, sizes, from, by, expected)                                                   \
    {CASE(RULE, type, n, sizes, expected), .start = (from), .step = (by)},
#define TURNED(type, n, sizes, from, by, expected)                                                 \
    {CASE(TURNED, type, n, sizes, expected), .start = (from), .step = (by)},
#define SPREAD(type, n, sizes, from, by, count, expected)                                          \
    {CASE(SPREAD, type, n, sizes, expected), .start = (from), .step = (by), .times = (count)},
/* clang-format on */

static const golden goldens[] = {
#include "golden/print.inc"
};

enum { GOLDENS = sizeof goldens / sizeof goldens[0], LARGEST = 1 << 13, LONGEST = 1 << 13 };

/* -- Making the tensors ------------------------------------------------------------------------ */

static void set_element(void *data, int dtype, int64_t i, double value)
{
    if (dtype == TG_F32)
        ((float *)data)[i] = (float)value;
    else if (dtype == TG_F64)
        ((double *)data)[i] = value;
    else if (dtype == TG_I64)
        ((int64_t *)data)[i] = (int64_t)value;
    else
        ((bool *)data)[i] = value != 0;
}

static void fill(tg_tensor *t, const golden *g)
{
    void *data = tg_data_mut(t);
    for (int64_t i = 0; i < tg_numel(t); i++) {
        if (g->floats)
            set_element(data, g->dtype, i, g->floats[i]);
        else if (g->integers && g->dtype == TG_I64)
            ((int64_t *)data)[i] = g->integers[i]; /* a double holds only some of them */
        else if (g->integers)
            set_element(data, g->dtype, i, (double)g->integers[i]);
        else
            set_element(data, g->dtype, i, (double)i * g->step + g->start);
    }
}

static tg_tensor *spread(tg_tensor *t, int64_t times)
{
    int64_t dims[TG_MAX_NDIM] = {times};
    for (int i = 0; i < tg_ndim(t); i++)
        dims[i + 1] = tg_size(t, i);
    return tg_expand(t, tg_ndim(t) + 1, dims);
}

static tg_tensor *make(tg_tape *tape, const golden *g)
{
    tg_tensor *t = tg_zeros(tape, g->ndim, g->dims, g->dtype);
    fill(t, g);
    if (g->kind == TURNED)
        return tg_transpose(t, 0, -1);
    return g->kind == SPREAD ? spread(t, g->times) : t;
}

/* Shapes of more elements than an address space of 32 bits has. */
static bool is_too_large(tg_tape *tape)
{
    bool large = sizeof(void *) < 8 && strstr(tg_error_message(tape), "overflows");
    tg_clear_error(tape);
    return large;
}

/* -- Reading what was printed ------------------------------------------------------------------ */

typedef struct printed {
    char text[LONGEST];
} printed;

static printed print(const tg_tensor *t)
{
    printed p;
    FILE *file = tmpfile();
    assert_non_null(file);
    assert_int_equal(tg_print(file, t), TG_OK);
    rewind(file);
    size_t length = fread(p.text, 1, LONGEST, file);
    assert_true(length < LONGEST);
    p.text[length] = '\0';
    fclose(file);
    return p;
}

/* -- Tests ------------------------------------------------------------------------------------- */

static void golden_texts(void **state)
{
    (void)state;
    tg_tape *tape = tg_tape_new(NULL);
    tg_mark start = tg_tape_mark(tape);
    for (int i = 0; i < GOLDENS; i++) {
        const golden *g = &goldens[i];
        tg_tensor *t = make(tape, g);
        if (!t && is_too_large(tape))
            continue;
        printed p = print(t);
        if (strcmp(p.text, g->text) != 0) {
            print_error("golden/print.inc:%d:\n%s", g->line, p.text);
            assert_string_equal(p.text, g->text);
        }
        tg_tape_rewind(tape, start);
    }
    tg_tape_free(tape);
}

/* The same text as for a contiguous copy, whatever the strides. */
static void strided_views(void **state)
{
    (void)state;
    tg_tape *tape = tg_tape_new(NULL);
    tg_mark start = tg_tape_mark(tape);
    for (int i = 0; i < GOLDENS; i++) {
        const golden *g = &goldens[i];
        if (g->ndim < 2 || g->kind == SPREAD)
            continue;
        tg_tensor *turned = tg_transpose(make(tape, g), -1, -2);
        if (!turned && is_too_large(tape))
            continue;
        printed p = print(turned);
        printed copy = print(tg_contiguous(turned));
        assert_string_equal(p.text, copy.text);
        tg_tape_rewind(tape, start);
    }
    tg_tape_free(tape);
}

static void as_if_detached(void **state)
{
    (void)state;
    tg_tape *tape = tg_tape_new(NULL);
    tg_tensor *leaf = tg_ones(tape, TG_DIMS(2), TG_REQUIRES_GRAD);
    assert_string_equal(print(leaf).text, "tensor([1., 1.])\n");
    assert_string_equal(print(tg_sum(leaf)).text, "tensor(2.)\n");
    assert_string_equal(print(tg_transpose(leaf, 0, 0)).text, "tensor([1., 1.])\n");
    tg_tape_free(tape);
}

static void leaves_no_trace(void **state)
{
    (void)state;
    test_allocator allocator = {.fail_at = -1};
    tg_tape *tape = test_tape(&allocator, 0);
    tg_tensor *t = tg_transpose(tg_ones(tape, TG_DIMS(70, 90), TG_F64), 0, 1);
    tg_mark before = tg_tape_mark(tape);
    int64_t calls = allocator.calls;
    print(t);
    assert_int_equal(allocator.calls, calls);
    assert_true(marks_equal(before, tg_tape_mark(tape)));
    tg_tape_free(tape);
}

/* The decimal point is a point even where the program's locale has another one. */
static void any_locale(void **state)
{
    (void)state;
    static const char *const names[] = {"de_DE.UTF-8", "fr_FR.UTF-8", "ps_AF.UTF-8", "de_DE"};
    tg_tape *tape = tg_tape_new(NULL);
    tg_tensor *t = tg_from_f32(tape, (const float[]){0.5f, -1e9f, 3}, TG_DIMS(3), 0);
    tg_tensor *small = tg_full(tape, TG_SCALAR, -2.5, 0);
    int found = 0;
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        if (!setlocale(LC_NUMERIC, names[i]))
            continue;
        found++;
        assert_string_equal(print(t).text, "tensor([ 5.0000e-01, -1.0000e+09,  3.0000e+00])\n");
        assert_string_equal(print(small).text, "tensor(-2.5000)\n");
    }
    setlocale(LC_NUMERIC, "C");
    tg_tape_free(tape);
    if (!found)
        skip();
}

/* Wherever in the text writing fails. */
static void full_file(void **state)
{
    (void)state;
    tg_tape *tape = tg_tape_new(NULL);
    tg_tensor *t = tg_zeros(tape, TG_DIMS(2, 2, 0), TG_F64);
    static const char text[] = "tensor([], size=(2, 2, 0), dtype=torch.float64)\n";
    assert_string_equal(print(t).text, text);
    for (size_t room = 1; room < sizeof text - 1; room++) {
        char memory[sizeof text];
        FILE *file = fmemopen(memory, room, "w");
        assert_non_null(file);
        setvbuf(file, NULL, _IONBF, 0);
        assert_int_equal(tg_print(file, t), TG_EIO);
        assert_int_equal(tg_error(tape), TG_EIO);
        assert_string_equal(tg_error_message(tape), "print: writing failed");
        tg_clear_error(tape);
        fclose(file);
    }
    assert_string_equal(print(t).text, text);
    tg_tape_free(tape);
}

static void bad_arguments(void **state)
{
    (void)state;
    tg_tape *tape = tg_tape_new(NULL);
    tg_mark start = tg_tape_mark(tape);
    tg_tensor *t = tg_ones(tape, TG_DIMS(3), 0);
    assert_int_equal(tg_print(NULL, t), TG_EVALUE);
    assert_int_equal(tg_error(tape), TG_EVALUE);
    assert_non_null(strstr(tg_error_message(tape), "print"));
    /* A tensor can still be looked at after an error. */
    assert_string_equal(print(t).text, "tensor([1., 1., 1.])\n");
    assert_int_equal(tg_error(tape), TG_EVALUE);
    tg_clear_error(tape);

    FILE *file = tmpfile();
    assert_non_null(file);
    assert_int_equal(tg_print(file, NULL), TG_EVALUE);
    tg_tape_rewind(tape, start);
    assert_int_equal(tg_print(file, t), TG_ESTATE);
    assert_int_equal(tg_error(tape), TG_ESTATE);
    assert_int_equal(ftell(file), 0);
    fclose(file);
    tg_tape_free(tape);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(golden_texts),   cmocka_unit_test(strided_views),
        cmocka_unit_test(as_if_detached), cmocka_unit_test(leaves_no_trace),
        cmocka_unit_test(any_locale),     cmocka_unit_test(full_file),
        cmocka_unit_test(bad_arguments),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

/* Rows of few elements, several of which kernels do together, and few columns: a row has the bits that it has alone,
 * whatever lies beside it. All is in memory of the size that it has, so that sanitizers see what is read behind it. */
#include "check.h"

#include <stdlib.h>

enum { OPERATIONS = 9, LONGEST = 50, MOST_ROWS = 9, WIDEST = 70 };

static tg_tensor *made(int number, tg_tensor *x, int64_t n)
{
    switch (number) {
    case 0:
        return tg_sum_dim(x, 1, false);
    case 1:
        return tg_mean_dim(x, 1, false);
    case 2:
        return tg_var_dim(x, 1, false);
    case 3:
        return tg_std_dim(x, 1, false);
    case 4:
        return tg_norm_dims(x, 2, 1, (int64_t[]){1}, false);
    case 5:
        return tg_softmax(x, 1);
    case 6:
        return tg_log_softmax(x, 1);
    case 7:
        return tg_logsumexp_dim(x, 1, false);
    default:
        return tg_layer_norm(x, 1, &n, NULL, NULL, 1e-5);
    }
}

static size_t size_of(int dtype)
{
    return dtype == TG_F64 ? sizeof(double) : sizeof(float);
}

static double number_at(const void *data, int64_t i, int dtype)
{
    return dtype == TG_F64 ? ((const double *)data)[i] : (double)((const float *)data)[i];
}

static const void *data_of(tg_tensor *t)
{
    return tg_dtype(t) == TG_F64 ? (const void *)tg_f64(t) : tg_f32(t);
}

/* The same numbers; a nan is one, whatever its bits are. */
static void check_same(const void *got, const void *want, int64_t count, int dtype)
{
    for (int64_t i = 0; i < count; i++) {
        double a = number_at(got, i, dtype), b = number_at(want, i, dtype);
        if (!(a == b || (a != a && b != b)))
            fail_msg("number %d is %.17g, wanted %.17g", (int)i, a, b);
    }
}

/* What is made of `rows` rows in x, and its gradient for the upstream gradient g; room for both. */
static void run(tg_tape *tape, int number, void *x, const void *g, int64_t rows, int64_t n,
                int dtype, bool turned, void *y, void *dx)
{
    tg_mark mark = tg_tape_mark(tape);
    tg_tensor *in = tg_from_blob(tape, x, TG_DIMS(rows, n), dtype | TG_REQUIRES_GRAD), *seen = in;
    if (turned) /* the same numbers, with rows that do not lie side by side */
        seen = tg_transpose(tg_contiguous(tg_transpose(in, 0, 1)), 0, 1);
    tg_tensor *out = made(number, seen, n);
    assert_ok(tape);
    memcpy(y, data_of(tg_contiguous(out)), (size_t)tg_numel(out) * size_of(dtype));
    tg_tensor *up = tg_ndim(out) == 1
                        ? tg_from_blob(tape, (void *)(uintptr_t)g, TG_DIMS(rows), dtype)
                        : tg_from_blob(tape, (void *)(uintptr_t)g, TG_DIMS(rows, n), dtype);
    tg_backward_with(out, up, NULL);
    assert_ok(tape);
    memcpy(dx, data_of(tg_contiguous(tg_grad(in))), (size_t)(rows * n) * size_of(dtype));
    tg_tape_rewind(tape, mark);
}

static void put(void *to, int64_t i, double x, int dtype)
{
    if (dtype == TG_F64)
        ((double *)to)[i] = x;
    else
        ((float *)to)[i] = (float)x;
}

/* Random rows, of which one has an infinity, one a nan and one numbers whose squares leave the range of double. */
static void *rows_of(tg_tape *tape, int64_t rows, int64_t n, int dtype)
{
    tg_mark mark = tg_tape_mark(tape);
    tg_tensor *random = tg_randn(tape, TG_DIMS(rows, n), dtype);
    void *x = malloc((size_t)(rows * n) * size_of(dtype));
    memcpy(x, data_of(random), (size_t)(rows * n) * size_of(dtype));
    tg_tape_rewind(tape, mark);
    for (int64_t row = 0; row < rows; row++) {
        if (row % 8 == 2)
            put(x, row * n + n / 2, (double)INFINITY, dtype);
        if (row % 8 == 4)
            put(x, row * n, (double)NAN, dtype);
        for (int64_t i = row * n; row % 8 == 6 && i < (row + 1) * n && dtype == TG_F64; i++)
            put(x, i, number_at(x, i, dtype) * 0x1p600, dtype);
    }
    return x;
}

static void check_rows(tg_tape *tape, int64_t rows, int64_t n, int dtype)
{
    const size_t all = (size_t)(rows * n) * size_of(dtype), row_size = (size_t)n * size_of(dtype);
    char *x = rows_of(tape, rows, n, dtype), *row = malloc(row_size);
    void *g = malloc(all), *y[2] = {malloc(all), malloc(all)}, *dx[2] = {malloc(all), malloc(all)};
    for (int number = 0; number < OPERATIONS; number++) {
        const int64_t each = number < 5 || number == 7 ? 1 : n;
        for (int64_t i = 0; i < rows * n; i++)
            put(g, i, (double)(i % 7) - 2.5, dtype);
        run(tape, number, x, g, rows, n, dtype, false, y[0], dx[0]);
        run(tape, number, x, g, rows, n, dtype, true, y[1], dx[1]);
        check_same(y[1], y[0], rows * each, dtype);
        check_same(dx[1], dx[0], rows * n, dtype);
        for (int64_t r = 0; r < rows; r++) {
            memcpy(row, x + (size_t)r * row_size, row_size);
            run(tape, number, row, (char *)g + (size_t)(r * each) * size_of(dtype), 1, n, dtype,
                false, y[1], dx[1]);
            check_same((char *)y[0] + (size_t)(r * each) * size_of(dtype), y[1], each, dtype);
            check_same((char *)dx[0] + (size_t)r * row_size, dx[1], n, dtype);
        }
    }
    free(x);
    free(row);
    free(g);
    for (int i = 0; i < 2; i++) {
        free(y[i]);
        free(dx[i]);
    }
}

static void rows_have_the_bits_of_one_alone(void **state)
{
    (void)state;
    static const int64_t rows[] = {1, 2, 3, 4, 7, MOST_ROWS};
    for (int i = 0; i < 3; i++) {
        tg_tape *tape = tg_tape_new(&(tg_tape_opts){.isa = isa_number(i, true)});
        if (!tape) /* this machine has no such set */
            continue;
        for (int64_t n = 1; n <= LONGEST; n += n < 18 ? 1 : 5) {
            for (size_t k = 0; k < sizeof rows / sizeof *rows; k++) {
                check_rows(tape, rows[k], n, TG_F32);
                check_rows(tape, rows[k], n, TG_F64);
            }
        }
        tg_tape_free(tape);
    }
}

/* What a sum keeps that others round away: a large number, and its opposite, are in each place. */
static void short_rows_keep_what_large_numbers_hide(void **state)
{
    (void)state;
    tg_tape *tape = tg_tape_new(NULL);
    double x[LONGEST];
    for (int64_t n = 3; n <= LONGEST; n++) {
        for (int64_t at = 0; at < n; at++) {
            tg_mark mark = tg_tape_mark(tape);
            for (int64_t i = 0; i < n; i++)
                x[i] = 0x1p-60;
            x[at] = 0x1p60;
            x[(at + n / 2) % n] = -0x1p60;
            tg_tensor *t = tg_from_blob(tape, x, TG_DIMS(1, n), TG_F64);
            assert_equal(tg_item(tg_sum(tg_sum_dim(t, 1, false))), (double)(n - 2) * 0x1p-60);
            tg_tape_rewind(tape, mark);
        }
    }
    assert_ok(tape);
    tg_tape_free(tape);
}

/* Of the first w columns: sums, variances, norms and softmax over the rows. */
static void columns(tg_tape *tape, const char *x, int64_t rows, int64_t w, int dtype, void *y)
{
    const size_t size = size_of(dtype), each = (size_t)w * size;
    char *part = malloc((size_t)rows * each), *to = y;
    for (int64_t r = 0; r < rows; r++)
        memcpy(part + (size_t)r * each, x + (size_t)(r * WIDEST) * size, each);
    tg_mark mark = tg_tape_mark(tape);
    tg_tensor *t = tg_from_blob(tape, part, TG_DIMS(rows, w), dtype);
    tg_tensor *made_of[4] = {tg_sum_dim(t, 0, false), tg_var_dim(t, 0, false),
                             tg_norm_dims(t, 2, 1, (int64_t[]){0}, false),
                             tg_sum_dim(tg_softmax(t, 0), 0, false)};
    assert_ok(tape);
    for (int i = 0; i < 4; i++)
        memcpy(to + (size_t)(i * WIDEST) * size, data_of(made_of[i]), each);
    tg_tape_rewind(tape, mark);
    free(part);
}

static void columns_have_the_bits_of_wider_ones(void **state)
{
    (void)state;
    static const int64_t rows[] = {2, 3, 5, 66, 130};
    for (int i = 0; i < 6; i++) {
        const int dtype = i % 2 ? TG_F64 : TG_F32;
        tg_tape *tape = tg_tape_new(&(tg_tape_opts){.isa = isa_number(i / 2, true)});
        for (size_t k = 0; k < sizeof rows / sizeof *rows && tape; k++) {
            void *x = rows_of(tape, rows[k], WIDEST, dtype);
            double want[4 * WIDEST], got[4 * WIDEST];
            columns(tape, x, rows[k], WIDEST, dtype, want);
            for (int64_t w = 2; w < WIDEST; w += w < 34 ? 1 : 9) {
                columns(tape, x, rows[k], w, dtype, got);
                /* softmax of fewer columns than a group is made row by row */
                for (int64_t j = 0; j < (w < 8 ? 3 : 4); j++)
                    check_same((char *)got + (size_t)(j * WIDEST) * size_of(dtype),
                               (char *)want + (size_t)(j * WIDEST) * size_of(dtype), w, dtype);
            }
            free(x);
        }
        tg_tape_free(tape);
    }
}

static tg_tensor *over(int number, tg_tensor *x, int dim)
{
    return number == 0   ? tg_softmax(x, dim)
           : number == 1 ? tg_log_softmax(x, dim)
                         : tg_logsumexp_dim(x, dim, false);
}

/* A few columns are copied to be rows, with their gradients. */
static void narrow_columns_have_the_bits_of_rows(void **state)
{
    (void)state;
    static const int64_t lengths[] = {41, 66, 130};
    for (int i = 0; i < 2 * 3 * 3; i++) {
        const int dtype = i % 2 ? TG_F64 : TG_F32, number = i / 2 % 3;
        const int64_t n = lengths[i / 6];
        tg_tape *tape = tg_tape_new(NULL);
        for (int64_t w = 1; w < 8; w++) {
            tg_tensor *rows = tg_randn(tape, TG_DIMS(w, n), dtype | TG_REQUIRES_GRAD);
            tg_tensor *columns = tg_zeros(tape, TG_DIMS(n, w), dtype | TG_REQUIRES_GRAD);
            tg_tensor *up = tg_randn(tape, TG_DIMS(w, n), dtype), *up_turned;
            tg_set_grad_enabled(tape, false);
            tg_copy_(columns, tg_transpose(rows, 0, 1));
            tg_set_grad_enabled(tape, true);
            if (number == 2)
                up = up_turned = tg_randn(tape, TG_DIMS(w), dtype);
            else
                up_turned = tg_contiguous(tg_transpose(up, 0, 1));
            tg_tensor *want = over(number, rows, 1), *got = over(number, columns, 0);
            tg_backward_with(want, up, NULL);
            tg_backward_with(got, up_turned, NULL);
            assert_ok(tape);
            if (number < 2)
                got = tg_contiguous(tg_transpose(got, 0, 1));
            check_same(data_of(got), data_of(want), tg_numel(want), dtype);
            got = tg_contiguous(tg_transpose(tg_grad(columns), 0, 1));
            check_same(data_of(got), data_of(tg_grad(rows)), w * n, dtype);
        }
        tg_tape_free(tape);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(rows_have_the_bits_of_one_alone),
        cmocka_unit_test(short_rows_keep_what_large_numbers_hide),
        cmocka_unit_test(columns_have_the_bits_of_wider_ones),
        cmocka_unit_test(narrow_columns_have_the_bits_of_rows),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

/* The profiler: what has a row, eager and replayed alike; its table's limits, memory and print.
 * Relies on tape.h for rows that take too long to be measured. */
#define _POSIX_C_SOURCE 200809L /* NOLINT(bugprone-reserved-identifier): for fmemopen() */
#include "check.h"
#include "support.h"
#include "tape/tape.h"

#include <tinygrad/op.h>

#include <stdio.h>

enum { ALL = TG_PROFILE_ROWS + 3, STEPS = 5 };

/* -- A model whose calls can be counted -------------------------------------------------------- */

typedef struct model {
    tg_tape *tape;
    tg_tensor *x, *w, *b, *loss;
    tg_optim *optim;
} model;

static model make(tg_tape *tape)
{
    model m = {.tape = tape};
    m.x = tg_full(tape, TG_DIMS(4, 3), 0.5, 0);
    m.w = tg_full(tape, TG_DIMS(4, 3), 2, TG_REQUIRES_GRAD);
    m.b = tg_full(tape, TG_DIMS(3), 1, TG_REQUIRES_GRAD);
    m.optim = tg_sgd(tape, (tg_tensor *[]){m.w, m.b}, 2, &(tg_sgd_opts){.momentum = 0.9});
    return m;
}

static void step(model *m)
{
    tg_tensor *y = tg_exp(tg_transpose(tg_add(tg_mul(m->x, m->w), m->b), 0, 1));
    m->loss = tg_sum(tg_mul(y, y));
    tg_optim_zero_grad(m->optim);
    tg_backward(m->loss);
    tg_clip_grad_norm((tg_tensor *[]){m->w, m->b}, 2, 1e-3, 0);
    tg_clip_grad_value((tg_tensor *[]){m->w, m->b}, 2, 1);
    tg_optim_step(m->optim);
}

typedef struct table {
    tg_profile_row row[ALL];
    size_t n;
} table;

static table table_of(const tg_tape *tape)
{
    table t;
    memset(&t, 0, sizeof t);
    t.n = tg_profile(tape, t.row, ALL);
    assert_true(t.n <= ALL);
    return t;
}

static const tg_profile_row *find(const table *t, const char *name, tg_phase phase)
{
    for (size_t i = 0; i < t->n; i++) {
        if (t->row[i].phase == phase && !strcmp(t->row[i].name, name))
            return &t->row[i];
    }
    return NULL;
}

static void assert_row(const table *t, const char *name, tg_phase phase, int64_t calls,
                       int64_t bytes)
{
    const tg_profile_row *row = find(t, name, phase);
    if (!row)
        fail_msg("no row %s in phase %d", name, (int)phase);
    else if (row->calls != calls || row->bytes != bytes)
        fail_msg("%s, phase %d: %lld calls, %lld bytes; wanted %lld, %lld", name, (int)phase,
                 (long long)row->calls, (long long)row->bytes, (long long)calls, (long long)bytes);
}

static void assert_sums(const table *t)
{
    double share = 0;
    for (size_t i = 0; i < t->n; i++) {
        assert_true(t->row[i].calls > 0 && t->row[i].nanoseconds >= 0);
        assert_true(i == 0 || t->row[i].nanoseconds <= t->row[i - 1].nanoseconds);
        share += t->row[i].share;
    }
    assert_near(share, t->n ? 1 : 0, 1e-12);
}

/* The model's w has 48 bytes, b 12, and 0-d tensors 4. */
static void assert_model(const table *t)
{
    assert_row(t, "mul", TG_PHASE_FORWARD, 2 * STEPS, STEPS * 6 * 48);
    assert_row(t, "add", TG_PHASE_FORWARD, STEPS, STEPS * (48 + 12 + 48));
    assert_row(t, "exp", TG_PHASE_FORWARD, STEPS, STEPS * 2 * 48);
    assert_row(t, "sum", TG_PHASE_FORWARD, STEPS, STEPS * (48 + 4));
    assert_row(t, "ones", TG_PHASE_BACKWARD, STEPS, STEPS * 4);
    assert_row(t, "sum", TG_PHASE_BACKWARD, STEPS, STEPS * (48 + 12));
    assert_row(t, "zero_grad", TG_PHASE_STEP, 2 * STEPS, 0);
    assert_row(t, "clip_grad_norm", TG_PHASE_STEP, STEPS, STEPS * 3 * 60);
    assert_row(t, "clip_grad_value", TG_PHASE_STEP, STEPS, STEPS * 2 * 60);
    assert_row(t, "optim_step", TG_PHASE_STEP, STEPS, STEPS * 5 * 60);
    const tg_profile_row *mul = find(t, "mul", TG_PHASE_BACKWARD);
    assert_true(mul && mul->calls == 4 * STEPS); /* of y * y two, of exp one, of x * w one */
    assert_null(find(t, "transpose", TG_PHASE_FORWARD)); /* a view */
    assert_null(find(t, "exp", TG_PHASE_BACKWARD));
    assert_null(find(t, "optim_step", TG_PHASE_FORWARD));
    assert_sums(t);
}

static table profile_eager(void)
{
    tg_tape *tape = tg_tape_new(NULL);
    model m = make(tape);
    assert_false(tg_set_profile_enabled(tape, true));
    tg_mark mark = tg_tape_mark(tape);
    for (int i = 0; i < STEPS; i++) {
        tg_tape_rewind(tape, mark);
        step(&m);
    }
    assert_ok(tape);
    table t = table_of(tape);
    tg_tape_free(tape);
    return t;
}

static table profile_replayed(void)
{
    tg_tape *tape = tg_tape_new(NULL);
    model m = make(tape);
    tg_set_profile_enabled(tape, true);
    tg_capture *capture = tg_capture_begin(tape);
    step(&m);
    tg_capture_end(capture);
    for (int i = 1; i < STEPS; i++)
        tg_capture_replay(capture);
    assert_ok(tape);
    table t = table_of(tape);
    tg_tape_free(tape);
    return t;
}

static void test_eager(void **state)
{
    (void)state;
    table t = profile_eager();
    assert_model(&t);
}

static void test_replayed(void **state)
{
    (void)state;
    table eager = profile_eager(), replayed = profile_replayed();
    assert_model(&replayed);
    assert_int_equal(eager.n, replayed.n);
    for (size_t i = 0; i < eager.n; i++)
        assert_row(&replayed, eager.row[i].name, eager.row[i].phase, eager.row[i].calls,
                   eager.row[i].bytes);
}

/* What a pass adds to a gradient that is there, or keeps besides, is work as well. */
static void test_accumulation(void **state)
{
    (void)state;
    tg_tape *tape = tg_tape_new(NULL);
    tg_tensor *w = tg_ones(tape, TG_DIMS(100), TG_REQUIRES_GRAD);
    tg_tensor *loss = tg_sum(tg_exp(w));
    tg_backward(loss);
    tg_set_profile_enabled(tape, true);
    tg_backward(loss);
    table t = table_of(tape);
    assert_row(&t, "keep_grad", TG_PHASE_BACKWARD, 1, 3 * 400);
    assert_row(&t, "mul", TG_PHASE_BACKWARD, 1, 400 + 4 + 400); /* an expanded input */
    for (size_t i = 0; i < t.n; i++)
        assert_int_equal(t.row[i].phase, TG_PHASE_BACKWARD);
    tg_tape_free(tape);
}

/* -- Off, on, cleared -------------------------------------------------------------------------- */

static void test_switch(void **state)
{
    (void)state;
    tg_tape *tape = tg_tape_new(NULL);
    model m = make(tape);
    step(&m);
    assert_int_equal(tg_profile(tape, NULL, 0), 0);
    tg_clear_profile(tape);
    assert_false(tg_set_profile_enabled(tape, true));
    tg_exp(m.x);
    assert_true(tg_set_profile_enabled(tape, false));
    step(&m);
    table t = table_of(tape);
    assert_int_equal(t.n, 1);
    assert_row(&t, "exp", TG_PHASE_FORWARD, 1, 2 * 48);
    assert_false(tg_set_profile_enabled(tape, true));
    tg_exp(m.x);
    t = table_of(tape);
    assert_row(&t, "exp", TG_PHASE_FORWARD, 2, 4 * 48);
    tg_clear_profile(tape);
    assert_int_equal(tg_profile(tape, NULL, 0), 0);
    assert_true(tg_set_profile_enabled(tape, true));
    tg_exp(m.x);
    t = table_of(tape);
    assert_row(&t, "exp", TG_PHASE_FORWARD, 1, 2 * 48);
    tg_tape_free(tape);
}

static void test_first_rows(void **state)
{
    (void)state;
    tg_tape *tape = tg_tape_new(NULL);
    model m = make(tape);
    tg_set_profile_enabled(tape, true);
    step(&m);
    table all = table_of(tape);
    tg_profile_row two[3] = {{.calls = -1}, {.calls = -1}, {.calls = -1}};
    assert_int_equal(tg_profile(tape, two, 2), all.n);
    assert_memory_equal(two, all.row, 2 * sizeof *two);
    assert_int_equal(two[2].calls, -1);
    tg_tape_free(tape);
}

static void test_no_tape(void **state)
{
    (void)state;
    tg_profile_row row;
    assert_false(tg_set_profile_enabled(NULL, true));
    assert_int_equal(tg_profile(NULL, &row, 1), 0);
    tg_clear_profile(NULL);
    assert_int_equal(tg_print_profile(stdout, NULL), TG_ENOMEM);
}

/* -- Memory ------------------------------------------------------------------------------------ */

static void test_memory(void **state)
{
    (void)state;
    test_allocator allocator = {.fail_at = -1};
    tg_tape *tape = test_tape(&allocator, 0);
    tg_tensor *x = tg_ones(tape, TG_DIMS(3), 0);
    allocator.calls = 0;
    allocator.fail_at = 0;
    assert_false(tg_set_profile_enabled(tape, true));
    assert_error(tape, TG_ENOMEM, "set_profile_enabled");
    assert_false(tg_set_profile_enabled(tape, false)); /* it stayed off */
    assert_non_null(tg_exp(x));
    assert_int_equal(tg_profile(tape, NULL, 0), 0);
    assert_false(tg_set_profile_enabled(tape, true));
    assert_ok(tape);
    allocator.calls = 0;
    tg_mark mark = tg_tape_mark(tape);
    tg_exp(x);
    tg_tape_rewind(tape, mark);
    tg_set_profile_enabled(tape, false);
    tg_set_profile_enabled(tape, true);
    tg_clear_profile(tape);
    tg_exp(x);
    assert_int_equal(tg_profile(tape, NULL, 0), 1);
    assert_int_equal(allocator.calls, 0);
    tg_tape_free(tape);
    assert_true(allocator.live == 0 && !allocator.wrong_size);
}

/* -- Custom operations, and more of them than there are rows ----------------------------------- */

static void nothing_forward(tg_node *node)
{
    *(float *)tg_out_data(node) = 0;
}

/* Input and output have 4 bytes, what is saved 16. */
enum { NAMED_BYTES = 24 };

static void run_named(tg_tensor *x, const char *name)
{
    tg_op op = {.name = name, .forward = nothing_forward};
    tg_tape *tape = tg_tape_of(x);
    tg_mark mark = tg_tape_mark(tape);
    assert_non_null(tg_apply(
        &(tg_call){.op = &op, .n_in = 1, .in = &x, .saved_numel = 2, .saved_dtype = TG_F64}));
    tg_tape_rewind(tape, mark);
}

static void test_many_operations(void **state)
{
    (void)state;
    enum { EXTRA = 40 };
    tg_tape *tape = tg_tape_new(NULL);
    tg_tensor *x = tg_ones(tape, TG_SCALAR, 0);
    tg_tensor *loss = tg_exp(tg_ones(tape, TG_SCALAR, TG_REQUIRES_GRAD));
    tg_set_profile_enabled(tape, true);
    run_named(x, "ones");
    run_named(x, "mul");
    for (int round = 0; round < 2; round++) {
        for (int i = 0; i < TG_PROFILE_ROWS - 2 + EXTRA; i++) {
            char name[24]; /* gone after the call: the table has a copy */
            snprintf(name, sizeof name, "custom%d", i);
            run_named(x, name);
        }
    }
    table t = table_of(tape);
    assert_int_equal(t.n, TG_PROFILE_ROWS + 1);
    assert_row(&t, "others", TG_PHASE_FORWARD, 2 * EXTRA, 2 * EXTRA * NAMED_BYTES);
    assert_row(&t, "custom0", TG_PHASE_FORWARD, 2, 2 * NAMED_BYTES);
    assert_row(&t, "custom253", TG_PHASE_FORWARD, 2, 2 * NAMED_BYTES);
    assert_null(find(&t, "custom254", TG_PHASE_FORWARD));
    assert_sums(&t);
    tg_backward(loss); /* ones, mul, keep_grad: rows of other phases do not do */
    t = table_of(tape);
    assert_int_equal(t.n, TG_PROFILE_ROWS + 2);
    assert_row(&t, "ones", TG_PHASE_FORWARD, 1, NAMED_BYTES);
    assert_row(&t, "others", TG_PHASE_BACKWARD, 3, 4 + 3 * 4);
    tg_tape_free(tape);
}

static void test_long_name(void **state)
{
    (void)state;
    static const char name[] = "a_name_of_an_operation_that_is_just_too_long_for_it";
    tg_tape *tape = tg_tape_new(NULL);
    tg_tensor *x = tg_ones(tape, TG_SCALAR, 0);
    tg_set_profile_enabled(tape, true);
    run_named(x, name);
    run_named(x, name);
    table t = table_of(tape);
    assert_int_equal(t.n, 1);
    assert_int_equal(t.row[0].calls, 2);
    assert_int_equal(strlen(t.row[0].name), 47);
    assert_memory_equal(t.row[0].name, name, 47);
    tg_tape_free(tape);
}

/* -- Printing ---------------------------------------------------------------------------------- */

static size_t print(tg_tape *tape, char *text, size_t room)
{
    FILE *file = fmemopen(text, room, "w");
    assert_non_null(file);
    assert_int_equal(tg_print_profile(file, tape), TG_OK);
    long length = ftell(file);
    fclose(file);
    return (size_t)length;
}

static void test_print(void **state)
{
    (void)state;
    static const char *const columns[] = {"operation", "phase",    "calls", "time",
                                          "share",     "per call", "bytes", "GiB/s"};
    char text[4096];
    tg_tape *tape = tg_tape_new(NULL);
    model m = make(tape);
    tg_set_profile_enabled(tape, true);
    step(&m);
    table t = table_of(tape);
    print(tape, text, sizeof text);
    char *line = strtok(text, "\n");
    for (int i = 0; i < 8; i++)
        assert_non_null(strstr(line, columns[i]));
    size_t width = strlen(line);
    int64_t calls = 0;
    for (size_t i = 0; i < t.n; i++) {
        char name[48], phase[16];
        long long n = 0;
        line = strtok(NULL, "\n");
        assert_non_null(line);
        assert_int_equal(strlen(line), width);
        assert_int_equal(sscanf(line, "%47s %15s %lld", name, phase, &n), 3);
        assert_string_equal(name, t.row[i].name);
        assert_string_equal(phase,
                            ((const char *const[]){"forward", "backward", "step"})[t.row[i].phase]);
        assert_int_equal(n, t.row[i].calls);
        calls += n;
    }
    long long total = 0;
    line = strtok(NULL, "\n");
    assert_int_equal(sscanf(line, "total %lld", &total), 1);
    assert_int_equal(total, calls);
    assert_null(strtok(NULL, "\n"));
    tg_tape_free(tape);
}

/* Sizes are in the units of tg_print_memory(), and the widest, short of 1,024 of one, fits. */
static void test_print_units(void **state)
{
    (void)state;
    char text[2048];
    tg_tape *tape = tg_tape_new(NULL);
    tg_tensor *small = tg_ones(tape, TG_DIMS(1024), 0);
    tg_tensor *large = tg_ones(tape, TG_DIMS(1023, 128), 0);
    tg_set_profile_enabled(tape, true);
    tg_exp(small);
    tg_neg(large);
    print(tape, text, sizeof text);
    assert_non_null(strstr(text, "     8.000 KiB  "));
    assert_non_null(strstr(text, "  1023.000 KiB  "));
    tg_tape_free(tape);
}

/* Rows that nobody waits for: of hours, of more than gigabytes, of no time at all; of the same time, by name and
 * phase. Relies on tape.h. */
static void test_print_extremes(void **state)
{
    (void)state;
    static const tg_profile_row rows[] = {
        {"long", TG_PHASE_FORWARD, 1, 36000000000000, (int64_t)1 << 44, 0},
        {"same", TG_PHASE_BACKWARD, 1, 5, 0, 0},
        {"same", TG_PHASE_FORWARD, 1, 5, 1, 0},
        {"also", TG_PHASE_STEP, 1, 5, 1, 0},
        {"none", TG_PHASE_FORWARD, 1, 0, 7, 0}};
    static const char *const order[] = {"long       forward", "also       step",
                                        "same       forward", "same       backward",
                                        "none       forward"};
    char text[2048];
    tg_tape *tape = tg_tape_new(NULL);
    tg_set_profile_enabled(tape, true);
    memcpy(tape->profiler.rows, rows, sizeof rows);
    print(tape, text, sizeof text);
    const char *at = text;
    for (int i = 0; i < 5; i++) {
        const char *found = strstr(at, order[i]);
        if (!found)
            fail_msg("%s is not in its place in\n%s", order[i], text);
        at = found;
    }
    assert_non_null(strstr(text, "36000.000s"));
    assert_non_null(strstr(text, "16384.000 GiB"));
    assert_null(strstr(text, "nan"));
    assert_null(strstr(text, "inf"));
    tg_clear_profile(tape);
    memcpy(tape->profiler.rows, &rows[4], sizeof *rows);
    print(tape, text, sizeof text);
    assert_non_null(strstr(text, "0.0%"));
    assert_null(strstr(text, "nan"));
    tg_tape_free(tape);
}

static void test_print_nothing(void **state)
{
    (void)state;
    char text[256];
    tg_tape *tape = tg_tape_new(NULL);
    print(tape, text, sizeof text);
    assert_non_null(strstr(text, "total"));
    assert_non_null(strstr(text, " 0.000ns\n"));
    tg_tape_free(tape);
}

static void test_print_failing(void **state)
{
    (void)state;
    char text[4096], memory[4096];
    tg_tape *tape = tg_tape_new(NULL);
    model m = make(tape);
    tg_set_profile_enabled(tape, true);
    step(&m);
    size_t length = print(tape, text, sizeof text);
    for (size_t room = 1; room < length; room++) {
        FILE *file = fmemopen(memory, room, "w");
        assert_non_null(file);
        setvbuf(file, NULL, _IONBF, 0);
        assert_int_equal(tg_print_profile(file, tape), TG_EIO);
        assert_error(tape, TG_EIO, "print_profile: writing failed");
        fclose(file);
    }
    assert_int_equal(tg_print_profile(NULL, tape), TG_EVALUE);
    assert_error(tape, TG_EVALUE, "print_profile: no file");
    tg_tape_free(tape);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_eager),          cmocka_unit_test(test_replayed),
        cmocka_unit_test(test_accumulation),   cmocka_unit_test(test_switch),
        cmocka_unit_test(test_first_rows),     cmocka_unit_test(test_no_tape),
        cmocka_unit_test(test_memory),         cmocka_unit_test(test_many_operations),
        cmocka_unit_test(test_long_name),      cmocka_unit_test(test_print),
        cmocka_unit_test(test_print_nothing),  cmocka_unit_test(test_print_units),
        cmocka_unit_test(test_print_extremes), cmocka_unit_test(test_print_failing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

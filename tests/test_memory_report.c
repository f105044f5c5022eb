/* tg_memory() and its companions: the figures add up, the peak is the highest that was in use at
 * any time, and the largest tensors are found. Relies on src/tape.h. */
#include "check.h"
#include "support.h"
#include "tape/tape.h"

#include <stdlib.h>

enum { MEGA = 1 << 20 };

static bool near(size_t got, size_t want)
{
    return got >= want && got < want + 1000;
}

static void figures(void **state)
{
    (void)state;
    test_allocator allocator = {.fail_at = -1};
    tg_tape *tape = test_tape(&allocator, 0);
    tg_memory_info empty = tg_memory(tape);
    assert_int_equal(empty.live + empty.cached + empty.peak, 0);
    tg_tensor *x = tg_ones(tape, TG_DIMS(MEGA), TG_F64 | TG_REQUIRES_GRAD);
    tg_memory_info a = tg_memory(tape);
    assert_true(near(a.data, 2 * MEGA * sizeof(double))); /* and its gradient */
    assert_true(near(a.objects, 0) && a.objects > 0);
    assert_int_equal(a.live, a.objects + a.data);
    assert_int_equal(a.peak, a.live);
    assert_int_equal(a.live + a.cached + sizeof(tg_tape), allocator.live);

    tg_mark mark = tg_tape_mark(tape);
    tg_tensor *y = tg_mul_scalar(tg_add_scalar(x, 1), 2);
    tg_memory_info b = tg_memory(tape);
    assert_true(near(b.data - a.data, 2 * MEGA * sizeof(double)));
    assert_int_equal(tg_release(tape, mark, &y, 1), TG_OK);
    tg_memory_info c = tg_memory(tape);
    assert_int_equal(c.data, b.data - MEGA * sizeof(double));
    assert_int_equal(c.peak, b.live);
    assert_int_equal(c.live + c.cached + sizeof(tg_tape), allocator.live);

    tg_tape_rewind(tape, mark);
    tg_memory_info d = tg_memory(tape);
    assert_int_equal(d.live, a.live);
    assert_int_equal(d.peak, b.live);
    assert_int_equal(d.live + d.cached + sizeof(tg_tape), allocator.live);
    tg_reset_peak_memory(tape);
    assert_int_equal(tg_memory(tape).peak, a.live);
    tg_reset_peak_memory(NULL);
    assert_int_equal(tg_memory(NULL).live, 0);
    tg_tape_free(tape);
}

/* --- the peak --- */

static size_t used(const tg_tape *tape)
{
    size_t used = 0;
    for (int i = 0; i < TG_METERED; i++)
        used += tg_arena_used(tape->meter.arenas[i]);
    return used;
}

/* Looks, from inside, at how much is in use. */
static size_t seen, workspace;

static void look_forward(tg_node *node)
{
    tg_tape *tape = tg_tape_of(node->out);
    if (workspace && !tg_workspace(node, workspace))
        return;
    memset(tg_out_data(node), 0, (size_t)tg_numel(node->out) * sizeof(float));
    if (used(tape) > seen)
        seen = used(tape);
}

static void look_backward(tg_node *node, tg_tensor *grad_out, tg_tensor **grad_in);

static const tg_op look_op = {"look", look_forward, look_backward, {0}};

static tg_tensor *look(tg_tensor *x)
{
    return tg_apply(&(tg_call){.op = &look_op,
                               .n_in = 1,
                               .in = &x,
                               .dtype = TG_F32,
                               .ndim = tg_ndim(x),
                               .dims = tg_sizes(x)});
}

static void look_backward(tg_node *node, tg_tensor *grad_out, tg_tensor **grad_in)
{
    (void)node;
    grad_in[0] = look(grad_out);
}

/* The blocks are small, so that what is in use is spread over many, with and without gaps. */
static void peak(void **state)
{
    (void)state;
    static const size_t spaces[] = {0, 100, 3000, 200000};
    for (size_t i = 0; i < sizeof spaces / sizeof *spaces; i++) {
        test_allocator allocator = {.fail_at = -1};
        tg_tape *tape = test_tape(&allocator, 1);
        seen = 0;
        workspace = spaces[i];
        for (int64_t n = 1; n < 5000; n = n * 3 + 1) {
            tg_mark mark = tg_tape_mark(tape);
            tg_tensor *x = tg_zeros(tape, TG_DIMS(n), TG_REQUIRES_GRAD), *y = x;
            for (int k = 0; k < 5; k++)
                y = look(look(y));
            tg_tensor *sum = tg_sum(y);
            seen = used(tape) > seen ? used(tape) : seen;
            tg_backward(sum);
            size_t got = tg_memory(tape).peak;
            assert_true(got >= seen);
            assert_true(got < seen + 500 || workspace == 0); /* sums and copies are not looked at */
            if (n % 2)
                tg_tape_rewind(tape, mark);
        }
        assert_ok(tape);
        tg_tape_free(tape);
    }
}

/* --- the largest --- */

typedef struct expected {
    const tg_tensor *tensor;
    size_t bytes;
    const char *op;
    bool saved;
} expected;

static void assert_holders(const tg_tape *tape, const expected *want, size_t n)
{
    tg_memory_holder got[16];
    for (size_t k = 0; k <= 16; k++) {
        size_t found = tg_memory_holders(tape, got, k);
        assert_int_equal(found, k < n ? k : n);
        for (size_t i = 0; i < found; i++) {
            if (want[i].tensor)
                assert_ptr_equal(got[i].tensor, want[i].tensor);
            assert_int_equal(got[i].bytes, want[i].bytes);
            assert_string_equal(got[i].op ? got[i].op : "", want[i].op);
            assert_int_equal(got[i].saved, want[i].saved);
        }
    }
}

static void largest(void **state)
{
    (void)state;
    tg_tape *tape = tg_tape_new(NULL);
    tg_memory_holder none;
    assert_int_equal(tg_memory_holders(tape, &none, 1), 0);
    assert_int_equal(tg_memory_holders(NULL, &none, 1), 0);
    tg_tensor *x = tg_ones(tape, TG_DIMS(100, 100), TG_F64 | TG_REQUIRES_GRAD);
    tg_tensor *unused = tg_ones(tape, TG_DIMS(1000), 0);
    tg_mark mark = tg_tape_mark(tape);
    tg_tensor *half = tg_narrow(x, 0, 0, 50), *y = tg_dropout(half, 0.5, true);
    tg_tensor *t = tg_transpose(y, 0, 1), *z = tg_add_scalar(t, 1), *sum = tg_sum(z);
    tg_tensor *drawn = tg_rand(tape, TG_DIMS(100), 0), *abs = tg_abs(drawn);
    const expected want[] = {
        {x, 80000, "", false},           {y, 40000, "dropout", false},
        {z, 40000, "add_scalar", false}, {NULL, 5000, "dropout", true},
        {drawn, 400, "", false},         {abs, 400, "abs", false},
        {sum, 8, "sum", false},
    };
    assert_holders(tape, want, 7);
    assert_int_equal(tg_memory_holders(tape, NULL, 3), 0);
    assert_int_equal(tg_release(tape, mark, &sum, 1), TG_OK);
    const expected left[] = {{x, 80000, "", false},
                             {NULL, 5000, "dropout", true},
                             {drawn, 400, "", false},
                             {sum, 8, "sum", false}};
    assert_holders(tape, left, 4);
    assert_non_null(tg_f32(unused));
    tg_tape_free(tape);
}

/* --- printed --- */

static void printed(void **state)
{
    (void)state;
    tg_tape *tape = tg_tape_new(&(tg_tape_opts){.block_size = 1 << 20});
    tg_tensor *x = tg_ones(tape, TG_DIMS(100, 100), TG_REQUIRES_GRAD);
    tg_tensor *y = tg_dropout(x, 0.5, true);
    tg_tensor *sum = tg_sum(tg_exp(y));
    assert_non_null(sum);
    FILE *file = tmpfile();
    assert_non_null(file);
    assert_int_equal(tg_print_memory(file, tape, 4), TG_OK);
    char text[1000] = "", first[200];
    rewind(file);
    text[fread(text, 1, sizeof text - 1, file)] = '\0';
    fclose(file);
    tg_memory_info m = tg_memory(tape);
    if (sizeof(void *) < 8)
        skip(); /* the sizes below are those of 64 bits */
    assert_true(m.objects > 1024 && m.objects < 3072);
    snprintf(first, sizeof first,
             "in use %.1f KiB (objects %.1f KiB, data %.1f KiB), cached %.1f MiB, peak %.1f KiB\n",
             (double)m.live / 1024, (double)m.objects / 1024, (double)m.data / 1024,
             (double)m.cached / 1048576, (double)m.peak / 1024);
    assert_memory_equal(text, first, strlen(first));
    assert_string_equal(text + strlen(first), "  39.1 KiB: float32 [100, 100], leaf or constant\n"
                                              "  39.1 KiB: float32 [100, 100], dropout\n"
                                              "  39.1 KiB: float32 [100, 100], exp\n"
                                              "  9.8 KiB: bool [10000], saved by dropout\n");
    assert_int_equal(tg_print_memory(NULL, tape, 4), TG_EVALUE);
    assert_error(tape, TG_EVALUE, "print_memory: the file is NULL");
    file = fopen("/dev/full", "w");
    if (file) {
        setvbuf(file, NULL, _IONBF, 0);
        assert_int_equal(tg_print_memory(file, tape, 1000), TG_EIO);
        assert_error(tape, TG_EIO, "print_memory: writing failed");
        fclose(file);
    }
    assert_int_equal(tg_print_memory(stdout, NULL, 4), TG_ENOMEM);
    tg_tape_free(tape);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(figures),
        cmocka_unit_test(peak),
        cmocka_unit_test(largest),
        cmocka_unit_test(printed),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

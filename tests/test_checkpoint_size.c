/* How much memory a chain of n layers takes with checkpoints every sqrt(n) of them: data grow as
 * sqrt(n), records as n. */
#include "check.h"
#include "support.h"

enum { WIDTH = 4096, RESULTS = 2 }; /* floats of a result, results of a layer */

static const size_t result_bytes = WIDTH * sizeof(float);

typedef struct usage {
    size_t data; /* at its highest, less what stands before the chain */
    size_t objects;
    int64_t allocated; /* what the allocator gave in all */
} usage;

static tg_tensor *chain(tg_tape *tape, tg_tensor *x, tg_tensor *w, int layers, int segment)
{
    tg_mark mark = tg_tape_mark(tape);
    for (int i = 0; i < layers; i++) {
        x = tg_tanh(tg_mul(x, w));
        if (!segment || (i + 1) % segment)
            continue;
        assert_int_equal(tg_checkpoint(tape, mark, &x, 1), TG_OK);
        mark = tg_tape_mark(tape);
    }
    return tg_sum(x);
}

static usage run(int layers, int segment, float *gradient)
{
    test_allocator allocator = {.fail_at = -1};
    tg_tape *tape = test_tape(&allocator, 0);
    tg_tensor *w = tg_randn(tape, TG_DIMS(WIDTH), TG_REQUIRES_GRAD);
    tg_tensor *x = tg_randn(tape, TG_DIMS(WIDTH), TG_REQUIRES_GRAD);
    tg_memory_info before = tg_memory(tape);
    tg_tensor *loss = chain(tape, x, w, layers, segment);
    assert_int_equal(tg_backward(loss), TG_OK);
    memcpy(gradient, tg_f32(tg_grad(w)), result_bytes);
    tg_memory_info after = tg_memory(tape);
    /* Objects that the pass makes are a few, and blocks are at most twice what is in them. */
    usage u = {after.peak - after.objects - before.data, after.objects - before.objects,
               allocator.live};
    assert_true((size_t)u.allocated > after.peak && (size_t)u.allocated < 4 * after.peak + 100000);
    tg_tape_free(tape);
    return u;
}

static void sqrt_of_the_length(void **state)
{
    (void)state;
    static float gradient[WIDTH], want[WIDTH];
    usage former = {0};
    for (int root = 10; root <= 80; root *= 2) {
        int layers = root * root;
        usage u = run(layers, root, gradient);
        if (layers <= 1600) {
            usage all = run(layers, 0, want);
            assert_memory_equal(gradient, want, sizeof want);
            assert_true(all.data > (size_t)layers * RESULTS * result_bytes);
        }
        /* What is kept, one segment's results, and the few that the pass works with. */
        size_t least = (size_t)root * (1 + RESULTS) * result_bytes;
        print_message("%d layers: %.1f results in data, %zu bytes of records a layer\n", layers,
                      (double)u.data / (double)result_bytes, u.objects / (size_t)layers);
        assert_true(u.data > least - 4 * result_bytes && u.data < least + 12 * result_bytes);
        assert_true(u.objects / (size_t)layers < RESULTS * 256);
        assert_true(root == 10 || u.data < former.data * 2 + 8 * result_bytes);
        former = u;
    }
}

/* In a loop of steps nothing adds up. */
static void steps(void **state)
{
    (void)state;
    tg_tape *tape = tg_tape_new(NULL);
    tg_tensor *w = tg_randn(tape, TG_DIMS(WIDTH), TG_REQUIRES_GRAD);
    tg_tensor *x = tg_randn(tape, TG_DIMS(WIDTH), TG_REQUIRES_GRAD);
    tg_mark step = tg_tape_mark(tape);
    size_t peak = 0;
    for (int i = 0; i < 5; i++) {
        tg_tape_rewind(tape, step);
        tg_zero_grad(w);
        tg_zero_grad(x);
        assert_int_equal(tg_backward(chain(tape, x, w, 100, 10)), TG_OK);
        size_t now = tg_memory(tape).peak;
        assert_true(i == 0 || now == peak);
        peak = now;
    }
    /* Passes over the same records do not need more either. */
    tg_tensor *loss = chain(tape, x, w, 100, 10);
    for (int i = 0; i < 5; i++) {
        assert_int_equal(tg_backward(loss), TG_OK);
        size_t now = tg_memory(tape).peak;
        assert_true(i < 2 || now == peak); /* the second one has gradients to add to */
        peak = now;
    }
    tg_tape_free(tape);
}

/* Backward holds no more of a checkpoint than it reads: of sums, nothing. */
static void what_is_not_read(void **state)
{
    (void)state;
    enum { SUMS = 50 };
    tg_tape *tape = tg_tape_new(&(tg_tape_opts){.block_size = 16 << 20});
    tg_tensor *x = tg_randn(tape, TG_DIMS(WIDTH), TG_REQUIRES_GRAD), *y = x;
    for (int i = 0; i < 2; i++) {
        tg_mark mark = tg_tape_mark(tape);
        for (int k = 0; k < SUMS; k++)
            y = tg_add_scalar(y, 1);
        y = tg_tanh(tg_exp(y));
        assert_int_equal(tg_checkpoint(tape, mark, &y, 1), TG_OK);
    }
    tg_tensor *loss = tg_sum(y);
    /* Takes what forward had, so that the pass needs new memory. */
    tg_tensor *filler = tg_zeros(tape, TG_DIMS((SUMS + 1) * WIDTH), 0);
    for (int pass = 0; pass < 3; pass++) {
        tg_reset_peak_memory(tape);
        size_t before = tg_memory(tape).peak;
        assert_int_equal(tg_backward(loss), TG_OK);
        assert_true(tg_memory(tape).peak < before + 8 * result_bytes);
    }
    assert_equal(tg_f32(filler)[0], 0);
    tg_tape_free(tape);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(sqrt_of_the_length),
        cmocka_unit_test(steps),
        cmocka_unit_test(what_is_not_read),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

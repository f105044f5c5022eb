/* Edges of the engine's memory, records and passes that the measure of branches (coverage.sh) found untried. Relies on
 * the headers of memory, tape and record. */
#include "check.h"
#include "support.h"
#include "tape/tensor.h"

/* --- memory --- */

/* Blocks of just what is asked for are more. */
static void growth(void **state)
{
    (void)state;
    int64_t calls[2];
    for (int i = 0; i < 2; i++) {
        test_allocator allocator = {.fail_at = -1};
        tg_tape *tape = test_tape(&allocator, i ? 2000 : 1);
        for (int k = 0; k < 200; k++)
            tg_zeros(tape, TG_DIMS(64), 0);
        calls[i] = allocator.calls;
        tg_tape_free(tape);
    }
    assert_true(calls[0] > 300 && calls[1] < 40);
}

/* Of many pieces that were given back, so many are looked at as 256; what lies behind them is not found, and no
 * loss but of memory. */
static void many_pieces(void **state)
{
    (void)state;
    enum { PIECES = 300, SIZE = 512, LARGE = 4096 };
    tg_tape *tape = tg_tape_new(&(tg_tape_opts){.block_size = 1 << 20});
    void *piece[2 * PIECES];
    for (int i = 0; i < 2 * PIECES; i++)
        piece[i] = tg_heap_grow(&tape->heap, SIZE);
    void *large = tg_heap_grow(&tape->heap, LARGE), *last = tg_heap_grow(&tape->heap, SIZE);
    assert_true(large && last);
    for (int i = 0; i < 2 * PIECES; i += 2)
        tg_heap_give(&tape->heap, piece[i], SIZE);
    tg_heap_give(&tape->heap, large, LARGE);
    assert_null(tg_heap_find(&tape->heap, LARGE));
    for (int i = 0; i < PIECES; i++)
        assert_non_null(tg_heap_find(&tape->heap, SIZE));
    assert_ptr_equal(tg_heap_find(&tape->heap, LARGE), large);
    assert_null(tg_heap_find(&tape->heap, SIZE));
    tg_tape_free(tape);
}

/* A replay's stock of workspace is lent first; what does not fit into it comes from elsewhere. */
static void stock(void **state)
{
    (void)state;
    static _Alignas(64) char bytes[1024];
    tg_tape *tape = tg_tape_new(NULL);
    tg_heap *heap = &tape->heap;
    heap->stock = bytes;
    heap->stock_size = sizeof bytes;
    tg_piece *lent = NULL;
    char *first = tg_heap_lend(heap, 600, &lent), *second = tg_heap_lend(heap, 600, &lent);
    assert_ptr_equal(first, bytes);
    assert_non_null(second);
    assert_true(second < bytes || second >= bytes + sizeof bytes);
    tg_heap_call_in(heap, &lent, 0);
    assert_ptr_equal(tg_heap_lend(heap, 600, &lent), bytes);
    tg_heap_call_in(heap, &lent, 0);
    heap->stock = NULL;
    tg_tape_free(tape);
}

static bool asked;

static void greedy_forward(tg_node *node)
{
    asked = tg_workspace(node, UINT64_MAX) || tg_workspace(node, UINT64_MAX / 2);
}

/* More workspace than an address space has. */
static void workspace(void **state)
{
    (void)state;
    static const tg_op op = {.name = "greedy", .forward = greedy_forward};
    tg_tape *tape = tg_tape_new(NULL);
    asked = true;
    assert_null(tg_apply(&(tg_call){.op = &op,
                                    .n_in = 1,
                                    .in = (tg_tensor *[]){tg_ones(tape, TG_DIMS(2), 0)},
                                    .dtype = TG_F32,
                                    .ndim = 0}));
    assert_false(asked);
    assert_error(tape, TG_ENOMEM, "greedy: out of memory");
    tg_tape_free(tape);
}

/* --- tensors and records --- */

static void elements(void **state)
{
    (void)state;
    tg_tape *tape = tg_tape_new(NULL);
    for (int dtype = 0; dtype < 4; dtype++) {
        tg_tensor *x = tensor_from(tape, (double[]){0, 1, 0, 1, 1, 1}, TG_DIMS(2, 3), dtype);
        tg_tensor *t = tg_transpose(x, 0, 1);
        assert_equal(tg_element(x, 2), 0);
        assert_equal(tg_element(t, 2), 1); /* row 1, column 0 */
        assert_equal(tg_element(t, 4), 0);
    }
    tg_tape_free(tape);
}

enum { MANY = 9 };

/* Nine inputs, of which an operation's `reads` can name seven, given back, computed again, and changed. */
static void many_inputs(void **state)
{
    (void)state;
    for (int way = 0; way < 3; way++) {
        tg_tape *tape = tg_tape_new(NULL);
        tg_tensor *x = tg_full(tape, TG_DIMS(90), 0.5, TG_F64 | TG_REQUIRES_GRAD), *in[MANY];
        tg_mark mark = tg_tape_mark(tape);
        for (int i = 0; i < MANY; i++)
            in[i] = tg_mul_scalar(x, i + 1);
        tg_mark late = tg_tape_mark(tape);
        tg_tensor *y = tg_exp(tg_cat(in, MANY, 0));
        tg_tensor *loss = tg_sum(tg_square(y)), *keep[] = {loss, y};
        if (way == 0)
            assert_int_equal(tg_release(tape, mark, keep, 1), TG_OK);
        else
            assert_int_equal(tg_checkpoint(tape, late, &loss, 1), TG_OK);
        if (way == 2) {
            assert_non_null(tg_data_mut(in[MANY - 1]));
            assert_int_equal(tg_backward(loss), TG_ESTATE);
            assert_error(tape, TG_ESTATE, "backward: cat needs its a later input float64 [90]");
            tg_tape_free(tape);
            continue;
        }
        assert_int_equal(tg_backward(loss), TG_OK);
        double want = 0;
        for (int i = 1; i <= MANY; i++)
            want += 2 * i * exp(i);
        assert_near(tg_f64(tg_grad(x))[89], want, 1e-9 * want);
        tg_tape_free(tape);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(growth),   cmocka_unit_test(many_pieces),
                                       cmocka_unit_test(stock),    cmocka_unit_test(workspace),
                                       cmocka_unit_test(elements), cmocka_unit_test(many_inputs)};
    return cmocka_run_group_tests_name("engine edges", tests, NULL, NULL);
}

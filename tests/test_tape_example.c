/* examples/tape.c, a tape of numbers in some hundred lines, beside the library: values, gradients
 * and the four verbs. Its operations are both tapes' here. */
#define main tape_example
#include "../examples/tape.c" /* NOLINT(bugprone-suspicious-include) */
#undef main

#include "check.h"
#include "support.h"

enum { LEAVES = 4, NUMBERS = 60 };

/* The same numbers on both tapes, in the same order. */
typedef struct both {
    tape own;
    tg_tape *tape;
    tg_tensor *numbers[NUMBERS];
} both;

static void give(both *b, double value)
{
    b->numbers[leaf(&b->own, value)] =
        tg_full(b->tape, TG_SCALAR, value, TG_F64 | TG_REQUIRES_GRAD);
}

static void record_both(both *b, int which, int x, int y)
{
    tg_tensor *a = b->numbers[x], *c = b->numbers[y];
    const op *const ops[] = {&add, &mul, &tanh_of};
    tg_tensor *out = which == 0 ? tg_add(a, c) : which == 1 ? tg_mul(a, c) : tg_tanh(a);
    b->numbers[record(&b->own, ops[which], x, y)] = out;
}

/* An expression in which all numbers so far may occur again; one that grows is bent back. */
static void record_any(both *b, uint64_t *state)
{
    while (b->own.count < NUMBERS) {
        double last = b->own.count - 0.001;
        int which = (int)random_between(state, 0, 2.999);
        which = which == 1 && fabs(b->own.nodes[b->own.count - 1].value) > 2 ? 2 : which;
        record_both(b, which, (int)random_between(state, last / 2, last),
                    (int)random_between(state, 0, last));
    }
}

static void compare(both *b)
{
    int end = b->own.count - 1;
    assert_near(b->own.nodes[end].value, tg_item(b->numbers[end]),
                1e-12 * (1 + fabs(b->own.nodes[end].value)));
    backward(&b->own, end);
    for (int i = 0; i < LEAVES; i++)
        tg_zero_grad(b->numbers[i]);
    assert_int_equal(tg_backward(b->numbers[end]), TG_OK);
    for (int i = 0; i < LEAVES; i++) {
        double own = b->own.nodes[i].grad;
        tg_tensor *grad = tg_grad(b->numbers[i]);
        assert_near(own, grad ? tg_item(grad) : 0, 1e-10 * (1 + fabs(own)));
    }
}

static void verbs(void **state)
{
    (void)state;
    static both b;
    for (uint64_t seed = 0; seed < 100; seed++) {
        b.tape = tg_tape_new(NULL);
        b.own.count = 0;
        uint64_t random = seed;
        for (int i = 0; i < LEAVES; i++)
            give(&b, random_between(&random, -1, 1));
        int own_mark = b.own.count;
        tg_mark mark = tg_tape_mark(b.tape);
        record_any(&b, &random);
        compare(&b);

        rewind_to(&b.own, own_mark);
        assert_int_equal(tg_tape_rewind(b.tape, mark), TG_OK);
        record_any(&b, &random);
        compare(&b);

        for (int i = 0; i < LEAVES; i++) {
            b.own.nodes[i].value = random_between(&random, -1, 1);
            *(double *)tg_data_mut(b.numbers[i]) = b.own.nodes[i].value;
        }
        replay(&b.own, own_mark);
        assert_int_equal(tg_tape_replay(b.tape, mark), TG_OK);
        compare(&b);
        assert_ok(b.tape);
        tg_tape_free(b.tape);
    }
}

/* tanh of [a, b] w^T + bias, the neurons side by side. */
static tg_tensor *layer(tg_tensor *x, tg_tensor *weights, int64_t from, int64_t neurons)
{
    tg_tensor *all = tg_reshape(tg_narrow(weights, 0, from, 3 * neurons), TG_DIMS(neurons, 3));
    tg_tensor *bias = tg_reshape(tg_narrow(all, 1, 2, 1), TG_DIMS(neurons));
    return tg_tanh(tg_linear(x, tg_narrow(all, 1, 0, 2), bias));
}

/* The network that it trains, in tensors. */
static void network(void **state)
{
    (void)state;
    static tape own;
    own.count = 0;
    double values[9], table[8], wanted[4];
    uint64_t random = 1;
    for (int i = 0; i < 9; i++)
        leaf(&own, values[i] = random_between(&random, -1, 1));
    for (int i = 0; i < 4; i++) {
        table[2 * i] = cases[i][0];
        table[2 * i + 1] = cases[i][1];
        wanted[i] = cases[i][2];
    }
    tg_tape *theirs = tg_tape_new(NULL);
    tg_tensor *weights = tg_from_f64(theirs, values, TG_DIMS(9), TG_REQUIRES_GRAD);
    tg_tensor *x = tg_from_f64(theirs, table, TG_DIMS(4, 2), 0);
    tg_tensor *y = layer(layer(x, weights, 0, 2), weights, 6, 1);
    tg_tensor *loss = tg_mse_loss(y, tg_from_f64(theirs, wanted, TG_DIMS(4, 1), 0), TG_SUM);
    assert_int_equal(tg_backward(loss), TG_OK);

    int error = total_error(&own, 0);
    backward(&own, error);
    assert_near(own.nodes[error].value, tg_item(loss), 1e-13);
    for (int i = 0; i < 9; i++)
        assert_near(own.nodes[i].grad, tg_f64(tg_grad(weights))[i], 1e-13);
    assert_ok(theirs);
    tg_tape_free(theirs);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(verbs), cmocka_unit_test(network)};
    (void)tape_example; /* its output is tests/examples/tape.out */
    return cmocka_run_group_tests(tests, NULL, NULL);
}

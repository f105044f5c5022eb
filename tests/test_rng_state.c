/* The generator's state as a tensor: streams that go on where they stood, and what is refused. */
#include "check.h"
#include "support.h"

#include <tinygrad/op.h>

enum { STATE = 627, WORDS = 624, SHOWN = 40 };

/* What one round of mixed draws gives: every kind of draw, and an odd number of lone normals, so
 * that every other round begins with one pending. */
typedef struct draws {
    float uniform[SHOWN], normal[SHOWN];
    double one[3], wide[2];
    int64_t integer[2], order[7];
} draws;

static draws draw(tg_tape *tape)
{
    draws d;
    tg_mark mark = tg_tape_mark(tape);
    memcpy(d.one, tg_f64(tg_randn(tape, TG_DIMS(3), TG_F64)), sizeof d.one);
    memcpy(d.uniform, tg_f32(tg_rand(tape, TG_DIMS(SHOWN), 0)), sizeof d.uniform);
    memcpy(d.normal, tg_f32(tg_randn(tape, TG_DIMS(SHOWN), 0)), sizeof d.normal);
    memcpy(d.wide, tg_f64(tg_rand(tape, TG_DIMS(2), TG_F64)), sizeof d.wide);
    tg_tensor *integer = tg_randint(tape, 0, INT64_MAX, TG_DIMS(2), TG_I64);
    memcpy(d.integer, tg_i64(integer), sizeof d.integer);
    memcpy(d.order, tg_i64(tg_randperm(tape, 7, TG_I64)), sizeof d.order);
    tg_tape_rewind(tape, mark);
    assert_ok(tape);
    return d;
}

static tg_tensor *state_from(tg_tape *tape, const int64_t *values)
{
    return tg_from_i64(tape, values, TG_DIMS(STATE), 0);
}

/* Rounds of draws walk over block ends of the engine at changing places. The state is restored on
 * its own tape after the stream went on, and on a new tape from the values alone. */
static void streams_go_on(void **state)
{
    (void)state;
    tg_tape *tape = tg_tape_new(NULL);
    tg_manual_seed(tape, 77);
    int pending = 0;
    for (int i = 0; i < 60; i++) {
        tg_tensor *kept = tg_rng_state(tape);
        assert_int_equal(tg_dtype(kept), TG_I64);
        assert_int_equal(tg_numel(kept), STATE);
        assert_false(tg_requires_grad(kept));
        pending += (int)tg_i64(kept)[WORDS + 1];
        draws first = draw(tape), second = draw(tape), again;
        assert_int_equal(tg_set_rng_state(tape, kept), TG_OK);
        again = draw(tape);
        assert_memory_equal(&again, &first, sizeof first);
        tg_tape *other = tg_tape_new(NULL);
        assert_int_equal(tg_set_rng_state(other, state_from(other, tg_i64(kept))), TG_OK);
        again = draw(other);
        assert_memory_equal(&again, &first, sizeof first);
        again = draw(other);
        assert_memory_equal(&again, &second, sizeof second);
        tg_tape_free(other);
    }
    assert_int_equal(pending, 30);
    assert_ok(tape);
    tg_tape_free(tape);
}

/* A fresh tape, a forgotten normal, and the position that a seed leaves. */
static void fresh_states(void **state)
{
    (void)state;
    tg_tape *tape = tg_tape_new(NULL);
    tg_tensor *fresh = tg_rng_state(tape);
    assert_int_equal(tg_i64(fresh)[WORDS], WORDS);
    draw(tape);
    tg_manual_seed(tape, 0);
    assert_memory_equal(tg_i64(tg_rng_state(tape)), tg_i64(fresh), STATE * sizeof(int64_t));
    tg_randn(tape, TG_DIMS(1), 0);
    assert_int_equal(tg_i64(tg_rng_state(tape))[WORDS + 1], 1);
    assert_true(tg_i64(tg_rng_state(tape))[WORDS + 2] != 0);
    tg_randn(tape, TG_DIMS(1), 0);
    assert_int_equal(tg_i64(tg_rng_state(tape))[WORDS + 1], 0);
    assert_int_equal(tg_i64(tg_rng_state(tape))[WORDS + 2], 0);
    tg_tape_free(tape);
}

static void strided_state(void **state)
{
    (void)state;
    tg_tape *tape = tg_tape_new(NULL);
    tg_tensor *kept = tg_rng_state(tape);
    tg_tensor *both = tg_stack((tg_tensor *[]){tg_zeros(tape, TG_DIMS(STATE), TG_I64), kept}, 2, 1);
    draws first = draw(tape);
    assert_int_equal(tg_set_rng_state(tape, tg_select(both, 1, 1)), TG_OK);
    draws again = draw(tape);
    assert_memory_equal(&again, &first, sizeof first);
    tg_tape_free(tape);
}

/* The copy is not recorded: a replay leaves it as it was taken. */
static void not_recorded(void **state)
{
    (void)state;
    tg_tape *tape = tg_tape_new(NULL);
    tg_mark mark = tg_tape_mark(tape);
    tg_tensor *x = tg_rand(tape, TG_DIMS(3), 0), *kept = tg_rng_state(tape);
    snapshot before = snapshot_of(tg_narrow(kept, 0, 0, 625));
    float first = tg_f32(x)[0];
    assert_int_equal(tg_tape_replay(tape, mark), TG_OK);
    assert_true(tg_f32(x)[0] != first);
    snapshot after = snapshot_of(tg_narrow(kept, 0, 0, 625));
    assert_true(snapshot_same(&before, &after));
    tg_tape_free(tape);
}

static void refuse(tg_tape *tape, const tg_tensor *state, tg_status status, const char *part)
{
    tg_tensor *before = tg_rng_state(tape);
    assert_int_equal(tg_set_rng_state(tape, state), status);
    assert_error(tape, status, part);
    assert_memory_equal(tg_i64(tg_rng_state(tape)), tg_i64(before), STATE * sizeof(int64_t));
}

static void wrong_values(void **state)
{
    (void)state;
    static const struct {
        int at;
        int64_t value;
        const char *part;
    } cases[] = {
        {3, -1, "set_rng_state: word 3 is -1, wanted 32 bits"},
        {623, INT64_C(1) << 32, "set_rng_state: word 623 is 4294967296"},
        {WORDS, -1, "set_rng_state: position -1 is outside [0, 624]"},
        {WORDS, 625, "set_rng_state: position 625 is outside [0, 624]"},
        {WORDS + 1, 2, "set_rng_state: the flag of a pending normal is 2"},
        {WORDS + 1, -1, "set_rng_state: the flag of a pending normal is -1"},
        {WORDS + 2, INT64_C(0x7ff0000000000000), "set_rng_state: inf is not the normal"},
        {WORDS + 2, INT64_C(0x7ff8000000000000), "set_rng_state: nan is not the normal"},
        {WORDS + 1, 0, "is not the normal that is pending"},
    };
    tg_tape *tape = tg_tape_new(NULL);
    tg_randn(tape, TG_DIMS(1), 0);
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        tg_tensor *wrong = tg_rng_state(tape);
        ((int64_t *)tg_data_mut(wrong))[cases[i].at] = cases[i].value;
        refuse(tape, wrong, TG_EVALUE, cases[i].part);
    }
    int64_t zeros[STATE] = {[WORDS] = 5};
    refuse(tape, state_from(tape, zeros), TG_EVALUE, "set_rng_state: all words are 0");
    zeros[623] = UINT32_MAX;
    zeros[WORDS] = 0;
    assert_int_equal(tg_set_rng_state(tape, state_from(tape, zeros)), TG_OK);
    tg_tape_free(tape);
}

static void wrong_tensors(void **state)
{
    (void)state;
    tg_tape *tape = tg_tape_new(NULL), *other = tg_tape_new(NULL);
    refuse(tape, NULL, TG_EVALUE, "set_rng_state: state 0 is NULL");
    refuse(tape, tg_rng_state(other), TG_EVALUE, "set_rng_state: state 0 is of another tape");
    refuse(tape, tg_to(tg_rng_state(tape), TG_F64), TG_EDTYPE,
           "set_rng_state: the state is float64, wanted int64");
    refuse(tape, tg_zeros(tape, TG_DIMS(626), TG_I64), TG_ESHAPE,
           "set_rng_state: the state is [626], wanted [627]");
    refuse(tape, tg_zeros(tape, TG_DIMS(1, 627), TG_I64), TG_ESHAPE, "is [1, 627], wanted [627]");
    tg_mark mark = tg_tape_mark(tape);
    tg_tensor *gone = tg_rng_state(tape);
    tg_tape_rewind(tape, mark);
    assert_int_equal(tg_set_rng_state(tape, gone), TG_ESTATE);
    assert_error(tape, TG_ESTATE, "set_rng_state: the tensor was rewound away");
    tg_tensor *kept = tg_rng_state(tape);
    tg_rand(tape, TG_DIMS(1), 0);
    tg_fail(tape, TG_EIO, "set");
    assert_null(tg_rng_state(tape));
    assert_int_equal(tg_set_rng_state(tape, kept), TG_EIO);
    assert_error(tape, TG_EIO, "set");
    assert_true(tg_i64(tg_rng_state(tape))[WORDS] == 1);
    assert_null(tg_rng_state(NULL));
    assert_int_equal(tg_set_rng_state(NULL, kept), TG_ENOMEM);
    assert_ok(other);
    tg_tape_free(tape);
    tg_tape_free(other);
}

static void out_of_memory(void **state)
{
    (void)state;
    test_allocator allocator = {.fail_at = -1};
    tg_tape *tape = test_tape(&allocator, 64);
    int failures = 0;
    for (allocator.fail_at = 0;; allocator.fail_at++) {
        allocator.calls = allocator.failures = 0;
        tg_mark mark = tg_tape_mark(tape);
        tg_tensor *made = tg_rng_state(tape);
        assert_true((made == NULL) == (allocator.failures > 0));
        if (made)
            break;
        assert_true(marks_equal(mark, tg_tape_mark(tape)));
        assert_error(tape, TG_ENOMEM, "rng_state: out of memory");
        failures++;
    }
    assert_true(failures > 0);
    tg_tape_free(tape);
    assert_int_equal(allocator.live, 0);
}

/* What is made of several operations, of which the first has drawn. */
static tg_tensor *lstm_with_dropout(tg_tape *tape, int64_t last)
{
    tg_tensor *x = tg_ones(tape, TG_DIMS(3, 2, 2), 0), *w = tg_ones(tape, TG_DIMS(8, 2), 0);
    tg_tensor *b = tg_ones(tape, TG_DIMS(8), 0), *b_last = tg_ones(tape, TG_DIMS(last), 0);
    tg_recurrent_opts opts = {.layers = 2, .dropout = 0.5, .training = true};
    return tg_lstm(x, (tg_tensor *[]){w, w, b, b, w, w, b, b_last}, 8, &opts, NULL, NULL);
}

static void failures_draw_nothing(void **state)
{
    (void)state;
    test_allocator allocator = {.fail_at = -1};
    tg_tape *tape = test_tape(&allocator, 64);
    tg_manual_seed(tape, 5);
    double first = next_draw(tape);
    tg_manual_seed(tape, 5);
    assert_null(lstm_with_dropout(tape, 7));
    assert_error(tape, TG_ESHAPE, "is [7], wanted [8]");
    for (allocator.fail_at = 0;; allocator.fail_at++) {
        allocator.calls = allocator.failures = 0;
        tg_mark mark = tg_tape_mark(tape);
        tg_tensor *y = lstm_with_dropout(tape, 8);
        assert_true((y == NULL) == (allocator.failures > 0));
        if (y)
            break;
        tg_clear_error(tape);
        tg_tape_rewind(tape, mark);
        assert_true(next_draw(tape) == first);
        tg_manual_seed(tape, 5);
    }
    assert_true(allocator.fail_at > 0);
    assert_true(next_draw(tape) != first);
    tg_tape_free(tape);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(streams_go_on), cmocka_unit_test(fresh_states),
        cmocka_unit_test(strided_state), cmocka_unit_test(not_recorded),
        cmocka_unit_test(wrong_values),  cmocka_unit_test(wrong_tensors),
        cmocka_unit_test(out_of_memory), cmocka_unit_test(failures_draw_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

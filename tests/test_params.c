/* Named lists: order and growth, names that are refused, what rewinding takes away, and memory
 * that runs out. */
#include "check.h"
#include "support.h"

#include <tinygrad/op.h>

#include <stdio.h>

enum { MANY = 100 };

static tg_tensor *leaf(tg_tape *tape, double value)
{
    return tg_full(tape, TG_SCALAR, value, TG_F64 | TG_REQUIRES_GRAD);
}

/* The list holds n tensors of the values 0, 1, ... under "p0", "p1", ... */
static void expect_list(const tg_params *list, size_t n)
{
    assert_int_equal(tg_params_count(list), n);
    for (size_t i = 0; i < n; i++) {
        char name[32];
        snprintf(name, sizeof name, "p%zu", i);
        assert_string_equal(tg_params_name(list, i), name);
        assert_equal(tg_item(tg_params_tensor(list, i)), i);
        assert_ptr_equal(tg_params_find(list, name), tg_params_tensor(list, i));
        assert_ptr_equal(tg_params_tensors(list)[i], tg_params_tensor(list, i));
    }
    assert_null(tg_params_name(list, n));
    assert_null(tg_params_tensor(list, n));
    assert_null(tg_params_tensor(list, SIZE_MAX));
    assert_null(tg_params_find(list, "p"));
}

static void add(tg_params *list, tg_tape *tape, size_t n)
{
    for (size_t i = tg_params_count(list); i < n; i++) {
        tg_tensor *t = leaf(tape, (double)i);
        assert_ptr_equal(tg_params_add(list, t, "p%zu", i), t);
    }
}

static void growth(void **state)
{
    (void)state;
    tg_tape *tape = tg_tape_new(NULL);
    tg_params *list = tg_params_new(tape);
    assert_null(tg_params_tensors(list));
    for (size_t n = 0; n <= MANY; n++) {
        add(list, tape, n);
        expect_list(list, n);
    }
    assert_ok(tape);
    tg_tape_free(tape);
}

static void names(void **state)
{
    (void)state;
    tg_tape *tape = tg_tape_new(NULL);
    tg_params *list = tg_params_new(tape);
    tg_tensor *t = leaf(tape, 1);
    char text[1000];
    memset(text, 'x', sizeof text - 1);
    text[999] = '\0';
    assert_null(tg_params_add(list, t, "%s", ""));
    assert_error(tape, TG_EVALUE, "params_add: an empty name");
    tg_tensor *(*append)(tg_params *, tg_tensor *, const char *, ...) =
        tg_params_add; /* no warning */
    assert_null(append(list, t, NULL));
    assert_error(tape, TG_EVALUE, "params_add: the name is NULL");
    assert_int_equal(tg_params_count(list), 0);
    for (size_t i = 0; i < 100; i++) {
        assert_ptr_equal(tg_params_add(list, t, "%s", text + i * 7), t);
        assert_null(tg_params_add(list, t, "%s", tg_params_name(list, i)));
        assert_error(tape, TG_EVALUE, "is in the list already");
    }
    for (size_t i = 0; i < 100; i++)
        assert_string_equal(tg_params_name(list, i), text + i * 7);
    assert_ptr_equal(tg_params_add(list, t, "tied"), t);
    assert_ptr_equal(tg_params_find(list, "tied"), t);
    assert_null(tg_params_find(list, NULL));
    assert_ok(tape);
    tg_tape_free(tape);
}

static void wrong_tensors(void **state)
{
    (void)state;
    tg_tape *tape = tg_tape_new(NULL), *other = tg_tape_new(NULL);
    tg_params *list = tg_params_new(tape);
    assert_null(tg_params_add(list, NULL, "w"));
    assert_error(tape, TG_EVALUE, "params_add: the tensor for \"w\" is NULL");
    assert_null(tg_params_add(list, leaf(other, 1), "w"));
    assert_error(tape, TG_EVALUE, "params_add: the tensor for \"w\" is of another tape");
    tg_mark mark = tg_tape_mark(tape);
    tg_tensor *t = leaf(tape, 1);
    tg_tape_rewind(tape, mark);
    assert_null(tg_params_add(list, t, "w"));
    assert_error(tape, TG_ESTATE, "params_add: the tensor was rewound away");
    assert_int_equal(tg_params_count(list), 0);
    tg_fail(tape, TG_EIO, "set");
    assert_null(tg_params_add(list, NULL, "w"));
    assert_null(tg_params_new(tape));
    assert_error(tape, TG_EIO, "set");
    assert_ok(other);
    tg_tape_free(tape);
    tg_tape_free(other);
}

static void no_list(void **state)
{
    (void)state;
    assert_null(tg_params_new(NULL));
    assert_null(tg_params_add(NULL, NULL, "w"));
    assert_int_equal(tg_params_count(NULL), 0);
    assert_null(tg_params_name(NULL, 0));
    assert_null(tg_params_tensor(NULL, 0));
    assert_null(tg_params_find(NULL, "w"));
    assert_null(tg_params_tensors(NULL));
    assert_null(tg_params_unique(NULL));
    assert_int_equal(tg_params_unique_count(NULL), 0);
    tg_params_zero_grad(NULL);
}

static void gradients(void **state)
{
    (void)state;
    tg_tape *tape = tg_tape_new(NULL);
    tg_params *list = tg_params_new(tape);
    add(list, tape, 3);
    tg_tensor *const *p = tg_params_tensors(list);
    tg_optim *optim = tg_sgd(tape, p, tg_params_count(list), &(tg_sgd_opts){.lr = 1});
    assert_int_equal(tg_backward(tg_add(p[0], p[2])), TG_OK);
    assert_int_equal(tg_optim_step(optim), TG_OK);
    assert_equal(tg_item(p[2]), 1);
    tg_params_zero_grad(list);
    for (int i = 0; i < 3; i++)
        assert_null(tg_grad(p[i]));
    assert_ok(tape);
    tg_tape_free(tape);
}

/* A tensor under several names, before the list grows and after. */
static void tied(void **state)
{
    (void)state;
    tg_tape *tape = tg_tape_new(NULL);
    tg_params *list = tg_params_new(tape);
    assert_null(tg_params_unique(list));
    tg_tensor *t[7];
    for (int i = 0; i < 7; i++)
        t[i] = tg_zeros(tape, TG_SCALAR, TG_REQUIRES_GRAD);
    for (int i = 0; i < 40; i++)
        tg_params_add(list, t[i * i % 7], "p%d", i); /* 0 1 4 2 2 4 1 ... */
    tg_tensor *const *unique = tg_params_unique(list);
    assert_int_equal(tg_params_count(list), 40);
    assert_int_equal(tg_params_unique_count(list), 4);
    assert_true(unique[0] == t[0] && unique[1] == t[1] && unique[2] == t[4] && unique[3] == t[2]);
    assert_null(tg_sgd(tape, tg_params_tensors(list), tg_params_count(list), NULL));
    assert_error(tape, TG_EVALUE, "sgd: parameters 3 and 4 are the same (tg_params_unique()");
    tg_optim *optim = tg_sgd(tape, tg_params_unique(list), tg_params_unique_count(list), NULL);
    assert_non_null(optim);
    /* A list that could not be added to is as it was. */
    tg_params_add(list, t[3], "%s", "1.momentum_buffer");
    tg_optim *other = tg_sgd(tape, t, 4, &(tg_sgd_opts){.momentum = 0.5});
    assert_int_equal(tg_optim_state(other, list, ""), TG_EVALUE);
    assert_error(tape, TG_EVALUE, "optim_state: \"1.momentum_buffer\" is in the list already");
    assert_int_equal(tg_params_count(list), 41);
    assert_int_equal(tg_params_unique_count(list), 5);
    assert_ptr_equal(tg_params_unique(list)[4], t[3]);
    tg_tape_free(tape);
}

/* The list and its place are from before the mark: only a tensor is gone. */
static void rewound_tensor(void **state)
{
    (void)state;
    tg_tape *tape = tg_tape_new(NULL);
    tg_params *list = tg_params_new(tape);
    add(list, tape, 2);
    tg_mark mark = tg_tape_mark(tape);
    add(list, tape, 3);
    tg_tape_rewind(tape, mark);
    assert_int_equal(tg_params_count(list), 3);
    assert_null(tg_neg(tg_params_tensor(list, 2)));
    assert_error(tape, TG_ESTATE, "neg: the tensor was rewound away");
    tg_params_zero_grad(list);
    assert_error(tape, TG_ESTATE, "zero_grad: the tensor was rewound away");
    tg_tape_free(tape);
}

static void expect_stale(tg_tape *tape, tg_params *list, const char *what)
{
    tg_tensor *t = tg_ones(tape, TG_SCALAR, 0);
    assert_null(tg_params_add(list, t, "w"));
    assert_error(tape, TG_ESTATE, what);
    assert_int_equal(tg_params_count(list), 0);
    assert_error(tape, TG_ESTATE, what);
    assert_null(tg_params_name(list, 0));
    assert_error(tape, TG_ESTATE, what);
    assert_null(tg_params_tensor(list, 0));
    assert_error(tape, TG_ESTATE, what);
    assert_null(tg_params_find(list, "p0"));
    assert_error(tape, TG_ESTATE, what);
    assert_null(tg_params_tensors(list));
    assert_error(tape, TG_ESTATE, what);
    tg_params_zero_grad(list);
    assert_error(tape, TG_ESTATE, what);
}

static void rewound_list(void **state)
{
    (void)state;
    tg_tape *tape = tg_tape_new(NULL);
    tg_ones(tape, TG_SCALAR, 0);
    for (int grown = 0; grown < 2; grown++) {
        tg_mark start = tg_tape_mark(tape);
        tg_ones(tape, TG_DIMS(1000), 0);
        tg_params *list = tg_params_new(tape), *other = tg_params_new(tape);
        if (grown)
            add(list, tape, 1);
        tg_tape_rewind(tape, start);
        assert_int_equal(tg_params_count(list), 0);
        assert_error(tape, TG_ESTATE, "params_count: the list was rewound away");
        assert_int_equal(tg_params_count(other), 0);
        assert_error(tape, TG_ESTATE, "params_count: the list was rewound away");
    }
    tg_tape_free(tape);
}

/* The list is from before the mark, its present place is not: not even where another list's
 * entries stand there by now. */
static void rewound_entries(void **state)
{
    (void)state;
    tg_tape *tape = tg_tape_new(NULL);
    for (size_t before = 0; before <= 16; before += 8) {
        tg_params *list = tg_params_new(tape);
        add(list, tape, before);
        tg_tensor *t = leaf(tape, (double)before);
        tg_mark mark = tg_tape_mark(tape);
        assert_ptr_equal(tg_params_add(list, t, "p%zu", before), t);
        tg_tape_rewind(tape, mark);
        expect_stale(tape, list, "the list has grown since a mark");
        tg_params *again = tg_params_new(tape);
        add(again, tape, before + 1);
        expect_stale(tape, list, "the list has grown since a mark");
        expect_list(again, before + 1);
    }
    tg_tape_free(tape);
}

/* Builds a list in a tape whose allocation `fail_at` fails; false where all went well. */
static bool fail_at(int64_t k, bool for_ever)
{
    test_allocator allocator = {.fail_at = k + 1, .for_ever = for_ever};
    tg_tape *tape = test_tape(&allocator, 1);
    tg_params *list = tg_params_new(tape);
    size_t n = 0;
    while (list && n < 20) {
        tg_tensor *t = leaf(tape, (double)n);
        tg_mark before = tg_tape_mark(tape);
        if (!tg_params_add(list, t, "p%zu", n)) {
            assert_true(marks_equal(before, tg_tape_mark(tape)));
            break;
        }
        n++;
    }
    if (allocator.failures) {
        assert_int_equal(tg_error(tape), TG_ENOMEM);
        assert_non_null(strstr(tg_error_message(tape), "out of memory"));
        allocator.fail_at = -1;
        tg_clear_error(tape);
    }
    list = list ? list : tg_params_new(tape);
    expect_list(list, n);
    add(list, tape, 20);
    expect_list(list, 20);
    assert_ok(tape);
    tg_tape_free(tape);
    assert_int_equal(allocator.live, 0);
    return allocator.failures;
}

static void out_of_memory(void **state)
{
    (void)state;
    assert_true(failures_of(fail_at, false) > 20);
    assert_true(failures_of(fail_at, true) > 20);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(growth),          cmocka_unit_test(names),
        cmocka_unit_test(wrong_tensors),   cmocka_unit_test(no_list),
        cmocka_unit_test(gradients),       cmocka_unit_test(tied),
        cmocka_unit_test(rewound_tensor),  cmocka_unit_test(rewound_list),
        cmocka_unit_test(rewound_entries), cmocka_unit_test(out_of_memory),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

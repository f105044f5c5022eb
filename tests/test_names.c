/* Handles that outlived what they named: reported by name, by every call that takes one, whatever
 * stands in its place by now. Marks and captures are test_names_marks.c's, whole programs
 * test_names_programs.c's. */
#include "stale.h"

enum { HANDLES = 1000, A_TURN = (HANDLES + REWINDS - 1) / REWINDS };

/* --- of each kind --- */

static const void *make_tensor(const living *l, uint64_t *state)
{
    switch (below(state, 5)) {
    case 0:
        return tg_ones(l->tape, TG_SCALAR, 0);
    case 1:
        return tg_zeros(l->tape, TG_DIMS(1, 1, 1, 3), TG_REQUIRES_GRAD);
    case 2:
        return tg_mul(l->leaf, l->plain);
    case 3:
        return tg_expand(l->plain, TG_DIMS(2, 3));
    default:
        return tg_sum(tg_add_scalar(l->leaf, 1));
    }
}

static const void *make_optim(const living *l, uint64_t *state)
{
    return below(state, 2) ? tg_sgd(l->tape, &l->leaf, 1, NULL)
                           : tg_adamw(l->tape, &l->leaf, 1, NULL);
}

static const void *make_list(const living *l, uint64_t *state)
{
    tg_params *list = tg_params_new(l->tape);
    if (below(state, 2))
        tg_params_add(list, l->leaf, "leaf");
    return list;
}

static const void *make_batches(const living *l, uint64_t *state)
{
    return tg_batches_new(l->tape, below(state, 6), 1 + below(state, 3), NULL);
}

static const void *make_capture(const living *l, uint64_t *state)
{
    tg_capture *c = tg_capture_begin(l->tape);
    if (below(state, 2))
        tg_mul(l->leaf, l->plain);
    assert_int_equal(tg_capture_end(c), TG_OK);
    return c;
}

static const void *make_one(const living *l, name_kind kind, uint64_t *state)
{
    static const void *(*const make[])(const living *, uint64_t *) = {
        make_tensor, make_optim, make_list, make_batches, make_capture};
    const void *handle = make[kind](l, state);
    assert_non_null(handle);
    return handle;
}

/* Right after the rewind, with nothing in its place. */
static void just_rewound(void **state)
{
    (void)state;
    uint64_t seed = 1;
    for (name_kind kind = NAME_TENSOR; kind < NAME_MARK; kind++) {
        tg_tape *tape = tg_tape_new(NULL);
        living l = make_living(tape);
        const void *handle = make_one(&l, kind, &seed);
        assert_int_equal(tg_tape_rewind(tape, l.mark), TG_OK);
        assert_dead(&l, kind, handle);
        assert_living(&l);
        tg_tape_free(tape);
    }
}

/* Handles that are kept are no handles of what is made later. */
static void make_handles(const living *l, name_kind kind, const void **kept, int n, int more,
                         uint64_t *state)
{
    for (int i = n; i < n + more; i++) {
        kept[i] = make_one(l, kind, state);
        for (int k = 0; k < i; k++)
            assert_ptr_not_equal(kept[k], kept[i]);
        make_litter(l, state, kept[below(state, (uint32_t)i + 1)]);
    }
    assert_ok(l->tape);
}

/* A thousand of them, each used after up to as many rewinds as are told apart. */
static void after_rewinds(name_kind kind)
{
    static const void *kept[HANDLES];
    uint64_t seed = 10 + (uint64_t)kind;
    tg_tape *tape = tg_tape_new(NULL);
    living l = make_living(tape);
    int n = 0;
    for (int turn = 0; turn < REWINDS && n < HANDLES; turn++) {
        int more = n + A_TURN > HANDLES ? HANDLES - n : A_TURN;
        assert_int_equal(tg_tape_rewind(tape, l.mark), TG_OK);
        make_litter(&l, &seed, n ? kept[n - 1] : NULL);
        make_handles(&l, kind, kept, n, more, &seed);
        for (int i = 0; n && i < 4; i++)
            assert_dead_in_one(&l, kind, kept[below(&seed, (uint32_t)n)], &seed);
        n += more;
    }
    assert_int_equal(n, HANDLES);
    assert_int_equal(tg_tape_rewind(tape, l.mark), TG_OK);
    make_litter(&l, &seed, kept[0]);
    for (int i = 0; i < HANDLES; i++)
        assert_dead(&l, kind, kept[i]);
    assert_living(&l);
    tg_tape_free(tape);
}

static void tensors(void **state)
{
    (void)state;
    after_rewinds(NAME_TENSOR);
}

static void optimisers(void **state)
{
    (void)state;
    after_rewinds(NAME_OPTIM);
}

static void lists(void **state)
{
    (void)state;
    after_rewinds(NAME_LIST);
}

static void batches(void **state)
{
    (void)state;
    after_rewinds(NAME_BATCHES);
}

static void captures(void **state)
{
    (void)state;
    after_rewinds(NAME_CAPTURE);
}

/* A loop that makes the same in each turn, so that a kept handle's place always has a tenant of the
 * same kind. */
static void same_in_each_turn(void **state)
{
    (void)state;
    uint64_t seed = 3;
    for (name_kind kind = NAME_TENSOR; kind < NAME_MARK; kind++) {
        const void *first = NULL, *last = NULL;
        tg_tape *tape = tg_tape_new(NULL);
        living l = make_living(tape);
        for (int turn = 0; turn < REWINDS; turn++) {
            uint64_t same = 5;
            assert_int_equal(tg_tape_rewind(tape, l.mark), TG_OK);
            const void *now = make_one(&l, kind, &same);
            assert_ptr_not_equal(now, first);
            assert_ptr_not_equal(now, last);
            if (first) {
                assert_dead_in_one(&l, kind, first, &seed);
                assert_dead_in_one(&l, kind, last, &seed);
            }
            first = first ? first : now;
            last = now;
        }
        assert_living(&l);
        tg_tape_free(tape);
    }
}

/* A handle of one kind is none of another. */
static void other_kind_in_its_place(void **state)
{
    (void)state;
    uint64_t seed = 4;
    for (name_kind kind = NAME_TENSOR; kind < NAME_MARK; kind++) {
        for (name_kind other = NAME_TENSOR; other < NAME_MARK; other++) {
            tg_tape *tape = tg_tape_new(NULL);
            living l = make_living(tape);
            const void *handle = make_one(&l, kind, &seed);
            assert_int_equal(tg_tape_rewind(tape, l.mark), TG_OK);
            for (int i = 0; i < 8; i++)
                make_one(&l, other, &seed);
            assert_dead(&l, kind, handle);
            assert_living(&l);
            tg_tape_free(tape);
        }
    }
}

/* Sizes that spell what once told living tensors from dead ones. */
static void words_of_former_times(void **state)
{
    (void)state;
    if (sizeof(void *) < 8)
        skip(); /* no shape has a size like that */
    for (int first = 0; first < TG_MAX_NDIM - 1; first++) {
        int64_t dims[TG_MAX_NDIM] = {0};
        tg_tape *tape = tg_tape_new(NULL);
        living l = make_living(tape);
        tg_zeros(tape, TG_SCALAR, 0);
        const tg_tensor *dead = tg_zeros(tape, TG_SCALAR, 0);
        assert_int_equal(tg_tape_rewind(tape, l.mark), TG_OK);
        dims[first] = 0x746e7372;
        dims[first + 1] = 16;
        assert_non_null(tg_zeros(tape, TG_MAX_NDIM, dims, 0));
        assert_dead(&l, NAME_TENSOR, dead);
        tg_tape_free(tape);
    }
}

/* --- where generations end --- */

/* A slot's handles are told apart until it was taken as often as there are generations; then the
 * first one comes back. */
static void the_wrap(void **state)
{
    (void)state;
    if (GENERATIONS > 1 << 16)
        skip(); /* takes long, and shows the same */
    uint64_t seed = 6;
    tg_tape *tape = tg_tape_new(NULL);
    living l = make_living(tape);
    const tg_tensor *first = tg_ones(tape, TG_SCALAR, 0);
    for (int turn = 1; turn < GENERATIONS; turn++) {
        assert_int_equal(tg_tape_rewind(tape, l.mark), TG_OK);
        assert_ptr_not_equal(tg_ones(tape, TG_SCALAR, 0), first);
        assert_dead_in_one(&l, NAME_TENSOR, first, &seed);
    }
    assert_int_equal(tg_tape_rewind(tape, l.mark), TG_OK);
    assert_ptr_equal(tg_ones(tape, TG_SCALAR, 0), first);
    tg_tape_free(tape);
}

/* --- gradients --- */

/* A leaf's gradient has one handle as long as the leaf. After tg_zero_grad() its values are those
 * that it had, until a backward pass puts others there. */
static void gradient_over_zero_grad(void **state)
{
    (void)state;
    tg_tape *tape = tg_tape_new(NULL);
    tg_tensor *w = tg_ones(tape, TG_DIMS(2), TG_REQUIRES_GRAD);
    tg_mark step = tg_tape_mark(tape);
    const tg_tensor *kept = NULL;
    for (int i = 1; i <= 5; i++) {
        assert_int_equal(tg_tape_rewind(tape, step), TG_OK);
        assert_int_equal(tg_backward(tg_sum(tg_mul_scalar(w, i))), TG_OK);
        assert_true(!kept || kept == tg_grad(w));
        kept = tg_grad(w);
        assert_equal(tg_f32(kept)[1], i);
        tg_zero_grad(w);
        assert_null(tg_grad(w));
        assert_equal(tg_f32(kept)[1], i);
        assert_ok(tape);
    }
    tg_tape_free(tape);
}

static void gradient_of_a_dead_leaf(void **state)
{
    (void)state;
    uint64_t seed = 7;
    tg_tape *tape = tg_tape_new(NULL);
    living l = make_living(tape);
    const tg_tensor *kept[REWINDS];
    for (int turn = 0; turn < REWINDS; turn++) {
        assert_int_equal(tg_tape_rewind(tape, l.mark), TG_OK);
        tg_tensor *w = tg_ones(tape, TG_DIMS(2), TG_REQUIRES_GRAD), *y = tg_neg(w);
        assert_int_equal(tg_retain_grad(y), TG_OK);
        assert_int_equal(tg_backward(tg_sum(y)), TG_OK);
        kept[turn] = tg_grad(turn % 2 ? w : y);
        assert_non_null(kept[turn]);
        if (turn)
            assert_dead_in_one(&l, NAME_TENSOR, kept[below(&seed, (uint32_t)turn)], &seed);
        make_litter(&l, &seed, kept[turn]);
    }
    assert_int_equal(tg_tape_rewind(tape, l.mark), TG_OK);
    make_litter(&l, &seed, kept[0]);
    for (int i = 0; i < REWINDS; i++)
        assert_dead(&l, NAME_TENSOR, kept[i]);
    assert_living(&l);
    tg_tape_free(tape);
}

/* A gradient that create_graph made goes with the rewind; the leaf's own one stays. */
static void recorded_gradient(void **state)
{
    (void)state;
    uint64_t seed = 8;
    tg_tape *tape = tg_tape_new(NULL);
    living l = make_living(tape);
    const tg_backward_opts graph = {.create_graph = true};
    tg_zero_grad(l.leaf);
    assert_int_equal(tg_backward_with(tg_sum(tg_mul(l.leaf, l.leaf)), NULL, &graph), TG_OK);
    const tg_tensor *recorded = tg_grad(l.leaf);
    assert_true(tg_requires_grad(recorded));
    for (int turn = 0; turn < REWINDS; turn++) {
        assert_int_equal(tg_tape_rewind(tape, l.mark), TG_OK);
        make_litter(&l, &seed, recorded);
        assert_ptr_not_equal(tg_grad(l.leaf), recorded);
        assert_false(tg_requires_grad(tg_grad(l.leaf)));
        assert_dead_in_one(&l, NAME_TENSOR, recorded, &seed);
    }
    assert_dead(&l, NAME_TENSOR, recorded);
    assert_living(&l);
    tg_tape_free(tape);
}

/* --- parts that were rewound away --- */

/* An optimiser and a list from before a mark that have grown after it. */
static void grown_since(void **state)
{
    (void)state;
    uint64_t seed = 9;
    tg_tape *tape = tg_tape_new(NULL);
    living l = make_living(tape);
    tg_optim *optim = tg_sgd(tape, &l.leaf, 1, NULL);
    tg_params *list = tg_params_new(tape);
    tg_mark before = tg_tape_mark(tape);
    for (int i = 0; i < 9; i++)
        assert_non_null(tg_params_add(list, l.plain, "%d", i));
    assert_int_equal(tg_optim_add_group(optim, &l.f64, 1, 1), TG_OK);
    for (int turn = 0; turn < REWINDS - 1; turn++) {
        assert_int_equal(tg_tape_rewind(tape, before), TG_OK);
        make_litter(&l, &seed, optim);
        make_list(&l, &seed);
        assert_dead_in_one(&l, NAME_OPTIM, optim, &seed);
        assert_dead_in_one(&l, NAME_LIST, list, &seed);
    }
    assert_dead(&l, NAME_OPTIM, optim);
    assert_dead(&l, NAME_LIST, list);
    assert_living(&l);
    tg_tape_free(tape);
}

/* A list from before the mark with a tensor from after it. */
static void dead_in_a_list(void **state)
{
    (void)state;
    uint64_t seed = 11;
    tg_tape *tape = tg_tape_new(NULL);
    living l = make_living(tape);
    tg_params *list = tg_params_new(tape);
    assert_ptr_equal(tg_params_add(list, l.leaf, "leaf"), l.leaf);
    tg_mark before = tg_tape_mark(tape);
    assert_non_null(tg_params_add(list, tg_ones(tape, TG_DIMS(3), TG_REQUIRES_GRAD), "late"));
    for (int turn = 0; turn < REWINDS - 1; turn++) {
        assert_int_equal(tg_tape_rewind(tape, before), TG_OK);
        make_litter(&l, &seed, list);
        assert_ptr_equal(tg_params_tensor(list, 0), l.leaf);
        assert_dead_in_one(&l, NAME_TENSOR, tg_params_find(list, "late"), &seed);
        assert_null(tg_sgd(tape, tg_params_unique(list), tg_params_unique_count(list), NULL));
        assert_error(tape, TG_ESTATE, "sgd: the tensor was rewound away");
    }
    tg_tape_free(tape);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(just_rewound),
        cmocka_unit_test(tensors),
        cmocka_unit_test(optimisers),
        cmocka_unit_test(lists),
        cmocka_unit_test(batches),
        cmocka_unit_test(captures),
        cmocka_unit_test(same_in_each_turn),
        cmocka_unit_test(other_kind_in_its_place),
        cmocka_unit_test(words_of_former_times),
        cmocka_unit_test(the_wrap),
        cmocka_unit_test(gradient_over_zero_grad),
        cmocka_unit_test(gradient_of_a_dead_leaf),
        cmocka_unit_test(recorded_gradient),
        cmocka_unit_test(grown_since),
        cmocka_unit_test(dead_in_a_list),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

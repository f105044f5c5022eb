/* Marks and captures that the tape was rewound past, or whose tape was freed: refused by every call
 * that takes one. And marks that look as if they were, and are good. */
#include "stale.h"

#include <stdlib.h>

enum { MARKS = 1000, A_TURN = (MARKS + REWINDS - 1) / REWINDS };

/* --- stale marks --- */

/* The program of few lines: something larger stands where the mark's last tensor was. */
static void built_over(void **state)
{
    (void)state;
    tg_tape *tape = tg_tape_new(NULL);
    living l = make_living(tape);
    tg_zeros(tape, TG_SCALAR, 0);
    tg_zeros(tape, TG_SCALAR, 0);
    tg_mark inner = tg_tape_mark(tape);
    assert_int_equal(tg_tape_rewind(tape, l.mark), TG_OK);
    assert_dead(&l, NAME_MARK, &inner);
    tg_ones(tape, TG_DIMS(1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1), 0);
    assert_dead(&l, NAME_MARK, &inner);
    assert_living(&l);
    tg_tape_free(tape);
}

/* On a tape that has nothing before its first mark. */
static void built_over_on_an_empty_tape(void **state)
{
    (void)state;
    tg_tape *tape = tg_tape_new(NULL);
    tg_mark outer = tg_tape_mark(tape);
    tg_zeros(tape, TG_SCALAR, 0);
    tg_zeros(tape, TG_SCALAR, 0);
    tg_mark inner = tg_tape_mark(tape);
    for (int turn = 1; turn < REWINDS; turn++) {
        assert_int_equal(tg_tape_rewind(tape, outer), TG_OK);
        tg_tensor *t = tg_ones(tape, TG_DIMS(1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1), 0);
        if (turn % 2)
            tg_mul(t, t);
        assert_int_equal(tg_tape_rewind(tape, inner), TG_ESTATE);
        assert_error(tape, TG_ESTATE, "tape_rewind: stale mark: the tape was rewound past it");
        assert_equal(tg_item(t), 1);
    }
    tg_tape_free(tape);
}

static void stale_marks(void **state)
{
    (void)state;
    static tg_mark kept[MARKS];
    uint64_t seed = 1;
    tg_tape *tape = tg_tape_new(NULL);
    living l = make_living(tape);
    int n = 0;
    for (int turn = 0; turn < REWINDS && n < MARKS; turn++) {
        int before = n;
        assert_int_equal(tg_tape_rewind(tape, l.mark), TG_OK);
        for (int i = 0; i < A_TURN && n < MARKS; i++) {
            make_litter(&l, &seed, l.leaf);
            tg_ones(tape, TG_SCALAR, 0);
            kept[n++] = tg_tape_mark(tape);
        }
        make_litter(&l, &seed, l.loss);
        assert_ok(tape);
        for (int i = 0; before && i < 4; i++)
            assert_dead_in_one(&l, NAME_MARK, &kept[below(&seed, (uint32_t)before)], &seed);
    }
    assert_int_equal(n, MARKS);
    assert_int_equal(tg_tape_rewind(tape, l.mark), TG_OK);
    make_litter(&l, &seed, l.leaf);
    for (int i = 0; i < MARKS; i++)
        assert_dead(&l, NAME_MARK, &kept[i]);
    assert_living(&l);
    tg_tape_free(tape);
}

/* The same is made in each turn, so that at the mark's place there always is something like it. */
static void stale_mark_of_a_loop(void **state)
{
    (void)state;
    uint64_t seed = 2;
    tg_tape *tape = tg_tape_new(NULL);
    living l = make_living(tape);
    tg_mark first = l.mark, last = l.mark;
    for (int turn = 0; turn < REWINDS; turn++) {
        assert_int_equal(tg_tape_rewind(tape, l.mark), TG_OK);
        tg_tensor *y = tg_mul(l.leaf, l.plain);
        tg_mark here = tg_tape_mark(tape);
        tg_sum(y);
        if (turn) {
            assert_dead_in_one(&l, NAME_MARK, &first, &seed);
            assert_dead_in_one(&l, NAME_MARK, &last, &seed);
            assert_int_equal(tg_tape_replay(tape, here), TG_OK);
        }
        first = turn ? first : here;
        last = here;
    }
    assert_living(&l);
    tg_tape_free(tape);
}

/* --- what is rewound without being a tensor --- */

/* Each leaves something on the tape, but no tensor that a program gets. */

static void in_place(const living *l)
{
    tg_uniform_(l->into, 0, 1);
}

static void accumulated(const living *l)
{
    assert_int_equal(tg_add_(l->into, tg_detach(l->into), 1), TG_OK);
}

static void initialised(const living *l)
{
    tg_xavier_uniform_(l->into, 1);
}

static void list_grown(const living *l)
{
    for (int i = 0; i < 8; i++)
        assert_non_null(tg_params_add(l->list, l->plain, "%d", i));
}

static void group_added(const living *l)
{
    assert_int_equal(tg_optim_add_group(l->optim, &(tg_tensor *){l->f64}, 1, 1), TG_OK);
}

static void gradient_retained(const living *l)
{
    assert_int_equal(tg_retain_grad(l->loss), TG_OK);
}

static void captured(const living *l)
{
    tg_capture *c = tg_capture_begin(l->tape);
    tg_uniform_(l->into, 0, 1);
    assert_int_equal(tg_capture_end(c), TG_OK);
}

static void backward_recorded(const living *l)
{
    const tg_backward_opts graph = {.create_graph = true};
    assert_int_equal(tg_backward_with(l->loss, NULL, &graph), TG_OK);
}

/* A mark behind each of them, after a rewind to one before it, with the same or others in its
 * place. */
static void marks_without_tensors(void **state)
{
    (void)state;
    static void (*const make[])(const living *) = {in_place,   accumulated,      initialised,
                                                   list_grown, group_added,      gradient_retained,
                                                   captured,   backward_recorded};
    enum { N = sizeof make / sizeof *make };
    for (int first = 0; first < N; first++) {
        for (int then = 0; then <= N; then++) {
            tg_tape *tape = tg_tape_new(NULL);
            living l = make_living(tape);
            make[first](&l);
            tg_mark behind = tg_tape_mark(tape);
            assert_int_equal(tg_tape_rewind(tape, l.mark), TG_OK);
            assert_dead(&l, NAME_MARK, &behind);
            living other = l; /* lists and optimisers that have grown are gone */
            other.list = tg_params_new(tape);
            other.optim = tg_sgd(tape, &l.leaf, 1, NULL);
            if (then < N)
                make[then](&other);
            assert_dead(&l, NAME_MARK, &behind);
            assert_int_equal(tg_tape_replay(tape, l.mark), TG_OK);
            assert_ok(tape);
            tg_tape_free(tape);
        }
    }
}

/* --- marks of freed tapes --- */

/* Gives the same memory to each tape that is made after the one before was freed. */
typedef struct lot {
    size_t used, live;
    _Alignas(64) char memory[1 << 20];
} lot;

static void *lot_alloc(void *context, size_t size)
{
    lot *l = context;
    l->used = l->live ? l->used : 0;
    size_t at = l->used, padded = (size + 63) / 64 * 64;
    if (padded > sizeof l->memory - at)
        return NULL;
    l->used += padded;
    l->live += size;
    return l->memory + at;
}

static void lot_free(void *context, void *memory, size_t size)
{
    (void)memory;
    ((lot *)context)->live -= size;
}

static tg_tape *tape_on(lot *l)
{
    tg_tape *tape =
        tg_tape_new(&(tg_tape_opts){.alloc = lot_alloc, .free = lot_free, .context = l});
    assert_ptr_equal(tape, l->memory);
    return tape;
}

static void assert_of_another(const living *l, const tg_mark *mark)
{
    for (const dead_use *use = dead_uses(NAME_MARK); use->name; use++)
        assert_reported_as(use, l, mark, TG_EVALUE, "the mark is of another tape");
    assert_living(l);
}

/* Marks of an empty tape, after a leaf, and after a rewind. */
static void old_marks(lot *place, tg_mark marks[3], int rewinds)
{
    tg_tape *tape = tape_on(place);
    marks[0] = tg_tape_mark(tape);
    tg_ones(tape, TG_DIMS(3), TG_REQUIRES_GRAD);
    marks[1] = tg_tape_mark(tape);
    for (int i = 0; i < rewinds; i++) {
        tg_ones(tape, TG_DIMS(2), 0);
        assert_int_equal(tg_tape_rewind(tape, marks[1]), TG_OK);
    }
    tg_ones(tape, TG_DIMS(2), 0);
    marks[2] = tg_tape_mark(tape);
    tg_tape_free(tape);
}

static void freed_tape(void **state)
{
    (void)state;
    static lot place;
    for (int rewinds = 0; rewinds <= 10000; rewinds = 10 * rewinds + 1) {
        tg_mark marks[3];
        old_marks(&place, marks, rewinds);
        tg_tape *tape = tape_on(&place);
        for (int i = 0; i < 3; i++) {
            assert_int_equal(tg_tape_rewind(tape, marks[i]), TG_EVALUE); /* empty, still */
            assert_error(tape, TG_EVALUE, "tape_rewind: the mark is of another tape");
        }
        living l = make_living(tape);
        for (int i = 0; i < 3; i++)
            assert_of_another(&l, &marks[i]);
        tg_tape_free(tape);
    }
}

/* Tapes that do the same, one after the other, as fast as may be. */
static void many_freed_tapes(void **state)
{
    (void)state;
    enum { TAPES = 1000 };
    static lot place;
    static tg_mark marks[TAPES];
    for (int i = 0; i < TAPES; i++) {
        tg_tape *tape = tape_on(&place);
        tg_mark start = tg_tape_mark(tape);
        for (int k = 0; k < i % 4; k++)
            assert_int_equal(tg_tape_rewind(tape, start), TG_OK);
        tg_tensor *w = tg_ones(tape, TG_DIMS(3), TG_REQUIRES_GRAD);
        marks[i] = i % 3 ? tg_tape_mark(tape) : start;
        for (int k = i > 50 ? i - 50 : 0; k < i; k++) {
            assert_int_equal(tg_tape_rewind(tape, marks[k]), TG_EVALUE);
            assert_error(tape, TG_EVALUE, "tape_rewind: the mark is of another tape");
        }
        assert_equal(tg_f32(w)[2], 1);
        tg_tape_free(tape);
    }
    tg_tape *tape = tape_on(&place);
    living l = make_living(tape);
    for (int i = 0; i < TAPES; i++)
        assert_of_another(&l, &marks[i]);
    tg_tape_free(tape);
}

/* --- good marks --- */

static void used_very_often(void **state)
{
    (void)state;
    for (int with = 0; with < 2; with++) {
        tg_tape *tape = tg_tape_new(NULL);
        tg_tensor *w = with ? tg_ones(tape, TG_DIMS(2), TG_REQUIRES_GRAD) : NULL;
        tg_mark start = tg_tape_mark(tape);
        for (int i = 0; i < 100000; i++) {
            assert_int_equal(tg_tape_rewind(tape, start), TG_OK);
            tg_tensor *t = tg_full(tape, TG_DIMS(2), i, 0);
            if (w && i % 16 == 0)
                assert_non_null(tg_mul(w, t));
        }
        assert_int_equal(tg_tape_replay(tape, start), TG_OK);
        assert_true(!w || tg_f32(w)[1] == 1);
        tg_tape_free(tape);
    }
}

/* Two marks of one place, with a rewind between them, are equally good. */
static void after_a_rewind(void **state)
{
    (void)state;
    for (int with = 0; with < 2; with++) {
        tg_tape *tape = tg_tape_new(NULL);
        if (with)
            tg_ones(tape, TG_DIMS(2), TG_REQUIRES_GRAD);
        tg_mark first = tg_tape_mark(tape), marks[20];
        for (int i = 0; i < 20; i++) {
            tg_ones(tape, TG_DIMS(i), 0);
            assert_int_equal(tg_tape_rewind(tape, first), TG_OK);
            marks[i] = tg_tape_mark(tape);
        }
        for (int i = 19; i >= 0; i--) {
            tg_ones(tape, TG_DIMS(i), 0);
            assert_int_equal(tg_tape_replay(tape, marks[i]), TG_OK);
            assert_int_equal(tg_tape_rewind(tape, marks[i]), TG_OK);
            assert_int_equal(tg_tape_rewind(tape, first), TG_OK);
        }
        tg_tape_free(tape);
    }
}

/* A stack of marks: those below the one that was rewound to stay good, those above are gone. */
static void nested(void **state)
{
    (void)state;
    enum { DEEP = 40, TURNS = REWINDS < 200 ? REWINDS : 200 };
    uint64_t seed = 3;
    tg_tape *tape = tg_tape_new(NULL);
    living l = make_living(tape);
    tg_mark marks[DEEP] = {l.mark}, gone[DEEP];
    int n = 1, n_gone = 0;
    for (int turn = 1; turn < TURNS; turn++) {
        while (n < DEEP) {
            tg_ones(tape, TG_DIMS(1 + below(&seed, 4)), 0);
            marks[n++] = tg_tape_mark(tape);
        }
        int to = (int)below(&seed, DEEP - 1);
        assert_int_equal(tg_tape_rewind(tape, marks[to]), TG_OK);
        n_gone = DEEP - to - 1;
        memcpy(gone, marks + to + 1, (size_t)n_gone * sizeof *gone);
        make_litter(&l, &seed, NULL);
        for (int i = 0; i < n_gone; i++)
            assert_dead_in_one(&l, NAME_MARK, &gone[i], &seed);
        for (int i = 0; i <= to; i++)
            assert_int_equal(tg_tape_replay(tape, marks[i]), TG_OK);
        n = to + 1;
    }
    assert_living(&l);
    tg_tape_free(tape);
}

/* Marks before, inside of and after a capture that is replayed while things come and go. */
static void around_a_capture(void **state)
{
    (void)state;
    uint64_t seed = 4;
    tg_tape *tape = tg_tape_new(NULL);
    living l = make_living(tape);
    tg_capture *c = tg_capture_begin(tape);
    tg_tensor *y = tg_mul_scalar(l.leaf, 3);
    assert_int_equal(tg_capture_end(c), TG_OK);
    tg_mark after = tg_tape_mark(tape);
    for (int turn = 0; turn < REWINDS; turn++) {
        assert_int_equal(tg_tape_rewind(tape, after), TG_OK);
        make_litter(&l, &seed, c);
        assert_int_equal(tg_capture_replay(c), TG_OK);
        assert_equal(tg_f32(y)[2], 3);
    }
    assert_int_equal(tg_tape_rewind(tape, l.mark), TG_OK);
    make_litter(&l, &seed, c);
    assert_dead(&l, NAME_CAPTURE, c);
    assert_dead(&l, NAME_MARK, &after);
    assert_living(&l);
    tg_tape_free(tape);
}

/* --- captures that were rewound into --- */

static void rewound_into(void **state)
{
    (void)state;
    uint64_t seed = 5;
    tg_tape *tape = tg_tape_new(NULL);
    living l = make_living(tape);
    tg_capture *c = tg_capture_begin(tape);
    tg_tensor *a = tg_mul(l.leaf, l.leaf);
    tg_mark inside = tg_tape_mark(tape);
    tg_sum(a);
    assert_int_equal(tg_capture_end(c), TG_OK);
    for (int turn = 1; turn < REWINDS; turn++) {
        assert_int_equal(tg_tape_rewind(tape, inside), TG_OK);
        if (turn % 2)
            make_litter(&l, &seed, c);
        else
            tg_sum(a); /* as in the capture */
        assert_int_equal(tg_capture_replay(c), TG_ESTATE);
        assert_error(tape, TG_ESTATE, "capture_replay: the tape was rewound into the capture");
        assert_equal(tg_f32(a)[2], 1);
    }
    assert_int_equal(tg_tape_rewind(tape, l.mark), TG_OK);
    make_litter(&l, &seed, c);
    assert_dead(&l, NAME_CAPTURE, c);
    assert_dead(&l, NAME_MARK, &inside);
    assert_living(&l);
    tg_tape_free(tape);
}

/* --- checkpoints --- */

static tg_tensor *block(tg_tensor *x)
{
    return tg_tanh(tg_mul_scalar(tg_tanh(x), 0.5));
}

/* Good marks are taken, also beside stale ones. */
static void checkpoints(void **state)
{
    (void)state;
    uint64_t seed = 6;
    tg_tape *tape = tg_tape_new(NULL);
    living l = make_living(tape);
    double want = tg_item(tg_sum(block(block(l.leaf))));
    tg_mark stale = tg_tape_mark(tape);
    for (int turn = 1; turn < (REWINDS < 50 ? REWINDS : 50); turn++) {
        tg_tensor *x = l.leaf;
        assert_int_equal(tg_tape_rewind(tape, l.mark), TG_OK);
        for (int i = 0; i < 2; i++) {
            tg_mark layer = tg_tape_mark(tape);
            x = block(x);
            assert_dead_in_one(&l, NAME_MARK, &stale, &seed);
            assert_int_equal(tg_checkpoint(tape, layer, &x, 1), TG_OK);
        }
        tg_tensor *loss = tg_sum(x);
        assert_equal(tg_item(loss), want);
        assert_int_equal(tg_tape_rewind(tape, tg_tape_mark(tape)), TG_OK);
        tg_zero_grad(l.leaf);
        assert_int_equal(tg_backward(loss), TG_OK);
        assert_true(tg_f32(tg_grad(l.leaf))[0] > 0);
    }
    assert_ok(tape);
    tg_tape_free(tape);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(built_over),
        cmocka_unit_test(built_over_on_an_empty_tape),
        cmocka_unit_test(stale_marks),
        cmocka_unit_test(stale_mark_of_a_loop),
        cmocka_unit_test(marks_without_tensors),
        cmocka_unit_test(freed_tape),
        cmocka_unit_test(many_freed_tapes),
        cmocka_unit_test(used_very_often),
        cmocka_unit_test(after_a_rewind),
        cmocka_unit_test(nested),
        cmocka_unit_test(around_a_capture),
        cmocka_unit_test(rewound_into),
        cmocka_unit_test(checkpoints),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

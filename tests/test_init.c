/* Initialisers: the bits of PyTorch's from the same seed, replays, empty tensors, wrong arguments,
 * memory that runs out. */
#include "refuses.h"

enum { MOST = 8 };

typedef struct shape {
    int ndim;
    int64_t dims[4];
} shape;

typedef struct golden {
    void (*make)(tg_tensor *const *t);
    bool normal;
    int n;
    shape shapes[MOST];
    const double *want[2]; /* by dtype: all elements, one tensor after the other */
} golden;

#include "golden/init.inc"

enum { CASES = sizeof cases / sizeof *cases };

static void expect_values(int k, int dtype, tg_tensor *const *t)
{
    const golden *c = &cases[k];
    const double *want = c->want[dtype];
    /* The last bits of double normals are libm's. */
    double tolerance = c->normal && dtype == TG_F64 ? 1e-14 : 0;
    for (int i = 0; i < c->n; i++) {
        snapshot s = snapshot_of(t[i]);
        for (int64_t e = 0; e < s.numel; e++, want++) {
            if (!(fabs(snapshot_at(&s, e) - *want) <= tolerance))
                fail_msg("case %d, dtype %d, tensor %d, element %d: %a, wanted %a", k, dtype, i,
                         (int)e, snapshot_at(&s, e), *want);
        }
    }
}

static void run_golden(int k, int dtype)
{
    const golden *c = &cases[k];
    tg_tape *tape = tg_tape_new(NULL);
    tg_tensor *t[MOST];
    for (int i = 0; i < c->n; i++)
        t[i] = tg_zeros(tape, c->shapes[i].ndim, c->shapes[i].dims, dtype | TG_REQUIRES_GRAD);
    tg_mark mark = tg_tape_mark(tape);
    tg_manual_seed(tape, 40431);
    c->make(t);
    assert_ok(tape);
    expect_values(k, dtype, t);
    snapshot first = snapshot_of(t[0]);
    assert_int_equal(tg_tape_replay(tape, mark), TG_OK);
    snapshot second = snapshot_of(t[0]);
    assert_false(snapshot_same(&first, &second));
    tg_manual_seed(tape, 40431);
    assert_int_equal(tg_tape_replay(tape, mark), TG_OK);
    expect_values(k, dtype, t);
    tg_tape_free(tape);
}

static void golden_values(void **state)
{
    (void)state;
    for (int k = 0; k < CASES; k++) {
        run_golden(k, TG_F32);
        run_golden(k, TG_F64);
    }
}

/* Nothing is drawn for them, and a bias without inputs is 0. */
static void empty(void **state)
{
    (void)state;
    tg_tape *tape = tg_tape_new(NULL);
    tg_tensor *none = tg_zeros(tape, TG_DIMS(0, 0), 0), *bias = tg_ones(tape, TG_DIMS(2), 0);
    tg_tensor *conv = tg_zeros(tape, TG_DIMS(2, 0, 3), 0);
    tg_mark mark = tg_tape_mark(tape);
    tg_embedding_init(none);
    tg_xavier_uniform_(none, 0);
    tg_xavier_normal_(none, 0);
    tg_kaiming_uniform_(none, NULL);
    tg_kaiming_normal_(none, NULL);
    tg_recurrent_init(&none, 1, 1);
    tg_recurrent_init(NULL, 0, 1);
    assert_ok(tape);
    assert_true(marks_equal(mark, tg_tape_mark(tape)));
    tg_conv_init(conv, bias);
    assert_ok(tape);
    assert_equal(tg_f32(bias)[0], 0);
    assert_equal(tg_f32(bias)[1], 0);
    /* Among others they draw nothing, as if they were not there. */
    tg_tensor *alone = tg_ones(tape, TG_DIMS(2), 0);
    tg_manual_seed(tape, 7);
    tg_recurrent_init(&alone, 1, 4);
    tg_manual_seed(tape, 7);
    tg_recurrent_init((tg_tensor *[]){none, bias}, 2, 4);
    assert_ok(tape);
    assert_true(tensors_same(bias, alone));
    assert_true(tg_f32(bias)[0] != 0 && fabs((double)tg_f32(bias)[0]) <= 0.5);
    tg_tape_free(tape);
}

enum { KINDS = 9 };

/* Every initialiser over the same tensors. */
static void fill_kind(int kind, tg_tensor *const *t)
{
    tg_tensor *many[64];
    for (int i = 0; i < 64; i++)
        many[i] = t[i % MOST];
    switch (kind) {
    case 0:
        tg_linear_init(t[1], t[2]);
        break;
    case 1:
        tg_conv_init(t[0], t[2]);
        break;
    case 2:
        tg_recurrent_init(many, 64, 2);
        break;
    case 3:
        tg_embedding_init(t[1]);
        break;
    case 4:
        tg_kaiming_uniform_(t[0], NULL);
        break;
    case 5:
        tg_kaiming_normal_(t[0], NULL);
        break;
    case 6:
        tg_xavier_uniform_(t[0], 0);
        break;
    case 7:
        tg_xavier_normal_(t[0], 0);
        break;
    default:
        tg_normal_(t[0], 0, 1);
    }
}

static const char *const names[KINDS] = {"linear_init",     "conv_init",        "recurrent_init",
                                         "embedding_init",  "kaiming_uniform_", "kaiming_normal_",
                                         "xavier_uniform_", "xavier_normal_",   "normal_"};

/* The tensors and the generator. */
typedef struct contents {
    snapshot t[MOST], rng;
} contents;

static void look(tg_tape *tape, tg_tensor *const *t, contents *into)
{
    for (int i = 0; i < MOST; i++)
        into->t[i] = snapshot_of(t[i]);
    into->rng = snapshot_of(tg_rng_state(tape));
}

static bool same(const contents *a, const contents *b)
{
    bool all = snapshot_same(&a->rng, &b->rng);
    for (int i = 0; i < MOST; i++)
        all &= snapshot_same(&a->t[i], &b->t[i]);
    return all;
}

typedef struct failure {
    int kind, before; /* operations, which move where a block of memory ends */
    bool for_ever, captured;
} failure;

/* Where allocation k fails, nothing was recorded, written or drawn, and the call by its name says
 * so; another try gives what a call without failure gives. False where none fails. */
static bool fail_at(int64_t k, const failure *f)
{
    static contents before, failed, second, wanted;
    for (int run = 0; run < 2; run++) {
        test_allocator allocator = {.fail_at = -1};
        tg_tape *tape = test_tape(&allocator, 1);
        tg_tensor *t[MOST];
        for (int i = 0; i < MOST; i++)
            t[i] = tg_ones(tape, i > 1 ? 1 : 3 - i, (const int64_t[]){2, 3, 2}, TG_REQUIRES_GRAD);
        if (f->captured)
            tg_capture_begin(tape);
        for (int i = 0; i < f->before; i++)
            tg_uniform_(t[0], 0, 1);
        if (run == 0) /* it makes blocks, in which the fills would find room */
            look(tape, t, &before);
        tg_mark mark = tg_tape_mark(tape);
        allocator = (test_allocator){
            .fail_at = run ? k : -1, .for_ever = f->for_ever, .live = allocator.live};
        fill_kind(f->kind, t);
        allocator.fail_at = -1;
        bool any = allocator.failures;
        assert_int_equal(marks_equal(mark, tg_tape_mark(tape)), any);
        if (any) {
            assert_error(tape, TG_ENOMEM, names[f->kind]);
            look(tape, t, &failed);
            assert_true(same(&before, &failed));
            fill_kind(f->kind, t);
        }
        assert_ok(tape);
        look(tape, t, run ? &second : &wanted);
        assert_false(same(&before, run ? &second : &wanted));
        tg_tape_free(tape);
        assert_int_equal(allocator.live, 0);
        if (run && any)
            assert_true(same(&second, &wanted));
        if (run)
            return any;
    }
    return false;
}

static void out_of_memory(void **state)
{
    (void)state;
    for (int captured = 0; captured < 2; captured++) {
        for (int kind = 0; kind < KINDS; kind++) {
            int64_t failures = 0;
            for (int way = 0; way < 128; way++) {
                int64_t k = 0;
                while (fail_at(k, &(failure){kind, way / 2, way & 1, captured}))
                    k++;
                failures += k;
            }
            if (failures == 0)
                fail_msg("%s, captured %d: no allocation", names[kind], captured);
        }
    }
}

#define REFUSED(status, part, other, ...) REFUSES(status, part, other, (__VA_ARGS__, true))

static void shapes(void **state)
{
    (void)state;
    tg_tensor *t[2];
    REFUSED(TG_ESHAPE, "conv_init: weight [2, 3]", "[out, in, size...]", tg_conv_init(w.f, NULL));
    REFUSED(TG_ESHAPE, "embedding_init: weight [4]", "[rows, columns]", tg_embedding_init(w.v));
    REFUSED(TG_ESHAPE, "xavier_uniform_: [4]", "2 dims", tg_xavier_uniform_(w.v, 0));
    REFUSED(TG_ESHAPE, "xavier_normal_: []", "2 dims", tg_xavier_normal_(w.s, 0));
    REFUSED(TG_ESHAPE, "kaiming_uniform_: [4]", "2 dims", tg_kaiming_uniform_(w.v, NULL));
    REFUSED(TG_ESHAPE, "kaiming_normal_: [4]", "2 dims", tg_kaiming_normal_(w.v, NULL));
    REFUSED(TG_EDTYPE, "xavier_normal_: ", "int64", tg_xavier_normal_(w.i, 0));
    REFUSED(TG_EDTYPE, "recurrent_init: ", "bool",
            (t[0] = w.f, t[1] = w.b, tg_recurrent_init(t, 2, 3)));
    REFUSED(TG_ESTATE, "kaiming_normal_: ", "[2, 3]", tg_kaiming_normal_(w.y, NULL));
    REFUSED(TG_ESTATE, "embedding_init: ", "[2, 3]", tg_embedding_init(w.y));
}

static void values(void **state)
{
    (void)state;
    const double inf = (double)INFINITY, nan_ = (double)NAN;
    tg_tensor *t[2];
    REFUSED(TG_EVALUE, "xavier_uniform_: gain -1", ">= 0", tg_xavier_uniform_(w.f, -1));
    REFUSED(TG_EVALUE, "xavier_normal_: gain inf", "finite", tg_xavier_normal_(w.f, inf));
    REFUSED(TG_EVALUE, "xavier_uniform_: gain 1e+39", "too large for float32",
            tg_xavier_uniform_(w.f, 1e39));
    REFUSED(TG_EVALUE, "xavier_normal_: gain 1e+39", "too large for float32",
            tg_xavier_normal_(w.f, 1e39));
    REFUSED(TG_EVALUE, "kaiming_uniform_: a is", "nan",
            tg_kaiming_uniform_(w.f, &(tg_kaiming_opts){.a = nan_}));
    REFUSED(TG_EVALUE, "kaiming_normal_: there is no nonlinearity 5", "",
            tg_kaiming_normal_(w.f, &(tg_kaiming_opts){.nonlinearity = (tg_nonlinearity)5}));
    REFUSED(TG_EVALUE, "recurrent_init: hidden size 0", "", tg_recurrent_init(&w.f, 1, 0));
    REFUSED(TG_EVALUE, "recurrent_init: input 1 is NULL", "",
            (t[0] = w.f, t[1] = NULL, tg_recurrent_init(t, 2, 3)));
    REFUSED(TG_EVALUE, "recurrent_init: inputs 1 and 0", "different tapes",
            (t[0] = w.f, t[1] = w.alien, tg_recurrent_init(t, 2, 3)));
    REFUSED(TG_EVALUE, "conv_init: input 0 is NULL", "", tg_conv_init(NULL, w.v));
    tg_tape *tape = tg_tape_new(NULL);
    tg_tensor *weight = tg_ones(tape, TG_DIMS(2, 1, 3), 0), *bias = tg_ones(tape, TG_DIMS(3), 0);
    tg_conv_init(weight, bias);
    assert_error(tape, TG_ESHAPE, "conv_init: bias [3] for a weight [2, 1, 3]");
    assert_equal(tg_f32(weight)[0], 1);
    tg_tape_free(tape);
    tg_conv_init(NULL, NULL);
    tg_embedding_init(NULL);
    tg_recurrent_init(NULL, 1, 1);
    tg_xavier_uniform_(NULL, 0);
    tg_kaiming_normal_(NULL, NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(golden_values), cmocka_unit_test(empty),         cmocka_unit_test(shapes),
        cmocka_unit_test(values),        cmocka_unit_test(out_of_memory),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

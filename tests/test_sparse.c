/* Gradients whose rows are known to be zero but for those that were read: SparseAdam against PyTorch, bit for
 * bit; SGD, Adagrad and clipping against updates of all rows; and what makes a gradient a dense one. */
#include "check.h"
#include "support.h"

#include <float.h>

typedef struct golden {
    tg_sparse_adam_opts opts;
    int dtype;
    double want[6][27];
} golden;

#include "golden/sparse.inc"

enum { CASES = sizeof cases / sizeof *cases };

/* --- against PyTorch --- */

static void run_golden(int k, tg_isa isa)
{
    const golden *c = &cases[k];
    tg_tape *tape = tg_tape_new(&(tg_tape_opts){.isa = isa});
    tg_tensor *w = tensor_from(tape, start, TG_DIMS(ROWS, WIDTH), c->dtype | TG_REQUIRES_GRAD);
    tg_optim *optim = tg_sparse_adam(tape, &w, 1, &c->opts);
    tg_mark mark = tg_tape_mark(tape);
    for (int step = 0; step < STEPS; step++) {
        tg_tape_rewind(tape, mark);
        tg_tensor *index = tg_from_i64(tape, indices[step], TG_DIMS(READS), 0);
        tg_tensor *g = tensor_from(tape, upstream[step], TG_DIMS(READS, WIDTH), c->dtype);
        tg_optim_zero_grad(optim);
        assert_int_equal(tg_backward_with(tg_embedding(w, index, PADDING), g, NULL), TG_OK);
        tg_optim_step(optim);
        assert_ok(tape);
        snapshot s = snapshot_of(w);
        for (int i = 0; i < ROWS * WIDTH; i++) {
            if (snapshot_at(&s, i) != c->want[step][i])
                fail_msg("case %d, step %d, element %d: %a, wanted %a", k, step, i,
                         snapshot_at(&s, i), c->want[step][i]);
        }
    }
    tg_tape_free(tape);
}

static void golden_values(void **state)
{
    (void)state;
    for (int k = 0; k < CASES; k++) {
        for (int isa = TG_ISA_BEST; isa <= TG_ISA_V4; isa++)
            run_golden(k, (tg_isa)isa);
    }
}

/* --- the bits of an update of all rows --- */

enum { TABLE = 200, COLUMNS = 5, WORDS = 70, TIMES = 6 };

typedef enum way { EAGER, REPLAYED, DENSE } way;

typedef struct training {
    tg_tape *tape;
    tg_tensor *w, *index, *factor;
    tg_optim *optim;
    tg_capture *capture;
} training;

typedef tg_optim *maker(tg_tape *tape, tg_tensor *const *params);

static tg_optim *plain(tg_tape *tape, tg_tensor *const *params)
{
    return tg_sgd(tape, params, 1, &(tg_sgd_opts){.lr = 0.3});
}

static tg_optim *upwards(tg_tape *tape, tg_tensor *const *params)
{
    return tg_sgd(tape, params, 1, &(tg_sgd_opts){.lr = 0.3, .maximize = true});
}

static tg_optim *decaying(tg_tape *tape, tg_tensor *const *params)
{
    return tg_sgd(tape, params, 1, &(tg_sgd_opts){.lr = 0.3, .weight_decay = 0.1});
}

static tg_optim *infinite(tg_tape *tape, tg_tensor *const *params)
{
    return tg_sgd(tape, params, 1, &(tg_sgd_opts){.lr = 1e300});
}

static tg_optim *heavy(tg_tape *tape, tg_tensor *const *params)
{
    return tg_sgd(tape, params, 1, &(tg_sgd_opts){.lr = 0.3, .momentum = 0.9});
}

static tg_optim *adagrad(tg_tape *tape, tg_tensor *const *params)
{
    return tg_adagrad(tape, params, 1, &(tg_adagrad_opts){.lr = 0.3, .lr_decay = 0.1});
}

static tg_optim *adagrad_no_eps(tg_tape *tape, tg_tensor *const *params)
{
    return tg_adagrad(tape, params, 1, &(tg_adagrad_opts){.lr = 0.3, .eps = 1e-60});
}

static tg_optim *adagrad_upwards(tg_tape *tape, tg_tensor *const *params)
{
    return tg_adagrad(tape, params, 1, &(tg_adagrad_opts){.maximize = true});
}

static tg_optim *adam(tg_tape *tape, tg_tensor *const *params)
{
    return tg_adam(tape, params, 1, NULL);
}

static training begin(maker *make, int dtype)
{
    training t = {.tape = tg_tape_new(&(tg_tape_opts){.threads = 2})};
    t.w = tg_randn(t.tape, TG_DIMS(TABLE, COLUMNS), dtype | TG_REQUIRES_GRAD);
    tg_fill_(tg_select(tg_detach(t.w), 0, TABLE - 1),
             -0.0); /* never read, and + 0 would change it */
    t.index = tg_zeros(t.tape, TG_DIMS(WORDS), TG_I64);
    t.factor = tg_rand(t.tape, TG_DIMS(WORDS, COLUMNS), dtype);
    t.optim = make(t.tape, &t.w);
    return t;
}

static void loss_and_step(training *t, way w, double most)
{
    tg_tensor *y = tg_embedding(t->w, t->index, TABLE - 1);
    tg_tensor *loss = tg_sum(tg_mul(tg_square(y), t->factor));
    tg_optim_zero_grad(t->optim);
    tg_backward(loss);
    if (most > 0)
        tg_clip_grad_norm(&t->w, 1, most, most > 5 ? (double)INFINITY : 3);
    if (most > 0)
        tg_clip_grad_value(&t->w, 1, most / 2);
    if (w == DENSE)
        tg_data_mut(tg_grad(t->w));
    tg_optim_step(t->optim);
}

static void train(training *t, way w, double most)
{
    tg_mark mark = tg_tape_mark(t->tape);
    for (int step = 0; step < TIMES; step++) {
        for (int i = 0; i < WORDS; i++)
            ((int64_t *)tg_data_mut(t->index))[i] =
                (i * i * 7 + step * 31) % (step % 2 ? 90 : TABLE);
        if (t->capture) {
            tg_capture_replay(t->capture);
            continue;
        }
        tg_tape_rewind(t->tape, mark);
        t->capture = w == REPLAYED ? tg_capture_begin(t->tape) : NULL;
        loss_and_step(t, w, most);
        tg_capture_end(t->capture);
    }
    assert_ok(t->tape);
}

static void same_bits(void **state)
{
    (void)state;
    static maker *const makers[] = {plain,   upwards,        decaying,        infinite, heavy,
                                    adagrad, adagrad_no_eps, adagrad_upwards, adam};
    enum { MAKERS = sizeof makers / sizeof *makers };
    static const double clips[] = {0, 0.5, 50, (double)INFINITY};
    for (int k = 0; k < MAKERS * 4 * 2; k++) {
        training all[3];
        for (way w = EAGER; w <= DENSE; w++) {
            all[w] = begin(makers[k / 8], k % 2 ? TG_F64 : TG_F32);
            train(&all[w], w, clips[k / 2 % 4]);
        }
        snapshot want = snapshot_of(all[DENSE].w), gradient = snapshot_of(tg_grad(all[DENSE].w));
        for (way w = EAGER; w < DENSE; w++) {
            snapshot got = snapshot_of(all[w].w), got_gradient = snapshot_of(tg_grad(all[w].w));
            if (!snapshot_same(&got, &want) || !snapshot_same(&got_gradient, &gradient))
                fail_msg("case %d: way %d differs", k, (int)w);
        }
        for (way w = EAGER; w <= DENSE; w++)
            tg_tape_free(all[w].tape);
    }
}

/* --- what makes a gradient dense --- */

/* A table of small integers, so that sums are exact, and what of it a scenario reads. */
typedef struct scene {
    tg_tape *tape;
    tg_tensor *w, *first, *second, *factor;
    double want[TABLE][COLUMNS]; /* the gradient */
} scene;

static double factor_of(int64_t word, int64_t column)
{
    return (double)(word % 5 + column - 3);
}

static void expect_rows(scene *s, const tg_tensor *index, double times)
{
    for (int64_t i = 0; i < tg_numel(index); i++) {
        for (int64_t k = 0; k < COLUMNS; k++)
            s->want[tg_i64(index)[i]][k] += times * factor_of(i, k);
    }
}

static tg_tensor *read_rows(scene *s, tg_tensor *index)
{
    expect_rows(s, index, 1);
    return tg_sum(tg_mul(tg_embedding(s->w, index, TG_NO_PADDING), s->factor));
}

/* All rows, twice. */
static tg_tensor *read_all(scene *s)
{
    for (int64_t i = 0; i < TABLE * COLUMNS; i++)
        s->want[i / COLUMNS][i % COLUMNS] += 2;
    return tg_sum(tg_linear(tg_full(s->tape, TG_DIMS(1, COLUMNS), 2, 0), s->w, NULL));
}

static void once(scene *s)
{
    tg_backward(read_rows(s, s->first));
}

static void selected(scene *s)
{
    expect_rows(s, s->first, 1);
    tg_backward(tg_sum(tg_mul(tg_index_select(s->w, 0, s->first), s->factor)));
}

static void two_lookups(scene *s)
{
    tg_backward(tg_add(read_rows(s, s->first), read_rows(s, s->second)));
}

static void padded(scene *s)
{
    tg_tensor *y = tg_embedding(s->w, s->first, tg_i64(s->first)[2]);
    expect_rows(s, s->first, 1);
    memset(s->want[tg_i64(s->first)[2]], 0, sizeof s->want[0]);
    tg_backward(tg_sum(tg_mul(y, s->factor)));
}

static void strided(scene *s)
{
    tg_tensor *both = tg_stack((tg_tensor *[]){s->first, s->second}, 2, 1);
    tg_tensor *index = tg_select(both, 1, 1);
    expect_rows(s, s->second, 1);
    tg_backward(tg_sum(tg_mul(tg_embedding(s->w, index, TG_NO_PADDING), s->factor)));
}

static void released(scene *s)
{
    tg_mark since = tg_tape_mark(s->tape);
    tg_tensor *loss = read_rows(s, s->first);
    tg_backward_with(loss, NULL, &(tg_backward_opts){.release_since = &since});
}

static void recomputed(scene *s)
{
    tg_mark since = tg_tape_mark(s->tape);
    tg_tensor *y = tg_embedding(s->w, s->first, TG_NO_PADDING);
    tg_tensor *z = tg_mul(y, s->factor);
    tg_checkpoint(s->tape, since, &z, 1);
    expect_rows(s, s->first, 1);
    tg_backward(tg_sum(z));
}

static void lookup_then_dense(scene *s)
{
    tg_tensor *loss = read_rows(s, s->first);
    tg_backward(tg_add(loss, read_all(s)));
}

static void dense_then_lookup(scene *s)
{
    tg_tensor *loss = read_all(s);
    tg_backward(tg_add(loss, read_rows(s, s->first)));
}

static void two_passes(scene *s)
{
    tg_backward(read_rows(s, s->first));
    tg_backward(read_rows(s, s->second));
}

static void recorded(scene *s)
{
    tg_backward_with(read_rows(s, s->first), NULL, &(tg_backward_opts){.create_graph = true});
}

static void written(scene *s)
{
    once(s);
    ((float *)tg_data_mut(tg_grad(s->w)))[TABLE * COLUMNS - 1] = 7;
    s->want[TABLE - 1][COLUMNS - 1] = 7;
}

static void filled(scene *s)
{
    once(s);
    tg_fill_(tg_grad(s->w), 3);
    for (int64_t i = 0; i < TABLE * COLUMNS; i++)
        s->want[i / COLUMNS][i % COLUMNS] = 3;
}

/* The pass fails after the table's gradient was written to; the next one does not. */
static void failed(scene *s)
{
    tg_tensor *x = tg_zeros(s->tape, TG_DIMS(1), TG_REQUIRES_GRAD), *y = tg_exp(x);
    tg_tensor *loss = tg_add(tg_sum(tg_exp(y)), read_rows(s, s->second));
    memset(s->want, 0, sizeof s->want);
    ((float *)tg_data_mut(y))[0] = 1;
    assert_int_equal(tg_backward(loss), TG_ESTATE);
    assert_null(tg_grad(s->w));
    tg_clear_error(s->tape);
    once(s);
}

static void of_an_index_outside(scene *s)
{
    tg_tensor *index = tg_add_scalar(s->second, 0);
    tg_tensor *y = tg_embedding(s->w, index, TG_NO_PADDING);
    ((int64_t *)(uintptr_t)tg_i64(index))[WORDS - 1] = TABLE; /* behind the version's back */
    assert_int_equal(tg_backward(tg_sum(y)), TG_EVALUE);
    tg_clear_error(s->tape);
    once(s);
}

static void asked_for(scene *s)
{
    tg_tensor *grad = NULL;
    tg_gradients(read_rows(s, s->second), NULL, &s->w, 1, &grad, NULL);
    memset(s->want, 0, sizeof s->want);
    once(s);
}

typedef struct scenario {
    void (*run)(scene *s);
    bool sparse;
} scenario;

static const scenario scenarios[] = {
    {once, true},
    {selected, true},
    {two_lookups, true},
    {padded, true},
    {strided, true},
    {released, true},
    {recomputed, true},
    {failed, true},
    {of_an_index_outside, true},
    {asked_for, true},
    {lookup_then_dense, false},
    {dense_then_lookup, false},
    {two_passes, false},
    {recorded, false},
    {written, false},
    {filled, false},
};

enum { SCENARIOS = sizeof scenarios / sizeof *scenarios };

static scene set(void)
{
    scene s = {.tape = tg_tape_new(NULL)};
    s.w = tg_randint(s.tape, -4, 5, TG_DIMS(TABLE, COLUMNS), TG_F32 | TG_REQUIRES_GRAD);
    s.first = tg_randint(s.tape, 0, TABLE - 1, TG_DIMS(WORDS), TG_I64);
    s.second = tg_randint(s.tape, 0, TABLE - 1, TG_DIMS(WORDS), TG_I64);
    double factors[WORDS][COLUMNS];
    for (int i = 0; i < WORDS * COLUMNS; i++)
        factors[i / COLUMNS][i % COLUMNS] = factor_of(i / COLUMNS, i % COLUMNS);
    s.factor = tensor_from(s.tape, factors[0], TG_DIMS(WORDS, COLUMNS), TG_F32);
    return s;
}

/* One scenario: the gradient, and what SGD and SparseAdam make of it. */
static void play(scene *s, int k, tg_optim *sgd, tg_optim *adam_of_rows)
{
    snapshot before = snapshot_of(s->w);
    memset(s->want, 0, sizeof s->want);
    tg_zero_grad(s->w);
    scenarios[k].run(s);
    assert_ok(s->tape);
    snapshot g = snapshot_of(tg_grad(s->w));
    for (int i = 0; i < TABLE * COLUMNS; i++) {
        if (snapshot_at(&g, i) != s->want[i / COLUMNS][i % COLUMNS])
            fail_msg("scenario %d: element %d is %g, wanted %g", k, i, snapshot_at(&g, i),
                     s->want[i / COLUMNS][i % COLUMNS]);
    }
    tg_status status = tg_optim_step(adam_of_rows);
    if (status != (scenarios[k].sparse ? TG_OK : TG_ESTATE))
        fail_msg("scenario %d: %d, %s", k, (int)status, tg_error_message(s->tape));
    if (status)
        assert_error(s->tape, TG_ESTATE,
                     "optim_step: sparse_adam: the gradient of parameter 0 [200, 5] is dense");
    memcpy(tg_data_mut(s->w), before.data.f32, TABLE * COLUMNS * sizeof(float));
    tg_optim_step(sgd);
    for (int i = 0; i < TABLE * COLUMNS; i++)
        assert_equal((double)tg_f32(s->w)[i], snapshot_at(&before, i) - 0.5 * snapshot_at(&g, i));
    memcpy(tg_data_mut(s->w), before.data.f32, TABLE * COLUMNS * sizeof(float));
}

/* Each scenario after each other one, of which nothing must be left. */
static void scenes(void **state)
{
    (void)state;
    scene s = set();
    tg_optim *sgd = tg_sgd(s.tape, &s.w, 1, &(tg_sgd_opts){.lr = 0.5});
    tg_optim *adam_of_rows = tg_sparse_adam(s.tape, &s.w, 1, NULL);
    tg_mark mark = tg_tape_mark(s.tape);
    for (int k = 0; k < SCENARIOS * SCENARIOS; k++) {
        tg_tape_rewind(s.tape, mark);
        play(&s, k / SCENARIOS, sgd, adam_of_rows);
        tg_tape_rewind(s.tape, mark);
        play(&s, k % SCENARIOS, sgd, adam_of_rows);
    }
    tg_tape_free(s.tape);
}

/* Its rows alone are updated, moments too, whatever was there. */
static void rows_alone(void **state)
{
    (void)state;
    scene s = set();
    tg_optim *optim = tg_sparse_adam(s.tape, &s.w, 1, &(tg_sparse_adam_opts){.lr = 0.1});
    tg_params *list = tg_params_new(s.tape);
    tg_optim_state(optim, list, "");
    assert_string_equal(tg_params_name(list, 0), "0.exp_avg");
    assert_string_equal(tg_params_name(list, 1), "0.exp_avg_sq");
    assert_string_equal(tg_params_name(list, 2), "0.step");
    for (int k = 0; k < 2; k++)
        tg_fill_(tg_params_tensor(list, (size_t)k), 1);
    snapshot before = snapshot_of(s.w);
    once(&s);
    assert_int_equal(tg_optim_step(optim), TG_OK);
    for (int64_t row = 0; row < TABLE; row++) {
        bool read = false;
        for (int i = 0; i < WORDS; i++)
            read |= tg_i64(s.first)[i] == row;
        for (int64_t i = row * COLUMNS; i < (row + 1) * COLUMNS; i++) {
            double mean = (double)tg_f32(tg_params_tensor(list, 0))[i];
            assert_int_equal(fabs(mean - 1) > 0, read && fabs(s.want[row][i % COLUMNS] - 1) > 0);
            assert_int_equal(fabs((double)tg_f32(s.w)[i] - snapshot_at(&before, i)) > 0, read);
        }
    }
    tg_tape_free(s.tape);
}

/* Norms are added up in blocks of 4,096 elements: rows shorter than one, longer, of none's length, the first and the last
 * of a table and some in between, have the same bits as the dense gradient, and the norm that they have. */
static void norms(void **state)
{
    (void)state;
    static const int64_t widths[] = {1, 7, 1000, 4096, 5000, 300000},
                         rows[] = {9000, 2000, 60, 9, 11, 3};
    for (int k = 0; k < 12; k++) {
        const int64_t width = widths[k / 2], n = rows[k / 2];
        tg_tape *tape = tg_tape_new(&(tg_tape_opts){.threads = 1 + k % 3});
        const int dtype = k % 2 ? TG_F64 : TG_F32;
        tg_tensor *w = tg_randn(tape, TG_DIMS(n, width), dtype | TG_REQUIRES_GRAD);
        const int64_t words[] = {n - 1, n / 3, n / 2, n / 2 + 1, 0};
        tg_tensor *index = tg_from_i64(tape, words, TG_DIMS(k % 4 < 2 ? 5 : 3), 0);
        tg_backward(tg_sum(tg_square(tg_embedding(w, index, TG_NO_PADDING))));
        const double noted = tg_clip_grad_norm(&w, 1, 1e30, 2);
        tg_data_mut(tg_grad(w));
        assert_equal(tg_clip_grad_norm(&w, 1, 1e30, 2), noted);
        double squares = 0;
        for (int64_t i = 0; i < n * width; i++) {
            const double g =
                dtype == TG_F32 ? (double)tg_f32(tg_grad(w))[i] : tg_f64(tg_grad(w))[i];
            squares += g * g;
        }
        assert_true(fabs(noted / sqrt(squares) - 1) < 1e-12);
        assert_ok(tape);
        tg_tape_free(tape);
    }
}

/* A norm of nan makes all of it nan, as of a dense one; the next gradient is sparse again. */
static void nans(void **state)
{
    (void)state;
    scene s = set();
    tg_optim *optim = tg_sparse_adam(s.tape, &s.w, 1, NULL);
    once(&s);
    tg_clip_grad_value(&s.w, 1, 1);
    assert_int_equal(tg_optim_step(optim), TG_OK);
    ((float *)tg_data_mut(s.factor))[0] = (float)NAN;
    tg_zero_grad(s.w);
    once(&s);
    assert_true(isnan(tg_clip_grad_norm(&s.w, 1, 1, 2)));
    for (int i = 0; i < TABLE * COLUMNS; i++)
        assert_true(isnan(tg_f32(tg_grad(s.w))[i]));
    assert_int_equal(tg_optim_step(optim), TG_ESTATE);
    tg_clear_error(s.tape);
    ((float *)tg_data_mut(s.factor))[0] = 1;
    tg_zero_grad(s.w);
    once(&s);
    assert_true(tg_clip_grad_norm(&s.w, 1, 1, 2) > 1);
    assert_int_equal(tg_optim_step(optim), TG_OK);
    tg_tape_free(s.tape);
}

/* More rows than a word has bits, updated by several threads, which divide them anywhere: as by one, and as the
 * formula says. */
static void shared(void **state)
{
    (void)state;
    enum { LONG = 5000, WIDE = 37 };
    static float first[LONG * WIDE];
    for (int threads = 1; threads < 5; threads++) {
        tg_tape *tape = tg_tape_new(&(tg_tape_opts){.threads = threads});
        tg_tensor *w[] = {tg_ones(tape, TG_DIMS(LONG, WIDE), TG_REQUIRES_GRAD),
                          tg_ones(tape, TG_DIMS(LONG, WIDE), TG_REQUIRES_GRAD)};
        tg_tensor *index =
            tg_mul(tg_arange(tape, 0, LONG / 3, 1, TG_I64), tg_full(tape, TG_SCALAR, 3, TG_I64));
        tg_optim *optim =
            tg_sparse_adam(tape, w, 2, &(tg_sparse_adam_opts){.lr = 0.5, .eps = 1e-12});
        for (int step = 0; step < 2; step++) {
            tg_optim_zero_grad(optim);
            tg_tensor *sums[2];
            for (int k = 0; k < 2; k++)
                sums[k] =
                    tg_sum(tg_mul_scalar(tg_embedding(w[k], index, TG_NO_PADDING), k ? -2 : 3));
            assert_int_equal(tg_backward(tg_add(sums[0], sums[1])), TG_OK);
            assert_int_equal(tg_optim_step(optim), TG_OK);
        }
        for (int64_t i = 0; i < LONG * WIDE; i++) {
            const bool read = i / WIDE % 3 == 0 && i / WIDE / 3 < LONG / 3;
            /* Adam's first steps are as long as its rate, whatever the gradient. */
            assert_near(tg_f32(w[0])[i], read ? 0 : 1, 1e-5);
            assert_near(tg_f32(w[1])[i], read ? 2 : 1, 1e-5);
        }
        if (threads == 1)
            memcpy(first, tg_f32(w[0]), sizeof first);
        assert_memory_equal(first, tg_f32(w[0]), sizeof first);
        tg_tape_free(tape);
    }
}

static void wrong(void **state)
{
    (void)state;
    tg_tape *tape = tg_tape_new(NULL);
    tg_tensor *w = tg_zeros(tape, TG_DIMS(3), TG_REQUIRES_GRAD);
    assert_null(tg_sparse_adam(tape, &w, 1, &(tg_sparse_adam_opts){.beta1 = 1}));
    assert_error(tape, TG_EVALUE, "sparse_adam: beta1 1 is not in [0, 1)");
    tg_optim *optim = tg_sparse_adam(tape, &w, 1, NULL);
    assert_int_equal(tg_optim_step(optim), TG_OK); /* no gradient */
    tg_backward(tg_sum(w));
    assert_int_equal(tg_optim_step(optim), TG_ESTATE);
    assert_error(tape, TG_ESTATE, "parameter 0 [3] is dense");
    tg_tensor *fixed = tg_zeros(tape, TG_DIMS(3), 0); /* no gradient, nor a place for one */
    assert_int_equal(tg_optim_step(tg_sparse_adam(tape, &fixed, 1, NULL)), TG_OK);
    tg_tape_free(tape);
}

/* Making a table, and a step over it, with each allocation failing. */
static bool fail_at(int64_t k, bool for_ever)
{
    test_allocator allocator = {.fail_at = k, .for_ever = for_ever};
    tg_tape *tape = test_tape(&allocator, 512);
    tg_tensor *w = tg_ones(tape, TG_DIMS(TABLE, COLUMNS), TG_REQUIRES_GRAD);
    tg_optim *optim = tg_sparse_adam(tape, &w, 1, NULL);
    tg_tensor *index = tg_arange(tape, 0, WORDS, 1, TG_I64);
    tg_backward(tg_sum(tg_embedding(w, index, TG_NO_PADDING)));
    tg_optim_step(optim);
    bool failure = allocator.failures;
    assert_int_equal(tg_error(tape), failure ? TG_ENOMEM : TG_OK);
    tg_tape_free(tape);
    assert_int_equal(allocator.live, 0);
    return failure;
}

static void out_of_memory(void **state)
{
    (void)state;
    assert_true(failures_of(fail_at, false) > 5);
    assert_true(failures_of(fail_at, true) > 5);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(golden_values), cmocka_unit_test(same_bits),
        cmocka_unit_test(scenes),        cmocka_unit_test(rows_alone),
        cmocka_unit_test(shared),        cmocka_unit_test(norms),
        cmocka_unit_test(nans),          cmocka_unit_test(wrong),
        cmocka_unit_test(out_of_memory),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

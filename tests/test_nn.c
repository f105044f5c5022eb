/* Layers that make their parameters: the names, bits and results of PyTorch's modules from the same
 * seed, wrong arguments, lists that are left as they were, memory that runs out. */
#include "refuses.h"

typedef struct golden {
    const char *name;
    int n;
    const double *values;
} golden;

#include "golden/nn.inc"

enum {
    MADE = sizeof made_f32 / sizeof *made_f32,
    GIVEN = sizeof given_f32 / sizeof *given_f32,
    LEFT = sizeof left_f32 / sizeof *left_f32
};

/* Those of golden/nn.py. */
typedef struct model {
    tg_linear_layer fc, narrow;
    tg_conv_layer conv1, conv2, square;
    tg_embedding_layer symbols, padded;
    tg_layer_norm_layer norm, scale, plain;
    tg_batch_norm_layer batch, slow, fleeting;
} model;

static model make(tg_params *list, int dtype)
{
    model m;
    m.fc = tg_nn_linear(list, 3, 4, &(tg_nn_linear_opts){.dtype = dtype}, "%s", "fc");
    m.narrow = tg_nn_linear(list, 4, 2, &(tg_nn_linear_opts){true, dtype}, "narrow");
    tg_nn_conv_opts conv = {.conv = {.padding = {1}, .groups = 2}, .dtype = dtype};
    m.conv1 = tg_nn_conv1d(list, 4, 6, 3, &conv, "conv%d", 1);
    conv = (tg_nn_conv_opts){{.stride = {2}}, .width = 2, .no_bias = true, .dtype = dtype};
    m.conv2 = tg_nn_conv2d(list, 2, 3, 3, &conv, "conv%d", 2);
    m.square = tg_nn_conv2d(list, 1, 2, 2, &(tg_nn_conv_opts){.dtype = dtype}, "square");
    tg_nn_embedding_opts symbols = {.dtype = dtype, .padding_idx = 1};
    m.symbols = tg_nn_embedding(list, 4, 3, &symbols, "%s", "symbols");
    symbols = (tg_nn_embedding_opts){true, -1, dtype};
    m.padded = tg_nn_embedding(list, 4, 3, &symbols, "padded");
    tg_nn_layer_norm_opts norm = {.dtype = dtype};
    m.norm = tg_nn_layer_norm(list, TG_DIMS(2, 3), &norm, "%s", "norm");
    norm = (tg_nn_layer_norm_opts){.no_bias = true, .eps = 0.25, .dtype = dtype};
    m.scale = tg_nn_layer_norm(list, TG_DIMS(3), &norm, "scale");
    norm = (tg_nn_layer_norm_opts){.no_affine = true, .dtype = dtype};
    m.plain = tg_nn_layer_norm(list, TG_DIMS(3), &norm, "plain");
    tg_nn_batch_norm_opts batch = {.dtype = dtype};
    m.batch = tg_nn_batch_norm(list, 3, &batch, "%s", "batch");
    batch = (tg_nn_batch_norm_opts){0.25, 0.5, .no_affine = true, .dtype = dtype};
    m.slow = tg_nn_batch_norm(list, 2, &batch, "slow");
    batch = (tg_nn_batch_norm_opts){.no_statistics = true, .dtype = dtype};
    m.fleeting = tg_nn_batch_norm(list, 3, &batch, "fleeting");
    return m;
}

static void expect_values(tg_tensor *t, const golden *want, double tolerance)
{
    snapshot s = snapshot_of(t);
    assert_int_equal(s.numel, want->n);
    for (int i = 0; i < want->n; i++) {
        double got = snapshot_at(&s, i);
        if (!(fabs(got - want->values[i]) <= tolerance * fmax(1, fabs(got))))
            fail_msg("%s %d: %a, wanted %a", want->name, i, got, want->values[i]);
    }
}

/* The list is the state_dict, in order. Of float64 normals the last bits are libm's. */
static void expect_list(const tg_params *list, const golden *want, int dtype)
{
    assert_int_equal(tg_params_count(list), MADE);
    for (int i = 0; i < MADE; i++) {
        const char *name = tg_params_name(list, (size_t)i);
        bool normal = dtype == TG_F64 && (strstr(name, "symbols") || strstr(name, "padded"));
        assert_string_equal(name, want[i].name);
        expect_values(tg_params_tensor(list, (size_t)i), &want[i], normal ? 1e-14 : 0);
    }
}

static void names_and_bits(void **state)
{
    (void)state;
    for (int dtype = TG_F32; dtype <= TG_F64; dtype++) {
        tg_tape *tape = tg_tape_new(NULL);
        tg_params *list = tg_params_new(tape);
        tg_manual_seed(tape, 40431);
        make(list, dtype);
        assert_ok(tape);
        expect_list(list, dtype == TG_F32 ? made_f32 : made_f64, dtype);
        /* Running statistics are no parameters. */
        size_t unique = tg_params_unique_count(list), buffers = 0;
        for (size_t i = 0; i < tg_params_count(list); i++)
            buffers += !tg_requires_grad(tg_params_tensor(list, i));
        assert_int_equal(buffers, 6);
        assert_int_equal(unique, MADE - buffers);
        for (size_t i = 0; i < unique; i++)
            assert_true(tg_requires_grad(tg_params_unique(list)[i]));
        tg_tape_free(tape);
    }
}

static tg_tensor *ramp(tg_tape *tape, int ndim, const int64_t *dims, int dtype)
{
    double values[100];
    for (int i = 0; i < 100; i++)
        values[i] = (double)(i * 7 % 11 - 5) / 4;
    return tensor_from(tape, values, ndim, dims, dtype);
}

static void apply_all(tg_tape *tape, const model *m, int dtype, tg_tensor *y[GIVEN])
{
    tg_tensor *x = ramp(tape, TG_DIMS(4, 3), dtype);
    tg_tensor *index = tg_from_i64(tape, (int64_t[]){3, 0}, TG_DIMS(2), 0);
    int n = 0;
    y[n++] = tg_nn_apply_linear(x, &m->fc);
    y[n++] = tg_nn_apply_linear(y[0], &m->narrow);
    y[n++] = tg_nn_apply_conv(ramp(tape, TG_DIMS(2, 4, 5), dtype), &m->conv1);
    y[n++] = tg_nn_apply_conv(ramp(tape, TG_DIMS(1, 2, 5, 4), dtype), &m->conv2);
    y[n++] = tg_nn_apply_conv(ramp(tape, TG_DIMS(1, 1, 3, 3), dtype), &m->square);
    y[n++] = tg_nn_apply_embedding(index, &m->symbols);
    y[n++] = tg_nn_apply_embedding(index, &m->padded);
    y[n++] = tg_nn_apply_layer_norm(ramp(tape, TG_DIMS(2, 2, 3), dtype), &m->norm);
    y[n++] = tg_nn_apply_layer_norm(x, &m->scale);
    y[n++] = tg_nn_apply_layer_norm(x, &m->plain);
    for (int training = 1; training >= 0; training--) {
        y[n++] = tg_nn_apply_batch_norm(x, &m->batch, training);
        y[n++] = tg_nn_apply_batch_norm(ramp(tape, TG_DIMS(2, 2, 3, 2), dtype), &m->slow, training);
        y[n++] = tg_nn_apply_batch_norm(x, &m->fleeting, training);
    }
    assert_int_equal(n, GIVEN);
}

static void results(void **state)
{
    (void)state;
    for (int dtype = TG_F32; dtype <= TG_F64; dtype++) {
        double tolerance = dtype == TG_F32 ? 1e-6 : 1e-14;
        tg_tape *tape = tg_tape_new(NULL);
        tg_params *list = tg_params_new(tape);
        tg_manual_seed(tape, 40431);
        model m = make(list, dtype);
        tg_tensor *y[GIVEN];
        apply_all(tape, &m, dtype, y);
        assert_ok(tape);
        for (int i = 0; i < GIVEN; i++)
            expect_values(y[i], &(dtype == TG_F32 ? given_f32 : given_f64)[i], tolerance);
        for (int i = 0; i < LEFT; i++) {
            const golden *want = &(dtype == TG_F32 ? left_f32 : left_f64)[i];
            expect_values(tg_params_find(list, want->name), want, tolerance);
        }
        tg_backward(tg_sum(tg_nn_apply_embedding(tg_arange(tape, 0, 4, 1, TG_I64), &m.padded)));
        for (int row = 0; row < 4; row++)
            assert_true(tg_item(tg_select(tg_select(tg_grad(m.padded.weight), 0, row), 0, 0)) ==
                        (row != 3));
        tg_tape_free(tape);
    }
}

/* The row of the padding gets no gradient, and a replay counts as well. */
static void training(void **state)
{
    (void)state;
    tg_tape *tape = tg_tape_new(NULL);
    tg_params *list = tg_params_new(tape);
    model m = make(list, TG_F32);
    tg_tensor *y[GIVEN];
    tg_mark start = tg_tape_mark(tape);
    apply_all(tape, &m, TG_F32, y);
    assert_int_equal(tg_backward(tg_sum(tg_square(y[6]))), TG_OK);
    assert_equal(tg_f32(tg_grad(m.padded.weight))[9], 0);
    assert_true(tg_f32(tg_grad(m.padded.weight))[0] != 0);
    assert_int_equal(tg_i64(m.batch.num_batches_tracked)[0], 1);
    assert_int_equal(tg_tape_replay(tape, start), TG_OK);
    assert_int_equal(tg_i64(m.batch.num_batches_tracked)[0], 2);
    tg_tensor *one = tg_ones(tape, TG_DIMS(1, 3), 0);
    assert_null(tg_nn_apply_batch_norm(one, &m.batch, true));
    assert_error(tape, TG_EVALUE, "nn_apply_batch_norm: training on [1, 3]");
    assert_int_equal(tg_i64(m.batch.num_batches_tracked)[0], 2);
    tg_tape_free(tape);
}

/* Without a name of its own; names that are taken: the list stays as it is, and so does the generator. */
static void names(void **state)
{
    (void)state;
    tg_tape *tape = tg_tape_new(NULL);
    tg_params *list = tg_params_new(tape);
    tg_linear_layer l = tg_nn_linear(list, 2, 1, NULL, NULL);
    assert_ptr_equal(tg_params_find(list, "weight"), l.weight);
    assert_ptr_equal(tg_params_find(list, "bias"), l.bias);
    tg_params_add(list, l.bias, "tied.bias");
    tg_tensor *before = tg_rng_state(tape);
    tg_mark mark = tg_tape_mark(tape);
    tg_linear_layer none = tg_nn_linear(list, 2, 1, NULL, "tied");
    assert_true(!none.weight && !none.bias);
    assert_error(tape, TG_EVALUE, "nn_linear: \"tied.bias\" is in the list already");
    assert_int_equal(tg_params_count(list), 3);
    assert_int_equal(tg_params_unique_count(list), 2);
    assert_true(marks_equal(mark, tg_tape_mark(tape)));
    assert_true(tensors_same(before, tg_rng_state(tape)));
    assert_non_null(tg_nn_linear(list, 2, 1, NULL, "%0*d", 900, 7).weight);
    assert_int_equal(strlen(tg_params_name(list, 3)), 900 + strlen(".weight"));
    tg_tape_free(tape);
}

static void no_list(void **state)
{
    (void)state;
    model m = make(NULL, TG_F32);
    assert_true(!m.fc.weight && !m.conv1.weight && !m.padded.weight && !m.norm.weight &&
                !m.batch.running_mean);
    tg_tape *tape = tg_tape_new(NULL);
    tg_mark start = tg_tape_mark(tape);
    tg_params *list = tg_params_new(tape);
    tg_tensor *x = tg_ones(tape, TG_DIMS(4, 3), 0);
    assert_null(tg_nn_apply_linear(x, &m.fc));
    assert_error(tape, TG_EVALUE, "linear: input 1 is NULL");
    assert_true(!tg_nn_apply_linear(NULL, &m.fc) && !tg_nn_apply_linear(NULL, NULL));
    tg_tape_rewind(tape, start);
    assert_null(tg_nn_linear(list, 3, 4, NULL, "fc").weight);
    assert_error(tape, TG_ESTATE, "nn_linear: the list was rewound away");
    tg_tape_free(tape);
}

/* A list that has something already, on a tape of its own. */
typedef struct listed {
    tg_tape *tape;
    tg_params *list;
    tg_mark mark;
} listed;

static listed listed_new(void)
{
    listed l = {.tape = tg_tape_new(NULL)};
    l.list = tg_params_new(l.tape);
    tg_nn_linear(l.list, 1, 1, NULL, "fc");
    l.mark = tg_tape_mark(l.tape);
    return l;
}

static void expect_refused(listed *l, const char *call, bool none, tg_status status,
                           const char *message)
{
    if (!none || tg_error(l->tape) != status || !strstr(tg_error_message(l->tape), message))
        fail_msg("%s: %d, error %d, \"%s\"", call, none, (int)tg_error(l->tape),
                 tg_error_message(l->tape));
    tg_clear_error(l->tape);
    assert_int_equal(tg_params_count(l->list), 2);
    assert_true(marks_equal(l->mark, tg_tape_mark(l->tape)));
    tg_tape_free(l->tape);
}

/* An expression of a list, whose weight must be NULL. */
#define REFUSES_LAYER(status, message, ...)                                                        \
    do {                                                                                           \
        listed l = listed_new();                                                                   \
        tg_params *list = l.list;                                                                  \
        expect_refused(&l, #__VA_ARGS__, !(__VA_ARGS__).weight, status, message);                  \
    } while (0)

#define REFUSES_RECURRENT(message, ...)                                                            \
    do {                                                                                           \
        listed l = listed_new();                                                                   \
        tg_params *list = l.list;                                                                  \
        expect_refused(&l, #__VA_ARGS__, !(__VA_ARGS__).n, TG_EVALUE, message);                    \
    } while (0)

static void wrong(void **state)
{
    (void)state;
    REFUSES_LAYER(TG_ESHAPE, "nn_linear: negative size in [2, -1]",
                  tg_nn_linear(list, -1, 2, NULL, "a"));
    REFUSES_LAYER(TG_EDTYPE, "nn_linear: dtype 2 is neither TG_F32 nor TG_F64",
                  tg_nn_linear(list, 1, 2, &(tg_nn_linear_opts){.dtype = TG_I64}, "a"));
    REFUSES_LAYER(TG_EVALUE, "nn_conv1d: a kernel of 0", tg_nn_conv1d(list, 1, 2, 0, NULL, "a"));
    REFUSES_LAYER(TG_EVALUE, "nn_conv2d: 3 and 4 channels do not divide into 2 groups",
                  tg_nn_conv2d(list, 3, 4, 1, &(tg_nn_conv_opts){.conv.groups = 2}, "a"));
    REFUSES_LAYER(TG_EVALUE, "nn_conv2d: a kernel -1 wide",
                  tg_nn_conv2d(list, 3, 4, 1, &(tg_nn_conv_opts){.width = -1}, "a"));
    REFUSES_LAYER(TG_EVALUE, "nn_embedding: there is no row -4 of 3",
                  tg_nn_embedding(list, 3, 4, &(tg_nn_embedding_opts){true, -4, 0}, "a"));
    REFUSES_LAYER(TG_ESHAPE, "nn_layer_norm: over 0 dims",
                  tg_nn_layer_norm(list, TG_SCALAR, NULL, "a"));
    REFUSES_LAYER(TG_ESHAPE, "nn_batch_norm: negative size in [-3]",
                  tg_nn_batch_norm(list, -3, NULL, "a"));
    REFUSES_RECURRENT("nn_lstm: 3 inputs and 0 units", tg_nn_lstm(list, 3, 0, NULL, "a"));
    REFUSES_RECURRENT("nn_gru: 17 layers, wanted 1 to 16",
                      tg_nn_gru(list, 3, 2, &(tg_nn_recurrent_opts){.how.layers = 17}, "a"));
    REFUSES(TG_EVALUE, "nn_apply_gru: ", "the layer is NULL",
            !tg_nn_apply_gru(w.f, NULL, true, NULL));
    REFUSES(TG_EVALUE, "nn_apply_linear: ", "the layer is NULL", !tg_nn_apply_linear(w.f, NULL));
    REFUSES(TG_EVALUE, "nn_apply_batch_norm: ", "num_batches_tracked is not one int64",
            !tg_nn_apply_batch_norm(w.f, &(tg_batch_norm_layer){.num_batches_tracked = w.i}, true));
}

/* All layers in a tape whose allocation k fails; false where all went well. What was made before the
 * failure is listed as a whole, and goes on. */
static bool fail_at(int64_t k, bool for_ever)
{
    test_allocator allocator = {.fail_at = k + 1, .for_ever = for_ever};
    tg_tape *tape = test_tape(&allocator, 1);
    tg_params *list = tg_params_new(tape);
    tg_manual_seed(tape, 40431);
    tg_mark start = tg_tape_mark(tape);
    tg_tensor *y[GIVEN];
    model m = make(list, TG_F32);
    apply_all(tape, &m, TG_F32, y);
    if (allocator.failures) {
        assert_int_equal(tg_error(tape), TG_ENOMEM);
        allocator.fail_at = -1;
        tg_clear_error(tape);
        size_t n = tg_params_count(list);
        for (size_t i = 0; i < n; i++)
            expect_values(tg_params_tensor(list, i), &made_f32[i], 1e3); /* as many, and finite */
        tg_tape_rewind(tape, start);
        list = tg_params_new(tape);
        tg_manual_seed(tape, 40431);
        m = make(list, TG_F32);
    }
    assert_ok(tape);
    if (allocator.failures)
        expect_list(list, made_f32, TG_F32);
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

/* Where one constructor fails, at its allocation k, it has neither listed nor drawn anything. Whether it
 * failed; recurrent: the last one is an LSTM. */
static bool one_fails(int64_t k, bool recurrent)
{
    const tg_nn_recurrent_opts two = {.how = {.layers = 2, .bidirectional = true}};
    test_allocator allocator = {.fail_at = -1};
    tg_tape *tape = test_tape(&allocator, 1);
    tg_params *list = tg_params_new(tape);
    for (int i = 0; i < 3; i++)
        tg_nn_linear(list, 2, 2, NULL, "fc%d", i);
    tg_tensor *before = tg_rng_state(tape);
    tg_mark mark = tg_tape_mark(tape);
    allocator.calls = 0;
    allocator.fail_at = k;
    tg_batch_norm_layer b = tg_nn_batch_norm(list, 2, NULL, "batch");
    size_t last = recurrent ? tg_nn_lstm(list, 2, 3, &two, "net").n
                            : tg_nn_embedding(list, 2, 2, NULL, "symbols").weight != NULL;
    const bool failed = allocator.failures;
    allocator.fail_at = -1;
    assert_int_equal(tg_error(tape), failed ? TG_ENOMEM : TG_OK);
    tg_clear_error(tape);
    assert_int_equal(tg_params_count(list), 6u + (b.bias ? 5 : 0) + last);
    if (!b.bias)
        assert_true(marks_equal(mark, tg_tape_mark(tape)));
    if (failed)
        assert_true(tensors_same(before, tg_rng_state(tape)));
    tg_tape_free(tape);
    assert_int_equal(allocator.live, 0);
    return failed;
}

static void all_or_nothing(void **state)
{
    (void)state;
    for (int recurrent = 0; recurrent < 2; recurrent++) {
        for (int64_t k = 0; one_fails(k, recurrent); k++)
            continue;
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(names_and_bits), cmocka_unit_test(results),
        cmocka_unit_test(training),       cmocka_unit_test(names),
        cmocka_unit_test(no_list),        cmocka_unit_test(wrong),
        cmocka_unit_test(out_of_memory),  cmocka_unit_test(all_or_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

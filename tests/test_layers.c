/* Layers with PyTorch's weights against what it computes with them, see golden/layers.py. */
#include "check.h"
#include "support.h"

#include "golden/layers.inc"

#include <math.h>

#define COUNT(a) (sizeof(a) / sizeof(a)[0])

/* Values as golden/layers.py writes them, one tensor after the other. */
typedef struct golden {
    const double *values;
    size_t n, at;
} golden;

static void expect(golden *g, tg_tensor *t)
{
    const double *values = tg_f64(tg_contiguous(t));
    assert_non_null(values);
    for (int64_t i = 0; i < tg_numel(t); i++, g->at++) {
        assert_true(g->at < g->n);
        if (fabs(values[i] - g->values[g->at]) > 1e-13 + 1e-12 * fabs(g->values[g->at]))
            fail_msg("value %d is %.17g, wanted %.17g", (int)g->at, values[i], g->values[g->at]);
    }
}

static tg_tensor *squares(tg_tensor *t)
{
    return tg_sum(tg_square(t));
}

/* --- recurrent layers: of 3 inputs and 2 units, 2 rows of 4 steps --- */

enum { STEPS = 4, ROWS = 2, IN = 3, UNITS = 2 };

/* Those of a state_dict(), in order. */
static void expect_names(const tg_params *list, const tg_recurrent_opts *o)
{
    static const char *const kinds[] = {"weight_ih", "weight_hh", "bias_ih", "bias_hh"};
    size_t n = 0;
    for (int layer = 0; layer < o->layers; layer++) {
        for (int i = 0; i < (o->bidirectional ? 8 : 4); i++) {
            char name[64];
            snprintf(name, sizeof name, "net.%s_l%d%s", kinds[i % 4], layer,
                     i < 4 ? "" : "_reverse");
            assert_string_equal(tg_params_name(list, n++), name);
        }
    }
    assert_int_equal(tg_params_count(list), n);
}

static void recurrent(bool has_c, tg_recurrent_opts o, golden g)
{
    tg_tape *tape = tg_tape_new(NULL);
    tg_params *list = tg_params_new(tape);
    tg_tensor *h = NULL, *c = NULL;
    tg_manual_seed(tape, 7);
    const tg_nn_recurrent_opts opts = {o, TG_F64};
    tg_recurrent_layer l = has_c ? tg_nn_lstm(list, IN, UNITS, &opts, "net")
                                 : tg_nn_gru(list, IN, UNITS, &opts, "net");
    expect_names(list, &o);
    const int64_t states = o.layers * (o.bidirectional ? 2 : 1);
    const int64_t first = o.batch_first ? ROWS : STEPS, second = o.batch_first ? STEPS : ROWS;
    tg_tensor *x = tg_randn(tape, TG_DIMS(first, second, IN), TG_F64 | TG_REQUIRES_GRAD);
    l.how.h0 = tg_randn(tape, TG_DIMS(states, ROWS, UNITS), TG_F64 | TG_REQUIRES_GRAD);
    if (has_c)
        l.how.c0 = tg_randn(tape, TG_DIMS(states, ROWS, UNITS), TG_F64 | TG_REQUIRES_GRAD);
    if (o.layers == 2)
        l.how.lengths = tg_from_i64(tape, (int64_t[]){2, 4}, TG_DIMS(ROWS), 0);
    tg_tensor *y = has_c ? tg_nn_apply_lstm(x, &l, true, &h, &c) : tg_nn_apply_gru(x, &l, true, &h);
    tg_tensor *loss = tg_add(squares(y), squares(h));
    tg_backward(has_c ? tg_add(loss, squares(c)) : loss);
    tg_tensor *all[] = {y, h, c, tg_grad(x), tg_grad(l.how.h0), has_c ? tg_grad(l.how.c0) : NULL};
    for (size_t i = 0; i < COUNT(all); i++) {
        if (all[i])
            expect(&g, all[i]);
    }
    for (size_t i = 0; i < l.n; i++)
        expect(&g, tg_grad(l.weights[i]));
    assert_int_equal(g.at, g.n);
    assert_ok(tape);
    tg_tape_free(tape);
}

static void lstm_as_torch(void **state)
{
    (void)state;
    const tg_recurrent_opts two = {.layers = 2, .bidirectional = true, .batch_first = true};
    recurrent(true, (tg_recurrent_opts){.layers = 1}, (golden){lstm, COUNT(lstm), 0});
    recurrent(true, two, (golden){lstm_lengths, COUNT(lstm_lengths), 0});
}

static void gru_as_torch(void **state)
{
    (void)state;
    const tg_recurrent_opts two = {.layers = 2, .bidirectional = true, .batch_first = true};
    recurrent(false, (tg_recurrent_opts){.layers = 1}, (golden){gru, COUNT(gru), 0});
    recurrent(false, two, (golden){gru_lengths, COUNT(gru_lengths), 0});
}

/* What the op table has no room for. */
static void refused(void **state)
{
    (void)state;
    tg_tape *tape = tg_tape_new(NULL);
    tg_params *list = tg_params_new(tape);
    tg_tensor *x = tg_ones(tape, TG_DIMS(STEPS, ROWS, IN), 0), *h, *c;
    tg_tensor *first = tg_ones(tape, TG_DIMS(1, ROWS, UNITS), 0);
    const tg_recurrent_layer l = tg_nn_lstm(list, IN, UNITS, NULL, "%s", "a"),
                             g = tg_nn_gru(list, IN, UNITS, NULL, "%s", "b");
    assert_null(tg_gru(x, g.weights, g.n, &(tg_recurrent_opts){.h0 = first, .c0 = first}, &h));
    assert_error(tape, TG_EVALUE, "gru: it has no c0");
    assert_null(h);
    assert_null(tg_lstm(x, l.weights, l.n, &(tg_recurrent_opts){.h0 = first}, &h, &c));
    assert_error(tape, TG_EVALUE, "lstm: h0 and c0 go together");
    assert_true(!h && !c);
    assert_null(tg_lstm(x, l.weights, 3, NULL, NULL, NULL));
    assert_error(tape, TG_EVALUE, "lstm: 3 weights, wanted 4 for each of 1 layers in 1 directions");
    assert_null(tg_lstm(x, l.weights, l.n, &(tg_recurrent_opts){.layers = -1}, NULL, NULL));
    assert_error(tape, TG_EVALUE, "lstm: -1 layers");
    assert_null(tg_gru(x, g.weights, g.n, &(tg_recurrent_opts){.lengths = first}, NULL));
    assert_error(tape, TG_EDTYPE, "gru: lengths are float32, wanted int64");
    tg_tensor *lengths = tg_from_i64(tape, (int64_t[]){4, 4, 4}, TG_DIMS(3), 0);
    assert_null(tg_gru(x, g.weights, g.n, &(tg_recurrent_opts){.lengths = lengths}, NULL));
    assert_error(tape, TG_ESHAPE, "gru: lengths [3] of 2 rows");
    assert_null(
        tg_gru_cell(tg_select(x, 0, 0), NULL, g.weights[0], g.weights[1], g.weights[2], NULL));
    assert_error(tape, TG_EVALUE, "gru_cell: b_ih and b_hh go together");
    tg_tape_free(tape);
}

/* One row by itself begins at 0, as rows of a batch do. */
static void a_row_without_a_state(void **state)
{
    (void)state;
    tg_tape *tape = tg_tape_new(NULL);
    const tg_recurrent_layer g = tg_nn_gru(tg_params_new(tape), IN, UNITS, NULL, "g");
    tg_tensor *const *w = g.weights, *row = tg_ones(tape, TG_DIMS(IN), 0);
    tg_tensor *zero = tg_zeros(tape, TG_DIMS(UNITS), 0);
    tg_tensor *y = tg_gru_cell(row, NULL, w[0], w[1], w[2], w[3]);
    assert_int_equal(tg_ndim(y), 1);
    assert_true(tensors_same(y, tg_gru_cell(row, zero, w[0], w[1], w[2], w[3])));
    tg_tape_free(tape);
}

/* Dropout between layers, in training alone. */
static void dropout_between(void **state)
{
    (void)state;
    tg_tape *tape = tg_tape_new(NULL);
    tg_params *list = tg_params_new(tape);
    const tg_nn_recurrent_opts two = {.how = {.layers = 2, .dropout = 1}};
    const tg_recurrent_layer l = tg_nn_gru(list, IN, UNITS, &two, "a");
    tg_tensor *x = tg_randn(tape, TG_DIMS(STEPS, ROWS, IN), 0);
    tg_tensor *zeros = tg_zeros(tape, TG_DIMS(STEPS, ROWS, UNITS), 0);
    tg_tensor *second = tg_gru(zeros, l.weights + 4, 4, NULL, NULL);
    tg_tensor *first = tg_gru(tg_gru(x, l.weights, 4, NULL, NULL), l.weights + 4, 4, NULL, NULL);
    const size_t size = STEPS * ROWS * UNITS * sizeof(float);
    const float *dropped = tg_f32(tg_nn_apply_gru(x, &l, true, NULL));
    assert_memory_equal(dropped, tg_f32(second), size);
    assert_memory_equal(tg_f32(tg_nn_apply_gru(x, &l, false, NULL)), tg_f32(first), size);
    assert_ok(tape);
    tg_tape_free(tape);
}

/* --- images --- */

enum { IMAGE_IN = 3 };

/* A layer of inputs that are normal, all of them leaves; more: another result, or NULL. */
typedef tg_tensor *image_layer(tg_tensor *const *in, tg_tensor **more);

static tg_tensor *run_transposed(tg_tensor *const *in, tg_tensor **more)
{
    (void)more;
    return tg_conv_transpose2d(in[0], in[1], in[2],
                               &(tg_conv_transpose_opts){.stride = {2, 3},
                                                         .padding = {1, 0},
                                                         .output_padding = {1, 2},
                                                         .dilation = {2, 1},
                                                         .groups = 2});
}

static tg_tensor *run_largest(tg_tensor *const *in, tg_tensor **more)
{
    const tg_pool_more_opts o = {
        .kernel = {2}, .padding = {1, 1}, .ceil_mode = true, .indices = more};
    return tg_max_pool2d_with(in[0], &o);
}

static tg_tensor *average(tg_tensor *x, bool exclude, int64_t divisor)
{
    return tg_avg_pool2d_with(x, &(tg_pool_more_opts){.kernel = {3},
                                                      .stride = {2},
                                                      .padding = {1, 1},
                                                      .ceil_mode = true,
                                                      .exclude_padding = exclude,
                                                      .divisor = divisor});
}

static tg_tensor *run_means(tg_tensor *const *in, tg_tensor **more)
{
    (void)more;
    return average(in[0], false, 0);
}

static tg_tensor *run_inside(tg_tensor *const *in, tg_tensor **more)
{
    (void)more;
    return average(in[0], true, 0);
}

static tg_tensor *run_divided(tg_tensor *const *in, tg_tensor **more)
{
    (void)more;
    return average(in[0], false, 3);
}

static tg_tensor *run_adaptive(tg_tensor *const *in, tg_tensor **more)
{
    (void)more;
    return tg_adaptive_avg_pool2d(in[0], 3, 3);
}

static tg_tensor *run_nearest(tg_tensor *const *in, tg_tensor **more)
{
    (void)more;
    return tg_interpolate(in[0], &(tg_interpolate_opts){.scale = {1.7}});
}

static tg_tensor *run_linear(tg_tensor *const *in, tg_tensor **more)
{
    (void)more;
    return tg_interpolate(in[0], &(tg_interpolate_opts){.size = {3, 7}, .mode = TG_LINEAR});
}

static tg_tensor *run_corners(tg_tensor *const *in, tg_tensor **more)
{
    (void)more;
    return tg_interpolate(
        in[0], &(tg_interpolate_opts){.size = {3, 7}, .mode = TG_LINEAR, .align_corners = true});
}

static void image(image_layer *layer, bool with_weights, golden g)
{
    tg_tape *tape = tg_tape_new(NULL);
    const int flags = TG_F64 | TG_REQUIRES_GRAD;
    tg_tensor *in[IMAGE_IN] = {NULL}, *more = NULL;
    tg_manual_seed(tape, 7);
    in[0] = with_weights ? tg_randn(tape, TG_DIMS(1, 4, 2, 3), flags)
                         : tg_randn(tape, TG_DIMS(1, 2, 5, 4), flags);
    if (with_weights) {
        in[1] = tg_randn(tape, TG_DIMS(4, 1, 3, 2), flags);
        in[2] = tg_randn(tape, TG_DIMS(2), flags);
    }
    tg_tensor *y = layer(in, &more);
    tg_backward(squares(y));
    expect(&g, y);
    if (more)
        expect(&g, tg_to(more, TG_F64));
    for (int i = 0; i < IMAGE_IN && in[i]; i++)
        expect(&g, tg_grad(in[i]));
    assert_int_equal(g.at, g.n);
    assert_ok(tape);
    tg_tape_free(tape);
}

#define IMAGE(name) image(run_##name, false, (golden){name, COUNT(name), 0})

static void images_as_torch(void **state)
{
    (void)state;
    image(run_transposed, true, (golden){transposed, COUNT(transposed), 0});
    IMAGE(largest);
    IMAGE(means);
    IMAGE(inside);
    IMAGE(divided);
    IMAGE(adaptive);
    IMAGE(nearest);
    IMAGE(linear);
    IMAGE(corners);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(lstm_as_torch),   cmocka_unit_test(gru_as_torch),
        cmocka_unit_test(refused),         cmocka_unit_test(a_row_without_a_state),
        cmocka_unit_test(dropout_between), cmocka_unit_test(images_as_torch),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

/* Anomaly mode: which numbers are looked at, how often, and how they are written in messages. */
#include "check.h"

#include <math.h>
#include <tinygrad/op.h>

/* Far more than a test could look at; in 32 bits, the most that a size may be. */
#define HUGE_SIZE (sizeof(void *) > 4 ? INT64_C(1) << 40 : PTRDIFF_MAX / 8)

static tg_tape *watched(tg_isa isa)
{
    tg_tape *tape = tg_tape_new(&(tg_tape_opts){.isa = isa});
    tg_set_anomaly_enabled(tape, true);
    return tape;
}

/* There is one number behind more elements than anybody can look at. */
static void huge_views(void **state)
{
    (void)state;
    tg_tape *tape = watched(TG_ISA_BEST);
    tg_tensor *one = tg_ones(tape, TG_DIMS(1, 1), TG_REQUIRES_GRAD);
    tg_mark start = tg_tape_mark(tape);
    for (int i = 0; i < 2; i++) {
        tg_tensor *x = tg_expand(one, TG_DIMS(HUGE_SIZE, 1));
        assert_non_null(tg_transpose(x, 0, 1));
        assert_non_null(tg_narrow(tg_select(x, 1, 0), 0, 5, HUGE_SIZE / 2));
        tg_set_grad_enabled(tape, i);
    }
    assert_int_equal(tg_tape_replay(tape, start), TG_OK);
    tg_capture *capture = tg_capture_begin(tape);
    tg_expand(one, TG_DIMS(HUGE_SIZE, 1));
    assert_int_equal(tg_capture_end(capture), TG_OK);
    assert_int_equal(tg_capture_replay(capture), TG_OK);
    assert_ok(tape);
    tg_tape_free(tape);
}

/* A table's second gradient in a pass is made by itself, so that it can be looked at, and added to the first; rows of
 * padding have none, also where rows have one element. */
static void tables_of_two_readers(void **state)
{
    (void)state;
    for (int i = 0; i < 8; i++) {
        const int64_t width = i & 1 ? 1 : 3, padding = i & 2 ? 2 : TG_NO_PADDING;
        tg_tape *tape = watched(TG_ISA_BEST);
        tg_set_anomaly_enabled(tape, i & 4);
        tg_tensor *table = tg_rand(tape, TG_DIMS(4, width), TG_F64 | TG_REQUIRES_GRAD);
        tg_tensor *index = tg_from_i64(tape, (int64_t[]){3, 2, 0, 3, 2}, TG_DIMS(5), 0);
        tg_tensor *a = tg_embedding(table, index, padding),
                  *b = tg_embedding(table, index, padding);
        tg_tensor *y = tg_add(tg_sum(a), tg_mul_scalar(tg_sum(b), 10));
        assert_int_equal(tg_backward(y), TG_OK);
        const double times[] = {1, 0, padding == 2 ? 0 : 2, 2};
        for (int64_t k = 0; k < 4 * width; k++)
            assert_equal(tg_f64(tg_grad(table))[k], 11 * times[k / width]);
        /* Of the gradient of its square, which reads rows again. */
        tg_tensor *g, *square = tg_sum(tg_square(tg_embedding(table, index, padding)));
        tg_gradients(square, NULL, &table, 1, &g, &(tg_backward_opts){.create_graph = true});
        tg_zero_grad(table);
        assert_int_equal(tg_backward(tg_sum(tg_square(g))), TG_OK);
        for (int64_t k = 0; k < 4 * width; k++) {
            const double slope = 2 * times[k / width];
            assert_near(tg_f64(tg_grad(table))[k], 2 * slope * slope * tg_f64(table)[k], 1e-14);
        }
        /* Of the sum of its gradient by what it is multiplied with: rows of padding do not depend on that. */
        tg_tensor *v = tg_rand(tape, TG_DIMS(5, width), TG_F64 | TG_REQUIRES_GRAD);
        tg_tensor *product = tg_sum(tg_mul(tg_embedding(table, index, padding), v));
        tg_gradients(product, NULL, &table, 1, &g, &(tg_backward_opts){.create_graph = true});
        assert_int_equal(tg_backward(tg_sum(g)), TG_OK);
        for (int64_t k = 0; k < 5 * width; k++)
            assert_equal(tg_f64(tg_grad(v))[k], tg_i64(index)[k / width] != padding);
        tg_tape_free(tape);
    }
}

static void nothing(tg_node *node)
{
    ((float *)tg_out_data(node))[0] = 0;
}

/* The input's gradient is a view that repeats the output's without end. */
static void expanded_backward(tg_node *node, tg_tensor *grad_out, tg_tensor **grad_in)
{
    grad_in[0] = tg_expand(grad_out, tg_ndim(node->in[0]), tg_sizes(node->in[0]));
}

static const tg_op first_op = {"first", nothing, expanded_backward, {TG_READS_NOTHING}};

static void huge_gradients(void **state)
{
    (void)state;
    tg_tape *tape = watched(TG_ISA_BEST);
    tg_tensor *one = tg_ones(tape, TG_DIMS(1, 1), TG_REQUIRES_GRAD), *loss;
    tg_tensor *x = tg_expand(one, TG_DIMS(HUGE_SIZE, 1));
    loss = tg_apply(&(tg_call){.op = &first_op, .n_in = 1, .in = &x, .dtype = TG_F32});
    loss = tg_mul_scalar(loss, (double)NAN);
    assert_error(tape, TG_EVALUE, "mul_scalar: output element 0 is nan");
    tg_set_anomaly_enabled(tape, false);
    loss = tg_mul_scalar(
        tg_apply(&(tg_call){.op = &first_op, .n_in = 1, .in = &x, .dtype = TG_F32}), (double)NAN);
    tg_set_anomaly_enabled(tape, true);
    assert_int_equal(tg_backward(loss), TG_EVALUE);
    assert_error(tape, TG_EVALUE, "mul_scalar: backward: element 0 of the gradient of input 0");
    assert_null(tg_grad(one));
    tg_tape_free(tape);
}

/* The element is named as the view has it. */
static void elements_of_views(void **state)
{
    (void)state;
    tg_tape *tape = watched(TG_ISA_BEST);
    tg_tensor *x = tg_ones(tape, TG_DIMS(3, 2, 4), TG_REQUIRES_GRAD);
    tg_tensor *y = tg_sum_dims(x, TG_DIMS(2), true), *out = tg_transpose(y, 0, 1);
    tg_tensor *up = tg_from_f32(tape, (float[]){1, 2, 3, 4, (float)NAN, 6}, TG_DIMS(2, 3, 1), 0);
    assert_int_equal(tg_backward_with(out, up, NULL), TG_EVALUE);
    assert_error(tape, TG_EVALUE,
                 "transpose: backward: element 3 of the gradient of input 0 is nan");
    assert_int_equal(tg_backward_with(y, tg_contiguous(tg_zeros(tape, TG_DIMS(3, 2, 1), 0)), NULL),
                     TG_OK);
    tg_set_anomaly_enabled(tape, false);
    up = tg_contiguous(tg_transpose(up, 0, 1));
    tg_set_anomaly_enabled(tape, true);
    assert_int_equal(tg_backward_with(y, up, NULL), TG_EVALUE);
    assert_error(tape, TG_EVALUE, "sum: backward: element 12 of the gradient of input 0 is nan");
    tg_tape_free(tape);
}

/* Its sign says which instructions made it. */
static void nans_have_no_sign(void **state)
{
    (void)state;
    for (int isa = TG_ISA_BASE; isa <= TG_ISA_V4; isa++) {
        tg_tape *tape = watched((tg_isa)isa);
        for (int i = 0; i < 2; i++) {
            double nan = i ? -(double)NAN : (double)NAN;
            float list[] = {1, (float)INFINITY, -(float)INFINITY, (float)nan};
            tg_tensor *x = tg_from_f32(tape, list, TG_DIMS(4), TG_REQUIRES_GRAD);
            tg_sum(x);
            assert_error(tape, TG_EVALUE, "sum: output element 0 is nan");
            tg_tensor *y = tg_mul_scalar(tg_narrow(x, 0, 0, 1), 2);
            tg_tensor *up = tg_full(tape, TG_DIMS(1), nan, 0);
            assert_int_equal(tg_backward_with(y, up, NULL), TG_EVALUE);
            assert_error(tape, TG_EVALUE, "the gradient of input 0 is nan");
            tg_full(tape, TG_SCALAR, nan, TG_I64);
            assert_error(tape, TG_EVALUE, "full: int64 cannot hold nan");
            assert_null(tg_sgd(tape, &x, 1, &(tg_sgd_opts){.lr = nan}));
            assert_error(tape, TG_EVALUE, "sgd: lr nan is not");
            tg_norm(x, nan);
            assert_error(tape, TG_EVALUE, "norm: p is nan");
            tg_clip_grad_value(&x, 1, nan);
            assert_error(tape, TG_EVALUE, "clip_grad_value: value nan is not >= 0");
        }
        tg_tape_free(tape);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(huge_views),        cmocka_unit_test(tables_of_two_readers),
        cmocka_unit_test(huge_gradients),    cmocka_unit_test(elements_of_views),
        cmocka_unit_test(nans_have_no_sign),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

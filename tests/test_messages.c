/* Messages of operations that refuse what they are given: they show what is wrong with a number, and
 * name what is missing. */
#include "check.h"

#include <tinygrad/op.h>

static void test_numbers_tell_what_is_wrong(void **state)
{
    (void)state;
    tg_tape *tape = tg_tape_new(NULL);
    const double over = 1.0000000001;
    tg_tensor *ones = tg_ones(tape, TG_DIMS(2, 3), 0);
    tg_bce_loss(tg_full(tape, TG_DIMS(2, 3), 1.0000001, 0), ones, NULL, TG_MEAN);
    assert_error(tape, TG_EVALUE, "bce_loss: input element 0 is 1.0000001, outside [0, 1]");
    tg_bce_loss(tg_full(tape, TG_DIMS(1), over, TG_F64), tg_ones(tape, TG_DIMS(1), TG_F64), NULL,
                TG_MEAN);
    assert_error(tape, TG_EVALUE, "bce_loss: input element 0 is 1.0000000001, outside [0, 1]");
    tg_dropout(ones, over, true);
    assert_error(tape, TG_EVALUE, "dropout: p 1.0000000001 is outside [0, 1]");
    tg_batch_norm(ones, &(tg_batch_norm_opts){.momentum = over});
    assert_error(tape, TG_EVALUE, "batch_norm: momentum 1.0000000001 is outside [0, 1]");
    tg_tensor *t = tg_zeros(tape, TG_DIMS(2), TG_I64);
    tg_cross_entropy(ones, t, &(tg_ce_opts){.label_smoothing = over});
    assert_error(tape, TG_EVALUE, "label_smoothing 1.0000000001 is outside [0, 1]");
    tg_uniform_(ones, over, 1);
    assert_error(tape, TG_EVALUE, "uniform_: no range from 1.0000000001 to 1");
    tg_arange(tape, 1, over, -1, TG_F64);
    assert_error(tape, TG_EVALUE, "arange: from 1 to 1.0000000001 by -1");
    tg_dropout(ones, (double)NAN, true);
    assert_error(tape, TG_EVALUE, "nan is outside [0, 1]");
    tg_tape_free(tape);
}

static void test_messages_name_the_way_out(void **state)
{
    (void)state;
    tg_tape *tape = tg_tape_new(NULL);
    tg_tensor *image = tg_zeros(tape, TG_DIMS(1, 4, 4), 0);
    tg_max_pool2d(image, NULL);
    assert_error(tape, TG_EVALUE, "max_pool2d: no kernel: set opts->kernel");
    tg_avg_pool2d(image, &(tg_pool_opts){.stride = {2}});
    assert_error(tape, TG_EVALUE, "avg_pool2d: no kernel: set opts->kernel");
    tg_max_pool1d(image, NULL);
    assert_error(tape, TG_EVALUE, "max_pool1d: no kernel: set opts->kernel");
    tg_tensor *logits = tg_zeros(tape, TG_DIMS(2, 5, 7), 0);
    tg_tensor *targets = tg_zeros(tape, TG_DIMS(2, 5), TG_I64);
    tg_cross_entropy(logits, targets, NULL);
    assert_error(
        tape, TG_ESHAPE,
        "cross_entropy: input [2, 5, 7] wants targets [2, 7], not [2, 5] (classes are dim 1)");
    tg_nll_loss(logits, targets, NULL);
    assert_error(tape, TG_ESHAPE, "not [2, 5] (classes are dim 1)");
    tg_backward(tg_sum(image));
    assert_error(tape, TG_ESTATE, "TG_REQUIRES_GRAD");
    tg_backward(tg_sum(image));
    assert_error(tape, TG_ESTATE, "tg_set_grad_enabled()");
    tg_tape_free(tape);
}

/* --- whose name a message begins with --- */

static void test_compositions_speak(void **state)
{
    (void)state;
    tg_tape *tape = tg_tape_new(NULL);
    tg_tensor *none = tg_zeros(tape, TG_DIMS(0), 0), *x = tg_ones(tape, TG_DIMS(2, 3), 0);
    const double inf = (double)INFINITY;
    assert_null(tg_norm(none, inf));
    assert_error(tape, TG_ESHAPE, "norm: no elements to choose from in [0]");
    assert_null(tg_max_dim(x, 2, false));
    assert_error(tape, TG_EVALUE, "max: there is no dim 2 in [2, 3]");
    assert_null(tg_smooth_l1_loss(x, none, 0.5, TG_MEAN));
    assert_error(tape, TG_ESHAPE, "smooth_l1_loss: target [0] for input [2, 3]");
    assert_null(tg_smooth_l1_loss(x, none, 0, TG_MEAN)); /* which l1_loss computes */
    assert_error(tape, TG_ESHAPE, "smooth_l1_loss: target [0] for input [2, 3]");
    assert_null(
        tg_batch_norm(x, &(tg_batch_norm_opts){.running_var = tg_ones(tape, TG_DIMS(2), 0)}));
    assert_error(tape, TG_ESHAPE, "batch_norm: running_var [2], wanted [3]");
    assert_null(tg_linear(x, NULL, none));
    assert_error(tape, TG_EVALUE, "linear: input 1 is NULL");
    /* Whatever failed, the next call speaks for itself. */
    assert_null(tg_gather(x, 1, x));
    assert_error(tape, TG_EDTYPE, "gather: the index");
    tg_tape_free(tape);
}

/* The element is one of the inner operation's output. */
static void test_anomalies_name_the_record(void **state)
{
    (void)state;
    tg_tape *tape = tg_tape_new(NULL);
    tg_set_anomaly_enabled(tape, true);
    assert_true(tg_set_anomaly_inf(tape, true) || !tg_error(tape));
    tg_tensor *x = tg_full(tape, TG_DIMS(2), 1e30, 0);
    assert_null(tg_norm(x, 3));
    assert_error(tape, TG_EVALUE, "pow_scalar: output element 0 is inf");
    assert_null(tg_norm(x, (double)NAN));
    assert_error(tape, TG_EVALUE, "norm: p is nan");
    tg_tape_free(tape);
}

static void speaking_forward(tg_node *node)
{
    const tg_tensor *n = tg_norm(node->in[1], (double)INFINITY);
    tg_tape *tape = tg_tape_of(node->out);
    if (n)
        tg_fail(tape, TG_EVALUE, "mine, on line %d: there is a norm", 7);
}

/* A user's operation calls compositions; what it says is said as it is. */
static void test_operations_speak_inside_of_others(void **state)
{
    static const tg_op op = {.name = "mine", .forward = speaking_forward};
    (void)state;
    tg_tape *tape = tg_tape_new(NULL);
    for (int64_t n = 0; n < 2; n++) {
        tg_tensor *in[] = {tg_ones(tape, TG_DIMS(2), 0), tg_ones(tape, 1, &n, 0)};
        assert_null(tg_apply(&(tg_call){.op = &op, .n_in = 2, .in = in}));
        assert_error(tape, n ? TG_EVALUE : TG_ESHAPE,
                     n ? "mine, on line 7: there is a norm" : "norm: no elements");
    }
    tg_tape_free(tape);
}

/* Which of several it is, and what was wanted of it. */
static void test_messages_name_the_tensor(void **state)
{
    (void)state;
    tg_tape *tape = tg_tape_new(NULL);
    tg_tensor *x = tg_ones(tape, TG_DIMS(2, 3), 0), *part[2];
    assert_null(tg_multi_margin_loss(x, tg_zeros(tape, TG_DIMS(2, 3), TG_I64), NULL));
    assert_error(tape, TG_ESHAPE, "multi_margin_loss: target [2, 3] for input [2, 3], wanted [2]");
    assert_null(tg_triplet_margin_loss(x, x, tg_ones(tape, TG_DIMS(3), 0), NULL));
    assert_error(tape, TG_ESHAPE,
                 "triplet_margin_loss: negative [3] for input [2, 3], wanted [2, 3]");
    assert_int_equal(tg_split(x, 2, NULL, 0, part), 0);
    assert_error(tape, TG_EVALUE, "split: the list of 2 sizes is NULL");
    assert_int_equal(tg_split(x, 2, (int64_t[]){1, 1}, 0, NULL), 0);
    assert_error(tape, TG_EVALUE, "split: the list of 2 results is NULL");
    assert_null(tg_pad(x, 2, NULL, TG_PAD_CONSTANT, 0));
    assert_error(tape, TG_EVALUE, "pad: 2 numbers, and their list is NULL");
    tg_tape_free(tape);
}

/* By PyTorch's names, of layers and directions. */
static void test_messages_name_the_weight(void **state)
{
    (void)state;
    tg_tape *tape = tg_tape_new(NULL);
    tg_tensor *x = tg_ones(tape, TG_DIMS(4, 2, 3), 0), *weights[16];
    for (int i = 0; i < 4; i++) {
        weights[4 * i] = tg_ones(tape, TG_DIMS(8, i < 2 ? 3 : 4), 0);
        weights[4 * i + 1] = tg_ones(tape, TG_DIMS(8, 2), 0);
        weights[4 * i + 2] = weights[4 * i + 3] = tg_ones(tape, TG_DIMS(8), 0);
    }
    tg_recurrent_opts opts = {.layers = 2, .bidirectional = true};
    assert_non_null(tg_lstm(x, weights, 16, &opts, NULL, NULL));
    weights[12] = weights[0];
    assert_null(tg_lstm(x, weights, 16, &opts, NULL, NULL));
    assert_error(tape, TG_ESHAPE, "lstm: weight_ih_l1_reverse is [8, 3], wanted [8, 4]");
    weights[9] = tg_ones(tape, TG_DIMS(8), 0);
    assert_null(tg_lstm(x, weights, 16, &opts, NULL, NULL));
    assert_error(tape, TG_ESHAPE, "lstm: weight_hh_l1 [8], wanted (4 * hidden, hidden)");
    tg_tensor *row = tg_ones(tape, TG_DIMS(3), 0), *h = tg_ones(tape, TG_DIMS(2), 0);
    assert_null(tg_lstm_cell(row, h, h, weights[0], weights[1], weights[2], h, NULL));
    assert_error(tape, TG_ESHAPE, "lstm_cell: bias_hh is [2], wanted [8]");
    assert_null(tg_lstm(x, weights, 4, &(tg_recurrent_opts){.dropout = 2}, NULL, NULL));
    assert_error(tape, TG_EVALUE, "lstm: dropout 2 is not in [0, 1]");
    tg_tape_free(tape);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_numbers_tell_what_is_wrong),
        cmocka_unit_test(test_messages_name_the_way_out),
        cmocka_unit_test(test_compositions_speak),
        cmocka_unit_test(test_anomalies_name_the_record),
        cmocka_unit_test(test_operations_speak_inside_of_others),
        cmocka_unit_test(test_messages_name_the_tensor),
        cmocka_unit_test(test_messages_name_the_weight),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

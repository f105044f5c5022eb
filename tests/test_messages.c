/* Messages of operations that refuse what they are given: they show what is wrong with a number, and
 * name what is missing. */
#include "check.h"

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

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_numbers_tell_what_is_wrong),
        cmocka_unit_test(test_messages_name_the_way_out),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

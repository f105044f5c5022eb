/* The classic mistakes, each with what comes of it: an error that says what is wrong, or a value
 * that can be relied on. The reference's page src/doc/mistakes.md has the same list, beside
 * PyTorch's answers (tests/golden/mistakes.py); tests/mistakes.sh compares the two. */
#include "check.h"
#include "forks.h"
#include "support.h"

#include <sys/wait.h>
#include <unistd.h>

static const double inf = (double)INFINITY;

static tg_tensor *leaf(tg_tape *tape, double a, double b)
{
    return tg_from_f32(tape, (float[]){(float)a, (float)b}, TG_DIMS(2), TG_REQUIRES_GRAD);
}

/* Scores of two samples for three classes. */
static tg_tensor *scores(tg_tape *tape)
{
    return tg_from_f32(tape, (float[]){1, 2, 3, 3, 2, 1}, TG_DIMS(2, 3), TG_REQUIRES_GRAD);
}

static tg_tensor *labels(tg_tape *tape, int64_t a, int64_t b)
{
    return tg_from_i64(tape, (int64_t[]){a, b}, TG_DIMS(2), 0);
}

static double first(tg_tensor *t)
{
    return tg_item(tg_narrow(tg_reshape(t, TG_DIMS(-1)), 0, 0, 1));
}

static void backward(tg_tensor *t)
{
    tg_backward(tg_sum(t));
}

/* --- the training loop --- */

static void zero_grad_forgotten(tg_tape *tape)
{
    tg_tensor *w = leaf(tape, 1, 2);
    for (int step = 0; step < 2; step++)
        backward(tg_square(w));
    assert_equal(first(tg_grad(w)), 2 + 2);
}

static void zero_grad_before_the_step(tg_tape *tape)
{
    tg_tensor *w = leaf(tape, 1, 2);
    tg_optim *optim = tg_sgd(tape, &w, 1, NULL);
    backward(tg_square(w));
    tg_optim_zero_grad(optim);
    tg_optim_step(optim);
    assert_equal(first(w), 1);
}

static void backward_forgotten(tg_tape *tape)
{
    tg_tensor *w = leaf(tape, 1, 2);
    tg_optim *optim = tg_sgd(tape, &w, 1, NULL);
    tg_optim_step(optim);
    assert_equal(first(w), 1);
}

static void backward_twice(tg_tape *tape)
{
    tg_tensor *w = leaf(tape, 1, 2), *loss = tg_sum(tg_square(w));
    tg_backward(loss);
    tg_backward(loss);
    assert_equal(first(tg_grad(w)), 2 + 2);
}

static void requires_grad_forgotten(tg_tape *tape)
{
    backward(tg_square(tg_ones(tape, TG_DIMS(2), 0)));
}

static void gradient_before_backward(tg_tape *tape)
{
    tg_tensor *w = leaf(tape, 1, 2);
    assert_null(tg_grad(w));
    assert_true(isnan(tg_item(tg_grad(w))));
}

static void gradient_of_a_result(tg_tape *tape)
{
    tg_tensor *w = leaf(tape, 1, 2), *y = tg_square(w);
    backward(y);
    assert_null(tg_grad(y));
}

static void backward_of_many_values(tg_tape *tape)
{
    tg_backward(tg_square(leaf(tape, 1, 2)));
}

static void sum_instead_of_mean(tg_tape *tape)
{
    tg_tensor *w = leaf(tape, 1, 2);
    backward(tg_mse_loss(w, tg_zeros(tape, TG_DIMS(2), 0), TG_SUM));
    assert_equal(first(tg_grad(w)), 2); /* the mean's would be 1 */
}

static void loss_detached(tg_tape *tape)
{
    tg_backward(tg_detach(tg_sum(leaf(tape, 1, 2))));
}

static void loss_from_its_value(tg_tape *tape)
{
    double value = tg_item(tg_sum(leaf(tape, 1, 2)));
    tg_backward(tg_full(tape, TG_SCALAR, value, 0));
}

static void accuracy_as_the_loss(tg_tape *tape)
{
    tg_tensor *hits = tg_eq(tg_argmax_dim(scores(tape), 1, false), labels(tape, 2, 0));
    tg_backward(tg_mean(tg_to(hits, TG_F32)));
}

static void gradients_left_disabled(tg_tape *tape)
{
    tg_tensor *w = leaf(tape, 1, 2);
    tg_set_grad_enabled(tape, false);
    backward(tg_square(w));
}

static void evaluation_with_gradients_enabled(tg_tape *tape)
{
    tg_tensor *w = leaf(tape, 1, 2);
    tg_set_grad_enabled(tape, false);
    size_t before = tg_memory(tape).objects;
    tg_square(w);
    size_t without = tg_memory(tape).objects - before;
    tg_set_grad_enabled(tape, true);
    tg_square(w);
    assert_true(tg_memory(tape).objects - before - without > without); /* a record */
}

static void dropout_left_in_training(tg_tape *tape)
{
    tg_tensor *x = tg_ones(tape, TG_DIMS(100), 0);
    double kept = tg_item(tg_sum(tg_dropout(x, 0.5, true)));
    assert_true(kept != 100 && kept != tg_item(tg_sum(tg_dropout(x, 0.5, true))));
    assert_ptr_equal(tg_dropout(x, 0.5, false), x);
}

static void seed_forgotten(tg_tape *tape)
{
    tg_tape *other = tg_tape_new(NULL);
    assert_equal(tg_item(tg_rand(tape, TG_SCALAR, 0)), tg_item(tg_rand(other, TG_SCALAR, 0)));
    tg_tape_free(other);
}

static void seed_in_the_loop(tg_tape *tape)
{
    double drawn[2];
    for (int step = 0; step < 2; step++) {
        tg_manual_seed(tape, 1);
        drawn[step] = tg_item(tg_rand(tape, TG_SCALAR, 0));
    }
    assert_equal(drawn[0], drawn[1]);
}

static void second_gradient_without_a_graph(tg_tape *tape)
{
    tg_tensor *w = leaf(tape, 1, 2);
    backward(tg_square(w));
    backward(tg_square(tg_grad(w)));
}

/* --- optimisers --- */

static void optimiser_over_a_result(tg_tape *tape)
{
    tg_tensor *w = tg_mul_scalar(leaf(tape, 1, 2), 0.1);
    tg_sgd(tape, &w, 1, NULL);
}

static void optimiser_over_nothing(tg_tape *tape)
{
    tg_adam(tape, NULL, 0, NULL);
}

static void parameter_listed_twice(tg_tape *tape)
{
    tg_tensor *w = leaf(tape, 1, 2);
    tg_sgd(tape, (tg_tensor *[]){w, w}, 2, NULL);
}

static void parameter_replaced(tg_tape *tape)
{
    tg_tensor *w = leaf(tape, 1, 2);
    tg_optim *optim = tg_sgd(tape, &w, 1, NULL);
    w = leaf(tape, 5, 6);
    backward(tg_square(w));
    tg_optim_step(optim);
    assert_equal(first(w), 5);
}

static void weight_updated_into_a_result(tg_tape *tape)
{
    tg_tensor *w = leaf(tape, 1, 2);
    backward(tg_square(w));
    w = tg_sub(w, tg_mul_scalar(tg_grad(w), 0.1));
    backward(tg_square(w));
    assert_null(tg_grad(w));
}

static void rate_negative(tg_tape *tape)
{
    tg_tensor *w = leaf(tape, 1, 2);
    tg_sgd(tape, &w, 1, &(tg_sgd_opts){.lr = -0.1});
}

static void rate_nan(tg_tape *tape)
{
    tg_tensor *w = leaf(tape, 1, 2);
    tg_optim_set_lr(tg_sgd(tape, &w, 1, NULL), tg_lr_cosine(0.1, -1, 100, 0));
}

static void rate_infinite(tg_tape *tape)
{
    tg_tensor *w = leaf(tape, 1, 2);
    tg_sgd(tape, &w, 1, &(tg_sgd_opts){.lr = inf});
}

static void rate_of_zero_in_options(tg_tape *tape)
{
    tg_tensor *w = leaf(tape, 1, 2);
    assert_equal(tg_optim_lr(tg_sgd(tape, &w, 1, &(tg_sgd_opts){.lr = 0}), 0), 1e-3);
    assert_equal(tg_optim_lr(tg_sgd(tape, &w, 1, &(tg_sgd_opts){.lr = TG_ZERO}), 0), 0);
}

static void clipped_before_backward(tg_tape *tape)
{
    tg_tensor *w = leaf(tape, 1, 2);
    assert_equal(tg_clip_grad_norm(&w, 1, 0.1, 2), 0);
    backward(tg_square(w));
    assert_equal(first(tg_grad(w)), 2);
}

static void tied_weight_clipped_twice(tg_tape *tape)
{
    tg_tensor *w = leaf(tape, 1, 2);
    backward(tg_mul(w, tg_from_f32(tape, (float[]){3, 4}, TG_DIMS(2), 0)));
    assert_equal(tg_clip_grad_norm((tg_tensor *[]){w, w}, 2, 1, 2), 5);
    assert_near(tg_item(tg_norm(tg_grad(w), 2)), 1, 1e-6);
}

static void name_listed_twice(tg_tape *tape)
{
    tg_params *list = tg_params_new(tape);
    tg_params_add(list, leaf(tape, 1, 2), "weight");
    tg_params_add(list, leaf(tape, 3, 4), "weight");
}

/* --- losses --- */

static void softmax_before_cross_entropy(tg_tape *tape)
{
    tg_tensor *sure = tg_from_f32(tape, (float[]){100, 0, 0, 100}, TG_DIMS(2, 2), 0);
    double loss = tg_item(tg_cross_entropy(tg_softmax(sure, 1), labels(tape, 0, 1), NULL));
    assert_near(loss, log1p(exp(-1)), 1e-6); /* no prediction is better than that */
}

static void probabilities_in_nll_loss(tg_tape *tape)
{
    assert_true(tg_item(tg_nll_loss(tg_softmax(scores(tape), 1), labels(tape, 2, 0), NULL)) < 0);
}

static void log_of_softmax(tg_tape *tape)
{
    tg_tensor *x = leaf(tape, 0, 200);
    backward(tg_log(tg_softmax(x, 0)));
    assert_true(isnan(first(tg_grad(x))));
    assert_equal(first(tg_log_softmax(x, 0)), -200);
}

static void targets_as_floats(tg_tape *tape)
{
    tg_cross_entropy(scores(tape), tg_zeros(tape, TG_DIMS(2), 0), NULL);
}

static void targets_one_hot_as_integers(tg_tape *tape)
{
    tg_cross_entropy(scores(tape), tg_ones(tape, TG_DIMS(2, 3), TG_I64), NULL);
}

static void targets_as_a_column(tg_tape *tape)
{
    tg_cross_entropy(scores(tape), tg_reshape(labels(tape, 0, 1), TG_DIMS(2, 1)), NULL);
}

static void targets_counted_from_1(tg_tape *tape)
{
    tg_cross_entropy(scores(tape), labels(tape, 1, 3), NULL);
}

static void target_minus_1_for_nothing(tg_tape *tape)
{
    tg_cross_entropy(scores(tape), labels(tape, 1, -1), NULL);
}

static void all_targets_ignored(tg_tape *tape)
{
    tg_tensor *x = scores(tape), *loss = tg_cross_entropy(x, labels(tape, -100, -100), NULL);
    assert_true(isnan(tg_item(loss)));
    tg_backward(loss);
    assert_equal(first(tg_grad(x)), 0);
}

static void classes_in_the_last_dim(tg_tape *tape)
{
    tg_tensor *x = tg_zeros(tape, TG_DIMS(2, 4, 5), 0), *t = tg_zeros(tape, TG_DIMS(2, 4), TG_I64);
    tg_cross_entropy(x, t, NULL);
}

static void class_weights_of_another_size(tg_tape *tape)
{
    tg_tensor *weight = tg_ones(tape, TG_DIMS(2), 0);
    tg_cross_entropy(scores(tape), labels(tape, 0, 1), &(tg_ce_opts){.weight = weight});
}

static void label_smoothing_in_percent(tg_tape *tape)
{
    tg_cross_entropy(scores(tape), labels(tape, 0, 1), &(tg_ce_opts){.label_smoothing = 10});
}

static void mse_of_a_column_and_a_row(tg_tape *tape)
{
    tg_mse_loss(tg_ones(tape, TG_DIMS(2, 1), 0), tg_ones(tape, TG_DIMS(2), 0), TG_MEAN);
}

static void mse_of_integers(tg_tape *tape)
{
    tg_mse_loss(leaf(tape, 1, 2), labels(tape, 1, 2), TG_MEAN);
}

static void bce_of_logits(tg_tape *tape)
{
    tg_bce_loss(leaf(tape, 1, 2), tg_ones(tape, TG_DIMS(2), 0), NULL, TG_MEAN);
}

static void bce_of_integer_targets(tg_tape *tape)
{
    tg_bce_with_logits_loss(leaf(tape, 1, 2), labels(tape, 0, 1), NULL);
}

static void bce_of_two_outputs_for_one_target(tg_tape *tape)
{
    tg_bce_with_logits_loss(scores(tape), tg_ones(tape, TG_DIMS(2), 0), NULL);
}

static void kl_div_of_probabilities(tg_tape *tape)
{
    tg_tensor *p = tg_softmax(scores(tape), 1);
    assert_true(tg_item(tg_kl_div_loss(p, p, &(tg_kl_opts){.reduction = TG_SUM})) < 0);
}

static void mean_of_nothing(tg_tape *tape)
{
    assert_true(isnan(tg_item(tg_mean(tg_zeros(tape, TG_DIMS(0), 0)))));
}

/* --- shapes and dtypes --- */

static void dim_that_is_not_there(tg_tape *tape)
{
    tg_softmax(scores(tape), 2);
}

static void softmax_over_the_batch(tg_tape *tape)
{
    tg_tensor *y = tg_softmax(scores(tape), 0);
    assert_near(first(tg_sum_dim(y, 0, false)), 1, 1e-6);
    assert_true(fabs(first(tg_sum_dim(y, 1, false)) - 1) > 0.1);
}

static void sizes_that_do_not_match(tg_tape *tape)
{
    tg_matmul(scores(tape), tg_transpose(tg_ones(tape, TG_DIMS(5, 4), 0), 0, 1));
}

static void linear_weight_transposed(tg_tape *tape)
{
    tg_linear(scores(tape), tg_ones(tape, TG_DIMS(3, 5), 0), NULL);
}

static void column_plus_row(tg_tape *tape)
{
    tg_tensor *y = tg_add(tg_ones(tape, TG_DIMS(3, 1), 0), tg_ones(tape, TG_DIMS(3), 0));
    assert_int_equal(tg_numel(y), 9);
}

static void reshape_for_transpose(tg_tape *tape)
{
    tg_tensor *x = scores(tape);
    assert_equal(first(tg_narrow(tg_reshape(x, TG_DIMS(3, 2)), 1, 1, 1)), 2);
    assert_equal(first(tg_narrow(tg_transpose(x, 0, 1), 1, 1, 1)), 3);
}

static void reshape_to_another_count(tg_tape *tape)
{
    tg_reshape(scores(tape), TG_DIMS(4, 2));
}

static void cat_of_other_sizes(tg_tape *tape)
{
    tg_cat((tg_tensor *[]){scores(tape), tg_ones(tape, TG_DIMS(3, 2), 0)}, 2, 0);
}

static void image_without_channels(tg_tape *tape)
{
    tg_tensor *kernel = tg_ones(tape, TG_DIMS(4, 1, 3, 3), 0);
    tg_conv2d(tg_ones(tape, TG_DIMS(8, 28, 28), 0), kernel, NULL, NULL);
}

static void two_float_dtypes(tg_tape *tape)
{
    tg_matmul(scores(tape), tg_ones(tape, TG_DIMS(3, 2), TG_F64));
}

static void integers_into_a_layer(tg_tape *tape)
{
    tg_linear(tg_ones(tape, TG_DIMS(2, 3), TG_I64), scores(tape), NULL);
}

static void gradient_of_integers(tg_tape *tape)
{
    tg_zeros(tape, TG_DIMS(3), TG_I64 | TG_REQUIRES_GRAD);
}

static void mean_of_integers(tg_tape *tape)
{
    tg_mean(labels(tape, 1, 2));
}

static void division_of_integers(tg_tape *tape)
{
    assert_equal(first(tg_div_scalar(labels(tape, 1, 2), 2)), 0.5);
}

static void mask_as_floats(tg_tape *tape)
{
    tg_masked_fill(leaf(tape, 1, 2), tg_ones(tape, TG_DIMS(2), 0), -inf);
}

static void item_of_many_values(tg_tape *tape)
{
    assert_true(isnan(tg_item(leaf(tape, 1, 2))));
}

static void data_of_another_dtype(tg_tape *tape)
{
    assert_null(tg_f64(leaf(tape, 1, 2)));
    assert_null(tg_f32(tg_transpose(scores(tape), 0, 1)));
}

static void index_out_of_range(tg_tape *tape)
{
    tg_embedding(scores(tape), labels(tape, 1, 2), TG_NO_PADDING);
}

static void index_as_floats(tg_tape *tape)
{
    tg_embedding(scores(tape), tg_zeros(tape, TG_DIMS(2), 0), TG_NO_PADDING);
}

/* --- layers --- */

static void batch_norm_evaluated_without_statistics(tg_tape *tape)
{
    tg_batch_norm(scores(tape), NULL);
}

static void batch_norm_trained_on_one_sample(tg_tape *tape)
{
    tg_batch_norm(tg_ones(tape, TG_DIMS(1, 3), 0), &(tg_batch_norm_opts){.training = true});
}

static void row_masked_as_a_whole(tg_tape *tape)
{
    tg_tensor *all = tg_ones(tape, TG_DIMS(2, 3), TG_BOOL);
    assert_true(isnan(first(tg_softmax(tg_masked_fill(scores(tape), all, -inf), 1))));
}

static void causal_and_a_mask(tg_tape *tape)
{
    tg_tensor *q = tg_ones(tape, TG_DIMS(2, 4), 0), *mask = tg_ones(tape, TG_DIMS(2, 2), TG_BOOL);
    tg_scaled_dot_product_attention(q, q, q, &(tg_attention_opts){.mask = mask, .causal = true});
}

static void dropout_in_percent(tg_tape *tape)
{
    tg_dropout(scores(tape), 50, true);
}

/* --- writing in place --- */

static void write_to_what_backward_reads(tg_tape *tape)
{
    tg_tensor *w = leaf(tape, 1, 2), *x = tg_ones(tape, TG_DIMS(2), 0), *y = tg_mul(w, x);
    tg_fill_(x, 7);
    backward(y);
}

static void write_through_a_pointer(tg_tape *tape)
{
    tg_tensor *w = leaf(tape, 1, 2), *x = tg_ones(tape, TG_DIMS(2), 0), *y = tg_mul(w, x);
    ((float *)tg_data_mut(x))[0] = 7;
    backward(y);
}

static void write_to_lent_memory_without_a_word(tg_tape *tape)
{
    float data[] = {1, 1};
    tg_tensor *w = leaf(tape, 1, 2), *x = tg_from_blob(tape, data, TG_DIMS(2), 0);
    tg_tensor *y = tg_mul(w, x);
    data[0] = 7;
    backward(y);
    assert_equal(first(tg_grad(w)), 7);
}

static void write_to_a_leaf(tg_tape *tape)
{
    tg_tensor *w = leaf(tape, 1, 2);
    tg_add_(w, tg_ones(tape, TG_DIMS(2), 0), -0.1);
}

static void write_to_an_expanded_tensor(tg_tape *tape)
{
    tg_tensor *x = tg_expand(tg_zeros(tape, TG_DIMS(3, 1), 0), TG_DIMS(3, 4));
    tg_add_(x, tg_ones(tape, TG_DIMS(3, 4), 0), 1);
}

static void write_to_a_view(tg_tape *tape)
{
    tg_tensor *x = tg_zeros(tape, TG_DIMS(2, 3), 0);
    tg_fill_(tg_select(x, 0, 0), 5);
    assert_equal(first(x), 5);
}

/* --- the tape --- */

static void loop_without_a_rewind(tg_tape *tape)
{
    tg_tensor *w = leaf(tape, 1, 2);
    size_t before = tg_memory(tape).live;
    for (int step = 0; step < 100; step++)
        backward(tg_square(w));
    assert_true(tg_memory(tape).live > before + 100 * 4);
}

static void tensor_after_a_rewind(tg_tape *tape)
{
    tg_mark step = tg_tape_mark(tape);
    tg_tensor *total = tg_sum(leaf(tape, 1, 2));
    tg_tape_rewind(tape, step);
    tg_add_scalar(total, 1);
}

static void weight_made_after_the_mark(tg_tape *tape)
{
    tg_mark step = tg_tape_mark(tape);
    tg_tensor *w = leaf(tape, 1, 2);
    tg_tape_rewind(tape, step);
    tg_backward(w);
}

static void optimiser_made_after_the_mark(tg_tape *tape)
{
    tg_tensor *w = leaf(tape, 1, 2);
    tg_mark step = tg_tape_mark(tape);
    tg_optim *optim = tg_sgd(tape, &w, 1, NULL);
    tg_tape_rewind(tape, step);
    tg_optim_step(optim);
}

static void mark_after_a_rewind(tg_tape *tape)
{
    tg_mark start = tg_tape_mark(tape);
    leaf(tape, 1, 2);
    tg_mark later = tg_tape_mark(tape);
    tg_tape_rewind(tape, start);
    tg_tape_rewind(tape, later);
}

static void tensors_of_two_tapes(tg_tape *tape)
{
    tg_tape *other = tg_tape_new(NULL);
    tg_add(leaf(tape, 1, 2), leaf(other, 1, 2));
    assert_ok(other);
    tg_tape_free(other);
}

static void mark_of_another_tape(tg_tape *tape)
{
    tg_tape *other = tg_tape_new(NULL);
    tg_tape_rewind(tape, tg_tape_mark(other));
    tg_tape_free(other);
}

static void tape_that_is_null(tg_tape *tape)
{
    (void)tape;
    assert_null(tg_exp(tg_zeros(NULL, TG_DIMS(3), 0)));
    assert_int_equal(tg_error(NULL), TG_ENOMEM);
}

static void tensor_that_is_null(tg_tape *tape)
{
    tg_add(leaf(tape, 1, 2), NULL);
}

static void error_not_looked_at(tg_tape *tape)
{
    tg_tensor *h = tg_matmul(scores(tape), scores(tape));
    assert_null(tg_relu(h));
    assert_int_equal(tg_backward(tg_sum(leaf(tape, 1, 2))), TG_EVALUE);
    assert_true(isnan(tg_item(h)));
}

static void tape_used_after_a_fork(tg_tape *tape)
{
#ifdef NO_FORKS
    skip();
#endif
    tg_tape *threaded = tg_tape_new(&(tg_tape_opts){.threads = 2});
    tg_sum(tg_exp(tg_ones(threaded, TG_DIMS(1 << 18), 0))); /* its thread has started */
    let_threads_start();
    pid_t child = fork();
    if (child == 0) {
        double sum = tg_item(tg_sum(tg_ones(threaded, TG_DIMS(1 << 18), 0)));
        tg_tape_free(threaded);
        _exit(sum == 1 << 18 ? 0 : 1);
    }
    int status = -1;
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_int_equal(status, 0);
    tg_tape_free(threaded);
    assert_ok(tape);
}

/* --- captures, checkpoints, releases --- */

static void data_copied_in_during_a_capture(tg_tape *tape)
{
    tg_capture *step = tg_capture_begin(tape);
    tg_from_f32(tape, (float[]){1}, TG_DIMS(1), 0);
    tg_capture_end(step);
}

static void capture_replayed_before_its_end(tg_tape *tape)
{
    tg_capture *step = tg_capture_begin(tape);
    tg_capture_replay(step);
    tg_capture_end(step);
}

static void capture_ended_after_an_error(tg_tape *tape)
{
    tg_tensor *x = scores(tape);
    tg_capture *step = tg_capture_begin(tape);
    tg_matmul(x, x);
    tg_clear_error(tape);
    tg_capture_end(step);
}

static void decision_captured(tg_tape *tape)
{
    tg_tensor *x = tg_ones(tape, TG_SCALAR, 0);
    tg_capture *step = tg_capture_begin(tape);
    tg_tensor *y = tg_item(x) > 0 ? tg_mul_scalar(x, 2) : tg_neg(x);
    tg_capture_end(step);
    *(float *)tg_data_mut(x) = -1;
    tg_capture_replay(step);
    assert_equal(tg_item(y), -2); /* not 1: it was decided then */
}

static void backward_after_a_replay_of_it(tg_tape *tape)
{
    tg_tensor *w = leaf(tape, 1, 2);
    tg_capture *step = tg_capture_begin(tape);
    tg_tensor *y = tg_mul_scalar(w, 3);
    tg_capture_end(step);
    tg_tensor *loss = tg_sum(tg_square(y));
    tg_capture_replay(step);
    tg_backward(loss);
}

static void checkpoint_of_a_checkpoint(tg_tape *tape)
{
    tg_mark block = tg_tape_mark(tape);
    tg_tensor *y = tg_exp(tg_exp(leaf(tape, 1, 2)));
    tg_checkpoint(tape, block, &y, 1);
    tg_checkpoint(tape, block, &y, 1);
}

static void write_before_a_checkpoint(tg_tape *tape)
{
    tg_tensor *x = tg_ones(tape, TG_DIMS(2), 0), *w = leaf(tape, 1, 2);
    tg_mark block = tg_tape_mark(tape);
    tg_tensor *y = tg_exp(tg_mul(w, x));
    tg_fill_(x, 2);
    tg_checkpoint(tape, block, &y, 1);
}

static void released_result_looked_at(tg_tape *tape)
{
    tg_mark block = tg_tape_mark(tape);
    tg_tensor *h = tg_mul_scalar(tg_sum(leaf(tape, 1, 2)), 3), *y = tg_exp(h);
    tg_release(tape, block, &y, 1);
    tg_item(h);
}

/* --- batches --- */

static void batches_never_started(tg_tape *tape)
{
    tg_batches_next(tg_batches_new(tape, 10, 5, NULL));
}

static void batch_larger_than_its_tensor(tg_tape *tape)
{
    static const float rows[10];
    tg_batches *b = tg_batches_new(tape, 10, 5, NULL);
    tg_batches_start(b);
    tg_batches_next(b);
    tg_batches_read(b, rows, tg_zeros(tape, TG_DIMS(4), 0));
}

static void batch_that_is_short(tg_tape *tape)
{
    static const float rows[] = {1, 2, 3};
    tg_batches *b = tg_batches_new(tape, 3, 2, NULL);
    tg_tensor *x = tg_zeros(tape, TG_DIMS(2), 0);
    for (tg_batches_start(b); tg_batches_next(b);)
        tg_batches_read(b, rows, x);
    assert_true(tg_f32(x)[0] == 3 && tg_f32(x)[1] == 2); /* a row of the batch before */
}

static void batch_indices_kept(tg_tape *tape)
{
    tg_batches *b = tg_batches_new(tape, 100, 100, &(tg_batches_opts){.shuffle = true});
    tg_batches_start(b);
    tg_batches_next(b);
    const int64_t *kept = tg_batches_indices(b);
    int64_t before[100];
    memcpy(before, kept, sizeof before);
    assert_false(tg_batches_next(b));
    assert_null(tg_batches_indices(b));
    tg_batches_start(b);
    assert_true(memcmp(before, kept, sizeof before) != 0); /* the new epoch's */
}

static void labels_of_another_type(tg_tape *tape)
{
    static const int32_t classes[] = {1, 2, 0, 1}; /* of 4 samples */
    tg_batches *b = tg_batches_new(tape, 2, 2, NULL);
    tg_tensor *y = tg_zeros(tape, TG_DIMS(2), TG_I64);
    tg_batches_start(b);
    tg_batches_next(b);
    tg_batches_read(b, classes, y);
    assert_true(tg_i64(y)[0] != 1); /* 1 + 2^32 * 2 */
}

/* --- the list --- */

/* What comes of it: an error with this in its message, or (TG_OK) what the function asserts. */
typedef struct mistake {
    const char *name;
    void (*make)(tg_tape *tape);
    tg_status status;
    const char *message;
} mistake;

/* One row, one line: mistakes.sh reads them. */
/* clang-format off */
#define ROW(name, status, message)                                                                 \
    {                                                                                              \
#name, name, status, message                                                               \
    }
static const mistake mistakes[] = {
    ROW(zero_grad_forgotten, TG_OK, ""),
    ROW(zero_grad_before_the_step, TG_OK, ""),
    ROW(backward_forgotten, TG_OK, ""),
    ROW(backward_twice, TG_OK, ""),
    ROW(requires_grad_forgotten, TG_ESTATE, "does not require a gradient"),
    ROW(gradient_before_backward, TG_OK, ""),
    ROW(gradient_of_a_result, TG_OK, ""),
    ROW(backward_of_many_values, TG_ESHAPE, "backward: [2] is not a scalar"),
    ROW(sum_instead_of_mean, TG_OK, ""),
    ROW(loss_detached, TG_ESTATE, "does not require a gradient"),
    ROW(loss_from_its_value, TG_ESTATE, "does not require a gradient"),
    ROW(accuracy_as_the_loss, TG_ESTATE, "does not require a gradient"),
    ROW(gradients_left_disabled, TG_ESTATE, "tg_set_grad_enabled() was off when it was computed"),
    ROW(evaluation_with_gradients_enabled, TG_OK, ""),
    ROW(dropout_left_in_training, TG_OK, ""),
    ROW(seed_forgotten, TG_OK, ""),
    ROW(seed_in_the_loop, TG_OK, ""),
    ROW(second_gradient_without_a_graph, TG_ESTATE, "does not require a gradient"),

    ROW(optimiser_over_a_result, TG_ESTATE, "sgd: parameter 0 [2] is not a leaf"),
    ROW(optimiser_over_nothing, TG_EVALUE, "adam: no parameters"),
    ROW(parameter_listed_twice, TG_EVALUE, "sgd: parameters 0 and 1 are the same"),
    ROW(parameter_replaced, TG_OK, ""),
    ROW(weight_updated_into_a_result, TG_OK, ""),
    ROW(rate_negative, TG_EVALUE, "sgd: lr -0.1 is not finite and >= 0"),
    ROW(rate_nan, TG_EVALUE, "nan is not finite and >= 0"),
    ROW(rate_infinite, TG_EVALUE, "sgd: lr inf is not finite and >= 0"),
    ROW(rate_of_zero_in_options, TG_OK, ""),
    ROW(clipped_before_backward, TG_OK, ""),
    ROW(tied_weight_clipped_twice, TG_OK, ""),
    ROW(name_listed_twice, TG_EVALUE, "params_add: \"weight\" is in the list already"),

    ROW(softmax_before_cross_entropy, TG_OK, ""),
    ROW(probabilities_in_nll_loss, TG_OK, ""),
    ROW(log_of_softmax, TG_OK, ""),
    ROW(targets_as_floats, TG_EDTYPE, "cross_entropy: targets are float32, wanted int64"),
    ROW(targets_one_hot_as_integers, TG_EDTYPE, "probability targets are int64"),
    ROW(targets_as_a_column, TG_ESHAPE, "wants targets [2], not [2, 1]"),
    ROW(targets_counted_from_1, TG_EVALUE, "cross_entropy: target 3 at position 1 is not one of 3"),
    ROW(target_minus_1_for_nothing, TG_EVALUE, "cross_entropy: target -1 at position 1"),
    ROW(all_targets_ignored, TG_OK, ""),
    ROW(classes_in_the_last_dim, TG_ESHAPE, "wants targets [2, 5], not [2, 4]"),
    ROW(class_weights_of_another_size, TG_ESHAPE, "cross_entropy: weight [2]"),
    ROW(label_smoothing_in_percent, TG_EVALUE, "label_smoothing 10 is outside [0, 1]"),
    ROW(mse_of_a_column_and_a_row, TG_ESHAPE, "mse_loss: target [2] for input [2, 1]"),
    ROW(mse_of_integers, TG_EDTYPE, "mse_loss: input 1 is int64, wanted float32"),
    ROW(bce_of_logits, TG_EVALUE, "outside [0, 1]"),
    ROW(bce_of_integer_targets, TG_EDTYPE, "input 1 is int64, wanted float32"),
    ROW(bce_of_two_outputs_for_one_target, TG_ESHAPE, "target [2] for input [2, 3]"),
    ROW(kl_div_of_probabilities, TG_OK, ""),
    ROW(mean_of_nothing, TG_OK, ""),

    ROW(dim_that_is_not_there, TG_EVALUE, "softmax: there is no dim 2 in [2, 3]"),
    ROW(softmax_over_the_batch, TG_OK, ""),
    ROW(sizes_that_do_not_match, TG_ESHAPE, "matmul: [2, 3] x [4, 5]: inner sizes 3 and 4 differ"),
    ROW(linear_weight_transposed, TG_ESHAPE, "x [2, 3] and weight [3, 5]: sizes 3 and 5 differ"),
    ROW(column_plus_row, TG_OK, ""),
    ROW(reshape_for_transpose, TG_OK, ""),
    ROW(reshape_to_another_count, TG_ESHAPE, "[2, 3] has 6 elements and does not fit [4, 2]"),
    ROW(cat_of_other_sizes, TG_ESHAPE, "tensor 1 [3, 2] does not fit behind tensor 0 [2, 3]"),
    ROW(image_without_channels, TG_ESHAPE, "input [8, 28, 28] in 1 groups wants 8 channels"),
    ROW(two_float_dtypes, TG_EDTYPE, "matmul: float32 and float64"),
    ROW(integers_into_a_layer, TG_EDTYPE, "linear: int64 and float32"),
    ROW(gradient_of_integers, TG_EDTYPE, "only float tensors can require a gradient"),
    ROW(mean_of_integers, TG_EDTYPE, "mean: wanted a float tensor, not int64"),
    ROW(division_of_integers, TG_OK, ""),
    ROW(mask_as_floats, TG_EDTYPE, "masked_fill: the mask is float32, wanted bool"),
    ROW(item_of_many_values, TG_ESHAPE, "item: [2] has 2 elements"),
    ROW(data_of_another_dtype, TG_OK, ""),
    ROW(index_out_of_range, TG_EVALUE, "embedding: index 2 at position 1 is outside [0, 2)"),
    ROW(index_as_floats, TG_EDTYPE, "embedding: the index is float32, wanted int64"),

    ROW(batch_norm_evaluated_without_statistics, TG_EVALUE, "evaluation needs running_mean"),
    ROW(batch_norm_trained_on_one_sample, TG_EVALUE, "more than one value a channel is needed"),
    ROW(row_masked_as_a_whole, TG_OK, ""),
    ROW(causal_and_a_mask, TG_EVALUE, "both a mask and causal"),
    ROW(dropout_in_percent, TG_EVALUE, "dropout: p 50 is outside [0, 1]"),

    ROW(write_to_what_backward_reads, TG_ESTATE, "changed in place"),
    ROW(write_through_a_pointer, TG_ESTATE, "changed in place"),
    ROW(write_to_lent_memory_without_a_word, TG_OK, ""),
    ROW(write_to_a_leaf, TG_ESTATE, "add_: tensor [2] requires a gradient"),
    ROW(write_to_an_expanded_tensor, TG_ESTATE, "add_: [3, 4] is expanded along dim 1"),
    ROW(write_to_a_view, TG_OK, ""),

    ROW(loop_without_a_rewind, TG_OK, ""),
    ROW(tensor_after_a_rewind, TG_ESTATE, "was rewound away"),
    ROW(weight_made_after_the_mark, TG_ESTATE, "was rewound away"),
    ROW(optimiser_made_after_the_mark, TG_ESTATE, "the optimiser was rewound away"),
    ROW(mark_after_a_rewind, TG_ESTATE, "stale mark"),
    ROW(tensors_of_two_tapes, TG_EVALUE, "add: inputs 1 and 0 are of different tapes"),
    ROW(mark_of_another_tape, TG_EVALUE, "tape_rewind: the mark is of another tape"),
    ROW(tape_that_is_null, TG_OK, ""),
    ROW(tensor_that_is_null, TG_EVALUE, "add: input 1 is NULL"),
    ROW(error_not_looked_at, TG_ESHAPE, "matmul: [2, 3] x [2, 3]"),
    ROW(tape_used_after_a_fork, TG_OK, ""),

    ROW(data_copied_in_during_a_capture, TG_ESTATE, "from_f32: called during a capture"),
    ROW(capture_replayed_before_its_end, TG_ESTATE, "capture_replay: called during a capture"),
    ROW(capture_ended_after_an_error, TG_ESTATE, "during the capture: matmul: [2, 3] x [2, 3]"),
    ROW(decision_captured, TG_OK, ""),
    ROW(backward_after_a_replay_of_it, TG_ESTATE, "changed in place"),
    ROW(checkpoint_of_a_checkpoint, TG_ESTATE, "is in a checkpoint already"),
    ROW(write_before_a_checkpoint, TG_ESTATE, "was changed in place since"),
    ROW(released_result_looked_at, TG_ESTATE, "data was given back by tg_release()"),

    ROW(batches_never_started, TG_ESTATE, "batches_next: no epoch was started"),
    ROW(batch_larger_than_its_tensor, TG_ESHAPE, "a batch of 5 rows does not fit in [4]"),
    ROW(batch_that_is_short, TG_OK, ""),
    ROW(batch_indices_kept, TG_OK, ""),
    ROW(labels_of_another_type, TG_OK, ""),
};
/* clang-format on */

/* Whatever went wrong, one can go on. */
static void assert_works(tg_tape *tape, const char *name)
{
    tg_set_grad_enabled(tape, true);
    tg_tensor *w = leaf(tape, 3, 4);
    backward(tg_square(w));
    if (tg_error(tape) || first(tg_grad(w)) != 6)
        fail_msg("%s: afterwards: %s", name, tg_error_message(tape));
}

static void make(void **state)
{
    const mistake *m = *state;
    tg_tape *tape = tg_tape_new(NULL);
    m->make(tape);
    const char *message = tg_error_message(tape);
    bool wanted = m->message[0] ? strstr(message, m->message) != NULL : !message[0];
    if (tg_error(tape) != m->status || !wanted)
        fail_msg("%s: %d, \"%s\"; wanted %d, \"%s\"", m->name, (int)tg_error(tape), message,
                 (int)m->status, m->message);
    tg_clear_error(tape);
    assert_works(tape, m->name);
    tg_tape_free(tape);
}

int main(void)
{
    enum { N = sizeof mistakes / sizeof *mistakes };
    struct CMUnitTest tests[N];
    for (int i = 0; i < N; i++)
        tests[i] = (struct CMUnitTest){mistakes[i].name, make, NULL, NULL, (void *)&mistakes[i]};
    return cmocka_run_group_tests(tests, NULL, NULL);
}

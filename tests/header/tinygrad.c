/* What every program may do with tinygrad.h, in the common part of C99 and C++11. The header comes
 * first and alone, so that it has to bring what it needs. */
#include <tinygrad.h>

static const double zero_option = TG_ZERO; /* a constant expression */
static int failures;

static void check(int good, const char *what)
{
    if (!good) {
        printf("failed: %s\n", what);
        failures++;
    }
}

static void check_shapes(tg_tape *tape)
{
    int rows = 3;
    int64_t columns = 5;
    const float values[] = {1, 2, 3, 4, 5, 6};
    tg_tensor *a = tg_zeros(tape, TG_DIMS(rows, columns), TG_F64 | TG_REQUIRES_GRAD);
    check(tg_ndim(a) == 2 && tg_size(a, 0) == rows && tg_size(a, 1) == columns, "int and int64_t");
    tg_tensor *b = tg_reshape(a, TG_DIMS(5, -1));
    check(tg_ndim(b) == 2 && tg_size(b, 0) == 5 && tg_size(b, 1) == 3, "-1");
    tg_tensor *c = tg_from_f32(tape, values, TG_DIMS(2, 3), 0);
    check(tg_numel(c) == 6 && tg_f32(c) && tg_f32(c)[5] == 6, "from_f32");
    tg_tensor *d = tg_full(tape, TG_SCALAR, 2.5, 0);
    check(tg_ndim(d) == 0 && tg_item(d) == 2.5, "TG_SCALAR");
    tg_tensor *e = tg_ones(tape, TG_DIMS(columns - 5), TG_I64);
    check(tg_ndim(e) == 1 && tg_numel(e) == 0, "an empty tensor");
}

static void check_losses(tg_tape *tape)
{
    const int64_t classes[] = {1, 0, 3};
    tg_tensor *logits = tg_randn(tape, TG_DIMS(3, 5), TG_REQUIRES_GRAD);
    tg_tensor *targets = tg_from_i64(tape, classes, TG_DIMS(3), 0);
    tg_tensor *plain = tg_cross_entropy(logits, targets, NULL);
    tg_ce_opts zero;
    zero.weight = NULL;
    zero.reduction = TG_MEAN;
    zero.label_smoothing = 0;
    zero.has_ignore_index = false;
    zero.ignore_index = 0;
    tg_tensor *spelled = tg_cross_entropy(logits, targets, &zero);
    check(tg_item(plain) == tg_item(spelled), "NULL options are zero options");
    check(tg_item(tg_nll_loss(tg_log_softmax(logits, 1), targets, NULL)) > 0, "nll_loss");
    check(tg_backward(plain) == TG_OK && tg_grad(logits) != NULL, "backward");
}

int main(void)
{
    tg_tape *tape = tg_tape_new(NULL);
    tg_mark mark = tg_tape_mark(tape);
    check_shapes(tape);
    check_losses(tape);
    check(tg_tape_rewind(tape, mark) == TG_OK, "rewind");
    check(tg_error(tape) == TG_OK, tg_error_message(tape));
    check(tg_error(NULL) == TG_ENOMEM, "a NULL tape");
    tg_tape_free(tape);
    check(TG_VERSION_MAJOR >= 0 && TG_VERSION_MINOR >= 0 && TG_VERSION_PATCH >= 0, "version");
    check(tg_version()[0] - '0' == TG_VERSION_MAJOR, "tg_version()");
    check(zero_option < 0 && (float)zero_option == 0, "TG_ZERO");
    return failures != 0;
}

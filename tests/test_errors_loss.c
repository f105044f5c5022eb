/* Bad input to cross_entropy and nll_loss: each call is refused and leaves everything as it was. */
#include "refuses.h"

static void targets(void **state)
{
    (void)state;
    static const int64_t bad[] = {3, -1, -99, INT64_MIN, INT64_MAX, (int64_t)1 << 32};
    for (size_t k = 0; k < sizeof bad / sizeof *bad; k++) {
        char part[64];
        snprintf(part, sizeof part, "target %lld at position 1 is not one of 3", (long long)bad[k]);
        for (tg_reduction r = TG_MEAN; r <= TG_NONE; r++) {
            const int64_t data[] = {2, bad[k]};
            REFUSES(TG_EVALUE, "cross_entropy: ", part,
                    !tg_cross_entropy(
                        w.f, tg_from_i64(w.tape, data, TG_DIMS(2), 0),
                        &(tg_ce_opts){.reduction = r, .label_smoothing = 0.1 * (double)r}) &&
                        !tg_tape_rewind(w.tape, w.mark));
            REFUSES(TG_EVALUE, "nll_loss: ", part,
                    !tg_nll_loss(w.f, tg_from_i64(w.tape, data, TG_DIMS(2), 0),
                                 &(tg_nll_opts){.reduction = r}) &&
                        !tg_tape_rewind(w.tape, w.mark));
        }
    }
    /* -100 is ignored only where nothing else is, and 0 is a class unless it is given. */
    const int64_t usual[] = {2, -100};
    REFUSES(TG_EVALUE, "cross_entropy: ", "-100",
            !tg_cross_entropy(w.f, tg_from_i64(w.tape, usual, TG_DIMS(2), 0),
                              &(tg_ce_opts){.has_ignore_index = true, .ignore_index = 1}) &&
                !tg_tape_rewind(w.tape, w.mark));
}

/* What looks like a bad target but is to be ignored. */
static void ignored_targets(void **state)
{
    (void)state;
    static const int64_t ignored[] = {-100, 3, -1, INT64_MIN, INT64_MAX};
    for (size_t k = 0; k < sizeof ignored / sizeof *ignored; k++) {
        world w = world_new();
        const int64_t data[] = {2, ignored[k]};
        tg_tensor *t = tg_from_i64(w.tape, data, TG_DIMS(2), 0);
        const tg_ce_opts ce = {.has_ignore_index = k > 0, .ignore_index = ignored[k]};
        const tg_nll_opts nll = {.has_ignore_index = k > 0, .ignore_index = ignored[k]};
        double want = log(exp(1) + exp(-2) + exp(3)) - 3;
        assert_near(tg_item(tg_cross_entropy(w.f, t, &ce)), want, 1e-7);
        assert_equal(tg_item(tg_nll_loss(w.f, t, &nll)), -3);
        assert_ok(w.tape);
        tg_tape_free(w.tape);
        tg_tape_free(w.other);
    }
}

/* What was made on the way to the error is taken back as well: here contiguous copies. */
static void strided_inputs(void **state)
{
    (void)state;
    world w = world_new();
    tg_tensor *bad = tg_from_i64(w.tape, (int64_t[]){1, 5, 0, 1}, TG_DIMS(2, 2), 0);
    tg_tensor *x = tg_zeros(w.tape, TG_DIMS(2, 2, 2), TG_REQUIRES_GRAD);
    tg_tensor *turned = tg_transpose(x, 0, 2), *bad_turned = tg_transpose(bad, 0, 1);
    w.mark = tg_tape_mark(w.tape);
    static const char *const ce[] = {"cross_entropy: ", "target 5 at position 2"};
    static const char *const nll[] = {"nll_loss: ", "target 5 at position 2"};
    assert_refused(&w, "cross_entropy", !tg_cross_entropy(turned, bad_turned, NULL), TG_EVALUE, ce);
    assert_refused(&w, "nll_loss", !tg_nll_loss(turned, bad_turned, NULL), TG_EVALUE, nll);
    assert_unharmed(&w, "strided inputs");
    tg_tape_free(w.tape);
    tg_tape_free(w.other);
}

static void loss_arguments(void **state)
{
    (void)state;
    REFUSES(TG_ESHAPE, "cross_entropy: input [2, 3]", "[4]",
            !tg_cross_entropy(w.f, tg_to(w.v, TG_I64), NULL) && !tg_tape_rewind(w.tape, w.mark));
    REFUSES(TG_ESHAPE, "cross_entropy: input [4]", "[2]", !tg_cross_entropy(w.v, w.i, NULL));
    REFUSES(TG_ESHAPE, "cross_entropy: input is 0-d", "(N, C)", !tg_cross_entropy(w.s, w.i, NULL));
    REFUSES(TG_ESHAPE, "nll_loss: input [3, 2]", "[2]", !tg_nll_loss(w.t, w.i, NULL));
    REFUSES(TG_EDTYPE, "cross_entropy: input is int64", "float", !tg_cross_entropy(w.i, w.i, NULL));
    REFUSES(TG_EDTYPE, "cross_entropy: targets are float32", "int64",
            !tg_cross_entropy(w.f, w.v, NULL));
    REFUSES(TG_EDTYPE, "cross_entropy: probability targets are float64", "float32",
            !tg_cross_entropy(w.f, w.d, NULL));
    REFUSES(TG_EDTYPE, "cross_entropy: probability targets are bool", "float32",
            !tg_cross_entropy(w.f, w.b, NULL));
    REFUSES(TG_EDTYPE, "nll_loss: targets are float32", "int64", !tg_nll_loss(w.f, w.v, NULL));
    REFUSES(TG_EDTYPE, "nll_loss: input is bool", "float", !tg_nll_loss(w.b, w.i, NULL));
    REFUSES(TG_EVALUE, "cross_entropy: there is no reduction 3", "",
            !tg_cross_entropy(w.f, w.i, &(tg_ce_opts){.reduction = (tg_reduction)3}));
    REFUSES(TG_EVALUE, "nll_loss: there is no reduction 77", "",
            !tg_nll_loss(w.f, w.i, &(tg_nll_opts){.reduction = (tg_reduction)77}));
    REFUSES(TG_EVALUE, "cross_entropy: ignore_index 0", "probability",
            !tg_cross_entropy(w.f, w.y, &(tg_ce_opts){.has_ignore_index = true}));
    static const double smoothing[] = {-0.1, 1.5, -1e-300, (double)NAN, (double)INFINITY};
    for (size_t k = 0; k < sizeof smoothing / sizeof *smoothing; k++) {
        const tg_ce_opts opts = {.label_smoothing = smoothing[k]};
        REFUSES(TG_EVALUE, "cross_entropy: label_smoothing", "outside [0, 1]",
                !tg_cross_entropy(w.f, w.i, &opts));
        REFUSES(TG_EVALUE, "cross_entropy: label_smoothing", "outside [0, 1]",
                !tg_cross_entropy(w.f, w.y, &opts));
    }
}

static void loss_weights(void **state)
{
    (void)state;
    REFUSES(TG_ESHAPE, "cross_entropy: weight [4]", "3 classes",
            !tg_cross_entropy(w.f, w.i, &(tg_ce_opts){.weight = w.v}));
    REFUSES(TG_ESHAPE, "cross_entropy: weight [4]", "3 classes",
            !tg_cross_entropy(w.f, w.y, &(tg_ce_opts){.weight = w.v}));
    REFUSES(TG_ESHAPE, "nll_loss: weight [4]", "3 classes",
            !tg_nll_loss(w.f, w.i, &(tg_nll_opts){.weight = w.v}));
    REFUSES(TG_ESHAPE, "nll_loss: weight [3, 1]", "3 classes",
            !tg_nll_loss(w.f, w.i, &(tg_nll_opts){.weight = tg_ones(w.tape, TG_DIMS(3, 1), 0)}) &&
                !tg_tape_rewind(w.tape, w.mark));
    REFUSES(TG_EDTYPE, "cross_entropy: weight is int64", "float32",
            !tg_cross_entropy(w.f, w.i, &(tg_ce_opts){.weight = w.i}));
    REFUSES(TG_EDTYPE, "nll_loss: weight is float64", "float32",
            !tg_nll_loss(w.f, w.i, &(tg_nll_opts){.weight = w.d}));
    REFUSES(TG_EVALUE, "cross_entropy: weight requires a gradient", "",
            !tg_cross_entropy(tg_reshape(w.s, TG_DIMS(1)), tg_zeros(w.tape, TG_SCALAR, TG_I64),
                              &(tg_ce_opts){.weight = tg_reshape(w.s, TG_DIMS(1))}) &&
                !tg_tape_rewind(w.tape, w.mark));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(targets),        cmocka_unit_test(ignored_targets),
        cmocka_unit_test(strided_inputs), cmocka_unit_test(loss_arguments),
        cmocka_unit_test(loss_weights),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

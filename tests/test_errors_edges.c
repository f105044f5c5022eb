/* Bad input at the edge of what is allowed: each way of each check that the measure of branches (coverage.sh) found
 * untaken; and the good input beside it. */
#include "refuses.h"

#include <fenv.h>
#include <limits.h>

static const int64_t seventeen[TG_MAX_NDIM + 1] = {1, 1, 1, 1, 1, 1, 1, 1, 1,
                                                   1, 1, 1, 1, 1, 1, 1, 1};

static void making(void **state)
{
    (void)state;
    const double nan = (double)NAN, inf = (double)INFINITY;
    REFUSES(TG_EVALUE, "linspace: ", "", !tg_linspace(w.tape, nan, 1, 3, 0));
    REFUSES(TG_EVALUE, "linspace: ", "", !tg_linspace(w.tape, -1, inf, 3, 0));
    REFUSES(TG_EVALUE, "linspace: ", "", !tg_linspace(w.tape, 1e300, 1, 3, TG_I64));
    REFUSES(TG_EVALUE, "linspace: ", "", !tg_linspace(w.tape, 1, -1e300, 3, TG_I64));
    REFUSES(TG_EVALUE, "arange: ", "", !tg_arange(w.tape, -1e300, 1, 1e299, TG_I64));
    REFUSES(TG_EVALUE, "arange: ", "", !tg_arange(w.tape, 0, 1e300, 1e299, TG_I64));
    REFUSES(TG_EVALUE, "randint: ", "", !tg_randint(w.tape, -(1 << 25), 5, TG_DIMS(2), TG_F32));
    REFUSES(TG_EVALUE, "randint: ", "", !tg_randint(w.tape, 0, 1 << 25, TG_DIMS(2), TG_F32));
    REFUSES(TG_EVALUE, "randperm: ", "", !tg_randperm(w.tape, 1 << 25, TG_F32));
}

static void shapes(void **state)
{
    (void)state;
    REFUSES(TG_ESHAPE, "expand: ", "17", !tg_expand(w.f, TG_MAX_NDIM + 1, seventeen));
    tg_tape *tape = tg_tape_new(NULL);
    tg_tensor *s = tg_ones(tape, TG_SCALAR, 0), *v = tg_ones(tape, TG_DIMS(1), 0);
    assert_int_equal(tg_ndim(tg_expand(s, 0, NULL)), 0);
    /* Views need no memory: nine of them would be too long a row. */
    const int64_t most = PTRDIFF_MAX / 8;
    tg_tensor *nine[9];
    for (int i = 0; i < 9; i++)
        nine[i] = tg_expand(v, 1, &most);
    assert_ok(tape);
    assert_null(tg_cat(nine, 9, 0));
    assert_error(tape, TG_ESHAPE, "cat: ");
    tg_tensor *sixteen = tg_reshape(v, TG_MAX_NDIM, seventeen);
    assert_ok(tape);
    assert_null(tg_stack(&sixteen, 1, 0));
    assert_error(tape, TG_ESHAPE, "stack: ");
    assert_null(tg_cat(NULL, 2, 0));
    assert_null(tg_cat(&v, 0, 0));
    assert_null(tg_cat(&v, (size_t)INT_MAX + 1, 0));
    assert_ok(tape);
    tg_tape_free(tape);
}

static void equations(void **state)
{
    (void)state;
    REFUSES(TG_EVALUE, "einsum: ", "", !tg_einsum("i1,jk->ik", w.f, w.f));
    REFUSES(TG_EVALUE, "einsum: ", "", !tg_einsum("i[,jk->ik", w.f, w.f));
    REFUSES(TG_EVALUE, "einsum: ", "", !tg_einsum("i{,jk->ik", w.f, w.f));
    REFUSES(TG_EVALUE, "einsum: ", "", !tg_einsum("abcdefghijklmnopq,jk->ik", w.f, w.f));
    REFUSES(TG_EVALUE, "einsum: ", "", !tg_einsum("ij", w.f, w.f));
    tg_tape *tape = tg_tape_new(NULL);
    tg_tensor *a = tg_arange(tape, 0, 6, 1, 0), *b = tg_ones(tape, TG_DIMS(1, 4), 0);
    a = tg_reshape(a, 2, (int64_t[]){2, 3});
    tg_tensor *c = tg_einsum(" I j , j Z -> I Z ", a, b); /* the one row of b for all j */
    assert_ok(tape);
    assert_equal(tg_f32(c)[0], 3);
    assert_equal(tg_f32(c)[7], 12);
    tg_tensor *implicit = tg_einsum("bA,Ac", a, tg_ones(tape, TG_DIMS(3, 2), 0));
    assert_ok(tape);
    assert_equal(tg_f32(implicit)[3], 12);
    tg_tape_free(tape);
}

static void convolutions(void **state)
{
    (void)state;
    tg_tape *tape = tg_tape_new(NULL);
    tg_tensor *x = tg_ones(tape, TG_DIMS(1, 4, 5, 5), 0),
              *k = tg_ones(tape, TG_DIMS(6, 2, 3, 3), 0);
    tg_tensor *good = tg_ones(tape, TG_DIMS(6), 0), *flat = tg_ones(tape, TG_DIMS(6, 1), 0),
              *few = tg_ones(tape, TG_DIMS(5), 0), *odd = tg_ones(tape, TG_DIMS(5, 2, 3, 3), 0);
    const struct {
        tg_tensor *weight, *bias;
        tg_conv_opts opts;
    } bad[] = {{k, good, {.groups = -1}},
               {k, good, {.groups = 3}},
               {odd, NULL, {.groups = 2}},
               {k, flat, {.groups = 2}},
               {k, few, {.groups = 2}},
               {k, good, {.groups = 2, .stride = {-1, 1}}},
               {k, good, {.groups = 2, .dilation = {1, -1}}},
               {k, good, {.groups = 2, .padding = {-1, 0}}},
               {k, good, {.groups = 2, .dilation = {INT64_MAX, 1}}},
               {k, good, {.groups = 2, .padding = {INT64_MAX, 0}}},
               {k, good, {.groups = 2, .padding = {INT64_MAX / 2, 0}}}};
    assert_non_null(tg_conv2d(x, k, good, &(tg_conv_opts){.groups = 2}));
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        assert_null(tg_conv2d(x, bad[i].weight, bad[i].bias, &bad[i].opts));
        if (tg_error(tape) != TG_EVALUE && tg_error(tape) != TG_ESHAPE)
            fail_msg("%zu: %s", i, tg_error_message(tape));
        assert_non_null(strstr(tg_error_message(tape), "conv2d: "));
        tg_clear_error(tape);
    }
    assert_non_null(tg_conv_transpose2d(x, tg_ones(tape, TG_DIMS(4, 2, 3, 3), 0), NULL, NULL));
    assert_ok(tape);
    tg_tape_free(tape);
}

static void others(void **state)
{
    (void)state;
    REFUSES(TG_ESHAPE, "layer_norm: ", "",
            !tg_layer_norm(w.f, TG_MAX_NDIM + 1, seventeen, NULL, NULL, 0));
    REFUSES(TG_ESHAPE, "layer_norm: ", "", !tg_layer_norm(w.f, 1, NULL, NULL, NULL, 0));
    REFUSES(TG_ESHAPE, "rms_norm: ", "", !tg_rms_norm(w.f, 0, NULL, NULL, 0));
    REFUSES(TG_ESHAPE, "rms_norm: ", "", !tg_rms_norm(w.f, 1, NULL, NULL, 0));
    REFUSES(TG_ESHAPE, "rms_norm: ", "", !tg_rms_norm(w.f, 3, (int64_t[]){1, 2, 3}, NULL, 0));
    REFUSES(TG_ESHAPE, "rms_norm: ", "", !tg_rms_norm(w.f, 1, (int64_t[]){2}, NULL, 0));
    REFUSES(TG_EVALUE, "batch_norm: ", "momentum",
            !tg_batch_norm(w.f, &(tg_batch_norm_opts){.training = true, .momentum = -0.5}));
    REFUSES(TG_EVALUE, "batch_norm: ", "momentum",
            !tg_batch_norm(w.f, &(tg_batch_norm_opts){.training = true, .momentum = 1.5}));
    REFUSES(TG_ESHAPE, "tril: input [4]", "at least 2 dims", !tg_tril(w.v, 0));
    REFUSES(TG_ESHAPE, "triu: input []", "at least 2 dims", !tg_triu(w.s, 0));
    REFUSES(TG_EVALUE, "add_: ", "", tg_add_(w.i, w.i, 1e300) != TG_OK);
    REFUSES(TG_EVALUE, "add_: ", "", tg_add_(w.i, w.i, -1e300) != TG_OK);
    REFUSES(TG_EVALUE, "add_: ", "", tg_add_(w.i, w.i, 0.5) != TG_OK);
    assert_string_equal(tg_isa_name((tg_isa)99), "");
    tg_reset_peak_memory(NULL);
    tg_clear_profile(NULL);
}

/* In another rounding mode the results are the same. */
static tg_tensor *cubed(tg_tensor *const *in, size_t n, void *context)
{
    (void)n;
    (void)context;
    return tg_mul(in[0], tg_square(in[0]));
}

static void modes(void **state)
{
    (void)state;
    tg_tape *tape = tg_tape_new(NULL);
    tg_tensor *x = tg_full(tape, TG_DIMS(3), 0.1, TG_F64 | TG_REQUIRES_GRAD), *hv[2], *line[2];
    tg_tensor *weight = tg_zeros(tape, TG_DIMS(2, 2, 3), 0), *attended[2], *average[2];
    tg_tensor *qkv = tg_sin(tg_reshape(tg_arange(tape, 0, 36, 1, 0), 3, (int64_t[]){3, 4, 3}));
    double lr[2];
    float drawn[2];
    for (int i = 0; i < 2; i++) {
        fesetround(i ? FE_UPWARD : FE_TONEAREST);
        tg_plateau plateau = {0};
        lr[i] = tg_lr_plateau(0.1, 0.3, &plateau, NULL);
        lr[i] += tg_lr_plateau(0.1, 0.3, &plateau, NULL);
        line[i] = tg_linspace(tape, 0.1, 0.7, 9, TG_F64);
        tg_tensor *loss = tg_sum(cubed(&x, 1, NULL));
        hv[i] = tg_hvp(loss, x, tg_full(tape, TG_DIMS(3), 0.3, TG_F64), NULL);
        attended[i] = tg_scaled_dot_product_attention(tg_select(qkv, 0, 0), tg_select(qkv, 0, 1),
                                                      tg_select(qkv, 0, 2), NULL);
        average[i] = tg_full(tape, TG_DIMS(3), 0.7, TG_F64);
        assert_int_equal(tg_ema_update(&average[i], &x, 1, 0.3), TG_OK);
        tg_manual_seed(tape, 4);
        tg_conv_init(weight, NULL);
        drawn[i] = tg_f32(weight)[7];
        assert_int_equal(tg_gradcheck(cubed, NULL, &x, 1, NULL), TG_OK);
    }
    fesetround(FE_TONEAREST);
    assert_ok(tape);
    assert_equal(lr[0], lr[1]);
    assert_equal((double)drawn[0], (double)drawn[1]);
    assert_true(tensors_same(line[0], line[1]));
    assert_true(tensors_same(hv[0], hv[1]));
    assert_true(tensors_same(average[0], average[1]));
    assert_true(tensors_same(attended[0], attended[1]));
    tg_tape_free(tape);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(making),       cmocka_unit_test(shapes), cmocka_unit_test(equations),
        cmocka_unit_test(convolutions), cmocka_unit_test(others), cmocka_unit_test(modes),
    };
    return cmocka_run_group_tests_name("errors at edges", tests, NULL, NULL);
}

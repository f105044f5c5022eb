/* Bad input to anything but a loss: each call is refused and leaves everything as it was. */
#include "refuses.h"

#include <limits.h>

#include <tinygrad/op.h>

/* --- shapes and dims --- */

static void shapes(void **state)
{
    (void)state;
    REFUSES(TG_ESHAPE, "add: [2, 3]", "[4]", !tg_add(w.f, w.v));
    REFUSES(TG_ESHAPE, "sub: [2, 3]", "[3, 2]", !tg_sub(w.f, w.t));
    REFUSES(TG_ESHAPE, "mul: [4]", "[2, 3]", !tg_mul(w.v, w.d));
    REFUSES(TG_ESHAPE, "div: [2, 3]", "[2]", !tg_div(w.f, w.i));
    REFUSES(TG_ESHAPE, "matmul: [2, 3] x [2, 3]", "3 and 2 differ", !tg_matmul(w.f, w.y));
    REFUSES(TG_ESHAPE, "matmul: [4] x [2, 3]", "4 and 2 differ", !tg_matmul(w.v, w.f));
    REFUSES(TG_ESHAPE, "matmul: [] x [4]", "at least one dim", !tg_matmul(w.s, w.v));
    REFUSES(TG_ESHAPE, "linear: x [2, 3]", "[3, 2]", !tg_linear(w.f, w.t, NULL));
    REFUSES(TG_ESHAPE, "linear: weight [4]", "(out, in)", !tg_linear(w.f, w.v, NULL));
    REFUSES(TG_ESHAPE, "linear: bias [4]", "[2, 3]", !tg_linear(w.f, w.f, w.v));
    REFUSES(TG_ESHAPE, "linear: x", "0-d", !tg_linear(w.s, w.f, NULL));
    REFUSES(TG_ESHAPE, "reshape: [2, 3]", "[4, 2]", !tg_reshape(w.f, TG_DIMS(4, 2)));
    REFUSES(TG_ESHAPE, "reshape: [2, 3]", "[-1, 4]", !tg_reshape(w.f, TG_DIMS(-1, 4)));
    REFUSES(TG_ESHAPE, "reshape: ", "[-1, -1]", !tg_reshape(w.f, TG_DIMS(-1, -1)));
    REFUSES(TG_ESHAPE, "reshape: ", "[-1, 0]", !tg_reshape(w.f, TG_DIMS(-1, 0)));
    REFUSES(TG_ESHAPE, "reshape: ", "-2", !tg_reshape(w.f, TG_DIMS(-2, -3)));
    REFUSES(TG_ESHAPE, "reshape: ", "", !tg_reshape(w.f, 2, NULL));
    REFUSES(TG_ESHAPE, "expand: [2, 3]", "[2, 4]", !tg_expand(w.f, TG_DIMS(2, 4)));
    REFUSES(TG_ESHAPE, "expand: 1 dims", "[2, 3]", !tg_expand(w.f, TG_DIMS(3)));
    REFUSES(TG_ESHAPE, "expand: ", "-1", !tg_expand(w.f, TG_DIMS(-1, 2, 3)));
    REFUSES(TG_ESHAPE, "expand: ", "", !tg_expand(w.f, 3, NULL));
    REFUSES(TG_ESHAPE, "item: [2, 3]", "6 elements", isnan(tg_item(w.f)));
    REFUSES(TG_ESHAPE, "linear_init: weight [4]", "[out, in]", (tg_linear_init(w.v, NULL), true));
    REFUSES(TG_ESHAPE, "linear_init: bias [4]", "[2, 3]", (tg_linear_init(w.f, w.v), true));
    REFUSES(TG_ESTATE, "data_mut: [3, 2]", "contiguous", !tg_data_mut(w.t));
}

static void dims(void **state)
{
    (void)state;
    REFUSES(TG_EVALUE, "sum: ", "dim 2 in [2, 3]", !tg_sum_dim(w.f, 2, false));
    REFUSES(TG_EVALUE, "sum: ", "dim -3 in [2, 3]", !tg_sum_dim(w.f, -3, true));
    REFUSES(TG_EVALUE, "mean: ", "dim 1 in []", !tg_mean_dim(w.s, 1, false));
    REFUSES(TG_EVALUE, "mean: ", "in [2, 3]", !tg_mean_dim(w.f, INT_MIN, false));
    REFUSES(TG_EVALUE, "softmax: ", "dim 2 in [2, 3]", !tg_softmax(w.f, 2));
    REFUSES(TG_EVALUE, "log_softmax: ", "dim -2 in [4]", !tg_log_softmax(w.v, -2));
    REFUSES(TG_EVALUE, "transpose: ", "2 in [2, 3]", !tg_transpose(w.f, 0, 2));
    REFUSES(TG_EVALUE, "transpose: ", "in [2, 3]", !tg_transpose(w.f, INT_MAX, 0));
    REFUSES(TG_EVALUE, "size: ", "dim 2 in [2, 3]", tg_size(w.f, 2) == -1);
    REFUSES(TG_EVALUE, "size: ", "dim 0 in []", tg_size(w.s, 0) == -1);
    REFUSES(TG_EVALUE, "stride: ", "dim -3 in [2, 3]", tg_stride(w.f, -3) == -1);
}

/* Every function that makes a tensor from a shape, refused with the same error. */
static void refuse_shape(int ndim, const int64_t *sizes, const char *part)
{
    static const bool truth[1];
    REFUSES(TG_ESHAPE, "zeros: ", part, !tg_zeros(w.tape, ndim, sizes, 0));
    REFUSES(TG_ESHAPE, "ones: ", part, !tg_ones(w.tape, ndim, sizes, TG_F64));
    REFUSES(TG_ESHAPE, "full: ", part, !tg_full(w.tape, ndim, sizes, 1, TG_BOOL));
    REFUSES(TG_ESHAPE, "rand: ", part, !tg_rand(w.tape, ndim, sizes, TG_REQUIRES_GRAD));
    REFUSES(TG_ESHAPE, "randn: ", part, !tg_randn(w.tape, ndim, sizes, 0));
    REFUSES(TG_ESHAPE, "randint: ", part, !tg_randint(w.tape, 0, 2, ndim, sizes, 0));
    REFUSES(TG_ESHAPE, "from_f32: ", part, !tg_from_f32(w.tape, (float[]){1}, ndim, sizes, 0));
    REFUSES(TG_ESHAPE, "from_f64: ", part, !tg_from_f64(w.tape, (double[]){1}, ndim, sizes, 0));
    REFUSES(TG_ESHAPE, "from_i64: ", part, !tg_from_i64(w.tape, (int64_t[]){1}, ndim, sizes, 0));
    REFUSES(TG_ESHAPE, "from_bool: ", part, !tg_from_bool(w.tape, truth, ndim, sizes, 0));
    REFUSES(TG_ESHAPE, "from_blob: ", part, !tg_from_blob(w.tape, (float[]){1}, ndim, sizes, 0));
}

static void sizes_of_new_tensors(void **state)
{
    (void)state;
    const int64_t large = INT64_MAX, quarter = (int64_t)1 << 62;
    refuse_shape(TG_DIMS(2, -1), "-1");
    refuse_shape(TG_DIMS(INT64_MIN), "-9223372036854775808");
    refuse_shape(TG_DIMS(0, -5), "-5");
    refuse_shape(TG_DIMS(large), "9223372036854775807");
    refuse_shape(TG_DIMS(large, 2), "2");
    refuse_shape(TG_DIMS(quarter, 4), "4");
    refuse_shape(TG_DIMS(0, large, large), "0");
    refuse_shape(TG_DIMS(large, 2, 0), "0");
    refuse_shape(TG_DIMS(1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1), "17");
    refuse_shape(-1, (int64_t[]){1}, "-1");
    refuse_shape(INT_MIN, NULL, "-2147483648");
    refuse_shape(INT_MAX, (int64_t[]){1}, "2147483647");
    REFUSES(TG_EVALUE, "zeros: dims is NULL", "", !tg_zeros(w.tape, 2, NULL, 0));
    REFUSES(TG_EVALUE, "randn: dims is NULL", "", !tg_randn(w.tape, 1, NULL, 0));
    REFUSES(TG_EVALUE, "from_f32: dims is NULL", "",
            !tg_from_f32(w.tape, (float[]){1}, 1, NULL, 0));
    REFUSES(TG_ESHAPE, "reshape: 17 dims", "16",
            !tg_reshape(w.s, 17, (int64_t[17]){1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1}));
    REFUSES(TG_ESHAPE, "reshape: -1 dims", "", !tg_reshape(w.s, -1, NULL));
    REFUSES(TG_ESHAPE, "expand: ", "", !tg_expand(w.s, TG_DIMS(large, 4)));
    REFUSES(TG_ESHAPE, "arange: ", "1e+300", !tg_arange(w.tape, 0, 1e300, 1, 0));
}

/* More than a machine has is out of memory, and not an error of shape. */
static void more_than_there_is(void **state)
{
    (void)state;
    const int64_t huge = sizeof(void *) > 4 ? (int64_t)1 << 48 : PTRDIFF_MAX / 8;
    REFUSES(TG_ENOMEM, "zeros: out of memory", "", !tg_zeros(w.tape, TG_DIMS(huge), TG_F64));
    REFUSES(TG_ENOMEM, "randn: out of memory", "", !tg_randn(w.tape, TG_DIMS(1, huge), TG_F64));
    REFUSES(TG_ENOMEM, "mul_scalar: out of memory", "",
            !tg_mul_scalar(tg_expand(tg_sum(w.d), TG_DIMS(huge)), 2) &&
                !tg_tape_rewind(w.tape, w.mark));
}

/* Products of sizes are at most PTRDIFF_MAX / 8, wherever they come from. */
static void more_than_can_be(void **state)
{
    (void)state;
    const int64_t most = PTRDIFF_MAX / 8, root = (int64_t)1 << (sizeof(void *) > 4 ? 30 : 14);
    static float window[4];
    REFUSES(TG_ESHAPE, "zeros: the product", "overflows", !tg_zeros(w.tape, TG_DIMS(most + 1), 0));
    REFUSES(TG_ESHAPE, "zeros: the product", "overflows",
            !tg_zeros(w.tape, TG_DIMS(most + 1, 0), TG_BOOL));
    REFUSES(TG_ESHAPE, "zeros: the product", "overflows",
            !tg_zeros(w.tape, TG_DIMS(4 * root, 4 * root + 1), 0));
    REFUSES(TG_ESHAPE, "from_blob: the product", "overflows",
            !tg_from_blob(w.tape, window, TG_DIMS(2 * root, root), 0));
    REFUSES(TG_ESHAPE, "expand: the product", "overflows",
            !tg_expand(w.s, TG_DIMS(root, root + 1)));
    REFUSES(TG_ESHAPE, "add: the product", "overflows",
            !tg_add(tg_expand(w.s, TG_DIMS(root, 1)), tg_expand(w.s, TG_DIMS(1, root + 1))) &&
                !tg_tape_rewind(w.tape, w.mark));
    REFUSES(TG_ESHAPE, "cat: the product", "overflows",
            !tg_cat((tg_tensor *[]){tg_expand(w.s, TG_DIMS(most)), tg_expand(w.s, TG_DIMS(most))},
                    2, 0) &&
                !tg_tape_rewind(w.tape, w.mark));
    /* 16 channels of 2^30 x 2^30 windows: 2^64 rows of columns */
    REFUSES(TG_ESHAPE, "avg_pool2d: the product", "overflows",
            !tg_avg_pool2d(
                tg_expand(w.s, TG_DIMS(16, 1, 1)),
                &(tg_pool_opts){.kernel = {1 << 30, 1 << 30}, .padding = {1 << 29, 1 << 29}}) &&
                !tg_tape_rewind(w.tape, w.mark));
    /* without numbers to sum, the scores and logits are as many as ever */
    REFUSES(TG_ESHAPE, "scaled_dot_product_attention: the product", "overflows",
            !tg_scaled_dot_product_attention(tg_zeros(w.tape, TG_DIMS(root, 0), 0),
                                             tg_zeros(w.tape, TG_DIMS(2 * root, 0), 0),
                                             tg_zeros(w.tape, TG_DIMS(2 * root, 0), 0), NULL) &&
                !tg_tape_rewind(w.tape, w.mark));
    REFUSES(TG_ESHAPE, "linear_cross_entropy: the product", "overflows",
            !tg_linear_cross_entropy(tg_zeros(w.tape, TG_DIMS(2, 0), TG_REQUIRES_GRAD),
                                     tg_zeros(w.tape, TG_DIMS(most, 0), 0), NULL, w.i, NULL) &&
                !tg_tape_rewind(w.tape, w.mark));
}

/* --- dtypes and flags --- */

static void dtypes(void **state)
{
    (void)state;
    REFUSES(TG_EDTYPE, "matmul: float32", "float64", !tg_matmul(w.t, w.d));
    REFUSES(TG_EDTYPE, "matmul: int64", "int64", !tg_matmul(w.i, w.i));
    REFUSES(TG_EDTYPE, "linear: float32", "float64", !tg_linear(w.f, w.d, NULL));
    REFUSES(TG_EDTYPE, "linear: float32", "int64", !tg_linear(w.f, w.f, w.i));
    REFUSES(TG_EDTYPE, "softmax: ", "int64", !tg_softmax(w.i, 0));
    REFUSES(TG_EDTYPE, "log_softmax: ", "bool", !tg_log_softmax(w.b, 0));
    REFUSES(TG_EDTYPE, "mean: ", "int64", !tg_mean(w.i));
    REFUSES(TG_EDTYPE, "mean: ", "bool", !tg_mean_dim(w.b, 0, false));
    REFUSES(TG_EDTYPE, "neg: ", "bool", !tg_neg(w.b));
    REFUSES(TG_EDTYPE, "relu: ", "bool", !tg_relu(w.b));
    REFUSES(TG_EDTYPE, "sub: ", "bool", !tg_sub(w.b, w.b));
    REFUSES(TG_EDTYPE, "to: ", "4", !tg_to(w.f, 4));
    REFUSES(TG_EDTYPE, "to: ", "-1", !tg_to(w.f, -1));
    REFUSES(TG_EDTYPE, "to: ", "256", !tg_to(w.f, TG_REQUIRES_GRAD));
    REFUSES(TG_EDTYPE, "uniform_: ", "int64", (tg_uniform_(w.i, 0, 1), true));
    REFUSES(TG_EDTYPE, "normal_: ", "bool", (tg_normal_(w.b, 0, 1), true));
    REFUSES(TG_EDTYPE, "rand: ", "int64", !tg_rand(w.tape, TG_DIMS(2), TG_I64));
    REFUSES(TG_EDTYPE, "randn: ", "bool", !tg_randn(w.tape, TG_DIMS(2), TG_BOOL));
    REFUSES(TG_EDTYPE, "randperm: ", "bool", !tg_randperm(w.tape, 2, TG_BOOL));
    REFUSES(TG_EDTYPE, "arange: ", "bool", !tg_arange(w.tape, 0, 2, 1, TG_BOOL));
    REFUSES(TG_EDTYPE, "from_f32: ", "float64",
            !tg_from_f32(w.tape, (float[]){1}, TG_DIMS(1), TG_F64));
    REFUSES(TG_EDTYPE, "from_i64: ", "bool",
            !tg_from_i64(w.tape, (int64_t[]){1}, TG_DIMS(1), TG_BOOL));
}

static void flags(void **state)
{
    (void)state;
    static const int unknown[] = {0x200, 0x1000, 0x300, 0x40000000};
    for (size_t k = 0; k < sizeof unknown / sizeof *unknown; k++) {
        int f = unknown[k];
        REFUSES(TG_EVALUE, "zeros: ", "flags", !tg_zeros(w.tape, TG_DIMS(2), f));
        REFUSES(TG_EVALUE, "full: ", "flags", !tg_full(w.tape, TG_DIMS(2), 1, f));
        REFUSES(TG_EVALUE, "randn: ", "flags", !tg_randn(w.tape, TG_DIMS(2), f));
        REFUSES(TG_EVALUE, "arange: ", "flags", !tg_arange(w.tape, 0, 2, 1, f));
        REFUSES(TG_EVALUE, "from_f32: ", "flags",
                !tg_from_f32(w.tape, (float[]){1}, TG_DIMS(1), f));
    }
    static const int garbage[] = {4, 0xff, -1, INT_MIN, -256, INT_MAX};
    for (size_t k = 0; k < sizeof garbage / sizeof *garbage; k++) {
        int f = garbage[k];
        world w = world_new();
        bool refused = !tg_ones(w.tape, TG_DIMS(1), f) && tg_error(w.tape);
        tg_clear_error(w.tape);
        refused = refused && !tg_from_f64(w.tape, (double[]){1}, TG_DIMS(1), f) && tg_error(w.tape);
        tg_clear_error(w.tape);
        refused = refused && !tg_rand(w.tape, TG_DIMS(1), f) && tg_error(w.tape);
        if (!refused)
            fail_msg("flags %#x", (unsigned)f);
        tg_clear_error(w.tape);
        assert_true(marks_equal(w.mark, tg_tape_mark(w.tape)));
        assert_unharmed(&w, "flags");
        tg_tape_free(w.tape);
        tg_tape_free(w.other);
    }
    REFUSES(TG_EDTYPE, "zeros: ", "int64",
            !tg_zeros(w.tape, TG_DIMS(2), TG_I64 | TG_REQUIRES_GRAD));
    REFUSES(TG_EDTYPE, "ones: ", "bool", !tg_ones(w.tape, TG_DIMS(2), TG_BOOL | TG_REQUIRES_GRAD));
    REFUSES(TG_EDTYPE, "from_i64: ", "int64",
            !tg_from_i64(w.tape, (int64_t[]){1}, TG_DIMS(1), TG_REQUIRES_GRAD));
}

/* --- values --- */

static void values(void **state)
{
    (void)state;
    const double nan = (double)NAN, inf = (double)INFINITY;
    REFUSES(TG_EVALUE, "full: ", "nan", !tg_full(w.tape, TG_DIMS(2), nan, TG_I64));
    REFUSES(TG_EVALUE, "full: ", "1e+19", !tg_full(w.tape, TG_DIMS(2), 1e19, TG_I64));
    REFUSES(TG_EVALUE, "arange: ", "by 0", !tg_arange(w.tape, 0, 2, 0, 0));
    REFUSES(TG_EVALUE, "arange: ", "by 0.5", !tg_arange(w.tape, 2, 0, 0.5, 0));
    REFUSES(TG_EVALUE, "arange: ", "inf", !tg_arange(w.tape, 0, inf, 1, 0));
    REFUSES(TG_EVALUE, "arange: ", "nan", !tg_arange(w.tape, 0, 1, nan, 0));
    REFUSES(TG_EVALUE, "randint: ", "3", !tg_randint(w.tape, 3, 3, TG_DIMS(2), 0));
    REFUSES(TG_EVALUE, "randint: ", "-9223372036854775808",
            !tg_randint(w.tape, INT64_MAX, INT64_MIN, TG_DIMS(2), TG_I64));
    REFUSES(TG_EVALUE, "randperm: ", "-1", !tg_randperm(w.tape, -1, TG_I64));
    REFUSES(TG_EVALUE, "uniform_: ", "from 1 to 0", (tg_uniform_(w.f, 1, 0), true));
    REFUSES(TG_EVALUE, "uniform_: ", "nan", (tg_uniform_(w.f, nan, 0), true));
    REFUSES(TG_EVALUE, "uniform_: ", "inf", (tg_uniform_(w.f, 0, inf), true));
    REFUSES(TG_EVALUE, "normal_: ", "-1", (tg_normal_(w.f, 0, -1), true));
    REFUSES(TG_EVALUE, "normal_: ", "nan", (tg_normal_(w.f, 0, nan), true));
    REFUSES(TG_ESTATE, "uniform_: ", "[2, 3]", (tg_uniform_(w.y, 0, 1), true));
    REFUSES(TG_ESTATE, "normal_: ", "[3, 2]", (tg_normal_(w.t, 0, 1), true));
    REFUSES(TG_ESTATE, "linear_init: ", "[2, 3]", (tg_linear_init(w.y, NULL), true));
}

/* --- tensors that are not there, or of another tape --- */

static tg_tensor *identity(tg_tensor *const *inputs, size_t n, void *context)
{
    (void)n;
    (void)context;
    return inputs[0];
}

static void null_arguments(void **state)
{
    (void)state;
    REFUSES(TG_EVALUE, "add: input 1 is NULL", "", !tg_add(w.f, NULL));
    REFUSES(TG_EVALUE, "sub: input 0 is NULL", "", !tg_sub(NULL, w.f));
    REFUSES(TG_EVALUE, "mul: input 0 is NULL", "", !tg_mul(NULL, w.f));
    REFUSES(TG_EVALUE, "div: input 1 is NULL", "", !tg_div(w.f, NULL));
    REFUSES(TG_EVALUE, "matmul: input 1 is NULL", "", !tg_matmul(w.f, NULL));
    REFUSES(TG_EVALUE, "linear: input 1 is NULL", "", !tg_linear(w.f, NULL, NULL));
    REFUSES(TG_EVALUE, "linear: input 0 is NULL", "", !tg_linear(NULL, w.f, w.v));
    REFUSES(TG_EVALUE, "cross_entropy: input 1 is NULL", "", !tg_cross_entropy(w.f, NULL, NULL));
    REFUSES(TG_EVALUE, "cross_entropy: input 0 is NULL", "", !tg_cross_entropy(NULL, w.i, NULL));
    REFUSES(TG_EVALUE, "nll_loss: input 1 is NULL", "", !tg_nll_loss(w.f, NULL, NULL));
    REFUSES(TG_EVALUE, "linear_init: input 0 is NULL", "", (tg_linear_init(NULL, w.v), true));
    REFUSES(TG_EVALUE, "from_f32: data is NULL", "", !tg_from_f32(w.tape, NULL, TG_DIMS(2), 0));
    REFUSES(TG_EVALUE, "from_f64: data is NULL", "", !tg_from_f64(w.tape, NULL, TG_SCALAR, 0));
    REFUSES(TG_EVALUE, "from_i64: data is NULL", "", !tg_from_i64(w.tape, NULL, TG_DIMS(2), 0));
    REFUSES(TG_EVALUE, "from_bool: data is NULL", "", !tg_from_bool(w.tape, NULL, TG_DIMS(2), 0));
    REFUSES(TG_EVALUE, "from_blob: data is NULL", "", !tg_from_blob(w.tape, NULL, TG_DIMS(2), 0));
    REFUSES(TG_EVALUE, "print: no file", "", tg_print(NULL, w.f) == TG_EVALUE);
    REFUSES(TG_EVALUE, "gradcheck: the function is NULL", "",
            tg_gradcheck(NULL, NULL, &w.d, 1, NULL) == TG_EVALUE);
    REFUSES(TG_EDTYPE, "gradcheck: input 0 is float32", "float64",
            tg_gradcheck(identity, NULL, &w.f, 1, NULL) == TG_EDTYPE);
}

/* Where every tensor is NULL there is no tape to tell. */
static void nothing_but_null(void **state)
{
    (void)state;
    assert_null(tg_add(NULL, NULL));
    assert_null(tg_sub(NULL, NULL));
    assert_null(tg_exp(NULL));
    assert_null(tg_mul_scalar(NULL, 2));
    assert_null(tg_sum(NULL));
    assert_null(tg_mean_dim(NULL, 0, true));
    assert_null(tg_reshape(NULL, TG_DIMS(1)));
    assert_null(tg_transpose(NULL, 0, 1));
    assert_null(tg_expand(NULL, TG_DIMS(1)));
    assert_null(tg_contiguous(NULL));
    assert_null(tg_to(NULL, TG_F64));
    assert_null(tg_detach(NULL));
    assert_null(tg_matmul(NULL, NULL));
    assert_null(tg_linear(NULL, NULL, NULL));
    assert_null(tg_softmax(NULL, 0));
    assert_null(tg_log_softmax(NULL, 0));
    assert_null(tg_nll_loss(NULL, NULL, NULL));
    assert_null(tg_cross_entropy(NULL, NULL, NULL));
    assert_null(tg_grad(NULL));
    assert_null(tg_tape_of(NULL));
    assert_null(tg_sizes(NULL));
    assert_null(tg_f32(NULL));
    assert_null(tg_f64(NULL));
    assert_null(tg_i64(NULL));
    assert_null(tg_bool(NULL));
    assert_null(tg_data_mut(NULL));
    assert_int_equal(tg_ndim(NULL), -1);
    assert_int_equal(tg_size(NULL, 0), -1);
    assert_int_equal(tg_stride(NULL, 0), -1);
    assert_int_equal(tg_numel(NULL), 0);
    assert_int_equal(tg_dtype(NULL), -1);
    assert_false(tg_is_contiguous(NULL));
    assert_true(isnan(tg_item(NULL)));
    assert_int_not_equal(tg_print(stdout, NULL), TG_OK);
    assert_int_equal(tg_backward(NULL), TG_EVALUE);
    assert_int_equal(tg_backward_with(NULL, NULL, NULL), TG_EVALUE);
    assert_int_not_equal(tg_gradcheck(identity, NULL, NULL, 0, NULL), TG_OK);
    assert_int_not_equal(tg_optim_step(NULL), TG_OK);
    tg_optim_zero_grad(NULL);
    tg_optim_set_lr(NULL, 1);
    tg_zero_grad(NULL);
    tg_uniform_(NULL, 0, 1);
    tg_normal_(NULL, 0, 1);
    tg_linear_init(NULL, NULL);
}

static void two_tapes(void **state)
{
    (void)state;
    REFUSES(TG_EVALUE, "add: inputs 1 and 0", "different tapes", !tg_add(w.f, w.alien));
    REFUSES(TG_EVALUE, "div: inputs 1 and 0", "different tapes", !tg_div(w.s, w.alien));
    REFUSES(TG_EVALUE, "matmul: inputs 1 and 0", "different tapes", !tg_matmul(w.t, w.alien));
    REFUSES(TG_EVALUE, "linear: inputs 2 and 0", "different tapes",
            !tg_linear(w.f, w.f, w.alien_i));
    REFUSES(TG_EVALUE, "cross_entropy: inputs 1 and 0", "different tapes",
            !tg_cross_entropy(w.f, w.alien_i, NULL));
    REFUSES(TG_EVALUE, "cross_entropy: inputs 2 and 0", "different tapes",
            !tg_cross_entropy(w.f, w.i, &(tg_ce_opts){.weight = w.alien}));
    REFUSES(TG_EVALUE, "nll_loss: inputs 1 and 0", "different tapes",
            !tg_nll_loss(w.f, w.alien_i, NULL));
    REFUSES(TG_EVALUE, "linear_init: inputs 1 and 0", "different tapes",
            (tg_linear_init(w.f, w.alien), true));
    REFUSES(TG_EVALUE, "backward: ", "another tape",
            tg_backward_with(w.y, w.alien, NULL) == TG_EVALUE);
    REFUSES(TG_EVALUE, "sgd: parameter 1", "another tape",
            !tg_sgd(w.tape, (tg_tensor *[]){w.f, w.alien}, 2, NULL));
}

/* --- backward and optimisers --- */

static void backward(void **state)
{
    (void)state;
    const tg_backward_opts graph = {.create_graph = true};
    REFUSES(TG_ESHAPE, "backward: [2, 3]", "not a scalar", tg_backward(w.y) == TG_ESHAPE);
    REFUSES(TG_ESHAPE, "backward: [2, 3]", "not a scalar",
            tg_backward_with(w.y, NULL, &graph) == TG_ESHAPE);
    REFUSES(TG_ESTATE, "backward: float64 [2, 3]", "does not require", tg_backward(w.d) != TG_OK);
    REFUSES(TG_ESTATE, "backward: int64 [2]", "does not require", tg_backward(w.i) != TG_OK);
    REFUSES(TG_ESTATE, "backward: float32 []", "does not require",
            tg_backward(tg_sum(tg_detach(w.f))) == TG_ESTATE && !tg_tape_rewind(w.tape, w.mark));
    REFUSES(TG_ESHAPE, "backward: gradient [4]", "[2, 3]",
            tg_backward_with(w.y, w.v, NULL) == TG_ESHAPE);
    REFUSES(TG_ESHAPE, "backward: gradient []", "[2, 3]",
            tg_backward_with(w.y, w.s, &graph) == TG_ESHAPE);
    REFUSES(TG_EDTYPE, "backward: gradient float64", "float32",
            tg_backward_with(w.y, w.d, NULL) == TG_EDTYPE);
    REFUSES(TG_EDTYPE, "backward: gradient bool", "float32",
            tg_backward_with(w.y, w.b, NULL) == TG_EDTYPE);
}

static void without_gradients(void **state)
{
    (void)state;
    world w = world_new();
    tg_set_grad_enabled(w.tape, false);
    tg_tensor *loss = tg_sum(w.f);
    tg_set_grad_enabled(w.tape, true);
    assert_int_equal(tg_backward(loss), TG_ESTATE);
    assert_error(w.tape, TG_ESTATE, "tg_set_grad_enabled() was off");
    assert_unharmed(&w, "without gradients");
    tg_tape_free(w.tape);
    tg_tape_free(w.other);
}

static void optimisers(void **state)
{
    (void)state;
    const double nan = (double)NAN;
    REFUSES(TG_ESTATE, "sgd: parameter 0 [2, 3]", "not a leaf", !tg_sgd(w.tape, &w.y, 1, NULL));
    REFUSES(TG_ESTATE, "sgd: parameter 1 [3, 2]", "not a leaf",
            !tg_sgd(w.tape, (tg_tensor *[]){w.f, w.t}, 2, NULL));
    REFUSES(TG_EVALUE, "sgd: no parameters", "", !tg_sgd(w.tape, &w.f, 0, NULL));
    REFUSES(TG_EVALUE, "sgd: no parameters", "", !tg_sgd(w.tape, NULL, 1, NULL));
    REFUSES(TG_EVALUE, "sgd: ", "parameters", !tg_sgd(w.tape, &w.f, SIZE_MAX, NULL));
    REFUSES(TG_EVALUE, "sgd: parameter 1 is NULL", "",
            !tg_sgd(w.tape, (tg_tensor *[]){w.f, NULL}, 2, NULL));
    REFUSES(TG_EVALUE, "sgd: parameters 0 and 2 are the same", "",
            !tg_sgd(w.tape, (tg_tensor *[]){w.f, w.s, w.f}, 3, NULL));
    REFUSES(TG_EVALUE, "sgd: lr -1", "", !tg_sgd(w.tape, &w.f, 1, &(tg_sgd_opts){.lr = -1}));
    REFUSES(TG_EVALUE, "sgd: lr", "nan", !tg_sgd(w.tape, &w.f, 1, &(tg_sgd_opts){.lr = nan}));
    REFUSES(TG_EVALUE, "sgd: momentum -0.5", "",
            !tg_sgd(w.tape, &w.f, 1, &(tg_sgd_opts){.momentum = -0.5}));
    REFUSES(TG_EVALUE, "sgd: momentum", "nan",
            !tg_sgd(w.tape, &w.f, 1, &(tg_sgd_opts){.momentum = nan}));
    REFUSES(TG_EVALUE, "sgd: weight_decay -1", "",
            !tg_sgd(w.tape, &w.f, 1, &(tg_sgd_opts){.weight_decay = -1}));
    REFUSES(TG_EVALUE, "sgd: dampening", "nan",
            !tg_sgd(w.tape, &w.f, 1, &(tg_sgd_opts){.dampening = nan}));
    REFUSES(TG_EVALUE, "sgd: nesterov", "momentum",
            !tg_sgd(w.tape, &w.f, 1, &(tg_sgd_opts){.nesterov = true}));
    const tg_sgd_opts damped = {.nesterov = true, .momentum = 0.9, .dampening = 0.1};
    REFUSES(TG_EVALUE, "sgd: nesterov", "dampening", !tg_sgd(w.tape, &w.f, 1, &damped));
    REFUSES(TG_EVALUE, "optim_set_lr: lr -1", "", (tg_optim_set_lr(w.optim, -1), true));
    REFUSES(TG_EVALUE, "optim_set_lr: lr", "nan", (tg_optim_set_lr(w.optim, nan), true));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(shapes),
        cmocka_unit_test(dims),
        cmocka_unit_test(sizes_of_new_tensors),
        cmocka_unit_test(more_than_there_is),
        cmocka_unit_test(more_than_can_be),
        cmocka_unit_test(dtypes),
        cmocka_unit_test(flags),
        cmocka_unit_test(values),
        cmocka_unit_test(null_arguments),
        cmocka_unit_test(nothing_but_null),
        cmocka_unit_test(two_tapes),
        cmocka_unit_test(backward),
        cmocka_unit_test(without_gradients),
        cmocka_unit_test(optimisers),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

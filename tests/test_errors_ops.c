/* Bad input to operations, as test_errors_edges.c: lists that are not there, sizes beyond what can be, dims that are
 * one too many. */
#include "refuses.h"

#include <limits.h>

/* Many more elements than memory has, as views of one. */
static const int64_t root = (int64_t)1 << (sizeof(void *) > 4 ? 31 : 15);

/* What a call makes of views that it alone needs: refused, and they are gone. */
#define AND_REWOUND !tg_tape_rewind(w.tape, w.mark)

static tg_tensor *sixteen(tg_tensor *t)
{
    int64_t sizes[TG_MAX_NDIM];
    for (int i = 0; i < TG_MAX_NDIM; i++)
        sizes[i] = i < TG_MAX_NDIM - 1 ? 1 : tg_numel(t);
    return tg_reshape(t, TG_MAX_NDIM, sizes);
}

static void lists(void **state)
{
    (void)state;
    const int64_t one[1] = {1}, many[TG_MAX_NDIM + 1] = {1};
    REFUSES(TG_EVALUE, "flip: no list of -1", "", !tg_flip(w.f, -1, one));
    REFUSES(TG_EVALUE, "flip: no list of 1", "", !tg_flip(w.f, 1, NULL));
    REFUSES(TG_EVALUE, "roll: no lists of -1", "", !tg_roll(w.f, -1, one, one));
    REFUSES(TG_EVALUE, "roll: no lists of 1", "", !tg_roll(w.f, 1, NULL, one));
    REFUSES(TG_EVALUE, "roll: no lists of 1", "", !tg_roll(w.f, 1, one, NULL));
    REFUSES(TG_ESHAPE, "repeat: 1 numbers", "[2, 3]", !tg_repeat(w.f, 1, one));
    REFUSES(TG_ESHAPE, "repeat: 17 numbers", "[2, 3]", !tg_repeat(w.f, 17, many));
    REFUSES(TG_ESHAPE, "repeat: 2 numbers", "[2, 3]", !tg_repeat(w.f, 2, NULL));
    REFUSES(TG_EVALUE, "sum: no list of -1", "", !tg_sum_dims(w.f, -1, one, false));
    REFUSES(TG_EVALUE, "sum: no list of 1", "", !tg_sum_dims(w.f, 1, NULL, false));
    REFUSES(TG_ESHAPE, "permute: 1 dims", "[2, 3]", !tg_permute(w.f, 1, one));
    REFUSES(TG_ESHAPE, "permute: 2 dims", "[2, 3]", !tg_permute(w.f, 2, NULL));
    REFUSES(TG_EVALUE, "pad: -2 numbers", "", !tg_pad(w.f, -2, one, TG_PAD_CONSTANT, 0));
    REFUSES(TG_EVALUE, "pad: 1 numbers", "", !tg_pad(w.f, 1, one, TG_PAD_CONSTANT, 0));
    REFUSES(TG_EVALUE, "pad: 2 numbers", "NULL", !tg_pad(w.f, 2, NULL, TG_PAD_CONSTANT, 0));
    REFUSES(TG_EVALUE, "chunk: no room", "", !tg_chunk(w.f, 2, 0, NULL));
    REFUSES(TG_EVALUE, "chunk: no room", "", !tg_chunk(w.f, 0, 0, (tg_tensor *[]){NULL}));
    REFUSES(TG_EVALUE, "split: into no parts", "",
            !tg_split(w.f, 0, one, 0, (tg_tensor *[]){NULL}));
    REFUSES(TG_ESHAPE, "index: 0 index tensors", "", !tg_index(w.f, 0, 0, &w.i));
    REFUSES(TG_ESHAPE, "index: 0 index tensors", "", !tg_index(w.f, 0, 1, NULL));
    REFUSES(TG_ESHAPE, "index_put: 0 index tensors", "",
            !tg_index_put(w.f, 0, 1, NULL, w.v, false));
    REFUSES(TG_EVALUE, "index_put: input 2 is NULL", "",
            !tg_index_put(w.f, 0, 1, &w.i, NULL, false));
    REFUSES(TG_ESHAPE, "index: 17 index tensors", "[2, 3]",
            !tg_index(w.f, 0, 17,
                      (tg_tensor *[]){w.i, w.i, w.i, w.i, w.i, w.i, w.i, w.i, w.i, w.i, w.i, w.i,
                                      w.i, w.i, w.i, w.i, w.i}));

    tg_tape *tape = tg_tape_new(NULL);
    tg_tensor *s = tg_full(tape, TG_SCALAR, 3, 0);
    tg_tensor *same[] = {tg_flip(s, 0, NULL), tg_roll(s, 0, NULL, NULL), tg_repeat(s, 0, NULL),
                         tg_permute(s, 0, NULL), tg_pad(s, 0, NULL, TG_PAD_REFLECT, 0)};
    assert_ok(tape);
    for (size_t i = 0; i < sizeof same / sizeof *same; i++) {
        assert_int_equal(tg_ndim(same[i]), 0);
        assert_equal(tg_item(same[i]), 3);
    }
    tg_tape_free(tape);
}

/* Dims in lists are 64 bits wide. */
static void dims(void **state)
{
    (void)state;
    static const int64_t far[] = {
        2, -3, 16, -17, INT64_MAX, INT64_MIN, (int64_t)1 << 32, -((int64_t)1 << 32)};
    for (size_t i = 0; i < sizeof far / sizeof *far; i++) {
        const int64_t zero[] = {0, far[i]}, *dim = &far[i];
        REFUSES(TG_EVALUE, "flip: ", "in [2, 3]", !tg_flip(w.f, 1, dim));
        REFUSES(TG_EVALUE, "roll: ", "in [2, 3]", !tg_roll(w.f, 1, zero, dim));
        REFUSES(TG_EVALUE, "permute: ", "in [2, 3]", !tg_permute(w.f, 2, zero));
        REFUSES(TG_EVALUE, "sum: ", "in [2, 3]", !tg_sum_dims(w.f, 1, dim, true));
        REFUSES(TG_EVALUE, "select_scatter: ", "dim 0",
                !tg_select_scatter(w.f, tg_select(w.f, 0, 0), 0, *dim) && AND_REWOUND);
    }
    REFUSES(TG_EVALUE, "scatter: ", "input 1 is NULL", !tg_scatter(w.f, 0, NULL, w.f));
    REFUSES(TG_EVALUE, "scatter: ", "input 2 is NULL", !tg_scatter(w.f, 0, w.i, NULL));
    REFUSES(TG_EVALUE, "diagonal: ", "2 in [2, 3]", !tg_diagonal(w.f, 0, 2, 1));
    REFUSES(TG_EVALUE, "diagonal: ", "2 in [2, 3]", !tg_diagonal(w.f, 0, 1, 2));
    REFUSES(TG_ESHAPE, "unsqueeze: ", "16 dims already",
            !tg_unsqueeze(sixteen(w.d), 0) && AND_REWOUND);
    REFUSES(TG_ESHAPE, "one_hot: 16 dims", "", !tg_one_hot(sixteen(w.i), 3) && AND_REWOUND);
    REFUSES(TG_ESHAPE, "embedding: index", "too many dims",
            !tg_embedding(w.f, sixteen(w.i), TG_NO_PADDING) && AND_REWOUND);
    REFUSES(TG_ESHAPE, "index: ", "too many dims",
            !tg_index(sixteen(w.d), 0, 1, (tg_tensor *[]){tg_reshape(w.i, 2, (int64_t[]){1, 2})}) &&
                AND_REWOUND);
    REFUSES(TG_EVALUE, "einsum: ", "too many labels",
            !tg_einsum("abcdefghijklmnop,q", sixteen(w.d), tg_flatten(w.d, 0, -1)) && AND_REWOUND);
    tg_tape *tape = tg_tape_new(NULL);
    tg_tensor *x = tg_reshape(tg_arange(tape, 0, 6, 1, 0), 2, (int64_t[]){2, 3});
    static const int64_t past[] = {3, 100, INT64_MAX, -2, -100, INT64_MIN};
    for (size_t i = 0; i < sizeof past / sizeof *past; i++)
        assert_int_equal(tg_numel(tg_diagonal(x, past[i], 0, 1)), 0);
    assert_equal(tg_item(tg_diagonal(x, 2, 0, 1)), 2);
    assert_equal(tg_item(tg_diagonal(x, -1, 0, 1)), 3);
    assert_ok(tape);
    tg_tape_free(tape);
}

/* Results that would have more elements than can be; nothing of them is computed. */
static void large(void **state)
{
    (void)state;
    const int64_t wide[] = {root, root}, most = PTRDIFF_MAX / 8;
    REFUSES(TG_ESHAPE, "matmul: the product", "overflows",
            !tg_matmul(tg_expand(w.s, TG_DIMS(root, 1)), tg_expand(w.s, TG_DIMS(1, root))) &&
                AND_REWOUND);
    REFUSES(TG_ESHAPE, "linear: the product", "overflows",
            !tg_linear(tg_expand(w.s, TG_DIMS(root, 1)), tg_expand(w.s, TG_DIMS(root, 1)), NULL) &&
                AND_REWOUND);
    REFUSES(TG_ESHAPE, "where: the product", "overflows",
            !tg_where(tg_expand(tg_ones(w.tape, TG_DIMS(1, 1), TG_BOOL), TG_DIMS(root, 1)),
                      tg_expand(w.s, TG_DIMS(1, root)), w.s) &&
                AND_REWOUND);
    REFUSES(TG_ESHAPE, "embedding: the product", "overflows",
            !tg_embedding(tg_expand(w.s, TG_DIMS(2, root)),
                          tg_expand(tg_zeros(w.tape, TG_SCALAR, TG_I64), TG_DIMS(root)),
                          TG_NO_PADDING) &&
                AND_REWOUND);
    REFUSES(TG_ESHAPE, "one_hot: the product", "overflows", !tg_one_hot(w.i, most) && AND_REWOUND);
    REFUSES(TG_ESHAPE, "multinomial: the product", "overflows",
            !tg_multinomial(tg_expand(w.s, TG_DIMS(root, 2)), root, true) && AND_REWOUND);
    REFUSES(TG_ESHAPE, "multinomial: 16777217 numbers", "",
            !tg_multinomial(tg_expand(w.s, TG_DIMS((1 << 24) + 1)), 1, true) && AND_REWOUND);
    REFUSES(TG_ESHAPE, "multinomial: 0 numbers", "",
            !tg_multinomial(tg_zeros(w.tape, TG_DIMS(0), 0), 1, true) && AND_REWOUND);
    REFUSES(TG_ESHAPE, "diag: diagonal 2147483648", "too large", !tg_diag(w.v, 2147483648));
    REFUSES(TG_ESHAPE, "diag: diagonal -2147483648", "too large", !tg_diag(w.v, -2147483647 - 1));
    if (sizeof(void *) > 4) {
        REFUSES(TG_ESHAPE, "diag: diagonal 0 of 2147483648", "too large",
                !tg_diag(tg_expand(w.s, 1, wide), 0) && AND_REWOUND);
        REFUSES(TG_ESHAPE, "sort: dim 0", "too long",
                !tg_sort(tg_expand(w.s, TG_DIMS(2 * root)), 0, false) && AND_REWOUND);
    }
    REFUSES(TG_ESHAPE, "diag: the product", "overflows", !tg_diag(w.v, INT32_MAX));
    REFUSES(TG_EVALUE, "pad: ", "no number of elements",
            !tg_pad(w.f, 2, (int64_t[]){INT64_MAX / 4 + 1, 0}, TG_PAD_CONSTANT, 0));
    REFUSES(TG_EVALUE, "pad: ", "no number of elements",
            !tg_pad(w.f, 2, (int64_t[]){0, -INT64_MAX / 4 - 1}, TG_PAD_CONSTANT, 0));
}

static void values(void **state)
{
    (void)state;
    REFUSES(TG_EVALUE, "pad: int64 cannot hold", "1e+19",
            !tg_pad(w.i, TG_DIMS(1, 0), TG_PAD_CONSTANT, 1e19));
    REFUSES(TG_EVALUE, "pad: int64 cannot hold", "-1e+19",
            !tg_pad(w.i, TG_DIMS(1, 0), TG_PAD_CONSTANT, -1e19));
    REFUSES(TG_EVALUE, "pad: int64 cannot hold", "nan",
            !tg_pad(w.i, TG_DIMS(1, 0), TG_PAD_CONSTANT, (double)NAN));
    REFUSES(TG_ESHAPE, "index_select: index [2] for []", "one element",
            !tg_index_select(w.s, 0, w.i));
    REFUSES(TG_ESHAPE, "index_select: index [1, 2] for [2, 3]", "1 dim",
            !tg_index_select(w.f, 0, tg_reshape(w.i, TG_DIMS(1, 2))) && AND_REWOUND);
    for (int replacement = 0; replacement < 2; replacement++) {
        REFUSES(TG_EVALUE, "multinomial: all weights in row 1 are 0", "",
                !tg_multinomial(tg_from_f32(w.tape, (float[]){1, 2, 0, 0}, TG_DIMS(2, 2), 0), 1,
                                replacement) &&
                    AND_REWOUND);
        REFUSES(TG_EVALUE, "multinomial: a weight in row 0 is negative", "",
                !tg_multinomial(tg_from_f32(w.tape, (float[]){1, -2, 0, 0}, TG_DIMS(2, 2), 0), 1,
                                replacement) &&
                    AND_REWOUND);
    }
    REFUSES(TG_EVALUE, "topk: 0 of one number", "", !tg_topk(w.s, 0, 0, true));
    REFUSES(TG_ESHAPE, "linear: bias []", "[2, 3]", !tg_linear(w.f, w.f, w.s));
    REFUSES(TG_ESHAPE, "linear: bias [4]", "[2, 3]", !tg_linear(w.f, w.f, w.v));
    REFUSES(TG_EVALUE, "set_rng_state: ", "", tg_set_rng_state(w.tape, w.alien) != TG_OK);
}

/* What has no answer in int64 wraps around, or is the lowest number; nothing traps. */
static void integers(void **state)
{
    (void)state;
    tg_tape *tape = tg_tape_new(NULL);
    const double inf = (double)INFINITY, nan = (double)NAN;
    tg_tensor *x = tg_from_i64(tape, (int64_t[]){INT64_MIN, 7, -7, INT64_MAX}, TG_DIMS(4), 0);
    tg_tensor *minus = tg_full(tape, TG_SCALAR, -1, TG_I64);
    tg_tensor *whole = tg_floor_divide(x, minus),
              *rest[] = {tg_remainder(x, minus), tg_fmod(x, minus)};
    const int64_t want[] = {INT64_MIN, -7, 7, -INT64_MAX};
    for (int i = 0; i < 4; i++) {
        assert_true(tg_i64(whole)[i] == want[i]);
        assert_true(tg_i64(rest[0])[i] == 0 && tg_i64(rest[1])[i] == 0);
    }
    const double far[] = {0x1p63, -0x1p64, inf, -inf, nan, -0x1p63, 0x1p62, -2.75};
    for (int dtype = TG_F32; dtype <= TG_F64; dtype++) {
        tg_tensor *y = tg_to(tensor_from(tape, far, TG_DIMS(8), dtype), TG_I64);
        for (int i = 0; i < 6; i++)
            assert_true(tg_i64(y)[i] == INT64_MIN);
        assert_true(tg_i64(y)[6] == (int64_t)1 << 62 && tg_i64(y)[7] == -2);
    }
    /* Bounds that are no integers make floats of them. */
    tg_tensor *three = tg_arange(tape, 0, 3, 1, TG_I64);
    assert_int_equal(tg_dtype(tg_clamp(three, 1, 2)), TG_I64);
    tg_tensor *low = tg_clamp(three, 0.5, 2), *high = tg_clamp(three, 0, 1.5);
    assert_int_equal(tg_dtype(low), TG_F32);
    assert_int_equal(tg_dtype(high), TG_F32);
    assert_equal(tg_f32(low)[0], 0.5);
    assert_equal(tg_f32(high)[2], 1.5);
    assert_ok(tape);
    tg_tape_free(tape);
}

/* From a weight of 1/2 on it is counted back from b, as PyTorch does it: other bits than from a. */
static void halfway(void **state)
{
    (void)state;
    tg_tape *tape = tg_tape_new(NULL);
    tg_tensor *a = tg_full(tape, TG_SCALAR, 0.1, TG_F64);
    tg_tensor *b = tg_full(tape, TG_SCALAR, 5 / 9.0, TG_F64);
    tg_tensor *half = tg_full(tape, TG_SCALAR, 0.5, TG_F64);
    assert_equal(tg_item(tg_lerp(a, b, half)), 0.3277777777777778);
    tg_tape_free(tape);
}

/* The same elements in other orders, written over themselves. */
static void overlapping(void **state)
{
    (void)state;
    tg_tape *tape = tg_tape_new(NULL);
    tg_tensor *x = tg_reshape(tg_arange(tape, 0, 4, 1, 0), 2, (int64_t[]){2, 2});
    assert_int_equal(tg_add_(x, tg_transpose(x, 0, 1), 1), TG_OK);
    const float sums[] = {0, 3, 3, 6}, rows[] = {0, 6, 3, 9};
    for (int i = 0; i < 4; i++)
        assert_equal(tg_f32(x)[i], sums[i]);
    assert_int_equal(tg_add_(x, tg_select(x, 0, 0), 1), TG_OK);
    for (int i = 0; i < 4; i++)
        assert_equal(tg_f32(x)[i], rows[i]);
    assert_int_equal(tg_add_(x, x, 1), TG_OK);
    assert_equal(tg_f32(x)[3], 18);
    /* Of another tape, and gone. */
    tg_tape *other = tg_tape_new(NULL);
    tg_mark mark = tg_tape_mark(other);
    tg_tensor *gone = tg_ones(other, TG_DIMS(2, 2), 0);
    tg_tape_rewind(other, mark);
    assert_int_equal(tg_copy_(x, gone), TG_ESTATE);
    assert_ok(tape);
    assert_error(other, TG_ESTATE, "copy_: ");
    assert_int_equal(tg_set_rng_state(tape, gone), TG_EVALUE);
    assert_error(tape, TG_EVALUE, "set_rng_state: ");
    assert_ok(other);
    tg_tape_free(other);
    tg_tape_free(tape);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(lists),       cmocka_unit_test(dims),     cmocka_unit_test(large),
        cmocka_unit_test(values),      cmocka_unit_test(integers), cmocka_unit_test(halfway),
        cmocka_unit_test(overlapping),
    };
    return cmocka_run_group_tests_name("errors of operations", tests, NULL, NULL);
}

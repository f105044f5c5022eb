/* Bad input to what networks are made of, as test_errors_ops.c; and good input at the edge of what is allowed. */
#include "refuses.h"

#include <limits.h>

/* Whether a view may have more than 2^31 elements. */
enum { LARGE = sizeof(void *) > 4 };
static const int64_t root = (int64_t)1 << (sizeof(void *) > 4 ? 30 : 15);

#define AND_REWOUND !tg_tape_rewind(w.tape, w.mark)

static void attention(void **state)
{
    (void)state;
    REFUSES(TG_ESHAPE, "scaled_dot_product_attention: q [2, 3], k [2, 3], v [4]", "wanted",
            !tg_scaled_dot_product_attention(w.f, w.f, w.v, NULL));
    REFUSES(TG_ESHAPE, "scaled_dot_product_attention: q [2, 3], k [4]", "wanted",
            !tg_scaled_dot_product_attention(w.f, w.v, w.f, NULL));
    REFUSES(TG_ESHAPE, "scaled_dot_product_attention: q [4]", "wanted",
            !tg_scaled_dot_product_attention(w.v, w.f, w.f, NULL));
    REFUSES(TG_ESHAPE, "scaled_dot_product_attention: the product", "overflows",
            !tg_scaled_dot_product_attention(tg_expand(w.s, TG_DIMS(root, 1)),
                                             tg_expand(w.s, TG_DIMS(1, 1)),
                                             tg_expand(w.s, TG_DIMS(1, 2 * root)), NULL) &&
                AND_REWOUND);
    /* Of no queries, and of queries that nothing can be attended to by. */
    tg_tape *tape = tg_tape_new(NULL);
    for (int i = 0; i < 2; i++) {
        tg_tensor *q = tg_rand(tape, TG_DIMS(2, i ? 0 : 3, 4), TG_REQUIRES_GRAD);
        tg_tensor *k = tg_rand(tape, TG_DIMS(2, i ? 5 : 0, 4), TG_REQUIRES_GRAD);
        tg_tensor *mask = tg_zeros(tape, TG_DIMS(i ? 0 : 3, i ? 5 : 0), TG_REQUIRES_GRAD);
        tg_tensor *y = tg_scaled_dot_product_attention(q, k, k, &(tg_attention_opts){.mask = mask});
        assert_int_equal(
            tg_backward_with(tg_sum(y), NULL, &(tg_backward_opts){.create_graph = true}), TG_OK);
        assert_int_equal(tg_size(y, 1), i ? 0 : 3);
        for (int64_t j = 0; j < tg_numel(y); j++)
            assert_equal(tg_f32(y)[j], 0);
        for (int64_t j = 0; j < tg_numel(k); j++)
            assert_equal(tg_f32(tg_grad(k))[j], 0);
        for (int64_t j = 0; j < tg_numel(q); j++)
            assert_equal(tg_f32(tg_grad(q))[j], 0);
    }
    tg_tensor *none = tg_zeros(tape, TG_DIMS(0, 3, 4), TG_REQUIRES_GRAD);
    tg_tensor *y = tg_scaled_dot_product_attention(none, none, none, NULL);
    assert_int_equal(tg_backward(tg_sum(y)), TG_OK);
    assert_int_equal(tg_numel(tg_grad(none)), 0);
    tg_tape_free(tape);
}

static void transposed(void **state)
{
    (void)state;
    tg_tape *tape = tg_tape_new(NULL);
    const int64_t big = ((int64_t)1 << 30) + 1;
    tg_tensor *x = tg_ones(tape, TG_DIMS(1, 4, 5, 5), 0),
              *k = tg_ones(tape, TG_DIMS(4, 2, 3, 3), 0);
    tg_tensor *one = tg_ones(tape, TG_DIMS(1, 1, 1, 1), 0);
    tg_tensor *wide = LARGE ? tg_expand(one, TG_DIMS(1, 4, 1, big)) : NULL,
              *empty = tg_ones(tape, TG_DIMS(1, 4, 5, 0), 0);
    tg_tensor *no_kernel = tg_ones(tape, TG_DIMS(4, 2, 3, 0), 0),
              *large = LARGE ? tg_expand(one, TG_DIMS(4, 2, 3, big)) : NULL;
    tg_tensor *flat = tg_ones(tape, TG_DIMS(2, 1), 0), *few = tg_ones(tape, TG_DIMS(3), 0);
    tg_tensor *thick = tg_expand(one, TG_DIMS(4, 1 << 12, 3, 3));
    tg_tensor *many = LARGE ? tg_expand(one, TG_DIMS(1 << 20, 4, 1 << 15, 1 << 15)) : NULL;
    const struct {
        tg_tensor *x, *weight, *bias;
        tg_conv_transpose_opts opts;
    } bad[] = {{x, no_kernel, NULL, {.groups = 0}},
               {x, k, NULL, {.stride = {-1, 1}}},
               {x, k, NULL, {.dilation = {1, -1}}},
               {x, k, NULL, {.padding = {0, -1}}},
               {x, k, NULL, {.output_padding = {-1, 0}}},
               {x, k, NULL, {.stride = {2, 2}, .output_padding = {2, 0}}},
               {x, k, NULL, {.stride = {2, 2}, .dilation = {3, 3}, .output_padding = {3, 0}}},
               {wide, k, NULL, {.groups = 0}},
               {x, large, NULL, {.groups = 0}},
               {x, k, NULL, {.stride = {1, big}}},
               {x, k, NULL, {.dilation = {big, 1}}},
               {x, k, NULL, {.padding = {big, 0}}},
               {x, k, NULL, {.padding = {0, 4}}},
               {empty, k, NULL, {.groups = 0}},
               {x, k, NULL, {.groups = -1}},
               {x, k, NULL, {.groups = 3}},
               {x, k, flat, {.groups = 0}},
               {x, k, few, {.groups = 0}},
               {x, k, few, {.groups = 2}},
               {many, thick, NULL, {.groups = 0}}};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        if (!bad[i].x || !bad[i].weight) /* not LARGE */
            continue;
        if (tg_conv_transpose2d(bad[i].x, bad[i].weight, bad[i].bias, &bad[i].opts))
            fail_msg("%zu: not refused", i);
        if (tg_error(tape) != TG_EVALUE && tg_error(tape) != TG_ESHAPE)
            fail_msg("%zu: %s", i, tg_error_message(tape));
        assert_non_null(strstr(tg_error_message(tape), "conv_transpose2d: "));
        tg_clear_error(tape);
    }
    const tg_conv_transpose_opts good = {
        .stride = {2, 2}, .dilation = {3, 3}, .output_padding = {2, 1}, .groups = 2};
    tg_tensor *y = tg_conv_transpose2d(x, k, tg_ones(tape, TG_DIMS(4), 0), &good);
    assert_ok(tape);
    assert_int_equal(tg_size(y, 2), 17);
    assert_int_equal(tg_size(y, 3), 16);
    assert_equal(tg_f32(y)[0], 3); /* two channels of a group, and the bias */
    tg_tape_free(tape);
}

/* A kernel as large as the image, in groups: each like a product of its own. */
static void whole_image_in_groups(void **state)
{
    (void)state;
    tg_tape *tape = tg_tape_new(NULL);
    tg_tensor *x = tg_randn(tape, TG_DIMS(2, 4, 3, 3), TG_F64),
              *k = tg_randn(tape, TG_DIMS(6, 2, 3, 3), TG_F64);
    tg_tensor *y = tg_conv2d(x, k, NULL, &(tg_conv_opts){.groups = 2});
    for (int g = 0; g < 2; g++) {
        tg_tensor *part = tg_reshape(tg_narrow(x, 1, 2 * g, 2), 2, (int64_t[]){2, 18});
        tg_tensor *own = tg_reshape(tg_narrow(k, 0, 3 * g, 3), 2, (int64_t[]){3, 18});
        tg_tensor *want = tg_linear(part, own, NULL), *got = tg_narrow(y, 1, 3 * g, 3);
        assert_true(tg_item(tg_max(tg_abs(tg_sub(tg_flatten(got, 1, -1), want)))) < 1e-12);
    }
    REFUSES(TG_ESHAPE, "conv2d: the product", "overflows",
            !tg_conv2d(tg_expand(w.s, TG_DIMS(root, 1, 2, 1)),
                       tg_expand(w.s, TG_DIMS(root, 1, 1, 1)), NULL, NULL) &&
                AND_REWOUND);
    REFUSES(TG_ESHAPE, "conv1d: bias []", "[1, 2, 3]",
            !tg_conv1d(tg_reshape(w.f, TG_DIMS(1, 2, 3)), tg_reshape(w.f, TG_DIMS(1, 2, 3)), w.s,
                       NULL) &&
                AND_REWOUND);
    tg_tape_free(tape);
}

static void pools(void **state)
{
    (void)state;
    tg_tensor *at;
    REFUSES(TG_EVALUE, "avg_pool1d: indices are for max pooling", "",
            !tg_avg_pool1d_with(w.f, &(tg_pool_more_opts){.kernel = {2}, .indices = &at}) && !at);
    at = NULL;
    REFUSES(TG_EVALUE, "max_pool1d: padding 2", "",
            !tg_max_pool1d_with(
                w.f, &(tg_pool_more_opts){.kernel = {2}, .padding = {2}, .indices = &at}) &&
                !at);
    if (LARGE)
        REFUSES(TG_EVALUE, "max_pool2d: planes", "2^31",
                !tg_max_pool2d(tg_expand(w.s, TG_DIMS(1, 1 << 16, 1 << 15)),
                               &(tg_pool_opts){.kernel = {2, 2}}) &&
                    AND_REWOUND);
    const int64_t big = ((int64_t)1 << 30) + 1;
    const tg_pool_opts large[] = {{.kernel = {big}},
                                  {.kernel = {2}, .stride = {big}},
                                  {.kernel = {2}, .dilation = {big}},
                                  {.kernel = {2}, .padding = {big}}};
    for (size_t i = 0; i < sizeof large / sizeof *large; i++)
        REFUSES(TG_EVALUE, "max_pool1d: ", "", !tg_max_pool1d(w.f, &large[i]));
    REFUSES(TG_ESHAPE, "max_pool1d: a window of 7 elements does not fit [2, 3] with padding 1", "",
            !tg_max_pool1d(w.f, &(tg_pool_opts){.kernel = {3}, .dilation = {3}, .padding = {1}}));
    tg_tape *tape = tg_tape_new(NULL);
    /* The last window would begin in the padding: there is none. */
    tg_tensor *x = tg_reshape(tg_arange(tape, 0, 5, 1, 0), TG_DIMS(1, 5));
    tg_tensor *y = tg_max_pool1d_with(
        x, &(tg_pool_more_opts){.kernel = {2}, .stride = {3}, .padding = {1}, .ceil_mode = true});
    assert_ok(tape);
    assert_int_equal(tg_numel(y), 2);
    assert_equal(tg_f32(y)[1], 3);
    assert_null(tg_max_pool1d_with(x, NULL));
    assert_error(tape, TG_EVALUE, "max_pool1d: no kernel");
    assert_null(tg_avg_pool1d_with(
        x, &(tg_pool_more_opts){.kernel = {9}, .stride = {1}, .ceil_mode = true}));
    assert_error(tape, TG_ESHAPE, "avg_pool1d: a window of 9 elements does not fit [1, 5]");
    tg_tensor *empty = tg_zeros(tape, TG_DIMS(0, 2, 3, 0), 0);
    assert_null(tg_max_pool2d(empty, &(tg_pool_opts){.kernel = {2, 2}}));
    assert_error(tape, TG_ESHAPE, "max_pool2d: ");
    tg_tape_free(tape);
}

static void resampling(void **state)
{
    (void)state;
    const int64_t big = ((int64_t)1 << 30) + 1;
#define X tg_reshape(w.f, TG_DIMS(1, 2, 3))
    REFUSES(TG_EVALUE, "interpolate: there is no mode 7", "",
            !tg_interpolate(X, &(tg_interpolate_opts){.size = {2}, .mode = (tg_interpolation)7}) &&
                AND_REWOUND);
    REFUSES(TG_EVALUE, "interpolate: wanted either", "", !tg_interpolate(X, NULL) && AND_REWOUND);
    REFUSES(TG_EVALUE, "interpolate: size ", "from 3",
            !tg_interpolate(X, &(tg_interpolate_opts){.size = {big}}) && AND_REWOUND);
    REFUSES(TG_EVALUE, "interpolate: size ", "from 3",
            !tg_interpolate(X, &(tg_interpolate_opts){.scale = {1e12}}) && AND_REWOUND);
    REFUSES(TG_EVALUE, "interpolate: size ", "from 3",
            !tg_interpolate(X, &(tg_interpolate_opts){.size = {-2}}) && AND_REWOUND);
    REFUSES(TG_ESHAPE, "interpolate: the product", "overflows",
            !tg_interpolate(tg_expand(w.s, TG_DIMS(root, 8, 3)),
                            &(tg_interpolate_opts){.size = {1 << 30}}) &&
                AND_REWOUND);
    REFUSES(TG_EVALUE, "adaptive_avg_pool1d: size ", "from 3",
            !tg_adaptive_avg_pool1d(X, big) && AND_REWOUND);
    if (LARGE)
        REFUSES(TG_EVALUE, "adaptive_avg_pool1d: size ", "",
                !tg_adaptive_avg_pool1d(tg_expand(w.s, TG_DIMS(1, 1, big)), 2) && AND_REWOUND);
#undef X
    /* Sizes of both dims, and one for both. */
    tg_tape *tape = tg_tape_new(NULL);
    tg_tensor *x = tg_rand(tape, TG_DIMS(1, 1, 2, 3), 0);
    tg_tensor *y = tg_interpolate(x, &(tg_interpolate_opts){.size = {4}});
    assert_int_equal(tg_size(y, 3), 4);
    y = tg_interpolate(x, &(tg_interpolate_opts){.size = {4, 6}});
    assert_int_equal(tg_size(y, 3), 6);
    assert_equal(tg_f32(y)[23], tg_f32(x)[5]);
    tg_tape_free(tape);
}

static void recurrent(void **state)
{
    (void)state;
    REFUSES(TG_EVALUE, "lstm: input 1 is NULL", "", !tg_lstm(w.f, NULL, 4, NULL, NULL, NULL));
    REFUSES(TG_EVALUE, "lstm: input 1 is NULL", "", !tg_lstm(w.f, &w.f, 0, NULL, NULL, NULL));
    tg_tape *tape = tg_tape_new(NULL);
    tg_tensor *x = tg_rand(tape, TG_DIMS(2, 3, 5), 0), *flat = tg_rand(tape, TG_DIMS(8), 0);
    tg_tensor *weights[] = {tg_rand(tape, TG_DIMS(8, 5), 0), tg_rand(tape, TG_DIMS(8, 2), 0),
                            tg_rand(tape, TG_DIMS(8), 0), tg_rand(tape, TG_DIMS(8), 0)};
    tg_tensor *no_size[] = {weights[0], tg_rand(tape, TG_DIMS(8, 0), 0), flat, flat};
    tg_tensor *no_matrix[] = {weights[0], flat, flat, flat};
    tg_tensor *lengths[] = {tg_from_i64(tape, (int64_t[]){1, 0, 2}, TG_DIMS(3), 0),
                            tg_from_i64(tape, (int64_t[]){1, 2, 3}, TG_DIMS(3), 0),
                            tg_ones(tape, TG_DIMS(2), TG_I64), tg_ones(tape, TG_DIMS(3, 1), TG_I64),
                            tg_ones(tape, TG_DIMS(3), 0)};
    const struct {
        tg_tensor **weights;
        tg_recurrent_opts opts;
        const char *part;
    } bad[] = {{weights, {.layers = -1}, "-1 layers"},
               {weights, {.layers = 1 << 20}, "1048576 layers"},
               {weights, {.dropout = -0.1}, "dropout -0.1"},
               {weights, {.dropout = 1.5}, "dropout 1.5"},
               {weights, {.lengths = lengths[0]}, "length 0 of row 1, wanted 1 to 2"},
               {weights, {.lengths = lengths[1]}, "length 3 of row 2, wanted 1 to 2"},
               {weights, {.lengths = lengths[2]}, "lengths [2] of 3 rows"},
               {weights, {.lengths = lengths[3]}, "lengths [3, 1] of 3 rows"},
               {weights, {.lengths = lengths[4]}, "lengths are float32"},
               {no_size, {.layers = 1}, "wanted (4 * hidden, hidden)"},
               {no_matrix, {.layers = 1}, "wanted (4 * hidden, hidden)"}};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        assert_null(tg_lstm(x, bad[i].weights, 4, &bad[i].opts, NULL, NULL));
        if (!tg_error(tape) || !strstr(tg_error_message(tape), bad[i].part))
            fail_msg("%zu: %s", i, tg_error_message(tape));
        tg_clear_error(tape);
    }
    tg_tensor *h = tg_zeros(tape, TG_DIMS(3, 2), 0), *c = tg_zeros(tape, TG_DIMS(3, 3), 0);
    assert_null(tg_lstm_cell(tg_select(x, 0, 0), h, c, weights[0], weights[1], NULL, NULL, NULL));
    assert_error(tape, TG_ESHAPE, "lstm_cell: a state is [3, 3], wanted [3, 2]");
    tg_tape_free(tape);
}

static void norms(void **state)
{
    (void)state;
    const double nan = (double)NAN;
    REFUSES(TG_EVALUE, "rms_norm: eps", "", !tg_rms_norm(w.f, TG_DIMS(3), NULL, -1));
    REFUSES(TG_ESHAPE, "rms_norm: input [2, 3] does not end in so many dims", "",
            !tg_rms_norm(w.f, -1, (int64_t[]){3}, NULL, 0));
    REFUSES(TG_ESHAPE, "rms_norm: input [2, 3] does not end in so many dims", "",
            !tg_rms_norm(w.f, TG_MAX_NDIM + 1, (int64_t[TG_MAX_NDIM + 1]){3}, NULL, 0));
    REFUSES(TG_EVALUE, "cdist: p nan", "", !tg_cdist(w.f, w.f, nan));
    REFUSES(TG_ESHAPE, "cdist: [4] and [2, 3]", "", !tg_cdist(w.v, w.f, 2));
    REFUSES(TG_ESHAPE, "cdist: [2, 3] and [4]", "", !tg_cdist(w.f, w.v, 2));
    REFUSES(TG_ESHAPE, "cdist: [2, 3] and [3, 2]", "", !tg_cdist(w.f, w.t, 2));
    REFUSES(TG_EVALUE, "instance_norm: one value", "",
            !tg_instance_norm(tg_reshape(w.f, TG_DIMS(2, 3, 1)), NULL, NULL, 0) && AND_REWOUND);
    REFUSES(
        TG_ESTATE, "batch_norm: running statistics", "",
        !tg_batch_norm(w.f, &(tg_batch_norm_opts){.running_mean = tg_zeros(w.tape, TG_DIMS(3), 0),
                                                  .running_var = tg_ones(w.tape, TG_DIMS(3),
                                                                         TG_REQUIRES_GRAD)}) &&
            AND_REWOUND);
    REFUSES(
        TG_ESHAPE, "cdist: the product", "overflows",
        !tg_cdist(tg_expand(w.s, TG_DIMS(2 * root, 1)), tg_expand(w.s, TG_DIMS(2 * root, 1)), 2) &&
            AND_REWOUND);
    tg_tape *tape = tg_tape_new(NULL);
    const double powers[] = {1, 2, 3, 1.5, (double)INFINITY};
    for (int k = 0; k < 5; k++) { /* rows of nothing are at no distance */
        tg_tensor *d =
            tg_cdist(tg_ones(tape, TG_DIMS(2, 0), 0), tg_ones(tape, TG_DIMS(3, 0), 0), powers[k]);
        assert_int_equal(tg_numel(d), 6);
        for (int i = 0; i < 6; i++)
            assert_equal(tg_f32(d)[i], 0);
    }
    assert_int_equal(tg_numel(tg_instance_norm(tg_ones(tape, TG_DIMS(0, 3, 1), 0), NULL, NULL, 0)),
                     0);
    assert_int_equal(tg_numel(tg_instance_norm(tg_ones(tape, TG_DIMS(2, 3, 0), 0), NULL, NULL, 0)),
                     0);
    assert_ok(tape);
    /* Over both dims of two: as over one of as many elements. */
    tg_tensor *x = tg_rand(tape, TG_DIMS(3, 4), 0), *weight = tg_rand(tape, TG_DIMS(3, 4), 0);
    tg_tensor *y = tg_layer_norm(x, TG_DIMS(3, 4), weight, NULL, 0);
    tg_tensor *z =
        tg_layer_norm(tg_flatten(x, 0, 1), TG_DIMS(12), tg_flatten(weight, 0, 1), NULL, 0);
    assert_ok(tape);
    assert_true(tensors_same(tg_flatten(y, 0, 1), z));
    /* Groups of no samples, whose weights have gradients of zeros; no channels. */
    tg_tensor *no_samples = tg_zeros(tape, TG_DIMS(0, 4, 3), TG_REQUIRES_GRAD),
              *four = tg_ones(tape, TG_DIMS(4), TG_REQUIRES_GRAD);
    y = tg_group_norm(no_samples, 2, four, NULL, 0);
    assert_int_equal(tg_backward(tg_sum(y)), TG_OK);
    for (int i = 0; i < 4; i++)
        assert_equal(tg_f32(tg_grad(four))[i], 0);
    y = tg_layer_norm(tg_zeros(tape, TG_DIMS(3, 0), TG_REQUIRES_GRAD), TG_DIMS(0), NULL, NULL, 0);
    assert_int_equal(tg_backward(tg_sum(y)), TG_OK);
    assert_int_equal(tg_numel(tg_instance_norm(tg_ones(tape, TG_DIMS(2, 0, 3), 0), NULL, NULL, 0)),
                     0);
    tg_tensor *none = tg_zeros(tape, TG_DIMS(2, 0, 3), TG_REQUIRES_GRAD);
    y = tg_batch_norm(none, &(tg_batch_norm_opts){.training = true});
    assert_int_equal(tg_backward_with(tg_sum(y), NULL, &(tg_backward_opts){.create_graph = true}),
                     TG_OK);
    assert_int_equal(tg_backward(tg_sum(tg_square(tg_grad(none)))), TG_OK);
    tg_tape_free(tape);
}

/* Windows that stick out, and whose planes are empty. */
static void windows(void **state)
{
    (void)state;
    tg_tape *tape = tg_tape_new(NULL);
    /* Windows of padding alone, around planes of no columns. */
    tg_tensor *at, *empty = tg_zeros(tape, TG_DIMS(2, 3, 4, 0), 0);
    const tg_pool_more_opts around = {.kernel = {2, 2}, .padding = {1, 1}, .indices = &at};
    tg_tensor *padded = tg_max_pool2d_with(empty, &around);
    assert_ok(tape);
    assert_int_equal(tg_numel(padded), 2 * 3 * 3);
    for (int i = 0; i < 18; i++)
        assert_true(tg_i64(at)[i] == -1);
    /* Windows that stick out at the end, where the last one begins in x still. */
    tg_tensor *x = tg_reshape(tg_arange(tape, 0, 6, 1, 0), TG_DIMS(1, 6));
    tg_tensor *y = tg_max_pool1d_with(
        x, &(tg_pool_more_opts){.kernel = {2}, .stride = {5}, .padding = {1}, .ceil_mode = true});
    assert_ok(tape);
    assert_int_equal(tg_numel(y), 2);
    assert_equal(tg_f32(y)[1], 5);
    tg_tape_free(tape);
}

static void losses(void **state)
{
    (void)state;
    REFUSES(TG_EVALUE, "multi_margin_loss: p -1", "",
            !tg_multi_margin_loss(w.f, w.i, &(tg_multi_margin_opts){.p = -1}));
    REFUSES(TG_EVALUE, "multi_margin_loss: p 3", "",
            !tg_multi_margin_loss(w.f, w.i, &(tg_multi_margin_opts){.p = 3}));
    REFUSES(TG_ESHAPE, "kaiming_normal_: ", "", (tg_kaiming_normal_(w.v, NULL), true));
    REFUSES(
        TG_EVALUE, "kaiming_normal_: there is no nonlinearity -1", "",
        (tg_kaiming_normal_(w.f, &(tg_kaiming_opts){.nonlinearity = (tg_nonlinearity)-1}), true));
    REFUSES(
        TG_EVALUE, "kaiming_normal_: there is no nonlinearity 99", "",
        (tg_kaiming_normal_(w.f, &(tg_kaiming_opts){.nonlinearity = (tg_nonlinearity)99}), true));
    REFUSES(TG_ESHAPE, "linear_init: bias []", "[2, 3]", (tg_linear_init(w.f, w.s), true));
    tg_tape *tape = tg_tape_new(NULL);
    tg_tensor *x = tg_from_f64(tape, (double[]){0.5, 2}, TG_DIMS(2), TG_F64);
    tg_tensor *t = tg_from_f64(tape, (double[]){1, 1}, TG_DIMS(2), TG_F64);
    assert_near(tg_item(tg_poisson_nll_loss(x, t, NULL)), (exp(0.5) - 0.5 + exp(2) - 2) / 2, 1e-12);
    assert_near(tg_item(tg_gaussian_nll_loss(x, t, t, NULL)), (0.25 / 2 + 1 / 2.0) / 2, 1e-12);
    tg_manual_seed(tape, 3);
    tg_kaiming_normal_(tg_zeros(tape, TG_DIMS(0, 3), 0), NULL);
    tg_recurrent_init(&x, (size_t)INT_MAX + 1, 2);
    tg_recurrent_init(NULL, 1, 2);
    assert_ok(tape);
    assert_equal(tg_f64(x)[1], 2);
    double after = next_draw(tape);
    tg_manual_seed(tape, 3);
    assert_equal(after, next_draw(tape)); /* nothing was drawn */
    tg_tape_free(tape);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(attention),
        cmocka_unit_test(transposed),
        cmocka_unit_test(whole_image_in_groups),
        cmocka_unit_test(pools),
        cmocka_unit_test(resampling),
        cmocka_unit_test(recurrent),
        cmocka_unit_test(norms),
        cmocka_unit_test(windows),
        cmocka_unit_test(losses),
    };
    return cmocka_run_group_tests_name("errors of networks", tests, NULL, NULL);
}

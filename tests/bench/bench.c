/* The library's speed, one line a row: name, median, minimum, unit, samples. Arguments choose
 * rows by the beginning of their names; none: all; --list names them. bench.py runs the same
 * rows in PyTorch beside it. */
#define _POSIX_C_SOURCE 199309L
#include "timing.h"

#include <tinygrad.h>

#include <string.h>

typedef struct state {
    const struct row *row;
    tg_tape *tape;
    tg_mark mark;
    int64_t size;
    tg_tensor *t[8]; /* leaves, made before the mark */
    tg_optim *optim;
    tg_capture *capture;
} state;

/* One row: `make` prepares leaves for a size, `step` is what is timed or, where the row's name ends
 * in "_replayed", its replay; `work` is how much of the unit one step is (NULL: the row is a time,
 * in microseconds). With the unit MiB it is not timed: the row is what a step takes beside leaves
 * and their gradients. */
typedef struct row {
    const char *name;
    void (*make)(state *s);
    void (*step)(state *s);
    double (*work)(int64_t size);
    const char *unit;
    int64_t sizes[12];
} row;

static void cross_entropy_make(state *s)
{
    int64_t rows = s->size == 5 ? 3 : s->size > 60000 ? 256 : 1024;
    s->t[0] = tg_randn(s->tape, TG_DIMS(rows, s->size), TG_REQUIRES_GRAD);
    s->t[1] = tg_randint(s->tape, 0, s->size, TG_DIMS(rows), TG_I64);
}

static void cross_entropy_step(state *s)
{
    tg_zero_grad(s->t[0]);
    tg_backward(tg_cross_entropy(s->t[0], s->t[1], NULL));
}

/* A language model's last layer, 2048 positions of 256 numbers. */
static void head_make(state *s)
{
    s->t[0] = tg_randn(s->tape, TG_DIMS(2048, 256), TG_REQUIRES_GRAD);
    s->t[1] = tg_zeros(s->tape, TG_DIMS(s->size, 256), TG_REQUIRES_GRAD);
    s->t[2] = tg_zeros(s->tape, TG_DIMS(s->size), TG_REQUIRES_GRAD);
    s->t[3] = tg_randint(s->tape, 0, s->size, TG_DIMS(2048), TG_I64);
    tg_linear_init(s->t[1], s->t[2]);
}

static void zero_head(state *s)
{
    for (int i = 0; i < 3; i++)
        tg_zero_grad(s->t[i]);
}

static void head_step(state *s)
{
    zero_head(s);
    tg_backward(tg_linear_cross_entropy(s->t[0], s->t[1], s->t[2], s->t[3], NULL));
}

static void composed_head_step(state *s)
{
    zero_head(s);
    tg_backward(tg_cross_entropy(tg_linear(s->t[0], s->t[1], s->t[2]), s->t[3], NULL));
}

static tg_tensor *layer(state *s, int i, int64_t in, int64_t out)
{
    s->t[i] = tg_zeros(s->tape, TG_DIMS(out, in), TG_REQUIRES_GRAD);
    s->t[i + 1] = tg_zeros(s->tape, TG_DIMS(out), TG_REQUIRES_GRAD);
    tg_linear_init(s->t[i], s->t[i + 1]);
    return s->t[i];
}

static void hinge_make(state *s)
{
    layer(s, 0, 2, s->size);
    layer(s, 2, s->size, s->size);
    layer(s, 4, s->size, 1);
    s->t[6] = tg_randn(s->tape, TG_DIMS(100, 2), 0);
    s->t[7] = tg_randn(s->tape, TG_DIMS(100, 1), 0);
    s->optim = tg_sgd(s->tape, s->t, 6, &(tg_sgd_opts){.lr = 0.01});
}

static void hinge_step(state *s)
{
    tg_tensor *h = tg_relu(tg_linear(s->t[6], s->t[0], s->t[1]));
    h = tg_relu(tg_linear(h, s->t[2], s->t[3]));
    tg_tensor *score = tg_linear(h, s->t[4], s->t[5]);
    tg_tensor *loss = tg_mean(tg_relu(tg_add_scalar(tg_neg(tg_mul(score, s->t[7])), 1)));
    tg_optim_zero_grad(s->optim);
    tg_backward(loss);
    tg_optim_step(s->optim);
}

static void mlp_make(state *s)
{
    layer(s, 0, 784, s->size);
    layer(s, 2, s->size, 10);
    s->t[4] = tg_randn(s->tape, TG_DIMS(64, 784), 0);
    s->t[5] = tg_randint(s->tape, 0, 10, TG_DIMS(64), TG_I64);
    s->optim = tg_sgd(s->tape, s->t, 4, &(tg_sgd_opts){.lr = 0.01, .momentum = 0.9});
}

static void mlp_step(state *s)
{
    tg_tensor *h = tg_relu(tg_linear(s->t[4], s->t[0], s->t[1]));
    tg_tensor *loss = tg_cross_entropy(tg_linear(h, s->t[2], s->t[3]), s->t[5], NULL);
    tg_optim_zero_grad(s->optim);
    tg_backward(loss);
    tg_optim_step(s->optim);
}

/* Logistic regression: 4 features, 3 classes, a batch of `size`. */
static void logistic_make(state *s)
{
    layer(s, 0, 4, 3);
    s->t[2] = tg_randn(s->tape, TG_DIMS(s->size, 4), 0);
    s->t[3] = tg_randint(s->tape, 0, 3, TG_DIMS(s->size), TG_I64);
    s->optim = tg_sgd(s->tape, s->t, 2, &(tg_sgd_opts){.lr = 0.01});
}

static void logistic_step(state *s)
{
    tg_tensor *loss = tg_cross_entropy(tg_linear(s->t[2], s->t[0], s->t[1]), s->t[3], NULL);
    tg_optim_zero_grad(s->optim);
    tg_backward(loss);
    tg_optim_step(s->optim);
}

static void matmul_make(state *s)
{
    for (int i = 0; i < 2; i++)
        s->t[i] = tg_randn(s->tape, TG_DIMS(s->size, s->size), TG_REQUIRES_GRAD);
    s->t[2] = tg_randn(s->tape, TG_DIMS(s->size, s->size), 0);
}

/* Three products: forward, and one for each gradient. */
static void matmul_step(state *s)
{
    tg_zero_grad(s->t[0]);
    tg_zero_grad(s->t[1]);
    tg_backward_with(tg_matmul(s->t[0], s->t[1]), s->t[2], NULL);
}

/* The same onto a third matrix. */
static void addmm_step(state *s)
{
    tg_zero_grad(s->t[0]);
    tg_zero_grad(s->t[1]);
    tg_backward_with(tg_addmm(s->t[2], s->t[0], s->t[1], 1, 1), s->t[2], NULL);
}

static double matmul_work(int64_t n)
{
    return 6e-9 * (double)n * (double)n * (double)n;
}

static void elementwise_make(state *s)
{
    for (int i = 0; i < 3; i++)
        s->t[i] = tg_randn(s->tape, TG_DIMS(s->size), TG_REQUIRES_GRAD);
}

static void elementwise_step(state *s)
{
    for (int i = 0; i < 3; i++)
        tg_zero_grad(s->t[i]);
    tg_backward(tg_sum(tg_relu(tg_add(tg_mul(s->t[0], s->t[1]), s->t[2]))));
}

enum { CHAIN = 1000 };

static void chain_make(state *s)
{
    s->t[0] = tg_ones(s->tape, TG_DIMS(s->size), TG_REQUIRES_GRAD);
}

static tg_tensor *chain(state *s)
{
    tg_tensor *x = s->t[0];
    for (int i = 0; i < CHAIN; i++)
        x = tg_mul_scalar(x, 1.0);
    return x;
}

static void chain_forward_step(state *s)
{
    chain(s);
}

static void chain_both_step(state *s)
{
    tg_zero_grad(s->t[0]);
    tg_backward(tg_sum(chain(s)));
}

static void randn_make(state *s)
{
    s->t[0] = tg_zeros(s->tape, TG_DIMS(s->size), 0);
}

static void randn_step(state *s)
{
    tg_normal_(s->t[0], 0, 1);
}

/* `size` operations and a backward pass through them, on a scalar. */
static void depth_make(state *s)
{
    s->t[0] = tg_ones(s->tape, TG_SCALAR, TG_REQUIRES_GRAD);
}

static void depth_step(state *s)
{
    tg_tensor *x = s->t[0];
    for (int64_t i = 0; i < s->size; i++)
        x = tg_neg(x);
    tg_zero_grad(s->t[0]);
    tg_backward(x);
}

/* --- layers and other operations, forward and backward, on size x size (or as said) --- */

static void square_make(state *s)
{
    s->t[0] = tg_randn(s->tape, TG_DIMS(s->size, s->size), TG_REQUIRES_GRAD);
    s->t[1] = tg_randn(s->tape, TG_DIMS(s->size, s->size), 0);
    s->t[2] = tg_randn(s->tape, TG_DIMS(s->size), 0);
    s->t[3] = tg_randint(s->tape, 0, s->size, TG_DIMS(s->size), TG_I64);
}

/* Backward with a gradient of out's shape. */
static void finish(state *s, tg_tensor *out, tg_tensor *grad)
{
    tg_zero_grad(s->t[0]);
    tg_backward_with(out, grad, NULL);
}

static void exp_step(state *s)
{
    finish(s, tg_exp(s->t[0]), s->t[1]);
}

static void tanh_step(state *s)
{
    finish(s, tg_tanh(s->t[0]), s->t[1]);
}

static void gelu_step(state *s)
{
    finish(s, tg_gelu(s->t[0]), s->t[1]);
}

#define STEP(name, call)                                                                           \
    static void name##_step(state *s)                                                              \
    {                                                                                              \
        finish(s, call, s->t[1]);                                                                  \
    }

STEP(mish, tg_mish(s->t[0]))
STEP(hardswish, tg_hardswish(s->t[0]))
STEP(tan, tg_tan(s->t[0]))
STEP(atan, tg_atan(s->t[0]))
STEP(remainder, tg_remainder(s->t[0], s->t[1]))
STEP(rms_norm, tg_rms_norm(s->t[0], 1, (int64_t[]){s->size}, NULL, 0))
STEP(normalize, tg_normalize(s->t[0], 2, 1, 0))
STEP(einsum, tg_einsum("ij,kj->ik", s->t[0], s->t[1]))

static void softmax_step(state *s)
{
    finish(s, tg_softmax(s->t[0], 1), s->t[1]);
}

static void layer_norm_step(state *s)
{
    finish(s, tg_layer_norm(s->t[0], 1, (int64_t[]){s->size}, NULL, NULL, 0), s->t[1]);
}

/* 2048 positions in texts of `size`, four heads of 32 numbers. */
static void attention_make(state *s)
{
    const int64_t dims[] = {2048 / s->size, 4, s->size, 32};
    for (int i = 0; i < 4; i++)
        s->t[i] = tg_randn(s->tape, 4, dims, i < 3 ? TG_REQUIRES_GRAD : 0);
}

static void attention_step(state *s)
{
    for (int i = 0; i < 3; i++)
        tg_zero_grad(s->t[i]);
    tg_tensor *y = tg_scaled_dot_product_attention(s->t[0], s->t[1], s->t[2],
                                                   &(tg_attention_opts){.causal = true});
    tg_backward_with(y, s->t[3], NULL);
}

static void sum_rows_step(state *s)
{
    finish(s, tg_sum_dim(s->t[0], 1, false), s->t[2]);
}

static void sum_columns_step(state *s)
{
    finish(s, tg_sum_dim(s->t[0], 0, false), s->t[2]);
}

static void transpose_step(state *s)
{
    finish(s, tg_contiguous(tg_transpose(s->t[0], 0, 1)), s->t[1]);
}

static void embedding_step(state *s)
{
    finish(s, tg_embedding(s->t[0], s->t[3], -1), s->t[1]);
}

/* 32 images of 16 channels, 3x3 windows. */
static void conv_make(state *s)
{
    s->t[0] = tg_randn(s->tape, TG_DIMS(32, 16, s->size, s->size), TG_REQUIRES_GRAD);
    s->t[1] = tg_randn(s->tape, TG_DIMS(32, 16, s->size, s->size), 0);
    s->t[2] = tg_randn(s->tape, TG_DIMS(16, 16, 3, 3), TG_REQUIRES_GRAD);
}

static void conv_step(state *s)
{
    tg_zero_grad(s->t[2]);
    finish(s, tg_conv2d(s->t[0], s->t[2], NULL, &(tg_conv_opts){.padding = {1, 1}}), s->t[1]);
}

/* --- padding, repeating, writing by index, sorting, drawing: forward, and backward from the sum --- */

static void places_make(state *s)
{
    square_make(s);
    s->t[4] = tg_randint(s->tape, 0, s->size, TG_DIMS(s->size, s->size), TG_I64);
    s->t[5] = tg_rand(s->tape, TG_DIMS(s->size, s->size), 0);
    s->t[6] = tg_randn(s->tape, TG_DIMS(s->size), TG_REQUIRES_GRAD);
}

static void sum_up(state *s, tg_tensor *y)
{
    tg_zero_grad(s->t[0]);
    tg_zero_grad(s->t[6]);
    tg_backward(tg_sum(y));
}

static void pad_step(state *s)
{
    sum_up(s, tg_pad(tg_unsqueeze(s->t[0], 0), TG_DIMS(2, 2, 2, 2), TG_PAD_REFLECT, 0));
}

static void roll_step(state *s)
{
    sum_up(s, tg_roll(s->t[0], 1, (int64_t[]){5}, (int64_t[]){1}));
}

static void flip_step(state *s)
{
    sum_up(s, tg_flip(s->t[0], TG_DIMS(1)));
}

static void repeat_step(state *s)
{
    sum_up(s, tg_repeat(s->t[0], TG_DIMS(2, 2)));
}

static void scatter_add_step(state *s)
{
    sum_up(s, tg_scatter_add(s->t[0], 1, s->t[4], s->t[1]));
}

static void index_add_step(state *s)
{
    sum_up(s, tg_index_add(s->t[0], 0, s->t[3], s->t[1]));
}

static void index_step(state *s)
{
    sum_up(s, tg_index(s->t[0], 0, 2, (tg_tensor *[]){s->t[4], s->t[4]}));
}

/* Of ten rows, whose weights are as long as they. */
static tg_tensor *long_norm(const state *s)
{
    tg_tensor *x = tg_reshape(s->t[0], TG_DIMS(10, -1));
    tg_tensor *w = tg_ones(tg_tape_of(x), TG_DIMS(tg_size(x, 1)), TG_REQUIRES_GRAD);
    return tg_layer_norm(x, TG_DIMS(tg_size(x, 1)), w, w, 0);
}

/* Each becomes a row. t: leaf, source, row, places of a row, places, numbers in [0, 1), leaf of a row. */
#define EACH_SUMMED(X)                                                                             \
    X(prod, tg_prod(s->t[0]))                                                                      \
    X(prod_dim, tg_prod_dim(s->t[0], 1, false))                                                    \
    X(floor, tg_floor(s->t[0]))                                                                    \
    X(ceil, tg_ceil(s->t[0]))                                                                      \
    X(round, tg_round(s->t[0]))                                                                    \
    X(trunc, tg_trunc(s->t[0]))                                                                    \
    X(clamp_tensors, tg_clamp_tensors(s->t[0], s->t[1], s->t[5]))                                  \
    X(masked_fill, tg_masked_fill(s->t[0], tg_gt_scalar(s->t[5], 0.5), 1))                         \
    X(softmax_of_20, tg_softmax(tg_reshape(s->t[0], TG_DIMS(-1, 20)), 1))                          \
    X(log_softmax_of_20, tg_log_softmax(tg_reshape(s->t[0], TG_DIMS(-1, 20)), 1))                  \
    X(layer_norm_10_rows, long_norm(s))                                                            \
    X(scatter, tg_scatter(s->t[0], 1, s->t[4], s->t[1]))                                           \
    X(index_copy, tg_index_copy(s->t[0], 0, s->t[3], s->t[1]))                                     \
    X(diagonal, tg_diagonal(s->t[0], 0, 0, 1))                                                     \
    X(hardtanh, tg_hardtanh(s->t[0], -1, 1))                                                       \
    X(relu6, tg_relu6(s->t[0]))                                                                    \
    X(hardsigmoid, tg_hardsigmoid(s->t[0]))                                                        \
    X(selu, tg_selu(s->t[0]))                                                                      \
    X(celu, tg_celu(s->t[0], 1))                                                                   \
    X(softsign, tg_softsign(s->t[0]))                                                              \
    X(glu, tg_glu(s->t[0], 1))                                                                     \
    X(cosine_similarity, tg_cosine_similarity(s->t[0], s->t[1], 1, 0))                             \
    X(outer, tg_outer(s->t[6], s->t[2]))                                                           \
    X(asinh, tg_asinh(s->t[0]))                                                                    \
    X(sinh, tg_sinh(s->t[0]))                                                                      \
    X(cosh, tg_cosh(s->t[0]))                                                                      \
    X(log2, tg_log2(tg_abs(s->t[0])))                                                              \
    X(log10, tg_log10(tg_abs(s->t[0])))                                                            \
    X(exp2, tg_exp2(s->t[0]))                                                                      \
    X(atan2, tg_atan2(s->t[0], s->t[1]))                                                           \
    X(logaddexp, tg_logaddexp(s->t[0], s->t[1]))                                                   \
    X(lerp, tg_lerp(s->t[0], s->t[1], s->t[5]))                                                    \
    X(norm_0, tg_norm_dims(s->t[0], 0, 1, (int64_t[]){1}, false))                                  \
    X(hinge_embedding_loss, tg_hinge_embedding_loss(s->t[0], tg_sign(s->t[1]), 1, TG_MEAN))        \
    X(soft_margin_loss, tg_soft_margin_loss(s->t[0], s->t[1], TG_MEAN))                            \
    X(multi_margin_loss, tg_multi_margin_loss(s->t[0], s->t[3], NULL))                             \
    X(poisson_nll_loss, tg_poisson_nll_loss(s->t[0], s->t[5], NULL))                               \
    X(gaussian_nll_loss, tg_gaussian_nll_loss(s->t[0], s->t[1], s->t[5], NULL))                    \
    X(triplet_margin_loss, tg_triplet_margin_loss(s->t[0], s->t[1], s->t[5], NULL))
#define SUMMED_STEP(name, call)                                                                    \
    static void name##_step(state *s)                                                              \
    {                                                                                              \
        sum_up(s, call);                                                                           \
    }
#define SUMMED_ROW(name, call) {#name, places_make, name##_step, NULL, "us", {1000}},
EACH_SUMMED(SUMMED_STEP)

/* A million numbers in rows of `size`: leaf, classes, and what goes up for results of as many and of one a row. */
static void short_make(state *s, int dtype)
{
    const int64_t rows = 1000000 / s->size;
    s->t[0] = tg_randn(s->tape, TG_DIMS(rows, s->size), dtype | TG_REQUIRES_GRAD);
    s->t[1] = tg_randint(s->tape, 0, s->size, TG_DIMS(rows), TG_I64);
    s->t[2] = tg_randn(s->tape, TG_DIMS(rows, s->size), dtype);
    s->t[3] = tg_randn(s->tape, TG_DIMS(rows), dtype);
}

static void short_f32_make(state *s)
{
    short_make(s, TG_F32);
}

static void short_f64_make(state *s)
{
    short_make(s, TG_F64);
}

/* Each becomes two rows. */
#define EACH_SHORT(X)                                                                              \
    X(softmax, tg_softmax(s->t[0], 1))                                                             \
    X(log_softmax, tg_log_softmax(s->t[0], 1))                                                     \
    X(layer_norm, tg_layer_norm(s->t[0], 1, &s->size, NULL, NULL, 0))                              \
    X(sum, tg_sum_dim(s->t[0], 1, false))                                                          \
    X(cross_entropy, tg_cross_entropy(s->t[0], s->t[1], NULL))
#define SHORT_STEP(name, call)                                                                     \
    static void short_##name##_step(state *s)                                                      \
    {                                                                                              \
        tg_zero_grad(s->t[0]);                                                                     \
        tg_tensor *y = call;                                                                       \
        tg_backward_with(y, tg_ndim(y) == 0 ? NULL : s->t[tg_ndim(y) == 1 ? 3 : 2], NULL);         \
    }
#define SHORT_ROW(name, call)                                                                      \
    {"short_" #name, short_f32_make, short_##name##_step, NULL, "us", {10, 20, 32}},               \
        {"short_f64_" #name, short_f64_make, short_##name##_step, NULL, "us", {10, 20, 32}},
EACH_SHORT(SHORT_STEP)

static void sort_step(state *s)
{
    sum_up(s, tg_sort(s->t[0], 1, false));
}

static void topk_step(state *s)
{
    sum_up(s, tg_topk(s->t[0], 10, 1, true));
}

static void masked_select_step(state *s)
{
    sum_up(s, tg_masked_select(s->t[0], tg_gt_scalar(s->t[0], 0)));
}

static void cumprod_step(state *s)
{
    sum_up(s, tg_cumprod(s->t[0], 1));
}

static void multinomial_step(state *s)
{
    tg_multinomial(s->t[5], 1, false);
}

static void bernoulli_step(state *s)
{
    tg_bernoulli(s->t[5]);
}

/* Images of 16 channels made twice as large, two ways, and averaged to 7 x 7. */
static void grow_make(state *s)
{
    s->t[0] = tg_randn(s->tape, TG_DIMS(32, 16, s->size, s->size), TG_REQUIRES_GRAD);
    s->t[1] = tg_randn(s->tape, TG_DIMS(32, 16, 2 * s->size, 2 * s->size), 0);
    s->t[2] = tg_randn(s->tape, TG_DIMS(16, 16, 2, 2), TG_REQUIRES_GRAD);
    s->t[3] = tg_randn(s->tape, TG_DIMS(16), TG_REQUIRES_GRAD);
    s->t[4] = tg_randn(s->tape, TG_DIMS(16), TG_REQUIRES_GRAD);
    s->t[5] = tg_randn(s->tape, TG_DIMS(32, 16, s->size, s->size), 0);
}

static void conv_transpose_step(state *s)
{
    tg_zero_grad(s->t[2]);
    tg_conv_transpose_opts o = {.stride = {2}};
    finish(s, tg_conv_transpose2d(s->t[0], s->t[2], NULL, &o), s->t[1]);
}

static void interpolate_step(state *s)
{
    tg_interpolate_opts o = {.scale = {2}, .mode = TG_LINEAR};
    finish(s, tg_interpolate(s->t[0], &o), s->t[1]);
}

/* As many images as are normalised: the gradient has their shape. */
static void finish_norm(state *s, tg_tensor *y)
{
    for (int i = 3; i < 5; i++)
        tg_zero_grad(s->t[i]);
    finish(s, y, s->t[5]);
}

static void group_norm_step(state *s)
{
    finish_norm(s, tg_group_norm(s->t[0], 4, s->t[3], s->t[4], 0));
}

static void instance_norm_step(state *s)
{
    finish_norm(s, tg_instance_norm(s->t[0], s->t[3], s->t[4], 0));
}

/* Distances of so many rows of 64. */
static void pairs_make(state *s)
{
    for (int i = 0; i < 2; i++)
        s->t[i] = tg_randn(s->tape, TG_DIMS(s->size, 64), TG_REQUIRES_GRAD);
    s->t[2] = tg_randn(s->tape, TG_DIMS(s->size, s->size), 0);
}

static void cdist_step(state *s)
{
    tg_zero_grad(s->t[1]);
    finish(s, tg_cdist(s->t[0], s->t[1], 2), s->t[2]);
}

/* 16 products of square matrices, onto others. */
static void batches_make(state *s)
{
    for (int i = 0; i < 3; i++)
        s->t[i] = tg_randn(s->tape, TG_DIMS(16, s->size, s->size), i < 2 ? TG_REQUIRES_GRAD : 0);
}

static void baddbmm_step(state *s)
{
    tg_zero_grad(s->t[1]);
    finish(s, tg_baddbmm(s->t[2], s->t[0], s->t[1], 1, 1), s->t[2]);
}

static void adaptive_make(state *s)
{
    s->t[0] = tg_randn(s->tape, TG_DIMS(32, 16, s->size, s->size), TG_REQUIRES_GRAD);
    s->t[1] = tg_randn(s->tape, TG_DIMS(32, 16, 7, 7), 0);
}

static void adaptive_step(state *s)
{
    finish(s, tg_adaptive_avg_pool2d(s->t[0], 7, 7), s->t[1]);
}

/* A step of an optimiser over so many elements; each becomes a row, by the options that have loops of their own. */
#define EACH_UPDATE(X)                                                                             \
    X(step_sgd, tg_sgd, tg_sgd_opts, .lr = 0.01, .momentum = 0.9, .nesterov = true)                \
    X(step_adam, tg_adam, tg_adam_opts, .lr = 0.001)                                               \
    X(step_amsgrad, tg_adam, tg_adam_opts, .amsgrad = true, .weight_decay = 0.01)                  \
    X(step_rmsprop, tg_rmsprop, tg_rmsprop_opts, .centered = true, .momentum = 0.9)                \
    X(step_adagrad, tg_adagrad, tg_adagrad_opts, .lr = 0.01)                                       \
    X(step_nadam, tg_nadam, tg_nadam_opts, .lr = 0.001)                                            \
    X(step_radam, tg_radam, tg_radam_opts, .lr = 0.001)                                            \
    X(step_adamax, tg_adamax, tg_adamax_opts, .lr = 0.001)                                         \
    X(step_adadelta, tg_adadelta, tg_adadelta_opts, .lr = 1)

#define UPDATE_MAKE(name, optimiser, options, ...)                                                 \
    static void name##_make(state *s)                                                              \
    {                                                                                              \
        s->t[0] = tg_randn(s->tape, TG_DIMS(s->size), TG_REQUIRES_GRAD);                           \
        tg_backward(tg_sum(tg_square(s->t[0])));                                                   \
        s->optim = optimiser(s->tape, s->t, 1, &(options){__VA_ARGS__});                           \
    }
#define UPDATE_ROW(name, ...) {#name, name##_make, update_step, NULL, "us", {100000}},
EACH_UPDATE(UPDATE_MAKE)

static void update_step(state *s)
{
    tg_optim_step(s->optim);
}

static double logits(int64_t classes)
{
    return 1e-6 * (double)(classes > 60000 ? 256 : 1024) * (double)classes;
}

static double millions(int64_t n)
{
    return 1e-6 * (double)n;
}

static const row rows[] = {
    {"W1_cross_entropy_3", cross_entropy_make, cross_entropy_step, NULL, "us", {5}},
    {"W1_replayed", cross_entropy_make, cross_entropy_step, NULL, "us", {5}},
    {"W2_mlp_hinge", hinge_make, hinge_step, NULL, "us", {16, 64, 256}},
    {"W2_replayed", hinge_make, hinge_step, NULL, "us", {16, 64, 256}},
    {"logistic_4_3", logistic_make, logistic_step, NULL, "us", {32}},
    {"logistic_replayed", logistic_make, logistic_step, NULL, "us", {32}},
    {"W3_mlp_784_10", mlp_make, mlp_step, NULL, "us", {128, 16, 32, 512, 2048}},
    {"W3_replayed", mlp_make, mlp_step, NULL, "us", {128}},
    {"W4_cross_entropy",
     cross_entropy_make,
     cross_entropy_step,
     NULL,
     "us",
     {50257, 2, 10, 100, 1000, 10000, 250000}},
    {"W4_rate",
     cross_entropy_make,
     cross_entropy_step,
     logits,
     "Mlogits/s",
     {1000, 10000, 50257, 250000}},
    {"linear_cross_entropy", head_make, head_step, NULL, "us", {32000}},
    {"linear_cross_entropy_memory", head_make, head_step, NULL, "MiB", {32000}},
    {"linear_then_cross_entropy", head_make, composed_head_step, NULL, "us", {32000}},
    {"linear_then_cross_entropy_memory", head_make, composed_head_step, NULL, "MiB", {32000}},
    {"W5_matmul",
     matmul_make,
     matmul_step,
     matmul_work,
     "GFLOP/s",
     {1024, 4, 8, 16, 32, 64, 128, 256, 512, 2048}},
    {"addmm", matmul_make, addmm_step, NULL, "us", {256, 64, 1000}},
    {"W6_elementwise",
     elementwise_make,
     elementwise_step,
     NULL,
     "us",
     {10000000, 10, 1000, 100000, 1000000, 100000000}},
    {"W7_chain_forward", chain_make, chain_forward_step, NULL, "us", {8}},
    {"W7_chain_both", chain_make, chain_both_step, NULL, "us", {8}},
    {"W7_depth", depth_make, depth_step, millions, "Mops/s", {10, 1000, 100000, 10000000}},
    {"W8_randn", randn_make, randn_step, millions, "M/s", {1000000, 10, 1000, 10000000}},
    {"exp", square_make, exp_step, NULL, "us", {1000}},
    {"tanh", square_make, tanh_step, NULL, "us", {1000}},
    {"gelu", square_make, gelu_step, NULL, "us", {1000}},
    {"mish", square_make, mish_step, NULL, "us", {1000}},
    {"hardswish", square_make, hardswish_step, NULL, "us", {1000}},
    {"tan", square_make, tan_step, NULL, "us", {1000}},
    {"atan", square_make, atan_step, NULL, "us", {1000}},
    {"remainder", square_make, remainder_step, NULL, "us", {1000}},
    {"rms_norm", square_make, rms_norm_step, NULL, "us", {1000}},
    {"normalize", square_make, normalize_step, NULL, "us", {1000}},
    {"einsum", square_make, einsum_step, NULL, "us", {1000}},
    {"softmax", square_make, softmax_step, NULL, "us", {1000}},
    {"layer_norm", square_make, layer_norm_step, NULL, "us", {1000}},
    {"attention_causal", attention_make, attention_step, NULL, "us", {128, 16, 1024, 2048}},
    {"sum_rows", square_make, sum_rows_step, NULL, "us", {1000}},
    {"sum_columns", square_make, sum_columns_step, NULL, "us", {1000}},
    {"transpose", square_make, transpose_step, NULL, "us", {1000}},
    {"embedding", square_make, embedding_step, NULL, "us", {1000}},
    {"conv2d", conv_make, conv_step, NULL, "us", {28}},
    {"pad_reflect", places_make, pad_step, NULL, "us", {1000}},
    {"roll", places_make, roll_step, NULL, "us", {1000}},
    {"flip", places_make, flip_step, NULL, "us", {1000}},
    {"repeat", places_make, repeat_step, NULL, "us", {1000}},
    {"scatter_add", places_make, scatter_add_step, NULL, "us", {1000}},
    {"index_add", places_make, index_add_step, NULL, "us", {1000}},
    {"index", places_make, index_step, NULL, "us", {1000}},
    {"sort", places_make, sort_step, NULL, "us", {1000}},
    {"topk", places_make, topk_step, NULL, "us", {1000}},
    {"masked_select", places_make, masked_select_step, NULL, "us", {1000}},
    {"cumprod", places_make, cumprod_step, NULL, "us", {1000}},
    {"multinomial", places_make, multinomial_step, NULL, "us", {1000}},
    {"bernoulli", places_make, bernoulli_step, NULL, "us", {1000}},
    EACH_SHORT(SHORT_ROW)
        EACH_SUMMED(SUMMED_ROW){"group_norm", grow_make, group_norm_step, NULL, "us", {28}},
    {"instance_norm", grow_make, instance_norm_step, NULL, "us", {28}},
    {"cdist", pairs_make, cdist_step, NULL, "us", {128}},
    {"baddbmm", batches_make, baddbmm_step, NULL, "us", {128, 32}},
    {"conv_transpose2d", grow_make, conv_transpose_step, NULL, "us", {14}},
    {"interpolate", grow_make, interpolate_step, NULL, "us", {14}},
    EACH_UPDATE(UPDATE_ROW){"adaptive_avg_pool2d", adaptive_make, adaptive_step, NULL, "us", {30}},
};

static void turn(void *context)
{
    state *s = (state *)context;
    if (s->capture) {
        tg_capture_replay(s->capture);
        return;
    }
    tg_tape_rewind(s->tape, s->mark);
    s->row->step(s);
}

static void *counted_alloc(void *context, size_t size)
{
    *(size_t *)context += size;
    return malloc(size);
}

static void counted_free(void *context, void *memory, size_t size)
{
    *(size_t *)context -= size;
    free(memory);
}

/* A tape gives nothing back before its end, so that what it holds is the most it ever held. */
static double memory(state *s, const size_t *bytes)
{
    size_t before = *bytes;
    for (int i = 0; i < 2; i++)
        turn(s);
    return (double)(*bytes - before) / (1 << 20);
}

static void print_row(const state *s, timing t)
{
    const row *r = s->row;
    if (tg_error(s->tape)) {
        printf("%s/%lld: %s\n", r->name, (long long)s->size, tg_error_message(s->tape));
    } else {
        double work = r->work ? r->work(s->size) : 0;
        printf("%s/%lld %.6g %.6g %s %d\n", r->name, (long long)s->size,
               work > 0 ? work / t.median : t.median * 1e6,
               work > 0 ? work / t.least : t.least * 1e6, r->unit, t.samples);
    }
    fflush(stdout);
}

static void run(const row *r, int64_t size)
{
    size_t bytes = 0;
    tg_tape_opts opts = {.alloc = counted_alloc, .free = counted_free, .context = &bytes};
    state s = {.row = r, .tape = tg_tape_new(&opts), .size = size};
    r->make(&s);
    s.mark = tg_tape_mark(s.tape);
    if (strstr(r->name, "_replayed")) {
        s.capture = tg_capture_begin(s.tape);
        r->step(&s);
        tg_capture_end(s.capture);
    }
    timing t;
    if (strcmp(r->unit, "MiB")) {
        t = time_turns(turn, &s);
    } else {
        double as_time = memory(&s, &bytes) * 1e-6; /* as a time is printed */
        t = (timing){as_time, as_time, 1};
    }
    print_row(&s, t);
    tg_tape_free(s.tape);
}

/* By the beginning of its name or, where a size is given, the whole name. */
static bool chosen(const char *name, int n, char *const *prefixes)
{
    for (int i = 0; i < n; i++) {
        if (strchr(prefixes[i], '/') ? !strcmp(name, prefixes[i])
                                     : !strncmp(name, prefixes[i], strlen(prefixes[i])))
            return true;
    }
    return n == 0;
}

int main(int argc, char **argv)
{
    bool list = argc == 2 && !strcmp(argv[1], "--list");
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        for (int k = 0; k < 12 && rows[i].sizes[k]; k++) {
            char name[64];
            snprintf(name, sizeof name, "%s/%lld", rows[i].name, (long long)rows[i].sizes[k]);
            if (list)
                puts(name);
            else if (chosen(name, argc - 1, argv + 1))
                run(&rows[i], rows[i].sizes[k]);
        }
    }
    return 0;
}

/* SPDX-License-Identifier: MIT */
/** @file nn.h
 * What networks are made of: activations, layers, losses, initialisers; and layers that make their
 * parameters. */
#ifndef TINYGRAD_NN_H
#define TINYGRAD_NN_H

#include <tinygrad/core.h>

#ifdef __cplusplus
extern "C" {
#endif

/** @defgroup tinygrad_activations Activations
 * @ingroup tinygrad_nn
 * Elementwise, of float tensors.
 * @{ */

/** x where x > 0, else slope * x; gradient slope at 0. */
TG_API tg_tensor *tg_leaky_relu(tg_tensor *x, double slope);
/** As tg_leaky_relu() with a learned slope: weight (1), or (C) along dim 1 of x (dim 0 where x is
 * 1-d). */
TG_API tg_tensor *tg_prelu(tg_tensor *x, tg_tensor *weight);
/** x where x > 0, else alpha (e^x - 1). */
TG_API tg_tensor *tg_elu(tg_tensor *x, double alpha);
/** x times the normal distribution function: x / 2 (1 + erf(x / sqrt(2))). */
TG_API tg_tensor *tg_gelu(tg_tensor *x);
/** The same by tanh: x / 2 (1 + tanh(sqrt(2 / pi) (x + 0.044715 x^3))). */
TG_API tg_tensor *tg_gelu_tanh(tg_tensor *x);
/** x sigmoid(x). */
TG_API tg_tensor *tg_silu(tg_tensor *x);
/** log(1 + e^x), and x itself above 20, as PyTorch's defaults. */
TG_API tg_tensor *tg_softplus(tg_tensor *x);
/** log(sigmoid(x)), accurate everywhere. */
TG_API tg_tensor *tg_logsigmoid(tg_tensor *x);
/** min(max(x, low), high), low <= high (TG_EVALUE); gradient 0 at both bounds, where tg_clamp() has 1. */
TG_API tg_tensor *tg_hardtanh(tg_tensor *x, double low, double high);
/** tg_hardtanh() from 0 to 6. */
TG_API tg_tensor *tg_relu6(tg_tensor *x);
/** min(max(x + 3, 0), 6) / 6; gradient 0 at -3 and 3. */
TG_API tg_tensor *tg_hardsigmoid(tg_tensor *x);
/** x times that; gradient 0 at -3, 1 at 3. */
TG_API tg_tensor *tg_hardswish(tg_tensor *x);
/** 1.0507... times tg_elu() of alpha 1.6732.... Klambauer et al., 2017. */
TG_API tg_tensor *tg_selu(tg_tensor *x);
/** x where x > 0, else alpha (e^(x / alpha) - 1). TG_EVALUE: alpha 0. */
TG_API tg_tensor *tg_celu(tg_tensor *x, double alpha);
/** x tanh(log(1 + e^x)); float64 within 2 ulp. */
TG_API tg_tensor *tg_mish(tg_tensor *x);
/** x / (1 + |x|). Integers give float32. */
TG_API tg_tensor *tg_softsign(tg_tensor *x);
/** log(1 + e^(beta x)) / beta, and x itself where beta x > threshold: PyTorch's softplus with both of
 * its options; its defaults, 1 and 20, are tg_softplus(). */
TG_API tg_tensor *tg_softplus_with(tg_tensor *x, double beta, double threshold);
/** The first half of x along dim times the sigmoid of the second. TG_ESHAPE: an odd size. */
TG_API tg_tensor *tg_glu(tg_tensor *x, int dim);

/** @}
 * @defgroup tinygrad_layers Layers
 * @ingroup tinygrad_nn
 * Functions that layers are made of. Float dtypes; all inputs of one dtype (TG_EDTYPE).
 * @{ */

/** Options of tg_scaled_dot_product_attention(). */
typedef struct tg_attention_opts {
    tg_tensor
        *mask;    /**< bool (true: attend) or float (added to scores); broadcasts to (..., L, S) */
    bool causal;  /**< position i attends to 0 to i only; not together with mask (TG_EVALUE) */
    double scale; /**< of the scores; 0 means 1 / sqrt(E) */
} tg_attention_opts;
/** softmax(q k^T scale) v: q (..., L, E), k (..., S, E), v (..., S, Ev); result (..., L, Ev), with the
 * batch dims of all inputs broadcast. A query that the mask lets see nothing gets zeros. The bits are
 * those of tg_matmul() and tg_softmax(), but the weights (..., L, S) are never held: memory grows with
 * L + S, in both directions, unless a float mask requires its gradient or create_graph is asked for.
 * Dao et al., FlashAttention, 2022. */
TG_API tg_tensor *tg_scaled_dot_product_attention(tg_tensor *q, tg_tensor *k, tg_tensor *v,
                                                  const tg_attention_opts *opts);

/** Options of the convolutions; zero means the default. The second entry is for the second dim
 * (width) of 2-d; where it is 0, stride and dilation take the first one's value. */
typedef struct tg_conv_opts {
    int64_t stride[2];   /**< default 1 */
    int64_t padding[2];  /**< zeros on both sides; default 0 */
    int64_t dilation[2]; /**< default 1 */
    int64_t groups;      /**< default 1; divides both channel counts */
} tg_conv_opts;
/** Cross-correlation: x (N, C, L) or (C, L), weight (O, C / groups, K), bias (O) or NULL; result
 * (N, O, Lout), Lout = (L + 2 padding - dilation (K - 1) - 1) / stride + 1. TG_ESHAPE where Lout
 * < 1. */
TG_API tg_tensor *tg_conv1d(tg_tensor *x, tg_tensor *weight, tg_tensor *bias,
                            const tg_conv_opts *opts);
/** The same in two dims: x (N, C, H, W) or (C, H, W), weight (O, C / groups, KH, KW). */
TG_API tg_tensor *tg_conv2d(tg_tensor *x, tg_tensor *weight, tg_tensor *bias,
                            const tg_conv_opts *opts);

/** Options of the transposed convolutions; second entries as in tg_conv_opts. */
typedef struct tg_conv_transpose_opts {
    int64_t stride[2];         /**< default 1 */
    int64_t padding[2];        /**< taken off on both sides; default 0 */
    int64_t output_padding[2]; /**< added at the end; below stride or dilation (TG_EVALUE) */
    int64_t dilation[2];       /**< default 1 */
    int64_t groups;            /**< default 1; divides C */
} tg_conv_transpose_opts;
/** What tg_conv1d() does to the gradient of its result: x (N, C, L) or (C, L), weight (C, O / groups, K),
 * bias (O) or NULL; result (N, O, Lout), Lout = (L - 1) stride - 2 padding + dilation (K - 1) +
 * output_padding + 1. TG_ESHAPE where Lout < 1. */
TG_API tg_tensor *tg_conv_transpose1d(tg_tensor *x, tg_tensor *weight, tg_tensor *bias,
                                      const tg_conv_transpose_opts *opts);
/** The same in two dims: x (N, C, H, W) or (C, H, W), weight (C, O / groups, KH, KW). */
TG_API tg_tensor *tg_conv_transpose2d(tg_tensor *x, tg_tensor *weight, tg_tensor *bias,
                                      const tg_conv_transpose_opts *opts);

/** Options of the poolings; the second entries as in tg_conv_opts. */
typedef struct tg_pool_opts {
    int64_t kernel[2];   /**< window; required */
    int64_t stride[2];   /**< default: the window */
    int64_t padding[2];  /**< at most half the window */
    int64_t dilation[2]; /**< default 1; max pooling only */
} tg_pool_opts;
/** The largest of each window of (N, C, L) or (C, L); the first of equals gets the gradient, nan
 * wins (the first of several; PyTorch: the last). The padding is never chosen. Keeps four bytes for
 * each window. TG_EVALUE, too: images of more than 2^31 - 1 elements each. */
TG_API tg_tensor *tg_max_pool1d(tg_tensor *x, const tg_pool_opts *opts);
/** The largest of each window of (N, C, H, W) or (C, H, W). */
TG_API tg_tensor *tg_max_pool2d(tg_tensor *x, const tg_pool_opts *opts);
/** The mean of each window (padding counts, as by PyTorch's default). */
TG_API tg_tensor *tg_avg_pool1d(tg_tensor *x, const tg_pool_opts *opts);
/** The mean of each window in two dims. */
TG_API tg_tensor *tg_avg_pool2d(tg_tensor *x, const tg_pool_opts *opts);

/** Options of the poolings' longer forms: those of tg_pool_opts, and more. */
typedef struct tg_pool_more_opts {
    int64_t kernel[2];   /**< window; required */
    int64_t stride[2];   /**< default: the window */
    int64_t padding[2];  /**< at most half the window */
    int64_t dilation[2]; /**< default 1; max pooling only */
    /** A last window may stick out at the end, but begins before the padding there. */
    bool ceil_mode;
    /** Average pooling: divide by elements of x alone (count_include_pad=False). */
    bool exclude_padding;
    /** Average pooling: what sums are divided by; 0: the number of elements. */
    int64_t divisor;
    /** Max pooling: gets where the results stand in their planes (int64, of the result's shape), looked
     * for once more, -1 for a window that the padding alone makes; NULL: none. */
    tg_tensor **indices;
} tg_pool_more_opts;
/** tg_max_pool1d() with more options. TG_EVALUE, too: options of average pooling. */
TG_API tg_tensor *tg_max_pool1d_with(tg_tensor *x, const tg_pool_more_opts *opts);
/** tg_max_pool2d() with more options. */
TG_API tg_tensor *tg_max_pool2d_with(tg_tensor *x, const tg_pool_more_opts *opts);
/** tg_avg_pool1d() with more options. TG_EVALUE, too: indices. */
TG_API tg_tensor *tg_avg_pool1d_with(tg_tensor *x, const tg_pool_more_opts *opts);
/** tg_avg_pool2d() with more options. */
TG_API tg_tensor *tg_avg_pool2d_with(tg_tensor *x, const tg_pool_more_opts *opts);

/** For a size: as x has it. */
#define TG_KEEP_SIZE (-1)
/** nn.AdaptiveAvgPool1d: the means of `size` windows of (N, C, L) or (C, L), number i from i L / size
 * rounded down to (i + 1) L / size rounded up. TG_EVALUE: size < 1. */
TG_API tg_tensor *tg_adaptive_avg_pool1d(tg_tensor *x, int64_t size);
/** The same in both dims of (N, C, H, W) or (C, H, W). */
TG_API tg_tensor *tg_adaptive_avg_pool2d(tg_tensor *x, int64_t height, int64_t width);

/** How tg_interpolate() does it: the nearest element; mixing the two, or four, around. */
typedef enum tg_interpolation { TG_NEAREST = 0, TG_LINEAR } tg_interpolation;
/** Options of tg_interpolate(): either size or scale, of which the second entry is for the width of 2-d
 * images; where it is 0, as the first. Where a scale leaves the size as it is, or nearest elements
 * of 2-d images double it, places are by the sizes; nearest ones of 1-d never: PyTorch's rule. */
typedef struct tg_interpolate_opts {
    int64_t size[2]; /**< of the result */
    double scale[2]; /**< the size is that of x times this, rounded down; places are by the scale */
    tg_interpolation mode; /**< default TG_NEAREST; TG_LINEAR is 2-d images' "bilinear" */
    bool align_corners;    /**< TG_LINEAR: the first and last elements stay first and last */
} tg_interpolate_opts;
/** torch.nn.functional.interpolate: x (N, C, L) or (N, C, H, W) at another size. TG_EVALUE: neither or
 * both of size and scale; a size below 1. */
TG_API tg_tensor *tg_interpolate(tg_tensor *x, const tg_interpolate_opts *opts);

/** In training, zeroes each element with probability p and scales the others by 1 / (1 - p); else
 * x itself. The mask is PyTorch's (builds without MKL's generator): 53-bit draws in row-major
 * order. Recorded: a replay draws again. TG_EVALUE: p outside [0, 1]. */
TG_API tg_tensor *tg_dropout(tg_tensor *x, double p, bool training);
/** (x - mean) / sqrt(variance + eps) over the last dims, those of weight's shape (n, dims give it:
 * TG_DIMS(d)), times weight plus bias (each may be NULL). The variance is biased. eps 0 means 1e-5
 * (TG_ZERO: 0). float32 is computed in double and rounded once. Backward reads x, weight and two
 * doubles for each row, not the result. TG_ESHAPE: x does not end in dims, or weight or bias is not
 * of that shape. TG_EVALUE: eps < 0. */
TG_API tg_tensor *tg_layer_norm(tg_tensor *x, int n, const int64_t *dims, tg_tensor *weight,
                                tg_tensor *bias, double eps);
/** Normalises each of so many equal groups of the channels of x (N, C, ...) as tg_layer_norm() does rows,
 * then scales and shifts channels by weight and bias (C), which may be NULL. eps as there. TG_EVALUE:
 * groups that do not divide C; one value a group and sample, as PyTorch has it. */
TG_API tg_tensor *tg_group_norm(tg_tensor *x, int64_t groups, tg_tensor *weight, tg_tensor *bias,
                                double eps);
/** The same for each channel by itself. TG_EVALUE: one value a channel. */
TG_API tg_tensor *tg_instance_norm(tg_tensor *x, tg_tensor *weight, tg_tensor *bias, double eps);
/** x / sqrt(mean of x^2 + eps) over the last dims, those of weight's shape, as in tg_layer_norm(), times
 * weight, which may be NULL. eps 0 means the dtype's, 1.2e-7 or 2.2e-16 (TG_ZERO: 0). */
TG_API tg_tensor *tg_rms_norm(tg_tensor *x, int n, const int64_t *dims, tg_tensor *weight,
                              double eps);
/** x / max(norm of order p along dim, eps); eps 0 means 1e-12 (TG_ZERO: 0). Errors of tg_norm(). */
TG_API tg_tensor *tg_normalize(tg_tensor *x, double p, int dim, double eps);
/** Sum along dim of a b / (max(|a|, eps) max(|b|, eps)); a and b broadcast. eps 0 means 1e-8 (TG_ZERO:
 * 0); where a norm is less, the gradient is that of the norm, as PyTorch's. */
TG_API tg_tensor *tg_cosine_similarity(tg_tensor *a, tg_tensor *b, int dim, double eps);
/** The distances of order p >= 0 of all rows of a (..., n, d) from all rows of b (..., m, d): (..., n, m); batch
 * dims broadcast. By their differences, which are held: exact for near rows, where a product of matrices is
 * not. Gradient 0 at 0. TG_EVALUE: p < 0. */
TG_API tg_tensor *tg_cdist(tg_tensor *a, tg_tensor *b, double p);
/** The norm of order p of a - b + eps along the last dim; a and b broadcast. eps 0 means 1e-6 (TG_ZERO:
 * 0). */
TG_API tg_tensor *tg_pairwise_distance(tg_tensor *a, tg_tensor *b, double p, double eps,
                                       bool keepdim);
/** Options of tg_batch_norm(); tensors of shape (C) may be NULL. */
typedef struct tg_batch_norm_opts {
    tg_tensor *weight;       /**< scale */
    tg_tensor *bias;         /**< shift */
    tg_tensor *running_mean; /**< updated in training, used in evaluation */
    tg_tensor *running_var;  /**< as running_mean */
    double momentum;         /**< of the update; 0 means 0.1 (TG_ZERO: 0, no update) */
    double eps;              /**< 0 means 1e-5 (TG_ZERO: 0) */
    bool training;           /**< use the batch's statistics */
} tg_batch_norm_opts;
/** Normalises each channel of x (N, C) or (N, C, ...). Training: by the batch's mean and biased
 * variance, and running = (1 - momentum) running + momentum * (mean, unbiased variance).
 * Evaluation: by the running statistics (TG_EVALUE without them). An empty batch gives an empty
 * result and leaves the statistics as they are. TG_EVALUE: training on one value a channel. */
TG_API tg_tensor *tg_batch_norm(tg_tensor *x, const tg_batch_norm_opts *opts);

/** Options of tg_lstm() and tg_gru(); zero means the default. */
typedef struct tg_recurrent_opts {
    int64_t layers;     /**< default 1; each takes the output of the one before */
    bool bidirectional; /**< every layer walks the sequence from its end as well: D is 2, else 1 */
    bool batch_first;   /**< x and output (N, T, ...) instead of (T, N, ...) */
    bool no_bias;       /**< weights without b_ih and b_hh */
    double dropout;     /**< in training, of the input of every layer but the first: tg_dropout() */
    bool training;      /**< whether there is dropout */
    tg_tensor *h0;      /**< (layers * D, N, H), or NULL: zeros */
    tg_tensor *c0;      /**< the same; of an LSTM, which has both or none (TG_EVALUE) */
    tg_tensor *lengths; /**< int64 (N): how many steps of each row count, 1 to T (else TG_EVALUE);
                             NULL: all. As of a packed sequence: the output is 0 from there on, the
                             last states are those at the length */
} tg_recurrent_opts;
/** nn.LSTM: x (T, N, I), or (T, I) for one row without N anywhere; output (T, N, D * H), and the
 * last states h_n and c_n (layers * D, N, H); each may be NULL. `weights` are n tensors, PyTorch's,
 * layer by layer and direction by direction: w_ih (4 H, I), w_hh (4 H, H), b_ih (4 H), b_hh (4 H);
 * rows are the input, forget, cell and output gates'. From the second layer on I is D * H.
 *
 *     c = sigmoid(f) c + sigmoid(i) tanh(g),  h = sigmoid(o) tanh(c)
 *
 * A direction of a layer is one product for all steps' inputs and one operation over the steps; the
 * gradients of weights are one product each. TG_ESHAPE: T of 0, other shapes. TG_EDTYPE: not one
 * float dtype. TG_EVALUE: another number of weights. */
TG_API tg_tensor *tg_lstm(tg_tensor *x, tg_tensor *const *weights, size_t n,
                          const tg_recurrent_opts *opts, tg_tensor **h_n, tg_tensor **c_n);
/** nn.GRU: as tg_lstm() without c; 3 H rows, the reset, update and new gates'.
 *
 *     n = tanh(w_in x + b_in + sigmoid(r) (w_hn h + b_hn)),  h = n + sigmoid(z) (h - n) */
TG_API tg_tensor *tg_gru(tg_tensor *x, tg_tensor *const *weights, size_t n,
                         const tg_recurrent_opts *opts, tg_tensor **h_n);
/** nn.LSTMCell, a step: x (N, I) or (I); h and c (N, H) or (H), or NULL: zeros; biases may both be NULL.
 * Returns the next h, and the next c by c_next, which may be NULL. Weights and errors as of tg_lstm(). */
TG_API tg_tensor *tg_lstm_cell(tg_tensor *x, tg_tensor *h, tg_tensor *c, tg_tensor *w_ih,
                               tg_tensor *w_hh, tg_tensor *b_ih, tg_tensor *b_hh,
                               tg_tensor **c_next);
/** nn.GRUCell: as tg_lstm_cell(). */
TG_API tg_tensor *tg_gru_cell(tg_tensor *x, tg_tensor *h, tg_tensor *w_ih, tg_tensor *w_hh,
                              tg_tensor *b_ih, tg_tensor *b_hh);

/** @}
 * @defgroup tinygrad_class_losses Classification losses
 * @ingroup tinygrad_nn
 * @{ */

/** How a loss is reduced over its positions. */
typedef enum tg_reduction { TG_MEAN = 0, TG_SUM, TG_NONE } tg_reduction;

/** Options of tg_nll_loss(); NULL or zeros are PyTorch's defaults. */
typedef struct tg_nll_opts {
    tg_tensor *weight;      /**< a factor per class, shape (C), the input's dtype; NULL: all 1 */
    tg_reduction reduction; /**< TG_MEAN divides by the sum of the targets' weights */
    bool has_ignore_index;  /**< whether ignore_index is given; else it is -100 */
    int64_t ignore_index;   /**< positions with this target count for nothing */
} tg_nll_opts;
/** Negative log likelihood: -weight[t] * log_probs[t]. log_probs (C), (N, C) or (N, C, d1, ...)
 * of a float dtype; targets int64 of the same shape without C. Result 0-d, or the targets' shape
 * for TG_NONE. The mean over no position (none there, all ignored, or weights that sum to 0) is
 * nan with zero gradients. (PyTorch 2.13 divides by a sum of weights of 0: an infinite loss is
 * possible, and gradients are nan.) TG_EVALUE: a target outside [0, C) that is not ignore_index;
 * a weight that requires grad. */
TG_API tg_tensor *tg_nll_loss(tg_tensor *log_probs, tg_tensor *targets, const tg_nll_opts *opts);

/** Options of tg_cross_entropy(); NULL or zeros are PyTorch's defaults. */
typedef struct tg_ce_opts {
    tg_tensor *weight;      /**< a factor per class, shape (C), the logits' dtype; NULL: all 1 */
    tg_reduction reduction; /**< TG_MEAN: index targets divide by the sum of the targets' weights,
                                 probabilities by the number of positions */
    double label_smoothing; /**< e in [0, 1]: targets become (1 - e) * target + e / C */
    bool has_ignore_index;  /**< whether ignore_index is given; else it is -100 */
    int64_t ignore_index;   /**< index targets: such positions count for nothing. Probability
                                 targets: giving one >= 0 is TG_EVALUE */
} tg_ce_opts;
/** Cross-entropy of raw outputs: nn.CrossEntropyLoss. logits (C), (N, C) or (N, C, d1, ...) of a
 * float dtype. Targets: class indices, int64, the same shape without C; or class probabilities,
 * of the logits' shape and dtype, which may require grad (and so may the weight then).
 *
 * Per position with largest logit m:  loss = sum over c of a_c * ((m - x_c) + log1p(S)),  where a
 * is the weighted, smoothed target and S the sum of e^(x_j - m) over all j but the largest. Terms
 * are kept apart until the end, so that a confident prediction keeps a nonzero loss and gradient
 * where PyTorch's float32 returns 0, and huge logits overflow nothing. float32 is computed in
 * double, float64 in more than that; more accurate than PyTorch on purpose. Rows with infinite or
 * nan logits give what PyTorch gives (inf, or nan for 0 * inf); an ignored position gives loss 0
 * and gradient 0 whatever its logits (PyTorch: gradient nan where they are nan or infinite). Means
 * over nothing as in tg_nll_loss().
 * TG_EVALUE: a target outside [0, C) that is not ignore_index; label_smoothing outside [0, 1];
 * with index targets, a weight that requires grad. */
TG_API tg_tensor *tg_cross_entropy(tg_tensor *logits, tg_tensor *targets, const tg_ce_opts *opts);
/** tg_cross_entropy(tg_linear(x, weight, bias), targets, opts), a classifier's last layer and its
 * loss, without ever holding the logits. x (..., D), weight (V, D), bias (V) or NULL, targets int64
 * (...): the dims of x but the last are positions, all of them (tg_cross_entropy() has its classes
 * second). Float dtypes. Options and accuracy as there, errors as of both, but that targets are
 * classes: probabilities (TG_EDTYPE) would be as large as the logits. Result 0-d, or (...) for
 * TG_NONE. Loss and gradients have the bits of the composition, but in builds with a CBLAS.
 *
 * Logits are made a few rows at a time and, in the backward pass, once more, a few classes at a
 * time: four matrix products instead of three. In float32 that takes 11 MiB (or 42 rows of logits,
 * where those are more), 2.3 MiB a thread and 64 bytes a position beside the gradients, of which the
 * weight's is made in place where it is a leaf's first one. With create_graph the backward pass
 * does hold logits and their gradient. */
TG_API tg_tensor *tg_linear_cross_entropy(tg_tensor *x, tg_tensor *weight, tg_tensor *bias,
                                          tg_tensor *targets, const tg_ce_opts *opts);

/** @}
 * @defgroup tinygrad_losses Losses
 * @ingroup tinygrad_nn
 * Of predictions x and targets t of one shape and float dtype (TG_ESHAPE, TG_EDTYPE; PyTorch warns
 * and broadcasts). The result is 0-d, or x's shape for TG_NONE. The mean over nothing is nan.
 * @{ */

/** (x - t)^2. */
TG_API tg_tensor *tg_mse_loss(tg_tensor *x, tg_tensor *t, tg_reduction reduction);
/** |x - t|; gradient 0 where they are equal. */
TG_API tg_tensor *tg_l1_loss(tg_tensor *x, tg_tensor *t, tg_reduction reduction);
/** (x - t)^2 / (2 beta) where |x - t| < beta, else |x - t| - beta / 2. beta >= 0; 0 is
 * tg_l1_loss(). */
TG_API tg_tensor *tg_smooth_l1_loss(tg_tensor *x, tg_tensor *t, double beta,
                                    tg_reduction reduction);
/** (x - t)^2 / 2 where |x - t| <= delta, else delta (|x - t| - delta / 2). delta > 0. */
TG_API tg_tensor *tg_huber_loss(tg_tensor *x, tg_tensor *t, double delta, tg_reduction reduction);
/** Binary cross-entropy of probabilities: -(t log x + (1 - t) log(1 - x)), logarithms no lower
 * than -100; times weight (may be NULL; broadcasts). Gradient (x - t) / max(x (1 - x), 1e-12).
 * TG_EVALUE: an x outside [0, 1]. */
TG_API tg_tensor *tg_bce_loss(tg_tensor *x, tg_tensor *t, tg_tensor *weight,
                              tg_reduction reduction);
/** Options of tg_bce_with_logits_loss(). */
typedef struct tg_bce_opts {
    tg_tensor *weight;      /**< a factor of each element; broadcasts to x; NULL: 1 */
    tg_tensor *pos_weight;  /**< a factor of the positive term; broadcasts to x; NULL: 1 */
    tg_reduction reduction; /**< of the elements */
} tg_bce_opts;
/** Binary cross-entropy of raw outputs: weight ((1 - t) softplus(x) + pos_weight t softplus(-x)),
 * with gradient weight ((1 - t) sigmoid(x) - pos_weight t sigmoid(-x)): sums of terms that do not
 * cancel, so that a confident prediction keeps its loss and gradient. */
TG_API tg_tensor *tg_bce_with_logits_loss(tg_tensor *x, tg_tensor *t, const tg_bce_opts *opts);
/** Options of tg_kl_div_loss(). */
typedef struct tg_kl_opts {
    bool log_target;        /**< t holds logarithms */
    bool batch_mean;        /**< with TG_SUM (else TG_EVALUE): divide by the size of dim 0 */
    tg_reduction reduction; /**< of the elements */
} tg_kl_opts;
/** t (log t - x) for log-probabilities x and probabilities t; 0 where t is 0. */
TG_API tg_tensor *tg_kl_div_loss(tg_tensor *x, tg_tensor *t, const tg_kl_opts *opts);

/** x where t is 1, max(0, margin - x) where t is -1 (any dtype; the sum of both where it is neither).
 * PyTorch's margin is 1. Gradient 1 where a max() is 0, so in all that follow. */
TG_API tg_tensor *tg_hinge_embedding_loss(tg_tensor *x, tg_tensor *t, double margin,
                                          tg_reduction reduction);
/** max(0, t (b - a) + margin): t of 1 (any dtype) asks for a > b, -1 for b > a. PyTorch's margin is 0. */
TG_API tg_tensor *tg_margin_ranking_loss(tg_tensor *a, tg_tensor *b, tg_tensor *t, double margin,
                                         tg_reduction reduction);
/** log(1 + e^(-t x)), accurate everywhere. */
TG_API tg_tensor *tg_soft_margin_loss(tg_tensor *x, tg_tensor *t, tg_reduction reduction);
/** Of vectors a and b (N, D) or (D) with cosine c: 1 - c where t, (N) or () of any dtype, is 1, max(0, c -
 * margin) where it is -1, else 0. PyTorch's margin is 0. */
TG_API tg_tensor *tg_cosine_embedding_loss(tg_tensor *a, tg_tensor *b, tg_tensor *t, double margin,
                                           tg_reduction reduction);
/** Options of tg_multi_margin_loss(); zero means the default. */
typedef struct tg_multi_margin_opts {
    int p;                  /**< 1 (default) or 2 */
    double margin;          /**< default 1 */
    tg_tensor *weight;      /**< a factor per class, (C); NULL: 1 */
    tg_reduction reduction; /**< of the rows */
} tg_multi_margin_opts;
/** Mean over the classes j of max(0, margin - x[t] + x[j])^p, 0 for j = t, times weight[t]. x (N, C) or
 * (C), targets int64 (N) or (). Gradient 0 where the max() is 0. TG_EVALUE: a target outside [0, C). */
TG_API tg_tensor *tg_multi_margin_loss(tg_tensor *x, tg_tensor *targets,
                                       const tg_multi_margin_opts *opts);
/** Options of tg_triplet_margin_loss(); zero means the default. */
typedef struct tg_triplet_opts {
    double margin;          /**< > 0; default 1 */
    double p;               /**< of tg_pairwise_distance(); default 2 */
    double eps;             /**< as there; default 1e-6 */
    bool swap;              /**< take the distance of near and far, where it is the smaller one */
    tg_reduction reduction; /**< of the vectors */
} tg_triplet_opts;
/** max(0, distance(anchor, near) - distance(anchor, far) + margin) of vectors along the last dim. */
TG_API tg_tensor *tg_triplet_margin_loss(tg_tensor *anchor, tg_tensor *near, tg_tensor *far,
                                         const tg_triplet_opts *opts);
/** Options of tg_poisson_nll_loss(); zero means the default. */
typedef struct tg_poisson_opts {
    bool no_log_input;      /**< x is the rate, not its logarithm */
    bool full;              /**< add Stirling's log(t!), 0 for t <= 1 */
    double eps;             /**< added to a rate before its logarithm; default 1e-8 */
    tg_reduction reduction; /**< of the elements */
} tg_poisson_opts;
/** e^x - t x, or x - t log(x + eps). */
TG_API tg_tensor *tg_poisson_nll_loss(tg_tensor *x, tg_tensor *t, const tg_poisson_opts *opts);
/** Options of tg_gaussian_nll_loss(); zero means the default. */
typedef struct tg_gaussian_opts {
    bool full;              /**< add log(2 pi) / 2 */
    double eps;             /**< the least variance; default 1e-6 */
    tg_reduction reduction; /**< of the elements */
} tg_gaussian_opts;
/** (log v + (x - t)^2 / v) / 2, v the variance or eps, if that is more; the gradient is passed to the
 * variance all the same. It has x's shape, size 1 in one dim, or lacks the last one. TG_EVALUE: one < 0. */
TG_API tg_tensor *tg_gaussian_nll_loss(tg_tensor *x, tg_tensor *t, tg_tensor *variance,
                                       const tg_gaussian_opts *opts);

/** @}
 * @defgroup tinygrad_initialisers Initialisers
 * @ingroup tinygrad_nn
 * Fill weights as PyTorch does, from the same draws.
 * @{ */

/** nn.Linear's default initialisation: weight [out, in] uniform within sqrt(3) * (sqrt(1/3) /
 * sqrt(in)) as torch rounds it, then bias [out] (may be NULL) within 1/sqrt(in). */
TG_API void tg_linear_init(tg_tensor *weight, tg_tensor *bias);
/** The same for nn.Conv1d and nn.Conv2d: weight [out, in / groups, size...], whose fan-in, in /
 * groups * size..., stands for `in`. TG_ESHAPE, as of all that follow: dims that do not fit. */
TG_API void tg_conv_init(tg_tensor *weight, tg_tensor *bias);
/** nn.Embedding's: standard normal. weight [rows, columns]. PyTorch sets the row of padding_idx to
 * 0 afterwards. */
TG_API void tg_embedding_init(tg_tensor *weight);
/** nn.RNN's, nn.LSTM's and nn.GRU's: each of n tensors, in the order given (PyTorch's: layer by
 * layer weight_ih, weight_hh, bias_ih, bias_hh), uniform within 1/sqrt(hidden). TG_EVALUE: hidden
 * < 1. */
TG_API void tg_recurrent_init(tg_tensor *const *tensors, size_t n, int64_t hidden);
/** torch.nn.init.xavier_uniform_: within gain * sqrt(6 / (fan_in + fan_out)). The fans are those of
 * a weight [out, in] or [out, in, size...]; gain 0 means 1 (TG_ZERO: 0). TG_ESHAPE: fewer than 2
 * dims; TG_EVALUE: gain negative or not finite; else as tg_uniform_(). Empty tensors are left
 * alone. */
TG_API void tg_xavier_uniform_(tg_tensor *t, double gain);
/** torch.nn.init.xavier_normal_: mean 0, std gain * sqrt(2 / (fan_in + fan_out)). For the rest as
 * tg_xavier_uniform_(). */
TG_API void tg_xavier_normal_(tg_tensor *t, double gain);
/** What follows a layer, with its gain as by torch.nn.init.calculate_gain. */
typedef enum tg_nonlinearity {
    TG_GAIN_LEAKY_RELU = 0, /**< sqrt(2 / (1 + a^2)) */
    TG_GAIN_RELU,           /**< sqrt(2) */
    TG_GAIN_LINEAR,         /**< 1; the sigmoid's as well */
    TG_GAIN_TANH,           /**< 5/3 */
    TG_GAIN_SELU            /**< 3/4 */
} tg_nonlinearity;
/** Options of tg_kaiming_uniform_() and tg_kaiming_normal_(); zero means the default. */
typedef struct tg_kaiming_opts {
    double a;                     /**< the leaky relu's slope; default 0 */
    bool fan_out;                 /**< go by fan_out instead of fan_in */
    tg_nonlinearity nonlinearity; /**< default TG_GAIN_LEAKY_RELU */
} tg_kaiming_opts;
/** torch.nn.init.kaiming_uniform_: within gain * sqrt(3 / fan). `opts` may be NULL. TG_EVALUE: `a`
 * not finite, an unknown nonlinearity; for the rest as tg_xavier_uniform_(). */
TG_API void tg_kaiming_uniform_(tg_tensor *t, const tg_kaiming_opts *opts);
/** torch.nn.init.kaiming_normal_: mean 0, std gain / sqrt(fan). As tg_kaiming_uniform_(). */
TG_API void tg_kaiming_normal_(tg_tensor *t, const tg_kaiming_opts *opts);

/** @}
 * @defgroup tinygrad_nn_layers Layers with parameters
 * @ingroup tinygrad_nn
 * Constructors of layers, and functions that apply them.
 *
 * A constructor makes a layer's tensors on the list's tape, fills them as PyTorch's module of that
 * name does, from the same draws in the same order, and lists them under its names, behind one of
 * the program's own that is formatted as by printf:
 *
 *     tg_params *list = tg_params_new(tape);
 *     tg_linear_layer fc1 = tg_nn_linear(list, 784, 128, NULL, "fc%d", 1); // fc1.weight, fc1.bias
 *     tg_linear_layer fc2 = tg_nn_linear(list, 128, 10, NULL, "fc%d", 2);
 *     tg_optim *optim =
 *         tg_adam(tape, tg_params_unique(list), tg_params_unique_count(list), NULL);
 *     ...
 *     tg_tensor *y = tg_nn_apply_linear(tg_relu(tg_nn_apply_linear(x, &fc1)), &fc2);
 *
 * A safetensors file of the list (io.h) is then one of the module's state_dict(), and the reverse. A
 * name of NULL stands for none: "weight". A layer is a plain value: copy it, drop it, read its fields
 * and give them to other functions; its tensors are the tape's. Options are read by the constructor,
 * and what the layer does later stands in its fields; `opts` may be NULL.
 *
 * Errors, after which the list, the tape and its generator are as before, and all tensors of the
 * layer NULL: those of tg_zeros() for sizes and dtypes, those of tg_params_add() for names and
 * lists. A list of NULL gives such a layer too. What is done with the layer is an error of the
 * operation then, but for an error that is there already.
 * @{ */

/** What tg_nn_linear() makes. */
typedef struct tg_linear_layer {
    tg_tensor *weight; /**< (out, in) */
    tg_tensor *bias;   /**< (out), or NULL */
} tg_linear_layer;
/** Options of tg_nn_linear(); zero means the default. */
typedef struct tg_nn_linear_opts {
    bool no_bias; /**< leave the bias out */
    int dtype;    /**< default TG_F32 */
} tg_nn_linear_opts;
/** nn.Linear: "weight" and "bias", by tg_linear_init(). */
TG_API tg_linear_layer tg_nn_linear(tg_params *list, int64_t in, int64_t out,
                                    const tg_nn_linear_opts *opts, const char *format, ...)
    TG_PRINTF(5);
/** tg_linear(): x (..., in) to (..., out). NULL layers are TG_EVALUE, here as below. */
TG_API tg_tensor *tg_nn_apply_linear(tg_tensor *x, const tg_linear_layer *layer);

/** What tg_nn_conv1d() and tg_nn_conv2d() make. */
typedef struct tg_conv_layer {
    tg_tensor *weight; /**< (out, in / groups, K) or (out, in / groups, KH, KW) */
    tg_tensor *bias;   /**< (out), or NULL */
    tg_conv_opts conv; /**< how it is applied */
} tg_conv_layer;
/** Options of tg_nn_conv1d() and tg_nn_conv2d(); zero means the default. */
typedef struct tg_nn_conv_opts {
    tg_conv_opts conv; /**< stride, padding, dilation, groups */
    int64_t width;     /**< KW of 2-d; default: as the height */
    bool no_bias;      /**< leave the bias out */
    int dtype;         /**< default TG_F32 */
} tg_nn_conv_opts;
/** nn.Conv1d: "weight" and "bias", by tg_conv_init(). TG_EVALUE: kernel < 1; groups that do not
 * divide both channel counts. */
TG_API tg_conv_layer tg_nn_conv1d(tg_params *list, int64_t in, int64_t out, int64_t kernel,
                                  const tg_nn_conv_opts *opts, const char *format, ...)
    TG_PRINTF(6);
/** nn.Conv2d, of kernels (kernel, kernel) or (kernel, width). As tg_nn_conv1d(). */
TG_API tg_conv_layer tg_nn_conv2d(tg_params *list, int64_t in, int64_t out, int64_t kernel,
                                  const tg_nn_conv_opts *opts, const char *format, ...)
    TG_PRINTF(6);
/** tg_conv1d() or tg_conv2d(), as the weight has 3 or 4 dims. */
TG_API tg_tensor *tg_nn_apply_conv(tg_tensor *x, const tg_conv_layer *layer);

/** What tg_nn_embedding() makes. */
typedef struct tg_embedding_layer {
    tg_tensor *weight;   /**< (rows, columns) */
    int64_t padding_idx; /**< the row that gets no gradient, or TG_NO_PADDING */
} tg_embedding_layer;
/** Options of tg_nn_embedding(); zero means the default. */
typedef struct tg_nn_embedding_opts {
    bool has_padding_idx; /**< whether padding_idx is given; default: no such row */
    int64_t padding_idx;  /**< a row that is 0 and gets no gradient; negative: from the end */
    int dtype;            /**< default TG_F32 */
} tg_nn_embedding_opts;
/** nn.Embedding: "weight", by tg_embedding_init(). TG_EVALUE: there is no row padding_idx. */
TG_API tg_embedding_layer tg_nn_embedding(tg_params *list, int64_t rows, int64_t columns,
                                          const tg_nn_embedding_opts *opts, const char *format, ...)
    TG_PRINTF(5);
/** tg_embedding(): int64 indices (...) to (..., columns). */
TG_API tg_tensor *tg_nn_apply_embedding(tg_tensor *index, const tg_embedding_layer *layer);

/** What tg_nn_layer_norm() makes. */
typedef struct tg_layer_norm_layer {
    tg_tensor *weight;         /**< of the normalised dims, or NULL */
    tg_tensor *bias;           /**< as weight */
    double eps;                /**< as tg_layer_norm() takes it */
    int ndim;                  /**< how many dims are normalised */
    int64_t dims[TG_MAX_NDIM]; /**< their sizes */
} tg_layer_norm_layer;
/** Options of tg_nn_layer_norm(); zero means the default. */
typedef struct tg_nn_layer_norm_opts {
    double eps;     /**< default 1e-5 (TG_ZERO: 0) */
    bool no_affine; /**< neither weight nor bias: nothing is listed */
    bool no_bias;   /**< leave the bias out */
    int dtype;      /**< default TG_F32 */
} tg_nn_layer_norm_opts;
/** nn.LayerNorm over the last dims, TG_DIMS(d): "weight" of ones and "bias" of zeros. TG_ESHAPE:
 * fewer than 1 dim. */
TG_API tg_layer_norm_layer tg_nn_layer_norm(tg_params *list, int ndim, const int64_t *dims,
                                            const tg_nn_layer_norm_opts *opts, const char *format,
                                            ...) TG_PRINTF(5);
/** tg_layer_norm(). */
TG_API tg_tensor *tg_nn_apply_layer_norm(tg_tensor *x, const tg_layer_norm_layer *layer);

/** What tg_nn_batch_norm() makes. */
typedef struct tg_batch_norm_layer {
    tg_tensor *weight;              /**< (channels), or NULL; a parameter, as bias */
    tg_tensor *bias;                /**< (channels), or NULL */
    tg_tensor *running_mean;        /**< (channels), or NULL; a buffer, as what follows */
    tg_tensor *running_var;         /**< (channels), or NULL */
    tg_tensor *num_batches_tracked; /**< int64, 0-d: how often it was trained; or NULL */
    double momentum;                /**< as in tg_batch_norm_opts */
    double eps;                     /**< as in tg_batch_norm_opts */
} tg_batch_norm_layer;
/** Options of tg_nn_batch_norm(); zero means the default. */
typedef struct tg_nn_batch_norm_opts {
    double momentum;    /**< default 0.1 (TG_ZERO: 0) */
    double eps;         /**< default 1e-5 (TG_ZERO: 0) */
    bool no_affine;     /**< neither weight nor bias */
    bool no_statistics; /**< no buffers: evaluation is by the batch's statistics as well */
    int dtype;          /**< default TG_F32 */
} tg_nn_batch_norm_opts;
/** nn.BatchNorm1d and 2d: "weight" of ones, "bias" of zeros; "running_mean" of zeros, "running_var"
 * of ones and "num_batches_tracked" of 0, which are saved with the parameters but are none
 * (tg_params_unique()). */
TG_API tg_batch_norm_layer tg_nn_batch_norm(tg_params *list, int64_t channels,
                                            const tg_nn_batch_norm_opts *opts, const char *format,
                                            ...) TG_PRINTF(4);
/** tg_batch_norm(): x (N, C) or (N, C, ...). In training num_batches_tracked is counted up. */
TG_API tg_tensor *tg_nn_apply_batch_norm(tg_tensor *x, const tg_batch_norm_layer *layer,
                                         bool training);

/** The most weights of a recurrent layer that lists its own. */
#define TG_RECURRENT_WEIGHTS 64
/** What tg_nn_lstm() and tg_nn_gru() make. */
typedef struct tg_recurrent_layer {
    tg_tensor *weights[TG_RECURRENT_WEIGHTS]; /**< as tg_lstm() takes them */
    size_t n;                                 /**< how many there are */
    tg_recurrent_opts how; /**< how it is applied: set h0, c0 and lengths there */
} tg_recurrent_layer;
/** Options of tg_nn_lstm() and tg_nn_gru(); zero means the default. */
typedef struct tg_nn_recurrent_opts {
    tg_recurrent_opts how; /**< layers, bidirectional, batch_first, no_bias, dropout */
    int dtype;             /**< default TG_F32 */
} tg_nn_recurrent_opts;
/** nn.LSTM: "weight_ih_l0", "weight_hh_l0", "bias_ih_l0", "bias_hh_l0", then those of the way back,
 * "..._l0_reverse", and of the next layers, by tg_recurrent_init(). TG_EVALUE: more layers than there is
 * room for, hidden < 1. */
TG_API tg_recurrent_layer tg_nn_lstm(tg_params *list, int64_t in, int64_t hidden,
                                     const tg_nn_recurrent_opts *opts, const char *format, ...)
    TG_PRINTF(5);
/** nn.GRU: as tg_nn_lstm(). */
TG_API tg_recurrent_layer tg_nn_gru(tg_params *list, int64_t in, int64_t hidden,
                                    const tg_nn_recurrent_opts *opts, const char *format, ...)
    TG_PRINTF(5);
/** tg_lstm(). */
TG_API tg_tensor *tg_nn_apply_lstm(tg_tensor *x, const tg_recurrent_layer *layer, bool training,
                                   tg_tensor **h_n, tg_tensor **c_n);
/** tg_gru(). */
TG_API tg_tensor *tg_nn_apply_gru(tg_tensor *x, const tg_recurrent_layer *layer, bool training,
                                  tg_tensor **h_n);

/** @} */

#ifdef __cplusplus
}
#endif
#endif

/** @file tinygrad.h
 * libtinygrad: a minimal reverse-mode autograd engine. This header is the manual.
 *
 * One object, the tape, owns everything: memory, recorded operations, the random generator and the
 * error state. It has four verbs: record (any operation), backward, rewind and replay.
 *
 *     tg_tape *tape = tg_tape_new(NULL);
 *     tg_tensor *w = tg_randn(tape, TG_DIMS(3, 5), TG_REQUIRES_GRAD);
 *     tg_tensor *loss = tg_sum(tg_mul(w, w));
 *     tg_backward(loss);
 *     tg_print(stdout, tg_grad(w));
 *     tg_tape_free(tape);
 *
 * Errors. The first error sticks in the tape. Operations return NULL on an error, accept NULL, and
 * do nothing while an error is set, so that a program checks tg_error() once a step. The library
 * never prints, aborts or exits.
 *
 * Lifetimes. A tensor lives until the tape is rewound to a mark taken before the tensor was made,
 * or until tg_tape_free(). There is nothing to release one by one. A leaf's gradient lives as long
 * as the leaf.
 *
 * Threads. A tape belongs to one thread at a time. There is no global state, so different tapes may
 * be used by different threads at once.
 *
 * Semantics are PyTorch's (names without the tg_ prefix) unless a declaration says otherwise. */
#ifndef TINYGRAD_H
#define TINYGRAD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#ifdef __cplusplus
/** @cond */
namespace tg_detail {
template <size_t N> struct dims {
    int64_t d[N];
    const int64_t *data() const { return d; }
};
template <class... T> dims<sizeof...(T)> make_dims(T... size)
{
    return {{static_cast<int64_t>(size)...}};
}
} // namespace tg_detail
/** @endcond */
#define TG_DIMS(...)                                                                               \
    static_cast<int>(sizeof(tg_detail::make_dims(__VA_ARGS__)) / sizeof(int64_t)),                 \
        tg_detail::make_dims(__VA_ARGS__).data()
extern "C" {
#else
/* clang-format off */
/** A shape as the arguments `int ndim, const int64_t *dims`: tg_zeros(tape, TG_DIMS(3, 5), 0). */
#define TG_DIMS(...)                                                                               \
    (int)(sizeof((int64_t[]){__VA_ARGS__}) / sizeof(int64_t)), (const int64_t[]){__VA_ARGS__}
/* clang-format on */
#endif
/** The shape of a 0-d tensor. */
#define TG_SCALAR 0, NULL

#if defined(__GNUC__)
#define TG_API __attribute__((visibility("default")))
#else
#define TG_API
#endif

#define TG_VERSION_MAJOR 0
#define TG_VERSION_MINOR 1
#define TG_VERSION_PATCH 0

/** @name Types
 * @{ */

/** Owner of memory, recorded operations, the generator and the error state. */
typedef struct tg_tape tg_tape;
/** An n-dimensional array with strides, of one dtype; knows its tape. At most TG_MAX_NDIM dims. */
typedef struct tg_tensor tg_tensor;
/** An optimiser over a list of leaves; lives in the tape like a tensor. */
typedef struct tg_optim tg_optim;

/** A position on a tape. A plain value: copy it, drop it. Its fields are private. */
typedef struct tg_mark {
    const void *at[7];
    uint32_t epoch;
} tg_mark;

/** The largest number of dimensions. */
enum { TG_MAX_NDIM = 16 };

/** What went wrong; TG_OK is 0. */
typedef enum tg_status {
    TG_OK = 0,
    TG_ENOMEM, /**< the allocator returned NULL, or there is no tape (NULL) */
    TG_ESHAPE, /**< shapes do not fit each other or the operation */
    TG_EDTYPE, /**< a dtype that the operation does not take */
    TG_EVALUE, /**< an argument out of its range, a NULL tensor, a target out of range */
    TG_ESTATE, /**< right arguments at the wrong time: stale marks, dead tensors, changed data */
    TG_EIO     /**< reading or writing failed */
} tg_status;

/** How a loss is reduced over its positions. */
typedef enum tg_reduction { TG_MEAN = 0, TG_SUM, TG_NONE } tg_reduction;

/** Flags of a creation function: one dtype, and TG_REQUIRES_GRAD (float dtypes only) or'ed to it.
 * TG_F32 is 0, so that flags 0 mean a float32 tensor without gradient. */
enum { TG_F32 = 0, TG_F64 = 1, TG_I64 = 2, TG_BOOL = 3, TG_REQUIRES_GRAD = 0x100 };

/** @}
 * @name The tape
 * @{ */

/** Options of tg_tape_new(); zero or NULL means the default, each on its own. */
typedef struct tg_tape_opts {
    /** Returns `size` bytes aligned as by malloc, or NULL. Default: malloc. Give alloc and free
     * together; every byte the library uses comes from here. */
    void *(*alloc)(void *context, size_t size);
    /** Takes back what alloc returned, with the same size. Default: free. */
    void (*free)(void *context, void *memory, size_t size);
    /** Passed to both. */
    void *context;
    /** Bytes of the first block of memory; later ones double. Default: 16 KiB. */
    size_t block_size;
} tg_tape_opts;

/** A new tape, seeded with 0; NULL where memory is out. `opts` may be NULL.
 * Every function reads a NULL tape as one whose error is TG_ENOMEM. */
TG_API tg_tape *tg_tape_new(const tg_tape_opts *opts);
/** Frees the tape and all that it owns. NULL is ignored. */
TG_API void tg_tape_free(tg_tape *tape);

/** The tape's present position. Costs nothing and cannot fail. */
TG_API tg_mark tg_tape_mark(const tg_tape *tape);
/** Forgets all that was made since `mark`: tensors, operations, optimisers. Memory is kept for what
 * comes next, so a loop that rewinds makes no allocator call from its second turn on. The mark stays
 * good and may be used again. Works while an error is set.
 * TG_ESTATE: the tape was rewound past the mark already. TG_EVALUE: another tape's mark. */
TG_API tg_status tg_tape_rewind(tg_tape *tape, tg_mark mark);
/** Runs all operations recorded since `mark` again, in order, into the same tensors; random ones
 * draw anew. Afterwards tg_backward() works on the new values. Operations recorded while gradients
 * were disabled are not on the tape and do not run. Errors as tg_tape_rewind(), and what the
 * operations report (a target out of range). */
TG_API tg_status tg_tape_replay(tg_tape *tape, tg_mark mark);

/** The first error since tg_tape_new() or tg_clear_error(); TG_ENOMEM for a NULL tape. */
TG_API tg_status tg_error(const tg_tape *tape);
/** What happened, as "operation: what it got and what it wanted"; "" without an error. */
TG_API const char *tg_error_message(const tg_tape *tape);
/** Makes the tape usable again; everything recorded before the error is still right. */
TG_API void tg_clear_error(tg_tape *tape);

/** Seeds the generator: the streams are PyTorch's on the CPU, bit for bit (mt19937; the engine sees
 * the low 32 bits). Forgets a pending normal. Rewinding does not touch the generator. */
TG_API void tg_manual_seed(tg_tape *tape, uint64_t seed);
/** Turns recording on or off and returns the former setting (false for a NULL tape). While it is
 * off, operations compute but record nothing, and results require no gradient. */
TG_API bool tg_set_grad_enabled(tg_tape *tape, bool enabled);

/** @}
 * @name Making tensors
 * All take a shape (sizes >= 0; an empty tensor is legal) and flags. Errors of all: TG_ESHAPE for a
 * negative size, more than TG_MAX_NDIM dims or a product that overflows; TG_EDTYPE for
 * TG_REQUIRES_GRAD on an integer or bool dtype; TG_EVALUE for unknown flags or NULL where data is
 * wanted. The results are leaves.
 * @{ */

/** All zeros. */
TG_API tg_tensor *tg_zeros(tg_tape *tape, int ndim, const int64_t *dims, int flags);
/** All ones. */
TG_API tg_tensor *tg_ones(tg_tape *tape, int ndim, const int64_t *dims, int flags);
/** All `value`, converted to the dtype as by a C cast (TG_EVALUE where int64 cannot hold it). */
TG_API tg_tensor *tg_full(tg_tape *tape, int ndim, const int64_t *dims, double value, int flags);
/** start, start + step, ... up to but without `end`: ceil((end - start) / step) elements, 1-d.
 * TG_EVALUE: step 0, a step away from `end`, or a bound that is not finite. Bool: TG_EDTYPE. */
TG_API tg_tensor *tg_arange(tg_tape *tape, double start, double end, double step, int flags);
/** Uniform in [0, 1). Float dtypes. A recorded operation: a replay draws again. */
TG_API tg_tensor *tg_rand(tg_tape *tape, int ndim, const int64_t *dims, int flags);
/** Standard normal. Float dtypes. A recorded operation: a replay draws again. */
TG_API tg_tensor *tg_randn(tg_tape *tape, int ndim, const int64_t *dims, int flags);
/** Integers uniform in [low, high), in any dtype that holds them (flags 0: float32, as everywhere;
 * for indices say TG_I64). TG_EVALUE: low >= high. Recorded. As torch 2.13: widths from 2^28 on take
 * 64-bit draws. */
TG_API tg_tensor *tg_randint(tg_tape *tape, int64_t low, int64_t high, int ndim,
                             const int64_t *dims, int flags);
/** A random permutation of 0 .. n-1, 1-d, any dtype but bool (for indices say TG_I64). Recorded.
 * TG_EVALUE: n < 0, or n larger than the dtype counts exactly. */
TG_API tg_tensor *tg_randperm(tg_tape *tape, int64_t n, int flags);
/** A copy of the caller's row-major array. The dtype is the array's: `flags` may repeat it or leave
 * it out; another one is TG_EDTYPE. `data` may be NULL where the shape has no elements. */
TG_API tg_tensor *tg_from_f32(tg_tape *tape, const float *data, int ndim, const int64_t *dims,
                              int flags);
/** As tg_from_f32(). */
TG_API tg_tensor *tg_from_f64(tg_tape *tape, const double *data, int ndim, const int64_t *dims,
                              int flags);
/** As tg_from_f32(). */
TG_API tg_tensor *tg_from_i64(tg_tape *tape, const int64_t *data, int ndim, const int64_t *dims,
                              int flags);
/** As tg_from_f32(). */
TG_API tg_tensor *tg_from_bool(tg_tape *tape, const bool *data, int ndim, const int64_t *dims,
                               int flags);
/** Borrows the caller's row-major memory, of the flags' dtype (aligned for it), without a copy; it
 * must outlive the tensor. Call tg_data_mut() when you write to it yourself, so that a backward pass
 * which still needs the old values reports it. */
TG_API tg_tensor *tg_from_blob(tg_tape *tape, void *data, int ndim, const int64_t *dims, int flags);

/** Fills with uniform draws from [low, high), as Tensor.uniform_: fma(u, high - low, low) in the
 * dtype. Recorded. On leaves (with or without gradient) and on results that require none. A fill
 * has no inputs, so a leaf that requires a gradient needs no disabled gradients, unlike in PyTorch.
 * TG_EVALUE: low > high; TG_EDTYPE: not a float tensor; TG_ESTATE: the result of a differentiable
 * operation. */
TG_API void tg_uniform_(tg_tensor *t, double low, double high);
/** Fills with normal draws, as Tensor.normal_. Recorded. TG_EVALUE: std < 0; else as tg_uniform_(). */
TG_API void tg_normal_(tg_tensor *t, double mean, double std);
/** nn.Linear's default initialisation: weight [out, in] uniform within sqrt(3) * (sqrt(1/3) /
 * sqrt(in)) as torch rounds it, then bias [out] (may be NULL) within 1/sqrt(in). */
TG_API void tg_linear_init(tg_tensor *weight, tg_tensor *bias);

/** @}
 * @name Looking into tensors
 * @{ */

/** The number of dims; -1 for NULL. */
TG_API int tg_ndim(const tg_tensor *t);
/** The size of one dim; negative dims count from the end. -1, and TG_EVALUE, where there is none. */
TG_API int64_t tg_size(const tg_tensor *t, int dim);
/** The stride of one dim in elements. -1, and TG_EVALUE, where there is no such dim. */
TG_API int64_t tg_stride(const tg_tensor *t, int dim);
/** The number of elements; 0 for NULL. */
TG_API int64_t tg_numel(const tg_tensor *t);
/** TG_F32, TG_F64, TG_I64 or TG_BOOL; -1 for NULL. */
TG_API int tg_dtype(const tg_tensor *t);
/** Whether the elements lie in row-major order without gaps. */
TG_API bool tg_is_contiguous(const tg_tensor *t);
/** Row-major data; NULL where the tensor has another dtype or is not contiguous (see
 * tg_contiguous()). No error is set. Valid as long as the tensor. */
TG_API const float *tg_f32(const tg_tensor *t);
/** As tg_f32(). */
TG_API const double *tg_f64(const tg_tensor *t);
/** As tg_f32(). */
TG_API const int64_t *tg_i64(const tg_tensor *t);
/** As tg_f32(). */
TG_API const bool *tg_bool(const tg_tensor *t);
/** The same memory for writing. Bumps the version: a backward pass that needs the old values will
 * fail instead of giving a wrong gradient. NULL and TG_ESTATE where t is not contiguous. */
TG_API void *tg_data_mut(tg_tensor *t);
/** The value of a one-element tensor as a double; nan, and TG_ESHAPE, for other sizes. */
TG_API double tg_item(const tg_tensor *t);
/** The tape that a tensor belongs to; NULL for NULL. */
TG_API tg_tape *tg_tape_of(const tg_tensor *t);
/** Prints as PyTorch prints a detached tensor (precision 4, 80 columns, summary above 1,000
 * elements), and a newline. TG_EIO where writing fails; TG_EVALUE for NULL. */
TG_API tg_status tg_print(FILE *file, const tg_tensor *t);

/** @}
 * @name Gradients
 * @{ */

/** Computes the gradient of the one-element tensor `loss` with respect to every leaf that requires
 * one, and adds it to the leaf's tg_grad(). May be called again: gradients accumulate. Where it
 * fails, every gradient is as it was.
 * TG_ESHAPE: more than one element. TG_ESTATE: nothing on the way requires a gradient, or data that
 * the pass reads was changed after it was recorded (the message names tensor and operation). */
TG_API tg_status tg_backward(tg_tensor *loss);
/** Options of tg_backward_with(). */
typedef struct tg_backward_opts {
    /** Record the backward pass as well, so that tg_grad() can be differentiated again. */
    bool create_graph;
} tg_backward_opts;
/** As tg_backward() for a result of any shape, with the gradient of `out`: a tensor of its shape and
 * dtype, or NULL for a one-element `out` (then 1). */
TG_API tg_status tg_backward_with(tg_tensor *out, tg_tensor *grad_out,
                                  const tg_backward_opts *opts);
/** A leaf's gradient; NULL before the first backward pass, after tg_zero_grad(), and for tensors
 * that are not leaves requiring one. The same tensor every time, unless create_graph made it. */
TG_API tg_tensor *tg_grad(const tg_tensor *t);
/** Drops a leaf's gradient: tg_grad() is NULL again (zero_grad(set_to_none=True)). */
TG_API void tg_zero_grad(tg_tensor *t);
/** Whether a backward pass would reach t. */
TG_API bool tg_requires_grad(const tg_tensor *t);
/** A view of the same data that requires no gradient. */
TG_API tg_tensor *tg_detach(tg_tensor *t);

/** A function for tg_gradcheck(): n inputs to one output of any shape. */
typedef tg_tensor *(*tg_gradcheck_fn)(tg_tensor *const *inputs, size_t n, void *context);
/** Options of tg_gradcheck(); zero means the default. */
typedef struct tg_gradcheck_opts {
    double eps;        /**< step of the central difference; default 1e-6 */
    double atol;       /**< default 1e-5 */
    double rtol;       /**< default 1e-3 */
    bool second_order; /**< check the gradients' gradients instead (gradgradcheck) */
} tg_gradcheck_opts;
/** Compares the gradients of fn with central differences, contracted with a random upstream
 * gradient (drawn from a generator of its own). Inputs are contiguous float64 leaves on one tape;
 * those that require a gradient are checked. Their gradients and the tape's generator are left as
 * they were; `fn` must give the same output for the same inputs.
 * TG_EVALUE: a mismatch; the message says which input, which element and both numbers. */
TG_API tg_status tg_gradcheck(tg_gradcheck_fn fn, void *context, tg_tensor *const *inputs, size_t n,
                              const tg_gradcheck_opts *opts);

/** @}
 * @name Elementwise operations
 * Binary ones broadcast by PyTorch's rules and promote dtypes as PyTorch does: bool < int64 <
 * floats; a 0-d tensor promotes only to a higher category. Unary functions of real numbers take
 * integers as float32. Errors: TG_ESHAPE for shapes that do not broadcast; TG_EVALUE for NULL and
 * for tensors of two tapes; TG_ESTATE for tensors rewound away.
 * @{ */

/** a + b (or, for two bools). */
TG_API tg_tensor *tg_add(tg_tensor *a, tg_tensor *b);
/** a - b. TG_EDTYPE for two bools. */
TG_API tg_tensor *tg_sub(tg_tensor *a, tg_tensor *b);
/** a * b (and, for two bools). */
TG_API tg_tensor *tg_mul(tg_tensor *a, tg_tensor *b);
/** a / b, true division: integers give float32. */
TG_API tg_tensor *tg_div(tg_tensor *a, tg_tensor *b);
/** a + s. An int64 tensor stays int64 where s is a whole number, else becomes float32. */
TG_API tg_tensor *tg_add_scalar(tg_tensor *a, double s);
/** a - s; dtypes as tg_add_scalar(). */
TG_API tg_tensor *tg_sub_scalar(tg_tensor *a, double s);
/** a * s; dtypes as tg_add_scalar(). */
TG_API tg_tensor *tg_mul_scalar(tg_tensor *a, double s);
/** a / s; integers give float32. */
TG_API tg_tensor *tg_div_scalar(tg_tensor *a, double s);
/** -x. Bool: TG_EDTYPE. */
TG_API tg_tensor *tg_neg(tg_tensor *x);
/** e^x. */
TG_API tg_tensor *tg_exp(tg_tensor *x);
/** Natural logarithm: -inf at 0, nan below. */
TG_API tg_tensor *tg_log(tg_tensor *x);
/** Square root: nan below 0, gradient inf at 0. */
TG_API tg_tensor *tg_sqrt(tg_tensor *x);
/** max(x, 0): gradient 0 at 0; nan passes with gradient 1. */
TG_API tg_tensor *tg_relu(tg_tensor *x);
/** 1 / (1 + e^-x). */
TG_API tg_tensor *tg_sigmoid(tg_tensor *x);
/** Hyperbolic tangent. */
TG_API tg_tensor *tg_tanh(tg_tensor *x);

/** @}
 * @name Reductions
 * float32 accumulates in double. Dims count from the end where negative; a 0-d tensor has the dims
 * 0 and -1. TG_EVALUE for a dim that is not there.
 * @{ */

/** Sum of all elements, 0-d; 0 for none. Integers and bools give int64. */
TG_API tg_tensor *tg_sum(tg_tensor *x);
/** Sum over one dim, which goes away or, with keepdim, stays with size 1. */
TG_API tg_tensor *tg_sum_dim(tg_tensor *x, int dim, bool keepdim);
/** Mean of all elements, 0-d; nan for none. Integers and bools: TG_EDTYPE. */
TG_API tg_tensor *tg_mean(tg_tensor *x);
/** Mean over one dim. */
TG_API tg_tensor *tg_mean_dim(tg_tensor *x, int dim, bool keepdim);

/** @}
 * @name Shape
 * @{ */

/** The same elements in another shape; one size may be -1. A view where the strides allow it, else a
 * copy. TG_ESHAPE where the number of elements differs. */
TG_API tg_tensor *tg_reshape(tg_tensor *x, int ndim, const int64_t *dims);
/** A view with two dims exchanged. */
TG_API tg_tensor *tg_transpose(tg_tensor *x, int dim0, int dim1);
/** A view in which dims of size 1 are stretched (stride 0) and new ones lead; -1 keeps a size. */
TG_API tg_tensor *tg_expand(tg_tensor *x, int ndim, const int64_t *dims);
/** x itself where it is contiguous, else a contiguous copy. */
TG_API tg_tensor *tg_contiguous(tg_tensor *x);
/** x itself where it has that dtype, else a converted copy. Float to int64 truncates; float to bool
 * is x != 0. Differentiable between floats. */
TG_API tg_tensor *tg_to(tg_tensor *x, int dtype);

/** @}
 * @name Linear algebra
 * @{ */

/** Matrix product by PyTorch's rules: (n)(n) is 0-d; (m,k)(k) and (k)(k,n) are 1-d; (m,k)(k,n) is
 * (m,n); more dims are batches and broadcast. Both of one float dtype (TG_EDTYPE). k = 0 gives zeros.
 * Each element is a chain of fused multiply-adds in order of k. */
TG_API tg_tensor *tg_matmul(tg_tensor *a, tg_tensor *b);
/** x W^T + b: x (..., in), weight (out, in), bias (out) or NULL; result (..., out). */
TG_API tg_tensor *tg_linear(tg_tensor *x, tg_tensor *weight, tg_tensor *bias);

/** @}
 * @name Softmax and classification losses
 * @{ */

/** e^x / sum of e^x along dim; float dtypes. Rows with an inf or nan as in PyTorch. */
TG_API tg_tensor *tg_softmax(tg_tensor *x, int dim);
/** log(softmax(x)) along dim, without the overflow and underflow of the composition, and accurate
 * near 0: a row's largest entry is -log1p(sum of the others' e^(x - max)). */
TG_API tg_tensor *tg_log_softmax(tg_tensor *x, int dim);

/** Options of tg_nll_loss(); NULL or zeros are PyTorch's defaults. */
typedef struct tg_nll_opts {
    tg_tensor *weight;      /**< a factor per class, shape (C), the input's dtype; NULL: all 1 */
    tg_reduction reduction; /**< TG_MEAN divides by the sum of the targets' weights */
    bool has_ignore_index;  /**< whether ignore_index is given; else it is -100 */
    int64_t ignore_index;   /**< positions with this target count for nothing */
} tg_nll_opts;
/** Negative log likelihood: -weight[t] * log_probs[t]. log_probs (C), (N, C) or (N, C, d1, ...) of
 * a float dtype; targets int64 of the same shape without C. Result 0-d, or the targets' shape for
 * TG_NONE. The mean over no position (none there, all ignored, or weights that sum to 0) is nan with
 * zero gradients. (PyTorch 2.13 divides by a sum of weights of 0: an infinite loss is possible, and
 * gradients are nan.)
 * TG_EVALUE: a target outside [0, C) that is not ignore_index; a weight that requires grad. */
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
/** Cross-entropy of raw outputs: nn.CrossEntropyLoss. logits (C), (N, C) or (N, C, d1, ...) of a float
 * dtype. Targets: class indices, int64, the same shape without C; or class probabilities, of the
 * logits' shape and dtype, which may require grad (and so may the weight then).
 *
 * Per position with largest logit m:  loss = sum over c of a_c * ((m - x_c) + log1p(S)),  where a is
 * the weighted, smoothed target and S the sum of e^(x_j - m) over all j but the largest. Terms are
 * kept apart until the end, so that a confident prediction keeps a nonzero loss and gradient where
 * PyTorch's float32 returns 0, and huge logits overflow nothing. float32 is computed in double,
 * float64 in double-double; more accurate than PyTorch on purpose.
 * Rows with infinite or nan logits give what PyTorch gives (inf, or nan for 0 * inf); an ignored
 * position gives loss 0 and gradient 0 whatever its logits (PyTorch: gradient nan where they are nan
 * or infinite). Means over nothing as in tg_nll_loss().
 * TG_EVALUE: a target outside [0, C) that is not ignore_index; label_smoothing outside [0, 1]; with
 * index targets, a weight that requires grad. */
TG_API tg_tensor *tg_cross_entropy(tg_tensor *logits, tg_tensor *targets, const tg_ce_opts *opts);

/** @}
 * @name Optimisers
 * Made over leaves (TG_ESTATE for other tensors). They live in the tape like tensors, with all
 * their state: a step allocates nothing. Parameters without a gradient are skipped.
 * @{ */

/** Options of tg_sgd(); zero means the default. */
typedef struct tg_sgd_opts {
    double lr;           /**< learning rate >= 0; default 1e-3 */
    double momentum;     /**< >= 0 */
    double dampening;    /**< of the momentum */
    double weight_decay; /**< L2 penalty >= 0 */
    bool nesterov;       /**< needs a momentum and no dampening */
    bool maximize;       /**< ascend */
} tg_sgd_opts;
/** Stochastic gradient descent with torch.optim.SGD's update, bit for bit. TG_EVALUE for options
 * out of range, n == 0 or a parameter given twice. `opts` may be NULL. */
TG_API tg_optim *tg_sgd(tg_tape *tape, tg_tensor *const *params, size_t n, const tg_sgd_opts *opts);
/** Updates every parameter that has a gradient, in place; its version is bumped. */
TG_API tg_status tg_optim_step(tg_optim *optim);
/** tg_zero_grad() for every parameter. */
TG_API void tg_optim_zero_grad(tg_optim *optim);
/** Sets the learning rate; 0 is 0 here. TG_EVALUE where it is negative or nan. */
TG_API void tg_optim_set_lr(tg_optim *optim, double lr);

/** @} */

#ifdef __cplusplus
}
#endif
#endif

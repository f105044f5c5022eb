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
 * do nothing while an error is set, so that a program checks tg_error() once a step, or is told by
 * tg_tape_opts.on_error. The library never prints, aborts or exits.
 *
 * Lifetimes. A tensor lives until the tape is rewound to a mark taken before the tensor was made,
 * or until tg_tape_free(). There is nothing to release one by one (but see Memory for large
 * models). A leaf's gradient lives as long as the leaf.
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

/** Marks what the shared library exports. */
#if defined(__GNUC__)
#define TG_API __attribute__((visibility("default")))
#else
#define TG_API
#endif

#define TG_VERSION_MAJOR 0 /**< a change may break programs */
#define TG_VERSION_MINOR 1 /**< grows with additions */
#define TG_VERSION_PATCH 0 /**< grows with corrections */

/** 0, where 0 itself means the default: in options, and in arguments that say so. A learning rate
 * of 0 is `.lr = TG_ZERO`, AdamW without weight decay `.weight_decay = TG_ZERO`. It is the negative
 * number nearest to 0 that is not subnormal, which no option can mean otherwise. */
#define TG_ZERO (-2.2250738585072014e-308)

/** The version of the library that the program runs with, "0.1.0"; TG_VERSION_MAJOR and so on are
 * those of the header that it was compiled with. Before 1.0 a minor version may break programs, and
 * shared libraries are named after it (libtinygrad.so.0.1). */
TG_API const char *tg_version(void);

/** @name Types
 * @{ */

/** Owner of memory, recorded operations, the generator and the error state. */
typedef struct tg_tape tg_tape;
/** An n-dimensional array with strides, of one dtype; knows its tape. At most TG_MAX_NDIM dims. */
typedef struct tg_tensor tg_tensor;
/** An optimiser over a list of leaves; lives in the tape like a tensor. */
typedef struct tg_optim tg_optim;
/** A named list of tensors; lives in the tape like a tensor. */
typedef struct tg_params tg_params;
/** Minibatches over arrays in memory; lives in the tape like a tensor. */
typedef struct tg_batches tg_batches;
/** A step of a program, kept to be run again; lives in the tape like a tensor. */
typedef struct tg_capture tg_capture;

/** A position on a tape. A plain value: copy it, drop it. Its fields are private. */
typedef struct tg_mark {
    const void *at[9]; /**< private */
    uint32_t epoch;    /**< private */
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

/** What the elements of an array in the caller's memory are, where that is said: the dtypes of
 * tensors, by their numbers, and more. No value changes in silence on the way into a tensor: an
 * integer must be one that the tensor's dtype has exactly (float32 has all up to 2^24, float64 up
 * to 2^53); a float in an int64 tensor must be a whole number within its range, so nan is none; in
 * a bool tensor anything must be 0 or 1. Only double to float32 rounds, to the nearest, and not to
 * infinity. */
typedef enum tg_array_type {
    TG_ARRAY_F32 = 0,  /**< float */
    TG_ARRAY_F64 = 1,  /**< double */
    TG_ARRAY_I64 = 2,  /**< int64_t */
    TG_ARRAY_BOOL = 3, /**< bool, a byte that is 0 or 1 */
    TG_ARRAY_I32 = 4,  /**< int32_t */
    TG_ARRAY_U8 = 5    /**< uint8_t */
} tg_array_type;

/** @}
 * @name The tape
 * @{ */

/** Instruction sets of the kernels. All give the same bits. */
typedef enum tg_isa {
    TG_ISA_BEST = 0, /**< the best that the machine has */
    TG_ISA_BASE,     /**< plain C for the compiler's own target */
    TG_ISA_V3,       /**< x86-64-v3: AVX2 and FMA */
    TG_ISA_V4        /**< x86-64-v4: AVX-512 */
} tg_isa;

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
    /** The instruction set; one that the machine lacks becomes the best it has. Default: what the
     * environment variable TINYGRAD_ISA names (base, v3, v4), else the best. */
    tg_isa isa;
    /** Threads for large operations, the calling one included; at most 64. Results have the same bits
     * for any number. They are started when first needed and end with the tape; a tape that has
     * them must not be used after fork(). Default: the environment variable OMP_NUM_THREADS, else
     * the processors that the process may use. */
    int threads;
    /** Called once when an error is set, with what tg_error() and tg_error_message() are going to
     * say; tg_error_print() is one to put here. It must return, and not call the tape: inside it
     * every call that would change something, tg_clear_error() and tg_tape_free() too, does nothing
     * and is TG_ESTATE. `message` is valid until it returns. Default: none. */
    void (*on_error)(void *error_context, tg_status status, const char *message);
    /** Passed to on_error. */
    void *error_context;
} tg_tape_opts;

/** A new tape, seeded with 0; NULL where memory is out. `opts` may be NULL.
 * Every function reads a NULL tape as one whose error is TG_ENOMEM. */
TG_API tg_tape *tg_tape_new(const tg_tape_opts *opts);
/** Frees the tape and all that it owns. NULL is ignored. */
TG_API void tg_tape_free(tg_tape *tape);

/** The tape's present position. Costs nothing and cannot fail; but what is taken inside a function
 * of an operation, or one that tg_gradcheck() calls, is no mark (TG_EVALUE where it is used). */
TG_API tg_mark tg_tape_mark(const tg_tape *tape);
/** Forgets all that was made since `mark`: tensors, operations, optimisers. Memory is kept for
 * what comes next, so a loop that rewinds makes no allocator call from its second turn on. The
 * mark stays good and may be used again. Works while an error is set. TG_ESTATE: the tape was
 * rewound past the mark already. TG_EVALUE: another tape's mark. */
TG_API tg_status tg_tape_rewind(tg_tape *tape, tg_mark mark);
/** Runs all operations recorded since `mark` again, in order, into the same tensors; random ones
 * draw anew. Afterwards tg_backward() works on the new values. Operations recorded while gradients
 * were disabled are not on the tape and do not run. Errors as tg_tape_rewind(), and what the
 * operations report (a target out of range). */
TG_API tg_status tg_tape_replay(tg_tape *tape, tg_mark mark);

/** Begins to capture a whole step: forward, backward and optimiser. Up to tg_capture_end()
 * everything is done as always, and noted; tg_capture_replay() then does it again.
 *
 *     tg_tensor *x = tg_zeros(tape, TG_DIMS(32, 4), 0), *y = tg_zeros(tape, TG_DIMS(32), TG_I64);
 *     ... the first minibatch into x and y ...
 *     tg_capture *step = tg_capture_begin(tape);
 *     tg_tensor *loss = tg_cross_entropy(tg_linear(x, w, b), y, NULL);
 *     tg_optim_zero_grad(optim);
 *     tg_backward(loss);
 *     tg_optim_step(optim);
 *     tg_capture_end(step);
 *     while (...) {
 *         ... the next minibatch into tg_data_mut(x) and tg_data_mut(y) ...
 *         tg_capture_replay(step);
 *         ... tg_item(loss) ...
 *     }
 *
 * What is noted: operations, with gradients enabled or not; backward passes of all kinds; dropped,
 * clipped and accumulated gradients; steps of optimisers. What the program itself computes or
 * decides in between is not. A call whose effect a replay could not repeat is TG_ESTATE:
 * tg_from_f32() and its like (make such tensors before, and write to them by tg_data_mut() between
 * replays), tg_data_mut(), tg_batches_start(), _next(), _read() and _read_as(), tg_manual_seed(),
 * tg_set_rng_state(), tg_optim_set_lr(), tg_release(), tg_checkpoint(), a backward pass with
 * release_since or through a checkpoint, tg_tape_replay(), tg_capture_replay(), another
 * tg_capture_begin(). To rewind to a mark before the capture gives it up; to one inside it is
 * TG_ESTATE. As long as there is a capture, nothing from a mark before it can be released. NULL on
 * an error. */
TG_API tg_capture *tg_capture_begin(tg_tape *tape);
/** Ends the capture and makes it ready. TG_ESTATE: it has ended already, or an operation failed
 * during it (the message says which, and how). The memory of what it noted, intermediate gradients
 * included, lives as long as it. */
TG_API tg_status tg_capture_end(tg_capture *capture);
/** Does again what was done during the capture, into the same tensors: bit for bit what the same
 * calls would do now. Random operations draw again, an optimiser's rate may have changed, and
 * errors that depend on data (a target out of range) are reported, with nothing done after them.
 * Calls no allocator. Afterwards results and gradients can be read; they cannot be differentiated
 * again. TG_ESTATE, before anything is done: the capture is not complete, or the tape was rewound
 * into it; a gradient that the step takes as it finds it (one that it neither drops nor makes
 * itself) is there now and was not then, or the reverse. TG_EVALUE: NULL. */
TG_API tg_status tg_capture_replay(tg_capture *capture);

/** The first error since tg_tape_new() or tg_clear_error(); TG_ENOMEM for a NULL tape. */
TG_API tg_status tg_error(const tg_tape *tape);
/** What happened, as "operation: what it got and what it wanted"; "" without an error. */
TG_API const char *tg_error_message(const tg_tape *tape);
/** Makes the tape usable again; everything recorded before the error is still right. */
TG_API void tg_clear_error(tg_tape *tape);
/** For tg_tape_opts.on_error, with a FILE * for error_context: writes "tinygrad: ", the message and
 * a newline to it. NULL: nothing. */
TG_API void tg_error_print(void *file, tg_status status, const char *message);

/** Seeds the generator: the streams are PyTorch's on the CPU, bit for bit (mt19937; the engine
 * sees the low 32 bits). Forgets a pending normal. Rewinding does not touch the generator. */
TG_API void tg_manual_seed(tg_tape *tape, uint64_t seed);
/** The whole state of the generator, pending normal included, as a new int64 tensor of shape (627)
 * without gradient: a copy, which is not recorded. Its contents are private to
 * tg_set_rng_state(). */
TG_API tg_tensor *tg_rng_state(tg_tape *tape);
/** Goes on from where the generator stood at tg_rng_state(): the same bits are drawn from here on.
 * The values may come from another process; the tensor must be of this tape. Where it is no such
 * state the generator is as it was: TG_EDTYPE for another dtype than int64, TG_ESHAPE for another
 * shape, TG_EVALUE for values that no generator has. */
TG_API tg_status tg_set_rng_state(tg_tape *tape, const tg_tensor *state);
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
 * for indices say TG_I64). TG_EVALUE: low >= high. Recorded. As torch 2.13: widths from 2^28 on
 * take 64-bit draws. */
TG_API tg_tensor *tg_randint(tg_tape *tape, int64_t low, int64_t high, int ndim,
                             const int64_t *dims, int flags);
/** A random permutation of 0 .. n-1, 1-d, any dtype but bool (for indices say TG_I64). Recorded.
 * TG_EVALUE: n < 0, or n larger than the dtype counts exactly. */
TG_API tg_tensor *tg_randperm(tg_tape *tape, int64_t n, int flags);
/** A copy of the caller's row-major array. The dtype is the array's: `flags` may repeat it or
 * leave it out; another one is TG_EDTYPE. `data` may be NULL where the shape has no elements. */
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
 * must outlive the tensor. Call tg_data_mut() when you write to it yourself, so that a backward
 * pass which still needs the old values reports it. */
TG_API tg_tensor *tg_from_blob(tg_tape *tape, void *data, int ndim, const int64_t *dims, int flags);

/** Fills with uniform draws from [low, high), as Tensor.uniform_: fma(u, high - low, low) in the
 * dtype. Recorded. On leaves (with or without gradient) and on results that require none. A fill
 * has no inputs, so a leaf that requires a gradient needs no disabled gradients, unlike in
 * PyTorch. TG_EVALUE: low > high; TG_EDTYPE: not a float tensor; TG_ESTATE: the result of a
 * differentiable operation. */
TG_API void tg_uniform_(tg_tensor *t, double low, double high);
/** Fills with normal draws, as Tensor.normal_. Recorded. TG_EVALUE: std < 0; else as
 * tg_uniform_(). */
TG_API void tg_normal_(tg_tensor *t, double mean, double std);
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
 * @name Looking into tensors
 * @{ */

/** The number of dims; -1 for NULL. */
TG_API int tg_ndim(const tg_tensor *t);
/** The size of one dim; negative dims count from the end. -1, and TG_EVALUE, where there is none.
 */
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
/** Writes the operations recorded since `mark` as a graph for Graphviz (dot -Tsvg): operations as
 * boxes, tensors with dtype and shape; filled blue are leaves that require a gradient, blue what a
 * backward pass goes through. The same program writes the same text in every run. TG_EIO where
 * writing fails; TG_EVALUE for a NULL file; else as tg_tape_replay(). */
TG_API tg_status tg_write_dot(FILE *file, tg_tape *tape, tg_mark mark);

/** @}
 * @name Gradients
 * @{ */

/** Computes the gradient of the one-element tensor `loss` with respect to every leaf that requires
 * one, and adds it to the leaf's tg_grad(). May be called again: gradients accumulate. Where it
 * fails, every gradient is as it was. TG_ESHAPE: more than one element. TG_ESTATE: nothing on the
 * way requires a gradient, or data that the pass reads was changed after it was recorded (the
 * message names tensor and operation). */
TG_API tg_status tg_backward(tg_tensor *loss);
/** Options of tg_backward_with(). */
typedef struct tg_backward_opts {
    /** Record the backward pass as well, so that tg_grad() can be differentiated again. */
    bool create_graph;
    /** Not NULL: give the data of results recorded since this mark back as soon as the pass is
     * through with them, or write a gradient in their place; all but those of `out` (PyTorch's way
     * without retain_graph, which writes over nothing). Another pass that needs them, and whatever
     * else tg_release() makes of using them, is TG_ESTATE, also where this pass fails. TG_EVALUE
     * together with create_graph. See tg_release(). */
    const tg_mark *release_since;
} tg_backward_opts;
/** As tg_backward() for a result of any shape, with the gradient of `out`: a tensor of its shape
 * and dtype, or NULL for a one-element `out` (then 1). */
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

/** Keeps the gradient of an interior tensor as well: tg_grad(t) after later backward passes. Lives
 * as long as t. Nothing to do for leaves. TG_ESTATE where t requires no gradient. */
TG_API tg_status tg_retain_grad(tg_tensor *t);
/** torch.autograd.grad: the gradients of `out` with respect to n chosen tensors (leaves or
 * interior), as new tensors in grads[0..n), without touching any tg_grad(). NULL for an input
 * that `out` does not depend on. grad_out and opts as tg_backward_with(). Errors as
 * tg_backward_with(); then all of grads is NULL. TG_ESTATE: an input that requires no gradient. */
TG_API tg_status tg_gradients(tg_tensor *out, tg_tensor *grad_out, tg_tensor *const *inputs,
                              size_t n, tg_tensor **grads, const tg_backward_opts *opts);
/** Anomaly mode: the first operation whose output, or whose gradient in a backward pass, holds a
 * nan is reported as TG_EVALUE ("log: output element 3 is nan"), and its result is NULL. Infinities
 * may be meant (a mask of -inf before a softmax), and are let through; see tg_set_anomaly_inf().
 * Costs one look at every element. Returns the former setting (false for a NULL tape). */
TG_API bool tg_set_anomaly_enabled(tg_tape *tape, bool enabled);
/** Whether anomaly mode reports infinities as well; at first it does not. Returns the former
 * setting (false for a NULL tape). */
TG_API bool tg_set_anomaly_inf(tg_tape *tape, bool enabled);

/** A function for tg_gradcheck(): n inputs to one output of any shape. */
typedef tg_tensor *(*tg_gradcheck_fn)(tg_tensor *const *inputs, size_t n, void *context);
/** Options of tg_gradcheck(); zero means the default. */
typedef struct tg_gradcheck_opts {
    double eps;        /**< step of the central difference, not 0; default 1e-6 */
    double atol;       /**< default 1e-5 */
    double rtol;       /**< default 1e-3 */
    bool second_order; /**< check the gradients' gradients instead (gradgradcheck) */
} tg_gradcheck_opts;
/** Compares the gradients of fn with central differences, contracted with a random upstream
 * gradient (drawn from a generator of its own). Inputs are contiguous float64 leaves on one tape;
 * those that require a gradient are checked. Their gradients and the tape's generator are left as
 * they were; `fn` must give the same output for the same inputs. It may do what the functions of an
 * operation may (see op.h), and call tg_gradients() with create_graph. TG_ESTATE during a capture.
 * TG_EVALUE: a mismatch; the message says which input, which element and both numbers. */
TG_API tg_status tg_gradcheck(tg_gradcheck_fn fn, void *context, tg_tensor *const *inputs, size_t n,
                              const tg_gradcheck_opts *opts);

/** @}
 * @name Memory
 * A result keeps its data as long as it lives, though a backward pass may never look at them. The
 * first two functions give data back early, for all results recorded since a mark; so does
 * tg_backward_opts.release_since.
 *
 *     for (int i = 0; i < layers; i++) {
 *         tg_mark layer = tg_tape_mark(tape);
 *         x = block(x, i);
 *         tg_checkpoint(tape, layer, &x, 1);
 *     }
 *
 * The memory serves what is computed next (pieces of more than 256 bytes do). Nothing is moved: a
 * pointer to data that stay is as good as before. A tensor whose data are given back still has its
 * sizes, its dtype and its gradient; to look at its data, to compute with it, and to replay from a
 * mark before it is TG_ESTATE. Name what is to be looked at in `keep`: n tensors whose data stay,
 * and with them those of their views. Leaves always keep their data, and so do results with views
 * that were made while recording was off.
 *
 * Errors of both, after which everything is as before: those of tg_tape_rewind() for the mark;
 * TG_EVALUE: a tensor to keep that is NULL or of another tape; TG_ESTATE: one without data.
 * @{ */

/** Gives back the data of all results recorded since `mark` that no backward pass reads: of
 * relu(linear(x)) those of linear, as the gradient of relu is computed from its output. Costs one
 * look at each record, and nothing in the backward pass, which may record itself. */
TG_API tg_status tg_release(tg_tape *tape, tg_mark mark, tg_tensor *const *keep, size_t n);
/** Gives back the data of all results recorded since `mark`; a backward pass that comes to them
 * computes them again, to the same bits, and gives them back once it is through. Records stay
 * (some 100 to 300 bytes each). With a checkpoint every sqrt(n) of n layers, memory for data grows
 * as sqrt(n), for the time of one more forward pass.
 *
 * What cannot be computed again stays: what operations drew (dropout), results that were written to
 * in place, and what in-place operations wrote to (the running statistics of batch_norm, which are
 * not updated twice).
 * TG_ESTATE, before anything is given back: an operation read data that were changed in place
 * since; a part is in a checkpoint already, or was released. In the backward pass TG_ESTATE says
 * that data to compute from were changed since, or that a pass with create_graph comes to a
 * checkpoint. */
TG_API tg_status tg_checkpoint(tg_tape *tape, tg_mark mark, tg_tensor *const *keep, size_t n);

/** What a tape's memory is used for, in bytes. live + cached is what the allocator gave for it. */
typedef struct tg_memory_info {
    size_t live;    /**< in use: objects + data */
    size_t objects; /**< tensors without their data, records, optimisers, lists */
    size_t data;    /**< elements of tensors, of kept gradients and of what operations save */
    size_t cached;  /**< held for later */
    size_t peak;    /**< the most that was in use at once, in backward passes and the workspace of
                         operations as well. Memory that was given back to be used again while later
                         memory was in use counts */
} tg_memory_info;
/** How the tape's memory is used now. All 0 for NULL. */
TG_API tg_memory_info tg_memory(const tg_tape *tape);
/** Counts the peak anew, from what is in use now. */
TG_API void tg_reset_peak_memory(tg_tape *tape);
/** A tensor's data. */
typedef struct tg_memory_holder {
    const tg_tensor *tensor; /**< whose data they are; see tg_sizes(), tg_dtype() */
    size_t bytes;            /**< of its elements */
    const char *op;          /**< the operation that made them; NULL: none, a leaf or a constant */
    bool saved;              /**< what it keeps for its gradient, not its result */
} tg_memory_holder;
/** The k tensors with the most bytes, in falling order, in out[]; returns how many there are, at
 * most k. They are looked for in the records: results that have their data, what operations saved,
 * and what they read. Not among them: kept gradients, the state of optimisers, and tensors that no
 * recorded operation has to do with. Views count once, as what they view. */
TG_API size_t tg_memory_holders(const tg_tape *tape, tg_memory_holder *out, size_t k);
/** Prints both for people to read, with the `k` (at most 64) largest tensors. TG_EIO where writing
 * fails; TG_EVALUE for a NULL file. */
TG_API tg_status tg_print_memory(FILE *file, tg_tape *tape, size_t k);

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
/** |x|; gradient sign(x), 0 at 0. */
TG_API tg_tensor *tg_abs(tg_tensor *x);
/** -1, 0 or 1 (0 for nan, as PyTorch); gradient 0. */
TG_API tg_tensor *tg_sign(tg_tensor *x);
/** x * x. */
TG_API tg_tensor *tg_square(tg_tensor *x);
/** 1 / x. */
TG_API tg_tensor *tg_reciprocal(tg_tensor *x);
/** 1 / sqrt(x). */
TG_API tg_tensor *tg_rsqrt(tg_tensor *x);
/** log(1 + x), accurate near 0. */
TG_API tg_tensor *tg_log1p(tg_tensor *x);
/** e^x - 1, accurate near 0. */
TG_API tg_tensor *tg_expm1(tg_tensor *x);
/** Sine of x radians (libm's). */
TG_API tg_tensor *tg_sin(tg_tensor *x);
/** Cosine of x radians (libm's). */
TG_API tg_tensor *tg_cos(tg_tensor *x);
/** Error function; gradient 2 / sqrt(pi) e^(-x^2). */
TG_API tg_tensor *tg_erf(tg_tensor *x);
/** a^b elementwise, broadcasting (libm's pow). Gradients b a^(b-1), 0 where b is 0; and a^b
 * log(a), 0 where a is 0 and b >= 0. Two integers: TG_EVALUE for a negative exponent. */
TG_API tg_tensor *tg_pow(tg_tensor *a, tg_tensor *b);
/** x^s; gradient s x^(s-1), 0 everywhere for s = 0. Integers stay integers for whole s >= 0. */
TG_API tg_tensor *tg_pow_scalar(tg_tensor *x, double s);
/** min(max(x, low), high); high where low > high. Use -INFINITY or INFINITY for no bound. Gradient
 * 1 from low to high inclusive, 0 outside; nan passes with gradient 0. TG_EVALUE for a nan bound.
 */
TG_API tg_tensor *tg_clamp(tg_tensor *x, double low, double high);
/** The larger of each pair; a tie gives each side half of the gradient; nan wins over numbers. */
TG_API tg_tensor *tg_maximum(tg_tensor *a, tg_tensor *b);
/** The smaller of each pair; as tg_maximum(). */
TG_API tg_tensor *tg_minimum(tg_tensor *a, tg_tensor *b);
/** a where condition (bool, TG_EDTYPE otherwise) holds, else b; all three broadcast. */
TG_API tg_tensor *tg_where(tg_tensor *condition, tg_tensor *a, tg_tensor *b);
/** value where mask (bool) holds, else x; mask broadcasts to x's shape. */
TG_API tg_tensor *tg_masked_fill(tg_tensor *x, tg_tensor *mask, double value);
/** a == b as bool, broadcasting and promoting. Comparisons are not differentiable. */
TG_API tg_tensor *tg_eq(tg_tensor *a, tg_tensor *b);
/** a != b. */
TG_API tg_tensor *tg_ne(tg_tensor *a, tg_tensor *b);
/** a < b. */
TG_API tg_tensor *tg_lt(tg_tensor *a, tg_tensor *b);
/** a <= b. */
TG_API tg_tensor *tg_le(tg_tensor *a, tg_tensor *b);
/** a > b. */
TG_API tg_tensor *tg_gt(tg_tensor *a, tg_tensor *b);
/** a >= b. */
TG_API tg_tensor *tg_ge(tg_tensor *a, tg_tensor *b);
/** x == s as bool. */
TG_API tg_tensor *tg_eq_scalar(tg_tensor *x, double s);
/** x < s. */
TG_API tg_tensor *tg_lt_scalar(tg_tensor *x, double s);
/** x > s. */
TG_API tg_tensor *tg_gt_scalar(tg_tensor *x, double s);
/** Whether both are nonzero, as bool, broadcasting. */
TG_API tg_tensor *tg_logical_and(tg_tensor *a, tg_tensor *b);
/** Whether one is nonzero. */
TG_API tg_tensor *tg_logical_or(tg_tensor *a, tg_tensor *b);
/** Whether x is zero. */
TG_API tg_tensor *tg_logical_not(tg_tensor *x);

/** @}
 * @name Activations
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
/** Sum over several dims: tg_sum_dims(x, TG_DIMS(0, 2), true). All dims where n is 0. TG_EVALUE
 * for a dim given twice; so for all functions on several dims. */
TG_API tg_tensor *tg_sum_dims(tg_tensor *x, int n, const int64_t *dims, bool keepdim);
/** Mean over several dims. */
TG_API tg_tensor *tg_mean_dims(tg_tensor *x, int n, const int64_t *dims, bool keepdim);
/** Variance of all elements, divided by their number - 1; nan for fewer than two. */
TG_API tg_tensor *tg_var(tg_tensor *x);
/** Variance over one dim, divided by its size - 1. */
TG_API tg_tensor *tg_var_dim(tg_tensor *x, int dim, bool keepdim);
/** Variance over several dims, divided by max(0, number - correction): 1 is unbiased, 0 is not. */
TG_API tg_tensor *tg_var_dims(tg_tensor *x, int n, const int64_t *dims, double correction,
                              bool keepdim);
/** Square root of tg_var(); gradient 0 where it is 0. */
TG_API tg_tensor *tg_std(tg_tensor *x);
/** Square root of tg_var_dim(). */
TG_API tg_tensor *tg_std_dim(tg_tensor *x, int dim, bool keepdim);
/** Square root of tg_var_dims(). */
TG_API tg_tensor *tg_std_dims(tg_tensor *x, int n, const int64_t *dims, double correction,
                              bool keepdim);
/** The largest element; nan wins. Ties share the gradient evenly. TG_ESHAPE for an empty tensor. */
TG_API tg_tensor *tg_max(tg_tensor *x);
/** The smallest element; as tg_max(). */
TG_API tg_tensor *tg_min(tg_tensor *x);
/** The largest along one dim; the first of equals (nan before numbers) gets all of the gradient.
 * The indices are tg_argmax_dim(). TG_ESHAPE for a dim of size 0. */
TG_API tg_tensor *tg_max_dim(tg_tensor *x, int dim, bool keepdim);
/** The smallest along one dim; as tg_max_dim(). */
TG_API tg_tensor *tg_min_dim(tg_tensor *x, int dim, bool keepdim);
/** The largest over several dims (all where n is 0). Ties, nans too, share the gradient evenly. */
TG_API tg_tensor *tg_amax(tg_tensor *x, int n, const int64_t *dims, bool keepdim);
/** The smallest over several dims; as tg_amax(). */
TG_API tg_tensor *tg_amin(tg_tensor *x, int n, const int64_t *dims, bool keepdim);
/** The row-major index (int64) of the largest element: the first of equals, nan before numbers.
 * Not differentiable. TG_ESHAPE for an empty tensor. */
TG_API tg_tensor *tg_argmax(tg_tensor *x);
/** As tg_argmax() for the smallest; a nan counts as smallest too. */
TG_API tg_tensor *tg_argmin(tg_tensor *x);
/** The index of the largest along one dim. */
TG_API tg_tensor *tg_argmax_dim(tg_tensor *x, int dim, bool keepdim);
/** The index of the smallest along one dim. */
TG_API tg_tensor *tg_argmin_dim(tg_tensor *x, int dim, bool keepdim);
/** log of the sum of e^x over all elements; -inf for none. Integers and bools as float32. */
TG_API tg_tensor *tg_logsumexp(tg_tensor *x);
/** log of the sum of e^x along one dim, without overflow. */
TG_API tg_tensor *tg_logsumexp_dim(tg_tensor *x, int dim, bool keepdim);
/** The same over several dims (all where n is 0). */
TG_API tg_tensor *tg_logsumexp_dims(tg_tensor *x, int n, const int64_t *dims, bool keepdim);
/** (sum of |x|^p)^(1/p) over all elements; p = INFINITY is the largest |x|. p > 0 (TG_EVALUE).
 * Gradient 0 at 0 for p = 2. */
TG_API tg_tensor *tg_norm(tg_tensor *x, double p);
/** The same over several dims (all where n is 0). */
TG_API tg_tensor *tg_norm_dims(tg_tensor *x, double p, int n, const int64_t *dims, bool keepdim);
/** Running sums along one dim. Integers and bools give int64. */
TG_API tg_tensor *tg_cumsum(tg_tensor *x, int dim);

/** @}
 * @name Shape
 * @{ */

/** The same elements in another shape; one size may be -1. A view where the strides allow it, else
 * a copy. TG_ESHAPE where the number of elements differs. */
TG_API tg_tensor *tg_reshape(tg_tensor *x, int ndim, const int64_t *dims);
/** A view with two dims exchanged. */
TG_API tg_tensor *tg_transpose(tg_tensor *x, int dim0, int dim1);
/** A view in which dims of size 1 are stretched (stride 0) and new ones lead; -1 keeps a size. */
TG_API tg_tensor *tg_expand(tg_tensor *x, int ndim, const int64_t *dims);
/** x itself where it is contiguous, else a contiguous copy. */
TG_API tg_tensor *tg_contiguous(tg_tensor *x);
/** x itself where it has that dtype, else a converted copy. Float to int64 truncates; float to
 * bool is x != 0. Differentiable between floats. */
TG_API tg_tensor *tg_to(tg_tensor *x, int dtype);

/** A view with the dims in another order: result dim i is dim dims[i] of x. */
TG_API tg_tensor *tg_permute(tg_tensor *x, int ndim, const int64_t *dims);
/** A view without dims of size 1. */
TG_API tg_tensor *tg_squeeze(tg_tensor *x);
/** A view without that dim where its size is 1, else x as it is. */
TG_API tg_tensor *tg_squeeze_dim(tg_tensor *x, int dim);
/** A view with a dim of size 1 put in before `dim` (from -(ndim + 1) to ndim). */
TG_API tg_tensor *tg_unsqueeze(tg_tensor *x, int dim);
/** Joins dims first to last into one; a view where the strides allow it. */
TG_API tg_tensor *tg_flatten(tg_tensor *x, int first, int last);
/** A view of `length` elements along dim from `start` on. TG_EVALUE where they are not all there.
 */
TG_API tg_tensor *tg_narrow(tg_tensor *x, int dim, int64_t start, int64_t length);
/** A view of every step-th element along dim from start to, without, end: x[start:end:step].
 * Negative bounds count from the end; bounds are cut to the size, INT64_MAX means to the end.
 * step > 0. */
TG_API tg_tensor *tg_slice(tg_tensor *x, int dim, int64_t start, int64_t end, int64_t step);
/** A view of one index along dim (negative: from the end), without that dim. */
TG_API tg_tensor *tg_select(tg_tensor *x, int dim, int64_t index);
/** n tensors of one dtype one after the other along dim; other sizes must be equal. Tensors of
 * shape (0) are skipped. */
TG_API tg_tensor *tg_cat(tg_tensor *const *tensors, size_t n, int dim);
/** n tensors of one shape along a new dim. For n = 0 both are NULL, without an error: there is no
 * tape to report it to. */
TG_API tg_tensor *tg_stack(tg_tensor *const *tensors, size_t n, int dim);
/** Splits x along dim into at most `chunks` views of equal size (the last may be smaller), writes
 * them to out[] and returns their number; 0 on an error. */
TG_API size_t tg_chunk(tg_tensor *x, size_t chunks, int dim, tg_tensor **out);
/** out[i][j][k] = x[i][index[i][j][k]][k] for dim 1. index is int64, of x's rank, and no larger
 * than x in other dims. Gradients of repeated elements add up. TG_EVALUE: an index outside [0,
 * size). */
TG_API tg_tensor *tg_gather(tg_tensor *x, int dim, tg_tensor *index);
/** The entries along dim that a 1-d int64 index names, in its order. Errors as tg_gather(). */
TG_API tg_tensor *tg_index_select(tg_tensor *x, int dim, tg_tensor *index);
/** Rows of weight (V, D) by int64 indices of any shape: result index.shape + (D). padding_idx: a
 * row that gets no gradient; negative ones count from the end, TG_NO_PADDING is none. */
TG_API tg_tensor *tg_embedding(tg_tensor *weight, tg_tensor *index, int64_t padding_idx);
/** For tg_embedding(). */
#define TG_NO_PADDING INT64_MIN
/** The lower triangle of the last two dims: 0 above the given diagonal (0: the main one). */
TG_API tg_tensor *tg_tril(tg_tensor *x, int64_t diagonal);
/** The upper triangle: 0 below the given diagonal. */
TG_API tg_tensor *tg_triu(tg_tensor *x, int64_t diagonal);
/** A contiguous copy. */
TG_API tg_tensor *tg_clone(tg_tensor *x);

/** @}
 * @name In-place updates
 * Recorded (a replay writes again), not differentiable: TG_ESTATE where gradients are enabled and t
 * or the source requires one; disable them with tg_set_grad_enabled(). A write bumps the version of
 * t and of all views that share its data.
 * @{ */

/** t = source, broadcast and converted to t's dtype. */
TG_API tg_status tg_copy_(tg_tensor *t, tg_tensor *source);
/** t = t + alpha * source; source broadcasts to t and has its dtype. */
TG_API tg_status tg_add_(tg_tensor *t, tg_tensor *source, double alpha);
/** t = value everywhere. It has no inputs, and so may be done to a leaf that requires a gradient
 * without disabling gradients, as tg_uniform_(). TG_EVALUE: int64 cannot hold the value. */
TG_API tg_status tg_fill_(tg_tensor *t, double value);

/** @}
 * @name Linear algebra
 * @{ */

/** Matrix product by PyTorch's rules: (n)(n) is 0-d; (m,k)(k) and (k)(k,n) are 1-d; (m,k)(k,n) is
 * (m,n); more dims are batches and broadcast. Both of one float dtype (TG_EDTYPE). k = 0 gives
 * zeros. Each element is a chain of fused multiply-adds in order of k. */
TG_API tg_tensor *tg_matmul(tg_tensor *a, tg_tensor *b);
/** x W^T + b: x (..., in), weight (out, in), bias (out) or NULL; result (..., out). */
TG_API tg_tensor *tg_linear(tg_tensor *x, tg_tensor *weight, tg_tensor *bias);

/** @}
 * @name Layers
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

/** Options of the poolings; the second entries as in tg_conv_opts. */
typedef struct tg_pool_opts {
    int64_t kernel[2];   /**< window; required */
    int64_t stride[2];   /**< default: the window */
    int64_t padding[2];  /**< at most half the window */
    int64_t dilation[2]; /**< default 1; max pooling only */
} tg_pool_opts;
/** The largest of each window of (N, C, L) or (C, L); the first of equals gets the gradient, nan
 * wins (the first of several; PyTorch: the last). A window of nothing but -inf gives its
 * gradient to the padding, where it has any. */
TG_API tg_tensor *tg_max_pool1d(tg_tensor *x, const tg_pool_opts *opts);
/** The largest of each window of (N, C, H, W) or (C, H, W). */
TG_API tg_tensor *tg_max_pool2d(tg_tensor *x, const tg_pool_opts *opts);
/** The mean of each window (padding counts, as by PyTorch's default). */
TG_API tg_tensor *tg_avg_pool1d(tg_tensor *x, const tg_pool_opts *opts);
/** The mean of each window in two dims. */
TG_API tg_tensor *tg_avg_pool2d(tg_tensor *x, const tg_pool_opts *opts);

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
 * double, float64 in double-double; more accurate than PyTorch on purpose. Rows with infinite or
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
 * @name Losses
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

/** @}
 * @name Data
 * Minibatches over arrays of n samples in the caller's memory, one row a sample.
 *
 *     tg_batches *b = tg_batches_new(tape, n, 64, &(tg_batches_opts){.shuffle = true});
 *     tg_tensor *x = tg_zeros(tape, TG_DIMS(64, 784), TG_F32);
 *     tg_tensor *y = tg_zeros(tape, TG_DIMS(64), TG_I64);
 *     tg_mark step = tg_tape_mark(tape);
 *     for (int epoch = 0; epoch < 10; epoch++) {
 *         tg_batches_start(b);
 *         while (tg_batches_next(b)) {
 *             tg_tape_rewind(tape, step);
 *             tg_batches_read(b, images, x);
 *             tg_batches_read(b, labels, y);
 *             tg_tensor *input = tg_narrow(x, 0, 0, tg_batches_size(b));
 *             tg_tensor *target = tg_narrow(y, 0, 0, tg_batches_size(b));
 *             ...
 *
 * The object is made before the loop's mark; then nothing is allocated in any epoch. TG_ESTATE,
 * from all functions: it was rewound away.
 * @{ */

/** Options of tg_batches_new(); zero means the default. */
typedef struct tg_batches_opts {
    bool shuffle;   /**< a new random order each epoch; default: 0 .. n-1 */
    bool drop_last; /**< leave out a last batch that is not full */
} tg_batches_opts;
/** Batches of `batch` > 0 of n >= 0 samples; the order (8 n bytes) is allocated here. `opts` may be
 * NULL. TG_EVALUE for sizes out of range. */
TG_API tg_batches *tg_batches_new(tg_tape *tape, int64_t n, int64_t batch,
                                  const tg_batches_opts *opts);
/** Begins an epoch, before its first batch; the one before may be left unfinished. With `shuffle`
 * draws the order from the tape's generator: the batches are torch.randperm(n).split(batch). Not
 * recorded. */
TG_API tg_status tg_batches_start(tg_batches *batches);
/** Moves on to the next batch. false: the epoch is over, or there is an error. TG_ESTATE: no epoch
 * was ever started. */
TG_API bool tg_batches_next(tg_batches *batches);
/** The samples in the present batch: `batch`, or fewer in the last one; 0 where there is none. */
TG_API int64_t tg_batches_size(const tg_batches *batches);
/** Their indices; NULL, without an error, where there is no batch. Valid until the next
 * tg_batches_start(). */
TG_API const int64_t *tg_batches_indices(const tg_batches *batches);
/** Copies the present batch's rows of a row-major array of n rows into the first rows of `into`:
 * row i is the array's row indices[i]. A row has the shape of into's dims after the first, and
 * into's dtype: nobody can see whether that is so, and int labels for an int64 tensor are misread;
 * tg_batches_read_as() converts them. Rows after a short batch's are left alone. The version is
 * bumped. The copy is not recorded: read again before tg_tape_replay(). TG_ESHAPE: `into` has no
 * dims, or fewer rows than the batch. TG_ESTATE: there is no batch; `into` requires a gradient or
 * is not contiguous. TG_EVALUE: `array` or `into` is NULL, or `into` of another tape. */
TG_API tg_status tg_batches_read(const tg_batches *batches, const void *array, tg_tensor *into);
/** The same from an array of another type, aligned for it, whose elements are converted to into's
 * dtype: `int` or `uint8_t` labels into an int64 tensor, bytes of images into a float one.
 *
 *     tg_batches_read_as(b, labels, TG_ARRAY_I32, y);
 *
 * Errors as tg_batches_read(); TG_EVALUE also, with `into` as it was, where its dtype does not hold
 * a value (see tg_array_type; the message names the array's row), or for an unknown type. */
TG_API tg_status tg_batches_read_as(const tg_batches *batches, const void *array,
                                    tg_array_type type, tg_tensor *into);

/** @}
 * @name Parameters
 * A list of tensors under names, in the order in which they were added: what a model is to an
 * optimiser, and to a file that it is saved in. It holds tensors, not their data: a tensor's
 * lifetime is its own. Any tensor of the tape may be listed (buffers such as running means too),
 * and the same one under several names. TG_ESTATE, from all functions: the list was rewound away,
 * or has grown since a mark that the tape was rewound to.
 * @{ */

/** An empty list. */
TG_API tg_params *tg_params_new(tg_tape *tape);
/** Appends t under a name that is formatted as by printf, and returns t, so that a tensor can be
 * made and listed in one line; NULL where it is not listed.
 *
 *     tg_tensor *w = tg_params_add(list, tg_zeros(tape, TG_DIMS(3), TG_REQUIRES_GRAD),
 *                                  "layer%d.weight", i);
 *
 * TG_EVALUE: a name that is empty, longer than 95 bytes or listed already; t is NULL or of another
 * tape. */
TG_API tg_tensor *tg_params_add(tg_params *params, tg_tensor *t, const char *format, ...)
#if defined(__GNUC__)
    __attribute__((format(printf, 3, 4)))
#endif
    ;
/** How many there are; 0 for NULL. */
TG_API size_t tg_params_count(const tg_params *params);
/** The name of number i, valid until the next tg_params_add(); NULL, without an error, where there
 * is none. */
TG_API const char *tg_params_name(const tg_params *params, size_t i);
/** Number i; NULL, without an error, where there is none. */
TG_API tg_tensor *tg_params_tensor(const tg_params *params, size_t i);
/** The tensor of that name; NULL, without an error, where there is none. */
TG_API tg_tensor *tg_params_find(const tg_params *params, const char *name);
/** All tensors as an array of tg_params_count(), in the order of the names; valid until the next
 * tg_params_add(). NULL for an empty list. */
TG_API tg_tensor *const *tg_params_tensors(const tg_params *params);
/** The tensors as an array of tg_params_unique_count(), for tg_sgd() and the like: one that is
 * listed under several names (tied weights) stands in it once, where it was listed first. Valid
 * until the next tg_params_add(). NULL for an empty list. */
TG_API tg_tensor *const *tg_params_unique(const tg_params *params);
/** How many different tensors there are; 0 for NULL. */
TG_API size_t tg_params_unique_count(const tg_params *params);
/** tg_zero_grad() for each of them. */
TG_API void tg_params_zero_grad(const tg_params *params);

/** @}
 * @name Optimisers
 * Made over leaves (TG_ESTATE for other tensors). They live in the tape like tensors, with all
 * their state: a step allocates nothing. Parameters without a gradient are skipped. Options are
 * finite numbers (TG_EVALUE for others); where 0 itself is meant and not the default, TG_ZERO says
 * it.
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
/** Options of tg_adam() and tg_adamw(); zero means the default. */
typedef struct tg_adam_opts {
    double lr;           /**< learning rate >= 0; default 1e-3 */
    double beta1;        /**< of the gradient's average, in [0, 1); default 0.9 */
    double beta2;        /**< of its square's average, in [0, 1); default 0.999 */
    double eps;          /**< added to the root >= 0; default 1e-8 */
    double weight_decay; /**< >= 0; default 0 for Adam, 1e-2 for AdamW */
    bool amsgrad;        /**< divide by the largest average of squares so far */
    bool maximize;       /**< ascend */
} tg_adam_opts;
/** torch.optim.Adam, its single-tensor update on the CPU rounding for rounding; but square roots
 * are rounded correctly, where PyTorch's may be the next number (and steps are counted in int64).
 * Weight decay is an L2 penalty in the gradient. Errors as tg_sgd(). */
TG_API tg_optim *tg_adam(tg_tape *tape, tg_tensor *const *params, size_t n,
                         const tg_adam_opts *opts);
/** torch.optim.AdamW: as tg_adam(), but weight decay shrinks the parameter by 1 - lr *
 * weight_decay. */
TG_API tg_optim *tg_adamw(tg_tape *tape, tg_tensor *const *params, size_t n,
                          const tg_adam_opts *opts);
/** Options of tg_rmsprop(); zero means the default. */
typedef struct tg_rmsprop_opts {
    double lr;           /**< learning rate >= 0; default 1e-2 */
    double alpha;        /**< of the square's average >= 0; default 0.99 */
    double eps;          /**< added to the root >= 0; default 1e-8 */
    double weight_decay; /**< L2 penalty >= 0 */
    double momentum;     /**< >= 0 */
    bool centered;       /**< divide by an estimate of the standard deviation */
    bool maximize;       /**< ascend */
} tg_rmsprop_opts;
/** torch.optim.RMSprop, as exactly as tg_adam(). Errors as tg_sgd(). */
TG_API tg_optim *tg_rmsprop(tg_tape *tape, tg_tensor *const *params, size_t n,
                            const tg_rmsprop_opts *opts);
/** Options of tg_adagrad(); zero means the default. */
typedef struct tg_adagrad_opts {
    double lr;                        /**< learning rate >= 0; default 1e-2 */
    double lr_decay;                  /**< >= 0: step k takes lr / (1 + (k - 1) lr_decay) */
    double weight_decay;              /**< L2 penalty >= 0 */
    double initial_accumulator_value; /**< where the sum of squares starts, >= 0 */
    double eps;                       /**< added to the root >= 0; default 1e-10 */
    bool maximize;                    /**< ascend */
} tg_adagrad_opts;
/** torch.optim.Adagrad, as exactly as tg_adam(). Errors as tg_sgd(). */
TG_API tg_optim *tg_adagrad(tg_tape *tape, tg_tensor *const *params, size_t n,
                            const tg_adagrad_opts *opts);

/** Updates every parameter that has a gradient, in place; its version is bumped. TG_EVALUE, with
 * nothing changed, where a learning rate or a count of steps is none: tensors of tg_optim_state()
 * were written to. */
TG_API tg_status tg_optim_step(tg_optim *optim);
/** tg_zero_grad() for every parameter. */
TG_API void tg_optim_zero_grad(tg_optim *optim);
/** Sets the learning rate of all groups; 0 is 0 here. TG_EVALUE where it is negative or not
 * finite. */
TG_API void tg_optim_set_lr(tg_optim *optim, double lr);
/** Adds more parameters with a learning rate of their own (0 is 0 here) and the optimiser's other
 * options. What the optimiser was made over is group 0, the first one added is group 1. Errors as
 * tg_sgd(). The optimiser is lost (TG_ESTATE) where the tape is rewound past its last group. */
TG_API tg_status tg_optim_add_group(tg_optim *optim, tg_tensor *const *params, size_t n, double lr);
/** Sets one group's learning rate. TG_EVALUE as tg_optim_set_lr(), or where there is no such
 * group. */
TG_API void tg_optim_set_group_lr(tg_optim *optim, size_t group, double lr);
/** A group's learning rate; nan, and TG_EVALUE, where there is no such group. */
TG_API double tg_optim_lr(const tg_optim *optim, size_t group);
/** Appends all of the optimiser's state to a list, as the tensors that it works with, for saving.
 * Values copied into them (tg_data_mut(), or tg_copy_() while gradients are disabled) restore the
 * optimiser exactly. Names, behind `prefix` (NULL: ""), are PyTorch's behind the parameter's
 * number counted over all groups: "0.exp_avg" (exp_avg_sq, max_exp_avg_sq, momentum_buffer,
 * square_avg, grad_avg, sum) and "0.step" (int64, 0-d) for each parameter, where there is a state;
 * and "group0.lr" (float64, 0-d). Where it fails, the list is as it was. */
TG_API tg_status tg_optim_state(tg_optim *optim, tg_params *list, const char *prefix);

/** torch.nn.utils.clip_grad_norm_: multiplies the gradients of n tensors, in place, by max_norm /
 * (total + 1e-6) where that is below 1, and returns `total`, the norm that they had together. Call
 * it between tg_backward() and tg_optim_step(). The norm is computed in double, so that float32
 * gradients do not overflow it as PyTorch's. norm_type p gives (sum of |g|^p)^(1/p); 0 means 2,
 * INFINITY the largest magnitude. A tensor listed several times (tied weights) counts once. A norm
 * of nan makes all gradients nan; an infinite one makes them 0, infinite ones nan. Tensors without
 * a gradient are skipped; without any the norm is 0. A gradient made with create_graph stops being
 * one that can be differentiated. Returns nan on an error. TG_EVALUE: max_norm or norm_type
 * negative or nan, a NULL tensor, tensors of two tapes; TG_ESTATE: one that was rewound away. */
TG_API double tg_clip_grad_norm(tg_tensor *const *params, size_t n, double max_norm,
                                double norm_type);
/** torch.nn.utils.clip_grad_value_: brings every element of the gradients of n tensors into
 * [-value, value]; nan stays. For the rest as tg_clip_grad_norm(). TG_EVALUE: value negative or
 * nan. */
TG_API tg_status tg_clip_grad_value(tg_tensor *const *params, size_t n, double value);

/** @}
 * @name Learning rates
 * As functions of a step counted from 0, without any state: tg_optim_set_lr(optim,
 * tg_lr_cosine(0.1, step, 1000, 0)) before each tg_optim_step(), or with the epoch for the step.
 * They are closed forms of torch.optim.lr_scheduler's; PyTorch's own, which go from one step to the
 * next, agree to about 1e-12 of the largest rate. `base` is the rate that the schedule scales. They
 * return nan, which tg_optim_set_lr() reports, for a negative step and for a step_size, t_max or
 * total_steps below 1.
 * @{ */

/** StepLR: base * gamma^(step / step_size), the quotient rounded down. */
TG_API double tg_lr_step(double base, int64_t step, int64_t step_size, double gamma);
/** MultiStepLR: base * gamma^k, where k of the n milestones, in any order, are <= step. */
TG_API double tg_lr_multi_step(double base, int64_t step, const int64_t *milestones, size_t n,
                               double gamma);
/** ExponentialLR: base * gamma^step. */
TG_API double tg_lr_exponential(double base, int64_t step, double gamma);
/** CosineAnnealingLR: eta_min + (base - eta_min) (1 + cos(pi step / t_max)) / 2. It rises again
 * after t_max. */
TG_API double tg_lr_cosine(double base, int64_t step, int64_t t_max, double eta_min);
/** LinearLR, for a warm-up: base times a factor that goes from start_factor to end_factor in
 * total_steps steps and stays there. */
TG_API double tg_lr_linear(double base, int64_t step, double start_factor, double end_factor,
                           int64_t total_steps);
/** Options of tg_lr_one_cycle(); zero means the default. */
typedef struct tg_one_cycle_opts {
    double max_lr;           /**< the largest rate; default 0 */
    int64_t total_steps;     /**< >= 1; no default */
    double pct_start;        /**< the part of the steps that rises, in (0, 1]; default 0.3 */
    double div_factor;       /**< the first rate is max_lr / div_factor; default 25 */
    double final_div_factor; /**< the last is the first / final_div_factor; default 1e4 */
    bool linear;             /**< straight lines instead of cosines */
    bool three_phase;        /**< down to the first rate as fast as up, then to the last */
} tg_one_cycle_opts;
/** OneCycleLR's rate (PyTorch cycles the momentum as well): up to max_lr, then down until step
 * total_steps - 1, and the same from then on. Nan for pct_start out of its range, or no options. */
TG_API double tg_lr_one_cycle(int64_t step, const tg_one_cycle_opts *opts);

/** @}
 * @name Profile
 * Where the time of a program goes: a table with a row for each operation, by name, in each phase.
 * It goes on through rewinds, captures and replays, and is the same for a step that runs and for
 * one that is replayed. What has a row is what computes: operations, constants filled (zeros,
 * ones), what a backward pass does beside operations (copy_grad, accumulate, keep_grad), optimisers
 * and clipping. Views compute nothing, and have none.
 *
 *     tg_set_profile_enabled(tape, true);
 *     ... some steps ...
 *     tg_print_profile(stdout, tape);
 * @{ */

/** When something ran. tg_tape_replay() is forward, whatever it runs. */
typedef enum tg_phase {
    TG_PHASE_FORWARD = 0, /**< outside of a backward pass */
    TG_PHASE_BACKWARD,    /**< in one: mostly the operations that tg_op.backward calls */
    TG_PHASE_STEP         /**< optim_step, clip_grad_norm, clip_grad_value, zero_grad */
} tg_phase;

/** Rows of operations by name; what there is no row left for is summed in one more row, "others",
 * for each phase. */
enum { TG_PROFILE_ROWS = 256 };

/** One row: sums over all calls. A plain value: copy it, drop it. */
typedef struct tg_profile_row {
    char name[48];       /**< of the operation, as in error messages; cut to 47 bytes */
    tg_phase phase;      /**< in which it ran */
    int64_t calls;       /**< at least 1; failed ones count */
    int64_t nanoseconds; /**< the calling thread's wall time. A look at the clock, 20 to 25 ns,
                              is in each call's: more than the smallest operations take */
    int64_t bytes;       /**< an estimate of memory traffic (not of memory allocated): each input
                              read once, expanded ones as they lie in memory; output and what is
                              saved for the backward pass written once */
    double share;        /**< of the time of all rows, 0 to 1 */
} tg_profile_row;

/** Turns the profiler on or off and returns the former setting (false for a NULL tape). What was
 * measured stays. Off, the profiler costs one branch an operation; on, about 50 ns. The first time
 * it is turned on takes the table from the allocator, about 23 KB; TG_ENOMEM: it stays off. */
TG_API bool tg_set_profile_enabled(tg_tape *tape, bool enabled);
/** The number of rows in use; the first n of them go into `rows`, longest time first. With n 0
 * `rows` may be NULL. 0 where nothing was measured. */
TG_API size_t tg_profile(const tg_tape *tape, tg_profile_row *rows, size_t n);
/** Empties the table. */
TG_API void tg_clear_profile(tg_tape *tape);
/** Writes all rows as a table, in the order of tg_profile(), and a line with the totals. TG_EIO
 * where writing fails; TG_EVALUE for a NULL file. */
TG_API tg_status tg_print_profile(FILE *file, tg_tape *tape);

/** @} */

#ifdef __cplusplus
}
#endif
#endif

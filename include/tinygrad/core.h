/* SPDX-License-Identifier: MIT */
/** @file core.h
 * The tape, its errors and its generator; making tensors and looking into their data; gradients;
 * memory given back early. All other chapters stand on this one. */
#ifndef TINYGRAD_CORE_H
#define TINYGRAD_CORE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

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

/** Marks what the shared library exports. Who builds the sources may define it before, as
 * nothing for example; tinygrad's own build does so where it makes static libraries alone. */
#ifndef TG_API
#if defined(__GNUC__)
#define TG_API __attribute__((visibility("default")))
#else
#define TG_API
#endif
#endif

/** A function whose argument number `n`, from 1 on, is a format as printf's, with what it formats
 * behind it: compilers check both. */
#if defined(__MINGW32__) /* whose "printf" is that of Microsoft's first C library */
#define TG_PRINTF(n) __attribute__((format(gnu_printf, n, n + 1)))
#elif defined(__GNUC__)
#define TG_PRINTF(n) __attribute__((format(printf, n, n + 1)))
#else
#define TG_PRINTF(n)
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

/** @defgroup tinygrad_types Types
 * @ingroup tinygrad_core
 * @{ */

/** Owner of memory, recorded operations, the generator and the error state. */
typedef struct tg_tape tg_tape;
/** An n-dimensional array with strides, of one dtype; knows its tape. At most TG_MAX_NDIM dims. */
typedef struct tg_tensor tg_tensor;
/** A step of a program, kept to be run again; lives in the tape like a tensor. */
typedef struct tg_capture tg_capture;
/** A named list of tensors, see train.h; lives in the tape like a tensor. */
typedef struct tg_params tg_params;

/** A position on a tape. A plain value: copy it, drop it. Its fields are private. */
typedef struct tg_mark {
    const void *at[7]; /**< private */
    uint64_t epoch;    /**< private */
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

/** Flags of a creation function: one dtype, and TG_REQUIRES_GRAD (float dtypes only) or'ed to it.
 * TG_F32 is 0, so that flags 0 mean a float32 tensor without gradient. */
enum { TG_F32 = 0, TG_F64 = 1, TG_I64 = 2, TG_BOOL = 3, TG_REQUIRES_GRAD = 0x100 };

/** When something ran, for the profile (see look.h). Replays keep the phase of what they run. */
typedef enum tg_phase {
    TG_PHASE_FORWARD = 0, /**< outside of a backward pass */
    TG_PHASE_BACKWARD,    /**< in one: mostly the operations that tg_op.backward calls */
    TG_PHASE_STEP         /**< optim_step, clip_grad_norm, clip_grad_value, zero_grad */
} tg_phase;

/** Rows of operations by name; what there is no row left for is summed in one more row, "others",
 * for each phase. */
enum { TG_PROFILE_ROWS = 256 };

/** One row of the profile: sums over all calls. A plain value: copy it, drop it. */
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

/** @}
 * @defgroup tinygrad_tape The tape
 * @ingroup tinygrad_core
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
     * together; every byte the library uses comes from here. Memory whose addresses have bits that
     * handles use for themselves (from bit 48 on, see tinygrad.h) is given back and counts as NULL. */
    void *(*alloc)(void *context, size_t size);
    /** Takes back what alloc returned, with the same size. Default: free. */
    void (*free)(void *context, void *memory, size_t size);
    /** Passed to both. */
    void *context;
    /** Bytes of the first block of memory, see block_growth. Default: 16 KiB. */
    size_t block_size;
    /** The instruction set; one that the machine lacks becomes the best it has. Default: what the
     * environment variable TINYGRAD_ISA names (base, v3, v4), else the best. */
    tg_isa isa;
    /** Threads for large operations, the calling one included; at most 64. Results have the same bits
     * for any number. They are started when first needed and end with the tape; a child by fork() goes
     * on with threads of its own, and with fewer where the system gives fewer. Default: the
     * environment variable OMP_NUM_THREADS, else the processors that the process may use. */
    int threads;
    /** Called once when an error is set, with what tg_error() and tg_error_message() are going to
     * say; tg_error_print() is one to put here. It must return, and not call the tape: inside it
     * every call that would change something, tg_clear_error() and tg_tape_free() too, does nothing
     * and is TG_ESTATE. `message` is valid until it returns. Default: none. */
    void (*on_error)(void *error_context, tg_status status, const char *message);
    /** Passed to on_error. */
    void *error_context;
    /** How many times as large as the one before each block is. 1 leaves the least memory over, where
     * there is little of it; the default, 2, makes the fewest blocks. */
    int block_growth;
} tg_tape_opts;

/** A new tape, seeded with 0; NULL where memory is out, or where the library was built without kernels
 * for this processor (TINYGRAD_ISAS). `opts` may be NULL.
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
 * rewound past the mark already. TG_EVALUE: another tape's mark, also where that was freed and this
 * one has come to stand at its address. */
TG_API tg_status tg_tape_rewind(tg_tape *tape, tg_mark mark);
/** Runs all operations recorded since `mark` again, in order, into the same tensors; random ones
 * draw anew. Afterwards tg_backward() works on the new values. What was done while gradients were
 * disabled is not on the tape and does not run; of a captured step, neither do its passes, dropped
 * and clipped gradients and steps of optimisers. Errors as tg_tape_rewind(), and what the operations
 * report (a target out of range). */
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
 * replays), tg_data_mut(), tg_batches_start(), _next(), _narrow(), _read() and its like,
 * tg_manual_seed(), tg_set_rng_state(), tg_optim_set_lr(), tg_release(), tg_checkpoint(), a
 * backward pass with release_since or through a checkpoint, tg_tape_replay(), tg_capture_replay(),
 * another tg_capture_begin(). To rewind to a mark before the capture gives it up; to one inside it is
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
 * Calls no allocator, but perhaps for tensors that forward functions of your own make. Afterwards
 * results and gradients can be read; they cannot be differentiated again. TG_ESTATE, before anything
 * is done: the capture is not complete, or the tape was rewound into it; a gradient that the step
 * takes as it finds it (one that it neither drops nor makes itself) is there now and was not then,
 * or the reverse. TG_EVALUE: NULL. */
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
 * @defgroup tinygrad_making Making tensors
 * @ingroup tinygrad_core
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
/** `steps` numbers from start to end, both included, evenly spaced: step i is computed from the nearer
 * end, in double, and rounded (int64: truncated) once. TG_EVALUE: steps < 0, or a bound that is not
 * finite. Bool: TG_EDTYPE. */
TG_API tg_tensor *tg_linspace(tg_tape *tape, double start, double end, int64_t steps, int flags);
/** Ones on the diagonal of a matrix of zeros (rows, columns), in any dtype. */
TG_API tg_tensor *tg_eye(tg_tape *tape, int64_t rows, int64_t columns, int flags);
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
/** A copy of the caller's row-major array of elements of another type, aligned for it, converted to
 * the flags' dtype.
 *
 *     tg_tensor *y = tg_from_array(tape, labels, TG_ARRAY_I32, TG_DIMS(n), TG_I64);
 *
 * TG_EVALUE: a value that the dtype does not hold (see tg_array_type), an unknown type, or `data` is
 * NULL where the shape has elements. */
TG_API tg_tensor *tg_from_array(tg_tape *tape, const void *data, tg_array_type type, int ndim,
                                const int64_t *dims, int flags);
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

/** @}
 * @defgroup tinygrad_looking Looking into tensors
 * @ingroup tinygrad_core
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
/** The same memory for writing, to be asked for anew for each time of writing. Bumps the version: a
 * backward pass that needs the old values will fail instead of giving a wrong gradient, and an
 * optimiser looks for what was written. NULL and TG_ESTATE where t is not contiguous. */
TG_API void *tg_data_mut(tg_tensor *t);
/** The value of a one-element tensor as a double; nan, and TG_ESHAPE, for other sizes. */
TG_API double tg_item(const tg_tensor *t);
/** The tape that a tensor belongs to; NULL for NULL. */
TG_API tg_tape *tg_tape_of(const tg_tensor *t);

/** @}
 * @defgroup tinygrad_gradients Gradients
 * @ingroup tinygrad_core
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
 * that are not leaves requiring one. The same tensor every time, unless create_graph made it: the
 * place of the leaf's gradient, which lives as long as the leaf. Once the gradient is dropped a kept
 * handle of it still has the former numbers, until the next pass writes there. */
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
/** Called with a gradient on its way; returns what goes on in its place, of its shape and dtype, or NULL: the
 * same. It may do what the functions of an operation may (see op.h), and look at the gradient. */
typedef tg_tensor *(*tg_grad_hook)(tg_tensor *grad, void *context);
/** A view of x to compute with in its place: gradients that come back to it go through the hook, and on to x; all
 * of one backward pass at once. (PyTorch's register_hook() of a tensor, which here is a value in the graph.)
 * TG_EVALUE: no hook. TG_ESTATE: during a capture, also where a captured backward pass comes to it. */
TG_API tg_tensor *tg_hook_grad(tg_tensor *x, tg_grad_hook hook, void *context);
/** torch.autograd.grad: the gradients of `out` with respect to n chosen tensors (leaves or
 * interior), as new tensors in grads[0..n), without touching any tg_grad(); one that is listed twice
 * has one. NULL for an input that `out` does not depend on. grad_out and opts as
 * tg_backward_with(). Errors as tg_backward_with(); then all of grads is NULL. TG_ESTATE: an input
 * that requires no gradient. */
TG_API tg_status tg_gradients(tg_tensor *out, tg_tensor *grad_out, tg_tensor *const *inputs,
                              size_t n, tg_tensor **grads, const tg_backward_opts *opts);
/** All derivatives of y by x, an input that y was computed from (a leaf or an interior tensor), of y's
 * shape followed by x's: a backward pass for each element of y. opts as tg_backward_with(): with
 * create_graph they can be differentiated. Zeros where y does not depend on x. Errors as tg_gradients(),
 * in these three: TG_ESTATE, too, where y requires no gradient. */
TG_API tg_tensor *tg_jacobian(tg_tensor *y, tg_tensor *x, const tg_backward_opts *opts);
/** Second derivatives of a loss of one element by x, of x's shape twice: the Jacobian of the gradient,
 * which stays on the tape. */
TG_API tg_tensor *tg_hessian(tg_tensor *loss, tg_tensor *x, const tg_backward_opts *opts);
/** The Hessian times v, a tensor of x's shape and dtype, by two backward passes. */
TG_API tg_tensor *tg_hvp(tg_tensor *loss, tg_tensor *x, tg_tensor *v, const tg_backward_opts *opts);
/** Anomaly mode: the first operation whose output, or whose gradient in a backward pass, holds a
 * nan is reported as TG_EVALUE ("log: output element 3 is nan"), and its result is NULL. Infinities
 * may be meant (a mask of -inf before a softmax), and are let through; see tg_set_anomaly_inf().
 * Costs one look at every element. Returns the former setting (false for a NULL tape). */
TG_API bool tg_set_anomaly_enabled(tg_tape *tape, bool enabled);
/** Whether anomaly mode reports infinities as well; at first it does not. Returns the former
 * setting (false for a NULL tape). */
TG_API bool tg_set_anomaly_inf(tg_tape *tape, bool enabled);

/** @}
 * @defgroup tinygrad_memory Memory
 * @ingroup tinygrad_core
 * A result keeps its data as long as it lives, though a backward pass may never look at them. These
 * functions give data back early, for all results recorded since a mark; so does
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

/** @} */

#ifdef __cplusplus
}
#endif
#endif

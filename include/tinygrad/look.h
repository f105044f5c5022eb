/* SPDX-License-Identifier: MIT */
/** @file look.h
 * What a program looks at: values, graphs, gradients checked by differences, memory in use, where
 * time goes. */
#ifndef TINYGRAD_LOOK_H
#define TINYGRAD_LOOK_H

#include <tinygrad/core.h>

#include <stdio.h>

#ifdef __cplusplus
extern "C" {
#endif

/** @defgroup tinygrad_printing Printing
 * @ingroup tinygrad_look
 * @{ */

/** Prints as PyTorch prints a detached tensor (precision 4, 80 columns, summary above 1,000
 * elements), and a newline. TG_EIO where writing fails; TG_EVALUE for NULL. */
TG_API tg_status tg_print(FILE *file, const tg_tensor *t);
/** Writes the operations recorded since `mark` as a graph for Graphviz (dot -Tsvg): operations as
 * boxes, tensors with their shape, and their dtype where it is not float32; filled blue are leaves
 * that require a gradient, blue what a backward pass goes through. The same program writes the same text in every run. TG_EIO where
 * writing fails; TG_EVALUE for a NULL file; else as tg_tape_replay(). */
TG_API tg_status tg_write_dot(FILE *file, tg_tape *tape, tg_mark mark);
/** Options of tg_write_dot_with(); zero means the default. */
typedef struct tg_dot_opts {
    /** The name of a tensor, which is written before its shape, or NULL. tg_params_name_of() is one
     * to put here, with a list for `context`. It may look at tensors, and nothing else. Default:
     * none has a name. */
    const char *(*name_of)(const void *context, const tg_tensor *t);
    const void *context; /**< passed to name_of */
} tg_dot_opts;
/** The same with names of tensors:
 *
 *     tg_dot_opts named = {tg_params_name_of, list};
 *     tg_write_dot_with(file, tape, mark, &named);
 *
 * `opts` may be NULL. Errors as tg_write_dot(). */
TG_API tg_status tg_write_dot_with(FILE *file, tg_tape *tape, tg_mark mark,
                                   const tg_dot_opts *opts);

/** @}
 * @defgroup tinygrad_machine The machine
 * @ingroup tinygrad_look
 * How a tape computes, as tg_tape_opts or the environment said and the machine can.
 * @{ */

/** How many threads large operations are shared by, the calling one included; 0 for NULL. */
TG_API int tg_threads(const tg_tape *tape);
/** The instruction set of the kernels: TG_ISA_BASE, TG_ISA_V3 or TG_ISA_V4; TG_ISA_BASE for NULL. */
TG_API tg_isa tg_isa_used(const tg_tape *tape);
/** Its name, as TINYGRAD_ISA has it: "base", "v3", "v4"; "" for what is none of them. */
TG_API const char *tg_isa_name(tg_isa isa);

/** @}
 * @defgroup tinygrad_gradcheck Checking gradients
 * @ingroup tinygrad_look
 * @{ */

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
 * @defgroup tinygrad_memory_in_use Memory in use
 * @ingroup tinygrad_look
 * @{ */

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

/** Memory of a fixed size, which is all that a tape may have: for alloc, free and context of tg_tape_opts.
 * Where it is out an operation is TG_ENOMEM, or the tape NULL.
 *
 *     static _Alignas(16) char bytes[16000];
 *     tg_room room = {bytes, sizeof bytes, 0};
 *     tg_tape *tape = tg_tape_new(&(tg_tape_opts){
 *         .alloc = tg_room_alloc, .free = tg_room_free, .context = &room});
 *
 * A small block_size with block_growth 1 leaves the least over. */
typedef struct tg_room {
    void *memory; /**< aligned as by malloc, to two pointers' size, else it gives nothing */
    size_t size;  /**< bytes of it */
    size_t taken; /**< bytes that it gave; 0 makes it new, once its tapes are freed */
} tg_room;
/** For tg_tape_opts.alloc, with a tg_room for context. */
TG_API void *tg_room_alloc(void *room, size_t size);
/** For tg_tape_opts.free: gives nothing back. */
TG_API void tg_room_free(void *room, void *memory, size_t size);
/** What a program does with a tape; `context` is its own. */
typedef void (*tg_program)(tg_tape *tape, void *context);
/** The size, in bytes, that a tg_room must have for `program` and a tape with these options: it suffices,
 * and 16 bytes less do not. Runs the program on such a tape, whose memory comes from the allocator in opts
 * (NULL: all defaults). What its data are does not matter, nor how many steps it makes after the
 * first, where each rewinds: their shapes do, and who calls for results whose shapes depend on data
 * should take the largest. It holds for the same build of the library, where pointers are as long, and for as many
 * threads. 0: the program or the tape met an error, which on_error hears of, or `program` is NULL. */
TG_API size_t tg_memory_needed(const tg_tape_opts *opts, tg_program program, void *context);

/** @}
 * @defgroup tinygrad_profile Profile
 * @ingroup tinygrad_look
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

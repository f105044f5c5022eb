/* SPDX-License-Identifier: MIT */
/** @file io.h
 * Tensors in files: safetensors (https://github.com/huggingface/safetensors), checkpoints of a
 * training run, and NumPy's npy and npz. A library of its own, tinygrad-io, that needs jansson, and
 * zlib for compressed npz; the target tinygrad::io of find_package(tinygrad COMPONENTS io).
 *
 *     tg_params *model = tg_params_new(tape);
 *     tg_params_add(model, w, "weight");
 *     tg_save_safetensors("model.safetensors", model, NULL);
 *     tg_load_safetensors("model.safetensors", model, NULL);
 *
 * Errors, those of the tape that the tensors are on; nothing is done while one is set.
 * TG_EIO: the system's failure, or a file that is not well formed; the message has the path and
 * what is wrong where. TG_EDTYPE: a dtype that has no counterpart here. TG_ESHAPE, TG_EDTYPE and
 * TG_EVALUE: what the file holds does not fit the program's tensors. TG_ENOMEM: memory is out. On
 * any error the program's tensors, the tape and the file at `path` are what they were.
 *
 * Writing is atomic: into a temporary file in the same directory (".tinygrad-...tmp"), which is
 * forced to the disk and then takes the name, so that a process killed at any point leaves the old
 * file or the new one, whole. What it leaves of a temporary file the next save to the same path
 * removes: its name follows from the target's, and a file that is being written is locked (flock(),
 * where the file system has it). Writers may race, and none waits or fails for it: the last one
 * wins. A file that is replaced keeps its permissions; a symbolic link is replaced, not followed; a
 * path that names anything but a regular file is TG_EIO. A file larger than the process may write
 * (RLIMIT_FSIZE) is TG_EIO as well: the calling thread holds SIGXFSZ off while it writes. Where the
 * directory cannot be forced to the disk, which comes last, the error is reported with the new file
 * in place.
 *
 * Reading maps the file. It must not be cut short by another process meanwhile: touching what is
 * gone raises SIGBUS, as with any mapping. Replacing it, as these functions do, is safe.
 *
 * Memory is the tape's, but for jansson's, which takes what it needs for the header of a
 * safetensors file from malloc while the call runs. POSIX systems only. */
#ifndef TINYGRAD_IO_H
#define TINYGRAD_IO_H

#ifdef TG_CHAPTERS /* the library's own sources: each includes the chapters that it uses */
#include <tinygrad/train.h>
#else
#include <tinygrad.h>
#endif

#ifdef __cplusplus
extern "C" {
#endif

/** @defgroup tinygrad_safetensors safetensors
 * @ingroup tinygrad_io
 * Written are F32, F64, I64 and BOOL, and where asked for, F16 or BF16 in place of floats. Read are
 * these and narrower ones, without loss: F16 and BF16 as float32; I32, I16, I8, U32, U16 and U8 as
 * int64. Any other dtype is TG_EDTYPE, and the message names tensor and dtype. A reader refuses what the format forbids: a header that is
 * not a JSON object of the right fields, is nested too deep (a stack of 64 KiB is enough for any
 * file) or longer than 100,000,000 bytes, names given twice, data that overlap, leave gaps or end
 * elsewhere than the file; and bools that are neither 0 nor 1.
 * @{ */

/** A pair of texts in UTF-8 that a file carries along (its "__metadata__"). */
typedef struct tg_metadata {
    const char *key;   /**< "format", say */
    const char *value; /**< "pt", say */
} tg_metadata;
/** What a file holds floats as. Those of 16 bits are the nearest ones, of two the even one; what is
 * too large (from 65,520 on in F16) is infinite, as in PyTorch's Tensor.half() and bfloat16(). */
typedef enum tg_file_floats {
    TG_FILE_FULL = 0, /**< what the tensors are */
    TG_FILE_F16,      /**< IEEE's half precision: 11 digits in binary, from 6e-8 to 65,504 */
    TG_FILE_BF16      /**< bfloat16: 8 digits, the range of float32 */
} tg_file_floats;
/** Options of tg_save_safetensors(); zero means the default. */
typedef struct tg_save_opts {
    const tg_metadata *metadata; /**< n_metadata pairs */
    size_t n_metadata;           /**< default: none */
    tg_file_floats floats;       /**< of all float tensors; another value is TG_EVALUE */
} tg_save_opts;
/** Writes all tensors of the list under their names, in the list's order but the larger elements
 * first, so that all data are aligned. Strided tensors are written in row-major order. The same
 * contents give the same bytes. `opts` may be NULL. TG_EVALUE: `params` is NULL or empty (no
 * message: there is no tape to tell), a name or text that is not UTF-8, the name "__metadata__", a
 * NULL or repeated key. */
TG_API tg_status tg_save_safetensors(const char *path, const tg_params *params,
                                     const tg_save_opts *opts);

/** Options of tg_load_safetensors(); zero means the default. */
typedef struct tg_load_opts {
    /** Pass over tensors of the file that the list has no name for. Default: they are an error. */
    bool partial;
} tg_load_opts;
/** Reads into the list's tensors, in place; their versions are bumped. Every name in the list must
 * be in the file with the same shape and, widened, the same dtype: F16 fills a float32 tensor. All is checked before the first tensor changes.
 * `opts` may be NULL. TG_EVALUE: a name that the file or the list lacks; `params` is NULL or empty
 * (without a message). TG_ESHAPE, TG_EDTYPE: a tensor of another shape or dtype. TG_ESTATE: a
 * tensor of the list is not contiguous. */
TG_API tg_status tg_load_safetensors(const char *path, const tg_params *params,
                                     const tg_load_opts *opts);
/** Reads a file without knowing what is in it: a new list of new leaves, in the header's order,
 * that require no gradient. NULL on an error. TG_ESHAPE: a tensor of more than TG_MAX_NDIM dims.
 * TG_EVALUE: an empty name. */
TG_API tg_params *tg_read_safetensors(tg_tape *tape, const char *path);
/** Looks `key` up in a file's metadata. Writes at most `size` bytes to `value`, the last one NUL,
 * and returns the text's length, so that it is whole where the result is below `size` (as
 * snprintf). -1 without an error: the file has no such key; -1 on an error. The whole file is
 * checked as by the other functions. */
TG_API int64_t tg_read_metadata(tg_tape *tape, const char *path, const char *key, char *value,
                                size_t size);

/** @}
 * @defgroup tinygrad_checkpoints Checkpoints
 * @ingroup tinygrad_io
 * All that a training run needs to go on in another process with the same bits: a safetensors file
 * of the model ("model." before each name of its list), the optimiser's state ("optim." before the
 * names of tg_optim_state()), the generator ("rng", tg_rng_state()) and a count of steps ("step",
 * int64, 0-d). The order of tg_batches is not in it: save between two epochs, and the generator
 * gives the orders to come. Call both functions between two steps; gradients are neither saved nor
 * touched.
 *
 *     int64_t step = 0;
 *     if (resume)
 *         tg_load_checkpoint("run.safetensors", model, optim, &step);
 *     for (; step < 1000 && !tg_error(tape); step++) {
 *         if (step % 100 == 0)
 *             tg_save_checkpoint("run.safetensors", model, optim, step);
 *         ...
 *
 * @{ */

/** Writes a checkpoint, atomically as tg_save_safetensors(), and leaves nothing on the tape.
 * `optim` may be NULL, `step` is in [0, 2^63 - 2]. Errors as tg_save_safetensors(); TG_EVALUE also
 * for another step and an optimiser of another tape, TG_ESTATE for one that was rewound away. */
TG_API tg_status tg_save_checkpoint(const char *path, const tg_params *params, tg_optim *optim,
                                    int64_t step);
/** Reads a checkpoint into the model's tensors, the optimiser, the tape's generator and *step
 * (`step` may be NULL). It must hold exactly what tg_save_checkpoint() writes for this model and
 * this optimiser (NULL: none), with the same names, shapes and dtypes, none narrower; all is checked before any of
 * it changes. (Optimisers of other options are told apart only by the state that they keep: Adam
 * and AdamW keep the same.) Errors as tg_load_safetensors(), tg_save_checkpoint() and
 * tg_set_rng_state(); TG_EVALUE also for what no run and no optimiser has: a count of steps outside
 * [0, 2^63 - 2], a learning rate that is negative or not finite, squares (exp_avg_sq, sum, ...)
 * below 0. */
TG_API tg_status tg_load_checkpoint(const char *path, const tg_params *params, tg_optim *optim,
                                    int64_t *step);

/** @}
 * @defgroup tinygrad_npy NumPy arrays
 * @ingroup tinygrad_io
 * The npy format (numpy.lib.format), little-endian. Written are '<f4', '<f8', '<i8' and '|b1'; read
 * are also '<f2' as float32, and '<i4', '<i2', '|i1', '<u4', '<u2' and '|u1' as int64.
 * @{ */

/** Writes one tensor as version 1.0 in C order, as numpy.save does. TG_EVALUE: `t` is NULL (without
 * a message). */
TG_API tg_status tg_save_npy(const char *path, tg_tensor *t);
/** Reads versions 1.0, 2.0 and 3.0 in C or Fortran order into a new row-major leaf. `flags` may
 * repeat the dtype that comes of the file's or leave it out; another one is TG_EDTYPE; TG_REQUIRES_GRAD for float
 * dtypes. NULL on an error. TG_EDTYPE: a dtype other than those above ('>f4', '<u8', structured,
 * object, ...). TG_ESHAPE: more than TG_MAX_NDIM dims. TG_EIO: a header that is not as numpy writes it, or
 * more or less data than the shape has. */
TG_API tg_tensor *tg_load_npy(tg_tape *tape, const char *path, int flags);
/** Options of tg_save_npz(); zero means the default. */
typedef struct tg_npz_opts {
    bool compress; /**< as numpy.savez_compressed; default: as numpy.savez */
} tg_npz_opts;
/** Writes all tensors of the list as an npz archive, each as NAME.npy. The same contents give the same
 * bytes. `opts` may be NULL. Errors as tg_save_safetensors(); TG_EVALUE also where the archive has more
 * than 4 GiB or 65,534 tensors, TG_EIO for `compress` in a library that was built without zlib. */
TG_API tg_status tg_save_npz(const char *path, const tg_params *params, const tg_npz_opts *opts);
/** Reads an npz archive: a new list of new leaves that require no gradient, in the archive's order.
 * NULL on an error. Errors as tg_load_npy() and tg_read_safetensors(); TG_EIO also for members that
 * are compressed otherwise than by deflate (or at all, in a library that was built without zlib),
 * whose checksum is another, or of 4 GiB and more. What is compressed takes its size from malloc while
 * the call runs. */
TG_API tg_params *tg_read_npz(tg_tape *tape, const char *path);

/** @} */

#ifdef __cplusplus
}
#endif
#endif

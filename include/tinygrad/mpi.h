/* SPDX-License-Identifier: MIT */
/** @file mpi.h
 * Training by several processes, over MPI, to the bits of one. A library of its own, tinygrad-mpi;
 * the target tinygrad::mpi of find_package(tinygrad COMPONENTS mpi).
 *
 * A step's batch is cut into S shards, S a power of two that the program names. Each process
 * computes the gradients of S / P of them, one shard after the other, and adds them in the binary
 * tree that S fixes; the tree's upper levels go between the processes. So the bits of a run depend
 * on S and not on P, the number of processes, nor on threads; P is a power of two up to S, and 1 is
 * such a number: a program needs no other way for one process.
 *
 *     MPI_Init(&argc, &argv);
 *     ... a tape, the model's list, an optimiser, batches b: the same in every process ...
 *     tg_mpi *mpi = tg_mpi_open(MPI_COMM_WORLD, model, NULL);
 *     tg_mpi_broadcast(mpi, model);
 *     tg_mark step = tg_tape_mark(tape);
 *     for (tg_batches_start(b); tg_batches_next(b);) {
 *         while (tg_mpi_next(mpi, b)) { // this process's shards of the batch
 *             tg_tape_rewind(tape, step);
 *             tg_batches_read(b, images, x);
 *             tg_batches_read(b, labels, y);
 *             int64_t size = tg_batches_size(b); // samples in the shard
 *             tg_tensor *input = tg_narrow(x, 0, 0, size), *target = tg_narrow(y, 0, 0, size);
 *             tg_tensor *loss = tg_cross_entropy(forward(input), target,
 *                                                &(tg_ce_opts){.reduction = TG_SUM});
 *             tg_backward(loss);
 *             double sum = tg_item(loss);
 *             tg_mpi_add(mpi, (double)size, &sum, 1);
 *         }
 *         double mean; // over the whole batch, as are the gradients now
 *         tg_mpi_mean(mpi, &mean, 1);
 *         tg_optim_step(optim);
 *     }
 *     tg_mpi_close(mpi);
 *     tg_tape_free(tape);
 *     MPI_Finalize();
 *
 * Captured steps: capture what is between tg_batches_read() and tg_mpi_add(), replay it for each
 * shard of that size, and leave tg_optim_step() outside.
 *
 * Errors. tg_mpi_open(), _broadcast(), _mean(), _agree(), _gather() and _close() are exchanges: all
 * processes call them in the same order, with or without an error on their tapes. An error of one
 * process (of the lowest rank, where there are several) is, after the next exchange, the error of
 * all tapes, as "rank 2: cross_entropy: ..."; nothing else of that exchange is done. Where the
 * processes call different ones, that is an error, too: nobody waits for ever, if only all of them
 * call tg_mpi_close() in the end. What MPI reports is TG_EIO, if the communicator's error handler
 * returns at all; by default an error of MPI, such as a process that was killed, ends the program.
 *
 * MPI is called by the thread that calls these functions, so MPI_Init() does. All processes run the
 * same program on the same kind of machine. Memory is the tape's; a step takes none. */
#ifndef TINYGRAD_MPI_H
#define TINYGRAD_MPI_H

/* MPI as C has it: the classes that some headers add for C++ left the standard with MPI-3, and want a
 * library of their own. */
#if defined(__cplusplus) && !defined(OMPI_SKIP_MPICXX)
#define OMPI_SKIP_MPICXX 1
#endif
#if defined(__cplusplus) && !defined(MPICH_SKIP_MPICXX)
#define MPICH_SKIP_MPICXX 1
#endif
#include <mpi.h>

#ifdef TG_CHAPTERS /* the library's own sources: each includes the chapters that it uses */
#include <tinygrad/train.h>
#else
#include <tinygrad.h>
#endif

#ifdef __cplusplus
extern "C" {
#endif

/** @addtogroup tinygrad_mpi
 * @{ */

/** The processes that train together, and their sums; lives in the tape like a tensor. */
typedef struct tg_mpi tg_mpi;
/** The largest number of metrics of a shard. */
enum { TG_MPI_METRICS = 8 };
/** Options of tg_mpi_open(); zero means the default. */
typedef struct tg_mpi_opts {
    int shards; /**< of a batch: a power of two that the processes divide; default 8 */
} tg_mpi_opts;

/** Of all processes of `comm`, which is duplicated, for the tensors in `params`: its parameters,
 * whose gradients are summed, and its buffers, running statistics for example. Make it where
 * tg_batches and optimisers are made, before a loop's mark. `opts` may be NULL. NULL on an error.
 * TG_EVALUE: the shards are no power of two up to 65536, the processes none or more; the list is
 * NULL or empty. TG_ESHAPE: a list that differs from rank 0's in names, order, dtypes or
 * shapes; the message has the first difference. TG_ESTATE: MPI was not initialised. */
TG_API tg_mpi *tg_mpi_open(MPI_Comm comm, const tg_params *params, const tg_mpi_opts *opts);
/** The last exchange, before MPI_Finalize() and before the tape is freed. Frees the communicator;
 * `mpi` must not be used any more. Returns the status on which all agree. NULL is ignored. */
TG_API tg_status tg_mpi_close(tg_mpi *mpi);
/** This process's number, from 0 on; 0 for NULL. */
TG_API int tg_mpi_rank(const tg_mpi *mpi);
/** How many processes there are; 1 for NULL. */
TG_API int tg_mpi_processes(const tg_mpi *mpi);

/** Makes every tensor of a list what it is in rank 0 (tg_optim_state() lists an optimiser's), and
 * the generator of the tape as well, so that all processes draw the same orders of batches. The
 * gradients are left alone. Errors as tg_mpi_open(); TG_ESTATE: a tensor that is not contiguous. */
TG_API tg_status tg_mpi_broadcast(tg_mpi *mpi, const tg_params *list);

/** Moves on to this process's next shard of the present batch: narrows the batch to it, drops the
 * gradients of the list, and seeds the generator for this step and shard, so that dropout does not
 * depend on who computes it. false: there is none left, and the batch is whole again and the
 * generator goes on from where it stood; or there is an error, and tg_mpi_mean() puts both back. Shard s of n samples begins with number
 * n s / S, rounded up; those without samples are passed over. With NULL for `batches` all shards are
 * gone through, and the program finds their data itself, by tg_mpi_shard().
 * TG_ESTATE: the former shard was not added; there is no batch; a step is captured. */
TG_API bool tg_mpi_next(tg_mpi *mpi, tg_batches *batches);
/** The number of the present shard, from 0 to S - 1; -1 where there is none. */
TG_API int tg_mpi_shard(const tg_mpi *mpi);
/** Adds the present shard to the sums: the gradients of the list, n <= TG_MPI_METRICS metrics (a sum
 * of losses, a count of right answers), and the weight by which all of them are divided in the end:
 * of a loss that was reduced by TG_SUM the number of its terms, or of its targets that are not
 * ignored, or the sum of their classes' weights. Buffers of the list are as before the batch again,
 * and what the shard changed in them is kept for tg_mpi_mean(). TG_ESTATE: there is no shard.
 * TG_EVALUE: too many metrics, another number of them than the shard before had, a weight that is
 * negative or not finite. */
TG_API tg_status tg_mpi_add(tg_mpi *mpi, double weight, const double *metrics, size_t n);
/** After the last shard: sums over all shards of all processes, divided by the sum of the weights.
 * In every process the gradients then are those of the mean over the whole batch, each computed as
 * one sum and one division, and `metrics` are such means. (For sums let all weights together be 1,
 * say 1.0 / S each.) Where no shard has a gradient, none is exchanged and none is made, as in
 * an evaluation. Float buffers change by the mean of the shards' changes, each weighted by its
 * number of samples; int64 ones as in shard 0, so that batches are counted; those that no shard has
 * changed keep their bits. After an error buffers are as before the batch, and the next batch may be
 * tried once the tapes' errors are cleared. TG_ESTATE: shards are left; the generators of the
 * processes differ. TG_EVALUE: another n than in tg_mpi_add(), batches of other sizes. */
TG_API tg_status tg_mpi_mean(tg_mpi *mpi, double *metrics, size_t n);

/** An exchange of errors alone: the status on which all processes agree. */
TG_API tg_status tg_mpi_agree(tg_mpi *mpi);
/** The n values of every process, n of rank 0 first, into `all`, which has room for n times the
 * processes. TG_EVALUE: NULL, or another n than elsewhere. */
TG_API tg_status tg_mpi_gather(tg_mpi *mpi, const double *values, size_t n, double *all);

/** @} */

#ifdef __cplusplus
}
#endif
#endif

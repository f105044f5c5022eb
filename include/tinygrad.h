/* SPDX-License-Identifier: MIT */
/** @page manual The manual
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
 * or until tg_tape_free(). There is nothing to release one by one (but see tg_release() for large
 * models). A leaf's gradient lives as long as the leaf.
 *
 * Names. While its tape lives, a tensor, capture, optimiser, list, batches object or mark that is
 * used after it was rewound away is TG_ESTATE, "item: the tensor was rewound away", whatever has
 * taken its place since; nothing is followed, and the tape goes on. What a pointer holds is
 * therefore no address but a handle, with the number of times that its place was used in the bits
 * that addresses leave free: compare and copy handles, and never compute with them. The number
 * has 23 bits on 64-bit machines (15 on AArch64, 7 where pointers have 32 bits), so a handle that
 * was dead for 2^23 - 1 uses of its place, or a multiple, is taken for what is there then, of whatever
 * kind. A mark of a tape that was freed is TG_EVALUE for every later one. Not covered: handles of a
 * tape that was freed, and bare pointers (tg_f32(), tg_sizes(), tg_params_tensors() and their like).
 *
 * Threads. A tape belongs to one thread at a time. There is no global state, so different tapes may
 * be used by different threads at once.
 *
 * The manual is in chapters, which can be included by themselves:
 *
 * - tinygrad/core.h: the tape, errors, making tensors, their data, gradients, memory
 * - tinygrad/ops.h: elementwise operations, reductions, shapes, products, softmax
 * - tinygrad/nn.h: activations, layers, losses, initialisers
 * - tinygrad/train.h: minibatches, parameters, optimisers, clipping, learning rates
 * - tinygrad/look.h: printing, graphs, gradcheck, memory in use, the profile
 *
 * Beside it are tinygrad/op.h, for writing operations, tinygrad/io.h, for files, and tinygrad/mpi.h,
 * for several processes.
 *
 * Semantics are PyTorch's (names without the tg_ prefix) unless a declaration says otherwise. */
/** @file tinygrad.h
 * All chapters of the manual. */
#ifndef TINYGRAD_H
#define TINYGRAD_H

#include <tinygrad/core.h>
#include <tinygrad/look.h>
#include <tinygrad/nn.h>
#include <tinygrad/ops.h>
#include <tinygrad/train.h>

#endif

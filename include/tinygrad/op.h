/* SPDX-License-Identifier: MIT */
/** @file op.h
 * Writing an operation. Built-in operations and yours are the same thing: a constant of type tg_op
 * and a function that checks its arguments and calls tg_apply(). See examples/custom_op.c.
 *
 *     tg_tensor *square(tg_tensor *x)
 *     {
 *         tg_tensor *in[] = {x};
 *         if (!tg_check_inputs(&square_op, 1, in))
 *             return NULL;
 *         return tg_apply(&(tg_call){.op = &square_op, .n_in = 1, .in = in, .dtype = tg_dtype(x),
 *                                    .ndim = tg_ndim(x), .dims = tg_sizes(x)});
 *     }
 *
 * The functions of an operation may call operations, make tensors and look at them. What forward
 * makes is gone when it returns. What would take away the ground that the caller stands on is
 * TG_ESTATE there: rewinding, replays, releases, checkpoints, captures, backward passes of all kinds,
 * gradients dropped, clipped or retained, optimisers, tg_set_grad_enabled(), tg_clear_error(),
 * tg_manual_seed(), tg_tape_free(). A mark taken there is none. */
#ifndef TINYGRAD_OP_H
#define TINYGRAD_OP_H

#ifdef TG_CHAPTERS /* the library's own sources: each includes the chapters that it uses */
#include <tinygrad/core.h>
#else
#include <tinygrad.h>
#endif

#ifdef __cplusplus
extern "C" {
#endif

/** @addtogroup tinygrad_op
 * @{ */

/** One recorded operation. Made by tg_apply(); read it, do not write to it. */
typedef struct tg_node {
    const struct tg_op *op; /**< the operation */
    tg_tensor *out;         /**< the output */
    tg_tensor **in;         /**< the inputs; an optional one may be NULL */
    int n_in;               /**< how many inputs */
    bool in_place;          /**< the output was there before, and is overwritten */
    uint8_t flags;          /**< private */
    uint8_t n_out;          /**< how many outputs, what is saved among them: tg_node_outs() */
    uint8_t phase;          /**< private */
    const void *params;     /**< a copy of the call's parameters */
    tg_tensor *saved;       /**< what forward keeps for backward, or NULL */
} tg_node;

/** Bits for tg_op.reads: what a gradient is computed from. */
enum { TG_READS_NOTHING = 0, TG_READS_OUT = 0x80 };
/** The bit of input i (0 to 6). */
#define TG_READS_IN(i) (1 << (i))

/** An operation. A constant: it may be shared by all tapes and threads. */
typedef struct tg_op {
    /** The name in error messages. */
    const char *name;
    /** Fills node->out (and node->saved) from node->in. May run again (tg_tape_replay(),
     * tg_checkpoint()), so it must depend on nothing but the node. NULL for views: their data is
     * there already. May call tg_fail(). */
    void (*forward)(tg_node *node);
    /** Sets grad_in[i] for each input with tg_needs_grad(node, i), by calling operations (so that
     * it can be differentiated again). grad_out has the output's shape and dtype; grad_in[i] may
     * have any shape that broadcasts from in[i]'s: it is summed down. NULL means no gradient. A
     * NULL function: the result never requires a gradient. */
    void (*backward)(tg_node *node, tg_tensor *grad_out, tg_tensor **grad_in);
    /** reads[i]: what grad_in[i] is computed from, TG_READS_ bits. A change to that data between
     * forward and backward is reported as an error, and data that no gradient is computed from may
     * be gone by then (tg_release()). Entries past the 8th input read nothing. */
    uint8_t reads[8];
} tg_op;

/** What to record. Fields left out are zero. */
typedef struct tg_call {
    const tg_op *op;        /**< the operation */
    int n_in;               /**< how many inputs */
    tg_tensor *const *in;   /**< the inputs; an optional one may be NULL */
    int dtype;              /**< of the output */
    int ndim;               /**< of the output */
    const int64_t *dims;    /**< of the output */
    const void *params;     /**< copied into the node, up to 65,535 bytes, aligned for any type */
    size_t params_size;     /**< bytes of params */
    int64_t saved_numel;    /**< elements of node->saved, a 1-d tensor; 0: none is made */
    int saved_dtype;        /**< of node->saved */
    tg_tensor *view_of;     /**< not NULL: the output shares this tensor's data ... */
    const int64_t *strides; /**< ... with these strides ... */
    int64_t offset;         /**< ... from this element of it on */
    tg_tensor *in_place;    /**< not NULL: the output is this tensor itself, overwritten */
} tg_call;

/** Whether the inputs can be used: no error is set, none is NULL, all are alive and of one tape.
 * Reports what is wrong, naming the operation. */
TG_API bool tg_check_inputs(const tg_op *op, int n, tg_tensor *const *in);
/** Makes the output, runs forward, records the node where gradients are enabled, and returns the
 * output; NULL on an error, with nothing recorded. The inputs, view_of and in_place must have passed
 * tg_check_inputs(); NULL ones (optional inputs) are allowed here. */
TG_API tg_tensor *tg_apply(const tg_call *call);
/** Sets the tape's error unless one is set already, and returns `status`. The message is
 * formatted as by printf. */
TG_API tg_status tg_fail(tg_tape *tape, tg_status status, const char *format, ...) TG_PRINTF(3);
/** For a function that calls others: until the next call of this, messages begin with `name`, which
 * must live so long, and not with the name of whatever fails. Returns the former name, to be set
 * again at the end; NULL: none. */
TG_API const char *tg_speak_as(tg_tape *tape, const char *name);
/** All n_out outputs: the first is node->out, and the last node->saved where there is one. */
TG_API tg_tensor *const *tg_node_outs(const tg_node *node);
/** Whether backward must set grad_in[i]. */
TG_API bool tg_needs_grad(const tg_node *node, int i);
/** The sizes of all dims, in order; NULL for NULL. */
TG_API const int64_t *tg_sizes(const tg_tensor *t);
/** For forward: the output's memory. For inputs that may be strided, call tg_contiguous() in the
 * function that records. Unlike tg_data_mut() this does not bump the version. */
TG_API void *tg_out_data(const tg_node *node);

/** @} */

#ifdef __cplusplus
}
#endif
#endif

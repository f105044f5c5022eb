/* Nested loops over up to four strided operands of one shape: the frame of all elementwise work.
 * Relies on team.h. */
#ifndef TGK_NEST_H
#define TGK_NEST_H

#include "kernels/team.h"

#include <stddef.h>
#include <stdint.h>

enum { TGK_MAX_OPERANDS = 4 };

/* The innermost loop: n elements of each operand (0 is the output), strides in bytes. */
typedef void tgk_loop(int64_t n, char *const *data, const int64_t *strides, const void *params);

/* One loop compiled for each instruction set: TGK_ISAS of them. */
typedef tgk_loop *const *tgk_loops;

/* Strides count elements; size[] has the bytes of one. */
typedef struct tgk_nest {
    int ndim;
    int operands;
    const int64_t *sizes;
    char *data[TGK_MAX_OPERANDS];
    const int64_t *strides[TGK_MAX_OPERANDS];
    size_t size[TGK_MAX_OPERANDS];
    tgk_team *team; /* shares large nests, where elements of the output are written once each and
                       read by nobody else; NULL: the caller runs alone */
} tgk_nest;

/* From so many elements on a loop is worth sharing, in ranges of about TGK_GRAIN; from TGK_TRIED on if it takes so many
 * nanoseconds, TGK_WORTH, which its beginning shows. */
enum { TGK_SHARED = 1 << 17, TGK_GRAIN = 1 << 15, TGK_TRIED = 1 << 15, TGK_WORTH = 20000 };

/* Runs `loop` over all elements in row-major order (unless shared), with as few calls as the
 * strides allow. */
void tgk_nest_run(const tgk_nest *nest, tgk_loop *loop, const void *params);

enum { TGK_MAX_DIMS = 16 };

/* The nest with dims of size 1 dropped and neighbours that lie evenly in all operands joined;
 * innermost dim first. */
typedef struct tgk_packed {
    int ndim;
    int64_t sizes[TGK_MAX_DIMS];
    int64_t strides[TGK_MAX_DIMS][TGK_MAX_OPERANDS]; /* bytes */
} tgk_packed;

/* Where a loop over a nest in row-major order has come to. */
typedef struct tgk_walk {
    tgk_packed p;
    int operands;
    int64_t index[TGK_MAX_DIMS];
    char *data[TGK_MAX_OPERANDS];
} tgk_walk;

/* At element `from`. Operand 0 is left to tgk_walk_on(), and must have the strides of a dense array. */
tgk_walk tgk_walk_from(const tgk_nest *nest, int64_t from);
/* Runs `loop` over the next n elements, of which there must be so many; operand 0 is a dense array. */
void tgk_walk_on(tgk_walk *walk, void *to, int64_t n, tgk_loop *loop, const void *params);

/* Runs a loop that works on dense arrays alone over others: some elements at a time are copied to small
 * dense ones, and from there. By operand: the bytes of an element; 0 behind the last. */
void tgk_loop_blocks(int64_t n, char *const *data, const int64_t *strides, const void *params,
                     tgk_loop *loop, const size_t *bytes);

enum { TGK_WIDEST = 64 }; /* bytes of a vector */

typedef struct tgk_rest {
    int64_t from, to;
    int operands;
} tgk_rest;

/* Runs a loop that works on whole vectors over elements of dense arrays, or of one element for all, that make none:
 * they are copied to one that is filled up with zeros, and from there. All are of one type. */
void tgk_loop_rest(const tgk_rest *rest, char *const *data, const int64_t *strides,
                   const void *params, tgk_loop *loop);

/* Sets so many bytes to 0, shared by the team. */
void tgk_zero(tgk_team *team, void *data, size_t size);

/* Copies elements of 1, 4 or 8 bytes. */
tgk_loop *tgk_copy_loop(size_t size);

#endif

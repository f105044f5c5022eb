/* Handles and marks that outlived what they named: every kind of call that takes one, with what must
 * come of it. Shared by test_names*.c and the API fuzzer. Relies on slot.h for the number of bits, and on the public API.
 *
 * A handle has the generation of its slot, which counts reuses of it, in TG_GENERATION_BITS bits. A
 * build may have fewer of them, so that a test comes to their end. */
#ifndef TG_TESTS_NAMES_H
#define TG_TESTS_NAMES_H

#include "memory/slot.h"

#include <stdio.h>

#include <tinygrad.h>

/* How many handles of one slot are told apart, and for how many rewinds a test goes on: a slot is
 * taken once after each. None is of generation 0. */
enum {
    GENERATIONS = (1 << TG_GENERATION_BITS) - 1,
    REWINDS = GENERATIONS > 1000 ? 1000 : GENERATIONS - 1
};

typedef enum name_kind {
    NAME_TENSOR,
    NAME_OPTIM,
    NAME_LIST,
    NAME_BATCHES,
    NAME_CAPTURE,
    NAME_MARK, /* its handle is a const tg_mark * */
    NAME_KINDS
} name_kind;

/* What calls need beside a dead handle, all of it alive. */
typedef struct living {
    tg_tape *tape;
    tg_tensor *leaf;     /* float32 [3], requires a gradient, which is 2 everywhere */
    tg_tensor *plain;    /* float32 [3] */
    tg_tensor *index;    /* int64 [3], all 0 */
    tg_tensor *loss;     /* float32 [], a result of leaf */
    tg_tensor *into;     /* float32 [4, 2], for batches */
    tg_tensor *f64;      /* float64 [2], a leaf */
    tg_params *list;     /* of leaf */
    tg_optim *optim;     /* over leaf */
    tg_batches *batches; /* with a present batch of 2 */
    FILE *nowhere;
    tg_mark mark; /* after all of them */
} living;

/* Where memory is out some of it is NULL, and there is an error. */
living make_living(tg_tape *tape);

typedef struct dead_use {
    const char *name; /* what the message begins with; NULL: the end */
    /* Whether the call returned what the header says of one that fails. */
    bool (*refused)(const living *l, const void *handle);
} dead_use;

const dead_use *dead_uses(name_kind kind);

/* Uses the handle where no error is set. Whether it was refused with this status by the call's name
 * and with that part in the message; else `why` says what happened. The error stays. */
bool is_reported(const dead_use *use, const living *l, const void *handle, tg_status status,
                 const char *part, char why[400]);

/* Below n; the state counts on. */
uint32_t below(uint64_t *state, uint32_t n);

/* Up to a dozen things of all kinds, in any order and of any size, whose sizes and data are words
 * that once said what stands somewhere, and the bits of a handle. */
void make_litter(const living *l, uint64_t *state, const void *handle);

#endif

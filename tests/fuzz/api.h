/* The API fuzzer: bytes as a program over the whole header. What its files share.
 *
 * A program is a list of records of STEP bytes. The first one says how it is run (fuzz_api.c), each
 * of the others is one step: its first byte picks an action, the others decide whatever the action
 * asks. An action that asks for more goes on with numbers made from the record, so that a record
 * always means the same and the steps behind it stay in place when one changes.
 *
 * A step makes at most one call that has an effect on what was there before. What it gives is
 * noted: a program that is run again, on another instruction set, with more threads, or with an
 * allocator that fails now and then, must leave the same notes.
 *
 * Handles of what was rewound away go to a side's graves, and are used by api_dead.c alone. */
#ifndef TG_FUZZ_API_H
#define TG_FUZZ_API_H

#include <stdio.h>
#include <stdlib.h>

#include <tinygrad.h>

#include "names.h"

enum {
    SIDES = 2,
    SHELF = 10,
    GRAVES = 12,
    FREED = 8,
    PENDING = 16,
    STEP = 8,
    STEPS = 120,
    SMALL = 64
};

/* What a program has on a tape. */
typedef enum kind { TENSORS, STATES, MARKS, OPTIMS, LISTS, BATCHES, CAPTURES, KINDS } kind;

typedef struct thing {
    void *p; /* NULL for a mark */
    tg_mark mark;
    uint32_t serial; /* of its birth, or of its last growth */
    uint32_t born;
    int64_t n;  /* of batches: the samples; of a mark: bytes in use */
    bool fresh; /* nothing but this step made it: a rewind to an earlier mark takes it away */
    bool lost;  /* it is there, and a part of it was rewound away */
} thing;

typedef struct allocator {
    int64_t calls, live;
    int64_t fail_at, fail_for; /* the calls that fail: fail_for of them from number fail_at on */
    int64_t failures;
    bool armed, wrong_size;
    char *home; /* where memory comes from first; NULL: nowhere */
    size_t used;
} allocator;

/* A tape and what the program has on it. */
typedef struct side {
    tg_tape *tape;
    allocator allocator;
    int64_t overhead; /* bytes that tg_memory() does not count */
    thing shelf[KINDS][SHELF];
    int count[KINDS];
    thing graves[KINDS][GRAVES]; /* what was rewound away for certain */
    int buried[KINDS];           /* so far, of which the last GRAVES are there */
    living living;               /* for calls with something dead */
    uint32_t capturing;          /* the serial of the open capture; 0: there is none */
    bool released;  /* data were given back: what took them since may lie before a mark */
    char told[256]; /* the last error, by on_error */
    int n_told;
    char message[256]; /* of an error that was left as it is */
} side;

/* How a program is run. */
typedef struct setup {
    tg_isa isa;
    int threads;
    size_t block_size;
    int64_t fail_at, fail_for; /* as in the allocator */
    bool retry;   /* a step during which it failed is done again, and must then be as any other */
    bool careful; /* leave out what cannot be retried */
    bool large;   /* tensors large enough for threads */
} setup;

typedef struct action action;

typedef struct world {
    const setup *how;
    side sides[SIDES];
    side *here; /* where the present step works */
    uint32_t serial;
    struct {
        side *at;
        kind kind;
        thing thing;
    } pending[PENDING]; /* kept when the step is over and right */
    int n_pending;
    uint64_t hash;     /* of all that was noted */
    int step;          /* the number of the present one */
    const action *act; /* what it does */
    const char *says;  /* what an error message must begin with; NULL: any name */
    bool once;         /* as the bit of action.is */
    int patience;      /* steps for which an error is left as it is */
    const uint8_t *record;
    int at;
    uint64_t more; /* what goes on behind the record */
    uint64_t
        grads; /* what the gradients were, for a step that must leave them so if it fails; or 0 */
    tg_mark freed[FREED]; /* marks of tapes that were freed */
    int n_freed;
    int blobs;     /* used so far */
    bool files[4]; /* those that were written */
    _Alignas(16) char blob[4][SMALL * 8];
} world;

/* Bits of action.is. */
enum {
    ONCE = 1,     /* done in part where it fails: not tried again */
    UNFAILING = 2 /* the same of memory: the allocator does not fail in it */
};

struct action {
    const char *name; /* NULL: the end of a list */
    void (*run)(world *w);
    int weight; /* how often, beside the others */
    int is;
};

extern const action api_ops[], api_tape[], api_gradients[], api_user[], api_train[], api_look[],
    api_io[], api_dead[];

/* Ends the process with a reason. */
#define REQUIRE(w, condition, ...)                                                                 \
    do {                                                                                           \
        if (!(condition)) {                                                                        \
            give_up(w, __FILE__, __LINE__);                                                        \
            fprintf(stderr, __VA_ARGS__);                                                          \
            fputc('\n', stderr);                                                                   \
            abort();                                                                               \
        }                                                                                          \
    } while (0)
void give_up(const world *w, const char *file, int line);

/* --- what the bytes decide --- */

/* A number below n. */
uint32_t draw(world *w, uint32_t n);
/* True once in n times. */
bool once_in(world *w, uint32_t n);
double draw_scalar(world *w);
/* Sizes, their number returned. Mostly of few elements; now and then empty, negative, too many. */
int draw_dims(world *w, int64_t dims[18]);
int draw_dtype(world *w);
/* Flags of a creation, now and then wrong ones. */
int draw_flags(world *w);

/* --- things --- */

/* One of its kind on the present side; NULL: there is none. */
thing *pick(world *w, kind k);
/* The same, now and then of the other side. */
thing *pick_any(world *w, kind k);
/* Its pointer, now and then NULL, now and then of the other side. */
void *pick_pointer(world *w, kind k);
tg_tensor *pick_tensor(world *w);
/* The tape, now and then NULL. */
tg_tape *pick_tape(world *w);
/* The side of a tape. */
side *side_of(world *w, const tg_tape *tape);
/* Puts a thing on its shelf when the step is right. */
void keep(world *w, side *s, kind k, thing t);
void keep_tensor(world *w, tg_tensor *t);
/* The same of one that was not there before this step. */
void keep_new_tensor(world *w, tg_tensor *t);
/* It has grown: rewinding to a mark from before loses it. */
void grown(world *w, thing *t);
/* Drops what a rewind to a mark with this serial takes away. */
void forget(side *s, uint32_t serial);
void bury(side *s, kind k, thing t);

/* --- what is noted --- */

void note(world *w, uint64_t value);
void note_double(world *w, double value);
void note_text(world *w, const char *text);
/* Checks that the tensor is what the header says one is, and notes it. */
void note_tensor(world *w, const tg_tensor *t);

/* What everything on the present side is, as one number. No error is set. */
uint64_t sum_of_all(world *w);
/* What the gradients of all tensors on the present side are, as one number; never 0. */
uint64_t sum_of_grads(world *w);

/* An operation with plain inputs, one of which is dead: fails. */
void call_with_dead(world *w, tg_tensor *dead);

/* --- programs --- */

/* Opens a side where it is not open. */
side *open_side(world *w, int i);
/* The present step is over: errors are checked and cleared. */
void settle(world *w);
/* Checks what must hold of a tape at any time. */
void check_side(world *w, const side *s);
/* Notes all that is left, and frees it. */
void close_side(world *w, side *s);

#endif

/* The tape: slots, records of operations, the sticky error, the generator. Relies on slot.h, heap.h and
 * generator.h.
 *
 * The words of this library, one for each thing:
 *     handle      what names a tensor, an optimiser, a list, a capture: never an address, see slot.h
 *     slot        what a handle names; body: memory that belongs to it or to a record
 *     header      a tensor in its slot: sizes and strides. Its data are apart, and shared by views;
 *                 their owner is the header that made them
 *     node        an operation that was done, as operations see it; record: the same in the list
 *     mark        where the tape stood, as the program keeps it; standing: the same as tops, which
 *                 are where its arenas stood
 *     rewind      to forget what came after a mark; take back: the same by the library itself
 *     replay      to run records again; recompute: the same for what a checkpoint gave back
 *     capture     a step that is kept to be replayed: two marks in the list of records. What it needs
 *                 besides what is recorded is a record all the same, one beside the others
 *     pass        a backward pass; a step of it is one record's backward function; the walk is its
 *                 way from record to record
 *     request     the gradients that tg_gradients() wants of a pass
 *     place       where the gradient that a pass makes is written
 *     reader      of data: a header that looks at them, a record whose gradients are made of them
 *     holder      where a leaf's gradient is kept; a kept gradient is present, or dropped
 *     leaf        requires a gradient, and no operation made it; other tensors are results
 *     release     to give data back while the records stay; a released tensor is known, not alive
 *     checkpoint  a run of records whose data are released, to be recomputed. In src/io alone: a
 *                 file with a model and its optimiser
 *     piece       of the heap: memory that was given back, to be taken again
 *     workspace   memory for the length of one forward function
 *     inside      while a function of the program's runs that the tape called
 *     scope       around the operations of one that is composed of others */
#ifndef TG_TAPE_H
#define TG_TAPE_H

#include "kernels/team.h"
#include "memory/heap.h"
#include "memory/slot.h"
#include "random/generator.h"
#include "tape/shape.h"

#include <tinygrad/op.h>

/* A recorded operation: what op.h shows of it, and what the tape keeps for itself. Inputs, outputs
 * (where there is more than one) and parameters follow it in the same piece of memory. */
typedef struct tg_record {
    tg_tape *tape;
    tg_node node;
    struct tg_record *prev, *next;
    uint64_t versions[]; /* of each input, then of the output, as forward left them */
} tg_record;

/* What every capture begins with: a rewind past it gives it up. */
typedef struct tg_captured {
    tg_slot head;
    struct tg_captured *before; /* among those that were not rewound away */
    /* From its end on: handle of a slot that lives as long as all that it noted; NULL before. */
    const void *end;
} tg_captured;

/* A call, and what a backward function may say of it beyond what the public knows. */
typedef struct tg_making {
    tg_call call;
    const tg_tensor *like;      /* not NULL: dtype and dims of the output are this one's */
    const tg_node *gradient_of; /* not NULL: the output is the gradient of this node's input ... */
    int input;                  /* ... number `input`: a pass may say where it is written */
    tg_tensor *last_use; /* what nobody reads after the call, or NULL: the output, which is alike,
                                   may be written over it. grad_out, or an input of the node, which
                                   a call of several gradients does not read itself */
    /* Not NULL: of several inputs, those whose bits are `wanted`, there are the gradients, which are the
     * operation's outputs in that order: shapes[i] of input i's, contiguous and of its dtype. For a
     * pass that records nothing; the call's dtype and dims are not read. They get to grad_in[i]. */
    const tg_shape *shapes;
    unsigned wanted;
    tg_tensor **grad_in;
    bool adds; /* the operation adds to its output, where that is in place: it may do so to what
                  there is of the gradient. NULL: it did, and there is no more to add */
} tg_making;

/* The running backward pass, as operations see it. */
typedef struct tg_placing {
    tg_tensor *(*apply)(tg_making *making);
    /* Where the gradient of that input, which the call makes, can be written to, or NULL. */
    tg_tensor *(*place)(const tg_making *making, int input, const tg_call *call);
} tg_placing;

/* Where the tape's memory stood. */
typedef struct tg_standing {
    tg_top slots, bodies, data;
} tg_standing;

/* What is going on. Inside a forward function it is all zeros for what the function calls: what that
 * makes is its own like workspace, gone when it returns; nothing of it is recorded, nor given back as a
 * pass does. */
typedef struct tg_doing {
    const tg_op *forward_of; /* whose function is running */
    bool grad_enabled;
    bool recycling;       /* a pass that records nothing is running, and gives back what it makes */
    tg_captured *capture; /* what is being captured, see record/step.c */
    bool made;            /* the running forward function made something, or took workspace ... */
    bool drew;            /* what it called took random numbers */
    tg_standing from;     /* ... from here on */
    tg_piece *lent;       /* to it, as workspace; lent before: */
    size_t lent_before;
} tg_doing;

/* Zeros: off, and nothing measured. */
typedef struct tg_profiler {
    /* Adds node's forward function to the table, which ran since then; NULL: off. See look/profile.h. */
    void (*add)(tg_tape *tape, const tg_node *node, int64_t start);
    tg_profile_row *rows; /* NULL before the profiler is turned on */
    int64_t bytes;   /* what the running forward function moves that its node does not tell of */
    tg_arena memory; /* of the rows, which outlive every rewind */
} tg_profiler;

struct tg_tape {
    tg_allocator allocator;
    tg_arena slots;      /* whatever a handle names: its header ... */
    tg_arena pass_slots; /* ... and those that a pass uses again and again */
    tg_arena bodies;     /* records, and what does not fit into a slot */
    tg_arena data;       /* what tensors point to */
    tg_record *first, *last;
    tg_record *open; /* in a backward pass: the first record of the checkpoint that has its data */
    uint64_t epoch, born; /* how often it was rewound, and what that began with: see tape.c */
    int isa;              /* the kernels' instruction set: TGK_BASE, ... */
    tgk_team team;
    tg_doing now;
    const tg_op *backward_of; /* whose function is running */
    const char *calling;      /* what else of the program's is running, for messages */
    const char *speaker;      /* whom messages begin with, see ops/scope.h; NULL: with who fails */
    bool anomaly;             /* look for nan in every output ... */
    bool anomaly_inf;         /* ... and for inf */
    bool released;            /* some tensor was, at some time */
    struct tg_header *temporaries; /* made by the running backward function */
    struct tg_header *free;        /* of pass_slots */
    struct tg_header *views;       /* the newest, of those that a rewind has to know of */
    struct tg_borrowed *borrowed;  /* the same of headers with older data */
    const tg_placing *pass;        /* the running backward pass, see backward/pass.h */
    const void *thread;            /* of the last forward function, where assertions are on */
    tg_captured *newest;           /* capture, of those that were not rewound away */
    uint32_t captures;             /* begun so far */
    bool capture_failed;           /* there was an error since it began */
    tg_heap heap;                  /* pieces of data */
    tg_meter meter;                /* of all arenas */
    tg_generator generator;
    tg_profiler profiler;
    tg_status status;
    bool reporting; /* on_error is running */
    void (*on_error)(void *error_context, tg_status status, const char *message);
    void *error_context;
    char message[256];
    char failure[256]; /* the first message since the capture began, see capture_failed */
};

/* Reports an error where `condition` does not hold, and returns 0 (NULL, false). */
#define TG_CHECK(tape, condition, status, ...)                                                     \
    do {                                                                                           \
        if (!(condition)) {                                                                        \
            tg_fail(tape, status, __VA_ARGS__);                                                    \
            return 0;                                                                              \
        }                                                                                          \
    } while (0)

/* The tape of what stands, or stood, in the slot that a handle names. */
static inline tg_tape *tg_slot_tape(const tg_slot *slot)
{
    return slot->block->owner;
}
static inline tg_tape *tg_tape_in(const void *handle)
{
    return tg_slot_tape(tg_slot_of(handle));
}

/* NULL and, for a handle that is not NULL itself, ESTATE: "name: what was rewound away". */
tg_tape *tg_refuse_dead(const void *handle, const char *name, const char *what);
/* The tape of what the handle names; NULL, as above, where that cannot be used. */
static inline tg_tape *tg_check_handle(const void *handle, const char *name, const char *what)
{
    return handle && tg_slot_alive(handle) ? tg_tape_in(handle)
                                           : tg_refuse_dead(handle, name, what);
}

/* A new slot; NULL, with the error set on behalf of `name`, where memory is out. */
void *tg_tape_slot(tg_tape *tape, const char *name);
/* Memory that is rewound with the slots around it. As above. */
void *tg_tape_body(tg_tape *tape, const char *name, size_t size);
/* Bytes for data, aligned for vectors where they are many. As above. */
void *tg_tape_data(tg_tape *tape, const char *name, size_t size);
/* As tg_tape_data(), for the length of one forward function. 64 bits, so that callers need not look
 * whether an address space has so much. */
void *tg_workspace(tg_node *node, uint64_t size);

static inline tg_record *tg_record_of(const tg_node *node)
{
    return (tg_record *)((char *)(uintptr_t)node - offsetof(tg_record, node));
}

/* Bits of tg_node.flags. Of a checkpoint, see backward/release.c: */
enum {
    TG_IN_CHECKPOINT = 1,
    TG_CHECKPOINT_FIRST = 2, /* the first record of one */
    TG_RECOMPUTE = 4,        /* what its forward made was given back */
    TG_CHECKPOINT_OPEN = 8,  /* the running pass has made it again */
    /* And of others: */
    TG_DREW = 16,  /* its forward took random numbers */
    TG_BESIDE = 32 /* not recorded, but for a capture: nobody but its replays looks at it */
};

/* tg_node_outs(), for the library itself. */
static inline tg_tensor *const *tg_outs(const tg_node *node)
{
    return node->n_out > 1 ? node->in + node->n_in : &node->out;
}

static inline tg_tape *tg_node_tape(const tg_node *node)
{
    return tg_record_of(node)->tape;
}

/* Says that, as ESTATE: see tg_outside(). */
bool tg_refuse_inside(tg_tape *tape, const char *name);
/* Whether no function of the program's is running that was called by the tape: forward or backward
 * functions of operations, or what `calling` says. Else sets ESTATE. For whatever would take away
 * what such a function, or its caller, goes on with. */
static inline bool tg_outside(tg_tape *tape, const char *name)
{
    return !(tape->now.forward_of || tape->backward_of || tape->calling) ||
           tg_refuse_inside(tape, name);
}

/* Around a call from inside a forward function, or one that behaves as if it were: what was going on. */
tg_doing tg_inside_open(tg_tape *tape);
static inline void tg_inside_close(tg_tape *tape, const tg_doing *outer)
{
    bool drew = tape->now.drew;
    tape->now = *outer;
    tape->now.drew |= drew;
}

static inline tg_standing tg_stand(const tg_tape *tape)
{
    return (tg_standing){tg_arena_top(&tape->slots), tg_arena_top(&tape->bodies),
                         tg_arena_top(&tape->data)};
}

/* Gives up slots and bodies since then: what they had of older tensors is theirs again. */
void tg_drop_slots(tg_tape *tape, const tg_standing *to);
/* Gives up all that a call made which failed. Not in a pass that recycles: it ends with the error, and
 * gives its memory back itself. */
void tg_drop(tg_tape *tape, const tg_standing *to);

/* After a forward function that made something: takes it back. */
void tg_take_back_made(tg_tape *tape);

/* tg_tape_mark() and tg_tape_rewind(), for the library itself: everywhere, without checks. A
 * backward pass that recycles gives everything back itself, and a replay needs what its capture
 * noted: these are not rewound. */
tg_mark tg_mark_here(const tg_tape *tape);
void tg_take_back(tg_tape *tape, tg_mark mark);
/* Where a replay could not do the same again: ESTATE, and false, during a capture (but for forward
 * functions, which a replay runs). */
bool tg_uncaptured(tg_tape *tape, const char *name);
/* The same, and tg_outside(). */
bool tg_outside_capture(tg_tape *tape, const char *name);
/* Whether a rewind to the mark would drop something that a capture noted. */
bool tg_mark_before_noted(const tg_tape *tape, const tg_mark *mark);
tg_status tg_fail_memory(tg_tape *tape, const char *name);
/* A record of a call, without outputs but with room for them. NULL, with the error set, where memory is out. */
tg_record *tg_record_new(tg_tape *tape, const tg_call *call, int n_out);
void tg_record_link(tg_tape *tape, tg_record *record);
/* The first record after a mark (NULL: there is none), or why the mark is no good. */
tg_status tg_mark_records(tg_tape *tape, tg_mark mark, const char *name, tg_record **first);

#endif

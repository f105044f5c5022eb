/* The tape: objects in memory, records of operations, the sticky error, the generator. Relies on
 * arena.h and random.h; knows nothing of what is inside a tensor. */
#ifndef TG_TAPE_H
#define TG_TAPE_H

#include "arena.h"
#include "kernels/team.h"
#include "profile.h"
#include "random.h"
#include "spares.h"

#include <tinygrad/op.h>

/* Every object in the tape's memory begins with this. `epoch` counts the rewinds before it was
 * made, so that (address, epoch) names it for ever. */
typedef struct tg_object {
    uint32_t magic;
    uint32_t epoch;
    tg_block *block;
} tg_object;

enum {
    TG_MAGIC_TENSOR = 0x746e7372,
    TG_MAGIC_RELEASED = 0x72656c73, /* a tensor without data, see release.h */
    TG_MAGIC_RECORD = 0x72656364,
    TG_MAGIC_OPTIM = 0x6f70746d,
    TG_MAGIC_HOLDER = 0x686f6c64,
    TG_MAGIC_PARAMS = 0x7061726d,
    TG_MAGIC_ENTRIES = 0x656e7472,
    TG_MAGIC_GROUP = 0x67726f75,
    TG_MAGIC_BATCHES = 0x62617463,
    TG_MAGIC_CAPTURE = 0x63617074
};

/* A recorded operation: what op.h shows of it, and what the tape keeps for itself. The arrays of
 * inputs, versions and parameters follow it in the same piece of memory. */
typedef struct tg_record {
    tg_object head;
    tg_node node;
    struct tg_record *prev, *next;
} tg_record;

/* Memory for workspace that is there before a replay begins; end NULL: none is. */
typedef struct tg_reserve {
    char *start, *top, *end;
} tg_reserve;

struct tg_tape {
    tg_allocator allocator;
    tg_arena objects; /* tensors, records, optimisers: only objects follow objects, so that a stale
                         pointer never meets bytes that a program wrote */
    tg_arena data;    /* what tensors point to */
    tg_object *last_object;
    tg_record *first, *last;
    tg_record *open; /* in a backward pass: the first record of the checkpoint that has its data */
    uint32_t epoch;
    int isa; /* the kernels' instruction set: TGK_BASE, ... */
    tgk_team team;
    const tg_op *forward_of, *backward_of; /* whose function is running */
    const char *calling;                   /* what else of the program's is running, for messages */
    bool grad_enabled;
    bool anomaly;   /* look for nan and inf in every output */
    bool released;  /* some tensor was, at some time */
    bool recycling; /* a backward pass that records nothing is running: tensors come from pools */
    struct tg_tensor *temporaries; /* made by the running backward function */
    struct tg_pass *pass;          /* the running backward pass */
    tg_pool object_pool, data_pool;
    tg_capture *capture;   /* what is being captured; see capture.h */
    tg_capture *newest;    /* of those that were not rewound away */
    uint32_t captures;     /* begun so far */
    bool capture_failed;   /* there was an error since it began */
    size_t workspace_used; /* since the last thing was captured */
    tg_reserve reserve;
    tg_spares spares; /* of data */
    tg_meter meter;   /* of both arenas */
    tg_generator generator;
    tg_profiler profiler;
    tg_status status;
    char message[256];
};

/* Reports an error where `condition` does not hold, and returns 0 (NULL, false). */
#define TG_CHECK(tape, condition, status, ...)                                                     \
    do {                                                                                           \
        if (!(condition)) {                                                                        \
            tg_fail(tape, status, __VA_ARGS__);                                                    \
            return 0;                                                                              \
        }                                                                                          \
    } while (0)

/* The three functions below look at memory that may have been given up (but is still the
 * tape's), so they go without the sanitizer. */
#if defined(__clang__) || defined(__GNUC__)
#define TG_UNSANITIZED __attribute__((no_sanitize("address")))
#else
#define TG_UNSANITIZED
#endif

/* Whether the object can be used. */
TG_UNSANITIZED static inline bool tg_object_alive(const void *object, uint32_t magic)
{
    const tg_object *o = object;
    return o->magic == magic && (const char *)o < o->block->top;
}

/* Whether it was rewound away and nothing stands in its place yet. */
TG_UNSANITIZED static inline bool tg_object_dead(const void *object, uint32_t magic)
{
    const tg_object *o = object;
    return o->magic == magic && (const char *)o >= o->block->top;
}

TG_UNSANITIZED static inline tg_tape *tg_object_tape(const void *object)
{
    return ((const tg_object *)object)->block->owner;
}

/* The object's tape; NULL where it cannot be used: it is NULL, or was rewound away (ESTATE: "name:
 * what was rewound away", unless something else stands in its place by now). */
tg_tape *tg_object_check(const void *object, uint32_t magic, const char *name, const char *what);
/* A new object of `size` bytes with its head filled in; NULL, with the error set on behalf of
 * `name`, where memory is out. */
void *tg_tape_object(tg_tape *tape, const char *name, uint32_t magic, size_t size);
/* Bytes for data, aligned for vectors where they are many. As above. */
void *tg_tape_data(tg_tape *tape, const char *name, size_t size);
/* The same from the pools of a running backward pass. */
void *tg_pool_object(tg_tape *tape, const char *name, uint32_t magic, size_t size);
void *tg_pool_data(tg_tape *tape, const char *name, size_t size);
/* As tg_tape_data(), for the length of one forward function. 64 bits, so that callers need not look
 * whether an address space has so much. */
void *tg_workspace(tg_node *node, uint64_t size);

static inline tg_record *tg_record_of(const tg_node *node)
{
    return (tg_record *)((char *)(uintptr_t)node - offsetof(tg_record, node));
}

/* The versions of each input, then of the output, as forward left them: behind the inputs. */
static inline uint32_t *tg_node_versions(const tg_node *node)
{
    return (uint32_t *)(void *)(node->in + node->n_in);
}

static inline tg_tape *tg_node_tape(const tg_node *node)
{
    return tg_object_tape(tg_record_of(node));
}

/* tg_tape_mark() and tg_tape_rewind(), for the library itself: everywhere, without checks. A
 * backward pass that recycles gives everything back itself, and a replay needs what its capture
 * noted: these are not rewound. */
tg_mark tg_mark_here(const tg_tape *tape);
void tg_take_back(tg_tape *tape, tg_mark mark);
/* Whether a rewind to the mark would drop a capture. */
bool tg_mark_before_capture(const tg_tape *tape, const tg_mark *mark);
tg_status tg_fail_memory(tg_tape *tape, const char *name);
/* A record of a call with the arrays that follow it: inputs, versions, parameters. */
tg_record *tg_record_new(tg_tape *tape, const tg_call *call);
void tg_record_link(tg_tape *tape, tg_record *record);
/* Whether the tape was not rewound past the mark. */
bool tg_mark_fresh(const tg_mark *mark);
/* The first record after a mark (NULL: there is none), or why the mark is no good. */
tg_status tg_mark_records(tg_tape *tape, tg_mark mark, const char *name, tg_record **first);

#endif

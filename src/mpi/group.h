/* What the files of this folder share: the processes, what they say to each other, and the sums. As
 * the library's shared form shows no more than the public headers, all is made with their functions,
 * and all arithmetic is done by operations, which know instruction sets, threads and rounding modes. */
#ifndef TG_MPI_GROUP_H
#define TG_MPI_GROUP_H

#include <tinygrad/mpi.h>
#include <tinygrad/op.h>

enum {
    TG_MPI_LEVELS = 17,        /* of the tree, at most */
    TG_MPI_SHARDS = 1 << 16,   /* at most */
    TG_MPI_CHUNK = 1 << 18,    /* bytes of a message, at most */
    TG_MPI_DTYPES = TG_I64 + 1 /* that can be summed */
};

/* Which exchange it is. */
typedef enum tg_mpi_call {
    TG_MPI_OPEN,
    TG_MPI_BROADCAST,
    TG_MPI_MEAN,
    TG_MPI_AGREE,
    TG_MPI_GATHER,
    TG_MPI_CLOSE
} tg_mpi_call;

/* What is added beside tensors. */
typedef struct tg_mpi_numbers {
    double weight, metrics[TG_MPI_METRICS];
} tg_mpi_numbers;

/* What a process says in an exchange, and what several say together. */
typedef struct tg_mpi_word {
    int32_t call, status;
    int64_t count; /* of what the call is about: all have the same */
    uint64_t list; /* fingerprint of the list that it is about; 0: none */
    uint64_t seed; /* of the step */
    int32_t lists_differ, any_change, closing;
    int32_t n_metrics;
    tg_mpi_numbers numbers;
    char message[256]; /* with a status */
} tg_mpi_word;

/* All elements of one dtype that are summed, one item behind the other. */
typedef struct tg_mpi_lane {
    int64_t n, n_base;
    tg_tensor *levels
        [TG_MPI_LEVELS];   /* sums that wait for others of their level; the first is the result */
    tg_tensor *received;   /* two pieces */
    tg_tensor *base;       /* buffers as they were before the batch */
    tg_tensor *zero, *one; /* 0-d */
} tg_mpi_lane;

/* A tensor of the list. Behind its elements in the lane stands in how many shards there were any. */
typedef struct tg_mpi_item {
    tg_tensor *t;
    int dtype;
    bool parameter;      /* summed are its gradients; of a buffer the changes */
    int64_t at, at_base; /* in the lane */
} tg_mpi_item;

typedef enum tg_mpi_stage {
    TG_MPI_IDLE,  /* between two batches */
    TG_MPI_SHARD, /* a shard is to be added */
    TG_MPI_ADDED, /* it was */
    TG_MPI_SUMMED /* all shards of this process are in levels[0] */
} tg_mpi_stage;

/* What a tg_mpi is the handle of: the bytes of a tensor. */
typedef struct tg_mpi_group {
    MPI_Comm comm;
    int rank, processes, shards;
    bool over; /* somebody has closed */
    tg_tape *tape;
    tg_tensor *self;
    uint64_t list;
    size_t n_items;
    tg_mpi_item *items;
    tg_mpi_lane lanes[TG_MPI_DTYPES];
    tg_tensor *generator; /* as it stands between the shards */
    /* The present batch. */
    tg_mpi_stage stage;
    tg_batches *batches;   /* or NULL */
    int64_t samples, size; /* in the batch, in the shard */
    uint64_t seed;
    int done;    /* shards of this process */
    int waiting; /* levels in use */
    int n_metrics;
    bool any_change;
    tg_mpi_numbers numbers[TG_MPI_LEVELS];
    char told[256]; /* the last error that came from an exchange */
} tg_mpi_group;

/* --- exchange.c --- */

/* The group, on behalf of `name`; NULL where there is none. An error on the tape does not matter. */
tg_mpi_group *tg_mpi_group_of(const tg_mpi *mpi);
/* Whether MPI said yes; else sets TG_EIO. */
bool tg_mpi_good(tg_mpi_group *g, int code, const char *what);
/* A word of this process: with its tape's error, if there is one. */
tg_mpi_word tg_mpi_say(tg_mpi_group *g, tg_mpi_call call, int64_t count);
/* Makes the word what all of them say together. Its error, if it has one, is the tape's afterwards. */
tg_status tg_mpi_exchange(tg_mpi_group *g, tg_mpi_word *word);

/* --- list.c --- */

/* Of all that is to be the same; not 0. */
uint64_t tg_mpi_fingerprint(const tg_mpi_group *g, const tg_params *list);
/* As tg_mpi_exchange(), where the word is about that list. */
tg_status tg_mpi_exchange_list(tg_mpi_group *g, tg_mpi_word *word, const tg_params *list);

/* --- sum.c --- */

/* Makes the lane's levels[0] the sum over all processes. */
bool tg_mpi_sum_lane(tg_mpi_group *g, tg_mpi_lane *lane);

/* --- buffers.c --- */

/* The elements of an item that begin at `at` of a flat tensor, in its shape. */
tg_tensor *tg_mpi_view(tg_tensor *flat, int64_t at, const tg_tensor *like);
/* How the buffer was before the batch. */
tg_tensor *tg_mpi_base(const tg_mpi_group *g, const tg_mpi_item *item);
/* Whether it is that still, to the bit. */
bool tg_mpi_changed(const tg_mpi_group *g, const tg_mpi_item *item);
/* Keeps buffers and generator as they are at the batch's start. */
void tg_mpi_save(tg_mpi_group *g);
/* Makes them, and the batch's size, what they were, if a batch is under way; then none is. */
void tg_mpi_restore(tg_mpi_group *g);

#endif

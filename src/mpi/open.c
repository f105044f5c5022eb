/* Making a group, and ending it. Relies on group.h. */
#include "group.h"

#include <stdio.h>
#include <string.h>

enum { DEFAULT_SHARDS = 8 };

/* The tensor's place in the lane of its dtype, with one more for the count. */
static void place(tg_mpi_group *g, tg_tensor *t)
{
    tg_mpi_lane *lane = &g->lanes[tg_dtype(t)];
    tg_mpi_item item = {t, tg_dtype(t), tg_requires_grad(t), lane->n, lane->n_base};
    lane->n += tg_numel(t) + 1;
    lane->n_base += item.parameter ? 0 : tg_numel(t);
    g->items[g->n_items++] = item;
}

/* Memory that the program does not see: of a tensor. */
static void *memory(tg_tape *tape, size_t size)
{
    return tg_data_mut(tg_zeros(tape, TG_DIMS((int64_t)size), TG_BOOL));
}

static void list_items(tg_mpi_group *g, const tg_params *list)
{
    size_t n = tg_params_count(list);
    g->items = memory(g->tape, n * sizeof *g->items);
    for (size_t i = 0; g->items && i < n; i++) {
        tg_tensor *t = tg_params_tensor(list, i);
        bool first = !strcmp(tg_params_name_of(list, t), tg_params_name(list, i));
        if (first && tg_dtype(t) < TG_MPI_DTYPES)
            place(g, t);
    }
}

/* Levels of the tree that a process adds by itself: a level's first sum is begun by one shard, and added
 * to by the next one. */
static int levels_of(const tg_mpi_group *g)
{
    int n = 1;
    for (int shards = g->shards / g->processes; shards > 2; shards /= 2)
        n++;
    return n;
}

static void make_lane(tg_mpi_group *g, int dtype)
{
    static const int64_t size[TG_MPI_DTYPES] = {sizeof(float), sizeof(double), sizeof(int64_t)};
    tg_mpi_lane *lane = &g->lanes[dtype];
    int64_t chunk = TG_MPI_CHUNK / size[dtype];
    if (!lane->n)
        return;
    for (int i = 0; i < levels_of(g); i++)
        lane->levels[i] = tg_zeros(g->tape, TG_DIMS(lane->n), dtype);
    lane->received = tg_zeros(g->tape, TG_DIMS(2 * (lane->n < chunk ? lane->n : chunk)), dtype);
    lane->base = tg_zeros(g->tape, TG_DIMS(lane->n_base), dtype);
    lane->zero = tg_zeros(g->tape, TG_SCALAR, dtype);
    lane->one = tg_ones(g->tape, TG_SCALAR, dtype);
}

static bool check_shards(const tg_mpi_group *g)
{
    int s = g->shards, p = g->processes;
    if (s < 1 || s > TG_MPI_SHARDS || (s & (s - 1)))
        tg_fail(g->tape, TG_EVALUE, "mpi_open: %d shards, wanted a power of two up to %d", s,
                TG_MPI_SHARDS);
    else if (p > s)
        tg_fail(g->tape, TG_EVALUE, "mpi_open: %d processes for %d shards", p, s);
    return !tg_error(g->tape);
}

/* What the group needs beside the communicator; false, with the error set where there is a tape. */
static bool make(tg_mpi_group *g, const tg_params *list)
{
    if (!g->tape || tg_error(g->tape) || !check_shards(g))
        return false;
    list_items(g, list);
    for (int dtype = 0; dtype < TG_MPI_DTYPES; dtype++)
        make_lane(g, dtype);
    g->generator = tg_zeros(g->tape, TG_DIMS(tg_numel(tg_rng_state(g->tape))), TG_I64);
    g->list = tg_error(g->tape) ? 0 : tg_mpi_fingerprint(g, list);
    return !tg_error(g->tape);
}

/* A group that lasts for the exchange, if memory is out for more. */
static tg_mpi_group *keep(tg_mpi_group *g)
{
    g->self = tg_zeros(g->tape, TG_DIMS((int64_t)sizeof *g), TG_BOOL);
    tg_mpi_group *kept = tg_data_mut(g->self);
    if (kept)
        *kept = *g;
    return kept ? kept : g;
}

static bool is_initialised(tg_tape *tape)
{
    int begun = 0, ended = 0;
    MPI_Initialized(&begun);
    if (begun)
        MPI_Finalized(&ended);
    if (!begun || ended)
        tg_fail(tape, TG_ESTATE, "mpi_open: MPI is not initialised: call MPI_Init()");
    return begun && !ended;
}

/* The first exchange. A process without a tape has nowhere to keep an error. */
static tg_status meet(tg_mpi_group *g, const tg_params *list)
{
    tg_mpi_word word = tg_mpi_say(g, TG_MPI_OPEN, g->shards);
    if (!g->tape) {
        word.status = TG_EVALUE;
        snprintf(word.message, sizeof word.message,
                 "rank %d: mpi_open: the list is NULL, empty or was rewound away", g->rank);
    }
    tg_status status = tg_mpi_exchange_list(g, &word, list);
    return g->tape ? status : TG_EVALUE;
}

tg_mpi *tg_mpi_open(MPI_Comm comm, const tg_params *params, const tg_mpi_opts *opts)
{
    tg_tape *tape = tg_tape_of(tg_params_tensor(params, 0));
    if (!is_initialised(tape))
        return NULL;
    tg_mpi_group made = {.tape = tape,
                         .shards = opts && opts->shards ? opts->shards : DEFAULT_SHARDS};
    if (!tg_mpi_good(&made, MPI_Comm_dup(comm, &made.comm), "MPI_Comm_dup"))
        return NULL;
    MPI_Comm_rank(made.comm, &made.rank);
    MPI_Comm_size(made.comm, &made.processes);
    if (made.processes & (made.processes - 1)) { /* there is no tree, and all know it */
        tg_fail(tape, TG_EVALUE, "mpi_open: %d processes, wanted a power of two", made.processes);
        MPI_Comm_free(&made.comm);
        return NULL;
    }
    tg_mark start = tg_tape_mark(tape);
    const char *speaker = tg_speak_as(tape, "mpi_open");
    tg_mpi_group *g = make(&made, params) ? keep(&made) : &made;
    tg_speak_as(tape, speaker);
    if (!meet(g, params))
        return (tg_mpi *)(uintptr_t)g->self;
    MPI_Comm_free(&g->comm);
    if (tape)
        tg_tape_rewind(tape, start);
    return NULL;
}

tg_status tg_mpi_close(tg_mpi *mpi)
{
    tg_mpi_group *g = tg_mpi_group_of(mpi);
    if (!g)
        return mpi ? TG_ESTATE : TG_OK;
    tg_mpi_word word = tg_mpi_say(g, TG_MPI_CLOSE, 0);
    tg_status status = tg_mpi_exchange(g, &word);
    tg_mpi_restore(g);
    if (g->comm != MPI_COMM_NULL)
        MPI_Comm_free(&g->comm);
    return status;
}

int tg_mpi_rank(const tg_mpi *mpi)
{
    const tg_mpi_group *g = tg_mpi_group_of(mpi);
    return g ? g->rank : 0;
}

int tg_mpi_processes(const tg_mpi *mpi)
{
    const tg_mpi_group *g = tg_mpi_group_of(mpi);
    return g ? g->processes : 1;
}

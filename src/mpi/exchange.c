/* What processes say to each other at an exchange, before any tensor goes between them: whether all is
 * well, and whether they are at the same place of the same program. Words are joined in the tree in which
 * gradients are summed, so that all processes come to the same one. Relies on group.h. */
#include "group.h"

#include <stdio.h>
#include <string.h>

static const struct {
    const char *name, *of; /* what its count is of */
} calls[] = {
    [TG_MPI_OPEN] = {"mpi_open", "shards"},  [TG_MPI_BROADCAST] = {"mpi_broadcast", "tensors"},
    [TG_MPI_MEAN] = {"mpi_mean", "samples"}, [TG_MPI_AGREE] = {"mpi_agree", NULL},
    [TG_MPI_CLOSE] = {"mpi_close", NULL},    [TG_MPI_GATHER] = {"mpi_gather", "values"},
};

tg_mpi_group *tg_mpi_group_of(const tg_mpi *mpi)
{
    return (tg_mpi_group *)(uintptr_t)tg_bool((const tg_tensor *)mpi);
}

bool tg_mpi_good(tg_mpi_group *g, int code, const char *what)
{
    if (code == MPI_SUCCESS)
        return true;
    char text[MPI_MAX_ERROR_STRING] = "";
    int length = 0;
    MPI_Error_string(code, text, &length);
    tg_fail(g->tape, TG_EIO, "%s: %s", what, text);
    return false;
}

tg_mpi_word tg_mpi_say(tg_mpi_group *g, tg_mpi_call call, int64_t count)
{
    tg_mpi_word word = {.call = (int32_t)call,
                        .count = count,
                        .list = g->list,
                        .closing = call == TG_MPI_CLOSE,
                        .status = (int32_t)tg_error(g->tape)};
    const char *message = tg_error_message(g->tape);
    bool named = g->processes == 1 || !strcmp(message, g->told);
    if (word.status && named)
        snprintf(word.message, sizeof word.message, "%s", message);
    else if (word.status)
        snprintf(word.message, sizeof word.message, "rank %d: %s", g->rank, message);
    return word;
}

typedef struct text {
    char chars[64];
} text;

/* "mpi_mean of 100 samples" */
static text call_of(const tg_mpi_word *word)
{
    text t;
    if (calls[word->call].of)
        snprintf(t.chars, sizeof t.chars, "%s of %lld %s", calls[word->call].name,
                 (long long)word->count, calls[word->call].of);
    else
        snprintf(t.chars, sizeof t.chars, "%s", calls[word->call].name);
    return t;
}

/* Whether two words that have no error fit together; else why not, in `message`. `a` is that of rank first,
 * b that of rank second. */
static tg_status compare(const tg_mpi_word *a, const tg_mpi_word *b, int first, int second,
                         char message[256])
{
    const char *name = calls[a->call].name;
    if (a->call != b->call || a->count != b->count) {
        snprintf(message, 256, "%s: rank %d calls %s, but rank %d %s", name, first,
                 call_of(a).chars, second, call_of(b).chars);
        return a->call == b->call ? TG_EVALUE : TG_ESTATE;
    }
    if (a->n_metrics != b->n_metrics) {
        snprintf(message, 256, "%s: %d metrics in rank %d, but %d in rank %d", name, a->n_metrics,
                 first, b->n_metrics, second);
        return TG_EVALUE;
    }
    if (a->seed == b->seed)
        return TG_OK;
    snprintf(message, 256,
             "%s: the generators of ranks %d and %d differ: tg_mpi_broadcast() makes them the same",
             name, first, second);
    return TG_ESTATE;
}

/* What two neighbouring blocks of processes, which begin with those ranks, say together. */
static tg_mpi_word join(const tg_mpi_word *a, const tg_mpi_word *b, int first, int second)
{
    tg_mpi_word both = a->status || !b->status ? *a : *b;
    if (!a->status && !b->status)
        both.status = (int32_t)compare(a, b, first, second, both.message);
    both.lists_differ = a->lists_differ || b->lists_differ || a->list != b->list;
    both.any_change = a->any_change || b->any_change;
    both.closing = a->closing || b->closing;
    both.numbers.weight = a->numbers.weight + b->numbers.weight;
    for (int i = 0; i < TG_MPI_METRICS; i++)
        both.numbers.metrics[i] = a->numbers.metrics[i] + b->numbers.metrics[i];
    return both;
}

/* The tape gets the error in place of its own, which it may have told of already; in between it can put
 * back what the batch has changed. */
static void tell(tg_mpi_group *g, const tg_mpi_word *word)
{
    const char *speaker = tg_speak_as(g->tape, NULL);
    if (g->stage != TG_MPI_IDLE || strcmp(tg_error_message(g->tape), word->message) != 0) {
        tg_clear_error(g->tape);
        tg_mpi_restore(g);
        tg_fail(g->tape, (tg_status)word->status, "%s", word->message);
    }
    snprintf(g->told, sizeof g->told, "%s", tg_error_message(g->tape));
    tg_speak_as(g->tape, speaker);
}

tg_status tg_mpi_exchange(tg_mpi_group *g, tg_mpi_word *word)
{
    if (g->over && word->call != TG_MPI_CLOSE)
        tg_fail(g->tape, TG_ESTATE, "%s: other processes have closed", calls[word->call].name);
    if (g->over)
        return tg_error(g->tape);
    for (int distance = 1; distance < g->processes; distance *= 2) {
        int partner = g->rank ^ distance, first = g->rank & -(2 * distance);
        tg_mpi_word other;
        int code = MPI_Sendrecv(word, sizeof *word, MPI_BYTE, partner, 0, &other, sizeof other,
                                MPI_BYTE, partner, 0, g->comm, MPI_STATUS_IGNORE);
        if (!tg_mpi_good(g, code, "MPI_Sendrecv"))
            return tg_error(g->tape);
        *word = partner > g->rank ? join(word, &other, first, first + distance)
                                  : join(&other, word, first, first + distance);
    }
    g->over = word->closing;
    if (word->status)
        tell(g, word);
    return tg_error(g->tape);
}

/* Lists that are to be the same in all processes: each tensor as a line of text, a fingerprint of all
 * lines, and, where those differ, the first line that does. Relies on group.h. */
#include "group.h"

#include <stdio.h>
#include <string.h>

typedef struct line {
    char chars[320];
} line;

/* Of number i: its name, dtype, shape, and what it is. Number 0 stands for the shards, and what comes
 * after the last tensor is empty. */
static line describe(const tg_mpi_group *g, const tg_params *list, size_t i)
{
    static const char *const dtypes[] = {"float32", "float64", "int64", "bool"};
    line l = {""};
    size_t n = 0, room = sizeof l.chars;
    if (i == 0)
        snprintf(l.chars, room, "%d shards", g->shards);
    if (i == 0 || i > tg_params_count(list))
        return l;
    tg_tensor *t = tg_params_tensor(list, i - 1);
    const char *name = tg_params_name(list, i - 1), *first = tg_params_name_of(list, t);
    n += (size_t)snprintf(l.chars, room, "\"%s\" %s [", name, dtypes[tg_dtype(t)]);
    for (int d = 0; d < tg_ndim(t) && n < room - 32; d++)
        n += (size_t)snprintf(l.chars + n, room - n, d ? ", %lld" : "%lld",
                              (long long)tg_sizes(t)[d]);
    n += (size_t)snprintf(l.chars + n, room - n, "]%s",
                          tg_requires_grad(t) ? "" : " without gradient");
    if (strcmp(name, first) != 0 && n < room)
        snprintf(l.chars + n, room - n, " (is \"%s\")", first);
    return l;
}

uint64_t tg_mpi_fingerprint(const tg_mpi_group *g, const tg_params *list)
{
    uint64_t hash = UINT64_C(0xcbf29ce484222325); /* FNV-1a */
    line l = {"x"};
    for (size_t i = 0; *l.chars; i++) {
        l = describe(g, list, i);
        for (const char *c = l.chars; *c; c++)
            hash = (hash ^ (unsigned char)*c) * UINT64_C(0x100000001b3);
        hash = (hash ^ '\n') * UINT64_C(0x100000001b3);
    }
    return hash ? hash : 1;
}

/* Goes through rank 0's lines, all of them in all processes; a process's first difference is its error. */
static void compare(tg_mpi_group *g, const tg_params *list)
{
    line theirs = {"x"};
    for (size_t i = 0; *theirs.chars; i++) {
        line ours = describe(g, list, i);
        theirs = ours;
        int code = MPI_Bcast(&theirs, sizeof theirs, MPI_BYTE, 0, g->comm);
        if (!tg_mpi_good(g, code, "MPI_Bcast"))
            return;
        if (!tg_error(g->tape) && strcmp(ours.chars, theirs.chars) != 0)
            tg_fail(g->tape, TG_ESHAPE, "the list: %.100s, but rank 0 has %.100s",
                    *ours.chars ? ours.chars : "nothing more",
                    *theirs.chars ? theirs.chars : "nothing more");
    }
}

tg_status tg_mpi_exchange_list(tg_mpi_group *g, tg_mpi_word *word, const tg_params *list)
{
    if (tg_mpi_exchange(g, word) || !word->lists_differ || g->over)
        return tg_error(g->tape);
    compare(g, list);
    *word = tg_mpi_say(g, (tg_mpi_call)word->call, 0);
    return tg_mpi_exchange(g, word);
}

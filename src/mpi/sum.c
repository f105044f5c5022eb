/* Sums of many elements over all processes. At each level of the tree two partners have a sum each;
 * one of them adds the first half, the other the second half, so that at the top everybody has the
 * sum of one part. The parts go back the same way. Each element is so added in the order of the tree,
 * once, and a process sends less than twice what it has, whatever the number of processes. Relies on
 * group.h. */
#include "group.h"

#include <tinygrad/ops.h>

/* Elements [begin, end). */
typedef struct range {
    int64_t begin, end;
} range;

/* What this process and its partner have in common, and who of them adds which part. */
typedef struct level {
    int partner;
    range mine, theirs;
} level;

static const size_t sizes[TG_MPI_DTYPES] = {sizeof(float), sizeof(double), sizeof(int64_t)};

static level divide(const tg_mpi_group *g, int distance, range all)
{
    enum { ALIGNED = 16 }; /* elements */
    int64_t middle = all.begin + (all.end - all.begin) / (2 * ALIGNED) * ALIGNED;
    range low = {all.begin, middle}, high = {middle, all.end};
    int partner = g->rank ^ distance;
    return partner > g->rank ? (level){partner, low, high} : (level){partner, high, low};
}

/* Number i of the pieces that a range is sent in. */
static range piece(range r, int64_t i, int64_t elements)
{
    range p = {r.begin + i * elements, r.begin + (i + 1) * elements};
    p.begin = p.begin < r.end ? p.begin : r.end;
    p.end = p.end < r.end ? p.end : r.end;
    return p;
}

/* Sends the elements of a range of the result to the partner, and takes as many as `to` has in return. */
static bool swap(tg_mpi_group *g, int partner, const char *from, range sent, char *to, range taken,
                 size_t size)
{
    int code = MPI_Sendrecv(from + (size_t)sent.begin * size,
                            (int)((size_t)(sent.end - sent.begin) * size), MPI_BYTE, partner, 1, to,
                            (int)((size_t)(taken.end - taken.begin) * size), MPI_BYTE, partner, 1,
                            g->comm, MPI_STATUS_IGNORE);
    return tg_mpi_good(g, code, "MPI_Sendrecv");
}

static int64_t longer(const level *l)
{
    int64_t mine = l->mine.end - l->mine.begin, theirs = l->theirs.end - l->theirs.begin;
    return mine > theirs ? mine : theirs;
}

/* Adds what the partner has of this process's part. */
static bool add_part(tg_mpi_group *g, tg_mpi_lane *lane, const level *l)
{
    tg_tensor *sum = lane->levels[0];
    size_t size = sizes[tg_dtype(sum)];
    int64_t elements = tg_numel(lane->received);
    for (int64_t i = 0; i * elements < longer(l); i++) {
        range mine = piece(l->mine, i, elements), theirs = piece(l->theirs, i, elements);
        tg_mark mark = tg_tape_mark(g->tape);
        if (!swap(g, l->partner, tg_data_mut(sum), theirs, tg_data_mut(lane->received), mine, size))
            return false;
        tg_add_(tg_narrow(sum, 0, mine.begin, mine.end - mine.begin),
                tg_narrow(lane->received, 0, 0, mine.end - mine.begin), 1);
        tg_tape_rewind(g->tape, mark);
    }
    return !tg_error(g->tape);
}

/* Takes the partner's part as it is. */
static bool take_part(tg_mpi_group *g, tg_mpi_lane *lane, const level *l)
{
    size_t size = sizes[tg_dtype(lane->levels[0])];
    char *sum = tg_data_mut(lane->levels[0]);
    int64_t elements = tg_numel(lane->received);
    for (int64_t i = 0; i * elements < longer(l); i++) {
        range mine = piece(l->mine, i, elements), theirs = piece(l->theirs, i, elements);
        if (!swap(g, l->partner, sum, mine, sum + (size_t)theirs.begin * size, theirs, size))
            return false;
    }
    return true;
}

bool tg_mpi_sum_lane(tg_mpi_group *g, tg_mpi_lane *lane)
{
    level levels[TG_MPI_LEVELS];
    range all = {0, lane->n};
    int n = 0;
    for (int distance = 1; distance < g->processes; distance *= 2, n++) {
        levels[n] = divide(g, distance, all);
        all = levels[n].mine;
        if (!add_part(g, lane, &levels[n]))
            return false;
    }
    while (n-- > 0) {
        if (!take_part(g, lane, &levels[n]))
            return false;
    }
    return true;
}

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

/* Elements of the result on their way to the partner, and as many others from it. Pieces follow each other so
 * that one is under way while the one before is added. */
typedef struct flow {
    tg_mpi_group *g;
    tg_mpi_lane *lane;
    int partner;
    range sent, taken;
    bool add; /* what comes; else it takes the place of what is there */
    MPI_Request requests[2][2];
} flow;

static int64_t piece_size(const flow *f)
{
    return tg_numel(f->lane->received) / 2;
}

static int64_t pieces_of(const flow *f)
{
    int64_t sent = f->sent.end - f->sent.begin, taken = f->taken.end - f->taken.begin;
    return ((sent > taken ? sent : taken) + piece_size(f) - 1) / piece_size(f);
}

/* Begins with number i. */
static bool post(flow *f, int64_t i)
{
    size_t size = sizes[tg_dtype(f->lane->levels[0])];
    range sent = piece(f->sent, i, piece_size(f)), taken = piece(f->taken, i, piece_size(f));
    char *sum = tg_data_mut(f->lane->levels[0]);
    char *into =
        f->add ? (char *)tg_data_mut(f->lane->received) + (size_t)(i % 2 * piece_size(f)) * size
               : sum + (size_t)taken.begin * size;
    MPI_Request *requests = f->requests[i % 2];
    int bytes = (int)((size_t)(taken.end - taken.begin) * size);
    int code = MPI_Irecv(into, bytes, MPI_BYTE, f->partner, 1, f->g->comm, &requests[0]);
    if (!tg_mpi_good(f->g, code, "MPI_Irecv"))
        return false;
    bytes = (int)((size_t)(sent.end - sent.begin) * size);
    code = MPI_Isend(sum + (size_t)sent.begin * size, bytes, MPI_BYTE, f->partner, 1, f->g->comm,
                     &requests[1]);
    return tg_mpi_good(f->g, code, "MPI_Isend");
}

/* Ends with number i. */
static bool arrive(flow *f, int64_t i)
{
    MPI_Status statuses[2];
    if (!tg_mpi_good(f->g, MPI_Waitall(2, f->requests[i % 2], statuses), "MPI_Waitall"))
        return false;
    range taken = piece(f->taken, i, piece_size(f));
    int64_t n = taken.end - taken.begin;
    tg_mark mark = tg_tape_mark(f->g->tape);
    if (f->add)
        tg_add_(tg_narrow(f->lane->levels[0], 0, taken.begin, n),
                tg_narrow(f->lane->received, 0, i % 2 * piece_size(f), n), 1);
    tg_tape_rewind(f->g->tape, mark);
    return !tg_error(f->g->tape);
}

static bool swap(tg_mpi_group *g, tg_mpi_lane *lane, flow *f)
{
    f->g = g;
    f->lane = lane;
    int64_t n = pieces_of(f);
    bool good = n == 0 || post(f, 0);
    for (int64_t i = 0; i < n && good; i++)
        good = (i + 1 == n || post(f, i + 1)) && arrive(f, i);
    return good;
}

bool tg_mpi_sum_lane(tg_mpi_group *g, tg_mpi_lane *lane)
{
    level levels[TG_MPI_LEVELS];
    range all = {0, lane->n};
    int n = 0;
    bool good = true;
    for (int distance = 1; distance < g->processes && good; distance *= 2, n++) {
        const level l = levels[n] = divide(g, distance, all);
        good = swap(g, lane,
                    &(flow){.partner = l.partner, .sent = l.theirs, .taken = l.mine, .add = true});
        all = l.mine;
    }
    while (n-- > 0 && good) {
        const level l = levels[n];
        good = swap(g, lane, &(flow){.partner = l.partner, .sent = l.mine, .taken = l.theirs});
    }
    return good;
}

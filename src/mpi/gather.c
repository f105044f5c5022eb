/* What goes between processes as it is, after an exchange of words. No sums: MPI's own calls, whatever
 * their order. Relies on group.h. */
#include "group.h"

#include <limits.h>

static const size_t sizes[] = {sizeof(float), sizeof(double), sizeof(int64_t), sizeof(bool)};

static bool check_list(tg_mpi_group *g, const tg_params *list)
{
    size_t n = tg_params_count(list);
    if (tg_error(g->tape))
        return false;
    if (!n || tg_tape_of(tg_params_tensor(list, 0)) != g->tape)
        tg_fail(g->tape, TG_EVALUE, "mpi_broadcast: the list is NULL, empty or of another tape");
    for (size_t i = 0; i < n && !tg_error(g->tape); i++) {
        if (!tg_is_contiguous(tg_params_tensor(list, i)))
            tg_fail(g->tape, TG_ESTATE, "mpi_broadcast: \"%s\" is not contiguous",
                    tg_params_name(list, i));
        tg_data_mut(tg_params_tensor(list, i)); /* whether it can be written to */
    }
    return !tg_error(g->tape);
}

static bool send_tensor(tg_mpi_group *g, tg_tensor *t)
{
    char *data = tg_data_mut(t);
    size_t left = (size_t)tg_numel(t) * sizes[tg_dtype(t)];
    while (left) {
        size_t size = left < TG_MPI_CHUNK ? left : TG_MPI_CHUNK;
        if (!tg_mpi_good(g, MPI_Bcast(data, (int)size, MPI_BYTE, 0, g->comm), "MPI_Bcast"))
            return false;
        data += size;
        left -= size;
    }
    return true;
}

static void send_generator(tg_mpi_group *g, tg_tensor *state)
{
    if (send_tensor(g, state))
        tg_set_rng_state(g->tape, state);
}

tg_status tg_mpi_broadcast(tg_mpi *mpi, const tg_params *list)
{
    tg_mpi_group *g = tg_mpi_group_of(mpi);
    if (!g)
        return mpi ? TG_ESTATE : TG_EVALUE;
    tg_mark mark = tg_tape_mark(g->tape);
    const char *speaker = tg_speak_as(g->tape, "mpi_broadcast");
    tg_tensor *state = tg_rng_state(g->tape);
    bool good = check_list(g, list);
    tg_speak_as(g->tape, speaker);
    tg_mpi_word word = tg_mpi_say(g, TG_MPI_BROADCAST, good ? (int64_t)tg_params_count(list) : 0);
    word.list = good ? tg_mpi_fingerprint(g, list) : 0;
    if (!tg_mpi_exchange_list(g, &word, list) && !g->over) {
        good = true;
        for (size_t i = 0; good && i < tg_params_count(list); i++)
            good = send_tensor(g, tg_params_tensor(list, i));
        if (good)
            send_generator(g, state);
    }
    tg_tape_rewind(g->tape, mark);
    return tg_error(g->tape);
}

tg_status tg_mpi_agree(tg_mpi *mpi)
{
    tg_mpi_group *g = tg_mpi_group_of(mpi);
    if (!g)
        return mpi ? TG_ESTATE : TG_EVALUE;
    tg_mpi_word word = tg_mpi_say(g, TG_MPI_AGREE, 0);
    return tg_mpi_exchange(g, &word);
}

tg_status tg_mpi_gather(tg_mpi *mpi, const double *values, size_t n, double *all)
{
    tg_mpi_group *g = tg_mpi_group_of(mpi);
    if (!g)
        return mpi ? TG_ESTATE : TG_EVALUE;
    if (n > INT_MAX / 8 || (n && (!values || !all)))
        tg_fail(g->tape, TG_EVALUE, "mpi_gather: %zu values at NULL, or too many", n);
    tg_mpi_word word = tg_mpi_say(g, TG_MPI_GATHER, (int64_t)n);
    if (!tg_mpi_exchange(g, &word) && !g->over)
        tg_mpi_good(g, MPI_Allgather(values, (int)n, MPI_DOUBLE, all, (int)n, MPI_DOUBLE, g->comm),
                    "MPI_Allgather");
    return tg_error(g->tape);
}

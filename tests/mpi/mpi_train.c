/* Trains, and prints a hash of all that came of it: by tinygrad-mpi or, with "plain", without. Arguments as
 * in train.c. */
#include "plain.h"
#include "support.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>

#include <tinygrad/mpi.h>

#ifdef WITH_IO
#include <tinygrad/io.h>
#endif

static tg_status save(trainer *t)
{
#ifdef WITH_IO
    return tg_save_checkpoint(t->o.save, t->list, t->optim, t->step);
#else
    return tg_error(t->tape);
#endif
}

static void resume(trainer *t)
{
#ifdef WITH_IO
    tg_load_checkpoint(t->o.resume, t->list, t->optim, &t->step);
#else
    (void)t;
#endif
}

static void group_step(trainer *t, tg_mpi *mpi)
{
    while (tg_mpi_next(mpi, t->batches)) {
        double weight, loss = trainer_shard(t, &weight);
        tg_mpi_add(mpi, weight, &loss, 1);
    }
    double mean = 0;
    tg_mpi_mean(mpi, &mean, 1);
    trainer_update(t, mean);
}

/* Saved is between two epochs, by rank 0. */
static void save_epoch(trainer *t, const tg_mpi *mpi)
{
    int64_t steps = (t->o.n + t->o.batch - 1) / t->o.batch;
    if (t->o.save && t->step % steps == 0 && tg_mpi_rank(mpi) == 0)
        save(t);
}

static void train(trainer *t, tg_mpi *mpi, test_allocator *allocator)
{
    if (t->o.resume && tg_mpi_rank(mpi) == 0)
        resume(t);
    tg_params *state = tg_params_new(t->tape);
    tg_optim_state(t->optim, state, NULL);
    tg_tensor *step = tg_from_i64(t->tape, &t->step, TG_SCALAR, 0);
    tg_params_add(state, step, "step");
    if (!t->o.plain) {
        tg_mpi_broadcast(mpi, t->list);
        tg_mpi_broadcast(mpi, state);
        t->step = tg_error(t->tape) ? t->o.steps : *tg_i64(step);
    }
    t->start = tg_tape_mark(t->tape);
    int64_t warm =
        t->step + 25; /* by then all sizes of shards were seen, with and without `rare` */
    while (t->step < t->o.steps && trainer_next(t)) {
        if (t->step - 1 == t->o.kill_step && tg_mpi_rank(mpi) == t->o.kill_rank)
            raise(SIGKILL);
        if (t->step == warm)
            allocator->calls = 0;
        if (t->o.plain)
            plain_step(t);
        else
            group_step(t, mpi);
        save_epoch(t, mpi);
    }
}

int main(int argc, char **argv)
{
    options o;
    if (!options_read(&o, argc, argv))
        return 2;
    if (!o.plain)
        MPI_Init(&argc, &argv);
    test_allocator allocator = {.fail_at = -1};
    trainer t;
    int rank = 0;
    if (!o.plain)
        MPI_Comm_rank(MPI_COMM_WORLD, &rank);
    trainer_make(&t, &o, test_tape(&allocator, 0), rank);
    tg_mpi *mpi = o.plain ? NULL : tg_mpi_open(MPI_COMM_WORLD, t.list, NULL);
    train(&t, mpi, &allocator);
    bool counted = !o.captured && !o.plain && !o.resume && o.steps >= 40;
    int64_t calls = counted ? allocator.calls : 0;
    bool good = !tg_error(t.tape) && calls == 0;
    if (calls)
        fprintf(stderr, "rank %d: %lld allocations\n", rank, (long long)calls);
    if (!rank)
        printf("%016llx %lld allocations\n", (unsigned long long)trainer_hash(&t),
               (long long)calls);
    double mine = (double)trainer_hash(&t), all[64] = {mine};
    if (mpi)
        tg_mpi_gather(mpi, &mine, 1, all);
    for (int i = 0; i < tg_mpi_processes(mpi); i++)
        good = good && all[i] == mine;
    tg_mpi_close(mpi);
    if (tg_error(t.tape))
        fprintf(stderr, "%s\n", tg_error_message(t.tape));
    tg_tape_free(t.tape);
    good = good && allocator.live == 0;
    if (!o.plain)
        MPI_Finalize();
    return good ? 0 : 1;
}

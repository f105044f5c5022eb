/* Several processes, in the common part of C99 and C++11; mpi.h comes first and alone. MPI is not
 * initialised: that is an error like any other. */
#include <tinygrad/mpi.h>

int main(void)
{
    tg_tape *tape = tg_tape_new(NULL);
    tg_params *params = tg_params_new(tape);
    tg_params_add(params, tg_ones(tape, TG_DIMS(2, 3), TG_REQUIRES_GRAD), "w");
    tg_mpi_opts opts;
    opts.shards = 4;
    tg_mpi *mpi = tg_mpi_open(MPI_COMM_WORLD, params, &opts);
    int good = !mpi && tg_error(tape) == TG_ESTATE;
    tg_clear_error(tape);
    double metrics[TG_MPI_METRICS] = {0};
    good = good && !tg_mpi_next(mpi, NULL) && tg_mpi_add(mpi, 1, metrics, 1) == TG_EVALUE;
    good = good && tg_mpi_mean(mpi, metrics, 1) == TG_EVALUE && tg_mpi_close(mpi) == TG_OK;
    tg_tape_free(tape);
    return !good;
}

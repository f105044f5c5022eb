#include <tinygrad/mpi.h>

int main(int argc, char **argv)
{
    MPI_Init(&argc, &argv);
    tg_tape *tape = tg_tape_new(NULL);
    tg_params *params = tg_params_new(tape);
    tg_tensor *x = tg_params_add(params, tg_full(tape, TG_SCALAR, 2.7256, 0), "x");
    tg_mpi *mpi = tg_mpi_open(MPI_COMM_WORLD, params, NULL);
    if (!tg_mpi_broadcast(mpi, params))
        tg_print(stdout, x);
    tg_mpi_close(mpi);
    tg_tape_free(tape);
    MPI_Finalize();
    return 0;
}

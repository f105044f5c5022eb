/* Whether messages move while the program computes, which is what overlapping an exchange with a backward pass
 * would live on: two processes exchange what half of the gradients of mpi_bench.c is, at once, and posted 5 ms
 * of computing before it is waited for. Prints microseconds, of the tenth of the tries that is quickest. */
#include <mpi.h>
#include <stdio.h>
#include <stdlib.h>

enum { BYTES = 1340000, TRIES = 100 };

static int rank;
static char sent[BYTES], taken[BYTES];

/* Computes for so many seconds; what it returns keeps the compiler from leaving it out. */
static double compute(double seconds)
{
    double end = MPI_Wtime() + seconds, x = 1;
    while (MPI_Wtime() < end) {
        for (int i = 0; i < 1000; i++)
            x = x * 1.0000001 + 1e-9;
    }
    return x;
}

/* Seconds in MPI's calls. */
static double exchange(double computing)
{
    MPI_Request requests[2];
    MPI_Status statuses[2];
    MPI_Barrier(MPI_COMM_WORLD);
    double begun = MPI_Wtime();
    MPI_Irecv(taken, BYTES, MPI_BYTE, !rank, 0, MPI_COMM_WORLD, &requests[0]);
    MPI_Isend(sent, BYTES, MPI_BYTE, !rank, 0, MPI_COMM_WORLD, &requests[1]);
    double used = MPI_Wtime() - begun;
    sent[0] = (char)compute(computing);
    begun = MPI_Wtime();
    MPI_Waitall(2, requests, statuses);
    return used + MPI_Wtime() - begun;
}

static int compare(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

int main(int argc, char **argv)
{
    int processes;
    MPI_Init(&argc, &argv);
    MPI_Comm_rank(MPI_COMM_WORLD, &rank);
    MPI_Comm_size(MPI_COMM_WORLD, &processes);
    for (int i = 0; i < 2 && processes == 2; i++) {
        double times[TRIES];
        for (int k = 0; k < TRIES; k++)
            times[k] = exchange(i * 5e-3);
        qsort(times, TRIES, sizeof *times, compare);
        if (!rank)
            printf("%s: %.0f us in MPI\n", i ? "while the program computes" : "at once",
                   1e6 * times[TRIES / 10]);
    }
    MPI_Finalize();
    return processes == 2 ? 0 : 1;
}

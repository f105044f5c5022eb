#!/bin/sh
# valgrind.sh MPIEXEC MPI_TRAIN MPI_FAULTS: no leak and no wrong access in two processes and in four, with Open MPI's
# list of what it leaves itself. Run by .ci/long.
set -eu
mpiexec=$1 train=$2 faults=$3
. "$(dirname "$0")/launch.sh"
export OMP_NUM_THREADS=1
theirs=$(find /usr/share /etc -name openmpi-valgrind.supp 2>/dev/null | head -n 1)
check="valgrind --quiet --leak-check=full --num-callers=40 --error-exitcode=99 --suppressions=$PWD/mpi/valgrind.supp ${theirs:+--suppressions=$theirs}"
# shellcheck disable=SC2086 # several options
{
    launch 2 $check "$train" steps=12
    launch 2 $check "$train" steps=12 captured f64 no-norm n=100
    launch 4 $check "$faults"
}
echo "no leaks"

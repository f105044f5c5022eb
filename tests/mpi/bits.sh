#!/bin/sh
# bits.sh MPIEXEC MPI_TRAIN [STEPS]: one hash of all that comes of a run, for 1, 2, 4 and 8 processes, one thread and
# two, step by step and captured, and without tinygrad-mpi. With STEPS in all combinations.
set -eu
mpiexec=$1 program=$2 steps=${3-40} all=${3-}
. "$(dirname "$0")/launch.sh"

compare() { # processes, threads, arguments of the program
    processes=$1
    export OMP_NUM_THREADS="$2"
    shift 2
    got=$(launch "$processes" "$program" steps="$steps" "$@") || fail "$processes processes, $OMP_NUM_THREADS threads $*: exit $?"
    echo "$got: $processes processes, $OMP_NUM_THREADS threads $*"
    [ "$got" = "$want" ] || fail "other bits"
}

# shellcheck disable=SC2086 # several arguments
for model in "" "f64 no-norm n=100"; do # the last batch of 100 has fewer samples than there are shards
    want=$("$program" plain steps="$steps" $model)
    echo "$want: without MPI, $steps steps $model"
    if [ -z "$all" ]; then
        compare 2 2 captured $model
        compare 8 1 $model
        [ "$model" ] || compare 1 1
        [ "$model" ] || compare 4 1 captured
        continue
    fi
    for processes in 1 2 4 8; do
        for threads in 1 2; do
            compare $processes $threads $model
            compare $processes $threads captured $model
        done
    done
done

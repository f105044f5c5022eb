#!/bin/sh
# bits.sh MPIEXEC MPI_TRAIN [STEPS [all]]: one hash of all that comes of a run, for 1, 2, 4 and 8 processes, one thread
# and two, step by step and captured, and without tinygrad-mpi; with "all" in all combinations.
set -eu
mpiexec=$1 program=$2 steps=${3-40} all=${4-}
. "$(dirname "$0")/launch.sh"

for model in "" "f64 no-norm n=100"; do
    # shellcheck disable=SC2086 # several arguments
    want=$("$program" plain steps="$steps" $model)
    echo "$want: without MPI, $steps steps $model"
    for kind in "1 1" "1 2 captured" "2 2" "4 1 captured" "8 1" ${all:+"2 1 captured" "4 2" "8 2 captured" "2 1" "2 2 captured" "4 1" "4 2 captured" "8 2" "8 1 captured" "1 2" "1 1 captured"}; do
        # shellcheck disable=SC2086
        set -- $kind
        export OMP_NUM_THREADS="$2"
        # shellcheck disable=SC2086
        got=$(launch "$1" "$program" steps="$steps" ${3-} $model) || fail "$kind $model: exit $?"
        echo "$got: $1 processes, $2 threads ${3-}"
        [ "$got" = "$want" ] || fail "other bits"
    done
done

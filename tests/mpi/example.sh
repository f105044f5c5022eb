#!/bin/sh
# example.sh MPIEXEC DISTRIBUTED: the example's two models save the same bytes for one process and several, step by
# step and captured, and go on from what another number of them has saved; progress is told once.
set -eu
mpiexec=$1 program=$2
. "$(dirname "$0")/launch.sh"
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
export OMP_NUM_THREADS=1
options="--data $PWD/examples/fashion --epochs 2"

# shellcheck disable=SC2086 # several options
{
    "$program" $options --save "$dir/one" >"$dir/out"
    launch 4 "$program" $options --save "$dir/four" >"$dir/out" 2>"$dir/err"
    cmp "$dir/one" "$dir/four" || fail "four processes save something else"
    [ "$(tr '\r' '\n' <"$dir/out" | grep -c '^epoch 2/2')" = 1 ] || fail "$(cat "$dir/out")"
    [ "$(grep -c parameters "$dir/err")" = 1 ] || fail "$(cat "$dir/err")"
    "$program" $options --model conv --eager --save "$dir/conv" >"$dir/out"
    "$program" $options --model conv --stop 1 --save "$dir/part" >"$dir/out"
    launch 2 "$program" $options --model conv --resume "$dir/part" --save "$dir/rest" >"$dir/out"
    cmp "$dir/conv" "$dir/rest" || fail "two processes go on differently"
    if launch 2 "$program" $options --data "$dir/none" >"$dir/out" 2>"$dir/err"; then
        fail "trained on nothing"
    fi
    grep -q 'rank 0: distributed: the data cannot be read' "$dir/err" || fail "$(cat "$dir/err")"
}

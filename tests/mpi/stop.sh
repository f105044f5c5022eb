#!/bin/sh
# stop.sh MPIEXEC MPI_TRAIN: a process that is killed in a step ends the job and leaves the last checkpoint whole; a
# run goes on from it with another number of processes to the bytes of one that was never stopped.
set -eu
mpiexec=$1 program=$2
. "$(dirname "$0")/launch.sh"
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT

"$program" steps=40 save="$dir/whole" >"$dir/out"
if launch 4 "$program" steps=40 save="$dir/part" kill=2:23 >"$dir/out" 2>&1; then
    fail "nobody was killed"
fi
"$program" steps=20 save="$dir/twenty" >"$dir/out"
cmp "$dir/part" "$dir/twenty" || fail "the checkpoint is not that of step 20"
launch 2 "$program" steps=40 resume="$dir/part" save="$dir/again" >"$dir/out"
cmp "$dir/again" "$dir/whole" || fail "2 processes go on differently"
if launch 2 "$program" steps=40 resume="$dir/none" >"$dir/out" 2>&1; then
    fail "went on from no file"
fi
grep -q 'rank 0: load_checkpoint: .*none: cannot open the file' "$dir/out" || fail "$(cat "$dir/out")"

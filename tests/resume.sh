#!/bin/sh
# resume.sh PROGRAM ARGUMENT...: a training example that stops and goes on in another process saves the
# same bytes as one that does not stop, by --stop or by a signal at any time, and as one whose steps are
# all recorded anew.
set -eu
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT

fail() {
    echo "$1"
    exit 1
}

"$@" --save "$dir/whole" >"$dir/out"
"$@" --save "$dir/part" --stop 1 >"$dir/out"
cmp -s "$dir/whole" "$dir/part" && fail "stopping changes nothing"
"$@" --seed 77 --save "$dir/parts" --resume "$dir/part" >"$dir/out"
cmp "$dir/whole" "$dir/parts" || fail "resumed differently"

# Captured steps that are replayed are those that are recorded anew.
"$@" --eager --save "$dir/eager" >"$dir/out"
cmp "$dir/whole" "$dir/eager" || fail "--eager gives other numbers"

# Nothing to do but to say so, and to save it again.
"$@" --stop 1 --save "$dir/again" --resume "$dir/part" >"$dir/out" 2>"$dir/err"
grep -q 'has 1 epochs done' "$dir/err" || fail "did not say that nothing is left to do"

long="--epochs 1000000"
# shellcheck disable=SC2086 # two arguments
"$@" $long --save "$dir/stopped" --curve "$dir/curve" >"$dir/out" 2>"$dir/err" &
while [ ! -e "$dir/curve" ]; do
    kill -0 $! 2>/dev/null || fail "did not start: $(cat "$dir/err")"
    sleep 0.1
done
sleep 0.5
kill -TERM $!
wait $! || fail "stopped with exit code $?"
done=$(($(wc -l <"$dir/curve") - 1))
[ "$done" -lt 1000000 ] || fail "too fast for this test"
grep -q "stopped early, after epoch $done\$" "$dir/err" || fail "stopped elsewhere: $(cat "$dir/err")"
# shellcheck disable=SC2086
"$@" $long --stop "$done" --save "$dir/whole" >"$dir/out"
cmp "$dir/whole" "$dir/stopped" || fail "a signal left another state than that after epoch $done"

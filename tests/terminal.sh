#!/bin/sh
# terminal.sh NAMES IRIS: on a terminal training shows a bar within an epoch and a curve at the end, and no line is
# longer than the terminal is wide. Needs script, of util-linux.
set -eu
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT

fail() {
    echo "$1"
    exit 1
}

# shown COLUMNS COMMAND: what is on such a terminal in the course of time, a line for each state of it.
shown() {
    script -qec "stty cols $1; $2" /dev/null </dev/null | sed "s/$(printf '\033')\[K//g" | tr '\r' '\n' >"$dir/lines"
    if grep -E "^.{$1}" "$dir/lines"; then
        fail "longer than $1 columns"
    fi
}

script -qec true /dev/null </dev/null >"$dir/lines" 2>&1 || { echo "skipped: there are no pseudo-terminals"; exit 77; }
for i in $(seq 5); do
    cat examples/words.txt
done >"$dir/words"
shown 100 "'$1' --data '$dir/words' --epochs 4 2>/dev/null"
grep -q '^epoch [0-9]*/4  \[#*  *\]  *[0-9]*%$' "$dir/lines" || fail "no bar"
grep -q '^epoch 4/4  loss [0-9.]*  [0-9]* samples/s  *0 s left$' "$dir/lines" || fail "no last line"
[ "$(grep -c '^ *[0-9.a-z]* |.*\*' "$dir/lines")" -ge 2 ] || fail "no curve"
grep -q '^ *epoch 1  *4$' "$dir/lines" || fail "no axis"
shown 40 "'$1' --data '$dir/words' --epochs 4 2>/dev/null"
grep -q '^ *epoch 1  *4$' "$dir/lines" || fail "no axis on a narrow terminal"
shown 20 "'$2' --epochs 70 2>/dev/null"
shown 80 "'$2' --epochs 70 2>/dev/null"
tail -n 9 "$dir/lines"

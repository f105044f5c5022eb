#!/bin/sh
# training.sh IRIS SAVES: what the training examples share, by the program iris. A run that is saved and
# resumed prints what one that goes on prints (if SAVES is 1: built with tinygrad-io; see resume.sh as well),
# a signal ends it in good order, the curve has a row an epoch, a wrong command line is refused.
set -eu
iris=$1
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT

fail() {
    echo "$1"
    exit 1
}

for wrong in "--epochs x" "--epochs 1.5e10" "--epochs 1.5" "--stop -1" "--lr nan" "--seed -1" "--none" "word" "--optimiser adam"; do
    code=0
    # shellcheck disable=SC2086 # several arguments
    "$iris" $wrong >"$dir/out" 2>&1 || code=$?
    [ "$code" = 2 ] && [ -s "$dir/out" ] || fail "iris $wrong: exit $code"
    grep -v '^iris: \|^try iris --help$' "$dir/out" && fail "another manner"
done
"$iris" --epochs 2e9 2>&1 | grep -q ': not a whole number from 0 to 1000000000$' || fail "no range"
"$iris" --epochs 2>&1 | grep -q '^iris: --epochs: a value is missing$' || fail "no value"
"$iris" --none 2>&1 | grep -q '^iris: --none: not an option$' || fail "--none"
"$iris" -x 2>&1 | grep -q '^iris: -x: not an option$' || fail "-x"
"$iris" --help=3 2>&1 | grep -q '^iris: --help=3: not an option$' || fail "--help=3"
"$iris" --help >"$dir/help"
"$iris" -h | cmp - "$dir/help" || fail "-h"
"$iris" --help | grep -q -e '--optimiser TEXT' || fail "--help"
"$iris" --data "$dir/none.csv" 2>/dev/null && fail "a file that is not there was read"
"$iris" --curve "$dir/none/curve" 2>/dev/null && fail "a curve was written to nowhere"

"$iris" --epochs 3 2>&1 >"$dir/out" | grep -q '^iris: 131 parameters in 4 tensors, epochs 1 to 3, seed 1, [1-9][0-9]* threads*, \(base\|v3\|v4\)$' ||
    fail "does not say what is trained"
"$iris" --epochs 30 --curve "$dir/it's.csv" >"$dir/30"
[ "$(wc -l <"$dir/it's.csv")" = 31 ] || fail "rows of the curve"
if command -v gnuplot >/dev/null; then
    grep -q '</svg>' "$dir/it's.csv.svg" || fail "no SVG"
    grep -q '>accuracy<' "$dir/it's.csv.svg" || fail "no accuracy in the SVG"
else
    [ ! -e "$dir/it's.csv.svg" ] || fail "an SVG without gnuplot"
fi
PATH= "$iris" --epochs 1 --curve "$dir/alone.csv" >"$dir/out"
[ ! -e "$dir/alone.csv.svg" ] || fail "an empty SVG"

save=
[ "$2" = 0 ] || save="--save $dir/stopped"
# shellcheck disable=SC2086 # two arguments or none
"$iris" --epochs 100000000 --curve "$dir/long.csv" $save >/dev/null 2>"$dir/err" &
sleep 1
kill -TERM $!
wait $! || fail "stopped with exit code $?"
grep -q 'stopped early' "$dir/err" || fail "was not stopped"
rows=$(tail -n 1 "$dir/long.csv" | cut -d, -f1)
[ "$(wc -l <"$dir/long.csv")" = $((rows + 1)) ] || fail "rows of the long curve"

[ "$2" = 1 ] || exit 0
"$iris" --save "$dir/none/model" >"$dir/out" 2>"$dir/err" && fail "saved to nowhere"
[ ! -s "$dir/out" ] && grep -q 'none/model' "$dir/err" || fail "trained before it found no place to save"
# Killed, it has left what a second ago was.
saved() {
    "$iris" --epochs 1 --resume "$dir/killed" 2>&1 >"$dir/out" | grep -q ' has [1-9][0-9]* epochs done'
}
"$iris" --epochs 100000000 --save "$dir/killed" >"$dir/out" 2>"$dir/err" &
for try in $(seq 40); do
    sleep 0.5
    ! saved || break
done
kill -KILL $!
wait $! 2>"$dir/err" || true
saved || fail "a killed run left nothing, $try"
"$iris" --epochs 1 --resume "$dir/stopped" >"$dir/next"
"$iris" --epochs 10 --save "$dir/model" >"$dir/10"
"$iris" --epochs 30 --resume "$dir/model" >"$dir/20"
values() {
    sed 's/^[^ ]* [^ ]* //' "$@"
}
values "$dir/10" "$dir/20" >"$dir/parts"
values "$dir/30" | cmp - "$dir/parts" || fail "resumed differently"
# Epoch 11 tells the loss before its step, so of what epoch 10 left.
"$(dirname "$iris")/evaluate_iris" "$dir/model" >"$dir/evaluated"
sed "s,.*  loss,$dir/model: loss,;q" "$dir/20" | cmp - "$dir/evaluated" || fail "evaluate_iris: another loss"
"$iris" --optimiser sgd --resume "$dir/model" 2>"$dir/err" && fail "resumed another optimiser"
grep -q 'momentum_buffer' "$dir/err" || fail "no reason given"

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
done
"$iris" --help | grep -q -e '--optimiser TEXT' || fail "--help"
"$iris" --data "$dir/none.csv" 2>/dev/null && fail "a file that is not there was read"
"$iris" --curve "$dir/none/curve" 2>/dev/null && fail "a curve was written to nowhere"

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
sed "s/.*  loss/loss/;q" "$dir/20" | cmp - "$dir/evaluated" || fail "evaluate_iris: another loss"
"$iris" --optimiser sgd --resume "$dir/model" 2>"$dir/err" && fail "resumed another optimiser"
grep -q 'momentum_buffer' "$dir/err" || fail "no reason given"

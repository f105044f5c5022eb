#!/bin/sh
# sample.sh NAMES TRANSFORMER: both write from a checkpoint without training, what has the model's numbers and the
# seed alone to do with, and refuse another model's.
set -eu
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT

fail() {
    echo "$1"
    exit 1
}

"$1" --data examples/words.txt --epochs 2 --save "$dir/names" >"$dir/out"
"$1" --data /nowhere --sample "$dir/names" >"$dir/words"
[ "$(wc -l <"$dir/words")" = 12 ] || fail "names: not twelve words"
"$1" --sample "$dir/names" --seed 2 | cmp -s - "$dir/words" && fail "names: the seed changes nothing"
"$1" --sample "$dir/names" | cmp - "$dir/words" || fail "names: other words"
"$1" --model gru --sample "$dir/names" >"$dir/out" 2>"$dir/err" && fail "names: took another model"
grep -q 'model.gru.weight_ih_l0' "$dir/err" && [ ! -s "$dir/out" ] || fail "names: did not say what is missing"

"$2" --data ../LICENSE --epochs 1 --letters 0 --save "$dir/transformer" >"$dir/out"
"$2" --data ../LICENSE --epochs 2 --letters 0 --hold-out 30 >"$dir/out"
grep -q 'validation [0-9.]*$' "$dir/out" || fail "transformer: nothing held out"
"$2" --data ../LICENSE --letters 50 --sample "$dir/transformer" >"$dir/text"
[ "$(wc -c <"$dir/text")" = 51 ] || fail "transformer: not fifty letters"
"$2" --data ../LICENSE --letters 50 --sample "$dir/transformer" --attention 4 >"$dir/picture"
head -n "$(wc -l <"$dir/text")" "$dir/picture" | cmp - "$dir/text" || fail "transformer: other letters before the picture"
[ "$(tail -n 32 "$dir/picture" | grep -c '^. |[ .:=+*#%@-]*$')" = 32 ] || fail "transformer: no picture of its attention"
tail -n 32 "$dir/picture" | head -n 1 | grep -q '|@$' || fail "transformer: the first letter sees another than itself"
code=0
"$2" --attention 5 2>"$dir/err" || code=$?
[ "$code" = 2 ] && grep -q 'there are 4 heads' "$dir/err" || fail "transformer: a head that is not there"
"$2" --data ../LICENSE --sample "$dir/names" 2>"$dir/err" && fail "transformer: took another model"
grep -q 'model.symbols.weight' "$dir/err" || fail "transformer: did not say what is missing"

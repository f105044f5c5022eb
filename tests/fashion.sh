#!/bin/sh
# fashion.sh FASHION_MNIST: the example's two models, what it saves, and idx files that are not right.
set -eu
program=$1
good=$PWD/examples/fashion
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT

fail() {
    echo "$1"
    exit 1
}

"$program" --data "$good" --epochs 3 --save "$dir/mlp" >"$dir/trained"
[ -s "$dir/mlp.best" ] || fail "no best checkpoint"
grep -q '^epoch 1/3  loss [0-9.]*  validation [0-9.]*  accuracy [0-9.]*%$' "$dir/trained" || fail "no validation loss"
# Without learning nothing gets better; the best is what the last one is, but for the count of epochs.
"$program" --data "$good" --epochs 9 --lr 0 --patience 2 --curve "$dir/curve" >"$dir/patient" 2>"$dir/err"
[ "$(wc -l <"$dir/patient")" = 3 ] && [ "$(cut -d, -f4 "$dir/curve" | grep -c '[0-9]\.[0-9]')" = 3 ] || fail "not patient"
grep -q 'ended after epoch 3: no loss is lower than [0-9.]* of epoch 1$' "$dir/err" || fail "did not say why it ended"
mkdir "$dir/test"
cp "$good"/t10k-* "$dir/test"
"$program" --data "$dir/test" --evaluate "$dir/mlp" >"$dir/tested"
grep -q "$(head -n 1 "$dir/tested")\$" "$dir/trained" || fail "evaluated otherwise than trained"
# One epoch leaves mistakes: those off the diagonal. There are 30 pictures, and two of the worst are drawn.
"$program" --data "$good" --epochs 1 --lr 0 --save "$dir/raw" >"$dir/out"
"$program" --data "$dir/test" --evaluate "$dir/raw" >"$dir/tested"
[ "$(sed -n '3,12p' "$dir/tested" | awk '{for (i = 2; i <= NF; i++) n += $i} END {print n}')" = 30 ] || fail "not all in the table"
[ "$(sed -n 's/.*taken for .*(probability .*/x/p' "$dir/tested" | wc -l)" = 2 ] || fail "not the two worst"
[ "$(grep -c '▀\|▄\|█' "$dir/tested")" -gt 10 ] || fail "no pictures"
"$program" --data "$good" --model conv --resume "$dir/mlp" 2>"$dir/err" && fail "took another model"
grep -q 'conv1.weight' "$dir/err" || fail "did not say what the file lacks"
"$program" --data "$good" --model conv --evaluate "$dir/mlp" >"$dir/out" 2>"$dir/err" &&
    fail "tested another model"
[ ! -s "$dir/out" ] && grep -q 'model.conv1.weight' "$dir/err" || fail "did not say that it lacks conv1"
code=0
"$program" --model other 2>"$dir/err" || code=$?
[ "$code" = 2 ] || fail "--model other: exit $code"

# refuses FILE TEXT: with the set in $dir/bad, in which FILE is wrong.
refuses() {
    code=0
    "$program" --data "$dir/bad" --epochs 1 >"$dir/out" 2>"$dir/err" || code=$?
    [ "$code" = 1 ] || fail "$1, $2: exit $code"
    grep -q "$1.*: $2" "$dir/err" || fail "$1, $2: $(cat "$dir/err")"
    grep -q 'dataset-fashion-mnist' "$dir/err" || fail "does not name the package"
    rm -rf "$dir/bad"
    cp -r "$good" "$dir/bad"
}
mkdir "$dir/bad"
refuses train-images 'No such file'
train=$dir/bad/train-images-idx3-ubyte.gz
labels=$dir/bad/t10k-labels-idx1-ubyte.gz
gzip -cd "$good/train-images-idx3-ubyte.gz" >"$dir/images"
head -c 10 "$dir/images" >"$train" && refuses train-images 'ends too early'
head -c 5000 "$dir/images" >"$train" && refuses train-images 'ends too early'
head -c 5000 "$good/train-images-idx3-ubyte.gz" >"$train" && refuses train-images '.'
{ cat "$dir/images"; echo; } >"$train" && refuses train-images 'holds more than its header says'
cp "$good/train-labels-idx1-ubyte.gz" "$train" && refuses train-images 'holds an array of another number of dims'
cp "$good/train-labels-idx1-ubyte.gz" "$labels" && refuses t10k-labels 'dim 0 has size 120, not 30'
echo 'no idx file' >"$train" && refuses train-images 'not an idx file'
{ head -c 11 "$dir/images"; printf '\035'; tail -c +13 "$dir/images"; } >"$train" &&
    refuses train-images 'dim 1 has size 29, not 28'
printf '\000\000\010\003\377\377\377\377\000\000\000\034\000\000\000\034' >"$train"
code=0
"$program" --data "$dir/bad" 2>"$dir/err" || code=$?
[ "$code" = 1 ] || fail "a huge size: exit $code"

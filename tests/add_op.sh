#!/bin/sh
# add_op.sh SOURCE_DIR: the steps of src/doc/working.md to add an operation, taken in a copy of the tree with the files of
# add_op/, hold: no other file is touched, it is no longer than the page says, and all generic tests run
# over the new rows. Those tests also see a gradient that is wrong only where it jumps.
set -eu
source=$1
files=$source/tests/add_op
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
mkdir "$work/tree"
(cd "$source" && cp -r CMakeLists.txt LICENSE README.md include src tests "$work/tree")
cd "$work/tree"

at_most() {
    limit=$1
    shift
    lines=$(cat "$@" | grep -c .)
    printf '%d lines of at most %d: %s\n' "$lines" "$limit" "$(basename "$1" .c)"
    [ "$lines" -le "$limit" ]
}

# A prototype behind that of tg_tanh().
add_prototype() {
    header=$(grep -rl 'tg_tanh(tg_tensor' include)
    sed -i "/tg_tanh(tg_tensor/r $files/$1.h" "$header"
}

build() {
    cmake -S . -B "$work/build" -DCMAKE_BUILD_TYPE=Release -DTINYGRAD_WERROR=ON -DTINYGRAD_IO=OFF \
        -DTINYGRAD_BUILD_EXAMPLES=OFF >"$work/log" 2>&1 &&
        cmake --build "$work/build" -j2 --target test_ops test_ops_kinks test_ops_tape \
            >>"$work/log" 2>&1 || { cat "$work/log"; exit 1; }
}

# The tests NAME... over the row: each must run.
passes() {
    row=$1
    shift
    for test in "$@"; do
        "$work/build/tests/$test" "*/$row" >"$work/log" 2>&1 || return 1
        grep -q "OK ].*/$row" "$work/log"
    done
}

at_most 16 "$files/erfc.c" "$files/erfc.h" "$files/erfc.row"
if grep -vxFf "$source/src/doc/working.md" "$files/erfc.c"; then
    echo "the page shows something else"
    exit 1
fi
cat "$files/erfc.c" >>src/ops/unary.c
sed -i "/^const op_row ops_unary\[\]/r $files/erfc.row" tests/ops_unary.c
add_prototype erfc

at_most 69 "$files/cosine.c" "$files/cosine.h" "$files/ops_cosine.c"
cp "$files/cosine.c" src/ops
cp "$files/ops_cosine.c" tests
add_prototype cosine

cat "$files/saturate.c" >>src/ops/unary.c
cp "$files/ops_saturate.c" tests
add_prototype saturate

build
for row in erfc cosine saturate; do
    passes $row test_ops test_ops_kinks test_ops_tape || { cat "$work/log"; exit 1; }
    echo "$row passes"
done

fails() {
    build
    if passes saturate test_ops_kinks; then
        echo "saturate passes although $1"
        exit 1
    fi
    grep 'ERROR' "$work/log"
}

sed -i 's/{kinks}/{kinks + 1}/' tests/ops_saturate.c
fails "its row does not say where its gradient jumps"
sed -i 's/{kinks + 1}/{kinks}/' tests/ops_saturate.c
sed -i 's/tg_logical_not(tg_lt_scalar(size, 1))/tg_gt_scalar(size, 1)/' src/ops/unary.c
fails "its gradient at +-1 is 1 instead of 0"
passes saturate test_ops test_ops_tape # which see nothing of that

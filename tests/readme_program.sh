#!/bin/sh
# readme_program.sh SOURCE_DIR BUILD_DIR: README's program, in a directory beside the library's, by the command and by
# the Makefile that README gives, prints what README says; and so does the first program. (That of CMake is
# package/inside.sh, pkg-config is package/run.sh.)
set -eu
root=$1 build=$2
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
block() {
    sh "$root/tests/block.sh" "$root/README.md" "$@"
}

mkdir "$work/libtinygrad" "$work/own"
ln -s "$root/include" "$work/libtinygrad/include"
ln -s "$build" "$work/libtinygrad/build"
cd "$work/own"
block c 1 >program.c
block make 1 >Makefile
block text 2 >"$work/expected"
printf '%s -Wall -Wextra -Werror\n' "$(block sh 3 | sed 's/ && .*//')" >"$work/strict"
sh "$work/strict"
sh -c "$(block sh 3)" | diff "$work/expected" -
echo "by the command"
make -s clean
make -s
./program | diff "$work/expected" -
echo "by make"
[ "$(wc -l <Makefile)" -le 4 ]

# The picture shows what a step of the program records: labels are compared, the drawing is Graphviz'.
sed 's/^        tg_backward(loss);/        if (step == 1)\n            tg_write_dot(stderr, tape, start);\n&/' program.c >graph.c
cc graph.c -I../libtinygrad/include ../libtinygrad/build/libtinygrad.a -lm -pthread -o graph
./graph 2>graph.dot >/dev/null
sed -n 's/.*label="\([^"]*\)".*/\1/p' graph.dot | sort >labels
sed -n 's/.*<text[^>]*>\(.*\)<\/text>/\1/p' "$root/src/doc/graph.svg" | sort | diff labels -
echo "$(wc -l <labels) labels of the graph"

block text 1 | diff "$root/tests/examples/cross_entropy.out" -
lines=$(wc -l <"$root/README.md")
echo "README: $lines lines"
[ "$lines" -le 200 ]

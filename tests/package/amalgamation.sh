#!/bin/sh
# amalgamation.sh AMALGAMATION SOURCE_DIR: tinygrad.c and tinygrad.h in a program's own directory, compiled as
# they are: without include paths, without warnings under gcc and clang, and, where the compiler may fuse
# a * b + c and would, with the bits that tests/test_bits.c has written down.
set -eu
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cp "$1/tinygrad.c" "$1/tinygrad.h" "$1/tinygrad_io.c" "$work"
cp "$2/examples/cross_entropy.c" "$work/main.c"
tests=$2/tests
cd "$work"

# Beside the build.
warnings() {
    for compiler in gcc clang; do
        for file in tinygrad.c tinygrad_io.c; do
            "$compiler" -fsyntax-only -Wall -Wextra -Wpedantic -Werror $file
            "$compiler" -fsyntax-only -Werror $file
        done
        "$compiler" -fsyntax-only -Wall -Werror -DTGK_NO_STDIO tinygrad.c
        "$compiler" -std=c99 -fsyntax-only -Wall -Wextra -Wpedantic -Werror -x c tinygrad.h
    done
}
warnings &

cc -O1 -march=native -c tinygrad.c
cc -o example -I. main.c tinygrad.o -lm -pthread
./example | head -n 1 >first
cat first
grep -qF 'tensor(2.7256)' first
cc -I. -I"$tests" -o bits "$tests/test_bits.c" "$tests/support.c" tinygrad.o -lcmocka -lm -pthread
(cd "$tests" && "$work/bits")
wait $!

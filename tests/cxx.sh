#!/bin/sh
# cxx.sh SOURCE_DIR BUILD_DIR: tinygrad.hpp, by the C++ compilers that are here: without a warning, what it promises,
# and the guide's program. 77: there is none.
set -eu
root=$1 build=$2
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
warnings="-Wall -Wextra -Wpedantic -Wconversion -Wshadow -Werror"
tried=0
for compiler in "g++ -std=c++17" "clang++ -std=c++20"; do
    echo 'int main() { return 0; }' >"$work/probe.cc"
    $compiler "$work/probe.cc" -o "$work/probe" 2>/dev/null || continue
    tried=$((tried + 1))
    for source in tests/cxx examples/guide/operators; do
        # shellcheck disable=SC2086 # several words
        $compiler $warnings -I"$root/include" "$root/$source.cc" -o "$work/program" "$build/libtinygrad.a" -lm -pthread
        "$work/program" >"$work/out" || { cat "$work/out"; exit 1; }
    done
    diff "$root/tests/examples/guide/operators.out" "$work/out"
    echo "$compiler"
done
[ "$tried" -gt 0 ] || { echo "left out: no C++17 compiler here"; exit 77; }

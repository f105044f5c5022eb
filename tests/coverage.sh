#!/bin/sh
# coverage.sh SOURCE_DIR BUILD_DIR [REGEX]: which branches of src the tests leave, as clang measures it on the source:
# each way of each condition, whether a macro, an included file or an instruction set repeats it or not. Prints
# those never taken, and fails where there are any that coverage.txt does not excuse, see coverage.py. With REGEX,
# only tests of a name that it matches run, and count beside what the others did when they ran last; where src
# changed since, they all have to. One instruction set, this machine's; run by .ci/long.
set -eu

# What trains, and what asks for all floats, is left out.
source=$1 build=$2
tests=${3:-^(test_|fuzz_)}
limit=100
without='^test_(all_floats|train_fashion|examples_alloc)$'
mkdir -p "$build"
cmake -S "$source" -B "$build" -DCMAKE_BUILD_TYPE=Debug -DCMAKE_C_COMPILER=clang -DCMAKE_C_FLAGS_DEBUG="-O1" \
    -DCMAKE_C_FLAGS="-fprofile-instr-generate -fcoverage-mapping -march=native" -DTINYGRAD_ISAS=base \
    -DTINYGRAD_BUILD_EXAMPLES=OFF >"$build/log" || { cat "$build/log"; exit 1; }
cmake --build "$build" -j2 >"$build/log" 2>&1 || { tail -n 40 "$build/log"; exit 1; }
mkdir -p "$build/profiles"
(cd "$build/profiles" && ls | sed 's/[.].*//' | sort -u | grep -E "$tests" | while read -r name; do rm -f "$name".*; done)
(cd "$build" && ctest -j2 --output-on-failure -R "$tests" -E "$without") >"$build/log" ||
    { tail -n 60 "$build/log"; exit 1; }
llvm-profdata merge -failure-mode=all -sparse -o "$build/profile" "$build"/profiles/*.profraw
# The shared libraries have the objects of the static ones that the tests are linked with.
llvm-cov export -instr-profile="$build/profile" "$build/libtinygrad.so" -object "$build/libtinygrad_io.so" \
    >"$build/coverage.json"
python3 "$source/tests/coverage.py" "$source" "$build" "$limit"

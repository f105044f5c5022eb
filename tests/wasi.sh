#!/bin/sh
# wasi.sh SOURCE_DIR BUILD_DIR [all]: the library for WebAssembly, built in BUILD_DIR by tests/cross/wasi.cmake and
# run by node: programs print what they print elsewhere, byte for byte, and test_bits' models get the same weights; with
# "all" after as many steps as elsewhere. 77: what it needs is not installed:
#
#     apt-get install -y --no-install-recommends clang lld wasi-libc libclang-rt-14-dev-wasm32 nodejs
set -eu
source=$(cd "$1" && pwd)
mkdir -p "$2"
build=$(cd "$2" && pwd) all=${3:-}
for program in clang wasm-ld node; do
    command -v $program >/dev/null || { echo "skipped: there is no $program"; exit 77; }
done
[ -d /usr/include/wasm32-wasi ] || { echo "skipped: there is no wasi-libc"; exit 77; }

cmake -S "$source" -B "$build" -DCMAKE_TOOLCHAIN_FILE="$source/tests/cross/wasi.cmake" -DTINYGRAD_BUILD_TESTS=OFF \
    -DTINYGRAD_WERROR=ON >"$build/log" 2>&1 && cmake --build "$build" -j2 >>"$build/log" 2>&1 ||
    { cat "$build/log"; exit 1; }

run() { # program, its arguments
    node --no-warnings "$source/tests/cross/wasi.mjs" "$@"
}
cd "$source"
for expected in "$source"/tests/examples/*.out "$source"/tests/examples/guide/*.out; do
    name=$(basename "$expected" .out)
    program=$build/examples/$name.wasm
    case $expected in */guide/*) program=$build/examples/guide_$name.wasm ;; esac
    # The page's module has functions for the page and no main: web.sh.
    [ -f "$program" ] && [ "$name" != web ] || continue
    # Several arguments; paths from here on, as a program gets no farther up.
    # shellcheck disable=SC2046
    run "$program" $(sed "s,\.\./,," "${expected%.out}.args" 2>/dev/null || true) >"$build/out"
    cmp "$build/out" "$expected"
    echo "$name: the same $(wc -c <"$build/out") bytes"
done

short=-DSANITIZED
[ -z "$all" ] || short=
cd "$build"
clang --target=wasm32-wasi -O2 -std=c11 $short -I"$source/tests/cross/cmocka" -I"$source/tests" \
    -I"$source/include" "$source/tests/test_bits.c" "$build/libtinygrad.a" -lm -o test_bits.wasm
run test_bits.wasm

#!/bin/sh
# wasi.sh SOURCE_DIR BUILD_DIR [all]: the library for WebAssembly, built in BUILD_DIR by tests/cross/wasi.cmake and
# run by node: programs print what they print elsewhere, byte for byte, and test_bits' models get the same weights; with
# "all" after as many steps as elsewhere. Where there is a clang-19, the same with relaxed vectors, and test_products; then all of
# that by an engine that has been told not to fuse a relaxed multiply-add, so that the library's own is taken.
# 77: what it needs is not installed:
#
#     apt-get install -y --no-install-recommends clang lld wasi-libc libclang-rt-14-dev-wasm32 nodejs
#     apt-get install -y --no-install-recommends clang-19 lld-19 libclang-rt-19-dev-wasm32
set -eu
source=$(cd "$1" && pwd)
mkdir -p "$2"
build=$(cd "$2" && pwd) all=${3:-}
for program in clang wasm-ld node; do
    command -v $program >/dev/null || { echo "skipped: there is no $program"; exit 77; }
done
[ -d /usr/include/wasm32-wasi ] || { echo "skipped: there is no wasi-libc"; exit 77; }

short=-DSANITIZED
[ -z "$all" ] || short=

run() { # program, its arguments
    # shellcheck disable=SC2086
    node --no-warnings $engine "$source/tests/cross/wasi.mjs" "$@"
}

make_it() { # directory, options of cmake
    where=$build/$1
    shift
    cmake -S "$source" -B "$where" -DCMAKE_TOOLCHAIN_FILE="$source/tests/cross/wasi.cmake" -DTINYGRAD_BUILD_TESTS=OFF \
        -DTINYGRAD_WERROR=ON "$@" >"$build/log" 2>&1 && cmake --build "$where" -j2 >>"$build/log" 2>&1 ||
        { cat "$build/log"; exit 1; }
}

same() { # directory: its programs print what they should
    cd "$source"
    for expected in "$source"/tests/examples/*.out "$source"/tests/examples/guide/*.out; do
        name=$(basename "$expected" .out)
        program=$build/$1/examples/$name.wasm
        case $expected in */guide/*) program=$build/$1/examples/guide_$name.wasm ;; esac
        # The page's module has functions for the page and no main: web.sh.
        [ -f "$program" ] && [ "$name" != web ] || continue
        # Several arguments; paths from here on, as a program gets no farther up.
        # shellcheck disable=SC2046
        run "$program" $(sed "s,\.\./,," "${expected%.out}.args" 2>/dev/null || true) >"$build/out"
        cmp "$build/out" "$expected"
        echo "$name: the same $(wc -c <"$build/out") bytes"
    done
}

try() { # directory, test, compiler and its options
    (
        cd "$build/$1"
        library=$PWD/libtinygrad.a test=$2
        shift 2
        "$@" --target=wasm32-wasi -O2 -std=c11 $short -I"$source/tests/cross/cmocka" -I"$source/tests" -I"$source/src" \
            -I"$source/include" "$source/tests/$test.c" "$library" -lm -O0 -o "$test.wasm"
        run "$test.wasm"
    )
}

engine=
make_it plain
same plain
try plain test_bits clang

command -v clang-19 >/dev/null || { echo "relaxed vectors not tried: there is no clang-19"; exit 0; }
relaxed=--experimental-wasm-relaxed-simd
engine=$relaxed
# A function that calls f32x4.relaxed_madd.
node $engine -e 'process.exit(WebAssembly.validate(new Uint8Array([
    0, 97, 115, 109, 1, 0, 0, 0, 1, 8, 1, 96, 3, 123, 123, 123, 1, 123, 3, 2, 1, 0,
    10, 13, 1, 11, 0, 32, 0, 32, 1, 32, 2, 253, 133, 2, 11])) ? 0 : 1)' ||
    { echo "relaxed vectors not tried: node does not know them"; exit 0; }
make_it relaxed -DCMAKE_C_COMPILER=clang-19 -DTINYGRAD_WASM_RELAXED=ON
# What 1 + e times itself less 1 + 2 e is: e^2 where it is fused, else 0.
cat >"$build/fused.c" <<'END'
#include <stdio.h>
typedef double pair __attribute__((vector_size(16)));
int main(void)
{
    const volatile double e = 0x1p-27;
    const pair a = 1 + e - (pair){0}, c = -1 - 2 * e - (pair){0};
    puts(__builtin_wasm_relaxed_madd_f64x2(a, a, c)[0] == 0 ? "twice" : "fused");
}
END
clang-19 --target=wasm32-wasi -O2 -msimd128 -mrelaxed-simd "$build/fused.c" -O0 -o "$build/fused.wasm"
for engine in "$relaxed" "$relaxed --no-enable-fma3"; do
    echo "node $engine: $(run "$build/fused.wasm")"
    same relaxed
    try relaxed test_bits clang-19
    try relaxed test_products clang-19
done
# The option is V8's for x86.
[ "$(run "$build/fused.wasm")" = twice ] || echo "this engine fuses all the same: the library's own was not tried"

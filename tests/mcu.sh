#!/bin/sh
# mcu.sh SOURCE_DIR BUILD_DIR: examples/mcu, built for a Cortex-M4 and run by qemu as a board with that processor, in 24 KiB of
# RAM and 128 KiB of flash, which the linker holds it to: it prints what it prints on this machine, and asks for as much
# memory as it has. 77: what it needs is not installed:
#
#     apt-get install -y --no-install-recommends gcc-arm-none-eabi picolibc-arm-none-eabi qemu-system-arm
set -eu
source=$(cd "$1" && pwd)
mkdir -p "$2"
build=$(cd "$2" && pwd)
for program in arm-none-eabi-gcc qemu-system-arm; do
    command -v $program >/dev/null || { echo "skipped: there is no $program"; exit 77; }
done

make_it() { # directory, options of cmake
    where=$build/$1
    shift
    cmake -S "$source/examples/mcu" -B "$where" "$@" >"$build/log" 2>&1 &&
        cmake --build "$where" -j2 >>"$build/log" 2>&1 || { cat "$build/log"; exit 1; }
}
make_it here
make_it board -DCMAKE_TOOLCHAIN_FILE="$source/examples/mcu/cortex-m4.cmake"
arm-none-eabi-size "$build/board/iris"
"$build/here/iris" >"$build/here.out" 2>/dev/null
cat "$build/here.out"
timeout 300 qemu-system-arm -M mps2-an386 -nographic -monitor none -serial none -semihosting \
    -kernel "$build/board/iris" >"$build/board.out" 2>&1
grep -v ' bytes of memory' "$build/board.out" | cmp "$build/here.out" -
grep -x '15856 bytes of memory' "$build/board.out"

#!/bin/sh
# mcu.sh SOURCE_DIR BUILD_DIR: examples/mcu, built for a Cortex-M4 and run by qemu as a board with that processor, in 24 KiB of
# RAM and 128 KiB of flash, which the linker holds it to: it prints what it prints on this machine. The bytes that it
# learns in were predicted by tg_memory_needed(), on a board with more RAM and, where gcc makes programs of 32 bits, on
# this machine; with 16 bytes less it says that memory is out. 77: what it needs is not installed:
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
run() { # directory of the board's program
    timeout 300 qemu-system-arm -M mps2-an386 -nographic -monitor none -serial none -semihosting \
        -kernel "$build/$1/iris" >"$build/$1.out" 2>&1
}
board=-DCMAKE_TOOLCHAIN_FILE="$source/examples/mcu/cortex-m4.cmake"

make_it here
"$build/here/iris" >"$build/here.out" 2>/dev/null
cat "$build/here.out"

make_it asks "$board" -DMEMORY= -DRAM=0x400000
run asks
needed=$(sed -n 's/ bytes of memory are needed//p' "$build/asks.out")
echo "$needed bytes are needed"
if echo 'int main(void) { return 0; }' | gcc -m32 -x c -o "$build/short.try" - 2>/dev/null; then
    make_it short -DCMAKE_C_COMPILER=gcc -DTINYGRAD_ISAS=base -DCMAKE_C_FLAGS="-m32 -msse2 -mfpmath=sse -malign-double"
    "$build/short/iris" 2>&1 >"$build/short.out" | grep -x "$needed bytes of memory are needed"
    cmp "$build/here.out" "$build/short.out"
fi

make_it board "$board"
grep -qx "MEMORY:STRING=$needed" "$build/board/CMakeCache.txt"
arm-none-eabi-size "$build/board/iris"
run board
cmp "$build/here.out" "$build/board.out"

make_it less "$board" -DMEMORY=$((needed - 16))
run less && { echo "16 bytes less are enough"; exit 1; }
head -1 "$build/less.out"
grep -q ': out of memory' "$build/less.out"

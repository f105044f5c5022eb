#!/bin/sh
# cross.sh SOURCE_DIR BUILD_DIR [MACHINE...]: the tests on other machines, compiled by Debian's cross compilers and run by qemu-user,
# and what else compiles here for elsewhere. MACHINE is one of
#
#     arm64 armhf s390x             all tests, armhf with a fused multiply-add; without it test_bits
#     ppc64el riscv64 musl mingw    test_bits and an example, mingw with wine, static and as a DLL
#     tcc msvc                      the header and a program; sources as Microsoft's compiler would take them
#
# None: all. Those whose tools are absent are left out:
#
#     apt-get install -y --no-install-recommends gcc-aarch64-linux-gnu gcc-arm-linux-gnueabihf gcc-s390x-linux-gnu \
#         gcc-powerpc64le-linux-gnu gcc-riscv64-linux-gnu gcc-mingw-w64-x86-64 qemu-user wine wine64 musl-tools tcc clang
set -eu
source=$(cd "$1" && pwd)
mkdir -p "$2"
build=$(cd "$2" && pwd)
shift 2
[ $# -gt 0 ] || set -- arm64 armhf s390x ppc64el riscv64 musl mingw tcc msvc

# What looks at this machine's compiler, sources or other programs, and what takes half an hour by an emulator.
left_out='^(package|inside|other_processor|readme.*|guide|blocks|layers.*|chapters|tags|mistakes|header.*|models|test_all_floats)$'
left_out="$left_out|^test_(alloc|examples_alloc|train_fashion)\$"

triple() {
    case $1 in
    arm64) echo aarch64-linux-gnu ;;
    armhf) echo arm-linux-gnueabihf ;;
    ppc64el) echo powerpc64le-linux-gnu ;;
    *) echo "$1-linux-gnu" ;;
    esac
}

# Libraries for the machine in build/root, unpacked, with lists of packages of their own.
unpack() {
    [ ! -d "$build/$1/root" ] || return 0
    mkdir -p "$build/$1/lists/partial" "$build/$1/packages"
    chmod -R a+rwX "$build/$1"
    options="-qq -o APT::Architecture=$1 -o APT::Architectures=$1 -o Dir::State::status=/dev/null"
    options="$options -o Dir::State::lists=$build/$1/lists"
    # A list that does not come may be none of those that are needed.
    # shellcheck disable=SC2086 # several options
    (cd "$build/$1/packages" && { apt-get $options update || true; } && apt-get $options download \
        libcmocka0 libcmocka-dev libjansson4 libjansson-dev zlib1g zlib1g-dev)
    for package in "$build/$1"/packages/*.deb; do
        dpkg -x "$package" "$build/$1/root"
    done
}

quietly() {
    "$@" >"$build/log" 2>&1 || { cat "$build/log"; exit 1; }
}

suite() { # machine, flags of the compiler
    unpack "$1"
    quietly cmake -S "$source" -B "$build/$1/all" -DCMAKE_TOOLCHAIN_FILE="$source/tests/cross/linux.cmake" -DTINYGRAD_WERROR=ON \
        -DTINYGRAD_MACHINE="$(triple "$1")" -DTINYGRAD_MACHINE_ROOT="$build/$1/root" -DCMAKE_C_FLAGS="${2-}"
    quietly cmake --build "$build/$1/all" -j2
    ctest --test-dir "$build/$1/all" -j2 --output-on-failure -E "$left_out"
}

# The library by a toolchain file, or with options alone; then what it computes: directory, compiler, runner, options of cmake.
bits() {
    where=$build/$1 compiler=$2 runner=$3
    shift 3
    quietly cmake -S "$source" -B "$where" -DTINYGRAD_BUILD_TESTS=OFF -DTINYGRAD_IO=OFF -DTINYGRAD_MPI=OFF "$@"
    quietly cmake --build "$where" -j2
    example=$where/examples/cross_entropy
    [ -f "$example" ] || example=$example.exe
    # shellcheck disable=SC2086 # with arguments
    $runner "$example" | tr -d '\r' | cmp - "$source/tests/examples/cross_entropy.out"
    # Those of a system's own, without cmocka, with as many steps as sanitized programs take.
    # shellcheck disable=SC2086
    (cd "$where" && $compiler -O2 -std=c11 -DSANITIZED -I"$source/tests/cross/cmocka" -I"$source/tests" -I"$source/include" \
        "$source/tests/test_bits.c" libtinygrad.a -lm $threads -o bits.exe && $runner ./bits.exe)
}

for machine; do
    printf '\n---- %s\n' "$machine"
    threads=-pthread
    case $machine in
    arm64 | s390x)
        command -v "$(triple "$machine")-gcc" >/dev/null || { echo "left out: no compiler"; continue; }
        suite "$machine" ;;
    armhf)
        triple=$(triple armhf)
        command -v "$triple-gcc" >/dev/null || { echo "left out: no compiler"; continue; }
        # As Debian takes the machine, without a fused multiply-add, test_attention alone takes over 20 minutes here.
        bits armhf/plain "$triple-gcc" "qemu-arm -L /usr/$triple" -DTINYGRAD_MACHINE="$triple" \
            -DCMAKE_TOOLCHAIN_FILE="$source/tests/cross/linux.cmake"
        suite armhf -mfpu=neon-vfpv4 ;;
    ppc64el | riscv64)
        triple=$(triple "$machine")
        command -v "$triple-gcc" >/dev/null || { echo "left out: no compiler"; continue; }
        emulator=qemu-$machine
        [ "$machine" = riscv64 ] || emulator=qemu-ppc64le
        bits "$machine" "$triple-gcc" "$emulator -L /usr/$triple" -DTINYGRAD_MACHINE="$triple" \
            -DCMAKE_TOOLCHAIN_FILE="$source/tests/cross/linux.cmake" ;;
    musl)
        command -v musl-gcc >/dev/null || { echo "left out: no musl-gcc"; continue; }
        bits musl "musl-gcc -static" "" -DCMAKE_C_COMPILER=musl-gcc -DTINYGRAD_SHARED=OFF ;;
    mingw)
        command -v x86_64-w64-mingw32-gcc-posix >/dev/null || { echo "left out: no compiler"; continue; }
        command -v wine >/dev/null || { echo "left out: no wine"; continue; }
        threads=
        export WINEDEBUG=-all WINEPREFIX="$build/wine"
        bits mingw "x86_64-w64-mingw32-gcc-posix -static" wine -DCMAKE_TOOLCHAIN_FILE="$source/tests/cross/mingw.cmake"
        (cd "$build/mingw" && x86_64-w64-mingw32-gcc-posix -std=c11 -I"$source/include" "$source/examples/cross_entropy.c" \
            libtinygrad.dll.a -o dll.exe && wine ./dll.exe | tr -d '\r' | cmp - "$source/tests/examples/cross_entropy.out") ;;
    tcc)
        command -v tcc >/dev/null || { echo "left out: no tcc"; continue; }
        quietly cmake -S "$source" -B "$build/tcc" -DTINYGRAD_BUILD_TESTS=OFF -DTINYGRAD_BUILD_EXAMPLES=OFF
        quietly cmake --build "$build/tcc" -j2 --target tinygrad_shared
        tcc -Wall -Werror -I"$source/include" "$source/examples/cross_entropy.c" "$build/tcc/libtinygrad.so" -o "$build/tcc/program"
        LD_LIBRARY_PATH=$build/tcc "$build/tcc/program" | cmp - "$source/tests/examples/cross_entropy.out" ;;
    msvc)
        command -v clang >/dev/null || { echo "left out: no clang"; continue; }
        sh "$source/tests/cross/msvc.sh" "$source" ;;
    esac
    echo "$machine: passed"
done

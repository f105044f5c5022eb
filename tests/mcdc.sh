#!/bin/sh
# mcdc.sh WORK_DIR: MC/DC of what is to be read in one sitting, memory, tape, record and backward: whether the tests show of
# each part of each condition that it decides alone, as gcc 14 measures it (-fcondition-coverage). train and look are
# compiled so as well, for what they make of those folders' headers. Where gcc here is older that happens in a new Debian
# 13; as root; run by .ci/long. Prints what is not shown, and fails where there is such. "mcdc.sh compile COMMAND..." is
# how one file is compiled, "mcdc.sh inside" what runs in the new system.
set -eu

folders="memory|tape|record|backward"
limit=100
if [ "$1" = compile ]; then
    shift
    for argument; do
        case $argument in
        */src/memory/*.c | */src/tape/*.c | */src/record/*.c | */src/backward/*.c | */src/train/*.c | */src/look/*.c)
            exec "$@" -O0 --coverage -fcondition-coverage ;;
        esac
    done
    exec "$@"
fi

measure() { # source, build
    cmake -S "$1" -B "$2" -DCMAKE_BUILD_TYPE=Debug -DCMAKE_C_FLAGS_DEBUG=-O1 -DTINYGRAD_ISAS=base -DTINYGRAD_SHARED=OFF \
        -DTINYGRAD_BUILD_EXAMPLES=OFF -DTINYGRAD_INSTALL=OFF -DCMAKE_C_FLAGS="-march=native" -DCMAKE_EXE_LINKER_FLAGS=--coverage \
        -DCMAKE_C_COMPILER_LAUNCHER="sh;$1/tests/mcdc.sh;compile" >"$2.log" || { cat "$2.log"; return 1; }
    cmake --build "$2" -j2 >"$2.log" 2>&1 || { tail -n 40 "$2.log"; return 1; }
    find "$2" -name '*.gcda' -delete
    (cd "$2" && ctest -j2 --timeout 3600 --output-on-failure -R '^(test_|fuzz_)' \
        -E '^test_(accuracy_.*|all_floats|bits|threads|train_fashion|examples_alloc|alloc)$') >"$2.log" 2>&1 ||
        { tail -n 60 "$2.log"; return 1; }
    (cd "$1/tests" && "$2/tests/test_alloc") >"$2.log" 2>&1 || { tail -n 20 "$2.log"; return 1; } # beyond ctest's limit of time
    python3 "$1/tests/coverage.py" --conditions "$folders" "$1" "$2" "$limit"
}

if [ "$1" = inside ]; then
    measure /libtinygrad /build
    exit
fi

here=$(cd "$(dirname "$0")/.." && pwd)
mkdir -p "$1"
if gcc -fcondition-coverage --coverage -E - </dev/null >/dev/null 2>&1; then
    measure "$here" "$1/mcdc"
    exit
fi
root=$1/trixie
mirror=$(grep -rhoE '(http|https)://[^ ]*/debian/?( |$)' /etc/apt/sources.list /etc/apt/sources.list.d 2>/dev/null | head -n 1 | tr -d ' ')
[ -x "$root/usr/bin/gcc" ] || debootstrap --variant=minbase \
    --include=gcc,libc6-dev,cmake,make,python3,libcmocka-dev,libjansson-dev,zlib1g-dev \
    trixie "$root" "${mirror:-http://deb.debian.org/debian}" >"$1/log" 2>&1 || { tail -n 20 "$1/log"; exit 1; }
[ -c "$root/dev/null" ] || mknod -m 666 "$root/dev/null" c 1 3 || touch "$root/dev/null"
rm -rf "$root/libtinygrad" "$root/build"
mkdir "$root/libtinygrad"
(cd "$here" && tar cf - CMakeLists.txt README.md src include examples tests) | tar xf - -C "$root/libtinygrad"
chroot "$root" sh /libtinygrad/tests/mcdc.sh inside

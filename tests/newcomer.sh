#!/bin/sh
# newcomer.sh SUITE WORK_DIR: what README tells a newcomer, word for word, in a new Debian system (debootstrap's SUITE) that
# has nothing else: from git clone of what is committed here to a network that is trained in a directory of his own,
# by a command, by make, by CMake that gets the library, and installed, by CMake and pkg-config; with a newer compiler
# than Debian 12's the tests as well.
# As root; takes minutes; run by .ci/long. "newcomer.sh inside" is the part that runs in the new system.
set -eu

block() {
    sh /libtinygrad/tests/block.sh /libtinygrad/README.md "$@"
}
check() { # what it is, program
    "$2" | diff /own/expected -
    echo "ok: $1"
}

if [ "$1" = inside ]; then
    cd /
    sh -c "$(sed -n 's/^    \(git clone.*libtinygrad\) .*/\1/p' /address/README.md | sed 's,ADDRESS,/address,')"
    pwd
    cd /libtinygrad
    sh -c "$(block sh 1)" >/log 2>&1 || { tail -n 40 /log; exit 1; }
    tail -n 12 /log
    grep -qF 'tensor(2.7256)' /log

    mkdir /own
    cd /own
    block c 1 >program.c
    block text 2 >expected
    sh -c "$(block sh 3)" | diff expected -
    echo "ok: by the command"
    block make 1 >Makefile
    make -s clean
    make -s
    check "by make" ./program

    block cmake 1 | sed 's,ADDRESS,/address,' >CMakeLists.txt
    cmake -S . -B fetched >/log 2>&1 && cmake --build fetched -j2 >/log 2>&1 || { tail -n 40 /log; exit 1; }
    check "by CMake, which gets it" fetched/program

    cmake --install /libtinygrad/build >/log 2>&1 || { tail -n 40 /log; exit 1; }
    awk '/FetchContent/ { if (!done++) print "find_package(tinygrad REQUIRED)"; next } { print }' CMakeLists.txt >found.txt
    mkdir found
    cp program.c found
    cp found.txt found/CMakeLists.txt
    cmake -S found -B found/build >/log 2>&1 && cmake --build found/build >/log 2>&1 || { tail -n 40 /log; exit 1; }
    check "installed, by CMake" found/build/program

    apt-get install -y --no-install-recommends pkg-config >/log 2>&1
    for library in tinygrad tinygrad-static; do
        line=$(grep -o '`cc -O2 program.c $(pkg-config[^`]*`' /libtinygrad/README.md | tr -d '`' | sed "s/tinygrad)/$library)/")
        rm -f program
        sh -c "$line"
        check "installed, by pkg-config $library" ./program
    done

    # README's tests, where the compiler is newer than the one of .ci/run, with its warnings as errors. Without /dev/pts
    # there are no terminals.
    if [ "$(gcc -dumpversion)" -gt 12 ]; then
        cd /libtinygrad
        tests=$(block sh 2 | sed 's/-DTINYGRAD_BUILD_TESTS=ON/& -DTINYGRAD_WERROR=ON/; s/ctest/& -E terminal/')
        sh -c "$tests" >/log 2>&1 || { tail -n 100 /log; exit 1; }
        echo "gcc $(gcc -dumpversion): $(grep '% tests passed' /log)"
    fi
    exit 0
fi

suite=$1 root=$2/$1
here=$(cd "$(dirname "$0")/.." && pwd)
mirror=$(grep -rhoE '(http|https)://[^ ]*/debian/?( |$)' /etc/apt/sources.list /etc/apt/sources.list.d 2>/dev/null | head -n 1 | tr -d ' ')
debootstrap --variant=minbase --include=git,ca-certificates "$suite" "$root" "${mirror:-http://deb.debian.org/debian}" >"$2/log" 2>&1 ||
    { tail -n 20 "$2/log"; exit 1; }
cat "$root/etc/debian_version"
# The network as here, and where a program may not mount, enough of /dev.
cp /etc/resolv.conf /etc/hosts "$root/etc/" 2>/dev/null || true
[ -c "$root/dev/null" ] || mknod -m 666 "$root/dev/null" c 1 3 || touch "$root/dev/null"
git clone -q "$here" "$root/address"
git config --file "$root/root/.gitconfig" safe.directory '*'
cp "$0" "$root/newcomer.sh"
git -C "$root/address" checkout -q -B main
chroot "$root" sh /newcomer.sh inside

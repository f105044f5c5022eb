#!/bin/sh
# run.sh BUILD_DIR CMAKE C_COMPILER IO MPI: installs into an empty prefix, moves that, and builds outside
# programs against it by find_package and by pkg-config. Each must start as it is and print the
# document's example. IO is 1 where tinygrad-io was built, MPI where
# tinygrad-mpi was; else nobody may find it.
set -eu
build=$1 cmake=$2 cc=$3 io=$4 mpi=$5
here=$(cd "$(dirname "$0")" && pwd)
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

check() {
    name=$1
    shift
    first=$("$@" | head -n 1)
    echo "$name: $first"
    [ "$first" = "tensor(2.7256)" ]
}

# Whether a program needs no library of ours.
alone() {
    ! readelf -dW "$1" | grep NEEDED | grep -F tinygrad
}

"$cmake" --install "$build" --prefix "$work/first" >"$work/log"
mv "$work/first" "$work/prefix"
prefix=$work/prefix

cxx=
echo 'int main() { return 0; }' >"$work/probe.cc"
if "$cc" "$work/probe.cc" -o "$work/probe" 2>/dev/null; then
    cxx=1
else
    echo "no C++ compiler here: C++ programs left out"
fi

"$cmake" -S "$here" -B "$work/find" -DCMAKE_PREFIX_PATH="$prefix" -DCMAKE_C_COMPILER="$cc" \
    -DCMAKE_BUILD_TYPE=Release -DOUTSIDE_CXX="$cxx" -DOUTSIDE_IO="$io" -DOUTSIDE_MPI="$mpi" >"$work/log" || { cat "$work/log"; exit 1; }
"$cmake" --build "$work/find" >"$work/log" || { cat "$work/log"; exit 1; }
for program in "$work"/find/c_* "$work"/find/cxx_*; do
    [ ! -x "$program" ] || check "find_package $(basename "$program")" "$program"
done
[ -x "$work/find/c_default" ] && [ -x "$work/find/c_static" ] && [ -x "$work/find/c_shared" ]

if ! command -v pkg-config >/dev/null; then
    echo "pkg-config is not installed"
    exit 1
fi
pc=$(find "$prefix" -name tinygrad.pc)
PKG_CONFIG_PATH=$(dirname "$pc")
export PKG_CONFIG_PATH
for language in c ${cxx:+c++}; do
    case $language in
    c) main=main.c ;;
    *) main=main.cc ;;
    esac
    # The flags are lists of words.
    "$cc" "$here/$main" -o "$work/shared" $(pkg-config --cflags --libs tinygrad)
    check "pkg-config $language shared" "$work/shared"
    version=$("$work/shared" | tail -n 1)
    [ "$version" = "$(pkg-config --modversion tinygrad)" ]
    # Before 1.0 a program asks for the minor version that it was built with.
    readelf -dW "$work/shared" | grep NEEDED | grep -qF "[libtinygrad.so.${version%.*}]"
    "$cc" "$here/$main" -o "$work/static" -static $(pkg-config --static --cflags --libs tinygrad)
    check "pkg-config $language static" "$work/static"
    "$cc" "$here/$main" -o "$work/archive" $(pkg-config --cflags --libs tinygrad-static)
    check "pkg-config $language, tinygrad from the archive" "$work/archive"
    alone "$work/archive"
done

if [ "$io" = 1 ]; then
    [ -x "$work/find/c_io" ] && [ -x "$work/find/c_io_static" ] && [ -x "$work/find/c_io_shared" ]
    "$cc" "$here/io.c" -o "$work/shared" $(pkg-config --cflags --libs tinygrad-io)
    check "pkg-config io shared" "$work/shared"
    "$cc" "$here/io.c" -o "$work/static" -static $(pkg-config --static --cflags --libs tinygrad-io)
    check "pkg-config io static" "$work/static"
    "$cc" "$here/io.c" -o "$work/archive" $(pkg-config --cflags --libs tinygrad-io-static)
    check "pkg-config io, tinygrad from the archives" "$work/archive"
    alone "$work/archive"
else
    [ -z "$(find "$prefix" -name '*io.h' -o -name '*tinygrad-io*' -o -name '*tinygrad_io*')" ]
    ! "$cmake" -S "$here" -B "$work/none" -DCMAKE_PREFIX_PATH="$prefix" -DOUTSIDE_IO=1 \
        -DCMAKE_C_COMPILER="$cc" >"$work/log" 2>&1
    grep -q 'component io was not built' "$work/log"
    echo "tinygrad-io was not built, is not installed and not found"
fi

if [ "$mpi" = 1 ]; then
    [ -x "$work/find/c_mpi" ] && [ -x "$work/find/c_mpi_static" ] && [ -x "$work/find/c_mpi_shared" ]
    "$cc" "$here/mpi.c" -o "$work/shared" $(pkg-config --cflags --libs tinygrad-mpi)
    check "pkg-config mpi shared" "$work/shared"
    "$cc" "$here/mpi.c" -o "$work/archive" $(pkg-config --cflags --libs tinygrad-mpi-static)
    check "pkg-config mpi, tinygrad from the archives" "$work/archive"
    alone "$work/archive"
else
    [ -z "$(find "$prefix" -name '*mpi.h' -o -name '*tinygrad-mpi*' -o -name '*tinygrad_mpi*')" ]
    ! "$cmake" -S "$here" -B "$work/no_mpi" -DCMAKE_PREFIX_PATH="$prefix" -DOUTSIDE_MPI=1 \
        -DCMAKE_C_COMPILER="$cc" >"$work/log" 2>&1
    grep -q 'component mpi was not built' "$work/log"
    echo "tinygrad-mpi was not built, is not installed and not found"
fi

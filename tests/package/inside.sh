#!/bin/sh
# inside.sh CMAKE C_COMPILER: tinygrad as a part of another project, README's, which has no build type; installed from
# there when one program alone was built; without shared libraries; and for a system that has none.
set -eu
cmake=$1 cc=$2
here=$(cd "$(dirname "$0")" && pwd)
root=$(cd "$here/../.." && pwd)
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

quietly() {
    "$@" >"$work/log" 2>&1 || { cat "$work/log"; echo "FAILED: $*"; exit 1; }
}
block() {
    sh "$root/tests/block.sh" "$root/README.md" "$@"
}
configure() { # build directory, options
    build=$work/$1
    shift
    quietly "$cmake" -S "$work/project" -B "$build" -DFETCHCONTENT_SOURCE_DIR_TINYGRAD="$root" -DCMAKE_C_COMPILER="$cc" "$@"
}
check() {
    "$2" | diff "$work/expected" -
    echo "$1"
}
none() { # what must not be; standard input has it
    if grep .; then
        echo "FAILED: $1"
        exit 1
    fi
    echo "ok: no $1"
}

mkdir "$work/project"
block cmake 1 | sed "/^project/r $here/around.cmake" >"$work/project/CMakeLists.txt"
cat >>"$work/project/CMakeLists.txt" <<END
if(WITH_PLUGIN)
    add_library(plugin MODULE $here/plugin.c)
    target_link_libraries(plugin PRIVATE tinygrad::static)
endif()
END
block c 1 >"$work/project/program.c"
block text 2 >"$work/expected"

configure plain -DTINYGRAD_INSTALL=ON
sed -n 's/^ *"command": //p' "$work/plain/compile_commands.json" >"$work/commands"
grep -q 'src/kernels/.*\.c' "$work/commands"
grep 'src/[a-z]*/.*\.c' "$work/commands" | grep -v ' -O[23] ' | none "file of the library that is not optimised"
# What is asked for is taken, here for the speed of the test: no optimising, and one instruction set, of x86 not the
# plain one where the machine has another.
configure plain -DCMAKE_C_FLAGS=-O0 -DTINYGRAD_ISAS=native
case $(grep -o -m 1 'flags.* avx2 ' /proc/cpuinfo | head -n 1) in
?*) grep 'src/kernels/gemm\.c' "$work/plain/compile_commands.json" | grep -q -e '-DTGK_NO_BASE' ;;
esac
grep 'src/kernels/gemm\.c' "$work/plain/compile_commands.json" | grep -q -e '-DTGK_NO_'
grep 'src/kernels/.*\.c' "$work/plain/compile_commands.json" | grep ' -O[23] ' | none "optimising against the flags"
quietly "$cmake" --build "$work/plain" -j2 --target program
check "inside another project" "$work/plain/program"

# Only what the program needs is built now.
quietly "$cmake" --install "$work/plain" --prefix "$work/prefix"
PKG_CONFIG_PATH=$(dirname "$(find "$work/prefix" -name tinygrad.pc)")
export PKG_CONFIG_PATH
"$cc" "$work/project/program.c" -o "$work/program" $(pkg-config --cflags --libs tinygrad)
check "installed when a program was built" "$work/program"

configure static -DTINYGRAD_INSTALL=ON -DTINYGRAD_SHARED=OFF -DTINYGRAD_WERROR=ON -DTINYGRAD_ISAS=base \
    -DCMAKE_BUILD_TYPE=Debug \
    -DCMAKE_C_FLAGS_DEBUG= -DWITH_PLUGIN=ON
grep 'src/kernels/.*\.c' "$work/static/compile_commands.json" | grep ' -O[23] ' | none "optimising in a debug build"
quietly "$cmake" --build "$work/static" -j2 --target program plugin
check "static library alone" "$work/static/program"
nm -D --defined-only "$work/static/libplugin.so" | grep -q ' plugin_loss$'
nm -D --defined-only "$work/static/libplugin.so" | grep -v ' plugin_loss$' | none "function of tinygrad that a plugin shows"
quietly "$cmake" --install "$work/static" --prefix "$work/archive"
find "$work/archive" "$work/static" -name 'libtinygrad*.so*' | none "shared library"
PKG_CONFIG_PATH=$(dirname "$(find "$work/archive" -name tinygrad.pc)")
"$cc" "$work/project/program.c" -o "$work/program" $(pkg-config --cflags --libs tinygrad)
check "the archive alone by pkg-config" "$work/program"

configure generic -DCMAKE_SYSTEM_NAME=Generic
"$cmake" --build "$work/generic" --target help | grep tinygrad_shared | none "shared library where the system has none"

#!/bin/sh
# msvc.sh SOURCE_DIR: the core's sources, as far as clang can tell here what its target for Microsoft's linker and C library would
# make of them: with mingw-w64's headers in place of Microsoft's. Microsoft's own compiler has no vector types, which
# kernels/row_sum.h is written in.
set -eu
cd "$1"
failed=0
for file in $(find src -name '*.c' ! -path 'src/io/*' ! -path 'src/mpi/*' | sort); do
    clang --target=x86_64-pc-windows-msvc -fgnuc-version=4.2.1 -std=c11 -Wall -Wextra -Wno-ignored-attributes -Wno-builtin-macro-redefined \
        -isystem /usr/x86_64-w64-mingw32/include -DTG_CHAPTERS -DTGK_NO_THREADS -DTGK_NO_V3 -DTGK_NO_V4 -DTG_API= -Iinclude -Isrc \
        -fsyntax-only "$file" || failed=$((failed + 1))
done
echo "files that do not compile: $failed"
[ "$failed" -eq 0 ]

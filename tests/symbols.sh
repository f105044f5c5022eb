#!/bin/sh
# symbols.sh SOURCE_DIR STATIC_LIBRARY SHARED_LIBRARY [io|mpi]: what the built libraries show and need; with
# "io" those of tinygrad-io, with "mpi" those of tinygrad-mpi.
# Relies on nm and readelf, and on an ELF system with the GNU C library.
set -eu
export LC_ALL=C
root=$1 archive=$2 shared=$3
if [ "${4-}" = io ]; then
    soname=libtinygrad_io.so.0.1 headers=$root/include/tinygrad/io.h least=6
    libraries='libc|libpthread|libtinygrad|libjansson|libz|ld-linux.*' allocators='no file'
    symbols='tg_|json_|jansson_|deflate|inflate|crc32_z'
elif [ "${4-}" = mpi ]; then
    soname=libtinygrad_mpi.so.0.1 headers=$root/include/tinygrad/mpi.h least=10
    libraries='libc|libm|libpthread|libtinygrad|libmpi|libmpich|ld-linux.*' allocators='no file' symbols='tg_|MPI_|ompi_'
else
    soname=libtinygrad.so.0.1 headers=$(ls "$root"/include/tinygrad/*.h | grep -v '/\(io\|mpi\).h') least=50
    libraries='libc|libm|libpthread|ld-linux.*' allocators='arena.c.o' symbols='nothing else'
fi
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

# Fails, with a heading, if standard input has a line.
expect_none() {
    found=$(cat)
    if [ -n "$found" ]; then
        printf 'FAILED: %s:\n%s\n' "$1" "$found"
        touch "$work/failed" # a variable would be lost: this runs in a pipeline's subshell
    else
        printf 'ok: none: %s\n' "$1"
    fi
}

# Comments go first: they may show calls. A declaration may be broken over lines.
cat $headers | tr '\n' ' ' |
    sed 's|/\*[^*]*\*\**\([^*/][^*]*\*\**\)*/| |g' | tr ';{}' '\n\n\n' |
    sed -n 's/.*TG_API [^(]*[ *]\(tg_[a-z0-9_]*\)(.*/\1/p' | sort -u >"$work/declared"
nm -D --defined-only "$shared" | awk '{print $3}' | sort -u >"$work/exported"
echo "declared with TG_API: $(wc -l <"$work/declared"), exported: $(wc -l <"$work/exported")"
[ "$(wc -l <"$work/declared")" -ge $least ]
comm -23 "$work/declared" "$work/exported" | expect_none "declared but not exported"
comm -13 "$work/declared" "$work/exported" | expect_none "exported but not declared"

# OBJECT SYMBOL for each undefined symbol of the archive.
nm -A -u "$archive" | awk '{n = split($1, part, ":"); print part[n - 1] != "" ? part[n - 1] : part[n], $NF}' \
    >"$work/undefined"
[ -s "$work/undefined" ]
pattern='abort|_?_?_?exit|_Exit|quick_exit|atexit|v?printf|__v?printf_chk|puts|putchar|perror'
pattern="$pattern|stdin|stdout|stderr|__assert.*|s?rand(om|_r|48)?|raise|signal|sigaction|longjmp|setlocale"
grep -E " ($pattern)\$" "$work/undefined" | expect_none "objects that stop, print or keep global state"
pattern='malloc|calloc|realloc|reallocarray|free|aligned_alloc|posix_memalign|memalign|valloc|strn?dup|sbrk'
grep -E " ($pattern)\$" "$work/undefined" | grep -v "^$allocators " |
    expect_none "objects other than $allocators that allocate"

# Constants with addresses in them lie in .data.rel.ro, which is read-only once a program runs.
readelf -SW "$archive" | sed 's/^ *\[ *[0-9]*\]//' |
    awk '/^File:/ {file = $2}
         $1 ~ /^\.(data|bss|tdata|tbss|sdata|sbss|ldata|lbss)/ && $1 !~ /^\.data\.rel\.ro/ &&
         $5 !~ /^0+$/ {print file, $1}' | expect_none "writable globals"
nm -A "$archive" | awk '$(NF - 1) == "C"' | expect_none "common symbols"

readelf -dW "$shared" | sed -n 's/.*(NEEDED).*\[\(.*\)\]/\1/p' >"$work/needed"
grep -Ev "^($libraries)\.so" "$work/needed" | expect_none "libraries other than $libraries"
nm -D --undefined-only "$shared" | awk '$1 != "w" {print $NF}' | grep -v '@GLIBC_' |
    grep -Ev "^($symbols)" | expect_none "undefined symbols that are not the C library's or $symbols"
readelf -dW "$shared" | grep SONAME | grep -vF "[$soname]" | expect_none "another soname"
[ ! -e "$work/failed" ]

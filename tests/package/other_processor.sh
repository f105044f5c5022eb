#!/bin/sh
# other_processor.sh SOURCE_DIR C_COMPILER: as much as can be seen here of a build for a processor that is not an x86:
# the kernels compile without warnings where the compiler does not say that it is one.
set -eu
root=$1 cc=$2
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

# The system's headers are those of this machine, and come before.
{
    echo '#define _GNU_SOURCE'
    cat "$root"/src/kernels/*.[ch] "$root"/src/kernels/*/*.[ch] 2>/dev/null | grep -oE '^#include <[a-z/]*\.h>' |
        grep -vE 'intrin|cpuid|cblas|tinygrad|windows' | sort -u
    printf '#undef __x86_64__\n#undef __i386__\n#undef _GNU_SOURCE\n#undef _POSIX_C_SOURCE\n'
} >"$work/before.h"

warnings="-Wall -Wextra -Wpedantic -Wconversion -Wshadow -Wdouble-promotion -Wstrict-prototypes -Wmissing-prototypes"
files=0
for file in $(find "$root/src/kernels" -name '*.c'); do
    files=$((files + 1))
    "$cc" -std=c11 -include "$work/before.h" -I"$root/include" -I"$root/src" -DTG_CHAPTERS $warnings -Werror \
        -S -o "$work/out.s" "$file"
    [ "$file" != "$root/src/kernels/gemm.c" ] || ! grep -qi 'ymm\|zmm' "$work/out.s"
done
echo "$files files"
[ "$files" -gt 10 ]

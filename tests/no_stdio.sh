#!/bin/sh
# no_stdio.sh SOURCE_DIR C_COMPILER: the library without stdio, threads and instruction sets of its own choice, as for a
# microcontroller, asks the C library for nothing but what is listed here: memory and strings, mathematics, what gives memory
# where a program gives none, a clock. It is compiled without optimising, which is quick and hides no call. Relies on nm.
set -eu
source=$1 cc=$2
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$source"
find src -name '*.c' ! -path 'src/io/*' ! -path 'src/mpi/*' |
    grep -Ev '^src/look/(dot|print|memory_table|profile_table)\.c$' >"$work/sources"
[ "$(wc -l <"$work/sources")" -gt 100 ]
while read -r file; do
    echo "$file $work/$(echo "$file" | tr / _).o"
done <"$work/sources" |
    xargs -P 2 -n 2 sh -c '"$0" -std=c11 -O0 -ffp-contract=off -fno-math-errno -DTG_CHAPTERS -DTGK_NO_STDIO -DTGK_NO_THREADS \
        -DTGK_NO_V3 -DTGK_NO_V4 -Isrc -Iinclude -c "$1" -o "$2"' "$cc"
nm "$work"/*.o | awk 'NF == 3 { print $3 }' >"$work/made"
nm "$work"/*.o | awk 'NF == 2 && $1 == "U" { print $2 }' | sort -u | grep -vxFf "$work/made" >"$work/asked"
memory='malloc|free|mem(chr|cmp|cpy|move|set)|str(chr|cmp|len|ncmp|ncpy|str|tod|tof)|clock_gettime'
modes='feholdexcept|fesetenv|fesetround'
mathematics='(atan2|ceil|copysign|cos|exp|fabs|floor|fmax|fmin|fma|fmod|frexp|ilogb|ldexp|log|log1p|pow|rint|scalbn|sin|sqrt|tan|trunc)f?'
compiler='_GLOBAL_OFFSET_TABLE_|__stack_chk_fail|__[a-z]*[ds][if][0-9]'
echo "asked for: $(tr '\n' ' ' <"$work/asked")"
if grep -vxE "$memory|$modes|$mathematics|$compiler" "$work/asked"; then
    echo "FAILED: what stands above is asked for, too"
    exit 1
fi
grep -qx memcpy "$work/asked"

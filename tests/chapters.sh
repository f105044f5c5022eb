#!/bin/sh
# chapters.sh SOURCE_DIR CC: a prototype that changes rebuilds its chapter's users alone. Asks the compiler what each
# file of src includes; a finding is a chapter, or the whole of tinygrad.h, that its floor has no use for.
set -eu
cc=$2
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$1"

# -MG: the headers of other libraries need not be there.
"$cc" -std=c11 -DTG_CHAPTERS -Iinclude -Isrc -MM -MG $(find src -name '*.c') |
    awk '/^[^ ]/ { file = "" }
         { for (i = 1; i <= NF; i++)
               if (file == "" && $i ~ /^src\//) file = $i
               else if (sub(/^include\//, "", $i)) print file, $i }' | sort -u >"$work/includes"

floor() { # FLOOR CHAPTER...: those that its files may include
    pattern="^src/$1/[^/]*\.c tinygrad/"
    shift
    grep "$pattern" "$work/includes" | grep -vE " tinygrad/($(echo "$*" | tr ' ' '|'))\.h$" || true
    grep -v "$pattern" "$work/includes" >"$work/rest" || true
    mv "$work/rest" "$work/includes"
}

printf '%4d files in src\n' "$(find src -name '*.c' | wc -l)"
for chapter in core ops nn train look; do
    users=$(grep -c " tinygrad/$chapter\.h$" "$work/includes") || true
    printf '%4d depend on tinygrad/%s.h\n' "$users" "$chapter"
    [ "$users" -gt 0 ]
done
{
    floor tape core op
    floor record core op
    floor ops core op ops
    floor ops/nn core op ops nn
    floor backward core op ops
    floor train core op train
    floor look core op ops look
    floor nn core op ops nn train
    floor io core op ops train io
    floor mpi core op ops train mpi
    cat "$work/includes" # memory, random and kernels include none, nobody the whole
} >"$work/findings"
cat "$work/findings"
printf '%d findings\n' "$(wc -l <"$work/findings")"
[ ! -s "$work/findings" ]

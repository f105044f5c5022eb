#!/bin/sh
# readme.sh SOURCE_DIR: what README and the pages of src/doc point at is there: links, paths, each floor of src on the
# map, and the functions of the tour, whose five stops are short enough to be read in one sitting.
set -eu
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$1"
failed=0
fail() {
    echo "$*"
    failed=1
}

# What tests/add_op is going to add need not be there.
paths=$(cat README.md src/doc/*.md | sed 's,build/[A-Za-z0-9_/.]*,,g' |
    grep -oE '(src|tests|examples|include|\.ci)/[A-Za-z0-9_./]*[A-Za-z0-9_]' | sort -u)
for path in $paths; do
    [ -e "$path" ] || [ -e "tests/add_op/$(basename "$path")" ] || fail "there is no $path"
done
for folder in $(find src -name '*.c' | sed 's,^\(src/[a-z]*/\).*,\1,' | sort -u); do
    grep -qF " $folder " src/doc/working.md || fail "$folder is not on the map"
done

# Each stop is an item that begins with its files.
stops=0
sed -n '/^A tour for readers/,/^An operation/p' src/doc/working.md | sed 's/^[0-9]\. /@/; s/^   //' | tr '@\n' '\n ' |
    grep '^`' >"$work/stops" || true
while read -r stop; do
    stops=$((stops + 1))
    files=$(echo "$stop" | sed 's/:.*//' | tr -d '`' | sed 's,[^ ]*/,src/&,g')
    lines=$(cat $files | wc -l) # a pattern is many files
    printf '%4d lines: %s\n' "$lines" "$files"
    [ "$lines" -lt 700 ] || fail "stop $stops is too long"
    for name in $(echo "$stop" | sed 's/^[^:]*://' | grep -oE '`[a-z_]+(\(\))?`' | tr -d '`()'); do
        grep -qwF "$name" $files || fail "stop $stops has no $name"
    done
done <"$work/stops"
[ "$stops" -eq 5 ] || fail "$stops stops"
[ "$failed" = 0 ]

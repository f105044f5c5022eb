#!/bin/sh
# tags.sh SOURCE_DIR: universal-ctags, and so every editor, finds the function behind each
# .forward and .backward of an operation.
set -eu
if ! ctags --version 2>/dev/null | grep -q "Universal Ctags"; then
    echo "left out: universal-ctags is not installed"
    exit 77
fi
cd "$1/src"
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
find . -name '*.[ch]' -o -name '*.inc' | sort >"$work/files"

# What stands in an initialiser, by name or by place. A name that a macro pastes together keeps its ##,
# and is never found.
xargs grep -hoE '\.(forward|backward) = [A-Za-z0-9_#]+|[A-Za-z0-9_#]+_(forward|backward)[,}]' \
    <"$work/files" | sed 's/.* = //; s/[,}]$//' | sort -u >"$work/wanted"
ctags -x --kinds-c=f -L "$work/files" | awk '{ print $1 }' | sort -u >"$work/found"
comm -23 "$work/wanted" "$work/found" >"$work/missing"
printf '%d functions of operations, %d not found\n' \
    "$(wc -l <"$work/wanted")" "$(wc -l <"$work/missing")"
cat "$work/missing"
[ -s "$work/wanted" ] && [ ! -s "$work/missing" ]

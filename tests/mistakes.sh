#!/bin/sh
# mistakes.sh SOURCE_DIR: the reference's page of classic mistakes has the rows of test_mistakes.c, in its
# order, with the same errors.
set -eu
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

# NAME|STATUS|PART OF THE MESSAGE
sed -n 's/^    ROW(\([a-z0-9_]*\), \(TG_[A-Z]*\), "\(.*\)"),$/\1|\2|\3/p' "$1/tests/test_mistakes.c" |
    sed 's/\\"/"/g; s/ *$//' >"$work/test"
sed -n -e 's/^| `\([a-z0-9_]*\)` | .* | `\(TG_E[A-Z]*\)`: `\([^`]*\)` | .*/\1|\2|\3/p;t' \
    -e 's/^| `\([a-z0-9_]*\)` | .* | .* | .* |$/\1|TG_OK|/p' "$1/src/doc/mistakes.md" >"$work/page"
echo "$(wc -l <"$work/test") mistakes"
[ "$(wc -l <"$work/test")" -ge 56 ]
diff "$work/test" "$work/page"
